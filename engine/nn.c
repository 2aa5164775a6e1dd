/* nn.c - see nn.h. */
#include "nn.h"

#include <math.h>
#include <string.h>

#include "memory.h"

/* ---- activations ------------------------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    OpCode op;
    double gain; /* how much an activation shrinks what passes through it: He et al. 2015, and torch.nn.init */
} activations[] = {
    [ACTIVATION_NONE] = {"none", OP_COUNT, 1},
    [ACTIVATION_TANH] = {"tanh", OP_TANH, 5.0 / 3},
    [ACTIVATION_RELU] = {"relu", OP_RELU, 1.4142135623730951},
    [ACTIVATION_SIGMOID] = {"sigmoid", OP_SIGMOID, 1},
};

enum { ACTIVATION_COUNT = sizeof activations / sizeof activations[0] };

const char *activation_name(Activation activation) { return activations[activation].name; }

bool activation_from_name(const char *name, Activation *activation)
{
    for (int i = 0; i < ACTIVATION_COUNT; i++) {
        if (strcmp(name, activations[i].name) == 0) {
            *activation = (Activation)i;
            return true;
        }
    }
    return false;
}

char *activation_names(char buffer[ACTIVATION_NAMES_SIZE])
{
    size_t used = 0;
    for (int i = 0; i < ACTIVATION_COUNT; i++)
        used += (size_t)snprintf(buffer + used, ACTIVATION_NAMES_SIZE - used, "%s%s", i == 0 ? "" : ", ",
                                 activations[i].name);
    return buffer;
}

static Value *activate(Value *z, Activation activation, Where where)
{
    return activation == ACTIVATION_NONE ? z : value_unary(activations[activation].op, z, where);
}

static double activate_number(double z, Activation activation)
{
    return activation == ACTIVATION_NONE ? z : op_table[activations[activation].op].forward(z, 0);
}

/* ---- making a network -------------------------------------------------------------------------------------------- */

static bool neuron_new(Neuron *neuron, Graph *graph, size_t inputs, size_t layer, size_t index)
{
    char label[72]; /* three numbers of up to 20 digits */
    if (!graph_reserve(graph, inputs + 1))
        return false;
    *neuron = (Neuron){v_param(graph, 0), inputs};
    for (size_t i = 1; i <= inputs; i++)
        v_param(graph, 0);
    for (size_t i = 0; i < inputs; i++) {
        snprintf(label, sizeof label, "w%zu[%zu,%zu]", layer, index, i);
        v_label(&neuron->w[i], label);
    }
    snprintf(label, sizeof label, "b%zu[%zu]", layer, index);
    v_label(&neuron->w[inputs], label);
    return graph_ok(graph);
}

/* A node counts its operands in 32 bits; more neurons than that would need 256 GB in any case. */
static bool sizes_are_possible(Graph *graph, const size_t *sizes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (sizes[i] >= UINT32_MAX)
            graph_fail(graph);
    return graph_ok(graph);
}

static bool layer_new(Layer *layer, Graph *graph, size_t inputs, size_t outputs, Activation activation, size_t number)
{
    *layer = (Layer){.inputs = inputs, .outputs = outputs, .activation = activation};
    layer->neurons = graph_alloc_array(graph, outputs, sizeof *layer->neurons);
    if (layer->neurons == NULL)
        return false;
    for (size_t i = 0; i < outputs; i++)
        if (!neuron_new(&layer->neurons[i], graph, inputs, number, i))
            return false;
    return true;
}

/* The one list of all params, in the order in which they were made. */
static bool list_params(MLP *net)
{
    net->params = graph_alloc_array(net->graph, net->param_count, sizeof(Value *));
    if (net->params == NULL)
        return false;
    Value **next = net->params;
    for (size_t l = 0; l < net->layer_count; l++)
        for (size_t i = 0; i < net->layers[l].outputs; i++)
            for (size_t j = 0; j <= net->layers[l].inputs; j++)
                *next++ = &net->layers[l].neurons[i].w[j];
    return true;
}

MLP *mlp_new_at(Graph *graph, const size_t *sizes, size_t count, Activation activation, Where where)
{
    if (graph == NULL)
        misuse(where, "mlp_new: the graph is NULL. Make one with graph_new, and see that it found memory.");
    if (count < 2)
        misuse(where, "mlp_new: %zu sizes. It takes the number of inputs, of each hidden layer, and of outputs.",
               count);
    if (sizes == NULL)
        misuse(where, "mlp_new: the list of %zu sizes is NULL. Pass an array of them.", count);
    for (size_t i = 0; i < count; i++)
        if (sizes[i] == 0)
            misuse(where, "mlp_new: sizes[%zu] is 0. A layer has at least one neuron.", i);
    if (!sizes_are_possible(graph, sizes, count))
        return NULL;
    MLP *net = graph_alloc(graph, sizeof *net);
    Layer *layers = graph_alloc_array(graph, count - 1, sizeof *layers);
    if (net == NULL || layers == NULL)
        return NULL;
    *net = (MLP){.graph = graph, .layers = layers, .layer_count = count - 1};
    for (size_t l = 0; l < net->layer_count; l++) {
        const bool last = l == net->layer_count - 1;
        if (!layer_new(&layers[l], graph, sizes[l], sizes[l + 1], last ? ACTIVATION_NONE : activation, l + 1))
            return NULL;
        net->param_count += sizes[l + 1] * (sizes[l] + 1);
    }
    return list_params(net) ? net : NULL;
}

void mlp_init(MLP *net, Init init, Random *random)
{
    for (size_t l = 0; l < net->layer_count; l++) {
        const Layer *layer = &net->layers[l];
        const double inputs = (double)layer->inputs, outputs = (double)layer->outputs;
        const double gain = activations[layer->activation].gain;
        const double bound = init == INIT_KAIMING_UNIFORM  ? gain * sqrt(3 / inputs)
                             : init == INIT_XAVIER_UNIFORM ? gain * sqrt(6 / (inputs + outputs))
                                                           : 1 / sqrt(inputs);
        for (size_t i = 0; i < layer->outputs; i++) {
            Value *w = layer->neurons[i].w;
            for (size_t j = 0; j < layer->inputs; j++)
                w[j].data = random_uniform(random, -bound, bound);
            w[layer->inputs].data = init == INIT_PYTORCH ? random_uniform(random, -bound, bound) : 0;
        }
    }
}

/* ---- forward ----------------------------------------------------------------------------------------------------- */

static bool list_needs_grad(Value *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!list[i]->needs_grad)
            return false;
    return true;
}

static void check_inputs(const Graph *graph, Value *const *x, size_t n, Where where)
{
    char role[64];
    if (x == NULL)
        misuse(where, "forward: the list of inputs is NULL. Make one of %zu with v_inputs.", n);
    for (size_t i = 0; i < n; i++) {
        if (x[i] != NULL && !x[i]->block->released && x[i]->block->graph == graph)
            continue;
        snprintf(role, sizeof role, "forward: input x[%zu] of %zu", i, n);
        value_check(x[i], graph, role, where);
    }
}

/* value_dot_run checks nothing, so the layer's params are checked here. The last one is enough: they were made one
 * after the other, and a release ends the newest first. */
static void check_layer(const Graph *graph, const Layer *layer, Where where)
{
    const Value *last = &layer->neurons[layer->outputs - 1].w[layer->inputs];
    if (last->block->released || last->block->graph != graph)
        value_check(last, graph, "forward: the layer's last bias", where);
}

/* w·x + b of a neuron whose inputs may be scattered. */
static Value *neuron_sum(const Neuron *neuron, Value *const *x, Where where)
{
    Graph *graph = neuron->w->block->graph;
    Value **w = graph_alloc_array(graph, neuron->inputs, sizeof *w);
    if (w == NULL)
        return graph_fail(graph);
    for (size_t i = 0; i < neuron->inputs; i++)
        w[i] = &neuron->w[i];
    return value_pairs(OP_DOT, w, x, neuron->inputs, &neuron->w[neuron->inputs], where);
}

Value *neuron_forward_at(const Neuron *neuron, Activation activation, Value *const *x, Where where)
{
    check_inputs(neuron->w->block->graph, x, neuron->inputs, where);
    return activate(neuron_sum(neuron, x, where), activation, where);
}

/* All sums first, a neuron's for every row, then all activations, a row's for every neuron, so that the outputs of a
 * row lie side by side for the next layer. */
Value **layer_forward_rows_at(Graph *graph, const Layer *layer, Value *const *x, size_t rows, Where where)
{
    const size_t inputs = layer->inputs, outputs = layer->outputs;
    check_layer(graph, layer, where);
    check_inputs(graph, x, rows * inputs, where);
    Value **out = graph_alloc_array(graph, rows * outputs, sizeof *out);
    if (out == NULL || !graph_reserve(graph, 2 * rows * outputs))
        return NULL;
    const bool all_need_grad = list_needs_grad(x, rows * inputs);
    bool runs = true;
    for (size_t row = 0; row < rows; row++)
        runs = runs && value_is_run(x + row * inputs, inputs) && x[row * inputs]->op != OP_FAILED;
    for (size_t i = 0; i < outputs; i++) {
        const Neuron *neuron = &layer->neurons[i];
        for (size_t row = 0; row < rows; row++)
            out[row * outputs + i] = runs ? value_dot_run(neuron->w, x[row * inputs], inputs, all_need_grad)
                                          : neuron_sum(neuron, x + row * inputs, where);
    }
    for (size_t k = 0; k < rows * outputs; k++)
        out[k] = activate(out[k], layer->activation, where);
    return out;
}

/* So many rows go through the network together: what they and a neuron's weights need fits the fastest memory. */
enum { ROWS_TOGETHER = 8 };

Value **mlp_forward_rows_at(const MLP *net, Value *const *x, size_t rows, Where where)
{
    if (net == NULL)
        misuse(where, "mlp_forward: the network is NULL. Make it with mlp_new, and see that it found memory.");
    if (x == NULL) /* before it is stepped through, row by row */
        check_inputs(net->graph, x, rows * net->layers[0].inputs, where);
    const size_t inputs = net->layers[0].inputs, outputs = net->layers[net->layer_count - 1].outputs;
    Value **all = graph_alloc_array(net->graph, rows * outputs, sizeof *all);
    for (size_t row = 0; all != NULL && row < rows; row += ROWS_TOGETHER) {
        const size_t together = rows - row < ROWS_TOGETHER ? rows - row : ROWS_TOGETHER;
        Value *const *out = x + row * inputs;
        for (size_t l = 0; l < net->layer_count; l++) {
            out = layer_forward_rows_at(net->graph, &net->layers[l], out, together, where);
            if (out == NULL)
                return NULL;
        }
        memcpy(all + row * outputs, out, together * outputs * sizeof *all);
    }
    return all;
}

Value **v_inputs(Graph *graph, const double *data, size_t n)
{
    Value **list = graph_alloc_array(graph, n, sizeof *list);
    if (list == NULL || !graph_reserve(graph, n))
        return NULL;
    for (size_t i = 0; i < n; i++)
        list[i] = v_input(graph, data[i]);
    return list;
}

/* ---- without a graph --------------------------------------------------------------------------------------------- */

static void layer_evaluate(const Layer *layer, const double *x, double *weights, double *outputs)
{
    for (size_t i = 0; i < layer->outputs; i++) {
        const Value *w = layer->neurons[i].w;
        for (size_t j = 0; j < layer->inputs; j++)
            weights[j] = w[j].data;
        outputs[i] =
            activate_number(dot_forward(layer->inputs, weights, x, 1) + w[layer->inputs].data, layer->activation);
    }
}

bool mlp_evaluate(const MLP *net, const double *x, double *outputs)
{
    size_t widest = 0;
    for (size_t l = 0; l < net->layer_count; l++) {
        widest = net->layers[l].inputs > widest ? net->layers[l].inputs : widest;
        widest = net->layers[l].outputs > widest ? net->layers[l].outputs : widest;
    }
    double *numbers = graph_scratch(net->graph, 3 * widest); /* inputs, outputs and weights of a layer */
    if (numbers == NULL)
        return false;
    double *in = numbers, *out = numbers + widest;
    memcpy(in, x, net->layers[0].inputs * sizeof *in);
    for (size_t l = 0; l < net->layer_count; l++) {
        layer_evaluate(&net->layers[l], in, numbers + 2 * widest, out);
        double *swapped = in;
        in = out;
        out = swapped;
    }
    memcpy(outputs, in, net->layers[net->layer_count - 1].outputs * sizeof *outputs);
    return true;
}

void mlp_zero_grad(MLP *net)
{
    for (size_t i = 0; i < net->param_count; i++)
        net->params[i]->grad = 0;
}
