/* test_gdb.c - the debugger's commands (viz/debug/stepgrad-gdb.py, viz/debug/stepgrad_lldb.py), run in the real gdb and
 * lldb on tests/gdb/program.c, at -O0 and -O2. Skipped aloud where there is no gdb (or lldb), or where it may not
 * trace. */
#define _XOPEN_SOURCE 700
#include <criterion/criterion.h>
#include <criterion/hooks.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "long.h"

enum { OUTPUT_MOST = 1 << 20, COMMAND_MOST = 1 << 14 };

static char output[OUTPUT_MOST];

/* Run a shell command; its standard output and errors are in `output`. Returns its exit status. */
static int run(const char *command)
{
    fflush(NULL);
    FILE *from = popen(command, "r");
    cr_assert(from != NULL, "popen");
    size_t length = fread(output, 1, sizeof output - 1, from);
    output[length] = '\0';
    return WEXITSTATUS(pclose(from));
}

static bool says(const char *text) { return strstr(output, text) != NULL; }

static int times(const char *text)
{
    int count = 0;
    for (const char *at = output; (at = strstr(at, text)) != NULL; at += strlen(text))
        count++;
    return count;
}

#define EXPECT_SAYS(text, where) cr_expect(says(text), "%s: wanted\n  %s\ngot\n%s", where, text, output)

/* No session may ever show a Python error. */
static void expect_no_python_error(const char *where)
{
    cr_expect(!says("Traceback") && !says("Python Exception") && !says("Error occurred in Python"),
              "%s: a Python error:\n%s", where, output);
}

/* Each session would read the debug information of libc, where that is installed: 0.2 s of three in four. */
#define GDB "gdb -q -nx -batch -iex 'set debug-file-directory' "

/* Found out once, before the suite: each test has a process of its own, which inherits the environment. */
ReportHook(PRE_SUITE)(struct criterion_suite_set *set)
{
    if (strcmp(set->suite.name, "gdb") != 0)
        return;
    if (run(GDB "-ex 'python print(6 * 7)' 2>&1") != 0 || !says("42"))
        setenv("GDB_CANNOT", "SKIPPED: there is no gdb with Python here (install gdb)", 1);
    else if (run(GDB "-ex run --args sh -c 'exit 3' 2>&1"), !says("exited with code 03"))
        setenv("GDB_CANNOT", "SKIPPED: gdb may not trace a program here (in a container: --cap-add=SYS_PTRACE)", 1);
}

static void skip_without_gdb(void)
{
    if (getenv("GDB_CANNOT") != NULL)
        cr_skip_test("%s", getenv("GDB_CANNOT"));
}

/* The test program, built with these flags: "O0", "O2". Tests run side by side, so one builds while others wait. */
static const char *program(const char *optimisation)
{
    static char path[64];
    char command[COMMAND_MOST];
    run("mkdir -p build/tests/gdb");
    int lock = open("build/tests/gdb/lock", O_CREAT | O_RDWR, 0666);
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    cr_assert(lock >= 0 && fcntl(lock, F_SETLKW, &whole) == 0, "cannot lock build/tests/gdb/lock");
    snprintf(path, sizeof path, "build/tests/gdb/program-%s", optimisation);
    snprintf(command, sizeof command,
             "test -x %s && test -z \"$(find engine viz tests/gdb -name '*.[ch]' -newer %s)\" || "
             "${CC:-cc} -std=c11 -%s -g -ffp-contract=off -Iengine -Iviz -o %s tests/gdb/program.c engine/*.c "
             "viz/graph/*.c -lm -lpthread 2>&1",
             path, path, optimisation, path);
    cr_assert(run(command) == 0, "cannot build %s:\n%s", path, output);
    close(lock);
    return path;
}

/* A gdb session: commands, a line each, on program-O0 or -O2 with an argument. Its words are in `output`. */
static void gdb(const char *optimisation, const char *argument, const char *commands)
{
    char command[COMMAND_MOST], line[256];
    const char *path = program(optimisation);
    int length =
        snprintf(command, sizeof command,
                 "$(command -v timeout >/dev/null && echo timeout 1500) " GDB
                 "-iex 'set debuginfod enabled off' -iex 'set can-use-hw-watchpoints 0' -iex 'set host-charset "
                 "UTF-8' -iex 'set width 0' -x viz/debug/stepgrad-gdb.py");
    while (*commands != '\0') {
        const size_t end = strcspn(commands, "\n");
        snprintf(line, sizeof line, "%.*s", (int)end, commands);
        length += snprintf(command + length, sizeof command - (size_t)length, " -ex '%s'", line);
        commands += end + (commands[end] == '\n');
    }
    snprintf(command + length, sizeof command - (size_t)length, " --args %s %s 2>&1", path, argument);
    run(command);
    expect_no_python_error(argument);
}

static const char *const optimisations[] = {"O0", "O2"};

/* Both where LONG is set; else the one that `make gdb` has. */
static int optimisation_count(void) { return is_long() ? 2 : 1; }

TestSuite(gdb, .init = skip_without_gdb);

Test(gdb, a_value_prints_in_one_line)
{
    for (int i = 0; i < optimisation_count(); i++) {
        gdb(optimisations[i], "expression", "break backward_hook\nrun\nprint *node\nprint node\nprint node->b\nbt 1");
        EXPECT_SAYS("$1 = L = -8 (grad 1) = d * f\n", optimisations[i]);
        EXPECT_SAYS("$2 = L = -8 (grad 1) = d * f\n", optimisations[i]);
        EXPECT_SAYS("$3 = f = -2 (grad 4) = param\n", optimisations[i]);
        EXPECT_SAYS("backward_hook (node=", optimisations[i]);
        cr_expect(!says("{data"), "%s: the fields are printed too:\n%s", optimisations[i], output);
    }
}

Test(gdb, step_runs_to_the_next_node_and_explains_its_push)
{
    for (int i = 0; i < optimisation_count(); i++) {
        gdb(optimisations[i], "expression", "start\ngrad step\ngrad step\ngrad step\ngrad step");
        EXPECT_SAYS("L = -8 (grad 1) = d * f\nhas just pushed L.grad = 1 to its 2 parents:\n"
                    "  d.grad += ∂L/∂d · L.grad = f · L.grad = -2 · 1 = -2  [now 0 → -2]\n"
                    "  f.grad += ∂L/∂f · L.grad = d · L.grad = 4 · 1 = 4  [now 0 → 4]\n"
                    "Next: d = 4 (grad -2) = e + c\n",
                    optimisations[i]);
        EXPECT_SAYS("  a.grad += ∂e/∂a · e.grad = b · e.grad = -3 · -2 = 6  [now 0 → 6]\n", optimisations[i]);
        EXPECT_SAYS("That was the last node of this walk.\n", optimisations[i]);
        EXPECT_SAYS("The program has ended with status 0: there was no further node in a backward pass.\n",
                    optimisations[i]);
    }
}

/* The same from a program's own loop over backward_step; 50,000 nodes with a stop at each would take minutes. */
Test(gdb, step_runs_to_a_node_by_name_without_stopping_at_others)
{
    only_where_long();
    for (int i = 0; i < optimisation_count(); i++) {
        gdb(optimisations[i], "chain", "start\ngrad step early\nprint $_exitcode\ngrad step x\ngrad step nobody");
        EXPECT_SAYS("  x.grad += ∂early/∂x · early.grad = 1.5 · early.grad = 1.5 · 1 = 1.5  [now 0 → 1.5]\n",
                    optimisations[i]);
        EXPECT_SAYS("$1 = void", optimisations[i]); /* the program still runs */
        EXPECT_SAYS("grad step: x is a leaf (param): it has no parents to push to.", optimisations[i]);
        EXPECT_SAYS("The program has ended with status 0: no node called nobody has pushed a gradient.",
                    optimisations[i]);
    }
}

Test(gdb, step_by_name_finds_the_node_again_in_each_graph_of_a_training_loop)
{
    only_where_long();
    for (int i = 0; i < optimisation_count(); i++) {
        gdb(optimisations[i], "training", "start\ngrad step off\ngrad step off\ngrad step off\ngrad step off");
        EXPECT_SAYS("∂off/∂p · off.grad = 1 · off.grad = 1 · -3 = -3  [now 0 → -3]", optimisations[i]);
        EXPECT_SAYS("1 · -1.5 = -1.5  [now 0 → -1.5]", optimisations[i]);
        EXPECT_SAYS("1 · -0.75 = -0.75  [now 0 → -0.75]", optimisations[i]);
        EXPECT_SAYS("The program has ended with status 0", optimisations[i]);
    }
}

Test(gdb, explain_says_the_chain_rule_in_symbols_and_numbers)
{
    for (int i = 0; i < optimisation_count(); i++) {
        gdb(optimisations[i], "neuron",
            "start\ngrad step\ngrad explain o\ngrad explain M\ngrad step\ngrad explain o\ngrad explain w1");
        cr_expect_eq(times("  M.grad += ∂o/∂M · o.grad = (1 − o²) · o.grad = 0.5 · 1 = 0.5  [now 0 → 0.5]\n"), 2,
                     "%s: step and explain at the node say the same:\n%s", optimisations[i], output);
        EXPECT_SAYS("has not pushed yet; with M.grad = 0.5, as it stands, it would push to its 5 parents:\n"
                    "  w1.grad += ∂M/∂w1 · M.grad = x1 · M.grad = 2 · 0.5 = 1  [now 0 → 1]\n"
                    "  x1 (input) takes no gradient: it depends on no param\n",
                    optimisations[i]);
        EXPECT_SAYS("  bias.grad += ∂M/∂bias · M.grad = 1 · M.grad = 1 · 0.5 = 0.5  [now 0 → 0.5]\n", optimisations[i]);
        EXPECT_SAYS("= 0.5 · 1 = 0.5  [M.grad is 0.5]\n", optimisations[i]); /* long after its push */
        EXPECT_SAYS("w1 is a leaf (param)", optimisations[i]);
    }
}

/* Stopped by hand at the hook, nobody has noted what the gradients were before. */
Test(gdb, explain_recovers_the_gradients_before_a_push_that_it_did_not_see)
{
    only_where_long();
    gdb("O0", "shared",
        "break backward_hook if node->op == OP_MUL && node->a == node->b\nrun\ngrad explain node\ncontinue\n"
        "grad explain node");
    EXPECT_SAYS("  x.grad += ∂square/∂x · square.grad = x · square.grad = 5 · 1 = 5  [now 3 → 8]\n"
                "  x.grad += ∂square/∂x · square.grad = x · square.grad = 5 · 1 = 5  [now 8 → 13]\n",
                "first pass");
    EXPECT_SAYS("[now 16 → 21]\n", "second pass");
}

Test(gdb, tree_shows_a_shared_node_once_and_marks_the_one_at_work)
{
    for (int i = 0; i < optimisation_count(); i++) {
        gdb(optimisations[i], "shared", "start\ngrad step triple\ngrad tree y");
        EXPECT_SAYS("y = 40 (grad 1) = square + triple\n"
                    "├─ square = 25 (grad 1) = x * x\n"
                    "│  ├─ x = 5 (grad 3) = param\n"
                    "│  └─ x = 5 (grad 3) = param  (shown above)\n"
                    "└─ triple = 15 (grad 1) = 3 * x  ◀ has just pushed\n"
                    "   ├─ v2 = 3 (grad 0) = const\n"
                    "   └─ x = 5 (grad 3) = param  (shown above)\n",
                    optimisations[i]);
    }
}

Test(gdb, without_a_name_a_command_means_the_root_of_the_walk_or_the_node_at_work)
{
    only_where_long();
    for (int i = 0; i < optimisation_count(); i++) {
        gdb(optimisations[i], "expression", "start\ngrad step\ngrad step\ngrad tree\ngrad explain\ngrad edges");
        EXPECT_SAYS("\nL = -8 (grad 1) = d * f\n├─ d = 4 (grad -2) = e + c  ◀ has just pushed\n", optimisations[i]);
        cr_expect_eq(times("\nd = 4 (grad -2) = e + c\nhas just pushed"), 2, "%s: %s", optimisations[i], output);
        EXPECT_SAYS("6 edges below L: 4 pushed (✓), 2 waiting (⋯)\n", optimisations[i]);
    }
}

Test(gdb, tree_order_and_edges_stop_at_print_elements)
{
    only_where_long();
    gdb("O2", "chain",
        "break backward_hook\nrun\nset print elements 5\ngrad tree node\ngrad order node\ngrad edges node");
    cr_expect_eq(times("… and more: `set print elements N` shows N lines, 0 all\n"), 3, "%s", output);
    EXPECT_SAYS("100003 nodes in topological order", "order"); /* x, then 50,001 products, each with a constant */
}

Test(gdb, order_is_topological_and_edges_tell_who_has_pushed)
{
    for (int i = 0; i < optimisation_count(); i++) {
        gdb(optimisations[i], "expression", "start\ngrad step d\ngrad order L\ngrad edges L");
        EXPECT_SAYS("  0  a = 2 (grad 0) = param\n", optimisations[i]);
        EXPECT_SAYS("  5  d = 4 (grad -2) = e + c  ◀ has just pushed\n  6  L = -8 (grad 1) = d * f\n",
                    optimisations[i]);
        EXPECT_SAYS("6 edges below L: 4 pushed (✓), 2 waiting (⋯)\n"
                    "  ✓ L → d: ∂L/∂d · L.grad = f · L.grad = -2 · 1 = -2\n",
                    optimisations[i]);
        EXPECT_SAYS("  ⋯ e → a: waits\n  ⋯ e → b: waits\n", optimisations[i]);
    }
}

Test(gdb, watch_says_by_how_much_and_through_which_edge)
{
    for (int i = 0; i < optimisation_count(); i++) {
        gdb(optimisations[i], "shared",
            "break backward_begin_at\nrun\ngrad watch x\ngrad watch\ndelete\ncontinue\ncontinue\ncontinue\ncontinue\n"
            "continue");
        EXPECT_SAYS("Watched: x\n", optimisations[i]);
        EXPECT_SAYS("x.grad: 0 → 3, by 3, through the edge from triple:\n"
                    "  x.grad += ∂triple/∂x · triple.grad = 3 · triple.grad = 3 · 1 = 3  [now 0 → 3]\n",
                    optimisations[i]);
        EXPECT_SAYS("x.grad: 3 → 13, by 10, through the edges from square:\n"
                    "  x.grad += ∂square/∂x · square.grad = x · square.grad = 5 · 1 = 5  [now 3 → 8]\n",
                    optimisations[i]);
        EXPECT_SAYS("x.grad: 16 → 26, by 10, through the edges from square:\n", optimisations[i]);
        EXPECT_SAYS("exited normally", optimisations[i]); /* the fifth: nothing else changed it */
    }
}

Test(gdb, watch_follows_a_param_through_a_training_loop)
{
    gdb("O2", "training",
        "start\ngrad step off\ngrad watch p\ncontinue\ncontinue\ngrad unwatch p\ngrad unwatch p\ncontinue");
    EXPECT_SAYS("p.grad: -3 → -6, by -3, through the edge from v", "first step");
    EXPECT_SAYS("p.grad: 0 → -1.5, by -1.5, through the edge from off:\n", "second step");
    EXPECT_SAYS("grad unwatch: p is not watched.", "twice");
    EXPECT_SAYS("exited normally", "after unwatch");
}

/* gdb's own `watch`, by the hardware or without: the script leaves a way that stops. */
static bool plain_watch_stops(const char *before)
{
    char commands[COMMAND_MOST];
    snprintf(commands, sizeof commands, "%s\nbreak backward_begin_at\nrun\nwatch -l root->grad\ncontinue", before);
    gdb("O0", "expression", commands);
    return says("Old value = 0\nNew value = 1\n");
}

Test(gdb, plain_watch_stops_with_and_without_hardware_watchpoints)
{
    cr_expect(plain_watch_stops("set can-use-hw-watchpoints 0") && says("\nWatchpoint 2: "), "software: %s", output);
    const bool hardware = plain_watch_stops("set can-use-hw-watchpoints 1") && says("Hardware watchpoint 2: ");
    cr_expect(plain_watch_stops("set can-use-hw-watchpoints 1\nsource viz/debug/stepgrad-gdb.py"),
              "as the script sets it: %s", output);
    cr_expect_eq(says("Hardware watchpoint 2: "), hardware, "the script should use the hardware if it works: %s",
                 output);
    cr_expect_eq(says("Hardware watchpoints do not work on this machine"), !hardware, "%s", output);
    fprintf(stderr, "gdb's `watch` stops without the hardware, and with it %s.\n", /* .ci/run repeats this */
            hardware ? "too" : "never on this machine: SKIPPED");
}

/* What the script chooses when the gdb of its trial says this: so both choices are tried on any machine. */
static void expect_choice(const char *trial_says, const char *want)
{
    char folder[] = "/tmp/stepgrad-gdb-XXXXXX", path[64], commands[COMMAND_MOST];
    cr_assert(mkdtemp(folder) != NULL, "no folder to work in");
    snprintf(path, sizeof path, "%s/gdb", folder);
    FILE *out = fopen(path, "w");
    cr_assert(out != NULL && fprintf(out, "#!/bin/sh\necho '%s'\n", trial_says) > 0 && fclose(out) == 0 &&
                  chmod(path, 0700) == 0,
              "cannot write %s", path);
    snprintf(commands, sizeof commands,
             "set can-use-hw-watchpoints 1\npython os.environ[\"PATH\"] = \"%s:\" + os.environ[\"PATH\"]\n"
             "source viz/debug/stepgrad-gdb.py\nshow can-use-hw-watchpoints",
             folder);
    gdb("O0", "expression", commands);
    EXPECT_SAYS(want, trial_says);
    cr_expect(remove(path) == 0 && rmdir(folder) == 0, "cannot remove %s", folder);
}

Test(gdb, the_hardware_is_used_where_a_trial_stops_and_only_there)
{
    expect_choice("Old value = 0", "watchpoint hardware is 1.");
    cr_expect(!says("Hardware watchpoints do not work"), "%s", output);
    expect_choice("exited normally", "watchpoint hardware is 0.");
    EXPECT_SAYS("Hardware watchpoints do not work on this machine", "no trial");
}

Test(gdb, why_nan_names_the_first_node_that_is_not_finite)
{
    for (int i = 0; i < optimisation_count(); i++) {
        gdb(optimisations[i], "nan", "start\ngrad step\ngrad why-nan y\ngrad why-nan x");
        EXPECT_SAYS("bad = nan is the first value that is not finite.\n", optimisations[i]);
        EXPECT_SAYS("it was made here: log(-1) = nan.\n  less = -1 (grad 0) = x - 3\n", optimisations[i]);
        EXPECT_SAYS("It goes on: bad → ", optimisations[i]);
        EXPECT_SAYS("All values and gradients are finite: 1 node,", optimisations[i]);
        gdb(optimisations[i], "slope", "start\ngrad step root\ngrad why-nan y");
        EXPECT_SAYS("All values are finite. x.grad = inf is the first gradient of the reverse walk that is not.\n"
                    "  x.grad += ∂root/∂x · root.grad = 1/(2·root) · root.grad = inf · 2 = inf\n",
                    optimisations[i]);
    }
}

Test(gdb, check_stands_beside_the_walk_and_does_not_disturb_it)
{
    for (int i = 0; i < optimisation_count(); i++) {
        gdb(optimisations[i], "expression",
            "start\nbreak backward_hook\ncontinue\ngrad watch b\ngrad check L\ngrad check "
            "a\ndelete\ncontinue\ncontinue");
        if (access("engine/gradcheck.c", R_OK) == 0) {
            EXPECT_SAYS("4 params below L: 4 right, 0 wrong, not checked: 0 at a kink", optimisations[i]);
            EXPECT_SAYS("The largest difference: ", optimisations[i]);
        } else {
            EXPECT_SAYS("grad check: the gradient check is not linked into this program", optimisations[i]);
        }
        EXPECT_SAYS("grad check: a depends on no param", optimisations[i]);
        EXPECT_SAYS("b.grad: 0 → -4, by -4", optimisations[i]);
        EXPECT_SAYS("a.grad = 6, b.grad = -4\n", optimisations[i]); /* what the program itself prints */
    }
}

Test(gdb, dot_and_svg_are_files_that_graphviz_accepts)
{
    run("rm -f build/tests/gdb/h.dot build/tests/gdb/h.svg");
    gdb("O0", "hostile",
        "start\ngrad step\ngrad dot build/tests/gdb/h.dot y\ngrad svg y build/tests/gdb/h.svg\n"
        "grad dot build/no/such/folder.dot y\ngrad dot y");
    EXPECT_SAYS("Wrote build/tests/gdb/h.dot.\n", "dot");
    EXPECT_SAYS("grad dot: ", "no such folder");
    EXPECT_SAYS("it needs a file and a node: grad dot FILE V.", "one argument");
    if (run("command -v dot") != 0)
        return;
    cr_expect(run("dot -Tplain build/tests/gdb/h.dot 2>&1") == 0 && times("\nedge ") == 1, "%s", output);
    cr_expect(run("grep -c '</svg>' build/tests/gdb/h.svg") == 0, "no SVG");
    cr_expect(access("build/tests/gdb/h.svg.dot", F_OK) != 0, "the DOT of the SVG is left over");
}

/* A label may hold operators, spaces, control characters, anything: what is printed is still the right formula. */
Test(gdb, names_that_hold_operators_stand_in_parentheses)
{
    only_where_long();
    for (int i = 0; i < optimisation_count(); i++) {
        gdb(optimisations[i], "names",
            "start\ngrad step total\ngrad tree total\ngrad step v15\ngrad step power\ngrad step k=3");
        EXPECT_SAYS("(k=3) = 6 (grad 0) = (a+b) * (c d)\n", optimisations[i]);
        EXPECT_SAYS("power = 16 (grad 0) = (-n) ^ (a+b)\n", optimisations[i]);
        EXPECT_SAYS(" = sum - (-3)\n", optimisations[i]);
        EXPECT_SAYS(" = log(x+1)\n", optimisations[i]);
        EXPECT_SAYS("  (x+1).grad += ∂v15/∂(x+1) · v15.grad = 1/(x+1) · v15.grad = 0.2 · -1 = -0.2", optimisations[i]);
        EXPECT_SAYS("  (-n).grad += ∂power/∂(-n) · power.grad = (a+b)·pow(-n, (a+b) − 1) · power.grad = 8 · 1 = 8",
                    optimisations[i]);
        EXPECT_SAYS("  (c d).grad += ∂(k=3)/∂(c d) · (k=3).grad = (a+b) · (k=3).grad = 2 · 1 = 2", optimisations[i]);
    }
}

Test(gdb, names_are_harmless_and_cut)
{
    only_where_long();
    static const char sum[] =
        " = sum(w[0,1], ( ), v6, (p, q), two\\nlines\\x1b[31m, a name of more than twen%s, \\xff\\xc3, %s)\n";
    char wanted[256];
    gdb("O0", "names", "start\ngrad step total\ngrad tree total\nset host-charset ASCII\ngrad tree sum");
    snprintf(wanted, sizeof wanted, sum, "…",
             "\xe2\x81\xa8"
             "של"
             "\xe2\x81\xa9"); /* isolated: it is written from right to left */
    EXPECT_SAYS(wanted, "UTF-8");
    EXPECT_SAYS("a name of more than twenty-four and of m… = 1 (grad 0) = param\n", "alone it may be longer");
    snprintf(wanted, sizeof wanted, sum, "...", "\\u05e9\\u05dc");
    EXPECT_SAYS(wanted, "ASCII");
    EXPECT_SAYS("|- a name of more than twenty-four and of m... = 1 (grad 0) = param\n", "ASCII");
    cr_expect(!says("\x1b"), "the terminal is steered:\n%s", output);
}

/* As expressions of C, with pointers x and w, x+1 is the node after x and w[0,1] is w[0], and k=3 changes a variable.
 */
Test(gdb, a_label_comes_before_the_expression_that_it_also_is)
{
    only_where_long();
    gdb("O0", "names",
        "break backward_hook\nrun\nup 3\ngrad tree x+1\ngrad tree w[0,1]\ngrad explain k=3\n"
        "grad tree y\ngrad tree *(x)\ngrad tree two\\nlines\\x1b[31m\ngrad tree \\xff\\xc3\n"
        "grad tree a name of more than twenty-four and of m…\nset host-charset ASCII\n"
        "grad tree a name of more than twenty-four and of m...\ngrad tree -o");
    EXPECT_SAYS("\nx+1 = 5 (grad 0) = param\n", "x+1");
    EXPECT_SAYS("\nw[0,1] = 1 (grad 0) = param\n", "w[0,1]");
    EXPECT_SAYS("\n(k=3) = 6 (grad 0) = (a+b) * (c d)\nhas not pushed yet", "k=3");
    EXPECT_SAYS("\nc d = 3 (grad 0) = param\n", "the variable y");
    EXPECT_SAYS("\na+b = 2 (grad 0) = param\n", "an expression that is no label");
    EXPECT_SAYS("\ntwo\\nlines\\x1b[31m = 1 (grad 0) = param\n", "as it is shown");
    EXPECT_SAYS("\n\\xff\\xc3 = 1 (grad 0) = param\n", "as it is shown");
    EXPECT_SAYS("\na name of more than twenty-four and of m… = 1 (grad 0) = param\n", "as it is cut");
    EXPECT_SAYS("\na name of more than twenty-four and of m... = 1 (grad 0) = param\n", "as it is cut, in ASCII");
    EXPECT_SAYS("grad tree: -o: ", "no such label");
}

Test(gdb, a_released_node_is_called_so_also_as_an_operand_and_after_graph_free)
{
    only_where_long();
    for (int i = 0; i < optimisation_count(); i++) {
        gdb(optimisations[i], "stale",
            "break backward_hook\nrun\ngrad tree node\ngrad explain node\ngrad order node\nprint node->b\ncontinue\n"
            "print node\ngrad tree node");
        EXPECT_SAYS("\ny = 4 (grad 0) = p * [released]  ◀ has just pushed\n"
                    "├─ p = 2 (grad 0) = param\n└─ [released]\n",
                    optimisations[i]);
        EXPECT_SAYS("grad explain: y has an operand that was released before: ", optimisations[i]);
        EXPECT_SAYS("grad order: y has an operand that was released before: ", optimisations[i]);
        cr_expect(!says("gone ="), "%s: after graph_free:\n%s", optimisations[i], output);
        EXPECT_SAYS("grad tree: node: the", optimisations[i]);
    }
}

/* ---- processes and threads --------------------------------------------------------------------------------------- */

#define PUSH(x, y, z)                                                                                                  \
    "  x.grad += ∂y/∂x · y.grad = x · y.grad = " x " · 2 = " y "  [now 0 → " y "]\n"                                   \
    "  x.grad += ∂y/∂x · y.grad = x · y.grad = " x " · 2 = " y "  [now " y " → " z "]\n"
#define PUSH_OF_3 PUSH("3", "6", "12")
#define PUSH_OF_5 PUSH("5", "10", "20")

Test(gdb, step_follows_a_forked_child)
{
    only_where_long();
    gdb("O0", "forked", "set follow-fork-mode child\nstart\ngrad step\ngrad step\nkill");
    EXPECT_SAYS("[Inferior 1 (process ", "the parent is let go");
    EXPECT_SAYS("\nz = 18 (grad 1) = y * 2\nhas just pushed", "child");
    EXPECT_SAYS(PUSH_OF_3, "child");
    cr_expect(!says("The program has ended"), "it goes on in the child:\n%s", output);
}

Test(gdb, step_works_in_each_of_two_processes)
{
    only_where_long();
    gdb("O0", "forked",
        "set detach-on-fork off\nset follow-fork-mode child\nstart\ngrad step y\ninferior 1\ngrad step\ngrad step\n"
        "inferior 2\ngrad tree y\ngrad check z\ngrad step z\nkill inferiors 1 2");
    EXPECT_SAYS(PUSH_OF_3, "child");
    EXPECT_SAYS("\nz = 50 (grad 1) = y * 2\nhas just pushed", "parent");
    EXPECT_SAYS(PUSH_OF_5, "parent");
    EXPECT_SAYS("\ny = 9 (grad 2) = x * x  ◀ has just pushed\n", "the child again");
    EXPECT_SAYS("1 param below z: 1 right, 0 wrong", "the child again");
    cr_expect_eq(times("\nz = 18 (grad 1) = y * 2\nhas just pushed"), 1, "the child's next walk:\n%s", output);
}

/* Both run, so which comes first is not known. A call of the program's functions must not let the other go on. */
Test(gdb, watch_tells_two_running_processes_apart)
{
    only_where_long();
    gdb("O0", "forked",
        "set detach-on-fork off\nset schedule-multiple on\nstart\ngrad step\ngrad watch x\ncontinue\ncontinue\n"
        "continue\ncontinue\ngrad explain\nshow schedule-multiple\nkill inferiors 1 2");
    cr_expect_eq(times("x.grad: 0 → "), 4, "%s", output);
    cr_expect_eq(times("x.grad: 0 → 12, by 12, through the edges from y:\n" PUSH_OF_3) +
                     times("x.grad: 0 → 20, by 20, through the edges from y:\n" PUSH_OF_5),
                 4, "%s", output);
    EXPECT_SAYS("Resuming the execution of threads of all processes is on.\n", "the setting is as before");
}

Test(gdb, step_stays_in_the_thread_whose_walk_it_follows)
{
    only_where_long();
    for (int i = 0; i < optimisation_count(); i++) {
        gdb(optimisations[i], "threads",
            "break backward_at if root->data == 50\nrun\ndelete\ngrad step\ngrad step\ngrad step\ngrad step\n"
            "grad step z\ngrad step y\nkill");
        cr_expect_eq(times("\nz = 50 (grad 1) = y * 2\nhas just pushed"), 3, "%s: %s", optimisations[i], output);
        cr_expect_eq(times(PUSH_OF_5), 3, "%s: %s", optimisations[i], output);
    }
}

/* In a core file nothing can be called: local derivatives come from the op table's texts. They are the engine's. */
Test(gdb, a_core_file_says_the_same_as_the_program)
{
    only_where_long();
    char live[1 << 16];
    run("rm -f build/tests/gdb/core");
    gdb("O0", "every",
        "break graph_free\nrun\ngenerate-core-file build/tests/gdb/core\necho ANSWERS\\n\ngrad tree total\n"
        "set print elements 0\ngrad edges total\ngrad explain total");
    if (access("build/tests/gdb/core", R_OK) != 0)
        cr_skip_test("SKIPPED: gdb cannot write a core file here");
    const char *answers = strstr(output, "ANSWERS\n");
    cr_assert(answers != NULL && strlen(answers) < sizeof live, "%s", output);
    snprintf(live, sizeof live, "%.*s", (int)(strstr(answers, "A debugging session") - answers), answers);
    gdb("O0", "",
        "core build/tests/gdb/core\necho ANSWERS\\n\ngrad tree total\nset print elements 0\ngrad edges total\n"
        "grad explain total\ngrad step\ngrad watch total\ngrad check total\ngrad dot f total");
    answers = strstr(output, "ANSWERS\n");
    cr_assert(answers != NULL, "%s", output);
    cr_expect(times("✓ ") > 40, "few edges: %s", output);
    cr_expect(strncmp(answers, live, strlen(live)) == 0, "live:\n%s\ncore:\n%s", live, answers);
    cr_expect_eq(times("this is a core file: nothing can run here."), 4, "%s", output);
    run("rm -f build/tests/gdb/core");
}

/* All ops push in this program: at each, what explain computes from texts is what the engine computes by functions.
 * Both are printed with %g: six digits, where the last operation of a text and a function may differ in the last bit.
 */
Test(gdb, formulas_as_text_are_computed_as_the_engine_does)
{
    only_where_long();
    gdb("O0", "every", "start\ngrad step total\nsource tests/gdb/formulas.py");
    EXPECT_SAYS("edges, ops not tried: [], different: []", "every op");
}

/* A formula of an op that may come: C's ?:, functions of math.h; what Python cannot compute, or may not, is no number.
 */
Test(gdb, a_formula_is_read_as_c_and_evaluated_only_if_it_is_arithmetic)
{
    only_where_long();
    gdb("O0", "",
        "python f = nodes.Formula(\"a > 0 ? 1 : 0.01\")\n"
        "python print(f.value(2, 0, 0), f.value(-2, 0, 0), f.named({\"a\": \"x\"}))\n"
        "python print([nodes.Formula(text).value(0, 0, 0) for text in (\"erf(a) + 2\", \"1 / a\", \"a.real\", "
        "\"quit()\", \"a ? b\")])");
    EXPECT_SAYS("1.0 0.01 (x > 0 ? 1 : 0.01)\n", "?:");
    EXPECT_SAYS("[2.0, None, None, None, None]\n", "not a number");
}

Test(gdb, errors_of_use_are_sentences)
{
    static const char all[] = "grad tree q\ngrad explain q\ngrad order q\ngrad edges q\ngrad check q\ngrad why-nan q\n"
                              "grad watch q\ngrad unwatch q\ngrad step q\ngrad dot f q\ngrad svg q\n";
    static const char *const before_running[] = {"start\nkill\n", ""};
    char commands[COMMAND_MOST];
    for (int i = 0; i < 2; i++) {
        snprintf(commands, sizeof commands, "%s%s", before_running[i], all);
        gdb("O0", "expression", commands);
        cr_expect_eq(times("no program is running"), 11, "each of 11 commands:\n%s", output);
    }
    snprintf(
        commands, sizeof commands,
        "start\nup 0\ngrad tree\ngrad tree nothing\ngrad tree shadow\ngrad tree exp\ngrad tree 3+\ngrad tree v99\n"
        "grad nonsense\nbreak graph_release_at\ncontinue\nfinish\ngrad tree stale\nprint stale\nup\nprint nothing\n"
        "print wild\ngrad tree wild\ngrad explain p\ngrad watch v1000\ndelete\n%s",
        all);
    gdb("O0", "training", commands);
    EXPECT_SAYS("grad tree: it needs a node", "no argument");
    EXPECT_SAYS("grad tree: nothing: ", "NULL");
    EXPECT_SAYS("grad tree: shadow: shadow is of type double, not a Value *", "a global of another type");
    EXPECT_SAYS("grad tree: exp: exp is of type ", "a function");
    EXPECT_SAYS("grad tree: v99: ", "no such number");
    EXPECT_SAYS("there is no `grad nonsense`", "no such command");
    EXPECT_SAYS("grad tree: stale: the node at 0x", "released");
    EXPECT_SAYS("was released: graph_release ended its life", "released");
    EXPECT_SAYS(" (released)\n", "print of a released node");
    EXPECT_SAYS("= NULL\n", "print of NULL");
    EXPECT_SAYS(" (no node)\n", "print of a wild pointer");
    EXPECT_SAYS("grad tree: wild: there is no node at 0x", "wild");
    EXPECT_SAYS("The program has ended with status 0: no node called q", "grad step q");
}

Test(gdb, help_lists_every_command)
{
    gdb("O0", "", "help grad");
    static const char *const names[] = {"check", "dot",  "edges", "explain", "order",  "step",
                                        "svg",   "tree", "watch", "why-nan", "unwatch"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char line[64];
        snprintf(line, sizeof line, "\ngrad %s -- grad %s", names[i], names[i]);
        EXPECT_SAYS(line, "help grad");
    }
}

Test(gdb, an_optimised_out_variable_is_found_by_its_label_or_said_to_be_gone)
{
    only_where_long();
    gdb("O2", "expression", "start\ngrad tree wanted\ngrad step\nup 3\ngrad tree L\ngrad tree d");
    EXPECT_SAYS("L = -8 (grad 1) = d * f", "by label or variable");
    EXPECT_SAYS("\nd = 4 (grad -2) = e + c\n", "by label or variable");
}

/* Sources built here with `flags`, as build/tests/gdb/NAME. */
static void build(const char *name, const char *source, const char *flags)
{
    char path[64], command[COMMAND_MOST];
    run("mkdir -p build/tests/gdb");
    snprintf(path, sizeof path, "build/tests/gdb/%s.c", name);
    FILE *out = fopen(path, "w");
    cr_assert(out != NULL && fputs(source, out) >= 0 && fclose(out) == 0, "cannot write %s", path);
    snprintf(command, sizeof command, "${CC:-cc} %s -o build/tests/gdb/%s %s -lm 2>&1", flags, name, path);
    cr_assert(run(command) == 0, "%s", output);
}

Test(gdb, another_librarys_value_and_op_table_are_left_alone)
{
    only_where_long();
    build("other",
          "typedef struct Value { int x; struct Value *next; } Value;\nint op_table = 3;\n"
          "void stop(Value *p) { p->x += op_table; }\nint main(void) { Value v = {4, 0}; stop(&v); return 0; }\n",
          "-g");
    run(GDB
        "-iex 'set debuginfod enabled off' -x viz/debug/stepgrad-gdb.py -ex 'break stop' -ex run -ex "
        "'print *p' -ex 'grad tree p' -ex 'grad step' -ex 'grad watch p' -ex 'print p->x' build/tests/gdb/other 2>&1");
    expect_no_python_error("other");
    EXPECT_SAYS("$1 = {x = 4, next = 0x0}", "print");
    cr_expect_eq(times("there are no nodes of stepgrad in this program."), 3, "%s", output);
    EXPECT_SAYS("$2 = 4\n", "the program has not gone on");
}

Test(gdb, a_program_without_debug_information_is_told_so)
{
    only_where_long();
    char command[COMMAND_MOST];
    snprintf(command, sizeof command, "strip -g -o build/tests/gdb/bare %s 2>&1", program("O2"));
    cr_assert(run(command) == 0, "%s", output);
    run(GDB "-iex 'set debuginfod enabled off' -x viz/debug/stepgrad-gdb.py -ex 'break backward_hook' -ex run "
            "-ex 'grad tree L' -ex 'grad step' build/tests/gdb/bare 2>&1");
    expect_no_python_error("bare");
    cr_expect_eq(times("there are no nodes of stepgrad in this program."), 2, "%s", output);
}

Test(gdb, sourcing_twice_is_harmless)
{
    only_where_long();
    gdb("O0", "expression",
        "source viz/debug/stepgrad-gdb.py\nstart\nsource viz/debug/stepgrad-gdb.py\ngrad step\ngrad step e");
    cr_expect_eq(times("has just pushed"), 2, "%s", output);
    cr_expect(access("viz/debug/__pycache__", F_OK) != 0, "viz/debug/__pycache__ is left behind");
}

/* Chapters that build their own nodes: with the engine in them, `grad step` would look for a walk to their end. */
Test(gdb, a_debug_build_of_a_chapter_without_the_engine_has_none)
{
    only_where_long();
    run("MAKEFLAGS= make -n DEBUG=1 BUILD=build/tests/none build/tests/none/lessons/05_reverse_mode 2>&1");
    EXPECT_SAYS("-o build/tests/none/lessons/05_reverse_mode build/tests/none/lessons/05_reverse_mode.o -lm", "05");
    run("MAKEFLAGS= make -n DEBUG=1 BUILD=build/tests/none build/tests/none/lessons/08_forward_or_reverse 2>&1");
    EXPECT_SAYS("lessons/08_forward_or_reverse.o build/tests/none/engine/", "08");
}

/* ---- the text window, in a terminal of our own ------------------------------------------------------------------- */

/* Wait until the terminal has shown `text` after output[from]; gives up after 120 s without a new byte. */
static bool terminal_shows(int terminal, size_t *length, size_t from, const char *text)
{
    for (;;) {
        if (strstr(output + from, text) != NULL)
            return true;
        struct pollfd wait = {.fd = terminal, .events = POLLIN};
        if (poll(&wait, 1, 120000) <= 0 || *length + 1 >= sizeof output)
            return false;
        const ssize_t got = read(terminal, output + *length, sizeof output - *length - 1);
        if (got <= 0)
            return false;
        for (ssize_t i = 0; i < got; i++) /* NUL would hide the rest from strstr */
            output[*length + (size_t)i] += output[*length + (size_t)i] == '\0';
        *length += (size_t)got;
        output[*length] = '\0';
    }
}

static pid_t start_in_terminal(int *terminal, const char *path)
{
    *terminal = posix_openpt(O_RDWR | O_NOCTTY);
    if (*terminal < 0 || grantpt(*terminal) != 0 || unlockpt(*terminal) != 0)
        cr_skip_test("SKIPPED: no pseudo-terminal here, so no window of text was opened");
    const struct winsize size = {.ws_row = 40, .ws_col = 120};
    const char *name = ptsname(*terminal);
    pid_t child = fork();
    if (child != 0)
        return child;
    setsid();
    const int side = open(name, O_RDWR);
    ioctl(side, TIOCSWINSZ, &size);
#ifdef TIOCSCTTY
    ioctl(side, TIOCSCTTY, 0);
#endif
    dup2(side, 0), dup2(side, 1), dup2(side, 2);
    setenv("TERM", "xterm", 1);
    setenv("LC_ALL", "C", 1); /* ASCII, so that a line is one run of bytes */
    execlp("gdb", "gdb", "-q", "-nx", "-iex", "set debuginfod enabled off", "-iex", "set style enabled off", "-x",
           "viz/debug/stepgrad-gdb.py", path, (char *)NULL);
    _exit(127);
}

static size_t type_line(int terminal, size_t length, const char *line)
{
    cr_assert(write(terminal, line, strlen(line)) == (ssize_t)strlen(line), "cannot type");
    return length;
}

Test(gdb, layout_grad_shows_the_tree_and_follows_the_walk)
{
    only_where_long();
    size_t length = 0;
    int terminal;
    const pid_t child = start_in_terminal(&terminal, program("O0"));
    output[0] = '\0';
    cr_expect(terminal_shows(terminal, &length, 0, "(gdb)"), "no prompt:\n%s", output);
    size_t from = type_line(terminal, length, "start\n");
    cr_expect(terminal_shows(terminal, &length, from, "argv[1]"), "start:\n%s", output);
    from = type_line(terminal, length, "layout grad\n");
    cr_expect(terminal_shows(terminal, &length, from, "No graph is in sight yet"), "layout grad:\n%s", output + from);
    from = type_line(terminal, length, "grad step\n");
    cr_expect(terminal_shows(terminal, &length, from, "L = -8 (grad 1) = d * f  <- has just pushed"), "step:\n%s",
              output + from);
    cr_expect(terminal_shows(terminal, &length, from, "f = -2 (grad 4) = param"), "the tree:\n%s", output + from);
    from = type_line(terminal, length, "grad step e\n");
    cr_expect(terminal_shows(terminal, &length, from, "a = 2 (grad 6) = param"), "the new tree:\n%s", output + from);
    type_line(terminal, length, "kill\ny\nquit\ny\n");
    close(terminal);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    cr_expect(!says("Traceback") && !says("Python Exception"), "%s", output);
}

/* ---- the transcript in the README -------------------------------------------------------------------------------- */

Test(gdb, the_transcript_is_what_gdb_says_today)
{
    char wanted[1 << 14];
    FILE *in = fopen("tests/gdb/transcript.txt", "r");
    cr_assert(in != NULL, "tests/gdb/transcript.txt is missing");
    wanted[fread(wanted, 1, sizeof wanted - 1, in)] = '\0';
    fclose(in);
    char command[256];
    snprintf(command, sizeof command, "sh tests/gdb/transcript.sh %s", program("O0"));
    run(command);
    cr_expect(strcmp(output, wanted) == 0, "renew it with `sh tests/gdb/transcript.sh > tests/gdb/transcript.txt`:\n%s",
              output);
    /* A README that shows a session shows this one. */
    if (run("cat README.md 2>/dev/null") == 0 && says("(gdb) grad step"))
        cr_expect(says(wanted), "README.md shows another session than tests/gdb/transcript.txt");
}

/* ---- lldb -------------------------------------------------------------------------------------------------------- */

/* Debian's lldb 14 looks for its Python in a place where it is not: the README says how to show it where it is. */
#define LLDB_IN_LOCALE                                                                                                 \
    "PYTHONPATH=$(echo /usr/lib/llvm-*/lib/python3.*/*-packages | tr ' ' ':') "                                        \
    "$(command -v timeout >/dev/null && echo timeout 1500) lldb --no-lldbinit --no-use-colors --batch "
#define LLDB "LC_ALL=C.UTF-8 " LLDB_IN_LOCALE

static void skip_without_lldb(void)
{
    if (run("command -v lldb") != 0)
        cr_skip_test("SKIPPED: there is no lldb here");
    if (run("lldb --no-lldbinit --batch -o run -- /bin/echo traced 2>&1"), !says("traced"))
        cr_skip_test("SKIPPED: lldb may not trace a program here");
}

TestSuite(lldb, .init = skip_without_lldb);

Test(lldb, a_value_prints_in_one_line_without_python)
{
    char command[COMMAND_MOST];
    snprintf(
        command, sizeof command,
        LLDB
        "-o 'command source viz/debug/stepgrad.lldb' -o 'breakpoint set --name backward_begin_at' -o run -o 'up 2' "
        "-o 'print *L' -- %s 2>&1",
        program("O0"));
    run(command);
    EXPECT_SAYS("\"L\" = -8 (grad 0, OP_MUL)", "lldb without Python");
}

Test(lldb, where_its_python_module_is_missing_the_script_says_how_to_start_lldb)
{
    only_where_long();
    if (run("lldb --no-lldbinit --batch -o 'script print(6 * 7)' 2>&1"), says("42") || !says("ModuleNotFoundError"))
        cr_skip_test("SKIPPED: this lldb has its Python module, or no Python at all");
    run("lldb --no-lldbinit --batch -o 'command script import viz/debug/stepgrad_lldb.py' 2>&1");
    EXPECT_SAYS("    PYTHONPATH=$(echo /usr/lib/llvm-*/lib/python3.*/*-packages | tr ' ' ':') lldb PROGRAM\n", "lldb");
    run("cat README.md");
    EXPECT_SAYS("PYTHONPATH=$(echo /usr/lib/llvm-*/lib/python3.*/*-packages | tr ' ' ':') lldb", "README.md");
}

/* An lldb session on the program with this argument, stopped in main; `options` are commands as lldb's -o takes them.
 */
static void lldb(const char *environment, const char *optimisation, const char *argument, const char *options)
{
    if (run(LLDB "-o 'script print(6 * 7)' 2>&1"), !says("42"))
        cr_skip_test("SKIPPED: this lldb has no Python");
    char command[COMMAND_MOST];
    const char *path = program(optimisation);
    snprintf(command, sizeof command,
             "%s; " LLDB_IN_LOCALE "-o 'command script import viz/debug/stepgrad_lldb.py' -o 'breakpoint set --name "
             "main' -o run %s -- %s %s 2>&1",
             environment, options, path, argument);
    run(command);
    expect_no_python_error("lldb");
}

Test(lldb, names_and_released_operands_are_shown_as_in_gdb)
{
    only_where_long();
    lldb("export LC_ALL=C.UTF-8", "O0", "names",
         "-o 'grad step total' -o 'grad tree total' -o 'grad step power' -o 'grad tree x+1' -o 'grad tree w[0,1]'");
    EXPECT_SAYS("(k=3) = 6 (grad 0) = (a+b) * (c d)\n", "lldb");
    EXPECT_SAYS("two\\nlines\\x1b[31m, a name of more than twen…, \\xff\\xc3, ", "lldb");
    EXPECT_SAYS("  (-n).grad += ∂power/∂(-n) · power.grad = (a+b)·pow(-n, (a+b) − 1) · power.grad = 8 · 1 = 8", "lldb");
    EXPECT_SAYS("\nx+1 = 5 (grad -0.2) = param\n", "a label before the expression");
    EXPECT_SAYS("\nw[0,1] = 1 (grad -1) = param\n", "a label before the expression");
    lldb("export LC_ALL=C", "O2", "names", "-o 'grad step total' -o 'grad tree sum'");
    EXPECT_SAYS("|- a name of more than twenty-four and of m... = 1 (grad 0) = param\n", "ASCII");
    EXPECT_SAYS("`- \\u05e9\\u05dc = 1 (grad 0) = param\n", "ASCII");
    lldb("export LC_ALL=C.UTF-8", "O0", "stale",
         "-o 'breakpoint set --name backward_hook' -o continue -o up -o 'print *y' -o 'grad "
         "explain y'");
    EXPECT_SAYS("y = 4 (grad 0) = p * [released]\n", "lldb");
    EXPECT_SAYS("grad explain: y has an operand that was released before: ", "lldb");
    lldb("export LC_ALL=C.UTF-8", "O0", "neuron", "-o 'breakpoint set --name value_pairs' -o continue -o 'print a[0]'");
    EXPECT_SAYS("w1 = -3 (grad 0) = param\n", "a Value *const");
}

Test(lldb, check_and_dot_do_not_disturb_the_walk)
{
    only_where_long();
    for (int i = 0; i < optimisation_count(); i++) {
        run("rm -f 'build/tests/gdb/a b.dot'");
        lldb("export LC_ALL=C.UTF-8", optimisations[i], "expression",
             "-o 'grad step' -o 'grad check L' -o 'grad dot \"build/tests/gdb/a b.dot\" L' -o 'grad step' "
             "-o 'breakpoint disable' -o continue");
        EXPECT_SAYS("4 params below L: 4 right, 0 wrong, not checked: 0 at a kink, 0 where L is not finite.\n"
                    "The largest difference: ",
                    optimisations[i]);
        EXPECT_SAYS("Wrote build/tests/gdb/a b.dot.\n", optimisations[i]);
        EXPECT_SAYS("  e.grad += ∂d/∂e · d.grad = 1 · d.grad = 1 · -2 = -2  [now 0 → -2]\n", optimisations[i]);
        EXPECT_SAYS("a.grad = 6, b.grad = -4", optimisations[i]); /* what the program itself prints */
        cr_expect_eq(run("grep -c ' -> ' 'build/tests/gdb/a b.dot'"), 0, "%s", output);
    }
}

/* A session ends at its first error, so each has one of its own. */
Test(lldb, errors_are_sentences)
{
    only_where_long();
    static const char *const sessions[][2] = {
        {"grad check a", "error: grad check: a depends on no param"},
        {"grad dot build/no/such/folder.dot L", "error: grad dot: "},
        {"grad watch L", "error: grad watch: only gdb has it. Here: `watchpoint set expression"},
        {"grad svg L", "error: grad svg: only gdb has it. Here: `grad dot V.dot V`"},
        {"grad nonsense", "error: grad nonsense: there is no such command."}};
    for (size_t i = 0; i < sizeof sessions / sizeof sessions[0]; i++) {
        char options[128];
        snprintf(options, sizeof options, "-o 'grad step' -o '%s'", sessions[i][0]);
        lldb("export LC_ALL=C.UTF-8", "O0", "expression", options);
        EXPECT_SAYS(sessions[i][1], sessions[i][0]);
    }
}

Test(lldb, tree_explain_and_step_say_what_gdb_says)
{
    only_where_long();
    for (int i = 0; i < optimisation_count(); i++) {
        lldb("export LC_ALL=C.UTF-8", optimisations[i], "",
             "-o 'grad step' -o 'grad step e' -o 'grad tree L' -o 'grad explain L' -o 'grad edges L' "
             "-o 'grad tree nothing'");
        EXPECT_SAYS("  d.grad += ∂L/∂d · L.grad = f · L.grad = -2 · 1 = -2  [now 0 → -2]\n", optimisations[i]);
        EXPECT_SAYS("  b.grad += ∂e/∂b · e.grad = a · e.grad = 2 · -2 = -4  [now 0 → -4]\n", optimisations[i]);
        EXPECT_SAYS("│  ├─ e = -6 (grad -2) = a * b  ◀ has just pushed\n│  │  ├─ a = 2 (grad 6) = param\n",
                    optimisations[i]);
        EXPECT_SAYS("has pushed L.grad = 1 to its 2 parents", optimisations[i]);
        EXPECT_SAYS("6 edges below L: 6 pushed", optimisations[i]);
        EXPECT_SAYS("error: grad tree: nothing", optimisations[i]);
    }
}
