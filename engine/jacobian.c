/* jacobian.c - forward mode keeps a tangent per node beside the graph; reverse mode walks the graph and then restores
 * its gradients. */
#include "jacobian.h"

#include <string.h>

#include "backward.h"
#include "dual.h"
#include "graph.h"
#include "memory.h"
#include "order.h"

/* ---- checks ------------------------------------------------------------------------------------------------------ */

static void check_role(const Value *v, const Graph *graph, const char *caller, const char *kind, size_t i, Where where)
{
    if (v != NULL && value_is_live(v) && (graph == NULL || v->block->graph == graph))
        return; /* all is well: no role to write */
    char role[64];
    snprintf(role, sizeof role, "%s: %s %zu", caller, kind, i);
    value_check(v, graph, role, where);
}

static void check_leaf(const Value *leaf, size_t i, const char *caller, Where where)
{
    if (op_table[leaf->op].shape == SHAPE_LEAF)
        return;
    char name[VALUE_NAME_SIZE];
    misuse(where, "%s: leaf %zu (%s, data %g) was computed (op %s), so it cannot move by itself. Pass leaves only.",
           caller, i, value_name(leaf, name), leaf->data, op_table[leaf->op].name);
}

/* True when all roots and leaves are live nodes of one graph. Reports misuse if they are not, and an error if one is
 * the failed node, which stands for "no memory". */
static bool check_nodes(Value *const *roots, size_t m, Value *const *leaves, size_t n, const char *caller, Error *error,
                        Where where)
{
    if (roots == NULL || m == 0 || leaves == NULL || n == 0)
        misuse(where, "%s: %s (m = %zu roots, n = %zu leaves). It takes 1 or more of each.", caller,
               roots == NULL || m == 0 ? "there is no root" : "there is no leaf", m, n);
    const Graph *graph = NULL;
    bool failed = false;
    for (size_t i = 0; i < m; i++) {
        check_role(roots[i], graph, caller, "root", i, where);
        graph = value_graph(roots[i]);
        failed = failed || roots[i]->op == OP_FAILED;
    }
    for (size_t j = 0; j < n; j++) {
        check_role(leaves[j], graph, caller, "leaf", j, where);
        check_leaf(leaves[j], j, caller, where);
        failed = failed || leaves[j]->op == OP_FAILED;
    }
    return !failed || error_set(error, "%s:%d: %s: there was no memory when the graph was built (see graph_ok)",
                                where.file, where.line, caller);
}

static void check_given(const double *array, const char *caller, const char *name, size_t places, Where where)
{
    if (array == NULL)
        misuse(where, "%s: %s is NULL. Give an array with %zu places.", caller, name, places);
}

static bool no_memory(Error *error, const char *caller, size_t nodes, Where where)
{
    return error_set(error, "%s:%d: %s: no memory for a walk over %zu nodes", where.file, where.line, caller, nodes);
}

/* ---- what a forward pass needs ----------------------------------------------------------------------------------- */

/* A forward pass: the nodes it goes through, parents first, and a tangent per node of the graph, by value_number. */
typedef struct Pass {
    Value **order;
    size_t count;
    double *tangent;
} Pass;

static void pass_free(Pass *pass)
{
    memory_free(pass->order);
    memory_free(pass->tangent);
}

/* Ready for a pass, with all tangents 0. False: no memory, and nothing to free. */
static bool pass_new(Pass *pass, Value *const *roots, size_t m)
{
    const size_t nodes = graph_node_count(value_graph(roots[0])); /* in all: a leaf may be newer than every root */
    pass->order = graph_order_of_roots(roots, m, &pass->count);
    pass->tangent = memory_alloc_array(nodes, sizeof(double));
    if (pass->order == NULL || pass->tangent == NULL) {
        pass_free(pass);
        return false;
    }
    memset(pass->tangent, 0, nodes * sizeof(double));
    return true;
}

/* ---- forward mode ------------------------------------------------------------------------------------------------ */

/* The chain rule: tangent of v = Σ ∂v/∂parent · tangent of the parent. */
static double tangent_of(const Value *v, const double *tangent)
{
    double sum = 0;
    for (size_t i = 0; i < value_parent_count(v); i++) {
        const double parent_tangent = tangent[value_number(value_parent(v, i))];
        if (parent_tangent != 0)
            sum += tangent_product(value_local_derivative(v, i), parent_tangent);
    }
    return sum;
}

/* From the tangents of the leaves to those of all nodes. */
static void pass_run(Pass *pass)
{
    for (size_t i = 0; i < pass->count; i++) {
        const Value *v = pass->order[i];
        if (op_table[v->op].shape != SHAPE_LEAF)
            pass->tangent[value_number(v)] = tangent_of(v, pass->tangent);
    }
}

static void pass_seed(Pass *pass, Value *const *leaves, const double *direction, size_t n)
{
    for (size_t j = 0; j < n; j++)
        pass->tangent[value_number(leaves[j])] += direction[j];
}

Tangent *forward_tangents_at(Value *root, Value *const *leaves, const double *direction, size_t n, size_t *count,
                             Error *error, Where where)
{
    Pass pass;
    misuse_if_null(count, "forward_tangents: count", "Give the address of a size_t.", where);
    *count = 0;
    if (!check_nodes(&root, 1, leaves, n, "forward_tangents", error, where))
        return NULL;
    check_given(direction, "forward_tangents", "direction", n, where);
    const bool ready = pass_new(&pass, &root, 1);
    Tangent *list = ready ? memory_alloc_array(pass.count, sizeof *list) : NULL;
    if (list != NULL) {
        pass_seed(&pass, leaves, direction, n);
        pass_run(&pass);
        *count = pass.count;
        for (size_t i = 0; i < pass.count; i++)
            list[i] = (Tangent){pass.order[i], pass.tangent[value_number(pass.order[i])]};
    } else {
        no_memory(error, "forward_tangents", graph_node_count(value_graph(root)), where);
    }
    if (ready)
        pass_free(&pass);
    return list;
}

/* Column j: all tangents when leaf j alone moves, with speed 1. */
static void fill_column(Pass *pass, Value *const *roots, size_t m, Value *leaf, double *column, size_t n)
{
    pass->tangent[value_number(leaf)] = 1;
    pass_run(pass);
    for (size_t i = 0; i < m; i++)
        column[i * n] = pass->tangent[value_number(roots[i])];
    pass->tangent[value_number(leaf)] = 0;
}

bool jacobian_forward_at(Value *const *roots, size_t m, Value *const *leaves, size_t n, double *matrix, Error *error,
                         Where where)
{
    Pass pass;
    if (!check_nodes(roots, m, leaves, n, "jacobian_forward", error, where))
        return false;
    check_given(matrix, "jacobian_forward", "matrix", m * n, where);
    if (!pass_new(&pass, roots, m))
        return no_memory(error, "jacobian_forward", graph_node_count(value_graph(roots[0])), where);
    for (size_t j = 0; j < n; j++)
        fill_column(&pass, roots, m, leaves[j], &matrix[j], n);
    pass_free(&pass);
    return true;
}

/* ---- reverse mode ------------------------------------------------------------------------------------------------ */

bool jacobian_check_params(Value *const *roots, size_t m, Value *const *leaves, size_t n, const char *caller,
                           Error *error, Where where)
{
    if (!check_nodes(roots, m, leaves, n, caller, error, where))
        return false;
    for (size_t j = 0; j < n; j++)
        if (leaves[j]->op != OP_PARAM) {
            char name[VALUE_NAME_SIZE];
            misuse(where,
                   "%s: leaf %zu (%s, data %g, %s) is not a param, and a reverse walk gives gradients to params only. "
                   "Make it with v_param; jacobian_forward takes any leaf.",
                   caller, j, value_name(leaves[j], name), leaves[j]->data, op_table[leaves[j]->op].name);
        }
    return true;
}

/* Row i: the gradients of one reverse walk, with the leaves' zeroed first. */
static void fill_row(Value *root, Value *const *leaves, size_t n, double *row, Where where)
{
    for (size_t j = 0; j < n; j++)
        leaves[j]->grad = 0;
    if (root->needs_grad)
        backward_at(root, 1, where);
    for (size_t j = 0; j < n; j++)
        row[j] = leaves[j]->grad;
}

bool jacobian_reverse_at(Value *const *roots, size_t m, Value *const *leaves, size_t n, double *matrix, Error *error,
                         Where where)
{
    KeptGradients kept;
    if (!jacobian_check_params(roots, m, leaves, n, "jacobian_reverse", error, where))
        return false;
    check_given(matrix, "jacobian_reverse", "matrix", m * n, where);
    if (!graph_keep_gradients(&kept, value_graph(roots[0])))
        return no_memory(error, "jacobian_reverse", graph_node_count(value_graph(roots[0])), where);
    for (size_t i = 0; i < m; i++)
        fill_row(roots[i], leaves, n, &matrix[i * n], where);
    graph_restore_gradients(&kept);
    return true;
}

bool jacobian_at(Value *const *roots, size_t m, Value *const *leaves, size_t n, double *matrix, JacobianMode *mode,
                 Error *error, Where where)
{
    bool params_only = true;
    for (size_t j = 0; leaves != NULL && j < n; j++)
        params_only = params_only && leaves[j] != NULL && value_is_live(leaves[j]) && leaves[j]->op == OP_PARAM;
    const JacobianMode cheaper = m < n && params_only ? JACOBIAN_REVERSE : JACOBIAN_FORWARD;
    if (mode != NULL)
        *mode = cheaper;
    return cheaper == JACOBIAN_REVERSE ? jacobian_reverse_at(roots, m, leaves, n, matrix, error, where)
                                       : jacobian_forward_at(roots, m, leaves, n, matrix, error, where);
}
