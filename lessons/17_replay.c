/* 17_replay.c - Chapter 15 built a graph of the same shape 200,000 times. Why not once?
 *
 * New here: define-and-compile. The engine is define-by-run: running C code builds the graph, each time anew. But for
 * each sample it has the same shape, and only the numbers differ. So RECORD it once: go through the nodes in
 * topological order and write down each as an instruction, "op, operands by number". Then REPLAY: put in the numbers of
 * the inputs, run through the instructions forward, and once back. No node is built, and nothing is checked again.
 *
 *     number      0  1  2  3    4    5         forward     for i = 0, 1, 2 ...     data[i] = op(data[operands])
 *     op          W  x  b  mul  add  tanh      backward    for i = ..., 2, 1, 0    grad[operand] += derivative·grad[i]
 *     operands             0 1  3 2  4
 *
 * And since all samples go the same way, several go side by side: each number becomes a row of 32, a lane for each
 * sample, so that reading an instruction is paid once for 32, and the processor multiplies several lanes at once.
 * The numbers are the same, bit for bit: the same operations in the same order. This is what "compile" or "jit" mean in
 * frameworks; what they do then (fuse, reorder, emit machine code) begins with such a list. The price: an `if` of your
 * C code is not in the graph. What was recorded is the branch taken then, and that is what is replayed for ever.
 *
 * It prints what was recorded, both ways with counts and times (a "~": they differ from run to run), and a frozen `if`.
 *
 *     (gdb) break replay_backward
 *     (gdb) run
 *     (gdb) print length                  = 427         numbers on the tape: inputs, params and what they lead to
 *     (gdb) print code[length - 1]        = {op = OP_SUB, ...     the last one is the loss,
 *     (gdb) print data[length - 1][0]     = 0.63...     of sample 0, in lane 0, computed without a Value
 */
#include <time.h>

#include "memory.h"
#include "stepgrad.h"

static bool all_hold = true;

/* What a chapter says, it checks: print the claim, and remember if it does not hold. */
static void claim(bool holds, const char *text)
{
    printf("%s %s\n", holds ? "ok    " : "FAILED", text);
    all_hold = all_hold && holds;
}

/* ---- the tape: instructions and rows of numbers, by place -------------------------------------------------------- */

enum { LENGTH_MOST = 512, OPERANDS_MOST = 1024, LANES = 32 };

static struct Instruction {
    OpCode op;
    bool has_bias;
    size_t n;
    size_t *a, *b; /* the places of a[0 .. n), then of the bias, and from b on those of b[0 .. n) */
} code[LENGTH_MOST];
static size_t operands[OPERANDS_MOST], length;
static double data[LENGTH_MOST][LANES], grad[LENGTH_MOST][LANES];

/* Write down what root was computed from: all nodes of its graph, so that a node's number is its place. */
static bool record(Value *root)
{
    size_t *next = operands;
    Value **order = graph_topological_order(root, &length);
    bool fits = order != NULL && length <= LENGTH_MOST && length == value_number(root) + 1;
    for (size_t i = 0; fits && i < length; i++) {
        const Value *v = order[i];
        fits = next + value_parent_count(v) <= operands + OPERANDS_MOST;
        code[i] = (struct Instruction){v->op, v->has_bias, v->n, next, next + v->n + v->has_bias};
        for (size_t p = 0; fits && p < value_parent_count(v); p++)
            *next++ = value_number(value_parent(v, p));
        for (size_t lane = 0; lane < LANES; lane++)
            data[i][lane] = v->data;
    }
    memory_free(order);
    return fits;
}

/* A dot holds many multiplications, so its inner loops are over the lanes; all other ops are called from the table. */
static void forward(const struct Instruction *in, double *y)
{
    const OpInfo *op = &op_table[in->op];
    double sums[2][LANES] = {{0}}, list[LENGTH_MOST];
    for (size_t k = 0; in->op == OP_DOT && k < in->n; k++) /* as dot_forward: even and odd elements apart */
        for (size_t lane = 0; lane < LANES; lane++)
            sums[k % 2][lane] += data[in->a[k]][lane] * data[in->b[k]][lane];
    for (size_t lane = 0; lane < LANES; lane++) {
        if (in->op == OP_DOT) {
            y[lane] = sums[0][lane] + sums[1][lane] + (in->has_bias ? data[in->a[in->n]][lane] : 0);
        } else if (op->forward != NULL) {
            y[lane] = op->forward(data[in->a[0]][lane], op->db != NULL ? data[in->b[0]][lane] : 0);
        } else {
            for (size_t k = 0; k < in->n; k++)
                list[k] = data[in->a[k]][lane];
            y[lane] = op->list_forward(in->n, list, NULL, 1);
        }
    }
}

static void push(const struct Instruction *in, const double *y, const double *g)
{
    const OpInfo *op = &op_table[in->op];
    for (size_t k = 0; k < in->n; k++) {
        double *grad_a = grad[in->a[k]], *grad_b = op->db != NULL ? grad[in->b[k]] : NULL;
        const double *a = data[in->a[k]], *b = grad_b != NULL ? data[in->b[k]] : NULL;
        for (size_t lane = 0; in->op == OP_DOT && lane < LANES; lane++)
            grad_a[lane] += b[lane] * g[lane];
        for (size_t lane = 0; in->op == OP_DOT && lane < LANES; lane++)
            grad_b[lane] += a[lane] * g[lane];
        for (size_t lane = 0; in->op != OP_DOT && lane < LANES; lane++) {
            grad_a[lane] += op->da(a[lane], b != NULL ? b[lane] : 0, y[lane]) * g[lane];
            if (b != NULL)
                grad_b[lane] += op->db(a[lane], b[lane], y[lane]) * g[lane];
        }
    }
    for (size_t lane = 0; in->has_bias && lane < LANES; lane++)
        grad[in->a[in->n]][lane] += g[lane];
}

/* Both walks of chapter 5, over the tape. */
static void replay(void)
{
    for (size_t i = 0; i < length; i++) {
        if (op_table[code[i].op].shape != LEAF)
            forward(&code[i], data[i]);
        for (size_t lane = 0; lane < LANES; lane++)
            grad[i][lane] = i == length - 1; /* the seed, and 0 for all others */
    }
    for (size_t i = length; i-- > 0;)
        if (op_table[code[i].op].shape != LEAF)
            push(&code[i], data[i], grad[i]);
}

/* ---- what is recorded -------------------------------------------------------------------------------------------- */

/* A sample: x0, x1, and the label as (1, 0) or (0, 1). As an int it would choose a node, and be frozen. */
enum { INPUTS = 4 };
static void sample(const Dataset *moons, size_t i, double numbers[INPUTS])
{
    numbers[0] = dataset_row(moons, i)[0], numbers[1] = dataset_row(moons, i)[1];
    numbers[2] = moons->label[i] == 0, numbers[3] = moons->label[i] == 1;
}

static Value *loss_of(const MLP *net, Value **in)
{
    Value **z = mlp_forward(net, in);
    return v_sub(v_logsumexp(z, 2), v_dot(in + 2, z, 2)); /* cross-entropy: logsumexp(z) − z of the right class */
}

static Value *square_or_minus(Value *x) { return x->data > 0 ? v_mul(x, x) : v_neg(x); }

static double ms_since(clock_t start) { return 1000.0 * (double)(clock() - start) / CLOCKS_PER_SEC; }

int main(void)
{
    enum { SAMPLES = 320, ROUNDS = 50 };
    static double built[SAMPLES], replayed[SAMPLES], totals[LENGTH_MOST], numbers[INPUTS];
    Dataset moons;
    Error error;
    Random random;
    random_seed(&random, 1);
    Graph *g = graph_new();
    MLP *net = mlp_new(g, ((size_t[]){2, 16, 16, 2}), 4, ACTIVATION_TANH);
    if (net == NULL || !dataset_moons(&moons, SAMPLES, 0.2, &random, &error))
        return 1;
    mlp_init(net, INIT_PYTORCH, &random);
    const Mark mark = graph_mark(g);

    size_t nodes = 0;
    clock_t start = clock();
    for (size_t i = 0; i < ROUNDS * SAMPLES; i++) {
        sample(&moons, i % SAMPLES, numbers);
        Value *loss = loss_of(net, v_inputs(g, numbers, INPUTS));
        backward(loss);
        built[i % SAMPLES] = loss->data;
        nodes += graph_node_count(g) - net->param_count;
        graph_release(g, mark);
    }
    const double built_ms = ms_since(start);

    start = clock();
    Value **in = v_inputs(g, numbers, INPUTS);
    const size_t first_input = value_number(in[0]);
    if (!record(loss_of(net, in)))
        return 1;
    const size_t recorded = length - net->param_count;
    for (size_t i = 0; i < ROUNDS * SAMPLES; i += LANES) {
        for (size_t lane = 0; lane < LANES; lane++) {
            sample(&moons, (i + lane) % SAMPLES, numbers);
            for (size_t k = 0; k < INPUTS; k++)
                data[first_input + k][lane] = numbers[k];
        }
        replay();
        for (size_t lane = 0; lane < LANES; lane++)
            replayed[(i + lane) % SAMPLES] = data[length - 1][lane];
        for (size_t p = 0; p < net->param_count; p++) /* params have the first numbers */
            for (size_t lane = 0; lane < LANES; lane++)
                totals[p] += grad[p][lane];
    }
    const double replayed_ms = ms_since(start);

    printf("%d samples, %zu params, forward and backward\n\n", ROUNDS * SAMPLES, net->param_count);
    printf("  %-22s %14s %14s\n", "", "built", "replayed");
    printf("  %-22s %14.9f %14.9f\n", "loss of sample 0", built[0], replayed[0]);
    printf("  d%-21s %14.9f %14.9f\n", net->params[0]->label, net->params[0]->grad, totals[0]);
    printf("  %-22s %14zu %14zu\n", "nodes built", nodes, recorded);
    printf("  %-22s        ~%.1f        ~%.1f\n\n", "ms", built_ms, replayed_ms);
    bool same = true;
    for (size_t i = 0; i < SAMPLES; i++)
        same = same && built[i] == replayed[i];
    for (size_t p = 0; p < net->param_count; p++)
        same = same && net->params[p]->grad == totals[p];
    claim(same, "all losses and all gradients are the same, bit for bit");
    graph_free(g);
    dataset_free(&moons);

    puts("\nf(x) = x*x if x > 0, else -x; recorded at x = 2, replayed at x = -3\n");
    Graph *other = graph_new();
    Value *x = v_param(other, 2);
    if (!record(square_or_minus(x)))
        return 1;
    data[0][0] = -3;
    replay();
    x->data = -3;
    const double now = square_or_minus(x)->data;
    printf("  built anew %g, replayed %g\n", now, data[length - 1][0]);
    claim(now == 3 && data[length - 1][0] == 9, "the recording knows only x*x: the `if` was not in the graph");
    graph_free(other);
    return all_hold ? 0 : 1;
}

/* Exercises
 * 1. Set LANES to 1, 4, 8, 64 and watch the time. What is paid per instruction, and what per lane?
 * 2. Write square_or_minus without an `if`, by v_max, v_mul ..., so that the recording is right for every x.
 * 3. Print the tape as C code: one line for each instruction, such as d[5] = tanh(d[4]). Compile that. How fast is it?
 *
 * This was the last chapter. Write the engine again, from memory: the table, the node, the walk. It is not long.
 */
