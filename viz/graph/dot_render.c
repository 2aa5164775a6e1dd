/* dot_render.c - let the program `dot` draw a diagram, and never wait for it longer than promised. See dot.h. */
#define _POSIX_C_SOURCE 200809L
#include "dot.h"

#include <stdio.h>
#include <string.h>
#if defined(__unix__) || defined(__APPLE__)
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#endif

#include "file.h"

#if defined(__unix__) || defined(__APPLE__)

extern char **environ;

/* What the program says on its standard error: the first part of it. */
typedef struct Complaint {
    char text[256];
    size_t length;
} Complaint;

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Start dot with `in` as its input, `out` as its output and `complaints` as its standard error: with no file name on
 * its command line, none can be mistaken for an option. Returns 0 or what posix_spawn says. */
static int start_dot(pid_t *child, const char *format, int in, int out, int complaints)
{
    char option[64];
    char program[] = "dot";
    snprintf(option, sizeof option, "-T%s", format);
    char sharp[] = "-Gdpi=144"; /* at the usual 96, small letters on a slide are pixels */
    char *const arguments[] = {program, option, strcmp(format, "png") == 0 ? sharp : NULL, NULL};
    posix_spawn_file_actions_t actions;
    int failure = posix_spawn_file_actions_init(&actions);
    if (failure != 0)
        return failure;
    failure = posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO);
    if (failure == 0)
        failure = posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO);
    if (failure == 0)
        failure = posix_spawn_file_actions_adddup2(&actions, complaints, STDERR_FILENO);
    if (failure == 0)
        failure = posix_spawnp(child, program, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    return failure;
}

/* Read what dot complains of until it closes its end; false when the deadline passes first. */
static bool listen_until(double deadline, int complaints, Complaint *said)
{
    for (;;) {
        const double left = deadline - seconds_now();
        if (left <= 0)
            return false;
        struct pollfd ready = {.fd = complaints, .events = POLLIN};
        const int polled = poll(&ready, 1, (int)(left * 1000) + 1);
        if (polled < 0 && errno != EINTR)
            return false;
        if (polled <= 0)
            continue;
        char bytes[256];
        const ssize_t count = read(complaints, bytes, sizeof bytes);
        if (count == 0 || (count < 0 && errno != EINTR))
            return true;
        for (ssize_t i = 0; i < count && said->length + 1 < sizeof said->text; i++)
            said->text[said->length++] = bytes[i] == '\n' || bytes[i] == '\0' ? ' ' : bytes[i];
    }
}

/* Wait for the end of dot, whose work is done or which has just been killed. */
static int wait_for(pid_t child)
{
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

static bool explain_start(int failure, Error *error)
{
    if (failure == ENOENT)
        return error_set(error, "dot_render: the program dot is not installed. It comes with Graphviz: apt-get install "
                                "graphviz, or brew install graphviz, or see graphviz.org");
    return error_set(error, "dot_render: the program dot cannot be started: %s", strerror(failure));
}

/* Run dot to its end, or to the deadline. */
static bool run_dot(const char *dot_path, const char *format, int in, int out, double seconds, Error *error)
{
    int pipe_ends[2];
    if (pipe(pipe_ends) != 0)
        return error_set(error, "dot_render: no pipe to the program dot: %s", strerror(errno));
    fcntl(pipe_ends[0], F_SETFD, FD_CLOEXEC);
    fcntl(pipe_ends[1], F_SETFD, FD_CLOEXEC);
    pid_t child;
    const int failure = start_dot(&child, format, in, out, pipe_ends[1]);
    close(pipe_ends[1]);
    if (failure != 0) {
        close(pipe_ends[0]);
        return explain_start(failure, error);
    }
    Complaint said = {.length = 0};
    const bool in_time = listen_until(seconds_now() + seconds, pipe_ends[0], &said);
    close(pipe_ends[0]);
    if (!in_time)
        kill(child, SIGKILL);
    const int status = wait_for(child);
    if (!in_time)
        return error_set(error,
                         "%s: dot had not finished after %g s and was stopped. Draw less: set max_depth, collapse a "
                         "group, or take only what depends on one node.",
                         dot_path, seconds);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127 && said.length == 0)
        return explain_start(ENOENT, error); /* where the new process is the one that finds no program */
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return error_set(error, "%s: dot refuses to draw it as %s: %s", dot_path, format, said.text);
    return true;
}

bool dot_render_within(double seconds, const char *dot_path, const char *format, const char *out_path, Error *error)
{
    SafeFile safe;
    const int in = open(dot_path, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return error_set(error, "%s: cannot be read: %s", dot_path, strerror(errno));
    FILE *out = file_begin(&safe, out_path, error);
    bool ok = out != NULL && fflush(out) == 0 && run_dot(dot_path, format, in, fileno(out), seconds, error);
    close(in);
    if (ok)
        return file_commit(&safe, error);
    if (out != NULL)
        file_abandon(&safe);
    return false;
}

#else

bool dot_render_within(double seconds, const char *dot_path, const char *format, const char *out_path, Error *error)
{
    (void)seconds;
    return error_set(error, "%s: this system has no POSIX processes; run it by hand: dot -T%s %s -o %s", dot_path,
                     format, dot_path, out_path);
}

#endif

bool dot_render(const char *dot_path, const char *format, const char *out_path, Error *error)
{
    return dot_render_within(DOT_RENDER_SECONDS, dot_path, format, out_path, error);
}
