/* run.h - run a program that nobody trusts: limits on its time, memory and output, and an end for all that it began. */
#ifndef LAB_RUN_H
#define LAB_RUN_H

#include <stdbool.h>
#include <stddef.h>

enum { SAID_MOST = 4096 };

typedef struct Command {
    char *const *argv;
    const char *folder; /* to run in */
    int exec_fd;        /* the program, open, 10 or above (Linux); or −1: argv[0], by PATH */
    const void *in;     /* for its descriptor 3, and */
    size_t in_bytes;
    void *out;          /* from its descriptor 4; NULL: neither 3 nor 4 is given */
    size_t out_bytes;   /* no more than these are wanted: with the last of them it is ended */
    double cpu_seconds; /* of computing; and of the clock, which a busy machine makes slow: */
    double wall_seconds;
    size_t memory, stack;         /* bytes */
    bool (*confine)(void *about); /* called in the child, before the program: puts up walls. NULL: none */
    void *about;
} Command;

typedef struct Ended {
    bool started; /* false: no pipe, no process, no such program, or confine failed; errno is in */
    int error;
    int status;               /* as waitpid gives it */
    bool late;                /* ended because wall_seconds were over */
    bool flooded;             /* ended because it printed more than 1 MB */
    size_t answered;          /* bytes that came from descriptor 4, at most out_bytes + 1 */
    size_t said;              /* bytes that it printed, */
    char text[SAID_MOST + 1]; /* the first of them */
    double cpu_seconds;       /* that it used */
    double wall_seconds;      /* from its begin to its end */
} Ended;

/* Run it to its end. Afterwards no process that it began is left (on Linux; elsewhere, none in its process group). The
 * caller must have no other children: on Linux they would be ended, too. */
void run(const Command *command, Ended *ended);

#endif
