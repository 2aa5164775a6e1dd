/* Wrong submissions from source to message: each in tests/labs/wrong/cases.txt is built and graded, fails its task and
 * no other, and is told why; or is told nothing, where the mistake is not known. */
#define _DEFAULT_SOURCE /* mkdtemp, popen beside C11 */
#define _DARWIN_C_SOURCE
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compute.h"
#include "labs_shell.h"
#include "long.h"

TestSuite(labs_sources, .init = make_folder, .fini = remove_folder, .timeout = 1800);

/* A line of cases.txt. */
typedef struct Case {
    char line[400]; /* holds the texts */
    const char *id, *edits, *words, *dependants;
} Case;

enum { MOST_CASES = 400, LABS = 10, SOURCE_SIZE = 1 << 16 };

static Case cases[MOST_CASES];
static int case_count;

/* Cut `text` at the first `mark`, and return what stands behind it, without spaces around. */
static char *cut(char *text, const char *mark)
{
    char *rest = strstr(text, mark);
    cr_assert(rest != NULL, "there is no %s in: %s", mark, text);
    for (char *end = rest; end > text && end[-1] == ' ';)
        *--end = '\0';
    *rest = '\0';
    rest += strlen(mark);
    return rest + strspn(rest, " ");
}

static void read_cases(void)
{
    FILE *file = fopen("tests/labs/wrong/cases.txt", "r");
    cr_assert_not_null(file);
    for (Case *c = cases; fgets(c->line, sizeof c->line, file) != NULL;) {
        c->line[strcspn(c->line, "\n")] = '\0';
        if (c->line[0] == '#')
            continue;
        cr_assert(++case_count < MOST_CASES, "too many cases");
        char *edits = cut(c->line, "|"), *words = cut(edits, "|"), *dependants = cut(words, "|");
        c->id = c->line, c->edits = edits, c->words = words, c->dependants = dependants;
        c++;
    }
    fclose(file);
}

/* ---- the submission ---------------------------------------------------------------------------------------------- */

static void read_lab(int lab, char source[SOURCE_SIZE])
{
    char path[40];
    snprintf(path, sizeof path, "lessons/labs/lab%d.c", lab);
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file, "%s is not there", path);
    source[fread(source, 1, SOURCE_SIZE - 1, file)] = '\0';
    fclose(file);
}

/* Replace the first `from` in the code of the task. */
static void edit(char source[SOURCE_SIZE], const char *id, const char *from, const char *to)
{
    static char rest[SOURCE_SIZE];
    char marker[20];
    snprintf(marker, sizeof marker, "Task %s ", id);
    char *place = strstr(source, marker);
    cr_assert_not_null(place, "there is no %s", marker);
    place = strstr(strstr(place, "*/"), from);
    cr_assert(place != NULL, "task %s: the reference has no: %s", id, from);
    strcpy(rest, place + strlen(from));
    snprintf(place, SOURCE_SIZE - (size_t)(place - source), "%s%s", to, rest);
}

static void write_lab(int lab, const Case *c)
{
    static char source[SOURCE_SIZE];
    char edits[sizeof c->line], name[20];
    read_lab(lab, source);
    snprintf(edits, sizeof edits, "%s ;;", c->edits);
    for (char *from = edits; *from != '\0';) {
        char *next = cut(from, ";;"), *to = cut(from, "=>");
        edit(source, c->id, from, to);
        from = next;
    }
    snprintf(name, sizeof name, "lab%d.c", lab);
    write_file(name, source);
}

/* ---- what the grader says ---------------------------------------------------------------------------------------- */

static void grade(void)
{
    cr_assert_eq(shell("\"$BUILD/grade\" --seed 7 \"$DIR\" \"$DIR/results.json\""), 0, "%s", said);
}

/* The lines about a task. */
static void block_of(const char *id, char block[4096])
{
    char head[20];
    snprintf(head, sizeof head, "== %s ", id);
    const char *begin = strstr(said, head);
    cr_assert(begin != NULL, "nothing is said about %s:\n%s", id, said);
    const char *end = strstr(begin + 1, "\n== ");
    snprintf(block, 4096, "%.*s", end != NULL ? (int)(end - begin) : (int)strlen(begin), begin);
}

/* A known reason in the block, or NULL. */
static const char *reason_in(const char *block)
{
    for (int t = 0; t < task_count; t++)
        for (int i = 0; i < mistakes_of(&tasks[t]); i++)
            if (strstr(block, mistake_why(&tasks[t], i)) != NULL)
                return mistake_why(&tasks[t], i);
    return NULL;
}

static void expect_block(const Case *c, const Task *task)
{
    char block[4096];
    block_of(task->id, block);
    const bool own = strcmp(task->id, c->id) == 0;
    if (!own && strstr(c->dependants, task->id) == NULL) {
        cr_expect(strstr(block, "==  ok") != NULL, "%s: %s\nis about another task, but:\n%s", c->id, c->edits, block);
        return;
    }
    cr_expect(strstr(block, "==  FAIL") != NULL, "%s: %s\npasses:\n%s", c->id, c->edits, block);
    if (!own)
        return;
    if (c->words[0] != '\0')
        cr_expect(strstr(block, c->words) != NULL, "%s: %s\nis not told \"%s\":\n%s", c->id, c->edits, c->words, block);
    else
        cr_expect(reason_in(block) == NULL, "%s: %s\nis told a wrong reason:\n%s", c->id, c->edits, block);
}

/* Grade the round-th case of each lab, all of them at once. Returns how many there are. */
static int grade_round(int round)
{
    const Case *of_lab[LABS + 1] = {NULL};
    int seen[LABS + 1] = {0}, count = 0;
    for (int i = 0; i < case_count; i++) {
        const int lab = atoi(cases[i].id);
        if (seen[lab]++ != round)
            continue;
        of_lab[lab] = &cases[i];
        write_lab(lab, &cases[i]);
        count++;
    }
    if (count > 0)
        grade();
    for (int t = 0; t < task_count; t++) {
        const Case *c = of_lab[atoi(tasks[t].id)];
        if (c != NULL)
            expect_block(c, &tasks[t]);
    }
    shell("cd \"$DIR\" && rm -f lab*.c results.json && ls -A");
    cr_expect_str_eq(said, "", "this was left: %s", said);
    return count;
}

Test(labs_sources, one_of_each_lab_is_told_its_reason)
{
    only_where_long();
    read_cases();
    cr_expect_eq(grade_round(0), LABS);
}

Test(labs_sources, all_are_told_their_reasons)
{
    only_where_long();
    read_cases();
    int graded = 0, silent = 0;
    for (int round = 0, count = 1; count > 0; round++)
        graded += count = grade_round(round);
    for (int i = 0; i < case_count; i++)
        silent += cases[i].words[0] == '\0';
    cr_expect_eq(graded, case_count);
    cr_expect(graded - silent >= 60 && silent >= 15, "%d are known and %d are not", graded - silent, silent);
}
