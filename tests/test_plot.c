/* test_plot.c - pictures are well-formed, say what the data say, and are written whole or not at all. */
#define _DEFAULT_SOURCE /* mkdtemp beside C11 */
#define _DARWIN_C_SOURCE
#include <criterion/criterion.h>

#include <float.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "graph/escape.h"
#include "memory.h"
#include "no_memory.h"
#include "plot/axis.h"
#include "plot/plot.h"
#include "plot/svg.h"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wclobbered" /* at -O0 it is wary of the places that the statements themselves pass */
#endif

/* ---- a folder, and what was written to it ---- */

static const char path[] = "plot.svg";
static char folder[] = "/tmp/stepgrad-plot-XXXXXX";
static char *picture; /* the text of plot.svg, once read */

static void enter_folder(void) { cr_assert(mkdtemp(folder) != NULL && chdir(folder) == 0, "no folder to work in"); }

static void remove_folder(void)
{
    free(picture);
    remove(path);
    /* Only to clean up: Criterion counts no failure here, so the tests themselves look for what was left. */
    if (chdir("/") != 0 || rmdir(folder) != 0)
        fprintf(stderr, "a file that nobody asked for was left in %s\n", folder);
}

TestSuite(plot, .init = enter_folder, .fini = remove_folder, .timeout = 1800);

static bool exists(const char *name)
{
    struct stat status;
    return stat(name, &status) == 0;
}

static void read_picture(void)
{
    struct stat status;
    FILE *in = fopen(path, "rb");
    cr_assert(in != NULL && stat(path, &status) == 0, "%s does not exist", path);
    free(picture);
    picture = calloc((size_t)status.st_size + 1, 1);
    cr_assert_eq(fread(picture, 1, (size_t)status.st_size, in), (size_t)status.st_size, "cannot read %s", path);
    fclose(in);
}

static size_t count_of(const char *part)
{
    size_t count = 0;
    for (const char *at = picture; (at = strstr(at, part)) != NULL; at += strlen(part))
        count++;
    return count;
}

static void expect_part(const char *part) { cr_expect(strstr(picture, part) != NULL, "no %s in the picture", part); }

static void expect_message(const Error *error, const char *part)
{
    cr_expect(strstr(error->message, part) != NULL, "message \"%s\" should hold \"%s\"", error->message, part);
}

/* ---- well-formedness: tags close in order, attributes are quoted, & begins an entity, no number is nan or inf ---- */

enum { DEPTH_MOST = 16, TAG_BYTES = 16 };

static const char *after_tag(const char *at, char names[][TAG_BYTES], int *depth)
{
    const bool closes = at[1] == '/';
    char name[TAG_BYTES];
    cr_assert_eq(sscanf(at + 1 + closes, "%15[a-z]", name), 1, "no name of a tag at %.40s", at);
    const char *c = at;
    for (char quote = '\0'; *c != '>' || quote != '\0'; c++) {
        cr_assert(*c != '\0' && (*c != '<' || c == at), "a tag does not end: %.40s", at);
        if (*c == '\'' || *c == '"')
            quote = quote == '\0' ? *c : quote == *c ? '\0' : quote;
        else if (*c == '=')
            cr_assert(quote != '\0' || c[1] == '\'' || c[1] == '"', "an attribute without quotes: %.40s", at);
    }
    if (closes)
        cr_assert(*depth > 0 && strcmp(names[--*depth], name) == 0, "</%s> closes another tag", name);
    else if (c[-1] != '/') {
        cr_assert(*depth < DEPTH_MOST, "tags nest too deep");
        strcpy(names[(*depth)++], name);
    }
    return c + 1;
}

static void expect_well_formed(void)
{
    static const char *const entities[] = {"&lt;", "&gt;", "&amp;", "&quot;", "&#39;"};
    char names[DEPTH_MOST][TAG_BYTES];
    int depth = 0;
    cr_assert_eq(strncmp(picture, "<?xml version='1.0' encoding='UTF-8'?>\n<svg ", 44), 0, "not the head of an SVG");
    for (const char *c = strstr(picture, "<svg"); *c != '\0';) {
        cr_assert((unsigned char)*c >= ' ' || *c == '\n', "control character %d", *c);
        bool is_entity = *c != '&';
        for (size_t i = 0; i < sizeof entities / sizeof *entities; i++)
            is_entity = is_entity || strncmp(c, entities[i], strlen(entities[i])) == 0;
        cr_assert(is_entity, "& without an entity: %.20s", c);
        c = *c == '<' ? after_tag(c, names, &depth) : c + 1;
    }
    cr_expect_eq(depth, 0, "%d tags are not closed", depth);
    cr_expect(strstr(picture, "nan") == NULL && strstr(picture, "inf") == NULL, "a coordinate is not a number");
    if (system("command -v xmllint >/dev/null 2>&1") == 0)
        cr_expect_eq(system("xmllint --noout plot.svg"), 0, "xmllint finds a fault");
    else
        cr_log_warn("xmllint is not installed: checked by this test's own rules only");
}

/* ---- coordinates ---- */

enum { SPOTS_MOST = 5000 };

typedef struct Spots {
    size_t count;
    double x[SPOTS_MOST], y[SPOTS_MOST];
} Spots;

/* The points of the first path after `mark`: pairs of numbers behind M and L. */
static void read_path(const char *mark, Spots *spots)
{
    const char *c = strstr(picture, mark);
    cr_assert(c != NULL && (c = strstr(c, " d='")) != NULL, "no path behind %s", mark);
    spots->count = 0;
    for (c += strlen(" d='"); *c != '\''; c++)
        if ((*c == 'M' || *c == 'L') && spots->count < SPOTS_MOST) {
            cr_assert_eq(sscanf(c + 1, "%lf %lf", &spots->x[spots->count], &spots->y[spots->count]), 2, "no pair");
            spots->count++;
        }
}

static void read_circles(Spots *spots)
{
    spots->count = 0;
    for (const char *c = picture; (c = strstr(c, "<circle cx='")) != NULL; c++, spots->count++)
        cr_assert_eq(sscanf(c, "<circle cx='%lf' cy='%lf'", &spots->x[spots->count], &spots->y[spots->count]), 2,
                     "a circle without a centre");
}

/* ---- axes and numbers ---- */

static void expect_labels(Range range, bool is_log, AxisEnds ends, const char *want)
{
    const Axis axis = axis_new(range, is_log, ends, 6);
    char got[AXIS_TICKS_MOST * AXIS_LABEL_BYTES] = "";
    for (size_t i = 0; i < axis.tick_count; i++) {
        strcat(got, i > 0 ? " " : "");
        strcat(got, axis.ticks[i].label);
    }
    cr_expect_str_eq(got, want, "axis from %g to %g: ticks \"%s\", want \"%s\"", range.low, range.high, got, want);
}

Test(axis, ticks_are_round_and_their_labels_have_the_digits_they_need)
{
    expect_labels((Range){0, 1}, false, EXACT_ENDS, "0.0 0.2 0.4 0.6 0.8 1.0");
    expect_labels((Range){-1.3, 2.6}, false, EXACT_ENDS, "-1 0 1 2");
    expect_labels((Range){-1.3, 2.6}, false, ROUND_ENDS, "-2 -1 0 1 2 3");
    expect_labels((Range){0.031, 0.69}, false, ROUND_ENDS, "0.0 0.2 0.4 0.6 0.8");
    expect_labels((Range){0, 200}, false, EXACT_ENDS, "0 50 100 150 200");
    expect_labels((Range){5, 5}, false, EXACT_ENDS, "4.6 4.8 5.0 5.2 5.4");
    expect_labels((Range){0, 0}, false, EXACT_ENDS, "-1.0 -0.5 0.0 0.5 1.0");
    expect_labels((Range){0, 3e-7}, false, EXACT_ENDS, "0.0 0.5·10⁻⁷ 1.0·10⁻⁷ 1.5·10⁻⁷ 2.0·10⁻⁷ 2.5·10⁻⁷ 3.0·10⁻⁷");
    expect_labels((Range){-DBL_MAX, DBL_MAX}, false, ROUND_ENDS, "-2·10³⁰⁸ -1·10³⁰⁸ 0 1·10³⁰⁸ 2·10³⁰⁸");
    expect_labels((Range){0, 3e305}, false, EXACT_ENDS,
                  "0.0 0.5·10³⁰⁵ 1.0·10³⁰⁵ 1.5·10³⁰⁵ 2.0·10³⁰⁵ 2.5·10³⁰⁵ 3.0·10³⁰⁵");
    expect_labels((Range){0, 2e12}, false, EXACT_ENDS, "0.0 0.5·10¹² 1.0·10¹² 1.5·10¹² 2.0·10¹²");
}

Test(axis, logarithmic_ticks_are_decades_or_digits_of_them)
{
    expect_labels((Range){-16, 0}, true, EXACT_ENDS, "10⁻¹⁵ 10⁻¹⁰ 10⁻⁵ 10⁰");
    expect_labels((Range){-2.4, 1.2}, true, ROUND_ENDS, "0.001 0.01 0.1 1 10 100");
    expect_labels((Range){-1.1, 0.4}, true, EXACT_ENDS, "0.1 0.2 0.5 1 2");
    expect_labels((Range){log10(2), log10(6)}, true, EXACT_ENDS, "2 3 4 5 6");
    expect_labels((Range){2, 2}, true, EXACT_ENDS, "50 100 200");
}

Test(axis, every_range_has_a_few_ticks_inside_it_at_equal_distances)
{
    srand(7);
    for (int i = 0; i < 20000; i++) {
        const double low = (rand() / (double)RAND_MAX - 0.5) * pow(10, rand() % 500 - 250);
        const double span = fabs(low) * pow(10, rand() % 12 - 6) + pow(10, -280);
        const AxisEnds ends = i % 2 == 0 ? EXACT_ENDS : ROUND_ENDS;
        const Axis axis = axis_new((Range){low, low + span}, false, ends, 6);
        cr_assert(axis.tick_count >= 2 && axis.tick_count <= 9, "[%g, +%g] has %zu ticks", low, span, axis.tick_count);
        const double step = axis.ticks[1].position - axis.ticks[0].position;
        /* a tick is rounded to its double, and so is each difference: some units in the last place of the larger end */
        const double rounding = 1e-9 * step + 8 * 2.3e-16 * (fabs(low) + span);
        for (size_t k = 0; k < axis.tick_count; k++) {
            const double at = axis.ticks[k].position;
            cr_assert(at >= axis.range.low - rounding && at <= axis.range.high + rounding, "tick %g is outside", at);
            cr_assert_float_eq(at, axis.ticks[0].position + (double)k * step, rounding, "[%g, +%g]: tick %zu is %g",
                               low, span, k, at);
        }
    }
}

Test(axis, numbers_that_cannot_be_shown_are_refused)
{
    const double refused[] = {NAN, INFINITY, -INFINITY};
    Range range = axis_no_range;
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++)
        cr_expect(!axis_shows(refused[i], false), "%g was accepted", refused[i]);
    cr_expect(!axis_shows(0, true) && !axis_shows(-1, true), "log of 0 or -1 was accepted");
    cr_expect(axis_shows(-DBL_MAX, false) && axis_shows(5e-324, true), "numbers within the limits were refused");
    axis_include(&range, 100, true);
    cr_expect(range.low == 2 && range.high == 2, "log10(100) is not 2: %g to %g", range.low, range.high);
}

Test(svg, numbers_have_a_point_in_every_locale)
{
    static const char *const locales[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE", "ps_AF.UTF-8"};
    bool found = false;
    for (size_t i = 0; i < sizeof locales / sizeof *locales && !found; i++)
        found = setlocale(LC_NUMERIC, locales[i]) != NULL;
    if (!found)
        cr_log_warn("no locale with a decimal comma is installed: tested in the C locale only");
    char text[NUMBER_SIZE];
    cr_expect_str_eq(svg_number(text, -1.25, 2), "-1.25", "got %s", text);
    cr_expect_str_eq(svg_number(text, -0.001, 2), "0.00", "got %s, want no minus", text);
    cr_expect_str_eq(svg_number(text, 12, 0), "12", "got %s", text);
}

Test(svg, what_xml_forbids_is_replaced_and_the_rest_is_kept)
{
    static const char *const rows[][2] = {
        {"<&>\"'", "&lt;&amp;&gt;&quot;&#39;"},
        {"2→32 ∂L 日本 😀", "2→32 ∂L 日本 😀"},
        {"a\nb\tc", "a b c"},
        {"\x01\x7f", "\xEF\xBF\xBD\xEF\xBF\xBD"},
        {"\xff|\xc3|\x80", "\xEF\xBF\xBD|\xEF\xBF\xBD|\xEF\xBF\xBD"},
        {"\xc0\xbc|", "\xEF\xBF\xBD\xEF\xBF\xBD|"},                               /* '<' in two bytes: overlong */
        {"\xed\xa0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},                 /* a surrogate */
        {"\xef\xbf\xbf", "\xEF\xBF\xBD"},                                         /* U+FFFF */
        {"\xf4\x90\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"}, /* above U+10FFFF */
        {"\xe2\x86", "\xEF\xBF\xBD\xEF\xBF\xBD"},                                 /* ends too soon */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char got[64] = "";
        FILE *out = tmpfile();
        escape_put(out, ESCAPE_XML, rows[i][0]);
        rewind(out);
        got[fread(got, 1, sizeof got - 1, out)] = '\0';
        fclose(out);
        cr_expect_str_eq(got, rows[i][1], "row %zu: got \"%s\", want \"%s\"", i, got, rows[i][1]);
    }
}

/* ---- curves ---- */

static void draw_lines(const LinePlot *plot)
{
    Error error = {""};
    cr_assert(plot_lines(path, plot, &error), "%s", error.message);
    read_picture();
    expect_well_formed();
}

Test(plot, a_short_curve_shows_each_point_where_it_belongs)
{
    const double y[] = {0, 1, 4, 9, 16}; /* the axis ends are 0 and 20 */
    const PlotSeries series = {NULL, 5, NULL, y};
    draw_lines(&(LinePlot){.title = "squares", .series = &series, .series_count = 1});
    Spots circles, line;
    read_circles(&circles);
    cr_assert_eq(circles.count, 5, "%zu circles for 5 points", circles.count);
    read_path("class='line", &line);
    cr_assert_eq(line.count, 5, "%zu points in the line, want 5", line.count);
    const double per_y = (circles.y[0] - circles.y[4]) / 16, per_x = (circles.x[4] - circles.x[0]) / 4;
    cr_expect(per_y > 1 && per_x > 1, "the picture is flat: %g, %g pixels per unit", per_x, per_y);
    for (int i = 0; i < 5; i++) { /* two decimals: a coordinate and the unit are off by at most 0.005 each */
        cr_expect_float_eq(circles.y[i], circles.y[0] - per_y * y[i], 0.011, "point %d is at y %g", i, circles.y[i]);
        cr_expect_float_eq(circles.x[i], circles.x[0] + per_x * i, 0.011, "point %d is at x %g", i, circles.x[i]);
        cr_expect(line.x[i] == circles.x[i] && line.y[i] == circles.y[i], "the line misses point %d", i);
    }
}

Test(plot, each_tick_has_a_grid_line_and_a_label)
{
    const double y[] = {0, 1};
    const PlotSeries series = {NULL, 2, NULL, y};
    draw_lines(&(LinePlot){.series = &series, .series_count = 1});
    const Axis y_axis = axis_new((Range){0, 1}, false, ROUND_ENDS, 6),
               x_axis = axis_new((Range){0, 1}, false, EXACT_ENDS, 8);
    const size_t ticks = x_axis.tick_count + y_axis.tick_count;
    cr_expect_eq(count_of("<path class='grid'"), ticks, "%zu grid lines, %zu ticks", count_of("<path class='grid'"),
                 ticks);
    cr_expect_eq(count_of("<text"), ticks, "%zu texts, %zu ticks and no other text", count_of("<text"), ticks);
}

Test(plot, numbers_that_cannot_be_shown_leave_a_gap)
{
    const double y[] = {1, 2, NAN, 3, 4, INFINITY, 5};
    const PlotSeries series = {"loss", 7, NULL, y};
    draw_lines(&(LinePlot){.series = &series, .series_count = 1});
    Spots circles;
    read_circles(&circles);
    cr_expect_eq(circles.count, 5 + 1, "%zu circles for 5 points and the legend", circles.count);
    const char *line = strstr(picture, "<path class='line");
    size_t starts = 0;
    for (const char *c = strstr(line, " d='") + 4; *c != '\''; c++)
        starts += *c == 'M';
    cr_expect_eq(starts, 3, "the line has %zu parts, want 3", starts);
    expect_part("h0'/>"); /* the last point stands alone and is a dot */
}

Test(plot, a_logarithmic_axis_leaves_out_what_is_not_above_0)
{
    const double x[] = {1e-8, 1e-4, 1, 10}, y[] = {1e-3, 0, -1, 1e-9};
    const PlotSeries series = {"error", 4, x, y};
    draw_lines(&(LinePlot){.series = &series, .series_count = 1, .log_x = true, .log_y = true});
    Spots circles;
    read_circles(&circles);
    cr_expect_eq(circles.count, 2 + 1, "%zu circles for 2 points and the legend", circles.count);
    expect_part(">10⁻⁸</text>");
}

Test(plot, a_single_point_and_a_constant_can_be_drawn)
{
    const double constant[] = {0.5, 0.5, 0.5};
    const PlotSeries one = {NULL, 1, NULL, constant}, all = {NULL, 3, NULL, constant};
    draw_lines(&(LinePlot){.series = &one, .series_count = 1});
    cr_expect_eq(count_of("<circle"), 1, "%zu circles for 1 point", count_of("<circle"));
    draw_lines(&(LinePlot){.series = &all, .series_count = 1});
    cr_expect_eq(count_of("<circle"), 3, "%zu circles for 3 points", count_of("<circle"));
}

Test(plot, extreme_numbers_give_finite_coordinates)
{
    const double y[] = {-1e300, 1e300, 5e-324, 1e-310, -5e-324}, tiny[] = {5e-324, 1e-310};
    const double largest[] = {DBL_MAX, -DBL_MAX, 0}, positive[] = {1e301, DBL_MAX, DBL_MAX};
    const PlotSeries large = {NULL, 5, NULL, y}, small = {NULL, 2, tiny, tiny};
    const PlotSeries huge = {NULL, 3, largest, largest}, high = {NULL, 2, positive + 1, positive + 1};
    draw_lines(&(LinePlot){.series = &large, .series_count = 1});
    draw_lines(&(LinePlot){.series = &huge, .series_count = 1});
    Spots circles;
    read_circles(&circles);
    cr_assert_eq(circles.count, 3, "%zu circles for 3 points", circles.count);
    cr_expect_float_eq(circles.x[2], (circles.x[0] + circles.x[1]) / 2, 0.02, "0 is not in the middle");
    cr_expect_float_eq(circles.y[2], (circles.y[0] + circles.y[1]) / 2, 0.02, "0 is not in the middle");
    cr_expect(circles.x[0] - circles.x[1] > 100, "the curve has no width");
    draw_lines(&(LinePlot){.series = &high, .series_count = 1});
    draw_lines(&(LinePlot){.series = &high, .series_count = 1, .log_x = true, .log_y = true});
    draw_lines(&(LinePlot){.series = &(PlotSeries){NULL, 3, NULL, positive}, .series_count = 1, .log_y = true});
    draw_lines(&(LinePlot){.series = &small, .series_count = 1});
    draw_lines(&(LinePlot){.series = &small, .series_count = 1, .log_x = true, .log_y = true});
}

Test(plot, a_title_is_whole_where_the_plot_is_narrower)
{
    static const char title[] = "The mean cross-entropy of a network of three layers after 200 epochs of Adam: 0.0123";
    const double y[] = {1, 2};
    draw_lines(&(LinePlot){.title = title, .series = &(PlotSeries){NULL, 2, NULL, y}, .series_count = 1});
    cr_expect_eq(count_of("after 200 epochs of Adam: 0.0123</text>"), 1, "the title is cut");
    double width, left;
    cr_assert_eq(sscanf(strstr(picture, " width='"), " width='%lf", &width), 1);
    cr_assert_eq(sscanf(strstr(picture, "<text class='start title'"), "<text class='start title' x='%lf", &left), 1);
    cr_expect(left + svg_text_width(title, SVG_TITLE_SIZE) <= width, "the page ends before its title");
}

Test(plot, panels_share_the_x_axis)
{
    const double loss[] = {3, 2, 1}, accuracy[] = {0.5, 0.7, 0.8, 0.9, 1};
    const PlotSeries above = {"training", 3, NULL, loss}, below = {"test", 5, NULL, accuracy};
    draw_lines(&(LinePlot){.title = "two",
                           .x_label = "epoch",
                           .y_label = "loss",
                           .series = &above,
                           .series_count = 1,
                           .below = &(LinePlot){.y_label = "accuracy", .series = &below, .series_count = 1}});
    Spots circles;
    read_circles(&circles); /* 3, the legend's, 5, the legend's */
    cr_assert_eq(circles.count, 3 + 1 + 5 + 1, "%zu circles", circles.count);
    for (int i = 0; i < 3; i++)
        cr_expect_eq(circles.x[i], circles.x[4 + i], "epoch %d is at %g above and %g below", i, circles.x[i],
                     circles.x[4 + i]);
    cr_expect_eq(count_of("<rect class='frame'"), 2, "%zu frames for 2 panels", count_of("<rect class='frame'"));
    cr_expect_eq(count_of(">epoch<"), 1, "the x axis is named %zu times", count_of(">epoch<"));
    expect_part(">loss</text>");
    expect_part(">accuracy</text>");
}

Test(plot, any_text_is_safe)
{
    const double y[] = {1, 2};
    const PlotSeries series = {"<script>&\x01\xff", 2, NULL, y};
    draw_lines(&(LinePlot){
        .title = "'a' < \"b\"", .x_label = "&amp;", .y_label = "]]>", .series = &series, .series_count = 1});
    expect_part("&#39;a&#39; &lt; &quot;b&quot;</title>");
    expect_part("&amp;amp;</text>");
    expect_part("&lt;script&gt;&amp;\xEF\xBF\xBD\xEF\xBF\xBD</text>");
}

Test(plot, the_same_data_give_the_same_bytes)
{
    const double y[] = {1, 2, 0};
    const PlotSeries series = {"a", 3, NULL, y};
    const LinePlot plot = {.series = &series, .series_count = 1};
    draw_lines(&plot);
    char *first = picture;
    picture = NULL;
    draw_lines(&plot);
    cr_expect_str_eq(picture, first, "two drawings differ");
    free(first);
}

Test(plot, nothing_to_draw_is_an_error_and_leaves_no_file)
{
    const double y[] = {NAN, -INFINITY};
    const PlotSeries empty = {"a", 0, NULL, NULL}, nan = {"a", 2, NULL, y};
    const LinePlot plots[] = {{.series_count = 0},
                              {.series = &empty, .series_count = 1, .y_label = "loss"},
                              {.series = &nan, .series_count = 1}};
    for (size_t i = 0; i < sizeof plots / sizeof *plots; i++) {
        Error error = {""};
        cr_expect(!plot_lines(path, &plots[i], &error), "plot %zu was drawn", i);
        expect_message(&error, "plot.svg: not written: ");
        cr_expect(!exists(path), "plot %zu left a file", i);
    }
}

Test(plot, a_file_that_cannot_be_written_is_told)
{
    const double y[] = {1, 2};
    const PlotSeries series = {"a", 2, NULL, y};
    const LinePlot plot = {.series = &series, .series_count = 1};
    Error error = {""};
    cr_expect(!plot_lines("none/plot.svg", &plot, &error), "a file in no folder was written");
    expect_message(&error, "none/plot.svg: cannot write: ");
    if (!exists("/dev/full")) {
        cr_log_warn("not tested: there is no /dev/full here");
        return;
    }
    cr_expect(!plot_lines("/dev/full", &plot, &error), "a full disk was not noticed");
    expect_message(&error, "/dev/full: cannot write: ");
}

/* ---- misuse ---- */

static jmp_buf back;
static char misuse_message[512];

static void jump_back(Where where, const char *message)
{
    snprintf(misuse_message, sizeof misuse_message, "%s:%d: %s", where.file, where.line, message);
    longjmp(back, 1);
}

static void expect_misuse(const char *part)
{
    cr_expect(strstr(misuse_message, part) != NULL, "misuse said \"%s\", want \"%s\"", misuse_message, part);
    cr_expect(strstr(misuse_message, "test_plot.c:") != NULL, "not the caller's file: \"%s\"", misuse_message);
    cr_expect(!exists(path), "misuse left a file");
    misuse_message[0] = '\0';
}

Test(plot, curves_without_numbers_are_misuse)
{
    static const PlotSeries series = {"a", 2, NULL, NULL};
    misuse_set_handler(jump_back);
    if (setjmp(back) == 0)
        plot_lines(path, &(LinePlot){.series = &series, .series_count = 1}, NULL);
    expect_misuse("series[0] (a) has 2 points, but its y is NULL.");
    if (setjmp(back) == 0)
        plot_lines(path, &(LinePlot){.series_count = 3}, NULL);
    expect_misuse("series is NULL, but series_count is 3.");
    if (setjmp(back) == 0)
        plot_lines(path, NULL, NULL);
    expect_misuse("the plot is NULL.");
}

/* ---- decision boundaries ---- */

/* Corners of [0, 1] × [0, 1], so that the first circle and the last square tell where the unit square lies. */
static const double corners[] = {0, 0, 1, 0, 0, 1, 1, 1};
static const int corner_labels[] = {0, 0, 0, 1};

static void draw_boundary(const BoundaryPlot *plot)
{
    Error error = {""};
    cr_assert(plot_boundary(path, plot, &error), "%s", error.message);
    read_picture();
    expect_well_formed();
}

/* Class 1 to the right of x0 = 0.3; linear, so that interpolation is exact. */
static void left_and_right(void *context, double x0, double x1, double *p)
{
    (void)context, (void)x1;
    p[1] = 0.5 + 0.2 * (x0 - 0.3);
    p[0] = 1 - p[1];
}

Test(plot, the_boundary_lies_where_the_classes_tie)
{
    draw_boundary(
        &(BoundaryPlot){.x = corners, .label = corner_labels, .count = 4, .classes = 2, .predict = left_and_right});
    Spots circles, line;
    read_circles(&circles);
    read_path("class='edge'", &line);
    cr_assert(line.count > 100, "the boundary has %zu points on a grid of 120", line.count);
    const double want = circles.x[0] + 0.3 * (circles.x[1] - circles.x[0]);
    for (size_t i = 0; i < line.count; i++) /* each of three coordinates is rounded to 0.005 */
        cr_assert_float_eq(line.x[i], want, 0.015, "point %zu is at %g, want %g", i, line.x[i], want);
}

/* Class 1 outside of the circle of radius 0.4 around the middle. */
static void in_and_out(void *context, double x0, double x1, double *p)
{
    (void)context;
    p[1] = 0.5 + 0.4 * ((x0 - 0.5) * (x0 - 0.5) + (x1 - 0.5) * (x1 - 0.5) - 0.16);
    p[0] = 1 - p[1];
}

Test(plot, a_round_boundary_is_round)
{
    draw_boundary(
        &(BoundaryPlot){.x = corners, .label = corner_labels, .count = 4, .classes = 2, .predict = in_and_out});
    Spots circles, line;
    read_circles(&circles);
    read_path("class='edge'", &line);
    const double unit = circles.x[1] - circles.x[0];
    cr_expect_float_eq(circles.y[0] - circles.y[2], unit, 0.011, "the scales differ: %g and %g", unit,
                       circles.y[0] - circles.y[2]);
    /* between two places at distance h = 1.12/119, the straight line is off by at most h²/4 of the square of the
     * radius, whose slope is 2·0.4; then the rounding of coordinates */
    const double h = 1.12 / 119;
    const double bound = h * h / 4 / 0.8 * unit + 0.02;
    cr_assert(line.count > 200, "the boundary has %zu points on a grid of 120", line.count);
    for (size_t i = 0; i < line.count; i++) {
        const double right = line.x[i] - circles.x[0] - unit / 2, up = circles.y[0] - line.y[i] - unit / 2;
        cr_assert_float_eq(hypot(right, up), 0.4 * unit, bound, "point %zu is at radius %g, want %g within %g", i,
                           hypot(right, up), 0.4 * unit, bound);
    }
}

static void three_ways(void *context, double x0, double x1, double *p)
{
    (void)context;
    const double weight[] = {exp(3 * x0), exp(3 * x1), exp(3 - 3 * x0 - 3 * x1)};
    for (int k = 0; k < 3; k++)
        p[k] = weight[k] / (weight[0] + weight[1] + weight[2]);
}

Test(plot, every_class_has_its_colour_its_shape_and_its_line_in_the_legend)
{
    const double x[] = {0, 0, 1, 0, 0, 1, 1, 1, 0.5, 0.5, 0.2, 0.2};
    const int label[] = {0, 1, 2, 0, 1, 0};
    draw_boundary(&(BoundaryPlot){.title = "three",
                                  .x_name = "length",
                                  .y_name = "width",
                                  .x = x,
                                  .label = label,
                                  .count = 6,
                                  .classes = 3,
                                  .class_names = (char *[]){"red", NULL, "a<b"},
                                  .predict = three_ways});
    cr_expect_eq(count_of("<circle"), 3 + 1, "%zu circles for 3 points and the legend", count_of("<circle"));
    cr_expect_eq(count_of("m-3.3-3.3h6.6"), 2 + 1, "%zu squares for 2 points", count_of("m-3.3-3.3h6.6"));
    cr_expect_eq(count_of("m0-4.4l4.2 7.4"), 1 + 1, "%zu triangles for 1 point", count_of("m0-4.4l4.2 7.4"));
    const char *const regions[] = {"<path class='fill0' d='M", "<path class='fill1' d='M", "<path class='fill2' d='M"};
    for (int k = 0; k < 3; k++)
        cr_expect(count_of(regions[k]) >= 1, "class %d has no region", k);
    const char *const texts[] = {">three<", ">length<", ">width<", ">red<", ">class 1<", ">a&lt;b<"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        expect_part(texts[i]);
}

Test(plot, a_class_named_by_a_number_is_called_a_class_in_the_legend)
{
    const double x[] = {0, 0, 1, 0, 0, 1};
    const int label[] = {0, 1, 2};
    const struct {
        char *names[3];
        const char *texts[3];
    } cases[] = {{{"1", "-0.5", "2e3"}, {">class 1<", ">class -0.5<", ">class 2e3<"}},
                 {{"NaN", "2nd", "red"}, {">NaN<", ">2nd<", ">red<"}},
                 {{"0.10000000000000000000000000001", "2", "3"}, {">class 0.1000000000", ">class 2<", ">class 3<"}}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        draw_boundary(&(BoundaryPlot){
            .x = x, .label = label, .count = 3, .classes = 3, .class_names = cases[i].names, .predict = three_ways});
        for (int k = 0; k < 3; k++)
            expect_part(cases[i].texts[k]);
    }
}

enum { MANY = 20, LOOK_BYTES = 512 };

/* Class k in the k-th of 20 stripes. */
static void stripes(void *context, double x0, double x1, double *p)
{
    (void)context, (void)x1;
    for (int k = 0; k < MANY; k++)
        p[k] = exp(-fabs(x0 - k)) / 2;
}

/* How the legend shows class k: the text before its name without the coordinates, which are after ' or M. */
static void read_look(int k, char look[LOOK_BYTES])
{
    char name[32];
    snprintf(name, sizeof name, ">class %d<", k);
    const char *end = strstr(picture, name);
    cr_assert(end != NULL, "%s is not in the legend", name);
    while (*end != '\n')
        end--;
    const char *start = end;
    for (int lines = 0; lines < 4; start--) /* hatching, colour, marker, end of group */
        lines += start[-1] == '\n' && strncmp(start, "<text", 5) != 0;
    for (size_t i = 0; start < end && i + 1 < LOOK_BYTES; start++) {
        if (strchr("'M", start[-1]) != NULL && strchr("0123456789", *start) != NULL)
            start += strspn(start, "0123456789. ");
        look[i++] = *start;
        look[i] = '\0';
    }
}

Test(plot, twenty_classes_differ_in_colour_shape_or_hatching)
{
    double x[2 * MANY];
    int label[MANY];
    char looks[MANY][LOOK_BYTES];
    for (int k = 0; k < MANY; k++) {
        x[2 * k] = label[k] = k;
        x[2 * k + 1] = k % 3;
    }
    draw_boundary(&(BoundaryPlot){.x = x, .label = label, .count = MANY, .classes = MANY, .predict = stripes});
    for (int k = 0; k < MANY; k++)
        read_look(k, looks[k]);
    for (int k = 0; k < MANY; k++)
        for (int j = 0; j < k; j++)
            cr_expect(strcmp(looks[j], looks[k]) != 0, "classes %d and %d look the same: %s", j, k, looks[k]);
    cr_expect_eq(count_of("<path fill='url(#hatch1)'"), 7, "classes 7 to 13 are not hatched");
    cr_expect_eq(count_of("<path fill='url(#hatch2)'"), 6, "classes 14 to 19 are not hatched");
    cr_expect_eq(count_of("<pattern id='hatch"), 2, "%zu hatchings", count_of("<pattern id='hatch"));
}

Test(plot, a_plane_as_large_as_doubles_are_has_its_boundary)
{
    const double x[] = {-DBL_MAX, 1, DBL_MAX, 2, 0, 3};
    const int label[] = {0, 1, 0};
    draw_boundary(&(BoundaryPlot){.x = x, .label = label, .count = 3, .classes = 2, .predict = left_and_right});
    cr_expect(count_of("·10³⁰⁸<") >= 2, "no axis for numbers near DBL_MAX");
}

/* A different class at nearly every place. */
static void noise(void *context, double x0, double x1, double *p)
{
    (void)context;
    p[0] = fabs(fmod(1e4 * sin(12.9898e3 * x0 + 78.233e3 * x1), 1));
    p[1] = 1 - p[0];
}

Test(plot, outlines_close_even_when_neighbours_never_agree)
{
    draw_boundary(&(BoundaryPlot){.x = corners, .label = corner_labels, .count = 4, .classes = 2, .predict = noise});
    const char *regions = strstr(picture, "fill-rule='evenodd'");
    const char *end = strstr(regions, "</g>");
    size_t begun = 0, closed = 0;
    for (const char *c = regions; c < end; c++)
        begun += *c == 'M', closed += *c == 'Z';
    cr_expect(begun > 100 && begun == closed, "%zu outlines begin, %zu close", begun, closed);
}

Test(plot, a_thousand_points_make_a_file_below_400_kilobytes)
{
    enum { POINTS = 1000 };
    double x[2 * POINTS];
    int label[POINTS];
    for (int i = 0; i < POINTS; i++) {
        x[2 * i] = fmod(i * 0.618034, 1);
        x[2 * i + 1] = i / (double)POINTS;
        label[i] = i % 2;
    }
    draw_boundary(&(BoundaryPlot){.x = x, .label = label, .count = POINTS, .classes = 2, .predict = in_and_out});
    cr_expect(strlen(picture) < 400000, "the file has %zu bytes", strlen(picture));
    cr_expect_eq(count_of("<circle"), POINTS / 2 + 1, "%zu circles for 500 points and the legend", count_of("<circle"));
}

static void sometimes_nan(void *context, double x0, double x1, double *p)
{
    in_and_out(context, x0, x1, p);
    if (x0 > 0.5)
        p[1] = NAN;
}

Test(plot, what_is_not_finite_is_left_out)
{
    const double x[] = {0, 0, 1, 1, NAN, 0, 0, INFINITY};
    Spots circles, region;
    draw_boundary(&(BoundaryPlot){.x = x, .label = corner_labels, .count = 4, .classes = 2, .predict = sometimes_nan});
    read_circles(&circles);
    cr_assert_eq(circles.count, 2 + 1, "%zu circles for 2 points and the legend", circles.count);
    const double middle = (circles.x[0] + circles.x[1]) / 2;
    static const char *const paths[] = {"<path class='fill0'", "<path class='fill1'"};
    for (int k = 0; k < 2; k++) {
        read_path(paths[k], &region);
        cr_assert(region.count > 10, "class %d has no region where the prediction is finite", k);
        for (size_t i = 0; i < region.count; i++)
            cr_assert(region.x[i] < middle + 3, "class %d has a region at %g, where nothing is known", k, region.x[i]);
    }
}

Test(plot, a_single_data_point_has_a_plane_around_it)
{
    const double x[] = {3, -2};
    draw_boundary(&(BoundaryPlot){.x = x, .label = corner_labels, .count = 1, .classes = 2, .predict = in_and_out});
    cr_expect_eq(count_of("<circle"), 1 + 1, "%zu circles for 1 point and the legend", count_of("<circle"));
}

Test(plot, a_label_out_of_range_or_no_points_is_an_error_and_leaves_no_file)
{
    const int labels[] = {0, 1, 2, 0};
    const double nan[] = {NAN, 0};
    Error error = {""};
    BoundaryPlot plot = {.x = corners, .label = labels, .count = 4, .classes = 2, .predict = in_and_out};
    cr_expect(!plot_boundary(path, &plot, &error), "label 2 of 2 classes was drawn");
    expect_message(&error, "point 2 has label 2. Labels are 0 to 1.");
    plot.count = 0;
    cr_expect(!plot_boundary(path, &plot, &error), "no points were drawn");
    plot.count = 1, plot.x = nan;
    cr_expect(!plot_boundary(path, &plot, &error), "a point that is NaN was drawn");
    expect_message(&error, "none of the 1 points is finite");
    cr_expect(!exists(path), "a file was left");
}

static void expect_boundary_misuse(const BoundaryPlot *plot, const char *part)
{
    misuse_set_handler(jump_back);
    if (setjmp(back) == 0)
        plot_boundary(path, plot, NULL);
    expect_misuse(part);
}

Test(plot, one_class_or_no_prediction_is_misuse)
{
    BoundaryPlot plot = {.x = corners, .label = corner_labels, .count = 4, .classes = 1, .predict = in_and_out};
    expect_boundary_misuse(&plot, "1 classes have no boundary.");
    plot.classes = 2, plot.predict = NULL;
    expect_boundary_misuse(&plot, "the plot, its predict, x or label is NULL.");
    plot.predict = in_and_out, plot.label = NULL;
    expect_boundary_misuse(&plot, "the plot, its predict, x or label is NULL.");
}

/* ---- out of memory ---- */

Test(plot, out_of_memory_is_told_and_leaves_no_file)
{
    const BoundaryPlot plot = {.x = corners, .label = corner_labels, .count = 4, .classes = 2, .predict = in_and_out};
    bool written = false;
    int successes = 0;
    for (; !written && successes < 100; successes++) {
        memory_lasts((size_t)successes);
        Error error = {""};
        written = plot_boundary(path, &plot, &error);
        cr_expect(written == (error.message[0] == '\0'), "%d allocations: written and told apart", successes);
        cr_expect_eq(exists(path), written, "%d allocations: half a picture was left", successes);
    }
    memory_restore();
    cr_expect(written && successes > 3, "written after %d allocations", successes);
}
