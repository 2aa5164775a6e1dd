/* report.c - what the program shows: the table of gradients, progress, pictures, the summary. */
#define _DARWIN_C_SOURCE        /* ru_maxrss */
#define _POSIX_C_SOURCE 200809L /* isatty, getrusage */
#include <math.h>
#include <sys/resource.h>
#include <unistd.h>

#include "graph/dot.h"
#include "graph/network_groups.h"
#include "moons.h"
#include "player/player.h"
#include "plot/plot.h"

enum {
    RECORDED_CHECKED = 128,   /* the recorded gradients are those of the first 128 points */
    CHECKED_BY_NUDGING = 200, /* params in a finite-difference check; a nudge costs four forward passes */
    NEURONS_DRAWN = 50,       /* up to so many params each neuron is drawn; beyond, only the layers */
    DRAWN_MOST = 300          /* inputs and outputs of a diagram */
};

/* ---- gradients against PyTorch's --------------------------------------------------------------------------------- */

static void read_tensors(const Run *run, const char *path, double *numbers, double *rests)
{
    Error error;
    WordReader words;
    require(words_open(&words, path, &error) && mlp_read_tensors(run->net, &words, numbers, rests, &error), &error);
    words_close(&words);
}

/* A row of the table: the largest differences over one tensor, the weights or the biases of layer number l. The
 * recorded gradients are PyTorch's of all params, and then the exact ones as sums hi + lo of two doubles. */
static void print_tensor_row(const Run *run, const double *torch, size_t first, size_t l, bool bias)
{
    const Layer *layer = &run->net->layers[l];
    const size_t row = layer->inputs + 1;
    const double *hi = torch + run->net->param_count, *lo = hi + run->net->param_count;
    double ours_torch = 0, ours_exact = 0, torch_exact = 0, largest = 0;
    for (size_t i = first; i < first + layer->outputs * row; i++) {
        if (((i - first) % row == layer->inputs) != bias)
            continue;
        const double ours = run->net->params[i]->grad;
        ours_torch = fmax(ours_torch, fabs(ours - torch[i]));
        ours_exact = fmax(ours_exact, fabs((ours - hi[i]) - lo[i]));
        torch_exact = fmax(torch_exact, fabs((torch[i] - hi[i]) - lo[i]));
        largest = fmax(largest, fabs(ours));
    }
    char name[32], shape[64];
    snprintf(name, sizeof name, "%c%zu", bias ? 'b' : 'w', l + 1);
    snprintf(shape, sizeof shape, "%zux%zu", bias ? (size_t)1 : layer->outputs, bias ? layer->outputs : layer->inputs);
    printf("  %-5s %7s   %8.2e   %14.2e %14.2e %17.2e\n", name, shape, largest, ours_torch, ours_exact, torch_exact);
}

static void compare_with_recorded(const Run *run, size_t points)
{
    const size_t n = run->net->param_count;
    double *torch = need(memory_alloc_array(n, 3 * sizeof *torch));
    read_tensors(run, RECORDED "grad128_torch.txt", torch, NULL);
    read_tensors(run, RECORDED "grad128_exact.txt", torch + n, torch + 2 * n);
    printf("Gradients on the first %zu points, against PyTorch 1.13 and against exact ones (170 bits)\n", points);
    puts("  param   shape     max|g|   max|g-PyTorch|   max|g-exact| max|PyTorch-exact|");
    for (size_t l = 0, first = 0; l < run->net->layer_count; l++) {
        print_tensor_row(run, torch, first, l, false);
        print_tensor_row(run, torch, first, l, true);
        first += run->net->layers[l].outputs * (run->net->layers[l].inputs + 1);
    }
    memory_free(torch);
}

static void compare_with_differences(Value *loss, size_t points)
{
    Error error;
    GradCheck result;
    const bool right = gradcheck_some(loss, CHECKED_BY_NUDGING, &result, &error);
    printf("Against finite differences, on %zu points: ", points);
    gradcheck_print(&result, stdout);
    if (!right)
        puts(error.message);
    puts("");
}

void check_gradients(Run *run)
{
    size_t rows[RECORDED_CHECKED], correct;
    const size_t n = run->train.count < RECORDED_CHECKED ? run->train.count : RECORDED_CHECKED;
    for (size_t i = 0; i < n; i++)
        rows[i] = i;
    printf("%zu rows of %zu features, %d classes; %zu params\n\n", run->train.count, run->train.features,
           run->train.classes, run->net->param_count);
    Value *loss = batch_loss(run, &run->train, rows, n, &correct);
    backward(loss);
    if (run->options.recorded && run->options.resume == NULL)
        compare_with_recorded(run, n);
    compare_with_differences(loss, n);
    optimizer_zero_grad(run->optimizer);
    graph_release(run->graph, run->mark);
}

/* ---- progress ---------------------------------------------------------------------------------------------------- */

/* On a terminal, one line that is overwritten; otherwise a line now and then. */
void show_progress(const Run *run, bool last)
{
    static double shown = 0;
    const uint64_t lines = 10, done = run->epochs_before + run->epochs_done, all = run->options.epochs;
    const Epoch *epoch = &run->history[run->epochs_done - 1];
    const bool terminal = isatty(STDOUT_FILENO);
    if (!last && (terminal ? epoch->seconds - shown < 0.1 : done % ((all - 1) / lines + 1) != 0))
        return;
    shown = epoch->seconds;
    printf("%sepoch %zu/%llu  loss %#.4g  accuracy %.3f", terminal ? "\r" : "", (size_t)done, (unsigned long long)all,
           epoch->train.loss, epoch->train.accuracy);
    if (run->test.count > 0)
        printf("  test loss %#.4g  accuracy %.3f", epoch->test.loss, epoch->test.accuracy);
    printf("  %.1f M nodes/s%s", run->nodes / epoch->seconds / 1e6, terminal && !last ? "  " : "\n");
    fflush(stdout);
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

/* Write a file below --out, and print its name. */
static void write_file(Run *run, const char *name, bool (*write)(Run *run, const char *path, Error *error))
{
    const char *path = path_in_out(run, name);
    Error error;
    require(write(run, path, &error), &error);
    printf("  %s\n", path);
}

static bool write_history(Run *run, const char *path, Error *error)
{
    const bool has_test = run->test.count > 0;
    SafeFile safe;
    FILE *out = file_begin(&safe, path, error);
    if (out == NULL)
        return false;
    fprintf(out, "epoch,loss,accuracy,%sseconds\n", has_test ? "test_loss,test_accuracy," : "");
    for (size_t i = 0; i < run->epochs_done; i++) {
        const Epoch *epoch = &run->history[i];
        fprintf(out, "%zu,%.17g,%.6g,", run->epochs_before + i + 1, epoch->train.loss, epoch->train.accuracy);
        if (has_test)
            fprintf(out, "%.17g,%.6g,", epoch->test.loss, epoch->test.accuracy);
        fprintf(out, "%.3f\n", epoch->seconds);
    }
    return file_commit(&safe, error);
}

static bool plot_history(Run *run, const char *path, Error *error)
{
    const size_t n = run->epochs_done, curves = run->test.count > 0 ? 2 : 1;
    double *epoch = need(memory_alloc_array(n, 5 * sizeof *epoch));
    double *loss = epoch + n, *accuracy = loss + n, *test_loss = accuracy + n, *test_accuracy = test_loss + n;
    for (size_t i = 0; i < n; i++) {
        epoch[i] = (double)(run->epochs_before + i + 1);
        loss[i] = run->history[i].train.loss;
        accuracy[i] = run->history[i].train.accuracy;
        test_loss[i] = run->history[i].test.loss;
        test_accuracy[i] = run->history[i].test.accuracy;
    }
    const PlotSeries losses[] = {{"training", n, epoch, loss}, {"test", n, epoch, test_loss}};
    const PlotSeries accuracies[] = {{"training", n, epoch, accuracy}, {"test", n, epoch, test_accuracy}};
    const LinePlot below = {.y_label = "accuracy", .series = accuracies, .series_count = curves};
    const LinePlot plot = {"Training", "epoch", "mean cross-entropy", losses, curves, .below = &below};
    const bool written = plot_lines(path, &plot, error);
    memory_free(epoch);
    return written;
}

/* Softmax of the logits at a point of the plane. */
static void predict(void *context, double x0, double x1, double *probabilities)
{
    class_probabilities(context, (double[]){x0, x1}, probabilities);
}

static bool plot_plane(Run *run, const char *path, Error *error)
{
    const Dataset *data = &run->train;
    char *const *names = data->feature_names;
    char title[96];
    snprintf(title, sizeof title, "Decision boundary, accuracy %.3f", run->score.accuracy);
    const BoundaryPlot plot = {title,
                               names != NULL ? names[0] : "x0",
                               names != NULL ? names[1] : "x1",
                               data->x,
                               data->label,
                               data->count,
                               (int)run->classes,
                               run->classes == (size_t)data->classes ? data->class_names : NULL,
                               .predict = predict,
                               .context = run};
    return plot_boundary(path, &plot, error);
}

/* ---- diagrams ---------------------------------------------------------------------------------------------------- */

/* NAME.dot, and NAME.svg too when dot is installed. */
static void draw_diagram(Run *run, const char *name, Value *root, const DotOptions *options)
{
    char file[32];
    Error error;
    snprintf(file, sizeof file, "%s.dot", name);
    require(dot_draw(root, path_in_out(run, file), options, &error), &error);
    printf("  %s\n", run->path);
    snprintf(file, sizeof file, "%s.svg", name);
    if (dot_draw(root, path_in_out(run, file), options, &error))
        printf("  %s\n", run->path);
    else
        printf("  (no %s: %s)\n", file, error.message);
}

/* The loss of the first row, after a backward pass. */
static Value *row_loss(Run *run)
{
    char name[64];
    Value **x = need(v_inputs(run->graph, dataset_row(&run->train, 0), run->train.features));
    Value **logits = need(mlp_forward(run->net, x));
    Value *loss = cross_entropy(logits, run->classes, run->train.label[0]);
    need(graph_ok(run->graph) ? loss : NULL);
    v_label(loss, "loss");
    for (size_t i = 0; run->train.feature_names != NULL && i < run->train.features; i++)
        v_label(x[i], run->train.feature_names[i]);
    for (size_t c = 0; c < run->classes; c++) {
        snprintf(name, sizeof name, "z%zu[%zu]", run->net->layer_count, c);
        v_label(logits[c], name);
    }
    optimizer_zero_grad(run->optimizer);
    backward(loss);
    return loss;
}

static bool play_neuron(Run *run, const char *path, Error *error)
{
    return player_write(run->neuron, path, NULL, error);
}

/* The network, and with all its numbers a neuron of the first layer, whose group holds its sum and, if it has one, its
 * activation. */
static void draw_graph(Run *run)
{
    const bool small = run->net->param_count <= NEURONS_DRAWN;
    Error error;
    NetworkGroups groups;
    Value *loss = row_loss(run);
    require(network_groups_find(&groups, run->net, loss, small ? NETWORK_NEURONS : NETWORK_LAYERS, &error), &error);
    const DotGroup *first = network_groups_neuron(&groups, run->net, 1, 0);
    run->neuron = first->members[first->member_count - 1];
    v_label(first->members[0], "z1[0]");
    if (first->member_count > 1)
        v_label(run->neuron, "h1[0]");
    draw_diagram(run, "network", loss, &(DotOptions){.groups = groups.list, .group_count = groups.count});
    draw_diagram(run, "neuron", run->neuron, NULL);
    write_file(run, "neuron.html", play_neuron);
    network_groups_free(&groups);
    graph_release(run->graph, run->mark);
}

/* ---- the summary ------------------------------------------------------------------------------------------------- */

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

/* How many nodes the training took, and by which way. */
static void print_nodes(const Run *run)
{
    const Compiled *c = &run->compiled;
    if (c->program == NULL) {
        printf("%.0f M nodes built", run->nodes / 1e6);
        return;
    }
    const size_t threads = program_threads(c->program);
    printf("1 graph of %zu nodes, replayed for %.0f rows by %zu thread%s%s", c->nodes, run->nodes / (double)c->nodes,
           threads, threads > 1 ? "s" : "", run->options.vmath ? " with vmath" : "");
}

static void print_summary(Run *run)
{
    printf("\n%s %zu epochs: loss %#.5g, accuracy %.4f on %zu rows", run->stopped ? "Stopped after" : "After",
           run->epochs_before + run->epochs_done, run->score.loss, run->score.accuracy, run->train.count);
    if (run->test.count > 0) {
        const Score test = evaluate(run, &run->test);
        printf("; test loss %#.5g, accuracy %.4f on %zu", test.loss, test.accuracy, run->test.count);
    }
    printf("\n%.2f s, ", run->seconds);
    print_nodes(run);
    printf(", %.1f M nodes/s, peak memory %.1f MB\n", run->seconds > 0 ? run->nodes / run->seconds / 1e6 : 0,
           peak_memory());
}

static void report_training(Run *run)
{
    write_file(run, "history.csv", write_history);
    write_file(run, "loss.svg", plot_history);
}

static void draw_pictures(Run *run)
{
    const size_t features = run->train.features;
    if (run->diverged[0] != '\0')
        puts("  (no boundary.svg: training diverged)");
    else if (features == 2)
        write_file(run, "boundary.svg", plot_plane);
    else
        printf("  (no boundary.svg: a plane needs two features, and there are %zu)\n", features);
    if (features + run->classes <= DRAWN_MOST)
        draw_graph(run);
    else
        printf("  (no diagrams: %zu features and %zu classes are too many to draw)\n", features, run->classes);
}

static void save_model(Run *run)
{
    Error error;
    const char *model = run->options.save != NULL ? run->options.save : path_in_out(run, "model.txt");
    const ModelInfo info = model_info(run);
    require(mlp_save_with(run->net, &info, model, &error), &error);
    printf("\nWritten:\n  %s\n", model);
    if (run->options.checkpoint != NULL) {
        require(write_checkpoint(run, run->options.checkpoint, &error), &error);
        printf("  %s\n", run->options.checkpoint);
    }
}

/* After a training that diverged, all is written but the model and its boundary: older ones stay. */
void report_results(Run *run)
{
    const bool diverged = run->diverged[0] != '\0', has_stepped = run->epoch > 1 || run->step > 1;
    if (diverged) {
        fflush(stdout);
        fprintf(stderr, "moons: %s\nNo model is saved: an older one stays as it was. %s\n", run->diverged,
                has_stepped ? "Try a smaller --lr." : "Try --standardize, or a smaller --lr.");
        puts("\nWritten:");
    } else {
        print_summary(run);
        save_model(run);
    }
    if (run->epochs_done > 0)
        report_training(run);
    else if (diverged)
        puts("  (no loss.svg: no epoch had a finite loss)");
    draw_pictures(run);
    Error error;
    if (!file_flush_output(&error)) /* a full disk, say */
        fail("%s. The files were written.", error.message);
}
