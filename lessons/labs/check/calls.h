/* calls.h - every task as numbers in, numbers out, whatever its function takes.
 *
 *     const Task *task = task_find("3.2");
 *     task->call(&student, in, out);            // in: a b y g, out: grad[0] grad[1]
 *
 * So one worker, one judge and one message serve all tasks. No right answer stands here: these files are handed out.
 */
#ifndef LAB_CALLS_H
#define LAB_CALLS_H

#include <stddef.h>

#include "lab.h"

enum {
    POINTS = 5,        /* at which each task is tried */
    NODES = 12,        /* of a graph in lab 4 */
    CHAIN = 100000,    /* of the chain in task 4.3 */
    MOONS = 120,       /* points to train on in task 8.1, and */
    FRESH_MOONS = 500, /* those to be told apart */
    MOST_IN = 2000,    /* numbers that go into any task at one point, secret ones included, and */
    MOST_OUT = 64,     /* numbers that come out */
    MOST_TASKS = 100,
    NAME_SIZE = 40
};

/* The functions of all labs: a student's, the reference's, or the reference's with one mistake. */
typedef struct Functions {
#define LAB_FIELD(returns, function, parameters, id, points, goal) returns(*function) parameters;
    TASKS(LAB_FIELD)
} Functions;

typedef struct Task {
    const char *id, *function, *goal;
    int points;
    /* The names of the numbers, with how many: "m A[2][4]" are 9 of them, m, A[0][0] … A[1][3]. */
    const char *in, *out;
    const char *secret; /* behind `in`, for the judge alone: never given to the function */
    void (*call)(const Functions *functions, const double *in, double *out);
} Task;

extern const Task tasks[];
extern const int task_count;

/* The task with that id or function, or NULL. */
const Task *task_find(const char *id);

/* How many numbers "m A[2][4]" stands for. */
int layout_count(const char *layout);

/* The name of number `index` of them, "A[1][3]", in buffer. Returns buffer. */
char *layout_name(const char *layout, int index, char buffer[NAME_SIZE]);

/* What stands in out[index] before the call: memory that somebody has used before. */
#define DIRTY(index) (1.25e-3 * ((index) + 1))
void fill_dirty(double out[MOST_OUT]);

/* What a network of task 8.1 makes of a point. */
double moons_score(const double *weights, const double x[2]);

/* How many of the FRESH_MOONS points in `fresh` (x0 x1 label) a network of task 8.1 puts into their class. */
int moons_right(const double *weights, const double *fresh);

#endif
