/* lab5.c - backward through a matrix product and a broadcast bias. Z = X·W + b, where X has m rows of k numbers, W has
 * k rows of n, b is one row of n, and Z has m rows of n. dZ holds ∂L/∂Z, entry by entry. Every matrix lies row after
 * row: dZ[i][j] is dZ[i·n + j]. What the results hold before the call is of no meaning. */
#include "lab.h"

/* Task 5.1 (2 points)  dX = dZ·Wᵀ.
 *
 * Write ∂L/∂X, m rows of k numbers, to dX.
 *
 * Hint: in which entries of Z does X[i][l] appear, and times what?
 * Hint: in all of row i: Z[i][j] holds X[i][l]·W[l][j].
 * Hint: dX[i][l] = Σⱼ dZ[i][j]·W[l][j], a sum that begins at 0.
 * Chapter: 12_matrix_product.c */
void product_dx(int m, int k, int n, const double *dZ, const double *W, double *dX)
{
    for (int i = 0; i < m; i++)
        for (int l = 0; l < k; l++) {
            dX[i * k + l] = 0;
            for (int j = 0; j < n; j++)
                dX[i * k + l] += dZ[i * n + j] * W[l * n + j];
        }
}

/* Task 5.2 (2 points)  dW = Xᵀ·dZ.
 *
 * Write ∂L/∂W, k rows of n numbers, to dW.
 *
 * Hint: in which entries of Z does W[l][j] appear, and times what?
 * Hint: in all of column j: Z[i][j] holds X[i][l]·W[l][j], for each row i.
 * Hint: dW[l][j] = Σᵢ X[i][l]·dZ[i][j]. A sum over the rows of the batch: if L is a mean, the 1/m is in dZ already.
 * Chapter: 12_matrix_product.c */
void product_dw(int m, int k, int n, const double *dZ, const double *X, double *dW)
{
    for (int l = 0; l < k; l++)
        for (int j = 0; j < n; j++) {
            dW[l * n + j] = 0;
            for (int i = 0; i < m; i++)
                dW[l * n + j] += X[i * k + l] * dZ[i * n + j];
        }
}

/* Task 5.3 (2 points)  The gradient of b, which was added to every row of Z.
 *
 * Write ∂L/∂b, n numbers, to db.
 *
 * Hint: b[j] is one number that was used m times.
 * Hint: what was repeated on the way forward is summed on the way back.
 * Hint: db[j] = Σᵢ dZ[i][j].
 * Chapter: 13_broadcasting.c */
void bias_gradient(int m, int n, const double *dZ, double *db)
{
    for (int j = 0; j < n; j++) {
        db[j] = 0;
        for (int i = 0; i < m; i++)
            db[j] += dZ[i * n + j];
    }
}
