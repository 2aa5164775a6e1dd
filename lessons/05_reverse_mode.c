/* 05_reverse_mode.c - How can one pass give the derivatives of L with respect to everything?
 *
 * Following every path is right, and repeats itself: paths that meet in a node go the same way from there on.
 *
 * New here: reverse mode. Each node gets a second number, grad = ∂L/∂node, and the graph is walked once, backwards:
 *
 *     1. topological order   each node after its parents: the order in which they were made is one. Walk it backwards.
 *     2. seed                ∂L/∂L = 1
 *     3. reverse walk        at each node, for each parent:   parent.grad += ∂node/∂parent · node.grad
 *
 * Why `+=`? A node with several children moves L through each of them, and the effects add up. With `=` the last one
 * wins. Why an order? A node's grad must be complete before it is passed on, so all its children must come first. In
 * b = a+a, c = b+b recursion does not wait: c gives 1 to b, which passes it on at once, to a, twice; then c gives b its
 * other 1, and now b passes on 2, the first 1 once more. On L both mistakes go unnoticed: no node has two children.
 *
 * Who sets grad to 0? For nodes with parents the walk itself, before it starts. The grads of leaves accumulate: two
 * walks give 2·42, just as the losses of two samples add up. So the leaves, the parameters of a network, are what you
 * must zero before each step of training, and nothing else.
 *
 * It prints the grads of one walk, and then what two wrong ways give for both examples.
 *
 *     build/draw 'm = W*x; s = m + b; L = s^2' W=2 x=3 b=1 --html build/lessons/05/L.html
 *
 *     cc -g 05_reverse_mode.c -lm -o 05 && gdb ./05
 *     (gdb) break push
 *     (gdb) run                              the first node of the walk is L
 *     (gdb) print v->grad          = 1       the seed
 *     (gdb) delete 1
 *     (gdb) watch nodes[0].grad
 *     (gdb) continue                         0 becomes 42: the gradient of W changes
 *     (gdb) print nodes[0].grad    = 42
 *     (gdb) print v->name          = "m"     because of this node
 */
#include <assert.h>
#include <stdbool.h>
#include <stdio.h>

static bool all_hold = true;

/* What a chapter says, it checks: print the claim, and remember if it does not hold. */
static void claim(bool holds, const char *text)
{
    printf("%s %s\n", holds ? "ok    " : "FAILED", text);
    all_hold = all_hold && holds;
}

/* ---- the graph --------------------------------------------------------------------------------------------------- */

typedef struct Node {
    const char *name;
    double data;
    double grad; /* ∂L/∂this, complete when the walk gets here */
    int parent_count;
    struct Node *parent[2];
    double local[2]; /* ∂this/∂parent[i], known as soon as the node is computed */
} Node;

enum { MOST_NODES = 100 };
static Node nodes[MOST_NODES]; /* in the order in which they were made */
static int node_count = 0;

static Node *make(const char *name, double data, Node *p, double by_p, Node *q, double by_q)
{
    assert(node_count < MOST_NODES);
    nodes[node_count] = (Node){name, data, 0, (p != NULL) + (q != NULL), {p, q}, {by_p, by_q}};
    return &nodes[node_count++];
}

/* Each operation with its local derivatives, as in the chapters before. */
static Node *leaf(const char *name, double data) { return make(name, data, NULL, 0, NULL, 0); }
static Node *add(const char *name, Node *p, Node *q) { return make(name, p->data + q->data, p, 1, q, 1); }
static Node *mul(const char *name, Node *p, Node *q) { return make(name, p->data * q->data, p, q->data, q, p->data); }
static Node *square(const char *name, Node *s) { return make(name, s->data * s->data, s, 2 * s->data, NULL, 0); }

/* ---- reverse mode ------------------------------------------------------------------------------------------------ */

/* The chain rule, along every edge from v to a parent. */
static void push(Node *v)
{
    for (int i = 0; i < v->parent_count; i++)
        v->parent[i]->grad += v->local[i] * v->grad;
}

static void backward(Node *root)
{
    for (Node *v = nodes; v <= root; v++)
        if (v->parent_count > 0)
            v->grad = 0;
    root->grad = 1;
    for (Node *v = root; v > nodes; v--) /* nodes[0] is a leaf: it has nothing to push */
        push(v);
}

/* ---- and two ways that are wrong --------------------------------------------------------------------------------- */

static void without_order(Node *v)
{
    for (int i = 0; i < v->parent_count; i++) {
        v->parent[i]->grad += v->local[i] * v->grad;
        without_order(v->parent[i]); /* too early: more may still come to this parent */
    }
}

static void with_assignment(Node *root)
{
    for (Node *v = root; v > nodes; v--)
        for (int i = 0; i < v->parent_count; i++)
            v->parent[i]->grad = v->local[i] * v->grad;
}

/* leaf->grad after one of the three has started from root, with all other grads 0. */
static double grad_by(void (*way)(Node *), Node *root, const Node *leaf)
{
    for (Node *v = nodes; v <= root; v++)
        v->grad = 0;
    root->grad = 1;
    way(root);
    return leaf->grad;
}

int main(void)
{
    Node *W = leaf("W", 2), *x = leaf("x", 3), *b = leaf("b", 1);
    Node *m = mul("m", W, x), *s = add("s", m, b);
    Node *L = square("L", s);
    backward(L);
    printf("node  data  grad\n");
    for (const Node *v = nodes; v <= L; v++)
        printf("%-4s  %4g  %4g\n", v->name, v->data, v->grad);
    claim(W->grad == 42 && x->grad == 28 && b->grad == 14, "one walk gives 42, 28 and 14");
    backward(L);
    claim(W->grad == 84 && m->grad == 14, "a second walk adds to the leaves, and starts afresh elsewhere");

    Node *a = leaf("a", 1), *twice = add("b", a, a), *c = add("c", twice, twice);
    double dc_da[] = {grad_by(backward, c, a), grad_by(without_order, c, a), grad_by(with_assignment, c, a)};
    double dL_dW[] = {grad_by(backward, L, W), grad_by(without_order, L, W), grad_by(with_assignment, L, W)};
    printf("\n                  backward  without order  = for +=\n");
    printf("dL/dW             %8g  %13g  %8g\n", dL_dW[0], dL_dW[1], dL_dW[2]);
    printf("b=a+a c=b+b dc/da %8g  %13g  %8g\n\n", dc_da[0], dc_da[1], dc_da[2]);
    claim(dL_dW[1] == 42 && dL_dW[2] == 42, "on L the wrong ways look right");
    claim(dc_da[0] == 4 && dc_da[1] == 6 && dc_da[2] == 1, "dc/da is 4; no order makes it 6, and = makes it 1");
    return all_hold ? 0 : 1;
}

/* Exercises
 * 1. On paper, without order: write down every change of b.grad and a.grad. Where does the 6 come from?
 * 2. Replace square("L", s) by mul("L", s, s). Which wrong way gives itself away now? Predict, then run.
 * 3. Delete the three lines of backward that clear grads. Two walks now give dL/dW = 168 = 4·42. Why 4, and not 3?
 *
 * Next: close this file and write it again from memory. Then see the same steps in the engine, and measure what the
 * order of multiplication is worth there.   -> 08_forward_or_reverse.c
 */
