/* lab.h - what the labs share: the types, and the table of all tasks.
 *
 * Each lab is one file, lab1.c to lab10.c (9 is for the ambitious), and needs no other: do them in any order. Write
 * only into the functions named below; functions of your own that help them must be static. Nothing but the C library
 * is needed.
 */
#ifndef LAB_H
#define LAB_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wunused-parameter" /* a task that is not written yet uses none of them */
#endif

/* Lab 2: a number and its derivative along one direction (its tangent). */
typedef struct Dual {
    double value, tangent;
} Dual;

/* Lab 4: a node of a computation graph. */
typedef struct Node {
    double data;
    double grad;            /* ∂root/∂this, once backward has run */
    int parent_count;       /* 0: a leaf */
    struct Node *parent[2]; /* what it was computed from; in x·x both are x */
    double local[2];        /* ∂this/∂parent[i] */
    bool seen;              /* false at the start; yours to use in task 4.3 */
} Node;

/* Lab 7: a model that is trained. Its two functions are given; you call them. */
typedef struct Model {
    int n; /* params and gradients */
    double *params;
    double *grad;
    double (*forward)(struct Model *model); /* the loss of params as they stand; remembers them for backward */
    void (*backward)(struct Model *model);  /* adds the gradient of that loss to grad */
} Model;

enum { MOST_WIDTH = 16 };          /* labs 7 and 9: no layer has more neurons or inputs, and no query more keys */
enum { HIDDEN = 8, WEIGHTS = 33 }; /* lab 8: 8·2 + 8 + 8 + 1 */

/* Every task begins with a call of it: "not written yet". Remove that when you write the function. */
void not_written(const char *task);

/* X(returns, function, (parameters), id, points, goal): the tasks of each lab. */
#define TASKS_1(X)                                                                                                     \
    X(double, central, (double (*f)(double), double at, double h), "1.1", 1,                                           \
      "the slope of f, by a nudge to both sides")                                                                      \
    X(void, loss_gradient, (double W, double x, double b, double grad[3]), "1.2", 1, "the gradient of L = (W·x + b)²") \
    X(void, jacobian_product, (int m, int k, int n, const double *A, const double *B, double *C), "1.3", 1,            \
      "C = A·B: the chain rule for functions of many variables")

#define TASKS_2(X)                                                                                                     \
    X(Dual, dual_mul, (Dual p, Dual q), "2.1", 1, "p·q, value and tangent")                                            \
    X(Dual, dual_div, (Dual p, Dual q), "2.2", 1, "p/q, value and tangent")                                            \
    X(Dual, dual_tanh, (Dual p), "2.3", 1, "tanh p, value and tangent")

#define TASKS_3(X)                                                                                                     \
    X(void, sub_backward, (double a, double b, double y, double g, double grad[2]), "3.1", 1, "y = a − b, backward")   \
    X(void, mul_backward, (double a, double b, double y, double g, double grad[2]), "3.2", 1, "y = a·b, backward")     \
    X(void, div_backward, (double a, double b, double y, double g, double grad[2]), "3.3", 1, "y = a/b, backward")     \
    X(void, pow_backward, (double a, double b, double y, double g, double grad[2]), "3.4", 1, "y = aᵇ, backward")      \
    X(void, max_backward, (double a, double b, double y, double g, double grad[2]), "3.5", 1,                          \
      "y = max(a, b), backward")                                                                                       \
    X(double, tanh_backward, (double a, double y, double g), "3.6", 1, "y = tanh a, backward")                         \
    X(double, relu_backward, (double a, double y, double g), "3.7", 1, "y = max(a, 0), backward")

#define TASKS_4(X)                                                                                                     \
    X(void, push, (Node * v), "4.1", 2, "push v's gradient to its parents")                                            \
    X(void, backward, (Node * nodes, Node * root), "4.2", 3, "the backward pass: zero, seed, reverse walk")            \
    X(int, topological_order, (Node * root, Node * *order), "4.3", 3, "parents first, without recursion")

#define TASKS_5(X)                                                                                                     \
    X(void, product_dx, (int m, int k, int n, const double *dZ, const double *W, double *dX), "5.1", 2, "dX = dZ·Wᵀ")  \
    X(void, product_dw, (int m, int k, int n, const double *dZ, const double *X, double *dW), "5.2", 2, "dW = Xᵀ·dZ")  \
    X(void, bias_gradient, (int m, int n, const double *dZ, double *db), "5.3", 2, "db of Z + b, b one row")

#define TASKS_6(X)                                                                                                     \
    X(double, logsumexp, (int n, const double *z), "6.1", 2, "log Σ exp zᵢ, without overflow")                         \
    X(void, log_softmax, (int n, const double *z, double *out), "6.2", 1, "zᵢ − log Σ exp z")                          \
    X(void, logits_gradient, (int m, int n, const double *z, const int *label, double *dz), "6.3", 2,                  \
      "the gradient of the mean cross-entropy")

#define TASKS_7(X)                                                                                                     \
    X(double, neuron, (int n, const double *w, const double *x, double b), "7.1", 1, "tanh(w·x + b)")                  \
    X(void, layer_backward,                                                                                            \
      (int n_in, int n_out, const double *W, const double *x, const double *y, const double *dy, double *dW,           \
       double *db, double *dx),                                                                                        \
      "7.2", 2, "y = tanh(W·x + b), backward")                                                                         \
    X(void, mlp_forward, (int layers, const int *size, const double *params, const double *x, double *out), "7.3", 2,  \
      "a network of several layers, forward")                                                                          \
    X(void, sgd_step, (int n, double *params, const double *grad, double *velocity, double lr, double momentum),       \
      "7.4", 2, "a step of gradient descent with momentum")                                                            \
    X(double, train_step, (struct Model * model, double lr), "7.5", 2, "zero, forward, backward, step")

#define TASKS_8(X)                                                                                                     \
    X(void, train_moons, (int n, const double(*x)[2], const int *label, double *weights), "8.1", 4,                    \
      "train a network on two moons")

#define TASKS_9(X)                                                                                                     \
    X(void, attention_weights, (int n, int d, const double *q, const double *K, double *w), "9.1", 2,                  \
      "the weights of attention, softmax(K·q/√d)")                                                                     \
    X(void, attention, (int n, int d, const double *q, const double *K, const double *V, double *y), "9.2", 1,         \
      "the result of attention, Σ w·V")                                                                                \
    X(void, attention_backward,                                                                                        \
      (int n, int d, const double *q, const double *K, const double *V, const double *dy, double *dq, double *dK,      \
       double *dV),                                                                                                    \
      "9.3", 4, "attention, backward")

#define TASKS_10(X)                                                                                                    \
    X(double, softsign_forward, (double a, double b), "10.1", 1, "an op of your own: softsign")                        \
    X(double, softsign_da, (double a, double b, double y), "10.2", 2, "its local derivative")                          \
    X(double, norm_forward, (double a, double b), "10.3", 1, "an op of two operands: the length of (a, b)")            \
    X(double, norm_da, (double a, double b, double y), "10.4", 1, "its local derivative by a")                         \
    X(double, norm_db, (double a, double b, double y), "10.5", 1, "its local derivative by b")

/* Tasks that your teacher added (lab0.c), if there are any. */
#ifdef __has_include
#if __has_include("private.h")
#include "private.h"
#endif
#endif
#ifndef TASKS_0
#define TASKS_0(X)
#endif

#define TASKS(X)                                                                                                       \
    TASKS_1(X)                                                                                                         \
    TASKS_2(X) TASKS_3(X) TASKS_4(X) TASKS_5(X) TASKS_6(X) TASKS_7(X) TASKS_8(X) TASKS_9(X) TASKS_10(X) TASKS_0(X)

#define LAB_DECLARE(returns, function, parameters, id, points, goal) returns function parameters;
TASKS(LAB_DECLARE)

#endif
