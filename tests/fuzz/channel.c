/* channel.c - a fuzz target: all that a student's program can send to the grader, which is numbers, or bytes that are
 * none, on one pipe, text on another, and how it ended. Points are for right numbers alone, and whatever it printed,
 * the grader prints no other line than its own, and writes results that are JSON. */
#define _POSIX_C_SOURCE 200809L /* reader.h asks for popen */
#include "any_answer.h"
#include "draw.h"
#include "json_check.h"
#include "reader.h"
#include "results.h"

/* No character that steers a terminal, and every line begins as one of ours does. */
static void check_printed(const char *text)
{
    fuzz_require_safe(text, strlen(text));
    for (size_t i = 0; text[i] != '\0'; i++)
        fuzz_require((i > 0 && text[i - 1] != '\n') || strncmp(text + i, "| ", 2) == 0, "each line is behind a bar");
}

static bool is_close(const Answers *answers, const Outcome *outcome, size_t per_point)
{
    double size = 1e6;
    for (size_t k = 0; k < POINTS; k++)
        for (size_t i = 0; i < per_point; i++)
            size = fmax(size, fabs(answers->want[k][i]));
    for (size_t k = 0; k < POINTS; k++)
        for (size_t i = 0; i < per_point; i++)
            if (!(fabs(outcome->got[k][i] - answers->want[k][i]) <= 1e-12 * size))
                return false;
    return true;
}

/* The line for GitHub, and the picture: what a reader of lines and tags would take for a command must not be in them.
 */
static void check_printers(const Answers *answers, const Outcome *outcome)
{
    char *text = NULL;
    size_t bytes;
    FILE *out = open_memstream(&text, &bytes);
    outcome_print_github(outcome->task, "lab1.c", 1, outcome->reason, out);
    fflush(out);
    fuzz_require(strncmp(text, "::error file=", 13) == 0 && strcspn(text, "\r\n") == bytes - 1, "it is one line");
    outcome_print(outcome, 1, "lab1.c", 1, out);
    (draw_is_graph(outcome->task) ? draw_graph : draw_page)(answers, outcome, out);
    fclose(out);
    free(text);
}

static void check_results(const Outcome *outcome, bool right)
{
    static Results results;
    static Walls walls;
    Error error;
    results = (Results){.walls = &walls, .count = 1, .graded[0] = {.outcome = *outcome, .file = "lab1.c"}};
    results.graded[0].score = right;
    fuzz_require(results_write(&results, reader_path(1), &error), "results can be written");
    char *text = reader_text(reader_path(1));
    fuzz_require(json_is_valid(text), "results are JSON");
    fuzz_require((strstr(text, "\"status\": \"passed\"") != NULL) == right, "only what is right is passed");
    memory_free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = {data, size};
    const size_t task = fuzz_below(&in, (size_t)task_count);
    const Answers *answers = answers_of(task);
    const size_t per_point = (size_t)layout_count(tasks[task].out);
    static Outcome outcome;
    Command command;
    outcome_command(answers, &command, &outcome);
    any_results(&in, answers, command.out, per_point);
    const Ended ended = any_end(&in, command.out_bytes);
    if (ended.answered < command.out_bytes)
        memset((char *)command.out + ended.answered, 0, command.out_bytes - ended.answered);
    outcome_judge(answers, &command, &ended, &outcome);
    check_printed(outcome.printed);
    const bool right = outcome.ending == RIGHT;
    fuzz_require(!right || ended.answered == command.out_bytes, "who is right has sent all the numbers");
    fuzz_require(!right || !answers->has_want || is_close(answers, &outcome, per_point),
                 "who is right has sent the right numbers");
    check_printers(answers, &outcome);
    check_results(&outcome, right);
    return 0;
}
