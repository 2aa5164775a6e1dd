/* matrix.h - Matrix: Values in rows and columns. Every entry is an ordinary node, so nothing here has a derivative of
 * its own: that of a product, dX = dZ·Wᵀ and dW = Xᵀ·dZ, is what the entries' own derivatives add up to.
 *
 *     Matrix x = matrix_input(g, 4, 2, points);           // 4 samples of 2 numbers
 *     Matrix w = matrix_param(g, 2, 3, weights);
 *     Matrix b = matrix_param(g, 1, 3, biases);
 *     Matrix z = matrix_add(matmul(x, w), b);             // 4x3; b is repeated over the rows
 *     Matrix y = matrix_map(z, OP_TANH);
 *     Value *loss = mean_cross_entropy(y, labels);        // loss.h
 *
 * A Matrix is handed around by value; its list of nodes lives in the graph, as long as the nodes made together with it:
 * there is nothing to free. It is a usage error to pass a shape or an index that does not fit, a released matrix, or
 * matrices of two graphs. Without memory an operation returns a failed matrix of the right shape, which has no list
 * (`at` is NULL): whatever is built on it is failed too, so graph_ok(g) at the end is enough. (Call it before you read
 * `at` yourself.)
 */
#ifndef STEPGRAD_MATRIX_H
#define STEPGRAD_MATRIX_H

#include "random.h"
#include "value.h"

typedef struct Matrix {
    Graph *graph;
    size_t rows, cols;   /* at least 1 each */
    Value **at;          /* entry (i, j) is at[i·cols + j]; NULL in a failed matrix */
    struct Block *block; /* where the list lives, and so whether it was released */
} Matrix;

/* ---- making and reading ------------------------------------------------------------------------------------------ */

/* matrix_param(graph, rows, cols, data): rows × cols new leaves with the numbers of `data`, row after row. */
#define matrix_param(...) matrix_leaves(OP_PARAM, __VA_ARGS__, HERE)
#define matrix_input(...) matrix_leaves(OP_INPUT, __VA_ARGS__, HERE)
#define matrix_const(...) matrix_leaves(OP_CONST, __VA_ARGS__, HERE)

/* New params from the normal distribution with mean 0 and this standard deviation, row after row: weights to begin
 * with. matrix_param_normal(graph, rows, cols, deviation, random) */
#define matrix_param_normal(...) matrix_param_normal_at(__VA_ARGS__, HERE)

/* matrix_from_values(values, rows, cols): the rows·cols nodes of `values`, row after row; the list is copied. */
#define matrix_from_values(...) matrix_from_values_at(__VA_ARGS__, HERE)

/* Entry (i, j), counted from 0. */
#define matrix_at(m, i, j) matrix_entry(m, i, j, HERE)

/* All data, or all gradients, row after row, into out[0 .. rows·cols); NaN for a failed matrix. */
#define matrix_get_data(m, out) matrix_get_data_at(m, out, HERE)
#define matrix_get_grad(m, out) matrix_get_grad_at(m, out, HERE)

/* Name every entry for printing and diagrams: "w[0,0]", "w[0,1]", ... Returns m.    matrix_label(m, name) */
#define matrix_label(m, name) matrix_label_at(m, name, HERE)

/* The data as text, a line per row. */
#define matrix_print(m, out) matrix_print_at(m, out, HERE)

/* ---- the same nodes in another shape ----------------------------------------------------------------------------- */

#define matrix_transpose(m) matrix_transpose_at(m, HERE)                     /* entry (j, i) is m's (i, j) */
#define matrix_reshape(m, rows, cols) matrix_reshape_at(m, rows, cols, HERE) /* row after row, as before */
#define matrix_row(m, i) matrix_row_at(m, i, HERE)                           /* row i, as 1 × cols */

/* Row i of the result is m's row rows[i], for i < n; a row may come more than once, or not at all. An embedding: the
 * vectors that stand for n tokens, n × cols.
 *     matrix_rows(m, rows, n)    with an array of ints */
#define matrix_rows(...) matrix_rows_at(__VA_ARGS__, HERE)

/* The rows × cols entries from (row, col) on.    matrix_slice(m, row, rows, col, cols) */
#define matrix_slice(...) matrix_slice_at(__VA_ARGS__, HERE)

/* ---- operations -------------------------------------------------------------------------------------------------- */

/* The product of m×k and k×n, an m×n matrix: entry (i, j) is the dot of a's row i and b's column j. */
#define matmul(a, b) matrix_product(a, b, HERE)

/* a·bᵀ, of m×k and n×k an m×n matrix: entry (i, j) is the dot of a's row i and b's row j. What a layer does whose
 * weights have a row per neuron. */
#define matmul_transposed(a, b) matrix_product_transposed(a, b, HERE)

/* The dots of row i of a with row i of b, of two m×n matrices: m×1. With itself, each row's sum of squares. */
#define matrix_row_dots(a, b) matrix_row_dots_at(a, b, HERE)

/* Entry by entry. Each operand is a Matrix, and one of them may be a plain number or a Value. Shapes broadcast as in
 * NumPy: a size of 1 is repeated to fit the other's, so 1×n is added to every row, m×1 to every column. A repeated
 * entry is one node used many times, and its gradient is the sum over all of them. */
#define matrix_add(a, b) MATRIX_BINARY(OP_ADD, a, b) /* a + b */
#define matrix_sub(a, b) MATRIX_BINARY(OP_SUB, a, b) /* a − b */
#define matrix_mul(a, b) MATRIX_BINARY(OP_MUL, a, b) /* a·b, entry by entry; see matmul */
#define matrix_div(a, b) MATRIX_BINARY(OP_DIV, a, b) /* a/b */
#define matrix_pow(a, b) MATRIX_BINARY(OP_POW, a, b) /* aᵇ */

/* An op of one operand (OP_TANH, OP_EXP, ...) of every entry. */
#define matrix_map(m, op) matrix_map_at(m, op, HERE)

/* softmax of each row: p_j = e^z_j / Σᵢ e^zᵢ, positive numbers that sum to 1. None overflows, however large z is; where
 * a logit is infinite, all as in loss.h.   ∂p_j/∂z_i = p_j·([i = j] − p_i) */
#define matrix_row_softmax(m) matrix_row_softmax_at(m, HERE)

/* Sums: of each row (m×1), of each column (1×n), and of all entries (a Value). */
#define matrix_row_sums(m) matrix_row_sums_at(m, HERE)
#define matrix_col_sums(m) matrix_col_sums_at(m, HERE)
#define matrix_sum(m) matrix_sum_at(m, HERE)

/* ---- behind the macros ------------------------------------------------------------------------------------------- */

#define MATRIX_BINARY(op, a, b)                                                                                        \
    _Generic((a), Matrix                                                                                               \
             : _Generic((b), Matrix                                                                                    \
                        : matrix_binary, Value *                                                                       \
                        : matrix_binary_value, default                                                                 \
                        : matrix_binary_number),                                                                       \
               Value *                                                                                                 \
             : matrix_value_binary, default                                                                            \
             : matrix_number_binary)(op, a, b, HERE)

/* Reports misuse at `where` if m was never made or was released: "function: operand, 2x3, was released ...". */
void matrix_check(Matrix m, const char *function, const char *operand, Where where);

Matrix matrix_leaves(OpCode kind, Graph *graph, size_t rows, size_t cols, const double *data, Where where);
Matrix matrix_param_normal_at(Graph *graph, size_t rows, size_t cols, double deviation, Random *random, Where where);
Matrix matrix_from_values_at(Value *const *values, size_t rows, size_t cols, Where where);
Value *matrix_entry(Matrix m, size_t i, size_t j, Where where);
void matrix_get_data_at(Matrix m, double *out, Where where);
void matrix_get_grad_at(Matrix m, double *out, Where where);
Matrix matrix_label_at(Matrix m, const char *name, Where where);
void matrix_print_at(Matrix m, FILE *out, Where where);
Matrix matrix_transpose_at(Matrix m, Where where);
Matrix matrix_reshape_at(Matrix m, size_t rows, size_t cols, Where where);
Matrix matrix_row_at(Matrix m, size_t i, Where where);
Matrix matrix_rows_at(Matrix m, const int *rows, size_t n, Where where);
Matrix matrix_slice_at(Matrix m, size_t row, size_t rows, size_t col, size_t cols, Where where);
Matrix matrix_product(Matrix a, Matrix b, Where where);
Matrix matrix_product_transposed(Matrix a, Matrix b, Where where);
Matrix matrix_row_dots_at(Matrix a, Matrix b, Where where);
Matrix matrix_binary(OpCode op, Matrix a, Matrix b, Where where);
Matrix matrix_binary_value(OpCode op, Matrix a, Value *b, Where where);
Matrix matrix_value_binary(OpCode op, Value *a, Matrix b, Where where);
Matrix matrix_binary_number(OpCode op, Matrix a, double b, Where where);
Matrix matrix_number_binary(OpCode op, double a, Matrix b, Where where);
Matrix matrix_map_at(Matrix m, OpCode op, Where where);
Matrix matrix_row_softmax_at(Matrix m, Where where);
Matrix matrix_row_sums_at(Matrix m, Where where);
Matrix matrix_col_sums_at(Matrix m, Where where);
Value *matrix_sum_at(Matrix m, Where where);

#endif
