/* The references of the labs against the engine, at random points: what students are told is right is what the engine
 * computes. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "backward.h"
#include "dual.h"
#include "graph.h"
#include "labs_reference.h"
#include "loss.h"
#include "matrix.h"
#include "nn.h"
#include "optim.h"
#include "random.h"

enum { TIMES = 1000, MOST = 64 };

/* Where both compute with the same few operations, in another order at most: sums of up to 8 terms below 70 (the
 * largest are quotients by 0.3²), with 2 roundings each, of 2⁻⁵³: 1.2e-13. Larger results grow from larger factors. */
#define ROUNDING 2e-13

/* Behind an exp. Logits are up to 1010: log Σ exp z is rounded to 2⁻⁵³ of that by both, and so is its distance to z:
 * 4 · 1010 · 2⁻⁵³ = 4.5e-13. The scores of lab 9 are up to 11, after 4 roundings by both: 1e-14 of its weights, and its
 * results have up to 4 terms below 30 with these. */
#define ROUNDING_OF_EXP 1e-12

static Random random_numbers;
static Graph *graph;
static double in[2000], out[MOST];

static void begin(void)
{
    random_seed(&random_numbers, 20);
    graph = graph_new();
    cr_assert_not_null(graph);
}

static void end(void) { graph_free(graph); }

TestSuite(labs_drift, .init = begin, .fini = end, .timeout = 1800);

/* Clear of 0, of either sign. */
static double away(void)
{
    const double x = random_uniform(&random_numbers, 0.3, 2.5);
    return random_below(&random_numbers, 2) == 0 ? x : -x;
}

static void fill(int count)
{
    for (int i = 0; i < count; i++)
        in[i] = away();
}

/* The reference's number `i` for these inputs. */
static void expect(const char *id, int i, double want, double bound)
{
    cr_expect(fabs(out[i] - want) <= bound * fmax(1, fabs(want)),
              "%s, number %d: the reference has %.17g, the engine %.17g", id, i, out[i], want);
}

/* For the next point. */
static void start_over(void)
{
    graph_free(graph);
    graph = graph_new();
    cr_assert_not_null(graph);
}

static void params(Value **list, const double *data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        list[i] = v_param(graph, data[i]);
}

/* L = Σ dᵢ·yᵢ: then ∂L/∂y is d. */
static void backward_with(Value *const *y, const double *d, size_t n)
{
    Value *terms[MOST];
    for (size_t i = 0; i < n; i++)
        terms[i] = v_mul(y[i], d[i]);
    backward(v_sum(terms, n));
}

static void expect_grads(const char *id, int from, Value *const *list, size_t n, double bound)
{
    for (size_t i = 0; i < n; i++)
        expect(id, from + (int)i, list[i]->grad, bound);
}

/* ---- labs 1 to 3 ------------------------------------------------------------------------------------------------- */

Test(labs_drift, lab_1_chain_rule)
{
    for (int time = 0; time < TIMES; time++, start_over()) {
        Value *p[3];
        fill(20);
        params(p, in, 3);
        backward(v_pow(v_add(v_mul(p[0], p[1]), p[2]), 2));
        labs_reference("1.2", in, out);
        expect_grads("1.2", 0, p, 3, ROUNDING);
        double product[6];
        matrix_get_data(matmul(matrix_input(graph, 2, 4, in), matrix_input(graph, 4, 3, in + 8)), product);
        labs_reference("1.3", in, out);
        for (int i = 0; i < 6; i++)
            expect("1.3", i, product[i], ROUNDING);
    }
}

static void expect_dual(const char *id, Dual want)
{
    labs_reference(id, in, out);
    expect(id, 0, want.value, ROUNDING);
    expect(id, 1, want.tangent, ROUNDING);
}

Test(labs_drift, lab_2_duals)
{
    for (int time = 0; time < TIMES; time++) {
        fill(4);
        const Dual p = {in[0], in[1]}, q = {in[2], in[3]};
        expect_dual("2.1", d_mul(p, q));
        expect_dual("2.2", d_div(p, q));
        expect_dual("2.3", d_tanh(p));
    }
}

static void expect_binary(const char *id, OpCode op)
{
    Value *operands[2];
    params(operands, in, 2);
    Value *y = value_binary(op, operands[0], operands[1], HERE);
    in[2] = y->data;
    labs_reference(id, in, out);
    backward_from(y, in[3]);
    expect_grads(id, 0, operands, 2, ROUNDING);
}

static void expect_unary(const char *id, OpCode op)
{
    Value *a = v_param(graph, in[0]), *y = value_unary(op, a, HERE);
    const double numbers[] = {in[0], y->data, in[3]};
    labs_reference(id, numbers, out);
    backward_from(y, in[3]);
    expect_grads(id, 0, &a, 1, ROUNDING);
}

Test(labs_drift, lab_3_ops)
{
    for (int time = 0; time < TIMES; time++, start_over()) {
        fill(4);
        expect_binary("3.1", OP_SUB);
        expect_binary("3.2", OP_MUL);
        expect_binary("3.3", OP_DIV);
        expect_unary("3.6", OP_TANH);
        if (time % 10 == 0)
            in[0] = 0; /* relu's kink */
        expect_unary("3.7", OP_RELU);
        if (time % 10 == 0)
            in[0] = in[1]; /* that of max */
        expect_binary("3.5", OP_MAX);
        in[0] = fabs(away());
        expect_binary("3.4", OP_POW);
    }
}

/* ---- lab 4: a graph of the engine's, handed to the reference as numbers ------------------------------------------ */

enum { NODES = 12, LEAVES = 3 };

/* Each node from NODES of all that were made before it, the last one over it. */
static void random_graph(Value *nodes[NODES])
{
    for (size_t i = 0; i < NODES; i++) {
        const OpCode binary[] = {OP_ADD, OP_SUB, OP_MUL, OP_MIN, OP_MAX},
                     unary[] = {OP_TANH, OP_SIN, OP_NEG, OP_SIGMOID};
        if (i < LEAVES) {
            nodes[i] = v_param(graph, away());
            continue;
        }
        Value *a = nodes[i - 1], *b = nodes[random_below(&random_numbers, i)];
        if (random_below(&random_numbers, 3) > 0)
            nodes[i] = value_binary(binary[random_below(&random_numbers, 5)], a, b, HERE);
        else
            nodes[i] = value_unary(unary[random_below(&random_numbers, 4)], a, HERE);
    }
}

/* The same products are added in the same order: so the bits are the same, not only near. */
Test(labs_drift, lab_4_backward)
{
    for (int time = 0; time < TIMES; time++, start_over()) {
        Value *nodes[NODES];
        random_graph(nodes);
        for (int i = 0; i < NODES; i++) {
            double *node = in + 6 * i;
            node[0] = nodes[i]->data, node[1] = 0, node[2] = node[3] = -1;
            for (size_t k = 0; k < value_parent_count(nodes[i]); k++) {
                node[2 + k] = (double)value_number(value_parent(nodes[i], k));
                node[4 + k] = value_local_derivative(nodes[i], k);
            }
        }
        labs_reference("4.2", in, out);
        for (int walk = 0; walk < 2; walk++) {
            backward(nodes[NODES - 1]);
            for (int i = 0; i < NODES; i++)
                cr_expect(out[NODES * walk + i] == nodes[i]->grad,
                          "4.2, walk %d, node %d: the reference has %.17g, the engine %.17g", walk, i,
                          out[NODES * walk + i], nodes[i]->grad);
        }
    }
}

/* ---- labs 5 to 7, 9 ---------------------------------------------------------------------------------------------- */

static void expect_matrix(const char *id, Matrix m) { expect_grads(id, 0, m.at, m.rows * m.cols, ROUNDING); }

Test(labs_drift, lab_5_matrices)
{
    for (int time = 0; time < TIMES; time++, start_over()) {
        fill(20);
        double dZ_then_X[14];
        memcpy(dZ_then_X, in, 8 * sizeof *in);
        for (int i = 8; i < 14; i++)
            dZ_then_X[i] = away();
        const Matrix X = matrix_param(graph, 2, 3, dZ_then_X + 8), W = matrix_param(graph, 3, 4, in + 8);
        backward_with(matmul(X, W).at, in, 8);
        labs_reference("5.1", in, out);
        expect_matrix("5.1", X);
        labs_reference("5.2", dZ_then_X, out);
        expect_matrix("5.2", W);
        const double zeros[12] = {0};
        const Matrix b = matrix_param(graph, 1, 3, zeros);
        backward_with(matrix_add(matrix_input(graph, 4, 3, zeros), b).at, in, 12);
        labs_reference("5.3", in, out);
        expect_matrix("5.3", b);
    }
}

Test(labs_drift, lab_6_cross_entropy)
{
    for (int time = 0; time < TIMES; time++, start_over()) {
        Value *z[12], *log_p[5];
        int label[3];
        fill(12);
        for (int i = 0; i < 12; i++)
            in[i] += time % 3 * 1000 - 1000;
        for (int row = 0; row < 3; row++)
            in[12 + row] = label[row] = (int)random_below(&random_numbers, 4);
        params(z, in, 12);
        labs_reference("6.1", in, out);
        expect("6.1", 0, v_logsumexp(z, 5)->data, ROUNDING_OF_EXP);
        expect("6.1", 1, v_logsumexp(z, 3)->data, ROUNDING_OF_EXP);
        labs_reference("6.2", in, out);
        log_softmax(z, 5, log_p);
        for (int i = 0; i < 5; i++)
            expect("6.2", i, log_p[i]->data, ROUNDING_OF_EXP);
        backward(mean_cross_entropy(matrix_from_values(z, 3, 4), label));
        labs_reference("6.3", in, out);
        expect_grads("6.3", 0, z, 12, ROUNDING_OF_EXP);
    }
}

Test(labs_drift, lab_7_layers)
{
    for (int time = 0; time < TIMES; time++, start_over()) {
        Value *w[9], *x[4], *y[2];
        fill(17); /* W, x, (y,) dy, b */
        params(w, in, 4);
        params(x, in + 4, 4);
        labs_reference("7.1", in, out);
        expect("7.1", 0, v_tanh(v_dot_bias(w, x, 4, v_param(graph, in[8])))->data, ROUNDING);
        params(w, in, 6);
        params(x, in + 6, 3);
        params(w + 6, in + 13, 2);
        for (size_t j = 0; j < 2; j++) {
            y[j] = v_tanh(v_dot_bias(w + 3 * j, x, 3, w[6 + j]));
            in[9 + j] = y[j]->data;
        }
        backward_with(y, in + 11, 2);
        labs_reference("7.2", in, out);
        expect_grads("7.2", 0, w, 8, ROUNDING); /* W, then b */
        expect_grads("7.2", 8, x, 3, ROUNDING);
    }
}

/* The engine has a neuron's bias behind its weights, the labs all biases of a layer behind its last row. */
Test(labs_drift, lab_7_networks)
{
    const size_t sizes[] = {3, 4, 3, 2};
    for (int time = 0; time < TIMES; time++, start_over()) {
        fill(42);
        in[42] = 3;
        MLP *net = mlp_new(graph, sizes, 4, ACTIVATION_TANH);
        size_t from = 0, to = 0;
        for (size_t l = 1; l < 4; l++) {
            const size_t k = sizes[l - 1], n = sizes[l];
            for (size_t j = 0; j < n; j++) {
                for (size_t i = 0; i < k; i++)
                    net->params[to++]->data = in[from + j * k + i];
                net->params[to++]->data = in[from + n * k + j];
            }
            from += n * k + n;
        }
        Value **outputs = mlp_forward(net, v_inputs(graph, in + 39, 3));
        labs_reference("7.3", in, out);
        for (int i = 0; i < 2; i++)
            expect("7.3", i, outputs[i]->data, ROUNDING);
    }
}

Test(labs_drift, lab_7_steps)
{
    for (int time = 0; time < TIMES; time++, start_over()) {
        Value *p[3];
        fill(12);
        in[9] = random_uniform(&random_numbers, 0.01, 0.3);
        in[10] = random_uniform(&random_numbers, 0.3, 0.95);
        params(p, in, 3);
        Optimizer *sgd = sgd_new(p, 3, (SGD){.lr = in[9], .momentum = in[10]});
        memset(in + 6, 0, 3 * sizeof *in); /* its velocity begins as the first gradient: as from 0 */
        for (int step = 0; step < 3; step++) {
            labs_reference("7.4", in, out);
            for (int i = 0; i < 3; i++)
                p[i]->grad = in[3 + i];
            optimizer_step(sgd);
            for (int i = 0; i < 3; i++) {
                expect("7.4", i, p[i]->data, ROUNDING);
                in[i] = out[i], in[3 + i] = away(), in[6 + i] = out[6 + i];
            }
        }
        optimizer_free(sgd);
    }
}

Test(labs_drift, lab_7_training)
{
    for (int time = 0; time < TIMES; time++, start_over()) {
        Value *p[3], *terms[3];
        fill(12); /* params, old grads, c, t */
        in[12] = random_uniform(&random_numbers, 0.01, 0.3);
        params(p, in, 3);
        for (int i = 0; i < 3; i++) {
            p[i]->grad = in[3 + i];
            terms[i] = v_mul(v_pow(v_sub(p[i], in[9 + i]), 2), in[6 + i]);
        }
        Value *loss = v_sum(terms, 3);
        Optimizer *sgd = sgd_new(p, 3, (SGD){.lr = in[12]});
        optimizer_zero_grad(sgd);
        backward(loss);
        optimizer_step(sgd);
        labs_reference("7.5", in, out);
        for (int i = 0; i < 3; i++)
            expect("7.5", i, p[i]->data, ROUNDING);
        expect_grads("7.5", 3, p, 3, ROUNDING);
        expect("7.5", 6, loss->data, ROUNDING);
        optimizer_free(sgd);
    }
}

Test(labs_drift, lab_9_attention)
{
    for (int time = 0; time < TIMES; time++, start_over()) {
        Value *p[27], **q = p, **K = p + 3, **V = p + 15, *scores[4], *w[4], *y[3];
        fill(30);
        params(p, in, 27);
        for (size_t i = 0; i < 4; i++)
            scores[i] = v_div(v_dot(K + 3 * i, q, 3), sqrt(3));
        log_softmax(scores, 4, w);
        labs_reference("9.1", in, out);
        for (int i = 0; i < 4; i++) {
            w[i] = v_exp(w[i]);
            expect("9.1", i, w[i]->data, ROUNDING_OF_EXP);
        }
        labs_reference("9.2", in, out);
        for (size_t j = 0; j < 3; j++) {
            Value *terms[4];
            for (size_t i = 0; i < 4; i++)
                terms[i] = v_mul(w[i], V[3 * i + j]);
            y[j] = v_sum(terms, 4);
            expect("9.2", (int)j, y[j]->data, ROUNDING_OF_EXP);
        }
        backward_with(y, in + 27, 3);
        labs_reference("9.3", in, out);
        expect_grads("9.3", 0, p, 27, ROUNDING_OF_EXP);
    }
}
