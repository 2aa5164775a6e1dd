/* private_tasks.h - the tasks that a teacher added: their points and their nudge, which come from the lines Forward:
 * and Range: of each task's comment (private.awk makes C of them), and whether their reference is right. */
#ifndef LAB_PRIVATE_TASKS_H
#define LAB_PRIVATE_TASKS_H

#include <stdint.h>
#include <stdio.h>

#include "calls.h"

/* The points for a private task, as points_make; false if it is none. */
bool private_points(const Task *task, uint64_t seed, double in[POINTS][MOST_IN]);

/* The derivatives of its forward function, as nudge; false if it is none. */
bool private_nudge(const Task *task, const double *in, double *out);

/* Compare the reference of every private task with the nudge at many points, and say what is wrong. */
bool private_check(FILE *out);

#endif
