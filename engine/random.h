/* random.h - random numbers that can be repeated: the same seed gives the same numbers on every machine.
 *
 *     Random random;
 *     random_seed(&random, 42);
 *     double w = random_uniform(&random, -1, 1);
 *     size_t row = random_below(&random, data.count);
 *
 * There is no hidden generator: a function that needs random numbers takes a Random, so two parts of a program cannot
 * disturb each other. Seed a Random before you draw from it. Copying the struct copies the place in the sequence.
 * Integers, uniforms and choices are bit-exact everywhere. random_normal uses log and cos of libm, whose last bit may
 * differ between systems; the number of draws that it takes does not. Source: M. E. O'Neill, PCG: A Family of Simple
 * Fast Space-Efficient Statistically Good Algorithms for Random Number Generation, HMC-CS-2014-0905 (2014): PCG-XSH-RR,
 * 64 bits of state, 32 of output. Not for cryptography.
 */
#ifndef STEPGRAD_RANDOM_H
#define STEPGRAD_RANDOM_H

#include <stddef.h>
#include <stdint.h>

#include "error.h"

/* A position in a sequence of random numbers. */
typedef struct Random {
    uint64_t state;
    uint64_t increment; /* names one of 2⁶³ sequences; odd once seeded */
} Random;

/* Begin the sequence that belongs to `seed`; any number will do. */
void random_seed(Random *random, uint64_t seed);

/* The same in another of the sequences, so that one seed can serve weights, data and threads, each with a stream. */
void random_seed_stream(Random *random, uint64_t seed, uint64_t stream);

/* A 64-bit integer, each equally often: two outputs of 32 bits, the first on top. */
#define random_u64(random) random_u64_at(random, HERE)

/* A double in [lo, hi), one of 2⁵³ equal steps. Needs lo <= hi and a finite hi − lo; with lo == hi returns lo. */
#define random_uniform(random, lo, hi) random_uniform_at(random, lo, hi, HERE)

/* A double from the normal distribution with mean 0 and standard deviation 1. Takes two draws of 64 bits, always. */
#define random_normal(random) random_normal_at(random, HERE)

/* An integer 0 .. n−1, each exactly equally often. Needs n >= 1. */
#define random_below(random, n) random_below_at(random, n, HERE)

/* An index i of n ≥ 1 weights, each with probability weights[i]/Σ weights: probabilities, or any numbers from 0 whose
 * sum is finite and not 0. One with weight 0 never comes. Takes one draw of 64 bits. */
#define random_choice(random, weights, n) random_choice_at(random, weights, n, HERE)

/* Put indices[0 .. n) into a random order, each of the n! equally often. */
#define random_shuffle(random, indices, n) random_shuffle_at(random, indices, n, HERE)

/* ---- behind the macros ------------------------------------------------------------------------------------------- */

uint64_t random_u64_at(Random *random, Where where);
double random_uniform_at(Random *random, double lo, double hi, Where where);
double random_normal_at(Random *random, Where where);
uint64_t random_below_at(Random *random, uint64_t n, Where where);
size_t random_choice_at(Random *random, const double *weights, size_t n, Where where);
void random_shuffle_at(Random *random, size_t *indices, size_t n, Where where);

#endif
