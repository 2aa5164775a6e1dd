/* test_moons.c - the experiment: two moons, an MLP 2-32-32-2, and the numbers that PyTorch and exact arithmetic have
 * for it; and the program build/moons, run as its users run it.
 *
 * The files: lessons/data/moons/ (data, initial weights, gradients) and tests/golden/moons/ (160 recorded steps in two
 * orders). The tests run in the repository's folder. */
#define _DEFAULT_SOURCE /* mkdtemp, fork, setrlimit beside C11 */
#define _DARWIN_C_SOURCE
#include <criterion/criterion.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "long.h"
#include "no_memory.h"
#include "replay.h"
#include "stepgrad.h"

#define DATA "lessons/data/moons/"
#define GOLDEN "tests/golden/moons/"
#define WINE "tests/golden/csv/wine.csv"

enum { PARAMS = 1218, CLASSES = 2, ROWS = 1000, BATCH = 64, STEPS_OF_EPOCH = 16, RECORDED_EPOCHS = 10 };

/* ---- the experiment ---------------------------------------------------------------------------------------------- */

static Graph *g;
static MLP *net;
static Mark mark;
static Optimizer *sgd;
static Dataset data;

static void open_experiment(void)
{
    Error error;
    g = graph_new();
    net = mlp_open(g, DATA "init.txt", &error);
    cr_assert_not_null(net, "%s", error.message);
    cr_assert(csv_load(DATA "data.csv", &data, &error), "%s", error.message);
    cr_assert(net->param_count == PARAMS && data.count == ROWS && data.features == 2 && data.classes == CLASSES,
              "%zu params, %zu rows of %zu, %d classes", net->param_count, data.count, data.features, data.classes);
    mark = graph_mark(g);
    sgd = sgd_new(net->params, PARAMS, (SGD){.lr = 0.05});
}

static void close_experiment(void)
{
    optimizer_free(sgd);
    dataset_free(&data);
    graph_free(g);
}

TestSuite(moons, .init = open_experiment, .fini = close_experiment);

/* The mean cross-entropy on n rows. */
static Value *batch_loss(const size_t *rows, size_t n)
{
    Value *losses[ROWS];
    for (size_t i = 0; i < n; i++) {
        Value **logits = mlp_forward(net, v_inputs(g, dataset_row(&data, rows[i]), 2));
        losses[i] = cross_entropy(logits, CLASSES, data.label[rows[i]]);
    }
    return mean_loss(losses, n);
}

/* One step on n rows; the loss before it. */
static double step(const size_t *rows, size_t n)
{
    Value *loss = batch_loss(rows, n);
    optimizer_zero_grad(sgd);
    backward(loss);
    optimizer_step(sgd);
    const double before = loss->data;
    graph_release(g, mark);
    return before;
}

static void rows_in_order(size_t rows[ROWS])
{
    for (size_t i = 0; i < ROWS; i++)
        rows[i] = i;
}

/* Loss and accuracy over all rows. */
static double evaluate(double *accuracy)
{
    double sum = 0, logits[CLASSES];
    size_t correct = 0;
    for (size_t i = 0; i < ROWS; i++) {
        cr_assert(mlp_evaluate(net, dataset_row(&data, i), logits), "no memory");
        correct += (logits[1] > logits[0]) == (data.label[i] == 1);
        sum += logsumexp_forward(CLASSES, logits, NULL, 1) - logits[data.label[i]];
    }
    *accuracy = (double)correct / ROWS;
    return sum / ROWS;
}

static void read_tensors(const char *path, double *numbers, double *rests)
{
    Error error;
    WordReader words;
    cr_assert(words_open(&words, path, &error) && mlp_read_tensors(net, &words, numbers, rests, &error), "%s",
              error.message);
    words_close(&words);
}

/* PyTorch's own largest distance from the exact gradients is 5.84e-17, in w3; 1e-16 and 7e-17 are what was set out to
 * reach. Entries are below 0.12, so half an ulp of the largest is 6.9e-18: sums of 128 terms leave a few of those. */
Test(moons, gradients_on_128_points_are_nearer_to_the_exact_ones_than_those_of_pytorch)
{
    static double torch[PARAMS], exact[PARAMS], rest[PARAMS];
    size_t rows[ROWS];
    double torch_worst = 0, ours_worst = 0, largest = 0;
    read_tensors(DATA "grad128_torch.txt", torch, NULL);
    read_tensors(DATA "grad128_exact.txt", exact, rest);
    rows_in_order(rows);
    backward(batch_loss(rows, 128));
    for (size_t i = 0; i < PARAMS; i++) {
        const double grad = net->params[i]->grad;
        const double from_exact = fabs((grad - exact[i]) - rest[i]);
        cr_expect(fabs(grad - torch[i]) <= 1e-16, "%s: %a, PyTorch %a", net->params[i]->label, grad, torch[i]);
        cr_expect(from_exact <= 7e-17, "%s: %a, exact %a, off by %g", net->params[i]->label, grad, exact[i],
                  from_exact);
        ours_worst = fmax(ours_worst, from_exact);
        torch_worst = fmax(torch_worst, fabs((torch[i] - exact[i]) - rest[i]));
        largest = fmax(largest, fabs(grad));
    }
    cr_log_info("largest distance from the exact gradients: %.3g; PyTorch: %.3g\n", ours_worst, torch_worst);
    cr_expect(ours_worst < torch_worst, "ours %g, PyTorch %g", ours_worst, torch_worst);
    cr_expect(torch_worst > 5.8e-17 && torch_worst < 5.9e-17, "PyTorch is off by %g, not 5.84e-17", torch_worst);
    cr_expect(largest > 0.1, "the largest gradient is only %g", largest);
}

/* Ten epochs of 16 steps in the order of perm.txt, or in the rows' own. */
static void read_orders(const char *path, size_t orders[RECORDED_EPOCHS][ROWS])
{
    Error error;
    WordReader words;
    for (size_t e = 0; e < RECORDED_EPOCHS; e++)
        rows_in_order(orders[e]);
    if (path == NULL)
        return;
    cr_assert(words_open(&words, path, &error), "%s", error.message);
    for (size_t e = 0; e < RECORDED_EPOCHS; e++)
        for (size_t i = 0; i < ROWS; i++)
            cr_assert(words_count(&words, &orders[e][i], &error) && orders[e][i] < ROWS, "%s", error.message);
    words_close(&words);
}

/* Lines `step N torch exact:rest decimal drift`. */
static void read_losses(const char *path, double *exact, double *rest)
{
    Error error;
    WordReader words;
    cr_assert(words_open(&words, path, &error), "%s", error.message);
    for (size_t s = 0; s < RECORDED_EPOCHS * STEPS_OF_EPOCH; s++) {
        size_t number;
        double torch;
        cr_assert(words_expect(&words, "step", &error) && words_count(&words, &number, &error) &&
                      words_number(&words, &torch, NULL, &error) && words_number(&words, &exact[s], &rest[s], &error) &&
                      words_next(&words, &error) && words_next(&words, &error),
                  "%s", error.message);
        cr_assert_eq(number, s + 1, "step %zu stands where %zu should", number, s + 1);
    }
    words_close(&words);
}

/* Losses lie between 0.25 and 0.7, where an ulp is at most 1.1e-16; 5e-16 is what was set out to reach. */
static void expect_recorded_losses(const char *order_path, const char *loss_path)
{
    static size_t orders[RECORDED_EPOCHS][ROWS];
    static double exact[RECORDED_EPOCHS * STEPS_OF_EPOCH], rest[RECORDED_EPOCHS * STEPS_OF_EPOCH];
    double worst = 0;
    read_orders(order_path, orders);
    read_losses(loss_path, exact, rest);
    for (size_t s = 0; s < RECORDED_EPOCHS * STEPS_OF_EPOCH; s++) {
        const size_t first = s % STEPS_OF_EPOCH * BATCH, left = ROWS - first;
        const double loss = step(&orders[s / STEPS_OF_EPOCH][first], left < BATCH ? left : BATCH);
        const double off = fabs((loss - exact[s]) - rest[s]);
        cr_expect(off <= 5e-16, "step %zu: loss %a, exact %a, off by %g", s + 1, loss, exact[s], off);
        worst = fmax(worst, off);
    }
    cr_expect(exact[159] < 0.5 * exact[0], "the loss, %g, has hardly moved from %g", exact[159], exact[0]);
    cr_log_info("largest distance from the exact losses of %s: %.3g\n", loss_path, worst);
}

Test(moons, each_of_160_steps_in_the_rows_own_order_has_the_exact_loss_and_leads_to_the_exact_params)
{
    static double exact[PARAMS];
    double worst = 0;
    expect_recorded_losses(NULL, GOLDEN "traj_noshuffle.txt");
    read_tensors(GOLDEN "params_noshuffle_epoch10_exact.txt", exact, NULL);
    for (size_t i = 0; i < PARAMS; i++) {
        const double off = fabs(net->params[i]->data - exact[i]);
        cr_expect(off <= 5e-15, "%s: %a, exact %a, off by %g", net->params[i]->label, net->params[i]->data, exact[i],
                  off);
        worst = fmax(worst, off);
    }
    cr_log_info("largest distance from the exact params after 10 epochs: %.3g\n", worst);
}

Test(moons, each_of_160_steps_in_a_shuffled_order_has_the_exact_loss)
{
    expect_recorded_losses(GOLDEN "perm.txt", GOLDEN "traj_perm.txt");
}

/* Two runs differ by rounding: in each of 3200 steps a param (all below 4) by 4.4e-16 at most, 1.5e-12 in all. Starts
 * that differ by δ in every param, δ from 1e-8 to 1e-6, end with losses that differ by 0.04·δ at most (measured), so
 * the rounding may show as 6e-14; the sum over 1000 rows adds 1e-14. */
Test(moons, after_200_epochs_it_is_where_pytorch_is)
{
    size_t rows[ROWS];
    double accuracy;
    rows_in_order(rows);
    for (size_t e = 0; e < 200; e++)
        for (size_t first = 0; first < ROWS; first += BATCH)
            step(&rows[first], ROWS - first < BATCH ? ROWS - first : BATCH);
    const double loss = evaluate(&accuracy), torch = 0.09218499891729762; /* PyTorch 1.13, same start, same order */
    cr_log_info("loss %.17g, PyTorch %.17g, difference %.3g\n", loss, torch, fabs(loss - torch));
    cr_expect(fabs(loss - torch) <= 1e-13, "loss %.17g, PyTorch %.17g", loss, torch);
    cr_expect(accuracy >= 0.969, "accuracy %g", accuracy);
}

Test(moons, after_the_first_epoch_training_allocates_nothing)
{
    enum { EPOCH_BYTES = 150 * 64 * 1024 }; /* an epoch has 156 blocks of nodes */
    size_t rows[ROWS];
    rows_in_order(rows);
    const int settled = 1 + steps_in_quarantine(EPOCH_BYTES);
    for (int e = 0; e < settled + 2; e++) {
        memory_lasts(SIZE_MAX);
        for (size_t first = 0; first < ROWS; first += BATCH)
            step(&rows[first], ROWS - first < BATCH ? ROWS - first : BATCH);
        memory_restore();
        cr_expect(e > 0 || allocations > 0, "the first epoch allocated nothing: nothing was counted");
        cr_expect(e < settled || allocations == 0, "epoch %d made %zu allocations", e + 1, allocations);
    }
}

/* ---- the program ------------------------------------------------------------------------------------------------- */

static char folder[] = "/tmp/stepgrad-moons-XXXXXX";

static void make_folder(void) { cr_assert_not_null(mkdtemp(folder), "no folder to work in"); }

static void remove_folder(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    cr_expect_eq(system(command), 0, "cannot remove %s", folder);
}

TestSuite(moons_program, .init = make_folder, .fini = remove_folder);

/* The path of a file in the folder: good for the next few calls. */
static const char *in_folder(const char *name)
{
    enum { AT_ONCE = 64 };
    static char paths[AT_ONCE][PATH_MAX];
    static size_t next = 0;
    char *path = paths[next++ % AT_ONCE];
    snprintf(path, PATH_MAX, "%s/%s", folder, name);
    return path;
}

static void write_file(const char *name, const char *text)
{
    FILE *out = fopen(in_folder(name), "w");
    cr_assert(out != NULL && fputs(text, out) >= 0 && fclose(out) == 0, "cannot write %s", name);
}

/* What is in a file of the folder, cut to 64 kB; "" when there is none. Good until the next call. */
static const char *content(const char *name)
{
    static char text[65536];
    FILE *in = fopen(in_folder(name), "r");
    text[in != NULL ? fread(text, 1, sizeof text - 1, in) : 0] = '\0';
    if (in != NULL)
        fclose(in);
    return text;
}

static bool exists(const char *name)
{
    struct stat status;
    return stat(in_folder(name), &status) == 0 && status.st_size > 0;
}

/* Start build/moons with output to `out` and `err` in the folder; `prepare` runs in the child before. */
static pid_t start_moons(void (*prepare)(void), const char *const *arguments)
{
    enum { ARGUMENTS_MOST = 30, SECONDS_MOST = 1500 };
    char program[PATH_MAX], *list[ARGUMENTS_MOST + 2] = {program};
    const char *build = getenv("BUILD");
    snprintf(program, sizeof program, "%s/moons", build != NULL ? build : "build");
    for (size_t i = 0; arguments[i] != NULL && i < ARGUMENTS_MOST; i++)
        list[i + 1] = (char *)arguments[i];
    const pid_t child = fork();
    if (child == 0) {
        const int out = open(in_folder("out"), O_WRONLY | O_CREAT | O_TRUNC, 0666);
        const int err = open(in_folder("err"), O_WRONLY | O_CREAT | O_TRUNC, 0666);
        dup2(out, STDOUT_FILENO);
        dup2(err, STDERR_FILENO);
        alarm(SECONDS_MOST);
        if (prepare != NULL)
            prepare();
        execv(program, list);
        _exit(126);
    }
    cr_assert(child > 0, "no fork");
    return child;
}

/* The exit status, or minus the signal that ended it. */
static int wait_for(pid_t child)
{
    int status;
    while (waitpid(child, &status, 0) < 0)
        cr_assert_eq(errno, EINTR, "waitpid: %s", strerror(errno));
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static int moons_with(void (*prepare)(void), const char *const *arguments)
{
    return wait_for(start_moons(prepare, arguments));
}

/* The program with these arguments; the result is its exit status. */
#define MOONS(...) moons_with(NULL, (const char *const[]){__VA_ARGS__, NULL})
#define MOONS_AFTER(prepare, ...) moons_with(prepare, (const char *const[]){__VA_ARGS__, NULL})

static void expect_exit(int got, int want, const char *what)
{
    cr_expect_eq(got, want, "%s: exit %d, want %d; it said: %s", what, got, want, content("err"));
}

static void expect_in(const char *name, const char *part)
{
    const char *text = content(name);
    cr_expect(strstr(text, part) != NULL, "%s should hold \"%s\": %.2000s", name, part, text);
}

static void expect_not_in(const char *name, const char *part)
{
    const char *text = content(name);
    cr_expect(strstr(text, part) == NULL, "%s should not hold \"%s\": %.2000s", name, part, text);
}

static void expect_nothing_unfinished(const char *name)
{
    DIR *directory = opendir(in_folder(name));
    cr_assert_not_null(directory, "no folder %s", name);
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
        cr_expect(strstr(entry->d_name, ".tmp") == NULL, "%s was left half-written", entry->d_name);
    closedir(directory);
}

/* Two classes on a line, and a third feature for good measure. */
static void write_points(const char *name, size_t features, size_t rows)
{
    FILE *out = fopen(in_folder(name), "w");
    cr_assert_not_null(out, "cannot write %s", name);
    for (size_t i = 0; i < rows; i++) {
        for (size_t f = 0; f < features; f++)
            fprintf(out, "%g,", (double)((7 * i + 3 * f) % 11) - 5 + (double)(i % 2) * 0.25 * (double)i);
        fprintf(out, "%zu\n", i % 2);
    }
    fclose(out);
}

static size_t line_count(const char *name)
{
    size_t lines = 0;
    FILE *in = fopen(in_folder(name), "r");
    for (int c; in != NULL && (c = getc(in)) != EOF;)
        lines += c == '\n';
    if (in != NULL)
        fclose(in);
    return lines;
}

Test(moons_program, the_experiment_prints_its_numbers_and_leaves_its_files)
{
    expect_exit(MOONS("--out", in_folder("made/twice/deep")), 0, "moons");
    static const char *const printed[] = {"1000 rows of 2 features, 2 classes; 1218 params",
                                          "Gradients on the first 128 points, against PyTorch 1.13",
                                          "  w3       2x32 ",
                                          "200 right, 0 wrong",
                                          "epoch 20/200 ",
                                          "epoch 200/200 ",
                                          "After 200 epochs: loss 0.092185, accuracy 0.9690 on 1000 rows",
                                          "peak memory",
                                          "/boundary.svg\n"};
    static const char *const files[] = {"model.txt",   "history.csv", "loss.svg",   "boundary.svg",
                                        "network.dot", "neuron.dot",  "neuron.html"};
    for (size_t i = 0; i < sizeof printed / sizeof *printed; i++)
        expect_in("out", printed[i]);
    expect_not_in("out", "\r"); /* plain lines: this is no terminal */
    cr_expect_str_eq(content("err"), "", "it complained: %s", content("err"));
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char path[64];
        snprintf(path, sizeof path, "made/twice/deep/%s", files[i]);
        cr_expect(exists(path), "no %s", path);
    }
    cr_expect_eq(line_count("made/twice/deep/history.csv"), 201, "%zu lines in history.csv",
                 line_count("made/twice/deep/history.csv"));
    expect_in("made/twice/deep/history.csv", "epoch,loss,accuracy,seconds\n1,");
    expect_in("made/twice/deep/neuron.dot", "digraph");
    expect_in("made/twice/deep/network.dot", "layer 2");
    expect_in("made/twice/deep/network.dot", "1024 edges");
    expect_not_in("made/twice/deep/network.dot", "neuron");
    expect_nothing_unfinished("made/twice/deep");
    Error error;
    Graph *graph = graph_new();
    cr_expect_not_null(mlp_open(graph, in_folder("made/twice/deep/model.txt"), &error), "%s", error.message);
    graph_free(graph);
}

Test(moons_program, help_lists_every_option)
{
    static const char *const options[] = {
        "--data",     "--hidden",      "--activation", "--optimizer",     "--lr",         "--momentum",
        "--epochs",   "--batch",       "--seed",       "--test-fraction", "--out",        "--load",
        "--save",     "--quiet",       "--help",       "--skip-missing",  "--label",      "--separator",
        "--header",   "--standardize", "--keep-order", "--weight-decay",  "--make-moons", "--noise",
        "--compiled", "--threads",     "--vmath",
    };
    expect_exit(MOONS("--help"), 0, "--help");
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        expect_in("out", options[i]);
    cr_expect_str_eq(content("err"), "", "it complained: %s", content("err"));
}

static void expect_refused(const char *const wrong[][3], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        expect_exit(MOONS(wrong[i][0], wrong[i][1], "--out", in_folder("o")), 2, wrong[i][2]);
        expect_in("err", wrong[i][2]);
        expect_in("err", "--help");
        cr_expect(!exists("o"), "%s: work was begun", wrong[i][2]);
    }
}

#define EXPECT_REFUSED(table) expect_refused(table, sizeof(table) / sizeof *(table))

Test(moons_program, a_wrong_value_is_exit_2_and_named)
{
    static const char *const wrong[][3] = {
        {"--hidden", "", "--hidden needs an argument after it, 32,32"},
        {"--hidden", "32,", "--hidden 32,: expected sizes"},
        {"--hidden", "32,0", "--hidden 32,0: expected sizes"},
        {"--hidden", "-3", "--hidden -3: expected sizes"},
        {"--hidden", "3x", "--hidden 3x: expected sizes"},
        {"--hidden", "99999999999999999999", "--hidden 9"},
        {"--hidden", "1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1", "more than 30 layers"},
        {"--activation", "gelu", "--activation gelu: expected one of none, tanh, relu, sigmoid"},
        {"--optimizer", "SGD", "--optimizer SGD: expected one of sgd|adam"},
        {"--lr", "-1", "--lr -1: expected a number"},
        {"--lr", "nan", "--lr nan: expected a number"},
        {"--lr", "inf", "--lr inf: expected a number"},
        {"--lr", "fast", "--lr fast: expected a number"},
        {"--lr", "0.1x", "--lr 0.1x: expected a number"},
        {"--momentum", "1", "--momentum 1: expected a number from 0 to 0.999999"},
        {"--weight-decay", "-0.1", "--weight-decay -0.1: expected a number"},
        {"--epochs", "-1", "--epochs -1: expected a whole number"},
        {"--epochs", "1.5", "--epochs 1.5: expected a whole number"},
        {"--epochs", "99999999999999999999", "--epochs 99999999999999999999: expected a whole number"},
        {"--batch", "0", "--batch 0: expected a whole number from 1 up"},
        {"--seed", "x", "--seed x: expected a whole number"},
        {"--test-fraction", "1", "--test-fraction 1: expected a number"},
        {"--test-fraction", "-0.5", "--test-fraction -0.5: expected a number"},
        {"--make-moons", "1", "--make-moons 1: expected a whole number from 2 up"},
        {"--make-moons", "-5", "--make-moons -5: expected a whole number"},
        {"--threads", "0", "--threads 0: expected a whole number from 1 to 1024"},
        {"--threads", "-1", "--threads -1: expected a whole number"},
        {"--threads", "abc", "--threads abc: expected a whole number"},
        {"--threads", "1e9", "--threads 1e9: expected a whole number"},
        {"--threads", "1025", "--threads 1025: expected a whole number"},
        {"--threads", "4294967297", "--threads 4294967297: expected a whole number"},
    };
    EXPECT_REFUSED(wrong);
}

Test(moons_program, options_that_do_not_go_together_are_exit_2_and_named)
{
    only_where_long();
    static const char *const wrong[][3] = {
        {"--make-moons=9", "--data=f.csv", "--make-moons and --data f.csv: give one of them"},
        {"--make-moons=9", "--noise=-1", "--noise -1: expected a number from 0 up"},
        {"--noise", "0.1", "--noise 0.1 goes with --make-moons N"},
        {"--lr=1", "--lr=2", "--lr is given twice: 1 and 2"},
        {"--predict=f.csv", "--quiet", "--predict f.csv needs a model: --load FILE"},
        {"--predict=f.csv", "--load=m.txt", "--out does nothing with --predict"},
        {"--load=m.txt", "--hidden=3", "--hidden does nothing here: a saved model has its own sizes and activation"},
        {"--activation=relu", "--resume=c.txt", "--activation does nothing here"},
        {"--load=m.txt", "--resume=c.txt", "--load and --resume c.txt: give one of them"},
        {"--quiet=yes", "--quiet", "--quiet takes no argument"},
        {"--compiled=2", "--quiet", "--compiled takes no argument"},
        {"--colour", "red", "there is no option --colour"},
        {"red", "blue", "red: expected an option"},
        {"--make-moons=9", "--label=1", "--label, --separator, --header and --skip-missing go with --data FILE"},
        {"--skip-missing", "--quiet", "--label, --separator, --header and --skip-missing go with --data FILE"},
        {"--data=f.csv", "--separator=ab", "--separator ab: expected a character such as , or ;"},
        {"--data=f.csv", "--separator=\"", "--separator \": expected a character such as , or ;"},
        {"--data=f.csv", "--header=maybe", "--header maybe: expected one of yes|no"},
        {"--", "--quiet", "--quiet: expected an option"},
        {"--momentum=0.9", "--optimizer=adam", "--momentum 0.9 goes with --optimizer sgd"},
    };
    EXPECT_REFUSED(wrong);
    expect_exit(MOONS("--load", DATA "init.txt", "--predict", DATA "data.csv", "--threads=2"), 2, "nothing to replay");
    expect_in("err", "--threads does nothing with --predict");
    expect_exit(MOONS("--load", DATA "init.txt", "--keep-order", "--seed=5", "--out", in_folder("o")), 2, "--seed");
    expect_in("err", "--seed 5: nothing is random with --load and --keep-order");
    expect_exit(MOONS("--load", DATA "init.txt", "--keep-order", "--seed=5", "--test-fraction=0.1", "--epochs=0",
                      "--out", in_folder("o")),
                0, "a split is random");
    expect_exit(MOONS("--out", in_folder("o"), "--lr"), 2, "no value");
    expect_in("err", "--lr needs an argument after it");
    expect_exit(MOONS("--out", ""), 2, "--out ''");
    expect_in("err", "--out needs an argument after it");
}

Test(moons_program, bad_data_are_exit_1_with_file_and_line)
{
    static const char *const bad[][2] = {
        {"", "bad.csv"},
        {"x,y,label\n", "bad.csv"},
        {"1,2,0\n3,nan,1\n", "bad.csv:2:3: "},
        {"1,2,0\n3,4,5,1\n", "bad.csv:2:"},
        {"1,2,0\n3,1\n", "bad.csv:2:"},
        {"1,2,0\n3,abc,1\n", "bad.csv:2:3: "},
        {"1,2,0\n3,4,0.5\n", "this looks like a regression, or the wrong column. Set --label to"},
        {"1,2,0\n3,NA,1\n",
         "bad.csv:2:3: field 2: \"NA\" stands for a missing value. Write a number, or leave the row out; "
         "--skip-missing leaves out all such rows."},
        {"1 2 0\n3 4 1\n", "set --separator"},
        {"0,1,label\n5,6,1\n", "set --header=yes"},
        {"label,x,y\n0,1,2\n1,3,4\n", "Set --label=1 or --label=3"},
        {"\xFF\xFE"
         "1",
         "bad.csv:1:1: this is text in UTF-16"},
        {"1,2,0\n3,4,0\n", "all rows are of one class"},
        {"1,2,7\n3,4,7\n", "all rows are of one class"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_file("bad.csv", bad[i][0]);
        expect_exit(MOONS("--data", in_folder("bad.csv"), "--out", in_folder("o")), 1, bad[i][0]);
        expect_in("err", bad[i][1]);
        cr_expect(!exists("o/model.txt"), "a model was written");
    }
    expect_exit(MOONS("--data", in_folder("nowhere.csv"), "--out", in_folder("o")), 1, "no file");
    expect_in("err", "nowhere.csv");
    expect_exit(MOONS("--data", folder, "--out", in_folder("o")), 1, "a folder");
}

Test(moons_program, a_folder_that_cannot_be_made_is_said_before_the_work)
{
    write_file("file", "in the way\n");
    expect_exit(MOONS("--out", in_folder("file")), 1, "--out FILE");
    expect_in("err", "cannot make the folder");
    expect_exit(MOONS("--out", in_folder("file/below")), 1, "--out FILE/below");
    expect_in("err", "Choose another with --out.");
    cr_assert_eq(symlink("ring", in_folder("ring")), 0, "no link");
    expect_exit(MOONS("--out", in_folder("ring")), 1, "--out LINK");
    expect_in("err", strerror(ELOOP));
    cr_expect_str_eq(content("out"), "", "work was begun: %s", content("out"));
}

Test(moons_program, training_goes_on_from_a_saved_model)
{
    write_points("points.csv", 3, 40);
    const char *data_path = in_folder("points.csv");
    expect_exit(MOONS("--data", data_path, "--hidden", "4", "--epochs", "6", "--keep-order", "--quiet", "--out",
                      in_folder("six")),
                0, "six epochs");
    expect_exit(MOONS("--data", data_path, "--hidden", "4", "--epochs", "4", "--keep-order", "--quiet", "--out",
                      in_folder("o"), "--save", in_folder("four.txt")),
                0, "four epochs");
    cr_expect(exists("four.txt") && !exists("o/model.txt"), "--save takes the place of DIR/model.txt");
    expect_exit(MOONS("--data", data_path, "--load", in_folder("four.txt"), "--epochs", "2", "--keep-order", "--quiet",
                      "--out", in_folder("more")),
                0, "two more");
    char six[65536];
    snprintf(six, sizeof six, "%s", content("six/model.txt"));
    cr_expect_str_eq(content("more/model.txt"), six, "4 + 2 epochs are not 6 epochs");
    cr_expect(!exists("o/boundary.svg"), "a boundary of three features");
    expect_in("out", "no boundary.svg: a plane needs two features, and there are 3");
}

/* ---- a saved model is enough ------------------------------------------------------------------------------------- */

/* Three classes, "a b", c and "d", far from the origin; rows first, first + step, ... of 30. */
static void write_flowers(const char *name, size_t first, size_t step, const char *header, bool labels)
{
    static const char *const words[] = {"\"a, b\"", "c", "\"\"\"d\"\"\""};
    FILE *out = fopen(in_folder(name), "w");
    cr_assert_not_null(out, "cannot write %s", name);
    fprintf(out, "%s%s\n", header, labels ? ",word" : "");
    for (size_t i = first; i < 30; i += step) {
        const size_t class = i / 10;
        fprintf(out, "%g,%g", 1000 + 10 * (double)class + (double)(i % 4), -0.001 * (double)((i * 7) % 5 + 3 * class));
        fprintf(out, labels ? ",%s\n" : "\n", words[class]);
    }
    fclose(out);
}

/* A standardized model of those rows, which is right about all of them: m/model.txt. */
static void train_on_flowers(void)
{
    write_flowers("all.csv", 0, 1, "tall,wide", true);
    expect_exit(MOONS("--data", in_folder("all.csv"), "--standardize", "--optimizer", "adam", "--lr", "0.05",
                      "--hidden", "8", "--epochs", "100", "--quiet", "--out", in_folder("m")),
                0, "training");
    expect_in("out", "accuracy 1.0000 on 30 rows");
}

Test(moons_program, a_loaded_model_has_its_own_classes_and_scale)
{
    train_on_flowers();
    write_flowers("last.csv", 10, 1, "tall,wide", true); /* no row of the first class; another mean and deviation */
    expect_exit(MOONS("--data", in_folder("last.csv"), "--load", in_folder("m/model.txt"), "--epochs", "0", "--out",
                      in_folder("o")),
                0, "--load");
    expect_in("out", "accuracy 1.0000 on 20 rows");
    char saved[65536];
    snprintf(saved, sizeof saved, "%s", content("m/model.txt"));
    cr_expect_str_eq(content("o/model.txt"), saved, "the model was changed by no epochs");
    expect_exit(MOONS("--data", in_folder("last.csv"), "--load", in_folder("m/model.txt"), "--standardize", "--out",
                      in_folder("o")),
                1, "two scales");
    expect_in("err", "model.txt has a scale of its own, which is used. Leave --standardize out.");
}

Test(moons_program, data_that_do_not_fit_a_loaded_model_are_refused)
{
    train_on_flowers();
    static const char *const bad[][2] = {
        {"wide,tall,word\n1,2,c\n3,4,\"a, b\"\n",
         "feature 1 is \"wide\", and the model was trained with \"tall\" there."},
        {"1,2,c\n3,4,e\n", "e"},
        {"1,2,3,c\n3,4,5,\"a, b\"\n", "the model takes 2 features and 3 classes, and "},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_file("bad.csv", bad[i][0]);
        expect_exit(MOONS("--data", in_folder("bad.csv"), "--load", in_folder("m/model.txt"), "--out", in_folder("o")),
                    1, bad[i][1]);
        expect_in("err", bad[i][1]);
    }
}

/* The lines of `out`, but for the first, are those of the full list of predictions from `first` on, by `step`. */
static void expect_predictions(const char *all, size_t first, size_t step)
{
    static char got[65536];
    snprintf(got, sizeof got, "%s", content("out"));
    const char *line = strchr(got, '\n') + 1;
    size_t i = 0, seen = 0;
    for (const char *want = strchr(all, '\n') + 1; *want != '\0'; want = strchr(want, '\n') + 1, i++)
        if (i >= first && (i - first) % step == 0) {
            const size_t length = strcspn(want, "\n") + 1;
            cr_assert(strncmp(line, want, length) == 0, "row %zu: got %.80s, want %.80s", i, line, want);
            line += length;
            seen++;
        }
    cr_expect(*line == '\0' && seen > 0, "%zu rows, and then: %s", seen, line);
}

Test(moons_program, predict_prints_class_and_probabilities_whatever_else_is_in_the_file)
{
    char all[65536];
    train_on_flowers();
    const char *model = in_folder("m/model.txt"), *some = in_folder("some.csv");
    expect_exit(MOONS("--load", model, "--predict", in_folder("all.csv")), 0, "--predict");
    snprintf(all, sizeof all, "%s", content("out"));
    static const char begin[] = "class,\"\"\"d\"\"\",\"a, b\",c\n\"a, b\",";
    cr_expect_eq(strncmp(all, begin, strlen(begin)), 0, "it begins with %.60s", all);
    cr_expect_eq(line_count("out"), 31, "%zu lines", line_count("out"));
    expect_in("err", "all.csv: accuracy 1.0000 on 30 rows");
    for (int labels = 0; labels < 2; labels++) {
        write_flowers("some.csv", 3, 4, "tall,wide", labels);
        expect_exit(MOONS("--predict", some, "--load", model), 0, "some rows");
        expect_predictions(all, 3, 4);
        cr_expect_eq(content("err")[0] != '\0', labels, "it said: %s", content("err"));
    }
    write_flowers("some.csv", 29, 1, "tall,wide", false); /* one row, which has no deviation of its own */
    expect_exit(MOONS("--predict", some, "--load", model), 0, "one row");
    expect_predictions(all, 29, 1);
    cr_expect(!exists("build"), "predicting made a folder");
}

/* The probabilities are the softmax of what the network computes from the scaled features. */
Test(moons_program, predicted_probabilities_are_those_of_the_network)
{
    Error error;
    ModelInfo info;
    Graph *graph = graph_new();
    double x[2] = {1012, -0.004}, logits[3], p[3];
    train_on_flowers();
    write_file("one.csv", "1012,-0.004\n");
    expect_exit(MOONS("--load", in_folder("m/model.txt"), "--predict", in_folder("one.csv")), 0, "one row");
    const MLP *model = mlp_open_with(graph, &info, in_folder("m/model.txt"), &error);
    cr_assert_not_null(model, "%s", error.message);
    for (size_t f = 0; f < 2; f++)
        x[f] = (x[f] - info.scale.mean[f]) / info.scale.deviation[f];
    cr_assert(mlp_evaluate(model, x, logits), "no memory");
    const double sum = exp(logits[0]) + exp(logits[1]) + exp(logits[2]);
    cr_assert_eq(sscanf(strchr(content("out"), '\n'), "\nc,%lf,%lf,%lf\n", &p[0], &p[1], &p[2]), 3, "got %s",
                 content("out"));
    for (size_t c = 0; c < 3; c++)
        cr_expect(fabs(p[c] - exp(logits[c]) / sum) <= 1e-15, "class %zu: %g, want %g", c, p[c], exp(logits[c]) / sum);
    model_info_free(&info);
    graph_free(graph);
}

Test(moons_program, predict_refuses_what_it_cannot_predict_from)
{
    train_on_flowers();
    static const char *const bad[][2] = {
        {"tall,wide\n1,x\n2,3\n4,5\n", "bad.csv:2:3: "},
        {"tall,wide,word\n1,2,c\nx,3,c\n", "bad.csv:3:1: "},
        {"wide,tall\n1,2\n", "feature 1 is \"wide\""},
        {"1,2,3,4\n", "the model takes 2 features"},
        {"", "bad.csv"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_file("bad.csv", bad[i][0]);
        expect_exit(MOONS("--load", in_folder("m/model.txt"), "--predict", in_folder("bad.csv")), 1, bad[i][0]);
        expect_in("err", bad[i][1]);
        cr_expect_str_eq(content("out"), "", "it printed %s", content("out"));
    }
    write_file("new.csv", "1,2,new\n3,4,c\n");
    expect_exit(MOONS("--load", in_folder("m/model.txt"), "--predict", in_folder("new.csv")), 0, "an unknown class");
    expect_in("err", "new.csv: no accuracy: ");
    cr_expect_eq(line_count("out"), 3, "%zu lines", line_count("out"));
}

/* ---- checkpoints --------------------------------------------------------------------------------------------------
 */

/* Run with these options and `epochs`; `more` are two more options or NULL. */
static int train_to(const char *const *options, const char *epochs, const char *out, const char *more,
                    const char *more_argument)
{
    const char *arguments[20] = {"--data", in_folder("points.csv"), "--batch",  "7",   "--quiet",
                                 "--out",  in_folder(out),          "--epochs", epochs};
    size_t n = 9;
    while (*options != NULL)
        arguments[n++] = *options++;
    arguments[n++] = more;
    arguments[n] = more_argument;
    return moons_with(NULL, arguments);
}

Test(moons_program, ten_epochs_and_ten_more_are_twenty_bit_for_bit)
{
    only_where_long();
    static const char *const options[][7] = {
        {"--lr", "0.1", NULL},
        {"--momentum", "0.9", "--weight-decay", "0.01", NULL},
        {"--optimizer", "adam", "--weight-decay", "0.01", NULL},
        {"--keep-order", "--momentum", "0.5", NULL},
        {"--test-fraction", "0.3", "--standardize", "--seed", "5", NULL},
        {"--compiled", NULL},
        {"--threads", "2", "--momentum", "0.9", NULL},
        {"--vmath", "--optimizer", "adam", NULL},
    };
    write_points("points.csv", 2, 40);
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        char twenty[65536];
        const char *checkpoint = in_folder("c.txt");
        expect_exit(train_to(options[i], "20", "twenty", NULL, NULL), 0, "20 epochs");
        snprintf(twenty, sizeof twenty, "%s", content("twenty/model.txt"));
        expect_exit(train_to(options[i], "10", "ten", "--checkpoint", checkpoint), 0, "10 epochs");
        cr_expect_str_neq(content("ten/model.txt"), twenty, "ten epochs are twenty");
        expect_exit(train_to(options[i], "20", "more", "--resume", checkpoint), 0, "10 more");
        cr_expect_str_eq(content("more/model.txt"), twenty, "%s: 10 + 10 are not 20", options[i][0]);
        expect_in("out", "After 20 epochs");
        cr_expect_eq(line_count("more/history.csv"), 11, "%zu lines", line_count("more/history.csv"));
        expect_in("more/history.csv", "\n11,");
    }
}

Test(moons_program, a_run_stopped_within_an_epoch_goes_on_from_there, .timeout = 1800)
{
    only_where_long();
    write_points("points.csv", 2, 2000);
    size_t epoch = 0, rows = 0;
    char last[24], whole[65536];
    const char *const arguments[] = {
        "--data",       in_folder("points.csv"), "--batch", "1", "--epochs", "10", "--out", in_folder("stopped"),
        "--checkpoint", in_folder("c.txt"),      NULL};
    const pid_t child = start_moons(NULL, arguments);
    while (strstr(content("out"), "epoch 1/10") == NULL && kill(child, 0) == 0)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    kill(child, SIGINT);
    expect_exit(wait_for(child), 0, "after SIGINT");
    const char *line = strstr(content("c.txt"), "\nepoch ");
    cr_assert(line != NULL && sscanf(line, "\nepoch %zu rows %zu", &epoch, &rows) == 2, "no epoch in c.txt");
    cr_assert(epoch >= 1 && epoch < 10 && rows > 0, "stopped in epoch %zu after %zu rows", epoch, rows);
    snprintf(last, sizeof last, "%zu", epoch + 1);
    expect_exit(MOONS("--data", in_folder("points.csv"), "--batch", "1", "--epochs", last, "--quiet", "--out",
                      in_folder("whole")),
                0, "at a stretch");
    snprintf(whole, sizeof whole, "%s", content("whole/model.txt"));
    expect_exit(MOONS("--data", in_folder("points.csv"), "--batch", "1", "--epochs", last, "--quiet", "--out",
                      in_folder("rest"), "--resume", in_folder("c.txt")),
                0, "the rest");
    cr_expect_str_eq(content("rest/model.txt"), whole, "it is another model");
}

Test(moons_program, a_training_that_would_not_go_on_as_it_was_is_refused)
{
    static const char *const none[] = {NULL}, *const other[][3] = {
                                                  {"--lr", "0.1", NULL},         {"--momentum", "0.9", NULL},
                                                  {"--optimizer", "adam", NULL}, {"--test-fraction", "0.5", NULL},
                                                  {"--standardize", NULL, NULL}, {"--keep-order", NULL, NULL},
                                                  {"--compiled", NULL, NULL},    {"--vmath", NULL, NULL}};
    write_points("points.csv", 2, 40);
    const char *checkpoint = in_folder("c.txt");
    expect_exit(train_to(none, "10", "ten", "--checkpoint", checkpoint), 0, "10 epochs");
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        expect_exit(train_to(other[i], "20", "o", "--resume", checkpoint), 1, other[i][0]);
        expect_in("err", "the training was with sgd lr=0.05 ");
        expect_in("err", "Resume with the same options and data.");
        cr_expect(!exists("o/model.txt"), "%s: a model was written", other[i][0]);
    }
    expect_exit(train_to(none, "10", "o", "--resume", checkpoint), 1, "no more epochs");
    expect_in("err", "10 epochs are done already. Ask for more in all with --epochs.");
    expect_exit(train_to(none, "20", "o", "--resume", in_folder("ten/model.txt")), 1, "a model");
    expect_in("err", "this is a model and no checkpoint");
}

Test(moons_program, the_recorded_experiment_can_be_resumed_too)
{
    only_where_long();
    char whole[65536];
    const char *checkpoint = in_folder("c.txt");
    expect_exit(MOONS("--epochs", "3", "--quiet", "--out", in_folder("o")), 0, "3 epochs");
    snprintf(whole, sizeof whole, "%s", content("o/model.txt"));
    expect_exit(MOONS("--epochs", "2", "--checkpoint", checkpoint, "--quiet", "--out", in_folder("o")), 0, "2 epochs");
    expect_exit(MOONS("--epochs", "3", "--resume", checkpoint, "--out", in_folder("o")), 0, "1 more");
    cr_expect_str_eq(content("o/model.txt"), whole, "2 + 1 are not 3");
    expect_not_in("out", "against PyTorch"); /* those gradients are of the start */
}

Test(moons_program, a_model_that_cannot_be_saved_is_said_before_the_work)
{
    expect_exit(MOONS("--out", in_folder("o"), "--save", in_folder("no/such/model.txt")), 1, "--save");
    expect_in("err", "no/such/model.txt: cannot write: No such file");
    cr_expect_str_eq(content("out"), "", "work was begun: %s", content("out"));
}

static void fill_output(void)
{
    const int full = open("/dev/full", O_WRONLY);
    dup2(full, STDOUT_FILENO);
}

Test(moons_program, lost_output_is_not_passed_over)
{
    only_where_long();
    struct stat status;
    if (stat("/dev/full", &status) != 0)
        cr_skip_test("this system has no /dev/full");
    expect_exit(MOONS_AFTER(fill_output, "--epochs", "1", "--out", in_folder("o")), 1, "/dev/full");
    expect_in("err", "standard output: what was written is lost: No space left on device. The files were written.");
    cr_expect(exists("o/model.txt"), "no model");
    static const char told[] = "moons: standard output: what was written is lost: No space left on device";
    expect_exit(MOONS_AFTER(fill_output, "--help"), 1, "/dev/full");
    expect_in("err", told);
    expect_exit(MOONS_AFTER(fill_output, "--load", in_folder("o/model.txt"), "--predict", DATA "data.csv"), 1,
                "/dev/full");
    expect_in("err", told);
}

Test(moons_program, a_damaged_or_unfitting_model_is_refused)
{
    write_points("points.csv", 3, 40);
    write_file("damaged.txt", "stepgrad-mlp 1\nactivation tanh\nsizes 3 1 2\ntensor w1 1 3\n1 2\n");
    expect_exit(MOONS("--data", in_folder("points.csv"), "--load", in_folder("damaged.txt"), "--out", in_folder("o")),
                1, "damaged");
    expect_in("err", "damaged.txt:6: the file ends here, too early: it was cut short.");
    expect_exit(MOONS("--data", in_folder("points.csv"), "--load", DATA "init.txt", "--out", in_folder("o")), 1,
                "3, 2");
    expect_in("err", "init.txt: the model takes 2 features and 2 classes, and ");
    expect_in("err", "points.csv has 3 and 2.");
    expect_exit(MOONS("--load", in_folder("nowhere.txt"), "--out", in_folder("o")), 1, "nowhere");
    expect_in("err", "nowhere.txt: cannot read");
}

static void hide_dot(void) { setenv("PATH", "/nowhere", 1); }

Test(moons_program, every_way_of_training_works)
{
    only_where_long();
    write_points("points.csv", 2, 20);
    static const char *const ways[][2] = {
        {"--optimizer", "adam"},
        {"--activation", "relu"},
        {"--activation", "sigmoid"},
        {"--activation", "none"},
        {"--hidden", "0"},
        {"--hidden", "1"},
        {"--hidden", "5,4,3"},
        {"--momentum", "0.9"},
        {"--batch", "1"},
        {"--batch", "1000000"},
        {"--lr", "0"},
        {"--weight-decay", "0.01"},
        {"--seed", "12345"},
        {"--test-fraction", "0.25"},
        {"--epochs", "0"},
        {"--epochs", "1"},
    };
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        const bool epochs = strcmp(ways[i][0], "--epochs") == 0;
        expect_exit(MOONS_AFTER(hide_dot, "--data", in_folder("points.csv"), ways[i][0], ways[i][1], "--out",
                                in_folder("o"), epochs ? "--keep-order" : "--epochs=5"),
                    0, ways[i][1]);
        char after[64];
        snprintf(after, sizeof after, "After %s epochs: loss ", epochs ? ways[i][1] : "5");
        expect_in("out", after);
        expect_in("out", " right, 0 wrong");
        cr_expect(exists("o/model.txt") && exists("o/boundary.svg"), "%s %s: files are missing", ways[i][0],
                  ways[i][1]);
    }
}

Test(moons_program, the_activation_is_the_one_that_is_asked_for)
{
    only_where_long();
    for (Activation a = ACTIVATION_NONE; a <= ACTIVATION_SIGMOID; a++) {
        char want[64];
        snprintf(want, sizeof want, "activation %s\n", activation_name(a));
        expect_exit(MOONS("--make-moons=20", "--epochs=0", "--activation", activation_name(a), "--out", in_folder("o")),
                    0, activation_name(a));
        expect_in("o/model.txt", want);
    }
}

/* The same points as dataset_moons makes from that seed: half of them of each class, the noise as asked. */
Test(moons_program, new_moons_are_made_from_the_seed_with_the_noise_that_is_asked_for)
{
    char models[3][65536];
    static const char *const noises[] = {"0", "0", "0.3"};
    for (size_t i = 0; i < 3; i++) {
        expect_exit(MOONS("--make-moons", "300", "--noise", noises[i], "--seed", "4", "--hidden", "8", "--epochs",
                          "100", "--optimizer=adam", "--lr=0.03", "--out", in_folder("o")),
                    0, noises[i]);
        expect_in("out", "300 rows of 2 features, 2 classes; 42 params");
        expect_in("out", noises[i][1] == '\0' ? "accuracy 1.0000 on 300 rows" : "accuracy 0.");
        snprintf(models[i], sizeof models[i], "%s", content("o/model.txt"));
    }
    cr_expect_str_eq(models[0], models[1], "the same seed made other moons");
    cr_expect_str_neq(models[0], models[2], "--noise changed nothing");
    expect_in("o/network.dot", "neuron 1,7"); /* so small a network is drawn neuron by neuron */
    expect_exit(MOONS("--make-moons=3", "--test-fraction=0.1", "--out", in_folder("o")), 1, "too few");
    expect_in("err", "--make-moons: no rows are left to test on.");
}

Test(moons_program, what_is_too_large_to_draw_is_not_drawn)
{
    write_points("points.csv", 400, 10);
    expect_exit(MOONS("--data", in_folder("points.csv"), "--hidden=2", "--epochs=1", "--out", in_folder("o")), 0,
                "400 features");
    expect_in("out", "(no diagrams: 400 features and 2 classes are too many to draw)");
    cr_expect(exists("o/model.txt") && !exists("o/neuron.dot"), "model.txt alone should be there");
}

Test(moons_program, a_test_set_is_kept_apart)
{
    write_points("points.csv", 2, 50);
    expect_exit(MOONS("--data", in_folder("points.csv"), "--epochs", "3", "--test-fraction", "0.2", "--standardize",
                      "--out", in_folder("o")),
                0, "--test-fraction 0.2");
    expect_in("out", "40 rows of 2 features, 2 classes");
    expect_in("out", " on 40 rows; test loss ");
    expect_in("out", " on 10\n");
    expect_in("o/history.csv", "epoch,loss,accuracy,test_loss,test_accuracy,seconds\n");
    expect_in("o/boundary.svg", ">class 1</text>"); /* the legend */
}

Test(moons_program, a_split_that_leaves_one_side_empty_is_refused)
{
    write_points("points.csv", 2, 4);
    expect_exit(MOONS("--data", in_folder("points.csv"), "--test-fraction", "0.1", "--out", in_folder("o")), 1, "0.1");
    expect_in("err", "points.csv: no rows are left to test on. Ask for a larger --test-fraction.");
    expect_exit(MOONS("--data", in_folder("points.csv"), "--test-fraction", "0.9", "--out", in_folder("o")), 1, "0.9");
    expect_in("err", "points.csv: no rows are left to train on. Ask for a smaller --test-fraction.");
}

Test(moons_program, classes_may_be_words)
{
    write_file("iris.csv",
               "length,width,species\n5.1,3.5,setosa\n7.0,3.2,versicolor\n4.9,3.0,setosa\n6.4,3.2,versicolor\n"
               "6.3,3.3,virginica\n5.8,2.7,virginica\n");
    expect_exit(MOONS("--data", in_folder("iris.csv"), "--epochs", "3", "--out", in_folder("o")), 0, "words");
    expect_in("out", "Classes: setosa, versicolor, virginica\n");
    expect_in("out", "6 rows of 2 features, 3 classes");
    expect_in("o/boundary.svg", ">setosa</text>"); /* the legend */
}

/* The program run with more options of its own on a file of this text. */
static void run_on(const char *text, const char *option, const char *argument)
{
    write_file("points.csv", text);
    expect_exit(
        MOONS("--data", in_folder("points.csv"), option, argument, "--hidden=0", "--epochs=0", "--out", in_folder("o")),
        0, text);
}

Test(moons_program, csv_comes_in_many_ways)
{
    only_where_long();
    run_on("species;a;b\nsetosa;1,5;2\nvirginica;3;4\n", "--label", "species");
    expect_in("out", "Classes: setosa, virginica\n2 rows of 2 features, 2 classes");
    run_on("setosa|1|2\nvirginica|3|4\n", "--label", "1");
    expect_in("out", "Classes: setosa, virginica\n2 rows of 2 features");
    run_on("1,x;0\n2,x;1\n", "--separator", ","); /* found would be the semicolon */
    expect_in("out", "2 rows of 1 features, 2 classes");
    run_on("1\t2\t0\n3\t4\t1\n", "--separator", "tab");
    expect_in("out", "Classes: 0, 1\n2 rows of 2 features");
    run_on("1;2;0\n3;4;1\n", "--separator", ";");
    expect_in("out", "2 rows of 2 features");
    run_on("7,8,9\n1,2,0\n3,4,1\n", "--header", "yes");
    expect_in("out", "Classes: 0, 1\n2 rows of 2 features");
    run_on("1,2,a\n3,4,1\n", "--header", "no");
    expect_in("out", "Classes: 1, a\n2 rows of 2 features");
    run_on("x,y,label\n1,2,0\n3,,1\n5,?,1\n7,8,1\n", "--skip-missing", "--standardize");
    expect_in("out", "points.csv: 2 rows with missing values skipped.\nClasses: 0, 1\n2 rows of 2 features");
}

Test(moons_program, wine_in_its_layout_needs_the_label_named)
{
    only_where_long();
    expect_exit(MOONS("--data", WINE, "--out", in_folder("o")), 1, "wine");
    expect_in("err", "121 different values in 178 rows");
    expect_in("err", "Set --label to the column of the classes");
    expect_exit(MOONS("--data", WINE, "--label", "1", "--epochs", "0", "--out", in_folder("o")), 0, "wine --label 1");
    expect_in("out", "Classes: 1, 2, 3\n178 rows of 13 features, 3 classes");
}

Test(moons_program, noise_that_is_too_large_is_refused)
{
    expect_exit(MOONS("--make-moons", "10", "--noise", "1e308", "--out", in_folder("o")), 1, "noise");
    expect_in("err", "with noise 1e+308 points may be too large");
    cr_expect(!exists("o/model.txt"), "a model was written");
}

Test(moons_program, quiet_prints_no_progress)
{
    expect_exit(MOONS("--quiet", "--epochs", "2", "--out", in_folder("o")), 0, "--quiet");
    expect_not_in("out", "epoch 1/2");
    expect_not_in("out", "PyTorch");
    expect_in("out", "After 2 epochs");
}

Test(moons_program, the_same_seed_gives_the_same_model_and_another_another)
{
    only_where_long();
    char first[65536];
    for (int i = 0; i < 3; i++) {
        expect_exit(MOONS("--quiet", "--epochs", "2", "--seed", i < 2 ? "5" : "6", "--out", in_folder("o")), 0, "seed");
        if (i == 0)
            snprintf(first, sizeof first, "%s", content("o/model.txt"));
        cr_expect_eq(strcmp(first, content("o/model.txt")) == 0, i < 2, "run %d", i);
    }
}

/* ---- training that diverges -------------------------------------------------------------------------------------- */

static size_t most_digits_in_a_row(const char *text)
{
    size_t most = 0, now = 0;
    for (; *text != '\0'; text++) {
        now = *text >= '0' && *text <= '9' ? now + 1 : 0;
        most = now > most ? now : most;
    }
    return most;
}

/* What is true of every run that diverged, with an older model in o/model.txt: arguments, and what it says. */
#define EXPECT_DIVERGED(said, ...)                                                                                     \
    do {                                                                                                               \
        if (!exists("o"))                                                                                              \
            cr_assert_eq(mkdir(in_folder("o"), 0777), 0, "no folder");                                                 \
        write_file("o/model.txt", "the good model\n");                                                                 \
        expect_exit(MOONS(__VA_ARGS__, "--out", in_folder("o")), 1, said);                                             \
        expect_in("err", "moons: training diverged in epoch " said);                                                   \
        expect_in("err", ", the first that is not finite.\nNo model is saved");                                        \
        cr_expect_str_eq(content("o/model.txt"), "the good model\n", "%s: the old model was lost", said);              \
        expect_not_in("out", "After ");                                                                                \
        cr_expect(most_digits_in_a_row(content("out")) <= 20, "%s: many digits: %s", said, content("out"));            \
        cr_expect(exists("o/neuron.dot"), "%s: no diagram", said);                                                     \
        expect_nothing_unfinished("o");                                                                                \
    } while (0)

Test(moons_program, epochs_without_end_need_no_memory_without_end)
{
    write_points("points.csv", 2, 20);
    /* The product of weights of two layers, each 1e300, is no double: that stops the training. */
    EXPECT_DIVERGED("2, step 1, at a learning rate of 1e+300: the value of v", "--data", in_folder("points.csv"),
                    "--epochs", "18446744073709551615", "--lr", "1e300", "--activation", "none");
    cr_expect(line_count("o/history.csv") == 2 && exists("o/loss.svg"), "want the one finite epoch");
    expect_not_in("o/history.csv", "nan");
}

Test(moons_program, a_last_step_that_leads_astray_is_not_saved)
{
    write_points("points.csv", 2, 20);
    EXPECT_DIVERGED("1, step 1, at a learning rate of 1e+300: the value of v", "--data", in_folder("points.csv"),
                    "--epochs", "1", "--lr", "1e300", "--activation", "none", "--quiet");
}

Test(moons_program, training_stops_in_the_step_that_diverges_and_not_at_the_end_of_the_epoch)
{
    write_points("points.csv", 2, 20);
    EXPECT_DIVERGED("1, step 2, at a learning rate of 1e+300: the value of v", "--data", in_folder("points.csv"),
                    "--batch", "1", "--lr", "1e300", "--activation", "none", "--keep-order");
    expect_in("out", "(no loss.svg: no epoch had a finite loss)");
}

Test(moons_program, a_step_out_of_the_doubles_is_reported_with_its_param)
{
    write_file("large.csv", "1e10,0\n1e10,1\n");
    EXPECT_DIVERGED("1, step 1, at a learning rate of 1e+300: the value of w1[0,0] (op param) is ", "--data",
                    in_folder("large.csv"), "--hidden", "0", "--lr", "1e300");
    write_file("large.csv", "1e-3,1e12,1\n1e-3,1e12,0\n");
    EXPECT_DIVERGED("1, step 1, at a learning rate of 1e+298: the value of w1[0,1] (op param) is ", "--data",
                    in_folder("large.csv"), "--hidden", "0", "--lr", "1e298");
}

Test(moons_program, data_too_large_for_the_network_are_reported_before_a_step)
{
    write_file("large.csv", "1.5e308,1.5e308,0\n-1.5e308,-1.5e308,1\n");
    EXPECT_DIVERGED("1, step 1, at a learning rate of 0.05: the value of ", "--data", in_folder("large.csv"),
                    "--activation", "none", "--hidden", "50", "--quiet");
    expect_in("err", "Try --standardize");
}

/* One feature x of ±1e308, h = 1e-308·x, logits ±1e5·h, and each row of the wrong class: the loss is 2e5 and the
 * gradient of the first weight 2e5·1e308. */
Test(moons_program, a_gradient_that_is_not_finite_is_reported_though_the_loss_is)
{
    const double numbers[] = {1e-308, 0, 1e5, 0, -1e5, 0};
    Error error;
    Graph *graph = graph_new();
    MLP *small = mlp_new(graph, ((size_t[]){1, 1, 2}), 3, ACTIVATION_NONE);
    for (size_t i = 0; i < small->param_count; i++)
        small->params[i]->data = numbers[i];
    cr_assert(mlp_save(small, in_folder("small.txt"), &error), "%s", error.message);
    graph_free(graph);
    write_file("wrong.csv", "1e308,1\n-1e308,0\n");
    EXPECT_DIVERGED("1, step 1, at a learning rate of 0.05: the gradient of w1[0,0] (op param) is infinite", "--data",
                    in_folder("wrong.csv"), "--load", in_folder("small.txt"), "--quiet");
}

/* The step is lr·decay·w, about 1e306: the losses after it add up to no double, but their mean is one. */
Test(moons_program, a_large_loss_is_finite)
{
    write_file("large.csv", "1,0\n-1,1\n2,0\n-2,1\n");
    expect_exit(MOONS("--data", in_folder("large.csv"), "--hidden", "0", "--weight-decay", "1e304", "--lr", "10000",
                      "--epochs", "1", "--batch", "4", "--quiet", "--out", in_folder("o")),
                0, "1e307");
    expect_in("out", "e+30");
    cr_expect(most_digits_in_a_row(content("out")) <= 20, "many digits: %s", content("out"));
    cr_expect(exists("o/model.txt"), "a finite model was not saved");
}

/* ---- --compiled -------------------------------------------------------------------------------------------------- */

/* The losses and accuracies of a history.csv without a test set; how many epochs. */
static size_t read_history(const char *name, double *loss, double *accuracy, size_t most)
{
    size_t n = 0;
    FILE *in = fopen(in_folder(name), "r");
    cr_assert(in != NULL && fscanf(in, "epoch,loss,accuracy,seconds\n") == 0, "no %s", name);
    while (n < most && fscanf(in, "%*u,%lf,%lf,%*f\n", &loss[n], &accuracy[n]) == 2)
        n++;
    fclose(in);
    return n;
}

/* The params of a saved network; how many. */
static size_t read_params(const char *name, double *params, size_t most)
{
    Error error;
    Graph *graph = graph_new();
    const MLP *model = mlp_open(graph, in_folder(name), &error);
    cr_assert_not_null(model, "%s", error.message);
    cr_assert(model->param_count <= most, "%zu params", model->param_count);
    const size_t n = model->param_count;
    for (size_t i = 0; i < n; i++)
        params[i] = model->params[i]->data;
    graph_free(graph);
    return n;
}

/* As the experiment of o, up to rounding, went that of c: by `loss_bound` in an epoch, by `param_bound` at the end. */
static void expect_same_training(double loss_bound, double param_bound, const char *what)
{
    enum { EPOCHS = 200, PARAMS_MOST = 1700 };
    static double loss[2][EPOCHS], accuracy[2][EPOCHS], params[2][PARAMS_MOST];
    double loss_off = 0, param_off = 0;
    const size_t epochs = read_history("o/history.csv", loss[0], accuracy[0], EPOCHS);
    cr_assert(epochs > 0 && read_history("c/history.csv", loss[1], accuracy[1], EPOCHS) == epochs, "%s: epochs", what);
    for (size_t e = 0; e < epochs; e++) {
        loss_off = fmax(loss_off, fabs(loss[0][e] - loss[1][e]));
        cr_expect_eq(accuracy[0][e], accuracy[1][e], "%s: epoch %zu: accuracy %g and %g", what, e + 1, accuracy[0][e],
                     accuracy[1][e]);
    }
    const size_t n = read_params("o/model.txt", params[0], PARAMS_MOST);
    cr_assert_eq(read_params("c/model.txt", params[1], PARAMS_MOST), n, "%s: params", what);
    for (size_t i = 0; i < n; i++)
        param_off = fmax(param_off, fabs(params[0][i] - params[1][i]));
    cr_log_info("%s: losses differ by %.3g, params by %.3g\n", what, loss_off, param_off);
    cr_expect(loss_off <= loss_bound, "%s: losses differ by %g", what, loss_off);
    cr_expect(param_off <= param_bound, "%s: params differ by %g", what, param_off);
}

/* The bounds are those of after_200_epochs_it_is_where_pytorch_is, where they are derived: both trainings compute the
 * same numbers, but the loss by another formula, and round otherwise. */
Test(moons_program, the_compiled_experiment_is_that_of_define_by_run_and_ends_where_pytorch_does)
{
    only_where_long();
    double params[PARAMS], accuracy;
    const double torch = 0.09218499891729762;
    expect_exit(MOONS_AFTER(hide_dot, "--quiet", "--out", in_folder("o")), 0, "define-by-run");
    expect_in("out", " M nodes built, ");
    expect_exit(MOONS_AFTER(hide_dot, "--compiled", "--out", in_folder("c")), 0, "--compiled");
    expect_in("out", "200 right, 0 wrong");
    expect_in("out", "epoch 20/200 ");
    expect_in("out", "After 200 epochs: loss 0.092185, accuracy 0.9690 on 1000 rows");
    expect_in("out", "1 graph of 138 nodes, replayed for 200000 rows by 1 thread, ");
    cr_expect_str_eq(content("err"), "", "it complained: %s", content("err"));
    expect_same_training(1e-13, 1.5e-12, "200 epochs");
    open_experiment();
    read_params("c/model.txt", params, PARAMS);
    for (size_t i = 0; i < PARAMS; i++)
        net->params[i]->data = params[i];
    const double loss = evaluate(&accuracy);
    cr_expect(fabs(loss - torch) <= 1e-13 && accuracy == 0.969, "loss %.17g, PyTorch %.17g; accuracy %g", loss, torch,
              accuracy);
    close_experiment();
}

/* Wine has three classes. A param, below 1, is rounded by 5.6e-17 at most in each of at most 356 steps, and lr·gradient
 * by less: 2.5e-14 in all. A loss is below 2, and follows the params. */
Test(moons_program, every_way_of_training_can_be_compiled)
{
    only_where_long();
    static const char *const ways[][2] = {{"--optimizer", "adam"},
                                          {"--activation", "relu"},
                                          {"--activation", "sigmoid"},
                                          {"--activation", "none"},
                                          {"--hidden", "0"},
                                          {"--hidden", "5,4,3"},
                                          {"--momentum", "0.9"},
                                          {"--weight-decay", "0.01"},
                                          {"--batch", "1"},
                                          {"--batch", "1000000"},
                                          {"--batch", "7"},
                                          {"--seed", "12345"},
                                          {"--lr", "0"},
                                          {"--keep-order", "--lr=0.1"}};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        for (int compiled = 0; compiled < 2; compiled++)
            expect_exit(MOONS_AFTER(hide_dot, "--data", WINE, "--label=1", "--standardize", "--quiet", "--epochs=2",
                                    ways[i][0], ways[i][1], "--out", in_folder(compiled ? "c" : "o"),
                                    compiled ? "--compiled" : NULL),
                        0, ways[i][1]);
        expect_in("out", " nodes, replayed for 356 rows by 1 thread");
        expect_same_training(2.5e-14, 2.5e-14, ways[i][1]);
    }
    expect_exit(MOONS_AFTER(hide_dot, "--data", WINE, "--label=1", "--test-fraction=0.5", "--epochs=2", "--quiet",
                            "--compiled", "--out", in_folder("o")),
                0, "a test set");
    expect_in("out", "replayed for 178 rows");
    expect_in("o/history.csv", "epoch,loss,accuracy,test_loss,test_accuracy,seconds\n");
    expect_exit(MOONS_AFTER(hide_dot, "--epochs=0", "--compiled", "--out", in_folder("o")), 0, "no epochs");
    expect_in("out", "replayed for 0 rows");
}

/* Whether the compiler of the engine has it. */
static bool has_openmp(void)
{
    Error error;
    Graph *graph = graph_new();
    Program *program = program_record(v_neg(v_param(graph, 1)), NULL, 0, &error);
    cr_assert(program != NULL && program_use_threads(program, 2), "no memory");
    const bool has = program_threads(program) == 2;
    program_free(program);
    graph_free(graph);
    return has;
}

/* A batch of 200 rows has blocks of its own for 7 threads. */
Test(moons_program, any_number_of_threads_trains_the_same_model_byte_for_byte)
{
    static const char *const threads[] = {"--quiet", "--threads=1", "--threads=2", "--threads=3", "--threads=100"},
                             *const words[] = {"by 1 thread", "by 1 thread", "by 2 threads", "by 3 threads",
                                               "by 100 threads"};
    char first[65536];
    const bool openmp = has_openmp();
    for (int vmath = 0; vmath < 2; vmath++)
        for (size_t i = 0; i < sizeof threads / sizeof *threads; i++) {
            expect_exit(MOONS_AFTER(hide_dot, "--epochs=5", "--batch=200", "--quiet", "--out", in_folder("o"),
                                    threads[i], vmath ? "--vmath" : "--compiled"),
                        0, threads[i]);
            expect_in("out", openmp ? words[i] : "by 1 thread");
            expect_in("out", vmath ? " with vmath, " : " M nodes/s");
            if (vmath && i == 0)
                cr_expect_str_neq(content("o/model.txt"), first, "vmath has the bits of libm");
            if (i == 0)
                snprintf(first, sizeof first, "%s", content("o/model.txt"));
            cr_expect_str_eq(content("o/model.txt"), first, "%s: another model", threads[i]);
        }
}

Test(moons_program, a_checkpoint_of_two_threads_goes_on_with_three)
{
    char whole[65536];
    const char *checkpoint = in_folder("c.txt");
    expect_exit(MOONS_AFTER(hide_dot, "--epochs=4", "--threads=2", "--quiet", "--out", in_folder("o")), 0, "4 epochs");
    snprintf(whole, sizeof whole, "%s", content("o/model.txt"));
    expect_exit(MOONS_AFTER(hide_dot, "--epochs=2", "--threads=2", "--checkpoint", checkpoint, "--quiet", "--out",
                            in_folder("o")),
                0, "2 epochs");
    expect_exit(
        MOONS_AFTER(hide_dot, "--epochs=4", "--threads=3", "--resume", checkpoint, "--quiet", "--out", in_folder("o")),
        0, "2 more");
    cr_expect_str_eq(content("o/model.txt"), whole, "2 + 2 are not 4");
    expect_exit(MOONS_AFTER(hide_dot, "--epochs=4", "--vmath", "--resume", checkpoint, "--out", in_folder("o")), 1,
                "--vmath");
    expect_in("err", "Resume with the same options and data.");
}

/* A compiler without OpenMP: the engine's threads without that flag, before the library's own. */
Test(moons_program, without_openmp_one_thread_does_the_work_and_says_so)
{
    char command[1024];
    const char *build = getenv("BUILD") != NULL ? getenv("BUILD") : "build";
    snprintf(command, sizeof command,
             "${CC:-cc} -std=c11 -O1 -ffp-contract=off ${LESSON_FLAGS:-} -Iengine engine/replay_threads.c "
             "%s/lessons/moons/*.o "
             "%s/libstepgrad.a -o %s -lm",
             build, build, in_folder("moons"));
    cr_assert_eq(system(command), 0, "%s", command);
    expect_exit(MOONS_AFTER(hide_dot, "--epochs=2", "--quiet", "--threads=1", "--out", in_folder("o")), 0,
                "with OpenMP");
    char model[65536];
    snprintf(model, sizeof model, "%s", content("o/model.txt"));
    setenv("BUILD", folder, 1);
    expect_exit(MOONS_AFTER(hide_dot, "--epochs=2", "--quiet", "--threads=4", "--out", in_folder("o")), 0,
                "without OpenMP");
    expect_in("err", "moons: --threads 4: one thread does the work, as the compiler had no OpenMP.");
    expect_in("out", " rows by 1 thread, ");
    cr_expect_str_eq(content("o/model.txt"), model, "another model");
    expect_exit(MOONS_AFTER(hide_dot, "--epochs=2", "--quiet", "--compiled", "--out", in_folder("o")), 0,
                "one thread is enough");
    cr_expect_str_eq(content("err"), "", "it complained: %s", content("err"));
}

/* The message of define-by-run, with the same node. */
#define EXPECT_SAME_DIVERGENCE(...)                                                                                    \
    do {                                                                                                               \
        char said[65536];                                                                                              \
        expect_exit(MOONS_AFTER(hide_dot, __VA_ARGS__, "--quiet", "--out", in_folder("o")), 1, "define-by-run");       \
        snprintf(said, sizeof said, "%s", content("err"));                                                             \
        expect_exit(MOONS_AFTER(hide_dot, __VA_ARGS__, "--quiet", "--out", in_folder("o"), "--compiled"), 1,           \
                    "--compiled");                                                                                     \
        expect_in("err", "moons: training diverged in epoch ");                                                        \
        cr_expect_str_eq(content("err"), said, "want %s", said);                                                       \
        cr_expect(!exists("o/model.txt"), "a model was saved");                                                        \
    } while (0)

Test(moons_program, a_compiled_training_that_diverges_names_the_same_node)
{
    write_points("points.csv", 2, 20);
    const char *points = in_folder("points.csv"), *large = in_folder("large.csv");
    EXPECT_SAME_DIVERGENCE("--data", points, "--lr", "1e300", "--activation", "none");
    EXPECT_SAME_DIVERGENCE("--data", points, "--lr", "1e300", "--activation", "none", "--epochs", "1");
    EXPECT_SAME_DIVERGENCE("--data", points, "--lr", "1e300", "--activation", "none", "--batch", "1");
    write_file("large.csv", "1e-3,1e12,1\n1e-3,1e12,0\n");
    EXPECT_SAME_DIVERGENCE("--data", large, "--hidden", "0", "--lr", "1e298");
    expect_in("err", "the value of w1[0,1] (op param) is ");
    write_file("large.csv", "1.5e308,1.5e308,0\n-1.5e308,-1.5e308,1\n");
    EXPECT_SAME_DIVERGENCE("--data", large, "--hidden", "50", "--activation", "none");
}

/* In the first row a logit is −∞, which is p = 0 for that class, and the loss is 0. The program's 0·∞ is NaN: such
 * steps are taken by define-by-run. */
Test(moons_program, a_class_that_is_ruled_out_stops_no_compiled_training)
{
    Error error;
    Graph *graph = graph_new();
    MLP *small = mlp_new(graph, ((size_t[]){1, 2}), 2, ACTIVATION_NONE);
    small->params[0]->data = -1e308;
    cr_assert(mlp_save(small, in_folder("small.txt"), &error), "%s", error.message);
    graph_free(graph);
    write_file("points.csv", "10,1\n0,0\n");
    for (int compiled = 0; compiled < 2; compiled++)
        expect_exit(MOONS_AFTER(hide_dot, "--data", in_folder("points.csv"), "--load", in_folder("small.txt"),
                                "--epochs=5", "--out", in_folder(compiled ? "c" : "o"), compiled ? "--compiled" : NULL),
                    0, "p = 0");
    expect_same_training(0, 0, "p = 0");
}

/* ---- the program in trouble -------------------------------------------------------------------------------------- */

/* As start_moons with a training that takes long, of which a line of progress, the first of ten, has been seen. */
static pid_t start_long_training(void)
{
    write_points("points.csv", 2, 10);
    const char *const arguments[] = {"--data", in_folder("points.csv"), "--hidden", "2", "--epochs", "2000000",
                                     "--out",  in_folder("o"),          NULL};
    const pid_t child = start_moons(NULL, arguments);
    while (strstr(content("out"), "epoch 2") == NULL && kill(child, 0) == 0)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    return child;
}

static void stop_training_by(int signal_number)
{
    const pid_t child = start_long_training();
    kill(child, signal_number);
    expect_exit(wait_for(child), 0, strsignal(signal_number));
    expect_in("out", "Stopped after 2");
    expect_in("out", "o/history.csv\n");
    static const char *const files[] = {"o/model.txt", "o/history.csv", "o/loss.svg", "o/boundary.svg", "o/neuron.dot"};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        cr_expect(exists(files[i]), "no %s", files[i]);
    const size_t epochs = line_count("o/history.csv") - 1;
    cr_expect(epochs >= 200000 && epochs < 2000000, "%zu epochs in history.csv", epochs);
    expect_nothing_unfinished("o");
}

Test(moons_program, ctrl_c_stops_after_the_step_and_writes_all, .timeout = 1800) { stop_training_by(SIGINT); }
Test(moons_program, sigterm_does_as_ctrl_c_does, .timeout = 1800)
{
    only_where_long();
    stop_training_by(SIGTERM);
}
Test(moons_program, sighup_does_as_ctrl_c_does, .timeout = 1800)
{
    only_where_long();
    stop_training_by(SIGHUP);
}

/* Both before the program goes on. */
static void send_two_signals(pid_t child)
{
    kill(child, SIGSTOP);
    kill(child, SIGTERM);
    kill(child, SIGHUP);
    kill(child, SIGCONT);
}

static void expect_end_by_signal(pid_t child)
{
    const int status = wait_for(child);
    cr_expect(status == -SIGTERM || status == -SIGHUP, "status %d, want the end by a signal", status);
    expect_nothing_unfinished("o");
}

Test(moons_program, a_second_signal_ends_the_training_at_once, .timeout = 1800)
{
    only_where_long();
    const pid_t child = start_long_training();
    send_two_signals(child);
    expect_end_by_signal(child);
    cr_expect(!exists("o/model.txt"), "it saved nevertheless");
}

/* The boundary of so large a network takes ten seconds, and to get there one. */
Test(moons_program, a_second_signal_leaves_no_half_picture, .timeout = 1800)
{
    write_points("points.csv", 2, 10);
    const char *const arguments[] = {
        "--data", in_folder("points.csv"), "--hidden", "200,200", "--epochs", "0", "--quiet",
        "--out",  in_folder("o"),          NULL};
    const pid_t child = start_moons(NULL, arguments);
    struct stat status;
    while (stat(in_folder("o/boundary.svg.stepgrad.tmp"), &status) != 0 && kill(child, 0) == 0)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    send_two_signals(child);
    expect_end_by_signal(child);
    cr_expect(exists("o/model.txt") && !exists("o/boundary.svg"), "want the model alone");
}

static void ignore_hangup(void) { signal(SIGHUP, SIG_IGN); }

Test(moons_program, below_nohup_a_hangup_stops_nothing, .timeout = 1800)
{
    only_where_long();
    write_points("points.csv", 2, 10);
    const char *const arguments[] = {"--data", in_folder("points.csv"), "--hidden", "2", "--epochs", "200000",
                                     "--out",  in_folder("o"),          NULL};
    const pid_t child = start_moons(ignore_hangup, arguments);
    while (strstr(content("out"), "epoch 2") == NULL && kill(child, 0) == 0)
        nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
    kill(child, SIGHUP);
    expect_exit(wait_for(child), 0, "nohup");
    expect_in("out", "After 200000 epochs");
}

/* A pipe that nobody reads. */
static void close_output(void)
{
    int ends[2];
    if (pipe(ends) != 0)
        _exit(125);
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    close(ends[1]);
}

Test(moons_program, a_closed_pipe_does_as_ctrl_c_does, .timeout = 1800)
{
    only_where_long();
    write_points("points.csv", 2, 10);
    expect_exit(MOONS_AFTER(close_output, "--data", in_folder("points.csv"), "--hidden", "2", "--epochs", "2000000",
                            "--out", in_folder("o")),
                1, "a closed pipe");
    expect_in("err", ". The files were written.");
    cr_expect_eq(line_count("o/history.csv"), 200001, "%zu lines, want the epochs up to the first line of progress",
                 line_count("o/history.csv"));
    cr_expect(exists("o/model.txt") && exists("o/boundary.svg") && exists("o/neuron.html"), "files are missing");
    expect_nothing_unfinished("o");
}

Test(moons_program, without_dot_all_else_is_there_and_a_line_says_how_to_get_it)
{
    only_where_long();
    expect_exit(MOONS_AFTER(hide_dot, "--epochs", "1", "--out", in_folder("o")), 0, "no dot");
    expect_in("out", "(no network.svg: ");
    expect_in("out", "(no neuron.svg: ");
    expect_in("out", "install");
    cr_expect(exists("o/neuron.dot") && !exists("o/neuron.svg"), "neuron.dot alone should be there");
}

static rlim_t file_bytes;

/* As a disk that has room for files of so many bytes: a write beyond is an error and not the end of the program. */
static void limit_files(void)
{
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){file_bytes, file_bytes});
}

Test(moons_program, a_full_disk_is_said_and_leaves_no_half_file)
{
    write_file("keep.txt", "the old model\n");
    file_bytes = 10000; /* model.txt takes 26 kB, boundary.svg more than 60 kB */
    expect_exit(
        MOONS_AFTER(limit_files, "--epochs", "1", "--quiet", "--out", in_folder("o"), "--save", in_folder("keep.txt")),
        1, "10 kB");
    expect_in("err", "keep.txt: cannot write");
    cr_expect_str_eq(content("keep.txt"), "the old model\n", "the old file was lost");
    file_bytes = 40000;
    expect_exit(MOONS_AFTER(limit_files, "--epochs", "1", "--quiet", "--out", in_folder("o")), 1, "40 kB");
    expect_in("err", "boundary.svg: cannot write");
    cr_expect(exists("o/model.txt") && exists("o/history.csv") && !exists("o/boundary.svg"), "other files are there");
    expect_nothing_unfinished("o");
    expect_nothing_unfinished("");
}

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

static rlim_t memory_bytes;

static void limit_memory(void) { setrlimit(RLIMIT_AS, &(struct rlimit){memory_bytes, memory_bytes}); }

/* 250,000 params need 16 MB beside what the steps need: from little memory to enough, each run is right or says so. The
 * second that is right ends it. */
Test(moons_program, memory_that_runs_out_is_said_and_leaves_no_half_file, .timeout = 1800)
{
    only_where_long();
    size_t failed = 0, right = 0;
    if (SANITIZED)
        cr_skip_test("a sanitizer needs terabytes of addresses");
    write_points("points.csv", 3, 20); /* 3: a boundary of so large a network takes long */
    for (rlim_t megabytes = 12; megabytes <= 120 && right < 2; megabytes = megabytes * 5 / 4) {
        memory_bytes = megabytes << 20;
        const int code = MOONS_AFTER(limit_memory, "--data", in_folder("points.csv"), "--hidden", "500,500", "--epochs",
                                     "1", "--batch", "5", "--quiet", "--out", in_folder("o"));
        cr_expect(code == 0 || code == 1, "%zu MB: exit %d: %s", (size_t)megabytes, code, content("err"));
        if (code != 0)
            expect_in("err", "memory");
        failed += code != 0;
        right += code == 0;
        if (exists("o"))
            expect_nothing_unfinished("o");
    }
    cr_expect(failed > 0 && right > 0, "%zu runs failed and %zu were right", failed, right);
}
