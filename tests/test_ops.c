/* The op table: each row's formulas as text, as code, and as the functions that everything uses, must be the same. */
#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "dual.h"
#include "ops.h"
#include "value.h"

typedef struct Formulas {
    const char *da_text;
    const char *db_text;
    const char *v_builder; /* what `v_name(a, ...)` expands to */
    const char *d_builder; /* and d_name, which stays as it is for a function that dual.h makes of the row */
    const char *code;
} Formulas;

/* The builder's call as text after expansion. Where there is no such macro it stays as it was: "v_name(a, b, n)". */
#define TEXT_OF(...) #__VA_ARGS__
#define EXPANSION_OF(...) TEXT_OF(__VA_ARGS__)
#define CALL_UNARY(builder) builder(a)
#define CALL_BINARY(builder) builder(a, b)
#define CALL_LIST(builder) builder(a, n)
#define CALL_PAIRS(builder) builder(a, b, n)

#define FORMULA_ROW(CODE, name, shape, kink, text, da_formula, db_formula, why)                                        \
    [OP_##CODE] = {#da_formula, #db_formula, EXPANSION_OF(CALL_##shape(v_##name)),                                     \
                   EXPANSION_OF(CALL_##shape(d_##name)), "OP_" #CODE},
static const Formulas formulas[OP_COUNT] = {OP_TABLE(FORMULA_ROW)};

static const OpCode FIRST_OP = (OpCode)(OP_CONST + 1);

static bool takes_b(OpCode op) { return op_table[op].shape == SHAPE_BINARY || op_table[op].shape == SHAPE_PAIRS; }

/* The value that the derivatives see. For a list op any y would do: the formulas hold for the numbers they are given.
 */
static double value_at(OpCode op, double a, double b)
{
    return op_table[op].forward != NULL ? op_table[op].forward(a, b) : op_table[op].list_forward(1, &a, &b, 1);
}

static bool is_at_kink(OpCode op, double a, double b) { return op_table[op].has_kink && a == (takes_b(op) ? b : 0); }

/* Where the op has a value and its formula one: inside its domain, off its kinks. */
static bool is_regular(OpCode op, double a, double b)
{
    const double y = value_at(op, a, b);
    return isfinite(y) && isfinite(op_table[op].da_formula(a, b, y)) && isfinite(op_table[op].db_formula(a, b, y)) &&
           !is_at_kink(op, a, b);
}

static const double points[] = {-30, -2.5, -1, -0.75, -1e-3, 0, 1e-3, 0.3, 0.75, 1, 1.5, 2, 4, 30};
enum { POINT_COUNT = sizeof points / sizeof points[0] };

/* The formula and the function are the same number up to rounding: both round a handful of times, which 16 units in the
 * last place of the larger cover. Where the formula subtracts from 1, they are units of that 1: the function may take
 * another form that loses nothing in saturation. */
static bool same_number(OpCode op, double x, double y)
{
    const double subtracted_from = op == OP_TANH || op == OP_SIGMOID ? 1 : 0;
    return fabs(x - y) <= 16 * DBL_EPSILON * fmax(subtracted_from, fmax(fabs(x), fabs(y)));
}

Test(ops, every_formula_in_the_table_says_what_the_derivative_computes)
{
    for (OpCode op = FIRST_OP; op < OP_COUNT; op++) {
        int checked = 0, nonzero = 0;
        for (int i = 0; i < POINT_COUNT; i++)
            for (int j = 0; j < POINT_COUNT; j++) {
                const double a = points[i], b = points[j];
                if (!is_regular(op, a, b))
                    continue;
                const double y = value_at(op, a, b);
                const double got = op_table[op].da(a, b, y), want = op_table[op].da_formula(a, b, y);
                checked++;
                nonzero += got != 0;
                cr_expect(same_number(op, got, want),
                          "%s: da(a = %g, b = %g, y = %g): got %.17g, the formula %s gives %.17g", op_table[op].name, a,
                          b, y, got, formulas[op].da_text, want);
                if (!takes_b(op))
                    continue;
                const double got_b = op_table[op].db(a, b, y), want_b = op_table[op].db_formula(a, b, y);
                cr_expect(same_number(op, got_b, want_b),
                          "%s: db(a = %g, b = %g, y = %g): got %.17g, the formula %s gives %.17g", op_table[op].name, a,
                          b, y, got_b, formulas[op].db_text, want_b);
            }
        cr_expect(checked >= POINT_COUNT && nonzero > 0, "%s: %d points checked, %d with a slope: too few",
                  op_table[op].name, checked, nonzero);
    }
}

Test(ops, the_text_of_every_derivative_is_the_formula_that_was_compiled)
{
    for (OpCode op = FIRST_OP; op < OP_COUNT; op++) {
        cr_expect_str_eq(op_table[op].da_text, formulas[op].da_text, "%s: da_text is \"%s\", the formula \"%s\"",
                         op_table[op].name, op_table[op].da_text, formulas[op].da_text);
        cr_expect_str_eq(op_table[op].db_text, formulas[op].db_text, "%s: db_text is \"%s\", the formula \"%s\"",
                         op_table[op].name, op_table[op].db_text, formulas[op].db_text);
        cr_expect(takes_b(op) || strcmp(op_table[op].db_text, "0") == 0,
                  "%s takes no b, but its db_text is \"%s\" and not 0", op_table[op].name, op_table[op].db_text);
    }
}

Test(ops, every_row_has_the_functions_that_its_shape_needs)
{
    for (OpCode op = FIRST_OP; op < OP_COUNT; op++) {
        const OpInfo *info = &op_table[op];
        const bool of_list = info->shape == SHAPE_LIST || info->shape == SHAPE_PAIRS;
        cr_expect(info->shape != SHAPE_LEAF, "%s has the shape of a leaf", info->name);
        cr_expect((info->forward == NULL) == of_list, "%s: forward does not fit its shape", info->name);
        cr_expect((info->list_forward != NULL) == of_list, "%s: list_forward does not fit its shape", info->name);
        cr_expect(info->da != NULL, "%s has no da", info->name);
        cr_expect((info->db != NULL) == takes_b(op), "%s: db does not fit its shape", info->name);
    }
}

/* "value_unary(OP_TANH, a, ...)" names its own op, followed by a comma. */
static bool builds_op(const char *expansion, const char *prefix, OpCode op)
{
    char code[32];
    snprintf(code, sizeof code, "%s,", formulas[op].code);
    return strncmp(expansion, prefix, strlen(prefix)) != 0 && strstr(expansion, code) != NULL;
}

Test(ops, every_op_has_a_builder_of_nodes_and_one_of_dual_numbers)
{
    for (OpCode op = FIRST_OP; op < OP_COUNT; op++) {
        cr_expect(builds_op(formulas[op].v_builder, "v_", op),
                  "%s: value.h defines no v_%s that builds %s; it expands to: %s", op_table[op].name, op_table[op].name,
                  formulas[op].code, formulas[op].v_builder);
        cr_expect(op_table[op].shape == SHAPE_UNARY || builds_op(formulas[op].d_builder, "d_", op),
                  "%s: dual.h defines no d_%s that builds %s; it expands to: %s", op_table[op].name, op_table[op].name,
                  formulas[op].code, formulas[op].d_builder);
    }
}

Test(ops, every_op_says_why_its_derivatives_are_what_they_are)
{
    for (OpCode op = FIRST_OP; op < OP_COUNT; op++) {
        const char *why = op_table[op].why;
        cr_expect(why != NULL && strlen(why) > 20 && why[strlen(why) - 1] == '.', "%s: not a sentence: \"%s\"",
                  op_table[op].name, why != NULL ? why : "");
    }
}

/* One side of a kink says one slope, the other another; where there is none, the two sides agree. The secants of a
 * smooth op differ by h times a second derivative, which is below 10 at these points; the slopes of a kink by at least
 * 0.9. */
Test(ops, the_table_says_where_the_kinks_are)
{
    const double h = 1e-6;
    for (OpCode op = FIRST_OP; op < OP_COUNT; op++) {
        for (double at = 0; at <= 2; at += 2) { /* 0, where a kink is, and 2 beside b = 2 */
            const double y = value_at(op, at, at);
            const double left = (y - value_at(op, at - h, at)) / h, right = (value_at(op, at + h, at) - y) / h;
            if (!isfinite(left) || !isfinite(right) || fabs(left) > 1e2)
                continue; /* the edge of a domain */
            const bool expected = op_table[op].has_kink && (at == 0 || takes_b(op));
            cr_expect_eq(fabs(right - left) > 0.9, expected,
                         "%s at %g: slope %g on the left, %g on the right, but the table says %s", op_table[op].name,
                         at, left, right, op_table[op].has_kink ? "KINK" : "SMOOTH");
        }
    }
}

/* ---- conventions and edges ----------------------------------------------------------------------------------------
 */

static double da(OpCode op, double a, double b) { return op_table[op].da(a, b, value_at(op, a, b)); }
static double db(OpCode op, double a, double b) { return op_table[op].db(a, b, value_at(op, a, b)); }

Test(ops, kinks_and_ties_have_the_derivative_that_the_head_promises)
{
    cr_assert_eq(da(OP_RELU, 0, 0), 0, "relu'(0): got %g, want 0", da(OP_RELU, 0, 0));
    cr_assert(!signbit(value_at(OP_RELU, -0.0, 0)) && !signbit(da(OP_RELU, -0.0, 0)), "relu or relu' at -0 is -0");
    cr_assert_eq(da(OP_ABS, 0, 0), 0, "abs'(0): got %g, want 0", da(OP_ABS, 0, 0));
    cr_assert_eq(da(OP_MAX, 2, 2), 0.5, "max'(2, 2): got %g, want 0.5", da(OP_MAX, 2, 2));
    cr_assert_eq(db(OP_MAX, 2, 2), 0.5, "max'(2, 2) in b: got %g, want 0.5", db(OP_MAX, 2, 2));
    cr_assert_eq(da(OP_MIN, 2, 2), 0.5, "min'(2, 2): got %g, want 0.5", da(OP_MIN, 2, 2));
    cr_assert_eq(db(OP_MIN, 2, 2), 0.5, "min'(2, 2) in b: got %g, want 0.5", db(OP_MIN, 2, 2));
}

Test(ops, powers_of_zero_and_negative_bases_have_the_derivative_that_the_head_promises)
{
    cr_assert_eq(da(OP_POW, 0, 0), 0, "∂(a^0)/∂a at 0: got %g, want 0", da(OP_POW, 0, 0));
    cr_assert_eq(db(OP_POW, 0, 2), 0, "∂(0^b)/∂b at 2: got %g, want 0", db(OP_POW, 0, 2));
    cr_assert_eq(da(OP_POW, -3, 2), -6, "∂(a^2)/∂a at -3: got %g, want -6", da(OP_POW, -3, 2));
    cr_assert(isnan(db(OP_POW, -3, 2)), "∂((-3)^b)/∂b: got %g, want nan", db(OP_POW, -3, 2));
    cr_assert_eq(db(OP_POW, 0, 0), 0, "∂(0^b)/∂b at 0: got %g, want 0", db(OP_POW, 0, 0));
    cr_assert(isnan(da(OP_LOG, -1, 0)), "log'(-1): got %g, want nan", da(OP_LOG, -1, 0));
}

Test(ops, tanh_and_sigmoid_keep_the_digits_of_their_derivative_in_saturation)
{
    /* There tanh' = 4e^−2|a| and sigmoid' = e^−|a|, but for factors within e^−|a| of 1 (9e-14 at 30): hence 1e-12. */
    for (double a = 30; a <= 300; a *= 1.3) {
        const double tanh_want = 4 * exp(-2 * a), sigmoid_want = exp(-a);
        for (int sign = -1; sign <= 1; sign += 2) {
            const double tanh_got = da(OP_TANH, sign * a, 0), sigmoid_got = da(OP_SIGMOID, sign * a, 0);
            cr_expect(fabs(tanh_got / tanh_want - 1) < 1e-12, "tanh'(%g): got %.17g, want %.17g", sign * a, tanh_got,
                      tanh_want);
            cr_expect(fabs(sigmoid_got / sigmoid_want - 1) < 1e-12, "sigmoid'(%g): got %.17g, want %.17g", sign * a,
                      sigmoid_got, sigmoid_want);
        }
    }
}

Test(ops, gelu_and_its_derivative_are_those_of_the_normal_distribution)
{
    /* erfc turns the rounding of its argument into one larger by 1 + a², and the two terms of the derivative may
     * cancel: hence the bound on each is relative to the sum of both sizes. */
    const long double pi = acosl(-1);
    for (double a = -37; a <= 37; a += 0.375) {
        const long double cdf = erfcl(-a / sqrtl(2)) / 2,
                          tail = fabsl(a * expl(-(long double)a * a / 2) / sqrtl(2 * pi));
        const long double slope = cdf + (a < 0 ? -tail : tail);
        const double bound = 4 * (1 + a * a) * DBL_EPSILON;
        const double y = gelu_forward(a, 0), got = gelu_da(a, 0, y);
        cr_expect(fabsl(y - a * cdf) <= bound * fabsl(a * cdf), "gelu(%g): got %.17g, want %.17Lg", a, y, a * cdf);
        cr_expect(fabsl(got - slope) <= bound * (cdf + tail), "gelu'(%g): got %.17g, want %.17Lg", a, got, slope);
    }
    cr_expect(gelu_da(0, 0, 0) == 0.5 && gelu_da(5e-324, 0, 0) == 0.5 &&
                  gelu_da(1e-300, 0, gelu_forward(1e-300, 0)) == 0.5,
              "the slope at 0 is 1/2");
    cr_expect(gelu_forward(INFINITY, 0) == INFINITY && gelu_da(INFINITY, 0, INFINITY) == 1,
              "far above the gate is open");
    cr_expect(gelu_forward(-INFINITY, 0) == 0 && gelu_da(-INFINITY, 0, 0) == 0, "far below it is shut");
    cr_expect(isnan(gelu_da(NAN, 0, NAN)), "gelu'(nan): got %g", gelu_da(NAN, 0, NAN));
}

Test(ops, nan_is_passed_on_by_every_op_of_numbers)
{
    for (OpCode op = FIRST_OP; op < OP_COUNT; op++) {
        if (op_table[op].forward == NULL)
            continue;
        cr_expect(isnan(op_table[op].forward(NAN, 2)), "%s(nan, 2): got %g, want nan", op_table[op].name,
                  op_table[op].forward(NAN, 2));
        cr_expect(!takes_b(op) || isnan(op_table[op].forward(2, NAN)), "%s(2, nan): got %g, want nan",
                  op_table[op].name, op_table[op].forward(2, NAN));
    }
}

Test(ops, a_list_with_a_nan_anywhere_is_nan)
{
    const double ones[3] = {1, 1, 1};
    for (OpCode op = FIRST_OP; op < OP_COUNT; op++)
        for (int i = 0; op_table[op].list_forward != NULL && i < 3; i++) {
            double list[3] = {1, -5, 2};
            list[i] = NAN;
            const double y = op_table[op].list_forward(3, list, ones, 1);
            cr_expect(isnan(y), "%s with nan as element %d: got %g, want nan", op_table[op].name, i, y);
        }
}

Test(ops, sigmoid_softplus_and_logsumexp_survive_arguments_of_a_thousand)
{
    cr_assert_eq(sigmoid_forward(-1000, 0), 0, "sigmoid(-1000): got %g, want 0", sigmoid_forward(-1000, 0));
    cr_assert_eq(sigmoid_forward(1000, 0), 1, "sigmoid(1000): got %g, want 1", sigmoid_forward(1000, 0));
    cr_assert_eq(softplus_forward(1000, 0), 1000, "softplus(1000): got %g, want 1000", softplus_forward(1000, 0));
    const double far[2] = {1000, -1000}, none[2] = {-INFINITY, -INFINITY};
    cr_assert_eq(logsumexp_forward(2, far, NULL, 1), 1000, "got %g, want 1000", logsumexp_forward(2, far, NULL, 1));
    cr_assert_eq(logsumexp_forward(2, none, NULL, 1), -INFINITY, "got %g, want -inf",
                 logsumexp_forward(2, none, NULL, 1));
}

Test(ops, the_table_is_printed_with_a_row_per_op_and_no_bar_inside_a_cell)
{
    static char text[16384];
    FILE *out = tmpfile();
    op_table_print(out);
    rewind(out);
    text[fread(text, 1, sizeof text - 1, out)] = '\0';
    fclose(out);
    static const char *const parts[] = {"| op | y | ∂y/∂a | ∂y/∂b |\n| --- | --- | --- | --- |\n| `add` |",
                                        "\n| `add` | `a + b` | `1` | `1` |\n", "\n| `neg` | `-a` | `-1` |  |\n",
                                        "\n| `abs` | `\\|a\\|` | `a > 0 ? 1 : -1` |  |\n"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        cr_expect(strstr(text, parts[i]) != NULL, "\"%s\" is not in:\n%s", parts[i], text);
    size_t rows = 0;
    for (const char *at = text; *at != '\0'; at++)
        rows += *at == '\n';
    cr_expect_eq(rows, (size_t)(OP_COUNT - FIRST_OP) + 2, "%zu rows", rows);
}
