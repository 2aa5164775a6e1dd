/* 16_backward_twice.c - backward is called twice. Which gradients add up, and which must not?
 *
 * New here: time. Chapter 5 walked once over one expression. In training the params live on while expressions come and
 * go, and so there are two kinds of gradient:
 *
 *     of a param       collects: over its uses, over the samples of a batch, over calls of backward, until YOU zero it
 *     of other nodes   belongs to one walk: it starts from 0 in each, and the engine sees to that (backward_begin)
 *
 * If interior gradients were not cleared, the second walk would push the share of the first one again: 3 times the
 * gradient instead of 2. (The small engine micrograd does this.)
 *
 * PyTorch refuses the second call: "Trying to backward through the graph a second time". There an op stores what its
 * derivative needs, and the walk frees that as it goes, to save memory; retain_graph=True keeps it. Here a derivative
 * is computed from the operands' data (chapter 7), and no node goes before graph_release: so a second walk always
 * works.
 *
 * Time is also why nodes know parents and not children (chapter 4): those of a param come and go with each step. And it
 * rules out cycles: in x = x·x the x on the right is the old node, that on the left a new one, and no path leads back.
 *
 * It prints gradients after one and two calls, by the engine and by a walk that forgets to clear; two losses on one
 * param; and x = x·x, three times: a chain. It draws twice.svg.
 *
 * Predict, before you run it:
 *     1. c = a + b, L = c·c at a = 1, b = 2: a.grad is 6 after backward(L). And after another? And c.grad?
 *     2. The same twice, by a walk that clears nothing first: 12 again?
 *     3. `x = v_mul(x, x)` in a loop of three: how many nodes, and does any depend on itself?
 *
 * Build and run: make lesson L=16. In gdb: make gdb L=16, a debug build, in which every variable can be printed.
 *     (gdb) break clear_interior_gradients
 *     (gdb) run
 *     (gdb) up 3
 *     (gdb) watch -l c->grad
 *     (gdb) continue                      0 becomes 3, ...
 *     (gdb) continue                      3 becomes 6: L = c·c pushes to c twice
 *     (gdb) continue                      the breakpoint: the second walk begins,
 *     (gdb) continue                      6 becomes 0
 */
#include "graph/dot.h"
#include "memory.h"
#include "player/player.h"
#include "stepgrad.h"

static bool all_hold = true;

/* What a chapter says, it checks: print the claim, and remember if it does not hold. */
static void claim(bool holds, const char *text)
{
    printf("%s %s\n", holds ? "ok    " : "FAILED", text);
    all_hold = all_hold && holds;
}

/* Draw what root was computed from: FOLDER/NAME.svg, where Graphviz is installed, and FOLDER/NAME.html, the player. */
static void draw(Value *root, const char *folder, const char *name, const DotOptions *options)
{
    Error error;
    char svg[1024], html[1024];
    snprintf(svg, sizeof svg, "%s/%s.svg", folder, name);
    snprintf(html, sizeof html, "%s/%s.html", folder, name);
    if (!player_write(root, html, NULL, &error) || !dot_draw(root, svg, options, &error))
        fprintf(stderr, "no picture: %s\n", error.message);
}

/* The reverse walk with the engine's public functions, but nobody clears the interior gradients first. */
static void forgetful_backward(Value *root)
{
    size_t count;
    Value **order = graph_topological_order(root, &count);
    if (order == NULL)
        return;
    root->grad = 1;
    for (size_t i = count; i-- > 0;)
        for (size_t p = 0; p < value_parent_count(order[i]); p++)
            value_parent(order[i], p)->grad += value_local_derivative(order[i], p) * order[i]->grad;
    memory_free(order);
}

int main(int argc, char **argv)
{
    puts("(1) c = a + b, L = c * c, at a = 1, b = 2: dL/da = 2c = 6\n");
    printf("  %-32s %6s %6s %6s\n", "", "a.grad", "b.grad", "c.grad");
    Graph *g = graph_new();
    Value *a = v_param(g, 1), *b = v_param(g, 2);
    Value *c = v_add(a, b), *L = v_mul(c, c);
    V_NAME(a), V_NAME(b), V_NAME(c), V_NAME(L);
    backward(L);
    printf("  %-32s %6g %6g %6g\n", "backward once", a->grad, b->grad, c->grad);
    claim(a->grad == 6 && b->grad == 6 && c->grad == 6, "dL/da = dL/db = dL/dc = 2c");
    if (argc > 1)
        draw(L, argv[1], "twice", NULL);
    backward(L);
    printf("  %-32s %6g %6g %6g\n", "backward twice", a->grad, b->grad, c->grad);
    claim(a->grad == 12 && c->grad == 6, "the params collect, 2 times 6; c starts anew, 6");
    a->grad = b->grad = 0;
    backward(L);
    printf("  %-32s %6g %6g %6g\n", "params zeroed, backward again", a->grad, b->grad, c->grad);
    claim(a->grad == 6 && c->grad == 6,
          "zeroing the params is all that is needed: hence mlp_zero_grad touches no more");

    Graph *other = graph_new();
    Value *p = v_param(other, 1), *q = v_param(other, 2);
    Value *r = v_add(p, q), *K = v_mul(r, r);
    forgetful_backward(K);
    printf("  %-32s %6g %6g %6g\n", "forgetful walk once", p->grad, q->grad, r->grad);
    forgetful_backward(K);
    printf("  %-32s %6g %6g %6g\n", "forgetful walk twice", p->grad, q->grad, r->grad);
    claim(p->grad == 6 + 12, "6 the first time, 12 the second: c pushed its old 6 along with the new. 3 times, not 2");
    graph_free(other);

    puts("\n(2) Two losses on one param: w = 3, L1 = w * 2, L2 = w * w\n");
    Value *w = v_param(g, 3), *L1 = v_mul(w, 2), *L2 = v_mul(w, w);
    backward(L1);
    printf("  after backward(L1):  w.grad %2g   L1.grad %g   L2.grad %g\n", w->grad, L1->grad, L2->grad);
    claim(w->grad == 2 && L2->grad == 0,
          "the walk goes from L1 to parents only: L2, another child of w, stays out of it");
    backward(L2);
    printf("  after backward(L2):  w.grad %2g   L1.grad %g   L2.grad %g\n", w->grad, L1->grad, L2->grad);
    claim(w->grad == 2 + 6, "the param has the gradient of L1 + L2: that is how a batch sums up");

    puts("\n(3) x = x * x, three times\n");
    Value *start = v_label(v_param(g, 2), "x"), *x = start;
    for (int i = 0; i < 3; i++)
        x = v_mul(x, x);
    backward(x);
    size_t count;
    Value **order = graph_topological_order(x, &count);
    bool older = order != NULL;
    printf("  %-8s %-12s %8s %8s\n", "node", "parents", "data", "grad");
    for (size_t i = 0; i < count; i++) {
        char parents[64] = "none";
        if (value_parent_count(order[i]) == 2)
            snprintf(parents, sizeof parents, "%zu and %zu", value_number(value_parent(order[i], 0)),
                     value_number(value_parent(order[i], 1)));
        for (size_t k = 0; k < value_parent_count(order[i]); k++)
            older = older && value_number(value_parent(order[i], k)) < value_number(order[i]);
        printf("  %-8zu %-12s %8g %8g\n", value_number(order[i]), parents, order[i]->data, order[i]->grad);
    }
    memory_free(order);
    claim(count == 4 && older, "four nodes, each made of older ones: a chain, and no program can build a cycle");
    claim(x->data == 256 && start->grad == 8 * 128, "x^8 = 256, and 8 * x^7 = 1024");
    graph_free(g);
    return all_hold ? 0 : 1;
}

/* Exercises
 * 1. Fix forgetful_backward with one loop, so that two calls give 2 times. Which nodes must it clear, which not?
 * 2. It was 3 times, with one node between L and a. Put another one there: 4 times? And with k of them?
 * 3. Ten calls of backward on ten losses, or one on their sum: do the gradients agree, and which costs less?
 *
 * Next: all parts are there. How does a network learn?   -> 17_training.c
 */
