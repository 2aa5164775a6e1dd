/* draw.c - the program `draw`: diagrams and gradients of an expression, without writing C.
 *
 *     draw 'L = tanh(w1*x1 + w2*x2 + b)' x1=2 w1=-3 w2=1 x2=0 b=6.88 --svg neuron.svg
 *
 * It reads the command line, builds the graph (expression.h), runs the reverse walk or forward mode, and passes the
 * graph to the writers of the outputs. If one output fails, the others are still written.
 */
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "backward.h"
#include "expression.h"
#include "file.h"
#include "gradcheck.h"
#include "graph/dot.h"
#include "graph/json.h"
#include "graph/tree.h"
#include "memory.h"
#include "options.h"
#include "order.h"
#include "place.h"
#include "player/player.h"
#include "token.h"
#include "utf8.h"

enum {
    DONE = 0,
    FAILED = 1, /* the expression, a file or the check */
    MISUSED = 2 /* the command line */
};

enum {
    TABLE_DIGITS = 6,                     /* where --digits does not say */
    WARNING_DIGITS = 9,                   /* of a number that is given, but not used */
    NAMES_WARNED = 5,                     /* of names that nothing uses; the others are counted */
    DIGITS_MOST = 17,                     /* no double needs more */
    CHECK_EVALUATIONS = 100 * 1000 * 1000 /* of nodes, a few seconds; if it takes more, --check takes some params */
};

static const char HELP[] =
    "usage: draw EXPRESSION [NAME=NUMBER ...] [options]\n"
    "       draw --file FILE [NAME=NUMBER ...] [options]\n"
    "\n"
    "Draws the computation graph of an expression, with the gradient of every node.\n"
    "\n"
    "  draw 'L = tanh(w1*x1 + w2*x2 + b)' x1=2 w1=-3 w2=1 x2=0 b=6.88 --svg neuron.svg\n"
    "  draw 'd = a*b; L = (d + c)^2' a=2 b=-3 c=10              the values and gradients as a table\n"
    "  draw 'x^3 - 2*x' x=1.5 --check                           are the gradients right?\n"
    "  draw 'y = sin(x)*exp(-x)' x=0.5 --forward x              forward mode: dy/dx along with y\n"
    "  echo 'cross_entropy([z0, z1], 1)' | draw - z0=2 z1=-1 --tree\n"
    "\n"
    "Statements NAME = EXPRESSION are separated by semicolons or line ends; the last one is drawn.\n"
    "+ - * / ^ (or **) and ( ) are as in mathematics, |x| is the absolute value, # begins a comment.\n"
    "A name with a value is a param and gets a gradient; a number in the text is a constant.\n"
    "An expression that begins with -- goes after a -- that ends the options.\n"
    "\n";

static bool report(const char *message)
{
    fprintf(stderr, "draw: %s\n", message);
    return false;
}

static bool flush_output(void)
{
    Error error;
    return file_flush_output(&error) || report(error.message);
}

/* All functions that an expression can call: the ops that have a row in the table, and two losses. */
static void print_functions(FILE *out)
{
    enum { NAMES_PER_LINE = 12 };
    fputs("\nfunctions:", out);
    for (int op = OP_CONST + 1; op < OP_COUNT; op++)
        fprintf(out, "%s %s", op % NAMES_PER_LINE == 0 ? "\n          " : "", op_table[op].name);
    fputs("\n           max and min of two or more; sum(a, b), dot([a, b], [c, d]) or dot([a, b], [c, d], bias),\n"
          "           log_softmax([z0, z1], class), cross_entropy([z0, z1], class)\n",
          out);
}

/* ---- the command line -------------------------------------------------------------------------------------------- */

typedef struct Command {
    const char *expression, *file;
    Given *given;
    size_t given_count;
    const char *dot, *svg, *png, *html, *json;
    bool tree, table, check, ops, help;
    const char *forward, *through;
    int theme, direction;
    uint64_t digits, depth;
    DotOptions diagram;
} Command;

static bool misused(const char *format, ...) PRINTF_LIKE(1, 2);
static bool misused(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("draw: ", stderr);
    vfprintf(stderr, format, arguments);
    fputs(" (draw --help)\n", stderr);
    va_end(arguments);
    return false;
}

/* The whole of `text` as a number with a sign, or inf or nan. */
static bool read_number(const char *text, double *number, Error *error)
{
    const bool negative = *text == '-';
    const char *digits = text + (*text == '-' || *text == '+');
    size_t bytes = 0;
    error->message[0] = '\0';
    if (strcmp(digits, "inf") == 0 || strcmp(digits, "nan") == 0)
        *number = *digits == 'i' ? (double)INFINITY : (double)NAN;
    else if (!token_number(digits, strlen(digits), number, &bytes, error) || bytes == 0 || digits[bytes] != '\0')
        return false;
    *number = negative ? -*number : *number;
    return true;
}

/* How many bytes of NAME= an argument begins with, when nothing in it is white space; else 0. */
static size_t assigned_name(const char *argument)
{
    const size_t bytes = token_name_bytes(argument, strlen(argument));
    return bytes > 0 && argument[bytes] == '=' && strpbrk(argument, " \t\n") == NULL ? bytes : 0;
}

/* NAME=NUMBER is a value; any other word is the expression. */
static bool take_word(Command *c, char *argument)
{
    const size_t name_bytes = assigned_name(argument);
    double value;
    Error error;
    if (name_bytes > 0 && read_number(argument + name_bytes + 1, &value, &error)) {
        argument[name_bytes] = '\0';
        c->given[c->given_count++] = (Given){argument, value};
        return true;
    }
    if (name_bytes > 0 && error.message[0] != '\0')
        return misused("%s: %s", argument, error.message);
    const bool is_taken = c->expression != NULL || c->file != NULL;
    if (is_taken && name_bytes > 0)
        return misused("%s: expected a number after '=', such as %.*s=2", argument, (int)name_bytes, argument);
    if (c->expression != NULL)
        return misused(
            "two expressions, '%.60s' and '%.60s': write the statements into one, with ; between them; a value "
            "has no space, NAME=NUMBER",
            c->expression, argument);
    if (strcmp(argument, "-") == 0 && c->file == NULL)
        c->file = argument;
    else
        c->expression = argument;
    return true;
}

/* How many files of the command go to standard output. */
static int files_to_standard_output(const Command *c)
{
    const char *const paths[] = {c->dot, c->svg, c->png, c->html, c->json};
    int count = 0;
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        count += paths[i] != NULL && strcmp(paths[i], "-") == 0;
    return count;
}

/* Options that do not go together. */
static bool check_command(Command *c)
{
    const bool picture = c->dot != NULL || c->svg != NULL || c->png != NULL || c->html != NULL;
    const int to_output = files_to_standard_output(c);
    if (c->expression != NULL && c->file != NULL)
        return misused("two expressions, '%.60s' and --file %.60s: give one of them", c->expression, c->file);
    if (c->expression == NULL && c->file == NULL)
        return misused("no expression: draw 'L = (x - 1)^2' x=3");
    if (c->forward != NULL && (picture || c->tree || c->check))
        return misused("--forward goes with the table and --json: diagrams, --tree and --check are about gradients");
    if (to_output > 1 || (to_output == 1 && (c->tree || c->table)))
        return misused("only one output can go to standard output: give the others a file name");
    if (!picture && c->json == NULL && !c->tree)
        c->table = true;
    return true;
}

static void print_help(const Option *options)
{
    fputs(HELP, stdout);
    options_help(options, stdout);
    print_functions(stdout);
    fputs("\nexit status: 0 all done, 1 the expression, a file or the check is wrong, 2 the command line is\n", stdout);
}

/* The arguments that remain are words. */
static bool read_options(Command *c, int *count, char **arguments)
{
    Option options[] = {
        {"--file", "FILE", "the expression is in a file (- is standard input)", .text = &c->file},
        {.help = "what to write (- is standard output); with none of these, the table"},
        {"--svg", "FILE", "a diagram (needs Graphviz)", .text = &c->svg},
        {"--png", "FILE", "the same as pixels", .text = &c->png},
        {"--dot", "FILE", "the same in the DOT language", .text = &c->dot},
        {"--html", "FILE", "the reverse walk step by step, for a browser", .text = &c->html},
        {"--json", "FILE", "every node, for programs", .text = &c->json},
        {"--tree", NULL, "a tree in the terminal", .flag = &c->tree},
        {"--table", NULL, "values and gradients", .flag = &c->table},
        {"--check", NULL, "compare the gradients with finite differences; exit status 1 if wrong", .flag = &c->check},
        {"--forward", "NAME", "forward mode with respect to NAME, in the table and in JSON", .text = &c->forward},
        {.help = "how the diagram looks"},
        {"--theme", "light|dark|print", "colours; print is black on white", .choice = &c->theme},
        {"--direction", "right|down", "where the edges lead", .choice = &c->direction},
        {"--legend", NULL, "explain shapes and edges", .flag = &c->diagram.legend},
        {"--hide-constants", NULL, "show constants only in the text of the ops", .flag = &c->diagram.hide_constants},
        {"--values-only", NULL, "no gradients", .flag = &c->diagram.values_only},
        {"--digits", "N", "of numbers, 1 to 17", .whole = &c->digits, .least = 1, .most = DIGITS_MOST},
        {"--depth", "N", "what is at most N edges from the root", .whole = &c->depth, .least = 1, .most = INT32_MAX},
        {"--through", "NAME", "what depends on NAME", .text = &c->through},
        {"--ops", NULL, "every function with its local derivatives, in Markdown", .flag = &c->ops},
        {"--help", NULL, "this text", .flag = &c->help},
        {0},
    };
    Error error;
    if (!options_read(options, count, arguments, &error))
        return misused("%s", error.message);
    if (c->help)
        print_help(options);
    else if (c->ops)
        op_table_print(stdout);
    return true;
}

static bool read_command(Command *c, int count, char **arguments)
{
    if (!read_options(c, &count, arguments))
        return false;
    if (c->help || c->ops)
        return true;
    for (int i = 1; i < count; i++)
        if (!take_word(c, arguments[i]))
            return false;
    c->diagram.theme = (DotTheme)c->theme;
    c->diagram.direction = (DotDirection)c->direction;
    c->diagram.digits = (int)c->digits;
    c->diagram.max_depth = (size_t)c->depth;
    return check_command(c);
}

/* ---- reading the expression -------------------------------------------------------------------------------------- */

typedef struct Text {
    char *bytes; /* to be freed; NULL when it is an argument of the command line */
    const char *text;
    size_t length;
    const char *file; /* for messages; NULL when it is an argument */
} Text;

static bool read_text(const Command *c, Text *text)
{
    Error error;
    *text = (Text){0};
    if (c->expression != NULL) {
        text->text = c->expression;
        text->length = strlen(c->expression);
        return true;
    }
    text->file = strcmp(c->file, "-") == 0 ? "standard input" : c->file;
    text->text = text->bytes = file_read(c->file, EXPRESSION_BYTES_MOST, &text->length, &error);
    return text->bytes != NULL || report(error.message);
}

/* ---- warnings ---------------------------------------------------------------------------------------------------- */

static void warn_of(const Definition *d, const Text *text)
{
    const Place place = place_of(text->text, text->length, d->offset);
    char name[TEXT_SIZE], number[NUMBER_SIZE];
    if (d->is_given)
        fprintf(stderr, "draw: warning: %s=%s is given, but the expression does not use %s\n",
                text_name(d->value, TEXT_NAME_LONG, name), text_number(d->value->data, WARNING_DIGITS, number), name);
    else
        fprintf(stderr, "draw: %s%s%zu:%zu: warning: %s is computed, but not used: only the last statement is drawn\n",
                text->file != NULL ? text->file : "", text->file != NULL ? ":" : "", place.line, place.column,
                d->name != NULL ? d->name : "this statement");
}

static void warn_unused(const Expression *e, const Text *text)
{
    size_t count = 0;
    for (size_t i = 0; i < e->definition_count; i++)
        if (!e->definitions[i].is_used && count++ < NAMES_WARNED)
            warn_of(&e->definitions[i], text);
    if (count > NAMES_WARNED)
        fprintf(stderr, "draw: warning: ... and %zu more that are not used\n", count - NAMES_WARNED);
}

/* Name the node where the first NaN or infinity came from. */
static void warn_nonfinite(Value *root)
{
    const Value *v = graph_first_nonfinite(root);
    if (v == NULL)
        return;
    const NodeText text = text_node(v, TEXT_DIGITS);
    if (isfinite(v->data))
        fprintf(stderr, "draw: warning: the gradient of %s is %s: the first in the reverse walk that is not finite\n",
                text.name, text.grad);
    else if (op_table[v->op].shape == SHAPE_LEAF)
        fprintf(stderr, "draw: warning: %s is %s from the start\n", text.name, text.data);
    else
        fprintf(stderr, "draw: warning: %s = %s = %s is %s: the first number that is not finite\n", text.name,
                text.expression, text.numbers, text.data);
}

/* ---- outputs ----------------------------------------------------------------------------------------------------- */

/* What the outputs are made from. */
typedef struct Drawing {
    Command *command;
    const Expression *expression;
    Value *root;
    Tangent *tangents; /* of --forward, for every node below root in topological order; else NULL */
    bool has_gradients;
} Drawing;

/* A node that --forward or --through names. */
static Value *find_named(const Drawing *d, const char *name, const char *option, bool given)
{
    for (size_t i = 0; i < d->expression->definition_count; i++) {
        const Definition *definition = &d->expression->definitions[i];
        if (definition->name != NULL && strcmp(definition->name, name) == 0 && (definition->is_given || !given))
            return definition->value;
    }
    fprintf(stderr, "draw: %s %s: there is no such %s in the expression\n", option, name,
            given ? "variable with a value" : "name");
    return NULL;
}

/* Messages of dot.h end in what a C program can do: its options are called otherwise here. */
static bool report_diagram(const Error *error)
{
    const char *remedy = strstr(error->message, "Draw less");
    if (remedy == NULL)
        return report(error->message);
    fprintf(stderr, "draw: %.*sDraw less: --depth N or --through NAME.\n", (int)(remedy - error->message),
            error->message);
    return false;
}

static bool write_diagram(const Drawing *d, const char *format, const char *path)
{
    Error error;
    DotOptions options = d->command->diagram;
    options.format = format;
    return path == NULL || dot_draw(d->root, path, &options, &error) || report_diagram(&error);
}

static bool write_html(const Drawing *d, const char *path)
{
    const PlayerOptions options = {.digits = d->command->diagram.digits, .expression = d->command->expression};
    Error error;
    return path == NULL || player_write(d->root, path, &options, &error) || report(error.message);
}

static bool write_json(const Drawing *d, const char *path)
{
    const JsonOptions options = {.values_only = !d->has_gradients, .tangents = d->tangents, .by = d->command->forward};
    Error error;
    return path == NULL || json_write(d->root, path, &options, &error) || report(error.message);
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

enum { COLUMNS = 4 }; /* name, data, grad or tangent, computed as */

typedef struct Row {
    char column[COLUMNS][TEXT_SIZE];
} Row;

static void fill_row(const Drawing *d, const Value *v, size_t i, Row *row)
{
    const int digits = d->command->diagram.digits > 0 ? d->command->diagram.digits : TABLE_DIGITS;
    text_name(v, TEXT_NAME_SHORT, row->column[0]);
    text_number(v->data, digits, row->column[1]);
    row->column[2][0] = '\0';
    if (d->tangents != NULL)
        text_number(d->tangents[i].tangent, digits, row->column[2]);
    else if (d->has_gradients && v->needs_grad)
        text_number(v->grad, digits, row->column[2]);
    text_expression(v, TEXT_NAMES, TEXT_DIGITS, row->column[3]);
}

/* Print a row, or, when measuring, widen the columns so that it fits. */
static void show_row(const Row *row, int widths[COLUMNS], bool measuring)
{
    for (int i = 0; i + 1 < COLUMNS; i++) {
        const int columns = (int)utf8_columns(row->column[i]);
        if (measuring)
            widths[i] = columns > widths[i] ? columns : widths[i];
        else if (widths[i] > 0)
            printf("%s%*s", row->column[i], widths[i] - columns + 2, "");
    }
    if (!measuring)
        puts(row->column[COLUMNS - 1]);
}

/* A constant without a name appears as a number in what uses it. */
static bool is_in_table(const Value *v) { return v->op != OP_CONST || v->label != NULL; }

static void print_rows(const Drawing *d, Value *const *order, size_t count)
{
    Row heading = {{"node", "data", "", "computed as"}}, row;
    int widths[COLUMNS] = {0};
    if (d->tangents != NULL)
        snprintf(heading.column[2], TEXT_SIZE, "d/d%s", d->command->forward);
    else if (d->has_gradients)
        strcpy(heading.column[2], "grad");
    for (int pass = 0; pass < 2; pass++) {
        show_row(&heading, widths, pass == 0);
        for (size_t i = 0; i < count; i++)
            if (is_in_table(order[i])) {
                fill_row(d, order[i], i, &row);
                show_row(&row, widths, pass == 0);
            }
    }
}

static bool print_table(const Drawing *d)
{
    size_t count;
    Value **order = graph_topological_order(d->root, &count);
    if (order == NULL)
        return report("no memory for the table");
    print_rows(d, order, count);
    memory_free(order);
    return true;
}

/* ---- the check --------------------------------------------------------------------------------------------------- */

/* Its message begins with a location in this source and the name of a function, which mean nothing to the user. */
static bool report_check(const char *message)
{
    const char *function = strstr(message, "gradcheck: ");
    fprintf(stderr, "draw: --check: %s\n", function != NULL ? function + strlen("gradcheck: ") : message);
    return false;
}

static bool check_gradients(const Drawing *d)
{
    const size_t most = CHECK_EVALUATIONS / (value_number(d->root) + 1);
    GradCheck result;
    Error error;
    if (!d->root->needs_grad)
        return report("--check: there is no gradient to check: give a variable of the expression a value, NAME=NUMBER");
    if (!isfinite(d->root->data)) { /* a warning says where it began */
        char name[TEXT_SIZE], number[NUMBER_SIZE];
        fprintf(stderr, "draw: --check: %s is %s, which has no derivative\n", text_name(d->root, TEXT_NAME_LONG, name),
                text_number(d->root->data, TEXT_DIGITS, number));
        return false;
    }
    const bool right = gradcheck_some(d->root, most > 0 ? most : 1, &result, &error);
    if (result.params > 0)
        gradcheck_print(&result, files_to_standard_output(d->command) > 0 ? stderr : stdout);
    return right || report_check(error.message);
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static bool print_tree(const Drawing *d)
{
    const TreeOptions options = {.max_depth = d->command->diagram.max_depth, .digits = d->command->diagram.digits};
    errno = 0;
    if (tree_print(d->root, stdout, &options))
        return true;
    fprintf(stderr, "draw: the tree could not be printed: %s\n", errno != 0 ? strerror(errno) : "no memory");
    return false;
}

/* Write all outputs, even if some fail. */
static bool write_all(const Drawing *d)
{
    const Command *c = d->command;
    bool ok = write_diagram(d, "dot", c->dot);
    ok &= write_json(d, c->json);
    ok &= write_html(d, c->html);
    ok &= write_diagram(d, "svg", c->svg);
    ok &= write_diagram(d, "png", c->png);
    if (c->tree)
        ok &= print_tree(d);
    if (c->table)
        ok &= print_table(d);
    if (c->check)
        ok &= check_gradients(d);
    return ok & flush_output();
}

/* Gradients, or tangents, of all nodes. */
static bool differentiate(Drawing *d)
{
    const char *by = d->command->forward;
    Value *leaf = by != NULL ? find_named(d, by, "--forward", true) : NULL;
    Error error;
    size_t count;
    if (by != NULL) {
        d->tangents = leaf != NULL ? forward_tangents(d->root, &leaf, (double[]){1}, 1, &count, &error) : NULL;
        return d->tangents != NULL || (leaf != NULL && report(error.message));
    }
    d->has_gradients = d->root->needs_grad && !d->command->diagram.values_only;
    if (d->root->needs_grad)
        backward(d->root);
    else if (!d->command->diagram.values_only)
        fprintf(stderr, "draw: warning: the root depends on no variable, so there are no gradients\n");
    return true;
}

static bool draw(Command *command, const Expression *expression, const Text *text)
{
    Drawing drawing = {.command = command, .expression = expression, .root = expression->root};
    warn_unused(expression, text);
    if (command->through != NULL) {
        command->diagram.through = find_named(&drawing, command->through, "--through", false);
        if (command->diagram.through == NULL)
            return false;
    }
    if (!differentiate(&drawing))
        return false;
    const bool ok = write_all(&drawing);
    warn_nonfinite(drawing.root);
    memory_free(drawing.tangents);
    return ok;
}

static bool read_and_draw(Command *command)
{
    Text text;
    Expression expression;
    ExpressionError error;
    bool ok = read_text(command, &text);
    if (ok && !expression_build(&expression, text.text, text.length, command->given, command->given_count, &error)) {
        expression_error_print(&error, text.text, text.length, "draw", text.file, stderr);
        ok = false;
    } else if (ok) {
        ok = draw(command, &expression, &text);
        expression_free(&expression);
    }
    memory_free(text.bytes);
    return ok;
}

int main(int count, char **arguments)
{
    Command command = {.given = memory_alloc_array((size_t)count + 1, sizeof(Given))};
    int status = MISUSED;
    if (command.given == NULL)
        misused("no memory for the command line");
    else if (read_command(&command, count, arguments))
        status = (command.help || command.ops ? flush_output() : read_and_draw(&command)) ? DONE : FAILED;
    memory_free(command.given);
    return status;
}
