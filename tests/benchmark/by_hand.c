/* by_hand.c - forward and backward written out for the one network 2 -> 32 -> 32 -> 2: see by_hand.h. */
#include "by_hand.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "vmath.h"

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

/* Every param a step down its gradient. All members are doubles, with no gap between them: they are one array. */
static void descend(HandNet *net, const HandNet *gradient, double lr)
{
    double *p = &net->w1[0][0];
    const double *g = &gradient->w1[0][0];
    for (size_t i = 0; i < (offsetof(HandNet, b3) + sizeof net->b3) / sizeof(double); i++)
        p[i] -= lr * g[i];
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
    descend(net, &gradient, lr);
    return loss / (double)n;
}

/* ---- vectors ----------------------------------------------------------------------------------------------------- */

/* The 32 neurons of a layer lie side by side, and so do the 32 inputs of a neuron: each inner loop is a few vectors,
 * and its sums stay in registers. (With rows side by side, a layer's numbers would have to be transposed for the
 * gradients of its weights.) Two rows, or two neurons, are computed together: while one sum waits for its addition the
 * other goes on, and what is loaded serves both. */
enum { ROWS = 64, TOGETHER = 2 };
typedef double Hidden[HAND_HIDDEN];
typedef double Outputs[HAND_OUTPUTS];

typedef struct Block {
    _Alignas(64) Hidden h1[ROWS];        /* what the neurons of the two hidden layers give in each row */
    Hidden h2[ROWS], d1[ROWS], d2[ROWS]; /* d: the gradients before their tanh */
    Outputs z[ROWS], dz[ROWS];
} Block;

/* The weights once more with an input's weights to all neurons side by side. */
typedef struct Transposed {
    _Alignas(64) Hidden w1[HAND_INPUTS];
    Hidden w2[HAND_HIDDEN];
} Transposed;

static void transpose(const HandNet *net, Transposed *t)
{
    for (int i = 0; i < HAND_HIDDEN; i++) {
        for (int j = 0; j < HAND_INPUTS; j++)
            t->w1[j][i] = net->w1[i][j];
        for (int j = 0; j < HAND_HIDDEN; j++)
            t->w2[j][i] = net->w2[i][j];
    }
}

/* h[t][k] = Σ_j w[j][k]·x[t][j] + b[k] for two rows t and all neurons k */
static inline void neurons(const Hidden *w, const double *b, const double *x, int inputs, double *h)
{
    Hidden even[TOGETHER] = {{0}}, odd[TOGETHER] = {{0}};
    for (int j = 0; j < inputs; j += 2)
        for (int t = 0; t < TOGETHER; t++)
            for (int k = 0; k < HAND_HIDDEN; k++) {
                even[t][k] += w[j][k] * x[t * inputs + j];
                odd[t][k] += w[j + 1][k] * x[t * inputs + j + 1];
            }
    for (int t = 0; t < TOGETHER; t++)
        for (int k = 0; k < HAND_HIDDEN; k++)
            h[t * HAND_HIDDEN + k] = even[t][k] + odd[t][k] + b[k];
}

static inline void layer(const Hidden *w, const double *b, const double *x, int inputs, int rows, double *h)
{
    for (int row = 0; row < rows; row += TOGETHER)
        neurons(w, b, x + row * inputs, inputs, h + row * HAND_HIDDEN);
    for (int k = 0; k < rows * HAND_HIDDEN; k++)
        h[k] = vmath_tanh(h[k]);
}

static void logits(const HandNet *net, int rows, Block *a)
{
    for (int row = 0; row < rows; row++)
        for (int i = 0; i < HAND_OUTPUTS; i++) {
            double even = 0, odd = 0;
            for (int j = 0; j < HAND_HIDDEN; j += 2) {
                even += net->w3[i][j] * a->h2[row][j];
                odd += net->w3[i][j + 1] * a->h2[row][j + 1];
            }
            a->z[row][i] = even + odd + net->b3[i];
        }
}

static void forward_rows(const HandNet *net, const Transposed *t, const double *x, int rows, Block *a)
{
    layer(t->w1, net->b1, x, HAND_INPUTS, rows, a->h1[0]);
    layer(t->w2, net->b2, a->h1[0], HAND_HIDDEN, rows, a->h2[0]);
    logits(net, rows, a);
}

/* The sum of the rows' losses, and dz = (softmax(z) - onehot)/n. */
static double losses(const int *label, int rows, double n, Block *a)
{
    double sum[ROWS], loss = 0;
    for (int row = 0; row < rows; row++) {
        const double *z = a->z[row], m = z[0] > z[1] ? z[0] : z[1];
        const double e0 = vmath_exp(z[0] - m), e1 = vmath_exp(z[1] - m);
        sum[row] = e0 + e1;
        a->dz[row][0] = (e0 / sum[row] - (label[row] == 0)) / n;
        a->dz[row][1] = (e1 / sum[row] - (label[row] == 1)) / n;
    }
    for (int row = 0; row < rows; row++)
        loss += log(sum[row]) + fmax(a->z[row][0], a->z[row][1]) - a->z[row][label[row]];
    return loss;
}

/* dx[t][k] = (1 - h[t][k]²)·Σ_i w[i][k]·dy[t][i] for two rows t, from the last neuron i to the first */
static inline void push(const Hidden *w, const double *dy, int outputs, const double *h, double *dx)
{
    Hidden sum[TOGETHER] = {{0}};
    for (int i = outputs - 1; i >= 0; i--)
        for (int t = 0; t < TOGETHER; t++)
            for (int k = 0; k < HAND_HIDDEN; k++)
                sum[t][k] += w[i][k] * dy[t * outputs + i];
    for (int t = 0; t < TOGETHER; t++)
        for (int k = 0; k < HAND_HIDDEN; k++) {
            const double y = h[t * HAND_HIDDEN + k];
            dx[t * HAND_HIDDEN + k] = sum[t][k] * (1 - y * y);
        }
}

/* g[t][k] += dy[row][t]·x[row][k] for a pair t of all `width` neurons, from the last row to the first */
static inline void add_weights(const double *dy, int width, const double *x, int rows, Hidden *g)
{
    Hidden sum[TOGETHER];
    memcpy(sum, g, sizeof sum);
    for (int row = rows - 1; row >= 0; row--)
        for (int t = 0; t < TOGETHER; t++)
            for (int k = 0; k < HAND_HIDDEN; k++)
                sum[t][k] += dy[row * width + t] * x[row * HAND_HIDDEN + k];
    memcpy(g, sum, sizeof sum);
}

static inline void add_biases(const double *dy, int width, int rows, double *g)
{
    for (int row = rows - 1; row >= 0; row--)
        for (int k = 0; k < width; k++)
            g[k] += dy[row * width + k];
}

/* The gradient of w1 has the neurons side by side: there are only two inputs. */
static void add_gradients(const HandNet *net, const double *x, int rows, Block *a, HandNet *g, Hidden *g1)
{
    for (int row = 0; row < rows; row += TOGETHER) {
        push(net->w3, a->dz[row], HAND_OUTPUTS, a->h2[row], a->d2[row]);
        push(net->w2, a->d2[row], HAND_HIDDEN, a->h1[row], a->d1[row]);
    }
    add_weights(a->dz[0], HAND_OUTPUTS, a->h2[0], rows, g->w3);
    for (int i = 0; i < HAND_HIDDEN; i += TOGETHER)
        add_weights(a->d2[0] + i, HAND_HIDDEN, a->h1[0], rows, g->w2 + i);
    add_weights(x, HAND_INPUTS, a->d1[0], rows, g1);
    add_biases(a->dz[0], HAND_OUTPUTS, rows, g->b3);
    add_biases(a->d2[0], HAND_HIDDEN, rows, g->b2);
    add_biases(a->d1[0], HAND_HIDDEN, rows, g->b1);
}

double hand_step_vector(HandNet *net, const double *x, const int *label, size_t n, double lr)
{
    Block a;
    Transposed t;
    HandNet gradient;
    _Alignas(64) Hidden g1[HAND_INPUTS] = {{0}};
    double loss = 0;
    assert(n % TOGETHER == 0);
    transpose(net, &t);
    memset(&gradient, 0, sizeof gradient);
    for (size_t end = n, rows; end > 0; end -= rows) {
        rows = (end - 1) % ROWS + 1;
        const double *first = x + (end - rows) * HAND_INPUTS;
        forward_rows(net, &t, first, (int)rows, &a);
        loss += losses(label + (end - rows), (int)rows, (double)n, &a);
        add_gradients(net, first, (int)rows, &a, &gradient, g1);
    }
    for (int i = 0; i < HAND_HIDDEN; i++)
        for (int j = 0; j < HAND_INPUTS; j++)
            gradient.w1[i][j] = g1[j][i];
    descend(net, &gradient, lr);
    return loss / (double)n;
}
