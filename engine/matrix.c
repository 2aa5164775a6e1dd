/* matrix.c - shapes are checked first, at the caller's line; then every entry is built like any Value. */
#include "matrix.h"

#include <math.h>
#include <string.h>

#include "graph.h"
#include "utf8.h"

/* ---- checks ------------------------------------------------------------------------------------------------------ */

/* A list op counts its operands in 32 bits, and a size_t of 32 bits counts the bytes of the list. */
static const size_t ENTRIES_MOST = UINT32_MAX / sizeof(Value *);

/* A function's name for messages, "matrix_add": no text is put together for a call that needs no message. */
static const char *const names[] = {
#define NAME(CODE, name, ...) [OP_##CODE] = "matrix_" #name,
    [OP_PARAM] = "matrix_param", [OP_INPUT] = "matrix_input", [OP_CONST] = "matrix_const", OP_TABLE(NAME)
#undef NAME
};

static void check_shape(size_t rows, size_t cols, const char *function, Where where)
{
    if (rows == 0 || cols == 0)
        misuse(where, "%s: %zux%zu is not a shape. A matrix has at least one row and one column.", function, rows,
               cols);
    if (rows > ENTRIES_MOST / cols)
        misuse(where, "%s: %zux%zu is too large. A matrix has at most %zu entries.", function, rows, cols,
               ENTRIES_MOST);
}

void matrix_check(Matrix m, const char *function, const char *operand, Where where)
{
    if (m.graph == NULL || m.rows == 0 || m.cols == 0)
        misuse(where, "%s: %s was never made. Make it with matrix_param, matrix_input or an operation.", function,
               operand);
    if (m.block != NULL && m.block->released)
        misuse(where,
               "%s: %s, %zux%zu, was released: graph_release ended its life together with all nodes made since the "
               "mark. Build it again in this step.",
               function, operand, m.rows, m.cols);
}

static void check_two(Matrix a, Matrix b, const char *function, Where where)
{
    matrix_check(a, function, "the left matrix", where);
    matrix_check(b, function, "the right matrix", where);
    if (a.graph != b.graph)
        misuse(where,
               "%s: the left matrix (%zux%zu) and the right one (%zux%zu) are of two graphs. Build both in one graph, "
               "or bring only the numbers over: matrix_get_data, then matrix_const.",
               function, a.rows, a.cols, b.rows, b.cols);
}

static void check_given(const void *array, const char *function, const char *name, Where where)
{
    if (array == NULL)
        misuse(where, "%s: %s is NULL. Give an array with a place for every entry.", function, name);
}

/* ---- making and reading ------------------------------------------------------------------------------------------ */

/* A matrix whose list the caller fills in, or a failed one. */
static Matrix matrix_new(Graph *graph, size_t rows, size_t cols)
{
    Value **at = graph_alloc_array(graph, rows * cols, sizeof(Value *));
    return (Matrix){graph, rows, cols, at, at == NULL ? NULL : graph->newest};
}

/* A failed matrix of m's graph: what is computed from a failed matrix. */
static Matrix matrix_fail(Graph *graph, size_t rows, size_t cols)
{
    graph_fail(graph);
    return (Matrix){graph, rows, cols, NULL, NULL};
}

/* A matrix_new with room for its entries side by side in memory, if they are made next: a dot of such is faster. */
static Matrix matrix_new_side_by_side(Graph *graph, size_t rows, size_t cols)
{
    const Matrix m = matrix_new(graph, rows, cols);
    return m.at != NULL && graph_reserve(graph, rows * cols) ? m : matrix_fail(graph, rows, cols);
}

/* The nodes to fill in or to read; none in a failed matrix. */
static size_t entry_count(Matrix m) { return m.at == NULL ? 0 : m.rows * m.cols; }

/* One node as a 1×1 matrix, for the duration of a call: the list is the caller's variable. */
static Matrix matrix_of_one(Value **v) { return (Matrix){(*v)->block->graph, 1, 1, v, (*v)->block}; }

Matrix matrix_leaves(OpCode kind, Graph *graph, size_t rows, size_t cols, const double *data, Where where)
{
    const char *function = names[kind];
    check_given(graph, function, "the graph", where);
    check_given(data, function, "data", where);
    check_shape(rows, cols, function, where);
    Matrix m = matrix_new_side_by_side(graph, rows, cols);
    for (size_t i = 0; i < entry_count(m); i++)
        m.at[i] = value_leaf(kind, graph, data[i], where);
    return m;
}

Matrix matrix_param_normal_at(Graph *graph, size_t rows, size_t cols, double deviation, Random *random, Where where)
{
    graph_given(graph, "matrix_param_normal", where.file, where.line);
    misuse_if_null(random, "matrix_param_normal: random", "Pass a Random that was seeded with random_seed.", where);
    check_shape(rows, cols, "matrix_param_normal", where);
    if (!(deviation >= 0 && deviation < INFINITY))
        misuse(where, "matrix_param_normal: the deviation is %g. It must be at least 0 and finite.", deviation);
    Matrix m = matrix_new_side_by_side(graph, rows, cols);
    for (size_t i = 0; i < entry_count(m); i++)
        m.at[i] = value_leaf(OP_PARAM, graph, deviation * random_normal_at(random, where), where);
    return m;
}

/* Names a bad entry. Built only when needed. */
NOINLINE static void entry_misuse(const Value *v, const Graph *graph, size_t i, size_t j, Where where)
{
    char role[96];
    snprintf(role, sizeof role, "matrix_from_values: entry (%zu, %zu)", i, j);
    value_check(v, graph, role, where);
}

Matrix matrix_from_values_at(Value *const *values, size_t rows, size_t cols, Where where)
{
    check_given(values, "matrix_from_values", "the list of values", where);
    check_shape(rows, cols, "matrix_from_values", where);
    Graph *graph = NULL;
    for (size_t i = 0; i < rows * cols; i++) {
        if (values[i] == NULL || !value_is_live(values[i]) || (graph != NULL && values[i]->block->graph != graph))
            entry_misuse(values[i], graph, i / cols, i % cols, where);
        graph = values[i]->block->graph;
    }
    Matrix m = matrix_new(graph, rows, cols);
    if (m.at != NULL)
        memcpy(m.at, values, rows * cols * sizeof(Value *));
    return m;
}

Value *matrix_entry(Matrix m, size_t i, size_t j, Where where)
{
    matrix_check(m, "matrix_at", "the matrix", where);
    if (i >= m.rows || j >= m.cols)
        misuse(where,
               "matrix_at: entry (%zu, %zu) of a %zux%zu matrix. Rows count from 0 to %zu, columns from 0 to %zu.", i,
               j, m.rows, m.cols, m.rows - 1, m.cols - 1);
    return m.at == NULL ? graph_fail(m.graph) : m.at[i * m.cols + j];
}

void matrix_get_data_at(Matrix m, double *out, Where where)
{
    matrix_check(m, "matrix_get_data", "the matrix", where);
    check_given(out, "matrix_get_data", "out", where);
    for (size_t i = 0; i < m.rows * m.cols; i++)
        out[i] = m.at == NULL ? NAN : m.at[i]->data;
}

void matrix_get_grad_at(Matrix m, double *out, Where where)
{
    matrix_check(m, "matrix_get_grad", "the matrix", where);
    check_given(out, "matrix_get_grad", "out", where);
    for (size_t i = 0; i < m.rows * m.cols; i++)
        out[i] = m.at == NULL ? NAN : m.at[i]->grad;
}

/* A long name is cut off: what tells the entries apart stands behind it. */
Matrix matrix_label_at(Matrix m, const char *name, Where where)
{
    char label[128], shown[VALUE_NAME_SIZE];
    matrix_check(m, "matrix_label", "the matrix", where);
    misuse_if_null(name, "matrix_label: the name", "Give a text.", where);
    utf8_name(name, sizeof shown, shown, sizeof shown);
    for (size_t i = 0; i < entry_count(m); i++) {
        snprintf(label, sizeof label, "%s[%zu,%zu]", shown, i / m.cols, i % m.cols);
        value_label(m.at[i], label, where);
    }
    return m;
}

/* The columns one below the other. */
void matrix_print_at(Matrix m, FILE *out, Where where)
{
    matrix_check(m, "matrix_print", "the matrix", where);
    check_given(out, "matrix_print", "out", where);
    if (m.at == NULL)
        fprintf(out, "%zux%zu, failed: out of memory\n", m.rows, m.cols);
    for (size_t i = 0; i < entry_count(m); i++)
        fprintf(out, "%12.6g%c", m.at[i]->data, (i + 1) % m.cols == 0 ? '\n' : ' ');
}

/* ---- the same nodes in another shape ----------------------------------------------------------------------------- */

Matrix matrix_transpose_at(Matrix m, Where where)
{
    matrix_check(m, "matrix_transpose", "the matrix", where);
    if (m.at == NULL)
        return matrix_fail(m.graph, m.cols, m.rows);
    Matrix t = matrix_new(m.graph, m.cols, m.rows);
    for (size_t i = 0; i < entry_count(t); i++)
        t.at[i] = m.at[i % t.cols * m.cols + i / t.cols];
    return t;
}

Matrix matrix_reshape_at(Matrix m, size_t rows, size_t cols, Where where)
{
    matrix_check(m, "matrix_reshape", "the matrix", where);
    check_shape(rows, cols, "matrix_reshape", where);
    if (rows * cols != m.rows * m.cols)
        misuse(where, "matrix_reshape: %zux%zu to %zux%zu: %zu entries cannot fill %zu places.", m.rows, m.cols, rows,
               cols, m.rows * m.cols, rows * cols);
    return (Matrix){m.graph, rows, cols, m.at, m.block};
}

Matrix matrix_row_at(Matrix m, size_t i, Where where)
{
    matrix_check(m, "matrix_row", "the matrix", where);
    if (i >= m.rows)
        misuse(where, "matrix_row: row %zu of a %zux%zu matrix. Rows count from 0 to %zu.", i, m.rows, m.cols,
               m.rows - 1);
    return (Matrix){m.graph, 1, m.cols, m.at == NULL ? NULL : &m.at[i * m.cols], m.block};
}

Matrix matrix_rows_at(Matrix m, const int *rows, size_t n, Where where)
{
    matrix_check(m, "matrix_rows", "the matrix", where);
    check_given(rows, "matrix_rows", "the list of rows", where);
    check_shape(n, m.cols, "matrix_rows", where);
    for (size_t i = 0; i < n; i++)
        if (rows[i] < 0 || (size_t)rows[i] >= m.rows)
            misuse(where, "matrix_rows: rows[%zu] is %d, of a %zux%zu matrix. Rows count from 0 to %zu.", i, rows[i],
                   m.rows, m.cols, m.rows - 1);
    if (m.at == NULL)
        return matrix_fail(m.graph, n, m.cols);
    Matrix y = matrix_new(m.graph, n, m.cols);
    for (size_t i = 0; i < n && y.at != NULL; i++)
        memcpy(&y.at[i * m.cols], &m.at[(size_t)rows[i] * m.cols], m.cols * sizeof(Value *));
    return y;
}

/* Whole rows, and a piece of a single row, lie in the list as they are. */
Matrix matrix_slice_at(Matrix m, size_t row, size_t rows, size_t col, size_t cols, Where where)
{
    matrix_check(m, "matrix_slice", "the matrix", where);
    if (rows == 0 || cols == 0 || row > m.rows || rows > m.rows - row || col > m.cols || cols > m.cols - col)
        misuse(where,
               "matrix_slice: %zux%zu from entry (%zu, %zu) on, of a %zux%zu matrix. A slice has at least one row and "
               "one column, and all of them lie in the matrix.",
               rows, cols, row, col, m.rows, m.cols);
    if (m.at == NULL)
        return matrix_fail(m.graph, rows, cols);
    if (rows == 1 || cols == m.cols)
        return (Matrix){m.graph, rows, cols, &m.at[row * m.cols + col], m.block};
    Matrix y = matrix_new(m.graph, rows, cols);
    for (size_t i = 0; i < rows && y.at != NULL; i++)
        memcpy(&y.at[i * cols], &m.at[(row + i) * m.cols + col], cols * sizeof(Value *));
    return y;
}

/* ---- products ---------------------------------------------------------------------------------------------------- */

/* Look at every row of m once: it serves in many entries of a product. `numbers` gets the data. */
static ValueList *scan_rows(Matrix m, double *numbers, const char *name, Where where)
{
    ValueList *rows = graph_alloc_array(m.graph, m.rows, sizeof *rows);
    for (size_t i = 0; rows != NULL && i < m.rows; i++)
        rows[i] = value_scan(&m.at[i * m.cols], m.cols, &numbers[i * m.cols], m.graph, name, where);
    return rows;
}

/* Z = A·Bᵀ:  z_ij = Σ_k a_ik·b_jk */
static Matrix dots_of_rows(Matrix a, Matrix b, Where where)
{
    if (a.at == NULL || b.at == NULL)
        return matrix_fail(a.graph, a.rows, b.rows);
    double *numbers = graph_scratch(a.graph, entry_count(a) + entry_count(b));
    if (numbers == NULL)
        return matrix_fail(a.graph, a.rows, b.rows);
    const ValueList *left = scan_rows(a, numbers, "a", where);
    const ValueList *right = scan_rows(b, numbers + entry_count(a), "b", where);
    if (left == NULL || right == NULL)
        return matrix_fail(a.graph, a.rows, b.rows);
    Matrix z = matrix_new_side_by_side(a.graph, a.rows, b.rows);
    for (size_t i = 0; i < entry_count(z); i++)
        z.at[i] = value_dot_scanned(a.graph, &left[i / z.cols], &right[i % z.cols], a.cols);
    return z;
}

Matrix matrix_product_transposed(Matrix a, Matrix b, Where where)
{
    check_two(a, b, "matmul_transposed", where);
    if (a.cols != b.cols)
        misuse(where,
               "matmul_transposed: %zux%zu times %zux%zu transposed: %zu columns against %zu. Both matrices need as "
               "many columns: for a product of rows and columns there is matmul.",
               a.rows, a.cols, b.rows, b.cols, a.cols, b.cols);
    check_shape(a.rows, b.rows, "matmul_transposed", where);
    return dots_of_rows(a, b, where);
}

/* The columns of B are the rows of its transpose, where each is contiguous. */
Matrix matrix_product(Matrix a, Matrix b, Where where)
{
    check_two(a, b, "matmul", where);
    if (a.cols != b.rows)
        misuse(where,
               "matmul: %zux%zu times %zux%zu: the inner sizes %zu and %zu differ. The left matrix needs as many "
               "columns as the right one has rows: does one of them need transposing?",
               a.rows, a.cols, b.rows, b.cols, a.cols, b.rows);
    check_shape(a.rows, b.cols, "matmul", where);
    return dots_of_rows(a, matrix_transpose_at(b, where), where);
}

Matrix matrix_row_dots_at(Matrix a, Matrix b, Where where)
{
    check_two(a, b, "matrix_row_dots", where);
    if (a.rows != b.rows || a.cols != b.cols)
        misuse(where, "matrix_row_dots: %zux%zu with %zux%zu. Both must have the same shape.", a.rows, a.cols, b.rows,
               b.cols);
    if (a.at == NULL || b.at == NULL)
        return matrix_fail(a.graph, a.rows, 1);
    Matrix y = matrix_new_side_by_side(a.graph, a.rows, 1);
    for (size_t i = 0; i < entry_count(y); i++)
        y.at[i] = value_pairs(OP_DOT, &a.at[i * a.cols], &b.at[i * b.cols], a.cols, NULL, where);
    return y;
}

/* ---- entry by entry ---------------------------------------------------------------------------------------------- */

/* The size of the result where the operands have sizes p and q: that of both, or, if one is 1, that of the other. */
static bool broadcast_size(size_t p, size_t q, size_t *size)
{
    *size = p == 1 ? q : p;
    return p == q || p == 1 || q == 1;
}

/* The node at (i, j) after broadcasting: where a size is 1, index 0 serves for all. */
static Value *broadcast_entry(Matrix m, size_t i, size_t j)
{
    return m.at[(m.rows == 1 ? 0 : i) * m.cols + (m.cols == 1 ? 0 : j)];
}

Matrix matrix_binary(OpCode op, Matrix a, Matrix b, Where where)
{
    const char *function = names[op];
    check_two(a, b, function, where);
    size_t rows, cols;
    const bool rows_fit = broadcast_size(a.rows, b.rows, &rows);
    const bool cols_fit = broadcast_size(a.cols, b.cols, &cols);
    if (!rows_fit || !cols_fit)
        misuse(where,
               "%s: %zux%zu with %zux%zu: %zu %s against %zu. Sizes must be equal, or one of them 1, which is then "
               "repeated.",
               function, a.rows, a.cols, b.rows, b.cols, rows_fit ? a.cols : a.rows, rows_fit ? "columns" : "rows",
               rows_fit ? b.cols : b.rows);
    check_shape(rows, cols, function, where);
    if (a.at == NULL || b.at == NULL)
        return matrix_fail(a.graph, rows, cols);
    Matrix y = matrix_new_side_by_side(a.graph, rows, cols);
    for (size_t i = 0; i < entry_count(y); i++)
        y.at[i] =
            value_binary(op, broadcast_entry(a, i / cols, i % cols), broadcast_entry(b, i / cols, i % cols), where);
    return y;
}

static void check_value(OpCode op, const Value *v, char operand, Where where)
{
    char role[64];
    snprintf(role, sizeof role, "%s: operand %c", names[op], operand);
    value_check(v, NULL, role, where);
}

Matrix matrix_binary_value(OpCode op, Matrix a, Value *b, Where where)
{
    check_value(op, b, 'b', where);
    return matrix_binary(op, a, matrix_of_one(&b), where);
}

Matrix matrix_value_binary(OpCode op, Value *a, Matrix b, Where where)
{
    check_value(op, a, 'a', where);
    return matrix_binary(op, matrix_of_one(&a), b, where);
}

Matrix matrix_binary_number(OpCode op, Matrix a, double b, Where where)
{
    const char *function = names[op];
    matrix_check(a, function, "the left matrix", where);
    Value *number = v_const(a.graph, b);
    return matrix_binary(op, a, matrix_of_one(&number), where);
}

Matrix matrix_number_binary(OpCode op, double a, Matrix b, Where where)
{
    const char *function = names[op];
    matrix_check(b, function, "the right matrix", where);
    Value *number = v_const(b.graph, a);
    return matrix_binary(op, matrix_of_one(&number), b, where);
}

Matrix matrix_map_at(Matrix m, OpCode op, Where where)
{
    matrix_check(m, "matrix_map", "the matrix", where);
    if ((unsigned)op > OP_COUNT || op_table[op].shape != SHAPE_UNARY)
        misuse(where, "matrix_map: op %d%s%s does not take one operand. Give one that does: OP_TANH, OP_EXP, ...",
               (int)op, (unsigned)op > OP_COUNT ? "" : ", ", (unsigned)op > OP_COUNT ? "" : op_table[op].name);
    if (m.at == NULL)
        return matrix_fail(m.graph, m.rows, m.cols);
    Matrix y = matrix_new_side_by_side(m.graph, m.rows, m.cols);
    for (size_t i = 0; i < entry_count(y); i++)
        y.at[i] = value_unary(op, m.at[i], where);
    return y;
}

/* ---- softmax ----------------------------------------------------------------------------------------------------- */

/* The largest node of each row, m×1. */
static Matrix row_largest(Matrix m)
{
    Matrix largest = matrix_new(m.graph, m.rows, 1);
    for (size_t i = 0; i < entry_count(largest); i++) {
        largest.at[i] = m.at[i * m.cols];
        for (size_t j = 1; j < m.cols; j++)
            if (m.at[i * m.cols + j]->data > largest.at[i]->data)
                largest.at[i] = m.at[i * m.cols + j];
    }
    return largest;
}

/* p_j = e^d_j / Σᵢ e^dᵢ with d_i = z_i − z_k, where z_k is the largest: no exponent is above 0, and one is 0. (Softmax
 * depends on differences alone, see loss.c.) */
Matrix matrix_row_softmax_at(Matrix m, Where where)
{
    matrix_check(m, "matrix_row_softmax", "the matrix", where);
    if (m.at == NULL)
        return matrix_fail(m.graph, m.rows, m.cols);
    const Matrix shifted = matrix_binary(OP_SUB, m, row_largest(m), where);
    for (size_t i = 0; shifted.at != NULL && i < entry_count(shifted); i++)
        shifted.at[i]->picked_by_number = true;
    const Matrix exponentials = matrix_map_at(shifted, OP_EXP, where);
    return matrix_binary(OP_DIV, exponentials, matrix_row_sums_at(exponentials, where), where);
}

/* ---- sums -------------------------------------------------------------------------------------------------------- */

Matrix matrix_row_sums_at(Matrix m, Where where)
{
    matrix_check(m, "matrix_row_sums", "the matrix", where);
    if (m.at == NULL)
        return matrix_fail(m.graph, m.rows, 1);
    Matrix sums = matrix_new(m.graph, m.rows, 1);
    for (size_t i = 0; i < entry_count(sums); i++)
        sums.at[i] = value_list(OP_SUM, &m.at[i * m.cols], m.cols, where);
    return sums;
}

Matrix matrix_col_sums_at(Matrix m, Where where)
{
    matrix_check(m, "matrix_col_sums", "the matrix", where);
    const Matrix sums = matrix_row_sums_at(matrix_transpose_at(m, where), where);
    return matrix_reshape_at(sums, 1, m.cols, where); /* a column of sums, laid down as a row */
}

Value *matrix_sum_at(Matrix m, Where where)
{
    matrix_check(m, "matrix_sum", "the matrix", where);
    return m.at == NULL ? graph_fail(m.graph) : value_list(OP_SUM, m.at, m.rows * m.cols, where);
}
