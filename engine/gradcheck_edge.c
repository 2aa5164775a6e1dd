/* gradcheck_edge.c - the judge of one edge: an op, nudged at one operand. */
#include <float.h>
#include <math.h>

#include "gradcheck_parts.h"

static const double FINE = 0x1p-30; /* an edge is known well enough when its tolerance is that small */

/* Operand x of a node, and all that the node's value needs besides x. */
typedef struct Edge {
    const Value *node;
    ValueRole role;
    double x;
    double partner; /* the data of the operand that x is paired with, or 0 */
    double others;  /* in a list op, what the other elements or pairs give together; NAN: there are none */
    double y;       /* the value at x */
    double to_kink; /* how far x is from the op's kink; INFINITY: it has none */
} Edge;

/* A list op of n pairs is the op of two: one pair, and what the others give. So a nudge costs 1 and not n. */
static double with_others(const OpInfo *op, double a, double b, double others)
{
    const double as[] = {a, others}, bs[] = {b, 1};
    return op->list_forward(isnan(others) ? 1 : 2, as, bs, 1);
}

/* The data of the operand that parent i is paired with; 0 where there is none: a kink of one operand is at 0. */
static double partner_of(const Value *v, size_t i)
{
    const Value *partner = value_partner(v, i);
    return partner != NULL ? partner->data : 0;
}

/* The data of the pair i of a list op, added to what others give. */
static double with_pair(const Value *v, size_t i, double others)
{
    return with_others(&op_table[v->op], value_parent(v, i)->data, partner_of(v, i), others);
}

/* What the pairs from first to before end give, together with others. */
static double with_pairs(const Value *v, size_t first, size_t end, double others)
{
    for (size_t i = first; i < end; i++)
        others = with_pair(v, i, others);
    return others;
}

/* The node's value with the operand moved to x. A bias beside a list would only hide how the list moves. */
static double edge_value(const Edge *e, double x)
{
    const OpInfo *op = &op_table[e->node->op];
    const double a = e->role == VALUE_IN_A ? x : e->partner, b = e->role == VALUE_IN_A ? e->partner : x;
    if (e->role == VALUE_BIAS)
        return e->others + x;
    return op->list_forward != NULL ? with_others(op, a, b, e->others) : op->forward(a, b);
}

static Edge edge_of(const Value *v, size_t i, double others)
{
    Edge e = {.node = v, .role = value_role(v, i), .x = value_parent(v, i)->data, .others = others};
    e.partner = partner_of(v, i);
    e.y = edge_value(&e, e.x);
    e.to_kink = op_table[v->op].has_kink ? fabs(e.x - e.partner) : INFINITY;
    return e;
}

/* (y(x + h) − y(x − h)) / 2h. Where x + h and x − h round differently, so that one is closer to x, it is the slope in
 * the middle of the parabola through the three points. Also what rounding may do to it. */
static double central_difference(const Edge *e, double h, double *rounding)
{
    const double above = e->x + h, below = e->x - h, up = above - e->x, down = e->x - below;
    const double y_above = edge_value(e, above), y_below = edge_value(e, below);
    const double slope = (down / up * (y_above - e->y) + up / down * (e->y - y_below)) / (up + down);
    const double size = fabs(y_above) + fabs(e->y) + fabs(y_below) + fabs(e->x * slope);
    *rounding = 2 * (ULPS * size + DBL_TRUE_MIN) / (up + down);
    return slope;
}

/* The slope by nudges of h, 2h and 4h. The h² terms cancel between two of them, and how well that works shows between
 * two such pairs. */
static Slope slope_by(const Edge *e, double h)
{
    Slope s = {.step = h, .truncation = INFINITY};
    double ignored;
    if (4 * h >= e->to_kink)
        return s;
    const double d1 = central_difference(e, h, &s.rounding), d2 = central_difference(e, 2 * h, &ignored);
    const double d4 = central_difference(e, 4 * h, &ignored);
    s.value = (4 * d1 - d2) / 3;
    s.truncation = fabs(s.value - (4 * d2 - d4) / 3);
    if (!isfinite(s.truncation) || !isfinite(s.rounding))
        s = (Slope){.step = h, .truncation = INFINITY};
    return s;
}

static bool is_fine(const Slope *s) { return tolerance_of(s) <= FINE * fabs(s->value); }

/* Whether y bends so much that a step as large as x itself demands (8 units of its last place) says nothing of the
 * slope: sin at 1e17, where the numbers next to x are 16 away. */
static bool is_too_curved(const Edge *e, double h)
{
    const double y_above = edge_value(e, e->x + 4 * h), y_below = edge_value(e, e->x - 4 * h);
    return fabs((y_above - e->y) - (e->y - y_below)) > ULPS * (fabs(y_above) + fabs(e->y) + fabs(y_below));
}

/* The best slope that steps of 2ᵏ give (x ± 2ᵏ does not round). The ops are of scale 1 or x, so 2⁻¹⁰ of the smaller is
 * nearly always right. A step is made smaller where y bends too much for it, and larger where rounding hides how y
 * moves (1e-12 + 1e12); a larger one must agree with the one before, or it has begun to bend. */
static Slope edge_slope(const Edge *e)
{
    enum { SHRINKS = 40 };
    const double unit = fmin(fmin(1, e->to_kink), e->x != 0 ? fabs(e->x) : 1);
    const double least = fmax(fabs(e->x) * 0x1p-50, DBL_MIN);
    const double first = ldexp(1, ilogb(fmax(unit * 0x1p-10, least)));
    Slope best = slope_by(e, first);
    if (first > 0x1p-10 && is_too_curved(e, first))
        return (Slope){.step = first, .rounding = INFINITY};
    double h = first / 8;
    for (int i = 0; i < SHRINKS && h >= least && best.truncation > best.rounding && !is_fine(&best); i++, h /= 8) {
        const Slope smaller = slope_by(e, h);
        if (tolerance_of(&smaller) < tolerance_of(&best))
            best = smaller;
    }
    while (best.truncation <= best.rounding && !is_fine(&best)) {
        const Slope larger = slope_by(e, 64 * best.step);
        const double apart = fabs(larger.value - best.value);
        if (!(tolerance_of(&larger) < tolerance_of(&best) && apart <= tolerance_of(&larger) + tolerance_of(&best)))
            break;
        best = larger;
    }
    return best;
}

/* How much of a local derivative may be rounding: a few units in the last place, and what a change of y by as much does
 * to it, as in e^(a−y) of a logsumexp where y is large. */
static double doubt_of(const Value *v, size_t i, double local)
{
    Value moved = *v;
    moved.data += ULPS * v->n * v->data;
    const double change = fabs(value_local_derivative(&moved, i) - value_local_derivative(v, i));
    return ULPS * fabs(local) + (isfinite(change) ? change : 0);
}

/* Is `local` the derivative of the edge? */
static GradVerdict judge_edge(const Edge *e, double local, double doubt, Slope *slope)
{
    *slope = (Slope){.truncation = INFINITY};
    if (e->to_kink == 0)
        return GRAD_AT_KINK;
    if (!isfinite(e->node->data) || !isfinite(e->x))
        return GRAD_NOT_FINITE;
    *slope = edge_slope(e);
    if (slope->truncation == INFINITY)
        return e->to_kink < INFINITY ? GRAD_AT_KINK : GRAD_NOT_FINITE;
    return fabs(local - slope->value) <= tolerance_of(slope) + doubt ? GRAD_RIGHT : GRAD_WRONG;
}

Judgement gradcheck_judge(const Value *v, size_t i, double others, double local)
{
    const Edge e = edge_of(v, i, others);
    Judgement j = {.doubt = doubt_of(v, i, local)};
    j.verdict = judge_edge(&e, local, j.doubt, &j.slope);
    return j;
}

/* As the table has it: value_local_formula has none where the number is another, as a wrong one is. */
static const char *formula_in_table(const Value *v, size_t i)
{
    const OpInfo *op = &op_table[v->op];
    const ValueRole role = value_role(v, i);
    return role == VALUE_BIAS ? "1" : role == VALUE_IN_A ? op->da_text : op->db_text;
}

GradCheckEdge gradcheck_edge_report(const Value *v, size_t i, double local, const Judgement *j)
{
    GradCheckEdge report = {.op = v->op,
                            .formula = formula_in_table(v, i),
                            .verdict = j->verdict,
                            .point = value_parent(v, i)->data,
                            .local = local,
                            .want = j->slope.value,
                            .tolerance = tolerance_of(&j->slope),
                            .step = j->slope.step};
    value_name(v, report.node);
    value_name(value_parent(v, i), report.parent);
    return report;
}

void gradcheck_others(const Value *v, double *others)
{
    const size_t n = v->n;
    others[n - 1] = NAN;
    for (size_t i = n - 1; i > 0; i--)
        others[i - 1] = with_pair(v, i, others[i]);
    double before = with_pair(v, 0, NAN);
    for (size_t i = 1; i < n; i++) {
        others[i] = with_others(&op_table[v->op], before, 1, others[i]);
        before = with_pair(v, i, before);
    }
}

GradCheckEdge gradcheck_edge_at(const Value *v, size_t i, double local, Where where)
{
    char name[VALUE_NAME_SIZE];
    value_check(v, NULL, "gradcheck_edge: the node", where);
    if (i >= value_parent_count(v))
        misuse(where, "gradcheck_edge: %s has %zu operands, and there is none of index %zu.", value_name(v, name),
               value_parent_count(v), i);
    double others = NAN;
    if (op_table[v->op].list_forward != NULL) {
        const size_t pair = gradcheck_pair(v, i);
        others = with_pairs(v, 0, pair, NAN);
        others = with_pairs(v, pair + 1, v->n, others);
    }
    const Judgement j = gradcheck_judge(v, i, others, local);
    return gradcheck_edge_report(v, i, local, &j);
}
