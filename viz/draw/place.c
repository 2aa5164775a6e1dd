/* place.c - see place.h. */
#include "place.h"

#include <stdbool.h>
#include <string.h>

#define ELLIPSIS "\xE2\x80\xA6"
#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */

enum {
    COLUMNS_BEFORE = 48, /* characters shown before the place */
    COLUMNS_SHOWN = 76   /* columns of the terminal that an excerpt may take */
};

/* Where the character after the one at `offset` begins. */
static size_t after_character(const char *text, size_t length, size_t offset)
{
    uint32_t character;
    const size_t bytes = utf8_decode(text + offset, length - offset, &character);
    return offset + (bytes > 0 ? bytes : 1);
}

static size_t line_start(const char *text, size_t offset)
{
    while (offset > 0 && text[offset - 1] != '\n')
        offset--;
    return offset;
}

static size_t characters_between(const char *text, size_t from, size_t to)
{
    size_t count = 0;
    for (; from < to; from = after_character(text, to, from))
        count++;
    return count;
}

Place place_of(const char *text, size_t length, size_t offset)
{
    Place place = {.line = 1};
    const size_t at = offset < length ? offset : length;
    const size_t start = line_start(text, at);
    for (size_t i = 0; i < start; i++)
        place.line += text[i] == '\n';
    place.column = characters_between(text, start, at) + 1;
    return place;
}

/* ---- the excerpt ------------------------------------------------------------------------------------------------- */

typedef struct Range {
    uint32_t first, last;
} Range;

static bool is_in(uint32_t character, const Range *ranges, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (character >= ranges[i].first && character <= ranges[i].last)
            return true;
    return false;
}

/* Control characters would steer a terminal; marks of direction turn the rest of a line. */
static bool is_harmful(uint32_t character)
{
    static const Range ranges[] = {{0, 0x1F}, {0x7F, 0x9F}, {0x200E, 0x200F}, {0x2028, 0x202E}, {0x2066, 0x2069}};
    return is_in(character, ranges, sizeof ranges / sizeof *ranges);
}

/* Columns of a terminal that a character takes: the common ranges of Unicode's EastAsianWidth.txt. */
static size_t width_of(uint32_t character)
{
    static const Range none[] = {{0x300, 0x36F}, {0x200B, 0x200D}, {0xFE00, 0xFE0F}};
    static const Range two[] = {{0x1100, 0x115F},   {0x2E80, 0xA4CF},   {0xAC00, 0xD7A3},  {0xF900, 0xFAFF},
                                {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},  {0x1F300, 0x1F64F},
                                {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};
    if (is_in(character, none, sizeof none / sizeof *none))
        return 0;
    return is_in(character, two, sizeof two / sizeof *two) ? 2 : 1;
}

/* Print the character at text[offset], made harmless; returns the columns that it takes. */
static size_t put_character(const char *text, size_t length, size_t offset, FILE *out)
{
    uint32_t character;
    const size_t bytes = utf8_decode(text + offset, length - offset, &character);
    if (bytes > 0 && character == '\t') {
        fputc(' ', out);
        return 1;
    }
    if (bytes == 0 || is_harmful(character)) {
        fputs(REPLACEMENT, out);
        return 1;
    }
    fwrite(text + offset, 1, bytes, out);
    return width_of(character);
}

/* The part of the line to show begins here: not more than COLUMNS_BEFORE characters before the place. */
static size_t excerpt_start(const char *text, size_t start, size_t at)
{
    size_t skipped = characters_between(text, start, at);
    for (; skipped > COLUMNS_BEFORE; skipped--)
        start = after_character(text, at, start);
    return start;
}

void place_show(const char *text, size_t length, size_t offset, FILE *out)
{
    const size_t at = offset < length ? offset : length;
    const size_t line = line_start(text, at);
    const char *newline = memchr(text + at, '\n', length - at);
    const size_t end = newline != NULL ? (size_t)(newline - text) : length;
    const size_t start = excerpt_start(text, line, at);
    size_t caret = 0, column = 0, i = start;
    fputs("  ", out);
    if (start > line) {
        fputs(ELLIPSIS, out);
        column = 1;
    }
    for (; i < end && column < COLUMNS_SHOWN; i = after_character(text, end, i)) {
        if (i == at)
            caret = column;
        const bool line_ends_crlf = text[i] == '\r' && i + 1 == end;
        column += line_ends_crlf ? 0 : put_character(text, end, i, out);
    }
    if (i < end)
        fputs(ELLIPSIS, out);
    if (at == end)
        caret = column;
    fprintf(out, "\n  %*s^\n", (int)caret, "");
}
