/* slips.c - programs with a slip each, built like `make gdb` builds (-DSTEPGRAD_DEBUG): test_slips.c runs them by name
 * and reads what the engine says. One that is not caught prints what it computed. */
#include <stdlib.h>
#include <string.h>

#include "stepgrad.h"

static Graph *g;

static void print_gradient(Value *root, const Value *param)
{
    backward(root);
    printf("gradient %g\n", param->grad);
}

/* ---- data changed between the forward pass and the reverse walk ---------------------------------------------------
 */

static void new_weights_before_backward(void)
{
    Value *w = V_NAME(v_param(g, 3)), *x = v_input(g, 2);
    Value *loss = v_mul(v_label(v_mul(w, w), "square"), x);
    w->data = 100;
    print_gradient(loss, w);
}

static void optimizer_step_before_backward(void)
{
    Value *w[] = {v_param(g, 3), v_param(g, 4)};
    Value *loss = v_label(v_dot(w, w, 2), "loss");
    Optimizer *sgd = sgd_new(w, 2, ((SGD){.lr = 0.5}));
    w[0]->grad = 1;
    optimizer_step(sgd);
    print_gradient(loss, w[0]);
}

static void bias_changed(void)
{
    Value *w = v_param(g, 3), *bias = v_param(g, 1), *x = v_input(g, 2);
    Value *neuron = v_label(v_dot_bias(&w, &x, 1, bias), "neuron");
    bias->data += 1e-9; /* however little */
    print_gradient(v_tanh(neuron), w);
}

static void interior_value_set(void)
{
    Value *w = v_param(g, 3), *h = v_label(v_exp(w), "h");
    Value *loss = v_mul(h, h);
    h->data = 1;
    print_gradient(loss, w);
}

static void changed_and_built_again(void)
{
    Value *w = v_param(g, 3), *x = v_input(g, 2);
    v_mul(v_mul(w, w), x);
    w->data = 5;
    print_gradient(v_mul(v_mul(w, w), x), w);
}

static void values_that_are_nan(void)
{
    Value *w = v_param(g, NAN), *one = v_param(g, 1);
    Value *list[] = {v_mul(w, 2), v_add(one, 3)};
    print_gradient(v_sum(list, 2), one);
}

/* ---- nodes, networks and optimizers kept over a release -----------------------------------------------------------
 */

enum { PLACES = 40 };

static void node_kept(int steps)
{
    Value *w = v_param(g, 2);
    const Mark mark = graph_mark(g);
    Value *kept = NULL;
    for (int step = 0; step <= steps; step++) {
        for (int i = 0; i < PLACES; i++) {
            Value *node = v_mul(w, i);
            kept = step == 0 && i == PLACES / 2 ? node : kept;
        }
        if (step == steps)
            print_gradient(v_add(w, kept), w);
        graph_release(g, mark);
    }
}

static void node_kept_for_1_step(void) { node_kept(1); }
static void node_kept_for_2_steps(void) { node_kept(2); }
static void node_kept_for_1000_steps(void) { node_kept(1000); }

static void network_kept(void)
{
    const size_t sizes[] = {1, 4, 1};
    const Mark mark = graph_mark(g);
    MLP *net = mlp_new(g, sizes, 3, ACTIVATION_TANH);
    graph_release(g, mark);
    for (int step = 0; step < 5; step++) {
        mlp_new(g, sizes, 3, ACTIVATION_TANH);
        graph_release(g, mark);
    }
    mlp_zero_grad(net);
    puts("zeroed");
}

static void optimizer_kept(void)
{
    const Mark mark = graph_mark(g);
    Value *w = v_param(g, 2);
    Optimizer *sgd = sgd_new(&w, 1, ((SGD){.lr = 0.5}));
    for (int step = 0; step < 5; step++) {
        graph_release(g, mark);
        v_param(g, 42)->grad = 1;
    }
    optimizer_step(sgd);
    puts("stepped");
}

/* -------------------------------------------------------------------------------------------------------------------
 */

#define SLIP(name)                                                                                                     \
    {                                                                                                                  \
#name, name                                                                                                    \
    }
static const struct {
    const char *name;
    void (*run)(void);
} slips[] = {SLIP(new_weights_before_backward),
             SLIP(optimizer_step_before_backward),
             SLIP(bias_changed),
             SLIP(interior_value_set),
             SLIP(changed_and_built_again),
             SLIP(values_that_are_nan),
             SLIP(node_kept_for_1_step),
             SLIP(node_kept_for_2_steps),
             SLIP(node_kept_for_1000_steps),
             SLIP(network_kept),
             SLIP(optimizer_kept)};

int main(int count, char **arguments)
{
    g = graph_new();
    for (size_t i = 0; count > 1 && i < sizeof slips / sizeof slips[0]; i++)
        if (strcmp(slips[i].name, arguments[1]) == 0)
            slips[i].run();
    graph_free(g);
    return 0;
}
