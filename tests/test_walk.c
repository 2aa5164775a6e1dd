/* test_walk.c - reverse walks that are given up half way: a debugger, a player or an early `break` may do so. */
#include <criterion/criterion.h>

#include "stepgrad.h"

/* x1 + x2 + ... with a chain of many blocks below each term, so that the first steps push far down the graph. */
static Value *sum_of_chains(Graph *g, Value *x, Value **first_term)
{
    enum { TERMS = 4, LINKS = 3000 }; /* a block holds about a thousand nodes */
    Value *terms[TERMS];
    for (int t = 0; t < TERMS; t++) {
        terms[t] = v_add(x, 1.0);
        for (int i = 0; i < LINKS; i++)
            terms[t] = v_neg(terms[t]);
    }
    *first_term = terms[1];
    cr_assert(graph_ok(g), "no memory");
    return v_sum(terms, TERMS);
}

Test(walk, one_given_up_after_any_number_of_steps_leaves_nothing_to_the_next)
{
    for (int steps = 0; steps < 5; steps++) {
        Graph *g = graph_new();
        Value *x = v_param(g, 2.0);
        Value *term;
        Value *root = sum_of_chains(g, x, &term);
        Backward walk = backward_begin(root);
        for (int i = 0; i < steps; i++)
            cr_assert(backward_step(&walk) != NULL, "the walk ended after %d steps", i);
        x->grad = 0;
        backward(term); /* of one term: ∂/∂x = 1, as the number of links is even */
        cr_expect_eq(x->grad, 1.0, "after %d steps of a walk from elsewhere: got %g, want 1", steps, x->grad);
        graph_free(g);
    }
}
