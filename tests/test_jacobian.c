/* Forward mode over a graph, and the Jacobian by either mode. */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backward.h"
#include "caught.h"
#include "graph.h"
#include "jacobian.h"
#include "memory.h"
#include "no_memory.h"
#include "order.h"

/* ---- random graphs ----------------------------------------------------------------------------------------------- */

/* A generator of its own, so that a failing seed can be run again anywhere: Knuth's MMIX constants, the high bits. */
static uint64_t random_state;
static size_t random_below(size_t n)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (size_t)(random_state >> 33) % n;
}

enum {
    LEAVES = 24,
    NODES = 60,       /* leaves included; constants in expressions are none of them */
    DEPTH_MOST = 5,   /* edges from a leaf to any node */
    PARENTS_MOST = 3, /* of a node */
    USES_MOST = 3     /* of a node, by others */
};

typedef struct RandomGraph {
    Graph *graph;
    Value *node[NODES];
    size_t depth[NODES], uses[NODES];
    Value *roots[NODES]; /* the nodes that no other uses */
    size_t root_count;
} RandomGraph;

/* An operand that is not too deep and not used too often; leaves stay available for long. */
static size_t pick(RandomGraph *r, size_t count)
{
    size_t i;
    do
        i = random_below(count);
    while (r->depth[i] >= DEPTH_MOST || r->uses[i] >= USES_MOST);
    r->uses[i]++;
    return i;
}

static Value *random_op(Value **parents, size_t n)
{
    static const OpCode unary[] = {OP_NEG, OP_EXP, OP_SIN, OP_COS, OP_ABS, OP_TANH, OP_SIGMOID, OP_RELU, OP_SOFTPLUS};
    static const OpCode binary[] = {OP_ADD, OP_SUB, OP_MUL, OP_MAX, OP_MIN};
    switch (n) {
    case 1: return value_unary(unary[random_below(sizeof unary / sizeof unary[0])], parents[0], HERE);
    case 2: return value_binary(binary[random_below(sizeof binary / sizeof binary[0])], parents[0], parents[1], HERE);
    default:
        return random_below(3) == 0   ? v_sum(parents, n)
               : random_below(2) == 0 ? v_logsumexp(parents, n)
                                      : v_dot_bias(parents, parents + 1, 1, parents[2]);
    }
}

static void random_graph(RandomGraph *r, uint64_t seed)
{
    *r = (RandomGraph){.graph = graph_new()};
    random_state = seed;
    for (size_t i = 0; i < LEAVES; i++)
        r->node[i] = v_param(r->graph, (double)random_below(2001) / 1000 - 1);
    for (size_t i = LEAVES; i < NODES; i++) {
        Value *parents[PARENTS_MOST];
        const size_t n = 1 + random_below(PARENTS_MOST);
        for (size_t p = 0; p < n; p++) {
            const size_t chosen = pick(r, i);
            parents[p] = r->node[chosen];
            if (r->depth[chosen] + 1 > r->depth[i])
                r->depth[i] = r->depth[chosen] + 1;
        }
        r->node[i] = random_op(parents, n);
    }
    for (size_t i = LEAVES; i < NODES; i++)
        if (r->uses[i] == 0)
            r->roots[r->root_count++] = r->node[i];
}

/* Σ over all paths from root to each leaf of |product of local derivatives|: a reverse walk on absolute values. */
static void sum_of_absolute_paths(Value *root, Value *const *leaves, size_t n, double *sums)
{
    size_t count;
    Value **order = graph_topological_order(root, &count);
    double *paths = calloc(graph_node_count(value_graph(root)), sizeof *paths);
    paths[value_number(root)] = 1;
    for (size_t i = count; i-- > 0;)
        for (size_t p = 0; p < value_parent_count(order[i]); p++)
            paths[value_number(value_parent(order[i], p))] +=
                fabs(value_local_derivative(order[i], p)) * paths[value_number(order[i])];
    for (size_t j = 0; j < n; j++)
        sums[j] = paths[value_number(leaves[j])];
    free(paths);
    memory_free(order);
}

/* Both modes have the same local derivatives, and differ by the rounding of products and sums along a path. In forward
 * mode an edge costs one product and up to PARENTS_MOST − 1 additions, in reverse mode one and up to USES_MOST − 1: 3 +
 * 3 per edge, 5 edges to a path, 30 roundings of 2⁻⁵³ each. 32 leaves room for the terms of second order. */
Test(jacobian, forward_and_reverse_agree_to_rounding_on_random_graphs)
{
    static double forward[NODES * LEAVES], reverse[NODES * LEAVES];
    size_t entries = 0, nonzero = 0, apart = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        RandomGraph r;
        Error error;
        random_graph(&r, seed);
        cr_assert(jacobian_forward(r.roots, r.root_count, r.node, LEAVES, forward, &error), "%s", error.message);
        cr_assert(jacobian_reverse(r.roots, r.root_count, r.node, LEAVES, reverse, &error), "%s", error.message);
        for (size_t i = 0; i < r.root_count; i++) {
            double paths[LEAVES];
            sum_of_absolute_paths(r.roots[i], r.node, LEAVES, paths);
            for (size_t j = 0; j < LEAVES; j++) {
                const double f = forward[i * LEAVES + j], b = reverse[i * LEAVES + j];
                cr_expect(fabs(f - b) <= 32 * 0x1p-53 * paths[j],
                          "seed %d, root %zu, leaf %zu: forward %.17g, reverse %.17g, paths add up to %.17g", (int)seed,
                          i, j, f, b, paths[j]);
                entries++;
                nonzero += b != 0;
                apart += f != b;
            }
        }
        graph_free(r.graph);
    }
    cr_assert(nonzero > entries / 20 && nonzero > 1000, "%zu of %zu slopes are not 0: too few", nonzero, entries);
    cr_assert(apart > 0, "not one entry differs in its last bit: were these really two computations?");
}

/* ---- a Jacobian known by heart ----------------------------------------------------------------------------------- */

/* y₀ = a·b + c, y₁ = b², at a = 2, b = 3, c = 5:  J = (3 2 1 / 0 6 0). All in whole numbers, so exact. */
typedef struct Known {
    Graph *graph;
    Value *leaves[3];
    Value *roots[2];
} Known;

static const double known_jacobian[6] = {3, 2, 1, 0, 6, 0};

static Known known_new(OpCode kind)
{
    Known k = {.graph = graph_new()};
    const double points[3] = {2, 3, 5};
    for (size_t j = 0; j < 3; j++)
        k.leaves[j] = value_leaf(kind, k.graph, points[j], HERE);
    k.roots[0] = v_add(v_mul(k.leaves[0], k.leaves[1]), k.leaves[2]);
    k.roots[1] = v_mul(k.leaves[1], k.leaves[1]);
    return k;
}

static void expect_known(const double *matrix, const char *mode)
{
    for (size_t i = 0; i < 6; i++)
        cr_expect_eq(matrix[i], known_jacobian[i], "%s: J[%zu][%zu]: got %g, want %g", mode, i / 3, i % 3, matrix[i],
                     known_jacobian[i]);
}

Test(jacobian, both_modes_give_the_matrix_row_major)
{
    Known k = known_new(OP_PARAM);
    double matrix[6];
    cr_assert(jacobian_forward(k.roots, 2, k.leaves, 3, matrix, NULL), "forward failed");
    expect_known(matrix, "forward");
    cr_assert(jacobian_reverse(k.roots, 2, k.leaves, 3, matrix, NULL), "reverse failed");
    expect_known(matrix, "reverse");
    graph_free(k.graph);
}

Test(jacobian, what_is_behind_the_end_of_a_list_is_not_looked_at)
{
    Known k = known_new(OP_PARAM);
    Value *roots[] = {k.roots[0], NULL}, *leaves[] = {k.leaves[0], k.leaves[1], NULL};
    double forward[3] = {7, 7, 7}, reverse[3] = {7, 7, 7};
    cr_assert(jacobian_forward(roots, 1, leaves, 2, forward, NULL) &&
              jacobian_reverse(roots, 1, leaves, 2, reverse, NULL));
    cr_expect(forward[0] == 3 && forward[1] == 2 && forward[2] == 7, "forward: %g %g %g", forward[0], forward[1],
              forward[2]);
    cr_expect(reverse[0] == 3 && reverse[1] == 2 && reverse[2] == 7, "reverse: %g %g %g", reverse[0], reverse[1],
              reverse[2]);
    memory_lasts(0);
    cr_expect_not(jacobian_forward(roots, 1, leaves, 2, forward, NULL));
    cr_expect_not(jacobian_reverse(roots, 1, leaves, 2, reverse, NULL));
    memory_restore();
    graph_free(k.graph);
}

Test(jacobian, the_cheaper_mode_is_chosen_and_reported)
{
    Known k = known_new(OP_PARAM);
    double matrix[6];
    JacobianMode mode;
    cr_assert(jacobian(k.roots, 2, k.leaves, 3, matrix, &mode, NULL), "failed");
    expect_known(matrix, "2 by 3");
    cr_assert_eq(mode, JACOBIAN_REVERSE, "2 roots, 3 leaves: got mode %d, want reverse", (int)mode);
    cr_assert(jacobian(k.roots, 2, k.leaves, 2, matrix, &mode, NULL), "failed");
    cr_assert_eq(mode, JACOBIAN_FORWARD, "2 roots, 2 leaves: got mode %d, want forward", (int)mode);
    cr_assert(jacobian(k.roots, 1, k.leaves, 1, matrix, NULL, NULL) && matrix[0] == 3, "got %g, want 3", matrix[0]);
    graph_free(k.graph);
}

Test(jacobian, inputs_are_differentiated_in_forward_mode)
{
    Known k = known_new(OP_INPUT);
    double matrix[6];
    JacobianMode mode;
    cr_assert(jacobian(k.roots, 2, k.leaves, 3, matrix, &mode, NULL), "failed");
    expect_known(matrix, "inputs");
    cr_assert_eq(mode, JACOBIAN_FORWARD, "inputs: got mode %d, want forward", (int)mode);
    graph_free(k.graph);
}

Test(jacobian, a_reverse_walk_of_its_own_leaves_nothing_behind)
{
    Known k = known_new(OP_PARAM);
    double matrix[6];
    FILE *out = tmpfile();
    backward(k.roots[0]);
    Value *product = value_parent(k.roots[0], 0);
    backward_trace(k.graph, out);
    cr_assert(jacobian_reverse(k.roots, 2, k.leaves, 3, matrix, NULL), "failed");
    cr_expect(k.roots[0]->grad == 1 && product->grad == 1 && k.roots[1]->grad == 0, "interior gradients: %g, %g, %g",
              k.roots[0]->grad, product->grad, k.roots[1]->grad);
    cr_expect(k.leaves[0]->grad == 3 && k.leaves[1]->grad == 2 && k.leaves[2]->grad == 1, "leaves: %g, %g, %g",
              k.leaves[0]->grad, k.leaves[1]->grad, k.leaves[2]->grad);
    cr_expect_eq(ftell(out), 0, "%ld bytes were traced", ftell(out));
    backward(k.roots[1]);
    cr_expect(ftell(out) > 0, "the user's own walk is not traced any more");
    cr_expect(k.leaves[0]->grad == 3 && k.leaves[1]->grad == 8, "then backward gives %g, %g", k.leaves[0]->grad,
              k.leaves[1]->grad);
    fclose(out);
    graph_free(k.graph);
}

Test(jacobian, gradients_that_params_had_accumulated_are_kept)
{
    Known k = known_new(OP_PARAM);
    Value *unused = v_param(k.graph, 1);
    Value *leaves[2] = {unused, k.leaves[1]};
    double matrix[4];
    for (size_t j = 0; j < 3; j++)
        k.leaves[j]->grad = 100 + (double)j;
    unused->grad = 7;
    cr_assert(jacobian_reverse(k.roots, 2, leaves, 2, matrix, NULL), "failed");
    cr_assert(matrix[0] == 0 && matrix[1] == 2 && matrix[2] == 0 && matrix[3] == 6, "got %g %g %g %g, want 0 2 0 6",
              matrix[0], matrix[1], matrix[2], matrix[3]);
    for (size_t j = 0; j < 3; j++)
        cr_expect_eq(k.leaves[j]->grad, 100 + (double)j, "leaf %zu: its gradient is now %g", j, k.leaves[j]->grad);
    cr_expect_eq(unused->grad, 7, "the leaf that no root uses: its gradient is now %g", unused->grad);
    cr_assert(jacobian_forward(k.roots, 2, leaves, 2, matrix, NULL) && k.leaves[1]->grad == 101,
              "forward mode touched a gradient: %g", k.leaves[1]->grad);
    graph_free(k.graph);
}

Test(jacobian, a_backward_pass_after_it_starts_clean)
{
    Known k = known_new(OP_PARAM);
    double matrix[6];
    cr_assert(jacobian_reverse(k.roots, 2, k.leaves, 3, matrix, NULL), "failed");
    backward(k.roots[0]);
    cr_assert_eq(k.leaves[0]->grad, 3, "got %g, want 3", k.leaves[0]->grad);
    cr_assert_eq(k.leaves[1]->grad, 2, "got %g, want 2", k.leaves[1]->grad);
    graph_free(k.graph);
}

Test(jacobian, leaves_may_repeat_and_roots_may_be_leaves_or_constants)
{
    Graph *g = graph_new();
    Value *x = v_param(g, 3);
    Value *roots[3] = {x, v_const(g, 4), v_mul(x, x)};
    Value *late = v_param(g, 1); /* made after every root */
    Value *leaves[3] = {x, late, x};
    const double want[9] = {1, 0, 1, 0, 0, 0, 6, 0, 6};
    double forward[9], reverse[9];
    cr_assert(jacobian_forward(roots, 3, leaves, 3, forward, NULL), "failed");
    cr_assert(jacobian_reverse(roots, 3, leaves, 3, reverse, NULL), "failed");
    for (size_t i = 0; i < 9; i++)
        cr_expect(forward[i] == want[i] && reverse[i] == want[i], "entry %zu: forward %g, reverse %g, want %g", i,
                  forward[i], reverse[i], want[i]);
    graph_free(g);
}

Test(jacobian, each_row_of_reverse_mode_starts_from_gradients_of_0)
{
    Graph *g = graph_new();
    Value *leaves[2] = {v_param(g, 2), v_param(g, 3)};
    Value *roots[3] = {v_add(leaves[0], leaves[1]), v_mul(leaves[0], leaves[1]), v_sub(leaves[0], leaves[1])};
    const double want[6] = {1, 1, 3, 2, 1, -1};
    double matrix[6];
    cr_assert(jacobian_reverse(roots, 3, leaves, 2, matrix, NULL), "failed");
    for (size_t i = 0; i < 6; i++)
        cr_expect_eq(matrix[i], want[i], "J[%zu][%zu]: got %g, want %g", i / 2, i % 2, matrix[i], want[i]);
    graph_free(g);
}

Test(jacobian, lists_that_lie_scattered_and_lists_that_lie_side_by_side_agree)
{
    Graph *g = graph_new();
    Value *w[4], *x[3];
    for (size_t i = 0; i < 4; i++)
        w[i] = v_param(g, (double)i + 1);
    for (size_t i = 0; i < 3; i++)
        x[i] = v_param(g, 10 * ((double)i + 1));
    Value *turned[3] = {w[2], w[0], w[1]};
    Value *roots[2] = {v_dot_bias(w, x, 3, w[3]), v_dot_bias(turned, x, 3, w[3])};
    Value *leaves[7] = {w[0], w[1], w[2], w[3], x[0], x[1], x[2]};
    const double want[14] = {10, 20, 30, 1, 1, 2, 3, 20, 30, 10, 1, 3, 1, 2};
    double forward[14], reverse[14];
    cr_assert(jacobian_forward(roots, 2, leaves, 7, forward, NULL), "failed");
    cr_assert(jacobian_reverse(roots, 2, leaves, 7, reverse, NULL), "failed");
    for (size_t i = 0; i < 14; i++)
        cr_expect(forward[i] == want[i] && reverse[i] == want[i], "J[%zu][%zu]: forward %g, reverse %g, want %g", i / 7,
                  i % 7, forward[i], reverse[i], want[i]);
    graph_free(g);
}

/* ---- directions -------------------------------------------------------------------------------------------------- */

Test(jacobian, the_tangents_of_all_nodes_come_in_topological_order)
{
    Known k = known_new(OP_INPUT);
    const double direction[3] = {1, -2, 0.5};
    size_t count;
    Tangent *list = forward_tangents(k.roots[0], k.leaves, direction, 3, &count, NULL);
    const double want[5] = {1, -2, 0.5, -1, -0.5}; /* a, b, c, a·b, a·b + c */
    cr_assert(list != NULL && count == 5, "got %zu nodes, want 5", count);
    cr_assert_eq(list[4].node, k.roots[0], "the root is not last");
    for (size_t i = 0; i < 5; i++)
        cr_expect_eq(list[i].tangent, want[i], "tangent of v%zu: got %g, want %g", value_number(list[i].node),
                     list[i].tangent, want[i]);
    memory_free(list);
    graph_free(k.graph);
}

Test(jacobian, a_tangent_of_zero_contributes_nothing_to_an_infinite_slope)
{
    Graph *g = graph_new();
    Value *leaves[2] = {v_param(g, 0), v_param(g, 2)};
    Value *root = v_add(v_sqrt(leaves[0]), leaves[1]);
    const double second_alone[2] = {0, 1};
    size_t count;
    Tangent *list = forward_tangents(root, leaves, second_alone, 2, &count, NULL);
    cr_assert(list != NULL && list[count - 1].node == root, "failed");
    cr_assert_eq(list[count - 1].tangent, 1, "sqrt(x) + y along y at x = 0: got %g, want 1", list[count - 1].tangent);
    memory_free(list);
    graph_free(g);
}

Test(jacobian, a_chain_of_three_hundred_thousand_nodes_is_walked)
{
    enum { LENGTH = 300 * 1000 };
    Graph *g = graph_new();
    Value *x = v_param(g, 1), *y = x;
    for (int i = 0; i < LENGTH; i++)
        y = v_neg(y);
    double forward, reverse;
    cr_assert(jacobian_forward(&y, 1, &x, 1, &forward, NULL) && forward == 1, "forward: got %g, want 1", forward);
    cr_assert(jacobian_reverse(&y, 1, &x, 1, &reverse, NULL) && reverse == 1, "reverse: got %g, want 1", reverse);
    graph_free(g);
}

/* ---- no memory --------------------------------------------------------------------------------------------------- */

typedef bool UnderTest(Known *k, double *matrix, Error *error);

static bool test_forward(Known *k, double *matrix, Error *error)
{
    return jacobian_forward(k->roots, 2, k->leaves, 3, matrix, error);
}
static bool test_reverse(Known *k, double *matrix, Error *error)
{
    return jacobian_reverse(k->roots, 2, k->leaves, 3, matrix, error);
}
static bool test_tangents(Known *k, double *matrix, Error *error)
{
    size_t count;
    Tangent *list = forward_tangents(k->roots[0], k->leaves, known_jacobian, 3, &count, error);
    matrix[0] = (double)count;
    memory_free(list);
    return list != NULL;
}

Test(jacobian, no_memory_is_an_error_wherever_it_strikes)
{
    static UnderTest *const functions[] = {test_forward, test_reverse, test_tangents};
    for (size_t f = 0; f < sizeof functions / sizeof functions[0]; f++) {
        Known k = known_new(OP_PARAM);
        k.leaves[0]->grad = 5;
        int failures = 0;
        bool done = false;
        for (; !done && failures < 20; failures += !done) {
            double matrix[6];
            Error error = {""};
            memory_lasts((size_t)failures);
            done = functions[f](&k, matrix, &error);
            memory_restore();
            cr_expect(done || strstr(error.message, "no memory") != NULL, "function %zu, allocation %d: message \"%s\"",
                      f, failures, error.message);
            cr_expect_eq(k.leaves[0]->grad, 5, "function %zu, allocation %d: the gradient is now %g", f, failures,
                         k.leaves[0]->grad);
        }
        cr_expect(done && failures >= (functions[f] == test_reverse ? 1 : 3),
                  "function %zu: %d allocations failed before it succeeded", f, failures);
        graph_free(k.graph);
    }
}

static void expect_no_memory_said(bool done, const Error *error, const char *what)
{
    cr_expect_not(done, "%s of a failed node was computed", what);
    cr_expect(strstr(error->message, "there was no memory when the graph was built") != NULL, "%s: \"%s\"", what,
              error->message);
}

Test(jacobian, a_node_that_there_was_no_memory_for_is_an_error)
{
    Graph *g = graph_new();
    Value *x = v_param(g, 1), *failed = graph_fail(g), *square = v_mul(x, x);
    const double direction[1] = {1};
    double matrix[2];
    size_t count = 7;
    Error error = {""};
    expect_no_memory_said(jacobian_forward(&failed, 1, &x, 1, matrix, &error), &error, "the forward Jacobian");
    error = (Error){""};
    expect_no_memory_said(jacobian_reverse(&failed, 1, &x, 1, matrix, &error), &error, "the reverse Jacobian");
    error = (Error){""};
    expect_no_memory_said(jacobian_forward(&square, 1, &failed, 1, matrix, &error), &error, "a column");
    Value *roots[] = {square, failed}, *leaves[] = {x, failed};
    error = (Error){""};
    expect_no_memory_said(jacobian_reverse(roots, 2, &x, 1, matrix, &error), &error, "the second root");
    error = (Error){""};
    expect_no_memory_said(jacobian_reverse(&square, 1, leaves, 2, matrix, &error), &error, "the second leaf");
    error = (Error){""};
    expect_no_memory_said(forward_tangents(failed, &x, direction, 1, &count, &error) != NULL, &error, "a tangent");
    cr_expect_eq(count, 0, "%zu tangents", count);
    graph_free(g);
}

/* ---- misuse ------------------------------------------------------------------------------------------------------ */

Test(jacobian, misuse_says_which_root_or_leaf_and_why)
{
    static double matrix[6];
    static size_t count;
    Known k = known_new(OP_PARAM), other = known_new(OP_INPUT);
    Value *computed[] = {k.leaves[0], k.roots[1]}, *mixed[] = {k.leaves[0], other.leaves[1]},
          *hole[] = {k.roots[0], NULL};
    MUST_BE_MISUSE(jacobian_forward(k.roots, 2, k.roots, 1, matrix, NULL), "leaf 0 (v4, data 11) was computed");
    MUST_BE_MISUSE(jacobian_reverse(k.roots, 2, computed, 2, matrix, NULL), "leaf 1 (v5, data 9) was computed");
    MUST_BE_MISUSE(jacobian_reverse(other.roots, 2, other.leaves, 3, matrix, NULL), "0 (v0, data 2, input) is not a");
    mixed[0] = v_param(other.graph, 7);
    MUST_BE_MISUSE(jacobian_reverse(other.roots, 2, mixed, 2, matrix, NULL), "1 (v1, data 3, input) is not a");
    mixed[0] = k.leaves[0];
    MUST_BE_MISUSE(jacobian_forward(k.roots, 2, other.leaves, 3, matrix, NULL), "0 (v0, data 2) belongs to");
    MUST_BE_MISUSE(jacobian_forward(k.roots, 2, mixed, 2, matrix, NULL), "leaf 1 (v1, data 3) belongs to another");
    MUST_BE_MISUSE(jacobian_forward(k.roots, 2, &hole[1], 1, matrix, NULL), "jacobian_forward: leaf 0 is NULL");
    MUST_BE_MISUSE(jacobian(&hole[1], 1, k.leaves, 3, matrix, NULL, NULL), "jacobian_reverse: root 0 is NULL");
    MUST_BE_MISUSE(jacobian(hole, 2, k.leaves, 3, matrix, NULL, NULL), "jacobian_reverse: root 1 is NULL");
    MUST_BE_MISUSE(jacobian(k.roots, 0, k.leaves, 3, matrix, NULL, NULL), "no root (m = 0 roots, n = 3 leaves)");
    MUST_BE_MISUSE(jacobian(NULL, 2, k.leaves, 3, matrix, NULL, NULL), "there is no root (m = 2 roots");
    MUST_BE_MISUSE(jacobian(k.roots, 2, k.leaves, 0, matrix, NULL, NULL), "no leaf (m = 2 roots, n = 0 leaves)");
    MUST_BE_MISUSE(jacobian(k.roots, 2, NULL, 3, matrix, NULL, NULL), "there is no leaf");
    MUST_BE_MISUSE(forward_tangents(k.roots[0], NULL, matrix, 3, &count, NULL), "forward_tangents: there is no leaf");
    MUST_BE_MISUSE(forward_tangents(k.roots[0], k.leaves, matrix, 3, NULL, NULL), "forward_tangents: count is NULL");
    MUST_BE_MISUSE(forward_tangents(k.roots[0], k.leaves, NULL, 3, &count, NULL), "direction is NULL");
    MUST_BE_MISUSE(jacobian_forward(k.roots, 2, k.leaves, 3, NULL, NULL), "jacobian_forward: matrix is NULL");
    MUST_BE_MISUSE(jacobian_reverse(k.roots, 2, k.leaves, 3, NULL, NULL), "Give an array with 6 places.");
    graph_free(k.graph);
    graph_free(other.graph);
}

Test(jacobian, a_released_root_is_misuse, .signal = SIGABRT)
{
    Graph *g = graph_new();
    Value *x = v_param(g, 1);
    const Mark mark = graph_mark(g);
    Value *y = v_mul(x, x);
    double matrix[1];
    graph_release(g, mark);
    jacobian_forward(&y, 1, &x, 1, matrix, NULL);
}

/* The mode is chosen by what the leaves are; of a released one nothing may be read. The sanitizers see it. */
Test(jacobian, a_released_leaf_is_misuse_in_the_mode_that_is_chosen)
{
    Graph *g = graph_new();
    Value *x = v_param(g, 1), *y = v_mul(x, x);
    const Mark mark = graph_mark(g);
    Value *leaves[] = {x, v_param(g, 2)};
    double matrix[2];
    graph_release(g, mark);
    MUST_BE_MISUSE(jacobian(&y, 1, leaves, 2, matrix, NULL, NULL), "released");
    graph_free(g);
}
