/* test_emit.c - programs as C code: it has the bits of replay and of define-by-run, whatever the graph, the compiler
 * and the numbers; it can be read; and it can be compiled and loaded.
 *
 * Many programs are emitted into one folder, and one file that includes them all is compiled, since most of a
 * compiler's time goes to the headers.
 */
#define _XOPEN_SOURCE 700 /* mkdtemp, setenv */
#include <criterion/criterion.h>
#include <dirent.h>
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "adg.h"
#include "caught.h"
#include "emit.h"
#include "long.h"
#include "loss.h"
#include "model.h"
#include "nn.h"
#include "no_memory.h"
#include "random_graphs.h"
#include "replay.h"

enum { CASES_MOST = 400, ROWS = 100, INPUTS_MOST = 512, PARAMS_MOST = 4096 };

typedef void Emitted(const double *params, double *gradients, const double *rows, size_t count, double seed,
                     double *losses);

/* A recorded graph, which stays as it is. */
typedef struct Case {
    Graph *graph;
    Value *loss;
    Value **inputs;
    size_t input_count;
    Value **params;
    size_t param_count;
    Program *program;
} Case;

static Case cases[CASES_MOST];
static size_t case_count;
static char folder[] = "/tmp/stepgrad-emit-XXXXXX";
static Error error;

static void make_folder(void) { cr_assert_not_null(mkdtemp(folder)); }

static int shell(const char *format, const char *a, const char *b)
{
    char command[2048];
    snprintf(command, sizeof command, format, a, b);
    return system(command);
}

static void remove_folder(void) { cr_expect_eq(shell("rm -rf '%s'", folder, ""), 0); }

TestSuite(emit, .init = make_folder, .fini = remove_folder);

/* To compile is what takes long. LONG=all has more cases, and compiles them in more ways. */
static bool wants_all(void) { return getenv("LONG") != NULL && strcmp(getenv("LONG"), "all") == 0; }

static void skip_unless_long(void)
{
    if (!wants_all())
        cr_skip_test("SKIPPED: LONG=all compiles the same cases in this way, too");
}

/* ---- cases ------------------------------------------------------------------------------------------------------- */

/* The leaves of one kind below a loss. */
static Value **leaves_below(Value *loss, OpCode kind, size_t *count)
{
    size_t nodes;
    Value **order = graph_topological_order(loss, &nodes);
    Value **leaves = calloc(nodes + 1, sizeof *leaves);
    cr_assert(order != NULL && leaves != NULL);
    *count = 0;
    for (size_t i = 0; i < nodes; i++) {
        order[i]->picked_by_number = false; /* a choice that stays is all right here: no sample wants another one */
        if (order[i]->op == kind)
            leaves[(*count)++] = order[i];
    }
    memory_free(order);
    return leaves;
}

static Case *add_case(Value *loss)
{
    Case *c = &cases[case_count++];
    cr_assert(case_count <= CASES_MOST);
    c->graph = value_graph(loss);
    c->loss = loss;
    c->inputs = leaves_below(loss, OP_INPUT, &c->input_count);
    c->params = leaves_below(loss, OP_PARAM, &c->param_count);
    cr_assert(c->input_count <= INPUTS_MOST && c->param_count <= PARAMS_MOST);
    c->program = program_record(loss, c->inputs, c->input_count, &error);
    cr_assert_not_null(c->program, "%s", error.message);
    return c;
}

static void free_cases(void)
{
    for (Case *c = cases; c < cases + case_count; c++) {
        program_free(c->program);
        graph_free(c->graph);
        free(c->inputs);
        free(c->params);
    }
    case_count = 0;
}

static void add_mlp(const size_t *sizes, size_t count, Activation activation)
{
    Graph *g = graph_new();
    Random random;
    random_seed(&random, 100 * count + sizes[1]);
    MLP *net = mlp_new(g, sizes, count, activation);
    mlp_init(net, INIT_PYTORCH, &random);
    double row[INPUTS_MOST] = {0.25, -0.5, 1};
    const size_t classes = sizes[count - 1];
    Value **x = v_inputs(g, row, sizes[0] + classes), **logits = mlp_forward(net, x);
    add_case(cross_entropy_one_hot(logits, x + sizes[0], classes));
}

static void add_mlps(void)
{
    add_mlp((size_t[]){1, 33, 1, 3}, 4, ACTIVATION_RELU);
    add_mlp((size_t[]){35, 2}, 2, ACTIVATION_NONE);
    add_mlp((size_t[]){7, 6, 2}, 3, ACTIVATION_TANH);
    if (!wants_all())
        return;
    add_mlp((size_t[]){2, 32, 32, 2}, 4, ACTIVATION_TANH);
    add_mlp((size_t[]){7, 64, 2}, 3, ACTIVATION_SIGMOID);
    add_mlp((size_t[]){1, 1, 1}, 3, ACTIVATION_TANH);
    for (Activation activation = ACTIVATION_NONE; activation <= ACTIVATION_SIGMOID; activation++)
        add_mlp((size_t[]){3, 5, 2}, 3, activation);
}

/* Each op once, of an input and a param. */
static void add_ops(void)
{
    Graph *g = graph_new();
    Value *terms[OP_COUNT];
    size_t count = 0;
    for (int op = OP_CONST + 1; op < OP_COUNT; op++) {
        Value *a[2] = {v_input(g, 1.5), v_param(g, 0.5)}, *b[2] = {v_param(g, 0.25 * op), a[1]};
        switch (op_table[op].shape) {
        case SHAPE_UNARY: terms[count++] = value_unary((OpCode)op, v_mul(a[0], a[1]), HERE); break;
        case SHAPE_BINARY: terms[count++] = value_binary((OpCode)op, a[0], b[0], HERE); break;
        case SHAPE_LIST: terms[count++] = value_list((OpCode)op, a, 2, HERE); break;
        default: terms[count++] = value_pairs((OpCode)op, a, b, 2, a[0], HERE);
        }
    }
    cr_assert_eq(count, OP_COUNT - OP_CONST - 1);
    add_case(v_sum(terms, count));
}

/* Over all ops, with lists side by side and scattered, nodes used twice, and an MLP on top. */
static void add_random_graphs(uint64_t seeds)
{
    RandomGraphs used = {.hash = FNV_START};
    for (uint64_t seed = 0; seed < seeds; seed++) {
        Random random;
        random_seed(&random, seed);
        Graph *g = graph_new();
        Case *c = add_case(random_mlp_loss(&random, g, random_tangle(&random, g)));
        size_t count;
        Value **order = graph_topological_order(c->loss, &count);
        for (size_t i = 0; i < count; i++)
            used.uses[order[i]->op]++;
        memory_free(order);
    }
    for (int op = 0; op < OP_COUNT; op++)
        cr_expect(used.uses[op] > 0, "no graph uses %s", op_table[op].name);
}

/* What comes in loops, and what is nearly one. */
static void add_loops(void)
{
    enum { N = 9 };
    Graph *g = graph_new();
    Value *w[3 * N], **x = v_inputs(g, (double[2 * N]){1, 2, 3, 4, 5, 6, 7, 8, 9}, 2 * N), *y[2 * N], *z[4];
    for (int i = 0; i < 3 * N; i++)
        w[i] = v_param(g, 0.1 * (i - N));
    for (int i = 0; i < N; i++)
        y[i] = v_add(x[i], w[i]);
    for (int i = 0; i < N; i++) /* a constant between any two of them */
        y[i] = v_pow(y[i], 2);
    for (int i = 0; i < N; i++) /* of which one is another number */
        y[i] = v_mul(y[i], i == 4 ? 0.25 : 0.5);
    for (int i = 0; i < N; i++) /* downwards, every second, and a step that depends on the one before */
        y[i] = v_mul(y[N - 1 - i], w[2 * i + 1]);
    for (int i = 1; i < N; i++)
        y[i] = v_max(y[i - 1], y[i]);
    Value *fresh[N], *chain = y[N - 1];
    for (int i = 0; i < N; i++)
        chain = v_tanh(chain);
    for (int i = 0; i < N; i++)
        fresh[i] = v_sigmoid(x[N + i]);
    z[0] = v_dot_bias(w, fresh, N, chain);    /* a neuron whose bias is no param */
    z[1] = v_dot_bias(fresh, w + N, N, w[0]); /* the params second */
    z[2] = v_dot(w, w + 1, N);                /* params alone, each used twice */
    z[3] = v_dot_bias(w + 3, x, N, w[3 + N]); /* inputs that need no gradient */
    Value *mixed[N] = {w[0], x[1], y[2], w[3], w[5], w[7], fresh[1], fresh[3], v_const(g, INFINITY)};
    Value *sums[3] = {v_sum(mixed, N - 1), v_logsumexp(z, 4), v_sum(z, 1)};
    Value *gate = v_mul(v_relu(v_sub(y[0], 1000)), mixed[N - 1]);
    add_case(v_add(v_sum(sums, 3), v_min(v_neg(gate), 1)));
}

/* Attention-like: the same weights for several inputs, so that the neurons of a group have inputs of their own. */
static void add_shared_params(void)
{
    enum { N = 4, TIMES = 3 };
    Graph *g = graph_new();
    Value *w[N + 1], *h[TIMES], **x = v_inputs(g, (double[N * TIMES]){1, -2, 3}, N * TIMES);
    for (int i = 0; i <= N; i++)
        w[i] = v_param(g, 0.3 * i - 0.5);
    for (int t = 0; t < TIMES; t++)
        h[t] = v_dot_bias(w, x + N * t, N, w[N]);
    for (int t = 0; t < TIMES; t++)
        h[t] = v_gelu(h[t]);
    add_case(v_mul(v_logsumexp(h, TIMES), w[0]));
}

static void add_labels(void)
{
    static const char *const labels[] = {"int",
                                         "NULL",
                                         "w\n*/ #",
                                         "exp",
                                         "tanh_forward",
                                         "x",
                                         "data",
                                         "dot1",
                                         "tanh1",
                                         "\xCE\xB8",
                                         "",
                                         "w1[0",
                                         "room",
                                         "log2",
                                         "j1",
                                         "W1",
                                         "i",
                                         "loss",
                                         "w2[\"\\",
                                         "9lives",
                                         "w3(0)",
                                         "w3[1]",
                                         "nullptr",
                                         "PARAMS",
                                         "a b",
                                         "w1[*/]",
                                         "main",
                                         "product",
                                         "vmath_exp",
                                         "float",
                                         "a_very_long_label_of_more_letters_than_a_name_may_have_here",
                                         NULL};
    enum { N = sizeof labels / sizeof *labels };
    Graph *g = graph_new();
    Value *w[N], *h[2], **x = v_inputs(g, (double[2]){1, 2}, 2);
    for (int i = 0; i < N; i++) {
        w[i] = v_param(g, 0.05 * i);
        if (labels[i] != NULL)
            v_label(w[i], labels[i]);
    }
    h[0] = v_tanh(v_dot_bias(w, x, 2, w[2]));
    h[1] = v_exp(v_sub(v_logsumexp(w, N), h[0]));
    add_case(v_sum(h, 2));
}

static void add_golden_graph(const AdgGraph *from)
{
    Graph *g = graph_new();
    Value **nodes = calloc(from->node_count, sizeof *nodes), **args = calloc(from->arg_count + 1, sizeof *args);
    for (size_t i = 0; i < from->node_count; i++) {
        const AdgNode *node = &from->nodes[i];
        for (size_t j = 0; j < node->arg_count; j++)
            args[j] = nodes[from->args[node->first_arg + j]];
        nodes[i] = node->kind == ADG_LEAF    ? v_param(g, node->number)
                   : node->kind == ADG_CONST ? v_input(g, node->number)
                                             : adg_build_op(node->op, node->imm, args, node->arg_count);
    }
    Value *root = nodes[from->root];
    free(nodes);
    free(args);
    if (root->needs_grad && root->op > OP_CONST)
        add_case(root);
    else
        graph_free(g);
}

/* Those of at most so many nodes: a compiler takes long for hundreds of steps of which no two are alike. */
static void add_golden(const char *path, size_t nodes_most)
{
    AdgReader reader;
    AdgGraph graph = {0};
    cr_assert(adg_open(&reader, path, &error), "%s", error.message);
    while (adg_next(&reader, &graph, &error) == ADG_GRAPH)
        if (graph.node_count <= nodes_most)
            add_golden_graph(&graph);
    adg_graph_free(&graph);
    adg_close(&reader);
}

/* ---- one file with all of them ----------------------------------------------------------------------------------- */

static void emit_all(void)
{
    char path[256], name[32];
    snprintf(path, sizeof path, "%s/all.c", folder);
    FILE *all = fopen(path, "w");
    for (size_t i = 0; i < case_count; i++) {
        snprintf(name, sizeof name, "f%zu", i);
        snprintf(path, sizeof path, "%s/%s.c", folder, name);
        cr_assert(program_emit(cases[i].program, path, name, &error), "%s", error.message);
        for (const char *const *own =
                 (const char *[]){"INPUTS", "PLACES", "LONGEST", "Room", "room_of_thread", "run_block", NULL};
             *own; own++)
            fprintf(all, "#undef %s\n#define %s %s_%zu\n", *own, *own, *own, i);
        fprintf(all, "#include \"%s.c\"\n", name);
    }
    cr_assert_eq(fclose(all), 0);
}

static bool has(const char *compiler) { return shell("command -v %s >/dev/null 2>&1", compiler, "") == 0; }

static void *compile_all(const char *compiler, const char *flags)
{
    char command[512];
    snprintf(command, sizeof command,
             "%s %s -std=c11 -Wall -Wextra -Wpedantic -Werror -ffp-contract=off -fPIC -shared -Iengine -o %%s/all.so "
             "%%s/all.c -lm",
             compiler, flags);
    cr_assert_eq(shell(command, folder, folder), 0, "%s %s", compiler, flags);
    snprintf(command, sizeof command, "%s/all.so", folder);
    void *library = dlopen(command, RTLD_NOW | RTLD_LOCAL);
    cr_assert_not_null(library, "%s", dlerror());
    return library;
}

static Emitted *function_of(void *library, size_t i)
{
    char name[32];
    Emitted *function;
    snprintf(name, sizeof name, "f%zu", i);
    void *symbol = dlsym(library, name);
    cr_assert_not_null(symbol, "%s", dlerror());
    memcpy(&function, &symbol, sizeof function);
    return function;
}

/* ---- bits -------------------------------------------------------------------------------------------------------- */

static bool same_bits(double x, double y) { return (isnan(x) && isnan(y)) || memcmp(&x, &y, sizeof x) == 0; }

static double rows[ROWS * INPUTS_MOST], losses[2][ROWS], params[PARAMS_MOST], gradients[PARAMS_MOST];
static size_t finite_gradients, other_gradients;

static void expect_bits_of_replay(const Case *c, Emitted *function, size_t count, const char *what)
{
    for (size_t i = 0; i < c->param_count; i++) {
        params[i] = c->params[i]->data;
        gradients[i] = c->params[i]->grad = 0.25 * (double)i;
    }
    program_replay(c->program, rows, count, 0.375, losses[0]);
    function(params, gradients, rows, count, 0.375, losses[1]);
    for (size_t s = 0; s < count; s++)
        cr_assert(same_bits(losses[0][s], losses[1][s]), "case %zu, %s: loss %zu of %zu: replay %a, emitted %a",
                  (size_t)(c - cases), what, s, count, losses[0][s], losses[1][s]);
    for (size_t i = 0; i < c->param_count; i++) {
        cr_assert(same_bits(c->params[i]->grad, gradients[i]),
                  "case %zu, %s, %zu rows: gradient %zu: replay %a, emitted %a", (size_t)(c - cases), what, count, i,
                  c->params[i]->grad, gradients[i]);
        *(isfinite(gradients[i]) ? &finite_gradients : &other_gradients) += 1;
    }
}

/* The graph computed anew, from the inputs' numbers in a row and from the params as they are. */
static void compute_again(const Case *c, const double *row)
{
    size_t count;
    Value **order = graph_topological_order(c->loss, &count);
    static double operands[2 * PARAMS_MOST];
    cr_assert(order != NULL);
    for (size_t i = 0; i < c->input_count; i++)
        c->inputs[i]->data = row[i];
    for (size_t i = 0; i < count; i++) {
        cr_assert(value_parent_count(order[i]) <= sizeof operands / sizeof *operands);
        for (size_t j = 0; j < value_parent_count(order[i]); j++)
            operands[j] = value_parent(order[i], j)->data;
        if (order[i]->op > OP_CONST)
            order[i]->data = value_evaluate(order[i], operands);
    }
    memory_free(order);
}

static void expect_bits_of_define_by_run(const Case *c, Emitted *function, const double *row)
{
    double loss;
    for (size_t i = 0; i < c->param_count; i++) {
        params[i] = c->params[i]->data;
        gradients[i] = c->params[i]->grad = 0;
    }
    function(params, gradients, row, 1, 0.75, &loss);
    compute_again(c, row);
    backward_from(c->loss, 0.75);
    cr_assert(same_bits(c->loss->data, loss), "case %zu: loss %a, emitted %a", (size_t)(c - cases), c->loss->data,
              loss);
    for (size_t i = 0; i < c->param_count; i++)
        cr_assert(same_bits(c->params[i]->grad, gradients[i]), "case %zu: gradient %zu: define-by-run %a, emitted %a",
                  (size_t)(c - cases), i, c->params[i]->grad, gradients[i]);
}

static void fill_rows(const Case *c, Random *random, bool extreme)
{
    static const double extremes[] = {INFINITY, -INFINITY, NAN, 1e308, -1e308, 0, -0.0, 1e-310, 700, -40};
    for (size_t i = 0; i < ROWS * c->input_count; i++) {
        rows[i] = random_uniform(random, -2, 2);
        if (extreme && random_below(random, 3 * c->input_count) == 0)
            rows[i] = extremes[random_below(random, sizeof extremes / sizeof *extremes)];
    }
}

static void check_case(const Case *c, Emitted *function)
{
    static const size_t counts[] = {0, 1, 31, 32, 33, 64, 100};
    Random random;
    random_seed(&random, 7);
    for (size_t i = 0; i < c->input_count; i++)
        rows[i] = c->inputs[i]->data;
    expect_bits_of_define_by_run(c, function, rows);
    fill_rows(c, &random, false);
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        expect_bits_of_replay(c, function, counts[i], "plain rows");
    fill_rows(c, &random, true);
    expect_bits_of_replay(c, function, ROWS, "rows with extremes");
    for (size_t s = 0; s < ROWS / 4; s++)
        expect_bits_of_define_by_run(c, function, rows + s * c->input_count);
    fill_rows(c, &random, false);
    for (size_t turn = 0; turn < 6; turn++) {
        const size_t i = random_below(&random, c->param_count);
        const double kept = c->params[i]->data;
        c->params[i]->data = (double[]){INFINITY, -INFINITY, NAN, 1e308, -700, 0}[turn];
        expect_bits_of_replay(c, function, 33, "an extreme param");
        expect_bits_of_define_by_run(c, function, rows);
        c->params[i]->data = kept;
    }
}

static void check_all(const char *compiler, const char *flags)
{
    if (!has(compiler))
        cr_skip_test("SKIPPED: no %s here", compiler);
    emit_all();
    void *library = compile_all(compiler, flags);
    for (size_t i = 0; i < case_count; i++)
        check_case(&cases[i], function_of(library, i));
    cr_expect(finite_gradients > 1000 && other_gradients > 100, "%zu finite gradients, %zu other", finite_gradients,
              other_gradients);
    dlclose(library);
    free_cases();
}

static void add_all_golden(size_t nodes_most)
{
    add_golden("tests/golden/graphs.adg", nodes_most);
    add_golden("tests/golden/traps.adg", nodes_most);
}

static void check_optimised(const char *compiler, const char *level)
{
    add_mlps();
    add_ops();
    add_loops();
    add_shared_params();
    add_labels();
    if (wants_all())
        add_all_golden(8);
    check_all(compiler, level);
}

Test(emit, code_has_the_bits_of_replay_and_of_define_by_run_gcc_2) { check_optimised("gcc", "-O2"); }
Test(emit, code_has_the_bits_of_replay_and_of_define_by_run_clang_3)
{
    only_where_long();
    check_optimised("clang", "-O3");
}

Test(emit, code_has_the_bits_of_replay_and_of_define_by_run_gcc_3)
{
    skip_unless_long();
    check_optimised("gcc", "-O3");
}

Test(emit, code_has_the_bits_of_replay_and_of_define_by_run_clang_2)
{
    skip_unless_long();
    check_optimised("clang", "-O2");
}

Test(emit, code_of_larger_graphs_has_the_bits_of_replay_and_of_define_by_run)
{
    only_where_long();
    add_random_graphs(wants_all() ? 12 : 3);
    add_all_golden(wants_all() ? 100 : 12);
    cr_expect(case_count > 30, "%zu cases", case_count);
    check_all("${CC:-cc}", "-O0");
}

/* ---- to read ----------------------------------------------------------------------------------------------------- */

static char text[1 << 18];

static const char *emitted_text(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s.c", folder, name);
    FILE *in = fopen(path, "r");
    cr_assert_not_null(in, "%s", path);
    text[fread(text, 1, sizeof text - 1, in)] = '\0';
    fclose(in);
    return text;
}

static const char *emit_last(const char *name)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s.c", folder, name);
    cr_assert(program_emit(cases[case_count - 1].program, path, name, &error), "%s", error.message);
    return emitted_text(name);
}

static void add_moons(void)
{
    Graph *g = graph_new();
    MLP *net = mlp_open(g, "lessons/data/moons/init.txt", &error);
    cr_assert_not_null(net, "%s", error.message);
    Value **x = v_inputs(g, (double[4]){0.5, 0.25, 0, 1}, 4);
    add_case(cross_entropy_one_hot(mlp_forward(net, x), x + 2, 2));
}

static size_t times(const char *in, const char *what)
{
    size_t count = 0;
    for (; (in = strstr(in, what)) != NULL; in++)
        count++;
    return count;
}

static void expect_text(const char *in, const char *what)
{
    cr_expect(times(in, what) == 1, "%zu times, want once: %s", times(in, what), what);
}

Test(emit, two_moons_fit_on_a_few_pages_and_say_what_they_do)
{
    add_moons();
    const char *code = emit_last("moons");
    cr_expect(times(code, "\n") <= 400, "%zu lines", times(code, "\n"));
    for (const char *line = code, *end; (end = strchr(line, '\n')) != NULL; line = end + 1)
        cr_expect(end - line <= 125, "a long line: %.*s", (int)(end - line), line);
    expect_text(code, "w2 = 96,");
    expect_text(code, "/* dot2[i] = dot(w2[33 * i + j], tanh1[j]) + b2[33 * i],  i = 0 .. 31,  j = 0 .. 31 */\n"
                      "    layer_values((LayerShape){32, 32, true}, &params[w2], data[tanh1], data[dot2]);");
    expect_text(code, "/* tanh2[i] = tanh(dot2[i]) */");
    expect_text(code, "/* ∂L/∂dot2[i] += (1 - tanh2[i] * tanh2[i]) · ∂L/∂tanh2[i] */");
    expect_text(code, "/* ∂L/∂w2[33 * i + j] += tanh1[j] · ∂L/∂dot2[i] */");
    expect_text(code, "/* loss = logsumexp(sub1[j]),  j = 0 .. 1 */");
    free_cases();
}

Test(emit, alike_steps_are_one_loop_and_constants_are_exact)
{
    add_loops();
    const char *code = emit_last("loops");
    expect_text(code, "/* pow1[2 * i] = add1[i] ^ 2 */");
    expect_text(code, "/* ∂L/∂add1[i] += (2 * pow(add1[i], 2 - 1)) · ∂L/∂pow1[2 * i] */");
    expect_text(code, ", 0x1p-2},"); /* 0.25 */
    cr_expect(times(code, ", 0x1p-1},") == 4 && times(code, ", INFINITY},") == 1);
    cr_expect(times(code, "{\n    }") == 0, "a loop around nothing");
    expect_text(code, "/* sum1 = sum(params[0]), and so on */");
    free_cases();
}

Test(emit, labels_give_names_where_c_can_have_them)
{
    add_labels();
    const char *code = emit_last("labels");
    static const char *const names[] = {"exp = 3,", "log2 = 13,", "W1 = 15,", "w3 = 20,", "w1 = 11,"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        expect_text(code, names[i]);
    static const char *const none[] = {
        "int = ", "NULL = ", "tanh_forward = ", "9lives", "nullptr = ", "main = ", "\xCE"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        cr_expect(times(code, none[i]) == (i == 6 ? times(code, "\xCE\xA3") : 0), "%s", none[i]);
    expect_text(code, "    room->a[j][k] = params[j];");
    free_cases();
}

Test(emit, a_param_of_its_own_has_a_plain_name_and_one_of_several_its_number)
{
    Graph *g = graph_new();
    Value *speed = v_label(v_param(g, 2), "speed");
    Value *v[] = {v_label(v_param(g, 3), "v[0]"), v_label(v_param(g, 4), "v[1]")};
    add_case(v_mul(v_exp(speed), v_sub(v[0], v[1])));
    const char *code = emit_last("names");
    expect_text(code, "/* exp1 = exp(speed) */");
    expect_text(code, "/* sub1 = v[0] - v[1] */");
    free_cases();
}

/* ---- what can go wrong ------------------------------------------------------------------------------------------- */

static void expect_error(bool good, const char *word)
{
    cr_expect(!good && strstr(error.message, word) != NULL, "want an error with \"%s\": %s", word, error.message);
    error.message[0] = '\0';
}

static size_t files_in_folder(void)
{
    size_t count = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
        count += entry->d_name[0] != '.';
    closedir(dir);
    return count;
}

static char path[512];

static const char *in_folder(const char *name)
{
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

Test(emit, misuse_stops_at_the_callers_line)
{
    static const char *const bad[] = {"",
                                      "9",
                                      "a-b",
                                      "int",
                                      "_Bool",
                                      "constexpr",
                                      "NULL",
                                      "memset",
                                      "size_t",
                                      "tanh_forward",
                                      "data",
                                      "\xCE\xB8",
                                      "a_name_of_more_letters_than_a_function_of_ours_may_have"};
    static size_t i;
    add_moons();
    static Program *program;
    program = cases[0].program;
    for (i = 0; i < sizeof bad / sizeof *bad; i++)
        MUST_BE_MISUSE(program_emit(program, in_folder("a.c"), bad[i], &error), "function's name", bad[i]);
    MUST_BE_MISUSE(program_emit(program, in_folder("a.c"), NULL, &error), "name", "NULL");
    MUST_BE_MISUSE(program_emit(NULL, in_folder("a.c"), "a", &error), "program_record");
    MUST_BE_MISUSE(program_emit(program, NULL, "a", &error), "NULL");
    MUST_BE_MISUSE(program_compile(NULL, in_folder("a.c"), "engine", &error), "program", "NULL");
    MUST_BE_MISUSE(program_compile(program, NULL, "engine", &error), "source", "NULL");
    MUST_BE_MISUSE(program_compile(program, in_folder("a.c"), NULL, &error), "headers", "NULL");
    cr_expect_eq(files_in_folder(), 0);
    free_cases();
}

Test(emit, params_that_were_released_are_misuse)
{
    Graph *g = graph_new();
    static Program *program;
    const Mark mark = graph_mark(g);
    program = program_record(v_tanh(v_param(g, 1)), NULL, 0, &error);
    graph_release(g, mark);
    MUST_BE_MISUSE(program_emit(program, in_folder("a.c"), "a", &error), "released");
    program_free(program);
    graph_free(g);
}

Test(emit, a_full_disk_is_an_error)
{
    if (access("/dev/full", W_OK) != 0)
        cr_skip_test("SKIPPED: no /dev/full here");
    add_moons();
    expect_error(program_emit(cases[0].program, "/dev/full", "moons", &error), "No space left");
    expect_error(program_compile(cases[0].program, "/dev/full", "engine", &error), "No space left");
    free_cases();
}

Test(emit, without_memory_nothing_is_half_done)
{
    add_moons();
    size_t failures = 0;
    for (bool done = false; !done; failures += !done) {
        memory_lasts(failures);
        done = program_emit(cases[0].program, in_folder("a.c"), "moons", &error);
        cr_expect(memory_restore() == !done);
        cr_expect(done || strstr(error.message, "memory") != NULL, "%s", error.message);
        cr_expect_eq(files_in_folder(), done, "after %zu allocations", failures);
    }
    cr_expect(failures > 2, "%zu allocations", failures);
    free_cases();
}

/* ---- compiled and loaded ----------------------------------------------------------------------------------------- */

typedef struct Result {
    double loss[ROWS], gradient[PARAMS_MOST];
} Result;

static Result *replayed(const Case *c)
{
    Result *result = calloc(1, sizeof *result);
    for (size_t i = 0; i < c->param_count; i++)
        c->params[i]->grad = 0;
    program_replay(c->program, rows, ROWS, 0.5, result->loss);
    for (size_t i = 0; i < c->param_count; i++)
        result->gradient[i] = c->params[i]->grad;
    return result;
}

/* Takes both. */
static void expect_same(Result *want, Result *got, const char *what)
{
    cr_expect(memcmp(want, got, sizeof *want) == 0, "%s: other bits", what);
    free(want);
    free(got);
}

static bool compile_case(const Case *c, const char *name)
{
    return program_compile(c->program, in_folder(name), "engine", &error);
}

Test(emit, a_compiled_program_has_the_same_bits_with_threads_and_with_vmath)
{
    only_where_long();
    Random random;
    random_seed(&random, 3);
    add_moons();
    const Case *c = &cases[0];
    fill_rows(c, &random, false);
    Result *want[3]; /* by 0, 1 and 2 threads */
    for (size_t threads = 0; threads <= 2; threads++) {
        cr_assert(program_use_threads(c->program, threads));
        want[threads] = replayed(c);
    }
    cr_assert(compile_case(c, "it's a \"name\" $x.c"), "%s", error.message);
    cr_expect_eq(files_in_folder(), 1, "more than the source is left");
    c->params[0]->data += 1;
    Result *other = replayed(c);
    cr_expect(memcmp(want[2], other, sizeof *other) != 0, "params are frozen");
    c->params[0]->data -= 1;
    free(other);
    for (size_t threads = 0; threads <= 2; threads++) {
        cr_assert(program_use_threads(c->program, threads));
        expect_same(want[threads], replayed(c), "libm");
    }
    program_use_vmath(c->program, true);
    Result *vmath = replayed(c);
    cr_assert(compile_case(c, "vmath.c"), "%s", error.message);
    expect_same(vmath, replayed(c), "vmath");
    free_cases();
}

/* By each compiler: clang 14 lost numbers in the first block of a thread. */
Test(emit, compiled_programs_do_not_disturb_one_another)
{
    Random random;
    random_seed(&random, 3);
    add_mlp((size_t[]){3, 2, 2}, 3, ACTIVATION_TANH);
    add_mlp((size_t[]){3, 4, 2}, 3, ACTIVATION_RELU);
    fill_rows(&cases[1], &random, false);
    for (const char *const *compiler = (const char *[]){"gcc", "clang", NULL}; *compiler != NULL; compiler++) {
        if (!has(*compiler))
            continue;
        cr_assert_eq(setenv("CC", *compiler, 1), 0);
        Result *first = replayed(&cases[0]), *second = replayed(&cases[1]);
        cr_assert(compile_case(&cases[0], "same.c") && compile_case(&cases[1], "same.c"), "%s", error.message);
        expect_same(second, replayed(&cases[1]), "the second one");
        expect_same(first, replayed(&cases[0]), "the first one");
    }
    free_cases();
}

Test(emit, a_compilation_that_fails_says_why_and_changes_nothing)
{
    add_mlp((size_t[]){3, 2, 2}, 3, ACTIVATION_TANH);
    const Case *c = &cases[0];
    Random random;
    random_seed(&random, 3);
    fill_rows(c, &random, false);
    Result *before = replayed(c);
    expect_error(compile_case(c, "none/a.c"), "No such file or directory");
    expect_error(program_compile(c->program, in_folder("a.c"), "no/such/folder", &error), "a.c.log");
    snprintf(text, sizeof text, "grep -q 'lanes.h' '%s/a.c.log'", folder);
    cr_expect_eq(system(text), 0, "the log does not say that lanes.h is missing");
    cr_expect_eq(files_in_folder(), 2, "more than the source and the log is left");
    cr_assert_eq(setenv("CC", "no-such-compiler -m64", 1), 0);
    expect_error(compile_case(c, "a.c"), "there is no compiler \"no-such-compiler\"");
    cr_assert_eq(setenv("CC", "true", 1), 0);
    expect_error(compile_case(c, "a.c"), "cannot load");
    cr_expect(files_in_folder() <= 2);
    expect_same(before, replayed(c), "after all these");
    cr_assert_eq(setenv("CC", "  cc   -DUNUSED ", 1), 0);
    cr_expect(compile_case(c, "a.c"), "%s", error.message);
    cr_expect_eq(files_in_folder(), 1, "the log of an earlier failure is left");
    free_cases();
}

Test(emit, a_compilation_without_memory_changes_nothing)
{
    add_mlp((size_t[]){1, 1, 1}, 3, ACTIVATION_TANH);
    cr_assert_eq(setenv("CC", "false", 1), 0); /* as if it found an error: the last of all that can fail */
    size_t failures = 0;
    for (bool reached = false; !reached; failures++) {
        memory_lasts(failures);
        cr_expect(!compile_case(&cases[0], "a.c"));
        reached = !memory_restore();
        cr_expect(strstr(error.message, reached ? "did not accept" : "memory") != NULL, "%s", error.message);
    }
    cr_expect(failures > 6, "%zu allocations", failures);
    free_cases();
}
