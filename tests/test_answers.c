/* test_answers.c - lessons/answers.md answers every prediction and exercise of every chapter, and its answers are true.
 *
 * Of a chapter with the number N, what stands below "## N name" is read:
 *   - "### Predictions" is a list with an item for each question below "Predict, before you run it:" in the head
 *   - "### Exercise K" answers exercise K. Where it has a ```diff block, the lines with - (and with a space) stand in
 *     the chapter just once, and those with + take their place; a line @@ begins another place. The changed chapter
 *     compiles, and prints the lines of the ```text block in their order. Without a diff the chapter itself prints them
 *   - words are compared as in test_lessons.c; a line ... stands for any others, and of a line that begins with ... the
 *     rest is looked for as it stands
 * To compile and run is for the first exercise of each chapter, and with LONG=yes for all.
 */
#define _POSIX_C_SOURCE 200809L
#include <signal.h>

#include "chapters.h"
#include "long.h"

enum { FEWEST_PREDICTIONS = 2, MOST_PREDICTIONS = 3 };

/* ---- reading ----------------------------------------------------------------------------------------------------- */

/* What stands below a heading (its whole line) until one that is no deeper. The caller frees it; NULL if there is none.
 */
static char *below_heading(const char *text, const char *heading)
{
    const size_t depth = strspn(heading, "#"), length = strlen(heading);
    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, heading, length) != 0 || (line[length] != '\n' && line[length] != ' '))
            continue;
        const char *end = line + length;
        do
            end = strstr(end + 1, "\n#");
        while (end != NULL && strspn(end + 1, "#") > depth);
        return text_of("%.*s", (int)(end != NULL ? (size_t)(end - line) : strlen(line)), line);
    }
    return NULL;
}

/* How many items a list has: lines that begin with `indent` and 1., 2., 3. ... The list ends at the text `end`. */
static int count_items(const char *list, const char *indent, const char *end)
{
    const char *stop = list != NULL ? strstr(list, end) : NULL;
    int count = 0;
    for (;;) {
        char *item = text_of("\n%s%d. ", indent, count + 1);
        const char *at = list != NULL ? strstr(list, item) : NULL;
        free(item);
        if (at == NULL || (stop != NULL && at > stop))
            return count;
        count++;
    }
}

static int predictions_of(const Chapter *chapter)
{
    return count_items(strstr(chapter->source, "Predict, before you run it:"), " *     ", "\n *\n");
}

static int exercises_of(const Chapter *chapter)
{
    return count_items(strstr(chapter->source, "/* Exercises"), " * ", "\n */");
}

/* Below "## N" of the answers; the caller frees it. */
static char *section_of(const Chapter *chapter)
{
    char *answers = file_text("lessons/answers.md");
    cr_assert_not_null(answers, "no lessons/answers.md");
    char *heading = text_of("## %ld", strtol(chapter->name, NULL, 10));
    char *section = below_heading(answers, heading);
    cr_assert_not_null(section, "lessons/answers.md: '%s' is missing", heading);
    free(heading);
    free(answers);
    return section;
}

/* The inside of the fenced blocks of a kind, "diff" or "text", each after the other with `between` before it. The
 * caller frees it. */
static char *blocks_of(const char *answer, const char *kind, const char *between)
{
    char *fence = text_of("\n```%s\n", kind), *all = text_of("%s", "");
    for (const char *at = answer; (at = strstr(at, fence)) != NULL;) {
        at += strlen(fence);
        const char *end = strstr(at, "```");
        char *longer = text_of("%s%s%.*s", all, between, (int)(end != NULL ? (size_t)(end - at) : strlen(at)), at);
        free(all);
        all = longer;
    }
    free(fence);
    return all;
}

/* ---- is each question answered ----------------------------------------------------------------------------------- */

static void check_complete(const Chapter *chapter, const Chapter *before)
{
    (void)before;
    const int predictions = predictions_of(chapter), exercises = exercises_of(chapter);
    cr_expect(predictions >= FEWEST_PREDICTIONS && predictions <= MOST_PREDICTIONS, "%s asks for %d predictions",
              chapter->path, predictions);
    cr_expect(exercises > 0, "%s has no exercises", chapter->path);
    char *section = section_of(chapter), *list = below_heading(section, "### Predictions");
    cr_expect_eq(count_items(list, "", "\n#"), predictions, "lessons/answers.md answers %d of %d predictions of %s",
                 count_items(list, "", "\n#"), predictions, chapter->path);
    for (int i = 1; i <= exercises + 1; i++) {
        char *heading = text_of("### Exercise %d", i), *answer = below_heading(section, heading);
        cr_expect((answer != NULL) == (i <= exercises), "%s has %d exercises, and lessons/answers.md has %s '%s'",
                  chapter->path, exercises, answer != NULL ? "a" : "no", heading);
        free(heading);
        free(answer);
    }
    free(list);
    free(section);
}

Test(answers, every_prediction_and_every_exercise_has_one) { for_each_chapter(check_complete); }

/* ---- is each answer true ----------------------------------------------------------------------------------------- */

/* The lines of a hunk that begin with a space or `sign`, without that first character. The caller frees it. */
static char *side_of(const char *hunk, size_t length, char sign)
{
    char *side = malloc(length + 1), *end = side;
    cr_assert_not_null(side, "no memory");
    for (const char *line = hunk; line < hunk + length;) {
        const size_t width = strcspn(line, "\n") + 1;
        if (*line == ' ' || *line == sign)
            end = (char *)memcpy(end, line + 1, width - 1) + width - 1;
        else if (*line == '\n')
            *end++ = '\n';
        line += width;
    }
    *end = '\0';
    return side;
}

/* The source with the hunk's place changed; frees `source`. */
static char *with_hunk(char *source, const char *hunk, size_t length, const char *where)
{
    char *old = side_of(hunk, length, '-'), *new = side_of(hunk, length, '+');
    const char *at = strstr(source, old);
    cr_expect(at != NULL && strstr(at + 1, old) == NULL, "%s: these lines stand %s in the chapter:\n%s", where,
              at == NULL ? "nowhere" : "more than once", old);
    char *changed =
        at == NULL ? text_of("%s", source) : text_of("%.*s%s%s", (int)(at - source), source, new, at + strlen(old));
    free(old);
    free(new);
    free(source);
    return changed;
}

/* The chapter with all changes of an answer; the caller frees it. */
static char *changed_source(const Chapter *chapter, const char *answer, const char *where)
{
    char *diff = blocks_of(answer, "diff", "@@\n"), *source = text_of("%s", chapter->source);
    for (const char *hunk = strstr(diff, "@@"); hunk != NULL;) {
        hunk = strchr(hunk, '\n') + 1;
        const char *next = strstr(hunk, "@@");
        const size_t length = next != NULL ? (size_t)(next - hunk) : strlen(hunk);
        if (length > 0)
            source = with_hunk(source, hunk, length, where);
        hunk = next;
    }
    free(diff);
    return source;
}

/* Whether two lines have the same words; cuts both up. */
static bool lines_agree(char *got, char *want)
{
    for (int line = 0;;) {
        const char *got_word = next_word(&got, &line), *want_word = next_word(&want, &line);
        if (got_word == NULL || want_word == NULL)
            return got_word == want_word;
        if (!words_agree(got_word, want_word))
            return false;
    }
}

/* The text after the first line of `printed` that agrees with the one at `want`, or NULL. */
static const char *find_line(const char *printed, const char *want)
{
    if (strncmp(want, "... ", 4) == 0) {
        char *rest = text_of("%.*s", (int)strcspn(want + 4, "\n"), want + 4);
        const char *at = strstr(printed, rest);
        free(rest);
        return at;
    }
    while (*printed != '\0') {
        const size_t length = strcspn(printed, "\n");
        char *got = text_of("%.*s", (int)length, printed), *line = text_of("%.*s", (int)strcspn(want, "\n"), want);
        const bool agree = lines_agree(got, line);
        free(got);
        free(line);
        printed += length + (printed[length] == '\n');
        if (agree)
            return printed;
    }
    return NULL;
}

static void expect_lines(const char *printed, const char *lines, const char *where)
{
    for (const char *line = lines; *line != '\0'; line += strcspn(line, "\n") + 1) {
        if (*line == '\n' || strncmp(line, "...\n", 4) == 0)
            continue;
        printed = find_line(printed, line);
        cr_expect_not_null(printed, "%s: this is not printed (after the lines before it): %.*s", where,
                           (int)strcspn(line, "\n"), line);
        if (printed == NULL)
            return;
    }
}

/* What a program printed, and after it what it said of errors; the caller frees it. */
static char *all_printed(const char *program)
{
    char *out_path = text_of("%s.out", program), *error_path = text_of("%s.messages", program);
    char *out = file_text(out_path), *errors = file_text(error_path);
    char *all = text_of("%s%s", out != NULL ? out : "", errors != NULL ? errors : "");
    free(out_path);
    free(error_path);
    free(out);
    free(errors);
    return all;
}

/* Make the answer's changes, run, and look for its lines. A chapter may end by a claim that no longer holds, or stop
 * at a misuse. */
static void check_answer(const Chapter *chapter, const char *answer, int exercise)
{
    char *lines = blocks_of(answer, "text", ""), *where = text_of("answer %.2s.%d", chapter->name, exercise);
    if (strstr(answer, "\n```") != NULL) {
        char *added = text_of("_answer%d", exercise), *program = program_path(chapter, added);
        char *source = changed_source(chapter, answer, where);
        const int status = run_changed(chapter, added, source);
        char *printed = all_printed(program);
        const bool stopped = status == -SIGABRT || status == 128 + SIGABRT; /* the shell's word for it */
        cr_expect(status == 0 || status == 1 || stopped, "%s: exit status %d: see %s.messages", where, status, program);
        expect_lines(printed, lines, where);
        free(added);
        free(program);
        free(source);
        free(printed);
    }
    free(lines);
    free(where);
}

static int first_chapter, last_chapter;

static void check_answers(const Chapter *chapter, const Chapter *before)
{
    (void)before;
    const long number = strtol(chapter->name, NULL, 10);
    if (number < first_chapter || number > last_chapter)
        return;
    char *section = section_of(chapter);
    const int last = is_long() ? exercises_of(chapter) : 1;
    for (int i = 1; i <= last; i++) {
        char *heading = text_of("### Exercise %d", i), *answer = below_heading(section, heading);
        if (answer != NULL)
            check_answer(chapter, answer, i);
        free(heading);
        free(answer);
    }
    free(section);
}

static void check_range(int first, int last)
{
    first_chapter = first;
    last_chapter = last;
    for_each_chapter(check_answers);
}

/* In four, so that they run side by side. */
Test(answers, of_chapters_1_to_9_are_true)
{
    only_where_long();
    check_range(1, 9);
}
Test(answers, of_chapters_10_to_14_are_true)
{
    only_where_long();
    check_range(10, 14);
}
Test(answers, of_chapters_15_to_18_are_true)
{
    only_where_long();
    check_range(15, 18);
}
Test(answers, of_chapters_19_to_the_end_are_true)
{
    only_where_long();
    check_range(19, 99);
}
