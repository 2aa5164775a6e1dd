/* test_bench.c - make bench, in its quick mode: what it writes is well-formed and says what must hold on any machine;
 * and which Python and which counter of instructions it takes. How fast anything is, is no matter of a test.
 */
#define _POSIX_C_SOURCE 200809L /* popen, mkdtemp */
#define _DARWIN_C_SOURCE
#include <criterion/criterion.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "labs_shell.h"
#include "long.h"

static void expect_all_said(const char *text)
{
    cr_expect(strcmp(said, text) == 0, "it said:\n%s\nand should say:\n%s", said, text);
}

/* ---- a quick run ------------------------------------------------------------------------------------------------- */

/* Of a build in a folder of its own, so that what a full run has measured stays. Threads that wait leave the cores to
 * others. */
static void run_quickly(void)
{
    make_folder();
    cr_assert_eq(shell("mkdir -p \"$DIR/tests/benchmark\" && case $BUILD in /*) ;; *) BUILD=$PWD/$BUILD ;; esac &&"
                       "ln -s \"$BUILD/tests/benchmark/bench\" \"$DIR/tests/benchmark/\" &&"
                       "OMP_WAIT_POLICY=passive PYTHON=/no/python sh tests/benchmark/run.sh \"$DIR\" --quick"),
                 0, "%s", said);
}

TestSuite(bench, .timeout = 1800);

/* The fields of a line of CSV, in place; returns how many. */
static size_t split(char *line, char *fields[], size_t most)
{
    size_t count = 0;
    char *out = line;
    for (char *c = line; count < most; c++) {
        const bool is_quoted = *c == '"';
        fields[count++] = out;
        for (c += is_quoted; *c != '\0' && *c != '\n' && (is_quoted || *c != ','); *out++ = *c++)
            if (is_quoted && *c == '"' && *++c != '"')
                break;
        const char end = *c;
        *out++ = '\0';
        if (end != ',')
            return end == '\n' && c[1] == '\0' ? count : 0;
    }
    return 0;
}

static double number(const char *field)
{
    char *end;
    const double x = strtod(field, &end);
    cr_expect(*end == '\0', "'%s' is no number", field);
    return *field == '\0' ? NAN : x;
}

enum { FIELDS = 7, LINE = 1024, LINES_MOST = 400 };

static char lines[LINES_MOST][LINE], *records[LINES_MOST][FIELDS];
static size_t count;

static void read_csv(void)
{
    char path[sizeof folder + 32];
    snprintf(path, sizeof path, "%s/bench/bench.csv", folder);
    FILE *in = fopen(path, "r");
    cr_assert(in != NULL, "no %s", path);
    for (; count < LINES_MOST && fgets(lines[count], LINE, in) != NULL; count++)
        cr_assert_eq(split(lines[count], records[count], FIELDS), (size_t)FIELDS, "line %zu has not %d fields",
                     count + 1, FIELDS);
    fclose(in);
    cr_assert(count > 60 && count < LINES_MOST, "%zu lines", count);
}

/* The fields from `column` on, in the line of that row of a table; a column may be given by its first letters. */
static char *const *find(const char *table, const char *row, const char *column)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(records[i][0], table) == 0 && strcmp(records[i][1], row) == 0 &&
            strncmp(records[i][2], column, strlen(column)) == 0)
            return &records[i][2];
    cr_assert(false, "%s, %s: there is no %s", table, row, column);
    return NULL;
}

static double middle(const char *table, const char *row, const char *column)
{
    return number(find(table, row, column)[1]);
}

static void expect_quartiles_in_order(void)
{
    for (size_t i = 1; i < count; i++) {
        char *const *fields = records[i];
        const double low = number(fields[4]), half = number(fields[3]), high = number(fields[5]);
        cr_expect(isnan(half) ? number(fields[6]) == 0 : low <= half && half <= high, "%s, %s, %s: not in order",
                  fields[0], fields[1], fields[2]);
    }
}

/* What is not there has no numbers, and one reason. */
static void expect_what_is_missing(void)
{
    cr_expect(middle("emitted", "two moons", "lines") > 100, "no emitted source");
    find("machine", "PyTorch", "PYTHON=/no/python: there is no such program");
    cr_expect(isnan(middle("moons", "PyTorch", "seconds")), "PyTorch was measured without a Python");
    cr_expect(isnan(middle("nodes", "chain of 10,000,000", "both")), "a large job was measured in a quick run");
    cr_expect(middle("moons", "define-by-run", "× hand") > 0, "no ratio");
}

/* (A debug build uses released memory again only when 256 MB more have been released.) */
static void expect_no_allocations(const char *row)
{
#ifdef STEPGRAD_DEBUG
    (void)row;
#else
    cr_expect_eq(middle("memory", row, "2nd step"), 0, "%s", row);
    cr_expect_eq(middle("memory", row, "all later"), 0, "%s", row);
#endif
}

/* Bit for bit, where the platform can load what a compiler made. */
static void expect_loss_of_replay(const char *row, double loss)
{
    const double emitted = middle("moons", row, "loss");
    cr_expect(isnan(middle("emitted", "two moons", "seconds")) ? isnan(emitted) : emitted == loss,
              "%s: loss %a, not %a", row, emitted, loss);
}

/* All programs do the same job. Where they differ, in the order of a sum, in a formula of the loss, or by vmath, a
 * product is off by an ulp, 1e-16, and there are some hundreds in a row of each. */
static void expect_same_losses(void)
{
    const double loss = middle("moons", "define-by-run", "loss"), gpt = middle("gpt", "define-by-run", "loss");
    cr_expect_float_eq(middle("moons", "hand-written, vectors", "loss"), loss, 1e-12);
    cr_expect_float_eq(middle("moons", "replay", "loss"), loss, 1e-12);
    cr_expect_float_eq(middle("moons", "hand-written C", "loss"), loss, 1e-12);
    cr_expect_float_eq(middle("moons", "replay, vmath", "loss"), loss, 1e-12);
    expect_loss_of_replay("emitted C", middle("moons", "replay", "loss"));
    expect_loss_of_replay("emitted C, vmath", middle("moons", "replay, vmath", "loss"));
    cr_expect_float_eq(middle("gpt", "scalar tape in C", "loss"), gpt, 1e-12);
}

static void expect_same_bits(const char *table)
{
    const double one = middle(table, "1 thread", "hash");
    cr_expect(middle(table, "2 threads", "hash") == one && middle(table, "4 threads", "hash") == one,
              "%s: the bits depend on the number of threads", table);
}

static void expect_whole_text_and_picture(void)
{
    cr_expect_eq(shell("cd \"$DIR/bench\" && test $(grep -c '^## ' bench.md) = $(grep -c '^| -' bench.md) &&"
                       "tail -n 1 bench.svg; grep -c -e nan -e inf bench.svg bench.md;"
                       "! command -v xmllint >/dev/null || xmllint --noout bench.svg 2>&1"),
                 0, "%s", said);
    expect_all_said("</svg>\nbench.svg:0\nbench.md:0\n");
}

Test(bench, a_quick_run_writes_tables_that_hold_together, .fini = remove_folder)
{
    only_where_long();
    run_quickly();
    read_csv();
    expect_quartiles_in_order();
    expect_what_is_missing();
    expect_no_allocations("two moons, a batch of 64");
    expect_no_allocations("two moons, replay");
    expect_no_allocations("GPT, a name of 7 letters");
    expect_same_losses();
    expect_same_bits("threads, batch 256");
    expect_same_bits("threads, batch 1000");
    expect_whole_text_and_picture();
}

/* ---- which Python ------------------------------------------------------------------------------------------------ */

/* Pythons that can import a module called fake, or cannot. No real one can. */
#define PYTHONS                                                                                                        \
    "set -e; bin=$(mktemp -d) && trap 'rm -rf \"$bin\"' EXIT; mkdir \"$bin/other one\"\n"                              \
    "can() { printf '#!/bin/sh\\ntest \"$2 $3\" = \"fake about\" && echo fake by %s\\n' \"$1\" >\"$bin/$1\"; }\n"      \
    "cannot() { printf '#!/bin/sh\\necho nothing; exit 1\\n' >\"$bin/$1\"; }\n"                                        \
    "find() { chmod +x \"$bin\"/python* \"$bin\"/*/python*; set +e\n"                                                  \
    "    PATH=$bin:/usr/bin:/bin sh tests/benchmark/find_python.sh fake | sed \"s|$bin|BIN|g\"; }\n"                   \
    "unset PYTHON; can 'other one/python'\n"

Test(bench, without_a_choice_the_first_python_that_can_is_taken)
{
    shell("%s", PYTHONS "can python3; can python3.11; find");
    expect_all_said("BIN/python3\nfake by python3\n");
    shell("%s", PYTHONS "cannot python3; cannot python3.9; can python3.11; cannot python3.11-config; find");
    expect_all_said("BIN/python3.11\nfake by python3.11\n");
    shell("%s", PYTHONS "cannot python3; find");
    expect_all_said(
        "no Python here can import fake; Debian: apt-get install python3-fake; elsewhere: pip install torch numpy;"
        " or PYTHON=..., the one that can\n");
}

Test(bench, a_python_that_is_chosen_is_the_only_one_tried)
{
    shell("%s", PYTHONS "can python3; PYTHON=\"$bin/other one/python\" find");
    expect_all_said("BIN/other one/python\nfake by other one/python\n");
    shell("%s", PYTHONS "can python3; cannot python3.11; PYTHON=python3.11 find");
    expect_all_said("PYTHON=python3.11 (BIN/python3.11) cannot import fake; Debian: apt-get install python3-fake; "
                    "elsewhere: pip install torch numpy\n");
    shell("%s", PYTHONS "can python3; PYTHON=/no/python find");
    expect_all_said("PYTHON=/no/python: there is no such program\n");
}

/* ---- which counter of instructions ------------------------------------------------------------------------------- */

/* All else on PATH is a shell and sed. */
#define COUNTERS                                                                                                       \
    "set -e; bin=$(mktemp -d) && trap 'rm -rf \"$bin\"' EXIT; ln -s \"$(command -v sh)\" \"$(command -v sed)\" $bin\n" \
    "tool() { printf '#!/bin/sh\\n%s\\n' \"$2\" >\"$bin/$1\" && chmod 755 \"$bin/$1\"; }\n"                            \
    "perf() { tool perf \"echo '$1,,instructions:u,1,100,,' >&2\"; }\n"                                                \
    "valgrind() { tool valgrind 'echo \"==1== Collected : 77\" >&2; shift 2; exec \"$@\"'; }\n"                        \
    "count() { set +e; PATH=$bin /bin/sh tests/benchmark/instructions.sh \"$@\"; }\n"

Test(bench, instructions_are_counted_by_perf_or_else_by_valgrind)
{
    shell("%s", COUNTERS "perf 1234; valgrind; count; count sh -c 'exit 0'");
    expect_all_said("perf\n1234\n");
    shell("%s", COUNTERS "perf '<not supported>'; valgrind; count; count sh -c 'exit 0'; count sh -c 'exit 1'");
    expect_all_said("valgrind\n77\n"); /* nothing of a program that failed */
    shell("%s", COUNTERS "count; count sh -c 'exit 0'");
    expect_all_said("not measured: there is no valgrind here, and no perf that can count them\n");
}
