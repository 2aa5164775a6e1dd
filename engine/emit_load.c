/* emit_load.c - emitted code compiled by the user's compiler, and loaded into this process. All that depends on the
 * platform stands here. See emit.h. */
#define _XOPEN_SOURCE 700 /* POSIX 2008: posix_spawn, mkstemp */
#include "emit.h"
#include "replay_parts.h"

#if defined(__has_include)
#if __has_include(<dlfcn.h>) && __has_include(<spawn.h>)
#define CAN_LOAD
#endif
#endif

#ifndef CAN_LOAD

bool program_compile_at(Program *program, const char *source, const char *headers, Error *error, Where where)
{
    (void)program, (void)headers, (void)where;
    return error_set(error, "%s: this platform cannot load what a compiler made. Call program_emit, and link it.",
                     source);
}

#else

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define FUNCTION "replay_samples" /* what the emitted function is called */

/* What a compilation needs. */
typedef struct Compilation {
    char *source;    /* with a slash in it: neither an option, nor a name that is looked for in other folders */
    char *library;   /* SOURCE and six letters: a name that was never loaded before */
    char *log;       /* SOURCE.log: what the compiler says */
    char *compiler;  /* words of $CC, each with a NUL behind it */
    char **argument; /* of the compiler, with NULL behind the last */
} Compilation;

enum { ARGUMENTS_MOST = 24 }; /* besides the words of $CC */

static char *joined(const char *a, const char *b, const char *c)
{
    const size_t bytes = strlen(a) + strlen(b) + strlen(c) + 1;
    char *text = memory_alloc(bytes);
    if (text != NULL)
        snprintf(text, bytes, "%s%s%s", a, b, c);
    return text;
}

static void free_all(Compilation *c)
{
    memory_free(c->source);
    memory_free(c->library);
    memory_free(c->log);
    memory_free(c->compiler);
    memory_free(c->argument);
}

static bool alloc_all(Compilation *c, const char *source)
{
    const char *here = source[0] == '/' ? "" : "./", *cc = getenv("CC");
    cc = cc == NULL || cc[strspn(cc, " ")] == '\0' ? "cc" : cc;
    *c = (Compilation){.source = joined(here, source, ""),
                       .library = joined(here, source, ".XXXXXX"),
                       .log = joined(here, source, ".log"),
                       .compiler = joined(cc, "", ""),
                       .argument = memory_alloc_array(strlen(cc) + ARGUMENTS_MOST, sizeof(char *))};
    return c->source != NULL && c->library != NULL && c->log != NULL && c->compiler != NULL && c->argument != NULL;
}

/* The command line. None of the flags changes a number; the code is for this machine alone. */
static void fill_arguments(Compilation *c, const char *headers, bool vmath)
{
    const char *const flags[] = {
        "-std=c11",
        "-O2",
        "-ffp-contract=off",
        "-fno-math-errno",
        "-fno-trapping-math",
#if defined(__x86_64__)
        "-march=native",
#endif
        "-fPIC",
        "-shared",
        vmath ? "-DSTEPGRAD_VMATH" : "-USTEPGRAD_VMATH",
        "-I",
        headers,
        "-o",
        c->library,
        "-x",
        "c",
        c->source,
        "-lm"
    };
    size_t count = 0;
    for (char *word = strtok(c->compiler, " "); word != NULL; word = strtok(NULL, " "))
        c->argument[count++] = word;
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++)
        c->argument[count++] = (char *)flags[i];
    c->argument[count] = NULL;
}

/* Run the compiler, which reads nothing and writes to the log. Returns 0, its exit status (127: no such program), or a
 * negative errno. */
static int run_compiler(const Compilation *c)
{
    posix_spawn_file_actions_t files;
    pid_t child;
    int status = 0, code = posix_spawn_file_actions_init(&files);
    if (code != 0)
        return -code;
    if ((code = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0)) == 0 &&
        (code = posix_spawn_file_actions_addopen(&files, 1, c->log, O_WRONLY | O_CREAT | O_TRUNC, 0666)) == 0 &&
        (code = posix_spawn_file_actions_adddup2(&files, 1, 2)) == 0)
        code = posix_spawnp(&child, c->argument[0], &files, NULL, c->argument, environ);
    posix_spawn_file_actions_destroy(&files);
    if (code != 0)
        return -code;
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            return 0; /* SIGCHLD is ignored, and nobody knows: loading will show */
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

static bool compile(const Compilation *c, Error *error)
{
    const int status = run_compiler(c);
    if (status == 127 || status == -ENOENT)
        return error_set(error, "%.200s: there is no compiler \"%.100s\". Install one, or name yours in CC.", c->source,
                         c->argument[0]);
    if (status < 0)
        return error_set(error, "%.200s: cannot start the compiler \"%.100s\": %s", c->source, c->argument[0],
                         strerror(-status));
    if (status > 0)
        return error_set(error, "%.200s: the compiler \"%.60s\" did not accept it. What it says is in %.200s",
                         c->source, c->argument[0], c->log);
    remove(c->log);
    return true;
}

static bool load(Program *program, const Compilation *c, Error *error)
{
    void *library = dlopen(c->library, RTLD_NOW | RTLD_LOCAL);
    void *function = library != NULL ? dlsym(library, FUNCTION) : NULL;
    if (function == NULL) {
        error_set(error, "%.200s: cannot load what the compiler made: %.250s", c->source, dlerror());
        if (library != NULL)
            dlclose(library);
        return false;
    }
    program_unload(program);
    program->library = library;
    program->close_library = dlclose;
    memcpy(&program->compiled, &function, sizeof function); /* C casts no data to code; POSIX has both alike */
    return true;
}

/* The library has a file of its own, which is needed no longer than until it is loaded. */
static bool compile_and_load(Program *program, const Compilation *c, Error *error)
{
    const int file = mkstemp(c->library);
    if (file < 0)
        return error_set(error, "%.320s: cannot write beside it: %s", c->source, strerror(errno));
    close(file);
    const bool good = compile(c, error) && load(program, c, error);
    remove(c->library);
    return good;
}

bool program_compile_at(Program *program, const char *source, const char *headers, Error *error, Where where)
{
    program_check(program, "program_compile", where);
    misuse_if_null(source, "program_compile: the source", "Give the name of the file to write.", where);
    misuse_if_null(headers, "program_compile: headers", "Give the folder of lanes.h and ops.h.", where);
    if (!program_emit_at(program, source, FUNCTION, error, where))
        return false;
    Compilation c;
    bool good = alloc_all(&c, source);
    if (good) {
        fill_arguments(&c, headers, program->lane_ops == lane_ops_vmath);
        good = compile_and_load(program, &c, error);
    } else {
        error_set(error, "%s:%d: program_compile: no memory", where.file, where.line);
    }
    free_all(&c);
    return good;
}

#endif
