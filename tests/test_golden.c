/* test_golden.c - the engine against golden graphs: random expressions of all ops whose exact values and gradients are
 * known, and the reader of their format.
 *
 * graphs.adg holds graphs of every class; traps.adg graphs in which a careless reverse walk makes NaN from 0·∞. The
 * tolerances stand in the files, number by number: bounds from an analysis of the rounding errors.
 */
#include <criterion/criterion.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adg.h"

#define GRAPHS "tests/golden/graphs.adg"
#define TRAPS "tests/golden/traps.adg"

enum { GRAPHS_COUNT = 166, TRAPS_COUNT = 15 };

/* Hex floats are read with a point, whatever the language of the machine. */
static void use_c_numbers(void) { setlocale(LC_NUMERIC, "C"); }

TestSuite(golden, .init = use_c_numbers);

/* ---- every graph of a file ------------------------------------------------------------------------------------------
 */

typedef void Check(const AdgGraph *graph, const AdgComputed *computed);

/* Compute all graphs of a file and check each; returns how many there are. */
static size_t check_file(const char *path, Check *check)
{
    AdgReader reader;
    AdgGraph graph = {0};
    AdgComputed computed;
    AdgStatus status;
    Error error;
    size_t count = 0;
    cr_assert(adg_open(&reader, path, &error), "%s (run the tests from the project's top directory)", error.message);
    while ((status = adg_next(&reader, &graph, &error)) == ADG_GRAPH) {
        cr_assert(adg_compute(&graph, &computed, &error), "%s", error.message);
        check(&graph, &computed);
        adg_computed_free(&computed);
        count++;
    }
    cr_assert(status == ADG_END, "%s", error.message);
    adg_graph_free(&graph);
    adg_close(&reader);
    return count;
}

/* Both files. */
static void check_all(Check *check)
{
    const size_t graphs = check_file(GRAPHS, check), traps = check_file(TRAPS, check);
    cr_expect(graphs == GRAPHS_COUNT, GRAPHS " holds %zu graphs, but there should be %d", graphs, GRAPHS_COUNT);
    cr_expect(traps == TRAPS_COUNT, TRAPS " holds %zu graphs, but there should be %d", traps, TRAPS_COUNT);
}

static void expect_within(const AdgGraph *graph, const char *what, size_t leaf, double got, const AdgExpected *expected)
{
    cr_expect(adg_within(got, expected, expected->natural),
              "graph %zu (%s, line %zu): %s %zu: got %a, want %a, off by %g, allowed %g", graph->id, graph->class_name,
              graph->line, what, leaf, got, expected->high, adg_error(got, expected), expected->natural);
}

static void check_value(const AdgGraph *graph, const AdgComputed *computed)
{
    expect_within(graph, "value of root", graph->root, computed->value, &graph->value);
}

static void check_reverse(const AdgGraph *graph, const AdgComputed *computed)
{
    for (size_t i = 0; i < graph->leaf_count; i++)
        expect_within(graph, "gradient of leaf", graph->leaves[i], computed->reverse[i], &graph->grads[i]);
}

static void check_forward(const AdgGraph *graph, const AdgComputed *computed)
{
    for (size_t i = 0; i < graph->leaf_count; i++)
        expect_within(graph, "forward derivative by leaf", graph->leaves[i], computed->forward[i], &graph->grads[i]);
}

static void check_agreement(const AdgGraph *graph, const AdgComputed *computed)
{
    for (size_t i = 0; i < graph->leaf_count; i++)
        cr_expect(adg_modes_agree(computed, i),
                  "graph %zu (%s): by leaf %zu: the reverse walk gives %a, forward mode %a", graph->id,
                  graph->class_name, graph->leaves[i], computed->reverse[i], computed->forward[i]);
}

Test(golden, values_are_exact_within_their_bounds) { check_all(check_value); }
Test(golden, gradients_of_the_reverse_walk_are_exact_within_their_bounds) { check_all(check_reverse); }
Test(golden, derivatives_by_forward_mode_are_exact_within_their_bounds) { check_all(check_forward); }
Test(golden, forward_mode_and_reverse_walk_agree_to_rounding) { check_all(check_agreement); }

/* Class exact uses whole numbers and halves: nothing rounds, so its bounds are all 0 and a tolerance cannot hide a
 * fault. That the bounds are 0 is what this test is for. */
static size_t exact_gradients;
static void check_exact_class(const AdgGraph *graph, const AdgComputed *computed)
{
    if (strcmp(graph->class_name, "exact") != 0)
        return;
    cr_expect(computed->value == graph->value.high, "graph %zu: value: got %a, want %a", graph->id, computed->value,
              graph->value.high);
    for (size_t i = 0; i < graph->leaf_count; i++) {
        cr_expect(computed->reverse[i] == graph->grads[i].high, "graph %zu: gradient of leaf %zu: got %a, want %a",
                  graph->id, graph->leaves[i], computed->reverse[i], graph->grads[i].high);
        exact_gradients += graph->grads[i].high != 0;
    }
}

Test(golden, graphs_in_which_nothing_rounds_are_met_bit_by_bit)
{
    exact_gradients = 0;
    check_file(GRAPHS, check_exact_class);
    cr_expect(exact_gradients > 50, "only %zu gradients of class exact are not 0", exact_gradients);
}

/* The stricter bounds: PyTorch misses hundreds of them in this file, the engine none. */
static size_t strict_misses, strict_misses_of_torch;
static void count_strict(const AdgGraph *graph, const AdgComputed *computed)
{
    for (size_t i = 0; i < graph->leaf_count; i++) {
        const AdgExpected *expected = &graph->grads[i];
        strict_misses += !adg_within(computed->reverse[i], expected, expected->strict);
        strict_misses_of_torch += !adg_within(expected->torch, expected, expected->strict);
    }
}

Test(golden, gradients_stay_accurate_in_saturation)
{
    strict_misses = strict_misses_of_torch = 0;
    check_file(GRAPHS, count_strict);
    cr_expect(strict_misses_of_torch > 100, "PyTorch misses %zu strict bounds, so this file cannot tell",
              strict_misses_of_torch);
    cr_expect(strict_misses == 0, "%zu gradients miss their strict bound (build/tests/check_graphs tells more)",
              strict_misses);
}

/* ---- comparing ------------------------------------------------------------------------------------------------------
 */

Test(golden, a_bound_is_compared_with_the_exact_number_and_not_with_its_rounding)
{
    const AdgExpected third = {.high = 1, .low = 0x1p-54}; /* 1 + a quarter of an ulp */
    cr_expect(adg_within(1, &third, 0x1p-54), "the error of 1 is just 2^-54");
    cr_expect(!adg_within(1, &third, 0x1p-55), "the error of 1 is more than 2^-55");
    cr_expect(!adg_within(1 + 0x1p-52, &third, 0x1p-53), "the error of 1 + 2^-52 is more than 2^-53");
}

Test(golden, nan_and_infinity_are_wanted_or_wrong)
{
    const AdgExpected number = {.high = 1}, nan = {.high = NAN}, infinity = {.high = INFINITY};
    cr_expect(!adg_within(NAN, &number, 1e300) && !adg_within(INFINITY, &number, 1e300) && !adg_within(NAN, &number, 0),
              "neither nan nor inf is near 1");
    cr_expect(adg_within(NAN, &nan, 0) && !adg_within(1, &nan, 1), "nan asks for nan");
    cr_expect(adg_within(INFINITY, &infinity, 1) && !adg_within(-INFINITY, &infinity, 1) &&
                  !adg_within(1, &infinity, 1),
              "inf asks for inf");
}

Test(golden, a_bound_of_zero_asks_for_the_very_double_but_not_for_the_sign_of_zero)
{
    const AdgExpected one = {.high = 1}, zero = {.high = 0};
    cr_expect(adg_within(1, &one, 0) && !adg_within(1 + 0x1p-52, &one, 0), "1 is 1, and nothing else is");
    cr_expect(adg_within(-0.0, &zero, 0) && !adg_within(0x1p-1074, &zero, 0), "-0 is 0, and nothing else is");
}

/* ---- damaged files
 * --------------------------------------------------------------------------------------------------- */

/* A sound graph, line by line; a test replaces one. */
static const char *const sound[] = {
    "graph 7 mixed 4 2 4",
    "leaf 0 0x1p+1",
    "leaf 1 -0x1p-1",
    "op 2 xent 1 2 0 1",
    "op 3 add 2 2 0",
    "root 3",
    "value 0x1.2a4ef32b3463ap+2 0x0p+0 0x1p-40 0x1p-40 0x0p+0",
    "grad 0 0x1.d94a44cc15f56p+0 0x0p+0 0x1p-40 0x1p-40 0x0p+0",
    "grad 1 -0x1.d94a44cc15f56p-1 0x0p+0 0x1p-40 0x1p-40 0x0p+0",
    "end",
};
enum { SOUND_LINES = sizeof sound / sizeof sound[0] };

/* A file of each test's own: tests run side by side. */
static void path_of_this_test(char *path, size_t size)
{
    snprintf(path, size, "build/%s.adg", criterion_current_test->name);
}

/* Write the first `lines` lines of the sound graph to `path`, with `text` in place of line `replaced` (from 1). */
static void write_graph(const char *path, size_t replaced, const char *text, size_t lines)
{
    FILE *file = fopen(path, "w");
    cr_assert(file != NULL, "%s cannot be written", path);
    for (size_t i = 0; i < lines; i++)
        fprintf(file, "%s\n", i + 1 == replaced ? text : sound[i]);
    cr_assert(fclose(file) == 0, "%s cannot be written", path);
}

/* What reading that file comes to. */
static AdgStatus read_all(const char *path, Error *error)
{
    AdgReader reader;
    AdgGraph graph = {0};
    AdgStatus status = adg_open(&reader, path, error) ? ADG_GRAPH : ADG_ERROR;
    while (status == ADG_GRAPH)
        status = adg_next(&reader, &graph, error);
    adg_graph_free(&graph);
    adg_close(&reader);
    return status;
}

static void expect_refused(size_t replaced, const char *text, size_t lines, size_t told_line, const char *told)
{
    char path[128], place[192];
    Error error = {""};
    path_of_this_test(path, sizeof path);
    write_graph(path, replaced, text, lines);
    const AdgStatus status = read_all(path, &error);
    remove(path);
    cr_expect(status == ADG_ERROR, "line %zu, '%.60s', should be refused", replaced, text);
    snprintf(place, sizeof place, "%s:%zu: ", path, told_line);
    cr_expect(strncmp(error.message, place, strlen(place)) == 0 && strstr(error.message, told) != NULL,
              "line %zu, '%.60s': the message should be '%s...%s...', but is: %s", replaced, text, place, told,
              error.message);
}

Test(golden, the_sound_graph_of_these_tests_is_read)
{
    char path[128];
    Error error = {""};
    path_of_this_test(path, sizeof path);
    write_graph(path, 0, "", SOUND_LINES);
    cr_expect(read_all(path, &error) == ADG_END, "%s", error.message);
    remove(path);
}

Test(golden, a_damaged_line_is_refused_with_its_number)
{
    static const struct {
        size_t line;
        const char *text, *told;
    } damages[] = {
        {1, "grahp 7 mixed 4 2 4", "starts with 'graph'"},
        {1, "graph 7 averyveryverylongclass 4 2 4", "too long"},
        {1, "graph 7 mixed 99999999999999999999 2 4", "at most"},
        {1, "graph 7 mixed 4 5 4", "at most 4"},
        {1, "graph 7 mixed 4 2", "live nodes"},
        {2, "leaf 0 2.0", "no hex float"},
        {2, "leaf 0 0x1p", "no hex float"},
        {2, "leaf 0 0x", "no hex float"},
        {2, "leaf 0 0x1p+9999", "too large"},
        {2, "leaf 0 nan", "class trap"},
        {2, "leaf 0 0x1p+1 0x1p+1", "more than belongs"},
        {3, "leaf 0 -0x1p-1", "the next is 1"},
        {3, "leaf -1 -0x1p-1", "no whole number"},
        {4, "op 2 xnet 1 2 0 1", "no op 'xnet'"},
        {4, "op 2 xent 2 2 0 1", "class index is 2"},
        {4, "op 2 xent 1 0", "cannot have 0"},
        {4, "op 2 xent 1 1000000 0 1", "an argument's id"},
        {4, "op 2 xent 1 99999999999 0 1", "at most"},
        {4, "op 2 dot 3 0 1 0", "cannot have 3"},
        {4, "op 2 tanh 2 0 1", "cannot have 2"},
        {4, "op 2 add 2 0 2", "at most 1"},
        {4, "oops 2", "not one of leaf"},
        {6, "root 4", "at most 3"},
        {7, "value 0x1p+0", "LO"},
        {7, "value 0x1p+0 0x0p+0 -0x1p-40 0x1p-40 0x0p+0", "0 or more"},
        {8, "grad 1 0x1p+0 0x0p+0 0x1p-40 0x1p-40 0x0p+0", "that of leaf 0 is next"},
        {9, "end", "'grad' should stand"},
        {10, "more", "'end' should stand"},
    };
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++)
        expect_refused(damages[i].line, damages[i].text, SOUND_LINES, damages[i].line, damages[i].told);
}

Test(golden, wrong_counts_in_the_header_are_told_at_the_root)
{
    expect_refused(1, "graph 7 mixed 5 2 4", SOUND_LINES, 6, "promised 5 nodes");
    expect_refused(1, "graph 7 mixed 4 1 4", SOUND_LINES, 6, "promised 4 nodes and 1 leaves");
}

Test(golden, a_file_cut_off_anywhere_is_refused)
{
    for (size_t lines = 1; lines < SOUND_LINES; lines++)
        expect_refused(0, "", lines, lines, "the file ends here");
    expect_refused(0, "", 0, 0, "no graph");
}

Test(golden, a_missing_file_and_a_directory_are_refused)
{
    Error error = {""};
    cr_expect(read_all("build/no_such_file.adg", &error) == ADG_ERROR, "a missing file has no graphs");
    cr_expect(strstr(error.message, "build/no_such_file.adg") != NULL, "the message names the file: %s", error.message);
    cr_expect(read_all("build", &error) == ADG_ERROR, "a directory has no graphs");
}
