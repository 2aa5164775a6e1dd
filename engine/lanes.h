/* lanes.h - numbers of LANES samples side by side, and the arithmetic of a layer on them. Replay (replay_run.c) and the
 * C code that program_emit writes (emit.h) both stand on it, so that they have the same bits.
 *
 * Loops over lanes have a constant number of turns and no order among them: compilers make vectors of them, and keep
 * their sums in registers. Each lane alone does what the engine does, in the same order.
 */
#ifndef STEPGRAD_LANES_H
#define STEPGRAD_LANES_H

#include <string.h> /* for emitted code */

#include "error.h"
#include "ops.h"

enum { LANES = 32 };
typedef double Lanes[LANES]; /* a number for each sample */

/* The chain rule in one lane: ∂node/∂parent · ∂L/∂node. A path with derivative 0 contributes nothing, as in the engine
 * (ops.h), nor does a sample whose gradient does not come here: 0 also beside infinity, where 0·∞ would be NaN. */
static inline double product(double local, double grad) { return local == 0 || grad == 0 ? 0 : local * grad; }

/* ---- a layer ----------------------------------------------------------------------------------------------------- */

/* Neurons with the same inputs: y = w·x + c each, or y = w·x without bias. The weights of a neuron are numbers side by
 * side, then comes its bias, then the next neuron. x[i·LANES + k] is input i in lane k, y[j·LANES + k] neuron j's
 * value. */
typedef struct LayerShape {
    size_t neurons, inputs;
    bool has_bias;
} LayerShape;

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

static ALWAYS_INLINE void layer_values(LayerShape shape, const double *w, const double *x, double *y)
{
    const size_t n = shape.inputs, stride = n + shape.has_bias;
    for (size_t j = 0; j < shape.neurons; j++)
        neuron_values(n, w + j * stride, shape.has_bias ? w[j * stride + n] : 0, x, y + j * LANES);
}

/* A vector of weights' gradients takes sample after sample. For that, the inputs of a sample must lie side by side:
 * `turned` is x with inputs and lanes swapped, turned[k·n + i]. */
static inline void turn_inputs(size_t n, const double *x, double *restrict turned)
{
    for (size_t k = 0; k < LANES; k++)
        for (size_t i = 0; i < n; i++)
            turned[k * n + i] = x[i * LANES + k];
}

/* ∂L/∂wᵢ += Σ over samples, from the last to the first, of xᵢ·g, for one neuron. Four samples in a turn, so that the
 * sum is not loaded and stored for each; C adds from left to right. */
static ALWAYS_INLINE void push_to_weights(size_t n, const double *turned, const double *g, double *restrict dw)
{
    for (size_t k = LANES; k > 0; k -= 4) {
        const double *x = turned + (k - 4) * n;
        for (size_t i = 0; i < n; i++)
            dw[i] = dw[i] + g[k - 1] * x[3 * n + i] + g[k - 2] * x[2 * n + i] + g[k - 3] * x[n + i] + g[k - 4] * x[i];
    }
}

/* ∂L/∂x += Σ over neurons, from the last to the first, of w·g, for one input, in all lanes. Its weight in the next
 * neuron is `stride` further on. Four neurons in a turn, and before them those that are left over. */
static ALWAYS_INLINE void push_to_input(size_t neurons, size_t stride, const double *w, const double *g,
                                        double *restrict dx)
{
    size_t j = neurons;
    for (; j % 4 > 0; j--)
        for (size_t k = 0; k < LANES; k++)
            dx[k] += w[(j - 1) * stride] * g[(j - 1) * LANES + k];
    for (; j > 0; j -= 4) {
        const double *wj = w + (j - 4) * stride, *gj = g + (j - 4) * LANES;
        for (size_t k = 0; k < LANES; k++)
            dx[k] = dx[k] + wj[3 * stride] * gj[3 * LANES + k] + wj[2 * stride] * gj[2 * LANES + k] +
                    wj[stride] * gj[LANES + k] + wj[0] * gj[k];
    }
}

/* ∂L/∂bias += Σ over samples, from the last to the first, of g */
static inline void push_to_bias(const double *g, double *bias)
{
    double sum = *bias;
    for (size_t k = LANES; k-- > 0;)
        sum += g[k];
    *bias = sum;
}

/* To weights and inputs path by path, for one neuron. */
static inline void push_carefully(size_t n, const double *w, const double *x, const double *g, double *dw, double *dx)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t k = LANES; k-- > 0;)
            dw[i] += product(x[i * LANES + k], g[k]);
        for (size_t k = 0; dx != NULL && k < LANES; k++)
            dx[i * LANES + k] += product(w[i], g[k]);
    }
}

static ALWAYS_INLINE bool all_finite(const double *numbers, size_t n)
{
    int finite = 1; /* no && and no return in the loop, so that it is one for vectors */
    for (size_t i = 0; i < n; i++)
        finite &= numbers[i] - numbers[i] == 0;
    return finite;
}

/* From the gradients g of the neurons to those of weights and biases, dw, and of inputs, dx, unless that is NULL. With
 * finite numbers a product with 0 is 0, and there is no path to leave out: see `product`. Where y is finite, so are all
 * that it was computed from: no sum loses an infinity or NaN again. */
static ALWAYS_INLINE void layer_gradients(LayerShape shape, const double *w, const double *x, const double *y,
                                          const double *g, double *turned, double *dw, double *dx)
{
    const size_t n = shape.inputs, stride = n + shape.has_bias, numbers = shape.neurons * LANES;
    const bool finite = all_finite(y, numbers) && all_finite(g, numbers);
    turn_inputs(n, x, turned);
    for (size_t j = shape.neurons; j-- > 0;) {
        if (finite)
            push_to_weights(n, turned, g + j * LANES, dw + j * stride);
        else
            push_carefully(n, w + j * stride, x, g + j * LANES, dw + j * stride, dx);
        if (shape.has_bias)
            push_to_bias(g + j * LANES, dw + j * stride + n);
    }
    for (size_t i = 0; finite && dx != NULL && i < n; i++)
        push_to_input(shape.neurons, stride, w + i, g, dx + i * LANES);
}

#endif
