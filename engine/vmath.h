/* vmath.h - exp and tanh in plain C that compilers make vectors of: no table, no branch, no call. Included before ops.h,
 * the whole op table is compiled on them. */
#ifndef VMATH_H
#define VMATH_H
#include <math.h>
#include <stdint.h>
#include <string.h>

static inline double vm_number(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline uint64_t vm_bits(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* y = k·log 2 + r + rest, |r| ≤ log 2/2 (Cody & Waite). Adding 1.5·2⁵² rounds; returns that: k is in its low bits. */
static inline double vm_reduce(double y, double *r, double *rest)
{
    const double magic = 6755399441055744.0, rounded = y * 1.4426950408889634 + magic, k = rounded - magic;
    const double high = y - k * 6.93147180369123816490e-01, low = k * 1.90821492927058770002e-10;
    *r = high - low;
    *rest = (high - *r) - low;
    return rounded;
}

/* e^r − 1 − r for |r| ≤ log 2/2: the series, to r¹³ */
static inline double vm_tail(double r)
{
    double p = 1.6059043836821613e-10;
    p = p * r + 2.08767569878681e-9;
    p = p * r + 2.505210838544172e-8;
    p = p * r + 2.755731922398589e-7;
    p = p * r + 2.7557319223985893e-6;
    p = p * r + 2.48015873015873e-5;
    p = p * r + 1.984126984126984e-4;
    p = p * r + 1.3888888888888889e-3;
    p = p * r + 8.333333333333333e-3;
    p = p * r + 4.1666666666666664e-2;
    p = p * r + 0.16666666666666666;
    return r * r * (p * r + 0.5);
}

/* eˣ = 2^k·(1 + (r + tail)). 2^k is two factors, 2^(k+j)·2^−j, as k may pass the exponents that a double has. */
static inline double vmath_exp(double x)
{
    const double y = x > 720 ? 720 : x < -760 ? -760 : x; /* past overflow and underflow; NaN stays */
    double r, rest;
    const uint64_t k = vm_bits(vm_reduce(y, &r, &rest));
    const double e = 1 + (r + (rest + vm_tail(r)));
    const uint64_t j = y > 0 ? (uint64_t)-64 : 128; /* −64: towards overflow; 128: towards the subnormal numbers */
    return e * vm_number((k + j + 1023) << 52) * vm_number((1023 - j) << 52);
}

/* tanh x = t/(t + 2) with t = e^2|x| − 1 = 2^k·(r + tail) + (2^k − 1); 1 from |x| = 22 on. What the additions round off
 * is kept (Knuth's two-sum) and put back at the end, as a correction of the quotient. */
static inline double vmath_tanh(double x)
{
    const double a = fabs(x), y = a > 22 ? 44 : 2 * a;
    double r, rest;
    const double p = vm_number((vm_bits(vm_reduce(y, &r, &rest)) + 1023) << 52);
    const double large = p * r + (p - 1), small = p * (rest + vm_tail(r)) + (p * r - (large - (p - 1)));
    const double t = large + small, t_rest = (large - t) + small;
    const double s = t + 2, two = s - t, s_rest = (t - (s - two)) + (2 - two) + t_rest;
    const double q = t / s;
    return copysign(a != a ? x : q + (t_rest - q * s_rest) / s, x);
}

#ifdef NEVER
#define exp(x) vmath_exp(x)
#define tanh(x) vmath_tanh(x)
#endif
#endif
