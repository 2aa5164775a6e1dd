/* plot_boundary.c - the regions that a classifier divides the plane into. See plot.h.
 *
 * Class k wins where its margin, p_k − the largest other p, is above 0. The regions {margin > 0 and p_k > level} for
 * five levels are painted over each other, so that the colour is stronger where p_k is larger; the outline of
 * {margin > 0} is the decision boundary.
 * A region's outline is found by marching squares: it crosses the line between two neighbours of a grid where one is
 * inside and the other is not, at the zero of the straight line between their values. A ring of "outside" around the
 * grid closes every outline. Source: Lorensen & Cline, Marching Cubes, SIGGRAPH 1987; here in two dimensions.
 */
#include <float.h>
#include <math.h>
#include <string.h>

#include "axis.h"
#include "file.h"
#include "memory.h"
#include "plot.h"
#include "svg.h"

enum {
    N = 120,      /* grid points along an axis, where the prediction is known */
    SIDE = N + 2, /* with the ring around them */
    LEVELS = 5,
    TICKS = 6,
    NAME_BYTES = 64 /* more than the legend has room for */
};

/* Layout in pixels. */
static const double PANEL_SIDE = 440;   /* the larger one */
static const double LEAST_SHARE = 0.45; /* of that side, for the smaller one when the scales are equal */
static const double OTHER_HEIGHT = 340; /* when the scales differ */
static const double AROUND = 0.06;      /* of the data's range, on each side of it */
static const double OUTSIDE = -1;       /* a margin lower than any: what lies around the grid, or is not a number */

typedef struct Picture {
    const BoundaryPlot *plot;
    Axis x, y;
    double width, height;
    double field[SIDE][SIDE]; /* above 0 inside the region that is being drawn */
    bool visited[SIDE][SIDE]; /* an outline has passed between this place and the next in its row */
    double probabilities[];   /* N × N × classes */
} Picture;

/* ---- marching squares -------------------------------------------------------------------------------------------- */

/* The line between a place of the grid and the next in its row (along x), or the next in its column. */
typedef struct Edge {
    int row, column;
    bool is_along_x;
} Edge;

/* The sides of a square, in such an order that side ^ 2 is the one opposite. */
typedef enum Side { LOWER, RIGHT, UPPER, LEFT } Side;

typedef struct Square {
    int row, column; /* of its lower left corner */
} Square;

static bool is_inside(const Picture *picture, int row, int column) { return picture->field[row][column] > 0; }

static bool is_crossed(const Picture *picture, Edge e)
{
    return is_inside(picture, e.row, e.column) != is_inside(picture, e.row + !e.is_along_x, e.column + e.is_along_x);
}

static Edge edge_of(Square square, Side side)
{
    return (Edge){square.row + (side == UPPER), square.column + (side == RIGHT), side == LOWER || side == UPPER};
}

static Square neighbour(Square square, Side side)
{
    return (Square){square.row + (side == UPPER) - (side == LOWER), square.column + (side == RIGHT) - (side == LEFT)};
}

/* The outline enters a square through one side; through which one does it leave? When all four are crossed, two
 * opposite corners are inside and two are not: the value in the middle decides which two are connected. */
static Side way_out(const Picture *picture, Square square, Side in)
{
    static const Side around_right_lower[] = {[LOWER] = RIGHT, [RIGHT] = LOWER, [UPPER] = LEFT, [LEFT] = UPPER};
    static const Side around_left_lower[] = {[LOWER] = LEFT, [LEFT] = LOWER, [UPPER] = RIGHT, [RIGHT] = UPPER};
    const int row = square.row, column = square.column;
    Side out = in;
    int crossed = 0;
    for (int side = LOWER; side <= LEFT; side++)
        if (is_crossed(picture, edge_of(square, (Side)side))) {
            crossed++;
            out = (Side)side != in ? (Side)side : out;
        }
    if (crossed == 2)
        return out;
    const double *below = &picture->field[row][column], *above = &picture->field[row + 1][column];
    const double middle = (below[0] + below[1] + above[0] + above[1]) / 4;
    const bool joins_left_lower = (middle > 0) == is_inside(picture, row, column);
    return joins_left_lower ? around_right_lower[in] : around_left_lower[in];
}

/* Pixel of a row or column of the grid; those around it lie on its border. */
static double place(const Axis *axis, double i)
{
    return axis->start + fmin(fmax(i - 1, 0), N - 1) / (N - 1) * (axis->end - axis->start);
}

typedef struct Spot {
    double x, y;
} Spot;

/* Where the outline crosses an edge: the zero of the straight line between the values at its ends. */
static Spot crossing(const Picture *picture, Edge edge)
{
    const double from = picture->field[edge.row][edge.column];
    const double to = picture->field[edge.row + !edge.is_along_x][edge.column + edge.is_along_x];
    const double share = from / (from - to);
    return (Spot){place(&picture->x, edge.column + (edge.is_along_x ? share : 0)),
                  place(&picture->y, edge.row + (edge.is_along_x ? 0 : share))};
}

/* Do two spots lie on the same side of the frame? */
static bool is_along_frame(const Picture *picture, Spot a, Spot b)
{
    return (a.x == b.x && (a.x == picture->x.start || a.x == picture->x.end)) ||
           (a.y == b.y && (a.y == picture->y.start || a.y == picture->y.end));
}

/* Follow an outline from an edge along x, through the square above it, until it comes back. A line (and not a region)
 * has no parts along the frame. */
static void draw_outline(Picture *picture, FILE *out, Edge start, bool is_line)
{
    Square square = {start.row, start.column};
    Side in = LOWER;
    Spot here = crossing(picture, start);
    bool pen_is_down = false;
    do {
        const Side way = way_out(picture, square, in);
        const Edge edge = edge_of(square, way);
        const Spot next = crossing(picture, edge);
        const bool is_hidden = is_line && is_along_frame(picture, here, next);
        if (!is_hidden && !pen_is_down)
            svg_put(out, "M% %", (double[]){here.x, here.y});
        if (!is_hidden)
            svg_put(out, "L% %", (double[]){next.x, next.y});
        pen_is_down = !is_hidden;
        if (edge.is_along_x)
            picture->visited[edge.row][edge.column] = true;
        square = neighbour(square, way);
        in = (Side)(way ^ 2);
        here = next;
    } while (square.row != start.row || square.column != start.column || in != LOWER);
    if (!is_line)
        fputc('Z', out);
}

/* All outlines of the region where field > 0. Each one crosses some edge along x: start there. */
static void draw_outlines(Picture *picture, FILE *out, bool is_line)
{
    memset(picture->visited, 0, sizeof picture->visited);
    for (int row = 0; row < SIDE; row++)
        for (int column = 0; column + 1 < SIDE; column++) {
            const Edge edge = {row, column, true};
            if (is_crossed(picture, edge) && !picture->visited[row][column])
                draw_outline(picture, out, edge, is_line);
        }
}

/* ---- regions ----------------------------------------------------------------------------------------------------- */

/* How far class k is ahead of the next. */
static double margin_of(const double *p, int classes, int k)
{
    double other = -INFINITY;
    for (int j = 0; j < classes; j++)
        other = j != k ? fmax(other, p[j]) : other;
    return p[k] - other;
}

static bool all_finite(const double *p, int classes)
{
    for (int k = 0; k < classes; k++)
        if (!isfinite(p[k]))
            return false;
    return true;
}

/* Above 0 where class k is the likeliest, with more than `level`. */
static void fill_field(Picture *picture, int k, double level)
{
    const int classes = picture->plot->classes;
    const double *p = picture->probabilities;
    for (int row = 0; row < SIDE; row++)
        for (int column = 0; column < SIDE; column++) {
            const bool in_grid = row > 0 && row <= N && column > 0 && column <= N;
            const bool is_known = in_grid && all_finite(p, classes);
            picture->field[row][column] = is_known ? fmin(margin_of(p, classes, k), p[k] - level) : OUTSIDE;
            p += in_grid ? classes : 0;
        }
}

static void draw_regions(Picture *picture, FILE *out)
{
    const int classes = picture->plot->classes;
    const double least = 1.0 / classes; /* the likeliest class has no less */
    fputs("<g fill-rule='evenodd' fill-opacity='.13'>\n", out);
    for (int k = 0; k < classes; k++)
        for (int i = 0; i < LEVELS; i++) {
            fill_field(picture, k, i == 0 ? -INFINITY : least + (1 - least) * i / LEVELS);
            fprintf(out, "<path class='fill%d' d='", k % SVG_COLOURS);
            draw_outlines(picture, out, false);
            fputs("'/>\n", out);
        }
    fputs("</g>\n", out);
}

/* Colours come again after SVG_COLOURS classes: those are hatched too, each round in another direction. */
static void draw_hatchings(Picture *picture, FILE *out)
{
    const int classes = picture->plot->classes;
    for (int round = 1; round * SVG_COLOURS < classes; round++)
        fprintf(
            out,
            "<pattern id='hatch%d' width='9' height='9' patternUnits='userSpaceOnUse' patternTransform='rotate(%d)'>"
            "<path class='frame' d='M4 0v9'/></pattern>\n",
            round, 45 * round);
    for (int k = SVG_COLOURS; k < classes; k++) {
        fill_field(picture, k, -INFINITY);
        fprintf(out, "<path fill='url(#hatch%d)' fill-rule='evenodd' opacity='.4' d='", k / SVG_COLOURS);
        draw_outlines(picture, out, false);
        fputs("'/>\n", out);
    }
}

/* Each border between two classes is the outline of either: with two classes, drawing one of them is enough. */
static void draw_boundary(Picture *picture, FILE *out)
{
    const int classes = picture->plot->classes;
    fputs("<path class='edge' d='", out);
    for (int k = 1; k < (classes == 2 ? 2 : classes + 1); k++) {
        fill_field(picture, k % classes, -INFINITY);
        draw_outlines(picture, out, true);
    }
    fputs("'/>\n", out);
}

/* ---- predictions and points -------------------------------------------------------------------------------------- */

static bool is_shown(const BoundaryPlot *plot, size_t i)
{
    return axis_shows(plot->x[2 * i], false) && axis_shows(plot->x[2 * i + 1], false);
}

static void predict_grid(Picture *picture)
{
    const BoundaryPlot *plot = picture->plot;
    double *p = picture->probabilities;
    for (int row = 0; row < N; row++)
        for (int column = 0; column < N; column++, p += plot->classes) {
            const double right = (double)column / (N - 1), up = (double)row / (N - 1);
            plot->predict(plot->context, axis_number(&picture->x, right), axis_number(&picture->y, up), p);
        }
}

static void draw_points(const Picture *picture, FILE *out)
{
    const BoundaryPlot *plot = picture->plot;
    for (int k = 0; k < plot->classes; k++) {
        fprintf(out, "<g class='points fill%d'>\n", k % SVG_COLOURS);
        for (size_t i = 0; i < plot->count; i++)
            if (plot->label[i] == k && is_shown(plot, i))
                svg_marker(out, (size_t)k, axis_pixel(&picture->x, plot->x[2 * i]),
                           axis_pixel(&picture->y, plot->x[2 * i + 1]));
        fputs("</g>\n", out);
    }
}

/* ---- legend ------------------------------------------------------------------------------------------------------ */

/* A number alone would not say that it is a class. */
static const char *class_name(const BoundaryPlot *plot, int k, char *room)
{
    const char *name = plot->class_names != NULL ? plot->class_names[k] : NULL;
    double number;
    if (name == NULL)
        snprintf(room, NAME_BYTES, "class %d", k);
    else if (number_parse(name, strlen(name), &number) && isfinite(number))
        snprintf(room, NAME_BYTES, "class %s", name);
    else
        return name;
    return room;
}

static double legend_text_width(const BoundaryPlot *plot)
{
    double widest = 0;
    for (int k = 0; k < plot->classes; k++) {
        char room[NAME_BYTES];
        widest = fmax(widest, svg_text_width(class_name(plot, k, room), SVG_TEXT_SIZE));
    }
    return fmin(widest, LEGEND_TEXT_MOST);
}

static void draw_legend(const Picture *picture, FILE *out)
{
    const double left = picture->x.end + MARGIN;
    const double to_baseline = SVG_TEXT_SIZE / 3.0;
    for (int k = 0; k < picture->plot->classes; k++) {
        char room[NAME_BYTES];
        const double y = picture->y.end + (k + 0.5) * LINE_HEIGHT;
        if (k >= SVG_COLOURS) {
            fprintf(out, "<rect fill='url(#hatch%d)' opacity='.4'", k / SVG_COLOURS);
            svg_put(out, " x='%' y='%' width='14' height='14'/>\n", (double[]){left + LABEL_ROOM - 7, y - 7});
        }
        fprintf(out, "<g class='points fill%d'>\n", k % SVG_COLOURS);
        svg_marker(out, (size_t)k, left + LABEL_ROOM, y);
        fputs("</g>\n", out);
        svg_text(out, "start", left + 3 * LABEL_ROOM, y + to_baseline, LEGEND_TEXT_MOST,
                 class_name(picture->plot, k, room));
    }
}

/* ---- the picture ------------------------------------------------------------------------------------------------- */

static Range with_surroundings(Range range)
{
    const double around = range.high * AROUND - range.low * AROUND;
    return (Range){fmax(range.low - around, -DBL_MAX), fmin(range.high + around, DBL_MAX)};
}

/* The axes of all points that can be shown; false if there is none. */
static bool fit_axes(const BoundaryPlot *plot, Axis *x_axis, Axis *y_axis)
{
    Range x = axis_no_range, y = axis_no_range;
    for (size_t i = 0; i < plot->count; i++)
        if (is_shown(plot, i)) {
            axis_include(&x, plot->x[2 * i], false);
            axis_include(&y, plot->x[2 * i + 1], false);
        }
    if (x.low > x.high)
        return false;
    *x_axis = axis_new(with_surroundings(x), false, EXACT_ENDS, TICKS);
    *y_axis = axis_new(with_surroundings(y), false, EXACT_ENDS, TICKS);
    return true;
}

/* Equal scales where that leaves neither side too short. */
static void lay_out(Picture *picture)
{
    const BoundaryPlot *plot = picture->plot;
    const double right = picture->x.range.high - picture->x.range.low,
                 up = picture->y.range.high - picture->y.range.low;
    const double longer = fmax(right, up);
    const bool equal = picture->x.unit == picture->y.unit && fmin(right, up) >= LEAST_SHARE * longer;
    const double panel_width = equal ? PANEL_SIDE * (right / longer) : PANEL_SIDE;
    const double panel_height = equal ? PANEL_SIDE * (up / longer) : OTHER_HEIGHT;
    const double top = MARGIN + (plot->title != NULL ? TITLE_ROOM : 0);
    picture->x.start = MARGIN + (plot->y_name != NULL ? NAME_ROOM : 0) + axis_label_width(&picture->y) + LABEL_ROOM;
    picture->x.end = picture->x.start + panel_width;
    picture->y.end = top;
    picture->y.start = top + panel_height;
    picture->width = picture->x.end + MARGIN + 3 * LABEL_ROOM + legend_text_width(plot) + MARGIN;
    picture->width = fmax(picture->width, picture->x.start + svg_title_width(plot->title) + MARGIN);
    picture->height = fmax(picture->y.start + BELOW_ROOM, top + plot->classes * LINE_HEIGHT) + MARGIN;
}

static void draw_picture(Picture *picture, FILE *out)
{
    const BoundaryPlot *plot = picture->plot;
    const char *title = plot->title != NULL ? plot->title : "Decision boundary";
    svg_begin(out, picture->width, picture->height, title,
              "The plane in the colour of its likeliest class, a line where two classes tie, and the data points.");
    if (plot->title != NULL)
        svg_text(out, "start title", picture->x.start, MARGIN + SVG_TITLE_SIZE,
                 picture->width - picture->x.start - MARGIN, plot->title);
    axis_draw_frame(out, &picture->x, &picture->y, plot->x_name, plot->y_name, true);
    draw_regions(picture, out);
    draw_hatchings(picture, out);
    draw_boundary(picture, out);
    draw_points(picture, out);
    draw_legend(picture, out);
    svg_end(out);
}

/* ---- arguments --------------------------------------------------------------------------------------------------- */

static void check_arguments(const char *path, const BoundaryPlot *plot, Where where)
{
    if (path == NULL || plot == NULL || plot->predict == NULL ||
        (plot->count > 0 && (plot->x == NULL || plot->label == NULL)))
        misuse(where, "plot_boundary: the path, the plot, its predict, x or label is NULL.");
    if (plot->classes < 2)
        misuse(where, "plot_boundary: %d classes have no boundary. With one output p, write 1 - p and p.",
               plot->classes);
}

/* The axes, unless the data have none or a label is wrong. */
static bool take_data(const char *path, const BoundaryPlot *plot, Axis *x, Axis *y, Error *error)
{
    if (!fit_axes(plot, x, y))
        return error_set(error, "%.200s: not written: none of the %zu points is finite. Give it one that is.", path,
                         plot->count);
    for (size_t i = 0; i < plot->count; i++)
        if (plot->label[i] < 0 || plot->label[i] >= plot->classes)
            return error_set(error, "%.200s: not written: point %zu has label %d. Labels are 0 to %d.", path, i,
                             plot->label[i], plot->classes - 1);
    return true;
}

bool plot_boundary_at(const char *path, const BoundaryPlot *plot, Error *error, Where where)
{
    Axis x, y;
    SafeFile safe;
    check_arguments(path, plot, where);
    if (!take_data(path, plot, &x, &y, error))
        return false;
    const size_t grid = (size_t)N * N * sizeof(double), others = sizeof(Picture) / grid + 1; /* grids for the rest */
    Picture *picture = memory_alloc_array(others + (size_t)plot->classes, grid);
    if (picture == NULL)
        return error_set(error, "%.200s: not written: no memory for %d x %d predictions", path, N, N);
    FILE *out = file_begin(&safe, path, error);
    if (out != NULL) {
        picture->plot = plot;
        picture->x = x;
        picture->y = y;
        predict_grid(picture);
        lay_out(picture);
        draw_picture(picture, out);
    }
    memory_free(picture);
    return out != NULL && file_commit(&safe, error);
}
