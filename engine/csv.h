/* csv.h - load a Dataset (data.h) from a CSV file: a row per line, its fields between separators, one of them the
 * class.
 *
 *     x1,x2,species        the header may be left out
 *     0.5,-1.25,setosa
 *     # a comment, and blank lines, are ignored
 *     "1e-3",2,virginica   quotes may surround any field: "a ""quoted"" word, a comma, a line end"
 *
 *     Dataset data;
 *     Error error;
 *     if (!csv_load("points.csv", &data, &error))
 *         fprintf(stderr, "%s\n", error.message);   // points.csv:3:6: field 2: "abc" is not a number. Write ...
 *
 * The classes are the distinct labels, words or numbers, in sorted order: see dataset_label in data.h.
 *
 * An error names file:line:column, both from 1: the character with which the field begins, after any spaces.
 * Nothing is skipped that is not asked for: a damaged row is an error. Then *out is zeroed, and there is nothing to
 * free.
 *
 * Numbers are decimal and finite, with a point whatever the locale; where commas do not separate the fields, a number
 * may have a decimal comma, but not in a file that also has decimal points. Line ends may be LF, CRLF or CR, the last
 * may be missing; a UTF-8 byte order mark, and separators at the end of every row, are ignored. A value is missing
 * where the field is empty, ?, NA, N/A, NaN or null; a label in quotes, "NA" say, is a word.
 */
#ifndef STEPGRAD_CSV_H
#define STEPGRAD_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "data.h"
#include "error.h"

/* Whether the first row holds names. AUTO: it does if its label and all features are words, or its label and some
 * features, with a number as the label below. So a mistyped number in the first row is an error. */
typedef enum CsvHeader { CSV_HEADER_AUTO, CSV_HEADER_YES, CSV_HEADER_NO } CsvHeader;

/* csv_load uses all zero; NULL in place of the options means the same. */
typedef struct CsvOptions {
    CsvHeader header;
    char separator;       /* between fields. 0: found; or the one in a first line such as sep=; */
    const char *label;    /* the column with the class: its name in the header, or else its number from 1; NULL: last */
    bool no_label;        /* all columns are features, of rows whose class is to be predicted; out->classes is 0 */
    bool many_classes;    /* rows of a class need not be two or more: the data are for a model that knows the classes */
    size_t *skip_missing; /* leave out rows with missing values, and count them here; NULL: they are errors */
    const char *prefix;   /* of these options in messages: "--" gives --label; NULL: option label */
} CsvOptions;

/* Load the file at `path`, or standard input for "-". All columns but the label's are features; out->feature_names come
 * from the header. It is an error when classes have fewer than two rows on average and are more than ten, or not whole
 * numbers: this looks like a regression. The caller frees *out with dataset_free. `path` and `out` must not be NULL.
 *     bool csv_load(const char *path, Dataset *out, Error *error)
 *     bool csv_load_with(const char *path, const CsvOptions *options, Dataset *out, Error *error) */
#define csv_load(path, out, error) csv_load_at(path, NULL, out, error, HERE)
#define csv_load_with(...) csv_load_at(__VA_ARGS__, HERE)

/* The same from memory: text[0 .. bytes), with a NUL at text[bytes]. `name` stands for the file's name in messages.
 *     bool csv_parse(const char *name, const char *text, size_t bytes, const CsvOptions *options, Dataset *out,
 *                    Error *error) */
#define csv_parse(...) csv_parse_at(__VA_ARGS__, HERE)

/* ---- behind the macros ------------------------------------------------------------------------------------------- */

bool csv_load_at(const char *path, const CsvOptions *options, Dataset *out, Error *error, Where where);
bool csv_parse_at(const char *name, const char *text, size_t bytes, const CsvOptions *options, Dataset *out,
                  Error *error, Where where);

#endif
