/* test_vmath.c - exp and tanh of vmath.h against long double, at their edges, and bit for bit.
 *
 * Seeds are fixed. A suite looks at two million numbers for each function; LONG=all at 10^8, in a minute.
 */
#include <criterion/criterion.h>
#include <float.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "random.h"
#include "vmath.h"

TestSuite(vmath, .timeout = 1800);

static const double LOG2 = 0.69314718055994531;

static int points(void) { return getenv("LONG") != NULL && strcmp(getenv("LONG"), "all") == 0 ? 100000000 : 2000000; }

/* ---- numbers to try ---------------------------------------------------------------------------------------------- */

/* Any exponent from 2^lowest to 2^highest, any sign. */
static double any_size(Random *random, int lowest, int highest)
{
    const int exponent = lowest + (int)random_below(random, (uint64_t)(highest - lowest + 1));
    return ldexp(random_uniform(random, 1, 2), exponent) * (random_below(random, 2) == 0 ? 1 : -1);
}

/* Beside (k + ½)·log 2, lowest ≤ k ≤ highest: the reduction takes another k from there on, and |r| is largest. */
static double beside_a_seam(Random *random, int lowest, int highest)
{
    const int k = lowest + (int)random_below(random, (uint64_t)(highest - lowest + 1));
    return (k + 0.5) * LOG2 + random_uniform(random, -0.01, 0.01);
}

/* The first and the last seam of exp are those of the largest number, 2^1024, and of the smallest, 2^−1074. */
static double exp_point(Random *random, int kind)
{
    switch (kind) {
    case 0: return random_uniform(random, -750, 710);
    case 1: return random_uniform(random, -1, 1);
    case 2: return any_size(random, -1074, 9);
    case 3: return beside_a_seam(random, -1075, 1023);
    case 4: return random_uniform(random, 709, 710);
    default: return random_uniform(random, -746, -708);
    }
}

/* tanh reduces 2|x|. From 22 on it is 1. */
static double tanh_point(Random *random, int kind)
{
    switch (kind) {
    case 0: return random_uniform(random, -23, 23);
    case 1: return random_uniform(random, -0.7, 0.7);
    case 2: return any_size(random, -1074, 4);
    case 3: return beside_a_seam(random, -64, 63) / 2;
    case 4: return random_uniform(random, 17, 22);
    default: return random_uniform(random, 0.15, 0.2); /* the steepest seam: the terms of n are largest beside n */
    }
}

enum { KINDS = 6 };

/* ---- how exact --------------------------------------------------------------------------------------------------- */

#if LDBL_MANT_DIG >= 64 && LDBL_MAX_EXP > 1024
/* How many ulps y is away from the true value, an ulp being the distance between doubles of that size. Infinity counts
 * as the double that would come after the largest. */
static double ulps(double y, long double truth)
{
    int exponent;
    frexpl(truth, &exponent);
    exponent = exponent < DBL_MIN_EXP ? DBL_MIN_EXP : exponent > DBL_MAX_EXP ? DBL_MAX_EXP : exponent;
    const long double largest = 0x1p1024L, got = isinf(y) ? largest : y, want = truth > largest ? largest : truth;
    return (double)ldexpl(fabsl(got - want), DBL_MANT_DIG - exponent);
}

static double worst_of(double point(Random *, int), double ours(double), long double reference(long double))
{
    Random random;
    random_seed(&random, 11);
    double worst = 0, where = 0;
    for (int i = 0, n = points(); i < n; i++) {
        const double x = point(&random, i % KINDS), error = ulps(ours(x), reference(x));
        if (!(error <= worst))
            worst = error, where = x;
    }
    fprintf(stderr, "vmath: at most %.3f ulp, at %.17g\n", worst, where);
    return worst;
}

/* A result below 1 ulp is one of the two doubles beside the true value. The last rounding takes ½. What the sums before
 * it round is largest beside the true value where |tanh x| = 0.17: there n = ½ − 0.35 + 0.05 is smaller than its terms.
 * The tail's few roundings and the remainder's come to 0.8 at most, if all were largest and in the same direction; so
 * 1.5 is the bound, and 1 what is held to: the numbers are the same in each run. An ulp of the reference is 1/2048 of
 * one here, and libm promises a few of them. */
Test(vmath, exp_is_less_than_one_ulp_away) { cr_expect_lt(worst_of(exp_point, vmath_exp, expl), 1); }
Test(vmath, tanh_is_less_than_one_ulp_away) { cr_expect_lt(worst_of(tanh_point, vmath_tanh, tanhl), 1); }
#else
Test(vmath, ulps_need_a_long_double_with_more_bits)
{
    cr_skip_test("SKIPPED: long double is no finer than double here: the errors of exp and tanh cannot be measured");
}
#endif

/* ---- edges ------------------------------------------------------------------------------------------------------- */

typedef struct Edge {
    double x, want;
} Edge;

static void expect_edges(const char *name, double function(double), const Edge *edges, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const double got = function(edges[i].x);
        cr_expect_eq(vmath_bits(got), vmath_bits(edges[i].want), "%s(%a) is %a, not %a", name, edges[i].x, got,
                     edges[i].want);
    }
}

Test(vmath, exp_is_exact_at_its_edges)
{
    /* 2^1024 = e^709.78271289338397...: the double below gives a number, the next one infinity. 2^−1075 is half of the
     * smallest number, and e^−745.13321910194121...: above it that is the nearest, below it 0. */
    static const Edge edges[] = {{0.0, 1},
                                 {-0.0, 1},
                                 {DBL_TRUE_MIN, 1},
                                 {-DBL_TRUE_MIN, 1},
                                 {0x1p-60, 1},
                                 {-0x1p-60, 1},
                                 {0x1.62e42fefa39efp+9, 0x1.fffffffffff2ap+1023},
                                 {0x1.62e42fefa39fp+9, INFINITY},
                                 {1e10, INFINITY},
                                 {DBL_MAX, INFINITY},
                                 {INFINITY, INFINITY},
                                 {-0x1.74910d52d3051p+9, DBL_TRUE_MIN},
                                 {-0x1.74910d52d3052p+9, 0},
                                 {-1e10, 0},
                                 {-DBL_MAX, 0},
                                 {-INFINITY, 0}};
    expect_edges("exp", vmath_exp, edges, sizeof edges / sizeof edges[0]);
}

/* tanh x = x − x³/3 + ..., so it rounds to x below 2^−27; and 1 − tanh x = 2e^−2x, less than half the distance from 1
 * to the double below it, 2^−53, where x > 27.5·log 2 = 19.062. */
Test(vmath, tanh_is_exact_at_its_edges)
{
    static const Edge edges[] = {{0.0, 0.0},
                                 {DBL_TRUE_MIN, DBL_TRUE_MIN},
                                 {3 * DBL_TRUE_MIN, 3 * DBL_TRUE_MIN},
                                 {DBL_MIN, DBL_MIN},
                                 {0x1.fffffffffffffp-1022, 0x1.fffffffffffffp-1022},
                                 {1e-100, 1e-100},
                                 {0x1.5555555555555p-28, 0x1.5555555555555p-28},
                                 {18.8, 1 - 0x1p-53},
                                 {19.06, 1 - 0x1p-53},
                                 {19.07, 1},
                                 {22, 1},
                                 {0x1.6000000000001p+4, 1},
                                 {1e10, 1},
                                 {DBL_MAX, 1},
                                 {INFINITY, 1}};
    enum { COUNT = sizeof edges / sizeof edges[0] };
    Edge mirrored[COUNT];
    for (int i = 0; i < COUNT; i++)
        mirrored[i] = (Edge){-edges[i].x, -edges[i].want};
    expect_edges("tanh", vmath_tanh, edges, COUNT);
    expect_edges("tanh", vmath_tanh, mirrored, COUNT);
}

/* Of either sign, with the first and the last bits that say NaN. */
Test(vmath, nan_stays_nan)
{
    static const uint64_t nans[] = {0x7FF8000000000000, 0x7FFFFFFFFFFFFFFF, 0x7FF0000000000001};
    for (size_t i = 0; i < sizeof nans / sizeof nans[0]; i++)
        for (uint64_t sign = 0; sign <= 1; sign++) {
            const double x = vmath_number(nans[i] | sign << 63);
            cr_expect(isnan(vmath_exp(x)), "exp of NaN %" PRIx64, nans[i]);
            cr_expect(isnan(vmath_tanh(x)), "tanh of NaN %" PRIx64, nans[i]);
        }
}

/* ---- shape ------------------------------------------------------------------------------------------------------- */

Test(vmath, tanh_is_odd_and_at_most_one)
{
    Random random;
    random_seed(&random, 3);
    for (int i = 0; i < 300000; i++) {
        const double x = tanh_point(&random, i % KINDS), y = vmath_tanh(x);
        cr_assert_eq(vmath_bits(vmath_tanh(-x)), vmath_bits(-y), "tanh(−x) is not −tanh x at %a", x);
        cr_assert(fabs(y) <= 1 && signbit(y) == signbit(x), "tanh(%a) is %a", x, y);
    }
}

/* From one double to the next, the function does not fall, some thousand times around x. */
static void expect_rising(const char *name, double function(double), double x)
{
    for (int i = 0; i < 1000; i++)
        x = nextafter(x, -INFINITY);
    for (int i = 0; i < 2000; i++) {
        const double next = nextafter(x, INFINITY);
        cr_assert(function(x) <= function(next), "%s falls from %a to %a", name, x, next);
        x = next;
    }
}

Test(vmath, both_rise_at_the_seams)
{
    for (int k = -1075; k <= 1023; k++)
        expect_rising("exp", vmath_exp, (k + 0.5) * LOG2);
    for (int k = -63; k <= 63; k++)
        expect_rising("tanh", vmath_tanh, (k + 0.5) * LOG2 / 2);
    expect_rising("exp", vmath_exp, 0);
    expect_rising("exp", vmath_exp, -708.3964185322641); /* from here down there are fewer bits */
    expect_rising("tanh", vmath_tanh, 0);
    expect_rising("tanh", vmath_tanh, 19.061547465398497); /* 1 from here on */
    expect_rising("tanh", vmath_tanh, 22);
}

/* ---- bits -------------------------------------------------------------------------------------------------------- */

enum { MANY = 6 * 4096 };

static void fill(double *x, double point(Random *, int))
{
    Random random;
    random_seed(&random, 5);
    for (int i = 0; i < MANY; i++)
        x[i] = point(&random, i % KINDS);
}

/* Loops that a compiler may make vectors of. */
static void exp_of_many(const double *restrict x, double *restrict y)
{
    for (int i = 0; i < MANY; i++)
        y[i] = vmath_exp(x[i]);
}

static void tanh_of_many(const double *restrict x, double *restrict y)
{
    for (int i = 0; i < MANY; i++)
        y[i] = vmath_tanh(x[i]);
}

/* The FNV-1a hash of the bits, 64 at a time; and each number must be what a call for it alone gives. */
static uint64_t hash_of(const double *x, const double *y, double function(double))
{
    double (*volatile alone)(double) = function; /* volatile: so that the compiler cannot make vectors of this, too */
    uint64_t hash = 0xcbf29ce484222325;
    for (int i = 0; i < MANY; i++) {
        cr_assert_eq(vmath_bits(y[i]), vmath_bits(alone(x[i])), "side by side and alone differ at %a", x[i]);
        hash = (hash ^ vmath_bits(y[i])) * 0x100000001b3;
    }
    return hash;
}

/* The hashes are those of gcc and clang at each level of optimisation. Whoever changes a formula changes them. */
Test(vmath, every_compiler_computes_the_same_bits)
{
    static double x[MANY], y[MANY];
    fill(x, exp_point);
    exp_of_many(x, y);
    const uint64_t exp_hash = hash_of(x, y, vmath_exp);
    cr_expect_eq(exp_hash, 0x1fc6e9f019ab515a, "exp: %016" PRIx64, exp_hash);
    fill(x, tanh_point);
    tanh_of_many(x, y);
    const uint64_t tanh_hash = hash_of(x, y, vmath_tanh);
    cr_expect_eq(tanh_hash, 0xcf35f405740da047, "tanh: %016" PRIx64, tanh_hash);
}
