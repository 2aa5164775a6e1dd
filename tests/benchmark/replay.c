/* replay.c - two moons by a program that is recorded once and replayed, and by the C code it is emitted as; and
 * replayed by threads. */
#define _POSIX_C_SOURCE 200809L /* mkdtemp, rmdir */
#define _DARWIN_C_SOURCE
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "emit.h"
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

static void fill_rows(double *rows, const double *x, const int *label, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double *row = rows + INPUTS * i;
        row[0] = x[2 * i], row[1] = x[2 * i + 1];
        row[2] = label[i] == 0, row[3] = label[i] == 1;
    }
}

static double step_of_replay(void *training, const double *x, const int *label, size_t n)
{
    static double rows[BATCH_MOST * INPUTS], losses[BATCH_MOST];
    const Training *it = training;
    double sum = 0;
    fill_rows(rows, x, label, n);
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

/* ---- emitted ----------------------------------------------------------------------------------------------------- */

static double lines_of(const char *path)
{
    double lines = 0;
    FILE *in = fopen(path, "r");
    for (int c; in != NULL && (c = getc(in)) != EOF;)
        lines += c == '\n';
    if (in != NULL)
        fclose(in);
    return lines;
}

/* Compile the program, in a folder that is there for so long: seconds and lines. False where that cannot be done. */
static bool compile(Program *program, double *seconds, double *lines)
{
    char folder[] = "/tmp/stepgrad-bench-XXXXXX", source[sizeof folder + 16], log[sizeof source + 4];
    static bool is_said; /* why, once for all turns */
    Error error;
    if (mkdtemp(folder) == NULL)
        stop("no folder in /tmp to compile in");
    snprintf(source, sizeof source, "%s/moons.c", folder);
    snprintf(log, sizeof log, "%s.log", source);
    const double start = now();
    const bool is_loaded = program_compile(program, source, "engine", &error);
    *seconds = is_loaded ? now() - start : NAN;
    *lines = lines_of(source);
    if (!is_loaded && !is_said)
        is_said = fprintf(stderr, "emitted C is not measured: %s\n", error.message) > 0;
    remove(source), remove(log), rmdir(folder);
    return is_loaded;
}

static void emitted(bool with_vmath, size_t epochs, double *numbers)
{
    double seconds, lines;
    Training training = start_training();
    program_use_vmath(training.program, with_vmath);
    if (compile(training.program, &seconds, &lines))
        moons_train(step_of_replay, &training, BATCH, epochs, numbers);
    end_training(&training);
}

void moons_emitted(size_t epochs, double *numbers) { emitted(false, epochs, numbers); }
void moons_emitted_vmath(size_t epochs, double *numbers) { emitted(true, epochs, numbers); }

enum { COMPILE_SECONDS, SOURCE_LINES }; /* the columns */

static void source(size_t size, double *numbers)
{
    Training training = start_training();
    (void)size;
    compile(training.program, &numbers[COMPILE_SECONDS], &numbers[SOURCE_LINES]);
    end_training(&training);
}

static const Row source_rows[] = {{"two moons", .measure = source}};

static const Column source_columns[] = {
    [COMPILE_SECONDS] = {"seconds to emit, compile and load", .decimals = 2},
    [SOURCE_LINES] = {"lines of C", .decimals = 0},
};

Table emitted_table = {
    .name = "emitted",
    .title = "The emitted source",
    .text =
        "What program_compile does once, before the training: it writes the recorded program as C code, compiles it "
        "with $CC (cc, if that is not set) at -O2, and loads it. Where that cannot be done, nothing is measured, and "
        "standard error says why.",
    .unit = "seconds",
    TABLE_OF(source_rows, source_columns),
    .size = 1,
    .quick_size = 1,
    .turns = 7,
};

/* ---- memory ------------------------------------------------------------------------------------------------------ */

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
enum { EPOCHS_A_SECOND, SPEED_UP, REPLAY_ALONE, REPLAY_SPEED_UP, LOSS_OF_LAST, BITS }; /* the columns */

/* A number that stands for the bits of all params (FNV-1a). */
static double hash_of(const MLP *net)
{
    uint32_t hash = 2166136261U;
    for (size_t i = 0; i < net->param_count; i++)
        for (size_t j = 0; j < sizeof(double); j++)
            hash = (hash ^ ((const unsigned char *)&net->params[i]->data)[j]) * 16777619U;
    return hash;
}

/* As many replays of a batch as training has steps, and nothing else. */
static double replays_a_second(const Training *training, size_t batch)
{
    static double rows[BATCH_MOST * INPUTS];
    const Dataset *data = moons_points();
    const size_t replays = EPOCHS * data->count / batch;
    fill_rows(rows, data->x, data->label, batch);
    const double start = now();
    for (size_t i = 0; i < replays; i++)
        program_replay(training->program, rows, batch, 1.0 / (double)batch, NULL);
    return (double)replays / (now() - start);
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
    numbers[REPLAY_ALONE] = replays_a_second(&training, batch);
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
    [REPLAY_ALONE] = {"replays a second", .decimals = 0},
    [REPLAY_SPEED_UP] = {"replay alone, × 1 thread", .decimals = 2, .relative_to = "1 thread", .of = REPLAY_ALONE},
    [LOSS_OF_LAST] = {"loss of the last batch", .decimals = 15},
    [BITS] = {"hash of the params", .decimals = 0},
};

#define TEXT                                                                                                           \
    "Two moons by replay with vmath, 50 epochs. Blocks of 32 samples are summed up apart, whoever does it, so any "    \
    "number of threads leaves the same bits in the params. The optimizer's step is one thread's work, so replay "      \
    "alone, of one batch again and again, gains more. More threads than cores cannot be faster."

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
