/* 04_computation_graph.c - How can a program remember how its result came about?
 *
 * To start at L and go back to W, x and b, we must know which operations led to L. A dual number forgets that at once.
 *
 * New here: the computation graph. Each number becomes a node, which keeps its value (data), its parents (the nodes
 * that it was computed from) and, for each parent, the local derivative ∂node/∂parent. Nodes without parents are the
 * leaves: W, x, b. Nobody declares the graph; running the program builds it (define-by-run), as each operation makes a
 * node:
 *
 *     W ──3──┐                               The number on an edge is its local derivative. The chain rule in a graph:
 *            m ──1──┐
 *     x ──2──┘      s ──14── L               dL/dW = the sum, over all paths from L to W,
 *     b ─────────1──┘                                of the product of the edges on the path
 *
 * A node that affects L along several paths moves it by the sum of their effects. L has one path to each leaf. But with
 * b = a+a and c = b+b there are 2·2 paths from c to a, each with the product 1·1, and indeed c = 4a.
 *
 * Why parents, and not children? When a node is made, its parents exist and are known for good; its children are not
 * born yet, and nobody knows how many will come. For the same reason there can be no cycle: a node is made after its
 * parents, so that going from parent to parent leads to older and older nodes, and ends.
 *
 * It prints the nodes: data, the derivative by following every path, how many paths there are, and the parents.
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
static double slope_by_paths(const Node *v, const Node *target, int *paths)
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
    Node *W = leaf("W", 2), *x = leaf("x", 3), *b = leaf("b", 1);
    Node *m = mul("m", W, x), *s = add("s", m, b);
    Node *L = square("L", s);

    double slope[MOST_NODES];
    printf("node  data  dL/dnode  paths  parents, and the local derivative by each\n");
    for (const Node *v = nodes; v <= L; v++) {
        int paths = 0;
        slope[v - nodes] = slope_by_paths(L, v, &paths);
        printf("%-4s  %4g  %8g  %5d", v->name, v->data, slope[v - nodes], paths);
        for (int i = 0; i < v->parent_count; i++)
            printf("  %s: %g", v->parent[i]->name, v->local[i]);
        printf("\n");
    }

    Node *a = leaf("a", 1), *twice = add("b", a, a), *c = add("c", twice, twice);
    int paths = 0;
    double dc_da = slope_by_paths(c, a, &paths);
    printf("\nb = a+a, c = b+b:  dc/da = %g, by %d paths\n\n", dc_da, paths);

    claim(L->data == 49, "the graph computes L = 49, as the plain program did");
    claim(slope[0] == 42 && slope[1] == 28 && slope[2] == 14, "the sum over all paths gives 42, 28 and 14 again");
    claim(dc_da == 4 && paths == 4, "where nodes are used twice, the paths multiply: 2 times 2 from c to a");
    return all_hold ? 0 : 1;
}

/* Exercises
 * 1. Replace square("L", s) by mul("L", s, s). How many paths lead to W now? Why is dL/dW still 42?
 * 2. Write sub. Which local derivative is −1? Follow the paths of L = (W·x − b)².
 * 3. Go on with d = c+c, e = d+d, ... How many paths are there after 20 additions, and how long does slope_by_paths
 *    take? And after 60?
 *
 * Next: the 4 paths from c to a all run through b. Could b collect what arrives over all of them, and pass it on just
 * once?   -> 05_reverse_mode.c
 */
