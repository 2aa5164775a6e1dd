/* own_ops.h - the two ops of lab 10 for the engine, which includes this file (engine/ops.h says how). The functions are
 * those of lab10.c.
 *
 * A row:  X(CODE, name, operands, SMOOTH or KINK, text of y, ∂y/∂a, ∂y/∂b, what they mean). The derivatives are C, of
 * a, b and y: what stands here is written on the edges of the picture. So once lab10.c is right, replace the calls by
 * formulas, as in  1 - y * y  for tanh. `make engine` says whether they fit. */
#ifndef OWN_OPS_H
#define OWN_OPS_H

double softsign_forward(double a, double b);
double softsign_da(double a, double b, double y);
double norm_forward(double a, double b);
double norm_da(double a, double b, double y);
double norm_db(double a, double b, double y);

// clang-format off
#define STEPGRAD_OWN_OPS(X)                                                                                            \
    X(SOFTSIGN, softsign, UNARY, SMOOTH, "softsign(a)", softsign_da(a, 0, y), 0,                                       \
      "Steepest at 0, where the derivative is 1. Far from 0 the curve is flat and little gradient gets through.")      \
    X(NORM, norm, BINARY, SMOOTH, "norm(a, b)", norm_da(a, b, y), norm_db(a, b, y),                                    \
      "The operand that is the larger part of the length gets the larger part of the gradient.")
// clang-format on

/* Builders, as the engine's own in value.h. Those for forward mode: d_softsign comes from the table. */
#define v_softsign(a) value_unary(OP_SOFTSIGN, a, HERE)
#define v_norm(a, b) V_BINARY(OP_NORM, a, b)
#define d_norm(a, b) dual_binary(OP_NORM, DUAL(a), DUAL(b))

#endif
