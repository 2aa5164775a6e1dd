/* value.c - building nodes and looking at them. See value.h. */
#include "value.h"

#include <string.h>

#include "graph.h"

_Static_assert(sizeof(void *) != 8 || sizeof(Value) == 64, "a node is one cache line");

/* ---- checks ------------------------------------------------------------------------------------------------------ */

void value_check(const Value *v, const Graph *graph, const char *role, Where where)
{
    if (v == NULL)
        misuse(where, "%s is NULL. Make it with a builder (v_param, v_add, ...) first.", role);
    if (v->block->released)
        misuse(where,
               "%s was released: graph_release ended its life together with all nodes made since the mark. Build it "
               "again in this step, or keep the number v->data and not the node.",
               role);
    if (graph != NULL && v->block->graph != graph) {
        char name[VALUE_NAME_SIZE];
        misuse(where,
               "%s (%s, data %g) belongs to another graph. All operands of an expression must be of one graph: build "
               "it there, or bring only the number over: v_const(graph, v->data).",
               role, value_name(v, name), v->data);
    }
}

/* What check_operand says of a wrong operand: "v_add: operand b". Built only when needed. */
NOINLINE static void operand_misuse(const Value *v, const Graph *graph, OpCode op, const char *operand, Where where)
{
    char role[64];
    snprintf(role, sizeof role, "v_%s: operand %s", op_table[op].name, operand);
    value_check(v, graph, role, where);
}

static inline void check_operand(const Value *v, const Graph *graph, OpCode op, const char *operand, Where where)
{
    if (v == NULL || v->block->released || (graph != NULL && v->block->graph != graph))
        operand_misuse(v, graph, op, operand, where);
}

/* ---- leaves ------------------------------------------------------------------------------------------------------ */

static Value *new_leaf(Graph *graph, OpCode kind, double data)
{
    Value *v = graph_new_slot(graph);
    if (v == NULL)
        return graph_fail(graph);
    *v = (Value){.data = data, .self = v, .block = graph->newest, .op = kind, .needs_grad = kind == OP_PARAM};
    return v;
}

Value *v_param(Graph *graph, double data) { return new_leaf(graph, OP_PARAM, data); }

Value *v_input(Graph *graph, double data) { return new_leaf(graph, OP_INPUT, data); }

Value *v_const(Graph *graph, double data) { return new_leaf(graph, OP_CONST, data); }

/* ---- ops of one and two operands --------------------------------------------------------------------------------- */

/* A node of `op` with the given value and lists of parents, of which `needing_grad` out of `parents` need a gradient.
 */
static inline Value *new_op(Graph *graph, OpCode op, double data, Value **a, Value **b, size_t n, bool needs_grad,
                            bool mixed)
{
    Value *v = graph_new_slot(graph);
    if (v == NULL)
        return graph_fail(graph);
    *v = (Value){.data = data,
                 .a = a,
                 .b = b,
                 .self = v,
                 .block = graph->newest,
                 .n = (uint32_t)n,
                 .op = op,
                 .needs_grad = needs_grad,
                 .mixed = mixed};
    return v;
}

Value *value_unary(OpCode op, Value *a, Where where)
{
    check_operand(a, NULL, op, "a", where);
    if (a->op == OP_FAILED)
        return a;
    const double y = op_table[op].forward(a->data, 0);
    return new_op(a->block->graph, op, y, &a->self, NULL, 1, a->needs_grad, false);
}

Value *value_binary(OpCode op, Value *a, Value *b, Where where)
{
    check_operand(a, NULL, op, "a", where);
    Graph *graph = a->block->graph;
    check_operand(b, graph, op, "b", where);
    if (a->op == OP_FAILED || b->op == OP_FAILED)
        return graph->failed_node;
    const double y = op_table[op].forward(a->data, b->data);
    const bool needs_grad = a->needs_grad || b->needs_grad;
    const bool mixed = a->needs_grad != b->needs_grad;
    return new_op(graph, op, y, &a->self, &b->self, 1, needs_grad, mixed);
}

Value *value_binary_number(OpCode op, Value *a, double b, Where where)
{
    check_operand(a, NULL, op, "a", where);
    return value_binary(op, a, v_const(a->block->graph, b), where);
}

Value *value_number_binary(OpCode op, double a, Value *b, Where where)
{
    check_operand(b, NULL, op, "b", where);
    return value_binary(op, v_const(b->block->graph, a), b, where);
}

Value *value_no_graph(OpCode op, double a, double b, Where where)
{
    misuse(where, "v_%s: both operands are plain numbers, %g and %g, so no graph is named. Make one of them a v_const.",
           op_table[op].name, a, b);
}

/* ---- ops of lists ------------------------------------------------------------------------------------------------ */

/* A copy of the list, with `more` behind it if that is not NULL, that lives as long as the nodes made now. */
static Value **copy_list(Graph *graph, Value *const *list, size_t n, Value *more)
{
    Value **copy = n < SIZE_MAX / sizeof(Value *) - 1 ? graph_alloc(graph, (n + 1) * sizeof(Value *)) : NULL;
    if (copy == NULL)
        return NULL;
    memcpy(copy, list, n * sizeof(Value *));
    if (more != NULL)
        copy[n] = more;
    return copy;
}

static void check_list(Value *const *list, size_t n, const Graph *graph, OpCode op, const char *operand, Where where)
{
    if (list == NULL || n == 0 || n > UINT32_MAX)
        misuse(where, "v_%s: the list %s %s (n = %zu). It takes 1 to %u operands.", op_table[op].name, operand,
               list == NULL ? "is NULL"
               : n == 0     ? "is empty"
                            : "is too long",
               n, UINT32_MAX);
    for (size_t i = 0; i < n; i++) {
        if (list[i] == NULL || list[i]->block->released || (graph != NULL && list[i]->block->graph != graph)) {
            char element[32];
            snprintf(element, sizeof element, "%s[%zu]", operand, i);
            operand_misuse(list[i], graph, op, element, where);
        }
    }
}

/* How many of the list need a gradient. */
static size_t count_needing_grad(Value *const *list, size_t n)
{
    size_t count = 0;
    for (size_t i = 0; i < n; i++)
        count += list[i]->needs_grad;
    return count;
}

static bool any_failed(Value *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (list[i]->op == OP_FAILED)
            return true;
    return false;
}

/* The data of the operands side by side: list ops are functions of plain numbers. */
static inline void gather(double *numbers, Value *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        numbers[i] = list[i]->data;
}

Value *value_list(OpCode op, Value *const *a, size_t n, Where where)
{
    check_list(a, n, NULL, op, "a", where);
    Graph *graph = a[0]->block->graph;
    check_list(a, n, graph, op, "a", where);
    if (any_failed(a, n))
        return graph->failed_node;
    Value **list = copy_list(graph, a, n, NULL);
    double *numbers = graph_scratch(graph, n);
    if (list == NULL || numbers == NULL)
        return graph_fail(graph);
    gather(numbers, list, n);
    const double y = op_table[op].list_forward(n, numbers, NULL);
    const size_t needing = count_needing_grad(list, n);
    return new_op(graph, op, y, list, NULL, n, needing > 0, needing > 0 && needing < n);
}

static Value *new_pairs(Graph *graph, OpCode op, Value **a, Value **b, size_t n, bool has_bias, bool needs_grad,
                        bool mixed)
{
    double *numbers = graph_scratch(graph, 2 * n);
    if (numbers == NULL)
        return graph_fail(graph);
    gather(numbers, a, n);
    gather(numbers + n, b, n);
    double y = op_table[op].list_forward(n, numbers, numbers + n);
    if (has_bias)
        y += a[n]->data;
    Value *v = new_op(graph, op, y, a, b, n, needs_grad, mixed);
    v->has_bias = has_bias;
    return v;
}

Value *value_dot_shared(Graph *graph, Value **a, Value **b, size_t n, bool has_bias, bool b_needs_grad)
{
    return new_pairs(graph, OP_DOT, a, b, n, has_bias, true, !b_needs_grad);
}

Value *value_pairs(OpCode op, Value *const *a, Value *const *b, size_t n, Value *bias, Where where)
{
    check_list(a, n, NULL, op, "a", where);
    Graph *graph = a[0]->block->graph;
    check_list(a, n, graph, op, "a", where);
    check_list(b, n, graph, op, "b", where);
    if (bias != NULL)
        check_operand(bias, graph, op, "bias", where);
    if (any_failed(a, n) || any_failed(b, n) || (bias != NULL && bias->op == OP_FAILED))
        return graph->failed_node;
    Value **a_list = copy_list(graph, a, n, bias);
    Value **b_list = copy_list(graph, b, n, NULL);
    if (a_list == NULL || b_list == NULL)
        return graph_fail(graph);
    const size_t parents = 2 * n + (bias != NULL);
    const size_t needing = count_needing_grad(a_list, parents - n) + count_needing_grad(b_list, n);
    const bool mixed = needing > 0 && needing < parents;
    return new_pairs(graph, op, a_list, b_list, n, bias != NULL, needing > 0, mixed);
}

/* ---- looking at a node ------------------------------------------------------------------------------------------- */

size_t value_parent_count(const Value *v) { return (size_t)v->n * (v->b != NULL ? 2 : 1) + v->has_bias; }

Value *value_parent(const Value *v, size_t i)
{
    const size_t in_a = (size_t)v->n + v->has_bias;
    return i < in_a ? v->a[i] : v->b[i - in_a];
}

/* For parent i: the place of its pair in the lists, and whether it stands in b. The bias has the place n, in a. */
static size_t place_of_parent(const Value *v, size_t i, bool *in_b)
{
    const size_t in_a = (size_t)v->n + v->has_bias;
    *in_b = i >= in_a;
    return *in_b ? i - in_a : i;
}

double value_local_derivative(const Value *v, size_t i)
{
    bool in_b;
    const size_t place = place_of_parent(v, i, &in_b);
    if (place == v->n)
        return 1; /* the bias */
    const double a = v->a[place]->data;
    const double b = v->b != NULL ? v->b[place]->data : 0;
    return in_b ? op_table[v->op].db(a, b, v->data) : op_table[v->op].da(a, b, v->data);
}

const char *value_local_formula(const Value *v, size_t i)
{
    bool in_b;
    const size_t place = place_of_parent(v, i, &in_b);
    if (place == v->n)
        return "1";
    return in_b ? op_table[v->op].db_text : op_table[v->op].da_text;
}

size_t value_number(const Value *v) { return v->block->first_number + (size_t)(v - v->block->nodes); }

Graph *value_graph(const Value *v) { return v->block->graph; }

Value *value_label(Value *v, const char *text, Where where)
{
    value_check(v, NULL, "v_label: the node", where);
    if (text == NULL || v->op == OP_FAILED) {
        if (text == NULL)
            v->label = NULL;
        return v;
    }
    const size_t bytes = strlen(text) + 1;
    char *copy = graph_alloc(v->block->graph, bytes);
    if (copy == NULL)
        return graph_fail(v->block->graph);
    v->label = memcpy(copy, text, bytes);
    return v;
}

char *value_name(const Value *v, char buffer[VALUE_NAME_SIZE])
{
    if (v->label != NULL)
        snprintf(buffer, VALUE_NAME_SIZE, "%s", v->label);
    else
        snprintf(buffer, VALUE_NAME_SIZE, "v%zu", value_number(v));
    return buffer;
}

/* A parent in a printed line: its name, or a constant's number. */
static void print_operand(const Value *v, FILE *out)
{
    char name[VALUE_NAME_SIZE];
    if (v->op == OP_CONST && v->label == NULL)
        fprintf(out, "%g", v->data);
    else
        fprintf(out, "%s", value_name(v, name));
}

static void print_expression(const Value *v, FILE *out)
{
    enum { SHOWN = 8 }; /* of a long list, the first few will do */
    static const char *const infix[OP_COUNT] = {
        [OP_ADD] = "+", [OP_SUB] = "-", [OP_MUL] = "*", [OP_DIV] = "/", [OP_POW] = "^"};
    const size_t count = value_parent_count(v);
    if (infix[v->op] != NULL) {
        print_operand(value_parent(v, 0), out);
        fprintf(out, " %s ", infix[v->op]);
        print_operand(value_parent(v, 1), out);
        return;
    }
    fprintf(out, "%s(", op_table[v->op].name);
    for (size_t i = 0; i < count && i < SHOWN; i++) {
        fputs(i > 0 ? ", " : "", out);
        print_operand(value_parent(v, i), out);
    }
    fputs(count > SHOWN ? ", ...)" : ")", out);
}

void value_print(const Value *v, FILE *out)
{
    char name[VALUE_NAME_SIZE];
    fprintf(out, "%s = %.17g (grad %.17g) = ", value_name(v, name), v->data, v->grad);
    if (op_table[v->op].shape == LEAF)
        fputs(op_table[v->op].name, out);
    else
        print_expression(v, out);
    fputc('\n', out);
}
