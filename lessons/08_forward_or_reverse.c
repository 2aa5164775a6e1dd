/* 08_forward_or_reverse.c - Which way through the graph is cheaper, and what does the choice cost?
 *
 * From here on nothing is built by hand: the engine has all the pieces of the last five chapters. This one builds
 * L = (W·x + b)² again, with the same numbers as chapter 5, and then measures. Where each piece lives now:
 *
 *     nudging (1)                       gradcheck.c   the engine's derivatives are compared with it
 *     local derivatives (2)             ops.h         one table of all ops: mul_da, mul_db, tanh_da ...
 *     Dual, dual_add, dual_mul (3)      dual.h        d_add, d_mul ...
 *     Node, leaf, add, mul (4)          value.h       Value, v_param, v_add, v_mul ...
 *     nodes[], node_count (4)           graph.c       nodes in blocks, in the order in which they were made
 *     push, backward (5)                backward.c    push, backward
 *
 * New here: counting the price. A program with n inputs and m outputs has m·n derivatives, its Jacobian. Every pass,
 * forward or backward, goes along each edge once: one local derivative and at most one multiplication.
 *
 *     forward mode   a pass per input     n passes, each along the edges of the whole graph
 *     reverse mode   a pass per output    m passes, each along the edges below that output
 *
 * A network that learns has thousands of inputs (its parameters) and one output (the loss): one pass backward instead
 * of thousands forward. That is why backpropagation is a reverse walk. With few inputs and many outputs forward
 * mode wins, and it needs no memory for a graph. (jacobian.h chooses by n and m.)
 *
 * It prints the nodes of L, then the price for 1 to 10,000 weights, then for different n and m with n·m = 64.
 *
 *     make lib && cc -g -Iengine -Iviz lessons/08_*.c build/libstepgrad.a -lm -o 08 && gdb ./08    (from the top)
 *     (gdb) break backward_hook              called for each node after it has pushed
 *     (gdb) run
 *     (gdb) print node->label      = "L"
 *     (gdb) print node->a->grad    = 14      s is both operands of L = s·s, and got 7 from each
 *     (gdb) delete 1
 *     (gdb) break mul_da if a == 2           ∂(a·b)/∂a in the op table, asked here by d_mul
 *     (gdb) continue
 *     (gdb) print b                = 3
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

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

/* ---- the price of a Jacobian ------------------------------------------------------------------------------------- */

enum { MOST = 10000, MOST_PASSES = 500 };

static double ms_between(clock_t start, clock_t end) { return 1000.0 * (double)(end - start) / CLOCKS_PER_SEC; }

/* n weights → s = w·x → `steps` times tanh → m outputs (s + 1)², (s + 2)², ... Prints a line of the table. Returns how
 * many times as many edges forward mode goes along, or NAN if the two modes disagree. */
static double compare_modes(size_t n, size_t steps, size_t m)
{
    static Value *w[MOST], *x[MOST], *y[MOST];
    static double by_forward[MOST], by_reverse[MOST];
    Graph *g = graph_new();
    for (size_t j = 0; j < n; j++) {
        w[j] = v_param(g, 1.0 / (double)n);
        x[j] = v_input(g, 1 + (double)(j % 7)); /* any numbers will do */
    }
    Value *s = v_dot(w, x, n);
    size_t below_s = value_parent_count(s), below_output = 0; /* edges */
    for (size_t k = 0; k < steps; k++, below_s++)
        s = v_tanh(s);
    for (size_t i = 0; i < m; i++) {
        Value *t = v_add(s, 1 + (double)i);
        y[i] = v_mul(t, t);
        below_output = value_parent_count(t) + value_parent_count(y[i]);
    }

    /* Of very many forward passes only the first MOST_PASSES are run, and their time is scaled up. */
    const size_t passes = n < MOST_PASSES ? n : MOST_PASSES;
    clock_t start = clock();
    bool same = jacobian_forward(y, m, w, passes, by_forward, NULL);
    clock_t middle = clock();
    same = jacobian_reverse(y, m, w, n, by_reverse, NULL) && same;
    clock_t end = clock();
    graph_free(g);

    const size_t forward = n * (below_s + m * below_output), reverse = m * (below_s + below_output);
    printf("%6zu  %7zu  %9zu  ~%-8.3f  %7zu  ~%-7.3f  %s\n", n, m, forward,
           ms_between(start, middle) * (double)n / (double)passes, reverse, ms_between(middle, end),
           forward < reverse   ? "forward"
           : forward > reverse ? "reverse"
                               : "equal");

    /* Both multiply the same local derivatives, in another order: each product may be rounded by a part in 10¹⁶. */
    const double tolerance = (double)(steps + 10) * 2e-16;
    for (size_t i = 0; i < m; i++)
        for (size_t j = 0; j < passes; j++)
            same = same && fabs(by_forward[i * passes + j] / by_reverse[i * n + j] - 1) < tolerance;
    return same ? (double)forward / (double)reverse : NAN; /* every comparison with NAN is false */
}

int main(int argc, char *argv[])
{
    Graph *g = graph_new();
    Value *W = v_param(g, 2), *x = v_param(g, 3), *b = v_param(g, 1);
    Value *m = v_mul(W, x), *s = v_add(m, b);
    Value *L = v_mul(s, s);
    Value *nodes[] = {V_NAME(W), V_NAME(x), V_NAME(b), V_NAME(m), V_NAME(s), V_NAME(L)};

    backward(L); /* g owns the nodes; a param is a leaf that wants a gradient */
    printf("node  data  grad\n");
    for (int i = 0; i < 6; i++)
        printf("%-4s  %4g  %4g\n", nodes[i]->label, nodes[i]->data, nodes[i]->grad);
    claim(W->grad == 42 && x->grad == 28 && b->grad == 14, "the engine's walk gives 42, 28 and 14 too");

    Dual s_dual = d_add(d_mul(dual_variable(2), 3), 1);
    claim(d_mul(s_dual, s_dual).tangent == W->grad, "and its dual numbers give the same dL/dW");

    Error error;
    char dot[1000], html[1000]; /* `./08 .` draws the graph into L.dot, and L.html plays the backward pass */
    snprintf(dot, sizeof dot, "%s/L.dot", argc > 1 ? argv[1] : "");
    snprintf(html, sizeof html, "%s/L.html", argc > 1 ? argv[1] : "");
    if (argc > 1 && !(dot_draw(L, dot, NULL, &error) && player_write(L, html, NULL, &error)))
        claim(false, error.message);
    graph_free(g); /* and with it all its nodes */

    printf("\n                 forward mode         reverse mode\n");
    printf("inputs  outputs      edges  ms            edges  ms        cheaper\n");
    double many_inputs = 0;
    for (size_t n = 1; n <= MOST; n *= 10) /* L, with more and more weights */
        many_inputs = compare_modes(n, 0, 1);
    printf("(Forward: at most %d passes are run, and their time is scaled up.)\n\n", MOST_PASSES);
    double ratio[7];
    for (size_t n = 64, k = 0; n >= 1; n /= 2, k++) /* a calculation of 1000 steps between inputs and outputs */
        ratio[k] = compare_modes(n, 1000, 64 / n);

    printf("\n");
    claim(many_inputs == MOST, "10,000 weights, one output: forward mode goes along 10,000 times as many edges");
    claim(ratio[0] > 50, "64 inputs, 1 output: reverse mode is 50 times as cheap");
    claim(ratio[6] < 0.02, "1 input, 64 outputs: forward mode is");
    claim(ratio[2] > 1 && ratio[3] > 0.9 && ratio[3] < 1.1 && ratio[4] < 1, "the lead changes where n = m");
    return all_hold ? 0 : 1;
}

/* Exercises
 * 1. Print the row of 10,000 weights without the limit MOST_PASSES. How good was the scaled time?
 * 2. Set `steps` to 0 in the last seven rows (the claims about them then fail). Where does the lead change, and why?
 * 3. Run `make lesson L=08` and open build/lessons/08/L.html. Two edges lead from s to L. How are they labelled?
 *
 * Next: in the engine, local derivatives are code, one line per op. How do we know that they are right?
 */
