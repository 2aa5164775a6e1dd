/* nudge.c - the gradients that the tasks ask for, measured: nudge one number and see how far the result moves. It knows
 * nothing of the reference's formulas, so one can be held against the other. */
#include <math.h>
#include <string.h>

#include "compute.h"
#include "private_tasks.h"

/* A function of some numbers of `in` that the task's results are derivatives of. */
typedef double Function(const double *in);

/* The slope of f where in[i] is nudged by a step to both sides; the error is near 1e-10 for numbers of size 1. */
static double slope(Function *f, const double *in, int count, int i)
{
    double at[MOST_IN];
    const double h = 1e-5;
    memcpy(at, in, (size_t)count * sizeof *at);
    at[i] = in[i] + h;
    const double above = f(at);
    at[i] = in[i] - h;
    return (above - f(at)) / (2 * h);
}

/* The slopes by in[from] … in[from + n). */
static void slopes(Function *f, const double *in, int count, int from, int n, double *out)
{
    for (int i = 0; i < n; i++)
        out[i] = slope(f, in, count, from + i);
}

/* ---- lab 1 ------------------------------------------------------------------------------------------------------- */

static double squared(const double *in) { return pow(in[0] * in[1] + in[2], 2); }
static void nudge_loss_gradient(const double *in, double *out) { slopes(squared, in, 3, 0, 3, out); }

/* ---- lab 2: p and q move along their tangents, t ----------------------------------------------------------------- */

static double product_along(const double *in) { return (in[0] + in[4] * in[1]) * (in[2] + in[4] * in[3]); }
static double quotient_along(const double *in) { return (in[0] + in[4] * in[1]) / (in[2] + in[4] * in[3]); }
static double tanh_along(const double *in) { return tanh(in[0] + in[4] * in[1]); }

static void along(Function *f, const double *in, int n, double *out)
{
    double with_t[5] = {0};
    memcpy(with_t, in, (size_t)n * sizeof *in);
    out[0] = NAN; /* the value is no derivative */
    out[1] = slope(f, with_t, 5, 4);
}

static void nudge_dual_mul(const double *in, double *out) { along(product_along, in, 4, out); }
static void nudge_dual_div(const double *in, double *out) { along(quotient_along, in, 4, out); }
static void nudge_dual_tanh(const double *in, double *out) { along(tanh_along, in, 2, out); }

/* ---- lab 3: g times the op --------------------------------------------------------------------------------------- */

static double sub_op(const double *in) { return in[3] * (in[0] - in[1]); }
static double mul_op(const double *in) { return in[3] * (in[0] * in[1]); }
static double div_op(const double *in) { return in[3] * (in[0] / in[1]); }
static double pow_op(const double *in) { return in[3] * pow(in[0], in[1]); }
static double max_op(const double *in) { return in[3] * fmax(in[0], in[1]); }
static double tanh_op(const double *in) { return in[2] * tanh(in[0]); }
static double relu_op(const double *in) { return in[2] * fmax(in[0], 0); }

static void nudge_sub_backward(const double *in, double *out) { slopes(sub_op, in, 4, 0, 2, out); }
static void nudge_mul_backward(const double *in, double *out) { slopes(mul_op, in, 4, 0, 2, out); }
static void nudge_div_backward(const double *in, double *out) { slopes(div_op, in, 4, 0, 2, out); }
static void nudge_pow_backward(const double *in, double *out) { slopes(pow_op, in, 4, 0, 2, out); }
static void nudge_tanh_backward(const double *in, double *out) { slopes(tanh_op, in, 3, 0, 1, out); }

/* At a kink a nudge finds the mean of two slopes, which is no derivative. */
static void nudge_max_backward(const double *in, double *out)
{
    slopes(max_op, in, 4, 0, 2, out);
    if (in[0] == in[1])
        out[0] = out[1] = NAN;
}

static void nudge_relu_backward(const double *in, double *out)
{
    slopes(relu_op, in, 3, 0, 1, out);
    if (in[0] == 0)
        out[0] = NAN;
}

/* ---- lab 4: nudge a node by 1 and carry that forward, child by child: every edge is linear ----------------------- */

static void nudge_backward(const double *in, double *out)
{
    for (int nudged = 0; nudged < NODES; nudged++) {
        double moved[NODES] = {0};
        for (int i = 0; i < NODES; i++) {
            const double *node = in + 6 * i;
            for (int k = 0; k < 2; k++)
                if (node[2 + k] >= 0)
                    moved[i] += node[4 + k] * moved[(int)node[2 + k]];
            if (i == nudged)
                moved[i] += 1;
        }
        const bool leaf = in[6 * nudged + 2] < 0;
        const double before = leaf ? in[6 * nudged + 1] : 0; /* leaves accumulate */
        out[nudged] = before + moved[NODES - 1];
        out[NODES + nudged] = before + (leaf ? 2 : 1) * moved[NODES - 1];
    }
}

/* ---- lab 5: L = Σ dZ·Z, with Z = X·W + b ------------------------------------------------------------------------- */

/* dZ and the matrix that is given, and then the other one. */
static double product_loss(const double *dZ, const double *X, const double *W)
{
    double L = 0;
    for (int i = 0; i < 2; i++)
        for (int j = 0; j < 4; j++)
            for (int l = 0; l < 3; l++)
                L += dZ[4 * i + j] * X[3 * i + l] * W[4 * l + j];
    return L;
}

static double loss_by_x(const double *in) { return product_loss(in, in + 20, in + 8); }
static double loss_by_w(const double *in) { return product_loss(in, in + 8, in + 14); }
static double loss_by_b(const double *in)
{
    double L = 0;
    for (int i = 0; i < 12; i++)
        L += in[i] * in[12 + i % 3];
    return L;
}

/* L is linear in what is nudged, so that may lie anywhere: at 0. */
static void nudge_at_zero(Function *f, const double *in, int n, int results, double *out)
{
    double more[MOST_IN] = {0};
    memcpy(more, in, (size_t)n * sizeof *in);
    slopes(f, more, n + results, n, results, out);
}

static void nudge_product_dx(const double *in, double *out) { nudge_at_zero(loss_by_x, in, 20, 6, out); }
static void nudge_product_dw(const double *in, double *out) { nudge_at_zero(loss_by_w, in, 14, 12, out); }
static void nudge_bias_gradient(const double *in, double *out) { nudge_at_zero(loss_by_b, in, 12, 3, out); }

/* ---- labs 6, 7, 9 ------------------------------------------------------------------------------------------------ */

/* The mean cross-entropy. The largest logit is taken out first: it is 1000 in places. */
static double mean_cross_entropy(const double *in)
{
    double loss = 0;
    for (int row = 0; row < 3; row++) {
        const double *z = in + 4 * row;
        const double most = fmax(fmax(z[0], z[1]), fmax(z[2], z[3]));
        double sum = 0;
        for (int j = 0; j < 4; j++)
            sum += exp(z[j] - most);
        loss += log(sum) - (z[(int)in[12 + row]] - most);
    }
    return loss / 3;
}

static void nudge_logits_gradient(const double *in, double *out) { slopes(mean_cross_entropy, in, 15, 0, 12, out); }

/* Σ dy·tanh(W·x + b); W, x, y, dy and then b. */
static double layer_loss(const double *in)
{
    double L = 0;
    for (int j = 0; j < 2; j++) {
        double sum = in[13 + j];
        for (int i = 0; i < 3; i++)
            sum += in[3 * j + i] * in[6 + i];
        L += in[11 + j] * tanh(sum);
    }
    return L;
}

static void nudge_layer_backward(const double *in, double *out)
{
    double with_b[15];
    memcpy(with_b, in, 13 * sizeof *in);
    for (int j = 0; j < 2; j++) { /* the b that makes y of W and x */
        with_b[13 + j] = atanh(in[9 + j]);
        for (int i = 0; i < 3; i++)
            with_b[13 + j] -= in[3 * j + i] * in[6 + i];
    }
    slopes(layer_loss, with_b, 15, 0, 6, out);
    slopes(layer_loss, with_b, 15, 13, 2, out + 6);
    slopes(layer_loss, with_b, 15, 6, 3, out + 8);
}

/* Σ dy·y of attention: q, K, V, dy. */
static double attention_loss(const double *in)
{
    const double *q = in, *K = in + 3, *V = in + 15, *dy = in + 27;
    double sum = 0, L = 0;
    for (int i = 0; i < 4; i++) {
        double score = 0, value = 0;
        for (int j = 0; j < 3; j++) {
            score += K[3 * i + j] * q[j];
            value += V[3 * i + j] * dy[j];
        }
        sum += exp(score / sqrt(3));
        L += exp(score / sqrt(3)) * value;
    }
    return L / sum;
}

static void nudge_attention_backward(const double *in, double *out) { slopes(attention_loss, in, 30, 0, 27, out); }

/* ---- lab 10 ------------------------------------------------------------------------------------------------------ */

/* At 0 the slope has a corner, and a nudge of h is off by h. */
static double softsign_op(const double *in) { return in[0] / (1 + fabs(in[0])); }
static void nudge_softsign_da(const double *in, double *out)
{
    slopes(softsign_op, in, 2, 0, 1, out);
    if (in[0] == 0)
        out[0] = NAN;
}

/* A nudge is lost in a number of 1e200. */
static double norm_op(const double *in) { return hypot(in[0], in[1]); }
static void nudge_norm(const double *in, int operand, double *out)
{
    slopes(norm_op, in, 3, operand, 1, out);
    if (in[2] > 1e100)
        out[0] = NAN;
}

static void nudge_norm_da(const double *in, double *out) { nudge_norm(in, 0, out); }
static void nudge_norm_db(const double *in, double *out) { nudge_norm(in, 1, out); }

/* ---- all --------------------------------------------------------------------------------------------------------- */

static const struct Nudge {
    const char *function;
    void (*measure)(const double *in, double *out);
} nudges[] = {
    {"loss_gradient", nudge_loss_gradient},
    {"dual_mul", nudge_dual_mul},
    {"dual_div", nudge_dual_div},
    {"dual_tanh", nudge_dual_tanh},
    {"sub_backward", nudge_sub_backward},
    {"mul_backward", nudge_mul_backward},
    {"div_backward", nudge_div_backward},
    {"pow_backward", nudge_pow_backward},
    {"max_backward", nudge_max_backward},
    {"tanh_backward", nudge_tanh_backward},
    {"relu_backward", nudge_relu_backward},
    {"backward", nudge_backward},
    {"product_dx", nudge_product_dx},
    {"product_dw", nudge_product_dw},
    {"bias_gradient", nudge_bias_gradient},
    {"logits_gradient", nudge_logits_gradient},
    {"layer_backward", nudge_layer_backward},
    {"attention_backward", nudge_attention_backward},
    {"softsign_da", nudge_softsign_da},
    {"norm_da", nudge_norm_da},
    {"norm_db", nudge_norm_db},
};

bool nudge(const Task *task, const double *in, double *out)
{
    for (size_t i = 0; i < sizeof nudges / sizeof nudges[0]; i++)
        if (strcmp(nudges[i].function, task->function) == 0) {
            nudges[i].measure(in, out);
            return true;
        }
    return private_nudge(task, in, out);
}
