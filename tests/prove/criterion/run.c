/* run.c - runs the tests of suites that were compiled with this folder's criterion.h, one after another. */
#define _POSIX_C_SOURCE 200809L
#include <criterion/criterion.h>
#include <fnmatch.h>
#include <sys/wait.h>
#include <unistd.h>

enum { SECONDS_MOST = 3000 }; /* for one test: it hangs, then */

const TestEntry *criterion_current_test;
static TestEntry *tests;
static bool failed; /* in the process of a test */

void test_register(TestEntry *entry)
{
    entry->next = tests;
    tests = entry;
}

void test_fail(bool fatal, const char *file, int line, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    fprintf(stderr, "%s:%d: ", file, line);
    vfprintf(stderr, format, values);
    fputc('\n', stderr);
    va_end(values);
    failed = true;
    if (fatal)
        exit(TEST_FAILED);
}

static const TestOptions *suite_options(const TestEntry *test)
{
    static const TestOptions none;
    for (const TestEntry *entry = tests; entry != NULL; entry = entry->next)
        if (entry->name == NULL && strcmp(entry->suite, test->suite) == 0)
            return &entry->options;
    return &none;
}

/* In a process of its own. */
static void run_here(const TestEntry *test)
{
    const TestOptions *suite = suite_options(test), *own = &test->options;
    void (*const init)(void) = own->init != NULL ? own->init : suite->init;
    void (*const fini)(void) = own->fini != NULL ? own->fini : suite->fini;
    criterion_current_test = test;
    alarm(SECONDS_MOST);
    if (init != NULL)
        init();
    test->run();
    if (fini != NULL)
        fini();
    exit(failed ? TEST_FAILED : EXIT_SUCCESS);
}

static bool is_wanted(const TestEntry *test, int count, char **patterns)
{
    char name[256];
    snprintf(name, sizeof name, "%s/%s", test->suite, test->name);
    for (int i = 0; i < count; i++)
        if (fnmatch(patterns[i], name, 0) == 0)
            return test->name != NULL;
    return test->name != NULL && count == 0;
}

/* What became of the test: 0, TEST_FAILED or TEST_SKIPPED. */
static int run_apart(const TestEntry *test)
{
    int status = 0;
    const pid_t child = fork();
    if (child == 0)
        run_here(test);
    if (child < 0 || waitpid(child, &status, 0) != child)
        return TEST_FAILED;
    if (WIFSIGNALED(status))
        return WTERMSIG(status) == test->options.signal ? 0 : TEST_FAILED;
    if (test->options.signal == 0 && WEXITSTATUS(status) == test->options.exit_code)
        return 0;
    return WEXITSTATUS(status) == TEST_SKIPPED ? TEST_SKIPPED : TEST_FAILED;
}

int main(int argc, char **argv)
{
    int passed = 0, failures = 0, skipped = 0;
    for (const TestEntry *test = tests; test != NULL; test = test->next) {
        if (!is_wanted(test, argc - 1, argv + 1))
            continue;
        fflush(NULL);
        const int result = run_apart(test);
        passed += result == 0;
        skipped += result == TEST_SKIPPED;
        failures += result == TEST_FAILED;
        if (result == TEST_FAILED)
            printf("[FAIL] %s/%s\n", test->suite, test->name);
    }
    printf("%d passed, %d failed, %d skipped\n", passed, failures, skipped);
    return failures == 0 && passed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
