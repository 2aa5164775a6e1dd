/* test_labs_handout.c - the folder that students get: that no solution is in it, and that its commands do what its
 * README says, with nothing but a compiler and make, in a folder with a space in its name. */
#define _XOPEN_SOURCE 700 /* mkdtemp, popen, posix_openpt beside C11 */
#define _DARWIN_C_SOURCE
#include <criterion/criterion.h>

#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "labs_shell.h"
#include "long.h"

static const char *const above = folder; /* there is a folder "my labs" in it */

static int in_labs(const char *command) { return shell("cd '%s/my labs' && { %s; } 2>&1 </dev/null", above, command); }

static int count_said(const char *text)
{
    int count = 0;
    for (const char *at = said; (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

/* A copy of what the Makefile has made by handout.sh, with the student's program built. */
static void make_labs(void)
{
    make_folder();
    unsetenv("MAKEFLAGS"); /* of the make that runs the tests */
    unsetenv("MAKELEVEL");
    cr_assert(shell("cp -Rp \"$BUILD/tests/handout\" \"$DIR/my labs\"") == 0, "%s", said);
}

TestSuite(labs_handout, .init = make_labs, .fini = remove_folder, .timeout = 1800);

/* What the references have: awk's sum over the lines "Task 3.2 (1 point)". */
static int sum_of_tasks(const char *summand)
{
    cr_assert(shell("sed -n 's,^/\\* Task [0-9.]* (\\([0-9]*\\) .*,\\1,p' lessons/labs/lab[0-9]*.c | "
                    "awk '{ sum += %s } END { print sum }'",
                    summand) == 0);
    return atoi(said);
}

static int task_count(void) { return sum_of_tasks("1"); }
static int point_count(void) { return sum_of_tasks("$1"); }

static const char *text(const char *format, ...)
{
    static char result[1000];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(result, sizeof result, format, arguments);
    va_end(arguments);
    return result;
}

/* ---- what is in it ----------------------------------------------------------------------------------------------- */

/* The lines of the references' bodies, but for those that any program could have: loops and short ones. */
static const char body_lines[] = "awk '/^\\{/ { body = 1 } /^\\}/ { body = 0 } "
                                 "body && /^    / { sub(/^ +/, \"\"); if (length > 20 && !/^for /) print } "
                                 "/^[a-zA-Z].*\\) \\{ .* \\}$/ { sub(/^[^{]*\\{ /, \"\"); sub(/ \\}$/, \"\"); print }' "
                                 "lessons/labs/lab[0-9]*.c >'%s/bodies'";

Test(labs_handout, holds_no_line_of_a_solution)
{
    cr_assert(shell(body_lines, above) == 0);
    shell("wc -l <'%s/bodies'", above);
    cr_assert(atoi(said) > 60, "only %d lines of bodies were found", atoi(said));
    shell("cat '%s/bodies'", above);
    expect_said("return (f(at + h) - f(at - h)) / (2 * h);"); /* of a function on one line */
    expect_said("v->parent[i]->grad += v->local[i] * v->grad;");
    cr_expect(shell("grep -rnFf '%s/bodies' '%s/my labs'", above, above) == 1, "a solution was handed out:\n%s", said);
    cr_expect(shell("cd '%s/my labs' && rm -r build && ls -A", above) == 0);
    cr_expect_str_eq(
        said, ".github\n.gitignore\n.vscode\nMakefile\nREADME.md\ncheck\nlab.h\nlab1.c\nlab10.c\nlab2.c\nlab3.c\n"
              "lab4.c\nlab5.c\nlab6.c\nlab7.c\nlab8.c\nlab9.c\nown\nwatch.sh\n");
    shell("cd '%s/my labs' && grep -rlE 'mistake_call|points_make|answers_compute|Hint:' .", above);
    cr_expect_str_eq(said, "", "something of the grader's was handed out: %s", said);
}

Test(labs_handout, has_answers_and_hints_for_each_task)
{
    only_where_long();
    shell("cd '%s/my labs' && sed -n 's,^/\\* Task \\([0-9.]*\\) .*,\\1,p' lab*.c", above);
    char tasks[1000];
    snprintf(tasks, sizeof tasks, "%.900s", said);
    int count = 0;
    for (const char *task = strtok(tasks, "\n"); task != NULL; task = strtok(NULL, "\n"), count++) {
        cr_expect(shell("grep -c '^point ' '%s/my labs/check/answers/%s.txt'", above, task) == 0 && atoi(said) == 5,
                  "%s has no five points, but %s", task, said);
        shell("cat '%s/my labs/check/hints/%s.txt'", above, task);
        cr_expect(count_said("\n") == 4, "%s has not three hints and a chapter, but\n%s", task, said);
        const char *chapter = strstr(said, "Read lessons/");
        cr_assert_not_null(chapter, "%s has no chapter", task);
        chapter += strlen("Read ");
        cr_expect(shell("test -f %.*s", (int)strcspn(chapter, "\n"), chapter) == 0, "no such chapter: %s", chapter);
    }
    cr_expect(count >= 28 && count == task_count(), "%d tasks", count);
}

Test(labs_handout, overwrites_nothing_and_gives_one_lab_alone)
{
    only_where_long();
    cr_expect(shell("sh lessons/labs/handout.sh '%s/my labs' 2>&1", above) == 1);
    expect_said("is not empty, so nothing is written there");
    cr_expect(shell("sh lessons/labs/handout.sh 2>&1") == 2);
    expect_said("usage:");
    cr_expect(shell("BUILD=nowhere sh lessons/labs/handout.sh '%s/other' 2>&1", above) == 1);
    expect_said("nowhere/answers is not built");
    cr_expect(shell("sh lessons/labs/handout.sh --lab 12 '%s/other' 2>&1", above) == 1);
    expect_said("There is no lab 12.");
    cr_assert(shell("sh lessons/labs/handout.sh --lab 3 '%s/other' 2>&1", above) == 0, "%s", said);
    shell("cd '%s/other' && ls lab*.c check/skeleton && ls check/answers check/hints | grep -c '^3.[1-7].txt'", above);
    cr_expect_str_eq(said, "lab3.c\n\ncheck/skeleton:\nlab3.c\n14\n");
    cr_expect(shell("test -e '%s/other/own'", above) != 0, "it has what only lab 10 needs");
    cr_expect(shell("cd '%s/other' && make 2>&1", above) == 0);
    expect_said("Next: 3.1 sub_backward");
    expect_said("Solved: 0 of 7 tasks, 0 of 7 points.");
}

/* ---- its commands ------------------------------------------------------------------------------------------------ */

Test(labs_handout, untouched_compiles_cleanly_and_has_no_points)
{
    only_where_long();
    static const char *const compilers[] = {"gcc", "clang"};
    for (int i = 0; i < 2; i++) {
        if (shell("command -v %s", compilers[i]) != 0)
            continue;
        shell("cd '%s/my labs' && %s -std=c11 -Wall -Wextra -Wpedantic -fsyntax-only -DLAB=1 -I. -Icheck lab*.c "
              "check/*.c 2>&1",
              above, compilers[i]);
        cr_expect_str_eq(said, "", "%s: %s", compilers[i], said);
    }
    const int tasks = task_count(), points = point_count();
    cr_expect(in_labs("make grade") == 0);
    cr_expect(count_said("not written yet   lab") == tasks, "%s", said);
    expect_said("== 3.7 relu_backward ==  not written yet   lab3.c:");
    expect_said(text("\nScore: 0/%d   next: 1.1\n", points));
    cr_expect(in_labs("make grade GITHUB=yes") == 0, "what is not begun is no failure: %s", said);
    expect_unsaid("::error");
    cr_expect(in_labs("make") == 0);
    expect_said("Next: 1.1 central (1 point)");
    expect_said("Write it at lab1.c:8.");
    shell("sed -n 8p '%s/my labs/lab1.c'", above);
    expect_said("double central(");
}

static void edit(const char *file, const char *sed)
{
    char command[1000];
    snprintf(command, sizeof command, "sed '%s' %s >edited && ! cmp -s edited %s && mv edited %s", sed, file, file,
             file);
    cr_assert(in_labs(command) == 0, "nothing to edit in %s by %s", file, sed);
}

static void solve(int lab) { cr_assert(shell("cp lessons/labs/lab%d.c '%s/my labs/'", lab, above) == 0); }

/* y = a·b with the factors exchanged, in an otherwise solved lab 3. */
static void write_wrong_lab_3(void)
{
    solve(3);
    edit("lab3.c", "s/grad.0. = g \\* b;/grad[0] = g * a;/;s/grad.1. = g \\* a;/grad[1] = g * b;/");
}

Test(labs_handout, says_what_is_wrong_and_why)
{
    write_wrong_lab_3();
    edit("lab5.c", "s/not_written(\"5.2\");/oops;/");
    edit("lab4.c", "s/not_written(\"4.1\");/v->parent[20000]->grad = 1;/");
    shell("cat '%s/my labs/lab3.c' | grep -n '^void mul_backward' | cut -d: -f1; cd '%s/my labs' && make check T=3.2",
          above, above);
    const int line = atoi(said);
    char place[100];
    snprintf(place, sizeof place, "== 3.2 mul_backward ==  FAIL 0/1   lab3.c:%d\n   a = ", line);
    expect_said(place);
    expect_said("      grad[0]: got ");
    expect_said(", want ");
    expect_said("     nudged: ");
    expect_said("factor"); /* the reason */
    expect_said("   see: make debug T=3.2\n");
    in_labs("make check T=3");
    cr_expect(count_said(" ok 1/1\n") == 6 && count_said("FAIL") == 1, "%s", said);
    in_labs("make check T=4.1");
    expect_said("it crashed: it used memory that is not its own");
    in_labs("make check");
    expect_said("== lab 5 ==  lab5.c does not compile: make check T=5 shows why\n");
    expect_unsaid("error:");
    cr_expect(count_said(" ok 1/1\n") == 6, "lab 5 is in the way of lab 3: %s", said);
    in_labs("make check T=5.1");
    expect_said("lab5.c:");
    expect_said("error:");
    expect_said("lab5.c does not compile: see above");
    cr_expect(in_labs("make grade GITHUB=yes") != 0, "a failure must be seen");
    snprintf(place, sizeof place, "::error file=lab3.c,line=%d,title=3.2 mul_backward::a = ", line);
    expect_said(place);
    expect_said("%0A");
    expect_said("title=5.1 product_dx::It does not compile:%0Alab5.c");
    in_labs("make check T=9.9");
    expect_said("There is no task 9.9. The tasks are 1.1 1.2 ");
    in_labs("make check T=12");
    expect_said("There is no lab 12 here.");
}

Test(labs_handout, slips_beside_the_numbers_are_named)
{
    only_where_long();
    edit("lab5.c", "s/not_written(\"5.3\");/for (int j = 0; j <= n; j++) db[j] = dZ[j];/;"
                   "s/not_written(\"5.1\");/((double *)(size_t)dZ)[0] = 5;/");
    in_labs("make check T=5.3; make check T=5.1");
    expect_said("it wrote behind the end of its result");
    expect_said("it changed the numbers that it was given");
    edit("lab4.c", "s/not_written(\"4.2\");/push(root);/");
    in_labs("make check T=4.2");
    expect_said("it calls the function of another task of this lab, which is not written yet");
    edit("lab1.c", "s/not_written(\"1.2\");/grad[0] += 2 * (W * x + b) * x; &/");
    in_labs("make check T=1.2");
    expect_said("not_written(\"1.2\") still stands in it");
    edit("lab1.c", "s/not_written(\"1.2\");//");
    in_labs("make check T=1.2");
    expect_said("(it was added to what stood there before)");
    edit("lab3.c", "s/not_written(\"3.1\");/"
                   "puts(\"\\\\xc2\\\\x9b\" \"31m \\\\xe2\\\\x80\\\\xae \\\\x9b\" \"1m caf\\\\xc3\\\\xa9\");/;"
                   "s/^void sub_backward/int puts(const char *text); &/");
    in_labs("make check T=3.1");
    expect_said("| ??31m ??? ?1m caf\xc3\xa9\n");
}

/* Saving a file makes nothing unsolved that still is right. */
Test(labs_handout, what_was_right_is_tried_again_after_a_change)
{
    only_where_long();
    cr_assert(shell("cp lessons/labs/lab3.c \"$DIR/my labs\"") == 0);
    in_labs("make check T=3");
    expect_said("Solved: 7 of ");
    in_labs("echo >>lab3.c; make check T=3.1");
    expect_said("Solved: 7 of ");
}

Test(labs_handout, hints_come_one_by_one)
{
    only_where_long();
    in_labs("make hint");
    expect_said("1.1 central:\n  1. a slope is a rise divided by a run.\n3 more: make hint T=1.1\n");
    expect_unsaid("  2. ");
    in_labs("make hint");
    in_labs("make hint T=central");
    expect_said("  3. how far apart");
    expect_unsaid("  4. ");
    in_labs("make hint");
    expect_said("  4. Read lessons/01_derivative.c\n");
    expect_unsaid("more:");
    in_labs("make hint T=4.3");
    expect_said("4.3 topological_order:\n  1. ");
    expect_unsaid("  2. ");
    in_labs("make check T=3 && make hint");
    expect_said("3.1 sub_backward:\n"); /* one is at the lab that one asked for */
}

Test(labs_handout, reset_puts_one_function_back_and_keeps_the_old_file)
{
    only_where_long();
    solve(3);
    edit("lab3.c", "s/^void mul_backward/static const char c = 123; \\/* mul_backward(1) { *\\/ void mul_backward/");
    edit("lab3.c", "s/grad.0. = g \\* b;/grad[0] = c == \\x27}\\x27 ? 1 : \"}\"[0]; \\/\\/ }/");
    in_labs("cp lab3.c mine && make reset T=3.2");
    expect_said("is kept: lab3.c.old-1\n");
    cr_expect(in_labs("cmp mine lab3.c.old-1") == 0, "the old file is lost");
    in_labs("make check T=3");
    expect_said("== 3.2 mul_backward ==  not written yet");
    cr_expect(count_said(" ok 1/1\n") == 6, "%s", said);
    in_labs("make reset T=tanh_backward"); /* stands on one line */
    expect_said("is kept: lab3.c.old-2\n");
    in_labs("make check T=3");
    cr_expect(count_said("not written yet") == 2 && count_said(" ok 1/1\n") == 5, "%s", said);
    in_labs("for T in 3.1 3.3 3.4 3.5 3.7; do make reset T=$T; done >/dev/null; "
            "for file in lab3.c check/skeleton/lab3.c; do grep -v '^ [*]\\|^/[*]' $file >code; mv code $file; done; "
            "diff lab3.c check/skeleton/lab3.c");
    cr_expect(count_said("\n< ") == 1 && count_said("\n> ") == 1, "more than our comment is left: %s", said);
    in_labs("sed s/sub_backward/my_own/ lab3.c >edited; mv edited lab3.c; make reset T=3.1");
    expect_said("lab3.c has no function sub_backward to put back. Its skeleton is at check/skeleton/lab3.c:");
    in_labs("make reset");
    expect_said("Which task? make reset T=3.2");
}

Test(labs_handout, draws_what_is_wrong)
{
    only_where_long();
    write_wrong_lab_3();
    in_labs("make draw T=3.2");
    expect_said("Drawn: build/draw/3.2.html\n");
    in_labs("cat build/draw/3.2.html");
    cr_expect(count_said("class=wrong") == 2, "not both numbers are marked: %s", said);
    expect_said("<caption>want</caption>");
    expect_said("<caption>measured by a nudge</caption>");
    expect_unsaid("src=");
    expect_unsaid("http");
    solve(4);
    edit("lab4.c", "s/grad += v->local/grad = v->local/");
    in_labs("make draw T=4.1");
    expect_said("Drawn: build/draw/4.1.dot\n");
    const bool has_dot = strstr(said, "Drawn: build/draw/4.1.svg\n") != NULL;
    cr_expect(has_dot == (shell("command -v dot") == 0));
    in_labs("cat build/draw/4.1.dot");
    cr_expect(count_said("want: ") >= 1 && count_said("want: ") == count_said("color=\"#c62828\""), "%s", said);
    expect_said(" -> n11 [label=");
    in_labs("make draw T=1.1");
    expect_said("There are no results to draw.");
}

Test(labs_handout, debugs_at_the_point_that_is_wrong)
{
    only_where_long();
    write_wrong_lab_3();
    in_labs("mkdir bin; for tool in sh make cc as ld rm mkdir test; do ln -s \"$(command -v $tool)\" bin; done;"
            "PATH=\"$PWD/bin\" make debug T=3.2");
    expect_said("No debugger is installed here: install gdb");
    if (shell("command -v gdb") != 0)
        cr_skip_test("There is no gdb here.");
    shell("cd '%s/my labs' && printf 'print a * b == y\\nfinish\\nquit\\n' | make debug T=3.2 2>&1", above);
    expect_said("== 3.2 mul_backward ==  FAIL 0/1   lab3.c:");
    expect_said("The debugger stops in mul_backward, called with these numbers.");
    expect_said("Breakpoint 1, mul_backward (a=");
    expect_said("$1 = 1");
    expect_said("Run till exit");
    const char *given = strstr(said, "   a = "), *stopped = strstr(said, "mul_backward (a=");
    cr_assert(given != NULL && stopped != NULL);
    cr_expect(fabs(strtod(given + strlen("   a = "), NULL) - strtod(stopped + strlen("mul_backward (a="), NULL)) < 1e-5,
              "it stops at another point: %s", said);
}

/* ---- watch, at a terminal ---------------------------------------------------------------------------------------- */

static int terminal = -1, screen = -1; /* what we read and write, and what the program does */
static pid_t watcher;

static void start_watch(void)
{
    terminal = posix_openpt(O_RDWR | O_NOCTTY);
    cr_assert(terminal >= 0 && grantpt(terminal) == 0 && unlockpt(terminal) == 0, "no terminal");
    const char *name = ptsname(terminal);
    screen = open(name, O_RDWR | O_NOCTTY); /* so that the terminal is there before the program and after it */
    watcher = fork();
    if (watcher == 0) {
        setsid();
        const int mine = open(name, O_RDWR);
        for (int fd = 0; fd < 3; fd++)
            dup2(mine, fd);
        close(terminal);
        setenv("TERM", "xterm", 1);
        if (chdir(above) == 0 && chdir("my labs") == 0)
            execlp("make", "make", "--no-print-directory", "watch", (char *)NULL);
        _exit(127);
    }
}

/* Wait for text on the screen; what came until then is in said. */
static void await(const char *text)
{
    const time_t deadline = time(NULL) + 900;
    size_t length = 0;
    said[0] = '\0';
    while (strstr(said, text) == NULL && time(NULL) < deadline && length < sizeof said - 1) {
        struct pollfd event = {terminal, POLLIN, 0};
        ssize_t n = 0;
        if (poll(&event, 1, 1000) > 0 && (n = read(terminal, said + length, sizeof said - 1 - length)) <= 0)
            break;
        length += (size_t)n;
        said[length] = '\0';
    }
    expect_said(text);
}

static void press(const char *key) { cr_assert(write(terminal, key, 1) == 1); }

static int end_of_watch(void)
{
    int status = -1;
    const time_t deadline = time(NULL) + 900;
    while (waitpid(watcher, &status, WNOHANG) == 0 && time(NULL) < deadline) {
        char rest[1000];
        struct pollfd event = {terminal, POLLIN, 0};
        if (poll(&event, 1, 100) > 0 && read(terminal, rest, sizeof rest) <= 0)
            poll(NULL, 0, 100);
    }
    cr_expect(time(NULL) < deadline, "watch goes on");
    kill(watcher, SIGKILL);
    close(terminal);
    close(screen);
    return status;
}

Test(labs_handout, watch_stays_at_one_task_until_it_is_told_to_go_on)
{
    only_where_long();
    cr_expect(in_labs("make watch") != 0);
    expect_said("make watch needs a terminal");
    start_watch();
    await("Watching lab1.c.");
    expect_said("1.1 central ==  not written yet");
    press("h");
    await("1. a slope is a rise");
    edit("lab1.c", "s/not_written(\"1.1\");/return (f(at + h) - f(at)) \\/ h;/");
    await("Watching lab1.c.");
    expect_said("1.1 central ==  FAIL 0/1");
    press("n"); /* not yet */
    solve(1);
    await("1.1 is right. n: go on");
    expect_unsaid("1.2 ");
    press("n");
    await("Watching lab2.c."); /* what is left of lab 1 is right, too */
    expect_said("2.1 dual_mul ==  not written yet");
    press("q");
    cr_expect(end_of_watch() == 0);
    start_watch();
    await("Watching lab2.c.");
    press("\003"); /* Ctrl-C */
    end_of_watch();
}

Test(labs_handout, reference_has_all_points_and_is_remembered)
{
    only_where_long();
    const int tasks = task_count(), points = point_count();
    cr_assert(shell("cp lessons/labs/lab[0-9]*.c '%s/my labs/'", above) == 0);
    cr_expect(in_labs("make grade") == 0);
    cr_expect(count_said(" ok ") == tasks, "%s", said);
    expect_said(text("\nScore: %d/%d\n", points, points));
    in_labs("make");
    expect_said(text("Solved: %d of %d tasks, %d of %d points.\nThat was the last one.", tasks, tasks, points, points));
    in_labs("mv build/lab3 gone; make");
    expect_said("That was the last one."); /* none was tried again: */
    cr_expect(in_labs("test -e build/lab3") != 0, "lab 3 was compiled again");
    edit("lab3.c", "s/grad.1. = -g;/grad[1] = g;/");
    in_labs("make");
    expect_said("Next: 3.1 sub_backward");
    expect_said("FAIL 0/1");
    start_watch();
    await("Watching lab3.c.");
    solve(3);
    await("3.1 is right. n: go on");
    press("n");
    await("All tasks are right. You are through!");
    cr_expect(end_of_watch() == 0);
}
