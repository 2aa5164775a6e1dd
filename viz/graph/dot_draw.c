/* dot_draw.c - let the program `dot` draw a diagram, and never wait for it longer than promised. See dot.h.
 *
 * dot reads the diagram from a pipe and writes the picture to another one, so that no file is opened before the picture
 * is complete. With no file name on its command line, none can be mistaken for an option. */
#define _POSIX_C_SOURCE 200809L
#include "dot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#if defined(__unix__) || defined(__APPLE__)
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#endif

#include "file.h"
#include "memory.h"

#if defined(__unix__) || defined(__APPLE__)

#if defined(__APPLE__)
#include <crt_externs.h> /* a shared library has no environ there */
#define environ (*_NSGetEnviron())
#else
extern char **environ;
#endif

enum { IN, OUT, COMPLAINTS, PIPES }; /* numbered as dot's own streams */
enum { SECONDS_MOST = 1000000 };     /* poll counts milliseconds in an int */

/* Text that dot writes, ending with a NUL. */
typedef struct Text {
    char *bytes;
    size_t length, capacity;
} Text;

typedef struct Dot {
    pid_t child;
    struct pollfd ends[PIPES]; /* our ends of the pipes; fd is -1 once closed */
    int stdin_of_dot;          /* stays open here too: a write to a dot that has died then raises no SIGPIPE */
    const char *diagram;       /* what is left to be written */
    size_t diagram_left;
    Text said[PIPES]; /* through OUT and COMPLAINTS */
} Dot;

static double seconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

static void close_end(int *end)
{
    if (*end >= 0)
        close(*end);
    *end = -1;
}

/* ---- the process ------------------------------------------------------------------------------------------------- */

/* Start dot with its ends of the pipes as its three streams. Returns 0 or an errno. */
static int spawn_dot(pid_t *child, const char *format, const int dots_ends[PIPES])
{
    char option[64], program[] = "dot",
                     sharp[] = "-Gdpi=144"; /* at the usual 96, small letters on a slide are pixels */
    snprintf(option, sizeof option, "-T%s", format);
    char *const arguments[] = {program, option, strcmp(format, "png") == 0 ? sharp : NULL, NULL};
    posix_spawn_file_actions_t actions;
    int failure = posix_spawn_file_actions_init(&actions);
    if (failure != 0)
        return failure;
    for (int stream = 0; stream < PIPES && failure == 0; stream++)
        failure = posix_spawn_file_actions_adddup2(&actions, dots_ends[stream], stream);
    if (failure == 0)
        failure = posix_spawnp(child, program, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    return failure;
}

/* A pipe for each stream: dot's end and ours. Returns 0 or an errno. */
static int open_pipes(Dot *dot, int dots_ends[PIPES])
{
    for (int stream = 0; stream < PIPES; stream++) {
        int ends[2];
        if (pipe(ends) != 0)
            return errno;
        const int ours = stream == IN ? 1 : 0;
        dots_ends[stream] = ends[!ours];
        dot->ends[stream] = (struct pollfd){.fd = ends[ours], .events = stream == IN ? POLLOUT : POLLIN};
        fcntl(ends[0], F_SETFD, FD_CLOEXEC);
        fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    }
    return fcntl(dot->ends[IN].fd, F_SETFL, O_NONBLOCK) == 0 ? 0 : errno;
}

/* Returns 0 or an errno; either way dot_end must follow. */
static int dot_start(Dot *dot, const char *format)
{
    int dots_ends[PIPES] = {-1, -1, -1};
    int failure = open_pipes(dot, dots_ends);
    if (failure == 0)
        failure = spawn_dot(&dot->child, format, dots_ends);
    if (failure != 0)
        dot->child = 0; /* posix_spawn may have left anything there */
    dot->stdin_of_dot = dots_ends[IN];
    close_end(&dots_ends[OUT]);
    close_end(&dots_ends[COMPLAINTS]);
    return failure;
}

/* Wait until dot, which is done or is killed now, has exited; returns its status. */
static int dot_end(Dot *dot, bool kill_it)
{
    int status = 0;
    for (int stream = 0; stream < PIPES; stream++)
        close_end(&dot->ends[stream].fd);
    close_end(&dot->stdin_of_dot);
    if (dot->child > 0 && kill_it)
        kill(dot->child, SIGKILL);
    while (dot->child > 0 && waitpid(dot->child, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

/* ---- what is said ------------------------------------------------------------------------------------------------ */

static void write_some(Dot *dot)
{
    const ssize_t count = write(dot->ends[IN].fd, dot->diagram, dot->diagram_left);
    if (count > 0) {
        dot->diagram += count;
        dot->diagram_left -= (size_t)count;
    }
    if (dot->diagram_left == 0 || (count < 0 && errno != EINTR && errno != EAGAIN))
        close_end(&dot->ends[IN].fd);
}

/* False: no memory. */
static bool read_some(Dot *dot, int stream)
{
    enum { AT_ONCE = 4096 };
    Text *text = &dot->said[stream];
    char *bytes = memory_grow(text->bytes, text->length + AT_ONCE + 1, &text->capacity, 1);
    if (bytes == NULL)
        return false;
    text->bytes = bytes;
    const ssize_t count = read(dot->ends[stream].fd, bytes + text->length, AT_ONCE);
    if (count == 0 || (count < 0 && errno != EINTR))
        close_end(&dot->ends[stream].fd);
    text->length += count > 0 ? (size_t)count : 0;
    bytes[text->length] = '\0';
    return true;
}

/* Write the diagram and read what dot says until it has closed its ends. Returns 0, or ETIMEDOUT or ENOMEM. */
static int talk_until(Dot *dot, double deadline)
{
    while (dot->ends[OUT].fd >= 0 || dot->ends[COMPLAINTS].fd >= 0) {
        const double left = deadline - seconds_now();
        if (left <= 0)
            return ETIMEDOUT;
        if (poll(dot->ends, PIPES, (int)(left * 1000) + 1) <= 0)
            continue;
        if (dot->ends[IN].revents != 0)
            write_some(dot);
        for (int stream = OUT; stream < PIPES; stream++)
            if (dot->ends[stream].revents != 0 && !read_some(dot, stream))
                return ENOMEM;
    }
    return 0;
}

/* What dot complains of, as one line. */
static const char *complaints_of(Dot *dot)
{
    char *text = dot->said[COMPLAINTS].bytes;
    for (char *c = text; c != NULL && *c != '\0'; c++)
        if (*c == '\n' && c[1] != '\0')
            *c = ' ';
        else if (*c == '\n')
            *c = '\0';
    return text != NULL ? text : "";
}

/* ---- a picture --------------------------------------------------------------------------------------------------- */

static bool explain_start(const char *target, int failure, Error *error)
{
    if (failure != ENOENT)
        return error_set(error, "%.200s: the program dot cannot be started: %s", target, strerror(failure));
    return error_set(error,
                     "%.200s: the program dot is not installed. It comes with Graphviz: apt-get install graphviz, or "
                     "brew install graphviz, or see graphviz.org",
                     target);
}

/* Whether dot has drawn it: `failure` is from talk_until, `status` dot's own. */
static bool explain_end(const char *target, double seconds, int failure, int status, const char *complaints,
                        Error *error)
{
    if (failure == ETIMEDOUT)
        return error_set(error,
                         "%.200s: dot had not finished after %g s and was stopped. Draw less, or draw to a .dot file "
                         "and run dot -Tsvg on it, which has no limit.",
                         target, seconds);
    if (failure != 0)
        return error_set(error, "%.200s: no memory for the picture", target);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127 && *complaints == '\0')
        return explain_start(target, ENOENT, error); /* where exec fails only in the new process */
    if (WIFSIGNALED(status))
        return error_set(error, "%.200s: dot was killed by signal %d, perhaps for lack of memory", target,
                         WTERMSIG(status));
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
        return error_set(error, "%.200s: dot refuses to draw it: %s", target, complaints);
    if (*complaints != '\0')
        fprintf(stderr, "%s: %s%s\n", target, strncmp(complaints, "dot: ", 5) == 0 ? "" : "dot: ", complaints);
    return true;
}

/* Let dot draw dot->diagram; then the picture is dot->said[OUT], which the caller frees in any case. */
static bool dot_run(Dot *dot, const char *target, const char *format, double seconds, Error *error)
{
    int failure = dot_start(dot, format);
    if (failure != 0) {
        dot_end(dot, true);
        return explain_start(target, failure, error);
    }
    failure = talk_until(dot, seconds_now() + seconds);
    const int status = dot_end(dot, failure != 0);
    const bool ok = explain_end(target, seconds, failure, status, complaints_of(dot), error);
    memory_free(dot->said[COMPLAINTS].bytes);
    return ok;
}

/* The diagram as text that the caller frees with memory_free; NULL on failure. (open_memstream would do without a guess
 * at the size, but in glibc it loses what it has no memory for, and sets no error.) */
static char *diagram_new(Where where, Value *root, const char *target, size_t *length, const DotOptions *options,
                         Error *error)
{
    enum { ROOM = 1 << 14 };
    bool ok = false, was_full = true;
    char *diagram = NULL;
    for (size_t room = ROOM; was_full; room *= 2) {
        memory_free(diagram);
        diagram = memory_alloc(room);
        FILE *out = diagram != NULL ? fmemopen(diagram, room, "w") : NULL;
        if (out == NULL) {
            error_set(error, "%.200s: no memory for the diagram", target);
            break;
        }
        ok = dot_print_at(where, root, out, options, error);
        *length = (size_t)ftell(out);
        was_full = ferror(out) != 0;
        fclose(out);
    }
    if (ok)
        return diagram;
    memory_free(diagram);
    return NULL;
}

char *dot_picture_at(Where where, Value *root, const char *target, const char *format, size_t *length,
                     const DotOptions *options, Error *error)
{
    Dot dot = {.ends = {{.fd = -1}, {.fd = -1}, {.fd = -1}}};
    const double asked = options != NULL && options->seconds > 0 ? options->seconds : DOT_SECONDS;
    const double seconds = asked < SECONDS_MOST ? asked : SECONDS_MOST;
    misuse_if_null(target, "dot: target", "Pass a name for messages.", where);
    misuse_if_null(format, "dot: format", "Pass one that dot knows, such as \"svg\".", where);
    misuse_if_null(length, "dot: length", "Give the address of a size_t.", where);
    value_check(root, NULL, "dot: root", where);
    char *diagram = diagram_new(where, root, target, &dot.diagram_left, options, error);
    dot.diagram = diagram;
    const bool ok = diagram != NULL && dot_run(&dot, target, format, seconds, error);
    memory_free(diagram);
    if (!ok)
        memory_free(dot.said[OUT].bytes);
    *length = dot.said[OUT].length;
    return ok ? dot.said[OUT].bytes : NULL;
}

#else

char *dot_picture_at(Where where, Value *root, const char *target, const char *format, size_t *length,
                     const DotOptions *options, Error *error)
{
    (void)where, (void)root, (void)length, (void)options;
    error_set(error, "%.200s: this system has no POSIX processes. Draw to a .dot file, and run dot -T%s on it.", target,
              format);
    return NULL;
}

#endif

static bool write_picture(const char *path, const char *picture, size_t length, Error *error)
{
    SafeFile safe;
    FILE *out = file_begin(&safe, path, error);
    if (out == NULL)
        return false;
    fwrite(picture, 1, length, out);
    return file_commit(&safe, error);
}

bool dot_draw_at(Where where, Value *root, const char *path, const DotOptions *options, Error *error)
{
    misuse_if_null(path, "dot: the path", "Pass a file's name, such as \"L.svg\".", where);
    const char *name = strrchr(path, '/');
    const char *ending = strrchr(name != NULL ? name : path, '.');
    const char *format = options != NULL && options->format != NULL ? options->format
                         : ending != NULL                           ? ending + 1
                                                                    : "";
    if (*format == '\0')
        return error_set(error, "%.200s: what kind of picture? Let the name end in .svg, .png, .pdf or .dot", path);
    if (strcmp(format, "dot") == 0)
        return dot_write_at(where, root, path, options, error);
    size_t length;
    char *picture = dot_picture_at(where, root, path, format, &length, options, error);
    const bool written = picture != NULL && write_picture(path, picture, length, error);
    memory_free(picture);
    return written;
}
