/* moons.c - the whole of it at work: an MLP trained on two moons, or on any CSV of numbers and classes.
 *
 *     build/moons                         the experiment: recorded data, recorded start, gradients against PyTorch's
 *     build/moons --data iris.csv         any other data;  --help lists the options
 *
 * Read main, then train_step: build the graph of a batch's loss by running the network, walk it backward, take a step,
 * release the nodes. The other files hold the options, the preparations, and the tables and pictures.
 * In gdb: break train_step, then `finish` a few times, or `break backward_hook` to stop at every node.
 */
#define _POSIX_C_SOURCE 200809L /* sigaction, clock_gettime */
#include "moons.h"

#include <math.h>
#include <signal.h>
#include <string.h>
#include <time.h>

/* ---- a step ------------------------------------------------------------------------------------------------------ */

static size_t index_of_largest(Value *const *list, size_t n)
{
    size_t largest = 0;
    for (size_t i = 1; i < n; i++)
        largest = list[i]->data > list[largest]->data ? i : largest;
    return largest;
}

/* The mean cross-entropy of the network on n rows. *correct: how many it gets right. */
Value *batch_loss(Run *run, const Dataset *data, const size_t *rows, size_t n, size_t *correct)
{
    const size_t features = data->features;
    double *numbers = need(graph_alloc_array(run->graph, n * features, sizeof *numbers));
    Value **losses = need(graph_alloc_array(run->graph, n, sizeof *losses));
    for (size_t i = 0; i < n; i++)
        memcpy(numbers + i * features, dataset_row(data, rows[i]), features * sizeof *numbers);
    Value **x = need(v_inputs(run->graph, numbers, n * features));
    Value **logits = need(mlp_forward_rows(run->net, x, n));
    *correct = 0;
    for (size_t i = 0; i < n; i++, logits += run->classes) {
        *correct += index_of_largest(logits, run->classes) == (size_t)data->label[rows[i]];
        losses[i] = cross_entropy(logits, run->classes, data->label[rows[i]]);
    }
    Value *loss = mean_loss(losses, n);
    return need(graph_ok(run->graph) ? loss : NULL);
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

/* On a whole set, without a graph. */
Score evaluate(const Run *run, const Dataset *data)
{
    double *logits = need(memory_alloc_array(run->classes, sizeof *logits));
    double sum = 0;
    size_t correct = 0;
    for (size_t i = 0; i < data->count; i++) {
        need(mlp_evaluate(run->net, dataset_row(data, i), logits) ? logits : NULL);
        size_t largest = 0;
        for (size_t c = 1; c < run->classes; c++)
            largest = logits[c] > logits[largest] ? c : largest;
        correct += largest == (size_t)data->label[i];
        sum += logsumexp_forward(run->classes, logits, NULL, 1) - logits[data->label[i]];
    }
    memory_free(logits);
    return (Score){sum / (double)data->count, (double)correct / (double)data->count};
}

/* ---- training ---------------------------------------------------------------------------------------------------- */

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

static Score train_epoch(Run *run)
{
    const bool keep_order = run->options.recorded || run->options.keep_order;
    const size_t *rows;
    double loss = 0;
    size_t seen = 0, correct_in_all = 0;
    run->epoch_random = run->random;
    batches_begin(&run->batches, keep_order ? NULL : &run->random);
    run->batches.next = run->rows_before; /* in the epoch that --resume begins with */
    run->rows_before = 0;
    for (size_t n; (n = batches_next(&run->batches, &rows)) > 0;) {
        size_t correct;
        loss += train_step(run, rows, n, &correct) * (double)n;
        correct_in_all += correct;
        seen += n;
        if (stop_asked)
            break; /* after a step, so that there is a loss to report */
    }
    return (Score){loss / (double)seen, (double)correct_in_all / (double)seen};
}

static void train(Run *run)
{
    const double start = now();
    bool finite = true;
    while (run->epochs_before + run->epochs_done < run->options.epochs && finite && !run->stopped) {
        run->history = need(memory_grow(run->history, run->epochs_done + 1, &run->history_size, sizeof(Epoch)));
        Epoch *epoch = &run->history[run->epochs_done++];
        *epoch = (Epoch){.train = train_epoch(run)};
        if (run->test.count > 0)
            epoch->test = evaluate(run, &run->test);
        epoch->seconds = now() - start;
        run->stopped = stop_asked;
        finite = isfinite(epoch->train.loss);
        if (!run->options.quiet)
            show_progress(run, run->stopped || !finite || run->epochs_before + run->epochs_done == run->options.epochs);
        if (!finite)
            printf("The loss is %g: training diverged. Try a smaller --lr.\n", epoch->train.loss);
    }
    run->seconds = now() - start;
}

int main(int count, char **arguments)
{
    Run run = {.options = read_options(count, arguments)};
    if (run.options.predict != NULL) {
        predict_file(&run);
        clean_up(&run);
        return 0;
    }
    set_up(&run);
    if (!run.options.quiet)
        check_gradients(&run);
    catch_interrupt();
    train(&run);
    report_results(&run);
    clean_up(&run);
    return 0;
}
