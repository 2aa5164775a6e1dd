/* fail_malloc.c - A library to preload (Linux, glibc): the nth allocation of a program's libc fails.
 *
 *     FAIL_AT=7 FAIL_ONCE=1 LD_PRELOAD=build/fail_malloc.so build/draw 'a*b' a=1 b=2
 *
 * The nth is counted from main on, over all of malloc, calloc, realloc, posix_memalign, aligned_alloc; without
 * FAIL_ONCE those after it fail too, and without FAIL_AT none does. COUNT_TO=FILE gets how many there were. Programs
 * that this one starts do not get the library: it takes LD_PRELOAD out of the environment.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *__libc_malloc(size_t bytes);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t bytes);
void *__libc_memalign(size_t alignment, size_t bytes);

static unsigned long count, fail_at;
static bool in_main, once;
static const char *count_to;
static pid_t process;

/* Threads of a program may count at the same time. A child that has been forked and has not started its program yet has
 * no faults of its own. */
static bool fails(void)
{
    if (!in_main || getpid() != process)
        return false;
    const unsigned long n = __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
    if (fail_at == 0 || (once ? n != fail_at : n < fail_at))
        return false;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t bytes) { return fails() ? NULL : __libc_malloc(bytes); }
void *calloc(size_t members, size_t size) { return fails() ? NULL : __libc_calloc(members, size); }
void *realloc(void *block, size_t bytes) { return fails() ? NULL : __libc_realloc(block, bytes); }
void *aligned_alloc(size_t alignment, size_t bytes) { return fails() ? NULL : __libc_memalign(alignment, bytes); }

int posix_memalign(void **block, size_t alignment, size_t bytes)
{
    void *got = fails() ? NULL : __libc_memalign(alignment, bytes);
    if (got == NULL)
        return ENOMEM;
    *block = got;
    return 0;
}

__attribute__((destructor)) static void tell_count(void)
{
    char digits[32];
    const int length = snprintf(digits, sizeof digits, "%lu\n", count);
    const int file = count_to != NULL && getpid() == process ? open(count_to, O_WRONLY | O_CREAT | O_TRUNC, 0600) : -1;
    if (file >= 0 && write(file, digits, (size_t)length) != length)
        _exit(99);
}

static int (*real_main)(int argc, char **argv, char **environment);

static int counted_main(int argc, char **argv, char **environment)
{
    in_main = true;
    return real_main(argc, argv, environment);
}

/* What starts main, in place of libc's: before main nothing fails, since no program could do anything about it. */
int __libc_start_main(int (*main)(int, char **, char **), int argc, char **argv, void (*init)(void), void (*fini)(void),
                      void (*loader_fini)(void), void *stack_end)
{
    int (*real)(int (*)(int, char **, char **), int, char **, void (*)(void), void (*)(void), void (*)(void), void *);
    *(void **)&real = dlsym(RTLD_NEXT, "__libc_start_main");
    const char *at = getenv("FAIL_AT");
    fail_at = at != NULL ? strtoul(at, NULL, 10) : 0;
    once = getenv("FAIL_ONCE") != NULL;
    count_to = getenv("COUNT_TO");
    process = getpid();
    unsetenv("LD_PRELOAD");
    real_main = main;
    return real(counted_main, argc, argv, init, fini, loader_fini, stack_end);
}
