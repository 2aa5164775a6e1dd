/* csv.c - reads this grammar, RFC 4180 with what real files have besides:
 *
 *     file    = [BOM] ["sep=" separator line end] { blank line | comment | row }
 *     comment = spaces "#" anything up to the line end
 *     row     = field { separator field } (line end | end of file)
 *     field   = spaces (plain | quoted) spaces
 *     quoted  = '"' { any character but '"' | '""' } '"'
 *
 * The file is read into memory, with a NUL after it, and stays as it is; the fields are copied out of it, without
 * spaces and quotes, and the labels are used where they then stand. A place in the file is a pointer: its line and
 * column are counted only when an error names them. To find the separator, and to tell a header from a row, the first
 * rows are read more than once.
 */
#include "csv.h"

#include <ctype.h>
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
    char *text;        /* NULL: not known */
    size_t number;     /* from 1 */
} Field;

typedef struct Reader {
    const char *name, *prefix; /* of the file; of the options in messages */
    const CsvOptions *options;
    const char *text, *begin, *at; /* the file, which ends with a NUL; its rows; what is still to be read of them */
    char separator;
    char mark;           /* the decimal mark of the numbers so far, or 0 */
    char *row, *row_end; /* the texts of all fields so far, each with its NUL */
    Field *fields;       /* the row read last; none at the end of the file */
    size_t field_count, field_capacity;
    const char *first_row, *width_row; /* the first of all, and the first below the header */
    size_t columns;                    /* fields in the first row, but for separators at its end */
    size_t width;                      /* fields in width_row, with them: all other rows must match both */
    size_t label_index;                /* NO_LABEL: there is none, or its name is still to be found */
    Dataset *out;
    char **words; /* the label of each row */
    size_t x_capacity, word_capacity, skipped;
    bool is_out_of_memory;
    Error *error;
} Reader;

#define NO_LABEL SIZE_MAX

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

static bool fail_memory(Reader *reader)
{
    reader->is_out_of_memory = true;
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

/* Go back to the first row. */
static void go_back(Reader *reader)
{
    reader->at = reader->begin;
    reader->row_end = reader->row;
}

/* Read a row without complaint: whatever is wrong with it will be an error when it is read in earnest. */
static bool peek_row(Reader *reader)
{
    Error *error = reader->error;
    reader->error = NULL;
    const bool ok = read_row(reader) && reader->field_count > 0;
    reader->error = error;
    return ok;
}

/* ---- numbers and labels ------------------------------------------------------------------------------------------ */

typedef enum Kind { NUMBER, MISSING, NO_NUMBER, NOT_FINITE, TOO_LARGE } Kind;

static char *without_blanks(char *text)
{
    static const char blanks[] = " \t\r\n";
    text += strspn(text, blanks);
    size_t length = strlen(text);
    while (length > 0 && strchr(blanks, text[length - 1]) != NULL)
        text[--length] = '\0';
    return text;
}

static bool is_same_word(const char *a, const char *b)
{
    while (*a != '\0' && tolower((unsigned char)*a) == tolower((unsigned char)*b))
        a++, b++;
    return *a == *b;
}

static bool is_missing(const char *text)
{
    static const char *const words[] = {"", "?", "NA", "N/A", "NaN", "-NaN", "null"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (is_same_word(text, words[i]))
            return true;
    return false;
}

/* Spaces and line ends around a number are allowed in quotes too; hexadecimal, which number_parse takes, is not. Where
 * commas do not separate fields, one may be the decimal mark: it becomes a point. */
static Kind read_number(const Reader *reader, const Field *field, double *value)
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

/* Where the row is the first, a failure may mean that it was meant as a header. */
static bool fail_number(const Reader *reader, const Field *field, const char *why)
{
    const bool is_first = reader->fields[0].start == reader->first_row && reader->options->header == CSV_HEADER_AUTO;
    return is_first ? fail(reader, field, "%s (If this row is a header, set %sheader=yes.)", why, reader->prefix)
                    : fail(reader, field, "%s", why);
}

static bool fail_missing(const Reader *reader, const Field *field, const char *wanted)
{
    return fail(reader, field, "%s. Write %s, or leave the row out; %sskip-missing leaves out all such rows.",
                *field->text == '\0' ? "is empty" : "stands for a missing value", wanted, reader->prefix);
}

/* A file that has both 1.5 and 1,5 may have 1.234 for a thousand. */
static bool check_mark(Reader *reader, const Field *field, char mark)
{
    if (reader->separator == ',' || mark == '\0' || reader->mark == mark)
        return true;
    if (reader->mark != '\0')
        return fail(reader, field, "has a decimal %s, unlike the numbers above it. Write all of them alike.",
                    mark == ',' ? "comma" : "point");
    reader->mark = mark;
    return true;
}

static bool read_feature(Reader *reader, const Field *field, double *value)
{
    const char *mark = strpbrk(field->text, ".,");
    const char sign = mark != NULL ? *mark : '\0';
    switch (read_number(reader, field, value)) {
    case NUMBER: return check_mark(reader, field, sign);
    case MISSING: return fail_missing(reader, field, "a number");
    case NO_NUMBER: return fail_number(reader, field, "is not a number. Write one such as -0.5 or 1e-3.");
    case NOT_FINITE: return fail(reader, field, "is not a finite number. Write a number, or leave the row out.");
    case TOO_LARGE: break;
    }
    return fail(reader, field, "is too large for a double. Give it in a larger unit.");
}

static bool is_quoted(const Field *field) { return *field->start == '"'; }

/* In quotes, NA and inf are words like any other. */
static bool read_label(const Reader *reader, const Field *field, char **word)
{
    double value;
    const Kind kind = read_number(reader, field, &value);
    *word = without_blanks(field->text);
    if (**word == '\0' || (kind == MISSING && !is_quoted(field)))
        return fail_missing(reader, field, "the class");
    return kind == NUMBER || kind == NO_NUMBER || is_quoted(field) ||
           fail(reader, field, "is not a finite number. Write another, or if it is a word, write it in quotes.");
}

/* ---- the separator ----------------------------------------------------------------------------------------------- */

/* The line sep=; with which Excel begins a file. */
static void read_separator_line(Reader *reader)
{
    const char *line = reader->at;
    if (strncmp(line, "sep=", 4) != 0 || strchr("\"\r\n", line[4]) != NULL || strchr("\r\n", line[5]) == NULL)
        return;
    reader->separator = line[4];
    reader->at += 5;
    skip_line_end(reader);
}

typedef struct Split {
    size_t numbers, fields;
} Split;

/* What a separator makes of the first rows. */
static Split try_separator(Reader *reader, char separator)
{
    enum { ROWS_TRIED = 5 };
    Split split = {0, 0};
    double value;
    reader->separator = separator;
    for (int row = 0; row < ROWS_TRIED && peek_row(reader); row++) {
        if (reader->field_count < 2)
            continue;
        split.fields += reader->field_count;
        for (size_t i = 0; i < reader->field_count; i++)
            split.numbers += read_number(reader, &reader->fields[i], &value) == NUMBER;
    }
    go_back(reader);
    return split;
}

/* The one that gives the most numbers: a comma last, since 0,5;setosa has one for either of two. */
static bool find_separator(Reader *reader)
{
    Split best = {0, 0};
    char separator = ',';
    for (const char *c = ";\t|,"; *c != '\0'; c++) {
        const Split split = try_separator(reader, *c);
        if (split.numbers > best.numbers || (split.numbers == best.numbers && split.fields > best.fields)) {
            best = split;
            separator = *c;
        }
    }
    reader->separator = separator;
    return !reader->is_out_of_memory || fail_memory(reader);
}

/* ---- the first row ----------------------------------------------------------------------------------------------- */

/* The fields of the row at hand without the empty ones at its end, but at least `fewest`. */
static size_t count_used(const Reader *reader, size_t fewest)
{
    size_t used = reader->field_count;
    while (used > fewest && *reader->fields[used - 1].text == '\0' && !is_quoted(&reader->fields[used - 1]))
        used--;
    return used;
}

/* The label's column if it can be known without a header. */
static size_t label_by_number(const Reader *reader)
{
    const char *text = reader->options->label;
    size_t number = 0;
    if (text == NULL)
        return reader->options->no_label ? NO_LABEL : reader->columns - 1;
    if (text[strspn(text, "0123456789")] != '\0' || strlen(text) > 9)
        return NO_LABEL;
    for (; *text != '\0'; text++)
        number = 10 * number + (size_t)(*text - '0');
    return number >= 1 && number <= reader->columns ? number - 1 : NO_LABEL;
}

static bool peek_numeric_label(Reader *reader)
{
    double value;
    return peek_row(reader) && reader->label_index < reader->field_count &&
           read_number(reader, &reader->fields[reader->label_index], &value) == NUMBER;
}

typedef enum FirstRow { DATA, HEADER, UNCLEAR } FirstRow;

/* A row with a mistyped number still has its label. So a header is a row whose label is a word and whose features are
 * words too: all of them, or some if the label below is a number. */
static FirstRow judge_first_row(Reader *reader)
{
    const CsvOptions *options = reader->options;
    size_t words = 0, numbers = 0;
    double value;
    if (options->header != CSV_HEADER_AUTO)
        return options->header == CSV_HEADER_YES ? HEADER : DATA;
    if (reader->label_index == NO_LABEL && !options->no_label)
        return HEADER; /* the label is called by its name */
    for (size_t i = 0; i < reader->columns; i++) {
        const Kind kind = read_number(reader, &reader->fields[i], &value);
        if (i == reader->label_index && kind != NO_NUMBER)
            return DATA;
        words += i != reader->label_index && kind == NO_NUMBER;
        numbers += i != reader->label_index && kind != NO_NUMBER && kind != MISSING;
    }
    if (words > 0 && numbers == 0)
        return HEADER;
    if (options->no_label || !peek_numeric_label(reader))
        return DATA;
    return words > 0 ? HEADER : UNCLEAR;
}

/* Where the last column is the label because no other was asked for, none may be called so. */
static bool check_unasked_label(const Reader *reader)
{
    static const char *const names[] = {"label", "class", "target"};
    bool is_last = false;
    const Field *other = NULL;
    for (size_t i = 0; i < reader->columns; i++)
        for (size_t n = 0; n < sizeof names / sizeof *names; n++)
            if (is_same_word(reader->fields[i].text, names[n])) {
                is_last = is_last || i == reader->label_index;
                other = &reader->fields[i];
            }
    return other == NULL || is_last ||
           fail(reader, other,
                "is this the label? Without %slabel it is the last column. Set %slabel=%zu or %slabel=%zu.",
                reader->prefix, reader->prefix, other->number, reader->prefix, reader->columns);
}

/* A name in the header counts before a number. */
static bool find_label(Reader *reader, bool is_header)
{
    const char *label = reader->options->label;
    size_t found = 0;
    if (label == NULL && is_header && !reader->options->no_label)
        return check_unasked_label(reader);
    for (size_t i = 0; label != NULL && is_header && i < reader->columns; i++)
        if (strcmp(reader->fields[i].text, label) == 0) {
            reader->label_index = i;
            found++;
        }
    if (found > 1)
        return fail(reader, PLACE(reader->first_row), "%slabel=%.60s: %zu columns have this name. Give its number.",
                    reader->prefix, label, found);
    if (reader->label_index != NO_LABEL || reader->options->no_label)
        return true;
    return fail(reader, PLACE(reader->first_row), "%slabel=%.60s: %s. Give a name from it, or a number from 1 to %zu.",
                reader->prefix, label, is_header ? "no column has this name in the header" : "there is no header",
                reader->columns);
}

static bool take_header(Reader *reader)
{
    Dataset *out = reader->out;
    size_t count = 0;
    char **names = memory_alloc_array(reader->columns, sizeof *names);
    for (size_t i = 0; names != NULL && i < reader->columns; i++)
        if (i != reader->label_index)
            names[count++] = reader->fields[i].text;
    out->feature_names = names != NULL ? memory_copy_texts(names, count) : NULL;
    memory_free(names);
    return out->feature_names != NULL || fail_memory(reader);
}

static bool fail_narrow(const Reader *reader)
{
    return fail(
        reader, PLACE(reader->first_row),
        "the row has one field and needs two or more: the features and the label, with a '%c' between them. (If "
        "the separator is another, set %sseparator.)",
        reader->separator, reader->prefix);
}

/* What the first row settles: how many columns there are, which is the label, and their names if it is a header. */
static bool read_first_row(Reader *reader)
{
    if (!read_row(reader))
        return false;
    if (reader->field_count == 0)
        return fail(reader, PLACE(reader->text),
                    "the file is empty: it has no rows. Write one per line, such as 0.5,-1,0");
    const size_t used = count_used(reader, 0), labels = reader->options->no_label ? 0 : 1;
    reader->columns = used > 0 ? used : reader->field_count;
    reader->first_row = reader->fields[0].start;
    if (reader->columns < 1 + labels)
        return fail_narrow(reader);
    reader->out->features = reader->columns - labels;
    reader->label_index = label_by_number(reader);
    const FirstRow kind = judge_first_row(reader);
    if (reader->is_out_of_memory)
        return fail_memory(reader);
    go_back(reader);
    if (!read_row(reader) || !find_label(reader, kind == HEADER))
        return false;
    if (kind == UNCLEAR)
        return fail_number(reader, &reader->fields[reader->label_index], "is a word, and the label below is a number.");
    if (kind == DATA)
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
    char **words = memory_grow(reader->words, out->count + 1, &reader->word_capacity, sizeof *words);
    if (words != NULL)
        reader->words = words;
    double *x = memory_grow(out->x, out->count + 1, &reader->x_capacity, out->features * sizeof *x);
    if (x != NULL)
        out->x = x;
    return (words != NULL && x != NULL) || fail_memory(reader);
}

static bool check_ragged(Reader *reader)
{
    size_t column, count = count_used(reader, reader->columns), wanted = reader->columns;
    const char *model = reader->first_row;
    if (reader->width == 0) {
        reader->width = reader->field_count;
        reader->width_row = reader->fields[0].start;
    }
    if (count == wanted) {
        count = reader->field_count;
        wanted = reader->width;
        model = reader->width_row;
    }
    if (count == wanted)
        return true;
    const Field *field = &reader->fields[count > wanted ? wanted : count - 1];
    return fail(reader, PLACE(field->start), "the row has %zu field%s, not %zu as in line %zu. %s", count,
                count == 1 ? "" : "s", wanted, line_of(reader, model, &column),
                count > wanted ? "Remove the extra fields from here on." : "Add what is missing after this one.");
}

static bool has_missing(const Reader *reader)
{
    for (size_t i = 0; i < reader->columns; i++) {
        const Field *field = &reader->fields[i];
        const char *text = without_blanks(field->text);
        if (*text == '\0' || (is_missing(text) && !(i == reader->label_index && is_quoted(field))))
            return true;
    }
    return false;
}

/* Add the row in reader->fields to the Dataset. */
static bool take_row(Reader *reader)
{
    if (!check_ragged(reader) || !grow_rows(reader))
        return false;
    if (reader->options->skip_missing != NULL && has_missing(reader)) {
        reader->skipped++;
        return true;
    }
    Dataset *out = reader->out;
    double *x = dataset_row(out, out->count);
    for (size_t i = 0; i < reader->columns; i++) {
        const Field *field = &reader->fields[i];
        if (i == reader->label_index ? !read_label(reader, field, &reader->words[out->count])
                                     : !read_feature(reader, field, x++))
            return false;
    }
    out->count++;
    return true;
}

static bool read_rows(Reader *reader)
{
    bool ok = read_first_row(reader);
    while (ok && reader->field_count > 0)
        ok = take_row(reader) && read_row(reader);
    if (!ok)
        return false;
    if (reader->options->skip_missing != NULL)
        *reader->options->skip_missing = reader->skipped;
    return reader->out->count > 0 || fail(reader, PLACE(reader->first_row),
                                          "all %zu rows have missing values. Fill some of them.", reader->skipped);
}

/* ---- classes ----------------------------------------------------------------------------------------------------- */

/* All classes are numbers, and some are not whole. */
static bool has_fractions(const Dataset *data)
{
    bool found = false;
    for (int c = 0; c < data->classes; c++) {
        double value;
        if (!number_parse(data->class_names[c], strlen(data->class_names[c]), &value) || !isfinite(value))
            return false;
        found = found || value != floor(value);
    }
    return found;
}

/* Classes without rows in common cannot be learned. */
static bool check_classes(const Reader *reader)
{
    enum { CLASSES_FEW = 10 };
    const Dataset *data = reader->out;
    const size_t classes = (size_t)data->classes;
    if (reader->options->many_classes || classes <= data->count / 2 || (classes <= CLASSES_FEW && !has_fractions(data)))
        return true;
    return fail(reader, &(Field){.start = reader->first_row, .number = reader->label_index + 1},
                "this column has %zu different values in %zu rows, too many for classes: this looks like a regression, "
                "or the wrong column. Set %slabel to the column of the classes, or add rows.",
                classes, data->count, reader->prefix);
}

static bool take_labels(Reader *reader)
{
    Dataset *out = reader->out;
    Error error;
    out->label = memory_alloc_array(out->count, sizeof *out->label);
    if (out->label == NULL)
        return fail_memory(reader);
    memset(out->label, 0, out->count * sizeof *out->label);
    if (reader->options->no_label)
        return true;
    return dataset_label(out, reader->words, &error) ? check_classes(reader) : fail_memory(reader);
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

/* A CSV has no NUL, but binary files and text in UTF-16 do. */
static bool check_is_text(const Reader *reader, const char *end)
{
    if (strncmp(reader->text, "\xFF\xFE", 2) == 0 || strncmp(reader->text, "\xFE\xFF", 2) == 0)
        return fail(reader, PLACE(reader->text), "this is text in UTF-16. Save it as CSV in UTF-8.");
    const char *nul = reader->text + strlen(reader->text);
    return nul == end || fail(reader, PLACE(nul),
                              "there is a NUL byte: this is not text, or text in UTF-16. Save it as CSV in UTF-8.");
}

static bool read_file(Reader *reader, const char *end)
{
    if (!check_is_text(reader, end))
        return false;
    read_separator_line(reader);
    reader->begin = reader->at;
    if (reader->options->separator != '\0')
        reader->separator = reader->options->separator;
    return (reader->separator != '\0' || find_separator(reader)) && read_rows(reader) && take_labels(reader);
}

bool csv_parse_at(const char *name, const char *text, size_t bytes, const CsvOptions *options, Dataset *out,
                  Error *error, Where where)
{
    static const CsvOptions defaults = {0};
    static const char mark[] = "\xEF\xBB\xBF";
    if (name == NULL || text == NULL || out == NULL)
        misuse(where, "csv_parse: the %s is NULL. It needs a name, a text and a Dataset to fill.",
               name == NULL   ? "name"
               : text == NULL ? "text"
                              : "Dataset");
    Reader reader = {.name = name, .options = options != NULL ? options : &defaults, .out = out, .error = error};
    reader.prefix = reader.options->prefix != NULL ? reader.options->prefix : "option ";
    reader.text = reader.at = strncmp(text, mark, strlen(mark)) == 0 ? text + strlen(mark) : text;
    reader.row = reader.row_end = memory_alloc(bytes + 1); /* a field's NUL takes the place of what is after it */
    *out = (Dataset){0};
    const bool ok = reader.row == NULL ? fail_memory(&reader) : read_file(&reader, text + bytes);
    memory_free(reader.row);
    memory_free(reader.fields);
    memory_free(reader.words);
    if (!ok)
        dataset_free(out);
    return ok;
}

bool csv_load_at(const char *path, const CsvOptions *options, Dataset *out, Error *error, Where where)
{
    size_t bytes;
    if (path == NULL || out == NULL)
        misuse(where, "csv_load: the %s is NULL. It needs a path and a Dataset to fill.",
               path == NULL ? "path" : "Dataset");
    *out = (Dataset){0};
    char *text = file_read(path, SIZE_MAX, &bytes, error);
    const bool ok = text != NULL && csv_parse_at(path, text, bytes, options, out, error, where);
    memory_free(text);
    return ok;
}
