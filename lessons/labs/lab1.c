/* lab1.c - derivatives by hand: the nudge, the chain rule, and the chain rule for many variables at once. */
#include "lab.h"

/* Task 1.1 (1 point)  The slope of f at `at`, measured by a nudge of h to both sides.
 *
 * Return the slope of the straight line through the points of f at at − h and at + h.
 *
 * Hint: a slope is a rise divided by a run.
 * Hint: the rise is f(at + h) − f(at − h).
 * Hint: how far apart are at − h and at + h?
 * Chapter: 01_derivative.c */
double central(double (*f)(double), double at, double h) { return (f(at + h) - f(at - h)) / (2 * h); }

/* Task 1.2 (1 point)  L = (W·x + b)².
 *
 * Write ∂L/∂W to grad[0], ∂L/∂x to grad[1] and ∂L/∂b to grad[2].
 *
 * Hint: name the inner part, s = W·x + b, and L = s².
 * Hint: ∂L/∂W = ∂L/∂s · ∂s/∂W: multiply the derivatives along the way.
 * Hint: ∂L/∂s = 2s; and s moves by x when W moves by 1.
 * Chapter: 02_chain_rule.c */
void loss_gradient(double W, double x, double b, double grad[3])
{
    const double s = W * x + b, dL_ds = 2 * s;
    grad[0] = dL_ds * x;
    grad[1] = dL_ds * W;
    grad[2] = dL_ds;
}

/* Task 1.3 (1 point)  The Jacobian of f(g(x)) is the product of the Jacobians of f and of g.
 *
 * Write C = A·B. A has m rows of k numbers and B has k rows of n, each matrix row after row: A[i][l] is A[i·k + l].
 * C has m rows of n; what it holds before is of no meaning.
 *
 * Hint: C[i][j] is row i of A times column j of B.
 * Hint: three loops: over i, over j, and over l for the sum of A[i][l]·B[l][j].
 * Hint: begin each sum at 0. What stood in C is not yours.
 * Chapter: 02_chain_rule.c */
void jacobian_product(int m, int k, int n, const double *A, const double *B, double *C)
{
    for (int i = 0; i < m; i++)
        for (int j = 0; j < n; j++) {
            C[i * n + j] = 0;
            for (int l = 0; l < k; l++)
                C[i * n + j] += A[i * k + l] * B[l * n + j];
        }
}
