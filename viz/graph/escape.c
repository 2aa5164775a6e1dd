/* escape.c - each format is a table: its special characters, and what to write for each. See escape.h. */
#include "escape.h"

#include <stdint.h>
#include <string.h>

#include "utf8.h"

void escape_put_part(FILE *out, Escape format, const char *text, size_t length)
{
    static const char *const specials[] = {
        [ESCAPE_XML] = "&<>\"'", [ESCAPE_DOT_LABEL] = "&<>\"\\", [ESCAPE_DOT_STRING] = "&\"\\"};
    static const char *const replacements[][5] = {
        [ESCAPE_XML] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"},
        [ESCAPE_DOT_LABEL] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#92;&#92;"},
        [ESCAPE_DOT_STRING] = {"&amp;", "\\\"", "⧵"}};
    Utf8 c;
    for (size_t i = 0; i < length && text[i] != '\0'; i += c.bytes) {
        c = utf8_next(text + i, length - i);
        const char *special = strchr(specials[format], *c.safe);
        if (special != NULL)
            fputs(replacements[format][special - specials[format]], out);
        else
            fwrite(c.safe, 1, c.safe_bytes, out);
    }
}

void escape_put(FILE *out, Escape format, const char *text) { escape_put_part(out, format, text, SIZE_MAX); }
