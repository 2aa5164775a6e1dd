/* gradcheck.h - are the gradients right? Each is compared with what nudging the param does to the root.
 *
 *     GradCheck report;
 *     bool right = gradcheck(loss, &report, &error);       // false: error.message says what is wrong, and where
 *     gradcheck_print(&report, stdout);
 *
 * For a param x the graph is evaluated again at x ± h and x ± 2h, in separate memory (no node changes), and
 *
 *     want = (f(x − 2h) − 8·f(x − h) + 8·f(x + h) − f(x + 2h)) / 12h,    h = 1e-5·max(1, |x|)
 *
 * which is off by h⁴·f⁽⁵⁾/30. The gradient is right if |got − want| ≤ 1e-8·max(1, |f|, |want|). Where it is not, or a
 * kink is near, h/10, h/100, ... are tried too, as far as rounding allows: a steep function may need them.
 *
 * A kink is where relu, abs, max or min changes sides: a difference across it is no derivative. A param that cannot be
 * nudged without crossing one, or without f turning NaN or infinite (log near 0), is reported and not counted as wrong.
 *
 * Cost: 4 evaluations per param, each of the nodes that the param leads to; 12 (more on a steep slope) if the smaller
 * steps are needed.
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
    GRAD_NOT_FINITE /* not checked: f is NaN or infinite close to the point */
} GradVerdict;

/* One param's check. Names are copies, so a report outlives its graph. */
typedef struct GradCheckParam {
    char name[VALUE_NAME_SIZE];
    GradVerdict verdict;
    double point; /* the param's data */
    double got;   /* its gradient */
    double want;  /* by differences; this and the next two only if it was checked */
    double error; /* |got − want| */
    double tolerance;
    double step;                     /* the h that these are of */
    OpCode kink_op;                  /* at a kink: of which node; else OP_CONST */
    char kink_name[VALUE_NAME_SIZE]; /* ... and its name */
} GradCheckParam;

typedef struct GradCheck {
    size_t params; /* that the root depends on */
    size_t right;
    size_t wrong;
    size_t at_kink;
    size_t not_finite;
    size_t nonzero;                  /* of those right or wrong, how many have a nonzero slope */
    GradCheckParam worst;            /* the largest error relative to its tolerance; if right + wrong > 0 */
    GradCheckParam first_at_kink;    /* if at_kink > 0 */
    GradCheckParam first_not_finite; /* if not_finite > 0 */
} GradCheck;

/* Check the gradients that a reverse walk from root gives to its params; the gradients already stored in them are not
 * changed. True if some could be checked and all of these are right; otherwise false, and the Error says which param is
 * wrong, that none could be checked, that root itself is not finite, or that there was no memory. It is a usage error
 * if root depends on no param, or is out of date: leaves were changed since it was built. */
#define gradcheck(root, report, error) gradcheck_at(root, 0, false, report, error, HERE)

/* The same for only `most` params (0: all), spread evenly over their creation order: for a large model. */
#define gradcheck_some(root, most, report, error) gradcheck_at(root, most, false, report, error, HERE)

/* The same for the gradients stored in the params, wherever they came from: after zeroing and backward(root), say, or
 * to test a backward pass of your own. */
#define gradcheck_stored(root, most, report, error) gradcheck_at(root, most, true, report, error, HERE)

bool gradcheck_at(Value *root, size_t most, bool stored, GradCheck *report, Error *error, Where where);

/* The report as a few lines for people. */
void gradcheck_print(const GradCheck *report, FILE *out);

#endif
