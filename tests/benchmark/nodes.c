/* nodes.c - what a node costs, to build and to walk back: in chains from a thousand nodes to ten million, whose cost is
 * to be the same however long they are, and in a sum of squares.
 *
 * Cold: in a new graph, whose memory the system has to give first. Warm: after graph_release, as in training.
 */
#include "stepgrad.h"
#include "tables.h"

enum { COLD, BUILD, WALK, WARM };            /* the columns */
enum { NODES_TIMED = 1000000, WARM_UP = 2 }; /* short chains are built often enough to be timed */

typedef Value *Build(Value *x, size_t n);

static Value *chain(Value *x, size_t n)
{
    Value *y = x;
    for (size_t i = 0; i < n; i++)
        y = v_add(y, x);
    return y;
}

/* Of a million at most. */
static Value *squares(Value *x, size_t n)
{
    static Value *terms[1000000];
    for (size_t i = 0; i < n; i++)
        terms[i] = v_mul(x, x);
    return v_sum(terms, n);
}

typedef struct Seconds {
    double build, walk;
} Seconds;

static Seconds time_once(Graph *graph, Value *x, Build *build, size_t n)
{
    const double start = now();
    Value *root = build(x, n);
    const double built = now();
    backward(root);
    const double walked = now();
    if (!graph_ok(graph))
        stop("no memory for the nodes");
    return (Seconds){built - start, walked - built};
}

static double time_cold(Build *build, size_t n)
{
    Graph *graph = graph_new();
    const Seconds seconds = time_once(graph, v_param(graph, 1.5), build, n);
    graph_free(graph);
    return seconds.build + seconds.walk;
}

/* The sums of `rounds`, after some that touch all the memory that will be used. */
static Seconds time_warm(Build *build, size_t n, size_t rounds)
{
    Seconds sum = {0, 0};
    Graph *graph = graph_new();
    Value *x = v_param(graph, 1.5);
    const Mark mark = graph_mark(graph);
    for (size_t round = 0; round < WARM_UP + rounds; round++) {
        const Seconds seconds = time_once(graph, x, build, n);
        graph_release(graph, mark);
        if (round >= WARM_UP)
            sum.build += seconds.build, sum.walk += seconds.walk;
    }
    graph_free(graph);
    return sum;
}

static void time_nodes(Build *build, size_t n, double *numbers)
{
    const size_t rounds = n < NODES_TIMED ? NODES_TIMED / n : 1;
    const double ns = 1e9 / (double)(n * rounds);
    numbers[COLD] = 0;
    for (size_t round = 0; round < rounds; round++)
        numbers[COLD] += time_cold(build, n) * ns;
    const Seconds warm = time_warm(build, n, rounds);
    numbers[BUILD] = warm.build * ns;
    numbers[WALK] = warm.walk * ns;
    numbers[WARM] = numbers[BUILD] + numbers[WALK];
}

static void time_chain(size_t n, double *numbers) { time_nodes(chain, n, numbers); }
static void time_squares(size_t n, double *numbers) { time_nodes(squares, n, numbers); }

static const Row rows[] = {
    {"chain of 1,000", .measure = time_chain, .size = 1000},
    {"chain of 10,000", .measure = time_chain, .size = 10000},
    {"chain of 100,000", .measure = time_chain, .size = 100000},
    {"chain of 1,000,000", .measure = time_chain, .size = 1000000},
    {"chain of 10,000,000", .measure = time_chain, .size = 10000000},
    {"sum of 1,000,000 squares", .measure = time_squares, .size = 1000000},
};

static const Column columns[] = {
    [COLD] = {"both, cold", .decimals = 1, .is_drawn = true},
    [BUILD] = {"build, warm", .decimals = 1},
    [WALK] = {"walk back, warm", .decimals = 1},
    [WARM] = {"both, warm", .decimals = 1, .is_drawn = true},
};

Table nodes_table = {
    .name = "nodes",
    .title = "A node",
    .text =
        "Nanoseconds per node of y = x + x + x + …, to build it and to walk back. Cold: in a new graph, whose memory "
        "the system gives first. Warm: in memory that graph_release gave back, as in every step of training but "
        "the first.",
    .unit = "ns a node",
    TABLE_OF(rows, columns),
    .quick_size = 1000,
    .turns = 7,
};

/* ---- for the table of memory ------------------------------------------------------------------------------------- */

static void step_of_chain(void *x) { backward(chain(x, NODES_TIMED)); }

void chain_memory(size_t size, double *numbers)
{
    Graph *graph = graph_new();
    count_memory(graph, step_of_chain, v_param(graph, 1.5), size, numbers);
    graph_free(graph);
}
