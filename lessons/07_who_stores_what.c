/* 07_who_stores_what.c - What must a node keep, so that the walk can go back through it?
 *
 * At m = W·x the walk needs ∂m/∂W = x and ∂m/∂x = W. New here: three designs, side by side in one node, with the same
 * numbers. Each keeps the parents, and beside them
 *
 *     (a) a function   that adds to the grads of the parents when it is called. In Python it is a closure, which holds
 *                      the parents as well: micrograd, and most engines that fit on a page.
 *     (b) numbers      the local derivatives, one on each edge, computed in the forward pass: chapters 4 to 6.
 *     (c) an op        a row in a table of functions. When the walk comes, they compute the local derivatives from what
 *                      the parents' data are then. That is engine/ (chapter 9).
 *
 * The price with n parents: (a) a pointer, and a call per node; (b) n numbers, and no call; (c) an op code, and n
 * calls. What a debugger shows: (a) stops in push_mul; (b) shows the number without a call; (c) names the op, and stops
 * in mul_da. And others can read a table too: engine/ checks, draws and replays every op by its one row.
 *
 * Old weights or new ones? If W changes between forward and backward, (b) still gives the gradient at the old W. In (a)
 * and (c) the new W meets the old s: a gradient at no point. So first all of backward, then the step, then forward
 * again. PyTorch counts the changes of a tensor, and backward refuses ("modified by an inplace operation"); engine/
 * computes each node again in a debug build, and reports "data were changed after it was computed".
 *
 * It prints bytes, calls and grads: as it should be, with W changed too early, and after forward again.
 *
 * Predict, before you run it:
 *     1. L = (W·x + b)² is two mul and one add. How many functions does one walk call in (a), in (b) and in (c)?
 *     2. After the forward pass W = 2 becomes 5. dL/dx was 28. Which design now says 28, which 70, which 160?
 *     3. And dL/dW, which was 42: does it change?
 *
 *     build/draw 'm = W*x; s = m + b; L = s*s' W=2 x=3 b=1 --html build/lessons/07/L.html
 *     cc -g 07_who_stores_what.c -lm -o 07 && gdb ./07
 *     (gdb) break push_mul
 *     (gdb) run
 *     (gdb) print v->name        = "L"
 *     (gdb) print v->local[0]    = 7         ∂L/∂s by one of its two edges
 *     (gdb) print v->op          = MUL
 *     (gdb) delete 1
 *     (gdb) break mul_da                     in walk (c), the first to ask the table
 *     (gdb) continue
 *     (gdb) print b              = 7
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

typedef struct Node {
    const char *name;
    double data;
    double grad; /* ∂L/∂this, complete when the walk gets here */
    int parent_count;
    struct Node *parent[2];
    void (*push)(struct Node *v);  /* (a) */
    double local[2];               /* (b) ∂this/∂parent[i] */
    enum Op { LEAF, ADD, MUL } op; /* (c) */
} Node;

enum { MOST_NODES = 100 };
static Node nodes[MOST_NODES];
static int node_count = 0, calls = 0;

/* (a) a function for each op: it knows what to add to the grads of the parents. */
static void push_add(Node *v) { v->parent[0]->grad += v->grad, v->parent[1]->grad += v->grad; }

static void push_mul(Node *v)
{
    v->parent[0]->grad += v->parent[1]->data * v->grad;
    v->parent[1]->grad += v->parent[0]->data * v->grad;
}

static void (*const push_of[])(Node *v) = {NULL, push_add, push_mul};

/* (c) a table: ∂y/∂a and ∂y/∂b of each op y(a, b). */
static double add_d(double a, double b) { return (void)a, (void)b, 1; } /* ∂/∂a and ∂/∂b; (void): not needed */
static double mul_da(double a, double b) { return (void)a, b; }
static double mul_db(double a, double b) { return (void)b, a; }

static double (*const table[][2])(double a, double b) = {{NULL, NULL}, {add_d, add_d}, {mul_da, mul_db}};

/* (b) the numbers, which the functions below pass in. */
static Node *make(const char *name, double data, enum Op op, Node *p, double by_p, Node *q, double by_q)
{
    assert(node_count < MOST_NODES);
    nodes[node_count] = (Node){name, data, 0, op == LEAF ? 0 : 2, {p, q}, push_of[op], {by_p, by_q}, op};
    return &nodes[node_count++];
}

static Node *leaf(const char *name, double data) { return make(name, data, LEAF, NULL, 0, NULL, 0); }
static Node *add(const char *name, Node *p, Node *q) { return make(name, p->data + q->data, ADD, p, 1, q, 1); }
static Node *mul(const char *y, Node *p, Node *q) { return make(y, p->data * q->data, MUL, p, q->data, q, p->data); }

static void by_function(Node *v) { calls++, v->push(v); }

static void by_numbers(Node *v)
{
    for (int i = 0; i < v->parent_count; i++)
        v->parent[i]->grad += v->local[i] * v->grad;
}

static void by_op(Node *v)
{
    for (int i = 0; i < v->parent_count; i++, calls++)
        v->parent[i]->grad += table[v->op][i](v->parent[0]->data, v->parent[1]->data) * v->grad;
}

/* Walk in each of the ways, and print a row for each. Returns whether dL/dW and dL/dx are as expected. */
static bool compare(const char *when, Node *root, double dW, double dx_by_numbers, double dx_by_others)
{
    void (*const ways[])(Node * v) = {by_function, by_numbers, by_op};
    bool right = true;
    for (int i = 0; i < 3; i++, calls = 0) {
        for (Node *v = nodes; v <= root; v++)
            v->grad = 0;
        root->grad = 1;
        for (Node *v = root; v->op != LEAF; v--) /* the leaves were made first */
            ways[i](v);
        printf("%-16s (%c) %7d %6g %6g %6g\n", when, 'a' + i, calls, nodes[0].grad, nodes[1].grad, nodes[2].grad);
        right = right && nodes[0].grad == dW && nodes[1].grad == (i == 1 ? dx_by_numbers : dx_by_others);
    }
    return right;
}

int main(void)
{
    Node *W = leaf("W", 2), *x = leaf("x", 3), *b = leaf("b", 1), *m = mul("m", W, x), *s = add("s", m, b);
    Node *L = mul("L", s, s);
    printf("bytes in a node: (a) %zu, (b) %zu, (c) %zu\n\n", sizeof L->push, sizeof L->local, sizeof L->op);
    printf("                       calls  dL/dW  dL/dx  dL/db\n");
    claim(compare("W = 2", L, 42, 28, 28), "three designs, the same grads");
    W->data = 5;
    claim(compare("W = 5", L, 42, 28, 70), "(b) is right for the old W, (a) and (c) for neither");
    node_count = 3; /* forget m, s and L, and compute them again */
    m = mul("m", W, x), s = add("s", m, b), L = mul("L", s, s);
    claim(compare("forward again", L, 96, 160, 160), "forward again, and all are right: 2·(5·3 + 1)·5 = 160");
    return all_hold ? 0 : 1;
}

/* Exercises
 * 1. Write sub for all three designs, and see L = (W·x − b)² (grads 30, 20, −10). Where does each design have its −1?
 * 2. Change x instead of W. Which grads are wrong then, and in which designs?
 * 3. Some programs change a weight in the middle of the walk, as soon as its grad is complete. Is that right?
 *
 * Next: the engine is design (c). What is the order of multiplication worth there?   -> 08_forward_or_reverse.c
 */
