/* test_dot.c - diagrams: golden files, safe labels, options, errors, and the judgement of the real dot.
 *
 * The golden files stand in tests/golden/dot/. After a change that is meant, write them again and read the difference:
 *
 *     STEPGRAD_WRITE_GOLDEN=1 build/tests/run --filter "dot/every*" && git diff tests
 */
#define _DEFAULT_SOURCE /* mkdtemp, popen, open_memstream beside C11 */
#define _DARWIN_C_SOURCE
#include <criterion/criterion.h>

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "graph/dot.h"
#include "graph/tree.h"
#include "long.h"
#include "memory.h"
#include "no_memory.h"
#include "stepgrad.h"
#include "utf8.h"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wclobbered" /* at -O0 it is wary of the places that the statements themselves pass */
#endif

static Graph *graph;
static Error error;
static char folder[256];

static void setup(void)
{
    const char *parent = getenv("TMPDIR");
    graph = graph_new();
    snprintf(folder, sizeof folder, "%s/stepgrad dot XXXXXX", parent != NULL ? parent : "/tmp"); /* spaces on purpose */
    cr_assert(mkdtemp(folder) != NULL, "no folder %s", folder);
}

/* The path of a file in the test's folder, good until the fourth next call. */
static const char *path_of(const char *name)
{
    static char paths[4][512];
    static int next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

/* One of many diagrams, for draw_each. */
static const char *path_of_graph(size_t i)
{
    char name[32];
    snprintf(name, sizeof name, "g%03zu.dot", i);
    return path_of(name);
}

static size_t numbered; /* files g000.dot and on */

static void write_graph(const char *text)
{
    FILE *out = fopen(path_of_graph(numbered++), "w");
    cr_assert(out != NULL && fputs(text, out) >= 0 && fclose(out) == 0, "cannot write %s", path_of_graph(numbered - 1));
}

static void teardown(void)
{
    static const char *const names[] = {"a.dot", "b.dot", "out.svg", "said", "drawn", "dot"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        remove(path_of(names[i]));
    for (size_t i = 0; i < numbered; i++)
        remove(path_of_graph(i));
    cr_expect(rmdir(folder) == 0, "a file that nobody asked for was left in %s", folder);
    graph_free(graph);
}

TestSuite(dot, .init = setup, .fini = teardown, .timeout = 1800);

/* The text of a stream from its beginning; the caller frees it. NULL when there is no such file. */
static char *read_all(FILE *in)
{
    if (in == NULL)
        return NULL;
    size_t size = 0, room = 1 << 16;
    char *text = malloc(room);
    for (size_t got; (got = fread(text + size, 1, room - size - 1, in)) > 0; text = realloc(text, room))
        if ((size += got) > room / 2)
            room *= 2;
    text[size] = '\0';
    return text;
}

static char *read_path(const char *path)
{
    FILE *in = fopen(path, "rb");
    char *text = read_all(in);
    if (in != NULL)
        fclose(in);
    return text;
}

static bool exists(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0;
}

static size_t count_text(const char *text, const char *part)
{
    size_t count = 0;
    while ((text = strstr(text, part)) != NULL) {
        count++;
        text += strlen(part);
    }
    return count;
}

static bool has_dot(void)
{
    if (system("dot -V >/dev/null 2>&1") == 0)
        return true;
    cr_log_warn("SKIPPED: the program dot is not installed, so nothing was drawn (apt-get install graphviz)");
    return false;
}

/* The output of a command in the folder, which must say nothing and exit with 0. The caller frees it. */
static char *run(const char *command)
{
    char line[1024];
    snprintf(line, sizeof line, "cd '%s' && { %s; } >drawn 2>said", folder, command);
    const int status = system(line);
    char *said = read_path(path_of("said"));
    cr_expect(status == 0 && said[0] == '\0', "%s: status %d, it says: %.2000s", command, status, said);
    free(said);
    return read_path(path_of("drawn"));
}

/* What `dot -Tformat` makes of a.dot. The caller frees it. */
static char *draw(const char *format)
{
    char command[64];
    snprintf(command, sizeof command, "dot -T%s a.dot", format);
    return run(command);
}

/* All numbered diagrams in dot's plain format: lines "edge FROM TO ...", and "stop" after each graph. One run of dot
 * draws them all; but dot 2.43 frees a few layouts twice and dies when another graph follows, so that failing this each
 * is drawn by a run of its own, as a user does it. The caller frees it. */
static char *draw_each(void)
{
    return run("dot -Tplain g*.dot >all 2>&1 || for f in g*.dot; do dot -Tplain $f || exit 1; done >all; "
               "cat all; rm all");
}

/* The diagram as text; the caller frees it. */
static char *print(Value *root, DotOptions options)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    cr_assert(dot_print(root, out, &options, &error), "dot_print: %s", error.message);
    fclose(out);
    return text;
}

/* Does the diagram contain this text? */
static void expect_in(const char *text, const char *part)
{
    cr_expect(strstr(text, part) != NULL, "there is no\n%s\nin\n%s", part, text);
}

static void expect_not_in(const char *text, const char *part)
{
    cr_expect(strstr(text, part) == NULL, "there should be no\n%s\nin\n%s", part, text);
}

/* ---- letters from right to left ---- */

Test(dot, a_name_from_right_to_left_does_not_turn_the_number_beside_it_around)
{
    Value *x = v_label(v_param(graph, 2), "שלום"), *w = v_label(v_param(graph, -3), "w");
    Value *L = v_mul(x, w);
    backward(L);
    char *text = print(L, (DotOptions){0});
    expect_in(text, "∂=" UTF8_LEFT_TO_RIGHT "שלום" UTF8_LEFT_TO_RIGHT "=2");
    expect_in(text, "∂=w=-3");
    free(text);
    v_label(w, "أبجدية طويلة");
    Value *y = v_pow(w, v_label(v_param(graph, 5), "שםשםשםשםשםשם"));
    text = print(y, (DotOptions){0}); /* the formula is cut before the second mark */
    expect_in(text, UTF8_ELLIPSIS UTF8_LEFT_TO_RIGHT "=405");
    free(text);
}

/* ---- golden files ------------------------------------------------------------------------------------------------ */

static Value *param(const char *label, double data) { return v_label(v_param(graph, data), label); }

static Value *input(const char *label, double data) { return v_label(v_input(graph, data), label); }

static Value *build_unary(DotOptions *options)
{
    (void)options;
    return v_label(v_tanh(param("x", 0.5)), "y");
}

static Value *build_binary(DotOptions *options)
{
    (void)options;
    Value *p = param("p", 3), *q = param("q", -2);
    return v_label(v_div(p, q), "y");
}

static Value *build_list(DotOptions *options)
{
    (void)options;
    Value *z[] = {param("z1", 1), param("z2", 2), param("z3", 3)};
    return v_label(v_logsumexp(z, 3), "y");
}

static Value *build_pairs(DotOptions *options)
{
    (void)options;
    Value *w[] = {param("w1", 0.5), param("w2", -1)};
    Value *x[] = {input("x1", 2), input("x2", 4)};
    return v_label(v_dot(w, x, 2), "y");
}

static Value *build_fan_out(DotOptions *options)
{
    (void)options;
    Value *a = param("a", 3);
    Value *b = v_label(v_add(a, a), "b");
    return v_label(v_add(b, v_mul(b, a)), "L");
}

static Value *build_x_times_x(DotOptions *options)
{
    (void)options;
    Value *x = param("x", 3);
    return v_label(v_mul(x, x), "y");
}

static Value *build_dot_with_bias(DotOptions *options)
{
    options->direction = DOT_TOP_TO_BOTTOM;
    Value *w[4], *x[4];
    for (int i = 0; i < 4; i++) {
        char label[16];
        snprintf(label, sizeof label, "w%d", i + 1);
        w[i] = param(label, i - 1.5);
        snprintf(label, sizeof label, "x%d", i + 1);
        x[i] = input(label, i + 1);
    }
    return v_label(v_dot_bias(w, x, 4, param("c", 0.25)), "y");
}

/* −log softmax(z)₁ the long way: e^z₁/(e^z₁ + e^z₂). */
static Value *build_log_softmax(DotOptions *options)
{
    (void)options;
    Value *e1 = v_label(v_exp(param("z1", 1)), "e1"), *e2 = v_label(v_exp(param("z2", 0.5)), "e2");
    Value *p = v_label(v_div(e1, v_label(v_add(e1, e2), "total")), "p1");
    return v_label(v_neg(v_log(p)), "loss");
}

static Value *build_neuron(DotOptions *options)
{
    static DotGroup group;
    Value *x1 = input("x1", 2), *x2 = input("x2", 0);
    const size_t first = graph_node_count(graph);
    Value *w1 = param("w1", -3), *w2 = param("w2", 1), *b = param("b", 6.8813735870195432);
    Value *x1w1 = v_mul(x1, w1), *x2w2 = v_mul(x2, w2); /* one by one: C leaves the order of arguments open */
    Value *n = v_label(v_add(v_add(x1w1, x2w2), b), "n");
    Value *o = v_label(v_tanh(n), "o");
    group = (DotGroup){.name = "neuron", .first = first, .end = graph_node_count(graph)};
    options->groups = &group;
    options->group_count = 1;
    return o;
}

enum { LAYER = 0, NEURON_1, NEURON_2, GROUPS };

/* Two neurons of a layer, each a group by its members inside the layer's group, and a loss. */
static Value *build_layer(DotOptions *options)
{
    static DotGroup groups[GROUPS];
    static Value *members[2][5];
    memset(groups, 0, sizeof groups);
    Value *x[] = {input("x1", 1), input("x2", -2)};
    Value *h[2];
    groups[LAYER] = (DotGroup){.name = "layer"};
    for (int i = 0; i < 2; i++) {
        Value *w[] = {v_param(graph, 0.5 - i), v_param(graph, 0.25)};
        Value *b = v_param(graph, 0.125);
        Value *z = v_dot_bias(w, x, 2, b);
        h[i] = v_relu(z);
        v_label(h[i], i == 0 ? "h1" : "h2");
        memcpy(members[i], (Value *[]){w[0], w[1], b, z, h[i]}, sizeof members[i]);
        groups[NEURON_1 + i] = (DotGroup){.name = i == 0 ? "neuron 1" : "neuron 2",
                                          .members = members[i],
                                          .member_count = 5,
                                          .inside = &groups[LAYER]};
    }
    options->groups = groups;
    options->group_count = GROUPS;
    Value *product = v_mul(h[0], h[1]), *square = v_pow(h[1], 2);
    return v_label(v_add(product, square), "loss");
}

static Value *build_neuron_collapsed(DotOptions *options)
{
    Value *loss = build_layer(options);
    ((DotGroup *)options->groups)[NEURON_1].collapsed = true;
    return loss;
}

static Value *build_layer_collapsed(DotOptions *options)
{
    Value *loss = build_layer(options);
    ((DotGroup *)options->groups)[LAYER].collapsed = true;
    return loss;
}

static const char *const hostile_labels[] = {
    "\" \\ < > & { } |",
    "\\N \\G \\n \\l \\\\",
    "-->",
    "]]>",
    "&amp; &#65; &lt;b&gt;",
    "<b>x</b>",
    "δ∂😀",
    "\xFF\xC0\x80 \x01\x7F",
    "\\",
    " ",
    "a\nb\r\nc\td",
    "'; digraph {",
    "%s%n%d",
    "node",
};
enum { HOSTILE_LABELS = sizeof hostile_labels / sizeof *hostile_labels };

static Value *build_hostile_labels(DotOptions *options)
{
    static DotGroup group;
    static char name[20001];
    memset(name, 'm', 20000);
    memcpy(name, "\"<&\\N>|{", 8);
    Value *sum = param(name, 1);
    group = (DotGroup){.name = name, .first = 0, .end = 3};
    options->groups = &group;
    options->group_count = 1;
    for (int i = 0; i < HOSTILE_LABELS; i++)
        sum = v_label(v_mul(sum, i % 2 == 0 ? param(hostile_labels[i], 1) : v_tanh(param(hostile_labels[i], 1))),
                      hostile_labels[HOSTILE_LABELS - 1 - i]);
    return sum;
}

static Value *build_hidden_constants(DotOptions *options)
{
    options->hide_constants = true;
    Value *x = param("x", 3);
    Value *half = v_label(v_const(graph, 0.5), "half");
    Value *square = v_mul(v_pow(x, 2.0), half), *line = v_mul(x, -4.0);
    return v_label(v_sub(square, line), "y");
}

/* A chain with a branch at each step, cut two steps from the root. */
static Value *build_depth_limit(DotOptions *options)
{
    options->max_depth = 2;
    Value *x = param("x", 1);
    Value *v = x;
    for (int i = 0; i < 5; i++)
        v = v_add(v_mul(v, v), x);
    return v;
}

static Value *build_through(DotOptions *options)
{
    Value *a = param("a", 2), *b = param("b", -3);
    Value *e = v_label(v_mul(a, b), "e");
    options->through = e;
    Value *sum = v_add(e, param("c", 10)), *negative = v_neg(a);
    return v_label(v_mul(sum, negative), "L");
}

static Value *build_values_only(DotOptions *options)
{
    *options = (DotOptions){.values_only = true, .legend = true, .digits = 2, .theme = DOT_PRINT};
    Value *a = param("a", 2.0 / 3), *x = input("x", 5);
    return v_label(v_sub(a, x), "L");
}

static Value *build_dark_legend(DotOptions *options)
{
    *options = (DotOptions){.legend = true, .theme = DOT_DARK, .direction = DOT_TOP_TO_BOTTOM};
    Value *a = param("a", 2), *x = input("x", 5);
    return v_label(v_max(v_sub(a, x), 1.0), "L");
}

static Value *build_print_theme(DotOptions *options)
{
    options->theme = DOT_PRINT;
    return build_fan_out(options);
}

static Value *build_not_a_number(DotOptions *options)
{
    (void)options;
    Value *a = param("a", 1), *b = param("b", 2);
    return v_label(v_log(v_sub(a, b)), "L");
}

typedef struct Golden {
    const char *name;
    Value *(*build)(DotOptions *options);
    size_t edges; /* counted by hand */
} Golden;

static const Golden goldens[] = {
    {"unary", build_unary, 1},
    {"binary", build_binary, 2},
    {"list", build_list, 3},
    {"pairs", build_pairs, 4},
    {"fan_out", build_fan_out, 6},
    {"x_times_x", build_x_times_x, 2},
    {"dot_with_bias", build_dot_with_bias, 9},
    {"log_softmax", build_log_softmax, 8},
    {"neuron", build_neuron, 9},
    {"layer", build_layer, 18},                       /* 5 + 1 into each neuron's nodes, 2 + 2 + 2 behind them */
    {"neuron_collapsed", build_neuron_collapsed, 14}, /* 2 into the box, 1 out of it, 6 in neuron 2, 5 behind */
    {"layer_collapsed", build_layer_collapsed, 7},    /* 2 from the inputs, 2 from the layer, 2, 1 const */
    {"hostile_labels", build_hostile_labels, 35},     /* 14 products, 7 tanh */
    {"hidden_constants", build_hidden_constants, 5},  /* 10 without hiding */
    {"depth_limit", build_depth_limit, 6}, /* 2 into the root, 2 into the product, x and a stub into the sum */
    {"through", build_through, 5},         /* e to the sum to L, and a stub for each of the three */
    {"values_only", build_values_only, 2},
    {"dark_legend", build_dark_legend, 4},
    {"print_theme", build_print_theme, 6},
    {"not_a_number", build_not_a_number, 3},
};
enum { GOLDENS = sizeof goldens / sizeof *goldens };

/* The diagram of a golden graph after a backward pass, in a graph of its own; the caller frees it. */
static char *print_golden(const Golden *golden)
{
    DotOptions options = {0};
    graph_free(graph);
    graph = graph_new();
    Value *root = golden->build(&options);
    backward(root);
    return print(root, options);
}

Test(dot, every_golden_diagram_is_the_same_to_the_byte)
{
    for (size_t i = 0; i < GOLDENS; i++) {
        char path[128];
        snprintf(path, sizeof path, "tests/golden/dot/%s.dot", goldens[i].name);
        char *got = print_golden(&goldens[i]);
        if (getenv("STEPGRAD_WRITE_GOLDEN") != NULL) {
            FILE *out = fopen(path, "w");
            cr_assert(out != NULL && fputs(got, out) >= 0 && fclose(out) == 0, "cannot write %s", path);
        }
        char *want = read_path(path);
        cr_assert(want != NULL, "there is no %s; run from the top folder", path);
        size_t same = 0;
        while (got[same] != '\0' && got[same] == want[same])
            same++;
        cr_expect(strcmp(got, want) == 0, "%s differs at byte %zu: got '%.60s', want '%.60s'", path, same, got + same,
                  want + same);
        free(want);
        free(got);
    }
}

/* Put the diagrams that `write` prints into one file, a.dot. */
static void write_golden_file(void)
{
    FILE *out = fopen(path_of("a.dot"), "w");
    for (size_t i = 0; i < GOLDENS; i++) {
        char *text = print_golden(&goldens[i]);
        fputs(text, out);
        free(text);
    }
    fclose(out);
}

Test(dot, the_golden_diagrams_have_the_edges_of_their_graphs_for_dot_too)
{
    if (!has_dot())
        return;
    write_golden_file();
    char *plain = draw("plain");
    char *canonical = draw("canon");
    char *rest = plain;
    for (size_t i = 0; i < GOLDENS; i++) {
        char *stop = strstr(rest, "\nstop\n");
        cr_assert(stop != NULL, "dot drew %zu of %d graphs", i, GOLDENS);
        *stop = '\0';
        cr_expect(count_text(rest, "\nedge ") == goldens[i].edges, "%s: dot drew %zu edges, want %zu", goldens[i].name,
                  count_text(rest, "\nedge "), goldens[i].edges);
        rest = stop + strlen("\nstop");
    }
    size_t all = 0;
    for (size_t i = 0; i < GOLDENS; i++)
        all += goldens[i].edges;
    cr_expect(count_text(canonical, " -> ") == all, "canonical form: %zu edges, want %zu",
              count_text(canonical, " -> "), all);
    free(plain);
    free(canonical);
}

Test(dot, what_dot_reads_from_a_golden_file_is_what_it_reads_from_ours)
{
    if (!has_dot())
        return;
    write_golden_file();
    char *ours = draw("canon");
    FILE *out = fopen(path_of("a.dot"), "w");
    for (size_t i = 0; i < GOLDENS; i++) {
        char path[128];
        snprintf(path, sizeof path, "tests/golden/dot/%s.dot", goldens[i].name);
        char *text = read_path(path);
        cr_assert(text != NULL, "there is no %s; run from the top folder", path);
        fputs(text, out);
        free(text);
    }
    fclose(out);
    char *golden = draw("canon");
    cr_expect(strcmp(ours, golden) == 0 && strlen(golden) > 1000, "the canonical forms differ");
    free(ours);
    free(golden);
}

/* ---- random graphs ----------------------------------------------------------------------------------------------- */

static Random dice;

/* A number from 0 to before n. */
static unsigned roll(size_t n) { return (unsigned)random_below(&dice, n); }

static Value *random_node(Value **made, size_t count)
{
    Value *pick[8];
    for (int i = 0; i < 8; i++)
        pick[i] = made[roll(count)];
    const OpCode op = OP_CONST + 1 + roll(OP_COUNT - OP_CONST - 1);
    const size_t n = 1 + roll(4);
    switch (op_table[op].shape) {
    case SHAPE_UNARY: return value_unary(op, pick[0], HERE);
    case SHAPE_BINARY: return value_binary(op, pick[0], pick[1], HERE);
    case SHAPE_LIST: return value_list(op, pick, n + roll(4), HERE);
    case SHAPE_PAIRS: return value_pairs(op, pick, pick + 4, n, roll(2) == 0 ? pick[0] : NULL, HERE);
    case SHAPE_LEAF: break;
    }
    return v_const(graph, 1);
}

static Value *random_root(void)
{
    Value *made[16] = {v_param(graph, 0.5)};
    const size_t count = 3 + roll(13);
    for (size_t i = 1; i < count; i++) {
        const double data = (roll(2000) - 1000.0) / 300;
        switch (roll(8)) {
        case 0: made[i] = v_param(graph, data); break;
        case 1: made[i] = v_input(graph, data); break;
        case 2: made[i] = v_const(graph, data); break;
        default: made[i] = random_node(made, i);
        }
        if (roll(2) == 0)
            v_label(made[i], hostile_labels[roll(HOSTILE_LABELS)]);
    }
    return v_add(made[count - 1], made[0]);
}

/* Operands in root's cone, with or without those constants that stand in the text of all their children. */
static size_t count_operands(Value *root, bool hide_constants)
{
    size_t count, edges = 0;
    Value **order = graph_topological_order(root, &count);
    for (size_t i = 0; i < count; i++) {
        for (size_t p = 0; p < value_parent_count(order[i]); p++) {
            const Value *parent = value_parent(order[i], p);
            bool hidden = hide_constants && parent->op == OP_CONST;
            for (size_t j = 0; j < count && hidden; j++)
                for (size_t k = 0; k < value_parent_count(order[j]); k++)
                    if (value_parent(order[j], k) == parent && !text_shows_all_operands(order[j]))
                        hidden = false;
            edges += !hidden;
        }
    }
    memory_free(order);
    return edges;
}

/* Print graph number i with options by chance; returns how many edges it must have. */
static size_t print_random_graph(size_t i)
{
    Value *root = random_root();
    if (roll(4) > 0)
        backward(root);
    const unsigned nodes = (unsigned)graph_node_count(graph);
    DotGroup groups[2] = {{.name = hostile_labels[roll(HOSTILE_LABELS)], .end = roll(nodes)}};
    groups[1] = (DotGroup){.name = "", .first = 1 + roll(3), .end = nodes / 2, .inside = groups};
    const DotOptions options = {.direction = roll(2),
                                .theme = roll(3),
                                .values_only = roll(4) == 0,
                                .hide_constants = roll(2) == 0,
                                .legend = roll(4) == 0,
                                .digits = (int)roll(18),
                                .groups = groups,
                                .group_count = roll(3)};
    const size_t want = count_operands(root, options.hide_constants);
    char *text = print(root, options);
    write_graph(text);
    cr_expect(count_text(text, " -> ") == want, "graph %zu: %zu edges, want %zu:\n%s", i, count_text(text, " -> "),
              want, text);
    free(text);
    return want;
}

static void expect_drawn_edges(const size_t *want, size_t graphs)
{
    char *plain = draw_each();
    char *rest = plain;
    for (size_t i = 0; i < graphs; i++) {
        char *stop = strstr(rest, "\nstop\n");
        cr_assert(stop != NULL, "dot drew %zu of %zu graphs", i, graphs);
        *stop = '\0';
        cr_expect(count_text(rest, "\nedge ") == want[i], "graph %zu: dot drew %zu edges, want %zu", i,
                  count_text(rest, "\nedge "), want[i]);
        rest = stop + strlen("\nstop");
    }
    free(plain);
}

Test(dot, five_hundred_random_graphs_are_drawn_with_all_their_edges)
{
    enum { GRAPHS = 500 };
    static size_t want[GRAPHS];
    random_seed(&dice, 1);
    for (size_t i = 0; i < GRAPHS; i++) {
        graph_free(graph);
        graph = graph_new();
        want[i] = print_random_graph(i);
    }
    if (has_dot())
        expect_drawn_edges(want, GRAPHS);
}

Test(dot, random_graphs_cut_and_collapsed_are_drawn_as_well)
{
    enum { GRAPHS = 100 };
    random_seed(&dice, 1);
    size_t arrows = 0;
    for (size_t i = 0; i < GRAPHS; i++) {
        graph_free(graph);
        graph = graph_new();
        Value *root = random_root();
        backward(root);
        const unsigned nodes = (unsigned)graph_node_count(graph);
        DotGroup groups[2] = {{.name = "outer", .end = nodes / 2 + 1, .collapsed = roll(2) == 0}};
        groups[1] = (DotGroup){.name = "inner", .end = 3, .inside = groups, .collapsed = roll(2) == 0};
        char *text = print(root, (DotOptions){.max_depth = roll(4),
                                              .groups = groups,
                                              .group_count = 2,
                                              .through = roll(2) == 0 ? NULL : value_parent(root, 0)});
        size_t said_nodes, said_edges;
        cr_assert(sscanf(text, "// %zu nodes, %zu edges", &said_nodes, &said_edges) == 2, "no counts in:\n%s", text);
        cr_expect(count_text(text, " -> ") == said_edges && count_text(text, ", shape=") == said_nodes,
                  "graph %zu: the head says %zu nodes and %zu edges:\n%s", i, said_nodes, said_edges, text);
        arrows += said_edges;
        write_graph(text);
        free(text);
    }
    if (!has_dot())
        return;
    char *plain = draw_each();
    cr_expect(count_text(plain, "\nedge ") == arrows, "dot drew %zu edges, want %zu", count_text(plain, "\nedge "),
              arrows);
    free(plain);
}

/* ---- labels ------------------------------------------------------------------------------------------------------ */

Test(dot, a_label_of_any_text_is_drawn_as_it_is)
{
    if (!has_dot())
        return;
    Value *v = param("\\N \\G \\\\ \" < > & { } | &amp; \\", 1);
    cr_assert(dot_write(v_mul(v, v), path_of("a.dot"), NULL, &error), "%s", error.message);
    char *svg = draw("svg");
    char *text = strstr(svg, "font-weight=\"bold\"");
    cr_assert(text != NULL, "no bold text in %s", svg);
    char drawn[512] = "";
    sscanf(text, "%*[^>]>%511[^\n]", drawn);
    cr_expect(strncmp(drawn, "\\N \\G \\\\ &quot; &lt; &gt; &amp; { } | &amp;amp; \\</text>", 57) == 0, "got %s",
              drawn);
    expect_in(svg, "xlink:title=\"⧵N ⧵G ⧵⧵ &quot; &lt; &gt; &amp; { } | &amp;amp; ⧵: param");
    free(svg);
}

Test(dot, a_label_of_20000_characters_is_cut_with_an_ellipsis)
{
    char label[20001];
    memset(label, 'x', 20000);
    label[20000] = '\0';
    char *text = print(param(label, 1), (DotOptions){0});
    char want[TEXT_NAME_LONG + 16];
    snprintf(want, sizeof want, "<b>%.*s…</b>", TEXT_NAME_LONG, label);
    expect_in(text, want);
    cr_expect(strlen(text) < 3000, "%zu bytes for one node", strlen(text));
    free(text);
}

/* ---- options ----------------------------------------------------------------------------------------------------- */

Test(dot, an_edge_shows_formula_number_and_contribution_and_its_tooltip_the_whole_product)
{
    Value *a = param("a", 2), *b = param("b", -3);
    Value *L = v_label(v_mul(a, b), "L");
    char *before = print(L, (DotOptions){0});
    expect_in(before, "∂=b=-3</td>");
    expect_not_in(before, "+=</b>");
    expect_not_in(before, ">grad");
    backward(L);
    char *after = print(L, (DotOptions){0});
    expect_in(after, "∂=b=-3<br/><font color=\"#d55e00\"><b>+= -3</b></font>");
    expect_in(after, "∂=a=2<br/><font color=\"#0072b2\"><b>+= 2</b></font>");
    expect_in(after, "a.grad += ∂L/∂a · L.grad = b · L.grad = -3 · 1 = -3");
    expect_in(after, "penwidth=4"); /* the largest contribution */
    char *values = print(L, (DotOptions){.values_only = true});
    expect_not_in(values, "∂");
    expect_not_in(values, ">grad");
    free(before);
    free(after);
    free(values);
}

Test(dot, node_ids_are_node_numbers_and_the_same_on_every_run)
{
    v_param(graph, 0); /* not in the cone */
    Value *x = v_param(graph, 1);
    char *once = print(v_exp(x), (DotOptions){0});
    char *again = print(x + 1, (DotOptions){0}); /* exp(x), created next */
    expect_in(once, "  n1 [id=\"n1\"");
    expect_in(once, "  n1 -> n2 [id=\"e2_0\"");
    expect_not_in(once, "n0 ");
    cr_expect(strcmp(once, again) == 0, "two diagrams of one graph differ");
    free(once);
    free(again);
}

Test(dot, a_node_of_several_groups_belongs_to_the_last)
{
    Value *x = param("x", 1);
    Value *y = v_exp(x);
    DotGroup groups[] = {{.name = "A", .members = (Value *[]){x, y}, .member_count = 2},
                         {.name = "B", .members = &x, .member_count = 1}};
    char *text = print(y, (DotOptions){.groups = groups, .group_count = 2});
    const char *a = strstr(text, "<b>A</b>"), *b = strstr(text, "<b>B</b>");
    cr_assert(a != NULL && b != NULL, "a frame is missing:\n%s", text);
    cr_expect(strstr(a, "  n1 [") < b && strstr(b, "  n0 [") != NULL, "x is not in B, or y not in A:\n%s", text);
    free(text);
}

Test(dot, a_constant_that_a_long_list_does_not_show_is_not_hidden)
{
    Value *list[] = {v_param(graph, 1), v_param(graph, 2), v_param(graph, 3), v_param(graph, 4), v_const(graph, 77)};
    char *text = print(v_sum(list, 5), (DotOptions){.hide_constants = true});
    expect_in(text, "label=<77>");
    free(text);
    text = print(v_mul(list[0], list[4]), (DotOptions){.hide_constants = true});
    expect_in(text, "v0 * 77");
    expect_not_in(text, "n4 [");
    free(text);
}

/* ---- what can go wrong ------------------------------------------------------------------------------------------- */

static Value *long_chain(int nodes)
{
    Value *v = v_param(graph, 0.5);
    for (int i = 1; i < nodes; i++)
        v = v_neg(v);
    return v;
}

/* Whether the sum of so many leaves, or of their negatives, is made longer than its text. */
static bool is_long_sum(int leaves, bool of_negatives, DotDirection direction, const char *length)
{
    Value *terms[30];
    for (int i = 0; i < leaves; i++) {
        terms[i] = v_param(graph, i);
        terms[i] = of_negatives ? v_neg(terms[i]) : terms[i];
    }
    char *text = print(v_sum(terms, (size_t)leaves), (DotOptions){.direction = direction});
    const bool is_there = strstr(text, length) != NULL;
    free(text);
    return is_there;
}

Test(dot, a_node_of_many_leaves_is_as_long_as_their_column_so_that_arrows_arrive_apart)
{
    cr_expect(is_long_sum(30, false, DOT_LEFT_TO_RIGHT, ", height=36, label"), "30 leaves: the height is not theirs");
    cr_expect(is_long_sum(30, false, DOT_TOP_TO_BOTTOM, ", width=51, label"), "30 leaves: the width is not theirs");
    cr_expect_not(is_long_sum(20, false, DOT_LEFT_TO_RIGHT, ", height=24, label"), "20 leaves need no room");
    cr_expect_not(is_long_sum(30, true, DOT_LEFT_TO_RIGHT, ", height=36, label"), "these may stand elsewhere");
}

Test(dot, too_large_a_diagram_is_refused_with_its_size_and_the_remedies)
{
    Value *v = v_label(long_chain(DOT_MAX_NODES + 1), "L");
    cr_expect(!dot_write(v, path_of("a.dot"), NULL, &error) && !exists(path_of("a.dot")), "it was written");
    const char *const parts[] = {"L", "1501 nodes", "1500 edges", "300 s", "max_depth", "collapse", "max_nodes = 1501"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        expect_in(error.message, parts[i]);
    cr_expect(dot_write(v, path_of("a.dot"), &(DotOptions){.max_nodes = 1501}, &error), "%s", error.message);
    cr_expect(dot_write(v, path_of("a.dot"), &(DotOptions){.max_depth = 10}, &error), "%s", error.message);
    DotGroup group = {.name = "all", .end = 1490, .collapsed = true};
    DotOptions collapsed = {.groups = &group, .group_count = 1};
    cr_expect(dot_write(v, path_of("a.dot"), &collapsed, &error), "%s", error.message);
}

Test(dot, two_nodes_with_too_many_edges_are_refused_too)
{
    enum { TIMES = DOT_MAX_NODES * DOT_EDGES_PER_NODE + DOT_EDGES_PER_NODE };
    static Value *list[TIMES];
    Value *x = v_param(graph, 1);
    for (int i = 0; i < TIMES; i++)
        list[i] = x;
    Value *sum = v_sum(list, TIMES);
    cr_expect(!dot_write(sum, path_of("a.dot"), NULL, &error), "it was written");
    const char *advice = strstr(error.message, "max_nodes = ");
    cr_assert(advice != NULL, "%s", error.message);
    const DotOptions as_told = {.max_nodes = strtoul(advice + strlen("max_nodes = "), NULL, 10)};
    cr_expect(dot_write(sum, path_of("a.dot"), &as_told, &error), "%s", error.message);
}

Test(dot, a_diagram_of_a_million_deep_chain_needs_no_recursion)
{
    only_where_long();
    Value *v = long_chain(1000000);
    cr_assert(dot_write(v, path_of("a.dot"), &(DotOptions){.max_depth = 3}, &error), "%s", error.message);
    char *text = read_path(path_of("a.dot"));
    expect_in(text, "// 5 nodes, 4 edges"); /* 4 of the chain and the stub */
    free(text);
}

Test(dot, no_such_folder_and_a_full_disk_are_told_and_leave_no_file)
{
    Value *v = long_chain(3);
    cr_expect(!dot_write(v, path_of("none/a.dot"), NULL, &error), "it was written into no folder");
    expect_in(error.message, "none/a.dot");
    if (exists("/dev/full")) {
        error.message[0] = '\0';
        cr_expect(!dot_write(v, "/dev/full", NULL, &error) && error.message[0] != '\0', "dot_write filled a full disk");
        FILE *full = fopen("/dev/full", "w");
        error.message[0] = '\0';
        cr_expect(!dot_print(v, full, NULL, &error) && error.message[0] != '\0', "dot_print filled a full disk");
        fclose(full);
    }
}

Test(dot, no_memory_is_told_wherever_it_runs_out)
{
    DotOptions options = {0};
    Value *root = build_layer_collapsed(&options);
    backward(root);
    int n = 0;
    for (bool ok = false; !ok && n < 100; n++) {
        error.message[0] = '\0';
        memory_lasts((size_t)n);
        ok = dot_write(root, path_of("a.dot"), &options, &error);
        memory_restore();
        cr_expect(ok == exists(path_of("a.dot")), "after %d allocations: a file without a diagram", n);
        cr_expect(ok || error.message[0] != '\0', "after %d allocations: no message", n);
    }
    cr_expect(n > 6 && n < 100, "it took %d allocations", n - 1); /* order, reached, nodes, frames, merged, file */
}

/* In glibc, open_memstream loses what it has no memory for and sets no error: dot was given what was left. */
Test(dot, dot_gets_no_diagram_that_there_was_no_memory_for)
{
    size_t length;
    Value *x = param("x", 1);
    memory_lasts(0);
    char *picture = dot_picture_at(HERE, x, "a.svg", "svg", &length, NULL, &error);
    memory_restore();
    cr_expect_eq(picture, NULL, "a picture");
    expect_in(error.message, "no memory for the diagram");
}

Test(dot, a_root_that_does_not_depend_on_through_is_told)
{
    Value *x = param("x", 1), *y = param("y", 1);
    cr_expect(!dot_write(x, path_of("a.dot"), &(DotOptions){.through = y}, &error), "it was written");
    expect_in(error.message, "x does not depend on y");
}

Test(dot, an_expression_that_had_no_memory_is_told)
{
    cr_expect(!dot_write(graph->failed_node, path_of("a.dot"), NULL, &error), "it was written");
    expect_in(error.message, "no memory");
}

static jmp_buf after_misuse;
static char complaint[512];

static void note_misuse(Where where, const char *message)
{
    snprintf(complaint, sizeof complaint, "%s:%d: %s", where.file, where.line, message);
    longjmp(after_misuse, 1);
}

/* The call must be misuse, reported at this line, with a message that contains `part`. */
#define EXPECT_MISUSE(call, part)                                                                                      \
    do {                                                                                                               \
        char want[32];                                                                                                 \
        snprintf(want, sizeof want, "test_dot.c:%d: ", __LINE__);                                                      \
        complaint[0] = '\0';                                                                                           \
        misuse_set_handler(note_misuse);                                                                               \
        if (setjmp(after_misuse) == 0)                                                                                 \
            (void)(call);                                                                                              \
        misuse_set_handler(NULL);                                                                                      \
        expect_in(complaint, want);                                                                                    \
        expect_in(complaint, part);                                                                                    \
    } while (0)

Test(dot, misuse_is_told_at_the_callers_line)
{
    static DotGroup later[] = {{.name = "a", .inside = &later[1]}, {.name = "b"}};
    static const DotGroup nameless = {.end = 1}, memberless = {.name = "a", .member_count = 1};
    static Value *no_value = NULL;
    const DotGroup of_null = {.name = "a", .members = &no_value, .member_count = 1};
    Value *v = v_param(graph, 1);
    EXPECT_MISUSE(dot_print(v, stdout, &(DotOptions){.digits = 18}, &error), "digits is 18");
    EXPECT_MISUSE(dot_print(v, stdout, &(DotOptions){.digits = -1}, &error), "digits is -1");
    EXPECT_MISUSE(dot_print(v, stdout, &(DotOptions){.groups = later, .group_count = 2}, &error), "(a) is inside");
    EXPECT_MISUSE(dot_print(v, stdout, &(DotOptions){.groups = &nameless, .group_count = 1}, &error), "no name");
    EXPECT_MISUSE(dot_print(v, stdout, &(DotOptions){.groups = &memberless, .group_count = 1}, &error), "no members");
    memory_lasts(0); /* it is told before anything is allocated, which a handler that jumps away would leave behind */
    EXPECT_MISUSE(dot_print(v, stdout, &(DotOptions){.groups = &of_null, .group_count = 1}, &error), "is NULL");
    memory_restore();
    Graph *other = graph_new();
    EXPECT_MISUSE(dot_print(v, stdout, &(DotOptions){.through = v_param(other, 1)}, &error), "another graph");
    graph_free(other);
}

/* ---- drawing ----------------------------------------------------------------------------------------------------- */

/* Stands in for dot: a script of one line. */
static void install_script(const char *line)
{
    FILE *out = fopen(path_of("dot"), "w");
    fprintf(out, "#!/bin/sh\n%s\n", line);
    fclose(out);
    chmod(path_of("dot"), 0700);
    char search[1024];
    snprintf(search, sizeof search, "%s:%s", folder, getenv("PATH"));
    setenv("PATH", search, 1);
}

Test(dot, the_ending_tells_what_picture_is_drawn)
{
    Value *v = v_neg(param("x", 1));
    cr_assert(dot_draw(v, path_of("a.dot"), NULL, &error), "%s", error.message);
    char *drawn = read_path(path_of("a.dot")), *printed = print(v, (DotOptions){0});
    cr_expect_str_eq(drawn, printed, "a .dot is not the diagram");
    free(drawn);
    free(printed);
    if (!has_dot())
        return;
    cr_assert(dot_draw(v, path_of("out.svg"), NULL, &error), "%s", error.message);
    char *svg = read_path(path_of("out.svg"));
    expect_in(svg, "</svg>");
    expect_in(svg, "id=\"e1_0\"");
    free(svg);
    cr_assert(dot_draw(v, path_of("out.svg"), &(DotOptions){.format = "png"}, &error), "%s", error.message);
    char *png = read_path(path_of("out.svg"));
    cr_expect(memcmp(png, "\x89PNG", 4) == 0, "no PNG");
    free(png);
}

Test(dot, a_picture_of_no_known_kind_is_an_error_and_leaves_no_file)
{
    Value *v = param("x", 1);
    static const char *const names[] = {"picture", "none.of/these", "ends.in."};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        cr_expect(!dot_draw(v, path_of(names[i]), NULL, &error), "%s was drawn", names[i]);
        expect_in(error.message, names[i]);
        expect_in(error.message, ".svg");
    }
    if (!has_dot())
        return;
    cr_expect(!dot_draw(v, path_of("out.hologram"), NULL, &error), "it drew a hologram");
    expect_in(error.message, "hologram");
    cr_expect(!exists(path_of("out.hologram")) && !exists(path_of("out.hologram.stepgrad.tmp")),
              "half a picture was left");
    cr_expect(!dot_draw(v, path_of("none/out.svg"), NULL, &error), "it was drawn into no folder");
    expect_in(error.message, "none/out.svg");
}

Test(dot, what_dot_refuses_or_cannot_be_drawn_leaves_the_older_picture)
{
    FILE *out = fopen(path_of("out.svg"), "w");
    fputs("old", out);
    fclose(out);
    Value *v = long_chain(3);
    install_script("cat >/dev/null; echo half a picture; echo 'syntax error' >&2; exit 1");
    cr_expect(!dot_draw(v, path_of("out.svg"), NULL, &error), "it was drawn");
    expect_in(error.message, "out.svg");
    expect_in(error.message, "syntax error");
    cr_expect(!dot_draw(v, path_of("out.svg"), &(DotOptions){.max_nodes = 1}, &error), "it was drawn");
    expect_in(error.message, "max_nodes = 3");
    char *old = read_path(path_of("out.svg"));
    cr_expect_str_eq(old, "old", "the older picture is now: %s", old);
    free(old);
}

Test(dot, a_full_disk_says_so)
{
    struct stat status;
    if (stat("/dev/full", &status) != 0)
        return;                                                                            /* only Linux has it */
    install_script("cat >/dev/null; yes | head -c 100000; echo 'dot: half as large' >&2"); /* no buffer holds it */
    cr_assert(freopen(path_of("said"), "w", stderr) != NULL, "stderr cannot be caught");
    cr_expect(!dot_draw(param("x", 1), "/dev/full", &(DotOptions){.format = "png"}, &error), "it was written");
    fflush(stderr);
    expect_in(error.message, "/dev/full");
    expect_in(error.message, strerror(ENOSPC));
    char *said = read_path(path_of("said"));
    cr_expect_str_eq(said, "/dev/full: dot: half as large\n", "dot's warning became \"%s\"", said);
    free(said);
}

Test(dot, a_warning_of_dot_goes_to_stderr_with_the_pictures_name)
{
    install_script("cat >/dev/null; echo '<svg/>'; echo 'Warning: no font' >&2; echo 'two lines' >&2");
    cr_assert(freopen(path_of("said"), "w", stderr) != NULL, "stderr cannot be caught");
    cr_assert(dot_draw(param("x", 1), path_of("out.svg"), NULL, &error), "%s", error.message);
    fflush(stderr);
    char *picture = read_path(path_of("out.svg"));
    cr_expect_str_eq(picture, "<svg/>\n", "the picture is now: %s", picture);
    free(picture);
    char want[600];
    snprintf(want, sizeof want, "%s: dot: Warning: no font two lines\n", path_of("out.svg"));
    char *said = read_path(path_of("said"));
    cr_expect_str_eq(said, want, "dot's warning became \"%s\"", said);
    free(said);
}

Test(dot, where_dot_is_missing_the_message_says_how_to_get_it)
{
    setenv("PATH", folder, 1);
    cr_expect(!dot_draw(v_param(graph, 1), path_of("out.svg"), NULL, &error), "it was drawn without dot");
    expect_in(error.message, "apt-get install graphviz");
    expect_in(error.message, "brew install graphviz");
    cr_expect(!exists(path_of("out.svg")), "an empty picture was left");
}

Test(dot, a_dot_that_is_killed_is_reported_with_its_signal)
{
    install_script("kill -9 $$");
    cr_expect(!dot_draw(v_param(graph, 1), path_of("out.svg"), NULL, &error), "it was drawn");
    expect_in(error.message, "killed by signal 9");
    cr_expect(!exists(path_of("out.svg")), "half a picture was left");
}

Test(dot, a_dot_that_does_not_finish_is_stopped)
{
    install_script("exec sleep 1000");
    const time_t start = time(NULL);
    Value *large = long_chain(1000); /* more than fits into a pipe, to a dot that does not read it */
    cr_expect(!dot_draw(large, path_of("out.svg"), &(DotOptions){.seconds = 0.3}, &error), "it was drawn");
    cr_expect(time(NULL) - start < 500, "it took %ld s", (long)(time(NULL) - start));
    expect_in(error.message, "stopped. Draw less, or draw to a .dot file and run dot -Tsvg on it");
    cr_expect(strstr(error.message, "max_") == NULL, "programs print it, and have no such option: %s", error.message);
    cr_expect(!exists(path_of("out.svg")), "half a picture was left");
}

Test(dot, a_dot_that_reads_nothing_and_complains_without_end_does_not_block)
{
    install_script(
        "i=0; while [ $i -lt 5000 ]; do echo 'a complaint of forty bytes, at the least' >&2; i=$((i+1)); done; exit 3");
    Value *large = long_chain(1000);
    cr_expect(!dot_draw(large, path_of("out.svg"), &(DotOptions){.seconds = 50}, &error), "it was drawn");
    expect_in(error.message, "a complaint");
}

Test(dot, a_picture_larger_than_a_pipe_arrives_whole)
{
    install_script("cat; cat >/dev/null");
    Value *large = long_chain(1000);
    cr_assert(dot_draw(large, path_of("out.svg"), NULL, &error), "%s", error.message);
    char *drawn = read_path(path_of("out.svg")), *printed = print(large, (DotOptions){0});
    cr_expect(strlen(printed) > 100 * 1000, "%zu bytes fit into a pipe", strlen(printed));
    cr_expect(strcmp(drawn, printed) == 0, "%zu bytes of %zu arrived", strlen(drawn), strlen(printed));
    free(drawn);
    free(printed);
}
