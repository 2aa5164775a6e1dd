/* gradcheck.h - are the gradients right? Nudge each op at its operands, then the whole function at its params.
 *
 *     GradCheck report;
 *     bool right = gradcheck(loss, &report, &error);       // false: error.message says what is wrong, and where
 *     gradcheck_print(&report, stdout);
 *
 * Let u = 2⁻⁵³, the rounding of one operation. Three steps, each with a tolerance from the rounding it meets:
 *
 * 1. Each edge: is ∂y/∂x, by the op table, what nudging that one op says? Nothing has gathered rounding there.
 *
 *        D(h) = (y(x + h) − y(x − h)) / 2h,    E(h) = (4·D(h) − D(2h)) / 3,    off by some h⁴·y⁽⁵⁾
 *        tolerance = |E(h) − E(2h)|  +  8u·(|y(x + h)| + |y(x)| + |y(x − h)| + |x·D|)/h  +  8u·|∂y/∂x|
 *
 *    and what 8u·|y| in y changes in ∂y/∂x. h is 2⁻¹⁰·min(1, |x|), or smaller or larger where that tells more.
 *    In a list op the other operands are put together as one: so n edges cost some n evaluations, and not n².
 *
 * 2. The chain rule over these edges, in a walk of our own: grad(p) = Σ ∂y/∂p · grad(y) over the uses y of p. Where the
 *    op table is wrong, the differences take its place. The gradient is right if it is within
 *
 *        rounding(p) = Σ ( |∂y/∂p|·rounding(y) + doubt·|grad(y)| + 8u·(the sizes of all products so far) ),
 *
 *    doubt being how much of ∂y/∂p may be rounding, as in 1. So what is compared is relative to the gradients' size:
 *    a factor of 1 + 1e-6 shows at 1e-12 as at 1e12, and (x + 1e12) − 1e12 is no false alarm.
 *
 * 3. The whole: f at x ± h and x ± 2h, in separate memory (no node changes), as a witness independent of 1 and 2. Its
 *    slope is (4·D(h) − D(2h))/3 again; the tolerance, |D(h) − D(2h)|, what the even part of f shows of higher
 *    terms, and the rounding that all nodes on the way gather, Σ |grad·data|·8u/h. It counts only where that is
 *    within 1 % of the slope; then it can convict what 1 and 2 passed. h goes from 1e-4·max(1, |x|) down, by 10.
 *
 * A kink is where relu, abs, max or min changes sides. Where an edge on the way is at one, or NaN, infinite or next to
 * a pole (sqrt at 0), step 3 alone may decide (for max(x, x), say); else the param is reported, not counted as wrong.
 *
 * Cost: about 7 evaluations of an op per edge; then per param 4 (up to 96) of each of the nodes that it leads to.
 */
#ifndef STEPGRAD_GRADCHECK_H
#define STEPGRAD_GRADCHECK_H

#include <stdio.h>

#include "error.h"
#include "value.h"

typedef enum GradVerdict {
    GRAD_RIGHT,
    GRAD_WRONG,
    GRAD_AT_KINK,   /* not checked: a kink at the point, or closer than the smallest nudge */
    GRAD_NOT_FINITE /* not checked: an op on the way, or the root, is NaN or infinite close to the point */
} GradVerdict;

/* One edge's check: node = op(..., parent, ...). */
typedef struct GradCheckEdge {
    OpCode op;
    char node[VALUE_NAME_SIZE];
    char parent[VALUE_NAME_SIZE];
    const char *formula; /* of ∂node/∂parent in the op table */
    GradVerdict verdict;
    double point;     /* the operand */
    double local;     /* ∂node/∂parent as claimed */
    double want;      /* by differences; this and the next two only if it was checked */
    double tolerance; /* INFINITY: x is so large that the numbers beside it are too far away to tell */
    double step;      /* the h that these are of */
} GradCheckEdge;

/* One param's check. Names are copies, so a report outlives its graph. */
typedef struct GradCheckParam {
    char name[VALUE_NAME_SIZE];
    GradVerdict verdict;
    double point; /* the param's data */
    double got;   /* its gradient */
    double want;  /* by edges that differences confirm, or, where those cannot tell or nudging the param disagrees, by
                     nudging it; this and the next two only if it was checked */
    double error; /* |got − want| */
    double tolerance;
    double step;                     /* the h by which the param was nudged; 0: no such h tells anything */
    OpCode kink_op;                  /* not checked: by which node's edge; else OP_CONST */
    char kink_name[VALUE_NAME_SIZE]; /* ... and its name */
} GradCheckParam;

typedef struct GradCheck {
    size_t params; /* that the root depends on */
    size_t right;
    size_t wrong;
    size_t at_kink;
    size_t not_finite;
    size_t nonzero;                  /* of those right or wrong, how many have a nonzero slope */
    size_t edges;                    /* judged: those that carry a gradient */
    size_t wrong_edges;              /* of them, how many have a wrong local derivative */
    GradCheckParam worst;            /* the largest error relative to its tolerance; if right + wrong > 0 */
    GradCheckParam first_at_kink;    /* if at_kink > 0 */
    GradCheckParam first_not_finite; /* if not_finite > 0 */
    GradCheckEdge first_wrong_edge;  /* in the order of the reverse walk; if wrong_edges > 0 */
} GradCheck;

/* Check the gradients that a reverse walk from root gives to its params; the gradients already stored in them are not
 * changed. True if some could be checked and all of these are right; otherwise false, and the Error says which param is
 * wrong, or which local derivative, that none could be checked, that root itself is not finite, or that there was no
 * memory. It is a usage error
 * if root depends on no param, or is out of date: leaves were changed since it was built. */
#define gradcheck(root, report, error) gradcheck_at(root, 0, false, report, error, HERE)

/* The same for only `most` params (0: all), spread evenly over their creation order: for a large model. */
#define gradcheck_some(root, most, report, error) gradcheck_at(root, most, false, report, error, HERE)

/* The same for the gradients stored in the params, wherever they came from: after zeroing and backward(root), say, or
 * to test a backward pass of your own. */
#define gradcheck_stored(root, most, report, error) gradcheck_at(root, most, true, report, error, HERE)

bool gradcheck_at(Value *root, size_t most, bool stored, GradCheck *report, Error *error, Where where);

/* Is `local` the derivative ∂v/∂parent(i)? The judge of one edge, for an op of your own or a number of your own. */
#define gradcheck_edge(v, i, local) gradcheck_edge_at(v, i, local, HERE)
GradCheckEdge gradcheck_edge_at(const Value *v, size_t i, double local, Where where);

/* The report as a few lines for people. */
void gradcheck_print(const GradCheck *report, FILE *out);

#endif
