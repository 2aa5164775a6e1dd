/* test_error.c - the two kinds of trouble: a handler for misuse, and errors that are values. */
#define _POSIX_C_SOURCE 200809L
#include <criterion/criterion.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wclobbered" /* at -O0 it is wary of the places that the statements themselves pass */
#endif

static jmp_buf back;
static Where told_where;
static char told[2048];

static void remember(Where where, const char *message)
{
    told_where = where;
    snprintf(told, sizeof told, "%s", message);
}

static void remember_and_leave(Where where, const char *message)
{
    remember(where, message);
    longjmp(back, 1);
}

Test(error, a_handler_is_told_the_place_and_the_message)
{
    misuse_set_handler(remember_and_leave);
    const int line = __LINE__ + 2;
    if (setjmp(back) == 0)
        misuse(HERE, "%s of %d rows, want %g", "a matrix", 3, 2.5);
    cr_expect_str_eq(told, "a matrix of 3 rows, want 2.5", "told \"%s\"", told);
    cr_expect_str_eq(told_where.file, __FILE__, "told the file \"%s\"", told_where.file);
    cr_expect_eq(told_where.line, line, "told line %d, want %d", told_where.line, line);
}

Test(error, a_long_message_is_cut_and_ends)
{
    char text[5000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    misuse_set_handler(remember_and_leave);
    if (setjmp(back) == 0)
        misuse(HERE, "begins %s", text);
    cr_expect(strncmp(told, "begins xxx", 10) == 0 && strlen(told) > 500, "told %zu bytes", strlen(told));
}

Test(error, setting_a_handler_returns_the_one_before)
{
    MisuseHandler *standard = misuse_set_handler(remember);
    cr_expect(standard != NULL && standard != remember, "the standard handler is not told");
    cr_expect_eq(misuse_set_handler(remember_and_leave), remember, "not the one before");
    cr_expect_eq(misuse_set_handler(NULL), remember_and_leave, "not the one before");
    cr_expect_eq(misuse_set_handler(NULL), standard, "NULL does not restore the standard one");
}

Test(error, misuse_without_a_handler_aborts, .signal = SIGABRT) { misuse(HERE, "a message on standard error"); }

Test(error, misuse_aborts_when_the_handler_returns, .signal = SIGABRT)
{
    misuse_set_handler(remember);
    misuse(HERE, "nobody leaves");
}

/* The message goes to standard error as file:line: text, where an editor or a debugger finds it. */
static int printed[2]; /* a pipe: [0] is read, [1] stands in for standard error */

static void compare_and_end(int number)
{
    (void)number;
    const char want[] = "lab3.c:17: v_add: operand b is NULL\n";
    char got[256] = "";
    const ssize_t bytes = read(printed[0], got, sizeof got - 1);
    _exit(bytes == (ssize_t)strlen(want) && strcmp(got, want) == 0 ? 77 : 1);
}

Test(error, the_standard_handler_prints_the_place_and_the_message, .exit_code = 77)
{
    cr_assert(pipe(printed) == 0 && dup2(printed[1], STDERR_FILENO) != -1, "no pipe");
    signal(SIGABRT, compare_and_end);
    misuse((Where){"lab3.c", 17}, "v_%s: operand %c is NULL", "add", 'b');
}

Test(error, an_error_is_a_message_and_false)
{
    Error error;
    cr_expect(!error_set(&error, "%s:%d: %s", "data.csv", 3, "ragged row"), "error_set returned true");
    cr_expect_str_eq(error.message, "data.csv:3: ragged row", "got \"%s\"", error.message);
    cr_expect(!error_set(NULL, "nobody %s", "listens"), "error_set returned true");
}

Test(error, a_long_error_is_cut_to_fit)
{
    struct {
        Error error;
        char guard;
    } box = {.guard = '#'};
    char text[2000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    error_set(&box.error, "%s", text);
    cr_expect_eq(strlen(box.error.message), sizeof box.error.message - 1, "%zu bytes", strlen(box.error.message));
    cr_expect_eq(box.guard, '#', "written past the end");
}

/* In place of hundreds of errors from the header's C. */
Test(error, a_cpp_compiler_gets_one_sentence)
{
    char said[4096];
    if (system("command -v ${CXX:-c++} >/dev/null") != 0)
        cr_skip_test("there is no C++ compiler here");
    FILE *in = popen("echo '#include \"stepgrad.h\"' | ${CXX:-c++} -x c++ -Iengine -fsyntax-only - 2>&1", "r");
    cr_assert(in != NULL, "popen");
    said[fread(said, 1, sizeof said - 1, in)] = '\0';
    cr_expect(pclose(in) != 0, "it was compiled");
    cr_expect(strstr(said, "error: ") != NULL && strstr(said, "stepgrad is C11: ") != NULL, "no such sentence in:\n%s",
              said);
    int errors = 0;
    for (const char *at = said; (at = strstr(at, "error: ")) != NULL; at++)
        errors++;
    cr_expect_eq(errors, 2, "%d errors, not the sentence and the end of the compilation:\n%s", errors, said);
}
