/* token.c - symbols that people paste from mathematics are read as the ASCII ones that they mean. */
#include "token.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "number.h"
#include "utf8.h"

/* ---- names ------------------------------------------------------------------------------------------------------- */

static bool is_ascii_letter(uint32_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

/* Beyond ASCII, all but controls, spaces, punctuation, superscripts, arrows and mathematical symbols. */
static bool is_letter(uint32_t character)
{
    static const struct {
        uint32_t first, last;
    } others[] = {{0x80, 0xA9},     {0xAB, 0xB4},     {0xB6, 0xB9},     {0xBB, 0xBF},     {0xD7, 0xD7},
                  {0xF7, 0xF7},     {0x2000, 0x207F}, {0x209D, 0x20CF}, {0x2190, 0x2BFF}, {0x3000, 0x3004},
                  {0x3008, 0x3020}, {0xE000, 0xF8FF}, {0xFEFF, 0xFEFF}, {0xFFF0, 0xFFFF}, {0xE0000, 0x10FFFF}};
    if (character < 0x80)
        return is_ascii_letter(character);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (character >= others[i].first && character <= others[i].last)
            return false;
    return true;
}

size_t token_name_bytes(const char *text, size_t length)
{
    size_t end = 0;
    uint32_t character;
    for (size_t bytes; (bytes = utf8_decode(text + end, length - end, &character)) > 0; end += bytes)
        if (!is_letter(character) && (end == 0 || character > '9' || character < '0'))
            break;
    return end;
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

static size_t skip_digits(const char *text, size_t length, size_t at, bool hexadecimal)
{
    while (at < length && (hexadecimal ? isxdigit((unsigned char)text[at]) : isdigit((unsigned char)text[at])))
        at++;
    return at;
}

/* The end of an exponent at text[at], `e-3` or `p+4`; `at` itself when there is no complete one. */
static size_t skip_exponent(const char *text, size_t length, size_t at, char letter)
{
    if (at >= length || (text[at] | 0x20) != letter)
        return at;
    const size_t sign = at + 1 < length && (text[at + 1] == '+' || text[at + 1] == '-');
    const size_t end = skip_digits(text, length, at + 1 + sign, false);
    return end > at + 1 + sign ? end : at;
}

static size_t number_bytes(const char *text, size_t length)
{
    const bool hexadecimal = length > 2 && text[0] == '0' && (text[1] | 0x20) == 'x';
    const size_t start = hexadecimal ? 2 : 0;
    const size_t point = skip_digits(text, length, start, hexadecimal);
    const bool has_point = point < length && text[point] == '.';
    const size_t end = has_point ? skip_digits(text, length, point + 1, hexadecimal) : point;
    if (end == start + has_point) /* no digits; 0x alone is a 0 */
        return hexadecimal;
    return skip_exponent(text, length, end, hexadecimal ? 'p' : 'e');
}

bool token_number(const char *text, size_t length, double *number, size_t *bytes, Error *error)
{
    enum { SHOWN = 24 }; /* characters of a number in a message */
    *bytes = number_bytes(text, length);
    const int shown = *bytes < SHOWN ? (int)*bytes : SHOWN;
    if (*bytes == 0)
        return true;
    if (*bytes < length && text[*bytes] == '.')
        return error_set(error, "%.*s. has a second point: write one number, or an operator between two", shown, text);
    if (!number_parse(text, *bytes, number))
        return error_set(error, "a number of %zu characters is too long: at most %d", *bytes, NUMBER_LENGTH_MOST);
    if (isinf(*number))
        return error_set(error, "%.*s is too large for a double: at most 1.79e308", shown, text);
    if (*number == 0 && errno == ERANGE)
        return error_set(error, "%.*s is too small for a double: at least 4.95e-324, or 0", shown, text);
    return true;
}

/* ---- tokens ------------------------------------------------------------------------------------------------------ */

/* A symbol that people paste stands for the one that they mean; ' ' is white space, 0 not a symbol. */
static int meaning_of(uint32_t character)
{
    static const struct {
        uint32_t pasted; /* spaces, some of no width; minus; middle dot, times, dot operator; divided by */
        char meaning;
    } signs[] = {{0xA0, ' '},   {0x2009, ' '}, {0x202F, ' '}, {0x3000, ' '}, {0xFEFF, ' '},
                 {0x2212, '-'}, {0xB7, '*'},   {0xD7, '*'},   {0x22C5, '*'}, {0xF7, '/'}};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (character == signs[i].pasted)
            return signs[i].meaning;
    return character >= 0x80 ? 0 : character != '\n' && isspace((int)character) ? ' ' : (int)character;
}

static size_t skip_space(const char *text, size_t length, size_t at)
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

/* Report a character that begins no token. */
static bool refuse(const char *text, size_t length, Error *error)
{
    uint32_t c = 0;
    const size_t bytes = utf8_decode(text, length, &c);
    if (bytes == 0)
        return error_set(error, "the byte 0x%02X is not UTF-8: save the text as UTF-8", (unsigned char)text[0]);
    if (c == 0xB2 || c == 0xB3 || c == 0xB9 || (c >= 0x2070 && c <= 0x207F)) /* superscripts */
        return error_set(error, "'%.*s' is not read as a power: write ^ and the exponent", (int)bytes, text);
    if (c == ':')
        return error_set(error, "':' has no meaning here: a name is given with =, as in a = x*y");
    if (c > ' ' && c < 0x7F)
        return error_set(error, "'%c' has no meaning here", (char)c);
    return error_set(error, "the character U+%04lX has no meaning here", (unsigned long)c);
}

/* Read the symbol at the start of `text` into token->kind. Returns its bytes, 0 when there is none. */
static size_t read_symbol(Token *token, const char *text, size_t length)
{
    uint32_t character = 0;
    const size_t bytes = utf8_decode(text, length, &character);
    const int sign = meaning_of(character);
    const bool is_power = length > 1 && memcmp(text, "**", 2) == 0;
    if (sign == 0 || strchr("+-*/^()[]|,=;\n", sign) == NULL)
        return 0;
    token->kind = is_power ? '^' : sign;
    return is_power ? 2 : bytes;
}

bool token_next(Token *token, const char *text, size_t length, Error *error)
{
    const size_t start = skip_space(text, length, token->end), left = length - start;
    const char *at = text + start;
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
    else if ((bytes = read_symbol(token, at, left)) == 0)
        return refuse(at, left, error);
    token->end = start + bytes;
    return true;
}
