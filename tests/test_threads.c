/* test_threads.c - Graphs are independent: threads that each have one get the bits that they would get alone. */
#include <criterion/criterion.h>
#include <pthread.h>

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
