/* graph.h - Graph: owns the nodes of an expression, in the order of their creation.
 *
 * Nodes live in a list of blocks. Creation order is a topological order (a node's parents exist before it),
 * so the reverse walk needs no sort: it goes through the blocks backwards.
 *
 * A training program makes its parameters, sets a mark, and returns to the mark after each step:
 *
 *     Graph *g = graph_new();
 *     ... parameters ...
 *     Mark mark = graph_mark(g);
 *     for (each step) {
 *         ... build the loss, backward, update the parameters ...
 *         graph_release(g, mark);        // all nodes since the mark are gone; their memory serves the next step
 *     }
 *     graph_free(g);                     // frees every node: nothing else needs freeing
 *
 * A pointer kept by mistake to a node that was released is reported when it is used. What was released last is not
 * reused in the next step (of a release of more than 16 MB, only so much), so there it is always recognised; later it
 * is if the memory has not been given to another node yet, since then a parent would be younger than its child. In a
 * debug build (-DSTEPGRAD_DEBUG, as `make gdb` has it) nothing is reused before 256 MB have been released since, so it
 * is recognised at nearly any age. After the first step, training allocates nothing.
 *
 * Two graphs share nothing: each may be used by a thread of its own. What takes a const pointer changes nothing, and
 * several threads may do that with one graph at the same time: mlp_evaluate, say.
 */
#ifndef STEPGRAD_GRAPH_H
#define STEPGRAD_GRAPH_H

#include "memory.h"
#include "value.h"

/* Some nodes in creation order, from the front; operand lists and labels are allocated from the back, downwards. */
typedef struct Block {
    Graph *graph;
    struct Block *older;  /* the block before it in creation order (in a spare list: the next spare) */
    size_t first_number;  /* number of nodes[0] in the graph */
    size_t node_count;    /* nodes in use */
    char *back;           /* the lowest byte in use at the back */
    char *end;            /* one past the block's last byte */
    size_t generation;    /* how many blocks the graph had opened by then: another one each time the memory is reused */
    bool released;        /* its nodes are gone: using one is a usage error, and node_count is 0 */
    bool has_gradients;   /* a reverse walk has been here: interior gradients must be cleared before the next one */
    uint32_t free_labels; /* rooms of labels that were taken away: see label.c */
    _Alignas(64) Value nodes[];
} Block;

struct Graph {
    Block *newest;      /* the block that nodes are added to; NULL in an empty graph */
    Block *quarantined; /* released, newest first, and not for use yet */
    Block *spare;       /* free for use */
    size_t generations; /* blocks opened so far, counting every use of the same memory */
    bool sealed;        /* no block yet, or a mark is at the end of the newest: the next node opens one */
    bool failed;        /* there was no memory for a node */
    FILE *trace;        /* where the reverse walk prints each product, or NULL */
    size_t stop_number; /* set by a debugger: the walk reports nodes of this number or below; 0 (a leaf's): none */
    Value *failed_node; /* what builders return once there is no memory */
    double *scratch;    /* the operands of a list op, side by side */
    size_t scratch_size;
};

/* An empty graph; NULL when there is no memory. The caller frees it with graph_free, which frees all its nodes. To make
 * one where the compiler's flags spoil the arithmetic is a usage error: see op_arithmetic_fault. */
#define graph_new() graph_new_at(HERE)
Graph *graph_new_at(Where where);
void graph_free(Graph *graph);

/* False once a builder found no memory: the expression built since is failed and its data NaN. graph_release and
 * graph_free still work, and after graph_release the graph is usable again. */
bool graph_ok(const Graph *graph);

/* Number of live nodes. */
size_t graph_node_count(const Graph *graph);

#ifndef GRAPH_UNCHECKED /* for gdb these two are functions behind macros, as those in value.h are */
#define graph_ok(graph) graph_ok(graph_given(graph, "graph_ok", __FILE__, __LINE__))
#define graph_node_count(graph) graph_node_count(graph_given(graph, "graph_node_count", __FILE__, __LINE__))
#endif
const Graph *graph_given(const Graph *graph, const char *function, const char *file, int line);

/* A place in the creation order. Releasing to it ends the life of all nodes made since; a mark stays valid,
 * and may be released to again, until an earlier mark is released to. */
typedef struct Mark {
    Block *block;
    size_t node_count;
    size_t first_number;
} Mark;

#define graph_mark(graph) graph_mark_at(graph, HERE)
Mark graph_mark_at(Graph *graph, Where where);
#define graph_release(graph, mark) graph_release_at(graph, mark, HERE)
void graph_release_at(Graph *graph, Mark mark, Where where);

/* ---- for the engine ---------------------------------------------------------------------------------------------- */

/* Put an empty block with room for at least `room` bytes at the end of the creation order; NULL, and graph->failed
 * set, when there is no memory. */
Block *graph_open_block(Graph *graph, size_t room);

/* The slot for a new node of `graph`; NULL, and graph->failed set, when there is no memory. The caller fills in all of
 * it. */
static inline Value *graph_new_slot(Graph *graph)
{
    Block *block = graph->newest;
    if (graph->sealed || (char *)&block->nodes[block->node_count + 1] > block->back)
        block = graph_open_block(graph, sizeof(Value));
    if (block == NULL)
        return NULL;
    Value *slot = &block->nodes[block->node_count++];
    MEMORY_UNPOISON(slot, sizeof(Value));
    return slot;
}

/* Whether v, which is not NULL, is a node still: its block has not been released, nor is it a place in a block in use
 * that no node has taken yet since the release. */
static inline bool value_is_live(const Value *v) { return (size_t)(v - v->block->nodes) < v->block->node_count; }

/* How long something that is made of params lives: a network, an optimizer. A release ends the newest nodes first, so
 * they all live as long as the newest of them does. A Life may itself lie in memory that the release gave away: the
 * seal shows whether its other fields are still what was written. */
typedef struct Life {
    Block *block;      /* of the newest */
    size_t generation; /* of that block, when it was made */
    uintptr_t seal;
} Life;

Life life_new(const Value *newest);
bool life_lasts(const Life *life);

/* What a reverse walk changes in a graph, saved so that an internal walk leaves no trace of itself: every gradient, and
 * the trace setting, which is off until graph_restore_gradients. False: no memory, and nothing to restore. */
typedef struct KeptGradients {
    Graph *graph;
    double *grads; /* by value_number */
    FILE *trace;
} KeptGradients;

bool graph_keep_gradients(KeptGradients *kept, Graph *graph);
void graph_restore_gradients(KeptGradients *kept);

/* Make sure that the next n nodes of the graph lie side by side, if all n are made before anything else: a label or a
 * list takes memory from the same place. False, and graph->failed set, when there is none. */
bool graph_reserve(Graph *graph, size_t n);

/* The slots of the next n nodes, side by side; NULL, and graph->failed set, when there is no memory. The caller fills
 * in all of each. Then graph_add_nodes makes nodes of them: until then a debugger does not see them, half-built. */
Value *graph_next_slots(Graph *graph, size_t n);
static inline void graph_add_nodes(Graph *graph, size_t n) { graph->newest->node_count += n; }

/* Memory that lives as long as the nodes made now, aligned for a pointer; NULL, and graph->failed set, when there is
 * none. */
void *graph_alloc(Graph *graph, size_t bytes);
void *graph_alloc_array(Graph *graph, size_t count, size_t size);

/* The same, but it lives as long as v does, which may be older than the nodes made now. */
void *graph_alloc_with(Value *v, size_t bytes);

/* Room for n doubles, valid until the next call; NULL when there is no memory. */
double *graph_scratch(Graph *graph, size_t n);

/* Record that there was no memory, and return the graph's failed node. */
Value *graph_fail(Graph *graph);

#endif
