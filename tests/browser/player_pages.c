/* player_pages.c - write pages of the player for tests/browser/player_test.py, and beside each what it must show.
 *
 *     build/tests/player_pages FOLDER
 *
 * FOLDER/NAME.html is the page; FOLDER/NAME.json the numbers of the same pass, stepped here with backward_begin and
 * backward_step and printed with all digits: data of each node, and after each step the gradients of all nodes. Then
 * the same graph for some other numbers of its leaves: values, local derivatives, gradients and texts.
 *
 * FOLDER/ops.json has each op at many points, and numbers as text: what any page of the player must compute. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backward.h"
#include "graph.h"
#include "graph/json.h"
#include "graph/network_groups.h"
#include "graph/text.h"
#include "loss.h"
#include "memory.h"
#include "nn.h"
#include "order.h"
#include "player/player.h"
#include "random.h"

/* ---- graphs ---- */

static Value *named_param(Graph *g, double data, const char *name) { return v_label(v_param(g, data), name); }
static Value *named_input(Graph *g, double data, const char *name) { return v_label(v_input(g, data), name); }

/* The expression of every lecture on backpropagation. */
static Value *expression(Graph *g)
{
    Value *a = named_param(g, 2, "a"), *b = named_param(g, -3, "b"), *c = named_param(g, 10, "c");
    Value *e = v_label(v_mul(a, b), "e"), *d = v_label(v_add(e, c), "d"), *f = named_param(g, -2, "f");
    return v_label(v_mul(d, f), "L");
}

/* A shared node, x*x, and a product with itself again. */
static Value *fan_out(Graph *g)
{
    Value *x = named_param(g, 3, "x");
    Value *square = v_label(v_mul(x, x), "s");
    return v_label(v_add(v_mul(square, square), v_sub(square, v_mul(x, 0.5))), "L");
}

static Value *neuron(Graph *g)
{
    Value *x[] = {named_input(g, 2, "x1"), named_input(g, 0, "x2")};
    Value *w[] = {named_param(g, -3, "w1"), named_param(g, 1, "w2")};
    Value *n = v_label(v_dot_bias(w, x, 2, named_param(g, 6.8813735870195432, "b")), "n");
    return v_label(v_tanh(n), "o");
}

static Value *softmax_loss(Graph *g)
{
    Value *z[] = {named_param(g, 1.5, "z1"), named_param(g, -0.5, "z2"), named_param(g, 0.25, "z3")};
    return v_label(v_sub(v_label(v_logsumexp(z, 3), "lse"), z[1]), "loss");
}

/* Each op once, with a relu that is shut and a constant that is named. */
static Value *all_ops(Graph *g)
{
    Value *p = named_param(g, 0.7, "p"), *q = named_param(g, 1.3, "q");
    Value *terms[OP_COUNT];
    size_t count = 0;
    for (int op = OP_CONST + 1; op < OP_COUNT; op++) {
        Value *pair[] = {p, q}, *other[] = {q, p};
        switch (op_table[op].shape) {
        case SHAPE_LEAF: break;
        case SHAPE_UNARY: terms[count++] = value_unary((OpCode)op, p, HERE); break;
        case SHAPE_BINARY: terms[count++] = value_binary((OpCode)op, p, q, HERE); break;
        case SHAPE_LIST: terms[count++] = value_list((OpCode)op, pair, 2, HERE); break;
        case SHAPE_PAIRS: terms[count++] = value_pairs((OpCode)op, pair, other, 2, NULL, HERE); break;
        }
    }
    Value *shut = v_label(v_relu(v_neg(q)), "shut");
    return v_label(v_add(v_label(v_sum(terms, count), "all"), v_mul(shut, v_label(v_const(g, 7), "seven"))), "L");
}

static MLP *last_network; /* of the sample that was built last */

/* A network for two inputs, and its squared error. */
static Value *network(Graph *g)
{
    Random random;
    random_seed(&random, 7);
    last_network = mlp_new(g, ((const size_t[]){2, 4, 1}), 3, ACTIVATION_TANH);
    Value *x[] = {named_input(g, 0.5, "x1"), named_input(g, -1.25, "x2")};
    mlp_init(last_network, INIT_XAVIER_UNIFORM, &random);
    Value *off = v_label(v_sub(mlp_forward(last_network, x)[0], named_input(g, 1, "target")), "off");
    return v_label(v_mul(off, off), "loss");
}

/* Two layers, a relu, three classes and their cross-entropy, as in chapter 15. */
static Value *classifier(Graph *g)
{
    Random random;
    random_seed(&random, 3);
    last_network = mlp_new(g, ((const size_t[]){2, 3, 3}), 3, ACTIVATION_RELU);
    Value *x[] = {named_input(g, 0.8, "x1"), named_input(g, -0.3, "x2")};
    mlp_init(last_network, INIT_KAIMING_UNIFORM, &random);
    return v_label(cross_entropy(mlp_forward(last_network, x), 3, 1), "loss");
}

/* Kinks and ties: a relu at 0, a max and a min of equal operands, |0|. */
static Value *kinks(Graph *g)
{
    Value *a = named_param(g, 1, "a"), *b = named_param(g, 1, "b"), *zero = v_sub(a, b);
    Value *left = v_add(v_max(a, b), v_min(a, b)), *right = v_add(v_abs(zero), v_relu(zero));
    return v_label(v_add(left, v_add(right, v_leaky_relu(zero))), "L");
}

/* A gradient that needs more room on the way than in the end, where it is 0. */
static Value *cancelling(Graph *g)
{
    Value *x = named_param(g, 3, "x");
    Value *less = v_mul(x, 1.2345e-5);
    return v_label(v_sub(v_mul(x, 1.2345e-5), less), "L");
}

static Value *hostile(Graph *g)
{
    Value *a = named_param(g, 1, "</script><script>alert(1)</script>");
    Value *b = named_param(g, 2, "\"'&<b>\\N{TITLE}\xE2\x80\xA8{STEPS}");
    Value *c = named_param(g, 3, "\xE7\x84\xA1\xE9\x99\x90 \xF0\x9F\x98\x80 \xFF\x01 <!-- ]]>");
    return v_label(v_mul(v_add(a, b), c), "</title><img src=x onerror=alert(1)>");
}

/* Numbers that are none: log of 0, and what becomes of it. */
static Value *unsound(Graph *g)
{
    Value *x = named_param(g, 0, "x"), *y = named_param(g, 1e-300, "y");
    return v_label(v_add(v_mul(v_log(x), y), v_div(1, v_mul(y, y))), "L");
}

static Value *no_param(Graph *g) { return v_label(v_mul(named_input(g, 4, "x"), 2.5), "y"); }

static Value *one_leaf(Graph *g) { return named_param(g, 4, "x"); }

/* A chain with one param used all along: long lines, and many steps. */
static Value *chain(Graph *g)
{
    enum { LINKS = 9 };
    Value *w = named_param(g, 0.9, "w"), *x = named_input(g, 1, "x");
    for (int i = 0; i < LINKS; i++)
        x = v_tanh(v_mul(x, w));
    return v_label(x, "h");
}

static Value *pick(Value **nodes, size_t count, Random *random) { return nodes[random_below(random, count)]; }

/* Any ops on any nodes made before, repeats included; every leaf kind; lists with scattered operands and biases. */
static Value *random_graph(Graph *g, Random *random, size_t size)
{
    Value *nodes[200], *list[8], *other[8];
    size_t count = 0;
    for (; count < 4; count++)
        nodes[count] = v_param(g, 0.25 + (double)random_below(random, 100) / 50);
    nodes[count++] = v_input(g, -0.75);
    nodes[count++] = v_const(g, 0.5);
    while (count < size) {
        const OpCode op = (OpCode)(OP_CONST + 1 + random_below(random, OP_COUNT - OP_CONST - 1));
        const size_t n = 1 + random_below(random, 8);
        for (size_t i = 0; i < n; i++) {
            list[i] = pick(nodes, count, random);
            other[i] = pick(nodes, count, random);
        }
        switch (op_table[op].shape) {
        case SHAPE_LEAF: break;
        case SHAPE_UNARY: nodes[count++] = value_unary(op, list[0], HERE); break;
        case SHAPE_BINARY: nodes[count++] = value_binary(op, list[0], other[0], HERE); break;
        case SHAPE_LIST: nodes[count++] = value_list(op, list, n, HERE); break;
        case SHAPE_PAIRS: nodes[count++] = value_pairs(op, list, other, n, n % 2 == 0 ? other[0] : NULL, HERE); break;
        }
    }
    return v_add(v_sum(nodes, count), nodes[0]);
}

typedef struct Sample {
    const char *name;
    Value *(*build)(Graph *g);
    PlayerOptions options;
} Sample;

static const Sample samples[] = {
    {"expression", expression, {.expression = "L = (a*b + c)*f # it's"}},
    {"expression_layers", expression, {.without_dot = true}},
    {"fan_out", fan_out, {.digits = 6}},
    {"fan_out_layers", fan_out, {.without_dot = true}},
    {"neuron", neuron, {0}},
    {"neuron_layers", neuron, {.without_dot = true}},
    {"log_softmax", softmax_loss, {0}},
    {"all_ops", all_ops, {0}},
    {"all_ops_layers", all_ops, {.without_dot = true}},
    {"network", network, {0}},
    {"classifier", classifier, {0}},
    {"kinks", kinks, {0}},
    {"network_layers", network, {.without_dot = true}},
    {"cancelling", cancelling, {0}},
    {"cancelling_layers", cancelling, {.without_dot = true}},
    {"hostile", hostile, {0}},
    {"unsound", unsound, {0}},
    {"no_param", no_param, {0}},
    {"one_leaf", one_leaf, {0}},
    {"chain", chain, {0}},
    {"chain_layers", chain, {.without_dot = true}},
};

/* ---- what a page must show ---- */

static void print_number(FILE *out, double x) { fprintf(out, "\"%.17g\"", x); }

static void print_numbers(FILE *out, Value **order, size_t count, bool grads)
{
    fputc('[', out);
    for (size_t i = 0; i < count; i++) {
        fputs(i > 0 ? ", " : "", out);
        print_number(out, grads ? order[i]->grad : order[i]->data);
    }
    fputc(']', out);
}

static size_t place_of(Value **order, size_t count, const Value *v)
{
    for (size_t i = 0; i < count; i++)
        if (order[i] == v)
            return i;
    return count;
}

/* Each [local derivative, product] of a node's turn, in operand order. */
static void print_products(FILE *out, const Value *v)
{
    const char *separator = "";
    for (size_t i = 0; i < value_parent_count(v); i++) {
        const double local = value_local_derivative(v, i);
        if (!value_parent(v, i)->needs_grad)
            continue;
        fprintf(out, "%s[", separator);
        print_number(out, local);
        fputs(", ", out);
        print_number(out, local == 0 ? 0 : local * v->grad);
        fputc(']', out);
        separator = ", ";
    }
}

static void print_steps(FILE *out, Value *root, Value **order, size_t count)
{
    Backward walk = backward_begin(root);
    fputs("{\"node\": -1, \"products\": [], \"grads\": ", out);
    print_numbers(out, order, count, true);
    fputc('}', out);
    for (const Value *v = backward_step(&walk); v != NULL; v = backward_step(&walk)) {
        fprintf(out, ",\n  {\"node\": %zu, \"products\": [", place_of(order, count, v));
        print_products(out, v);
        fputs("], \"grads\": ", out);
        print_numbers(out, order, count, true);
        fputc('}', out);
    }
}

/* ---- other numbers of the leaves ---- */

enum { SETTINGS = 8, RANDOM_GRAPHS = 40 };

/* 0, ties, numbers below 0, large and small ones. */
static double awkward(Random *random)
{
    static const double numbers[] = {0, 1, 1, -1, 0.5, -3.7, 2, 20, -50, 1e-3, -0.25, 1e4, 0.7};
    return numbers[random_below(random, sizeof numbers / sizeof *numbers)];
}

static void set_leaves(Value **order, size_t count, Random *random)
{
    double operands[512];
    for (size_t i = 0; i < count; i++) {
        Value *v = order[i];
        for (size_t p = 0; p < value_parent_count(v); p++)
            operands[p] = value_parent(v, p)->data;
        v->data = op_table[v->op].shape == SHAPE_LEAF ? awkward(random) : value_evaluate(v, operands);
    }
}

static void run_backward(Value *root, Value **order, size_t count)
{
    for (size_t i = 0; i < count; i++)
        order[i]->grad = 0;
    if (root->needs_grad)
        backward(root);
}

static void print_texts(FILE *out, Value **order, size_t count, int digits)
{
    char text[TEXT_SIZE];
    const char *separator = "";
    fputs("\"expressions\": [", out);
    for (size_t i = 0; i < count; i++, separator = ", ") {
        fputs(separator, out);
        json_put_string(out, text_expression(order[i], TEXT_NAMES, digits, text));
        fputs(", ", out);
        json_put_string(out, text_expression(order[i], TEXT_NUMBERS, digits, text));
    }
    separator = "], \"derivatives\": [";
    for (size_t i = 0; i < count; i++)
        for (size_t p = 0; p < value_parent_count(order[i]); p++, separator = ", ") {
            fputs(separator, out);
            json_put_string(out, text_derivative(order[i], p, TEXT_NAMES, digits, text));
        }
    fputs(*separator == ']' ? "], \"derivatives\": []" : "]", out);
}

static void print_locals(FILE *out, Value **order, size_t count)
{
    const char *separator = "";
    for (size_t i = 0; i < count; i++)
        for (size_t p = 0; p < value_parent_count(order[i]); p++, separator = ", ") {
            fputs(separator, out);
            print_number(out, value_local_derivative(order[i], p));
        }
}

static void print_settings(FILE *out, Value *root, Value **order, size_t count, int digits)
{
    Random random;
    random_seed(&random, 5);
    for (int i = 0; i < SETTINGS; i++) {
        if (i > 0)
            set_leaves(order, count, &random);
        run_backward(root, order, count);
        fprintf(out, "%s{\"data\": ", i > 0 ? ",\n  " : "");
        print_numbers(out, order, count, false);
        fputs(", \"local\": [", out);
        print_locals(out, order, count);
        fputs("], \"grads\": ", out);
        print_numbers(out, order, count, true);
        fputs(", ", out);
        print_texts(out, order, count, digits);
        fputs("}", out);
    }
}

static bool write_expected(int digits, Value *root, const char *path)
{
    size_t count;
    Value **order = graph_topological_order(root, &count);
    FILE *out = fopen(path, "w");
    if (order == NULL || out == NULL)
        return false;
    fprintf(out, "{\"digits\": %d,\n \"ops\": [", digits);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s%d", i > 0 ? ", " : "", op_table[order[i]->op].shape != SHAPE_LEAF);
    fputs("],\n \"data\": ", out);
    print_numbers(out, order, count, false);
    fputs(",\n \"steps\": [", out);
    if (root->needs_grad)
        print_steps(out, root, order, count);
    fputs("],\n \"settings\": [", out);
    print_settings(out, root, order, count, digits);
    fputs("]}\n", out);
    memory_free(order);
    return fclose(out) == 0;
}

/* The page and what it must show, as FOLDER/NAME.html and .json. */
static bool write_graph(Value *root, const char *folder, const char *name, const PlayerOptions *options)
{
    char path[4096];
    Error error;
    snprintf(path, sizeof path, "%s/%s.html", folder, name);
    if (!player_write(root, path, options, &error)) {
        fprintf(stderr, "%s\n", error.message);
        return false;
    }
    snprintf(path, sizeof path, "%s/%s.json", folder, name);
    return write_expected(options->digits != 0 ? options->digits : TEXT_DIGITS, root, path);
}

static bool write_sample(const Sample *sample, const char *folder)
{
    Graph *g = graph_new();
    const bool ok = write_graph(sample->build(g), folder, sample->name, &sample->options);
    graph_free(g);
    return ok;
}

/* The network with its neurons in frames, one of them closed. */
static bool write_framed(const char *folder)
{
    Error error;
    NetworkGroups groups;
    Graph *g = graph_new();
    Value *root = network(g);
    bool ok = network_groups_find(&groups, last_network, root, NETWORK_NODES, &error);
    if (ok) {
        network_groups_neuron(&groups, last_network, 1, 2)->collapsed = true;
        ok = write_graph(root, folder, "network_frames",
                         &(PlayerOptions){.groups = groups.list, .group_count = groups.count});
        network_groups_free(&groups);
    }
    graph_free(g);
    return ok;
}

static bool write_random_graphs(const char *folder)
{
    Random random;
    random_seed(&random, 11);
    bool ok = true;
    for (int i = 0; i < RANDOM_GRAPHS && ok; i++) {
        char name[32];
        Graph *g = graph_new();
        snprintf(name, sizeof name, "random_%02d", i);
        Value *root = random_graph(g, &random, 7 + random_below(&random, 60));
        ok = write_graph(root, folder, name, &(PlayerOptions){.without_dot = true, .digits = 4 + i % 3});
        graph_free(g);
    }
    return ok;
}

/* ---- each op at many points ---- */

static const double points[] = {0,     -0.0,   1,      -1,      0.5,    -0.5,  2,      -2,       3,         1e-3,
                                -1e-3, 0.1,    -0.3,   1.5,     -1.5,   2.1,   -2.1,   5,        -5,        9.3,
                                -9.3,  19.5,   -19.5,  36,      -36,    39.9,  -40,    40.5,     -40.5,     50,
                                -50,   700,    -700,   745,     -745,   1e6,   -1e6,   1e17,     -1e17,     1e-9,
                                1e200, -1e200, 1e-200, -1e-300, 5e-324, 1e308, -1e308, INFINITY, -INFINITY, NAN};
enum { POINTS = sizeof points / sizeof *points, PARTNERS = 12, LISTS = 60, LENGTH_MOST = 7 };

static void print_point(FILE *out, const OpInfo *op, size_t n, const double *a, const double *b, double y)
{
    static const char *separator = "";
    fprintf(out, "%s[\"%s\", [", separator, op->name);
    separator = ",\n";
    for (size_t i = 0; i < n; i++) {
        fputs(i > 0 ? ", " : "", out);
        print_number(out, a[i]);
    }
    fputs("], [", out);
    for (size_t i = 0; i < n && op->db != NULL; i++) {
        fputs(i > 0 ? ", " : "", out);
        print_number(out, b[i]);
    }
    fputs("], ", out);
    print_number(out, y);
    for (size_t i = 0; i < n; i++) {
        const double other = op->db != NULL ? b[i] : (double)n;
        fputs(i == 0 ? ", [" : ", ", out);
        print_number(out, op->da(a[i], other, y));
        if (op->db == NULL)
            continue;
        fputs(", ", out);
        print_number(out, op->db(a[i], other, y));
    }
    fputs("]]", out);
}

static void print_op(FILE *out, const OpInfo *op, Random *random)
{
    if (op->list_forward != NULL) {
        for (int k = 0; k < LISTS; k++) {
            double a[LENGTH_MOST], b[LENGTH_MOST];
            const size_t n = 1 + random_below(random, LENGTH_MOST);
            for (size_t i = 0; i < n; i++) {
                a[i] = k % 3 == 0   ? awkward(random)
                       : k % 3 == 1 ? random_uniform(random, -1, 1)
                                    : points[random_below(random, POINTS)];
                b[i] = awkward(random);
            }
            print_point(out, op, n, a, b, op->list_forward(n, a, b, 1));
        }
        return;
    }
    for (size_t i = 0; i < POINTS; i++)
        for (size_t k = 0; k < (op->db != NULL ? PARTNERS : 1); k++) {
            const double b = op->db == NULL ? 0 : k == 0 ? points[i] : points[(7 * i + 11 * k) % POINTS];
            print_point(out, op, 1, &points[i], &b, op->forward(points[i], b));
        }
}

/* ---- numbers as text ---- */

static void print_text(FILE *out, double x, int digits)
{
    static const char *separator = "";
    char text[NUMBER_SIZE];
    fprintf(out, "%s[", separator);
    separator = ",\n";
    print_number(out, x);
    fprintf(out, ", %d, \"%s\"]", digits, text_number(x, digits, text));
}

/* Numbers of any bits, and those that lie halfway between two texts: whole numbers over powers of two. */
static void print_number_texts(FILE *out)
{
    enum { NUMBERS = 3000 };
    Random random;
    random_seed(&random, 9);
    for (size_t i = 0; i < POINTS; i++)
        print_text(out, points[i], 1 + (int)(i % 17));
    for (int i = 0; i < NUMBERS; i++) {
        const uint64_t bits = random_u64(&random);
        double any;
        memcpy(&any, &bits, sizeof any);
        print_text(out, any, 1 + i % 17);
        print_text(out, ldexp((double)random_below(&random, 100000), -(int)random_below(&random, 12)), 1 + i % 6);
        print_text(out, pow(10, (double)random_below(&random, 40) - 20), 1 + i % 8);
    }
}

static bool write_ops(const char *folder)
{
    char path[4096];
    Random random;
    random_seed(&random, 1);
    snprintf(path, sizeof path, "%s/ops.json", folder);
    FILE *out = fopen(path, "w");
    if (out == NULL)
        return false;
    fputs("{\"points\": [", out);
    for (int op = OP_CONST + 1; op < OP_COUNT; op++)
        print_op(out, &op_table[op], &random);
    fputs("],\n \"texts\": [", out);
    print_number_texts(out);
    fputs("]}\n", out);
    return fclose(out) == 0;
}

int main(int argc, char **argv)
{
    if (argc != 2) {
        fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
        return 2;
    }
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++)
        if (!write_sample(&samples[i], argv[1]))
            return 1;
    return write_framed(argv[1]) && write_random_graphs(argv[1]) && write_ops(argv[1]) ? 0 : 1;
}
