/* mistakes.c - known mistakes: each is a wrong function in the reference's place, and the words for what is wrong. A
 * student's wrong numbers are held against theirs, so a message can name the reason. */
#include <math.h>
#include <string.h>

#include "compute.h"

/* ---- lab 1 ------------------------------------------------------------------------------------------------------- */

static double central_one_sided(double (*f)(double), double at, double h) { return (f(at + h) - f(at)) / h; }
static double central_by_h(double (*f)(double), double at, double h) { return (f(at + h) - f(at - h)) / h; }

/* ---- all --------------------------------------------------------------------------------------------------------- */

typedef void AnyFunction(void);

/* `wrong` is called in place of the function at `offset` in Functions. */
typedef struct Wrong {
    const char *function;
    size_t offset;
    AnyFunction *wrong;
    const char *why;
} Wrong;

#define MISTAKE(function, name, why)                                                                                   \
    {                                                                                                                  \
#function, offsetof(Functions, function), (AnyFunction *)function##_##name, why                                \
    }

static const Wrong wrongs[] = {
    MISTAKE(central, one_sided, "a nudge to one side only: both sides are asked, and are far more exact"),
    MISTAKE(central, by_h, "the two points lie 2h apart: divide by 2h"),
};
enum { WRONG_COUNT = sizeof wrongs / sizeof wrongs[0] };

/* The index-th of those of the task, or NULL. */
static const Wrong *wrong_of(const Task *task, int index)
{
    for (int i = 0; i < WRONG_COUNT; i++)
        if (strcmp(wrongs[i].function, task->function) == 0 && index-- == 0)
            return &wrongs[i];
    return NULL;
}

int mistakes_of(const Task *task)
{
    int count = 0;
    while (wrong_of(task, count) != NULL)
        count++;
    return count;
}

const char *mistake_why(const Task *task, int index) { return wrong_of(task, index)->why; }

void mistake_call(const Task *task, int index, const double *in, double *out)
{
    const Wrong *wrong = wrong_of(task, index);
    Functions functions = reference;
    memcpy((char *)&functions + wrong->offset, &wrong->wrong, sizeof wrong->wrong);
    task->call(&functions, in, out);
}
