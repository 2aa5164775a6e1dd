/* optim.c - a step is one loop over the params; the moments of all of them are one array. */
#include "optim.h"

#include <math.h>
#include <string.h>

#include "memory.h"

struct Optimizer {
    void (*step)(Optimizer *optimizer);
    Value *const *params;
    size_t n;
    double lr; /* the one in use; not those of the settings */
    SGD sgd;
    Adam adam;
    OptimizerState state; /* with room for 2n moments */
};

static void check(const Optimizer *optimizer, const char *caller, Where where)
{
    if (optimizer == NULL)
        misuse(where, "%s: the optimizer is NULL. Check what sgd_new or adam_new returned: NULL without memory.",
               caller);
}

static void check_number(double number, double least, double below, const char *name, Where where)
{
    if (!(number >= least && number < below))
        misuse(where, "optimizer: %s = %g. It must be at least %g and less than %g.", name, number, least, below);
}

static void check_param(const Value *v, size_t i, Where where)
{
    value_check(v, NULL, "optimizer: a param of the list", where);
    if (v->op == OP_PARAM || v->op == OP_FAILED) /* running out of memory is not the caller's bug */
        return;
    char name[VALUE_NAME_SIZE];
    misuse(where, "optimizer: params[%zu] (%s, data %g) is not a param (op %s). Pass only leaves made with v_param.", i,
           value_name(v, name), v->data, op_table[v->op].name);
}

static Optimizer *optimizer_new(Value *const *params, size_t n, Where where)
{
    if (params == NULL || n == 0)
        misuse(where, "optimizer: no params (n = %zu). Pass the params of a network: net->params, net->param_count.",
               n);
    for (size_t i = 0; i < n; i++)
        check_param(params[i], i, where);
    Optimizer *optimizer = memory_alloc(sizeof *optimizer);
    double *moments = memory_alloc_array(n, 2 * sizeof *moments);
    if (optimizer == NULL || moments == NULL) {
        memory_free(optimizer);
        memory_free(moments);
        return NULL;
    }
    memset(moments, 0, 2 * n * sizeof *moments);
    *optimizer = (Optimizer){.params = params, .n = n, .state = {.moments = moments}};
    return optimizer;
}

void optimizer_free(Optimizer *optimizer)
{
    if (optimizer != NULL)
        memory_free(optimizer->state.moments);
    memory_free(optimizer);
}

void optimizer_step_at(Optimizer *optimizer, Where where)
{
    check(optimizer, "optimizer_step", where);
    optimizer->state.steps++;
    optimizer->step(optimizer);
}

void optimizer_zero_grad_at(Optimizer *optimizer, Where where)
{
    check(optimizer, "optimizer_zero_grad", where);
    for (size_t i = 0; i < optimizer->n; i++)
        optimizer->params[i]->grad = 0;
}

double optimizer_lr_at(const Optimizer *optimizer, Where where)
{
    check(optimizer, "optimizer_lr", where);
    return optimizer->lr;
}

void optimizer_set_lr_at(Optimizer *optimizer, double lr, Where where)
{
    check(optimizer, "optimizer_set_lr", where);
    check_number(lr, 0, INFINITY, "lr", where);
    optimizer->lr = lr;
}

double optimizer_clip_norm_at(Optimizer *optimizer, double most, Where where)
{
    check(optimizer, "optimizer_clip_norm", where);
    if (!(most >= 0))
        misuse(where, "optimizer_clip_norm: the largest norm is %g. It must be at least 0.", most);
    double norm = 0;
    for (size_t i = 0; i < optimizer->n; i++)
        norm = hypot(norm, optimizer->params[i]->grad); /* a sum of squares would overflow at grads of 1e155 */
    const double factor = most / (norm + 1e-6);
    for (size_t i = 0; isfinite(norm) && factor < 1 && i < optimizer->n; i++)
        optimizer->params[i]->grad *= factor;
    return norm;
}

OptimizerState *optimizer_state_at(Optimizer *optimizer, Where where)
{
    check(optimizer, "optimizer_state", where);
    return &optimizer->state;
}

/* ---- SGD --------------------------------------------------------------------------------------------------------- */

static void sgd_step(Optimizer *optimizer)
{
    const SGD *sgd = &optimizer->sgd;
    for (size_t i = 0; i < optimizer->n; i++) {
        Value *p = optimizer->params[i];
        double g = p->grad;
        if (sgd->weight_decay != 0)
            g += sgd->weight_decay * p->data;
        if (sgd->momentum != 0) {
            double *v = &optimizer->state.moments[i];
            *v = sgd->momentum * *v + g;
            g = *v;
        }
        p->data -= optimizer->lr * g;
    }
}

Optimizer *sgd_new_at(Value *const *params, size_t n, SGD settings, Where where)
{
    check_number(settings.lr, 0, INFINITY, "lr", where);
    check_number(settings.momentum, 0, 1, "momentum", where);
    check_number(settings.weight_decay, 0, INFINITY, "weight_decay", where);
    Optimizer *optimizer = optimizer_new(params, n, where);
    if (optimizer != NULL) {
        optimizer->step = sgd_step;
        optimizer->sgd = settings;
        optimizer->lr = settings.lr;
        optimizer->state.count = settings.momentum != 0 ? n : 0;
    }
    return optimizer;
}

/* ---- Adam -------------------------------------------------------------------------------------------------------- */

static void adam_step(Optimizer *optimizer)
{
    const Adam *adam = &optimizer->adam;
    /* Both moments start from 0 and are too small at first, by just these factors. */
    const double correction1 = 1 - pow(adam->beta1, (double)optimizer->state.steps);
    const double correction2 = 1 - pow(adam->beta2, (double)optimizer->state.steps);
    for (size_t i = 0; i < optimizer->n; i++) {
        Value *p = optimizer->params[i];
        double *m = &optimizer->state.moments[i], *v = m + optimizer->n;
        const double g = p->grad + adam->weight_decay * p->data;
        *m = adam->beta1 * *m + (1 - adam->beta1) * g;
        *v = adam->beta2 * *v + (1 - adam->beta2) * g * g;
        p->data -= optimizer->lr * (*m / correction1) / (sqrt(*v / correction2) + adam->epsilon);
    }
}

/* In `(Adam){.lr = 0.1}` no β is written, and yet each is there: 0. */
static void check_complete(const Adam *adam, Where where)
{
    const char *zero = adam->beta1 == 0 ? "beta1" : adam->beta2 == 0 ? "beta2" : adam->epsilon == 0 ? "epsilon" : NULL;
    if (zero != NULL && !adam->complete)
        misuse(where,
               "optimizer: %s is 0, or it is missing. Begin with all settings, and change those that should differ: "
               "Adam adam = ADAM(%g);",
               zero, adam->lr);
}

Optimizer *adam_new_at(Value *const *params, size_t n, Adam settings, Where where)
{
    check_complete(&settings, where);
    check_number(settings.lr, 0, INFINITY, "lr", where);
    check_number(settings.beta1, 0, 1, "beta1", where);
    check_number(settings.beta2, 0, 1, "beta2", where);
    check_number(settings.epsilon, 0, INFINITY, "epsilon", where);
    check_number(settings.weight_decay, 0, INFINITY, "weight_decay", where);
    Optimizer *optimizer = optimizer_new(params, n, where);
    if (optimizer != NULL) {
        optimizer->step = adam_step;
        optimizer->adam = settings;
        optimizer->lr = settings.lr;
        optimizer->state.count = 2 * n;
    }
    return optimizer;
}
