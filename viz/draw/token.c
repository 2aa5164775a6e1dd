/* token.c - see token.h. */
#include "token.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "place.h"

enum {
    NUMBER_BYTES = 1100, /* no double needs more digits to be written exactly */
    POINT_BYTES = 16     /* of a decimal point in any locale */
};

/* ---- letters ----------------------------------------------------------------------------------------------------- */

static bool is_digit(uint32_t character) { return character >= '0' && character <= '9'; }

static bool is_hex_digit(uint32_t character)
{
    return is_digit(character) || (character >= 'a' && character <= 'f') || (character >= 'A' && character <= 'F');
}

static bool is_superscript(uint32_t character)
{
    return character == 0xB2 || character == 0xB3 || character == 0xB9 || (character >= 0x2070 && character <= 0x207F);
}

/* Of what is not ASCII, all that is no control, space, punctuation, arrow or sign of mathematics. */
static bool is_letter(uint32_t character)
{
    if (character < 0x80)
        return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') || character == '_';
    if (character < 0xC0)
        return character == 0xAA || character == 0xB5 || character == 0xBA; /* ª µ º */
    const bool subscript = character >= 0x2080 && character <= 0x209C;
    const bool sign = character == 0xD7 || character == 0xF7 || (character >= 0x2000 && character <= 0x20CF) ||
                      (character >= 0x2190 && character <= 0x2BFF) || (character >= 0x3000 && character <= 0x3004) ||
                      (character >= 0x3008 && character <= 0x3020);
    const bool not_text = (character >= 0xE000 && character <= 0xF8FF) || character == 0xFEFF ||
                          (character >= 0xFFF0 && character <= 0xFFFF) || character >= 0xE0000;
    return subscript || (!sign && !not_text);
}

size_t token_name_bytes(const char *text, size_t length)
{
    size_t end = 0;
    uint32_t character;
    for (size_t bytes; (bytes = utf8_decode(text + end, length - end, &character)) > 0; end += bytes)
        if (!is_letter(character) && (end == 0 || !is_digit(character)))
            break;
    return end;
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

typedef bool IsDigit(uint32_t character);

static size_t digits_from(const char *text, size_t length, size_t from, IsDigit *is_one)
{
    while (from < length && is_one((unsigned char)text[from]))
        from++;
    return from;
}

/* The end of `e-3` or `p+4` at text[from]; `from` itself when there is no whole exponent. */
static size_t after_exponent(const char *text, size_t length, size_t from, char letter)
{
    size_t at = from;
    if (at >= length || (text[at] | 0x20) != letter)
        return from;
    at++;
    if (at < length && (text[at] == '+' || text[at] == '-'))
        at++;
    const size_t end = digits_from(text, length, at, is_digit);
    return end > at ? end : from;
}

/* The end of digits with a point among them and an exponent behind; `from` itself when there is no digit. */
static size_t after_digits(const char *text, size_t length, size_t from, IsDigit *is_one, char exponent)
{
    size_t end = digits_from(text, length, from, is_one);
    size_t count = end - from;
    if (end < length && text[end] == '.') {
        const size_t fraction = end + 1;
        end = digits_from(text, length, fraction, is_one);
        count += end - fraction;
    }
    return count > 0 ? after_exponent(text, length, end, exponent) : from;
}

static size_t number_bytes(const char *text, size_t length)
{
    enum { PREFIX = 2 }; /* 0x */
    if (length > PREFIX && text[0] == '0' && (text[1] | 0x20) == 'x') {
        const size_t end = after_digits(text, length, PREFIX, is_hex_digit, 'p');
        if (end > PREFIX)
            return end;
    }
    return after_digits(text, length, 0, is_digit, 'e');
}

/* strtod wants the decimal point of the program's locale. */
static double number_of(const char *text, size_t bytes)
{
    char copy[NUMBER_BYTES + POINT_BYTES + 1];
    const char *locale_point = localeconv()->decimal_point;
    const size_t point_bytes = strlen(locale_point) < POINT_BYTES ? strlen(locale_point) : 0;
    const char *point = memchr(text, '.', bytes);
    const size_t before = point != NULL && point_bytes > 0 ? (size_t)(point - text) : bytes;
    memcpy(copy, text, before);
    size_t end = before;
    if (before < bytes) {
        memcpy(copy + end, locale_point, point_bytes);
        end += point_bytes;
        memcpy(copy + end, text + before + 1, bytes - before - 1);
        end += bytes - before - 1;
    }
    copy[end] = '\0';
    return strtod(copy, NULL);
}

/* Whether a digit other than 0 stands before the exponent: the number is not 0. */
static bool has_nonzero_digit(const char *text, size_t bytes)
{
    const bool hex = bytes > 1 && (text[1] | 0x20) == 'x';
    for (size_t i = hex ? 2 : 0; i < bytes && (text[i] | 0x20) != (hex ? 'p' : 'e'); i++)
        if (text[i] != '0' && text[i] != '.')
            return true;
    return false;
}

bool token_number(const char *text, size_t length, double *number, size_t *bytes, Error *error)
{
    enum { SHOWN = 24 }; /* characters of a number in a message */
    *bytes = number_bytes(text, length);
    if (*bytes == 0)
        return true;
    if (*bytes > NUMBER_BYTES)
        return error_set(error, "a number of %zu characters is too long: at most %d", *bytes, NUMBER_BYTES);
    if (*bytes < length && text[*bytes] == '.')
        return error_set(error, "%.*s. has a second point: write one number, or an operator between two",
                         *bytes < SHOWN ? (int)*bytes : SHOWN, text);
    *number = number_of(text, *bytes);
    if (isinf(*number))
        return error_set(error, "%.*s is too large for a double: at most 1.79e308",
                         *bytes < SHOWN ? (int)*bytes : SHOWN, text);
    if (*number == 0 && has_nonzero_digit(text, *bytes))
        return error_set(error, "%.*s is too small for a double: at least 4.95e-324, or 0",
                         *bytes < SHOWN ? (int)*bytes : SHOWN, text);
    return true;
}

/* ---- tokens ------------------------------------------------------------------------------------------------------ */

/* Signs that people paste, and the ones that they mean. ' ' is white space. */
static int meaning_of(uint32_t character)
{
    switch (character) {
    case '\t':
    case '\r':
    case '\v':
    case '\f':
    case 0xA0:   /* no-break space */
    case 0x2009: /* thin space */
    case 0x202F: /* narrow no-break space */
    case 0x3000: /* ideographic space */
    case 0xFEFF: /* byte order mark */ return ' ';
    case 0x2212: return '-';
    case 0xB7: /* middle dot */
    case 0xD7: /* multiplication sign */
    case 0x22C5: /* dot operator */ return '*';
    case 0xF7: return '/';
    default: return character < 0x80 ? (int)character : 0;
    }
}

static size_t after_space(const char *text, size_t length, size_t at)
{
    uint32_t character;
    for (size_t bytes; (bytes = utf8_decode(text + at, length - at, &character)) > 0; at += bytes) {
        if (character == '#') {
            const char *newline = memchr(text + at, '\n', length - at);
            at = newline != NULL ? (size_t)(newline - text) : length;
            bytes = 0;
        } else if (meaning_of(character) != ' ') {
            break;
        }
    }
    return at;
}

/* What to say of a character that begins no token. */
static bool refuse(const char *text, size_t length, Error *error)
{
    uint32_t character;
    const size_t bytes = utf8_decode(text, length, &character);
    if (bytes == 0)
        return error_set(error, "the byte 0x%02X is not UTF-8: save the text as UTF-8", (unsigned char)text[0]);
    if (is_superscript(character))
        return error_set(error, "'%.*s' is not read as a power: write ^ and the exponent", (int)bytes, text);
    if (character == ':')
        return error_set(error, "':' has no meaning here: a name is given with =, as in a = x*y");
    if (character > ' ' && character < 0x7F)
        return error_set(error, "'%c' has no meaning here", (char)character);
    return error_set(error, "the character U+%04lX has no meaning here", (unsigned long)character);
}

/* The kind and length of the sign at `text`; false when it is none. */
static bool read_sign(Token *token, const char *text, size_t length, size_t *bytes)
{
    uint32_t character = 0;
    *bytes = utf8_decode(text, length, &character);
    token->kind = *bytes > 0 ? meaning_of(character) : 0;
    if (token->kind == 0 || strchr("+-*/^()[]|,=;\n", token->kind) == NULL)
        return false;
    if (length > 1 && text[0] == '*' && text[1] == '*') {
        token->kind = '^';
        *bytes = 2;
    }
    return true;
}

bool token_next(Token *token, const char *text, size_t length, Error *error)
{
    const size_t start = after_space(text, length, token->end);
    const char *at = text + start;
    const size_t left = length - start;
    size_t bytes;
    *token = (Token){.kind = TOKEN_END, .start = start, .end = start};
    if (left == 0)
        return true;
    if (!token_number(at, left, &token->number, &bytes, error))
        return false;
    if (bytes > 0)
        token->kind = TOKEN_NUMBER;
    else if ((bytes = token_name_bytes(at, left)) > 0)
        token->kind = TOKEN_NAME;
    else if (!read_sign(token, at, left, &bytes))
        return refuse(at, left, error);
    token->end = start + bytes;
    return true;
}
