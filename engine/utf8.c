/* utf8.c - decoding by the table of RFC 3629; harmful characters and widths by ranges. See utf8.h. */
#include "utf8.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

size_t utf8_decode(const char *text, size_t length, uint32_t *character)
{
    static const uint32_t smallest[] = {0, 0x80, 0x800, 0x10000}; /* a longer form than needed is not UTF-8 */
    if (length == 0)
        return 0;
    const unsigned char first = (unsigned char)text[0];
    const size_t bytes = first < 0x80 ? 1 : first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (bytes == 0 || bytes > length || first >= 0xF8)
        return 0;
    *character = bytes == 1 ? first : first & (0x7Fu >> bytes);
    for (size_t i = 1; i < bytes; i++) {
        if (((unsigned char)text[i] & 0xC0) != 0x80)
            return 0;
        *character = *character << 6 | ((unsigned char)text[i] & 0x3Fu);
    }
    const bool surrogate = *character >= 0xD800 && *character <= 0xDFFF;
    return *character < smallest[bytes - 1] || surrogate || *character > 0x10FFFF ? 0 : bytes;
}

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

static bool is_harmful(uint32_t character)
{
    static const Range ranges[] = {{0, 0x1F},        {0x7F, 0x9F},     {0x61C, 0x61C},  {0x200F, 0x200F},
                                   {0x2028, 0x202E}, {0x2066, 0x2069}, {0xFFFE, 0xFFFF}};
    return is_in(character, ranges, sizeof ranges / sizeof *ranges);
}

/* Hebrew, Arabic, Syriac, Thaana, N'Ko and others, and the blocks that Unicode keeps for more. */
static bool is_right_to_left(uint32_t character)
{
    static const Range ranges[] = {
        {0x590, 0x8FF}, {0xFB1D, 0xFDFF}, {0xFE70, 0xFEFC}, {0x10800, 0x10FFF}, {0x1E800, 0x1EFFF}};
    return is_in(character, ranges, sizeof ranges / sizeof *ranges);
}

/* The common ranges of Unicode's EastAsianWidth.txt. */
static size_t columns_of(uint32_t character)
{
    static const Range none[] = {{0x300, 0x36F}, {0x200B, 0x200E}, {0xFE00, 0xFE0F}};
    static const Range two[] = {{0x1100, 0x115F},   {0x2E80, 0xA4CF},   {0xAC00, 0xD7A3},  {0xF900, 0xFAFF},
                                {0xFE30, 0xFE6F},   {0xFF00, 0xFF60},   {0xFFE0, 0xFFE6},  {0x1F300, 0x1F64F},
                                {0x1F680, 0x1F6FF}, {0x1F900, 0x1F9FF}, {0x20000, 0x3FFFD}};
    if (is_in(character, none, sizeof none / sizeof *none))
        return 0;
    return is_in(character, two, sizeof two / sizeof *two) ? 2 : 1;
}

Utf8 utf8_next(const char *text, size_t length)
{
    uint32_t character = 0;
    const size_t bytes = utf8_decode(text, length, &character);
    if (*text == '\t' || *text == '\n' || *text == '\r')
        return (Utf8){1, " ", 1, 1};
    if (bytes == 0 || is_harmful(character))
        return (Utf8){bytes > 0 ? bytes : 1, UTF8_REPLACEMENT, strlen(UTF8_REPLACEMENT), 1};
    return (Utf8){bytes, text, bytes, columns_of(character)};
}

size_t utf8_count(const char *text, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i += utf8_next(text + i, length - i).bytes)
        count++;
    return count;
}

size_t utf8_columns(const char *text)
{
    size_t columns = 0;
    for (Utf8 c; *text != '\0'; text += c.bytes) {
        c = utf8_next(text, SIZE_MAX);
        columns += c.columns;
    }
    return columns;
}

const char *utf8_direction_mark(const char *text)
{
    uint32_t character;
    for (; *text != '\0'; text += utf8_next(text, SIZE_MAX).bytes)
        if (utf8_decode(text, SIZE_MAX, &character) > 0 && is_right_to_left(character))
            return UTF8_LEFT_TO_RIGHT;
    return "";
}

char *utf8_name(const char *name, size_t characters, char *buffer, size_t size)
{
    const char *mark = utf8_direction_mark(name);
    size_t length = strlen(strcpy(buffer, mark));
    const size_t most = size - sizeof UTF8_ELLIPSIS - strlen(mark);
    for (size_t shown = 0; *name != '\0' && shown < characters; shown++) {
        const Utf8 c = utf8_next(name, SIZE_MAX);
        if (length + c.safe_bytes > most)
            break;
        memcpy(buffer + length, c.safe, c.safe_bytes);
        length += c.safe_bytes;
        name += c.bytes;
    }
    snprintf(buffer + length, size - length, "%s%s", *name != '\0' ? UTF8_ELLIPSIS : "", mark);
    return buffer;
}

char *utf8_cut(char *text, size_t size, size_t characters)
{
    char *at = text;
    for (size_t seen = 0; *at != '\0' && seen < characters; seen++)
        at += utf8_next(at, SIZE_MAX).bytes;
    if (*at == '\0')
        return text;
    *at = '\0';
    const char *ending[] = {UTF8_ELLIPSIS, utf8_direction_mark(text)};
    for (size_t i = 0; i < 2; i++)
        if (strlen(text) + strlen(ending[i]) < size)
            strcat(text, ending[i]);
    return text;
}
