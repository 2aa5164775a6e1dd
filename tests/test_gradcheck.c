/* The gradient check: right gradients pass, wrong ones are named, kinks and poles are told apart from both. */
#include <criterion/criterion.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "backward.h"
#include "caught.h"
#include "gradcheck.h"
#include "graph.h"
#include "no_memory.h"

/* A neuron with a loss: tanh(w·x + b), squared distance from 0.3. Params w0, w1, b. */
typedef struct Neuron {
    Graph *graph;
    Value *params[3];
    Value *loss;
} Neuron;

static Neuron neuron_new(void)
{
    Neuron n = {.graph = graph_new()};
    static const char *const names[3] = {"w0", "w1", "b"};
    const double points[3] = {0.7, -1.2, 0.1};
    for (size_t i = 0; i < 3; i++)
        n.params[i] = v_label(v_param(n.graph, points[i]), names[i]);
    Value *x[2] = {v_input(n.graph, 1.5), v_input(n.graph, -0.4)};
    Value *distance = v_sub(v_tanh(v_dot_bias(n.params, x, 2, n.params[2])), 0.3);
    n.loss = v_label(v_pow(distance, 2), "loss");
    return n;
}

Test(gradcheck, right_gradients_pass_with_slopes_that_are_not_zero)
{
    Neuron n = neuron_new();
    GradCheck report;
    Error error = {""};
    cr_assert(gradcheck(n.loss, &report, &error), "%s", error.message);
    cr_assert(report.params == 3 && report.right == 3 && report.wrong == 0, "%zu params, %zu right, %zu wrong",
              report.params, report.right, report.wrong);
    cr_assert_eq(report.nonzero, 3, "%zu of 3 slopes are not 0", report.nonzero);
    cr_assert_eq(report.edges, 6, "%zu edges, want those to the params, the dot, the tanh and the sub", report.edges);
    cr_assert(report.worst.error <= 1e-10, "%s: error %g: got %.17g, want %.17g", report.worst.name, report.worst.error,
              report.worst.got, report.worst.want); /* rounding: 2⁻⁵²·|f|/h = 2e-11·|f|, and |f| < 0.5 here */
    graph_free(n.graph);
}

/* The op on params from p[first] on, all of different data; a list op on three, or three pairs. */
static Value *node_of(OpCode op, Value **p, size_t first)
{
    switch (op_table[op].shape) {
    case SHAPE_UNARY: return value_unary(op, p[first], HERE);
    case SHAPE_BINARY: return value_binary(op, p[first], p[first + 1], HERE);
    case SHAPE_LIST: return value_list(op, p + first, 3, HERE);
    default: return value_pairs(op, p + first, p, 3, p[1], HERE);
    }
}

/* Every op of the table in one expression: lists side by side and scattered, shared nodes, constants. */
Test(gradcheck, all_ops_pass_in_one_expression)
{
    enum { PARAMS = 6 };
    Graph *g = graph_new();
    Value *p[PARAMS];
    for (size_t i = 0; i < PARAMS; i++)
        p[i] = v_param(g, 0.4 + 0.25 * (double)i);
    Value *scattered[PARAMS] = {p[4], p[0], p[5], p[2], p[1], p[3]};
    Value *root = p[0];
    for (OpCode op = (OpCode)(OP_CONST + 1); op < OP_COUNT; op++) {
        root = v_add(v_mul(root, 0.7), node_of(op, p, op % 4));
        root = v_add(v_mul(root, 0.7), node_of(op, scattered, op % 4));
        root = v_mul(v_tanh(root), 2); /* so that the rest still counts, and nothing grows */
    }
    GradCheck report;
    Error error = {""};
    cr_assert(gradcheck(root, &report, &error), "%s", error.message);
    cr_assert(report.right == PARAMS && report.nonzero == PARAMS, "%zu right, %zu with a slope, want %d of each",
              report.right, report.nonzero, PARAMS);
    graph_free(g);
}

/* The same, an op at a time, so that a failure names it. */
Test(gradcheck, each_op_passes_alone)
{
    for (OpCode op = (OpCode)(OP_CONST + 1); op < OP_COUNT; op++) {
        Graph *g = graph_new();
        Value *p[6];
        GradCheck report;
        Error error = {""};
        for (size_t i = 0; i < 6; i++)
            p[i] = v_param(g, 1.65 - 0.25 * (double)i);
        cr_expect(gradcheck(node_of(op, p, 2), &report, &error) && report.nonzero > 0, "%s: %zu with a slope; %s",
                  op_table[op].name, report.nonzero, error.message);
        graph_free(g);
    }
}

/* ---- wrong gradients --------------------------------------------------------------------------------------------- */

Test(gradcheck, a_wrong_gradient_is_named_with_its_numbers)
{
    for (size_t wrong = 0; wrong < 3; wrong++) {
        Neuron n = neuron_new();
        GradCheck report;
        Error error = {""};
        backward(n.loss);
        cr_assert(gradcheck_stored(n.loss, 0, &report, &error), "before: %s", error.message);
        const double right = n.params[wrong]->grad;
        n.params[wrong]->grad += 1e-6; /* a hundred times the tolerance */
        cr_assert_not(gradcheck_stored(n.loss, 0, &report, &error), "a wrong gradient of %s passed",
                      n.params[wrong]->label);
        cr_assert(report.wrong == 1 && report.right == 2, "%zu wrong, %zu right, want 1 and 2", report.wrong,
                  report.right);
        cr_expect_str_eq(report.worst.name, n.params[wrong]->label, "named %s, want %s", report.worst.name,
                         n.params[wrong]->label);
        cr_expect_eq(report.worst.got, n.params[wrong]->grad, "got %g, want %g", report.worst.got,
                     n.params[wrong]->grad);
        cr_expect_eq(report.worst.point, n.params[wrong]->data, "point %g, want %g", report.worst.point,
                     n.params[wrong]->data);
        cr_expect_float_eq(report.worst.want, right, 1e-8, "want %.12g by differences, %.12g before", report.worst.want,
                           right); /* the check's own tolerance */
        cr_expect(strstr(error.message, n.params[wrong]->label) != NULL, "the message is \"%s\"", error.message);
        graph_free(n.graph);
    }
}

Test(gradcheck, gradients_that_are_nan_infinite_or_of_the_wrong_sign_are_wrong)
{
    Neuron n = neuron_new();
    backward(n.loss);
    const double bad[] = {NAN, INFINITY, -INFINITY, -n.params[1]->grad, 0, 2 * n.params[1]->grad};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        GradCheck report;
        n.params[1]->grad = bad[i];
        cr_expect_not(gradcheck_stored(n.loss, 0, &report, NULL), "a gradient of %g passed", bad[i]);
        cr_expect_str_eq(report.worst.name, "w1", "%g: named %s, want w1", bad[i], report.worst.name);
    }
    graph_free(n.graph);
}

Test(gradcheck, its_own_walk_leaves_gradients_and_data_as_they_were)
{
    Neuron n = neuron_new();
    GradCheck report;
    for (size_t i = 0; i < 3; i++)
        n.params[i]->grad = 10 + (double)i;
    const double loss = n.loss->data;
    cr_assert(gradcheck(n.loss, &report, NULL), "%zu wrong", report.wrong);
    for (size_t i = 0; i < 3; i++)
        cr_expect_eq(n.params[i]->grad, 10 + (double)i, "%s: its gradient is now %g", n.params[i]->label,
                     n.params[i]->grad);
    cr_expect(n.loss->data == loss && n.params[0]->data == 0.7, "data changed: loss %g, w0 %g", n.loss->data,
              n.params[0]->data);
    graph_free(n.graph);
}

/* ---- kinks ------------------------------------------------------------------------------------------------------- */

/* The verdict on the one param of an expression in it. */
static GradCheck check_at(Graph *g, double point, Value *(*build)(Value *x))
{
    GradCheck report;
    Value *x = v_label(v_param(g, point), "x");
    gradcheck(build(x), &report, NULL);
    return report;
}

static Value *relu_of(Value *x) { return V_NAME(v_relu(x)); }
static Value *max_with_itself(Value *x) { return v_max(x, x); }
static Value *relu_of_nothing(Value *x) { return v_add(x, v_relu(v_sub(x, x))); }

Test(gradcheck, a_param_on_a_kink_is_not_checked_and_the_op_is_named)
{
    size_t kinks = 0;
    for (OpCode op = (OpCode)(OP_CONST + 1); op < OP_COUNT; op++) {
        if (!op_table[op].has_kink)
            continue;
        kinks++;
        Graph *g = graph_new();
        GradCheck report;
        Value *x = V_NAME(v_param(g, 0));
        gradcheck(op_table[op].shape == SHAPE_UNARY ? value_unary(op, x, HERE)
                                                    : value_binary(op, x, v_const(g, 0), HERE),
                  &report, NULL);
        cr_expect(report.at_kink == 1 && report.wrong == 0 && report.right == 0,
                  "%s: %zu at a kink, %zu wrong, %zu right", op_table[op].name, report.at_kink, report.wrong,
                  report.right);
        cr_expect_eq(report.first_at_kink.kink_op, op, "named the op %s, want %s",
                     op_table[report.first_at_kink.kink_op].name, op_table[op].name);
        graph_free(g);
    }
    cr_expect_geq(kinks, 4, "the table has only %zu ops with a kink", kinks);
}

Test(gradcheck, a_kink_that_is_near_but_not_at_the_point_is_checked_with_smaller_steps)
{
    for (double point = -3e-6; point <= 3e-6; point += 6e-6) {
        Graph *g = graph_new();
        const GradCheck report = check_at(g, point, relu_of);
        cr_expect(report.right == 1 && report.at_kink == 0, "relu at %g: %zu right, %zu at a kink", point, report.right,
                  report.at_kink);
        cr_expect_float_eq(report.worst.step, 1e-6, 1e-18, "step %g, want 1e-6", report.worst.step);
        cr_expect_eq(report.worst.got, point > 0, "relu'(%g): got %g", point, report.worst.got);
        graph_free(g);
    }
}

Test(gradcheck, a_tie_that_stays_a_tie_is_no_kink)
{
    Graph *g = graph_new();
    const GradCheck max = check_at(g, 2, max_with_itself);
    cr_assert(max.right == 1 && max.worst.got == 1, "max(x, x): %zu right, slope %g, want 1", max.right, max.worst.got);
    const GradCheck relu = check_at(g, 2, relu_of_nothing);
    cr_assert(relu.right == 1 && relu.worst.got == 1, "x + relu(x - x): %zu right, slope %g, want 1", relu.right,
              relu.worst.got);
    GradCheck report; /* y is nudged after x, whose square must be back at its place by then */
    Value *x = v_param(g, 3), *y = v_param(g, 2);
    gradcheck(v_mul(v_mul(x, x), v_max(y, y)), &report, NULL);
    cr_assert_eq(report.right, 2, "x·x·max(y, y): %zu right", report.right);
    graph_free(g);
}

Test(gradcheck, equal_numbers_that_an_op_does_not_compare_are_no_kink)
{
    Graph *g = graph_new();
    GradCheck report;
    Value *x = v_param(g, 0), *one = v_const(g, 1);
    v_const(g, 0); /* next to it, and no operand */
    cr_assert(gradcheck(v_min(x, one), &report, NULL) && report.worst.step > 0, "min(0, 1) could not be nudged");
    graph_free(g);
}

/* relu'(0) is 0 by convention, so nothing is carried further; and still none of these is known to be right. */
Test(gradcheck, params_behind_a_kink_are_not_checked_either)
{
    Graph *g = graph_new();
    GradCheck report;
    Value *w = v_param(g, 0.75), *x = v_param(g, 2), *dead = v_param(g, 3);
    Value *inside = v_add(v_sub(v_mul(w, x), 1.5), v_mul(dead, 0.0));
    cr_assert(gradcheck(v_add(v_relu(inside), v_param(g, 1)), &report, NULL), "%zu wrong", report.wrong);
    cr_assert(report.at_kink == 2 && report.right == 2, "%zu at a kink, %zu right", report.at_kink, report.right);
    cr_assert_eq(report.first_at_kink.kink_op, OP_RELU, "named %s", op_table[report.first_at_kink.kink_op].name);
    graph_free(g);
}

Test(gradcheck, params_beside_one_on_a_kink_are_still_checked)
{
    Graph *g = graph_new();
    GradCheck report;
    Value *x = v_param(g, 0), *y = v_param(g, 3);
    Value *root = v_add(v_relu(x), v_mul(y, y));
    cr_assert(gradcheck(root, &report, NULL), "%zu wrong", report.wrong);
    cr_assert(report.right == 1 && report.at_kink == 1, "%zu right, %zu at a kink", report.right, report.at_kink);
    graph_free(g);
}

/* ---- where there is nothing to check ----------------------------------------------------------------------------- */

static Value *log_of(Value *x) { return v_log(x); }
static Value *sqrt_of(Value *x) { return v_sqrt(x); }
static Value *reciprocal_of(Value *x) { return v_div(1, x); }

Test(gradcheck, a_param_next_to_a_pole_is_reported_as_not_finite)
{
    Graph *g = graph_new();
    const GradCheck at_zero = check_at(g, 0, sqrt_of); /* its gradient is infinite */
    cr_assert(at_zero.not_finite == 1 && at_zero.wrong == 0, "sqrt at 0: %zu not finite, %zu wrong", at_zero.not_finite,
              at_zero.wrong);
    cr_assert_str_eq(at_zero.first_not_finite.name, "x", "named %s, want x", at_zero.first_not_finite.name);
    const GradCheck close = check_at(g, 1e-300, log_of); /* nudged in proportion, it stays above 0 */
    cr_assert(close.right == 1 && close.not_finite == 0, "log at 1e-300: %zu right, %zu not finite", close.right,
              close.not_finite);
    graph_free(g);
}

/* The first steps reach over the pole, where f is finite again, or bend too much. */
Test(gradcheck, a_steep_function_is_checked_with_smaller_steps)
{
    static Value *(*const functions[])(Value * x) = {log_of, reciprocal_of};
    for (size_t i = 0; i < 2; i++)
        for (double point = 1e-6; point < 1; point *= 10) {
            Graph *g = graph_new();
            const GradCheck report = check_at(g, point, functions[i]);
            cr_expect_eq(report.right, 1, "%s at %g: %zu right, %zu not finite; step %g, error %g, tolerance %g",
                         i == 0 ? "log" : "1/x", point, report.right, report.not_finite, report.worst.step,
                         report.worst.error, report.worst.tolerance);
            graph_free(g);
        }
}

Test(gradcheck, a_gradient_that_overflows_ends_in_a_verdict)
{
    Graph *g = graph_new();
    const GradCheck report = check_at(g, 1e-160, reciprocal_of); /* its gradient, -1e320, is no double */
    cr_assert_eq(report.right + report.wrong + report.at_kink + report.not_finite, 1, "no verdict");
    cr_assert_eq(report.right, 0, "an infinite gradient passed");
    graph_free(g);
}

Test(gradcheck, a_root_that_is_not_finite_is_an_error_that_says_so)
{
    Graph *g = graph_new();
    GradCheck report;
    Error error = {""};
    Value *root = v_log(v_param(g, -1));
    cr_assert_not(gradcheck(root, &report, &error), "a NaN passed");
    cr_assert(strstr(error.message, "graph_first_nonfinite") != NULL, "the message is \"%s\"", error.message);
    graph_free(g);
}

Test(gradcheck, when_nothing_could_be_checked_the_check_does_not_pass)
{
    Graph *g = graph_new();
    GradCheck report;
    Error error = {""};
    cr_assert_not(gradcheck(v_relu(v_param(g, 0)), &report, &error), "it passed with nothing checked");
    cr_assert(strstr(error.message, "nothing could be checked") != NULL, "the message is \"%s\"", error.message);
    graph_free(g);
}

Test(gradcheck, a_root_for_which_there_was_no_memory_is_an_error_that_says_so)
{
    Graph *g = graph_new();
    GradCheck report;
    Error error = {""};
    cr_assert_not(gradcheck(graph_fail(g), &report, &error), "it passed");
    cr_assert(strstr(error.message, "there was no memory when root was built") != NULL, "%s", error.message);
    graph_free(g);
}

/* ---- choosing, large graphs, printing ---------------------------------------------------------------------------- */

/* The mean of many squares. */
Test(gradcheck, a_few_params_are_chosen_evenly)
{
    enum { PARAMS = 1000 };
    static Value *p[PARAMS], *squares[PARAMS];
    Graph *g = graph_new();
    for (size_t i = 0; i < PARAMS; i++)
        p[i] = v_param(g, 1 + 1e-3 * (double)i);
    for (size_t i = 0; i < PARAMS; i++)
        squares[i] = v_mul(p[i], p[i]);
    Value *root = v_div(v_sum(squares, PARAMS), PARAMS);
    GradCheck report;
    cr_assert(gradcheck_some(root, 10, &report, NULL), "%zu wrong", report.wrong);
    cr_assert(report.params == PARAMS && report.right == 10, "%zu params, %zu right", report.params, report.right);
    backward(root);
    for (size_t i = 0; i < PARAMS; i += 100)
        p[i]->grad = 1; /* just those that ten chosen evenly are */
    cr_assert_not(gradcheck_stored(root, 10, &report, NULL), "wrong gradients passed");
    cr_assert_eq(report.wrong, 10, "%zu wrong, want 10", report.wrong);
    cr_assert_not(gradcheck_stored(root, 0, &report, NULL), "wrong gradients passed");
    cr_assert(report.wrong == 10 && report.right == PARAMS - 10, "%zu wrong, %zu right", report.wrong, report.right);
    cr_assert(gradcheck_some(root, 2 * PARAMS, &report, NULL) && report.right == PARAMS, "%zu right", report.right);
    graph_free(g);
}

Test(gradcheck, a_graph_of_a_hundred_thousand_nodes_is_checked)
{
    enum { LENGTH = 50 * 1000 };
    Graph *g = graph_new();
    Value *x = v_param(g, 0.3), *y = x;
    for (int i = 0; i < LENGTH; i++)
        y = v_sin(v_neg(y));
    /* slopes stay above 0 in size: y_k ~ sqrt(3/k), and the product of cosines ~ k^(-3/2) */
    Value *root = v_mul(y, 1e9);
    GradCheck report;
    Error error = {""};
    cr_assert(gradcheck(root, &report, &error), "%s", error.message);
    cr_assert(report.right == 1 && report.nonzero == 1, "%zu right, %zu with a slope", report.right, report.nonzero);
    graph_free(g);
}

static void read_back(const GradCheck *report, char *text, size_t size)
{
    FILE *out = tmpfile();
    gradcheck_print(report, out);
    rewind(out);
    text[fread(text, 1, size - 1, out)] = '\0';
    fclose(out);
}

Test(gradcheck, the_printed_report_names_what_matters)
{
    Graph *g = graph_new();
    char text[2048];
    GradCheck report;
    Value *x = v_label(v_param(g, 0), "bias"), *y = v_label(v_param(g, 3), "weight"), *z = v_param(g, 0);
    Value *root = v_add(v_add(v_label(v_relu(x), "hidden"), v_mul(y, y)), v_sqrt(v_label(z, "radius")));
    cr_assert(gradcheck(root, &report, NULL), "%zu wrong", report.wrong);
    graph_free(g);
    read_back(&report, text, sizeof text);
    static const char *const parts[] = {"of 3 params 1 checked: 1 right, 0 wrong", "weight at 3", "bias at 0",
                                        "hidden (relu)", "radius at 0"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        cr_expect(strstr(text, parts[i]) != NULL, "\"%s\" is not in:\n%s", parts[i], text);
}

Test(gradcheck, a_check_of_slopes_that_are_all_zero_says_so)
{
    Graph *g = graph_new();
    char text[2048];
    const GradCheck report = check_at(g, -2, relu_of);
    cr_assert(report.right == 1 && report.nonzero == 0, "%zu right, %zu with a slope", report.right, report.nonzero);
    read_back(&report, text, sizeof text);
    cr_assert(strstr(text, "all slopes are 0") != NULL, "it is not in:\n%s", text);
    graph_free(g);
}

static Value *trace_free_walk(Graph *g, FILE *out)
{
    backward_trace(g, out);
    return v_mul(v_param(g, 2), 3);
}

Test(gradcheck, its_own_walk_is_not_traced)
{
    Graph *g = graph_new();
    GradCheck report;
    FILE *out = tmpfile();
    Value *root = trace_free_walk(g, out);
    cr_assert(gradcheck(root, &report, NULL), "%zu wrong", report.wrong);
    cr_assert_eq(ftell(out), 0, "%ld bytes were traced", ftell(out));
    backward(root);
    cr_assert(ftell(out) > 0, "the user's own walk is not traced any more");
    graph_free(g);
    fclose(out);
}

/* ---- no memory, misuse ------------------------------------------------------------------------------------------- */

Test(gradcheck, no_memory_is_an_error_wherever_it_strikes)
{
    Neuron n = neuron_new();
    int failures = 0;
    bool done = false;
    for (; !done && failures < 40; failures += !done) {
        GradCheck report;
        Error error = {""};
        memory_lasts((size_t)failures);
        done = gradcheck(n.loss, &report, &error);
        memory_restore();
        cr_expect(done || strstr(error.message, "no memory") != NULL, "allocation %d: message \"%s\"", failures,
                  error.message);
    }
    cr_assert(done && failures >= 8, "%d allocations failed before it succeeded", failures);
    graph_free(n.graph);
}

static jmp_buf after_misuse;
static char misuse_message[1024];

static void note_misuse(Where where, const char *message)
{
    (void)where;
    snprintf(misuse_message, sizeof misuse_message, "%s", message);
    longjmp(after_misuse, 1);
}

Test(gradcheck, a_graph_whose_leaves_were_changed_is_misuse_that_names_the_node)
{
    Neuron n = neuron_new();
    GradCheck report;
    n.params[2]->data += 0.5; /* an optimiser's step, and the loss not built again */
    misuse_set_handler(note_misuse);
    if (setjmp(after_misuse) == 0)
        gradcheck(n.loss, &report, NULL);
    misuse_set_handler(NULL);
    cr_assert(strstr(misuse_message, "out of date") != NULL && strstr(misuse_message, "build the expression again"),
              "the message is \"%s\"", misuse_message);
    graph_free(n.graph);
}

Test(gradcheck, an_infinity_for_a_number_is_out_of_date_and_the_rounding_of_a_list_is_not)
{
    static GradCheck report;
    Graph *g = graph_new();
    Value *x = v_param(g, 1000), *root = v_add(v_min(v_exp(x), 1), x), *y = v_param(g, 1), *log = v_log(y);
    gradcheck(root, &report, NULL);
    cr_expect_eq(report.params, 1, "an infinity that is up to date");
    x->data = 1;
    MUST_BE_MISUSE(gradcheck(root, &report, NULL), "is out of date: its data is inf, but");
    y->data = 0;
    MUST_BE_MISUSE(gradcheck(log, &report, NULL), "is out of date: its data is 0, but", "it is -inf");
    Value *sum = v_sum(((Value *[]){v_param(g, 1e17), y, v_param(g, -1e17)}), 3);
    sum->data += 16; /* a unit in the last place of 1e17 */
    gradcheck_stored(sum, 0, &report, NULL);
    cr_expect_eq(report.params, 3, "a rounding of 1e17");
    graph_free(g);
}

Test(gradcheck, a_root_that_no_param_leads_to_is_misuse, .signal = SIGABRT)
{
    Graph *g = graph_new();
    GradCheck report;
    gradcheck(v_mul(v_input(g, 2), 3), &report, NULL);
}

Test(gradcheck, a_null_root_is_misuse, .signal = SIGABRT)
{
    GradCheck report;
    gradcheck(NULL, &report, NULL);
}

Test(gradcheck, a_null_report_is_misuse_at_the_callers_line)
{
    Graph *g = graph_new();
    Value *x = v_param(g, 2);
    MUST_BE_MISUSE(gradcheck(x, NULL, NULL), "gradcheck", "report", "NULL");
    graph_free(g);
}
