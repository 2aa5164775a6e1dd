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

#include "memory.h"
#include "stepgrad.h"

#define DATA "lessons/data/moons/"
#define GOLDEN "tests/golden/moons/"

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

static Allocator *standard;
static size_t allocations;

static void *counting_allocator(size_t bytes)
{
    allocations++;
    return standard(bytes);
}

Test(moons, after_the_first_epoch_training_allocates_nothing)
{
    size_t rows[ROWS];
    rows_in_order(rows);
    for (size_t e = 0; e < 3; e++) {
        standard = memory_set_allocator(NULL);
        allocations = 0;
        memory_set_allocator(counting_allocator);
        for (size_t first = 0; first < ROWS; first += BATCH)
            step(&rows[first], ROWS - first < BATCH ? ROWS - first : BATCH);
        memory_set_allocator(NULL);
        cr_expect(e == 0 ? allocations > 0 : allocations == 0, "epoch %zu made %zu allocations", e + 1, allocations);
    }
}
