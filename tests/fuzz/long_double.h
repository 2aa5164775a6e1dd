/* long_double.h - the values, gradients and second derivatives of a graph in long double, each with a bound on how far
 * the engine's double may be from it.
 *
 *     backward_from(root, seed);
 *     long_double_check(root, seed);                     ends the program at a number that is out of its bound
 *
 * or step by step:
 *
 *     precision = of_double;
 *     Exact exact = exact_new(root, FROM_DATA);
 *     exact.data[exact_place(&exact, param)].tangent = near_exactly(1);      if something is to move
 *     exact_forward(&exact);
 *     exact_backward(&exact, seed);
 *     near_require(exact.grad[i].tangent, x, exact.order[i], "a second derivative");
 *
 * Include it before all other headers of the engine: it compiles the op table with long double in place of double, and
 * op_table is that table here. A value is computed by mathematics of its own; a local derivative is the formula of the
 * table, which is another statement of it than the code, or one that keeps more digits.
 *
 * The bound is a running error analysis (Wilkinson 1963; Higham, Accuracy and Stability of Numerical Algorithms, 3.3),
 * with u = 2⁻⁵³: an addition, product or quotient adds u·|result| to what its operands bring along, and a function as
 * much as its operands' errors move it, and its own roundings (exact_step). How far errors move a function is
 * seen at the corners of where its operands may be. Where something overflows or has a pole there, the bound is
 * infinite.
 */
#ifndef STEPGRAD_TESTS_FUZZ_LONG_DOUBLE_H
#define STEPGRAD_TESTS_FUZZ_LONG_DOUBLE_H

#include "fuzz.h"

#include <stddef.h>
#include <tgmath.h>

#define op_table long_op_table
#define op_table_print long_op_table_print
#define op_arithmetic_fault long_op_arithmetic_fault
#if defined(__clang__)
#pragma clang diagnostic ignored "-Wkeyword-macro"
#endif
#define double long double
#include "ops.c"
#undef double

#include "graph.h"
#include "hessian_parts.h"
#include "order.h"

/* ---- a number within e of x -------------------------------------------------------------------------------------- */

typedef struct Near {
    long double x, e;
} Near;

/* Whether it has more digits than double: not everywhere. */
static inline bool exact_is_finer(void) { return LDBL_MANT_DIG > DBL_MANT_DIG; }

/* Of the arithmetic that is bounded. */
typedef struct Precision {
    long double unit, smallest, largest; /* relative rounding, absolute below the normal numbers, and where it ends */
} Precision;

static const Precision of_double = {0x1p-53L, DBL_TRUE_MIN, DBL_MAX};
static const Precision of_long_double = {LDBL_EPSILON / 2, LDBL_MIN, LDBL_MAX};
static Precision precision;

enum { FUNCTION_ROUNDINGS = 16, OPERAND_ROUNDINGS = 4 }; /* erfc is off by 5 ulps; −a/√2 in gelu is rounded first */

static inline Near near_exactly(long double x) { return (Near){x, 0}; }
static inline bool near_is(Near a, long double x) { return a.x == x && a.e == 0; }

/* Requires the engine's x for v to be within the bound. */
static inline void near_require(Near a, double x, const Value *v, const char *what)
{
    if (a.e == INFINITY || fabsl(x - a.x) <= a.e)
        return;
    value_print(v, stderr);
    fprintf(stderr, "%s: %a, want %La, and at most %Lg away\n", what, x, a.x, a.e);
    abort();
}

static inline Near near_settle(long double x, long double e)
{
    return (Near){x, fabsl(x) + e <= precision.largest ? e : INFINITY};
}

static inline Near near_add(Near a, Near b)
{
    const long double x = a.x + b.x;
    return near_is(a, 0) ? b : near_is(b, 0) ? a : near_settle(x, a.e + b.e + precision.unit * fabsl(x));
}

/* A sum of which nobody knows in what order it was added up: each of its additions is off by u·Σ|terms| at most. */
typedef struct Sum {
    long double x, e, size;
    int terms;
} Sum;

static inline void sum_add(Sum *sum, Near term)
{
    sum->x += term.x, sum->e += term.e, sum->size += fabsl(term.x), sum->terms += !near_is(term, 0);
}

static inline Near sum_near(const Sum *sum)
{
    const int additions = sum->terms > 1 ? sum->terms - 1 : 0;
    const Near total = near_settle(sum->x, sum->e + additions * precision.unit * (sum->size + sum->e));
    return sum->size <= precision.largest ? total : near_settle(INFINITY, INFINITY);
}

/* Nothing passes where a factor is 0: the convention of ops.h. */
static inline Near near_mul(Near a, Near b)
{
    const long double x = a.x * b.x;
    if (near_is(a, 0) || near_is(b, 0))
        return near_exactly(0);
    return near_settle(x, fabsl(a.x) * b.e + fabsl(b.x) * a.e + a.e * b.e + precision.unit * fabsl(x) +
                              precision.smallest);
}

/* ---- a function, at the corners of where its operands may be ----------------------------------------------------- */

/* The op by mathematics of its own, and in e what the engine's own arithmetic may be off by, in u·|result|: ulps of
 * glibc's functions (its manual, "Errors in Math Functions") count twice, and a step of arithmetic once. An op that is
 * not here, or an operand that is no number, is as the table has it. */
static inline Near exact_step(OpCode op, long double a, long double b)
{
    const bool finite = isfinite(a) && isfinite(b);
    switch (finite ? op : OP_COUNT) {
    case OP_ADD: return (Near){a + b, 1};
    case OP_SUB: return (Near){a - b, 1};
    case OP_MUL: return (Near){a * b, 1};
    case OP_DIV: return (Near){a / b, 1};
    case OP_NEG: return (Near){-a, 0};
    case OP_POW: return (Near){powl(a, b), 2};
    case OP_MAX: return (Near){fmaxl(a, b), 0};
    case OP_MIN: return (Near){fminl(a, b), 0};
    case OP_EXP: return (Near){expl(a), 2};
    case OP_LOG: return (Near){logl(a), 2};
    case OP_SQRT: return (Near){sqrtl(a), 1};
    case OP_SIN: return (Near){sinl(a), 2};
    case OP_COS: return (Near){cosl(a), 2};
    case OP_ABS: return (Near){fabsl(a), 0};
    case OP_TANH: return (Near){tanhl(a), 8};
    case OP_SIGMOID: return (Near){1 / (1 + expl(-a)), 8};
    case OP_RELU: return (Near){a > 0 ? a : 0, 0};
    case OP_SOFTPLUS: return (Near){a > 0 ? a + log1pl(expl(-a)) : log1pl(expl(a)), 8};
    case OP_LEAKY_RELU: return (Near){a > 0 ? a : a / 100, 1};
    case OP_GELU: return (Near){a * erfcl(-a / sqrtl(2)) / 2, FUNCTION_ROUNDINGS};
    default: return (Near){op_table[op].forward(a, b), FUNCTION_ROUNDINGS};
    }
}

/* How far the op moves from x when its operands are off by ea and eb; NAN where it has a pole or no value. */
static inline long double moved_by(OpCode op, Near a, Near b, long double ea, long double eb, long double x)
{
    if (op == OP_SIN || op == OP_COS)
        return ea < 2 ? ea : 2; /* corners say little of what repeats itself */
    long double most = 0;
    for (int i = ea > 0 ? -1 : 0; i <= (ea > 0 ? 2 : 0); i++)
        for (int j = eb > 0 ? -1 : 0; j <= (eb > 0 ? 2 : 0); j++) { /* 2: at 0, if that is in between */
            const bool skip = (i == 2 && !(fabsl(a.x) < a.e)) || (j == 2 && !(fabsl(b.x) < b.e));
            const long double ai = i == 2 ? 0 : a.x + i * ea, bj = j == 2 ? 0 : b.x + j * eb;
            const long double d = skip ? 0 : fabsl(exact_step(op, ai, bj).x - x);
            most = isnan(d) || isnan(most) ? NAN : d > most ? d : most;
        }
    return most;
}

static inline Near near_function(OpCode op, Near a, Near b)
{
    const Near step = exact_step(op, a.x, b.x);
    const long double turn = step.e < FUNCTION_ROUNDINGS ? 0 : OPERAND_ROUNDINGS * precision.unit;
    long double moved = moved_by(op, a, b, a.e + turn * fabsl(a.x), b.e + turn * fabsl(b.x), step.x);
    if (isnan(moved) && a.e == 0 && b.e == 0)
        moved = 0; /* a power of a negative number has no value beside a whole exponent */
    return near_settle(step.x, moved + step.e * precision.unit * fabsl(step.x) + precision.smallest);
}

/* ---- a number and how fast it moves ------------------------------------------------------------------------------ */

typedef struct Jet {
    Near value, tangent;
} Jet;

static inline Jet jet_constant(long double x) { return (Jet){{x, 0}, {0, 0}}; }

static inline Jet jet_mul(Jet a, Jet b)
{
    return (Jet){near_mul(a.value, b.value), near_add(near_mul(a.tangent, b.value), near_mul(a.value, b.tangent))};
}

/* The text of the table, but stated anew where that loses digits in saturation or has a constant. */
static inline const char *formula_text(OpCode op, bool in_b)
{
    return in_b               ? op_table[op].db_text
           : op == OP_TANH    ? "4 * sigmoid(2 * a) * sigmoid(-2 * a)"
           : op == OP_SIGMOID ? "y * sigmoid(-a)"
           : op == OP_ERFC    ? "-1.1283791670955126 * exp(-a * a)"                                 /* 2/√π */
           : op == OP_GELU    ? "erfc(-a / sqrt(2)) / 2 + 0.3989422804014327 * a * exp(-a * a / 2)" /* 1/√2π */
                              : op_table[op].da_text;
}

static inline const Formula *formula_of(OpCode op, bool in_b)
{
    static Formula formulas[OP_COUNT][2];
    Formula *formula = &formulas[op][in_b];
    if (formula->count == 0)
        fuzz_require(formula_read(formula, formula_text(op, in_b)) == NULL, "a formula of the table can be read");
    return formula;
}

static Jet jet_formula(const Formula *formula, Jet a, Jet b, Jet y);

/* Only what moves has its derivative taken: that ends the recursion. */
static Jet jet_function(OpCode op, Jet a, Jet b)
{
    Jet y = {near_function(op, a.value, b.value), {0, 0}};
    const Jet still[] = {{a.value, {0, 0}}, {b.value, {0, 0}}}, y_still = y;
    if (!near_is(a.tangent, 0))
        y.tangent = near_mul(jet_formula(formula_of(op, false), still[0], still[1], y_still).value, a.tangent);
    if (!near_is(b.tangent, 0))
        y.tangent = near_add(y.tangent,
                             near_mul(jet_formula(formula_of(op, true), still[0], still[1], y_still).value, b.tangent));
    return y;
}

/* 1 or 0; unknown where errors may turn it. */
static inline Jet jet_compare(char comparison, Near a, Near b)
{
    const long double gap = a.x - b.x;
    const bool holds = comparison == '<'   ? gap < 0
                       : comparison == '>' ? gap > 0
                       : comparison == 'l' ? gap <= 0
                       : comparison == 'g' ? gap >= 0
                       : comparison == 'e' ? gap == 0
                                           : gap != 0;
    const long double errors = a.e + b.e;
    return (Jet){{holds, errors > 0 && !(fabsl(gap) > errors) ? INFINITY : 0}, {0, 0}};
}

static Jet jet_formula(const Formula *formula, Jet a, Jet b, Jet y)
{
    Jet result[FORMULA_STEPS_MOST];
    for (int i = 0; i < formula->count; i++) {
        const FormulaStep *s = &formula->steps[i];
        const short *x = s->operand;
        switch (s->kind) {
        case FORMULA_A: result[i] = a; break;
        case FORMULA_B: result[i] = b; break;
        case FORMULA_Y: result[i] = y; break;
        case FORMULA_NUMBER: result[i] = jet_constant(s->number); break;
        case FORMULA_OP:
            result[i] = jet_function(s->op, result[x[0]], x[1] < 0 ? jet_constant(0) : result[x[1]]);
            break;
        case FORMULA_COMPARE: result[i] = jet_compare(s->comparison, result[x[0]].value, result[x[1]].value); break;
        case FORMULA_IF:
            result[i] = result[x[0]].value.x != 0 ? result[x[1]] : result[x[2]];
            if (result[x[0]].value.e > 0)
                result[i].value.e = result[i].tangent.e = INFINITY;
            break;
        }
    }
    return result[formula->count - 1];
}

/* ---- a graph ----------------------------------------------------------------------------------------------------- */

/* From leaves: an op is computed from what the ops below have given, with their errors. From data: from the numbers
 * that the engine has in its operands, so nothing gathers on the way and the bounds stay small. From grads: what is
 * pushed is made of the engine's gradients, too. */
typedef enum ExactFrom { FROM_LEAVES, FROM_DATA, FROM_GRADS } ExactFrom;

typedef struct Exact {
    Value **order;
    size_t count;
    ExactFrom from;
    Jet *y;    /* by place in the order: what the op gives */
    Jet *data; /* what the ops above take for it; that of a leaf may be set before exact_forward */
    Jet *grad;
    Sum *sums; /* of the gradients and their tangents, two for each */
} Exact;

static inline Exact exact_new(Value *root, ExactFrom from)
{
    Exact exact = {.from = from, .order = graph_topological_order(root, &exact.count)};
    fuzz_require(exact.order != NULL, "memory for the order");
    Jet *all = calloc(3 * exact.count, sizeof *all);
    exact.sums = calloc(2 * exact.count, sizeof *exact.sums);
    fuzz_require(all != NULL && exact.sums != NULL, "memory for long double");
    exact.y = all, exact.data = all + exact.count, exact.grad = all + 2 * exact.count;
    for (size_t i = 0; i < exact.count; i++)
        exact.data[i] = jet_constant(exact.order[i]->data);
    return exact;
}

static inline void exact_free(Exact *exact)
{
    memory_free(exact->order);
    free(exact->y);
    free(exact->sums);
}

static inline size_t exact_place(const Exact *exact, const Value *v)
{
    return order_find(exact->order, exact->count, v);
}

static inline Jet exact_data(const Exact *exact, const Value *v) { return exact->data[exact_place(exact, v)]; }

/* How far v's operands are from its op's kink, without bounds. */
static inline Jet exact_to_kink(const Exact *exact, const Value *v)
{
    if (!op_table[v->op].has_kink)
        return jet_constant(INFINITY);
    const Value *partner = value_partner(v, 0);
    const Jet a = exact_data(exact, value_parent(v, 0));
    const Jet b = partner != NULL ? exact_data(exact, partner) : jet_constant(0);
    return (Jet){near_exactly(a.value.x - b.value.x), near_exactly(a.tangent.x - b.tangent.x)};
}

/* ∂v/∂parent(i), from what is in data and, for v itself, y. At a kink it is the number that the convention says. */
static inline Jet exact_edge(const Exact *exact, const Value *v, size_t i, Jet y)
{
    const OpInfo *op = &op_table[v->op];
    const bool in_b = value_role(v, i) == VALUE_IN_B, alone = value_partner(v, i) == NULL;
    if (value_role(v, i) == VALUE_BIAS)
        return jet_constant(1);
    const Jet parent = exact_data(exact, value_parent(v, i));
    const Jet partner = alone ? jet_constant(v->n) : exact_data(exact, value_partner(v, i));
    const Jet a = in_b ? partner : parent, b = in_b ? parent : partner;
    const bool at_kink = near_is(exact_to_kink(exact, v).value, 0);
    if (at_kink && a.value.e == 0 && (alone || b.value.e == 0))
        return jet_constant((in_b ? op->db : op->da)(a.value.x, b.value.x, y.value.x));
    Jet local = jet_formula(formula_of(v->op, in_b), a, b, y);
    if (at_kink || local.value.e == INFINITY || !isfinite(a.value.x) || !isfinite(y.value.x) ||
        (!alone && !isfinite(b.value.x)))
        local.value.e = local.tangent.e = INFINITY; /* conventions, which test_awkward.c has, or no derivative */
    return local;
}

static inline long double exact_list_step(OpCode op, size_t n, const long double *a, const long double *b)
{
    long double sum = 0;
    size_t k = 0;
    for (size_t i = 1; i < n; i++)
        k = a[i] > a[k] ? i : k;
    for (size_t i = 0; i < n; i++)
        sum += op == OP_SUM ? a[i] : op == OP_DOT ? a[i] * b[i] : i == k ? 0 : expl(a[i] - a[k]);
    const bool known = op == OP_SUM || op == OP_DOT || op == OP_LOGSUMEXP;
    if (!known || !isfinite(sum))
        return op_table[op].list_forward(n, a, b, 1);
    return op == OP_LOGSUMEXP ? a[k] + log1pl(sum) : sum;
}

/* A list: each operand may be off by what it brings along, and each term by the roundings that it goes through: n in a
 * dot; in a sum, which is added up with its errors, n²·u of one. */
static inline Near exact_list(const Exact *exact, const Value *v)
{
    enum { WIDEST_LIST = 128 };
    long double a[WIDEST_LIST], b[WIDEST_LIST];
    const size_t n = v->n, parents = value_parent_count(v), first_b = n + v->has_bias;
    fuzz_require(n <= WIDEST_LIST, "a list has room");
    for (size_t i = 0; i < n; i++) {
        a[i] = exact_data(exact, value_parent(v, i)).value.x;
        b[i] = parents > first_b ? exact_data(exact, value_parent(v, first_b + i)).value.x : 0;
    }
    const long double x = exact_list_step(v->op, n, a, b), u = precision.unit, count = (long double)n;
    const long double own = v->op == OP_DOT ? 0 : v->op == OP_SUM ? 2 : count + 8;
    const long double turn = v->op == OP_SUM ? count * count * u : count + (v->op == OP_DOT ? 0 : 8);
    long double e = own * u * fabsl(x) + (2 * count + 1) * precision.smallest, size = 0;
    for (size_t i = 0; i < parents; i++) {
        if (value_role(v, i) == VALUE_BIAS)
            continue;
        const Near operand = exact_data(exact, value_parent(v, i)).value;
        const Near slope = exact_edge(exact, v, i, jet_constant(x)).value;
        e += (fabsl(slope.x) + slope.e) * (2 * operand.e + turn * u * fabsl(operand.x));
        size += fabsl(slope.x * operand.x);
    }
    const Near sum = near_settle(x, size <= precision.largest / 4 ? e : INFINITY);
    return v->has_bias ? near_add(sum, exact_data(exact, value_parent(v, n)).value) : sum;
}

static inline Near exact_value(const Exact *exact, const Value *v)
{
    const OpShape shape = op_table[v->op].shape;
    if (shape == SHAPE_LIST || shape == SHAPE_PAIRS)
        return exact_list(exact, v);
    const Near a = exact_data(exact, value_parent(v, 0)).value;
    return near_function(v->op, a,
                         shape == SHAPE_BINARY ? exact_data(exact, value_parent(v, 1)).value : near_exactly(0));
}

static inline void exact_forward(Exact *exact)
{
    for (size_t k = 0; k < exact->count; k++) {
        const Value *v = exact->order[k];
        exact->y[k] = exact->data[k];
        if (v->op <= OP_CONST)
            continue;
        const Jet still = {exact_value(exact, v), {0, 0}};
        Sum tangent = {0};
        for (size_t i = 0; i < value_parent_count(v); i++)
            sum_add(&tangent,
                    near_mul(exact_edge(exact, v, i, still).value, exact_data(exact, value_parent(v, i)).tangent));
        exact->y[k] = (Jet){still.value, sum_near(&tangent)};
        exact->data[k] = exact->from == FROM_LEAVES ? exact->y[k] : (Jet){{v->data, 0}, exact->y[k].tangent};
    }
}

/* ∂root/∂node for each node, and how fast that moves. */
static inline void exact_backward(Exact *exact, long double seed)
{
    memset(exact->sums, 0, 2 * exact->count * sizeof *exact->sums);
    sum_add(&exact->sums[2 * (exact->count - 1)], near_exactly(seed));
    for (size_t k = exact->count; k-- > 0;) {
        const Value *v = exact->order[k];
        exact->grad[k] = (Jet){sum_near(&exact->sums[2 * k]), sum_near(&exact->sums[2 * k + 1])};
        for (size_t i = 0; v->op > OP_CONST && i < value_parent_count(v); i++) {
            if (!value_parent(v, i)->needs_grad)
                continue;
            const Jet grad = exact->from == FROM_GRADS ? jet_constant(v->grad) : exact->grad[k];
            const Jet push = jet_mul(exact_edge(exact, v, i, exact->y[k]), grad);
            Sum *sums = &exact->sums[2 * exact_place(exact, value_parent(v, i))];
            sum_add(&sums[0], push.value);
            sum_add(&sums[1], push.tangent);
        }
    }
}

/* Where there is no bound, an op of one number or two still has to be NaN, or infinite, where it is in long double. */
static inline void exact_require_value(const Value *v, Near y)
{
    const OpShape shape = op_table[v->op].shape;
    near_require(y, v->data, v, "a value is that of long double");
    if (shape != SHAPE_UNARY && shape != SHAPE_BINARY)
        return;
    fuzz_require(isnan(v->data) == isnan(y.x), "a value is NaN where it is in long double");
    fuzz_require(!isinf(v->data) || (isinf(y.x) ? y.x == v->data : fabsl(y.x) >= DBL_MAX * (1 - 0x1p-50L)),
                 "a value is infinite where it overflows");
}

/* Each step of the engine's, after a walk from 0; returns of how many nodes. */
static inline size_t long_double_check(Value *root, double seed)
{
    precision = of_double;
    Exact exact = exact_new(root, FROM_GRADS);
    exact_forward(&exact);
    exact_backward(&exact, seed);
    for (size_t k = 0; k < exact.count; k++) {
        const Value *v = exact.order[k];
        if (v->op > OP_CONST)
            exact_require_value(v, exact.y[k].value);
        if (v->needs_grad)
            near_require(exact.grad[k].value, v->grad, v, "a gradient is that of long double");
    }
    exact_free(&exact);
    return exact.count;
}

#endif
