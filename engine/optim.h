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
 * ADAM(lr) has the paper's values, β₁ 0.9, β₂ 0.999, ε 1e-8, and no weight decay. For others, begin with it too:
 *     Adam adam = ADAM(0.0002);
 *     adam.beta1 = 0;
 *     Optimizer *optimizer = adam_new(params, n, adam); */
typedef struct Adam {
    double lr;
    double beta1, beta2;
    double epsilon;
    double weight_decay;
    bool complete; /* set by ADAM: a β or ε of 0 is meant. Without it, that is a usage error: it may be missing */
} Adam;

#define ADAM(rate) ((Adam){.lr = (rate), .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8, .complete = true})

typedef struct Optimizer Optimizer;

/* An optimizer of the n params of the list, which must live as long as it does; the caller frees it with
 * optimizer_free. NULL when there is no memory. It is a usage error to pass a negative or non-finite learning rate, a
 * momentum or β outside [0, 1), or a list with anything in it that is not a live param; and NULL for the optimizer to
 * any function but optimizer_free.
 *     sgd_new(Value *const *params, size_t n, SGD settings)
 *     adam_new(Value *const *params, size_t n, Adam settings) */
#define sgd_new(...) sgd_new_at(__VA_ARGS__, HERE)
#define adam_new(...) adam_new_at(__VA_ARGS__, HERE)
void optimizer_free(Optimizer *optimizer);

/* Change every param's data by its grad. The grads stay as they are. */
#define optimizer_step(...) optimizer_step_at(__VA_ARGS__, HERE)

/* Set the grad of every param to 0. */
#define optimizer_zero_grad(...) optimizer_zero_grad_at(__VA_ARGS__, HERE)

/* The learning rate, and optimizer_set_lr(optimizer, lr) to change it: the moments stay as they are. */
#define optimizer_lr(...) optimizer_lr_at(__VA_ARGS__, HERE)
#define optimizer_set_lr(...) optimizer_set_lr_at(__VA_ARGS__, HERE)

/* optimizer_clip_norm(optimizer, most), between backward and the step: where the norm of all grads together, √Σg², is
 * larger than `most`, shorten them to it, g ← g·most/(norm + 1e-6), as torch.nn.utils.clip_grad_norm_. Returns the norm
 * as it was before. One that is not finite (a grad is not, or √Σg² is too large for a double) leaves all grads as they
 * are: check what is returned before you step. With INFINITY for `most` it measures and no more. */
#define optimizer_clip_norm(...) optimizer_clip_norm_at(__VA_ARGS__, HERE)

/* What an optimizer carries from one step to the next, for a checkpoint (model.h) to write and to set. */
typedef struct OptimizerState {
    size_t steps;    /* t: steps taken */
    double *moments; /* SGD's v of each param, in the order of the list; or Adam's m of each, then its v of each */
    size_t count;    /* numbers in moments: n, 2n with Adam, 0 without momentum */
} OptimizerState;

/* The optimizer's own state, not a copy. */
#define optimizer_state(...) optimizer_state_at(__VA_ARGS__, HERE)

/* ---- behind the macros ------------------------------------------------------------------------------------------- */

Optimizer *sgd_new_at(Value *const *params, size_t n, SGD settings, Where where);
Optimizer *adam_new_at(Value *const *params, size_t n, Adam settings, Where where);
void optimizer_step_at(Optimizer *optimizer, Where where);
void optimizer_zero_grad_at(Optimizer *optimizer, Where where);
double optimizer_lr_at(const Optimizer *optimizer, Where where);
void optimizer_set_lr_at(Optimizer *optimizer, double lr, Where where);
double optimizer_clip_norm_at(Optimizer *optimizer, double most, Where where);
OptimizerState *optimizer_state_at(Optimizer *optimizer, Where where);

#endif
