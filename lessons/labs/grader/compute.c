#include "compute.h"

#include <string.h>

#define GIVE(returns, function, parameters, id, points, goal) .function = function,
const Functions reference = {TASKS(GIVE)};

void answers_compute(Answers *answers, const Task *task, uint64_t seed)
{
    memset(answers, 0, sizeof *answers);
    answers->task = task;
    points_make(task, seed, answers->in);
    answers->has_want = !judge_by_property(task);
    answers->mistake_count = answers->has_want ? mistakes_of(task) : 0;
    for (int k = 0; k < POINTS; k++) {
        const double *in = answers->in[k];
        if (answers->has_want) {
            fill_dirty(answers->want[k]);
            task->call(&reference, in, answers->want[k]);
        }
        answers->has_nudged = nudge(task, in, answers->nudged[k]);
        for (int i = 0; i < answers->mistake_count; i++) {
            fill_dirty(answers->mistakes[i].out[k]);
            mistake_call(task, i, in, answers->mistakes[i].out[k]);
        }
    }
    for (int i = 0; i < answers->mistake_count; i++)
        snprintf(answers->mistakes[i].why, WHY_SIZE, "%s", mistake_why(task, i));
}
