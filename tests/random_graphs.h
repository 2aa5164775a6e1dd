/* random_graphs.h - Build pseudo-random graphs over all ops, walk them backwards, and reduce every bit of every value
 * and gradient to one number. The same number on every compiler and at every level of optimisation, on one libm.
 *
 *     RandomGraphs sum = {.hash = FNV_START};
 *     for (uint64_t seed = 0; seed < 100; seed++)
 *         random_graphs_add(&sum, seed);
 *
 * Each graph has a tangle of random ops, dead branches, inputs, lists side by side and scattered, and a small MLP on
 * top, made of dots with bias over parameters side by side. Operands are drawn in statements of their own: C leaves
 * open in which order the arguments of a call are computed.
 */
#ifndef STEPGRAD_TESTS_RANDOM_GRAPHS_H
#define STEPGRAD_TESTS_RANDOM_GRAPHS_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "backward.h"
#include "graph.h"
#include "memory.h"
#include "order.h"
#include "random.h"

#define FNV_START UINT64_C(0xcbf29ce484222325)

typedef struct RandomGraphs {
    uint64_t hash;
    size_t nodes;          /* hashed so far */
    size_t gradients;      /* of them, those with a finite gradient other than 0: else there was little to compare */
    size_t uses[OP_COUNT]; /* of each op below a root */
} RandomGraphs;

enum { LEAVES = 9, TANGLED = 60, WIDEST = 9, HIDDEN = 8, CLASSES = 3 };

/* FNV-1a over the 8 bytes of x, lowest first. Which of its many bit patterns a NaN has is left open by C: all count
 * as one. */
static inline void random_graphs_hash(RandomGraphs *sum, double x)
{
    uint64_t bits = UINT64_C(0x7ff8000000000000);
    if (!isnan(x))
        memcpy(&bits, &x, sizeof bits);
    for (int shift = 0; shift < 64; shift += 8)
        sum->hash = (sum->hash ^ ((bits >> shift) & 0xff)) * UINT64_C(0x100000001b3);
}

static inline Value *pick(Random *random, Value **nodes, size_t count) { return nodes[random_below(random, count)]; }

/* A node of a random op over some of nodes[0..count); the first LEAVES of them lie side by side. */
static inline Value *random_node(Random *random, Value **nodes, size_t count)
{
    const OpCode op = (OpCode)(OP_CONST + 1 + random_below(random, OP_COUNT - OP_CONST - 1));
    const OpShape shape = op_table[op].shape;
    Value *a[WIDEST], *b[WIDEST];
    const size_t n = shape == SHAPE_LIST || shape == SHAPE_PAIRS ? 1 + random_below(random, WIDEST) : 1;
    const bool a_is_run = random_below(random, 2) == 0, has_bias = random_below(random, 2) == 0;
    for (size_t i = 0; i < n; i++) {
        a[i] = a_is_run ? nodes[i] : pick(random, nodes, count);
        b[i] = pick(random, nodes, count);
    }
    switch (shape) {
    case SHAPE_UNARY: return value_unary(op, b[0], HERE);
    case SHAPE_BINARY: return value_binary(op, a[0], b[0], HERE);
    case SHAPE_LIST: return value_list(op, a, n, HERE);
    default: return value_pairs(op, a, b, n, has_bias ? b[0] : NULL, HERE);
    }
}

/* Random ops, one upon the other. What overflows or has no value is left lying: a dead branch. */
static inline Value *random_tangle(Random *random, Graph *graph)
{
    Value *nodes[LEAVES + TANGLED];
    for (size_t i = 0; i < LEAVES; i++) {
        const double data = random_uniform(random, -2, 2);
        nodes[i] = i % 3 == 2 ? v_input(graph, data) : v_param(graph, data);
    }
    size_t count = LEAVES;
    for (size_t i = 0; i < TANGLED; i++) {
        Value *v = random_node(random, nodes, count);
        if (fabs(v->data) < 1e3)
            nodes[count++] = v;
    }
    return v_tanh(v_mul(v_sum(nodes, count), 1.0 / 64));
}

/* tanh of w·x + c for each of `out` neurons, whose weights and bias lie side by side; then the same again. */
static inline void random_layer(Random *random, Graph *graph, Value **x, size_t in, Value **y, size_t out)
{
    Value *w[HIDDEN * (HIDDEN + 1)];
    for (size_t i = 0; i < out * (in + 1); i++) {
        const double data = random_uniform(random, -1, 1);
        w[i] = v_param(graph, data);
    }
    for (size_t i = 0; i < out; i++)
        y[i] = v_dot_bias(w + i * (in + 1), x, in, w[i * (in + 1) + in]);
}

static inline Value *random_mlp_loss(Random *random, Graph *graph, Value *input)
{
    Value *x[2] = {input, v_input(graph, 0.625)}, *h[HIDDEN], *logits[CLASSES];
    random_layer(random, graph, x, 2, h, HIDDEN);
    for (size_t i = 0; i < HIDDEN; i++)
        h[i] = v_tanh(h[i]);
    random_layer(random, graph, h, HIDDEN, logits, CLASSES);
    return v_sub(v_logsumexp(logits, CLASSES), logits[random_below(random, CLASSES)]);
}

/* False when there was no memory. */
static inline bool random_graphs_add(RandomGraphs *sum, uint64_t seed)
{
    Random random;
    random_seed(&random, seed);
    Graph *graph = graph_new();
    if (graph == NULL)
        return false;
    Value *loss = random_mlp_loss(&random, graph, random_tangle(&random, graph));
    size_t count = 0;
    Value **order = graph_topological_order(loss, &count);
    backward(loss);
    for (size_t i = 0; i < count; i++) {
        random_graphs_hash(sum, order[i]->data);
        random_graphs_hash(sum, order[i]->grad);
        sum->gradients += isfinite(order[i]->grad) && order[i]->grad != 0;
        sum->uses[order[i]->op]++;
    }
    sum->nodes += count;
    memory_free(order);
    graph_free(graph);
    return order != NULL;
}

#endif
