/* 23_gpt.c - What is inside a language model, and can an engine of scalars train one?
 *
 * New here: attention. A language model says what comes next. This one reads a name letter by letter and gives each of
 * 27 tokens, 26 letters and the edge of a name, a probability; the loss is cross-entropy (14). It is a GPT, but small:
 *   embedding  Each token has a vector of 16 params, and so has each place. Their sum says "an e, in third place".
 *   RMS norm   x / √(mean x² + 1e-5) gives all vectors one length. Else sums grow, or shrink, layer by layer (18).
 *   attention  Three matrices make of each place's vector a query, what it asks for; a key, what it is found by; a
 *              value, what it tells. It hears Σ weight·value, with weights softmax(query·key / √d). Why √d? A dot of d
 *              products of size 1 has size √d, and softmax of large numbers saturates: no gradient comes back.
 *              The 16 columns are four heads of d = 4: four questions at once.
 *   causal     A place hears of itself and of those before it, for what comes after is what it must guess.
 *   MLP        Then each place for itself: 16 → 64 → relu → 16. At the end, logits: a score for each token.
 *   residual   x + f(x): a block only adds to x, and a sum hands its gradient on undiminished, down to the embedding.
 *   Adam       p ← p − lr·m/√v: m, v are means of the last gradients and of their squares. All params move about lr.
 * Attention to two places, by one column:
 *     build/draw 'e=exp(q*k1); f=exp(q*k2); y=(e*v1+f*v2)/(e+f)' q=1 k1=2 k2=0 v1=3 v2=1 --html build/lessons/23/y.html
 *
 * It prints losses, what a head looks at, and names. python3 lessons/23_gpt.py build/lessons/23 asks PyTorch as well.
 *
 * Predict, before you run it:
 *     1. What is the loss of a model that has learnt nothing?
 *     2. What does the first place of a name look at, and what gradient does its query get?
 *     3. Will there be real names among those that it makes up?
 *
 *     (gdb) break gradcheck_at
 *     (gdb) run
 *     (gdb) print looks[0][0].at[0]->a->a->a->a->a->grad   = 0     what reaches a query of the first place
 */
#include <string.h>

#include "stepgrad.h"

static bool all_hold = true;

/* What a chapter says, it checks: print the claim, and remember if it does not hold. */
static void claim(bool holds, const char *text)
{
    printf("%s %s\n", holds ? "ok    " : "FAILED", text);
    all_hold = all_hold && holds;
}

enum { WIDTH = 16, HEADS = 4, D = WIDTH / HEADS, CONTEXT = 16, EDGE = 26, TOKENS = 27, NAMES = 8403, STEPS = 1000 };
enum { TOKEN, PLACE, QUERY, KEY, VALUE, HEARD, UP, DOWN, LOGITS, MATRICES }; /* a row per token, place or neuron */
static const size_t rows[MATRICES] = {TOKENS, CONTEXT, WIDTH, WIDTH, WIDTH, WIDTH, 4 * WIDTH, WIDTH, TOKENS};
static Matrix w[MATRICES], looks[HEADS][CONTEXT]; /* the params; the attention of the last forward pass */

static Matrix normalize(Matrix x)
{
    return matrix_div(x, matrix_map(matrix_add(matrix_div(matrix_row_dots(x, x), WIDTH), 1e-5), OP_SQRT));
}

static Matrix attention(Matrix query, Matrix key, Matrix value)
{
    Value *heard[CONTEXT * WIDTH];
    for (size_t place = 0; place < query.rows; place++)
        for (size_t h = 0; h < HEADS; h++) {
            const Matrix q = matrix_slice(query, place, 1, h * D, D);
            const Matrix k = matrix_slice(key, 0, place + 1, h * D, D), v = matrix_slice(value, 0, place + 1, h * D, D);
            looks[h][place] = matrix_row_softmax(matrix_div(matmul_transposed(q, k), sqrt(D)));
            const Matrix found = matmul(looks[h][place], v);
            for (size_t i = 0; i < D; i++)
                heard[place * WIDTH + h * D + i] = matrix_at(found, 0, i);
        }
    return matrix_from_values(heard, query.rows, WIDTH);
}

/* For each of n tokens a row of logits: what may come next. */
static Matrix forward(const int *tokens, size_t n)
{
    Matrix x = normalize(matrix_add(matrix_rows(w[TOKEN], tokens, n), matrix_slice(w[PLACE], 0, n, 0, WIDTH)));
    const Matrix y = normalize(x), query = matmul_transposed(y, w[QUERY]), key = matmul_transposed(y, w[KEY]);
    const Matrix heard = attention(query, key, matmul_transposed(y, w[VALUE]));
    x = matrix_add(x, matmul_transposed(heard, w[HEARD]));
    x = matrix_add(x, matmul_transposed(matrix_map(matmul_transposed(normalize(x), w[UP]), OP_RELU), w[DOWN]));
    return matmul_transposed(x, w[LOGITS]);
}

/* It reads EDGE e m m a, and is to say e m m a EDGE. */
static Value *loss_of(const char *name)
{
    const size_t n = strlen(name) + 1;
    int tokens[CONTEXT + 1] = {EDGE};
    for (size_t i = 1; i <= n; i++)
        tokens[i] = i < n ? name[i - 1] - 'a' : EDGE;
    return mean_cross_entropy(forward(tokens, n), tokens + 1);
}

/* Token by token, each drawn by its probability; a temperature below 1 makes the likely likelier. */
static void make_up(char *name, double temperature, Random *random)
{
    int tokens[CONTEXT] = {EDGE};
    double p[TOKENS];
    for (size_t n = 1; n < CONTEXT && (n == 1 || tokens[n - 1] != EDGE); n++) {
        matrix_get_data(matrix_row_softmax(matrix_div(matrix_row(forward(tokens, n), n - 1), temperature)), p);
        tokens[n] = (int)random_choice(random, p, TOKENS);
        name[n - 1] = tokens[n] == EDGE ? '\0' : (char)('a' + tokens[n]);
    }
}

int main(int argc, char **argv)
{
    static char names[NAMES][CONTEXT], name[CONTEXT], path[2][1024];
    size_t n, known = 0;
    double sum = 0;
    Random random;
    GradCheck report;
    Error error;
    FILE *file = fopen("lessons/data/names/names.txt", "r");
    for (size_t i = 0; i < NAMES; i++)
        if (file == NULL || fscanf(file, "%15s", names[i]) != 1 || ferror(file))
            return perror("lessons/data/names/names.txt of 8403 names (start this in the top folder)"), 1;
    fclose(file);
    Graph *g = graph_new();
    random_seed(&random, 42);
    for (size_t i = 0; i < MATRICES; i++)
        w[i] = matrix_param_normal(g, rows[i], i == DOWN ? 4 * WIDTH : WIDTH, 0.08, &random);
    Value **params = graph_params(g, &n);
    const Mark mark = graph_mark(g);
    Value *loss = loss_of("isabella");
    backward(loss);
    printf("isabella: loss %.3f, %zu params, %zu nodes\n", loss->data, n, graph_node_count(g) - n);
    claim(fabs(loss->data - log(TOKENS)) < 0.3, "knowing nothing costs about log 27 = 3.3: all tokens are alike");
    claim(gradcheck_some(loss, 20, &report, &error), "nudging finds the same gradients for 20 of the params");
    if (argc > 1) { /* a file of params holds numbers; here, for once, gradients */
        snprintf(path[0], sizeof path[0], "%s/weights.txt", argv[1]);
        snprintf(path[1], sizeof path[1], "%s/gradients.txt", argv[1]);
        bool ok = params_save(params, n, path[0], &error);
        for (size_t i = 0; ok && i < n; i++)
            params[i]->data = params[i]->grad;
        if (!ok || !params_save(params, n, path[1], &error) || !params_load(params, n, path[0], &error))
            return fprintf(stderr, "%s\n", error.message), 1;
    }
    Optimizer *adam = adam_new(params, n, ADAM(0.01));
    for (int step = 1; step <= STEPS; step++) {
        optimizer_set_lr(adam, 0.01 * (STEPS - step) / STEPS); /* ever smaller steps, to settle */
        loss = loss_of(names[random_below(&random, NAMES)]);
        optimizer_zero_grad(adam);
        backward(loss);
        optimizer_step(adam);
        sum = step % 100 == 1 ? loss->data : sum + loss->data;
        graph_release(g, mark);
        if (step % 100 == 0)
            printf("%6d names read: loss %.3f, the mean of 100\n", step, sum / 100);
    }
    claim(sum / 100 <= 2.4, "it learns: the next token costs 2.4 or less");
    printf("\nWhat the third head looks at in anna, from the edge (.) on\n       .    a    n    n    a");
    loss_of("anna");
    for (size_t i = 0; i < 5; i++)
        for (size_t j = 0; j <= i; j++)
            printf("%s%5.2f", j > 0 ? "" : (char[]){'\n', ' ', ' ', ".anna"[i], 0}, looks[2][i].at[j]->data);
    puts("\n\nNames that it makes up");
    for (size_t i = 0; i < 20; i++) {
        make_up(name, 0.5, &random);
        graph_release(g, mark);
        printf(" %s%s", name, i % 10 == 9 ? "\n" : "");
        for (size_t k = 0; k < NAMES; k++)
            known += strcmp(name, names[k]) == 0;
    }
    printf("%zu of these 20 are in the file\n", known);
    optimizer_free(adam);
    graph_free(g);
    return all_hold ? 0 : 1;
}

/* Exercises
 * 1. Multiply by √d where attention divides. What are the weights of a head then, and the last loss?
 * 2. Leave the places out of the embedding. What does a place then not know of the letters before it? See the names.
 * 3. Make names up at temperature 0.1, and at 2. What is wrong with each?
 * 4. Replayed (21), one name a step would use one lane of 32. Record it, and replay 32 names of 7 letters. How fast?
 */
