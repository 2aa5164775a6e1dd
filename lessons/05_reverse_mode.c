/* 05_reverse_mode.c - How can one pass give the derivatives of L with respect to everything?
 *
 * New here: reverse mode. Each node gets a second number, grad = ∂L/∂node, and the graph is walked once, backwards:
 *
 *     1. topological order   each node after its parents: the order in which they were made is one. Walk it backwards.
 *     2. seed                ∂L/∂L = 1
 *     3. reverse walk        at each node, for each parent:   parent.grad += ∂node/∂parent · node.grad
 *
 * The chain rule says what to add up. Reverse mode (backpropagation) says in which order, and uses each edge only once.
 *
 * Why `+=`? A node with several children moves L through each of them, and the effects add up. With `=` the last wins.
 * Why an order? A node may pass its grad on only when all of its children have pushed: then it is complete. Recursion
 * does not wait. It passes on what has arrived so far, and when more arrives, it passes that first part on again.
 *
 * Who sets grad to 0? For nodes with parents the walk itself. The grads of leaves accumulate, so that two
 * expressions of the same W add up. So before each step of training it is the leaves that you must zero: the weights.
 *
 * It prints each push of two walks from L and of one from e in d = a+a, e = d+d; then what two wrong ways give.
 *
 * Predict, before you run it:
 *     1. In the second walk from L, which grads go on from where they were, and which start again from 0?
 *     2. What is dL/dW without an order? And with `=`? de/da is 4: what do the two wrong ways make of that?
 *     3. The walk goes through the whole array, from the root down. What do L, s and m push in the walk from e?
 *
 *     build/draw 'm = W*x; s = m + b; L = s^2' W=2 x=3 b=1 --html build/lessons/05/L.html
 *
 *     cc -g 05_reverse_mode.c -lm -o 05 && gdb ./05
 *     (gdb) break push
 *     (gdb) run                              the first node of the walk is L
 *     (gdb) print v->grad          = 1       the seed
 *     (gdb) delete 1
 *     (gdb) watch nodes[0].grad              (if it never stops: set can-use-hw-watchpoints 0 before this)
 *     (gdb) continue                         0 becomes 42: the gradient of W changes
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

static Node *leaf(const char *name, double data) { return make(name, data, NULL, 0, NULL, 0); }
static Node *add(const char *name, Node *p, Node *q) { return make(name, p->data + q->data, p, 1, q, 1); }
static Node *mul(const char *name, Node *p, Node *q) { return make(name, p->data * q->data, p, q->data, q, p->data); }
static Node *square(const char *name, Node *s) { return make(name, s->data * s->data, s, 2 * s->data, NULL, 0); }

/* ---- reverse mode ------------------------------------------------------------------------------------------------ */

/* The chain rule, along every edge from v to a parent. */
static void push(Node *v)
{
    for (int i = 0; i < v->parent_count; i++) {
        double before = v->parent[i]->grad;
        v->parent[i]->grad += v->local[i] * v->grad;
        printf("%s pushes %2g * %-2g to %s:  %2g -> %g\n", v->name, v->local[i], v->grad, v->parent[i]->name, before,
               v->parent[i]->grad);
    }
}

static void backward(Node *root)
{
    for (Node *v = nodes; v <= root; v++)
        if (v->parent_count > 0)
            v->grad = 0;
    root->grad = 1;
    for (Node *v = root; v > nodes; v--) /* nodes[0] is a leaf: it has nothing to push */
        push(v);                         /* what root does not depend on has grad 0, and pushes 0: more in chapter 6 */
}

/* Two ways that are wrong: without an order, and with = for +=. */
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

/* leaf->grad after one of the two has started from root, with all other grads 0. */
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
    Node *W = leaf("W", 2), *x = leaf("x", 3), *b = leaf("b", 1), *m = mul("m", W, x), *s = add("s", m, b);
    Node *L = square("L", s);
    backward(L);
    claim(W->grad == 42 && x->grad == 28 && b->grad == 14, "one walk gives 42, 28 and 14");
    printf("\nbackward(L) once more\n");
    backward(L);
    claim(W->grad == 84 && m->grad == 14, "a second walk adds to the leaves, and starts afresh elsewhere");
    printf("\nd = a+a, e = d+d, backward(e)\n");
    Node *a = leaf("a", 1), *d = add("d", a, a), *e = add("e", d, d);
    backward(e);
    claim(a->grad == 4 && W->grad == 84, "de/da = 4, and what e does not depend on gets nothing");
    double dL_dW[] = {grad_by(without_order, L, W), grad_by(with_assignment, L, W)};
    double de_da[] = {grad_by(without_order, e, a), grad_by(with_assignment, e, a)};
    printf("\n       right  without order  = for +=\n");
    printf("dL/dW     42  %13g  %8g\n", dL_dW[0], dL_dW[1]);
    printf("de/da      4  %13g  %8g\n", de_da[0], de_da[1]);
    claim(dL_dW[0] == 42 && dL_dW[1] == 42, "below L no node has two children, and the wrong ways look right");
    claim(de_da[0] == 6 && de_da[1] == 1, "of de/da = 4, no order makes 6, and = makes 1");
    return all_hold ? 0 : 1;
}

/* Exercises
 * 1. On paper, without order: write down every change of d.grad and a.grad. Where does the 6 come from?
 * 2. Replace square("L", s) by mul("L", s, s). The claim about L fails now. What do the wrong ways give?
 *    This draws it: `build/draw 'm = W*x; s = m + b; L = s*s' W=2 x=3 b=1 --html build/L.html`.
 * 3. Delete the three lines of backward that clear grads. Two walks now give dL/dW = 168 = 4·42. Why 4, and not 3?
 *
 * Next: write it again from memory. And if all that you have is L, and no array?   -> 06_topological_order.c
 */
