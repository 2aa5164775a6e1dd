/* test_null.c - NULL given to any function of viz that a program calls is misuse at the caller's line: a test per
 * header. A NULL error, NULL options and NULL to a function that frees are allowed. */
#include <criterion/criterion.h>

#include <stdio.h>

#include "caught.h"
#include "draw/expression.h"
#include "graph/dot.h"
#include "graph/json.h"
#include "graph/network_groups.h"
#include "graph/tree.h"
#include "player/player.h"
#include "plot/plot.h"
#include "stepgrad.h"

static Graph *graph;
static Value *x;

static void setup(void)
{
    graph = graph_new();
    x = v_param(graph, 1);
}

static void teardown(void) { graph_free(graph); }

TestSuite(null, .init = setup, .fini = teardown, .timeout = 1800);

Test(null, dot_h)
{
    size_t length;
    const DotOptions many = {.group_count = 2};
    MUST_BE_MISUSE(dot_draw(NULL, "x.svg", NULL, NULL), "dot: root is NULL");
    MUST_BE_MISUSE(dot_draw(x, NULL, NULL, NULL), "dot: the path is NULL");
    MUST_BE_MISUSE(dot_write(NULL, "x.dot", NULL, NULL), "dot: root is NULL");
    MUST_BE_MISUSE(dot_write(x, NULL, NULL, NULL), "dot: the path is NULL");
    MUST_BE_MISUSE(dot_print(NULL, stdout, NULL, NULL), "dot: root is NULL");
    MUST_BE_MISUSE(dot_print(x, NULL, NULL, NULL), "dot: out is NULL");
    MUST_BE_MISUSE(dot_print(x, stdout, &many, NULL), "dot: groups is NULL");
    MUST_BE_MISUSE(dot_picture_at(HERE, NULL, "x", "svg", &length, NULL, NULL), "dot: root is NULL");
    MUST_BE_MISUSE(dot_picture_at(HERE, x, NULL, "svg", &length, NULL, NULL), "dot: target is NULL");
    MUST_BE_MISUSE(dot_picture_at(HERE, x, "x", NULL, &length, NULL, NULL), "dot: format is NULL");
    MUST_BE_MISUSE(dot_picture_at(HERE, x, "x", "svg", NULL, NULL, NULL), "dot: length is NULL");
}

Test(null, json_h)
{
    MUST_BE_MISUSE(json_write(NULL, "x.json", NULL, NULL), "root is NULL");
    MUST_BE_MISUSE(json_write(x, NULL, NULL, NULL), "json_write: the path is NULL");
}

Test(null, network_groups_h)
{
    NetworkGroups groups = {0};
    MLP *net = mlp_new(graph, ((size_t[]){1, 1}), 2, ACTIVATION_TANH);
    MUST_BE_MISUSE(network_groups_find(NULL, net, x, NETWORK_NODES, NULL), "groups is NULL");
    MUST_BE_MISUSE(network_groups_find(&groups, NULL, x, NETWORK_NODES, NULL), "the network is NULL", "mlp_new");
    MUST_BE_MISUSE(network_groups_find(&groups, net, NULL, NETWORK_NODES, NULL), "root is NULL");
    MUST_BE_MISUSE(network_groups_neuron(NULL, net, 1, 0), "groups is NULL");
    MUST_BE_MISUSE(network_groups_neuron(&groups, NULL, 1, 0), "the network is NULL");
    network_groups_free(NULL);
}

Test(null, text_h)
{
    char text[TEXT_SIZE];
    MUST_BE_MISUSE(text_name(NULL, 9, text), "text_name: the node is NULL");
    MUST_BE_MISUSE(text_expression(NULL, TEXT_NAMES, 4, text), "text_expression: the node is NULL");
    MUST_BE_MISUSE(text_node(NULL, 4), "text_node: the node is NULL");
    MUST_BE_MISUSE(text_shows_all_operands(NULL), "text_shows_all_operands: the node is NULL");
    MUST_BE_MISUSE(text_derivative(NULL, 0, TEXT_NAMES, 4, text), "text_derivative: the node is NULL");
    MUST_BE_MISUSE(text_product(NULL, 0, 4, text), "text_product: the node is NULL");
}

Test(null, tree_h)
{
    MUST_BE_MISUSE(tree_print(NULL, stdout, NULL), "tree_print: root is NULL");
    MUST_BE_MISUSE(tree_print(x, NULL, NULL), "tree_print: out is NULL");
}

Test(null, player_h)
{
    MUST_BE_MISUSE(player_write(NULL, "x.html", NULL, NULL), "player_write: root is NULL");
    MUST_BE_MISUSE(player_write(x, NULL, NULL, NULL), "player_write: the path is NULL");
}

static void predict(void *context, double x0, double x1, double *p)
{
    (void)context, (void)x0, (void)x1;
    p[0] = p[1] = 0.5;
}

Test(null, plot_h)
{
    const double xs[] = {1, 2};
    const int label[] = {0};
    const LinePlot lines = {.series_count = 1}, curve = {.series = &(PlotSeries){.count = 1}, .series_count = 1};
    const BoundaryPlot no_predict = {.x = xs, .label = label, .count = 1, .classes = 2},
                       no_x = {.label = label, .count = 1, .classes = 2, .predict = predict},
                       no_label = {.x = xs, .count = 1, .classes = 2, .predict = predict},
                       whole = {.x = xs, .label = label, .count = 1, .classes = 2, .predict = predict};
    MUST_BE_MISUSE(plot_lines(NULL, &curve, NULL), "the path is NULL");
    MUST_BE_MISUSE(plot_lines("x.svg", NULL, NULL), "the plot is NULL");
    MUST_BE_MISUSE(plot_lines("x.svg", &lines, NULL), "series is NULL");
    MUST_BE_MISUSE(plot_lines("x.svg", &curve, NULL), "its y is NULL");
    MUST_BE_MISUSE(plot_boundary(NULL, &whole, NULL), "is NULL");
    MUST_BE_MISUSE(plot_boundary("x.svg", NULL, NULL), "is NULL");
    const BoundaryPlot *const parts[] = {&no_predict, &no_x, &no_label};
    for (volatile size_t i = 0; i < 3; i++)
        MUST_BE_MISUSE(plot_boundary("x.svg", parts[i], NULL), "predict, x or label is NULL");
}

Test(null, expression_h)
{
    Expression e;
    ExpressionError error = {0};
    const Given nameless = {.value = 1};
    MUST_BE_MISUSE(expression_build(NULL, "x", 1, NULL, 0, &error), "expression is NULL");
    MUST_BE_MISUSE(expression_build(&e, NULL, 1, NULL, 0, &error), "text is NULL");
    MUST_BE_MISUSE(expression_build(&e, "x", 1, NULL, 1, &error), "name of a given value is NULL");
    MUST_BE_MISUSE(expression_build(&e, "x", 1, &nameless, 1, &error), "name of a given value is NULL");
    MUST_BE_MISUSE(expression_build(&e, "x", 1, NULL, 0, NULL), "error is NULL");
    MUST_BE_MISUSE(expression_error_print(NULL, "x", 1, "draw", NULL, stderr), "error is NULL");
    MUST_BE_MISUSE(expression_error_print(&error, NULL, 1, "draw", NULL, stderr), "text is NULL");
    MUST_BE_MISUSE(expression_error_print(&error, "x", 1, NULL, NULL, stderr), "program is NULL");
    MUST_BE_MISUSE(expression_error_print(&error, "x", 1, "draw", NULL, NULL), "out is NULL");
    expression_free(NULL);
}
