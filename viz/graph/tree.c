/* tree.c - one depth-first walk, done twice: to measure how wide the left part is, and to print. */
#define _POSIX_C_SOURCE 200809L
#include "tree.h"

#include <stdlib.h>
#include <string.h>
#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif

#include "memory.h"
#include "utf8.h"

enum {
    LEVELS_INDENTED = 24, /* deeper lines show their depth: the indent of a long chain would be a triangle of blanks */
    WIDEST_LEFT = 64,     /* columns of the left part that the numbers still line up after */
    NUMBER_WIDTH = 11,    /* of four digits, "-1.234e-05" */
    GRAD_WIDTH = 6        /* of " grad " */
};

#define BLUE "\033[38;5;33m"
#define ORANGE "\033[38;5;208m"
#define FAINT "\033[2m"
#define NORMAL "\033[0m"

/* A node whose line is printed, and whose parents are being printed below it. */
typedef struct Level {
    const Value *node;
    size_t next;  /* the next parent */
    size_t lines; /* of parents below it: 1 when "…" stands for all of them */
} Level;

/* One of the two walks over the tree. */
typedef struct Tree {
    FILE *out; /* NULL while measuring */
    TreeOptions options;
    bool coloured;
    bool *shown; /* by number of the node */
    Level *levels;
    size_t depth, capacity; /* of levels in use, and of room */
    size_t column, widest;  /* columns of the left part of this line, and of the widest so far */
} Tree;

/* Print text; returns how many columns it takes. */
static size_t tree_put(Tree *tree, const char *text)
{
    if (tree->out != NULL)
        fputs(text, tree->out);
    return utf8_columns(text);
}

static void tree_colour(Tree *tree, const char *code)
{
    if (tree->coloured && tree->out != NULL)
        fputs(code, tree->out);
}

/* The lines that lead from the nodes above to this one. */
static void tree_indent(Tree *tree)
{
    tree_colour(tree, FAINT);
    size_t first = 0;
    if (tree->depth > LEVELS_INDENTED) {
        char depth[TEXT_SIZE];
        first = tree->depth - 1;
        snprintf(depth, sizeof depth, "[depth %zu] ", tree->depth);
        tree->column += tree_put(tree, depth);
    }
    for (size_t i = first; i < tree->depth; i++) {
        const Level *level = &tree->levels[i];
        const bool last = level->next == level->lines;
        if (i + 1 == tree->depth)
            tree->column += tree_put(tree, last ? "└── " : "├── ");
        else
            tree->column += tree_put(tree, last ? "    " : "│   ");
    }
    tree_colour(tree, NORMAL);
}

static void tree_pad(Tree *tree, size_t columns, size_t width)
{
    for (; tree->out != NULL && columns < width; columns++)
        fputc(' ', tree->out);
}

/* "data 4          grad -2   param" */
static void tree_numbers(Tree *tree, const Value *v, const NodeText *text, bool again)
{
    const bool leaf = op_table[v->op].shape == SHAPE_LEAF;
    tree_put(tree, "   data ");
    size_t columns = tree_put(tree, text->data);
    if (v->needs_grad) {
        tree_pad(tree, columns, NUMBER_WIDTH);
        tree_put(tree, " grad ");
        tree_colour(tree, v->grad > 0 ? BLUE : v->grad < 0 ? ORANGE : "");
        columns = NUMBER_WIDTH + GRAD_WIDTH + tree_put(tree, text->grad);
        tree_colour(tree, NORMAL);
    }
    if (!leaf && !again)
        return;
    tree_pad(tree, columns, 2 * NUMBER_WIDTH + GRAD_WIDTH);
    tree_colour(tree, FAINT);
    tree_put(tree, leaf ? " " : "");
    tree_put(tree, leaf ? op_table[v->op].name : "");
    tree_put(tree, !again ? "" : leaf ? ", shown above" : " shown above");
    tree_colour(tree, NORMAL);
}

/* The whole line of one node. */
static void tree_line(Tree *tree, const Value *v, bool again)
{
    const NodeText text = text_node(v, tree->options.digits);
    tree->column = 0;
    tree_indent(tree);
    tree->column += tree_put(tree, text.name);
    if (op_table[v->op].shape != SHAPE_LEAF && !again) {
        tree->column += tree_put(tree, " = ");
        tree->column += tree_put(tree, text.expression);
    }
    if (tree->column > tree->widest && tree->column <= WIDEST_LEFT)
        tree->widest = tree->column;
    tree_pad(tree, tree->column, tree->widest);
    tree_numbers(tree, v, &text, again);
    tree_put(tree, "\n");
}

/* The line that stands for all parents of a node at the greatest depth. */
static void tree_cut_line(Tree *tree, const Value *v)
{
    char text[TEXT_SIZE];
    tree->column = 0;
    tree_indent(tree);
    const size_t count = value_parent_count(v);
    snprintf(text, sizeof text, UTF8_ELLIPSIS " %zu operand%s\n", count, count == 1 ? "" : "s");
    tree_put(tree, text);
}

static bool tree_push(Tree *tree, const Value *v)
{
    Level *levels = memory_grow(tree->levels, tree->depth + 1, &tree->capacity, sizeof *levels);
    if (levels == NULL)
        return false;
    tree->levels = levels;
    const bool cut = tree->options.max_depth > 0 && tree->depth >= tree->options.max_depth;
    tree->levels[tree->depth++] = (Level){v, 0, cut ? 1 : value_parent_count(v)};
    return true;
}

/* Print v's line and make its parents the next lines, unless they are shown above. */
static bool tree_visit(Tree *tree, const Value *v)
{
    bool *shown = &tree->shown[value_number(v)];
    const bool again = *shown;
    *shown = true;
    tree_line(tree, v, again);
    return again || value_parent_count(v) == 0 || tree_push(tree, v);
}

/* The walk, with a stack of its own. */
static bool tree_walk(Tree *tree, const Value *root)
{
    bool ok = tree_visit(tree, root);
    while (ok && tree->depth > 0) {
        Level *level = &tree->levels[tree->depth - 1];
        if (level->next == level->lines) {
            tree->depth--;
            continue;
        }
        const size_t i = level->next++;
        if (tree->options.max_depth > 0 && tree->depth > tree->options.max_depth)
            tree_cut_line(tree, level->node);
        else
            ok = tree_visit(tree, value_parent(level->node, i));
    }
    return ok;
}

static bool wants_colour(FILE *out)
{
#if defined(__unix__) || defined(__APPLE__)
    const char *forbidden = getenv("NO_COLOR");
    const char *terminal = getenv("TERM");
    return (forbidden == NULL || forbidden[0] == '\0') && terminal != NULL && strcmp(terminal, "dumb") != 0 &&
           isatty(fileno(out));
#else
    (void)out;
    return false;
#endif
}

bool tree_print_at(Where where, Value *root, FILE *out, const TreeOptions *options)
{
    value_check(root, NULL, "tree_print: root", where);
    misuse_if_null(out, "tree_print: out", "Give an open stream, such as stdout.", where);
    Tree tree = {.options = options != NULL ? *options : (TreeOptions){0}};
    if (tree.options.digits < 0 || tree.options.digits > 17)
        misuse(where, "tree_print: digits is %d. A double has 1 to 17 significant digits; 0 is %d.",
               tree.options.digits, TEXT_DIGITS);
    if (tree.options.digits == 0)
        tree.options.digits = TEXT_DIGITS;
    const size_t numbers = value_number(root) + 1;
    tree.shown = memory_alloc_array(numbers, sizeof(bool));
    if (tree.shown == NULL)
        return false;
    memset(tree.shown, 0, numbers * sizeof(bool));
    bool ok = tree_walk(&tree, root);
    if (ok) {
        memset(tree.shown, 0, numbers * sizeof(bool));
        tree.out = out;
        tree.coloured = wants_colour(out);
        ok = tree_walk(&tree, root);
    }
    memory_free(tree.shown);
    memory_free(tree.levels);
    return ok && fflush(out) == 0 && !ferror(out);
}
