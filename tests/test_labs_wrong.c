/* Known mistakes of the labs: each is caught and called by its own name, and what is right passes. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "compute.h"
#include "labs_reference.h"
#include "long.h"

TestSuite(labs_wrong, .timeout = 1800);

/* Long chains and training take longer than all others together. */
static uint64_t seeds_for(const Task *task)
{
    const uint64_t seeds = strcmp(task->id, "8.1") == 0 ? 1 : judge_by_property(task) ? 5 : 50;
    return is_long() ? 20 * seeds : seeds;
}

static Answers answers;

static void call_reference(const Task *task, double out[POINTS][MOST_OUT])
{
    for (int k = 0; k < POINTS; k++) {
        fill_dirty(out[k], MOST_OUT);
        task->call(&reference, answers.in[k], out[k]);
    }
}

void labs_reference(const char *id, const double *in, double *out) { task_find(id)->call(&reference, in, out); }

/* Of the other tasks the reference is what is wanted: test_labs_drift.c and the nudge judge it. */
Test(labs_wrong, what_is_judged_by_a_property_has_a_right_reference)
{
    static double out[POINTS][MOST_OUT];
    for (int t = 0; t < task_count; t++)
        for (uint64_t seed = 1; judge_by_property(&tasks[t]) && seed <= seeds_for(&tasks[t]); seed++) {
            answers_compute(&answers, &tasks[t], seed);
            call_reference(&tasks[t], out);
            const Verdict verdict = judge(&answers, (const double(*)[MOST_OUT])out);
            cr_assert(verdict.right, "%s, seed %d: %s", tasks[t].id, (int)seed, verdict.why);
        }
}

/* So a mistake's numbers are not the right ones, and no others of the task give the same. */
Test(labs_wrong, each_mistake_is_caught_and_called_by_its_own_name)
{
    for (int t = 0; t < task_count; t++)
        for (uint64_t seed = 1; seed <= seeds_for(&tasks[t]); seed++) {
            answers_compute(&answers, &tasks[t], seed);
            for (int m = 0; m < answers.mistake_count; m++) {
                const Mistake *mistake = &answers.mistakes[m];
                const Verdict verdict = judge(&answers, mistake->out);
                cr_expect(!verdict.right, "%s, seed %d: passes: %s", tasks[t].id, (int)seed, mistake->why);
                cr_expect_str_eq(verdict.why, mistake->why, "%s, seed %d: %s\nis called: %s", tasks[t].id, (int)seed,
                                 mistake->why, verdict.why);
            }
        }
}

/* Characters, not bytes. */
static int length_of(const char *text)
{
    int length = 0;
    for (; *text != '\0'; text++)
        length += ((unsigned char)*text & 0xc0) != 0x80;
    return length;
}

Test(labs_wrong, sentences_fit_a_line_and_are_many)
{
    int all = 0;
    for (int t = 0; t < task_count; t++) {
        const int count = mistakes_of(&tasks[t]);
        cr_expect(count <= MOST_MISTAKES, "%s has %d", tasks[t].id, count);
        cr_expect(count >= 5 || judge_by_property(&tasks[t]), "%s has %d only", tasks[t].id, count);
        for (int i = 0; i < count; i++) {
            const char *why = mistake_why(&tasks[t], i);
            cr_expect(length_of(why) <= 120 && strlen(why) < WHY_SIZE, "%s: too long: %s", tasks[t].id, why);
            cr_expect(strchr(why, '\n') == NULL, "%s: more than one line: %s", tasks[t].id, why);
            for (int j = 0; j < i; j++)
                cr_expect_str_neq(why, mistake_why(&tasks[t], j), "%s: twice: %s", tasks[t].id, why);
        }
        all += count;
    }
    cr_expect(all >= 250, "%d known mistakes", all);
}

/* What is right for one seed is wrong for the next: nobody wins a point by numbers that were written down. */
Test(labs_wrong, no_constant_answer_is_right)
{
    static double out[POINTS][MOST_OUT];
    for (int t = 0; t < task_count; t++)
        for (uint64_t seed = 1; seed <= seeds_for(&tasks[t]); seed++) {
            answers_compute(&answers, &tasks[t], seed);
            call_reference(&tasks[t], out);
            answers_compute(&answers, &tasks[t], seed + 1);
            cr_expect(!judge(&answers, (const double(*)[MOST_OUT])out).right,
                      "%s: what is right for seed %d is so for seed %d", tasks[t].id, (int)seed, (int)seed + 1);
        }
}

/* A central difference with step h = 1e-5 is off by h²/6 = 1.7e-11 times the third derivative, which is at most 417
 * times the first: for p/q with q = 0.3 that moves at 2.5, 6·(2.5/0.3)². That makes 7e-9 of what is wanted. Rounding
 * adds 2⁻⁵³ of the largest number over h: 1e-8 for logits of 1000. */
#define NUDGE_BOUND 1e-7

Test(labs_wrong, the_reference_agrees_with_the_nudge)
{
    for (int t = 0; t < task_count; t++)
        for (uint64_t seed = 1; seed <= seeds_for(&tasks[t]); seed++) {
            answers_compute(&answers, &tasks[t], seed);
            int compared = 0;
            for (int k = 0; answers.has_nudged && k < POINTS; k++)
                for (int i = 0; i < layout_count(tasks[t].out); i++) {
                    const double want = answers.want[k][i], nudged = answers.nudged[k][i];
                    cr_expect(isnan(nudged) || fabs(nudged - want) <= NUDGE_BOUND * fmax(1, fabs(want)),
                              "%s, seed %d, point %d, number %d: %.17g, nudged %.17g", tasks[t].id, (int)seed, k, i,
                              want, nudged);
                    compared += !isnan(nudged);
                }
            cr_expect(!answers.has_nudged || compared >= POINTS - 1, "%s: only %d were nudged", tasks[t].id, compared);
        }
}
