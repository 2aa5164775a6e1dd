/* optim.h - optimizers: how a gradient changes the params.
 *
 *     Optimizer *sgd = sgd_new(net->params, net->param_count, (SGD){.lr = 0.05});
 *     for (each step) {
 *         optimizer_zero_grad(sgd);          // gradients accumulate: forget those of the last step
 *         backward(loss);
 *         optimizer_step(sgd);               // every param a little against its gradient
 *     }
 *     optimizer_free(sgd);                   // before graph_free, which ends the params
 *
 * The gradient points where the loss grows, so a step goes against it: hence the minus sign.
 */
#ifndef STEPGRAD_OPTIM_H
#define STEPGRAD_OPTIM_H

#include "value.h"

/* Stochastic gradient descent, as torch.optim.SGD:
 *     g ← g + weight_decay·p,   v ← momentum·v + g,   p ← p − lr·v      (v starts as the first g) */
typedef struct SGD {
    double lr;           /* learning rate */
    double momentum;     /* 0: none */
    double weight_decay; /* 0: none */
} SGD;

/* Adam (Kingma & Ba 2015, algorithm 1), with L2 weight decay as torch.optim.Adam:
 *     g ← g + weight_decay·p,   m ← β₁m + (1−β₁)g,   v ← β₂v + (1−β₂)g²,
 *     p ← p − lr·(m/(1−β₁ᵗ)) / (√(v/(1−β₂ᵗ)) + ε)
 * A field left 0 takes the paper's value: β₁ 0.9, β₂ 0.999, ε 1e-8. */
typedef struct Adam {
    double lr;
    double beta1, beta2;
    double epsilon;
    double weight_decay;
} Adam;

typedef struct Optimizer Optimizer;

/* An optimizer of the n params of the list, which must live as long as it does; the caller frees it with
 * optimizer_free. NULL when there is no memory. It is a usage error to pass a negative or non-finite learning rate, a
 * momentum or β outside [0, 1), or a list with anything in it that is not a live param. */
#define sgd_new(params, n, settings) sgd_new_at(params, n, settings, HERE)
#define adam_new(params, n, settings) adam_new_at(params, n, settings, HERE)
Optimizer *sgd_new_at(Value *const *params, size_t n, SGD settings, Where where);
Optimizer *adam_new_at(Value *const *params, size_t n, Adam settings, Where where);
void optimizer_free(Optimizer *optimizer);

/* Change every param's data by its grad. The grads stay as they are. */
void optimizer_step(Optimizer *optimizer);

/* Set the grad of every param to 0. */
void optimizer_zero_grad(Optimizer *optimizer);

#endif
