/* 13_broadcasting.c - A bias of one row is added to a batch of many rows. What is its gradient?
 *
 * New here: repetition. Shapes that differ are made to fit by repeating what has size 1, as in NumPy: a 1×N row is
 * added to every row, an M×1 column to every column, a 1×1 to all. Nothing is copied. A repeated entry is ONE node that
 * is used many times, and the += of chapter 5 does the rest:
 *
 *     z[i,j] = y[i,j] + b[j]       ∂z[i,j]/∂b[j] = 1 for every i       db[j] = Σ_i dz[i,j]
 *     z[i,j] = y[i,j]·f[j]         ∂z[i,j]/∂f[j] = y[i,j]              df[j] = Σ_i y[i,j]·dz[i,j]
 *
 * The rule: what was repeated along an axis on the way forward is summed along that axis on the way back.
 *
 * It prints dZ and its sums beside the gradients of a row, a column and a single number that were added; the same with
 * the row copied out by hand, each copy a param of its own; and a row that multiplies. It draws shared.svg: one bias,
 * three rows, three edges.
 *
 *     (gdb) break backward_at
 *     (gdb) run
 *     (gdb) up
 *     (gdb) print z.at[0]->b == z.at[3]->b    = 1     rows 0 and 1 of Z were built with the very same node
 *     (gdb) watch -l row.at[0]->grad
 *     (gdb) continue                      0 becomes 3: the last row of Z has pushed
 *     (gdb) continue                      3 becomes 6: row 0 has; dz[1,0] is 0 and had nothing to push
 */
#include "graph/dot.h"
#include "stepgrad.h"

static bool all_hold = true;

/* What a chapter says, it checks: print the claim, and remember if it does not hold. */
static void claim(bool holds, const char *text)
{
    printf("%s %s\n", holds ? "ok    " : "FAILED", text);
    all_hold = all_hold && holds;
}

/* Draw what root was computed from, where Graphviz is installed: FOLDER/NAME.svg. */
static void draw(Value *root, const char *folder, const char *name, const DotOptions *options)
{
    Error error;
    char path[1024];
    snprintf(path, sizeof path, "%s/%s.svg", folder, name);
    if (!dot_draw(root, path, options, &error))
        fprintf(stderr, "no picture: %s\n", error.message);
}

/* Half the sum of (z - t)^2 over all entries, so that dL/dz = z - t. */
static Value *half_squared_error(Matrix z, Matrix t)
{
    Matrix difference = matrix_sub(z, t);
    return v_mul(matrix_sum(matrix_mul(difference, difference)), 0.5);
}

int main(int argc, char **argv)
{
    enum { M = 3, N = 3 };
    const double y_data[M * N] = {1, 2, 0, -1, 4, 2, 3, 0, 1}, t_data[M * N] = {0, 4, 0, 2, 3, 1, 1, 0, 6};
    const double row_data[N] = {1, -2, 3}, column_data[M] = {0, 1, -1}, single_data = 1;
    Graph *g = graph_new();
    Matrix y = matrix_input(g, M, N, y_data), t = matrix_input(g, M, N, t_data);
    Matrix row = matrix_param(g, 1, N, row_data), column = matrix_param(g, M, 1, column_data);
    Matrix single = matrix_param(g, 1, 1, &single_data);
    Matrix z = matrix_add(y, row);
    Matrix shifted = matrix_add(matrix_add(z, column), single);
    Value *loss = half_squared_error(shifted, t);
    if (!graph_ok(g))
        return 1;

    backward(loss);

    double dz[M * N], drow[N], dcolumn[M], dsingle, row_sum[N] = {0}, column_sum[M] = {0}, sum = 0;
    matrix_get_grad(z, dz), matrix_get_grad(row, drow), matrix_get_grad(column, dcolumn);
    matrix_get_grad(single, &dsingle);
    puts("Z = Y + row + column + single: dZ, and what its sums are\n");
    for (size_t i = 0; i < M; i++) {
        printf("  %-10s", i == 0 ? "dZ" : "");
        for (size_t j = 0; j < N; j++) {
            printf("%5g", dz[i * N + j]);
            row_sum[j] += dz[i * N + j];
            column_sum[i] += dz[i * N + j];
            sum += dz[i * N + j];
        }
        printf("   | sum %3g   column.grad[%zu] = %3g\n", column_sum[i], i, dcolumn[i]);
    }
    printf("  %-10s%5g%5g%5g   | sum %3g   single.grad    = %3g\n", "sums", row_sum[0], row_sum[1], row_sum[2], sum,
           dsingle);
    printf("  %-10s%5g%5g%5g\n", "row.grad", drow[0], drow[1], drow[2]);
    bool same = dsingle == sum;
    for (size_t j = 0; j < N; j++)
        same = same && drow[j] == row_sum[j];
    for (size_t i = 0; i < M; i++)
        same = same && dcolumn[i] == column_sum[i];
    claim(same, "repeated over rows, summed over rows; over columns, over columns; over all, over all");
    claim(z.at[0]->b == row.at[0] && z.at[N]->b == row.at[0],
          "there is one node row[0], and every row was built with it");

    puts("\nThe same row copied out by hand, M times N params");
    double copies_data[M * N], dcopies[M * N], copies_sum[N] = {0};
    for (size_t i = 0; i < M * N; i++)
        copies_data[i] = row_data[i % N];
    Matrix copies = matrix_param(g, M, N, copies_data);
    Value *loss_of_copies = half_squared_error(matrix_add(matrix_add(matrix_add(y, copies), column), single), t);
    backward(loss_of_copies);
    matrix_get_grad(copies, dcopies);
    bool each_is_dz = true, sums_agree = true;
    for (size_t i = 0; i < M * N; i++) {
        each_is_dz = each_is_dz && dcopies[i] == dz[i];
        copies_sum[i % N] += dcopies[i];
    }
    for (size_t j = 0; j < N; j++)
        sums_agree = sums_agree && copies_sum[j] == drow[j];
    claim(loss_of_copies->data == loss->data, "the same loss");
    claim(each_is_dz, "each copy gets its own entry of dZ: nothing is summed, since nothing is shared");
    claim(sums_agree, "if the copies must stay equal, their gradients have to be summed: sharing does just that");

    puts("\nA row that multiplies: the local derivative is y instead of 1, the sum is the same");
    Matrix factor = matrix_param(g, 1, N, row_data);
    Matrix product = matrix_mul(y, factor);
    backward(half_squared_error(product, t));
    double dproduct[M * N], dfactor[N], weighted_sum[N] = {0};
    matrix_get_grad(product, dproduct), matrix_get_grad(factor, dfactor);
    for (size_t i = 0; i < M * N; i++)
        weighted_sum[i % N] += y_data[i] * dproduct[i];
    printf("  %-10s%5g%5g%5g\n", "y * dZ", weighted_sum[0], weighted_sum[1], weighted_sum[2]);
    printf("  %-10s%5g%5g%5g\n", "grad", dfactor[0], dfactor[1], dfactor[2]);
    claim(weighted_sum[0] == dfactor[0] && weighted_sum[1] == dfactor[1] && weighted_sum[2] == dfactor[2],
          "df[j] = sum over i of y[i,j] * dz[i,j]");

    if (argc > 1) {
        Value *first_column[M];
        for (size_t i = 0; i < M; i++)
            first_column[i] = matrix_at(z, i, 0);
        Value *total = v_label(v_sum(first_column, M), "sum of column 0");
        v_label(row.at[0], "row[0]")->grad = 0;
        backward(total);
        draw(total, argv[1], "shared", NULL);
    }
    graph_free(g);
    return all_hold ? 0 : 1;
}

/* Exercises
 * 1. An M×1 column times (matrix_mul) a 1×N row is an M×N matrix: both are repeated. Say both gradients, then run it.
 * 2. Subtract its mean from each column. Along which axis does the gradient sum, and what is the total of dY?
 * 3. A batch uses each WEIGHT once per row too. Which formula of chapter 12 holds that sum over rows?
 *
 * Next: the layers give numbers. How do these become a loss on classes, without e¹⁰⁰⁰ = inf?
 *   -> 14_cross_entropy.c
 */
