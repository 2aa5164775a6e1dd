/* svg.c - colours are classes of one style sheet, so that a dark screen can have its own. */
#include "svg.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "graph/escape.h"
#include "number.h"
#include "utf8.h"

static const double LETTER_WIDTH = 0.62; /* of the font size: more than the average of common fonts */

/* The colours of Okabe and Ito, "Color Universal Design" (2008), those of most contrast on white first. */
static const char STYLE[] =
    "text{font-family:sans-serif;font-size:12px;fill:#222}\n"
    ".title{font-size:15px;font-weight:bold}\n"
    ".start{text-anchor:start}.middle{text-anchor:middle}.end{text-anchor:end}\n"
    ".page{fill:#fff}.frame{fill:none;stroke:#444}.grid{stroke:#ddd;fill:none}.soft{fill:#555}\n"
    ".edge{stroke:#222;fill:none;stroke-width:1.8;stroke-linejoin:round}\n"
    ".line{fill:none;stroke-width:1.8;stroke-linejoin:round;stroke-linecap:round}\n"
    ".dash1{stroke-dasharray:7 4}.dash2{stroke-dasharray:1 4}.dash3{stroke-dasharray:9 4 1 4}\n"
    ".points{stroke:#fff;stroke-width:.7}\n"
    ".fill0{fill:#0072b2}.fill1{fill:#d55e00}.fill2{fill:#009e73}.fill3{fill:#cc79a7}.fill4{fill:#56b4e9}"
    ".fill5{fill:#e69f00}.fill6{fill:#666}\n"
    ".stroke0{stroke:#0072b2}.stroke1{stroke:#d55e00}.stroke2{stroke:#009e73}.stroke3{stroke:#cc79a7}"
    ".stroke4{stroke:#56b4e9}.stroke5{stroke:#e69f00}.stroke6{stroke:#666}\n"
    "@media (prefers-color-scheme:dark){text{fill:#ddd}.page{fill:#15181b}.frame{stroke:#999}.grid{stroke:#333}"
    ".soft{fill:#aaa}.edge{stroke:#eee}.points{stroke:#15181b}"
    ".fill0{fill:#3d9fdb}.stroke0{stroke:#3d9fdb}.fill1{fill:#ee7d2b}.stroke1{stroke:#ee7d2b}"
    ".fill6{fill:#aaa}.stroke6{stroke:#aaa}}\n";

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

char *svg_number(char *text, double number, int decimals)
{
    number_text(number, 'f', decimals, text);
    if (text[0] == '-' && strspn(text + 1, "0.") == strlen(text + 1))
        memmove(text, text + 1, strlen(text)); /* -0.00 */
    return text;
}

static void put_number(FILE *out, double number)
{
    char text[NUMBER_SIZE];
    svg_number(text, number, 2);
    char *last = text + strlen(text) - 1;
    while (*last == '0')
        *last-- = '\0';
    if (*last == '.')
        *last = '\0';
    fputs(text, out);
}

void svg_put(FILE *out, const char *format, const double *numbers)
{
    for (; *format != '\0'; format++)
        if (*format == '%')
            put_number(out, *numbers++);
        else
            fputc(*format, out);
}

/* ---- text -------------------------------------------------------------------------------------------------------- */

/* Chinese, Japanese and Korean letters, and pictures, are as wide as they are high. */
static double letter_width(Utf8 letter, double font_size)
{
    return letter.columns == 2 ? font_size : LETTER_WIDTH * font_size * (double)letter.columns;
}

double svg_text_width(const char *text, double font_size)
{
    double width = 0;
    for (Utf8 letter; *text != '\0'; text += letter.bytes) {
        letter = utf8_next(text, SIZE_MAX);
        width += letter_width(letter, font_size);
    }
    return width;
}

double svg_title_width(const char *title)
{
    return title != NULL ? fmin(ceil(svg_text_width(title, SVG_TITLE_SIZE)) + 1, SVG_TITLE_MOST) : 0;
}

/* Write as much of the text as fits in `room`, followed by an ellipsis. */
static void put_start(FILE *out, const char *text, double font_size, double room)
{
    double width = LETTER_WIDTH * font_size; /* of the ellipsis */
    size_t length = 0;
    for (Utf8 letter; text[length] != '\0'; length += letter.bytes) {
        letter = utf8_next(text + length, SIZE_MAX);
        width += letter_width(letter, font_size);
        if (width > room)
            break;
    }
    escape_put_part(out, ESCAPE_XML, text, length);
    fputs(UTF8_ELLIPSIS, out);
}

void svg_text(FILE *out, const char *classes, double x, double y, double room, const char *text)
{
    const double font_size = strstr(classes, "title") != NULL ? SVG_TITLE_SIZE : SVG_TEXT_SIZE;
    fprintf(out, "<text class='%s'", classes);
    svg_put(out, " x='%' y='%'>", (double[]){x, y});
    if (svg_text_width(text, font_size) <= room)
        escape_put(out, ESCAPE_XML, text);
    else
        put_start(out, text, font_size, room);
    fputs("</text>\n", out);
}

/* ---- page and markers -------------------------------------------------------------------------------------------- */

void svg_begin(FILE *out, double width, double height, const char *title, const char *description)
{
    fputs("<?xml version='1.0' encoding='UTF-8'?>\n<svg xmlns='http://www.w3.org/2000/svg' role='img'", out);
    svg_put(out, " width='%' height='%' viewBox='0 0 % %'>\n<title>", (double[]){width, height, width, height});
    escape_put(out, ESCAPE_XML, title);
    fputs("</title>\n", out);
    if (description != NULL) {
        fputs("<desc>", out);
        escape_put(out, ESCAPE_XML, description);
        fputs("</desc>\n", out);
    }
    fprintf(out, "<style>\n%s</style>\n<rect class='page' width='100%%' height='100%%'/>\n", STYLE);
}

void svg_end(FILE *out) { fputs("</svg>\n", out); }

void svg_marker(FILE *out, size_t i, double x, double y)
{
    static const char *const shapes[SVG_SHAPES] = {
        "<circle cx='%' cy='%' r='3.6'/>\n",
        "<path d='M% %m-3.3-3.3h6.6v6.6h-6.6z'/>\n",                       /* square */
        "<path d='M% %m0-4.4l4.2 7.4h-8.4z'/>\n",                          /* triangle */
        "<path d='M% %m0-4.8l4.8 4.8-4.8 4.8-4.8-4.8z'/>\n",               /* diamond */
        "<path d='M% %m0 4.4l4.2-7.4h-8.4z'/>\n",                          /* triangle on its tip */
        "<path d='M% %m-1.4-4.4h2.8v3h3v2.8h-3v3h-2.8v-3h-3v-2.8h3z'/>\n", /* plus */
        ("<path d='M% %m-4-2.5l1.5-1.5 2.5 2.5 2.5-2.5 1.5 1.5-2.5 2.5 2.5 2.5-1.5 1.5"
         "-2.5-2.5-2.5 2.5-1.5-1.5 2.5-2.5z'/>\n") /* x */
    };
    svg_put(out, shapes[(i + i / SVG_COLOURS) % SVG_SHAPES], (double[]){x, y});
}
