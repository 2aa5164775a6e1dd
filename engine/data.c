/* data.c - rows are shuffled, split and batched as indices; only dataset_rows copies them. */
#include "data.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "file.h"
#include "memory.h"
#include "number.h"

static const double PI = 3.141592653589793238463;

/* ---- life of a Dataset ------------------------------------------------------------------------------------------- */

void dataset_free(Dataset *data)
{
    memory_free(data->feature_names);
    memory_free(data->class_names);
    memory_free(data->x);
    memory_free(data->label);
    *data = (Dataset){0};
}

/* Room for count rows, uninitialised. False, and *data freed, when there is no memory. */
static bool dataset_alloc(Dataset *data, size_t count, size_t features, int classes)
{
    *data = (Dataset){.count = count, .features = features, .classes = classes};
    if (features == 0 || count <= SIZE_MAX / features)
        data->x = memory_alloc_array(count * features, sizeof *data->x);
    data->label = memory_alloc_array(count, sizeof *data->label);
    if (data->x != NULL && data->label != NULL)
        return true;
    dataset_free(data);
    return false;
}

static bool copy_all_names(const Dataset *data, Dataset *out)
{
    if (data->feature_names != NULL)
        out->feature_names = memory_copy_texts(data->feature_names, data->features);
    if (data->class_names != NULL)
        out->class_names = memory_copy_texts(data->class_names, (size_t)data->classes);
    return (out->feature_names != NULL) == (data->feature_names != NULL) &&
           (out->class_names != NULL) == (data->class_names != NULL);
}

void dataset_check(const Dataset *data, const char *caller, Where where)
{
    if (data == NULL || (data->count > 0 && (data->x == NULL || data->label == NULL)))
        misuse(where, "%s: the Dataset is %s. Make one with dataset_moons or csv_load first.", caller,
               data == NULL ? "NULL" : "without x or label");
}

/* ---- two moons --------------------------------------------------------------------------------------------------- */

/* Angle i of n in equal steps from 0 to π. */
static double moon_angle(size_t i, size_t n) { return n > 1 ? PI * (double)i / (double)(n - 1) : 0; }

bool dataset_moons_at(Dataset *out, size_t n, double noise, Random *random, Error *error, Where where)
{
    if (n == 0 || !(noise >= 0) || isinf(noise))
        misuse(where, "dataset_moons: %zu points with noise %g. It needs n >= 1 and a noise >= 0, 0.2 say.", n, noise);
    enum { NORMAL_MOST = 40 }; /* √(−2 ln x) of the smallest double x: no normal number is larger */
    *out = (Dataset){0};
    if (isinf(noise * NORMAL_MOST))
        return error_set(error, "dataset_moons: with noise %g points may be too large for a double. Use less, 0.2 say.",
                         noise);
    if (!dataset_alloc(out, n, 2, 2))
        return error_set(error, "dataset_moons: no memory for %zu points. Ask for fewer.", n);
    const size_t outer = n / 2;
    for (size_t i = 0; i < n; i++) {
        const bool is_outer = i < outer;
        const double t = is_outer ? moon_angle(i, outer) : moon_angle(i - outer, n - outer);
        double *x = dataset_row(out, i);
        x[0] = is_outer ? cos(t) : 1 - cos(t);
        x[1] = is_outer ? sin(t) : 0.5 - sin(t);
        x[0] += noise * random_normal_at(random, where);
        x[1] += noise * random_normal_at(random, where);
        out->label[i] = is_outer ? 0 : 1;
    }
    return true;
}

/* ---- choosing rows ----------------------------------------------------------------------------------------------- */

bool dataset_rows_at(const Dataset *data, const size_t *rows, size_t n, Dataset *out, Error *error, Where where)
{
    dataset_check(data, "dataset_rows", where);
    if (data == out)
        misuse(where, "dataset_rows: the output is the input itself. Give it a Dataset of its own.");
    for (size_t i = 0; i < n; i++)
        if (rows[i] >= data->count)
            misuse(where, "dataset_rows: rows[%zu] is %zu, and the Dataset has the rows 0 to %zu (%zu of them).", i,
                   rows[i], data->count - (data->count > 0), data->count);
    const bool has_memory = dataset_alloc(out, n, data->features, data->classes) && copy_all_names(data, out);
    if (!has_memory) {
        dataset_free(out);
        return error_set(error, "dataset_rows: no memory for a copy of %zu rows. Use fewer rows.", n);
    }
    for (size_t i = 0; i < n; i++) {
        if (data->features > 0)
            memcpy(dataset_row(out, i), dataset_row(data, rows[i]), data->features * sizeof *data->x);
        out->label[i] = data->label[rows[i]];
    }
    return true;
}

static void count_up(size_t *order, size_t count)
{
    for (size_t i = 0; i < count; i++)
        order[i] = i;
}

bool dataset_split_at(const Dataset *data, double test_fraction, Random *random, Dataset *train, Dataset *test,
                      Error *error, Where where)
{
    dataset_check(data, "dataset_split", where);
    if (!(test_fraction >= 0 && test_fraction <= 1))
        misuse(where, "dataset_split: the test fraction is %g. It must be from 0 to 1.", test_fraction);
    if (train == test || train == data || test == data)
        misuse(where, "dataset_split: data, train and test must be three Datasets.");
    *train = *test = (Dataset){0};
    size_t *order = memory_alloc_array(data->count, sizeof *order);
    if (order == NULL)
        return error_set(error, "dataset_split: no memory for the order of %zu rows.", data->count);
    count_up(order, data->count);
    misuse_if_null(random, "dataset_split: the Random", "Give it the address of a Random.", where);
    const Random before = *random;
    random_shuffle_at(random, order, data->count, where);
    const size_t test_count = (size_t)((double)data->count * test_fraction + 0.5);
    const bool ok = dataset_rows_at(data, order, test_count, test, error, where) &&
                    dataset_rows_at(data, order + test_count, data->count - test_count, train, error, where);
    memory_free(order);
    if (!ok) {
        dataset_free(test);
        *random = before;
    }
    return ok;
}

/* ---- batches ----------------------------------------------------------------------------------------------------- */

bool batches_new_at(Batches *batches, size_t count, size_t size, Error *error, Where where)
{
    if (size == 0)
        misuse(where, "batches_new: a batch of 0 rows would never get to the end of %zu. Use a size >= 1.", count);
    *batches = (Batches){0};
    size_t *order = memory_alloc_array(count, sizeof *order);
    if (order == NULL)
        return error_set(error, "batches_new: no memory for the order of %zu rows.", count);
    *batches = (Batches){.order = order, .count = count, .size = size};
    batches_begin(batches, NULL);
    return true;
}

void batches_free(Batches *batches)
{
    memory_free(batches->order);
    *batches = (Batches){0};
}

/* The order starts from 0, 1, 2, ... each time, so that a run can be resumed from the state of *random alone. */
void batches_begin(Batches *batches, Random *random)
{
    count_up(batches->order, batches->count);
    if (random != NULL)
        random_shuffle(random, batches->order, batches->count);
    batches->next = 0;
}

size_t batches_next(Batches *batches, const size_t **rows)
{
    const size_t left = batches->count - batches->next;
    const size_t n = left < batches->size ? left : batches->size;
    *rows = batches->order + batches->next;
    batches->next += n;
    return n;
}

/* ---- scale ------------------------------------------------------------------------------------------------------- */

/* The running mean: m ← m + (x − m)/k after row k. Rows that are all equal have exactly that mean, which a sum
 * divided by the count would miss by a rounding, and their deviation is exactly 0. */
static double feature_mean(const Dataset *data, size_t feature)
{
    double mean = 0;
    for (size_t i = 0; i < data->count; i++)
        mean += (dataset_row(data, i)[feature] - mean) / (double)(i + 1);
    return mean;
}

static double feature_deviation(const Dataset *data, size_t feature, double mean)
{
    double sum = 0;
    for (size_t i = 0; i < data->count; i++) {
        const double distance = dataset_row(data, i)[feature] - mean;
        sum += distance * distance;
    }
    return sqrt(sum / (double)data->count);
}

static bool scale_alloc(Scale *scale, size_t features)
{
    *scale = (Scale){.features = features,
                     .mean = memory_alloc_array(features, sizeof *scale->mean),
                     .deviation = memory_alloc_array(features, sizeof *scale->deviation)};
    if (scale->mean != NULL && scale->deviation != NULL)
        return true;
    scale_free(scale);
    return false;
}

bool scale_measure_at(const Dataset *data, Scale *out, Error *error, Where where)
{
    dataset_check(data, "scale_measure", where);
    if (data->count == 0)
        misuse(where, "scale_measure: the Dataset has no rows, so no mean. Measure the training rows.");
    if (!scale_alloc(out, data->features))
        return error_set(error, "scale_measure: no memory for %zu features.", data->features);
    for (size_t f = 0; f < data->features; f++) {
        out->mean[f] = feature_mean(data, f);
        out->deviation[f] = feature_deviation(data, f, out->mean[f]);
        if (!isfinite(out->deviation[f])) { /* nor is it where the mean is not */
            scale_free(out);
            return error_set(error,
                             "scale_measure: feature %zu has numbers so large that their squares overflow (or that are "
                             "not finite). Give it in a larger unit.",
                             f + 1);
        }
        if (out->deviation[f] == 0)
            out->deviation[f] = 1;
    }
    return true;
}

void scale_free(Scale *scale)
{
    memory_free(scale->mean);
    memory_free(scale->deviation);
    *scale = (Scale){0};
}

void dataset_standardize_at(Dataset *data, const Scale *scale, Where where)
{
    dataset_check(data, "dataset_standardize", where);
    if (scale == NULL || scale->features != data->features)
        misuse(where,
               "dataset_standardize: the scale has %zu features and the Dataset %zu. Measure one of the same kind.",
               scale == NULL ? 0 : scale->features, data->features);
    for (size_t i = 0; i < data->count; i++)
        for (size_t f = 0; f < data->features; f++) {
            double *x = &dataset_row(data, i)[f];
            *x = (*x - scale->mean[f]) / scale->deviation[f];
        }
}

/* ---- saving ------------------------------------------------------------------------------------------------------ */

static void write_quoted(FILE *file, const char *name)
{
    fputc('"', file);
    for (const char *c = name; *c != '\0'; c++)
        fputs(*c == '"' ? "\"\"" : (const char[]){*c, '\0'}, file);
    fputc('"', file);
}

/* A name as a CSV field: in quotes where it would be read as something else without them. */
static void write_name(FILE *file, const char *name)
{
    const bool plain = name[0] != '\0' && name[0] != '#' && name[0] != ' ' && name[strlen(name) - 1] != ' ' &&
                       strpbrk(name, ",;|\"\r\n\t") == NULL;
    if (plain)
        fputs(name, file);
    else
        write_quoted(file, name);
}

static void write_header(FILE *file, const Dataset *data)
{
    for (size_t f = 0; f < data->features; f++) {
        if (data->feature_names != NULL)
            write_name(file, data->feature_names[f]);
        else
            fprintf(file, "x%zu", f + 1);
        fputc(',', file);
    }
    fputs("label\n", file);
}

/* A word stands in quotes, so that NA is one and not a missing value. */
static void write_label(FILE *file, const Dataset *data, size_t row)
{
    const int class = data->label[row];
    const char *name = data->class_names != NULL ? data->class_names[class] : NULL;
    if (name == NULL)
        fprintf(file, "%d\n", class);
    else if (name[strspn(name, "+-.0123456789")] == '\0')
        fprintf(file, "%s\n", name);
    else {
        write_quoted(file, name);
        fputc('\n', file);
    }
}

static void write_rows(FILE *file, const Dataset *data)
{
    char text[NUMBER_SIZE];
    for (size_t i = 0; i < data->count; i++) {
        for (size_t f = 0; f < data->features; f++)
            fprintf(file, "%s,", number_shortest(dataset_row(data, i)[f], text));
        write_label(file, data, i);
    }
}

static bool check_finite(const Dataset *data, const char *path, Error *error)
{
    for (size_t i = 0; i < data->count; i++)
        for (size_t f = 0; f < data->features; f++)
            if (!isfinite(dataset_row(data, i)[f]))
                return error_set(
                    error,
                    "%s: not written: row %zu has %g as feature %zu, which CSV cannot represent. Replace it first.",
                    path, i + 1, dataset_row(data, i)[f], f + 1);
    return true;
}

bool dataset_save_at(const Dataset *data, const char *path, Error *error, Where where)
{
    SafeFile safe;
    dataset_check(data, "dataset_save", where);
    misuse_if_null(path, "dataset_save: the path", "Pass a file's name.", where);
    if (!check_finite(data, path, error))
        return false;
    FILE *out = file_begin(&safe, path, error);
    if (out == NULL)
        return false;
    write_header(out, data);
    write_rows(out, data);
    return file_commit(&safe, error);
}
