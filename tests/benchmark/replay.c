/* replay.c - two moons by a program that is recorded once and replayed; and that by threads. */
#include <stdint.h>

#include "moons.h"
#include "replay.h"
#include "tables.h"

enum { INPUTS = 4, BATCH_MOST = 1000 }; /* of a row: the point, and its class as one-hot */

typedef struct Training {
    MLP *net;
    Optimizer *sgd;
    Program *program;
} Training;

static Training start_training(void)
{
    static const double any_row[INPUTS] = {0.3, 0.4, 1, 0};
    Error error;
    Training training = {.net = moons_net(graph_new())};
    const Mark mark = graph_mark(training.net->graph);
    Value **inputs = v_inputs(training.net->graph, any_row, INPUTS);
    Value *loss = cross_entropy_one_hot(mlp_forward(training.net, inputs), inputs + 2, 2);
    training.program = program_record(loss, inputs, INPUTS, &error);
    if (training.program == NULL)
        stop(error.message);
    graph_release(training.net->graph, mark);
    training.sgd = sgd_new(training.net->params, training.net->param_count, ((SGD){.lr = LR}));
    return training;
}

static void end_training(Training *training)
{
    program_free(training->program);
    optimizer_free(training->sgd);
    graph_free(training->net->graph);
}

static double step_of_replay(void *training, const double *x, const int *label, size_t n)
{
    static double rows[BATCH_MOST * INPUTS], losses[BATCH_MOST];
    const Training *it = training;
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double *row = rows + INPUTS * i;
        row[0] = x[2 * i], row[1] = x[2 * i + 1];
        row[2] = label[i] == 0, row[3] = label[i] == 1;
    }
    optimizer_zero_grad(it->sgd);
    program_replay(it->program, rows, n, 1.0 / (double)n, losses);
    optimizer_step(it->sgd);
    for (size_t i = 0; i < n; i++)
        sum += losses[i];
    return sum / (double)n;
}

static void replay(bool with_vmath, size_t epochs, double *numbers)
{
    Training training = start_training();
    program_use_vmath(training.program, with_vmath);
    moons_train(step_of_replay, &training, BATCH, epochs, numbers);
    end_training(&training);
}

void moons_replay(size_t epochs, double *numbers) { replay(false, epochs, numbers); }
void moons_replay_vmath(size_t epochs, double *numbers) { replay(true, epochs, numbers); }

static void step_for_memory(void *training)
{
    const Dataset *data = moons_points();
    step_of_replay(training, data->x, data->label, BATCH);
}

void replay_memory(size_t size, double *numbers)
{
    Training training = start_training();
    count_memory(training.net->graph, step_for_memory, &training, size, numbers);
    end_training(&training);
}

/* ---- threads ----------------------------------------------------------------------------------------------------- */

enum { EPOCHS = 50 };
enum { EPOCHS_A_SECOND, SPEED_UP, LOSS_OF_LAST, BITS }; /* the columns */

/* A number that stands for the bits of all params (FNV-1a). */
static double hash_of(const MLP *net)
{
    uint32_t hash = 2166136261U;
    for (size_t i = 0; i < net->param_count; i++)
        for (size_t j = 0; j < sizeof(double); j++)
            hash = (hash ^ ((const unsigned char *)&net->params[i]->data)[j]) * 16777619U;
    return hash;
}

static void by_threads(size_t threads, size_t batch, double *numbers)
{
    double results[COLUMNS_MOST];
    Training training = start_training();
    program_use_vmath(training.program, true);
    if (!program_use_threads(training.program, threads))
        stop("no memory for threads");
    moons_train(step_of_replay, &training, batch, EPOCHS, results);
    numbers[EPOCHS_A_SECOND] = EPOCHS / results[SECONDS];
    numbers[LOSS_OF_LAST] = results[LOSS];
    numbers[BITS] = hash_of(training.net);
    end_training(&training);
}

static void in_order(size_t batch, double *numbers) { by_threads(0, batch, numbers); }
static void one_thread(size_t batch, double *numbers) { by_threads(1, batch, numbers); }
static void two_threads(size_t batch, double *numbers) { by_threads(2, batch, numbers); }
static void four_threads(size_t batch, double *numbers) { by_threads(4, batch, numbers); }

static const Row rows[] = {
    {"define-by-run's order", .measure = in_order},
    {"1 thread", .measure = one_thread},
    {"2 threads", .measure = two_threads},
    {"4 threads", .measure = four_threads},
};

static const Column columns[] = {
    [EPOCHS_A_SECOND] = {"epochs a second", .decimals = 0, .is_drawn = true},
    [SPEED_UP] = {"× 1 thread", .decimals = 2, .relative_to = "1 thread"},
    [LOSS_OF_LAST] = {"loss of the last batch", .decimals = 15},
    [BITS] = {"hash of the params", .decimals = 0},
};

#define TEXT                                                                                                           \
    "Two moons by replay with vmath, 50 epochs. Blocks of 32 samples are summed up apart, whoever does it, so any "    \
    "number of threads leaves the same bits in the params. More threads than cores cannot be faster."

Table threads_table = {
    .name = "threads, batch 256",
    .title = "Threads, batch 256",
    .text = TEXT,
    .unit = "epochs a second",
    TABLE_OF(rows, columns),
    .size = 256,
    .quick_size = 256,
    .turns = 7,
};

Table threads_1000_table = {
    .name = "threads, batch 1000",
    .title = "Threads, batch 1000",
    .text = TEXT,
    .unit = "epochs a second",
    TABLE_OF(rows, columns),
    .size = BATCH_MOST,
    .quick_size = BATCH_MOST,
    .turns = 7,
};
