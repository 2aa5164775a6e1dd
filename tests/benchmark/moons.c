/* moons.c - define-by-run and the competitors, and the table of all that do the job: see moons.h.
 *
 * A program is a row: its name, and a function that trains for `size` epochs and writes seconds and loss.
 */
#include "moons.h"

#include <math.h>

#include "by_hand.h"
#include "tables.h"

const Dataset *moons_points(void)
{
    static Dataset data;
    Error error;
    if (data.count == 0 && !csv_load("lessons/data/moons/data.csv", &data, &error))
        stop(error.message);
    return &data;
}

MLP *moons_net(Graph *graph)
{
    Error error;
    MLP *net = mlp_open(graph, "lessons/data/moons/init.txt", &error);
    if (net == NULL)
        stop(error.message);
    return net;
}

void moons_train(MoonsStep *step, void *net, size_t batch, size_t epochs, double *numbers)
{
    const Dataset *data = moons_points();
    const double start = now();
    for (size_t epoch = 0; epoch < epochs; epoch++)
        for (size_t first = 0; first < data->count; first += batch) {
            const size_t n = data->count - first < batch ? data->count - first : batch;
            numbers[LOSS] = step(net, dataset_row(data, first), data->label + first, n);
        }
    numbers[SECONDS] = now() - start;
}

/* ---- define-by-run ----------------------------------------------------------------------------------------------- */

typedef struct Training {
    MLP *net;
    Optimizer *sgd;
    Mark mark;
} Training;

static Training start_training(void)
{
    MLP *net = moons_net(graph_new());
    return (Training){net, sgd_new(net->params, net->param_count, ((SGD){.lr = LR})), graph_mark(net->graph)};
}

static void end_training(Training *training)
{
    optimizer_free(training->sgd);
    graph_free(training->net->graph);
}

static double step_of_engine(Training *training, const double *x, const int *label, size_t n)
{
    Value *losses[BATCH], **logits = mlp_forward_rows(training->net, v_inputs(training->net->graph, x, 2 * n), n);
    for (size_t i = 0; i < n; i++)
        losses[i] = cross_entropy(logits + 2 * i, 2, label[i]);
    Value *loss = mean_loss(losses, n);
    optimizer_zero_grad(training->sgd);
    backward(loss);
    optimizer_step(training->sgd);
    return loss->data;
}

static double step_and_release(void *training, const double *x, const int *label, size_t n)
{
    const Training *it = training;
    const double loss = step_of_engine(training, x, label, n);
    graph_release(it->net->graph, it->mark);
    return loss;
}

static void define_by_run(size_t epochs, double *numbers)
{
    Training training = start_training();
    moons_train(step_and_release, &training, BATCH, epochs, numbers);
    end_training(&training);
}

static void step_for_memory(void *training)
{
    const Dataset *data = moons_points();
    step_of_engine(training, data->x, data->label, BATCH);
}

void moons_memory(size_t size, double *numbers)
{
    Training training = start_training();
    count_memory(training.net->graph, step_for_memory, &training, size, numbers);
    end_training(&training);
}

/* ---- by hand ----------------------------------------------------------------------------------------------------- */

static void copy_params(const MLP *net, HandNet *hand)
{
    for (size_t i = 0; i < HAND_HIDDEN; i++) {
        Value *const *first = net->layers[0].neurons[i].w, *const *second = net->layers[1].neurons[i].w;
        for (size_t j = 0; j < HAND_INPUTS; j++)
            hand->w1[i][j] = first[j]->data;
        for (size_t j = 0; j < HAND_HIDDEN; j++)
            hand->w2[i][j] = second[j]->data;
        hand->b1[i] = first[HAND_INPUTS]->data;
        hand->b2[i] = second[HAND_HIDDEN]->data;
    }
    for (size_t i = 0; i < HAND_OUTPUTS; i++) {
        Value *const *third = net->layers[2].neurons[i].w;
        for (size_t j = 0; j < HAND_HIDDEN; j++)
            hand->w3[i][j] = third[j]->data;
        hand->b3[i] = third[HAND_HIDDEN]->data;
    }
}

static void train_by_hand(MoonsStep *step, size_t epochs, double *numbers)
{
    HandNet hand;
    Graph *graph = graph_new();
    copy_params(moons_net(graph), &hand);
    graph_free(graph);
    moons_train(step, &hand, BATCH, epochs, numbers);
}

static double step_by_hand(void *net, const double *x, const int *label, size_t n)
{
    return hand_step(net, x, label, n, LR);
}

static double step_by_hand_in_vectors(void *net, const double *x, const int *label, size_t n)
{
    return hand_step_vector(net, x, label, n, LR);
}

static void by_hand(size_t epochs, double *numbers) { train_by_hand(step_by_hand, epochs, numbers); }
static void in_vectors(size_t epochs, double *numbers) { train_by_hand(step_by_hand_in_vectors, epochs, numbers); }

/* ---- frameworks -------------------------------------------------------------------------------------------------- */

static void run(const char *job, const char *python, size_t epochs, double *numbers)
{
    double results[] = {NAN, NAN};
    run_framework(job, python, epochs, results, 2);
    numbers[SECONDS] = results[0], numbers[LOSS] = results[1];
}

static void numpy(size_t epochs, double *numbers) { run("numpy", "NUMPY_PYTHON", epochs, numbers); }
static void torch(size_t epochs, double *numbers) { run("torch", "TORCH_PYTHON", epochs, numbers); }

/* ---- the table --------------------------------------------------------------------------------------------------- */

static const Row rows[] = {
    {"hand-written C", .measure = by_hand},
    {"hand-written, vectors", .measure = in_vectors},
    {"define-by-run", .measure = define_by_run},
    {"replay", .measure = moons_replay},
    {"replay, vmath", .measure = moons_replay_vmath},
    {"emitted C", .measure = moons_emitted},
    {"emitted C, vmath", .measure = moons_emitted_vmath},
    {"NumPy", .measure = numpy, .is_elsewhere = true},
    {"PyTorch", .measure = torch, .is_elsewhere = true},
};

static const Column columns[] = {
    [SECONDS] = {"seconds", .decimals = 3, .is_drawn = true},
    [BY_HAND] = {"× hand-written C", .decimals = 2, .relative_to = "hand-written C"},
    [BY_VECTORS] = {"× vectors", .decimals = 2, .relative_to = "hand-written, vectors"},
    [BY_TORCH] = {"× PyTorch", .decimals = 2, .relative_to = "PyTorch"},
    [INSTRUCTIONS] = {"instructions of an epoch, millions", .decimals = 2, .is_count = true},
    [LOSS] = {"loss of the last batch", .decimals = 15},
};

Table moons_table = {
    .name = "moons",
    .title = "Two moons, 200 epochs",
    .text =
        "1000 points, 2 → 32 → 32 → 2 tanh, cross-entropy, SGD, batch 64: 3200 steps. Hand-written C knows this one "
        "network: row by row with libm, or for the compiler to make vectors of, with vmath; there 1 - y*y is tanh's "
        "derivative, where the engine's is exact in saturation and needs an exp. Replay runs the graph that "
        "define-by-run built once, with libm or with vmath. Emitted C is that program as C code, compiled before the "
        "training and loaded; the next table has what that takes. NumPy has its gradients written out by hand.",
    .unit = "seconds",
    TABLE_OF(rows, columns),
    .size = 200,
    .quick_size = 1,
    .counted = 1,
    .turns = 7,
};
