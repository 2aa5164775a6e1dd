/* axis.c - ticks are whole multiples of a step: 1, 2 or 5 times a power of ten. */
#include "axis.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "svg.h"

const Range axis_no_range = {INFINITY, -INFINITY};

static const double LARGEST = 1e300; /* beyond, the difference of two numbers may not be finite: the unit is ... */
enum { LARGE_UNIT = 10 };            /* ... this power of ten */
static const double SMALLEST_SPAN = 1e-290; /* below, ticks would lose their digits */
static const double SMALLEST_RATIO = 1e-9;  /* span / size: below, a range counts as a single number */
static const double ROUNDING = 1e-9;        /* of a step: a tick this close to the end is still on the axis */
static const double LOG_WIDENING = 0.5;     /* decades on either side of a single number */
static const double PLAIN_LARGEST = 1e6;    /* labels up to here have no power of ten */
enum { PLAIN_DECIMALS_MOST = 4, LARGEST_PLAIN_DECADE = 4, MARGIN_OF_LABEL = 6, NAME_DISTANCE = 34 };

bool axis_shows(double number, bool is_log) { return isfinite(number) && (!is_log || number > 0); }

void axis_include(Range *range, double number, bool is_log)
{
    const double position = is_log ? log10(number) : number;
    range->low = fmin(range->low, position);
    range->high = fmax(range->high, position);
}

/* ---- steps ------------------------------------------------------------------------------------------------------- */

/* digit · 10^exponent */
typedef struct Step {
    int digit; /* 1, 2 or 5 */
    int exponent;
} Step;

/* The smallest step of 1, 2 or 5 times a power of ten that divides `span` into at most `wanted` parts. */
static Step step_for(double span, int wanted)
{
    const double raw = span / wanted;
    Step step = {1, (int)floor(log10(raw))};
    const double fraction = raw / pow(10, step.exponent) * (1 - ROUNDING);
    if (fraction > 5)
        step.exponent++;
    else if (fraction > 1)
        step.digit = fraction > 2 ? 5 : 2;
    return step;
}

/* k steps; dividing by a power of ten, which is exact, gives the double nearest to 0.3 where 3·0.1 does not. */
static double steps(Step step, double k)
{
    const double digits = k * step.digit;
    return step.exponent < 0 ? digits / pow(10, -step.exponent) : digits * pow(10, step.exponent);
}

static double first_step(Step step, double low) { return ceil(low / steps(step, 1) - ROUNDING) + 0.0; }
static double last_step(Step step, double high) { return floor(high / steps(step, 1) + ROUNDING) + 0.0; }

/* ---- labels ------------------------------------------------------------------------------------------------------ */

/* Append "·10ᵉ" to `label`, which is empty or holds a number. */
static void append_power(char *label, int exponent)
{
    static const char *const raised[] = {"⁰", "¹", "²", "³", "⁴", "⁵", "⁶", "⁷", "⁸", "⁹"};
    char digits[AXIS_LABEL_BYTES];
    snprintf(digits, sizeof digits, "%d", exponent);
    strcat(label, *label != '\0' ? "·10" : "10");
    for (const char *c = digits; *c != '\0'; c++)
        strcat(label, *c == '-' ? "⁻" : raised[*c - '0']);
}

/* Label of a linear tick. `size` is that of the largest number on the axis: all labels are written alike. */
static void label_number(char *label, double number, double size, Step step, int unit)
{
    if (unit == 0 && size < PLAIN_LARGEST && step.exponent >= -PLAIN_DECIMALS_MOST) {
        svg_number(label, number, step.exponent < 0 ? -step.exponent : 0);
        return;
    }
    const int exponent = (int)floor(log10(size) + ROUNDING);
    const int decimals = exponent > step.exponent ? exponent - step.exponent : 0;
    const double power = exponent < 0 ? number * pow(10, -exponent) : number / pow(10, exponent);
    svg_number(label, power, decimals);
    if (number != 0)
        append_power(label, exponent + unit);
}

/* digit · 10^exponent on a logarithmic axis: all of them with a power of ten, or none. */
static void label_decade(char *label, int digit, int exponent, Range range)
{
    if (range.low >= -LARGEST_PLAIN_DECADE && range.high <= LARGEST_PLAIN_DECADE)
        svg_number(label, digit * pow(10, exponent), exponent < 0 ? -exponent : 0);
    else {
        *label = '\0';
        if (digit != 1)
            snprintf(label, AXIS_LABEL_BYTES, "%d", digit);
        append_power(label, exponent);
    }
}

/* ---- ticks ------------------------------------------------------------------------------------------------------- */

static Tick *new_tick(Axis *axis, double position)
{
    Tick *tick = &axis->ticks[axis->tick_count < AXIS_TICKS_MOST ? axis->tick_count++ : AXIS_TICKS_MOST - 1];
    tick->position = position;
    return tick;
}

static void add_linear_ticks(Axis *axis, Step step)
{
    const Range range = axis->range;
    const double size = fmax(fabs(range.low), fabs(range.high));
    for (double k = first_step(step, range.low); k <= last_step(step, range.high); k++)
        label_number(new_tick(axis, steps(step, k))->label, steps(step, k), size, step, axis->unit);
}

/* Every decade, or every 2nd, 5th, 10th ... */
static void add_decade_ticks(Axis *axis, Step step)
{
    const Range range = axis->range;
    for (double k = first_step(step, range.low); k <= last_step(step, range.high); k++)
        label_decade(new_tick(axis, steps(step, k))->label, 1, (int)steps(step, k), range);
}

/* 1, 2, 5, 10, 20, 50 ... on an axis of a few decades. */
static void add_digit_ticks(Axis *axis)
{
    static const int digits[] = {1, 2, 5};
    const Range range = axis->range;
    for (int decade = (int)floor(range.low); decade <= range.high; decade++)
        for (size_t i = 0; i < sizeof digits / sizeof *digits; i++) {
            const double position = decade + log10(digits[i]);
            if (position >= range.low - ROUNDING && position <= range.high + ROUNDING)
                label_decade(new_tick(axis, position)->label, digits[i], decade, range);
        }
}

/* Less than a decade: ticks as on a linear axis, at their logarithms. */
static void add_narrow_log_ticks(Axis *axis, int wanted)
{
    Axis linear = {.range = {pow(10, axis->range.low), fmin(pow(10, axis->range.high), DBL_MAX)}};
    add_linear_ticks(&linear, step_for(linear.range.high - linear.range.low, wanted));
    for (size_t i = 0; i < linear.tick_count; i++)
        memcpy(new_tick(axis, log10(linear.ticks[i].position))->label, linear.ticks[i].label, AXIS_LABEL_BYTES);
}

/* Steps of a logarithmic axis are decades: it has no half ones. */
static Step whole_decades(Step step) { return step.exponent < 0 ? (Step){1, 0} : step; }

static void add_log_ticks(Axis *axis, Step step, int wanted)
{
    const double decades = axis->range.high - axis->range.low;
    if (decades < 1)
        add_narrow_log_ticks(axis, wanted);
    else if (decades <= 2)
        add_digit_ticks(axis);
    else
        add_decade_ticks(axis, whole_decades(step));
}

/* ---- axes -------------------------------------------------------------------------------------------------------- */

static Range widen_single(Range range, bool is_log)
{
    const double size = fmax(fabs(range.low), fabs(range.high));
    const double smallest = is_log ? ROUNDING : fmax(size * SMALLEST_RATIO, SMALLEST_SPAN);
    if (range.high - range.low > smallest)
        return range;
    const double around = is_log ? LOG_WIDENING : size > SMALLEST_SPAN ? size / 10 : 1;
    return (Range){range.low - around, range.high + around};
}

static Range round_ends(Range range, Step step)
{
    const double size = steps(step, 1);
    return (Range){steps(step, floor(range.low / size + ROUNDING)), steps(step, ceil(range.high / size - ROUNDING))};
}

Axis axis_new(Range range, bool is_log, AxisEnds ends, int wanted)
{
    const int unit = fmax(fabs(range.low), fabs(range.high)) > LARGEST ? LARGE_UNIT : 0;
    const Range in_units = {range.low / pow(10, unit), range.high / pow(10, unit)};
    Axis axis = {.range = widen_single(in_units, is_log), .is_log = is_log, .unit = unit};
    const double span = axis.range.high - axis.range.low;
    const Step step = step_for(span, wanted);
    const bool within_decade = is_log && span < 1; /* its ends cannot be decades */
    if (ends == ROUND_ENDS && !within_decade)
        axis.range = round_ends(axis.range, is_log ? whole_decades(step) : step);
    if (is_log)
        add_log_ticks(&axis, step, wanted);
    else
        add_linear_ticks(&axis, step);
    return axis;
}

double axis_place(const Axis *axis, double position)
{
    const double share = (position - axis->range.low) / (axis->range.high - axis->range.low);
    return axis->start + share * (axis->end - axis->start);
}

double axis_pixel(const Axis *axis, double number)
{
    return axis_place(axis, axis->is_log ? log10(number) : number / pow(10, axis->unit));
}

double axis_number(const Axis *axis, double share)
{
    const double position = axis->range.low + share * (axis->range.high - axis->range.low);
    return fmin(fmax(position * pow(10, axis->unit), -DBL_MAX), DBL_MAX);
}

double axis_label_width(const Axis *axis)
{
    double widest = 0;
    for (size_t i = 0; i < axis->tick_count; i++)
        widest = fmax(widest, svg_text_width(axis->ticks[i].label, SVG_TEXT_SIZE));
    return widest;
}

/* ---- frame ------------------------------------------------------------------------------------------------------- */

static void draw_x_axis(FILE *out, const Axis *x, const Axis *y, bool has_labels)
{
    for (size_t i = 0; i < x->tick_count; i++) {
        const double at = axis_place(x, x->ticks[i].position);
        svg_put(out, "<path class='grid' d='M% %V%'/>\n", (double[]){at, y->start, y->end});
        if (has_labels)
            svg_text(out, "middle", at, y->start + SVG_TEXT_SIZE + MARGIN_OF_LABEL, INFINITY, x->ticks[i].label);
    }
}

static void draw_y_axis(FILE *out, const Axis *x, const Axis *y)
{
    const double to_middle = SVG_TEXT_SIZE / 3.0; /* from the baseline to the middle of a digit */
    for (size_t i = 0; i < y->tick_count; i++) {
        const double at = axis_place(y, y->ticks[i].position);
        svg_put(out, "<path class='grid' d='M% %H%'/>\n", (double[]){x->start, at, x->end});
        svg_text(out, "end", x->start - MARGIN_OF_LABEL, at + to_middle, INFINITY, y->ticks[i].label);
    }
}

static void draw_y_name(FILE *out, const Axis *x, const Axis *y, const char *name)
{
    const double left = x->start - 2 * MARGIN_OF_LABEL - axis_label_width(y) - 2;
    svg_put(out, "<g transform='translate(% %) rotate(-90)'>", (double[]){left, (y->start + y->end) / 2});
    svg_text(out, "middle", 0, 0, fabs(y->start - y->end), name);
    fputs("</g>\n", out);
}

void axis_draw_frame(FILE *out, const Axis *x, const Axis *y, const char *x_name, const char *y_name, bool has_x_labels)
{
    draw_x_axis(out, x, y, has_x_labels);
    draw_y_axis(out, x, y);
    svg_put(out, "<rect class='frame' x='%' y='%' width='%' height='%'/>\n",
            (double[]){x->start, y->end, x->end - x->start, y->start - y->end});
    if (has_x_labels && x_name != NULL)
        svg_text(out, "middle", (x->start + x->end) / 2, y->start + NAME_DISTANCE + 2, x->end - x->start, x_name);
    if (y_name != NULL)
        draw_y_name(out, x, y, y_name);
}
