/* test_labs_own_op.c - ops of one's own: those of lab 10 in an engine that was compiled with them, by a student's
 * `make engine`, and in the program draw ($BUILD/tests/draw_own). */
#define _XOPEN_SOURCE 700 /* mkdtemp, popen, realpath beside C11 */
#define _DARWIN_C_SOURCE
#include <limits.h>
#include <unistd.h>

#include "labs_shell.h"
#include "long.h"

/* $HERE is this project. */
static void begin(void)
{
    char here[PATH_MAX];
    make_folder();
    cr_assert(getcwd(here, sizeof here) != NULL && setenv("HERE", here, 1) == 0);
    unsetenv("MAKEFLAGS"); /* of the make that runs the tests */
    unsetenv("MAKELEVEL");
}

TestSuite(labs_own_op, .init = begin, .fini = remove_folder, .timeout = 1800);

/* The folder as it is handed out, with lab 10 as `sed` leaves the reference. */
static void solve(const char *sed)
{
    setenv("SED", sed, 1);
    cr_assert(shell("cp -Rp \"$BUILD/tests/handout\" \"$DIR/my labs\" && "
                    "sed \"$SED\" lessons/labs/lab10.c >\"$DIR/my labs/lab10.c\"") == 0,
              "%s", said);
}

/* Write a formula of the student's into own_ops.h, in place of the call of a function. */
static void write_formula(const char *call, const char *formula)
{
    setenv("CALL", call, 1);
    setenv("FORMULA", formula, 1);
    cr_assert(shell("cd \"$DIR/my labs/own\" && sed \"s|$CALL, |$FORMULA, |\" own_ops.h >new && "
                    "! cmp -s new own_ops.h && mv new own_ops.h") == 0,
              "own_ops.h has no %s", call);
}

static const char make_engine[] = "cd \"$DIR/my labs\" && make -s engine STEPGRAD=\"$HERE\"";

/* ---- make engine ------------------------------------------------------------------------------------------------- */

Test(labs_own_op, right_ones_are_checked_and_drawn_with_the_formulas_of_the_student)
{
    only_where_long();
    solve("");
    write_formula("softsign_da(a, 0, y)", "1 / (1 + fabs(a)) / (1 + fabs(a))");
    cr_expect_eq(shell(make_engine), 0, "%s", said);
    expect_said("w = 0.5   x = 2     L = 2.0616   dL/dw = 0.12127     dL/dx = 1.0005      right\n");
    expect_said("w = -1.5  x = 0.7 ");
    expect_unsaid("WRONG");
    expect_unsaid("does not give");
    expect_unsaid("warning");
    expect_said("L = 2.0615528128088303 (grad 1) = norm(s, x)\n");
    shell("cat \"$DIR/my labs/build/engine\".[sd]*"); /* .svg, or .dot where there is no Graphviz */
    expect_said("=1/(1 + fabs(p))/(1 + fabs(p))=0.25");
    expect_said("norm_da(s, x, L)=0.2425");
}

/* |a| taken for a constant; and in own_ops.h a formula of the other operand. */
Test(labs_own_op, a_wrong_derivative_and_a_formula_that_does_not_fit_are_named)
{
    only_where_long();
    solve("s,1 / (below \\* below),1 / below,");
    write_formula("norm_db(a, b, y)", "a / y");
    cr_expect_eq(shell(make_engine), 0, "make has nothing to add: %s", said);
    expect_said("w = 0.5   x = 2     L = 2.0616   dL/dw = 0.24254     dL/dx = 1.0308      WRONG\n");
    expect_said("first s (softsign), d/d p: 0.5 by the op table, 0.25 by differences\n");
    expect_said("the formula a / y in own/own_ops.h does not give what norm_db does, 0.970143\n");
    expect_unsaid("right\n");
}

Test(labs_own_op, what_is_missing_is_said)
{
    cr_assert(shell("cp -Rp \"$BUILD/tests/handout\" \"$DIR/my labs\"") == 0);
    cr_expect(shell("cd \"$DIR/my labs\" && make -s engine") != 0);
    expect_said("Where is the engine? Clone stepgrad");
    cr_expect(shell("cd \"$DIR/my labs\" && make -s engine STEPGRAD=..") != 0);
    expect_said(".. is no clone of stepgrad, or an old one");
    cr_expect(shell("cd \"$DIR/my labs\" && rm -r own && make -s engine STEPGRAD=\"$HERE\"") != 0);
    expect_said("This is for lab 10");
}

/* ---- draw -------------------------------------------------------------------------------------------------------- */

Test(labs_own_op, draw_knows_them)
{
    only_where_long();
    cr_expect_eq(shell("\"$BUILD/tests/draw_own\" 'L = norm(softsign(w*x), x)' w=-0.5 x=2 --check --tree"), 0);
    expect_said("softsign(v2)   data -0.5 ");
    expect_said("gradcheck: of 2 params 2 checked: 2 right, 0 wrong\n");
    cr_expect_eq(shell("\"$BUILD/tests/draw_own\" 'norm(a, b)' a=3 b=4 --forward b"), 0);
    expect_said("L     5     0.8   norm(a, b)\n");
    cr_expect_eq(shell("\"$BUILD/tests/draw_own\" 'norm(a, b)' a=3 b=4 --dot \"$DIR/a.dot\" --html \"$DIR/a.html\" "
                       "2>&1 && cat \"$DIR\"/a.*"),
                 0, "%s", said);
    expect_said("norm_db(a, b, L)=0.8");
    expect_said("The operand that is the larger part of the length");
    shell("\"$BUILD/draw\" 'norm(a, b)' a=3 b=4"); /* and no other engine does */
    expect_said("there is no function 'norm'");
}
