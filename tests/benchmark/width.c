/* width.c - what a multiply-add costs in networks of growing width: a node holds a whole dot, so its own cost is shared
 * by more products the wider a layer is.
 */
#include "stepgrad.h"
#include "tables.h"

enum { FORWARD, BACK, BOTH }; /* the columns */
enum { LAYERS = 2, BATCH = 64, PRODUCTS_TIMED = 4000000, WIDEST = 256, WARM_UP = 2 };

typedef struct Training {
    MLP *net;
    Mark mark;
    Value **x;            /* BATCH rows */
    double forward, back; /* seconds so far */
} Training;

/* w → w → w tanh, and BATCH rows to feed it with. */
static Training start_training(size_t w)
{
    static double numbers[BATCH * WIDEST];
    const size_t sizes[] = {w, w, w};
    Graph *graph = graph_new();
    Random random;
    random_seed(&random, 42);
    for (size_t i = 0; i < BATCH * w; i++)
        numbers[i] = random_uniform(&random, -1, 1);
    Training training = {.net = mlp_new(graph, sizes, LAYERS + 1, ACTIVATION_TANH)};
    mlp_init(training.net, INIT_XAVIER_UNIFORM, &random);
    training.x = v_inputs(graph, numbers, BATCH * w);
    training.mark = graph_mark(graph);
    return training;
}

static void step(Training *training, size_t w)
{
    const double start = now();
    Value *loss = v_sum(mlp_forward_rows(training->net, training->x, BATCH), BATCH * w);
    const double built = now();
    backward(loss);
    training->back += now() - built;
    training->forward += built - start;
    graph_release(training->net->graph, training->mark);
}

static void time_width(size_t w, double *numbers)
{
    const size_t products = LAYERS * w * w * BATCH, rounds = 1 + PRODUCTS_TIMED / products;
    Training training = start_training(w);
    for (size_t round = 0; round < WARM_UP + rounds; round++) {
        if (round == WARM_UP)
            training.forward = training.back = 0; /* those before touched the memory */
        step(&training, w);
    }
    graph_free(training.net->graph);
    numbers[FORWARD] = training.forward / (double)(products * rounds) * 1e9;
    numbers[BACK] = training.back / (double)(products * rounds) * 1e9;
    numbers[BOTH] = numbers[FORWARD] + numbers[BACK];
}

static const Row rows[] = {
    {"width 8", .measure = time_width, .size = 8},     {"width 16", .measure = time_width, .size = 16},
    {"width 32", .measure = time_width, .size = 32},   {"width 64", .measure = time_width, .size = 64},
    {"width 128", .measure = time_width, .size = 128}, {"width 256", .measure = time_width, .size = WIDEST},
};

static const Column columns[] = {
    [FORWARD] = {"forward", .decimals = 2, .is_drawn = true},
    [BACK] = {"walk back", .decimals = 2, .is_drawn = true},
    [BOTH] = {"both", .decimals = 2, .is_drawn = true},
};

Table width_table = {
    .name = "width",
    .title = "Wider layers",
    .text =
        "w → w → w tanh, a batch of 64, the loss the sum of all outputs. Nanoseconds per multiply-add of the forward "
        "pass; walking back takes two for each of them, and their time is divided by the same count.",
    .unit = "ns a multiply-add",
    TABLE_OF(rows, columns),
    .quick_size = 16,
    .turns = 7,
};
