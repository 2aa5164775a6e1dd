/* ops.h - the table of ops. Every op of the engine stands here, once: its value, its local derivatives beside it, the
 * mathematics above them, and one row in OP_TABLE with its name and the derivatives as text.
 *
 * An op takes one operand a, or two, a and b, or a list a[0..n), or two lists of equal length, taken in pairs. Its
 * value is called y. The local derivatives ∂y/∂a and ∂y/∂b are functions of three numbers, a, b and y: for a list op
 * they are asked for one element, or one pair, at a time, and where there is no b it is how many operands there are.
 * Reverse mode, forward mode, the gradient check and the labels in a diagram all read these functions and no others. In
 * gdb, `break tanh_da` stops in the derivative of tanh and shows its three numbers.
 *
 * To add an op: write its functions here, the mathematics above them; give it a row in OP_TABLE; give it a builder
 * v_NAME in value.h (and, unless it has one operand, d_NAME in dual.h). Then `make cheat_sheet` writes its row of
 * lessons/README.md. A test names what was forgotten.
 *
 * An op of your own needs no change here. Put its functions into a header my_ops.h, with its row in a macro
 * STEPGRAD_OWN_OPS(X), and compile engine and program with -DSTEPGRAD_OWN_OPS_FILE='"my_ops.h"': value_unary and
 * value_binary build it, and all that reads the table knows it. lessons/labs/own/own_ops.h is one.
 *
 * Where a function has no derivative (relu and abs at 0, a tie in max or min) the value is the usual convention:
 * relu'(0) = abs'(0) = 0, and a tie gives one half to each side. The formulas in the table hold everywhere else.
 * It is a convention too that a local derivative of 0 passes nothing on, even where the gradient behind it is infinite
 * and the product 0·∞ would be NaN. It keeps a gate shut, and its price is a wrong 0 where an infinite slope and a
 * slope of 0 would cancel: exp(log x) at 0 has slope 1, and gets 0. graph_first_nonfinite finds the −∞ on the way.
 */
#ifndef STEPGRAD_OPS_H
#define STEPGRAD_OPS_H

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#if defined(__TINYC__)
#error "stepgrad: use gcc or clang: tcc leaves bools after a bit-field unset and passes structs otherwise than they do"
#endif
#if defined(__FAST_MATH__) || (defined(__FINITE_MATH_ONLY__) && __FINITE_MATH_ONLY__)
#error "stepgrad: compile without -ffast-math: it lets the compiler change sums and forget NaN and infinity"
#endif
#if defined(__ASSOCIATIVE_MATH__) || defined(__RECIPROCAL_MATH__) || defined(__NO_SIGNED_ZEROS__)
#error "stepgrad: compile without -funsafe-math-optimizations and its parts: they let the compiler change numbers"
#endif
#if defined(FLT_EVAL_METHOD) && FLT_EVAL_METHOD != 0 && FLT_EVAL_METHOD != 1
#error "stepgrad: doubles are computed in a wider format here; on 32-bit x86 compile with -msse2 -mfpmath=sse"
#endif

#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-parameter" /* all derivatives take (a, b, y); few need all three */
#endif

/* ---- arithmetic ---------------------------------------------------------------------------------------------- */

/* add:  y = a + b,   ∂y/∂a = 1,   ∂y/∂b = 1 */
static inline double add_forward(double a, double b) { return a + b; }
static inline double add_da(double a, double b, double y) { return 1; }
static inline double add_db(double a, double b, double y) { return 1; }

/* sub:  y = a − b,   ∂y/∂a = 1,   ∂y/∂b = −1 */
static inline double sub_forward(double a, double b) { return a - b; }
static inline double sub_da(double a, double b, double y) { return 1; }
static inline double sub_db(double a, double b, double y) { return -1; }

/* mul:  y = a·b,   ∂y/∂a = b,   ∂y/∂b = a   (the product rule: each factor waits for the other) */
static inline double mul_forward(double a, double b) { return a * b; }
static inline double mul_da(double a, double b, double y) { return b; }
static inline double mul_db(double a, double b, double y) { return a; }

/* div:  y = a/b,   ∂y/∂a = 1/b,   ∂y/∂b = −a/b² = −y/b   (the form with y cannot overflow in b²) */
static inline double div_forward(double a, double b) { return a / b; }
static inline double div_da(double a, double b, double y) { return 1 / b; }
static inline double div_db(double a, double b, double y) { return -y / b; }

/* neg:  y = −a,   ∂y/∂a = −1 */
static inline double neg_forward(double a, double b) { return -a; }
static inline double neg_da(double a, double b, double y) { return -1; }

/* pow:  y = aᵇ,   ∂y/∂a = b·aᵇ⁻¹,   ∂y/∂b = aᵇ·log a
 * a⁰ is the constant 1, so ∂y/∂a = 0 there even at a = 0, where b·aᵇ⁻¹ would be 0·∞. And 0ᵇ is 0 for every b > 0, so
 * ∂y/∂b = 0 there, where aᵇ·log a would be 0·(−∞), and so it is taken to be at 0⁰. For a < 0 only whole exponents have
 * a value: no derivative in b. */
static inline double pow_forward(double a, double b) { return pow(a, b); }
static inline double pow_da(double a, double b, double y) { return b == 0 ? 0 : b * pow(a, b - 1); }
static inline double pow_db(double a, double b, double y)
{
    const bool power_of_zero = a == 0 && b == 0;
    return power_of_zero || (y == 0 && a >= 0) ? 0 : y * log(a);
}

/* max:  y = the larger,   ∂y/∂a = 1 if a is the larger, ½ in a tie, else 0.   NaN is passed on, never hidden. */
static inline double max_forward(double a, double b) { return a > b || isnan(a) ? a : b; }
static inline double max_da(double a, double b, double y)
{
    return isnan(a) ? a : isnan(b) ? 0 : a > b ? 1 : a < b ? 0 : 0.5;
}
static inline double max_db(double a, double b, double y) { return max_da(b, a, y); }

/* min:  y = the smaller,   ∂y/∂a = 1 if a is the smaller, ½ in a tie, else 0 */
static inline double min_forward(double a, double b) { return a < b || isnan(a) ? a : b; }
static inline double min_da(double a, double b, double y)
{
    return isnan(a) ? a : isnan(b) ? 0 : a < b ? 1 : a > b ? 0 : 0.5;
}
static inline double min_db(double a, double b, double y) { return min_da(b, a, y); }

/* ---- functions of one number ----------------------------------------------------------------------------------- */

/* exp:  y = eᵃ,   ∂y/∂a = y */
static inline double exp_forward(double a, double b) { return exp(a); }
static inline double exp_da(double a, double b, double y) { return y; }

/* log:  y = log a (natural),   ∂y/∂a = 1/a   for a > 0; below 0 neither exists */
static inline double log_forward(double a, double b) { return log(a); }
static inline double log_da(double a, double b, double y) { return a < 0 ? NAN : 1 / a; }

/* sqrt:  y = √a,   ∂y/∂a = 1/(2y) */
static inline double sqrt_forward(double a, double b) { return sqrt(a); }
static inline double sqrt_da(double a, double b, double y) { return 0.5 / y; }

/* sin:  y = sin a,   ∂y/∂a = cos a */
static inline double sin_forward(double a, double b) { return sin(a); }
static inline double sin_da(double a, double b, double y) { return cos(a); }

/* cos:  y = cos a,   ∂y/∂a = −sin a */
static inline double cos_forward(double a, double b) { return cos(a); }
static inline double cos_da(double a, double b, double y) { return -sin(a); }

/* abs:  y = |a|,   ∂y/∂a = sign of a, and 0 at 0 */
static inline double abs_forward(double a, double b) { return fabs(a); }
static inline double abs_da(double a, double b, double y) { return a > 0 ? 1 : a < 0 ? -1 : a; }

/* ---- activations ----------------------------------------------------------------------------------------------- */

/* tanh:  y = tanh a,   ∂y/∂a = 1 − y² = 4e/(1 + e)² with e = e^−2|a|
 * Near ±1 the last digits of y are all that 1 − y² has, and none are left once y rounds to 1: the form with e keeps
 * them. */
static inline double tanh_forward(double a, double b) { return tanh(a); }
static inline double tanh_da(double a, double b, double y)
{
    if (y * y < 0.5)
        return 1 - y * y;
    const double e = exp(-2 * fabs(a));
    return 4 * e / ((1 + e) * (1 + e));
}

/* sigmoid:  y = 1/(1 + e⁻ᵃ),   ∂y/∂a = y(1 − y)
 * For a < 0 it is computed as eᵃ/(1 + eᵃ), so that e⁻ᵃ cannot overflow. For a > 0 the derivative takes 1 − y as
 * sigmoid(−a): the subtraction would lose its digits as y nears 1, and all of them once y rounds to 1. */
static inline double sigmoid_forward(double a, double b) { return a < 0 ? exp(a) / (1 + exp(a)) : 1 / (1 + exp(-a)); }
static inline double sigmoid_da(double a, double b, double y) { return y * (a > 0 ? sigmoid_forward(-a, b) : 1 - y); }

/* relu:  y = max(a, 0),   ∂y/∂a = 1 for a > 0, else 0 (at 0 too); relu(NaN) = NaN */
static inline double relu_forward(double a, double b) { return a <= 0 ? 0 : a; }
static inline double relu_da(double a, double b, double y) { return a > 0 ? 1 : a <= 0 ? 0 : a; }

/* softplus:  y = log(1 + eᵃ) = max(a, 0) + log(1 + e^−|a|),   ∂y/∂a = sigmoid a */
static inline double softplus_forward(double a, double b) { return relu_forward(a, b) + log1p(exp(-fabs(a))); }
static inline double softplus_da(double a, double b, double y) { return sigmoid_forward(a, b); }

/* leaky_relu:  y = a for a > 0, else a/100,   ∂y/∂a = 1 for a > 0, else 1/100 (at 0 too); leaky_relu(NaN) = NaN */
static inline double leaky_relu_forward(double a, double b) { return a > 0 ? a : a / 100; }
static inline double leaky_relu_da(double a, double b, double y) { return a > 0 ? 1 : a <= 0 ? 0.01 : a; }

/* erfc:  y = erfc a = 2/√π·∫ₐ^∞ e^(−t²) dt,   ∂y/∂a = −2/√π·e^(−a²)
 * Φ(a) = erfc(−a/√2)/2 is how likely a normal number is below a. 1.128... is 2/√π, and 0.398... below is 1/√(2π). */
static inline double erfc_forward(double a, double b) { return erfc(a); }
static inline double erfc_da(double a, double b, double y) { return -1.1283791670955126 * exp(-a * a); }

/* gelu:  y = a·Φ(a) = a·erfc(−a/√2)/2,   ∂y/∂a = Φ(a) + a·φ(a),   φ(a) = e^(−a²/2)/√(2π)
 * Φ and φ are the normal distribution and its density: a is let through as often as a normal number is below it. Beyond
 * ±40 the tail of Φ is below the smallest double. Source: Hendrycks & Gimpel (2016), Gaussian error linear units. */
static inline double gelu_forward(double a, double b) { return a > 40 ? a : a < -40 ? 0 : a * erfc(-a / sqrt(2)) / 2; }
static inline double gelu_da(double a, double b, double y)
{
    return fabs(a) > 40 ? a > 0 : erfc(-a / sqrt(2)) / 2 + 0.3989422804014327 * a * exp(-a * a / 2);
}

/* ---- ops of a list: n elements a[0..n), or n pairs a[i], b[i] ---------------------------------------------------- */

/* sum:  y = Σ aᵢ,   ∂y/∂aᵢ = 1
 * Each addition rounds; what it rounded off is known exactly, is added up beside the sum, and put back at the end, so
 * that 1e17 + 1 − 1e17 is 1. Source: Neumaier (1974), Rundungsfehleranalyse einiger Verfahren zur Summation. */
static inline double sum_forward(size_t n, const double *a, const double *b, size_t stride)
{
    double y = 0, lost = 0;
    for (size_t i = 0; i < n; i++) {
        const double x = a[i * stride];
        const double sum = y + x;
        lost += fabs(y) >= fabs(x) ? (y - sum) + x : (x - sum) + y;
        y = sum;
    }
    return isfinite(y) ? y + lost : y; /* beside an infinity or NaN, what was lost is NaN */
}
static inline double sum_da(double a, double b, double y) { return 1; }

/* dot:  y = Σ aᵢ·bᵢ,   ∂y/∂aᵢ = bᵢ,   ∂y/∂bᵢ = aᵢ   (each pair by the product rule)
 * A neuron is a dot with a bias, y = w·x + c: see v_dot_bias in value.h; ∂y/∂c = 1. */
static inline double dot_forward(size_t n, const double *a, const double *b, size_t stride)
{
    double even = 0, odd = 0; /* two sums side by side: an addition need not wait for the one before it */
    for (size_t i = 0; i + 1 < n; i += 2) {
        even += a[i * stride] * b[i * stride];
        odd += a[(i + 1) * stride] * b[(i + 1) * stride];
    }
    if (n % 2 == 1)
        even += a[(n - 1) * stride] * b[(n - 1) * stride];
    return even + odd;
}
static inline double dot_da(double a, double b, double y) { return b; }
static inline double dot_db(double a, double b, double y) { return a; }

/* logsumexp:  y = log Σ e^aᵢ = m + log(1 + Σ_{i≠k} e^(aᵢ−m)) with m = a_k the largest,   ∂y/∂aᵢ = e^(aᵢ−y)
 * Taking out the largest keeps every exponent at or below 0, so nothing overflows; its own term is the 1, so log1p
 * keeps what the others add even when it is far below 1. The derivatives are the softmax of a; there
 * is none when some aᵢ is +∞ and takes all, or all are −∞. One operand alone is y itself, infinite or not: 1. */
static inline double logsumexp_forward(size_t n, const double *a, const double *b, size_t stride)
{
    size_t k = 0;
    for (size_t i = 1; i < n; i++)
        if (a[i * stride] > a[k * stride] || isnan(a[i * stride]))
            k = i;
    const double m = a[k * stride];
    if (isinf(m)) /* all are −∞, or one is +∞: aᵢ − m would be NaN */
        return m;
    double others = 0;
    for (size_t i = 0; i < n; i++)
        if (i != k)
            others += exp(a[i * stride] - m);
    return m + log1p(others);
}
static inline double logsumexp_da(double a, double n, double y)
{
    if (n == 1)
        return 1;
    return y < INFINITY ? exp(a - y) : NAN;
}

#ifdef STEPGRAD_OWN_OPS_FILE
#include STEPGRAD_OWN_OPS_FILE
#else
#define STEPGRAD_OWN_OPS(X) /* none */
#endif

/* ---- the table --------------------------------------------------------------------------------------------------- */

/* One row per op:  X(CODE, name, shape, SMOOTH or KINK, text of y, formula of ∂y/∂a, formula of ∂y/∂b, why).
 * OP_TABLE(X) writes X(...) for every row, so whoever needs something of each op says what X makes of a row:
 *
 *     #define NAME(CODE, name, ...) #name,
 *     const char *names[] = {OP_TABLE(NAME)};          // {"add", "sub", "mul", ...}
 *
 * So are made the enum OpCode below, op_table in ops.c, and a push function per op in backward.c.
 * The shape says which operands there are: UNARY a, BINARY a and b, LIST a[0..n), PAIRS a[0..n) and b[0..n).
 * KINK: it has no derivative where a is 0, or where a and b are equal if it has two operands.
 * Formulas are C expressions in a, b and y: they are printed on the edges of a diagram, and a test compiles them and
 * compares them with the functions above. hessian.h differentiates them once more, so they call only what is both an op
 * and a function of C, as exp and pow are, with fabs, fmax and fmin for abs, max and min; and sigmoid. A quotient of
 * whole numbers would lose its fraction in C: 1.0 / 2. An op with no b has 0 there. The last column says in words what
 * the derivatives mean. */
// clang-format off
#define OP_TABLE(X)                                                                                                    \
    X(ADD, add, BINARY, SMOOTH, "a + b", 1, 1,                                                                         \
      "A sum passes its gradient on unchanged: nudge either term, and the sum moves by just as much.")                 \
    X(SUB, sub, BINARY, SMOOTH, "a - b", 1, -1,                                                                        \
      "The first operand gets the gradient unchanged, the second one negated: the more is taken away, the less "       \
      "is left.")                                                                                                      \
    X(MUL, mul, BINARY, SMOOTH, "a * b", b, a,                                                                         \
      "Each factor is scaled by the other: nudge one, and the product moves by that much times the other.")            \
    X(DIV, div, BINARY, SMOOTH, "a / b", 1 / b, -y / b,                                                                \
      "A larger numerator raises the quotient by 1 over the denominator; a larger denominator lowers it.")             \
    X(NEG, neg, UNARY, SMOOTH, "-a", -1, 0,                                                                            \
      "Nudge it up, and its negative moves down by just as much.")                                                     \
    X(POW, pow, BINARY, SMOOTH, "a ^ b", b * pow(a, b - 1), y * log(a),                                                \
      "The exponent comes down as a factor, and the power that is left is lower by one.")                              \
    X(MAX, max, BINARY, KINK, "max(a, b)", a > b, b > a,                                                               \
      "Only the larger operand moves the result, so all of the gradient goes there; a tie is shared.")                 \
    X(MIN, min, BINARY, KINK, "min(a, b)", a < b, b < a,                                                               \
      "Only the smaller operand moves the result, so all of the gradient goes there; a tie is shared.")                \
    X(EXP, exp, UNARY, SMOOTH, "exp(a)", y, 0,                                                                         \
      "The exponential is its own derivative: the larger the value, the more a nudge moves it.")                       \
    X(LOG, log, UNARY, SMOOTH, "log(a)", 1 / a, 0,                                                                     \
      "The logarithm turns a nudge into a relative one: the larger the operand, the less it moves.")                   \
    X(SQRT, sqrt, UNARY, SMOOTH, "sqrt(a)", 1 / (2 * y), 0,                                                            \
      "The root is steep near 0 and ever flatter further up.")                                                         \
    X(SIN, sin, UNARY, SMOOTH, "sin(a)", cos(a), 0,                                                                    \
      "The slope of the sine is the cosine.")                                                                          \
    X(COS, cos, UNARY, SMOOTH, "cos(a)", -sin(a), 0,                                                                   \
      "The slope of the cosine is minus the sine.")                                                                    \
    X(ABS, abs, UNARY, KINK, "|a|", a > 0 ? 1 : -1, 0,                                                                 \
      "Right of 0 a nudge passes unchanged, left of 0 negated.")                                                       \
    X(TANH, tanh, UNARY, SMOOTH, "tanh(a)", 1 - y * y, 0,                                                              \
      "Steepest at 0, where the derivative is 1. Near -1 and 1 the curve is flat and little gradient gets "            \
      "through: it saturates.")                                                                                        \
    X(SIGMOID, sigmoid, UNARY, SMOOTH, "sigmoid(a)", y * (1 - y), 0,                                                   \
      "Steepest in the middle, where the derivative is 1/4. Near 0 and 1 the curve is flat and little gradient "       \
      "gets through: it saturates.")                                                                                   \
    X(RELU, relu, UNARY, KINK, "relu(a)", a > 0, 0,                                                                    \
      "A gate: open for operands above 0, where the gradient passes unchanged, and shut below.")                       \
    X(SOFTPLUS, softplus, UNARY, SMOOTH, "softplus(a)", sigmoid(a), 0,                                                 \
      "A relu with a round corner: its slope is the sigmoid, between 0 and 1.")                                        \
    X(LEAKY_RELU, leaky_relu, UNARY, KINK, "leaky_relu(a)", a > 0 ? 1 : 0.01, 0,                                       \
      "A gate that never shuts: below 0 a hundredth of the gradient still gets through.")                              \
    X(ERFC, erfc, UNARY, SMOOTH, "erfc(a)", -1.1283791670955126 * exp(-a * a), 0,                                      \
      "It falls from 2 to 0: steepest at 0, and flat on both sides. The slope is a bell upside down.")                 \
    X(GELU, gelu, UNARY, SMOOTH, "gelu(a)", erfc(-a / sqrt(2)) / 2 + 0.3989422804014327 * a * exp(-a * a / 2), 0,      \
      "A gate that opens gradually: shut far below 0 and open far above; a little below 0 the curve even bends back.") \
    X(SUM, sum, LIST, SMOOTH, "sum(a)", 1, 0,                                                                          \
      "A sum passes its gradient on unchanged to each of its terms.")                                                  \
    X(DOT, dot, PAIRS, SMOOTH, "dot(a, b)", b, a,                                                                      \
      "Each factor is scaled by its partner, as in a product, and a bias gets the gradient unchanged.")                \
    X(LOGSUMEXP, logsumexp, LIST, SMOOTH, "logsumexp(a)", exp(a - y), 0,                                               \
      "The derivatives are the softmax: they share the gradient out, the larger operand the larger share, and "        \
      "add up to 1.")                                                                                                  \
    STEPGRAD_OWN_OPS(X)
// clang-format on

typedef enum OpShape { SHAPE_LEAF, SHAPE_UNARY, SHAPE_BINARY, SHAPE_LIST, SHAPE_PAIRS } OpShape;

/* The ops, and before them the three kinds of leaf: a node that was computed from nothing. */
typedef enum OpCode {
    OP_PARAM, /* a leaf that wants a gradient */
    OP_INPUT, /* a leaf that is given: data */
    OP_CONST, /* a plain number in an expression */
#define OP_CODE(CODE, ...) OP_##CODE,
    OP_TABLE(OP_CODE)
#undef OP_CODE
        OP_COUNT,
    OP_FAILED = OP_COUNT /* what a builder returns when there is no memory: see graph.h */
} OpCode;

/* A local derivative, at the operands a and b and the value y. */
typedef double LocalDerivative(double a, double b, double y);

typedef struct OpInfo {
    const char *name;                      /* "tanh" */
    OpShape shape;                         /* which operands it takes */
    bool has_kink;                         /* not differentiable at a = 0, or where a = b if it takes two */
    const char *text;                      /* the value as text: "tanh(a)" */
    const char *da_text;                   /* ∂y/∂a as text: "1 - y * y" */
    const char *db_text;                   /* ∂y/∂b as text; "0" when there is no b */
    const char *why;                       /* what the derivatives mean, in a sentence; NULL for a leaf */
    double (*forward)(double a, double b); /* of one operand or two, else NULL */
    double (*list_forward)(size_t n, const double *a, const double *b, size_t stride); /* of lists, else NULL */
    LocalDerivative *da;                                                               /* NULL for a leaf */
    LocalDerivative *db;                                                               /* NULL when there is no b */
    LocalDerivative *da_formula, *db_formula; /* what da_text and db_text say, computed: off the kinks the same */
} OpInfo;

/* Indexed by OpCode. */
extern const OpInfo op_table[OP_COUNT + 1];

/* Print the table in Markdown, a row per op: the cheat sheet of lessons/README.md. */
void op_table_print(FILE *out);

/* What is wrong with the arithmetic that this thread computes with, as a clause for a message; NULL when nothing is.
 * It finds what no macro tells at the top of this file: clang's -fassociative-math and its kin, a link with -Ofast,
 * which makes gcc set the processor to flush the smallest numbers to 0. It does not find approximate functions
 * (-fapprox-func), a fused multiply-add (-ffp-contract=fast), a file of the engine compiled with other flags than
 * ops.c, or what a thread does to its processor later. */
const char *op_arithmetic_fault(void);

#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

#endif
