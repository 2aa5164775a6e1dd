/* replay_equals.c - a recorded graph of any ops, replayed over many samples by one thread or more, has the bits of
 * define-by-run; what cannot be recorded is refused; and its C code is whole. With STEPGRAD_FUZZ_COMPILE set, that code
 * is compiled too (it takes a second an input), and has the bits of define-by-run. See graphs.h, walk.h, replay.h. */
#define _XOPEN_SOURCE 700 /* mkdtemp */
#include "fuzz.h"

#include <unistd.h>

#include "emit.h"
#include "graphs.h"
#include "replay.h"
#include "walk.h"

enum { SAMPLES = 3 * PROGRAM_BLOCK, ROWS_OF_BYTES = 3 };

/* What define-by-run gives: the loss of each sample, and the products that its walk pushed to params, in their order.
 */
typedef struct Samples {
    size_t count, inputs;
    double rows[SAMPLES * FUZZ_LEAVES], losses[SAMPLES], seed;
    Walk walks[SAMPLES];
} Samples;

static Samples samples;
static Program *program;
static Error error;

/* ---- define-by-run -------------------------------------------------------------------------------------------------
 */

/* A few rows of the bytes, and others beside them, with all their digits: so that the order of a sum shows. */
static void read_rows(FuzzInput *in, const FuzzLeaves *leaves)
{
    const size_t n = samples.inputs = leaves->input_count;
    for (size_t i = 0; i < samples.count * n; i++)
        samples.rows[i] =
            i < ROWS_OF_BYTES * n ? fuzz_number(in) : samples.rows[i - ROWS_OF_BYTES * n] * 0.7 + 0.1 * (double)(i % 7);
}

static Value *build(FuzzInput in, Graph *graph, Mark mark, const FuzzLeaves *leaves, size_t sample)
{
    graph_release(graph, mark);
    for (size_t i = 0; i < samples.inputs; i++)
        leaves->inputs[i]->data = samples.rows[sample * samples.inputs + i];
    return fuzz_graph(in, leaves);
}

/* Which of the params it is; FUZZ_LEAVES: none. */
static size_t param_index(const FuzzLeaves *leaves, const Value *v)
{
    for (size_t i = 0; i < leaves->param_count; i++)
        if (leaves->params[i] == v)
            return i;
    return FUZZ_LEAVES;
}

static void walk_samples(FuzzInput in, Graph *graph, Mark mark, const FuzzLeaves *leaves)
{
    for (size_t s = 0; s < samples.count; s++) {
        Value *root = build(in, graph, mark, leaves, s);
        samples.losses[s] = root->data;
        Walk *walk = &samples.walks[s];
        *walk = walk_new(root);
        walk_back(walk, samples.seed);
        for (WalkTerm *term = walk->terms; term < walk->terms + walk->term_count; term++)
            term->param = param_index(leaves, walk->order[term->parent]);
        fuzz_require(walk->term_count == samples.walks[0].term_count, "all samples have the same graph");
    }
}

/* Adds the gradient of a block in the order of replay.h: use after use, and for each the samples from the last one. */
static void add_block(size_t block, double *grads)
{
    const size_t first = block * PROGRAM_BLOCK, rest = samples.count - first;
    const size_t end = first + (rest < PROGRAM_BLOCK ? rest : PROGRAM_BLOCK);
    for (size_t j = 0; j < samples.walks[0].term_count; j++)
        for (size_t s = end; s-- > first;)
            if (samples.walks[s].terms[j].param < FUZZ_LEAVES)
                grads[samples.walks[s].terms[j].param] += samples.walks[s].terms[j].product;
}

/* With threads each block's gradient is added up apart. */
static void add_all(bool by_threads, size_t params, double *grads)
{
    for (size_t block = (samples.count + PROGRAM_BLOCK - 1) / PROGRAM_BLOCK; block-- > 0;) {
        double apart[FUZZ_LEAVES] = {0};
        add_block(block, by_threads ? apart : grads);
        for (size_t i = 0; by_threads && i < params; i++)
            grads[i] += apart[i];
    }
}

/* ---- replay ------------------------------------------------------------------------------------------------------ */

static void check_replay(const FuzzLeaves *leaves, bool by_threads, const char *what)
{
    double losses[SAMPLES], want[FUZZ_LEAVES];
    for (size_t i = 0; i < leaves->param_count; i++)
        want[i] = leaves->params[i]->grad = 0.375 * (double)i - 0.5;
    program_replay(program, samples.rows, samples.count, samples.seed, losses);
    add_all(by_threads, leaves->param_count, want);
    for (size_t s = 0; s < samples.count; s++)
        fuzz_require(fuzz_same(losses[s], samples.losses[s]), what);
    for (size_t i = 0; i < leaves->param_count; i++)
        fuzz_require(fuzz_same(leaves->params[i]->grad, want[i]), what);
}

/* Brackets of each kind that are closed again, outside comments. */
static void check_text(const char *path)
{
    FILE *file = fopen(path, "r");
    fuzz_require(file != NULL, "the emitted code can be read");
    long round = 0, curly = 0;
    bool comment = false;
    for (int before = 0, c; (c = fgetc(file)) != EOF; before = comment && before == '*' && c == '/' ? 0 : c) {
        comment = comment ? before != '*' || c != '/' : before == '/' && c == '*';
        round += comment ? 0 : (c == '(') - (c == ')');
        curly += comment ? 0 : (c == '{') - (c == '}');
        fuzz_require(round >= 0 && curly >= 0, "no bracket is closed that was not opened");
    }
    fclose(file);
    fuzz_require(round == 0 && curly == 0, "all brackets are closed");
}

static void check_emitted(const FuzzLeaves *leaves)
{
    const char *temporary = getenv("TMPDIR");
    char folder[256], path[300];
    snprintf(folder, sizeof folder, "%s/stepgrad-fuzz-XXXXXX", temporary != NULL ? temporary : "/tmp");
    fuzz_require(mkdtemp(folder) != NULL, "a folder for emitted code");
    snprintf(path, sizeof path, "%s/emitted.c", folder);
    fuzz_require(program_emit(program, path, "emitted", &error), error.message);
    check_text(path);
    if (getenv("STEPGRAD_FUZZ_COMPILE") != NULL) {
        fuzz_require(program_compile(program, path, "engine", &error), error.message);
        check_replay(leaves, false, "emitted code has the bits of define-by-run");
    }
    remove(path), rmdir(folder);
}

static bool has_picked_by_number(Value *root)
{
    size_t count;
    Value **order = graph_topological_order(root, &count);
    bool found = false;
    for (size_t k = 0; k < count; k++)
        found |= order[k]->picked_by_number;
    memory_free(order);
    return found;
}

/* Recorded at the first sample; the last one must give the same program. */
static void check_program(FuzzInput in, Graph *graph, Mark mark, const FuzzLeaves *leaves, size_t threads, bool emit)
{
    Value *root = build(in, graph, mark, leaves, 0);
    program = NULL;
    const bool refused = fuzz_is_misuse(program = program_record(root, leaves->inputs, leaves->input_count, &error));
    fuzz_require(refused == has_picked_by_number(root), "what numbers decided is refused, and nothing else");
    if (refused)
        return;
    fuzz_require(program != NULL, error.message);
    root = build(in, graph, mark, leaves, samples.count - 1);
    fuzz_require(program_agrees(program, root, leaves->inputs, leaves->input_count, &error), error.message);
    walk_samples(in, graph, mark, leaves);
    check_replay(leaves, false, "a replay has the bits of define-by-run");
    fuzz_require(program_use_threads(program, threads), "memory for threads");
    check_replay(leaves, true, "a replay by threads has the bits of define-by-run");
    fuzz_require(program_use_threads(program, 0), "back to one");
    if (emit || getenv("STEPGRAD_FUZZ_COMPILE") != NULL)
        check_emitted(leaves);
    for (size_t s = 0; s < samples.count; s++)
        walk_free(&samples.walks[s]);
    program_free(program);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = {data, size};
    Graph *graph = graph_new();
    const FuzzLeaves leaves = fuzz_leaves(&in, graph);
    samples.seed = fuzz_below(&in, 4) == 0 ? fuzz_number(&in) : 1;
    samples.count = 1 + fuzz_below(&in, fuzz_below(&in, 2) == 0 ? SAMPLES : 3);
    const size_t threads = 1 + fuzz_below(&in, 3);
    const bool emit = fuzz_below(&in, 64) == 1;
    read_rows(&in, &leaves);
    check_program(in, graph, graph_mark(graph), &leaves, threads, emit);
    graph_free(graph);
    return 0;
}
