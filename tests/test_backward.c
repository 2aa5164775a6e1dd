/* test_backward.c - the reverse walk: what it adds to whom, in what order, and what it leaves alone. */
#define _POSIX_C_SOURCE 200809L
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backward.h"
#include "caught.h"
#include "graph.h"
#include "memory.h"
#include "order.h"

static Graph *g;
static void open_graph(void) { g = graph_new(); }
static void close_graph(void) { graph_free(g); }

TestSuite(backward, .init = open_graph, .fini = close_graph);

static bool same_bits(double x, double y) { return memcmp(&x, &y, sizeof x) == 0; }

static void expect_grad(const char *what, const Value *v, double want)
{
    cr_expect(v->grad == want, "∂/∂%s = %.17g, want %.17g", what, v->grad, want);
}

/* Numbers with short binary fractions: products and sums of a few of them are exact, so that tests ask for equality. */

/* ---- paths ------------------------------------------------------------------------------------------------------- */

Test(backward, the_example_in_value_h)
{
    Value *a = v_param(g, 2.0), *b = v_param(g, -3.0);
    Value *L = v_add(v_mul(a, b), 10.0);
    backward(L);
    cr_expect_eq(L->data, 4, "L = %g", L->data);
    expect_grad("a", a, -3);
    expect_grad("b", b, 2);
    expect_grad("L", L, 1);
}

Test(backward, a_node_used_twice_gets_both_paths)
{
    Value *a = v_param(g, 3);
    backward(v_add(a, a));
    expect_grad("a of a + a", a, 2);
    Value *x = v_param(g, 3);
    backward(v_mul(x, x));
    expect_grad("x of x * x", x, 6);
    Value *s = v_param(g, 3);
    backward(v_sub(s, s));
    expect_grad("s of s - s", s, 0);
    Value *q = v_param(g, 4);
    backward(v_div(q, q));
    expect_grad("q of q / q", q, 0);
}

Test(backward, a_node_waits_for_all_its_children)
{
    Value *a = v_param(g, 3);
    Value *b = v_add(a, a), *c = v_add(b, b); /* without an order, b would push before its second child has pushed */
    backward(c);
    expect_grad("b", b, 2);
    expect_grad("a", a, 4);
}

Test(backward, diamonds_add_up_over_all_paths)
{
    Value *x = v_param(g, 1);
    Value *y = x;
    for (int i = 0; i < 40; i++)
        y = v_add(y, y); /* 2⁴⁰ paths */
    backward(y);
    expect_grad("x", x, 1099511627776.0);
    Value *u = v_param(g, 2);
    Value *left = v_mul(u, 3), *right = v_mul(u, u), *below = v_mul(left, right); /* 3u³ */
    backward(v_add(below, left));
    expect_grad("u of 3u³ + 3u", u, 9 * 4 + 3);
    expect_grad("left", left, 4 + 1);
    expect_grad("right", right, 6);
}

Test(backward, repeats_in_a_list_count_each_time)
{
    Value *p = v_param(g, 2), *q = v_param(g, 5);
    Value *list[] = {p, q, p, p}, *reversed[] = {p, p, q, p};
    backward(v_sum(list, 4));
    expect_grad("p of 3p + q", p, 3);
    expect_grad("q of 3p + q", q, 1);
    p->grad = q->grad = 0;
    backward(v_dot_bias(list, reversed, 4, p)); /* p² + qp + pq + p² + p */
    expect_grad("p of 2p² + 2pq + p", p, 4 * 2 + 2 * 5 + 1);
    expect_grad("q of 2p² + 2pq + p", q, 2 * 2);
    p->grad = q->grad = 0;
    backward(v_dot(&p, &p, 1));
    expect_grad("p of p·p, one pair", p, 4);
}

Test(backward, a_value_as_exponent_has_a_gradient)
{
    Value *a = v_param(g, 2), *b = v_param(g, 3);
    backward(v_pow(a, b));
    expect_grad("a of a^b", a, 12);
    /* y·log a: log and the product each round by at most 1 unit in the last place */
    cr_expect_float_eq(b->grad, 5.545177444479562, 4 * DBL_EPSILON * 5.5, "∂/∂b of a^b = %.17g, want 8·log 2", b->grad);
    Value *e = v_param(g, 3);
    backward(v_pow(2, e));
    cr_expect_float_eq(e->grad, 5.545177444479562, 4 * DBL_EPSILON * 5.5, "∂/∂e of 2^e = %.17g", e->grad);
}

/* ---- over and over ----------------------------------------------------------------------------------------------- */

Test(backward, twice_accumulates_into_leaves_once_each_time)
{
    Value *x = v_param(g, 3);
    Value *inner = v_mul(x, x), *L = v_add(inner, inner);
    for (int pass = 1; pass <= 4; pass++) {
        backward(L);
        expect_grad("x", x, 12 * pass);
        expect_grad("inner", inner, 2);
        expect_grad("L", L, 1);
    }
}

Test(backward, zeroing_the_params_is_all_that_a_new_start_needs)
{
    Value *x = v_param(g, 3);
    Value *L = v_exp(v_mul(x, 0.25));
    backward(L);
    const double once = x->grad;
    x->grad = 0;
    backward(L);
    cr_expect(same_bits(x->grad, once) && once != 0, "second time %.17g, first %.17g", x->grad, once);
}

Test(backward, two_roots_add_into_the_params_they_share)
{
    Value *x = v_param(g, 3);
    Value *shared = v_mul(x, 2), *first = v_mul(shared, 5), *second = v_mul(shared, shared);
    backward(first);
    expect_grad("x after the first", x, 10);
    backward(second);
    expect_grad("x after both", x, 10 + 2 * 6 * 2);
    expect_grad("shared", shared, 12);
    expect_grad("the first root, not below the second", first, 0);
    backward(first);
    expect_grad("x after the first again", x, 10 + 24 + 10);
    expect_grad("the second root, not below the first", second, 0);
}

Test(backward, a_root_in_the_middle_leaves_what_is_above_it_alone)
{
    Value *x = v_param(g, 3);
    Value *middle = v_mul(x, x), *top = v_mul(middle, 100);
    backward(middle);
    expect_grad("x", x, 6);
    expect_grad("middle", middle, 1);
    expect_grad("top", top, 0);
}

Test(backward, a_seed_scales_the_gradient)
{
    Value *x = v_param(g, 3);
    Value *L = v_mul(x, x);
    backward_from(L, -0.25);
    expect_grad("L", L, -0.25);
    expect_grad("x", x, -1.5);
    backward_from(L, 0.5);
    expect_grad("x, added up", x, -1.5 + 3);
    backward_from(L, 0);
    expect_grad("x after a seed of 0", x, 1.5);
}

Test(backward, a_param_may_be_the_root)
{
    Value *p = v_param(g, 3);
    v_exp(p);
    backward(p);
    expect_grad("p of p", p, 1);
    backward_from(p, 0.5);
    expect_grad("p, added up", p, 1.5);
    Backward walk = backward_begin(p);
    cr_expect_eq(backward_step(&walk), NULL, "a leaf has nothing to push");
}

/* The walk is in three blocks: what it began in each must be forgotten, wherever it was left. */
Test(backward, a_walk_left_halfway_does_not_show_in_the_next)
{
    Value *x = v_param(g, 3);
    Value *square = v_mul(x, x);
    graph_mark(g);
    Value *twice = v_add(square, square);
    graph_mark(g);
    Value *root = v_mul(twice, 5);
    for (int steps = 0; steps <= 3; steps++) {
        Backward walk = backward_begin(root);
        for (int i = 0; i < steps; i++)
            cr_assert_neq(backward_step(&walk), NULL, "the walk ended after %d steps", i);
        x->grad = 0;
        backward(root);
        cr_expect_eq(x->grad, 60, "left after %d steps: ∂10x²/∂x = %g, want 60", steps, x->grad);
        cr_expect_eq(square->grad, 10, "left after %d steps: ∂10s/∂s = %g, want 10", steps, square->grad);
    }
}

/* ---- who gets none ----------------------------------------------------------------------------------------------- */

static char *trace_of(Value *root)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    backward_trace(g, out);
    backward(root);
    backward_trace(g, NULL);
    fclose(out);
    return text;
}

static size_t line_count(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++)
        count += *text == '\n';
    return count;
}

Test(backward, inputs_and_constants_get_no_gradient_and_cost_no_work)
{
    Value *p = v_param(g, 2), *x = v_input(g, 3), *c = v_const(g, 4);
    Value *data_only = v_exp(v_mul(v_add(x, c), 0.125)), *list[] = {x, p, c};
    Value *sum = v_add(v_mul(p, data_only), v_dot(list, list, 3)), *root = v_sub(v_mul(sum, x), c);
    char *trace = trace_of(root);
    const Value *const untouched[] = {x, c, data_only, value_parent(data_only, 0)};
    for (size_t i = 0; i < 4; i++)
        expect_grad("an input or what was computed from inputs alone", untouched[i], 0);
    cr_expect(p->grad != 0, "no gradient: nothing was checked");
    /* root → x·sum → sum → p·data and the dot → p; p twice in the dot */
    cr_expect_eq(line_count(trace), 1 + 1 + 2 + 1 + 2, "the walk did other products than the six needed:\n%s", trace);
    free(trace);
}

Test(backward, what_is_written_into_the_gradient_of_a_leaf_goes_nowhere)
{
    Value *x = v_param(g, 3), *input = v_input(g, 4), *constant = v_const(g, 5);
    x->grad = input->grad = constant->grad = 7;
    backward(v_mul(v_mul(x, input), constant));
    expect_grad("x", x, 7 + 20);
}

Test(backward, an_input_gets_none_through_any_op)
{
    for (OpCode op = (OpCode)(OP_CONST + 1); op < OP_COUNT; op++) {
        const OpShape shape = op_table[op].shape;
        if (shape == SHAPE_UNARY)
            continue;
        Value *p = v_param(g, op == OP_MIN ? 0.25 : 0.75), *x = v_input(g, 0.5), *mixture[] = {x, p};
        Value *px = shape == SHAPE_BINARY ? value_binary(op, p, x, HERE)
                    : shape == SHAPE_LIST ? value_list(op, mixture, 2, HERE)
                                          : value_pairs(op, &p, &x, 1, NULL, HERE);
        Value *xp = shape == SHAPE_BINARY ? value_binary(op, x, p, HERE)
                    : shape == SHAPE_LIST ? value_list(op, mixture, 2, HERE)
                                          : value_pairs(op, &x, &p, 1, x, HERE);
        backward(px);
        cr_expect(p->grad != 0, "%s: a param on the left got nothing", op_table[op].name);
        p->grad = 0;
        backward(xp);
        cr_expect(p->grad != 0, "%s: a param on the right got nothing", op_table[op].name);
        cr_expect_eq(x->grad, 0, "%s: the input got %g", op_table[op].name, x->grad);
    }
}

Test(backward, a_root_that_no_param_leads_to_is_misuse)
{
    v_param(g, 1);
    Value *x = v_input(g, 3), *y = v_label(v_mul(x, 2), "twice");
    MUST_BE_MISUSE(backward(y), "param", "twice", "6");
    MUST_BE_MISUSE(backward_from(x, 0.5), "param", "3");
    MUST_BE_MISUSE(backward_begin(y), "param", "twice", "6");
}

Test(backward, a_missing_or_released_root_is_misuse)
{
    Value *nothing = NULL;
    const Mark mark = graph_mark(g);
    Value *gone = v_param(g, 1);
    graph_release(g, mark);
    MUST_BE_MISUSE(backward(nothing), "root", "NULL");
    MUST_BE_MISUSE(backward_from(NULL, 2.0), "root", "NULL");
    MUST_BE_MISUSE(backward_begin(NULL), "root", "NULL");
    MUST_BE_MISUSE(backward(gone), "root", "released");
    MUST_BE_MISUSE(backward_from(gone, 0.5), "root", "released");
    MUST_BE_MISUSE(backward_begin(gone), "root", "released");
}

/* ---- zero, infinity, NaN ----------------------------------------------------------------------------------------- */

Test(backward, nothing_upstream_contributes_nothing)
{
    Value *x = v_param(g, 0);
    Value *root = v_sqrt(v_mul(x, x)); /* ∂√u/∂u at 0 is ∞, but ∂u/∂x = 2x is 0 on both edges */
    backward(root);
    expect_grad("x of √(x·x) at 0", x, 0);
    Value *y = v_param(g, 0);
    backward(v_mul(v_log(y), 0.0)); /* −∞·0 is NaN as data, but nothing flows down to the log */
    expect_grad("y of 0·log y at 0", y, 0);
    Value *z = v_param(g, 0);
    backward(v_mul(v_sqrt(z), 0.0));
    expect_grad("z of 0·√z at 0", z, 0);
    Value *s = v_param(g, 0);
    backward_from(v_sqrt(s), 0);
    expect_grad("s of √s at 0, seed 0", s, 0);
    Value *r = v_param(g, -1);
    backward(v_relu(v_mul(r, INFINITY)));
    expect_grad("r of relu(−∞)", r, 0);
}

Test(backward, an_infinite_slope_that_counts_is_infinite)
{
    Value *x = v_param(g, 0), *y = v_param(g, 0);
    backward(v_sqrt(x));
    expect_grad("x of √x at 0", x, INFINITY);
    backward(v_neg(v_log(y)));
    expect_grad("y of −log y at 0", y, -INFINITY);
}

Test(backward, the_same_holds_in_lists)
{
    Value *x = v_param(g, 0), *other = v_param(g, 7), *unused = v_param(g, 5);
    Value *a[] = {x, other, unused}, *b[] = {v_mul(x, x), v_const(g, 2), v_const(g, 0)};
    backward(v_sqrt(v_dot(a, b, 2 - 1))); /* √(x·x²) at 0: ∂/∂x = ∞·0 by each path */
    expect_grad("x of √(x·x²) at 0", x, 0);
    Value *huge[] = {v_param(g, -INFINITY), v_param(g, 1)};
    backward(v_logsumexp(huge, 2));
    expect_grad("a term of −∞ in logsumexp", huge[0], 0);
    expect_grad("the only other term", huge[1], 1);
    Value *zero = v_param(g, 0), *dot_a[] = {unused, zero}, *dot_b[] = {v_const(g, 0), v_const(g, 1)};
    backward(v_log(v_dot(dot_a, dot_b, 2))); /* log(5·0 + z·1) at z = 0 */
    expect_grad("the factor of 0 under an infinite gradient", unused, 0);
    expect_grad("the factor of 1 under an infinite gradient", zero, INFINITY);
}

/* Each op alone, with an infinite gradient above it and a local derivative of 0, lists side by side and scattered. */
Test(backward, zero_times_infinity_is_zero_for_neighbours_and_for_scattered_ones)
{
    for (int scattered = 0; scattered < 2; scattered++) {
        Value *w[3];
        for (int i = 0; i < 3; i++) {
            w[i] = v_param(g, i);
            if (scattered)
                v_const(g, 99);
        }
        Value *x[] = {v_const(g, 0), v_const(g, 0), v_const(g, 1)};
        cr_assert_eq(value_is_run(w, 3), !scattered, "the operands lie otherwise than meant");
        backward_from(v_dot(w, x, 3), INFINITY);
        expect_grad("w[0], times 0", w[0], 0);
        expect_grad("w[1], times 0", w[1], 0);
        expect_grad("w[2], times 1", w[2], INFINITY);
    }
}

Test(backward, nan_goes_only_to_where_it_belongs)
{
    Value *bad = v_param(g, NAN), *good = v_param(g, 2), *shadowed = v_param(g, 3), *x = v_input(g, NAN);
    Value *spoilt = v_mul(bad, good);      /* ∂/∂good = NaN */
    Value *blocked = v_mul(shadowed, 0.0); /* 0 on this edge */
    Value *fine = v_mul(good, 4);
    backward(v_add(v_add(spoilt, blocked), v_mul(fine, 0.5)));
    cr_expect(isnan(good->grad), "∂/∂good = %g, want NaN", good->grad);
    expect_grad("bad of bad·2", bad, 2);
    expect_grad("what is multiplied by 0", shadowed, 0);
    good->grad = 0;
    Value *root = v_add(v_mul(good, 3), v_relu(x)); /* the root is NaN, its slopes are not */
    backward(root);
    cr_expect(isnan(root->data), "relu(NaN) + 6 = %g", root->data);
    expect_grad("good of 3·good + NaN", good, 3);
    expect_grad("the input", x, 0);
    Value *picked = v_param(g, 1), *passed_over = v_param(g, -5);
    backward_from(v_max(picked, passed_over), NAN);
    cr_expect(isnan(picked->grad), "∂/∂picked = %g", picked->grad);
    expect_grad("what max passed over, NaN above it", passed_over, 0);
}

/* ---- step by step ------------------------------------------------------------------------------------------------ */

/* Two equal expressions with shared nodes, lists, inputs and dead branches, in two graphs. */
static Value *tangle(Graph *graph, Value **params)
{
    for (size_t i = 0; i < 8; i++)
        params[i] = v_param(graph, 0.3 + 0.7 * (double)i);
    Value *x = v_input(graph, 1.7), *h[6];
    for (size_t i = 0; i < 6; i++) {
        h[i] = v_tanh(v_dot_bias(params, params + 1, 7, params[i]));
        v_exp(h[i]);
        h[i] = v_add(v_mul(h[i], x), v_div(params[i + 1], v_add(v_pow(params[i], 2), 1)));
    }
    Value *shuffled[] = {h[3], h[0], h[5], h[0]};
    return v_mul(v_logsumexp(shuffled, 4), v_sub(v_sum(h, 6), v_softplus(h[2])));
}

Test(backward, the_whole_pass_is_the_loop_over_steps)
{
    Graph *other = graph_new();
    Value *params[8], *twins[8], *root = tangle(g, params), *twin = tangle(other, twins);
    backward(root);
    Backward walk = backward_begin(twin);
    while (backward_step(&walk) != NULL)
        ;
    cr_expect_eq(backward_step(&walk), NULL, "a step after the end");
    for (size_t i = 0; i < 8; i++)
        cr_expect(same_bits(params[i]->grad, twins[i]->grad) && params[i]->grad != 0, "param %zu: %.17g and %.17g", i,
                  params[i]->grad, twins[i]->grad);
    graph_free(other);
}

Test(backward, each_node_is_stepped_once_and_after_all_its_children)
{
    Value *params[8], *root = tangle(g, params);
    size_t count, stepped = 0, interior = 0;
    Value **order = graph_topological_order(root, &count);
    for (size_t i = 0; i < count; i++)
        interior += order[i]->needs_grad && value_parent_count(order[i]) > 0;
    memory_free(order);
    Backward walk = backward_begin(root);
    size_t last = value_number(root) + 1;
    for (Value *v = backward_step(&walk); v != NULL; v = backward_step(&walk)) {
        cr_expect(stepped > 0 || v == root, "the first step is not the root's");
        cr_expect(value_number(v) < last, "v%zu comes after v%zu", value_number(v), last);
        last = value_number(v);
        stepped++;
    }
    cr_expect_eq(stepped, interior, "%zu steps for %zu nodes that lead to a param", stepped, interior);
}

Test(backward, begin_clears_and_seeds_and_pushes_nothing)
{
    Value *x = v_param(g, 3);
    Value *square = v_mul(x, x), *root = v_mul(square, 5);
    backward(root);
    Backward walk = backward_begin(root);
    expect_grad("root", root, 1);
    expect_grad("square", square, 0);
    expect_grad("x", x, 30);
    cr_expect_eq(backward_step(&walk), root, "the first step is not the root's");
    expect_grad("square", square, 5);
    expect_grad("x", x, 30);
    cr_expect_eq(backward_step(&walk), square, "the second step is not the square's");
    expect_grad("x", x, 60);
    cr_expect_eq(backward_step(&walk), NULL, "a third step");
}

Test(backward, a_node_with_no_gradient_is_passed_over)
{
    Value *x = v_param(g, 3);
    Value *dead = v_exp(x), *root = v_add(v_mul(dead, 0.0), x);
    Backward walk = backward_begin(root);
    cr_expect_eq(backward_step(&walk), root, "first the root");
    cr_expect_eq(backward_step(&walk), value_parent(root, 0), "then the product");
    cr_expect_eq(backward_step(&walk), NULL, "nothing flows to the exp");
    expect_grad("x", x, 1);
}

/* A debugger that waits for a node has the walk report it on the way; the numbers must not notice. */
Test(backward, a_walk_that_reports_to_a_debugger_gives_the_same_bits)
{
    Graph *other = graph_new();
    Value *params[8], *twins[8], *root = tangle(g, params), *twin = tangle(other, twins);
    other->stop_number = value_number(twin) / 2;
    backward(root);
    backward(twin);
    for (size_t i = 0; i < 8; i++)
        cr_expect(same_bits(params[i]->grad, twins[i]->grad) && params[i]->grad != 0, "param %zu: %.17g and %.17g", i,
                  params[i]->grad, twins[i]->grad);
    graph_free(other);
}

Test(backward, a_copy_of_a_walk_goes_its_own_way)
{
    Value *x = v_param(g, 3), *y = v_exp(x);
    Backward walk = backward_begin(y);
    Backward copy = walk;
    cr_expect_eq(backward_step(&walk), y, "the first step");
    cr_expect_eq(backward_step(&copy), y, "the first step of the copy");
}

/* ---- the trace --------------------------------------------------------------------------------------------------- */

static void expect_trace(Value *root, const char *want)
{
    char *trace = trace_of(root);
    cr_expect_str_eq(trace, want, "traced\n%swant\n%s", trace, want);
    free(trace);
}

Test(backward, a_trace_has_a_line_per_product)
{
    Value *a = v_label(v_param(g, 2), "a"), *b = v_label(v_param(g, -3), "b");
    Value *out = v_label(v_mul(a, b), "out");
    expect_trace(out, "MUL  a.grad += b * out.grad = -3 * 1 = -3\n" /* the line in backward.h */
                      "MUL  b.grad += a * out.grad = 2 * 1 = 2\n");
}

Test(backward, a_trace_names_what_has_no_label_by_number)
{
    Value *x = v_param(g, 3);
    Value *square = v_mul(x, x);
    expect_trace(v_add(v_mul(square, 5), 1), "ADD  v3.grad += 1 * v5.grad = 1 * 1 = 1\n"
                                             "MUL  v1.grad += b * v3.grad = 5 * 1 = 5\n"
                                             "MUL  v0.grad += b * v1.grad = 3 * 5 = 15\n"
                                             "MUL  v0.grad += a * v1.grad = 3 * 5 = 15\n");
}

Test(backward, a_trace_of_a_dot_shows_each_pair_and_the_bias)
{
    Value *w[] = {v_label(v_param(g, 2), "w0"), v_label(v_param(g, 4), "w1")}, *bias = v_label(v_param(g, 1), "bias");
    Value *x[] = {v_input(g, 3), v_input(g, 5)}, *y = v_label(v_dot_bias(w, x, 2, bias), "y");
    char *trace = trace_of(y);
    cr_expect_eq(line_count(trace), 3, "want a line for each weight and the bias, none for the inputs:\n%s", trace);
    cr_expect(strstr(trace, "DOT  w0.grad += b * y.grad = 3 * 1 = 3\n") != NULL, "w0 is missing:\n%s", trace);
    cr_expect(strstr(trace, "DOT  w1.grad += b * y.grad = 5 * 1 = 5\n") != NULL, "w1 is missing:\n%s", trace);
    cr_expect(strstr(trace, "DOT  bias.grad += 1 * y.grad = 1 * 1 = 1\n") != NULL, "the bias is missing:\n%s", trace);
    free(trace);
}

Test(backward, a_trace_tells_what_was_done_and_changes_nothing)
{
    Graph *other = graph_new();
    Value *params[8], *twins[8], *root = tangle(g, params), *twin = tangle(other, twins);
    free(trace_of(root));
    backward(twin);
    for (size_t i = 0; i < 8; i++)
        cr_expect(same_bits(params[i]->grad, twins[i]->grad), "param %zu: %.17g traced, %.17g not", i, params[i]->grad,
                  twins[i]->grad);
    graph_free(other);
}

Test(backward, a_trace_ends_when_told)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    Value *y = v_exp(v_param(g, 1));
    backward_trace(g, out);
    backward(y);
    backward_trace(g, NULL);
    backward(y);
    fclose(out);
    cr_expect_eq(line_count(text), 1, "traced:\n%s", text);
    free(text);
}

Test(backward, a_product_with_nothing_is_traced_as_nothing)
{
    Value *x = v_label(v_param(g, 0), "x");
    Value *u = v_label(v_mul(x, x), "u"), *y = v_label(v_sqrt(u), "y");
    expect_trace(y, "SQRT  u.grad += 1 / (2 * y) * y.grad = inf * 1 = inf\n"
                    "MUL  x.grad += b * u.grad = 0 * inf = 0\n"
                    "MUL  x.grad += a * u.grad = 0 * inf = 0\n");
}
