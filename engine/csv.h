/* csv.h - load a Dataset (data.h) from a CSV file: a row per line, its fields between commas, one of them the class.
 *
 *     x1,x2,label          the header may be left out
 *     0.5,-1.25,0
 *     # a comment, and blank lines, are ignored
 *     "1e-3",2,1           quotes may surround any field: "a ""quoted"" word, a comma, a line end"
 *
 *     Dataset data;
 *     Error error;
 *     if (!csv_load("points.csv", &data, &error))
 *         fprintf(stderr, "%s\n", error.message);   // points.csv:3:6: field 2: "abc" is not a number. Write ...
 *
 * An error names file:line:column, both from 1: the character with which the field begins, after any spaces.
 * Nothing is guessed or skipped: a damaged row is an error. Then *out is zeroed, and there is nothing to free.
 * Numbers are decimal, with a point whatever the locale, and finite. Line ends may be LF, CRLF or CR, the last may be
 * missing; a UTF-8 byte order mark is ignored.
 */
#ifndef STEPGRAD_CSV_H
#define STEPGRAD_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "data.h"
#include "error.h"

/* Whether the first row holds names. AUTO: it does if its label and at least one feature are not numbers (with
 * text_labels: if no feature is a number), so that a mistyped number in the first row is an error. */
typedef enum CsvHeader { CSV_HEADER_AUTO, CSV_HEADER_YES, CSV_HEADER_NO } CsvHeader;

/* csv_load uses all zero; NULL in place of the options means the same. */
typedef struct CsvOptions {
    CsvHeader header;
    char separator;         /* between fields; 0: a comma */
    const char *label_name; /* the column with the label, by its name in the header, which must be there, or */
    size_t label_field;     /* by its number, from 1; 0: the last */
    bool text_labels;       /* labels are words: numbered 0, 1, 2, ... in order of appearance; see out->class_names */
} CsvOptions;

/* The largest label is CSV_CLASSES_MOST − 1: anything larger is not a class but, say, a year or a price. */
enum { CSV_CLASSES_MOST = 100000, CSV_TEXT_CLASSES_MOST = 1000 };

/* Load the file at `path`, or standard input for "-". The label is a whole number from 0 (1, 1.0 and 1e0 are the same),
 * all other columns are features; out->feature_names come from the header. The caller frees *out with dataset_free. */
bool csv_load(const char *path, Dataset *out, Error *error);
bool csv_load_with(const char *path, const CsvOptions *options, Dataset *out, Error *error);

/* The same from memory: text[0 .. bytes), with a NUL at text[bytes]. `name` stands for the file's name in messages. */
bool csv_parse(const char *name, const char *text, size_t bytes, const CsvOptions *options, Dataset *out, Error *error);

#endif
