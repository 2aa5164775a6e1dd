/* one_page.c - the whole engine on one page: values, ops, the reverse walk; and on it a network, its loss, training.
 * `make one_page` trains the network of chapter 19 on two moons, from the same start and to the same losses. */
#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUTS = 2, HIDDEN = 32, CLASSES = 2, ROWS = 1000, BATCH = 64, EPOCHS = 200 };
enum { PARAMS = HIDDEN * (INPUTS + 1) + HIDDEN * (HIDDEN + 1) + CLASSES * (HIDDEN + 1), MOST = 4 * PARAMS };

typedef struct Value {
    double data, grad, local[2]; /* the number, ∂loss/∂this, and ∂this/∂parent for each of the parents */
    struct Value *parent[2];     /* what it was computed from, or NULL */
} Value;
static Value values[MOST], *top = values; /* as they are made: parents before children, and first of all the params */

static Value *make(double data, Value *a, double by_a, Value *b, double by_b)
{
    assert(top < values + MOST); /* a row needs a mul and an add for each param, and less for all the rest */
    *top = (Value){data, 0, {by_a, by_b}, {a, b}};
    return top++;
}
static Value *leaf(double data) { return make(data, NULL, 0, NULL, 0); }
static Value *add(Value *a, Value *b) { return make(a->data + b->data, a, 1, b, 1); }
static Value *sub(Value *a, Value *b) { return make(a->data - b->data, a, 1, b, -1); }
static Value *mul(Value *a, Value *b) { return make(a->data * b->data, a, b->data, b, a->data); }
static Value *exp_of(Value *a) { return make(exp(a->data), a, exp(a->data), NULL, 0); }
static Value *log_of(Value *a) { return make(log(a->data), a, 1 / a->data, NULL, 0); }
static Value *tanh_of(Value *a) { return make(tanh(a->data), a, 1 / pow(cosh(a->data), 2), NULL, 0); } /* 1 − tanh² */

/* The newest first: when the turn of v comes, its grad is complete, and v passes it on. (values[0] is a leaf.) */
static void backward(Value *root, double seed)
{
    root->grad = seed;
    for (Value *v = root; v > values; v--)
        for (int i = 0; i < 2 && v->parent[i] != NULL; i++)
            v->parent[i]->grad += v->local[i] * v->grad;
}

/* Neurons: y[j] = activation(Σ w[j][i]·x[i] + b[j]). Returns where the params of the next layer begin. */
static Value *layer(Value *w, Value **x, int inputs, Value **y, int outputs, Value *(*activation)(Value *))
{
    Value *b = w + outputs * inputs;
    for (int j = 0; j < outputs; j++) {
        y[j] = &b[j];
        for (int i = 0; i < inputs; i++)
            y[j] = add(y[j], mul(w++, x[i]));
        y[j] = activation != NULL ? activation(y[j]) : y[j];
    }
    return b + outputs;
}

/* The cross-entropy of a row x0, x1, label. No exponent is above 0: z − m, m the largest, has the same softmax as z. */
static Value *loss_of(const double *row)
{
    Value *x[] = {leaf(row[0]), leaf(row[1])}, *h1[HIDDEN], *h2[HIDDEN], *z[CLASSES];
    Value *w2 = layer(values, x, INPUTS, h1, HIDDEN, tanh_of), *w3 = layer(w2, h1, HIDDEN, h2, HIDDEN, tanh_of);
    layer(w3, h2, HIDDEN, z, CLASSES, NULL);
    Value *m = leaf(fmax(z[0]->data, z[1]->data)), *sum = leaf(0);
    for (int k = 0; k < CLASSES; k++)
        sum = add(sum, exp_of(sub(z[k], m)));
    return sub(log_of(sum), sub(z[row[2] == 1], m)); /* −log softmax(z)[label] */
}

int main(void)
{
    static double rows[ROWS][3];
    FILE *weights = fopen("lessons/data/moons/init.txt", "r"), *data = fopen("lessons/data/moons/data.csv", "r");
    if (weights == NULL || data == NULL)
        return perror("lessons/data/moons/init.txt or data.csv (run this from the top folder)"), 1;
    for (char word[64]; fscanf(weights, "%63s", word) == 1;)
        if (strstr(word, "0x") != NULL) /* the weights are hex floats, and nothing else is */
            leaf(strtod(word, NULL));
    for (int i = 0; i < ROWS; i++)
        if ((i == 0 && fscanf(data, "x0,x1,label") != 0) || top != values + PARAMS ||
            fscanf(data, "%lf,%lf,%lf", &rows[i][0], &rows[i][1], &rows[i][2]) != 3)
            return fprintf(stderr, "lessons/data/moons/init.txt or data.csv is not as it was\n"), 1;
    for (int epoch = 1; epoch <= EPOCHS; epoch++) {
        double loss_sum = 0, right = 0;
        for (int first = 0; first < ROWS; first += BATCH) {
            const int end = first + BATCH < ROWS ? first + BATCH : ROWS;
            for (int i = first; i < end; i++, top = values + PARAMS) { /* only the params live on */
                Value *loss = loss_of(rows[i]);
                backward(loss, 1.0 / (end - first));
                loss_sum += loss->data, right += loss->data < log(2); /* then its class has more than one half */
            }
            for (Value *p = values; p < values + PARAMS; p++)
                p->data -= 0.05 * p->grad, p->grad = 0;
        }
        if (epoch % 20 == 0)
            printf("epoch %3d  loss %.4f  accuracy %.3f\n", epoch, loss_sum / ROWS, right / ROWS);
    }
}
