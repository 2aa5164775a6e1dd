/* out_of_memory.c - Every job of the library while memory runs out: at each of its allocations, once and from then on.
 *
 *     out_of_memory FOLDER [JOB] [STACKS]     all jobs, or one; FOLDER is for files, all of them replaced
 *
 * A job is a function of the world below, which is made anew for each attempt. What an attempt must leave behind is in
 * `attempt`. The file STACKS gets the return addresses of each call that was under way when an allocation failed, from
 * which memory.sh finds the functions and the places that no fault has reached. Link it with -Wl,--wrap= for free and
 * posix_memalign: what is allocated and not freed is counted there.
 */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <execinfo.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../no_memory.h"
#include "draw/expression.h"
#include "draw/options.h"
#include "emit.h"
#include "graph/json.h"
#include "graph/network_groups.h"
#include "graph/tree.h"
#include "player/player.h"
#include "plot/plot.h"
#include "replay.h"
#include "stepgrad.h"

enum { ROWS = 80, FEATURES = 2, CLASSES = 2, INPUTS = FEATURES + CLASSES, MANY = 3000, ALL_UP_TO = 400, SOME = 200 };

/* ---- the world of an attempt ------------------------------------------------------------------------------------- */

typedef struct World {
    Graph *graph;
    MLP *net;
    Value **inputs;         /* a row, and its class as one-hot */
    Value *loss;            /* of the net for these inputs */
    Value *scattered[MANY]; /* operands that do not lie side by side */
    Matrix a;               /* 3×4 params */
    Dataset data;
    Random random;
    Optimizer *optimizer;
    Program *program;
    uint64_t result; /* a checksum of what the job gave */
} World;

static const char *folder, *job_name;
static size_t nth, failures;
static const char *mode;
static char text[1 << 20]; /* what a job prints */

static void check(bool holds, const char *what)
{
    if (!holds && failures++ < 20)
        printf("FAILED %s, allocation %zu %s: %s\n", job_name, nth, mode, what);
}

/* A path in the folder; valid until the fourth call from now. */
static const char *in_folder(const char *name)
{
    static char paths[4][4096];
    static size_t next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", folder, name);
    return path;
}

static void keep(World *w, const void *bytes, size_t n) { w->result = fnv1a(w->result, bytes, n); }
static void keep_text(World *w, const char *kept) { keep(w, kept, strlen(kept)); }

/* The job of a program that prints: into `text`. */
static FILE *text_begin(void)
{
    memset(text, 0, sizeof text);
    return fmemopen(text, sizeof text, "w");
}

/* Ends with `ok`; where that is false, nothing may have been printed. */
static bool text_end(World *w, FILE *out, bool ok)
{
    fclose(out);
    check(ok || text[0] == '\0', "half a text was printed");
    keep_text(w, text);
    return ok;
}

static uint64_t file_checksum(const char *path, uint64_t checksum)
{
    static char bytes[1 << 20];
    FILE *in = fopen(path, "rb");
    if (in == NULL)
        return checksum;
    checksum = fnv1a(checksum, bytes, fread(bytes, 1, sizeof bytes, in));
    fclose(in);
    return checksum;
}

static size_t files_in_folder(void)
{
    size_t count = 0;
    DIR *names = opendir(folder);
    while (names != NULL && readdir(names) != NULL)
        count++;
    closedir(names);
    return count;
}

#define OUT in_folder("out.c")

static void write_old_output(void)
{
    FILE *out = fopen(OUT, "wb");
    if (out != NULL) {
        fputs("as before\n", out);
        fclose(out);
    }
}

static uint64_t texts_checksum(char **texts, size_t count, uint64_t checksum)
{
    for (size_t i = 0; texts != NULL && i < count; i++)
        checksum = fnv1a(checksum, texts[i], strlen(texts[i]) + 1);
    return checksum;
}

static uint64_t dataset_checksum(const Dataset *data, uint64_t checksum)
{
    checksum = fnv1a(checksum, (const char *)data->x, data->count * data->features * sizeof *data->x);
    checksum = fnv1a(checksum, (const char *)data->label, data->count * sizeof *data->label);
    checksum = texts_checksum(data->feature_names, data->features, checksum);
    return texts_checksum(data->class_names, (size_t)data->classes, checksum);
}

/* All that belongs to the caller, the output file too. */
static uint64_t world_checksum(const World *w)
{
    uint64_t checksum = file_checksum(OUT, FNV1A_START);
    for (const Block *block = w->graph->newest; block != NULL; block = block->older)
        for (size_t i = block->node_count; i-- > 0;) {
            const Value *v = &block->nodes[i];
            checksum = fnv1a(checksum, (const char *)&v->data, sizeof v->data);
            checksum = fnv1a(checksum, (const char *)&v->grad, sizeof v->grad);
            checksum = fnv1a(checksum, v->label, v->label != NULL ? strlen(v->label) : 0);
        }
    const OptimizerState *state = optimizer_state(w->optimizer);
    checksum = fnv1a(checksum, (const char *)state->moments, state->count * sizeof *state->moments);
    checksum = fnv1a(checksum, (const char *)&state->steps, sizeof state->steps);
    checksum = fnv1a(checksum, (const char *)&w->random, sizeof w->random);
    return dataset_checksum(&w->data, checksum);
}

static const char csv[] =
    "length,\"width of \"\"it\"\"\",kind\n1,2,rose\n3,4.5,tulip\n-1e-3,?,rose\n5,6,tulip\n7,8,rose\n";

static void world_make(World *w)
{
    static const double row[] = {0.5, -1.25, 1, 0}, entries[12] = {1, 2, 3, 4, 5, 6, 0.5, -1, 1.5, 2.5, -2, 3};
    *w = (World){.graph = graph_new()};
    random_seed(&w->random, 42);
    w->net = mlp_new(w->graph, (size_t[]){FEATURES, 3, CLASSES}, 3, ACTIVATION_TANH);
    mlp_init(w->net, INIT_PYTORCH, &w->random);
    w->inputs = v_inputs(w->graph, row, INPUTS);
    w->loss = v_label(cross_entropy_one_hot(mlp_forward(w->net, w->inputs), w->inputs + FEATURES, CLASSES), "L");
    w->a = matrix_param(w->graph, 3, 4, entries);
    for (size_t i = 0; i < MANY; i++)
        w->scattered[i] = w->net->params[i * 7 % w->net->param_count];
    backward(w->loss);
    w->optimizer = adam_new(w->net->params, w->net->param_count, ADAM(0.01));
    optimizer_step(w->optimizer);
    w->loss = v_label(cross_entropy_one_hot(mlp_forward(w->net, w->inputs), w->inputs + FEATURES, CLASSES), "L");
    mlp_zero_grad(w->net);
    backward(w->loss);
    char *words[ROWS];
    dataset_moons(&w->data, ROWS, 0.1, &w->random, NULL);
    for (size_t i = 0; i < ROWS; i++)
        words[i] = w->data.label[i] == 0 ? "lower" : "upper";
    dataset_label(&w->data, words, NULL);
    w->program = program_record(w->loss, w->inputs, INPUTS, NULL);
    write_old_output();
}

static void world_free(World *w)
{
    program_free(w->program);
    optimizer_free(w->optimizer);
    dataset_free(&w->data);
    graph_free(w->graph);
}

/* ---- jobs: false when there was no memory, which the error must say ---------------------------------------------- */

/* For functions that have no Error: their NULL or false says it. */
static bool no_memory(Error *error) { return error_set(error, "no memory"); }

static bool built(World *w, const Value *last, Error *error)
{
    check(graph_ok(w->graph) || isnan(last->data), "a node has data in spite of the failure");
    return graph_ok(w->graph) || no_memory(error);
}

static bool built_matrix(World *w, Matrix m, Error *error) { return built(w, matrix_sum(m), error); }

#define JOB(name) static bool name(World *w, Error *error)

JOB(a_graph)
{
    Graph *g = graph_new();
    if (g == NULL)
        return no_memory(error);
    Value *y = v_mul(v_param(g, 2), v_add(v_input(g, 3), v_const(g, 4)));
    const bool ok = graph_ok(g) || no_memory(error);
    keep(w, &y->data, ok ? sizeof y->data : 0);
    graph_free(g);
    return ok;
}

static Value *of_op(OpCode op, Value *a, Value *b, Value *const *list)
{
    switch (op_table[op].shape) {
    case SHAPE_UNARY: return value_unary(op, a, HERE);
    case SHAPE_BINARY:
        return v_add(value_binary(op, a, b, HERE),
                     value_binary_operands(op, operand_value(a), operand_number(0.5), HERE));
    case SHAPE_LIST: return value_list(op, list, 40, HERE);
    default: return value_pairs(op, list, list + 1, 40, b, HERE);
    }
}

JOB(every_op)
{
    Value *y = v_input(w->graph, 0.25), *sum = y;
    for (int turn = 0; turn < 25; turn++)
        for (int op = OP_CONST + 1; op < OP_COUNT; op++)
            sum = v_add(sum, v_mul(of_op((OpCode)op, y, w->loss, w->scattered), 0.001));
    return built(w, sum, error);
}

JOB(long_lists)
{
    return built(w,
                 v_add(v_add(v_sum(w->scattered, MANY), v_logsumexp(w->scattered, MANY - 1)),
                       v_dot_bias(w->scattered, w->scattered + 1, MANY - 1, w->loss)),
                 error);
}

JOB(labels)
{
    static char name[100000];
    memset(name, 'n', sizeof name - 1);
    return built(w, v_label(w->net->params[0], name), error);
}

JOB(marks)
{
    Value *y = w->loss;
    for (int i = 0; i < 5 && graph_ok(w->graph); i++) {
        const Mark mark = graph_mark(w->graph);
        y = v_exp(v_mul(w->loss, i));
        keep(w, &y->data, graph_ok(w->graph) ? sizeof y->data : 0);
        if (graph_ok(w->graph))
            graph_release(w->graph, mark);
    }
    return graph_ok(w->graph) || no_memory(error);
}

JOB(order)
{
    size_t count;
    Value **order = graph_topological_order(w->loss, &count);
    keep(w, &count, sizeof count);
    memory_free(order);
    FILE *out = text_begin();
    return text_end(w, out, order != NULL && graph_dump(w->loss, out)) || no_memory(error);
}

JOB(first_nonfinite)
{
    Value *y = v_add(v_log(v_const(w->graph, -1)), w->loss);
    return graph_ok(w->graph) && graph_first_nonfinite(y) != NULL ? true : no_memory(error);
}

JOB(walks)
{
    Value *y = v_dot(w->scattered, w->scattered + 1, MANY - 1);
    if (!built(w, y, error))
        return false;
    for (Backward walk = backward_begin(y); backward_step(&walk) != NULL;)
        ;
    backward_from(w->loss, 0.5);
    return true;
}

JOB(list_of_params)
{
    size_t count;
    Value **params = graph_params(w->graph, &count);
    keep(w, &count, sizeof count);
    return params != NULL ? true : no_memory(error);
}

JOB(room)
{
    return graph_reserve(w->graph, 4000) && graph_alloc(w->graph, 300000) != NULL &&
                   graph_alloc_array(w->graph, 1000, 400) != NULL && graph_scratch(w->graph, 100000) != NULL &&
                   graph_next_slots(w->graph, 8000) != NULL && graph_alloc_with(w->loss, 100000) != NULL
               ? true
               : no_memory(error);
}

JOB(kept_gradients)
{
    KeptGradients kept;
    if (!graph_keep_gradients(&kept, w->graph))
        return no_memory(error);
    backward(w->loss);
    graph_restore_gradients(&kept);
    return true;
}

/* These functions ask for memory only where a block is full. The mark before a job has sealed the newest, so the first
 * thing that a job makes opens one. */
JOB(inputs)
{
    Value **x = v_inputs(w->graph, w->data.x, 4);
    keep(w, x != NULL ? &x[3]->data : NULL, x != NULL ? sizeof(double) : 0);
    return x != NULL ? true : no_memory(error);
}

JOB(an_activation) { return built(w, activation_forward(ACTIVATION_TANH, w->loss, HERE), error); }
JOB(a_neuron) { return built(w, neuron_forward(&w->net->layers[0].neurons[1], ACTIVATION_RELU, w->inputs), error); }
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
    Value *grads[100];
    for (size_t left = 0; left < 24; left++) {
        if (v_const(w->graph, 0)->op == OP_FAILED)
            return no_memory(error);
        const Block *block = w->graph->newest;
        const size_t room = (size_t)(block->back - (const char *)&block->nodes[block->node_count]);
        graph_alloc(w->graph, room - left * sizeof(Value) - MEMORY_RED_ZONE);
        if (!gradient_nodes(w->loss, w->net->params, w->net->param_count, grads, error))
            return false;
        keep(w, &grads[0]->data, sizeof(double));
    }
    return true;
}

JOB(matrices)
{
    static const double six[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    Graph *g = w->graph;
    Matrix x = matrix_input(g, 4, 3, six), one = matrix_const(g, 1, 4, six);
    Matrix r = matrix_label(matrix_const(g, 3, 4, six), "a name that is rather long, so that these fill a block");
    Matrix y = matrix_add(matrix_mul(w->a, r), matrix_div(matrix_pow(w->a, 2.0), matrix_sub(10.0, one)));
    y = matrix_add(matrix_sub(w->loss, y), matrix_mul(y, w->loss));
    y = matrix_add(matrix_from_values(w->scattered, 3, 4), matrix_map(y, OP_TANH));
    y = matmul(matmul_transposed(matmul(y, x), matrix_transpose(y)), matrix_transpose(matrix_row_softmax(y)));
    y = matrix_rows(matrix_slice(matrix_reshape(y, 9, 1), 2, 6, 0, 1), (int[]){1, 0, 1}, 3);
    Matrix sums = matrix_add(matrix_row_sums(y), matrix_add(matrix_row_dots(y, y), matrix_col_sums(matrix_row(y, 1))));
    double numbers[12] = {0};
    FILE *out = text_begin();
    matrix_print(y, out);
    matrix_get_data(y, numbers);
    matrix_get_grad(y, numbers);
    fclose(out);
    keep_text(w, text);
    return built_matrix(w, sums, error);
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
    MLP *net = mlp_new(w->graph, (size_t[]){4, 40, 2}, 3, ACTIVATION_RELU);
    if (net == NULL)
        return no_memory(error);
    Random random;
    random_seed(&random, 1);
    mlp_init(net, INIT_XAVIER_UNIFORM, &random);
    Value **x = v_inputs(w->graph, w->data.x, 40);
    Value **y = x != NULL ? mlp_forward(net, x) : NULL, **rows = y != NULL ? mlp_forward_rows(net, x, 10) : NULL;
    Value **z = rows != NULL ? layer_forward(w->graph, &net->layers[1], w->scattered) : NULL;
    double outputs[2] = {0};
    if (z == NULL || !mlp_evaluate(net, w->data.x, outputs))
        return no_memory(error);
    keep(w, outputs, sizeof outputs);
    Value *last = neuron_forward(&net->layers[0].neurons[1], ACTIVATION_SIGMOID, w->scattered);
    last = v_add(last, v_add(activation_forward(ACTIVATION_TANH, z[0], HERE), z[1]));
    return built(w, v_add(last, v_add(v_sum(rows, 20), v_add(y[0], y[1]))), error);
}

JOB(optimizers)
{
    Value *const *params = w->net->params;
    Optimizer *sgd = sgd_new(params, w->net->param_count, (SGD){.lr = 0.1, .momentum = 0.9});
    Optimizer *adam = adam_new(params, w->net->param_count, ADAM(0.1));
    const bool ok = sgd != NULL && adam != NULL;
    if (ok) {
        optimizer_step(sgd);
        optimizer_step(adam);
    }
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
JOB(load_a_model) { return mlp_load(w->net, in_folder("model"), error); }
JOB(open_a_model) { return mlp_open(w->graph, in_folder("model"), error) != NULL; }

JOB(open_a_model_with_names)
{
    ModelInfo read;
    const bool ok = mlp_open_with(w->graph, &read, in_folder("model"), error) != NULL;
    check(ok || (read.feature_names == NULL && read.class_names == NULL && read.scale.mean == NULL),
          "half a ModelInfo");
    w->result = texts_checksum(read.feature_names, FEATURES, texts_checksum(read.class_names, CLASSES, w->result));
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
    const bool ok = checkpoint_load(w->net, &checkpoint, in_folder("checkpoint"), error);
    check(checkpoint.epoch == (ok ? 3 : 100), "the checkpoint's epoch");
    return ok;
}

JOB(save_params) { return params_save(w->net->params, w->net->param_count, OUT, error); }
JOB(load_params) { return params_load(w->net->params, w->net->param_count, in_folder("params"), error); }

JOB(read_tensors)
{
    WordReader words;
    double numbers[100];
    if (!words_open(&words, in_folder("tensors"), error))
        return false;
    char *name = words_name(&words, error);
    const bool ok = name != NULL && mlp_read_tensors(w->net, &words, numbers, NULL, error);
    keep(w, numbers, ok ? w->net->param_count * sizeof *numbers : 0);
    memory_free(name);
    words_close(&words);
    return ok;
}

JOB(checks)
{
    GradCheck report;
    FILE *out = text_begin();
    const bool ok = gradcheck(w->loss, &report, error) && gradcheck_some(w->loss, 3, &report, error);
    if (ok)
        gradcheck_print(&report, out);
    return text_end(w, out, ok);
}

JOB(check_of_stored_gradients)
{
    GradCheck report;
    return gradcheck_stored(w->loss, 0, &report, error);
}

JOB(check_of_an_edge)
{
    Value *y = v_sum(w->scattered, 500);
    if (!graph_ok(w->graph))
        return no_memory(error);
    const GradCheckEdge edge = gradcheck_edge(y, 3, 1);
    keep(w, &edge.want, sizeof edge.want);
    return true;
}

JOB(jacobians)
{
    Value *roots[] = {w->loss, w->inputs[0]};
    double j[3][2 * 100], directions[100] = {1, 2};
    const size_t n = w->net->param_count;
    JacobianMode how;
    size_t count = 0;
    const bool ok = jacobian(roots, 2, w->net->params, n, j[0], &how, error) &&
                    jacobian_forward(roots, 2, w->net->params, n, j[1], error) &&
                    jacobian_reverse(roots, 1, w->net->params, n, j[2], error);
    Tangent *tangents = ok ? forward_tangents(w->loss, w->net->params, directions, n, &count, error) : NULL;
    keep(w, j[0], tangents != NULL ? 2 * n * sizeof(double) : 0);
    keep(w, j[1], tangents != NULL ? 2 * n * sizeof(double) : 0);
    memory_free(tangents);
    return tangents != NULL;
}

JOB(second_derivatives)
{
    const size_t n = w->net->param_count;
    static double h[100 * 100], direction[100] = {1, -1}, product[100];
    Value *grads[100];
    memset(product, 0, sizeof product);
    const bool ok = hessian_vector(w->loss, w->net->params, direction, n, product, error);
    check(ok || product[0] == 0, "half a vector");
    keep(w, product, sizeof product);
    if (!ok || !hessian(w->loss, w->net->params, n, h, error) ||
        !gradient_nodes(w->loss, w->net->params, n, grads, error))
        return false;
    keep(w, h, n * n * sizeof *h);
    return built(w, v_sum(grads, n), error);
}

/* A dataset that a function gave, or must have left zeroed. */
static bool gave(World *w, Dataset *data, bool ok)
{
    check(ok || (data->count == 0 && data->x == NULL && data->label == NULL && data->class_names == NULL &&
                 data->feature_names == NULL),
          "half a Dataset");
    w->result = dataset_checksum(data, w->result);
    dataset_free(data);
    return ok;
}

JOB(moons_data)
{
    Dataset data;
    return gave(w, &data, dataset_moons(&data, 50, 0.2, &w->random, error));
}

JOB(classes_of_words)
{
    char *words[ROWS];
    for (size_t i = 0; i < ROWS; i++)
        words[i] = i % 3 == 0 ? "ten" : i % 3 == 1 ? "2" : "1.0";
    return dataset_label(&w->data, words, error);
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
    const bool ok = csv_load_with(in_folder("data.csv"), &options, &data, error);
    keep(w, &skipped, ok ? sizeof skipped : 0);
    return gave(w, &data, ok);
}

JOB(csv_text)
{
    Dataset data;
    static char numbers[40 * 400];
    for (char *end = numbers; end < numbers + sizeof numbers - 300;)
        end += sprintf(end, "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,%d\n", (int)((end - numbers) % 2));
    return gave(w, &data, csv_parse("text", numbers, strlen(numbers), NULL, &data, error));
}

JOB(csv_to_predict)
{
    Dataset data;
    return gave(w, &data,
                csv_load_with(in_folder("data.csv"), &(CsvOptions){.no_label = true, .label = NULL}, &data, error) ||
                    strstr(error->message, "number") != NULL);
}

JOB(files)
{
    (void)w;
    size_t bytes;
    char *all = file_read(in_folder("data.csv"), SIZE_MAX, &bytes, error);
    if (all == NULL)
        return false;
    SafeFile safe;
    FILE *out = file_begin(&safe, OUT, error);
    if (out != NULL)
        fwrite(all, 1, bytes, out);
    memory_free(all);
    return out != NULL && file_commit(&safe, error);
}

JOB(abandoned_file)
{
    (void)w;
    SafeFile safe;
    FILE *out = file_begin(&safe, OUT, error);
    if (out != NULL)
        fputs("half", out);
    file_abandon(&safe);
    return out != NULL;
}

JOB(copies)
{
    (void)w;
    char *copy = memory_copy_text("text"), **texts = memory_copy_texts(features, 2);
    size_t capacity = 0;
    void *list = memory_grow(NULL, 9, &capacity, 8), *array = memory_alloc_array(3, 8), *block = memory_alloc(3);
    const bool ok = copy != NULL && texts != NULL && list != NULL && array != NULL && block != NULL;
    memory_free(copy), memory_free(texts), memory_free(list), memory_free(array), memory_free(block);
    return ok || no_memory(error);
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
    enum { SAMPLES = 40 };
    double losses[SAMPLES], gradients[2 * 100];
    if (!program_use_threads(w->program, 3))
        return no_memory(error);
    program_replay(w->program, w->data.x, SAMPLES, 0.1, losses);
    program_replay_blocks(w->program, w->data.x, SAMPLES, 0.1, losses, gradients);
    program_add_blocks(w->program, gradients, 2);
    keep(w, losses, sizeof losses);
    return true;
}

JOB(emitted) { return program_emit(w->program, OUT, "moons", error); }

JOB(compiled)
{
    double losses[3];
    const bool ok = program_compile(w->program, OUT, "engine", error);
    if (!ok)
        write_old_output(); /* the source may have been written, says emit.h */
    program_replay(w->program, w->data.x, ok ? 3 : 0, 0.1, losses);
    keep(w, losses, ok ? sizeof losses : 0);
    return ok;
}

static DotOptions groups_of(const NetworkGroups *groups)
{
    return (DotOptions){.format = "svg", .groups = groups->list, .group_count = groups->count, .legend = true};
}

JOB(diagram)
{
    NetworkGroups groups;
    if (!network_groups_find(&groups, w->net, w->loss, NETWORK_NEURONS, error))
        return false;
    groups.list[0].collapsed = true;
    DotOptions options = groups_of(&groups);
    options.through = w->inputs[0];
    FILE *out = text_begin();
    const bool ok = dot_print(w->loss, out, &options, error);
    network_groups_free(&groups);
    return text_end(w, out, ok) &&
           dot_write(w->loss, OUT, &(DotOptions){.max_depth = 3, .hide_constants = true}, error);
}

JOB(picture) { return dot_draw(w->loss, OUT, &(DotOptions){.format = "svg"}, error); }

JOB(picture_in_memory)
{
    size_t length = 0;
    char *svg = dot_picture_at(HERE, w->loss, "target", "plain", &length, NULL, error);
    keep(w, svg, svg != NULL ? length : 0);
    memory_free(svg);
    return svg != NULL;
}

JOB(page)
{
    NetworkGroups groups;
    if (!network_groups_find(&groups, w->net, w->loss, NETWORK_LAYERS, error))
        return false;
    const PlayerOptions options = {.groups = groups.list, .group_count = groups.count};
    bool ok = player_write(w->loss, OUT, &options, error);
    if (ok && memory_restore()) { /* without memory for dot, the page lays the graph out itself */
        const uint64_t got = file_checksum(OUT, 0);
        ok = player_write(w->loss, OUT, &options, error);
        check(got == file_checksum(OUT, 0) || got == file_checksum(in_folder("page"), 0), "another page");
    }
    network_groups_free(&groups);
    return ok;
}

JOB(page_without_dot)
{
    return player_write(w->loss, OUT, &(PlayerOptions){.without_dot = true, .expression = "L = a"}, error);
}
JOB(json) { return json_write(w->loss, OUT, NULL, error); }

JOB(tree)
{
    FILE *out = text_begin();
    Value *y = w->loss;
    for (int i = 0; i < 50; i++)
        y = v_tanh(y);
    return text_end(w, out, graph_ok(w->graph) && tree_print(y, out, NULL)) || no_memory(error);
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
    const BoundaryPlot plot = {.x = w->data.x,
                               .label = w->data.label,
                               .count = ROWS,
                               .classes = CLASSES,
                               .class_names = w->data.class_names,
                               .predict = predict};
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

#define ROW(job)                                                                                                       \
    {                                                                                                                  \
#job, job                                                                                                      \
    }
static const struct {
    const char *name;
    bool (*run)(World *w, Error *error);
} jobs[] = {
    // clang-format off
    ROW(a_graph), ROW(every_op), ROW(long_lists), ROW(labels), ROW(marks), ROW(order), ROW(first_nonfinite),
    ROW(walks), ROW(list_of_params), ROW(room), ROW(kept_gradients), ROW(inputs), ROW(an_activation), ROW(a_neuron), ROW(matrix_and_value), ROW(a_slice),
    ROW(a_labelled_matrix), ROW(gradients_in_full_blocks), ROW(matrices), ROW(random_matrix),
    ROW(large_matrices), ROW(losses), ROW(networks), ROW(optimizers), ROW(save_a_model), ROW(save_a_model_with_names),
    ROW(load_a_model), ROW(open_a_model), ROW(open_a_model_with_names), ROW(save_a_checkpoint),
    ROW(load_a_checkpoint), ROW(save_params), ROW(load_params), ROW(read_tensors), ROW(checks),
    ROW(check_of_stored_gradients), ROW(check_of_an_edge), ROW(jacobians), ROW(second_derivatives), ROW(moons_data),
    ROW(classes_of_words), ROW(classes_of_a_list), ROW(classes_by_number), ROW(rows_of_data), ROW(split_data),
    ROW(save_data), ROW(batches), ROW(scale), ROW(csv_file), ROW(csv_text), ROW(csv_to_predict), ROW(files),
    ROW(abandoned_file), ROW(copies), ROW(record), ROW(agreement), ROW(threads), ROW(emitted), ROW(compiled),
    ROW(diagram), ROW(picture), ROW(picture_in_memory), ROW(page), ROW(page_without_dot), ROW(json), ROW(tree),
    ROW(curves), ROW(boundary), ROW(expression),
    // clang-format on
};

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
    const int depth = block == NULL && stacks != NULL ? backtrace(stack, 64) : 0;
    for (int i = 0; i < depth; i++)
        fprintf(stacks, "%lx\n", (unsigned long)stack[i]);
    return block;
}

/* The result of a run with no fault, and how many allocations it took. */
static uint64_t run(bool (*job)(World *, Error *), World *w, Mark mark, size_t lasts, bool once, bool *ok)
{
    Error error = {""};
    const uint64_t before = world_checksum(w);
    const size_t files = files_in_folder();
    w->result = FNV1A_START;
    (once ? memory_fails_once : memory_lasts)(lasts);
    memory_set_allocator(faulty_allocator);
    *ok = job(w, &error);
    const bool fault = memory_restore();
    check(*ok || fault, error.message);
    check(*ok || strstr(error.message, "memory") != NULL, error.message); /* strerror's words too */
    check(files_in_folder() == files, "a file was left behind, or is gone");
    const uint64_t result = w->result ^ world_checksum(w);
    graph_release(w->graph, mark);
    check(graph_ok(w->graph), "the graph is not good again");
    check(*ok || world_checksum(w) == before, "the caller's data are not as before");
    return result;
}

/* The job in a world of its own with one fault, or none: and when that was an error, again without one. */
static uint64_t attempt(bool (*job)(World *, Error *), size_t lasts, bool once, uint64_t want)
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
    const size_t all = allocations, step = all > ALL_UP_TO ? (all - ALL_UP_TO) / SOME + 1 : 1;
    check(attempt(jobs[j].run, SIZE_MAX, false, want) == want && all > 0,
          "the job has no fixed result, or allocates nothing");
    for (int once = 0; once < 2; once++)
        for (size_t lasts = 0; lasts < all; lasts += lasts < ALL_UP_TO ? 1 : step, attempts++) {
            nth = lasts + 1, mode = once ? "alone" : "and all after it";
            attempt(jobs[j].run, lasts, once, want);
        }
    printf("%-26s %5zu allocations, %5zu attempts\n", job_name, all, attempts);
    fflush(stdout);
    return attempts;
}

/* The files that jobs read. */
static void write_inputs(void)
{
    World w;
    world_make(&w);
    const Checkpoint checkpoint = checkpoint_of(&w);
    FILE *data = fopen(in_folder("data.csv"), "w");
    fputs(csv, data);
    fclose(data);
    mlp_save_with(w.net, &info, in_folder("model"), NULL);
    checkpoint_save(w.net, &info, &checkpoint, in_folder("checkpoint"), NULL);
    params_save(w.net->params, w.net->param_count, in_folder("params"), NULL);
    NetworkGroups groups;
    network_groups_find(&groups, w.net, w.loss, NETWORK_LAYERS, NULL);
    const PlayerOptions options = {.groups = groups.list, .group_count = groups.count, .without_dot = true};
    player_write(w.loss, in_folder("page"), &options, NULL);
    network_groups_free(&groups);
    FILE *model = fopen(in_folder("model"), "r"), *tensors = fopen(in_folder("tensors"), "w");
    fputs("\"a name of the tensors in this file, of some length\"\n", tensors);
    for (bool is_tensor = false; fgets(text, sizeof text, model) != NULL;)
        if ((is_tensor |= strncmp(text, "tensor", 6) == 0))
            fputs(text, tensors);
    fclose(model);
    fclose(tensors);
    world_free(&w);
}

int main(int argc, char **argv)
{
    size_t attempts = 0, count = 0;
    if (argc < 2)
        return 2;
    folder = argv[1];
    stacks = argc > 3 ? fopen(argv[3], "w") : NULL;
    write_inputs();
    for (size_t j = 0; j < sizeof jobs / sizeof *jobs; j++)
        if (argc < 3 || strcmp(argv[2], "all") == 0 || strcmp(argv[2], jobs[j].name) == 0) {
            attempts += attempts_of(j);
            count++;
        }
    if (stacks != NULL)
        fclose(stacks);
    printf("%zu jobs, %zu attempts, %zu failures\n", count, attempts, failures);
    return failures > 0 || count == 0;
}
