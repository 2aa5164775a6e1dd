/* player_steps.c - the engine's own walk, stepped; each push is recorded as value_push computes it. */
#include "player_steps.h"

#include "backward.h"
#include "graph.h"
#include "memory.h"
#include "order.h"

/* ---- nodes and edges --------------------------------------------------------------------------------------------- */

static size_t index_of(const PlayerSteps *pass, const Value *v) { return order_find(pass->nodes, pass->node_count, v); }

static void list_edges(PlayerSteps *pass)
{
    size_t next = 0;
    for (size_t i = 0; i < pass->node_count; i++) {
        pass->first_edge[i] = next;
        for (size_t p = 0; p < value_parent_count(pass->nodes[i]); p++)
            pass->edges[next++] = (PlayerEdge){index_of(pass, value_parent(pass->nodes[i], p)), i, p};
    }
    pass->first_edge[pass->node_count] = next;
}

static bool make_room(PlayerSteps *pass)
{
    for (size_t i = 0; i < pass->node_count; i++)
        pass->edge_count += value_parent_count(pass->nodes[i]);
    pass->edges = memory_alloc_array(pass->edge_count + 1, sizeof *pass->edges);
    pass->first_edge = memory_alloc_array(pass->node_count + 1, sizeof *pass->first_edge);
    pass->steps = memory_alloc_array(pass->node_count, sizeof *pass->steps);
    pass->pushes = memory_alloc_array(pass->edge_count + 1, sizeof *pass->pushes);
    pass->grads = memory_alloc_array(pass->node_count, sizeof *pass->grads);
    return pass->edges != NULL && pass->first_edge != NULL && pass->steps != NULL && pass->pushes != NULL &&
           pass->grads != NULL;
}

/* ---- the pass ---------------------------------------------------------------------------------------------------- */

/* The walk pushes pair by pair, and a bias last: the operand that is the i-th to get its product. */
static size_t operand_in_turn(const Value *v, size_t i)
{
    const size_t count = value_parent_count(v);
    if (op_table[v->op].db == NULL)
        return i;
    if (v->has_bias && i + 1 == count)
        return v->n;
    return i % 2 == 0 ? i / 2 : count - v->n + i / 2;
}

/* v has just pushed: record it. pass->grads holds the gradients before its push, and on return those after. */
static void note_step(PlayerSteps *pass, const Value *v)
{
    const size_t node = index_of(pass, v);
    PlayerStep *step = &pass->steps[pass->step_count++];
    *step = (PlayerStep){node, v->grad, pass->push_count, 0};
    for (size_t i = 0; i < value_parent_count(v); i++) {
        const size_t edge = pass->first_edge[node] + operand_in_turn(v, i);
        const size_t parent = pass->edges[edge].parent;
        if (!pass->nodes[parent]->needs_grad)
            continue;
        const double product = value_push(v, pass->edges[edge].operand);
        const double before = pass->grads[parent];
        pass->grads[parent] = before + product;
        pass->pushes[pass->push_count++] = (PlayerPush){edge, product, before, pass->grads[parent]};
        step->push_count++;
    }
}

static void walk(PlayerSteps *pass, Value *root, Where where)
{
    for (size_t i = 0; i < pass->node_count; i++)
        pass->nodes[i]->grad = pass->grads[i] = 0;
    if (!root->needs_grad)
        return;
    Backward under_way = backward_begin_at(root, 1.0, where);
    pass->grads[pass->node_count - 1] = root->grad;
    for (const Value *v = backward_step(&under_way); v != NULL; v = backward_step(&under_way))
        note_step(pass, v);
}

static bool no_memory(PlayerSteps *pass, Error *error)
{
    player_steps_free(pass);
    return error_set(error, "player: no memory for the steps of the pass. Play a smaller graph.");
}

bool player_steps_record(PlayerSteps *pass, Value *root, size_t max_nodes, Error *error, Where where)
{
    misuse_if_null(pass, "player_steps_record: pass", "Give the address of a PlayerSteps.", where);
    *pass = (PlayerSteps){0};
    value_check(root, NULL, "player_write: root", where);
    if (root->op == OP_FAILED)
        return error_set(error, "player: there was no memory for the graph itself (see graph_ok).");
    pass->nodes = graph_topological_order_at(root, &pass->node_count, where);
    if (pass->nodes == NULL)
        return no_memory(pass, error);
    if (pass->node_count > max_nodes) {
        const size_t count = pass->node_count;
        player_steps_free(pass);
        return error_set(error,
                         "player: the graph has %zu nodes, and more than %zu can neither be laid out nor read. Play a "
                         "smaller one: a single sample instead of a batch, a narrower layer, or a node inside as root.",
                         count, max_nodes);
    }
    if (!make_room(pass) || !graph_keep_gradients(&pass->kept, value_graph(root)))
        return no_memory(pass, error);
    list_edges(pass);
    walk(pass, root, where);
    return true;
}

void player_steps_free(PlayerSteps *pass)
{
    if (pass == NULL)
        return;
    if (pass->kept.grads != NULL)
        graph_restore_gradients(&pass->kept);
    memory_free(pass->nodes);
    memory_free(pass->edges);
    memory_free(pass->first_edge);
    memory_free(pass->steps);
    memory_free(pass->pushes);
    memory_free(pass->grads);
    *pass = (PlayerSteps){0};
}
