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

#include <math.h>
#include <string.h>

#include "csv_parts.h"
#include "file.h"
#include "memory.h"
#include "number.h"

/* ---- the separator ----------------------------------------------------------------------------------------------- */

/* The line sep=; with which Excel begins a file. */
static void read_separator_line(Reader *reader)
{
    const char *line = reader->at;
    if (strncmp(line, "sep=", 4) != 0 || strchr("\"\r\n", line[4]) != NULL || strchr("\r\n", line[5]) == NULL)
        return;
    reader->separator = line[4];
    reader->at += 5;
    csv_skip_line_end(reader);
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
    for (int row = 0; row < ROWS_TRIED && csv_peek_row(reader); row++) {
        if (reader->field_count < 2)
            continue;
        split.fields += reader->field_count;
        for (size_t i = 0; i < reader->field_count; i++)
            split.numbers += csv_read_number(reader, &reader->fields[i], &value) == NUMBER;
    }
    csv_go_back(reader);
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
    return !reader->is_out_of_memory || csv_fail_memory(reader);
}

/* ---- the rows ---------------------------------------------------------------------------------------------------- */

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
    return (words != NULL && x != NULL) || csv_fail_memory(reader);
}

static bool check_ragged(Reader *reader)
{
    size_t column, count = csv_count_used(reader, reader->columns), wanted = reader->columns;
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
    return csv_fail(reader, PLACE(field->start), "the row has %zu field%s, not %zu as in line %zu. %s", count,
                    count == 1 ? "" : "s", wanted, csv_line_of(reader, model, &column),
                    count > wanted ? "Remove the extra fields from here on." : "Add what is missing after this one.");
}

static bool has_missing(const Reader *reader)
{
    for (size_t i = 0; i < reader->columns; i++)
        if (csv_is_missing(reader, &reader->fields[i]))
            return true;
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
        if (i == reader->label_index ? !csv_read_label(reader, field, &reader->words[out->count])
                                     : !csv_read_feature(reader, field, x++))
            return false;
    }
    out->count++;
    return true;
}

static bool read_rows(Reader *reader)
{
    bool ok = csv_read_first_row(reader);
    while (ok && reader->field_count > 0)
        ok = take_row(reader) && csv_read_row(reader);
    if (!ok)
        return false;
    if (reader->options->skip_missing != NULL)
        *reader->options->skip_missing = reader->skipped;
    return reader->out->count > 0 || csv_fail(reader, PLACE(reader->first_row),
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
    return csv_fail(
        reader, &(Field){.start = reader->first_row, .number = reader->label_index + 1},
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
        return csv_fail_memory(reader);
    memset(out->label, 0, out->count * sizeof *out->label);
    if (reader->options->no_label)
        return true;
    return dataset_label(out, reader->words, &error) ? check_classes(reader) : csv_fail_memory(reader);
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

/* A CSV has no NUL, but binary files and text in UTF-16 do. */
static bool check_is_text(const Reader *reader, const char *end)
{
    if (strncmp(reader->text, "\xFF\xFE", 2) == 0 || strncmp(reader->text, "\xFE\xFF", 2) == 0)
        return csv_fail(reader, PLACE(reader->text), "this is text in UTF-16. Save it as CSV in UTF-8.");
    const char *nul = reader->text + strlen(reader->text);
    return nul == end || csv_fail(reader, PLACE(nul),
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
    const bool ok = reader.row == NULL ? csv_fail_memory(&reader) : read_file(&reader, text + bytes);
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
