/* 20_pytorch.c - Are these gradients the ones that PyTorch computes? Entry by entry, all 1218 of them?
 *
 * New here: a second opinion. A network with slightly wrong gradients still learns, so a falling loss proves little.
 * Nudging (chapter 10) is good for some 10 digits. A program that knows nothing of this one is good for all 16: PyTorch
 * had the same points, weights and loss, and its gradients were recorded, every bit. A step of training in both:
 *
 *     net = mlp_new(g, sizes, 4, ACTIVATION_TANH);         net = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), ...)
 *     sgd = sgd_new(net->params, n, (SGD){.lr = 0.05});    sgd = torch.optim.SGD(net.parameters(), lr=0.05)
 *     loss = mean_cross_entropy(logits, labels);           loss = F.cross_entropy(net(x), labels)
 *     optimizer_zero_grad(sgd), backward(loss);            sgd.zero_grad(), loss.backward()
 *     optimizer_step(sgd);                                 sgd.step()
 *     graph_release(g, mark);                              # a graph ends with the last name for its root
 *
 * PyTorch's nodes are tensors: a layer is two or three nodes for a whole batch. What the walk needed it frees on the
 * way, unless it is told retain_graph=True; so a second backward is an error there, and not here (chapter 16).
 *
 * Equal to the last bit the two cannot be: both round, and a + b + c depends on the order in its last digit. Who is
 * right? A third set, of 170 bits, is exact for this purpose. A rounding near 0.1 is off by up to 7e-18, and an entry
 * takes hundreds of them: nobody can promise 1e-17. We ask for 1e-15.
 *
 * It prints every 97th entry, the largest differences by layer, and how many entries are equal. It draws a neuron. Then
 * `python3 lessons/20_pytorch.py build/lessons/20/gradients.txt` asks a PyTorch that runs on your machine.
 *
 * Predict, before you run it:
 *     1. How many of the 1218 entries are equal to PyTorch's to the last bit: none, some, or nearly all?
 *     2. Which of the two is nearer to the exact gradients, and would it be so on other data?
 *
 * Build and run: make lesson L=20. In gdb: make gdb L=20, a debug build, in which every variable can be printed.
 *     (gdb) break compare
 *     (gdb) run
 *     (gdb) print net->params[0]->grad    = 0.02619...    of w1[0,0], from the reverse walk
 *     (gdb) print torch[0]                = 0.02619...    from PyTorch
 */
#include <stdlib.h>

#include "graph/dot.h"
#include "player/player.h"
#include "stepgrad.h"

static bool all_hold = true;

/* What a chapter says, it checks: print the claim, and remember if it does not hold. */
static void claim(bool holds, const char *text)
{
    printf("%s %s\n", holds ? "ok    " : "FAILED", text);
    all_hold = all_hold && holds;
}

enum { POINTS = 128, PARAMS = 2 * 32 + 32 + 32 * 32 + 32 + 32 * 2 + 2 };

static void stop(const Error *error)
{
    fprintf(stderr, "%s\n", error->message);
    exit(1);
}

/* Read recorded gradients in the order of net->params; of exact ones, `rests` gets what a double cannot hold. */
static void read_recorded(const MLP *net, const char *path, double *numbers, double *rests)
{
    Error error;
    WordReader words;
    if (!words_open(&words, path, &error) || !mlp_read_tensors(net, &words, numbers, rests, &error))
        stop(&error);
    words_close(&words);
}

/* The first neuron at the first point, as a picture and as a page to step through. */
static void draw_neuron(MLP *net, const double *point, const char *folder)
{
    Error error;
    char path[2][1024];
    snprintf(path[0], 1024, "%s/neuron.svg", folder);
    snprintf(path[1], 1024, "%s/neuron.html", folder);
    Value **x = v_inputs(net->graph, point, 2), *y = neuron_forward(net->layers[0].neurons, ACTIVATION_TANH, x);
    v_label(x[0], "x0"), v_label(x[1], "x1"), V_NAME(y);
    backward(y);
    if (!dot_draw(y, path[0], NULL, &error) || !player_write(y, path[1], NULL, &error))
        fprintf(stderr, "no picture: %s\n", error.message);
    mlp_zero_grad(net);
}

/* Print a row per layer, and return whether all differences are below `most`. */
static bool compare(const MLP *net, const double *torch, const double *exact, const double *rests, double most)
{
    bool close = true;
    size_t next = 0, equal = 0;
    printf("\n  %-7s %8s %10s %16s %16s %20s\n", "layer", "entries", "max |g|", "max|g - torch|", "max|g - exact|",
           "max|torch - exact|");
    for (size_t l = 0; l < net->layer_count; l++) {
        const size_t end = next + net->layers[l].outputs * (net->layers[l].inputs + 1), first = next;
        double largest = 0, to_torch = 0, to_exact = 0, torch_to_exact = 0;
        for (; next < end; next++) {
            const double g = net->params[next]->grad;
            largest = fmax(largest, fabs(g));
            to_torch = fmax(to_torch, fabs(g - torch[next]));
            to_exact = fmax(to_exact, fabs((g - exact[next]) - rests[next]));
            torch_to_exact = fmax(torch_to_exact, fabs((torch[next] - exact[next]) - rests[next]));
            equal += g == torch[next];
        }
        printf("  %-7zu %8zu %10.4f         ~%.1e         ~%.1e             ~%.1e\n", l + 1, end - first, largest,
               to_torch, to_exact, torch_to_exact);
        close = close && to_torch < most && to_exact < most && largest > 0;
    }
    printf("\n  equal to the last bit: ~%zu of %zu entries\n\n", equal, next);
    return close;
}

int main(int argc, char **argv)
{
    Error error;
    Dataset data;
    Graph *g = graph_new();
    MLP *net = mlp_open(g, "lessons/data/moons/init.txt", &error);
    if (net == NULL || !csv_load("lessons/data/moons/data.csv", &data, &error))
        stop(&error);
    if (net->param_count != PARAMS || data.count < POINTS)
        return 1;
    if (argc > 1)
        draw_neuron(net, dataset_row(&data, 0), argv[1]);
    Value *losses[POINTS];
    for (size_t i = 0; i < POINTS; i++)
        losses[i] = cross_entropy(mlp_forward(net, v_inputs(g, dataset_row(&data, i), 2)), 2, data.label[i]);
    Value *loss = mean_loss(losses, POINTS);
    backward(loss);

    static double torch[PARAMS], exact[PARAMS], rests[PARAMS];
    read_recorded(net, "lessons/data/moons/grad128_torch.txt", torch, NULL);
    read_recorded(net, "lessons/data/moons/grad128_exact.txt", exact, rests);
    printf("The mean loss on %d points is %.15f\n\n", POINTS, loss->data);
    printf("  %-9s %20s %20s %12s\n", "entry", "this engine", "PyTorch 1.13", "difference");
    for (size_t i = 0; i < PARAMS; i += 97) {
        const double ours = net->params[i]->grad, theirs = torch[i];
        printf("  %-9s %20.15f %20.15f     ~%.1e\n", net->params[i]->label, ours, theirs, fabs(ours - theirs));
    }
    claim(compare(net, torch, exact, rests, 1e-15), "every entry is within 1e-15 of PyTorch's and of the exact one");

    if (argc > 1) { /* a file like the recorded ones is a model whose weights are the gradients */
        char path[1024];
        snprintf(path, sizeof path, "%s/gradients.txt", argv[1]);
        for (size_t i = 0; i < PARAMS; i++)
            net->params[i]->data = net->params[i]->grad;
        if (!mlp_save(net, path, &error))
            claim(false, error.message);
    }
    dataset_free(&data);
    graph_free(g);
    return all_hold ? 0 : 1;
}

/* Exercises
 * 1. Sum the losses one by one (v_add) instead of by mean_loss. Do the gradients change? In which digit?
 * 2. Check by differences as well (gradcheck_some, 50 params). Could that have taken PyTorch's place?
 *
 * Next: the numbers are right. But chapter 19 built a like graph 200,000 times. Need it?   -> 21_replay.c
 */
