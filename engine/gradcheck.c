/* gradcheck.c - nudge a param, evaluate again only the nodes that depend on it, and take the difference. */
#include "gradcheck.h"

#include <float.h>
#include <math.h>

#include "graph.h"
#include "jacobian.h"
#include "memory.h"
#include "order.h"

static const double STEP = 1e-5;      /* h, for |x| up to 1: smaller, and rounding shows; larger, and the h⁴ term */
static const double SHRINK = 0.1;     /* from one h to the next that is tried */
static const double TOLERANCE = 1e-8; /* rounding in f alone makes errors of 2⁻⁵²·|f|/h: 2e-11 for an |f| of 1 */
static const double OUT_OF_DATE = 1e-6; /* far above rounding, which may differ where a layer computes in bulk */

enum { NUDGES = 4 }; /* x − 2h, x − h, x + h, x + 2h */

static const double nudge_of[NUDGES] = {-2, -1, 1, 2};
static const double weight_of[NUDGES] = {1.0 / 12, -8.0 / 12, 8.0 / 12, -1.0 / 12};

/* ---- memory ------------------------------------------------------------------------------------------------------ */

/* A check under way. The last three lists have a number per node of the graph, by value_number. */
typedef struct Check {
    Value *root;
    Value **order; /* what root was computed from, parents first */
    size_t count;
    Value **params; /* of these, the params */
    size_t param_count;
    double *gradients; /* got, for each of them */
    Value **affected;  /* the nodes that the param being nudged leads to, parents first */
    size_t affected_count;
    double *operands; /* those of one list op, side by side */
    double *value;    /* of each node at the point */
    double *nudged;   /* and with one param nudged */
    bool *moves;      /* is this node the param, or affected? */
} Check;

static void check_free(Check *check)
{
    memory_free(check->order);
    memory_free(check->params);
    memory_free(check->gradients);
    memory_free(check->affected);
    memory_free(check->operands);
    memory_free(check->value);
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
    check->value = memory_alloc_array(numbers, sizeof(double));
    check->nudged = memory_alloc_array(numbers, sizeof(double));
    check->moves = memory_alloc_array(numbers, sizeof(bool));
    if (check->params != NULL && check->gradients != NULL && check->affected != NULL && check->operands != NULL &&
        check->value != NULL && check->nudged != NULL && check->moves != NULL)
        return true;
    check_free(check);
    return false;
}

static void find_params(Check *check)
{
    for (size_t i = 0; i < check->count; i++)
        if (check->order[i]->op == OP_PARAM)
            check->params[check->param_count++] = check->order[i];
}

/* ---- evaluating a graph again ------------------------------------------------------------------------------------ */

/* The node computed again from its parents' numbers in `value`, which are put side by side first. In operand order, the
 * bias of a dot comes between the lists, and the bs are the last n. */
static double evaluate(const Value *v, const double *value, double *operands)
{
    const OpInfo *op = &op_table[v->op];
    const size_t count = value_parent_count(v);
    for (size_t i = 0; i < count; i++)
        operands[i] = value[value_number(value_parent(v, i))];
    const double *b = op->db != NULL ? &operands[count - v->n] : NULL;
    if (op->list_forward == NULL)
        return op->forward(operands[0], b != NULL ? *b : 0);
    const double y = op->list_forward(v->n, operands, b, 1);
    return v->has_bias ? y + operands[v->n] : y;
}

/* Whether a number computed again differs from the node's by more than rounding, or is finite where that is not. */
static bool differs(double again, double data)
{
    if (!isfinite(again) || !isfinite(data))
        return isfinite(again) != isfinite(data);
    return fabs(again - data) > OUT_OF_DATE * fmax(1, fabs(data));
}

/* All values at the point. They are computed and not copied, so that a leaf changed since then shows: returns the first
 * node whose data differs, or NULL. */
static const Value *evaluate_all(Check *check)
{
    const Value *out_of_date = NULL;
    for (size_t i = 0; i < check->count; i++) {
        const Value *v = check->order[i];
        const double y = op_table[v->op].shape == SHAPE_LEAF ? v->data : evaluate(v, check->value, check->operands);
        check->value[value_number(v)] = check->nudged[value_number(v)] = y;
        if (out_of_date == NULL && differs(y, v->data))
            out_of_date = v;
    }
    return out_of_date;
}

/* Find the nodes that depend on the param: only these change when it is nudged. */
static void find_affected(Check *check, const Value *param)
{
    check->affected_count = 0;
    for (size_t i = 0; i < check->count; i++) {
        Value *v = check->order[i];
        bool moves = v == param;
        for (size_t p = 0; p < value_parent_count(v) && !moves; p++)
            moves = check->moves[value_number(value_parent(v, p))];
        check->moves[value_number(v)] = moves;
        if (moves && v != param)
            check->affected[check->affected_count++] = v;
    }
}

/* f with the param at x; the values of all affected nodes go into check->nudged. */
static double evaluate_nudged(Check *check, const Value *param, double x)
{
    check->nudged[value_number(param)] = x;
    for (size_t i = 0; i < check->affected_count; i++) {
        const Value *v = check->affected[i];
        check->nudged[value_number(v)] = evaluate(v, check->nudged, check->operands);
    }
    return check->nudged[value_number(check->root)];
}

/* Put everything back to the point. */
static void restore(Check *check, const Value *param)
{
    check->nudged[value_number(param)] = check->value[value_number(param)];
    for (size_t i = 0; i < check->affected_count; i++)
        check->nudged[value_number(check->affected[i])] = check->value[value_number(check->affected[i])];
}

/* ---- kinks ------------------------------------------------------------------------------------------------------- */

/* On which side of its kink a node is: −1 or 1, and 0 on it. */
static int side(const Value *v, const double *value)
{
    const double a = value[value_number(value_parent(v, 0))];
    const double b = value_parent_count(v) > 1 ? value[value_number(value_parent(v, 1))] : 0;
    return (a > b) - (a < b);
}

/* The first node that is on a different side of its kink than at the point, or NULL. */
static const Value *crossed_kink(const Check *check)
{
    for (size_t i = 0; i < check->affected_count; i++) {
        const Value *v = check->affected[i];
        if (op_table[v->op].has_kink && side(v, check->value) != side(v, check->nudged))
            return v;
    }
    return NULL;
}

/* ---- one param --------------------------------------------------------------------------------------------------- */

static double value_of_root(const Check *check) { return check->value[value_number(check->root)]; }

static double tolerance_for(double f, double slope) { return TOLERANCE * fmax(1, fmax(fabs(f), fabs(slope))); }

/* f at x + step; false, and the verdict filled in, when it is of no use. */
static bool nudge(Check *check, const Value *param, double step, double *f, GradCheckParam *result)
{
    *f = evaluate_nudged(check, param, result->point + step);
    if (!isfinite(*f)) {
        result->verdict = GRAD_NOT_FINITE;
        return false;
    }
    const Value *kink = crossed_kink(check);
    if (kink == NULL)
        return true;
    result->verdict = GRAD_AT_KINK;
    result->kink_op = kink->op;
    value_name(kink, result->kink_name);
    return false;
}

/* Nudge the param by multiples of h and fill in the verdict, with its numbers. */
static void try_step(Check *check, const Value *param, double h, GradCheckParam *result)
{
    const double f = value_of_root(check);
    double sum = 0;
    result->step = h;
    for (size_t i = 0; i < NUDGES; i++) {
        double nudged;
        if (!nudge(check, param, nudge_of[i] * h, &nudged, result))
            return;
        sum += weight_of[i] * (nudged - f); /* the weights add up to 0: −f only keeps the terms small */
    }
    result->want = sum / h;
    result->error = fabs(result->got - result->want);
    result->tolerance = tolerance_for(f, result->want);
    if (!isfinite(result->want))
        result->verdict = GRAD_NOT_FINITE; /* f is too large to take differences */
    else
        result->verdict = result->error <= result->tolerance ? GRAD_RIGHT : GRAD_WRONG; /* wrong if got is NaN */
}

static bool was_checked(const GradCheckParam *result)
{
    return result->verdict == GRAD_RIGHT || result->verdict == GRAD_WRONG;
}

/* Whether a step h can still decide: rounding in f and in x ± h makes errors of some 2⁻⁵²·(|f| + |x·slope|)/h, which
 * must stay within the tolerance. A steep slope has a large tolerance, and may allow, and need, smaller steps. */
static bool step_is_useful(double f, double h, const GradCheckParam *so_far)
{
    const double slope = was_checked(so_far) ? so_far->want : 0;
    const double rounding = DBL_EPSILON * (fmax(1, fabs(f)) + fabs(so_far->point * slope)) / h;
    return rounding <= tolerance_for(f, slope);
}

/* Whether a trial is better than the best so far: right before wrong, wrong before unchecked, and a small error before
 * a large one. */
static bool is_better(const GradCheckParam *trial, const GradCheckParam *best)
{
    if (trial->verdict == GRAD_WRONG && best->verdict == GRAD_WRONG)
        return trial->error < best->error;
    return trial->verdict < best->verdict;
}

static GradCheckParam check_param(Check *check, const Value *param, double got)
{
    const GradCheckParam start = {.point = param->data, .got = got, .kink_op = OP_CONST};
    GradCheckParam best = start;
    double h = STEP * fmax(1, fabs(param->data));
    find_affected(check, param);
    try_step(check, param, h, &best);
    for (h *= SHRINK; best.verdict != GRAD_RIGHT && step_is_useful(value_of_root(check), h, &best); h *= SHRINK) {
        GradCheckParam trial = start;
        try_step(check, param, h, &trial);
        if (is_better(&trial, &best))
            best = trial;
    }
    restore(check, param);
    value_name(param, best.name);
    return best;
}

/* ---- the report -------------------------------------------------------------------------------------------------- */

static void count_checked(GradCheck *report, const GradCheckParam *result)
{
    const bool first = report->right + report->wrong == 0;
    const double relative = result->error / result->tolerance;
    if (first || isnan(relative) || relative > report->worst.error / report->worst.tolerance)
        report->worst = *result;
    report->nonzero += result->want != 0;
    if (result->verdict == GRAD_RIGHT)
        report->right++;
    else
        report->wrong++;
}

static void count_result(GradCheck *report, const GradCheckParam *result)
{
    switch (result->verdict) {
    case GRAD_RIGHT:
    case GRAD_WRONG: count_checked(report, result); break;
    case GRAD_AT_KINK:
        if (report->at_kink++ == 0)
            report->first_at_kink = *result;
        break;
    case GRAD_NOT_FINITE:
        if (report->not_finite++ == 0)
            report->first_not_finite = *result;
        break;
    }
}

/* Check `most` of the params: every one if there are no more, else number 0, P/most, 2·P/most, ... of P. */
static void check_params(Check *check, size_t most, GradCheck *report)
{
    const size_t chosen = most == 0 || most > check->param_count ? check->param_count : most;
    for (size_t i = 0; i < chosen; i++) {
        const size_t p = (size_t)((double)i * (double)check->param_count / (double)chosen);
        const GradCheckParam result = check_param(check, check->params[p], check->gradients[p]);
        count_result(report, &result);
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

/* Explain why the check failed, if it did; true if it did not. */
static bool conclude(const GradCheck *report, Error *error, Where where)
{
    const GradCheckParam *worst = &report->worst;
    if (report->wrong > 0)
        return error_set(
            error,
            "%s:%d: gradcheck: %zu of %zu gradients are wrong. The worst is that of %s at %.9g: got %.12g, "
            "want %.12g by differences (error %.2g, tolerance %.2g)",
            where.file, where.line, report->wrong, report->wrong + report->right, worst->name, worst->point, worst->got,
            worst->want, worst->error, worst->tolerance);
    if (report->right == 0)
        return error_set(error,
                         "%s:%d: gradcheck: nothing could be checked: of %zu params %zu are at a kink, and near %zu "
                         "the root is not finite. Check at another point",
                         where.file, where.line, report->params, report->at_kink, report->not_finite);
    return true;
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
                         where.file, where.line, value_name(root, name), root->data);
    return true;
}

static void out_of_date_misuse(const Value *v, double again, Where where)
{
    char name[VALUE_NAME_SIZE];
    misuse(where,
           "gradcheck: %s is out of date: its data is %g, but computed again from its leaves it is %g. A leaf was "
           "changed after it was built: build the expression again, then check.",
           value_name(v, name), v->data, again);
}

/* The check itself. Frees its memory in any case. */
static bool run_check(Check *check, size_t most, bool stored, GradCheck *report, Error *error, Where where)
{
    const Value *out_of_date = evaluate_all(check);
    const double again = out_of_date != NULL ? check->value[value_number(out_of_date)] : 0;
    bool ready = out_of_date == NULL;
    if (ready) {
        find_params(check);
        report->params = check->param_count;
        ready = take_gradients(check, stored, error, where);
    }
    if (ready)
        check_params(check, most, report);
    check_free(check);
    if (out_of_date != NULL)
        out_of_date_misuse(out_of_date, again, where);
    return ready;
}

bool gradcheck_at(Value *root, size_t most, bool stored, GradCheck *report, Error *error, Where where)
{
    Check check;
    *report = (GradCheck){0};
    if (!check_root(root, error, where))
        return false;
    if (!check_new(&check, root, where))
        return error_set(error, "%s:%d: gradcheck: no memory to compute %zu nodes again", where.file, where.line,
                         value_number(root) + 1);
    return run_check(&check, most, stored, report, error, where) && conclude(report, error, where);
}

static void print_unchecked(const char *why, size_t count, const GradCheckParam *first, FILE *out)
{
    if (count == 0)
        return;
    fprintf(out, "  %zu not checked, %s: %s at %.9g", count, why, first->name, first->point);
    if (first->verdict == GRAD_AT_KINK)
        fprintf(out, ", where %s (%s) changes sides", first->kink_name, op_table[first->kink_op].name);
    fprintf(out, "%s\n", count > 1 ? ", and others" : "");
}

void gradcheck_print(const GradCheck *report, FILE *out)
{
    const GradCheckParam *worst = &report->worst;
    const size_t checked = report->right + report->wrong;
    fprintf(out, "gradcheck: of %zu params %zu checked: %zu right, %zu wrong\n", report->params, checked, report->right,
            report->wrong);
    if (checked > 0)
        fprintf(out, "  largest error: %s at %.9g: got %.12g, want %.12g, error %.2g, tolerance %.2g\n", worst->name,
                worst->point, worst->got, worst->want, worst->error, worst->tolerance);
    if (checked > 0 && report->nonzero == 0)
        fputs("  all slopes are 0 here: a check that proves little\n", out);
    print_unchecked("at a kink", report->at_kink, &report->first_at_kink, out);
    print_unchecked("the root is not finite close by", report->not_finite, &report->first_not_finite, out);
}
