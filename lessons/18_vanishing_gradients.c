/* 18_vanishing_gradients.c - The gradients are right, and the network does not learn. Where did they go?
 *
 * New here: the size of a gradient. What reaches a layer far from the loss is a product of many local derivatives.
 * Twenty factors of 0.5 leave a millionth of it: it vanishes. Twenty factors of 2 make a million: it explodes.
 *
 *     saturation     where a tanh or sigmoid is flat, its derivative is nearly 0 (and a sigmoid's is never above ¼)
 *     a bad scale    a layer multiplies by its weights: small ones make the product vanish, large ones explode
 *     a dead relu    a unit whose input is below 0 for every sample passes back 0; in the first layer that is for good
 *     symmetry       units that start equal get equal gradients and stay equal, as one unit; from all 0, no gradient
 *
 * So weights start at random. How large? A sum of n terms w·g of random signs is some √n times one term: weights of
 * about 1/√n keep a gradient's size, times a gain for what the activation takes (Kaiming: √2, since relu stops half).
 *
 * It prints three tanh in a row (chain.html plays them), ∂output/∂unit by layer (layers.svg), and XOR from six starts.
 *
 * Predict, before you run it:
 *     1. h3 = tanh(3·tanh(3·tanh(3·x))) at x = 1. How large is ∂h3/∂x: about 27, about 1, or almost 0?
 *     2. In each of 20 relu layers the weights are doubled. How much larger is the gradient at the first?
 *     3. All weights start at 0.5. How many different units has the hidden layer after 300 steps?
 *
 * Build and run: make lesson L=18. In gdb: make gdb L=18, a debug build, in which every variable can be printed.
 *     (gdb) break backward_at
 *     (gdb) run
 *     (gdb) finish
 *     (gdb) print h[2]->grad     = 0.03...     times 3 · 0.01: the weight, and what the tanh lets through
 *     (gdb) print h[1]->grad     = 0.0009...   and again
 */
#include "player/player.h"
#include "plot/plot.h"
#include "stepgrad.h"

static bool all_hold = true;

/* What a chapter says, it checks: print the claim, and remember if it does not hold. */
static void claim(bool holds, const char *text)
{
    printf("%s %s\n", holds ? "ok    " : "FAILED", text);
    all_hold = all_hold && holds;
}

enum { DEPTH = 20, WIDTH = 32, LAST = DEPTH - 1, NETS = 5 };
static double size[NETS][DEPTH]; /* the mean |∂output/∂unit|, by layer, of each network measured */
static PlotSeries lines[NETS];

/* Measure network k, of Kaiming weights times `scale`, and print a row. Returns the size in the first layer. */
static double measure(size_t k, const char *name, Activation activation, double scale)
{
    double *s = size[k];
    size_t widths[DEPTH + 1] = {[DEPTH] = 1};
    for (size_t l = 0; l < DEPTH; l++)
        widths[l] = WIDTH;
    Graph *g = graph_new();
    MLP *net = mlp_new(g, widths, DEPTH + 1, activation);
    Random random;
    random_seed(&random, 1);
    mlp_init(net, INIT_KAIMING_UNIFORM, &random);
    for (size_t i = 0; i < net->param_count; i++)
        net->params[i]->data *= scale;
    Value **h[DEPTH + 1] = {v_inputs(g, (double[WIDTH]){1, -1, 1, -1}, WIDTH)}; /* and 0 for the rest */
    for (size_t l = 1; l <= DEPTH; l++)
        h[l] = layer_forward(g, &net->layers[l - 1], h[l - 1]);
    backward(h[DEPTH][0]);
    for (size_t l = 1; l <= LAST; l++)
        for (size_t i = 0; i < WIDTH; i++)
            s[l] += fabs(h[l][i]->grad) / WIDTH;
    lines[k] = (PlotSeries){name, DEPTH, NULL, s};
    printf("  %-12s %8.1e %8.1e %8.1e %8.1e %8.1e %10.2f\n", name, s[1], s[5], s[10], s[15], s[LAST],
           pow(s[1] / s[LAST], 1.0 / (LAST - 1)));
    graph_free(g);
    return s[1];
}

/* Train XOR from a seed, or with each param `all` if that is 0, and print a row. Returns how many hidden units are at
 * work in step 300: they have a gradient, and are not copies of the first. */
static size_t train(const char *name, Activation activation, uint64_t seed, double all, double lr)
{
    static const double inputs[] = {0, 0, 0, 1, 1, 0, 1, 1}, targets[] = {0, 1, 1, 0};
    Graph *g = graph_new();
    MLP *net = mlp_new(g, ((size_t[]){2, 4, 1}), 3, activation);
    Random random;
    random_seed(&random, seed);
    mlp_init(net, INIT_PYTORCH, &random);
    for (size_t i = 0; i < net->param_count && seed == 0; i++)
        net->params[i]->data = all;
    size_t working = 0;
    const Mark mark = graph_mark(g);
    printf("  %-14s %4g", name, lr);
    for (size_t step = 0; step <= 1000; step++) {
        Value *loss = mean_squared_error(mlp_forward_rows(net, v_inputs(g, inputs, 8), 4), targets, 4);
        mlp_zero_grad(net);
        backward(loss);
        const Neuron *unit = net->layers[0].neurons;
        for (size_t i = 0; i < 4 && step == 300; i++)
            working += unit[i].w[2]->grad != 0 && (i == 0 || unit[i].w[0]->data != unit[0].w[0]->data);
        if (step == 0 || step == 300 || step == 1000)
            printf(" %8.4f", loss->data);
        for (size_t i = 0; i < net->param_count; i++)
            net->params[i]->data -= lr * net->params[i]->grad;
        graph_release(g, mark);
    }
    graph_free(g);
    printf(" %10zu\n", working);
    return working;
}

int main(int argc, char **argv)
{
    puts("(1) A chain: h = tanh(3 * h before), from x = 1\n");
    Graph *g = graph_new();
    Value *h[4] = {v_label(v_param(g, 1), "h0")};
    for (size_t i = 1; i <= 3; i++)
        h[i] = v_label(v_tanh(v_mul(v_param(g, 3), h[i - 1])), ((char[]){'h', (char)('0' + i), '\0'}));
    backward(h[3]);
    for (size_t i = 4; i-- > 0;)
        printf("  h%zu = %.4f    dh3/dh%zu = %.1e\n", i, h[i]->data, i, h[i]->grad);
    claim(h[0]->grad < 1e-4, "saturated: the weights multiply by 27, and 0.00003 is what arrives");

    puts("\n(2) 20 layers: the mean |d(output)/d(unit)| by layer, and its factor from a layer to the one before\n\n"
         "                layer 1        5       10       15       19     factor");
    measure(0, "tanh x 0.3", ACTIVATION_TANH, 0.3);
    const double tanh_first = measure(1, "tanh", ACTIVATION_TANH, 1);
    measure(2, "sigmoid", ACTIVATION_SIGMOID, 1);
    const double relu = measure(3, "relu", ACTIVATION_RELU, 1), doubled = measure(4, "relu x 2", ACTIVATION_RELU, 2);
    claim(tanh_first > 0.01 && relu > 0.01, "with weights of the right size the gradient arrives");
    claim(doubled == ldexp(relu, LAST), "weights twice as large: 2 to the power 19 times the gradient, exactly");

    puts("\n(3) XOR: the loss by step, and the hidden units that have a gradient in step 300 (equal ones are one)\n\n"
         "                   lr        0      300     1000      units");
    const size_t zero = train("tanh, all 0", ACTIVATION_TANH, 0, 0, 0.2);
    const size_t equal = train("tanh, all 0.5", ACTIVATION_TANH, 0, 0.5, 0.2);
    train("tanh, seed 7", ACTIVATION_TANH, 7, 0, 0.2);
    train("relu, seed 7", ACTIVATION_RELU, 7, 0, 0.2);
    const size_t killed = train("relu, seed 7", ACTIVATION_RELU, 7, 0, 1);
    const size_t born_dead = train("relu, seed 2", ACTIVATION_RELU, 2, 0, 0.2);
    claim(zero + killed + born_dead == 0 && equal == 1, "all 0 and dead relus: no gradient. All 0.5: four are one");
    if (argc > 1) {
        Error error;
        char path[2][1024];
        snprintf(path[0], 1024, "%s/layers.svg", argv[1]);
        snprintf(path[1], 1024, "%s/chain.html", argv[1]);
        const LinePlot plot = {"20 layers", "layer", "mean |d(output)/d(unit)|", lines, NETS, .log_y = true};
        if (!plot_lines(path[0], &plot, &error) || !player_write(h[3], path[1], NULL, &error))
            claim(false, error.message);
    }
    graph_free(g);
    return all_hold ? 0 : 1;
}

/* Exercises
 * 1. Give each layer a shortcut, h + f(h), as deep networks do. What do 20 sigmoids pass on then, and why?
 * 2. In the row with lr = 1 all units are dead, yet the last bias could bring the loss down to 0.25. Which lr does it?
 * 3. "tanh, seed 7" looks stuck at 300 steps. Print its loss every 100 steps: when does it leave?
 *
 * Next: the gradient arrives. What do a thousand noisy points need besides?   -> 19_two_moons.c
 */
