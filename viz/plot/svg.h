/* svg.h - the parts of an SVG picture: a page with its colours, text that is safe in XML, numbers, markers.
 *
 *     FILE *out = file_begin(&safe, "picture.svg", error);
 *     svg_begin(out, 640, 480, "title", "what can be seen, for a screen reader");
 *     svg_put(out, "<circle cx='%' cy='%' r='3' class='fill0'/>\n", (double[]){x, y});
 *     svg_text(out, "end", x, y, "any text: <&> is escaped");
 *     svg_end(out);
 *     return file_commit(&safe, error);
 *
 * Colours are CSS classes: page, frame, grid, soft (text), and for the i-th of several things stroke0 .. stroke6 and
 * fill0 .. fill6, which people with any kind of colour blindness tell apart. A dark screen gets a dark page.
 * Whatever the program's locale is, numbers are written with a point.
 */
#ifndef STEPGRAD_SVG_H
#define STEPGRAD_SVG_H

#include <stddef.h>
#include <stdio.h>

enum {
    SVG_COLOURS = 7, /* fill0 .. fill6 */
    SVG_SHAPES = 7,  /* the first 7 of several things differ in shape too; 49 pairs of colour and shape */
    SVG_TEXT_SIZE = 12,
    SVG_TITLE_SIZE = 15,
    SVG_TITLE_MOST = 1000 /* pixels of a title */
};

/* Open a page of width × height pixels with a title for readers who cannot see it, and a description (or NULL). */
void svg_begin(FILE *out, double width, double height, const char *title, const char *description);
void svg_end(FILE *out);

/* Write `format`, each % replaced by the next of the numbers (finite), rounded to two decimals. */
void svg_put(FILE *out, const char *format, const double *numbers);

/* A line of text whose CSS classes are given: start, middle or end (which point of it lies at x), title, soft.
 * Of text that is wider than `room` pixels, what fits is shown, followed by "…". */
void svg_text(FILE *out, const char *classes, double x, double y, double room, const char *text);

/* About how wide the text is in pixels; an overestimate. */
double svg_text_width(const char *text, double font_size);

/* The room that a title needs, at most SVG_TITLE_MOST; 0 for NULL. */
double svg_title_width(const char *title);

/* The shape of the i-th of several things around (x, y): circle, square, triangle, ... When the colours come again, the
 * shapes are shifted by one. */
void svg_marker(FILE *out, size_t i, double x, double y);

/* `number` with so many decimals and a point, as text of up to NUMBER_SIZE bytes (number.h), without the sign of a 0;
 * returns `text`. */
char *svg_number(char *text, double number, int decimals);

#endif
