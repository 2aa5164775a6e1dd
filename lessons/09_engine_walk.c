/* 09_engine_walk.c - What happens between v_mul(W, x) and W->grad?
 *
 * The engine is some sixty times as long as chapter 5. But one product passes through only this much of it:
 *
 *     v_mul              value.h     a macro: it adds HERE, your file and line for a message, and takes numbers too
 *     value_binary       value.c     checks the operands; y by op_table[OP_MUL].forward; needs_grad if one of them does
 *     graph_new_slot     graph.h     the next 64 bytes of the newest block
 *     backward_at        backward.c  begins, and steps until no node is left
 *     backward_begin_at              sets to 0 the grads that the last walk left, except params'; then the seed
 *     step                           is the walk, one node at a time:
 *     next_node                      - backwards through the blocks, past leaves and grads of 0: so a node that the
 *                                      root does not use costs a glance, and the 0·∞ of chapter 6 cannot happen
 *     check_up_to_date               - in a debug build: is y still what the operands give? (chapter 7)
 *     push_watched                   - only with a trace, or a debugger that waits for this node
 *     push_gradient                  - push_functions[v->op](v): for a mul, push_mul
 *     push_to_parents                  quick if they need no list, all need a grad, and grad is finite
 *     push_each                        a loop over the operands, or the pairs of them; then the bias
 *     push                             parent->grad += local * grad, nowhere else in the walk
 *     backward_hook                  - does nothing: a place for a breakpoint
 *     graph_release      graph.c     takes the blocks since the mark out of the graph, and forgets their nodes
 *
 * New here: three decisions. An arena, not malloc: a block of 64 KB has nodes at the front, labels and lists at the
 * back. Memory order is creation order, no node is freed alone, and a training loop soon allocates nothing. A dot of n
 * pairs is one node, not 2n − 1. A table of ops, chapter 7's (c): in ops.h an op is two or three functions and a row of
 * OP_TABLE(X). Whoever needs something of every op defines what X makes of a row: OpCode, op_table, push_add, push_mul
 * and so on. Each push function has its op's derivatives in its loop: one call per node, not per edge.
 *
 * It prints where the nodes lie, the products of a walk, and what nodes cost. It draws walk.dot and walk.html.
 *
 * Predict, before you run it:
 *     1. The graph of L = (W·x + b)² has 6 edges, and x is an input. How many products does the walk add up?
 *     2. A dot of 100 pairs takes 64 bytes, or 1,664 if the operands lie scattered. What are the 1,600 for?
 *     3. How much memory does a chain of 100,000 tanh hold until the walk? And with dual numbers (chapter 3)?
 *
 *     make gdb L=09                          the debug build, in which the compiler moves nothing
 *     (gdb) break value_binary
 *     (gdb) run
 *     (gdb) print op                           = OP_MUL
 *     (gdb) finish
 *     (gdb) print $->block->nodes[0].data      = 6      m is the first in its block
 *     (gdb) delete 1
 *     (gdb) break push_mul
 *     (gdb) continue
 *     (gdb) print v->label                     = "L"
 *     (gdb) break push
 *     (gdb) continue
 *     (gdb) print local                        = 7      by mul_da(7, 7, 49)
 *     (gdb) watch parent->grad
 *     (gdb) continue                           0 becomes 7
 *     (gdb) delete
 *     (gdb) break forget_nodes
 *     (gdb) continue
 *     (gdb) print block->node_count            = 3      m, s and L are to go
 *     (gdb) print block->graph->newest->nodes[0].grad  = 42  W stays
 */
#include "graph/dot.h"
#include "player/player.h"
#include "stepgrad.h"

static bool all_hold = true;

/* What a chapter says, it checks: print the claim, and remember if it does not hold. */
static void claim(bool holds, const char *text)
{
    printf("%s %s\n", holds ? "ok    " : "FAILED", text);
    all_hold = all_hold && holds;
}

/* The nodes at the front of each block, and the labels and lists at its back. */
static size_t bytes_in_use(const Graph *g)
{
    size_t bytes = 0;
    for (const Block *block = g->newest; block != NULL; block = block->older)
        bytes += block->node_count * sizeof(Value) + (size_t)(block->end - block->back);
    return bytes;
}

/* Print a row about what was built since the mark, and release it. Returns its bytes. */
static size_t cost(const char *what, Graph *g, Mark mark)
{
    const size_t nodes = graph_node_count(g), bytes = bytes_in_use(g);
    graph_release(g, mark);
    printf("%-24s  %6zu  %7zu\n", what, nodes - graph_node_count(g), bytes - bytes_in_use(g));
    return bytes - bytes_in_use(g);
}

static void compare_costs(Graph *g)
{
    enum { N = 100, DEPTH = 100000 };
    Value *w[N], *x[N], *w_mixed[N], *x_mixed[N];
    for (int i = 0; i < N; i++)
        w[i] = v_param(g, i);
    for (int i = 0; i < N; i++)
        x[i] = v_param(g, N + i);
    for (int i = 0; i < N; i++)
        w_mixed[i] = v_param(g, i), x_mixed[i] = v_param(g, N + i);
    const Mark mark = graph_mark(g);
    printf("\nwhat                       nodes    bytes\n");
    backward(v_dot(w, x, N));
    const size_t together = cost("a dot of 100 pairs", g, mark);
    backward(v_dot(w_mixed, x_mixed, N));
    const size_t mixed = cost("the same, scattered", g, mark);
    claim(w[7]->grad == 107 && w_mixed[7]->grad == 107, "the quick loop and the careful one: the same gradients");
    Value *sum = v_mul(w[0], x[0]);
    for (int i = 1; i < N; i++)
        sum = v_add(sum, v_mul(w[i], x[i]));
    const size_t by_ops = cost("100 mul and 99 add", g, mark);
    Value *y = w[0];
    for (int i = 0; i < DEPTH; i++)
        y = v_tanh(y);
    const size_t chain = cost("a chain of 100000 tanh", g, mark);
    claim(together == sizeof(Value) && mixed == together + 200 * sizeof(Value *), "scattered operands need a list");
    claim(by_ops == 199 * together && chain == DEPTH * together, "all the nodes of an expression wait for the walk");
}

int main(int argc, char *argv[])
{
    Graph *g = graph_new();
    Value *W = v_param(g, 2), *x = v_input(g, 3), *b = v_param(g, 1);
    const Mark mark = graph_mark(g);
    Value *m = v_mul(W, x), *s = v_add(m, b), *L = v_mul(s, s);
    Value *nodes[] = {V_NAME(W), V_NAME(x), V_NAME(b), V_NAME(m), V_NAME(s), V_NAME(L)};

    printf("node  number  block  byte  needs a grad\n");
    for (int i = 0; i < 6; i++)
        printf("%-4s  %6zu  %5d  %4td  %s\n", nodes[i]->label, value_number(nodes[i]), i < 3 ? 1 : 2,
               (char *)nodes[i] - (char *)nodes[i]->block->nodes, nodes[i]->needs_grad ? "yes" : "no");
    claim(x == W + 1 && L == m + 2, "neighbours in memory, in the order of creation");
    claim(m->block != W->block && m == m->block->nodes, "the mark has closed a block: the next node opens another");

    backward_trace(g, stdout);
    backward(L);
    backward_trace(g, NULL);
    claim(W->grad == 42 && b->grad == 14 && x->grad == 0, "42 and 14; x is an input, and nothing is pushed to it");

    Error error;
    char dot[1000], html[1000]; /* `./09 .` draws the graph into walk.dot, and walk.html plays the backward pass */
    snprintf(dot, sizeof dot, "%s/walk.dot", argc > 1 ? argv[1] : "");
    snprintf(html, sizeof html, "%s/walk.html", argc > 1 ? argv[1] : "");
    if (argc > 1 && !(dot_draw(L, dot, NULL, &error) && player_write(L, html, NULL, &error)))
        claim(false, error.message);
    graph_release(g, mark);
    claim(graph_node_count(g) == 3 && value_is_live(b) && !value_is_live(m), "after the release W, x and b are left");
    compare_costs(g);
    graph_free(g);
    return all_hold ? 0 : 1;
}

/* Exercises
 * 1. Make x a param. What does the trace say now? Which of the two calls of push_each takes m, which before?
 * 2. Multiply by a plain number: v_mul(W, 3). Which node is new, and where does it lie?
 * 3. How many nodes does a block of 64 KB hold, and how many blocks does the chain take? Let the program count them.
 *
 * Next: the table holds thirty local derivatives that somebody wrote down. Are they right?   -> 10_gradient_check.c
 */
