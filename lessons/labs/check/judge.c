#include "judge.h"

#include <stdio.h>
#include <string.h>

/* ---- many right results: judged by what they must be ------------------------------------------------------------- */

/* What is wrong with out = count, order[NODES], misplaced for the graph in `in`; NULL: nothing. */
static const char *order_fault(const double *in, const double *out)
{
    bool needed[NODES] = {false};
    int position[NODES], needed_count = 0;
    needed[(int)in[6 * NODES]] = true;
    for (int round = 0; round < NODES; round++) /* as many as the longest path has nodes */
        for (int v = 0; v < NODES; v++)
            for (int k = 2; k < 4; k++)
                if (needed[v] && in[6 * v + k] >= 0)
                    needed[(int)in[6 * v + k]] = true;
    for (int v = 0; v < NODES; v++) {
        needed_count += needed[v];
        position[v] = -1;
    }
    if (out[0] == 0)
        return "it returns 0, no nodes: root itself is one";
    if (!(out[0] > 0 && out[0] <= 4 * NODES))
        return "the count that it returns is no number of nodes";
    for (int i = 0; i < out[0] && i < NODES; i++) {
        const double v = out[1 + i];
        if (!(v >= 0 && v < NODES) || v != floor(v))
            return "order holds something that is no node of the graph";
        if (position[(int)v] >= 0)
            return "a node stands in the order twice: a node with two children is met twice, and must be taken once";
        if (!needed[(int)v])
            return "order holds a node that root does not depend on";
        position[(int)v] = i;
    }
    for (int v = 0; v < NODES; v++)
        for (int k = 2; k < 4; k++)
            if (position[v] >= 0 && in[6 * v + k] >= 0 && position[(int)in[6 * v + k]] > position[v])
                return "a node stands before one of its parents";
    if (position[(int)in[6 * NODES]] < 0)
        return "root itself is missing: it comes last; or the number returned is one too small";
    if (out[0] < needed_count)
        return "a node that root depends on is missing: are both parents followed where there are two?";
    if (out[0] > needed_count)
        return "it returns more nodes than there are";
    return out[1 + NODES] == 0 ? NULL : "the order of a chain of 100,000 nodes is wrong";
}

static bool judge_order(const Answers *answers, const double got[POINTS][MOST_OUT], Verdict *verdict)
{
    for (int k = 0; k < POINTS; k++) {
        const char *fault = order_fault(answers->in[k], got[k]);
        if (fault == NULL)
            continue;
        verdict->point = k;
        snprintf(verdict->why, WHY_SIZE, "%s", fault);
        return false;
    }
    return true;
}

/* How far the scores lie on the right side of 0, all in all. */
static double moons_margin(const double *weights, const double *fresh)
{
    double margin = 0;
    for (int i = 0; i < FRESH_MOONS; i++, fresh += 3)
        margin += fresh[2] > 0 ? moons_score(weights, fresh) : -moons_score(weights, fresh);
    return margin;
}

/* What a network that tells too few of the fresh points apart may have been through. */
static const char *moons_fault(const double *weights_before, const double *weights, const double *fresh, int right)
{
    for (int i = 0; i < WEIGHTS; i++)
        if (!isfinite(weights[i]))
            return "a weight is not finite: is the learning rate too large, or the loss computed by log of 0?";
    bool changed = false;
    for (int i = 0; i < WEIGHTS; i++)
        changed |= weights[i] != weights_before[i];
    if (!changed)
        return "the weights are as they were";
    if (moons_margin(weights, fresh) < moons_margin(weights_before, fresh))
        return "the scores went the wrong way: uphill, the classes turned round, or a learning rate too large?";
    for (int i = 0; i < WEIGHTS; i++)
        if (fabs(weights[i]) > 100)
            return "a weight is above 100: is the learning rate too large, or the gradient a sum and not the mean?";
    if (right > FRESH_MOONS * 4 / 5)
        return "near what a straight line does: does the hidden layer learn, long enough, in steps that are not too "
               "large?";
    return "less than a straight line does: too few steps, too large ones, or a gradient that is wrong in places?";
}

static bool judge_moons(const Answers *answers, const double got[POINTS][MOST_OUT], Verdict *verdict)
{
    for (int k = 0; k < POINTS; k++) {
        const double *weights_before = answers->in[k] + 3 * MOONS, *fresh = weights_before + WEIGHTS;
        const int right = moons_right(got[k], fresh);
        if (right >= MOONS_ASKED)
            continue;
        verdict->point = k;
        const char *fault = moons_fault(weights_before, got[k], fresh, right);
        snprintf(verdict->why, WHY_SIZE,
                 "%d of %d points that it had not seen are classified correctly, %d are required; %s", right,
                 FRESH_MOONS, MOONS_ASKED, fault);
        return false;
    }
    return true;
}

static const struct Property {
    const char *function;
    bool (*judge)(const Answers *answers, const double got[POINTS][MOST_OUT], Verdict *verdict);
} properties[] = {{"topological_order", judge_order}, {"train_moons", judge_moons}};

static const struct Property *property_of(const Task *task)
{
    for (size_t i = 0; i < sizeof properties / sizeof properties[0]; i++)
        if (strcmp(properties[i].function, task->function) == 0)
            return &properties[i];
    return NULL;
}

bool judge_by_property(const Task *task) { return property_of(task) != NULL; }

/* ---- one right result: compared number by number ----------------------------------------------------------------- */

/* The largest number that goes in or should come out at a point; at least 1. Beyond 1e6 what goes in tells nothing of
 * what is lost: a slope of 0.7 at 1e200 is as exact as any. */
static double size_of(const Answers *answers, int point)
{
    const int in_count = layout_count(answers->task->in), out_count = layout_count(answers->task->out);
    double size = 1;
    for (int i = 0; i < in_count; i++)
        if (fabs(answers->in[point][i]) <= 1e6)
            size = fmax(size, fabs(answers->in[point][i]));
    for (int i = 0; i < out_count; i++)
        size = fmax(size, fabs(answers->want[point][i]));
    return size;
}

/* By how much `got` is off, relative to `size`. NaN is NaN, and infinities are equal by ==. */
static double off_by(double got, double want, double size)
{
    if (got == want || (isnan(got) && isnan(want)))
        return 0;
    return isfinite(got) && isfinite(want) ? fabs(got - want) / size : INFINITY;
}

static bool is_mistake(const Answers *answers, const Mistake *mistake, const double got[POINTS][MOST_OUT])
{
    const int count = layout_count(answers->task->out);
    for (int k = 0; k < POINTS; k++)
        for (int i = 0; i < count; i++)
            if (off_by(got[k][i], mistake->out[k][i], fmax(size_of(answers, k), fabs(mistake->out[k][i]))) > TOLERANCE)
                return false;
    return true;
}

/* The words of the known mistake that gives these numbers, or "". */
static const char *why_of(const Answers *answers, const double got[POINTS][MOST_OUT])
{
    for (int i = 0; i < answers->mistake_count; i++)
        if (is_mistake(answers, &answers->mistakes[i], got))
            return answers->mistakes[i].why;
    return "";
}

static bool judge_numbers(const Answers *answers, const double got[POINTS][MOST_OUT], Verdict *verdict)
{
    const int count = layout_count(answers->task->out);
    for (int k = 0; k < POINTS; k++) {
        const double size = size_of(answers, k);
        for (int i = count - 1; i >= 0; i--) { /* so that the first one that is wrong stays */
            const double off = off_by(got[k][i], answers->want[k][i], size);
            verdict->wrong[i] = off > TOLERANCE;
            if (verdict->wrong[i])
                verdict->index = i;
            else
                verdict->off = fmax(verdict->off, off);
        }
        if (verdict->index >= 0) {
            verdict->point = k;
            snprintf(verdict->why, WHY_SIZE, "%s", why_of(answers, got));
            return false;
        }
    }
    return true;
}

Verdict judge(const Answers *answers, const double got[POINTS][MOST_OUT])
{
    Verdict verdict = {.index = -1};
    const struct Property *property = property_of(answers->task);
    verdict.right = property != NULL ? property->judge(answers, got, &verdict) : judge_numbers(answers, got, &verdict);
    return verdict;
}
