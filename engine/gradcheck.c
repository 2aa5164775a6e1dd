/* gradcheck.c - nudge each op at its operands, apply the chain rule to what that confirms, and nudge the whole besides.
 */
#include "gradcheck.h"

#include <float.h>
#include <math.h>

#include "graph.h"
#include "jacobian.h"
#include "memory.h"
#include "number.h"
#include "order.h"

static const double ULPS =
    8 * DBL_EPSILON / 2;                /* what one op may round off, relative to its numbers: 8 units of 2⁻⁵³ */
static const double FINE = 0x1p-30;     /* an edge is known well enough when its tolerance is that small */
static const double OUT_OF_DATE = 1e-6; /* far above rounding, which may differ where a layer computes in bulk */

/* ---- an edge: one op, nudged at one operand ---------------------------------------------------------------------- */

/* Operand x of a node, and all that the node's value needs besides x. */
typedef struct Edge {
    const Value *node;
    ValueRole role;
    double x;
    double partner; /* the data of the operand that x is paired with */
    double others;  /* in a list op, what the other elements or pairs give together; NAN: there are none */
    double y;       /* the value at x */
    double to_kink; /* how far x is from the op's kink; INFINITY: it has none */
} Edge;

/* A derivative by differences, and by how much it may be off. */
typedef struct Slope {
    double step;
    double value;
    double truncation; /* INFINITY: no nudge by `step` is possible */
    double rounding;
} Slope;

/* A list op of n pairs is the op of two: one pair, and what the others give. So a nudge costs 1 and not n. */
static double with_others(const OpInfo *op, double a, double b, double others)
{
    const double as[] = {a, others}, bs[] = {b, 1};
    return op->list_forward(isnan(others) ? 1 : 2, as, bs, 1);
}

/* The data of the pair i of a list op, added to what others give. */
static double with_pair(const Value *v, size_t i, double others)
{
    const Value *b = value_partner(v, i);
    return with_others(&op_table[v->op], value_parent(v, i)->data, b != NULL ? b->data : 1, others);
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
    const Value *partner = value_partner(v, i);
    Edge e = {.node = v, .role = value_role(v, i), .x = value_parent(v, i)->data, .others = others};
    e.partner = partner != NULL ? partner->data : op_table[v->op].list_forward != NULL ? 1 : 0;
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

static double tolerance_of(const Slope *s) { return s->truncation + s->rounding; }

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

/* As the table has it: value_local_formula has none where the number is another, as a wrong one is. */
static const char *formula_in_table(const Edge *e)
{
    const OpInfo *op = &op_table[e->node->op];
    return e->role == VALUE_BIAS ? "1" : e->role == VALUE_IN_A ? op->da_text : op->db_text;
}

static GradCheckEdge edge_report(const Edge *e, size_t i, double local, GradVerdict verdict, const Slope *slope)
{
    GradCheckEdge report = {.op = e->node->op,
                            .formula = formula_in_table(e),
                            .verdict = verdict,
                            .point = e->x,
                            .local = local,
                            .want = slope->value,
                            .tolerance = tolerance_of(slope),
                            .step = slope->step};
    value_name(e->node, report.node);
    value_name(value_parent(e->node, i), report.parent);
    return report;
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
        const size_t pair = value_role(v, i) == VALUE_IN_B ? i - v->n - v->has_bias : i; /* v->n: the bias */
        others = with_pairs(v, 0, pair, NAN);
        others = with_pairs(v, pair + 1, v->n, others);
    }
    const Edge e = edge_of(v, i, others);
    Slope slope;
    const GradVerdict verdict = judge_edge(&e, local, doubt_of(v, i, local), &slope);
    return edge_report(&e, i, local, verdict, &slope);
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

/* What the chain rule gives for a node. */
typedef struct Adjoint {
    double grad;             /* ∂root/∂node, the sum of a product per use */
    double size;             /* the sum of their sizes */
    double rounding;         /* by how much grad may be off */
    double noise;            /* how much of root may be what this node rounded off */
    const Value *blocked_by; /* NULL, or a node behind it with an edge that nothing can judge ... */
    GradVerdict why;         /* ... for this reason */
} Adjoint;

/* A check under way. The last three lists have an item per node of the graph, by value_number. */
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
    Adjoint *adjoint;
    double *nudged; /* data, with one param nudged */
    bool *moves;    /* is this node the param, or affected? */
} Check;

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
    const Edge e = edge_of(v, i, others);
    const double doubt = doubt_of(v, i, local);
    Slope slope;
    const GradVerdict verdict = judge_edge(&e, local, doubt, &slope);
    report->edges++;
    if (verdict == GRAD_WRONG && report->wrong_edges++ == 0)
        report->first_wrong_edge = edge_report(&e, i, local, verdict, &slope);
    if (verdict == GRAD_WRONG)
        add_product(parent, child, slope.value, tolerance_of(&slope));
    else
        add_product(parent, child, local, doubt);
    if ((verdict == GRAD_AT_KINK || verdict == GRAD_NOT_FINITE) && parent->blocked_by == NULL) {
        parent->blocked_by = v;
        parent->why = verdict;
    }
}

/* others[i]: what all pairs of v but the i-th give together. From the back, and then from the front: 3n steps. */
static void find_others(const Value *v, double *others)
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

/* Push v's adjoint, which is complete, to its parents, and note how much of root may be v's rounding. */
static void push_edges(Check *check, const Value *v, GradCheck *report)
{
    Adjoint *adjoint = &check->adjoint[value_number(v)];
    const bool is_list = op_table[v->op].list_forward != NULL;
    double size = fabs(v->data);
    if (!v->needs_grad || (adjoint->grad == 0 && adjoint->blocked_by == NULL))
        return; /* it carries nothing, as in the reverse walk */
    if (is_list)
        find_others(v, check->operands);
    for (size_t i = 0; i < value_parent_count(v); i++) {
        const Value *parent = value_parent(v, i);
        const double local = value_local_derivative(v, i);
        const ValueRole role = value_role(v, i);
        const size_t pair = role == VALUE_IN_B && is_list ? i - v->n - v->has_bias : i;
        size += local != 0 ? fabs(local * parent->data) : 0;
        if (!parent->needs_grad)
            continue;
        const double others = !is_list ? NAN : role == VALUE_BIAS ? v->data - parent->data : check->operands[pair];
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

/* ---- evaluating a graph again ------------------------------------------------------------------------------------ */

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

/* The first node that does not fit its parents' data (`again` is what would), or NULL. */
static const Value *find_out_of_date(const Check *check, double *again)
{
    for (size_t i = 0; i < check->count; i++)
        if (check->order[i]->op > OP_CONST && is_out_of_date(check, check->order[i], again))
            return check->order[i];
    return NULL;
}

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

typedef enum Testimony { SAYS_NOTHING, AGREES, DISAGREES } Testimony;

static bool slopes_agree(const Slope *s, const Slope *t)
{
    return fabs(s->value - t->value) <= tolerance_of(s) + tolerance_of(t);
}

/* What nudging the param says of the gradient `got`, known up to `doubt`. Steps go from large to small, for as long as
 * rounding leaves them a meaning: a step too large for the function is contradicted by a smaller one. */
static Testimony ask_witness(Check *check, const Value *param, double got, double doubt, Slope *s)
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
    const Testimony testimony = ask_witness(check, param, got, doubt, &slope);
    result.step = testimony != SAYS_NOTHING ? slope.step : 0;
    if (testimony == DISAGREES || (testimony == AGREES && result.verdict != GRAD_RIGHT)) {
        result.verdict = testimony == AGREES ? GRAD_RIGHT : GRAD_WRONG;
        result.want = slope.value;
        result.error = fabs(got - slope.value);
        result.tolerance = tolerance_of(&slope) + doubt + DBL_TRUE_MIN;
    }
    return result;
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
    const Value *out_of_date = find_out_of_date(check, &again);
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
