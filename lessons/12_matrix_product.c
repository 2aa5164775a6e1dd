/* 12_matrix_product.c - Z = X·W for matrices. What are dX and dW, and who has to know?
 *
 * New here: scalars in rows and columns, and nothing else. A Matrix (engine/matrix.h) is a list of Values with a number
 * of rows and of columns: matrix_at(m, i, j) is the node in row i and column j, matrix_col_sums(m) the row of sums of
 * its columns. Its functions build ordinary nodes (matmul a dot for each entry of the product) and have no derivatives
 * of their own. Nobody tells the engine the derivative of a matrix product: it falls out of the scalars, and here we
 * find it there. Write dZ for the matrix of all ∂L/∂z[i,j], and follow one entry of X and of W:
 *
 *     z[i,j]  = Σ_k x[i,k]·w[k,j]        x[i,k] is used once in each column j of row i, each time beside w[k,j]
 *
 *     dx[i,k] = Σ_j dz[i,j]·w[k,j]       a push for each use: row i of dZ times row k of W          dX = dZ·Wᵀ
 *     dw[k,j] = Σ_i x[i,k]·dz[i,j]       in the same way: column k of X times column j of dZ        dW = Xᵀ·dZ
 *
 * To remember it, remember the shapes: dX is shaped as X is, and only dZ·Wᵀ fits (unless all matrices are square).
 * All numbers here are small and whole, so nothing is rounded, and "equal" means equal.
 *
 * It prints X, W, Z and dZ; how x[0,1] gathers its gradient; dX and dW from the scalars, each above the product of
 * matrices; and the number of multiplications, forward and back. It draws product.svg: z[0,0] and its own gradients.
 *
 * Predict, before you run it:
 *     1. X is 2×3, W is 3×2. In how many entries of Z is x[0,1] used, and how many pushes does its gradient add up?
 *     2. What shapes do dX and dW have? Is dW = dZ·X, X·dZ, Xᵀ·dZ or dZ·Xᵀ?
 *     3. Z takes 12 multiplications. How many does the way back take, dX and dW together?
 *
 * Build and run: make lesson L=12. In gdb: make gdb L=12, a debug build, in which every variable can be printed.
 *     (gdb) break backward_at
 *     (gdb) run
 *     (gdb) up
 *     (gdb) watch -l x.at[1]->grad
 *     (gdb) continue                      0 becomes 6: z[0,1] has pushed dz[0,1]·w[1,1] = 2·3
 *     (gdb) continue                      6 becomes 4: z[0,0] has pushed dz[0,0]·w[1,0] = −2·1
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

/* `name` and a matrix of plain numbers, a row per line. */
static void print_numbers(const char *name, size_t rows, size_t cols, const double *numbers)
{
    for (size_t i = 0; i < rows; i++) {
        printf("  %-22s", i == 0 ? name : "");
        for (size_t j = 0; j < cols; j++)
            printf("%6g", numbers[i * cols + j]);
        putchar('\n');
    }
}

int main(int argc, char **argv)
{
    enum { M = 2, K = 3, N = 2 };
    const double x_data[M * K] = {1, 2, -1, 0, 3, 1}, w_data[K * N] = {2, -1, 1, 3, -2, 1};
    const double target[M * N] = {8, 2, 3, 8};
    Graph *g = graph_new();
    Matrix x = matrix_param(g, M, K, x_data), w = matrix_param(g, K, N, w_data);

    /* L = half the sum of (z - t)^2, so that dL/dz = z - t. */
    Matrix z = matmul(x, w);
    Matrix difference = matrix_sub(z, matrix_input(g, M, N, target));
    Value *loss = v_mul(matrix_sum(matrix_mul(difference, difference)), 0.5);
    if (!graph_ok(g))
        return 1;

    backward(loss);

    double z_data[M * N], dz[M * N], dx[M * K], dw[K * N];
    matrix_get_data(z, z_data), matrix_get_grad(z, dz), matrix_get_grad(x, dx), matrix_get_grad(w, dw);
    print_numbers("X", M, K, x_data);
    print_numbers("W", K, N, w_data);
    print_numbers("Z = X W", M, N, z_data);
    print_numbers("dZ = Z - T", M, N, dz);

    puts("\nHow x[0,1] gathers its gradient: it is used once per column of Z, each time multiplied by an entry of W");
    double gathered = 0;
    for (size_t j = 0; j < N; j++) {
        const double pushed = dz[j] * w_data[1 * N + j];
        gathered += pushed;
        printf("  from z[0,%zu]:  dz[0,%zu] * w[1,%zu] = %3g * %2g = %3g\n", j, j, j, dz[j], w_data[1 * N + j], pushed);
    }
    printf("  together:                            %8g\n", gathered);
    claim(gathered == dx[1], "that is row 0 of dZ times row 1 of W, and x[0,1].grad");

    puts("\nThe same for every entry, written as products of matrices");
    double dz_wt[M * K] = {0}, xt_dz[K * N] = {0};
    for (size_t i = 0; i < M; i++)
        for (size_t k = 0; k < K; k++)
            for (size_t j = 0; j < N; j++) {
                dz_wt[i * K + k] += dz[i * N + j] * w_data[k * N + j];
                xt_dz[k * N + j] += x_data[i * K + k] * dz[i * N + j];
            }
    print_numbers("dX, by the scalars", M, K, dx);
    print_numbers("dZ W^T", M, K, dz_wt);
    print_numbers("dW, by the scalars", K, N, dw);
    print_numbers("X^T dZ", K, N, xt_dz);
    bool same_x = true, same_w = true;
    for (size_t i = 0; i < M * K; i++)
        same_x = same_x && dx[i] == dz_wt[i];
    for (size_t i = 0; i < K * N; i++)
        same_w = same_w && dw[i] == xt_dz[i];
    claim(same_x, "dX = dZ W^T, entry by entry");
    claim(same_w, "dW = X^T dZ, entry by entry");

    size_t forward = 0, backwards = 0;
    for (size_t i = 0; i < M * N; i++) {
        forward += z.at[i]->n; /* products of the dot */
        for (size_t p = 0; p < value_parent_count(z.at[i]); p++)
            backwards += value_parent(z.at[i], p)->needs_grad; /* a product of the chain rule for each push */
    }
    printf("\nMultiplications: %zu in Z = X W, %zu on the way back\n", forward, backwards);
    claim(backwards == 2 * forward, "backward costs twice the forward pass: each product pushes to both its factors");

    if (argc > 1) {
        const char *names[] = {"x[0,0]", "x[0,1]", "x[0,2]", "w[0,0]", "w[1,0]", "w[2,0]"};
        for (size_t k = 0; k < K; k++) {
            v_label(matrix_at(x, 0, k), names[k])->grad = 0;
            v_label(matrix_at(w, k, 0), names[K + k])->grad = 0;
        }
        backward(v_label(z.at[0], "z[0,0]"));
        draw(z.at[0], argv[1], "product", NULL);
    }
    graph_free(g);
    return all_hold ? 0 : 1;
}

/* Exercises
 * 1. Make X an input instead of a param. Which multiplications on the way back are left? Which layer of a network is
 *    that? (The claims about dX, and that back costs twice, then fail.)
 * 2. Let L be the sum of all entries of Z. Say dZ, dX and dW before you run it.
 * 3. Z = A·B·C: whether A·(B·C) or (A·B)·C is cheaper depends on the shapes (chapter 2). Is it the same one backward?
 *
 * Next: a layer is X·W + b, where b is one row for many rows of X. What is the gradient of something repeated?
 *   -> 13_broadcasting.c
 */
