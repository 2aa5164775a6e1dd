/* moons.h - the job of `make moons`, for several programs: 1000 points, 2 → 32 → 32 → 2 tanh, cross-entropy, SGD 0.05,
 * batch 64. All begin with the same params and take the points in the same order, so their losses agree, and show it.
 */
#ifndef STEPGRAD_BENCH_MOONS_H
#define STEPGRAD_BENCH_MOONS_H

#include "stepgrad.h"
#include "table.h"

enum { BATCH = 64 };
enum { SECONDS, BY_HAND, BY_VECTORS, BY_TORCH, INSTRUCTIONS, LOSS }; /* the columns */

static const double LR = 0.05;

const Dataset *moons_points(void);

/* The network with its first params, in this graph. */
MLP *moons_net(Graph *graph);

/* A step of a program on n rows, and their labels; returns the mean loss before it. */
typedef double MoonsStep(void *net, const double *x, const int *label, size_t n);

/* Train, and write SECONDS and LOSS. */
void moons_train(MoonsStep *step, void *net, size_t batch, size_t epochs, double *numbers);

/* Programs of the table: replay.c. */
Measure moons_replay, moons_replay_vmath, moons_emitted, moons_emitted_vmath;

#endif
