/* test_lessons.c - every chapter compiles, runs, prints what was recorded, and means what it claims.
 *
 * The chapters are the files lessons/NN_name.c; a new one is found by itself. Conventions that are checked here:
 *   - the head says the question, "New here", what it prints, and a gdb session: lines "(gdb) command", with the value
 *     that a print gives after it: "(gdb) print x   = 3", or its beginning: "= 0.643...". After a `run` or `continue`
 *     that stops at a watchpoint stands "0 becomes 6"; all others stop in the function that was last given to `break`
 *     A session that begins with `make gdb` goes through the debug build's engine, any other through the library's
 *   - claims are made by claim(condition, "text"), and one that does not hold makes main return 1
 *   - a number that differs from run to run or between machines (a time, mere rounding) is printed after a "~"
 *   - a chapter that includes no header of the project stands alone and needs nothing but libm
 * The recorded outputs are tests/golden/lessons/NN.txt. CC names the compiler, BUILD the folder of the library, and
 * LESSON_FLAGS adds flags (sanitizers, say).
 */
#define _POSIX_C_SOURCE 200809L
#include "chapters.h"
#include "long.h"

enum { MOST_LINES = 155, MOST_LINES_OF_LAST = 170, MOST_NEW_LINES = 45 }; /* the last is a whole GPT */
/* Of the processor; what a sanitizer looks at takes several times as long. */
#ifdef __SANITIZE_ADDRESS__
static const double SECONDS_ALONE = 6, SECONDS = 60;
#else
static const double SECONDS_ALONE = 3, SECONDS = 30;
#endif

/* ---- what is printed --------------------------------------------------------------------------------------------- */

/* The first difference as a text that the caller frees, or NULL. Both texts are cut into words. */
static char *difference(char *got, char *want)
{
    int got_line = 1, want_line = 1;
    for (;;) {
        const int at = want_line;
        const char *got_word = next_word(&got, &got_line), *want_word = next_word(&want, &want_line);
        if (got_word == NULL && want_word == NULL)
            return NULL;
        if (got_word == NULL || want_word == NULL || got_line != want_line || !words_agree(got_word, want_word))
            return text_of("line %d: printed '%s', recorded '%s'", at, got_word != NULL ? got_word : "(the end)",
                           want_word != NULL ? want_word : "(the end)");
    }
}

static void check_output(const Chapter *chapter, const char *program)
{
    char *recorded = text_of("tests/golden/lessons/%.*s.txt", NUMBER_LENGTH, chapter->name);
    char *printed = text_of("%s.out", program);
    char *got = file_text(printed), *want = file_text(recorded);
    cr_expect_not_null(want, "%s: no output is recorded. If %s is right: cp %s %s", chapter->path, printed, printed,
                       recorded);
    char *differs = want != NULL ? difference(got, want) : NULL;
    cr_expect_null(differs, "%s: %s. If the new output is right: cp %s %s", chapter->path, differs, printed, recorded);
    free(recorded);
    free(printed);
    free(got);
    free(want);
    free(differs);
}

static bool is_sanitized(void)
{
    const char *flags = getenv("LESSON_FLAGS");
    return flags != NULL && strstr(flags, "sanitize") != NULL;
}

static void check_run(const Chapter *chapter, const Chapter *before)
{
    (void)before;
    if (is_sanitized() && strncmp(chapter->name, "09", NUMBER_LENGTH) == 0)
        return; /* it counts bytes, and the red zones of lists would be among them */
    char *program = program_path(chapter, "");
    if (compile(chapter, chapter->path, "-Wall -Wextra -Werror", program)) {
        const double start = seconds_of_commands();
        const int status = run(program);
        const double seconds = seconds_of_commands() - start, limit = chapter->alone ? SECONDS_ALONE : SECONDS;
        cr_expect(status == 0, "%s: exit status %d (see %s.out and .messages)", chapter->path, status, program);
        cr_expect(seconds < limit, "%s: took %.2f s of %g", chapter->path, seconds, limit);
        check_output(chapter, program);
    } else {
        cr_expect(false, "%s does not compile without warnings: see %s.messages", chapter->path, program);
    }
    free(program);
}

Test(lessons, every_chapter_runs_in_time_and_prints_what_was_recorded) { for_each_chapter(check_run); }

Test(lessons, outputs_differ_where_a_word_a_line_or_a_digit_does)
{
    const struct {
        const char *got, *want;
        bool agree;
    } rows[] = {
        {"a 42 1.50", "a 42 1.50", true}, {"a  42", "a 42", true},   {"a 42", "a 43", false},
        {"a 42", "b 42", false},          {"1.51", "1.50", true},    {"1.52", "1.50", false},
        {"2e-05", "3e-05", true},         {"5e-05", "3e-05", false}, {"~0.5", "~7.25", true},
        {"~0.5", "7.25", false},          {"~fast", "~7.25", false}, {"x=1.1,", "x=1.2,", true},
        {"x=1.1,", "y=1.1,", false},      {"a\nb", "a b", false},    {"a b", "a", false},
        {"-1.0", "1.0", false},           {"nan", "1.0", false},     {"42.0", "42", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *got = text_of("%s", rows[i].got), *want = text_of("%s", rows[i].want);
        char *differs = difference(got, want);
        cr_expect((differs == NULL) == rows[i].agree, "'%s' against '%s' should%s agree", rows[i].got, rows[i].want,
                  rows[i].agree ? "" : " not");
        free(got);
        free(want);
        free(differs);
    }
}

/* ---- the engine on one page ------------------------------------------------------------------------------------- */

static const char *const PAGE = "lessons/one_page.c";

Test(lessons, the_engine_on_one_page_has_no_more_lines_than_a_page)
{
    enum { MOST_PAGE_LINES = 94, MOST_COLUMNS = 120 };
    char *source = file_text(PAGE);
    cr_assert_not_null(source, "%s is not here", PAGE);
    int lines = 0, columns = 0;
    for (const char *c = source; *c != '\0'; c++) {
        columns += (*c & 0xc0) != 0x80; /* a character's bytes after the first all begin with the bits 10 */
        if (*c != '\n')
            continue;
        lines++;
        cr_expect(columns <= MOST_COLUMNS + 1, "%s: line %d has %d characters", PAGE, lines, columns - 1);
        columns = 0;
    }
    cr_expect(lines <= MOST_PAGE_LINES, "%s has %d lines, of %d", PAGE, lines, MOST_PAGE_LINES);
    free(source);
}

/* Loss and accuracy of an epoch in chapter 19's recorded table, and in what the page prints. */
static void check_epoch_of_page(int epoch, const char *recorded, const char *printed)
{
    char *row = text_of("\n%7d ", epoch), *line = text_of("epoch %3d ", epoch);
    const char *want = strstr(recorded, row), *got = strstr(printed, line);
    char want_loss[32] = "", want_accuracy[32] = "", got_loss[32] = "", got_accuracy[32] = "";
    cr_assert(want != NULL && sscanf(want, "%*d %31s %31s", want_loss, want_accuracy) == 2, "no epoch %d", epoch);
    cr_assert(got != NULL && sscanf(got, "epoch %*d loss %31s accuracy %31s", got_loss, got_accuracy) == 2,
              "%s prints no epoch %d:\n%s", PAGE, epoch, printed);
    cr_expect(words_agree(got_loss, want_loss), "epoch %d: loss %s, not %s", epoch, got_loss, want_loss);
    cr_expect(words_agree(got_accuracy, want_accuracy), "epoch %d: %s right, not %s", epoch, got_accuracy,
              want_accuracy);
    cr_expect(epoch < 200 || atof(got_accuracy) >= 0.965, "at the end only %s are right", got_accuracy);
    free(row);
    free(line);
}

/* In another folder it finds no data, and says so. */
static void check_page_without_data(void)
{
    char *command =
        text_of("cd '%s' && ./one_page 2>&1 | grep -q 'lessons/data/moons/.*from the top folder'", folder());
    cr_expect(shell(command) == 0, "%s does not say that its data is missing", PAGE);
    free(command);
}

Test(lessons, the_engine_on_one_page_trains_as_chapter_19_does)
{
    only_where_long();
    const Chapter page = {.path = PAGE, .name = "one_page.c", .alone = true};
    char *program = text_of("%s/one_page", folder()), *out = text_of("%s.out", program);
    cr_assert(compile(&page, PAGE, "-O2 -Wall -Wextra -Wpedantic -Werror", program),
              "%s does not compile without warnings: see %s.messages", PAGE, program);
    const double start = seconds_of_commands();
    cr_expect(run(program) == 0, "%s ends with an error: see %s.messages", PAGE, program);
    const double seconds = seconds_of_commands() - start, limit = SECONDS / 2;
    cr_expect(seconds < limit, "%s took %.2f s of %g", PAGE, seconds, limit);
    char *recorded = file_text("tests/golden/lessons/19.txt"), *printed = file_text(out);
    for (int epoch = 20; epoch <= 200; epoch += 20)
        check_epoch_of_page(epoch, recorded, printed);
    check_page_without_data();
    free(program);
    free(out);
    free(recorded);
    free(printed);
}

/* ---- what is claimed --------------------------------------------------------------------------------------------- */

/* Where the next claim's condition begins at or after `text`, or NULL. The function itself is none, nor is a plain
 * claim(false, ...), which already reports an error. */
static const char *next_claim(const char *text)
{
    while ((text = strstr(text, "claim(")) != NULL) {
        text += strlen("claim(");
        if (strncmp(text, "bool ", 5) != 0 && strncmp(text, "false", 5) != 0)
            return text;
    }
    return NULL;
}

/* Break the claims one at a time. The engine's chapters may take seconds to run, so there the last one stands for all,
 * and without LONG=yes everywhere: the function claim is the same. Nor are then those chapters tried in which a slip
 * breaks a claim below. */
static bool has_slip(const Chapter *chapter);

static void check_claims(const Chapter *chapter, const Chapter *before)
{
    (void)before;
    int count = 0;
    if (!is_long() && has_slip(chapter))
        return;
    for (const char *claim = next_claim(chapter->source); claim != NULL; claim = next_claim(claim)) {
        count++;
        if ((!chapter->alone || !is_long()) && next_claim(claim) != NULL)
            continue;
        char *changed = text_of("%.*sfalse && %s", (int)(claim - chapter->source), chapter->source, claim);
        const int status = run_changed(chapter, "_claim", changed);
        cr_expect(status == 1, "%s: with claim %d broken the exit status is %d, not 1", chapter->path, count, status);
        free(changed);
    }
    cr_expect(count > 0, "%s: makes no claim", chapter->path);
}

Test(lessons, a_chapter_with_a_claim_that_does_not_hold_exits_1)
{
    only_where_long();
    for_each_chapter(check_claims);
}

/* A slip in the mathematics, and the chapter in which a claim must notice it. Without LONG=yes the first of each
 * chapter stands for the others. */
static const struct Slip {
    const char *path, *right, *wrong;
} SLIPS[] = {
    {"lessons/01_derivative.c", "/ (2 * h)", "/ h"},
    {"lessons/01_derivative.c", "f(at + h) - f(at)) / h", "f(at + h) - f(at - h)) / (2 * h)"},
    {"lessons/02_chain_rule.c", "dm_dW = x", "dm_dW = W"},
    {"lessons/02_chain_rule.c", "dL_ds = 2 * s", "dL_ds = s"},
    {"lessons/02_chain_rule.c", "multiply(outputs, N, N, J3, J2, half)", "multiply(N, N, N, J3, J2, half)"},
    {"lessons/02_chain_rule.c", "B[k * columns + j]", "B[k * columns + j] + k"},
    {"lessons/03_forward_mode.c", "q.value * p.tangent + p.value * q.tangent",
     "p.value * p.tangent + q.value * q.tangent"},
    {"lessons/03_forward_mode.c", "2 * s.value * s.tangent", "s.value * s.tangent"},
    {"lessons/03_forward_mode.c", "p.tangent + q.tangent}", "p.tangent - q.tangent}"},
    {"lessons/04_computation_graph.c", "p, q->data, q, p->data", "p, p->data, q, q->data"},
    {"lessons/04_computation_graph.c", "sum += ", "sum = "},
    {"lessons/05_reverse_mode.c", "grad += v->local[i] * v->grad;\n        printf",
     "grad = v->local[i] * v->grad;\n        printf"},
    {"lessons/05_reverse_mode.c", "v->grad = 0;\n    root->grad = 1;\n    for",
     "continue;\n    root->grad = 1;\n    for"},
    {"lessons/05_reverse_mode.c", "root->grad = 1;\n    for", "root->grad = 2;\n    for"},
    {"lessons/06_topological_order.c", "v->next == v->parent_count", "v->next <= v->parent_count"},
    {"lessons/06_topological_order.c", "list[i]->grad = list[i]->next", "list[i]->next"},
    {"lessons/06_topological_order.c", "grad += v->local[i] * v->grad", "grad = v->local[i] * v->grad"},
    {"lessons/06_topological_order.c", "i = n; i-- > 0;", "i = 0; i < n; i++"},
    {"lessons/06_topological_order.c", "INFINITY", "1"},
    {"lessons/07_who_stores_what.c", "grad += v->parent[1]->data", "grad += v->parent[0]->data"},
    {"lessons/07_who_stores_what.c", "return (void)b, a;", "return (void)a, b;"},
    {"lessons/07_who_stores_what.c", "MUL, p, q->data, q, p->data", "MUL, p, p->data, q, q->data"},
    {"lessons/07_who_stores_what.c", "W->data = 5;", "m->data = 5;"},
    {"lessons/08_forward_or_reverse.c", "v_mul(s, s)", "v_mul(s, 7)"},
    {"lessons/08_forward_or_reverse.c", "d_mul(dual_variable(2), 3)", "d_mul(2, dual_variable(3))"},
    {"lessons/09_engine_walk.c", "v_input(g, 3)", "v_param(g, 3)"},
    {"lessons/09_engine_walk.c", "v_mul(s, s)", "v_mul(s, 7)"},
    {"lessons/09_engine_walk.c", "x_mixed[i] = v_param(g, N + i)", "x_mixed[i] = v_param(g, i)"},
    {"lessons/10_gradient_check.c", "value_of(op, a - h, b)) / (2 * h)", "y) / (2 * h)"},
    {"lessons/10_gradient_check.c", "8 * exp(1 + k)", "7 * exp(1 + k)"},
    {"lessons/12_matrix_product.c", "dz[i * N + j] * w_data[k * N + j]", "dz[i * N + j] * w_data[k * N]"},
    {"lessons/12_matrix_product.c", "x_data[i * K + k] * dz", "x_data[k] * dz"},
    {"lessons/13_broadcasting.c", "column_sum[i] +=", "column_sum[j] +="},
    {"lessons/13_broadcasting.c", "y_data[i] * dproduct[i]", "dproduct[i]"},
    {"lessons/14_cross_entropy.c", "v_logsumexp(d, CLASSES), d[t]", "v_logsumexp(d, CLASSES), d[0]"},
    {"lessons/14_cross_entropy.c", "p - onehot)", "p)"},
    {"lessons/15_mlp.c", "v_dot_bias(w, x, IN, w[IN])", "v_dot(w, x, IN)"},
    {"lessons/15_mlp.c", "matmul(X, matmul(W, V)), matmul(b, V)", "matmul(X, matmul(W, V)), matrix_sum(b)"},
    {"lessons/16_backward_twice.c", "order[i], p) * order[i]->grad", "order[i], p)"},
    {"lessons/17_training.c", "-= lr[r]", "+= lr[r]"},
    {"lessons/17_training.c", "if (zeroed[r])", "if (!zeroed[r])"},
    {"lessons/18_vanishing_gradients.c", "->data *= scale", "->data += scale"},
    {"lessons/18_vanishing_gradients.c", "w[2]->grad != 0", "w[2]->data != 0"},
    {"lessons/18_vanishing_gradients.c", "i == 0 || unit", "unit"},
    {"lessons/19_two_moons.c", "exp(logits[0] - logits[1])", "exp(logits[1] - logits[0])"},
    {"lessons/20_pytorch.c", "v_inputs(g, dataset_row(&data, i), 2)", "v_inputs(g, dataset_row(&data, i + 1), 2)"},
    {"lessons/21_replay.c", "grad[a] += op->da", "grad[a] = op->da"},
    {"lessons/21_replay.c", "i == length - 1;", "1;"},
    {"lessons/21_replay.c", "SAMPLES, 1, replayed", "SAMPLES, 2, replayed"},
};

static bool has_slip(const Chapter *chapter)
{
    for (size_t i = 0; i < sizeof SLIPS / sizeof SLIPS[0]; i++)
        if (strcmp(SLIPS[i].path, chapter->path) == 0)
            return true;
    return false;
}

static void check_slips(const Chapter *chapter, const Chapter *before)
{
    (void)before;
    for (size_t i = 0; i < sizeof SLIPS / sizeof SLIPS[0]; i++) {
        if (strcmp(SLIPS[i].path, chapter->path) != 0)
            continue;
        if (!is_long() && i > 0 && strcmp(SLIPS[i].path, SLIPS[i - 1].path) == 0)
            continue;
        const char *right = strstr(chapter->source, SLIPS[i].right);
        cr_expect_not_null(right, "%s no longer says '%s': change the table", chapter->path, SLIPS[i].right);
        if (right == NULL)
            continue;
        char *changed = text_of("%.*s%s%s", (int)(right - chapter->source), chapter->source, SLIPS[i].wrong,
                                right + strlen(SLIPS[i].right));
        const int status = run_changed(chapter, "_slip", changed);
        cr_expect(status == 1, "%s: with '%s' the exit status is %d, not 1", chapter->path, SLIPS[i].wrong, status);
        free(changed);
    }
}

Test(lessons, a_slip_in_the_mathematics_breaks_a_claim)
{
    only_where_long();
    for_each_chapter(check_slips);
}

/* ---- how it is written ------------------------------------------------------------------------------------------- */

static void check_form(const Chapter *chapter, const Chapter *before)
{
    (void)before;
    char *first = text_of("/* %s - ", chapter->name);
    cr_expect(strncmp(chapter->source, first, strlen(first)) == 0, "%s does not begin with '%s'", chapter->path, first);
    free(first);
    const char *question = strchr(chapter->source, '?'), *blank = strstr(chapter->source, "\n *\n");
    cr_expect(question != NULL && blank != NULL && question < blank, "%s does not begin with a question",
              chapter->path);
    const char *parts[] = {"New here:", "It prints", "(gdb) break ", "(gdb) run", "Exercises", "Next:"};
    const size_t count = sizeof parts / sizeof parts[0] - chapter->last; /* after the last there is no next */
    for (size_t i = 0; i < count; i++)
        cr_expect_not_null(strstr(chapter->source, parts[i]), "%s: '%s' is missing", chapter->path, parts[i]);
    int lines = 0;
    for (const char *c = chapter->source; *c != '\0'; c++)
        lines += *c == '\n';
    const int most = chapter->last ? MOST_LINES_OF_LAST : MOST_LINES;
    cr_expect(lines <= most, "%s has %d lines; a reader has patience for %d", chapter->path, lines, most);
}

Test(lessons, every_chapter_has_its_parts_and_is_short) { for_each_chapter(check_form); }

/* The lines of code of a source: no comments, nothing but spaces, or only braces. Cuts up `source`. */
static size_t code_lines(char *source, char **lines, size_t most)
{
    for (char *comment; (comment = strstr(source, "/*")) != NULL;)
        for (const char *end = strstr(comment, "*/") + 2; comment < end; comment++)
            *comment = *comment == '\n' ? '\n' : ' ';
    size_t count = 0;
    for (char *line = strtok(source, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        line += strspn(line, " ");
        if (line[strspn(line, " {}")] != '\0' && count < most)
            lines[count++] = line;
    }
    return count;
}

/* Lines of b that are not in the longest common subsequence with a. */
static size_t new_lines(char **a, size_t a_count, char **b, size_t b_count)
{
    enum { MOST = 400 };
    static size_t common[MOST + 1][MOST + 1]; /* of a from i on with b from j on */
    memset(common, 0, sizeof common);
    for (size_t i = a_count; i-- > 0;)
        for (size_t j = b_count; j-- > 0;)
            common[i][j] = strcmp(a[i], b[j]) == 0               ? common[i + 1][j + 1] + 1
                           : common[i + 1][j] > common[i][j + 1] ? common[i + 1][j]
                                                                 : common[i][j + 1];
    return b_count - common[0][0];
}

static void check_new_lines(const Chapter *chapter, const Chapter *before)
{
    if (before == NULL || !chapter->alone)
        return;
    char *a[400], *b[400];
    char *a_source = text_of("%s", before->source), *b_source = text_of("%s", chapter->source);
    const size_t a_count = code_lines(a_source, a, 400), b_count = code_lines(b_source, b, 400);
    const size_t count = new_lines(a, a_count, b, b_count);
    cr_expect(count <= MOST_NEW_LINES, "%s has %zu lines of code that %s has not; one idea should do with %d",
              chapter->path, count, before->path, MOST_NEW_LINES);
    free(a_source);
    free(b_source);
}

Test(lessons, of_two_neighbours_that_stand_alone_the_second_adds_one_idea) { for_each_chapter(check_new_lines); }

/* ---- what make shows of a chapter -------------------------------------------------------------------------------- */

/* Every picture that a comment asks draw for is drawn, also into a folder with a space in its name. */
static void check_pictures(const Chapter *chapter, const Chapter *before)
{
    (void)before;
    const char *build = getenv("BUILD") != NULL ? getenv("BUILD") : "build";
    char *pictures = program_path(chapter, " pictures");
    char *command = text_of("rm -rf '%s' && sh lessons/draw.sh '%s' '%s' '%s' >'%s.out' 2>&1", pictures, build,
                            chapter->path, pictures, pictures);
    cr_expect(shell(command) == 0, "%s: a picture cannot be drawn: see '%s.out'", chapter->path, pictures);
    const char *at = chapter->source;
    char number[8], name[64];
    while ((at = strstr(at, " build/draw ")) != NULL) {
        const char *end = strchr(++at, '\n');
        const char *place = strstr(at, " build/lessons/");
        if (place == NULL || place > end)
            continue;
        cr_expect(sscanf(place, " build/lessons/%7[0-9]/%63[^\n]", number, name) == 2 &&
                      strncmp(chapter->name, number, NUMBER_LENGTH) == 0,
                  "%s: '%.*s' does not end in build/lessons/%.*s/NAME", chapter->path, (int)(end - at), at,
                  NUMBER_LENGTH, chapter->name);
        char *picture = text_of("%s/%s", pictures, name);
        const bool can_be_drawn = strstr(name, ".svg") == NULL || shell("command -v dot >/dev/null 2>&1") == 0;
        cr_expect(!can_be_drawn || access(picture, R_OK) == 0, "%s: there is no picture '%s'", chapter->path, picture);
        free(picture);
    }
    free(pictures);
    free(command);
}

Test(lessons, every_picture_in_the_comments_can_be_drawn)
{
    only_where_long();
    for_each_chapter(check_pictures);
}

Test(lessons, make_diff_shows_the_new_code_without_heads_and_exercises)
{
    char *path = text_of("%s/diff.out", folder());
    char *command = text_of("make --no-print-directory -s diff L=05 >'%s' 2>&1", path);
    cr_expect(shell(command) == 0, "make diff failed: see %s", path);
    char *shown = file_text(path);
    cr_expect_not_null(strstr(shown, "\n+static void push(Node *v)\n"), "the new function is missing: see %s", path);
    cr_expect_null(strstr(shown, "New here"), "a head is shown: see %s", path);
    cr_expect_null(strstr(shown, "Next:"), "the exercises are shown: see %s", path);
    free(path);
    free(command);
    free(shown);
}

/* ---- in the debugger --------------------------------------------------------------------------------------------- */

/* A "(gdb)" line of a head: the command, and what it should show, if that is given. */
typedef struct Step {
    char command[128];
    char value[128];            /* of a print */
    bool beginning;             /* the value ends in "...": more may follow */
    char before[32], after[32]; /* at a watchpoint: "0 becomes 6" */
    char function[64];          /* the one that was last given to `break` */
} Step;

/* Copy what stands before two spaces or the end of the line; returns where it ends. */
static const char *copy_column(char *column, size_t size, const char *text)
{
    const char *end = text;
    while (*end != '\n' && *end != '\0' && strncmp(end, "  ", 2) != 0)
        end++;
    snprintf(column, size, "%.*s", (int)(end - text), text);
    return end;
}

/* The steps of a chapter's session, in order. */
static size_t find_steps(const char *source, Step *steps, size_t most)
{
    const char *mark = "(gdb) ";
    size_t count = 0;
    for (const char *at = strstr(source, mark); at != NULL && count < most; at = strstr(at, mark)) {
        Step *step = &steps[count++];
        *step = (Step){.value = ""};
        if (count > 1)
            memcpy(step->function, step[-1].function, sizeof step->function);
        at = copy_column(step->command, sizeof step->command, at + strlen(mark));
        at += strspn(at, " ");
        sscanf(step->command, "break %63[A-Za-z0-9_]", step->function);
        if (sscanf(at, "%31s becomes %31[-+.0-9e]", step->before, step->after) != 2)
            step->before[0] = '\0';
        if (strncmp(at, "= ", 2) != 0)
            continue;
        at = copy_column(step->value, sizeof step->value, at + 2);
        const size_t length = strlen(step->value);
        step->beginning = length > 3 && strcmp(step->value + length - 3, "...") == 0;
        if (step->beginning)
            step->value[length - 3] = '\0';
    }
    return count;
}

/* Whether gdb's "$1 = 0x5555 \"W\"" shows the value: after the equals sign, or after the address of a string. gdb
 * writes all 17 digits of a double, so 0.1 is also shown by 0.10000000000000001. */
static bool shows(const char *line, const Step *step)
{
    const char *value = strstr(line, " = ");
    if (line[0] != '$' || value == NULL)
        return false;
    value += strlen(" = ");
    if (step->value[0] == '"' && strchr(value, '"') != NULL)
        value = strchr(value, '"');
    char *value_end, *want_end;
    const double number = strtod(value, &value_end), want = strtod(step->value, &want_end);
    if (!step->beginning && want_end > step->value && *want_end == '\0' && *value_end == '\n')
        return number == want;
    const size_t length = strlen(step->value);
    return strncmp(value, step->value, length) == 0 && (step->beginning || value[length] == '\n');
}

/* What gdb says where it stops as the step says: at the watchpoint, or in the function. The caller frees it. */
static char *stop_wanted(const Step *step)
{
    if (step->before[0] != '\0')
        return text_of("Old value = %s\nNew value = %s\n", step->before, step->after);
    return text_of(" %s (", step->function); /* Breakpoint 1, NAME (..., or where it was inlined 0x5555 in NAME (... */
}

/* Whether `watch` is tried by the machine's debug registers, which many virtual machines have not, or by stepping. */
static bool hardware;

/* Write the session as a file of gdb commands, with a line "@ i" printed before step i. */
static void write_session(const char *path, const Step *steps, size_t count)
{
    FILE *file = fopen(path, "wb");
    cr_assert_not_null(file, "cannot write %s", path);
    fprintf(file, "set confirm off\nset width 0\nset can-use-hw-watchpoints %d\n", hardware);
    for (size_t i = 0; i < count; i++)
        fprintf(file, "echo \\n@ %zu\\n\n%s\n", i, steps[i].command);
    fputs("echo \\n@ end\\n\n", file);
    fclose(file);
}

/* Check what gdb said at step i: from its "@" line to the next one. */
static void check_step(const Chapter *chapter, const Step *step, const char *said, size_t length)
{
    char *text = text_of("%.*s", (int)length, said);
    const bool goes_on = strncmp(step->command, "run", 3) == 0 || strncmp(step->command, "continue", 8) == 0;
    char *wanted = stop_wanted(step);
    cr_expect(!goes_on || strstr(text, wanted) != NULL, "%s: (gdb) %s should stop at '%s', but says:\n%s",
              chapter->path, step->command, wanted, text);
    cr_expect(step->value[0] == '\0' || shows(text, step), "%s: (gdb) %s should give %s, but says:\n%s", chapter->path,
              step->command, step->value, text);
    free(wanted);
    free(text);
}

/* For a session that begins with `make gdb`, the engine as that builds it goes whole before the library, which is then
 * asked for the rest only: the session can stop anywhere. */
static bool compile_for_session(const Chapter *chapter, const char *program)
{
    const bool debug = strstr(chapter->source, " *     make gdb L=") != NULL;
    char *more = debug ? text_of("-w -Wl,--whole-archive '%s/../debug/engine.a' -Wl,--no-whole-archive", folder())
                       : text_of("-w");
    const bool compiled = compile(chapter, chapter->path, more, program);
    free(more);
    return compiled;
}

/* gdb goes through the session of the chapter's head: every `run` and `continue` stops where the head says, and every
 * `print` prints what it says. With the hardware only those with a watchpoint. */
static void check_session(const Chapter *chapter, const Chapter *before)
{
    (void)before;
    if (hardware && strstr(chapter->source, "(gdb) watch ") == NULL)
        return;
    Step steps[30];
    const size_t count = find_steps(chapter->source, steps, sizeof steps / sizeof steps[0]);
    char *program = program_path(chapter, hardware ? "_watched" : "_stepped"), *session = text_of("%s.gdb", program);
    char *command =
        text_of("DEBUGINFOD_URLS= gdb -q -nx -batch -iex 'set debug-file-directory' -x '%s' '%s' >'%s.said' 2>&1",
                session, program, program);
    char *said_path = text_of("%s.said", program);
    write_session(session, steps, count);
    cr_expect(compile_for_session(chapter, program), "%s does not compile", chapter->path);
    shell(command);
    char *said = file_text(said_path);
    for (size_t i = 0; i < count; i++) {
        char *mark = text_of("\n@ %zu\n", i);
        const char *at = strstr(said, mark), *end = at != NULL ? strstr(at + strlen(mark), "\n@ ") : NULL;
        cr_expect_not_null(end, "%s: (gdb) %s ends the session: see %s", chapter->path, steps[i].command, said_path);
        if (end != NULL)
            check_step(chapter, &steps[i], at + strlen(mark), (size_t)(end - at) - strlen(mark));
        free(mark);
        if (end == NULL)
            break;
    }
    free(program);
    free(session);
    free(command);
    free(said_path);
    free(said);
}

static void skip_without_gdb(void)
{
    if (shell("gdb -q -nx -batch -ex run --args /bin/sh -c true 2>&1 | grep -q 'exited normally'") != 0)
        cr_skip_test("gdb is not here, or may not trace a program");
    if (is_sanitized())
        cr_skip_test("a sanitizer keeps variables where gdb does not look for them at the start of a function");
}

Test(lessons, every_debugger_session_goes_as_the_head_of_its_chapter_says)
{
    only_where_long();
    skip_without_gdb();
    for_each_chapter(check_session);
}

Test(lessons, every_session_with_a_watchpoint_goes_so_by_the_hardware_too)
{
    skip_without_gdb();
    if (shell("gdb -q -nx -batch -x viz/debug/stepgrad-gdb.py -ex 'show can-use-hw-watchpoints' | grep -q 'is 1'") != 0)
        cr_skip_test("SKIPPED: hardware watchpoints do nothing on this machine");
    hardware = true;
    for_each_chapter(check_session);
}
