/* answers.h - what a task is tried on: points, the right results, and those of known mistakes.
 *
 * The grader computes them from a seed of its own, with the reference (grader/compute.c). For the folder that is handed
 * out it writes them to a file, check/answers/3.2.txt, which holds numbers and no code:
 *
 *     point 3 5 15 2                  the numbers of task->in, and of task->secret
 *     want 10 6                       those of task->out; not where many results are right (4.3, 8.1)
 *     nudged 10.000000000012 6.0…     the same measured by a nudge, where the task is a derivative
 *     …                               four more points
 *     mistake each factor is multiplied by itself: it waits for the other one
 *     got 6 10                        at the first point; and so on
 */
#ifndef LAB_ANSWERS_H
#define LAB_ANSWERS_H

#include <stdio.h>

#include "calls.h"

enum { MOST_MISTAKES = 16, WHY_SIZE = 200 };

/* A known mistake: what is wrong, and the numbers that it gives. */
typedef struct Mistake {
    char why[WHY_SIZE];
    double out[POINTS][MOST_OUT];
} Mistake;

typedef struct Answers {
    const Task *task;
    double in[POINTS][MOST_IN]; /* task->in, then task->secret */
    bool has_want, has_nudged;
    double want[POINTS][MOST_OUT];
    double nudged[POINTS][MOST_OUT]; /* NAN where a nudge says nothing: at a kink, or for what is no derivative */
    int mistake_count;
    Mistake mistakes[MOST_MISTAKES];
} Answers;

/* Write them, or read them again, with all their digits. False, and the reason in *why, when that fails. */
bool answers_write(const Answers *answers, FILE *out);
bool answers_read(Answers *answers, const Task *task, FILE *in, const char **why);

#endif
