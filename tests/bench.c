/* bench.c - how fast the engine is, beside hand-written C with no graph, PyTorch and NumPy, in one run.
 *
 * The job is that of `make moons`: 1000 points, 2 -> 32 -> 32 -> 2 tanh, cross-entropy, SGD 0.05, batch 64, 200 epochs.
 * The programs take turns, so that all of them meet the same noise; each figure is the median of its turns. The
 * hand-written one is compiled with -O3 -march=native and the same libm. PyTorch and NumPy run where python3 has them.
 * Then the GPT of chapter 23, whose source is compiled in here: 1000 names, a step each, beside a scalar tape written
 * for this one model, compiled as the hand-written program is, and PyTorch; and a step of seven letters, the middle
 * length. Last, the cost of a node, building and walking back, in a chain of 10 million and in a sum of a million
 * squares.
 */
#define _POSIX_C_SOURCE 200809L /* clock_gettime, popen */

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define main chapter_main
#include "../lessons/23_gpt.c"
#undef main

#include "bench_by_hand.h"
#include "bench_tape.h"

enum { TURNS = 5, EPOCHS = 200, BATCH = 64, CHAIN = 10000000, SQUARES = 1000000 };

static const double LR = 0.05;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static int compare_numbers(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *numbers, size_t n)
{
    qsort(numbers, n, sizeof *numbers, compare_numbers);
    return n % 2 == 1 ? numbers[n / 2] : (numbers[n / 2 - 1] + numbers[n / 2]) / 2;
}

static void stop(const char *message)
{
    fprintf(stderr, "bench: %s\n", message);
    exit(1);
}

/* ---- two moons --------------------------------------------------------------------------------------------------- */

static double engine_step(MLP *net, Optimizer *sgd, Mark mark, const double *x, const int *label, size_t n)
{
    Value *losses[BATCH], **logits = mlp_forward_rows(net, v_inputs(net->graph, x, 2 * n), n);
    for (size_t i = 0; i < n; i++)
        losses[i] = cross_entropy(logits + 2 * i, 2, label[i]);
    Value *loss = mean_loss(losses, n);
    optimizer_zero_grad(sgd);
    backward(loss);
    optimizer_step(sgd);
    const double before = loss->data;
    graph_release(net->graph, mark);
    return before;
}

/* Seconds for the whole training; *loss is that of the last batch. */
static double time_engine(const Dataset *data, double *loss)
{
    Error error;
    Graph *graph = graph_new();
    MLP *net = mlp_open(graph, "lessons/data/moons/init.txt", &error);
    if (net == NULL)
        stop(error.message);
    Optimizer *sgd = sgd_new(net->params, net->param_count, ((SGD){.lr = LR}));
    const Mark mark = graph_mark(graph);
    const double start = now();
    for (int epoch = 0; epoch < EPOCHS; epoch++)
        for (size_t first = 0; first < data->count; first += BATCH) {
            const size_t n = data->count - first < BATCH ? data->count - first : BATCH;
            *loss = engine_step(net, sgd, mark, dataset_row(data, first), data->label + first, n);
        }
    const double seconds = now() - start;
    optimizer_free(sgd);
    graph_free(graph);
    return seconds;
}

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

typedef double HandStep(HandNet *net, const double *x, const int *label, size_t n, double lr);

static double time_by_hand(HandStep *step, const Dataset *data, double *loss)
{
    Error error;
    HandNet hand;
    Graph *graph = graph_new();
    MLP *net = mlp_open(graph, "lessons/data/moons/init.txt", &error);
    if (net == NULL)
        stop(error.message);
    copy_params(net, &hand);
    graph_free(graph);
    const double start = now();
    for (int epoch = 0; epoch < EPOCHS; epoch++)
        for (size_t first = 0; first < data->count; first += BATCH) {
            const size_t n = data->count - first < BATCH ? data->count - first : BATCH;
            *loss = step(&hand, dataset_row(data, first), data->label + first, n, LR);
        }
    return now() - start;
}

/* Run tests/bench_frameworks.py with $PYTHON (python3); it prints seconds and loss. NAN when the framework is missing.
 */
static double time_framework(const char *name, double *loss)
{
    char command[96], line[128];
    double seconds = NAN;
    snprintf(command, sizeof command, "${PYTHON:-python3} tests/bench_frameworks.py %s 2>/dev/null", name);
    FILE *in = popen(command, "r");
    if (in == NULL)
        return NAN;
    if (fgets(line, sizeof line, in) != NULL && sscanf(line, "%lf %lf", &seconds, loss) != 2)
        seconds = NAN;
    pclose(in);
    return seconds;
}

static void bench_moons(void)
{
    static const char *const names[] = {"stepgrad, define-by-run", "hand-written C, -O3 -march=native", "PyTorch",
                                        "NumPy, formulas by hand", "hand-written C, vectorised"};
    double seconds[5][TURNS], ratio[5][TURNS], loss[5] = {NAN, NAN, NAN, NAN, NAN};
    Dataset data;
    Error error;
    if (!csv_load("lessons/data/moons/data.csv", &data, &error))
        stop(error.message);
    for (int turn = 0; turn < TURNS; turn++) {
        seconds[0][turn] = time_engine(&data, &loss[0]);
        seconds[1][turn] = time_by_hand(hand_step, &data, &loss[1]);
        seconds[2][turn] = turn < 3 ? time_framework("torch", &loss[2]) : seconds[2][turn - 3];
        seconds[3][turn] = turn < 3 ? time_framework("numpy", &loss[3]) : seconds[3][turn - 3];
        seconds[4][turn] = time_by_hand(hand_step_vector, &data, &loss[4]);
        for (int i = 0; i < 5; i++)
            ratio[i][turn] = seconds[i][turn] / seconds[1][turn];
    }
    printf("Two moons, 200 epochs: medians of %d turns, the programs one after the other (frameworks: 3 turns)\n",
           TURNS);
    printf("  %-36s %8s  %12s  %s\n", "", "seconds", "x hand-written", "loss of the last batch");
    for (int i = 0; i < 5; i++) {
        if (isnan(seconds[i][0]))
            printf("  %-36s not installed\n", names[i]);
        else
            printf("  %-36s %8.3f  %12.2f    %.15f\n", names[i], median(seconds[i], TURNS), median(ratio[i], TURNS),
                   loss[i]);
    }
    dataset_free(&data);
}

/* ---- GPT --------------------------------------------------------------------------------------------------------- */

static char gpt_names[NAMES][CONTEXT];

static void read_names(void)
{
    FILE *file = fopen("lessons/data/names/names.txt", "r");
    for (size_t i = 0; i < NAMES; i++)
        if (file == NULL || fscanf(file, "%15s", gpt_names[i]) != 1)
            stop("lessons/data/names/names.txt cannot be read");
    fclose(file);
}

/* The params of the model in the graph, the same in each call. */
static Value **new_gpt(Graph *graph, size_t *count)
{
    Random random;
    random_seed(&random, 42);
    for (size_t i = 0; i < MATRICES; i++)
        w[i] = matrix_param_normal(graph, rows[i], i == DOWN ? 4 * WIDTH : WIDTH, 0.08, &random);
    return graph_params(graph, count);
}

static double gpt_engine_step(Graph *graph, Mark mark, Optimizer *adam, const char *name)
{
    Value *root = loss_of(name);
    optimizer_zero_grad(adam);
    backward(root);
    optimizer_step(adam);
    const double loss = root->data;
    graph_release(graph, mark);
    return loss;
}

static double gpt_tape_step(const char *name)
{
    int tokens[CONTEXT + 1] = {EDGE};
    const size_t n = strlen(name) + 1;
    for (size_t i = 1; i <= n; i++)
        tokens[i] = i < n ? name[i - 1] - 'a' : EDGE;
    return tape_step(tokens, tokens + 1, (int)n, 0.01);
}

typedef struct GPTTimes {
    double all, seven,
        loss; /* milliseconds per step: the mean, the median of names with seven letters; the last loss */
} GPTTimes;

/* With the engine, or with the tape. The names are every eighth, as in bench_frameworks.py. */
static GPTTimes time_gpt(bool tape)
{
    static double seven[STEPS], start_params[TAPE_PARAMS];
    size_t count, seven_count = 0;
    GPTTimes times;
    Graph *graph = graph_new();
    Value **params = new_gpt(graph, &count);
    for (size_t i = 0; i < count; i++)
        start_params[i] = params[i]->data;
    tape_begin(start_params);
    Optimizer *adam = adam_new(params, count, ADAM(0.01));
    const Mark mark = graph_mark(graph);
    const double start = now();
    for (int step = 0; step < STEPS; step++) {
        const char *name = gpt_names[step * 8];
        const double before = now();
        times.loss = tape ? gpt_tape_step(name) : gpt_engine_step(graph, mark, adam, name);
        if (strlen(name) == 7)
            seven[seven_count++] = now() - before;
    }
    times.all = (now() - start) / STEPS * 1e3;
    times.seven = median(seven, seven_count) * 1e3;
    optimizer_free(adam);
    graph_free(graph);
    return times;
}

static void bench_gpt(void)
{
    static const char *const programs[] = {"stepgrad, define-by-run", "scalar tape for this model, in C", "PyTorch"};
    double all[3][TURNS], seven[3][TURNS] = {{0}}, ratio[3][TURNS], loss[3] = {NAN, NAN, NAN};
    read_names();
    for (int turn = 0; turn < TURNS; turn++) {
        for (int i = 0; i < 2; i++) {
            const GPTTimes times = time_gpt(i == 1);
            all[i][turn] = times.all, seven[i][turn] = times.seven, loss[i] = times.loss;
        }
        all[2][turn] = turn < 3 ? time_framework("gpt", &loss[2]) / STEPS * 1e3 : all[2][turn - 3];
        for (int i = 0; i < 3; i++)
            ratio[i][turn] = all[i][turn] / all[1][turn];
    }
    printf("\nGPT of chapter 23, %d names, Adam: medians of %d turns\n", STEPS, TURNS);
    printf("  %-36s %8s  %9s  %6s  %s\n", "", "ms a step", "7 letters", "x tape", "loss of the last name");
    for (int i = 0; i < 3; i++) {
        if (isnan(all[i][0]))
            printf("  %-36s not installed\n", programs[i]);
        else
            printf("  %-36s %8.3f  %9.3f  %6.2f  %.15f\n", programs[i], median(all[i], TURNS),
                   i < 2 ? median(seven[i], TURNS) : NAN, median(ratio[i], TURNS), loss[i]);
    }
}

/* ---- nodes ------------------------------------------------------------------------------------------------------- */

static Value *build_chain(Graph *graph, Value *x)
{
    (void)graph;
    Value *y = x;
    for (int i = 0; i < CHAIN; i++)
        y = v_add(y, x);
    return y;
}

static Value *build_squares(Graph *graph, Value *x)
{
    static Value *squares[SQUARES];
    (void)graph;
    for (int i = 0; i < SQUARES; i++)
        squares[i] = v_mul(x, x);
    return v_sum(squares, SQUARES);
}

/* Nanoseconds per node, the median of turns after a first one that touches the memory. */
static void bench_nodes(const char *name, Value *(*build)(Graph *, Value *), double nodes)
{
    double build_ns[TURNS], walk_ns[TURNS], total_ns[TURNS];
    Graph *graph = graph_new();
    Value *x = v_param(graph, 1.5);
    const Mark mark = graph_mark(graph);
    for (int turn = -1; turn < TURNS; turn++) {
        const double start = now();
        Value *root = build(graph, x);
        const double built = now();
        backward(root);
        const double walked = now();
        if (!graph_ok(graph))
            stop("no memory for the nodes");
        graph_release(graph, mark);
        if (turn < 0)
            continue;
        build_ns[turn] = (built - start) / nodes * 1e9;
        walk_ns[turn] = (walked - built) / nodes * 1e9;
        total_ns[turn] = (walked - start) / nodes * 1e9;
    }
    printf("  %-36s build %5.1f  walk back %5.1f  both %5.1f ns per node\n", name, median(build_ns, TURNS),
           median(walk_ns, TURNS), median(total_ns, TURNS));
    graph_free(graph);
}

int main(void)
{
    bench_moons();
    bench_gpt();
    printf("\nNodes of %zu bytes, memory warm, medians of %d turns\n", sizeof(Value), TURNS);
    bench_nodes("chain of 10,000,000 additions", build_chain, CHAIN);
    bench_nodes("sum of 1,000,000 squares", build_squares, SQUARES);
    return 0;
}
