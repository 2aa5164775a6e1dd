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

static char said[1 << 16];

static int run(const char *script)
{
    FILE *in = popen(script, "r");
    cr_assert(in != NULL, "popen");
    said[fread(said, 1, sizeof said - 1, in)] = '\0';
    return pclose(in);
}

static void expect_said(const char *text)
{
    cr_expect(strcmp(said, text) == 0, "it said:\n%s\nand should say:\n%s", said, text);
}

/* ---- a quick run ------------------------------------------------------------------------------------------------- */

static char folder[] = "/tmp/stepgrad-bench-XXXXXX";

/* Of a build in a folder of its own, so that what a full run has measured stays. */
static void run_quickly(void)
{
    cr_assert(mkdtemp(folder) != NULL && setenv("FOLDER", folder, 1) == 0, "no folder to work in");
    cr_assert_eq(
        run("mkdir -p $FOLDER/tests/benchmark && case ${BUILD:=build} in /*) ;; *) BUILD=$PWD/$BUILD ;; esac &&"
            "ln -s \"$BUILD/tests/benchmark/bench\" $FOLDER/tests/benchmark/ &&"
            "PYTHON=/no/python sh tests/benchmark/run.sh $FOLDER --quick 2>&1"),
        0, "%s", said);
}

static void remove_folder(void)
{
    if (system("rm -rf \"$FOLDER\"") != 0)
        fprintf(stderr, "%s is left\n", folder);
}

TestSuite(bench, .timeout = 300);

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

/* What the rows of the CSV say that are asked for below. */
static struct {
    double by_hand, by_graph, tape, gpt; /* losses */
    double moons_later, gpt_later;       /* allocations after the second step */
    size_t rows, missing;
    bool has_reason; /* why there is no PyTorch */
} found;

static bool is(char *const *fields, const char *table, const char *row, const char *column)
{
    return strcmp(fields[0], table) == 0 && strcmp(fields[1], row) == 0 &&
           strncmp(fields[2], column, strlen(column)) == 0;
}

static void look_at(char *const *fields)
{
    const double middle = number(fields[3]), low = number(fields[4]), high = number(fields[5]);
    found.rows++;
    found.missing += isnan(middle);
    cr_expect(isnan(middle) ? number(fields[6]) == 0 : low <= middle && middle <= high, "%s, %s: %s is not in order",
              fields[0], fields[1], fields[2]);
    found.has_reason = found.has_reason || is(fields, "machine", "PyTorch", "PYTHON=/no/python: there is no");
    if (is(fields, "moons", "hand-written C", "loss"))
        found.by_hand = middle;
    if (is(fields, "moons", "define-by-run", "loss"))
        found.by_graph = middle;
    if (is(fields, "gpt", "scalar tape in C", "loss"))
        found.tape = middle;
    if (is(fields, "gpt", "define-by-run", "loss"))
        found.gpt = middle;
    if (is(fields, "memory", "two moons, a batch of 64", "all later"))
        found.moons_later = middle;
    if (is(fields, "memory", "GPT, a name of 7 letters", "all later"))
        found.gpt_later = middle;
}

static void read_csv(void)
{
    enum { FIELDS = 7 };
    char path[sizeof folder + 32], line[1024], *fields[FIELDS];
    snprintf(path, sizeof path, "%s/bench/bench.csv", folder);
    FILE *in = fopen(path, "r");
    cr_assert(in != NULL && fgets(line, sizeof line, in) != NULL, "no %s, or nothing in it", path);
    cr_expect_eq(split(line, fields, FIELDS), (size_t)FIELDS, "the header");
    while (fgets(line, sizeof line, in) != NULL) {
        cr_assert_eq(split(line, fields, FIELDS), (size_t)FIELDS, "not %d fields: %s", FIELDS, line);
        look_at(fields);
    }
    fclose(in);
}

Test(bench, a_quick_run_writes_tables_that_hold_together, .init = run_quickly, .fini = remove_folder)
{
    found.moons_later = found.gpt_later = NAN;
    read_csv();
    cr_expect(found.rows > 60 && found.missing > 0, "%zu rows, %zu of them empty", found.rows, found.missing);
    cr_expect(found.has_reason, "it does not say why there is no PyTorch");
    cr_expect(fabs(found.by_hand - found.by_graph) < 1e-12 && found.by_hand > 0, "not the same training: %.17g, %.17g",
              found.by_hand, found.by_graph);
    cr_expect(fabs(found.tape - found.gpt) < 1e-12 && found.tape > 0, "not the same GPT: %.17g, %.17g", found.tape,
              found.gpt);
    cr_expect(found.moons_later == 0 && found.gpt_later == 0, "training allocates: %g, %g", found.moons_later,
              found.gpt_later);
    cr_expect_eq(run("cd $FOLDER/bench && grep -c '^## ' bench.md; grep -c '^| -' bench.md;"
                     "tail -n 1 bench.svg; grep -c -e nan -e inf bench.svg bench.md;"
                     "! command -v xmllint >/dev/null || xmllint --noout bench.svg 2>&1"),
                 0, "%s", said);
    expect_said("5\n5\n</svg>\nbench.svg:0\nbench.md:0\n");
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
    run(PYTHONS "can python3; can python3.11; find");
    expect_said("BIN/python3\nfake by python3\n");
    run(PYTHONS "cannot python3; cannot python3.9; can python3.11; cannot python3.11-config; find");
    expect_said("BIN/python3.11\nfake by python3.11\n");
    run(PYTHONS "cannot python3; find");
    expect_said(
        "no Python here can import fake; Debian: apt-get install python3-fake; elsewhere: pip install torch numpy;"
        " or PYTHON=..., the one that can\n");
}

Test(bench, a_python_that_is_chosen_is_the_only_one_tried)
{
    run(PYTHONS "can python3; PYTHON=\"$bin/other one/python\" find");
    expect_said("BIN/other one/python\nfake by other one/python\n");
    run(PYTHONS "can python3; cannot python3.11; PYTHON=python3.11 find");
    expect_said("PYTHON=python3.11 (BIN/python3.11) cannot import fake; Debian: apt-get install python3-fake; "
                "elsewhere: pip install torch numpy\n");
    run(PYTHONS "can python3; PYTHON=/no/python find");
    expect_said("PYTHON=/no/python: there is no such program\n");
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
    run(COUNTERS "perf 1234; valgrind; count; count sh -c 'exit 0'");
    expect_said("perf\n1234\n");
    run(COUNTERS "perf '<not supported>'; valgrind; count; count sh -c 'exit 0'; count sh -c 'exit 1'");
    expect_said("valgrind\n77\n"); /* nothing of a program that failed */
    run(COUNTERS "count; count sh -c 'exit 0'");
    expect_said("not measured: there is no valgrind here, and no perf that can count them\n");
}
