/* csv.c - a fuzz target: any text as CSV. What is accepted is whole, and is read back as it was saved; what is refused
 * is refused at a place of the text. The first two bytes choose the options. */
#define _POSIX_C_SOURCE 200809L /* reader.h asks for popen */
#include "csv.h"

#include "reader.h"

static CsvOptions any_options(FuzzInput *in, size_t *skipped)
{
    static const char separators[] = {0, 0, ',', ';', '\t', ' ', '|'};
    static const char *const labels[] = {NULL, NULL, "1", "2", "label", "x1"};
    const uint8_t flags = fuzz_byte(in), columns = fuzz_byte(in);
    return (CsvOptions){.header = (CsvHeader)(flags % 3),
                        .many_classes = flags / 3 % 2 != 0,
                        .no_label = flags / 6 % 4 == 0,
                        .skip_missing = flags / 24 % 2 != 0 ? skipped : NULL,
                        .separator = separators[columns % sizeof separators],
                        .label = labels[columns / sizeof separators % (sizeof labels / sizeof *labels)]};
}

static void check_data(const Dataset *data, bool labelled)
{
    bool used[256] = {false};
    fuzz_require(data->count > 0 && data->features > 0, "there are rows and features");
    fuzz_require(labelled ? data->classes > 0 : data->classes == 0, "there are classes where there is a label");
    for (size_t i = 0; i < data->count * data->features; i++)
        fuzz_require(isfinite(data->x[i]), "every feature is finite");
    for (size_t i = 0; labelled && i < data->count; i++) {
        fuzz_require(data->label[i] >= 0 && data->label[i] < data->classes, "every label is a class");
        used[data->label[i] % 256] = true;
    }
    for (int class = 0; class < data->classes && class < 256; class ++)
        fuzz_require(used[class], "every class has a row");
}

static void check_same_texts(char **a, char **b, size_t count)
{
    for (size_t i = 0; a != NULL && i < count; i++)
        fuzz_require(strcmp(a[i], b[i]) == 0, "names are read back");
}

static void check_same(const Dataset *a, const Dataset *b)
{
    fuzz_require(a->count == b->count && a->features == b->features && a->classes == b->classes,
                 "as many rows, features and classes are read back");
    fuzz_require(memcmp(a->x, b->x, a->count * a->features * sizeof *a->x) == 0, "the same numbers are read back");
    fuzz_require(memcmp(a->label, b->label, a->count * sizeof *a->label) == 0, "the same labels are read back");
    check_same_texts(a->feature_names, b->feature_names, a->features);
    check_same_texts(a->class_names, b->class_names, (size_t)a->classes);
}

/* With a header: there is one, and to see it is the task of CSV_HEADER_AUTO in the first reading. */
static void check_saved(const Dataset *data)
{
    const CsvOptions options = {.header = CSV_HEADER_YES, .separator = ',', .many_classes = true};
    Dataset again;
    Error error;
    fuzz_require(dataset_save(data, reader_path(1), &error), "what was read can be saved");
    const bool read = csv_load_with(reader_path(1), &options, &again, &error);
    if (!read)
        fprintf(stderr, "%s\n", error.message);
    fuzz_require(read, "what was saved can be read");
    check_same(data, &again);
    dataset_free(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = {data, size};
    size_t skipped = 0;
    const CsvOptions options = any_options(&in, &skipped);
    static const Dataset none;
    Dataset out;
    Error error;
    char *text = malloc(in.size + 1);
    memcpy(text, in.data, in.size);
    text[in.size] = '\0';
    if (csv_parse("points.csv", text, in.size, &options, &out, &error)) {
        check_data(&out, !options.no_label);
        if (!options.no_label)
            check_saved(&out);
    } else {
        fuzz_require(memcmp(&out, &none, sizeof out) == 0, "where nothing was read all is zero");
        reader_check_message(error.message, "points.csv", in.data, in.size);
    }
    dataset_free(&out);
    free(text);
    return 0;
}
