/* test_replay.c - The numbers of a replay: those of define-by-run, bit for bit, whatever the ops, the operands, the
 * number of samples and of threads; and with vmath.h close to them. How programs are used, and misused, is in
 * test_replay_use.c. */
#include "replay_task.h"

#include "csv.h"
#include "data.h"
#include "matrix.h"
#include "model.h"
#include "no_memory.h"
#include "optim.h"
#include "replay_parts.h"

#include "adg.h"

static Graph *g;
static void open_graph(void) { g = graph_new(); }
static void close_graph(void) { graph_free(g); }

TestSuite(replay, .init = open_graph, .fini = close_graph);

/* Below a block, a block, and above: the last block is short, or whole. */
static const size_t counts[] = {0, 1, 31, 32, 33, 64, 100};
enum { COUNTS = sizeof counts / sizeof *counts, MOST_ROWS = 100 };

/* Record from the first row, and compare for all counts and two seeds. */
static void expect_same_for_all_counts(const Task *task, ByHand *by_hand, const double *rows, const char *what)
{
    Program *program = task_record(task, rows);
    for (size_t i = 0; i < COUNTS; i++) {
        expect_same(task, program, by_hand, rows, counts[i], 1.0 / (double)counts[i], what);
        expect_same(task, program, by_hand, rows, counts[i], -0.7, what);
    }
    program_free(program);
}

static double *random_rows(size_t count, size_t inputs, uint64_t seed)
{
    double *rows = numbers_new(count * inputs);
    Random random;
    random_seed(&random, seed);
    for (size_t i = 0; i < count * inputs; i++)
        rows[i] = random_uniform(&random, -2, 2);
    return rows;
}

/* ---- every op ---------------------------------------------------------------------------------------------------- */

/* Zeros, ones, kinks, numbers that overflow or vanish under some op, and what is no number. */
static const double awkward[] = {0,    -0.0,      1,      -1,     0.5,     -2,       3,         40.5, -41,
                                 -745, 0x1p-1074, 1e-300, -1e300, DBL_MAX, INFINITY, -INFINITY, NAN};
enum { AWKWARD = sizeof awkward / sizeof *awkward, PAIRS = AWKWARD * AWKWARD, OPERANDS_MOST = 19 };

/* What an operand is: a leaf of each kind, or a node that was computed: param times input. */
typedef enum Kind { OF_PARAM, OF_INPUT, OF_CONST, COMPUTED, KINDS } Kind;

/* scale·op(operands). Operand i is of kinds[i], with the number i of params, inputs or constants; or it is the same
 * node as an operand before it, same_as[i] < i. */
typedef struct OpTask {
    OpCode op;
    size_t n, operands; /* elements of a list; operands in all, with the bias last of a */
    bool has_bias;
    Kind kinds[OPERANDS_MOST];
    size_t same_as[OPERANDS_MOST];
    double constants[OPERANDS_MOST];
    Value *params[OPERANDS_MOST], *scale;
} OpTask;

static Value *operand(const OpTask *about, Graph *graph, size_t i, Value **x)
{
    switch (about->kinds[i]) {
    case OF_PARAM: return about->params[i];
    case OF_INPUT: return x[i];
    case OF_CONST: return v_const(graph, about->constants[i]);
    default: return v_mul(about->params[i], x[i]);
    }
}

static Value *op_loss(const Task *task, Value **x)
{
    const OpTask *about = task->about;
    const size_t n = about->n;
    Value *all[OPERANDS_MOST], *y;
    for (size_t i = 0; i < about->operands; i++)
        all[i] = about->same_as[i] < i ? all[about->same_as[i]] : operand(about, task->graph, i, x);
    switch (op_table[about->op].shape) {
    case SHAPE_UNARY: y = value_unary(about->op, all[0], HERE); break;
    case SHAPE_BINARY: y = value_binary(about->op, all[0], all[1], HERE); break;
    case SHAPE_LIST: y = value_list(about->op, all, n, HERE); break;
    default: y = value_pairs(about->op, all, all + n + about->has_bias, n, about->has_bias ? all[n] : NULL, HERE);
    }
    return v_mul(about->scale, y);
}

/* Params side by side, so that a list of them has no list of its own in the node. */
static Task op_task(OpTask *about, OpCode op)
{
    *about = (OpTask){.op = op};
    for (size_t i = 0; i < OPERANDS_MOST; i++) {
        about->params[i] = v_param(g, 1);
        about->same_as[i] = i;
    }
    about->scale = v_param(g, 1.5);
    Task task = {.loss = op_loss, .about = about, .graph = g, .inputs = OPERANDS_MOST};
    task_begin(&task);
    return task;
}

/* All pairs of awkward numbers, as inputs 0 and 1. */
static double *rows_of_pairs(void)
{
    double *rows = numbers_new((size_t)PAIRS * OPERANDS_MOST);
    memset(rows, 0, (size_t)PAIRS * OPERANDS_MOST * sizeof *rows);
    for (size_t i = 0; i < PAIRS; i++) {
        rows[i * OPERANDS_MOST] = awkward[i % AWKWARD];
        rows[i * OPERANDS_MOST + 1] = awkward[i / AWKWARD];
    }
    return rows;
}

/* Each row by itself: in a sum over rows one NaN hides all else. */
static void expect_same_row_by_row(const Task *task, Program *program, const double *rows, size_t count, double seed,
                                   const char *what)
{
    for (size_t s = 0; s < count; s++)
        expect_same(task, program, ordinary_order, rows + s * task->inputs, 1, seed, what);
}

/* Whether operand i has a number of its own, and whether that is in the rows. */
static bool is_own(const OpTask *about, size_t i) { return i < about->operands && about->same_as[i] == i; }
static bool is_fixed(const OpTask *about, size_t i)
{
    return is_own(about, i) && (about->kinds[i] == OF_PARAM || about->kinds[i] == OF_CONST);
}

/* What is not in the rows, params and constants, goes through the awkward numbers too. */
static void expect_same_at_awkward(const Task *task, OpTask *about, const double *rows)
{
    const bool fixed[2] = {is_fixed(about, 0), is_fixed(about, 1)};
    const size_t used = is_own(about, 1) && !fixed[1] ? PAIRS : fixed[0] ? 1 : AWKWARD;
    char what[64];
    for (size_t i = 0; i < (fixed[0] ? AWKWARD : 1); i++)
        for (size_t j = 0; j < (fixed[1] ? AWKWARD : 1); j++) {
            about->constants[0] = about->params[0]->data = fixed[0] ? awkward[i] : 1;
            about->constants[1] = about->params[1]->data = fixed[1] ? awkward[j] : 1;
            Program *program = task_record(task, rows);
            snprintf(what, sizeof what, "%s of kinds %d and %d, %g, %g", op_table[about->op].name, about->kinds[0],
                     about->kinds[1], about->constants[0], about->constants[1]);
            expect_same_row_by_row(task, program, rows, used, 0.75, what);
            expect_same(task, program, documented_order, rows, 40, 0.75, what);
            program_free(program);
        }
}

static void check_op_of_one_or_two(OpCode op, const double *rows)
{
    OpTask about;
    const Task task = op_task(&about, op);
    about.operands = op_table[op].shape == SHAPE_UNARY ? 1 : 2;
    for (about.kinds[0] = 0; about.kinds[0] < KINDS; about.kinds[0]++) {
        about.same_as[1] = 1;
        for (about.kinds[1] = 0; about.kinds[1] < (about.operands == 1 ? 1 : KINDS); about.kinds[1]++)
            expect_same_at_awkward(&task, &about, rows);
        about.same_as[1] = 0;
        about.kinds[1] = 0;
        expect_same_at_awkward(&task, &about, rows);
    }
}

Test(replay, every_op_of_one_or_two_operands_at_awkward_points)
{
    double *rows = rows_of_pairs();
    for (OpCode op = OP_CONST + 1; op < OP_COUNT; op++)
        if (op_table[op].shape == SHAPE_UNARY || op_table[op].shape == SHAPE_BINARY)
            check_op_of_one_or_two(op, rows);
    free(rows);
}

/* A number, awkward one time in so many; 0: never. Tame ones are 0 now and then. */
static double draw_number(Random *random, uint64_t awkward_in)
{
    if (awkward_in > 0 && random_below(random, awkward_in) == 0)
        return awkward[random_below(random, AWKWARD)];
    return random_below(random, 8) == 0 ? 0 : random_uniform(random, -2, 2);
}

/* Kinds at random, and now and then the same node twice; or all alike, side by side in memory; or as in a neuron, with
 * params in a and neither params nor constants in b, or the other way round. */
static void draw_operands(OpTask *about, Random *random)
{
    enum { ALIKE, NEURON, MIXED_TOO } mode = random_below(random, 4);
    const bool pairs = op_table[about->op].shape == SHAPE_PAIRS, mixed = mode >= MIXED_TOO;
    const Kind kinds[2] = {mode == NEURON ? OF_PARAM : (Kind)random_below(random, KINDS),
                           random_below(random, 2) == 0 ? OF_INPUT : COMPUTED};
    const bool turned = random_below(random, 3) == 0;
    const uint64_t awkward_in = random_below(random, 2) == 0 ? 6 : 0;
    about->n = 1 + random_below(random, 9);
    about->has_bias = pairs && random_below(random, 2) == 0;
    about->operands = (pairs ? 2 : 1) * about->n + about->has_bias;
    for (size_t i = 0; i < about->operands; i++) {
        const bool in_a = i < about->n + about->has_bias;
        about->kinds[i] = mixed ? (Kind)random_below(random, KINDS) : kinds[mode == NEURON && in_a == turned];
        about->same_as[i] = mixed && i > 0 && random_below(random, 4) == 0 ? random_below(random, i) : i;
        about->constants[i] = draw_number(random, awkward_in);
        about->params[i]->data = draw_number(random, awkward_in);
    }
}

/* Each use of a param counts, so the order is that of the uses. */
static void check_op_of_lists(OpCode op, Random *random)
{
    enum { DRAWS = 200, ROWS = 40 };
    static const double seeds[] = {0.75, 0.75, 0.75, INFINITY, 0};
    double rows[ROWS * OPERANDS_MOST];
    char what[64];
    OpTask about;
    const Task task = op_task(&about, op);
    for (size_t draw = 0; draw < DRAWS; draw++) {
        draw_operands(&about, random);
        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
            rows[i] = draw_number(random, draw % 2 == 0 ? 8 : 0);
        snprintf(what, sizeof what, "%s of %zu, draw %zu", op_table[op].name, about.n, draw);
        Program *program = task_record(&task, rows);
        expect_same(&task, program, documented_order, rows, ROWS, seeds[draw % 5], what);
        expect_same_row_by_row(&task, program, rows, ROWS, seeds[draw % 5], what);
        program_free(program);
    }
}

Test(replay, every_op_of_lists_at_awkward_points)
{
    Random random;
    random_seed(&random, 5);
    for (OpCode op = OP_CONST + 1; op < OP_COUNT; op++)
        if (op_table[op].shape == SHAPE_LIST || op_table[op].shape == SHAPE_PAIRS)
            check_op_of_lists(op, &random);
}

/* ---- seeds, and what was there before ---------------------------------------------------------------------------- */

/* √x is infinitely steep at 0, and log below 0 has no slope: with a gradient of 0 behind it, neither counts. */
static Value *steep_loss(const Task *task, Value **x)
{
    Value *root = v_sqrt(v_mul(task->params[0], x[0])), *none = v_log(v_mul(task->params[1], x[1]));
    return v_add(v_mul(root, x[2]), v_mul(v_relu(none), x[2]));
}

Test(replay, a_gradient_of_zero_passes_nothing_on)
{
    v_param(g, 1), v_param(g, 1);
    Task task = {.loss = steep_loss, .graph = g, .inputs = 3};
    task_begin(&task);
    double rows[MOST_ROWS * 3];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        rows[i] = awkward[(i + i / 7) % AWKWARD];
    expect_same_for_all_counts(&task, ordinary_order, rows, "a steep loss");
    Program *program = task_record(&task, rows);
    static const double seeds[] = {0, -0.0, 1e-320, 1e308, INFINITY, NAN};
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++)
        expect_same(&task, program, ordinary_order, rows, MOST_ROWS, seeds[i], "a steep loss with another seed");
    program_free(program);
}

/* w·x, whose sum of gradients is known. */
static Value *times_param(const Task *task, Value **x) { return v_mul(task->params[0], x[0]); }

static Task product_task(void)
{
    Task task = {.loss = times_param, .graph = g, .inputs = 1};
    v_param(g, 3);
    task_begin(&task);
    return task;
}

Test(replay, gradients_are_added_from_the_last_sample_to_the_first)
{
    const Task task = product_task();
    const double rows[] = {1e17, 1, -1e17, 3}; /* 3 − 1e17 + 1 + 1e17 is 0: the small ones are lost on the way */
    Program *program = task_record(&task, rows);
    double losses[4];
    program_replay(program, rows, 4, 1, losses);
    cr_expect_eq(task.params[0]->grad, (((3 + -1e17) + 1) + 1e17), "%g", task.params[0]->grad);
    cr_expect(losses[0] == 3e17 && losses[1] == 3 && losses[3] == 9, "%g %g %g", losses[0], losses[1], losses[3]);
    task.params[0]->grad = 0.25;
    program_replay(program, rows + 1, 1, 2, NULL);
    cr_expect_eq(task.params[0]->grad, 2.25, "%g: it adds", task.params[0]->grad);
    program_replay(program, rows, 0, 2, NULL);
    cr_expect_eq(task.params[0]->grad, 2.25, "%g: of no sample, nothing", task.params[0]->grad);
    program_free(program);
}

/* A short block has lanes that nobody asked for: what was in them before does not count. */
Test(replay, samples_of_an_earlier_replay_leave_nothing_behind)
{
    const Task task = product_task();
    double rows[PROGRAM_BLOCK];
    Program *program = task_record(&task, (double[]){1});
    for (size_t i = 0; i < PROGRAM_BLOCK; i++)
        rows[i] = i % 2 == 0 ? NAN : INFINITY;
    program_replay(program, rows, PROGRAM_BLOCK, 1, NULL);
    for (size_t count = 1; count < PROGRAM_BLOCK; count++) {
        rows[count - 1] = 1;
        task.params[0]->grad = 0;
        program_replay(program, rows, count, 1, NULL);
        cr_expect_eq(task.params[0]->grad, (double)count, "%zu: %g", count, task.params[0]->grad);
    }
    program_free(program);
}

Test(replay, losses_are_written_for_the_samples_alone)
{
    const Task task = product_task();
    double rows[MOST_ROWS], losses[MOST_ROWS + 1];
    Program *program = task_record(&task, (double[]){1});
    for (size_t i = 0; i < COUNTS; i++) {
        for (size_t s = 0; s < MOST_ROWS; s++)
            rows[s] = (double)s;
        losses[counts[i]] = -5;
        program_replay(program, rows, counts[i], 1, losses);
        cr_expect_eq(losses[counts[i]], -5, "%zu samples: more was written", counts[i]);
        for (size_t s = 0; s < counts[i]; s++)
            cr_expect_eq(losses[s], 3 * (double)s, "sample %zu of %zu: %g", s, counts[i], losses[s]);
    }
    program_free(program);
}

/* ---- networks ---------------------------------------------------------------------------------------------------- */

typedef struct Net {
    MLP *net;
    size_t inputs, outputs;
    bool squared;
} Net;

/* The inputs are those of the network, and then the targets. */
static Value *net_loss(const Task *task, Value **x)
{
    const Net *about = task->about;
    Value **y = mlp_forward(about->net, x), **targets = x + about->inputs;
    return about->squared ? mean_squared_error(y, targets, about->outputs)
                          : cross_entropy_one_hot(y, targets, about->outputs);
}

static Task net_task(Graph *graph, Net *about, const size_t *sizes, size_t count, Activation activation)
{
    Random random;
    random_seed(&random, 11);
    about->net = mlp_new(graph, sizes, count, activation);
    about->inputs = sizes[0];
    about->outputs = sizes[count - 1];
    mlp_init(about->net, INIT_PYTORCH, &random);
    Task task = {.loss = net_loss, .about = about, .graph = graph, .inputs = sizes[0] + sizes[count - 1]};
    task_begin(&task);
    return task;
}

static const struct {
    size_t sizes[4], count;
} shapes[] = {{{1, 1}, 2}, {{2, 1, 2}, 3}, {{3, 33, 2}, 3}, {{2, 64, 3}, 3}, {{5, 7, 4, 1}, 4}};

Test(replay, networks_of_all_activations_and_widths)
{
    for (size_t shape = 0; shape < sizeof shapes / sizeof *shapes; shape++)
        for (Activation activation = ACTIVATION_NONE; activation <= ACTIVATION_SIGMOID; activation++) {
            Graph *graph = graph_new();
            Net about = {.squared = (shape + activation) % 2 == 0};
            const Task task = net_task(graph, &about, shapes[shape].sizes, shapes[shape].count, activation);
            char what[64];
            snprintf(what, sizeof what, "network %zu, %s, %s", shape, activation_name(activation),
                     about.squared ? "squared error" : "cross-entropy");
            double *rows = random_rows(MOST_ROWS, task.inputs, shape);
            expect_same_for_all_counts(&task, ordinary_order, rows, what);
            free(rows);
            graph_free(graph);
        }
}

/* In one sample a neuron of the second layer is at -infinity, where relu lets no gradient through. So the layer may not
 * leave out looking at each path, and still passes on what the other samples and neurons have. */
Test(replay, a_neuron_at_infinity_takes_nothing_from_the_others)
{
    static const size_t sizes[] = {1, 3, 3, 1};
    Graph *graph = graph_new();
    Net about = {.squared = true};
    const Task task = net_task(graph, &about, sizes, 4, ACTIVATION_RELU);
    for (size_t i = 0; i < 3; i++)
        about.net->layers[1].neurons[0].w[i]->data = -1e200;
    double *rows = random_rows(MOST_ROWS, task.inputs, 1);
    rows[0] = 1e200;
    expect_same_for_all_counts(&task, ordinary_order, rows, "a neuron at infinity");
    free(rows);
    graph_free(graph);
}

/* Two neurons, one after the other, that look like a layer and are none: what lanes.h may take together is for them to
 * show. With `between` there is a constant between their values. */
typedef struct Pair {
    const char *what;
    size_t w[2], x[2], n[2]; /* where weights and inputs of each begin, and how many they are */
    bool bias[2], between;
} Pair;

static const Pair pairs[] = {
    {"the second's weights come first", {3, 0}, {0, 0}, {3, 3}, {false, false}, false},
    {"weights are left out between them", {0, 4}, {0, 0}, {3, 3}, {false, false}, false},
    {"they share weights", {0, 1}, {0, 0}, {3, 3}, {false, false}, false},
    {"each has inputs of its own", {0, 3}, {0, 3}, {3, 3}, {false, false}, false},
    {"only the first has a bias", {0, 3}, {0, 0}, {2, 2}, {true, false}, false},
    {"only the second has a bias", {0, 2}, {0, 0}, {2, 2}, {false, true}, false},
    {"the second has more inputs", {0, 2}, {0, 0}, {2, 3}, {false, false}, false},
    {"there is a constant between them", {0, 3}, {0, 0}, {3, 3}, {false, false}, true},
};

static Value *pair_loss(const Task *task, Value **x)
{
    const Pair *pair = task->about;
    Value *z[2], *between = NULL;
    for (size_t i = 0; i < 2; i++) {
        Value **w = task->params + pair->w[i];
        z[i] = pair->bias[i] ? v_dot_bias(w, x + pair->x[i], pair->n[i], w[pair->n[i]])
                             : v_dot(w, x + pair->x[i], pair->n[i]);
        if (pair->between && i == 0)
            between = v_const(task->graph, 0.5);
    }
    Value *squares = v_dot(z, z, 2);
    return between != NULL ? v_mul(squares, between) : squares;
}

Test(replay, neurons_that_are_no_layer)
{
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        Graph *graph = graph_new();
        for (size_t p = 0; p < 7; p++)
            v_param(graph, 0.3 * (double)p - 0.8);
        Task task = {.loss = pair_loss, .about = &pairs[i], .graph = graph, .inputs = 6};
        task_begin(&task);
        const bool shares = pairs[i].w[1] == 1;
        double *rows = random_rows(MOST_ROWS, task.inputs, i);
        expect_same_for_all_counts(&task, shares ? documented_order : ordinary_order, rows, pairs[i].what);
        free(rows);
        graph_free(graph);
    }
}

/* The bits are the same, but without layers it would be slow: `layers` has one number for each step, and then no more.
 */
static void expect_layers(Value *loss, Value **x, size_t inputs, const size_t *layers, const char *what)
{
    Program *program = program_record(loss, x, inputs, NULL);
    size_t in_layer = 0;
    cr_assert_not_null(program, "no memory");
    cr_expect_eq(program->run_count, 1, "%s: %zu threads have a run", what, program->run_count);
    for (size_t i = 0; i < program->step_count; i++) {
        const Step *step = &program->steps[i];
        const size_t before = in_layer > 0 ? step[-1].before + 1 : 0;
        in_layer = step->layer > 0 ? step->layer - 1 : in_layer > 0 ? in_layer - 1 : 0;
        cr_expect(step->layer == layers[i] && step->before == (step->is_neuron ? before : 0),
                  "%s: step %zu begins a layer of %zu, and %zu are before it; want %zu, %zu", what, i, step->layer,
                  step->before, layers[i], before);
        cr_expect_eq(step->is_neuron, step->op == OP_DOT && step->a[0] < program->param_count, "%s: step %zu", what, i);
    }
    program_free(program);
}

Test(replay, neurons_that_follow_one_another_are_a_layer)
{
    Graph *graph = graph_new();
    Value *w[7], *x[6];
    MLP *net = mlp_new(graph, (size_t[]){2, 3, 2}, 3, ACTIVATION_TANH);
    for (size_t i = 0; i < 7; i++)
        w[i] = v_param(graph, 1);
    for (size_t i = 0; i < 6; i++)
        x[i] = v_input(graph, 1);
    Value **y = mlp_forward(net, x);
    expect_layers(v_add(y[0], y[1]), x, 2, (const size_t[]){3, 0, 0, 0, 0, 0, 2, 0, 0}, "a network");
    Value *first = v_dot(x, w, 3), *second = v_dot(w + 3, x, 3);
    expect_layers(v_add(first, second), x, 3, (const size_t[]){2, 0, 0}, "the weights stand on either side");
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        const Task task = {.about = &pairs[i], .graph = graph, .params = w};
        const bool is_one = pairs[i].w[1] == 4; /* what is between the weights is not used, and so has no place */
        expect_layers(pair_loss(&task, x), x, 6, (const size_t[]){1 + is_one, !is_one, 0, 0}, pairs[i].what);
    }
    graph_free(graph);
}

/* A sum of three losses of two networks, one of which is fed by the other. */
typedef struct TwoNets {
    MLP *first, *second;
} TwoNets;

static Value *several_losses(const Task *task, Value **x)
{
    const TwoNets *about = task->about;
    Value **h = mlp_forward(about->first, x), **y = mlp_forward(about->second, h);
    Value *squared = mean_squared_error(h, x + 2, 3), *entropy = cross_entropy_one_hot(y, x + 2, 3);
    Value *parts[] = {squared, v_mul(entropy, 0.5), v_abs(y[1])};
    return v_sum(parts, 3);
}

Test(replay, several_losses_of_two_networks)
{
    Random random;
    random_seed(&random, 2);
    TwoNets about = {mlp_new(g, (size_t[]){2, 5, 3}, 3, ACTIVATION_TANH),
                     mlp_new(g, (size_t[]){3, 4, 3}, 3, ACTIVATION_RELU)};
    mlp_init(about.first, INIT_PYTORCH, &random);
    mlp_init(about.second, INIT_PYTORCH, &random);
    Task task = {.loss = several_losses, .about = &about, .graph = g, .inputs = 5};
    task_begin(&task);
    double *rows = random_rows(MOST_ROWS, task.inputs, 3);
    expect_same_for_all_counts(&task, ordinary_order, rows, "several losses");
    free(rows);
}

/* ---- two moons --------------------------------------------------------------------------------------------------- */

enum { BATCH = 64, EPOCHS = 2 };

static Optimizer *moons_task(Graph *graph, Task *task, Net *about)
{
    Error error = {""};
    *about = (Net){mlp_open(graph, "lessons/data/moons/init.txt", &error), 2, 2, false};
    cr_assert(about->net != NULL, "%s", error.message);
    *task = (Task){.loss = net_loss, .about = about, .graph = graph, .inputs = 4};
    task_begin(task);
    return sgd_new(task->params, task->param_count, (SGD){.lr = 0.05});
}

/* Two numbers, and the class as 1 0 or 0 1. */
static double *moons_rows(size_t *count)
{
    Error error = {""};
    Dataset data;
    cr_assert(csv_load("lessons/data/moons/data.csv", &data, &error), "%s", error.message);
    double *rows = numbers_new(data.count * 4);
    for (size_t i = 0; i < data.count; i++) {
        memcpy(rows + 4 * i, dataset_row(&data, i), 2 * sizeof *rows);
        rows[4 * i + 2] = data.label[i] == 0;
        rows[4 * i + 3] = data.label[i] == 1;
    }
    *count = data.count;
    dataset_free(&data);
    return rows;
}

Test(replay, two_moons_are_trained_to_the_same_bits)
{
    Graph *graphs[2] = {g, graph_new()};
    Net about[2];
    Task task[2];
    size_t count;
    double *rows = moons_rows(&count), losses[2][BATCH];
    Optimizer *sgd[2] = {moons_task(graphs[0], &task[0], &about[0]), moons_task(graphs[1], &task[1], &about[1])};
    Program *program = task_record(&task[1], rows);
    const double start = task[1].params[0]->data;
    for (size_t epoch = 0; epoch < EPOCHS; epoch++)
        for (size_t from = 0; from < count; from += BATCH) {
            const size_t n = count - from < BATCH ? count - from : BATCH;
            optimizer_zero_grad(sgd[0]), optimizer_zero_grad(sgd[1]);
            ordinary_order(&task[0], rows + 4 * from, n, 1.0 / (double)n, losses[0]);
            program_replay(program, rows + 4 * from, n, 1.0 / (double)n, losses[1]);
            expect_same_numbers("two moons", "losses", losses[1], losses[0], n);
            optimizer_step(sgd[0]), optimizer_step(sgd[1]);
        }
    size_t different = 0;
    for (size_t i = 0; i < task[0].param_count; i++)
        different += !same_bits(task[0].params[i]->data, task[1].params[i]->data);
    cr_expect_eq(different, 0, "%zu of %zu params differ", different, task[0].param_count);
    cr_expect_neq(task[1].params[0]->data, start, "nothing was trained");
    program_free(program);
    optimizer_free(sgd[0]), optimizer_free(sgd[1]);
    free(rows);
    graph_free(graphs[1]);
}

/* ---- golden graphs ----------------------------------------------------------------------------------------------- */

/* Leaf i is a param, or, if `every` divides i + 1, an input. */
typedef struct Golden {
    const AdgGraph *from;
    size_t every;
    Value **params;
} Golden;

/* log-softmax and cross-entropy as a program can have them: without a look at which logit is the largest. */
static Value *golden_op(const AdgNode *node, Value **args)
{
    if (!adg_op_has_imm(node->op))
        return adg_build_op(node->op, 0, args, node->arg_count);
    return v_sub(v_logsumexp(args, node->arg_count), args[node->imm]);
}

static Value *golden_loss(const Task *task, Value **x)
{
    const Golden *about = task->about;
    const AdgGraph *from = about->from;
    Value **nodes = calloc(from->node_count, sizeof *nodes), **args = calloc(from->arg_count + 1, sizeof *args);
    size_t leaf = 0;
    for (size_t i = 0; i < from->node_count; i++) {
        const AdgNode *node = &from->nodes[i];
        for (size_t k = 0; k < node->arg_count; k++)
            args[k] = nodes[from->args[node->first_arg + k]];
        switch (node->kind) {
        case ADG_LEAF:
            nodes[i] = (leaf + 1) % about->every == 0 ? x[leaf] : about->params[leaf];
            leaf++;
            break;
        case ADG_CONST: nodes[i] = v_const(task->graph, node->number); break;
        case ADG_OP: nodes[i] = golden_op(node, args); break;
        }
    }
    Value *root = nodes[from->root];
    free(nodes), free(args);
    return root;
}

/* So many rows, each with the leaves' numbers a little further off. True if the root depends on a param. */
static bool check_golden(const AdgGraph *from, size_t every, size_t count)
{
    enum { ROWS_MOST = 33, LEAVES_MOST = 600 };
    static double rows[ROWS_MOST * LEAVES_MOST];
    cr_assert(from->leaf_count <= LEAVES_MOST && count <= ROWS_MOST, "%zu leaves", from->leaf_count);
    Graph *graph = graph_new();
    Value *leaves[LEAVES_MOST];
    for (size_t i = 0; i < from->leaf_count; i++)
        leaves[i] = v_param(graph, from->nodes[from->leaves[i]].number);
    const Golden about = {from, every, leaves};
    Task task = {.loss = golden_loss, .about = &about, .graph = graph, .inputs = from->leaf_count};
    task_begin(&task);
    for (size_t s = 0; s < count; s++)
        for (size_t i = 0; i < from->leaf_count; i++)
            rows[s * from->leaf_count + i] = leaves[i]->data * (1 + (double)s / 64);
    const bool differentiable = golden_loss(&task, task_inputs(&task, rows))->needs_grad;
    char what[64];
    snprintf(what, sizeof what, "golden graph %zu (%s), %zu rows", from->id, from->class_name, count);
    if (differentiable) {
        Program *program = task_record(&task, rows);
        expect_same(&task, program, count == 1 ? ordinary_order : documented_order, rows, count, 0.75, what);
        program_free(program);
    }
    graph_free(graph);
    return differentiable;
}

/* All leaves as params, and the numbers as they are; and every second or third leaf as an input. */
static size_t check_golden_file(const char *path)
{
    AdgReader reader;
    AdgGraph graph = {0};
    Error error = {""};
    size_t checked = 0;
    cr_assert(adg_open(&reader, path, &error), "%s", error.message);
    while (adg_next(&reader, &graph, &error) == ADG_GRAPH) {
        checked += check_golden(&graph, SIZE_MAX, 1);
        checked += check_golden(&graph, 2, 33);
        checked += check_golden(&graph, 3, 33);
    }
    adg_graph_free(&graph);
    adg_close(&reader);
    return checked;
}

Test(replay, golden_graphs)
{
    const size_t checked = check_golden_file("tests/golden/graphs.adg") + check_golden_file("tests/golden/traps.adg");
    cr_expect(checked > 450, "only %zu of 3 x 181 had a gradient", checked);
}

/* ---- params that a sample uses several times --------------------------------------------------------------------- */

/* A recurrent neuron, h ← tanh(w·h + u·x + c), and in the end the square of h, of which w takes a part once more. */
static Value *recurrent_loss(const Task *task, Value **x)
{
    Value *w = task->params[0], *u = task->params[1], *c = task->params[2], *h = v_tanh(x[0]);
    for (size_t t = 1; t < task->inputs; t++) {
        Value *by[] = {w, u}, *of[] = {h, x[t]};
        h = v_tanh(v_dot_bias(by, of, 2, c));
    }
    return v_add(v_mul(h, h), v_mul(w, w));
}

static Task recurrent_task(void)
{
    Task task = {.loss = recurrent_loss, .graph = g, .inputs = 5};
    v_param(g, 0.7), v_param(g, -1.1), v_param(g, 0.2);
    task_begin(&task);
    return task;
}

/* A transformer in small: one-hot tokens, one head that sees what came before, and what comes next as one-hot, too. */
enum { TOKENS = 4, LETTERS = 5, WIDTH = 3 };
typedef struct Transformer {
    Matrix embedding, query, key, value, out;
} Transformer;

/* softmax as a program can have it: e^(z − log Σ e^z) */
static void softmax(Value **z, size_t n, Value **p)
{
    Value *log_sum = v_logsumexp(z, n);
    for (size_t i = 0; i < n; i++)
        p[i] = v_exp(v_sub(z[i], log_sum));
}

static Matrix attention(const Transformer *about, Matrix e)
{
    const Matrix v = matmul(e, about->value);
    const Matrix z = matrix_mul(matmul_transposed(matmul(e, about->query), matmul(e, about->key)), 1 / sqrt(WIDTH));
    Value *out[TOKENS * WIDTH];
    for (size_t t = 0; t < TOKENS; t++) {
        Value *p[TOKENS];
        softmax(&z.at[t * TOKENS], t + 1, p);
        const Matrix seen = matmul(matrix_from_values(p, 1, t + 1), matrix_slice(v, 0, t + 1, 0, WIDTH));
        memcpy(out + t * WIDTH, seen.at, WIDTH * sizeof *out);
    }
    return matrix_add(e, matrix_from_values(out, TOKENS, WIDTH));
}

static Value *transformer_loss(const Task *task, Value **x)
{
    const Transformer *about = task->about;
    const Matrix e = matmul(matrix_from_values(x, TOKENS, LETTERS), about->embedding);
    const Matrix z = matmul(matrix_map(attention(about, e), OP_GELU), about->out);
    Value *losses[TOKENS];
    for (size_t t = 0; t < TOKENS; t++)
        losses[t] = cross_entropy_one_hot(&z.at[t * LETTERS], x + (TOKENS + t) * LETTERS, LETTERS);
    return mean_loss(losses, TOKENS);
}

static Task transformer_task(Transformer *about)
{
    Random random;
    random_seed(&random, 3);
    about->embedding = matrix_param_normal(g, LETTERS, WIDTH, 1, &random);
    about->query = matrix_param_normal(g, WIDTH, WIDTH, 1, &random);
    about->key = matrix_param_normal(g, WIDTH, WIDTH, 1, &random);
    about->value = matrix_param_normal(g, WIDTH, WIDTH, 1, &random);
    about->out = matrix_param_normal(g, WIDTH, LETTERS, 1, &random);
    Task task = {.loss = transformer_loss, .about = about, .graph = g, .inputs = 2 * TOKENS * LETTERS};
    task_begin(&task);
    return task;
}

/* Each token, and the one after it, is one of the letters. */
static double *rows_of_letters(size_t count)
{
    Random random;
    random_seed(&random, 4);
    double *rows = numbers_new(count * 2 * TOKENS * LETTERS);
    memset(rows, 0, count * 2 * TOKENS * LETTERS * sizeof *rows);
    for (size_t i = 0; i < count * 2 * TOKENS; i++)
        rows[i * LETTERS + random_below(&random, LETTERS)] = 1;
    return rows;
}

Test(replay, the_order_of_the_uses_is_the_documented_one)
{
    const Task task = recurrent_task();
    double *rows = random_rows(MOST_ROWS, task.inputs, 6);
    expect_same_for_all_counts(&task, documented_order, rows, "a recurrent neuron");
    free(rows);
}

Test(replay, a_transformer)
{
    Transformer about;
    const Task task = transformer_task(&about);
    double *rows = rows_of_letters(MOST_ROWS);
    expect_same_for_all_counts(&task, documented_order, rows, "a transformer");
    free(rows);
}

/* Each of n additions rounds by at most half an ulp of what was added up so far, which is at most Σ |products| and what
 * was there before. So two orders of the same n products differ by n·2⁻⁵² of that sum at most. */
static void add_bounds(const Task *task, const double *rows, size_t count, double seed, double *bounds)
{
    double *losses = numbers_new(count);
    UseByUse all = use_by_use_begin(task, rows, count);
    use_by_use_run(&all, rows, seed, losses);
    for (size_t j = 0; j < task->param_count; j++) {
        double n = 0, sum = fabs(task->params[j]->grad);
        for (size_t u = 0; u < all.first[all.nodes] * count; u++)
            if (all.uses[u] != NULL && value_parent(all.uses[u], 0) == task->params[j]) {
                n++;
                sum += fabs(all.uses[u]->grad);
            }
        bounds[j] = n * DBL_EPSILON * sum;
    }
    use_by_use_end(&all);
    free(losses);
}

/* Returns how many gradients have other bits than the ordinary order gives them. */
static size_t expect_within_rounding(const Task *task, const double *rows, size_t count)
{
    double *losses = numbers_new(count), *bounds = numbers_new(task->param_count);
    size_t different = 0;
    Program *program = task_record(task, rows);
    set_gradients(task);
    ordinary_order(task, rows, count, 1.0 / (double)count, losses);
    double *want = gradients_of(task);
    set_gradients(task);
    add_bounds(task, rows, count, 1.0 / (double)count, bounds);
    set_gradients(task);
    program_replay(program, rows, count, 1.0 / (double)count, NULL);
    for (size_t j = 0; j < task->param_count; j++) {
        const double off = fabs(task->params[j]->grad - want[j]);
        cr_expect(off <= bounds[j] && bounds[j] < 1e-10, "param %zu: off by %g, allowed %g", j, off, bounds[j]);
        different += off > 0;
    }
    program_free(program);
    free(losses), free(bounds), free(want);
    return different;
}

Test(replay, another_order_of_the_uses_is_no_more_than_rounding)
{
    const Task recurrent = recurrent_task();
    double *rows = random_rows(MOST_ROWS, recurrent.inputs, 6), *letters = rows_of_letters(MOST_ROWS);
    size_t different = expect_within_rounding(&recurrent, rows, MOST_ROWS);
    Transformer about;
    const Task transformer = transformer_task(&about);
    different += expect_within_rounding(&transformer, letters, MOST_ROWS);
    cr_expect(different > 0, "no bit differs: nothing was tested");
    free(rows), free(letters);
}

/* ---- threads ----------------------------------------------------------------------------------------------------- */

/* By hand: the gradient of each block apart, from 0, by the order below; then all blocks, from the last to the first.
 */
static ByHand *order_in_block;
static void block_after_block(const Task *task, const double *rows, size_t count, double seed, double *losses)
{
    const size_t blocks = (count + PROGRAM_BLOCK - 1) / PROGRAM_BLOCK;
    double *before = gradients_of(task), **of_block = calloc(blocks + 1, sizeof *of_block);
    for (size_t b = 0; b < blocks; b++) {
        const size_t from = b * PROGRAM_BLOCK, n = count - from < PROGRAM_BLOCK ? count - from : PROGRAM_BLOCK;
        for (size_t i = 0; i < task->param_count; i++)
            task->params[i]->grad = 0;
        order_in_block(task, rows + from * task->inputs, n, seed, losses + from);
        of_block[b] = gradients_of(task);
    }
    for (size_t i = 0; i < task->param_count; i++) {
        task->params[i]->grad = before[i];
        for (size_t b = blocks; b-- > 0;)
            task->params[i]->grad += of_block[b][i];
    }
    for (size_t b = 0; b < blocks; b++)
        free(of_block[b]);
    free(of_block), free(before);
}

/* Counts below and above a block, and one round of so many threads with 8 blocks each. */
static void expect_same_with_threads(const Task *task, Program *program, size_t threads, const double *rows,
                                     size_t most)
{
    const size_t round = threads * 8 * PROGRAM_BLOCK;
    const size_t some[] = {0, 1, 32, 33, 100, round - 1, round, round + 1, 2 * round + 40};
    char what[64];
    cr_assert(program_use_threads(program, threads));
    for (size_t i = 0; i < sizeof some / sizeof *some; i++) {
        if (some[i] > most)
            continue;
        snprintf(what, sizeof what, "%zu threads, %zu rows", threads, some[i]);
        expect_same(task, program, block_after_block, rows, some[i], 0.3, what);
    }
}

enum { MANY_ROWS = 4200 };

static void check_threads(const Task *task, ByHand *order, const double *rows)
{
    static const size_t threads[] = {1, 2, 3, 5, 16, 2};
    order_in_block = order;
    Program *program = task_record(task, rows);
    for (size_t i = 0; i < sizeof threads / sizeof *threads; i++)
        expect_same_with_threads(task, program, threads[i], rows, MANY_ROWS);
    cr_assert(program_use_threads(program, 0));
    expect_same(task, program, order, rows, MOST_ROWS, 0.3, "no threads again");
    program_free(program);
}

Test(replay, any_number_of_threads_has_the_bits_of_block_after_block)
{
    Net about = {.squared = false};
    const Task net = net_task(g, &about, (size_t[]){2, 5, 2}, 3, ACTIVATION_TANH);
    double *rows = random_rows(MANY_ROWS, net.inputs, 8);
    check_threads(&net, ordinary_order, rows);
    free(rows);
}

Test(replay, threads_with_params_that_are_used_several_times)
{
    const Task task = recurrent_task();
    double *rows = random_rows(MANY_ROWS, task.inputs, 9);
    check_threads(&task, documented_order, rows);
    free(rows);
}

/* As several machines would: blocks 0 and 1 here, the others there, and all gradients together at last. */
Test(replay, blocks_apart_are_what_threads_add_up)
{
    Net about = {.squared = true};
    const Task task = net_task(g, &about, (size_t[]){2, 5, 2}, 3, ACTIVATION_RELU);
    enum { ROWS = 3 * PROGRAM_BLOCK + 7, HERE_ROWS = 2 * PROGRAM_BLOCK };
    double *rows = random_rows(ROWS, task.inputs, 10), losses[2][ROWS];
    Program *program = task_record(&task, rows);
    const size_t n = program_param_count(program);
    cr_assert_eq(n, task.param_count, "%zu params", n);
    double *gradients = numbers_new(4 * n);
    set_gradients(&task);
    double *before = gradients_of(&task);
    program_replay_blocks(program, rows, HERE_ROWS, 0.3, losses[0], gradients);
    program_replay_blocks(program, rows + HERE_ROWS * task.inputs, ROWS - HERE_ROWS, 0.3, NULL, gradients + 2 * n);
    double *after = gradients_of(&task);
    expect_same_numbers("blocks apart", "gradients that should stay", after, before, n);
    program_add_blocks(program, gradients, 4);
    double *got = gradients_of(&task);
    cr_assert(program_use_threads(program, 2));
    set_gradients(&task);
    program_replay(program, rows, ROWS, 0.3, losses[1]);
    double *want = gradients_of(&task);
    expect_same_numbers("blocks apart", "gradients", got, want, n);
    expect_same_numbers("blocks apart", "losses", losses[0], losses[1], HERE_ROWS);
    program_replay_blocks(program, rows, 0, 0.3, losses[0], gradients);
    program_add_blocks(program, gradients, 0);
    free(got), got = gradients_of(&task);
    expect_same_numbers("no block", "gradients", got, want, n);
    program_free(program);
    free(rows), free(gradients), free(before), free(after), free(got), free(want);
}

/* ---- vmath.h ----------------------------------------------------------------------------------------------------- */

/* exp and tanh of vmath.h are within 1.5 ulp, those of a C library within 2.5 (glibc: 0.51 and 2.17), and an ulp is at
 * most 2⁻⁵² of the number: so they differ by 4·2⁻⁵² of it. An op takes one or two of them, and at most six roundings of
 * half an ulp around them, nor does it make a relative error larger: hence 16. Where it adds numbers of both signs, the
 * error is one of the largest of them, which is at most 1.2 with what is below. Below the normal numbers an ulp is as
 * large as it is at their beginning. */
static double bound_with_vmath(OpCode op, double number)
{
    const bool cancels = op == OP_LOGSUMEXP || op == OP_GELU || op == OP_TANH;
    return 16 * DBL_EPSILON * fmax(fabs(number), cancels ? 1.2 : DBL_MIN);
}

/* Of operands that fit every op, its value and its gradients, with vmath.h against libm. */
static void check_op_with_vmath(OpCode op)
{
    static const double points[] = {-1e-300, -700, -30,  -5,  -1.3, -0.3, -1e-9, 0,
                                    1e-20,   0.2,  0.54, 0.9, 2,    19,   33,    700};
    enum { POINTS = sizeof points / sizeof *points };
    OpTask about;
    const Task task = op_task(&about, op);
    about.n = 1;
    about.operands = op_table[op].shape == SHAPE_UNARY ? 1 : 2;
    about.scale->data = 1;
    if (op_table[op].shape == SHAPE_LIST)
        about.n = 2;
    Program *program = task_record(&task, (double[OPERANDS_MOST]){0});
    for (size_t i = 0; i < POINTS * POINTS; i++) {
        double losses[2], *grads[2];
        about.params[0]->data = points[i % POINTS];
        about.params[1]->data = points[i / POINTS];
        for (int vmath = 0; vmath < 2; vmath++) {
            program_use_vmath(program, vmath == 1);
            for (size_t j = 0; j < task.param_count; j++)
                task.params[j]->grad = 0;
            program_replay(program, (double[OPERANDS_MOST]){0}, 1, 1, &losses[vmath]);
            grads[vmath] = gradients_of(&task);
        }
        cr_expect(same_bits(losses[0], losses[1]) || fabs(losses[0] - losses[1]) <= bound_with_vmath(op, losses[0]),
                  "%s(%g, %g): %.17g, with vmath %.17g", op_table[op].name, points[i % POINTS], points[i / POINTS],
                  losses[0], losses[1]);
        for (size_t j = 0; j < 2; j++)
            cr_expect(same_bits(grads[0][j], grads[1][j]) ||
                          fabs(grads[0][j] - grads[1][j]) <= bound_with_vmath(op, grads[0][j]),
                      "%s(%g, %g): by operand %zu %.17g, with vmath %.17g", op_table[op].name, points[i % POINTS],
                      points[i / POINTS], j, grads[0][j], grads[1][j]);
        free(grads[0]), free(grads[1]);
    }
    program_free(program);
}

Test(replay, every_op_with_vmath_is_close_to_that_with_libm)
{
    for (OpCode op = OP_CONST + 1; op < OP_COUNT; op++)
        check_op_with_vmath(op);
}

/* The outputs, each times a number. */
static Value *positive_loss(const Task *task, Value **x)
{
    const Net *about = task->about;
    return v_dot(mlp_forward(about->net, x), x + about->inputs, about->outputs);
}

/* A network of positive numbers, in which nothing cancels, so that relative errors add up. In units of 2⁻⁵²: layer 1
 * has sums of the same bits, its tanh is off by 4 (above); the sums of layer 2, of 9 terms, by 4 and 10 for the
 * roundings of both; their tanh by 14 + 4; the sum that is the loss by 18 + 10. A slope 1 − y² moves by 2|a| times the
 * relative error of a, and |a| < 4 in layer 2: 8·14, and 12 for its own formula; the products with what comes later and
 * the sums, of layer 1: 18 + 8·14 + 12 + 12 + 10 + 4. All stay below 200. */
Test(replay, a_network_with_vmath_is_as_close_as_its_roundings_let_it_be)
{
    enum { ROWS = 64 };
    Net about = {.squared = false};
    Task task = net_task(g, &about, (size_t[]){2, 8, 8, 2}, 4, ACTIVATION_TANH);
    Random random;
    random_seed(&random, 12);
    double rows[ROWS * 4], losses[2][ROWS], *grads[2];
    for (size_t i = 0; i < task.param_count; i++)
        task.params[i]->data = random_uniform(&random, 0.1, 0.4);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        rows[i] = random_uniform(&random, 0.1, 2);
    task.loss = positive_loss;
    Program *program = task_record(&task, rows);
    for (int vmath = 0; vmath < 2; vmath++) {
        program_use_vmath(program, vmath == 1);
        for (size_t j = 0; j < task.param_count; j++)
            task.params[j]->grad = 0;
        program_replay(program, rows, ROWS, 1, losses[vmath]);
        grads[vmath] = gradients_of(&task);
    }
    const double bound = 200 * DBL_EPSILON;
    size_t different = 0;
    for (size_t s = 0; s < ROWS; s++) {
        cr_expect(fabs(losses[0][s] - losses[1][s]) <= bound * losses[0][s], "sample %zu", s);
        different += losses[0][s] != losses[1][s];
    }
    for (size_t j = 0; j < task.param_count; j++)
        cr_expect(grads[0][j] > 0 && fabs(grads[0][j] - grads[1][j]) <= bound * grads[0][j], "param %zu", j);
    cr_expect(different > 0, "vmath made no difference");
    program_use_vmath(program, false);
    expect_same(&task, program, ordinary_order, rows, ROWS, 0.5, "libm again");
    program_free(program);
    free(grads[0]), free(grads[1]);
}

/* Row i of 32 is sample i of `rows`, then each in another lane, with awkward neighbours, and alone. */
Test(replay, a_sample_has_the_same_bits_in_every_lane)
{
    Net about = {.squared = false};
    const Task task = net_task(g, &about, (size_t[]){2, 9, 3}, 3, ACTIVATION_TANH);
    const size_t n = task.inputs;
    double *rows = random_rows(PROGRAM_BLOCK, n, 13), *turned = numbers_new(PROGRAM_BLOCK * n);
    double losses[PROGRAM_BLOCK], again[PROGRAM_BLOCK];
    Program *program = task_record(&task, rows);
    for (int vmath = 0; vmath < 2; vmath++) {
        program_use_vmath(program, vmath == 1);
        program_replay(program, rows, PROGRAM_BLOCK, 1, losses);
        for (size_t turn = 0; turn < PROGRAM_BLOCK; turn++) {
            for (size_t i = 0; i < PROGRAM_BLOCK * n; i++)
                turned[i] = awkward[i % AWKWARD];
            memcpy(turned + turn * n, rows, n * sizeof *rows);
            program_replay(program, turned, turn + 1, 1, again);
            cr_expect(same_bits(again[turn], losses[0]), "lane %zu: %a, in lane 0 %a", turn, again[turn], losses[0]);
            memcpy(turned, rows + turn * n, (PROGRAM_BLOCK - turn) * n * sizeof *rows);
            memcpy(turned + (PROGRAM_BLOCK - turn) * n, rows, turn * n * sizeof *rows);
            program_replay(program, turned, PROGRAM_BLOCK, 1, again);
            for (size_t i = 0; i < PROGRAM_BLOCK; i++)
                cr_expect(same_bits(again[i], losses[(i + turn) % PROGRAM_BLOCK]), "sample %zu in lane %zu",
                          (i + turn) % PROGRAM_BLOCK, i);
        }
    }
    program_free(program);
    free(rows), free(turned);
}
