/* jacobian.h - derivatives of several outputs with respect to several leaves of a graph that is already built.
 *
 * Forward mode walks the nodes in creation order and gives each a tangent: Σ ∂node/∂parent · tangent of the parent.
 * Started with a direction in the leaves, one pass gives J·direction: how fast every output moves when the leaves move
 * that way. The reverse walk (backward.h) is the other way round: one pass per output. So the Jacobian
 *
 *     J[i][j] = ∂root_i/∂leaf_j,   m roots × n leaves,
 *
 * takes n forward passes (a column each) or m reverse walks (a row each). A loss has m = 1: hence backpropagation.
 *
 *     double matrix[2 * 3];                                  // row-major: matrix[i * 3 + j]
 *     JacobianMode mode;
 *     if (!jacobian(roots, 2, leaves, 3, matrix, &mode, &error))
 *         fprintf(stderr, "%s\n", error.message);
 *
 * The leaves may repeat, and may be any leaves of the graph, including ones that no root depends on (their derivative
 * is 0); forward mode takes params, inputs and constants, reverse mode params only. It is an error in the program
 * (misuse) to pass nodes of two graphs, a NULL, a released node, or a "leaf" that has parents. When there is no memory,
 * or was none for a root, the functions return false (or NULL) with the reason in *error.
 */
#ifndef STEPGRAD_JACOBIAN_H
#define STEPGRAD_JACOBIAN_H

#include "error.h"
#include "value.h"

/* A node, and how fast it moves. */
typedef struct Tangent {
    Value *node;
    double tangent;
} Tangent;

/* The tangent of every node that root was computed from, in topological order, when the leaves move at the speeds in
 * `direction`. That of root, the last one, is the directional derivative Σ_j ∂root/∂leaf_j · direction_j. Returns a
 * list of *count that the caller frees with memory_free; NULL on error.
 *     forward_tangents(root, leaves, direction, n, count, error) */
#define forward_tangents(...) forward_tangents_at(__VA_ARGS__, HERE)
Tangent *forward_tangents_at(Value *root, Value *const *leaves, const double *direction, size_t n, size_t *count,
                             Error *error, Where where);

typedef enum JacobianMode { JACOBIAN_FORWARD, JACOBIAN_REVERSE } JacobianMode;

/* J by the cheaper mode, which goes into *mode (may be NULL): reverse if m < n and all leaves are params, else forward.
 * `matrix` is m×n numbers, row-major, the caller's.
 *     jacobian(roots, m, leaves, n, matrix, mode, error) */
#define jacobian(...) jacobian_at(__VA_ARGS__, HERE)
bool jacobian_at(Value *const *roots, size_t m, Value *const *leaves, size_t n, double *matrix, JacobianMode *mode,
                 Error *error, Where where);

/* J by n forward passes. Touches no gradient.   jacobian_forward(roots, m, leaves, n, matrix, error) */
#define jacobian_forward(...) jacobian_forward_at(__VA_ARGS__, HERE)
bool jacobian_forward_at(Value *const *roots, size_t m, Value *const *leaves, size_t n, double *matrix, Error *error,
                         Where where);

/* J by m reverse walks, after which every gradient is as before. All leaves must be params.
 *     jacobian_reverse(roots, m, leaves, n, matrix, error) */
#define jacobian_reverse(...) jacobian_reverse_at(__VA_ARGS__, HERE)
bool jacobian_reverse_at(Value *const *roots, size_t m, Value *const *leaves, size_t n, double *matrix, Error *error,
                         Where where);

/* The check of a reverse walk: false with an error if one of the nodes is the failed one; misuse if a root or a leaf is
 * none, or not of the same graph, or a leaf no param. */
bool jacobian_check_params(Value *const *roots, size_t m, Value *const *leaves, size_t n, const char *caller,
                           Error *error, Where where);

#endif
