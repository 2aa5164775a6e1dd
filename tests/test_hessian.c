/* Second derivatives: the backward pass as nodes, and Hessian times vector, for every op and for graphs. */
#define _XOPEN_SOURCE 700 /* mkdtemp, popen beside C11 */
#define _DARWIN_C_SOURCE
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "backward.h"
#include "caught.h"
#include "graph.h"
#include "hessian.h"
#include "hessian_parts.h"
#include "jacobian.h"
#include "long.h"
#include "no_memory.h"
#include "order.h"
#include "random.h"

enum { PARAMS_MOST = 8 };

/* H by the backward pass as nodes, walked back once more. */
static void hessian_by_nodes(Value *root, Value **params, size_t n, double *h)
{
    Value *grads[PARAMS_MOST];
    Error error;
    cr_assert(gradient_nodes(root, params, n, grads, &error), "%s", error.message);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < n; j++)
            params[j]->grad = 0;
        if (grads[i]->needs_grad)
            backward(grads[i]);
        for (size_t j = 0; j < n; j++)
            h[i * n + j] = params[j]->grad;
    }
}

static void hessian_by_duals(Value *root, Value **params, size_t n, double *h)
{
    Error error;
    cr_assert(hessian(root, params, n, h, &error), "%s", error.message);
}

/* Equal up to `bound` times the larger, or times `scale` if that is larger still. */
static bool close_to(double x, double y, double bound, double scale)
{
    if (!isfinite(x) || !isfinite(y))
        return x == y || (isnan(x) && isnan(y));
    return fabs(x - y) <= bound * fmax(scale, fmax(fabs(x), fabs(y)));
}

/* ---- every op ---------------------------------------------------------------------------------------------------- */

/* s·op(p, q): three params, so that what the op's derivative depends on and what is behind it both move. */
typedef struct OfOp {
    Graph *graph;
    Value *params[3];
    Value *root;
} OfOp;

static OfOp of_op(OpCode op, double p, double q, double s)
{
    OfOp o = {.graph = graph_new()};
    o.params[0] = v_param(o.graph, p);
    o.params[1] = v_param(o.graph, q);
    o.params[2] = v_param(o.graph, s);
    Value *crossed[3] = {o.params[1], o.params[1], o.params[0]}, *y;
    switch (op_table[op].shape) {
    case SHAPE_UNARY: y = value_unary(op, o.params[0], HERE); break;
    case SHAPE_BINARY: y = value_binary(op, o.params[0], o.params[1], HERE); break;
    case SHAPE_LIST: y = value_list(op, o.params, 2, HERE); break;
    default: y = value_pairs(op, o.params, crossed, 2, crossed[2], HERE);
    }
    o.root = v_mul(o.params[2], y);
    return o;
}

static const double points[] = {-745, -400, -40,  -3, -1,  -0.75, -1e-3, -1e-9, -1e-200, 0,   1e-200, 1e-9,
                                1e-3, 0.3,  0.75, 1,  1.5, 2,     3,     5.25,  40,      400, 745};
enum { POINTS = sizeof points / sizeof points[0] };

static bool any_nan(const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (isnan(x[i]))
            return true;
    return false;
}

/* Compares the ways at one point; returns how many entries are neither 0 nor infinite. They multiply and add the same
 * numbers in another order, so where terms cancel the error is one of the gradient's size. Where there is no gradient
 * both have a NaN; in which entries depends on the order. */
static size_t compare_ways(OfOp *o, const char *name)
{
    double duals[9], nodes[9], grad[3];
    size_t nonzero = 0;
    jacobian_reverse(&o->root, 1, o->params, 3, grad, NULL);
    hessian_by_duals(o->root, o->params, 3, duals);
    hessian_by_nodes(o->root, o->params, 3, nodes);
    for (size_t i = 0; i < 9 && !any_nan(grad, 3); i++) {
        const double by_nodes = nodes[i % 3 * 3 + i / 3]; /* row i by duals is what moving param i does to all slopes */
        const double scale = fmax(fabs(grad[i / 3]), fabs(grad[i % 3]));
        cr_expect(close_to(duals[i], by_nodes, 1e-13, isfinite(scale) ? fmax(scale, DBL_MIN) : 0),
                  "%s(%g, %g): H[%zu][%zu]: %.17g by duals, %.17g by nodes", name, o->params[0]->data,
                  o->params[1]->data, i / 3, i % 3, duals[i], by_nodes);
        nonzero += isfinite(duals[i]) && duals[i] != 0;
    }
    if (any_nan(grad, 3))
        cr_expect(any_nan(duals, 9) && any_nan(nodes, 9), "%s(%g, %g): no gradient, but second derivatives", name,
                  o->params[0]->data, o->params[1]->data);
    return nonzero;
}

Test(hessian, both_ways_agree_on_every_op)
{
    for (OpCode op = OP_CONST + 1; op < OP_COUNT; op++) {
        size_t nonzero = 0;
        for (size_t k = 0; k < 2 * POINTS * POINTS; k++) {
            OfOp o = of_op(op, points[k / 2 / POINTS], points[k / 2 % POINTS], k % 2 == 0 ? 1.5 : 0);
            nonzero += compare_ways(&o, op_table[op].name);
            graph_free(o.graph);
        }
        cr_expect(nonzero > 100, "%s: only %zu entries are not 0", op_table[op].name, nonzero);
    }
}

/* The nodes of the gradient have the numbers that the reverse walk gives, where a formula loses digits or all of them
 * too: tanh at 40 has slope 7e-35, and its formula 1 - y * y says 0. */
Test(hessian, gradient_nodes_have_the_numbers_of_the_walk)
{
    size_t nonzero = 0;
    for (OpCode op = OP_CONST + 1; op < OP_COUNT; op++)
        for (size_t k = 0; k < 2 * POINTS * POINTS; k++) {
            OfOp o = of_op(op, points[k / 2 / POINTS], points[k / 2 % POINTS], k % 2 == 0 ? 1.5 : 0);
            Value *nodes[3];
            double grad[3];
            jacobian_reverse(&o.root, 1, o.params, 3, grad, NULL);
            const bool built = gradient_nodes(o.root, o.params, 3, nodes, NULL);
            for (size_t j = 0; j < 3; j++)
                if (!built || !close_to(nodes[j]->data, grad[j], 8 * DBL_EPSILON, DBL_MIN))
                    cr_expect(false, "%s(%g, %g): gradient %zu: node %.17g, walk %.17g", op_table[op].name,
                              o.params[0]->data, o.params[1]->data, j, built ? nodes[j]->data : NAN, grad[j]);
            nonzero += isfinite(grad[0]) && grad[0] != 0;
            graph_free(o.graph);
        }
    cr_assert(nonzero > 1000, "only %zu are not 0", nonzero);
}

/* ---- against differences ----------------------------------------------------------------------------------------- */

/* The derivative of f(t) at 0 from four points: the error of the formula is h⁴/30 times a fifth derivative, and that of
 * rounding 1.5·2⁻⁵³/h times f, with h = 2⁻¹⁰ below 2e-13·f. */
static const double stencil_at[4] = {-0x1p-9, -0x1p-10, 0x1p-10, 0x1p-9};
static const double stencil_weight[4] = {1 / (12 * 0x1p-10), -8 / (12 * 0x1p-10), 8 / (12 * 0x1p-10),
                                         -1 / (12 * 0x1p-10)};

/* At these points a fifth derivative of an op is below 500, and off the kinks. */
Test(hessian, agrees_with_differences_of_the_gradient_on_every_op)
{
    static const double at[][2] = {{0.7, 1.9}, {1.3, 0.75}, {2.5, 3.1}, {0.8, 0.9}};
    for (OpCode op = OP_CONST + 1; op < OP_COUNT; op++)
        for (size_t k = 0; k < 4 * 3; k++) {
            const size_t moved = k % 3;
            OfOp o = of_op(op, at[k / 3][0], at[k / 3][1], 1.5);
            const double direction[3] = {moved == 0, moved == 1, moved == 2};
            double got[3], want[3] = {0};
            cr_assert(hessian_vector(o.root, o.params, direction, 3, got, NULL));
            for (size_t i = 0; i < 4; i++) {
                OfOp there = of_op(op, at[k / 3][0] + stencil_at[i] * direction[0],
                                   at[k / 3][1] + stencil_at[i] * direction[1], 1.5 + stencil_at[i] * direction[2]);
                backward(there.root);
                for (size_t j = 0; j < 3; j++)
                    want[j] += stencil_weight[i] * there.params[j]->grad;
                graph_free(there.graph);
            }
            for (size_t j = 0; j < 3; j++)
                cr_expect(close_to(got[j], want[j], 1e-10, 1), "%s(%g, %g): H[%zu][%zu] = %.15g, by differences %.15g",
                          op_table[op].name, at[k / 3][0], at[k / 3][1], j, moved, got[j], want[j]);
            graph_free(o.graph);
        }
}

/* ---- closed forms ------------------------------------------------------------------------------------------------ */

static long double sigma(long double a) { return a < 0 ? expl(a) / (1 + expl(a)) : 1 / (1 + expl(-a)); }
static long double bell(long double a) { return expl(-a * a / 2) / sqrtl(2 * acosl(-1)); }
static long double exp_second(long double a) { return expl(a); }
static long double log_second(long double a) { return -1 / (a * a); }
static long double sqrt_second(long double a) { return -0.25L / (a * sqrtl(a)); }
static long double sin_second(long double a) { return -sinl(a); }
static long double cos_second(long double a) { return -cosl(a); }
static long double tanh_second(long double a)
{
    const long double e = expl(-2 * fabsl(a));
    return -2 * tanhl(a) * 4 * e / ((1 + e) * (1 + e));
}
static long double sigmoid_second(long double a) { return sigma(a) * sigma(-a) * (sigma(-a) - sigma(a)); }
static long double softplus_second(long double a) { return sigma(a) * sigma(-a); }
static long double erfc_second(long double a) { return 4 * a / sqrtl(acosl(-1)) * expl(-a * a); }
static long double gelu_second(long double a) { return (2 - a * a) * bell(a); }

/* exp turns the rounding of its operand into one larger by the operand: of a bell, by a²/2. */
Test(hessian, second_derivatives_are_those_of_the_book_far_out_and_at_0)
{
    static const struct {
        OpCode op;
        long double (*second)(long double);
        bool positive; /* above 0 only */
        double grows;  /* the bound grows with |a| to this power */
    } rows[] = {{OP_EXP, exp_second, 0, 0},         {OP_LOG, log_second, 1, 0},           {OP_SQRT, sqrt_second, 1, 0},
                {OP_SIN, sin_second, 0, 0},         {OP_COS, cos_second, 0, 0},           {OP_TANH, tanh_second, 0, 1},
                {OP_SIGMOID, sigmoid_second, 0, 0}, {OP_SOFTPLUS, softplus_second, 0, 0}, {OP_ERFC, erfc_second, 0, 2},
                {OP_GELU, gelu_second, 0, 2}};
    static const double at[] = {-700,   -372.5, -40,  -26, -5, -1, -0.25, -1e-5, -1e-200, 0,
                                1e-200, 1e-5,   0.25, 1,   5,  26, 40,    372.5, 700};
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++)
        for (size_t i = 0; i < sizeof at / sizeof at[0]; i++) {
            const double want = (double)rows[r].second(at[i]);
            if ((rows[r].positive && at[i] <= 0) || !isfinite(want))
                continue;
            Graph *g = graph_new();
            Value *x = v_param(g, at[i]), *y = value_unary(rows[r].op, x, HERE);
            double duals, nodes;
            hessian_by_duals(y, &x, 1, &duals);
            hessian_by_nodes(y, &x, 1, &nodes);
            const double bound = 16 * DBL_EPSILON * (1 + pow(fabs(at[i]), rows[r].grows));
            /* Where second derivatives pass through 0 (sigmoid's at 0), what is left is the rounding of y. */
            const double scale = rows[r].op == OP_SIGMOID && fabs(at[i]) < 1 ? 1 : DBL_MIN;
            cr_expect(close_to(duals, want, bound, scale) && close_to(nodes, want, bound, scale),
                      "%s'' at %g: %.17g by duals, %.17g by nodes, want %.17g", op_table[rows[r].op].name, at[i], duals,
                      nodes, want);
            graph_free(g);
        }
}

static void expect_hessian(Value *root, Value **params, size_t n, const double *want, const char *what)
{
    double duals[PARAMS_MOST * PARAMS_MOST], nodes[PARAMS_MOST * PARAMS_MOST];
    hessian_by_duals(root, params, n, duals);
    hessian_by_nodes(root, params, n, nodes);
    for (size_t i = 0; i < n * n; i++)
        cr_expect(close_to(duals[i], want[i], 4 * DBL_EPSILON, 1) && close_to(nodes[i], want[i], 4 * DBL_EPSILON, 1),
                  "%s: H[%zu][%zu]: %.17g by duals, %.17g by nodes, want %.17g", what, i / n, i % n, duals[i], nodes[i],
                  want[i]);
}

Test(hessian, what_is_constant_in_a_formula_makes_no_nodes)
{
    Graph *g = graph_new();
    Value *x = v_param(g, 2), *slope;
    size_t count;
    cr_assert(gradient_nodes(v_pow(x, 3), &x, 1, &slope, NULL));
    memory_free(graph_topological_order(slope, &count));
    cr_expect(slope->data == 12 && count == 5, "3·x²: %g, of %zu nodes and not x, 2, x², 3 and itself", slope->data,
              count);
    for (OpCode op = OP_CONST + 1; op < OP_COUNT; op++)
        for (int sign = -1; op_table[op].has_kink && op_table[op].shape == SHAPE_UNARY && sign <= 1; sign += 2) {
            Value *y = value_unary(op, v_param(g, sign), HERE);
            const size_t before = graph_node_count(g);
            cr_assert(gradient_nodes(y, &y->a, 1, &slope, NULL));
            cr_expect_leq(graph_node_count(g), before + 2, "%s at %d: more nodes than the 1 and the slope",
                          op_table[op].name, sign);
        }
    graph_free(g);
}

Test(hessian, a_kink_has_second_derivative_0_on_both_sides_and_at_it)
{
    static const double at[] = {-2, -1, -5e-324, 0, 5e-324, 1, 2};
    static const double zero[4] = {0};
    for (OpCode op = OP_CONST + 1; op < OP_COUNT; op++)
        for (size_t k = 0; op_table[op].has_kink && k < 49; k++) {
            Graph *g = graph_new();
            Value *p[2] = {v_param(g, at[k / 7]), v_param(g, at[k % 7])};
            Value *y =
                op_table[op].shape == SHAPE_UNARY ? value_unary(op, p[0], HERE) : value_binary(op, p[0], p[1], HERE);
            expect_hessian(y, p, 2, zero, op_table[op].name);
            graph_free(g);
        }
}

Test(hessian, a_kink_keeps_the_curvature_of_what_is_above_and_below_it)
{
    Graph *g = graph_new();
    Value *x = v_param(g, 3), *y = v_param(g, 3);
    Value *r = v_relu(v_mul(x, x)), *m = v_max(x, y);
    expect_hessian(v_mul(r, r), &x, 1, (double[]){12 * 9}, "relu(x²)²");
    expect_hessian(v_mul(m, m), (Value *[]){x, y}, 2, (double[]){0.5, 0.5, 0.5, 0.5}, "max(x, y)² in a tie");
    x->data = -3;
    Value *shut = v_relu(x);
    expect_hessian(v_mul(shut, v_exp(y)), (Value *[]){x, y}, 2, (double[]){0, 0, 0, 0}, "relu shut");
    graph_free(g);
}

Test(hessian, no_derivative_and_a_shut_path)
{
    Graph *g = graph_new();
    Value *below = v_param(g, -1), *zero = v_param(g, 0), *grad;
    double duals, nodes;
    hessian_by_duals(v_log(below), &below, 1, &duals);
    hessian_by_nodes(v_log(below), &below, 1, &nodes);
    cr_expect(isnan(duals) && isnan(nodes), "log'' at -1: %g by duals, %g by nodes", duals, nodes);
    Value *root = v_sqrt(v_mul(zero, zero)); /* an infinite slope behind x and x, which are 0 */
    expect_hessian(root, &zero, 1, (double[]){0}, "sqrt(x*x) at 0");
    cr_assert(gradient_nodes(root, &zero, 1, &grad, NULL) && grad->data == 0, "its slope: %g", grad->data);
    graph_free(g);
}

Test(hessian, a_gradient_of_0_passes_no_infinite_slope_as_in_backward)
{
    Graph *g = graph_new();
    Value *p[2] = {v_param(g, 0), v_param(g, 2)}, *grads[2], *mask = v_input(g, 0);
    Value *root = v_add(v_mul(mask, v_sqrt(p[0])), v_mul(p[1], p[1]));
    expect_hessian(root, p, 2, (double[]){0, 0, 0, 2}, "0·sqrt(x) + w² at x = 0");
    cr_assert(gradient_nodes(root, p, 2, grads, NULL));
    cr_expect(grads[0]->data == 0 && grads[1]->data == 4, "its slopes: %g, %g", grads[0]->data, grads[1]->data);
    graph_free(g);
}

Test(hessian, lists)
{
    Graph *g = graph_new();
    Value *p[6];
    for (size_t i = 0; i < 6; i++)
        p[i] = v_param(g, 0.5 * (double)i - 1);
    Value *sum = v_sum(p, 3), *turned[3] = {p[2], p[0], p[1]};
    expect_hessian(v_mul(sum, sum), p, 3, (double[]){2, 2, 2, 2, 2, 2, 2, 2, 2}, "sum²");
    expect_hessian(v_dot_bias(p, p + 3, 2, p[5]), p, 6,
                   (double[]){0, 0, 0, 1, 0, 0, /**/ 0, 0, 0, 0, 1, 0, /**/ 0, 0, 0, 0, 0, 0,
                              1, 0, 0, 0, 0, 0, /**/ 0, 1, 0, 0, 0, 0, /**/ 0, 0, 0, 0, 0, 0},
                   "dot with bias");
    expect_hessian(v_dot(p, p, 3), p, 3, (double[]){2, 0, 0, 0, 2, 0, 0, 0, 2}, "dot of a list with itself");
    expect_hessian(v_dot(turned, p, 3), p, 3, (double[]){0, 1, 1, 1, 0, 1, 1, 1, 0}, "dot of a scattered list");
    expect_hessian(v_logsumexp(p, 1), p, 1, (double[]){0}, "logsumexp of one");
    double want[9], softmax[3];
    Value *l = v_logsumexp(p, 3);
    for (size_t i = 0; i < 3; i++)
        softmax[i] = exp(p[i]->data - l->data);
    for (size_t i = 0; i < 9; i++)
        want[i] = (i / 3 == i % 3 ? softmax[i / 3] : 0) - softmax[i / 3] * softmax[i % 3];
    expect_hessian(l, p, 3, want, "logsumexp");
    graph_free(g);
}

static Value *rosenbrock(Value *x, Value *y)
{
    Value *u = v_sub(y, v_mul(x, x)), *w = v_sub(1, x);
    Value *steep = v_mul(100, v_mul(u, u));
    return v_add(steep, v_mul(w, w));
}

Test(hessian, rosenbrock_s_is_exact)
{
    static const double at[][2] = {{-1.25, 1}, {1, 1}, {0, 0}, {3, -7}};
    for (size_t k = 0; k < 4; k++) {
        const double a = at[k][0], b = at[k][1];
        Graph *g = graph_new();
        Value *p[2] = {v_param(g, a), v_param(g, b)}, *root = rosenbrock(p[0], p[1]);
        const double want[4] = {1200 * a * a - 400 * b + 2, -400 * a, -400 * a, 200};
        double duals[4], nodes[4];
        hessian_by_duals(root, p, 2, duals);
        hessian_by_nodes(root, p, 2, nodes);
        for (size_t i = 0; i < 4; i++)
            cr_expect(duals[i] == want[i] && nodes[i] == want[i], "at (%g, %g): H[%zu]: %.17g and %.17g, want %.17g", a,
                      b, i, duals[i], nodes[i], want[i]);
        graph_free(g);
    }
}

Test(hessian, gradients_of_gradients_of_gradients)
{
    Graph *g = graph_new();
    Value *x = v_param(g, 1.5), *f = v_pow(x, 5), *s = v_sin(x);
    const double want[6] = {5 * 1.5 * 1.5 * 1.5 * 1.5, 67.5, 135, 180, 120, 0};
    for (size_t k = 0; k < 6; k++) {
        double second = NAN;
        if (f->needs_grad)
            cr_assert(hessian_vector(f, &x, (double[]){1}, 1, &second, NULL));
        cr_expect(k == 5 || close_to(second, want[k + 1], 4 * DBL_EPSILON, 1), "derivative %zu by duals: %.17g", k + 2,
                  second);
        if (f->needs_grad)
            cr_assert(gradient_nodes(f, &x, 1, &f, NULL));
        cr_expect(close_to(f->data, want[k], 4 * DBL_EPSILON, 1), "derivative %zu of x^5: %.17g, want %g", k + 1,
                  f->data, want[k]);
    }
    for (int k = 0; k < 8; k++) /* the eighth derivative of the sine is the sine */
        cr_assert(gradient_nodes(s, &x, 1, &s, NULL));
    cr_assert_float_eq(s->data, sin(1.5), 1e-15, "got %.17g", s->data);
    graph_free(g);
}

/* ---- networks ---------------------------------------------------------------------------------------------------- */

typedef Value *Build(Graph *graph, Value *const *params);

enum { NETWORK_PARAMS_MOST = 400 };

/* H·direction by nodes: the gradient of Σ gradient·direction. */
static void vector_by_nodes(Value *root, Value *const *params, const double *direction, size_t n, double *out)
{
    static Value *grads[NETWORK_PARAMS_MOST], *weights[NETWORK_PARAMS_MOST];
    cr_assert(gradient_nodes(root, params, n, grads, NULL));
    for (size_t j = 0; j < n; j++) {
        weights[j] = v_const(value_graph(root), direction[j]);
        params[j]->grad = 0;
    }
    backward(v_dot(grads, weights, n));
    for (size_t j = 0; j < n; j++)
        out[j] = params[j]->grad;
}

static double largest(const double *x, size_t n)
{
    double most = 0;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, fabs(x[i]));
    return most;
}

/* Both ways along a random direction of length 1, and differences of the gradient along it. */
static void check_network(Build *build, size_t n, const char *name)
{
    static double direction[NETWORK_PARAMS_MOST], duals[NETWORK_PARAMS_MOST], nodes[NETWORK_PARAMS_MOST],
        differences[NETWORK_PARAMS_MOST], start[NETWORK_PARAMS_MOST];
    static Value *params[NETWORK_PARAMS_MOST];
    Graph *g = graph_new();
    Random random;
    random_seed(&random, 22);
    for (size_t j = 0; j < n; j++) {
        params[j] = v_param(g, start[j] = random_normal(&random) / 2);
        direction[j] = random_normal(&random) / sqrt((double)n);
        differences[j] = 0;
    }
    const Mark mark = graph_mark(g);
    Value *root = build(g, params);
    const size_t before = graph_node_count(g);
    cr_assert(hessian_vector(root, params, direction, n, duals, NULL));
    cr_expect_eq(graph_node_count(g), before, "%s: nodes were made", name);
    vector_by_nodes(root, params, direction, n, nodes);
    for (size_t i = 0; i < 4; i++) {
        graph_release(g, mark);
        for (size_t j = 0; j < n; j++) {
            params[j]->data = start[j] + stencil_at[i] * direction[j];
            params[j]->grad = 0;
        }
        backward(build(g, params));
        for (size_t j = 0; j < n; j++)
            differences[j] += stencil_weight[i] * params[j]->grad;
    }
    const double scale = largest(duals, n);
    cr_expect(scale > 0.01, "%s: H·direction is nearly 0: %g", name, scale);
    for (size_t j = 0; j < n; j++) {
        cr_expect(close_to(duals[j], nodes[j], 1e-13, scale), "%s: %zu: %.17g by duals, %.17g by nodes", name, j,
                  duals[j], nodes[j]);
        cr_expect(close_to(duals[j], differences[j], 1e-10, scale), "%s: %zu: %.17g, by differences %.17g", name, j,
                  duals[j], differences[j]);
    }
    graph_free(g);
}

/* tanh of `in` numbers times a matrix of the params, with bias, `out` neurons; the linear layer without tanh. */
static Value *const *layer(Value *const *params, Value **x, size_t in, Value **y, size_t out, bool bend)
{
    for (size_t i = 0; i < out; i++, params += in + 1) {
        y[i] = v_dot_bias(params, x, in, params[in]);
        if (bend)
            y[i] = v_tanh(y[i]);
    }
    return params;
}

static Value *mlp_loss(Graph *graph, Value *const *params)
{
    Value *x[2] = {v_input(graph, 0.3), v_input(graph, -1.2)}, *h[16], *h2[16], *logits[2];
    params = layer(params, x, 2, h, 16, true);
    params = layer(params, h, 16, h2, 16, true);
    layer(params, h2, 16, logits, 2, false);
    return v_sub(v_logsumexp(logits, 2), logits[1]);
}

Test(hessian, of_an_mlp_both_ways_agree) { check_network(mlp_loss, 16 * 3 + 16 * 17 + 2 * 17, "MLP"); }

enum { TOKENS = 4, WIDTH = 3 };

/* x, scaled to mean square 1. */
static void rms_norm(Value **x)
{
    Value *root = v_pow(v_add(v_mul(v_dot(x, x, WIDTH), 1.0 / WIDTH), 1e-5), -0.5);
    for (size_t i = 0; i < WIDTH; i++)
        x[i] = v_mul(x[i], root);
}

/* A transformer in small: an embedding per token, RMS norm, causal attention with one head, a relu² layer, and the
 * cross-entropy of the next token. */
static Value *attention_loss(Graph *graph, Value *const *params)
{
    Value *x[TOKENS][WIDTH], *q[TOKENS][WIDTH], *k[TOKENS][WIDTH], *v[WIDTH][TOKENS], *losses[TOKENS];
    Value *const *w = params + TOKENS * WIDTH;
    (void)graph;
    for (size_t t = 0; t < TOKENS; t++) {
        memcpy(x[t], params + t * WIDTH, sizeof x[t]);
        rms_norm(x[t]);
        for (size_t i = 0; i < WIDTH; i++) {
            q[t][i] = v_dot(w + i * WIDTH, x[t], WIDTH);
            k[t][i] = v_dot(w + (WIDTH + i) * WIDTH, x[t], WIDTH);
            v[i][t] = v_dot(w + (2 * WIDTH + i) * WIDTH, x[t], WIDTH);
        }
    }
    w += 3 * WIDTH * WIDTH;
    for (size_t t = 0; t < TOKENS; t++) {
        Value *score[TOKENS], *share[TOKENS], *mixed[WIDTH], *logits[TOKENS];
        for (size_t u = 0; u <= t; u++)
            score[u] = v_mul(v_dot(q[t], k[u], WIDTH), 1 / sqrt(WIDTH));
        Value *all = v_logsumexp(score, t + 1);
        for (size_t u = 0; u <= t; u++)
            share[u] = v_exp(v_sub(score[u], all));
        for (size_t i = 0; i < WIDTH; i++) {
            Value *r = v_relu(v_dot(share, v[i], t + 1));
            mixed[i] = v_add(x[t][i], v_mul(r, r));
        }
        for (size_t i = 0; i < TOKENS; i++)
            logits[i] = v_dot(w + i * WIDTH, mixed, WIDTH);
        losses[t] = v_sub(v_logsumexp(logits, TOKENS), logits[(t + 1) % TOKENS]);
    }
    return v_mul(v_sum(losses, TOKENS), 1.0 / TOKENS);
}

Test(hessian, of_attention_both_ways_agree)
{
    check_network(attention_loss, TOKENS * WIDTH + 3 * WIDTH * WIDTH + TOKENS * WIDTH, "attention");
}

/* ---- what the functions leave alone, and what they say ----------------------------------------------------------- */

Test(hessian, params_may_repeat_and_need_not_matter)
{
    Graph *g = graph_new();
    Value *x = v_param(g, 3), *y = v_mul(x, x), *late = v_param(g, 7), *grads[3];
    Value *params[3] = {x, late, x};
    double out[3];
    cr_assert(hessian_vector(y, params, (double[]){1, 100, 10}, 3, out, NULL));
    cr_expect(out[0] == 22 && out[1] == 0 && out[2] == 22, "got %g %g %g", out[0], out[1], out[2]);
    cr_assert(gradient_nodes(y, params, 3, grads, NULL));
    cr_expect(grads[0] == grads[2] && grads[0]->data == 6 && grads[1]->data == 0 && !grads[1]->needs_grad,
              "got %g %g %g", grads[0]->data, grads[1]->data, grads[2]->data);
    cr_assert(gradient_nodes(x, params, 1, grads, NULL));
    cr_expect(grads[0]->data == 1, "∂x/∂x = %g", grads[0]->data);
    graph_free(g);
}

Test(hessian, gradients_and_data_stay_as_they_were)
{
    Graph *g = graph_new();
    Value *p[2] = {v_param(g, -1.2), v_param(g, 1)}, *root = rosenbrock(p[0], p[1]), *grads[2];
    double h[4];
    backward(root);
    const double slopes[3] = {p[0]->grad, p[1]->grad, value_parent(root, 0)->grad}, value = root->data;
    const size_t nodes = graph_node_count(g);
    cr_assert(hessian(root, p, 2, h, NULL));
    cr_expect(graph_node_count(g) == nodes, "it made %zu nodes", graph_node_count(g) - nodes);
    cr_assert(gradient_nodes(root, p, 2, grads, NULL));
    cr_expect(p[0]->grad == slopes[0] && p[1]->grad == slopes[1] && value_parent(root, 0)->grad == slopes[2] &&
                  root->grad == 1 && root->data == value,
              "something changed");
    graph_free(g);
}

Test(hessian, the_gradient_s_nodes_are_named_and_few)
{
    Graph *g = graph_new();
    Value *w = v_param(g, -3), *x = v_input(g, 2), *b = v_param(g, 6.5);
    Value *s = v_add(v_mul(w, x), b), *y = v_tanh(s), *grads[2], *second;
    V_NAME(w), V_NAME(b), V_NAME(s), V_NAME(y);
    const size_t nodes = graph_node_count(g);
    cr_assert(gradient_nodes(y, (Value *[]){w, b}, 2, grads, NULL));
    cr_expect(strcmp(grads[0]->label, "∂y/∂w") == 0, "got \"%s\"", grads[0]->label);
    cr_expect(strcmp(grads[1]->label, "∂y/∂s") == 0, "∂y/∂b is ∂y/∂s, the same node: \"%s\"", grads[1]->label);
    /* The seed 1, the formula's 1, y·y, 1 − y·y, times x. */
    cr_expect_eq(graph_node_count(g) - nodes, 5, "%zu nodes for dy/dw = (1 - y*y)*x", graph_node_count(g) - nodes);
    cr_assert(gradient_nodes(grads[0], &w, 1, &second, NULL));
    cr_expect_str_eq(second->label, "∂(∂y/∂w)/∂w");
    cr_expect_str_eq(x->op == OP_INPUT && x->label == NULL ? "none" : x->label, "none");
    graph_free(g);
}

/* The terms of a sum share the sum's gradient: "∂y/∂b" would be wrong for a. And a constant is made once for both. */
Test(hessian, what_is_shared_or_constant_has_no_name_of_one)
{
    Graph *g = graph_new();
    Value *a = v_param(g, 0.5), *b = v_param(g, 0.25), *params[2] = {a, b}, *grads[2];
    Value *L = v_add(a, b), *y = v_tanh(v_add(a, b)), *z = v_sub(a, b);
    V_NAME(a), V_NAME(b), V_NAME(L), V_NAME(y), V_NAME(z);
    Value *const roots[] = {L, y, z};
    for (size_t i = 0; i < 3; i++) {
        cr_assert(gradient_nodes(roots[i], params, 2, grads, NULL));
        for (size_t j = 0; j < 2; j++)
            cr_expect(grads[j]->label == NULL, "∂%s/∂%s has the label \"%s\"", roots[i]->label, params[j]->label,
                      grads[j]->label);
    }
    cr_assert(gradient_nodes(v_label(v_mul(a, b), "p"), params, 2, grads, NULL));
    cr_expect(grads[0] == b && strcmp(b->label, "b") == 0, "∂p/∂a is b, now with the label \"%s\"", b->label);
    Value *twice = v_label(v_tanh(v_add(a, a)), "t");
    cr_assert(gradient_nodes(twice, params, 1, grads, NULL));
    cr_expect(grads[0]->label != NULL && strcmp(grads[0]->label, "∂t/∂a") == 0, "a sum is a's own: \"%s\"",
              grads[0]->label != NULL ? grads[0]->label : "");
    graph_free(g);
}

static bool try_nodes(Value *root, Value **params, Error *error)
{
    Value *grads[2];
    return gradient_nodes(root, params, 2, grads, error);
}
static bool try_vector(Value *root, Value **params, Error *error)
{
    double out[2];
    return hessian_vector(root, params, (double[]){1, 2}, 2, out, error);
}
static bool try_whole(Value *root, Value **params, Error *error)
{
    double out[4];
    return hessian(root, params, 2, out, error);
}

/* AddressSanitizer sees what is not freed. The last node fills its block, so that nodes need memory too. */
Test(hessian, no_memory_is_an_error_wherever_it_strikes)
{
    static bool (*const functions[])(Value *, Value **, Error *) = {try_nodes, try_vector, try_whole};
    static const int fewest[] = {5, 8, 17};
    for (size_t f = 0; f < 3; f++) {
        Graph *g = graph_new();
        Value *p[2] = {v_param(g, -1.2), v_param(g, 1)}, *root = rosenbrock(p[0], p[1]);
        const Mark mark = graph_mark(g); /* the next node opens a block */
        int failures = 0;
        bool done = false;
        for (; !done && failures < 40; failures += !done) {
            Error error = {""};
            memory_lasts((size_t)failures);
            done = functions[f](root, p, &error);
            memory_restore();
            cr_expect(!done || graph_ok(g), "function %zu, allocation %d: it says that all is well", f, failures);
            cr_expect(done || strstr(error.message, "no memory") != NULL, "function %zu, allocation %d: \"%s\"", f,
                      failures, error.message);
            graph_release(g, mark);
        }
        cr_expect(done && failures >= fewest[f], "function %zu: %d allocations failed before it succeeded", f,
                  failures);
        graph_free(g);
    }
}

Test(hessian, a_graph_that_there_was_no_memory_for_is_an_error)
{
    Graph *g = graph_new();
    Value *x = v_param(g, 1), *root = graph_fail(g), *grad = x;
    double out = 5;
    Error error = {""};
    cr_expect_not(gradient_nodes(root, &x, 1, &grad, &error), "a failed root was differentiated");
    cr_expect(strstr(error.message, "gradient_nodes: there was no memory") != NULL, "%s", error.message);
    cr_expect_not(hessian_vector(root, &x, &out, 1, &out, &error), "a failed root was differentiated");
    cr_expect(grad == x && out == 5, "the results were touched");
    graph_free(g);
}

Test(hessian, misuse_says_what_is_wrong)
{
    Graph *g = graph_new(), *other = graph_new();
    Value *x = v_label(v_param(g, 2), "x"), *y = v_mul(x, x), *in = v_input(g, 1), *far = v_param(other, 1),
          *none = NULL;
    Value *fixed = v_exp(in), *grad;
    double one = 1, out;
    MUST_BE_MISUSE(gradient_nodes(NULL, &x, 1, &grad, NULL), "gradient_nodes: root 0 is NULL");
    MUST_BE_MISUSE(gradient_nodes(y, NULL, 1, &grad, NULL), "gradient_nodes: there is no leaf");
    MUST_BE_MISUSE(gradient_nodes(y, &x, 0, &grad, NULL), "there is no leaf");
    MUST_BE_MISUSE(gradient_nodes(y, &none, 1, &grad, NULL), "leaf 0 is NULL");
    MUST_BE_MISUSE(gradient_nodes(y, &x, 1, NULL, NULL), "gradient_nodes: the result is NULL. Give an array for it");
    MUST_BE_MISUSE(gradient_nodes(y, &in, 1, &grad, NULL), "gradient_nodes: leaf 0", "input", "v_param");
    MUST_BE_MISUSE(gradient_nodes(y, &y, 1, &grad, NULL), "was computed");
    MUST_BE_MISUSE(gradient_nodes(y, &far, 1, &grad, NULL), "belongs to another graph");
    MUST_BE_MISUSE(gradient_nodes(fixed, &x, 1, &grad, NULL), "gradient_nodes: the root", "depends on no param");
    MUST_BE_MISUSE(hessian_vector(NULL, &x, &one, 1, &out, NULL), "hessian_vector: root 0 is NULL");
    MUST_BE_MISUSE(hessian_vector(y, &x, NULL, 1, &out, NULL), "hessian_vector: direction is NULL");
    MUST_BE_MISUSE(hessian_vector(y, &x, &one, 1, NULL, NULL), "hessian_vector: the result is NULL");
    MUST_BE_MISUSE(hessian_vector(y, &in, &one, 1, &out, NULL), "hessian_vector: leaf 0", "v_param");
    MUST_BE_MISUSE(hessian_vector(fixed, &x, &one, 1, &out, NULL), "depends on no param");
    MUST_BE_MISUSE(hessian(y, &far, 1, &out, NULL), "hessian: leaf 0", "another graph");
    MUST_BE_MISUSE(hessian(y, &x, 1, NULL, NULL), "hessian: the result is NULL. Give an array for it");
    const Mark mark = graph_mark(g);
    Value *gone = v_mul(x, x);
    graph_release(g, mark);
    MUST_BE_MISUSE(hessian(gone, &x, 1, &out, NULL), "hessian: root 0 was released");
    graph_free(g);
    graph_free(other);
}

/* ---- threads ----------------------------------------------------------------------------------------------------- */

typedef struct Evaluation {
    Value *root;
    Value *const *params;
    double direction[2];
    long different; /* results that were not the first one */
    double first[2];
} Evaluation;

static void *evaluate_often(void *argument)
{
    Evaluation *work = argument;
    double out[2];
    hessian_vector(work->root, work->params, work->direction, 2, work->first, NULL);
    for (int i = 0; i < 2000; i++)
        work->different += !hessian_vector(work->root, work->params, work->direction, 2, out, NULL) ||
                           out[0] != work->first[0] || out[1] != work->first[1];
    return NULL;
}

Test(hessian, threads_may_share_a_graph)
{
    Graph *g = graph_new();
    Value *p[2] = {v_param(g, -1.2), v_param(g, 1)}, *root = v_log(v_add(v_softplus(rosenbrock(p[0], p[1])), 1));
    Evaluation work[2];
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        work[i] = (Evaluation){root, p, {i, 1 - i}, 0, {0}};
        cr_assert_eq(pthread_create(&threads[i], NULL, evaluate_often, &work[i]), 0, "no thread %d", i);
    }
    for (int i = 0; i < 2; i++) {
        double alone[2];
        pthread_join(threads[i], NULL);
        cr_assert(hessian_vector(root, p, work[i].direction, 2, alone, NULL));
        cr_expect(work[i].different == 0 && work[i].first[0] == alone[0] && work[i].first[1] == alone[1],
                  "thread %d: %ld results differ", i, work[i].different);
    }
    cr_expect(work[0].first[0] != work[1].first[0], "both did the same work");
    graph_free(g);
}

/* ---- formulas ---------------------------------------------------------------------------------------------------- */

static void check_formula(const char *name, const char *text, LocalDerivative *compiled)
{
    Formula formula;
    const char *fault = formula_read(&formula, text);
    cr_assert_null(fault, "%s: \"%s\" cannot be read from \"%s\" on", name, text, fault);
    size_t wrong = 0;
    for (size_t k = 0; k < POINTS * POINTS * POINTS; k++) {
        const double a = points[k % POINTS], b = points[k / POINTS % POINTS], y = points[k / POINTS / POINTS];
        const double got = formula_dual(&formula, dual_constant(a), dual_constant(b), dual_constant(y)).value;
        if (!close_to(got, compiled(a, b, y), 0, 0) && wrong++ == 0)
            cr_expect(false, "%s: \"%s\" at a = %g, b = %g, y = %g: %.17g, in C %.17g", name, text, a, b, y, got,
                      compiled(a, b, y));
        if (k % 19 != 0) /* POINTS is no multiple of it: these are points of all kinds, and quicker */
            continue;
        Graph *g = graph_new();
        const Value *node = formula_nodes(&formula, v_param(g, a), v_param(g, b), v_param(g, y), HERE);
        if (!close_to(node->data, got, 0, 0) && wrong++ == 0)
            cr_expect(false, "%s: \"%s\" at a = %g, b = %g, y = %g: %.17g, with nodes %.17g", name, text, a, b, y, got,
                      node->data);
        graph_free(g);
    }
    cr_expect_eq(wrong, 0, "%s: wrong at %zu points", name, wrong);
}

Test(hessian, every_formula_of_the_table_is_read_as_c_reads_it)
{
    for (OpCode op = OP_CONST + 1; op < OP_COUNT; op++) {
        check_formula(op_table[op].name, op_table[op].da_text, op_table[op].da_formula);
        check_formula(op_table[op].name, op_table[op].db_text, op_table[op].db_formula);
    }
}

#define AS_C(name, tokens)                                                                                             \
    static double name(double a, double b, double y) { return (void)a, (void)b, (void)y, tokens; }                     \
    static const char name##_text[] = #tokens;
AS_C(precedence, a - b - y * 2 / a / b + 1)
AS_C(signs, -a * -b - -y + - -a)
AS_C(nested, (a - (b - (y - (a * b)))))
AS_C(choice, a > b ? b > y ? 1 : 2 : a <= y ? 3 : a == b ? 4 : 5)
AS_C(comparisons, (a < b) + 2 * (a >= b) + 4 * (a != y) + 8 * (a + 1 > b * 2) + 16 * (a <= b) + 32 * (y > a))
AS_C(numbers, .5 + 1.25e2 * a + 1e-3 - 2.E+1)
AS_C(calls, fmax(a, fmin(b, y)) + fabs(a) + pow(fabs(a) + 1, 2) - sqrt(exp(-fabs(y))))

Test(hessian, formulas_are_read_as_c_reads_them)
{
    check_formula("precedence", precedence_text, precedence);
    check_formula("signs", signs_text, signs);
    check_formula("nested", nested_text, nested);
    check_formula("choice", choice_text, choice);
    check_formula("comparisons", comparisons_text, comparisons);
    check_formula("numbers", numbers_text, numbers);
    check_formula("calls", calls_text, calls);
}

/* So do formulas of list ops that have no b: logsumexp_da in ops.h. */
Test(hessian, where_there_is_no_b_it_is_the_number_of_operands)
{
    Graph *g = graph_new();
    Value *x[3] = {v_param(g, 1), v_param(g, 2), v_param(g, 4)};
    Formula formula;
    cr_assert_null(formula_read(&formula, "a / b"));
    cr_expect_eq(formula_nodes(&formula, x[2], NULL, v_sum(x, 3), HERE)->data, 4.0 / 3);
    graph_free(g);
}

Test(hessian, a_formula_knows_whether_a_nudge_can_change_it_and_whether_it_compares)
{
    static const struct {
        const char *text;
        bool is_constant, compares;
    } rows[] = {{"2 * -3", true, false},        {"a", false, false},
                {"2 * a", false, false},        {"a * 2", false, false},
                {"-y", false, false},           {"a > b", true, true},
                {"a > b ? 1 : -2", true, true}, {"a > b ? y : 1", false, true},
                {"a > b ? 1 : y", false, true}, {"1 ? a : 2", false, true},
                {"(a > b) * y", false, true}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        Formula formula;
        cr_assert_null(formula_read(&formula, rows[i].text));
        cr_expect(formula.is_constant == rows[i].is_constant && formula.compares == rows[i].compares,
                  "\"%s\": constant %d, compares %d", rows[i].text, formula.is_constant, formula.compares);
    }
}

Test(hessian, what_cannot_be_read_is_found)
{
    static const struct {
        const char *text;
        size_t fault; /* SIZE_MAX: there is none */
    } rows[] = {{"softsign_da(a, 0, y)", 0},
                {"gabs(a)", 0},
                {"1 - c", 4},
                {"", 0},
                {"a +", 3},
                {"(a", 2},
                {"a b", 2},
                {"sin(a", 5},
                {"sin a", 0},
                {"a ? b", 5},
                {"sum(a)", 0},
                {"sin(a, b)", 0},
                {"max(a)", 0},
                {"max(a, b, y)", 8},
                {"1.2.3", 0},
                {"1e", 0},
                {"a == ", 5},
                {"a && b", 2},
                {"2 * floor(a)", 4},
                {"ab", 0},
                {"1 / 2 * a", 2},
                {"a * (3 - 2 * -1) / 2", SIZE_MAX},
                {"a + (3 - 2 * -1) / (a > b)", 17},
                {"(a > b ? 1 : 2) / 2", 16},
                {"(a > b ? 2.0 : 1) / 2", SIZE_MAX},
                {"(a > b ? 1 : 2.0) / 2 + fabs(1) / 2 + 1. / 2 + 1e0 / 2 + 1 / a", SIZE_MAX},
                {"a)", 1},
                {"%", 0}};
    Formula formula;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const char *fault = formula_read(&formula, rows[i].text);
        const char *want = rows[i].fault == SIZE_MAX ? NULL : rows[i].text + rows[i].fault;
        cr_expect(fault == want, "\"%s\": fault at \"%s\", want \"%s\"", rows[i].text, fault != NULL ? fault : "(none)",
                  want != NULL ? want : "(none)");
    }
    char text[4 * FORMULA_STEPS_MOST + 8] = "a"; /* each "+ a" is two steps */
    for (int i = 0; i < FORMULA_STEPS_MOST / 2 - 1; i++)
        strcat(text, " + a");
    cr_expect_null(formula_read(&formula, text), "%d steps are too many", formula.count);
    cr_expect_eq(formula.count, FORMULA_STEPS_MOST - 1);
    strcat(text, " + a");
    cr_expect_not_null(formula_read(&formula, text), "%d steps fit", formula.count);
}

/* ---- ops of one's own ---------------------------------------------------------------------------------------------
 */

/* A helper with a name that formulas use; softsign with a formula of C's fabs, elu with a choice, a mean of squares,
 * where b is n; and one whose formula calls a function. */
static const char own_ops[] =
    "static inline double sigmoid(double x) { return 1 / (1 + exp(-x)); }\n"
    "static inline double swish_forward(double a, double b) { return a * sigmoid(a); }\n"
    "static inline double swish_da(double a, double b, double y) { return sigmoid(a) * (1 + a - y); }\n"
    "static inline double softsign_forward(double a, double b) { return a / (1 + fabs(a)); }\n"
    "static inline double softsign_da(double a, double b, double y) { return 1 / (1 + fabs(a)) / (1 + fabs(a)); }\n"
    "static inline double elu_forward(double a, double b) { return a > 0 ? a : expm1(a); }\n"
    "static inline double elu_da(double a, double b, double y) { return a > 0 ? 1 : exp(a); }\n"
    "static inline double cube_forward(double a, double b) { return a * a * a; }\n"
    "static inline double cube_da(double a, double b, double y) { return 3 * a * a; }\n"
    "static inline double squares_forward(size_t n, const double *a, const double *b, size_t stride)\n"
    "{\n"
    "    return dot_forward(n, a, a, stride) / n;\n"
    "}\n"
    "static inline double squares_da(double a, double n, double y) { return 2 * a / n; }\n"
    "#define STEPGRAD_OWN_OPS(X) \\\n"
    "    X(SOFTSIGN, softsign, UNARY, SMOOTH, \"softsign(a)\", 1 / (1 + fabs(a)) / (1 + fabs(a)), 0, \"why\") \\\n"
    "    X(ELU, elu, UNARY, SMOOTH, \"elu(a)\", a > 0 ? 1 : y + 1, 0, \"why\") \\\n"
    "    X(SQUARES, squares, LIST, SMOOTH, \"squares(a)\", 2 * a / b, 0, \"why\") \\\n"
    "    X(SWISH, swish, UNARY, SMOOTH, \"swish(a)\", sigmoid(a) * (1 + a - y), 0, \"why\") \\\n"
    "    X(CUBE, cube, UNARY, SMOOTH, \"cube(a)\", cube_da(a, 0, y), 0, \"why\")\n";

static const char own_program[] =
    "#include \"stepgrad.h\"\n"
    "static void show(Graph *g, OpCode op, double a)\n"
    "{\n"
    "    Error error = {\"\"};\n"
    "    Value *x = v_param(g, a), *twice[2] = {x, x}, *slope = NULL;\n"
    "    Value *y = op == OP_SQUARES ? value_list(op, twice, 2, HERE) : value_unary(op, x, HERE);\n"
    "    double one = 1, out = 0;\n"
    "    bool duals = hessian_vector(y, &x, &one, 1, &out, &error), nodes = gradient_nodes(y, &x, 1, &slope, NULL);\n"
    "    if (nodes && slope->needs_grad)\n"
    "        backward(slope);\n"
    "    if (duals && nodes)\n"
    "        printf(\"%s %.9f %.9f\\n\", op_table[op].name, out, x->grad);\n"
    "    else\n"
    "        printf(\"%d %d %s\\n\", duals, nodes, error.message);\n"
    "}\n"
    "int main(void)\n"
    "{\n"
    "    Graph *g = graph_new();\n"
    "    show(g, OP_SOFTSIGN, 1);\n"
    "    show(g, OP_SOFTSIGN, -1);\n"
    "    show(g, OP_ELU, 2);\n"
    "    show(g, OP_ELU, -2);\n"
    "    show(g, OP_SQUARES, 3);\n"
    "    show(g, OP_SWISH, 0);\n"
    "    show(g, OP_CUBE, 2);\n"
    "    graph_free(g);\n"
    "}\n";

static void write_file(const char *folder, const char *name, const char *text)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file, "cannot write %s", path);
    fputs(text, file);
    fclose(file);
}

Test(hessian, formulas_of_one_s_own_are_differentiated_or_named, .timeout = 1800)
{
    only_where_long();
    char folder[] = "/tmp/stepgrad_hessian_XXXXXX", command[1024], said[4096] = "";
    cr_assert_not_null(mkdtemp(folder));
    write_file(folder, "own.h", own_ops);
    write_file(folder, "own.c", own_program);
    snprintf(command, sizeof command,
             "cd engine && ${CC:-cc} -std=c11 -w -I. -I%s -DSTEPGRAD_OWN_OPS_FILE='\"own.h\"' -o %s/own %s/own.c "
             "hessian.c hessian_formula.c jacobian.c backward.c graph.c value.c label.c ops.c order.c memory.c error.c "
             "number.c "
             "dual.c utf8.c -lm 2>&1 && %s/own; rm -r %s",
             folder, folder, folder, folder, folder);
    FILE *in = popen(command, "r");
    cr_assert_not_null(in);
    said[fread(said, 1, sizeof said - 1, in)] = '\0';
    pclose(in);
    static const char want[] = "softsign -0.250000000 -0.250000000\nsoftsign 0.250000000 0.250000000\n"
                               "elu 0.000000000 0.000000000\nelu 0.135335283 0.135335283\n"
                               "squares 2.000000000 2.000000000\nswish 0.500000000 0.500000000\n0 0 ";
    cr_expect(strncmp(said, want, strlen(want)) == 0, "it says:\n%s", said);
    cr_expect(strstr(said, "own.c:8: hessian_vector: a formula of the op cube, \"cube_da(a, 0, y)\", cannot be "
                           "differentiated, from \"cube_da(a, 0, y)\" on.") != NULL,
              "it says:\n%s", said);
}
