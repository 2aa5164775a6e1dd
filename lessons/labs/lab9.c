/* lab9.c - attention, for the ambitious: the op that language models are made of. A query q of d numbers is held
 * against n keys, the rows of K; the better a key fits, the more of its value, that row of V, goes into the result.
 * Matrices lie row after row: K[i][j] is K[i·d + j]. n is at most MOST_WIDTH. */
#include "lab.h"

/* Task 9.1 (2 points)  The weights: w = softmax(K·q/√d).
 *
 * Write n numbers to w: w[i] = exp(sᵢ)/Σ exp(sⱼ), where sᵢ = K[i]·q/√d. Scores of ±1000 occur.
 *
 * Hint: first all n scores; keep them in w.
 * Hint: the largest score is taken out before exp, as in lab 6.
 * Hint: w[i] = exp(s[i] − most), then divide each by the sum of all.
 * Chapter: 14_cross_entropy.c */
void attention_weights(int n, int d, const double *q, const double *K, double *w)
{
    double most = -INFINITY, sum = 0;
    for (int i = 0; i < n; i++) {
        w[i] = 0;
        for (int j = 0; j < d; j++)
            w[i] += K[i * d + j] * q[j];
        w[i] /= sqrt(d);
        most = w[i] > most ? w[i] : most;
    }
    for (int i = 0; i < n; i++) {
        w[i] = exp(w[i] - most);
        sum += w[i];
    }
    for (int i = 0; i < n; i++)
        w[i] /= sum;
}

/* Task 9.2 (1 point)  The result: y = Σᵢ w[i]·V[i], with the weights of task 9.1.
 *
 * Write d numbers to y. What y holds before is of no meaning.
 *
 * Hint: an array of MOST_WIDTH weights, and attention_weights to fill it.
 * Hint: y[j] is a sum over the keys.
 * Hint: y[j] = Σᵢ w[i]·V[i][j], a sum that begins at 0.
 * Chapter: 12_matrix_product.c */
void attention(int n, int d, const double *q, const double *K, const double *V, double *y)
{
    double w[MOST_WIDTH];
    attention_weights(n, d, q, K, w);
    for (int j = 0; j < d; j++) {
        y[j] = 0;
        for (int i = 0; i < n; i++)
            y[j] += w[i] * V[i * d + j];
    }
}

/* Task 9.3 (4 points)  Attention, backward.
 *
 * Given dy = ∂L/∂y, write ∂L/∂q to dq (d numbers), ∂L/∂K to dK and ∂L/∂V to dV (n rows of d). What they hold before is
 * of no meaning.
 *
 * Hint: step by step back: from y to w and V, from w to the scores s, from s to q and K.
 * Hint: dV[i][j] = w[i]·dy[j], and dw[i] = Σⱼ dy[j]·V[i][j]. Softmax: ds[i] = w[i]·(dw[i] − Σⱼ w[j]·dw[j]).
 * Hint: sᵢ = K[i]·q/√d: dK[i][j] = ds[i]·q[j]/√d, and q is used by every key: dq[j] = Σᵢ ds[i]·K[i][j]/√d.
 * Chapter: 15_mlp.c */
void attention_backward(int n, int d, const double *q, const double *K, const double *V, const double *dy, double *dq,
                        double *dK, double *dV)
{
    double w[MOST_WIDTH], dw[MOST_WIDTH], mean = 0;
    attention_weights(n, d, q, K, w);
    for (int i = 0; i < n; i++) {
        dw[i] = 0;
        for (int j = 0; j < d; j++) {
            dV[i * d + j] = w[i] * dy[j];
            dw[i] += V[i * d + j] * dy[j];
        }
        mean += w[i] * dw[i];
    }
    for (int j = 0; j < d; j++)
        dq[j] = 0;
    for (int i = 0; i < n; i++) {
        const double ds = w[i] * (dw[i] - mean) / sqrt(d);
        for (int j = 0; j < d; j++) {
            dK[i * d + j] = ds * q[j];
            dq[j] += ds * K[i * d + j];
        }
    }
}
