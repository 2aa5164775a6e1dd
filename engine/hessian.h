/* hessian.h - second derivatives: the gradient of a gradient, in two ways that agree.
 *
 * The gradient of a root is a function of the params like any other, so it can be differentiated too. How it was
 * computed stands in the op table: each local derivative is there as text, "1 - y * y". Read as a program, that text
 * can be run with Values or with dual numbers:
 *
 * Reverse over reverse: the backward pass as nodes. gradient_nodes builds each ∂root/∂param as an expression, which can
 * be drawn, walked by backward, and differentiated again, as often as you like.
 *
 * Forward over reverse: Hessian times vector. forward_tangents moves the params along a direction, and the reverse walk
 * is run with dual numbers. That gives H·direction, where H[i][j] = ∂²root/∂param_i∂param_j: how fast the gradient
 * changes when the params move that way. It makes no node.
 *
 *     Value *slope;
 *     if (gradient_nodes(y, &x, 1, &slope, &error))
 *         backward(slope);                                 // adds d²y/dx² to x->grad
 *
 * A formula holds off the kinks. Where it does not give the number of the local derivative, that number is a
 * convention (a tie of max) and is taken as a constant: relu, abs, max, min and leaky_relu have second derivative 0
 * everywhere. A comparison is a constant too, and of `condition ? p : q` the one that holds now is taken. Where a
 * formula only loses digits (1 - y * y near ±1), the difference is added as a constant. Where there is no first
 * derivative (log below 0) there is no second: NaN. A path whose local derivative is 0 passes no infinity on, and a
 * node whose gradient is 0 passes nothing on, not even through an infinite slope: both as in backward.h.
 *
 * It is an error in the program (misuse) to pass a NULL, a root that depends on no param, leaves that are no params, or
 * nodes of two graphs. The params may repeat, and the root need not depend on all of them. The functions return false,
 * with the reason in *error, when there is no memory, and when a formula in the table cannot be read: it may have a, b,
 * y, numbers, + - * /, comparisons, ?: and ops of one or two operands (an op of your own: see ops.h). Then grads and
 * the vector in out are as they were.
 *
 * Source: Pearlmutter (1994), Fast exact multiplication by the Hessian. Griewank & Walther, Evaluating Derivatives
 * (2nd ed.), ch. 5.
 */
#ifndef STEPGRAD_HESSIAN_H
#define STEPGRAD_HESSIAN_H

#include "error.h"
#include "value.h"

/* grads[j] = ∂root/∂params[j] as a node. For each edge below the root it costs up to one product, one sum and the
 * formula's own nodes, and where the formula loses digits one sum more; what is constant is computed at once. grads[j]
 * may be a node that was there before (∂(w·x)/∂w is x), and is the constant 0 if root does not depend on that param.
 * Where numbers decided what to build (at a kink, a comparison, a path that passes nothing on or has no derivative),
 * the gradients hold for these numbers alone: then they are nodes of their own, and program_record (replay.h) refuses
 * them. Those of smooth functions can be recorded, but for the last digits: the constant above stays as it is. Where
 * root and node have labels, y and w, the gradient gets the label "∂y/∂w", unless it is a constant, was there before,
 * or is handed on unchanged, by a sum to its terms. Without memory the graph has failed too (graph_ok), as with any
 * builder; what was built until then lives as long as its other nodes.
 *     gradient_nodes(root, params, n, grads, error) */
#define gradient_nodes(...) gradient_nodes_at(__VA_ARGS__, HERE)
bool gradient_nodes_at(Value *root, Value *const *params, size_t n, Value **grads, Error *error, Where where);

/* out[i] = Σ_j H[i][j]·direction[j], n numbers: a forward pass and a reverse walk, whatever n is. (Each edge runs its
 * formula: in time it is some 75 to 110 walks of backward, below 0.1 ms for a network of 350 params.) Reads the graph,
 * and touches no node and no gradient, so threads may share it.
 *     hessian_vector(root, params, direction, n, out, error) */
#define hessian_vector(...) hessian_vector_at(__VA_ARGS__, HERE)
bool hessian_vector_at(Value *root, Value *const *params, const double *direction, size_t n, double *out, Error *error,
                       Where where);

/* The whole of H, n×n numbers, row-major: n times the above, a row each. It is symmetric up to rounding where all
 * slopes on the way are finite.
 *     hessian(root, params, n, out, error) */
#define hessian(...) hessian_at(__VA_ARGS__, HERE)
bool hessian_at(Value *root, Value *const *params, size_t n, double *out, Error *error, Where where);

#endif
