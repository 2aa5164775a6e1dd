/* operations.c - any graph of any ops: its values and gradients, and the tangents of forward mode, are those of long
 * double within what rounding allows. See graphs.h, long_double.h. */
#include "long_double.h"

#include "backward.h"
#include "dual.h"
#include "graphs.h"
#include "jacobian.h"

static Dual dual_of(const Exact *exact, const Value *v, const Dual *duals)
{
    Dual a[FUZZ_NODES], b[FUZZ_NODES];
    const size_t n = v->n, parents = value_parent_count(v), first_b = n + v->has_bias;
    for (size_t i = 0; i < n; i++) {
        a[i] = duals[exact_place(exact, value_parent(v, i))];
        b[i] = parents > first_b ? duals[exact_place(exact, value_parent(v, first_b + i))] : a[i];
    }
    switch (op_table[v->op].shape) {
    case SHAPE_UNARY: return dual_unary(v->op, a[0]);
    case SHAPE_BINARY: return dual_binary(v->op, a[0], b[0]);
    case SHAPE_LIST: return dual_list(v->op, a, n, HERE);
    default: break;
    }
    const Dual y = dual_pairs(v->op, a, b, n, HERE);
    return v->has_bias ? d_add(y, duals[exact_place(exact, value_parent(v, n))]) : y;
}

/* One leaf moves at speed 1: dual numbers, the tangents of the graph, and long double. */
static void check_forward(Value *root, Value *leaf, Value *const *leaves, size_t count)
{
    precision = of_double;
    double direction[FUZZ_LEAVES] = {0};
    Exact exact = exact_new(root, FROM_DATA);
    const size_t place = exact_place(&exact, leaf);
    Dual *duals = calloc(exact.count, sizeof *duals);
    for (size_t i = 0; i < count; i++)
        direction[i] = leaves[i] == leaf;
    if (place < exact.count)
        exact.data[place].tangent = near_exactly(1);
    exact_forward(&exact);
    size_t tangent_count;
    Tangent *tangents = forward_tangents(root, leaves, direction, count, &tangent_count, NULL);
    fuzz_require(duals != NULL && tangents != NULL && tangent_count == exact.count, "a tangent for each node");
    for (size_t k = 0; k < exact.count; k++) {
        const Value *v = exact.order[k];
        duals[k] = v->op > OP_CONST ? dual_of(&exact, v, duals) : (Dual){v->data, k == place};
        fuzz_require(fuzz_same(duals[k].value, v->data), "a dual number has the value of the node");
        near_require(exact.y[k].tangent, duals[k].tangent, v, "the tangent of a dual number");
        near_require(exact.y[k].tangent, tangents[k].tangent, v, "the tangent of a node");
    }
    memory_free(tangents);
    free(duals);
    exact_free(&exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = {data, size};
    if (!exact_is_finer())
        return 0;
    Graph *graph = graph_new();
    const FuzzLeaves leaves = fuzz_leaves(&in, graph);
    const double seed = fuzz_below(&in, 4) == 0 ? fuzz_number(&in) : 1;
    const size_t leaf = fuzz_below(&in, leaves.count);
    Value *root = fuzz_graph(in, &leaves);
    backward_from(root, seed);
    long_double_check(root, seed);
    check_forward(root, leaves.all[leaf], leaves.all, leaves.count);
    graph_free(graph);
    return 0;
}
