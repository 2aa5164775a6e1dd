/* picture.c - the tables of make bench as one picture: a panel for each, on a logarithmic axis of its own, where the
 * same ratio is the same distance.
 */
#include <math.h>

#include "plot/axis.h"
#include "plot/svg.h"
#include "report.h"

static const double ROOM = 1.1;
enum { PANEL_WIDTH = 460, GAP = 30, LEGEND_SAMPLE = 12 };

static double height_of(const Table *table)
{
    return TITLE_ROOM + LINE_HEIGHT * (double)(table->row_count + 1) + BELOW_ROOM;
}

static double widest_name(Table *const *tables, size_t count)
{
    double widest = 0;
    for (size_t i = 0; i < count; i++)
        for (size_t row = 0; row < tables[i]->row_count; row++)
            widest = fmax(widest, svg_text_width(tables[i]->rows[row].name, SVG_TEXT_SIZE));
    return widest;
}

/* With room at both ends. */
static Range range_of(const Table *table)
{
    Range range = axis_no_range;
    for (size_t row = 0; row < table->row_count; row++)
        for (size_t column = 0; column < table->column_count; column++) {
            const Cell cell = table_cell(table, row, column);
            if (table->columns[column].is_drawn && axis_shows(cell.low, true)) {
                axis_include(&range, cell.low / ROOM, true);
                axis_include(&range, cell.high * ROOM, true);
            }
        }
    return range;
}

static bool is_drawn(const Table *table)
{
    const Range range = range_of(table);
    return range.low <= range.high;
}

static void draw_cell(FILE *out, Cell cell, size_t colour, const Axis *x, double y)
{
    if (!axis_shows(cell.low, true))
        return;
    fprintf(out, "<path class='line stroke%zu'", colour);
    svg_put(out, " d='M% %H%'/>\n", (double[]){axis_pixel(x, cell.low), y, axis_pixel(x, cell.high)});
    fprintf(out, "<g class='points fill%zu'>", colour);
    svg_marker(out, colour, axis_pixel(x, cell.median), y);
    fputs("</g>\n", out);
}

/* The column's mark and name, at the right of the panel. */
static void draw_legend(FILE *out, const char *name, size_t colour, const Axis *x, double y)
{
    const double left = x->end + MARGIN;
    fprintf(out, "<g class='points fill%zu'>", colour);
    svg_marker(out, colour, left, y);
    fputs("</g>\n", out);
    svg_text(out, "start", left + LEGEND_SAMPLE, y + SVG_TEXT_SIZE / 3.0, LEGEND_TEXT_MOST, name);
}

static void draw_panel(FILE *out, const Table *table, double left, double top)
{
    Axis x = axis_new(range_of(table), true, ROUND_ENDS, 6), y = {.start = 0};
    x.start = left, x.end = left + PANEL_WIDTH;
    y.end = top + TITLE_ROOM, y.start = y.end + LINE_HEIGHT * (double)(table->row_count + 1);
    svg_text(out, "start title", left, top + SVG_TITLE_SIZE, INFINITY, table->title);
    char unit[64];
    snprintf(unit, sizeof unit, "%s (logarithmic)", table->unit);
    axis_draw_frame(out, &x, &y, unit, NULL, true);
    for (size_t row = 0; row < table->row_count; row++) {
        const double at = y.end + LINE_HEIGHT * (double)(row + 1);
        size_t colour = 0;
        svg_text(out, "end", left - LABEL_ROOM, at + SVG_TEXT_SIZE / 3.0, INFINITY, table->rows[row].name);
        for (size_t column = 0; column < table->column_count; column++)
            if (table->columns[column].is_drawn)
                draw_cell(out, table_cell(table, row, column), colour++, &x, at);
    }
    size_t colour = 0;
    for (size_t column = 0; column < table->column_count; column++)
        if (table->columns[column].is_drawn) {
            draw_legend(out, table->columns[column].name, colour, &x, y.end + LINE_HEIGHT * (double)(colour + 1));
            colour++;
        }
}

void report_picture(Table *const *tables, size_t count, FILE *out)
{
    const double left = MARGIN + widest_name(tables, count) + LABEL_ROOM;
    double height = MARGIN;
    for (size_t i = 0; i < count; i++)
        height += is_drawn(tables[i]) ? height_of(tables[i]) + GAP : 0;
    svg_begin(out, left + PANEL_WIDTH + MARGIN + LEGEND_SAMPLE + LEGEND_TEXT_MOST, height, "make bench",
              "the medians of what make bench measured, and a bar between the quartiles");
    double top = MARGIN;
    for (size_t i = 0; i < count; i++)
        if (is_drawn(tables[i])) {
            draw_panel(out, tables[i], left, top);
            top += height_of(tables[i]) + GAP;
        }
    svg_end(out);
}
