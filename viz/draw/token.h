/* token.h - the tokens of an expression: numbers, names, symbols. expression.c reads its text with them.
 *
 *     Token token = {0};
 *     while (token_next(&token, text, length, &error) && token.kind != TOKEN_END)
 *         ... text[token.start .. token.end) ...
 *
 * White space and comments (from # to the end of the line) separate tokens. A name is made of letters, digits and
 * _, where a letter is any of Unicode's too: x₁, größe. Numbers are decimal (1, .5, 1e-3) or hexadecimal (0x1.8p3),
 * with a point whatever the locale, and have no sign. Pasted mathematics is understood: − is -, × and · are *, ÷ is /.
 */
#ifndef STEPGRAD_TOKEN_H
#define STEPGRAD_TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"

/* All other kinds are the symbol itself: '+', '(', ';', '\n'. `**` is '^'. */
enum { TOKEN_END, TOKEN_NUMBER = 1, TOKEN_NAME = 2 };

typedef struct Token {
    int kind;
    size_t start, end; /* its bytes are text[start .. end) */
    double number;     /* of a TOKEN_NUMBER; finite */
} Token;

/* Read the token after the one in *token (at first all zero). False, with the reason and what to do in `error`: what
 * stands at token->start is not a token. */
bool token_next(Token *token, const char *text, size_t length, Error *error);

/* The number that text[0..length) begins with, and in *bytes how long it is, 0 when it begins with none. A number too
 * large or too small for a double is an error. */
bool token_number(const char *text, size_t length, double *number, size_t *bytes, Error *error);

/* How many bytes at the start of text[0..length) are a name. */
size_t token_name_bytes(const char *text, size_t length);

#endif
