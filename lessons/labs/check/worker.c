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
#include <string.h>
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

/* One byte is no result. It says why there is none: outcome.c knows these signs. */
static _Noreturn void end_with(char sign)
{
    fflush(stdout);
    _exit(write(4, &sign, 1) == 1 ? 0 : 1);
}

static const Task *current;

void not_written(const char *task) { end_with(strcmp(task, current->id) == 0 ? '?' : '!'); }

static uintptr_t stack_begins;

/* Memory below the first frame, and not far, is the stack's: where it cannot be used, the stack is full. There is a
 * sign for that, too. The instruction is then tried again, and ends the program. */
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

/* Call the function once, on fresh memory. It may not write elsewhere than into its result. */
static void call(const double *given, int in_count, double *result, int out_count)
{
    enum { BEHIND = 64 };
    static double in[MOST_IN], out[MOST_OUT + BEHIND];
    memcpy(in, given, (size_t)in_count * sizeof *in);
    fill_dirty(out, MOST_OUT + BEHIND);
    current->call(&student, in, out);
    for (int i = out_count; i < MOST_OUT + BEHIND; i++)
        if (out[i] != DIRTY(i))
            end_with('>');
    if (memcmp(in, given, (size_t)in_count * sizeof *in) != 0)
        end_with('<');
    memcpy(result, out, (size_t)out_count * sizeof *out);
}

int main(int argc, char **argv)
{
    static double in[MOST_IN], out[MOST_OUT];
    current = argc > 1 ? task_find(argv[1]) : NULL;
    if (current == NULL)
        return 2;
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ); /* so that what was printed before a crash is seen */
    tell_full_stack(argv);
    const int in_count = layout_count(current->in), out_count = layout_count(current->out);
    while (read_numbers(in, in_count)) {
        call(in, in_count, out, out_count);
        fflush(stdout);
        const size_t bytes = (size_t)out_count * sizeof *out;
        if (write(4, out, bytes) != (ssize_t)bytes)
            return 1;
    }
    return 0;
}
