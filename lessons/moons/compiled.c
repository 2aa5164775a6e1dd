/* compiled.c - --compiled: the loss of a row is recorded once, and a step replays it for all rows of its batch, with no
 * graph built (replay.h). The class of a row is an input of the program as its features are: as one-hot, 0 1 0. */
#include <math.h>
#include <string.h>

#include "moons.h"

static size_t input_count(const Run *run) { return run->train.features + run->classes; }

/* The features of a row, and 1 for its class, and 0 for all others. */
static void write_inputs(const Run *run, size_t row, double *inputs)
{
    const Dataset *data = &run->train;
    memcpy(inputs, dataset_row(data, row), data->features * sizeof *inputs);
    for (size_t c = 0; c < run->classes; c++)
        inputs[data->features + c] = c == (size_t)data->label[row];
}

/* ---- once -------------------------------------------------------------------------------------------------------- */

/* As a graph. *x: its inputs. */
static Value *loss_of_row(Run *run, size_t row, Value ***x)
{
    write_inputs(run, row, run->compiled.inputs);
    *x = need(v_inputs(run->graph, run->compiled.inputs, input_count(run)));
    Value **logits = need(mlp_forward(run->net, *x));
    Value *loss = cross_entropy_one_hot(logits, *x + run->train.features, run->classes);
    return need(graph_ok(run->graph) ? loss : NULL);
}

/* Record the first row. A row of another class must give the same program: nothing of the class may be in it. */
static void record(Run *run)
{
    Compiled *c = &run->compiled;
    Error error;
    Value **x, *loss = loss_of_row(run, 0, &x);
    c->program = need(program_record(loss, x, input_count(run), &error));
    c->nodes = graph_node_count(run->graph) - run->net->param_count;
    size_t other = 1; /* make_data has seen that there is one */
    while (run->train.label[other] == run->train.label[0])
        other++;
    loss = loss_of_row(run, other, &x);
    require(program_agrees(c->program, loss, x, input_count(run), &error), &error);
    graph_release(run->graph, run->mark);
}

void compile(Run *run)
{
    Compiled *c = &run->compiled;
    const Options *o = &run->options;
    const size_t rows = o->batch < run->train.count ? (size_t)o->batch : run->train.count;
    const size_t threads = o->threads > 0 ? (size_t)o->threads : 1;
    c->inputs = need(memory_alloc_array(rows, input_count(run) * sizeof *c->inputs));
    c->losses = need(memory_alloc_array(rows, sizeof *c->losses));
    c->logits = need(memory_alloc_array(run->classes, sizeof *c->logits));
    record(run);
    program_use_vmath(c->program, o->vmath);
    need(program_use_threads(c->program, threads) ? c->program : NULL);
    if (program_threads(c->program) < threads)
        fprintf(stderr, "moons: --threads %zu: one thread does the work, as the compiler had no OpenMP.\n", threads);
}

void compiled_free(Compiled *c)
{
    program_free(c->program);
    memory_free(c->inputs);
    memory_free(c->losses);
    memory_free(c->logits);
}

/* ---- a step ------------------------------------------------------------------------------------------------------ */

/* Is the class of a row the likeliest? Its loss, -log p, tells when p is above 1/2, or below 1/classes; in between the
 * logits do. (Rounding is far below 0.01.) */
static bool is_right(const Run *run, size_t row, double loss)
{
    double *logits = run->compiled.logits;
    if (loss < log(2) - 0.01)
        return true;
    if (loss > log((double)run->classes) + 0.01)
        return false;
    need(mlp_evaluate(run->net, dataset_row(&run->train, row), logits) ? logits : NULL);
    return largest_number(logits, run->classes) == (size_t)run->train.label[row];
}

/* What train_step does, without a graph. A number that is not finite has no node here that could be named: then
 * define-by-run takes the step, or looks at where it led. */
double compiled_step(Run *run, const size_t *rows, size_t n, size_t *correct)
{
    const Compiled *c = &run->compiled;
    for (size_t i = 0; i < n; i++)
        write_inputs(run, rows[i], c->inputs + i * input_count(run));
    optimizer_zero_grad(run->optimizer);
    program_replay(c->program, c->inputs, n, 1.0 / (double)n, c->losses); /* forward and backward */
    const double loss = sum_forward(n, c->losses, NULL, 1) / (double)n;   /* as mean_loss */
    if (!all_finite(run, loss))
        return train_step(run, rows, n, correct);
    *correct = 0;
    for (size_t i = 0; i < n; i++)
        *correct += is_right(run, rows[i], c->losses[i]);
    optimizer_step(run->optimizer);
    if (!all_finite(run, loss))
        has_diverged_on(run, rows, n);
    run->nodes += (double)n * (double)c->nodes;
    return loss;
}
