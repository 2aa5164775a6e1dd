/* player.c - the backward player's page.
 *
 * The page is viz/player/player.html with the style and the scripts beside it inserted (the Makefile turns them into
 * player_page.c), the diagram that dot draws (dot.h), which the scripts bring to life, and the graph as JSON: the value
 * of each node and the local derivative of each edge, as the engine computed them. With these the page walks; when a
 * leaf is changed, it computes them itself by the functions of engine/ops.h, which it has as text. */
#include "player.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "backward.h"
#include "file.h"
#include "graph.h"
#include "graph/escape.h"
#include "graph/json.h"
#include "graph/text.h"
#include "memory.h"
#include "order.h"
#include "words.h"

/* The parts of the page, line by line, NULL at the end: made by the Makefile. */
extern const char *const player_page_html[],
    *const player_page_css[], *const player_page_js[], *const player_page_layout[], *const player_page_functions[];

enum { SECONDS_OF_DOT = 20 }; /* after that, if dot hangs, the page lays the graph out itself */

typedef struct Page {
    PlayerOptions options; /* with the defaults filled in */
    Value **nodes;         /* what root was computed from, in the order of creation; root is the last */
    size_t node_count;
    DotGroup *groups; /* those of the options, all open */
    char *picture;    /* dot's SVG, or NULL */
    FILE *out;
} Page;

static bool is_leaf(const Value *v) { return op_table[v->op].shape == SHAPE_LEAF; }

static Value *root_of(const Page *page) { return page->nodes[page->node_count - 1]; }

/* ---- the picture ------------------------------------------------------------------------------------------------- */

/* What of dot's SVG the page has no use for: its style gives the colours and its script the tips. */
static const struct {
    const char *begin, *end;
} superfluous[] = {
    {" fill=\"", "\""},        {" fill-opacity=\"", "\""}, {" stroke=\"", "\""},      {" stroke-width=\"", "\""},
    {" font-family=\"", "\""}, {" font-size=\"", "\""},    {" font-weight=\"", "\""}, {" text-anchor=\"start\"", ""},
    {"<!--", "-->\n"},         {"<title>", "</title>\n"},  {"<g id=\"a_", ">"},       {"<a ", ">\n"},
    {"</a>\n</g>\n", ""},
};

/* Where `svg` goes on after something superfluous that begins there, or `svg` itself. */
static const char *after_superfluous(const char *svg)
{
    for (size_t i = 0; i < sizeof superfluous / sizeof *superfluous; i++) {
        const size_t length = strlen(superfluous[i].begin);
        const char *end =
            strncmp(svg, superfluous[i].begin, length) == 0 ? strstr(svg + length, superfluous[i].end) : NULL;
        if (end != NULL)
            return end + strlen(superfluous[i].end);
    }
    return svg;
}

/* dot's SVG from its first tag on, or an empty one. */
static void print_picture(const Page *page)
{
    const char *tag = page->picture != NULL ? strstr(page->picture, "<svg ") : NULL;
    fputs("<svg id=\"graph\" role=\"img\" aria-labelledby=\"title\" ", page->out);
    if (tag == NULL)
        fputs("xmlns=\"http://www.w3.org/2000/svg\"></svg>\n", page->out);
    for (const char *at = tag != NULL ? tag + strlen("<svg ") : ""; *at != '\0';) {
        const char *next = after_superfluous(at);
        if (next == at)
            fputc(*next++, page->out);
        at = next;
    }
}

/* ---- the graph, as JSON ------------------------------------------------------------------------------------------ */

static void print_field(FILE *out, const char *name, const char *text)
{
    fprintf(out, ",\"%s\":", name);
    json_put_string(out, text);
}

/* As many digits as it takes to read the same number again. */
static void print_number(FILE *out, double x)
{
    char text[NUMBER_SIZE];
    if (isfinite(x))
        fputs(number_shortest(x, text), out);
    else
        json_put_number(out, x);
}

/* Inside an expression a long name is cut shorter. */
static void print_name(FILE *out, const Value *v)
{
    char name[TEXT_SIZE], inside[TEXT_SIZE];
    if (v->label == NULL || v->label[0] == '\0')
        return;
    print_field(out, "name", text_name(v, TEXT_NAME_LONG, name));
    if (strcmp(name, text_name(v, TEXT_NAME_SHORT, inside)) != 0)
        print_field(out, "inside", inside);
}

static void print_operands(FILE *out, const Value *v)
{
    char text[TEXT_SIZE];
    print_field(out, "op", op_table[v->op].name);
    print_field(out, "formula", text_expression(v, TEXT_PLACES, 0, text));
    fputs(v->has_bias ? ",\"bias\":true" : "", out);
    fputs(",\"parents\":[", out);
    for (size_t i = 0; i < value_parent_count(v); i++)
        fprintf(out, "%s%zu", i > 0 ? "," : "", value_number(value_parent(v, i)));
    fputs("],\"local\":[", out);
    for (size_t i = 0; i < value_parent_count(v); i++) {
        fputs(i > 0 ? "," : "", out);
        print_number(out, value_local_derivative(v, i));
    }
    fputs("]", out);
}

static void print_node(const Page *page, size_t i)
{
    const Value *v = page->nodes[i];
    fprintf(page->out, "{\"number\":%zu,\"kind\":\"%s\"", value_number(v), is_leaf(v) ? op_table[v->op].name : "op");
    print_name(page->out, v);
    fputs(v->needs_grad ? ",\"wants\":true" : "", page->out);
    fputs(",\"data\":", page->out);
    print_number(page->out, v->data);
    if (!is_leaf(v))
        print_operands(page->out, v);
    fputs("}", page->out);
}

static bool uses_op(const Page *page, OpCode op)
{
    for (size_t i = 0; i < page->node_count; i++)
        if (page->nodes[i]->op == op)
            return true;
    return false;
}

static void print_op(FILE *out, const OpInfo *op)
{
    char text[TEXT_SIZE];
    fprintf(out, "\"%s\":{\"why\":", op->name);
    json_put_string(out, op->why != NULL ? op->why : "");
    print_field(out, "text", op->text);
    fputs(op->list_forward != NULL ? ",\"takesLists\":true" : "", out);
    print_field(out, "da", text_formula_places(op->da_text, text));
    if (op->db != NULL)
        print_field(out, "db", text_formula_places(op->db_text, text));
    fputs("}", out);
}

static void print_ops(const Page *page)
{
    const char *separator = "";
    for (int op = OP_CONST + 1; op < OP_COUNT; op++) {
        if (!uses_op(page, (OpCode)op))
            continue;
        fputs(separator, page->out);
        print_op(page->out, &op_table[op]);
        separator = ",\n";
    }
}

static void print_group(const Page *page, size_t g)
{
    char name[TEXT_SIZE];
    const DotGroup *group = &page->options.groups[g];
    const Value named = {.label = group->name};
    fprintf(page->out, "{\"collapsed\":%s", group->collapsed ? "true" : "false");
    print_field(page->out, "name", named.label[0] != '\0' ? text_name(&named, TEXT_NAME_LONG, name) : "");
    if (group->inside != NULL)
        fprintf(page->out, ",\"inside\":%td", group->inside - page->options.groups);
    fprintf(page->out, ",\"first\":%zu,\"end\":%zu,\"members\":[", group->first, group->end);
    for (size_t i = 0; i < group->member_count; i++)
        fprintf(page->out, "%s%zu", i > 0 ? "," : "", value_number(group->members[i]));
    fputs("]}", page->out);
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

static void print_graph(const Page *page)
{
    fprintf(page->out, "{\"digits\":%d", page->options.digits);
    if (page->options.expression != NULL)
        print_field(page->out, "expression", page->options.expression);
    fputs(",\n\"ops\":{", page->out);
    print_ops(page);
    fputs("}", page->out);
    print_list(page, "nodes", page->node_count, print_node);
    print_list(page, "groups", page->options.group_count, print_group);
    fputs("}", page->out);
}

/* ---- the functions of the ops, as C ------------------------------------------------------------------------------ */

/* Whether a line defines a function of this op: "double tanh_da(double a, ..." */
static bool defines_function_of(const OpInfo *op, const char *line)
{
    const char *name = line + strlen("double ");
    const size_t length = strlen(op->name);
    return strncmp(name, op->name, length) == 0 && name[length] == '_' &&
           (name[length + 1] == 'f' || name[length + 1] == 'd');
}

/* Whether the function of a line is called in another one. */
static bool is_called_in(const char *caller, const char *line)
{
    char call[64];
    const char *name = line + strlen("double");
    snprintf(call, sizeof call, "%.*s(", (int)strcspn(name, "("), name);
    return strstr(caller, call) != NULL;
}

/* Print the functions that the ops of this graph need: their own, and those that these call, which stand above. */
static void print_functions(const Page *page)
{
    enum { FUNCTIONS_MOST = 512 };
    const char *const *lines = player_page_functions;
    bool wanted[FUNCTIONS_MOST] = {false};
    size_t count = 0;
    while (count < FUNCTIONS_MOST && lines[count] != NULL)
        count++;
    for (size_t i = count; i-- > 0;) {
        for (int op = OP_CONST + 1; op < OP_COUNT && !wanted[i]; op++)
            wanted[i] = defines_function_of(&op_table[op], lines[i]) && uses_op(page, (OpCode)op);
        for (size_t below = i + 1; below < count && !wanted[i]; below++)
            wanted[i] = wanted[below] && is_called_in(lines[below], lines[i]);
    }
    for (size_t i = 0; i < count; i++)
        fputs(wanted[i] ? lines[i] : "", page->out);
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
    for (size_t i = 0; i < page->node_count; i++) {
        const Value *v = page->nodes[i];
        checksum = fnv1a(checksum, (const char *)&v->data, sizeof v->data);
        if (v->label != NULL)
            checksum = fnv1a(checksum, v->label, strlen(v->label));
    }
    fprintf(page->out, "%016" PRIx64, checksum);
}

/* The page lays the graph out itself where dot did not. */
static void print_layout(const Page *page)
{
    if (page->picture == NULL)
        print_lines(page->out, player_page_layout);
}

static void print_style(const Page *page) { print_lines(page->out, player_page_css); }
static void print_script(const Page *page) { print_lines(page->out, player_page_js); }

/* Print a line of the frame, with what its {NAME} stands for. */
static void print_page_line(const Page *page, const char *line)
{
    static const struct {
        const char *name;
        void (*print)(const Page *page);
    } parts[] = {{"{TITLE}", print_title},   {"{NONCE}", print_nonce},   {"{STYLE}", print_style},
                 {"{GRAPH}", print_picture}, {"{NUMBERS}", print_graph}, {"{FUNCTIONS}", print_functions},
                 {"{LAYOUT}", print_layout}, {"{SCRIPT}", print_script}};
    const size_t count = sizeof parts / sizeof *parts;
    while (*line != '\0') {
        size_t part = 0;
        while (part < count && strncmp(line, parts[part].name, strlen(parts[part].name)) != 0)
            part++;
        if (part < count)
            parts[part].print(page);
        else
            fputc(*line, page->out);
        line += part < count ? strlen(parts[part].name) : 1;
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

/* Room for numbers that leaves dragged along give: as long as "-0.1235" with 4 digits. A digit of 13 points is 7.2
 * points wide in Helvetica; what is longer the page draws narrower. */
static int number_width(const PlayerOptions *options)
{
    enum { POINTS_PER_CHARACTER = 8, DIGITS_MOST = 8, SIGN_ZERO_AND_POINT = 3 };
    const int digits = options->digits < DIGITS_MOST ? options->digits : DIGITS_MOST;
    return (digits + SIGN_ZERO_AND_POINT) * POINTS_PER_CHARACTER;
}

/* The page opens and closes groups itself: dot draws them open. */
static DotGroup *open_groups(const PlayerOptions *options, Where where)
{
    DotGroup *groups = memory_alloc_array(options->group_count, sizeof *groups);
    for (size_t g = 0; groups != NULL && g < options->group_count; g++) {
        misuse_if_null(options->groups[g].name, "player_write: a group's name", "Give it a text.", where);
        for (size_t i = 0; i < options->groups[g].member_count; i++)
            value_check(options->groups[g].members[i], NULL, "player_write: a member of a group", where);
        groups[g] = options->groups[g];
        groups[g].collapsed = false;
        if (groups[g].inside != NULL)
            groups[g].inside = groups + (groups[g].inside - options->groups);
    }
    return groups;
}

/* NULL where dot cannot draw it, for whatever reason. */
static char *draw_picture(const Page *page, const char *path, Where where)
{
    const DotOptions options = {.digits = page->options.digits,
                                .seconds = SECONDS_OF_DOT,
                                .number_width = number_width(&page->options),
                                .max_span = DOT_SPAN_FAST,
                                .groups = page->groups,
                                .group_count = page->options.group_count};
    size_t length;
    return page->options.without_dot ? NULL
                                     : dot_picture_at(where, root_of(page), path, "svg", &length, &options, NULL);
}

/* The gradients of this pass alone, for dot. */
static void run_backward(const Page *page, Where where)
{
    for (size_t i = 0; i < page->node_count; i++)
        page->nodes[i]->grad = 0;
    if (root_of(page)->needs_grad)
        backward_at(root_of(page), 1.0, where);
}

static bool write_file(Page *page, const char *path, Error *error)
{
    SafeFile safe;
    page->out = file_begin(&safe, path, error);
    for (const char *const *line = player_page_html; page->out != NULL && *line != NULL; line++)
        print_page_line(page, *line);
    return page->out != NULL && file_commit(&safe, error);
}

static bool no_memory(Error *error)
{
    return error_set(error, "player: no memory for the page of this graph. Play a smaller graph.");
}

static bool write_page(Page *page, const char *path, Error *error, Where where)
{
    KeptGradients kept;
    if (page->node_count > PLAYER_MAX_NODES)
        return error_set(error,
                         "player: the graph has %zu nodes, and more than %d can neither be laid out nor read. Play a "
                         "smaller one: a single sample instead of a batch, a narrower layer, or a node inside as root.",
                         page->node_count, PLAYER_MAX_NODES);
    page->groups = open_groups(&page->options, where);
    if (page->groups == NULL || !graph_keep_gradients(&kept, value_graph(root_of(page))))
        return no_memory(error);
    run_backward(page, where);
    page->picture = draw_picture(page, path, where);
    const bool ok = write_file(page, path, error);
    graph_restore_gradients(&kept);
    return ok;
}

bool player_write_at(Where where, Value *root, const char *path, const PlayerOptions *options, Error *error)
{
    Page page = {.options = with_defaults(options, where)};
    misuse_if_null(path, "player_write: the path", "Pass a file's name, such as \"L.html\".", where);
    value_check(root, NULL, "player_write: root", where);
    if (root->op == OP_FAILED)
        return error_set(error, "player: there was no memory for the graph itself (see graph_ok).");
    page.nodes = graph_topological_order_at(root, &page.node_count, where);
    const bool ok = page.nodes != NULL ? write_page(&page, path, error, where) : no_memory(error);
    memory_free(page.picture);
    memory_free(page.groups);
    memory_free(page.nodes);
    return ok;
}
