/* csv_parts.h - the parts of csv.c: a row, a field, the header. Not in stepgrad.h: a program uses csv.h. */
#ifndef STEPGRAD_CSV_PARTS_H
#define STEPGRAD_CSV_PARTS_H

#include <stdint.h>

#include "csv.h"

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

/* ---- a row, and errors: csv_row.c -------------------------------------------------------------------------------- */

/* Read the next row into reader->fields; at the end of the file that has no fields. */
bool csv_read_row(Reader *reader);

/* Read a row without complaint: whatever is wrong with it will be an error when it is read in earnest. */
bool csv_peek_row(Reader *reader);

/* Go back to the first row. */
void csv_go_back(Reader *reader);

void csv_skip_line_end(Reader *reader);

/* The fields of the row at hand without the empty ones at its end, but at least `fewest`. */
size_t csv_count_used(const Reader *reader, size_t fewest);

/* Line and column of a place in the file, both from 1; CRLF is one line end. */
size_t csv_line_of(const Reader *reader, const char *place, size_t *column);

/* Fail with `points.csv:3:6: field 2: "abc" ` before the printf-style message. Returns false, as csv_fail_memory. */
bool csv_fail(const Reader *reader, const Field *field, const char *format, ...) PRINTF_LIKE(3, 4);
bool csv_fail_memory(Reader *reader);

/* A Field for csv_fail that is another place in the file. */
#define PLACE(pointer) (&(const Field){.start = (pointer)})

/* ---- what a field says: csv_field.c ------------------------------------------------------------------------------ */

typedef enum Kind { NUMBER, MISSING, NO_NUMBER, NOT_FINITE, TOO_LARGE } Kind;

static inline bool csv_is_quoted(const Field *field) { return *field->start == '"'; }

/* Whether the value is missing. A label in quotes is a word. */
bool csv_is_missing(const Reader *reader, const Field *field);

/* Without regard to upper and lower case. */
bool csv_is_same_word(const char *a, const char *b);

/* The field as a number, without complaint; or as a feature or a label, where all else fails. A label is used where it
 * stands. */
Kind csv_read_number(const Reader *reader, const Field *field, double *value);
bool csv_read_feature(Reader *reader, const Field *field, double *value);
bool csv_read_label(const Reader *reader, const Field *field, char **word);

/* Fail; where the row is the first, it may have been meant as a header, and the message says so. */
bool csv_fail_number(const Reader *reader, const Field *field, const char *why);

/* ---- the first row: csv_header.c --------------------------------------------------------------------------------- */

/* What the first row settles: how many columns there are, which is the label, and their names if it is a header. Then
 * the first row of numbers is at hand. */
bool csv_read_first_row(Reader *reader);

#endif
