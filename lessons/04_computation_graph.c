/* 04_computation_graph.c - How can a program remember how its result came about?
 *
 * To start at L and go back to W, x and b, we must know which operations led to L. A dual number forgets that at once.
 *
 * New here: the computation graph. Each number becomes a node, which keeps its value (data), its parents (the nodes
 * that it was computed from) and, for each parent, the local derivative ∂node/∂parent. Nodes without parents are the
 * leaves: W, x, b. Each edge carries its local derivative:
 *
 *     W ──3──┐                               The chain rule in a graph:
 *            m ──1──┐
 *     x ──2──┘      s ──14── L               dL/dW = the sum, over all paths from L to W,
 *     b ─────────1──┘                                of the product of the edges on the path
 *
 * A node that affects L along several paths moves it by the sum of their effects. The second
 * example, d = a+a and e = d+d, has more than one path.
 *
 * Nobody declares the graph. Each operation computes its result and makes a node for it, so running the program
 * leaves the graph behind: this is called define-by-run. If an `if` or a loop takes another turn, the next run leaves
 * another graph. (Chapter 21 does the opposite: it records a graph once, and then only replays it.)
 *
 * Why parents, and not children? When a node is made, its parents exist and are known for good; its children are not
 * born yet, and nobody knows how many will come. For the same reason there can be no cycle: a node is made after its
 * parents, so going from parent to parent leads to older and older nodes, and ends.
 *
 * It prints the nodes: data, the derivative by following every path, how many paths there are, and the parents.
 *
 * Predict, before you run it:
 *     1. How many paths lead from L to W, and what is dL/dL?
 *     2. dL/ds is 14. What are dL/dm and dL/db?
 *     3. How many paths lead from e to a, and what is de/da?
 *
 *     build/draw 'm = W*x; s = m + b; L = s^2' W=2 x=3 b=1 --html build/lessons/04/L.html
 *     build/draw 'e = a*b; d = e + c; L = d*f' a=2 b=-3 c=10 f=-2 --values-only --svg build/lessons/04/by_hand.svg
 *
 *     cc -g 04_computation_graph.c -lm -o 04 && gdb ./04
 *     (gdb) break slope_by_paths if v == target && v == nodes
 *     (gdb) run                                          stops when a path has arrived at nodes[0]
 *     (gdb) print v->name          = "W"
 *     (gdb) up 3                                         three calls up the path: m, s, and here L
 *     (gdb) print v->local[0]      = 14
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
    nodes[node_count] = (Node){name, data, (p != NULL) + (q != NULL), {p, q}, {by_p, by_q}};
    return &nodes[node_count++];
}

/* Each operation with its local derivatives, as in the chapters before. */
static Node *leaf(const char *name, double data) { return make(name, data, NULL, 0, NULL, 0); }
static Node *add(const char *name, Node *p, Node *q) { return make(name, p->data + q->data, p, 1, q, 1); }
static Node *mul(const char *name, Node *p, Node *q) { return make(name, p->data * q->data, p, q->data, q, p->data); }
static Node *square(const char *name, Node *s) { return make(name, s->data * s->data, s, 2 * s->data, NULL, 0); }

/* dv/dtarget: the sum, over all paths, of the products of their edges. Counts the paths that arrive. */
static double slope_by_paths(const Node *v, const Node *target, long long *paths)
{
    if (v == target) {
        *paths += 1;
        return 1;
    }
    double sum = 0;
    for (int i = 0; i < v->parent_count; i++)
        sum += v->local[i] * slope_by_paths(v->parent[i], target, paths);
    return sum;
}

int main(void)
{
    Node *W = leaf("W", 2), *x = leaf("x", 3), *b = leaf("b", 1), *m = mul("m", W, x), *s = add("s", m, b);
    Node *L = square("L", s);

    double slope[MOST_NODES];
    printf("node  data  dL/dnode  paths  parents, and the local derivative by each\n");
    for (const Node *v = nodes; v <= L; v++) {
        long long paths = 0;
        slope[v - nodes] = slope_by_paths(L, v, &paths);
        printf("%-4s  %4g  %8g  %5lld", v->name, v->data, slope[v - nodes], paths);
        for (int i = 0; i < v->parent_count; i++)
            printf("  %s: %g", v->parent[i]->name, v->local[i]);
        printf("\n");
    }

    Node *a = leaf("a", 1), *d = add("d", a, a), *e = add("e", d, d);
    long long paths = 0;
    double de_da = slope_by_paths(e, a, &paths);
    printf("\nd = a+a, e = d+d:  de/da = %g, by %lld paths\n\n", de_da, paths);

    claim(L->data == 49, "the graph computes L = 49, as the plain program did");
    claim(slope[0] == 42 && slope[1] == 28 && slope[2] == 14, "the sum over all paths gives 42, 28 and 14 again");
    claim(de_da == 4 && paths == 4, "where nodes are used twice, the paths multiply: 2 times 2 from e to a");
    return all_hold ? 0 : 1;
}

/* Exercises
 * 1. By hand: `make lesson L=04` draws the graph build/lessons/04/by_hand.svg. Print or copy it. Write the local
 *    derivative on every edge, and then, from L on, dL/dnode beside every node. Only then compare with what
 *    `build/draw 'e = a*b; d = e + c; L = d*f' a=2 b=-3 c=10 f=-2` prints. Change the numbers or the expression, and do
 *    it again until it is easy.
 * 2. Replace square("L", s) by mul("L", s, s). How many paths lead to W now? Why is dL/dW still 42?
 * 3. Write sub. Which local derivative is −1? Follow the paths of L = (W·x − b)².
 * 4. Go on with f = e+e, g = f+f, ... How many paths are there after 20 additions, and how long does slope_by_paths
 *    take? And after 60?
 *
 * Next: the 4 paths from e to a all run through d. Could d collect what arrives over all of them, and pass it on just
 * once?   -> 05_reverse_mode.c
 */
