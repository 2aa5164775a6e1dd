/* out_of_memory.c - Every job of the library while memory runs out: at each of its allocations, once and from then on.
 *
 *     out_of_memory FOLDER STACKS [JOB]       all jobs, or one; FOLDER is for files, all of them replaced
 *
 * A job is a function of the world below, which is made anew for each attempt. What an attempt must leave behind is in
 * `attempt`. The file STACKS gets the return addresses of each call that was under way when an allocation failed, from
 * which memory.sh finds the functions and the places that no fault has reached. Link it with -Wl,--wrap= for free and
 * posix_memalign: what is allocated and not freed is counted there.
 */
#define _XOPEN_SOURCE 700 /* realpath */
#include <execinfo.h>
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../no_memory.h"
#include "draw/expression.h"
#include "emit.h"
#include "graph/json.h"
#include "graph/network_groups.h"
#include "graph/tree.h"
#include "player/player.h"
#include "plot/plot.h"
#include "replay.h"
#include "stepgrad.h"

enum { ROWS = 80, FEATURES = 2, CLASSES = 2, INPUTS = FEATURES + CLASSES, MANY = 3000, MOST = 100 };
#define OUT "out.c" /* what jobs write; before each, an old file is there */

/* ---- the world of an attempt ------------------------------------------------------------------------------------- */

typedef struct World {
    Graph *graph;
    MLP *net;
    size_t n;               /* of its params, at most MOST */
    Value **inputs;         /* a row, and its class as one-hot */
    Value *loss;            /* of the net for these inputs */
    Value *scattered[MANY]; /* operands that do not lie side by side */
    Matrix a;               /* 3×4 params */
    Dataset data;
    Random random;
    Optimizer *optimizer;
    Program *program;
    FILE *out;       /* what the job prints */
    uint64_t result; /* a checksum of what the job gave */
} World;

typedef bool Work(World *w, Error *error);

static struct {
    const char *name;
    Work *run;
} jobs[MOST];
static size_t job_count, nth, failures;
static const char *job_name, *mode, *engine;

/* False when there was no memory, which the error must say. Each job enters itself in the table before main. */
#define JOB(job)                                                                                                       \
    static Work job;                                                                                                   \
    __attribute__((constructor)) static void enter_##job(void)                                                         \
    {                                                                                                                  \
        jobs[job_count].name = #job;                                                                                   \
        jobs[job_count++].run = job;                                                                                   \
    }                                                                                                                  \
    static bool job(World *w, Error *error)

static void check(bool holds, const char *what)
{
    if (!holds && failures++ < 20)
        printf("FAILED %s, allocation %zu %s: %s\n", job_name, nth, mode, what);
}

static void add(uint64_t *checksum, const void *bytes, size_t n) { *checksum = fnv1a(*checksum, bytes, n); }
static void keep(World *w, const void *bytes, size_t n) { add(&w->result, bytes, n); }

static void add_texts(uint64_t *checksum, char **texts, size_t count)
{
    for (size_t i = 0; texts != NULL && i < count; i++)
        add(checksum, texts[i], strlen(texts[i]) + 1);
}

static void add_dataset(uint64_t *checksum, const Dataset *data)
{
    add(checksum, data->x, data->count * data->features * sizeof *data->x);
    add(checksum, data->label, data->count * sizeof *data->label);
    add_texts(checksum, data->feature_names, data->features);
    add_texts(checksum, data->class_names, (size_t)data->classes);
}

static uint64_t file_checksum(const char *path)
{
    size_t bytes = 0;
    uint64_t checksum = FNV1A_START;
    char *text = file_read(path, SIZE_MAX, &bytes, NULL);
    add(&checksum, text, text != NULL ? bytes : 0);
    memory_free(text);
    return checksum;
}

/* All that belongs to the caller, the output file too. */
static uint64_t world_checksum(const World *w)
{
    uint64_t checksum = file_checksum(OUT);
    for (const Block *block = w->graph->newest; block != NULL; block = block->older)
        for (size_t i = block->node_count; i-- > 0;) {
            const Value *v = &block->nodes[i];
            add(&checksum, &v->data, sizeof v->data);
            add(&checksum, &v->grad, sizeof v->grad);
            add(&checksum, v->label, v->label != NULL ? strlen(v->label) : 0);
        }
    const OptimizerState *state = optimizer_state(w->optimizer);
    add(&checksum, state->moments, state->count * sizeof *state->moments);
    add(&checksum, &state->steps, sizeof state->steps);
    add(&checksum, &w->random, sizeof w->random);
    add_dataset(&checksum, &w->data);
    return checksum;
}

static void write_text(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");
    fputs(text, out);
    fclose(out);
}

static const char csv[] =
    "length,\"width of \"\"it\"\"\",kind\n1,2,rose\n3,4.5,tulip\n-1e-3,?,rose\n5,6,tulip\n7,8,rose\n";

static Value *loss_of(World *w)
{
    return v_label(cross_entropy_one_hot(mlp_forward(w->net, w->inputs), w->inputs + FEATURES, CLASSES), "L");
}

static void world_make(World *w)
{
    static const double row[] = {0.5, -1.25, 1, 0}, entries[12] = {1, 2, 3, 4, 5, 6, 0.5, -1, 1.5, 2.5, -2, 3};
    *w = (World){.graph = graph_new()};
    random_seed(&w->random, 42);
    w->net = mlp_new(w->graph, (size_t[]){FEATURES, 3, CLASSES}, 3, ACTIVATION_TANH);
    w->n = w->net->param_count;
    mlp_init(w->net, INIT_PYTORCH, &w->random);
    w->inputs = v_inputs(w->graph, row, INPUTS);
    w->loss = loss_of(w);
    w->a = matrix_param(w->graph, 3, 4, entries);
    for (size_t i = 0; i < MANY; i++)
        w->scattered[i] = w->net->params[i * 7 % w->n];
    backward(w->loss);
    w->optimizer = adam_new(w->net->params, w->n, ADAM(0.01));
    optimizer_step(w->optimizer);
    w->loss = loss_of(w);
    mlp_zero_grad(w->net);
    backward(w->loss);
    char *words[ROWS];
    dataset_moons(&w->data, ROWS, 0.1, &w->random, NULL);
    for (size_t i = 0; i < ROWS; i++)
        words[i] = w->data.label[i] == 0 ? "lower" : "upper";
    dataset_label(&w->data, words, NULL);
    w->program = program_record(w->loss, w->inputs, INPUTS, NULL);
    write_text(OUT, "as before\n");
}

static void world_free(World *w)
{
    program_free(w->program);
    optimizer_free(w->optimizer);
    dataset_free(&w->data);
    graph_free(w->graph);
}

/* ---- jobs -------------------------------------------------------------------------------------------------------- */

/* For functions that have no Error: their NULL or false says it. */
static bool no_memory(Error *error) { return error_set(error, "no memory"); }

static bool built(World *w, const Value *last, Error *error)
{
    check(graph_ok(w->graph) || isnan(last->data), "a node has data in spite of the failure");
    return graph_ok(w->graph) || no_memory(error);
}

static bool built_matrix(World *w, Matrix m, Error *error) { return built(w, matrix_sum(m), error); }

JOB(order) { return graph_dump(w->loss, w->out) || no_memory(error); }

JOB(first_nonfinite)
{
    Value *y = v_add(v_log(v_const(w->graph, -1)), w->loss);
    return (graph_ok(w->graph) && graph_first_nonfinite(y) != NULL) || no_memory(error);
}

JOB(list_of_params)
{
    size_t count = 0;
    const bool ok = graph_params(w->graph, &count) != NULL;
    keep(w, &count, ok ? sizeof count : 0);
    return ok || no_memory(error);
}

/* These functions ask for memory only where a block is full. The mark before a job has sealed the newest, so the first
 * thing that a job makes opens one. */
JOB(inputs) { return v_inputs(w->graph, w->data.x, 4) != NULL || no_memory(error); }
JOB(an_activation) { return built(w, activation_forward(ACTIVATION_TANH, w->loss, HERE), error); }
JOB(a_neuron) { return built(w, neuron_forward(&w->net->layers[0].neurons[1], ACTIVATION_RELU, w->inputs), error); }
JOB(two_values) { return built(w, v_mul(w->loss, w->loss), error); }
JOB(value_and_number) { return built(w, v_mul(w->loss, 0.5), error); }
JOB(matrix_and_value) { return built_matrix(w, matrix_mul(w->a, w->loss), error); }
JOB(a_slice) { return built_matrix(w, matrix_slice(w->a, 0, 2, 1, 2), error); }

/* More names than the blocks of the entries have room for. */
JOB(a_labelled_matrix)
{
    static const double numbers[30 * 100];
    matrix_label(matrix_const(w->graph, 30, 100, numbers), "a name that is rather long, so that these fill a block");
    return graph_ok(w->graph) || no_memory(error);
}

/* The block is full after each number of nodes, from none on. */
JOB(gradients_in_full_blocks)
{
    Value *grads[MOST];
    for (size_t left = 0; left < 24; left++) {
        if (v_const(w->graph, 0)->op == OP_FAILED)
            return no_memory(error);
        const Block *block = w->graph->newest;
        const size_t room = (size_t)(block->back - (const char *)&block->nodes[block->node_count]);
        graph_alloc(w->graph, room - left * sizeof(Value) - MEMORY_RED_ZONE);
        if (!gradient_nodes(w->loss, w->net->params, w->n, grads, error))
            return false;
        keep(w, &grads[0]->data, sizeof(double));
    }
    return true;
}

JOB(random_matrix)
{
    const Matrix m = matrix_param_normal(w->graph, 30, 40, 0.1, &w->random);
    return built(w, m.at != NULL ? m.at[1199] : w->graph->failed_node, error);
}

/* Large ones, so that each list finds its block full. */
JOB(large_matrices)
{
    Matrix x = matrix_from_values(w->scattered, 50, 30), y = matrix_from_values(w->scattered, 30, 50);
    Value *one = matrix_at(w->a, 0, 0), *sum = one;
    for (int turn = 0; turn < 3; turn++) {
        y = matrix_map(matrix_add(y, matrix_transpose(x)), OP_SIN);
        x = matrix_row_softmax(matmul_transposed(x, matrix_mul(matmul(y, x), 0.01)));
        sum = v_add(sum, matrix_sum(x)); /* of all entries: what comes now takes a few */
        x = matrix_mul(matrix_reshape(matrix_slice(matrix_rows(x, (int[]){1, 2, 3}, 3), 0, 3, 0, 30), 1, 90), one);
        x = matrix_add(matrix_from_values(w->scattered, 50, 30), matrix_row_sums(matrix_row(x, 0)));
        x = matrix_div(matrix_sub(one, matrix_mul(2.0, x)), matrix_add(matrix_row_dots(x, x), matrix_col_sums(x)));
    }
    return built(w, v_add(sum, v_add(matrix_sum(x), matrix_sum(y))), error);
}

JOB(losses)
{
    static const double targets[] = {1, 2, 3};
    Value **at = w->a.at, *out[600];
    log_softmax(w->scattered, 600, out);
    Value *sum = v_add(log_softmax_at(at, 4, 1), v_add(cross_entropy(at, 4, 2), cross_entropy_one_hot(at, at + 4, 4)));
    sum = v_add(sum, v_add(mean_cross_entropy(w->a, (int[]){0, 3, 1}), mean_squared_error(at, targets, 3)));
    sum = v_add(sum, v_add(mean_squared_error(w->scattered, w->scattered + 1, 1000), mean_loss(w->scattered, 1000)));
    return built(w, v_add(sum, v_sum(out, 600)), error);
}

JOB(networks)
{
    double outputs[2] = {0};
    Random random = w->random;
    MLP *net = mlp_new(w->graph, (size_t[]){4, 40, 2}, 3, ACTIVATION_RELU);
    Value **x = net != NULL ? v_inputs(w->graph, w->data.x, 40) : NULL;
    if (x == NULL)
        return no_memory(error);
    mlp_init(net, INIT_XAVIER_UNIFORM, &random);
    Value **y = mlp_forward(net, x), **rows = y != NULL ? mlp_forward_rows(net, x, 10) : NULL;
    Value **z = rows != NULL ? layer_forward(w->graph, &net->layers[1], w->scattered) : NULL;
    if (z == NULL || !mlp_evaluate(net, w->data.x, outputs))
        return no_memory(error);
    keep(w, outputs, sizeof outputs);
    return built(w, v_add(v_sum(rows, 20), v_add(y[0], z[1])), error);
}

JOB(optimizers)
{
    Optimizer *sgd = sgd_new(w->net->params, w->n, (SGD){.lr = 0.1, .momentum = 0.9});
    Optimizer *adam = adam_new(w->net->params, w->n, ADAM(0.1));
    const bool ok = sgd != NULL && adam != NULL;
    if (ok)
        optimizer_step(sgd);
    optimizer_free(sgd);
    optimizer_free(adam);
    return ok || no_memory(error);
}

static char *features[] = {"length", "width"}, *classes[] = {"a rose", "tulip"};
static double mean[] = {1, 2}, deviation[] = {0.5, 2};
static ModelInfo info = {.feature_names = features, .class_names = classes, .scale = {2, mean, deviation}};

static Checkpoint checkpoint_of(const World *w) { return (Checkpoint){w->optimizer, "lr=0.01", 3, 7, w->random}; }

JOB(save_a_model) { return mlp_save(w->net, OUT, error); }
JOB(save_a_model_with_names) { return mlp_save_with(w->net, &info, OUT, error); }
JOB(load_a_model) { return mlp_load(w->net, "model", error); }
JOB(save_params) { return params_save(w->net->params, w->n, OUT, error); }
JOB(load_params) { return params_load(w->net->params, w->n, "params", error); }

JOB(open_a_model)
{
    ModelInfo read;
    const bool ok = mlp_open_with(w->graph, &read, "model", error) != NULL;
    check(ok || (read.feature_names == NULL && read.class_names == NULL && read.scale.mean == NULL),
          "half a ModelInfo");
    add_texts(&w->result, read.feature_names, FEATURES);
    add_texts(&w->result, read.class_names, CLASSES);
    keep(w, read.scale.mean, read.scale.features * sizeof *read.scale.mean);
    model_info_free(&read);
    return ok;
}

JOB(save_a_checkpoint)
{
    const Checkpoint checkpoint = checkpoint_of(w);
    return checkpoint_save(w->net, &info, &checkpoint, OUT, error);
}

JOB(load_a_checkpoint)
{
    Checkpoint checkpoint = checkpoint_of(w);
    checkpoint.epoch = 100;
    const bool ok = checkpoint_load(w->net, &checkpoint, "checkpoint", error);
    check(checkpoint.epoch == (ok ? 3 : 100), "the checkpoint's epoch");
    return ok;
}

JOB(read_tensors)
{
    WordReader words;
    double numbers[MOST];
    if (!words_open(&words, "tensors", error))
        return false;
    char *name = words_name(&words, error);
    const bool ok = name != NULL && mlp_read_tensors(w->net, &words, numbers, NULL, error);
    keep(w, numbers, ok ? w->n * sizeof *numbers : 0);
    memory_free(name);
    words_close(&words);
    return ok;
}

JOB(checks)
{
    GradCheck report;
    const bool ok = gradcheck(w->loss, &report, error) && gradcheck_some(w->loss, 3, &report, error) &&
                    gradcheck_stored(w->loss, 0, &report, error);
    if (ok)
        gradcheck_print(&report, w->out);
    return ok;
}

JOB(jacobians)
{
    Value *roots[] = {w->loss, w->inputs[0]};
    double j[2][2 * MOST] = {0}, directions[MOST] = {1, 2};
    JacobianMode how;
    size_t count = 0;
    const bool ok = jacobian(roots, 2, w->net->params, w->n, j[0], &how, error) &&
                    jacobian_forward(roots, 2, w->net->params, w->n, j[1], error) &&
                    jacobian_reverse(roots, 1, w->net->params, w->n, j[1], error);
    Tangent *tangents = ok ? forward_tangents(w->loss, w->net->params, directions, w->n, &count, error) : NULL;
    keep(w, j, tangents != NULL ? sizeof j : 0);
    memory_free(tangents);
    return tangents != NULL;
}

JOB(second_derivatives)
{
    static double h[MOST * MOST], direction[MOST] = {1, -1};
    double product[MOST] = {0};
    Value *grads[MOST];
    const bool ok = hessian_vector(w->loss, w->net->params, direction, w->n, product, error);
    check(ok || product[0] == 0, "half a vector");
    keep(w, product, sizeof product);
    if (!ok || !hessian(w->loss, w->net->params, w->n, h, error) ||
        !gradient_nodes(w->loss, w->net->params, w->n, grads, error))
        return false;
    keep(w, h, w->n * w->n * sizeof *h);
    return built(w, v_sum(grads, w->n), error);
}

/* A dataset that a function gave, or must have left zeroed. */
static bool gave(World *w, Dataset *data, bool ok)
{
    check(ok || (data->count == 0 && data->x == NULL && data->label == NULL && data->class_names == NULL &&
                 data->feature_names == NULL),
          "half a Dataset");
    add_dataset(&w->result, data);
    dataset_free(data);
    return ok;
}

JOB(moons_data)
{
    Dataset data;
    return gave(w, &data, dataset_moons(&data, 50, 0.2, &w->random, error));
}

JOB(classes_of_a_list) { return dataset_use_classes(&w->data, (char *[]){"other", "upper", "lower"}, 3, error); }

JOB(classes_by_number)
{
    memory_free(w->data.class_names);
    w->data.class_names = NULL; /* what the caller did */
    char *copies[] = {"lower", "upper"};
    const bool ok = dataset_use_classes(&w->data, (char *[]){"1", "0"}, 2, error);
    memory_restore();
    if (!ok)
        w->data.class_names = memory_copy_texts(copies, 2);
    return ok;
}

JOB(rows_of_data)
{
    Dataset some, named;
    static const size_t rows[] = {5, 1, 1};
    const bool ok = gave(w, &some, dataset_rows(&w->data, rows, 3, &some, error));
    return ok && csv_parse("t", csv, sizeof csv - 1, &(CsvOptions){.skip_missing = &(size_t){0}}, &named, error) &&
           gave(w, &some, dataset_rows(&named, rows + 1, 2, &some, error)) + gave(w, &named, true) == 2;
}

JOB(split_data)
{
    Dataset train, test;
    const bool ok = dataset_split(&w->data, 0.25, &w->random, &train, &test, error);
    return gave(w, &train, ok) + gave(w, &test, ok) == 2;
}

JOB(save_data) { return dataset_save(&w->data, OUT, error); }

JOB(batches)
{
    Batches batches;
    if (!batches_new(&batches, ROWS, 8, error))
        return false;
    batches_begin(&batches, &w->random);
    keep(w, batches.order, ROWS * sizeof *batches.order);
    batches_free(&batches);
    return true;
}

JOB(scale)
{
    Scale measured;
    if (!scale_measure(&w->data, &measured, error))
        return false;
    dataset_standardize(&w->data, &measured);
    scale_free(&measured);
    return true;
}

JOB(csv_file)
{
    Dataset data;
    size_t skipped = 9;
    const CsvOptions options = {.skip_missing = &skipped, .label = "kind"};
    const bool ok = csv_load_with("data.csv", &options, &data, error);
    keep(w, &skipped, ok ? sizeof skipped : 0);
    return gave(w, &data, ok);
}

JOB(record)
{
    Program *program = program_record(w->loss, w->inputs, INPUTS, error);
    if (program == NULL)
        return false;
    program_replay(program, w->data.x, ROWS / INPUTS * FEATURES, 0.1, NULL);
    program_free(program);
    return true;
}

JOB(agreement) { return program_agrees(w->program, w->loss, w->inputs, INPUTS, error); }

JOB(threads)
{
    double losses[40];
    const bool ok = program_use_threads(w->program, 3);
    program_replay(w->program, w->data.x, ok ? 40 : 0, 0.1, losses);
    keep(w, losses, ok ? sizeof losses : 0);
    return ok || no_memory(error);
}

JOB(emitted) { return program_emit(w->program, OUT, "moons", error); }

JOB(compiled)
{
    double losses[3];
    const bool ok = program_compile(w->program, OUT, engine, error);
    if (!ok)
        write_text(OUT, "as before\n"); /* the source may have been written, says emit.h */
    program_replay(w->program, w->data.x, ok ? 3 : 0, 0.1, losses);
    keep(w, losses, ok ? sizeof losses : 0);
    return ok;
}

JOB(diagram)
{
    NetworkGroups groups;
    if (!network_groups_find(&groups, w->net, w->loss, NETWORK_NEURONS, error))
        return false;
    groups.list[0].collapsed = true;
    const DotOptions options = {
        .format = "svg", .groups = groups.list, .group_count = groups.count, .legend = true, .through = w->inputs[0]};
    const bool ok = dot_print(w->loss, w->out, &options, error);
    network_groups_free(&groups);
    return ok;
}

JOB(dot_file) { return dot_write(w->loss, OUT, &(DotOptions){.max_depth = 3, .hide_constants = true}, error); }
JOB(picture) { return dot_draw(w->loss, OUT, &(DotOptions){.format = "svg"}, error); }
JOB(json) { return json_write(w->loss, OUT, NULL, error); }

JOB(page)
{
    NetworkGroups groups;
    if (!network_groups_find(&groups, w->net, w->loss, NETWORK_LAYERS, error))
        return false;
    const PlayerOptions options = {.groups = groups.list, .group_count = groups.count};
    bool ok = player_write(w->loss, OUT, &options, error);
    if (ok && memory_restore()) { /* without memory for dot, the page lays the graph out itself */
        const uint64_t got = file_checksum(OUT);
        ok = player_write(w->loss, OUT, &options, error);
        check(got == file_checksum(OUT) || got == file_checksum("page"), "another page");
    }
    network_groups_free(&groups);
    return ok;
}

JOB(tree)
{
    Value *y = w->loss;
    for (int i = 0; i < 50; i++)
        y = v_tanh(y);
    return (graph_ok(w->graph) && tree_print(y, w->out, NULL)) || no_memory(error);
}

static void predict(void *context, double x0, double x1, double *probabilities)
{
    (void)context;
    probabilities[0] = 1 / (1 + exp(x0 - x1));
    probabilities[1] = 1 - probabilities[0];
}

JOB(curves)
{
    const PlotSeries curves[] = {{"loss", ROWS, NULL, w->data.x}, {"x", 5, w->data.x, w->data.x + 20}};
    return plot_lines(OUT, &(LinePlot){.title = "t", .series = curves, .series_count = 2}, error);
}

JOB(boundary)
{
    const BoundaryPlot plot = {.count = ROWS,
                               .x = w->data.x,
                               .label = w->data.label,
                               .predict = predict,
                               .classes = CLASSES,
                               .class_names = w->data.class_names};
    return plot_boundary(OUT, &plot, error);
}

JOB(expression)
{
    static const char source[] = "h = tanh(w*x + b); k = max(h, |b|, 2) - dot([h, w], [x, b], 1)\ncross_entropy([h, k, "
                                 "sum(a1, a2, a3, a4, a5, h, k, 1, 2, 3, 4, 5, 6, 7, 8, 9)], 1)";
    static const Given given[] = {{"w", 2},  {"x", -1}, {"b", 0.5}, {"a1", 1},
                                  {"a2", 1}, {"a3", 1}, {"a4", 1},  {"a5", 1}};
    Expression expression;
    ExpressionError problem = {0};
    if (!expression_build(&expression, source, sizeof source - 1, given, sizeof given / sizeof *given, &problem))
        return error_set(error, "%s", problem.error.message);
    backward(expression.root);
    for (size_t i = 0; i < expression.definition_count; i++)
        keep(w, &expression.definitions[i].value->grad, sizeof(double));
    expression_free(&expression);
    return true;
}

/* ---- faults ------------------------------------------------------------------------------------------------------ */

static FILE *stacks;
static long live_blocks;

void __real_free(void *block);
int __real_posix_memalign(void **block, size_t alignment, size_t bytes);

void __wrap_free(void *block)
{
    live_blocks -= block != NULL;
    __real_free(block);
}

int __wrap_posix_memalign(void **block, size_t alignment, size_t bytes)
{
    const int failure = __real_posix_memalign(block, alignment, bytes);
    live_blocks += failure == 0;
    return failure;
}

static void *faulty_allocator(size_t bytes)
{
    void *stack[64], *block = limited_allocator(bytes);
    const int depth = block == NULL ? backtrace(stack, 64) : 0;
    for (int i = 0; i < depth; i++)
        fprintf(stacks, "%lx\n", (unsigned long)stack[i]);
    return block;
}

static size_t files_here(void)
{
    glob_t names;
    const size_t count = glob("*", 0, NULL, &names) == 0 ? names.gl_pathc : 0;
    globfree(&names);
    return count;
}

/* One run of the job, and what it gave. */
static uint64_t run(Work *job, World *w, Mark mark, size_t lasts, bool once, bool *ok)
{
    static char text[1 << 20];
    Error error = {""};
    const uint64_t before = world_checksum(w);
    const size_t files = files_here();
    w->result = FNV1A_START;
    text[0] = '\0';
    w->out = fmemopen(text, sizeof text, "w");
    (once ? memory_fails_once : memory_lasts)(lasts);
    memory_set_allocator(faulty_allocator);
    *ok = job(w, &error);
    const bool fault = memory_restore();
    fclose(w->out);
    keep(w, text, strlen(text));
    check(*ok || text[0] == '\0', "half a text was printed");
    check(*ok || fault, error.message);
    check(*ok || strstr(error.message, "memory") != NULL, error.message); /* strerror's words too */
    check(files_here() == files, "a file was left behind, or is gone");
    const uint64_t result = w->result ^ world_checksum(w);
    graph_release(w->graph, mark);
    check(graph_ok(w->graph), "the graph is not good again");
    check(*ok || world_checksum(w) == before, "the caller's data are not as before");
    return result;
}

/* The job in a world of its own with one fault, or none: and when that was an error, again without one. */
static uint64_t attempt(Work *job, size_t lasts, bool once, uint64_t want)
{
    const long live_before = live_blocks;
    World w;
    bool ok;
    world_make(&w);
    const Mark mark = graph_mark(w.graph);
    const uint64_t result = run(job, &w, mark, lasts, once, &ok);
    const size_t taken = allocations;
    check(!ok || want == 0 || result == want, "it says that all is well, and the result is another");
    if (!ok)
        check(run(job, &w, mark, SIZE_MAX, false, &ok) == want && ok, "afterwards it does not do as before");
    world_free(&w);
    check(live_blocks == live_before, "memory was not freed");
    allocations = taken;
    return result;
}

static size_t attempts_of(size_t j)
{
    size_t attempts = 0;
    job_name = jobs[j].name, nth = 0, mode = "(no fault)";
    const uint64_t want = attempt(jobs[j].run, SIZE_MAX, false, 0);
    const size_t all = allocations;
    check(attempt(jobs[j].run, SIZE_MAX, false, want) == want && all > 0,
          "the job has no fixed result, or allocates nothing");
    for (int once = 0; once < 2; once++)
        for (size_t lasts = 0; lasts < all; lasts++, attempts++) {
            nth = lasts + 1, mode = once ? "alone" : "and all after it";
            attempt(jobs[j].run, lasts, once, want);
        }
    printf("%-26s %5zu allocations\n", job_name, all);
    return attempts;
}

/* The files that jobs read. "tensors" is the end of the model. */
static void write_inputs(void)
{
    World w;
    NetworkGroups groups;
    size_t bytes;
    world_make(&w);
    const Checkpoint checkpoint = checkpoint_of(&w);
    write_text("data.csv", csv);
    mlp_save_with(w.net, &info, "model", NULL);
    checkpoint_save(w.net, &info, &checkpoint, "checkpoint", NULL);
    params_save(w.net->params, w.n, "params", NULL);
    network_groups_find(&groups, w.net, w.loss, NETWORK_LAYERS, NULL);
    player_write(w.loss, "page",
                 &(PlayerOptions){.groups = groups.list, .group_count = groups.count, .without_dot = true}, NULL);
    network_groups_free(&groups);
    char *model = file_read("model", SIZE_MAX, &bytes, NULL);
    FILE *out = fopen("tensors", "w");
    fprintf(out, "\"a name of the tensors in this file, of some length\"%s", strstr(model, "\ntensor"));
    fclose(out);
    memory_free(model);
    world_free(&w);
}

int main(int argc, char **argv)
{
    size_t attempts = 0, count = 0;
    stacks = argc > 2 ? fopen(argv[2], "w") : NULL;
    engine = realpath("engine", NULL);
    if (stacks == NULL || engine == NULL || chdir(argv[1]) != 0)
        return 2;
    write_inputs();
    for (size_t j = 0; j < job_count; j++)
        if (argc < 4 || strcmp(argv[3], jobs[j].name) == 0) {
            attempts += attempts_of(j);
            count++;
        }
    fclose(stacks);
    printf("%zu jobs, %zu attempts, %zu failures\n", count, attempts, failures);
    return failures > 0 || count == 0;
}
