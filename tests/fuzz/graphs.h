/* graphs.h - the bytes of a fuzz input as a graph: leaves with ordinary and awkward numbers, and on them any ops of the
 * table, losses and matrix products, whose operands are any nodes before them: x*x, one node in use many times, lists
 * side by side and scattered, dead branches.
 *
 *     FuzzLeaves leaves = fuzz_leaves(&in, graph);
 *     const Mark mark = graph_mark(graph);
 *     Value *root = fuzz_graph(in, &leaves);
 *
 * The shape is a matter of the bytes alone, and not of the leaves' numbers (only the loss of a class picks the largest
 * logit): so the same bytes on other numbers are the same function at another point.
 */
#ifndef STEPGRAD_TESTS_FUZZ_GRAPHS_H
#define STEPGRAD_TESTS_FUZZ_GRAPHS_H

#include "fuzz.h"

#include "graph.h"
#include "loss.h"
#include "matrix.h"

enum { FUZZ_LEAVES = 8, FUZZ_STEPS = 24, FUZZ_LIST = 4, FUZZ_NODES = FUZZ_LEAVES + FUZZ_STEPS * FUZZ_LIST };

typedef struct FuzzLeaves {
    Value *all[FUZZ_LEAVES], *params[FUZZ_LEAVES], *inputs[FUZZ_LEAVES];
    size_t count, param_count, input_count;
} FuzzLeaves;

/* One to FUZZ_LEAVES of them; the first is a param. */
static inline FuzzLeaves fuzz_leaves(FuzzInput *in, Graph *graph)
{
    FuzzLeaves leaves = {.count = 1 + fuzz_below(in, FUZZ_LEAVES)};
    for (size_t i = 0; i < leaves.count; i++) {
        const size_t kind = i == 0 ? 0 : fuzz_below(in, 4);
        const double data = fuzz_number(in);
        Value *leaf = kind == 2 ? v_input(graph, data) : kind == 3 ? v_const(graph, data) : v_param(graph, data);
        leaves.all[i] = leaf;
        if (leaf->op == OP_PARAM)
            leaves.params[leaves.param_count++] = leaf;
        if (leaf->op == OP_INPUT)
            leaves.inputs[leaves.input_count++] = leaf;
    }
    return leaves;
}

/* Operands of a step: any nodes, or nodes that were made one after the other. */
static inline void fuzz_operands(FuzzInput *in, Value *const *nodes, size_t count, Value **operands, size_t n)
{
    const size_t first = fuzz_below(in, 2 * count); /* from `count` on: none, each is chosen for itself */
    for (size_t i = 0; i < n; i++)
        operands[i] = nodes[first < count ? (first + i) % count : count - 1 - fuzz_below(in, count)];
}

/* An op over as many of the operands as its shape takes. */
static inline Value *fuzz_node(OpCode op, Value *const *a, Value *const *b, size_t n, Value *bias)
{
    switch (op_table[op].shape) {
    case SHAPE_UNARY: return value_unary(op, a[0], HERE);
    case SHAPE_BINARY: return value_binary(op, a[0], b[0], HERE);
    case SHAPE_LIST: return value_list(op, a, n, HERE);
    default: return value_pairs(op, a, b, n, bias, HERE);
    }
}

/* A step that is no op of the table adds up to FUZZ_LIST nodes to `made`; returns how many. */
static inline size_t fuzz_composite(size_t which, Value **a, Value **b, size_t n, Value **made)
{
    Matrix product;
    switch (which) {
    case 0: made[0] = cross_entropy(a, n, (long)n - 1); return 1;
    case 1: made[0] = cross_entropy_one_hot(a, b, n); return 1;
    case 2: made[0] = mean_squared_error(a, b, n); return 1;
    case 3: log_softmax(a, n, made); return n;
    case 4: /* a layer of two neurons */
        made[0] = v_dot_bias(a, b, 1, a[1]);
        made[1] = v_dot_bias(a + 2, b, 1, a[3]);
        return 2;
    case 5: product = matmul(matrix_from_values(a, 2, 2), matrix_from_values(b, 2, 2)); break;
    default: product = matrix_row_softmax(matrix_from_values(a, 2, 2)); break;
    }
    memcpy(made, product.at, FUZZ_LIST * sizeof *made);
    return FUZZ_LIST;
}

static inline size_t fuzz_step(FuzzInput *in, Value *const *nodes, size_t count, Value **made)
{
    enum { OPS = OP_COUNT - OP_CONST - 1, COMPOSITES = 7 };
    Value *a[FUZZ_LIST], *b[FUZZ_LIST];
    const size_t what = fuzz_below(in, OPS + COMPOSITES), n = 1 + fuzz_below(in, FUZZ_LIST);
    fuzz_operands(in, nodes, count, a, FUZZ_LIST);
    fuzz_operands(in, nodes, count, b, FUZZ_LIST);
    if (what >= OPS)
        return fuzz_composite(what - OPS, a, b, n, made);
    const OpCode op = (OpCode)(OP_CONST + 1 + what);
    const size_t bias = op_table[op].shape == SHAPE_PAIRS ? fuzz_below(in, 3) : 0;
    made[0] = fuzz_node(op, a, b, n, (Value *[]){NULL, a[n % FUZZ_LIST], b[0]}[bias]);
    return 1;
}

/* The root: an op's node that depends on a param. `in` is a copy: the same bytes build it again. */
static inline Value *fuzz_graph(FuzzInput in, const FuzzLeaves *leaves)
{
    Value *nodes[FUZZ_NODES];
    size_t count = leaves->count;
    memcpy(nodes, leaves->all, count * sizeof *nodes);
    for (size_t i = 0; i < FUZZ_STEPS && fuzz_more(&in); i++)
        count += fuzz_step(&in, nodes, count, nodes + count);
    Value *root = nodes[count - 1];
    return root->needs_grad && root->op > OP_CONST ? root : v_add(root, leaves->all[0]);
}

/* NaN has many bit patterns, and which one is left open. */
static inline bool fuzz_same(double x, double y) { return memcmp(&x, &y, sizeof x) == 0 || (isnan(x) && isnan(y)); }

#endif
