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
 * The numbers are the same bit for bit: the same operations in the same order. The price: an `if` of your C code is not
 * on the tape. The branch taken when recording is replayed for ever (exercise 1).
 * PyTorch is define-by-run too; TensorFlow 1 wanted the graph first. jax.jit, tf.function and torch.compile trace: your
 * function runs once, with stand-ins for the numbers, and what it did is fused and compiled. At an `if` on a number JAX
 * stops with an error, tf.function makes it an op, torch.compile a check; only torch.jit.trace freezes it, as we do.
 * Is it faster? One time says little: a machine is shared, and caches are cold at first. So both take turns, each turn
 * gives a ratio, and the middle one (the median) counts. `make bench` does so for chapter 19: there the engine takes
 * about 3 times as long as C without a graph, NumPy 4 and PyTorch 5 (a call costs much, whatever it does).
 *
 * It prints times by turn (after a "~": they differ from run to run), and writes a page that plays the loss for n = 2.
 *
 * Predict, before you run it:
 *     1. How many times faster is replaying than building and walking: less than 3, about 10, or about 100?
 *     2. To how many digits do the gradients of the two ways agree?
 *
 * Build and run: make lesson L=21. In gdb: make gdb L=21, a debug build, in which every variable can be printed.
 *     (gdb) break replay
 *     (gdb) run
 *     (gdb) print length                  = 403         places: 100 params, and 303 nodes of one sample
 *     (gdb) print code[length - 1].op     = OP_MUL      the last one is the loss, d·d
 */
#include <string.h>
#include <time.h>

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

enum { PARAMS = 100, SAMPLES = 2000, LENGTH_MOST = 1000 };
static struct Instruction {
    OpCode op;
    size_t a, b; /* the places of its operands; b is a if the op has one operand */
} code[LENGTH_MOST];
static double data[LENGTH_MOST], grad[LENGTH_MOST];
static size_t length;

/* Write down what root was computed from, by ops of one or two operands: all nodes, each at the place of its number. */
static bool record(Value *root)
{
    Value **order = graph_topological_order(root, &length);
    bool fits = order != NULL && length <= LENGTH_MOST && length == value_number(root) + 1;
    for (size_t i = 0; fits && i < length; i++) {
        const size_t count = value_parent_count(order[i]);
        data[i] = order[i]->data;
        code[i].op = order[i]->op;
        code[i].a = count > 0 ? value_number(value_parent(order[i], 0)) : 0;
        code[i].b = count > 0 ? value_number(value_parent(order[i], count - 1)) : 0;
    }
    memory_free(order);
    return fits;
}

/* Forward through the tape, and back. Gradients of params collect, as in the engine. Returns the value of the root. */
static double replay(void)
{
    for (size_t i = 0; i < length; i++) {
        const OpInfo *op = &op_table[code[i].op];
        if (op->forward != NULL) /* else a leaf */
            data[i] = op->forward(data[code[i].a], data[code[i].b]);
        if (code[i].op != OP_PARAM)
            grad[i] = i == length - 1; /* the seed; 0 for all others */
    }
    for (size_t i = length; i-- > 0;) {
        const OpInfo *op = &op_table[code[i].op];
        const size_t a = code[i].a, b = code[i].b;
        if (op->da != NULL)
            grad[a] += op->da(data[a], data[b], data[i]) * grad[i];
        if (op->db != NULL)
            grad[b] += op->db(data[a], data[b], data[i]) * grad[i];
    }
    return data[length - 1];
}

/* (tanh(w·x) − target)², a neuron and its loss. `in` has n inputs, and the target. */
static Value *loss_of(Graph *g, Value **w, const double *in, size_t n)
{
    Value **x = v_inputs(g, in, n + 1), *z = v_mul(w[0], x[0]);
    for (size_t i = 1; i < n; i++)
        z = v_add(z, v_mul(w[i], x[i]));
    Value *d = v_sub(v_tanh(z), x[n]);
    return v_mul(d, d);
}

int main(int argc, char **argv)
{
    static double samples[SAMPLES][PARAMS + 1], built[SAMPLES];
    Value *w[PARAMS];
    Graph *g = graph_new();
    for (size_t i = 0; i < PARAMS; i++)
        w[i] = v_param(g, 0.2 * sin((double)i)); /* any number will do; they get the places 0 .. PARAMS - 1 */
    for (size_t i = 0; i < SAMPLES * (PARAMS + 1); i++)
        samples[i / (PARAMS + 1)][i % (PARAMS + 1)] = cos((double)(i * i));
    const Mark mark = graph_mark(g);
    bool same = record(loss_of(g, w, samples[0], PARAMS));
    graph_release(g, mark);
    printf("%d samples a turn, forward and backward\n\n  turn       built    replayed   ratio\n", SAMPLES);
    for (int turn = 1; turn <= 5; turn++) {
        const clock_t start = clock();
        for (size_t i = 0; i < SAMPLES; i++) {
            Value *loss = loss_of(g, w, samples[i], PARAMS);
            backward(loss);
            built[i] = loss->data;
            graph_release(g, mark);
        }
        const clock_t middle = clock();
        for (size_t i = 0; i < SAMPLES; i++) {
            memcpy(data + PARAMS, samples[i], sizeof samples[i]); /* the inputs follow the params */
            same = same && replay() == built[i];
        }
        const double ms = 1000.0 / CLOCKS_PER_SEC, one = (double)(middle - start), other = (double)(clock() - middle);
        printf("%6d    ~%.1f ms    ~%.1f ms   ~%.2f\n", turn, ms * one, ms * other, one / other);
    }
    for (size_t p = 0; p < PARAMS; p++)
        same = same && w[p]->grad == grad[p];
    claim(same, "all losses and all gradients are the same, bit for bit");
    if (argc > 1) {
        Error error;
        char path[1024];
        Value *two[] = {v_label(v_param(g, 0.5), "w0"), v_label(v_param(g, -1), "w1")};
        snprintf(path, sizeof path, "%s/recorded.html", argv[1]);
        if (!player_write(loss_of(g, two, (double[]){1, 0.25, 1}, 2), path, NULL, &error))
            claim(false, error.message);
    }
    graph_free(g);
    return all_hold ? 0 : 1;
}

/* Exercises
 * 1. Record f(x) = x->data > 0 ? v_mul(x, x) : v_neg(x) at x = 2, set data[0] to -3, and replay. Why is it 9 and not
 *    3? Then build f of v_max, v_min and v_mul, so that the recording is right for every x.
 * 2. Let 32 samples go side by side, data[LENGTH_MOST][32], with a loop over these lanes for each op. How much faster?
 * 3. Print the tape as C code, a line for each instruction: d[5] = tanh(d[4]); and so on. Compile that. How fast is it?
 *
 * Next: the gradient is a function too. (And the engine fits on a page: one_page.c.)   -> 22_second_derivatives.c
 */
