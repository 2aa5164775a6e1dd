#include "terms.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "number.h"
#include "words.h"

void terms_default(Terms terms[MOST_TASKS])
{
    for (int i = 0; i < task_count; i++)
        terms[i] = (Terms){.points = tasks[i].points, .visibility = "visible", .due = NAN, .late_percent = 100};
}

double terms_score(const Terms *terms, double won, double submitted)
{
    return submitted > terms->due ? won * terms->late_percent / 100 : won; /* never greater than NAN */
}

/* ---- a time ------------------------------------------------------------------------------------------------------ */

/* The days from 1970-01-01 to a date. A year is counted from March, so that the leap day is its last. */
static long days_to(int year, int month, int day)
{
    const int from_march = (month + 9) % 12;
    const long y = year - (month <= 2);
    return 365 * y + y / 4 - y / 100 + y / 400 + (153 * from_march + 2) / 5 + day - 719469;
}

static bool is_date(int year, int month, int day)
{
    return month >= 1 && month <= 12 && day >= 1 &&
           day <= days_to(year + month / 12, month % 12 + 1, 1) - days_to(year, month, 1);
}

/* Whether the text begins like the picture, in which each 9 stands for a digit. */
static bool begins_like(const char *text, const char *picture)
{
    for (; *picture != '\0'; text++, picture++)
        if (*picture == '9' ? !isdigit((unsigned char)*text) : *text != *picture)
            return false;
    return true;
}

/* The seconds that a zone is before UTC: Z, +01:00 or +0100. */
static bool read_zone(const char *zone, double *ahead)
{
    int hours, minutes;
    *ahead = 0;
    if (strcmp(zone, "Z") == 0)
        return true;
    const bool colon = begins_like(zone + (*zone != '\0'), "99:99");
    if ((*zone != '+' && *zone != '-') || !(colon || begins_like(zone + 1, "9999")) || strlen(zone) != 5U + colon ||
        sscanf(zone + 1, colon ? "%2d:%2d" : "%2d%2d", &hours, &minutes) != 2 || hours > 14 || minutes > 59)
        return false;
    *ahead = (*zone == '-' ? -60.0 : 60.0) * (60 * hours + minutes);
    return true;
}

bool terms_time(const char *text, double *seconds)
{
    int year, month, day, hour, minute, second;
    double ahead, fraction = 0;
    if (!begins_like(text, "9999-99-99T99:99:99") ||
        sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d", &year, &month, &day, &hour, &minute, &second) != 6 ||
        !is_date(year, month, day) || hour > 23 || minute > 59 || second > 60)
        return false;
    text += strlen("9999-99-99T99:99:99");
    const size_t digits = *text == '.' ? strspn(text + 1, "0123456789") : 0;
    if (digits > 0 && number_parse(text, digits + 1, &fraction))
        text += digits + 1;
    if (!read_zone(text, &ahead))
        return false;
    *seconds = 86400.0 * (double)days_to(year, month, day) + 3600.0 * hour + 60.0 * minute + second + fraction - ahead;
    return true;
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

/* The next word; "" at the end of the file, which is no error here. */
static bool next_word(WordReader *words, Error *error)
{
    return words_next(words, error) || (*words->word == '\0' && feof(words->in) && !ferror(words->in));
}

/* One column of a row; words->word holds it. */
static bool next_column(WordReader *words, size_t row, const char *column, Error *error)
{
    if (!next_word(words, error))
        return false;
    if (*words->word != '\0' && words->line == row)
        return true;
    words->line = row;
    return words_fail(words, error,
                      "the column \"%s\" is missing. A row is: task points visibility due late-percent; "
                      "write - where there is nothing to say.",
                      column);
}

/* Whether the row for "*", a lab ("3") or a task ("3.2", or its function) is about this task. */
static bool is_about(const char *name, const Task *task)
{
    const size_t length = strlen(name);
    return strcmp(name, "*") == 0 || task_find(name) == task ||
           (strncmp(task->id, name, length) == 0 && task->id[length] == '.');
}

static bool read_points(const WordReader *words, Terms *row, Error *error)
{
    row->points = NAN; /* "-": those of lab.h */
    if (strcmp(words->word, "-") == 0)
        return true;
    if (number_parse(words->word, strlen(words->word), &row->points) && row->points >= 0 && row->points <= 1000)
        return true;
    return words_fail(words, error, "the points are \"%s\". Write a number from 0 to 1000, or - for those of lab.h.",
                      words->word);
}

static bool read_visibility(const WordReader *words, Terms *row, Error *error)
{
    static const char *const known[] = {"hidden", "after_due_date", "after_published", "visible"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(words->word, known[i]) == 0) {
            snprintf(row->visibility, sizeof row->visibility, "%s", known[i]);
            return true;
        }
    return words_fail(words, error,
                      "the visibility is \"%s\". Write hidden, after_due_date, after_published or visible.",
                      words->word);
}

static bool read_due(const WordReader *words, Terms *row, Error *error)
{
    row->due = NAN;
    if (strcmp(words->word, "-") == 0 || terms_time(words->word, &row->due))
        return true;
    return words_fail(words, error,
                      "the time is \"%s\". Write it with its zone, such as 2027-03-01T23:59:00+01:00, or - for none.",
                      words->word);
}

static bool read_late(const WordReader *words, Terms *row, Error *error)
{
    row->late_percent = 100;
    const bool none = strcmp(words->word, "-") == 0;
    if (none != isnan(row->due))
        return words_fail(words, error,
                          none ? "there is a deadline, and not what happens after it. Write the percent of the points "
                                 "that late work keeps: 0 for none, 100 for all."
                               : "a percent for late work needs a deadline before it. Write one, or - for both.");
    if (none || (number_parse(words->word, strlen(words->word), &row->late_percent) && row->late_percent >= 0 &&
                 row->late_percent <= 100))
        return true;
    return words_fail(words, error, "late work keeps \"%s\" percent. Write a number from 0 to 100.", words->word);
}

/* A row whose first word has been read. */
static bool read_row(WordReader *words, Terms terms[MOST_TASKS], Error *error)
{
    char name[WORD_SIZE];
    const size_t line = words->line;
    Terms row = {0};
    bool any = false;
    memcpy(name, words->word, sizeof name);
    for (int i = 0; i < task_count; i++)
        any = any || is_about(name, &tasks[i]);
    if (!any)
        return words_fail(words, error,
                          "there is no task or lab \"%s\". Write a task such as %s, a lab such as %.1s, or * for all.",
                          name, tasks[0].id, tasks[0].id);
    if (!next_column(words, line, "points", error) || !read_points(words, &row, error) ||
        !next_column(words, line, "visibility", error) || !read_visibility(words, &row, error) ||
        !next_column(words, line, "due", error) || !read_due(words, &row, error) ||
        !next_column(words, line, "late-percent", error) || !read_late(words, &row, error))
        return false;
    for (int i = 0; i < task_count; i++)
        if (is_about(name, &tasks[i])) {
            terms[i] = row;
            if (isnan(row.points))
                terms[i].points = tasks[i].points;
        }
    return true;
}

bool terms_read(const char *path, Terms terms[MOST_TASKS], Error *error)
{
    WordReader words;
    terms_default(terms);
    if (!words_open(&words, path, error))
        return false;
    bool ok = next_word(&words, error);
    while (ok && *words.word != '\0') {
        const size_t line = words.line;
        ok = read_row(&words, terms, error) && next_word(&words, error);
        if (ok && *words.word != '\0' && words.line == line)
            ok = words_fail(&words, error,
                            "the row goes on with \"%s\" after its five columns. Take it out, or begin "
                            "a new line.",
                            words.word);
    }
    words_close(&words);
    return ok;
}
