/* 13_broadcasting.c - A bias of one row is added to a batch of many rows. What is its gradient?
 *
 * (A batch: samples that go through a network together, one per row.) New here: repetition. Shapes that differ are made
 * to fit by repeating what has size 1, as in NumPy: a 1×N row is added to every row, an M×1 column to every column, a
 * 1×1 to all. Here nothing is copied. A repeated entry is ONE node that is used many times, and += does the rest:
 *
 *     z[i,j] = y[i,j] + b[j]       ∂z[i,j]/∂b[j] = 1 for every i       db[j] = Σ_i dz[i,j]
 *     z[i,j] = y[i,j]·f[j]         ∂z[i,j]/∂f[j] = y[i,j]              df[j] = Σ_i y[i,j]·dz[i,j]
 *
 * The rule: what was repeated along an axis on the way forward is summed along that axis on the way back. Without
 * shared nodes you write that sum yourself. In NumPy, with grad in the large shape and the operand's own `shape`:
 *
 *     def unbroadcast(grad, shape):
 *         while grad.ndim > len(shape): grad = grad.sum(axis=0)                    # an axis that was inserted in front
 *         for axis, size in enumerate(shape):
 *             if size == 1: grad = grad.sum(axis=axis, keepdims=True)              # one that was stretched from 1
 *         return grad
 *
 * It prints dZ and its sums beside the gradients of a row, a column and a single number that were added; the same with
 * the row copied out by hand; and a row that multiplies. It draws shared.svg: one entry of the row, three edges.
 *
 * Predict, before you run it:
 *     1. A column of dZ is 3, 0, 3. What is the gradient of the row's entry that was added to that column?
 *     2. Copy that entry into three params, one per row: the loss is the same. Which gradients do the copies get?
 *     3. A single number is added to all nine entries of Z. What is its gradient?
 *
 * Build and run: make lesson L=13. In gdb: make gdb L=13, a debug build, in which every variable can be printed.
 *     (gdb) break backward_at
 *     (gdb) run
 *     (gdb) up
 *     (gdb) print z.at[0]->b == z.at[3]->b    = 1     rows 0 and 1 of Z were built with the very same node
 *     (gdb) watch -l row.at[0]->grad
 *     (gdb) continue                      0 becomes 3: the last row of Z has pushed
 *     (gdb) continue                      3 becomes 6: row 0 has; dz[1,0] is 0 and had nothing to push
 */
#include "graph/dot.h"
#include "player/player.h"
#include "stepgrad.h"

static bool all_hold = true;

/* What a chapter says, it checks: print the claim, and remember if it does not hold. */
static void claim(bool holds, const char *text)
{
    printf("%s %s\n", holds ? "ok    " : "FAILED", text);
    all_hold = all_hold && holds;
}

/* Draw what root was computed from: FOLDER/NAME.svg, where Graphviz is installed, and FOLDER/NAME.html, the player. */
static void draw(Value *root, const char *folder, const char *name, const DotOptions *options)
{
    Error error;
    char svg[1024], html[1024];
    snprintf(svg, sizeof svg, "%s/%s.svg", folder, name);
    snprintf(html, sizeof html, "%s/%s.html", folder, name);
    if (!player_write(root, html, NULL, &error) || !dot_draw(root, svg, options, &error))
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
    Matrix z = matrix_add(y, row), shifted = matrix_add(matrix_add(z, column), single);
    Value *loss = half_squared_error(shifted, t);
    if (!graph_ok(g))
        return 1;
    backward(loss);

    double dz[M * N], drow[N], dcolumn[M], dsingle, row_sum[N] = {0}, column_sum[M] = {0}, sum = 0;
    matrix_get_grad(z, dz), matrix_get_grad(row, drow), matrix_get_grad(column, dcolumn);
    matrix_get_grad(single, &dsingle);
    bool same = true, each_is_dz = true;
    puts("Z = Y + row + column + single: dZ, and what its sums are\n");
    for (size_t i = 0; i < M; i++) {
        printf("  %-10s", i == 0 ? "dZ" : "");
        for (size_t j = 0; j < N; j++) {
            printf("%5g", dz[i * N + j]);
            row_sum[j] += dz[i * N + j];
            column_sum[i] += dz[i * N + j];
            sum += dz[i * N + j];
        }
        same = same && dcolumn[i] == column_sum[i];
        printf("   | sum %3g   column.grad[%zu] = %3g\n", column_sum[i], i, dcolumn[i]);
    }
    printf("  sums      %5g%5g%5g   | sum %3g   single.grad    = %3g\n", row_sum[0], row_sum[1], row_sum[2], sum,
           dsingle);
    printf("  row.grad  %5g%5g%5g\n", drow[0], drow[1], drow[2]);
    same = same && dsingle == sum;
    for (size_t j = 0; j < N; j++)
        same = same && drow[j] == row_sum[j];
    claim(same, "repeated over rows, summed over rows; over columns, over columns; over all, over all");
    claim(z.at[0]->b == row.at[0] && z.at[N]->b == row.at[0], "there is one node row[0], in row 0 of Z and in row 1");

    puts("\nThe same row copied out by hand, M times N params");
    const double copies_data[M * N] = {1, -2, 3, 1, -2, 3, 1, -2, 3};
    double dcopies[M * N];
    Matrix copies = matrix_param(g, M, N, copies_data);
    Value *loss_of_copies = half_squared_error(matrix_add(matrix_add(matrix_add(y, copies), column), single), t);
    backward(loss_of_copies);
    matrix_get_grad(copies, dcopies);
    for (size_t i = 0; i < M * N; i++)
        each_is_dz = each_is_dz && dcopies[i] == dz[i];
    printf("  column 0: %g, %g, %g\n", dcopies[0], dcopies[N], dcopies[2 * N]);
    claim(loss_of_copies->data == loss->data, "the same loss");
    claim(each_is_dz, "each copy gets its own entry of dZ; to keep the copies equal, these have to be summed");

    puts("\nA row that multiplies: the local derivative is y instead of 1, the sum is the same");
    Matrix factor = matrix_param(g, 1, N, row_data), product = matrix_mul(y, factor);
    backward(half_squared_error(product, t));
    double dproduct[M * N], dfactor[N], weighted_sum[N] = {0};
    matrix_get_grad(product, dproduct), matrix_get_grad(factor, dfactor);
    for (size_t i = 0; i < M * N; i++)
        weighted_sum[i % N] += y_data[i] * dproduct[i];
    printf("  y * dZ    %5g%5g%5g\n", weighted_sum[0], weighted_sum[1], weighted_sum[2]);
    printf("  row.grad  %5g%5g%5g\n", dfactor[0], dfactor[1], dfactor[2]);
    claim(weighted_sum[0] == dfactor[0] && weighted_sum[1] == dfactor[1] && weighted_sum[2] == dfactor[2],
          "df[j] = sum over i of y[i,j] * dz[i,j]");

    if (argc > 1) {
        Value *column_0[M];
        const char *names[2 * M] = {"y[0,0]", "y[1,0]", "y[2,0]", "z[0,0]", "z[1,0]", "z[2,0]"};
        for (size_t i = 0; i < M; i++) {
            v_label(matrix_at(y, i, 0), names[i]);
            column_0[i] = v_label(matrix_at(z, i, 0), names[M + i]);
        }
        v_label(row.at[0], "row[0]")->grad = 0;
        Value *total = v_label(v_sum(column_0, M), "sum of column 0");
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
