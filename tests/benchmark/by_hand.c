/* by_hand.c - forward and backward written out for the one network 2 -> 32 -> 32 -> 2: see by_hand.h. */
#include "by_hand.h"

#include <math.h>
#include <string.h>

typedef struct Activations {
    double h1[HAND_HIDDEN], h2[HAND_HIDDEN], z[HAND_OUTPUTS];
} Activations;

static void forward(const HandNet *net, const double *x, Activations *a)
{
    for (int i = 0; i < HAND_HIDDEN; i++) {
        double sum = net->b1[i];
        for (int j = 0; j < HAND_INPUTS; j++)
            sum += net->w1[i][j] * x[j];
        a->h1[i] = tanh(sum);
    }
    for (int i = 0; i < HAND_HIDDEN; i++) {
        double sum = net->b2[i];
        for (int j = 0; j < HAND_HIDDEN; j++)
            sum += net->w2[i][j] * a->h1[j];
        a->h2[i] = tanh(sum);
    }
    for (int i = 0; i < HAND_OUTPUTS; i++) {
        double sum = net->b3[i];
        for (int j = 0; j < HAND_HIDDEN; j++)
            sum += net->w3[i][j] * a->h2[j];
        a->z[i] = sum;
    }
}

/* Cross-entropy, and dz = (softmax(z) - onehot)/n. */
static double loss_of(const double *z, int label, size_t n, double *dz)
{
    const double m = fmax(z[0], z[1]), e0 = exp(z[0] - m), e1 = exp(z[1] - m);
    dz[0] = e0 / (e0 + e1) / (double)n;
    dz[1] = e1 / (e0 + e1) / (double)n;
    dz[label] -= 1 / (double)n;
    return log(e0 + e1) + m - z[label];
}

static void add_gradient(const HandNet *net, HandNet *g, const double *x, const Activations *a, const double *dz)
{
    double d2[HAND_HIDDEN] = {0}, d1[HAND_HIDDEN] = {0};
    for (int i = 0; i < HAND_OUTPUTS; i++) {
        g->b3[i] += dz[i];
        for (int j = 0; j < HAND_HIDDEN; j++) {
            g->w3[i][j] += dz[i] * a->h2[j];
            d2[j] += dz[i] * net->w3[i][j];
        }
    }
    for (int i = 0; i < HAND_HIDDEN; i++) {
        d2[i] *= 1 - a->h2[i] * a->h2[i];
        g->b2[i] += d2[i];
        for (int j = 0; j < HAND_HIDDEN; j++) {
            g->w2[i][j] += d2[i] * a->h1[j];
            d1[j] += d2[i] * net->w2[i][j];
        }
    }
    for (int i = 0; i < HAND_HIDDEN; i++) {
        d1[i] *= 1 - a->h1[i] * a->h1[i];
        g->b1[i] += d1[i];
        for (int j = 0; j < HAND_INPUTS; j++)
            g->w1[i][j] += d1[i] * x[j];
    }
}

double hand_step(HandNet *net, const double *x, const int *label, size_t n, double lr)
{
    HandNet gradient;
    double loss = 0;
    memset(&gradient, 0, sizeof gradient);
    for (size_t row = 0; row < n; row++) {
        Activations a;
        double dz[HAND_OUTPUTS];
        forward(net, x + row * HAND_INPUTS, &a);
        loss += loss_of(a.z, label[row], n, dz);
        add_gradient(net, &gradient, x + row * HAND_INPUTS, &a, dz);
    }
    double *p = &net->w1[0][0]; /* all members are doubles: the struct is one array of them */
    const double *g = &gradient.w1[0][0];
    for (size_t i = 0; i < sizeof *net / sizeof(double); i++)
        p[i] -= lr * g[i];
    return loss / (double)n;
}
