/* svg.c - see svg.h. */
#include "svg.h"

#include <stdbool.h>
#include <string.h>

enum { NUMBER_BYTES = 350 }; /* the longest double without exponent has 309 digits */

static const double LETTER_WIDTH = 0.62;          /* of the font size: more than the average of common fonts */
static const char REPLACEMENT[] = "\xEF\xBF\xBD"; /* U+FFFD */
static const char ELLIPSIS[] = "\xE2\x80\xA6";

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

/* printf writes the decimal mark of the locale, which may be of several bytes. */
static void use_point(char *text)
{
    char *mark = text + (*text == '-');
    mark += strspn(mark, "0123456789");
    const size_t bytes = strcspn(mark, "0123456789");
    if (bytes == 0)
        return;
    *mark = '.';
    memmove(mark + 1, mark + bytes, strlen(mark + bytes) + 1);
}

char *svg_number(char *text, size_t size, double number, int decimals)
{
    snprintf(text, size, "%.*f", decimals, number);
    use_point(text);
    if (text[0] == '-' && strspn(text + 1, "0.") == strlen(text + 1))
        memmove(text, text + 1, strlen(text)); /* -0.00 */
    return text;
}

static void put_number(FILE *out, double number)
{
    char text[NUMBER_BYTES];
    svg_number(text, sizeof text, number, 2);
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

/* One character of UTF-8. `bytes` is 0 when there is none at `text` that is valid and allowed in XML. */
typedef struct Letter {
    unsigned long code;
    size_t bytes;
} Letter;

static bool is_allowed(unsigned long code)
{
    const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    const bool noncharacter = code == 0xFFFE || code == 0xFFFF || code > 0x10FFFF;
    const bool control = code < 0x20 || (code >= 0x7F && code < 0xA0);
    return !surrogate && !noncharacter && !control;
}

static Letter decode(const char *text)
{
    static const unsigned long smallest[] = {0, 0, 0x80, 0x800, 0x10000}; /* that needs so many bytes */
    const unsigned char first = (unsigned char)text[0];
    const size_t bytes = first < 0x80 ? 1 : first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : 2;
    unsigned long code = bytes == 1 ? first : first & (0x7FU >> bytes);
    for (size_t i = 1; i < bytes; i++) {
        const unsigned char next = (unsigned char)text[i];
        if ((next & 0xC0) != 0x80)
            return (Letter){0, 0};
        code = code << 6 | (next & 0x3F);
    }
    const bool valid = !(first >= 0x80 && first < 0xC0) && first < 0xF8 && code >= smallest[bytes] && is_allowed(code);
    return valid ? (Letter){code, bytes} : (Letter){0, 0};
}

static void escape_letter(FILE *out, const char *text, Letter letter)
{
    switch (letter.code) {
    case 0: fputs(*text == '\n' || *text == '\t' || *text == '\r' ? " " : REPLACEMENT, out); break;
    case '<': fputs("&lt;", out); break;
    case '>': fputs("&gt;", out); break;
    case '&': fputs("&amp;", out); break;
    case '"': fputs("&quot;", out); break;
    case '\'': fputs("&#39;", out); break;
    default: fwrite(text, 1, letter.bytes, out);
    }
}

/* Chinese, Japanese and Korean letters, and pictures, are as wide as they are high. */
static bool is_full_width(unsigned long code)
{
    return (code >= 0x1100 && code < 0x1160) || (code >= 0x2E80 && code < 0x20000);
}

static double letter_width(Letter letter, double font_size)
{
    return font_size * (is_full_width(letter.code) ? 1 : LETTER_WIDTH);
}

static size_t step_of(Letter letter) { return letter.bytes > 0 ? letter.bytes : 1; }

void svg_escape(FILE *out, const char *text)
{
    for (Letter letter; *text != '\0'; text += step_of(letter)) {
        letter = decode(text);
        escape_letter(out, text, letter);
    }
}

double svg_text_width(const char *text, double font_size)
{
    double width = 0;
    for (Letter letter; *text != '\0'; text += step_of(letter)) {
        letter = decode(text);
        width += letter_width(letter, font_size);
    }
    return width;
}

/* Escape as much of the text as fits in `room` with an ellipsis behind. */
static void escape_start(FILE *out, const char *text, double font_size, double room)
{
    double width = letter_width((Letter){'.', 1}, font_size);
    for (Letter letter; *text != '\0'; text += step_of(letter)) {
        letter = decode(text);
        width += letter_width(letter, font_size);
        if (width > room)
            break;
        escape_letter(out, text, letter);
    }
    fputs(ELLIPSIS, out);
}

void svg_text(FILE *out, const char *classes, double x, double y, double room, const char *text)
{
    const double font_size = strstr(classes, "title") != NULL ? SVG_TITLE_SIZE : SVG_TEXT_SIZE;
    fprintf(out, "<text class='%s'", classes);
    svg_put(out, " x='%' y='%'>", (double[]){x, y});
    if (svg_text_width(text, font_size) <= room)
        svg_escape(out, text);
    else
        escape_start(out, text, font_size, room);
    fputs("</text>\n", out);
}

/* ---- page and markers -------------------------------------------------------------------------------------------- */

void svg_begin(FILE *out, double width, double height, const char *title, const char *description)
{
    fputs("<?xml version='1.0' encoding='UTF-8'?>\n<svg xmlns='http://www.w3.org/2000/svg' role='img'", out);
    svg_put(out, " width='%' height='%' viewBox='0 0 % %'>\n<title>", (double[]){width, height, width, height});
    svg_escape(out, title);
    fputs("</title>\n", out);
    if (description != NULL) {
        fputs("<desc>", out);
        svg_escape(out, description);
        fputs("</desc>\n", out);
    }
    fprintf(out, "<style>\n%s</style>\n<rect class='page' width='100%%' height='100%%'/>\n", STYLE);
}

void svg_end(FILE *out) { fputs("</svg>\n", out); }

void svg_marker(FILE *out, size_t i, double x, double y)
{
    static const char *const shapes[SVG_SHAPES] = {
        "<circle cx='%' cy='%' r='3.6'/>\n",
        "<path d='M% %m-3.3-3.3h6.6v6.6h-6.6z'/>\n",                      /* square */
        "<path d='M% %m0-4.4l4.2 7.4h-8.4z'/>\n",                         /* triangle */
        "<path d='M% %m0-4.8l4.8 4.8-4.8 4.8-4.8-4.8z'/>\n",              /* diamond */
        "<path d='M% %m0 4.4l4.2-7.4h-8.4z'/>\n",                         /* triangle on its tip */
        "<path d='M% %m-1.4-4.4h2.8v3h3v2.8h-3v3h-2.8v-3h-3v-2.8h3z'/>\n" /* plus */
    };
    svg_put(out, shapes[i % SVG_SHAPES], (double[]){x, y});
}
