/* terms.h - what each task is worth, who sees its result when, and until when it may be handed in: the teacher's table.
 *
 *     Terms terms[MOST_TASKS];                  // in the order of tasks[]
 *     if (!terms_read("terms.txt", terms, &error)) ...
 *     double score = terms_score(&terms[i], terms[i].points, submitted);
 *
 * The table is a text file with a row for every task, for one lab or for one task; lessons/labs/terms.txt explains it.
 */
#ifndef LAB_TERMS_H
#define LAB_TERMS_H

#include "calls.h"
#include "error.h"

typedef struct Terms {
    double points;       /* what a right answer in time is worth */
    char visibility[24]; /* Gradescope's word: hidden, after_due_date, after_published or visible */
    double due;          /* the last second in time, counted from 1970; NAN: there is no deadline */
    double late_percent; /* of the points that are kept when it is late */
} Terms;

/* The terms of all tasks where nobody says otherwise: the points of lab.h, visible, no deadline. */
void terms_default(Terms terms[MOST_TASKS]);

/* Read the table; what it does not mention keeps its default. False, with PATH:LINE and the reason in *error, when it
 * cannot be read or a row is wrong. */
bool terms_read(const char *path, Terms terms[MOST_TASKS], Error *error);

/* What `won` of the task's points count when they are handed in at `submitted` (from terms_time; NAN: not known, and
 * then it was in time). */
double terms_score(const Terms *terms, double won, double submitted);

/* A time such as 2027-03-01T23:59:00+01:00 or …Z, perhaps with a fraction of a second, as seconds from 1970. False
 * where the text is none; without a zone it is none, since a grader's machine may stand anywhere. */
bool terms_time(const char *text, double *seconds);

#endif
