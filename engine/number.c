/* number.c - printf and strtod, with the locale's decimal mark replaced by a point and back. */
#include "number.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Replace the first `from` in text by `to`; the buffer has room for it. */
static void replace_mark(char *text, const char *from, const char *to)
{
    char *mark = strstr(text, from);
    if (mark == NULL || strcmp(from, to) == 0)
        return;
    const char *rest = mark + strlen(from);
    memmove(mark + strlen(to), rest, strlen(rest) + 1);
    memcpy(mark, to, strlen(to));
}

char *number_text(double x, char conversion, int precision, char buffer[NUMBER_SIZE])
{
    const char format[] = {'%', '.', '*', conversion, '\0'};
    snprintf(buffer, NUMBER_SIZE, format, precision, x);
    replace_mark(buffer, localeconv()->decimal_point, ".");
    return buffer;
}

char *number_shortest(double x, char buffer[NUMBER_SIZE])
{
    enum { DIGITS_FEWEST = 15, DIGITS_MOST = 17 };
    double again;
    for (int digits = DIGITS_FEWEST; digits <= DIGITS_MOST; digits++) {
        number_text(x, 'g', digits, buffer);
        if (number_parse(buffer, strlen(buffer), &again) && again == x)
            break;
    }
    return buffer;
}

bool number_parse(const char *text, size_t length, double *x)
{
    enum { MARK_MOST = 16 };
    char copy[NUMBER_LENGTH_MOST + MARK_MOST], *end;
    const char *mark = localeconv()->decimal_point;
    if (length == 0 || length > NUMBER_LENGTH_MOST || isspace((unsigned char)text[0]))
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    const bool has_foreign_mark = strcmp(mark, ".") != 0 && strstr(copy, mark) != NULL;
    if (has_foreign_mark || strlen(copy) < length || strlen(mark) >= MARK_MOST)
        return false;
    replace_mark(copy, ".", mark);
    errno = 0;
    *x = strtod(copy, &end);
    return *end == '\0' && end != copy;
}
