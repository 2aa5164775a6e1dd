#define _XOPEN_SOURCE 700 /* mkdtemp, nftw, openat beside C11 */
#define _DARWIN_C_SOURCE
#include "build.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "calls.h"
#include "file.h"
#include "memory.h"

enum { EXEC_FD = 10, MOST_ARGUMENTS = 24, PATH_SIZE = FOLDER_SIZE + 64 };

/* A path below the work folder. */
static const char *below(const Build *build, const char *name, char path[PATH_SIZE])
{
    snprintf(path, PATH_SIZE, "%s/%.60s", build->folder, name);
    return path;
}

/* ---- folders ----------------------------------------------------------------------------------------------------- */

/* work/kit holds what is ours, and a compiler that reads a submission may not write there; work/lab is its own. */
static bool make_folder(const Build *build, const char *name, bool of_nobody, Error *error)
{
    char path[PATH_SIZE];
    below(build, name, path);
    if (mkdir(path, 0700) != 0 || (build->walls->up[OTHER_USER] && chmod(path, of_nobody ? 0700 : 0755) != 0) ||
        (build->walls->up[OTHER_USER] && of_nobody && chown(path, NOBODY, NOBODY) != 0))
        return error_set(error, "cannot make the folder %s: %s", path, strerror(errno));
    return true;
}

static int remove_one(const char *path, const struct stat *status, int type, struct FTW *place)
{
    (void)status, (void)type, (void)place;
    remove(path);
    return 0;
}

static void remove_folder(const char *path) { nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS); }

static bool write_file(const char *path, const char *text, size_t bytes, Error *error)
{
    FILE *out = fopen(path, "wb");
    const bool written = out != NULL && fwrite(text, 1, bytes, out) == bytes;
    if ((out != NULL && fclose(out) != 0) || !written)
        return error_set(error, "cannot write %s: %s", path, strerror(errno));
    return true;
}

/* ---- commands ---------------------------------------------------------------------------------------------------- */

enum { COMPILER_SECONDS = 6 }; /* of computing: the compiler proper, which cc starts, is ended with them */

/* Run a command, whose words end with NULL, in work/lab behind the walls. */
static bool call(Build *build, const char *const *words)
{
    char kit[PATH_SIZE], lab[PATH_SIZE];
    Confinement confinement = {.walls = build->walls, .compiler = true, .readable = below(build, "kit", kit)};
    Command command = {.argv = (char *const *)words,
                       .folder = below(build, "lab", lab),
                       .exec_fd = -1,
                       .cpu_seconds = COMPILER_SECONDS,
                       .wall_seconds = 30,
                       .memory = (size_t)2 << 30,
                       .stack = (size_t)64 << 20,
                       .confine = walls_confine,
                       .about = &confinement};
    if (!patience_run(&build->patience, &command, &build->said))
        build->said = (Ended){.started = true, .late = true};
    return build->said.started && build->said.status == 0 && !build->said.late && !build->said.flooded;
}

#define CALL(build, ...) call(build, (const char *const[]){__VA_ARGS__, NULL})
#define COMPILE "cc", "-std=c11", "-O1", "-ffp-contract=off", "-I../kit"

/* ---- a program that is built ------------------------------------------------------------------------------------- */

/* The submission's fault, in words. Returns false. */
static bool refuse(Build *build, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(build->why, sizeof build->why, format, arguments);
    va_end(arguments);
    return false;
}

/* Open, and out of the way of the descriptors that a worker is given. */
static bool open_worker(Build *build)
{
    char path[PATH_SIZE];
    struct stat status;
    const int fd = open(below(build, "lab/worker", path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return refuse(build, "the program of %s cannot be opened: %s", build->file, strerror(errno));
    build->worker = fcntl(fd, F_DUPFD_CLOEXEC, EXEC_FD);
    close(fd);
    return (build->worker >= 0 && fstat(build->worker, &status) == 0 && S_ISREG(status.st_mode)) ||
           refuse(build, "the program of %s is not a regular file", build->file);
}

static void close_worker(Build *build)
{
    if (build->worker >= 0)
        close(build->worker);
    build->worker = -1;
}

/* ---- what is ours ------------------------------------------------------------------------------------------------ */

/* Copy a file of the kit to work/kit. Everybody may read it there. */
static bool copy_of_kit(const Build *build, const char *name, const char *to, Error *error)
{
    char from[PATH_SIZE], path[PATH_SIZE];
    size_t bytes;
    snprintf(from, sizeof from, "%s/%s", build->kit, name);
    below(build, to, path);
    char *text = file_read(from, LARGEST_SOURCE, &bytes, error);
    const bool copied = text != NULL && write_file(path, text, bytes, error);
    memory_free(text);
    return copied && (chmod(path, 0644) == 0 || error_set(error, "cannot make %s readable", path));
}

/* What the compiler said, where it failed on what is ours. */
static bool compiler_failed(const Build *build, const char *what, Error *error)
{
    const Ended *said = &build->said;
    if (!said->started)
        return error_set(error, "the compiler, cc, cannot be started: %s", strerror(said->error));
    return error_set(error, "%s (status %d): %.400s", what, said->status, said->text);
}

/* Our files are compiled where submissions are, behind the same walls: so we know that a compiler works there. Then the
 * objects go where none of them can change them. */
static bool compile_ours(Build *build, const char *source, const char *object, Error *error)
{
    char name[PATH_SIZE], from[PATH_SIZE], to[PATH_SIZE];
    snprintf(name, sizeof name, "../kit/%s", source);
    if (!CALL(build, COMPILE, "-c", name, "-o", object))
        return compiler_failed(build, "the compiler fails on the grader's own files", error);
    snprintf(name, sizeof name, "lab/%s", object);
    below(build, name, from);
    snprintf(name, sizeof name, "kit/%s", object);
    below(build, name, to);
    if (rename(from, to) != 0 || (build->walls->up[OTHER_USER] && chown(to, 0, 0) != 0))
        return error_set(error, "cannot keep %s: %s", to, strerror(errno));
    return true;
}

static bool link_program(Build *build, const char *object)
{
    return CALL(build, "cc", "../kit/worker.o", "../kit/calls.o", object, "-o", "worker", build->link[0],
                build->link[1], "-lm");
}

/* A static program needs no files when it begins, but not every system has the libraries for it. Gold links it in half
 * the time, where there is gold. ("-O1" says nothing to a linker.) */
static bool choose_link(Build *build, Error *error)
{
    static const char *const ways[][2] = {{"-static", "-fuse-ld=gold"}, {"-static", "-O1"}, {"-O1", "-O1"}};
    for (int way = build->shared ? 2 : 0; way < 3; way++) {
        memcpy(build->link, ways[way], sizeof build->link);
        build->shared = way == 2;
        if (link_program(build, "-lm")) /* without a lab */
            return open_worker(build) || error_set(error, "%s", build->why);
    }
    return compiler_failed(build, "the linker fails", error);
}

bool build_begin(Build *build, Error *error)
{
    const char *parent = getenv("TMPDIR");
    build->worker = -1;
    build->patience = PATIENCE;
    snprintf(build->folder, sizeof build->folder, "%s/grade-XXXXXX",
             parent != NULL && *parent != '\0' ? parent : "/tmp");
    if (mkdtemp(build->folder) == NULL) {
        error_set(error, "cannot make a work folder %s: %s", build->folder, strerror(errno));
        build->folder[0] = '\0';
        return false;
    }
    if (build->walls->up[OTHER_USER] && chmod(build->folder, 0711) != 0) /* nobody may pass through */
        return error_set(error, "cannot open the folder %s: %s", build->folder, strerror(errno));
    char private[PATH_SIZE];
    snprintf(private, sizeof private, "%s/private.h", build->kit);
    return make_folder(build, "kit", false, error) && make_folder(build, "lab", true, error) &&
           copy_of_kit(build, "lab.h", "kit/lab.h", error) &&
           copy_of_kit(build, "check/calls.h", "kit/calls.h", error) &&
           copy_of_kit(build, "check/calls.c", "kit/calls.c", error) &&
           copy_of_kit(build, "check/worker.c", "kit/worker.c", error) &&
           (access(private, F_OK) != 0 || copy_of_kit(build, "private.h", "kit/private.h", error)) &&
           compile_ours(build, "calls.c", "calls.o", error) && compile_ours(build, "worker.c", "worker.o", error) &&
           choose_link(build, error);
}

/* ---- a submission ------------------------------------------------------------------------------------------------ */

/* Read the file into build->source: a regular one, no link, not large. O_NONBLOCK: a pipe would keep us waiting. */
static bool take(Build *build, const char *submission)
{
    const int folder = open(submission, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const int fd = folder >= 0 ? openat(folder, build->file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC) : -1;
    const int reason = errno;
    struct stat status;
    size_t length = 0;
    bool taken = false;
    if (folder >= 0)
        close(folder);
    if (fd < 0 && reason == ENOENT)
        return refuse(build, "there is no %s in this submission", build->file);
    if (fd < 0)
        return refuse(build, "%s cannot be read: %s", build->file, reason == ELOOP ? "it is a link" : strerror(reason));
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        refuse(build, "%s is not a regular file", build->file);
    } else {
        ssize_t got = 1;
        while (length < LARGEST_SOURCE + 1 && got > 0) {
            got = read(fd, build->source + length, LARGEST_SOURCE + 1 - length);
            length += got > 0 ? (size_t)got : 0;
        }
        taken = length <= LARGEST_SOURCE || refuse(build, "%s is larger than %d kB", build->file, LARGEST_SOURCE >> 10);
    }
    close(fd);
    build->source[taken ? length : 0] = '\0';
    return taken && (strlen(build->source) == length || refuse(build, "%s holds a NUL: it is not a text", build->file));
}

/* Note that a task's function is defined. False where the name is none of a task of this lab. */
static bool note_task(Build *build, const char *name, int lab)
{
    const Task *task = task_find(name);
    if (task == NULL || strcmp(task->function, name) != 0 || atoi(task->id) != lab)
        return false;
    build->defined[task - tasks] = true;
    return true;
}

/* Whether it is a function of libm in long double. */
static bool is_long_double(const char *name)
{
    static const char *const names[] = {"expl",  "exp2l", "expm1l", "logl",  "log1pl", "powl", "sinl",
                                        "coshl", "sinhl", "tanhl",  "sqrtl", "cosl",   "fmal"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* Only the tasks' functions may be seen from outside: another one might replace one of the library's or of ours. What
 * begins before main, a constructor say, is not looked for: it can do no more than the functions themselves. */
static bool check_names(Build *build, int lab)
{
    char names[SAID_MOST + 1];
    const bool listed = CALL(build, "nm", "-g", "-P", "lab.o"), all = build->said.said <= SAID_MOST;
    memcpy(names, build->said.text, sizeof names);
    build->said = (Ended){.started = true}; /* these were no words for a person */
    if (!listed)
        return refuse(build, "the names in %s cannot be listed", build->file);
    if (!all)
        return refuse(build, "%s has too many names that are not static", build->file);
    for (char *save, *line = strtok_r(names, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
        char *end = line + strcspn(line, " ");
        const bool used_only = strncmp(end, " U", 2) == 0 || strncmp(end, " w", 2) == 0 || strncmp(end, " v", 2) == 0;
        *end = '\0';
        build->long_double |= used_only && is_long_double(line);
        if (used_only || note_task(build, line, lab))
            continue;
        for (char *c = line; *c != '\0'; c++)
            *c = (char)(isalnum((unsigned char)*c) || *c == '_' || *c == '.' ? *c : '?');
        return refuse(build, "%s defines %.80s, which is not a task of this lab: make it static", build->file, line);
    }
    return true;
}

static bool compile(Build *build, int lab)
{
    if (!CALL(build, COMPILE, "-c", build->file, "-o", "lab.o")) {
        if (build->said.late || WIFSIGNALED(build->said.status) || build->said.cpu_seconds > COMPILER_SECONDS - 1)
            return refuse(build, "the compiler did not finish %s in the time that there was", build->file);
        return refuse(build, "%s does not compile", build->file);
    }
    if (!check_names(build, lab))
        return false;
    if (!link_program(build, "lab.o"))
        return refuse(build, "%s does not link", build->file);
    return true;
}

bool build_lab(Build *build, const char *submission, int lab, Error *error)
{
    char name[32], path[PATH_SIZE];
    close_worker(build);
    build->why[0] = build->source[0] = '\0';
    build->said = (Ended){.started = true};
    build->long_double = false;
    memset(build->defined, 0, sizeof build->defined);
    snprintf(build->file, sizeof build->file, "lab%d.c", lab);
    if (!take(build, submission))
        return true;
    remove_folder(below(build, "lab", path));
    snprintf(name, sizeof name, "lab/%s", build->file);
    if (!make_folder(build, "lab", true, error) ||
        !write_file(below(build, name, path), build->source, strlen(build->source), error))
        return false;
    if (build->walls->up[OTHER_USER] && chmod(path, 0644) != 0)
        return error_set(error, "cannot make %s readable: %s", path, strerror(errno));
    if (compile(build, lab) && !open_worker(build))
        close_worker(build);
    return true;
}

void build_end(Build *build)
{
    close_worker(build);
    if (build->folder[0] != '\0')
        remove_folder(build->folder);
    build->folder[0] = '\0';
}
