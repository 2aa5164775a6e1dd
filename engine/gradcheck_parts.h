/* gradcheck_parts.h - the parts of gradcheck.c: the judge of an edge, the whole function as a witness, and the report.
 * Not in stepgrad.h: a program uses gradcheck.h, which says how they work. */
#ifndef STEPGRAD_GRADCHECK_PARTS_H
#define STEPGRAD_GRADCHECK_PARTS_H

#include "gradcheck.h"

static const double ULPS = 8 * 0x1p-53; /* what one op may round off, relative to its numbers */

/* A derivative by differences, and by how much it may be off. */
typedef struct Slope {
    double step;
    double value;
    double truncation; /* INFINITY: no nudge by `step` is possible */
    double rounding;
} Slope;

static inline double tolerance_of(const Slope *s) { return s->truncation + s->rounding; }

/* ---- one edge: gradcheck_edge.c ---------------------------------------------------------------------------------- */

/* What there is to say of an edge. */
typedef struct Judgement {
    GradVerdict verdict;
    double doubt; /* how much of the local derivative may be rounding */
    Slope slope;  /* by differences; if it could be checked */
} Judgement;

/* The number of the element or pair that parent i of a list op belongs to; v->n for the bias. */
static inline size_t gradcheck_pair(const Value *v, size_t i)
{
    return value_role(v, i) == VALUE_IN_B ? i - v->n - v->has_bias : i;
}

/* In a list op, others[i]: what all pairs but the i-th give together; NAN where there are none. From the back, and then
 * from the front: 3n steps. */
void gradcheck_others(const Value *v, double *others);

/* Is `local` the derivative ∂v/∂parent(i)? `others` is what the value needs besides parent i and its partner: of a list
 * op, what the other pairs give together; NAN where there are none. */
Judgement gradcheck_judge(const Value *v, size_t i, double others, double local);

GradCheckEdge gradcheck_edge_report(const Value *v, size_t i, double local, const Judgement *j);

/* ---- a check under way: gradcheck.c ------------------------------------------------------------------------------ */

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

/* ---- the whole function: gradcheck_whole.c ----------------------------------------------------------------------- */

/* The first node that does not fit its parents' data (`again` is what would), or NULL. */
const Value *gradcheck_find_out_of_date(const Check *check, double *again);

typedef enum Testimony { SAYS_NOTHING, AGREES, DISAGREES } Testimony;

/* What nudging the param says of the gradient `got`, known up to `doubt`; *s is the slope that says so. */
Testimony gradcheck_ask_witness(Check *check, const Value *param, double got, double doubt, Slope *s);

/* ---- the report: gradcheck_report.c ------------------------------------------------------------------------------ */

/* Add a param's result. */
void gradcheck_count(GradCheck *report, const GradCheckParam *result);

/* Explain why the check failed, if it did; true if it did not. */
bool gradcheck_conclude(const GradCheck *report, Error *error, Where where);

#endif
