/* 15_mlp.c - What is a neuron, a layer, a network? And when do all those temporary nodes die?
 *
 * New here: structure, with no new mathematics. A neuron is a dot, a bias and an activation; a layer is several neurons
 * that see the same x; a multi-layer perceptron (MLP) gives the outputs of each layer to the next:
 *
 *     h_i = tanh(w_i·x + b_i)          z_j = v_j·h + c_j          the last layer without tanh: its outputs are logits
 *
 * And with it memory. A graph owns its nodes, in the order of their creation. Params come first; then a MARK is set;
 * every step builds its nodes after the mark, and ends by RELEASING all of them, back to the mark. No node dies alone,
 * none is freed by hand, and the next step uses the same memory again. What you want to keep, keep as a number.
 *
 * It prints a network 2 → 3 → 2 built by hand and by mlp_new (engine/nn.h) with the same numbers as params, outputs and
 * gradients side by side; and the number of live nodes in three steps. It draws mlp.svg, each layer in a frame.
 *
 *     (gdb) break value_pairs
 *     (gdb) run
 *     (gdb) print a[0]->data              = 0.5       the first neuron built by hand: its first weight, ...
 *     (gdb) print b[0]->data              = 1.5       ... the input beside it, ...
 *     (gdb) print bias->data              = 0.1       ... and its bias
 *     (gdb) delete
 *     (gdb) break graph_release_at
 *     (gdb) continue
 *     (gdb) print graph_node_count(graph)     = 31    17 params, and 14 nodes of the forward pass and the loss
 *     (gdb) finish
 *     (gdb) print graph_node_count(owner)     = 17
 */
#include "graph/dot.h"
#include "stepgrad.h"

static bool all_hold = true;

/* What a chapter says, it checks: print the claim, and remember if it does not hold. */
static void claim(bool holds, const char *text)
{
    printf("%s %s\n", holds ? "ok    " : "FAILED", text);
    all_hold = all_hold && holds;
}

/* Draw what root was computed from, where Graphviz is installed: FOLDER/NAME.svg. */
static void draw(Value *root, const char *folder, const char *name, const DotOptions *options)
{
    Error error;
    char path[1024];
    snprintf(path, sizeof path, "%s/%s.svg", folder, name);
    if (!dot_draw(root, path, options, &error))
        fprintf(stderr, "no picture: %s\n", error.message);
}

int main(int argc, char **argv)
{
    enum { IN = 2, HIDDEN = 3, OUT = 2, PARAMS = HIDDEN * (IN + 1) + OUT * (HIDDEN + 1) };
    const double numbers[PARAMS] = {0.5,  -0.2, 0.1, 0.8, 0.3, -0.4, -0.6, 0.9, 0.0, /* 3 neurons: 2 weights, 1 bias */
                                    -0.7, 0.4,  0.2, 0.1, 0.6, -0.5, 0.3,  -0.1};    /* 2 neurons: 3 weights, 1 bias */
    const double x_data[IN] = {1.5, -0.5};

    /* By hand. */
    Graph *g = graph_new();
    Value *params[PARAMS], *x[IN] = {v_input(g, x_data[0]), v_input(g, x_data[1])}, *h[HIDDEN], *z[OUT];
    for (size_t i = 0; i < PARAMS; i++)
        params[i] = v_param(g, numbers[i]);
    for (size_t i = 0; i < HIDDEN; i++) {
        Value **w = params + i * (IN + 1);
        h[i] = v_tanh(v_dot_bias(w, x, IN, w[IN]));
    }
    for (size_t j = 0; j < OUT; j++) {
        Value **v = params + HIDDEN * (IN + 1) + j * (HIDDEN + 1);
        z[j] = v_dot_bias(v, h, HIDDEN, v[HIDDEN]);
    }
    backward(cross_entropy(z, OUT, 1));

    /* The same with engine/nn.h: its params are in the same order, neuron by neuron, weights and then the bias. */
    Graph *owner = graph_new();
    MLP *net = mlp_new(owner, ((size_t[]){IN, HIDDEN, OUT}), 3, ACTIVATION_TANH);
    if (net == NULL || net->param_count != PARAMS)
        return 1;
    for (size_t i = 0; i < PARAMS; i++)
        net->params[i]->data = numbers[i];
    Mark mark = graph_mark(owner);
    Value **logits = mlp_forward(net, v_inputs(owner, x_data, IN));
    backward(cross_entropy(logits, OUT, 1));

    puts("A network 2 -> 3 -> 2, by hand and by mlp_new\n");
    printf("  %-10s %12s %12s\n", "", "by hand", "mlp_new");
    bool same = true;
    for (size_t j = 0; j < OUT; j++) {
        printf("  z[%zu]       %12.6f %12.6f\n", j, z[j]->data, logits[j]->data);
        same = same && z[j]->data == logits[j]->data;
    }
    for (size_t i = 0; i < PARAMS; i++) {
        printf("  d%-9s %12.6f %12.6f\n", net->params[i]->label, params[i]->grad, net->params[i]->grad);
        same = same && params[i]->grad == net->params[i]->grad;
    }
    claim(same, "outputs and gradients are the same, bit for bit: there is nothing else in nn.h");

    puts("\nThree steps, each released to the mark after the params\n");
    printf("  %-6s %14s %14s %14s\n", "step", "before", "built", "after release");
    graph_release(owner, mark);
    bool steady = true;
    Value *stale = NULL;
    for (int step = 1; step <= 3; step++) {
        const size_t before = graph_node_count(owner);
        stale = cross_entropy(mlp_forward(net, v_inputs(owner, x_data, IN)), OUT, 1);
        const size_t built = graph_node_count(owner) - before;
        mlp_zero_grad(net);
        backward(stale);
        graph_release(owner, mark);
        printf("  %-6d %14zu %14zu %14zu\n", step, before, built, graph_node_count(owner));
        steady = steady && graph_node_count(owner) == PARAMS;
    }
    claim(steady, "after each step only the 17 params live, and they still hold their gradients");

    claim(stale->block->released,
          "the graph knows a node that was released: to use it stops the program, with the line");

    if (argc > 1) {
        Value **inputs = v_inputs(owner, x_data, IN), **of_layer_2 = net->params + HIDDEN * (IN + 1);
        const size_t begin_1 = graph_node_count(owner);
        Value **hidden = layer_forward(owner, &net->layers[0], inputs);
        const size_t begin_2 = graph_node_count(owner);
        logits = layer_forward(owner, &net->layers[1], hidden);
        const DotGroup layers[] = {
            {"layer 1", net->params, HIDDEN * (IN + 1), .first = begin_1, .end = begin_2},
            {"layer 2", of_layer_2, HIDDEN + 1, .first = begin_2, .end = graph_node_count(owner)}};
        v_label(inputs[0], "x[0]"), v_label(inputs[1], "x[1]"), v_label(logits[0], "z[0]");
        mlp_zero_grad(net);
        backward(logits[0]);
        draw(logits[0], argv[1], "mlp", &(DotOptions){.groups = layers, .group_count = 2});
    }
    graph_free(owner);
    graph_free(g);
    return all_hold ? 0 : 1;
}

/* Exercises
 * 1. How many nodes does the forward pass of 2 → 32 → 32 → 2 build? Count, then ask graph_node_count.
 * 2. Leave graph_release out of the loop. What grows, and by how much in each step?
 * 3. Put v_add(stale, 1) after the loop, and read what it says. Then do the same in a copy without graph_release.
 * 4. Take the tanh away. Show with numbers that three layers then compute no more than one.
 *
 * Next: backward is called in every step. Which gradients add up from call to call, and which must not?
 *   -> 16_backward_twice.c
 */
