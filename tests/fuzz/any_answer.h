/* any_answer.h - what a student's program may do, from the bytes of a fuzz input: numbers, text, and an end. */
#ifndef STEPGRAD_TESTS_FUZZ_ANY_ANSWER_H
#define STEPGRAD_TESTS_FUZZ_ANY_ANSWER_H

#include "compute.h"
#include "fuzz.h"
#include "run.h"

/* The answers of a task, computed once. Those of 4.3 and 8.1 are judged by properties: to them belong no right numbers.
 */
static inline Answers *answers_of(size_t task)
{
    static Answers *computed[MOST_TASKS];
    if (computed[task] == NULL) {
        computed[task] = calloc(1, sizeof *computed[task]);
        answers_compute(computed[task], &tasks[task], 1);
    }
    return computed[task];
}

/* The bytes that it sends on the pipe: numbers that are right, those of a mistake, any, or any bytes. */
static inline void any_results(FuzzInput *in, const Answers *answers, double *numbers, size_t per_point)
{
    const uint8_t mistake = fuzz_byte(in), wrong = fuzz_byte(in);
    for (size_t i = 0; i < POINTS * per_point; i++) {
        const size_t k = i / per_point, n = i % per_point;
        const bool mistaken = answers->mistake_count > 0 && mistake % 4 == 1;
        numbers[i] = mistaken ? answers->mistakes[mistake / 4 % answers->mistake_count].out[k][n] : answers->want[k][n];
    }
    for (size_t i = 0; i < wrong % 8u; i++)
        numbers[fuzz_below(in, POINTS * per_point)] = fuzz_number(in);
    for (size_t i = 0; i < wrong / 64u; i++)
        ((uint8_t *)numbers)[fuzz_below(in, POINTS * per_point * sizeof *numbers)] = fuzz_byte(in);
}

static inline Ended any_end(FuzzInput *in, size_t bytes)
{
    static const int statuses[] = {0, 0, 1 << 8, 9, 11, 6, 8, 24, 31, 7, 4, 2, 127 << 8, 64};
    const uint8_t end = fuzz_byte(in), whole = fuzz_byte(in);
    Ended ended = {.started = end % 16 != 15, .error = end, .late = end / 16 == 1, .flooded = end / 16 == 2};
    ended.status = statuses[end % (sizeof statuses / sizeof *statuses)];
    ended.answered = whole < 128 ? bytes : fuzz_below(in, bytes + 2 < 65536 ? bytes + 2 : 65536);
    ended.cpu_seconds = whole % 16;
    while (fuzz_more(in) && ended.said < SAID_MOST)
        ended.text[ended.said++] = (char)fuzz_byte(in);
    ended.said += whole % 8 == 7 ? SAID_MOST : 0;
    return ended;
}

#endif
