/* nn_fast.c - mlp_forward for many rows at once, with the same numbers. Without this file a loop over mlp_forward does
 * the same, and training takes 3.4 times as long.
 *
 * Four things make it fast: only the caller's inputs are checked; the nodes of a layer are made in one loop, from
 * operands that are known to be good and to lie side by side, so that no builder has to find out; several rows go
 * through a layer together, while its weights are in the fastest cache; and the dots read copies of the numbers, which
 * lie eight to a cache line, where Values lie one to a line.
 */
#include <string.h>

#include "nn.h"

enum { ROWS_TOGETHER = 8 }; /* so many fit into the fastest cache with a neuron's weights */

/* Some rows on their way through the layers. The Values of a row lie side by side. */
typedef struct Rows {
    size_t count;
    Value *first[ROWS_TOGETHER]; /* of each row */
    bool all_need_grad;          /* what comes out of a layer does; of inputs it need not be known */
    double *numbers;             /* the data of all, row after row */
} Rows;

/* ---- a layer ----------------------------------------------------------------------------------------------------- */

/* The sums w·x + b of a layer, as v_dot_bias builds them, a neuron's for every row: that of the next row is `row_step`
 * nodes on, that of the next neuron `neuron_step`. `params` are the layer's numbers. */
static Value *make_sums(Graph *graph, const Layer *layer, const Rows *x, const double *params, size_t neuron_step,
                        size_t row_step)
{
    const size_t n = layer->inputs;
    Value *sums = graph_next_slots(graph, layer->outputs * x->count);
    if (sums == NULL)
        return NULL;
    for (size_t i = 0; i < layer->outputs; i++) {
        const double *w = params + i * (n + 1);
        for (size_t row = 0; row < x->count; row++)
            sums[i * neuron_step + row * row_step] = (Value){.data = dot_forward(n, w, x->numbers + row * n, 1) + w[n],
                                                             .op = OP_DOT,
                                                             .needs_grad = true,
                                                             .has_bias = true,
                                                             .some_parents_fixed = !x->all_need_grad,
                                                             .n = (uint32_t)n,
                                                             .a = layer->neurons[i].w[0],
                                                             .b = x->first[row],
                                                             .block = graph->newest};
    }
    graph_add_nodes(graph, layer->outputs * x->count);
    return sums;
}

/* The activations of sums that lie neuron by neuron; they lie row by row. */
static Value *make_activations(Graph *graph, const Layer *layer, size_t rows, Value *sums)
{
    const OpCode op = activation_op(layer->activation);
    double (*const forward)(double, double) = op_table[op].forward;
    Value *y = graph_next_slots(graph, layer->outputs * rows);
    if (y == NULL)
        return NULL;
    for (size_t row = 0; row < rows; row++)
        for (size_t i = 0; i < layer->outputs; i++) {
            Value *z = &sums[i * rows + row];
            y[row * layer->outputs + i] = (Value){
                .data = forward(z->data, 0), .op = op, .needs_grad = true, .n = 1, .a = z, .block = graph->newest};
        }
    graph_add_nodes(graph, layer->outputs * rows);
    return y;
}

/* The rows into a layer become the rows out of it. All sums first, a neuron's for every row, then all activations, a
 * row's for every neuron, so that the outputs of a row lie side by side for the next layer. */
static bool layer_of_rows(Graph *graph, const Layer *layer, const double *params, Rows *rows)
{
    const size_t inputs = layer->inputs, outputs = layer->outputs;
    for (size_t row = 0; row < rows->count; row++)
        for (size_t j = 0; j < inputs; j++)
            rows->numbers[row * inputs + j] = rows->first[row][j].data;
    const bool linear = layer->activation == ACTIVATION_NONE;
    Value *y = linear ? make_sums(graph, layer, rows, params, 1, outputs)
                      : make_sums(graph, layer, rows, params, rows->count, 1);
    if (y != NULL && !linear)
        y = make_activations(graph, layer, rows->count, y);
    for (size_t row = 0; y != NULL && row < rows->count; row++)
        rows->first[row] = y + row * outputs;
    rows->all_need_grad = true;
    return y != NULL;
}

/* ---- the network ------------------------------------------------------------------------------------------------- */

/* Whether the inputs of each row lie side by side. */
static bool rows_are_runs(Value *const *x, size_t rows, size_t inputs)
{
    for (size_t row = 0; row < rows; row++)
        if (!value_is_run(x + row * inputs, inputs) || x[row * inputs]->op == OP_FAILED)
            return false;
    return true;
}

/* Room for the numbers of all params and, behind them, of ROWS_TOGETHER rows into any layer; the first are filled in.
 * NULL when there is no memory. */
static double *copy_params(const MLP *net)
{
    size_t widest = 0;
    for (size_t l = 0; l < net->layer_count; l++)
        widest = net->layers[l].inputs > widest ? net->layers[l].inputs : widest;
    double *numbers = graph_scratch(net->graph, net->param_count + ROWS_TOGETHER * widest);
    for (size_t i = 0; numbers != NULL && i < net->param_count; i++)
        numbers[i] = net->params[i]->data;
    return numbers;
}

/* Through all layers, ROWS_TOGETHER rows at a time. */
static bool rows_together(const MLP *net, Value *const *x, size_t rows, Value **y)
{
    const size_t inputs = net->layers[0].inputs, outputs = net->layers[net->layer_count - 1].outputs;
    double *params = copy_params(net);
    for (size_t start = 0; params != NULL && start < rows; start += ROWS_TOGETHER) {
        const size_t count = rows - start < ROWS_TOGETHER ? rows - start : ROWS_TOGETHER;
        Rows some = {.count = count, .numbers = params + net->param_count};
        for (size_t row = 0; row < count; row++)
            some.first[row] = x[(start + row) * inputs];
        const double *of_layer = params;
        for (size_t l = 0; l < net->layer_count; l++) {
            if (!layer_of_rows(net->graph, &net->layers[l], of_layer, &some))
                return false;
            of_layer += net->layers[l].outputs * (net->layers[l].inputs + 1);
        }
        for (size_t row = 0; row < count; row++)
            for (size_t i = 0; i < outputs; i++)
                *y++ = &some.first[row][i];
    }
    return params != NULL;
}

static bool row_by_row(MLP *net, Value *const *x, size_t rows, Value **y, Where where)
{
    const size_t inputs = net->layers[0].inputs, outputs = net->layers[net->layer_count - 1].outputs;
    for (size_t row = 0; row < rows; row++) {
        Value **of_row = mlp_forward_at(net, x + row * inputs, where);
        if (of_row == NULL)
            return false;
        memcpy(y + row * outputs, of_row, outputs * sizeof *y);
    }
    return true;
}

Value **mlp_forward_rows_at(MLP *net, Value *const *x, size_t rows, Where where)
{
    mlp_check(net, "mlp_forward_rows", where);
    const size_t inputs = net->layers[0].inputs, outputs = net->layers[net->layer_count - 1].outputs;
    layer_check(net->graph, &net->layers[0], x, rows, where);
    Value **y = graph_alloc_array(net->graph, rows * outputs, sizeof *y);
    if (y == NULL)
        return NULL;
    const bool done =
        rows_are_runs(x, rows, inputs) ? rows_together(net, x, rows, y) : row_by_row(net, x, rows, y, where);
    return done ? y : NULL;
}
