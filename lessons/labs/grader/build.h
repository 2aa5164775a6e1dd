/* build.h - from a student's lab3.c to a program that runs its tasks, without trusting a line of it.
 *
 *     Build build = {.kit = "lessons/labs", .walls = &walls};
 *     if (!build_begin(&build, &error)) ...
 *     build_lab(&build, "submissions/ann", 3);   // then build.worker is open, or build.why says why not
 *     build_end(&build);                         // nothing is left behind
 */
#ifndef LAB_BUILD_H
#define LAB_BUILD_H

#include "calls.h"
#include "error.h"
#include "patience.h"
#include "walls.h"

enum { LARGEST_SOURCE = 256 << 10, FOLDER_SIZE = 1024 };

typedef struct Build {
    const char *kit;    /* the folder of lab.h and check/ */
    const Walls *walls; /* around the compiler */
    bool shared;        /* link with shared libraries although there are static ones: for tests */

    char folder[FOLDER_SIZE];        /* all work is done below it; "" when there is none */
    const char *link[2];             /* how to link */
    Patience patience;               /* with the compiler */
    char source[LARGEST_SOURCE + 1]; /* the student's file, "" where it cannot be read */
    char file[16];                   /* lab3.c */
    bool defined[MOST_TASKS];        /* whether it defines the function of each task */
    bool long_double;                /* it calls functions of libm that have more digits than a double */
    int worker;                      /* the program, open to be executed; −1: there is none, */
    char why[300];                   /* because of this, in words of ours, */
    Ended said;                      /* and the compiler's */
} Build;

/* Make the work folder and compile what is ours; build->worker is then a program without a lab. False, with the reason,
 * where this machine cannot grade: no compiler, no room, no such kit. */
bool build_begin(Build *build, Error *error);

/* Build one lab of a submission, in the place of the one before. False, with the reason, only where that is not the
 * submission's fault. */
bool build_lab(Build *build, const char *submission, int lab, Error *error);

void build_end(Build *build);

#endif
