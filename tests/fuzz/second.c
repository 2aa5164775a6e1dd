/* second.c - second derivatives of any graph of any ops: both ways of hessian.h agree with long double within what
 * rounding allows, and that with differences of first gradients, and those with differences of values. See graphs.h,
 * long_double.h. */
#include "long_double.h"

#include "backward.h"
#include "graphs.h"
#include "hessian.h"

enum { NUMBERS = FUZZ_LEAVES + 1 };

/* How the params move: by a few 64ths of their own size, or of 1. */
static void fuzz_direction(FuzzInput *in, const FuzzLeaves *leaves, double *direction)
{
    for (size_t i = 0; i < leaves->param_count; i++) {
        const double size = fabs(leaves->params[i]->data), k = (int8_t)fuzz_byte(in);
        direction[i] = k / 64 * (size > 1 && size < DBL_MAX / 4 ? ldexp(1, ilogb(size)) : 1);
    }
}

/* The graph in long double, with its params moved by h·direction and moving on that way. */
static Exact exact_at(Value *root, const FuzzLeaves *leaves, const double *direction, long double h, ExactFrom from)
{
    Exact exact = exact_new(root, from);
    for (size_t i = 0; i < leaves->param_count; i++) {
        const size_t place = exact_place(&exact, leaves->params[i]);
        if (place == exact.count)
            continue;
        const Near moved = near_mul(near_exactly(h), near_exactly(direction[i]));
        exact.data[place].value = near_add(exact.data[place].value, moved); /* perhaps not far enough to show */
        exact.data[place].tangent = near_exactly(direction[i]);
    }
    exact_forward(&exact);
    exact_backward(&exact, 1);
    return exact;
}

/* 0 where the root does not depend on the param. */
static Jet exact_grad(const Exact *exact, const Value *param)
{
    const size_t place = exact_place(exact, param);
    return place < exact->count ? exact->grad[place] : jet_constant(0);
}

/* The gradients of the params, and how fast they move; behind them, the value of the root. */
static void exact_grads(Value *root, const FuzzLeaves *leaves, const double *direction, long double h, ExactFrom from,
                        Jet *grads)
{
    Exact exact = exact_at(root, leaves, direction, h, from);
    for (size_t i = 0; i < leaves->param_count; i++)
        grads[i] = exact_grad(&exact, leaves->params[i]);
    grads[leaves->param_count] = exact.y[exact.count - 1];
    exact_free(&exact);
}

/* ---- differences ------------------------------------------------------------------------------------------------- */

/* (g(h) − g(−h))/2h for each of those. */
static void central_differences(Value *root, const FuzzLeaves *leaves, const double *direction, long double h, Near *d)
{
    Jet above[NUMBERS], below[NUMBERS];
    exact_grads(root, leaves, direction, h, FROM_LEAVES, above);
    exact_grads(root, leaves, direction, -h, FROM_LEAVES, below);
    for (size_t i = 0; i <= leaves->param_count; i++) {
        const Near g = above[i].value, f = below[i].value;
        d[i] = near_settle((g.x - f.x) / (2 * h), (g.e + f.e + precision.unit * fabsl(g.x - f.x)) / (2 * h));
    }
}

/* At most h, and at such a speed within an eighth of the room. */
static long double step_within(long double h, long double room, long double speed)
{
    return room / 8 < h * fabsl(speed) ? room / 8 / fabsl(speed) : h;
}

/* The functions of the table are of scale 1, or of that of their operand, or end at a kink: within an eighth of that
 * they are smooth. 0: at a kink, where the second derivative is a convention. */
static long double step_for(const Exact *exact)
{
    long double h = 1;
    for (size_t k = 0; k < exact->count; k++) {
        const Jet y = exact->y[k], kink = exact_to_kink(exact, exact->order[k]);
        const long double size = fabsl(y.value.x);
        h = step_within(h, size > 0 && size < 1 ? size : 1, y.tangent.x);
        h = kink.value.x == 0 ? 0 : step_within(h, fabsl(kink.value.x), kink.tangent.x);
    }
    return h;
}

/* E(h) = (4·D(h) − D(2h))/3 is off by some h⁴, so by about |E(h) − E(2h)|/15. A jump of g between −h and h makes E(h) a
 * multiple of 1/h, and twice E(2h): four times their difference covers that too. What rounding does to E is known. So
 * the tangents are right if, of steps ever smaller, there is one at which they agree. */
static void check_by_differences(Value *root, const FuzzLeaves *leaves, const double *direction)
{
    enum { HALVINGS = 10 };
    Near d[3][NUMBERS] = {{{0, 0}}};
    bool agrees[NUMBERS] = {false}, all = false, told[NUMBERS] = {false};
    Jet at[NUMBERS];
    precision = of_long_double;
    Exact exact = exact_at(root, leaves, direction, 0, FROM_LEAVES);
    long double h = 4 * step_for(&exact);
    exact_free(&exact);
    exact_grads(root, leaves, direction, 0, FROM_LEAVES, at);
    for (int k = 0; k < HALVINGS && !all && h > 0; k++, h /= 2) {
        Near *now = d[k % 3], *twice = d[(k + 2) % 3], *four = d[(k + 1) % 3];
        central_differences(root, leaves, direction, h, now);
        all = k >= 2;
        for (size_t i = 0; i <= leaves->param_count && k >= 2; i++) {
            const Near want = at[i].tangent;
            const long double e = (4 * now[i].x - twice[i].x) / 3, e2 = (4 * twice[i].x - four[i].x) / 3;
            const long double rounding = 3 * (now[i].e + twice[i].e + four[i].e) + 8 * precision.unit * fabsl(e);
            const long double bound = 4 * fabsl(e - e2) + rounding + want.e;
            told[i] |= isfinite(bound);
            agrees[i] |= fabsl(e - want.x) <= bound;
            all = all && agrees[i];
        }
    }
    for (size_t i = 0; i <= leaves->param_count; i++)
        fuzz_require(agrees[i] || !told[i], "a derivative in long double is what differences say");
}

/* ---- both ways --------------------------------------------------------------------------------------------------- */

/* Forward over reverse: the product with a direction, and the rows of the whole, of which it is a combination. */
static void check_hessian(Value *root, const FuzzLeaves *leaves, const double *direction)
{
    const size_t n = leaves->param_count;
    double product[FUZZ_LEAVES], rows[FUZZ_LEAVES * FUZZ_LEAVES];
    Jet grads[NUMBERS], row[FUZZ_LEAVES][NUMBERS];
    fuzz_require(hessian_vector(root, leaves->params, direction, n, product, NULL), "memory for a product");
    fuzz_require(hessian(root, leaves->params, n, rows, NULL), "memory for the Hessian");
    precision = of_double;
    exact_grads(root, leaves, direction, 0, FROM_DATA, grads);
    for (size_t i = 0; i < n; i++) {
        double one[FUZZ_LEAVES] = {0};
        one[i] = 1;
        exact_grads(root, leaves, one, 0, FROM_DATA, row[i]);
        near_require(grads[i].tangent, product[i], leaves->params[i], "Hessian times vector");
        for (size_t j = 0; j < n; j++)
            near_require(row[i][j].tangent, rows[i * n + j], leaves->params[j], "an entry of the Hessian");
    }
    for (size_t i = 0; i < n; i++) {
        Sum sum = {0};
        for (size_t j = 0; j < n; j++) {
            const Near turned = row[j][i].tangent, h = row[i][j].tangent;
            sum_add(&sum, near_mul(near_exactly(direction[j]), (Near){rows[j * n + i], turned.e}));
            near_require(near_settle(rows[j * n + i], turned.e + h.e), rows[i * n + j], leaves->params[j], "symmetry");
        }
        const Near combined = sum_near(&sum), whole = grads[i].tangent;
        near_require(near_settle(combined.x, combined.e + whole.e), product[i], leaves->params[i], "Σ of columns");
    }
}

/* Reverse over reverse: the gradient as nodes, and Σ direction·gradient walked back. What rounding may do to it is
 * bounded in its own graph, from the leaves on; a formula that loses digits has a constant that puts them back, or up
 * to 4·DBL_EPSILON = 8u of it are left as they are. */
static void check_gradient_nodes(Value *root, const FuzzLeaves *leaves, const double *direction)
{
    const size_t n = leaves->param_count;
    Value *nodes[FUZZ_LEAVES], *terms[FUZZ_LEAVES];
    Jet want[NUMBERS], got[NUMBERS], grads[NUMBERS];
    fuzz_require(gradient_nodes(root, leaves->params, n, nodes, NULL), "memory for gradients as nodes");
    precision = of_double;
    precision.unit *= 9;
    exact_grads(root, leaves, direction, 0, FROM_DATA, grads);
    exact_grads(root, leaves, direction, 0, FROM_LEAVES, want);
    for (size_t i = 0; i < n; i++) {
        near_require(grads[i].value, nodes[i]->data, nodes[i], "a gradient as a node");
        terms[i] = v_mul(nodes[i], direction[i]);
        leaves->params[i]->grad = 0;
    }
    Value *moving = v_sum(terms, n);
    if (!moving->needs_grad)
        return;
    backward(moving);
    exact_grads(moving, leaves, direction, 0, FROM_LEAVES, got);
    for (size_t i = 0; i < n; i++) {
        const Near a = want[i].tangent, b = got[i].value;
        near_require(b, leaves->params[i]->grad, leaves->params[i], "a gradient of a gradient");
        fuzz_require(a.e == INFINITY || b.e == INFINITY || fabsl(a.x - b.x) <= a.e + b.e,
                     "reverse over reverse is forward over reverse");
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = {data, size};
    if (!exact_is_finer())
        return 0;
    Graph *graph = graph_new();
    double direction[FUZZ_LEAVES];
    const FuzzLeaves leaves = fuzz_leaves(&in, graph);
    fuzz_direction(&in, &leaves, direction);
    Value *root = fuzz_graph(in, &leaves);
    check_hessian(root, &leaves, direction);
    check_by_differences(root, &leaves, direction);
    check_gradient_nodes(root, &leaves, direction);
    graph_free(graph);
    return 0;
}
