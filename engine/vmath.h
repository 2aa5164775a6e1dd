/* vmath.h - exp and tanh that compilers make vectors of: plain C, the same few additions and multiplications for every
 * number, with no table, no branch and no call. The C library's own are called for one number at a time.
 *
 * A file that wants the ops with these functions says so before it includes ops.h:
 *
 *     #include "vmath.h"
 *     #define exp(x) vmath_exp(x)
 *     #define tanh(x) vmath_tanh(x)
 *
 * An ulp is the distance from a double to the next one. tests/test_vmath.c measures how many ulps the results are away
 * from the true values: at most 0.79 for exp and 0.87 for tanh on 10^8 numbers each (glibc 2.36: 0.51 and 2.17). Both
 * are exact where the C library is: at 0, at ±infinity, for NaN, and past overflow and underflow.
 *
 * The bits are the same for every compiler, optimisation level and vector length, if the doubles are IEEE 754's,
 * rounded to nearest, and each operation rounds for itself: -ffp-contract=off. Contraction fuses a product and a sum
 * into one operation, which rounds once. Where it does so is the compiler's choice, so the last bit would depend on it;
 * the errors would be no larger.
 *
 * Sources: Cody & Waite (1980), Software manual for the elementary functions, for the reduction; Dekker (1971), A
 * floating-point technique for extending the available precision, and Knuth, The art of computer programming, volume 2,
 * section 4.2.2, for what an addition rounds off and for products that are exact.
 */
#ifndef STEPGRAD_VMATH_H
#define STEPGRAD_VMATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

/* A double is a sign bit, 11 bits of exponent plus 1023, and 52 bits of the significand after its leading 1. */
static inline uint64_t vmath_bits(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline double vmath_number(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The smaller of a and limit, for a ≥ 0; NaN stays. It is chosen with a mask, all ones where limit − a has its sign bit
 * set, because gcc makes a branch of a ?: between doubles, and then no vectors. NaN has the sign of a, which is +. */
static inline double vmath_at_most(double limit, double a)
{
    const uint64_t mask = 0 - (vmath_bits(limit - a) >> 63);
    return vmath_number((vmath_bits(limit) & mask) | (vmath_bits(a) & ~mask));
}

/* x with 26 bits of its significand, the others cut off: the product of two such numbers has 52 bits, and is exact. */
static inline double vmath_leading(double x) { return vmath_number(vmath_bits(x) & ~(uint64_t)0x7FFFFFF); }

/* y = k·log 2 + r + rest */
typedef struct VmathReduced {
    double r, rest;       /* |r| ≤ log(2)/2; rest is what r rounds off */
    uint64_t k_plus_2046; /* its low 12 bits are k + 2046 */
} VmathReduced;

/* For |y| ≤ 760. k is y/log 2, rounded to the nearest whole number: beside 1.5·2^52 a double has no bits for a
 * fraction, so adding that rounds, and leaves k in the lowest bits; with 2046 more they are not negative. log 2 is a
 * sum of two doubles. The first has 32 bits, so k times it is exact, and so is the difference of numbers so close. */
static inline VmathReduced vmath_reduce(double y)
{
    const double shift = 0x1.8p52 + 2046, shifted = y * 0x1.71547652b82fep0 + shift, k = shifted - shift;
    const double high = y - k * 0x1.62e42feep-1, low = k * 0x1.a39ef35793c76p-33;
    const double r = high - low;
    return (VmathReduced){r, (high - r) - low, vmath_bits(shifted)};
}

/* e^(r + rest) − 1 − r = rest + r²/2 + r³/3! + ... + r¹³/13!, as |r| ≤ log(2)/2: the term after them would be below a
 * tenth of an ulp of e^r − 1. Odd and even powers are added up side by side: one need not wait for the other. */
static inline double vmath_tail(VmathReduced y)
{
    const double r = y.r, r2 = r * r;
    double odd = 1 / 6227020800.0, even = 1 / 479001600.0; /* 1/13!, 1/12! */
    odd = odd * r2 + 1 / 39916800.0;
    even = even * r2 + 1 / 3628800.0;
    odd = odd * r2 + 1 / 362880.0;
    even = even * r2 + 1 / 40320.0;
    odd = odd * r2 + 1 / 5040.0;
    even = even * r2 + 1 / 720.0;
    odd = odd * r2 + 1 / 120.0;
    even = even * r2 + 1 / 24.0;
    odd = odd * r2 + 1 / 6.0;
    return y.rest + (r2 / 2 + r * r2 * (odd + r * even));
}

/* eˣ = 2^k·(1 + r + tail). What 1 + r rounds off is known exactly and goes to the tail. 2^k is made from its exponent,
 * as two factors of about 2^(k/2), because k can be beyond the exponents that a double has: a result below 2^−1022 is
 * rounded once more by the last product, as it has fewer bits. Beyond ±760 nothing changes any more: it is inf or 0. */
static inline double vmath_exp(double x)
{
    const VmathReduced y = vmath_reduce(copysign(vmath_at_most(760, fabs(x)), x));
    const double sum = 1 + y.r, lost = (1 - sum) + y.r;
    const uint64_t half = y.k_plus_2046 >> 1, other = y.k_plus_2046 - half;
    return (sum + (lost + vmath_tail(y))) * vmath_number(half << 52) * vmath_number(other << 52);
}

/* tanh x = (e^2|x| − 1)/(e^2|x| + 1), with the sign of x. With e^2|x| = 2^k·(1 + r + tail), and both over 2^k, that is
 *     n/d,   n = (1 − 2^−k) + r + tail,   d = (1 + 2^−k) + r + tail.
 * Near 0, where k is 0, nothing is lost in 1 − 2^−k = 0. From k = 53 on 1 ± 2^−k is no double: f is the part of 2^−k
 * that leaves it one, and f_rest the other part.
 *     It is divided as by hand: first the leading digits of the quotient, q, then the remainder n − q·d, over d again.
 * With d = d_leading + d_rest the product q·d_leading is exact, and it cancels the large terms of n: the remainder is
 * far smaller than n, and so are its errors. Above 2|x| = 44 the result is 1. */
static inline double vmath_tanh(double x)
{
    const VmathReduced y = vmath_reduce(vmath_at_most(44, 2 * fabs(x)));
    const double r = y.r, tail = vmath_tail(y), power = vmath_number((2046 + 1023 - y.k_plus_2046) << 52); /* 2^−k */
    const double one_plus = 1 + power, f = one_plus - 1, one_minus = 1 - f, f_rest = power - f;
    const double d = one_plus + r + tail, d_leading = vmath_leading(d), d_rest = one_plus - d_leading + r + tail;
    const double over_d = 1 / d, q = vmath_leading((one_minus + r + tail) * over_d);
    const double remainder = one_minus - q * d_leading + r + tail - q * d_rest - 2 * f_rest;
    return copysign(q + remainder * over_d, x);
}

#endif
