/* plot_lines.c - curves, one panel or several with a common x axis. See plot.h. */
#include <math.h>

#include "axis.h"
#include "file.h"
#include "plot.h"
#include "svg.h"

enum { TICKS = 6, POINTS_SHOWN_MOST = 40, DASHES = 4 };

/* Layout in pixels. */
static const double PANEL_WIDTH = 520;
static const double SINGLE_HEIGHT = 300;
static const double STACKED_HEIGHT = 190;
static const double GAP = 16; /* between panels */
static const double SAMPLE_WIDTH = 26;

typedef struct Layout {
    Axis x;
    double top, panel_height;
    double width, height;
} Layout;

/* ---- what is drawn ----------------------------------------------------------------------------------------------- */

static double series_x(const PlotSeries *series, size_t i) { return series->x != NULL ? series->x[i] : (double)i; }

static bool is_shown(const PlotSeries *series, size_t i, bool log_x, bool log_y)
{
    return axis_shows(series_x(series, i), log_x) && axis_shows(series->y[i], log_y);
}

/* The range of a panel's y values; the common range of x is widened. */
static Range panel_range(const LinePlot *panel, Range *x, bool log_x)
{
    Range y = axis_no_range;
    for (const PlotSeries *series = panel->series; series < panel->series + panel->series_count; series++)
        for (size_t i = 0; i < series->count; i++)
            if (is_shown(series, i, log_x, panel->log_y)) {
                axis_include(x, series_x(series, i), log_x);
                axis_include(&y, series->y[i], panel->log_y);
            }
    return y;
}

static Axis panel_axis(const LinePlot *panel, bool log_x)
{
    Range x = axis_no_range;
    return axis_new(panel_range(panel, &x, log_x), panel->log_y, ROUND_ENDS, TICKS);
}

static const char *text_or(const char *text, const char *otherwise) { return text != NULL ? text : otherwise; }

static void check_arguments(const char *path, const LinePlot *plot, Where where)
{
    if (path == NULL || plot == NULL)
        misuse(where, "plot_lines: %s is NULL.", path == NULL ? "the path" : "the plot");
    for (const LinePlot *panel = plot; panel != NULL; panel = panel->below) {
        if (panel->series == NULL && panel->series_count > 0)
            misuse(where, "plot_lines: series is NULL, but series_count is %zu.", panel->series_count);
        for (size_t i = 0; i < panel->series_count; i++)
            if (panel->series[i].y == NULL && panel->series[i].count > 0)
                misuse(where, "plot_lines: series[%zu] (%s) has %zu points, but its y is NULL.", i,
                       text_or(panel->series[i].name, "no name"), panel->series[i].count);
    }
}

/* The range of x over all panels; false if a panel has nothing that can be shown. */
static bool common_range(const char *path, const LinePlot *plot, Range *x, Error *error)
{
    *x = axis_no_range;
    for (const LinePlot *panel = plot; panel != NULL; panel = panel->below) {
        const Range y = panel_range(panel, x, plot->log_x);
        if (y.low > y.high)
            return error_set(error,
                             "%.200s: not written: the plot of %.100s has no point that can be shown. Give it one "
                             "whose numbers are finite (and above 0 on a logarithmic axis).",
                             path, text_or(panel->y_label, "(no y_label)"));
    }
    return true;
}

/* ---- layout ------------------------------------------------------------------------------------------------------ */

/* 0 without names. */
static double legend_width(const LinePlot *plot)
{
    double widest = 0;
    for (const LinePlot *panel = plot; panel != NULL; panel = panel->below)
        for (size_t i = 0; i < panel->series_count; i++)
            if (panel->series[i].name != NULL)
                widest = fmax(widest, svg_text_width(panel->series[i].name, SVG_TEXT_SIZE));
    return widest > 0 ? MARGIN + SAMPLE_WIDTH + LABEL_ROOM + fmin(widest, LEGEND_TEXT_MOST) : 0;
}

/* Room for the y axis's labels and name: the same in all panels, so that their frames line up. */
static double left_room(const LinePlot *plot)
{
    double widest = 0;
    bool has_name = false;
    for (const LinePlot *panel = plot; panel != NULL; panel = panel->below) {
        const Axis y = panel_axis(panel, plot->log_x);
        widest = fmax(widest, axis_label_width(&y));
        has_name = has_name || panel->y_label != NULL;
    }
    return MARGIN + (has_name ? NAME_ROOM : 0) + widest + LABEL_ROOM;
}

/* A legend of many lines makes its panel taller. */
static double panel_height(const LinePlot *plot)
{
    double height = plot->below == NULL ? SINGLE_HEIGHT : STACKED_HEIGHT;
    for (const LinePlot *panel = plot; panel != NULL; panel = panel->below)
        height = fmax(height, (double)panel->series_count * LINE_HEIGHT);
    return height;
}

static Layout layout_for(const LinePlot *plot, Range x_range)
{
    Layout layout = {.x = axis_new(x_range, plot->log_x, EXACT_ENDS, TICKS + 2)};
    layout.top = MARGIN + (plot->title != NULL ? TITLE_ROOM : 0);
    layout.panel_height = panel_height(plot);
    layout.x.start = left_room(plot);
    layout.x.end = layout.x.start + PANEL_WIDTH;
    layout.width = layout.x.end + legend_width(plot) + MARGIN + axis_label_width(&layout.x) / 2;
    layout.width = fmax(layout.width, layout.x.start + svg_title_width(plot->title) + MARGIN);
    layout.height = layout.top + BELOW_ROOM + MARGIN - GAP;
    for (const LinePlot *panel = plot; panel != NULL; panel = panel->below)
        layout.height += layout.panel_height + GAP;
    return layout;
}

/* ---- a curve ----------------------------------------------------------------------------------------------------- */

static void draw_curve(FILE *out, const PlotSeries *series, size_t colour, const Axis *x, const Axis *y)
{
    size_t since_gap = 0;
    fprintf(out, "<path class='line stroke%zu dash%zu' d='", colour % SVG_COLOURS, colour % DASHES);
    for (size_t i = 0; i <= series->count; i++)
        if (i < series->count && is_shown(series, i, x->is_log, y->is_log))
            svg_put(out, since_gap++ == 0 ? "M% %" : "L% %",
                    (double[]){axis_pixel(x, series_x(series, i)), axis_pixel(y, series->y[i])});
        else {
            if (since_gap == 1)
                fputs("h0", out); /* a point between two gaps: the round ends of the line make it a dot */
            since_gap = 0;
        }
    fputs("'/>\n", out);
}

static void draw_points(FILE *out, const PlotSeries *series, size_t colour, const Axis *x, const Axis *y)
{
    fprintf(out, "<g class='points fill%zu'>\n", colour % SVG_COLOURS);
    for (size_t i = 0; i < series->count; i++)
        if (is_shown(series, i, x->is_log, y->is_log))
            svg_marker(out, colour, axis_pixel(x, series_x(series, i)), axis_pixel(y, series->y[i]));
    fputs("</g>\n", out);
}

static bool has_shown_points(const PlotSeries *series) { return series->count <= POINTS_SHOWN_MOST; }

/* ---- the picture ------------------------------------------------------------------------------------------------- */

static void draw_legend_line(FILE *out, const PlotSeries *series, size_t colour, double left, double y)
{
    fprintf(out, "<path class='line stroke%zu dash%zu'", colour % SVG_COLOURS, colour % DASHES);
    svg_put(out, " d='M% %h%'/>\n", (double[]){left, y, SAMPLE_WIDTH});
    if (has_shown_points(series)) {
        fprintf(out, "<g class='points fill%zu'>\n", colour % SVG_COLOURS);
        svg_marker(out, colour, left + SAMPLE_WIDTH / 2, y);
        fputs("</g>\n", out);
    }
    const double to_baseline = SVG_TEXT_SIZE / 3.0;
    svg_text(out, "start", left + SAMPLE_WIDTH + LABEL_ROOM, y + to_baseline, LEGEND_TEXT_MOST, series->name);
}

static void draw_panel(FILE *out, const LinePlot *panel, const Layout *layout, double top, const char *x_label)
{
    Axis y = panel_axis(panel, layout->x.is_log);
    y.start = top + layout->panel_height;
    y.end = top;
    axis_draw_frame(out, &layout->x, &y, x_label, panel->y_label, panel->below == NULL);
    double legend_y = top + LINE_HEIGHT / 2.0;
    for (size_t i = 0; i < panel->series_count; i++) {
        draw_curve(out, &panel->series[i], i, &layout->x, &y);
        if (has_shown_points(&panel->series[i]))
            draw_points(out, &panel->series[i], i, &layout->x, &y);
        if (panel->series[i].name != NULL) {
            draw_legend_line(out, &panel->series[i], i, layout->x.end + MARGIN, legend_y);
            legend_y += LINE_HEIGHT;
        }
    }
}

static void draw_plot(FILE *out, const LinePlot *plot, const Layout *layout)
{
    svg_begin(out, layout->width, layout->height, text_or(plot->title, text_or(plot->y_label, "Curves")), NULL);
    if (plot->title != NULL)
        svg_text(out, "start title", layout->x.start, MARGIN + SVG_TITLE_SIZE, layout->width - layout->x.start - MARGIN,
                 plot->title);
    double top = layout->top;
    for (const LinePlot *panel = plot; panel != NULL; panel = panel->below) {
        draw_panel(out, panel, layout, top, plot->x_label);
        top += layout->panel_height + GAP;
    }
    svg_end(out);
}

bool plot_lines_at(const char *path, const LinePlot *plot, Error *error, Where where)
{
    Range x;
    check_arguments(path, plot, where);
    if (!common_range(path, plot, &x, error))
        return false;
    SafeFile safe;
    FILE *out = file_begin(&safe, path, error);
    if (out == NULL)
        return false;
    const Layout layout = layout_for(plot, x);
    draw_plot(out, plot, &layout);
    return file_commit(&safe, error);
}
