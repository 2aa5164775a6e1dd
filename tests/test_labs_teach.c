/* test_labs_teach.c - what a teacher does with the labs: the table of points and deadlines, tasks of one's own, a class
 * of students, Gradescope. */
#define _DEFAULT_SOURCE /* mkdtemp, setenv, popen beside C11 */
#define _DARWIN_C_SOURCE
#include <criterion/criterion.h>
#include <unistd.h>

#include "labs_shell.h"
#include "long.h"
#include "terms.h"

static void begin(void)
{
    make_folder();
    unsetenv("PRIVATE");
}

TestSuite(labs_teach, .init = begin, .fini = remove_folder, .timeout = 1800);

/* ---- the table --------------------------------------------------------------------------------------------------- */

static double time_of(const char *text)
{
    double seconds;
    cr_assert(terms_time(text, &seconds), "%s is a time", text);
    return seconds;
}

Test(labs_teach, a_time_is_a_number_of_seconds_whatever_its_zone)
{
    cr_expect_eq(time_of("1970-01-01T00:00:00Z"), 0);
    cr_expect_eq(time_of("2000-02-29T12:00:00Z"), 951825600);
    cr_expect_eq(time_of("2000-03-01T00:00:00Z"), 951868800);
    cr_expect_eq(time_of("2027-03-01T23:59:00+01:00"), 1803941940);
    cr_expect_eq(time_of("2027-03-01T17:29:00-0530"), 1803941940);
    cr_expect_eq(time_of("2018-07-01T14:22:32.5-07:00"), 1530480152.5);
    cr_expect_eq(time_of("1969-12-31T23:59:59Z"), -1);
}

Test(labs_teach, what_is_no_time_is_none)
{
    static const char *const wrong[] = {
        "",
        "tomorrow",
        "2027-03-01",
        "2027-03-01T23:59:00",
        "2027-03-01 23:59:00Z",
        "2027-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2027-13-01T00:00:00Z",
        "2027-00-01T00:00:00Z",
        "2027-01-00T00:00:00Z",
        "2027-01-01T24:00:00Z",
        "2027-01-01T00:60:00Z",
        "2027-01-01T00:00:00+15:00",
        "2027-01-01T00:00:00+01:0",
        "2027-01-01T00:00:00+01:00x",
        "2027-01-01T00:00:00.Z",
        "2027-01-01T00:00:+1Z",
    };
    double seconds;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        cr_expect_not(terms_time(wrong[i], &seconds), "%s", wrong[i]);
}

static const Terms *of_task(const Terms *terms, const char *id) { return &terms[task_find(id) - tasks]; }

Test(labs_teach, a_row_changes_those_above_it)
{
    static Terms terms[MOST_TASKS];
    Error error;
    const char *path = write_file("terms.txt", "# a table\n"
                                               "* - hidden - -\r\n"
                                               "3 - after_published 2027-03-01T00:00:00Z 50 # the whole lab\n"
                                               "3.5 2.5 visible - -\n"
                                               "mul_backward 0 after_due_date 2027-03-01T00:00:00Z 0");
    cr_assert(terms_read(path, terms, &error), "%s", error.message);
    cr_expect_eq(of_task(terms, "4.2")->points, 3);
    cr_expect_str_eq(of_task(terms, "4.2")->visibility, "hidden");
    cr_expect(isnan(of_task(terms, "4.2")->due));
    cr_expect_eq(of_task(terms, "3.1")->points, 1);
    cr_expect_str_eq(of_task(terms, "3.1")->visibility, "after_published");
    cr_expect_eq(of_task(terms, "3.1")->due, time_of("2027-03-01T00:00:00Z"));
    cr_expect_eq(of_task(terms, "3.5")->points, 2.5);
    cr_expect(isnan(of_task(terms, "3.5")->due));
    cr_expect_eq(of_task(terms, "3.2")->points, 0);
    cr_expect_str_eq(of_task(terms, "3.2")->visibility, "after_due_date");
}

Test(labs_teach, the_table_of_the_project_is_that_of_lab_h)
{
    static Terms terms[MOST_TASKS];
    Error error;
    cr_assert(terms_read("lessons/labs/terms.txt", terms, &error), "%s", error.message);
    for (int i = 0; i < task_count; i++) {
        cr_expect_eq(terms[i].points, tasks[i].points);
        cr_expect_str_eq(terms[i].visibility, "visible");
        cr_expect_eq(terms_score(&terms[i], 2, 1e12), 2);
    }
}

Test(labs_teach, late_work_keeps_its_percent_and_an_unknown_time_is_in_time)
{
    const Terms terms = {.points = 4, .due = 1000, .late_percent = 25};
    cr_expect_eq(terms_score(&terms, 4, 1000), 4);
    cr_expect_eq(terms_score(&terms, 4, 1000.5), 1);
    cr_expect_eq(terms_score(&terms, 4, NAN), 4);
}

Test(labs_teach, a_wrong_row_is_named_with_its_line)
{
    static Terms terms[MOST_TASKS];
    Error error;
    static const struct WrongTable {
        const char *text, *reason;
    } wrong[] = {
        {"\n3.9 1 visible - -\n", "terms.txt:2: there is no task or lab \"3.9\""},
        {"* 1 visible - -\n\n* 1 visible -\n", "terms.txt:3: the column \"late-percent\" is missing"},
        {"* 1\n3 1 visible - -\n", "terms.txt:1: the column \"visibility\" is missing"},
        {"* -1 visible - -\n", "the points are \"-1\""},
        {"* nan visible - -\n", "the points are \"nan\""},
        {"* 1 secret - -\n", "the visibility is \"secret\""},
        {"* 1 visible 2027-03-01T00:00:00 50\n", "Write it with its zone"},
        {"* 1 visible - 50\n", "needs a deadline before it"},
        {"* 1 visible 2027-03-01T00:00:00Z -\n", "not what happens after it"},
        {"* 1 visible 2027-03-01T00:00:00Z 101\n", "late work keeps \"101\" percent"},
        {"* 1 visible - - -\n", "goes on with \"-\" after its five columns"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        cr_expect_not(terms_read(write_file("terms.txt", wrong[i].text), terms, &error), "%s", wrong[i].text);
        cr_expect(strstr(error.message, wrong[i].reason) != NULL, "%s", error.message);
    }
}

Test(labs_teach, a_table_that_is_not_there_is_named)
{
    static Terms terms[MOST_TASKS];
    Error error;
    cr_expect_not(terms_read("no/such/table.txt", terms, &error));
    cr_expect(strstr(error.message, "no/such/table.txt: cannot read") != NULL, "%s", error.message);
    cr_expect_not(terms_read(folder, terms, &error), "a folder is no table");
}

/* ---- tasks of a teacher's own ------------------------------------------------------------------------------------ */

#define COMMENT(more)                                                                                                  \
    "/* Task 0.1 (2 points)  y = softsign a.\n *\n" more " * Hint: one.\n * Hint: two.\n * Hint: the secret.\n"        \
    " * Chapter: 10_gradient_check.c */\n"
#define SOFTSIGN COMMENT(" * Forward: y = a / (1 + fabs(a))\n * Range: a -3 3\n")
#define UNARY "double softsign_backward(double a, double y, double g)\n{\n"

Test(labs_teach, a_slip_in_a_private_task_is_named_with_its_line)
{
    static const struct WrongTask {
        const char *text, *reason;
    } wrong[] = {
        {"int nothing;\n", "own.c:1: there is no task"},
        {"\n/* Task 1.1 (2 points)  y = a. */\n", "own.c:2: a task begins like this"},
        {SOFTSIGN SOFTSIGN, "own.c:9: there already is a task 0.1"},
        {SOFTSIGN "double softsign(double a)\n{\n", "own.c:9: below the comment of task 0.1"},
        {SOFTSIGN "int f(double a, double y, double g)\n{\n", "below the comment of task 0.1"},
        {SOFTSIGN "void f(double a, double y, double g)\n{\n", "below the comment of task 0.1"},
        {SOFTSIGN, "task 0.1 has no function"},
        {COMMENT(" * Range: a -3 3\n") UNARY, "own.c:1: task 0.1 does not say what y is"},
        {COMMENT(" * Forward: y = a\n") UNARY, "needs a range for each operand"},
        {COMMENT(" * Forward: y = a\n * Range: a 3 -3\n") UNARY, "own.c:4: a range is a name"},
        {COMMENT(" * Forward: y = a\n * Range: a 1 3\n * Range: b 1 3\n") UNARY, "needs a range for each operand"},
        {COMMENT(" * Forward: y = a\n * Range: a 1 3\n * Hint: zero.\n") UNARY, "three lines Hint:"},
        {SOFTSIGN "/* Task 0.2 (1 point)  y = a.\n", "own.c:1: task 0.1 has no function"},
        {"\n/* Task 0.1 (1 point)  y = a. */ double f(double a, double y, double g) {\n",
         "own.c:2: the comment of task"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        write_file("own.c", wrong[i].text);
        cr_expect_eq(shell("awk -v part=h -f lessons/labs/private.awk \"$DIR/own.c\""), 1, "%s", wrong[i].text);
        expect_said(wrong[i].reason);
    }
}

#define OWN_HEAD "/* own.c - of our own. */\n#include \"lab.h\"\n\n"

Test(labs_teach, no_style_of_writing_hands_out_a_solution)
{
#define HEAD "double f(double a, double y, double g)"
    static const char *const styles[] = {
        SOFTSIGN HEAD "\n{\n    return SOLUTION;\n}\n",
        SOFTSIGN HEAD " {\n    return SOLUTION;\n}\n",
        SOFTSIGN HEAD " { return SOLUTION; }\n",
        SOFTSIGN "double f(double a,\n         double y,\n\n\tdouble g){return SOLUTION;\n}\n",
        SOFTSIGN HEAD "\n  {\n  return SOLUTION; }\n",
        SOFTSIGN HEAD "\n{\nif (a > 0) {\nreturn SOLUTION;\n}\nreturn SOLUTION;\n}\n",
        SOFTSIGN HEAD "\n{\n    a = 1; /* so */\n#include \"SOLUTION\"\n/* SOLUTION */\n}\n",
        "static double SOLUTION(double a) {\n    return a;\n}\n" SOFTSIGN HEAD " {\n}\n",
        "static double\nSOLUTION(double a)\n{\n    return a;\n}\n" SOFTSIGN HEAD " {\n}\n",
        SOFTSIGN HEAD "\n{\n}\n\n/* SOLUTION */\ndouble SOLUTION(double a,\n                double b)\n{\n}\n",
        "#define SOLUTION 1\nstatic const double SOLUTIONS[2] = {1,\n  SOLUTION};\n" SOFTSIGN HEAD " {\n}\n",
        "/* Task 0.1 (2 points)  y = a.\n * Forward: y = a\n * Range: a -3 3\n * Hint: 1.\n * Hint: 2.\n * Hint: 3.\n"
        " * Chapter: 10_gradient_check.c */ \n" HEAD " {\n    return SOLUTION; /* it\n is */\n}\n",
    };
    for (size_t i = 0; i < sizeof styles / sizeof styles[0]; i++) {
        shell("rm -f \"$DIR\"/*; printf '%%s' '" OWN_HEAD "' >\"$DIR/own.c\"");
        setenv("STYLE", styles[i], 1);
        cr_expect_eq(shell("printf '%%s' \"$STYLE\" >>\"$DIR/own.c\" && cd lessons/labs &&"
                           "awk -v part=h -f private.awk \"$DIR/own.c\" >\"$DIR/private.h\" &&"
                           "awk -f skeleton.awk \"$DIR/own.c\" &&"
                           "awk -v out=\"$DIR\" -f hints.awk \"$DIR/own.c\" && cat \"$DIR/0.1.txt\""),
                     0, "%s: %s", styles[i], said);
        expect_unsaid("SOLUTION");
        expect_said(OWN_HEAD "/* Task 0.1 (2 points)  y = ");
        expect_said("double g)\n{\n    not_written(\"0.1\");\n    return 0;\n}\n");
        expect_said("Read lessons/10_gradient_check.c\n");
    }
}

Test(labs_teach, a_goal_may_hold_what_c_writes_with_a_backslash)
{
    write_file("own.c", "/* Task 0.1 (2 points)  y = a\\b, \"so\".\n * Forward: y = a\n * Range: a -3 3\n * Hint: 1.\n"
                        " * Hint: 2.\n * Hint: 3.\n * Chapter: 10_gradient_check.c */\n" UNARY);
    cr_expect_eq(shell("awk -v part=h -f lessons/labs/private.awk \"$DIR/own.c\""), 0);
    expect_said("\"0.1\", 2, \"y = a\\\\b, \\\"so\\\"\")\n");
}

/* Whatever the references look like: a task that would be missing, or be there with its body, stops it. */
Test(labs_teach, nothing_is_handed_out_where_a_task_has_no_empty_function)
{
    cr_assert_eq(shell("cp -R lessons/labs \"$DIR/labs\""), 0, "%s", said);
    static const struct Change {
        const char *command, *reason;
    } changes[] = {
        {"sed 's/Task 3.2 /Exercise 3.2 /' lab3.c", "Task 3.2 has no empty function in lab3.c"},
        {"cat lab3.c; echo '/* Task 3.8 (1 point)  y = a. */'", "Task 3.8 has no empty function in lab3.c"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        cr_assert_eq(shell("cd lessons/labs && { %s; } >\"$DIR/labs/lab3.c\"", changes[i].command), 0, "%s", said);
        cr_expect_eq(shell("sh \"$DIR/labs/handout.sh\" --lab 3 \"$DIR/out\""), 1, "%s", said);
        expect_said(changes[i].reason);
        cr_expect(shell("test -e \"$DIR/out\"") != 0, "it was left there");
    }
}

static const char own_tasks[] =
    OWN_HEAD SOFTSIGN "double softsign_backward(double a, double y, double g) {\n"
                      "    return g / ((1 + fabs(a)) * (1 + fabs(a)));\n}\n\n"
                      "static double length(double a, double b) {\n    return sqrt(a * a + b * b);\n}\n\n"
                      "/* Task 0.2 (1 point)  y = \"length\" of (a, b).\n *\n"
                      " * Forward: y = length(a, b)\n * Range: a -2 2\n * Range: b 0.5 2\n"
                      " * Hint: one.\n * Hint: two.\n * Hint: three.\n * Chapter: 10_gradient_check.c */\n"
                      "void length_backward(double a, double b, double y, double g, double grad[2])\n{\n"
                      "    grad[0] = g * a / length(a, b);\n    grad[1] = g * b / y;\n}\n";

/* From the file to what a student has and to the grade; then the reference is made wrong. */
Test(labs_teach, private_tasks_are_handed_out_and_graded_and_a_wrong_reference_is_caught)
{
    only_where_long();
    write_file("own.c", own_tasks);
    cr_assert_eq(shell("make -s BUILD=\"$BUILD\" handout PRIVATE=\"$DIR/own.c\" OUT=\"$DIR/out\""), 0, "%s", said);
    cr_expect_eq(shell("cat \"$DIR/out/lab0.c\" && grep -c . \"$DIR\"/out/check/answers/0.[12].txt"), 0, "%s", said);
    expect_said("not_written(\"0.2\");");
    expect_said("Forward: y = length(a, b)");
    cr_expect(strstr(said, "fabs(a)) * ") == NULL && strstr(said, "secret") == NULL && strstr(said, "sqrt") == NULL,
              "a solution is handed out: %s", said);
    shell("make -s -C \"$DIR/out\" check T=0.2");
    expect_said("== 0.2 length_backward ==  not written yet   lab0.c:");

    cr_expect_eq(shell("mkdir \"$DIR/in\" && cp \"$DIR/own.c\" \"$DIR/in/lab0.c\" &&"
                       "make -s BUILD=\"$BUILD\" grade PRIVATE=\"$DIR/own.c\" LAB=0 SUBMISSION=\"$DIR/in\" "
                       "RESULTS=\"$DIR/results.json\""),
                 0, "%s", said);
    expect_said("== 0.1 softsign_backward ==  ok 2/2");
    expect_said("Score: 3/3");

    shell("sed 's/g \\* b/g * a/' \"$DIR/own.c\" >\"$DIR/wrong.c\"");
    cr_expect(shell("make -s BUILD=\"$BUILD\" handout PRIVATE=\"$DIR/wrong.c\" OUT=\"$DIR/wrong\"") != 0, "%s", said);
    expect_said("task 0.2, length_backward: the reference is not g times the derivative");
    expect_said("grad[1]: the reference gives ");
}

/* ---- a class ----------------------------------------------------------------------------------------------------- */

/* A grader that takes no time, fails for bob, and notes whom it has graded. */
static const char grader[] =
    "#!/bin/sh\n"
    "for last; do submission=$results results=$last; done\n"
    "echo x >>\"$DIR/log\"\n"
    "case $submission in\n"
    "*/bob) printf '%s\\n' '{\"score\": 0, \"output\": \"not graded: no \\u0007C:\\\\new\\nat all\"}' >\"$results\"\n"
    "  exit 1 ;;\n"
    "*/cid) exit 9 ;;\n"
    "esac\n"
    "echo '{\"output\": \"{1.5}\", \"extra_data\": {\"seed\": \"18446744073709551615\", \"final\": true,' "
    ">\"$results\"\n"
    "echo '\"perhaps_measured\": [\"3.6\"]}, \"tests\": [{\"number\": \"1.1\", \"score\": 1, \"output\": "
    "\"\\\"score\\\": "
    "7}\"},' >>\"$results\"\n"
    "echo '{\"score\": 0.5, \"tags\": [\"a\"], \"number\": \"1.2\"}]}' >>\"$results\"\n";

#define CLASS "sh lessons/labs/class.sh \"$DIR/class\" \"\" 2 \"$DIR/grade\" --terms lessons/labs/terms.txt"

static void make_class(void)
{
    write_file("grade", grader);
    cr_assert_eq(shell("chmod +x \"$DIR/grade\" && mkdir \"$DIR/class\" && cd \"$DIR/class\" && touch not-a-student &&"
                       "mkdir ann bob cid \"O'Neil, \\\"Pat\\\" \" \"$(printf 'two\\nlines')\" ./-x '=1+1' 'a\\b' '*'"),
                 0, "%s", said);
}

Test(labs_teach, a_class_is_one_line_per_student_whatever_the_names)
{
    make_class();
    cr_expect_eq(shell(CLASS), 0, "%s", said);
    expect_said("9 students: 9 graded now, 0 not changed");
    expect_said("not graded: 2");
    expect_said("1.1: 7   1.2: 7");
    cr_expect_eq(shell("sort \"$DIR/class.results/class.csv\" | LC_ALL=C grep -v ^student; head -n 1 "
                       "\"$DIR/class.results/class.csv\"; wc -l <\"$DIR/class.results/class.csv\""),
                 0);
    static const char *const lines[] = {
        "student,score,1.1,1.2,seed,remark\n",
        "ann,1.5,1,0.5,18446744073709551615,perhaps measured by a nudge: 3.6\n",
        "bob,0,,,,not graded: no ?C:\\new\n",
        "cid,0,,,,\"not graded: the grader ended with status 9, see graded.txt\"\n",
        "\"O'Neil, \"\"Pat\"\" \",1.5,1",
        "\ntwo\\nlines,1.5",
        "'-x,1.5",
        "'=1+1,1.5",
        "a\\b,1.5",
        "*,1.5",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        expect_said(lines[i]);
    expect_said("10\n");
    cr_expect_eq(shell("ls \"$DIR/class.results/ann/results.json\" \"$DIR/class.results/ann/graded.txt\""), 0);
}

Test(labs_teach, a_class_is_graded_again_only_where_something_is_new)
{
    only_where_long();
    write_file("grade", grader);
    static const struct Change {
        const char *command, *options;
        int graded; /* one at least: bob has no results yet */
    } changes[] = {
        {":", "", 3},
        {":", "", 1},
        {"touch grade terms.txt kit/lab.h class/ann; echo >class/ann/notes.txt", "", 1},
        {"echo old >class/ann/lab3.c; cp -p class/ann/lab3.c ..time", "", 2},
        {"echo new >class/ann/lab3.c; touch -r ..time class/ann/lab3.c", "", 2}, /* as unzip does */
        {"mv class/ann/lab3.c class/ann/lab4.c", "", 2},
        {"touch class/ann/lab4.c", "", 1},
        {"mkfifo class/ann/lab1.c; ln -s /dev/zero class/ann/lab2.c", "", 2},
        {"rm class.results/eve/graded_from.txt", "", 2}, /* as an interruption leaves it */
        {":", "--lab 3", 3},
        {":", "--lab 4", 3},
        {":", "--lab 4", 1},
        {"echo '* - hidden - -' >terms.txt; touch -r ..time terms.txt", "--lab 4", 3},
        {"echo '#' >>kit/lab.h; touch -r ..time kit/lab.h", "--lab 4", 3},
        {"echo '#' >>grade; touch -r ..time grade", "--lab 4", 3},
    };
    cr_assert_eq(shell("cp lessons/labs/terms.txt \"$DIR\" && cd \"$DIR\" && chmod +x grade &&"
                       "mkdir -p kit class/ann class/bob class/eve && echo >kit/lab.h"),
                 0, "%s", said);
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        char summary[60];
        snprintf(summary, sizeof summary, "%d graded now, %d not changed", changes[i].graded, 3 - changes[i].graded);
        cr_expect_eq(shell("(cd \"$DIR\" && { %s; }) && sh lessons/labs/class.sh \"$DIR/class\" \"\" 2 \"$DIR/grade\" "
                           "--kit \"$DIR/kit\" --terms \"$DIR/terms.txt\" %s",
                           changes[i].command, changes[i].options),
                     0, "%s", said);
        cr_expect(strstr(said, summary) != NULL, "%zu: %s %s: %s", i, changes[i].command, changes[i].options, said);
    }
}

Test(labs_teach, an_interrupted_class_leaves_no_process_and_goes_on)
{
    only_where_long();
    make_class();
    write_file("grade", "#!/bin/sh\necho $$ >>\"$DIR/log\"\n[ -e \"$DIR/go\" ] || exec sleep 100\n"
                        "for last; do :; done\necho '{\"tests\": []}' >\"$last\"\n");
    cr_expect_eq(shell(CLASS
                       " & pid=$!\n"
                       "while [ \"$(grep -c . \"$DIR/log\" 2>/dev/null)\" != 2 ]; do sleep 0.05; done\n"
                       "sleep 0.1; kill -TERM $pid; wait $pid; echo status $?\n"
                       "for pid in $(cat \"$DIR/log\"); do kill -0 $pid 2>/dev/null && echo \"$pid lives\"; done\n"
                       "touch \"$DIR/go\"; " CLASS),
                 0);
    cr_expect(strstr(said, "lives") == NULL, "%s", said);
    expect_said("status 130");
    expect_said("9 students: 9 graded now");
}

Test(labs_teach, a_class_that_cannot_be_graded_says_why)
{
    write_file("grade", grader);
    cr_expect_eq(shell("chmod +x \"$DIR/grade\"; " CLASS), 1);
    expect_said("there is no folder ");
    shell(CLASS " 2>/dev/null");
    cr_expect_str_eq(said, "", "it is not said to standard error: %s", said);
    cr_expect_eq(shell("mkdir \"$DIR/class\"; " CLASS), 1);
    expect_said("there is no student's folder in ");
    cr_expect_eq(shell("sh lessons/labs/class.sh \"$DIR/class\" \"\" x \"$DIR/grade\""), 1);
    expect_said("JOBS=x");
    cr_expect_eq(shell("sh lessons/labs/class.sh \"$DIR/class\" \"$DIR/class/r\" 1 \"$DIR/grade\""), 1);
    expect_said("would lie among the submissions");
}

/* ---- the results' format ----------------------------------------------------------------------------------------- */

static bool have(const char *what)
{
    if (shell(what) == 0)
        return true;
    cr_skip("SKIPPED: this machine cannot do: %s", what);
    return false;
}

/* The real grader on a submission with a right, a wrong, an unwritten and a talkative task; and on none. */
Test(labs_teach, results_are_valid_by_the_schema)
{
    only_where_long();
    if (!have("python3 -c 'import json'"))
        return;
    cr_assert_eq(shell("mkdir \"$DIR/in\" && { echo '#include <stdio.h>'; awk -f lessons/labs/skeleton.awk "
                       "lessons/labs/lab3.c; } |"
                       "sed -e 's/not_written(\"3.1\");/grad[0] = g, grad[1] = -g;/' "
                       "-e 's/not_written(\"3.2\");/grad[0] = grad[1] = 7;/' "
                       "-e 's/not_written(\"3.3\");/for (int c = 1; c < 256; c++) *(volatile char *)grad = 0, "
                       "putchar(c);/' >\"$DIR/in/lab3.c\" &&"
                       "\"$BUILD/grade\" --lab 3 \"$DIR/in\" \"$DIR/1.json\" &&"
                       "mkdir \"$DIR/none\" && ! \"$BUILD/grade\" --lab 1 \"$DIR/none\" \"$DIR/2.json\" &&"
                       "! \"$BUILD/grade\" --kit \"$DIR/none\" \"$DIR/in\" \"$DIR/3.json\""),
                 0, "%s", said);
    expect_said("== 3.1 sub_backward ==  ok 1/1");
    expect_said("not graded");
    cr_expect_eq(
        shell("for way in '' --plain; do python3 tests/labs/check_results.py $way \"$DIR\"/[123].json || exit 1;"
              "done"),
        0, "%s", said);
}

Test(labs_teach, the_schema_refuses_what_gradescope_would_not_understand)
{
    only_where_long();
    if (!have("python3 -c 'import json'"))
        return;
    static const char *const wrong[] = {
        "{}",
        "{\"score\": NaN}",
        "{\"score\": \"1\"}",
        "{\"score\": -1}",
        "{\"score\": 1, \"visibility\": \"secret\"}",
        "{\"score\": 1, \"execution_time\": 1.5}",
        "{\"score\": 1, \"unknown\": 1}",
        "{\"tests\": [{\"name\": \"a\", \"number\": 1, \"score\": 1, \"max_score\": 1}]}",
        "{\"tests\": [{\"number\": \"1\", \"score\": 1, \"max_score\": 1}]}",
        "{\"tests\": [{\"name\": \"a\", \"number\": \"1\", \"score\": 1, \"max_score\": true}]}",
        "{\"tests\": []} more",
    };
    enum { WRONG = sizeof wrong / sizeof wrong[0] };
    char name[WRONG][32];
    for (int i = 0; i < WRONG; i++) {
        snprintf(name[i], sizeof name[i], "/%d.json: ", i);
        char file[32];
        snprintf(file, sizeof file, "%d.json", i);
        write_file(file, wrong[i]);
    }
    static const char *const ways[] = {"", "--plain"};
    for (int way = 0; way < 2; way++) { /* all at once: Python takes long to start */
        setenv("WAY", ways[way], 1);
        cr_expect_eq(shell("python3 tests/labs/check_results.py $WAY \"$DIR\"/*.json"), 1, "%s", said);
        for (int i = 0; i < WRONG; i++)
            cr_expect(strstr(said, name[i]) != NULL, "%s is taken for right", wrong[i]);
    }
}

/* ---- Gradescope -------------------------------------------------------------------------------------------------- */

static const char metadata[] = "{\"id\": 1, \"created_at\": \"2018-07-01T14:22:32.365935-07:00\", \"users\": "
                               "[{\"name\": \"\\\"created_at\\\": \\\"2000-01-01T00:00:00Z\\\"\"}], "
                               "\"previous_submissions\": [{\"created_at\": \"2000-01-01T00:00:00Z\"}]}";

/* In a folder in place of /autograder, with a Makefile in place of the project that notes what it is asked. */
Test(labs_teach, run_autograder_passes_on_who_and_when)
{
    cr_assert_eq(
        shell("mkdir -p \"$DIR/source/stepgrad/lessons/labs\" \"$DIR/submission\" &&"
              "mkdir \"$DIR/submission/my \\$(id)\\$labs\\\"; id\" && ln -s /etc \"$DIR/submission/a link\" &&"
              "cp lessons/labs/find_labs.sh \"$DIR/source/stepgrad/lessons/labs\" && echo 3 >\"$DIR/source/lab\""),
        0);
    write_file("submission_metadata.json", metadata);
    write_file("source/stepgrad/Makefile",
               "grade:\n\t@echo \"$(LAB) at $(SUBMITTED) in $$SUBMISSION\" >\"$$RESULTS\"\n");
    static const char run[] = "AUTOGRADER=\"$DIR\" sh lessons/labs/gradescope/run_autograder;"
                              "cat \"$DIR/results/results.json\"";
    cr_expect_eq(shell(run), 0);
    expect_said("3 at 2018-07-01T14:22:32.365935-07:00 in ");
    expect_said("/submission\n");
    write_file("submission/my $(id)$labs\"; id/lab3.c", "");
    cr_expect_eq(shell(run), 0);
    expect_said("/submission/my $(id)$labs\"; id\n"); /* a student chose it: no shell and no make may run it */
    write_file("submission/lab1.c", "");
    cr_expect_eq(shell(run), 0);
    expect_said("/submission\n");
}

Test(labs_teach, run_autograder_leaves_valid_results_when_nothing_works)
{
    only_where_long();
    if (!have("python3 -c 'import json'"))
        return;
    cr_expect_eq(shell("AUTOGRADER=\"$DIR\" sh lessons/labs/gradescope/run_autograder; "
                       "python3 tests/labs/check_results.py \"$DIR/results/results.json\" && "
                       "cat \"$DIR/results/results.json\""),
                 0, "%s", said);
    expect_said("\"score\": 0");
    expect_said("the grader did not run");
}

Test(labs_teach, a_lab_that_is_not_there_is_not_packed)
{
    for (int lab = 0; lab <= 12; lab += 12) {
        cr_expect(shell("sh lessons/labs/gradescope/pack.sh \"$DIR\" lessons/labs/terms.txt '' %d", lab) != 0);
        expect_said("there is no lab ");
        cr_expect(shell("test -e \"$DIR/gradescope.zip\"") != 0);
    }
}

/* The zip, unpacked; the grader is built from it, far from the project, and grades the references. */
Test(labs_teach, the_zip_holds_what_the_grader_is_built_from)
{
    only_where_long();
    if (!have("python3 -c 'import zipfile'"))
        return;
    cr_assert_eq(
        shell("echo '* - hidden - -' >\"$DIR/terms.txt\" && mkdir \"$DIR/source\" \"$DIR/submission\" &&"
              "mkdir -p \"$DIR/project/lessons/images\" && cp -R Makefile LICENSE engine viz \"$DIR/project\" &&"
              "cp -R lessons/labs \"$DIR/project/lessons\" && cd \"$DIR/project\" && : >lessons/images/picture.svg &&"
              "mkdir -p lessons/labs/private && : >lessons/labs/private/lab0.c &&"
              "make -s BUILD=\"$DIR\" gradescope.zip PRIVATE= TERMS=\"$DIR/terms.txt\" LAB=3 &&"
              "cd \"$DIR/source\" && python3 -m zipfile -e ../gradescope.zip ."),
        0, "%s", said);
    cr_expect_eq(shell("cd \"$DIR/source\" && cat lab stepgrad/lessons/labs/terms.txt && test -f setup.sh && "
                       "python3 -m zipfile -l ../gradescope.zip"),
                 0, "%s", said);
    expect_said("3\n* - hidden - -\n");
    expect_said("run_autograder");
    cr_expect(strstr(said, "private/") == NULL && strstr(said, "images") == NULL, "%s", said);
    cr_assert_eq(shell("unset BUILD MAKEFLAGS; cp lessons/labs/lab3.c \"$DIR/submission\" && "
                       "AUTOGRADER=\"$DIR\" && export AUTOGRADER && cd \"$DIR/source\" && sh ./setup.sh && "
                       "sh ./run_autograder && cat ../results/results.json"),
                 0, "%s", said);
    expect_said("Score: 7/7");
    expect_said("\"visibility\": \"hidden\"");
}

/* ---- make -------------------------------------------------------------------------------------------------------- */

Test(labs_teach, make_help_lists_what_a_teacher_needs_and_each_says_what_is_missing)
{
    only_where_long();
    cr_expect_eq(shell("make -s help"), 0);
    static const char *const targets[] = {"make handout ",     "make grade ",          "make class ",
                                          "make grade-check ", "make gradescope.zip ", "make moons "};
    for (size_t i = 0; i < sizeof targets / sizeof targets[0]; i++)
        expect_said(targets[i]);
    cr_expect(shell("make -s BUILD=\"$BUILD\" grade") != 0);
    expect_said("Which submission? make grade SUBMISSION=folder");
    cr_expect(shell("make -s BUILD=\"$BUILD\" class") != 0);
    expect_said("Which folder of submissions? make class SUBMISSIONS=folder");
    cr_expect(shell("make -s BUILD=\"$BUILD\" handout") != 0);
    expect_said("Where to? make handout OUT=folder");
    shell("for target in handout grade class; do make -s BUILD=\"$BUILD\" $target 2>/dev/null; done");
    cr_expect_str_eq(said, "", "it is not said to standard error: %s", said);
}

Test(labs_teach, make_handout_takes_a_seed)
{
    only_where_long();
    cr_expect_eq(shell("make -s BUILD=\"$BUILD\" handout LAB=3 SEED=23 OUT=\"$DIR/out\" &&"
                       "\"$BUILD/answers\" 3.2 23 | cmp - \"$DIR/out/check/answers/3.2.txt\""),
                 0, "%s", said);
    cr_expect(shell("make -s BUILD=\"$BUILD\" handout SEED=2x OUT=\"$DIR/other\"") != 0);
    expect_said("The seed is \"2x\"");
}

Test(labs_teach, answers_that_are_lost_are_told_with_the_reason)
{
    if (access("/dev/full", W_OK) != 0)
        cr_skip_test("SKIPPED: no /dev/full here");
    cr_expect_eq(shell("\"$BUILD/answers\" 3.2 23 >/dev/full"), 1, "%s", said);
    expect_said("answers: standard output: what was written is lost: No space left on device");
}

/* What the tests of the handed-out folder begin with is made anew when any of its files changes. */
Test(labs_teach, make_knows_the_hidden_files_of_the_handout)
{
    shell("make -pnq BUILD=\"$BUILD\" 2>/dev/null | grep 'handout.made:'");
    expect_said("lessons/labs/handout/.github/workflows/labs.yml");
    expect_said("lessons/labs/handout/.vscode/tasks.json");
    expect_said("lessons/labs/handout/.gitignore");
}
