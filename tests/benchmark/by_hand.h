/* by_hand.h - the two-moons network without a graph: what a C programmer would write for just this network. */
#ifndef STEPGRAD_BY_HAND_H
#define STEPGRAD_BY_HAND_H

#include <stddef.h>

enum { HAND_INPUTS = 2, HAND_HIDDEN = 32, HAND_OUTPUTS = 2 };

/* The parameters, or their gradients. */
typedef struct HandNet {
    double w1[HAND_HIDDEN][HAND_INPUTS], b1[HAND_HIDDEN];
    double w2[HAND_HIDDEN][HAND_HIDDEN], b2[HAND_HIDDEN];
    double w3[HAND_OUTPUTS][HAND_HIDDEN], b3[HAND_OUTPUTS];
} HandNet;

/* One SGD step on n rows of x with their labels; returns the mean cross-entropy before it. */
double hand_step(HandNet *net, const double *x, const int *label, size_t n, double lr);

#endif
