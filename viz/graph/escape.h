/* escape.h - escape any text for a page, a picture or DOT, so that special characters stand for themselves.
 *
 *     escape_put(out, ESCAPE_XML, label);   // a < b becomes a &lt; b
 *
 * Bytes that are not UTF-8 and harmful characters become U+FFFD (utf8.h). JSON has a writer of its own:
 * json_put_string.
 */
#ifndef STEPGRAD_ESCAPE_H
#define STEPGRAD_ESCAPE_H

#include <stddef.h>
#include <stdio.h>

typedef enum Escape {
    ESCAPE_XML,       /* XML and HTML: between tags, and as an attribute in quotes of either kind */
    ESCAPE_DOT_LABEL, /* an HTML-like label of DOT, where dot replaces \N and the like by names */
    ESCAPE_DOT_STRING /* a "string" of DOT, entities and \N included; a backslash becomes U+29F5, which looks the same:
                         how often dot replaces \N there depends on its version */
} Escape;

void escape_put(FILE *out, Escape format, const char *text);

/* The same for the first `length` bytes of text. */
void escape_put_part(FILE *out, Escape format, const char *text, size_t length);

#endif
