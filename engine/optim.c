/* optim.c - a step is one loop over the params; the moments of all of them are one array. */
#include "optim.h"

#include <math.h>
#include <string.h>

#include "memory.h"

struct Optimizer {
    void (*step)(Optimizer *optimizer);
    Value *const *params;
    size_t n;
    SGD sgd;
    Adam adam;
    unsigned long steps; /* t: steps taken */
    double *first;       /* SGD's velocity v, or Adam's first moment m; n numbers */
    double *second;      /* Adam's second moment v; n numbers */
};

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
    *optimizer = (Optimizer){.params = params, .n = n, .first = moments, .second = moments + n};
    return optimizer;
}

void optimizer_free(Optimizer *optimizer)
{
    if (optimizer != NULL)
        memory_free(optimizer->first); /* second is the other half of it */
    memory_free(optimizer);
}

void optimizer_step(Optimizer *optimizer)
{
    optimizer->steps++;
    optimizer->step(optimizer);
}

void optimizer_zero_grad(Optimizer *optimizer)
{
    for (size_t i = 0; i < optimizer->n; i++)
        optimizer->params[i]->grad = 0;
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
            optimizer->first[i] = sgd->momentum * optimizer->first[i] + g;
            g = optimizer->first[i];
        }
        p->data -= sgd->lr * g;
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
    }
    return optimizer;
}

/* ---- Adam -------------------------------------------------------------------------------------------------------- */

static void adam_step(Optimizer *optimizer)
{
    const Adam *adam = &optimizer->adam;
    /* Both moments start from 0 and are too small at first, by just these factors. */
    const double correction1 = 1 - pow(adam->beta1, (double)optimizer->steps);
    const double correction2 = 1 - pow(adam->beta2, (double)optimizer->steps);
    for (size_t i = 0; i < optimizer->n; i++) {
        Value *p = optimizer->params[i];
        double *m = &optimizer->first[i], *v = &optimizer->second[i];
        const double g = p->grad + adam->weight_decay * p->data;
        *m = adam->beta1 * *m + (1 - adam->beta1) * g;
        *v = adam->beta2 * *v + (1 - adam->beta2) * g * g;
        p->data -= adam->lr * (*m / correction1) / (sqrt(*v / correction2) + adam->epsilon);
    }
}

Optimizer *adam_new_at(Value *const *params, size_t n, Adam settings, Where where)
{
    settings.beta1 = settings.beta1 == 0 ? 0.9 : settings.beta1;
    settings.beta2 = settings.beta2 == 0 ? 0.999 : settings.beta2;
    settings.epsilon = settings.epsilon == 0 ? 1e-8 : settings.epsilon;
    check_number(settings.lr, 0, INFINITY, "lr", where);
    check_number(settings.beta1, 0, 1, "beta1", where);
    check_number(settings.beta2, 0, 1, "beta2", where);
    check_number(settings.epsilon, 0, INFINITY, "epsilon", where);
    check_number(settings.weight_decay, 0, INFINITY, "weight_decay", where);
    Optimizer *optimizer = optimizer_new(params, n, where);
    if (optimizer != NULL) {
        optimizer->step = adam_step;
        optimizer->adam = settings;
    }
    return optimizer;
}
