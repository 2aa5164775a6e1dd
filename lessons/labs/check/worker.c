/* worker.c - runs one task of a student's lab: worker ID, with points to try on descriptor 3 and results to
 * descriptor 4.
 *
 * It is linked with one lab and knows no answer: nothing in this process can be stolen, and a right result is all that
 * can be forged. Compile it with -DLAB=3; or without, once for every lab: then functions that it is not linked with are
 * NULL.
 */
#define _DEFAULT_SOURCE /* sigaltstack beside C11 */
#define _DARWIN_C_SOURCE
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "calls.h"

#define PASTE(a, b) a##b
#define TASKS_OF(lab) PASTE(TASKS_, lab)
#define GIVE(returns, function, parameters, id, points, goal) .function = function,
#ifdef LAB
static const Functions student = {TASKS_OF(LAB)(GIVE)};
#else
#define WEAK(returns, function, parameters, id, points, goal) returns function parameters __attribute__((weak));
TASKS(WEAK)
static const Functions student = {TASKS(GIVE)};
#endif

/* One byte is no result, and the grader's sign for this. */
void not_written(const char *task)
{
    (void)task;
    fflush(stdout);
    if (write(4, "?", 1) != 1)
        _exit(1);
    _exit(0);
}

static uintptr_t stack_begins;

/* Memory below the first frame, and not far, is the stack's: where it cannot be used, the stack is full. One byte is
 * the grader's sign for that, too. The instruction is then tried again, and ends the program. */
static void on_bad_memory(int number, siginfo_t *info, void *context)
{
    (void)number, (void)context;
    const uintptr_t address = (uintptr_t)info->si_addr;
    if (address < stack_begins && stack_begins - address < (uintptr_t)64 << 20 && write(4, "^", 1) < 0)
        _exit(1);
}

/* On a stack of its own, since there is no room on the other one. That one begins where argv lies. */
static void tell_full_stack(char **argv)
{
    static char room[65536];
    stack_begins = (uintptr_t)argv;
    sigaltstack(&(stack_t){.ss_sp = room, .ss_size = sizeof room}, NULL);
    struct sigaction action = {.sa_flags = (int)(SA_SIGINFO | SA_ONSTACK | SA_RESETHAND)};
    action.sa_sigaction = on_bad_memory;
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL); /* macOS */
}

static bool read_numbers(double *numbers, int count)
{
    char *to = (char *)numbers;
    size_t left = (size_t)count * sizeof *numbers;
    while (left > 0) {
        const ssize_t got = read(3, to, left);
        if (got <= 0)
            return false;
        to += got;
        left -= (size_t)got;
    }
    return true;
}

int main(int argc, char **argv)
{
    const Task *task = argc > 1 ? task_find(argv[1]) : NULL;
    if (task == NULL)
        return 2;
    tell_full_stack(argv);
    static double in[MOST_IN], out[MOST_OUT];
    const int in_count = layout_count(task->in), out_count = layout_count(task->out);
    while (read_numbers(in, in_count)) {
        fill_dirty(out);
        task->call(&student, in, out);
        fflush(stdout);
        const size_t bytes = (size_t)out_count * sizeof *out;
        if (write(4, out, bytes) != (ssize_t)bytes)
            return 1;
    }
    return 0;
}
