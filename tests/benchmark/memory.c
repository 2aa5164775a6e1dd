/* memory.c - bytes per node, and what a step of training asks memory.h for: nothing, once the first is done. */
#include "../no_memory.h"
#include "stepgrad.h"
#include "tables.h"

enum { NODES, BYTES, FIRST, SECOND, LATER }; /* the columns */

/* Bytes in use: the nodes, and the lists and labels behind them. */
static size_t bytes_of(const Graph *graph)
{
    size_t bytes = 0;
    for (const Block *block = graph->newest; block != NULL; block = block->older)
        bytes += block->node_count * sizeof(Value) + (size_t)(block->end - block->back);
    return bytes;
}

void count_memory(Graph *graph, Step *step, void *training, size_t size, double *numbers)
{
    const size_t nodes_before = graph_node_count(graph), bytes_before = bytes_of(graph);
    const Mark mark = graph_mark(graph);
    numbers[FIRST] = numbers[SECOND] = numbers[LATER] = 0;
    for (size_t i = 0; i < size; i++) {
        memory_lasts(SIZE_MAX);
        step(training);
        numbers[NODES] = (double)(graph_node_count(graph) - nodes_before);
        if (numbers[NODES] > 0) /* a replay builds none */
            numbers[BYTES] = (double)(bytes_of(graph) - bytes_before) / numbers[NODES];
        graph_release(graph, mark);
        numbers[i < 2 ? FIRST + i : LATER] += (double)allocations;
        memory_restore();
    }
}

static const Row rows[] = {
    {"chain of 1,000,000", .measure = chain_memory, .size = 5},
    {"two moons, a batch of 64", .measure = moons_memory},
    {"two moons, replay", .measure = replay_memory},
    {"GPT, a name of 7 letters", .measure = gpt_memory},
};

static const Column columns[] = {
    [NODES] = {"nodes of a step", .decimals = 0},         [BYTES] = {"bytes a node", .decimals = 1},
    [FIRST] = {"allocations, 1st step", .decimals = 0},   [SECOND] = {"2nd step", .decimals = 0},
    [LATER] = {"all later ones together", .decimals = 0},
};

Table memory_table = {
    .name = "memory",
    .title = "Memory",
    .text =
        "A node and what belongs to it: the lists of operands that do not lie side by side. Allocations are counted "
        "in 100 steps of training; 5 of the chain, of whose 64 MB the last 16 are not used in the next step.",
    TABLE_OF(rows, columns),
    .size = 100,
    .quick_size = 5,
    .turns = 1,
};
