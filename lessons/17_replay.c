/* 17_replay.c - Chapter 15 built a graph of the same shape 200,000 times. Why not once?
 *
 * New here: define-and-compile. The engine is define-by-run: running C code builds the graph, each time anew. But for
 * each sample it has the same shape; only the numbers differ. So RECORD it once: go through the nodes in topological
 * order and write each down as an instruction, "op, operands by number". Then REPLAY: put in the numbers of the inputs,
 * run through the instructions forward, and once back. No node is built, and nothing is checked again.
 *
 *     number      0  1  2  3    4    5         forward     for i = 0, 1, 2 ...     data[i] = op(data[operands])
 *     op          W  x  b  mul  add  tanh      backward    for i = ..., 2, 1, 0    grad[operand] += derivative·grad[i]
 *     operands             0 1  3 2  4
 *
 * All samples go the same way, so 32 go side by side, each in a lane: an instruction is read once for all of them, and
 * the processor multiplies several lanes at once. The numbers are the same bit for bit: the same operations, in the
 * same order. This is what "compile" or "jit" mean in frameworks; what they do then (fuse, reorder, emit machine code)
 * begins with such a list. The price: an `if` of your C code is not on it. The branch that was taken is replayed for
 * ever.
 *
 * It prints both ways side by side, with counts and times (a "~": they differ from run to run), and a frozen `if`.
 * (Compile it with -O2: without, the compiler leaves the lanes one behind the other, and there is little to see.)
 *
 *     (gdb) break push_lanes
 *     (gdb) run
 *     (gdb) print length                  = 374         places on the tape: 304 params, 70 nodes
 *     (gdb) print in->op                  = OP_MUL      the loss d·d: the last one is the first to push
 *     (gdb) print y[0] > 0 && y[31] > 0   = 1           y[0] is the loss of sample 0, y[31] that of sample 31
 *     (gdb) print g[0]                    = 1           the seed
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

enum { LENGTH_MOST = 512, OPERANDS_MOST = 1024, LANES = 32 };

/* The tape: a node becomes an instruction, and its numbers two rows with a place for each lane. */
static struct Instruction {
    OpCode op;
    size_t n, *a, *b; /* the places of its operands: a[0 .. n), and b[0 .. n) if the op takes a second one */
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
        code[i] = (struct Instruction){order[i]->op, order[i]->n, next, next + order[i]->n};
        fits = next + value_parent_count(order[i]) <= operands + OPERANDS_MOST;
        for (size_t p = 0; fits && p < value_parent_count(order[i]); p++)
            *next++ = value_number(value_parent(order[i], p));
        for (size_t lane = 0; lane < LANES; lane++)
            data[i][lane] = order[i]->data;
    }
    memory_free(order);
    return fits;
}

/* Of dots there are many, so they have loops of their own; all other ops are called from the table. */
static void compute_lanes(const struct Instruction *in, double *y)
{
    const OpInfo *op = &op_table[in->op];
    double sums[2][LANES] = {{0}}; /* of the even and of the odd elements, as dot_forward has them */
    for (size_t k = 0; in->op == OP_DOT && k < in->n; k++)
        for (size_t lane = 0; lane < LANES; lane++)
            sums[k % 2][lane] += data[in->a[k]][lane] * data[in->b[k]][lane];
    for (size_t lane = 0; lane < LANES; lane++)
        y[lane] = in->op == OP_DOT ? sums[0][lane] + sums[1][lane]
                                   : op->forward(data[*in->a][lane], op->db != NULL ? data[*in->b][lane] : 0);
}

static void push_lanes(const struct Instruction *in, const double *y, const double *g)
{
    const OpInfo *op = &op_table[in->op];
    for (size_t k = 0; k < in->n; k++) {
        const size_t a = in->a[k], b = op->db != NULL ? in->b[k] : a;
        for (size_t lane = 0; in->op == OP_DOT && lane < LANES; lane++)
            grad[a][lane] += data[b][lane] * g[lane];
        for (size_t lane = 0; in->op == OP_DOT && lane < LANES; lane++)
            grad[b][lane] += data[a][lane] * g[lane];
        for (size_t lane = 0; in->op != OP_DOT && lane < LANES; lane++) {
            grad[a][lane] += op->da(data[a][lane], data[b][lane], y[lane]) * g[lane];
            grad[b][lane] += op->db != NULL ? op->db(data[a][lane], data[b][lane], y[lane]) * g[lane] : 0;
        }
    }
}

static void replay(void)
{
    for (size_t i = 0; i < length; i++) {
        if (code[i].n > 0) /* not a leaf */
            compute_lanes(&code[i], data[i]);
        for (size_t lane = 0; lane < LANES; lane++)
            grad[i][lane] = i == length - 1; /* the seed, and 0 for all others */
    }
    for (size_t i = length; i-- > 0;)
        push_lanes(&code[i], data[i], grad[i]);
}

enum { HIDDEN = 16, PARAMS = HIDDEN * (2 + HIDDEN + 1), SAMPLES = 320, ALL = 50 * SAMPLES };

/* (network(x0, x1) − target)², of a network 2 → 16 → 16 → 1 without biases. in: x0, x1 and the target. */
static Value *loss_of(const Matrix w[3], const double in[3])
{
    const Matrix x = matrix_input(w[0].graph, 1, 2, in), target = matrix_input(w[0].graph, 1, 1, in + 2);
    const Matrix h1 = matrix_map(matmul(x, w[0]), OP_TANH), h2 = matrix_map(matmul(h1, w[1]), OP_TANH);
    Value *d = v_sub(matmul(h2, w[2]).at[0], target.at[0]);
    return v_mul(d, d);
}

static Value *square_or_minus(Value *x) { return x->data > 0 ? v_mul(x, x) : v_neg(x); }

static double ms_since(clock_t start) { return 1000.0 * (double)(clock() - start) / CLOCKS_PER_SEC; }

int main(void)
{
    static double samples[SAMPLES][3], built[SAMPLES], totals[PARAMS], start_at[PARAMS];
    Random random;
    random_seed(&random, 1);
    for (size_t p = 0; p < PARAMS; p++)
        start_at[p] = random_uniform(&random, -0.5, 0.5);
    for (size_t i = 0; i < SAMPLES * 3; i++)
        samples[i / 3][i % 3] = random_uniform(&random, -1, 1);
    Graph *g = graph_new();
    const Matrix params = matrix_param(g, 1, PARAMS, start_at); /* they get the numbers 0 .. PARAMS - 1 */
    const Matrix w[3] = {matrix_from_values(params.at, 2, HIDDEN),
                         matrix_from_values(params.at + 2 * HIDDEN, HIDDEN, HIDDEN),
                         matrix_from_values(params.at + (2 + HIDDEN) * HIDDEN, HIDDEN, 1)};
    const Mark mark = graph_mark(g);

    clock_t start = clock();
    size_t nodes = 0;
    for (size_t i = 0; i < ALL; i++) {
        Value *loss = loss_of(w, samples[i % SAMPLES]);
        backward(loss);
        built[i % SAMPLES] = loss->data;
        nodes += graph_node_count(g) - PARAMS;
        graph_release(g, mark);
    }
    const double built_ms = ms_since(start);

    start = clock();
    bool same = true;
    if (!record(loss_of(w, samples[0])))
        return 1;
    for (size_t i = 0; i < ALL; i += LANES) {
        for (size_t lane = 0; lane < LANES; lane++)
            for (size_t k = 0; k < 3; k++)
                data[PARAMS + k][lane] = samples[(i + lane) % SAMPLES][k];
        replay();
        for (size_t lane = 0; lane < LANES; lane++)
            same = same && data[length - 1][lane] == built[(i + lane) % SAMPLES];
        for (size_t p = 0; p < PARAMS; p++)
            for (size_t lane = 0; lane < LANES; lane++)
                totals[p] += grad[p][lane];
    }
    const double replayed_ms = ms_since(start);

    printf("%d samples, %d params, forward and backward\n\n%26s %14s\n", (int)ALL, (int)PARAMS, "built", "replayed");
    printf("  last loss %14.9f %14.9f\n", built[SAMPLES - 1], data[length - 1][LANES - 1]);
    printf("  dw[0]     %14.9f %14.9f\n", params.at[0]->grad, totals[0]);
    printf("  nodes     %14zu %14zu\n", nodes, length - PARAMS);
    printf("  ms                 ~%.1f          ~%.1f\n\n", built_ms, replayed_ms);
    for (size_t p = 0; p < PARAMS; p++)
        same = same && params.at[p]->grad == totals[p];
    claim(same, "all losses and all gradients are the same, bit for bit");
    graph_free(g);

    g = graph_new();
    Value *x = v_param(g, 2);
    if (!record(square_or_minus(x)))
        return 1;
    x->data = data[0][0] = -3;
    replay();
    const double anew = square_or_minus(x)->data, frozen = data[length - 1][0];
    printf("\nf(x) = x*x if x > 0, else -x; recorded at x = 2. At x = -3: built anew %g, replayed %g\n", anew, frozen);
    claim(anew == 3 && frozen == 9, "the recording knows only x*x: the `if` was not in the graph");
    graph_free(g);
    return all_hold ? 0 : 1;
}

/* Exercises
 * 1. Set LANES to 1, 4, 8, 64 and watch the time. What is paid per instruction, and what per lane?
 * 2. Write square_or_minus without an `if`, of v_max and v_min, so that the recording is right for every x.
 * 3. Print the tape as C code, a line for each instruction: d[5] = tanh(d[4]); and so on. Compile that. How fast is it?
 *
 * Next: there is no next. Write the engine again, from memory: the table, the node, the walk. It is not long.
 */
