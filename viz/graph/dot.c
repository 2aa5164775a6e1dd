/* dot.c - the computation graph in the DOT language. See dot.h.
 *
 * First a View decides what is drawn: which nodes of root's cone, and in which box each of them appears. Then it is
 * printed: nodes frame by frame, edges, legend. Every loop goes over the topological order; nothing is recursive. */
#include "dot.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "escape.h"
#include "file.h"
#include "memory.h"
#include "order.h"
#include "text.h"
#include "utf8.h"

enum {
    NO_GROUP = -1,
    ID_SIZE = 24,            /* of a box: a letter and a number of 20 digits */
    FORMULA_CHARACTERS = 32, /* of a derivative on an edge; the whole of it is in the tooltip */
    THINNEST = 1,            /* pen widths of edges, in points */
    WIDEST = 4,
    LARGE = 300,         /* nodes: what dot draws in a second without being hurried */
    LONG = DOT_SPAN_FAST /* ranks that all edges cross: the same */
};

/* ---- themes ------------------------------------------------------------------------------------------------------ */

/* Blue and orange are told apart with every common kind of colour blindness (Okabe & Ito's palette). */
typedef struct Theme {
    const char *paper, *ink, *faint, *line; /* background, text, lesser text, lines */
    const char *positive, *negative, *unsound;
    const char *param, *input, *constant, *computed; /* fills */
    const char *frame;                               /* fill of a group's frame; frames inside frames add up */
} Theme;

static const Theme themes[] = {
    [DOT_LIGHT] = {.paper = "#ffffff",
                   .ink = "#1f2328",
                   .faint = "#656d76",
                   .line = "#6e7781",
                   .positive = "#0072b2",
                   .negative = "#d55e00",
                   .unsound = "#b0006d",
                   .param = "#f1edfa",
                   .input = "#e9f5ee",
                   .constant = "#f3f4f6",
                   .computed = "#ffffff",
                   .frame = "#8c959f12"},
    [DOT_DARK] = {.paper = "#0d1117",
                  .ink = "#e6edf3",
                  .faint = "#9da7b3",
                  .line = "#8b949e",
                  .positive = "#56b4e9",
                  .negative = "#f0a030",
                  .unsound = "#ff7ac6",
                  .param = "#29213f",
                  .input = "#15302a",
                  .constant = "#21262d",
                  .computed = "#161b22",
                  .frame = "#8b949e16"},
    [DOT_PRINT] = {.paper = "#ffffff",
                   .ink = "#000000",
                   .faint = "#000000",
                   .line = "#000000",
                   .positive = "#000000",
                   .negative = "#000000",
                   .unsound = "#000000",
                   .param = "#ffffff",
                   .input = "#ffffff",
                   .constant = "#ffffff",
                   .computed = "#ffffff",
                   .frame = "#ffffff"},
};

static const char *sign_colour(const Theme *theme, double x)
{
    return isnan(x) ? theme->unsound : x > 0 ? theme->positive : x < 0 ? theme->negative : theme->faint;
}

/* ---- what is drawn ----------------------------------------------------------------------------------------------- */

/* A node of root's cone. */
typedef struct Node {
    Value *value;
    size_t depth;    /* edges from root, by the shortest way */
    size_t rank;     /* edges from the leaves, by the longest way; a leaf stands right before its first child */
    ptrdiff_t group; /* the innermost, or NO_GROUP */
    bool kept;       /* neither too deep nor off the paths from `through` */
    bool folded;     /* a constant whose number is in the text of its children instead */
} Node;

/* What is drawn as one thing: a node, or a collapsed group. */
typedef struct Box {
    const Node *node; /* NULL for a group */
    ptrdiff_t group;
} Box;

/* Operand number `operand` of the node `child`, as drawn between two boxes. */
typedef struct Edge {
    Box from, to;
    const Node *child;
    size_t operand;
} Edge;

typedef struct View {
    DotOptions options; /* with the defaults filled in */
    const Theme *theme;
    FILE *out;
    Value **order; /* root's cone in topological order */
    Node *nodes;   /* beside it */
    size_t count;
    Edge *merged; /* edges of collapsed groups, those between the same two boxes side by side */
    size_t merged_count, merged_capacity;
    size_t *frame_boxes;             /* per group: boxes drawn inside, at any depth */
    size_t drawn_nodes, drawn_edges; /* boxes and stubs; arrows */
    size_t span;                     /* ranks that all edges cross */
    bool gradients;                  /* there was a backward pass, and its numbers are wanted */
    double largest;                  /* |contribution| of an edge */
} View;

static Node *find_node(const View *view, const Value *v)
{
    const size_t i = order_find(view->order, view->count, v);
    return i < view->count ? &view->nodes[i] : NULL;
}

static ptrdiff_t group_around(const View *view, ptrdiff_t group)
{
    const DotGroup *inside = view->options.groups[group].inside;
    return inside == NULL ? NO_GROUP : inside - view->options.groups;
}

/* The outermost collapsed group around `group`, itself included, or NO_GROUP. */
static ptrdiff_t collapsed_group(const View *view, ptrdiff_t group)
{
    ptrdiff_t found = NO_GROUP;
    for (; group != NO_GROUP; group = group_around(view, group))
        if (view->options.groups[group].collapsed)
            found = group;
    return found;
}

static bool is_visible(const Node *node) { return node->kept && !node->folded; }

static Box box_of(const View *view, const Node *node)
{
    const ptrdiff_t group = collapsed_group(view, node->group);
    return group != NO_GROUP ? (Box){NULL, group} : (Box){node, NO_GROUP};
}

static bool is_group(Box box) { return box.node == NULL; }

static int compare_boxes(Box a, Box b)
{
    if (is_group(a) != is_group(b))
        return is_group(a) ? 1 : -1;
    return is_group(a) ? (a.group > b.group) - (a.group < b.group) : (a.node > b.node) - (a.node < b.node);
}

/* The edge of an operand; false when it is not drawn. */
static bool find_edge(const View *view, const Node *child, size_t operand, Edge *edge)
{
    const Node *parent = find_node(view, value_parent(child->value, operand));
    if (!is_visible(child) || !is_visible(parent))
        return false;
    *edge = (Edge){box_of(view, parent), box_of(view, child), child, operand};
    return !(is_group(edge->from) && compare_boxes(edge->from, edge->to) == 0);
}

static bool is_merged(const Edge *edge) { return is_group(edge->from) || is_group(edge->to); }

/* How many operands of a visible node are cut off; inside a collapsed group none is shown. */
static size_t count_cut(const View *view, const Node *node)
{
    size_t cut = 0;
    if (!is_visible(node) || is_group(box_of(view, node)))
        return 0;
    for (size_t i = 0; i < value_parent_count(node->value); i++)
        cut += !find_node(view, value_parent(node->value, i))->kept;
    return cut;
}

/* ---- choosing ---------------------------------------------------------------------------------------------------- */

static void check_options(const DotOptions *options, Where where)
{
    if (options->digits < 0 || options->digits > 17)
        misuse(where, "dot: digits is %d. A double has 1 to 17 significant digits; 0 is %d.", options->digits,
               TEXT_DIGITS);
    if (options->group_count > 0)
        misuse_if_null(options->groups, "dot: groups", "Give an array of group_count groups.", where);
    for (size_t i = 0; i < options->group_count; i++) {
        const DotGroup *group = &options->groups[i];
        if (group->name == NULL || (group->members == NULL && group->member_count > 0))
            misuse(where, "dot: groups[%zu] has no %s.", i, group->name == NULL ? "name" : "members, only a count");
        if (group->inside != NULL && (group->inside < options->groups || group->inside >= group))
            misuse(where, "dot: groups[%zu] (%s) is inside something that is not an earlier element of groups.", i,
                   group->name);
        for (size_t j = 0; j < group->member_count; j++)
            value_check(group->members[j], NULL, "dot: a member of a group", where);
    }
}

static DotOptions with_defaults(const DotOptions *options)
{
    DotOptions filled = options != NULL ? *options : (DotOptions){0};
    if (filled.digits == 0)
        filled.digits = TEXT_DIGITS;
    if (filled.max_depth == 0)
        filled.max_depth = SIZE_MAX;
    if (filled.max_nodes == 0)
        filled.max_nodes = DOT_MAX_NODES;
    return filled;
}

static void assign_groups(View *view)
{
    for (size_t g = 0; g < view->options.group_count; g++) {
        const DotGroup *group = &view->options.groups[g];
        for (size_t i = 0; i < view->count; i++) {
            const size_t number = value_number(view->nodes[i].value);
            if (number >= group->first && number < group->end)
                view->nodes[i].group = (ptrdiff_t)g;
        }
        for (size_t i = 0; i < group->member_count; i++) {
            Node *node = find_node(view, group->members[i]);
            if (node != NULL)
                node->group = (ptrdiff_t)g;
        }
    }
}

/* Children come after their parents in the order, so going backwards a node's depth is final when its turn comes. */
static void measure_depths(View *view)
{
    for (size_t i = 0; i < view->count; i++)
        view->nodes[i].depth = SIZE_MAX;
    view->nodes[view->count - 1].depth = 0;
    for (size_t i = view->count; i-- > 0;) {
        for (size_t p = 0; p < value_parent_count(view->nodes[i].value); p++) {
            Node *parent = find_node(view, value_parent(view->nodes[i].value, p));
            if (parent->depth > view->nodes[i].depth + 1)
                parent->depth = view->nodes[i].depth + 1;
        }
    }
}

/* Keep what depends on `through`, and it; everything when that is NULL. */
static void keep_paths(View *view)
{
    const Value *through = view->options.through;
    for (size_t i = 0; i < view->count; i++) {
        Node *node = &view->nodes[i];
        node->kept = through == NULL || node->value == through;
        for (size_t p = 0; p < value_parent_count(node->value) && !node->kept; p++)
            node->kept = find_node(view, value_parent(node->value, p))->kept;
    }
}

/* A constant can hide when the text of each of its children shows its number. */
static void fold_constants(View *view)
{
    for (size_t i = 0; i + 1 < view->count; i++)
        view->nodes[i].folded = view->options.hide_constants && view->nodes[i].value->op == OP_CONST &&
                                view->nodes[i].value != view->options.through;
    for (size_t i = 0; i < view->count; i++) {
        const Value *child = view->nodes[i].value;
        if (text_shows_all_operands(child))
            continue;
        for (size_t p = 0; p < value_parent_count(child); p++)
            find_node(view, value_parent(child, p))->folded = false;
    }
}

static void choose_nodes(View *view)
{
    measure_depths(view);
    keep_paths(view);
    for (size_t i = 0; i < view->count; i++) {
        view->nodes[i].kept = view->nodes[i].kept && view->nodes[i].depth <= view->options.max_depth;
        view->gradients = view->gradients || (!view->options.values_only && view->nodes[i].value->grad != 0);
    }
    fold_constants(view);
}

/* Count boxes, per frame too. A collapsed group has many nodes and is one box. */
static bool count_boxes(View *view)
{
    const size_t groups = view->options.group_count;
    view->frame_boxes = memory_alloc_array(groups, sizeof *view->frame_boxes);
    if (view->frame_boxes == NULL)
        return false;
    memset(view->frame_boxes, 0, groups * sizeof *view->frame_boxes);
    for (size_t i = 0; i < view->count; i++) {
        const Node *node = &view->nodes[i];
        if (!is_visible(node))
            continue;
        const ptrdiff_t collapsed = collapsed_group(view, node->group);
        const bool seen_before = collapsed != NO_GROUP && view->frame_boxes[collapsed] > 0;
        for (ptrdiff_t g = node->group; g != NO_GROUP; g = group_around(view, g))
            view->frame_boxes[g]++;
        view->drawn_nodes += !seen_before;
        view->drawn_nodes += count_cut(view, node) > 0; /* a stub */
        view->drawn_edges += count_cut(view, node) > 0;
    }
    return true;
}

static int compare_edges(const void *left, const void *right)
{
    const Edge *a = left, *b = right;
    int order = compare_boxes(a->from, b->from);
    if (order == 0)
        order = compare_boxes(a->to, b->to);
    if (order == 0)
        order = (a->child > b->child) - (a->child < b->child);
    return order != 0 ? order : (a->operand > b->operand) - (a->operand < b->operand);
}

/* How many of the merged edges from number `first` on lie between the same two boxes. */
static size_t merged_span(const View *view, size_t first)
{
    size_t count = 1;
    while (first + count < view->merged_count &&
           compare_boxes(view->merged[first].from, view->merged[first + count].from) == 0 &&
           compare_boxes(view->merged[first].to, view->merged[first + count].to) == 0)
        count++;
    return count;
}

static double edge_contribution(const Edge *edge) { return value_push(edge->child->value, edge->operand); }

/* What all the edges of a span add to the one node that they come from. */
static double span_contribution(const Edge *edges, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += edge_contribution(&edges[i]);
    return sum;
}

static const Value *parent_of(const Edge *edge) { return value_parent(edge->child->value, edge->operand); }

/* Whether all edges of a span come from one node, so that their contributions add up to something. */
static bool has_one_target(const Edge *edges, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (parent_of(&edges[i]) != parent_of(edges))
            return false;
    return true;
}

static void note_contribution(View *view, double contribution)
{
    if (isfinite(contribution) && fabs(contribution) > view->largest)
        view->largest = fabs(contribution);
}

static bool add_merged(View *view, Edge edge)
{
    Edge *list = memory_grow(view->merged, view->merged_count + 1, &view->merged_capacity, sizeof *list);
    if (list == NULL)
        return false;
    view->merged = list;
    view->merged[view->merged_count++] = edge;
    return true;
}

/* dot takes a detour for every rank that an edge crosses: these make it slow, and not the edges themselves. */
static void measure_span(View *view)
{
    Edge edge;
    for (size_t i = 0; i < view->count; i++) {
        Node *node = &view->nodes[i];
        node->rank = op_table[node->value->op].shape == SHAPE_LEAF ? SIZE_MAX : 1;
        for (size_t p = 0; p < value_parent_count(node->value); p++) {
            const Node *parent = find_node(view, value_parent(node->value, p));
            if (parent->rank != SIZE_MAX && parent->rank >= node->rank)
                node->rank = parent->rank + 1;
        }
    }
    for (size_t i = 0; i < view->count; i++)
        for (size_t p = 0; p < value_parent_count(view->nodes[i].value); p++) {
            Node *parent = find_node(view, value_parent(view->nodes[i].value, p));
            if (op_table[parent->value->op].shape == SHAPE_LEAF && view->nodes[i].rank <= parent->rank)
                parent->rank = view->nodes[i].rank - 1;
        }
    for (size_t i = 0; i < view->count; i++)
        for (size_t p = 0; p < value_parent_count(view->nodes[i].value); p++)
            if (find_edge(view, &view->nodes[i], p, &edge))
                view->span += view->nodes[i].rank - find_node(view, value_parent(view->nodes[i].value, p))->rank;
}

/* Count the edges between nodes and list the others in `merged`. */
static bool visit_edges(View *view)
{
    for (size_t i = 0; i < view->count; i++)
        for (size_t p = 0; p < value_parent_count(view->nodes[i].value); p++) {
            Edge edge;
            if (!find_edge(view, &view->nodes[i], p, &edge))
                continue;
            if (is_merged(&edge) && !add_merged(view, edge))
                return false;
            if (!is_merged(&edge)) {
                view->drawn_edges++;
                note_contribution(view, edge_contribution(&edge));
            }
        }
    return true;
}

static bool collect_edges(View *view)
{
    if (!visit_edges(view))
        return false;
    if (view->merged_count > 0)
        qsort(view->merged, view->merged_count, sizeof *view->merged, compare_edges);
    for (size_t i = 0; i < view->merged_count; i += merged_span(view, i)) {
        view->drawn_edges++;
        if (has_one_target(&view->merged[i], merged_span(view, i)))
            note_contribution(view, span_contribution(&view->merged[i], merged_span(view, i)));
    }
    return true;
}

static bool no_memory(Error *error) { return error_set(error, "dot: no memory for the list of what to draw"); }

static bool check_size(const View *view, const Value *root, Error *error)
{
    const size_t most = view->options.max_nodes, longest = view->options.max_span;
    if (longest > 0 && view->span > longest)
        return error_set(error, "dot: the edges of the diagram would cross %zu ranks, more than %zu", view->span,
                         longest);
    if (view->drawn_nodes <= most && view->drawn_edges / DOT_EDGES_PER_NODE <= most)
        return true;
    char name[TEXT_SIZE];
    const size_t edges_as_nodes = (view->drawn_edges + DOT_EDGES_PER_NODE - 1) / DOT_EDGES_PER_NODE;
    return error_set(error,
                     "dot: the diagram of %s would have %zu nodes and %zu edges, more than %zu and %zu: dot takes "
                     "2.6 s for 2,900 nodes and over 300 s for 5,500. Draw less: set max_depth, collapse a group, or "
                     "take only what depends on one node (through). Or draw it all with max_nodes = %zu.",
                     text_name(root, TEXT_NAME_LONG, name), view->drawn_nodes, view->drawn_edges, most,
                     most * DOT_EDGES_PER_NODE,
                     view->drawn_nodes > edges_as_nodes ? view->drawn_nodes : edges_as_nodes);
}

static void view_free(View *view)
{
    memory_free(view->order);
    memory_free(view->nodes);
    memory_free(view->merged);
    memory_free(view->frame_boxes);
}

static bool list_cone(View *view, Value *root, Where where)
{
    view->order = graph_topological_order_at(root, &view->count, where);
    view->nodes = view->order != NULL ? memory_alloc_array(view->count, sizeof *view->nodes) : NULL;
    for (size_t i = 0; i < view->count && view->nodes != NULL; i++)
        view->nodes[i] = (Node){.value = view->order[i], .group = NO_GROUP};
    return view->nodes != NULL;
}

/* Decide what is drawn. On false, and after use, view_free. */
static bool view_begin(View *view, Value *root, const DotOptions *options, Where where, Error *error)
{
    *view = (View){.options = with_defaults(options)};
    value_check(root, NULL, "dot: root", where);
    check_options(&view->options, where);
    view->theme = &themes[view->options.theme];
    const Value *through = view->options.through;
    if (through != NULL)
        value_check(through, value_graph(root), "dot: options.through", where);
    if (root->op == OP_FAILED)
        return error_set(error, "dot: there was no memory for the expression, so there is nothing to draw");
    if (!list_cone(view, root, where))
        return no_memory(error);
    if (through != NULL && find_node(view, through) == NULL) {
        char name[TEXT_SIZE], root_name[TEXT_SIZE];
        return error_set(error, "dot: %s does not depend on %s, so there is no path between them to draw",
                         text_name(root, TEXT_NAME_LONG, root_name), text_name(through, TEXT_NAME_LONG, name));
    }
    assign_groups(view);
    choose_nodes(view);
    if (!count_boxes(view) || !collect_edges(view))
        return no_memory(error);
    measure_span(view);
    return check_size(view, root, error);
}

/* ---- nodes ------------------------------------------------------------------------------------------------------- */

#define FONT "Helvetica,Arial,sans-serif"

typedef struct Look {
    const char *class, *attributes, *fill;
} Look;

static Look look_of(const Theme *theme, OpCode op)
{
    switch (op) {
    case OP_PARAM: return (Look){"param", "shape=box, peripheries=2, style=filled", theme->param};
    case OP_INPUT: return (Look){"input", "shape=note, style=filled, margin=\"0.1,0.04\"", theme->input};
    case OP_CONST: return (Look){"const", "shape=ellipse, style=filled, margin=\"0.04,0.01\"", theme->constant};
    default: return (Look){"op", "shape=box, style=\"rounded,filled\"", theme->computed};
    }
}

static TextOperands operands_of(const View *view)
{
    return view->options.hide_constants ? TEXT_CONSTANTS_AS_NUMBERS : TEXT_NAMES;
}

/* "d = e + c = -6 + 10 = 4" and, below it, the gradient. */
static void print_node_tooltip(const View *view, const Value *v, const NodeText *text)
{
    const bool leaf = op_table[v->op].shape == SHAPE_LEAF;
    escape_put(view->out, ESCAPE_DOT_STRING, text->name);
    fputs(leaf ? ": " : " = ", view->out);
    escape_put(view->out, ESCAPE_DOT_STRING, text->expression);
    if (!leaf) {
        fputs(" = ", view->out);
        escape_put(view->out, ESCAPE_DOT_STRING, text->numbers);
    }
    fprintf(view->out, " = %s", text->data);
    if (view->gradients && v->needs_grad)
        fprintf(view->out, "\\ngrad = %s", text->grad);
}

static void print_row(const View *view, const char *title, const char *colour, const char *number, bool is_grad)
{
    fprintf(view->out, "<tr><td align=\"left\"><font color=\"%s\">%s&#160;</font></td><td align=\"right\"",
            view->theme->faint, title);
    if (view->options.number_width > 0)
        fprintf(view->out, " width=\"%d\"", view->options.number_width);
    fprintf(view->out, "><font color=\"%s\">%s%s%s</font></td></tr>", colour, is_grad ? "<b>" : "", number,
            is_grad ? "</b>" : "");
}

/* A constant is its number, under its name if it has one. */
static void print_constant_label(const View *view, const Value *v, const NodeText *text)
{
    if (v->label != NULL && v->label[0] != '\0') {
        fputs("<b>", view->out);
        escape_put(view->out, ESCAPE_DOT_LABEL, text->name);
        fputs("</b><br/>", view->out);
    }
    fputs(text->data, view->out);
}

static void print_node_label(const View *view, const Value *v, const NodeText *text)
{
    char expression[TEXT_SIZE];
    const Theme *theme = view->theme;
    fputs("<table border=\"0\" cellspacing=\"0\" cellpadding=\"2\"><tr><td align=\"left\" colspan=\"2\"><b>",
          view->out);
    escape_put(view->out, ESCAPE_DOT_LABEL, text->name);
    fprintf(view->out, "</b><font color=\"%s\">%s", theme->faint,
            op_table[v->op].shape == SHAPE_LEAF ? "&#160;&#160;" : "&#160;= ");
    escape_put(view->out, ESCAPE_DOT_LABEL, text_expression(v, operands_of(view), view->options.digits, expression));
    fputs("</font></td></tr>", view->out);
    print_row(view, "data", theme->ink, text->data, false);
    if (view->gradients && v->needs_grad)
        print_row(view, "grad", sign_colour(theme, v->grad), text->grad, true);
    fputs("</table>", view->out);
}

/* The stub for the operands that are cut off. */
static void print_stub(const View *view, size_t number, size_t cut)
{
    fprintf(view->out,
            "  n%zu_cut [id=\"n%zu_cut\", class=\"cut\", shape=plaintext, fontcolor=\"%s\", "
            "tooltip=\"%zu operand%s not drawn\", label=\"… %zu operand%s\"];\n",
            number, number, view->theme->faint, cut, cut == 1 ? "" : "s", cut, cut == 1 ? "" : "s");
}

/* The leaves that a node was computed from stand in one column, or one row. Of many, the arrows would merge in front of
 * a box of the usual size, so it is as long as that column is. */
static void print_length(const View *view, const Node *node)
{
    enum { MANY_LEAVES = 20 };
    const double leaf_height = 1.2, leaf_width = 1.7; /* in inches, with the space between two */
    const bool is_column = view->options.direction == DOT_LEFT_TO_RIGHT;
    size_t leaves = 0;
    Edge edge;
    for (size_t p = 0; p < value_parent_count(node->value); p++)
        leaves += find_edge(view, node, p, &edge) && !is_merged(&edge) &&
                  op_table[edge.from.node->value->op].shape == SHAPE_LEAF;
    if (leaves > MANY_LEAVES)
        fprintf(view->out, ", %s=%.0f", is_column ? "height" : "width",
                (double)leaves * (is_column ? leaf_height : leaf_width));
}

static void print_node(const View *view, const Node *node)
{
    const Value *v = node->value;
    const size_t number = value_number(v);
    const Look look = look_of(view->theme, v->op);
    const NodeText text = text_node(v, view->options.digits);
    const bool is_root = node == &view->nodes[view->count - 1];
    fprintf(view->out, "  n%zu [id=\"n%zu\", class=\"%s%s\", %s, fillcolor=\"%s\"%s, tooltip=\"", number, number,
            look.class, is_root ? " root" : "", look.attributes, look.fill, is_root ? ", penwidth=2.5" : "");
    print_node_tooltip(view, v, &text);
    fputs("\"", view->out);
    print_length(view, node);
    fputs(", label=<", view->out);
    if (v->op == OP_CONST)
        print_constant_label(view, v, &text);
    else
        print_node_label(view, v, &text);
    fputs(">];\n", view->out);
    const size_t cut = count_cut(view, node);
    if (cut > 0)
        print_stub(view, number, cut);
}

/* ---- groups ------------------------------------------------------------------------------------------------------ */

/* A group may have an empty name; an empty element of an HTML-like label is an error to dot. */
static void print_group_name(const View *view, ptrdiff_t group, Escape format)
{
    char text[TEXT_SIZE];
    const Value named = {.label = view->options.groups[group].name};
    if (named.label[0] != '\0')
        escape_put(view->out, format, text_name(&named, TEXT_NAME_LONG, text));
    else
        fputs("&#160;", view->out);
}

static void print_collapsed(const View *view, ptrdiff_t group)
{
    size_t nodes = 0, params = 0;
    for (const Node *node = view->nodes; node < view->nodes + view->count; node++)
        if (is_visible(node) && collapsed_group(view, node->group) == group) {
            nodes++;
            params += node->value->op == OP_PARAM;
        }
    fprintf(view->out,
            "  g%td [id=\"g%td\", class=\"group\", shape=box3d, style=filled, margin=\"0.15,0.08\", fillcolor=\"%s\", "
            "tooltip=\"",
            group, group, view->theme->computed);
    print_group_name(view, group, ESCAPE_DOT_STRING);
    fprintf(view->out, ": %zu nodes, %zu params\", label=<<b>", nodes, params);
    print_group_name(view, group, ESCAPE_DOT_LABEL);
    fprintf(view->out, "</b><br/><font color=\"%s\" point-size=\"11\">%zu node%s, %zu param%s</font>>];\n",
            view->theme->faint, nodes, nodes == 1 ? "" : "s", params, params == 1 ? "" : "s");
}

static size_t group_depth(const View *view, ptrdiff_t group)
{
    size_t depth = 0;
    while ((group = group_around(view, group)) != NO_GROUP)
        depth++;
    return depth;
}

/* Open the frame of a group inside those around it, from the outside in: DOT lets a subgraph be opened again. */
static void open_frames(const View *view, ptrdiff_t group)
{
    for (size_t level = group_depth(view, group); level > 0; level--) {
        ptrdiff_t around = group;
        for (size_t i = 0; i < level; i++)
            around = group_around(view, around);
        fprintf(view->out, "  subgraph cluster_%td {\n", around);
    }
    fprintf(view->out,
            "  subgraph cluster_%td {\n"
            "  graph [id=\"cluster_%td\", class=\"group\", style=\"rounded,filled\", fillcolor=\"%s\", color=\"%s\", "
            "labeljust=r, tooltip=\"",
            group, group, view->theme->frame, view->theme->line);
    print_group_name(view, group, ESCAPE_DOT_STRING);
    fputs("\", label=<<b>", view->out);
    print_group_name(view, group, ESCAPE_DOT_LABEL);
    fputs("</b>>];\n", view->out);
}

static void close_frames(const View *view, ptrdiff_t group)
{
    for (; group != NO_GROUP; group = group_around(view, group))
        fputs("  }\n", view->out);
}

static void print_group(const View *view, ptrdiff_t group)
{
    const ptrdiff_t collapsed = collapsed_group(view, group);
    if (view->frame_boxes[group] == 0 || (collapsed != NO_GROUP && collapsed != group))
        return; /* empty, or inside a collapsed one */
    const ptrdiff_t frame = collapsed == group ? group_around(view, group) : group;
    if (frame != NO_GROUP)
        open_frames(view, frame);
    if (collapsed == group)
        print_collapsed(view, group);
    for (size_t i = 0; i < view->count && collapsed != group; i++)
        if (is_visible(&view->nodes[i]) && view->nodes[i].group == group)
            print_node(view, &view->nodes[i]);
    close_frames(view, frame);
}

static void print_nodes(const View *view)
{
    for (size_t i = 0; i < view->count; i++)
        if (is_visible(&view->nodes[i]) && view->nodes[i].group == NO_GROUP)
            print_node(view, &view->nodes[i]);
    for (size_t g = 0; g < view->options.group_count; g++)
        print_group(view, (ptrdiff_t)g);
}

/* ---- edges ------------------------------------------------------------------------------------------------------- */

/* Whether the diagram must say which operand is first: tried with two numbers, so no list of ops is needed. */
static bool order_matters(const Value *v)
{
    static const double numbers[] = {2, 3, 2};
    const OpInfo *op = &op_table[v->op];
    switch (op->shape) {
    case SHAPE_BINARY: return op->forward(2, 3) != op->forward(3, 2);
    case SHAPE_LIST: return op->list_forward(2, numbers, NULL, 1) != op->list_forward(2, numbers + 1, NULL, 1);
    default: return value_parent_count(v) > 1;
    }
}

/* "2", in pairs "2a" and "2b", or "bias". */
static void print_place(FILE *out, const Value *v, size_t operand)
{
    const bool pairs = op_table[v->op].shape == SHAPE_PAIRS;
    switch (value_role(v, operand)) {
    case VALUE_BIAS: fputs("bias", out); break;
    case VALUE_IN_A: fprintf(out, "%zu%s", operand + 1, pairs ? "a" : ""); break;
    case VALUE_IN_B: fprintf(out, "%zu%s", operand + 1 - (pairs ? value_parent_count(v) - v->n : 0), pairs ? "b" : "");
    }
}

/* "∂=b=-3", and "∂=1" where formula and number are the same. */
static void print_derivative(const View *view, const Value *v, size_t operand)
{
    char formula[TEXT_SIZE], number[TEXT_SIZE];
    text_derivative(v, operand, operands_of(view), view->options.digits, formula);
    text_number(value_local_derivative(v, operand), view->options.digits, number);
    fputs("∂=", view->out);
    if (strcmp(formula, number) != 0) {
        const bool compares = strpbrk(formula, "<>") != NULL; /* a > b = 1 would read as a chain */
        fputs(compares ? "(" : "", view->out);
        escape_put(view->out, ESCAPE_DOT_LABEL, utf8_cut(formula, sizeof formula, FORMULA_CHARACTERS));
        fputs(compares ? ")=" : "=", view->out);
    }
    fputs(number, view->out);
}

static void print_contribution(const View *view, double contribution)
{
    char number[TEXT_SIZE];
    fprintf(view->out, "<font color=\"%s\"><b>+= %s</b></font>", sign_colour(view->theme, contribution),
            text_number(contribution, view->options.digits, number));
}

/* The width grows with the square root of the magnitude, so that small ones can still be told apart. */
static double pen_width(const View *view, double contribution)
{
    if (contribution == 0)
        return THINNEST;
    if (!isfinite(contribution))
        return WIDEST;
    return THINNEST + (WIDEST - THINNEST) * sqrt(fabs(contribution) / view->largest);
}

/* Colour and width by what the edge contributes. */
static void print_pen(const View *view, double contribution)
{
    char width[TEXT_SIZE];
    fprintf(view->out, ", color=\"%s\", penwidth=%s%s", sign_colour(view->theme, contribution),
            text_number(pen_width(view, contribution), 3, width),
            view->options.theme == DOT_PRINT && contribution < 0 ? ", style=dashed" : "");
}

/* The label has space around it: dot puts it right above the line, or right beside it. */
static void begin_edge_label(const View *view)
{
    fprintf(view->out, ", label=<<table border=\"0\" cellspacing=\"0\" cellpadding=\"%d\"><tr><td>",
            view->options.direction == DOT_TOP_TO_BOTTOM ? 4 : 1);
}

static void end_edge_label(const View *view) { fputs("</td></tr></table>>", view->out); }

static void print_edge_tooltip(const View *view, const Edge *edge)
{
    char product[TEXT_SIZE];
    const Value *v = edge->child->value;
    fputs(", tooltip=\"operand ", view->out);
    print_place(view->out, v, edge->operand);
    if (!view->options.values_only) {
        fputs(": ", view->out);
        escape_put(view->out, ESCAPE_DOT_STRING, text_product(v, edge->operand, view->options.digits, product));
    }
    fputs("\"", view->out);
}

/* "2: ∂=b=-3" and below it "+= 6": the position where order matters, the derivative, the contribution. */
static void print_edge_label(const View *view, const Edge *edge, bool pushes)
{
    const Value *v = edge->child->value;
    const bool place = order_matters(v);
    /* a derivative with respect to a plain number is of no interest */
    const bool derivative = !view->options.values_only && edge->from.node->value->op != OP_CONST;
    if (!place && !derivative)
        return;
    begin_edge_label(view);
    if (place)
        print_place(view->out, v, edge->operand);
    fputs(place && derivative ? ": " : "", view->out);
    if (derivative)
        print_derivative(view, v, edge->operand);
    if (pushes) {
        fputs("<br/>", view->out);
        print_contribution(view, edge_contribution(edge));
    }
    end_edge_label(view);
}

/* A leaf outside all frames goes one rank further back, in front of the frame and not beside the params in it. */
static bool enters_frame(const View *view, const Edge *edge)
{
    const ptrdiff_t frame = is_group(edge->to) ? group_around(view, edge->to.group) : edge->child->group;
    return frame != NO_GROUP && !is_group(edge->from) && edge->from.node->group == NO_GROUP &&
           op_table[edge->from.node->value->op].shape == SHAPE_LEAF;
}

static void print_edge(const View *view, const Edge *edge)
{
    const Value *v = edge->child->value;
    const Value *parent = edge->from.node->value;
    const size_t number = value_number(v);
    const bool pushes = view->gradients && parent->needs_grad && v->needs_grad;
    fprintf(view->out, "  n%zu -> n%zu [id=\"e%zu_%zu\"", value_number(parent), number, number, edge->operand);
    if (pushes)
        print_pen(view, edge_contribution(edge));
    if (enters_frame(view, edge))
        fputs(", minlen=2", view->out);
    print_edge_label(view, edge, pushes);
    print_edge_tooltip(view, edge);
    fputs("];\n", view->out);
}

static void box_id(Box box, char id[ID_SIZE])
{
    if (is_group(box))
        snprintf(id, ID_SIZE, "g%td", box.group);
    else
        snprintf(id, ID_SIZE, "n%zu", value_number(box.node->value));
}

/* One arrow for all the edges between two boxes of which one or both are collapsed groups. */
static void print_merged(const View *view, const Edge *edges, size_t count)
{
    char from[ID_SIZE], to[ID_SIZE];
    box_id(edges->from, from);
    box_id(edges->to, to);
    fprintf(view->out, "  %s -> %s [id=\"e_%s_%s\"", from, to, from, to);
    if (enters_frame(view, edges))
        fputs(", minlen=2", view->out);
    const bool pushes = view->gradients && has_one_target(edges, count) && parent_of(edges)->needs_grad;
    if (pushes)
        print_pen(view, span_contribution(edges, count));
    if (count > 1 || pushes) {
        begin_edge_label(view);
        if (count > 1)
            fprintf(view->out, "%zu edges%s", count, pushes ? "<br/>" : "");
        if (pushes)
            print_contribution(view, span_contribution(edges, count));
        end_edge_label(view);
    }
    fprintf(view->out, ", tooltip=\"%zu edge%s\"];\n", count, count == 1 ? "" : "s");
}

static void print_edges(const View *view)
{
    for (size_t i = 0; i < view->count; i++) {
        const Node *node = &view->nodes[i];
        const size_t number = value_number(node->value);
        Edge edge;
        for (size_t p = 0; p < value_parent_count(node->value); p++)
            if (find_edge(view, node, p, &edge) && !is_merged(&edge))
                print_edge(view, &edge);
        if (count_cut(view, node) > 0)
            fprintf(view->out, "  n%zu_cut -> n%zu [id=\"e%zu_cut\", style=dotted];\n", number, number, number);
    }
    for (size_t i = 0; i < view->merged_count; i += merged_span(view, i))
        print_merged(view, &view->merged[i], merged_span(view, i));
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static void print_legend_row(const View *view, const char *sign, const char *meaning)
{
    fprintf(view->out, "<tr><td align=\"left\">%s&#160;</td><td align=\"left\"><font color=\"%s\">%s</font></td></tr>",
            sign, view->theme->faint, meaning);
}

static void print_legend_of_edges(const View *view)
{
    char sign[TEXT_SIZE];
    print_legend_row(view, "∂=formula=number", "the local derivative, ∂child/∂parent");
    snprintf(sign, sizeof sign, "<font color=\"%s\"><b>+= 2</b></font>, <font color=\"%s\"><b>+= -2</b></font>",
             view->theme->positive, view->theme->negative);
    print_legend_row(view, sign,
                     view->options.theme == DOT_PRINT
                         ? "what the edge adds to its parent's grad: wider = larger, dashed below 0"
                         : "what the edge adds to its parent's grad: wider = larger");
}

/* In words, as the label of the whole graph: sample nodes would push the graph itself aside. */
static void print_legend(const View *view)
{
    fputs("  graph [labelloc=b, labeljust=l, label=<<table border=\"0\" cellspacing=\"0\" cellpadding=\"1\">",
          view->out);
    fputs("<tr><td>&#160;</td></tr>", view->out);
    print_legend_row(view, "double frame", "param: is learned");
    print_legend_row(view, "folded corner", "input: is given");
    print_legend_row(view, "ellipse", "constant: a plain number");
    print_legend_row(view, "rounded", "computed from the nodes that point to it; drawn thick: the root");
    print_legend_row(view, "1:, 2:", "the first and the second operand, where order matters");
    if (!view->options.values_only)
        print_legend_of_edges(view);
    fputs("</table>>];\n", view->out);
}

/* dot polishes a large layout for minutes: a chain of 1,500 nodes took 53 s, and 8 s with these limits; x + x + ... of
 * 100 additions took over 100 s, and 2 s. */
#define HASTE ", nslimit=0.1, mclimit=0.1"

static void print_view(const View *view)
{
    const Theme *theme = view->theme;
    fprintf(view->out,
            "// %zu nodes, %zu edges. To draw it: dot -Tsvg THIS_FILE -o graph.svg\n"
            "digraph stepgrad {\n"
            "  graph [rankdir=%s, bgcolor=\"%s\", pad=0.25, nodesep=0.3, ranksep=0.45, fontname=\"" FONT
            "\", fontsize=13, fontcolor=\"%s\", tooltip=\" \"%s];\n"
            "  node [fontname=\"" FONT "\", fontsize=13, fontcolor=\"%s\", color=\"%s\", margin=\"0.07,0.04\", "
            "height=0.3, width=0.3];\n"
            "  edge [fontname=\"" FONT "\", fontsize=11, fontcolor=\"%s\", color=\"%s\", arrowsize=0.7];\n",
            view->drawn_nodes, view->drawn_edges, view->options.direction == DOT_TOP_TO_BOTTOM ? "TB" : "LR",
            theme->paper, theme->ink, view->drawn_nodes > LARGE || view->span > LONG ? HASTE : "", theme->ink,
            theme->line, theme->faint, theme->line);
    print_nodes(view);
    print_edges(view);
    if (view->options.legend)
        print_legend(view);
    fputs("}\n", view->out);
}

bool dot_print_at(Where where, Value *root, FILE *out, const DotOptions *options, Error *error)
{
    View view;
    misuse_if_null(out, "dot: out", "Give an open stream, such as stdout.", where);
    bool ok = view_begin(&view, root, options, where, error);
    if (ok) {
        view.out = out;
        print_view(&view);
        if (fflush(out) != 0 || ferror(out))
            ok = error_set(error, "dot: the diagram could not be written in full: is the disk full?");
    }
    view_free(&view);
    return ok;
}

bool dot_write_at(Where where, Value *root, const char *path, const DotOptions *options, Error *error)
{
    View view;
    SafeFile safe;
    misuse_if_null(path, "dot: the path", "Pass a file's name, such as \"L.dot\".", where);
    bool ok = view_begin(&view, root, options, where, error);
    if (ok)
        ok = (view.out = file_begin(&safe, path, error)) != NULL;
    if (ok) {
        print_view(&view);
        ok = file_commit(&safe, error);
    }
    view_free(&view);
    return ok;
}
