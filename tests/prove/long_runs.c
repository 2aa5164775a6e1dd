/* long_runs.c - does one thing very often, or at a very large size, and shows that memory stays flat.
 *
 *     long_runs NAME            a run of the table below; it reads ./iris.csv and writes into this folder
 *     long_runs chain COUNT     so many nodes; or `sum`
 *
 * Memory is what malloc has given away and what the process has in memory, both after the first hundredth of the steps
 * and after the last. Neither may grow by more than a page and a megabyte. Prints one line; ends with 1 if one does.
 */
#define _GNU_SOURCE
#include <malloc.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../no_memory.h"
#include "backward.h"
#include "csv.h"
#include "graph/dot.h"
#include "loss.h"
#include "nn.h"
#include "optim.h"
#include "player/player.h"
#include "replay.h"

enum { GIVEN_MOST = 4096, RESIDENT_MOST = 1024 * 1024, MARKS = 1000 };

static void stop(const char *what)
{
    fprintf(stderr, "long_runs: %s\n", what);
    exit(EXIT_FAILURE);
}

typedef struct Memory {
    size_t given, resident; /* bytes */
} Memory;

static Memory memory_now(void)
{
    unsigned long all = 0, resident = 0;
    FILE *statm = fopen("/proc/self/statm", "r");
    if (statm == NULL || fscanf(statm, "%lu %lu", &all, &resident) != 2)
        stop("/proc/self/statm cannot be read");
    fclose(statm);
    const struct mallinfo2 heap = mallinfo2();
    return (Memory){heap.uordblks + heap.hblkhd, resident * (size_t)sysconf(_SC_PAGESIZE)};
}

static double seconds_now(void) { return (double)clock() / CLOCKS_PER_SEC; } /* of this process alone */

static Graph *graph;
static MLP *net;
static Optimizer *optimizer;
static Program *program;
static Value *weight, *loss;
static Mark mark;
static size_t step; /* how many have been done */
static const double rows[][4] = {{1, 0, 1, 0}, {0, 1, 0, 1}, {-1, 0.5, 1, 0}, {2, -0.5, 0, 1}}; /* point, class */

static Value *loss_of(Value **x) { return cross_entropy_one_hot(mlp_forward(net, x), x + 2, 2); }

static void begin(void)
{
    Random random;
    random_seed(&random, 1);
    graph = graph_new();
    net = mlp_new(graph, (size_t[]){2, 8, 2}, 3, ACTIVATION_TANH);
    mlp_init(net, INIT_PYTORCH, &random);
    optimizer = sgd_new(net->params, net->param_count, (SGD){.lr = 0.01});
    weight = net->params[0];
    Value **x = v_inputs(graph, rows[0], 4);
    loss = loss_of(x);
    program = program_record(loss, x, 4, NULL);
    mark = graph_mark(graph);
}

static void train(void)
{
    optimizer_zero_grad(optimizer);
    backward(loss_of(v_inputs(graph, rows[step % 4], 4)));
    optimizer_step(optimizer);
    graph_release(graph, mark);
}

static void label_again(void)
{
    char text[64];
    snprintf(text, sizeof text, step % 3 == 0 ? "weight in step %zu of many" : "w%zu", step);
    v_label(weight, step % 3 == 1 ? NULL : text);
    v_label(v_exp(weight), text);
    graph_release(graph, mark);
}

static void mark_and_release(void)
{
    Value *y = weight;
    Mark marks[MARKS];
    const size_t deep = step % MARKS == 0 ? MARKS : 1; /* now and then many at once, each with a node */
    for (size_t i = 0; i < deep; i++) {
        marks[i] = graph_mark(graph);
        y = v_neg(y);
    }
    for (size_t i = deep; i-- > 0;)
        graph_release(graph, marks[i]);
}

static void make_graph(void)
{
    Graph *own = graph_new();
    Value *x = v_label(v_param(own, (double)step), "x"), *list[] = {x, v_exp(v_neg(x)), x};
    backward(v_sum(list, 3));
    graph_free(own);
}

static void walk_back(void) { backward(loss); }

static void replay(void)
{
    optimizer_zero_grad(optimizer);
    program_replay(program, rows[step % 4], 1, 1.0, NULL);
    optimizer_step(optimizer);
}

static void draw(void)
{
    if (!dot_write(loss, "loss.dot", NULL, NULL) ||
        !player_write(loss, "loss.html", &(PlayerOptions){.without_dot = true}, NULL))
        stop("the drawings cannot be written");
}

static void load(void)
{
    Dataset data;
    if (!csv_load("iris.csv", &data, NULL))
        stop("iris.csv cannot be loaded");
    dataset_free(&data);
}

static const struct {
    const char *name;
    size_t steps;
    void (*action)(void);
} runs[] = {{"training", 1000000, train},
            {"labels", 1000000, label_again},
            {"marks", 100000, mark_and_release},
            {"graphs", 100000, make_graph},
            {"backward", 100000, walk_back},
            {"replay", 1000000, replay},
            {"drawings", 1000, draw},
            {"csv", 10000, load}};

static bool is_flat(Memory a, Memory b)
{
    return b.given <= a.given + GIVEN_MOST && b.resident <= a.resident + RESIDENT_MOST;
}

/* The seconds until `end` steps have been done. */
static double seconds_until(size_t end, void action(void))
{
    const double start = seconds_now();
    for (; step < end; step++)
        action();
    return seconds_now() - start;
}

static bool do_run(const char *name, size_t steps, void action(void))
{
    const size_t hundredth = steps / 100, tenth = steps / 10;
    begin();
    double first = seconds_until(hundredth, action);
    const Memory before = memory_now();
    memory_lasts(SIZE_MAX);
    first += seconds_until(tenth, action);
    seconds_until(9 * tenth, action);
    const double last = seconds_until(steps, action);
    const Memory after = memory_now();
    printf("%s: %zu steps, %s: %+td bytes in use and %+td KB resident since step %zu; %.3g allocations and %.3g us a "
           "step, the last tenth %.2f times the first\n",
           name, steps, is_flat(before, after) ? "flat" : "GROWS", (ptrdiff_t)(after.given - before.given),
           ((ptrdiff_t)after.resident - (ptrdiff_t)before.resident) / 1024, hundredth,
           (double)allocations / (double)(steps - hundredth), 1e6 * last / (double)tenth, last / first);
    program_free(program), optimizer_free(optimizer), graph_free(graph);
    return is_flat(before, after);
}

/* x, −x, x, −x ... or 1 + 1 + 1 + ...; one node more or less */
static bool do_nodes(bool is_sum, size_t count)
{
    const Memory before = memory_now();
    const double start = seconds_now();
    graph = graph_new();
    Value *x = v_param(graph, 1), *y = x, **list = is_sum ? malloc(count * sizeof *list) : &x;
    if (list == NULL)
        stop("no memory for the list");
    for (size_t i = 0; i < count; i++)
        if (is_sum)
            list[i] = v_param(graph, 1);
        else
            y = v_neg(y);
    backward(y = is_sum ? v_sum(list, count) : y);
    const double want = is_sum ? (double)count : count % 2 == 0 ? 1 : -1;
    const bool right = graph_ok(graph) && y->data == want && list[0]->grad == (is_sum ? 1 : want);
    const Memory most = memory_now();
    graph_free(graph);
    free(is_sum ? list : NULL);
    const bool flat = is_flat(before, memory_now());
    printf("a %s of %zu nodes, %s, %s; %.1f bytes and %.1f ns a node\n", is_sum ? "sum" : "chain", count,
           right ? "right" : "WRONG", flat ? "all given back" : "NOT all given back",
           (double)most.given / (double)count, 1e9 * (seconds_now() - start) / (double)count);
    return right && flat;
}

int main(int argc, char **argv)
{
    bool good = false;
    if (argc == 3 && strcmp(argv[1], "chain") * strcmp(argv[1], "sum") == 0)
        good = do_nodes(argv[1][0] == 's', (size_t)strtoull(argv[2], NULL, 10));
    else if (argc == 2)
        for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
            if (strcmp(argv[1], runs[i].name) == 0)
                good = do_run(runs[i].name, runs[i].steps, runs[i].action);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
