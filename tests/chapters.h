/* chapters.h - for tests of the course: the chapters lessons/NN_name.c, changed copies of them, and what they print.
 * Whoever includes it first asks the C library for POSIX, which is no part of C11.
 *
 *     static void check(const Chapter *chapter, const Chapter *before) { ... }
 *     for_each_chapter(check);
 *
 * CC names the compiler, BUILD the folder of the library, and LESSON_FLAGS adds flags (sanitizers, say).
 */
#ifndef STEPGRAD_TESTS_CHAPTERS_H
#define STEPGRAD_TESTS_CHAPTERS_H

#include <criterion/criterion.h>
#include <ctype.h>
#include <glob.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "error.h"

enum { NUMBER_LENGTH = 2 };
static const unsigned SECONDS_UNTIL_KILLED = 1500;

/* ---- files and commands ------------------------------------------------------------------------------------------ */

/* A printf-style text that the caller frees. */
static inline char *text_of(const char *format, ...) PRINTF_LIKE(1, 2);
static inline char *text_of(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = malloc((size_t)length + 1);
    cr_assert_not_null(text, "no memory");
    va_start(arguments, format);
    vsnprintf(text, (size_t)length + 1, format, arguments);
    va_end(arguments);
    return text;
}

/* The whole file, or NULL; the caller frees it. */
static inline char *file_text(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return NULL;
    size_t length = 0, room = 4096;
    char *text = malloc(room);
    while (text != NULL && (length += fread(text + length, 1, room - length - 1, file)) == room - 1)
        text = realloc(text, room *= 2);
    fclose(file);
    cr_assert_not_null(text, "no memory");
    text[length] = '\0';
    return text;
}

static inline void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    cr_assert_not_null(file, "cannot write %s", path);
    fputs(text, file);
    fclose(file);
}

/* Run a shell command, killed if it hangs: its exit status, or minus the signal that ended it. */
static inline int shell(const char *command)
{
    fflush(NULL);
    const pid_t child = fork();
    cr_assert(child >= 0, "cannot fork");
    if (child == 0) {
        alarm(SECONDS_UNTIL_KILLED);
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* Processor time of the commands so far, so that a busy machine does not count. */
static inline double seconds_of_commands(void)
{
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

/* ---- chapters ---------------------------------------------------------------------------------------------------- */

typedef struct Chapter {
    const char *path;
    const char *name; /* the path without its folder */
    char *source;
    bool alone; /* needs no engine */
    bool last;
} Chapter;

static inline const char *folder(void)
{
    static char path[512];
    const char *build = getenv("BUILD") != NULL ? getenv("BUILD") : "build";
    snprintf(path, sizeof path, "%s/tests", build);
    mkdir(build, 0777);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/tests/lessons", build);
    mkdir(path, 0777);
    return path;
}

typedef void Check(const Chapter *chapter, const Chapter *before);

/* Call `check` for every chapter, with the one before it (NULL for the first). */
static inline void for_each_chapter(Check *check)
{
    glob_t found;
    cr_assert(glob("lessons/[0-9][0-9]_*.c", 0, NULL, &found) == 0,
              "no chapters in lessons/ (run the tests from the project's top directory)");
    Chapter before = {0};
    for (size_t i = 0; i < found.gl_pathc; i++) {
        Chapter chapter = {.path = found.gl_pathv[i], .name = strrchr(found.gl_pathv[i], '/') + 1};
        chapter.last = i + 1 == found.gl_pathc;
        chapter.source = file_text(chapter.path);
        chapter.alone = strstr(chapter.source, "#include \"") == NULL;
        check(&chapter, i > 0 ? &before : NULL);
        free(before.source);
        before = chapter;
    }
    free(before.source);
    globfree(&found);
}

/* BUILD/tests/lessons/NN and what is added, for this chapter; the caller frees it. */
static inline char *program_path(const Chapter *chapter, const char *added)
{
    return text_of("%s/%.*s%s", folder(), NUMBER_LENGTH, chapter->name, added);
}

/* Compile `source`, which is the chapter or a changed copy of it. What the compiler says is in PROGRAM.messages. */
static inline bool compile(const Chapter *chapter, const char *source, const char *warnings, const char *program)
{
    const char *build = getenv("BUILD") != NULL ? getenv("BUILD") : "build";
    const char *flags = getenv("LESSON_FLAGS") != NULL ? getenv("LESSON_FLAGS") : "";
    char *library = chapter->alone ? text_of("%s", "") : text_of("'%s/libstepgrad.a'", build);
    char *command =
        text_of("${CC:-cc} -std=c11 -O0 -g %s -ffp-contract=off %s %s '%s' %s -lm -o '%s' >'%s.messages' 2>&1",
                warnings, flags, chapter->alone ? "" : "-Iengine -Iviz", source, library, program, program);
    const int status = shell(command);
    free(library);
    free(command);
    return status == 0;
}

/* Run it: its exit status. What it prints is in PROGRAM.out, and what it says of errors in PROGRAM.messages. */
static inline int run(const char *program)
{
    char *command = text_of("'%s' >'%s.out' 2>'%s.messages'", program, program, program);
    const int status = shell(command);
    free(command);
    return status;
}

/* Compile a changed copy of the chapter, NN_added.c, and run it. Its exit status, or -1 if it does not compile. */
static inline int run_changed(const Chapter *chapter, const char *added, const char *changed_source)
{
    char *program = program_path(chapter, added), *source = text_of("%s.c", program);
    write_file(source, changed_source);
    const int status = compile(chapter, source, "-w", program) ? run(program) : -1;
    free(program);
    free(source);
    return status;
}

/* ---- what is printed --------------------------------------------------------------------------------------------- */

/* One unit in the last digit of a number as it is written ("1.50e-3": 1e-5), or 0 for a whole number. */
static inline double last_digit(const char *number, const char *end)
{
    int fraction = 0, exponent = 0;
    bool point = false;
    for (const char *c = number; c < end; c++) {
        if (*c == 'e' || *c == 'E') {
            exponent = (int)strtol(c + 1, NULL, 10);
            return pow(10, exponent - fraction);
        }
        fraction += point && isdigit((unsigned char)*c);
        point = point || *c == '.';
    }
    return point ? pow(10, -fraction) : 0;
}

/* Two words agree if they are the same text; or both numbers that depend on the machine ("~0.123"); or the same text
 * around two numbers with a point or an exponent, which may differ by one unit in the last digit, since another libm
 * may round the last bit of a double otherwise, and that can tip the last digit shown. */
static inline bool words_agree(const char *got, const char *want)
{
    if (strcmp(got, want) == 0)
        return true;
    const size_t before = strcspn(want, "0123456789+-.");
    if (strncmp(got, want, before) != 0)
        return false;
    char *got_end, *want_end;
    const double got_number = strtod(got + before, &got_end), want_number = strtod(want + before, &want_end);
    if (got_end == got + before || want_end == want + before || strcmp(got_end, want_end) != 0)
        return false;
    if (before > 0 && want[before - 1] == '~')
        return true;
    const double unit = last_digit(want + before, want_end);
    return unit > 0 && fabs(got_number - want_number) < 1.01 * unit;
}

/* The next word at *text, cut off there, or NULL at the end; counts the lines that it passes. */
static inline char *next_word(char **text, int *line)
{
    while (isspace((unsigned char)**text))
        *line += *(*text)++ == '\n';
    if (**text == '\0')
        return NULL;
    char *word = *text;
    while (**text != '\0' && !isspace((unsigned char)**text))
        (*text)++;
    if (**text != '\0') {
        *line += **text == '\n';
        *(*text)++ = '\0';
    }
    return word;
}

#endif
