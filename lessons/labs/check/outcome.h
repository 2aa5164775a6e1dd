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
    Verdict verdict;    /* if it gave all its results */
    char reason[1500];  /* lines for a person; "" if right */
    char printed[2000]; /* what the submission printed, or the compiler, made safe to show; "" if nothing */
} Outcome;

/* What to do for one task: the worker's command, without argv, folder, exec_fd and walls. Points go in from answers,
 * and results come to outcome->got. */
void outcome_command(const Answers *answers, Command *command, Outcome *outcome);

/* Judge what came of that command. */
void outcome_judge(const Answers *answers, const Command *command, const Ended *ended, Outcome *outcome);

/* Put what a program printed into outcome->printed: without control characters, each line behind a bar. */
void outcome_quote(Outcome *outcome, const Ended *ended);

/* How a program that is not meant to stop was stopped, in words: "it crashed: ...". limits: those that it ran under. */
void outcome_stopped(const Ended *ended, const Command *limits, char *words, size_t size);

/* Print the block of one task, worth that many points. The function stands in that file and line; 0: it does not. */
void outcome_print(const Outcome *outcome, double points, const char *file, int line, FILE *out);

/* Print a failure as GitHub's workflows show it beside the source: ::error file=lab3.c,line=31,title=3.2 mul_backward::
 * and the message, in which the ends of lines are escaped. */
void outcome_print_github(const Task *task, const char *file, int line, const char *message, FILE *out);

#endif
