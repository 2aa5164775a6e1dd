/* csv_header.c - the first row: does it hold names, and which column is the label? */
#include <string.h>

#include "csv_parts.h"
#include "memory.h"

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
    return csv_peek_row(reader) && reader->label_index < reader->field_count &&
           csv_read_number(reader, &reader->fields[reader->label_index], &value) == NUMBER;
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
        const Kind kind = csv_read_number(reader, &reader->fields[i], &value);
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
            if (csv_is_same_word(reader->fields[i].text, names[n])) {
                is_last = is_last || i == reader->label_index;
                other = &reader->fields[i];
            }
    return other == NULL || is_last ||
           csv_fail(reader, other,
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
        return csv_fail(reader, PLACE(reader->first_row), "%slabel=%.60s: %zu columns have this name. Give its number.",
                        reader->prefix, label, found);
    if (reader->label_index != NO_LABEL || reader->options->no_label)
        return true;
    return csv_fail(reader, PLACE(reader->first_row),
                    "%slabel=%.60s: %s. Give a name from it, or a number from 1 to %zu.", reader->prefix, label,
                    is_header ? "no column has this name in the header" : "there is no header", reader->columns);
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
    return out->feature_names != NULL || csv_fail_memory(reader);
}

static bool fail_narrow(const Reader *reader)
{
    return csv_fail(
        reader, PLACE(reader->first_row),
        "the row has one field and needs two or more: the features and the label, with a '%c' between them. (If "
        "the separator is another, set %sseparator.)",
        reader->separator, reader->prefix);
}

bool csv_read_first_row(Reader *reader)
{
    if (!csv_read_row(reader))
        return false;
    if (reader->field_count == 0)
        return csv_fail(reader, PLACE(reader->text),
                        "the file is empty: it has no rows. Write one per line, such as 0.5,-1,0");
    const size_t used = csv_count_used(reader, 0), labels = reader->options->no_label ? 0 : 1;
    reader->columns = used > 0 ? used : reader->field_count;
    reader->first_row = reader->fields[0].start;
    if (reader->columns < 1 + labels)
        return fail_narrow(reader);
    reader->out->features = reader->columns - labels;
    reader->label_index = label_by_number(reader);
    const FirstRow kind = judge_first_row(reader);
    if (reader->is_out_of_memory)
        return csv_fail_memory(reader);
    csv_go_back(reader);
    if (!csv_read_row(reader) || !find_label(reader, kind == HEADER))
        return false;
    if (kind == UNCLEAR)
        return csv_fail_number(reader, &reader->fields[reader->label_index],
                               "is a word, and the label below is a number.");
    if (kind == DATA)
        return true;
    if (!take_header(reader) || !csv_read_row(reader))
        return false;
    return reader->field_count > 0 ||
           csv_fail(reader, PLACE(reader->first_row), "there is a header and no rows below it. Add rows of numbers.");
}
