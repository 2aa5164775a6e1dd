/* utf8.h - characters of a text that may hold any bytes: labels, names, what a person typed.
 *
 *     while (*text != '\0') {
 *         const Utf8 c = utf8_next(text, SIZE_MAX);      // of a text that ends with a NUL
 *         fwrite(c.safe, 1, c.safe_bytes, out);
 *         text += c.bytes;
 *     }
 *
 * Whatever a label holds, only harmless characters reach a terminal, a file or a page: control characters would steer a
 * terminal and are forbidden in XML, and direction marks would reverse the rest of a line. All but one: U+200E does
 * what a Latin letter of no width would do.
 */
#ifndef STEPGRAD_UTF8_H
#define STEPGRAD_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define UTF8_ELLIPSIS "\xE2\x80\xA6"
#define UTF8_REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD, shown for what is harmful or not UTF-8 */

#define UTF8_LEFT_TO_RIGHT "\xE2\x80\x8E" /* U+200E, the left-to-right mark */

/* The character at the start of text[0..length), in *character, and how many bytes it takes; 0 when they are not UTF-8
 * or length is 0. Nothing after a NUL is read, so length may be SIZE_MAX for a text that ends with one. */
size_t utf8_decode(const char *text, size_t length, uint32_t *character);

/* A character, and what to show for it. */
typedef struct Utf8 {
    size_t bytes;      /* what it takes in the text; at least 1 */
    const char *safe;  /* the character itself; a space for a tab or the end of a line; else UTF8_REPLACEMENT */
    size_t safe_bytes; /* how many bytes `safe` has */
    size_t columns;    /* of a terminal that `safe` takes: 0, 1 or 2 */
} Utf8;

/* The character at the start of text[0..length), with length ≥ 1. */
Utf8 utf8_next(const char *text, size_t length);

/* How many characters text[0..length) has; a byte that is not UTF-8 counts as one. */
size_t utf8_count(const char *text, size_t length);

/* How many columns a terminal needs for text, which ends with a NUL. */
size_t utf8_columns(const char *text);

/* What to write before and after a text inside a line of others: U+200E when it holds letters that are written from
 * right to left, so that these do not turn around the signs and numbers beside them; else "". (Unicode's isolates are
 * for this too, but neither dot nor most terminals know them.) */
const char *utf8_direction_mark(const char *text);

/* A name of any bytes as people may see it, in a buffer of `size` bytes, at least 16: its first `characters`
 * characters, or as many as fit, each as utf8_next shows it; an ellipsis if there are more; its direction mark before
 * and after. Returns buffer. */
char *utf8_name(const char *name, size_t characters, char *buffer, size_t size);

/* Cut text, in a buffer of `size` bytes, to at most `characters` characters, with an ellipsis after them if
 * there is room for one, and its direction mark. Returns text. */
char *utf8_cut(char *text, size_t size, size_t characters);

#endif
