/* Dual numbers: every op forward, against reverse mode and against differences. */
#include <criterion/criterion.h>
#include <math.h>

#include "backward.h"
#include "caught.h"
#include "dual.h"
#include "graph.h"
#include "jacobian.h"
#include "no_memory.h"

static const OpCode FIRST_OP = (OpCode)(OP_CONST + 1);
enum { MOST = 8 }; /* elements of a list */

static bool takes_b(OpCode op) { return op_table[op].shape == SHAPE_BINARY || op_table[op].shape == SHAPE_PAIRS; }
static bool takes_list(OpCode op) { return op_table[op].shape == SHAPE_LIST || op_table[op].shape == SHAPE_PAIRS; }

/* ---- any op, by its code, on numbers, on Duals and on nodes ------------------------------------------------------ */

/* Operands and the direction in which they move. */
typedef struct Point {
    size_t n;
    double a[MOST], b[MOST];
    double a_speed[MOST], b_speed[MOST];
} Point;

/* The op's value after the operands have moved for a time t. */
static double value_after(OpCode op, const Point *point, double t)
{
    double a[MOST], b[MOST];
    for (size_t i = 0; i < point->n; i++) {
        a[i] = point->a[i] + t * point->a_speed[i];
        b[i] = point->b[i] + t * point->b_speed[i];
    }
    return takes_list(op) ? op_table[op].list_forward(point->n, a, b, 1) : op_table[op].forward(a[0], b[0]);
}

/* 5 points, h = 1e-4: off by 1e-16·f⁽⁵⁾/30 plus rounding of 2⁻⁵²·|f|/1e-4 = 2e-12·|f|. */
static double slope_by_differences(OpCode op, const Point *point)
{
    const double h = 1e-4;
    return (value_after(op, point, -2 * h) - 8 * value_after(op, point, -h) + 8 * value_after(op, point, h) -
            value_after(op, point, 2 * h)) /
           (12 * h);
}

static Dual by_dual_numbers(OpCode op, const Point *point)
{
    Dual a[MOST], b[MOST];
    for (size_t i = 0; i < point->n; i++) {
        a[i] = (Dual){point->a[i], point->a_speed[i]};
        b[i] = (Dual){point->b[i], point->b_speed[i]};
    }
    switch (op_table[op].shape) {
    case SHAPE_UNARY: return dual_unary(op, a[0]);
    case SHAPE_BINARY: return dual_binary(op, a[0], b[0]);
    case SHAPE_LIST: return dual_list(op, a, point->n, HERE);
    default: return dual_pairs(op, a, b, point->n, HERE);
    }
}

static Value *node_of(OpCode op, Value **a, Value **b, size_t n)
{
    switch (op_table[op].shape) {
    case SHAPE_UNARY: return value_unary(op, a[0], HERE);
    case SHAPE_BINARY: return value_binary(op, a[0], b[0], HERE);
    case SHAPE_LIST: return value_list(op, a, n, HERE);
    default: return value_pairs(op, a, b, n, NULL, HERE);
    }
}

/* The slope along the direction by a forward pass over a graph, and by a reverse walk: Σ grad · speed. */
static void slopes_by_graph(OpCode op, const Point *point, double *forward, double *reverse)
{
    Graph *g = graph_new();
    Value *leaves[2 * MOST];
    double speeds[2 * MOST];
    for (size_t i = 0; i < point->n; i++) {
        leaves[i] = v_param(g, point->a[i]);
        speeds[i] = point->a_speed[i];
    }
    for (size_t i = 0; i < point->n; i++) {
        leaves[point->n + i] = v_param(g, point->b[i]);
        speeds[point->n + i] = point->b_speed[i];
    }
    const size_t count = takes_b(op) ? 2 * point->n : point->n;
    Value *y = node_of(op, leaves, leaves + point->n, point->n);
    Error error;
    size_t nodes;
    Tangent *tangents = forward_tangents(y, leaves, speeds, count, &nodes, &error);
    cr_assert(tangents != NULL, "%s", error.message);
    *forward = tangents[nodes - 1].tangent;
    memory_free(tangents);
    backward(y);
    *reverse = 0;
    for (size_t i = 0; i < count; i++)
        *reverse += leaves[i]->grad == 0 ? 0 : leaves[i]->grad * speeds[i];
    graph_free(g);
}

/* ---- every op ---------------------------------------------------------------------------------------------------- */

/* A tolerance of 1e-8: the differences are off by at most 1e-16·f⁽⁵⁾/30 + 2e-12·|f|, and at these points (no closer
 * than 0.3 to a pole, values up to 2e4) f⁽⁵⁾ stays below 1e5·max(1, |f|). */
static bool is_close(double got, double want, double f)
{
    return fabs(got - want) <= 1e-8 * fmax(1, fmax(fabs(f), fabs(want)));
}

/* All four ways at one point; true when the slope is not 0. */
static bool compare_at(OpCode op, const Point *point)
{
    const double f = value_after(op, point, 0);
    const Dual dual = by_dual_numbers(op, point);
    const double want = slope_by_differences(op, point);
    double forward, reverse;
    slopes_by_graph(op, point, &forward, &reverse);
    const char *name = op_table[op].name;
    cr_expect(dual.value == f, "%s at a = %g, b = %g, n = %zu: the dual number's value is %.17g, want %.17g", name,
              point->a[0], point->b[0], point->n, dual.value, f);
    cr_expect(is_close(dual.tangent, want, f), "%s at a = %g, b = %g, n = %zu: dual number got %.12g, want %.12g", name,
              point->a[0], point->b[0], point->n, dual.tangent, want);
    cr_expect(is_close(forward, want, f), "%s at a = %g, b = %g, n = %zu: forward pass got %.12g, want %.12g", name,
              point->a[0], point->b[0], point->n, forward, want);
    cr_expect(is_close(reverse, want, f), "%s at a = %g, b = %g, n = %zu: reverse walk got %.12g, want %.12g", name,
              point->a[0], point->b[0], point->n, reverse, want);
    return want != 0;
}

/* Inside the op's domain as far as the differences reach. The points are away from 0, where the kinks are. */
static bool is_regular(OpCode op, const Point *point)
{
    const bool tie = (op == OP_MAX || op == OP_MIN) && point->a[0] == point->b[0];
    return !tie && isfinite(value_after(op, point, -2e-4)) && isfinite(value_after(op, point, 2e-4));
}

Test(dual, every_op_agrees_with_reverse_mode_and_with_differences)
{
    static const double numbers[] = {-4, -1.5, -0.8, -0.3, 0.3, 0.8, 1.5, 4};
    enum { COUNT = sizeof numbers / sizeof numbers[0] };
    for (OpCode op = FIRST_OP; op < OP_COUNT; op++) {
        int checked = 0, nonzero = 0;
        for (size_t i = 0; i < COUNT * COUNT && !takes_list(op); i++) {
            const Point point = {
                .n = 1, .a = {numbers[i / COUNT]}, .b = {numbers[i % COUNT]}, .a_speed = {1}, .b_speed = {-0.6}};
            if (!is_regular(op, &point))
                continue;
            nonzero += compare_at(op, &point);
            checked++;
        }
        for (size_t n = 1; n <= MOST && takes_list(op); n++) {
            Point point = {.n = n};
            for (size_t i = 0; i < n; i++) {
                point.a[i] = numbers[(3 * i + n) % COUNT];
                point.b[i] = numbers[(5 * i + 2 * n) % COUNT];
                point.a_speed[i] = 1 - 0.3 * (double)i;
                point.b_speed[i] = 0.2 + 0.1 * (double)i;
            }
            nonzero += compare_at(op, &point);
            checked++;
        }
        cr_expect(checked >= COUNT && nonzero >= checked / 3, "%s: %d points checked, %d with a slope: too few",
                  op_table[op].name, checked, nonzero);
    }
}

Test(dual, a_builder_gives_the_value_and_the_derivative_of_an_expression)
{
    const Dual x = dual_variable(3);
    const Dual y = d_mul(x, d_add(x, 1));
    cr_assert_eq(y.value, 12, "x(x + 1) at 3: got %g, want 12", y.value);
    cr_assert_eq(y.tangent, 7, "2x + 1 at 3: got %g, want 7", y.tangent);
}

Test(dual, plain_numbers_mix_in_on_either_side_and_have_no_tangent)
{
    const Dual x = dual_variable(4);
    const int whole = 2;
    cr_assert_eq(d_sub(10, x).tangent, -1, "10 - x: got %g, want -1", d_sub(10, x).tangent);
    cr_assert_eq(d_div(x, 2.0f).tangent, 0.5, "x/2: got %g, want 0.5", d_div(x, 2.0f).tangent);
    cr_assert_eq(d_pow(x, whole).tangent, 8, "x^2 at 4: got %g, want 8", d_pow(x, whole).tangent);
    const Dual six = d_mul(whole, 3);
    cr_assert(six.value == 6 && six.tangent == 0, "2·3: got %g with tangent %g, want 6 and 0", six.value, six.tangent);
}

Test(dual, lists_take_neighbours_and_a_bias)
{
    const Dual w[3] = {{1, 0}, {2, 1}, {3, 0}};
    const Dual x[3] = {{4, 0}, {5, 0}, {6, 10}};
    const Dual neuron = d_dot_bias(w, x, 3, 0.5);
    cr_assert_eq(neuron.value, 32.5, "w·x + 0.5: got %g, want 32.5", neuron.value);
    cr_assert_eq(neuron.tangent, 35, "5·1 + 3·10: got %g, want 35", neuron.tangent);
    cr_assert_eq(d_sum(x, 3).tangent, 10, "sum: got %g, want 10", d_sum(x, 3).tangent);
    /* e⁰ and e⁰: half each; halves are exact, log 2 and exp of it round once each */
    const Dual zeros[2] = {{0, 1}, {0, 0}};
    cr_assert_float_eq(d_logsumexp(zeros, 2).tangent, 0.5, 2 * DBL_EPSILON, "got %.17g, want 0.5",
                       d_logsumexp(zeros, 2).tangent);
}

Test(dual, a_tangent_of_zero_contributes_nothing_to_an_infinite_slope)
{
    const Dual still = d_sqrt(dual_constant(0)); /* the local derivative is infinite */
    cr_assert_eq(still.tangent, 0, "sqrt of the constant 0: got tangent %g, want 0", still.tangent);
    const Dual moving = d_sqrt(dual_variable(0));
    cr_assert_eq(moving.tangent, INFINITY, "sqrt'(0): got %g, want inf", moving.tangent);
}

Test(dual, a_local_derivative_of_zero_contributes_nothing_of_an_infinite_tangent)
{
    const Dual y = d_mul(0, d_sqrt(dual_variable(0)));
    cr_assert_eq(y.tangent, 0, "0·sqrt(x) at 0: got %g, want 0", y.tangent);
    const Dual z = d_relu(d_sub(d_sqrt(dual_variable(0)), 1));
    cr_assert_eq(z.tangent, 0, "relu(sqrt(x) - 1) at 0: got %g, want 0", z.tangent);
}

Test(dual, nested_duals_of_the_same_variable_obey_the_product_rule)
{
    /* d/dx sin²x + cos²x = 0, and each op is off by an ulp or so of numbers up to 1: 16 of them */
    for (double t = -3; t <= 3; t += 0.5) {
        const Dual x = dual_variable(t);
        const Dual one = d_add(d_mul(d_sin(x), d_sin(x)), d_pow(d_cos(x), 2));
        cr_assert_float_eq(one.value, 1, 16 * DBL_EPSILON, "at %g: got %.17g, want 1", t, one.value);
        cr_assert_float_eq(one.tangent, 0, 16 * DBL_EPSILON, "at %g: got %.17g, want 0", t, one.tangent);
    }
}

Test(dual, no_memory_is_needed)
{
    const Dual x[2] = {{1, 1}, {2, 0}};
    memory_lasts(0);
    const Dual y = d_dot(x, x, 2);
    memory_restore();
    cr_assert(y.value == 5 && y.tangent == 2, "x·x: got %g with tangent %g, want 5 and 2", y.value, y.tangent);
}

Test(dual, a_list_that_is_empty_or_null_is_named)
{
    const Dual x[1] = {{1, 1}}, *none = NULL;
    MUST_BE_MISUSE(d_sum(x, 0), "d_sum: the list a is empty (n = 0)");
    MUST_BE_MISUSE(d_logsumexp(none, 2), "d_logsumexp: the list a is NULL (n = 2)");
    MUST_BE_MISUSE(d_dot(none, x, 1), "d_dot: the list a is NULL");
    MUST_BE_MISUSE(d_dot(x, none, 1), "d_dot: the list b is NULL");
}
