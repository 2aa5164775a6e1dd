/* moons.c - the whole of it at work: an MLP trained on two moons, or on any CSV of numbers and classes.
 *
 *     build/moons                         the experiment: recorded data, recorded start, gradients against PyTorch's
 *     build/moons --data iris.csv         any other data;  --help tells the options
 *
 * Read main, then train_step: build the graph of a batch's loss by running the network, walk it backward, take a step,
 * release the nodes. All else here is reading options, telling how it goes, and pictures.
 * In gdb: break train_step, then `finish` a few times, or `break backward_hook` to stop at every node.
 */
#define _POSIX_C_SOURCE 200809L /* sigaction, isatty, clock_gettime */

#include <errno.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "graph/dot.h"
#include "player/player.h"
#include "plot/plot.h"
#include "stepgrad.h"

#define RECORDED "lessons/data/moons/"

enum {
    HIDDEN_MOST = 30,        /* hidden layers */
    RECORDED_CHECKED = 128,  /* the recorded gradients are those of the first 128 points */
    CHECKED_BY_NUDGING = 200 /* params in a finite-difference check; a nudge costs four forward passes */
};

/* ---- options ----------------------------------------------------------------------------------------------------- */

typedef struct Options {
    const char *data;
    size_t sizes[HIDDEN_MOST + 2]; /* of the hidden layers, from sizes[1] on; inputs and outputs come from the data */
    size_t hidden_count;
    Activation activation;
    bool adam;
    double lr, momentum, weight_decay;
    double test_fraction;
    size_t epochs, batch;
    uint64_t seed;
    const char *out, *load, *save;
    bool text_labels, keep_order, standardize, quiet;
    bool recorded; /* the recorded experiment: neither data nor start was chosen */
} Options;

static void print_help(void)
{
    puts("build/moons: train an MLP classifier, on two moons or on any CSV\n"
         "\n"
         "  --data FILE.csv      rows of numbers, the last column the class 0, 1, 2, ...; a header is optional\n"
         "                       (default: " RECORDED "data.csv)\n"
         "  --text-labels        the class is a word such as setosa: numbered in order of appearance\n"
         "  --hidden 32,32       sizes of the hidden layers; 0 for none\n"
         "  --activation NAME    tanh, relu, sigmoid or none (default tanh)\n"
         "  --optimizer NAME     sgd or adam (default sgd)\n"
         "  --lr NUMBER          learning rate (default 0.05; with adam 0.002)\n"
         "  --momentum NUMBER    for sgd (default 0)\n"
         "  --weight-decay NUMBER (default 0)\n"
         "  --epochs N           (default 200)\n"
         "  --batch N            rows in a batch; the last of an epoch may be short (default 64)\n"
         "  --seed N             for initial weights, order and split (default 1)\n"
         "  --test-fraction F    part of the rows that is kept for testing (default 0)\n"
         "  --standardize        scale each feature to mean 0 and deviation 1\n"
         "  --keep-order         go through the rows in the order of the file in every epoch\n"
         "  --out DIR            where pictures and the model go (default build/moons.out)\n"
         "  --load FILE          start from a saved model: its sizes and activation hold\n"
         "  --save FILE          where the model goes (default DIR/model.txt)\n"
         "  --quiet              no progress, no tables\n"
         "  --help               this text\n"
         "\n"
         "With neither --data, --load, --seed, --hidden nor --activation it repeats the recorded experiment: the rows "
         "in\n"
         "their order, the recorded initial weights, and the gradients compared with those of PyTorch.\n"
         "Ctrl-C stops after the step, saves, and writes what there is.");
}

static void usage_error(const char *format, ...) PRINTF_LIKE(1, 2);
static void usage_error(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("moons: ", stderr);
    vfprintf(stderr, format, arguments);
    fputs(" (--help tells the options)\n", stderr);
    va_end(arguments);
    exit(2);
}

static double parse_number(const char *option, const char *text, double least, double most)
{
    char *end;
    const double number = strtod(text, &end);
    if (end == text || *end != '\0' || !(number >= least && number <= most))
        usage_error("%s %s: expected a number from %g to %g", option, text, least, most);
    return number;
}

static uint64_t parse_count(const char *option, const char *text, uint64_t least)
{
    char *end;
    errno = 0;
    const unsigned long long count = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || count < least)
        usage_error("%s %s: expected a whole number, %llu or more", option, text, (unsigned long long)least);
    return count;
}

static void parse_hidden(Options *options, const char *text)
{
    options->hidden_count = 0;
    if (strcmp(text, "0") == 0)
        return;
    for (const char *p = text;;) {
        char *end;
        const unsigned long size = strtoul(p, &end, 10);
        if (*p < '0' || *p > '9' || size == 0 || size > 1000000 || (*end != ',' && *end != '\0'))
            usage_error("--hidden %s: expected sizes such as 32,32 (or 0 for no hidden layer)", text);
        if (options->hidden_count == HIDDEN_MOST)
            usage_error("--hidden %s: more than %d layers", text, HIDDEN_MOST);
        options->sizes[++options->hidden_count] = size;
        if (*end == '\0')
            return;
        p = end + 1;
    }
}

/* An option with a value. False: there is none of that name. */
static bool parse_option(Options *options, const char *name, const char *value)
{
    const double any = 1e300;
    if (strcmp(name, "--data") == 0)
        options->data = value;
    else if (strcmp(name, "--hidden") == 0)
        parse_hidden(options, value);
    else if (strcmp(name, "--activation") == 0) {
        if (!activation_from_name(value, &options->activation))
            usage_error("--activation %s: expected tanh, relu, sigmoid or none", value);
    } else if (strcmp(name, "--optimizer") == 0) {
        options->adam = strcmp(value, "adam") == 0;
        if (!options->adam && strcmp(value, "sgd") != 0)
            usage_error("--optimizer %s: expected sgd or adam", value);
    } else if (strcmp(name, "--lr") == 0)
        options->lr = parse_number(name, value, 0, any);
    else if (strcmp(name, "--momentum") == 0)
        options->momentum = parse_number(name, value, 0, 0.999999);
    else if (strcmp(name, "--weight-decay") == 0)
        options->weight_decay = parse_number(name, value, 0, any);
    else if (strcmp(name, "--test-fraction") == 0)
        options->test_fraction = parse_number(name, value, 0, 0.99);
    else if (strcmp(name, "--epochs") == 0)
        options->epochs = (size_t)parse_count(name, value, 0);
    else if (strcmp(name, "--batch") == 0)
        options->batch = (size_t)parse_count(name, value, 1);
    else if (strcmp(name, "--seed") == 0)
        options->seed = parse_count(name, value, 0);
    else if (strcmp(name, "--out") == 0)
        options->out = value;
    else if (strcmp(name, "--load") == 0)
        options->load = value;
    else if (strcmp(name, "--save") == 0)
        options->save = value;
    else
        return false;
    return true;
}

/* Of these the recorded experiment has its own. */
static bool is_choice(const char *name)
{
    static const char *const choices[] = {"--data", "--hidden", "--activation", "--seed", "--load"};
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++)
        if (strcmp(name, choices[i]) == 0)
            return true;
    return false;
}

static Options parse_options(int argc, char **argv)
{
    Options options = {.data = RECORDED "data.csv",
                       .sizes = {0, 32, 32},
                       .hidden_count = 2,
                       .activation = ACTIVATION_TANH,
                       .lr = -1,
                       .epochs = 200,
                       .batch = 64,
                       .seed = 1,
                       .out = "build/moons.out",
                       .recorded = true};
    for (int i = 1; i < argc; i++) {
        const char *name = argv[i];
        if (strcmp(name, "--help") == 0) {
            print_help();
            exit(0);
        } else if (strcmp(name, "--quiet") == 0)
            options.quiet = true;
        else if (strcmp(name, "--standardize") == 0)
            options.standardize = true;
        else if (strcmp(name, "--text-labels") == 0)
            options.text_labels = true;
        else if (strcmp(name, "--keep-order") == 0)
            options.keep_order = true;
        else if (i + 1 == argc && strncmp(name, "--", 2) == 0)
            usage_error("%s: unknown, or its value is missing", name);
        else if (!parse_option(&options, name, argv[++i]))
            usage_error("%s: unknown option", name);
        options.recorded = options.recorded && !is_choice(name);
    }
    if (options.lr < 0)
        options.lr = options.adam ? 0.002 : 0.05;
    if (options.test_fraction > 0 || options.standardize || options.text_labels)
        options.recorded = false;
    return options;
}

/* ---- the run ----------------------------------------------------------------------------------------------------- */

/* One line of history.csv. */
typedef struct Epoch {
    double loss;     /* mean over the epoch's rows, each as it was before its step */
    double accuracy; /* likewise */
    double test_loss, test_accuracy;
    double seconds; /* since the training began */
} Epoch;

typedef struct Run {
    Options options;
    Random random;
    Dataset train, test; /* test.count is 0 without --test-fraction */
    Graph *graph;
    MLP *net;
    Mark mark; /* behind the parameters: the graph of each step is released to here */
    Optimizer *optimizer;
    Batches batches;
    Epoch *history; /* room for history_size epochs: it grows as they come */
    size_t history_size, epochs_done;
    double nodes; /* built in all */
    double seconds;
} Run;

/* An environment error ends the program: what was written before stays. */
_Noreturn static void fail(const Error *error)
{
    fflush(stdout);
    fprintf(stderr, "moons: %s\n", error->message);
    exit(1);
}

_Noreturn static void fail_no_memory(void)
{
    fail(&(Error){"no memory left. Try a smaller network, or --batch with fewer rows."});
}

static volatile sig_atomic_t stop_asked = 0;

static void ask_to_stop(int signal_number)
{
    (void)signal_number;
    stop_asked = 1;
}

/* The first Ctrl-C asks, the second one ends the program as usual. A write under way goes on: cut short, it would count
 * as lost output. */
static void catch_interrupt(void)
{
    struct sigaction action = {.sa_handler = ask_to_stop, .sa_flags = (int)(SA_RESETHAND | SA_RESTART)};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
}

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void path_in_out(const Run *run, const char *name, char *path, size_t size)
{
    if ((size_t)snprintf(path, size, "%s/%s", run->options.out, name) >= size)
        fail(&(Error){"--out: this path is too long."});
}

/* Make the folder, and those above it, before the work rather than after it. */
static void make_out_folder(const char *out)
{
    char path[1024];
    Error error;
    if (strlen(out) == 0 || strlen(out) >= sizeof path - 64)
        fail(&(Error){"--out: the path is empty or too long."});
    strcpy(path, out);
    for (char *slash = path + 1;; slash++) {
        if (*slash != '/' && *slash != '\0')
            continue;
        const char end = *slash;
        *slash = '\0';
        struct stat status;
        if (mkdir(path, 0777) != 0 && (stat(path, &status) != 0 || !S_ISDIR(status.st_mode))) {
            error_set(&error, "cannot make the folder %s: %s. Choose another with --out.", path, strerror(errno));
            fail(&error);
        }
        if (end == '\0')
            return;
        *slash = end;
    }
}

static void model_path(const Run *run, char *path, size_t size)
{
    if (run->options.save == NULL)
        path_in_out(run, "model.txt", path, size);
    else if ((size_t)snprintf(path, size, "%s", run->options.save) >= size)
        fail(&(Error){"--save: this path is too long."});
}

/* Whether the model can be written, before the work rather than after it. */
static void check_model_path(const Run *run)
{
    char path[1100];
    Error error;
    SafeFile safe;
    model_path(run, path, sizeof path);
    if (file_begin(&safe, path, &error) == NULL)
        fail(&error);
    file_abandon(&safe);
}

/* ---- data and network -------------------------------------------------------------------------------------------- */

static bool has_one_class(const Dataset *data)
{
    for (size_t i = 1; i < data->count; i++)
        if (data->label[i] != data->label[0])
            return false;
    return true;
}

static void load_data(Run *run)
{
    Error error;
    Dataset all;
    const CsvOptions how = {.text_labels = run->options.text_labels};
    if (!csv_load_with(run->options.data, &how, &all, &error)) {
        if (strstr(error.message, "CsvOptions.text_labels") != NULL)
            fputs("moons: classes that are words need --text-labels\n", stderr);
        fail(&error);
    }
    if (run->options.test_fraction > 0) {
        if (!dataset_split(&all, run->options.test_fraction, &run->random, &run->train, &run->test, &error))
            fail(&error);
        dataset_free(&all);
    } else {
        run->train = all;
    }
    if (run->train.count == 0) {
        error_set(&error, "%s: no rows are left to train on. Ask for a smaller --test-fraction.", run->options.data);
        fail(&error);
    }
    if (run->options.test_fraction > 0 && run->test.count == 0) {
        error_set(&error, "%s: no rows are left to test on. Ask for a larger --test-fraction.", run->options.data);
        fail(&error);
    }
    if (has_one_class(&run->train)) {
        error_set(&error, "%s: all rows are of one class: there is nothing to learn. The last column is the class.",
                  run->options.data);
        fail(&error);
    }
    if (run->options.standardize) {
        Scale scale;
        if (!scale_measure(&run->train, &scale, &error))
            fail(&error);
        dataset_standardize(&run->train, &scale);
        if (run->test.count > 0)
            dataset_standardize(&run->test, &scale);
        scale_free(&scale);
    }
}

static void make_network(Run *run)
{
    Error error;
    Options *options = &run->options;
    const char *start = options->load != NULL ? options->load : RECORDED "init.txt";
    run->graph = graph_new();
    if (run->graph == NULL)
        fail_no_memory();
    if (options->load != NULL || options->recorded) {
        run->net = mlp_open(run->graph, start, &error);
        if (run->net == NULL)
            fail(&error);
    } else {
        options->sizes[0] = run->train.features;
        options->sizes[options->hidden_count + 1] = (size_t)run->train.classes;
        run->net = mlp_new(run->graph, options->sizes, options->hidden_count + 2, options->activation);
        if (run->net == NULL)
            fail_no_memory();
        mlp_init(run->net, INIT_PYTORCH, &run->random);
    }
    const size_t outputs = run->net->layers[run->net->layer_count - 1].outputs;
    if (run->net->layers[0].inputs != run->train.features || outputs < (size_t)run->train.classes) {
        error_set(&error, "%s: the model takes %zu features and %zu classes, and %s has %zu and %d.", start,
                  run->net->layers[0].inputs, outputs, options->data, run->train.features, run->train.classes);
        fail(&error);
    }
    run->mark = graph_mark(run->graph);
}

static void make_optimizer(Run *run)
{
    const Options *o = &run->options;
    Value **params = run->net->params;
    const size_t n = run->net->param_count;
    run->optimizer = o->adam ? adam_new(params, n, ((Adam){.lr = o->lr, .weight_decay = o->weight_decay}))
                             : sgd_new(params, n, ((SGD){o->lr, o->momentum, o->weight_decay}));
    if (run->optimizer == NULL)
        fail_no_memory();
}

/* ---- a step ------------------------------------------------------------------------------------------------------ */

static size_t class_count(const Run *run) { return run->net->layers[run->net->layer_count - 1].outputs; }

static size_t index_of_largest(Value *const *list, size_t n)
{
    size_t largest = 0;
    for (size_t i = 1; i < n; i++)
        largest = list[i]->data > list[largest]->data ? i : largest;
    return largest;
}

/* The mean cross-entropy of the network on n rows. *correct: how many it gets right. */
static Value *batch_loss(Run *run, const Dataset *data, const size_t *rows, size_t n, size_t *correct)
{
    const size_t classes = class_count(run), features = data->features;
    Value **x = graph_alloc_array(run->graph, n * features, sizeof *x);
    for (size_t i = 0; x != NULL && i < n; i++) {
        Value **row = v_inputs(run->graph, dataset_row(data, rows[i]), features);
        if (row == NULL)
            fail_no_memory();
        memcpy(x + i * features, row, features * sizeof *x);
    }
    Value **logits = x != NULL ? mlp_forward_rows(run->net, x, n) : NULL;
    Value **losses = graph_alloc_array(run->graph, n, sizeof *losses);
    if (logits == NULL || losses == NULL)
        fail_no_memory();
    *correct = 0;
    for (size_t i = 0; i < n; i++) {
        Value **row = logits + i * classes;
        *correct += index_of_largest(row, classes) == (size_t)data->label[rows[i]];
        losses[i] = cross_entropy(row, classes, data->label[rows[i]]);
    }
    Value *loss = mean_loss(losses, n);
    if (!graph_ok(run->graph))
        fail_no_memory();
    return loss;
}

/* One step of training. Returns the loss on these rows before it. */
static double train_step(Run *run, const size_t *rows, size_t n, size_t *correct)
{
    Value *loss = batch_loss(run, &run->train, rows, n, correct); /* forward: running it builds the graph */
    optimizer_zero_grad(run->optimizer);                          /* gradients accumulate */
    backward(loss);                                               /* the chain rule, from the loss to every param */
    optimizer_step(run->optimizer);                               /* against the gradient */
    const double before = loss->data;
    run->nodes += (double)(graph_node_count(run->graph) - run->net->param_count);
    graph_release(run->graph, run->mark); /* the graph of this step is done with */
    return before;
}

/* Loss and accuracy on a whole set, without a graph. */
static void evaluate(Run *run, const Dataset *data, double *loss, double *accuracy)
{
    const size_t classes = class_count(run);
    double *logits = memory_alloc_array(classes, sizeof *logits);
    double sum = 0;
    size_t correct = 0;
    for (size_t i = 0; i < data->count; i++) {
        if (logits == NULL || !mlp_evaluate(run->net, dataset_row(data, i), logits))
            fail_no_memory();
        size_t largest = 0;
        for (size_t c = 1; c < classes; c++)
            largest = logits[c] > logits[largest] ? c : largest;
        correct += largest == (size_t)data->label[i];
        sum += logsumexp_forward(classes, logits, NULL, 1) - logits[data->label[i]];
    }
    memory_free(logits);
    *loss = sum / (double)data->count;
    *accuracy = (double)correct / (double)data->count;
}

/* ---- gradients against PyTorch's --------------------------------------------------------------------------------- */

/* The recorded gradients: PyTorch's, and the exact ones as sums hi + lo of two doubles. In the order of net->params. */
typedef struct Recorded {
    double *torch, *hi, *lo;
} Recorded;

static void read_gradients(const Run *run, const char *path, double *numbers, double *rests)
{
    Error error;
    WordReader words;
    if (!words_open(&words, path, &error) || !mlp_read_tensors(run->net, &words, numbers, rests, &error))
        fail(&error);
    words_close(&words);
}

static void read_recorded(const Run *run, Recorded *recorded)
{
    const size_t n = run->net->param_count;
    recorded->torch = memory_alloc_array(n, 3 * sizeof(double));
    if (recorded->torch == NULL)
        fail_no_memory();
    recorded->hi = recorded->torch + n;
    recorded->lo = recorded->hi + n;
    read_gradients(run, RECORDED "grad128_torch.txt", recorded->torch, NULL);
    read_gradients(run, RECORDED "grad128_exact.txt", recorded->hi, recorded->lo);
}

/* A row of the table: the largest differences over one tensor, the weights or the biases of a layer. */
static void print_tensor_row(const Run *run, const Recorded *recorded, size_t first, const Layer *layer, size_t number,
                             bool bias)
{
    const size_t row = layer->inputs + 1;
    double ours_torch = 0, ours_exact = 0, torch_exact = 0, largest = 0;
    for (size_t i = first; i < first + layer->outputs * row; i++) {
        if (((i - first) % row == layer->inputs) != bias)
            continue;
        const double ours = run->net->params[i]->grad;
        ours_torch = fmax(ours_torch, fabs(ours - recorded->torch[i]));
        ours_exact = fmax(ours_exact, fabs((ours - recorded->hi[i]) - recorded->lo[i]));
        torch_exact = fmax(torch_exact, fabs((recorded->torch[i] - recorded->hi[i]) - recorded->lo[i]));
        largest = fmax(largest, fabs(ours));
    }
    char name[32], shape[64];
    snprintf(name, sizeof name, "%c%zu", bias ? 'b' : 'w', number);
    snprintf(shape, sizeof shape, "%zux%zu", bias ? (size_t)1 : layer->outputs, bias ? layer->outputs : layer->inputs);
    printf("  %-5s %7s   %8.2e   %14.2e %14.2e %17.2e\n", name, shape, largest, ours_torch, ours_exact, torch_exact);
}

static void check_gradients(Run *run)
{
    size_t rows[RECORDED_CHECKED], correct;
    Error error;
    GradCheck report;
    const size_t n = run->train.count < RECORDED_CHECKED ? run->train.count : RECORDED_CHECKED;
    for (size_t i = 0; i < n; i++)
        rows[i] = i;
    Value *loss = batch_loss(run, &run->train, rows, n, &correct);
    backward(loss);
    if (run->options.recorded) {
        Recorded recorded;
        size_t first = 0;
        read_recorded(run, &recorded);
        printf("Gradients on the first %zu points, against PyTorch 1.13 and against exact ones (170 bits)\n", n);
        printf("  %-5s %7s   %8s   %14s %14s %17s\n", "param", "shape", "max|g|", "max|g-PyTorch|", "max|g-exact|",
               "max|PyTorch-exact|");
        for (size_t l = 0; l < run->net->layer_count; l++) {
            const Layer *layer = &run->net->layers[l];
            print_tensor_row(run, &recorded, first, layer, l + 1, false);
            print_tensor_row(run, &recorded, first, layer, l + 1, true);
            first += layer->outputs * (layer->inputs + 1);
        }
        memory_free(recorded.torch);
    }
    const bool right = gradcheck_some(loss, CHECKED_BY_NUDGING, &report, &error);
    printf("Against finite differences, on %zu points: ", n);
    gradcheck_print(&report, stdout);
    if (!right)
        printf("%s\n", error.message);
    puts("");
    optimizer_zero_grad(run->optimizer);
    graph_release(run->graph, run->mark);
}

/* ---- training ---------------------------------------------------------------------------------------------------- */

/* On a terminal one line that is written again and again; else a line now and then. */
static void show_progress(const Run *run, bool last)
{
    enum { BAR = 30, LINES = 10 };
    static double shown = 0;
    const size_t done = run->epochs_done, all = run->options.epochs;
    const Epoch *epoch = &run->history[done - 1];
    const bool terminal = isatty(STDOUT_FILENO);
    if (terminal ? !last && now() - shown < 0.1 : !last && done % ((all - 1) / LINES + 1) != 0)
        return;
    shown = now();
    if (terminal) {
        char bar[BAR + 1];
        for (size_t i = 0; i < BAR; i++)
            bar[i] = i * all < done * BAR ? '#' : '.';
        bar[BAR] = '\0';
        printf("\r[%s] ", bar);
    }
    printf("epoch %zu/%zu  loss %.4f  accuracy %.3f", done, all, epoch->loss, epoch->accuracy);
    if (run->test.count > 0)
        printf("  test loss %.4f  accuracy %.3f", epoch->test_loss, epoch->test_accuracy);
    printf("  %.1f M nodes/s%s", run->nodes / epoch->seconds / 1e6, terminal && !last ? "  " : "\n");
    fflush(stdout);
}

static void train_epoch(Run *run, Epoch *epoch)
{
    const bool keep_order = run->options.recorded || run->options.keep_order;
    const size_t *rows;
    double loss = 0;
    size_t seen = 0, correct_in_all = 0;
    batches_begin(&run->batches, keep_order ? NULL : &run->random);
    for (size_t n; (n = batches_next(&run->batches, &rows)) > 0;) {
        size_t correct;
        loss += train_step(run, rows, n, &correct) * (double)n;
        correct_in_all += correct;
        seen += n;
        if (stop_asked)
            break; /* after a step, so that there is a loss to tell */
    }
    epoch->loss = loss / (double)seen;
    epoch->accuracy = (double)correct_in_all / (double)seen;
}

/* Ctrl-C may come long before --epochs is reached: ask for no more than what is needed. */
static Epoch *next_epoch(Run *run)
{
    if (run->epochs_done == run->history_size) {
        const size_t bytes = run->history_size * sizeof *run->history;
        Epoch *larger = memory_resize(run->history, bytes, 2 * bytes + sizeof *larger);
        if (larger == NULL)
            fail_no_memory();
        run->history = larger;
        run->history_size = 2 * run->history_size + 1;
    }
    run->history[run->epochs_done] = (Epoch){0};
    return &run->history[run->epochs_done];
}

static void train(Run *run)
{
    const double start = now();
    while (run->epochs_done < run->options.epochs && !stop_asked) {
        Epoch *epoch = next_epoch(run);
        train_epoch(run, epoch);
        if (run->test.count > 0)
            evaluate(run, &run->test, &epoch->test_loss, &epoch->test_accuracy);
        epoch->seconds = now() - start;
        run->epochs_done++;
        if (!run->options.quiet)
            show_progress(run, stop_asked || run->epochs_done == run->options.epochs);
        if (!isfinite(epoch->loss)) {
            printf("The loss is %g: training went astray. Try a smaller --lr.\n", epoch->loss);
            break;
        }
    }
    run->seconds = now() - start;
}

/* ---- what stays -------------------------------------------------------------------------------------------------- */

static void report_file(bool written, const char *path, const Error *error)
{
    if (!written)
        fail(error);
    printf("  %s\n", path);
}

static void write_history(const Run *run)
{
    char path[1100];
    Error error;
    SafeFile safe;
    path_in_out(run, "history.csv", path, sizeof path);
    FILE *out = file_begin(&safe, path, &error);
    if (out == NULL)
        fail(&error);
    fputs(run->test.count > 0 ? "epoch,loss,accuracy,test_loss,test_accuracy,seconds\n"
                              : "epoch,loss,accuracy,seconds\n",
          out);
    for (size_t i = 0; i < run->epochs_done; i++) {
        const Epoch *epoch = &run->history[i];
        fprintf(out, "%zu,%.17g,%.6g,", i + 1, epoch->loss, epoch->accuracy);
        if (run->test.count > 0)
            fprintf(out, "%.17g,%.6g,", epoch->test_loss, epoch->test_accuracy);
        fprintf(out, "%.3f\n", epoch->seconds);
    }
    report_file(file_commit(&safe, &error), path, &error);
}

static bool any_finite_loss(const Run *run)
{
    for (size_t i = 0; i < run->epochs_done; i++)
        if (isfinite(run->history[i].loss))
            return true;
    return false;
}

static void plot_history(const Run *run)
{
    char path[1100];
    Error error;
    const size_t n = run->epochs_done;
    if (!any_finite_loss(run)) {
        puts("  (no loss.svg: no epoch had a finite loss)");
        return;
    }
    double *columns = memory_alloc_array(n, 5 * sizeof *columns);
    if (columns == NULL)
        fail_no_memory();
    double *epoch = columns, *loss = columns + n, *accuracy = loss + n, *test_loss = accuracy + n,
           *test_accuracy = test_loss + n;
    for (size_t i = 0; i < n; i++) {
        epoch[i] = (double)(i + 1);
        loss[i] = run->history[i].loss;
        accuracy[i] = run->history[i].accuracy;
        test_loss[i] = run->history[i].test_loss;
        test_accuracy[i] = run->history[i].test_accuracy;
    }
    const PlotSeries losses[] = {{"training", n, epoch, loss}, {"test", n, epoch, test_loss}};
    const PlotSeries accuracies[] = {{"training", n, epoch, accuracy}, {"test", n, epoch, test_accuracy}};
    const size_t series = run->test.count > 0 ? 2 : 1;
    const LinePlot below = {.y_label = "accuracy", .series = accuracies, .series_count = series};
    const LinePlot plot = {.title = "Training",
                           .x_label = "epoch",
                           .y_label = "mean cross-entropy",
                           .series = losses,
                           .series_count = series,
                           .below = &below};
    path_in_out(run, "loss.svg", path, sizeof path);
    report_file(plot_lines(path, &plot, &error), path, &error);
    memory_free(columns);
}

/* Softmax of the logits at a point of the plane. */
static void predict(void *context, double x0, double x1, double *probabilities)
{
    const Run *run = context;
    const size_t classes = class_count(run);
    const double x[2] = {x0, x1};
    if (!mlp_evaluate(run->net, x, probabilities))
        fail_no_memory();
    const double y = logsumexp_forward(classes, probabilities, NULL, 1);
    for (size_t c = 0; c < classes; c++)
        probabilities[c] = exp(probabilities[c] - y);
}

static void plot_plane(Run *run, double accuracy)
{
    char path[1100], title[96];
    Error error;
    if (run->train.features != 2) {
        printf("  (no boundary.svg: a plane needs two features, and there are %zu)\n", run->train.features);
        return;
    }
    snprintf(title, sizeof title, "Decision boundary, accuracy %.3f", accuracy);
    char *const *names = run->train.feature_names;
    const BoundaryPlot plot = {.title = title,
                               .x_name = names != NULL ? names[0] : "x0",
                               .y_name = names != NULL ? names[1] : "x1",
                               .x = run->train.x,
                               .label = run->train.label,
                               .count = run->train.count,
                               .classes = (int)class_count(run),
                               .predict = predict,
                               .context = run};
    path_in_out(run, "boundary.svg", path, sizeof path);
    report_file(plot_boundary(path, &plot, &error), path, &error);
}

/* A small piece of the net with numbers in it: a neuron of the first layer, after a backward pass on one row. The
 * backward pass is that of the network's own loss, run here step by step as batch_loss does. */
static void draw_neuron(Run *run)
{
    char path[1100], svg[1100];
    Error error;
    const int label = run->train.label[0];
    const Layer *first = &run->net->layers[0];
    Value **x = v_inputs(run->graph, dataset_row(&run->train, 0), run->train.features);
    Value **outputs = x != NULL ? layer_forward(run->graph, first, x) : NULL;
    Value *neuron = outputs != NULL ? outputs[0] : NULL;
    for (size_t l = 1; outputs != NULL && l < run->net->layer_count; l++)
        outputs = layer_forward(run->graph, &run->net->layers[l], outputs);
    if (outputs == NULL)
        fail_no_memory();
    Value *loss = cross_entropy(outputs, class_count(run), label);
    if (!graph_ok(run->graph))
        fail_no_memory();
    for (size_t i = 0; i < run->train.features; i++)
        v_label(x[i], run->train.feature_names != NULL ? run->train.feature_names[i] : NULL);
    v_label(neuron, first->activation != ACTIVATION_NONE ? "h1[0]" : "z1[0]");
    if (first->activation != ACTIVATION_NONE)
        v_label(value_parent(neuron, 0), "z1[0]");
    optimizer_zero_grad(run->optimizer);
    backward(loss);
    path_in_out(run, "neuron.dot", path, sizeof path);
    path_in_out(run, "neuron.svg", svg, sizeof svg);
    report_file(dot_write(neuron, path, NULL, &error), path, &error);
    if (dot_render(path, "svg", svg, &error))
        printf("  %s\n", svg);
    else
        printf("  (no neuron.svg: %s)\n", error.message);
    path_in_out(run, "neuron.html", path, sizeof path);
    report_file(player_write(neuron, path, NULL, &error), path, &error);
    graph_release(run->graph, run->mark);
}

static void save_all(Run *run, double accuracy)
{
    char path[1100];
    Error error;
    model_path(run, path, sizeof path);
    puts("\nWritten:");
    report_file(mlp_save(run->net, path, &error), path, &error);
    if (run->epochs_done > 0) {
        write_history(run);
        plot_history(run);
    }
    plot_plane(run, accuracy);
    draw_neuron(run);
}

/* In MB: Linux counts kilobytes, macOS bytes. */
static double peak_memory(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
#ifdef __APPLE__
    return (double)usage.ru_maxrss / 1e6;
#else
    return (double)usage.ru_maxrss / 1e3;
#endif
}

static double print_summary(Run *run)
{
    double loss, accuracy, test_loss, test_accuracy;
    evaluate(run, &run->train, &loss, &accuracy);
    printf("\n%s %zu epochs: loss %.6f, accuracy %.4f on %zu rows", stop_asked ? "Stopped after" : "After",
           run->epochs_done, loss, accuracy, run->train.count);
    if (run->test.count > 0) {
        evaluate(run, &run->test, &test_loss, &test_accuracy);
        printf("; test loss %.6f, accuracy %.4f on %zu", test_loss, test_accuracy, run->test.count);
    }
    printf("\n%.2f s, %.0f M nodes, %.1f M nodes/s, peak memory %.1f MB\n", run->seconds, run->nodes / 1e6,
           run->seconds > 0 ? run->nodes / run->seconds / 1e6 : 0, peak_memory());
    return accuracy;
}

static void free_run(Run *run)
{
    optimizer_free(run->optimizer);
    batches_free(&run->batches);
    memory_free(run->history);
    graph_free(run->graph);
    dataset_free(&run->train);
    dataset_free(&run->test);
}

/* The exit status: what was printed may have been lost, to a full disk, say. */
static int finish_output(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    fputs("moons: the output could not be written; the files were.\n", stderr);
    return 1;
}

int main(int argc, char **argv)
{
    Error error;
    Run run = {.options = parse_options(argc, argv)};
    random_seed(&run.random, run.options.seed);
    make_out_folder(run.options.out);
    check_model_path(&run);
    load_data(&run);
    make_network(&run);
    make_optimizer(&run);
    if (!batches_new(&run.batches, run.train.count, run.options.batch, &error))
        fail_no_memory();
    if (!run.options.quiet) {
        printf("%zu rows of %zu features, %d classes; %zu params\n\n", run.train.count, run.train.features,
               run.train.classes, run.net->param_count);
        check_gradients(&run);
    }
    catch_interrupt();
    train(&run);
    save_all(&run, print_summary(&run));
    free_run(&run);
    return finish_output();
}
