/* value.c - a builder checks its operands, computes the value by the op table, and fills in the graph's next slot. */
#define VALUE_UNCHECKED /* this file defines the functions that value.h wraps in checks for NULL */
#include "value.h"

#include <string.h>

#include "graph.h"
#include "number.h"
#include "utf8.h"

_Static_assert(sizeof(void *) != 8 || sizeof(Value) == 64, "a node is one cache line");

/* ---- checks ------------------------------------------------------------------------------------------------------ */

void value_check(const Value *v, const Graph *graph, const char *role, Where where)
{
    if (v == NULL)
        misuse(where, "%s is NULL. Make it with a builder (v_param, v_add, ...) first.", role);
    if (!value_is_live(v))
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

NOINLINE const Value *value_given(const Value *v, const char *function, const char *file, int line)
{
    if (v == NULL)
        misuse((Where){file, line}, "%s: the node is NULL. Make it with a builder (v_param, v_add, ...) first.",
               function);
    return v;
}

/* Names a bad operand for check_operand: "v_add: operand b". Built only when needed. */
NOINLINE static void operand_misuse(const Value *v, const Graph *graph, OpCode op, const char *operand, Where where)
{
    char role[64];
    snprintf(role, sizeof role, "v_%s: operand %s", op_table[op].name, operand);
    value_check(v, graph, role, where);
}

static inline void check_operand(const Value *v, const Graph *graph, OpCode op, const char *operand, Where where)
{
    if (v == NULL || !value_is_live(v) || (graph != NULL && v->block->graph != graph))
        operand_misuse(v, graph, op, operand, where);
}

/* ---- leaves ------------------------------------------------------------------------------------------------------ */

Value *value_leaf(OpCode kind, Graph *graph, double data, Where where)
{
    if (graph == NULL)
        misuse(where, "v_%s: the graph is NULL. Make one with graph_new, and check that it is not NULL.",
               op_table[kind].name);
    Value *v = graph_new_slot(graph);
    if (v == NULL)
        return graph_fail(graph);
    *v = (Value){.data = data, .block = graph->newest, .op = kind, .needs_grad = kind == OP_PARAM};
    return v;
}

/* ---- ops of one and two operands --------------------------------------------------------------------------------- */

/* A node of `op` with the given value, of one operand a, or two. */
static inline Value *new_op(Graph *graph, OpCode op, double data, Value *a, Value *b, bool needs_grad,
                            bool some_parents_fixed)
{
    Value *v = graph_new_slot(graph);
    if (v == NULL)
        return graph_fail(graph);
    *v = (Value){.data = data,
                 .a = a,
                 .b = b,
                 .block = graph->newest,
                 .n = 1,
                 .op = op,
                 .needs_grad = needs_grad,
                 .some_parents_fixed = some_parents_fixed};
    return v;
}

Value *value_unary(OpCode op, Value *a, Where where)
{
    check_operand(a, NULL, op, "a", where);
    if (a->op == OP_FAILED)
        return a;
    const double y = op_table[op].forward(a->data, 0);
    return new_op(a->block->graph, op, y, a, NULL, a->needs_grad, false);
}

NOINLINE static void binary_misuse(OpCode op, Value *a, Value *b, Where where)
{
    check_operand(a, NULL, op, "a", where);
    check_operand(b, a->block->graph, op, "b", where);
}

Value *value_binary(OpCode op, Value *a, Value *b, Where where)
{
    if (a == NULL || b == NULL || !value_is_live(a) || !value_is_live(b) || a->block->graph != b->block->graph)
        binary_misuse(op, a, b, where);
    Graph *graph = a->block->graph;
    if (a->op == OP_FAILED || b->op == OP_FAILED)
        return graph->failed_node;
    const double y = op_table[op].forward(a->data, b->data);
    const int needing_grad = a->needs_grad + b->needs_grad;
    return new_op(graph, op, y, a, b, needing_grad > 0, needing_grad == 1);
}

Value value_plain_number;

/* At least one operand is a plain number: make a constant of it in the graph of the other. */
NOINLINE static Value *binary_with_number(OpCode op, Operand a, Operand b, Where where)
{
    const bool a_is_number = a.value == &value_plain_number;
    if (a_is_number && b.value == &value_plain_number)
        misuse(where,
               "v_%s: both operands are plain numbers, %g and %g, so there is no graph to build in. Make one of them a "
               "v_const.",
               op_table[op].name, a.number, b.number);
    if (a_is_number) {
        check_operand(b.value, NULL, op, "b", where);
        return value_binary(op, value_leaf(OP_CONST, b.value->block->graph, a.number, where), b.value, where);
    }
    check_operand(a.value, NULL, op, "a", where);
    return value_binary(op, a.value, value_leaf(OP_CONST, a.value->block->graph, b.number, where), where);
}

Value *value_binary_operands(OpCode op, Operand a, Operand b, Where where)
{
    if (a.value == &value_plain_number || b.value == &value_plain_number)
        return binary_with_number(op, a, b, where);
    return value_binary(op, a.value, b.value, where);
}

/* ---- ops of lists ------------------------------------------------------------------------------------------------ */

/* What a list op needs to know of its operands: a[0..n), the bias, and b[0..n), the last two if there are any. */
typedef struct Operands {
    OpCode op;
    Value *const *a;
    Value *const *b;
    Value *bias;
    size_t n;
} Operands;

static size_t operand_count(const Operands *in) { return in->n + (in->bias != NULL) + (in->b != NULL ? in->n : 0); }

/* Whether v is the i-th node after `first` in memory. C subtracts pointers within one array only, hence the block. */
static inline bool is_nth_after(const Value *first, size_t i, const Value *v)
{
    return v->block == first->block && v - first == (ptrdiff_t)i;
}

/* Scan one list, copy its data to `numbers`, and add to what was found in others. Reports misuse for a Value that
 * cannot be an operand here. */
static void scan_list(ValueList *found, double *numbers, Value *const *list, size_t n, const Graph *graph, OpCode op,
                      const char *name, Where where)
{
    for (size_t i = 0; i < n; i++) {
        const Value *v = list[i];
        if (v == NULL || !value_is_live(v) || v->block->graph != graph) {
            char element[48];
            snprintf(element, sizeof element, n > 1 ? "%s[%zu]" : "%s", name, i);
            operand_misuse(v, graph, op, element, where);
        }
        numbers[i] = v->data;
        found->needing_grad += v->needs_grad;
        found->any_failed |= v->op == OP_FAILED;
        found->run = found->run && is_nth_after(list[0], i, v);
    }
}

/* All operands together. `numbers` gets the data of a, the bias, and b, side by side. */
static ValueList scan_operands(const Operands *in, double *numbers, const Graph *graph, Where where)
{
    ValueList found = {.run = true};
    scan_list(&found, numbers, in->a, in->n, graph, in->op, "a", where);
    numbers += in->n;
    if (in->bias != NULL) {
        scan_list(&found, numbers++, &in->bias, 1, graph, in->op, "bias", where);
        found.run = found.run && is_nth_after(in->a[0], in->n, in->bias);
    }
    if (in->b != NULL)
        scan_list(&found, numbers, in->b, in->n, graph, in->op, "b", where);
    return found;
}

static void check_lists(const Operands *in, Where where)
{
    const char *name = op_table[in->op].name;
    if (in->n == 0 || in->n > UINT32_MAX)
        misuse(where, "v_%s: n = %zu operands. It takes 1 to %u.", name, in->n, UINT32_MAX);
    if (in->a == NULL || (op_table[in->op].shape == SHAPE_PAIRS && in->b == NULL))
        misuse(where, "v_%s: the list %s is NULL. Pass an array of n = %zu Values.", name, in->a == NULL ? "a" : "b",
               in->n);
    check_operand(in->a[0], NULL, in->op, "a[0]", where); /* it names the graph of all others */
}

bool value_is_run(Value *const *list, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (!is_nth_after(list[0], i, list[i]))
            return false;
    return true;
}

/* The value of an op of lists: `operands` are all of a, the bias if there is one, and all of b. */
static double evaluate_lists(OpCode op, size_t n, bool has_bias, const double *operands)
{
    const double y = op_table[op].list_forward(n, operands, operands + n + has_bias, 1);
    return has_bias ? y + operands[n] : y;
}

/* A copy of all operands that lives as long as the node: needed only when they do not lie side by side. */
static Value **list_of_operands(Graph *graph, const Operands *in)
{
    Value **list = graph_alloc_array(graph, operand_count(in), sizeof *list);
    if (list == NULL)
        return NULL;
    Value **next = list + in->n;
    memcpy(list, in->a, in->n * sizeof *list);
    if (in->bias != NULL)
        *next++ = in->bias;
    if (in->b != NULL)
        memcpy(next, in->b, in->n * sizeof *list);
    return list;
}

/* The node of operands that have been scanned. */
static inline Value *new_scanned(Graph *graph, const Operands *in, size_t needing_grad, bool run, double data)
{
    Value **list = run ? NULL : list_of_operands(graph, in);
    Value *v = run || list != NULL ? graph_new_slot(graph) : NULL;
    if (v == NULL)
        return graph_fail(graph);
    *v = (Value){.data = data,
                 .a = run ? in->a[0] : NULL,
                 .b = run && in->b != NULL ? in->b[0] : NULL,
                 .list = list,
                 .block = graph->newest,
                 .n = (uint32_t)in->n,
                 .op = in->op,
                 .needs_grad = needing_grad > 0,
                 .has_bias = in->bias != NULL,
                 .some_parents_fixed = needing_grad > 0 && needing_grad < operand_count(in)};
    return v;
}

static Value *new_list_op(const Operands *in, Where where)
{
    check_lists(in, where);
    Graph *graph = in->a[0]->block->graph;
    double *numbers = graph_scratch(graph, operand_count(in));
    if (numbers == NULL)
        return graph_fail(graph);
    const ValueList found = scan_operands(in, numbers, graph, where);
    if (found.any_failed)
        return graph->failed_node;
    const double y = evaluate_lists(in->op, in->n, in->bias != NULL, numbers);
    return new_scanned(graph, in, found.needing_grad, found.run, y);
}

ValueList value_scan(Value *const *list, size_t n, double *numbers, const Graph *graph, const char *name, Where where)
{
    ValueList found = {.at = list, .numbers = numbers, .run = true};
    scan_list(&found, numbers, list, n, graph, OP_DOT, name, where);
    return found;
}

Value *value_dot_scanned(Graph *graph, const ValueList *a, const ValueList *b, size_t n)
{
    const Operands in = {.op = OP_DOT, .a = a->at, .b = b->at, .n = n};
    if (a->any_failed || b->any_failed)
        return graph->failed_node;
    const double y = dot_forward(n, a->numbers, b->numbers, 1);
    return new_scanned(graph, &in, a->needing_grad + b->needing_grad, a->run && b->run, y);
}

Value *value_list(OpCode op, Value *const *a, size_t n, Where where)
{
    return new_list_op(&(Operands){.op = op, .a = a, .n = n}, where);
}

Value *value_pairs(OpCode op, Value *const *a, Value *const *b, size_t n, Value *bias, Where where)
{
    return new_list_op(&(Operands){.op = op, .a = a, .b = b, .bias = bias, .n = n}, where);
}

/* ---- inspecting a node ------------------------------------------------------------------------------------------- */

size_t value_parent_count(const Value *v) { return (size_t)v->n * (op_table[v->op].db != NULL ? 2 : 1) + v->has_bias; }

Value *value_parent(const Value *v, size_t i)
{
    if (v->list != NULL)
        return v->list[i];
    const size_t in_a = (size_t)v->n + v->has_bias;
    return i < in_a ? &v->a[i] : &v->b[i - in_a];
}

ValueRole value_role(const Value *v, size_t i)
{
    return i < v->n ? VALUE_IN_A : i == v->n && v->has_bias ? VALUE_BIAS : VALUE_IN_B;
}

Value *value_partner(const Value *v, size_t i)
{
    const size_t from_a_to_b = (size_t)v->n + v->has_bias;
    const bool has_b = op_table[v->op].db != NULL;
    switch (value_role(v, i)) {
    case VALUE_IN_A: return has_b ? value_parent(v, i + from_a_to_b) : NULL;
    case VALUE_IN_B: return value_parent(v, i - from_a_to_b);
    case VALUE_BIAS: return NULL;
    }
    return NULL;
}

double value_evaluate(const Value *v, const double *operands)
{
    if (op_table[v->op].list_forward != NULL)
        return evaluate_lists(v->op, v->n, v->has_bias, operands);
    return op_table[v->op].forward(operands[0], op_table[v->op].db != NULL ? operands[1] : 0);
}

double value_local_derivative(const Value *v, size_t i)
{
    const OpInfo *op = &op_table[v->op];
    const Value *parent = value_parent(v, i), *partner = value_partner(v, i);
    const double other = partner != NULL ? partner->data : (double)v->n;
    switch (value_role(v, i)) {
    case VALUE_IN_A: return op->da(parent->data, other, v->data);
    case VALUE_IN_B: return op->db(other, parent->data, v->data);
    case VALUE_BIAS: return 1;
    }
    return NAN;
}

/* Whether a formula gives the derivative, up to the digits that the form in ops.h keeps and 1 - y * y loses. */
static bool formula_holds(double formula, double derivative)
{
    if (!isfinite(formula) || !isfinite(derivative))
        return formula == derivative || (isnan(formula) && isnan(derivative));
    return fabs(formula - derivative) <= 1e-9 * fmax(1, fabs(derivative));
}

const char *value_local_formula(const Value *v, size_t i)
{
    const OpInfo *op = &op_table[v->op];
    const Value *partner = value_partner(v, i);
    const double here = value_parent(v, i)->data, other = partner != NULL ? partner->data : (double)v->n;
    const double derivative = value_local_derivative(v, i);
    switch (value_role(v, i)) {
    case VALUE_IN_A: return formula_holds(op->da_formula(here, other, v->data), derivative) ? op->da_text : NULL;
    case VALUE_IN_B: return formula_holds(op->db_formula(other, here, v->data), derivative) ? op->db_text : NULL;
    case VALUE_BIAS: return "1";
    }
    return NULL;
}

double value_push(const Value *v, size_t i)
{
    const double local = value_local_derivative(v, i);
    return local == 0 || !value_parent(v, i)->needs_grad ? 0 : local * v->grad;
}

size_t value_number(const Value *v) { return v->block->first_number + (size_t)(v - v->block->nodes); }

Graph *value_graph(const Value *v) { return v->block->graph; }

/* A label and the room that it has. It lives as long as its node does; when the node takes another, the room serves the
 * next label in the block. */
typedef struct LabelRoom {
    const Value *owner; /* NULL when it is free */
    struct LabelRoom *next_free;
    size_t bytes; /* of text */
    char text[];
} LabelRoom;

/* Whether the label lies in a block, with what stands before its text. */
static bool is_in(const Block *block, const char *label)
{
    const uintptr_t at = (uintptr_t)label;
    return at >= (uintptr_t)block->back + sizeof(LabelRoom) && at < (uintptr_t)block->end;
}

/* Where graph_alloc_with put it. NULL for a text that did not come from v_label, or came to another node. */
static LabelRoom *room_of_label(Value *v)
{
    Block *block = v->block;
    while (!is_in(block, v->label)) {
        block = block->older;
        if (block == NULL || block->node_count > 0)
            return NULL;
    }
    LabelRoom *room = (LabelRoom *)(block->back + (v->label - block->back) - sizeof(LabelRoom));
    return room->owner == v ? room : NULL;
}

static void take_label_away(Value *v)
{
    LabelRoom *room = room_of_label(v);
    v->label = NULL;
    if (room == NULL)
        return;
    room->owner = NULL;
    room->next_free = v->block->free_labels;
    v->block->free_labels = room;
}

static LabelRoom *room_for_label(Value *v, size_t bytes)
{
    for (LabelRoom **link = &v->block->free_labels; *link != NULL; link = &(*link)->next_free)
        if ((*link)->bytes >= bytes) {
            LabelRoom *room = *link;
            *link = room->next_free;
            return room;
        }
    LabelRoom *room = graph_alloc_with(v, sizeof *room + bytes);
    if (room != NULL)
        room->bytes = bytes;
    return room;
}

Value *value_label(Value *v, const char *text, Where where)
{
    value_check(v, NULL, "v_label: the node", where);
    if (v->op == OP_FAILED)
        return v;
    if (text != NULL && v->label != NULL && strcmp(v->label, text) == 0)
        return v;
    if (text == NULL) {
        take_label_away(v);
        return v;
    }
    const size_t bytes = strlen(text) + 1;
    LabelRoom *old = room_of_label(v), *room = old != NULL && old->bytes >= bytes ? old : room_for_label(v, bytes);
    if (room == NULL)
        return graph_fail(v->block->graph); /* with the label that it has */
    if (room != old)
        take_label_away(v);
    room->owner = v;
    v->label = memmove(room->text, text, bytes); /* it may be a part of the old label */
    return v;
}

char *value_name(const Value *v, char buffer[VALUE_NAME_SIZE])
{
    if (v->label != NULL)
        return utf8_name(v->label, VALUE_NAME_SIZE, buffer, VALUE_NAME_SIZE);
    snprintf(buffer, VALUE_NAME_SIZE, "v%zu", value_number(v));
    return buffer;
}

/* A parent in a printed line: its name, or a constant's number. */
static void print_operand(const Value *v, FILE *out)
{
    char name[VALUE_NAME_SIZE];
    if (v->op == OP_CONST && v->label == NULL)
        fprintf(out, "%g", number_unsigned_nan(v->data));
    else
        fprintf(out, "%s", value_name(v, name));
}

static void print_expression(const Value *v, FILE *out)
{
    enum { SHOWN = 8 }; /* the first few of a long list will do */
    const char *text = op_table[v->op].text;
    const size_t count = value_parent_count(v);
    if (text[0] == 'a' && text[1] == ' ') { /* "a + b" */
        print_operand(value_parent(v, 0), out);
        fprintf(out, " %c ", text[2]);
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

void value_print_at(const Value *v, FILE *out, Where where)
{
    value_given(v, "value_print", where.file, where.line);
    misuse_if_null(out, "value_print: out", "Give an open stream, such as stdout.", where);
    char name[VALUE_NAME_SIZE];
    fprintf(out, "%s = %.17g (grad %.17g) = ", value_name(v, name), number_unsigned_nan(v->data),
            number_unsigned_nan(v->grad));
    if (op_table[v->op].shape == SHAPE_LEAF)
        fputs(op_table[v->op].name, out);
    else
        print_expression(v, out);
    fputc('\n', out);
}
