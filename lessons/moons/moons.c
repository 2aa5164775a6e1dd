/* moons.c - the whole of it at work: an MLP trained on two moons, or on any CSV of numbers and classes.
 *
 *     build/moons                         the experiment: recorded data, recorded start, gradients against PyTorch's
 *     build/moons --data iris.csv         any other data;  --help lists the options
 *
 * Read main, then train_step: build the graph of a batch's loss by running the network, walk it backward, take a step,
 * release the nodes. The other files hold the options, the preparations, and the tables and pictures; compiled.c takes
 * the same step without building a graph each time.
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

bool all_finite(const Run *run, double loss)
{
    bool finite = isfinite(loss);
    for (size_t i = 0; i < run->net->param_count; i++)
        finite = finite && isfinite(run->net->params[i]->data) && isfinite(run->net->params[i]->grad);
    return finite;
}

/* Is a number infinite or NaN? Then run->diverged says which was the first, and when. */
static bool has_diverged(Run *run, Value *loss)
{
    if (all_finite(run, loss->data))
        return false;
    char name[VALUE_NAME_SIZE];
    const Value *first = need(graph_first_nonfinite(loss));
    const bool is_data = !isfinite(first->data);
    const double number = is_data ? first->data : first->grad;
    snprintf(
        run->diverged, sizeof run->diverged,
        "training diverged in epoch %zu, step %zu, at a learning rate of %g: the %s of %s (op %s) is %s, the first "
        "that is not finite.",
        run->epoch, run->step, run->options.lr, is_data ? "value" : "gradient", value_name(first, name),
        op_table[first->op].name,
        isnan(number) ? "NaN"
        : number > 0  ? "infinite"
                      : "-infinite");
    return true;
}

/* One step of training. Returns the loss on these rows before it. */
double train_step(Run *run, const size_t *rows, size_t n, size_t *correct)
{
    Value *loss = batch_loss(run, &run->train, rows, n, correct); /* forward: running it builds the graph */
    optimizer_zero_grad(run->optimizer);                          /* gradients accumulate */
    backward(loss);                                               /* the chain rule, from the loss to every param */
    if (!has_diverged(run, loss)) {
        optimizer_step(run->optimizer); /* against the gradient */
        has_diverged(run, loss);        /* a step can lead out of the doubles */
    }
    const double before = loss->data;
    run->nodes += (double)(graph_node_count(run->graph) - run->net->param_count);
    graph_release(run->graph, run->mark); /* the graph of this step is done with */
    return before;
}

size_t largest_number(const double *numbers, size_t n)
{
    size_t largest = 0;
    for (size_t i = 1; i < n; i++)
        largest = numbers[i] > numbers[largest] ? i : largest;
    return largest;
}

/* On a whole set, without a graph. */
Score evaluate(const Run *run, const Dataset *data)
{
    double *logits = need(memory_alloc_array(run->classes, sizeof *logits));
    double mean = 0; /* kept up row by row: a sum of large losses may be infinite */
    size_t correct = 0;
    for (size_t i = 0; i < data->count; i++) {
        need(mlp_evaluate(run->net, dataset_row(data, i), logits) ? logits : NULL);
        const size_t largest = largest_number(logits, run->classes);
        const double loss = logsumexp_forward(run->classes, logits, NULL, 1) - logits[data->label[i]];
        correct += isfinite(loss) && largest == (size_t)data->label[i]; /* NaN is no prediction */
        mean += (loss - mean) / (double)(i + 1);
    }
    memory_free(logits);
    return (Score){mean, (double)correct / (double)data->count};
}

/* ---- training ---------------------------------------------------------------------------------------------------- */

static volatile sig_atomic_t stop_asked = 0;

/* The first signal asks; the second one ends the program at once, as that signal does by default. */
static void ask_to_stop(int signal_number)
{
    if (stop_asked) {
        file_remove_unfinished();
        signal(signal_number, SIG_DFL);
        raise(signal_number);
    }
    stop_asked = 1;
}

/* Nobody reads the output any more, as in `build/moons | head -1`: each further line is such a signal, so that it only
 * asks. */
static void output_is_closed(int signal_number)
{
    (void)signal_number;
    stop_asked = 1;
}

/* A write under way goes on (SA_RESTART): cut short, it would count as lost output. What is ignored from the start, as
 * SIGHUP below nohup, stays ignored. */
static void catch_signal(int signal_number, void (*handler)(int))
{
    struct sigaction before, action = {.sa_handler = handler, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(signal_number, NULL, &before);
    if (signal_number != SIGHUP || before.sa_handler != SIG_IGN)
        sigaction(signal_number, &action, NULL);
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
    double mean = 0; /* as in evaluate */
    size_t seen = 0, correct_in_all = 0;
    run->epoch = run->epochs_before + run->epochs_done + 1;
    run->step = 0;
    run->epoch_random = run->random;
    batches_begin(&run->batches, keep_order ? NULL : &run->random);
    run->batches.next = run->rows_before; /* in the epoch that --resume begins with */
    run->rows_before = 0;
    for (size_t n; (n = batches_next(&run->batches, &rows)) > 0;) {
        size_t correct;
        run->step++;
        const double loss = (run->options.compiled ? compiled_step : train_step)(run, rows, n, &correct);
        correct_in_all += correct;
        seen += n;
        mean += (loss - mean) * ((double)n / (double)seen);
        if (stop_asked || run->diverged[0] != '\0')
            break; /* after a step, so that there is a loss to report */
    }
    return (Score){mean, (double)correct_in_all / (double)seen};
}

/* Is the loss of these rows finite with the params as they are? */
bool has_diverged_on(Run *run, const size_t *rows, size_t n)
{
    size_t correct;
    const bool diverged = has_diverged(run, batch_loss(run, &run->train, rows, n, &correct));
    graph_release(run->graph, run->mark);
    return diverged;
}

/* The params that the last step led to are saved: is the loss of every row finite with them? */
static void check_result(Run *run)
{
    run->score = evaluate(run, &run->train);
    bool known = isfinite(run->score.loss) || run->diverged[0] != '\0';
    for (size_t i = 0; i < run->train.count && !known; i++)
        known = has_diverged_on(run, &i, 1);
}

static void train(Run *run)
{
    const double start = now();
    while (run->epochs_before + run->epochs_done < run->options.epochs && !run->stopped) {
        Epoch epoch = {.train = train_epoch(run)};
        if (run->diverged[0] != '\0')
            break;
        if (run->test.count > 0)
            epoch.test = evaluate(run, &run->test);
        epoch.seconds = now() - start;
        run->history = need(memory_grow(run->history, run->epochs_done + 1, &run->history_size, sizeof epoch));
        run->history[run->epochs_done++] = epoch;
        if (!run->options.quiet)
            show_progress(run, stop_asked || run->epochs_before + run->epochs_done == run->options.epochs);
        run->stopped = stop_asked;
    }
    run->seconds = now() - start;
    check_result(run);
}

int main(int count, char **arguments)
{
    Run run = {.options = read_options(count, arguments)};
    if (run.options.predict != NULL) {
        predict_file(&run);
        clean_up(&run);
        return 0;
    }
    catch_signal(SIGPIPE, output_is_closed);
    set_up(&run);
    if (!run.options.quiet)
        check_gradients(&run);
    catch_signal(SIGINT, ask_to_stop);
    catch_signal(SIGTERM, ask_to_stop);
    catch_signal(SIGHUP, ask_to_stop);
    train(&run);
    report_results(&run);
    clean_up(&run);
    return run.diverged[0] == '\0' ? 0 : 1;
}
