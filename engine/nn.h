/* nn.h - neuron, layer, multi-layer perceptron: functions that build w·x + b and an activation, over and over.
 *
 *     size_t sizes[] = {2, 32, 32, 2};                       // 2 inputs, two hidden layers of 32, 2 outputs
 *     MLP *net = mlp_new(g, sizes, 4, ACTIVATION_TANH);
 *     mlp_init(net, INIT_KAIMING_UNIFORM, &random);
 *     Mark mark = graph_mark(g);                             // the parameters stay; what follows is released
 *     for (each step) {
 *         Value **logits = mlp_forward(net, x);              // x: a list of 2 Values
 *         ... loss, mlp_zero_grad(net), backward(loss), optimizer_step, graph_release(g, mark) ...
 *     }
 *
 * A network lives in its graph, beside the parameters that it is made of, and ends with them: nothing to free. It is a
 * usage error (error.h) to pass NULL, or a network that has ended.
 * The activation follows every layer but the last, whose outputs are plain numbers (logits, or a regression).
 */
#ifndef STEPGRAD_NN_H
#define STEPGRAD_NN_H

#include "graph.h"
#include "random.h"

typedef enum Activation { ACTIVATION_NONE, ACTIVATION_TANH, ACTIVATION_RELU, ACTIVATION_SIGMOID } Activation;

/* "none", "tanh", "relu", "sigmoid"; and back: false when the name is none of them. */
const char *activation_name(Activation activation);
bool activation_from_name(const char *name, Activation *activation);

/* All the names, for a message: "none, tanh, relu, sigmoid". Returns buffer. */
enum { ACTIVATION_NAMES_SIZE = 80 };
char *activation_names(char buffer[ACTIVATION_NAMES_SIZE]);

/* Its op; OP_COUNT for ACTIVATION_NONE, which is none. */
OpCode activation_op(Activation activation);

/* f(z); z itself with ACTIVATION_NONE. */
Value *activation_forward(Activation activation, Value *z, Where where);

/* y = activation(w·x + b): the weights w[0..inputs), and the bias w[inputs] after them; a piece of the network's list
 * of params. */
typedef struct Neuron {
    Value **w;
    size_t inputs;
} Neuron;

typedef struct Layer {
    Neuron *neurons;
    size_t inputs, outputs;
    Activation activation;
} Layer;

typedef struct MLP {
    Graph *graph;
    Layer *layers;
    size_t layer_count;
    Value **params; /* all of them: layer by layer, neuron by neuron, weights and then the bias */
    size_t param_count;
    Life life; /* for the engine: whether a release has ended it */
} MLP;

/* How initial weights are drawn, all uniformly from (−bound, bound); biases too with INIT_PYTORCH, else they are 0.
 *     INIT_KAIMING_UNIFORM  bound = gain·√(3/inputs)              He et al. 2015; gain √2 for relu, 5/3 tanh, else 1
 *     INIT_XAVIER_UNIFORM   bound = gain·√(6/(inputs + outputs))  Glorot & Bengio 2010
 *     INIT_PYTORCH          bound = 1/√inputs                     what torch.nn.Linear does */
typedef enum Init { INIT_KAIMING_UNIFORM, INIT_XAVIER_UNIFORM, INIT_PYTORCH } Init;

/* A network with sizes[0] inputs and sizes[count-1] outputs, all params 0, labelled "w1[3,0]" and "b1[3]" (layer 1,
 * neuron 3). NULL when there is no memory. It is a usage error to pass a size of 0, or count < 2.
 *     mlp_new(graph, sizes, count, activation) */
#define mlp_new(...) mlp_new_at(__VA_ARGS__, HERE)
MLP *mlp_new_at(Graph *graph, const size_t *sizes, size_t count, Activation activation, Where where);

#define mlp_init(net, init, random) mlp_init_at(net, init, random, HERE)
void mlp_init_at(MLP *net, Init init, Random *random, Where where);

/* The outputs for the inputs x[0..sizes[0]), as a list that lives as long as the nodes. With no memory its entries are
 * failed nodes, as any builder's result; NULL when there is none even for the list. It is a usage error if the inputs
 * are NULL, released or of another graph.
 *     mlp_forward(net, x)    layer_forward(graph, layer, x)    neuron_forward(neuron, activation, x) */
#define mlp_forward(...) mlp_forward_at(__VA_ARGS__, HERE)
Value **mlp_forward_at(MLP *net, Value *const *x, Where where);
#define layer_forward(...) layer_forward_at(__VA_ARGS__, HERE)
Value **layer_forward_at(Graph *graph, const Layer *layer, Value *const *x, Where where);
#define neuron_forward(...) neuron_forward_at(__VA_ARGS__, HERE)
Value *neuron_forward_at(const Neuron *neuron, Activation activation, Value *const *x, Where where);

/* Reports misuse, in the name of `function`, if the network is NULL or was released. */
void mlp_check(const MLP *net, const char *function, Where where);

/* Reports misuse unless the layer is live and of this graph, and so are the inputs of so many rows. */
void layer_check(const Graph *graph, const Layer *layer, Value *const *x, size_t rows, Where where);

/* The same for many rows of inputs, x[0..rows·sizes[0]), row after row: rows·outputs nodes, row after row. The numbers
 * are those of mlp_forward on each row, but it is faster (nn_fast.c): a neuron's weights serve several rows while they
 * are in the cache, and operands known to lie side by side are not searched. */
#define mlp_forward_rows(...) mlp_forward_rows_at(__VA_ARGS__, HERE) /* mlp_forward_rows(net, x, rows) */
Value **mlp_forward_rows_at(MLP *net, Value *const *x, size_t rows, Where where);

/* n inputs side by side in the graph: a list for mlp_forward. NULL when there is no memory. */
#define v_inputs(...) value_inputs(__VA_ARGS__, HERE) /* v_inputs(graph, data, n) */
Value **value_inputs(Graph *graph, const double *data, size_t n, Where where);

/* The same function on plain numbers, with no graph: for a decision boundary or a test set. Same bits as mlp_forward.
 * Threads may share the network. False when there is no memory for the intermediate numbers. */
#define mlp_evaluate(...) mlp_evaluate_at(__VA_ARGS__, HERE) /* mlp_evaluate(net, x, outputs) */
bool mlp_evaluate_at(const MLP *net, const double *x, double *outputs, Where where);

/* Set every param's gradient to 0: they accumulate from one backward pass to the next. */
#define mlp_zero_grad(net) mlp_zero_grad_at(net, HERE)
void mlp_zero_grad_at(MLP *net, Where where);

#endif
