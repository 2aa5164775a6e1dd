/* fail_disk.c - run a program with a fault in its nth call to the system that touches certain files. For Linux.
 *
 *     fail_disk REPORT TEXT FAULT N PROGRAM [ARGUMENT ...]
 *
 * counts the calls with a path, or an open file, whose path has TEXT in it. FAULT is what happens in the Nth of them
 * that can have it: an errno (28: it fails so), short (half of it is read or written), kill (the program is killed), or
 * cut, grow, change (so is the file, before it is read from). REPORT then gets a line: the number of the call,
 * "removes" when it removes a file, else "uses", and the path; or, when there are fewer than N, only how many there
 * are. Exit status: the program's, or 128 and the signal that ended it.
 *
 * The program is traced (ptrace): a preloaded library would not see the calls that the C library makes by itself, such
 * as the write below fwrite. Processes that it starts are not.
 */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/ptrace.h> /* after sys/ptrace.h */

typedef struct ptrace_syscall_info Call;

/* Which arguments are paths, whether the first is an open file, and what can happen to the call. */
enum { P0 = 1, P1 = 2, P3 = 8, OPEN = 16, WAITS = 32, READS = 64, WRITES = 128, ENDS = 256, REMOVES = 512 };

// clang-format off
static const struct {
    long number;
    int what;
} calls[] = {
#ifdef SYS_open
    {SYS_open, P0 | WAITS}, {SYS_stat, P0}, {SYS_lstat, P0}, {SYS_access, P0}, {SYS_readlink, P0}, {SYS_mkdir, P0},
    {SYS_unlink, P0 | REMOVES}, {SYS_rename, P0 | P1}, {SYS_chmod, P0},
#endif
    {SYS_openat, P1 | WAITS}, {SYS_newfstatat, P1 | OPEN}, {SYS_statx, P1 | OPEN}, {SYS_faccessat, P1},
    {SYS_faccessat2, P1}, {SYS_readlinkat, P1}, {SYS_mkdirat, P1}, {SYS_unlinkat, P1 | REMOVES},
    {SYS_renameat, P1 | P3}, {SYS_renameat2, P1 | P3}, {SYS_linkat, P1 | P3}, {SYS_fchmodat, P1}, {SYS_fstat, OPEN},
    {SYS_fchmod, OPEN}, {SYS_ftruncate, OPEN}, {SYS_flock, OPEN | WAITS}, {SYS_lseek, OPEN},
    {SYS_read, OPEN | WAITS | READS}, {SYS_readv, OPEN | WAITS | READS}, {SYS_write, OPEN | WAITS | WRITES},
    {SYS_writev, OPEN | WAITS | WRITES}, {SYS_fsync, OPEN | WAITS | ENDS}, {SYS_fdatasync, OPEN | WAITS | ENDS},
    {SYS_close, OPEN | WAITS | ENDS}
};
// clang-format on

static const char *watched, *fault;
static int code; /* of a fault that is an errno, else 0 */
static pid_t child;
static char path[PATH_MAX]; /* of the last call */

static int what_is(const Call *call)
{
    for (size_t i = 0; i < sizeof calls / sizeof *calls; i++)
        if (calls[i].number == (long)call->entry.nr)
            return calls[i].what;
    return 0;
}

/* The path of so many bytes, or -1. With ONE_WRITER in the environment not the names of unfinished files of other
 * writers, which are many and not there. */
static bool is_watched(ssize_t length)
{
    path[length > 0 ? length : 0] = '\0';
    const char *ending = strstr(path, ".stepgrad.tmp");
    const bool is_others = ending != NULL && ending[strlen(".stepgrad.tmp")] != '\0';
    return strstr(path, watched) != NULL && !(is_others && getenv("ONE_WRITER") != NULL);
}

/* Up to the end of its page: the next one may not be there. */
static bool is_path_watched(uint64_t address)
{
    struct iovec here = {path, sizeof path - 1}, there = {(void *)(uintptr_t)address, 4096 - address % 4096};
    return is_watched(process_vm_readv(child, &here, 1, &there, 1, 0));
}

static bool is_open_file_watched(uint64_t descriptor)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)child, (int)descriptor);
    return is_watched(readlink(link, path, sizeof path - 1));
}

/* Whether the call touches a file that is watched, whose path is then in `path`, and can have the fault. */
static bool is_meant(const Call *call, int what)
{
    bool touches = false;
    for (int i = 0; i < 4 && !touches; i++)
        touches = (what & 1 << i) != 0 && is_path_watched(call->entry.args[i]);
    if (!touches && ((what & OPEN) == 0 || !is_open_file_watched(call->entry.args[0])))
        return false;
    if (code != 0)
        return code != EINTR || (what & WAITS) != 0;
    if (strcmp(fault, "short") == 0)
        return (what & (READS | WRITES)) != 0 && call->entry.args[2] > 1;
    return strcmp(fault, "kill") == 0 || (what & READS) != 0;
}

enum Register { NUMBER, THIRD, RESULT };

static void set_register(enum Register which, long value)
{
    struct user_regs_struct all;
#if defined(__x86_64__)
    ptrace(PTRACE_GETREGS, child, 0, &all);
    *(which == NUMBER ? &all.orig_rax : which == THIRD ? &all.rdx : &all.rax) = (unsigned long long)value;
    ptrace(PTRACE_SETREGS, child, 0, &all);
#elif defined(__aarch64__)
    int number = (int)value;
    struct iovec most = {&all, sizeof all}, one = {&number, sizeof number};
    ptrace(PTRACE_GETREGSET, child, NT_PRSTATUS, &most);
    all.regs[which == THIRD ? 2 : 0] = (unsigned long long)value;
    if (which == NUMBER)
        ptrace(PTRACE_SETREGSET, child, NT_ARM_SYSTEM_CALL, &one);
    else
        ptrace(PTRACE_SETREGSET, child, NT_PRSTATUS, &most);
#else
#error "fail_disk.c knows the registers of x86-64 and AArch64 only"
#endif
}

/* Cut to half, longer by a row and a half, or with another byte in the middle. */
static void change_file(void)
{
    const int file = open(path, O_RDWR);
    const off_t size = lseek(file, 0, SEEK_END);
    const bool done = strcmp(fault, "cut") == 0    ? ftruncate(file, size / 2) == 0
                      : strcmp(fault, "grow") == 0 ? pwrite(file, "1,2,1\n1,", 8, size) == 8
                                                   : pwrite(file, "9", 1, size / 2) == 1;
    if (!done)
        fprintf(stderr, "fail_disk: cannot change %s\n", path);
    close(file);
}

/* The call is about to be made. Returns what it shall return instead of its own result, or 0. What ends something is
 * done, and fails all the same. */
static long inject(const Call *call, int what)
{
    if (code != 0 && (what & ENDS) == 0)
        set_register(NUMBER, -1); /* no call at all */
    else if (strcmp(fault, "short") == 0)
        set_register(THIRD, (long)(call->entry.args[2] / 2));
    else if (strcmp(fault, "kill") == 0)
        kill(child, SIGKILL);
    else if (code == 0)
        change_file();
    return -code;
}

/* Let the program run to its next stop. Returns whether that is a call, which goes to *call. */
static bool next_call(int *status, Call *call)
{
    const int signal = WSTOPSIG(*status), is_own = signal == SIGTRAP || signal == (SIGTRAP | 0x80);
    ptrace(PTRACE_SYSCALL, child, 0, is_own ? 0 : signal);
    waitpid(child, status, 0);
    return WIFSTOPPED(*status) && WSTOPSIG(*status) == (SIGTRAP | 0x80) &&
           ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof *call, call) > 0;
}

int main(int count, char **argument)
{
    if (count < 6)
        return fprintf(stderr, "usage: fail_disk REPORT TEXT FAULT N PROGRAM [ARGUMENT ...]\n"), 2;
    watched = argument[2], fault = argument[3], code = atoi(fault);
    const long n = atol(argument[4]);
    long seen = 0, result = 0;
    int status;
    child = fork();
    if (child == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        execvp(argument[5], argument + 5);
        _exit(127);
    }
    FILE *report = fopen(argument[1], "w");
    waitpid(child, &status, 0); /* it has begun */
    ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
    while (WIFSTOPPED(status)) {
        Call call;
        if (!next_call(&status, &call))
            continue;
        const int what = call.op == PTRACE_SYSCALL_INFO_ENTRY && seen < n ? what_is(&call) : 0;
        if (what != 0 && is_meant(&call, what) && ++seen == n) {
            fprintf(report, "%d %s %s\n", (int)call.entry.nr, (what & REMOVES) != 0 ? "removes" : "uses", path);
            result = inject(&call, what);
        } else if (call.op == PTRACE_SYSCALL_INFO_EXIT && result != 0) {
            set_register(RESULT, result);
            result = 0;
        }
    }
    if (seen < n)
        fprintf(report, "%ld\n", seen);
    fclose(report);
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
