/* axis.h - an axis of a plot: from numbers to pixels, and round ticks (1, 2, 5 times a power of ten).
 *
 *     Range range = axis_no_range;
 *     for (each number)
 *         if (axis_shows(number, is_log))
 *             axis_include(&range, number, is_log);
 *     Axis axis = axis_new(range, is_log, ROUND_ENDS, 6);   // about six ticks
 *     axis.start = 300, axis.end = 0;                       // in pixels
 *     ... axis_pixel(&axis, number), axis.ticks[i].label ...
 *
 * A logarithmic axis works with log10 of its numbers and shows those above 0.
 */
#ifndef STEPGRAD_AXIS_H
#define STEPGRAD_AXIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "number.h"

enum { AXIS_TICKS_MOST = 24, AXIS_LABEL_BYTES = NUMBER_SIZE };

/* The layout that all plots share, in pixels. */
enum {
    MARGIN = 14,
    NAME_ROOM = 22, /* of the y axis */
    LABEL_ROOM = 6, /* between the tick labels and the frame */
    TITLE_ROOM = 26,
    BELOW_ROOM = 42,  /* x tick labels and x name */
    LINE_HEIGHT = 18, /* of the legend */
    LEGEND_TEXT_MOST = 170
};

/* Positions from low to high: the numbers themselves, or their log10. Empty when low > high. */
typedef struct Range {
    double low, high;
} Range;

extern const Range axis_no_range;

/* Whether an axis can show the number: it is finite, and above 0 on a logarithmic axis. */
bool axis_shows(double number, bool is_log);

/* Widen the range to hold a number that the axis can show. */
void axis_include(Range *range, double number, bool is_log);

typedef struct Tick {
    double position;
    char label[AXIS_LABEL_BYTES];
} Tick;

typedef struct Axis {
    Range range; /* in units */
    int unit;    /* a power of ten: 0, and 10 where numbers are so large that their difference may not be finite */
    bool is_log;
    double start, end; /* the pixels of range.low and range.high: the caller's to set */
    size_t tick_count;
    Tick ticks[AXIS_TICKS_MOST];
} Axis;

typedef enum AxisEnds { EXACT_ENDS, ROUND_ENDS } AxisEnds;

/* The axis for a range that is not empty, with at most about `wanted` ticks (2 to 10). With ROUND_ENDS it begins and
 * ends at a tick. A range of a single number is widened around it. */
Axis axis_new(Range range, bool is_log, AxisEnds ends, int wanted);

/* The pixel of a number that the axis can show. */
double axis_pixel(const Axis *axis, double number);

/* The number at this share of a linear axis's length, 0 to 1. */
double axis_number(const Axis *axis, double share);

/* The pixel of a position: of a tick, say. */
double axis_place(const Axis *axis, double position);

/* The widest label in pixels, about. */
double axis_label_width(const Axis *axis);

/* Draw the frame of a plot: grid, ticks, tick labels and the names of the axes (either may be NULL). Without
 * has_x_labels, the x axis has its grid only, for a plot with another one below. */
void axis_draw_frame(FILE *out, const Axis *x, const Axis *y, const char *x_name, const char *y_name,
                     bool has_x_labels);

#endif
