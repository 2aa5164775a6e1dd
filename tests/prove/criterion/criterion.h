/* criterion.h - what the suites use of Criterion, in one file, for the tools that want every line instrumented.
 *
 * MemorySanitizer takes what a library that it did not compile writes for uninitialised, so Criterion itself cannot be
 * there. Compile the suites with -Itests/prove, link them with tests/prove/criterion/run.c, and run
 *
 *     run [SUITE/TEST ...]                patterns of the shell; without any, all tests
 *
 * Each test is a process of its own; one that a signal or an exit status ends passes if it asked for just that.
 */
#ifndef STEPGRAD_PROVE_CRITERION_H
#define STEPGRAD_PROVE_CRITERION_H

#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct TestOptions {
    int none; /* so that a list of options is never empty */
    void (*init)(void), (*fini)(void);
    int signal, exit_code;
    double timeout; /* not kept to: the tools are slow */
} TestOptions;

typedef struct TestEntry {
    const char *suite, *name; /* a suite has no name */
    void (*run)(void);
    TestOptions options;
    struct TestEntry *next;
} TestEntry;

extern const TestEntry *criterion_current_test;
void test_register(TestEntry *entry);

/* Says what failed, and ends the test if it is fatal. */
void test_fail(bool fatal, const char *file, int line, const char *format, ...);

#define TEST_REGISTER(id, ...)                                                                                         \
    __attribute__((constructor)) static void id##_register(void)                                                       \
    {                                                                                                                  \
        static TestEntry entry = {__VA_ARGS__};                                                                        \
        test_register(&entry);                                                                                         \
    }
#define TestSuite(suite, ...) TEST_REGISTER(suite, #suite, NULL, NULL, {.none = 0, __VA_ARGS__}, NULL)
#define Test(suite, name, ...)                                                                                         \
    static void suite##_##name##_test(void);                                                                           \
    TEST_REGISTER(suite##_##name, #suite, #name, suite##_##name##_test, {.none = 0, __VA_ARGS__}, NULL)                \
    static void suite##_##name##_test(void)

/* What the message shows is looked at only when the test fails, as it may not be there otherwise. */
#define TEST_CHECK(fatal, holds, ...) ((holds) ? (void)0 : test_fail(fatal, __FILE__, __LINE__, __VA_ARGS__))
#define cr_expect(...) TEST_CHECK(false, __VA_ARGS__, "")
#define cr_assert(...) TEST_CHECK(true, __VA_ARGS__, "")
#define cr_expect_not(holds, ...) cr_expect(!(holds), "" __VA_ARGS__)
#define cr_assert_not(holds, ...) cr_assert(!(holds), "" __VA_ARGS__)
#define cr_expect_null(p, ...) cr_expect((p) == NULL, "" __VA_ARGS__)
#define cr_assert_null(p, ...) cr_assert((p) == NULL, "" __VA_ARGS__)
#define cr_expect_not_null(p, ...) cr_expect((p) != NULL, "" __VA_ARGS__)
#define cr_assert_not_null(p, ...) cr_assert((p) != NULL, "" __VA_ARGS__)
#define cr_expect_eq(a, b, ...) cr_expect((a) == (b), "" __VA_ARGS__)
#define cr_assert_eq(a, b, ...) cr_assert((a) == (b), "" __VA_ARGS__)
#define cr_expect_neq(a, b, ...) cr_expect((a) != (b), "" __VA_ARGS__)
#define cr_assert_neq(a, b, ...) cr_assert((a) != (b), "" __VA_ARGS__)
#define cr_expect_lt(a, b, ...) cr_expect((a) < (b), "" __VA_ARGS__)
#define cr_assert_lt(a, b, ...) cr_assert((a) < (b), "" __VA_ARGS__)
#define cr_expect_gt(a, b, ...) cr_expect((a) > (b), "" __VA_ARGS__)
#define cr_assert_gt(a, b, ...) cr_assert((a) > (b), "" __VA_ARGS__)
#define cr_expect_leq(a, b, ...) cr_expect((a) <= (b), "" __VA_ARGS__)
#define cr_assert_leq(a, b, ...) cr_assert((a) <= (b), "" __VA_ARGS__)
#define cr_expect_geq(a, b, ...) cr_expect((a) >= (b), "" __VA_ARGS__)
#define cr_assert_geq(a, b, ...) cr_assert((a) >= (b), "" __VA_ARGS__)
#define cr_expect_float_eq(a, b, within, ...) cr_expect(fabs((double)(a) - (double)(b)) <= (within), "" __VA_ARGS__)
#define cr_assert_float_eq(a, b, within, ...) cr_assert(fabs((double)(a) - (double)(b)) <= (within), "" __VA_ARGS__)
#define cr_expect_str_eq(a, b, ...) cr_expect(strcmp(a, b) == 0, "" __VA_ARGS__)
#define cr_assert_str_eq(a, b, ...) cr_assert(strcmp(a, b) == 0, "" __VA_ARGS__)
#define cr_expect_str_neq(a, b, ...) cr_expect(strcmp(a, b) != 0, "" __VA_ARGS__)
#define cr_assert_str_neq(a, b, ...) cr_assert(strcmp(a, b) != 0, "" __VA_ARGS__)
#define cr_expect_arr_eq(a, b, bytes, ...) cr_expect(memcmp(a, b, bytes) == 0, "" __VA_ARGS__)
#define cr_assert_fail(...) cr_assert(false, "" __VA_ARGS__)
#define cr_log_info(...) (fprintf(stderr, __VA_ARGS__), fputc('\n', stderr))
#define cr_log_warn(...) (fprintf(stderr, __VA_ARGS__), fputc('\n', stderr))
#define cr_skip_test(...) (cr_log_info("" __VA_ARGS__), exit(TEST_SKIPPED))
#define cr_skip() exit(TEST_SKIPPED)
enum { TEST_FAILED = 1, TEST_SKIPPED = 77 };

#endif
