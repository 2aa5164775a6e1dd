/* test_prove.c - make prove: each row of its page has a script; a row runs once for the sources as they are, again when
 * they have changed, and what it ended with is what the page and the exit status say.
 */
#define _POSIX_C_SOURCE 200809L /* popen, mkdtemp */
#define _DARWIN_C_SOURCE
#include <criterion/criterion.h>

#include "labs_shell.h"
#include "long.h"

/* A project of its own, with one source and four rows; each row notes that it ran. */
static void make_project(void)
{
    make_folder();
    cr_assert_eq(shell("cd \"$DIR\" && mkdir -p engine viz lessons tests/prove && touch Makefile engine/value.c &&"
                       "cp \"$OLDPWD/tests/prove/prove.sh\" tests/prove/ && cd tests/prove &&"
                       "row() { echo \"echo $1 >>ran; echo $2 '| in all' >\\$OUT/figure.txt; exit $3\" >$1.sh; } &&"
                       "row memory 'all of 7' 0 && row disk 'one of 8' 1 && row fuzz 'no clang' 77 &&"
                       "echo 'print(\"mutants\", file=open(\"ran\", \"a\")); print(\"12 killed\")' >mutants.py"),
                 0, "%s", said);
}

static int prove(const char *rows)
{
    return shell("unset BUILD AGAIN; cd \"$DIR\" && ROWS='%s' sh tests/prove/prove.sh && cat tests/PROOF.md", rows);
}

static void expect_ran(const char *rows)
{
    shell("cat \"$DIR/ran\" 2>/dev/null | tr '\\n' ' '; rm -f \"$DIR/ran\"");
    cr_expect_str_eq(said, rows, "it ran: %s", said);
}

TestSuite(prove, .init = make_project, .fini = remove_folder, .timeout = 120);

Test(prove, every_row_of_the_page_has_its_script_and_every_script_its_row)
{
    cr_expect_eq(shell("sed -n \"/^rows='/,/'$/s/^\\(rows='\\)\\{0,1\\}\\([a-z_]*\\)|.*/\\2/p\" tests/prove/prove.sh |"
                       "sort >\"$DIR/rows\"; cd tests/prove && ls *.sh *.py | grep -v -e ^prove -e ^mutation -e ^ways |"
                       "sed 's/\\..*//' | sort | diff \"$DIR/rows\" - && wc -l <\"$DIR/rows\""),
                 0, "%s", said);
    cr_expect(atoi(said) >= 13, "%s", said);
}

Test(prove, a_row_runs_once_for_the_sources_as_they_are)
{
    only_where_long();
    cr_expect_eq(prove("memory mutants"), 0, "%s", said);
    expect_said("| holds | all of 7 / in all (");
    expect_said("| holds | 12 killed (");
    expect_said("| disk | full, short writes");
    expect_said("| not run | |");
    expect_ran("memory mutants ");
    cr_expect_eq(prove("memory mutants"), 0, "%s", said);
    expect_said("these sources have been through it\nmemory: holds\n");
    expect_ran("");
    shell("echo 'int x;' >\"$DIR/engine/value.c\"");
    cr_expect_eq(prove("memory"), 0, "%s", said);
    expect_ran("memory ");
    cr_expect_eq(shell("grep '^| mutants .*older sources' \"$DIR/tests/PROOF.md\""), 0, "%s", said);
    expect_unsaid("| memory");
}

Test(prove, a_row_that_names_what_it_reads_is_not_older_when_something_else_changes)
{
    only_where_long();
    shell("cd \"$DIR/tests/prove\" && echo '# Reads: engine tests/prove/faults.c' >>memory.sh && echo 1 >faults.c");
    cr_expect_eq(prove("memory"), 0, "%s", said);
    expect_ran("memory ");
    shell("cd \"$DIR\" && echo 2 >tests/test_value.c && echo 2 >tests/prove/others.c");
    cr_expect_eq(prove("memory"), 0, "%s", said);
    expect_ran("");
    shell("echo 2 >\"$DIR/tests/prove/faults.c\"");
    cr_expect_eq(prove("memory"), 0, "%s", said);
    expect_ran("memory ");
}

Test(prove, a_bar_that_does_not_hold_is_a_failure_each_time)
{
    only_where_long();
    for (int run = 0; run < 2; run++) {
        cr_expect_eq(prove("disk memory"), 1, "%s", said);
        shell("cat \"$DIR/tests/PROOF.md\"");
        expect_said("| **does not hold** | one of 8 /");
        expect_said("| holds | all of 7 /");
    }
    expect_ran("disk memory ");
}

Test(prove, what_was_run_in_part_is_called_so_and_is_no_success)
{
    only_where_long();
    shell("echo 'echo one of 2. Not run: the other. >\"$OUT/figure.txt\"' >\"$DIR/tests/prove/memory.sh\"");
    cr_expect_eq(prove("memory"), 1, "%s", said);
    shell("cat \"$DIR/tests/PROOF.md\"");
    expect_said("| holds as far as it was run | one of 2. Not run: the other. (");
}

Test(prove, what_cannot_be_tried_here_is_said_and_is_no_failure)
{
    only_where_long();
    cr_expect_eq(prove("fuzz"), 0, "%s", said);
    expect_said("| not tried | no clang /");
}

Test(prove, a_row_that_is_none_is_refused)
{
    only_where_long();
    cr_expect_eq(prove("fuz"), 1, "%s", said);
    expect_said("there is no row fuz");
}

Test(prove, an_interrupted_row_goes_on_the_next_time)
{
    only_where_long();
    shell("echo 'test -f \"$OUT/half\" && echo whole || { touch \"$OUT/half\"; kill -INT $$; }' "
          ">\"$DIR/tests/prove/disk.sh\"");
    cr_expect_eq(prove("disk"), 1, "%s", said);
    expect_said("the next make prove goes on");
    cr_expect_eq(prove("disk"), 0, "%s", said);
    expect_said("| holds | whole (");
}
