/* test_threads.c - Graphs are independent: threads that each have one get the bits that they would get alone. */
#define _POSIX_C_SOURCE 200809L
#include <criterion/criterion.h>
#include <pthread.h>

#include "backward.h"
#include "graph/dot.h"
#include "graph/text.h"
#include "nn.h"
#include "random_graphs.h"

enum { MOST_THREADS = 4, GRAPHS_EACH = 25, STEPS = 40 };

/* What a thread is given, and what it found. */
typedef struct Work {
    uint64_t first_seed;
    RandomGraphs sum;
    bool good;
    double trained;
} Work;

/* A small training loop with mark and release: a weight moves to the minimum of (w − target)². */
static double train(double target)
{
    Graph *graph = graph_new();
    Value *w = v_label(v_param(graph, 0), "w");
    const Mark mark = graph_mark(graph);
    for (int step = 0; step < STEPS; step++) {
        Value *rest = v_sub(w, target), *loss = v_mul(rest, rest);
        for (int i = 0; i < 100; i++)
            loss = v_label(v_mul(loss, 1.0), "loss");
        w->grad = 0;
        backward(loss);
        w->data -= 0.25 * w->grad;
        graph_release(graph, mark);
    }
    const double trained = w->data;
    graph_free(graph);
    return trained;
}

static void *do_work(void *argument)
{
    Work *work = argument;
    work->sum = (RandomGraphs){.hash = FNV_START};
    work->good = true;
    for (uint64_t i = 0; i < GRAPHS_EACH; i++)
        work->good = random_graphs_add(&work->sum, work->first_seed + i) && work->good;
    work->trained = train((double)work->first_seed + 1);
    return NULL;
}

static void compare_with_alone(size_t count)
{
    Work alone[MOST_THREADS], together[MOST_THREADS];
    pthread_t threads[MOST_THREADS];
    for (size_t i = 0; i < count; i++) {
        alone[i].first_seed = together[i].first_seed = 1000 * i;
        do_work(&alone[i]);
    }
    for (size_t i = 0; i < count; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, do_work, &together[i]), 0, "no thread %zu", i);
    for (size_t i = 0; i < count; i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < count; i++) {
        cr_expect(alone[i].good && together[i].good && together[i].sum.gradients > 100, "thread %zu computed little",
                  i);
        cr_expect_eq(together[i].sum.hash, alone[i].sum.hash, "thread %zu of %zu: other bits than alone", i, count);
        cr_expect_eq(together[i].trained, alone[i].trained, "thread %zu: trained to %.17g, alone to %.17g", i,
                     together[i].trained, alone[i].trained);
        cr_expect(i == 0 || together[i].sum.hash != together[0].sum.hash, "threads 0 and %zu did the same work", i);
        /* Each step halves the distance: target·2⁻⁴⁰ is left, the rest is rounding of numbers below 4096. */
        const double target = (double)together[i].first_seed + 1;
        cr_expect(together[i].trained - target < 1e-8 && together[i].trained - target > -1e-8,
                  "thread %zu: trained to %.17g, want %g", i, together[i].trained, target);
    }
}

Test(threads, two_threads_with_a_graph_each_get_the_bits_they_get_alone) { compare_with_alone(2); }
Test(threads, four_threads_with_a_graph_each_get_the_bits_they_get_alone) { compare_with_alone(MOST_THREADS); }

/* ---- one network for all ------------------------------------------------------------------------------------------
 */

typedef struct Evaluation {
    const MLP *net;
    double x[2];
    long different; /* answers that were not the first one */
} Evaluation;

static void *evaluate_often(void *argument)
{
    enum { TIMES = 20000 };
    Evaluation *work = argument;
    double first[2], y[2];
    mlp_evaluate(work->net, work->x, first);
    for (int i = 0; i < TIMES; i++) {
        mlp_evaluate(work->net, work->x, y);
        work->different += y[0] != first[0] || y[1] != first[1];
    }
    return NULL;
}

Test(threads, a_const_network_may_be_shared)
{
    Graph *g = graph_new();
    Random random;
    random_seed(&random, 1);
    MLP *net = mlp_new(g, (size_t[]){2, 16, 2}, 3, ACTIVATION_TANH);
    mlp_init(net, INIT_PYTORCH, &random);
    Evaluation work[MOST_THREADS];
    pthread_t threads[MOST_THREADS];
    for (int i = 0; i < MOST_THREADS; i++) {
        work[i] = (Evaluation){net, {i, 1 - i}, 0};
        cr_assert_eq(pthread_create(&threads[i], NULL, evaluate_often, &work[i]), 0, "no thread %d", i);
    }
    for (int i = 0; i < MOST_THREADS; i++) {
        pthread_join(threads[i], NULL);
        double alone[2], y[2];
        mlp_evaluate(net, work[i].x, alone);
        mlp_evaluate(net, work[0].x, y);
        cr_expect(i == 0 || y[0] != alone[0], "threads 0 and %d have the same answer", i);
        cr_expect_eq(work[i].different, 0, "thread %d: %ld answers differ from its first", i, work[i].different);
    }
    graph_free(g);
}

/* ---- one finished graph for all, and drawings -------------------------------------------------------------------- */

typedef struct Reading {
    Value *const *nodes;
    size_t count;
    uint64_t seed; /* of the graph that is drawn */
    char *texts;   /* all that was printed */
    size_t size;
} Reading;

/* All that can be asked of a node. */
static void read_node(const Value *v, FILE *out)
{
    char text[TEXT_SIZE];
    value_print(v, out);
    fprintf(out, "%zu %s\n", value_number(v), text_expression(v, TEXT_NUMBERS, 4, text));
    for (size_t i = 0; i < value_parent_count(v); i++) {
        const char *formula = value_local_formula(v, i);
        fprintf(out, "%a %a %s ", value_local_derivative(v, i), value_push(v, i), formula != NULL ? formula : "none");
        fprintf(out, "%s\n", text_product(v, i, 4, text));
    }
}

static void *read_and_draw(void *argument)
{
    enum { TIMES = 20 };
    Reading *work = argument;
    FILE *out = open_memstream(&work->texts, &work->size);
    Random random;
    random_seed(&random, work->seed);
    Graph *own = graph_new();
    Value *root = random_mlp_loss(&random, own, random_tangle(&random, own));
    backward(root);
    dot_print(root, out, NULL, NULL);
    for (int i = 0; i < TIMES; i++)
        for (size_t k = 0; k < work->count; k++)
            read_node(work->nodes[k], out);
    fclose(out);
    graph_free(own);
    return NULL;
}

Test(threads, a_finished_graph_may_be_read_by_all_while_each_draws_its_own)
{
    Graph *g = graph_new();
    Random random;
    random_seed(&random, 1);
    Value *loss = v_label(random_mlp_loss(&random, g, random_tangle(&random, g)), "loss");
    size_t count = 0;
    backward(loss);
    Value **nodes = graph_topological_order(loss, &count);
    Reading alone[MOST_THREADS], together[MOST_THREADS];
    pthread_t threads[MOST_THREADS];
    for (size_t i = 0; i < MOST_THREADS; i++) {
        alone[i] = together[i] = (Reading){nodes, count, i, NULL, 0};
        read_and_draw(&alone[i]);
    }
    for (size_t i = 0; i < MOST_THREADS; i++)
        cr_assert_eq(pthread_create(&threads[i], NULL, read_and_draw, &together[i]), 0, "no thread %zu", i);
    for (size_t i = 0; i < MOST_THREADS; i++) {
        pthread_join(threads[i], NULL);
        cr_expect(together[i].size > 1000 && strcmp(together[i].texts, alone[i].texts) == 0,
                  "thread %zu reads and draws something else than alone", i);
        free(together[i].texts);
        free(alone[i].texts);
    }
    memory_free(nodes);
    graph_free(g);
}
