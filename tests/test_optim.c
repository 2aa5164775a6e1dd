/* test_optim.c - SGD and Adam, step by step against PyTorch. */
#include <criterion/criterion.h>
#include <float.h>
#include <math.h>
#include <signal.h>
#include <string.h>

#include "caught.h"
#include "graph.h"
#include "no_memory.h"
#include "optim.h"

enum { PARAMS = 3, STEPS = 4 };

static Graph *g;
static Value *params[PARAMS];
static const double start[PARAMS] = {1.5, -0.75, 0.125};

static void make_params(void)
{
    g = graph_new();
    for (size_t i = 0; i < PARAMS; i++)
        params[i] = v_param(g, start[i]);
}

static void close_graph(void) { graph_free(g); }

TestSuite(optim, .init = make_params, .fini = close_graph);

/* ---- against PyTorch ------------------------------------------------------------------------------------------------
 * The numbers come from PyTorch 1.13:
 *     import torch
 *     torch.set_default_dtype(torch.float64)
 *     start, rate = [1.5, -0.75, 0.125], [1.0, -2.0, 4.0]
 *     def run(optimizer, p):                 # p = torch.tensor(start, requires_grad=True)
 *         for t in range(4):
 *             p.grad = torch.tensor([r * (t - 1.25) + x for r, x in zip(rate, p.tolist())])
 *             optimizer.step()
 *             print([x.hex() for x in p.tolist()])
 * with the optimizers that the tests name: torch.optim.SGD([p], lr=0.1, momentum=0.9, weight_decay=0.01) and so on. */

/* Gradients that depend on the place and on the step, and change their sign on the way. */
static void set_gradients(int step)
{
    static const double rate[PARAMS] = {1, -2, 4};
    for (size_t i = 0; i < PARAMS; i++)
        params[i]->grad = rate[i] * (step - 1.25) + params[i]->data;
}

/* Each step rounds about ten times, numbers below 8 in SGD (gradients reach 7); PyTorch groups Adam's quotient
 * differently. A step adds lr times that, so four of them are within 4·0.1·10·8·2⁻⁵³ = 3.6e-15 for certain; 1e-15, some
 * three times what is seen, still shows a changed formula. */
static const double BOUND = 1e-15;

static void expect_steps(Optimizer *optimizer, const double want[STEPS][PARAMS])
{
    for (int t = 0; t < STEPS; t++) {
        set_gradients(t);
        optimizer_step(optimizer);
        for (size_t i = 0; i < PARAMS; i++)
            cr_expect(fabs(params[i]->data - want[t][i]) <= BOUND, "step %d, param %zu: got %.17g, want %.17g", t + 1,
                      i, params[i]->data, want[t][i]);
    }
    optimizer_free(optimizer);
}

Test(optim, sgd_takes_the_steps_that_pytorch_takes)
{
    static const double want[STEPS][PARAMS] = {
        {0x1.799999999999ap+0, -0x1.d99999999999ap-1, 0x1.399999999999ap-1},
        {0x1.5a3d70a3d70a4p+0, -0x1.c3d70a3d70a3ep-1, 0x1.4d70a3d70a3d7p-1},
        {0x1.246a7ef9db22dp+0, -0x1.49db22d0e5604p-1, 0x1.24fdf3b645a1cp-2},
        {0x1.b4bfb15b573ebp-1, -0x1.d6ae7d566cf42p-3, -0x1.c51b71758e21bp-2},
    };
    expect_steps(sgd_new(params, PARAMS, (SGD){.lr = 0.1}), want);
}

Test(optim, sgd_with_momentum_takes_the_steps_that_pytorch_takes)
{
    static const double want[STEPS][PARAMS] = {
        {0x1.799999999999ap+0, -0x1.d99999999999ap-1, 0x1.399999999999ap-1},
        {0x1.547ae147ae148p+0, -0x1.0a3d70a3d70a4p+0, 0x1.170a3d70a3d71p+0},
        {0x1.fba5e353f7ceep-1, -0x1.c76c8b4395811p-1, 0x1.1c5a1cac08313p+0},
        {0x1.a69ad42c3c9efp-2, -0x1.42a9930be0deep-2, 0x1.45fd8adab9f58p-2},
    };
    expect_steps(sgd_new(params, PARAMS, ((SGD){.lr = 0.1, .momentum = 0.9})), want);
}

Test(optim, sgd_with_weight_decay_takes_the_steps_that_pytorch_takes)
{
    static const double want[STEPS][PARAMS] = {
        {0x1.79374bc6a7efap+0, -0x1.d9374bc6a7efap-1, 0x1.3989374bc6a7fp-1},
        {0x1.5984662bae03bp+0, -0x1.c3056c508b32dp-1, 0x1.4d11a11233df3p-1},
        {0x1.236b81bd48ba1p+0, -0x1.48ab04f576fedp-1, 0x1.23a866b9d0fa3p-2},
        {0x1.b25f8155de693p-1, -0x1.d1171d18945adp-3, -0x1.c69980d55dfc4p-2},
    };
    expect_steps(sgd_new(params, PARAMS, ((SGD){.lr = 0.1, .weight_decay = 0.01})), want);
}

Test(optim, sgd_with_both_takes_the_steps_that_pytorch_takes)
{
    static const double want[STEPS][PARAMS] = {
        {0x1.79374bc6a7efap+0, -0x1.d9374bc6a7efap-1, 0x1.3989374bc6a7fp-1},
        {0x1.53695d91ab8e9p+0, -0x1.09a8650e77921p+0, 0x1.16d35c9e66880p+0},
        {0x1.f7d0677f1dcafp-1, -0x1.c524701b5fc6cp-1, 0x1.1bb7531d2ad5ap+0},
        {0x1.9ba42fd1f1b7ap-2, -0x1.3ba358b594221p-2, 0x1.410c828430b14p-2},
    };
    expect_steps(sgd_new(params, PARAMS, ((SGD){.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01})), want);
}

Test(optim, adam_takes_the_steps_that_pytorch_takes)
{
    static const double want[STEPS][PARAMS] = {
        {0x1.6666667794724p+0, -0x1.b333332e4a9d8p-1, 0x1.ccccccc5c0792p-3},
        {0x1.50246d9043a73p+0, -0x1.cd5d5224d35d3p-1, 0x1.3621af29c9132p-2},
        {0x1.3969ed22f14c2p+0, -0x1.bf2993c492efcp-1, 0x1.44f003ed43a19p-2},
        {0x1.222c33b79181ap+0, -0x1.a0089c215dd7bp-1, 0x1.1e59b2dcf42bfp-2},
    };
    expect_steps(adam_new(params, PARAMS, (Adam){.lr = 0.1}), want);
}

/* betas=(0.5, 0.75), eps=0.01, weight_decay=0.1 */
Test(optim, adam_with_every_setting_takes_the_steps_that_pytorch_takes)
{
    static const double want[STEPS][PARAMS] = {
        {0x1.67063e7063e70p+0, -0x1.b2e569972b4ccp-1, 0x1.cc6132d50c7a7p-3},
        {0x1.4e16d7e23d4c5p+0, -0x1.bed064971febbp-1, 0x1.29330a5288e02p-2},
        {0x1.33e2c817e2d70p+0, -0x1.9af7419590048p-1, 0x1.0a65015515986p-2},
        {0x1.18a691a6449afp+0, -0x1.69638872e0060p-1, 0x1.67391aa67e211p-3},
    };
    const Adam all = {.lr = 0.1, .beta1 = 0.5, .beta2 = 0.75, .epsilon = 0.01, .weight_decay = 0.1};
    expect_steps(adam_new(params, PARAMS, all), want);
}

/* ---- steps ------------------------------------------------------------------------------------------------------- */

Test(optim, a_step_goes_against_the_gradient_and_leaves_the_gradient)
{
    Optimizer *sgd = sgd_new(params, PARAMS, (SGD){.lr = 0.5});
    set_gradients(0);
    const double grad = params[1]->grad;
    cr_assert_gt(grad, 0, "the gradient is %g", grad);
    optimizer_step(sgd);
    cr_expect_eq(params[1]->data, start[1] - 0.5 * grad, "got %g, want %g", params[1]->data, start[1] - 0.5 * grad);
    cr_expect_eq(params[1]->grad, grad, "the gradient changed from %g to %g", grad, params[1]->grad);
    optimizer_free(sgd);
}

Test(optim, zero_grad_forgets_the_gradients_and_nothing_else)
{
    Optimizer *sgd = sgd_new(params, PARAMS, (SGD){.lr = 0.5});
    Value *outside = v_param(g, 7);
    set_gradients(0);
    outside->grad = 3;
    optimizer_zero_grad(sgd);
    for (size_t i = 0; i < PARAMS; i++)
        cr_expect(params[i]->grad == 0 && params[i]->data == start[i], "param %zu: grad %g, data %g", i,
                  params[i]->grad, params[i]->data);
    cr_expect_eq(outside->grad, 3, "a param that is not in the list has grad %g, want 3", outside->grad);
    optimizer_free(sgd);
}

/* The first step of Adam is lr·sign(g), whatever the size of the gradient, as long as epsilon is small beside it. */
Test(optim, the_first_step_of_adam_does_not_depend_on_the_size_of_the_gradient)
{
    Optimizer *adam = adam_new(params, PARAMS, (Adam){.lr = 0.25});
    const double grads[PARAMS] = {1e100, -1e-3, 42};
    for (size_t i = 0; i < PARAMS; i++)
        params[i]->grad = grads[i];
    optimizer_step(adam);
    for (size_t i = 0; i < PARAMS; i++) {
        const double want = start[i] - copysign(0.25, grads[i]);
        /* ε beside |g| = 1e-3 shortens the step by 1e-5 of itself */
        cr_expect(fabs(params[i]->data - want) <= 0.25 * 1.01e-5, "grad %g: got %.17g, want %.17g", grads[i],
                  params[i]->data, want);
    }
    optimizer_free(adam);
}

Test(optim, a_param_without_gradient_stays_where_it_is)
{
    Optimizer *both[] = {sgd_new(params, PARAMS, ((SGD){.lr = 0.1, .momentum = 0.9})),
                         adam_new(params, PARAMS, (Adam){.lr = 0.1})};
    for (size_t k = 0; k < 2; k++) {
        for (int t = 0; t < STEPS; t++) {
            set_gradients(t);
            params[2]->grad = 0;
            optimizer_step(both[k]);
        }
        cr_expect_eq(params[2]->data, start[2], "optimizer %zu moved it to %g", k, params[2]->data);
        cr_expect_neq(params[0]->data, start[0], "optimizer %zu did not move a param that has a gradient", k);
        optimizer_free(both[k]);
    }
}

Test(optim, a_learning_rate_of_0_is_allowed_and_changes_nothing)
{
    Optimizer *sgd = sgd_new(params, PARAMS, (SGD){.lr = 0});
    set_gradients(0);
    optimizer_step(sgd);
    for (size_t i = 0; i < PARAMS; i++)
        cr_expect_eq(params[i]->data, start[i], "param %zu is %g, want %g", i, params[i]->data, start[i]);
    optimizer_free(sgd);
}

/* ---- misuse ------------------------------------------------------------------------------------------------------ */

Test(optim, settings_out_of_range_are_named_with_their_value)
{
    MUST_BE_MISUSE(sgd_new(params, PARAMS, (SGD){.lr = -0.1}), "optimizer: lr = -0.1. It must be at least 0");
    MUST_BE_MISUSE(sgd_new(params, PARAMS, (SGD){.lr = NAN}), "optimizer: lr = nan");
    MUST_BE_MISUSE(sgd_new(params, PARAMS, (SGD){.lr = INFINITY}), "optimizer: lr = inf");
    MUST_BE_MISUSE(sgd_new(params, PARAMS, ((SGD){.lr = 1, .momentum = 1})), "momentum = 1. It must be at");
    MUST_BE_MISUSE(sgd_new(params, PARAMS, ((SGD){.lr = 1, .momentum = -0.5})), "optimizer: momentum = -0.5");
    MUST_BE_MISUSE(sgd_new(params, PARAMS, ((SGD){.lr = 1, .weight_decay = -1})), "optimizer: weight_decay = -1");
    MUST_BE_MISUSE(adam_new(params, PARAMS, (Adam){.lr = -1}), "optimizer: lr = -1");
    MUST_BE_MISUSE(adam_new(params, PARAMS, ((Adam){.lr = 1, .beta1 = 1})), "optimizer: beta1 = 1");
    MUST_BE_MISUSE(adam_new(params, PARAMS, ((Adam){.lr = 1, .beta2 = 1.5})), "optimizer: beta2 = 1.5");
    MUST_BE_MISUSE(adam_new(params, PARAMS, ((Adam){.lr = 1, .epsilon = -1})), "optimizer: epsilon = -1");
    MUST_BE_MISUSE(adam_new(params, PARAMS, ((Adam){.lr = 1, .weight_decay = NAN})), "optimizer: weight_decay = nan");
}

Test(optim, a_list_without_params_is_misuse)
{
    static Value *with_a_hole[2], *kept[1];
    with_a_hole[0] = params[0];
    MUST_BE_MISUSE(sgd_new(NULL, 3, (SGD){.lr = 1}), "optimizer: no params (n = 3).");
    MUST_BE_MISUSE(adam_new(params, 0, (Adam){.lr = 1}), "optimizer: no params (n = 0).");
    MUST_BE_MISUSE(sgd_new(with_a_hole, 2, (SGD){.lr = 1}), "optimizer: a param of the list is NULL");
    const Mark mark = graph_mark(g);
    kept[0] = v_param(g, 1);
    graph_release(g, mark);
    MUST_BE_MISUSE(adam_new(kept, 1, (Adam){.lr = 1}), "optimizer: a param of the list was released");
}

/* A step would move the data, and leave what was computed from it as it is. */
Test(optim, a_list_with_a_node_that_is_no_param_is_misuse)
{
    static Value *list[2];
    list[0] = params[0];
    list[1] = v_label(v_input(g, 0.5), "x");
    MUST_BE_MISUSE(sgd_new(list, 2, (SGD){.lr = 1}), "optimizer: params[1] (x, data 0.5) is not a param (op input).");
    list[1] = v_label(v_mul(params[0], params[1]), "y");
    MUST_BE_MISUSE(adam_new(list, 2, (Adam){.lr = 1}), "is not a param (op mul).");
}

Test(optim, misuse_aborts_by_default, .signal = SIGABRT) { sgd_new(params, PARAMS, (SGD){.lr = -1}); }

/* ---- no memory --------------------------------------------------------------------------------------------------- */

Test(optim, each_allocation_that_fails_gives_null_and_a_step_makes_none)
{
    size_t failures = 0;
    for (Optimizer *optimizer = NULL; optimizer == NULL; failures++) {
        memory_lasts(failures);
        optimizer =
            failures % 2 == 0 ? sgd_new(params, PARAMS, (SGD){.lr = 1}) : adam_new(params, PARAMS, (Adam){.lr = 1});
        cr_expect(optimizer != NULL || failures < 2, "two allocations should do");
        memory_lasts(SIZE_MAX);
        if (optimizer != NULL)
            optimizer_step(optimizer);
        cr_expect_eq(allocations, 0, "a step made %zu allocations", allocations);
        optimizer_free(optimizer);
    }
    memory_restore();
    cr_assert_gt(failures, 1, "no allocation was made to fail");
    optimizer_free(NULL);
}
