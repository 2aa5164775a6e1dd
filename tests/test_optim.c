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
static const double BOUND = 1e-15, CERTAIN_BOUND = 3.6e-15;

static void expect_steps_within(double bound, Optimizer *optimizer, const double want[STEPS][PARAMS])
{
    for (int t = 0; t < STEPS; t++) {
        set_gradients(t);
        optimizer_step(optimizer);
        for (size_t i = 0; i < PARAMS; i++)
            cr_expect(fabs(params[i]->data - want[t][i]) <= bound, "step %d, param %zu: got %.17g, want %.17g", t + 1,
                      i, params[i]->data, want[t][i]);
    }
    optimizer_free(optimizer);
}

static void expect_steps(Optimizer *optimizer, const double want[STEPS][PARAMS])
{
    expect_steps_within(BOUND, optimizer, want);
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
    expect_steps(sgd_new(params, PARAMS, (SGD){.lr = 0.1, .momentum = 0.9}), want);
}

Test(optim, sgd_with_weight_decay_takes_the_steps_that_pytorch_takes)
{
    static const double want[STEPS][PARAMS] = {
        {0x1.79374bc6a7efap+0, -0x1.d9374bc6a7efap-1, 0x1.3989374bc6a7fp-1},
        {0x1.5984662bae03bp+0, -0x1.c3056c508b32dp-1, 0x1.4d11a11233df3p-1},
        {0x1.236b81bd48ba1p+0, -0x1.48ab04f576fedp-1, 0x1.23a866b9d0fa3p-2},
        {0x1.b25f8155de693p-1, -0x1.d1171d18945adp-3, -0x1.c69980d55dfc4p-2},
    };
    expect_steps(sgd_new(params, PARAMS, (SGD){.lr = 0.1, .weight_decay = 0.01}), want);
}

Test(optim, sgd_with_both_takes_the_steps_that_pytorch_takes)
{
    static const double want[STEPS][PARAMS] = {
        {0x1.79374bc6a7efap+0, -0x1.d9374bc6a7efap-1, 0x1.3989374bc6a7fp-1},
        {0x1.53695d91ab8e9p+0, -0x1.09a8650e77921p+0, 0x1.16d35c9e66880p+0},
        {0x1.f7d0677f1dcafp-1, -0x1.c524701b5fc6cp-1, 0x1.1bb7531d2ad5ap+0},
        {0x1.9ba42fd1f1b7ap-2, -0x1.3ba358b594221p-2, 0x1.410c828430b14p-2},
    };
    expect_steps(sgd_new(params, PARAMS, (SGD){.lr = 0.1, .momentum = 0.9, .weight_decay = 0.01}), want);
}

Test(optim, adam_takes_the_steps_that_pytorch_takes)
{
    static const double want[STEPS][PARAMS] = {
        {0x1.6666667794724p+0, -0x1.b333332e4a9d8p-1, 0x1.ccccccc5c0792p-3},
        {0x1.50246d9043a73p+0, -0x1.cd5d5224d35d3p-1, 0x1.3621af29c9132p-2},
        {0x1.3969ed22f14c2p+0, -0x1.bf2993c492efcp-1, 0x1.44f003ed43a19p-2},
        {0x1.222c33b79181ap+0, -0x1.a0089c215dd7bp-1, 0x1.1e59b2dcf42bfp-2},
    };
    expect_steps(adam_new(params, PARAMS, ADAM(0.1)), want);
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

/* ---- against the formulas -------------------------------------------------------------------------------------------
 * Here the numbers come from the formulas that the documentation of torch.optim gives, in decimal arithmetic of 80
 * digits (Python's decimal). For ADAM(0.1) they give what PyTorch gives above. */

Test(optim, adam_without_a_first_moment_takes_the_right_steps)
{
    static const double want[STEPS][PARAMS] = {
        {0x1.6666667794724p+0, -0x1.b333332e4a9d8p-1, 0x1.ccccccc5c0793p-3},
        {0x1.43d714312bcd1p+0, -0x1.a4a441aeef8a6p-1, 0x1.fb748000c7810p-3},
        {0x1.1ef53d0d61729p+0, -0x1.5f6030bad1283p-1, 0x1.34a95f2344072p-3},
        {0x1.f25a0b1e7121cp-1, -0x1.0f691ee34e07ap-1, 0x1.025e2871b5bcap-10},
    };
    Adam adam = ADAM(0.1);
    adam.beta1 = 0, adam.beta2 = 0.9;
    expect_steps_within(CERTAIN_BOUND, adam_new(params, PARAMS, adam), want);
}

Test(optim, adam_without_epsilon_takes_the_right_steps)
{
    static const double want[STEPS][PARAMS] = {
        {0x1.6666666666666p+0, -0x1.b333333333333p-1, 0x1.ccccccccccccdp-3},
        {0x1.50246d7a71af5p+0, -0x1.cd5d522cfb2b9p-1, 0x1.3621af311932cp-2},
        {0x1.3969ed0a537d5p+0, -0x1.bf2993cb25ce6p-1, 0x1.44f003f52e18cp-2},
        {0x1.222c339ced898p+0, -0x1.a0089c25e1d27p-1, 0x1.1e59b2e36c3f6p-2},
    };
    Adam adam = ADAM(0.1);
    adam.epsilon = 0;
    expect_steps_within(CERTAIN_BOUND, adam_new(params, PARAMS, adam), want);
}

Test(optim, adam_without_a_second_moment_takes_the_right_steps)
{
    static const double want[STEPS][PARAMS] = {
        {0x1.71c71c71c71c7p+0, -0x1.a6c9b26c9b26dp-1, 0x1.b9a32e68cb9a3p-3},
        {0x1.63e4f8c1e43e5p+0, -0x1.bd9b4b090c93ep-1, 0x1.bbc2030299ec5p-2},
        {0x1.560072b173b4ap+0, -0x1.b295f8a543ba9p-1, 0x1.c5790bfc92330p-2},
        {0x1.47ff520fafd40p+0, -0x1.a06653cbf2883p-1, 0x1.ad00ceb2cea28p-2},
    };
    Adam adam = ADAM(0.1);
    adam.beta2 = 0, adam.epsilon = 0.5, adam.weight_decay = 0.25;
    expect_steps_within(CERTAIN_BOUND, adam_new(params, PARAMS, adam), want);
}

/* One param at 1, with the gradients first, 2·first, 3·first. */
static void expect_place_after_three_steps(Adam settings, double first, double want)
{
    params[0]->data = 1;
    Optimizer *adam = adam_new(params, 1, settings);
    for (int t = 1; t <= 3; t++) {
        params[0]->grad = first * t;
        optimizer_step(adam);
    }
    cr_expect(fabs(params[0]->data - want) <= BOUND, "got %.17g, want %.17g", params[0]->data, want);
    optimizer_free(adam);
}

Test(optim, what_is_0_in_adam_is_0_and_no_default)
{
    Adam gan = ADAM(0.1), exact = ADAM(0.1);
    gan.beta1 = 0, gan.beta2 = 0.9;
    exact.epsilon = 0;
    expect_place_after_three_steps(gan, 0.5, 0.6405974401966749); /* with β₁ 0.9 it would be 0.7119 */
    expect_place_after_three_steps(exact, 1e-9, 0.7076816750079955);
    expect_place_after_three_steps(ADAM(0.1), 1e-9, 0.9607073104151812);
}

/* ---- the learning rate --------------------------------------------------------------------------------------------
 */

static const double rates[STEPS] = {0.1, 0.1, 0.025, 0.5};

static void expect_steps_at_rates(Optimizer *optimizer, const double want[PARAMS], double bound)
{
    for (int t = 0; t < STEPS; t++) {
        optimizer_set_lr(optimizer, rates[t]);
        cr_expect_eq(optimizer_lr(optimizer), rates[t], "the rate is %g", optimizer_lr(optimizer));
        set_gradients(t);
        optimizer_step(optimizer);
    }
    for (size_t i = 0; i < PARAMS; i++)
        cr_expect(fabs(params[i]->data - want[i]) <= bound, "param %zu: got %.17g, want %.17g", i, params[i]->data,
                  want[i]);
    optimizer_free(optimizer);
}

/* As torch with optimizer.param_groups[0]["lr"] = rate before each step; a rate of 0.5 lets more rounding through. */
Test(optim, the_learning_rate_can_change_between_steps_and_the_moments_stay)
{
    static const double want_sgd[PARAMS] = {-0x1.c68b439581063p+0, 0x1.ed126e978d4fep+0, -0x1.6df4bc6a7ef9dp+1};
    static const double want_adam[PARAMS] = {0x1.ad1721e537467p-1, -0x1.2e17549afc01ap-1, 0x1.e445043cf40b7p-4};
    expect_steps_at_rates(sgd_new(params, PARAMS, (SGD){.lr = 7, .momentum = 0.9}), want_sgd, 5 * BOUND);
    for (size_t i = 0; i < PARAMS; i++)
        params[i]->data = start[i];
    expect_steps_at_rates(adam_new(params, PARAMS, ADAM(7)), want_adam, 5 * BOUND);
}

/* ---- the norm of the gradients ------------------------------------------------------------------------------------
 */

/* The norm before, and the grads after; each to a few roundings of its own size. */
static void expect_clipped(const double grads[PARAMS], double most, double want_norm, const double want[PARAMS])
{
    Optimizer *sgd = sgd_new(params, PARAMS, (SGD){.lr = 1});
    for (size_t i = 0; i < PARAMS; i++)
        params[i]->grad = grads[i];
    const double norm = optimizer_clip_norm(sgd, most);
    cr_expect(fabs(norm - want_norm) <= 4 * DBL_EPSILON * want_norm, "norm %a, want %a", norm, want_norm);
    for (size_t i = 0; i < PARAMS; i++)
        cr_expect(fabs(params[i]->grad - want[i]) <= 4 * DBL_EPSILON * fabs(want[i]), "grad %zu: %a, want %a", i,
                  params[i]->grad, want[i]);
    optimizer_free(sgd);
}

Test(optim, gradients_are_clipped_by_their_norm_as_in_pytorch)
{
    expect_clipped((double[]){3, -4, 12}, 1, 13,
                   (double[]){0x1.d89d8776ade33p-3, -0x1.3b13afa473eccp-2, 0x1.d89d8776ade33p-1});
    expect_clipped((double[]){1e-5, 2e-5, -2e-5}, 1e-5, 0x1.f75104d551d6ap-16,
                   (double[]){0x1.b0f5dd9eba02fp-19, 0x1.b0f5dd9eba02fp-18, -0x1.b0f5dd9eba02fp-18});
}

Test(optim, gradients_whose_squares_overflow_or_vanish_are_clipped_too)
{
    expect_clipped((double[]){1e200, -2e200, 2e200}, 6, 3e200, (double[]){2, -4, 4});
    expect_clipped((double[]){0, 0, -1e308}, 0.5, 1e308, (double[]){0, 0, -0.5});
    expect_clipped((double[]){3e-200, 4e-200, 0}, 1e-300, 5e-200, (double[]){0, 0, 0});
}

Test(optim, gradients_that_are_short_enough_stay_as_they_are_to_the_bit)
{
    expect_clipped((double[]){3, -4, 12}, 13.5, 13, (double[]){3, -4, 12});
    expect_clipped((double[]){3e-200, 4e-200, 0}, 1e-3, 5e-200, (double[]){3e-200, 4e-200, 0});
    expect_clipped((double[]){0, 0, 0}, 1, 0, (double[]){0, 0, 0});
}

Test(optim, a_norm_of_0_clips_to_nothing) { expect_clipped((double[]){3, -4, 12}, 0, 13, (double[]){0, 0, 0}); }

/* Scaled by 1/inf they would all be 0, or NaN, and the step would hide what happened. */
Test(optim, gradients_with_a_norm_that_is_not_finite_stay_as_they_are)
{
    static const double cases[][PARAMS] = {{1, INFINITY, 2}, {1, NAN, 2}, {-INFINITY, NAN, 2}, {1.5e308, 1.5e308, 2}};
    Optimizer *sgd = sgd_new(params, PARAMS, (SGD){.lr = 1});
    for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
        for (size_t i = 0; i < PARAMS; i++)
            params[i]->grad = cases[c][i];
        const double norm = optimizer_clip_norm(sgd, 1);
        cr_expect(!isfinite(norm), "case %zu: the norm is %g", c, norm);
        for (size_t i = 0; i < PARAMS; i++)
            cr_expect(memcmp(&params[i]->grad, &cases[c][i], sizeof(double)) == 0, "case %zu: grad %zu is %g", c, i,
                      params[i]->grad);
    }
    optimizer_free(sgd);
}

/* ---- the state ----------------------------------------------------------------------------------------------------
 */

/* Four steps are two, and two more by another optimizer that was given the state of the first. */
static void expect_state_to_be_enough(Optimizer *(*make)(void), size_t count)
{
    double whole[PARAMS];
    Optimizer *first = make(), *second = make(), *all = make();
    for (int part = 0; part < 2; part++) {
        for (size_t i = 0; i < PARAMS; i++)
            params[i]->data = start[i];
        for (int t = 0; t < STEPS; t++) {
            set_gradients(t);
            optimizer_step(part == 0 ? all : t < 2 ? first : second);
            if (t == 1) {
                const OptimizerState *from = optimizer_state(first);
                OptimizerState *to = optimizer_state(second);
                cr_assert(from->count == count && to->count == count, "%zu moments, want %zu", from->count, count);
                memcpy(to->moments, from->moments, count * sizeof(double));
                to->steps = from->steps;
            }
        }
        for (size_t i = 0; i < PARAMS; i++) {
            whole[i] = part == 0 ? params[i]->data : whole[i];
            cr_expect_eq(params[i]->data, whole[i], "param %zu is %a, want %a", i, params[i]->data, whole[i]);
        }
    }
    optimizer_free(first), optimizer_free(second), optimizer_free(all);
}

static Optimizer *make_sgd(void) { return sgd_new(params, PARAMS, (SGD){.lr = 0.1}); }
static Optimizer *make_momentum(void) { return sgd_new(params, PARAMS, (SGD){.lr = 0.1, .momentum = 0.9}); }
static Optimizer *make_adam(void) { return adam_new(params, PARAMS, ADAM(0.1)); }

Test(optim, the_state_is_all_that_an_optimizer_carries_from_step_to_step)
{
    expect_state_to_be_enough(make_sgd, 0);
    expect_state_to_be_enough(make_momentum, PARAMS);
    expect_state_to_be_enough(make_adam, 2 * PARAMS);
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
    Optimizer *adam = adam_new(params, PARAMS, ADAM(0.25));
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
    Optimizer *both[] = {sgd_new(params, PARAMS, (SGD){.lr = 0.1, .momentum = 0.9}),
                         adam_new(params, PARAMS, ADAM(0.1))};
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

#define ADAM_WITH(...) ((Adam){.lr = 1, .complete = true, __VA_ARGS__}) /* clang: each misuse on one line */

Test(optim, settings_out_of_range_are_named_with_their_value)
{
    MUST_BE_MISUSE(sgd_new(params, PARAMS, (SGD){.lr = -0.1}), "optimizer: lr = -0.1. It must be at least 0");
    MUST_BE_MISUSE(sgd_new(params, PARAMS, (SGD){.lr = NAN}), "optimizer: lr = nan");
    MUST_BE_MISUSE(sgd_new(params, PARAMS, (SGD){.lr = INFINITY}), "optimizer: lr = inf");
    MUST_BE_MISUSE(sgd_new(params, PARAMS, (SGD){.lr = 1, .momentum = 1}), "momentum = 1. It must be at");
    MUST_BE_MISUSE(sgd_new(params, PARAMS, (SGD){.lr = 1, .momentum = -0.5}), "optimizer: momentum = -0.5");
    MUST_BE_MISUSE(sgd_new(params, PARAMS, (SGD){.lr = 1, .weight_decay = -1}), "optimizer: weight_decay = -1");
    MUST_BE_MISUSE(adam_new(params, PARAMS, ADAM(-1)), "optimizer: lr = -1");
    MUST_BE_MISUSE(adam_new(params, PARAMS, (Adam){.lr = 1, .complete = true, .beta1 = 1}), "optimizer: beta1 = 1");
    MUST_BE_MISUSE(adam_new(params, PARAMS, (Adam){.lr = 1, .complete = true, .beta2 = 1.5}), "optimizer: beta2 = 1.5");
    MUST_BE_MISUSE(adam_new(params, PARAMS, ADAM_WITH(.epsilon = -1)), "optimizer: epsilon = -1");
    MUST_BE_MISUSE(adam_new(params, PARAMS, ADAM_WITH(.weight_decay = NAN)), "optimizer: weight_decay = nan");
    MUST_BE_MISUSE(sgd_new(params, PARAMS, (SGD){.lr = 1, .weight_decay = INFINITY}), "weight_decay = inf");
    MUST_BE_MISUSE(adam_new(params, PARAMS, ADAM(INFINITY)), "optimizer: lr = inf");
    MUST_BE_MISUSE(adam_new(params, PARAMS, ADAM_WITH(.beta1 = -0.5)), "optimizer: beta1 = -0.5");
    MUST_BE_MISUSE(adam_new(params, PARAMS, ADAM_WITH(.beta2 = -0.5)), "optimizer: beta2 = -0.5");
    MUST_BE_MISUSE(adam_new(params, PARAMS, ADAM_WITH(.beta2 = 1)), "optimizer: beta2 = 1");
    MUST_BE_MISUSE(adam_new(params, PARAMS, ADAM_WITH(.epsilon = INFINITY)), "optimizer: epsilon = inf");
    MUST_BE_MISUSE(adam_new(params, PARAMS, ADAM_WITH(.weight_decay = INFINITY)), "optimizer: weight_decay = inf");
}

Test(optim, settings_may_be_as_large_as_that)
{
    Optimizer *sgd = sgd_new(params, PARAMS, (SGD){.lr = 1e9, .momentum = 0.999, .weight_decay = 1e9});
    Optimizer *adam = adam_new(params, PARAMS,
                               (Adam){.lr = 1e9, .beta1 = 0.999, .beta2 = 0.999, .epsilon = 1e9, .weight_decay = 1e9});
    cr_assert(sgd != NULL && adam != NULL, "refused");
    optimizer_set_lr(sgd, 1e12);
    optimizer_free(sgd);
    optimizer_free(adam);
}

/* C makes what is not written 0, and the engine cannot see whether it was. */
Test(optim, settings_of_adam_that_may_be_incomplete_are_misuse)
{
    MUST_BE_MISUSE(adam_new(params, PARAMS, (Adam){.lr = 0.1}), "beta1 is 0, or it is missing", "= ADAM(0.1)");
    MUST_BE_MISUSE(adam_new(params, PARAMS, (Adam){.lr = 0.1, .beta1 = 0.0, .beta2 = 0.9}), "beta1 is 0");
    MUST_BE_MISUSE(adam_new(params, PARAMS, (Adam){.lr = 0.1, .beta1 = 0.5, .epsilon = 1e-3}), "beta2 is 0");
    MUST_BE_MISUSE(adam_new(params, PARAMS, (Adam){.lr = 0.1, .beta1 = 0.5, .beta2 = 0.9}), "epsilon is 0");
}

Test(optim, a_wrong_learning_rate_or_norm_is_misuse_later_too)
{
    static Optimizer *sgd;
    sgd = sgd_new(params, PARAMS, (SGD){.lr = 1});
    MUST_BE_MISUSE(optimizer_set_lr(sgd, -0.5), "optimizer: lr = -0.5. It must be at least 0");
    MUST_BE_MISUSE(optimizer_set_lr(sgd, NAN), "optimizer: lr = nan");
    MUST_BE_MISUSE(optimizer_set_lr(sgd, INFINITY), "optimizer: lr = inf");
    MUST_BE_MISUSE(optimizer_clip_norm(sgd, -1), "optimizer_clip_norm: the largest norm is -1");
    MUST_BE_MISUSE(optimizer_clip_norm(sgd, NAN), "optimizer_clip_norm: the largest norm is nan");
    optimizer_free(sgd);
}

Test(optim, null_for_an_optimizer_is_misuse_at_the_callers_line)
{
    MUST_BE_MISUSE(optimizer_step(NULL), "optimizer_step: the optimizer is NULL");
    MUST_BE_MISUSE(optimizer_zero_grad(NULL), "optimizer_zero_grad: the optimizer is NULL");
    MUST_BE_MISUSE((optimizer_lr(NULL), 0), "optimizer_lr: the optimizer is NULL");
    MUST_BE_MISUSE(optimizer_set_lr(NULL, 1), "optimizer_set_lr: the optimizer is NULL");
    MUST_BE_MISUSE(optimizer_clip_norm(NULL, 1), "optimizer_clip_norm: the optimizer is NULL");
    MUST_BE_MISUSE(optimizer_state(NULL), "optimizer_state: the optimizer is NULL");
}

Test(optim, a_list_without_params_is_misuse)
{
    static Value *with_a_hole[2], *kept[1];
    with_a_hole[0] = params[0];
    MUST_BE_MISUSE(sgd_new(NULL, 3, (SGD){.lr = 1}), "optimizer: no params (n = 3).");
    MUST_BE_MISUSE(adam_new(params, 0, ADAM(1)), "optimizer: no params (n = 0).");
    MUST_BE_MISUSE(sgd_new(with_a_hole, 2, (SGD){.lr = 1}), "optimizer: a param of the list is NULL");
    const Mark mark = graph_mark(g);
    kept[0] = v_param(g, 1);
    graph_release(g, mark);
    MUST_BE_MISUSE(adam_new(kept, 1, ADAM(1)), "optimizer: a param of the list was released");
}

/* A step would move the data, and leave what was computed from it as it is. */
Test(optim, a_list_with_a_node_that_is_no_param_is_misuse)
{
    static Value *list[2];
    list[0] = params[0];
    list[1] = v_label(v_input(g, 0.5), "x");
    MUST_BE_MISUSE(sgd_new(list, 2, (SGD){.lr = 1}), "optimizer: params[1] (x, data 0.5) is not a param (op input).");
    list[1] = v_label(v_mul(params[0], params[1]), "y");
    MUST_BE_MISUSE(adam_new(list, 2, ADAM(1)), "is not a param (op mul).");
}

Test(optim, misuse_aborts_by_default, .signal = SIGABRT) { sgd_new(params, PARAMS, (SGD){.lr = -1}); }

/* ---- no memory --------------------------------------------------------------------------------------------------- */

Test(optim, each_allocation_that_fails_gives_null_and_a_step_makes_none)
{
    size_t failures = 0;
    for (Optimizer *optimizer = NULL; optimizer == NULL; failures++) {
        memory_lasts(failures);
        optimizer = failures % 2 == 0 ? sgd_new(params, PARAMS, (SGD){.lr = 1}) : adam_new(params, PARAMS, ADAM(1));
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

Test(optim, an_optimizer_ends_with_the_first_of_its_params_to_be_released)
{
    static Value *list[2];
    Value *const old = params[0];
    for (int i = 0; i < 2; i++) {
        const Mark mark = graph_mark(g);
        list[i] = old;
        list[1 - i] = v_param(g, 1);
        Optimizer *sgd = sgd_new(list, 2, (SGD){.lr = 1});
        graph_release(g, mark);
        MUST_BE_MISUSE(optimizer_step(sgd), "optimizer_step: the params were released");
        optimizer_free(sgd);
    }
}

/* The memory of the params has become other nodes by then, a 42 among them. */
Test(optim, an_optimizer_kept_over_several_releases_changes_nothing)
{
    Graph *g = graph_new();
    const Mark mark = graph_mark(g);
    Value *w = v_param(g, 2), *now = NULL;
    Optimizer *sgd = sgd_new(&w, 1, (SGD){.lr = 0.5});
    for (int step = 0; step < 6; step++) {
        graph_release(g, mark);
        now = v_param(g, 42);
        now->grad = 1;
        MUST_BE_MISUSE(optimizer_step(sgd), "optimizer_step: the params were released");
        MUST_BE_MISUSE(optimizer_zero_grad(sgd), "optimizer_zero_grad: the params were released");
        cr_expect(now->data == 42 && now->grad == 1, "step %d: another node was changed", step);
    }
    optimizer_free(sgd);
    graph_free(g);
}
