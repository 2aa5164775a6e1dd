/* player.c - the backward player's page.
 *
 * The page is viz/player/player.html with player.css and player.js inserted (the Makefile turns all three into
 * player_page.c), the diagram that dot draws (dot.h), which the script brings to life, and the steps as JSON: all
 * numbers are texts already, so what the script shows is what the engine computed. */
#include "player.h"

#include <inttypes.h>
#include <string.h>

#include "file.h"
#include "graph/dot.h"
#include "graph/escape.h"
#include "graph/json.h"
#include "graph/text.h"
#include "memory.h"
#include "player_steps.h"
#include "words.h"

/* The parts of the page, line by line, NULL at the end: made by the Makefile. */
extern const char *const player_page_html[], *const player_page_css[], *const player_page_js[];

enum { SECONDS_OF_DOT = 20 }; /* after that, if dot hangs, the page lays the graph out itself */

typedef struct Page {
    PlayerOptions options; /* with the defaults filled in */
    PlayerSteps pass;
    char *picture; /* dot's SVG, or NULL */
    FILE *out;
} Page;

static bool is_leaf(const Value *v) { return op_table[v->op].shape == SHAPE_LEAF; }

static Value *root_of(const Page *page) { return page->pass.nodes[page->pass.node_count - 1]; }

/* ---- the picture ------------------------------------------------------------------------------------------------- */

/* dot's SVG from its first tag on, or an empty one. */
static void print_picture(const Page *page)
{
    const char *tag = page->picture != NULL ? strstr(page->picture, "<svg ") : NULL;
    fputs("<svg id=\"graph\" role=\"img\" aria-labelledby=\"title\" ", page->out);
    fputs(tag != NULL ? tag + strlen("<svg ") : "xmlns=\"http://www.w3.org/2000/svg\"></svg>\n", page->out);
}

/* ---- the steps, as JSON ------------------------------------------------------------------------------------------ */

static void print_field(FILE *out, const char *name, const char *text)
{
    fprintf(out, ",\"%s\":", name);
    json_put_string(out, text);
}

static void print_number_field(const Page *page, const char *name, double number)
{
    char text[NUMBER_SIZE];
    print_field(page->out, name, text_number(number, page->options.digits, text));
}

static void print_node(const Page *page, size_t i)
{
    FILE *out = page->out;
    const Value *v = page->pass.nodes[i];
    const NodeText text = text_node(v, page->options.digits);
    fprintf(out, "{\"number\":%zu,\"kind\":\"%s\"", value_number(v), is_leaf(v) ? op_table[v->op].name : "op");
    print_field(out, "name", text.name);
    print_field(out, "data", text.data);
    if (!is_leaf(v)) {
        print_field(out, "op", op_table[v->op].name);
        print_field(out, "formula", text.expression);
        print_field(out, "numbers", text.numbers);
    }
    fprintf(out, ",\"wants\":%s}", v->needs_grad ? "true" : "false");
}

/* `by` is the function of the op table behind an edge; a bias has none, its derivative is always 1. */
static void print_edge(const Page *page, size_t e)
{
    static const char *const functions[] = {[VALUE_IN_A] = "_da", [VALUE_IN_B] = "_db", [VALUE_BIAS] = ""};
    char text[TEXT_SIZE];
    const PlayerEdge *edge = &page->pass.edges[e];
    const Value *child = page->pass.nodes[edge->child];
    const int digits = page->options.digits;
    fprintf(page->out, "{\"parent\":%zu,\"child\":%zu,\"operand\":%zu", edge->parent, edge->child, edge->operand);
    print_field(page->out, "formula", text_derivative(child, edge->operand, TEXT_NAMES, digits, text));
    print_number_field(page, "local", value_local_derivative(child, edge->operand));
    print_field(page->out, "by", functions[value_role(child, edge->operand)]);
    fputc('}', page->out);
}

static void print_push(const Page *page, const PlayerPush *push)
{
    fprintf(page->out, "{\"edge\":%zu", push->edge);
    print_number_field(page, "product", push->product);
    print_number_field(page, "before", push->before);
    print_number_field(page, "after", push->after);
    fputc('}', page->out);
}

static void print_step(const Page *page, size_t i)
{
    const PlayerStep *step = &page->pass.steps[i];
    fprintf(page->out, "{\"node\":%zu", step->node);
    print_number_field(page, "grad", step->grad);
    fputs(",\"pushes\":[", page->out);
    for (size_t p = 0; p < step->push_count; p++) {
        fputs(p > 0 ? "," : "", page->out);
        print_push(page, &page->pass.pushes[step->first_push + p]);
    }
    fputs("]}", page->out);
}

static bool uses_op(const PlayerSteps *pass, OpCode op)
{
    for (size_t i = 0; i < pass->node_count; i++)
        if (pass->nodes[i]->op == op)
            return true;
    return false;
}

static void print_ops(const Page *page)
{
    const char *separator = "";
    for (int op = OP_CONST + 1; op < OP_COUNT; op++) {
        if (!uses_op(&page->pass, (OpCode)op))
            continue;
        fprintf(page->out, "%s\"%s\":{\"why\":", separator, op_table[op].name);
        json_put_string(page->out, op_table[op].why != NULL ? op_table[op].why : "");
        print_field(page->out, "text", op_table[op].text);
        fputc('}', page->out);
        separator = ",\n";
    }
}

static void print_list(const Page *page, const char *name, size_t count, void (*print)(const Page *page, size_t i))
{
    fprintf(page->out, ",\n\"%s\":[", name);
    for (size_t i = 0; i < count; i++) {
        fputs(i > 0 ? ",\n" : "", page->out);
        print(page, i);
    }
    fputs("]", page->out);
}

static void print_steps(const Page *page)
{
    fputs("{\"ops\":{", page->out);
    print_ops(page);
    fputs("}", page->out);
    print_list(page, "nodes", page->pass.node_count, print_node);
    print_list(page, "edges", page->pass.edge_count, print_edge);
    print_list(page, "steps", page->pass.step_count, print_step);
    fputs("}", page->out);
}

/* ---- the page ---------------------------------------------------------------------------------------------------- */

static void print_lines(FILE *out, const char *const *lines)
{
    for (; *lines != NULL; lines++)
        fputs(*lines, out);
}

static void print_title(const Page *page)
{
    char text[TEXT_SIZE];
    escape_put(page->out, ESCAPE_XML, text_name(root_of(page), TEXT_NAME_LONG, text));
    fputs(is_leaf(root_of(page)) ? ": " : " = ", page->out);
    escape_put(page->out, ESCAPE_XML, text_expression(root_of(page), TEXT_NAMES, page->options.digits, text));
}

/* The page's policy allows only scripts and styles that carry this nonce. It is made from the names and numbers, so
 * that the same graph gives the same bytes. */
static void print_nonce(const Page *page)
{
    uint64_t checksum = FNV1A_START;
    for (size_t i = 0; i < page->pass.node_count; i++) {
        const Value *v = page->pass.nodes[i];
        checksum = fnv1a(checksum, (const char *)&v->data, sizeof v->data);
        if (v->label != NULL)
            checksum = fnv1a(checksum, v->label, strlen(v->label));
    }
    fprintf(page->out, "%016" PRIx64, checksum);
}

/* Print a line of the frame, with what its {NAME} stands for. */
static void print_page_line(const Page *page, const char *line)
{
    static const char *const names[] = {"{TITLE}", "{NONCE}", "{STYLE}", "{SCRIPT}", "{GRAPH}", "{STEPS}"};
    FILE *out = page->out;
    while (*line != '\0') {
        size_t name = 0;
        while (name < sizeof names / sizeof *names && strncmp(line, names[name], strlen(names[name])) != 0)
            name++;
        switch (name) {
        case 0: print_title(page); break;
        case 1: print_nonce(page); break;
        case 2: print_lines(out, player_page_css); break;
        case 3: print_lines(out, player_page_js); break;
        case 4: print_picture(page); break;
        case 5: print_steps(page); break;
        default: fputc(*line++, out); continue;
        }
        line += strlen(names[name]);
    }
}

static PlayerOptions with_defaults(const PlayerOptions *options, Where where)
{
    PlayerOptions filled = options != NULL ? *options : (PlayerOptions){0};
    if (filled.digits < 0 || filled.digits > 17)
        misuse(where, "player_write: digits is %d. A double has 1 to 17 significant digits; 0 is %d.", filled.digits,
               TEXT_DIGITS);
    if (filled.digits == 0)
        filled.digits = TEXT_DIGITS;
    return filled;
}

/* Room for gradients that are longer during the pass than at its end. A bold digit of 13 points is 9.05 points wide in
 * DejaVu Sans, the widest font that browsers commonly take for Helvetica. */
static int grad_width(const Page *page)
{
    enum { POINTS_PER_CHARACTER = 10 };
    size_t most = 0;
    for (size_t i = 0; i < page->pass.push_count; i++) {
        char now[NUMBER_SIZE], end[NUMBER_SIZE];
        const PlayerPush *push = &page->pass.pushes[i];
        text_number(push->after, page->options.digits, now);
        text_number(page->pass.grads[page->pass.edges[push->edge].parent], page->options.digits, end);
        if (strlen(now) > strlen(end) && strlen(now) > most)
            most = strlen(now);
    }
    return (int)most * POINTS_PER_CHARACTER;
}

/* NULL where dot cannot draw it, for whatever reason. */
static char *draw_picture(const Page *page, const char *path, Where where)
{
    const DotOptions options = {.digits = page->options.digits,
                                .seconds = SECONDS_OF_DOT,
                                .grad_width = grad_width(page),
                                .max_span = DOT_SPAN_FAST};
    size_t length;
    return page->options.without_dot ? NULL
                                     : dot_picture_at(where, root_of(page), path, "svg", &length, &options, NULL);
}

bool player_write_at(Where where, Value *root, const char *path, const PlayerOptions *options, Error *error)
{
    Page page = {.options = with_defaults(options, where)};
    SafeFile safe;
    misuse_if_null(path, "player_write: the path", "Pass a file's name, such as \"L.html\".", where);
    if (!player_steps_record(&page.pass, root, PLAYER_MAX_NODES, error, where))
        return false;
    page.picture = draw_picture(&page, path, where);
    page.out = file_begin(&safe, path, error);
    for (const char *const *line = player_page_html; page.out != NULL && *line != NULL; line++)
        print_page_line(&page, *line);
    memory_free(page.picture);
    player_steps_free(&page.pass);
    return page.out != NULL && file_commit(&safe, error);
}
