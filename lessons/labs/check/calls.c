#include "calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- lab 1 ------------------------------------------------------------------------------------------------------- */

static double cubic_by[3];
static double cubic(double x) { return cubic_by[0] * x * x * x + cubic_by[1] * x * x + cubic_by[2] * x; }

static const char central_in[] = "c[3] at h", central_out[] = "slope";
static void call_central(const Functions *f, const double *in, double *out)
{
    memcpy(cubic_by, in, sizeof cubic_by);
    out[0] = f->central(cubic, in[3], in[4]);
}

static const char loss_gradient_in[] = "W x b", loss_gradient_out[] = "grad[3]";
static void call_loss_gradient(const Functions *f, const double *in, double *out)
{
    f->loss_gradient(in[0], in[1], in[2], out);
}

static const char jacobian_product_in[] = "A[2][4] B[4][3]", jacobian_product_out[] = "C[2][3]";
static void call_jacobian_product(const Functions *f, const double *in, double *out)
{
    f->jacobian_product(2, 4, 3, in, in + 8, out);
}

/* ---- lab 2 ------------------------------------------------------------------------------------------------------- */

static void put_dual(Dual y, double *out) { out[0] = y.value, out[1] = y.tangent; }

static const char dual_mul_in[] = "p.value p.tangent q.value q.tangent", dual_mul_out[] = "value tangent";
static void call_dual_mul(const Functions *f, const double *in, double *out)
{
    put_dual(f->dual_mul((Dual){in[0], in[1]}, (Dual){in[2], in[3]}), out);
}

static const char dual_div_in[] = "p.value p.tangent q.value q.tangent", dual_div_out[] = "value tangent";
static void call_dual_div(const Functions *f, const double *in, double *out)
{
    put_dual(f->dual_div((Dual){in[0], in[1]}, (Dual){in[2], in[3]}), out);
}

static const char dual_tanh_in[] = "p.value p.tangent", dual_tanh_out[] = "value tangent";
static void call_dual_tanh(const Functions *f, const double *in, double *out)
{
    put_dual(f->dual_tanh((Dual){in[0], in[1]}), out);
}

/* ---- lab 3 ------------------------------------------------------------------------------------------------------- */

#define BINARY(function)                                                                                               \
    static const char function##_in[] = "a b y g", function##_out[] = "grad[2]";                                       \
    static void call_##function(const Functions *f, const double *in, double *out)                                     \
    {                                                                                                                  \
        f->function(in[0], in[1], in[2], in[3], out);                                                                  \
    }
#define UNARY(function)                                                                                                \
    static const char function##_in[] = "a y g", function##_out[] = "grad";                                            \
    static void call_##function(const Functions *f, const double *in, double *out)                                     \
    {                                                                                                                  \
        out[0] = f->function(in[0], in[1], in[2]);                                                                     \
    }
BINARY(sub_backward)
BINARY(mul_backward)
BINARY(div_backward)
BINARY(pow_backward)
BINARY(max_backward)
UNARY(tanh_backward)
UNARY(relu_backward)

/* Tasks that a teacher added have one of these two shapes. What they return tells which. */
#define SHAPE_double UNARY
#define SHAPE_void BINARY
#define SHAPED(returns, function, parameters, id, points, goal) SHAPE_##returns(function)
TASKS_0(SHAPED)

/* ---- lab 4 ------------------------------------------------------------------------------------------------------- */

/* A node is six numbers: data, grad, the places of its parents (or −1) and the two local derivatives. */
static Node nodes[NODES];

static void graph_in(const double *in)
{
    for (int i = 0; i < NODES; i++, in += 6) {
        nodes[i] = (Node){.data = in[0], .grad = in[1], .local = {in[4], in[5]}};
        for (int k = 0; k < 2; k++)
            if (in[2 + k] >= 0)
                nodes[i].parent[nodes[i].parent_count++] = &nodes[(int)in[2 + k]];
    }
}

static void graph_out(double *out)
{
    for (int i = 0; i < NODES; i++)
        out[i] = nodes[i].grad;
}

static const char push_in[] = "node[12][6]", push_out[] = "grad[12]";
static void call_push(const Functions *f, const double *in, double *out)
{
    graph_in(in);
    for (int i = NODES - 1; i >= NODES - 4; i--)
        f->push(&nodes[i]);
    graph_out(out);
}

static const char backward_in[] = "node[12][6]", backward_out[] = "grad[12] grad_of_a_second_walk[12]";
static void call_backward(const Functions *f, const double *in, double *out)
{
    graph_in(in);
    f->backward(nodes, &nodes[NODES - 1]);
    graph_out(out);
    f->backward(nodes, &nodes[NODES - 1]);
    graph_out(out + NODES);
}

/* Where a node of the graph lies; −1: it is none of them. */
static double place_of_node(const Node *v)
{
    for (int i = 0; i < NODES; i++)
        if (v == &nodes[i])
            return i;
    return -1;
}

/* How many nodes of a chain do not stand in their place; −1 where there is no memory for one. */
static double chain_misplaced(const Functions *f)
{
    Node *chain = calloc(CHAIN, sizeof *chain), **order = calloc(4 * CHAIN, sizeof *order);
    double misplaced = -1;
    if (chain != NULL && order != NULL) {
        for (int i = 1; i < CHAIN; i++)
            chain[i].parent[0] = &chain[i - 1], chain[i].parent_count = 1;
        const int count = f->topological_order(&chain[CHAIN - 1], order);
        misplaced = count == CHAIN ? 0 : 1;
        for (int i = 0; i < CHAIN; i++)
            misplaced += order[i] != &chain[i];
    }
    free(chain);
    free(order);
    return misplaced;
}

static const char topological_order_in[] = "node[12][6] root",
                  topological_order_out[] = "count order[12] misplaced_in_a_chain_of_100000";
static void call_topological_order(const Functions *f, const double *in, double *out)
{
    Node *order[4 * NODES] = {NULL};
    graph_in(in);
    out[0] = f->topological_order(&nodes[(int)in[6 * NODES]], order);
    for (int i = 0; i < NODES; i++)
        out[1 + i] = i < out[0] ? place_of_node(order[i]) : -1;
    out[1 + NODES] = chain_misplaced(f);
}

/* ---- lab 5 ------------------------------------------------------------------------------------------------------- */

static const char product_dx_in[] = "dZ[2][4] W[3][4]", product_dx_out[] = "dX[2][3]";
static void call_product_dx(const Functions *f, const double *in, double *out)
{
    f->product_dx(2, 3, 4, in, in + 8, out);
}

static const char product_dw_in[] = "dZ[2][4] X[2][3]", product_dw_out[] = "dW[3][4]";
static void call_product_dw(const Functions *f, const double *in, double *out)
{
    f->product_dw(2, 3, 4, in, in + 8, out);
}

static const char bias_gradient_in[] = "dZ[4][3]", bias_gradient_out[] = "db[3]";
static void call_bias_gradient(const Functions *f, const double *in, double *out) { f->bias_gradient(4, 3, in, out); }

/* ---- lab 6 ------------------------------------------------------------------------------------------------------- */

static const char logsumexp_in[] = "z[5]", logsumexp_out[] = "of_all_5 of_the_first_3 of_the_first";
static void call_logsumexp(const Functions *f, const double *in, double *out)
{
    out[0] = f->logsumexp(5, in);
    out[1] = f->logsumexp(3, in);
    out[2] = f->logsumexp(1, in);
}

static const char log_softmax_in[] = "z[5]", log_softmax_out[] = "out[5]";
static void call_log_softmax(const Functions *f, const double *in, double *out) { f->log_softmax(5, in, out); }

static const char logits_gradient_in[] = "z[3][4] label[3]", logits_gradient_out[] = "dz[3][4]";
static void call_logits_gradient(const Functions *f, const double *in, double *out)
{
    const int label[3] = {(int)in[12], (int)in[13], (int)in[14]};
    f->logits_gradient(3, 4, in, label, out);
}

/* ---- lab 7 ------------------------------------------------------------------------------------------------------- */

static const char neuron_in[] = "w[4] x[4] b", neuron_out[] = "y";
static void call_neuron(const Functions *f, const double *in, double *out) { out[0] = f->neuron(4, in, in + 4, in[8]); }

static const char layer_backward_in[] = "W[2][3] x[3] y[2] dy[2]", layer_backward_out[] = "dW[2][3] db[2] dx[3]";
static void call_layer_backward(const Functions *f, const double *in, double *out)
{
    f->layer_backward(3, 2, in, in + 6, in + 9, in + 11, out, out + 6, out + 8);
}

/* All three layers, or only the last, so that no number of layers can be taken for granted. */
static const char mlp_forward_in[] = "params[39] x[3] layers", mlp_forward_out[] = "out[2]";
static void call_mlp_forward(const Functions *f, const double *in, double *out)
{
    static const int sizes[] = {3, 4, 3, 2}; /* 4·3 + 4, 3·4 + 3, 2·3 + 2 numbers */
    const int layers = (int)in[42];
    f->mlp_forward(layers, sizes + 3 - layers, in + (layers == 3 ? 0 : 31), in + 39, out);
}

static const char sgd_step_in[] = "params[3] grad[3] velocity[3] lr momentum",
                  sgd_step_out[] = "params[3] grad[3] velocity[3]";
static void call_sgd_step(const Functions *f, const double *in, double *out)
{
    memcpy(out, in, 9 * sizeof *out);
    f->sgd_step(3, out, out + 3, out + 6, in[9], in[10]);
}

/* The loss of task 7.5: Σ cᵢ·(paramᵢ − tᵢ)². */
static const double *loss_c, *loss_t;
static double remembered[3];
static int forward_calls, backward_calls;

static double loss_forward(Model *model)
{
    double loss = 0;
    for (int i = 0; i < 3; i++) {
        remembered[i] = model->params[i] - loss_t[i];
        loss += loss_c[i] * remembered[i] * remembered[i];
    }
    forward_calls++;
    return loss;
}

static void loss_backward(Model *model)
{
    for (int i = 0; i < 3; i++)
        model->grad[i] += 2 * loss_c[i] * remembered[i];
    backward_calls++;
}

static const char train_step_in[] = "params[3] grad[3] c[3] t[3] lr",
                  train_step_out[] = "params[3] grad[3] loss forward_calls backward_calls";
static void call_train_step(const Functions *f, const double *in, double *out)
{
    loss_c = in + 6, loss_t = in + 9;
    forward_calls = backward_calls = 0;
    memset(remembered, 0, sizeof remembered);
    memcpy(out, in, 6 * sizeof *out);
    out[6] = f->train_step(&(Model){3, out, out + 3, loss_forward, loss_backward}, in[12]);
    out[7] = forward_calls;
    out[8] = backward_calls;
}

/* ---- lab 8 ------------------------------------------------------------------------------------------------------- */

static const char train_moons_in[] = "x[120][2] label[120] weights[33]", train_moons_out[] = "weights[33]";
static const char train_moons_secret[] = "fresh[500][3]";
static void call_train_moons(const Functions *f, const double *in, double *out)
{
    int label[MOONS];
    for (int i = 0; i < MOONS; i++)
        label[i] = (int)in[2 * MOONS + i];
    memcpy(out, in + 3 * MOONS, WEIGHTS * sizeof *out);
    f->train_moons(MOONS, (const double(*)[2])(const void *)in, label, out);
}

double moons_score(const double *weights, const double x[2])
{
    double score = weights[4 * HIDDEN];
    for (int j = 0; j < HIDDEN; j++)
        score +=
            weights[3 * HIDDEN + j] * tanh(weights[2 * j] * x[0] + weights[2 * j + 1] * x[1] + weights[2 * HIDDEN + j]);
    return score;
}

int moons_right(const double *weights, const double *fresh)
{
    int right = 0;
    for (int i = 0; i < FRESH_MOONS; i++, fresh += 3) {
        const double score = moons_score(weights, fresh);
        right += isfinite(score) && (score > 0) == (fresh[2] > 0);
    }
    return right;
}

/* ---- lab 9 ------------------------------------------------------------------------------------------------------- */

static const char attention_weights_in[] = "q[3] K[4][3]", attention_weights_out[] = "w[4]";
static void call_attention_weights(const Functions *f, const double *in, double *out)
{
    f->attention_weights(4, 3, in, in + 3, out);
}

static const char attention_in[] = "q[3] K[4][3] V[4][3]", attention_out[] = "y[3]";
static void call_attention(const Functions *f, const double *in, double *out)
{
    f->attention(4, 3, in, in + 3, in + 15, out);
}

static const char attention_backward_in[] = "q[3] K[4][3] V[4][3] dy[3]",
                  attention_backward_out[] = "dq[3] dK[4][3] dV[4][3]";
static void call_attention_backward(const Functions *f, const double *in, double *out)
{
    f->attention_backward(4, 3, in, in + 3, in + 15, in + 27, out, out + 3, out + 15);
}

/* ---- lab 10 ------------------------------------------------------------------------------------------------------ */

static const char softsign_forward_in[] = "a", softsign_forward_out[] = "y";
static void call_softsign_forward(const Functions *f, const double *in, double *out)
{
    out[0] = f->softsign_forward(in[0], 0);
}

static const char softsign_da_in[] = "a y", softsign_da_out[] = "∂y/∂a";
static void call_softsign_da(const Functions *f, const double *in, double *out)
{
    out[0] = f->softsign_da(in[0], 0, in[1]);
}

static const char norm_forward_in[] = "a b", norm_forward_out[] = "y";
static void call_norm_forward(const Functions *f, const double *in, double *out)
{
    out[0] = f->norm_forward(in[0], in[1]);
}

static const char norm_da_in[] = "a b y", norm_da_out[] = "∂y/∂a";
static void call_norm_da(const Functions *f, const double *in, double *out)
{
    out[0] = f->norm_da(in[0], in[1], in[2]);
}

static const char norm_db_in[] = "a b y", norm_db_out[] = "∂y/∂b";
static void call_norm_db(const Functions *f, const double *in, double *out)
{
    out[0] = f->norm_db(in[0], in[1], in[2]);
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

#define TASK(returns, function, parameters, id, points, goal)                                                          \
    {id, #function, goal, points, function##_in, function##_out, "", call_##function},
#define TASK_WITH_SECRET(returns, function, parameters, id, points, goal)                                              \
    {id, #function, goal, points, function##_in, function##_out, function##_secret, call_##function},

const Task tasks[] = {TASKS_1(TASK) TASKS_2(TASK) TASKS_3(TASK) TASKS_4(TASK) TASKS_5(TASK) TASKS_6(TASK) TASKS_7(TASK)
                          TASKS_8(TASK_WITH_SECRET) TASKS_9(TASK) TASKS_10(TASK) TASKS_0(TASK)};
const int task_count = sizeof tasks / sizeof tasks[0];
_Static_assert(sizeof tasks / sizeof tasks[0] <= MOST_TASKS, "more tasks than there is room for");

void fill_dirty(double out[MOST_OUT])
{
    for (int i = 0; i < MOST_OUT; i++)
        out[i] = DIRTY(i);
}

const Task *task_find(const char *id)
{
    for (int i = 0; i < task_count; i++)
        if (strcmp(tasks[i].id, id) == 0 || strcmp(tasks[i].function, id) == 0)
            return &tasks[i];
    return NULL;
}

/* ---- layouts ----------------------------------------------------------------------------------------------------- */

/* One name of a layout: its length, and its rows and columns, 1 where there are none. Returns the next name. */
static const char *layout_part(const char *name, int *length, int *rows, int *columns)
{
    *length = (int)strcspn(name, " ");
    *rows = *columns = 1;
    const int bracket = (int)strcspn(name, "[ ");
    if (sscanf(name + bracket, "[%d][%d]", rows, columns) >= 1)
        *length = bracket;
    name += strcspn(name, " ");
    return name + strspn(name, " ");
}

int layout_count(const char *layout)
{
    int count = 0, length, rows, columns;
    while (*layout != '\0') {
        layout = layout_part(layout, &length, &rows, &columns);
        count += rows * columns;
    }
    return count;
}

char *layout_name(const char *layout, int index, char buffer[NAME_SIZE])
{
    while (*layout != '\0') {
        int length, rows, columns;
        const char *name = layout;
        layout = layout_part(layout, &length, &rows, &columns);
        if (index >= rows * columns) {
            index -= rows * columns;
            continue;
        }
        if (columns > 1)
            snprintf(buffer, NAME_SIZE, "%.*s[%d][%d]", length, name, index / columns, index % columns);
        else if (rows > 1)
            snprintf(buffer, NAME_SIZE, "%.*s[%d]", length, name, index);
        else
            snprintf(buffer, NAME_SIZE, "%.*s", length, name);
        return buffer;
    }
    return strcpy(buffer, "?");
}
