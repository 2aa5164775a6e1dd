/* test_fuzz.c - every fuzz target of tests/fuzz/ holds on the inputs that were kept in tests/fuzz/corpus/. A million
 * new ones each are for tests/prove/fuzz.sh. */
#define _DEFAULT_SOURCE /* popen, scandir beside C11 */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { TARGETS_LEAST = 8 };

/* Run a target over a folder or a file; what it says goes to `said`. Returns its exit status, −1 after a crash. */
static int replay(const char *target, const char *inputs, char *said, size_t size)
{
    const char *build = getenv("BUILD");
    char command[400];
    snprintf(command, sizeof command, "'%s/tests/fuzz/%s' '%s' 2>&1", build != NULL ? build : "build", target, inputs);
    FILE *program = popen(command, "r");
    cr_assert_not_null(program);
    said[fread(said, 1, size - 1, program)] = '\0';
    const int status = pclose(program);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Whether an entry of tests/fuzz/ is the source of a target; its name then loses the ".c". */
static bool is_target(struct dirent *entry)
{
    char *dot = strrchr(entry->d_name, '.');
    if (dot == NULL || strcmp(dot, ".c") != 0 || strcmp(entry->d_name, "replay_inputs.c") == 0)
        return false;
    *dot = '\0';
    return true;
}

Test(fuzz, every_target_holds_on_the_inputs_that_were_kept)
{
    struct dirent **entries;
    int targets = 0;
    const int n = scandir("tests/fuzz", &entries, NULL, alphasort);
    for (int i = 0; i < n; i++) {
        char folder[400], said[2000];
        size_t inputs = 0;
        if (is_target(entries[i])) {
            snprintf(folder, sizeof folder, "tests/fuzz/corpus/%s", entries[i]->d_name);
            cr_expect_eq(replay(entries[i]->d_name, folder, said, sizeof said), 0, "%s: %s", entries[i]->d_name, said);
            cr_expect(sscanf(said, "%zu inputs", &inputs) == 1 && inputs > 1, "%s: %s", entries[i]->d_name, said);
            targets++;
        }
        free(entries[i]);
    }
    free(entries);
    cr_expect_geq(targets, TARGETS_LEAST, "there are %d targets", targets);
}

Test(fuzz, inputs_that_cannot_be_read_are_no_success)
{
    char said[2000];
    cr_expect_eq(replay("csv", "tests/fuzz/corpus/no_such_folder", said, sizeof said), 1);
    cr_expect_not_null(strstr(said, "no input could be read"), "%s", said);
}
