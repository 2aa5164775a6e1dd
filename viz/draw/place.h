/* place.h - places in a text that a person typed: line, column, and the line with a caret below, for messages.
 *
 *     Place at = place_of(text, length, offset);
 *     fprintf(stderr, "%zu:%zu: expected an operand after '*', found ')'\n", at.line, at.column);
 *     place_show(text, length, offset, stderr);
 *
 *       L = (a *)
 *               ^
 *
 * A text is `length` bytes, of any kind: NULs, control characters and what is not UTF-8 do no harm, and nothing of
 * them reaches the terminal. Columns count characters, not bytes; a byte that is not UTF-8 counts as one.
 */
#ifndef STEPGRAD_PLACE_H
#define STEPGRAD_PLACE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "graph/utf8.h"

typedef struct Place {
    size_t line;   /* from 1 */
    size_t column; /* from 1, in characters; a tab is one */
} Place;

/* The place of the byte text[offset], or of the end with offset == length. */
Place place_of(const char *text, size_t length, size_t offset);

/* Print the line of that place, and below it a caret under the place. Of a long line, what is around the place. */
void place_show(const char *text, size_t length, size_t offset, FILE *out);

#endif
