/* lab3.c - the ops, backward. Each function is given the operands, the result y, and g = ∂L/∂y, what y received from
 * the walk (the upstream gradient). It answers with what the operands receive: g times the local derivative. */
#include "lab.h"

/* Task 3.1 (1 point)  y = a − b.
 *
 * Write g·∂y/∂a to grad[0] and g·∂y/∂b to grad[1].
 *
 * Hint: nudge a up by 0.01: how far does y move, and which way? Then b.
 * Hint: y moves just as far as a, and just as far as b, the other way.
 * Hint: the local derivatives are 1 and −1; multiply each by g.
 * Chapter: 04_computation_graph.c */
void sub_backward(double a, double b, double y, double g, double grad[2])
{
    grad[0] = g;
    grad[1] = -g;
}

/* Task 3.2 (1 point)  y = a·b.
 *
 * Write g·∂y/∂a to grad[0] and g·∂y/∂b to grad[1].
 *
 * Hint: with a = 3 and b = 5, y = 15. Nudge a to 3.01: y is 15.05.
 * Hint: y moved 5 times as far as a did. And 5 is b.
 * Hint: each factor's local derivative is the other factor; multiply by g.
 * Chapter: 05_reverse_mode.c */
void mul_backward(double a, double b, double y, double g, double grad[2])
{
    grad[0] = g * b;
    grad[1] = g * a;
}

/* Task 3.3 (1 point)  y = a/b.
 *
 * Write g·∂y/∂a to grad[0] and g·∂y/∂b to grad[1]. b is not 0.
 *
 * Hint: a/b is a times 1/b, and 1/b does not depend on a.
 * Hint: the derivative of 1/b by b is −1/b².
 * Hint: so ∂y/∂b = −a/b², which is also −y/b.
 * Chapter: 10_gradient_check.c */
void div_backward(double a, double b, double y, double g, double grad[2])
{
    grad[0] = g / b;
    grad[1] = -g * y / b;
}

/* Task 3.4 (1 point)  y = aᵇ, and a > 0.
 *
 * Write g·∂y/∂a to grad[0] and g·∂y/∂b to grad[1].
 *
 * Hint: by a it is a power: the exponent comes down in front, and is one less.
 * Hint: by b it is an exponential: aᵇ = exp(b·log a).
 * Hint: ∂y/∂a = b·a^(b−1), and ∂y/∂b = y·log a.
 * Chapter: 11_first_nan.c */
void pow_backward(double a, double b, double y, double g, double grad[2])
{
    grad[0] = g * b * pow(a, b - 1);
    grad[1] = g * y * log(a);
}

/* Task 3.5 (1 point)  y = max(a, b).
 *
 * Write g·∂y/∂a to grad[0] and g·∂y/∂b to grad[1]. Where a = b, each receives one half of g.
 *
 * Hint: y is the larger one. Nudge the smaller one: does y move?
 * Hint: the larger operand receives all of g, the other one 0.
 * Hint: three cases: a > b, a < b, and a = b.
 * Chapter: 10_gradient_check.c */
void max_backward(double a, double b, double y, double g, double grad[2])
{
    const double share = a > b ? 1 : a < b ? 0 : 0.5;
    grad[0] = g * share;
    grad[1] = g * (1 - share);
}

/* Task 3.6 (1 point)  y = tanh a.
 *
 * Return g·∂y/∂a.
 *
 * Hint: tanh' = 1 − tanh².
 * Hint: tanh a is already there: it is y.
 * Hint: g times (1 − y²).
 * Chapter: 10_gradient_check.c */
double tanh_backward(double a, double y, double g) { return g * (1 - y * y); }

/* Task 3.7 (1 point)  y = max(a, 0), called relu.
 *
 * Return g·∂y/∂a; 0 where a = 0.
 *
 * Hint: to the right of 0, y is a; to the left it does not move.
 * Hint: the slope is 1 or 0, and not a.
 * Hint: g where a > 0, else 0.
 * Chapter: 10_gradient_check.c */
double relu_backward(double a, double y, double g) { return a > 0 ? g : 0; }
