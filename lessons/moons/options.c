/* options.c - the options of build/moons: each is a row of one table. */
#include "moons.h"

#include <stdlib.h>
#include <string.h>

#include "draw/options.h"

static Options o = {.noise = 0.2,
                    .activation = ACTIVATION_TANH,
                    .lr = -1,
                    .epochs = 200,
                    .batch = 64,
                    .seed = 1,
                    .csv = {.prefix = "--"}};
static const char *noise, *momentum, *seed, *hidden = "32,32";
static char activations[ACTIVATION_NAMES_SIZE]; /* in the order of the enum */
static const char *separator;
static int header = -1;               /* as a CsvHeader, less 1 */
static bool help, chosen, csv_chosen; /* chosen: something that the recorded experiment fixes */

static Option table[] = {
    {"--data", "FILE.csv",
     "a CSV of numbers, with the class, a word or a number, in the last column\n(default: " RECORDED "data.csv)",
     .text = &o.data, .flag = &chosen},
    {"--label", "COLUMN", "the column of the class: its name in the header, or its number from 1", .text = &o.csv.label,
     .flag = &csv_chosen},
    {"--separator", "';'", "between the columns; a word for one: tab (default: found)", .text = &separator,
     .flag = &csv_chosen},
    {"--header", "yes|no", "whether the first row holds names (default: found)", .choice = &header,
     .flag = &csv_chosen},
    {"--skip-missing", NULL, "leave out rows with missing values, and say how many", .flag = &o.skip_missing},
    {"--make-moons", "N", "N new points in two half circles", .whole = &o.make_moons, .least = 2, .flag = &chosen},
    {"--noise", "NUMBER", "standard deviation of the new points (default 0.2)", .number = &o.noise, .text = &noise},
    {"--hidden", "32,32", "sizes of the hidden layers; 0 for none", .text = &hidden, .flag = &chosen},
    {"--activation", activations, "(default tanh)", .choice = &o.activation, .flag = &chosen},
    {"--optimizer", "sgd|adam", "(default sgd)", .choice = &o.adam},
    {"--lr", "NUMBER", "learning rate (default 0.05; with adam 0.002)", .number = &o.lr},
    {"--momentum", "NUMBER", "for sgd (default 0)", .number = &o.momentum, .text = &momentum, .most = 0.999999},
    {"--weight-decay", "NUMBER", "(default 0)", .number = &o.weight_decay},
    {"--epochs", "N", "(default 200)", .whole = &o.epochs},
    {"--batch", "N", "rows in a batch; the last of an epoch may be short (default 64)", .whole = &o.batch, .least = 1},
    {"--seed", "N", "for new points, weights, order, split (default 1)", .whole = &o.seed, .text = &seed,
     .flag = &chosen},
    {"--test-fraction", "F", "fraction of the rows to test on (default 0)", .number = &o.test_fraction, .most = 0.99},
    {"--standardize", NULL, "scale each feature to mean 0 and deviation 1", .flag = &o.standardize},
    {"--keep-order", NULL, "go through the rows in the order of the file in every epoch", .flag = &o.keep_order},
    {"--compiled", NULL, "record the loss of a row once, and replay it: faster; last digits may differ",
     .flag = &o.compiled},
    {"--threads", "N", "threads that replay; any number gives the same bits (default 1)", .whole = &o.threads,
     .least = 1, .most = THREADS_MOST},
    {"--vmath", NULL, "replay with faster exp and tanh; again last digits may differ", .flag = &o.vmath},
    {"--out", "DIR", "where pictures and the model go (default build/moons.out)", .text = &o.out},
    {"--load", "FILE", "start from a saved model: its sizes, activation, classes and scale", .text = &o.load,
     .flag = &chosen},
    {"--save", "FILE", "where the model goes (default DIR/model.txt)", .text = &o.save},
    {"--predict", "FILE.csv", "print the class and probabilities of each row, by the model of --load",
     .text = &o.predict},
    {"--checkpoint", "FILE", "where the state of the training goes too", .text = &o.checkpoint},
    {"--resume", "FILE",
     "go on from a checkpoint, with the options that it was made with;\n--epochs counts those before it too",
     .text = &o.resume},
    {"--quiet", NULL, "no progress, no tables", .flag = &o.quiet},
    {"--help", NULL, "this text", .flag = &help},
    {0},
};

static void print_help(void)
{
    puts("build/moons: train an MLP classifier, on two moons or on any CSV\n");
    options_help(table, stdout);
    puts("\nWith neither --data, --make-moons, --load, --seed, --hidden nor --activation it repeats the recorded\n"
         "experiment: the rows in their order, the recorded initial weights, and the gradients compared with those of\n"
         "PyTorch.\n"
         "--threads and --vmath imply --compiled.\n"
         "Ctrl-C, SIGTERM, SIGHUP or a closed pipe finishes the current step, then saves the model and pictures; a\n"
         "second signal ends the program at once. A training that diverges saves no model, and the exit status is 1.");
}

/* Sizes such as 32,32; or 0 for no hidden layer. */
static bool read_hidden(const char *text, Error *error)
{
    if (strcmp(text, "0") == 0)
        return true;
    for (const char *p = text;; p++) {
        char *end;
        const unsigned long size = strtoul(p, &end, 10);
        if (*p < '0' || *p > '9' || size == 0 || size > 1000000 || (*end != ',' && *end != '\0'))
            return error_set(error, "--hidden %s: expected sizes such as 32,32 (or 0 for no hidden layer)", text);
        if (o.hidden_count == HIDDEN_MOST)
            return error_set(error, "--hidden %s: more than %d layers", text, HIDDEN_MOST);
        o.sizes[++o.hidden_count] = size;
        p = end;
        if (*p == '\0')
            return true;
    }
}

static bool is_given(const Option *option)
{
    return option->given != NULL || (option->argument == NULL && option->flag != NULL && *option->flag);
}

/* Refuse the given options that are on the list, or those that are not. */
static bool refuse(const char *const *list, bool on_it, const char *why, Error *error)
{
    for (const Option *option = table; option->help != NULL; option++) {
        bool found = false;
        for (size_t i = 0; list[i] != NULL; i++)
            found = found || strcmp(list[i], option->name) == 0;
        if (found == on_it && is_given(option))
            return error_set(error, "%s %s", option->name, why);
    }
    return true;
}

/* What a saved model settles, and what goes with --predict. */
static bool check_model_options(Error *error)
{
    static const char *const network[] = {"--hidden", "--activation", NULL};
    static const char *const predicting[] = {"--predict", "--load",         "--label", "--separator",
                                             "--header",  "--skip-missing", "--quiet", NULL};
    if (o.predict != NULL && o.load == NULL)
        return error_set(error, "--predict %s needs a model: --load FILE", o.predict);
    if (o.predict != NULL)
        return refuse(predicting, false, "does nothing with --predict", error);
    if (o.load != NULL && o.resume != NULL)
        return error_set(error, "--load and --resume %s: give one of them", o.resume);
    return (o.load == NULL && o.resume == NULL) ||
           refuse(network, true, "does nothing here: a saved model has its own sizes and activation", error);
}

static bool complete_csv_options(Error *error)
{
    if ((csv_chosen || o.skip_missing) && o.data == NULL && o.predict == NULL)
        return error_set(error, "--label, --separator, --header and --skip-missing go with --data FILE");
    o.csv.header = (CsvHeader)(header + 1);
    if (separator == NULL)
        return true;
    const bool is_tab = strcmp(separator, "tab") == 0 || strcmp(separator, "\\t") == 0;
    o.csv.separator = is_tab ? '\t' : separator[0];
    if (is_tab || (separator[0] != '\0' && separator[1] == '\0' && strchr(",;|\t :!/&~^", separator[0]) != NULL))
        return true;
    return error_set(error, "--separator %s: expected a character such as , or ; or |, or the word tab", separator);
}

/* What depends on several options. */
static bool complete_options(Error *error)
{
    if (o.make_moons > 0 && o.data != NULL)
        return error_set(error, "--make-moons and --data %s: give one of them", o.data);
    if (noise != NULL && o.make_moons == 0)
        return error_set(error, "--noise %s goes with --make-moons N", noise);
    if (!check_model_options(error) || !complete_csv_options(error))
        return false;
    if (momentum != NULL && o.adam)
        return error_set(error, "--momentum %s goes with --optimizer sgd: adam has its own", momentum);
    if (seed != NULL && o.load != NULL && o.keep_order && o.make_moons == 0 && o.test_fraction <= 0)
        return error_set(error, "--seed %s: nothing is random with --load and --keep-order", seed);
    if (o.data == NULL)
        o.data = o.make_moons > 0 ? "--make-moons" : RECORDED "data.csv";
    if (o.out == NULL)
        o.out = "build/moons.out";
    o.compiled = o.compiled || o.threads > 0 || o.vmath;
    if (o.lr < 0)
        o.lr = o.adam ? 0.002 : 0.05;
    o.recorded = !chosen && o.test_fraction <= 0 && !o.standardize;
    return read_hidden(hidden, error);
}

Options read_options(int count, char **arguments)
{
    Error error;
    activation_names(activations);
    bool ok = options_read(table, &count, arguments, &error);
    if (ok && help) {
        print_help();
        require(file_flush_output(&error), &error);
        exit(0);
    }
    if (ok && count > 1)
        ok = error_set(&error, "%s: expected an option", arguments[1]);
    if (!ok || !complete_options(&error)) {
        fprintf(stderr, "moons: %s (--help lists the options)\n", error.message);
        exit(2);
    }
    return o;
}
