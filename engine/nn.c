/* nn.c - w·x + b and an activation, over and over: the textbook form. nn_fast.c takes many rows through at once. */
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

OpCode activation_op(Activation activation) { return activations[activation].op; }

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

static double activate_number(double z, Activation activation)
{
    return activation == ACTIVATION_NONE ? z : op_table[activations[activation].op].forward(z, 0);
}

/* ---- making a network -------------------------------------------------------------------------------------------- */

/* The params of a neuron, side by side in memory; `w` has room for their list. */
static bool neuron_new(Neuron *neuron, Graph *graph, Value **w, size_t inputs, size_t layer, size_t index)
{
    char label[72]; /* three numbers of up to 20 digits */
    if (!graph_reserve(graph, inputs + 1))
        return false;
    *neuron = (Neuron){w, inputs};
    for (size_t i = 0; i <= inputs; i++)
        w[i] = v_param(graph, 0);
    for (size_t i = 0; i < inputs; i++) {
        snprintf(label, sizeof label, "w%zu[%zu,%zu]", layer, index, i);
        v_label(w[i], label);
    }
    snprintf(label, sizeof label, "b%zu[%zu]", layer, index);
    v_label(w[inputs], label);
    return graph_ok(graph);
}

/* A node counts its operands in 32 bits, and the params must fit into memory's addresses. */
static bool sizes_are_possible(Graph *graph, const size_t *sizes, size_t count)
{
    double params = 0;
    for (size_t i = 0; i < count; i++) {
        params += i > 0 ? (double)sizes[i] * ((double)sizes[i - 1] + 1) : 0;
        if (sizes[i] >= UINT32_MAX || params >= (double)(SIZE_MAX / sizeof(Value)))
            graph_fail(graph);
    }
    return graph_ok(graph);
}

/* `params` has room for the list of the layer's params. */
static bool layer_new(Layer *layer, Graph *graph, Value **params, size_t number)
{
    layer->neurons = graph_alloc_array(graph, layer->outputs, sizeof *layer->neurons);
    if (layer->neurons == NULL)
        return false;
    for (size_t i = 0; i < layer->outputs; i++)
        if (!neuron_new(&layer->neurons[i], graph, params + i * (layer->inputs + 1), layer->inputs, number, i))
            return false;
    return true;
}

static void check_sizes(const Graph *graph, const size_t *sizes, size_t count, Where where)
{
    graph_given(graph, "mlp_new", where.file, where.line);
    if (count < 2)
        misuse(where, "mlp_new: %zu sizes. It takes the number of inputs, of each hidden layer, and of outputs.",
               count);
    if (sizes == NULL)
        misuse(where, "mlp_new: the list of %zu sizes is NULL. Pass an array of them.", count);
    for (size_t i = 0; i < count; i++)
        if (sizes[i] == 0)
            misuse(where, "mlp_new: sizes[%zu] is 0. A layer has at least one neuron.", i);
}

static size_t layer_params(const Layer *layer) { return layer->outputs * (layer->inputs + 1); }

MLP *mlp_new_at(Graph *graph, const size_t *sizes, size_t count, Activation activation, Where where)
{
    check_sizes(graph, sizes, count, where);
    if (!sizes_are_possible(graph, sizes, count))
        return NULL;
    MLP *net = graph_alloc(graph, sizeof *net);
    Layer *layers = graph_alloc_array(graph, count - 1, sizeof *layers);
    if (net == NULL || layers == NULL)
        return NULL;
    *net = (MLP){.graph = graph, .layers = layers, .layer_count = count - 1};
    for (size_t l = 0; l < net->layer_count; l++) {
        const bool last = l == net->layer_count - 1;
        layers[l] =
            (Layer){.inputs = sizes[l], .outputs = sizes[l + 1], .activation = last ? ACTIVATION_NONE : activation};
        net->param_count += layer_params(&layers[l]);
    }
    net->params = graph_alloc_array(graph, net->param_count, sizeof(Value *));
    Value **params = net->params;
    for (size_t l = 0; l < net->layer_count; l++) {
        if (params == NULL || !layer_new(&layers[l], graph, params, l + 1))
            return NULL;
        params += layer_params(&layers[l]);
    }
    net->life = life_new(net->params[net->param_count - 1]);
    return net;
}

void mlp_check(const MLP *net, const char *function, Where where)
{
    if (net == NULL)
        misuse(where, "%s: the network is NULL. Make it with mlp_new, and check that it is not NULL.", function);
    if (!life_lasts(&net->life))
        misuse(where,
               "%s: the network was released: graph_release ended its params together with all nodes made since the "
               "mark. Make it before graph_mark.",
               function);
}

void mlp_init_at(MLP *net, Init init, Random *random, Where where)
{
    mlp_check(net, "mlp_init", where);
    misuse_if_null(random, "mlp_init: random", "Pass a Random that was seeded with random_seed.", where);
    for (size_t l = 0; l < net->layer_count; l++) {
        const Layer *layer = &net->layers[l];
        const double inputs = (double)layer->inputs, outputs = (double)layer->outputs;
        const double gain = activations[layer->activation].gain;
        const double bound = init == INIT_KAIMING_UNIFORM  ? gain * sqrt(3 / inputs)
                             : init == INIT_XAVIER_UNIFORM ? gain * sqrt(6 / (inputs + outputs))
                                                           : 1 / sqrt(inputs);
        for (size_t i = 0; i < layer->outputs; i++) {
            Value **w = layer->neurons[i].w;
            for (size_t j = 0; j < layer->inputs; j++)
                w[j]->data = random_uniform(random, -bound, bound);
            w[layer->inputs]->data = init == INIT_PYTORCH ? random_uniform(random, -bound, bound) : 0;
        }
    }
}

/* ---- forward ----------------------------------------------------------------------------------------------------- */

static void check_inputs(const Graph *graph, Value *const *x, size_t n, Where where)
{
    char role[64];
    if (x == NULL)
        misuse(where, "forward: the list of inputs is NULL. Make one of %zu with v_inputs.", n);
    for (size_t i = 0; i < n; i++) {
        if (x[i] != NULL && value_is_live(x[i]) && x[i]->block->graph == graph)
            continue;
        snprintf(role, sizeof role, "forward: input x[%zu] of %zu", i, n);
        value_check(x[i], graph, role, where);
    }
}

/* The layer's last param stands for all: they were made one after the other, and a release ends the newest first. */
void layer_check(const Graph *graph, const Layer *layer, Value *const *x, size_t rows, Where where)
{
    graph_given(graph, "layer_forward", where.file, where.line);
    misuse_if_null(layer, "forward: the layer", "Pass one of net->layers.", where);
    value_check(layer->neurons[layer->outputs - 1].w[layer->inputs], graph, "forward: the layer's last bias", where);
    check_inputs(graph, x, rows * layer->inputs, where);
}

/* z = w·x + b */
static Value *neuron_sum(const Neuron *neuron, Value *const *x, Where where)
{
    return value_pairs(OP_DOT, neuron->w, x, neuron->inputs, neuron->w[neuron->inputs], where);
}

Value *activation_forward(Activation activation, Value *z, Where where)
{
    return activation == ACTIVATION_NONE ? z : value_unary(activations[activation].op, z, where);
}

Value *neuron_forward_at(const Neuron *neuron, Activation activation, Value *const *x, Where where)
{
    misuse_if_null(neuron, "neuron_forward: the neuron", "Pass one of layer->neurons.", where);
    check_inputs(value_graph(neuron->w[0]), x, neuron->inputs, where);
    return activation_forward(activation, neuron_sum(neuron, x, where), where);
}

/* First all sums and then all activations, so that the outputs lie side by side for the next layer. */
Value **layer_forward_at(Graph *graph, const Layer *layer, Value *const *x, Where where)
{
    layer_check(graph, layer, x, 1, where);
    Value **y = graph_alloc_array(graph, layer->outputs, sizeof *y);
    for (size_t i = 0; y != NULL && i < layer->outputs; i++)
        y[i] = neuron_sum(&layer->neurons[i], x, where);
    for (size_t i = 0; y != NULL && i < layer->outputs; i++)
        y[i] = activation_forward(layer->activation, y[i], where);
    return y;
}

Value **mlp_forward_at(MLP *net, Value *const *x, Where where)
{
    mlp_check(net, "mlp_forward", where);
    Value **y = layer_forward_at(net->graph, &net->layers[0], x, where);
    for (size_t l = 1; y != NULL && l < net->layer_count; l++)
        y = layer_forward_at(net->graph, &net->layers[l], y, where);
    return y;
}

Value **value_inputs(Graph *graph, const double *data, size_t n, Where where)
{
    graph_given(graph, "v_inputs", where.file, where.line);
    misuse_if_null(data, "v_inputs: the list of numbers", "Pass an array of n numbers.", where);
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
        Value *const *w = layer->neurons[i].w;
        for (size_t j = 0; j < layer->inputs; j++)
            weights[j] = w[j]->data;
        outputs[i] =
            activate_number(dot_forward(layer->inputs, weights, x, 1) + w[layer->inputs]->data, layer->activation);
    }
}

bool mlp_evaluate_at(const MLP *net, const double *x, double *outputs, Where where)
{
    mlp_check(net, "mlp_evaluate", where);
    misuse_if_null(x, "mlp_evaluate: the list of inputs", "Pass an array of numbers.", where);
    misuse_if_null(outputs, "mlp_evaluate: outputs", "Give an array with room for them.", where);
    size_t widest = 0;
    for (size_t l = 0; l < net->layer_count; l++) {
        widest = net->layers[l].inputs > widest ? net->layers[l].inputs : widest;
        widest = net->layers[l].outputs > widest ? net->layers[l].outputs : widest;
    }
    double *numbers = memory_alloc_array(widest, 3 * sizeof *numbers); /* inputs, outputs and weights of a layer */
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
    memory_free(numbers);
    return true;
}

void mlp_zero_grad_at(MLP *net, Where where)
{
    mlp_check(net, "mlp_zero_grad", where);
    for (size_t i = 0; i < net->param_count; i++)
        net->params[i]->grad = 0;
}
