/* The gradient check at all scales: no right gradient is called wrong, and no wrong one passes. */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <string.h>

#include "backward.h"
#include "caught.h"
#include "gradcheck.h"
#include "graph.h"
#include "loss.h"
#include "random_graphs.h"

/* ---- 40 kinds of functions, of x near s, for s from 1e-12 to 1e12 ------------------------------------------------ */

/* x is a param of data about s; c is an input of data about 1. u = x/s is about 1. */
typedef Value *Kind(Graph *g, Value *x, double s);

static Value *unit(Value *x, double s) { return v_div(x, s); }

static Value *deep(Graph *g, Value *x, double s)
{
    Value *y = unit(x, s);
    for (int i = 0; i < 40; i++)
        y = v_sigmoid(v_sub(v_mul(y, 0.5), v_input(g, 1)));
    return y;
}

static Value *added_often(Graph *g, Value *x, double s)
{
    (void)g, (void)s;
    Value *y = x;
    for (int i = 1; i < 10000; i++)
        y = v_add(y, x);
    return y;
}

static Value *variance(Graph *g, Value *x, double s)
{
    Value *list[] = {x, v_input(g, 1.5 * s), v_input(g, -s)};
    Value *mean = v_div(v_sum(list, 3), 3), *square = v_div(v_dot(list, list, 3), 3);
    return v_sub(square, v_mul(mean, mean));
}

static Value *cross_entropy_of(Graph *g, Value *x, double s)
{
    Value *z[] = {x, v_input(g, x->data + 0.3), v_input(g, x->data - 1)};
    (void)s;
    return cross_entropy(z, 3, 1);
}

static Value *long_sum(Graph *g, Value *x, double s)
{
    Value *list[300];
    for (size_t i = 0; i < 300; i++)
        list[i] = i % 3 == 0 ? x : v_input(g, s * (double)i);
    return v_sum(list, 300);
}

static Value *long_dot(Graph *g, Value *x, double s)
{
    Value *a[300], *b[300];
    for (size_t i = 0; i < 300; i++)
        a[i] = i % 7 == 0 ? x : v_input(g, s), b[i] = i % 5 == 0 ? x : v_input(g, 0.01 * (double)i);
    return v_dot_bias(a, b, 300, x);
}

static Value *long_logsumexp(Graph *g, Value *x, double s)
{
    Value *list[300];
    for (size_t i = 0; i < 300; i++)
        list[i] = i % 50 == 0 ? unit(x, s) : v_input(g, -0.1 * (double)i);
    return v_logsumexp(list, 300);
}

#define KIND(name, expression)                                                                                         \
    static Value *name(Graph *g, Value *x, double s)                                                                   \
    {                                                                                                                  \
        (void)g, (void)s;                                                                                              \
        return expression;                                                                                             \
    }
KIND(itself, v_add(x, 0.0))
KIND(square, v_mul(x, x))
KIND(cube, v_pow(x, 3))
KIND(root_of, v_sqrt(x))
KIND(log_of, v_log(x))
KIND(x_log_x, v_mul(x, v_log(x)))
KIND(reciprocal, v_div(1, x))
KIND(sine, v_sin(x))
KIND(cosine, v_cos(v_add(unit(x, s), 1)))
KIND(tiny_sine, v_mul(v_sin(unit(x, s)), 1e-12))
KIND(huge_sine, v_mul(v_sin(unit(x, s)), 1e12))
KIND(exponential, v_exp(unit(x, s)))
KIND(gauss, v_exp(v_neg(v_mul(unit(x, s), unit(x, s)))))
KIND(tanh_of, v_tanh(unit(x, s)))
KIND(saturated_tanh, v_tanh(v_mul(unit(x, s), 25)))
KIND(sigmoid_of, v_sigmoid(v_neg(unit(x, s))))
KIND(saturated_sigmoid, v_sigmoid(v_mul(unit(x, s), 50)))
KIND(softplus_of, v_div(v_softplus(v_mul(unit(x, s), 0.1)), unit(v_const(g, 1), s)))
KIND(gelu_of, v_gelu(v_sub(unit(x, s), 2.5)))
KIND(tail_of_gelu, v_gelu(v_mul(unit(x, s), -20)))
KIND(relu_of, v_mul(v_relu(x), unit(x, s)))
KIND(leaky_relu_of, v_leaky_relu(v_neg(x)))
KIND(abs_of, v_abs(v_sub(x, 3 * s)))
KIND(max_of, v_max(x, v_mul(x, 2)))
KIND(min_of, v_min(x, 1.5 * s))
KIND(max_of_itself, v_max(x, x))
KIND(power_of_two, v_pow(2, unit(x, s)))
KIND(large_power, v_pow(unit(x, s), 200))
KIND(small_power, v_pow(x, 0.1))
KIND(beside_a_million, v_sin(v_sub(v_add(unit(x, s), 1e6), 1e6)))
KIND(beside_1e12, v_sub(v_add(unit(x, s), 1e12), 1e12))
KIND(difference, v_sub(v_mul(x, 3), v_mul(x, 2)))
KIND(quotient, v_div(v_add(x, s), v_add(v_mul(x, x), s *s)))
KIND(log_of_exp, v_log(v_exp(unit(x, s))))

static const struct {
    const char *name;
    Kind *build;
} kinds[] = {
#define ROW(name)                                                                                                      \
    {                                                                                                                  \
#name, name                                                                                                    \
    }
    ROW(itself),
    ROW(square),
    ROW(cube),
    ROW(root_of),
    ROW(log_of),
    ROW(x_log_x),
    ROW(reciprocal),
    ROW(sine),
    ROW(cosine),
    ROW(tiny_sine),
    ROW(huge_sine),
    ROW(exponential),
    ROW(gauss),
    ROW(tanh_of),
    ROW(saturated_tanh),
    ROW(sigmoid_of),
    ROW(saturated_sigmoid),
    ROW(softplus_of),
    ROW(gelu_of),
    ROW(tail_of_gelu),
    ROW(relu_of),
    ROW(leaky_relu_of),
    ROW(abs_of),
    ROW(max_of),
    ROW(min_of),
    ROW(max_of_itself),
    ROW(power_of_two),
    ROW(large_power),
    ROW(small_power),
    ROW(beside_a_million),
    ROW(beside_1e12),
    ROW(difference),
    ROW(quotient),
    ROW(log_of_exp),
    ROW(deep),
    ROW(added_often),
    ROW(variance),
    ROW(cross_entropy_of),
    ROW(long_sum),
    ROW(long_dot),
    ROW(long_logsumexp),
};

static const double scales[] = {1e-12, 1e-6, 1e-3, 1, 1e3, 1e6, 1e12};

enum { KINDS = sizeof kinds / sizeof kinds[0], SCALES = sizeof scales / sizeof scales[0] };

/* Run `each` on every kind at every scale, with the gradient of x from a reverse walk; returns how many there were. */
static size_t at_all_scales(void (*each)(const char *name, double s, Value *root, Value *x))
{
    size_t count = 0;
    for (size_t k = 0; k < KINDS; k++)
        for (size_t i = 0; i < SCALES; i++) {
            Graph *g = graph_new();
            Value *x = v_label(v_param(g, 0.7 * scales[i]), "x");
            Value *root = kinds[k].build(g, x, scales[i]);
            backward(root);
            each(kinds[k].name, scales[i], root, x);
            count++;
            graph_free(g);
        }
    return count;
}

static void must_pass(const char *name, double s, Value *root, Value *x)
{
    GradCheck report;
    Error error = {""};
    cr_expect(gradcheck(root, &report, &error) && report.right == 1, "%s at %g: %s", name, s, error.message);
    cr_expect(gradcheck_stored(root, 0, &report, &error), "%s at %g, stored: %s", name, s, error.message);
    cr_expect(x->grad != 0, "%s at %g: the gradient is 0, so it can be no test", name, s);
}

Test(gradcheck_scales, no_right_gradient_is_called_wrong)
{
    const size_t count = at_all_scales(must_pass);
    cr_assert(KINDS >= 40 && count >= 200, "%d kinds, %zu gradients", KINDS, count);
}

/* What a fault makes of a gradient. The last is half of it: one path of two is missing. */
static void must_fail(const char *name, double s, Value *root, Value *x)
{
    const double right = x->grad;
    /* (x + 1e12) - 1e12 and its like are exact in their derivatives: all tell */
    const double wrong[] = {-right, 0, 1.01 * right, (1 + 1e-6) * right, right / 2};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        GradCheck report;
        Error error = {""};
        x->grad = wrong[i];
        cr_expect(!gradcheck_stored(root, 0, &report, &error) && report.wrong == 1,
                  "%s at %g: %.17g passed for %.17g (tolerance %g)", name, s, wrong[i], right, report.worst.tolerance);
        cr_expect(strstr(error.message, "that of x at") != NULL, "%s at %g: %s", name, s, error.message);
    }
    x->grad = right;
}

Test(gradcheck_scales, no_wrong_gradient_passes)
{
    const size_t count = at_all_scales(must_fail);
    cr_assert_geq(count, 200, "%zu gradients", count);
}

/* ---- the 22 of 70 that were called wrong ------------------------------------------------------------------------- */

/* The gradient of x is `right`, by a formula; both that of the reverse walk and the formula's must pass. */
static void expect_right(const char *what, double parameter, Graph *g, Value *root, Value *x, double right)
{
    GradCheck report;
    Error error = {""};
    cr_expect(gradcheck(root, &report, &error), "%s, %g: %s", what, parameter, error.message);
    x->grad = right;
    cr_expect(gradcheck_stored(root, 0, &report, &error), "%s, %g, by its formula: %s", what, parameter, error.message);
    graph_free(g);
}

Test(gradcheck_scales, rounding_that_gathers_is_no_error)
{
    for (double m = 1e1; m <= 1e12; m *= 10) {
        Graph *g = graph_new();
        Value *x = v_param(g, 0.7), *y = v_sin(v_sub(v_add(x, m), m));
        expect_right("sin((x + M) - M)", m, g, y, x, cos((0.7 + m) - m));
    }
    for (double m = 1; m <= 0x1p40; m *= 2) {
        Graph *g = graph_new();
        Value *x = v_param(g, 1);
        expect_right("x - M, which is negative", m, g, v_sub(x, 1.4 * m), x, 1);
    }
    for (double m = 1e1; m <= 1e8; m *= 10) {
        Graph *g = graph_new();
        Value *x = v_param(g, m + 0.3), *z[] = {x, v_const(g, m)};
        expect_right("cross-entropy of logits near M", m, g, cross_entropy(z, 2, 0), x, 1 / (1 + exp(m - x->data)) - 1);
    }
    for (double m = 1e1; m <= 1e6; m *= 10) {
        Graph *g = graph_new();
        Value *x = v_param(g, m), *list[] = {x, v_const(g, m + 1)};
        Value *mean = v_div(v_sum(list, 2), 2), *squares = v_div(v_dot(list, list, 2), 2);
        expect_right("variance near M", m, g, v_sub(squares, v_mul(mean, mean)), x, -0.5);
    }
}

Test(gradcheck_scales, a_scale_of_its_own_is_no_error)
{
    for (double s = 1; s <= 1e9; s *= 10) {
        Graph *g = graph_new();
        Value *x = v_param(g, 1 / s), *y = v_tanh(v_sub(v_mul(x, v_input(g, s)), 0.5));
        expect_right("tanh(w*s - 0.5)", s, g, y, x, s * (1 - y->data * y->data));
        g = graph_new(), x = v_param(g, 1e3 * s);
        expect_right("sin", 1e3 * s, g, v_sin(x), x, cos(1e3 * s));
        g = graph_new(), x = v_param(g, 0.1 / s);
        y = v_div(v_softplus(v_mul(x, s)), s);
        expect_right("softplus(k*x)/k", s, g, y, x, 1 / (1 + exp(-0.1)));
    }
    for (double s = 1; s >= 1e-12; s /= 10) {
        Graph *g = graph_new();
        Value *x = v_param(g, s);
        expect_right("x log x", s, g, v_mul(x, v_log(x)), x, log(s) + 1);
        g = graph_new(), x = v_param(g, s);
        expect_right("sqrt", s, g, v_sqrt(x), x, 0.5 / sqrt(s));
        g = graph_new(), x = v_param(g, s);
        Value *q = v_div(x, s);
        expect_right("exp(-(x/s)^2)", s, g, v_exp(v_neg(v_mul(q, q))), x, -2 / s * exp(-1));
    }
}

/* Where the numbers next to the operand are so far away that no difference tells. */
Test(gradcheck_scales, an_operand_beyond_the_scale_of_its_op_is_no_error)
{
    for (double s = 1e13; s <= 1e100; s *= 10) {
        Graph *g = graph_new();
        Value *x = v_param(g, s);
        expect_right("sin of a huge number", s, g, v_sin(x), x, cos(s));
    }
}

Test(gradcheck_scales, random_graphs_of_all_ops_have_no_wrong_edge)
{
    size_t edges = 0;
    for (uint64_t seed = 0; seed < 60; seed++) {
        GradCheck report = {0};
        Error error = {""};
        Graph *g = graph_new();
        Random random;
        random_seed(&random, seed);
        Value *root = random_mlp_loss(&random, g, random_tangle(&random, g));
        if (isfinite(root->data) && root->needs_grad)
            gradcheck(root, &report, &error);
        cr_expect(report.wrong == 0 && report.wrong_edges == 0, "seed %d: %s", (int)seed, error.message);
        edges += report.edges;
        graph_free(g);
    }
    cr_assert_gt(edges, 3000, "only %zu edges", edges);
}

/* ---- edges ------------------------------------------------------------------------------------------------------- */

/* A node of the op, with operands of about the sizes a and b. */
static Value *node_of(Graph *g, OpCode op, double a, double b, size_t n)
{
    Value *as[7], *bs[7];
    for (size_t i = 0; i < 7; i++)
        as[i] = v_param(g, a * (1 + 0.1 * (double)i)), bs[i] = v_param(g, b * (1 - 0.1 * (double)i));
    if (op_table[op].forward != NULL)
        return op_table[op].db != NULL ? value_binary(op, as[0], bs[0], HERE) : value_unary(op, as[0], HERE);
    return op_table[op].db != NULL ? value_pairs(op, as, bs, n, v_param(g, a), HERE) : value_list(op, as, n, HERE);
}

/* Each local derivative of v passes as it is, and fails when it is claimed to be otherwise. */
static size_t check_claims(const Value *v)
{
    const char *op = op_table[v->op].name;
    for (size_t i = 0; i < value_parent_count(v); i++) {
        const double local = value_local_derivative(v, i);
        const double wrong[] = {-local, 1.01 * local, (1 + 1e-6) * local, local + 1e-6 * fabs(local), 2 * local, 0};
        const GradCheckEdge right = gradcheck_edge(v, i, local);
        cr_expect_eq(right.verdict, GRAD_RIGHT, "%s, operand %zu at %g: %.17g for %.17g, tolerance %g", op, i,
                     right.point, local, right.want, right.tolerance);
        for (size_t w = 0; local != 0 && w < sizeof wrong / sizeof wrong[0]; w++)
            cr_expect_eq(gradcheck_edge(v, i, wrong[w]).verdict, GRAD_WRONG, "%s, operand %zu at %g: %g passed for %g",
                         op, i, right.point, wrong[w], local);
        cr_expect(local != 0 || gradcheck_edge(v, i, 1e-3).verdict == GRAD_WRONG, "%s: 0.001 passed for 0", op);
    }
    return value_parent_count(v);
}

Test(gradcheck_scales, an_edge_of_an_odd_function_is_judged_alike_on_both_sides)
{
    Graph *g = graph_new();
    static const double points[] = {1e-9, 0.125, 0.7, 1.5, 1e3, 1e17};
    for (size_t k = 0; k < sizeof points / sizeof points[0]; k++) {
        const Value *right = v_sin(v_param(g, points[k])), *left = v_sin(v_param(g, -points[k]));
        const GradCheckEdge r = gradcheck_edge(right, 0, 0), l = gradcheck_edge(left, 0, 0);
        cr_expect(r.want == l.want && r.step == l.step && r.tolerance == l.tolerance && r.step > 0,
                  "at %g: %.17g by steps of %g, and %.17g by steps of %g", points[k], r.want, r.step, l.want, l.step);
    }
    graph_free(g);
}

/* op_table is const, so no test can make an entry wrong; but the judge of an edge takes any claim. */
Test(gradcheck_scales, a_wrong_local_derivative_of_any_op_is_found)
{
    size_t edges = 0;
    for (OpCode op = (OpCode)(OP_CONST + 1); op < OP_COUNT; op++)
        for (size_t n = 1; n <= 7; n += 2) {
            Graph *g = graph_new();
            edges += check_claims(node_of(g, op, 0.3, 1.7, n));
            edges += check_claims(node_of(g, op, 2.2, 0.4, n));
            graph_free(g);
        }
    cr_assert_gt(edges, 300, "only %zu edges", edges);
}

Test(gradcheck_scales, arithmetic_is_judged_at_any_scale)
{
    for (double a = 1e-12; a <= 1e12; a *= 1e4)
        for (double b = 1e-12; b <= 1e12; b *= 1e4)
            for (OpCode op = OP_ADD; op <= OP_POW; op = (OpCode)(op + 1)) {
                Graph *g = graph_new();
                if (op < OP_POW)
                    check_claims(node_of(g, op, a, b, 1));
                check_claims(node_of(g, OP_SUM, a, b, 7));
                graph_free(g);
            }
}

/* All list ops must be what the check takes them for: the op of one pair and of what the others give. */
Test(gradcheck_scales, a_list_op_is_made_of_list_ops_of_two)
{
    const double a[] = {0.3, -2, 1.5, 0.25}, b[] = {2, 0.5, -1, 3};
    for (OpCode op = (OpCode)(OP_CONST + 1); op < OP_COUNT; op++) {
        const OpInfo *info = &op_table[op];
        if (info->list_forward == NULL)
            continue;
        double y = info->list_forward(1, a, b, 1);
        for (size_t i = 1; i < 4; i++)
            y = info->list_forward(2, (double[]){a[i], y}, (double[]){b[i], 1}, 1);
        cr_expect_float_eq(y, info->list_forward(4, a, b, 1), 1e-14, "%s of 4 is %g, but %g in steps", info->name,
                           info->list_forward(4, a, b, 1), y);
    }
}

/* y is part of the derivative of exp: a y that is off by 5e-7 makes a local derivative that is. */
Test(gradcheck_scales, a_wrong_edge_is_named)
{
    Graph *g = graph_new();
    GradCheck report;
    Error error = {""};
    Value *x = v_label(v_param(g, 1), "x"), *y = v_label(v_exp(x), "y"), *root = v_mul(v_sin(x), y);
    backward(root);
    cr_assert(gradcheck_stored(root, 0, &report, &error) && report.edges == 4, "%zu edges: %s", report.edges,
              error.message);
    y->data *= 1 + 5e-7;
    cr_assert_not(gradcheck_stored(root, 0, &report, &error), "a wrong edge passed");
    cr_assert(report.wrong_edges == 1 && report.first_wrong_edge.op == OP_EXP, "%zu wrong edges, the first of %s",
              report.wrong_edges, op_table[report.first_wrong_edge.op].name);
    cr_assert_float_eq(report.first_wrong_edge.want, exp(1), 1e-9, "want %.12g", report.first_wrong_edge.want);
    static const char *const parts[] = {"y (exp)", "d/d x at 1", "by the op table (y)", "by differences"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        cr_expect(strstr(error.message, parts[i]) != NULL, "\"%s\" is not in: %s", parts[i], error.message);
    char text[1024] = "";
    FILE *out = tmpfile();
    gradcheck_print(&report, out);
    rewind(out);
    text[fread(text, 1, sizeof text - 1, out)] = '\0';
    fclose(out);
    cr_expect(strstr(text, "wrong local derivatives: 1, first y (exp), d/d x: 2.7182831876") != NULL &&
                  strstr(text, " by the op table, 2.71828182846 by differences\n") != NULL,
              "the report says: %s", text);
    graph_free(g);
}

Test(gradcheck_scales, an_edge_at_a_kink_or_a_pole_is_not_checked)
{
    Graph *g = graph_new();
    Value *zero = v_param(g, 0), *tie = v_max(v_param(g, 2), v_param(g, 2));
    cr_expect_eq(gradcheck_edge(v_relu(zero), 0, 0).verdict, GRAD_AT_KINK, "relu at 0");
    cr_expect_eq(gradcheck_edge(tie, 1, 0.5).verdict, GRAD_AT_KINK, "a tie");
    cr_expect_eq(gradcheck_edge(v_sqrt(zero), 0, INFINITY).verdict, GRAD_NOT_FINITE, "sqrt at 0");
    cr_expect_eq(gradcheck_edge(v_log(zero), 0, INFINITY).verdict, GRAD_NOT_FINITE, "log at 0");
    MUST_BE_MISUSE(gradcheck_edge(zero, 0, 0).verdict, "gradcheck_edge", "operands");
    MUST_BE_MISUSE(gradcheck_edge(NULL, 0, 0).verdict, "gradcheck_edge", "NULL");
    graph_free(g);
}

/* ---- small gradients, missing paths, long lists ------------------------------------------------------------------ */

Test(gradcheck_scales, zeroed_gradients_of_a_deep_sigmoid_net_are_found)
{
    enum { WIDTH = 4, LAYERS = 12 };
    Graph *g = graph_new();
    Value *w[LAYERS][WIDTH], *h[WIDTH], *next[WIDTH];
    for (size_t i = 0; i < WIDTH; i++)
        h[i] = v_input(g, 0.3 * (double)i);
    for (size_t l = 0; l < LAYERS; l++) {
        for (size_t i = 0; i < WIDTH; i++)
            w[l][i] = v_param(g, 0.2 + 0.1 * (double)((l + i) % 3));
        for (size_t i = 0; i < WIDTH; i++)
            next[i] = v_sigmoid(v_mul(v_dot(w[l], h, WIDTH), 0.1 * (double)(i + 1)));
        memcpy(h, next, sizeof h);
    }
    GradCheck report;
    Value *root = v_mul(v_sum(h, WIDTH), v_sum(h, WIDTH));
    backward(root);
    cr_assert(gradcheck_stored(root, 0, &report, NULL), "%zu wrong", report.wrong);
    cr_assert(fabs(w[0][1]->grad) < 1e-8, "%g is no small gradient", w[0][1]->grad);
    for (size_t i = 0; i < WIDTH; i++)
        w[0][i]->grad = 0;
    cr_assert(!gradcheck_stored(root, 0, &report, NULL) &&
                  report.wrong == WIDTH - 1, /* h[0] is 0, and so is w[0][0]'s */
              "%zu wrong", report.wrong);
    graph_free(g);
}

/* 10,000 operands each: judging an edge must not take as many steps as there are operands. */
Test(gradcheck_scales, long_lists_are_judged_edge_by_edge, .timeout = 1800)
{
    enum { N = 10 * 1000 };
    static Value *p[N];
    for (OpCode op = OP_SUM; op <= OP_LOGSUMEXP; op = (OpCode)(op + 1)) {
        Graph *g = graph_new();
        GradCheck report;
        Error error = {""};
        for (size_t i = 0; i < N; i++)
            p[i] = v_param(g, sin((double)i));
        Value *root = op == OP_DOT ? value_pairs(op, p, p, N, p[0], HERE) : value_list(op, p, N, HERE);
        cr_expect(gradcheck_some(root, 5, &report, &error), "%s: %s", op_table[op].name, error.message);
        cr_expect_eq(report.edges, value_parent_count(root), "%s: %zu edges", op_table[op].name, report.edges);
        graph_free(g);
    }
}
