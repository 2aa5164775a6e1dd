/* 21_replay.c - Chapter 19 built a graph of the same shape 200,000 times. Why not once?
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
 * The numbers are the same bit for bit: the same operations, in the same order. And with cc -O2 it is faster, though an
 * instruction is read for every sample; exercise 2 fixes that. This is what "compile" and "jit" mean in frameworks:
 * what they do then (fuse, reorder, emit machine code) begins with such a list. The price: an `if` of your C code is
 * not on it. The branch that was taken on the day of recording is replayed for ever (exercise 1).
 *
 * It prints both ways side by side: numbers, counts, and times (a "~": they differ from run to run).
 *
 *     (gdb) break replay
 *     (gdb) run
 *     (gdb) print length                  = 374         places on the tape: 304 params, and 70 nodes of one sample
 *     (gdb) print code[length - 1].op     = OP_MUL      the last one is the loss, d·d, ...
 *     (gdb) print code[length - 1].a[0] == code[length - 1].b[0]    = 1     ... both operands at the same place
 */
#include <string.h>
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

enum { LENGTH_MOST = 512, OPERANDS_MOST = 1024 };
static struct Instruction {
    OpCode op;
    size_t n, *a, *b; /* the places of its operands: a[0 .. n), and b[0 .. n) if the op takes a second one */
} code[LENGTH_MOST];
static size_t operands[OPERANDS_MOST], length;
static double data[LENGTH_MOST], grad[LENGTH_MOST];

/* Write down what root was computed from: all nodes of its graph, so that a node's number is its place. */
static bool record(Value *root)
{
    size_t *next = operands;
    Value **order = graph_topological_order(root, &length);
    bool fits = order != NULL && length <= LENGTH_MOST && length == value_number(root) + 1;
    for (size_t i = 0; fits && i < length; i++) {
        data[i] = order[i]->data;
        code[i] = (struct Instruction){order[i]->op, order[i]->n, next, next + order[i]->n};
        fits = next + value_parent_count(order[i]) <= operands + OPERANDS_MOST;
        for (size_t p = 0; fits && p < value_parent_count(order[i]); p++)
            *next++ = value_number(value_parent(order[i], p));
    }
    memory_free(order);
    return fits;
}

/* Forward through the tape, and back. Gradients of params collect, as in the engine. Returns the value of the root. */
static double replay(void)
{
    for (size_t i = 0; i < length; i++) {
        const struct Instruction *in = &code[i];
        const OpInfo *op = &op_table[in->op];
        double a[OPERANDS_MOST], b[OPERANDS_MOST];
        if (in->op != OP_PARAM)
            grad[i] = i == length - 1; /* the seed; 0 for all others */
        for (size_t k = 0; k < in->n; k++)
            a[k] = data[in->a[k]], b[k] = op->db != NULL ? data[in->b[k]] : 0;
        if (in->n > 0) /* else a leaf */
            data[i] = op->forward != NULL ? op->forward(a[0], b[0]) : op->list_forward(in->n, a, b, 1);
    }
    for (size_t i = length; i-- > 0;) {
        const OpInfo *op = &op_table[code[i].op];
        for (size_t k = 0; k < code[i].n; k++) {
            const size_t a = code[i].a[k], b = op->db != NULL ? code[i].b[k] : a;
            grad[a] += op->da(data[a], data[b], data[i]) * grad[i];
            if (op->db != NULL)
                grad[b] += op->db(data[a], data[b], data[i]) * grad[i];
        }
    }
    return data[length - 1];
}

enum { HIDDEN = 16, PARAMS = HIDDEN * (2 + HIDDEN + 1), SAMPLES = 320, ALL = 50 * SAMPLES };

/* (network(x0, x1) − target)², of 2 → 16 → 16 → 1 without biases. The three numbers: x0, x1 and the target. */
static Value *loss_of(const Matrix w[3], const double in[3])
{
    const Matrix x = matrix_input(w[0].graph, 1, 2, in), target = matrix_input(w[0].graph, 1, 1, in + 2);
    const Matrix h = matrix_map(matmul(matrix_map(matmul(x, w[0]), OP_TANH), w[1]), OP_TANH);
    Value *d = v_sub(matmul(h, w[2]).at[0], target.at[0]);
    return v_mul(d, d);
}

static double ms_since(clock_t start) { return 1000.0 * (double)(clock() - start) / CLOCKS_PER_SEC; }

int main(void)
{
    static double numbers[PARAMS + SAMPLES * 3], built[SAMPLES]; /* where the params start, and three per sample */
    const double *samples = numbers + PARAMS;
    Random random;
    random_seed(&random, 1);
    for (size_t i = 0; i < PARAMS + SAMPLES * 3; i++)
        numbers[i] = random_uniform(&random, -0.5, 0.5);
    Graph *g = graph_new();
    const Matrix params = matrix_param(g, 1, PARAMS, numbers); /* they get the numbers 0 .. PARAMS - 1 */
    const Matrix w[3] = {matrix_from_values(params.at, 2, HIDDEN),
                         matrix_from_values(params.at + 2 * HIDDEN, HIDDEN, HIDDEN),
                         matrix_from_values(params.at + (2 + HIDDEN) * HIDDEN, HIDDEN, 1)};
    const Mark mark = graph_mark(g);
    clock_t start = clock();
    size_t nodes = 0;
    for (size_t i = 0; i < ALL; i++) {
        Value *loss = loss_of(w, samples + i % SAMPLES * 3);
        backward(loss);
        built[i % SAMPLES] = loss->data;
        nodes += graph_node_count(g) - PARAMS;
        graph_release(g, mark);
    }
    const double built_ms = ms_since(start);
    start = clock();
    bool same = record(loss_of(w, samples));
    for (size_t i = 0; same && i < ALL; i++) {
        memcpy(&data[PARAMS], samples + i % SAMPLES * 3, 3 * sizeof *samples); /* the inputs come after the params */
        same = same && replay() == built[i % SAMPLES];
    }
    const double replayed_ms = ms_since(start);
    printf("%d samples, %d params, forward and backward\n\n%26s %14s\n", (int)ALL, (int)PARAMS, "built", "replayed");
    printf("  last loss %14.9f %14.9f\n", built[SAMPLES - 1], data[length - 1]);
    printf("  dw[0]     %14.9f %14.9f\n", params.at[0]->grad, grad[0]);
    printf("  nodes     %14zu %14zu\n", nodes, length - PARAMS);
    printf("  ms                 ~%.1f          ~%.1f\n\n", built_ms, replayed_ms);
    for (size_t p = 0; p < PARAMS; p++) /* the params have the first places */
        same = same && params.at[p]->grad == grad[p];
    claim(same, "all losses and all gradients are the same, bit for bit");
    graph_free(g);
    return all_hold ? 0 : 1;
}

/* Exercises
 * 1. Record f(x) = x->data > 0 ? v_mul(x, x) : v_neg(x) at x = 2, set data[0] to -3, and replay. Why is it 9 and not
 *    3? Then build f of v_max, v_min and v_mul, so that the recording is right for every x.
 * 2. Let 32 samples go side by side: double data[LENGTH_MOST][32], and in each step a loop over these lanes. An
 *    instruction is read once for all 32. How much faster is that, with cc -O2? (Four times is possible.)
 * 3. Print the tape as C code, a line for each instruction: d[5] = tanh(d[4]); and so on. Compile that. How fast is it?
 *
 * Next: there is no next. Write the engine again, from memory: the table, the node, the walk. It is not long.
 */
