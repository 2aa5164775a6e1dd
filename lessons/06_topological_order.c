/* 06_topological_order.c - How do you find an order for the walk when you do not know which node was made first?
 *
 * Chapter 5 went through memory from the newest node to the oldest, because nodes[] was filled in the order of
 * creation. Here the nodes lie in mixed-up places, as they may when each of them comes from malloc.
 *
 * New here: depth-first search. From the root go to a parent, to its parent, and on down to a leaf. A node takes its
 * place in the order once all its parents have theirs. By recursion:
 *
 *     visit(v):   v->seen = true;   for each parent that is not seen: visit(parent);   order[count++] = v;
 *
 * The nodes on the way down wait on the C stack; a chain of a million nodes overflows it, and the program dies. So let
 * them wait in an array, the explicit stack, and search in a loop. `seen` lets each node in once: a step per edge,
 * where chapter 4 followed every path. (Kahn's way, 1962: count each node's children; its turn comes when the last of
 * them has pushed. PyTorch does that. engine/order.c knows the order of creation, and only marks what is reached.)
 *
 * Only what the root depends on is in the order. Chapter 5 walked over every older node. That is harmless: nobody
 * pushes to the others, so their grad is 0, and they push local·0 = 0. Unless local is infinite: ∞·0 is nan.
 *
 * It prints the order of L = (W·x + b)² with the grads. The claims are about wrong walks, and a chain of a million.
 *
 * Predict, before you run it:
 *     1. s = m + b. Does b come before m in the order, or after it, if the search visits the first parent first?
 *     2. Which grads do W, x and b get by a walk through memory, last place first? (W x b m s L are at 6 7 4 5 2 3.)
 *     3. √(W − 2) is infinitely steep at W = 2. L does not use it. If the walk meets it, what does dL/dW become?
 *
 *     build/draw 'm = W*x; s = m + b; L = s^2' W=2 x=3 b=1 --html build/lessons/06/L.html
 *     cc -g 06_topological_order.c -lm -o 06 && gdb ./06
 *     (gdb) break topological_order
 *     (gdb) run
 *     (gdb) watch count                      (if it never stops: set can-use-hw-watchpoints 0 before this)
 *     (gdb) continue                         0 becomes 1: the first node takes its place
 *     (gdb) next
 *     (gdb) print order[0]->name   = "W"
 *     (gdb) print waiting          = 3       L waits for s, s for m, and m for its second parent
 *     (gdb) print stack[2]->next   = 1
 */
#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>

static bool all_hold = true;

/* What a chapter says, it checks: print the claim, and remember if it does not hold. */
static void claim(bool holds, const char *text)
{
    printf("%s %s\n", holds ? "ok    " : "FAILED", text);
    all_hold = all_hold && holds;
}

typedef struct Node {
    const char *name;
    double data;
    double grad; /* ∂L/∂this, complete when the walk gets here */
    int parent_count;
    struct Node *parent[2];
    double local[2]; /* ∂this/∂parent[i], known as soon as the node is computed */
    int next;        /* the parent that the search goes to next */
    bool seen;       /* the search has been here */
} Node;

enum { MOST_NODES = 1000024 };
static Node nodes[MOST_NODES];
static int node_count = 0;

/* The first eight nodes go to the places 6 7 4 5 2 3 0 1, by ^ 6, and the other eights are mixed up in the same way. */
static Node *make(const char *name, double data, Node *p, double by_p, Node *q, double by_q)
{
    assert(node_count < MOST_NODES);
    nodes[node_count ^ 6] = (Node){name, data, 0, (p != NULL) + (q != NULL), {p, q}, {by_p, by_q}, 0, false};
    return &nodes[node_count++ ^ 6];
}

/* Each operation with its local derivatives, as in the chapters before. */
static Node *leaf(const char *name, double data) { return make(name, data, NULL, 0, NULL, 0); }
static Node *add(const char *name, Node *p, Node *q) { return make(name, p->data + q->data, p, 1, q, 1); }
static Node *mul(const char *name, Node *p, Node *q) { return make(name, p->data * q->data, p, q->data, q, p->data); }
static Node *square(const char *name, Node *s) { return make(name, s->data * s->data, s, 2 * s->data, NULL, 0); }

static Node *order[MOST_NODES], *stack[MOST_NODES];
static int count, waiting;

/* Put root and all that it was computed from into order[0 .. count), each node after its parents. */
static void topological_order(Node *root)
{
    count = 0;
    stack[waiting++] = root;
    while (waiting > 0) {
        Node *v = stack[waiting - 1];
        v->seen = true;
        if (v->next == v->parent_count) /* all its parents have their places */
            order[count++] = stack[--waiting];
        else if (!v->parent[v->next++]->seen)
            stack[waiting++] = v->parent[v->next - 1];
    }
}

/* The chain rule, along every edge from v to a parent. */
static void push(Node *v)
{
    for (int i = 0; i < v->parent_count; i++)
        v->parent[i]->grad += v->local[i] * v->grad;
}

/* The reverse walk, along any list. */
static void walk(Node **list, int n, Node *root)
{
    for (int i = 0; i < n; i++)
        list[i]->grad = list[i]->next = list[i]->seen = 0; /* which readies it for another search, too */
    root->grad = 1;
    for (int i = n; i-- > 0;)
        push(list[i]);
}

static void backward(Node *root)
{
    topological_order(root);
    walk(order, count, root);
}

int main(void)
{
    Node *W = leaf("W", 2), *x = leaf("x", 3), *b = leaf("b", 1), *m = mul("m", W, x), *s = add("s", m, b);
    Node *L = square("L", s);
    backward(L);
    for (int i = 0; i < count; i++)
        printf("%s at place %d: grad %g\n", order[i]->name, (int)(order[i] - nodes), order[i]->grad);
    claim(W->grad == 42 && x->grad == 28 && b->grad == 14, "parents first, wherever they lie: 42, 28 and 14");
    Node *all[] = {nodes, nodes + 1, nodes + 2, nodes + 3, nodes + 4, nodes + 5, nodes + 6, nodes + 7};
    walk(all, 8, L);
    claim(W->grad == 0 && x->grad == 0 && b->grad == 14, "by place: 0, 0 and 14, for m pushed before s pushed to m");
    Node *a = leaf("a", 1), *d = add("d", a, a), *e = add("e", d, d);
    backward(e);
    claim(a->grad == 4 && count == 3, "d = a+a, e = d+d: 3 nodes, each once, and de/da = 4");
    topological_order(L);
    order[count++] = make("√(W-2)", 0, W, INFINITY, NULL, 0);
    walk(order, count, L);
    claim(isnan(W->grad), "a node that L does not use pushes 0, or ∞·0: then dL/dW is nan");
    Node *sum = a;
    for (int i = 0; i < 1000000; i++)
        sum = add("sum", sum, a);
    backward(sum);
    claim(a->grad == 1000001, "a chain of a million nodes: all of them waited, in an array");
    return all_hold ? 0 : 1;
}

/* Exercises
 * 1. On paper: list nodes as they are first seen, root first, and walk. Is a.grad right for f = d+e, with main's d, e?
 * 2. Search by the recursive visit, a chain of 10,000. How many bytes of the C stack does a call take? And a million?
 * 3. Shorten the chain to 10, and ignore `seen`. How often is d in the order of e, and what is de/da?
 *
 * Next: an edge keeps its local derivative from the moment it is made. Must it?   -> 07_who_stores_what.c
 */
