/* hessian.c - the reverse walk twice more: with nodes in place of numbers, and with dual numbers. Both take each local
 * derivative from the formula in the op table, and its number from the function beside it. */
#include "hessian.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "graph.h"
#include "hessian_parts.h"
#include "jacobian.h"
#include "memory.h"
#include "order.h"

/* ---- checks ------------------------------------------------------------------------------------------------------ */

static bool check(Value *root, Value *const *params, size_t n, const void *out, const char *caller, Error *error,
                  Where where)
{
    char role[32], name[VALUE_NAME_SIZE];
    if (!jacobian_check_params(&root, 1, params, n, caller, error, where))
        return false;
    snprintf(role, sizeof role, "%s: the result", caller);
    misuse_if_null(out, role, "Give an array for it.", where);
    if (!root->needs_grad)
        misuse(where, "%s: the root %s (data %g) depends on no param, so there is nothing to differentiate by.", caller,
               value_name(root, name), root->data);
    return true;
}

static bool no_memory(Error *error, const char *caller, const Value *root, Where where)
{
    return error_set(error, "%s:%d: %s: no memory for a walk over %zu nodes", where.file, where.line, caller,
                     graph_node_count(value_graph(root)));
}

/* ---- the formulas that a walk needs ------------------------------------------------------------------------------ */

/* Of an op: ∂y/∂a and ∂y/∂b. */
typedef struct OpFormulas {
    Formula da, db;
    bool is_read;
} OpFormulas;

static bool read_formula(Formula *formula, OpCode op, const char *text, const char *caller, Error *error, Where where)
{
    const char *fault = formula_read(formula, text);
    return fault == NULL ||
           error_set(error,
                     "%s:%d: %s: a formula of the op %s, \"%s\", cannot be differentiated, from \"%s\" on. It may have "
                     "a, b, y, numbers, + - * /, comparisons, ?: and ops of one or two operands, %d of all that "
                     "together, and no quotient of whole numbers, which loses its fraction in C: write 1.0 / 2.",
                     where.file, where.line, caller, op_table[op].name, text, fault, FORMULA_STEPS_MOST);
}

/* Each once, and for this walk alone, so that threads share nothing. */
static bool read_formulas(OpFormulas *formulas, Value *const *order, size_t count, const char *caller, Error *error,
                          Where where)
{
    for (int op = 0; op < OP_COUNT; op++)
        formulas[op].is_read = op_table[op].shape == SHAPE_LEAF;
    for (size_t i = 0; i < count; i++) {
        const OpCode op = order[i]->op;
        OpFormulas *f = &formulas[op];
        if (!f->is_read && !(read_formula(&f->da, op, op_table[op].da_text, caller, error, where) &&
                             read_formula(&f->db, op, op_table[op].db_text, caller, error, where)))
            return false;
        f->is_read = true;
    }
    return true;
}

/* What a walk from a root goes through, and what it needs. */
typedef struct Walk {
    Value **order;
    size_t count;
    OpFormulas *formulas;
    bool decided; /* by numbers: which nodes to build */
} Walk;

static void walk_free(Walk *walk)
{
    memory_free(walk->order);
    memory_free(walk->formulas);
}

/* False: the reason is in *error, and there is nothing to free. */
static bool walk_new(Walk *walk, Value *root, const char *caller, Error *error, Where where)
{
    *walk = (Walk){.formulas = memory_alloc_array(OP_COUNT, sizeof *walk->formulas)};
    walk->order = graph_order_of_roots(&root, 1, &walk->count);
    const bool ready = walk->order != NULL && walk->formulas != NULL
                           ? read_formulas(walk->formulas, walk->order, walk->count, caller, error, where)
                           : no_memory(error, caller, root, where);
    if (!ready)
        walk_free(walk);
    return ready;
}

/* The derivative of v by parent i: its number, and of what it is a function. */
typedef struct Local {
    double number;
    const Formula *formula; /* NULL where it is a constant */
    Value *a, *b;           /* the formula's operands; b is NULL when there is none */
    bool decided;           /* at other numbers it may be another function, or none */
} Local;

static Local local_of(const Value *v, size_t i, const OpFormulas *formulas)
{
    Value *parent = value_parent(v, i), *partner = value_partner(v, i);
    const bool in_b = value_role(v, i) == VALUE_IN_B;
    Local local = {.a = in_b ? partner : parent, .b = in_b ? parent : partner};
    local.number = value_local_derivative(v, i);
    const Formula *formula = in_b ? &formulas[v->op].db : &formulas[v->op].da;
    const bool is_bias = value_role(v, i) == VALUE_BIAS, holds = value_local_formula(v, i) != NULL;
    local.formula = is_bias || formula->is_constant || !holds ? NULL : formula;
    local.decided = !is_bias && (formula->compares || !holds || isnan(local.number));
    return local;
}

/* A local derivative of 0 passes nothing on, not even an infinity (ops.h); and a gradient of 0 is not passed on, not
 * even through an infinite slope: backward skips such a node. */
static bool is_shut(double local, double grad)
{
    return (local == 0 && !isfinite(grad)) || (grad == 0 && !isfinite(local));
}

/* ---- reverse over reverse: the walk builds nodes ----------------------------------------------------------------- */

static Value *number_node(Value *v, double number, Where where)
{
    return value_leaf(OP_CONST, value_graph(v), number, where);
}

static Value *local_as_node(Value *v, const Local *local, Where where)
{
    Value *node = formula_nodes(local->formula, local->a, local->b, v, where);
    const double lost = local->number - node->data;
    if (fabs(lost) > 4 * DBL_EPSILON * fabs(local->number))
        node = formula_op_node(OP_ADD, node, number_node(v, lost, where), where);
    return node;
}

/* v's gradient times its derivative by parent i; NULL where that is 0 for good. */
static Value *product_node(Value *v, size_t i, Value *grad, Walk *walk, Where where)
{
    const Local local = local_of(v, i, walk->formulas);
    const bool seed = grad->op == OP_CONST && grad->data == 1, shut = is_shut(local.number, grad->data);
    walk->decided |= local.decided || shut;
    if (shut || (local.formula == NULL && local.number == 0))
        return NULL;
    if (isnan(local.number)) /* no derivative, and so no second one: this has none either */
        return formula_op_node(OP_MUL, value_parent(v, i), number_node(v, NAN, where), where);
    if (local.formula == NULL && local.number == 1)
        return grad;
    Value *factor = local.formula != NULL ? local_as_node(v, &local, where) : number_node(v, local.number, where);
    return seed ? factor : formula_op_node(OP_MUL, factor, grad, where);
}

/* A node's gradient as far as it is summed up. */
typedef struct Gradient {
    Value *node;
    bool is_own; /* made for it, and not handed on unchanged by a child, whose gradient it is then */
} Gradient;

/* "∂y/∂w", or "∂(∂y/∂w)/∂w", for a node made just now for v alone. */
static void label_gradient(Gradient grad, const Value *root, const Value *v, size_t first_new, Where where)
{
    char top[VALUE_NAME_SIZE], bottom[VALUE_NAME_SIZE], label[2 * VALUE_NAME_SIZE + 16];
    if (root->label == NULL || v->label == NULL || !grad.is_own || grad.node->op == OP_CONST ||
        value_number(grad.node) < first_new)
        return;
    const bool is_fraction = strchr(root->label, '/') != NULL;
    snprintf(label, sizeof label, is_fraction ? "∂(%s)/∂%s" : "∂%s/∂%s", value_name(root, top), value_name(v, bottom));
    value_label(grad.node, label, where);
}

/* v's gradient is complete: push it on. */
static void push_nodes(Value *v, Gradient *grads, Walk *walk, Where where)
{
    Value *grad = grads[value_number(v)].node;
    for (size_t i = 0; i < value_parent_count(v); i++) {
        Value *parent = value_parent(v, i);
        if (!parent->needs_grad)
            continue;
        Gradient *sum = &grads[value_number(parent)];
        Value *product = product_node(v, i, grad, walk, where);
        if (product == NULL)
            continue;
        sum->is_own = sum->node != NULL || product != grad;
        sum->node = sum->node == NULL ? product : formula_op_node(OP_ADD, sum->node, product, where);
    }
}

/* grads, by value_number, gets a node for each that the root depends on; the others stay NULL. */
static void walk_with_nodes(Walk *walk, Gradient *grads, Where where)
{
    Value *root = walk->order[walk->count - 1];
    const size_t first_new = graph_node_count(value_graph(root));
    memset(grads, 0, first_new * sizeof *grads);
    grads[value_number(root)].node = number_node(root, 1, where);
    for (size_t k = walk->count; k-- > 0 && graph_ok(value_graph(root));) {
        const Gradient grad = grads[value_number(walk->order[k])];
        if (grad.node == NULL)
            continue;
        walk->decided |= walk->order[k]->picked_by_number;
        label_gradient(grad, root, walk->order[k], first_new, where);
        push_nodes(walk->order[k], grads, walk, where);
    }
}

/* A gradient that would be another expression at other numbers: program_record refuses it. If it was there before, it
 * is in use elsewhere, and 1 times it is refused in its place. */
static Value *decided_node(Value *grad, size_t first_new, Where where)
{
    if (value_number(grad) < first_new)
        grad = value_binary(OP_MUL, grad, number_node(grad, 1, where), where);
    grad->picked_by_number = true;
    return grad;
}

bool gradient_nodes_at(Value *root, Value *const *params, size_t n, Value **grads, Error *error, Where where)
{
    static const char caller[] = "gradient_nodes";
    Walk walk;
    if (!check(root, params, n, grads, caller, error, where) || !walk_new(&walk, root, caller, error, where))
        return false;
    Graph *graph = value_graph(root);
    const size_t first_new = graph_node_count(graph);
    Gradient *all = memory_alloc_array(first_new, sizeof *all);
    if (all != NULL)
        walk_with_nodes(&walk, all, where);
    for (size_t j = 0; all != NULL && j < n; j++) {
        Value **grad = &all[value_number(params[j])].node;
        *grad = *grad == NULL ? number_node(root, 0, where) : *grad;
        *grad = walk.decided ? decided_node(*grad, first_new, where) : *grad;
    }
    const bool ok = all != NULL && graph_ok(graph);
    for (size_t j = 0; ok && j < n; j++)
        grads[j] = all[value_number(params[j])].node;
    memory_free(all);
    walk_free(&walk);
    return ok || no_memory(error, caller, root, where);
}

/* ---- forward over reverse: the walk with dual numbers ------------------------------------------------------------ */

static Dual local_as_dual(const Value *v, size_t i, const OpFormulas *formulas, const Dual *data)
{
    const Local local = local_of(v, i, formulas);
    Dual result = dual_constant(local.number);
    if (isnan(local.number))
        result.tangent = NAN;
    else if (local.formula != NULL)
        result.tangent =
            formula_dual(local.formula, data[value_number(local.a)],
                         local.b != NULL ? data[value_number(local.b)] : dual_constant(v->n), data[value_number(v)])
                .tangent;
    return result;
}

static void push_duals(const Value *v, Dual *grads, const Dual *data, const OpFormulas *formulas)
{
    const Dual grad = grads[value_number(v)];
    for (size_t i = 0; i < value_parent_count(v); i++) {
        const Value *parent = value_parent(v, i);
        if (!parent->needs_grad)
            continue;
        const Dual local = local_as_dual(v, i, formulas, data);
        Dual *sum = &grads[value_number(parent)];
        if (!is_shut(local.value, grad.value))
            *sum = d_add(*sum, d_mul(local, grad));
    }
}

/* data and grads are by value_number, of which there are `nodes`. */
static void walk_with_duals(const Walk *walk, const Tangent *tangents, size_t nodes, Dual *data, Dual *grads)
{
    memset(grads, 0, nodes * sizeof *grads);
    for (size_t k = 0; k < walk->count; k++)
        data[value_number(walk->order[k])] = (Dual){walk->order[k]->data, tangents[k].tangent};
    grads[value_number(walk->order[walk->count - 1])] = dual_constant(1);
    for (size_t k = walk->count; k-- > 0;)
        push_duals(walk->order[k], grads, data, walk->formulas);
}

bool hessian_vector_at(Value *root, Value *const *params, const double *direction, size_t n, double *out, Error *error,
                       Where where)
{
    static const char caller[] = "hessian_vector";
    Walk walk;
    if (!check(root, params, n, out, caller, error, where))
        return false;
    misuse_if_null(direction, "hessian_vector: direction", "Give an array with a number for each param.", where);
    if (!walk_new(&walk, root, caller, error, where))
        return false;
    const size_t nodes = graph_node_count(value_graph(root));
    size_t count;
    Tangent *tangents = forward_tangents_at(root, params, direction, n, &count, error, where);
    Dual *data = memory_alloc_array(nodes, sizeof *data), *grads = memory_alloc_array(nodes, sizeof *grads);
    const bool ok = tangents != NULL && data != NULL && grads != NULL;
    if (ok)
        walk_with_duals(&walk, tangents, nodes, data, grads);
    for (size_t j = 0; ok && j < n; j++)
        out[j] = grads[value_number(params[j])].tangent;
    memory_free(tangents);
    memory_free(data);
    memory_free(grads);
    walk_free(&walk);
    return ok || no_memory(error, caller, root, where);
}

bool hessian_at(Value *root, Value *const *params, size_t n, double *out, Error *error, Where where)
{
    static const char caller[] = "hessian";
    if (!check(root, params, n, out, caller, error, where))
        return false;
    double *direction = memory_alloc_array(n, sizeof *direction);
    if (direction == NULL)
        return no_memory(error, caller, root, where);
    memset(direction, 0, n * sizeof *direction);
    bool ok = true;
    for (size_t i = 0; ok && i < n; i++) {
        direction[i] = 1;
        ok = hessian_vector_at(root, params, direction, n, &out[i * n], error, where);
        direction[i] = 0;
    }
    memory_free(direction);
    return ok;
}
