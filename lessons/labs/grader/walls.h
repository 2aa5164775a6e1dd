/* walls.h - what stands between a submission and everything but its numbers.
 *
 * - landlock (Linux 5.13): the compiler can read the system's headers, and the submission's own program can read
 *   nothing. Points depend on it: without it a submission may include the reference.
 * - seccomp (Linux, x86-64 and aarch64): the submission's program can compute, read, write and exit; whatever else it
 *   asks the system for ends it. That the grader survives depends on it.
 * - another user (where the grader runs as root): compiler and program run as nobody, who can harm no process of ours.
 *
 * Each is tried before it is relied on. Where the system lacks one, the grader goes on and says so.
 */
#ifndef LAB_WALLS_H
#define LAB_WALLS_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "error.h"

typedef enum Wall { LANDLOCK, SECCOMP, OTHER_USER, WALLS } Wall;

enum { NOBODY = 65534, MISSING_SIZE = 200 };

typedef struct Walls {
    bool up[WALLS];                    /* the system has it: it is put up around each program */
    char missing[WALLS][MISSING_SIZE]; /* what came through it, or why there is none; "" if it stands */
} Walls;

extern const char *const wall_names[WALLS];

/* Try each wall by small attacks on this process and on `program`, the grader's own file. Those that are down already
 * (!up) are not tried: walls->up comes in as what is wanted. False, with the reason, where that cannot be found out:
 * then nothing may be graded. */
bool walls_try(Walls *walls, const char *program, Error *error);

/* Whether a submission that wants to read the reference cannot: only then is a grade final. */
bool walls_are_enough(const Walls *walls);

/* A line for each wall: it stands, or it is missing, and why. */
void walls_print(const Walls *walls, FILE *out);

/* What one program may do. */
typedef struct Confinement {
    const Walls *walls;
    bool compiler;        /* reads the system's files and writes in the folder that it runs in; not behind seccomp */
    const char *readable; /* one more folder; or NULL */
    int exec_fd;          /* if it is no compiler: the submission's own program, which is all that it may execute */
    bool loads_libraries; /* that is not linked statically, and reads the system's files as it begins */
} Confinement;

/* For Command.confine, with a Confinement: put the walls up around the process that calls it, for good. */
bool walls_confine(void *confinement);

#endif
