/* gradcheck_whole.c - the whole function, computed again from its leaves: is it up to date, and how does it move when a
 * param is nudged? */
#include <float.h>
#include <math.h>

#include "gradcheck_parts.h"

static const double OUT_OF_DATE = 1e-6; /* far above rounding, which may differ where a layer computes in bulk */

/* The node computed again from its parents' numbers in `nudged`. */
static double evaluate(const Check *check, const Value *v)
{
    for (size_t i = 0; i < value_parent_count(v); i++)
        check->operands[i] = check->nudged[value_number(value_parent(v, i))];
    return value_evaluate(v, check->operands);
}

/* Whether the node, computed again from its parents' data, differs by more than rounding, or is finite where its data
 * is not. The rounding of a list op is relative to what it gives for the sizes of its operands. */
static bool is_out_of_date(const Check *check, const Value *v, double *again)
{
    *again = evaluate(check, v);
    if (!isfinite(*again) || !isfinite(v->data))
        return isfinite(*again) != isfinite(v->data);
    double size = fmax(fabs(*again), fabs(v->data));
    if (op_table[v->op].list_forward != NULL && *again != v->data) {
        for (size_t i = 0; i < value_parent_count(v); i++)
            check->operands[i] = fabs(check->operands[i]);
        size = value_evaluate(v, check->operands);
    }
    return fabs(*again - v->data) > OUT_OF_DATE * size;
}

const Value *gradcheck_find_out_of_date(const Check *check, double *again)
{
    for (size_t i = 0; i < check->count; i++)
        if (check->order[i]->op > OP_CONST && is_out_of_date(check, check->order[i], again))
            return check->order[i];
    return NULL;
}

/* ---- with one param nudged --------------------------------------------------------------------------------------- */

/* Find the nodes that depend on the param: only these change when it is nudged. Returns how much of root may be what
 * they, and x ± h, round off. */
static double find_affected(Check *check, const Value *param)
{
    double noise = ULPS * fabs(param->data * check->adjoint[value_number(param)].grad);
    check->affected_count = 0;
    for (size_t i = 0; i < check->count; i++) {
        Value *v = check->order[i];
        bool moves = v == param;
        for (size_t p = 0; p < value_parent_count(v) && !moves; p++)
            moves = check->moves[value_number(value_parent(v, p))];
        check->moves[value_number(v)] = moves;
        if (moves && v != param) {
            check->affected[check->affected_count++] = v;
            noise += check->adjoint[value_number(v)].noise;
        }
    }
    return noise;
}

/* f with the param at x; the values of all affected nodes go into check->nudged. */
static double evaluate_nudged(Check *check, const Value *param, double x)
{
    check->nudged[value_number(param)] = x;
    for (size_t i = 0; i < check->affected_count; i++)
        check->nudged[value_number(check->affected[i])] = evaluate(check, check->affected[i]);
    return check->nudged[value_number(check->root)];
}

/* Put everything back to the point. */
static void restore(Check *check, const Value *param)
{
    check->nudged[value_number(param)] = param->data;
    for (size_t i = 0; i < check->affected_count; i++)
        check->nudged[value_number(check->affected[i])] = check->affected[i]->data;
}

/* On which side of its kink a node is: −1 or 1, and 0 on it. */
static int side(double a, double b) { return (a > b) - (a < b); }

/* Whether a node is now on a different side of its kink than at the point. */
static bool crosses_kink(const Check *check, const Value *v)
{
    const Value *a = value_parent(v, 0), *b = value_parent_count(v) > 1 ? value_parent(v, 1) : NULL;
    const double nudged_b = b != NULL ? check->nudged[value_number(b)] : 0;
    return side(a->data, b != NULL ? b->data : 0) != side(check->nudged[value_number(a)], nudged_b);
}

static bool crosses_any_kink(const Check *check)
{
    for (size_t i = 0; i < check->affected_count; i++)
        if (op_table[check->affected[i]->op].has_kink && crosses_kink(check, check->affected[i]))
            return true;
    return false;
}

/* ---- the witness: the whole function, nudged at a param ---------------------------------------------------------- */

enum { NUDGES = 4 }; /* x − 2h, x − h, x + h, x + 2h */

static const double nudge_of[NUDGES] = {-2, -1, 1, 2};

/* The slope of root by nudges of h and 2h, for a given noise in root. False: root is not finite there, or a kink was
 * crossed. Truncation shows in how the two differ, in their odd part (the slope) and in their even part, which grows as
 * h² if h is small enough for the function. */
static bool nudge_root(Check *check, const Value *param, double h, double noise, Slope *s)
{
    const double f = check->root->data;
    double moved[NUDGES];
    for (size_t i = 0; i < NUDGES; i++) {
        moved[i] = evaluate_nudged(check, param, param->data + nudge_of[i] * h) - f;
        if (!isfinite(moved[i]) || crosses_any_kink(check))
            return false;
    }
    const double d1 = (moved[2] - moved[1]) / (2 * h), d2 = (moved[3] - moved[0]) / (4 * h);
    const double even1 = (moved[2] + moved[1]) / 2, even2 = (moved[3] + moved[0]) / 2;
    s->step = h;
    s->value = (4 * d1 - d2) / 3;
    s->truncation = fabs(d1 - d2) + fabs(even1 - even2 / 4) / h;
    s->rounding = noise / h;
    return true;
}

/* Only a slope known to a hundredth is evidence. */
static bool is_evidence(double tolerance, double slope) { return tolerance <= 0.01 * fabs(slope) + DBL_MIN; }

static bool slopes_agree(const Slope *s, const Slope *t)
{
    return fabs(s->value - t->value) <= tolerance_of(s) + tolerance_of(t);
}

/* Steps go from large to small, for as long as rounding leaves them a meaning: a step too large for the function is
 * contradicted by a smaller one. */
Testimony gradcheck_ask_witness(Check *check, const Value *param, double got, double doubt, Slope *s)
{
    enum { STEPS = 24 };
    const double noise = find_affected(check, param);
    const Slope claim = {.value = got, .rounding = doubt};
    Testimony testimony = SAYS_NOTHING;
    double h = 1e-4 * fmax(1, fabs(param->data));
    for (int i = 0; i < STEPS && testimony != AGREES; i++, h /= 10) {
        Slope trial = {0};
        const bool tells = nudge_root(check, param, h, noise, &trial) && is_evidence(tolerance_of(&trial), trial.value);
        if (tells && (testimony == SAYS_NOTHING || !slopes_agree(&trial, s))) {
            *s = trial;
            testimony = slopes_agree(&claim, s) ? AGREES : DISAGREES;
        }
        if (!is_evidence(noise / h, got))
            break;
    }
    restore(check, param);
    return testimony;
}
