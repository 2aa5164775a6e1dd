/* test_loss.c - losses: values, gradients, behaviour at awkward logits, misuse and lack of memory. */
#define _POSIX_C_SOURCE 200809L /* strtok_r */

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "backward.h"
#include "caught.h"
#include "graph.h"
#include "loss.h"
#include "no_memory.h"
#include "random.h"

enum { MOST = 8 };

static Graph *g;
static void open_graph(void) { g = graph_new(); }
static void close_graph(void) { graph_free(g); }

TestSuite(loss, .init = open_graph, .fini = close_graph);

static void params(Value **list, const double *data, size_t n)
{
    for (size_t i = 0; i < n; i++)
        list[i] = v_param(g, data[i]);
}

/* The distance from `want` to the next double, the unit that errors are counted in. */
static double ulp(double want) { return nextafter(fabs(want), INFINITY) - fabs(want); }

/* nan with nan, infinities exactly, finite numbers within `ulps` and a relative error besides; 0 equals −0. */
static bool agrees(double got, double want, double ulps, double relative)
{
    if (isnan(want) || isinf(want) || !isfinite(got))
        return isnan(want) ? isnan(got) : got == want;
    return fabs(got - want) <= ulps * ulp(want) + relative * fabs(want);
}

/* ---- golden rows ------------------------------------------------------------------------------------------------- */

/* Rows whose gradients miss 4 ulp, by their beginning. ∂ logsumexp/∂aᵢ is exp(aᵢ − y): y and the difference are each
 * rounded to half a unit in the last place of at most max|a|, and exp turns that absolute error of its operand into a
 * relative error of the softmax. So these have max|a|·2⁻⁵² more, where a are the shifted logits for lsm and xent. */
static const struct {
    const char *beginning;
    double largest; /* max|a| */
} far_rows[] = {
    {"pt lse 2 0x1.f400000000000p+9 0x1.f400000000000p+9 0x1.0", 1001},
    {"pt lse 2 -0x1.f400000000000p+9 -0x1.f400000000000p+9 0x1.0", 1001},
    {"pt lse 2 0x1.4000000000000p+4 0x0.0p+0 0x1.0", 21},
    {"pt lse 4 0x1.4000000000000p+2 -0x1.4000000000000p+2 0x1.0000000000000p-1 0x1.0000000000000p+1 0x1.0", 11},
    {"pt lsm 0 4 0x1.4000000000000p+2 -0x1.4000000000000p+2 0x1.0000000000000p-1 0x1.0000000000000p+1 0x1.0", 11},
    {"pt xent 0 4 0x1.4000000000000p+2 -0x1.4000000000000p+2 0x1.0000000000000p-1 0x1.0000000000000p+1 0x1.0", 11},
    {"pt lse 3 0x1.e000000000000p+4 0x1.e000000000000p+4 -0x1.e000000000000p+4 0x1.0", 61},
    {"pt lsm 0 3 0x1.e000000000000p+4 0x1.e000000000000p+4 -0x1.e000000000000p+4 0x1.0", 61},
    {"pt lsm 1 3 0x1.e000000000000p+4 0x1.e000000000000p+4 -0x1.e000000000000p+4 0x1.0", 61},
    {"pt xent 0 3 0x1.e000000000000p+4 0x1.e000000000000p+4 -0x1.e000000000000p+4 0x1.0", 61},
    {"pt xent 1 3 0x1.e000000000000p+4 0x1.e000000000000p+4 -0x1.e000000000000p+4 0x1.0", 61},
    {"pt lse 4 0x1.9000000000000p+6 0x1.8c00000000000p+6 0x1.8800000000000p+6 0x0.0p+0 0x1.0", 101},
    {"pt lsm 0 4 0x1.9000000000000p+6 0x1.8c00000000000p+6 0x1.8800000000000p+6 0x0.0p+0 0x1.0", 101},
    {"pt lsm 1 4 0x1.9000000000000p+6 0x1.8c00000000000p+6 0x1.8800000000000p+6 0x0.0p+0 0x1.0", 101},
    {"pt xent 0 4 0x1.9000000000000p+6 0x1.8c00000000000p+6 0x1.8800000000000p+6 0x0.0p+0 0x1.0", 101},
    {"pt xent 1 4 0x1.9000000000000p+6 0x1.8c00000000000p+6 0x1.8800000000000p+6 0x0.0p+0 0x1.0", 101},
};

/* Rows of logsumexp alone that a derivative of (a, y) cannot meet: at 2e307 the log 2 is lost in y, so softmax looks
 * like (1, 1); and beside an operand of +∞, exp(finite − ∞) is 0 where the table wants NaN. */
static const char *const beyond_rows[] = {
    "pt lse 2 0x1.1ccf385ebc8a0p+1023 0x1.1ccf385ebc8a0p+1023 0x1.0",
    "pt lse 2 inf 0x0.0p+0 0x1.0",
    "pt lse 2 inf -inf 0x1.0",
};

static bool begins(const char *line, const char *beginning) { return strncmp(line, beginning, strlen(beginning)) == 0; }

static double relative_allowance(const char *line)
{
    for (size_t i = 0; i < sizeof far_rows / sizeof far_rows[0]; i++)
        if (begins(line, far_rows[i].beginning))
            return far_rows[i].largest * DBL_EPSILON;
    return 0;
}

static bool is_beyond(const char *line)
{
    for (size_t i = 0; i < sizeof beyond_rows / sizeof beyond_rows[0]; i++)
        if (begins(line, beyond_rows[i]))
            return true;
    return false;
}

static char *word(char **rest) { return strtok_r(NULL, " \n", rest); }

static double number(char **rest)
{
    const char *text = word(rest);
    cr_assert(text != NULL, "a row of the golden file ends too early");
    return strtod(text, NULL);
}

/* The row `pt OP [imm] K a1..aK GOUT VALUE g1..gK`: compute it and compare. */
static void check_row(const char *line)
{
    char copy[1024];
    snprintf(copy, sizeof copy, "%s", line);
    char *rest = NULL;
    strtok_r(copy, " \n", &rest);
    const char *op = word(&rest);
    const bool is_lse = strcmp(op, "lse") == 0;
    const long imm = is_lse ? 0 : (long)number(&rest);
    const size_t n = (size_t)number(&rest);
    cr_assert(n <= MOST, "too many logits in: %s", line);
    Value *z[MOST];
    for (size_t i = 0; i < n; i++)
        z[i] = v_param(g, number(&rest));
    const double seed = number(&rest);
    Value *y = is_lse                   ? v_logsumexp(z, n)
               : strcmp(op, "lsm") == 0 ? log_softmax_at(z, n, imm)
                                        : cross_entropy(z, n, imm);
    const double value = number(&rest);
    cr_expect(agrees(y->data, value, 4, 0), "value %a, want %a in: %s", y->data, value, line);
    backward_from(y, seed);
    for (size_t i = 0; i < n; i++) {
        const double grad = number(&rest);
        cr_expect(is_beyond(line) || agrees(z[i]->grad, grad, 4, relative_allowance(line)),
                  "gradient %zu is %a, want %a in: %s", i, z[i]->grad, grad, line);
    }
}

Test(loss, awkward_logits_give_the_golden_values_and_gradients)
{
    FILE *file = fopen("tests/golden/awkward_loss.txt", "r");
    cr_assert(file != NULL, "tests/golden/awkward_loss.txt: not found; run the tests from the top of the project");
    char line[1024];
    size_t rows = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        if (line[0] == '#')
            continue;
        check_row(line);
        rows++;
    }
    fclose(file);
    cr_assert_eq(rows, 245, "the golden file has 245 rows, %zu were read", rows);
}

/* ---- cross-entropy ----------------------------------------------------------------------------------------------- */

Test(loss, gradient_of_cross_entropy_is_softmax_minus_onehot)
{
    const double z[3] = {1, 2, 3};
    const double total = exp(1) + exp(2) + exp(3);
    for (size_t target = 0; target < 3; target++) {
        Value *logits[3];
        params(logits, z, 3);
        Value *loss = cross_entropy(logits, 3, target);
        const double want = log(total) - z[target];
        /* A handful of roundings of numbers near 1, in the test's formula as in the loss. */
        cr_expect_float_eq(loss->data, want, 8 * DBL_EPSILON, "target %zu: %.17g, want %.17g", target, loss->data,
                           want);
        backward(loss);
        for (size_t j = 0; j < 3; j++) {
            const double slope = exp(z[j]) / total - (j == target);
            cr_expect_float_eq(logits[j]->grad, slope, 8 * DBL_EPSILON, "target %zu, dL/dz%zu = %.17g, want %.17g",
                               target, j, logits[j]->grad, slope);
        }
    }
}

Test(loss, logits_of_a_thousand_neither_overflow_nor_vanish)
{
    const double z[2] = {1000, -1000};
    Value *logits[2];
    params(logits, z, 2);
    Value *wrong = cross_entropy(logits, 2, 1);
    cr_assert_eq(wrong->data, 2000, "loss %g, want 2000", wrong->data);
    backward(wrong);
    cr_assert_eq(logits[0]->grad, 1, "dL/dz0 = %g, want 1", logits[0]->grad);
    cr_assert_eq(logits[1]->grad, -1, "dL/dz1 = %g, want -1", logits[1]->grad);
    cr_assert_eq(cross_entropy(logits, 2, 0)->data, 0, "e^-2000 is 0 in double");
}

Test(loss, a_loss_far_below_one_rounding_step_is_kept)
{
    const double z[3] = {700, 0, 0};
    Value *logits[3];
    params(logits, z, 3);
    Value *loss = cross_entropy(logits, 3, 0);
    const double p = exp(-700);
    cr_assert(agrees(loss->data, 2 * p, 4, 0), "loss %g, want 2e^-700 = %g", loss->data, 2 * p);
    backward(loss);
    cr_assert(agrees(logits[1]->grad, p, 4, 0), "dL/dz1 = %g, want e^-700 = %g", logits[1]->grad, p);
    cr_assert(agrees(logits[0]->grad, -2 * p, 4, 0), "dL/dz0 = %g, want -2e^-700 = %g", logits[0]->grad, -2 * p);
}

Test(loss, a_logit_of_minus_infinity_is_a_class_that_cannot_be)
{
    const double z[3] = {0, -INFINITY, 0};
    Value *logits[3];
    params(logits, z, 3);
    Value *loss = cross_entropy(logits, 3, 0);
    cr_assert(agrees(loss->data, log(2), 4, 0), "loss %g, want log 2", loss->data);
    backward(loss);
    cr_assert_eq(logits[1]->grad, 0, "dL/dz1 = %g, want 0", logits[1]->grad);
    cr_assert(agrees(logits[0]->grad, -0.5, 4, 0), "dL/dz0 = %g, want -0.5", logits[0]->grad);
    cr_assert_eq(cross_entropy(logits, 3, 1)->data, INFINITY, "the impossible class came: the loss is infinite");
}

Test(loss, one_class_costs_nothing_and_has_no_slope)
{
    Value *logit = v_param(g, 3);
    Value *loss = cross_entropy(&logit, 1, 0);
    cr_assert_eq(loss->data, 0, "loss %g, want 0", loss->data);
    backward(loss);
    cr_assert_eq(logit->grad, 0, "dL/dz = %g, want 0", logit->grad);
}

Test(loss, the_same_node_may_be_two_logits)
{
    Value *a = v_param(g, 2), *b = v_param(g, 1);
    Value *logits[3] = {a, b, a};
    Value *loss = cross_entropy(logits, 3, 1);
    backward(loss);
    const double p = 2 * exp(2) / (2 * exp(2) + exp(1)); /* both places of a together */
    cr_assert_float_eq(a->grad, p, 8 * DBL_EPSILON, "dL/da = %.17g, want %.17g", a->grad, p);
    cr_assert_float_eq(b->grad, -p, 8 * DBL_EPSILON, "dL/db = %.17g, want %.17g", b->grad, -p);
}

Test(loss, log_softmax_gives_all_entries_and_may_write_over_its_logits)
{
    const double z[4] = {3, -1, 0.5, 3};
    Value *logits[4], *single[4];
    params(logits, z, 4);
    for (size_t j = 0; j < 4; j++)
        single[j] = log_softmax_at(logits, 4, j);
    log_softmax(logits, 4, logits);
    double total = 0;
    for (size_t j = 0; j < 4; j++) {
        cr_expect_eq(logits[j]->data, single[j]->data, "entry %zu: %g, alone %g", j, logits[j]->data, single[j]->data);
        total += exp(logits[j]->data);
    }
    cr_assert_float_eq(total, 1, 8 * DBL_EPSILON, "the probabilities add up to %.17g", total);
}

/* ---- cross-entropy with the class as one-hot --------------------------------------------------------------------- */

/* Logits at random, new ones in each round: n of them, far apart in later rounds. Returns the largest difference. */
static double draw_logits(Random *random, size_t round, double *z, size_t n)
{
    double lowest = INFINITY, highest = -INFINITY;
    for (size_t i = 0; i < n; i++) {
        z[i] = random_normal(random) * (double)(1 + round);
        lowest = fmin(lowest, z[i]);
        highest = fmax(highest, z[i]);
    }
    return highest - lowest;
}

/* Both forms, of logits of their own, walked back. */
typedef struct TwoForms {
    Value *picked, *one_hot;                   /* the losses */
    Value *of_picked[MOST], *of_one_hot[MOST]; /* their logits */
} TwoForms;

static TwoForms two_forms(const double *z, size_t n, size_t target)
{
    TwoForms two;
    Value *targets[MOST];
    params(two.of_picked, z, n);
    params(two.of_one_hot, z, n);
    for (size_t i = 0; i < n; i++)
        targets[i] = v_input(g, i == target);
    two.picked = cross_entropy(two.of_picked, n, (long)target);
    two.one_hot = cross_entropy_one_hot(two.of_one_hot, targets, n);
    backward(two.picked);
    backward(two.one_hot);
    return two;
}

/* Where the target is the largest, both take the same differences of logits. Where it is not, the exponents are
 * (zᵢ − z_target) − m in place of zᵢ − z_k: with D the largest difference, that is two more roundings of at most D/2
 * in units of 2⁻⁵², in log Σ as large as in the exponents; then come those of exp, log1p and the last sum. In all less
 * than 3·D + 9 for 8 classes. A slope is e^(a − y): the roundings of a, y and a − y, and the error of y, less than
 * 5·D + 20; that of the target is a sum of them; and the other form has errors as well. */
Test(loss, one_hot_is_cross_entropy)
{
    Random random;
    random_seed(&random, 1);
    size_t largest = 0, others = 0;
    for (size_t round = 0; round < 400; round++) {
        double z[MOST];
        const size_t n = 1 + round % MOST, target = random_below(&random, n);
        const double far = draw_logits(&random, round, z, n);
        bool is_largest = true;
        for (size_t i = 0; i < n; i++)
            is_largest = is_largest && z[i] <= z[target];
        const TwoForms two = two_forms(z, n, target);
        const double off = fabs(two.one_hot->data - two.picked->data), bound = (3 * far + 9) * DBL_EPSILON;
        cr_expect(off <= (is_largest ? 0 : bound), "round %zu: %a, picked %a", round, two.one_hot->data,
                  two.picked->data);
        for (size_t i = 0; i < n; i++)
            cr_expect_float_eq(two.of_one_hot[i]->grad, two.of_picked[i]->grad, (10 * far + 40) * DBL_EPSILON,
                               "round %zu, logit %zu: %a, picked %a", round, i, two.of_one_hot[i]->grad,
                               two.of_picked[i]->grad);
        *(is_largest ? &largest : &others) += n > 1;
    }
    cr_expect(largest > 80 && others > 80, "%zu with the largest as target, %zu with another", largest, others);
}

Test(loss, one_hot_takes_logits_of_a_thousand)
{
    const TwoForms wrong = two_forms((double[]){1000, -1000}, 2, 1), right = two_forms((double[]){1000, -1000}, 2, 0);
    cr_expect_eq(wrong.one_hot->data, 2000, "loss %g, want 2000", wrong.one_hot->data);
    cr_expect_eq(wrong.of_one_hot[0]->grad, 1, "dL/dz0 = %g, want 1", wrong.of_one_hot[0]->grad);
    cr_expect_eq(wrong.of_one_hot[1]->grad, -1, "dL/dz1 = %g, want -1", wrong.of_one_hot[1]->grad);
    cr_expect_eq(right.one_hot->data, 0, "e^-2000 is 0 in double");
    cr_expect(right.of_one_hot[0]->grad == 0 && right.of_one_hot[1]->grad == 0, "no slope");
    const TwoForms sure = two_forms((double[]){700, 0, 0}, 3, 0); /* far below one rounding step */
    cr_expect_eq(sure.one_hot->data, sure.picked->data, "loss %g", sure.one_hot->data);
    cr_expect(agrees(sure.of_one_hot[1]->grad, exp(-700), 4, 0), "dL/dz1 = %g", sure.of_one_hot[1]->grad);
}

Test(loss, one_hot_of_one_class_costs_nothing)
{
    const TwoForms one = two_forms((double[]){-3}, 1, 0);
    cr_expect(one.one_hot->data == 0 && one.of_one_hot[0]->grad == 0, "%g, slope %g", one.one_hot->data,
              one.of_one_hot[0]->grad);
}

/* −Σ tⱼ·log pⱼ with any t that adds up to 1: ∂/∂z_j = p_j − t_j, and ∂/∂t_j = −z_j if the targets are params. A handful
 * of roundings of numbers below 4. */
Test(loss, one_hot_takes_soft_labels)
{
    const double z[3] = {1, -2, 0.5}, t[3] = {0.25, 0.125, 0.625}, total = exp(1) + exp(-2) + exp(0.5);
    Value *logits[3], *targets[3];
    params(logits, z, 3);
    params(targets, t, 3);
    Value *loss = cross_entropy_one_hot(logits, targets, 3);
    backward(loss);
    double want = 0;
    for (size_t j = 0; j < 3; j++) {
        const double p = exp(z[j]) / total;
        want -= t[j] * log(p);
        cr_expect_float_eq(logits[j]->grad, p - t[j], 16 * DBL_EPSILON, "dL/dz%zu = %.17g, want %.17g", j,
                           logits[j]->grad, p - t[j]);
        cr_expect_float_eq(targets[j]->grad, -z[j], 16 * DBL_EPSILON, "dL/dt%zu = %.17g", j, targets[j]->grad);
    }
    cr_expect_float_eq(loss->data, want, 16 * DBL_EPSILON, "loss %.17g, want %.17g", loss->data, want);
}

Test(loss, one_hot_names_operands_that_cannot_be_used)
{
    Graph *other = graph_new();
    Value *z[3], *t[3];
    params(z, (double[3]){0}, 3);
    params(t, (double[3]){1}, 3);
    Value *foreign[3] = {t[0], t[1], v_param(other, 5)}, *all_foreign[1] = {foreign[2]}, *hole[3] = {t[0], NULL, t[2]};
    MUST_BE_MISUSE(cross_entropy_one_hot((Value **)NULL, t, 3), "cross_entropy_one_hot: the list of logits is NULL");
    MUST_BE_MISUSE(cross_entropy_one_hot(z, (Value **)NULL, 3), "cross_entropy_one_hot: the list of targets is NULL");
    MUST_BE_MISUSE(cross_entropy_one_hot(z, t, 0), "cross_entropy_one_hot: the list of logits is empty (n = 0)");
    MUST_BE_MISUSE(cross_entropy_one_hot(hole, t, 3), "cross_entropy_one_hot: logits[1] is NULL");
    MUST_BE_MISUSE(cross_entropy_one_hot(z, hole, 3), "cross_entropy_one_hot: targets[1] is NULL");
    MUST_BE_MISUSE(cross_entropy_one_hot(z, foreign, 3), "targets[2] (v0, data 5) belongs to another graph");
    MUST_BE_MISUSE(cross_entropy_one_hot(z, all_foreign, 1), "targets[0] (v0, data 5) belongs to another graph");
    const Mark mark = graph_mark(g);
    Value *gone[1] = {v_param(g, 1)};
    graph_release(g, mark);
    MUST_BE_MISUSE(cross_entropy_one_hot(z, gone, 1), "cross_entropy_one_hot: targets[0] was released");
    MUST_BE_MISUSE(cross_entropy_one_hot(gone, t, 1), "cross_entropy_one_hot: logits[0] was released");
    graph_free(other);
}

/* ---- batches ----------------------------------------------------------------------------------------------------- */

Test(loss, mean_cross_entropy_is_the_mean_of_its_rows)
{
    const double z[6] = {1, 2, -3, 0.5, 4, 4};
    const int labels[3] = {1, 0, 1};
    Value *batch[6], *alone[6];
    params(batch, z, 6);
    params(alone, z, 6);
    Value *loss = mean_cross_entropy(matrix_from_values(batch, 3, 2), labels);
    backward(loss);
    double total = 0;
    for (size_t row = 0; row < 3; row++) {
        Value *of_row = cross_entropy(&alone[2 * row], 2, labels[row]);
        total += of_row->data;
        backward_from(of_row, 1.0 / 3);
    }
    cr_assert_float_eq(loss->data, total / 3, 4 * DBL_EPSILON, "mean %.17g, want %.17g", loss->data, total / 3);
    double steepest = 0;
    for (size_t i = 0; i < 6; i++) {
        cr_expect_eq(batch[i]->grad, alone[i]->grad, "entry %zu: %.17g, alone %.17g", i, batch[i]->grad,
                     alone[i]->grad);
        steepest = fmax(steepest, fabs(batch[i]->grad));
    }
    cr_assert(steepest > 0.1, "the slopes compared were all but 0");
}

Test(loss, mean_squared_error_and_its_gradient)
{
    const double p[3] = {1, -2, 0.5};
    const double targets[3] = {0, 2, 0.5};
    Value *predictions[3], *wanted[3];
    params(predictions, p, 3);
    params(wanted, targets, 3);
    Value *of_numbers = mean_squared_error(predictions, targets, 3);
    Value *of_values = mean_squared_error(predictions, wanted, 3);
    cr_assert_eq(of_numbers->data, 17.0 / 3, "(1 + 16 + 0)/3, got %g", of_numbers->data);
    cr_assert_eq(of_values->data, of_numbers->data, "targets as Values: %g", of_values->data);
    backward(of_values);
    for (size_t i = 0; i < 3; i++) {
        const double want = 2 * (p[i] - targets[i]) / 3;
        /* 1/3 rounded, then multiplied, twice: three roundings. */
        cr_expect_float_eq(predictions[i]->grad, want, 3 * ulp(want), "prediction %zu: %.17g, want %.17g", i,
                           predictions[i]->grad, want);
        cr_expect_eq(wanted[i]->grad, -predictions[i]->grad, "target %zu: %.17g", i, wanted[i]->grad);
    }
}

/* ---- misuse ------------------------------------------------------------------------------------------------------ */

Test(loss, a_label_that_is_no_class_is_named_with_its_row)
{
    Value *z[6];
    params(z, (double[6]){0}, 6);
    const Matrix m = matrix_from_values(z, 3, 2);
    const int too_high[3] = {0, 2, 1}, negative[3] = {0, 1, -1};
    MUST_BE_MISUSE(mean_cross_entropy(m, too_high), "row 1 has label 2, but there are 2 classes: 0 to 1");
    MUST_BE_MISUSE(mean_cross_entropy(m, negative), "row 2 has label -1");
    MUST_BE_MISUSE(cross_entropy(z, 3, 3), "cross_entropy: class 3 of 3 classes");
    MUST_BE_MISUSE(cross_entropy(z, 3, -1), "class -1 of 3 classes");
    MUST_BE_MISUSE(log_softmax_at(z, 3, 7), "log_softmax_at: class 7 of 3");
}

Test(loss, operands_that_cannot_be_used_are_named)
{
    Graph *other = graph_new();
    Value *z[3];
    params(z, (double[3]){0}, 3);
    Value *foreign[3] = {z[0], z[1], v_param(other, 5)};
    Value *hole[3] = {z[0], NULL, z[2]};
    const int labels[3] = {0};
    MUST_BE_MISUSE(cross_entropy((Value **)NULL, 3, 0), "the list of logits is NULL");
    MUST_BE_MISUSE(cross_entropy(z, 0, 0), "is empty (n = 0)");
    MUST_BE_MISUSE(cross_entropy(hole, 3, 0), "cross_entropy: logits[1] is NULL");
    MUST_BE_MISUSE(cross_entropy(foreign, 3, 0), "cross_entropy: logits[2] (v0, data 5) belongs to another graph");
    MUST_BE_MISUSE(log_softmax(z, 3, NULL), "out is NULL");
    MUST_BE_MISUSE(mean_cross_entropy(matrix_from_values(z, 3, 1), NULL), "the list of labels is NULL");
    MUST_BE_MISUSE(mean_cross_entropy((Matrix){0}, labels), "mean_cross_entropy: logits was never made");
    MUST_BE_MISUSE(mean_squared_error(z, (double *)NULL, 3), "the array of targets is NULL");
    MUST_BE_MISUSE(mean_squared_error(z, hole, 3), "targets[1] is NULL");
    MUST_BE_MISUSE(mean_squared_error(z, &foreign[2], 1), "targets[0] (v0, data 5) belongs to another graph");
    MUST_BE_MISUSE(mean_loss(z, 0), "mean_loss: the list of losses is empty");
    graph_free(other);
}

Test(loss, a_released_logit_is_misuse)
{
    Mark mark = graph_mark(g);
    Value *logit = v_param(g, 1);
    graph_release(g, mark);
    MUST_BE_MISUSE(cross_entropy(&logit, 1, 0), "cross_entropy: logits[0] was released");
}

Test(loss, misuse_aborts_by_default, .signal = SIGABRT)
{
    Value *logit = v_param(g, 1);
    cross_entropy(&logit, 1, 1);
}

/* ---- no memory --------------------------------------------------------------------------------------------------- */

/* A batch large enough to need several blocks: all losses over it, on `graph`. */
static Value *all_losses(Graph *graph)
{
    enum { ROWS = 300, CLASSES = 4 };
    static Value *z[ROWS * CLASSES], *out[CLASSES];
    static int labels[ROWS];
    static double targets[ROWS];
    for (size_t i = 0; i < ROWS * CLASSES; i++)
        z[i] = v_param(graph, (double)(i % 7));
    for (size_t row = 0; row < ROWS; row++)
        labels[row] = (int)(row % CLASSES);
    const Matrix logits = matrix_from_values(z, ROWS, CLASSES);
    log_softmax(z, CLASSES, out);
    Value *parts[] = {mean_cross_entropy(logits, labels), mean_squared_error(z, targets, ROWS), out[0],
                      cross_entropy_one_hot(z, z + ROWS, ROWS)};
    return v_sum(parts, sizeof parts / sizeof parts[0]);
}

Test(loss, without_memory_the_loss_is_a_failed_node)
{
    const double want = all_losses(g)->data;
    size_t failures = 0;
    for (size_t n = 0;; n++) {
        Graph *graph = graph_new();
        memory_lasts(n);
        Value *loss = all_losses(graph);
        const bool ok = graph_ok(graph);
        cr_expect_eq(ok, loss->op != OP_FAILED, "allocation %zu failed: graph_ok is %d, op %d", n, ok, loss->op);
        cr_expect(ok ? loss->data == want : isnan(loss->data), "allocation %zu: loss %g", n, loss->data);
        if (!ok)
            backward(loss); /* does nothing, and does not crash */
        failures += !ok;
        graph_free(graph);
        memory_restore();
        if (ok)
            break;
    }
    cr_assert(failures > 5, "only %zu allocations were made to fail", failures);
}
