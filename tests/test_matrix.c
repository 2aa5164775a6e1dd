/* test_matrix.c - matrices of Values: product, broadcasting, sums and shapes, against plain loops over doubles. */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "backward.h"
#include "caught.h"
#include "graph.h"
#include "matrix.h"
#include "no_memory.h"

enum { MOST = 16 };

static Graph *g;
static void open_graph(void) { g = graph_new(); }
static void close_graph(void) { graph_free(g); }

TestSuite(matrix, .init = open_graph, .fini = close_graph);

/* Numbers with short binary fractions, different in every place and none of them 0, 1 or −1: sums and products of a few
 * of them are exact in double, so that the tests below ask for equality. */
static void fill(double *data, size_t n, int start)
{
    for (size_t i = 0; i < n; i++)
        data[i] = ((double)((start + 7 * (int)i) % 23) - 11.5) / 4;
}

static Matrix param_matrix(size_t rows, size_t cols, int start)
{
    double data[MOST];
    fill(data, rows * cols, start);
    return matrix_param(g, rows, cols, data);
}

/* A weight for every entry of m, so that each has a gradient of its own: L = Σ w_ij·m_ij, dL/dm_ij = w_ij. */
static Value *weighted_sum(Matrix m, double *weights)
{
    fill(weights, m.rows * m.cols, 5);
    return matrix_sum(matrix_mul(m, matrix_const(g, m.rows, m.cols, weights)));
}

static void expect_shape(Matrix m, size_t rows, size_t cols)
{
    cr_assert(m.rows == rows && m.cols == cols, "shape %zux%zu, want %zux%zu", m.rows, m.cols, rows, cols);
}

/* ---- making and reading ------------------------------------------------------------------------------------------ */

Test(matrix, leaves_hold_the_numbers_row_after_row)
{
    const double data[6] = {1, 2, 3, 4, 5, 6};
    const Matrix made[3] = {matrix_param(g, 2, 3, data), matrix_input(g, 2, 3, data), matrix_const(g, 2, 3, data)};
    const OpCode kinds[3] = {OP_PARAM, OP_INPUT, OP_CONST};
    for (size_t k = 0; k < 3; k++) {
        expect_shape(made[k], 2, 3);
        for (size_t i = 0; i < 2; i++)
            for (size_t j = 0; j < 3; j++) {
                const Value *v = matrix_at(made[k], i, j);
                cr_expect_eq(v->data, data[3 * i + j], "(%zu, %zu) is %g", i, j, v->data);
                cr_expect_eq(v->op, kinds[k], "(%zu, %zu) has op %d, want %d", i, j, v->op, kinds[k]);
            }
    }
}

Test(matrix, from_values_keeps_the_nodes_and_lets_the_list_go)
{
    Value *list[2] = {v_param(g, 1), v_param(g, 2)};
    Value *const first = list[0];
    const Matrix m = matrix_from_values(list, 2, 1);
    list[0] = NULL;
    cr_assert_eq(matrix_at(m, 0, 0), first, "the matrix must hold a list of its own");
}

Test(matrix, data_and_gradients_come_out_as_arrays)
{
    const Matrix m = param_matrix(2, 3, 0);
    double want[6], weights[6], data[6], grad[6];
    fill(want, 6, 0);
    backward(weighted_sum(m, weights));
    matrix_get_data(m, data);
    matrix_get_grad(m, grad);
    for (size_t i = 0; i < 6; i++) {
        cr_expect_eq(data[i], want[i], "data %zu: %g, want %g", i, data[i], want[i]);
        cr_expect_eq(grad[i], weights[i], "grad %zu: %g, want %g", i, grad[i], weights[i]);
    }
}

Test(matrix, printing_gives_a_line_per_row)
{
    const double data[4] = {1, -2.5, 3, 0.125};
    const Matrix m = matrix_param(g, 2, 2, data);
    char text[256] = "";
    FILE *out = tmpfile();
    cr_assert(out != NULL, "no temporary file");
    matrix_print(m, out);
    rewind(out);
    const size_t length = fread(text, 1, sizeof text - 1, out);
    text[length] = '\0';
    fclose(out);
    const char *want = "           1         -2.5\n           3        0.125\n";
    cr_assert(strcmp(text, want) == 0, "got:\n%swant:\n%s", text, want);
}

/* ---- other shapes ------------------------------------------------------------------------------------------------ */

Test(matrix, transpose_reshape_and_row_share_the_nodes)
{
    const Matrix m = param_matrix(2, 3, 0);
    const size_t before = graph_node_count(g);
    const Matrix t = matrix_transpose(m), r = matrix_reshape(m, 3, 2), row = matrix_row(m, 1);
    cr_assert_eq(graph_node_count(g), before, "%zu nodes were made", graph_node_count(g) - before);
    expect_shape(t, 3, 2);
    expect_shape(r, 3, 2);
    expect_shape(row, 1, 3);
    for (size_t i = 0; i < 2; i++)
        for (size_t j = 0; j < 3; j++)
            cr_expect_eq(matrix_at(t, j, i), matrix_at(m, i, j), "transpose (%zu, %zu)", j, i);
    for (size_t k = 0; k < 6; k++)
        cr_expect_eq(matrix_at(r, k / 2, k % 2), matrix_at(m, k / 3, k % 3), "reshape, place %zu", k);
    for (size_t j = 0; j < 3; j++)
        cr_expect_eq(matrix_at(row, 0, j), matrix_at(m, 1, j), "row, column %zu", j);
}

/* ---- product ------------------------------------------------------------------------------------------------------
 */

static const size_t product_sizes[][3] = {{1, 1, 1}, {1, 4, 1}, {4, 1, 3}, {2, 3, 4}, {3, 3, 3}, {4, 2, 1}};
enum { PRODUCTS = sizeof product_sizes / sizeof product_sizes[0] };

Test(matrix, product_agrees_with_the_triple_loop)
{
    for (size_t s = 0; s < PRODUCTS; s++) {
        const size_t m = product_sizes[s][0], inner = product_sizes[s][1], n = product_sizes[s][2];
        const Matrix x = param_matrix(m, inner, 1), w = param_matrix(inner, n, 8);
        const Matrix z = matmul(x, w);
        expect_shape(z, m, n);
        for (size_t i = 0; i < m; i++)
            for (size_t j = 0; j < n; j++) {
                double want = 0;
                for (size_t k = 0; k < inner; k++)
                    want += matrix_at(x, i, k)->data * matrix_at(w, k, j)->data;
                cr_expect_eq(matrix_at(z, i, j)->data, want, "%zux%zu times %zux%zu, entry (%zu, %zu): %g, want %g", m,
                             inner, inner, n, i, j, matrix_at(z, i, j)->data, want);
            }
    }
}

Test(matrix, product_entry_is_one_dot_of_a_row_and_a_column)
{
    const Matrix x = param_matrix(2, 3, 1), w = param_matrix(3, 2, 8);
    const Value *z = matrix_at(matmul(x, w), 1, 0);
    cr_assert_eq(z->op, OP_DOT, "op %s", op_table[z->op].name);
    cr_assert_eq(value_parent_count(z), 6, "%zu parents, want 3 pairs", value_parent_count(z));
    for (size_t k = 0; k < 3; k++) {
        cr_expect_eq(value_parent(z, k), matrix_at(x, 1, k), "parent %zu", k);
        cr_expect_eq(value_parent(z, 3 + k), matrix_at(w, k, 0), "parent %zu", 3 + k);
    }
}

/* With L = Σ w_ij·z_ij, dZ is the matrix of weights. Then dX = dZ·Wᵀ and dW = Xᵀ·dZ. */
Test(matrix, gradients_of_a_product_are_products_with_the_transposed)
{
    for (size_t s = 0; s < PRODUCTS; s++) {
        const size_t m = product_sizes[s][0], inner = product_sizes[s][1], n = product_sizes[s][2];
        const Matrix x = param_matrix(m, inner, 1), w = param_matrix(inner, n, 8);
        double weights[MOST], dx[MOST], dw[MOST], want_dx[MOST], want_dw[MOST];
        backward(weighted_sum(matmul(x, w), weights));
        const Matrix dz = matrix_const(g, m, n, weights);
        matrix_get_grad(x, dx);
        matrix_get_grad(w, dw);
        matrix_get_data(matmul(dz, matrix_transpose(w)), want_dx);
        matrix_get_data(matmul(matrix_transpose(x), dz), want_dw);
        for (size_t k = 0; k < m * inner; k++)
            cr_expect(dx[k] == want_dx[k] && dx[k] != 0, "%zux%zux%zu: dX[%zu] = %g, want %g, not 0", m, inner, n, k,
                      dx[k], want_dx[k]);
        for (size_t k = 0; k < inner * n; k++)
            cr_expect(dw[k] == want_dw[k] && dw[k] != 0, "%zux%zux%zu: dW[%zu] = %g, want %g, not 0", m, inner, n, k,
                      dw[k], want_dw[k]);
    }
}

Test(matrix, inputs_get_no_gradient_from_a_product)
{
    const double data[4] = {1, 2, 3, 4};
    const Matrix x = matrix_input(g, 2, 2, data), w = matrix_param(g, 2, 2, data);
    backward(matrix_sum(matmul(x, w)));
    const double want[4] = {4, 4, 6, 6}; /* column sums of X, once per column of W */
    for (size_t k = 0; k < 4; k++) {
        cr_expect_eq(w.at[k]->grad, want[k], "dW[%zu] = %g, want %g", k, w.at[k]->grad, want[k]);
        cr_expect_eq(x.at[k]->grad, 0, "dX[%zu] = %g, but x is an input", k, x.at[k]->grad);
    }
}

Test(matrix, square_of_a_matrix_counts_both_factors)
{
    const double data[4] = {1, 2, 3, 4};
    const Matrix a = matrix_param(g, 2, 2, data);
    backward(matrix_sum(matmul(a, a)));
    const double want[4] = {7, 11, 9, 13}; /* row sum of row j plus column sum of column i, for entry (i, j) */
    for (size_t k = 0; k < 4; k++)
        cr_expect_eq(a.at[k]->grad, want[k], "dA[%zu] = %g, want %g", k, a.at[k]->grad, want[k]);
}

/* ---- broadcasting -------------------------------------------------------------------------------------------------
 */

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

/* The operand's entry that belongs to entry (i, j) of the result. */
static Value *naive_entry(Matrix m, size_t i, size_t j) { return matrix_at(m, i % m.rows, j % m.cols); }

static Matrix apply(OpCode op, Matrix a, Matrix b)
{
    switch (op) {
    case OP_ADD: return matrix_add(a, b);
    case OP_SUB: return matrix_sub(a, b);
    case OP_MUL: return matrix_mul(a, b);
    case OP_DIV: return matrix_div(a, b);
    default: return matrix_pow(a, b);
    }
}

static const OpCode binary_ops[] = {OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_POW};
enum { BINARY_OPS = sizeof binary_ops / sizeof binary_ops[0] };

static bool same(double a, double b) { return a == b || (isnan(a) && isnan(b)); }

/* Values entry by entry; then every operand's gradient: the sum, over all places where its entry is repeated, of the
 * weight there times the local derivative there. */
static void check_broadcast(OpCode op, const size_t shape[4])
{
    const Matrix a = param_matrix(shape[0], shape[1], 1), b = param_matrix(shape[2], shape[3], 9);
    const Matrix y = apply(op, a, b);
    expect_shape(y, larger(a.rows, b.rows), larger(a.cols, b.cols));
    double weights[MOST], want_a[MOST] = {0}, want_b[MOST] = {0};
    Value *loss = weighted_sum(y, weights);
    for (size_t k = y.rows * y.cols; k-- > 0;) { /* in the order of the reverse walk, so that sums round alike */
        const size_t i = k / y.cols, j = k % y.cols;
        const double p = naive_entry(a, i, j)->data, q = naive_entry(b, i, j)->data;
        const double r = op_table[op].forward(p, q);
        cr_expect(same(matrix_at(y, i, j)->data, r), "%s %zux%zu %zux%zu, (%zu, %zu): %g, want %g", op_table[op].name,
                  a.rows, a.cols, b.rows, b.cols, i, j, matrix_at(y, i, j)->data, r);
        want_a[i % a.rows * a.cols + j % a.cols] += op_table[op].da(p, q, r) * weights[k];
        want_b[i % b.rows * b.cols + j % b.cols] += op_table[op].db(p, q, r) * weights[k];
    }
    backward(loss);
    for (size_t k = 0; k < a.rows * a.cols; k++)
        cr_expect(same(a.at[k]->grad, want_a[k]), "%s %zux%zu %zux%zu: dA[%zu] = %g, want %g", op_table[op].name,
                  a.rows, a.cols, b.rows, b.cols, k, a.at[k]->grad, want_a[k]);
    for (size_t k = 0; k < b.rows * b.cols; k++)
        cr_expect(same(b.at[k]->grad, want_b[k]), "%s %zux%zu %zux%zu: dB[%zu] = %g, want %g", op_table[op].name,
                  a.rows, a.cols, b.rows, b.cols, k, b.at[k]->grad, want_b[k]);
}

Test(matrix, every_op_broadcasts_every_pair_of_shapes_that_fit)
{
    const size_t sizes[] = {1, 2, 3};
    size_t checked = 0;
    for (size_t code = 0; code < 3 * 3 * 3 * 3; code++) {
        const size_t shape[4] = {sizes[code % 3], sizes[code / 3 % 3], sizes[code / 9 % 3], sizes[code / 27]};
        const bool rows_fit = shape[0] == shape[2] || shape[0] == 1 || shape[2] == 1;
        const bool cols_fit = shape[1] == shape[3] || shape[1] == 1 || shape[3] == 1;
        if (!rows_fit || !cols_fit)
            continue;
        for (size_t k = 0; k < BINARY_OPS; k++)
            check_broadcast(binary_ops[k], shape);
        checked++;
    }
    cr_assert_eq(checked, 49, "of 81 pairs of shapes 7*7 fit, %zu were checked", checked);
}

Test(matrix, bias_gradient_is_the_sum_over_the_rows)
{
    const double zeros[6] = {0}, weights[6] = {1, 2, 3, 10, 20, 30};
    const Matrix z = matrix_input(g, 2, 3, zeros), bias = matrix_param(g, 1, 3, zeros);
    backward(matrix_sum(matrix_mul(matrix_add(z, bias), matrix_const(g, 2, 3, weights))));
    const double want[3] = {11, 22, 33};
    for (size_t j = 0; j < 3; j++)
        cr_expect_eq(bias.at[j]->grad, want[j], "bias %zu: %g, want %g", j, bias.at[j]->grad, want[j]);
}

Test(matrix, numbers_and_values_stand_on_either_side)
{
    const double data[4] = {1, 2, 4, 8};
    const Matrix m = matrix_param(g, 2, 2, data);
    Value *scale = v_param(g, 3);
    const Matrix results[] = {matrix_sub(m, 1), matrix_sub(10.0, m), matrix_div(m, scale), matrix_div(scale, m)};
    for (size_t k = 0; k < 4; k++) {
        const double want[] = {data[k] - 1, 10 - data[k], data[k] / 3, 3 / data[k]};
        for (size_t r = 0; r < 4; r++)
            cr_expect_eq(results[r].at[k]->data, want[r], "result %zu, entry %zu: %g, want %g", r, k,
                         results[r].at[k]->data, want[r]);
    }
    backward(matrix_sum(matrix_mul(scale, m)));
    cr_assert_eq(scale->grad, 15, "a Value used in every entry: %g, want the sum of all, 15", scale->grad);
}

Test(matrix, a_number_is_one_constant_for_all_entries)
{
    const Matrix m = param_matrix(3, 4, 0);
    const size_t before = graph_node_count(g);
    matrix_mul(m, 2);
    cr_assert_eq(graph_node_count(g) - before, 13, "%zu nodes, want 12 products and 1 constant",
                 graph_node_count(g) - before);
}

/* ---- map and sums -------------------------------------------------------------------------------------------------
 */

Test(matrix, map_applies_every_op_of_one_operand)
{
    size_t ops = 0;
    for (int code = 0; code < OP_COUNT; code++) {
        const OpInfo *op = &op_table[code];
        if (op->shape != SHAPE_UNARY)
            continue;
        const Matrix m = param_matrix(2, 2, 3);
        const Matrix y = matrix_map(m, (OpCode)code);
        backward(matrix_sum(y));
        for (size_t k = 0; k < 4; k++) {
            const double a = m.at[k]->data, want = op->forward(a, 0);
            cr_expect(same(y.at[k]->data, want), "%s(%g) = %g, want %g", op->name, a, y.at[k]->data, want);
            cr_expect(same(m.at[k]->grad, op->da(a, 0, want)), "%s'(%g) = %g", op->name, a, m.at[k]->grad);
        }
        ops++;
    }
    cr_assert(ops >= 11, "%zu ops of one operand", ops);
}

Test(matrix, sums_over_rows_columns_and_all)
{
    const double data[6] = {1, 2, 3, 10, 20, 30};
    const Matrix m = matrix_param(g, 2, 3, data);
    const Matrix rows = matrix_row_sums(m), cols = matrix_col_sums(m);
    expect_shape(rows, 2, 1);
    expect_shape(cols, 1, 3);
    const double want_rows[2] = {6, 60}, want_cols[3] = {11, 22, 33};
    for (size_t i = 0; i < 2; i++)
        cr_expect_eq(rows.at[i]->data, want_rows[i], "row %zu: %g", i, rows.at[i]->data);
    for (size_t j = 0; j < 3; j++)
        cr_expect_eq(cols.at[j]->data, want_cols[j], "column %zu: %g", j, cols.at[j]->data);
    cr_assert_eq(matrix_sum(m)->data, 66, "total %g", matrix_sum(m)->data);
}

Test(matrix, gradient_of_a_row_or_column_sum_reaches_each_of_its_entries)
{
    const Matrix m = param_matrix(2, 3, 0);
    double row_weights[2], col_weights[3];
    Value *by_rows = weighted_sum(matrix_row_sums(m), row_weights);
    Value *by_cols = weighted_sum(matrix_col_sums(m), col_weights);
    backward(v_add(by_rows, by_cols));
    for (size_t k = 0; k < 6; k++) {
        const double want = row_weights[k / 3] + col_weights[k % 3];
        cr_expect_eq(m.at[k]->grad, want, "entry %zu: %g, want %g", k, m.at[k]->grad, want);
    }
}

/* ---- misuse ------------------------------------------------------------------------------------------------------ */

Test(matrix, shapes_that_do_not_fit_are_named)
{
    const Matrix a = param_matrix(3, 2, 0), b = param_matrix(4, 3, 0), c = param_matrix(3, 4, 0);
    MUST_BE_MISUSE(matmul(a, b), "matmul: 3x2 times 4x3: the inner sizes 2 and 4 differ");
    MUST_BE_MISUSE(matrix_add(a, b), "matrix_add: 3x2 with 4x3: 3 rows against 4");
    MUST_BE_MISUSE(matrix_pow(a, c), "matrix_pow: 3x2 with 3x4: 2 columns against 4");
    MUST_BE_MISUSE(matrix_reshape(a, 4, 2), "matrix_reshape: 3x2 to 4x2: 6 entries cannot fill 8 places");
    MUST_BE_MISUSE(matrix_reshape(a, 0, 6), "0x6 is not a shape");
}

Test(matrix, an_index_out_of_range_is_named_with_the_shape)
{
    const Matrix m = param_matrix(3, 2, 0);
    MUST_BE_MISUSE(matrix_at(m, 3, 0), "matrix_at: entry (3, 0) of a 3x2 matrix. Rows count from 0 to 2, columns from");
    MUST_BE_MISUSE(matrix_at(m, 0, 2), "entry (0, 2)");
    MUST_BE_MISUSE(matrix_row(m, 3), "matrix_row: row 3 of a 3x2 matrix");
}

Test(matrix, sizes_of_zero_or_beyond_counting_are_refused)
{
    const double data[1] = {0};
    MUST_BE_MISUSE(matrix_param(g, 0, 2, data), "matrix_param: 0x2 is not a shape");
    MUST_BE_MISUSE(matrix_input(g, 2, 0, data), "matrix_input: 2x0 is not a shape");
    MUST_BE_MISUSE(matrix_const(g, SIZE_MAX / 2 + 1, 2, data), "is too large"); /* rows·cols wraps round to 0 */
    MUST_BE_MISUSE(matrix_const(g, SIZE_MAX, SIZE_MAX, data), "is too large");  /* and here to 1 */
}

Test(matrix, operands_that_cannot_be_used_are_named)
{
    const double data[2] = {1, 2};
    Graph *other = graph_new();
    const Matrix m = matrix_param(g, 1, 2, data), foreign = matrix_param(other, 1, 2, data), never = {0};
    Value *hole[2] = {m.at[0], NULL}, *mixed[2] = {m.at[0], foreign.at[0]};
    MUST_BE_MISUSE(matrix_add(m, foreign), "are of two graphs");
    MUST_BE_MISUSE(matrix_add(m, foreign.at[0]), "are of two graphs");
    MUST_BE_MISUSE(matmul(m, never), "matmul: the right matrix was never made");
    MUST_BE_MISUSE(matrix_mul(2, never), "matrix_mul: the right matrix was never made");
    MUST_BE_MISUSE(matrix_add(m, (Value *)NULL), "matrix_add: operand b is NULL");
    MUST_BE_MISUSE(matrix_add((Value *)NULL, m), "matrix_add: operand a is NULL");
    MUST_BE_MISUSE(matrix_map(m, OP_ADD), "add does not take one operand");
    MUST_BE_MISUSE(matrix_map(m, OP_PARAM), "param does not take one operand");
    MUST_BE_MISUSE(matrix_map(m, (OpCode)77), "op 77 does not take one operand");
    MUST_BE_MISUSE(matrix_param(g, 1, 2, NULL), "matrix_param: data is NULL");
    MUST_BE_MISUSE(matrix_param((Graph *)NULL, 1, 2, data), "matrix_param: the graph is NULL");
    MUST_BE_MISUSE(matrix_get_data(m, NULL), "matrix_get_data: out is NULL");
    MUST_BE_MISUSE(matrix_print(m, NULL), "matrix_print: out is NULL");
    MUST_BE_MISUSE(matrix_from_values((Value **)NULL, 1, 2), "the list of values is NULL");
    MUST_BE_MISUSE(matrix_from_values(hole, 1, 2), "entry (0, 1) is NULL");
    MUST_BE_MISUSE(matrix_from_values(mixed, 2, 1), "entry (1, 0) (v0, data 1) belongs to another graph");
    graph_free(other);
}

Test(matrix, a_released_matrix_is_misuse_even_when_its_nodes_live)
{
    const Matrix m = param_matrix(2, 2, 0);
    const Mark mark = graph_mark(g);
    const Matrix sum = matrix_add(m, 1), transposed = matrix_transpose(m);
    graph_release(g, mark);
    MUST_BE_MISUSE(matrix_sum(sum), "matrix_sum: the matrix, 2x2, was released");
    MUST_BE_MISUSE(matmul(m, transposed), "matmul: the right matrix, 2x2, was released");
    MUST_BE_MISUSE(matrix_at(sum, 0, 0), "matrix_at: the matrix, 2x2, was released");
    matrix_sum(m);
}

Test(matrix, misuse_aborts_by_default, .signal = SIGABRT)
{
    const double data[2] = {1, 2};
    const Matrix m = matrix_param(g, 1, 2, data);
    matmul(m, m);
}

/* ---- no memory ----------------------------------------------------------------------------------------------------
 */

/* Something of everything, large enough to need several blocks. */
static Value *all_operations(Graph *graph)
{
    enum { N = 30 };
    static double data[N * N], out[N * N];
    for (size_t i = 0; i < N * N; i++)
        data[i] = (double)(i % 9) / 8;
    const Matrix a = matrix_param(graph, N, N, data), b = matrix_input(graph, 1, N, data);
    const Matrix z = matrix_add(matmul(a, matrix_transpose(a)), b);
    const Matrix y = matrix_mul(2, matrix_sub(matrix_map(z, OP_TANH), matrix_at(a, 0, 1)));
    const Matrix shape = matrix_reshape(matrix_row(y, N - 1), N, 1);
    const Matrix again = shape.at == NULL ? shape : matrix_from_values(shape.at, N, 1);
    matrix_get_data(y, out);
    matrix_get_grad(y, out);
    Value *parts[] = {matrix_sum(matrix_row_sums(y)), matrix_sum(matrix_col_sums(y)), matrix_sum(again), matrix_sum(y)};
    return v_sum(parts, sizeof parts / sizeof parts[0]);
}

Test(matrix, without_memory_everything_built_is_failed)
{
    const double want = all_operations(g)->data;
    size_t failures = 0;
    for (size_t n = 0;; n++) {
        Graph *graph = graph_new();
        memory_lasts(n);
        Value *loss = all_operations(graph);
        const bool ok = graph_ok(graph);
        cr_expect_eq(ok, loss->op != OP_FAILED, "allocation %zu failed: graph_ok is %d, op %d", n, ok, loss->op);
        cr_expect(ok ? loss->data == want : isnan(loss->data), "allocation %zu: %g, want %g", n, loss->data, want);
        failures += !ok;
        graph_free(graph);
        memory_restore();
        if (ok)
            break;
    }
    cr_assert(failures > 5, "only %zu allocations were made to fail", failures);
}

Test(matrix, a_failed_matrix_kept_beyond_a_release_fails_the_graph_again)
{
    const Mark mark = graph_mark(g);
    const Matrix failed = {.graph = g, .rows = 2, .cols = 3}; /* what an operation returns without memory */
    graph_release(g, mark);
    cr_assert(graph_ok(g), "released: good again");
    const Matrix product = matmul(failed, matrix_transpose(failed));
    cr_assert_not(graph_ok(g), "a result of nothing must not look good");
    expect_shape(product, 2, 2);
    double data[4];
    matrix_get_data(product, data);
    cr_assert(isnan(data[0]) && isnan(data[3]), "data of a failed matrix: %g", data[0]);
    MUST_BE_MISUSE(matmul(failed, failed), "2x3 times 2x3: the inner sizes 3 and 2 differ");
}
