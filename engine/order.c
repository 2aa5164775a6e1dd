/* order.c - from a root to the nodes that it was computed from, by one walk backwards through the blocks and one flag
 * per node: no recursion, so depth does not matter. */
#include "order.h"

#include <math.h>
#include <string.h>

#include "graph.h"
#include "memory.h"

/* The root that was made last: all that any of the roots was computed from is older. */
static Value *newest_of(Value *const *roots, size_t m)
{
    Value *newest = roots[0];
    for (size_t i = 1; i < m; i++)
        if (value_number(roots[i]) > value_number(newest))
            newest = roots[i];
    return newest;
}

/* Creation order is a topological order of the whole graph; what is left is to find which nodes the roots reach. Going
 * backwards, a node is reached if it is a root or a child marked it, and all its children have been seen by then. */
static size_t mark_reached(Value *newest, bool *reached)
{
    size_t count = 0;
    for (Block *block = newest->block; block != NULL; block = block->older) {
        for (size_t i = block == newest->block ? (size_t)(newest - block->nodes) + 1 : block->node_count; i-- > 0;) {
            const Value *v = &block->nodes[i];
            if (!reached[block->first_number + i])
                continue;
            count++;
            for (size_t p = 0; p < value_parent_count(v); p++)
                reached[value_number(value_parent(v, p))] = true;
        }
    }
    return count;
}

static void collect_reached(Value *newest, const bool *reached, Value **order, size_t count)
{
    for (Block *block = newest->block; block != NULL; block = block->older)
        for (size_t i = block == newest->block ? (size_t)(newest - block->nodes) + 1 : block->node_count; i-- > 0;)
            if (reached[block->first_number + i])
                order[--count] = &block->nodes[i];
}

Value **graph_order_of_roots(Value *const *roots, size_t m, size_t *count)
{
    Value *newest = newest_of(roots, m);
    const size_t numbers = value_number(newest) + 1;
    bool *reached = memory_alloc_array(numbers, sizeof *reached);
    if (reached == NULL)
        return NULL;
    memset(reached, 0, numbers * sizeof *reached);
    for (size_t i = 0; i < m; i++)
        reached[value_number(roots[i])] = true;
    const size_t reached_count = mark_reached(newest, reached);
    Value **order = memory_alloc_array(reached_count, sizeof(Value *));
    if (order != NULL) {
        collect_reached(newest, reached, order, reached_count);
        *count = reached_count;
    }
    memory_free(reached);
    return order;
}

size_t order_find(Value *const *order, size_t count, const Value *v)
{
    const size_t number = value_number(v);
    size_t low = 0, high = count; /* it is in order[low .. high), if anywhere */
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (value_number(order[middle]) < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && order[low] == v ? low : count;
}

Value **graph_topological_order_at(Value *root, size_t *count, Where where)
{
    value_check(root, NULL, "graph_topological_order: root", where);
    misuse_if_null(count, "graph_topological_order: count", "Give the address of a size_t.", where);
    *count = 0;
    return root->op == OP_FAILED ? NULL : graph_order_of_roots(&root, 1, count);
}

bool graph_dump_at(Value *root, FILE *out, Where where)
{
    size_t count;
    misuse_if_null(out, "graph_dump: out", "Give an open stream, such as stdout.", where);
    Value **order = graph_topological_order_at(root, &count, where);
    if (order == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        value_print(order[i], out);
    memory_free(order);
    return true;
}

Value *graph_first_nonfinite_at(Value *root, Where where)
{
    size_t count;
    Value **order = graph_topological_order_at(root, &count, where);
    Value *found = NULL;
    for (size_t i = 0; i < count && found == NULL; i++)
        if (!isfinite(order[i]->data))
            found = order[i];
    for (size_t i = count; i-- > 0 && found == NULL;) /* gradients flow from the root down */
        if (!isfinite(order[i]->grad))
            found = order[i];
    memory_free(order);
    return found;
}
