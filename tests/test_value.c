/* test_value.c - building nodes, looking at them, and what happens when an operand is none. */
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
#include "utf8.h"

static Graph *g;
static void open_graph(void) { g = graph_new(); }
static void close_graph(void) { graph_free(g); }

TestSuite(value, .init = open_graph, .fini = close_graph);

static bool same_bits(double x, double y) { return memcmp(&x, &y, sizeof x) == 0; }

/* ---- values ------------------------------------------------------------------------------------------------------ */

/* Want: computed with 30 digits by mpmath and rounded. Libm's functions are off by less than 1 unit in the last place,
 * an expression of three of them by less than 4. */
static void expect_value(const char *what, const Value *got, double want)
{
    cr_expect(fabs(got->data - want) <= 4 * DBL_EPSILON * fabs(want), "%s: got %.17g, want %.17g", what, got->data,
              want);
}

Test(value, every_builder_computes_its_op)
{
    Value *a = v_param(g, 0.7), *b = v_param(g, -1.3);
    Value *first[] = {a, v_const(g, 2)}, *second[] = {b, v_input(g, 3)}, *three[] = {a, b, first[1]};
    expect_value("0.7 + -1.3", v_add(a, b), -0.6);
    expect_value("0.7 - -1.3", v_sub(a, b), 2.0);
    expect_value("0.7 * -1.3", v_mul(a, b), -0.91);
    expect_value("0.7 / -1.3", v_div(a, b), -0.5384615384615384);
    expect_value("0.7 ^ -1.3", v_pow(a, b), 1.5899100258580596);
    expect_value("max(0.7, -1.3)", v_max(a, b), 0.7);
    expect_value("max(-1.3, 0.7)", v_max(b, a), 0.7);
    expect_value("min(0.7, -1.3)", v_min(a, b), -1.3);
    expect_value("min(-1.3, 0.7)", v_min(b, a), -1.3);
    expect_value("-(-1.3)", v_neg(b), 1.3);
    expect_value("exp -1.3", v_exp(b), 0.2725317930340126);
    expect_value("log 0.7", v_log(a), -0.35667494393873245);
    expect_value("sqrt 0.7", v_sqrt(a), 0.8366600265340756);
    expect_value("sin -1.3", v_sin(b), -0.963558185417193);
    expect_value("cos -1.3", v_cos(b), 0.26749882862458735);
    expect_value("abs -1.3", v_abs(b), 1.3);
    expect_value("tanh -1.3", v_tanh(b), -0.8617231593133063);
    expect_value("sigmoid -1.3", v_sigmoid(b), 0.2141650169574414);
    expect_value("relu 0.7", v_relu(a), 0.7);
    expect_value("relu -1.3", v_relu(b), 0);
    expect_value("softplus -1.3", v_softplus(b), 0.2410084538329922);
    expect_value("sum of 0.7, -1.3, 2", v_sum(three, 3), 1.4);
    expect_value("logsumexp of 0.7, -1.3, 2", v_logsumexp(three, 3), 2.26958044237218);
    expect_value("0.7 * -1.3 + 2 * 3", v_dot(first, second, 2), 5.09);
    expect_value("0.7 * -1.3 + 2 * 3 + 2", v_dot_bias(first, second, 2, first[1]), 7.09);
}

Test(value, leaves_are_what_they_were_made)
{
    const struct {
        Value *leaf;
        double data;
        OpCode op;
        bool needs_grad;
    } cases[] = {{v_param(g, 0.5), 0.5, OP_PARAM, true},
                 {v_input(g, -0.0), -0.0, OP_INPUT, false},
                 {v_const(g, INFINITY), INFINITY, OP_CONST, false}};
    for (size_t i = 0; i < 3; i++) {
        const Value *leaf = cases[i].leaf;
        cr_expect(same_bits(leaf->data, cases[i].data), "leaf %zu holds %g, want %g", i, leaf->data, cases[i].data);
        cr_expect_eq(leaf->op, cases[i].op, "leaf %zu has op %d, want %d", i, (int)leaf->op, (int)cases[i].op);
        cr_expect_eq(leaf->needs_grad, cases[i].needs_grad, "leaf %zu: needs_grad is %d", i, leaf->needs_grad);
        cr_expect(leaf->grad == 0 && leaf->label == NULL, "leaf %zu starts with a gradient or a label", i);
        cr_expect_eq(value_parent_count(leaf), 0, "leaf %zu has %zu parents", i, value_parent_count(leaf));
        cr_expect_eq(value_number(leaf), i, "leaf %zu has number %zu", i, value_number(leaf));
        cr_expect_eq(value_graph(leaf), g, "leaf %zu belongs to another graph", i);
    }
}

/* What a plain number becomes: a constant in the graph of the other operand. */
static void expect_constant(const char *what, const Value *node, size_t place, double want)
{
    const Value *operand = value_parent(node, place);
    cr_expect(operand->op == OP_CONST && operand->data == want && !operand->needs_grad,
              "%s: operand %zu is a %s of %g, want a constant of %g", what, place, op_table[operand->op].name,
              operand->data, want);
    cr_expect_eq(value_graph(operand), g, "%s: the constant lives in another graph", what);
}

#define EXPECT_MIXED(builder, want_right, want_left)                                                                   \
    do {                                                                                                               \
        Value *right = builder(x, 2), *left = builder(2, x);                                                           \
        cr_expect_eq(right->data, want_right, #builder "(8, 2) = %g, want %g", right->data, (double)(want_right));     \
        cr_expect_eq(left->data, want_left, #builder "(2, 8) = %g, want %g", left->data, (double)(want_left));         \
        cr_expect(value_parent(right, 0) == x && value_parent(left, 1) == x, #builder ": x is in the wrong place");    \
        expect_constant(#builder, right, 1, 2);                                                                        \
        expect_constant(#builder, left, 0, 2);                                                                         \
    } while (0)

Test(value, a_plain_number_may_stand_on_either_side_of_every_binary_op)
{
    Value *x = v_param(g, 8);
    EXPECT_MIXED(v_add, 10, 10);
    EXPECT_MIXED(v_sub, 6, -6);
    EXPECT_MIXED(v_mul, 16, 16);
    EXPECT_MIXED(v_div, 4, 0.25);
    EXPECT_MIXED(v_pow, 64, 256);
    EXPECT_MIXED(v_max, 8, 8);
    EXPECT_MIXED(v_min, 2, 2);
}

Test(value, a_plain_number_may_be_of_any_arithmetic_type)
{
    Value *x = v_param(g, 4);
    const float half = 0.5F;
    const unsigned char byte = 200;
    const long long big = 1LL << 40;
    const size_t size = 7;
    const bool yes = true;
    const double quarter = 0.25;
    cr_expect_eq(v_mul(x, half)->data, 2.0, "float on the right");
    cr_expect_eq(v_div(half, x)->data, 0.125, "float on the left");
    cr_expect_eq(v_add(x, byte)->data, 204.0, "unsigned char");
    cr_expect_eq(v_sub(x, -3)->data, 7.0, "negative int");
    cr_expect_eq(v_mul(big, x)->data, 4398046511104.0, "long long");
    cr_expect_eq(v_sub(size, x)->data, 3.0, "size_t");
    cr_expect_eq(v_add(x, yes)->data, 5.0, "bool");
    cr_expect_eq(v_mul(x, quarter)->data, 1.0, "const double");
    cr_expect_eq(v_add(v_mul(x, x), 1)->data, 17.0, "an expression as operand");
}

Test(value, an_operand_is_evaluated_once)
{
    Value *x = v_param(g, 1);
    int calls = 0;
    v_mul(x, ++calls);
    v_mul((++calls, x), x);
    v_exp((++calls, x));
    cr_expect_eq(calls, 3, "three operands were evaluated %d times", calls);
}

Test(value, needs_grad_only_if_a_param_leads_to_it)
{
    Value *p = v_param(g, 2), *x = v_input(g, 3), *c = v_const(g, 4);
    Value *with[] = {x, p, c}, *without[] = {x, c, x};
    const struct {
        const char *what;
        Value *node;
        bool want;
    } cases[] = {
        {"p + x", v_add(p, x), true},
        {"x + p", v_add(x, p), true},
        {"p * p", v_mul(p, p), true},
        {"x * c", v_mul(x, c), false},
        {"x - 1", v_sub(x, 1), false},
        {"1 - p", v_sub(1, p), true},
        {"exp x", v_exp(x), false},
        {"exp p", v_exp(p), true},
        {"sum of x, p, c", v_sum(with, 3), true},
        {"sum of x, c, x", v_sum(without, 3), false},
        {"dot of p among the first", v_dot(with, without, 3), true},
        {"dot of p among the second", v_dot(without, with, 3), true},
        {"dot without p", v_dot(without, without, 3), false},
        {"dot with p as bias", v_dot_bias(without, without, 3, p), true},
        {"dot with c as bias", v_dot_bias(without, without, 3, c), false},
        {"exp(p + x) + x", v_add(v_exp(v_add(p, x)), x), true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        cr_expect_eq(cases[i].node->needs_grad, cases[i].want, "%s: needs_grad is %d", cases[i].what,
                     cases[i].node->needs_grad);
}

Test(value, a_binary_node_takes_at_most_64_bytes)
{
    cr_expect_leq(sizeof(Value), 64, "a node takes %zu bytes", sizeof(Value));
}

/* ---- parents, and the numbers on their edges --------------------------------------------------------------------- */

static void expect_parents(const char *what, const Value *v, Value *const *want, size_t count)
{
    cr_assert_eq(value_parent_count(v), count, "%s has %zu parents, want %zu", what, value_parent_count(v), count);
    for (size_t i = 0; i < count; i++)
        cr_expect_eq(value_parent(v, i), want[i], "%s: parent %zu is v%zu, want v%zu", what, i,
                     value_number(value_parent(v, i)), value_number(want[i]));
}

Test(value, parents_keep_their_order_and_repeats)
{
    Value *w[5], *x[5];
    for (size_t i = 0; i < 5; i++)
        w[i] = v_param(g, 1 + (double)i);
    for (size_t i = 0; i < 5; i++)
        x[i] = v_param(g, 10 + (double)i);
    Value *shuffled[] = {x[3], w[1], x[3], w[0], x[4]};
    expect_parents("tanh", v_tanh(w[2]), (Value *[]){w[2]}, 1);
    expect_parents("a - b", v_sub(x[1], w[0]), (Value *[]){x[1], w[0]}, 2);
    expect_parents("x * x", v_mul(x[0], x[0]), (Value *[]){x[0], x[0]}, 2);
    expect_parents("sum of neighbours", v_sum(w, 5), w, 5);
    expect_parents("sum of a shuffled list", v_sum(shuffled, 5), shuffled, 5);
    expect_parents("logsumexp of one", v_logsumexp(&x[2], 1), &x[2], 1);
    expect_parents("dot of neighbours", v_dot(w, x, 2), (Value *[]){w[0], w[1], x[0], x[1]}, 4);
    expect_parents("dot with itself", v_dot(w, w, 2), (Value *[]){w[0], w[1], w[0], w[1]}, 4);
    expect_parents("dot, first shuffled", v_dot(shuffled, x, 2), (Value *[]){x[3], w[1], x[0], x[1]}, 4);
    expect_parents("dot, second shuffled", v_dot(x, shuffled, 2), (Value *[]){x[0], x[1], x[3], w[1]}, 4);
    expect_parents("bias behind the run", v_dot_bias(w, x, 2, w[2]), (Value *[]){w[0], w[1], w[2], x[0], x[1]}, 5);
    expect_parents("bias elsewhere", v_dot_bias(w, x, 2, x[4]), (Value *[]){w[0], w[1], x[4], x[0], x[1]}, 5);
    expect_parents("bias among the first", v_dot_bias(w, x, 2, w[0]), (Value *[]){w[0], w[1], w[0], x[0], x[1]}, 5);
    expect_parents("shuffled, with bias", v_dot_bias(shuffled, w, 1, x[3]), (Value *[]){x[3], x[3], w[0]}, 3);
}

Test(value, the_list_may_be_changed_at_once)
{
    Value *list[] = {v_param(g, 1), v_param(g, 2), v_param(g, 4)};
    Value *shuffled[] = {list[2], list[0], list[1]}, *copy[] = {list[2], list[0], list[1]};
    Value *sum = v_sum(shuffled, 3), *dot = v_dot(shuffled, list, 3);
    memset(shuffled, 0, sizeof shuffled);
    expect_parents("sum", sum, copy, 3);
    expect_parents("dot", dot, (Value *[]){copy[0], copy[1], copy[2], list[0], list[1], list[2]}, 6);
    backward(v_add(sum, dot));
    cr_expect_eq(list[2]->grad, 1 + 1 + 2, "got %g: ∂(Σ + (x₂, x₀, x₁)·(x₀, x₁, x₂))/∂x₂ = 1 + x₀ + x₁", list[2]->grad);
}

static void expect_edge(const char *what, const Value *v, size_t place, double want, const char *formula)
{
    cr_expect_eq(value_local_derivative(v, place), want, "%s: the number on edge %zu is %g, want %g", what, place,
                 value_local_derivative(v, place), want);
    cr_expect_str_eq(value_local_formula(v, place), formula, "%s: the formula on edge %zu is \"%s\", want \"%s\"", what,
                     place, value_local_formula(v, place), formula);
}

Test(value, each_edge_has_its_derivative_and_its_formula)
{
    Value *a = v_param(g, 3), *b = v_param(g, -0.5), *c = v_param(g, 0.25);
    Value *list[] = {c, a, b}, *pair[] = {a, c};
    expect_edge("3 - -0.5", v_sub(a, b), 0, 1, "1");
    expect_edge("3 - -0.5", v_sub(a, b), 1, -1, "-1");
    expect_edge("3 * -0.5", v_mul(a, b), 0, -0.5, "b");
    expect_edge("3 * -0.5", v_mul(a, b), 1, 3, "a");
    expect_edge("3 * 3, left", v_mul(a, a), 0, 3, "b");
    expect_edge("3 / -0.5", v_div(a, b), 0, -2, "1 / b");
    expect_edge("3 / -0.5", v_div(a, b), 1, -12, "-y / b");
    expect_edge("relu -0.5", v_relu(b), 0, 0, "a > 0");
    expect_edge("tanh 0.25", v_tanh(c), 0, 1 - v_tanh(c)->data * v_tanh(c)->data, "1 - y * y");
    expect_edge("sum", v_sum(list, 3), 2, 1, "1");
    expect_edge("logsumexp", v_logsumexp(list, 3), 1, exp(3 - v_logsumexp(list, 3)->data), "exp(a - y)");
    Value *dot = v_dot_bias(pair, list, 2, b); /* (a, c)·(c, a) + b */
    expect_edge("dot", dot, 0, 0.25, "b");
    expect_edge("dot", dot, 1, 3, "b");
    expect_edge("bias of a dot", dot, 2, 1, "1");
    expect_edge("dot", dot, 3, 3, "a");
    expect_edge("dot", dot, 4, 0.25, "a");
}

Test(value, each_parent_has_its_role_and_its_partner)
{
    Value *a = v_param(g, 3), *c = v_param(g, 0.25), *bias = v_param(g, 1);
    Value *left[] = {a, c}, *right[] = {c, a};
    Value *dot = v_dot_bias(left, right, 2, bias), *product = v_mul(a, c), *sum = v_sum(left, 2);
    static const ValueRole roles[] = {VALUE_IN_A, VALUE_IN_A, VALUE_BIAS, VALUE_IN_B, VALUE_IN_B};
    const Value *partners[] = {c, a, NULL, a, c};
    for (size_t i = 0; i < 5; i++) {
        cr_expect_eq(value_role(dot, i), roles[i], "parent %zu of the dot has role %d", i, value_role(dot, i));
        cr_expect_eq(value_partner(dot, i), partners[i], "parent %zu of the dot has another partner", i);
    }
    cr_expect(value_role(product, 1) == VALUE_IN_B && value_partner(product, 1) == a, "the second factor of a product");
    cr_expect(value_role(sum, 1) == VALUE_IN_A && value_partner(sum, 1) == NULL, "an element of a sum has no partner");
    cr_expect_eq(value_partner(v_exp(a), 0), NULL, "the operand of a function has no partner");
}

Test(value, a_push_is_the_product_that_the_reverse_walk_adds)
{
    Value *a = v_param(g, 3), *x = v_input(g, 2), *zero = v_param(g, 0);
    Value *product = v_mul(a, x), *flat = v_mul(zero, zero), *cut = v_relu(zero);
    product->grad = -5;
    cr_expect_eq(value_push(product, 0), -10, "∂(a·x)/∂a · -5 = x · -5: got %g", value_push(product, 0));
    cr_expect_eq(value_push(product, 1), 0, "an input needs no gradient: got %g", value_push(product, 1));
    flat->grad = cut->grad = INFINITY;
    cr_expect_eq(value_push(flat, 0), 0, "0·∞ adds nothing: got %g", value_push(flat, 0));
    cr_expect_eq(value_push(cut, 0), 0, "0·∞ adds nothing: got %g", value_push(cut, 0));
}

Test(value, every_op_reads_its_edges_off_the_table)
{
    Value *a = v_param(g, 0.7), *b = v_param(g, 1.3);
    for (OpCode op = (OpCode)(OP_CONST + 1); op < OP_COUNT; op++) {
        const OpInfo *info = &op_table[op];
        Value *y = info->shape == SHAPE_UNARY    ? value_unary(op, a, HERE)
                   : info->shape == SHAPE_BINARY ? value_binary(op, a, b, HERE)
                   : info->shape == SHAPE_LIST   ? value_list(op, &a, 1, HERE)
                                                 : value_pairs(op, &a, &b, 1, NULL, HERE);
        const bool takes_b = info->shape == SHAPE_BINARY || info->shape == SHAPE_PAIRS;
        cr_expect_eq(value_parent_count(y), takes_b ? 2 : 1, "%s has %zu parents", info->name, value_parent_count(y));
        expect_edge(info->name, y, 0, info->da(0.7, takes_b ? 1.3 : 0, y->data), info->da_text);
        if (takes_b)
            expect_edge(info->name, y, 1, info->db(0.7, 1.3, y->data), info->db_text);
    }
}

/* ---- side by side or scattered: the same bits -------------------------------------------------------------------- */

enum { MOST = 9 };
static double number_at(size_t i) { return sin(1.7 * (double)i + 0.3) * pow(10, (double)(i % 5) - 2); }

/* The same operands in the same order: in the first graph made one behind the other, in the second in another order,
 * each with a stranger between. */
static void make_neighbours(Graph *graph, Value **list, size_t n, size_t start)
{
    for (size_t i = 0; i < n; i++)
        list[i] = v_param(graph, number_at(start + i));
}

static void make_scattered(Graph *graph, Value **list, size_t n, size_t start)
{
    for (size_t k = 0; k < n; k++) {
        const size_t i = n - 1 - k;
        list[i] = v_param(graph, number_at(start + i));
        v_input(graph, 99);
    }
}

typedef struct Operands {
    Value *a[MOST], *b[MOST], *bias;
} Operands;

static Value *build_list_op(OpCode op, Operands *of, size_t n, bool with_bias)
{
    return op_table[op].shape == SHAPE_LIST ? value_list(op, of->a, n, HERE)
                                            : value_pairs(op, of->a, of->b, n, with_bias ? of->bias : NULL, HERE);
}

static void expect_same_operands(const char *what, size_t n, const Value *x, const Value *y)
{
    cr_expect(same_bits(x->data, y->data), "%s of %zu: side by side %.17g, scattered %.17g", what, n, x->data, y->data);
    for (size_t i = 0; i < value_parent_count(x); i++) {
        const double gx = value_parent(x, i)->grad, gy = value_parent(y, i)->grad;
        cr_expect(same_bits(gx, gy), "%s of %zu: ∂/∂parent(%zu) side by side %.17g, scattered %.17g", what, n, i, gx,
                  gy);
        cr_expect(gx != 0, "%s of %zu: ∂/∂parent(%zu) is 0: nothing was compared", what, n, i);
    }
}

static void compare_layouts(OpCode op, size_t n, bool with_bias)
{
    Graph *other = graph_new();
    Operands near, far;
    make_neighbours(g, near.a, n, 0);
    near.bias = v_param(g, number_at(100));
    make_neighbours(g, near.b, n, 50);
    far.bias = v_param(other, number_at(100));
    make_scattered(other, far.a, n, 0);
    make_scattered(other, far.b, n, 50);
    cr_assert(value_is_run(near.a, n) && value_is_run(near.b, n), "the neighbours are none");
    cr_assert(n < 2 || !value_is_run(far.a, n), "the scattered ones are neighbours");
    Value *x = build_list_op(op, &near, n, with_bias), *y = build_list_op(op, &far, n, with_bias);
    backward_from(x, 0.37);
    backward_from(y, 0.37);
    expect_same_operands(op_table[op].name, n, x, y);
    graph_free(other);
}

Test(value, neighbours_and_scattered_operands_give_the_same_bits)
{
    int compared = 0;
    for (OpCode op = (OpCode)(OP_CONST + 1); op < OP_COUNT; op++)
        for (size_t n = 1; n <= MOST; n++)
            if (op_table[op].shape == SHAPE_LIST || op_table[op].shape == SHAPE_PAIRS) {
                compare_layouts(op, n, false);
                compared++;
                if (op_table[op].shape == SHAPE_PAIRS)
                    compare_layouts(op, n, true);
            }
    cr_assert_geq(compared, 3 * MOST, "only %d comparisons", compared);
}

Test(value, one_side_of_a_dot_may_be_scattered_and_the_other_not)
{
    Graph *other = graph_new();
    Value *a[MOST], *b[MOST], *far_a[MOST], *far_b[MOST];
    make_neighbours(g, a, MOST, 0);
    make_neighbours(g, b, MOST, 50);
    make_neighbours(other, far_a, MOST, 0);
    make_scattered(other, far_b, MOST, 50);
    Value *dot = v_dot(a, b, MOST), *half = v_dot(far_a, far_b, MOST);
    backward(dot);
    backward(half);
    expect_same_operands("dot, second scattered", MOST, dot, half);
    graph_free(other);
}

Test(value, a_run_is_nodes_side_by_side_in_order)
{
    Value *list[4];
    make_neighbours(g, list, 4, 0);
    Value *backwards[] = {list[1], list[0]}, *gap[] = {list[0], list[2]}, *twice[] = {list[0], list[0]};
    cr_expect(value_is_run(list, 4) && value_is_run(list + 1, 3) && value_is_run(list + 3, 1), "a run is not seen");
    cr_expect(!value_is_run(backwards, 2) && !value_is_run(gap, 2) && !value_is_run(twice, 2),
              "no run is taken for one");
}

/* ---- names and printing ------------------------------------------------------------------------------------------ */

Test(value, a_label_is_copied)
{
    char text[] = "weight";
    Value *x = v_param(g, 1);
    cr_expect_eq(v_label(x, text), x, "v_label does not return its node");
    text[0] = 'X';
    cr_assert(x->label != NULL && strcmp(x->label, "weight") == 0, "the label is \"%s\"", x->label);
    v_label(x, "w2");
    cr_expect_str_eq(x->label, "w2", "a second label: \"%s\"", x->label);
}

Test(value, no_text_takes_the_label_away)
{
    Value *x = v_label(v_param(g, 1), "x");
    cr_expect_eq(v_label(x, NULL), x, "v_label does not return its node");
    cr_expect_eq(x->label, NULL, "the label is \"%s\"", x->label);
}

Test(value, a_label_may_be_made_of_the_old_one)
{
    Value *x = v_label(v_param(g, 1), "old weight");
    v_label(x, x->label + 4);
    cr_expect_str_eq(x->label, "weight", "got \"%s\"", x->label);
}

Test(value, a_text_that_is_not_the_nodes_own_is_left_alone)
{
    static const char text[] = "somebody's";
    Value *x = v_param(g, 1), *y = v_label(v_param(g, 2), "a longer text");
    x->label = text;
    cr_expect_str_eq(v_label(x, "x")->label, "x", "got \"%s\"", x->label);
    cr_expect_str_eq(text, "somebody's", "it was written over: \"%s\"", text);
    x->label = y->label;
    cr_expect_str_eq(v_label(x, "x")->label, "x", "got \"%s\"", x->label);
    cr_expect_str_eq(y->label, "a longer text", "the other node's label is \"%s\"", y->label);
}

Test(value, v_name_takes_the_name_of_the_variable)
{
    Value *learning_rate = v_param(g, 1);
    cr_expect_eq(V_NAME(learning_rate), learning_rate, "V_NAME does not return its node");
    cr_expect_str_eq(learning_rate->label, "learning_rate", "got \"%s\"", learning_rate->label);
}

Test(value, a_name_is_the_label_or_the_number)
{
    char name[VALUE_NAME_SIZE];
    for (int i = 0; i < 12; i++)
        v_param(g, i);
    Value *x = v_param(g, 1);
    cr_expect_eq(value_name(x, name), name, "value_name does not return the buffer");
    cr_expect_str_eq(name, "v12", "got \"%s\"", name);
    v_label(x, "x");
    cr_expect_str_eq(value_name(x, name), "x", "got \"%s\"", name);
}

Test(value, a_long_label_is_kept_whole_and_its_name_cut_to_fit)
{
    char text[5000], name[VALUE_NAME_SIZE + 1];
    memset(text, 'n', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    Value *x = v_label(v_param(g, 1), text);
    cr_expect(strcmp(x->label, text) == 0, "a label of %zu bytes was kept as %zu", strlen(text), strlen(x->label));
    name[VALUE_NAME_SIZE] = '#';
    value_name(x, name);
    cr_expect_eq(strlen(name), VALUE_NAME_SIZE - 1, "the name has %zu bytes", strlen(name));
    cr_expect_eq(name[VALUE_NAME_SIZE], '#', "the name runs over its buffer");
}

static void expect_printed(const Value *v, const char *want)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    value_print(v, out);
    fclose(out);
    cr_expect_str_eq(text, want, "printed \"%s\", want \"%s\"", text, want);
    free(text);
}

Test(value, printing_shows_name_value_gradient_and_operands)
{
    Value *a = v_param(g, 2), *b = v_label(v_param(g, -3), "b");
    Value *product = v_mul(a, b), *L = v_label(v_add(product, 10.0), "L");
    backward(L);
    expect_printed(L, "L = 4 (grad 1) = v2 + 10\n"); /* the line in value.h */
    expect_printed(product, "v2 = -6 (grad 1) = v0 * b\n");
    Value *list[9];
    for (int i = 0; i < 9; i++)
        list[i] = v_const(g, i);
    expect_printed(v_label(v_sum(list, 8), "s"), "s = 28 (grad 0) = sum(0, 1, 2, 3, 4, 5, 6, 7)\n");
    expect_printed(v_label(v_sum(list, 9), "s"), "s = 36 (grad 0) = sum(0, 1, 2, 3, 4, 5, 6, 7, ...)\n");
}

/* Without the marks a terminal would show the numbers beside the Hebrew name in the wrong order. */
Test(value, a_name_from_right_to_left_is_printed_between_direction_marks_and_a_harmful_one_made_safe)
{
    Value *w = v_label(v_param(g, 2), "משקל"), *L = v_label(v_mul(w, 3.0), "L\x1B[2J");
    backward(L);
    expect_printed(w, UTF8_LEFT_TO_RIGHT "משקל" UTF8_LEFT_TO_RIGHT " = 2 (grad 3) = param\n");
    expect_printed(L, "L" UTF8_REPLACEMENT "[2J = 6 (grad 1) = " UTF8_LEFT_TO_RIGHT "משקל" UTF8_LEFT_TO_RIGHT " * 3\n");
}

/* ---- misuse ------------------------------------------------------------------------------------------------------ */

Test(value, a_null_operand_stops_at_the_callers_line)
{
    Value *x = v_param(g, 2);
    Value *nothing = NULL, *list[] = {x, NULL, x}, *good[] = {x, x, x};
    const size_t before = graph_node_count(g);
    MUST_BE_MISUSE(v_exp(nothing), "exp", "NULL");
    MUST_BE_MISUSE(v_exp(NULL), "exp", "NULL");
    MUST_BE_MISUSE(v_relu(NULL), "relu", "NULL");
    MUST_BE_MISUSE(v_add(nothing, x), "add", "NULL");
    MUST_BE_MISUSE(v_sub(x, nothing), "sub", "NULL");
    MUST_BE_MISUSE(v_mul(NULL, x), "mul", "NULL");
    MUST_BE_MISUSE(v_mul(x, NULL), "mul", "NULL");
    MUST_BE_MISUSE(v_div(NULL, NULL), "div", "NULL");
    MUST_BE_MISUSE(v_div(2.0, NULL), "div", "NULL");
    MUST_BE_MISUSE(v_pow(nothing, 2), "pow", "NULL");
    MUST_BE_MISUSE(v_max(3, nothing), "max", "NULL");
    MUST_BE_MISUSE(v_min(NULL, 3), "min", "NULL");
    MUST_BE_MISUSE(v_sum(list, 3), "sum", "NULL", "1");
    MUST_BE_MISUSE(v_logsumexp(list, 2), "logsumexp", "NULL", "1");
    MUST_BE_MISUSE(v_dot(list, good, 3), "dot", "NULL", "1");
    MUST_BE_MISUSE(v_dot(good, list, 2), "dot", "NULL", "1");
    MUST_BE_MISUSE(v_dot_bias(good, list, 3, x), "dot", "NULL", "1");
    MUST_BE_MISUSE(v_sum((Value **)NULL, 3), "sum", "NULL");
    MUST_BE_MISUSE(v_dot(good, NULL, 3), "dot", "NULL");
    MUST_BE_MISUSE(v_dot(NULL, good, 3), "dot", "NULL");
    MUST_BE_MISUSE(v_label(nothing, "x"), "NULL");
    MUST_BE_MISUSE(V_NAME(nothing), "NULL");
    cr_expect_eq(graph_node_count(g), before, "misuse left %zu nodes behind", graph_node_count(g) - before);
}

Test(value, an_empty_list_stops_at_the_callers_line)
{
    Value *x = v_param(g, 2);
    Value *list[] = {x};
    MUST_BE_MISUSE(v_sum(list, 0), "sum", "0");
    MUST_BE_MISUSE(v_logsumexp(list, 0), "logsumexp", "0");
    MUST_BE_MISUSE(v_dot(list, list, 0), "dot", "0");
    MUST_BE_MISUSE(v_dot_bias(list, list, 0, x), "dot", "0");
}

Test(value, two_plain_numbers_stop_at_the_callers_line_and_say_what_to_write)
{
    MUST_BE_MISUSE(v_add(1.5, 2.25), "add", "1.5", "2.25", "v_const");
    MUST_BE_MISUSE(v_mul(3, 4.0F), "mul", "3", "4", "v_const");
}

Test(value, a_released_operand_stops_at_the_callers_line)
{
    Value *x = v_param(g, 2), *good[] = {x, x};
    const Mark mark = graph_mark(g);
    Value *gone = v_input(g, 3), *list[] = {x, gone};
    graph_release(g, mark);
    const size_t before = graph_node_count(g);
    MUST_BE_MISUSE(v_tanh(gone), "tanh", "released");
    MUST_BE_MISUSE(v_add(gone, x), "add", "released");
    MUST_BE_MISUSE(v_add(x, gone), "add", "released");
    MUST_BE_MISUSE(v_sub(gone, 1.0), "sub", "released");
    MUST_BE_MISUSE(v_sub(1.0, gone), "sub", "released");
    MUST_BE_MISUSE(v_sum(list, 2), "sum", "released", "1");
    MUST_BE_MISUSE(v_logsumexp(&gone, 1), "logsumexp", "released");
    MUST_BE_MISUSE(v_dot(list, good, 2), "dot", "released", "1");
    MUST_BE_MISUSE(v_dot(good, list, 2), "dot", "released", "1");
    MUST_BE_MISUSE(v_dot_bias(good, good, 2, gone), "dot", "released", "bias");
    MUST_BE_MISUSE(v_label(gone, "x"), "released");
    cr_expect_eq(graph_node_count(g), before, "misuse left %zu nodes behind", graph_node_count(g) - before);
}

Test(value, an_operand_of_another_graph_stops_at_the_callers_line)
{
    Graph *other = graph_new();
    Value *x = v_param(g, 2), *stranger = v_param(other, 3), *list[] = {x, stranger}, *good[] = {x, x};
    const size_t before = graph_node_count(g);
    MUST_BE_MISUSE(v_add(x, stranger), "add", "graph");
    MUST_BE_MISUSE(v_pow(stranger, x), "pow", "graph");
    MUST_BE_MISUSE(v_sum(list, 2), "sum", "graph", "1");
    MUST_BE_MISUSE(v_logsumexp(list, 2), "logsumexp", "graph", "1");
    MUST_BE_MISUSE(v_dot(list, good, 2), "dot", "graph", "1");
    MUST_BE_MISUSE(v_dot(good, list, 2), "dot", "graph", "1");
    MUST_BE_MISUSE(v_dot_bias(good, good, 2, stranger), "dot", "graph", "bias");
    cr_expect(graph_node_count(g) == before && graph_node_count(other) == 1, "misuse left nodes behind");
    graph_free(other);
}

Test(value, the_message_names_the_node_that_was_wrong)
{
    Value *x = v_param(g, 2);
    const Mark mark = graph_mark(g);
    Value *hidden = v_label(v_mul(x, 2.5), "hidden");
    graph_release(g, mark);
    MUST_BE_MISUSE(v_add(x, hidden), "b"); /* the role: which operand */
    (void)hidden;
}

Test(value, a_leaf_of_no_graph_is_misuse)
{
    MUST_BE_MISUSE(v_param(NULL, 1.0), "v_param", "the graph is NULL", "graph_new");
    MUST_BE_MISUSE(v_input(NULL, 1.0), "v_input", "the graph is NULL");
    MUST_BE_MISUSE(v_const(NULL, 1.0), "v_const", "the graph is NULL");
}

Test(value, a_formula_that_does_not_give_the_number_is_not_shown)
{
    Value *zero = v_param(g, 0), *minus = v_param(g, -1), *ten = v_param(g, 10), *big = v_param(g, 400);
    cr_expect_null(value_local_formula(v_log(minus), 0), "log at -1: 1/a is -1, and there is no derivative");
    cr_expect_null(value_local_formula(v_abs(zero), 0), "|a| at 0: a/y is 0/0, and the derivative 0 by convention");
    cr_expect_null(value_local_formula(v_pow(zero, v_param(g, 2)), 1), "0^b: 0 * log(0) is nan");
    cr_expect_str_eq(value_local_formula(v_log(ten), 0), "1 / a");
    cr_expect_str_eq(value_local_formula(v_log(zero), 0), "1 / a", "infinite, as its formula says");
    cr_expect_str_eq(value_local_formula(v_tanh(big), 0), "1 - y * y", "only the last digits are lost");
}

Test(value, one_infinite_operand_of_logsumexp_has_slope_1)
{
    const double points[] = {-INFINITY, INFINITY, 3};
    for (size_t i = 0; i < 3; i++) {
        Value *x = v_param(g, points[i]), *y = v_logsumexp(&x, 1);
        backward(y);
        cr_expect_eq(y->data, points[i], "logsumexp of %g alone is %g", points[i], y->data);
        cr_expect_eq(x->grad, 1, "logsumexp of %g alone has slope %g", points[i], x->grad);
    }
    Value *both[] = {v_param(g, -INFINITY), v_param(g, -INFINITY)}, *y = v_logsumexp(both, 2);
    backward(y);
    cr_expect(y->data == -INFINITY && isnan(both[0]->grad), "of two at -inf: -inf, and no derivative");
}

Test(value, lists_may_be_written_in_place)
{
    Value *a = v_param(g, 2), *b = v_param(g, 3);
    cr_expect_eq(v_sum((Value *[]){a, b}, 2)->data, 5);
    cr_expect_eq(v_dot((Value *[]){a, b}, (Value *[]){b, a}, 2)->data, 12);
    cr_expect_eq(v_dot_bias((Value *[]){a, b}, (Value *[]){b, a}, 2, a)->data, 14);
}

Test(value, null_is_reported_at_the_callers_line_by_functions_that_inspect)
{
    char name[VALUE_NAME_SIZE];
    MUST_BE_MISUSE(value_number(NULL), "value_number: the node is NULL");
    MUST_BE_MISUSE(value_print(NULL, stdout), "value_print: the node is NULL");
    MUST_BE_MISUSE(value_name(NULL, name), "value_name: the node is NULL");
    MUST_BE_MISUSE(value_parent(NULL, 0), "value_parent: the node is NULL");
    MUST_BE_MISUSE(graph_mark(NULL), "graph_mark: the graph is NULL");
    MUST_BE_MISUSE(graph_ok(NULL), "graph_ok: the graph is NULL");
    MUST_BE_MISUSE(graph_release(NULL, (Mark){0}), "graph_release: the graph is NULL");
}
