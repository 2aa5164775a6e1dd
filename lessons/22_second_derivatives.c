/* 22_second_derivatives.c - The gradient is a function too. What is its gradient?
 *
 * backward gives ∂y/∂w as a number; called again, it adds the same number once more (chapter 16). But that number was
 * computed as all numbers are, with mul, add and the op table's formulas, such as 1 − y·y for tanh. So it has
 * derivatives of its own: n² for n params, the Hessian H[i,j] = ∂²L/∂wᵢ∂wⱼ. How fast does slope i change with wⱼ?
 *
 * New here: two ways to differentiate the backward pass.
 *
 *     reverse over reverse   Walk back, and where backward multiplies two numbers, make a node mul: gradient_nodes. The
 *                            gradient is then a graph of its own, to draw, to walk back, and to differentiate again.
 *     forward over reverse   Move the params along d, and walk back with dual numbers (chapter 3): each gradient has
 *                            with it how fast it changes. That is H·d. hessian_vector makes neither a node nor H.
 *
 * What for? A slope says which way is down, a curvature how far. Newton's method steps to where the parabola with these
 * slopes and curvatures is flat: p − H⁻¹·gradient (H⁻¹ undoes H). Where H·d = λ·d, λ is an eigenvalue of H, and the
 * curvature along d. Gradient descent multiplies the distance to the minimum along d by 1 − lr·λ in each step. Beyond
 * lr = 2/λ it grows: the largest λ says which lr diverges (chapter 18), the smallest how long you wait.
 *
 * It prints the second derivative of tanh(w·x + b), both ways; the way down Rosenbrock's bent valley,
 * f = 100(v − u²)² + (1 − u)²; which lr its curvature allows; and how large a gradient is as a graph.
 *
 * Predict, before you run it:
 *     1. Right of 0, at w·x + b = 0.5, the slope of tanh is positive. Is its second derivative?
 *     2. Gradient descent needs over 20,000 steps down the valley. How many does Newton's method need?
 *     3. Is every step of Newton's method a step down?
 *
 *     (gdb) break formula_nodes              the walk is at tanh, and builds its local derivative
 *     (gdb) run
 *     (gdb) print formula->count   = 5       the steps of its formula, 1 - y*y: 1, y, y, y*y, 1 - y*y
 *     (gdb) print y->data          = 0.462...
 */
#include <math.h>

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

/* y = tanh(w·x + b), and its slope as a graph, which is drawn in the folder (NULL: nowhere). */
static void slope_of_a_neuron(const char *folder)
{
    Graph *g = graph_new();
    Value *w = v_param(g, -3), *x = v_input(g, 2), *b = v_param(g, 6.5);
    Value *s = v_add(v_mul(w, x), b), *y = v_tanh(s), *slope = y; /* until it is known */
    V_NAME(w), V_NAME(x), V_NAME(b), V_NAME(s), V_NAME(y);
    double d = 1, curvature = NAN;
    Error error;
    bool ok = gradient_nodes(y, &w, 1, &slope, &error) && hessian_vector(y, &w, &d, 1, &curvature, &error);
    backward(slope); /* adds ∂²y/∂w² to w->grad; gradient_nodes has named the slope after its root and its param */
    printf("y = %.6f   %s = %.6f   ", y->data, slope->label, slope->data);
    printf("its derivative: %.6f by nodes, %.6f by dual numbers\n", w->grad, curvature);
    const double want = -2 * y->data * (1 - y->data * y->data) * x->data * x->data;
    claim(fabs(w->grad - want) < 1e-14 && fabs(curvature - want) < 1e-14, "both are -2y(1 - y*y)x*x");
    char dot[1000], html[1000];
    snprintf(dot, sizeof dot, "%s/slope.dot", folder != NULL ? folder : "");
    snprintf(html, sizeof html, "%s/slope.html", folder != NULL ? folder : "");
    if (!ok || (folder != NULL && !(dot_draw(slope, dot, NULL, &error) && player_write(slope, html, NULL, &error))))
        claim(false, error.message);
    graph_free(g);
}

/* The gradient of f as nodes, and H. False if the two ways to H do not agree: it is the Jacobian of the gradient. */
static bool differentiate(Value *f, Value **p, Value *slopes[2], double h[4])
{
    double again[4];
    bool same = hessian(f, p, 2, h, NULL) && gradient_nodes(f, p, 2, slopes, NULL) &&
                jacobian_reverse(slopes, 2, p, 2, again, NULL);
    for (int i = 0; same && i < 4; i++)
        same = fabs(h[i] - again[i]) <= 1e-13 * fabs(h[i]);
    return same;
}

static Value *rosenbrock(Value *const p[2])
{
    Value *off = v_sub(p[1], v_mul(p[0], p[0])), *rest = v_sub(1, p[0]);
    return v_add(v_mul(v_mul(off, off), 100), v_mul(rest, rest));
}

/* From (u, v) until f is below 1e-16; by Newton's method if lr is 0. Returns the number of steps; f goes to at[]. */
static int descend(double u, double v, double lr, int most, double at[])
{
    Graph *g = graph_new();
    Value *p[2] = {v_param(g, u), v_param(g, v)};
    const Mark mark = graph_mark(g);
    int steps = 0;
    for (;; steps++) {
        double h[4];
        Value *f = rosenbrock(p), *slopes[2];
        at[steps] = f->data;
        if (steps == most || f->data < 1e-16 || !differentiate(f, p, slopes, h))
            break;
        const double du = slopes[0]->data, dv = slopes[1]->data, det = h[0] * h[3] - h[1] * h[2];
        p[0]->data -= lr > 0 ? lr * du : (h[3] * du - h[1] * dv) / det; /* H⁻¹·gradient */
        p[1]->data -= lr > 0 ? lr * dv : (h[0] * dv - h[2] * du) / det;
        graph_release(g, mark);
    }
    graph_free(g);
    return steps;
}

/* Of the loss of a network of 2, 16, 16 and 2 numbers. */
static void print_size_of_gradient(void)
{
    Graph *g = graph_new();
    MLP *net = mlp_new(g, (size_t[]){2, 16, 16, 2}, 4, ACTIVATION_TANH);
    Value *loss = cross_entropy(mlp_forward(net, v_inputs(g, (double[]){1, 2}, 2)), 2, 1), *slopes[354];
    const size_t n = net->param_count, nodes = graph_node_count(g);
    claim(n == 354 && gradient_nodes(loss, net->params, n, slopes, NULL), "a network of 354 params");
    printf("  its loss has %zu nodes, its gradient %zu more, H %zu numbers\n", nodes, graph_node_count(g) - nodes,
           n * n);
    graph_free(g);
}

int main(int argc, char *argv[])
{
    enum { MOST = 20000 };
    static double newton[MOST + 1], descent[MOST + 1], below[51], above[51], h[4];
    slope_of_a_neuron(argc > 1 ? argv[1] : NULL);
    const int steps = descend(-1.2, 1, 0, MOST, newton), slow = descend(-1.2, 1, 0.001, MOST, descent);
    printf("\n step   f by Newton   f by descent, lr 0.001\n");
    for (int i = 0; i < steps; i++)
        printf("%5d   %11.3g   %.3g\n", i, newton[i], descent[i]);
    printf("%5d   below 1e-16   %.3g\n", steps, descent[steps]);
    printf("%5d                 %.3g\n", MOST, descent[MOST]);
    claim(newton[steps] < 1e-16 && slow == MOST, "Newton's method gets there, and H is the same both ways");
    Graph *g = graph_new();
    Value *p[2] = {v_param(g, 1), v_param(g, 1)}; /* the minimum */
    hessian(rosenbrock(p), p, 2, h, NULL);
    const double largest = (h[0] + h[3]) / 2 + hypot((h[0] - h[3]) / 2, h[1]); /* eigenvalue of H */
    descend(1.0001, 1, 0.95 * 2 / largest, 50, below);
    descend(1.0001, 1, 1.05 * 2 / largest, 50, above);
    printf("\nAt the minimum the largest curvature is %.3f. f after 50 steps from beside it:\n", largest);
    printf("  lr = 0.95 * 2/curvature   %.1e, from %.1e\n", below[50], below[0]);
    printf("  lr = 1.05 * 2/curvature   %.1e, from %.1e\n", above[50], above[0]);
    claim(below[50] < below[0] / 1000 && above[50] > above[0] * 1000, "below it converges, above it diverges\n");
    graph_free(g);
    print_size_of_gradient();
    return all_hold ? 0 : 1;
}

/* Exercises
 * 1. Give hessian_vector `slope` in place of y (the claim then fails). What does it compute, and what is the formula?
 * 2. Start Newton's method at (0, 1), where H[0][0] is -398. Which way does u go in the first step, and why?
 * 3. Find the largest curvature without H: begin with d = (1, 0), and replace d by H·d/|H·d| eight times.
 *
 * Next: a loss, a network, an optimizer. What else does a language model need? -> 23_gpt.c
 */
