/* test_draw.c - the program `draw` from its command line to its files: what it prints and writes, its exit status, and
 * that a failure leaves no half of a file. */
#define _DEFAULT_SOURCE /* mkdtemp, setenv beside C11 */
#define _DARWIN_C_SOURCE
#include <criterion/criterion.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "backward.h"
#include "graph.h"
#include "graph/json.h"
#include "long.h"
#include "value.h"

extern char **environ;

/* ---- a folder, and the program run in it ---- */

static char folder[] = "/tmp/stepgrad-draw-XXXXXX";
static char program[PATH_MAX + 64], here[PATH_MAX]; /* what is tested, and the folder of the project */
static char *said, *complained, *content; /* standard output and error of the last run, and the file last read */

static void enter_folder(void)
{
    const char *build = getenv("BUILD");
    cr_assert_not_null(getcwd(here, sizeof here), "no current folder");
    snprintf(program, sizeof program, "%s%s%s/draw", build != NULL && *build == '/' ? "" : here,
             build != NULL && *build == '/' ? "" : "/", build != NULL ? build : "build");
    cr_assert(access(program, X_OK) == 0, "%s is not there: make build/draw", program);
    cr_assert(mkdtemp(folder) != NULL && chdir(folder) == 0, "no folder to work in");
    cr_assert(setenv("TMPDIR", folder, 1) == 0, "no environment"); /* so that a temporary file left over is found */
}

static void remove_folder(void)
{
    free(said);
    free(complained);
    free(content);
    if (chdir("/") == 0)
        rmdir(folder);
}

TestSuite(draw, .init = enter_folder, .fini = remove_folder, .timeout = 1800);

static void remove_file(const char *path) { cr_expect(remove(path) == 0, "%s was not written", path); }

/* A test that writes files removes them by remove_file, and then asks this: what is there was left over. (Criterion
 * would not count a failure in remove_folder.) */
static void expect_empty_folder(void)
{
    DIR *listing = opendir(folder);
    cr_assert_not_null(listing, "%s cannot be listed", folder);
    for (const struct dirent *entry; (entry = readdir(listing)) != NULL;)
        cr_expect(entry->d_name[0] == '.', "nobody asked for the file %s", entry->d_name);
    closedir(listing);
}

static bool exists(const char *path) { return access(path, F_OK) == 0; }

static char *read_all(const char *path)
{
    struct stat status;
    FILE *in = fopen(path, "rb");
    cr_assert(in != NULL && fstat(fileno(in), &status) == 0, "%s was not written", path);
    char *text = calloc((size_t)status.st_size + 1, 1);
    cr_assert(text != NULL && fread(text, 1, (size_t)status.st_size, in) == (size_t)status.st_size, "cannot read %s",
              path);
    fclose(in);
    return text;
}

static const char *read_content(const char *path)
{
    free(content);
    return content = read_all(path);
}

static void write_plainly(const char *path, const char *text)
{
    FILE *out = fopen(path, "w");
    cr_assert(out != NULL && fputs(text, out) >= 0 && fclose(out) == 0, "cannot prepare %s", path);
}

/* Run draw with these arguments, up to a NULL, and standard input from a file (or none). Returns its exit status. */
static int run_in_out(const char *input, const char *output, char *const *arguments)
{
    posix_spawn_file_actions_t actions;
    pid_t child;
    int status = 0;
    cr_assert_eq(posix_spawn_file_actions_init(&actions), 0, "no file actions");
    posix_spawn_file_actions_addopen(&actions, 0, input != NULL ? input : "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_addopen(&actions, 2, "said.err", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const int failure = posix_spawn(&child, program, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    cr_assert_eq(failure, 0, "%s cannot be started: %s", program, strerror(failure));
    cr_assert_eq(waitpid(child, &status, 0), child, "lost the child");
    cr_assert(WIFEXITED(status), "draw was ended by signal %d", WTERMSIG(status));
    return WEXITSTATUS(status);
}

enum { ARGUMENTS_MOST = 32 };

#define RUN(...) run_with(NULL, (char *[ARGUMENTS_MOST]){program, __VA_ARGS__})
#define RUN_INPUT(input, ...) run_with(input, (char *[ARGUMENTS_MOST]){program, __VA_ARGS__})

static int run_with(const char *input, char *const *arguments)
{
    const int status = run_in_out(input, "said.out", arguments);
    free(said);
    free(complained);
    said = read_all("said.out");
    complained = read_all("said.err");
    remove_file("said.out");
    remove_file("said.err");
    return status;
}

static void expect_said(const char *want) { cr_expect_str_eq(said, want, "said:\n%swant:\n%s", said, want); }

static void expect_complained(const char *want)
{
    cr_expect_str_eq(complained, want, "complained:\n%swant:\n%s", complained, want);
}

static void expect_part(const char *text, const char *part)
{
    cr_expect(strstr(text, part) != NULL, "\"%s\" should be in:\n%.2000s", part, text);
}

static void expect_no_part(const char *text, const char *part)
{
    cr_expect(strstr(text, part) == NULL, "\"%s\" should not be in:\n%.2000s", part, text);
}

static bool dot_is_installed(void)
{
    const bool is_there = system("dot -V >/dev/null 2>&1") == 0;
    if (!is_there)
        fprintf(stderr, "test_draw: no dot here: pictures were not tried\n");
    return is_there;
}

#define NEURON "L = tanh(w1*x1 + w2*x2 + b)", "x1=2", "w1=-3", "w2=1", "x2=0", "b=6.88"

/* ---- what it prints ---- */

Test(draw, the_table_shows_values_and_gradients)
{
    cr_expect_eq(RUN(NEURON), 0, "%s", complained);
    /* 1 − L² = 0.500972; ∂L/∂x1 = −3 times that, ∂L/∂w1 = 2 times */
    expect_said("node  data      grad      computed as\n"
                "x1    2         -1.50292  param\n"
                "w1    -3        1.00194   param\n"
                "w2    1         0         param\n"
                "x2    0         0.500972  param\n"
                "b     6.88      0.500972  param\n"
                "v5    -6        0.500972  w1 * x1\n"
                "v6    0         0.500972  w2 * x2\n"
                "v7    -6        0.500972  v5 + v6\n"
                "v8    0.88      0.500972  v7 + b\n"
                "L     0.706419  1         tanh(v8)\n");
    expect_complained("");
}

Test(draw, forward_shows_tangents_instead)
{
    cr_expect_eq(RUN("y = x*x*k; k2 = 5; y + k2*x", "x=3", "k=2", "--forward", "x"), 0, "%s", complained);
    expect_said("node  data  d/dx  computed as\n"
                "x     3     1     param\n"
                "k     2     0     param\n"
                "v2    9     6     x * x\n"
                "y     18    12    v2 * k\n"
                "k2    5     0     const\n"
                "v5    15    5     k2 * x\n"
                "L     33    17    y + v5\n");
    cr_expect_eq(RUN("x*x", "x=3", "--forward", "q"), 1, "a variable that there is not was taken");
    expect_complained("draw: --forward q: there is no such variable with a value in the expression\n");
}

Test(draw, the_tree_goes_to_the_terminal)
{
    cr_expect_eq(RUN("L = x*x", "x=3", "--tree"), 0, "%s", complained);
    expect_part(said, "L = x * x");
    expect_part(said, "grad 6");
    expect_no_part(said, "computed as");
}

Test(draw, values_only_has_no_gradients)
{
    cr_expect_eq(RUN("L = x*x", "x=3", "--values-only", "--table", "--json", "L.json"), 0, "%s", complained);
    expect_said("node  data  computed as\nx     3     param\nL     9     x * x\n");
    expect_part(read_content("L.json"), "\"grad\": null");
    expect_no_part(content, "\"grad\": 6");
    remove_file("L.json");
    expect_empty_folder();
}

Test(draw, names_of_any_script_line_up)
{
    cr_expect_eq(RUN("größe = ε^2", "ε=3"), 0, "%s", complained);
    expect_said("node   data  grad  computed as\nε      3     6     param\ngröße  9     1     ε ^ 2\n");
    cr_expect_eq(RUN("漢字 = x^2", "x=3"), 0, "%s", complained); /* two columns of a terminal each */
    expect_said("node  data  grad  computed as\nx     3     6     param\n漢字  9     1     x ^ 2\n");
}

/* ---- checking ---- */

Test(draw, check_compares_with_differences)
{
    cr_expect_eq(RUN("sum(sin(x), |y|)*x^3", "x=1.5", "y=-2", "--check"), 0, "%s", complained);
    expect_part(said, "of 2 params 2 checked: 2 right, 0 wrong");
}

Test(draw, check_that_shows_nothing_right_fails)
{
    cr_expect_eq(RUN("relu(x)", "x=0", "--check"), 1, "a kink was taken as right");
    expect_part(complained, "draw: --check: nothing could be checked");
    cr_expect_eq(RUN("log(x)", "x=-1", "--check"), 1, "NaN was taken as right");
    expect_part(complained, "draw: --check: L is nan, which has no derivative\n");
    cr_expect_eq(RUN("0/(x - x)", "x=2", "--check"), 1, "0/0 was taken as right");
    expect_part(complained, "draw: --check: L is nan, which");
    cr_expect_eq(RUN("-1/x", "x=0", "--check"), 1, "an infinity was taken as right");
    expect_part(complained, "draw: --check: L is -inf, which");
    cr_expect_eq(RUN("2*3", "--check"), 1, "no gradient was taken as right");
    expect_part(complained, "draw: --check: there is no gradient to check");
}

Test(draw, check_takes_no_rounding_for_a_wrong_gradient)
{
    /* the rounding of a large term hides x from every difference of the whole, but from none of an op */
    cr_expect_eq(RUN("x + 1e30", "x=1", "--check"), 0, "%s", complained);
    cr_expect_eq(RUN("(x + 1e16) - 1e16", "x=1", "--check"), 0, "%s", complained);
    expect_part(said, "of 1 params 1 checked: 1 right, 0 wrong");
}

/* ---- the expression from elsewhere ---- */

Test(draw, an_expression_comes_from_a_file_or_standard_input)
{
    write_plainly("e.txt", "# a parabola\nd = x - 1\nd^2\n");
    const char *const want = "node  data  grad  computed as\n"
                             "x     3     4     param\n"
                             "d     2     4     x - 1\n"
                             "L     4     1     d ^ 2\n";
    cr_expect_eq(RUN("--file", "e.txt", "x=3"), 0, "%s", complained);
    expect_said(want);
    cr_expect_eq(RUN_INPUT("e.txt", "x=3", "-"), 0, "%s", complained);
    expect_said(want);
    cr_expect_eq(RUN_INPUT("e.txt", "--file=-", "x=3"), 0, "%s", complained);
    expect_said(want);
    write_plainly("e.txt", "d = x\n(d");
    cr_expect_eq(RUN("--file", "e.txt", "x=3"), 1, "half an expression was drawn");
    expect_complained(
        "draw: e.txt:2:3: expected ')' to close the '(' at 2:1, found the end of the text\n  (d\n    ^\n");
    remove_file("e.txt");
    cr_expect_eq(RUN("--file", "e.txt"), 1, "no file, no error");
    expect_part(complained, "draw: e.txt: cannot be read: ");
    cr_expect_eq(RUN("--file", "."), 1, "a folder was read");
    expect_part(complained, "draw: .: cannot be read: ");
    cr_expect_eq(RUN("--file", "/dev/zero"), 1, "no end, no error");
    expect_part(complained, "draw: /dev/zero:1:1: the character U+0000 has no meaning here");
    expect_empty_folder();
}

Test(draw, a_file_that_is_too_long_is_refused)
{
    enum { LINES = 500 * 1000 };
    FILE *out = fopen("e.txt", "w");
    cr_assert_not_null(out, "e.txt cannot be written");
    for (int i = 0; i < LINES; i++)
        fputs("# nine...\n", out);
    fclose(out);
    cr_expect_eq(RUN("--file", "e.txt"), 1, "5 MB were drawn");
    expect_part(complained, "is too long: at most 4194304");
    remove_file("e.txt");
    expect_empty_folder();
}

Test(draw, a_megabyte_of_brackets_is_an_error)
{
    enum { MEGABYTE = 1000 * 1000 };
    char *text = malloc(MEGABYTE + 1);
    cr_assert_not_null(text, "no memory");
    memset(text, '(', MEGABYTE);
    text[MEGABYTE] = '\0';
    write_plainly("deep.txt", text);
    cr_expect_eq(RUN("--file", "deep.txt", "x=3"), 1, "unclosed brackets");
    expect_part(complained, "draw: deep.txt:1:1001: more than 1000 brackets");
    free(text);
    remove_file("deep.txt");
    expect_empty_folder();
}

/* ---- errors and warnings ---- */

Test(draw, an_error_in_the_expression_points_at_it_and_writes_nothing)
{
    write_plainly("L.dot", "old");
    cr_expect_eq(RUN("L = (a *)", "a=1", "--dot", "L.dot", "--json", "L.json"), 1, "half an expression was drawn");
    expect_complained("draw: 1:9: expected an operand after '*', found ')'\n  L = (a *)\n          ^\n");
    expect_said("");
    cr_expect_str_eq(read_content("L.dot"), "old", "L.dot was replaced");
    cr_expect_not(exists("L.json"), "L.json was written");
    remove_file("L.dot");
    expect_empty_folder();
}

Test(draw, a_variable_needs_one_value)
{
    cr_expect_eq(RUN("w*x", "x=2"), 1, "w has no value");
    expect_complained("draw: 1:1: w has no value: give it one, as in w=1\n  w*x\n  ^\n");
    cr_expect_eq(RUN("x", "x=2", "x=3"), 1, "x has two values");
    expect_complained("draw: 'x' was given two values, 2 and 3: give it one\n");
    cr_expect_eq(RUN("x", "x=2", "y=3"), 0, "%s", complained);
    expect_complained("draw: warning: y=3 is given, but the expression does not use y\n");
    cr_expect_eq(RUN("a = x; x + 1", "x=2"), 0, "%s", complained);
    expect_complained("draw: 1:1: warning: a is computed, but not used: only the last statement is drawn\n");
}

Test(draw, the_first_number_that_is_not_finite_is_named)
{
    cr_expect_eq(RUN("a = x/y; b = exp(a) - a; b*2", "x=1", "y=0"), 0, "%s", complained);
    expect_complained("draw: warning: a = x / y = 1 / 0 is inf: the first number that is not finite\n");
    expect_part(said, "nan");
    cr_expect_eq(RUN("sqrt(x)", "x=0"), 0, "%s", complained);
    expect_complained("draw: warning: the gradient of x is inf: the first in the reverse walk that is not finite\n");
    cr_expect_eq(RUN("x*2", "x=-inf"), 0, "%s", complained);
    expect_complained("draw: warning: x is -inf from the start\n");
}

static void expect_misuse(const char *want, char *const *arguments)
{
    cr_expect_eq(run_with(NULL, arguments), 2, "%s %s: taken", arguments[1], arguments[2]);
    expect_part(complained, want);
    expect_said("");
}

#define MISUSE(want, ...) expect_misuse("draw: " want, (char *[ARGUMENTS_MOST]){program, __VA_ARGS__})

Test(draw, a_wrong_command_line_is_explained)
{
    MISUSE("no expression", "x=3");
    MISUSE("there is no option --frob", "x", "x=1", "--frob");
    MISUSE("there is no option --frob", "x", "x=1", "--frob=1", "--tree");
    MISUSE("there is no option --tre", "x", "x=1", "--tre");
    MISUSE("--svg needs an argument", "x", "x=1", "--svg");
    MISUSE("--svg needs an argument", "x", "x=1", "--svg=");
    MISUSE("--dot is given twice: a and b", "x", "x=1", "--dot", "a", "--dot", "b");
    MISUSE("--tree takes no argument", "x", "x=1", "--tree=yes");
    MISUSE("--theme pink: expected one of light|dark|print", "x", "x=1", "--theme", "pink");
    MISUSE("--direction up: expected one of right|down", "x", "x=1", "--direction", "up");
    MISUSE("--digits 18: expected a whole number from 1 to 17", "x", "x=1", "--digits", "18");
    MISUSE("--digits 3x: expected a whole number", "x", "x=1", "--digits", "3x");
    MISUSE("--depth 0: expected a whole number", "x", "x=1", "--depth", "0");
    MISUSE("x=two: expected a number after '=', such as x=2", "x*y", "x=two");
    MISUSE("x=: expected a number after '='", "x*y", "x=");
    MISUSE("x=1e999: 1e999 is too large for a double", "x*y", "x=1e999");
    MISUSE("two expressions, 'x' and 'x + 1'", "x", "x + 1");
    MISUSE("two expressions, 'x' and --file f", "x", "--file", "f");
    MISUSE("two expressions, 'x' and --file -", "-", "x");
    MISUSE("two expressions, '-' and --file f", "-", "--file", "f");
    MISUSE("only one output can go to standard output", "x", "x=1", "--dot", "-", "--json", "-");
    MISUSE("only one output can go to standard output", "x", "x=1", "--dot", "-", "--tree");
    MISUSE("--forward goes with the table and --json", "x", "x=1", "--forward", "x", "--tree");
}

Test(draw, help_shows_examples_and_an_expression_may_begin_with_a_minus)
{
    cr_expect_eq(RUN("--help"), 0, "%s", complained);
    expect_part(said, "draw 'L = tanh(w1*x1 + w2*x2 + b)' x1=2");
    expect_part(said, "exit status");
    expect_part(said, "\nhow the diagram looks\n  --theme light|dark|print\n");
    for (int op = OP_CONST + 1; op < OP_COUNT; op++)
        expect_part(said, op_table[op].name);
    cr_expect_eq(RUN("-x^2", "x=-.5"), 0, "%s", complained);
    expect_part(said, "L     -0.25");
    cr_expect_eq(RUN("x=0x1p-1", "--", "--x^2"), 0, "%s", complained);
    expect_part(said, "L     0.25");
}

/* ---- files ---- */

/* What the JSON file must hold of a node. */
static void expect_json_line(const char *label, const char *op, double data, double grad)
{
    char line[256];
    snprintf(line, sizeof line, "\"label\": \"%s\", \"op\": \"%s\", \"data\": %.17g, \"grad\": %.17g,", label, op, data,
             grad);
    expect_part(content, line);
}

Test(draw, json_holds_every_number)
{
    cr_expect_eq(RUN(NEURON, "--json", "L.json"), 0, "%s", complained);
    expect_said("");
    read_content("L.json");
    Graph *g = graph_new(); /* the same in C */
    Value *x1 = v_param(g, 2), *w1 = v_param(g, -3), *w2 = v_param(g, 1), *x2 = v_param(g, 0), *b = v_param(g, 6.88);
    Value *L = v_tanh(v_add(v_add(v_mul(w1, x1), v_mul(w2, x2)), b));
    backward(L);
    expect_json_line("L", "tanh", L->data, 1);
    expect_json_line("x1", "param", 2, x1->grad);
    expect_json_line("w1", "param", -3, w1->grad);
    expect_json_line("w2", "param", 1, w2->grad);
    expect_json_line("x2", "param", 0, x2->grad);
    expect_json_line("b", "param", 6.88, b->grad);
    graph_free(g);
    expect_part(content, "{\"root\": 9, \"nodes\": [\n{\"number\": 0,");
    expect_part(content, "{\"number\": 5, \"label\": null, \"op\": \"mul\", \"data\": -6, ");
    expect_part(content, "\"parents\": [1, 0], \"local_derivatives\": [2, -3]},\n");
    remove_file("L.json");
    cr_expect_eq(RUN("L = x*x", "x=3", "--forward", "x", "--json", "-"), 0, "%s", complained);
    expect_said("{\"root\": 1, \"tangent_by\": \"x\", \"nodes\": [\n"
                "{\"number\": 0, \"label\": \"x\", \"op\": \"param\", \"data\": 3, \"grad\": null, \"tangent\": 1, "
                "\"parents\": [], \"local_derivatives\": []},\n"
                "{\"number\": 1, \"label\": \"L\", \"op\": \"mul\", \"data\": 9, \"grad\": null, \"tangent\": 6, "
                "\"parents\": [0, 0], \"local_derivatives\": [3, 3]}\n"
                "]}\n");
    cr_expect_eq(RUN("log(x)", "x=0", "--json", "-"), 0, "%s", complained);
    expect_part(said, "\"data\": \"-inf\"");
    expect_part(said, "\"grad\": \"inf\"");
    expect_empty_folder();
}

Test(draw, labels_of_any_bytes_are_safe_in_json)
{
    Graph *graph = graph_new();
    Value *x = v_label(v_param(graph, 1), "a \"b\" \\ \n\x01 \xFF \xC0\xAF é");
    Error error;
    cr_assert(json_write(v_neg(x), "L.json", NULL, &error), "%s", error.message);
    expect_part(read_content("L.json"), "\"a \\\"b\\\" \\\\ \\u000a\\u0001 \\ufffd \\ufffd\\ufffd é\"");
    graph_free(graph);
    remove_file("L.json");
    expect_empty_folder();
}

Test(draw, pictures_are_drawn)
{
    if (!dot_is_installed())
        return;
    cr_expect_eq(RUN(NEURON, "--svg", "L.svg", "--png", "L.png", "--dot", "L.dot"), 0, "%s", complained);
    expect_said("");
    expect_part(read_content("L.svg"), ">&#45;1.503</text>");
    expect_part(content, "</svg>");
    cr_expect(memcmp(read_content("L.png"), "\x89PNG", 4) == 0, "L.png is not a PNG");
    expect_part(read_content("L.dot"), "-1.503");
    cr_expect_eq(RUN(NEURON, "--svg", "-"), 0, "%s", complained);
    expect_part(said, "</svg>");
    remove_file("L.svg");
    remove_file("L.png");
    remove_file("L.dot");
    expect_empty_folder();
}

Test(draw, the_gallery_has_a_picture_below_every_command)
{
    only_where_long();
    char command[2 * PATH_MAX];
    size_t pictures = 0;
    if (!dot_is_installed())
        return;
    cr_assert(mkdir("a b", 0700) == 0 && symlink(program, "a b/draw") == 0, "no folder with a space in its name");
    snprintf(command, sizeof command, "cd '%s' && sh viz/draw/gallery.sh '%s/a b' >/dev/null", here, folder);
    cr_assert_eq(system(command), 0, "%s", command);
    const char *page = read_content("a b/gallery.html");
    for (const char *at = page; (at = strstr(at, "<section>")) != NULL; at++, pictures++) {
        const char *end = strstr(at, "</section>"), *svg = strstr(at, "</svg>");
        cr_expect(svg != NULL && end != NULL && svg < end, "no picture below %.200s", at);
    }
    cr_expect_gt(pictures, 10, "only %zu pictures", pictures);
    expect_part(page, "138.8"); /* of micrograd's README */
    remove_file("a b/gallery.html");
    remove_file("a b/draw");
    remove_file("a b");
    expect_empty_folder();
}

Test(draw, html_plays_the_passes)
{
    cr_expect_eq(RUN(NEURON, "--html", "L.html", "--table"), 0, "%s", complained);
    expect_part(said, "x1    2         -1.50292  param"); /* the player leaves the gradients as they are */
    expect_part(read_content("L.html"), "\"formula\":\"tanh(#8)\"");
    expect_part(content, "double tanh_da(double a, double b, double y)");
    expect_part(content, "\"expression\":\"");
    expect_part(content, "</html>");
    cr_expect_eq(RUN(NEURON, "--html", "no/such/L.html", "--json", "L.json"), 1, "no folder, no error");
    remove_file("L.html");
    remove_file("L.json");
    expect_empty_folder();
}

Test(draw, without_dot_the_other_outputs_are_written)
{
    cr_assert(setenv("PATH", folder, 1) == 0, "no environment");
    cr_expect_eq(RUN(NEURON, "--svg", "L.svg", "--dot", "L.dot", "--json", "L.json", "--html", "L.html", "--table"), 1,
                 "dot was found?");
    expect_part(complained, "apt-get install graphviz");
    expect_part(said, "0.706419");
    cr_expect_not(exists("L.svg"), "half a picture was left");
    remove_file("L.html"); /* laid out without dot */
    remove_file("L.dot");
    remove_file("L.json");
    expect_empty_folder();
}

Test(draw, a_file_that_cannot_be_written_keeps_no_other_from_it)
{
    cr_expect_eq(RUN(NEURON, "--json", "no/such/L.json", "--dot", "L.dot"), 1, "no folder, no error");
    expect_part(complained, "draw: no/such/L.json: cannot write: ");
    remove_file("L.dot");
    cr_expect_eq(RUN(NEURON, "--dot", "no/such/L.dot", "--json", "L.json"), 1, "no folder, no error");
    remove_file("L.json");
    expect_empty_folder();
}

Test(draw, output_that_is_lost_is_an_error)
{
    if (!exists("/dev/full"))
        return; /* only Linux has it */
    cr_expect_eq(run_in_out(NULL, "/dev/full", (char *[ARGUMENTS_MOST]){program, NEURON}), 1, "a full disk, no error");
    expect_part(read_content("said.err"), "draw: standard output: what was written is lost");
    remove_file("said.err");
    cr_expect_eq(run_in_out(NULL, "/dev/full", (char *[ARGUMENTS_MOST]){program, NEURON, "--tree"}), 1, "no error");
    expect_part(read_content("said.err"), strerror(ENOSPC));
    remove_file("said.err");
    expect_empty_folder();
}

Test(draw, a_graph_that_is_too_large_for_a_diagram_is_refused_with_what_to_do)
{
    enum { TERMS = 2000 };
    char text[2 * TERMS + 2] = "x";
    for (size_t i = 0; i < TERMS; i++)
        memcpy(text + 1 + 2 * i, "*2", 2);
    cr_expect_eq(RUN(text, "x=1", "--dot", "L.dot", "--json", "L.json"), 1, "a diagram of 4001 nodes was drawn");
    expect_part(complained, "Draw less: --depth N or --through NAME.\n");
    cr_expect(strstr(complained, "max_") == NULL, "an option of dot.h is named: %s", complained);
    cr_expect_not(exists("L.dot"), "a part of the diagram was written");
    remove_file("L.json");
    cr_expect_eq(RUN(text, "x=1", "--dot", "-", "--depth", "3"), 0, "%s", complained);
    expect_empty_folder();
}

Test(draw, options_reach_the_diagram)
{
    char *const plain[] = {program, "a = x*2; L = sin(a)*y + 3", "x=0.123456789", "y=2", "--dot", "-", NULL};
    cr_assert_eq(run_with(NULL, plain), 0, "%s", complained);
    char *usual = said;
    said = NULL;
    const struct {
        char *option, *argument;
        const char *only_then; /* in the file then, and not usually; or the other way round with a ! before it */
    } table[] = {{"--theme", "dark", "bgcolor=\"#0d1117\""},
                 {"--theme", "print", "!#0072b2"},
                 {"--direction", "down", "rankdir=TB"},
                 {"--hide-constants", NULL, "!const"},
                 {"--values-only", NULL, "!>grad"},
                 {"--legend", NULL, "double frame"},
                 {"--digits", "8", "0.12345679"},
                 {"--depth", "1", "…"},
                 {"--through", "a", "!>y<"}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char *const arguments[] = {program,  plain[1],        plain[2],          plain[3], plain[4],
                                   plain[5], table[i].option, table[i].argument, NULL};
        const bool absent = *table[i].only_then == '!';
        const char *part = table[i].only_then + absent;
        cr_expect_eq(run_with(NULL, arguments), 0, "%s: %s", table[i].option, complained);
        cr_expect_eq(strstr(said, part) != NULL, !absent, "%s: %s, in %.200s", table[i].option, part, said);
        cr_expect_eq(strstr(usual, part) != NULL, absent, "usually: %s, in %.200s", part, usual);
    }
    free(usual);
}
