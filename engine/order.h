/* order.h - which nodes a root was computed from, every parent before its children.
 *
 *     size_t count;
 *     Value **order = graph_topological_order(loss, &count);
 *     for (size_t i = 0; order != NULL && i < count; i++)
 *         value_print(order[i], stdout);
 *     memory_free(order);
 *
 * Creation order is a topological order of the whole graph, so the reverse walk needs none of this: it is for drawing,
 * checking or printing just the nodes below one root.
 */
#ifndef STEPGRAD_ORDER_H
#define STEPGRAD_ORDER_H

#include "value.h"

/* What `root` was computed from, and root itself, every parent before its children (root last), each node once.
 * Returns a list of *count nodes that the caller frees with memory_free; NULL when there is no memory. */
#define graph_topological_order(root, count) graph_topological_order_at(root, count, HERE)
Value **graph_topological_order_at(Value *root, size_t *count, Where where);

/* Print the nodes that root was computed from, a line each, in topological order. False: no memory for the order. */
#define graph_dump(root, out) graph_dump_at(root, out, HERE)
bool graph_dump_at(Value *root, FILE *out, Where where);

/* Where the first NaN came from: the first node in topological order whose data is not finite; or, if all data below
 * root is finite, the first in the order of the reverse walk whose grad is not. NULL when all is finite or there is no
 * memory. */
#define graph_first_nonfinite(root) graph_first_nonfinite_at(root, HERE)
Value *graph_first_nonfinite_at(Value *root, Where where);

/* The index of v in an order of `count` nodes, by binary search: an order is sorted by value_number. `count` if v is
 * not in it. */
size_t order_find(Value *const *order, size_t count, const Value *v);

/* graph_topological_order for m ≥ 1 roots, which the caller has checked to be live nodes of one graph. */
Value **graph_order_of_roots(Value *const *roots, size_t m, size_t *count);

#endif
