/* test_memory.c - the gate for all memory, and what is left standing when it gives none. */
#define _POSIX_C_SOURCE 200809L
#include <criterion/criterion.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "backward.h"
#include "graph.h"
#include "memory.h"
#include "no_memory.h"
#include "order.h"

/* ---- the gate ---------------------------------------------------------------------------------------------------- */

Test(memory, a_block_is_aligned_to_a_cache_line_and_may_be_written_to)
{
    for (size_t bytes = 0; bytes < 300; bytes += 7) {
        unsigned char *block = memory_alloc(bytes);
        cr_assert(block != NULL, "no %zu bytes", bytes);
        cr_expect_eq((uintptr_t)block % 64, 0, "%zu bytes at %p", bytes, (void *)block);
        memset(block, 0xA5, bytes);
        memory_free(block);
    }
    memory_free(NULL);
}

Test(memory, what_no_machine_has_is_refused)
{
    cr_expect_eq(memory_alloc(SIZE_MAX), NULL, "SIZE_MAX bytes");
    cr_expect_eq(memory_alloc(SIZE_MAX - 32), NULL, "nearly SIZE_MAX bytes");
    cr_expect_eq(memory_alloc_array(SIZE_MAX / 2, 3), NULL, "a product that overflows");
    cr_expect_eq(memory_alloc_array(3, SIZE_MAX / 2), NULL, "a product that overflows, the other way");
    void *nothing = memory_alloc_array(SIZE_MAX, 0);
    cr_expect_neq(nothing, NULL, "many items of no size");
    memory_free(nothing);
}

Test(memory, growing_doubles_and_keeps_what_is_there)
{
    int *list = NULL;
    size_t capacity = 0, moves = 0;
    for (int count = 0; count < 1000; count++) {
        int *grown = memory_grow(list, (size_t)count + 1, &capacity, sizeof *list);
        cr_assert(grown != NULL && capacity > (size_t)count, "no room for item %d: capacity %zu", count, capacity);
        moves += grown != list;
        list = grown;
        list[count] = count;
    }
    for (int i = 0; i < 1000; i++)
        cr_assert_eq(list[i], i, "item %d became %d", i, list[i]);
    cr_expect_leq(moves, 8, "%zu moves for 1000 items", moves);
    const size_t before = capacity;
    cr_expect_eq(memory_grow(list, SIZE_MAX / sizeof *list, &capacity, sizeof *list), NULL, "more than there is");
    cr_expect_eq(memory_grow(list, SIZE_MAX, &capacity, sizeof *list), NULL, "a product that overflows");
    cr_expect(capacity == before && list[999] == 999, "the list did not survive a growth that failed");
    memory_free(list);
}

Test(memory, text_is_copied)
{
    char text[] = "moons";
    char *copy = memory_copy_text(text), *empty = memory_copy_text("");
    text[0] = 'x';
    cr_expect_str_eq(copy, "moons", "got \"%s\"", copy);
    cr_expect_str_eq(empty, "", "got \"%s\"", empty);
    memory_free(copy);
    memory_free(empty);
}

/* ---- allocations that fail --------------------------------------------------------------------------------------- */

typedef enum Failure { ONLY_THE_NTH, ALL_FROM_THE_NTH } Failure;

static void let_fail(size_t nth, Failure failure)
{
    if (failure == ONLY_THE_NTH)
        memory_fails_once(nth - 1);
    else
        memory_lasts(nth - 1);
}

Test(memory, the_allocator_can_be_replaced_and_restored)
{
    memory_lasts(SIZE_MAX);
    memory_free(memory_alloc(10));
    memory_free(memory_copy_text("x"));
    memory_free(memory_alloc_array(2, 5));
    size_t capacity = 0;
    memory_free(memory_grow(NULL, 10, &capacity, 1));
    cr_expect_eq(allocations, 4, "%zu of 4 allocations went through memory.c", allocations);
    cr_expect_eq(memory_set_allocator(NULL), limited_allocator, "not told who was replaced");
    cr_expect_eq(memory_set_allocator(NULL), standard_allocator, "NULL does not restore the standard one");
}

Test(memory, no_memory_for_a_graph_is_no_graph)
{
    for (size_t nth = 1;; nth++) {
        cr_assert(nth < 100, "graph_new never succeeded");
        let_fail(nth, ALL_FROM_THE_NTH);
        Graph *g = graph_new();
        if (!memory_restore()) {
            cr_assert(g != NULL && nth > 1, "no graph, or nothing was made to fail");
            graph_free(g);
            return;
        }
        cr_expect_eq(g, NULL, "a graph in spite of failure %zu", nth);
        graph_free(g);
    }
}

/* Enough to open several blocks and the scratch twice: every kind of builder, scattered lists, labels short and long,
 * a list larger than a block. */
static Value *mixed_expression(Value *p, Value *q)
{
    enum { MANY = 9000 };
    static char long_text[100000];
    static Value *list[MANY];
    memset(long_text, 'x', sizeof long_text - 1);
    Value *few[] = {v_exp(p), q, v_mul(p, 2), v_sub(1, q), p};
    Value *y = v_dot_bias(few, few + 1, 4, q);
    for (size_t i = 0; i < 3000; i++)
        y = v_label(v_add(v_tanh(y), p), "partial");
    y = v_label(y, long_text);
    for (size_t i = 0; i < MANY; i++)
        list[i] = i % 2 == 0 ? y : q;
    return v_label(v_max(v_div(v_sum(list, MANY), 9.0), v_logsumexp(few, 5)), "root");
}

static void expect_good_step(Graph *g, Value *p, Value *q, Mark mark, double want_data, double want_grad)
{
    p->grad = q->grad = 0;
    Value *root = mixed_expression(p, q);
    cr_assert(graph_ok(g), "the graph is not good again");
    backward(root);
    cr_expect(root->data == want_data && p->grad == want_grad, "after a failure: %.17g, ∂/∂p %.17g, want %.17g, %.17g",
              root->data, p->grad, want_data, want_grad);
    graph_release(g, mark);
}

/* The expression with the nth allocation failing; false when no allocation failed. */
static bool build_with_failure(size_t nth, Failure failure, double want_data, double want_grad)
{
    Graph *g = graph_new();
    Value *p = v_param(g, 0.5), *q = v_param(g, -0.25);
    const Mark mark = graph_mark(g);
    const size_t before = graph_node_count(g);
    let_fail(nth, failure);
    Value *root = mixed_expression(p, q);
    const bool failed = memory_restore();
    cr_expect_eq(graph_ok(g), !failed, "failure %zu: graph_ok is %d", nth, graph_ok(g));
    if (failed && failure == ALL_FROM_THE_NTH) {
        cr_expect(root->op == OP_FAILED && isnan(root->data), "failure %zu: the root is a %s of %g", nth,
                  op_table[root->op].name, root->data);
        cr_expect(v_add(root, 1)->op == OP_FAILED && v_mul(p, root)->op == OP_FAILED, "a failed operand is forgotten");
        cr_expect(v_exp(root)->op == OP_FAILED && v_sum(&root, 1)->op == OP_FAILED, "a failed operand is forgotten");
        cr_expect(v_dot_bias(&p, &q, 1, root)->op == OP_FAILED, "a failed bias is forgotten");
        backward(root);
        cr_expect(p->grad == 0 && q->grad == 0, "failure %zu: a gradient of nothing", nth);
        cr_expect_eq(value_parent_count(root), 0, "the failed node has parents");
    }
    graph_release(g, mark);
    cr_expect(graph_ok(g) && graph_node_count(g) == before, "failure %zu: not as before after the release", nth);
    expect_good_step(g, p, q, mark, want_data, want_grad);
    expect_good_step(g, p, q, mark, want_data, want_grad);
    graph_free(g);
    return failed;
}

static void build_with_each_failure(Failure failure)
{
    Graph *g = graph_new();
    Value *p = v_param(g, 0.5), *q = v_param(g, -0.25), *root = mixed_expression(p, q);
    backward(root);
    const double want_data = root->data, want_grad = p->grad;
    cr_assert(isfinite(want_data) && isfinite(want_grad) && want_grad != 0, "%g and %g", want_data, want_grad);
    graph_free(g);
    size_t nth = 1;
    while (build_with_failure(nth, failure, want_data, want_grad))
        cr_assert(++nth < 1000, "the expression was never built");
    cr_expect(nth > 8, "only %zu allocations: what was to fail?", nth - 1);
}

Test(memory, building_survives_any_one_allocation_that_fails) { build_with_each_failure(ONLY_THE_NTH); }
Test(memory, building_survives_memory_that_ends_anywhere) { build_with_each_failure(ALL_FROM_THE_NTH); }

Test(memory, a_failed_leaf_fails_what_is_built_on_it)
{
    Graph *g = graph_new();
    let_fail(1, ALL_FROM_THE_NTH);
    Value *p = v_param(g, 1), *x = v_input(g, 2), *y = v_mul(p, x);
    cr_expect(memory_restore() && p->op == OP_FAILED && x->op == OP_FAILED && y->op == OP_FAILED, "not failed");
    cr_expect(isnan(y->data) && !graph_ok(g), "data %g", y->data);
    size_t count = 1;
    cr_expect(graph_topological_order(y, &count) == NULL && count == 0, "an order of nothing, %zu nodes", count);
    cr_expect(!graph_dump(y, stderr), "a dump of nothing");
    cr_expect_eq(graph_first_nonfinite(y), NULL, "there was no memory to look");
    cr_expect_eq(v_label(y, "y"), y, "a label on the failed node is refused another way");
    cr_expect_eq(v_label(y, NULL), y, "a label on the failed node is refused another way");
    char name[VALUE_NAME_SIZE];
    cr_expect_str_eq(value_name(y, name), "out of memory", "the failed node calls itself \"%s\"", name);
    graph_free(g);
}

Test(memory, the_failed_node_of_one_graph_is_no_operand_of_another_and_fails_only_its_own)
{
    Graph *g = graph_new(), *other = graph_new();
    let_fail(1, ALL_FROM_THE_NTH);
    v_param(g, 1);
    memory_restore();
    Value *fine = v_exp(v_param(other, 1));
    cr_expect(!graph_ok(g) && graph_ok(other) && fine->data == exp(1), "failure spread to another graph");
    graph_free(g);
    graph_free(other);
}

Test(memory, no_memory_for_an_order_is_none_and_leaves_the_graph_good)
{
    for (Failure kind = ONLY_THE_NTH; kind <= ALL_FROM_THE_NTH; kind++) {
        Graph *g = graph_new();
        Value *p = v_param(g, 2), *y = v_mul(v_exp(p), p);
        size_t nth = 0, count, failures = 0;
        bool failed = true;
        while (failed) {
            cr_assert(++nth < 100, "never an order");
            let_fail(nth, kind);
            Value **order = graph_topological_order(y, &count);
            failed = memory_restore();
            cr_expect_eq(order == NULL, failed, "failure %zu: the order is %p", nth, (void *)order);
            memory_free(order);
            let_fail(nth, kind);
            FILE *out = tmpfile();
            const bool dumped = graph_dump(y, out);
            cr_expect_eq(dumped, !memory_restore(), "failure %zu: dumped is %d", nth, dumped);
            cr_expect_eq(ftell(out) == 0, !dumped, "failure %zu: half a dump", nth);
            fclose(out);
            let_fail(nth, kind);
            cr_expect_eq(graph_first_nonfinite(y), NULL, "failure %zu: something is not finite", nth);
            memory_restore();
            failures += failed;
        }
        cr_expect(failures >= 1 && graph_ok(g), "nothing was made to fail, or the graph is spoilt");
        backward(y);
        cr_expect_eq(p->grad, 2 * exp(2) + exp(2), "∂(p·eᵖ)/∂p = %.17g", p->grad);
        graph_free(g);
    }
}

Test(memory, a_failed_label_leaves_the_node_without)
{
    static char long_text[100000];
    memset(long_text, 'x', sizeof long_text - 1);
    Graph *g = graph_new();
    Value *p = v_param(g, 2);
    let_fail(1, ALL_FROM_THE_NTH);
    Value *labelled = v_label(p, long_text);
    cr_expect(memory_restore(), "a label larger than a block needed no memory");
    cr_expect(labelled->op == OP_FAILED && !graph_ok(g), "a lost label is not told");
    cr_expect(p->label == NULL && p->data == 2, "the node was changed");
    graph_free(g);
}

Test(memory, a_failed_label_leaves_the_old_one)
{
    static char long_text[100000];
    memset(long_text, 'x', sizeof long_text - 1);
    Graph *g = graph_new();
    Value *p = v_label(v_param(g, 2), "p");
    let_fail(1, ALL_FROM_THE_NTH);
    Value *labelled = v_label(p, long_text);
    cr_expect(memory_restore(), "a label larger than a block needed no memory");
    cr_expect(labelled->op == OP_FAILED && !graph_ok(g), "a lost label is not told");
    cr_expect(p->label != NULL && strcmp(p->label, "p") == 0, "the label is \"%s\"", p->label);
    graph_free(g);
}

Test(memory, a_failed_reserve_says_so)
{
    Graph *g = graph_new();
    const Mark mark = graph_mark(g);
    let_fail(1, ALL_FROM_THE_NTH);
    cr_expect(!graph_reserve(g, 5000), "reserved out of nothing");
    cr_expect(memory_restore() && !graph_ok(g), "the graph does not say that it failed");
    graph_release(g, mark);
    cr_expect(graph_ok(g) && graph_reserve(g, 5000), "not good again after the release");
    graph_free(g);
}

/* A release makes spare blocks for the next step; without memory for them the step does without. */
Test(memory, a_release_needs_no_memory)
{
    for (size_t nth = 1; nth < 12; nth++)
        for (Failure kind = ONLY_THE_NTH; kind <= ALL_FROM_THE_NTH; kind++) {
            Graph *g = graph_new();
            Value *p = v_param(g, 0.5), *q = v_param(g, -0.25);
            const Mark mark = graph_mark(g);
            const double want = mixed_expression(p, q)->data;
            let_fail(nth, kind);
            graph_release(g, mark);
            memory_restore();
            cr_expect(graph_ok(g) && graph_node_count(g) == 2, "failure %zu in a release", nth);
            let_fail(1, ALL_FROM_THE_NTH);
            Value *again = mixed_expression(p, q); /* what was released must do, even with no memory at all */
            memory_restore();
            cr_expect(graph_ok(g) && again->data == want, "failure %zu: the next step got %g, want %g", nth,
                      again->data, want);
            graph_free(g);
        }
}
