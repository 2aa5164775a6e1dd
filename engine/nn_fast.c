/* nn_fast.c - mlp_forward for many rows at once, with the same numbers. Without this file a loop over mlp_forward does
 * the same, and training takes 2.6 times as long.
 *
 * Three things make it fast: a neuron's weights, and the outputs of a layer, are known to lie side by side, so that no
 * builder has to find out; each operand is checked once per layer, and not once per neuron; and several rows go through
 * a layer together, while its weights are in the fastest cache.
 */
#include <string.h>

#include "nn.h"

enum {
    ROWS_TOGETHER = 8,                            /* so many fit into the fastest cache with a neuron's weights */
    VALUE_STRIDE = sizeof(Value) / sizeof(double) /* doubles from the data of a Value to that of the next */
};

/* ---- a layer ----------------------------------------------------------------------------------------------------- */

static bool list_needs_grad(Value *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!list[i]->needs_grad)
            return false;
    return true;
}

/* Whether the inputs of each row lie side by side. */
static bool rows_are_runs(Value *const *x, size_t rows, size_t inputs)
{
    for (size_t row = 0; row < rows; row++)
        if (!value_is_run(x + row * inputs, inputs) || x[row * inputs]->op == OP_FAILED)
            return false;
    return true;
}

/* w·x + b, as v_dot_bias builds it of operands that lie side by side. */
static Value *dot_of_runs(const Neuron *neuron, Value *x, bool x_all_need_grad)
{
    Value *w = neuron->w[0];
    const size_t n = neuron->inputs;
    Graph *graph = w->block->graph;
    Value *v = graph_new_slot(graph);
    if (v == NULL)
        return graph_fail(graph);
    *v = (Value){.data = dot_forward(n, &w->data, &x->data, VALUE_STRIDE) + w[n].data,
                 .op = OP_DOT,
                 .needs_grad = true,
                 .has_bias = true,
                 .some_parents_fixed = !x_all_need_grad,
                 .n = (uint32_t)n,
                 .a = w,
                 .b = x,
                 .block = graph->newest};
    return v;
}

/* All sums first, a neuron's for every row, then all activations, a row's for every neuron, so that the outputs of a
 * row lie side by side for the next layer. */
static void layer_of_runs(const Layer *layer, Value *const *x, size_t rows, Value **y, Where where)
{
    const size_t inputs = layer->inputs, outputs = layer->outputs;
    const bool all_need_grad = list_needs_grad(x, rows * inputs);
    for (size_t i = 0; i < outputs; i++)
        for (size_t row = 0; row < rows; row++)
            y[row * outputs + i] = dot_of_runs(&layer->neurons[i], x[row * inputs], all_need_grad);
    for (size_t k = 0; k < rows * outputs; k++)
        y[k] = activation_forward(layer->activation, y[k], where);
}

static Value **layer_forward_rows(Graph *graph, const Layer *layer, Value *const *x, size_t rows, Where where)
{
    layer_check(graph, layer, x, rows, where);
    Value **y = graph_alloc_array(graph, rows * layer->outputs, sizeof *y);
    if (y == NULL || !graph_reserve(graph, 2 * rows * layer->outputs))
        return NULL;
    if (rows_are_runs(x, rows, layer->inputs)) {
        layer_of_runs(layer, x, rows, y, where);
        return y;
    }
    for (size_t row = 0; row < rows; row++) {
        Value **of_row = layer_forward_at(graph, layer, x + row * layer->inputs, where);
        if (of_row == NULL)
            return NULL;
        memcpy(y + row * layer->outputs, of_row, layer->outputs * sizeof *y);
    }
    return y;
}

/* ---- the network ------------------------------------------------------------------------------------------------- */

Value **mlp_forward_rows_at(MLP *net, Value *const *x, size_t rows, Where where)
{
    mlp_check(net, "mlp_forward_rows", where);
    const size_t inputs = net->layers[0].inputs, outputs = net->layers[net->layer_count - 1].outputs;
    layer_check(net->graph, &net->layers[0], x, rows, where); /* all of x, before it is stepped through, row by row */
    Value **all = graph_alloc_array(net->graph, rows * outputs, sizeof *all);
    for (size_t row = 0; all != NULL && row < rows; row += ROWS_TOGETHER) {
        const size_t together = rows - row < ROWS_TOGETHER ? rows - row : ROWS_TOGETHER;
        Value *const *y = x + row * inputs;
        for (size_t l = 0; y != NULL && l < net->layer_count; l++)
            y = layer_forward_rows(net->graph, &net->layers[l], y, together, where);
        if (y == NULL)
            return NULL;
        memcpy(all + row * outputs, y, together * outputs * sizeof *all);
    }
    return all;
}
