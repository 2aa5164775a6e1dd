/* 08_forward_or_reverse.c - Which way through the graph is cheaper, and what does the choice cost?
 *
 * From here on nothing is built by hand: the engine has all that chapters 1 to 7 made, and chapter 9 walks through it.
 * In a Graph, v_param makes a leaf that wants a gradient (a weight), v_input one that wants none (data), and v_mul ...
 * a node that is computed from others. backward is the walk of chapter 5, and d_mul ... are the duals of chapter 3.
 *
 * New here: counting the price. A program with n inputs and m outputs has m·n derivatives, its Jacobian. Every pass,
 * forward or backward, goes along each edge once: one local derivative and at most one multiplication.
 *
 *     forward mode   a pass per input     n passes, each along the edges of the whole graph
 *     reverse mode   a pass per output    m passes, each along the edges below that output
 *
 * A network that learns has thousands of inputs (its parameters) and one output (the loss). Forward mode takes O(n)
 * passes: their number grows like n. Reverse mode takes O(1): one, however many parameters there are. That is why
 * backpropagation is a reverse walk. With few inputs and many outputs forward mode wins, and it stores no graph.
 *
 * One walk can also start from m outputs at once, with a seed for each, a vector u. Then w.grad is Σ uᵢ·∂yᵢ/∂w, the sum
 * of the Jacobian's rows, each times its seed: the vector-Jacobian product uᵀJ. For one output the seed is simply 1.
 * For more, PyTorch says "grad can be implicitly created only for scalar outputs" and wants `y.backward(gradient=u)`.
 *
 * It prints L's nodes, the price for 1 to 10,000 weights and what follows for seven billion, and that for n·m = 64.
 *
 * Predict, before you run it:
 *     1. With 10,000 weights and one output: how many times as many edges does forward mode go along?
 *     2. An edge takes some 10 ns. How long does the gradient of seven billion weights take in each mode?
 *     3. n inputs, m outputs, n·m = 64: for which n and m do both cost about the same?
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

static double forward_ms, reverse_ms; /* of the line of the table that was printed last */

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
    const size_t below_s = value_parent_count(s) + steps; /* edges */
    for (size_t k = 0; k < steps; k++)
        s = v_tanh(s);
    for (size_t i = 0; i < m; i++) {
        Value *t = v_add(s, 1 + (double)i);
        y[i] = v_mul(t, t);
    }
    const size_t below_output = value_parent_count(y[0]) + value_parent_count(y[0]->a);
    const size_t forward = n * (below_s + m * below_output), reverse = m * (below_s + below_output);

    /* Of very many forward passes only the first MOST_PASSES are run, and their time is scaled up. */
    const size_t passes = n < MOST_PASSES ? n : MOST_PASSES;
    clock_t start = clock();
    bool same = jacobian_forward(y, m, w, passes, by_forward, NULL);
    clock_t middle = clock();
    same = jacobian_reverse(y, m, w, n, by_reverse, NULL) && same;
    forward_ms = ms_between(start, middle) * (double)n / (double)passes;
    reverse_ms = ms_between(middle, clock());
    graph_free(g);
    printf("%6zu  %7zu  %9zu  ~%-8.3f  %7zu  ~%.3f\n", n, m, forward, forward_ms, reverse, reverse_ms);
    for (size_t j = 0; j < passes; j++) /* the first output: the same factors in another order, rounded otherwise */
        same = same && fabs(by_forward[j] / by_reverse[j] - 1) < 1e-12;
    return same ? (double)forward / (double)reverse : NAN; /* every comparison with NAN is false */
}

int main(int argc, char *argv[])
{
    Graph *g = graph_new();
    Value *W = v_param(g, 2), *x = v_param(g, 3), *b = v_param(g, 1);
    Value *m = v_mul(W, x), *s = v_add(m, b);
    Value *L = v_mul(s, s);
    Value *nodes[] = {V_NAME(W), V_NAME(x), V_NAME(b), V_NAME(m), V_NAME(s), V_NAME(L)};

    backward(L); /* g owns the nodes; here x wants a gradient too */
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
    printf("inputs  outputs      edges  ms            edges  ms\n");
    double many_inputs = 0;
    for (size_t n = 1; n <= MOST; n *= 10) /* L, with more and more weights */
        many_inputs = compare_modes(n, 0, 1);
    printf("(Forward: at most %d passes are run, and their time is scaled up.)\n", MOST_PASSES);

    /* k times as many weights: k times as many edges in each pass, and in forward mode k times as many passes. */
    const double k = 7e9 / MOST, minutes = reverse_ms * k / 60e3, years = forward_ms * k * k / (365.0 * 24 * 3600e3);
    printf("Extrapolated to 7e9 weights: ~%.0f thousand years, and ~%.0f minutes\n\n", years / 1000, minutes);

    double ratio[7];
    for (size_t n = 64, i = 0; n >= 1; n /= 2, i++) /* a calculation of 1000 steps between inputs and outputs */
        ratio[i] = compare_modes(n, 1000, 64 / n);
    printf("\n");
    claim(many_inputs == MOST, "10,000 weights, one output: forward mode goes along 10,000 times as many edges");
    claim(ratio[0] > 50, "64 inputs, 1 output: reverse mode costs less than a 50th");
    claim(ratio[6] < 0.02, "1 input, 64 outputs: forward mode costs less than a 50th");
    claim(ratio[2] > 1 && ratio[3] > 0.9 && ratio[3] < 1.1 && ratio[4] < 1, "the lead changes where n = m");
    return all_hold ? 0 : 1;
}

/* Exercises
 * 1. Print the row of 10,000 weights without the limit MOST_PASSES. How good was the scaled time?
 * 2. Set `steps` to 0 in the last seven rows (the claims about them then fail). Where does the lead change, and why?
 * 3. Run `make lesson L=08` and open build/lessons/08/L.html. Two edges lead from s to L. How are they labelled?
 * 4. Before graph_free, call backward(v_dot(u, y, 2)) with y = {L, s} and inputs u = {10, 1}. What is added to W.grad?
 *
 * Next: what happens inside v_mul and backward, line by line?   -> 09_engine_walk.c
 */
