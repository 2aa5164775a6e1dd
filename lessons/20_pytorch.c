/* 20_pytorch.c - Are these gradients the ones that PyTorch computes? Entry by entry, all 1218 of them?
 *
 * New here: a second opinion. A network with slightly wrong gradients still learns, so a falling loss proves little.
 * Nudging (chapter 10) is good for 8 digits. Another program that knows nothing of this one is good for all 16: PyTorch
 * was given the same points, the same weights and the same loss, and its gradients were recorded, every bit.
 *
 * Equal to the last bit they cannot be: both round, and add in different orders, and a + b + c depends on the order in
 * its last digit. So who is right where they differ? A third set was computed with 170 bits instead of 53 and is exact
 * for this purpose. Each rounding is off by at most 1.1e-16 of its result; an entry here is made of some hundred terms
 * far below 1, and their roundings partly cancel: we ask for 1e-15.
 *
 * It prints the first entries of each param in full, the largest differences of each layer, and how many entries are
 * equal to the last bit. It writes gradients.txt, which 20_pytorch.py compares with a PyTorch that runs here and now:
 *
 *     python3 lessons/20_pytorch.py build/lessons/20/gradients.txt
 *
 *     (gdb) break compare
 *     (gdb) run
 *     (gdb) print net->params[0]->label   = "w1[0,0]"
 *     (gdb) print net->params[0]->grad    = 0.02619...    from the reverse walk
 *     (gdb) print torch[0]                = 0.02619...    from PyTorch
 */
#include <stdlib.h>

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
    const size_t shown[] = {0, 1, 2, 3, 4, 5, 96, 97, 128, 129, 1152, 1153, 1184};
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        const double ours = net->params[shown[i]]->grad, theirs = torch[shown[i]];
        printf("  %-9s %20.15f %20.15f     ~%.1e\n", net->params[shown[i]]->label, ours, theirs, fabs(ours - theirs));
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
 * 2. Which of the two is nearer to the exact gradients here, and would you expect that on other data?
 * 3. Compare by nudging as well (gradcheck_some, 50 params). How many digits does that give, and why not 16?
 *
 * Next: the numbers are right. But the same graph was built 3200 times in chapter 19: need it be?   -> 21_replay.c
 */
