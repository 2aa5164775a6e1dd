/* place.h - places in a text that a person typed: line, column, and the line with a caret below, for messages.
 *
 *     Place at = place_of(text, length, offset);
 *     fprintf(stderr, "%zu:%zu: expected an operand after '*', found ')'\n", at.line, at.column);
 *     place_show(text, length, offset, stderr);
 *
 *       L = (a *)
 *               ^
 *
 * A text is `length` bytes of any kind, and only harmless characters reach the terminal (utf8.h).
 */
#ifndef STEPGRAD_PLACE_H
#define STEPGRAD_PLACE_H

#include <stddef.h>
#include <stdio.h>

typedef struct Place {
    size_t line;   /* from 1 */
    size_t column; /* from 1, in characters; a tab is one, and so is a byte that is not UTF-8 */
} Place;

/* The place of the byte text[offset], or of the end with offset == length. */
Place place_of(const char *text, size_t length, size_t offset);

/* Print the line of that place, and below it a caret under the place. Of a long line, what is around the place. */
void place_show(const char *text, size_t length, size_t offset, FILE *out);

#endif
