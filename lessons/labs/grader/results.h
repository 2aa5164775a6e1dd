/* results.h - what the grader leaves behind: results.json in Gradescope's format, and lines that GitHub shows. */
#ifndef LAB_RESULTS_H
#define LAB_RESULTS_H

#include <stdint.h>
#include <stdio.h>

#include "error.h"
#include "outcome.h"
#include "terms.h"
#include "walls.h"

/* A task that was graded. */
typedef struct Graded {
    Outcome outcome;
    Terms terms;
    double score;     /* late or not, what it counts */
    char file[16];    /* lab3.c */
    int line;         /* where its function stands; 0: nowhere */
    bool long_double; /* its lab calls functions of more digits than a double has */
} Graded;

typedef struct Results {
    uint64_t seed; /* grades the same submission on the same numbers again */
    const Walls *walls;
    double seconds;
    int count;
    Graded graded[MOST_TASKS];
} Results;

/* The file when there are no results: no points, and why. It is written before all else too, so that a grader that is
 * killed leaves a file that says so. */
bool results_write_none(const char *path, const char *why, Error *error);

/* The file with all results, in place of the one before. */
bool results_write(const Results *results, const char *path, Error *error);

/* A right result, and perhaps not by a formula but by a nudge: it is less exact than formulas are, or the lab computes
 * in long double, in which a nudge can be as exact. It has its points; a teacher may want to look. */
bool results_is_measured(const Graded *graded);

/* What there is to say of a task that is right: how late it was, and that it may have been measured. The second is for
 * the teacher alone: it does not stand in the results. */
void results_print_remarks(const Graded *graded, FILE *out);

/* The points of all tasks together, and those there are. */
double results_score(const Results *results);
double results_most(const Results *results);

#endif
