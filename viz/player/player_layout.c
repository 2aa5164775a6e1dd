/* player_layout.c - the picture's places, by dot or by layers. See player_layout.h. */
#define _POSIX_C_SOURCE 200809L
#define _DARWIN_C_SOURCE /* mkdtemp */
#include "player_layout.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#if defined(__unix__) || defined(__APPLE__)
#include <unistd.h>
#endif

#include "graph/dot.h"
#include "memory.h"

enum {
    MARGIN = 16,
    DOT_PATIENCE = 20,    /* after that, layers will do */
    DOT_AT_LEISURE = 300, /* nodes: what dot polishes in a second; see dot.c */
    POINTS_PER_INCH = 72
};

static bool make_room(PlayerLayout *layout, const PlayerSteps *pass)
{
    *layout = (PlayerLayout){0};
    layout->boxes = memory_alloc_array(pass->node_count, sizeof(Point));
    layout->lines = memory_alloc_array(pass->edge_count + 1, sizeof(PlayerLine));
    if (layout->boxes == NULL || layout->lines == NULL)
        return false;
    memset(layout->boxes, 0, pass->node_count * sizeof(Point));
    memset(layout->lines, 0, (pass->edge_count + 1) * sizeof(PlayerLine));
    return true;
}

void player_layout_free(PlayerLayout *layout)
{
    memory_free(layout->boxes);
    memory_free(layout->lines);
    memory_free(layout->points);
    *layout = (PlayerLayout){0};
}

static bool add_point(PlayerLayout *layout, PlayerLine *line, Point point)
{
    Point *points = memory_grow(layout->points, layout->point_count + 1, &layout->point_room, sizeof *points);
    if (points == NULL)
        return false;
    layout->points = points;
    if (line->point_count++ == 0)
        line->first_point = layout->point_count;
    layout->points[layout->point_count++] = point;
    return true;
}

/* ---- by dot ------------------------------------------------------------------------------------------------------ */

static double inches(double pixels) { return pixels / POINTS_PER_INCH; }

/* dot reads a point as the decimal sign, and printf may write a comma. */
static void print_number(FILE *out, double number)
{
    char text[64];
    snprintf(text, sizeof text, "%.3f", number);
    char *comma = strchr(text, ',');
    if (comma != NULL)
        *comma = '.';
    fputs(text, out);
}

/* The picture is drawn elsewhere: dot gets boxes and labels of the right size with nothing in them. */
static void print_request(FILE *out, const PlayerSteps *pass, const Point *sizes, const Point *labels)
{
    fprintf(out,
            "digraph player { graph [rankdir=LR, nodesep=0.35, ranksep=0.35%s]; node [shape=box, fixedsize=true, "
            "label=\"\"]; edge [arrowhead=none];\n",
            pass->node_count > DOT_AT_LEISURE ? ", nslimit=0.1, mclimit=0.1" : "");
    for (size_t i = 0; i < pass->node_count; i++) {
        fprintf(out, "n%zu [width=", i);
        print_number(out, inches(sizes[i].x));
        fputs(", height=", out);
        print_number(out, inches(sizes[i].y));
        fputs("];\n", out);
    }
    for (size_t e = 0; e < pass->edge_count; e++)
        fprintf(out,
                "n%zu -> n%zu [label=<<table border=\"0\" fixedsize=\"true\" width=\"%d\" height=\"%d\"><tr><td></td>"
                "</tr></table>>];\n",
                pass->edges[e].parent, pass->edges[e].child, (int)ceil(labels[e].x), (int)ceil(labels[e].y));
    fputs("}\n", out);
}

/* A number of the answer, in pixels. */
static double read_length(char **rest)
{
    double length = 0;
    char *end = *rest;
    bool negative = false;
    end += strspn(end, " ");
    if (*end == '-') {
        negative = true;
        end++;
    }
    /* by hand: strtod expects the comma of the user's locale */
    for (; *end >= '0' && *end <= '9'; end++)
        length = 10 * length + (*end - '0');
    if (*end == '.')
        end++;
    double scale = 0.1;
    for (; *end >= '0' && *end <= '9'; end++, scale /= 10)
        length += scale * (*end - '0');
    if (*end == 'e') {
        const long exponent = strtol(end + 1, &end, 10);
        length *= pow(10, (double)exponent);
    }
    *rest = end;
    return (negative ? -length : length) * POINTS_PER_INCH;
}

/* " n12" */
static bool read_node(char **rest, size_t count, size_t *node)
{
    *rest += strspn(*rest, " ");
    if (**rest != 'n')
        return false;
    *node = strtoul(*rest + 1, rest, 10);
    return *node < count;
}

/* The first edge between these two nodes that has no line yet: those of x*x look alike, so any will do. */
static PlayerLine *edge_without_line(PlayerLayout *layout, const PlayerSteps *pass, size_t parent, size_t child)
{
    for (size_t e = pass->first_edge[child]; e < pass->first_edge[child + 1]; e++)
        if (pass->edges[e].parent == parent && layout->lines[e].point_count == 0)
            return &layout->lines[e];
    return NULL;
}

/* "edge n0 n1 4 x y x y x y x y "<TABLE>" x y solid black" */
static bool read_line(PlayerLayout *layout, const PlayerSteps *pass, char *rest)
{
    size_t parent, child;
    if (!read_node(&rest, pass->node_count, &parent) || !read_node(&rest, pass->node_count, &child))
        return false;
    PlayerLine *line = edge_without_line(layout, pass, parent, child);
    const size_t points = strtoul(rest, &rest, 10);
    for (size_t i = 0; i < points && line != NULL; i++) {
        const double x = read_length(&rest), y = read_length(&rest);
        if (!add_point(layout, line, (Point){x, layout->size.y - y}))
            return false;
    }
    char *label = line != NULL ? strrchr(rest, '"') : NULL;
    if (label == NULL)
        return false;
    label++;
    line->label.x = read_length(&label);
    line->label.y = layout->size.y - read_length(&label);
    return true;
}

/* One line of the answer. */
static bool read_answer_line(PlayerLayout *layout, const PlayerSteps *pass, char *text)
{
    char *rest = strchr(text, ' ');
    size_t node;
    if (rest == NULL)
        return true; /* "stop" */
    if (strncmp(text, "graph ", 6) == 0) {
        read_length(&rest); /* the scale */
        layout->size.x = read_length(&rest);
        layout->size.y = read_length(&rest);
    } else if (strncmp(text, "node ", 5) == 0) {
        if (!read_node(&rest, pass->node_count, &node))
            return false;
        layout->boxes[node].x = read_length(&rest);
        layout->boxes[node].y = layout->size.y - read_length(&rest);
    } else if (strncmp(text, "edge ", 5) == 0) {
        return read_line(layout, pass, rest);
    }
    return true;
}

static bool all_lines_found(const PlayerLayout *layout, const PlayerSteps *pass)
{
    for (size_t e = 0; e < pass->edge_count; e++)
        if (layout->lines[e].point_count < 4 || layout->lines[e].point_count % 3 != 1)
            return false;
    return true;
}

#if defined(__unix__) || defined(__APPLE__)

/* The answer of dot -Tplain, line by line. */
static bool read_answer(PlayerLayout *layout, const PlayerSteps *pass, const char *path)
{
    FILE *in = fopen(path, "r");
    char *text = NULL;
    size_t room = 0;
    bool ok = in != NULL;
    while (ok && getline(&text, &room, in) > 0)
        ok = read_answer_line(layout, pass, text);
    free(text); /* getline's own */
    if (in != NULL)
        fclose(in);
    return ok && all_lines_found(layout, pass);
}

static bool write_request(const char *path, const PlayerSteps *pass, const Point *sizes, const Point *labels)
{
    FILE *out = fopen(path, "w");
    if (out == NULL)
        return false;
    print_request(out, pass, sizes, labels);
    const bool failed = ferror(out) != 0;
    return fclose(out) == 0 && !failed;
}

/* False for whatever reason: then it goes by layers. */
static bool lay_out_by_dot(PlayerLayout *layout, const PlayerSteps *pass, const Point *sizes, const Point *labels)
{
    char folder[256], request[300], answer[300];
    const char *place = getenv("TMPDIR");
    snprintf(folder, sizeof folder, "%.200s/stepgrad-player-XXXXXX", place != NULL && *place != '\0' ? place : "/tmp");
    if (pass->edge_count > (size_t)DOT_MAX_NODES * DOT_EDGES_PER_NODE || mkdtemp(folder) == NULL)
        return false;
    snprintf(request, sizeof request, "%s/request.dot", folder);
    snprintf(answer, sizeof answer, "%s/answer.plain", folder);
    const bool ok = write_request(request, pass, sizes, labels) &&
                    dot_render_within(DOT_PATIENCE, request, "plain", answer, NULL) &&
                    read_answer(layout, pass, answer);
    remove(request);
    remove(answer);
    rmdir(folder);
    return ok;
}

#else

static bool lay_out_by_dot(PlayerLayout *layout, const PlayerSteps *pass, const Point *sizes, const Point *labels)
{
    (void)layout, (void)pass, (void)sizes, (void)labels;
    return false;
}

#endif

/* ---- by layers --------------------------------------------------------------------------------------------------- */

enum {
    ROW_GAP = 26,    /* between two boxes of a layer */
    LANE = 30,       /* height of a line that passes through a layer */
    GAP_LEAST = 60,  /* between two layers, beside the width of the widest label there */
    SWEEPS = 6,      /* times that each layer is put in order by its neighbours, forth and back */
    REPEAT_BOW = 54, /* how far the lines of x*x part */
    ABOVE_LINE = 19, /* where a label's middle is */
    LABEL_GAP = 12,  /* between a label and the box */
    LABEL_TRIES = 9  /* half a label's height further each, up and down in turn */
};

/* What takes a place in a layer: a node, or its line on the way to a child some layers further. */
typedef struct Item {
    size_t node, layer;
    bool passes; /* only the line */
    double y, wish, height;
} Item;

/* A line between neighbouring layers, from one item to another. */
typedef struct Link {
    size_t left, right;
} Link;

typedef struct Layers {
    const PlayerSteps *pass;
    const Point *sizes, *labels;
    size_t *layer;      /* per node */
    size_t *last_layer; /* per node, how far its lines go before they meet the last child */
    size_t *children;   /* per node, the edges that leave it */
    size_t *first_item; /* per node: its own; those of its line in the next layers follow it */
    Item *items;
    size_t item_count;
    Item **order; /* items layer by layer, in each from the top down */
    size_t *first_in_layer;
    size_t layer_count;
    Link *links; /* by the layer of `right` */
    size_t *first_link;
    double *x, *width; /* per layer: left edge, width */
} Layers;

static size_t largest(size_t a, size_t b) { return a > b ? a : b; }

/* A node's layer is one after its last parent's; a leaf moves up to its first child. */
static void assign_layers(Layers *layers)
{
    const PlayerSteps *pass = layers->pass;
    for (size_t i = 0; i < pass->node_count; i++) {
        layers->layer[i] = 0;
        for (size_t e = pass->first_edge[i]; e < pass->first_edge[i + 1]; e++)
            layers->layer[i] = largest(layers->layer[i], layers->layer[pass->edges[e].parent] + 1);
        layers->layer_count = largest(layers->layer_count, layers->layer[i] + 1);
    }
    for (size_t i = 0; i < pass->node_count; i++)
        layers->last_layer[i] = SIZE_MAX; /* until a child is seen */
    for (size_t e = pass->edge_count; e-- > 0;) {
        const PlayerEdge *edge = &pass->edges[e];
        const bool leaf = pass->first_edge[edge->parent] == pass->first_edge[edge->parent + 1];
        const size_t before_child = layers->layer[edge->child] - 1;
        const bool first_seen = layers->last_layer[edge->parent] == SIZE_MAX;
        if (leaf && (first_seen || before_child < layers->layer[edge->parent]))
            layers->layer[edge->parent] = before_child;
        if (first_seen || before_child > layers->last_layer[edge->parent])
            layers->last_layer[edge->parent] = before_child;
    }
    for (size_t i = 0; i < pass->node_count; i++)
        if (layers->last_layer[i] == SIZE_MAX)
            layers->last_layer[i] = layers->layer[i];
}

static void count_children_and_items(Layers *layers)
{
    memset(layers->children, 0, layers->pass->node_count * sizeof(size_t));
    for (size_t e = 0; e < layers->pass->edge_count; e++)
        layers->children[layers->pass->edges[e].parent]++;
    layers->item_count = 0;
    for (size_t i = 0; i < layers->pass->node_count; i++) {
        layers->first_item[i] = layers->item_count;
        layers->item_count += layers->last_layer[i] - layers->layer[i] + 1;
    }
}

static void make_items(Layers *layers)
{
    for (size_t i = 0; i < layers->pass->node_count; i++)
        for (size_t layer = layers->layer[i]; layer <= layers->last_layer[i]; layer++) {
            const bool passes = layer > layers->layer[i];
            layers->items[layers->first_item[i] + layer - layers->layer[i]] =
                (Item){.node = i, .layer = layer, .passes = passes, .height = passes ? LANE : layers->sizes[i].y};
        }
}

/* The item of a node, or of its line, in a layer. */
static size_t item_in_layer(const Layers *layers, size_t node, size_t layer)
{
    return layers->first_item[node] + layer - layers->layer[node];
}

/* Put the items into their layers, in order of creation. */
static void fill_layers(Layers *layers)
{
    memset(layers->first_in_layer, 0, (layers->layer_count + 1) * sizeof(size_t));
    for (size_t i = 0; i < layers->item_count; i++)
        layers->first_in_layer[layers->items[i].layer + 1]++;
    for (size_t layer = 0; layer < layers->layer_count; layer++)
        layers->first_in_layer[layer + 1] += layers->first_in_layer[layer];
    for (size_t i = layers->item_count; i-- > 0;) /* backwards, so that each layer's count falls back to its first */
        layers->order[--layers->first_in_layer[layers->items[i].layer + 1]] = &layers->items[i];
    for (size_t layer = 0; layer < layers->layer_count; layer++)
        layers->first_in_layer[layer] = layers->first_in_layer[layer + 1];
    layers->first_in_layer[layers->layer_count] = layers->item_count;
}

static void make_links(Layers *layers)
{
    const PlayerSteps *pass = layers->pass;
    size_t count = 0;
    for (size_t layer = 0; layer < layers->layer_count; layer++) {
        layers->first_link[layer] = count;
        for (size_t i = layers->first_in_layer[layer]; i < layers->first_in_layer[layer + 1]; i++) {
            const Item *item = layers->order[i];
            const size_t right = (size_t)(item - layers->items);
            if (item->passes)
                layers->links[count++] = (Link){right - 1, right};
            for (size_t e = pass->first_edge[item->node]; !item->passes && e < pass->first_edge[item->node + 1]; e++)
                layers->links[count++] = (Link){item_in_layer(layers, pass->edges[e].parent, layer - 1), right};
        }
    }
    layers->first_link[layers->layer_count] = count;
}

static int compare_items(const void *left, const void *right)
{
    const Item *a = *(Item *const *)left, *b = *(Item *const *)right;
    if (a->wish != b->wish)
        return a->wish < b->wish ? -1 : 1;
    return (a > b) - (a < b);
}

/* Put the items of a layer in order of their wishes, one below the other. Pushing down those that would overlap meets
 * the wishes of the upper ones, pushing up those of the lower ones; halfway between the two nothing overlaps either. */
static void stack_layer(Layers *layers, size_t layer)
{
    const size_t first = layers->first_in_layer[layer], end = layers->first_in_layer[layer + 1];
    double bottom = -INFINITY, top = INFINITY;
    qsort(layers->order + first, end - first, sizeof *layers->order, compare_items);
    for (size_t i = first; i < end; i++) {
        Item *item = layers->order[i];
        item->y = fmax(item->wish, bottom + item->height / 2);
        bottom = item->y + item->height / 2 + ROW_GAP;
    }
    for (size_t i = end; i-- > first;) {
        Item *item = layers->order[i];
        const double pushed_up = fmin(item->wish, top - item->height / 2);
        top = pushed_up - item->height / 2 - ROW_GAP;
        item->y = (item->y + pushed_up) / 2;
    }
}

/* Each item wishes to be at the mean of its neighbours in the layer before (or after) it. */
static void wish_by_neighbours(Layers *layers, size_t layer, bool before, size_t *counts)
{
    const size_t links = before ? layer : layer + 1;
    for (size_t i = layers->first_in_layer[layer]; i < layers->first_in_layer[layer + 1]; i++) {
        layers->order[i]->wish = 0;
        counts[layers->order[i] - layers->items] = 0;
    }
    for (size_t k = layers->first_link[links]; k < layers->first_link[links + 1]; k++) {
        const Link *link = &layers->links[k];
        layers->items[before ? link->right : link->left].wish += layers->items[before ? link->left : link->right].y;
        counts[before ? link->right : link->left]++;
    }
    for (size_t i = layers->first_in_layer[layer]; i < layers->first_in_layer[layer + 1]; i++) {
        Item *item = layers->order[i];
        const size_t count = counts[item - layers->items];
        item->wish = count > 0 ? item->wish / (double)count : item->y;
    }
}

static bool order_layers(Layers *layers)
{
    size_t *counts = memory_alloc_array(layers->item_count, sizeof *counts);
    if (counts == NULL)
        return false;
    for (size_t i = 0; i < layers->item_count; i++)
        layers->items[i].wish = (double)i;
    for (size_t layer = 0; layer < layers->layer_count; layer++)
        stack_layer(layers, layer);
    for (size_t sweep = 0; sweep < SWEEPS; sweep++) {
        for (size_t layer = 1; layer < layers->layer_count; layer++) {
            wish_by_neighbours(layers, layer, true, counts);
            stack_layer(layers, layer);
        }
        for (size_t layer = layers->layer_count - 1; layer-- > 0;) {
            wish_by_neighbours(layers, layer, false, counts);
            stack_layer(layers, layer);
        }
    }
    memory_free(counts);
    return true;
}

/* Layers are as wide as their widest box, and the gap before a layer as its widest label. */
static void place_layers(Layers *layers)
{
    const PlayerSteps *pass = layers->pass;
    double right = MARGIN;
    for (size_t layer = 0; layer < layers->layer_count; layer++) {
        double gap = 0;
        layers->width[layer] = 0;
        for (size_t i = layers->first_in_layer[layer]; i < layers->first_in_layer[layer + 1]; i++) {
            const Item *item = layers->order[i];
            if (item->passes)
                continue;
            layers->width[layer] = fmax(layers->width[layer], layers->sizes[item->node].x);
            for (size_t e = pass->first_edge[item->node]; e < pass->first_edge[item->node + 1]; e++)
                gap = fmax(gap, layers->labels[e].x);
        }
        layers->x[layer] = layer == 0 ? right : right + gap + GAP_LEAST;
        right = layers->x[layer] + layers->width[layer];
    }
}

static void place_boxes(const Layers *layers, PlayerLayout *layout)
{
    double top = INFINITY, bottom = -INFINITY;
    for (size_t i = 0; i < layers->item_count; i++) {
        top = fmin(top, layers->items[i].y - layers->items[i].height / 2);
        bottom = fmax(bottom, layers->items[i].y + layers->items[i].height / 2);
    }
    for (size_t i = 0; i < layers->item_count; i++) {
        Item *item = &layers->items[i];
        item->y += MARGIN - top;
        if (!item->passes)
            layout->boxes[item->node] = (Point){layers->x[item->layer] + layers->width[item->layer] / 2, item->y};
    }
    const size_t last = layers->layer_count - 1;
    layout->size = (Point){layers->x[last] + layers->width[last] + MARGIN, bottom - top + 2 * MARGIN};
}

/* A curve that leaves and arrives level, bowed downwards by `bow` on its way. */
static bool add_curve(PlayerLayout *layout, PlayerLine *line, Point to, double bow)
{
    const Point from = layout->points[line->first_point + line->point_count - 1];
    const double middle = (from.x + to.x) / 2;
    return add_point(layout, line, (Point){middle, from.y + bow}) &&
           add_point(layout, line, (Point){middle, to.y + bow}) && add_point(layout, line, to);
}

/* How many of the child's edges are equal to this one (x*x has two, which bow apart), and which of them it is. */
static size_t count_equal(const PlayerSteps *pass, size_t edge, size_t *before)
{
    const PlayerEdge *own = &pass->edges[edge];
    size_t all = 0;
    *before = 0;
    for (size_t e = pass->first_edge[own->child]; e < pass->first_edge[own->child + 1]; e++) {
        const bool equal = pass->edges[e].parent == own->parent;
        all += equal;
        *before += equal && e < edge;
    }
    return all;
}

/* Where an edge comes from in the layer before its child. */
static double height_before_child(const Layers *layers, const PlayerEdge *edge)
{
    return layers->items[item_in_layer(layers, edge->parent, layers->layer[edge->child] - 1)].y;
}

/* Edges arrive at a box in the order of where they come from, so that they do not cross: this one's place, 0 to 1. */
static double share_of_edge(const Layers *layers, size_t edge)
{
    const PlayerSteps *pass = layers->pass;
    const size_t child = pass->edges[edge].child;
    const size_t first = pass->first_edge[child], end = pass->first_edge[child + 1];
    const double own = height_before_child(layers, &pass->edges[edge]);
    size_t above = 0;
    for (size_t e = first; e < end; e++) {
        const double other = height_before_child(layers, &pass->edges[e]);
        above += other < own || (other == own && e < edge);
    }
    return ((double)above + 0.5) / (double)(end - first);
}

/* A label stands at that end of the last curve where fewer edges meet; those of equal edges in the middle. */
static Point place_label(const Layers *layers, const Point *curve, size_t e, double bow)
{
    const PlayerEdge *edge = &layers->pass->edges[e];
    const size_t operands = layers->pass->first_edge[edge->child + 1] - layers->pass->first_edge[edge->child];
    const double aside = layers->labels[e].x / 2 + LABEL_GAP;
    if (bow != 0)
        return (Point){(curve[0].x + curve[3].x) / 2, (curve[0].y + curve[3].y) / 2 + 0.75 * bow - ABOVE_LINE};
    const bool upper = share_of_edge(layers, e) <= 0.5;
    if (operands >= layers->children[edge->parent])
        return (Point){curve[0].x + aside, curve[0].y - ABOVE_LINE};
    return (Point){curve[3].x - aside, curve[3].y + (upper ? -ABOVE_LINE : ABOVE_LINE)};
}

/* From the parent's box through the layers between to the child's. */
static bool draw_edge(const Layers *layers, PlayerLayout *layout, size_t e)
{
    const PlayerSteps *pass = layers->pass;
    const PlayerEdge *edge = &pass->edges[e];
    const Point child = layout->boxes[edge->child], child_size = layers->sizes[edge->child];
    const Point parent = layout->boxes[edge->parent];
    PlayerLine *line = &layout->lines[e];
    bool ok = add_point(layout, line, (Point){parent.x + layers->sizes[edge->parent].x / 2, parent.y});
    for (size_t layer = layers->layer[edge->parent] + 1; layer < layers->layer[edge->child]; layer++) {
        const double y = layers->items[item_in_layer(layers, edge->parent, layer)].y;
        ok = ok && add_curve(layout, line, (Point){layers->x[layer], y}, 0) &&
             add_curve(layout, line, (Point){layers->x[layer] + layers->width[layer], y}, 0);
    }
    size_t before;
    const size_t equal = count_equal(pass, e, &before);
    const double bow = REPEAT_BOW * ((double)before - (double)(equal - 1) / 2);
    const double arrival = (share_of_edge(layers, e) - 0.5) * child_size.y / 2;
    ok = ok && add_curve(layout, line, (Point){child.x - child_size.x / 2, child.y + arrival}, bow);
    if (ok)
        line->label = place_label(layers, layout->points + line->first_point + line->point_count - 4, e, bow);
    return ok;
}

static bool overlap(Point a, Point a_size, Point b, Point b_size)
{
    return fabs(a.x - b.x) < (a_size.x + b_size.x) / 2 && fabs(a.y - b.y) < (a_size.y + b_size.y) / 2;
}

static bool label_is_free(const Layers *layers, const PlayerLayout *layout, size_t e, Point place)
{
    const Point size = layers->labels[e];
    for (size_t other = 0; other < e; other++)
        if (overlap(place, size, layout->lines[other].label, layers->labels[other]))
            return false;
    for (size_t i = 0; i < layers->pass->node_count; i++)
        if (overlap(place, size, layout->boxes[i], layers->sizes[i]))
            return false;
    return true;
}

/* Move a label that lies on another, or on a box, up or down to the nearest place that is free; if there is none near,
 * it stays. */
static void part_labels(const Layers *layers, PlayerLayout *layout)
{
    for (size_t e = 0; e < layers->pass->edge_count; e++) {
        const Point wanted = layout->lines[e].label;
        for (int i = 0; i < LABEL_TRIES; i++) {
            const int steps = (i + 1) / 2 * (i % 2 == 0 ? 1 : -1);
            const Point place = {wanted.x, wanted.y + steps * layers->labels[e].y / 2};
            if (!label_is_free(layers, layout, e, place))
                continue;
            layout->lines[e].label = place;
            break;
        }
    }
}

static void free_layers(Layers *layers)
{
    memory_free(layers->layer);
    memory_free(layers->last_layer);
    memory_free(layers->children);
    memory_free(layers->first_item);
    memory_free(layers->items);
    memory_free(layers->order);
    memory_free(layers->first_in_layer);
    memory_free(layers->links);
    memory_free(layers->first_link);
    memory_free(layers->x);
    memory_free(layers->width);
}

static bool room_for_nodes(Layers *layers)
{
    const size_t nodes = layers->pass->node_count;
    layers->layer = memory_alloc_array(nodes, sizeof(size_t));
    layers->last_layer = memory_alloc_array(nodes, sizeof(size_t));
    layers->children = memory_alloc_array(nodes, sizeof(size_t));
    layers->first_item = memory_alloc_array(nodes, sizeof(size_t));
    return layers->layer != NULL && layers->last_layer != NULL && layers->children != NULL &&
           layers->first_item != NULL;
}

static bool room_for_items(Layers *layers)
{
    const size_t items = layers->item_count, count = layers->layer_count;
    layers->items = memory_alloc_array(items, sizeof(Item));
    layers->order = memory_alloc_array(items, sizeof(Item *));
    layers->first_in_layer = memory_alloc_array(count + 1, sizeof(size_t));
    layers->links = memory_alloc_array(items + layers->pass->edge_count, sizeof(Link));
    layers->first_link = memory_alloc_array(count + 1, sizeof(size_t));
    layers->x = memory_alloc_array(count, sizeof(double));
    layers->width = memory_alloc_array(count, sizeof(double));
    return layers->items != NULL && layers->order != NULL && layers->first_in_layer != NULL && layers->links != NULL &&
           layers->first_link != NULL && layers->x != NULL && layers->width != NULL;
}

static bool lay_out_by_layers(PlayerLayout *layout, const PlayerSteps *pass, const Point *sizes, const Point *labels)
{
    Layers layers = {.pass = pass, .sizes = sizes, .labels = labels};
    bool ok = room_for_nodes(&layers);
    if (ok) {
        assign_layers(&layers);
        count_children_and_items(&layers);
        ok = room_for_items(&layers);
    }
    if (ok) {
        make_items(&layers);
        fill_layers(&layers);
        make_links(&layers);
        ok = order_layers(&layers);
    }
    if (ok) {
        place_layers(&layers);
        place_boxes(&layers, layout);
        for (size_t e = 0; e < pass->edge_count && ok; e++)
            ok = draw_edge(&layers, layout, e);
    }
    if (ok)
        part_labels(&layers, layout);
    free_layers(&layers);
    return ok;
}

/* ---- either ------------------------------------------------------------------------------------------------------ */

typedef struct Frame {
    Point least, most;
} Frame;

static void widen(Frame *frame, Point middle, Point size)
{
    frame->least.x = fmin(frame->least.x, middle.x - size.x / 2);
    frame->least.y = fmin(frame->least.y, middle.y - size.y / 2);
    frame->most.x = fmax(frame->most.x, middle.x + size.x / 2);
    frame->most.y = fmax(frame->most.y, middle.y + size.y / 2);
}

/* Move all so that the picture begins at the margin; curves may swing out further than the boxes. */
static void fit_size(PlayerLayout *layout, const PlayerSteps *pass, const Point *sizes, const Point *labels)
{
    Frame frame = {{INFINITY, INFINITY}, {-INFINITY, -INFINITY}};
    for (size_t i = 0; i < pass->node_count; i++)
        widen(&frame, layout->boxes[i], sizes[i]);
    for (size_t e = 0; e < pass->edge_count; e++)
        widen(&frame, layout->lines[e].label, labels[e]);
    for (size_t i = 0; i < layout->point_count; i++)
        widen(&frame, layout->points[i], (Point){0, 0});
    const Point shift = {MARGIN - frame.least.x, MARGIN - frame.least.y};
    for (size_t i = 0; i < pass->node_count; i++)
        layout->boxes[i] = (Point){layout->boxes[i].x + shift.x, layout->boxes[i].y + shift.y};
    for (size_t e = 0; e < pass->edge_count; e++)
        layout->lines[e].label = (Point){layout->lines[e].label.x + shift.x, layout->lines[e].label.y + shift.y};
    for (size_t i = 0; i < layout->point_count; i++)
        layout->points[i] = (Point){layout->points[i].x + shift.x, layout->points[i].y + shift.y};
    layout->size = (Point){frame.most.x + shift.x + MARGIN, frame.most.y + shift.y + MARGIN};
}

bool player_layout_find(PlayerLayout *layout, const PlayerSteps *pass, const Point *sizes, const Point *labels,
                        bool use_dot, Error *error)
{
    bool ok = make_room(layout, pass);
    if (ok && use_dot)
        layout->by_dot = lay_out_by_dot(layout, pass, sizes, labels);
    if (ok && !layout->by_dot) {
        player_layout_free(layout); /* what dot may have left */
        ok = make_room(layout, pass) && lay_out_by_layers(layout, pass, sizes, labels);
    }
    if (!ok) {
        player_layout_free(layout);
        return error_set(error, "player: no memory to lay out the graph. Play a smaller one.");
    }
    fit_size(layout, pass, sizes, labels);
    return true;
}
