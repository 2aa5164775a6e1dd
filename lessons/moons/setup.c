/* setup.c - before training: a folder that can be written, the data, the network and the optimizer; after it, all of
 * them go. */
#define _POSIX_C_SOURCE 200809L /* mkdir */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "moons.h"

void fail(const char *format, ...)
{
    va_list arguments;
    fflush(stdout);
    va_start(arguments, format);
    fputs("moons: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    file_remove_unfinished(); /* of a picture that was being drawn */
    exit(1);
}

void require(bool ok, const Error *error)
{
    if (!ok)
        fail("%s", error->message);
}

void *need(void *memory)
{
    if (memory == NULL)
        fail("no memory left. Try a smaller network, or --batch with fewer rows.");
    return memory;
}

const char *path_in_out(Run *run, const char *name)
{
    if ((size_t)snprintf(run->path, sizeof run->path, "%s/%s", run->options.out, name) >= sizeof run->path)
        fail("--out: this path is too long.");
    return run->path;
}

/* Make --out and the folders above it, and check before the work, not after it, that the model can be written. */
static void prepare_files(Run *run)
{
    const char *out = run->options.out, *save = run->options.save;
    Error error;
    SafeFile safe;
    struct stat status;
    int reason = EEXIST;
    path_in_out(run, "model.txt");
    for (char *slash = run->path + 1; (slash = strchr(slash, '/')) != NULL; *slash++ = '/') {
        *slash = '\0';
        if (mkdir(run->path, 0777) != 0 && reason == EEXIST)
            reason = errno; /* the first one that is not harmless */
    }
    const bool is_there = stat(out, &status) == 0;
    if (!is_there && reason == EEXIST)
        reason = errno; /* a link that leads nowhere, for one */
    if (!is_there || !S_ISDIR(status.st_mode))
        fail("cannot make the folder %s: %s. Choose another with --out.", out, strerror(reason));
    const char *const written[] = {save != NULL ? save : run->path, run->options.checkpoint};
    for (size_t i = 0; i < 2 && written[i] != NULL; i++) {
        require(file_begin(&safe, written[i], &error) != NULL, &error);
        file_abandon(&safe);
    }
}

static void print_classes(const Dataset *data)
{
    enum { CLASSES_SHOWN = 10 };
    fputs("Classes:", stdout);
    for (int c = 0; c < data->classes && c < CLASSES_SHOWN; c++)
        printf("%s %s", c > 0 ? "," : "", data->class_names[c]);
    puts(data->classes > CLASSES_SHOWN ? ", ..." : "");
}

static void load_data(Run *run)
{
    const Options *o = &run->options;
    CsvOptions how = o->csv;
    size_t skipped = 0;
    Error error;
    how.skip_missing = o->skip_missing ? &skipped : NULL;
    how.many_classes = run->net != NULL;
    const bool loaded = o->make_moons > 0
                            ? dataset_moons(&run->train, (size_t)o->make_moons, o->noise, &run->random, &error)
                            : csv_load_with(o->data, &how, &run->train, &error);
    require(loaded, &error);
    if (o->skip_missing)
        printf("%s: %zu rows with missing values skipped.\n", o->data, skipped);
    if (run->net != NULL)
        fit_data(run, &run->train, o->data);
    if (!o->quiet && run->train.class_names != NULL)
        print_classes(&run->train);
}

static void split_data(Run *run)
{
    Dataset all = run->train;
    Error error;
    require(dataset_split(&all, run->options.test_fraction, &run->random, &run->train, &run->test, &error), &error);
    dataset_free(&all);
    if (run->train.count == 0 || run->test.count == 0)
        fail("%s: no rows are left to %s on. Ask for a %s --test-fraction.", run->options.data,
             run->train.count == 0 ? "train" : "test", run->train.count == 0 ? "smaller" : "larger");
}

static void standardize_data(Run *run)
{
    Error error;
    if (run->scale.features == 0)
        require(scale_measure(&run->train, &run->scale, &error), &error);
    else if (run->options.standardize && run->options.load != NULL)
        fail("%s has a scale of its own, which is used. Leave --standardize out.", run->options.load);
    dataset_standardize(&run->train, &run->scale);
    if (run->test.count > 0)
        dataset_standardize(&run->test, &run->scale);
}

static void make_data(Run *run)
{
    load_data(run);
    if (run->options.test_fraction > 0)
        split_data(run);
    size_t same = 1;
    while (same < run->train.count && run->train.label[same] == run->train.label[0])
        same++;
    if (same == run->train.count)
        fail("%s: all rows are of one class: there is nothing to learn. The class is in the last column, "
             "or in the one that --label names.",
             run->options.data);
    if (run->options.standardize || run->scale.features > 0)
        standardize_data(run);
}

/* Before the data, whose classes and scale are those of a saved model. */
static void open_network(Run *run)
{
    const Options *o = &run->options;
    const char *path = o->load != NULL ? o->load : o->resume;
    run->graph = need(graph_new());
    if (path != NULL || o->recorded)
        open_model(run, path != NULL ? path : RECORDED "init.txt");
}

static void make_network(Run *run)
{
    Options *o = &run->options;
    if (run->net == NULL) {
        o->sizes[0] = run->train.features;
        o->sizes[o->hidden_count + 1] = (size_t)run->train.classes;
        run->net = need(mlp_new(run->graph, o->sizes, o->hidden_count + 2, (Activation)o->activation));
        mlp_init(run->net, INIT_PYTORCH, &run->random);
    }
    run->classes = run->net->layers[run->net->layer_count - 1].outputs;
    run->mark = graph_mark(run->graph);
}

static void make_optimizer(Run *run)
{
    const Options *o = &run->options;
    Value **params = run->net->params;
    const size_t n = run->net->param_count;
    Adam adam = ADAM(o->lr);
    adam.weight_decay = o->weight_decay;
    run->optimizer =
        need(o->adam ? adam_new(params, n, adam) : sgd_new(params, n, (SGD){o->lr, o->momentum, o->weight_decay}));
}

void set_up(Run *run)
{
    Error error;
    Options *o = &run->options;
    random_seed(&run->random, o->seed);
    prepare_files(run);
    open_network(run);
    make_data(run);
    make_network(run);
    make_optimizer(run);
    require(batches_new(&run->batches, run->train.count, o->batch < SIZE_MAX ? (size_t)o->batch : SIZE_MAX, &error),
            &error);
    if (o->resume != NULL)
        resume(run);
    if (o->compiled)
        compile(run);
}

void clean_up(Run *run)
{
    optimizer_free(run->optimizer);
    batches_free(&run->batches);
    memory_free(run->history);
    compiled_free(&run->compiled);
    graph_free(run->graph);
    model_info_free(&run->info);
    scale_free(&run->scale);
    dataset_free(&run->train);
    dataset_free(&run->test);
}
