/* gradcheck_report.c - what the checks of all params come to, as numbers, as an error and as text. */
#include <math.h>

#include "gradcheck_parts.h"
#include "number.h"

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

void gradcheck_count(GradCheck *report, const GradCheckParam *result)
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

bool gradcheck_conclude(const GradCheck *report, Error *error, Where where)
{
    const GradCheckParam *worst = &report->worst;
    const GradCheckEdge *edge = &report->first_wrong_edge;
    if (report->wrong_edges > 0)
        return error_set(error,
                         "%s:%d: gradcheck: %zu of %zu gradients are wrong, and %zu local derivatives. The first: %s "
                         "(%s), d/d %s at %.9g: %.12g by the op table (%s), %.12g by differences (tolerance %.2g)",
                         where.file, where.line, report->wrong, report->wrong + report->right, report->wrong_edges,
                         edge->node, op_table[edge->op].name, edge->parent, edge->point,
                         number_unsigned_nan(edge->local), edge->formula, edge->want, edge->tolerance);
    if (report->wrong > 0)
        return error_set(
            error,
            "%s:%d: gradcheck: %zu of %zu gradients are wrong. The worst is that of %s at %.9g: got %.12g, "
            "want %.12g by differences (error %.2g, tolerance %.2g)",
            where.file, where.line, report->wrong, report->wrong + report->right, worst->name, worst->point,
            number_unsigned_nan(worst->got), worst->want, number_unsigned_nan(worst->error), worst->tolerance);
    if (report->right == 0)
        return error_set(error,
                         "%s:%d: gradcheck: nothing could be checked: of %zu params %zu are at a kink, and near %zu "
                         "the root is not finite. Check at another point",
                         where.file, where.line, report->params, report->at_kink, report->not_finite);
    return true;
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
    const GradCheckEdge *edge = &report->first_wrong_edge;
    const size_t checked = report->right + report->wrong;
    fprintf(out, "gradcheck: of %zu params %zu checked: %zu right, %zu wrong\n", report->params, checked, report->right,
            report->wrong);
    if (checked > 0)
        fprintf(out, "  largest error: %s at %.9g: got %.12g, want %.12g, error %.2g, tolerance %.2g\n", worst->name,
                worst->point, number_unsigned_nan(worst->got), worst->want, number_unsigned_nan(worst->error),
                worst->tolerance);
    if (report->wrong_edges > 0)
        fprintf(out,
                "  wrong local derivatives: %zu, first %s (%s), d/d %s: %.12g by the op table, %.12g by differences\n",
                report->wrong_edges, edge->node, op_table[edge->op].name, edge->parent,
                number_unsigned_nan(edge->local), edge->want);
    if (checked > 0 && report->nonzero == 0)
        fputs("  all slopes are 0 here: a check that proves little\n", out);
    print_unchecked("at a kink", report->at_kink, &report->first_at_kink, out);
    print_unchecked("the root is not finite close by", report->not_finite, &report->first_not_finite, out);
}
