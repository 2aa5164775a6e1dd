/* judge.h - are these numbers right, and if not, why not? */
#ifndef LAB_JUDGE_H
#define LAB_JUDGE_H

#include "answers.h"

/* Two right programs differ by rounding. A number may be off by TOLERANCE times the largest number that goes in or
 * should come out at its point (what goes in, up to 1e6), or 1 if all are smaller: room for 900 roundings of 2⁻⁵³. No
 * task has more than a tenth of that in one result. A derivative measured by a nudge, in double, is never so exact. */
#define TOLERANCE 1e-13

enum { MOONS_ASKED = FRESH_MOONS * 95 / 100 }; /* task 8.1: points to be classified correctly */

typedef struct Verdict {
    bool right;
    int point, index;     /* the first number that is wrong; index −1 where the result as a whole is */
    bool wrong[MOST_OUT]; /* which of the numbers at that point are */
    char why[WHY_SIZE];   /* "" where no known mistake gives these numbers */
    double off;           /* by how much a number is off, relative as in TOLERANCE: the most of all that are right */
} Verdict;

/* Judge what came out at all points. */
Verdict judge(const Answers *answers, const double got[POINTS][MOST_OUT]);

/* Whether a task has many right results, so that there are no numbers to want. */
bool judge_by_property(const Task *task);

#endif
