/* 19_two_moons.c - A thousand noisy points in two half circles that interlock: can a network tell them apart?
 *
 * New here: size. Four points fitted into one step; a thousand are taken in batches of 64, each a step, and all of them
 * are an epoch. The loss of a batch is the mean over its rows: an estimate of the whole, cheaper, and good enough to go
 * downhill by. The rest is known: an MLP 2 → 32 → 32 → 2 of tanh neurons (chapter 15), cross-entropy (14), and the loop
 * (17), 16 steps in an epoch, 200 epochs. `make moons` is the same with options (lessons/moons/moons.c).
 *
 *     loss of a batch = (1/n)·Σ cross_entropy(logits of row i, label i)     (a sum would need an lr for each n)
 *
 * Accuracy, the fraction of rows whose larger logit is that of their class, is what we want; but a small step changes
 * no decision, so its derivative is 0 wherever there is one. The loss has a slope. Guessing costs log 2 = 0.693. With
 * this noise some points lie in the other moon: to get all right is to know them by heart. New points are what counts.
 *
 * It prints loss and accuracy by epoch, memory (the walk back needs all nodes of the way there), and both on new
 * points. It draws loss.svg, and boundary.svg, where the network changes its mind. The loss of one row, of class 1:
 *     build/draw 'loss = cross_entropy([z0, z1], 1)' z0=0.5 z1=-0.2 --html build/lessons/19/row.html
 *
 * Predict, before you run it:
 *     1. Each of 200 epochs goes through the same points. How much worse is the network on new ones?
 *     2. How many nodes does a step of 64 rows build: about 64, about 1,000 or about 10,000?
 *
 * Build and run: make lesson L=19. In gdb: make gdb L=19, a debug build, in which every variable can be printed.
 *     (gdb) break batch_loss
 *     (gdb) run
 *     (gdb) print n                       = 64
 *     (gdb) finish
 *     (gdb) print $->data                 = 0.627...  the first loss, not far from log 2
 *     (gdb) print graph_node_count(net->graph)    = 9925      params and nodes of one step; in the next it is the same
 */
#include "plot/plot.h"
#include "stepgrad.h"

static bool all_hold = true;

/* What a chapter says, it checks: print the claim, and remember if it does not hold. */
static void claim(bool holds, const char *text)
{
    printf("%s %s\n", holds ? "ok    " : "FAILED", text);
    all_hold = all_hold && holds;
}

/* The mean cross-entropy of n rows: running this builds the graph. *correct grows by the rows that are right. */
static Value *batch_loss(MLP *net, const Dataset *data, const size_t *rows, size_t n, size_t *correct)
{
    Value *losses[64];
    for (size_t i = 0; i < n; i++) {
        Value **logits = mlp_forward(net, v_inputs(net->graph, dataset_row(data, rows[i]), 2));
        const int label = data->label[rows[i]];
        losses[i] = cross_entropy(logits, 2, label);
        *correct += logits[label]->data > logits[1 - label]->data;
    }
    return mean_loss(losses, n);
}

/* The probabilities of both classes at a point, without a graph: softmax of two logits. */
static void predict(void *net, double x0, double x1, double *probabilities)
{
    double logits[2];
    if (!mlp_evaluate(net, (double[]){x0, x1}, logits))
        return;
    probabilities[1] = 1 / (1 + exp(logits[0] - logits[1]));
    probabilities[0] = 1 - probabilities[1];
}

int main(int argc, char **argv)
{
    enum { EPOCHS = 200, BATCH = 64 };
    Error error;
    Dataset data;
    Batches batches;
    Graph *g = graph_new();
    MLP *net = mlp_open(g, "lessons/data/moons/init.txt", &error);
    if (net == NULL || !csv_load("lessons/data/moons/data.csv", &data, &error) ||
        !batches_new(&batches, data.count, BATCH, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return 1;
    }
    const Mark mark = graph_mark(g);
    Optimizer *sgd = sgd_new(net->params, net->param_count, (SGD){.lr = 0.05});
    if (sgd == NULL)
        return 1;

    static double loss_by_epoch[EPOCHS], accuracy_by_epoch[EPOCHS];
    size_t steps = 0, nodes = 0, step_nodes = 0;
    printf("%zu points, %zu params, batches of %d\n\n", data.count, net->param_count, BATCH);
    printf("  %5s %10s %10s\n", "epoch", "loss", "accuracy");
    for (size_t epoch = 0; epoch < EPOCHS; epoch++) {
        double loss_sum = 0;
        size_t correct = 0;
        const size_t *rows;
        batches_begin(&batches, NULL); /* NULL: in the order of the file, so that all can be repeated */
        for (size_t n; (n = batches_next(&batches, &rows)) > 0; steps++) {
            Value *loss = batch_loss(net, &data, rows, n, &correct);
            optimizer_zero_grad(sgd);
            backward(loss);
            optimizer_step(sgd);
            loss_sum += loss->data * (double)n;
            nodes += graph_node_count(g) - net->param_count;
            step_nodes = steps == 0 ? nodes : step_nodes;
            graph_release(g, mark);
        }
        loss_by_epoch[epoch] = loss_sum / (double)data.count;
        accuracy_by_epoch[epoch] = (double)correct / (double)data.count;
        if (epoch == 0 || epoch == 4 || (epoch + 1) % 20 == 0)
            printf("  %5zu %10.4f %10.3f\n", epoch + 1, loss_by_epoch[epoch], accuracy_by_epoch[epoch]);
    }
    printf("\n  %zu steps, %.1f million nodes built and released; %zu are left, the params\n", steps,
           (double)nodes / 1e6, graph_node_count(g));
    printf("  a step of %d rows: %zu nodes of %zu bytes, %.2f MB, until it is released\n\n", BATCH, step_nodes,
           sizeof(Value), (double)(step_nodes * sizeof(Value)) / 1e6);
    claim(loss_by_epoch[0] < log(2), "the first epoch already beats chance, log 2 = 0.693");
    claim(accuracy_by_epoch[EPOCHS - 1] >= 0.96 && loss_by_epoch[EPOCHS - 1] < 0.1, "at the end 96 % are right");
    Dataset fresh;
    Random random;
    random_seed(&random, 1);
    if (!dataset_moons(&fresh, data.count, 0.2, &random, &error))
        return 1;
    double fresh_loss = 0, right = 0, p[2];
    for (size_t i = 0; i < fresh.count; i++) {
        predict(net, dataset_row(&fresh, i)[0], dataset_row(&fresh, i)[1], p);
        fresh_loss -= log(p[fresh.label[i]]) / (double)fresh.count;
        right += p[fresh.label[i]] > 0.5;
    }
    printf("\n  %zu new points: loss %.4f, accuracy %.3f\n", fresh.count, fresh_loss, right / (double)fresh.count);
    claim(right > 0.96 * (double)fresh.count, "as good on points that it has never seen: it has learnt the moons");
    if (argc > 1) {
        char path[1024];
        const PlotSeries losses = {"training", EPOCHS, NULL, loss_by_epoch};
        const PlotSeries accuracies = {"training", EPOCHS, NULL, accuracy_by_epoch};
        const LinePlot below = {.y_label = "accuracy", .series = &accuracies, .series_count = 1};
        snprintf(path, sizeof path, "%s/loss.svg", argv[1]);
        if (!plot_lines(path, &(LinePlot){"Two moons", "epoch", "loss", &losses, 1, .below = &below}, &error))
            claim(false, error.message);
        const BoundaryPlot plane = {
            "Where the network changes its mind", "x0", "x1", data.x, data.label, data.count, 2, NULL, predict, net};
        snprintf(path, sizeof path, "%s/boundary.svg", argv[1]);
        if (!plot_boundary(path, &plane, &error))
            claim(false, error.message);
    }
    optimizer_free(sgd);
    batches_free(&batches);
    dataset_free(&data);
    dataset_free(&fresh);
    graph_free(g);
    return all_hold ? 0 : 1;
}

/* Exercises
 * 1. Pass a Random to batches_begin, so that each epoch has an order of its own. What changes in the curve, and why?
 * 2. Leave out one hidden layer; then both. How does the boundary look, and what does that say of layers?
 * 3. Batches of 1, of 64, of 1000: which reaches a loss of 0.2 in the fewest epochs, and which in the least time?
 * 4. Use the sum instead of the mean (v_sum). Which lr gives nearly the same numbers as before?
 *
 * Next: it learns. But so it would with gradients that are a little wrong. Whom else can we ask?   -> 20_pytorch.c
 */
