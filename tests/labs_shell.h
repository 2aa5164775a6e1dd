/* labs_shell.h - for tests of the labs, and of make bench: a folder of the test's own, and the shell, which stands in
 * the project's folder. Whoever includes it first asks the C library for mkdtemp, setenv and popen, which are no part
 * of C11.
 *
 *     TestSuite(labs_x, .init = make_folder, .fini = remove_folder);
 *     cr_expect_eq(shell("cp lessons/labs/lab%d.c \"$DIR\"", 3), 0, "%s", said);
 *     expect_said("");
 */
#ifndef STEPGRAD_TESTS_LABS_SHELL_H
#define STEPGRAD_TESTS_LABS_SHELL_H

#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

static char folder[] = "/tmp/stepgrad labs XXXXXX";
static char said[1 << 18]; /* by the last command, on standard output and error */

/* Run lines of sh, made like printf's text; they find the test's folder in $DIR, and where things are built in $BUILD.
 * Returns their exit status, or -1 if a signal ended them. */
static inline int shell(const char *format, ...)
{
    static char script[1 << 15] = "exec 2>&1\n";
    const size_t begin = strlen("exec 2>&1\n");
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(script + begin, sizeof script - begin, format, arguments);
    va_end(arguments);
    cr_assert(length >= 0 && (size_t)length < sizeof script - begin, "this script is too long: %s", script);
    fflush(NULL);
    FILE *out = popen(script, "r");
    cr_assert_not_null(out, "no shell");
    said[fread(said, 1, sizeof said - 1, out)] = '\0';
    const int status = pclose(out);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline void make_folder(void)
{
    cr_assert(mkdtemp(folder) != NULL && setenv("DIR", folder, 1) == 0 && setenv("BUILD", "build", 0) == 0,
              "no folder to work in");
}

static inline void remove_folder(void) { shell("rm -rf \"$DIR\""); }

static inline void expect_said(const char *text)
{
    cr_expect(strstr(said, text) != NULL, "this was not said: %s\nbut this:\n%s", text, said);
}

static inline void expect_unsaid(const char *text)
{
    cr_expect(strstr(said, text) == NULL, "this was said: %s\nin:\n%s", text, said);
}

/* A file below the folder. Returns its path, until the next call. */
static inline const char *write_file(const char *name, const char *text)
{
    static char path[200];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *out = fopen(path, "w");
    cr_assert(out != NULL && fputs(text, out) >= 0 && fclose(out) == 0, "%s cannot be written", path);
    return path;
}

#endif
