/* 21_replay.c - Chapter 19 built a graph of the same shape 200,000 times. Why not once?
 *
 * New here: define-and-compile. So far the engine was define-by-run: running C code builds the graph, each time anew.
 * But for each sample it has the same shape; only the numbers differ. So RECORD it once: go through the nodes in
 * topological order and write each down as an instruction, "op, operands by number". Then REPLAY: put in the numbers of
 * the inputs, run through the instructions forward, and once back. No node is built, and nothing is checked again.
 *
 *     number      0  1  2  3    4    5         forward     for i = 0, 1, 2 ...     data[i] = op(data[operands])
 *     op          W  x  b  mul  add  tanh      backward    for i = ..., 2, 1, 0    grad[operand] += derivative·grad[i]
 *     operands             0 1  3 2  4
 *
 * That is a tape: `record` and `replay` below. The engine's Program (engine/replay.h) does each instruction for 32
 * samples, in 32 lanes side by side: several by one machine instruction. Its numbers are define-by-run's bit for bit:
 * the same operations, and gradients added in the same order, the last sample first, as in a walk back. The price: what
 * C code decides is frozen. An `if` is not on the tape; the branch taken when recording is replayed for ever.
 * PyTorch is define-by-run too; TensorFlow 1 wanted the graph first. jax.jit, tf.function and torch.compile trace: your
 * function runs once, with stand-ins for the numbers, and what it did is compiled. At an `if` on a number JAX stops
 * with an error, tf.function makes it an op, torch.compile cuts the graph in two; torch.jit.trace freezes it, as we do.
 * Is it faster? A machine is shared, and caches are cold at first: so all take turns, and the median (middle) ratio
 * counts. `make bench`, chapter 19, C without a graph = 1: engine 2.4, program 1.2 (vmath 0.4), NumPy 0.9, PyTorch 2.2.
 *
 * It prints times by turn (after a "~": they differ from run to run), and what a frozen `if` gives. To play with:
 *     build/draw 'd=tanh(w0*x0+w1*x1)-t; y=d*d' w0=0.5 w1=-1 x0=1 x1=0.25 t=1 --html build/lessons/21/recorded.html
 *
 * Predict, before you run it:
 *     1. How many times faster than building is the tape, and how many is the program: 2, 10, or 100?
 *     2. f(x) is x*x if x > 0, else -x. Recorded at x = 2, what does it give at -3, and which slope?
 *
 *     (gdb) break run_block                in the engine: what the program does with a block of samples
 *     (gdb) run
 *     (gdb) print count            = 16    2000 samples are 62 blocks of 32, and one of 16; the last one comes first
 */
#include <string.h>
#include <time.h>

#include "replay.h"
#include "stepgrad.h"

static bool all_hold = true;

/* What a chapter says, it checks: print the claim, and remember if it does not hold. */
static void claim(bool holds, const char *text)
{
    printf("%s %s\n", holds ? "ok    " : "FAILED", text);
    all_hold = all_hold && holds;
}

enum { PARAMS = 100, SAMPLES = 2000, LENGTH_MOST = 1000 };
static OpCode code[LENGTH_MOST];
static size_t operands[LENGTH_MOST][2]; /* their places; the second stays 0 where there is none */
static double data[LENGTH_MOST], grad[LENGTH_MOST];
static size_t length;

/* Write down what root was computed from, by ops of one or two operands: all nodes, each at the place of its number. */
static void record(Value *root)
{
    Value **order = graph_topological_order(root, &length);
    for (size_t i = 0; order != NULL && i < length && i < LENGTH_MOST; i++) {
        data[i] = order[i]->data;
        code[i] = order[i]->op;
        for (size_t k = 0; k < value_parent_count(order[i]); k++)
            operands[i][k] = value_number(value_parent(order[i], k));
    }
    memory_free(order);
}

/* Forward through the tape, and back. Gradients of params collect, as in the engine. Returns the value of the root. */
static double replay(void)
{
    for (size_t i = 0; i < length; i++) {
        const OpInfo *op = &op_table[code[i]];
        if (op->forward == NULL)
            continue; /* a leaf */
        data[i] = op->forward(data[operands[i][0]], data[operands[i][1]]);
        grad[i] = i == length - 1; /* the seed; 0 for all others */
    }
    for (size_t i = length; i-- > 0;) {
        const OpInfo *op = &op_table[code[i]];
        const size_t a = operands[i][0], b = operands[i][1];
        if (op->da != NULL)
            grad[a] += op->da(data[a], data[b], data[i]) * grad[i];
        if (op->db != NULL)
            grad[b] += op->db(data[a], data[b], data[i]) * grad[i];
    }
    return data[length - 1];
}

/* (tanh(w·x) − target)², a neuron and its loss. The target follows the inputs. */
static Value *loss_of(Value **w, Value **x)
{
    Value *z = v_mul(w[0], x[0]);
    for (size_t i = 1; i < PARAMS; i++)
        z = v_add(z, v_mul(w[i], x[i]));
    Value *d = v_sub(v_tanh(z), x[PARAMS]);
    return v_mul(d, d);
}

static Value *f(Value *x) { return x->data > 0 ? v_mul(x, x) : v_neg(x); }

int main(void)
{
    static double rows[SAMPLES][PARAMS + 1], built[SAMPLES], replayed[SAMPLES], y;
    Value *w[PARAMS], *same_w[PARAMS];
    Error error = {""};
    bool same = true;
    Graph *g = graph_new(), *h = graph_new();
    for (size_t i = 0; i < PARAMS; i++) /* any numbers will do; they get the places 0 .. PARAMS - 1 */
        w[i] = v_param(g, 0.2 * sin((double)i)), same_w[i] = v_param(h, w[i]->data);
    for (size_t i = 0; i < SAMPLES * (PARAMS + 1); i++)
        rows[i / (PARAMS + 1)][i % (PARAMS + 1)] = cos((double)(i * i));
    const Mark mark = graph_mark(g);
    record(loss_of(w, v_inputs(g, rows[0], PARAMS + 1)));
    Value **x = v_inputs(h, rows[0], PARAMS + 1); /* a graph of the program's own: its gradients collect apart */
    Program *program = program_record(loss_of(same_w, x), x, PARAMS + 1, &error);
    puts("  turn      built       tape    program    built/tape  built/program");
    for (int turn = 1; turn <= 5; turn++) {
        const double ms = 1000.0 / CLOCKS_PER_SEC, start = ms * (double)clock();
        for (size_t i = SAMPLES; i-- > 0; graph_release(g, mark)) {
            Value *loss = loss_of(w, v_inputs(g, rows[i], PARAMS + 1));
            backward(loss);
            built[i] = loss->data;
        }
        const double second = ms * (double)clock();
        for (size_t i = SAMPLES; i-- > 0; same = same && replay() == built[i])
            memcpy(data + PARAMS, rows[i], sizeof rows[i]); /* the inputs follow the params */
        const double third = ms * (double)clock();
        program_replay(program, rows[0], SAMPLES, 1, replayed);
        const double a = second - start, b = third - second, c = ms * (double)clock() - third;
        printf("%6d   ~%.2f ms   ~%.2f ms   ~%.2f ms         ~%.1f           ~%.1f\n", turn, a, b, c, a / b, a / c);
        same = same && memcmp(replayed, built, sizeof built) == 0;
    }
    for (size_t p = 0; p < PARAMS; p++)
        same = same && w[p]->grad == grad[p] && same_w[p]->grad == grad[p];
    claim(same, "all three ways have the same losses and gradients, bit for bit\n");
    Value *u = v_label(v_param(h, 2), "x");
    Program *frozen = program_record(f(u), NULL, 0, &error);
    u->data = -3;
    program_replay(frozen, NULL, 1, 1, &y);
    printf("f, recorded at 2, gives %g at -3, and slope %g; built there it is %g\n", y, u->grad, f(u)->data);
    claim(!program_agrees(frozen, f(u), NULL, 0, &error), error.message);
    program_free(frozen);
    program_free(program);
    graph_free(h);
    graph_free(g);
    return all_hold ? 0 : 1;
}

/* Exercises
 * 1. Build f of v_max, v_min and v_mul, so that the recording is right for every x.
 * 2. Let f be the cross_entropy of two logits, x and 0. Why does recording it stop, and what can be recorded?
 * 3. Print the tape as C code, a line for each instruction: d[5] = tanh(d[4]); and so on. Compile that. How fast is it?
 * 4. Let the program use vmath, and z be a v_dot (without the tape). What is faster then, and are the bits the same?
 *
 * Next: the gradient is a function too. (And the engine fits on a page: one_page.c.)   -> 22_second_derivatives.c
 */
