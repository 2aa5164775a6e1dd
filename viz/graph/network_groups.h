/* network_groups.h - the neurons and layers of a network as groups of a diagram (dot.h), each in a frame or one box.
 *
 *     NetworkGroups groups;
 *     if (!network_groups_find(&groups, net, loss, NETWORK_NEURONS, &error))
 *         return false;
 *     DotOptions options = {.groups = groups.list, .group_count = groups.count};
 *     bool ok = dot_draw(loss, "loss.svg", &options, &error);
 *     network_groups_free(&groups);
 *
 * A neuron's group holds its weights and bias and, of every forward pass that the root depends on, the sum w·x + b and
 * the activation. It is called "neuron 1,3" where its params are called w1[3,0] and b1[3], and is inside "layer 1".
 * Inputs and the loss are in no group.
 */
#ifndef STEPGRAD_NETWORK_GROUPS_H
#define STEPGRAD_NETWORK_GROUPS_H

#include "dot.h"
#include "nn.h"

/* How much of a network is drawn: every node, a box per neuron, or a box per layer. */
typedef enum NetworkDetail { NETWORK_NODES, NETWORK_NEURONS, NETWORK_LAYERS } NetworkDetail;

typedef struct NetworkGroups {
    DotGroup *list; /* for DotOptions: first the layers, then the neurons, layer after layer */
    size_t count;
    Value **members; /* what the groups point to */
    char *names;
} NetworkGroups;

/* Find the groups of net in what root was computed from; they are valid as long as both live, and the caller frees them
 * with network_groups_free. To open or close one of them, set its `collapsed` afterwards. Where root does not depend on
 * a neuron its group is empty, and is not drawn. False, and nothing to free: no memory. It is a usage error if root is
 * of another graph. */
#define network_groups_find(groups, net, root, detail, error)                                                          \
    network_groups_find_at(HERE, groups, net, root, detail, error)
bool network_groups_find_at(Where where, NetworkGroups *groups, const MLP *net, Value *root, NetworkDetail detail,
                            Error *error);
void network_groups_free(NetworkGroups *groups);

/* The group of neuron number `neuron` of layer number `layer`, counted as in the names: layers from 1, neurons from 0.
 * It is a usage error if net has no such layer or neuron. */
#define network_groups_neuron(groups, net, layer, neuron) network_groups_neuron_at(HERE, groups, net, layer, neuron)
DotGroup *network_groups_neuron_at(Where where, const NetworkGroups *groups, const MLP *net, size_t layer,
                                   size_t neuron);

#endif
