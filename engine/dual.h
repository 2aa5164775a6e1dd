/* dual.h - dual numbers: forward mode, a number that carries its own derivative.
 *
 * A Dual is a value and a tangent, dx/dt for whatever t the program was started with. Each op computes both from both:
 * its value by the op table, and its tangent by the chain rule, Σ ∂y/∂operand · tangent of the operand. There is no
 * graph, no memory, and nothing to walk back: when the value is there, so is the derivative.
 *
 *     Dual x = dual_variable(3);               // dx/dx = 1
 *     Dual y = d_mul(x, d_add(x, 1));          // y = x(x + 1);  plain numbers mix in
 *     printf("%g %g\n", y.value, y.tangent);   // 12 and dy/dx = 2x + 1 = 7
 *
 * One evaluation gives the derivatives of everything computed with respect to ONE variable: n variables take n of them,
 * where the reverse walk takes one per output. The local derivatives are those of ops.h, which reverse mode uses too.
 */
#ifndef STEPGRAD_DUAL_H
#define STEPGRAD_DUAL_H

#include <stddef.h>

#include "error.h"
#include "ops.h"

typedef struct Dual {
    double value;
    double tangent; /* d value/dt */
} Dual;

/* The variable that we differentiate with respect to: tangent 1. And what does not depend on it: tangent 0. */
static inline Dual dual_variable(double value) { return (Dual){value, 1}; }
static inline Dual dual_constant(double value) { return (Dual){value, 0}; }

/* Any op by its code, which must take operands of this shape. */
Dual dual_unary(OpCode op, Dual a);
Dual dual_binary(OpCode op, Dual a, Dual b);
Dual dual_list(OpCode op, const Dual *a, size_t n, Where where);
Dual dual_pairs(OpCode op, const Dual *a, const Dual *b, size_t n, Where where);

/* ---- builders: one per op, as in value.h ------------------------------------------------------------------------- */

/* d_exp(a), d_tanh(a) ..., one per op of one operand: the op table defines them. */
#define DUAL_BUILDER_UNARY(CODE, name)                                                                                 \
    static inline Dual d_##name(Dual a) { return dual_unary(OP_##CODE, a); }
#define DUAL_BUILDER_BINARY(CODE, name)
#define DUAL_BUILDER_LIST(CODE, name)
#define DUAL_BUILDER_PAIRS(CODE, name)
#define DUAL_BUILDER(CODE, name, shape, ...) DUAL_BUILDER_##shape(CODE, name)
OP_TABLE(DUAL_BUILDER)

/* Of two operands, each may be a Dual or a plain number. */
#define d_add(a, b) dual_binary(OP_ADD, DUAL(a), DUAL(b)) /* a + b */
#define d_sub(a, b) dual_binary(OP_SUB, DUAL(a), DUAL(b)) /* a − b */
#define d_mul(a, b) dual_binary(OP_MUL, DUAL(a), DUAL(b)) /* a·b */
#define d_div(a, b) dual_binary(OP_DIV, DUAL(a), DUAL(b)) /* a/b */
#define d_pow(a, b) dual_binary(OP_POW, DUAL(a), DUAL(b)) /* aᵇ */
#define d_max(a, b) dual_binary(OP_MAX, DUAL(a), DUAL(b)) /* the larger */
#define d_min(a, b) dual_binary(OP_MIN, DUAL(a), DUAL(b)) /* the smaller */

/* Of n ≥ 1 Duals, side by side. It is a usage error to pass NULL or n = 0. */
#define d_sum(...) dual_list(OP_SUM, __VA_ARGS__, HERE)             /* d_sum(a, n) = Σ aᵢ */
#define d_logsumexp(...) dual_list(OP_LOGSUMEXP, __VA_ARGS__, HERE) /* d_logsumexp(a, n) = log Σ e^aᵢ */
#define d_dot(...) dual_pairs(OP_DOT, __VA_ARGS__, HERE)            /* d_dot(a, b, n) = Σ aᵢ·bᵢ */
#define d_dot_bias(a, b, n, bias) d_add(d_dot(a, b, n), bias)       /* Σ aᵢ·bᵢ + bias */

/* ---- behind the macros ------------------------------------------------------------------------------------------- */

/* An operand as a Dual: a plain number is a constant. */
#define DUAL(x) _Generic((x), Dual : dual_itself, default : dual_constant)(x)
static inline Dual dual_itself(Dual x) { return x; }

/* One product of the chain rule in forward mode: ∂y/∂operand · tangent of the operand. Where either is 0 the path
 * contributes nothing, even when the other is infinite or NaN: the same rule as in the reverse walk. */
static inline double tangent_product(double local, double tangent)
{
    return local == 0 || tangent == 0 ? 0 : local * tangent;
}

#endif
