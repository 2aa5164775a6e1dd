/* player_pages.c - write pages of the player for tests/browser/player_test.py, and beside each what it must show.
 *
 *     build/tests/player_pages FOLDER
 *
 * FOLDER/NAME.html is the page; FOLDER/NAME.json the numbers of the same pass, stepped here with backward_begin and
 * backward_step and printed with all digits: data of each node, and after each step the gradients of all nodes. */
#include <stdio.h>
#include <stdlib.h>

#include "backward.h"
#include "graph.h"
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

static Value *log_softmax(Graph *g)
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

/* A network for two inputs, and its squared error. */
static Value *network(Graph *g)
{
    Random random;
    random_seed(&random, 7);
    MLP *net = mlp_new(g, ((const size_t[]){2, 4, 1}), 3, ACTIVATION_TANH);
    Value *x[] = {named_input(g, 0.5, "x1"), named_input(g, -1.25, "x2")};
    mlp_init(net, INIT_XAVIER_UNIFORM, &random);
    Value *off = v_label(v_sub(mlp_forward(net, x)[0], named_input(g, 1, "target")), "off");
    return v_label(v_mul(off, off), "loss");
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

typedef struct Sample {
    const char *name;
    Value *(*build)(Graph *g);
    PlayerOptions options;
} Sample;

static const Sample samples[] = {
    {"expression", expression, {0}},
    {"expression_layers", expression, {.without_dot = true}},
    {"fan_out", fan_out, {.digits = 6}},
    {"fan_out_layers", fan_out, {.without_dot = true}},
    {"neuron", neuron, {0}},
    {"neuron_layers", neuron, {.without_dot = true}},
    {"log_softmax", log_softmax, {0}},
    {"all_ops", all_ops, {0}},
    {"all_ops_layers", all_ops, {.without_dot = true}},
    {"network", network, {0}},
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

static bool write_expected(const Sample *sample, Value *root, const char *path)
{
    size_t count;
    Value **order = graph_topological_order(root, &count);
    FILE *out = fopen(path, "w");
    if (order == NULL || out == NULL)
        return false;
    fprintf(out, "{\"digits\": %d,\n \"ops\": [", sample->options.digits != 0 ? sample->options.digits : 4);
    for (size_t i = 0; i < count; i++)
        fprintf(out, "%s%d", i > 0 ? ", " : "", op_table[order[i]->op].shape != SHAPE_LEAF);
    fputs("],\n \"data\": ", out);
    print_numbers(out, order, count, false);
    fputs(",\n \"steps\": [", out);
    if (root->needs_grad)
        print_steps(out, root, order, count);
    fputs("]}\n", out);
    memory_free(order);
    return fclose(out) == 0;
}

static bool write_sample(const Sample *sample, const char *folder)
{
    char path[4096];
    Error error;
    Graph *g = graph_new();
    Value *root = sample->build(g);
    snprintf(path, sizeof path, "%s/%s.html", folder, sample->name);
    bool ok = player_write(root, path, &sample->options, &error);
    if (!ok)
        fprintf(stderr, "%s\n", error.message);
    snprintf(path, sizeof path, "%s/%s.json", folder, sample->name);
    ok = ok && write_expected(sample, root, path);
    graph_free(g);
    return ok;
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
    return 0;
}
