#include "answers.h"

#include <stdlib.h>
#include <string.h>

/* ---- write ------------------------------------------------------------------------------------------------------- */

/* In as few digits as make strtod give it back. */
static void put_number(FILE *out, double x)
{
    char text[40];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, x);
        if (strtod(text, NULL) == x)
            break;
    }
    fprintf(out, " %s", text);
}

static void put_line(FILE *out, const char *word, const double *numbers, int count)
{
    fputs(word, out);
    for (int i = 0; i < count; i++)
        put_number(out, numbers[i]);
    fputc('\n', out);
}

bool answers_write(const Answers *answers, FILE *out)
{
    const Task *task = answers->task;
    const int in_count = layout_count(task->in) + layout_count(task->secret), out_count = layout_count(task->out);
    for (int k = 0; k < POINTS; k++) {
        put_line(out, "point", answers->in[k], in_count);
        if (answers->has_want)
            put_line(out, "want", answers->want[k], out_count);
        if (answers->has_nudged)
            put_line(out, "nudged", answers->nudged[k], out_count);
    }
    for (int i = 0; i < answers->mistake_count; i++) {
        fprintf(out, "mistake %s\n", answers->mistakes[i].why);
        for (int k = 0; k < POINTS; k++)
            put_line(out, "got", answers->mistakes[i].out[k], out_count);
    }
    return ferror(out) == 0;
}

/* ---- read -------------------------------------------------------------------------------------------------------- */

enum { LINE_SIZE = 32 * MOST_IN };

/* `count` numbers, and nothing behind them. */
static bool get_numbers(const char *text, double *numbers, int count)
{
    for (int i = 0; i < count; i++) {
        char *end;
        numbers[i] = strtod(text, &end);
        if (end == text)
            return false;
        text = end;
    }
    return *text == '\0';
}

/* What stands behind `word` at the beginning of the line, or NULL. */
static const char *after(const char *line, const char *word)
{
    const size_t length = strlen(word);
    return strncmp(line, word, length) == 0 && line[length] == ' ' ? line + length + 1 : NULL;
}

bool answers_read(Answers *answers, const Task *task, FILE *in, const char **why)
{
    static char line[LINE_SIZE];
    const int in_count = layout_count(task->in) + layout_count(task->secret), out_count = layout_count(task->out);
    int point = 0, got = POINTS; /* of the last mistake */
    memset(answers, 0, sizeof *answers);
    answers->task = task;
    *why = "a line of it is damaged";
    while (fgets(line, sizeof line, in) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        const char *rest;
        bool fits = true;
        if ((rest = after(line, "point")) != NULL) {
            fits = point < POINTS && get_numbers(rest, answers->in[point++], in_count);
        } else if ((rest = after(line, "want")) != NULL) {
            fits = point > 0 && get_numbers(rest, answers->want[point - 1], out_count);
            answers->has_want = true;
        } else if ((rest = after(line, "nudged")) != NULL) {
            fits = point > 0 && get_numbers(rest, answers->nudged[point - 1], out_count);
            answers->has_nudged = true;
        } else if ((rest = after(line, "mistake")) != NULL) {
            fits = got == POINTS && answers->mistake_count < MOST_MISTAKES;
            if (fits)
                snprintf(answers->mistakes[answers->mistake_count++].why, WHY_SIZE, "%.*s", WHY_SIZE - 1, rest);
            got = 0;
        } else {
            rest = after(line, "got");
            fits = rest != NULL && got < POINTS && answers->mistake_count > 0 &&
                   get_numbers(rest, answers->mistakes[answers->mistake_count - 1].out[got++], out_count);
        }
        if (!fits)
            return false;
    }
    if (ferror(in) != 0 || point < POINTS || got < POINTS) {
        *why = "it ends too early";
        return false;
    }
    return true;
}
