/* guard.c - a test that asserts nothing does not pass.
 *
 * Criterion counts a test as passed when its process ends with 0. So exit(0) in the code under test, or a test whose
 * loop runs over nothing, would pass. Here it fails: a test must have reported an assertion that held, which Criterion
 * does when the test function returns, so that an exit(0) after the last assertion is found too. (With --full-stats
 * each assertion is reported at once, and only a test without any is found.) Tests that are to end by a signal or with
 * an exit code of their own, and those that skip themselves, need no assertion.
 */
#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <stdio.h>
#ifdef __GLIBC__
#include <malloc.h>

/* Fresh memory is often 0, and then what forgets to set it works by luck. Here each of its bytes is 0x7f, the
 * complement of what is set: a double is 1.4e306, a pointer leads nowhere. */
__attribute__((constructor)) static void fill_fresh_memory(void) { mallopt(M_PERTURB, 0x80); }
#endif

static size_t caught = 0;

static bool asserted_nothing(const struct criterion_test_stats *stats)
{
    const struct criterion_test_extra_data *asked = stats->test->data;
    return stats->test_status == CR_STATUS_PASSED && stats->passed_asserts == 0 && asked->signal == 0 &&
           asked->exit_code == 0;
}

ReportHook(POST_TEST)(struct criterion_test_stats *stats)
{
    if (!asserted_nothing(stats))
        return;
    fprintf(stderr,
            "[FAIL] %s::%s: it ended before it could report an assertion that held: does it assert nothing, or was "
            "exit() called?\n",
            stats->test->category, stats->test->name);
    stats->test_status = CR_STATUS_FAILED;
    caught++;
}

/* The result of the whole run is made from these counts after this. */
ReportHook(POST_ALL)(struct criterion_global_stats *stats)
{
    stats->tests_passed -= caught;
    stats->tests_failed += caught;
}

/* Criterion starts libgit2, which it needs for no assertion that stands here, in the process of every test; there it
 * reads all the certificates of the machine: 5 of a test's 11 milliseconds. So these two stand in for it. */
int git_libgit2_init(void) { return 1; }
int git_libgit2_shutdown(void) { return 0; }
