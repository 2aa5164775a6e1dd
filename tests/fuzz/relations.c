/* relations.c - what must be the same bits, for any graph of any ops: backward is the plain walk, from any gradients,
 * with any seed, by steps, begun again; twice the seed is twice the gradient; and a graph has the same numbers when it
 * is built again, or in another order. See graphs.h, walk.h. */
#include "backward.h"
#include "graphs.h"
#include "optim.h"
#include "walk.h"

/* ---- the same bits ----------------------------------------------------------------------------------------------- */

static FuzzLeaves leaves;
static Optimizer *optimizer;

static void zero_grads(void)
{
    optimizer_zero_grad(optimizer);
    for (size_t i = 0; i < leaves.param_count; i++)
        fuzz_require(leaves.params[i]->grad == 0, "the optimizer zeroes every gradient");
}

static void require_walk(const Walk *walk, const char *what)
{
    for (size_t k = 0; k < walk->count; k++)
        fuzz_require(fuzz_same(walk->grad[k], walk->order[k]->grad), what);
}

/* Whether twice the gradient of the root is exactly twice that of each node: no product was rounded below the normal
 * numbers, and none comes near the largest. */
static bool scales_exactly(const Walk *walk)
{
    for (size_t j = 0; j < walk->term_count; j++) {
        const WalkTerm *term = &walk->terms[j];
        if (term->local != 0 && term->grad != 0 && !(fabs(term->product) >= DBL_MIN && fabs(term->product) < 1e300))
            return false;
    }
    return true;
}

/* The engine from the gradients that the params have now. */
static void check_walk(Value *root, double seed, const char *what)
{
    Walk walk = walk_new(root);
    walk_back(&walk, seed);
    backward_from(root, seed);
    require_walk(&walk, what);
    walk_free(&walk);
}

/* From 0, and at the end of a walk that was given up after some steps. */
static void check_steps(Value *root, double seed, size_t steps)
{
    Backward walk = backward_begin(root);
    while (steps-- > 0 && backward_step(&walk) != NULL)
        ;
    zero_grads();
    Walk plain = walk_new(root);
    walk_back(&plain, seed);
    walk = backward_begin_at(root, seed, HERE);
    while (backward_step(&walk) != NULL)
        ;
    require_walk(&plain, "a walk by steps, begun again, is backward");
    const bool exact = isnormal(seed) && fabs(seed) < 1e300 && scales_exactly(&plain);
    zero_grads();
    backward_from(root, 2 * seed);
    for (size_t k = 0; k < plain.count && exact; k++)
        fuzz_require(2 * plain.grad[k] == plain.order[k]->grad || !(fabs(plain.grad[k]) < 1e300),
                     "twice the seed is twice the gradient");
    walk_free(&plain);
}

static void check_walks(Value *root, double seed, size_t steps)
{
    check_walk(root, seed, "backward is the plain walk");
    check_walk(root, seed, "a second backward adds to the params");
    zero_grads();
    check_walk(root, seed, "a backward from 0 again is the first one");
    check_steps(root, seed, steps);
}

/* ---- in another order -------------------------------------------------------------------------------------------- */

/* Each node again as soon as it can be, its last parent first: another topological order. */
static Value *copy_from(const Walk *old, Value *v, Value **copies)
{
    Value *parents[2 * FUZZ_NODES];
    Value **copy = &copies[order_find(old->order, old->count, v)];
    if (*copy != NULL || v->op <= OP_CONST)
        return *copy != NULL ? *copy : (*copy = v);
    for (size_t i = value_parent_count(v); i-- > 0;)
        parents[i] = copy_from(old, value_parent(v, i), copies);
    return *copy = fuzz_node(v->op, parents, parents + v->n + v->has_bias, v->n, v->has_bias ? parents[v->n] : NULL);
}

/* Its values are the same, and its gradients those of the plain walk in its own order. */
static void check_other_order(Value *root, double seed)
{
    Walk old = walk_new(root);
    Value **copies = calloc(old.count, sizeof *copies);
    fuzz_require(copies != NULL, "memory for copies");
    Value *copy = copy_from(&old, root, copies);
    for (size_t k = 0; k < old.count; k++)
        fuzz_require(fuzz_same(old.order[k]->data, copies[k]->data), "a value is the same in any order of building");
    zero_grads();
    Walk walk = walk_new(copy);
    walk_back(&walk, seed);
    backward_from(copy, seed);
    require_walk(&walk, "backward is the plain walk in any order of building");
    walk_free(&walk);
    walk_free(&old);
    free(copies);
}

/* Released and built again: every value and gradient has the bits that it had. */
static void check_rebuilt(FuzzInput in, Graph *graph, Mark mark, double seed)
{
    double before[2 * FUZZ_NODES * 8];
    size_t count;
    for (int turn = 0; turn < 2; turn++) {
        graph_release(graph, mark);
        Value *root = fuzz_graph(in, &leaves);
        zero_grads();
        backward_from(root, seed);
        Value **order = graph_topological_order(root, &count);
        fuzz_require(order != NULL && 2 * count <= sizeof before / sizeof *before, "room for all nodes");
        for (size_t k = 0; k < count; k++) {
            fuzz_require(turn == 0 || fuzz_same(before[2 * k], order[k]->data), "a value is the same when built again");
            fuzz_require(turn == 0 || fuzz_same(before[2 * k + 1], order[k]->grad), "so is a gradient");
            before[2 * k] = order[k]->data, before[2 * k + 1] = order[k]->grad;
        }
        memory_free(order);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = {data, size};
    Graph *graph = graph_new();
    leaves = fuzz_leaves(&in, graph);
    optimizer = sgd_new(leaves.params, leaves.param_count, (SGD){.lr = 1});
    const double seed = fuzz_below(&in, 4) == 0 ? fuzz_number(&in) : 1;
    const size_t steps = fuzz_below(&in, 32);
    const Mark mark = graph_mark(graph);
    Value *root = fuzz_graph(in, &leaves);
    check_walks(root, seed, steps);
    check_other_order(root, seed);
    check_rebuilt(in, graph, mark, seed);
    optimizer_free(optimizer);
    graph_free(graph);
    return 0;
}
