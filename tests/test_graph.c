/* test_graph.c - who lives how long: marks and releases, blocks, and the topological order. */
#define _POSIX_C_SOURCE 200809L
#include <criterion/criterion.h>
#include <fenv.h>
#include <limits.h>
#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backward.h"
#include "caught.h"
#include "graph.h"
#include "long.h"
#include "memory.h"
#include "no_memory.h"
#include "order.h"

static Graph *g;
static void open_graph(void) { g = graph_new(); }
static void close_graph(void) { graph_free(g); }

TestSuite(graph, .init = open_graph, .fini = close_graph);

/* Nodes that fill a few blocks of 64 KB (about a thousand nodes each). */
enum { BLOCK_BYTES = 64 * 1024, SEVERAL_BLOCKS = 5000 };

/* Not inlined: a variable of its own must not lie in a function that is left by longjmp. */
NOINLINE static Value *chain_from(Value *start, size_t links)
{
    Value *v = start;
    for (size_t i = 0; i < links; i++)
        v = v_neg(v);
    return v;
}

/* ---- topological order ------------------------------------------------------------------------------------------- */

static bool is_among(Value *const *list, size_t count, const Value *v)
{
    for (size_t i = 0; i < count; i++)
        if (list[i] == v)
            return true;
    return false;
}

/* Every parent before its children, each node once, the root last, and nothing that the root does not reach. */
static void expect_order(Value *root, size_t want_count)
{
    size_t count = 0;
    Value **order = graph_topological_order(root, &count);
    cr_assert(order != NULL, "no order");
    cr_assert_eq(count, want_count, "%zu nodes, want %zu", count, want_count);
    cr_expect_eq(order[count - 1], root, "the root is not the last");
    for (size_t i = 0; i < count; i++) {
        cr_expect(!is_among(order, i, order[i]), "v%zu comes twice", value_number(order[i]));
        for (size_t p = 0; p < value_parent_count(order[i]); p++)
            cr_expect(is_among(order, i, value_parent(order[i], p)), "v%zu comes before its parent %zu",
                      value_number(order[i]), p);
    }
    memory_free(order);
}

/* A program may trap them: feenableexcept of glibc. */
Test(graph, a_new_graph_raises_no_exception_of_the_arithmetic)
{
    feclearexcept(FE_ALL_EXCEPT);
    Graph *fresh = graph_new();
    const int raised = fetestexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW);
    graph_free(fresh);
    cr_expect_eq(raised, 0, "raised: %#x, where division by zero is %#x", (unsigned)raised, (unsigned)FE_DIVBYZERO);
}

Test(graph, the_order_of_a_leaf_is_the_leaf) { expect_order(v_param(g, 1), 1); }

Test(graph, the_order_has_each_node_of_a_diamond_once)
{
    Value *x = v_param(g, 2), *left = v_exp(x), *right = v_sin(x);
    expect_order(v_mul(left, right), 4);
    Value *b = v_add(x, x), *c = v_add(b, b);
    expect_order(c, 3);
    expect_order(v_mul(c, x), 4);
}

Test(graph, the_order_leaves_out_what_the_root_does_not_reach)
{
    Value *x = v_param(g, 2), *stranger = v_param(g, 3);
    Value *dead_end = v_mul(x, stranger);
    Value *y = v_exp(x);
    v_add(y, dead_end);
    expect_order(y, 2);
}

Test(graph, the_order_goes_through_lists_and_their_bias)
{
    Value *a[] = {v_param(g, 1), v_input(g, 2), v_param(g, 3)}, *shuffled[] = {a[2], a[0], a[2]};
    Value *bias = v_param(g, 4);
    v_param(g, 5);
    expect_order(v_dot_bias(shuffled, a, 3, bias), 5);
    expect_order(v_sum(shuffled, 3), 3);
    expect_order(v_logsumexp(a, 3), 4);
}

Test(graph, the_order_crosses_blocks_and_marks)
{
    Value *first = v_param(g, 1);
    chain_from(first, SEVERAL_BLOCKS);
    graph_mark(g);
    Value *second = v_exp(first);
    chain_from(first, SEVERAL_BLOCKS);
    expect_order(v_mul(second, first), 3);
}

Test(graph, the_order_of_a_released_or_missing_root_is_misuse)
{
    const Mark mark = graph_mark(g);
    Value *gone = v_param(g, 1);
    size_t count;
    graph_release(g, mark);
    MUST_BE_MISUSE(graph_topological_order(gone, &count), "released", "root");
    MUST_BE_MISUSE(graph_topological_order(NULL, &count), "NULL", "root");
    MUST_BE_MISUSE(graph_dump(gone, stdout), "released", "root");
    MUST_BE_MISUSE(graph_dump(NULL, stdout), "NULL", "root");
    MUST_BE_MISUSE(graph_first_nonfinite(gone), "released", "root");
    MUST_BE_MISUSE(graph_first_nonfinite(NULL), "NULL", "root");
}

/* ---- deep and wide ----------------------------------------------------------------------------------------------- */

/* All of it must run on a thread's stack of 64 KB or the least the system allows: a function that calls itself for each
 * node would need a hundred times that for 10⁵ nodes. 10⁷ nodes, where LONG is set, take 750 MB;
 * STEPGRAD_TEST_CHAIN=100000 makes the chain shorter, for valgrind or a small machine. */
static size_t chain_length(void)
{
    const char *text = getenv("STEPGRAD_TEST_CHAIN");
    return text != NULL ? (size_t)strtoull(text, NULL, 10) : is_long() ? 10000000 : 1000000;
}

typedef struct Deep {
    size_t length;
    size_t in_order;
    double data, grad;
    Value *first_bad;
    Value *log;
} Deep;

static void *walk_deep_chain(void *argument)
{
    Deep *deep = argument;
    Graph *graph = graph_new();
    Value *x = v_param(graph, 0.5), *y = x;
    for (size_t i = 0; i < deep->length; i++)
        y = i % 2 == 0 ? v_add(y, x) : v_sub(y, x); /* x, 2x, x, 2x ...: two paths meet in every node */
    backward(y);
    deep->data = y->data;
    deep->grad = x->grad;
    Value **order = graph_topological_order(y, &deep->in_order);
    memory_free(order);
    deep->first_bad = graph_first_nonfinite(y);
    graph_free(graph);
    return NULL;
}

static void run_on_small_stack(void *(*work)(void *), void *argument)
{
    pthread_attr_t attributes;
    pthread_t thread;
    const size_t least = (size_t)PTHREAD_STACK_MIN, stack = least > 65536 ? least : 65536;
    cr_assert_eq(pthread_attr_init(&attributes), 0);
    cr_assert_eq(pthread_attr_setstacksize(&attributes, stack), 0, "no stack of %zu bytes", stack);
    cr_assert_eq(pthread_create(&thread, &attributes, work, argument), 0, "no thread");
    pthread_join(thread, NULL);
    pthread_attr_destroy(&attributes);
}

Test(graph, an_order_is_searched_by_node)
{
    Graph *g = graph_new();
    Value *apart = v_param(g, 5), *x = v_param(g, 2), *between = v_param(g, 7), *y = v_mul(x, x);
    size_t count;
    Value **order = graph_topological_order(y, &count);
    cr_assert_eq(count, 2, "x and y, and %zu nodes are in the order", count);
    cr_expect_eq(order_find(order, count, x), 0);
    cr_expect_eq(order_find(order, count, y), 1);
    cr_expect_eq(order_find(order, count, apart), count, "a node before all of it is found");
    cr_expect_eq(order_find(order, count, between), count, "a node between two of it is found");
    cr_expect_eq(order_find(order, count, v_neg(y)), count, "a node behind all of it is found");
    cr_expect_eq(order_find(order, 0, x), 0, "nothing is in an empty order");
    memory_free(order);
    graph_free(g);
}

Test(graph, a_deep_chain_needs_no_stack)
{
    Deep deep = {.length = chain_length() / 2 * 2 + 1};
    run_on_small_stack(walk_deep_chain, &deep);
    cr_expect_eq(deep.in_order, deep.length + 1, "%zu nodes in order, want %zu", deep.in_order, deep.length + 1);
    cr_expect_eq(deep.data, 1.0, "2x = %g, want 1", deep.data);
    cr_expect_eq(deep.grad, 2.0, "∂2x/∂x = %g, want 2", deep.grad);
    cr_expect_eq(deep.first_bad, NULL, "a number that is not finite");
}

Test(graph, a_sum_of_a_million_squares_is_one_list)
{
    const size_t n = 1000000;
    Value **squares = malloc(n * sizeof(Value *));
    Value *x = v_param(g, 3);
    for (size_t i = 0; i < n; i++)
        squares[i] = v_mul(x, x);
    Value *sum = v_sum(squares, n);
    free(squares);
    backward(sum);
    cr_expect_eq(sum->data, 9e6, "Σ = %g, want 9e6", sum->data);
    cr_expect_eq(x->grad, 6e6, "gradient %g, want 6e6", x->grad);
    cr_expect_eq(value_parent_count(sum), n, "%zu parents", value_parent_count(sum));
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

static char *dump_of(Value *root)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    cr_assert(graph_dump(root, out), "no dump");
    fclose(out);
    return text;
}

Test(graph, a_dump_has_a_line_per_node_parents_first)
{
    Value *a = v_label(v_param(g, 2), "a"), *b = v_label(v_param(g, -3), "b");
    v_exp(a); /* not below the root */
    Value *product = v_label(v_mul(a, b), "ab"), *L = v_label(v_add(product, 10), "L");
    backward(L);
    char *text = dump_of(L);
    const char *const starts[] = {"a = 2 (grad -3)", "b = -3 (grad 2)", "ab = -6 (grad 1) = a * b", "v4 = 10 (grad 0)",
                                  "L = 4 (grad 1) = ab + 10"};
    const char *line = text;
    for (size_t i = 0; i < 5; i++) {
        cr_assert(strncmp(line, starts[i], strlen(starts[i])) == 0, "line %zu does not start with \"%s\":\n%s", i,
                  starts[i], text);
        line = strchr(line, '\n') + 1;
    }
    cr_expect_eq(*line, '\0', "more lines than nodes:\n%s", text);
    free(text);
}

Test(graph, a_dump_of_every_op_names_it_and_its_operands)
{
    Value *a = v_label(v_param(g, 0.7), "first"), *b = v_label(v_param(g, 1.3), "second");
    for (OpCode op = (OpCode)(OP_CONST + 1); op < OP_COUNT; op++) {
        const OpShape shape = op_table[op].shape;
        Value *y = shape == SHAPE_UNARY    ? value_unary(op, a, HERE)
                   : shape == SHAPE_BINARY ? value_binary(op, a, b, HERE)
                   : shape == SHAPE_LIST   ? value_list(op, &a, 1, HERE)
                                           : value_pairs(op, &a, &b, 1, NULL, HERE);
        char *text = dump_of(y);
        const char *last_line = strrchr(text, '=');
        const bool infix = shape == SHAPE_BINARY && strchr("+-*/^", last_line[2 + strlen("first ")]) != NULL;
        cr_expect(infix || strstr(last_line, op_table[op].name) != NULL, "%s is not named in \"%s\"", op_table[op].name,
                  last_line);
        cr_expect(strstr(last_line, "first") != NULL, "%s: no first operand in \"%s\"", op_table[op].name, last_line);
        cr_expect((shape != SHAPE_BINARY && shape != SHAPE_PAIRS) || strstr(last_line, "second") != NULL,
                  "%s: no second operand in \"%s\"", op_table[op].name, last_line);
        free(text);
    }
}

/* ---- the first number that is not finite ------------------------------------------------------------------------- */

Test(graph, the_first_nan_is_found_where_it_was_made)
{
    Value *x = v_param(g, -1), *two = v_param(g, 2);
    v_log(x); /* a NaN that the root does not reach */
    Value *fine = v_exp(two), *culprit = v_sqrt(x), *root = v_mul(v_add(culprit, fine), v_log(x));
    cr_expect_eq(graph_first_nonfinite(root), culprit, "not the sqrt of -1");
    cr_expect_eq(graph_first_nonfinite(fine), NULL, "exp 2 is finite");
}

Test(graph, an_infinity_counts_as_not_finite)
{
    Value *x = v_param(g, 0);
    Value *culprit = v_log(x), *root = v_exp(culprit);
    cr_expect_eq(root->data, 0, "exp(log 0) = %g", root->data);
    cr_expect_eq(graph_first_nonfinite(root), culprit, "not the log of 0");
    Value *leaf = v_input(g, INFINITY);
    cr_expect_eq(graph_first_nonfinite(v_div(1, leaf)), leaf, "not the infinite leaf");
}

Test(graph, if_all_data_is_finite_the_gradients_are_looked_at)
{
    Value *x = v_param(g, 0);
    Value *root = v_add(v_sqrt(x), 1); /* √0 = 0 is finite, its slope is not */
    cr_expect_eq(graph_first_nonfinite(root), NULL, "before the walk all is finite");
    backward(root);
    cr_expect_eq(graph_first_nonfinite(root), x, "∂√x/∂x at 0 is infinite");
}

/* ---- marks ------------------------------------------------------------------------------------------------------- */

static void expect_node_count(size_t want)
{
    cr_expect_eq(graph_node_count(g), want, "%zu live nodes, want %zu", graph_node_count(g), want);
}

Test(graph, a_release_ends_the_nodes_since_the_mark_and_no_others)
{
    Value *kept = v_param(g, 2);
    chain_from(kept, SEVERAL_BLOCKS);
    const Mark mark = graph_mark(g);
    expect_node_count(SEVERAL_BLOCKS + 1);
    Value *gone = chain_from(kept, SEVERAL_BLOCKS);
    expect_node_count(2 * SEVERAL_BLOCKS + 1);
    graph_release(g, mark);
    expect_node_count(SEVERAL_BLOCKS + 1);
    MUST_BE_MISUSE(v_exp(gone), "released");
    Value *again = v_exp(kept);
    cr_expect_eq(value_number(again), SEVERAL_BLOCKS + 1, "number %zu", value_number(again));
    cr_expect_eq(again->data, exp(2), "exp 2 = %g", again->data);
}

Test(graph, marks_nest)
{
    Value *p = v_param(g, 2);
    const Mark outer = graph_mark(g);
    Value *a = v_exp(p);
    const Mark inner = graph_mark(g);
    Value *b = v_exp(a);
    graph_release(g, inner);
    MUST_BE_MISUSE(v_neg(b), "released");
    cr_expect_eq(v_neg(a)->data, -exp(2), "a died with the inner mark");
    graph_release(g, outer);
    MUST_BE_MISUSE(v_neg(a), "released");
    cr_expect_eq(v_neg(p)->data, -2, "p died with the outer mark");
}

Test(graph, an_outer_mark_releases_past_an_inner_one)
{
    Value *p = v_param(g, 2);
    const Mark outer = graph_mark(g);
    v_exp(p);
    const Mark inner = graph_mark(g);
    v_exp(p);
    graph_release(g, outer);
    expect_node_count(1);
    MUST_BE_MISUSE(graph_release(g, inner), "mark", "node 2");
    expect_node_count(1);
    graph_release(g, outer);
    expect_node_count(1);
}

Test(graph, a_mark_may_be_released_to_again_and_again)
{
    Value *p = v_param(g, 2);
    const Mark mark = graph_mark(g);
    graph_release(g, mark);
    graph_release(g, mark);
    for (int step = 0; step < 5; step++) {
        Value *y = v_mul(v_exp(p), p);
        cr_expect_eq(value_number(y), 2, "step %d: number %zu", step, value_number(y));
        graph_release(g, mark);
        graph_release(g, mark);
        expect_node_count(1);
    }
    cr_expect_eq(p->data, 2, "p was overwritten with %g", p->data);
}

Test(graph, two_marks_at_one_place_are_the_same)
{
    v_param(g, 2);
    const Mark first = graph_mark(g), second = graph_mark(g);
    v_param(g, 3);
    graph_release(g, second);
    v_param(g, 3);
    graph_release(g, first);
    expect_node_count(1);
    graph_release(g, second);
    expect_node_count(1);
}

Test(graph, a_mark_in_an_empty_graph_releases_everything)
{
    const Mark empty = graph_mark(g);
    for (int round = 0; round < 4; round++) {
        Value *p = v_param(g, 2);
        cr_expect_eq(value_number(p), 0, "round %d: number %zu", round, value_number(p));
        chain_from(p, SEVERAL_BLOCKS);
        graph_release(g, empty);
        expect_node_count(0);
        MUST_BE_MISUSE(v_exp(p), "released");
    }
}

Test(graph, a_mark_of_another_graph_is_misuse)
{
    Graph *other = graph_new();
    const Mark empty = graph_mark(other);
    v_param(other, 1);
    const Mark foreign = graph_mark(other);
    Value *p = v_param(g, 2);
    MUST_BE_MISUSE(graph_release(g, foreign), "mark", "graph");
    MUST_BE_MISUSE(graph_release(g, empty), "mark", "graph");
    expect_node_count(1);
    cr_expect_eq(v_exp(p)->data, exp(2), "misuse left the graph unusable");
    graph_free(other);
}

/* ---- use after release ------------------------------------------------------------------------------------------- */

Test(graph, a_pointer_kept_from_the_last_step_is_recognised_while_the_next_is_built)
{
    Value *p = v_param(g, 2);
    const Mark mark = graph_mark(g);
    for (int step = 0; step < 4; step++) {
        Value *kept = chain_from(p, SEVERAL_BLOCKS / 2), *early = v_exp(p), *late = chain_from(p, SEVERAL_BLOCKS / 2);
        graph_release(g, mark);
        MUST_BE_MISUSE(v_exp(kept), "released");
        MUST_BE_MISUSE(backward(late), "released", "root");
        chain_from(p, SEVERAL_BLOCKS + 100); /* the next step is as large and larger */
        MUST_BE_MISUSE(v_exp(kept), "released");
        MUST_BE_MISUSE(v_add(early, p), "released");
        MUST_BE_MISUSE(backward(late), "released", "root");
        graph_release(g, mark);
    }
}

/* ---- memory of a training loop ----------------------------------------------------------------------------------- */

/* One step of something like training: labels, lists that lie scattered, a wide sum, a walk. */
static double one_step(Value **params, size_t n)
{
    Value *terms[200], *shuffled[200];
    for (size_t i = 0; i < 200; i++) {
        terms[i] = v_tanh(v_dot_bias(params, params + 1, n - 1, params[0]));
        shuffled[(i * 37) % 200] = v_mul(terms[i], v_const(g, (double)i));
    }
    Value *loss = v_label(v_div(v_sum(shuffled, 200), v_logsumexp(terms, 200)), "loss");
    backward(loss);
    return loss->data;
}

Test(graph, after_the_first_step_nothing_is_allocated)
{
    Value *params[10];
    for (size_t i = 0; i < 10; i++)
        params[i] = v_param(g, 0.1 * (double)i);
    const Mark mark = graph_mark(g);
    const int settled = 1 + steps_in_quarantine(BLOCK_BYTES);
    double first = 0;
    for (int step = 0; step < settled + 20; step++) {
        memory_lasts(SIZE_MAX);
        const double loss = one_step(params, 10);
        graph_release(g, mark);
        if (step == 0) {
            first = loss;
            cr_expect(allocations > 0, "the first step allocated nothing: nothing was counted");
        }
        cr_assert(step < settled || allocations == 0, "step %d allocated %zu times", step, allocations);
        cr_assert_eq(loss, first, "step %d: loss %.17g, want %.17g", step, loss, first);
    }
    memory_restore();
    cr_expect(params[3]->grad != 0, "no gradient: nothing was computed");
}

/* A loss over a large batch: the list of its terms is larger than a block and comes last. */
Test(graph, a_wide_sum_at_the_end_of_each_step_allocates_nothing_after_the_first)
{
    enum { MANY = 20000 };
    static Value *terms[MANY];
    Value *p = v_param(g, 1);
    const Mark mark = graph_mark(g);
    const int settled = 1 + steps_in_quarantine(MANY * sizeof(Value));
    for (int step = 0; step < settled + 5; step++) {
        memory_lasts(SIZE_MAX);
        for (size_t i = 0; i < MANY; i++)
            terms[MANY - 1 - i] = v_mul(p, (double)i);
        backward(v_div(v_sum(terms, MANY), v_sum(terms, MANY / 2)));
        graph_release(g, mark);
        cr_expect(step < settled || allocations == 0, "step %d allocated %zu times", step, allocations);
    }
    memory_restore();
}

Test(graph, a_shorter_step_between_longer_ones_allocates_nothing)
{
    Value *p = v_param(g, 1);
    const Mark mark = graph_mark(g);
    for (int step = 0; step < 1 + steps_in_quarantine(4 * SEVERAL_BLOCKS * sizeof(Value)); step++) {
        chain_from(p, 4 * SEVERAL_BLOCKS);
        graph_release(g, mark);
    }
    memory_lasts(SIZE_MAX);
    for (size_t step = 1; step < 40; step++) {
        chain_from(p, step * 7919 % (4 * SEVERAL_BLOCKS));
        graph_release(g, mark);
    }
    memory_restore();
    cr_expect_eq(allocations, 0, "%zu allocations", allocations);
}

Test(graph, a_release_of_more_than_16_megabytes_leaves_the_rest_right)
{
    const size_t many = 400000; /* 25 MB */
    Value *p = v_param(g, 0.5);
    const Mark mark = graph_mark(g);
    const int settled = 1 + steps_in_quarantine(many * sizeof(Value));
    for (int step = 0; step < settled + 3; step++) {
        p->grad = 0;
        Value *end = chain_from(p, many);
        backward(end);
        cr_expect(end->data == 0.5 && p->grad == 1, "step %d: data %g, gradient %g", step, end->data, p->grad);
        if (step == settled)
            memory_lasts(SIZE_MAX);
        graph_release(g, mark);
        expect_node_count(1);
        MUST_BE_MISUSE(v_exp(end), "released");
    }
    memory_restore();
    cr_expect_eq(allocations, 0, "%zu allocations after step %d", allocations, settled);
}

/* ---- labels and lists across marks ------------------------------------------------------------------------------- */

Test(graph, labels_from_before_the_mark_stay)
{
    Value *p = v_label(v_param(g, 1), "weight");
    const Mark mark = graph_mark(g);
    for (int step = 0; step < 5; step++) {
        for (int i = 0; i < SEVERAL_BLOCKS; i++)
            v_label(v_exp(p), "something else");
        graph_release(g, mark);
        cr_expect_str_eq(p->label, "weight", "step %d: \"%s\"", step, p->label);
    }
}

/* A label lives as long as its node, not as long as the nodes made beside the call of v_label. */
Test(graph, a_label_given_after_the_mark_to_a_node_from_before_stays)
{
    Value *p = v_param(g, 1);
    const Mark mark = graph_mark(g);
    v_label(p, "weight");
    for (int step = 0; step < 5; step++) {
        graph_release(g, mark);
        for (int i = 0; i < SEVERAL_BLOCKS; i++)
            v_label(v_exp(p), "something else");
        cr_assert_str_eq(p->label, "weight", "step %d: \"%s\"", step, p->label);
    }
}

Test(graph, so_does_one_given_to_a_node_in_a_full_block)
{
    Value *params[SEVERAL_BLOCKS];
    char text[128];
    for (int i = 0; i < SEVERAL_BLOCKS; i++)
        params[i] = v_param(g, i);
    const Mark mark = graph_mark(g);
    memory_lasts(SIZE_MAX);
    for (int i = 0; i < SEVERAL_BLOCKS; i++) {
        snprintf(text, sizeof text, "weight number %-99d", i); /* those of one block take more than one other */
        v_label(params[i], text);
    }
    memory_restore();
    expect_node_count(SEVERAL_BLOCKS);
    cr_expect_lt(allocations, SEVERAL_BLOCKS / 100, "%zu allocations", allocations);
    for (int step = 0; step < 3; step++) {
        graph_release(g, mark);
        for (int i = 0; i < 4 * SEVERAL_BLOCKS; i++)
            v_label(v_exp(params[0]), "something else");
    }
    for (int i = 0; i < SEVERAL_BLOCKS; i++) {
        snprintf(text, sizeof text, "weight number %-99d", i);
        cr_assert_str_eq(params[i]->label, text, "v%d: \"%s\"", i, params[i]->label);
        cr_assert_eq(value_number(params[i]), (size_t)i, "v%d has number %zu", i, value_number(params[i]));
    }
    memory_lasts(0);
    for (int i = 0; i < SEVERAL_BLOCKS; i++)
        cr_assert_str_eq(v_label(params[i], "w")->label, "w", "v%d: \"%s\"", i, params[i]->label);
    memory_restore();
    cr_expect_eq(allocations, 0, "%zu allocations for shorter labels", allocations);
    graph_release(g, mark);
    expect_node_count(SEVERAL_BLOCKS);
}

Test(graph, labelling_the_same_node_in_every_step_takes_no_more_memory)
{
    Value *weight = v_param(g, 1);
    const Mark mark = graph_mark(g);
    for (int step = 0; step < 20000; step++) {
        if (step == 3 + steps_in_quarantine(BLOCK_BYTES))
            memory_lasts(SIZE_MAX);
        V_NAME(weight);
        v_label(v_exp(weight), "y");
        graph_release(g, mark);
    }
    memory_restore();
    cr_expect_eq(allocations, 0, "%zu allocations", allocations);
}

/* Longer and shorter texts in turn. */
Test(graph, a_label_with_another_text_in_every_step_takes_no_more_memory)
{
    Value *weight = v_param(g, 1), *other = v_label(v_param(g, 2), "other");
    for (int step = 0; step < 20000; step++) {
        char text[64];
        snprintf(text, sizeof text, step % 3 == 0 ? "the weight in step %d" : "w%d", step);
        if (step == 10)
            memory_lasts(SIZE_MAX);
        cr_assert_str_eq(v_label(weight, text)->label, text, "step %d: \"%s\"", step, weight->label);
    }
    memory_restore();
    cr_expect_eq(allocations, 0, "%zu allocations", allocations);
    cr_expect_str_eq(other->label, "other", "got \"%s\"", other->label);
}

/* The node has none in between, and the next one may be longer or go to another node. */
Test(graph, labels_that_are_taken_away_leave_their_room_to_others)
{
    Value *nodes[] = {v_param(g, 1), v_param(g, 2), v_param(g, 3)}, *other = v_label(v_param(g, 4), "other");
    for (int step = 0; step < 20000; step++) {
        char text[64];
        snprintf(text, sizeof text, step % 3 == 0 ? "the weight in step %d" : "w%d", step);
        if (step == 20)
            memory_lasts(SIZE_MAX);
        for (int i = 0; i < 3; i++)
            cr_assert_null(v_label(nodes[(step + i) % 3], NULL)->label);
        for (int i = 0; i < 3; i++)
            cr_assert_str_eq(v_label(nodes[i], text)->label, text, "step %d: \"%s\"", step, nodes[i]->label);
    }
    memory_restore();
    cr_expect_eq(allocations, 0, "%zu allocations", allocations);
    cr_expect_str_eq(other->label, "other", "got \"%s\"", other->label);
    const char *label = v_label(nodes[0], "a rather long label")->label;
    cr_expect_str_eq(v_label(nodes[0], label + 2)->label, "rather long label", "got \"%s\"", nodes[0]->label);
}

/* Byte by byte: each in a room of its own, they would take 128 blocks. */
Test(graph, a_label_that_grows_takes_little_memory)
{
    Value *weight = v_param(g, 1);
    char text[4096];
    memset(text, 'w', sizeof text);
    text[sizeof text - 1] = '\0';
    memory_lasts(SIZE_MAX);
    for (size_t length = 0; length < sizeof text; length++)
        cr_assert_eq(strlen(v_label(weight, text + sizeof text - 1 - length)->label), length);
    memory_restore();
    cr_expect_leq(allocations, 1, "%zu allocations", allocations);
}

Test(graph, lists_of_nodes_from_before_the_mark_are_read_across_it)
{
    Value *w[6];
    for (size_t i = 0; i < 6; i++)
        w[i] = v_param(g, 1 + (double)i);
    Value *shuffled[] = {w[5], w[0], w[3]}, *kept = v_sum(shuffled, 3);
    const Mark mark = graph_mark(g);
    for (int step = 1; step <= 4; step++) {
        Value *mixture[] = {w[2], v_exp(w[0]), kept}, *y = v_dot(mixture, shuffled, 3);
        cr_expect_eq(y->data, 3 * 6 + exp(1) * 1 + 11 * 4, "step %d: %g", step, y->data);
        backward(y);
        cr_expect_eq(w[2]->grad, 6.0 * step, "step %d: gradient %g", step, w[2]->grad);
        cr_expect_eq(w[5]->grad, (3 + 4.0) * step, "step %d: gradient %g", step, w[5]->grad);
        graph_release(g, mark);
        cr_assert_eq(value_parent(kept, 0), w[5], "step %d: the kept node lost its list", step);
    }
}

Test(graph, a_list_larger_than_a_block_is_kept_whole)
{
    enum { MANY = 50000 }; /* 400 KB of pointers */
    static Value *list[MANY];
    Value *p = v_param(g, 2), *q = v_param(g, 3);
    const Mark mark = graph_mark(g);
    for (int step = 1; step <= 3; step++) {
        for (size_t i = 0; i < MANY; i++)
            list[i] = i % 3 == 0 ? p : q;
        Value *y = v_dot(list, list, MANY);
        memset(list, 0, sizeof list);
        backward(y);
        cr_expect_eq(y->data, 16667.0 * 4 + 33333.0 * 9, "step %d: %g", step, y->data);
        cr_expect_eq(p->grad, step * 16667.0 * 4, "step %d: gradient %g", step, p->grad);
        graph_release(g, mark);
        expect_node_count(2);
    }
}

/* ---- gradients kept ---------------------------------------------------------------------------------------------- */

Test(graph, kept_gradients_come_back_and_the_next_walk_clears_them)
{
    Value *x = v_param(g, 3), *square = v_mul(x, x);
    graph_mark(g); /* so that the cube lies in a newer block, which a walk from the square does not reach */
    Value *cube = v_mul(square, x);
    KeptGradients kept;
    backward(cube);
    cr_assert(graph_keep_gradients(&kept, g), "no memory");
    backward(square);
    cr_expect(cube->grad == 0 && square->grad == 1, "the walk in between found %g and %g", cube->grad, square->grad);
    graph_restore_gradients(&kept);
    cr_expect(x->grad == 27 && square->grad == 3 && cube->grad == 1, "restored: %g, %g, %g", x->grad, square->grad,
              cube->grad);
    backward(cube);
    cr_expect(x->grad == 54 && square->grad == 3 && cube->grad == 1, "walked again: %g, %g, %g", x->grad, square->grad,
              cube->grad);
}

/* ---- reserve ----------------------------------------------------------------------------------------------------- */

static void expect_next_nodes_side_by_side(size_t n)
{
    Value **list = malloc(n * sizeof(Value *));
    cr_assert(graph_reserve(g, n), "no room for %zu", n);
    for (size_t i = 0; i < n; i++)
        list[i] = v_param(g, (double)i);
    cr_expect(value_is_run(list, n), "%zu nodes after graph_reserve do not lie side by side", n);
    cr_expect_eq(value_number(list[n - 1]) - value_number(list[0]), n - 1, "their numbers have gaps");
    free(list);
}

Test(graph, reserved_nodes_lie_side_by_side)
{
    expect_next_nodes_side_by_side(1);
    for (int i = 0; i < 30; i++) {
        expect_next_nodes_side_by_side(700); /* a block holds about a thousand: every second one does not fit */
        v_label(v_param(g, 0), "between");
    }
    expect_next_nodes_side_by_side(SEVERAL_BLOCKS);
    graph_mark(g);
    expect_next_nodes_side_by_side(3);
    cr_expect(graph_reserve(g, 0), "no room for nothing");
}

Test(graph, slots_become_nodes_when_they_are_added_all_at_once)
{
    Value *const x = v_param(g, 3);
    for (size_t n = 1; n < 3 * SEVERAL_BLOCKS; n *= 3) {
        const size_t before = graph_node_count(g);
        Value *slots = graph_next_slots(g, n);
        cr_assert_not_null(slots, "no room for %zu", n);
        cr_expect_eq(graph_node_count(g), before, "%zu slots are nodes before anyone has filled them in", n);
        for (size_t i = 0; i < n; i++)
            slots[i] = (Value){.op = OP_NEG, .needs_grad = true, .n = 1, .a = x, .block = g->newest};
        graph_add_nodes(g, n);
        cr_expect_eq(graph_node_count(g), before + n, "%zu slots were added, and there are %zu nodes, not %zu", n,
                     graph_node_count(g), before + n);
        cr_expect_eq(value_number(&slots[n - 1]), before + n - 1, "the last of %zu has number %zu", n,
                     value_number(&slots[n - 1]));
        cr_expect_eq(v_neg(&slots[n - 1])->a, &slots[n - 1], "the last of %zu cannot be an operand", n);
    }
}

Test(graph, a_reserve_that_no_machine_has_fails_and_says_so)
{
    v_param(g, 1);
    const Mark mark = graph_mark(g);
    const size_t too_many[] = {SIZE_MAX, SIZE_MAX / sizeof(Value), SIZE_MAX / sizeof(Value) + 2};
    for (size_t i = 0; i < 3; i++) {
        cr_expect(!graph_reserve(g, too_many[i]), "room for %zu nodes?", too_many[i]);
        cr_expect_null(graph_next_slots(g, too_many[i]), "%zu slots?", too_many[i]);
        cr_expect(!graph_ok(g), "the graph does not say that it failed");
        graph_release(g, mark);
        cr_expect(graph_ok(g), "the graph is not good again after the release");
    }
    cr_expect_eq(v_param(g, 2)->data, 2, "the graph does not work any more");
}

Test(graph, memory_of_a_graph_is_aligned_for_a_pointer_and_never_more_than_there_is)
{
    const Mark mark = graph_mark(g);
    for (size_t bytes = 0; bytes < 100; bytes++) {
        void *memory = graph_alloc(g, bytes);
        cr_assert(memory != NULL && (uintptr_t)memory % sizeof(void *) == 0, "%zu bytes at %p", bytes, memory);
        memset(memory, 0xA5, bytes);
        cr_expect_eq(v_input(g, 7)->data, 7, "the node beside %zu bytes", bytes);
    }
    cr_expect_eq(graph_alloc(g, SIZE_MAX), NULL, "SIZE_MAX bytes");
    cr_expect(!graph_ok(g), "the graph does not say that it failed");
    graph_release(g, mark);
    cr_expect_eq(graph_alloc_array(g, SIZE_MAX / 2, 3), NULL, "a product that overflows");
    cr_expect(!graph_ok(g), "the graph does not say that it failed");
    graph_release(g, mark);
    Value *v = v_input(g, 7);
    cr_expect_eq(graph_alloc_with(v, SIZE_MAX), NULL, "SIZE_MAX bytes");
    cr_expect(!graph_ok(g), "the graph does not say that it failed");
}

Test(graph, nothing_may_be_freed_like_a_graph)
{
    graph_free(NULL);
    cr_assert(true, "it came back");
}

/* Two steps later its memory is in use again, but its place is not: as a parent it would be younger than its child. */
Test(graph, a_node_kept_over_several_releases_is_reported_where_its_place_is_free)
{
    Value *w = v_param(g, 2), *kept = NULL;
    const Mark mark = graph_mark(g);
    for (int i = 0; i < 6; i++)
        kept = v_mul(w, i + 1.0);
    for (int step = 0; step < 8; step++) {
        graph_release(g, mark);
        Value *y = v_mul(w, 3);
        MUST_BE_MISUSE(v_add(y, kept), "v_add: operand b was released");
        MUST_BE_MISUSE(backward(kept), "backward: root was released");
    }
}
