/* backward.h - the reverse walk: ∂root/∂node for every node that root was computed from, in one pass.
 *
 *     backward(loss);                        // adds ∂loss/∂p to p->grad of every param p
 *
 * or a node at a time, as a debugger or a player of the pass wants it; backward is just this loop:
 *
 *     Backward walk = backward_begin(loss);  // interior gradients 0, loss->grad = 1
 *     while (backward_step(&walk) != NULL)   // push the gradient of the next node to its parents
 *         ;
 *
 * Gradients of params accumulate over passes (that is how a batch sums up), so zero them before the next step;
 * interior gradients start from 0 in every pass. Inputs and constants get none.
 *
 * Change no data between the forward pass and the reverse walk: local derivatives are computed from the operands as
 * they are then, while the values above them are those of before, and what comes out is the gradient at no point at
 * all. A debug build (-DSTEPGRAD_DEBUG, as `make gdb` has it) computes each node of the walk again and reports one that
 * no longer fits its operands. "Backward with the old or the new weights?" Old ones: backward first, then the step.
 * Source: Griewank & Walther, Evaluating Derivatives (2nd ed.), ch. 3: "incremental reverse".
 */
#ifndef STEPGRAD_BACKWARD_H
#define STEPGRAD_BACKWARD_H

#include "value.h"

/* Adds ∂root/∂node to node->grad. It is a usage error if root depends on no param: then there is nothing to do. */
#define backward(root) backward_from(root, 1.0)

/* The same with ∂L/∂root = seed, for a root that is one term of a larger L: 1/n for one of the n losses of a mean. */
#define backward_from(root, seed) backward_at(root, seed, HERE)
void backward_at(Value *root, double seed, Where where);

/* A walk under way: the nodes below `next` in creation order are still to come. */
typedef struct Backward {
    struct Block *block; /* NULL at the end */
    size_t next;         /* nodes[0 .. next) of the block are still to come */
} Backward;

#define backward_begin(root) backward_begin_at(root, 1.0, HERE)
Backward backward_begin_at(Value *root, double seed, Where where);

/* backward_step(walk) pushes the gradient of the next node of the walk to its parents (one walk at a time: the next
 * one's begin sets the interior gradients of its graph back to 0); returns that node, or NULL at the end. Nodes whose
 * gradient is 0 have nothing to push and are passed over: so are all that the root does not depend on. */
#define backward_step(walk) backward_step_at(walk, HERE)
Value *backward_step_at(Backward *walk, Where where);

/* Called for every node after its gradient has been pushed, and never inlined: `break backward_hook` stops there. */
void backward_hook(Value *node);

/* Called just before and just after the push of a node whose number is graph->stop_number or below, and never inlined.
 * A debugger that waits for one node among a million sets stop_number and breaks here: the walk runs at full speed
 * until then. viz/debug/stepgrad-gdb.py does. */
void backward_before(Value *node);
void backward_after(Value *node);

/* Print a line per chain-rule product of every walk in this graph to `out`; NULL ends it.
 *     MUL  a.grad += b * out.grad = -3 * 1 = -3 */
#define backward_trace(graph, out) backward_trace_at(graph, out, HERE)
void backward_trace_at(Graph *graph, FILE *out, Where where);

#endif
