/* player_steps.h - a backward pass as a list of steps: what the player (player.h) shows, before it is a page.
 *
 *     PlayerSteps pass;
 *     bool ok = player_steps_record(&pass, root, PLAYER_MAX_NODES, error, HERE);
 *     ... pass.steps[i].node has pushed: see pass.pushes from pass.steps[i].first_push on ...
 *     player_steps_free(&pass);
 *
 * The steps are those of backward_begin and backward_step themselves, in their order.
 * Nodes and edges are identified by their index in `nodes` and `edges`.
 */
#ifndef STEPGRAD_PLAYER_STEPS_H
#define STEPGRAD_PLAYER_STEPS_H

#include "graph.h"

/* An operand of a node: edges lie child by child, and for each child in operand order, repeats included. */
typedef struct PlayerEdge {
    size_t parent, child;
    size_t operand;
} PlayerEdge;

/* A product of the chain rule: parent->grad += local * grad. */
typedef struct PlayerPush {
    size_t edge;
    double product;
    double before, after; /* the parent's grad */
} PlayerPush;

/* A node's turn in the reverse walk. Only parents that need a gradient have a push. */
typedef struct PlayerStep {
    size_t node;
    double grad; /* what it pushes */
    size_t first_push, push_count;
} PlayerStep;

typedef struct PlayerSteps {
    Value **nodes; /* what root was computed from, in the order of creation; root is the last */
    size_t node_count;
    PlayerEdge *edges;
    size_t edge_count;
    size_t *first_edge; /* per node, its first edge; one more at the end, so that node i has first_edge[i + 1] - … */
    PlayerStep *steps;  /* none if root depends on no param */
    size_t step_count;
    PlayerPush *pushes;
    size_t push_count;
    double *grads;      /* per node, when the pass is over */
    KeptGradients kept; /* what the gradients were before the pass */
} PlayerSteps;

/* Run one backward pass from root and record it. Gradients of params start from 0 in it. They are those of the pass
 * until player_steps_free makes every gradient of the graph what it was before. False, and nothing to free, when there
 * is no memory or root was computed from more than max_nodes nodes. */
bool player_steps_record(PlayerSteps *pass, Value *root, size_t max_nodes, Error *error, Where where);
void player_steps_free(PlayerSteps *pass);

#endif
