/* predict.c - a saved model and other data: its inputs, its classes and its scale are what counts, and --predict. */
#include <math.h>
#include <string.h>

#include "moons.h"

void open_model(Run *run, const char *path)
{
    Error error;
    run->net = mlp_open_with(run->graph, &run->info, path, &error);
    require(run->net != NULL, &error);
    run->model = path;
    run->scale = run->info.scale;
    run->info.scale = (Scale){0}; /* it is the run's now */
}

static size_t output_count(const Run *run) { return run->net->layers[run->net->layer_count - 1].outputs; }

/* The columns have the model's names, where both have names. */
static void check_names(const Run *run, const Dataset *data, const char *path)
{
    for (size_t f = 0; run->info.feature_names != NULL && data->feature_names != NULL && f < data->features; f++)
        if (strcmp(run->info.feature_names[f], data->feature_names[f]) != 0)
            fail("%s: feature %zu is \"%s\", and the model was trained with \"%s\" there. Put the columns into the "
                 "model's order.",
                 path, f + 1, data->feature_names[f], run->info.feature_names[f]);
}

void fit_data(Run *run, Dataset *data, const char *path)
{
    Error error;
    const size_t inputs = run->net->layers[0].inputs, outputs = output_count(run);
    if (inputs != data->features || (run->info.class_names == NULL && outputs < (size_t)data->classes))
        fail("%s: the model takes %zu features and %zu classes, and %s has %zu and %d.", run->model, inputs, outputs,
             path, data->features, data->classes);
    check_names(run, data, path);
    if (run->info.class_names != NULL && !dataset_use_classes(data, run->info.class_names, (int)outputs, &error))
        fail("%s: %s", path, error.message);
}

ModelInfo model_info(const Run *run)
{
    const Dataset *data = &run->train;
    return (ModelInfo){data->feature_names != NULL ? data->feature_names : run->info.feature_names,
                       run->classes == (size_t)data->classes ? data->class_names : NULL, run->scale};
}

void class_probabilities(const Run *run, const double *x, double *probabilities)
{
    need(mlp_evaluate(run->net, x, probabilities) ? probabilities : NULL);
    const double y = logsumexp_forward(run->classes, probabilities, NULL, 1);
    for (size_t c = 0; c < run->classes; c++)
        probabilities[c] = exp(probabilities[c] - y);
}

/* ---- --predict --------------------------------------------------------------------------------------------------- */

/* As many columns as the model has inputs: no label. One more: the label is among them. */
static bool load_rows(Run *run, Dataset *data)
{
    const char *path = run->options.predict;
    const size_t inputs = run->net->layers[0].inputs;
    CsvOptions how = run->options.csv;
    size_t skipped = 0;
    Error unlabelled = {""}, labelled;
    how.skip_missing = run->options.skip_missing ? &skipped : NULL;
    how.many_classes = true;
    how.no_label = how.label == NULL;
    bool has_label = !how.no_label || !csv_load_with(path, &how, data, &unlabelled) || data->features != inputs;
    if (has_label) {
        dataset_free(data);
        how.no_label = false;
        const bool ok = csv_load_with(path, &how, data, &labelled);
        if (unlabelled.message[0] != '\0' && ok && data->features + 1 == inputs)
            fail("%s", unlabelled.message);
        require(ok, &labelled);
    }
    if (skipped > 0)
        fprintf(stderr, "%s: %zu rows with missing values skipped.\n", path, skipped);
    return has_label;
}

/* A name as a field of CSV. */
static void print_name(const Run *run, size_t class)
{
    if (run->info.class_names == NULL) {
        printf("%zu", class);
        return;
    }
    const char *name = run->info.class_names[class];
    const bool plain = name[0] != '\0' && strpbrk(name, ",;\"#\t\r\n ") == NULL;
    if (!plain)
        putchar('"');
    for (const char *c = name; *c != '\0'; c++)
        fputs(*c == '"' ? "\"\"" : (const char[]){*c, '\0'}, stdout);
    if (!plain)
        putchar('"');
}

/* The class and the probabilities of row i. Returns the class. */
static size_t print_row(const Run *run, const Dataset *data, size_t i, double *probabilities)
{
    char text[NUMBER_SIZE];
    class_probabilities(run, dataset_row(data, i), probabilities);
    for (size_t c = 0; c < run->classes; c++)
        if (!isfinite(probabilities[c]))
            fail("%s: row %zu: the outputs of the model are not finite numbers.", run->options.predict, i + 1);
    const size_t largest = largest_number(probabilities, run->classes);
    print_name(run, largest);
    for (size_t c = 0; c < run->classes; c++)
        printf(",%s", number_shortest(probabilities[c], text));
    putchar('\n');
    return largest;
}

/* How many are right, where the file says what is; its classes may be others than the model's. */
static void report_accuracy(Run *run, Dataset *data, const size_t *classes)
{
    Error error;
    size_t correct = 0;
    if (run->info.class_names != NULL && !dataset_use_classes(data, run->info.class_names, (int)run->classes, &error)) {
        fprintf(stderr, "%s: no accuracy: %s\n", run->options.predict, error.message);
        return;
    }
    for (size_t i = 0; i < data->count; i++)
        correct += classes[i] == (size_t)data->label[i];
    fprintf(stderr, "%s: accuracy %.4f on %zu rows\n", run->options.predict, (double)correct / (double)data->count,
            data->count);
}

static void print_predictions(Run *run, const Dataset *data, size_t *classes)
{
    double *probabilities = need(memory_alloc_array(run->classes, sizeof *probabilities));
    fputs("class", stdout);
    for (size_t c = 0; c < run->classes; c++) {
        putchar(',');
        print_name(run, c);
    }
    putchar('\n');
    for (size_t i = 0; i < data->count; i++)
        classes[i] = print_row(run, data, i, probabilities);
    memory_free(probabilities);
    Error error;
    require(file_flush_output(&error), &error);
}

void predict_file(Run *run)
{
    const char *path = run->options.predict;
    Dataset data;
    run->graph = need(graph_new());
    open_model(run, run->options.load);
    run->classes = output_count(run);
    const bool has_label = load_rows(run, &data);
    if (data.features != run->net->layers[0].inputs)
        fail("%s: the model takes %zu features, and %s has %zu.", run->model, run->net->layers[0].inputs, path,
             data.features);
    check_names(run, &data, path);
    if (run->scale.features > 0)
        dataset_standardize(&data, &run->scale);
    size_t *classes = need(memory_alloc_array(data.count, sizeof *classes));
    print_predictions(run, &data, classes);
    if (has_label && !run->options.quiet)
        report_accuracy(run, &data, classes);
    memory_free(classes);
    dataset_free(&data);
}
