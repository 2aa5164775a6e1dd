/* dot.h - the computation graph as a diagram, laid out and drawn by Graphviz's program `dot`.
 *
 *     Error error;
 *     backward(L);
 *     if (!dot_draw(L, "L.svg", NULL, &error))
 *         fprintf(stderr, "%s\n", error.message);
 *
 *     dot_draw(L, "L.png", &(DotOptions){.theme = DOT_PRINT, .hide_constants = true}, &error);
 *
 * One box per node: its label, what it was computed as, data, and grad after a backward pass. The kinds of node differ
 * in shape: a param has a double frame, an input a folded corner; a constant is an ellipse, all else a rounded box.
 * One edge per operand, from the parent to what was computed from it: x*x has two. Its label is the local derivative,
 * as formula and number, and below that, after a backward pass, what it adds to the parent's gradient: blue above 0,
 * orange below, and wider = larger. Where the order of operands matters, their positions (1, 2; in pairs 1a, 1b) come
 * first. A node's id is n and its number, so that the same program writes the same bytes on every run.
 */
#ifndef STEPGRAD_DOT_H
#define STEPGRAD_DOT_H

#include "value.h"

typedef enum DotDirection { DOT_LEFT_TO_RIGHT, DOT_TOP_TO_BOTTOM } DotDirection;

/* DOT_PRINT is black on white: there a contribution below 0 is dashed. */
typedef enum DotTheme { DOT_LIGHT, DOT_DARK, DOT_PRINT } DotTheme;

/* Nodes that belong together, a neuron or a layer: drawn in a frame with the group's name, or, collapsed, as one box.
 * Its nodes are `members`, and besides them all whose number (value_number) is from `first` to before `end`: what was
 * built between two calls of graph_node_count. Nodes that root does not depend on are left out. A group within another
 * one names it in `inside`, which must be an earlier element of the same array; a node of several groups belongs to
 * the last of them, so the members of a neuron need not be repeated in its layer. */
typedef struct DotGroup {
    const char *name;
    Value *const *members; /* may be NULL */
    size_t member_count;
    size_t first, end;             /* both 0: no range */
    const struct DotGroup *inside; /* NULL: in none */
    bool collapsed;                /* draw one box for all of it, groups inside included */
} DotGroup;

/* All zero: the usual diagram. */
typedef struct DotOptions {
    const char *format; /* of the picture, one that dot knows, or "dot"; NULL: by the file name's extension */
    double seconds;     /* kill dot after this many; 0 is DOT_SECONDS */
    DotDirection direction;
    DotTheme theme;
    bool values_only;       /* neither gradients nor derivatives */
    bool hide_constants;    /* show constants only in the text of the ops that use them */
    bool legend;            /* explain shapes and edges in words below the graph */
    int digits;             /* significant digits of numbers, 1 to 17; 0 is 4 */
    int number_width;       /* the least width of a number in points, as room for longer ones put in later */
    size_t max_depth;       /* at most this many edges from root; what is cut shows as a stub "…"; 0 is all of them */
    size_t max_nodes;       /* refuse to draw more than this; 0 is DOT_MAX_NODES */
    size_t max_span;        /* and edges that cross more ranks than this, all together; 0 is any number */
    const Value *through;   /* only this node and what depends on it; NULL is all that root was computed from */
    const DotGroup *groups; /* may be NULL */
    size_t group_count;
} DotOptions;

/* dot takes 0.2 s for 1,000 nodes, 2.6 s for 2,900 and over 300 s for 5,500: beyond this it seems to hang. Edges cost
 * the same, so there may be at most DOT_EDGES_PER_NODE times as many. */
enum { DOT_MAX_NODES = 1500, DOT_EDGES_PER_NODE = 2 };

/* An edge from x, at the left, to the last of 100 additions crosses 100 ranks. dot takes at most 0.6 s for 1,000 in
 * all, 2 s for 5,000, and 25 s where many edges cross one another. */
enum { DOT_SPAN_FAST = 1000 };

/* How long to wait for dot. */
enum { DOT_SECONDS = 60 };

/* Draw what root was computed from: a picture in the format that path's extension names, .svg, .png, .pdf and others
 * that dot knows, or with .dot the diagram in the DOT language, which needs no Graphviz. options may be NULL. False,
 * with the reason in `error`: no memory, a full disk, no such folder, root does not depend on `through`, too large a
 * diagram, with what to do about it; dot is not installed (the message says how to get it), does not know the format or
 * takes too long. Then no file is written, and an older one stays as it was. Warnings of dot go to stderr. Pictures are
 * drawn on POSIX systems only. */
#define dot_draw(root, ...) dot_draw_at(HERE, root, __VA_ARGS__) /* dot_draw(root, path, options, error) */
bool dot_draw_at(Where where, Value *root, const char *path, const DotOptions *options, Error *error);

/* The diagram in the DOT language, whatever path's extension and options.format. dot_print writes nothing unless
 * `out` itself fails. */
#define dot_write(root, ...) dot_write_at(HERE, root, __VA_ARGS__) /* dot_write(root, path, options, error) */
#define dot_print(root, ...) dot_print_at(HERE, root, __VA_ARGS__) /* dot_print(root, out, options, error) */
bool dot_write_at(Where where, Value *root, const char *path, const DotOptions *options, Error *error);
bool dot_print_at(Where where, Value *root, FILE *out, const DotOptions *options, Error *error);

/* The picture in memory: *length bytes and a NUL, which the caller frees with memory_free; NULL on failure. `target`
 * names it in messages. */
char *dot_picture_at(Where where, Value *root, const char *target, const char *format, size_t *length,
                     const DotOptions *options, Error *error);

#endif
