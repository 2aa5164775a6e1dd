/* test_matrix.c - matrices of Values: product, broadcasting, sums and shapes, against plain loops over doubles. */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "backward.h"
#include "caught.h"
#include "gradcheck.h"
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

Test(matrix, a_label_names_each_entry_by_its_place)
{
    const Matrix m = param_matrix(2, 3, 0), row = matrix_label(matrix_row(m, 1), "row");
    cr_expect_str_eq(row.at[2]->label, "row[0,2]");
    cr_expect_eq(matrix_label(m, "w").at, m.at, "another matrix came back");
    cr_expect_str_eq(m.at[0]->label, "w[0,0]");
    cr_expect_str_eq(m.at[5]->label, "w[1,2]");
    char name[200];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    matrix_label(m, name);
    cr_expect_str_eq(m.at[5]->label + strlen(m.at[5]->label) - 5, "[1,2]");
    for (size_t i = 0; i + 1 < sizeof name; i++)
        name[i] = "é"[i % 2 == 0]; /* from the second byte on: wherever it is cut, no half character is left */
    matrix_label(m, name + 1);
    const char *label = m.at[5]->label;
    cr_expect(strstr(label, "é[") != NULL || strstr(label, "…[") != NULL, "cut inside a character: %s", label);
    MUST_BE_MISUSE(matrix_label(m, NULL), "matrix_label: the name is NULL");
    MUST_BE_MISUSE(matrix_label((Matrix){0}, "w"), "matrix_label: the matrix was never made");
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

Test(matrix, rows_and_a_slice_share_the_nodes)
{
    const Matrix m = param_matrix(3, 4, 0);
    const size_t before = graph_node_count(g);
    const Matrix rows = matrix_rows(m, ((int[]){2, 0, 2}), 3), piece = matrix_slice(m, 1, 2, 2, 2);
    cr_assert_eq(graph_node_count(g), before, "%zu nodes were made", graph_node_count(g) - before);
    expect_shape(rows, 3, 4);
    expect_shape(piece, 2, 2);
    for (size_t j = 0; j < 4; j++) {
        cr_expect_eq(matrix_at(rows, 0, j), matrix_at(m, 2, j), "row 0, column %zu", j);
        cr_expect_eq(matrix_at(rows, 1, j), matrix_at(m, 0, j), "row 1, column %zu", j);
        cr_expect_eq(matrix_at(rows, 2, j), matrix_at(m, 2, j), "row 2, column %zu", j);
    }
    for (size_t k = 0; k < 4; k++)
        cr_expect_eq(piece.at[k], matrix_at(m, 1 + k / 2, 2 + k % 2), "slice, place %zu", k);
}

Test(matrix, a_slice_copies_no_list_where_the_old_one_has_it_in_one_piece)
{
    const Matrix m = param_matrix(3, 4, 0);
    const Matrix whole_rows = matrix_slice(m, 1, 2, 0, 4), of_one_row = matrix_slice(m, 2, 1, 1, 3);
    expect_shape(whole_rows, 2, 4);
    expect_shape(of_one_row, 1, 3);
    cr_expect_eq(whole_rows.at, &m.at[4], "rows 1 and 2");
    cr_expect_eq(of_one_row.at, &m.at[9], "a piece of row 2");
}

/* The embedding of a letter that comes twice learns from both places. */
Test(matrix, a_row_taken_twice_gets_both_gradients_and_one_not_taken_none)
{
    const Matrix m = param_matrix(3, 2, 0);
    double weights[6];
    backward(weighted_sum(matrix_rows(m, ((int[]){2, 0, 2}), 3), weights));
    const double want[6] = {weights[2], weights[3], 0, 0, weights[0] + weights[4], weights[1] + weights[5]};
    for (size_t k = 0; k < 6; k++)
        cr_expect_eq(m.at[k]->grad, want[k], "entry %zu: %g, want %g", k, m.at[k]->grad, want[k]);
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

/* Params, inputs, both in one row, side by side and not: what a row is found to be when it is looked at. */
static Matrix mixed_matrix(size_t rows, size_t cols, int start)
{
    Value *list[MOST];
    double data[MOST];
    fill(data, rows * cols, start);
    for (size_t k = rows * cols; k-- > 0;)
        list[k] = k / cols % 2 == 0 || k % 3 == 0 ? v_param(g, data[k]) : v_input(g, data[k]);
    return matrix_from_values(list, rows, cols);
}

/* The node is what v_dot builds: the value to the last bit, the parents, and who gets a gradient. */
Test(matrix, an_entry_of_a_product_is_the_node_that_v_dot_builds)
{
    const Matrix inputs = matrix_input(g, 3, 4, (double[12]){0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2});
    const Matrix all[] = {param_matrix(3, 4, 1), mixed_matrix(3, 4, 2), inputs,
                          matrix_transpose(param_matrix(4, 3, 7))};
    const size_t count = sizeof all / sizeof all[0];
    for (size_t pair = 0; pair < count * count; pair++) {
        const Matrix a = all[pair / count], b = all[pair % count], z = matmul_transposed(a, b);
        expect_shape(z, 3, 3);
        for (size_t k = 0; k < 9; k++) {
            const Value *got = z.at[k], *want = v_dot(&a.at[k / 3 * 4], &b.at[k % 3 * 4], 4);
            cr_expect(got->data == want->data && got->needs_grad == want->needs_grad && got->op == OP_DOT &&
                          got->some_parents_fixed == want->some_parents_fixed && got->n == want->n,
                      "pair %zu, entry %zu: %a, want %a, or other flags", pair, k, got->data, want->data);
            cr_expect_eq(got->list == NULL, want->list == NULL, "pair %zu, entry %zu: side by side or not", pair, k);
            for (size_t i = 0; i < 8; i++)
                cr_expect_eq(value_parent(got, i), value_parent(want, i), "pair %zu, entry %zu, parent %zu", pair, k,
                             i);
        }
    }
}

Test(matrix, an_entry_with_a_failed_node_in_either_row_is_failed)
{
    Value *list[4] = {v_param(g, 1), v_param(g, 2), v_param(g, 3), graph_fail(g)};
    const Matrix good = param_matrix(1, 2, 1), half = matrix_from_values(list, 2, 2);
    const Matrix left = matmul_transposed(half, good), right = matmul_transposed(good, half);
    cr_expect(left.at[0]->op == OP_DOT && right.at[0]->op == OP_DOT, "the first row has no failed node");
    cr_expect(left.at[1]->op == OP_FAILED && right.at[1]->op == OP_FAILED, "the second has one");
}

Test(matrix, product_with_the_transposed_is_the_product_with_matrix_transpose)
{
    for (size_t s = 0; s < PRODUCTS; s++) {
        const size_t m = product_sizes[s][0], inner = product_sizes[s][1], n = product_sizes[s][2];
        const Matrix x = param_matrix(m, inner, 1), w = param_matrix(n, inner, 8);
        const Matrix z = matmul_transposed(x, w), want = matmul(x, matrix_transpose(w));
        expect_shape(z, m, n);
        for (size_t k = 0; k < m * n; k++)
            cr_expect_eq(z.at[k]->data, want.at[k]->data, "%zux%zux%zu, entry %zu: %g, want %g", m, inner, n, k,
                         z.at[k]->data, want.at[k]->data);
    }
}

Test(matrix, entries_made_together_lie_side_by_side)
{
    const Matrix a = param_matrix(4, 4, 1), normal = matrix_rows(a, ((int[]){0, 1, 2}), 3);
    const Matrix made[] = {a,
                           matmul_transposed(normal, a),
                           matrix_add(a, 1),
                           matrix_map(a, OP_TANH),
                           matrix_row_softmax(a),
                           matrix_row_dots(a, a)};
    for (size_t i = 0; i < sizeof made / sizeof made[0]; i++)
        cr_expect(value_is_run(made[i].at, made[i].rows * made[i].cols), "matrix %zu", i);
}

Test(matrix, row_dots_pair_the_rows_and_a_square_counts_twice)
{
    const double data[6] = {1, 2, 3, -1, 0.5, 4}, other[6] = {2, -1, 0.5, 4, 8, 1};
    const Matrix a = matrix_param(g, 2, 3, data), b = matrix_input(g, 2, 3, other);
    const Matrix y = matrix_row_dots(a, b), squares = matrix_row_dots(a, a);
    expect_shape(y, 2, 1);
    cr_expect(y.at[0]->data == 1.5 && y.at[1]->data == 4, "%g %g, want 1.5 4", y.at[0]->data, y.at[1]->data);
    cr_expect(squares.at[0]->data == 14 && squares.at[1]->data == 17.25, "squares %g %g", squares.at[0]->data,
              squares.at[1]->data);
    backward(v_add(matrix_sum(y), matrix_sum(squares)));
    for (size_t k = 0; k < 6; k++)
        cr_expect_eq(a.at[k]->grad, other[k] + 2 * data[k], "entry %zu: %g", k, a.at[k]->grad);
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

Test(matrix, row_softmax_gives_each_row_its_probabilities)
{
    const Matrix m = matrix_param(g, 3, 3, (double[]){1, 2, 3, 1000, 1000, -1000, -INFINITY, 0, 0});
    const Matrix p = matrix_row_softmax(m);
    /* torch.softmax */
    const double want[9] = {0.09003057317038045, 0.2447284710547976, 0.6652409557748218, 0.5, 0.5, 0, 0, 0.5, 0.5};
    expect_shape(p, 3, 3);
    for (size_t k = 0; k < 9; k++)
        cr_expect(fabs(p.at[k]->data - want[k]) <= 1.2e-16, "entry %zu: %.17g, want %.17g", k, p.at[k]->data, want[k]);
}

Test(matrix, row_softmax_of_infinities_that_have_no_ratio_is_nan)
{
    const Matrix p = matrix_row_softmax(matrix_param(g, 2, 2, (double[]){INFINITY, 0, -INFINITY, -INFINITY}));
    for (size_t k = 0; k < 4; k++)
        cr_expect(isnan(p.at[k]->data), "entry %zu: %g, want nan", k, p.at[k]->data);
}

/* dL/dz_i = p_i·(g_i − Σ_j g_j·p_j), with g = dL/dp */
Test(matrix, gradient_of_a_row_softmax_stays_in_its_row)
{
    const Matrix m = param_matrix(2, 3, 4), p = matrix_row_softmax(m);
    double weights[6];
    backward(weighted_sum(p, weights));
    for (size_t k = 0; k < 6; k++) {
        double mean = 0;
        for (size_t j = k / 3 * 3; j < k / 3 * 3 + 3; j++)
            mean += weights[j] * p.at[j]->data;
        const double want = p.at[k]->data * (weights[k] - mean);
        cr_expect(fabs(m.at[k]->grad - want) <= 1e-15, "entry %zu: %.17g, want %.17g", k, m.at[k]->grad, want);
    }
}

/* Everything that attention is made of, in small: rows, normalized; their scores by two weight matrices; the softmax,
 * and the mean of the values. The numbers are PyTorch's (1.13, float64). */
Test(matrix, attention_has_the_loss_and_the_gradients_of_pytorch)
{
    const Matrix e = matrix_param(g, 3, 2, (double[]){0.5, -1.25, 2, 0.75, -0.25, 1.5});
    const Matrix k = matrix_param(g, 2, 2, (double[]){1, -0.5, 0.25, 2}),
                 v = matrix_param(g, 2, 2, (double[]){0.75, 1.25, -1.5, 0.5});
    const Matrix rows = matrix_rows(e, ((int[]){2, 0, 2}), 3);
    const Matrix mean_square = matrix_div(matrix_row_dots(rows, rows), 2);
    const Matrix x = matrix_div(rows, matrix_map(matrix_add(mean_square, 1e-5), OP_SQRT));
    const Matrix scores = matrix_div(matmul_transposed(x, matmul_transposed(x, k)), sqrt(2));
    const Matrix y = matmul(matrix_row_softmax(scores), matmul_transposed(x, v));
    Value *loss = matrix_sum(matrix_mul(y, matrix_const(g, 3, 2, (double[]){1, -2, 0.5, 3, -1.5, 0.25})));
    backward(loss);
    cr_expect(fabs(loss->data - -7.497782775479321) <= 5e-15, "loss %.17g", loss->data);
    const double want[14] = {-2.894651304764129,
                             -1.157812235391218,
                             0.0,
                             0.0,
                             1.7752982025224529,
                             0.295866543659134,
                             -0.019016394306477377,
                             0.06796313212603311,
                             0.052644250038875684,
                             -0.1881465047161618,
                             0.375407061303021,
                             -1.3416759926824051,
                             1.9637508755516875,
                             -6.313233534552098};
    for (size_t i = 0; i < 14; i++) {
        const double got = (i < 6 ? e.at[i] : i < 10 ? k.at[i - 6] : v.at[i - 10])->grad;
        cr_expect(fabs(got - want[i]) <= 5e-15, "param %zu: %.17g, want %.17g", i, got, want[i]);
    }
    GradCheck report;
    Error error;
    cr_expect(gradcheck(loss, &report, &error), "%s", error.message);
    cr_expect_eq(report.right, 12, "%zu of the 12 params that it depends on were right", report.right);
}

Test(matrix, normal_params_are_the_deviation_times_the_random_numbers)
{
    Random random, again;
    random_seed(&random, 3);
    random_seed(&again, 3);
    const Matrix m = matrix_param_normal(g, 2, 3, 0.25, &random);
    expect_shape(m, 2, 3);
    for (size_t k = 0; k < 6; k++) {
        const double want = 0.25 * random_normal(&again);
        cr_expect(m.at[k]->data == want && m.at[k]->op == OP_PARAM, "entry %zu: %g, want %g", k, m.at[k]->data, want);
    }
    cr_expect_eq(random.state, again.state, "another number of draws");
    cr_expect_eq(matrix_param_normal(g, 1, 1, 0, &random).at[0]->data, 0, "without a deviation all are the mean, 0");
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

static const int minus[] = {0, -1}, too_far[] = {0, 1, 3};

Test(matrix, shapes_that_do_not_fit_are_named)
{
    const Matrix a = param_matrix(3, 2, 0), b = param_matrix(4, 3, 0), c = param_matrix(3, 4, 0);
    MUST_BE_MISUSE(matmul(a, b), "matmul: 3x2 times 4x3: the inner sizes 2 and 4 differ");
    MUST_BE_MISUSE(matrix_add(a, b), "matrix_add: 3x2 with 4x3: 3 rows against 4");
    MUST_BE_MISUSE(matrix_pow(a, c), "matrix_pow: 3x2 with 3x4: 2 columns against 4");
    MUST_BE_MISUSE(matrix_reshape(a, 4, 2), "matrix_reshape: 3x2 to 4x2: 6 entries cannot fill 8 places");
    MUST_BE_MISUSE(matrix_reshape(a, 0, 6), "0x6 is not a shape");
    MUST_BE_MISUSE(matmul_transposed(a, b), "matmul_transposed: 3x2 times 4x3 transposed: 2 columns against 3");
    MUST_BE_MISUSE(matrix_row_dots(a, c), "matrix_row_dots: 3x2 with 3x4");
    MUST_BE_MISUSE(matrix_row_dots(c, b), "matrix_row_dots: 3x4 with 4x3");
}

Test(matrix, a_slice_that_is_empty_or_reaches_out_is_named)
{
    const Matrix m = param_matrix(3, 4, 0);
    MUST_BE_MISUSE(matrix_slice(m, 1, 3, 0, 4), "matrix_slice: 3x4 from entry (1, 0) on, of a 3x4 matrix");
    MUST_BE_MISUSE(matrix_slice(m, 0, 3, 3, 2), "matrix_slice: 3x2 from entry (0, 3) on");
    MUST_BE_MISUSE(matrix_slice(m, 4, 1, 0, 1), "1x1 from entry (4, 0)");
    MUST_BE_MISUSE(matrix_slice(m, 0, 1, 5, 1), "1x1 from entry (0, 5)");
    MUST_BE_MISUSE(matrix_slice(m, 2, SIZE_MAX, 0, 4), "from entry (2, 0)"); /* row + rows wraps round to 1 */
    MUST_BE_MISUSE(matrix_slice(m, 0, 3, 2, SIZE_MAX), "from entry (0, 2)");
    MUST_BE_MISUSE(matrix_slice(m, 0, 0, 0, 4), "0x4 from entry (0, 0)");
    MUST_BE_MISUSE(matrix_slice(m, 0, 3, 0, 0), "3x0 from entry (0, 0)");
}

Test(matrix, a_row_that_is_not_there_is_named_with_its_place_in_the_list)
{
    const Matrix m = param_matrix(3, 2, 0);
    MUST_BE_MISUSE(matrix_rows(m, minus, 2), "matrix_rows: rows[1] is -1, of a 3x2 matrix. Rows count from 0 to 2");
    MUST_BE_MISUSE(matrix_rows(m, too_far, 3), "matrix_rows: rows[2] is 3");
    MUST_BE_MISUSE(matrix_rows(m, &minus[1], 1), "matrix_rows: rows[0] is -1");
    MUST_BE_MISUSE(matrix_rows(m, NULL, 3), "matrix_rows: the list of rows is NULL");
    MUST_BE_MISUSE(matrix_rows(m, minus, 0), "matrix_rows: 0x2 is not a shape");
}

Test(matrix, normal_params_need_a_graph_a_random_and_a_deviation)
{
    Random random;
    random_seed(&random, 1);
    MUST_BE_MISUSE(matrix_param_normal(NULL, 1, 1, 1, &random), "matrix_param_normal: the graph is NULL");
    MUST_BE_MISUSE(matrix_param_normal(g, 1, 1, 1, NULL), "matrix_param_normal: random is NULL");
    MUST_BE_MISUSE(matrix_param_normal(g, 0, 1, 1, &random), "0x1 is not a shape");
    MUST_BE_MISUSE(matrix_param_normal(g, 1, 1, -1, &random), "the deviation is -1");
    MUST_BE_MISUSE(matrix_param_normal(g, 1, 1, NAN, &random), "the deviation is");
    MUST_BE_MISUSE(matrix_param_normal(g, 1, 1, INFINITY, &random), "the deviation is inf");
    MUST_BE_MISUSE(matrix_param_normal(g, 1, 1, 1, &(Random){0}), "random_normal: the Random was never seeded");
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
    const size_t most = UINT32_MAX / sizeof(Value *);
    MUST_BE_MISUSE(matrix_const(g, most / 2 + 1, 2, data), "is too large");
    memory_lasts(0);
    cr_expect_null(matrix_const(g, 1, most, data).at, "there was memory");
    memory_restore();
}

/* The operands need no numbers for that: they are what an operation returns without memory. */
Test(matrix, a_result_beyond_counting_is_refused)
{
    const size_t long_side = UINT32_MAX / sizeof(Value *) / 2;
    const Matrix column = {.graph = g, .rows = long_side, .cols = 1}, row = {.graph = g, .rows = 1, .cols = 3};
    const Matrix three = {.graph = g, .rows = 3, .cols = 1}, wide = {.graph = g, .rows = 1, .cols = long_side};
    static const int rows[3] = {0};
    Value *values[1] = {v_const(g, 1)};
    char want[64];
    snprintf(want, sizeof want, "%zux3 is too large", long_side);
    MUST_BE_MISUSE(matmul(column, row), "matmul: ", want);
    MUST_BE_MISUSE(matmul_transposed(column, three), "matmul_transposed: ", want);
    MUST_BE_MISUSE(matrix_add(column, row), "matrix_add: ", want);
    MUST_BE_MISUSE(matrix_rows(wide, rows, 3), "matrix_rows: 3x", "is too large");
    MUST_BE_MISUSE(matrix_reshape(wide, long_side, 3), "matrix_reshape: ", want);
    MUST_BE_MISUSE(matrix_from_values(values, 0, 2), "matrix_from_values: 0x2 is not a shape");
    MUST_BE_MISUSE(matrix_from_values(values, long_side, 3), "matrix_from_values: ", want);
}

Test(matrix, operands_that_cannot_be_used_are_named)
{
    const double data[2] = {1, 2};
    double out[2];
    Graph *other = graph_new();
    const Matrix m = matrix_param(g, 1, 2, data), foreign = matrix_param(other, 1, 2, data), never = {0};
    Value *hole[2] = {m.at[0], NULL}, *mixed[2] = {m.at[0], foreign.at[0]};
    MUST_BE_MISUSE(matrix_add(m, foreign), "are of two graphs");
    MUST_BE_MISUSE(matrix_add(m, foreign.at[0]), "are of two graphs");
    MUST_BE_MISUSE(matmul(m, never), "matmul: the right matrix was never made");
    MUST_BE_MISUSE(matrix_mul(2, never), "matrix_mul: the right matrix was never made");
    MUST_BE_MISUSE(matrix_mul(never, 2), "matrix_mul: the left matrix was never made");
    MUST_BE_MISUSE(matmul_transposed(never, m), "matmul_transposed: the left matrix was never made");
    MUST_BE_MISUSE(matmul_transposed(m, foreign), "matmul_transposed", "are of two graphs");
    MUST_BE_MISUSE(matrix_row_dots(m, never), "matrix_row_dots: the right matrix was never made");
    MUST_BE_MISUSE(matrix_row_softmax(never), "matrix_row_softmax: the matrix was never made");
    MUST_BE_MISUSE(matrix_rows(never, minus, 1), "matrix_rows: the matrix was never made");
    MUST_BE_MISUSE(matrix_slice(never, 0, 1, 0, 1), "matrix_slice: the matrix was never made");
    MUST_BE_MISUSE(matrix_transpose(never), "matrix_transpose: the matrix was never made");
    MUST_BE_MISUSE(matrix_reshape(never, 1, 1), "matrix_reshape: the matrix was never made");
    MUST_BE_MISUSE(matrix_row(never, 0), "matrix_row: the matrix was never made");
    MUST_BE_MISUSE(matrix_at(never, 0, 0), "matrix_at: the matrix was never made");
    MUST_BE_MISUSE(matrix_get_data(never, out), "matrix_get_data: the matrix was never made");
    MUST_BE_MISUSE(matrix_get_grad(never, out), "matrix_get_grad: the matrix was never made");
    MUST_BE_MISUSE(matrix_print(never, stdout), "matrix_print: the matrix was never made");
    MUST_BE_MISUSE(matrix_map(never, OP_EXP), "matrix_map: the matrix was never made");
    MUST_BE_MISUSE(matrix_row_sums(never), "matrix_row_sums: the matrix was never made");
    MUST_BE_MISUSE(matrix_col_sums(never), "matrix_col_sums: the matrix was never made");
    MUST_BE_MISUSE(matrix_sum(never), "matrix_sum: the matrix was never made");
    MUST_BE_MISUSE(matrix_add(m, (Value *)NULL), "matrix_add: operand b is NULL");
    MUST_BE_MISUSE(matrix_add((Value *)NULL, m), "matrix_add: operand a is NULL");
    MUST_BE_MISUSE(matrix_map(m, OP_ADD), "add does not take one operand");
    MUST_BE_MISUSE(matrix_map(m, OP_PARAM), "param does not take one operand");
    MUST_BE_MISUSE(matrix_map(m, (OpCode)77), "op 77 does not take one operand");
    MUST_BE_MISUSE(matrix_param(g, 1, 2, NULL), "matrix_param: data is NULL");
    MUST_BE_MISUSE(matrix_param((Graph *)NULL, 1, 2, data), "matrix_param: the graph is NULL");
    MUST_BE_MISUSE(matrix_get_data(m, NULL), "matrix_get_data: out is NULL");
    MUST_BE_MISUSE(matrix_get_grad(m, NULL), "matrix_get_grad: out is NULL");
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
    MUST_BE_MISUSE(matmul_transposed(transposed, m), "matmul_transposed: the left matrix, 2x2, was released");
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
    const Matrix rows = matrix_label(matrix_rows(y, ((int[]){3, 3, 1}), 3), "row"),
                 piece = matrix_slice(matmul_transposed(rows, a), 1, 2, 2, 9);
    Random random;
    random_seed(&random, 1);
    const Matrix drawn = matrix_row_softmax(matrix_mul(piece, matrix_param_normal(graph, 2, 9, 1, &random)));
    const Matrix shape = matrix_reshape(matrix_row(y, N - 1), N, 1);
    const Matrix again = shape.at == NULL ? shape : matrix_from_values(shape.at, N, 1);
    matrix_get_data(y, out);
    matrix_get_grad(y, out);
    Value *parts[] = {matrix_sum(matrix_row_sums(y)), matrix_sum(matrix_col_sums(y)), matrix_sum(again), matrix_sum(y),
                      matrix_sum(matrix_row_dots(drawn, drawn))};
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
    double grad[4];
    matrix_get_grad(product, grad);
    cr_assert(isnan(grad[0]) && isnan(grad[3]), "gradients of a failed matrix: %g", grad[0]);
    MUST_BE_MISUSE(matmul(failed, failed), "2x3 times 2x3: the inner sizes 3 and 2 differ");
}
