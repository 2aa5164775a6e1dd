/* tape.c - see tape.h. */
#include "tape.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

enum { WIDTH = TAPE_WIDTH, D = TAPE_WIDTH / TAPE_HEADS, MOST = 1 << 18 };
typedef enum Op { LEAF, ADD, MUL, MULADD, DIV, EXP, LOG, RELU, MINUS, SCALE, ROOT } Op;

static double data[MOST], grad[MOST], scalar[MOST];
static uint32_t left[MOST], right[MOST], third[MOST];
static uint8_t op[MOST];
static uint32_t size;
static double first_moment[TAPE_PARAMS], second_moment[TAPE_PARAMS];
static int steps;

static inline uint32_t push(Op code, double y, uint32_t a, uint32_t b, uint32_t c)
{
    data[size] = y;
    op[size] = code;
    left[size] = a;
    right[size] = b;
    third[size] = c;
    return size++;
}

static inline uint32_t add(uint32_t a, uint32_t b) { return push(ADD, data[a] + data[b], a, b, 0); }
static inline uint32_t mul(uint32_t a, uint32_t b) { return push(MUL, data[a] * data[b], a, b, 0); }
static inline uint32_t divide(uint32_t a, uint32_t b) { return push(DIV, data[a] / data[b], a, b, 0); }
static inline uint32_t muladd(uint32_t a, uint32_t b, uint32_t c)
{
    return push(MULADD, data[a] * data[b] + data[c], a, b, c);
}

/* a·k, a number */
static inline uint32_t scale(uint32_t a, double k)
{
    scalar[size] = k;
    return push(SCALE, data[a] * k, a, 0, 0);
}

/* ---- backward ---------------------------------------------------------------------------------------------------- */

static void backward(uint32_t root)
{
    memset(grad, 0, (root + 1) * sizeof *grad);
    grad[root] = 1;
    for (uint32_t i = root; i >= TAPE_PARAMS; i--) {
        const double g = grad[i];
        const uint32_t a = left[i], b = right[i];
        switch ((Op)op[i]) {
        case LEAF: break;
        case ADD:
            grad[a] += g;
            grad[b] += g;
            break;
        case MULADD: grad[third[i]] += g; /* fall through */
        case MUL:
            grad[a] += g * data[b];
            grad[b] += g * data[a];
            break;
        case DIV:
            grad[a] += g / data[b];
            grad[b] -= g * data[i] / data[b];
            break;
        case EXP: grad[a] += g * data[i]; break;
        case LOG: grad[a] += g / data[a]; break;
        case RELU: grad[a] += data[a] > 0 ? g : 0; break;
        case MINUS: grad[a] += g; break; /* a number was subtracted */
        case SCALE: grad[a] += g * scalar[i]; break;
        case ROOT: grad[a] -= 0.5 * g * data[i] / (data[a] + 1e-5); break; /* 1/√(a + 1e-5) */
        }
    }
}

/* ---- the model --------------------------------------------------------------------------------------------------- */

static void linear(uint32_t *y, const uint32_t *x, uint32_t w, int outputs, int inputs)
{
    for (int i = 0; i < outputs; i++, w += (uint32_t)inputs) {
        uint32_t sum = mul(w, x[0]);
        for (int j = 1; j < inputs; j++)
            sum = muladd(w + (uint32_t)j, x[j], sum);
        y[i] = sum;
    }
}

static void softmax(uint32_t *p, const uint32_t *z, int n)
{
    double largest = data[z[0]];
    for (int i = 1; i < n; i++)
        largest = fmax(largest, data[z[i]]);
    for (int i = 0; i < n; i++) {
        const uint32_t shifted = push(MINUS, data[z[i]] - largest, z[i], 0, 0);
        p[i] = push(EXP, exp(data[shifted]), shifted, 0, 0);
    }
    uint32_t total = p[0];
    for (int i = 1; i < n; i++)
        total = add(total, p[i]);
    for (int i = 0; i < n; i++)
        p[i] = divide(p[i], total);
}

static void normalize(uint32_t *y, const uint32_t *x)
{
    uint32_t sum = mul(x[0], x[0]);
    for (int i = 1; i < WIDTH; i++)
        sum = muladd(x[i], x[i], sum);
    const uint32_t mean = scale(sum, 1.0 / WIDTH);
    const uint32_t root = push(ROOT, 1 / sqrt(data[mean] + 1e-5), mean, 0, 0);
    for (int i = 0; i < WIDTH; i++)
        y[i] = mul(x[i], root);
}

/* Where the matrices begin. */
enum {
    TOKEN = 0,
    PLACE = TOKEN + TAPE_TOKENS * WIDTH,
    QUERY = PLACE + TAPE_CONTEXT * WIDTH,
    KEY = QUERY + WIDTH * WIDTH,
    VALUE = KEY + WIDTH * WIDTH,
    HEARD = VALUE + WIDTH * WIDTH,
    UP = HEARD + WIDTH * WIDTH,
    DOWN = UP + 4 * WIDTH * WIDTH,
    LOGITS = DOWN + 4 * WIDTH * WIDTH
};

static uint32_t keys[TAPE_CONTEXT][WIDTH], values[TAPE_CONTEXT][WIDTH];

static void attention(uint32_t *heard, const uint32_t *query, int place)
{
    uint32_t scores[TAPE_CONTEXT], weights[TAPE_CONTEXT];
    for (int h = 0; h < WIDTH; h += D) {
        for (int t = 0; t <= place; t++) {
            uint32_t sum = mul(query[h], keys[t][h]);
            for (int j = 1; j < D; j++)
                sum = muladd(query[h + j], keys[t][h + j], sum);
            scores[t] = scale(sum, 1 / sqrt(D));
        }
        softmax(weights, scores, place + 1);
        for (int j = 0; j < D; j++) {
            uint32_t sum = mul(weights[0], values[0][h + j]);
            for (int t = 1; t <= place; t++)
                sum = muladd(weights[t], values[t][h + j], sum);
            heard[h + j] = sum;
        }
    }
}

static void forward(uint32_t *logits, int token, int place)
{
    uint32_t x[WIDTH], y[WIDTH], query[WIDTH], heard[WIDTH], hidden[4 * WIDTH];
    for (int i = 0; i < WIDTH; i++)
        y[i] = add((uint32_t)(TOKEN + token * WIDTH + i), (uint32_t)(PLACE + place * WIDTH + i));
    normalize(x, y);
    normalize(y, x);
    linear(query, y, QUERY, WIDTH, WIDTH);
    linear(keys[place], y, KEY, WIDTH, WIDTH);
    linear(values[place], y, VALUE, WIDTH, WIDTH);
    attention(heard, query, place);
    linear(y, heard, HEARD, WIDTH, WIDTH);
    for (int i = 0; i < WIDTH; i++)
        x[i] = add(x[i], y[i]);
    normalize(y, x);
    linear(hidden, y, UP, 4 * WIDTH, WIDTH);
    for (int i = 0; i < 4 * WIDTH; i++)
        hidden[i] = push(RELU, fmax(data[hidden[i]], 0), hidden[i], 0, 0);
    linear(y, hidden, DOWN, WIDTH, 4 * WIDTH);
    for (int i = 0; i < WIDTH; i++)
        x[i] = add(x[i], y[i]);
    linear(logits, x, LOGITS, TAPE_TOKENS, WIDTH);
}

/* ---- a step ------------------------------------------------------------------------------------------------------ */

void tape_begin(const double *params)
{
    memcpy(data, params, TAPE_PARAMS * sizeof *params);
    memset(first_moment, 0, sizeof first_moment);
    memset(second_moment, 0, sizeof second_moment);
    steps = 0;
}

static void adam(double lr)
{
    const double correction1 = 1 - pow(0.9, ++steps), correction2 = 1 - pow(0.999, steps);
    for (int i = 0; i < TAPE_PARAMS; i++) {
        first_moment[i] = 0.9 * first_moment[i] + (1 - 0.9) * grad[i];
        second_moment[i] = 0.999 * second_moment[i] + (1 - 0.999) * grad[i] * grad[i];
        data[i] -= lr * (first_moment[i] / correction1) / (sqrt(second_moment[i] / correction2) + 1e-8);
    }
}

double tape_step(const int *tokens, const int *next, int n, double lr)
{
    uint32_t logits[TAPE_TOKENS], p[TAPE_TOKENS], sum = 0;
    size = TAPE_PARAMS;
    for (int i = 0; i < n; i++) {
        forward(logits, tokens[i], i);
        softmax(p, logits, TAPE_TOKENS);
        const uint32_t log_p = push(LOG, log(data[p[next[i]]]), p[next[i]], 0, 0);
        sum = i == 0 ? log_p : add(sum, log_p);
    }
    const uint32_t loss = scale(sum, -1.0 / n);
    backward(loss);
    adam(lr);
    return data[loss];
}
