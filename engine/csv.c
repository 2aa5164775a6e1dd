/* csv.c - reads this grammar, RFC 4180 with what real files have besides:
 *
 *     file    = [BOM] { blank line | comment | row }
 *     comment = spaces "#" anything up to the line end
 *     row     = field { separator field } (line end | end of file)
 *     field   = spaces (plain | quoted) spaces
 *     quoted  = '"' { any character but '"' | '""' } '"'
 *
 * The file is read into memory, with a NUL after it, and stays as it is; the fields of one row at a time are copied
 * out of it, without spaces and quotes. So a place in the file is a pointer: its line and column are counted only when
 * an error names them.
 */
#include "csv.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "file.h"
#include "memory.h"
#include "number.h"

/* A field of the row at hand; or, with number 0, another place that an error names. */
typedef struct Field {
    const char *start; /* in the file */
    const char *text;  /* NULL: not known */
    size_t number;     /* from 1 */
} Field;

typedef struct Reader {
    const char *name;
    const CsvOptions *options;
    const char *text, *at; /* the file, which ends with a NUL, and what is still to be read of it */
    char separator;
    char *row, *row_end; /* the texts of the row's fields, each with its NUL */
    Field *fields;       /* the row read last; none at the end of the file */
    size_t field_count, field_capacity;
    const char *first_row;
    size_t columns; /* fields in the first row, which all others must match */
    size_t label_index;
    Dataset *out;
    size_t x_capacity, label_capacity, class_capacity;
    Error *error;
} Reader;

/* ---- errors ------------------------------------------------------------------------------------------------------ */

static bool is_continuation(char c) { return ((unsigned char)c & 0xC0) == 0x80; } /* of a UTF-8 character */

/* Line and column of a place in the file, both from 1; CRLF is one line end. */
static size_t line_of(const Reader *reader, const char *place, size_t *column)
{
    size_t line = 1;
    *column = 1;
    for (const char *c = reader->text; c < place; c++) {
        if (*c == '\n' || (*c == '\r' && c[1] != '\n')) {
            line++;
            *column = 1;
        } else if (!is_continuation(*c)) {
            ++*column;
        }
    }
    return line;
}

/* The beginning of a text, in quotes and on one line. */
enum { SHOWN = 30, SHOWN_SIZE = SHOWN + sizeof "\"...\" " };
static void show(const char *text, char buffer[SHOWN_SIZE])
{
    size_t length = strlen(text);
    const bool is_cut = length > SHOWN;
    if (is_cut)
        for (length = SHOWN; length > 0 && is_continuation(text[length]);)
            length--;
    snprintf(buffer, SHOWN_SIZE, "\"%.*s%s\" ", (int)length, text, is_cut ? "..." : "");
    for (char *c = buffer; *c != '\0'; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
}

/* The end of a long path says the most, and the message must fit. */
static const char *short_name(const char *name)
{
    enum { NAME_SHOWN = 160 };
    const size_t length = strlen(name);
    return length > NAME_SHOWN ? name + (length - NAME_SHOWN) : name;
}

/* "points.csv:3:6: field 2: "abc" " and the message. */
PRINTF_LIKE(3, 4) static bool fail(const Reader *reader, const Field *field, const char *format, ...)
{
    char message[300], number[40] = "", text[SHOWN_SIZE] = "";
    size_t column;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    if (field->number > 0)
        snprintf(number, sizeof number, "field %zu: ", field->number);
    if (field->text != NULL && *field->text != '\0')
        show(field->text, text);
    const size_t line = line_of(reader, field->start, &column);
    return error_set(reader->error, "%s:%zu:%zu: %s%s%s%s", short_name(reader->name), line, column, number,
                     field->text != NULL && field->number == reader->label_index + 1 ? "label " : "", text, message);
}

#define PLACE(pointer) (&(const Field){.start = (pointer)})

static bool fail_memory(const Reader *reader)
{
    return fail(reader, PLACE(reader->at), "no memory for more. Load a smaller file.");
}

/* ---- rows -------------------------------------------------------------------------------------------------------- */

static bool at_end(const Reader *reader) { return *reader->at == '\0'; }

static bool at_line_end(const Reader *reader) { return at_end(reader) || *reader->at == '\n' || *reader->at == '\r'; }

static void skip_line_end(Reader *reader)
{
    reader->at += *reader->at == '\r';
    reader->at += *reader->at == '\n';
}

static bool is_space(const Reader *reader, char c) { return (c == ' ' || c == '\t') && c != reader->separator; }

static void skip_spaces(Reader *reader)
{
    while (is_space(reader, *reader->at))
        reader->at++;
}

static void skip_blank_lines_and_comments(Reader *reader)
{
    while (!at_end(reader)) {
        skip_spaces(reader);
        if (*reader->at == '#')
            reader->at += strcspn(reader->at, "\r\n");
        if (!at_line_end(reader))
            return;
        skip_line_end(reader);
    }
}

static void copy_plain(Reader *reader)
{
    char *end = reader->row_end; /* of the text without the spaces after it */
    while (!at_line_end(reader) && *reader->at != reader->separator) {
        *reader->row_end++ = *reader->at;
        if (!is_space(reader, *reader->at++))
            end = reader->row_end;
    }
    reader->row_end = end;
}

/* False when there is no closing quote: one that no other follows. */
static bool copy_quoted(Reader *reader)
{
    for (reader->at++; !at_end(reader); reader->at++) {
        if (*reader->at == '"' && *++reader->at != '"')
            return true;
        *reader->row_end++ = *reader->at;
    }
    return false;
}

static bool read_field(Reader *reader)
{
    skip_spaces(reader);
    Field field = {reader->at, NULL, reader->field_count + 1};
    Field *fields = memory_grow(reader->fields, field.number, &reader->field_capacity, sizeof *fields);
    if (fields == NULL)
        return fail_memory(reader);
    reader->fields = fields;
    char *text = reader->row_end;
    if (*reader->at != '"')
        copy_plain(reader);
    else if (!copy_quoted(reader))
        return fail(reader, &field, "the quote that opens here is never closed. Close it with another \".");
    skip_spaces(reader);
    if (!at_line_end(reader) && *reader->at != reader->separator) {
        field.start = reader->at;
        return fail(reader, &field,
                    "there is text after the closing quote. Write a quote inside a field as two: \"\".");
    }
    *reader->row_end++ = '\0';
    field.text = text;
    fields[reader->field_count++] = field;
    return true;
}

/* Read the next row into reader->fields; at the end of the file that has no fields. */
static bool read_row(Reader *reader)
{
    reader->field_count = 0;
    reader->row_end = reader->row;
    skip_blank_lines_and_comments(reader);
    for (bool more = !at_end(reader); more;) {
        if (!read_field(reader))
            return false;
        more = !at_line_end(reader);
        if (more)
            reader->at++; /* the separator */
    }
    skip_line_end(reader);
    return true;
}

/* ---- numbers and labels ------------------------------------------------------------------------------------------ */

typedef enum Kind { NUMBER, EMPTY, NO_NUMBER, NOT_FINITE, TOO_LARGE } Kind;

/* Spaces and line ends around a number are allowed in quotes too; hexadecimal, which number_parse takes, is not. */
static Kind read_number(const char *text, double *value)
{
    static const char blanks[] = " \t\r\n";
    text += strspn(text, blanks);
    size_t length = strlen(text);
    while (length > 0 && strchr(blanks, text[length - 1]) != NULL)
        length--;
    if (length == 0)
        return EMPTY;
    if (strpbrk(text, "xX") != NULL || !number_parse(text, length, value))
        return NO_NUMBER;
    return isfinite(*value) ? NUMBER : errno == ERANGE ? TOO_LARGE : NOT_FINITE;
}

/* Where the row is the first, a failure may mean that it was meant as a header. */
static const char *header_hint(const Reader *reader)
{
    const bool is_first = reader->fields[0].start == reader->first_row && reader->options->header == CSV_HEADER_AUTO;
    return is_first ? " (If this row is a header, set CsvOptions.header to CSV_HEADER_YES.)" : "";
}

static bool read_feature(const Reader *reader, const Field *field, double *value)
{
    static const char *const refusals[] = {
        [EMPTY] = "is empty. Write a number, or leave the row out.",
        [NO_NUMBER] = "is not a number. Write one such as -0.5 or 1e-3.",
        [NOT_FINITE] = "is not a finite number. Write a number, or leave the row out.",
        [TOO_LARGE] = "is too large for a double. Give it in a larger unit.",
    };
    const Kind kind = read_number(field->text, value);
    return kind == NUMBER || fail(reader, field, "%s%s", refusals[kind], kind == NO_NUMBER ? header_hint(reader) : "");
}

static bool read_integer_label(const Reader *reader, const Field *field, int *label)
{
    double value = 0;
    const Kind kind = read_number(field->text, &value);
    if (kind == EMPTY)
        return fail(reader, field, "is empty. Write the number of the class: 0, 1, 2, ...");
    if (kind == NO_NUMBER || kind == NOT_FINITE)
        return fail(reader, field, "is not an integer. Number the classes 0, 1, 2 ... or set CsvOptions.text_labels.%s",
                    header_hint(reader));
    if (value != floor(value) || value < 0)
        return fail(reader, field, "is %s. Number the classes 0, 1, 2, ...", value < 0 ? "negative" : "not an integer");
    if (value >= CSV_CLASSES_MOST)
        return fail(reader, field, "is too large (at most %d). Number the classes 0, 1, 2, ...", CSV_CLASSES_MOST - 1);
    *label = (int)value;
    return true;
}

/* The number of a class by its name; a new name gets the next number. */
static bool read_text_label(Reader *reader, const Field *field, int *label)
{
    Dataset *out = reader->out;
    if (*field->text == '\0')
        return fail(reader, field, "is empty. Write the name of the class.");
    for (*label = 0; *label < out->classes; ++*label)
        if (strcmp(out->class_names[*label], field->text) == 0)
            return true;
    if (*label == CSV_TEXT_CLASSES_MOST)
        return fail(reader, field, "would be class number %d, and there may be %d. Is this the label's column?",
                    *label + 1, CSV_TEXT_CLASSES_MOST);
    char **names = memory_grow(out->class_names, (size_t)*label + 1, &reader->class_capacity, sizeof *names);
    if (names == NULL)
        return fail_memory(reader);
    out->class_names = names;
    names[*label] = memory_copy_text(field->text);
    return names[*label] != NULL || fail_memory(reader);
}

/* ---- the first row ----------------------------------------------------------------------------------------------- */

/* A row with a mistyped number still has its label, so a header is a row whose label is a word, and a feature too.
 * Where all labels are words, no feature may be a number. */
static bool is_header(const Reader *reader)
{
    const CsvOptions *options = reader->options;
    size_t words = 0, numbers = 0;
    double value;
    if (options->header != CSV_HEADER_AUTO || options->label_name != NULL)
        return options->header != CSV_HEADER_NO;
    if (read_number(reader->fields[reader->label_index].text, &value) != NO_NUMBER)
        return false;
    for (size_t i = 0; i < reader->columns; i++) {
        const Kind kind = read_number(reader->fields[i].text, &value);
        words += kind == NO_NUMBER;
        numbers += kind != NO_NUMBER && kind != EMPTY;
    }
    return words >= 2 && (numbers == 0 || !options->text_labels);
}

static bool find_label(Reader *reader)
{
    const CsvOptions *options = reader->options;
    const Field place = {.start = reader->first_row, .text = options->label_name};
    size_t found = 0;
    reader->label_index = (options->label_field > 0 ? options->label_field : reader->columns) - 1;
    if (options->label_name == NULL)
        return reader->label_index < reader->columns ||
               fail(reader, &place, "label_field is %zu, but the row has %zu fields. Check CsvOptions.label_field.",
                    options->label_field, reader->columns);
    if (options->header == CSV_HEADER_NO)
        return fail(reader, &place, "names the label's column, but there is no header. Check CsvOptions.label_name.");
    for (size_t i = 0; i < reader->columns; i++)
        if (strcmp(reader->fields[i].text, options->label_name) == 0) {
            reader->label_index = i;
            found++;
        }
    return found == 1 || fail(reader, &place, "names the label's column, but %s column. Check CsvOptions.label_name.",
                              found == 0 ? "is the name of no" : "is the name of more than one");
}

static bool take_header(Reader *reader)
{
    Dataset *out = reader->out;
    char **name = out->feature_names = memory_alloc_array(out->features, sizeof *name);
    if (name == NULL)
        return fail_memory(reader);
    memset(name, 0, out->features * sizeof *name); /* dataset_free takes what there is */
    for (size_t i = 0; i < reader->columns; i++)
        if (i != reader->label_index && (*name++ = memory_copy_text(reader->fields[i].text)) == NULL)
            return fail_memory(reader);
    return true;
}

/* What the first row settles: how many columns there are, which is the label, and their names if it is a header. */
static bool read_first_row(Reader *reader)
{
    if (!read_row(reader))
        return false;
    if (reader->field_count == 0)
        return fail(reader, PLACE(reader->text),
                    "the file is empty: it has no rows. Write one per line, such as 0.5,-1,0");
    reader->columns = reader->field_count;
    reader->first_row = reader->fields[0].start;
    if (reader->columns < 2)
        return fail(reader, PLACE(reader->first_row),
                    "the row has one field and needs two or more: the features and the label, with a '%c' between "
                    "them. (If the separator is different, set CsvOptions.separator.)",
                    reader->separator);
    reader->out->features = reader->columns - 1;
    if (!find_label(reader))
        return false;
    if (!is_header(reader))
        return true;
    if (!take_header(reader) || !read_row(reader))
        return false;
    return reader->field_count > 0 ||
           fail(reader, PLACE(reader->first_row), "there is a header and no rows below it. Add rows of numbers.");
}

/* ---- the rows below it ------------------------------------------------------------------------------------------- */

/* Both arrays have room for one more row. */
static bool grow_rows(Reader *reader)
{
    Dataset *out = reader->out;
    int *label = memory_grow(out->label, out->count + 1, &reader->label_capacity, sizeof *label);
    if (label != NULL)
        out->label = label;
    double *x = memory_grow(out->x, out->count + 1, &reader->x_capacity, out->features * sizeof *x);
    if (x != NULL)
        out->x = x;
    return (label != NULL && x != NULL) || fail_memory(reader);
}

static bool check_ragged(const Reader *reader)
{
    size_t column;
    if (reader->field_count == reader->columns)
        return true;
    const bool is_long = reader->field_count > reader->columns;
    const Field *field = &reader->fields[is_long ? reader->columns : reader->field_count - 1];
    return fail(reader, PLACE(field->start), "the row has %zu field%s, not %zu as in line %zu. %s", reader->field_count,
                reader->field_count == 1 ? "" : "s", reader->columns, line_of(reader, reader->first_row, &column),
                is_long ? "Remove the extra fields from here on." : "Add what is missing after this one.");
}

/* Add the row in reader->fields to the Dataset. */
static bool take_row(Reader *reader)
{
    if (!check_ragged(reader) || !grow_rows(reader))
        return false;
    Dataset *out = reader->out;
    double *x = dataset_row(out, out->count);
    for (size_t i = 0; i < reader->columns; i++)
        if (i != reader->label_index && !read_feature(reader, &reader->fields[i], x++))
            return false;
    int *label = &out->label[out->count];
    const Field *field = &reader->fields[reader->label_index];
    if (!(reader->options->text_labels ? read_text_label(reader, field, label)
                                       : read_integer_label(reader, field, label)))
        return false;
    out->classes = *label < out->classes ? out->classes : *label + 1;
    out->count++;
    return true;
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

/* A CSV has no NUL, but binary files and text in UTF-16 do. */
static bool check_is_text(const Reader *reader, const char *end)
{
    const char *nul = reader->text + strlen(reader->text);
    return nul == end || fail(reader, PLACE(nul),
                              "there is a NUL byte: this is not text, or text in UTF-16. Save it as CSV in UTF-8.");
}

bool csv_parse(const char *name, const char *text, size_t bytes, const CsvOptions *options, Dataset *out, Error *error)
{
    static const CsvOptions defaults = {0};
    static const char mark[] = "\xEF\xBB\xBF";
    Reader reader = {.name = name, .options = options != NULL ? options : &defaults, .out = out, .error = error};
    reader.text = reader.at = strncmp(text, mark, strlen(mark)) == 0 ? text + strlen(mark) : text;
    reader.separator = reader.options->separator != '\0' ? reader.options->separator : ',';
    reader.row = memory_alloc(bytes + 1); /* enough: a field's NUL takes the place of the character after it */
    *out = (Dataset){0};
    bool ok =
        reader.row == NULL ? fail_memory(&reader) : check_is_text(&reader, text + bytes) && read_first_row(&reader);
    while (ok && reader.field_count > 0)
        ok = take_row(&reader) && read_row(&reader);
    memory_free(reader.row);
    memory_free(reader.fields);
    if (!ok)
        dataset_free(out);
    return ok;
}

bool csv_load_with(const char *path, const CsvOptions *options, Dataset *out, Error *error)
{
    size_t bytes;
    *out = (Dataset){0};
    char *text = file_read(path, SIZE_MAX, &bytes, error);
    const bool ok = text != NULL && csv_parse(path, text, bytes, options, out, error);
    memory_free(text);
    return ok;
}

bool csv_load(const char *path, Dataset *out, Error *error) { return csv_load_with(path, NULL, out, error); }
