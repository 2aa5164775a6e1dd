#define _POSIX_C_SOURCE 200809L /* open_memstream beside C11 */
#include "results.h"

#include <stdlib.h>
#include <string.h>

#include "file.h"
#include "graph/json.h"

double results_score(const Results *results)
{
    double score = 0;
    for (int i = 0; i < results->count; i++)
        score += results->graded[i].score;
    return score;
}

double results_most(const Results *results)
{
    double most = 0;
    for (int i = 0; i < results->count; i++)
        most += results->graded[i].terms.points;
    return most;
}

/* The formulas that people write for one derivative differ by some 1e-15. */
bool results_is_measured(const Graded *graded)
{
    static const double exact = 3e-14;
    return graded->outcome.ending == RIGHT && (graded->outcome.verdict.off > exact || graded->beyond_double);
}

/* ---- results.json ------------------------------------------------------------------------------------------------ */

/* What one of our printing functions prints, as a string of JSON. False where there is no memory. */
static bool put_printed(FILE *out, void (*print)(const void *about, FILE *text), const void *about)
{
    char *text = NULL;
    size_t bytes;
    FILE *memory = open_memstream(&text, &bytes);
    if (memory == NULL)
        return false;
    print(about, memory);
    const bool printed = fclose(memory) == 0;
    if (printed)
        json_put_string(out, text);
    free(text);
    return printed;
}

static void print_summary(const void *about, FILE *text)
{
    const Results *results = about;
    bool all_visible = true;
    for (int i = 0; i < results->count; i++)
        all_visible &= strcmp(results->graded[i].terms.visibility, "visible") == 0;
    if (all_visible) /* or else the sum would tell of those that are hidden */
        fprintf(text, "%g of %g points\n", results_score(results), results_most(results));
    if (!walls_are_enough(results->walls))
        fprintf(text, "not final: this machine cannot keep a submission from reading the reference\n");
}

static void print_lateness(const Graded *graded, FILE *out)
{
    if (graded->outcome.ending == RIGHT && graded->score < graded->terms.points)
        fprintf(out, "   handed in late: it counts %g of %g\n", graded->score, graded->terms.points);
}

void results_print_remarks(const Graded *graded, FILE *out)
{
    print_lateness(graded, out);
    if (results_is_measured(graded))
        fprintf(out, "   right to %.0e; perhaps it was measured by a nudge%s\n", graded->outcome.verdict.off,
                graded->beyond_double ? ": this lab computes with more than doubles" : "");
}

static void print_task(const void *about, FILE *text)
{
    const Graded *graded = about;
    outcome_print(&graded->outcome, graded->terms.points, graded->file, graded->line, text);
    print_lateness(graded, text);
}

static void put_member(FILE *out, const char *name, const char *text)
{
    fprintf(out, "\"%s\": ", name);
    json_put_string(out, text);
    fputs(", ", out);
}

static bool put_test(FILE *out, const Graded *graded)
{
    const Task *task = graded->outcome.task;
    char name[200];
    snprintf(name, sizeof name, "%s: %s", task->function, task->goal);
    fputs("  {", out);
    put_member(out, "number", task->id);
    put_member(out, "name", name);
    put_member(out, "status", graded->outcome.ending == RIGHT ? "passed" : "failed");
    put_member(out, "visibility", graded->terms.visibility);
    fputs("\"score\": ", out);
    json_put_number(out, graded->score);
    fputs(", \"max_score\": ", out);
    json_put_number(out, graded->terms.points);
    fputs(", \"output\": ", out);
    const bool put = put_printed(out, print_task, graded);
    fputc('}', out);
    return put;
}

/* What a teacher wants to know and a student need not. */
static void put_extra(FILE *out, const Results *results)
{
    fprintf(out, "\"extra_data\": {\"seed\": \"%llu\", \"final\": %s, \"walls\": {", (unsigned long long)results->seed,
            walls_are_enough(results->walls) ? "true" : "false");
    for (int wall = 0; wall < WALLS; wall++) {
        fprintf(out, "%s\"%s\": ", wall > 0 ? ", " : "", wall_names[wall]);
        json_put_string(out, results->walls->missing[wall][0] == '\0' ? "stands" : results->walls->missing[wall]);
    }
    fputs("}, \"perhaps_measured\": [", out);
    bool first = true;
    for (int i = 0; i < results->count; i++)
        if (results_is_measured(&results->graded[i])) {
            fprintf(out, "%s\"%s\"", first ? "" : ", ", results->graded[i].outcome.task->id);
            first = false;
        }
    fputs("]}", out);
}

bool results_write(const Results *results, const char *path, Error *error)
{
    SafeFile safe;
    FILE *out = file_begin(&safe, path, error);
    if (out == NULL)
        return false;
    fprintf(out, "{\"execution_time\": %.0f, \"stdout_visibility\": \"hidden\", \"output_format\": \"text\", ",
            results->seconds);
    fputs("\"output\": ", out);
    bool put = put_printed(out, print_summary, results);
    fputs(",\n", out);
    put_extra(out, results);
    fputs(",\n\"tests\": [\n", out);
    for (int i = 0; put && i < results->count; i++) {
        put = put_test(out, &results->graded[i]);
        fputs(i < results->count - 1 ? ",\n" : "\n", out);
    }
    fputs("]}\n", out);
    if (put)
        return file_commit(&safe, error);
    file_abandon(&safe);
    return error_set(error, "no memory for the results");
}

bool results_write_none(const char *path, const char *why, Error *error)
{
    SafeFile safe;
    FILE *out = file_begin(&safe, path, error);
    if (out == NULL)
        return false;
    fputs("{\"score\": 0, \"stdout_visibility\": \"hidden\", \"output\": ", out);
    json_put_string(out, why);
    fputs("}\n", out);
    return file_commit(&safe, error);
}
