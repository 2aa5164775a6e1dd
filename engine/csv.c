/* csv.c - see csv.h. The grammar, as RFC 4180 with what real files have besides:
 *
 *     file    = [BOM] { blank line | comment | row }
 *     comment = spaces "#" anything up to the line end
 *     row     = field { separator field } (line end | end of file)
 *     field   = spaces (plain | quoted) spaces
 *     quoted  = '"' { any character but '"' | '""' } '"'
 *
 * The file is read into memory and a row is cut up where it stands: each field's text gets its NUL in the place of a
 * character that has been passed. So a row costs no memory, whatever its length.
 */
#include "csv.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "memory.h"

/* A field of the row at hand, and where it begins. */
typedef struct Field {
    char *text;
    size_t line, column;
} Field;

typedef struct Reader {
    const char *name;
    const CsvOptions *options;
    char separator;
    char *at, *end; /* what is still to be read */
    size_t line, column;
    Field *fields; /* the row read last; none at the end of the file */
    size_t field_count, field_capacity;
    size_t columns, first_line; /* fields in the first row, which all others must match, and its line */
    size_t label_index;
    Dataset *out;
    size_t row_capacity, class_capacity;
    Error *error;
} Reader;

/* ---- errors ------------------------------------------------------------------------------------------------------ */

/* Of a long path the end tells the most, and the message must have room. */
static const char *short_name(const char *name)
{
    enum { NAME_SHOWN = 160 };
    const size_t length = strlen(name);
    return length > NAME_SHOWN ? name + (length - NAME_SHOWN) : name;
}

enum { WHAT_SIZE = 300 };

PRINTF_LIKE(4, 5) static bool fail_at(Reader *reader, size_t line, size_t column, const char *format, ...)
{
    char what[WHAT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return error_set(reader->error, "%s:%zu:%zu: %s", short_name(reader->name), line, column, what);
}

PRINTF_LIKE(3, 4) static bool fail_field(Reader *reader, size_t i, const char *format, ...)
{
    char what[WHAT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return fail_at(reader, reader->fields[i].line, reader->fields[i].column, "field %zu: %s", i + 1, what);
}

static bool fail_memory(Reader *reader)
{
    return fail_at(reader, reader->line, reader->column, "no memory for more. Load a smaller file.");
}

static bool is_continuation(char c) { return ((unsigned char)c & 0xC0) == 0x80; } /* of a UTF-8 character */

/* The text of a field for a message: its beginning, in quotes, on one line. */
enum { SHOWN = 30, SHOWN_SIZE = SHOWN + sizeof "\"...\"" };
static char *shown(const char *text, char buffer[SHOWN_SIZE])
{
    size_t length = strlen(text);
    const bool is_cut = length > SHOWN;
    if (is_cut)
        for (length = SHOWN; length > 0 && is_continuation(text[length]);)
            length--;
    snprintf(buffer, SHOWN_SIZE, "\"%.*s%s\"", (int)length, text, is_cut ? "..." : "");
    for (char *c = buffer; *c != '\0'; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
    return buffer;
}

/* ---- characters -------------------------------------------------------------------------------------------------- */

static bool at_end(const Reader *reader) { return reader->at == reader->end; }

static bool at_line_end(const Reader *reader) { return at_end(reader) || *reader->at == '\n' || *reader->at == '\r'; }

/* Pass one byte, keeping count of lines and of characters. CRLF counts at its LF; text[size] is a NUL, so looking one
 * ahead is right. */
static void advance(Reader *reader)
{
    const char c = *reader->at++;
    if (c == '\n' || (c == '\r' && *reader->at != '\n')) {
        reader->line++;
        reader->column = 1;
    } else if (!is_continuation(c)) {
        reader->column++;
    }
}

static void pass_line_end(Reader *reader)
{
    if (!at_end(reader) && *reader->at == '\r')
        advance(reader);
    if (!at_end(reader) && *reader->at == '\n')
        advance(reader);
}

static bool is_space(const Reader *reader, char c) { return (c == ' ' || c == '\t') && c != reader->separator; }

static void pass_spaces(Reader *reader)
{
    while (!at_end(reader) && is_space(reader, *reader->at))
        advance(reader);
}

/* ---- fields and rows --------------------------------------------------------------------------------------------- */

/* `list` with room for more than `count` items of `size` bytes: the same, or a copy twice as large; NULL when there is
 * no memory. Doubling makes n additions cost no more than 2n copies. */
static void *with_room(void *list, size_t count, size_t *capacity, size_t size)
{
    enum { FEWEST = 4 };
    if (count < *capacity)
        return list;
    if (*capacity > SIZE_MAX / 2 / size)
        return NULL;
    const size_t larger = *capacity > 0 ? 2 * *capacity : FEWEST;
    if (larger > SIZE_MAX / size)
        return NULL;
    void *grown = memory_resize(list, *capacity * size, larger * size);
    if (grown != NULL)
        *capacity = larger;
    return grown;
}

static bool add_field(Reader *reader)
{
    Field *fields = with_room(reader->fields, reader->field_count, &reader->field_capacity, sizeof *fields);
    if (fields == NULL)
        return fail_memory(reader);
    reader->fields = fields;
    fields[reader->field_count++] = (Field){reader->at, reader->line, reader->column};
    return true;
}

/* Pass a field without quotes; returns the end of its text. */
static char *pass_plain(Reader *reader)
{
    char *end = reader->at;
    while (!at_line_end(reader) && *reader->at != reader->separator) {
        const bool is_text = !is_space(reader, *reader->at);
        advance(reader);
        if (is_text)
            end = reader->at;
    }
    return end;
}

/* Pass a quoted field and move its text, with "" made one quote, to where it began; returns the end of the text, or
 * NULL when there is no closing quote. */
static char *pass_quoted(Reader *reader, const Field *field)
{
    char *end = field->text;
    advance(reader);
    while (!at_end(reader)) {
        if (*reader->at == '"') {
            advance(reader);
            if (at_end(reader) || *reader->at != '"')
                return end;
        }
        *end++ = *reader->at; /* always behind reader->at: the opening quote is passed */
        advance(reader);
    }
    return NULL;
}

static bool read_field(Reader *reader, bool *is_last)
{
    pass_spaces(reader);
    if (!add_field(reader))
        return false;
    const size_t i = reader->field_count - 1;
    const bool is_quoted = !at_end(reader) && *reader->at == '"';
    char *end = is_quoted ? pass_quoted(reader, &reader->fields[i]) : pass_plain(reader);
    if (end == NULL)
        return fail_field(reader, i, "the quote that opens here is never closed. Close it with another \".");
    pass_spaces(reader);
    *is_last = at_line_end(reader);
    if (!*is_last && *reader->at != reader->separator)
        return fail_at(reader, reader->line, reader->column,
                       "field %zu: there is text behind the closing quote. Write a quote inside a field as two: \"\".",
                       i + 1);
    if (*is_last)
        pass_line_end(reader);
    else
        advance(reader);
    *end = '\0';
    return true;
}

static void pass_blank_lines_and_comments(Reader *reader)
{
    while (!at_end(reader)) {
        pass_spaces(reader);
        if (!at_end(reader) && *reader->at == '#')
            while (!at_line_end(reader))
                advance(reader);
        if (!at_line_end(reader))
            return;
        pass_line_end(reader);
    }
}

/* Read the next row into reader->fields; at the end of the file that has no fields. */
static bool read_row(Reader *reader)
{
    reader->field_count = 0;
    pass_blank_lines_and_comments(reader);
    bool is_last = at_end(reader);
    while (!is_last)
        if (!read_field(reader, &is_last))
            return false;
    return true;
}

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

typedef enum Kind { NUMBER, EMPTY, NO_NUMBER, NOT_FINITE, TOO_LARGE } Kind;

/* Spaces around a number are allowed in quotes too, where they are part of the text. */
static char *pass_blanks(const char *c) { return (char *)c + strspn(c, " \t\r\n"); }

static const char *pass_digits(const char *c)
{
    while (isdigit((unsigned char)*c))
        c++;
    return c;
}

/* [+-] digits [. digits] [e [+-] digits], with a digit before the e. What else strtod would take (hexadecimal,
 * "nan") is refused, whatever the locale. */
static bool is_decimal(const char *text)
{
    const char *whole = text + (*text == '+' || *text == '-');
    const char *c = pass_digits(whole);
    size_t digits = (size_t)(c - whole);
    if (*c == '.') {
        const char *fraction = c + 1;
        c = pass_digits(fraction);
        digits += (size_t)(c - fraction);
    }
    if (digits > 0 && (*c == 'e' || *c == 'E')) {
        const char *exponent = c + 1 + (c[1] == '+' || c[1] == '-');
        c = pass_digits(exponent);
        digits = (size_t)(c - exponent);
    }
    return digits > 0 && *pass_blanks(c) == '\0';
}

static bool is_not_finite_text(const char *text)
{
    static const char *const names[] = {"nan", "inf", "infinity"};
    const char *word = text + (*text == '+' || *text == '-');
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        size_t same = 0;
        while (names[i][same] != '\0' && tolower((unsigned char)word[same]) == names[i][same])
            same++;
        if (names[i][same] == '\0' && *pass_blanks(word + same) == '\0')
            return true;
    }
    return false;
}

/* strtod wants the decimal point of the program's locale. The engine never calls setlocale, but a program around it
 * may: then strtod does not get past the point, which is made the locale's own. */
static double decimal_value(char *text)
{
    char *stop;
    const double value = strtod(text, &stop);
    char *point = strchr(text, '.');
    if (point == NULL || stop > point)
        return value;
    *point = localeconv()->decimal_point[0];
    const double again = strtod(text, NULL);
    *point = '.';
    return again;
}

static Kind parse_number(char *text, double *value)
{
    char *number = pass_blanks(text);
    if (*number == '\0')
        return EMPTY;
    if (is_not_finite_text(number))
        return NOT_FINITE;
    if (!is_decimal(number))
        return NO_NUMBER;
    *value = decimal_value(number);
    return isfinite(*value) ? NUMBER : TOO_LARGE;
}

/* Where the row is the first, a failure may mean that it was meant as a header. */
static const char *header_hint(const Reader *reader, size_t i)
{
    const bool is_first = reader->fields[i].line == reader->first_line && reader->options->header == CSV_HEADER_AUTO;
    return is_first ? " (If this row is a header, set CsvOptions.header to CSV_HEADER_YES.)" : "";
}

static bool read_feature(Reader *reader, size_t i, double *value)
{
    const Kind kind = parse_number(reader->fields[i].text, value);
    if (kind == NUMBER)
        return true;
    char buffer[SHOWN_SIZE];
    const char *text = shown(reader->fields[i].text, buffer);
    if (kind == EMPTY)
        return fail_field(reader, i, "is empty. Write a number, or leave the row out.");
    if (kind == NOT_FINITE)
        return fail_field(reader, i, "%s is not a finite number. Write a number, or leave the row out.", text);
    if (kind == TOO_LARGE)
        return fail_field(reader, i, "%s is too large for a double. Give it in a larger unit.", text);
    return fail_field(reader, i, "%s is not a number. Write one such as -0.5 or 1e-3.%s", text, header_hint(reader, i));
}

/* ---- labels ------------------------------------------------------------------------------------------------------ */

/* Why a label's value is none of the classes, as a message. */
static bool refuse_label(Reader *reader, double value)
{
    const size_t i = reader->label_index;
    const int classes = reader->options->classes;
    char buffer[SHOWN_SIZE];
    const char *text = shown(reader->fields[i].text, buffer);
    if (value != floor(value))
        return fail_field(reader, i, "label %s is no integer. Number the classes 0, 1, 2, ...", text);
    if (value < 0)
        return fail_field(reader, i, "label %s is negative. Number the classes 0, 1, 2, ...", text);
    if (classes > 0)
        return fail_field(reader, i, "label %s is outside 0 to %d. Number the classes so, or set CsvOptions.classes.",
                          text, classes - 1);
    return fail_field(reader, i, "label %s is too large (at most %d). Number the classes 0, 1, 2, ...", text,
                      CSV_CLASSES_MOST - 1);
}

static bool read_integer_label(Reader *reader, int *label)
{
    const size_t i = reader->label_index;
    double value = 0;
    const Kind kind = parse_number(reader->fields[i].text, &value);
    if (kind == EMPTY)
        return fail_field(reader, i, "the label is empty. Write the number of the class: 0, 1, 2, ...");
    if (kind == NO_NUMBER || kind == NOT_FINITE) {
        char buffer[SHOWN_SIZE];
        return fail_field(reader, i,
                          "label %s is no integer. Number the classes 0, 1, 2, ... or set CsvOptions.text_labels.%s",
                          shown(reader->fields[i].text, buffer), header_hint(reader, i));
    }
    const int classes = reader->options->classes > 0 ? reader->options->classes : CSV_CLASSES_MOST;
    if (value != floor(value) || value < 0 || value >= classes)
        return refuse_label(reader, value);
    *label = (int)value;
    return true;
}

static bool add_class(Reader *reader, const char *name)
{
    Dataset *out = reader->out;
    const size_t i = reader->label_index;
    const int most = reader->options->classes > 0 ? reader->options->classes : CSV_TEXT_CLASSES_MOST;
    char buffer[SHOWN_SIZE];
    if (out->classes >= most)
        return fail_field(reader, i,
                          "label %s would be class number %d, and there may be %d. Is this the label's column?",
                          shown(name, buffer), out->classes + 1, most);
    char **names = with_room(out->class_names, (size_t)out->classes, &reader->class_capacity, sizeof *names);
    if (names == NULL)
        return fail_memory(reader);
    out->class_names = names;
    names[out->classes] = memory_copy_text(name);
    if (names[out->classes] == NULL)
        return fail_memory(reader);
    out->classes++;
    return true;
}

/* The number of a class by its name; a new name gets the next number. */
static bool read_text_label(Reader *reader, int *label)
{
    const size_t i = reader->label_index;
    const char *name = reader->fields[i].text;
    if (*name == '\0')
        return fail_field(reader, i, "the label is empty. Write the name of the class.");
    for (int c = 0; c < reader->out->classes; c++)
        if (strcmp(reader->out->class_names[c], name) == 0) {
            *label = c;
            return true;
        }
    *label = reader->out->classes;
    return add_class(reader, name);
}

/* ---- the first row ----------------------------------------------------------------------------------------------- */

/* A row with a mistyped number still has its label, so a header is a row whose label is a word, and a feature too.
 * Where all labels are words, no feature may be a number. */
static bool is_header(const Reader *reader)
{
    const CsvOptions *options = reader->options;
    if (options->header != CSV_HEADER_AUTO || options->label_name != NULL)
        return options->header != CSV_HEADER_NO;
    size_t words = 0, numbers = 0;
    for (size_t i = 0; i < reader->field_count; i++) {
        double value;
        const Kind kind = parse_number(reader->fields[i].text, &value);
        if (i == reader->label_index && kind != NO_NUMBER)
            return false;
        if (i != reader->label_index && kind != EMPTY) {
            words += kind == NO_NUMBER;
            numbers += kind != NO_NUMBER;
        }
    }
    return words > 0 && (numbers == 0 || !options->text_labels);
}

static bool find_label_by_name(Reader *reader)
{
    const char *name = reader->options->label_name;
    const bool has_header = reader->options->header != CSV_HEADER_NO;
    char buffer[SHOWN_SIZE];
    size_t found = 0;
    for (size_t i = 0; has_header && i < reader->field_count; i++)
        if (strcmp(reader->fields[i].text, name) == 0) {
            reader->label_index = i;
            found++;
        }
    if (found == 1)
        return true;
    return fail_at(reader, reader->first_line, 1, "%s %s. Check CsvOptions.label_name.",
                   !has_header  ? "there is no header to find the label's column by its name,"
                   : found == 0 ? "no column has the name of the label,"
                                : "more than one column has the name of the label,",
                   shown(name, buffer));
}

static bool find_label(Reader *reader)
{
    const size_t field = reader->options->label_field;
    if (reader->options->label_name != NULL)
        return find_label_by_name(reader);
    if (field > reader->columns)
        return fail_at(reader, reader->first_line, 1,
                       "the label was to be field %zu of a row of %zu. Check CsvOptions.label_field.", field,
                       reader->columns);
    reader->label_index = field > 0 ? field - 1 : reader->columns - 1;
    return true;
}

static bool take_header(Reader *reader)
{
    Dataset *out = reader->out;
    char **names = memory_alloc_array(out->features, sizeof *names);
    if (names == NULL)
        return fail_memory(reader);
    for (size_t i = 0; i < out->features; i++)
        names[i] = NULL;
    out->feature_names = names; /* dataset_free takes what there is */
    for (size_t i = 0; i < reader->field_count; i++) {
        if (i == reader->label_index)
            continue;
        *names = memory_copy_text(reader->fields[i].text);
        if (*names++ == NULL)
            return fail_memory(reader);
    }
    return true;
}

static bool refuse_single_field(Reader *reader)
{
    const Field *field = &reader->fields[0];
    const bool has_other = strpbrk(field->text, ";\t ") != NULL;
    return fail_at(
        reader, field->line, field->column,
        "the row has one field and needs two or more: the features and the label, with a '%c' between them.%s",
        reader->separator, has_other ? " (Another separator? Set CsvOptions.separator.)" : "");
}

/* What the first row settles: how many columns there are, which is the label, and their names if it is a header. */
static bool read_first_row(Reader *reader)
{
    if (!read_row(reader))
        return false;
    if (reader->field_count == 0)
        return fail_at(reader, 1, 1, "the file is empty: it has no rows. Write one per line, such as 0.5,-1,0");
    reader->columns = reader->field_count;
    reader->first_line = reader->fields[0].line;
    if (reader->columns < 2)
        return refuse_single_field(reader);
    reader->out->features = reader->columns - 1;
    if (!find_label(reader))
        return false;
    if (!is_header(reader))
        return true;
    if (!take_header(reader) || !read_row(reader))
        return false;
    if (reader->field_count == 0)
        return fail_at(reader, reader->first_line, 1, "there is a header and no rows below it. Add rows of numbers.");
    return true;
}

/* ---- rows of data ------------------------------------------------------------------------------------------------ */

/* Both arrays have room for one more row. */
static bool grow_rows(Reader *reader)
{
    Dataset *out = reader->out;
    if (out->count < reader->row_capacity)
        return true;
    size_t label_capacity = reader->row_capacity;
    if (out->features > SIZE_MAX / sizeof *out->x)
        return fail_memory(reader);
    int *label = with_room(out->label, out->count, &label_capacity, sizeof *label);
    if (label == NULL)
        return fail_memory(reader);
    out->label = label;
    double *x = with_room(out->x, out->count, &reader->row_capacity, out->features * sizeof *x);
    if (x == NULL)
        return fail_memory(reader);
    out->x = x;
    return true;
}

static bool check_ragged(Reader *reader)
{
    if (reader->field_count == reader->columns)
        return true;
    const bool is_long = reader->field_count > reader->columns;
    const Field *field = &reader->fields[is_long ? reader->columns : reader->field_count - 1];
    return fail_at(reader, field->line, field->column, "the row has %zu field%s, not %zu as in line %zu. %s",
                   reader->field_count, reader->field_count == 1 ? "" : "s", reader->columns, reader->first_line,
                   is_long ? "Take out what is too much from here on." : "Add what is missing after this one.");
}

/* Add the row in reader->fields to the Dataset. */
static bool take_row(Reader *reader)
{
    if (!check_ragged(reader) || !grow_rows(reader))
        return false;
    Dataset *out = reader->out;
    double *x = dataset_row(out, out->count);
    for (size_t i = 0; i < reader->columns; i++)
        if (i != reader->label_index && !read_feature(reader, i, x++))
            return false;
    int label = 0;
    if (!(reader->options->text_labels ? read_text_label : read_integer_label)(reader, &label))
        return false;
    out->label[out->count++] = label;
    if (label >= out->classes)
        out->classes = label + 1;
    return true;
}

static bool read_rows(Reader *reader)
{
    if (!read_first_row(reader))
        return false;
    while (reader->field_count > 0)
        if (!take_row(reader) || !read_row(reader))
            return false;
    if (!reader->options->text_labels && reader->options->classes > 0)
        reader->out->classes = reader->options->classes;
    return true;
}

/* A NUL would end a field's text early: no CSV has one, but a binary file has, and text in UTF-16. */
static bool check_is_text(Reader *reader)
{
    const char *nul = memchr(reader->at, '\0', (size_t)(reader->end - reader->at));
    if (nul == NULL)
        return true;
    while (reader->at != nul)
        advance(reader);
    return fail_at(reader, reader->line, reader->column,
                   "there is a NUL byte: this is no text, or text in UTF-16. Save it as CSV in UTF-8.");
}

static void pass_byte_order_mark(Reader *reader)
{
    static const char mark[] = "\xEF\xBB\xBF";
    if (reader->end - reader->at >= 3 && memcmp(reader->at, mark, 3) == 0)
        reader->at += 3;
}

bool csv_parse(const char *name, char *text, size_t bytes, const CsvOptions *options, Dataset *out, Error *error)
{
    static const CsvOptions defaults = {0};
    if (options == NULL)
        options = &defaults;
    Reader reader = {.name = name,
                     .options = options,
                     .separator = options->separator != '\0' ? options->separator : ',',
                     .at = text,
                     .end = text + bytes,
                     .line = 1,
                     .column = 1,
                     .out = out,
                     .error = error};
    *out = (Dataset){0};
    text[bytes] = '\0';
    pass_byte_order_mark(&reader);
    const bool ok = check_is_text(&reader) && read_rows(&reader);
    memory_free(reader.fields);
    if (!ok)
        dataset_free(out);
    return ok;
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

/* All of the file, with room for a NUL; NULL and an error when it cannot be read. */
static char *read_all(FILE *file, const char *path, size_t *bytes, Error *error)
{
    enum { FIRST_SIZE = 64 * 1024 };
    size_t size = FIRST_SIZE;
    size_t used = 0;
    char *text = memory_alloc(size);
    while (text != NULL) {
        const size_t got = fread(text + used, 1, size - 1 - used, file);
        const bool has_nul = memchr(text + used, '\0', got) != NULL;
        used += got;
        if (used < size - 1 || has_nul) /* the end; or no text, and a device may have no end */
            break;
        char *larger = size <= SIZE_MAX / 2 ? memory_resize(text, size, 2 * size) : NULL;
        if (larger == NULL)
            memory_free(text);
        text = larger;
        size *= 2;
    }
    *bytes = used;
    if (text == NULL) {
        error_set(error, "%s: no memory for a file of more than %zu bytes. Load a smaller file.", short_name(path),
                  used);
    } else if (ferror(file)) {
        error_set(error, "%s: cannot be read: %s. Give the path of a CSV file.", short_name(path), strerror(errno));
        memory_free(text);
        text = NULL;
    }
    return text;
}

bool csv_load_with(const char *path, const CsvOptions *options, Dataset *out, Error *error)
{
    *out = (Dataset){0};
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return error_set(error, "%s: cannot be opened: %s. Check the path.", short_name(path), strerror(errno));
    size_t bytes;
    char *text = read_all(file, path, &bytes, error);
    fclose(file);
    if (text == NULL)
        return false;
    const bool ok = csv_parse(path, text, bytes, options, out, error);
    memory_free(text);
    return ok;
}

bool csv_load(const char *path, Dataset *out, Error *error) { return csv_load_with(path, NULL, out, error); }
