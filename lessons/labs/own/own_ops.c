/* own_ops.c - the ops of lab 10 in the engine: their gradients at some points, held against nudges and against forward
 * mode, and a picture of one of these points.
 *
 *     make engine STEPGRAD=folder      # a clone of stepgrad
 */
#define STEPGRAD_OWN_OPS_FILE "own_ops.h" /* as the engine is compiled */
#include "graph/dot.h"
#include "stepgrad.h"

#include <stdlib.h>

static const struct Point {
    double w, x;
} points[] = {{0.5, 2}, {-1.5, 0.7}, {1.2, -0.4}, {-3, -2}, {1e-3, 1e3}};
enum { POINT_COUNT = sizeof points / sizeof points[0] };

/* A task that is not written yet calls this. */
_Noreturn void not_written(const char *task);
_Noreturn void not_written(const char *task)
{
    printf("Task %s is not written yet, and the engine needs all of lab 10. Type: make check T=10\n", task);
    exit(1);
}

/* L = norm(softsign(w·x), x): both ops, and x is used twice. */
static Value *build(Graph *g, struct Point at)
{
    Value *w = v_label(v_param(g, at.w), "w"), *x = v_label(v_param(g, at.x), "x");
    Value *p = v_label(v_mul(w, x), "p"), *s = v_label(v_softsign(p), "s");
    return v_label(v_norm(s, x), "L");
}

/* The same in forward mode: dL/dt, where w and x move with these tangents. */
static double slope_along(Dual w, Dual x) { return d_norm(d_softsign(d_mul(w, x)), x).tangent; }

static bool close_to(double a, double b) { return fabs(a - b) <= 1e-12 * fmax(1, fabs(b)); }

/* Whether the formulas of own_ops.h give what the functions of lab10.c do. */
static bool formulas_hold(const Value *v, bool explain)
{
    bool hold = true;
    for (size_t i = 0; i < value_parent_count(v); i++)
        if (value_local_formula(v, i) == NULL) {
            const OpInfo *op = &op_table[v->op];
            if (explain)
                printf("  the formula %s in own/own_ops.h does not give what %s_%s does, %g\n",
                       i == 0 ? op->da_text : op->db_text, op->name, i == 0 ? "da" : "db",
                       value_local_derivative(v, i));
            hold = false;
        }
    return hold;
}

/* Three times the gradient at one point: by the reverse walk, by forward mode and by nudges. Explains what is wrong, if
 * it is asked to. */
static bool try_point(struct Point at, bool explain)
{
    Graph *g = graph_new();
    Value *L = build(g, at), *s = value_parent(L, 0), *x = value_parent(L, 1), *w = value_parent(value_parent(s, 0), 0);
    GradCheck report;
    Error error;
    backward(L);
    const double by_w = slope_along(dual_variable(at.w), dual_constant(at.x));
    const double by_x = slope_along(dual_constant(at.w), dual_variable(at.x));
    const bool modes_agree = close_to(w->grad, by_w) && close_to(x->grad, by_x);
    const bool nudges_agree = gradcheck(L, &report, &error);
    printf("w = %-5g x = %-5g L = %-8.5g dL/dw = %-11.5g dL/dx = %-11.5g %s\n", at.w, at.x, L->data, w->grad, x->grad,
           modes_agree && nudges_agree ? "right" : "WRONG");
    if (!nudges_agree && explain)
        gradcheck_print(&report, stdout);
    if (!modes_agree && explain)
        printf("  forward mode: dL/dw = %g, dL/dx = %g\n", by_w, by_x);
    const bool s_fits = formulas_hold(s, explain), L_fits = formulas_hold(L, explain);
    graph_free(g);
    return modes_agree && nudges_agree && s_fits && L_fits;
}

static bool draw_point(struct Point at)
{
    Graph *g = graph_new();
    Value *L = build(g, at);
    Error error;
    backward(L);
    printf("\nw = %g, x = %g, node by node:\n\n", at.w, at.x);
    graph_dump(L, stdout);
    const char *picture = "build/engine.svg";
    bool drawn = dot_draw(L, picture, NULL, &error);
    if (!drawn) { /* no Graphviz */
        printf("\n%s\n", error.message);
        picture = "build/engine.dot";
        drawn = dot_draw(L, picture, NULL, &error);
    }
    graph_free(g);
    if (drawn)
        printf("\nThe picture, with the local derivatives on its edges: %s\n", picture);
    else
        printf("\n%s\n", error.message);
    return drawn;
}

int main(void)
{
    int wrong = -1; /* the first */
    puts("L = norm(softsign(w·x), x) in the engine, with your two ops:\n");
    for (int i = 0; i < POINT_COUNT; i++)
        if (!try_point(points[i], wrong < 0) && wrong < 0)
            wrong = i;
    const bool drawn = draw_point(points[wrong >= 0 ? wrong : 0]);
    return wrong < 0 && drawn ? 0 : 1;
}
