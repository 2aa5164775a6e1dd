/* replay_task.h - A loss to replay, and what define-by-run makes of it.
 *
 *     Task task = {.loss = my_loss, .graph = g, .inputs = 3};     // my_loss(&task, x): ordinary code, of one sample
 *     task_begin(&task);                                          // when all params are made
 *     Program *program = task_record(&task, rows);
 *     expect_same(&task, program, ordinary_order, rows, 100, 0.5, "my loss");
 *
 * expect_same replays the rows, runs them by hand, and asks for the same bits in each loss and each gradient. By hand
 * means ordinary_order, the loss of all rows in one graph, or, where a sample uses a param more than once,
 * documented_order.
 */
#ifndef STEPGRAD_TESTS_REPLAY_TASK_H
#define STEPGRAD_TESTS_REPLAY_TASK_H

#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backward.h"
#include "loss.h"
#include "nn.h"
#include "order.h"
#include "params.h"
#include "replay.h"

typedef struct Task Task;
struct Task {
    Value *(*loss)(const Task *task, Value **x); /* builds the loss of one sample */
    const void *about;                           /* for that code: a network, say */
    Graph *graph;
    size_t inputs;
    Value **params; /* all of the graph */
    size_t param_count;
    Mark mark;
};

/* Runs `count` rows by hand: their losses, and seed times the gradients of all of them, which are added. */
typedef void ByHand(const Task *task, const double *rows, size_t count, double seed, double *losses);

static inline void task_begin(Task *task)
{
    task->params = graph_params(task->graph, &task->param_count);
    task->mark = graph_mark(task->graph);
}

/* Memory of just this size, so that a sanitizer sees the first byte beyond. */
static inline double *numbers_new(size_t n)
{
    double *numbers = malloc(n * sizeof *numbers + (n == 0));
    cr_assert_not_null(numbers);
    return numbers;
}

static inline Value **task_inputs(const Task *task, const double *row)
{
    return task->inputs == 0 ? NULL : v_inputs(task->graph, row, task->inputs);
}

static inline Program *task_record(const Task *task, const double *row)
{
    Error error = {""};
    Value **x = task_inputs(task, row), *loss = task->loss(task, x);
    Program *program = program_record(loss, x, task->inputs, &error);
    cr_assert(program != NULL, "%s", error.message);
    graph_release(task->graph, task->mark);
    return program;
}

/* ---- by hand ----------------------------------------------------------------------------------------------------- */

/* The losses of all rows, row after row, and one backward pass. */
static inline void ordinary_order(const Task *task, const double *rows, size_t count, double seed, double *losses)
{
    Value **list = malloc((count + 1) * sizeof *list);
    for (size_t s = 0; s < count; s++) {
        list[s] = task->loss(task, task_inputs(task, rows + s * task->inputs));
        losses[s] = list[s]->data;
    }
    if (count > 0 && seed == 1.0 / (double)count)
        backward(mean_loss(list, count));
    else if (count > 0)
        backward_from(v_sum(list, count), seed);
    free(list);
    graph_release(task->graph, task->mark);
}

/* A graph with a node for each use of a param in each sample, so that the order in which the products of a param are
 * added is the order of these nodes. */
typedef struct UseByUse {
    const Task *task;
    Value **order; /* the nodes of one sample */
    size_t nodes;
    Value **x;     /* its inputs */
    size_t *first; /* the parents of node i are the uses first[i], first[i] + 1, ... */
    Value **uses;  /* use u in sample s: uses[u·samples + s]; NULL if it is not of a param */
    size_t samples;
} UseByUse;

/* Which parent of v gets its product as number k: pair by pair, and the bias last. */
static inline size_t pushed_as(const Value *v, size_t k)
{
    const OpShape shape = op_table[v->op].shape;
    if (v->has_bias && k + 1 == value_parent_count(v))
        return v->n;
    if (shape != SHAPE_BINARY && shape != SHAPE_PAIRS)
        return k;
    return k % 2 == 0 ? k / 2 : v->n + v->has_bias + k / 2;
}

/* The nodes for the uses, in just the other order than their gradients are to arrive in, as a walk goes backwards. */
static inline void make_uses(UseByUse *all)
{
    for (size_t from = 0; from < all->samples; from += PROGRAM_BLOCK)
        for (size_t i = 0; i < all->nodes; i++)
            for (size_t k = value_parent_count(all->order[i]); k-- > 0;) {
                const size_t p = pushed_as(all->order[i], k);
                Value *param = value_parent(all->order[i], p);
                for (size_t s = from; s < from + PROGRAM_BLOCK && s < all->samples && param->op == OP_PARAM; s++)
                    all->uses[(all->first[i] + p) * all->samples + s] = v_mul(param, 1.0);
            }
}

/* An op again, of other operands. */
static inline Value *node_again(const Value *v, Value **parents)
{
    const size_t n = v->n;
    switch (op_table[v->op].shape) {
    case SHAPE_UNARY: return value_unary(v->op, parents[0], HERE);
    case SHAPE_BINARY: return value_binary(v->op, parents[0], parents[1], HERE);
    case SHAPE_LIST: return value_list(v->op, parents, n, HERE);
    default: return value_pairs(v->op, parents, parents + n + v->has_bias, n, v->has_bias ? parents[n] : NULL, HERE);
    }
}

/* Node i of sample s; made[0..i) are those before it. */
static inline Value *node_of_sample(const UseByUse *all, size_t i, Value **made, const double *row, size_t s)
{
    const Value *v = all->order[i];
    Value *parents[1024];
    size_t input = 0;
    if (v->op == OP_CONST)
        return v_const(all->task->graph, v->data);
    if (v->op == OP_INPUT) {
        while (all->x[input] != v)
            input++;
        return v_input(all->task->graph, row[input]);
    }
    cr_assert(value_parent_count(v) <= sizeof parents / sizeof *parents);
    for (size_t p = 0; p < value_parent_count(v); p++) {
        Value *use = all->uses[(all->first[i] + p) * all->samples + s];
        parents[p] = use != NULL ? use : made[order_find(all->order, all->nodes, value_parent(v, p))];
    }
    return v->op == OP_PARAM ? NULL : node_again(v, parents);
}

static inline UseByUse use_by_use_begin(const Task *task, const double *rows, size_t count)
{
    UseByUse all = {.task = task, .x = task_inputs(task, rows), .samples = count};
    all.order = graph_topological_order(task->loss(task, all.x), &all.nodes);
    all.first = calloc(all.nodes + 1, sizeof *all.first);
    for (size_t i = 0; i < all.nodes; i++)
        all.first[i + 1] = all.first[i] + value_parent_count(all.order[i]);
    all.uses = calloc(all.first[all.nodes] * count, sizeof(Value *));
    make_uses(&all);
    return all;
}

static inline void use_by_use_run(const UseByUse *all, const double *rows, double seed, double *losses)
{
    Value **list = calloc(all->samples, sizeof *list), **made = calloc(all->nodes, sizeof *made);
    for (size_t s = 0; s < all->samples; s++) {
        for (size_t i = 0; i < all->nodes; i++)
            made[i] = node_of_sample(all, i, made, rows + s * all->task->inputs, s);
        list[s] = made[all->nodes - 1];
        losses[s] = list[s]->data;
    }
    backward_from(v_sum(list, all->samples), seed);
    free(list);
    free(made);
}

static inline void use_by_use_end(UseByUse *all)
{
    memory_free(all->order);
    free(all->first);
    free(all->uses);
    graph_release(all->task->graph, all->task->mark);
}

/* The order of replay.h: the blocks of samples from the last to the first; in each, the uses of a param from the last
 * to the first; and for each use the samples from the last to the first. */
static inline void documented_order(const Task *task, const double *rows, size_t count, double seed, double *losses)
{
    if (count == 0)
        return;
    UseByUse all = use_by_use_begin(task, rows, count);
    use_by_use_run(&all, rows, seed, losses);
    use_by_use_end(&all);
}

/* ---- comparing --------------------------------------------------------------------------------------------------- */

static inline bool same_bits(double x, double y) { return memcmp(&x, &y, sizeof x) == 0 || (isnan(x) && isnan(y)); }

static inline void expect_same_numbers(const char *what, const char *of, const double *got, const double *want,
                                       size_t n)
{
    size_t different = 0, first = 0;
    for (size_t i = n; i-- > 0;)
        if (!same_bits(got[i], want[i])) {
            different++;
            first = i;
        }
    cr_expect(different == 0, "%s: %zu of %zu %s differ, first %zu: replayed %a, by hand %a", what, different, n, of,
              first, got[first], want[first]);
}

/* Gradients that were there before. */
static inline void set_gradients(const Task *task)
{
    for (size_t i = 0; i < task->param_count; i++)
        task->params[i]->grad = 0.375 * (double)(i % 5) - 0.5;
}

static inline double *gradients_of(const Task *task)
{
    double *grads = numbers_new(task->param_count);
    for (size_t i = 0; i < task->param_count; i++)
        grads[i] = task->params[i]->grad;
    return grads;
}

static inline void expect_same(const Task *task, Program *program, ByHand *by_hand, const double *rows, size_t count,
                               double seed, const char *what)
{
    double *want = numbers_new(count), *losses = numbers_new(count), *given = numbers_new(count * task->inputs);
    memcpy(given, rows, count * task->inputs * sizeof *given); /* of just this size */
    set_gradients(task);
    by_hand(task, rows, count, seed, want);
    double *want_grads = gradients_of(task);
    set_gradients(task);
    program_replay(program, given, count, seed, losses);
    double *grads = gradients_of(task);
    expect_same_numbers(what, "losses", losses, want, count);
    expect_same_numbers(what, "gradients", grads, want_grads, task->param_count);
    free(want), free(losses), free(given), free(want_grads), free(grads);
}

#endif
