/* patience.h - how long a submission is waited for, all in all.
 *
 * An honest one never feels it. One with endless loops in every task would keep the grader for many minutes: so after
 * the first program that must be stopped, each next one is given half of its time, and after the third a quarter; and
 * all together have a budget.
 */
#ifndef LAB_PATIENCE_H
#define LAB_PATIENCE_H

#include "run.h"

typedef struct Patience {
    double cpu_seconds;  /* that are left, of computing, */
    double wall_seconds; /* and of waiting for those that had to be stopped */
    int stopped;
} Patience;

/* That of a submission with its programs; and, apart, that of the compiler with a submission. */
#define PATIENCE ((Patience){.cpu_seconds = 20, .wall_seconds = 25})

/* Run the command with that much patience. False, and nothing is run, where none is left. */
bool patience_run(Patience *patience, Command *command, Ended *ended);

#endif
