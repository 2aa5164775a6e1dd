/* random.c - all numbers are made from the one sequence of 32-bit outputs that `next` gives. */
#include "random.h"

#include <math.h>

static const uint64_t MULTIPLIER = 6364136223846793005u; /* Knuth's, for a linear congruential step modulo 2⁶⁴ */
static const uint64_t FIRST_STREAM = 54;                 /* the stream of the paper's demonstration program */
static const double TWO_PI = 6.283185307179586476925;
static const double STEP_53 = 0x1p-53; /* a double has 53 bits: k·2⁻⁵³ is exact for every k below 2⁵³ */

/* PCG-XSH-RR: the state is a plain congruential sequence, whose low bits are poor. The output is made from the old
 * state's high bits: fold them together, then rotate by an amount that the five topmost bits choose. */
static uint32_t next(Random *random)
{
    const uint64_t old = random->state;
    random->state = old * MULTIPLIER + random->increment;
    const uint32_t folded = (uint32_t)(((old >> 18) ^ old) >> 27);
    const uint32_t turn = (uint32_t)(old >> 59);
    return folded >> turn | folded << (-turn & 31);
}

static uint64_t next_64(Random *random)
{
    const uint64_t high = next(random); /* two statements: C does not specify which side of `|` comes first */
    const uint64_t low = next(random);
    return high << 32 | low;
}

/* k·2⁻⁵³ in [0, 1) */
static double next_unit(Random *random) { return (double)(next_64(random) >> 11) * STEP_53; }

void random_seed(Random *random, uint64_t seed) { random_seed_stream(random, seed, FIRST_STREAM); }

void random_seed_stream(Random *random, uint64_t seed, uint64_t stream)
{
    *random = (Random){.state = 0, .increment = stream << 1 | 1};
    next(random);
    random->state += seed;
    next(random);
}

static void check(const Random *random, const char *caller, Where where)
{
    if (random == NULL)
        misuse(where, "%s: the Random is NULL. Give it the address of a Random.", caller);
    if (random->increment % 2 == 0)
        misuse(where, "%s: the Random was never seeded (increment %llu). Call random_seed(random, a number) first.",
               caller, (unsigned long long)random->increment);
}

uint64_t random_u64_at(Random *random, Where where)
{
    check(random, "random_u64", where);
    return next_64(random);
}

double random_uniform_at(Random *random, double lo, double hi, Where where)
{
    check(random, "random_uniform", where);
    if (!(lo <= hi) || !isfinite(hi - lo))
        misuse(where, "random_uniform: no numbers from %g to %g. It needs lo <= hi, and hi - lo finite.", lo, hi);
    const double x = lo + (hi - lo) * next_unit(random);
    return x < hi ? x : lo; /* the sum may round up to hi, which is outside */
}

/* Box and Muller: a point of the plane, normal in both directions, has a radius with r² = −2 log u and any angle. The
 * second coordinate is left unused: to keep it would make the next number depend on more than the state. */
double random_normal_at(Random *random, Where where)
{
    check(random, "random_normal", where);
    const double radius = sqrt(-2 * log(1 - next_unit(random))); /* 1 − u is in (0, 1]: never log 0 */
    return radius * cos(TWO_PI * next_unit(random));
}

/* 2⁶⁴ numbers do not divide evenly over n remainders: the first 2⁶⁴ mod n draws are thrown away, and then they do. */
static uint64_t below(Random *random, uint64_t n)
{
    const uint64_t surplus = (0 - n) % n; /* 2⁶⁴ mod n, computed modulo 2⁶⁴ */
    uint64_t draw = next_64(random);
    while (draw < surplus)
        draw = next_64(random);
    return draw % n;
}

uint64_t random_below_at(Random *random, uint64_t n, Where where)
{
    check(random, "random_below", where);
    if (n == 0)
        misuse(where, "random_below: n is 0, and no number is below 0. Ask for n >= 1.");
    return below(random, n);
}

static double check_weights(const double *weights, size_t n, Where where)
{
    double total = 0;
    if (weights == NULL || n == 0)
        misuse(where, "random_choice: no weights (n = %zu). Give an array of n >= 1.", n);
    for (size_t i = 0; i < n; i++) {
        if (!(weights[i] >= 0))
            misuse(where, "random_choice: weights[%zu] is %g. A weight is at least 0.", i, weights[i]);
        total += weights[i];
    }
    if (!(total > 0 && total < INFINITY))
        misuse(where, "random_choice: the weights sum to %g. It must be more than 0, and finite.", total);
    return total;
}

/* The weights laid end to end, and a point on them. The sum is made in the same order as the total, so that it reaches
 * it: a point below the total always lies on one. */
size_t random_choice_at(Random *random, const double *weights, size_t n, Where where)
{
    check(random, "random_choice", where);
    const double point = random_uniform_at(random, 0, check_weights(weights, n, where), where);
    double sum = 0;
    size_t i = 0;
    while (point >= (sum += weights[i]))
        i++;
    return i;
}

/* Fisher and Yates: the last place gets any of the n, the one before it any of the n − 1 that are left, and so on. */
void random_shuffle_at(Random *random, size_t *indices, size_t n, Where where)
{
    check(random, "random_shuffle", where);
    if (indices == NULL && n > 0)
        misuse(where, "random_shuffle: the list is NULL (n = %zu). Give it an array of n indices.", n);
    for (size_t left = n; left > 1; left--) {
        const size_t chosen = (size_t)below(random, left);
        const size_t moved = indices[left - 1];
        indices[left - 1] = indices[chosen];
        indices[chosen] = moved;
    }
}
