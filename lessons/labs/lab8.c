/* lab8.c - everything together: train a network on two moons. */
#include "lab.h"

/* The network: two inputs, HIDDEN neurons with tanh, and one score. Its weights lie in one array:
 * weights[2j] and weights[2j + 1] are those of neuron j for the two inputs; then one bias per neuron; then one weight
 * per neuron for the score; then the bias of the score. A point belongs to class 1 if its score is above 0. */
enum { BIAS = 2 * HIDDEN, TOP = BIAS + HIDDEN, TOP_BIAS = TOP + HIDDEN };

/* Add the gradient of the loss of one point, log(1 + exp(−score)) for class 1 and log(1 + exp(score)) for class 0. */
static void add_gradient(const double *weights, const double x[2], int label, double *grad)
{
    double y[HIDDEN], score = weights[TOP_BIAS];
    for (int j = 0; j < HIDDEN; j++) {
        y[j] = tanh(weights[2 * j] * x[0] + weights[2 * j + 1] * x[1] + weights[BIAS + j]);
        score += weights[TOP + j] * y[j];
    }
    const double d_score = 1 / (1 + exp(-score)) - label; /* sigmoid − onehot */
    grad[TOP_BIAS] += d_score;
    for (int j = 0; j < HIDDEN; j++) {
        const double ds = d_score * weights[TOP + j] * (1 - y[j] * y[j]);
        grad[TOP + j] += d_score * y[j];
        grad[BIAS + j] += ds;
        grad[2 * j] += ds * x[0];
        grad[2 * j + 1] += ds * x[1];
    }
}

/* Task 8.1 (4 points)  Train a network with 2 inputs, HIDDEN = 8 neurons with tanh, and one score.
 *
 * x holds n points, label the class of each, 0 or 1. weights holds WEIGHTS = 33 small random numbers to begin with, and
 * the trained weights when you return. They are laid out as follows: weights[2j] and weights[2j + 1] are those of
 * neuron j for the two inputs (j from 0 to 7); weights[16 + j] is its bias; weights[24 + j] the weight of neuron j in
 * the score; weights[32] the bias of the score. A point belongs to class 1 if its score is above 0. At least 95 of 100
 * points that your function has never seen must be classified correctly, within 10 seconds.
 *
 * Hint: the loss of a point is log(1 + exp(−score)) for class 1 and log(1 + exp(score)) for class 0. Its derivative by
 * the score is sigmoid(score) − label.
 * Hint: from there it is task 7.2, twice: the score's weights, then the neurons. Add up over all points, step, repeat.
 * Hint: a few thousand steps with the mean gradient and a learning rate of 0.5 do it.
 * Chapter: 19_two_moons.c */
void train_moons(int n, const double (*x)[2], const int *label, double *weights)
{
    const int steps = 2000;
    const double lr = 0.5;
    for (int step = 0; step < steps; step++) {
        double grad[WEIGHTS] = {0};
        for (int i = 0; i < n; i++)
            add_gradient(weights, x[i], label[i], grad);
        for (int i = 0; i < WEIGHTS; i++)
            weights[i] -= lr * grad[i] / n;
    }
}
