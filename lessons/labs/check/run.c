#define _DEFAULT_SOURCE /* setsid, fexecve, struct rlimit beside C11 */
#define _DARWIN_C_SOURCE
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

enum {
    FLOOD = 1 << 20,         /* bytes that it may print */
    LARGEST_FILE = 32 << 20, /* that it may write */
    MOST_OPEN = 128,         /* descriptors */
    LOW = 10,                /* below it, descriptors are given to the program */
    HIGH = 4096              /* above it, none is expected to be open */
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static double seconds(struct timeval time) { return (double)time.tv_sec + 1e-6 * (double)time.tv_usec; }

static double cpu_of_children(void)
{
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

/* ---- pipes ------------------------------------------------------------------------------------------------------- */

/* What the program prints, what it is given, what it answers, and why it could not begin. */
enum { TEXT, IN, OUT, TROUBLE, PIPES };
typedef int Pipes[PIPES][2];

static void close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void close_all(Pipes pipes)
{
    for (int i = 0; i < PIPES; i++)
        for (int end = 0; end < 2; end++)
            close_end(&pipes[i][end]);
}

/* All ends are LOW or above, so that none is overwritten when the program gets its own, and end with exec. */
static bool open_pipes(Pipes pipes)
{
    memset(pipes, -1, sizeof(Pipes));
    for (int i = 0; i < PIPES; i++) {
        int low[2];
        if (pipe(low) != 0)
            return false;
        for (int end = 0; end < 2; end++) {
            pipes[i][end] = fcntl(low[end], F_DUPFD_CLOEXEC, LOW);
            close(low[end]);
        }
        if (pipes[i][0] < 0 || pipes[i][1] < 0)
            return false;
    }
    return true;
}

/* ---- in the child ------------------------------------------------------------------------------------------------ */

static void limit(int what, rlim_t soft, rlim_t hard)
{
    setrlimit(what, &(struct rlimit){soft, hard}); /* a system that does not know it has the other limits */
}

static void set_limits(const Command *command)
{
    const rlim_t cpu = (rlim_t)ceil(command->cpu_seconds);
    limit(RLIMIT_CPU, cpu, cpu + 1); /* SIGXCPU, and for those who ignore it SIGKILL a second later */
    limit(RLIMIT_AS, command->memory, command->memory);
    limit(RLIMIT_STACK, command->stack, command->stack);
    limit(RLIMIT_FSIZE, LARGEST_FILE, LARGEST_FILE);
    limit(RLIMIT_NOFILE, MOST_OPEN, MOST_OPEN);
    limit(RLIMIT_CORE, 1, 1); /* with 0, Linux still starts a handler of cores */
}

/* Standard input is empty, standard output and error are the text; 3 and 4 are for numbers. All others are closed:
 * they may belong to whoever started us. */
static bool give_descriptors(const Command *command, Pipes pipes)
{
    const int empty = open("/dev/null", O_RDONLY);
    const bool numbers = command->out != NULL;
    const int give[] = {empty, pipes[TEXT][1], pipes[TEXT][1], pipes[IN][0], pipes[OUT][1]};
    const int count = numbers ? 5 : 3;
    for (int fd = 0; fd < count; fd++)
        if (give[fd] != fd && dup2(give[fd], fd) < 0)
            return false;
    for (int fd = count; fd < HIGH; fd++)
        if (fd != command->exec_fd && fd != pipes[TROUBLE][1])
            close(fd);
    return true;
}

static void execute(const Command *command)
{
    static char path[4200];
    const char *from = getenv("PATH");
    snprintf(path, sizeof path, "PATH=%s", from != NULL ? from : "/usr/bin:/bin");
    static char *environment[] = {path, "LC_ALL=C", "TMPDIR=.", NULL};
    extern char **environ;
    environ = environment;
#ifdef __linux__
    if (command->exec_fd >= 0)
        fexecve(command->exec_fd, command->argv, environment);
    else
#endif
        execvp(command->argv[0], command->argv);
}

static _Noreturn void begin(const Command *command, Pipes pipes)
{
    setsid(); /* a process group of its own, and no terminal to type into */
    signal(SIGPIPE, SIG_DFL);
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    if (give_descriptors(command, pipes) && (command->folder == NULL || chdir(command->folder) == 0)) {
        set_limits(command);
        if (command->confine == NULL || command->confine(command->about))
            execute(command);
    }
    const int error = errno;
    if (write(pipes[TROUBLE][1], &error, sizeof error) < 0)
        _exit(126);
    _exit(127);
}

/* ---- in the parent ----------------------------------------------------------------------------------------------- */

/* A program that has ended stays a zombie until end_all, so that its number is not given to another one. */
static bool has_ended(pid_t pid)
{
    siginfo_t info = {.si_pid = 0};
    return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == pid;
}

/* The numbers that are not given yet; what is left after it. */
static void give_more(const Command *command, size_t *given, int *fd)
{
    const ssize_t n = write(*fd, (const char *)command->in + *given, command->in_bytes - *given);
    if (n > 0)
        *given += (size_t)n;
    else if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n < 0 || *given == command->in_bytes)
        close_end(fd);
}

/* Read what there is, at most `size` bytes; how many. At the end the descriptor is closed. */
static size_t read_some(int *fd, char *more, size_t size)
{
    const ssize_t n = read(*fd, more, size);
    if (n > 0)
        return (size_t)n;
    if (n == 0 || (errno != EAGAIN && errno != EINTR))
        close_end(fd);
    return 0;
}

/* Whether there was something to read. */
static bool read_text(Ended *ended, int *fd)
{
    char more[4096];
    const size_t n = read_some(fd, more, sizeof more);
    for (size_t i = 0; i < n; i++, ended->said++)
        if (ended->said < SAID_MOST)
            ended->text[ended->said] = more[i];
    ended->flooded = ended->said > FLOOD;
    return n > 0;
}

static bool read_answer(const Command *command, Ended *ended, int *fd)
{
    char more[4096];
    const size_t wanted = command->out_bytes + 1 - ended->answered; /* one more, to see whether it says too much */
    const size_t n = read_some(fd, more, wanted < sizeof more ? wanted : sizeof more);
    for (size_t i = 0; i < n; i++, ended->answered++)
        if (ended->answered < command->out_bytes)
            ((char *)command->out)[ended->answered] = more[i];
    return n > 0;
}

/* Talk with it until it has ended, or must be ended. A process that it left behind may hold its pipes open: so their
 * end is not waited for. */
static void talk(const Command *command, pid_t pid, Pipes pipes, Ended *ended)
{
    const double deadline = now() + command->wall_seconds;
    int *text = &pipes[TEXT][0], *in = &pipes[IN][1], *out = &pipes[OUT][0];
    size_t given = 0;
    if (command->out == NULL)
        close_end(in), close_end(out);
    else if (command->in_bytes == 0)
        close_end(in);
    while (!ended->flooded && (command->out == NULL || ended->answered < command->out_bytes)) {
        struct pollfd events[] = {{*text, POLLIN, 0}, {*in, POLLOUT, 0}, {*out, POLLIN, 0}}; /* −1 is passed over */
        const bool closed = *text < 0 && *out < 0;
        poll(events, 3, closed ? 1 : 20);
        const bool over = has_ended(pid); /* asked before reading: what it wrote is there */
        bool more = false;
        if (events[1].revents != 0)
            give_more(command, &given, in);
        if (events[0].revents != 0)
            more = read_text(ended, text);
        if (events[2].revents != 0)
            more = read_answer(command, ended, out) || more;
        if (over && !more)
            return;
        if (now() > deadline) {
            ended->late = true;
            return;
        }
    }
    while (*text >= 0 && !ended->flooded && read_text(ended, text)) { /* printed before its last number */
    }
}

#ifdef __linux__
/* Those whose parents have ended are our children now, wherever they went: PR_SET_CHILD_SUBREAPER. */
static void kill_children(void)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%ld/children", (long)getpid());
    FILE *children = fopen(path, "r");
    long child;
    while (children != NULL && fscanf(children, "%ld", &child) == 1)
        kill((pid_t)child, SIGKILL);
    if (children != NULL)
        fclose(children);
}
#else
static void kill_children(void) {}
#endif

/* End the program and all that it began, and bury them. */
static void end_all(pid_t pid, Ended *ended)
{
    kill(-pid, SIGKILL);
    kill(pid, SIGKILL); /* where it has not reached setsid yet */
    while (waitpid(pid, &ended->status, 0) < 0 && errno == EINTR) {
    }
    kill(-pid, SIGKILL); /* what it began in the meantime */
    const double patience = now() + 5;
    for (pid_t buried = 0; buried >= 0 && now() < patience;) {
        buried = waitpid(-1, NULL, WNOHANG);
        if (buried == 0) {
            kill_children();
            poll(NULL, 0, 1);
        }
    }
}

void run(const Command *command, Ended *ended)
{
    *ended = (Ended){.started = false};
    Pipes pipes;
    void (*const sigpipe)(int) = signal(SIGPIPE, SIG_IGN); /* it may end before it has read all */
#ifdef __linux__
    prctl(PR_SET_CHILD_SUBREAPER, 1);
#endif
    const double cpu = cpu_of_children(), begun = now();
    fflush(NULL);
    const pid_t pid = open_pipes(pipes) ? fork() : -1;
    if (pid == 0)
        begin(command, pipes);
    ended->error = errno;
    if (pid > 0) {
        close_end(&pipes[TEXT][1]), close_end(&pipes[IN][0]), close_end(&pipes[OUT][1]), close_end(&pipes[TROUBLE][1]);
        ended->started = read(pipes[TROUBLE][0], &ended->error, sizeof ended->error) == 0;
        for (int i = 0; i < TROUBLE; i++)
            fcntl(pipes[i][i == IN], F_SETFL, O_NONBLOCK);
        if (ended->started)
            talk(command, pid, pipes, ended);
        end_all(pid, ended);
    }
    ended->text[ended->said < SAID_MOST ? ended->said : SAID_MOST] = '\0';
    ended->cpu_seconds = cpu_of_children() - cpu;
    ended->wall_seconds = now() - begun;
    close_all(pipes);
    signal(SIGPIPE, sigpipe);
}
