/* gcov_on_abort.c - for coverage.py: misuse ends by abort(), and gcov would forget what such a process has run. */
#include <signal.h>

void __gcov_dump(void);

static void dump_and_die(int number)
{
    __gcov_dump();
    signal(number, SIG_DFL);
    raise(number);
}

__attribute__((constructor)) static void catch_abort(void) { signal(SIGABRT, dump_and_die); }
