/* compute.h - points from a seed, and what the reference, a nudge and the known mistakes make of them: the grader's
 * part of answers.h. Nothing of this is handed out. */
#ifndef LAB_COMPUTE_H
#define LAB_COMPUTE_H

#include <stdint.h>

#include "judge.h"

extern const Functions reference;

/* All of *answers for that task and seed: the same seed gives the same numbers on every machine. */
void answers_compute(Answers *answers, const Task *task, uint64_t seed);

/* points.c: the numbers that go in, POINTS times. */
void points_make(const Task *task, uint64_t seed, double in[POINTS][MOST_IN]);

/* nudge.c: the results measured by central differences, NAN for each that is none. False where there is none at all. */
bool nudge(const Task *task, const double *in, double *out);

/* mistakes.c: the mistakes that are known of a task: how many, what is wrong, and what each gives. */
int mistakes_of(const Task *task);
const char *mistake_why(const Task *task, int index);
void mistake_call(const Task *task, int index, const double *in, double *out);

#endif
