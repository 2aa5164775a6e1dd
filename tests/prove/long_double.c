/* long_double.c - judges each step of the engine by mathematics of its own in long double:
 *
 *     long_double GRAPHS
 *
 * Over as many random graphs, each node's value must be what its op makes of its parents' values, and its gradient the
 * sum of what its children push to it, both within a few roundings of the terms, which stand at the op below. The graph
 * as a whole is right when every step of it is. Exit 77: long double is no finer than double here.
 */
#include <float.h>
#include <stdlib.h>

#include "../random_graphs.h"

#define ROUNDING 0x1p-53L
#define LEAST 0x1p-1070L /* near the smallest double, errors are absolute */

/* What a step should give: the value, the derivative by one operand, and how many roundings of a number near 1 each may
 * be off by. */
typedef struct Exact {
    long double y, slope, y_error, slope_error;
} Exact;

static Exact within(long double y, long double slope, long double roundings)
{
    return (Exact){y, slope, roundings * fabsl(y), roundings * fabsl(slope)};
}

/* Of a and b, the slope by b if `by_b`. sech² and its like: other formulas than the engine's, of the same functions. */
static Exact exact_step(OpCode op, long double a, long double b, bool by_b)
{
    const long double pi = acosl(-1), bell = expl(-a * a / 2) / sqrtl(2 * pi), both = by_b ? b - a : a - b;
    const long double gate = a > 0 ? 1 : 0, share = both > 0 ? 1 : both < 0 ? 0 : 0.5L;
    Exact step;
    switch (op) {
    case OP_ADD: return within(a + b, 1, 1);
    case OP_SUB: return within(a - b, by_b ? -1 : 1, 1);
    case OP_MUL: return within(a * b, by_b ? a : b, 1);
    case OP_DIV: return within(a / b, by_b ? -a / (b * b) : 1 / b, 3);
    case OP_NEG: return within(-a, -1, 0);
    case OP_POW: /* the exponent of the slope, b - 1, is rounded to a double, which counts log a times */
        step = within(powl(a, b), by_b ? powl(a, b) * logl(a) : b * powl(a, b) / a,
                      a == 0 ? 0 : 6 + fabsl(b * logl(fabsl(a))));
        step.slope_error += a == 0 ? 0 : fabsl(step.slope * logl(fabsl(a)));
        return step;
    case OP_MAX: return within(fmaxl(a, b), share, 0);
    case OP_MIN: return within(fminl(a, b), 1 - share, 0);
    case OP_EXP: return within(expl(a), expl(a), 2);
    case OP_LOG: return within(logl(a), 1 / a, 2);
    case OP_SQRT: return within(sqrtl(a), 1 / (2 * sqrtl(a)), 2);
    case OP_SIN: return within(sinl(a), cosl(a), 2);
    case OP_COS: return within(cosl(a), -sinl(a), 2);
    case OP_ABS: return within(fabsl(a), a > 0 ? 1 : a < 0 ? -1 : 0, 0);
    case OP_TANH: return within(tanhl(a), 1 / (coshl(a) * coshl(a)), 8);
    case OP_SIGMOID: return within(1 / (1 + expl(-a)), 1 / (2 + expl(a) + expl(-a)), 8);
    case OP_RELU: return within(gate * a, gate, 0);
    case OP_SOFTPLUS: return within(a > 0 ? a + log1pl(expl(-a)) : log1pl(expl(a)), 1 / (1 + expl(-a)), 6);
    case OP_LEAKY_RELU: return within(a > 0 ? a : a / 100, a > 0 ? 1 : 0.01L, 1);
    case OP_ERFC: return within(erfcl(a), -2 / sqrtl(pi) * expl(-a * a), 6 + a * a);
    default:
        step = within(a * erfcl(-a / sqrtl(2)) / 2, erfcl(-a / sqrtl(2)) / 2 + a * bell, 8 + 2 * a * a);
        step.slope_error += (8 + 2 * a * a) * fabsl(a * bell);
        return step;
    }
}

/* The same of an op of a list, for the operand a with its partner b. */
static Exact exact_list(const Value *v, long double a, long double b)
{
    long double y = 0, terms = 0, most = -INFINITY;
    const size_t count = value_parent_count(v);
    for (size_t i = 0; i < count; i++) {
        const Value *parent = value_parent(v, i), *partner = value_partner(v, i);
        const long double term = partner == NULL ? parent->data : (long double)parent->data * partner->data;
        most = fmaxl(most, term);
        y += value_role(v, i) == VALUE_IN_B ? 0 : term;
        terms += fabsl(term);
    }
    if (v->op == OP_SUM)
        return (Exact){y, 1, 2 * fabsl(y) + ROUNDING * (long double)(count * count) * terms, 0};
    if (v->op == OP_DOT)
        return (Exact){y, b, (long double)count * terms, 0};
    long double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += expl(value_parent(v, i)->data - most);
    y = most + logl(sum);
    const long double roundings = 8 + (long double)count + fabsl(a) + fabsl(most);
    return (Exact){y, expl(a - y), roundings, roundings * expl(a - y)};
}

static Exact exact(const Value *v, size_t i)
{
    const OpShape shape = op_table[v->op].shape;
    const bool by_b = value_role(v, i) == VALUE_IN_B;
    const Value *parent = value_parent(v, i), *partner = value_partner(v, i);
    const double a = parent->data, b = partner != NULL ? partner->data : 1;
    if (shape == SHAPE_LIST || shape == SHAPE_PAIRS)
        return exact_list(v, a, b);
    return by_b ? exact_step(v->op, b, a, true) : exact_step(v->op, a, b, false);
}

typedef struct Judged {
    size_t values, gradients, wrong;
} Judged;

static void judge(Judged *judged, const Value *v, const char *what, double got, long double want, long double allowed)
{
    if (fabsl(got - want) <= allowed + LEAST)
        return;
    judged->wrong++;
    fprintf(stderr, "the %s of a %s: %.17g, want %.20Lg within %.2Lg\n", what, op_table[v->op].name, got, want,
            allowed);
}

/* Every value in order, then every gradient of which all that was pushed to it is a number: a gradient of 0 times a
 * slope of infinity is a convention, and the suite awkward knows it. */
static bool judge_graph(Judged *judged, Value **order, size_t count)
{
    long double *want = calloc(count, sizeof *want), *allowed = calloc(count, sizeof *allowed);
    for (size_t at = count; want != NULL && allowed != NULL && at-- > 0;) {
        const Value *v = order[at];
        if (at == count - 1)
            want[at] = 1;
        if (v->needs_grad && isfinite(want[at])) {
            judge(judged, v, "gradient", v->grad, want[at], allowed[at]);
            judged->gradients++;
        }
        for (size_t i = 0; i < value_parent_count(v); i++) {
            const Exact step = exact(v, i);
            if (i == 0) {
                judge(judged, v, "value", v->data, step.y, ROUNDING * step.y_error);
                judged->values++;
            }
            size_t to = 0;
            while (order[to] != value_parent(v, i))
                to++;
            const long double push = step.slope * v->grad;
            want[to] += push;
            allowed[to] += ROUNDING * (step.slope_error * fabs(v->grad) + 2 * fabsl(push)) + ROUNDING * fabsl(want[to]);
        }
    }
    const bool memory = want != NULL && allowed != NULL;
    free(want);
    free(allowed);
    return memory;
}

int main(int argc, char **argv)
{
    if (LDBL_MANT_DIG < DBL_MANT_DIG + 10)
        return 77;
    Judged judged = {0};
    for (uint64_t seed = 0; argc > 1 && seed < strtoull(argv[1], NULL, 10); seed++) {
        Random random;
        random_seed(&random, seed);
        Graph *graph = graph_new();
        Value *loss = random_mlp_loss(&random, graph, random_tangle(&random, graph));
        size_t count = 0;
        Value **order = graph_topological_order(loss, &count);
        backward(loss);
        if (order == NULL || !judge_graph(&judged, order, count))
            return EXIT_FAILURE;
        memory_free(order);
        graph_free(graph);
    }
    printf("%zu values and %zu gradients: %zu wrong\n", judged.values, judged.gradients, judged.wrong);
    return judged.values > 0 && judged.wrong == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
