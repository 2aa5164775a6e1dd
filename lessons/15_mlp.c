/* 15_mlp.c - What is a neuron, a layer, a network? And when do all those temporary nodes die?
 *
 * New here: structure, with no new mathematics. A neuron is a dot, a bias and an activation (a fixed curve that the sum
 * goes through, here tanh); a layer is several neurons that see the same x; a multi-layer perceptron (MLP) gives the
 * outputs of each layer to the next:
 *
 *     h_i = tanh(w_i·x + b_i)          z_j = v_j·h + c_j          the last layer without tanh: its outputs are logits
 *
 * Why a curve? Without one, (X·W + b)·V + c = X·(W·V) + (b·V + c): two layers, or twenty, are one with other numbers.
 *
 * And with it memory. A graph owns its nodes, in the order of their creation. Params come first; then a MARK is set;
 * every step builds its nodes after the mark, and ends by RELEASING all of them, back to the mark. No node dies alone,
 * and the next step uses the same memory again. What you want to keep, keep as a number: total += loss->data. (In
 * PyTorch `total += loss` keeps the graph of every step alive. loss.item() is the number; detach() cuts the graph off.)
 *
 * It prints a network 2 → 3 → 2 built by hand and by mlp_new (engine/nn.h) with the same numbers as params, outputs and
 * gradients side by side; two layers with and without tanh; and the number of live nodes in three steps. It draws
 * mlp.svg: the first output, z[0]; in the picture a box per neuron.
 *
 * Predict, before you run it:
 *     1. How many params does a network 2 → 3 → 2 have?
 *     2. f is a network without tanh. Can f(0,0) + f(1,1) differ from f(0,1) + f(1,0)? With tanh?
 *     3. A step builds 14 nodes. How many are alive after three, each released to the mark: 0, 17 or 59?
 *
 * Build and run: make lesson L=15. In gdb: make gdb L=15, a debug build, in which every variable can be printed.
 *     (gdb) break graph_release_at
 *     (gdb) run
 *     (gdb) print graph_node_count(graph)     = 31    17 params, and 14 nodes of the forward pass and the loss
 *     (gdb) finish
 *     (gdb) print graph_node_count(owner)     = 17
 */
#include "graph/network_groups.h"
#include "player/player.h"
#include "stepgrad.h"

static bool all_hold = true;

/* What a chapter says, it checks: print the claim, and remember if it does not hold. */
static void claim(bool holds, const char *text)
{
    printf("%s %s\n", holds ? "ok    " : "FAILED", text);
    all_hold = all_hold && holds;
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

    puts("\nTwo layers, one layer, two with tanh, at four corners; f00 - f01 - f10 + f11 is 0 for a plane\n");
    const double corners[] = {0, 0, 0, 1, 1, 0, 1, 1}, w_data[] = {1, 2, -1, 3, -2, 1}, b_data[] = {1, 0, -2};
    Matrix X = matrix_input(g, 4, IN, corners), W = matrix_param(g, IN, HIDDEN, w_data);
    Matrix b = matrix_param(g, 1, HIDDEN, b_data), V = matrix_param(g, HIDDEN, 1, (double[]){2, 1, -1});
    Matrix hidden = matrix_add(matmul(X, W), b), bent = matrix_map(hidden, OP_TANH);
    Matrix f[] = {matmul(hidden, V), matrix_add(matmul(X, matmul(W, V)), matmul(b, V)), matmul(bent, V)};
    const char *names[] = {"(X W + b) V", "X (W V) + b V", "tanh(X W + b) V"};
    double y[3][4], bend[3];
    for (size_t i = 0; i < 3; i++) {
        matrix_get_data(f[i], y[i]);
        bend[i] = y[i][0] - y[i][1] - y[i][2] + y[i][3];
        printf("  %-16s %8.4f %8.4f %8.4f %8.4f   %8.4f\n", names[i], y[i][0], y[i][1], y[i][2], y[i][3], bend[i]);
    }
    claim(y[0][0] == y[1][0] && y[0][1] == y[1][1] && y[0][2] == y[1][2], "without tanh the two layers are one");
    claim(bend[0] == 0 && bend[2] != 0, "and that is a plane, never XOR (0 1 1 0, chapter 17); with tanh it bends");

    puts("\nThree steps, each released to the mark after the params\n");
    printf("  %-6s %14s %14s\n", "step", "built", "after release");
    graph_release(owner, mark);
    for (int step = 1; step <= 3; step++) {
        Value *loss = cross_entropy(mlp_forward(net, v_inputs(owner, x_data, IN)), OUT, 1);
        const size_t built = graph_node_count(owner) - PARAMS;
        mlp_zero_grad(net);
        backward(loss);
        graph_release(owner, mark);
        printf("  %-6d %14zu %14zu\n", step, built, graph_node_count(owner));
    }
    claim(graph_node_count(owner) == PARAMS, "only the 17 params live on, and they still hold their gradients");

    if (argc > 1) {
        char svg[1024], html[1024];
        snprintf(svg, sizeof svg, "%s/mlp.svg", argv[1]), snprintf(html, sizeof html, "%s/mlp.html", argv[1]);
        const char *of_h[] = {"h[0]", "h[1]", "h[2]"}, *of_sums[] = {"s[0]", "s[1]", "s[2]"};
        Value **inputs = v_inputs(owner, x_data, IN), **outputs = layer_forward(owner, &net->layers[0], inputs);
        v_label(inputs[0], "x[0]"), v_label(inputs[1], "x[1]");
        for (size_t i = 0; i < HIDDEN; i++)
            v_label(outputs[i], of_h[i]), v_label(value_parent(outputs[i], 0), of_sums[i]);
        Value *root = v_label(layer_forward(owner, &net->layers[1], outputs)[0], "z[0]");
        mlp_zero_grad(net);
        backward(root);
        Error error;
        NetworkGroups neurons;
        if (!network_groups_find(&neurons, net, root, NETWORK_NEURONS, &error))
            return 1;
        const DotOptions boxes = {.groups = neurons.list, .group_count = neurons.count};
        if (!player_write(root, html, NULL, &error) || !dot_draw(root, svg, &boxes, &error))
            fprintf(stderr, "no picture: %s\n", error.message);
        network_groups_free(&neurons);
    }
    graph_free(owner);
    graph_free(g);
    return all_hold ? 0 : 1;
}

/* Exercises
 * 1. How many nodes does the forward pass of 2 → 32 → 32 → 2 build? Count, then ask graph_node_count.
 * 2. Leave graph_release out of the loop. What grows, and by how much in each step?
 * 3. Keep the last loss in a variable of its own, put v_add(that, 1) after the loop, and read what it says.
 * 4. Put OP_RELU in the place of OP_TANH. Does it bend? When would it not, at these four corners?
 *
 * Next: backward is called in every step. Which gradients add up from call to call, and which must not?
 *   -> 16_backward_twice.c
 */
