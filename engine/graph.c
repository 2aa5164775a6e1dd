/* graph.c - nodes fill a block from the front, lists and labels from the back; to release is to move whole blocks to
 * another list. */
#define GRAPH_UNCHECKED /* this file defines the functions that graph.h wraps in checks for NULL */
#include "graph.h"

#include <math.h>

#include "memory.h"

enum { BLOCK_BYTES = 64 * 1024 }; /* about a thousand nodes */

/* How much of what was released is kept from being used again, and whether only of the last release: then a training
 * loop goes to and fro between two sets of blocks, which stay in the cache. */
#ifdef STEPGRAD_DEBUG
enum { QUARANTINE_BYTES_MOST = 256 * 1024 * 1024, LAST_RELEASE_ONLY = 0 };
#else
enum { QUARANTINE_BYTES_MOST = 16 * 1024 * 1024, LAST_RELEASE_ONLY = 1 };
#endif

/* ---- blocks ------------------------------------------------------------------------------------------------------ */

static size_t block_bytes(const Block *block) { return (size_t)(block->end - (const char *)block); }

/* Its room is poisoned until it is given away. */
static Block *block_new(Graph *graph, size_t bytes)
{
    Block *block = memory_alloc(bytes);
    if (block == NULL)
        return NULL;
    *block = (Block){.graph = graph, .end = (char *)block + bytes};
    MEMORY_POISON(block->nodes, bytes - sizeof *block);
    return block;
}

static void block_list_free(Block *block)
{
    while (block != NULL) {
        Block *older = block->older;
        memory_free(block);
        block = older;
    }
}

/* Take the smallest block of at least `bytes` out of a list; NULL when none fits. Not just the first: a block made for
 * one long list would go to ordinary nodes, and the next long list would need new memory. */
static Block *block_list_take(Block **list, size_t bytes)
{
    Block **best = NULL;
    for (Block **link = list; *link != NULL; link = &(*link)->older) {
        const size_t size = block_bytes(*link);
        if (size >= bytes && (best == NULL || size < block_bytes(*best)))
            best = link;
        if (size == bytes)
            break; /* nearly always at once: nearly all blocks are of one size */
    }
    if (best == NULL)
        return NULL;
    Block *block = *best;
    *best = block->older;
    return block;
}

static size_t end_number(const Block *block) { return block == NULL ? 0 : block->first_number + block->node_count; }

/* An empty block: a spare one, or a new one, or, when there is no memory, a quarantined one. It comes after `older` in
 * the creation order. */
static Block *block_get(Graph *graph, size_t room, Block *older)
{
    const size_t least = sizeof(Block) + room;
    const size_t bytes = least > BLOCK_BYTES ? least : BLOCK_BYTES;
    Block *block = block_list_take(&graph->spare, bytes);
    if (block == NULL)
        block = block_new(graph, bytes);
    if (block == NULL)
        block = block_list_take(&graph->quarantined, bytes);
    if (block == NULL) {
        graph->failed = true;
        return NULL;
    }
    *block = (Block){.graph = graph,
                     .older = older,
                     .first_number = end_number(older),
                     .back = block->end,
                     .end = block->end,
                     .generation = ++graph->generations};
    return block;
}

Block *graph_open_block(Graph *graph, size_t room)
{
    Block *block = block_get(graph, room, graph->newest);
    if (block != NULL) {
        graph->newest = block;
        graph->sealed = false;
    }
    return block;
}

/* ---- graphs ------------------------------------------------------------------------------------------------------ */

/* The failed node lives in a block of its own, outside the creation order. */
static Block *failed_block_new(Graph *graph)
{
    Block *block = block_new(graph, sizeof(Block) + sizeof(Value));
    if (block != NULL) {
        block->node_count = 1;
        MEMORY_UNPOISON(block->nodes, sizeof(Value));
        block->nodes[0] = (Value){.data = NAN, .label = "out of memory", .op = OP_FAILED, .block = block};
    }
    return block;
}

Graph *graph_new_at(Where where)
{
    const char *fault = op_arithmetic_fault();
    if (fault != NULL)
        misuse(where,
               "graph_new: the numbers would be wrong, for here %s. Compile the engine and link the program without "
               "-Ofast, -ffast-math, -funsafe-math-optimizations and their parts.",
               fault);
    Graph *graph = memory_alloc(sizeof *graph);
    if (graph == NULL)
        return NULL;
    *graph = (Graph){.sealed = true};
    Block *failed = failed_block_new(graph);
    if (failed == NULL) {
        memory_free(graph);
        return NULL;
    }
    graph->failed_node = &failed->nodes[0];
    return graph;
}

void graph_free(Graph *graph)
{
    if (graph == NULL)
        return;
    block_list_free(graph->newest);
    block_list_free(graph->quarantined);
    block_list_free(graph->spare);
    memory_free(graph->failed_node->block);
    memory_free(graph->scratch);
    memory_free(graph);
}

NOINLINE const Graph *graph_given(const Graph *graph, const char *function, const char *file, int line)
{
    if (graph == NULL)
        misuse((Where){file, line}, "%s: the graph is NULL. Make one with graph_new, and check that it is not NULL.",
               function);
    return graph;
}

bool graph_ok(const Graph *graph) { return !graph->failed; }

Value *graph_fail(Graph *graph)
{
    graph->failed = true;
    return graph->failed_node;
}

size_t graph_node_count(const Graph *graph) { return end_number(graph->newest); }

/* ---- memory that lives with nodes -------------------------------------------------------------------------------- */

static size_t room_in(const Block *block)
{
    return (size_t)(block->back - (const char *)&block->nodes[block->node_count]);
}

static bool has_room(const Block *block, size_t bytes) { return block != NULL && bytes <= room_in(block); }

/* `bytes` rounded up, so that the next allocation is aligned for a pointer. SIZE_MAX: no block is that large. */
static size_t aligned_size(size_t bytes)
{
    if (bytes > SIZE_MAX / 2)
        return SIZE_MAX;
    return (bytes + sizeof(void *) - 1) / sizeof(void *) * sizeof(void *) + MEMORY_RED_ZONE;
}

/* `bytes` of the `size` bytes at the back: the rest is there to be poisoned. */
static void *take_from_back(Block *block, size_t size, size_t bytes)
{
    if (block == NULL)
        return NULL;
    block->back -= size;
    MEMORY_UNPOISON(block->back, bytes);
    MEMORY_POISON(block->back + bytes, size - bytes);
    return block->back;
}

static void *no_memory(Graph *graph)
{
    graph->failed = true;
    return NULL;
}

void *graph_alloc(Graph *graph, size_t bytes)
{
    const size_t size = aligned_size(bytes);
    if (size == SIZE_MAX)
        return no_memory(graph);
    Block *block = graph->newest;
    if (graph->sealed || !has_room(block, size))
        block = graph_open_block(graph, size);
    return take_from_back(block, size, bytes);
}

/* In v's own block. When that is full, in an empty one put just before it in the creation order: every release that
 * ends v ends that one too, or keeps it for longer, but never ends it before. */
void *graph_alloc_with(Value *v, size_t bytes)
{
    Graph *graph = v->block->graph;
    const size_t size = aligned_size(bytes);
    if (size == SIZE_MAX)
        return no_memory(graph);
    if (has_room(v->block, size))
        return take_from_back(v->block, size, bytes);
    const bool empty_before = v->block->older != NULL && v->block->older->node_count == 0;
    if (empty_before && has_room(v->block->older, size))
        return take_from_back(v->block->older, size, bytes);
    Block *block = block_get(graph, size, v->block->older);
    if (block != NULL)
        v->block->older = block;
    return take_from_back(block, size, bytes);
}

void *graph_alloc_array(Graph *graph, size_t count, size_t size)
{
    return graph_alloc(graph, count <= SIZE_MAX / size ? count * size : SIZE_MAX);
}

bool graph_reserve(Graph *graph, size_t n)
{
    const Block *block = graph->newest;
    if (n > SIZE_MAX / 2 / sizeof(Value)) {
        graph->failed = true;
        return false;
    }
    if (block != NULL && !graph->sealed && n * sizeof(Value) <= room_in(block))
        return true;
    return graph_open_block(graph, n * sizeof(Value)) != NULL;
}

Value *graph_next_slots(Graph *graph, size_t n)
{
    if (!graph_reserve(graph, n))
        return NULL;
    Value *slots = &graph->newest->nodes[graph->newest->node_count];
    MEMORY_UNPOISON(slots, n * sizeof(Value));
    return slots;
}

double *graph_scratch(Graph *graph, size_t n)
{
    if (n > graph->scratch_size) {
        double *larger = memory_alloc_array(n, sizeof *larger);
        if (larger == NULL) {
            graph->failed = true;
            return NULL;
        }
        memory_free(graph->scratch);
        graph->scratch = larger;
        graph->scratch_size = n;
    }
    MEMORY_UNPOISON(graph->scratch, n * sizeof(double));
    MEMORY_POISON(graph->scratch + n, (graph->scratch_size - n) * sizeof(double));
    return graph->scratch;
}

/* ---- lives ------------------------------------------------------------------------------------------------------- */

/* No other memory is likely to hold this number after those two. */
static uintptr_t seal_of(const Block *block, size_t generation)
{
    return ((uintptr_t)block ^ (uintptr_t)generation) * (uintptr_t)0x9e3779b97f4a7c15u;
}

Life life_new(const Value *newest)
{
    Block *block = newest->block;
    return (Life){block, block->generation, seal_of(block, block->generation)};
}

MEMORY_UNCHECKED bool life_lasts(const Life *life)
{
    return life->seal == seal_of(life->block, life->generation) && !life->block->released &&
           life->block->generation == life->generation;
}

/* ---- saved gradients --------------------------------------------------------------------------------------------- */

bool graph_keep_gradients(KeptGradients *kept, Graph *graph)
{
    *kept = (KeptGradients){graph, memory_alloc_array(graph_node_count(graph), sizeof(double)), graph->trace};
    if (kept->grads == NULL)
        return false;
    for (Block *block = graph->newest; block != NULL; block = block->older)
        for (size_t i = 0; i < block->node_count; i++)
            kept->grads[block->first_number + i] = block->nodes[i].grad;
    graph->trace = NULL;
    return true;
}

void graph_restore_gradients(KeptGradients *kept)
{
    for (Block *block = kept->graph->newest; block != NULL; block = block->older) {
        for (size_t i = 0; i < block->node_count; i++)
            block->nodes[i].grad = kept->grads[block->first_number + i];
        block->has_gradients = true; /* so that the next walk clears them */
    }
    kept->graph->trace = kept->trace;
    memory_free(kept->grads);
}

/* ---- mark and release -------------------------------------------------------------------------------------------- */

/* In an empty graph a mark is at the block of the failed node, which every graph has: it shows whose mark it is. */
static Block *start_of(const Graph *graph) { return graph->failed_node->block; }

/* The next node opens a new block, so that releasing to the mark ends whole blocks. */
Mark graph_mark_at(Graph *graph, Where where)
{
    graph_given(graph, "graph_mark", where.file, where.line);
    graph->sealed = true;
    Block *newest = graph->newest;
    return newest == NULL ? (Mark){start_of(graph), 0, 0} : (Mark){newest, newest->node_count, newest->first_number};
}

static bool mark_is_at(const Graph *graph, Mark mark, const Block *block)
{
    if (block == NULL)
        return mark.block == start_of(graph);
    return block == mark.block && block->node_count == mark.node_count && block->first_number == mark.first_number;
}

/* Of a node that was released only this is read, to recognise it: see value_is_live. */
static void poison_all_but_block(Value *v)
{
    char *const start = (char *)v, *const end = (char *)(v + 1);
    char *const from = (char *)&v->block, *const to = (char *)(&v->block + 1);
    MEMORY_POISON(start, (size_t)(from - start));
    MEMORY_POISON(to, (size_t)(end - to));
}

static void forget_nodes(Block *block)
{
#ifdef STEPGRAD_DEBUG
    for (size_t i = 0; i < block->node_count; i++)
        block->nodes[i].data = block->nodes[i].grad = NAN; /* a stale pointer shows it in the debugger too */
#endif
    for (size_t i = 0; i < block->node_count; i++)
        poison_all_but_block(&block->nodes[i]);
    block->released = true;
    block->node_count = 0;
}

/* Keep a spare block of its size for each quarantined one, so that the next step needs no new memory. With no memory
 * the next step simply does without. */
static void top_up_spare(Graph *graph)
{
    Block **spare = &graph->spare;
    for (const Block *block = graph->quarantined; block != NULL; block = block->older) {
        if (*spare == NULL)
            *spare = block_new(graph, block_bytes(block));
        if (*spare == NULL)
            return;
        spare = &(*spare)->older;
    }
}

static void append(Block **list, Block *blocks)
{
    while (*list != NULL)
        list = &(*list)->older;
    *list = blocks;
}

/* Put blocks into quarantine, newest first, and take out the oldest of those there if they are too many. */
static void quarantine(Graph *graph, Block *released)
{
    if (LAST_RELEASE_ONLY) {
        append(&graph->spare, graph->quarantined);
        graph->quarantined = NULL;
    }
    append(&released, graph->quarantined);
    graph->quarantined = released;
    size_t bytes = 0;
    Block **link = &graph->quarantined;
    while (*link != NULL && (bytes += block_bytes(*link)) <= QUARANTINE_BYTES_MOST)
        link = &(*link)->older;
    append(&graph->spare, *link);
    *link = NULL;
    if (LAST_RELEASE_ONLY)
        top_up_spare(graph);
}

void graph_release_at(Graph *graph, Mark mark, Where where)
{
    graph_given(graph, "graph_release", where.file, where.line);
    Block **end_of_released = &graph->newest;
    while (*end_of_released != NULL && !mark_is_at(graph, mark, *end_of_released))
        end_of_released = &(*end_of_released)->older;
    if (!mark_is_at(graph, mark, *end_of_released))
        misuse(where,
               "graph_release: this mark (at node %zu) is not in the graph any more: an earlier mark was released to "
               "since, or the mark is another graph's. Set a new mark with graph_mark.",
               mark.first_number + mark.node_count);
    Block *released = graph->newest;
    Block *kept = *end_of_released;
    *end_of_released = NULL;
    if (released == kept)
        released = NULL;
    graph->newest = kept;
    graph->sealed = true;
    graph->failed = false;
    for (Block *block = released; block != NULL; block = block->older)
        forget_nodes(block);
    quarantine(graph, released);
}
