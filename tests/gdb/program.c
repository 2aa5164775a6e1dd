/* program.c - a small program for the debugger's tests (tests/test_gdb.c) and for the transcript in the README's tour.
 * Its argument chooses what it builds; with none it is the expression L = (a·b + c)·f. */
#define _XOPEN_SOURCE 700
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stepgrad.h"

/* Other things that bear names of nodes: a debugger must look at types, not only at names. */
double shadow = 3;
int Backward_count;

/* L = (a·b + c)·f */
static void expression(Graph *g)
{
    Value *a = v_label(v_param(g, 2.0), "a");
    Value *b = v_label(v_param(g, -3.0), "b");
    Value *c = v_label(v_param(g, 10.0), "c");
    Value *f = v_label(v_param(g, -2.0), "f");
    Value *e = v_label(v_mul(a, b), "e");
    Value *d = v_label(v_add(e, c), "d");
    Value *L = v_label(v_mul(d, f), "L");
    backward(L);
    printf("a.grad = %g, b.grad = %g\n", a->grad, b->grad);
}

/* One neuron, o = tanh(w1·x1 + w2·x2 + bias): its bias makes M such that o = √½. */
static void neuron(Graph *g)
{
    Value *w[2] = {v_label(v_param(g, -3.0), "w1"), v_label(v_param(g, 1.0), "w2")};
    Value *bias = v_label(v_param(g, 6.8813735870195432), "bias");
    Value *x[2] = {v_label(v_input(g, 2.0), "x1"), v_label(v_input(g, 0.0), "x2")};
    Value *M = v_label(v_dot_bias(w, x, 2, bias), "M");
    Value *o = v_label(v_tanh(M), "o");
    backward(o);
    printf("w1.grad = %g\n", w[0]->grad);
}

/* y = x·x + 3x: x has three edges, two of them from one node. */
static void shared(Graph *g)
{
    Value *x = v_label(v_param(g, 5.0), "x");
    Value *square = v_label(v_mul(x, x), "square");
    Value *triple = v_label(v_mul(3.0, x), "triple");
    Value *y = v_label(v_add(square, triple), "y");
    for (int pass = 0; pass < 2; pass++)
        backward(y);
    printf("x.grad = %g\n", x->grad);
}

/* log of a negative number, and what becomes of it. */
static void not_a_number(Graph *g)
{
    Value *x = v_label(v_param(g, 2.0), "x");
    Value *less = v_label(v_sub(x, 3.0), "less");
    Value *bad = v_label(v_log(less), "bad");
    Value *y = v_label(v_add(v_mul(bad, 2.0), 1.0), "y");
    backward(y);
    printf("y = %g\n", y->data);
}

/* All values are finite, but √ has no slope at 0. */
static void infinite_slope(Graph *g)
{
    Value *x = v_label(v_param(g, 0.0), "x");
    Value *root = v_label(v_sqrt(x), "root");
    Value *y = v_label(v_mul(root, 2.0), "y");
    backward(y);
    printf("x.grad = %g\n", x->grad);
}

/* A long chain with one node of interest near its end, and only now and then a pass through it by hand. */
static void chain(Graph *g)
{
    Value *x = v_label(v_param(g, 1.0), "x");
    Value *early = v_label(v_mul(x, 1.5), "early");
    Value *y = early;
    for (int i = 0; i < 50000; i++)
        y = v_mul(y, 1.0);
    v_label(y, "end");
    Backward walk = backward_begin(y);
    while (backward_step(&walk) != NULL)
        ;
    printf("x.grad = %g\n", x->grad);
}

/* Training: the graph of each step is released, and built again in the next. */
static void training(Graph *g)
{
    Value *p = v_label(v_param(g, 1.0), "p");
    const Mark mark = graph_mark(g);
    Value *stale = NULL;
    for (int step = 0; step < 3; step++) {
        Value *loss = v_label(v_mul(v_label(v_sub(p, 4.0), "off"), v_sub(p, 4.0)), "loss");
        p->grad = 0;
        backward(loss);
        p->data -= 0.25 * p->grad;
        stale = loss;
        graph_release(g, mark);
    }
    printf("p = %g\n", p->data);
    (void)stale;
}

/* Every op of the table, at a point where its formula as text holds. */
static void every_op(Graph *g)
{
    Value *a = v_label(v_param(g, 0.7), "a"), *b = v_label(v_param(g, 1.3), "b");
    Value *lists[2] = {b, a};
    Value *all[64] = {0};
    size_t count = 0;
    for (OpCode op = OP_CONST + 1; op < OP_COUNT; op++) {
        switch (op_table[op].shape) {
        case SHAPE_LEAF: break;
        case SHAPE_UNARY: all[count++] = value_unary(op, a, HERE); break;
        case SHAPE_BINARY: all[count++] = value_binary(op, a, b, HERE); break;
        case SHAPE_LIST: all[count++] = value_list(op, lists, 2, HERE); break;
        case SHAPE_PAIRS: all[count++] = value_pairs(op, lists, lists, 2, a, HERE); break;
        }
    }
    Value *total = v_label(v_sum(all, count), "total");
    backward(total);
    printf("total = %g\n", total->data);
}

/* Labels that would break a terminal, a DOT file or a careless reader. */
static void hostile(Graph *g)
{
    Value *x = v_label(v_param(g, 2.0), "a \"quoted\" \\N <b>&{|} \xc3\xa9\n\x1b[31mred");
    Value *y = v_label(v_exp(x), "y");
    backward(y);
    printf("y = %g\n", y->data);
}

/* Names that hold operators, or would be an expression of C for another node: with the pointers below, x+1 is y. */
static void names(Graph *g)
{
    Value *x = v_label(v_param(g, 2.0), "a+b");
    Value *y = v_label(v_param(g, 3.0), "c d");
    Value *n = v_label(v_param(g, 4.0), "-n");
    Value *w = v_label(v_param(g, 1.0), "w[0,1]");
    Value *far = v_label(v_param(g, 5.0), "x+1");
    Value *list[] = {w,
                     v_label(v_param(g, 1.0), " "),
                     v_label(v_param(g, 1.0), ""),
                     v_label(v_param(g, 1.0), "p, q"),
                     v_label(v_param(g, 1.0), "two\nlines\x1b[31m"),
                     v_label(v_param(g, 1.0), "a name of more than twenty-four and of more than forty characters"),
                     v_label(v_param(g, 1.0), "\xff\xc3"),
                     v_label(v_param(g, 1.0), "\xd7\xa9\xd7\x9c")};
    Value *product = v_label(v_mul(x, y), "k=3");
    Value *power = v_label(v_pow(n, x), "power");
    Value *sum = v_label(v_sum(list, sizeof list / sizeof list[0]), "sum");
    Value *total = v_label(v_sub(v_add(product, power), v_add(v_sub(sum, -3.0), v_log(far))), "total");
    backward(total);
    printf("total = %g\n", total->data);
}

/* An operand that was released, and then all of it: what a pointer kept too long leads to. */
static void stale(Graph *g)
{
    Value *p = v_label(v_param(g, 2.0), "p");
    const Mark mark = graph_mark(g);
    Value *kept = v_label(v_mul(p, 3.0), "kept");
    graph_release(g, mark);
    Value *y = v_label(v_mul(p, p), "y");
    Value *live = y->b;
    y->b = kept;
    backward_hook(y);
    y->b = live;
    Graph *other = graph_new();
    Value *gone = v_label(v_param(other, 7.0), "gone");
    graph_free(other);
    backward_hook(gone);
}

static void *square_and_double(void *number)
{
    Graph *g = graph_new();
    Value *x = v_label(v_param(g, *(double *)number), "x");
    Value *y = v_label(v_mul(x, x), "y");
    Value *z = v_label(v_mul(y, 2.0), "z");
    for (int pass = 0; pass < 100; pass++) {
        x->grad = 0;
        backward(z);
    }
    graph_free(g);
    return NULL;
}

static double three = 3, five = 5;

/* A process and its child, each with a graph at the same address. */
static void forked(Graph *g)
{
    (void)g;
    const pid_t child = fork();
    square_and_double(child == 0 ? &three : &five);
    if (child == 0)
        _exit(0);
    waitpid(child, NULL, 0);
}

/* Two threads that walk at the same time, each in a graph of its own. */
static void threads(Graph *g)
{
    (void)g;
    pthread_t second;
    pthread_create(&second, NULL, square_and_double, &five);
    square_and_double(&three);
    pthread_join(second, NULL);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*build)(Graph *);
    } programs[] = {{"expression", expression}, {"neuron", neuron}, {"shared", shared},     {"nan", not_a_number},
                    {"slope", infinite_slope},  {"chain", chain},   {"training", training}, {"every", every_op},
                    {"hostile", hostile},       {"names", names},   {"stale", stale},       {"forked", forked},
                    {"threads", threads}};
    const char *wanted = argc > 1 ? argv[1] : "expression";
    Value *nothing = NULL;
    Value nowhere;
    memset(&nowhere, 0x55, sizeof nowhere);
    Value *wild = &nowhere;
    Graph *g = graph_new();
    for (size_t i = 0; i < sizeof programs / sizeof programs[0]; i++)
        if (strcmp(programs[i].name, wanted) == 0)
            programs[i].build(g);
    graph_free(g);
    return nothing == wild || isnan(shadow) || Backward_count;
}
