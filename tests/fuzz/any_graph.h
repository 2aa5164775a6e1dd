/* any_graph.h - a graph of any ops, any numbers and any labels, from the bytes of an input. */
#ifndef STEPGRAD_TESTS_FUZZ_ANY_GRAPH_H
#define STEPGRAD_TESTS_FUZZ_ANY_GRAPH_H

#include "backward.h"
#include "graphs.h"

enum { ANY_NODES_MOST = 24, ANY_WIDEST = 5, ANY_LABEL_SIZE = 64 };

/* Any bytes but a NUL; every fourth one is longer than what a picture shows. */
static inline char *any_label(FuzzInput *in, char label[ANY_LABEL_SIZE])
{
    const size_t length = fuzz_below(in, 12), times = length > 8 ? 5 : 1;
    for (size_t i = 0; i < length; i++)
        label[i] = (char)fuzz_byte(in);
    for (size_t i = length; i < length * times; i++)
        label[i] = label[i - length];
    label[length * times] = '\0';
    return label;
}

/* A leaf; or an op over some of nodes[0..count), in an order of which repeats are a part. */
static inline Value *any_node(FuzzInput *in, Graph *graph, Value **nodes, size_t count)
{
    const OpCode code = (OpCode)fuzz_below(in, OP_COUNT);
    const size_t n = 1 + fuzz_below(in, ANY_WIDEST);
    Value *a[ANY_WIDEST], *b[ANY_WIDEST];
    if (count == 0 || op_table[code].shape == SHAPE_LEAF)
        return value_leaf(count == 0 ? OP_PARAM : code, graph, fuzz_number(in), HERE);
    for (size_t i = 0; i < n; i++) {
        a[i] = nodes[fuzz_below(in, count)];
        b[i] = nodes[fuzz_below(in, count)];
    }
    return fuzz_node(code, a, b, n, n % 2 == 0 ? b[0] : NULL);
}

/* Nodes as long as there is input; the last is the root, which is returned after a reverse walk, if it needs one. */
static inline Value *any_graph(FuzzInput *in, Graph *graph)
{
    Value *nodes[ANY_NODES_MOST];
    char label[ANY_LABEL_SIZE];
    size_t count = 0;
    do {
        nodes[count] = any_node(in, graph, nodes, count);
        if (*any_label(in, label) != '\0')
            v_label(nodes[count], label);
        count++;
    } while (fuzz_more(in) && count < ANY_NODES_MOST);
    if (nodes[count - 1]->needs_grad)
        backward(nodes[count - 1]);
    return nodes[count - 1];
}

#endif
