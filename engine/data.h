/* data.h - Dataset: rows of numbers, each with the class that it belongs to; and how training goes through them.
 *
 *     Dataset all, train, test;
 *     if (!dataset_moons(&all, 1000, 0.2, &random, &error) ||
 *         !dataset_split(&all, 0.2, &random, &train, &test, &error))
 *         ... error.message says why ...
 *     Batches batches;
 *     batches_new(&batches, train.count, 64, &error);
 *     for (each epoch) {
 *         const size_t *rows;
 *         batches_begin(&batches, &random);                        // a new order of the rows
 *         for (size_t n; (n = batches_next(&batches, &rows)) > 0;) // n rows: 64, and at the end what is left
 *             ... dataset_row(&train, rows[i]), train.label[rows[i]] ...
 *     }
 *     batches_free(&batches), dataset_free(&all), dataset_free(&train), dataset_free(&test);
 *
 * A Dataset owns all that it points to. A function that fails leaves its outputs zeroed, so it is always right to free
 * them, and what it was given as it was, also the Random. It is a usage error (error.h) to pass what the comments below
 * rule out. csv.h loads a Dataset from a file.
 */
#ifndef STEPGRAD_DATA_H
#define STEPGRAD_DATA_H

#include <stdbool.h>
#include <stddef.h>

#include "error.h"
#include "random.h"

typedef struct Dataset {
    size_t count;         /* rows */
    size_t features;      /* numbers in a row */
    int classes;          /* labels are 0 .. classes − 1 */
    double *x;            /* count × features, row after row */
    int *label;           /* count */
    char **feature_names; /* features of them, or NULL. The list and its texts are one block of memory */
    char **class_names;   /* classes of them, the same; NULL: they are called by their numbers */
} Dataset;

/* The features of row i. */
static inline double *dataset_row(const Dataset *data, size_t i) { return data->x + i * data->features; }

/* Free what the Dataset owns and zero it. */
void dataset_free(Dataset *data);

/* Two half circles that interlock, as scikit-learn's make_moons. For t from 0 to π in equal steps:
 *     class 0, the first ⌊n/2⌋ rows:  (cos t, sin t)
 *     class 1, the others:            (1 − cos t, 1/2 − sin t)
 * plus `noise` times a normal number in each coordinate. It needs n >= 1 and a finite noise >= 0; a noise so large that
 * a point is not finite is an error. */
#define dataset_moons(out, n, noise, random, error) dataset_moons_at(out, n, noise, random, error, HERE)

/* Number the classes: words[i] is the class of row i. They are the distinct words in sorted order, as in scikit-learn:
 * by value where all are numbers (1, 1.0 and 1e0 are then one class, called as in its first row), else by bytes. */
#define dataset_label(...) dataset_label_at(__VA_ARGS__, HERE)

/* Number the classes anew by the list names[0 .. classes), which is copied: that of a saved model, say. Names are the
 * same as they are in dataset_label. It is an error, and *data stays as it was, if a row is of a class that is not in
 * the list. Needs one name or more. */
#define dataset_use_classes(...) dataset_use_classes_at(__VA_ARGS__, HERE)

/* Copy rows[0 .. n) of `data`, in that order, into *out; each is below data->count. */
#define dataset_rows(data, rows, n, out, error) dataset_rows_at(data, rows, n, out, error, HERE)

/* Divide the rows, in random order, into *test (count·test_fraction of them, to the nearest) and *train (the rest),
 * which are copies. test_fraction is from 0 to 1. */
#define dataset_split(data, test_fraction, random, train, test, error)                                                 \
    dataset_split_at(data, test_fraction, random, train, test, error, HERE)

/* Write the rows as CSV that csv_load reads back bit for bit: a header (feature_names, or x1, x2, ..., and `label`),
 * the numbers with as many digits as they need, and last the name of the class, or its number. The file is complete or,
 * on an error, as it was before. A number that is not finite is an error.
 *     bool dataset_save(const Dataset *data, const char *path, Error *error) */
#define dataset_save(...) dataset_save_at(__VA_ARGS__, HERE)

/* ---- batches ----------------------------------------------------------------------------------------------------- */

/* A walk through the rows 0 .. count − 1, a batch at a time. */
typedef struct Batches {
    size_t *order; /* the rows in the order of this epoch */
    size_t count;
    size_t size; /* rows in a batch; the last one may be short */
    size_t next; /* order[0 .. next) has been handed out */
} Batches;

/* Batches of `size` of `count` rows; the caller frees them with batches_free. It needs size >= 1. */
#define batches_new(batches, count, size, error) batches_new_at(batches, count, size, error, HERE)
void batches_free(Batches *batches);

/* Begin an epoch: an order that depends on nothing but *random, or the rows' own order when random is NULL. */
void batches_begin(Batches *batches, Random *random);

/* The next batch: sets *rows to its first index and returns how many there are, 0 at the end of the epoch. */
size_t batches_next(Batches *batches, const size_t **rows);

/* ---- scale ------------------------------------------------------------------------------------------------------- */

/* Mean and standard deviation of each feature. Measure the training rows, and use that scale for all others too. */
typedef struct Scale {
    size_t features;
    double *mean;
    double *deviation; /* √(Σ(x − mean)²/count); 1 for a feature that never changes */
} Scale;

/* Measure `data`; the caller frees *out with scale_free. It is an error if numbers are so large that the sums
 * overflow. Needs at least one row. */
#define scale_measure(data, out, error) scale_measure_at(data, out, error, HERE)
void scale_free(Scale *scale);

/* x ← (x − mean)/deviation in every row. The scale must be of as many features. */
#define dataset_standardize(data, scale) dataset_standardize_at(data, scale, HERE)

/* ---- behind the macros ------------------------------------------------------------------------------------------- */

/* Report a usage error if data is NULL or has rows without x or label. */
void dataset_check(const Dataset *data, const char *caller, Where where);

bool dataset_moons_at(Dataset *out, size_t n, double noise, Random *random, Error *error, Where where);
bool dataset_label_at(Dataset *data, char *const *words, Error *error, Where where);
bool dataset_use_classes_at(Dataset *data, char *const *names, int classes, Error *error, Where where);
bool dataset_rows_at(const Dataset *data, const size_t *rows, size_t n, Dataset *out, Error *error, Where where);
bool dataset_split_at(const Dataset *data, double test_fraction, Random *random, Dataset *train, Dataset *test,
                      Error *error, Where where);
bool dataset_save_at(const Dataset *data, const char *path, Error *error, Where where);
bool batches_new_at(Batches *batches, size_t count, size_t size, Error *error, Where where);
bool scale_measure_at(const Dataset *data, Scale *out, Error *error, Where where);
void dataset_standardize_at(Dataset *data, const Scale *scale, Where where);

#endif
