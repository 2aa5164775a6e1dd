/* gpt.c - the GPT of chapter 23, whose source is compiled in here: names of names.txt, a step of Adam each. Beside it a
 * scalar tape written for this one model, compiled as the hand-written program of moons.c is, and PyTorch.
 */
#include <math.h>
#include <stdlib.h>

#define main chapter_main
#include "../../lessons/23_gpt.c"
#undef main

#include "tables.h"
#include "tape.h"

enum { ALL, SEVEN, BY_TAPE, BY_TORCH, INSTRUCTIONS, LOSS }; /* the columns */

static const double LR = 0.01;

/* Every eighth name, as in frameworks.py: the list is sorted. */
static const char *name_of(size_t step)
{
    static char names[NAMES][CONTEXT];
    FILE *file = names[0][0] == '\0' ? fopen("lessons/data/names/names.txt", "r") : NULL;
    for (size_t i = 0; file != NULL && i < NAMES; i++)
        if (fscanf(file, "%15s", names[i]) != 1)
            stop("lessons/data/names/names.txt is too short");
    if (file != NULL)
        fclose(file);
    if (names[0][0] == '\0')
        stop("lessons/data/names/names.txt cannot be read: start this in the top folder");
    return names[step * 8 % NAMES];
}

/* A step on a name; returns the loss before it. */
typedef double Train(void *training, const char *name);

static void train(Train *step, void *training, size_t steps, double *numbers)
{
    static double seven[STEPS];
    size_t seven_count = 0;
    name_of(0); /* reads them all */
    const double start = now();
    for (size_t i = 0; i < steps; i++) {
        const char *name = name_of(i);
        const double before = now();
        numbers[LOSS] = step(training, name);
        if (strlen(name) == 7)
            seven[seven_count++] = now() - before;
    }
    numbers[ALL] = (now() - start) / (double)steps * 1e3;
    numbers[SEVEN] = median(seven, seven_count) * 1e3;
}

/* ---- define-by-run ----------------------------------------------------------------------------------------------- */

typedef struct Training {
    Graph *graph;
    Value **params;
    size_t count;
    Optimizer *adam;
    Mark mark;
} Training;

/* The same params in each call. */
static Training start_training(void)
{
    Training training = {.graph = graph_new()};
    Random random;
    random_seed(&random, 42);
    for (size_t i = 0; i < MATRICES; i++)
        w[i] = matrix_param_normal(training.graph, rows[i], i == DOWN ? 4 * WIDTH : WIDTH, 0.08, &random);
    training.params = graph_params(training.graph, &training.count);
    training.adam = adam_new(training.params, training.count, ADAM(LR));
    training.mark = graph_mark(training.graph);
    return training;
}

static void end_training(Training *training)
{
    optimizer_free(training->adam);
    graph_free(training->graph);
}

static double step_of_engine(Training *training, const char *name)
{
    Value *loss = loss_of(name);
    optimizer_zero_grad(training->adam);
    backward(loss);
    optimizer_step(training->adam);
    return loss->data;
}

static double step_and_release(void *training, const char *name)
{
    Training *it = training;
    const double loss = step_of_engine(it, name);
    graph_release(it->graph, it->mark);
    return loss;
}

static void define_by_run(size_t steps, double *numbers)
{
    Training training = start_training();
    train(step_and_release, &training, steps, numbers);
    end_training(&training);
}

static void step_for_memory(void *training) { step_of_engine(training, "matilda"); }

void gpt_memory(size_t size, double *numbers)
{
    Training training = start_training();
    count_memory(training.graph, step_for_memory, &training, size, numbers);
    end_training(&training);
}

/* ---- the competitors --------------------------------------------------------------------------------------------- */

static double step_of_tape(void *training, const char *name)
{
    int tokens[CONTEXT + 1] = {EDGE};
    const size_t n = strlen(name) + 1;
    (void)training;
    for (size_t i = 1; i <= n; i++)
        tokens[i] = i < n ? name[i - 1] - 'a' : EDGE;
    return tape_step(tokens, tokens + 1, (int)n, LR);
}

static void tape(size_t steps, double *numbers)
{
    double start_params[TAPE_PARAMS];
    Training training = start_training();
    for (size_t i = 0; i < training.count; i++)
        start_params[i] = training.params[i]->data;
    end_training(&training);
    tape_begin(start_params);
    train(step_of_tape, NULL, steps, numbers);
}

/* Its params are other ones, and so is its loss. */
static void torch(size_t steps, double *numbers)
{
    double results[] = {NAN, NAN, NAN};
    run_framework("gpt", "TORCH_PYTHON", steps, results, 3);
    numbers[ALL] = results[0] / (double)steps * 1e3;
    numbers[LOSS] = results[1];
    numbers[SEVEN] = results[2] * 1e3;
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

static const Row programs[] = {
    {"scalar tape in C", .measure = tape},
    {"define-by-run", .measure = define_by_run},
    {"PyTorch", .measure = torch, .is_elsewhere = true},
};

static const Column columns[] = {
    [ALL] = {"ms a step", .decimals = 3, .is_drawn = true},
    [SEVEN] = {"ms, 7 letters", .decimals = 3, .is_drawn = true},
    [BY_TAPE] = {"× tape", .decimals = 2, .relative_to = "scalar tape in C"},
    [BY_TORCH] = {"× PyTorch", .decimals = 2, .relative_to = "PyTorch"},
    [INSTRUCTIONS] = {"instructions of a step, millions", .decimals = 2, .is_count = true},
    [LOSS] = {"loss of the last name", .decimals = 15},
};

Table gpt_table = {
    .name = "gpt",
    .title = "The GPT of chapter 23, 1000 names",
    .text =
        "Width 16, 4192 params, a name and a step of Adam at a time: the mean of all steps, and the median of names "
        "of seven letters, the middle length. The tape knows this one model and checks nothing. PyTorch begins "
        "with params of its own, so its loss is another one.",
    .unit = "milliseconds",
    TABLE_OF(programs, columns),
    .size = STEPS,
    .quick_size = 8,
    .counted = 40,
    .turns = 7,
};
