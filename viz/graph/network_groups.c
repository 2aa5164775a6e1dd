/* network_groups.c - the neurons and layers of a network as groups of a diagram. See network_groups.h.
 *
 * The graph itself says what belongs to a neuron: its sums are the dots whose weights are the neuron's own, and an
 * activation is the op of its name on such a sum. So no forward pass has to be recorded. */
#include "network_groups.h"

#include <string.h>

#include "memory.h"
#include "order.h"

enum { NAME_SIZE = 64 }; /* "neuron ", two numbers of 20 digits, a comma */

static size_t count_neurons(const MLP *net, size_t layers)
{
    size_t count = 0;
    for (size_t l = 0; l < layers; l++)
        count += net->layers[l].outputs;
    return count;
}

/* ---- layers and neurons ------------------------------------------------------------------------------------------ */

/* The groups with all but their members. A neuron's params were made one after the other: their numbers are a range. */
static void list_groups(NetworkGroups *groups, const MLP *net, NetworkDetail detail)
{
    DotGroup *group = groups->list + net->layer_count;
    char *name = groups->names;
    for (size_t l = 0; l < net->layer_count; l++, name += NAME_SIZE) {
        const Layer *layer = &net->layers[l];
        snprintf(name, NAME_SIZE, "layer %zu", l + 1);
        groups->list[l] = (DotGroup){.name = name, .collapsed = detail == NETWORK_LAYERS};
        for (size_t i = 0; i < layer->outputs; i++) {
            const size_t first = value_number(layer->neurons[i].w[0]);
            name += NAME_SIZE;
            snprintf(name, NAME_SIZE, "neuron %zu,%zu", l + 1, i);
            *group++ = (DotGroup){.name = name,
                                  .first = first,
                                  .end = first + layer->inputs + 1,
                                  .inside = &groups->list[l],
                                  .collapsed = detail == NETWORK_NEURONS};
        }
    }
}

/* ---- members ----------------------------------------------------------------------------------------------------- */

/* The neuron that a param belongs to, or NULL. */
static DotGroup *group_of_param(const NetworkGroups *groups, const MLP *net, const Value *param)
{
    const size_t number = value_number(param);
    for (size_t g = net->layer_count; g < groups->count; g++)
        if (number >= groups->list[g].first && number < groups->list[g].end)
            return &groups->list[g];
    return NULL;
}

/* The neuron that `v` is the sum w·x + b of, or NULL. */
static DotGroup *group_of_sum(const NetworkGroups *groups, const MLP *net, const Value *v)
{
    if (v->op != OP_DOT || !v->has_bias)
        return NULL;
    DotGroup *group = group_of_param(groups, net, value_parent(v, v->n));
    const bool all = group != NULL && value_number(value_parent(v, 0)) == group->first &&
                     value_number(value_parent(v, v->n)) == group->end - 1 && v->n == group->end - group->first - 1;
    return all ? group : NULL;
}

/* The neuron that made `v`, a sum or an activation, or NULL. */
static DotGroup *group_of(const NetworkGroups *groups, const MLP *net, const Value *v)
{
    if (op_table[v->op].shape != SHAPE_UNARY)
        return group_of_sum(groups, net, v);
    DotGroup *group = group_of_sum(groups, net, value_parent(v, 0));
    if (group == NULL)
        return NULL;
    const Activation activation = net->layers[group->inside - groups->list].activation;
    return strcmp(op_table[v->op].name, activation_name(activation)) == 0 ? group : NULL;
}

/* Count the members of each group, give each a part of the one list, and fill it. */
static bool list_members(NetworkGroups *groups, const MLP *net, Value *const *order, size_t count)
{
    size_t members = 0;
    for (size_t i = 0; i < count; i++) {
        DotGroup *group = group_of(groups, net, order[i]);
        if (group != NULL)
            group->member_count++;
        members += group != NULL;
    }
    groups->members = memory_alloc_array(members, sizeof(Value *));
    if (groups->members == NULL)
        return false;
    Value **next = groups->members;
    for (size_t g = net->layer_count; g < groups->count; g++) {
        groups->list[g].members = next;
        next += groups->list[g].member_count;
        groups->list[g].member_count = 0;
    }
    for (size_t i = 0; i < count; i++) {
        DotGroup *group = group_of(groups, net, order[i]);
        if (group != NULL) {
            const size_t first = (size_t)(group->members - groups->members);
            groups->members[first + group->member_count++] = order[i];
        }
    }
    return true;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static void check_given(const NetworkGroups *groups, const MLP *net, Where where)
{
    misuse_if_null(groups, "network_groups: groups", "Give the address of a NetworkGroups.", where);
    misuse_if_null(net, "network_groups: the network", "Make it with mlp_new, and check that there was memory.", where);
}

bool network_groups_find_at(Where where, NetworkGroups *groups, const MLP *net, Value *root, NetworkDetail detail,
                            Error *error)
{
    check_given(groups, net, where);
    value_check(root, net->graph, "network_groups_find: root", where);
    *groups = (NetworkGroups){.count = net->layer_count + count_neurons(net, net->layer_count)};
    groups->list = memory_alloc_array(groups->count, sizeof *groups->list);
    groups->names = memory_alloc_array(groups->count, NAME_SIZE);
    size_t count;
    Value **order = graph_topological_order_at(root, &count, where);
    bool ok = groups->list != NULL && groups->names != NULL && order != NULL;
    if (ok) {
        list_groups(groups, net, detail);
        ok = list_members(groups, net, order, count);
    }
    memory_free(order);
    if (ok)
        return true;
    network_groups_free(groups);
    return error_set(error, "network_groups_find: no memory for the groups of the network");
}

void network_groups_free(NetworkGroups *groups)
{
    if (groups == NULL)
        return;
    memory_free(groups->list);
    memory_free(groups->members);
    memory_free(groups->names);
    *groups = (NetworkGroups){0};
}

DotGroup *network_groups_neuron_at(Where where, const NetworkGroups *groups, const MLP *net, size_t layer,
                                   size_t neuron)
{
    check_given(groups, net, where);
    if (layer < 1 || layer > net->layer_count)
        misuse(where, "network_groups: there is no layer %zu. The network has the layers 1 to %zu.", layer,
               net->layer_count);
    const size_t neurons = net->layers[layer - 1].outputs;
    if (neuron >= neurons)
        misuse(where, "network_groups: there is no neuron %zu in layer %zu. It has the neurons 0 to %zu.", neuron,
               layer, neurons - 1);
    return &groups->list[net->layer_count + count_neurons(net, layer - 1) + neuron];
}
