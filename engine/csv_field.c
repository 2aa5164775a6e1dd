/* csv_field.c - what a field says: a number, a label, or that a value is missing. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "csv_parts.h"
#include "number.h"

static char *without_blanks(char *text)
{
    static const char blanks[] = " \t\r\n";
    text += strspn(text, blanks);
    size_t length = strlen(text);
    while (length > 0 && strchr(blanks, text[length - 1]) != NULL)
        text[--length] = '\0';
    return text;
}

bool csv_is_same_word(const char *a, const char *b)
{
    while (*a != '\0' && tolower((unsigned char)*a) == tolower((unsigned char)*b))
        a++, b++;
    return *a == *b;
}

static bool is_missing(const char *text)
{
    static const char *const words[] = {"", "?", "NA", "N/A", "NaN", "-NaN", "null"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (csv_is_same_word(text, words[i]))
            return true;
    return false;
}

/* Spaces and line ends around a number are allowed in quotes too; hexadecimal, which number_parse takes, is not. Where
 * commas do not separate fields, one may be the decimal mark: it becomes a point. */
Kind csv_read_number(const Reader *reader, const Field *field, double *value)
{
    char *text = without_blanks(field->text);
    if (is_missing(text))
        return MISSING;
    char *comma = reader->separator != ',' ? strchr(text, ',') : NULL;
    if (comma != NULL)
        *comma = '.';
    if (strpbrk(text, "xX") == NULL && number_parse(text, strlen(text), value))
        return isfinite(*value) ? NUMBER : errno == ERANGE ? TOO_LARGE : NOT_FINITE;
    if (comma != NULL)
        *comma = ',';
    return NO_NUMBER;
}

bool csv_fail_number(const Reader *reader, const Field *field, const char *why)
{
    const bool is_first = reader->fields[0].start == reader->first_row && reader->options->header == CSV_HEADER_AUTO;
    return is_first ? csv_fail(reader, field, "%s (If this row is a header, set %sheader=yes.)", why, reader->prefix)
                    : csv_fail(reader, field, "%s", why);
}

static bool fail_missing(const Reader *reader, const Field *field, const char *wanted)
{
    return csv_fail(reader, field, "%s. Write %s, or leave the row out; %sskip-missing leaves out all such rows.",
                    *field->text == '\0' ? "is empty" : "stands for a missing value", wanted, reader->prefix);
}

/* A file that has both 1.5 and 1,5 may have 1.234 for a thousand. */
static bool check_mark(Reader *reader, const Field *field, char mark)
{
    if (reader->separator == ',' || mark == '\0' || reader->mark == mark)
        return true;
    if (reader->mark != '\0')
        return csv_fail(reader, field, "has a decimal %s, unlike the numbers above it. Write all of them alike.",
                        mark == ',' ? "comma" : "point");
    reader->mark = mark;
    return true;
}

bool csv_read_feature(Reader *reader, const Field *field, double *value)
{
    const char *mark = strpbrk(field->text, ".,");
    const char sign = mark != NULL ? *mark : '\0';
    switch (csv_read_number(reader, field, value)) {
    case NUMBER: return check_mark(reader, field, sign);
    case MISSING: return fail_missing(reader, field, "a number");
    case NO_NUMBER: return csv_fail_number(reader, field, "is not a number. Write one such as -0.5 or 1e-3.");
    case NOT_FINITE: return csv_fail(reader, field, "is not a finite number. Write a number, or leave the row out.");
    case TOO_LARGE: break;
    }
    return csv_fail(reader, field, "is too large for a double. Give it in a larger unit.");
}

/* In quotes, NA and inf are words like any other. */
bool csv_read_label(const Reader *reader, const Field *field, char **word)
{
    double value;
    const Kind kind = csv_read_number(reader, field, &value);
    *word = without_blanks(field->text);
    if (**word == '\0' || (kind == MISSING && !csv_is_quoted(field)))
        return fail_missing(reader, field, "the class");
    return kind == NUMBER || kind == NO_NUMBER || csv_is_quoted(field) ||
           csv_fail(reader, field, "is not a finite number. Write another, or if it is a word, write it in quotes.");
}

bool csv_is_missing(const Reader *reader, const Field *field)
{
    const char *text = without_blanks(field->text);
    return *text == '\0' || (is_missing(text) && !(field->number == reader->label_index + 1 && csv_is_quoted(field)));
}
