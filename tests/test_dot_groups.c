/* test_dot_groups.c - a network's neurons and layers as groups of a diagram. */
#define _DEFAULT_SOURCE /* open_memstream, popen beside C11 */
#define _DARWIN_C_SOURCE
#include <criterion/criterion.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "caught.h"
#include "graph/network_groups.h"
#include "memory.h"
#include "no_memory.h"
#include "stepgrad.h"

static Graph *graph;
static MLP *net;       /* 2 inputs, 3 neurons with tanh, 2 outputs */
static Value **x;      /* inputs of two rows */
static Value *loss;    /* of the first row */
static size_t outside; /* nodes in no group: the inputs of a row, and what the loss is made of */
static Error error;
static NetworkGroups groups;

enum { INPUTS = 2, HIDDEN = 3, OUTPUTS = 2, LAYERS = 2, GROUPS = LAYERS + HIDDEN + OUTPUTS };

static void setup(void)
{
    static const size_t sizes[] = {INPUTS, HIDDEN, OUTPUTS};
    static const double data[] = {0.5, -1, 2, 0.25};
    Random random;
    random_seed(&random, 1);
    graph = graph_new();
    v_param(graph, 7); /* so that numbers do not begin with the network */
    net = mlp_new(graph, sizes, 3, ACTIVATION_TANH);
    mlp_init(net, INIT_PYTORCH, &random);
    x = v_inputs(graph, data, 2 * INPUTS);
    Value **logits = mlp_forward(net, x);
    const size_t before = graph_node_count(graph);
    loss = v_label(cross_entropy(logits, OUTPUTS, 1), "loss");
    outside = INPUTS + graph_node_count(graph) - before;
    backward(loss);
}

static void teardown(void)
{
    network_groups_free(&groups);
    graph_free(graph);
}

TestSuite(dot_groups, .init = setup, .fini = teardown, .timeout = 1800);

static void find(Value *root, NetworkDetail detail)
{
    cr_assert(network_groups_find(&groups, net, root, detail, &error), "no groups: %s", error.message);
}

static bool has(const DotGroup *group, const Value *v)
{
    const size_t number = value_number(v);
    if (number >= group->first && number < group->end)
        return true;
    for (size_t i = 0; i < group->member_count; i++)
        if (group->members[i] == v)
            return true;
    return false;
}

/* How many nodes of root's cone are in the group itself, and how many in any group. */
static size_t count_in(const DotGroup *group, Value *root)
{
    size_t count, in = 0;
    Value **order = graph_topological_order(root, &count);
    for (size_t i = 0; i < count; i++)
        in += has(group, order[i]);
    memory_free(order);
    return in;
}

static size_t count_text(const char *text, const char *part)
{
    size_t count = 0;
    while ((text = strstr(text, part)) != NULL) {
        count++;
        text += strlen(part);
    }
    return count;
}

/* The diagram of root with the groups; the caller frees it. */
static char *print(Value *root)
{
    char *text = NULL;
    size_t size;
    const DotOptions options = {.groups = groups.list, .group_count = groups.count};
    FILE *out = open_memstream(&text, &size);
    cr_assert(dot_print(root, out, &options, &error), "dot_print: %s", error.message);
    fclose(out);
    return text;
}

/* The diagram has so many boxes of nodes, boxes of groups, and frames. */
static void expect_drawn(Value *root, size_t nodes, size_t boxes, size_t frames)
{
    char *text = print(root);
    const size_t got_nodes = count_text(text, " [id=\"n"), got_boxes = count_text(text, " [id=\"g");
    size_t got_frames = 0;
    for (size_t g = 0; g < groups.count; g++) {
        char frame[64];
        snprintf(frame, sizeof frame, "graph [id=\"cluster_%zu\"", g);
        got_frames += strstr(text, frame) != NULL;
    }
    cr_expect(got_nodes == nodes && got_boxes == boxes && got_frames == frames,
              "drawn: %zu nodes, %zu boxes, %zu frames, want %zu, %zu, %zu, in\n%s", got_nodes, got_boxes, got_frames,
              nodes, boxes, frames, text);
    free(text);
}

/* ---- what belongs to a neuron ------------------------------------------------------------------------------------ */

Test(dot_groups, layers_come_first_then_neurons_each_inside_its_layer)
{
    static const char *const names[GROUPS] = {"layer 1",    "layer 2",    "neuron 1,0", "neuron 1,1",
                                              "neuron 1,2", "neuron 2,0", "neuron 2,1"};
    find(loss, NETWORK_NODES);
    cr_assert_eq(groups.count, GROUPS, "%zu groups, want %d", groups.count, GROUPS);
    for (size_t g = 0; g < GROUPS; g++) {
        const DotGroup *around = g < LAYERS ? NULL : g < LAYERS + HIDDEN ? &groups.list[0] : &groups.list[1];
        cr_expect_str_eq(groups.list[g].name, names[g], "groups[%zu] is \"%s\", want \"%s\"", g, groups.list[g].name,
                         names[g]);
        cr_expect(groups.list[g].inside == around, "%s is inside the wrong group", names[g]);
        cr_expect(!groups.list[g].collapsed, "%s is collapsed", names[g]);
    }
}

Test(dot_groups, a_neuron_holds_its_weights_bias_sum_and_activation)
{
    find(loss, NETWORK_NODES);
    for (size_t l = 1; l <= LAYERS; l++) {
        const Layer *layer = &net->layers[l - 1];
        for (size_t i = 0; i < layer->outputs; i++) {
            const DotGroup *group = network_groups_neuron(&groups, net, l, i);
            for (size_t w = 0; w <= layer->inputs; w++)
                cr_expect(has(group, layer->neurons[i].w[w]), "%s lacks param %zu", group->name, w);
            const size_t made = l == 1 ? 2 : 1; /* the last layer has no activation */
            cr_expect_eq(group->member_count, made, "%s made %zu nodes, want %zu", group->name, group->member_count,
                         made);
            const Value *sum = group->members[0];
            cr_expect(sum->op == OP_DOT && value_parent(sum, 0) == layer->neurons[i].w[0], "%s has the sum of another",
                      group->name);
            if (l == 1)
                cr_expect(group->members[1]->op == OP_TANH && value_parent(group->members[1], 0) == sum,
                          "%s has the activation of another", group->name);
            const size_t nodes = layer->inputs + 1 + made;
            cr_expect_eq(count_in(group, loss), nodes, "%s has %zu nodes, want %zu", group->name, count_in(group, loss),
                         nodes);
        }
    }
}

Test(dot_groups, a_neuron_holds_what_it_made_of_every_row)
{
    Value **logits = mlp_forward_rows(net, x, 2);
    Value *losses[] = {cross_entropy(logits, OUTPUTS, 0), cross_entropy(logits + OUTPUTS, OUTPUTS, 1)};
    find(mean_loss(losses, 2), NETWORK_NODES);
    cr_expect_eq(network_groups_neuron(&groups, net, 1, 2)->member_count, 4, "neuron 1,2 made %zu nodes of two rows",
                 network_groups_neuron(&groups, net, 1, 2)->member_count);
    cr_expect_eq(network_groups_neuron(&groups, net, 2, 0)->member_count, 2, "neuron 2,0 made %zu nodes of two rows",
                 network_groups_neuron(&groups, net, 2, 0)->member_count);
}

Test(dot_groups, inputs_that_lie_scattered_change_nothing)
{
    Value *scattered[] = {x[3], x[0]};
    find(mlp_forward(net, scattered)[0], NETWORK_NODES);
    cr_expect_eq(network_groups_neuron(&groups, net, 1, 0)->member_count, 2, "neuron 1,0 made %zu nodes, want 2",
                 network_groups_neuron(&groups, net, 1, 0)->member_count);
}

Test(dot_groups, what_a_program_computes_of_params_itself_is_not_the_neurons)
{
    Value **const w = net->layers[0].neurons[0].w;
    Value *const weights[] = {w[0], w[1]}, *const backwards[] = {w[1], w[0]};
    Value *others[] = {
        v_mul(w[0], w[0]),                      /* weight decay */
        v_tanh(w[0]),                           /* of a param, not of a sum */
        v_dot_bias(backwards, x, INPUTS, w[2]), /* a dot of its params, in another order */
        v_dot_bias(weights, x, INPUTS, w[1]),   /* a weight for its bias */
        v_dot_bias(weights, x, 1, w[2]),        /* not all of its weights */
        v_dot_bias(x, x, INPUTS, w[2]),         /* its bias alone */
        v_neg(neuron_forward(&net->layers[0].neurons[0], ACTIVATION_NONE, x)), /* not the layer's activation */
        v_tanh(mlp_forward(net, x)[0]),                                        /* after a layer without one */
    };
    const size_t count = sizeof others / sizeof *others;
    Value *root = v_sum(others, count);
    find(root, NETWORK_NODES);
    for (size_t i = 0; i < count; i++)
        for (size_t g = 0; g < groups.count; g++)
            cr_expect(!has(&groups.list[g], others[i]), "expression %zu is in %s", i, groups.list[g].name);
    cr_expect(!has(network_groups_neuron(&groups, net, 1, 0), root), "the root is in a neuron");
}

/* ---- drawn ------------------------------------------------------------------------------------------------------- */

/* Neurons of 2 weights, bias, sum and tanh, and of 3 weights, bias and sum. */
enum { IN_LAYER_1 = HIDDEN * (INPUTS + 3), IN_LAYER_2 = OUTPUTS * (HIDDEN + 2) };

Test(dot_groups, every_node_of_a_network_is_drawn_in_the_frame_of_its_neuron)
{
    find(loss, NETWORK_NODES);
    expect_drawn(loss, outside + IN_LAYER_1 + IN_LAYER_2, 0, GROUPS);
}

Test(dot_groups, neurons_collapse_to_a_box_each_in_the_frames_of_layers)
{
    find(loss, NETWORK_NEURONS);
    expect_drawn(loss, outside, HIDDEN + OUTPUTS, LAYERS);
}

Test(dot_groups, layers_collapse_to_a_box_each)
{
    find(loss, NETWORK_LAYERS);
    expect_drawn(loss, outside, LAYERS, 0);
}

Test(dot_groups, a_single_neuron_or_layer_can_be_opened_or_closed)
{
    find(loss, NETWORK_NEURONS);
    network_groups_neuron(&groups, net, 1, 1)->collapsed = false;
    groups.list[1].collapsed = true;                             /* layer 2 */
    expect_drawn(loss, outside + INPUTS + 3, HIDDEN - 1 + 1, 2); /* frames: layer 1, and neuron 1,1 */
}

Test(dot_groups, a_neuron_that_the_root_does_not_depend_on_is_not_drawn)
{
    Value *logit = mlp_forward(net, x)[1];
    find(logit, NETWORK_NEURONS);
    expect_drawn(logit, INPUTS, HIDDEN + 1, LAYERS);
    network_groups_free(&groups);
    Value *apart = v_mul(x[0], v_param(graph, 2));
    find(apart, NETWORK_NODES);
    expect_drawn(apart, 3, 0, 0);
}

Test(dot_groups, the_real_dot_draws_each_of_them_without_a_complaint)
{
    if (system("dot -V >/dev/null 2>&1") != 0)
        cr_skip_test("SKIPPED: the program dot is not installed (apt-get install graphviz)");
    for (NetworkDetail detail = NETWORK_NODES; detail <= NETWORK_LAYERS; detail++) {
        find(loss, detail);
        char *text = print(loss);
        FILE *dot = popen("dot -Tplain 2>&1 >/dev/null | (! grep . >&2)", "w");
        cr_assert(dot != NULL && fputs(text, dot) >= 0, "no pipe to dot");
        const int status = pclose(dot);
        cr_expect_eq(status, 0, "dot complains at detail %d of\n%s", (int)detail, text);
        free(text);
        network_groups_free(&groups);
    }
}

/* ---- errors ------------------------------------------------------------------------------------------------------ */

Test(dot_groups, without_memory_there_are_no_groups_and_nothing_leaks)
{
    bool ok = false;
    int failures = 0;
    for (; !ok && failures < 100; failures += !ok) {
        error.message[0] = '\0';
        memory_lasts((size_t)failures);
        ok = network_groups_find(&groups, net, loss, NETWORK_NEURONS, &error);
        memory_restore();
        if (!ok)
            cr_expect(strstr(error.message, "no memory") != NULL && groups.list == NULL && groups.members == NULL &&
                          groups.names == NULL,
                      "allocation %d failed: \"%s\"", failures, error.message);
    }
    cr_expect(ok && failures >= 4, "%d allocations failed, want at least 4: list, names, order, members", failures);
}

Test(dot_groups, misuse_is_told_at_the_callers_line)
{
    Graph *other = graph_new();
    Value *stranger = v_param(other, 1);
    find(loss, NETWORK_NODES);
    NetworkGroups unused;
    MUST_BE_MISUSE(network_groups_find(&unused, net, stranger, NETWORK_NODES, &error), "root", "graph");
    MUST_BE_MISUSE(network_groups_neuron(&groups, net, 0, 0), "no layer 0", "1 to 2");
    MUST_BE_MISUSE(network_groups_neuron(&groups, net, 3, 0), "no layer 3", "1 to 2");
    MUST_BE_MISUSE(network_groups_neuron(&groups, net, 3, 0), "no layer 3");
    MUST_BE_MISUSE(network_groups_neuron(&groups, net, 2, 2), "no neuron 2 in layer 2", "0 to 1");
    graph_free(other);
}
