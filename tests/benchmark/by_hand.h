/* by_hand.h - the two-moons network without a graph: what a C programmer would write for just this network. */
#ifndef STEPGRAD_BY_HAND_H
#define STEPGRAD_BY_HAND_H

#include <stddef.h>

enum { HAND_INPUTS = 2, HAND_HIDDEN = 32, HAND_OUTPUTS = 2 };

/* The parameters, or their gradients. A vector that lies across two lines of the cache, of 64 bytes, takes twice as
 * long to load. */
typedef struct HandNet {
    _Alignas(64) double w1[HAND_HIDDEN][HAND_INPUTS];
    double b1[HAND_HIDDEN];
    double w2[HAND_HIDDEN][HAND_HIDDEN], b2[HAND_HIDDEN];
    double w3[HAND_OUTPUTS][HAND_HIDDEN], b3[HAND_OUTPUTS];
} HandNet;

/* One SGD step on n rows of x with their labels; returns the mean cross-entropy before it. One row after the other,
 * with the exp and tanh of libm. */
double hand_step(HandNet *net, const double *x, const int *label, size_t n, double lr);

/* The same, written so that the compiler makes vectors of it, with the exp and tanh of vmath.h. Sums are taken in the
 * order of the engine: a neuron adds up its even and its odd inputs, and gradients come from the last row to the first.
 * n is even. */
double hand_step_vector(HandNet *net, const double *x, const int *label, size_t n, double lr);

#endif
