/* walk.h - the reverse walk once more, in the plainest way there is: what the engine, replay and the walk by steps must
 * give bit for bit.
 *
 *     Walk walk = walk_new(root);                    // gradients of params begin where the engine's are now
 *     walk_back(&walk, seed);
 *     ... walk.grad[i] is what order[i]->grad should be, walk.terms[j] the jth product that was pushed ...
 */
#ifndef STEPGRAD_TESTS_FUZZ_WALK_H
#define STEPGRAD_TESTS_FUZZ_WALK_H

#include "fuzz.h"
#include "graph.h"
#include "order.h"

/* A product that went to a parent; 0 where nothing was pushed. */
typedef struct WalkTerm {
    size_t parent; /* by place in the order */
    size_t param;  /* for the caller, who may know it by another number */
    double local, grad, product;
} WalkTerm;

typedef struct Walk {
    Value **order;
    size_t count;
    double *grad;
    WalkTerm *terms; /* of the last walk */
    size_t term_count;
} Walk;

static inline Walk walk_new(Value *root)
{
    Walk walk = {.order = graph_topological_order(root, &walk.count)};
    size_t edges = 0;
    for (size_t i = 0; walk.order != NULL && i < walk.count; i++)
        edges += value_parent_count(walk.order[i]);
    walk.grad = calloc(walk.count, sizeof *walk.grad);
    walk.terms = calloc(edges, sizeof *walk.terms);
    fuzz_require(walk.order != NULL && walk.grad != NULL && walk.terms != NULL, "memory for a walk");
    for (size_t i = 0; i < walk.count; i++)
        walk.grad[i] = walk.order[i]->grad;
    return walk;
}

static inline void walk_free(Walk *walk)
{
    memory_free(walk->order);
    free(walk->grad);
    free(walk->terms);
}

/* Along the edge from v to parent i: nothing where the gradient or the derivative is 0, even beside infinity. */
static inline void walk_push(Walk *walk, const Value *v, size_t i, double grad)
{
    const Value *parent = value_parent(v, i);
    WalkTerm *term = &walk->terms[walk->term_count++];
    *term = (WalkTerm){.parent = order_find(walk->order, walk->count, parent), .grad = grad};
    term->local = parent->needs_grad ? value_local_derivative(v, i) : 0;
    if (term->local == 0 || grad == 0)
        return;
    term->product = term->local * grad;
    walk->grad[term->parent] += term->product;
}

/* Node by node, from the newest to the oldest; of a node a pair at a time, and at last the bias. */
static inline void walk_back(Walk *walk, double seed)
{
    walk->term_count = 0;
    for (size_t k = 0; k < walk->count; k++)
        walk->grad[k] = walk->order[k]->op == OP_PARAM ? walk->grad[k] : 0;
    walk->grad[walk->count - 1] += seed;
    for (size_t k = walk->count; k-- > 0;) {
        const Value *v = walk->order[k];
        const size_t parents = value_parent_count(v), first_b = (size_t)v->n + v->has_bias;
        for (size_t i = 0; v->op > OP_CONST && i < v->n; i++) {
            walk_push(walk, v, i, walk->grad[k]);
            if (parents > first_b)
                walk_push(walk, v, first_b + i, walk->grad[k]);
        }
        if (v->has_bias)
            walk_push(walk, v, v->n, walk->grad[k]);
    }
}

#endif
