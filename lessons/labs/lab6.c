/* lab6.c - from scores (logits) to a loss on classes, with no overflow on the way. */
#include "lab.h"

/* Task 6.1 (2 points)  log Σ exp zᵢ.
 *
 * Return it for n >= 1 numbers of any size: 1000 and −1000 too, where exp alone gives infinity or 0.
 *
 * Hint: exp(z) = exp(m)·exp(z − m), for any m.
 * Hint: so log Σ exp zᵢ = m + log Σ exp(zᵢ − m). Which m makes every exponent 0 or less?
 * Hint: the largest z. Let the search for it begin at z[0], not at 0: all may be negative.
 * Chapter: 14_cross_entropy.c */
double logsumexp(int n, const double *z)
{
    double most = z[0], sum = 0;
    for (int i = 1; i < n; i++)
        most = z[i] > most ? z[i] : most;
    for (int i = 0; i < n; i++)
        sum += exp(z[i] - most);
    return most + log(sum);
}

/* Task 6.2 (1 point)  The logarithms of the probabilities: out[i] = log(exp zᵢ / Σ exp zⱼ).
 *
 * Write n numbers to out. An improbable class has a logarithm too: −800 must not become −inf.
 *
 * Hint: the logarithm of a quotient is a difference of logarithms.
 * Hint: log(exp zᵢ) is zᵢ: no exp, no log, no rounding.
 * Hint: out[i] = z[i] − log Σ exp zⱼ, with the sum as in task 6.1.
 * Chapter: 14_cross_entropy.c */
void log_softmax(int n, const double *z, double *out)
{
    const double all = logsumexp(n, z);
    for (int i = 0; i < n; i++)
        out[i] = z[i] - all;
}

/* Task 6.3 (2 points)  m rows of n logits, and a label from 0 to n − 1 for each row. The loss is the mean over the rows
 * of −log softmax(row)[label].
 *
 * Write ∂loss/∂z, m rows of n numbers, to dz.
 *
 * Hint: for one row, the derivative is softmax − onehot, and onehot is 1 at the label and 0 elsewhere.
 * Hint: a mean over m rows divides by m.
 * Hint: dz[r][j] = (exp(z[r][j] − log Σ exp z[r]) − (j == label[r])) / m.
 * Chapter: 14_cross_entropy.c */
void logits_gradient(int m, int n, const double *z, const int *label, double *dz)
{
    for (int r = 0; r < m; r++) {
        const double all = logsumexp(n, z + r * n);
        for (int j = 0; j < n; j++)
            dz[r * n + j] = (exp(z[r * n + j] - all) - (j == label[r])) / m;
    }
}
