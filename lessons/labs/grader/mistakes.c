/* mistakes.c - known mistakes: each is a wrong function in the reference's place, and the words for what is wrong. A
 * student's wrong numbers are held against theirs, so that a message can name the reason.
 *
 * A sentence says what is wrong and leaves the last step to the reader. Students get it in their folder, with the
 * numbers. tests/test_labs_wrong.c shows that no mistake passes, and that no two of a task give the same numbers.
 */
#include <math.h>
#include <string.h>

#include "compute.h"

#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wunused-variable" /* a mistake may leave out what the others need */
#pragma GCC diagnostic ignored "-Wunused-but-set-variable"
#endif

typedef void AnyFunction(void);

/* `wrong` is called in place of the function at `offset` in Functions. */
typedef struct Wrong {
    const char *function;
    size_t offset;
    AnyFunction *wrong;
    const char *why;
} Wrong;

/* The layout is by hand: products among a macro's arguments would be taken for pointers. */
// clang-format off
#define MISTAKE(function, name, why) {#function, offsetof(Functions, function), (AnyFunction *)function##_##name, why}

/* ---- lab 1 ------------------------------------------------------------------------------------------------------- */

#define CENTRAL(name, slope)                                                                                           \
    static double central_##name(double (*f)(double), double at, double h) { return slope; }
CENTRAL(up_only, (f(at + h) - f(at)) / h)
CENTRAL(down_only, (f(at) - f(at - h)) / h)
CENTRAL(by_h, (f(at + h) - f(at - h)) / h)
CENTRAL(half_a_rise, (f(at + h) - f(at)) / (2 * h))
CENTRAL(turned, (f(at - h) - f(at + h)) / (2 * h))
CENTRAL(no_run, f(at + h) - f(at - h))
CENTRAL(times_h, (f(at + h) - f(at - h)) / 2 * h)
CENTRAL(no_brackets, f(at + h) - f(at - h) / (2 * h))
CENTRAL(sum, (f(at + h) + f(at - h)) / (2 * h))

#define LOSS_GRADIENT(name, by_W, by_x, by_b)                                                                          \
    static void loss_gradient_##name(double W, double x, double b, double grad[3])                                     \
    {                                                                                                                  \
        const double s = W * x + b;                                                                                    \
        grad[0] = by_W, grad[1] = by_x, grad[2] = by_b;                                                                \
    }
LOSS_GRADIENT(outer_is_2, 2 * x, 2 * W, 2)
LOSS_GRADIENT(outer_is_s, s * x, s * W, s)
LOSS_GRADIENT(outer_is_L, 2 * s * s * x, 2 * s * s * W, 2 * s * s)
LOSS_GRADIENT(no_outer, x, W, 1)
LOSS_GRADIENT(no_inner, 2 * s, 2 * s, 2 * s)
LOSS_GRADIENT(swapped, 2 * s * W, 2 * s * x, 2 * s)
LOSS_GRADIENT(b_by_itself, 2 * s * x, 2 * s * W, 2 * s * b)
LOSS_GRADIENT(b_constant, 2 * s * x, 2 * s * W, 0)

/* C[to] begins at `begin`, and takes each term by `takes`. */
#define JACOBIAN_PRODUCT(name, to, begin, takes, terms, term)                                                          \
    static void jacobian_product_##name(int m, int k, int n, const double *A, const double *B, double *C)              \
    {                                                                                                                  \
        for (int i = 0; i < m; i++)                                                                                    \
            for (int j = 0; j < n; j++) {                                                                              \
                C[to] = begin;                                                                                         \
                for (int l = 0; l < terms; l++)                                                                        \
                    C[to] takes term;                                                                                  \
            }                                                                                                          \
    }
JACOBIAN_PRODUCT(overwritten, i * n + j, 0, =, k, A[i * k + l] * B[l * n + j])
JACOBIAN_PRODUCT(not_zeroed, i * n + j, C[i * n + j], +=, k, A[i * k + l] * B[l * n + j])
JACOBIAN_PRODUCT(B_transposed, i * n + j, 0, +=, k, A[i * k + l] * B[j * k + l])
JACOBIAN_PRODUCT(A_by_n, i * n + j, 0, +=, k, A[i * n + l] * B[l * n + j])
JACOBIAN_PRODUCT(B_by_k, i * n + j, 0, +=, k, A[i * k + l] * B[l * k + j])
JACOBIAN_PRODUCT(C_by_k, i * k + j, 0, +=, k, A[i * k + l] * B[l * n + j])
JACOBIAN_PRODUCT(n_terms, i * n + j, 0, +=, n, A[i * k + l] * B[l * n + j])

static const Wrong wrongs_1[] = {
    MISTAKE(central, up_only, "a nudge up only: nudge to both sides, which is far more exact"),
    MISTAKE(central, down_only, "a nudge down only: nudge to both sides, which is far more exact"),
    MISTAKE(central, by_h, "divided by h: how far apart are the two points?"),
    MISTAKE(central, half_a_rise, "the rise from at to at + h is only one half: the other point is at − h"),
    MISTAKE(central, turned, "the sign is reversed: f at the upper point comes first"),
    MISTAKE(central, no_run, "that is the rise: divide it by the run"),
    MISTAKE(central, times_h, "in C, / 2 * h divides by 2 and then multiplies by h: brackets are missing"),
    MISTAKE(central, no_brackets, "only the second f is divided: the whole rise needs brackets"),
    MISTAKE(central, sum, "a rise is a difference of the two values, not their sum"),
    MISTAKE(loss_gradient, outer_is_2, "the outer derivative is not 2: the slope of s² depends on s"),
    MISTAKE(loss_gradient, outer_is_s, "one half of it: what is the derivative of s² by s?"),
    MISTAKE(loss_gradient, outer_is_L, "the outer derivative has s, not s²: the exponent is one less"),
    MISTAKE(loss_gradient, no_outer, "these are the derivatives of s = W·x + b: the square is missing"),
    MISTAKE(loss_gradient, no_inner, "that is ∂L/∂s three times: multiply by how far s moves with W and with x"),
    MISTAKE(loss_gradient, swapped, "the inner derivatives are swapped: when W moves by 1, s moves by x"),
    MISTAKE(loss_gradient, b_by_itself, "s moves by 1 when b moves by 1: ∂s/∂b is not b"),
    MISTAKE(loss_gradient, b_constant, "b is not a constant here: L moves when b does"),
    MISTAKE(jacobian_product, overwritten, "each product overwrites the one before it: = where += is needed"),
    MISTAKE(jacobian_product, not_zeroed, "the sums begin at what stood in C: let each begin at 0"),
    MISTAKE(jacobian_product, B_transposed, "B is read as if rows were columns: B[l][j] is B[l·n + j]"),
    MISTAKE(jacobian_product, A_by_n, "a row of A has k numbers, not n"),
    MISTAKE(jacobian_product, B_by_k, "a row of B has n numbers, not k"),
    MISTAKE(jacobian_product, C_by_k, "a row of C has n numbers, not k"),
    MISTAKE(jacobian_product, n_terms, "each sum has k terms, one per column of A, not n"),
};

/* ---- lab 2 ------------------------------------------------------------------------------------------------------- */

#define DUAL_MUL(name, tangent_of_it)                                                                                  \
    static Dual dual_mul_##name(Dual p, Dual q) { return (Dual){p.value * q.value, tangent_of_it}; }
DUAL_MUL(tangents, p.tangent * q.tangent)
DUAL_MUL(by_themselves, p.value * p.tangent + q.value * q.tangent)
DUAL_MUL(no_tangents, p.value + q.value)
DUAL_MUL(minus, p.tangent * q.value - p.value * q.tangent)
DUAL_MUL(q_constant, p.tangent * q.value)
DUAL_MUL(p_constant, p.value * q.tangent)
DUAL_MUL(of_a_sum, p.tangent + q.tangent)
DUAL_MUL(both_moved, p.tangent * q.value + p.value * q.tangent + p.tangent * q.tangent)
static Dual dual_mul_exchanged(Dual p, Dual q)
{
    return (Dual){p.tangent * q.value + p.value * q.tangent, p.value * q.value};
}

#define DUAL_DIV(name, tangent_of_it)                                                                                  \
    static Dual dual_div_##name(Dual p, Dual q) { return (Dual){p.value / q.value, tangent_of_it}; }
DUAL_DIV(plus, (p.tangent * q.value + p.value * q.tangent) / (q.value * q.value))
DUAL_DIV(tangents, p.tangent / q.tangent)
DUAL_DIV(by_q, (p.tangent * q.value - p.value * q.tangent) / q.value)
DUAL_DIV(undivided, p.tangent * q.value - p.value * q.tangent)
DUAL_DIV(turned, (p.value * q.tangent - p.tangent * q.value) / (q.value * q.value))
DUAL_DIV(q_constant, p.tangent / q.value)
DUAL_DIV(p_constant, -p.value * q.tangent / (q.value * q.value))
DUAL_DIV(no_brackets, p.tangent - p.value / q.value * q.tangent / q.value)
DUAL_DIV(by_p_squared, (p.tangent * q.value - p.value * q.tangent) / (p.value * p.value))
DUAL_DIV(by_themselves, (p.tangent * p.value - q.value * q.tangent) / (q.value * q.value))

#define DUAL_TANH(name, tangent_of_it)                                                                                 \
    static Dual dual_tanh_##name(Dual p)                                                                               \
    {                                                                                                                  \
        const double y = tanh(p.value);                                                                                \
        return (Dual){y, tangent_of_it};                                                                               \
    }
DUAL_TANH(no_tangent, 1 - y * y)
DUAL_TANH(of_operand, (1 - p.value * p.value) * p.tangent)
DUAL_TANH(of_tangent, tanh(p.tangent))
DUAL_TANH(plus, (1 + y * y) * p.tangent)
DUAL_TANH(not_squared, (1 - y) * p.tangent)
DUAL_TANH(twice, (1 - tanh(y) * tanh(y)) * p.tangent)
DUAL_TANH(by_y, y * p.tangent)
DUAL_TANH(sigmoid, y * (1 - y) * p.tangent)
DUAL_TANH(by_value, (1 - y * y) * p.value)
DUAL_TANH(straight, p.tangent)

static const Wrong wrongs_2[] = {
    MISTAKE(dual_mul, tangents, "the tangents are multiplied; the product rule adds two products"),
    MISTAKE(dual_mul, by_themselves,
            "each tangent stands beside its own value: the product rule takes the other one's"),
    MISTAKE(dual_mul, no_tangents, "the tangents are missing: how fast do p and q move themselves?"),
    MISTAKE(dual_mul, minus, "the product rule adds its two products"),
    MISTAKE(dual_mul, q_constant, "q moves too: its tangent is missing"),
    MISTAKE(dual_mul, p_constant, "p moves too: its tangent is missing"),
    MISTAKE(dual_mul, of_a_sum, "that is the tangent of p + q: in a product the values count too"),
    MISTAKE(dual_mul, both_moved, "p'·q' is too much: a tangent is a slope, and holds no product of two tangents"),
    MISTAKE(dual_mul, exchanged, "value and tangent are exchanged: the value comes first in a Dual"),
    MISTAKE(dual_div, plus, "the sign: the quotient rule subtracts"),
    MISTAKE(dual_div, tangents, "the tangents are divided: that is not the quotient rule"),
    MISTAKE(dual_div, by_q, "divided by q once: the quotient rule divides by q²"),
    MISTAKE(dual_div, undivided, "the numerator alone: it is divided by q², and in C / q * q divides and multiplies again"),
    MISTAKE(dual_div, turned, "the sign is reversed: the term with the tangent of p comes first"),
    MISTAKE(dual_div, q_constant, "q moves too: its tangent is missing"),
    MISTAKE(dual_div, p_constant, "p moves too: its tangent is missing"),
    MISTAKE(dual_div, no_brackets, "only the second term is divided by q: the whole difference needs brackets"),
    MISTAKE(dual_div, by_p_squared, "divided by the square of p: it is that of the denominator"),
    MISTAKE(dual_div, by_themselves,
            "each tangent stands beside its own value: the quotient rule takes the other one's"),
    MISTAKE(dual_tanh, no_tangent, "that is tanh' alone: p itself moves at the rate p.tangent"),
    MISTAKE(dual_tanh, of_operand, "what is squared is tanh p, not p"),
    MISTAKE(dual_tanh, of_tangent,
            "the tangent is no operand of tanh: it is multiplied by the slope of tanh at p.value"),
    MISTAKE(dual_tanh, plus, "the sign: the slope of tanh is never above 1"),
    MISTAKE(dual_tanh, not_squared, "a square is missing: tanh' is 1 minus what?"),
    MISTAKE(dual_tanh, twice, "tanh is taken twice: the slope needs the square of tanh p, which is there already"),
    MISTAKE(dual_tanh, by_y, "that is the value times p.tangent: the slope of tanh is asked for"),
    MISTAKE(dual_tanh, sigmoid, "y·(1 − y) is the slope of sigmoid, not of tanh"),
    MISTAKE(dual_tanh, by_value, "the slope is multiplied by p.value: it must be p.tangent"),
    MISTAKE(dual_tanh, straight, "p.tangent goes through unchanged: tanh is less steep than that"),
};

/* ---- lab 3 ------------------------------------------------------------------------------------------------------- */

#define BINARY(function, name, to_a, to_b)                                                                             \
    static void function##_##name(double a, double b, double y, double g, double grad[2])                              \
    {                                                                                                                  \
        grad[0] = to_a, grad[1] = to_b;                                                                                \
    }
#define UNARY(function, name, to_a)                                                                                    \
    static double function##_##name(double a, double y, double g) { return to_a; }

BINARY(sub_backward, no_g, 1, -1)
BINARY(sub_backward, of_add, g, g)
BINARY(sub_backward, turned, -g, g)
BINARY(sub_backward, both_minus, -g, -g)
BINARY(sub_backward, by_itself, g * a, -g * b)
BINARY(sub_backward, by_the_other, g * b, g * a)
BINARY(sub_backward, b_constant, g, 0)

BINARY(mul_backward, no_g, b, a)
BINARY(mul_backward, by_itself, g * a, g * b)
BINARY(mul_backward, of_add, g, g)
BINARY(mul_backward, by_y, g * y, g * y)
BINARY(mul_backward, plus_g, b + g, a + g)
BINARY(mul_backward, b_constant, g * b, 0)

BINARY(div_backward, no_g, 1 / b, -a / (b * b))
BINARY(div_backward, plus, g / b, g * a / (b * b))
BINARY(div_backward, by_b, g / b, -g * a / b)
BINARY(div_backward, no_a, g / b, -g / (b * b))
BINARY(div_backward, no_brackets, g / b, -g * a)
BINARY(div_backward, of_mul, g * b, g * a)
BINARY(div_backward, swapped, -g * a / (b * b), g / b)
BINARY(div_backward, by_a, g / b, g / a)
BINARY(div_backward, upside_down, g / b, -g * b / (a * a))
BINARY(div_backward, b_constant, g / b, 0)

BINARY(pow_backward, no_g, b * pow(a, b - 1), y * log(a))
BINARY(pow_backward, exponent_b, g * b * pow(a, b), g * y * log(a))
BINARY(pow_backward, no_factor_b, g * pow(a, b - 1), g * y * log(a))
BINARY(pow_backward, b_constant, g * b * pow(a, b - 1), 0)
BINARY(pow_backward, log_b, g * b * pow(a, b - 1), g * y * log(b))
BINARY(pow_backward, no_y, g * b * pow(a, b - 1), g * log(a))
BINARY(pow_backward, no_log, g * b * pow(a, b - 1), g * y)
BINARY(pow_backward, log_10, g * b * pow(a, b - 1), g * y * log10(a))
BINARY(pow_backward, by_log, g * b * pow(a, b - 1), g * y / log(a))
BINARY(pow_backward, slope_of_log, g * b * pow(a, b - 1), g * y / a)
BINARY(pow_backward, power_rule_twice, g * b * pow(a, b - 1), g * a * pow(b, a - 1))
BINARY(pow_backward, swapped, g * y * log(a), g * b * pow(a, b - 1))

BINARY(max_backward, no_g, a > b ? 1 : a < b ? 0 : 0.5, a > b ? 0 : a < b ? 1 : 0.5)
BINARY(max_backward, tie_to_a, a >= b ? g : 0, a >= b ? 0 : g)
BINARY(max_backward, tie_to_b, a > b ? g : 0, a > b ? 0 : g)
BINARY(max_backward, tie_to_none, a > b ? g : 0, a < b ? g : 0)
BINARY(max_backward, tie_to_both, a >= b ? g : 0, a <= b ? g : 0)
BINARY(max_backward, smaller, a < b ? g : a > b ? 0 : g / 2, a < b ? 0 : a > b ? g : g / 2)
BINARY(max_backward, times_value, a > b ? g * a : a < b ? 0 : g * a / 2, a > b ? 0 : a < b ? g * b : g * b / 2)
BINARY(max_backward, by_itself, g * a, g * b)
BINARY(max_backward, both, g, g)
BINARY(max_backward, always_half, g / 2, g / 2)
BINARY(max_backward, minus_to_smaller, a > b ? g : a < b ? -g : g / 2, a > b ? -g : a < b ? g : g / 2)

UNARY(tanh_backward, no_g, 1 - y * y)
UNARY(tanh_backward, of_operand, g * (1 - a * a))
UNARY(tanh_backward, not_squared, g * (1 - y))
UNARY(tanh_backward, plus, g * (1 + y * y))
UNARY(tanh_backward, turned, g * (y * y - 1))
UNARY(tanh_backward, sigmoid, g * y * (1 - y))
UNARY(tanh_backward, twice, g * (1 - tanh(y) * tanh(y)))
UNARY(tanh_backward, by_y, g * y)
UNARY(tanh_backward, no_brackets, g * 1 - y * y)
UNARY(tanh_backward, straight, g)
UNARY(tanh_backward, inverse, g / (1 - y * y))

UNARY(relu_backward, no_g, a > 0 ? 1 : 0)
UNARY(relu_backward, at_0_too, a >= 0 ? g : 0)
UNARY(relu_backward, half_at_0, a > 0 ? g : a < 0 ? 0 : g / 2)
UNARY(relu_backward, times_a, a > 0 ? g * a : 0)
UNARY(relu_backward, everywhere, g)
UNARY(relu_backward, turned, a < 0 ? g : 0)
UNARY(relu_backward, minus, a > 0 ? g : a < 0 ? -g : 0)
UNARY(relu_backward, forward, y)
UNARY(relu_backward, leaky, a > 0 ? g : 0.01 * g)
UNARY(relu_backward, asks_g, g > 0 ? g : 0)

static const char no_g[] = "g is missing: what y received from above is passed on, times the local derivative";

static const Wrong wrongs_3[] = {
    MISTAKE(sub_backward, no_g, no_g),
    MISTAKE(sub_backward, of_add, "b has the wrong sign: y falls when b grows"),
    MISTAKE(sub_backward, turned, "both signs are turned: y grows with a and falls when b grows"),
    MISTAKE(sub_backward, both_minus, "a has the wrong sign: y grows when a grows"),
    MISTAKE(sub_backward, by_itself, "times a and b: but y moves just as far as a does, however large a is"),
    MISTAKE(sub_backward, by_the_other, "that is for a product: in a difference no operand scales the other one"),
    MISTAKE(sub_backward, b_constant, "b receives nothing, and yet y moves when b does"),
    MISTAKE(mul_backward, no_g, no_g),
    MISTAKE(mul_backward, by_itself, "each factor is multiplied by itself: it waits for the other one"),
    MISTAKE(mul_backward, of_add, "that is for a sum: in a product, how far y moves depends on the other factor"),
    MISTAKE(mul_backward, by_y, "times y is one factor too many: y holds the operand itself as well"),
    MISTAKE(mul_backward, plus_g, "g is added: the chain rule multiplies"),
    MISTAKE(mul_backward, b_constant, "b receives nothing, and yet y moves when b does"),
    MISTAKE(div_backward, no_g, no_g),
    MISTAKE(div_backward, plus, "the sign for b: a quotient of positive numbers falls when b grows"),
    MISTAKE(div_backward, by_b, "for b one division is missing: the derivative of 1/b has b²"),
    MISTAKE(div_backward, no_a, "for b that is the derivative of 1/b: the factor a is missing"),
    MISTAKE(div_backward, no_brackets,
            "for b nothing is divided in the end: in C, / b * b divides and multiplies again"),
    MISTAKE(div_backward, of_mul, "that is for a product: b stands below the line here"),
    MISTAKE(div_backward, swapped, "what belongs to a went to b, and the other way round"),
    MISTAKE(div_backward, by_a, "b is not treated as what it is, the denominator: take the derivative of 1/b"),
    MISTAKE(div_backward, upside_down, "for b it is upside down: which one stands squared below the line?"),
    MISTAKE(div_backward, b_constant, "b receives nothing, and yet y moves when b does"),
    MISTAKE(pow_backward, no_g, no_g),
    MISTAKE(pow_backward, exponent_b, "for a the exponent is too large by one: the power rule lowers it"),
    MISTAKE(pow_backward, no_factor_b, "for a a factor is missing: the power rule brings the exponent down in front"),
    MISTAKE(pow_backward, b_constant, "b is an operand too: y moves when b does"),
    MISTAKE(pow_backward, log_b, "for b it is the logarithm of the base, not of the exponent"),
    MISTAKE(pow_backward, no_y, "for b a factor is missing: an exponential's derivative is itself times a logarithm"),
    MISTAKE(pow_backward, no_log, "for b the logarithm is missing: only eᵇ is its own derivative"),
    MISTAKE(pow_backward, log_10, "log10 has another base: the natural logarithm is log"),
    MISTAKE(pow_backward, by_log, "for b the logarithm is a factor: multiply by it"),
    MISTAKE(pow_backward, slope_of_log, "for b the logarithm of a is needed, not its derivative"),
    MISTAKE(pow_backward, power_rule_twice, "the power rule holds for the base only: in b, y is an exponential"),
    MISTAKE(pow_backward, swapped, "what belongs to a went to b, and the other way round"),
    MISTAKE(max_backward, no_g, no_g),
    MISTAKE(max_backward, tie_to_a, "where a = b all went to a: each receives one half"),
    MISTAKE(max_backward, tie_to_b, "where a = b all went to b: each receives one half"),
    MISTAKE(max_backward, tie_to_none, "where a = b nobody received anything: each receives one half"),
    MISTAKE(max_backward, tie_to_both, "where a = b both received all of g: each receives one half"),
    MISTAKE(max_backward, smaller, "the smaller one received it: nudge the smaller one, and y does not move"),
    MISTAKE(max_backward, times_value,
            "multiplied by the larger value: but y moves just as far as the larger one does"),
    MISTAKE(max_backward, by_itself, "times a and b: the local derivatives of max are 1 and 0, not the values"),
    MISTAKE(max_backward, both, "both received g: nudge the smaller one, and y does not move"),
    MISTAKE(max_backward, always_half, "one half each is for a = b only: otherwise y follows the larger one alone"),
    MISTAKE(max_backward, minus_to_smaller, "the smaller one received −g: nudge it, and y does not move at all"),
    MISTAKE(tanh_backward, no_g, no_g),
    MISTAKE(tanh_backward, of_operand, "what is squared is tanh a, not a"),
    MISTAKE(tanh_backward, not_squared, "a square is missing: tanh' is 1 minus what?"),
    MISTAKE(tanh_backward, plus, "the sign: the slope of tanh is never above 1"),
    MISTAKE(tanh_backward, turned, "the sign is reversed: tanh grows, so its slope is positive"),
    MISTAKE(tanh_backward, sigmoid, "y·(1 − y) is the slope of sigmoid, not of tanh"),
    MISTAKE(tanh_backward, twice, "tanh is taken twice: y is tanh a already"),
    MISTAKE(tanh_backward, by_y, "that is g times y itself: the slope of tanh is asked for"),
    MISTAKE(tanh_backward, no_brackets, "g is multiplied by the 1 alone: the slope needs brackets"),
    MISTAKE(tanh_backward, straight, "g goes through unchanged: tanh is less steep than that"),
    MISTAKE(tanh_backward, inverse, "divided by the slope: that is ∂a/∂y, and g·∂y/∂a is asked for"),
    MISTAKE(relu_backward, no_g, no_g),
    MISTAKE(relu_backward, at_0_too, "where a = 0 it passes g on: the task asks for 0 there"),
    MISTAKE(relu_backward, half_at_0, "where a = 0 it passes half of g on: the task asks for 0 there"),
    MISTAKE(relu_backward, times_a, "times a: but the slope of relu is 1 to the right of 0, however large a is"),
    MISTAKE(relu_backward, everywhere, "g passes everywhere: to the left of 0, y does not move"),
    MISTAKE(relu_backward, turned, "the two sides are exchanged: y moves to the right of 0"),
    MISTAKE(relu_backward, minus, "to the left of 0 y does not move: the slope is 0 there, not −1"),
    MISTAKE(relu_backward, forward, "that is y itself: g times the slope is asked for"),
    MISTAKE(relu_backward, leaky, "a small slope to the left of 0 is leaky relu's: here it is 0"),
    MISTAKE(relu_backward, asks_g, "it asks for the sign of g: what counts is the sign of a"),
};

/* ---- lab 4 ------------------------------------------------------------------------------------------------------- */

#define PUSH(name, statement)                                                                                          \
    static void push_##name(Node *v)                                                                                   \
    {                                                                                                                  \
        for (int i = 0; i < v->parent_count; i++)                                                                      \
            statement;                                                                                                 \
    }
PUSH(overwritten, v->parent[i]->grad = v->local[i] * v->grad)
PUSH(no_grad, v->parent[i]->grad += v->local[i])
PUSH(no_local, v->parent[i]->grad += v->grad)
PUSH(minus, v->parent[i]->grad -= v->local[i] * v->grad)
PUSH(by_data, v->parent[i]->grad += v->local[i] * v->data)
PUSH(by_parent_data, v->parent[i]->grad += v->local[i] * v->parent[i]->data)
PUSH(by_parent_grad, v->parent[i]->grad += v->local[i] * v->parent[i]->grad)
PUSH(first_local, v->parent[i]->grad += v->local[0] * v->grad)
PUSH(other_local, v->parent[i]->grad += v->local[v->parent_count - 1 - i] * v->grad)
PUSH(upwards, v->grad += v->local[i] * v->parent[i]->grad)
PUSH(first_parent, if (i == 0) v->parent[i]->grad += v->local[i] * v->grad)
PUSH(twice_as_once, if (i == 0 || v->parent[0] != v->parent[1]) v->parent[i]->grad += v->local[i] * v->grad)

static void zero_interior(Node *nodes, Node *root)
{
    for (Node *v = nodes; v <= root; v++)
        if (v->parent_count > 0)
            v->grad = 0;
}

static void zero_leaves(Node *nodes, Node *root)
{
    for (Node *v = nodes; v <= root; v++)
        if (v->parent_count == 0)
            v->grad = 0;
}

static void walk_with(Node *nodes, Node *root, void (*push_by)(Node *))
{
    for (Node *v = root; v >= nodes; v--)
        push_by(v);
}

// NOLINTNEXTLINE(misc-no-recursion): that is the mistake
static void push_and_visit(Node *v)
{
    for (int i = 0; i < v->parent_count; i++) {
        v->parent[i]->grad += v->local[i] * v->grad;
        push_and_visit(v->parent[i]);
    }
}

static void push_and_forget(Node *v)
{
    push(v);
    if (v->parent_count > 0)
        v->grad = 0;
}

#define BACKWARD(name, statements)                                                                                     \
    static void backward_##name(Node *nodes, Node *root) { statements }
#define BACKWARD_WITH(push_by)                                                                                         \
    BACKWARD(push_by, zero_interior(nodes, root); root->grad = 1; walk_with(nodes, root, push_by);)
BACKWARD(not_zeroed, root->grad = 1; walk_with(nodes, root, push);)
BACKWARD(all_zeroed, zero_leaves(nodes, root); zero_interior(nodes, root); root->grad = 1;
         walk_with(nodes, root, push);)
BACKWARD(leaves_zeroed, zero_leaves(nodes, root); root->grad = 1; walk_with(nodes, root, push);)
BACKWARD(no_seed, zero_interior(nodes, root); walk_with(nodes, root, push);)
BACKWARD(seed_data, zero_interior(nodes, root); root->grad = root->data; walk_with(nodes, root, push);)
BACKWARD(old_seed, zero_interior(nodes, root - 1); walk_with(nodes, root, push);)
BACKWARD(forwards, zero_interior(nodes, root); root->grad = 1; for (Node *v = nodes; v <= root; v++) push(v);)
BACKWARD(recursive, zero_interior(nodes, root); root->grad = 1; push_and_visit(root);)
BACKWARD(without_root, zero_interior(nodes, root); root->grad = 1; walk_with(nodes, root - 1, push);)
BACKWARD_WITH(push_and_forget)
BACKWARD_WITH(push_overwritten)
BACKWARD_WITH(push_no_grad)
BACKWARD_WITH(push_no_local)
BACKWARD_WITH(push_minus)
BACKWARD_WITH(push_first_parent)

static const Wrong wrongs_4[] = {
    MISTAKE(push, overwritten, "= where += is needed: what the parent received from elsewhere is lost"),
    MISTAKE(push, no_grad, "v's gradient is missing: the chain rule multiplies it by the local derivative"),
    MISTAKE(push, no_local, "the local derivative of the edge is missing"),
    MISTAKE(push, minus, "−= where += is needed: gradients are added up here, and steps downhill come later"),
    MISTAKE(push, by_data, "multiplied by v's data: it must be v's gradient"),
    MISTAKE(push, by_parent_data, "multiplied by the parent's data: local[i] holds the local derivative ready made"),
    MISTAKE(push, by_parent_grad, "multiplied by the parent's gradient: it must be v's"),
    MISTAKE(push, first_local, "local[0] for both parents: each edge has a local derivative of its own"),
    MISTAKE(push, other_local, "each parent received by the other edge's local derivative"),
    MISTAKE(push, upwards, "it changes v's gradient: v gives, and its parents receive"),
    MISTAKE(push, first_parent, "only the first parent received something"),
    MISTAKE(push, twice_as_once, "where both parents are the same node, it receives along both edges"),
    MISTAKE(backward, not_zeroed, "nodes with parents still hold the gradients of an earlier walk: zero them first"),
    MISTAKE(backward, all_zeroed, "leaves were zeroed too: their gradients accumulate from walk to walk"),
    MISTAKE(backward, leaves_zeroed,
            "the leaves were zeroed and the nodes with parents were not: it is the other way round"),
    MISTAKE(backward, no_seed, "every push carries 0: is the seed missing, or zeroed again?"),
    MISTAKE(backward, seed_data, "the seed is root's data: how far does root move when root moves by 1?"),
    MISTAKE(backward, old_seed, "root still holds what was in its grad before: the seed is missing"),
    MISTAKE(backward, forwards,
            "only root pushed anything: begin there, and each node pushes when its grad is complete"),
    MISTAKE(backward, recursive,
            "a node is visited once per path and pushes each time: push once, when grad is complete"),
    MISTAKE(backward, without_root, "root itself did not push: the walk begins with it"),
    MISTAKE(backward, push_and_forget, "a node's gradient is gone after its push: it is asked for at the end"),
    MISTAKE(backward, push_overwritten,
            "a parent's gradient is overwritten by its last child: push (4.1) must add to it"),
    MISTAKE(backward, push_no_grad,
            "the walk is right, but push (4.1) passes local derivatives on without v's gradient"),
    MISTAKE(backward, push_no_local, "the walk is right, but push (4.1) passes gradients on without local derivatives"),
    MISTAKE(backward, push_minus, "the walk is right, but push (4.1) subtracts where it must add"),
    MISTAKE(backward, push_first_parent, "the walk is right, but push (4.1) serves the first parent only"),
};

/* ---- lab 5 ------------------------------------------------------------------------------------------------------- */

/* Each entry begins at `begin`, and takes each term by `takes`. */
#define PRODUCT_DX(name, to, begin, takes, term)                                                                       \
    static void product_dx_##name(int m, int k, int n, const double *dZ, const double *W, double *dX)                  \
    {                                                                                                                  \
        for (int i = 0; i < m; i++)                                                                                    \
            for (int l = 0; l < k; l++) {                                                                              \
                dX[to] = begin;                                                                                        \
                for (int j = 0; j < n; j++)                                                                            \
                    dX[to] takes term;                                                                                 \
            }                                                                                                          \
    }
PRODUCT_DX(not_zeroed, i * k + l, dX[i * k + l], +=, dZ[i * n + j] * W[l * n + j])
PRODUCT_DX(overwritten, i * k + l, 0, =, dZ[i * n + j] * W[l * n + j])
PRODUCT_DX(W_transposed, i * k + l, 0, +=, dZ[i * n + j] * W[j * k + l])
PRODUCT_DX(W_exchanged, i * k + l, 0, +=, dZ[i * n + j] * W[j * n + l])
PRODUCT_DX(W_by_k, i * k + l, 0, +=, dZ[i * n + j] * W[l * k + j])
PRODUCT_DX(dZ_by_k, i * k + l, 0, +=, dZ[i * k + j] * W[l * n + j])
PRODUCT_DX(dX_by_n, i * n + l, 0, +=, dZ[i * n + j] * W[l * n + j])
PRODUCT_DX(no_dZ, i * k + l, 0, +=, W[l * n + j])
PRODUCT_DX(no_W, i * k + l, 0, +=, dZ[i * n + j])
PRODUCT_DX(mean, i * k + l, 0, +=, dZ[i * n + j] * W[l * n + j] / m)

#define PRODUCT_DW(name, to, begin, takes, term)                                                                       \
    static void product_dw_##name(int m, int k, int n, const double *dZ, const double *X, double *dW)                  \
    {                                                                                                                  \
        for (int l = 0; l < k; l++)                                                                                    \
            for (int j = 0; j < n; j++) {                                                                              \
                dW[to] = begin;                                                                                        \
                for (int i = 0; i < m; i++)                                                                            \
                    dW[to] takes term;                                                                                 \
            }                                                                                                          \
    }
PRODUCT_DW(not_zeroed, l * n + j, dW[l * n + j], +=, X[i * k + l] * dZ[i * n + j])
PRODUCT_DW(overwritten, l * n + j, 0, =, X[i * k + l] * dZ[i * n + j])
PRODUCT_DW(dW_transposed, j * k + l, 0, +=, X[i * k + l] * dZ[i * n + j])
PRODUCT_DW(X_transposed, l * n + j, 0, +=, X[l * m + i] * dZ[i * n + j])
PRODUCT_DW(X_by_n, l * n + j, 0, +=, X[i * n + l] * dZ[i * n + j])
PRODUCT_DW(dZ_by_k, l * n + j, 0, +=, X[i * k + l] * dZ[i * k + j])
PRODUCT_DW(no_dZ, l * n + j, 0, +=, X[i * k + l])
PRODUCT_DW(no_X, l * n + j, 0, +=, dZ[i * n + j])
PRODUCT_DW(mean, l * n + j, 0, +=, X[i * k + l] * dZ[i * n + j] / m)

#define BIAS_GRADIENT(name, begin, takes, terms, term)                                                                 \
    static void bias_gradient_##name(int m, int n, const double *dZ, double *db)                                       \
    {                                                                                                                  \
        for (int j = 0; j < n; j++) {                                                                                  \
            db[j] = begin;                                                                                             \
            for (int i = 0; i < terms; i++)                                                                            \
                db[j] takes term;                                                                                      \
        }                                                                                                              \
    }
BIAS_GRADIENT(not_zeroed, db[j], +=, m, dZ[i * n + j])
BIAS_GRADIENT(first_row, 0, +=, 1, dZ[j])
BIAS_GRADIENT(last_row, 0, =, m, dZ[i * n + j])
BIAS_GRADIENT(mean, 0, +=, m, dZ[i * n + j] / m)
BIAS_GRADIENT(no_dZ, 0, +=, m, 1)
BIAS_GRADIENT(row_sums, 0, +=, n, dZ[j * n + i])
BIAS_GRADIENT(by_m, 0, +=, m, dZ[i * m + j])
BIAS_GRADIENT(transposed, 0, +=, m, dZ[j * m + i])
BIAS_GRADIENT(all, 0, +=, m * n, dZ[i])
BIAS_GRADIENT(n_rows, 0, +=, n, dZ[i * n + j])

static const Wrong wrongs_5[] = {
    MISTAKE(product_dx, not_zeroed, "the sums begin at what stood in dX: let each begin at 0"),
    MISTAKE(product_dx, overwritten, "only the last column of Z counts: = where += is needed"),
    MISTAKE(product_dx, W_transposed, "W is read as if it had n rows of k numbers: it has k rows of n"),
    MISTAKE(product_dx, W_exchanged, "row and column of W are exchanged: X[i][l] is multiplied by row l of W"),
    MISTAKE(product_dx, W_by_k, "a row of W has n numbers, not k"),
    MISTAKE(product_dx, dZ_by_k, "a row of dZ has n numbers, not k"),
    MISTAKE(product_dx, dX_by_n, "a row of dX has k numbers, as a row of X, not n"),
    MISTAKE(product_dx, no_dZ, "dZ is missing: what Z received is passed on, times W"),
    MISTAKE(product_dx, no_W, "W is missing: X[i][l] enters Z multiplied by it"),
    MISTAKE(product_dx, mean, "divided by m: a row of X meets only its own row of Z, and a mean is in dZ already"),
    MISTAKE(product_dw, not_zeroed, "the sums begin at what stood in dW: let each begin at 0"),
    MISTAKE(product_dw, overwritten, "only the last row of the batch counts: = where += is needed"),
    MISTAKE(product_dw, dW_transposed, "dW lies transposed: it has k rows of n numbers, as W has"),
    MISTAKE(product_dw, X_transposed, "X is read as if it lay transposed: X[i][l] is X[i·k + l]"),
    MISTAKE(product_dw, X_by_n, "a row of X has k numbers, not n"),
    MISTAKE(product_dw, dZ_by_k, "a row of dZ has n numbers, not k"),
    MISTAKE(product_dw, no_dZ, "dZ is missing: what Z received is passed on, times X"),
    MISTAKE(product_dw, no_X, "X is missing: W[l][j] enters Z multiplied by it"),
    MISTAKE(product_dw, mean, "divided by m: the rows of the batch are summed, and a mean is in dZ already"),
    MISTAKE(bias_gradient, not_zeroed, "the sums begin at what stood in db: let each begin at 0"),
    MISTAKE(bias_gradient, first_row, "only the first row of dZ counts: b was added to every row"),
    MISTAKE(bias_gradient, last_row, "only the last row of dZ counts: = where += is needed"),
    MISTAKE(bias_gradient, mean, "that is the mean over the rows: what was repeated is summed"),
    MISTAKE(bias_gradient, no_dZ, "that is how often b[j] was used: dZ is missing"),
    MISTAKE(bias_gradient, row_sums, "summed along the rows of dZ: b[j] was added down column j"),
    MISTAKE(bias_gradient, by_m, "a row of dZ has n numbers, not m"),
    MISTAKE(bias_gradient, transposed, "dZ is read as if it lay transposed: dZ[i][j] is dZ[i·n + j]"),
    MISTAKE(bias_gradient, all, "all of dZ went into each db[j]: b[j] was added to column j only"),
    MISTAKE(bias_gradient, n_rows, "only the first n rows are summed: dZ has m rows"),
};

/* ---- lab 6 ------------------------------------------------------------------------------------------------------- */

static double largest(int n, const double *z)
{
    double most = z[0];
    for (int i = 1; i < n; i++)
        most = fmax(most, z[i]);
    return most;
}

static double smallest(int n, const double *z)
{
    double least = z[0];
    for (int i = 1; i < n; i++)
        least = fmin(least, z[i]);
    return least;
}

/* Σ exp(zᵢ − shift) */
static double sum_of_exp(int n, const double *z, double shift)
{
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += exp(z[i] - shift);
    return sum;
}

/* most: the largest z. sum: Σ exp(zᵢ − most). */
#define LOGSUMEXP(name, result)                                                                                        \
    static double logsumexp_##name(int n, const double *z)                                                             \
    {                                                                                                                  \
        const double most = largest(n, z), sum = sum_of_exp(n, z, most);                                               \
        return result;                                                                                                 \
    }
LOGSUMEXP(overflows, log(sum_of_exp(n, z, 0)))
LOGSUMEXP(not_added_back, log(sum))
LOGSUMEXP(taken_twice, log(sum) - most)
LOGSUMEXP(not_taken_out, most + log(sum_of_exp(n, z, 0)))
LOGSUMEXP(no_log, most + sum)
LOGSUMEXP(no_log_at_all, sum_of_exp(n, z, 0))
LOGSUMEXP(largest_only, most)
LOGSUMEXP(from_0, fmax(most, 0) + log(sum_of_exp(n, z, fmax(most, 0))))
LOGSUMEXP(by_the_first, z[0] + log(sum_of_exp(n, z, z[0])))
LOGSUMEXP(by_the_smallest, smallest(n, z) + log(sum_of_exp(n, z, smallest(n, z))))
LOGSUMEXP(mean, most + log(sum / n))

#define LOG_SOFTMAX(name, result)                                                                                      \
    static void log_softmax_##name(int n, const double *z, double *out)                                                \
    {                                                                                                                  \
        const double most = largest(n, z), sum = sum_of_exp(n, z, most);                                               \
        for (int i = 0; i < n; i++)                                                                                    \
            out[i] = result;                                                                                           \
    }
LOG_SOFTMAX(quotient_overflows, log(exp(z[i]) / sum_of_exp(n, z, 0)))
LOG_SOFTMAX(sum_overflows, z[i] - log(sum_of_exp(n, z, 0)))
LOG_SOFTMAX(rounds_to_0, log(exp(z[i] - most) / sum))
LOG_SOFTMAX(no_log, exp(z[i] - most) / sum)
LOG_SOFTMAX(loss, most + log(sum) - z[i])
LOG_SOFTMAX(not_added_back, z[i] - log(sum))
LOG_SOFTMAX(taken_twice, z[i] - most - (most + log(sum)))
LOG_SOFTMAX(wrong_sign_of_largest, z[i] - (log(sum) - most))
LOG_SOFTMAX(largest_only, z[i] - most)
LOG_SOFTMAX(no_log_of_sum, z[i] - (most + sum))
LOG_SOFTMAX(divided, z[i] / (most + log(sum)))
LOG_SOFTMAX(from_0, z[i] - logsumexp_from_0(n, z))

/* p: the probability of class j in row r. is_label: 1 or 0. */
#define LOGITS_GRADIENT(name, result)                                                                                  \
    static void logits_gradient_##name(int m, int n, const double *z, const int *label, double *dz)                    \
    {                                                                                                                  \
        for (int r = 0; r < m; r++)                                                                                    \
            for (int j = 0; j < n; j++) {                                                                              \
                const double log_p = z[r * n + j] - logsumexp(n, z + r * n), p = exp(log_p);                           \
                const int is_label = j == label[r];                                                                    \
                dz[r * n + j] = result;                                                                                \
            }                                                                                                          \
    }
LOGITS_GRADIENT(no_mean, p - is_label)
LOGITS_GRADIENT(mean_of_entries, (p - is_label) / (m * n))
LOGITS_GRADIENT(by_n, (p - is_label) / n)
LOGITS_GRADIENT(no_brackets, p - (double)is_label / m)
LOGITS_GRADIENT(turned, (is_label - p) / m)
LOGITS_GRADIENT(plus, (p + is_label) / m)
LOGITS_GRADIENT(no_onehot, p / m)
LOGITS_GRADIENT(label_only, is_label ? (p - 1) / m : 0)
LOGITS_GRADIENT(no_softmax, -(double)is_label / m)
LOGITS_GRADIENT(logits, (z[r * n + j] - is_label) / m)
LOGITS_GRADIENT(log_softmax, (log_p - is_label) / m)
LOGITS_GRADIENT(slope_of_softmax, p * (1 - p) / m)
LOGITS_GRADIENT(overflows, (exp(z[r * n + j]) / sum_of_exp(n, z + r * n, 0) - is_label) / m)
LOGITS_GRADIENT(one_softmax, (exp(z[r * n + j] - logsumexp(m * n, z)) - is_label) / m)
LOGITS_GRADIENT(row_as_label, (p - (j == r)) / m)
LOGITS_GRADIENT(labels_from_1, (p - (j == label[r] - 1)) / m)

static const Wrong wrongs_6[] = {
    MISTAKE(logsumexp, overflows,
            "exp of a large z is infinite, of a very negative one 0: take the largest z out first"),
    MISTAKE(logsumexp, not_added_back, "the largest z was taken out and not added back"),
    MISTAKE(logsumexp, taken_twice, "the largest z was taken out once more at the end: add it back"),
    MISTAKE(logsumexp, not_taken_out, "the largest z was added at the end, but not taken out of the exponents"),
    MISTAKE(logsumexp, no_log, "the largest z is added to the sum itself: the logarithm of the sum is missing"),
    MISTAKE(logsumexp, no_log_at_all, "that is the sum of exp z: its logarithm is asked for, and without overflow"),
    MISTAKE(logsumexp, largest_only, "that is the largest z alone: the others count too"),
    MISTAKE(logsumexp, from_0, "where all z are negative, the search for the largest must not begin at 0"),
    MISTAKE(logsumexp, by_the_first,
            "the first z is taken out, but another may be larger by far: then exp is infinite"),
    MISTAKE(logsumexp, by_the_smallest,
            "the smallest z is taken out: then the other exponents grow, and exp is infinite"),
    MISTAKE(logsumexp, mean, "that is the logarithm of the mean: do not divide by n"),
    MISTAKE(log_softmax, quotient_overflows,
            "exp of a large z is infinite, of a very negative one 0: a quotient of them has no value"),
    MISTAKE(log_softmax, sum_overflows, "the sum of exp z overflows, or is 0: take the largest z out first, as in 6.1"),
    MISTAKE(log_softmax, rounds_to_0,
            "a small probability rounds to 0 before its logarithm: subtract logarithms instead"),
    MISTAKE(log_softmax, no_log, "these are the probabilities: their logarithms are asked for"),
    MISTAKE(log_softmax, loss, "the sign is reversed: the logarithm of a probability is never above 0"),
    MISTAKE(log_softmax, not_added_back, "the largest z was taken out of the sum, but not out of z[i]"),
    MISTAKE(log_softmax, taken_twice, "the largest z is subtracted twice"),
    MISTAKE(log_softmax, wrong_sign_of_largest,
            "the largest z has the wrong sign: it is added back to the logarithm of the sum"),
    MISTAKE(log_softmax, largest_only, "only the largest z is subtracted: the logarithm of the sum is missing"),
    MISTAKE(log_softmax, no_log_of_sum, "the sum is subtracted itself: its logarithm is missing"),
    MISTAKE(log_softmax, divided, "z is divided by the logarithm of the sum: that of a quotient is a difference"),
    MISTAKE(log_softmax, from_0, "where all z are negative, the search for the largest must not begin at 0"),
    MISTAKE(logits_gradient, no_mean, "the loss is the mean over the rows: a factor is missing"),
    MISTAKE(logits_gradient, mean_of_entries, "divided by m·n: the mean is over the m rows, not over all entries"),
    MISTAKE(logits_gradient, by_n, "divided by n: the mean is over the m rows, not over the classes"),
    MISTAKE(logits_gradient, no_brackets, "only the second term is divided by m: the difference needs brackets"),
    MISTAKE(logits_gradient, turned, "the sign is reversed: the loss falls when the right class's logit grows"),
    MISTAKE(logits_gradient, plus, "the onehot is added: it must be subtracted"),
    MISTAKE(logits_gradient, no_onehot, "the onehot is missing: the label must enter somewhere"),
    MISTAKE(logits_gradient, label_only, "only the label's class has a gradient: the other logits move the loss too"),
    MISTAKE(logits_gradient, no_softmax, "the softmax is missing: the logits must enter somewhere"),
    MISTAKE(logits_gradient, logits, "the logits stand where their softmax belongs"),
    MISTAKE(logits_gradient, log_softmax, "the logarithms of the probabilities stand where the probabilities belong"),
    MISTAKE(logits_gradient, slope_of_softmax, "p·(1 − p) is the slope of one probability: the label must enter too"),
    MISTAKE(logits_gradient, overflows,
            "exp of a large logit is infinite, of very negative ones all are 0: shift by the largest"),
    MISTAKE(logits_gradient, one_softmax, "the sum runs over all rows: each row has a softmax of its own"),
    MISTAKE(logits_gradient, row_as_label, "the number of the row is taken for its label: label[r] holds that"),
    MISTAKE(logits_gradient, labels_from_1, "the onehot is 1 one place too early: labels count from 0"),
};

/* ---- lab 7 ------------------------------------------------------------------------------------------------------- */

/* The sum begins at `begin`, and takes each term by `takes`. */
#define NEURON(name, begin, takes, term, result)                                                                       \
    static double neuron_##name(int n, const double *w, const double *x, double b)                                     \
    {                                                                                                                  \
        double sum = begin;                                                                                            \
        for (int i = 0; i < n; i++)                                                                                    \
            sum takes term;                                                                                            \
        return result;                                                                                                 \
    }
NEURON(no_bias, 0, +=, w[i] * x[i], tanh(sum))
NEURON(no_tanh, b, +=, w[i] * x[i], sum)
NEURON(bias_outside, 0, +=, w[i] * x[i], tanh(sum) + b)
NEURON(bias_per_input, 0, +=, w[i] * x[i] + b, tanh(sum))
NEURON(minus_bias, -b, +=, w[i] * x[i], tanh(sum))
NEURON(tanh_per_input, b, +=, tanh(w[i] * x[i]), sum)
NEURON(overwritten, 0, =, w[i] * x[i] + b, tanh(sum))
NEURON(overwritten_all, b, =, w[i] * x[i], tanh(sum))
NEURON(from_1, b, +=, i > 0 ? w[i] * x[i] : 0, tanh(sum))
NEURON(but_the_last, b, +=, i < n - 1 ? w[i] * x[i] : 0, tanh(sum))
NEURON(sigmoid, b, +=, w[i] * x[i], 1 / (1 + exp(-sum)))
NEURON(slope, b, +=, w[i] * x[i], 1 - tanh(sum) * tanh(sum))

/* What neuron j passes on to its weights, its bias and its inputs: ∂L/∂s[j], were all well. W_at: which weight is
 * between it and input i; dW_at: where that one's derivative goes. x_begins: what dx[i] begins at; takes: += */
#define LAYER_BACKWARD(name, to_w, to_b, to_x, dW_at, W_at, x_begins, takes)                                           \
    static void layer_backward_##name(int n_in, int n_out, const double *W, const double *x, const double *y,          \
                                      const double *dy, double *dW, double *db, double *dx)                            \
    {                                                                                                                  \
        for (int i = 0; i < n_in; i++)                                                                                 \
            dx[i] = x_begins;                                                                                          \
        for (int j = 0; j < n_out; j++) {                                                                              \
            const double ds = dy[j] * (1 - y[j] * y[j]);                                                               \
            db[j] = to_b;                                                                                              \
            for (int i = 0; i < n_in; i++) {                                                                           \
                dW[dW_at] = to_w;                                                                                      \
                dx[i] takes(to_x) * W[W_at];                                                                           \
            }                                                                                                          \
        }                                                                                                              \
    }
/* The same wrong `to_s` for all three. */
#define LAYER_SLOPE(name, to_s) LAYER_BACKWARD(name, (to_s)*x[i], to_s, to_s, j *n_in + i, j * n_in + i, 0, +=)
LAYER_SLOPE(no_tanh, dy[j])
LAYER_SLOPE(no_dy, 1 - y[j] * y[j])
LAYER_SLOPE(not_squared, dy[j] * (1 - y[j]))
LAYER_SLOPE(plus, dy[j] * (1 + y[j] * y[j]))
LAYER_SLOPE(sigmoid, dy[j] * y[j] * (1 - y[j]))
LAYER_SLOPE(tanh_twice, dy[j] * (1 - tanh(y[j]) * tanh(y[j])))
LAYER_BACKWARD(x_not_zeroed, ds * x[i], ds, ds, j * n_in + i, j * n_in + i, dx[i], +=)
LAYER_BACKWARD(none_zeroed, dW[j * n_in + i] + ds * x[i], db[j] + ds, ds, j * n_in + i, j * n_in + i, dx[i], +=)
LAYER_BACKWARD(x_overwritten, ds * x[i], ds, ds, j * n_in + i, j * n_in + i, 0, =)
LAYER_BACKWARD(W_transposed, ds * x[i], ds, ds, j * n_in + i, i * n_out + j, 0, +=)
LAYER_BACKWARD(dW_transposed, ds * x[i], ds, ds, i * n_out + j, j * n_in + i, 0, +=)
LAYER_BACKWARD(w_by_w, ds * W[j * n_in + i], ds, ds, j * n_in + i, j * n_in + i, 0, +=)
LAYER_BACKWARD(w_by_y, ds * y[j], ds, ds, j * n_in + i, j * n_in + i, 0, +=)
LAYER_BACKWARD(w_by_dy, dy[j] * x[i], ds, ds, j * n_in + i, j * n_in + i, 0, +=)
LAYER_BACKWARD(b_by_dy, ds * x[i], dy[j], ds, j * n_in + i, j * n_in + i, 0, +=)
LAYER_BACKWARD(x_by_dy, ds * x[i], ds, dy[j], j * n_in + i, j * n_in + i, 0, +=)

/* Neuron j's sum begins at `begin` and takes each term; `result` is what it hands on, and the next layer's params lie
 * `step` numbers on. */
#define MLP_FORWARD(name, begin, term, result, step)                                                                   \
    static void mlp_forward_##name(int layers, const int *size, const double *params, const double *x, double *out)    \
    {                                                                                                                  \
        double from[MOST_WIDTH], sum[MOST_WIDTH];                                                                      \
        memcpy(from, x, (size_t)size[0] * sizeof *from);                                                               \
        for (int l = 1; l <= layers; l++) {                                                                            \
            const int k = size[l - 1], n = size[l];                                                                    \
            for (int j = 0; j < n; j++) {                                                                              \
                sum[j] = begin;                                                                                        \
                for (int i = 0; i < k; i++)                                                                            \
                    sum[j] += term;                                                                                    \
            }                                                                                                          \
            for (int j = 0; j < n; j++)                                                                                \
                from[j] = result;                                                                                      \
            params += step;                                                                                            \
        }                                                                                                              \
        memcpy(out, from, (size_t)size[layers] * sizeof *out);                                                         \
    }
MLP_FORWARD(tanh_of_all, params[k * n + j], params[j * k + i] * from[i], tanh(sum[j]), k * n + n)
MLP_FORWARD(no_tanh, params[k * n + j], params[j * k + i] * from[i], sum[j], k * n + n)
MLP_FORWARD(tanh_too_few, params[k * n + j], params[j * k + i] * from[i], l < layers - 1 ? tanh(sum[j]) : sum[j],
            k * n + n)
MLP_FORWARD(no_bias, 0, params[j * k + i] * from[i], l < layers ? tanh(sum[j]) : sum[j], k * n + n)
MLP_FORWARD(bias_outside, 0, params[j * k + i] * from[i], (l < layers ? tanh(sum[j]) : sum[j]) + params[k * n + j],
            k * n + n)
MLP_FORWARD(bias_per_input, 0, params[j * k + i] * from[i] + params[k * n + j], l < layers ? tanh(sum[j]) : sum[j],
            k * n + n)
MLP_FORWARD(bias_by_row, params[j * (k + 1) + k], params[j * (k + 1) + i] * from[i], l < layers ? tanh(sum[j]) : sum[j],
            k * n + n)
MLP_FORWARD(bias_first, params[j], params[n + j * k + i] * from[i], l < layers ? tanh(sum[j]) : sum[j], k * n + n)
MLP_FORWARD(transposed, params[k * n + j], params[i * n + j] * from[i], l < layers ? tanh(sum[j]) : sum[j], k * n + n)
MLP_FORWARD(same_params, params[k * n + j], params[j * k + i] * from[i], l < layers ? tanh(sum[j]) : sum[j], 0)
MLP_FORWARD(biases_not_passed, params[k * n + j], params[j * k + i] * from[i], l < layers ? tanh(sum[j]) : sum[j],
            k * n)
MLP_FORWARD(first_bias, params[k * n], params[j * k + i] * from[i], l < layers ? tanh(sum[j]) : sum[j], k * n + n)

/* The same array for what goes in and what comes out. */
static void mlp_forward_in_place(int layers, const int *size, const double *params, const double *x, double *out)
{
    double numbers[MOST_WIDTH];
    memcpy(numbers, x, (size_t)size[0] * sizeof *numbers);
    for (int l = 1; l <= layers; l++) {
        const int k = size[l - 1], n = size[l];
        for (int j = 0; j < n; j++) {
            double sum = params[k * n + j];
            for (int i = 0; i < k; i++)
                sum += params[j * k + i] * numbers[i];
            numbers[j] = l < layers ? tanh(sum) : sum;
        }
        params += k * n + n;
    }
    memcpy(out, numbers, (size_t)size[layers] * sizeof *out);
}

#define SGD_STEP(name, statements)                                                                                     \
    static void sgd_step_##name(int n, double *params, const double *grad, double *velocity, double lr,                \
                                double momentum)                                                                       \
    {                                                                                                                  \
        for (int i = 0; i < n; i++) {                                                                                  \
            statements                                                                                                 \
        }                                                                                                              \
    }
SGD_STEP(uphill, velocity[i] = momentum * velocity[i] + grad[i]; params[i] += lr * velocity[i];)
SGD_STEP(no_velocity, params[i] -= lr * grad[i];)
SGD_STEP(velocity_unused, velocity[i] = momentum * velocity[i] + grad[i]; params[i] -= lr * grad[i];)
SGD_STEP(no_memory, velocity[i] = grad[i]; params[i] -= lr * velocity[i];)
SGD_STEP(old_velocity, params[i] -= lr * velocity[i]; velocity[i] = momentum * velocity[i] + grad[i];)
SGD_STEP(average, velocity[i] = momentum * velocity[i] + (1 - momentum) * grad[i]; params[i] -= lr * velocity[i];)
SGD_STEP(lr_in_velocity, velocity[i] = momentum * velocity[i] + lr * grad[i]; params[i] -= velocity[i];)
SGD_STEP(lr_twice, velocity[i] = momentum * velocity[i] + lr * grad[i]; params[i] -= lr * velocity[i];)
SGD_STEP(velocity_down, velocity[i] = momentum * velocity[i] - lr * grad[i]; params[i] += velocity[i];)
SGD_STEP(no_lr, velocity[i] = momentum * velocity[i] + grad[i]; params[i] -= velocity[i];)
SGD_STEP(no_momentum, velocity[i] += grad[i]; params[i] -= lr * velocity[i];)
SGD_STEP(momentum_of_grad, velocity[i] += momentum * grad[i]; params[i] -= lr * velocity[i];)
SGD_STEP(momentum_of_both, velocity[i] = momentum * (velocity[i] + grad[i]); params[i] -= lr * velocity[i];)
SGD_STEP(replaced, velocity[i] = momentum * velocity[i] + grad[i]; params[i] = -lr * velocity[i];)
SGD_STEP(nesterov, velocity[i] = momentum * velocity[i] + grad[i];
         params[i] -= lr * (grad[i] + momentum * velocity[i]);)

static void zero_grad(Model *model)
{
    for (int i = 0; i < model->n; i++)
        model->grad[i] = 0;
}

static void step(Model *model, double lr)
{
    for (int i = 0; i < model->n; i++)
        model->params[i] -= lr * model->grad[i];
}

/* The three steps that come before the last one, as they should be. */
static double until_backward(Model *model)
{
    zero_grad(model);
    const double loss = model->forward(model);
    model->backward(model);
    return loss;
}

static double train_step_not_zeroed(Model *model, double lr)
{
    const double loss = model->forward(model);
    model->backward(model);
    step(model, lr);
    return loss;
}

static double train_step_zeroed_late(Model *model, double lr)
{
    const double loss = train_step_not_zeroed(model, lr);
    zero_grad(model);
    return loss;
}

static double train_step_zeroed_again(Model *model, double lr)
{
    const double loss = until_backward(model);
    step(model, lr);
    zero_grad(model);
    return loss;
}

static double train_step_zeroed_before_step(Model *model, double lr)
{
    const double loss = until_backward(model);
    zero_grad(model);
    return loss;
}

static double train_step_params_zeroed(Model *model, double lr)
{
    for (int i = 0; i < model->n; i++)
        model->params[i] = 0;
    return train_step_not_zeroed(model, lr);
}

static double train_step_no_step(Model *model, double lr) { return until_backward(model); }

static double train_step_step_first(Model *model, double lr)
{
    step(model, lr);
    return until_backward(model);
}

static double train_step_uphill(Model *model, double lr)
{
    const double loss = until_backward(model);
    step(model, -lr);
    return loss;
}

static double train_step_no_lr(Model *model, double lr)
{
    const double loss = until_backward(model);
    step(model, 1);
    return loss;
}

static double train_step_mean(Model *model, double lr)
{
    const double loss = until_backward(model);
    step(model, lr / model->n);
    return loss;
}

static double train_step_replaced(Model *model, double lr)
{
    const double loss = until_backward(model);
    for (int i = 0; i < model->n; i++)
        model->params[i] = -lr * model->grad[i];
    return loss;
}

static double train_step_loss_after(Model *model, double lr)
{
    until_backward(model);
    step(model, lr);
    return model->forward(model);
}

static double train_step_forward_twice(Model *model, double lr)
{
    const double loss = until_backward(model);
    step(model, lr);
    model->forward(model);
    return loss;
}

static double train_step_backward_twice(Model *model, double lr)
{
    const double loss = until_backward(model);
    model->backward(model);
    step(model, lr);
    return loss;
}

static double train_step_no_backward(Model *model, double lr)
{
    zero_grad(model);
    return model->forward(model);
}

static double train_step_returns_0(Model *model, double lr)
{
    until_backward(model);
    step(model, lr);
    return 0;
}

static const Wrong wrongs_7[] = {
    MISTAKE(neuron, no_bias, "the bias is missing"),
    MISTAKE(neuron, no_tanh, "that is the sum: its tanh is asked for"),
    MISTAKE(neuron, bias_outside, "the bias is added behind tanh: it belongs inside"),
    MISTAKE(neuron, bias_per_input, "the bias is added once per input: once is enough"),
    MISTAKE(neuron, minus_bias, "the bias is subtracted: it must be added"),
    MISTAKE(neuron, tanh_per_input, "tanh is taken of each product: take it once, of the whole sum"),
    MISTAKE(neuron, overwritten, "only the last input counts: = where += is needed"),
    MISTAKE(neuron, overwritten_all, "only the last input counts, and the bias is lost: = where += is needed"),
    MISTAKE(neuron, from_1, "the first input is missing: arrays begin at 0"),
    MISTAKE(neuron, but_the_last, "the last input is missing: how far does the loop go?"),
    MISTAKE(neuron, sigmoid, "that is sigmoid of the sum: its tanh is asked for"),
    MISTAKE(neuron, slope, "that is the slope of tanh: tanh itself is asked for"),
    MISTAKE(layer_backward, no_tanh, "the slope of tanh is missing: what arrives at y goes through tanh first"),
    MISTAKE(layer_backward, no_dy, "dy is missing: what y received is passed on, times the slope of tanh"),
    MISTAKE(layer_backward, not_squared, "a square is missing: tanh' is 1 minus what?"),
    MISTAKE(layer_backward, plus, "the sign: the slope of tanh is never above 1"),
    MISTAKE(layer_backward, sigmoid, "y·(1 − y) is the slope of sigmoid, not of tanh"),
    MISTAKE(layer_backward, tanh_twice, "tanh is taken twice: y is tanh of the sum already"),
    MISTAKE(layer_backward, x_not_zeroed, "the sums for dx begin at what stood there: let each begin at 0"),
    MISTAKE(layer_backward, none_zeroed, "dW, db and dx are added to what stood there: begin at 0"),
    MISTAKE(layer_backward, x_overwritten, "dx holds what the last neuron gave: every neuron uses x, so add up"),
    MISTAKE(layer_backward, W_transposed, "for dx W is read as if it lay transposed: it has a row per neuron"),
    MISTAKE(layer_backward, dW_transposed, "dW lies transposed: it has a row per neuron, as W has"),
    MISTAKE(layer_backward, w_by_w, "dW is made with W: in w·x each factor waits for the other one"),
    MISTAKE(layer_backward, w_by_y, "dW is made with y: in w·x each factor waits for the other one"),
    MISTAKE(layer_backward, w_by_dy, "for dW the slope of tanh is missing; db and dx are right"),
    MISTAKE(layer_backward, b_by_dy, "for db the slope of tanh is missing; dW and dx are right"),
    MISTAKE(layer_backward, x_by_dy, "for dx the slope of tanh is missing; dW and db are right"),
    MISTAKE(mlp_forward, tanh_of_all, "tanh is taken in the last layer too: its sums are the outputs"),
    MISTAKE(mlp_forward, no_tanh, "no layer took tanh: all but the last do"),
    MISTAKE(mlp_forward, tanh_too_few, "one layer too few took tanh: all but the last do"),
    MISTAKE(mlp_forward, no_bias, "the biases are missing"),
    MISTAKE(mlp_forward, bias_outside, "the biases are added behind tanh: they belong inside"),
    MISTAKE(mlp_forward, bias_per_input, "a bias is added once per input: once per neuron is enough"),
    MISTAKE(mlp_forward, bias_by_row,
            "a bias is read behind each row of weights: all biases stand behind the last row"),
    MISTAKE(mlp_forward, bias_first, "the biases are read before the weights: they stand behind the last row"),
    MISTAKE(mlp_forward, transposed, "the weights are read as if they lay transposed: each neuron has a row"),
    MISTAKE(mlp_forward, same_params, "every layer reads the first layer's params: they must move on"),
    MISTAKE(mlp_forward, biases_not_passed, "from the second layer on params are off: the biases must be passed too"),
    MISTAKE(mlp_forward, first_bias, "all neurons of a layer have the first one's bias: each has its own"),
    MISTAKE(mlp_forward, in_place, "a neuron's output overwrites an input that the next neuron needs: use two arrays"),
    MISTAKE(sgd_step, uphill, "uphill: the step goes against the gradient"),
    MISTAKE(sgd_step, no_velocity, "the velocity is left as it was: that is a step without momentum"),
    MISTAKE(sgd_step, velocity_unused, "the velocity is right, but the step goes along the gradient alone"),
    MISTAKE(sgd_step, no_memory, "the velocity forgets what it was: a part of the old one stays"),
    MISTAKE(sgd_step, old_velocity, "the step takes the old velocity: renew it first"),
    MISTAKE(sgd_step, average, "(1 − momentum) is not in this formula: the gradient enters whole"),
    MISTAKE(sgd_step, lr_in_velocity, "lr stands in the velocity: it belongs to the step of the param"),
    MISTAKE(sgd_step, lr_twice, "lr is taken twice: it belongs to the step of the param only"),
    MISTAKE(sgd_step, velocity_down, "that is another convention, where the velocity holds −lr·grad: see the formula"),
    MISTAKE(sgd_step, no_lr, "the learning rate is missing"),
    MISTAKE(sgd_step, no_momentum, "momentum is missing: only a part of the old velocity stays"),
    MISTAKE(sgd_step, momentum_of_grad, "momentum is multiplied by the gradient: it belongs to the old velocity"),
    MISTAKE(sgd_step, momentum_of_both,
            "momentum is multiplied by the gradient too: it belongs to the old velocity alone"),
    MISTAKE(sgd_step, replaced, "the param is replaced by the step: = where −= is needed"),
    MISTAKE(sgd_step, nesterov,
            "that is Nesterov's variant, which looks ahead: here the step is lr times the velocity"),
    MISTAKE(train_step, not_zeroed, "backward adds to what an earlier step left in grad: zero that first"),
    MISTAKE(train_step, zeroed_late, "grad is zeroed at the end, so what an earlier step left came into this one"),
    MISTAKE(train_step, zeroed_again, "grad is zeroed after the step: it should hold this step's gradient afterwards"),
    MISTAKE(train_step, zeroed_before_step,
            "grad is 0 when the step is made: zeroed behind backward, or backward before forward?"),
    MISTAKE(train_step, params_zeroed, "the params are zeroed: it is their gradients that start from 0"),
    MISTAKE(train_step, no_step, "the params did not move: is the step missing, or made before backward?"),
    MISTAKE(train_step, step_first, "the step is made first, by an old gradient: it comes last"),
    MISTAKE(train_step, uphill, "uphill: the step goes against the gradient"),
    MISTAKE(train_step, no_lr, "the learning rate is missing"),
    MISTAKE(train_step, mean, "the step is divided by the number of params: each moves by lr times its own gradient"),
    MISTAKE(train_step, replaced, "the param is replaced by the step: = where −= is needed"),
    MISTAKE(train_step, loss_after, "that is the loss after the step, by another forward: the one before it is asked for"),
    MISTAKE(train_step, forward_twice, "all is right, but forward is called twice: once is enough"),
    MISTAKE(train_step, backward_twice, "backward is called twice, so every gradient is doubled"),
    MISTAKE(train_step, no_backward, "backward is not called: grad is still 0"),
    MISTAKE(train_step, returns_0, "all is right but what is returned: the loss is asked for"),
};

/* ---- lab 9 ------------------------------------------------------------------------------------------------------- */

/* The scores, divided by `root`; those of key i are read at K_at. */
#define SCORES(name, K_at, root)                                                                                       \
    static void name(int n, int d, const double *q, const double *K, double *s)                                        \
    {                                                                                                                  \
        for (int i = 0; i < n; i++) {                                                                                  \
            s[i] = 0;                                                                                                  \
            for (int j = 0; j < d; j++)                                                                                \
                s[i] += K[K_at] * q[j] / (root);                                                                       \
        }                                                                                                              \
    }
SCORES(scores, i * d + j, sqrt(d))
SCORES(scores_no_root, i * d + j, 1)
SCORES(scores_by_d, i * d + j, d)
SCORES(scores_times_root, i * d + j, 1 / sqrt(d))
SCORES(scores_transposed, j * n + i, sqrt(d))

/* s: the scores. all: log Σ exp s. */
#define ATTENTION_WEIGHTS(name, scores_by, result)                                                                     \
    static void attention_weights_##name(int n, int d, const double *q, const double *K, double *w)                    \
    {                                                                                                                  \
        double s[MOST_WIDTH] = {0};                                                                                    \
        scores_by(n, d, q, K, s);                                                                                      \
        const double all = logsumexp(n, s);                                                                            \
        for (int i = 0; i < n; i++)                                                                                    \
            w[i] = result;                                                                                             \
    }
ATTENTION_WEIGHTS(no_root, scores_no_root, exp(s[i] - all))
ATTENTION_WEIGHTS(by_d, scores_by_d, exp(s[i] - all))
ATTENTION_WEIGHTS(times_root, scores_times_root, exp(s[i] - all))
ATTENTION_WEIGHTS(transposed, scores_transposed, exp(s[i] - all))
ATTENTION_WEIGHTS(scores, scores, s[i])
ATTENTION_WEIGHTS(logarithms, scores, s[i] - all)
ATTENTION_WEIGHTS(no_sum, scores, exp(s[i] - largest(n, s)))
ATTENTION_WEIGHTS(overflow, scores, exp(s[i]) / sum_of_exp(n, s, 0))
ATTENTION_WEIGHTS(from_0, scores, exp(s[i] - fmax(largest(n, s), 0)) / sum_of_exp(n, s, fmax(largest(n, s), 0)))

#define ATTENTION(name, weights_by, begin, takes, term)                                                                \
    static void attention_##name(int n, int d, const double *q, const double *K, const double *V, double *y)           \
    {                                                                                                                  \
        double w[MOST_WIDTH];                                                                                          \
        weights_by(n, d, q, K, w);                                                                                     \
        for (int j = 0; j < d; j++) {                                                                                  \
            y[j] = begin;                                                                                              \
            for (int i = 0; i < n; i++)                                                                                \
                y[j] takes term;                                                                                       \
        }                                                                                                              \
    }
ATTENTION(not_zeroed, attention_weights, y[j], +=, w[i] * V[i * d + j])
ATTENTION(overwritten, attention_weights, 0, =, w[i] * V[i * d + j])
ATTENTION(transposed, attention_weights, 0, +=, w[i] * V[j * n + i])
ATTENTION(no_weights, attention_weights, 0, +=, V[i * d + j])
ATTENTION(of_keys, attention_weights, 0, +=, w[i] * K[i * d + j])
ATTENTION(scores, scores, 0, +=, w[i] * V[i * d + j])
ATTENTION(no_root, attention_weights_no_root, 0, +=, w[i] * V[i * d + j])
ATTENTION(no_sum, attention_weights_no_sum, 0, +=, w[i] * V[i * d + j])
ATTENTION(overflow, attention_weights_overflow, 0, +=, w[i] * V[i * d + j])

/* ds: what score i receives. dq[j] begins at `begin`, and takes each to_q by `takes`. */
#define ATTENTION_BACKWARD(name, weights_by, ds, to_q, to_K, to_V, begin, takes)                                       \
    static void attention_backward_##name(int n, int d, const double *q, const double *K, const double *V,             \
                                          const double *dy, double *dq, double *dK, double *dV)                        \
    {                                                                                                                  \
        double w[MOST_WIDTH], dw[MOST_WIDTH], mean = 0, plain_mean = 0;                                                \
        weights_by(n, d, q, K, w);                                                                                     \
        for (int i = 0; i < n; i++) {                                                                                  \
            dw[i] = 0;                                                                                                 \
            for (int j = 0; j < d; j++)                                                                                \
                dw[i] += V[i * d + j] * dy[j];                                                                         \
            mean += w[i] * dw[i];                                                                                      \
            plain_mean += dw[i] / n;                                                                                   \
        }                                                                                                              \
        for (int j = 0; j < d; j++) {                                                                                  \
            dq[j] = begin;                                                                                             \
            for (int i = 0; i < n; i++) {                                                                              \
                dq[j] takes to_q * (ds);                                                                               \
                dK[i * d + j] = to_K * (ds);                                                                           \
                dV[i * d + j] = to_V;                                                                                  \
            }                                                                                                          \
        }                                                                                                              \
    }
/* A wrong ds. */
#define ATTENTION_SLOPE(name, ds)                                                                                      \
    ATTENTION_BACKWARD(name, attention_weights, ds, K[i * d + j], q[j], w[i] * dy[j], 0, +=)
#define RIGHT_DS w[i] * (dw[i] - mean) / sqrt(d)
ATTENTION_SLOPE(no_mean, w[i] * dw[i] / sqrt(d))
ATTENTION_SLOPE(plain_mean, w[i] * (dw[i] - plain_mean) / sqrt(d))
ATTENTION_SLOPE(no_weight, (dw[i] - mean) / sqrt(d))
ATTENTION_SLOPE(no_softmax, dw[i] / sqrt(d))
ATTENTION_SLOPE(own_slope, w[i] * (1 - w[i]) * dw[i] / sqrt(d))
ATTENTION_SLOPE(turned, w[i] * (mean - dw[i]) / sqrt(d))
ATTENTION_SLOPE(no_root, w[i] * (dw[i] - mean))
ATTENTION_SLOPE(by_d, w[i] * (dw[i] - mean) / d)
ATTENTION_BACKWARD(not_zeroed, attention_weights, RIGHT_DS, K[i * d + j], q[j], w[i] * dy[j], dq[j], +=)
ATTENTION_BACKWARD(overwritten, attention_weights, RIGHT_DS, K[i * d + j], q[j], w[i] * dy[j], 0, =)
ATTENTION_BACKWARD(exchanged, attention_weights, RIGHT_DS, q[j], K[i * d + j], w[i] * dy[j], 0, +=)
ATTENTION_BACKWARD(V_no_weight, attention_weights, RIGHT_DS, K[i * d + j], q[j], dy[j], 0, +=)
ATTENTION_BACKWARD(V_by_ds, attention_weights, RIGHT_DS, K[i * d + j], q[j], RIGHT_DS * dy[j], 0, +=)
ATTENTION_BACKWARD(weights_no_root, attention_weights_no_root, RIGHT_DS, K[i * d + j], q[j], w[i] * dy[j], 0, +=)
ATTENTION_BACKWARD(weights_no_sum, attention_weights_no_sum, RIGHT_DS, K[i * d + j], q[j], w[i] * dy[j], 0, +=)

static const Wrong wrongs_9[] = {
    MISTAKE(attention_weights, no_root, "the scores are not divided by √d"),
    MISTAKE(attention_weights, by_d, "the scores are divided by d: its root is asked for"),
    MISTAKE(attention_weights, times_root, "the scores are multiplied by √d: divide by it"),
    MISTAKE(attention_weights, transposed, "K is read as if it lay transposed: a key is a row, K[i][j] is K[i·d + j]"),
    MISTAKE(attention_weights, scores, "these are the scores: their softmax is asked for"),
    MISTAKE(attention_weights, logarithms, "these are the logarithms of the weights"),
    MISTAKE(attention_weights, no_sum, "the weights do not add up to 1: what are they divided by?"),
    MISTAKE(attention_weights, overflow,
            "exp of a large score is infinite, of very negative ones all are 0: take the largest out first"),
    MISTAKE(attention_weights, from_0, "where all scores are negative, the search for the largest must not begin at 0"),
    MISTAKE(attention, not_zeroed, "the sums begin at what stood in y: let each begin at 0"),
    MISTAKE(attention, overwritten, "only the last key counts: = where += is needed"),
    MISTAKE(attention, transposed, "V is read as if it lay transposed: a value is a row, V[i][j] is V[i·d + j]"),
    MISTAKE(attention, no_weights, "the weights are missing: the better a key fits, the more of its value"),
    MISTAKE(attention, of_keys, "the keys are summed: it is their values that go into y"),
    MISTAKE(attention, scores, "the values are weighted by the scores: take the softmax of these first"),
    MISTAKE(attention, no_root, "the weights are off: their scores (9.1) are not divided by √d"),
    MISTAKE(attention, no_sum, "the weights (9.1) do not add up to 1"),
    MISTAKE(attention, overflow, "the weights (9.1) overflow where scores are large, or are 0/0"),
    MISTAKE(attention_backward, no_mean,
            "softmax, backward: when one weight grows the others fall, so a mean is subtracted"),
    MISTAKE(attention_backward, plain_mean, "the mean that is subtracted is weighted: by w, not each by 1/n"),
    MISTAKE(attention_backward, no_weight, "the factor w[i] is missing: a weight near 0 hardly moves"),
    MISTAKE(attention_backward, no_softmax, "softmax is passed over: from dw to ds its derivative is needed"),
    MISTAKE(attention_backward, own_slope,
            "w·(1 − w) is how a weight moves with its own score: the other scores move it too"),
    MISTAKE(attention_backward, turned, "softmax, backward: the sign is reversed"),
    MISTAKE(attention_backward, no_root, "√d is missing on the way from the scores to q and K"),
    MISTAKE(attention_backward, by_d, "divided by d on the way from the scores to q and K: what was it forward?"),
    MISTAKE(attention_backward, not_zeroed, "the sums for dq begin at what stood there: let each begin at 0"),
    MISTAKE(attention_backward, overwritten, "dq holds what the last key gave: every key uses q, so add up"),
    MISTAKE(attention_backward, exchanged, "q and K are exchanged: in K·q each factor waits for the other one"),
    MISTAKE(attention_backward, V_no_weight, "for dV the weight is missing: value i enters y times w[i]"),
    MISTAKE(attention_backward, V_by_ds, "for dV what belongs to the scores is taken: value i enters y times w[i]"),
    MISTAKE(attention_backward, weights_no_root, "the weights are off: their scores (9.1) are not divided by √d"),
    MISTAKE(attention_backward, weights_no_sum, "the weights (9.1) do not add up to 1"),
};

/* ---- lab 10 ------------------------------------------------------------------------------------------------------ */

#define SIGN(x) ((x) > 0 ? 1 : (x) < 0 ? -1 : 0)
#define SOFTSIGN(name, value) static double softsign_forward_##name(double a, double b) { return value; }
SOFTSIGN(no_abs, a / (1 + a))
SOFTSIGN(no_brackets, a / 1 + fabs(a))
SOFTSIGN(abs_above, fabs(a) / (1 + fabs(a)))
SOFTSIGN(square, a / (1 + a * a))
SOFTSIGN(root, a / sqrt(1 + a * a))
SOFTSIGN(whole_abs, a / (1 + trunc(fabs(a))))
SOFTSIGN(minus, a / (1 - fabs(a)))
SOFTSIGN(slope, 1 / ((1 + fabs(a)) * (1 + fabs(a))))
SOFTSIGN(of_tanh, tanh(a))
SOFTSIGN(no_one, SIGN(a))

/* d: what stands below the line. */
#define SOFTSIGN_DA(name, value)                                                                                       \
    static double softsign_da_##name(double a, double b, double y)                                                     \
    {                                                                                                                  \
        const double d = 1 + fabs(a);                                                                                  \
        return value;                                                                                                  \
    }
SOFTSIGN_DA(abs_constant, 1 / d)
SOFTSIGN_DA(abs_rises, (d - a) / (d * d))
SOFTSIGN_DA(abs_by_itself, (d - a * a) / (d * d))
SOFTSIGN_DA(no_abs, 1 / ((1 + a) * (1 + a)))
SOFTSIGN_DA(turned, (fabs(a) - d) / (d * d))
SOFTSIGN_DA(sign, a < 0 ? -1 / (d * d) : 1 / (d * d))
SOFTSIGN_DA(sign_0, SIGN(a) / (d * d))
SOFTSIGN_DA(no_brackets, 1 / d * d)
SOFTSIGN_DA(upside_down, d * d)
SOFTSIGN_DA(one_over_square, 1 / (1 + a * a))
SOFTSIGN_DA(of_tanh, 1 - y * y)
SOFTSIGN_DA(by_y, y * y / (a * a))
SOFTSIGN_DA(forward, a / d)

#define NORM(name, value) static double norm_forward_##name(double a, double b) { return value; }
NORM(no_root, a * a + b * b)
NORM(overflow, sqrt(a * a + b * b))
NORM(sum, a + b)
NORM(sum_of_abs, fabs(a) + fabs(b))
NORM(minus, sqrt(a * a - b * b))
NORM(largest, fmax(fabs(a), fabs(b)))
NORM(not_squared, sqrt(fabs(a) + fabs(b)))
NORM(by_largest, fmax(fabs(a), fabs(b)) * hypot(a / fmax(fabs(a), fabs(b)), b / fmax(fabs(a), fabs(b))))
NORM(not_scaled_back, a == 0 && b == 0 ? 0 : hypot(a, b) / fmax(fabs(a), fabs(b)))

/* The same mistake for each operand: x is that one, and z the other. At 0, 0 it gives 0; or whatever it does. */
#define NORM_BY_ANY(name, value)                                                                                       \
    static double norm_of_##name(double x, double z, double y) { return value; }                                       \
    static double norm_da_##name(double a, double b, double y) { return norm_of_##name(a, b, y); }                     \
    static double norm_db_##name(double a, double b, double y) { return norm_of_##name(b, a, y); }
#define NORM_BY(name, value) NORM_BY_ANY(name, y == 0 ? 0 : value)
NORM_BY_ANY(not_at_0, x / y)
NORM_BY_ANY(one_at_0, y == 0 ? 1 : x / y)
NORM_BY(no_root, x)
NORM_BY(half, x / (2 * y))
NORM_BY_ANY(half_not_at_0, x / (2 * y))
NORM_BY(twice, 2 * x / y)
NORM_BY_ANY(twice_not_at_0, 2 * x / y)
NORM_BY(no_inner, 1 / (2 * y))
NORM_BY(other, z / y)
NORM_BY_ANY(other_not_at_0, z / y)
NORM_BY(sum, 1)
NORM_BY(sign, SIGN(x))
NORM_BY(by_square, x / (y * y))
NORM_BY(minus, -x / y)
NORM_BY(overflow, x / sqrt(x * x + z * z))
NORM_BY_ANY(overflow_not_at_0, x / sqrt(x * x + z * z))

/* What both derivatives of the length may have. */
#define NORM_MISTAKES(function)                                                                                        \
    MISTAKE(function, not_at_0, "at a = b = 0 it divides by 0: what is asked there stands in the task"),               \
    MISTAKE(function, one_at_0, "it is 1 at a = b = 0: what is asked there stands in the task"),                       \
    MISTAKE(function, no_root, "the slope of the root is missing: that is half the slope of a² + b²"),                 \
    MISTAKE(function, half, "half of it: the square below the root has a 2 in its slope"),                             \
    MISTAKE(function, half_not_at_0, "half of it: the square has a 2 in its slope; and at a = b = 0 it divides by 0"), \
    MISTAKE(function, twice, "twice of it: the slope of a root has a 2 below the line"),                               \
    MISTAKE(function, twice_not_at_0, "twice of it: the root's slope has a 2 below the line; and 0/0 at a = b = 0"),   \
    MISTAKE(function, no_inner, "the slope of a² + b² is missing: the chain rule multiplies by it"),                   \
    MISTAKE(function, other, "that belongs to the other operand: in a length, none waits for the other"),              \
    MISTAKE(function, other_not_at_0, "that belongs to the other operand; and at a = b = 0 it divides by 0"),          \
    MISTAKE(function, sum, "1 is the slope of a sum: a length is less than the sum of its parts"),                     \
    MISTAKE(function, sign, "that is the slope of an absolute value: here the other operand has its part, too"),       \
    MISTAKE(function, by_square, "one division too many: y is the root already, not what stands below it"),            \
    MISTAKE(function, minus, "the sign is turned: farther from 0, the length is larger"),                              \
    MISTAKE(function, overflow, "the square of 1e200 is infinite: the root is given, so why compute it again?"),       \
    MISTAKE(function, overflow_not_at_0, "the square of 1e200 is infinite: take y; and at a = b = 0 it divides by 0"),

static const Wrong wrongs_10[] = {
    MISTAKE(softsign_forward, no_abs, "below the line stands |a|, not a"),
    MISTAKE(softsign_forward, no_brackets, "/ comes before +: the sum below the line needs brackets"),
    MISTAKE(softsign_forward, abs_above, "the sign of a is lost: only below the line it is |a|"),
    MISTAKE(softsign_forward, square, "a is squared below the line: it is |a| there"),
    MISTAKE(softsign_forward, root, "a/√(1 + a²) is another one of that shape: there is no root here"),
    MISTAKE(softsign_forward, whole_abs, "abs is for whole numbers, and cuts off what stands behind the point"),
    MISTAKE(softsign_forward, minus, "the sign below the line: with a minus it would be infinite at 1"),
    MISTAKE(softsign_forward, slope, "that is its derivative: y is asked"),
    MISTAKE(softsign_forward, of_tanh, "that is tanh: softsign only looks like it"),
    MISTAKE(softsign_forward, no_one, "below the line the 1 is missing: only the sign of a is left"),
    MISTAKE(softsign_da, abs_constant, "|a| was taken for a constant: it moves with a, so the quotient rule is needed"),
    MISTAKE(softsign_da, abs_rises, "the slope of |a| is 1 on one side of 0 only: what is it on the other one?"),
    MISTAKE(softsign_da, abs_by_itself, "the slope of |a| is not a: how far does |a| move when a does?"),
    MISTAKE(softsign_da, no_abs, "for a > 0 that is right: for a < 0, is 1 + a what stands below the line?"),
    MISTAKE(softsign_da, turned, "the sign is turned: softsign grows everywhere"),
    MISTAKE(softsign_da, sign, "softsign grows on both sides of 0: its slope has no sign of a"),
    MISTAKE(softsign_da, sign_0, "the sign of a is a factor too many: on both sides, and at 0, the slope is above 0"),
    MISTAKE(softsign_da, no_brackets, "nothing is divided in the end: in C, / d * d divides and multiplies again"),
    MISTAKE(softsign_da, upside_down, "upside down: the slope is never above 1"),
    MISTAKE(softsign_da, one_over_square, "the square is of all that stands below the line, 1 + |a|"),
    MISTAKE(softsign_da, of_tanh,
            "1 − y² is the slope of tanh; it is also what a plus in the quotient rule makes of softsign"),
    MISTAKE(softsign_da, by_y, "at a = 0 that is 0/0, and there is a slope there, too"),
    MISTAKE(softsign_da, forward, "that is y itself: its slope is asked"),
    MISTAKE(norm_forward, no_root, "the root is missing"),
    MISTAKE(norm_forward, overflow, "near 1e200 the squares are infinite, and y is not"),
    MISTAKE(norm_forward, sum, "√(a² + b²) is not a + b: try 3 and 4"),
    MISTAKE(norm_forward, sum_of_abs, "|a| + |b| is the way along two sides: the diagonal is asked"),
    MISTAKE(norm_forward, minus, "the squares are added"),
    MISTAKE(norm_forward, largest, "that is the larger of |a| and |b|: the other one has its part, too"),
    MISTAKE(norm_forward, not_squared, "the operands are not squared below the root"),
    MISTAKE(norm_forward, by_largest, "where a and b are 0, it divides by the larger of them"),
    MISTAKE(norm_forward, not_scaled_back, "what was taken out of the root is not multiplied back"),
    NORM_MISTAKES(norm_da)
    NORM_MISTAKES(norm_db)
};

// clang-format on

/* ---- all --------------------------------------------------------------------------------------------------------- */

#define ALL_OF(list)                                                                                                   \
    {                                                                                                                  \
        list, sizeof list / sizeof list[0]                                                                             \
    }

static const struct {
    const Wrong *wrongs;
    size_t count;
} mistakes[] = {ALL_OF(wrongs_1), ALL_OF(wrongs_2), ALL_OF(wrongs_3), ALL_OF(wrongs_4), ALL_OF(wrongs_5),
                ALL_OF(wrongs_6), ALL_OF(wrongs_7), ALL_OF(wrongs_9), ALL_OF(wrongs_10)};

/* The index-th of those of the task, or NULL. */
static const Wrong *wrong_of(const Task *task, int index)
{
    for (size_t lab = 0; lab < sizeof mistakes / sizeof mistakes[0]; lab++)
        for (size_t i = 0; i < mistakes[lab].count; i++)
            if (strcmp(mistakes[lab].wrongs[i].function, task->function) == 0 && index-- == 0)
                return &mistakes[lab].wrongs[i];
    return NULL;
}

int mistakes_of(const Task *task)
{
    int count = 0;
    while (wrong_of(task, count) != NULL)
        count++;
    return count;
}

const char *mistake_why(const Task *task, int index) { return wrong_of(task, index)->why; }

void mistake_call(const Task *task, int index, const double *in, double *out)
{
    const Wrong *wrong = wrong_of(task, index);
    Functions functions = reference;
    memcpy((char *)&functions + wrong->offset, &wrong->wrong, sizeof wrong->wrong);
    task->call(&functions, in, out);
}
