/* judge.h - are these numbers right, and if not, why not? */
#ifndef LAB_JUDGE_H
#define LAB_JUDGE_H

#include "answers.h"

/* Two right programs differ by rounding. The longest sum of any task has 2·12 terms of sizes up to 1010 (the logits of
 * lab 6); 64 roundings of 2⁻⁵³ · 1010 are 7.2e-12. */
#define TOLERANCE 1e-11

enum { MOONS_ASKED = FRESH_MOONS * 95 / 100 }; /* task 8.1: points to be told apart */

typedef struct Verdict {
    bool right;
    int point, index;   /* the first number that is wrong; index −1 where the result as a whole is */
    char why[WHY_SIZE]; /* "" where no known mistake gives these numbers */
    double off;         /* the largest |got − want| / max(1, |want|) */
} Verdict;

/* Judge what came out at all points. */
Verdict judge(const Answers *answers, const double got[POINTS][MOST_OUT]);

/* Whether two results are the same: NaN is NaN, infinities are equal by ==, and others to TOLERANCE · max(1, |want|).
 */
bool judge_same(double got, double want);

/* Whether a task has many right results, so that there are no numbers to want. */
bool judge_by_property(const Task *task);

#endif
