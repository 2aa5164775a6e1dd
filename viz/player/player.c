/* player.c - the backward player's page. See player.h.
 *
 * The page is viz/player/player.html with player.css and player.js put in (the Makefile turns all three into
 * player_page.c), the picture as SVG, and the steps as JSON: all numbers are texts already, so what the script shows is
 * what the engine computed. */
#include "player.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "backward.h"
#include "file.h"
#include "graph/escape.h"
#include "graph/json.h"
#include "graph/text.h"
#include "graph/utf8.h"
#include "memory.h"
#include "player_layout.h"
#include "player_steps.h"
#include "words.h"

/* The parts of the page, line by line, NULL at the end: made by the Makefile. */
extern const char *const player_page_html[], *const player_page_css[], *const player_page_js[];

enum {
    TITLE_CHARACTERS = 120,
    EXPRESSION_CHARACTERS = 34, /* in a box; all of it stands in the tooltip and beside the picture */
    FORMULA_CHARACTERS = 22,    /* on an edge */
    PADDING = 12,               /* in a box */
    NODE_HEIGHT = 60,
    CONSTANT_HEIGHT = 34,
    NAMED_CONSTANT_HEIGHT = 50,
    LABEL_HEIGHT = 34,
    ARROW = 9,   /* length of an arrow's head */
    CAPTION = 34 /* width of "data" and "grad" */
};

/* Widths of a character of the page's fixed-width font, at the sizes of player.css; 0.61 em suits all that are common.
 */
static const double NAME_WIDTH = 15 * 0.61, EXPRESSION_WIDTH = 12.5 * 0.61, NUMBER_WIDTH = 14.5 * 0.61,
                    LABEL_WIDTH = 12 * 0.61;

/* ---- pieces ------------------------------------------------------------------------------------------------------ */

static void print_field(FILE *out, const char *name, const char *text)
{
    fprintf(out, ",\"%s\":", name);
    json_put_string(out, text);
}

/* A length in the picture: a tenth of a pixel is enough, and no comma whatever the locale. */
static void print_length(FILE *out, double pixels)
{
    const long tenths = lround(pixels * 10);
    fprintf(out, "%s%ld", tenths < 0 ? "-" : "", labs(tenths) / 10);
    if (tenths % 10 != 0)
        fprintf(out, ".%ld", labs(tenths) % 10);
}

/* `format` with each % replaced by the next length. */
static void print_lengths(FILE *out, const char *format, const double *lengths)
{
    for (const char *c = format; *c != '\0'; c++) {
        if (*c == '%')
            print_length(out, *lengths++);
        else
            fputc(*c, out);
    }
}

/* ---- what is on the page ----------------------------------------------------------------------------------------- */

typedef struct Page {
    PlayerOptions options; /* with the defaults filled in */
    PlayerSteps pass;
    Point *sizes, *labels; /* of boxes and of edges' labels */
    double *grad_widths;   /* per node: room for the widest gradient that it ever has */
    PlayerLayout layout;
    FILE *out;
} Page;

static bool is_leaf(const Value *v) { return op_table[v->op].shape == LEAF; }

static const Value *root_of(const Page *page) { return page->pass.nodes[page->pass.node_count - 1]; }

static const Value *child_of(const Page *page, const PlayerEdge *edge) { return page->pass.nodes[edge->child]; }

/* "L = d * f", or the kind of a leaf. */
static char *expression_in_box(const Page *page, const Value *v, char *text)
{
    text_expression(v, TEXT_CONSTANTS_AS_NUMBERS, page->options.digits, text);
    return utf8_cut(text, TEXT_SIZE, EXPRESSION_CHARACTERS);
}

/* The derivative on an edge: "∂=f=-2", and "∂=1" where formula and number are the same. */
static char *local_on_edge(const Page *page, const PlayerEdge *edge, char *text)
{
    char formula[TEXT_SIZE], number[TEXT_SIZE];
    const Value *child = child_of(page, edge);
    text_derivative(child, edge->operand, TEXT_CONSTANTS_AS_NUMBERS, page->options.digits, formula);
    text_number(value_local_derivative(child, edge->operand), page->options.digits, number);
    utf8_cut(formula, sizeof formula, FORMULA_CHARACTERS);
    const bool same = strcmp(formula, number) == 0;
    const bool compares = strpbrk(formula, "<>") != NULL; /* a > b = 1 would read as a chain */
    snprintf(text, TEXT_SIZE, "∂=%s%.200s%s%s%.100s", compares ? "(" : "", same ? "" : formula, compares ? ")" : "",
             same ? "" : "=", number);
    return text;
}

/* ---- sizes ------------------------------------------------------------------------------------------------------- */

static double number_width(const Page *page, double number)
{
    char text[TEXT_SIZE];
    return NUMBER_WIDTH * (double)utf8_columns(text_number(number, page->options.digits, text));
}

static void measure_gradients(Page *page)
{
    const PlayerSteps *pass = &page->pass;
    for (size_t i = 0; i < pass->node_count; i++)
        page->grad_widths[i] = number_width(page, pass->grads[i]);
    for (size_t i = 0; i < pass->push_count; i++) {
        double *width = &page->grad_widths[pass->edges[pass->pushes[i].edge].parent];
        *width = fmax(*width, number_width(page, pass->pushes[i].after));
    }
}

static bool has_name(const Value *v) { return v->label != NULL && v->label[0] != '\0'; }

static Point size_of_constant(const Page *page, const Value *v)
{
    char text[TEXT_SIZE];
    const double name = has_name(v) ? NAME_WIDTH * (double)utf8_columns(text_name(v, TEXT_NAME_SHORT, text)) : 0;
    return (Point){fmax(name, number_width(page, v->data)) + 2 * PADDING,
                   has_name(v) ? NAMED_CONSTANT_HEIGHT : CONSTANT_HEIGHT};
}

static double width_of_heading(const Page *page, const Value *v)
{
    char text[TEXT_SIZE];
    const double name = NAME_WIDTH * (double)utf8_columns(text_name(v, TEXT_NAME_SHORT, text));
    return name + EXPRESSION_WIDTH * (3 + (double)utf8_columns(expression_in_box(page, v, text)));
}

static double width_of_data(const Page *page, const Value *v) { return CAPTION + number_width(page, v->data); }

static Point size_of_node(const Page *page, size_t i)
{
    const Value *v = page->pass.nodes[i];
    if (v->op == OP_CONST)
        return size_of_constant(page, v);
    const double grad = v->needs_grad ? CAPTION + page->grad_widths[i] + 2 * PADDING : 0;
    return (Point){fmax(width_of_heading(page, v), width_of_data(page, v) + grad) + 2 * PADDING, NODE_HEIGHT};
}

static void measure_boxes(Page *page)
{
    char text[TEXT_SIZE];
    const PlayerSteps *pass = &page->pass;
    measure_gradients(page);
    for (size_t i = 0; i < pass->node_count; i++)
        page->sizes[i] = size_of_node(page, i);
    for (size_t e = 0; e < pass->edge_count; e++)
        page->labels[e] =
            (Point){LABEL_WIDTH * (1 + (double)utf8_columns(local_on_edge(page, &pass->edges[e], text))), LABEL_HEIGHT};
    for (size_t i = 0; i < pass->push_count; i++) {
        double *width = &page->labels[pass->pushes[i].edge].x;
        text_number(pass->pushes[i].product, page->options.digits, text);
        *width = fmax(*width, LABEL_WIDTH * (4 + (double)utf8_columns(text)));
    }
}

/* ---- the picture ------------------------------------------------------------------------------------------------- */

static void print_text(FILE *out, const char *class_name, double x, double y, const char *text)
{
    print_lengths(out, "<text x=\"%\" y=\"%\"", (double[]){x, y});
    fprintf(out, " class=\"%s\">", class_name);
    escape_put(out, ESCAPE_XML, text);
    fputs("</text>", out);
}

/* A cubic curve's end, pointing to the box. */
static void print_arrow(FILE *out, const Point *points, size_t count)
{
    const Point tip = points[count - 1];
    double x = tip.x - points[count - 2].x, y = tip.y - points[count - 2].y;
    const double length = hypot(x, y);
    x = length > 0 ? x / length : 1;
    y = length > 0 ? y / length : 0;
    const Point base = {tip.x - ARROW * x, tip.y - ARROW * y};
    const double half = ARROW * 0.42;
    print_lengths(out, "<path class=\"tip\" d=\"M% %L% %L% %z\"/>",
                  (double[]){tip.x, tip.y, base.x - half * y, base.y + half * x, base.x + half * y, base.y - half * x});
}

static void print_edge(const Page *page, size_t e)
{
    const PlayerLine *line = &page->layout.lines[e];
    const Point *points = page->layout.points + line->first_point;
    FILE *out = page->out;
    fprintf(out, "<g class=\"edge\" id=\"e%zu\"><path class=\"wire\" d=\"", e);
    for (size_t i = 0; i < line->point_count; i++)
        print_lengths(out, i == 0 ? "M% %" : i == 1 ? "C% %" : " % %", (double[]){points[i].x, points[i].y});
    fputs("\"/>", out);
    print_arrow(out, points, line->point_count);
    fputs("</g>\n", out);
}

/* Apart from the lines, so that no line crosses a label. */
static void print_edge_label(const Page *page, size_t e)
{
    char text[TEXT_SIZE];
    const PlayerEdge *edge = &page->pass.edges[e];
    const Point middle = page->layout.lines[e].label;
    if (!page->pass.nodes[edge->parent]->needs_grad)
        return;
    fprintf(page->out, "<g class=\"edge\" id=\"l%zu\">", e);
    print_text(page->out, "local", middle.x, middle.y - 3, local_on_edge(page, edge, text));
    print_text(page->out, "adds", middle.x, middle.y + 12, "");
    fputs("</g>\n", page->out);
}

/* The kinds of node differ in shape: a param has a double frame, an input a folded corner, a constant is a pill, and
 * what was computed has round corners. */
static void print_frame(const Page *page, const Value *v, Point middle, Point size)
{
    FILE *out = page->out;
    const double left = middle.x - size.x / 2, top = middle.y - size.y / 2;
    const double fold = 11;
    if (v->op == OP_INPUT) {
        print_lengths(out, "<path class=\"frame\" d=\"M% %h%l% %v%h%z\"/><path class=\"fold\" d=\"M% %v%h%\"/>",
                      (double[]){left, top, size.x - fold, fold, fold, size.y - fold, -size.x, left + size.x - fold,
                                 top, fold, fold});
        return;
    }
    const double radius = v->op == OP_PARAM ? 2 : v->op == OP_CONST ? size.y / 2 : 11;
    print_lengths(out, "<rect class=\"frame\" x=\"%\" y=\"%\" width=\"%\" height=\"%\" rx=\"%\"/>",
                  (double[]){left, top, size.x, size.y, radius});
    if (v->op == OP_PARAM)
        print_lengths(out, "<rect class=\"inner\" x=\"%\" y=\"%\" width=\"%\" height=\"%\"/>",
                      (double[]){left + 3.5, top + 3.5, size.x - 7, size.y - 7});
}

static void print_constant(const Page *page, const Value *v, Point middle)
{
    char text[TEXT_SIZE];
    if (has_name(v))
        print_text(page->out, "name mid", middle.x, middle.y - 4, text_name(v, TEXT_NAME_SHORT, text));
    print_text(page->out, "data mid", middle.x, middle.y + (has_name(v) ? 14 : 5),
               text_number(v->data, page->options.digits, text));
}

static void print_heading(const Page *page, const Value *v, double left, double y)
{
    char text[TEXT_SIZE];
    FILE *out = page->out;
    print_lengths(out, "<text class=\"name\" x=\"%\" y=\"%\">", (double[]){left, y});
    escape_put(out, ESCAPE_XML, text_name(v, TEXT_NAME_SHORT, text));
    fprintf(out, "<tspan class=\"expression\">%s", is_leaf(v) ? "  " : " = ");
    escape_put(out, ESCAPE_XML, expression_in_box(page, v, text));
    fputs("</tspan></text>", out);
}

/* "L = d * f = 4 * -2 = -8", the tooltip */
static void print_tooltip(const Page *page, const Value *v)
{
    char text[TEXT_SIZE];
    FILE *out = page->out;
    fputs("<title>", out);
    escape_put(out, ESCAPE_XML, text_name(v, TEXT_NAME_LONG, text));
    fputs(is_leaf(v) ? ", " : " = ", out);
    escape_put(out, ESCAPE_XML, text_expression(v, TEXT_NAMES, page->options.digits, text));
    fputs(" = ", out);
    if (!is_leaf(v)) {
        escape_put(out, ESCAPE_XML, text_expression(v, TEXT_NUMBERS, page->options.digits, text));
        fputs(" = ", out);
    }
    escape_put(out, ESCAPE_XML, text_number(v->data, page->options.digits, text));
    fputs("</title>", out);
}

static const char *kind_of(const Value *v) { return is_leaf(v) ? op_table[v->op].name : "op"; }

static void print_node(const Page *page, size_t i)
{
    char text[TEXT_SIZE];
    FILE *out = page->out;
    const Value *v = page->pass.nodes[i];
    const Point middle = page->layout.boxes[i], size = page->sizes[i];
    const double left = middle.x - size.x / 2 + PADDING, right = middle.x + size.x / 2 - PADDING;
    fprintf(out, "<g class=\"node %s%s\" id=\"n%zu\">", kind_of(v), v == root_of(page) ? " root" : "", i);
    print_tooltip(page, v);
    print_frame(page, v, middle, size);
    if (v->op == OP_CONST) {
        print_constant(page, v, middle);
    } else {
        print_heading(page, v, left, middle.y - 7);
        print_text(out, "caption", left, middle.y + 18, "data");
        print_text(out, "data", left + CAPTION, middle.y + 18, text_number(v->data, page->options.digits, text));
    }
    if (v->needs_grad) {
        const double grad = right - page->grad_widths[i];
        print_lengths(out, "<rect class=\"pad\" x=\"%\" y=\"%\" width=\"%\" height=\"22\" rx=\"5\"/>",
                      (double[]){grad - CAPTION - 5, middle.y + 2, right - grad + CAPTION + 10});
        print_text(out, "caption of-grad", grad - CAPTION, middle.y + 18, "grad");
        print_text(out, "grad", right, middle.y + 18, text_number(page->pass.grads[i], page->options.digits, text));
    }
    fputs("</g>\n", out);
}

static void print_picture(const Page *page)
{
    FILE *out = page->out;
    const Point size = page->layout.size;
    print_lengths(out, "<svg id=\"graph\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 % %\" width=\"%\" ",
                  (double[]){size.x, size.y, size.x});
    print_lengths(out, "height=\"%\" role=\"img\" aria-labelledby=\"title\">\n", (double[]){size.y});
    for (size_t e = 0; e < page->pass.edge_count; e++)
        print_edge(page, e);
    for (size_t e = 0; e < page->pass.edge_count; e++)
        print_edge_label(page, e);
    for (size_t i = 0; i < page->pass.node_count; i++)
        print_node(page, i);
    fputs("</svg>", out);
}

/* ---- the steps, as JSON ------------------------------------------------------------------------------------------ */

static void print_number_field(const Page *page, const char *name, double number)
{
    char text[TEXT_SIZE];
    print_field(page->out, name, text_number(number, page->options.digits, text));
}

static void print_node_json(const Page *page, size_t i)
{
    char text[TEXT_SIZE];
    FILE *out = page->out;
    const Value *v = page->pass.nodes[i];
    fprintf(out, "{\"kind\":\"%s\"", kind_of(v));
    print_field(out, "name", text_name(v, TEXT_NAME_LONG, text));
    print_number_field(page, "data", v->data);
    if (!is_leaf(v)) {
        print_field(out, "op", op_table[v->op].name);
        print_field(out, "formula", text_expression(v, TEXT_NAMES, page->options.digits, text));
        print_field(out, "numbers", text_expression(v, TEXT_NUMBERS, page->options.digits, text));
    }
    fprintf(out, ",\"wants\":%s}", v->needs_grad ? "true" : "false");
}

/* The function of the op table behind an edge; a bias has none, its derivative is always 1. */
static const char *derivative_of(const Value *child, size_t operand)
{
    static const char *const functions[] = {[VALUE_IN_A] = "_da", [VALUE_IN_B] = "_db", [VALUE_BIAS] = ""};
    return functions[value_role(child, operand)];
}

static void print_edge_json(const Page *page, size_t e)
{
    char text[TEXT_SIZE];
    FILE *out = page->out;
    const PlayerEdge *edge = &page->pass.edges[e];
    const Value *child = child_of(page, edge);
    fprintf(out, "{\"parent\":%zu,\"child\":%zu", edge->parent, edge->child);
    print_field(out, "formula", text_derivative(child, edge->operand, TEXT_NAMES, page->options.digits, text));
    print_field(out, "numbers", text_derivative(child, edge->operand, TEXT_NUMBERS, page->options.digits, text));
    print_number_field(page, "local", value_local_derivative(child, edge->operand));
    print_field(out, "by", derivative_of(child, edge->operand));
    fputc('}', out);
}

static void print_push_json(const Page *page, const PlayerPush *push)
{
    fprintf(page->out, "{\"edge\":%zu", push->edge);
    print_number_field(page, "product", push->product);
    print_number_field(page, "before", push->before);
    print_number_field(page, "after", push->after);
    fputc('}', page->out);
}

static void print_step_json(const Page *page, const PlayerStep *step)
{
    fprintf(page->out, "{\"node\":%zu", step->node);
    print_number_field(page, "grad", step->grad);
    fputs(",\"pushes\":[", page->out);
    for (size_t i = 0; i < step->push_count; i++) {
        fputs(i > 0 ? "," : "", page->out);
        print_push_json(page, &page->pass.pushes[step->first_push + i]);
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

static void print_ops_json(const Page *page)
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

static void print_steps(const Page *page)
{
    FILE *out = page->out;
    fputs("{\"ops\":{", out);
    print_ops_json(page);
    fputs("},\n\"nodes\":[", out);
    for (size_t i = 0; i < page->pass.node_count; i++) {
        fputs(i > 0 ? ",\n" : "", out);
        print_node_json(page, i);
    }
    fputs("],\n\"edges\":[", out);
    for (size_t e = 0; e < page->pass.edge_count; e++) {
        fputs(e > 0 ? ",\n" : "", out);
        print_edge_json(page, e);
    }
    fputs("],\n\"steps\":[", out);
    for (size_t i = 0; i < page->pass.step_count; i++) {
        fputs(i > 0 ? ",\n" : "", out);
        print_step_json(page, &page->pass.steps[i]);
    }
    fputs("]}", out);
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
    if (page->options.title != NULL && page->options.title[0] != '\0') {
        const Value named = {.label = page->options.title};
        escape_put(page->out, ESCAPE_XML, text_name(&named, TITLE_CHARACTERS, text));
        return;
    }
    escape_put(page->out, ESCAPE_XML, text_name(root_of(page), TEXT_NAME_LONG, text));
    fputs(is_leaf(root_of(page)) ? ": " : " = ", page->out);
    escape_put(page->out, ESCAPE_XML, text_expression(root_of(page), TEXT_NAMES, page->options.digits, text));
}

/* The page's policy lets only scripts and styles run that carry this word; from the names and numbers, so that the same
 * graph gives the same bytes. */
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

/* All that can fail before there is a file. */
static bool page_prepare(Page *page, Value *root, Error *error, Where where)
{
    if (!player_steps_record(&page->pass, root, PLAYER_MAX_NODES, error, where))
        return false;
    const size_t nodes = page->pass.node_count, edges = page->pass.edge_count;
    page->sizes = memory_alloc_array(nodes, sizeof *page->sizes);
    page->labels = memory_alloc_array(edges + 1, sizeof *page->labels);
    page->grad_widths = memory_alloc_array(nodes, sizeof *page->grad_widths);
    if (page->sizes == NULL || page->labels == NULL || page->grad_widths == NULL)
        return error_set(error, "player: no memory for a page of %zu nodes. Play a smaller graph.", nodes);
    measure_boxes(page);
    return player_layout_find(&page->layout, &page->pass, page->sizes, page->labels, !page->options.without_dot, error);
}

static void page_free(Page *page)
{
    player_steps_free(&page->pass);
    player_layout_free(&page->layout);
    memory_free(page->sizes);
    memory_free(page->labels);
    memory_free(page->grad_widths);
}

bool player_write_at(Where where, Value *root, const char *path, const PlayerOptions *options, Error *error)
{
    Page page = {.options = with_defaults(options, where)};
    SafeFile safe;
    bool ok = page_prepare(&page, root, error, where);
    if (ok)
        ok = (page.out = file_begin(&safe, path, error)) != NULL;
    if (ok) {
        for (const char *const *line = player_page_html; *line != NULL; line++)
            print_page_line(&page, *line);
        ok = file_commit(&safe, error);
    }
    page_free(&page);
    return ok;
}
