/* test_micrograd.c - the two published checks of micrograd, and each thing that micrograd gets wrong.
 * Source: https://github.com/karpathy/micrograd, test/test_engine.py; the numbers are PyTorch's in double precision.
 */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>

#include "backward.h"
#include "graph.h"

static Graph *g;
static void open_graph(void) { g = graph_new(); }
static void close_graph(void) { graph_free(g); }

TestSuite(micrograd, .init = open_graph, .fini = close_graph);

Test(micrograd, sanity_check)
{
    Value *x = v_param(g, -4.0);
    Value *z = v_add(v_add(v_mul(2, x), 2), x);
    Value *q = v_add(v_relu(z), v_mul(z, x));
    Value *h = v_relu(v_mul(z, z));
    Value *y = v_add(v_add(h, q), v_mul(q, x));
    backward(y);
    cr_expect_eq(y->data, -20.0, "y = %.17g, PyTorch has -20", y->data); /* whole numbers: exact */
    cr_expect_eq(x->grad, 46.0, "∂y/∂x = %.17g, PyTorch has 46", x->grad);
}

/* Off by at most 8 units in the last place: some 30 operations, of which all but the last few are exact. */
static void expect_close(const char *what, double got, double want)
{
    cr_expect(fabs(got - want) <= 8 * DBL_EPSILON * fabs(want), "%s = %.17g, PyTorch has %.17g", what, got, want);
}

Test(micrograd, more_ops)
{
    Value *a = v_param(g, -4.0), *b = v_param(g, 2.0);
    Value *c = v_add(a, b);
    Value *d = v_add(v_mul(a, b), v_pow(b, 3));
    c = v_add(c, v_add(c, 1));
    c = v_add(c, v_add(v_add(1, c), v_neg(a)));
    d = v_add(d, v_add(v_mul(d, 2), v_relu(v_add(b, a))));
    d = v_add(d, v_add(v_mul(3, d), v_relu(v_sub(b, a))));
    Value *e = v_sub(c, d);
    Value *f = v_pow(e, 2);
    Value *y = v_div(f, 2.0);
    y = v_add(y, v_div(10.0, f));
    backward(y);
    expect_close("y", y->data, 24.70408163265306);
    expect_close("∂y/∂a", a->grad, 138.83381924198252);
    expect_close("∂y/∂b", b->grad, 645.5772594752186);
}

/* ---- what micrograd gets wrong ----------------------------------------------------------------------------------- */

/* micrograd adds to interior gradients that it never clears: 45 where 30 is right. */
Test(micrograd, a_second_backward_adds_the_gradient_once_more)
{
    Value *x = v_param(g, 1.5);
    Value *square = v_mul(x, x), *y = v_mul(square, 5);
    backward(y);
    cr_expect_eq(x->grad, 15, "once: %g", x->grad);
    backward(y);
    cr_expect_eq(x->grad, 30, "twice: %g, want 30", x->grad);
    backward(y);
    cr_expect_eq(x->grad, 45, "three times: %g, want 45", x->grad);
}

/* micrograd keeps a set of parents: one edge is lost, in the diagram and for whoever wants the local derivatives. */
Test(micrograd, x_times_x_has_two_edges)
{
    Value *x = v_param(g, 3);
    Value *square = v_mul(x, x);
    cr_assert_eq(value_parent_count(square), 2, "%zu parents", value_parent_count(square));
    cr_expect(value_parent(square, 0) == x && value_parent(square, 1) == x, "they are not both x");
    cr_expect_eq(value_local_derivative(square, 0) + value_local_derivative(square, 1), 6,
                 "the edges do not add to 2x");
}

/* micrograd sorts by recursion and dies on Python's limit of a thousand calls. */
Test(micrograd, a_chain_of_1200_works)
{
    Value *x = v_param(g, 2), *y = x;
    for (int i = 0; i < 1200; i++)
        y = v_add(y, 0.5);
    backward(y);
    cr_expect_eq(y->data, 602, "data %g", y->data);
    cr_expect_eq(x->grad, 1, "gradient %g", x->grad);
}

/* micrograd allows only numbers there. */
Test(micrograd, a_value_may_be_the_exponent)
{
    Value *base = v_param(g, 2), *exponent = v_param(g, 3);
    Value *y = v_pow(base, exponent), *z = v_pow(2, exponent);
    backward(y);
    cr_expect_eq(y->data, 8, "2^3 = %g", y->data);
    cr_expect_eq(base->grad, 12, "∂/∂base = %g, want 3·2²", base->grad);
    expect_close("∂/∂exponent, 8·log 2", exponent->grad, 5.545177444479562);
    exponent->grad = 0;
    backward(z);
    expect_close("∂/∂exponent of a number's power", exponent->grad, 5.545177444479562);
}

/* micrograd passes NaN on forward, but its gradient hides it: NaN > 0 is false, so 0 goes back. */
Test(micrograd, relu_passes_nan_on_forward_and_backward)
{
    Value *x = v_param(g, NAN);
    Value *y = v_relu(x);
    backward(y);
    cr_expect(isnan(y->data), "relu(NaN) = %g", y->data);
    cr_expect(isnan(x->grad), "∂relu(NaN) = %g", x->grad);
}
