/* json_check.h - whether a text is JSON, strictly by RFC 8259: one value of valid UTF-8, and nothing behind it. */
#ifndef STEPGRAD_TESTS_FUZZ_JSON_CHECK_H
#define STEPGRAD_TESTS_FUZZ_JSON_CHECK_H

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "utf8.h"

/* Each function takes the place where something begins, in a text with a NUL behind it, and returns the place where it
 * ends, or NULL if it is not there. */
static inline const char *json_space(const char *at) { return at == NULL ? NULL : at + strspn(at, " \t\r\n"); }

static inline const char *json_digits(const char *at)
{
    const size_t digits = strspn(at, "0123456789");
    return digits > 0 ? at + digits : NULL;
}

static inline const char *json_number(const char *at)
{
    at += *at == '-';
    at = *at == '0' ? at + 1 : json_digits(at);
    if (at != NULL && *at == '.')
        at = json_digits(at + 1);
    if (at != NULL && (*at == 'e' || *at == 'E'))
        at = json_digits(at + 1 + (at[1] == '+' || at[1] == '-'));
    return at;
}

static inline const char *json_string(const char *at)
{
    uint32_t c;
    if (*at++ != '"')
        return NULL;
    while (*at != '"') {
        const size_t bytes = utf8_decode(at, SIZE_MAX, &c);
        if (bytes == 0 || c < ' ')
            return NULL;
        if (*at == '\\' && at[1] == 'u' && strspn(at + 2, "0123456789abcdefABCDEF") < 4)
            return NULL;
        if (*at == '\\' && (at[1] == '\0' || strchr("\"\\/bfnrtu", at[1]) == NULL))
            return NULL;
        at += *at == '\\' ? 2 : bytes;
    }
    return at + 1;
}

static inline const char *json_value(const char *at);

/* The elements of an array, or the members of an object, and what closes it. */
static inline const char *json_list(const char *at, char close)
{
    at = json_space(at + 1);
    if (*at == close)
        return at + 1;
    for (;; at++) {
        if (close == '}') {
            at = json_space(json_string(json_space(at)));
            if (at == NULL || *at++ != ':')
                return NULL;
        }
        at = json_space(json_value(json_space(at)));
        if (at == NULL || *at != ',')
            return at != NULL && *at == close ? at + 1 : NULL;
    }
}

static inline const char *json_value(const char *at)
{
    static const char *const words[] = {"true", "false", "null"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strncmp(at, words[i], strlen(words[i])) == 0)
            return at + strlen(words[i]);
    return *at == '{'   ? json_list(at, '}')
           : *at == '[' ? json_list(at, ']')
           : *at == '"' ? json_string(at)
                        : json_number(at);
}

static inline bool json_is_valid(const char *text)
{
    const char *end = json_space(json_value(json_space(text)));
    return end != NULL && *end == '\0';
}

#endif
