#include "draw.h"

#include <string.h>

/* ---- graphs: lab 4 ----------------------------------------------------------------------------------------------- */

bool draw_is_graph(const Task *task) { return strncmp(task->in, "node[", strlen("node[")) == 0; }

static const char red[] = "#c62828", pale[] = "#ffcdd2";

/* The place of each node in the order that task 4.3 gave, or −1. */
static void places(const double *got, int place[NODES])
{
    for (int i = 0; i < NODES; i++)
        place[i] = -1;
    for (int i = 0; i < NODES && i < got[0]; i++)
        if (got[1 + i] >= 0 && got[1 + i] < NODES)
            place[(int)got[1 + i]] = i;
}

/* What stands in a node below its data: the gradient got and the one wanted. True if it is wrong. */
static bool draw_grad(const Answers *answers, const Outcome *outcome, int first, int i, FILE *out)
{
    const double got = outcome->got[outcome->point][first + i], want = answers->want[outcome->point][first + i];
    const double before = answers->in[outcome->point][6 * i + 1];
    if (before != 0)
        fprintf(out, "\\ngrad before: %.6g", before);
    fprintf(out, "\\ngrad got: %.6g", got);
    if (outcome->verdict.wrong[first + i])
        fprintf(out, "\\nwant: %.6g", want);
    return outcome->verdict.wrong[first + i];
}

void draw_graph(const Answers *answers, const Outcome *outcome, FILE *out)
{
    const double *in = answers->in[outcome->point], *got = outcome->got[outcome->point];
    const bool is_order = !answers->has_want;
    const int first = outcome->verdict.index >= NODES ? NODES : 0; /* a second walk */
    int place[NODES];
    places(got, place);
    fprintf(out, "digraph \"%s %s\" {\n  label=\"%s %s, point %d%s%s\\nwrong: red\"; labelloc=t; rankdir=LR;\n",
            outcome->task->id, outcome->task->function, outcome->task->id, outcome->task->function, outcome->point + 1,
            first > 0 ? ", after the second walk" : "",
            strcmp(outcome->task->function, "push") == 0 ? "\\npush was called for nodes 11, 10, 9 and 8" : "");
    fprintf(out, "  node [shape=box, style=\"rounded,filled\", fillcolor=white, fontname=Helvetica];\n"
                 "  edge [fontname=Helvetica, fontsize=10];\n");
    for (int i = 0; i < NODES; i++) {
        bool wrong = false;
        fprintf(out, "  n%d [label=\"node %d = %.6g", i, i, in[6 * i]);
        if (!is_order)
            wrong = draw_grad(answers, outcome, first, i, out);
        else if (place[i] < 0)
            fprintf(out, "\\nnot in the order");
        else
            fprintf(out, "\\norder[%d]", place[i]);
        fprintf(out, "\"%s%s%s%s%s];\n", wrong ? ", color=\"" : "", wrong ? red : "", wrong ? "\", fillcolor=\"" : "",
                wrong ? pale : "", wrong ? "\"" : "");
        for (int k = 2; k < 4; k++) {
            const int parent = (int)in[6 * i + k];
            if (parent < 0)
                continue;
            const bool backwards = is_order && place[i] >= 0 && (place[parent] < 0 || place[parent] > place[i]);
            fprintf(out, "  n%d -> n%d [label=\"%.4g\"%s%s%s];\n", parent, i, in[6 * i + k + 2],
                    backwards ? ", penwidth=3, color=\"" : "", backwards ? red : "", backwards ? "\"" : "");
        }
    }
    fprintf(out, "}\n");
}

/* ---- a page ------------------------------------------------------------------------------------------------------ */

static void put_escaped(const char *text, FILE *out)
{
    for (; *text != '\0'; text++)
        if (*text == '<' || *text == '&')
            fprintf(out, "&#%d;", *text);
        else
            putc(*text, out);
}

/* Where the numbers with the same name as number `from` end: those of "m A[2][4]" end at 1 and at 9. */
static int end_of_name(const char *layout, int from)
{
    char first[NAME_SIZE], name[NAME_SIZE];
    layout_name(layout, from, first);
    const int count = layout_count(layout), length = (int)strcspn(first, "[");
    int end = from + 1;
    while (end < count && strncmp(layout_name(layout, end, name), first, (size_t)length + 1) == 0)
        end++;
    return end;
}

/* The numbers of one name, as rows and columns. wrong: which of them to mark; or NULL. */
static void put_table(const char *caption, const char *layout, int from, int end, const double *numbers,
                      const bool *wrong, FILE *out)
{
    fprintf(out, "<table><caption>%s</caption><tr>", caption);
    for (int i = from; i < end; i++) {
        char name[NAME_SIZE];
        layout_name(layout, i, name);
        const char *second = strstr(name, "][");
        if (i > from && second != NULL && strcmp(second, "][0]") == 0)
            fprintf(out, "</tr>\n<tr>");
        const bool is_wrong = wrong != NULL && wrong[i];
        fprintf(out, "<td%s title='%s = %.17g'>", is_wrong ? " class=wrong" : "", name, numbers[i]);
        if (isnan(numbers[i]))
            fprintf(out, "%s", wrong != NULL ? "nan" : "–");
        else
            fprintf(out, is_wrong ? "%.12g" : "%.6g", numbers[i]);
        fprintf(out, "</td>");
    }
    fprintf(out, "</tr></table>\n");
}

static void put_inputs(const Answers *answers, int point, FILE *out)
{
    const char *layout = answers->task->in;
    fprintf(out, "<h2>Given</h2>\n<div>");
    for (int from = 0, end; from < layout_count(layout); from = end) {
        char name[NAME_SIZE];
        end = end_of_name(layout, from);
        layout_name(layout, from, name);
        name[strcspn(name, "[")] = '\0';
        put_table(name, layout, from, end, answers->in[point], NULL, out);
    }
    fprintf(out, "</div>\n");
}

static void put_outputs(const Answers *answers, const Outcome *outcome, FILE *out)
{
    const char *layout = answers->task->out;
    const int point = outcome->point;
    for (int from = 0, end; from < layout_count(layout); from = end) {
        char name[NAME_SIZE];
        end = end_of_name(layout, from);
        layout_name(layout, from, name);
        name[strcspn(name, "[")] = '\0';
        fprintf(out, "<h2>%s</h2>\n<div>", name);
        put_table("got", layout, from, end, outcome->got[point], outcome->verdict.wrong, out);
        put_table("want", layout, from, end, answers->want[point], NULL, out);
        if (answers->has_nudged)
            put_table("measured by a nudge", layout, from, end, answers->nudged[point], NULL, out);
        fprintf(out, "</div>\n");
    }
}

/* The fresh points of task 8.1, those that are put into the wrong class marked. */
static void put_moons(const Answers *answers, const Outcome *outcome, FILE *out)
{
    const double *fresh = answers->in[outcome->point] + layout_count(answers->task->in);
    fprintf(out,
            "<h2>The points that it had not seen: %d of %d are classified correctly</h2>\n"
            "<p>Filled: class 1, hollow: class 0; ringed in red: put into the wrong class.</p>\n"
            "<svg viewBox='-1.7 -1.4 4.4 3' width=800>",
            moons_right(outcome->got[outcome->point], fresh), FRESH_MOONS);
    for (int i = 0; i < FRESH_MOONS; i++, fresh += 3) {
        const bool right = (moons_score(outcome->got[outcome->point], fresh) > 0) == (fresh[2] > 0);
        fprintf(out, "<circle cx='%.4f' cy='%.4f' r='.025' fill='%s' stroke='#1f5fa8' stroke-width='.01'/>\n", fresh[0],
                -fresh[1], fresh[2] > 0 ? "#1f5fa8" : "white");
        if (!right)
            fprintf(out, "<circle cx='%.4f' cy='%.4f' r='.05' fill='none' stroke='%s' stroke-width='.02'/>\n", fresh[0],
                    -fresh[1], red);
    }
    fprintf(out, "</svg>\n");
}

void draw_page(const Answers *answers, const Outcome *outcome, FILE *out)
{
    const Task *task = answers->task;
    fprintf(out,
            "<!DOCTYPE html>\n<html lang=en><meta charset=utf-8><title>%s %s</title>\n"
            "<style>body{font:16px/1.5 sans-serif;margin:2em;color:#222;background:#fff}\n"
            "div{display:flex;flex-wrap:wrap;align-items:flex-start;gap:2.5em}caption{color:#555;text-align:left}\n"
            "td{border:1px solid #bbb;padding:.2em .6em;text-align:right;font-family:monospace}\n"
            ".wrong{background:%s;border-color:%s;font-weight:bold}\n"
            "pre{background:#f4f4f4;padding:.6em;white-space:pre-wrap}</style>\n<h1>%s %s: ",
            task->id, task->function, pale, red, task->id, task->function);
    put_escaped(task->goal, out);
    fprintf(out, "</h1>\n");
    if (outcome->ending != RIGHT) {
        fprintf(out, "<pre>");
        put_escaped(outcome->reason, out);
        fprintf(out, "</pre>\n");
    }
    if (answers->has_want)
        fprintf(out, "<p>Point %d of the %d that it is tried on%s</p>\n", outcome->point + 1, POINTS,
                outcome->ending != RIGHT ? ". Wrong numbers are red." : ".");
    if (answers->has_want)
        put_outputs(answers, outcome, out);
    else
        put_moons(answers, outcome, out);
    if (layout_count(task->in) < 100)
        put_inputs(answers, outcome->point, out);
    fprintf(out, "</html>\n");
}
