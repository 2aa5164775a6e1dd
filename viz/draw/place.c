/* place.c - lines and columns are counted only when a message needs them. */
#include "place.h"

#include <string.h>

#include "utf8.h"

enum {
    BEFORE_MOST = 48, /* characters shown before the place */
    COLUMNS_MOST = 76 /* columns of the terminal that an excerpt may take */
};

/* Where the line of text[at] begins. */
static size_t line_start(const char *text, size_t at)
{
    while (at > 0 && text[at - 1] != '\n')
        at--;
    return at;
}

Place place_of(const char *text, size_t length, size_t offset)
{
    const size_t at = offset < length ? offset : length;
    const size_t start = line_start(text, at);
    Place place = {1, utf8_count(text + start, at - start) + 1};
    for (size_t i = 0; i < start; i++)
        place.line += text[i] == '\n';
    return place;
}

void place_show(const char *text, size_t length, size_t offset, FILE *out)
{
    const size_t at = offset < length ? offset : length;
    const char *newline = memchr(text + at, '\n', length - at);
    const size_t end = newline != NULL ? (size_t)(newline - text) : length;
    const size_t line = line_start(text, at);
    size_t i = line, before = utf8_count(text + line, at - line);
    for (; before > BEFORE_MOST; before--)
        i += utf8_next(text + i, at - i).bytes;
    size_t column = i > line, caret = column;
    fprintf(out, "  %s", i > line ? UTF8_ELLIPSIS : "");
    for (Utf8 c; i < end && (i <= at || column < COLUMNS_MOST); i += c.bytes) {
        c = utf8_next(text + i, end - i);
        fwrite(c.safe, 1, c.safe_bytes, out);
        column += c.columns;
        caret += i < at ? c.columns : 0;
    }
    fprintf(out, "%s\n  %*s^\n", i < end ? UTF8_ELLIPSIS : "", (int)caret, "");
}
