/* test_nn.c - neuron, layer, MLP: against plain loops, the hand-written gradient, and the function without a graph. */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "backward.h"
#include "caught.h"
#include "nn.h"
#include "no_memory.h"
#include "order.h"

enum { INPUTS = 3, HIDDEN = 4, OUTPUTS = 2, ACTIVATIONS = 4 };

static const size_t sizes[] = {INPUTS, HIDDEN, OUTPUTS};
static const char *const names[ACTIVATIONS] = {"none", "tanh", "relu", "sigmoid"};

static Graph *g;
static void open_graph(void) { g = graph_new(); }
static void close_graph(void) { graph_free(g); }

TestSuite(nn, .init = open_graph, .fini = close_graph);

/* Quarters between -2.75 and 2.75, of both signs: sums and products of a few of them are exact in double. */
static double quarter(size_t i) { return ((double)((5 + 7 * i) % 23) - 11) / 4; }

/* A network whose params are quarters. */
static MLP *net_of_quarters(Graph *graph, Activation activation)
{
    MLP *net = mlp_new(graph, sizes, 3, activation);
    for (size_t i = 0; net != NULL && i < net->param_count; i++)
        net->params[i]->data = quarter(i);
    return net;
}

static const double point[INPUTS] = {0.5, -1.25, 0.75};

/* ---- what a network is made of ----------------------------------------------------------------------------------- */

Test(nn, activations_have_names_both_ways)
{
    for (int a = 0; a < ACTIVATIONS; a++) {
        Activation found = ACTIVATION_NONE;
        cr_expect_str_eq(activation_name((Activation)a), names[a], "activation %d is \"%s\", want \"%s\"", a,
                         activation_name((Activation)a), names[a]);
        cr_expect(activation_from_name(names[a], &found) && found == (Activation)a, "\"%s\" is %d, want %d", names[a],
                  found, a);
    }
    char list[ACTIVATION_NAMES_SIZE];
    cr_expect_str_eq(activation_names(list), "none, tanh, relu, sigmoid", "the list of names is \"%s\"", list);
    const char *const strangers[] = {"", "Tanh", "tan", "tanh ", "gelu"};
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
        Activation found = ACTIVATION_RELU;
        cr_expect(!activation_from_name(strangers[i], &found), "\"%s\" is no activation", strangers[i]);
        cr_expect(found == ACTIVATION_RELU, "\"%s\" changed the result", strangers[i]);
    }
}

Test(nn, layers_have_the_shapes_asked_for_and_no_activation_at_the_end)
{
    const size_t deep[] = {5, 4, 3, 2, 1};
    MLP *net = mlp_new(g, deep, 5, ACTIVATION_RELU);
    cr_assert_eq(net->layer_count, 4, "%zu layers, want 4", net->layer_count);
    cr_assert_eq(net->param_count, 5 * 4 + 4 + 4 * 3 + 3 + 3 * 2 + 2 + 2 * 1 + 1, "%zu params", net->param_count);
    for (size_t l = 0; l < 4; l++) {
        const Layer *layer = &net->layers[l];
        cr_expect(layer->inputs == deep[l] && layer->outputs == deep[l + 1], "layer %zu is %zux%zu, want %zux%zu", l,
                  layer->outputs, layer->inputs, deep[l + 1], deep[l]);
        const Activation want = l == 3 ? ACTIVATION_NONE : ACTIVATION_RELU;
        cr_expect_eq(layer->activation, want, "layer %zu: %s", l, activation_name(layer->activation));
    }
}

Test(nn, params_are_one_list_with_names_and_start_from_zero)
{
    MLP *net = mlp_new(g, sizes, 3, ACTIVATION_TANH);
    char label[80];
    size_t next = 0;
    for (size_t l = 0; l < net->layer_count; l++)
        for (size_t i = 0; i < net->layers[l].outputs; i++)
            for (size_t j = 0; j <= net->layers[l].inputs; j++) {
                const Value *param = net->params[next++];
                if (j < net->layers[l].inputs)
                    snprintf(label, sizeof label, "w%zu[%zu,%zu]", l + 1, i, j);
                else
                    snprintf(label, sizeof label, "b%zu[%zu]", l + 1, i);
                cr_expect_str_eq(param->label, label, "param %zu is %s, want %s", next - 1, param->label, label);
                cr_expect(param == net->layers[l].neurons[i].w[j], "%s is not the neuron's own", label);
                cr_expect(param->op == OP_PARAM && param->needs_grad && param->data == 0 && param->grad == 0,
                          "%s: op %d, data %g, grad %g", label, param->op, param->data, param->grad);
            }
    cr_assert_eq(next, net->param_count, "%zu params, want %zu", net->param_count, next);
}

Test(nn, two_networks_share_a_graph_and_nothing_else)
{
    MLP *one = net_of_quarters(g, ACTIVATION_TANH), *other = net_of_quarters(g, ACTIVATION_TANH);
    for (size_t i = 0; i < one->param_count; i++)
        other->params[i]->data = -1;
    Value **y = mlp_forward(one, v_inputs(g, point, INPUTS));
    backward(v_sum(y, OUTPUTS));
    double sum = 0;
    for (size_t i = 0; i < one->param_count; i++) {
        cr_expect_eq(one->params[i]->data, quarter(i), "param %zu changed to %g", i, one->params[i]->data);
        cr_expect_eq(other->params[i]->grad, 0, "the other network has grad %g", other->params[i]->grad);
        sum += fabs(one->params[i]->grad);
    }
    cr_assert_gt(sum, 0, "no gradient arrived anywhere");
}

/* ---- forward ----------------------------------------------------------------------------------------------------- */

static double activation_of(Activation activation, double z)
{
    switch (activation) {
    case ACTIVATION_TANH: return tanh(z);
    case ACTIVATION_RELU: return z > 0 ? z : 0;
    case ACTIVATION_SIGMOID: return 1 / (1 + exp(-z));
    default: return z;
    }
}

/* activation(w·x + b) by a plain loop over quarters: the sum is exact. */
static double neuron_by_loop(const Neuron *neuron, Activation activation, const double *x)
{
    double z = neuron->w[neuron->inputs]->data;
    for (size_t j = 0; j < neuron->inputs; j++)
        z += neuron->w[j]->data * x[j];
    return activation_of(activation, z);
}

/* Sums of quarters are exact; exp, tanh and the division of a sigmoid are within 1 ulp each in glibc and macOS. */
static const double FEW_ULPS = 4 * DBL_EPSILON;

Test(nn, a_layer_is_the_activation_of_w_x_plus_b)
{
    for (int a = 0; a < ACTIVATIONS; a++) {
        MLP *net = net_of_quarters(g, (Activation)a);
        const Layer *layer = &net->layers[0];
        Value **y = layer_forward(g, layer, v_inputs(g, point, INPUTS));
        for (size_t i = 0; i < HIDDEN; i++) {
            const double want = neuron_by_loop(&layer->neurons[i], (Activation)a, point);
            cr_expect(fabs(y[i]->data - want) <= FEW_ULPS * fabs(want), "%s, neuron %zu: %.17g, want %.17g", names[a],
                      i, y[i]->data, want);
            cr_expect(value_is_run(y, HIDDEN), "%s: the outputs lie scattered", names[a]);
        }
    }
}

Test(nn, a_neuron_alone_gives_the_same_bits_as_in_its_layer)
{
    for (int a = 0; a < ACTIVATIONS; a++) {
        MLP *net = net_of_quarters(g, (Activation)a);
        Value **x = v_inputs(g, point, INPUTS);
        Value **y = layer_forward(g, &net->layers[0], x);
        for (size_t i = 0; i < HIDDEN; i++) {
            const Value *alone = neuron_forward(&net->layers[0].neurons[i], (Activation)a, x);
            cr_expect_eq(alone->data, y[i]->data, "%s, neuron %zu: %a alone, %a in the layer", names[a], i, alone->data,
                         y[i]->data);
        }
    }
}

/* A network of random weights: its sums are not exact, so that their order shows in the last bit. */
static MLP *random_net(Graph *graph, Activation activation, uint64_t seed)
{
    const size_t wide[] = {INPUTS, 17, 9, OUTPUTS};
    Random random;
    random_seed(&random, seed);
    MLP *net = mlp_new(graph, wide, 4, activation);
    mlp_init(net, INIT_PYTORCH, &random);
    return net;
}

static void random_point(Random *random, double x[INPUTS])
{
    for (size_t i = 0; i < INPUTS; i++)
        x[i] = random_uniform(random, -3, 3);
}

Test(nn, a_network_has_the_same_bits_with_and_without_a_graph)
{
    Random random;
    random_seed(&random, 7);
    for (int a = 0; a < ACTIVATIONS; a++) {
        MLP *net = random_net(g, (Activation)a, 3 + (uint64_t)a);
        for (int k = 0; k < 50; k++) {
            double x[INPUTS], y[OUTPUTS];
            random_point(&random, x);
            Value **built = mlp_forward(net, v_inputs(g, x, INPUTS));
            cr_assert(mlp_evaluate(net, x, y), "no memory");
            for (size_t i = 0; i < OUTPUTS; i++)
                cr_expect(memcmp(&built[i]->data, &y[i], sizeof y[i]) == 0, "%s, output %zu: %a built, %a evaluated",
                          names[a], i, built[i]->data, y[i]);
        }
    }
}

Test(nn, a_network_may_be_widest_at_either_end_or_between)
{
    static const size_t shapes[][3] = {{1, 1, 9}, {9, 1, 1}, {1, 9, 1}};
    const double x[9] = {0.5, -1.25, 0.75, 2, -0.5, 1, -2, 0.25, 1.5};
    for (size_t s = 0; s < 3; s++) {
        double y[9];
        MLP *net = mlp_new(g, shapes[s], 3, ACTIVATION_TANH);
        for (size_t i = 0; i < net->param_count; i++)
            net->params[i]->data = quarter(i);
        Value **built = mlp_forward(net, v_inputs(g, x, shapes[s][0]));
        cr_assert(mlp_evaluate(net, x, y), "no memory");
        for (size_t i = 0; i < shapes[s][2]; i++)
            cr_expect_eq(built[i]->data, y[i], "shape %zu, output %zu: %a built, %a evaluated", s, i, built[i]->data,
                         y[i]);
    }
}

Test(nn, inputs_are_a_node_for_each_number)
{
    const size_t before = graph_node_count(g);
    Value **x = v_inputs(g, point, INPUTS);
    cr_expect_eq(graph_node_count(g), before + INPUTS, "%zu nodes", graph_node_count(g) - before);
    for (size_t i = 0; i < INPUTS; i++)
        cr_expect(x[i]->op == OP_INPUT && x[i]->data == point[i], "input %zu is %g", i, x[i]->data);
}

/* Inputs made in reverse and with others between them: no run, so each neuron keeps a list of its own. */
static void scattered_inputs(const double *data, Value *x[INPUTS])
{
    for (size_t i = INPUTS; i-- > 0;) {
        x[i] = v_input(g, data[i]);
        v_input(g, NAN);
    }
}

Test(nn, scattered_inputs_give_the_same_bits_as_inputs_side_by_side)
{
    Random random;
    random_seed(&random, 8);
    for (int a = 0; a < ACTIVATIONS; a++) {
        MLP *net = random_net(g, (Activation)a, 20 + (uint64_t)a);
        double data[INPUTS], run_grads[1024];
        Value *scattered[INPUTS];
        random_point(&random, data);
        scattered_inputs(data, scattered);
        cr_assert_leq(net->param_count, sizeof run_grads / sizeof *run_grads, "too many params");
        Value **from_run = mlp_forward(net, v_inputs(g, data, INPUTS));
        Value **from_scattered = mlp_forward(net, scattered);
        for (size_t i = 0; i < OUTPUTS; i++)
            cr_expect_eq(from_run[i]->data, from_scattered[i]->data, "%s, output %zu: %a and %a", names[a], i,
                         from_run[i]->data, from_scattered[i]->data);
        backward(v_sum(from_run, OUTPUTS));
        for (size_t i = 0; i < net->param_count; i++)
            run_grads[i] = net->params[i]->grad;
        mlp_zero_grad(net);
        backward(v_sum(from_scattered, OUTPUTS));
        for (size_t i = 0; i < net->param_count; i++)
            cr_expect_eq(run_grads[i], net->params[i]->grad, "%s, grad of %s: %a and %a", names[a],
                         net->params[i]->label, run_grads[i], net->params[i]->grad);
    }
}

Test(nn, an_input_may_stand_twice_and_may_want_a_gradient)
{
    MLP *net = net_of_quarters(g, ACTIVATION_TANH);
    Value *same = v_param(g, 0.5);
    Value *x[INPUTS] = {same, same, v_input(g, 0.75)};
    const double data[INPUTS] = {0.5, 0.5, 0.75};
    double want[OUTPUTS], above[OUTPUTS], below[OUTPUTS];
    Value **y = mlp_forward(net, x);
    mlp_evaluate(net, data, want);
    for (size_t i = 0; i < OUTPUTS; i++)
        cr_expect_eq(y[i]->data, want[i], "output %zu: %a, want %a", i, y[i]->data, want[i]);
    backward(y[0]);
    const double h = 1e-5; /* a central difference is off by h²/6 times a third derivative, here less than 100 */
    mlp_evaluate(net, (double[]){0.5 + h, 0.5 + h, 0.75}, above);
    mlp_evaluate(net, (double[]){0.5 - h, 0.5 - h, 0.75}, below);
    const double slope = (above[0] - below[0]) / (2 * h);
    cr_expect(fabs(slope) > 0.1, "the slope, %g, is too small to show anything", slope);
    cr_expect(fabs(same->grad - slope) < 1e-8, "grad of both places: %.12g, want %.12g", same->grad, slope);
}

Test(nn, a_network_of_one_layer_is_linear)
{
    const size_t one[] = {INPUTS, 1};
    MLP *net = mlp_new(g, one, 2, ACTIVATION_TANH);
    for (size_t i = 0; i < net->param_count; i++)
        net->params[i]->data = quarter(i);
    Value **y = mlp_forward(net, v_inputs(g, point, INPUTS));
    const double want = neuron_by_loop(&net->layers[0].neurons[0], ACTIVATION_NONE, point);
    cr_expect_eq(y[0]->data, want, "%.17g, want %.17g", y[0]->data, want);
}

/* ---- gradients --------------------------------------------------------------------------------------------------- */

static double slope_of(Activation activation, double y)
{
    switch (activation) {
    case ACTIVATION_TANH: return 1 - y * y;
    case ACTIVATION_RELU: return y > 0 ? 1 : 0;
    case ACTIVATION_SIGMOID: return y * (1 - y);
    default: return 1;
    }
}

/* L = Σ c_k·y_k with y = W₂·h + b₂ and h = f(W₁·x + b₁), by hand:
 *     ∂L/∂W₂[k,i] = c_k·h_i     ∂L/∂b₂[k] = c_k
 *     ∂L/∂W₁[i,j] = δ_i·x_j     ∂L/∂b₁[i] = δ_i     with δ_i = f'(h_i)·Σ_k c_k·W₂[k,i] */
static void gradient_by_hand(MLP *net, Activation activation, const double *h, const double *c, double *grads)
{
    const Layer *last = &net->layers[1];
    for (size_t i = 0; i < HIDDEN; i++) {
        double delta = 0;
        for (size_t k = 0; k < OUTPUTS; k++)
            delta += c[k] * last->neurons[k].w[i]->data;
        delta *= slope_of(activation, h[i]);
        for (size_t j = 0; j < INPUTS; j++)
            *grads++ = delta * point[j];
        *grads++ = delta;
    }
    for (size_t k = 0; k < OUTPUTS; k++) {
        for (size_t i = 0; i < HIDDEN; i++)
            *grads++ = c[k] * h[i];
        *grads++ = c[k];
    }
}

Test(nn, gradients_are_those_of_the_formula)
{
    const double c[OUTPUTS] = {1.5, -0.75};
    for (int a = 0; a < ACTIVATIONS; a++) {
        const Activation activation = (Activation)a;
        MLP *net = net_of_quarters(g, activation);
        Value **x = v_inputs(g, point, INPUTS);
        Value **y = mlp_forward(net, x);
        Value **hidden = layer_forward(g, &net->layers[0], x);
        double h[HIDDEN], want[HIDDEN * (INPUTS + 1) + OUTPUTS * (HIDDEN + 1)];
        for (size_t i = 0; i < HIDDEN; i++)
            h[i] = hidden[i]->data;
        gradient_by_hand(net, activation, h, c, want);
        backward(v_add(v_mul(y[0], c[0]), v_mul(y[1], c[1])));
        double largest = 0;
        for (size_t i = 0; i < net->param_count; i++) {
            /* Both round a few products of numbers below 6. In saturation 1 − y² cancels: up to 2⁻⁵² absolutely. */
            const double bound = 16 * DBL_EPSILON * fabs(want[i]) + 16 * DBL_EPSILON;
            cr_expect(fabs(net->params[i]->grad - want[i]) <= bound, "%s, %s: grad %.17g, want %.17g", names[a],
                      net->params[i]->label, net->params[i]->grad, want[i]);
            largest = fmax(largest, i < HIDDEN * (INPUTS + 1) ? fabs(want[i]) : 0);
        }
        cr_expect(largest > 0.01, "%s: gradients of the first layer are too small to show anything: %g", names[a],
                  largest);
    }
}

Test(nn, zero_grad_clears_what_two_backward_passes_have_added_up)
{
    MLP *net = net_of_quarters(g, ACTIVATION_TANH);
    Value *loss = v_sum(mlp_forward(net, v_inputs(g, point, INPUTS)), OUTPUTS);
    double once[64];
    backward(loss);
    for (size_t i = 0; i < net->param_count; i++)
        once[i] = net->params[i]->grad;
    backward(loss);
    double largest = 0;
    for (size_t i = 0; i < net->param_count; i++) {
        cr_expect_eq(net->params[i]->grad, 2 * once[i], "%s: %g after two passes, %g after one", net->params[i]->label,
                     net->params[i]->grad, once[i]);
        largest = fmax(largest, fabs(once[i]));
    }
    cr_expect_gt(largest, 0, "all gradients are 0");
    mlp_zero_grad(net);
    for (size_t i = 0; i < net->param_count; i++)
        cr_expect_eq(net->params[i]->grad, 0, "%s: %g after zero_grad", net->params[i]->label, net->params[i]->grad);
}

/* ---- initial weights --------------------------------------------------------------------------------------------- */

typedef struct Spread {
    size_t count;
    double most, mean, mean_square;
} Spread;

/* How the weights (or the biases) of a layer are spread. */
static Spread measure(const Layer *layer, bool biases)
{
    Spread spread = {0};
    for (size_t i = 0; i < layer->outputs; i++)
        for (size_t j = biases ? layer->inputs : 0; j < layer->inputs + biases; j++) {
            const double w = layer->neurons[i].w[j]->data;
            spread.most = fmax(spread.most, fabs(w));
            spread.mean += w;
            spread.mean_square += w * w;
            spread.count++;
        }
    spread.mean /= (double)spread.count;
    spread.mean_square /= (double)spread.count;
    return spread;
}

/* n numbers drawn uniformly from (−b, b): the mean has the deviation b/√(3n); w² has mean b²/3 and deviation
 * b²·√(4/45). Five deviations allow a wrong alarm once in a million seeds, and the seed is fixed. */
static void expect_uniform(Spread spread, double bound, const char *what)
{
    const double n = (double)spread.count;
    cr_expect(spread.most <= bound, "%s: largest %g, bound %g", what, spread.most, bound);
    cr_expect(spread.most > bound * (1 - 20 / n), "%s: largest only %g of %g", what, spread.most, bound);
    cr_expect(fabs(spread.mean) < 5 * bound / sqrt(3 * n), "%s: mean %g", what, spread.mean);
    cr_expect(fabs(spread.mean_square - bound * bound / 3) < 5 * bound * bound * sqrt(4.0 / 45 / n),
              "%s: mean square %g, want %g", what, spread.mean_square, bound * bound / 3);
}

Test(nn, initial_weights_are_uniform_within_the_bound_of_their_rule)
{
    const size_t large[] = {60, 100, 40};
    const double gains[ACTIVATIONS] = {1, 5.0 / 3, sqrt(2), 1};
    Random random;
    random_seed(&random, 11);
    for (int a = 0; a < ACTIVATIONS; a++) {
        MLP *net = mlp_new(g, large, 3, (Activation)a);
        for (size_t l = 0; l < 2; l++) {
            const Layer *layer = &net->layers[l];
            const double in = (double)large[l], out = (double)large[l + 1];
            const double gain = l == 0 ? gains[a] : 1; /* the last layer has no activation */
            mlp_init(net, INIT_KAIMING_UNIFORM, &random);
            expect_uniform(measure(layer, false), gain * sqrt(3 / in), names[a]);
            cr_expect_eq(measure(layer, true).most, 0, "%s: biases of Kaiming are 0", names[a]);
            mlp_init(net, INIT_XAVIER_UNIFORM, &random);
            expect_uniform(measure(layer, false), gain * sqrt(6 / (in + out)), names[a]);
            cr_expect_eq(measure(layer, true).most, 0, "%s: biases of Xavier are 0", names[a]);
            mlp_init(net, INIT_PYTORCH, &random);
            expect_uniform(measure(layer, false), 1 / sqrt(in), names[a]);
            expect_uniform(measure(layer, true), 1 / sqrt(in), names[a]);
        }
    }
}

Test(nn, the_same_seed_gives_the_same_network_and_another_one_another)
{
    const MLP *one = random_net(g, ACTIVATION_TANH, 5), *same = random_net(g, ACTIVATION_TANH, 5),
              *other = random_net(g, ACTIVATION_TANH, 6);
    size_t differing = 0;
    for (size_t i = 0; i < one->param_count; i++) {
        cr_expect_eq(one->params[i]->data, same->params[i]->data, "%s differs", one->params[i]->label);
        differing += one->params[i]->data != other->params[i]->data;
    }
    cr_expect_eq(differing, one->param_count, "another seed changed %zu of %zu params", differing, one->param_count);
}

Test(nn, initial_params_are_the_random_numbers_in_the_order_of_the_list)
{
    MLP *net = mlp_new(g, sizes, 3, ACTIVATION_TANH);
    Random random, again;
    random_seed(&random, 5);
    random_seed(&again, 5);
    mlp_init(net, INIT_PYTORCH, &random);
    for (size_t i = 0; i < net->param_count; i++) {
        const double bound = 1 / sqrt(i < HIDDEN * (INPUTS + 1) ? INPUTS : HIDDEN);
        const double want = random_uniform(&again, -bound, bound);
        cr_expect_eq(net->params[i]->data, want, "param %zu is %g, want %g", i, net->params[i]->data, want);
    }
}

/* ---- misuse ------------------------------------------------------------------------------------------------------ */

Test(nn, a_network_needs_two_sizes_and_none_of_them_0)
{
    static const size_t empty[] = {2, 0, 3};
    MUST_BE_MISUSE(mlp_new(g, sizes, 1, ACTIVATION_TANH), "mlp_new: 1 sizes. It takes the number of inputs");
    MUST_BE_MISUSE(mlp_new(g, sizes, 0, ACTIVATION_TANH), "mlp_new: 0 sizes.");
    MUST_BE_MISUSE(mlp_new(g, empty, 3, ACTIVATION_TANH), "mlp_new: sizes[1] is 0.");
}

Test(nn, what_a_network_is_made_from_must_be_there)
{
    static Value *x[INPUTS];
    MUST_BE_MISUSE(mlp_new(NULL, sizes, 3, ACTIVATION_TANH), "mlp_new: the graph is NULL. Make one with graph_new");
    MUST_BE_MISUSE(mlp_new(g, NULL, 3, ACTIVATION_TANH), "mlp_new: the list of 3 sizes is NULL.");
    MUST_BE_MISUSE(mlp_forward(NULL, x), "mlp_forward: the network is NULL. Make it with mlp_new");
    MUST_BE_MISUSE(v_inputs(NULL, point, INPUTS), "v_inputs: the graph is NULL. Make one with graph_new");
    MUST_BE_MISUSE(v_inputs(g, NULL, INPUTS), "v_inputs: the list of numbers is NULL");
}

Test(nn, inputs_that_are_missing_or_of_another_graph_are_misuse)
{
    static MLP *net; /* static: longjmp leaves it as it is */
    static Value *x[INPUTS];
    static Graph *other;
    net = net_of_quarters(g, ACTIVATION_TANH);
    MUST_BE_MISUSE(mlp_forward(net, NULL), "forward: the list of inputs is NULL. Make one of 3 with v_inputs.");
    MUST_BE_MISUSE(layer_forward(g, &net->layers[1], NULL), "forward: the list of inputs is NULL. Make one of 4");
    MUST_BE_MISUSE(neuron_forward(&net->layers[0].neurons[0], ACTIVATION_TANH, NULL), "the list of inputs is NULL");
    x[0] = v_input(g, 1), x[1] = NULL, x[2] = v_input(g, 2);
    MUST_BE_MISUSE(mlp_forward(net, x), "forward: input x[1] of 3 is NULL");
    MUST_BE_MISUSE(layer_forward(g, &net->layers[0], x), "forward: input x[1] of 3 is NULL");
    MUST_BE_MISUSE(neuron_forward(&net->layers[0].neurons[2], ACTIVATION_TANH, x), "forward: input x[1] of 3 is NULL");
    other = graph_new();
    x[1] = v_input(other, 0.5);
    MUST_BE_MISUSE(mlp_forward(net, x), "forward: input x[1] of 3 (v0, data 0.5) belongs to another graph");
    graph_free(other);
}

Test(nn, released_inputs_are_misuse)
{
    static MLP *net;
    static Value **x, *kept[INPUTS];
    net = net_of_quarters(g, ACTIVATION_TANH);
    const Mark mark = graph_mark(g);
    x = v_inputs(g, point, INPUTS);
    memcpy(kept, x, sizeof kept); /* the list itself is released with the nodes */
    graph_release(g, mark);
    MUST_BE_MISUSE(mlp_forward(net, kept), "forward: input x[0] of 3 was released");
}

/* A mark set before the network and not behind it: what a first training loop gets wrong. */
Test(nn, a_released_network_is_misuse)
{
    static MLP *net;
    static Value **x;
    const Mark mark = graph_mark(g);
    net = net_of_quarters(g, ACTIVATION_TANH);
    graph_release(g, mark);
    x = v_inputs(g, point, INPUTS);
    MUST_BE_MISUSE(mlp_forward(net, x), "the network was released");
    MUST_BE_MISUSE(layer_forward(g, &net->layers[1], x), "forward: the layer's last bias was released");
}

Test(nn, a_layer_of_another_graph_is_misuse)
{
    static MLP *net;
    static Graph *other;
    static Value **x;
    other = graph_new();
    net = net_of_quarters(other, ACTIVATION_TANH);
    x = v_inputs(g, point, INPUTS);
    MUST_BE_MISUSE(layer_forward(g, &net->layers[0], x), "last bias (b1[3], data 1.75) belongs to another graph");
    x = v_inputs(other, point, INPUTS); /* all of one graph, but the list of outputs would be g's */
    MUST_BE_MISUSE(layer_forward(g, &net->layers[0], x), "last bias (b1[3], data 1.75) belongs to another graph");
    graph_free(other);
}

Test(nn, misuse_aborts_by_default, .signal = SIGABRT) { mlp_new(g, sizes, 1, ACTIVATION_TANH); }

/* ---- no memory --------------------------------------------------------------------------------------------------- */

/* From a network to the loss, with blocks of the graph filling up on the way. False: something found no memory. */
static bool build_all(Graph *graph, double *result)
{
    const size_t wide[] = {INPUTS, 300, 1, OUTPUTS};
    MLP *net = mlp_new(graph, wide, 4, ACTIVATION_TANH);
    double y[OUTPUTS];
    if (net == NULL) {
        cr_expect(!graph_ok(graph), "mlp_new gave NULL, and the graph says that all is well");
        return false;
    }
    for (size_t i = 0; i < net->param_count; i++)
        net->params[i]->data = quarter(i) / 64;
    if (!mlp_evaluate(net, point, y))
        return false;
    Value **x = v_inputs(graph, point, INPUTS);
    Value **outputs = x != NULL ? mlp_forward(net, x) : NULL;
    if (outputs == NULL) {
        cr_expect(!graph_ok(graph), "mlp_forward gave NULL, and the graph says that all is well");
        return false;
    }
    if (mlp_forward_rows(net, x, 1) == NULL) {
        cr_expect(!graph_ok(graph), "mlp_forward_rows gave NULL, and the graph says that all is well");
        return false;
    }
    const Value *loss = v_sum(outputs, OUTPUTS);
    cr_expect_eq(graph_ok(graph), loss->op != OP_FAILED, "graph_ok is %d, and the loss's op %d", graph_ok(graph),
                 loss->op);
    *result = loss->data;
    return graph_ok(graph);
}

Test(nn, what_is_built_on_a_failed_input_is_failed)
{
    for (size_t inputs = 1; inputs <= 2; inputs++) {
        Graph *graph = graph_new();
        const size_t narrow[] = {inputs, 2};
        MLP *net = mlp_new(graph, narrow, 2, ACTIVATION_TANH);
        Value *failed[] = {graph_fail(graph), graph_fail(graph)};
        Value **y = mlp_forward(net, failed), **together = mlp_forward_rows(net, failed, 1);
        for (size_t i = 0; i < 2; i++)
            cr_expect(y[i]->op == OP_FAILED && together[i]->op == OP_FAILED,
                      "%zu failed inputs: output %zu looks good, with data %g and %g", inputs, i, y[i]->data,
                      together[i]->data);
        graph_free(graph);
    }
}

Test(nn, sizes_beyond_what_a_node_can_count_are_no_memory, .timeout = 1800)
{
    const size_t wide = UINT32_MAX - 1; /* two such layers have 2⁶⁴ params, and more */
    const size_t half = (size_t)1 << (SIZE_MAX > UINT32_MAX ? 29 : 16); /* half·half nodes are as many bytes and more */
    const size_t monsters[][3] = {{SIZE_MAX, 2, 1}, {UINT32_MAX, 1, 1}, {1, UINT32_MAX, 1},
                                  {1, SIZE_MAX, 1}, {wide, wide, 4},    {half - 3, half + 1, 1}};
    for (size_t i = 0; i < sizeof monsters / sizeof *monsters; i++) {
        Graph *graph = graph_new();
        memory_lasts(0);
        cr_expect_null(mlp_new(graph, monsters[i], 3, ACTIVATION_TANH), "a network of %zu inputs and %zu outputs",
                       monsters[i][0], monsters[i][1]);
        memory_restore();
        cr_expect_eq(allocations, 0, "%zu, %zu: memory was asked for", monsters[i][0], monsters[i][1]);
        cr_expect_not(graph_ok(graph), "%zu, %zu: the graph says that all is well", monsters[i][0], monsters[i][1]);
        graph_free(graph);
    }
}

/* Its lists take more than a block of the graph each. */
Test(nn, a_network_without_memory_is_null)
{
    const size_t wide[] = {1, 5000};
    bool ok = false;
    for (size_t n = 0; !ok; n++) {
        Graph *graph = graph_new();
        memory_lasts(n);
        const MLP *net = mlp_new(graph, wide, 2, ACTIVATION_TANH);
        memory_restore();
        ok = graph_ok(graph);
        cr_expect_eq(net != NULL, ok, "after %zu allocations: graph_ok is %d", n, ok);
        graph_free(graph);
    }
}

Test(nn, each_allocation_that_fails_is_an_error_and_leaks_nothing)
{
    double want, got = 0;
    cr_assert(build_all(g, &want), "no memory");
    size_t n = 0;
    for (bool ok = false; !ok; n++) {
        Graph *graph = graph_new();
        const Mark empty = graph_mark(graph);
        memory_lasts(n);
        ok = build_all(graph, &got);
        memory_restore();
        graph_release(graph, empty);
        cr_expect(graph_ok(graph) && build_all(graph, &got), "after allocation %zu failed: no second try", n);
        cr_expect_eq(got, want, "after allocation %zu failed: the second try gives %a, want %a", n, got, want);
        graph_free(graph);
    }
    cr_assert_gt(n, 4, "only %zu allocations were made to fail", n);
}

/* ---- many rows at once: nn_fast.c ---------------------------------------------------------------------------------
 */

enum { ROWS = 19, WIDTH = 3 }; /* rows: more than go together, and no multiple of that */

/* Inputs that need a gradient or not, side by side or with a node between every two. */
static void make_rows(Graph *graph, bool need_grad, bool scattered, Value **x)
{
    Random random;
    random_seed(&random, 7);
    graph_reserve(graph, ROWS * WIDTH);
    for (size_t i = 0; i < ROWS * WIDTH; i++) {
        const double number = random_uniform(&random, -2, 2);
        x[i] = need_grad ? v_param(graph, number) : v_input(graph, number);
        if (scattered)
            v_const(graph, NAN);
    }
}

/* The gradients of all params and then of all inputs. */
static size_t take_gradients(MLP *net, Value *const *x, double *gradients)
{
    for (size_t i = 0; i < net->param_count; i++)
        gradients[i] = net->params[i]->grad;
    for (size_t i = 0; i < ROWS * WIDTH; i++)
        gradients[net->param_count + i] = x[i]->grad;
    mlp_zero_grad(net);
    for (size_t i = 0; i < ROWS * WIDTH; i++)
        x[i]->grad = 0;
    return net->param_count + ROWS * WIDTH;
}

/* Nodes with parents of which only some need a gradient: the walk tests each parent of theirs. */
static size_t count_some_fixed(Value **outputs, size_t n)
{
    size_t count, found = 0;
    Value **order = graph_topological_order(v_sum(outputs, n), &count);
    for (size_t i = 0; i < count; i++)
        found += order[i]->some_parents_fixed;
    memory_free(order);
    return found;
}

static void compare_rows(MLP *net, bool need_grad, bool scattered)
{
    Value *x[ROWS * WIDTH], *alone[ROWS * 2];
    double want[256], got[256], sum = 0;
    make_rows(net->graph, need_grad, scattered, x);
    Value **together = mlp_forward_rows(net, x, ROWS);
    for (size_t row = 0; row < ROWS; row++)
        memcpy(alone + row * 2, mlp_forward(net, x + row * WIDTH), 2 * sizeof *alone);
    for (size_t k = 0; k < ROWS * 2; k++)
        cr_expect_eq(together[k]->data, alone[k]->data, "output %zu: together %a, alone %a", k, together[k]->data,
                     alone[k]->data);
    backward(v_sum(alone, ROWS * 2));
    take_gradients(net, x, want);
    backward(v_sum(together, ROWS * 2));
    const size_t count = take_gradients(net, x, got);
    for (size_t i = 0; i < count; i++) {
        cr_expect_eq(got[i], want[i], "gradient %zu: together %a, alone %a", i, got[i], want[i]);
        sum += fabs(got[i]) * (i >= net->param_count);
    }
    cr_expect_eq(sum > 0, need_grad, "the inputs' gradients add up to %g", sum);
    cr_expect_eq(value_is_run(together, 2 * 2), !scattered, "the outputs of two rows side by side: not made together?");
    if (!need_grad)
        cr_expect_eq(count_some_fixed(together, ROWS * 2), count_some_fixed(alone, ROWS * 2), "the walk is slower");
}

Test(nn, many_rows_at_once_give_the_bits_of_one_at_a_time)
{
    const size_t deep[] = {WIDTH, 5, 4, 2};
    Random random;
    random_seed(&random, 7);
    for (int a = 0; a < ACTIVATIONS; a++) {
        MLP *net = mlp_new(g, deep, 4, (Activation)a);
        mlp_init(net, INIT_PYTORCH, &random);
        for (int kind = 0; kind < 4; kind++)
            compare_rows(net, kind & 1, kind & 2);
    }
}

/* The sums of some rows take more than a block, and so do their activations. */
Test(nn, many_rows_without_memory_are_null)
{
    const size_t wide[] = {WIDTH, 300, 2};
    size_t n = 0;
    for (bool ok = false; !ok; n++) {
        Graph *graph = graph_new();
        Value *x[ROWS * WIDTH];
        MLP *net = mlp_new(graph, wide, 3, ACTIVATION_TANH);
        make_rows(graph, false, false, x);
        memory_lasts(n);
        ok = mlp_forward_rows(net, x, ROWS) != NULL;
        memory_restore();
        cr_expect_eq(graph_ok(graph), ok, "after %zu allocations: graph_ok is %d", n, graph_ok(graph));
        graph_free(graph);
    }
    cr_assert_gt(n, 6, "only %zu allocations were made to fail", n - 1);
}

Test(nn, rows_that_are_missing_released_or_of_another_graph_are_misuse)
{
    static MLP *net, *gone;
    static Value *x[INPUTS], **released;
    static Graph *other;
    net = net_of_quarters(g, ACTIVATION_TANH);
    MUST_BE_MISUSE(mlp_forward_rows(NULL, x, 1), "mlp_forward_rows: the network is NULL. Make it with mlp_new");
    MUST_BE_MISUSE(mlp_forward_rows(net, NULL, 1), "forward: the list of inputs is NULL. Make one of 3 with v_inputs.");
    x[0] = v_input(g, 1), x[1] = NULL, x[2] = v_input(g, 2);
    MUST_BE_MISUSE(mlp_forward_rows(net, x, 1), "forward: input x[1] of 3 is NULL");
    other = graph_new();
    x[1] = v_input(other, 0.5);
    MUST_BE_MISUSE(mlp_forward_rows(net, x, 1), "forward: input x[1] of 3 (v0, data 0.5) belongs to another graph");
    graph_free(other);
    const Mark mark = graph_mark(g);
    gone = net_of_quarters(g, ACTIVATION_TANH);
    graph_release(g, mark);
    released = v_inputs(g, point, INPUTS);
    MUST_BE_MISUSE(mlp_forward_rows(gone, released, 1), "the network was released");
}

Test(nn, a_network_kept_over_several_releases_is_reported)
{
    const size_t sizes[] = {2, 3, 1};
    const double x[] = {1, 2};
    double y;
    const Mark mark = graph_mark(g);
    MLP *net = mlp_new(g, sizes, 3, ACTIVATION_TANH);
    for (int step = 0; step < 6; step++) {
        graph_release(g, mark);
        for (int i = 0; i < 40; i++)
            v_label(v_param(g, i), "of the next step");
        MUST_BE_MISUSE(mlp_zero_grad(net), "mlp_zero_grad: the network was released");
        MUST_BE_MISUSE(mlp_evaluate(net, x, &y), "mlp_evaluate: the network was released");
        MUST_BE_MISUSE(mlp_forward(net, NULL), "mlp_forward: the network was released");
    }
}
