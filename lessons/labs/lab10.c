/* lab10.c - two ops of your own, for the engine itself. Its table of ops (engine/ops.h) asks for each op's value y and
 * for its local derivatives, as functions of the operands and of y. An op of one operand has no use for b. When all
 * five are written, `make engine` puts them into the engine, checks them there and draws a graph of them. */
#include "lab.h"

/* Task 10.1 (1 point)  y = a/(1 + |a|), called softsign.
 *
 * Return y.
 *
 * Hint: it looks like tanh, and comes near -1 and 1 more slowly.
 * Hint: the absolute value of a double is fabs(a); abs is for whole numbers.
 * Hint: the sum below the line needs brackets, since / comes before +.
 * Chapter: 10_gradient_check.c */
double softsign_forward(double a, double b) { return a / (1 + fabs(a)); }

/* Task 10.2 (2 points)  ∂y/∂a of softsign.
 *
 * Return ∂y/∂a at a, where softsign is y. It has a derivative at 0, too.
 *
 * Hint: take a > 0 first, where y = a/(1 + a): the quotient rule.
 * Hint: then a < 0, where |a| is -a, and its slope is -1.
 * Hint: both ways it is 1/(1 + |a|)², and at 0 that is 1.
 * Chapter: 10_gradient_check.c */
double softsign_da(double a, double b, double y)
{
    const double below = 1 + fabs(a);
    return 1 / (below * below);
}

/* Task 10.3 (1 point)  y = √(a² + b²), the length of the vector (a, b).
 *
 * Return y. Operands near 1e200 occur, and 0 for both.
 *
 * Hint: what is a² for a = 1e200? The largest double is near 1.8e308.
 * Hint: the larger of |a| and |b| can be taken out of the root, if it is not 0.
 * Hint: the C library has done that for you: look up hypot.
 * Chapter: 11_first_nan.c */
double norm_forward(double a, double b) { return hypot(a, b); }

/* Task 10.4 (1 point)  ∂y/∂a of the length.
 *
 * Return ∂y/∂a; 0 where a and b are both 0: there is no derivative there, and 0 is the convention.
 *
 * Hint: y is √s with s = a² + b². The chain rule: ∂y/∂s times ∂s/∂a.
 * Hint: the slope of √s is 1/(2√s), and √s is there already: it is y.
 * Hint: the 2 of the square and the 2 of the root cancel: a/y is left, where y is not 0.
 * Chapter: 10_gradient_check.c */
double norm_da(double a, double b, double y) { return y == 0 ? 0 : a / y; }

/* Task 10.5 (1 point)  ∂y/∂b of the length.
 *
 * Return ∂y/∂b; 0 where a and b are both 0.
 *
 * Hint: exchange a and b: y stays what it is.
 * Hint: so it is task 10.4, with a and b exchanged.
 * Hint: call norm_da, with its first two numbers exchanged.
 * Chapter: 10_gradient_check.c */
double norm_db(double a, double b, double y) { return norm_da(b, a, y); }
