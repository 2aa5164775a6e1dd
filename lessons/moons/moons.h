/* moons.h - what the parts of the program share: the options, and the run. */
#ifndef MOONS_H
#define MOONS_H

#include "replay.h"
#include "stepgrad.h"

#define RECORDED "lessons/data/moons/"

enum { HIDDEN_MOST = 30, THREADS_MOST = 1024 }; /* hidden layers; threads of --threads */

typedef struct Options {
    const char *data;    /* a CSV file, or how the data was made: for messages too */
    uint64_t make_moons; /* points to make; 0: read `data` */
    double noise;
    size_t sizes[HIDDEN_MOST + 2]; /* of the hidden layers, from sizes[1] on; inputs and outputs come from the data */
    size_t hidden_count;
    int activation, adam; /* an Activation; 0 for SGD */
    double lr, momentum, weight_decay, test_fraction;
    uint64_t epochs, batch, seed, threads; /* threads 0: not given */
    const char *out, *load, *save, *predict, *checkpoint, *resume;
    CsvOptions csv; /* but for skip_missing */
    bool skip_missing, keep_order, standardize, quiet, compiled, vmath;
    bool recorded; /* the recorded experiment: neither data nor start was chosen */
} Options;

typedef struct Score {
    double loss, accuracy; /* means over the rows */
} Score;

/* A line of history.csv. */
typedef struct Epoch {
    Score train; /* each row as it was before its step */
    Score test;
    double seconds; /* since the training began */
} Epoch;

/* For --compiled. */
typedef struct Compiled {
    Program *program; /* the loss of a row; NULL: define-by-run */
    size_t nodes;     /* of the graph that was recorded, but for the params */
    double *inputs;   /* of the rows of a batch: features and one-hot class */
    double *losses;   /* of each */
    double *logits;   /* of one */
} Compiled;

typedef struct Run {
    Options options;
    Random random;
    Dataset train, test; /* test.count is 0 without --test-fraction */
    Graph *graph;
    MLP *net;
    const char *model; /* the file that net comes from, or NULL */
    ModelInfo info;    /* names that the file of --load or --resume has; the scale is below */
    Scale scale;       /* of the rows, from the file or measured; none: all zero */
    size_t classes;    /* outputs of net */
    Mark mark;         /* after the parameters: the graph of each step is released to here */
    Optimizer *optimizer;
    Batches batches;
    Compiled compiled;
    Epoch *history; /* room for history_size epochs: it grows as they come */
    size_t history_size, epochs_done;
    size_t epochs_before, rows_before; /* those of the run that --resume goes on with */
    Random epoch_random;               /* as it was at the beginning of this epoch */
    size_t epoch, step;                /* those under way, from 1 */
    bool stopped;                      /* by Ctrl-C or another signal, or because nobody reads the output any more */
    char diverged[400];                /* how the training diverged; "" if it did not */
    double nodes, seconds;             /* built or replayed in all, and how long it took */
    Score score;                       /* at the end, on the training rows */
    Value *neuron;                     /* the one that is drawn */
    char path[1100];                   /* what path_in_out made last */
} Run;

/* moons.c */
Value *batch_loss(Run *run, const Dataset *data, const size_t *rows, size_t n, size_t *correct);
double train_step(Run *run, const size_t *rows, size_t n, size_t *correct);
bool all_finite(const Run *run, double loss); /* loss, params and gradients */
bool has_diverged_on(Run *run, const size_t *rows, size_t n);
Score evaluate(const Run *run, const Dataset *data);
size_t largest_number(const double *numbers, size_t n); /* its index */

/* compiled.c */
void compile(Run *run); /* sets run->compiled */
void compiled_free(Compiled *compiled);
double compiled_step(Run *run, const size_t *rows, size_t n, size_t *correct);

/* options.c. Ends the program at --help, and with status 2 when something is wrong. */
Options read_options(int count, char **arguments);

/* setup.c: make the folder, the data, the network and the optimizer that run->options asks for. */
void set_up(Run *run);
void clean_up(Run *run);                             /* give back all of them */
const char *path_in_out(Run *run, const char *name); /* a file below --out; good until the next call */
/* Report what went wrong and end the program with status 1; files already written stay. */
_Noreturn void fail(const char *format, ...) PRINTF_LIKE(1, 2);
void require(bool ok, const Error *error);
/* Returns `memory`; ends the program when it is NULL. */
void *need(void *memory);

/* predict.c */
void open_model(Run *run, const char *path);              /* sets net, info and scale */
void fit_data(Run *run, Dataset *data, const char *path); /* its labels are the model's classes from now on */
ModelInfo model_info(const Run *run);                     /* to save; owns nothing */
void class_probabilities(const Run *run, const double *x, double *probabilities); /* softmax of the outputs */
void predict_file(Run *run);

/* checkpoint.c */
bool write_checkpoint(Run *run, const char *path, Error *error);
void resume(Run *run);

/* report.c */
void check_gradients(Run *run); /* compare those at the start with PyTorch's and with finite differences */
void show_progress(const Run *run, bool last);
void report_results(Run *run);

#endif
