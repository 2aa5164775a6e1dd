/* test_replay_use.c - How programs are used: what is read at each replay and what stays, what is refused, what agrees,
 * and what happens without memory. The numbers are in test_replay.c. */
#include <limits.h>
#include <signal.h>

#include "replay_task.h"

#include "caught.h"
#include "graph.h"
#include "hessian.h"
#include "matrix.h"
#include "no_memory.h"

static Graph *g;
static Value *w, *c; /* params */
static void open_graph(void)
{
    g = graph_new();
    w = v_label(v_param(g, 3), "w");
    c = v_label(v_param(g, 0.5), "c");
}
static void close_graph(void) { graph_free(g); }

TestSuite(replay_use, .init = open_graph, .fini = close_graph);

/* (w·x + c − t)² */
static Value *squared_error(Value *x, Value *t)
{
    Value *error = v_sub(v_add(v_mul(w, x), c), t);
    return v_mul(error, error);
}

static Value **two_inputs(double x, double t) { return v_inputs(g, ((double[]){x, t}), 2); }

static Program *record(Value *loss, Value **x, size_t n)
{
    Error error = {""};
    Program *program = program_record(loss, x, n, &error);
    cr_assert(program != NULL, "%s", error.message);
    return program;
}

static double loss_of(Program *program, const double *row)
{
    double loss;
    program_replay(program, row, 1, 1, &loss);
    return loss;
}

static Program *squared_error_program(void)
{
    Value **x = two_inputs(2, 1);
    return record(squared_error(x[0], x[1]), x, 2);
}

/* ---- what is read, and what stays -------------------------------------------------------------------------------- */

Test(replay_use, params_are_read_at_each_replay_and_constants_stay)
{
    Value *x = v_input(g, 2), *ten = v_const(g, 10), *loss = v_add(v_mul(w, x), ten);
    Program *program = record(loss, &x, 1);
    const double five = 5, first = loss_of(program, &five);
    cr_expect_eq(first, 25);
    w->data = 4;
    ten->data = 1000;
    x->data = 7;
    const double second = loss_of(program, &five);
    cr_expect_eq(second, 30, "w is 4 now, and 10 is 10: %g", second);
    cr_expect_eq(w->grad, 10, "twice 5: %g", w->grad);
    program_free(program);
}

Test(replay_use, a_program_outlives_the_nodes_that_it_was_recorded_from)
{
    const Mark mark = graph_mark(g);
    Program *program = squared_error_program();
    graph_release(g, mark);
    for (int i = 0; i < 5000; i++)
        v_add(w, NAN); /* over what the nodes were */
    cr_expect_eq(loss_of(program, (double[]){2, 1}), 5.5 * 5.5);
    cr_expect(w->grad == 22 && c->grad == 11, "%g %g", w->grad, c->grad);
    graph_release(g, mark);
    cr_expect_eq(loss_of(program, (double[]){2, 1}), 5.5 * 5.5);
    program_free(program);
}

Test(replay_use, only_the_gradients_of_the_params_change)
{
    Value **x = two_inputs(2, 1), *loss = squared_error(x[0], x[1]), *unused = v_param(g, 1);
    backward(loss);
    const size_t nodes = graph_node_count(g);
    double grads[16], data[16];
    size_t count;
    Value **order = graph_topological_order(loss, &count);
    for (size_t i = 0; i < count; i++) {
        grads[i] = order[i]->grad;
        data[i] = order[i]->data;
    }
    unused->grad = 0.25;
    Program *program = record(loss, x, 2);
    for (size_t i = 0; i < count; i++)
        cr_expect(order[i]->grad == grads[i], "recording changed the gradient of node %zu", i);
    loss_of(program, (double[]){-1, 3});
    for (size_t i = 0; i < count; i++) {
        cr_expect(order[i]->data == data[i], "the data of node %zu has changed", i);
        cr_expect(order[i]->op == OP_PARAM || order[i]->grad == grads[i], "the gradient of node %zu has changed", i);
    }
    cr_expect_eq(unused->grad, 0.25, "a param that is not below the loss");
    cr_expect_eq(graph_node_count(g), nodes, "%zu nodes were built", graph_node_count(g) - nodes);
    cr_expect_eq(program_param_count(program), 2);
    memory_free(order);
    program_free(program);
}

Test(replay_use, inputs_may_be_anywhere)
{
    Value *before = v_input(g, 8), *x = v_input(g, 2), *loss = v_mul(w, x), *after = v_input(g, 9);
    for (int i = 0; i < 3000; i++)
        v_sub(after, before); /* unrelated, and after too */
    Value *inputs[] = {after, x, v_input(g, 1), before};
    Program *program = record(loss, inputs, 4);
    cr_expect_eq(loss_of(program, (double[]){NAN, 5, NAN, INFINITY}), 15);
    cr_expect_eq(w->grad, 5, "%g", w->grad);
    program_free(program);
}

Test(replay_use, the_order_of_the_row_is_that_of_the_list)
{
    Value **x = two_inputs(1, 1), *turned[] = {x[1], x[0]}, *loss = v_mul(w, v_sub(x[0], x[1]));
    Program *program = record(loss, x, 2), *other = record(loss, turned, 2);
    cr_expect_eq(loss_of(program, (double[]){10, 1}), 27);
    cr_expect_eq(loss_of(other, (double[]){10, 1}), -27);
    program_free(program);
    program_free(other);
}

Test(replay_use, without_inputs_each_sample_is_the_same)
{
    Program *program = record(v_mul(w, c), NULL, 0);
    double losses[40];
    program_replay(program, NULL, 40, 1, losses);
    cr_expect(losses[0] == 1.5 && losses[39] == 1.5, "%g %g", losses[0], losses[39]);
    cr_expect(w->grad == 20 && c->grad == 120, "%g %g", w->grad, c->grad);
    program_free(program);
}

Test(replay_use, two_programs_on_one_graph_do_not_meet)
{
    Program *first = squared_error_program();
    Value *x = v_input(g, 2);
    Program *second = record(v_mul(c, x), &x, 1);
    cr_assert(program_use_threads(second, 2));
    program_use_vmath(second, true);
    cr_expect_eq(loss_of(first, (double[]){2, 1}), 5.5 * 5.5);
    cr_expect_eq(loss_of(second, (double[]){8}), 4);
    cr_expect(w->grad == 22 && c->grad == 19, "%g %g", w->grad, c->grad);
    program_free(first);
    cr_expect_eq(loss_of(second, (double[]){8}), 4);
    program_free(second);
    program_free(NULL);
}

Test(replay_use, a_replay_needs_no_memory)
{
    Program *program = squared_error_program();
    double *rows = numbers_new(2 * 3000);
    for (size_t i = 0; i < 2 * 3000; i++)
        rows[i] = (double)i;
    for (size_t threads = 0; threads < 3; threads++) {
        cr_assert(program_use_threads(program, threads));
        memory_lasts(0);
        program_replay(program, rows, 3000, 1, NULL);
        cr_expect(allocations == 0, "%zu threads: %zu allocations", threads, allocations);
        memory_restore();
    }
    program_free(program);
    free(rows);
}

/* ---- what is refused --------------------------------------------------------------------------------------------- */

Test(replay_use, what_is_no_loss_is_refused)
{
    Value *x = v_label(v_input(g, 2), "x"), *of_none = v_label(v_exp(x), "e");
    const char *const why = "program_record: the loss e (data 7.38906) depends on no param";
    Error error;
    MUST_BE_MISUSE(program_record(NULL, &x, 1, &error), "program_record: the loss is NULL");
    MUST_BE_MISUSE(program_record(w, &x, 1, &error), "program_record: the loss w was computed from nothing");
    MUST_BE_MISUSE(program_record(x, &x, 1, &error), "program_record: the loss x was computed from nothing");
    MUST_BE_MISUSE(program_record(of_none, &x, 1, &error), why, "v_param");
    const Mark mark = graph_mark(g);
    Value *gone = v_mul(w, x);
    graph_release(g, mark);
    MUST_BE_MISUSE(program_record(gone, &x, 1, &error), "program_record: the loss was released");
}

Test(replay_use, what_is_no_list_of_inputs_is_refused)
{
    Graph *other = graph_new();
    Value *x = v_label(v_input(g, 2), "x"), *loss = v_mul(w, x), *foreign = v_input(other, 1);
    Value *constant = v_const(g, 2);
    const Mark mark = graph_mark(g);
    Value *gone = v_input(g, 1);
    graph_release(g, mark);
    Value *const lists[][2] = {{x, NULL}, {x, w}, {x, loss}, {x, constant}, {x, foreign}, {x, gone}, {x, x}};
    MUST_BE_MISUSE(program_record(loss, NULL, 2, NULL), "program_record: the list of inputs is NULL");
    MUST_BE_MISUSE(program_record(loss, lists[0], 2, NULL), "program_record: inputs[1] is NULL");
    MUST_BE_MISUSE(program_record(loss, lists[1], 2, NULL), "inputs[1] is w, of kind param", "v_input");
    MUST_BE_MISUSE(program_record(loss, lists[2], 2, NULL), "inputs[1] is v", "of kind mul", "v_input");
    MUST_BE_MISUSE(program_record(loss, lists[3], 2, NULL), "inputs[1] is v", "of kind const", "v_input");
    MUST_BE_MISUSE(program_record(loss, lists[4], 2, NULL), "program_record: inputs[1]", "another graph");
    MUST_BE_MISUSE(program_record(loss, lists[5], 2, NULL), "program_record: inputs[1] was released");
    MUST_BE_MISUSE(program_record(loss, lists[6], 2, NULL), "program_record: inputs[1] stands in the list twice");
    graph_free(other);
}

Test(replay_use, an_input_that_there_was_no_memory_for_is_an_error)
{
    Value **x = two_inputs(2, 7), *loss = v_mul(w, x[0]), *list[] = {x[0], x[1]};
    Error error = {""};
    memory_lasts(0);
    while (list[1]->op != OP_FAILED)
        list[1] = v_input(g, 1);
    memory_restore();
    cr_expect_null(program_record(loss, list, 2, &error), "recorded with an input that is none");
    cr_expect_not_null(strstr(error.message, "memory"), "%s", error.message);
}

Test(replay_use, an_input_that_would_stay_is_refused)
{
    Value **x = two_inputs(2, 7), *y = v_mul(w, x[0]);
    const double target = 7;
    v_label(x[1], "t");
    Value *loss = v_sub(y, x[1]), *numbers = mean_squared_error(&y, &target, 1);
    const char *const why =
        "program_record: t is an input of the graph, and not in the list of inputs: it would stay 7 ";
    MUST_BE_MISUSE(program_record(loss, x, 1, NULL), why, "for every sample", "v_const");
    MUST_BE_MISUSE(program_record(numbers, x, 1, NULL), "is an input of the graph, and not in the list", "stay 7");
    Graph *other = graph_new();
    Value *first = v_input(other, 7), *product = v_mul(first, v_param(other, 1));
    MUST_BE_MISUSE(program_record(product, NULL, 0, NULL), "is an input of the graph, and not in the list", "stay 7");
    graph_free(other);
    Program *program = record(mean_squared_error(&y, x + 1, 1), x, 2);
    cr_expect_eq(loss_of(program, (double[]){2, 5}), 1);
    program_free(program);
}

Test(replay_use, a_class_that_was_picked_is_refused)
{
    Value **x = two_inputs(2, 1), *z[2] = {v_mul(w, x[0]), v_mul(c, x[1])}, *out[2];
    const Matrix row = matrix_from_values(z, 1, 2);
    const int label = 0;
    log_softmax(z, 2, out);
    Value *const losses[] = {cross_entropy(z, 2, 0), v_add(v_neg(log_softmax_at(z, 2, 1)), 1.0), out[1],
                             mean_cross_entropy(row, &label), v_exp(matrix_at(matrix_row_softmax(row), 0, 1))};
    const char *const why = "decided by numbers of this sample (the largest logit";
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++)
        MUST_BE_MISUSE(program_record(losses[i], x, 2, NULL), "program_record: v", why, "cross_entropy_one_hot");
    Program *program = record(v_logsumexp(z, 2), x, 2); /* all of those are in the graph, and not below this */
    program_free(program);
}

/* Of a root at x: x decides which nodes its gradient is made of. */
static Value *decided_root(size_t kind, Value *x)
{
    Value *wx = v_mul(w, x), *z[2] = {wx, v_mul(c, x)}, *out[2];
    switch (kind) {
    case 0: return v_relu(wx);
    case 1: return v_max(wx, c);
    case 2: return v_abs(v_tanh(wx));
    case 3: return v_mul(v_relu(v_sub(x, 2)), v_sqrt(v_sub(w, 3))); /* 0 times a slope of infinity */
    case 4: return v_pow(v_relu(v_sub(x, 2)), w);                   /* 0ʷ: a convention, and not y·log a */
    case 5: return v_add(v_log(v_sub(0.5, w)), wx);                 /* no derivative */
    case 6: return v_mul(v_mul(x, NAN), w);
    default: log_softmax(z, 2, out); return value_parent(value_parent(out[0], 1), 0); /* a logit minus the largest */
    }
}

/* d relu(w·x)/dw is x for x > 0, and 0 below. x itself stays what can be recorded. */
Test(replay_use, a_gradient_that_numbers_decided_is_refused)
{
    const char *const why = "gradient_nodes that decided by numbers of this sample";
    for (size_t kind = 0; kind < 8; kind++)
        for (double at = -2; at <= 2; at += 4) {
            Value *x = v_input(g, at), *slope;
            cr_assert(gradient_nodes(decided_root(kind, x), &w, 1, &slope, NULL));
            Value *loss = v_add(v_mul(slope, slope), v_mul(w, w));
            MUST_BE_MISUSE(program_record(loss, &x, 1, NULL), "program_record: v", why, "of smooth functions only");
            Program *program = record(v_mul(w, x), &x, 1);
            program_free(program);
        }
}

/* d/dw and d/dc of (dL/dw, dL/dc)·(2, -1), which is a Hessian times a vector. */
static Value *times_direction(Value **x)
{
    Value *params[2] = {w, c}, *slopes[2], *direction[2] = {v_const(g, 2), v_const(g, -1)};
    Value *y = v_tanh(v_dot_bias(&w, x, 1, c)), *error = v_sub(y, x[1]);
    Value *logits[2] = {v_exp(v_mul(error, 0.25)), v_softplus(y)};
    cr_assert(gradient_nodes(v_logsumexp(logits, 2), params, 2, slopes, NULL));
    return v_dot(slopes, direction, 2);
}

Test(replay_use, the_gradient_of_a_smooth_function_can_be_recorded)
{
    const double rows[][2] = {{0.125, -0.5}, {-0.25, 1}};
    Value **x = v_inputs(g, rows[0], 2), **other = v_inputs(g, rows[1], 2);
    Program *program = record(times_direction(x), x, 2);
    Value *want = times_direction(other);
    backward(want);
    const double grads[2] = {w->grad, c->grad};
    w->grad = c->grad = 0;
    cr_expect_eq(loss_of(program, rows[1]), want->data);
    cr_expect_float_eq(w->grad, grads[0], 1e-15 * fabs(grads[0]), "%a, by hand %a", w->grad, grads[0]);
    cr_expect_float_eq(c->grad, grads[1], 1e-15 * fabs(grads[1]), "%a, by hand %a", c->grad, grads[1]);
    program_free(program);
}

/* Whether param, input or constant: the loss is no longer what its operands give. */
Test(replay_use, data_that_were_changed_since_are_refused)
{
    Value **x = two_inputs(2, 1), *two = v_const(g, 2);
    Value *loss = v_label(v_mul(squared_error(x[0], x[1]), two), "loss");
    Value *const changed[] = {w, c, x[0], x[1], two};
    const char *const why = "program_record: loss is 60.5, but its operands now give another number";
    for (size_t i = 0; i < sizeof changed / sizeof *changed; i++) {
        const double before = changed[i]->data;
        changed[i]->data += 0.125;
        MUST_BE_MISUSE(program_record(loss, x, 2, NULL), why, "data were changed", "optimizer");
        changed[i]->data = before;
    }
    program_free(record(loss, x, 2));
}

Test(replay_use, a_program_without_its_params_is_refused)
{
    const Mark mark = graph_mark(g);
    Value *x = v_input(g, 1), *late = v_param(g, 2);
    Program *program = record(v_mul(w, v_mul(x, late)), &x, 1);
    const double row = 1;
    double gradients[2];
    graph_release(g, mark);
    MUST_BE_MISUSE(program_replay(program, &row, 1, 1, NULL), "program_replay: the program's params were released");
    MUST_BE_MISUSE(program_replay_blocks(program, &row, 1, 1, NULL, gradients), "program_replay_blocks: ", "released");
    MUST_BE_MISUSE(program_add_blocks(program, gradients, 1), "program_add_blocks: ", "released");
    for (int i = 0; i < 100; i++)
        v_param(g, 1); /* in their place */
    MUST_BE_MISUSE(program_replay(program, &row, 1, 1, NULL), "released");
    Value *y = v_input(g, 1), *again = v_mul(w, v_mul(y, v_param(g, 2)));
    MUST_BE_MISUSE(program_agrees(program, again, &y, 1, NULL), "program_agrees: the program's params were released");
    program_free(program);
}

Test(replay_use, null_is_refused)
{
    Program *program = squared_error_program(), *without_inputs = record(v_mul(w, c), NULL, 0);
    Value **x = two_inputs(1, 2), *loss = squared_error(x[0], x[1]);
    const double row[2] = {1, 2};
    double gradients[2];
    MUST_BE_MISUSE(program_replay(NULL, row, 1, 1, NULL), "program_replay: the program is NULL", "program_record");
    MUST_BE_MISUSE(program_replay(program, NULL, 1, 1, NULL), "program_replay: the list of rows is NULL", "1 x 2");
    MUST_BE_MISUSE(program_replay_blocks(NULL, row, 1, 1, NULL, gradients), "program_replay_blocks: the program is ");
    MUST_BE_MISUSE(program_replay_blocks(program, NULL, 1, 1, NULL, gradients), "program_replay_blocks: the list of");
    MUST_BE_MISUSE(program_replay_blocks(program, row, 1, 1, NULL, NULL), "program_replay_blocks: gradients is NULL");
    MUST_BE_MISUSE(program_add_blocks(NULL, gradients, 1), "program_add_blocks: the program is NULL");
    MUST_BE_MISUSE(program_add_blocks(program, NULL, 1), "program_add_blocks: gradients is NULL");
    MUST_BE_MISUSE(program_add_blocks(without_inputs, NULL, 1), "program_add_blocks: gradients is NULL");
    MUST_BE_MISUSE(program_agrees(NULL, loss, x, 2, NULL), "program_agrees: the program is NULL");
    MUST_BE_MISUSE(program_use_vmath(NULL, true), "program_use_vmath: the program is NULL");
    MUST_BE_MISUSE(program_use_threads(NULL, 1), "program_use_threads: the program is NULL");
    MUST_BE_MISUSE(program_threads(NULL), "program_threads: the program is NULL");
    MUST_BE_MISUSE(program_param_count(NULL), "program_param_count: the program is NULL");
    program_replay(program, NULL, 0, 1, NULL); /* of no rows there is no list */
    program_free(program);
    program_free(without_inputs);
}

Test(replay_use, misuse_aborts_by_default, .signal = SIGABRT) { program_replay((Program *)NULL, NULL, 0, 1, NULL); }

/* ---- whether another sample gives the same program --------------------------------------------------------------- */

enum { FEATURES = 3 };

/* A step of C code at each place that may go another way. `way` is 0 for the code that is recorded. */
enum Way { SAME, BRANCH, LENGTH, CONSTANT, SIGN_OF_ZERO, PARAM, ORDER, BIAS, NO_BIAS, INPUT, DEEPER, WAYS };

static Value *wayward_loss(enum Way way, Value **x)
{
    Value *list[FEATURES + 1] = {x[0], x[1], x[2], x[1]}, *by[FEATURES] = {w, c, w};
    Value *branch = v_label(way == BRANCH ? v_sin(w) : v_cos(w), "branch");
    Value *constant = v_label(v_add(x[way == INPUT ? 1 : 0], way == CONSTANT ? 2.0 : 1.0), "constant");
    Value *zero = v_label(v_const(g, way == SIGN_OF_ZERO ? -0.0 : 0.0), "zero");
    Value *param = v_label(v_mul(way == PARAM ? c : w, x[0]), "param");
    Value *order = v_label(way == ORDER ? v_sub(x[1], x[0]) : v_sub(x[0], x[1]), "order");
    Value *bias =
        v_label(way == NO_BIAS ? v_dot(by, x, FEATURES) : v_dot_bias(by, x, FEATURES, way == BIAS ? w : x[0]), "bias");
    Value *length = v_label(v_sum(list, way == LENGTH ? FEATURES + 1 : FEATURES), "length");
    Value *parts[] = {branch, constant, v_max(x[2], zero), param, order, bias, length, v_const(g, NAN)};
    Value *loss = v_sum(parts, sizeof parts / sizeof *parts);
    return way == DEEPER ? v_label(v_neg(loss), "deeper") : loss;
}

Test(replay_use, a_sample_agrees_unless_the_code_went_another_way)
{
    static const struct {
        enum Way way;
        const char *named;
    } rows[] = {{SAME, NULL},
                {BRANCH, "branch (sin)"},
                {LENGTH, "length (sum)"},
                {CONSTANT, " (const)"},
                {SIGN_OF_ZERO, "zero (const)"},
                {PARAM, "param (mul)"},
                {ORDER, "order (sub)"},
                {BIAS, "bias (dot)"},
                {NO_BIAS, "bias (dot)"},
                {INPUT, "constant (add)"},
                {DEEPER, "deeper (neg)"}};
    const Mark mark = graph_mark(g);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        Value **x = v_inputs(g, ((double[]){1, 2, 3}), FEATURES);
        Program *program = record(wayward_loss(SAME, x), x, FEATURES);
        graph_release(g, mark);
        w->data += 1; /* data may change */
        Value **y = v_inputs(g, ((double[]){5, -0.0, NAN}), FEATURES);
        Error error = {""};
        const bool agrees = program_agrees(program, wayward_loss(rows[i].way, y), y, FEATURES, &error);
        const int line = __LINE__ - 1;
        char place[64];
        snprintf(place, sizeof place, "test_replay_use.c:%d: program_agrees: ", line);
        cr_expect_eq(agrees, rows[i].way == SAME, "way %d: %d", rows[i].way, agrees);
        cr_expect(agrees || (strstr(error.message, place) != NULL && strstr(error.message, rows[i].named) != NULL &&
                             strstr(error.message, "C code decided differently") != NULL),
                  "way %d: %s", rows[i].way, error.message);
        cr_expect(!agrees || error.message[0] == '\0', "%s", error.message);
        program_free(program);
        graph_release(g, mark);
    }
}

Test(replay_use, a_param_in_the_place_of_another_does_not_agree)
{
    Value *x = v_input(g, 2);
    Program *program = record(v_mul(w, x), &x, 1);
    Error error = {""};
    cr_expect_not(program_agrees(program, v_mul(c, x), &x, 1, &error));
    cr_expect(strstr(error.message, "program_agrees: c (param) is not as in the program") != NULL, "%s", error.message);
    program_free(program);
}

/* The recorded one is the longer one here. */
Test(replay_use, a_loss_that_ends_earlier_does_not_agree)
{
    Value **x = v_inputs(g, ((double[]){1, 2, 3}), FEATURES);
    Program *program = record(wayward_loss(DEEPER, x), x, FEATURES);
    Error error = {""};
    cr_expect_not(program_agrees(program, v_label(wayward_loss(SAME, x), "loss"), x, FEATURES, &error));
    cr_expect(strstr(error.message, "loss (sum)") != NULL, "%s", error.message);
    cr_expect_not(program_agrees(program, wayward_loss(SAME, x), x, FEATURES, NULL), "no error is wanted");
    program_free(program);
}

Test(replay_use, another_list_of_inputs_does_not_agree)
{
    Value **x = two_inputs(2, 1), *turned[] = {x[1], x[0]}, *loss = squared_error(x[0], x[1]);
    Value *const wrong[] = {x[0], w}, *unlisted = v_mul(w, v_input(g, 3));
    Program *program = record(loss, x, 2);
    Error error = {""};
    cr_expect(program_agrees(program, loss, x, 2, &error), "%s", error.message);
    cr_expect_not(program_agrees(program, loss, turned, 2, &error));
    MUST_BE_MISUSE(program_agrees(program, loss, x, 1, &error), "program_agrees: 1 inputs", "recorded with 2");
    MUST_BE_MISUSE(program_agrees(program, NULL, x, 2, &error), "program_agrees: the loss is NULL");
    MUST_BE_MISUSE(program_agrees(program, w, x, 2, &error), "program_agrees: the loss w was computed from nothing");
    MUST_BE_MISUSE(program_agrees(program, loss, NULL, 2, &error), "program_agrees: the list of inputs is NULL");
    MUST_BE_MISUSE(program_agrees(program, loss, wrong, 2, &error), "program_agrees: inputs[1] is w, of kind param");
    MUST_BE_MISUSE(program_agrees(program, unlisted, x, 2, &error), "program_agrees: ", "not in the list");
    program_free(program);
}

/* ---- no memory --------------------------------------------------------------------------------------------------- */

/* Whether the allocations after the first `n`, or one alone, fail. */
typedef void Failing(size_t n);
static Failing *const failing[] = {memory_lasts, memory_fails_once};

/* A sanitizer sees what is not freed. The check that the data are those of the forward pass is left out when it finds
 * no memory, so a program may be there all the same: then it is right. */
Test(replay_use, without_memory_there_is_no_program)
{
    Value **x = two_inputs(2, 1), *loss = squared_error(x[0], x[1]);
    for (size_t f = 0; f < 2; f++) {
        size_t failures = 0;
        bool struck = true;
        for (size_t n = 0; struck; n++) {
            Error error = {""};
            failing[f](n);
            Program *program = program_record(loss, x, 2, &error);
            struck = memory_restore();
            failures += program == NULL;
            cr_expect(program != NULL || strstr(error.message, "program_record: no memory") != NULL, "%zu: \"%s\"", n,
                      error.message);
            cr_expect(program == NULL || loss_of(program, (double[]){3, 1}) == 8.5 * 8.5, "%zu", n);
            cr_expect(program != NULL || struck, "%zu: no program, though there was memory", n);
            program_free(program);
        }
        cr_expect(failures > 10, "only %zu failures", failures);
    }
}

Test(replay_use, without_memory_nothing_agrees)
{
    Value **x = two_inputs(2, 1), *loss = squared_error(x[0], x[1]), *other = v_sub(loss, x[0]);
    Program *program = record(loss, x, 2);
    for (size_t f = 0; f < 2; f++) {
        size_t failures = 0;
        bool struck = true;
        for (size_t n = 0; struck; n++) {
            Error error = {""};
            failing[f](n);
            const bool agrees = program_agrees(program, loss, x, 2, &error);
            struck = memory_restore();
            failures += !agrees;
            cr_expect_eq(agrees, !struck, "%zu: agrees %d", n, agrees);
            cr_expect(agrees || strstr(error.message, "program_agrees: no memory") != NULL, "%zu: \"%s\"", n,
                      error.message);
            failing[f](n);
            cr_expect_not(program_agrees(program, other, x, 2, &error), "%zu: another loss agrees", n);
            cr_expect(strstr(error.message, "program_agrees: ") != NULL, "%zu: \"%s\"", n, error.message);
            memory_restore();
        }
        cr_expect(failures > 5, "only %zu failures", failures);
    }
    program_free(program);
}

/* Large enough for several blocks, whose order shows in the last bits. */
static double gradient_of_w(Program *program, const double *rows, size_t count)
{
    w->grad = 0;
    program_replay(program, rows, count, 0.1, NULL);
    return w->grad;
}

Test(replay_use, without_memory_for_threads_nothing_has_changed)
{
    enum { ROWS = 1000 };
    Program *program = squared_error_program();
    Random random;
    random_seed(&random, 1);
    double rows[2 * ROWS];
    for (size_t i = 0; i < 2 * ROWS; i++)
        rows[i] = random_uniform(&random, -1, 1);
    const double in_order = gradient_of_w(program, rows, ROWS);
    cr_assert(program_use_threads(program, 2));
    const double in_blocks = gradient_of_w(program, rows, ROWS);
    cr_assert_neq(in_order, in_blocks, "one cannot tell the orders apart");
    for (size_t f = 0; f < 2; f++)
        for (size_t before = 0; before < 4; before += 2) {
            size_t failures = 0;
            bool struck = true;
            for (size_t n = 0; struck; n++) {
                cr_assert(program_use_threads(program, before));
                failing[f](n);
                const bool done = program_use_threads(program, 40);
                struck = memory_restore();
                failures += !done;
                cr_expect_eq(done, !struck, "%zu: %d", n, done);
                const double want = done || before > 0 ? in_blocks : in_order;
                cr_expect_eq(gradient_of_w(program, rows, ROWS), want, "from %zu threads, allocation %zu failed",
                             before, n);
            }
            cr_expect(failures > 30, "only %zu failures", failures);
        }
    program_free(program);
}

/* Each of the builders may be the one that finds no memory: what they return then is no misuse. */
Test(replay_use, a_loss_that_there_was_no_memory_for_is_no_program)
{
    size_t failures = 0;
    Program *program = NULL;
    for (size_t n = 0; program == NULL; n++) {
        const Mark mark = graph_mark(g); /* so that the next node needs a block */
        Error error = {""};
        memory_lasts(n);
        Value *x[2] = {v_input(g, 2), v_input(g, 1)};
        program = program_record(squared_error(x[0], x[1]), x, 2, &error);
        memory_restore();
        failures += program == NULL;
        cr_expect(program != NULL || strstr(error.message, "no memory") != NULL, "%zu: \"%s\"", n, error.message);
        graph_release(g, mark);
    }
    cr_expect(failures > 10, "only %zu failures", failures);
    Value *x[2] = {v_input(g, 2), v_input(g, 1)}, *failed = graph_fail(g);
    Error error = {""};
    cr_expect(program_record(failed, x, 2, &error) == NULL && strstr(error.message, "program_record: no memory"), "%s",
              error.message);
    cr_expect(!program_agrees(program, failed, x, 2, &error) && strstr(error.message, "program_agrees: no memory"),
              "%s", error.message);
    program_free(program);
}

Test(replay_use, a_number_of_threads_beyond_reason_is_no_memory)
{
    Program *program = squared_error_program();
    memory_lasts(SIZE_MAX);
    cr_expect_not(program_use_threads(program, SIZE_MAX));
    cr_expect_not(program_use_threads(program, (size_t)INT_MAX + 1));
    cr_expect_eq(allocations, 0, "%zu allocations", allocations);
    memory_restore();
    cr_expect_eq(loss_of(program, (double[]){2, 1}), 5.5 * 5.5);
    program_free(program);
}
