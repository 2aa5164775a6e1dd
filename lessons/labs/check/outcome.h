/* outcome.h - from what a worker did to points and words: the same for a student's check and for the grader. */
#ifndef LAB_OUTCOME_H
#define LAB_OUTCOME_H

#include "answers.h"
#include "judge.h"
#include "run.h"

typedef enum Ending { NOT_WRITTEN, RIGHT, WRONG, STOPPED } Ending;

typedef struct Outcome {
    const Task *task;
    Ending ending;
    int point; /* at which it was wrong or stopped */
    double got[POINTS][MOST_OUT];
    Verdict verdict;   /* if it gave all its results */
    char reason[3000]; /* lines for a person; "" if right. What the submission printed stands at the end. */
} Outcome;

/* What to do for one task: the worker's command, without argv, folder, exec_fd and walls. Points go in from answers,
 * and results come to outcome->got. */
void outcome_command(const Answers *answers, Command *command, Outcome *outcome);

/* Judge what came of it. */
void outcome_judge(const Answers *answers, const Ended *ended, Outcome *outcome);

#endif
