/* lanes.h - numbers of LANES samples side by side, and the arithmetic of a neuron on them. Replay (replay_run.c) and
 * the C code that program_emit writes (emit.h) both stand on it, so that they have the same bits.
 *
 * Loops over lanes have a constant number of turns and no order among them: compilers make vectors of them. Each lane
 * alone does what the engine does, in the same order.
 */
#ifndef STEPGRAD_LANES_H
#define STEPGRAD_LANES_H

#include <string.h>

#include "error.h"
#include "ops.h"

enum { LANES = 32 };
typedef double Lanes[LANES]; /* a number for each sample */

/* The chain rule in one lane: ∂node/∂parent · ∂L/∂node. A path with derivative 0 contributes nothing, as in the engine
 * (ops.h), nor does a sample whose gradient does not come here: also beside infinity and NaN, where 0·∞ would be NaN.
 */
static inline double product(double local, double grad) { return local == 0 || grad == 0 ? 0 : local * grad; }

static inline bool all_finite(const double *numbers)
{
    int finite = 1; /* no && and no return in the loop, so that it is one for vectors */
    for (size_t k = 0; k < LANES; k++)
        finite &= numbers[k] - numbers[k] == 0;
    return finite;
}

/* ---- a neuron: y = w·x + c ------------------------------------------------------------------------------------------
 * A dot whose weights are numbers side by side, w[0..n), as are its inputs, x[i·LANES + k] in lane k. */

/* The even and the odd sum of dot_forward, in all lanes. */
static ALWAYS_INLINE void neuron_values(size_t n, const double *w, double bias, const double *x, double *restrict y)
{
    Lanes even = {0}, odd = {0};
    for (size_t i = 0; i + 1 < n; i += 2) {
        for (size_t k = 0; k < LANES; k++)
            even[k] += w[i] * x[i * LANES + k];
        for (size_t k = 0; k < LANES; k++)
            odd[k] += w[i + 1] * x[(i + 1) * LANES + k];
    }
    for (size_t k = 0; n % 2 == 1 && k < LANES; k++)
        even[k] += w[n - 1] * x[(n - 1) * LANES + k];
    for (size_t k = 0; k < LANES; k++)
        y[k] = even[k] + odd[k] + bias;
}

/* The inputs with lanes and inputs swapped, turned[k·n + i]: so the inputs lie side by side, and a vector of weights'
 * gradients can take sample after sample. All neurons of a layer use them. */
static inline void turn_inputs(size_t n, const double *x, double *restrict turned)
{
    for (size_t k = 0; k < LANES; k++)
        for (size_t i = 0; i < n; i++)
            turned[k * n + i] = x[i * LANES + k];
}

/* ∂L/∂wᵢ += Σ over samples, from the last to the first, of xᵢ·g. So many sums at a time as registers can hold. */
static ALWAYS_INLINE void push_to_weights(size_t n, const double *turned, const double *g, double *restrict dw)
{
    enum { TILE = 32 };
    size_t first = 0;
    for (; first + TILE <= n; first += TILE) {
        double sum[TILE];
        memcpy(sum, dw + first, sizeof sum);
        for (size_t k = LANES; k-- > 0;)
            for (size_t i = 0; i < TILE; i++)
                sum[i] += g[k] * turned[k * n + first + i];
        memcpy(dw + first, sum, sizeof sum);
    }
    for (size_t k = LANES; k-- > 0;)
        for (size_t i = first; i < n; i++)
            dw[i] += g[k] * turned[k * n + i];
}

/* The same, and ∂L/∂xᵢ += wᵢ·g in each lane, path by path. dx may be NULL. */
static inline void push_carefully(size_t n, const double *w, const double *x, const double *g, double *dw, double *dx)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = LANES; k-- > 0;)
            dw[i] += product(x[i * LANES + k], g[k]);
        for (size_t k = 0; dx != NULL && k < LANES; k++)
            dx[i * LANES + k] += product(w[i], g[k]);
    }
}

/* The derivatives by weights, bias and inputs, times ∂L/∂y, which is g. Without a bias dc is NULL, and so is dx if the
 * inputs need no gradient. Where y is finite, so are all wᵢ and xᵢ: a sum cannot lose an infinity or NaN again. With
 * finite numbers a product with 0 is 0, and there is no path to leave out: see `product`. */
static ALWAYS_INLINE void neuron_gradients(size_t n, const double *w, const double *x, const double *turned,
                                           const double *y, const double *grad, double *restrict dw,
                                           double *restrict dc, double *restrict dx)
{
    Lanes g; /* a copy, which no other pointer can lead to */
    memcpy(g, grad, sizeof g);
    for (size_t k = LANES; dc != NULL && k-- > 0;)
        *dc += g[k];
    if (!all_finite(y) || !all_finite(g)) {
        push_carefully(n, w, x, g, dw, dx);
        return;
    }
    push_to_weights(n, turned, g, dw);
    for (size_t i = 0; dx != NULL && i < n; i++)
        for (size_t k = 0; k < LANES; k++)
            dx[i * LANES + k] += w[i] * g[k];
}

#endif
