/* backward.c - the reverse walk, in the three steps of the mathematics:
 *
 *   1. topological order   the order of creation is one: a node's parents existed before it. Walk it backwards.
 *   2. seed                ∂L/∂L = 1
 *   3. reverse walk        when a node's turn comes, all its children have pushed, so its gradient is complete:
 *                          push it on to each parent, times the local derivative.
 *
 * Why `+=`: a node used twice affects L along two paths, and the derivative is the sum over paths. Why an order at all:
 * pushing a gradient before it is complete would need it to be pushed again when the rest arrives.
 */
#include "backward.h"

#include <ctype.h>
#include <math.h>

#include "graph.h"
#include "number.h"

/* ---- the walk ---------------------------------------------------------------------------------------------------- */

static void push_gradient(const Value *v);              /* of one node, to its parents: "the chain rule" below */
static void push_watched(Value *v, const Graph *graph); /* the same, observed by a trace or a debugger */

/* Interior gradients start from 0 in every walk; those of params stay, to accumulate. */
static void clear_interior_gradients(Graph *graph)
{
    for (Block *block = graph->newest; block != NULL; block = block->older) {
        if (!block->has_gradients)
            continue;
        for (size_t i = 0; i < block->node_count; i++)
            if (block->nodes[i].op != OP_PARAM)
                block->nodes[i].grad = 0;
        block->has_gradients = false;
    }
}

Backward backward_begin_at(Value *root, double seed, Where where)
{
    value_check(root, NULL, "backward: root", where);
    if (root->op == OP_FAILED)
        return (Backward){NULL, 0}; /* no memory for the root: a walk without steps */
    if (!root->needs_grad) {
        char name[VALUE_NAME_SIZE];
        misuse(where,
               "backward: %s (data %g) depends on no param, so there is no gradient to compute. Make the leaves that "
               "want one with v_param.",
               value_name(root, name), root->data);
    }
    clear_interior_gradients(root->block->graph);
    root->grad += seed; /* a param as root accumulates; an interior root has just been cleared */
    for (Block *block = root->block; block != NULL; block = block->older)
        block->has_gradients = true; /* all at once: a push may reach any of them, and the walk may be abandoned */
    return (Backward){root->block, (size_t)(root - root->block->nodes) + 1};
}

/* The next node that has something to push: one with parents and a gradient that is not 0. */
static inline Value *next_node(Backward *walk)
{
    while (walk->block != NULL) {
        while (walk->next > 0) {
            Value *v = &walk->block->nodes[--walk->next];
            if (v->grad != 0 && v->op > OP_CONST)
                return v;
        }
        walk->block = walk->block->older;
        if (walk->block != NULL)
            walk->next = walk->block->node_count;
    }
    return NULL;
}

#ifdef STEPGRAD_DEBUG
/* Reports misuse if v is no longer what its operands give: data were changed since the forward pass. */
static void check_up_to_date(const Value *v, Where where)
{
    const size_t count = value_parent_count(v);
    double *operands = graph_scratch(v->block->graph, count);
    if (operands == NULL)
        return; /* no memory for the check is no reason to fail */
    for (size_t i = 0; i < count; i++)
        operands[i] = value_parent(v, i)->data;
    const double now = value_evaluate(v, operands);
    if (now == v->data || (isnan(now) && isnan(v->data)))
        return;
    char name[VALUE_NAME_SIZE];
    misuse(
        where,
        "backward: %s (%s) is %.15g, but its operands now give %.15g: data were changed after it was computed, by an "
        "assignment or an optimizer's step. Call backward first and change data then, or build the expression "
        "again.",
        value_name(v, name), op_table[v->op].name, number_unsigned_nan(v->data), number_unsigned_nan(now));
}
#else
static inline void check_up_to_date(const Value *v, Where where)
{
    (void)v;
    (void)where;
}
#endif

/* The walk, a node at a time: backward is a loop over it, and so is what a debugger or the player does. */
static inline Value *step(Backward *walk, Where where)
{
    Value *v = next_node(walk);
    if (v == NULL)
        return NULL;
    check_up_to_date(v, where);
    const Graph *graph = walk->block->graph;
    if (graph->trace != NULL || graph->stop_number > 0)
        push_watched(v, graph);
    else
        push_gradient(v);
    backward_hook(v);
    return v;
}

Value *backward_step_at(Backward *walk, Where where)
{
    misuse_if_null(walk, "backward_step: the walk", "Begin one with backward_begin.", where);
    return step(walk, where);
}

void backward_at(Value *root, double seed, Where where)
{
    Backward walk = backward_begin_at(root, seed, where);
    while (step(&walk, where) != NULL)
        ;
}

/* ---- the chain rule ---------------------------------------------------------------------------------------------- */

/* ∂L/∂parent += ∂node/∂parent · ∂L/∂node. By convention (ops.h) a path with local derivative 0 contributes nothing,
 * even when the gradient behind it is infinite or NaN, where 0·∞ would make a new NaN. Unless `careful`, the gradient
 * is finite and all parents need theirs, so there is nothing to test. */
static inline void push(Value *parent, double local, double grad, bool careful)
{
    if (careful && (local == 0 || !parent->needs_grad))
        return;
    parent->grad += local * grad;
}

static ALWAYS_INLINE bool is_of_lists(OpShape shape) { return shape == SHAPE_LIST || shape == SHAPE_PAIRS; }

/* Push v's gradient to all its parents, pair by pair, and at last to the bias. Where there is no b, da gets n for it.
 * scattered: the operands are found through v->list, not side by side from v->a and v->b on.
 * careful:   test for each parent whether its product contributes. */
static ALWAYS_INLINE void push_each(const Value *v, OpShape shape, LocalDerivative *da, LocalDerivative *db,
                                    bool scattered, bool careful)
{
    const double y = v->data;
    const double grad = v->grad;
    const bool has_b = shape == SHAPE_BINARY || shape == SHAPE_PAIRS;
    const size_t n = is_of_lists(shape) ? v->n : 1;
    Value *const *list = v->list;
    Value *const a_run = v->a;
    Value *const b_run = v->b;
    for (size_t i = 0; i < n; i++) {
        Value *a = scattered ? list[i] : &a_run[i];
        if (!has_b) {
            push(a, da(a->data, (double)n, y), grad, careful);
            continue;
        }
        Value *b = scattered ? list[n + v->has_bias + i] : &b_run[i];
        const double a_data = a->data;
        const double b_data = b->data;
        push(a, da(a_data, b_data, y), grad, careful);
        push(b, db(a_data, b_data, y), grad, careful);
    }
    if (shape == SHAPE_PAIRS && v->has_bias)
        push(scattered ? list[n] : &a_run[n], 1, grad, careful);
}

/* Nearly always the parents lie side by side, all need a gradient, and the gradient is finite: then there is nothing to
 * test in the loop, and the compiler drops the tests from it. */
static ALWAYS_INLINE void push_to_parents(const Value *v, OpShape shape, LocalDerivative *da, LocalDerivative *db)
{
    const bool scattered = is_of_lists(shape) && v->list != NULL;
    const bool careful = v->some_parents_fixed || !isfinite(v->grad);
    if (scattered)
        push_each(v, shape, da, db, true, true);
    else if (careful)
        push_each(v, shape, da, db, false, true);
    else
        push_each(v, shape, da, db, false, false);
}

/* What a row of the table has for db: the function if its shape has a b, else NULL. */
#define DB_OF_UNARY(name) NULL
#define DB_OF_LIST(name) NULL
#define DB_OF_BINARY(name) name##_db
#define DB_OF_PAIRS(name) name##_db

/* One function per row of the op table, push_add, push_mul ..., so that the compiler can put the op's derivatives into
 * the loop above. */
#define PUSH_FUNCTION(CODE, name, shape, ...)                                                                          \
    static void push_##name(const Value *v) { push_to_parents(v, SHAPE_##shape, name##_da, DB_OF_##shape(name)); }
OP_TABLE(PUSH_FUNCTION)

#define PUSH_ENTRY(CODE, name, ...) [OP_##CODE] = push_##name,
static void (*const push_functions[OP_COUNT])(const Value *v) = {OP_TABLE(PUSH_ENTRY)};

/* A step of the reverse walk: push v's gradient to its parents. v is not a leaf. */
NOINLINE static void push_gradient(const Value *v) { push_functions[v->op](v); }

/* ---- for debuggers ----------------------------------------------------------------------------------------------- */

static inline void keep_call(Value *node)
{
#if defined(__GNUC__)
    __asm__ volatile("" : : "r"(node)); /* so that the call is not optimised away */
#else
    (void)node;
#endif
}

NOINLINE void backward_hook(Value *node) { keep_call(node); }
NOINLINE void backward_before(Value *node) { keep_call(node); }
NOINLINE void backward_after(Value *node) { keep_call(node); }

/* ---- trace ------------------------------------------------------------------------------------------------------- */

void backward_trace_at(Graph *graph, FILE *out, Where where)
{
    graph_given(graph, "backward_trace", where.file, where.line);
    graph->trace = out;
}

static void trace_products(const Value *v, FILE *out)
{
    char parent_name[VALUE_NAME_SIZE], name[VALUE_NAME_SIZE];
    for (size_t i = 0; i < value_parent_count(v); i++) {
        const Value *parent = value_parent(v, i);
        if (!parent->needs_grad)
            continue;
        for (const char *c = op_table[v->op].name; *c != '\0'; c++)
            fputc(toupper((unsigned char)*c), out);
        const char *formula = value_local_formula(v, i);
        fprintf(out, "  %s.grad += %s * %s.grad = %g * %g = %g\n", value_name(parent, parent_name),
                formula != NULL ? formula : "(no formula)", value_name(v, name),
                number_unsigned_nan(value_local_derivative(v, i)), number_unsigned_nan(v->grad),
                number_unsigned_nan(value_push(v, i)));
    }
}

/* The same step with a trace, or for a debugger that waits for a node: see backward_before. */
NOINLINE static void push_watched(Value *v, const Graph *graph)
{
    const bool awaited = graph->stop_number > 0 && value_number(v) <= graph->stop_number;
    if (graph->trace != NULL)
        trace_products(v, graph->trace);
    if (awaited)
        backward_before(v);
    push_gradient(v);
    if (awaited)
        backward_after(v);
}
