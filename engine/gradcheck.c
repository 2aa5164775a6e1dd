/* gradcheck.c - judge each edge, apply the chain rule to what that confirms, and ask the whole function besides. */
#include "gradcheck.h"

#include <float.h>
#include <math.h>

#include "gradcheck_parts.h"
#include "jacobian.h"
#include "memory.h"
#include "number.h"
#include "order.h"

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static void check_free(Check *check)
{
    memory_free(check->order);
    memory_free(check->params);
    memory_free(check->gradients);
    memory_free(check->affected);
    memory_free(check->operands);
    memory_free(check->adjoint);
    memory_free(check->nudged);
    memory_free(check->moves);
}

static size_t most_parents(const Check *check)
{
    size_t most = 1;
    for (size_t i = 0; i < check->count; i++)
        if (value_parent_count(check->order[i]) > most)
            most = value_parent_count(check->order[i]);
    return most;
}

/* False when there is no memory, and nothing to free. */
static bool check_new(Check *check, Value *root, Where where)
{
    *check = (Check){.root = root};
    check->order = graph_topological_order_at(root, &check->count, where);
    if (check->order == NULL)
        return false;
    const size_t numbers = value_number(root) + 1;
    check->params = memory_alloc_array(check->count, sizeof(Value *));
    check->gradients = memory_alloc_array(check->count, sizeof(double));
    check->affected = memory_alloc_array(check->count, sizeof(Value *));
    check->operands = memory_alloc_array(most_parents(check), sizeof(double));
    check->adjoint = memory_alloc_array(numbers, sizeof(Adjoint));
    check->nudged = memory_alloc_array(numbers, sizeof(double));
    check->moves = memory_alloc_array(numbers, sizeof(bool));
    if (check->params != NULL && check->gradients != NULL && check->affected != NULL && check->operands != NULL &&
        check->adjoint != NULL && check->nudged != NULL && check->moves != NULL)
        return true;
    check_free(check);
    return false;
}

/* Find the params, and put all nodes' data where they can be nudged. */
static void find_params(Check *check)
{
    for (size_t i = 0; i < check->count; i++) {
        Value *v = check->order[i];
        if (v->op == OP_PARAM)
            check->params[check->param_count++] = v;
        check->nudged[value_number(v)] = v->data;
        check->adjoint[value_number(v)] = (Adjoint){0};
    }
}

/* ---- the chain rule ---------------------------------------------------------------------------------------------- */

/* Add the product of an edge to the parent's adjoint. As in the reverse walk, a path with local derivative 0 carries
 * nothing. */
static void add_product(Adjoint *parent, const Adjoint *child, double local, double doubt)
{
    if (local == 0)
        return;
    const double product = local * child->grad;
    parent->grad += product;
    parent->size += fabs(product);
    parent->rounding += fabs(local) * child->rounding + doubt * fabs(child->grad) + ULPS * parent->size + DBL_TRUE_MIN;
    if (parent->blocked_by == NULL) {
        parent->blocked_by = child->blocked_by;
        parent->why = child->why;
    }
}

/* Judge an edge, and push along it what the differences confirm: the local derivative, or, where that is wrong, the
 * differences themselves. */
static void push_judged(Check *check, const Value *v, size_t i, double others, double local, GradCheck *report)
{
    Adjoint *child = &check->adjoint[value_number(v)];
    Adjoint *parent = &check->adjoint[value_number(value_parent(v, i))];
    const Judgement j = gradcheck_judge(v, i, others, local);
    report->edges++;
    if (j.verdict == GRAD_WRONG && report->wrong_edges++ == 0)
        report->first_wrong_edge = gradcheck_edge_report(v, i, local, &j);
    if (j.verdict == GRAD_WRONG)
        add_product(parent, child, j.slope.value, tolerance_of(&j.slope));
    else
        add_product(parent, child, local, j.doubt);
    if ((j.verdict == GRAD_AT_KINK || j.verdict == GRAD_NOT_FINITE) && parent->blocked_by == NULL) {
        parent->blocked_by = v;
        parent->why = j.verdict;
    }
}

/* Push v's adjoint, which is complete, to its parents, and note how much of root may be v's rounding. */
static void push_edges(Check *check, const Value *v, GradCheck *report)
{
    Adjoint *adjoint = &check->adjoint[value_number(v)];
    const bool is_list = op_table[v->op].list_forward != NULL;
    double size = fabs(v->data);
    if (!v->needs_grad || (adjoint->grad == 0 && adjoint->blocked_by == NULL))
        return; /* it carries nothing, as in the reverse walk */
    if (is_list)
        gradcheck_others(v, check->operands);
    for (size_t i = 0; i < value_parent_count(v); i++) {
        const Value *parent = value_parent(v, i);
        const double local = value_local_derivative(v, i);
        size += local != 0 ? fabs(local * parent->data) : 0;
        if (!parent->needs_grad)
            continue;
        double others = NAN;
        if (is_list)
            others = value_role(v, i) == VALUE_BIAS ? v->data - parent->data : check->operands[gradcheck_pair(v, i)];
        push_judged(check, v, i, others, local, report);
    }
    adjoint->noise = fabs(adjoint->grad) * (ULPS * size + DBL_TRUE_MIN);
}

/* The adjoint of every node, in a reverse walk of our own. */
static void find_adjoints(Check *check, GradCheck *report)
{
    check->adjoint[value_number(check->root)].grad = 1;
    for (size_t i = check->count; i > 0; i--)
        push_edges(check, check->order[i - 1], report);
}

/* ---- one param --------------------------------------------------------------------------------------------------- */

static void note_blocked(GradCheckParam *result, const Adjoint *adjoint)
{
    result->verdict = adjoint->why;
    result->kink_op = adjoint->blocked_by->op;
    value_name(adjoint->blocked_by, result->kink_name);
}

/* The verdict of the edges, and then that of the witness: it may convict what they let pass, and decide where they
 * cannot, as for max(x, x), which has a kink of its own but none in x. */
static GradCheckParam check_param(Check *check, const Value *param, double got)
{
    const Adjoint *adjoint = &check->adjoint[value_number(param)];
    GradCheckParam result = {.point = param->data,
                             .got = got,
                             .want = adjoint->grad,
                             .error = fabs(got - adjoint->grad),
                             .tolerance = adjoint->rounding + DBL_TRUE_MIN,
                             .kink_op = OP_CONST};
    value_name(param, result.name);
    result.verdict = result.error <= result.tolerance ? GRAD_RIGHT : GRAD_WRONG; /* wrong if got is NaN */
    if (adjoint->blocked_by != NULL)
        note_blocked(&result, adjoint);
    else if (!isfinite(adjoint->grad))
        result.verdict = GRAD_NOT_FINITE;
    if (result.verdict == GRAD_WRONG)
        return result;
    Slope slope = {0};
    const double doubt = result.verdict == GRAD_RIGHT ? result.tolerance : 0;
    const Testimony testimony = gradcheck_ask_witness(check, param, got, doubt, &slope);
    result.step = testimony != SAYS_NOTHING ? slope.step : 0;
    if (testimony == DISAGREES || (testimony == AGREES && result.verdict != GRAD_RIGHT)) {
        result.verdict = testimony == AGREES ? GRAD_RIGHT : GRAD_WRONG;
        result.want = slope.value;
        result.error = fabs(got - slope.value);
        result.tolerance = tolerance_of(&slope) + doubt + DBL_TRUE_MIN;
    }
    return result;
}

/* ---- the check --------------------------------------------------------------------------------------------------- */

/* Check `most` of the params: every one if there are no more, else number 0, P/most, 2·P/most, ... of P. */
static void check_params(Check *check, size_t most, GradCheck *report)
{
    const size_t chosen = most == 0 || most > check->param_count ? check->param_count : most;
    for (size_t i = 0; i < chosen; i++) {
        const size_t p = (size_t)((double)i * (double)check->param_count / (double)chosen);
        const GradCheckParam result = check_param(check, check->params[p], check->gradients[p]);
        gradcheck_count(report, &result);
    }
}

/* The gradients to check. False: no memory. */
static bool take_gradients(Check *check, bool stored, Error *error, Where where)
{
    for (size_t p = 0; p < check->param_count; p++)
        check->gradients[p] = check->params[p]->grad;
    return stored ||
           jacobian_reverse_at(&check->root, 1, check->params, check->param_count, check->gradients, error, where);
}

static bool check_root(const Value *root, Error *error, Where where)
{
    char name[VALUE_NAME_SIZE];
    value_check(root, NULL, "gradcheck: root", where);
    if (root->op == OP_FAILED)
        return error_set(error, "%s:%d: gradcheck: there was no memory when root was built (see graph_ok)", where.file,
                         where.line);
    if (!root->needs_grad)
        misuse(where, "gradcheck: %s (data %g) depends on no param. Make the leaves to be checked with v_param.",
               value_name(root, name), root->data);
    if (!isfinite(root->data))
        return error_set(error,
                         "%s:%d: gradcheck: %s is %g, which has no derivative. graph_first_nonfinite says where it "
                         "began",
                         where.file, where.line, value_name(root, name), number_unsigned_nan(root->data));
    return true;
}

static void out_of_date_misuse(const Value *v, double again, Where where)
{
    char name[VALUE_NAME_SIZE];
    misuse(where,
           "gradcheck: %s is out of date: its data is %g, but computed again from its operands it is %g. A leaf was "
           "changed after it was built: build the expression again, then check.",
           value_name(v, name), number_unsigned_nan(v->data), number_unsigned_nan(again));
}

/* The check itself. Frees its memory in any case. */
static bool run_check(Check *check, size_t most, bool stored, GradCheck *report, Error *error, Where where)
{
    find_params(check);
    double again = 0;
    const Value *out_of_date = gradcheck_find_out_of_date(check, &again);
    report->params = check->param_count;
    const bool ready = out_of_date == NULL && take_gradients(check, stored, error, where);
    if (ready) {
        find_adjoints(check, report);
        check_params(check, most, report);
    }
    check_free(check);
    if (out_of_date != NULL)
        out_of_date_misuse(out_of_date, again, where);
    return ready;
}

bool gradcheck_at(Value *root, size_t most, bool stored, GradCheck *report, Error *error, Where where)
{
    Check check;
    if (report == NULL)
        misuse(where, "gradcheck: the report is NULL. Give the address of a GradCheck.");
    *report = (GradCheck){0};
    if (!check_root(root, error, where))
        return false;
    if (!check_new(&check, root, where))
        return error_set(error, "%s:%d: gradcheck: no memory to compute %zu nodes again", where.file, where.line,
                         value_number(root) + 1);
    return run_check(&check, most, stored, report, error, where) && gradcheck_conclude(report, error, where);
}
