/* test_gpt.c - the model of chapter 23: gradients against PyTorch's and nudging, second derivatives, what a place may
 * see, and that a step needs no new memory. The chapter is compiled into this file. */
#define main chapter_main
#include "../lessons/23_gpt.c"
#undef main

#include <criterion/criterion.h>

#include "no_memory.h"

static Graph *g;
static Value **params;
static size_t count;
static Error error;

/* As at the beginning of the chapter. */
static void new_model(void)
{
    Random random;
    random_seed(&random, 42);
    g = graph_new();
    for (size_t i = 0; i < MATRICES; i++)
        w[i] = matrix_param_normal(g, rows[i], i == DOWN ? 4 * WIDTH : WIDTH, 0.08, &random);
    params = graph_params(g, &count);
}

static void free_model(void) { graph_free(g); }

TestSuite(gpt, .init = new_model, .fini = free_model);

Test(gpt, every_gradient_is_that_of_pytorch)
{
    enum { PARAMS = 4192 };
    cr_assert_eq(count, PARAMS, "%zu params", count);
    backward(loss_of("isabella"));
    cr_assert(params_load(params, count, "lessons/data/names/grad_torch.txt", &error), "%s", error.message);
    size_t nonzero = 0;
    for (size_t i = 0; i < PARAMS; i++) { /* the file holds gradients: now data is PyTorch's */
        const double off = fabs(params[i]->grad - params[i]->data);
        cr_expect(off <= 1e-15, "param %zu: %.17g, PyTorch %.17g", i, params[i]->grad, params[i]->data);
        nonzero += params[i]->grad != 0;
    }
    cr_expect_gt(nonzero, 3000, "only %zu are not 0", nonzero);
}

Test(gpt, gradients_are_what_nudging_finds)
{
    GradCheck report;
    cr_expect(gradcheck_some(loss_of("ab"), 200, &report, &error), "%s", error.message);
    cr_expect_gt(report.right, 190, "%zu of 200 are right", report.right);
    cr_expect_eq(report.wrong_edges, 0, "%zu of %zu edges are wrong", report.wrong_edges, report.edges);
}

/* H·d by dual numbers, and by walking back from gradient·d, in a direction of ones and minus ones. Each entry is a sum
 * over paths in another order, so what rounding leaves is measured against the largest entry. */
Test(gpt, second_derivatives_agree_in_both_ways)
{
    double *direction = memory_alloc_array(count, sizeof *direction),
           *by_duals = memory_alloc_array(count, sizeof *by_duals);
    Value **slopes = memory_alloc_array(count, sizeof *slopes);
    Value *loss = loss_of("isabella"), *along = NULL;
    for (size_t i = 0; i < count; i++)
        direction[i] = i % 3 == 0 ? -1 : 1;
    cr_assert(hessian_vector(loss, params, direction, count, by_duals, &error), "%s", error.message);
    cr_assert(gradient_nodes(loss, params, count, slopes, &error), "%s", error.message);
    along = v_dot(slopes, v_inputs(g, direction, count), count);
    backward(along);
    double largest = 0, off = 0;
    for (size_t i = 0; i < count; i++) {
        largest = fmax(largest, fabs(by_duals[i]));
        off = fmax(off, fabs(by_duals[i] - params[i]->grad));
    }
    cr_expect(largest > 1e-3 && off <= 1e-13 * largest, "off by %g, where the largest is %g", off, largest);
    memory_free(direction), memory_free(by_duals), memory_free(slopes);
}

/* The logits of a place do not depend on a token after it, and do on those before it. */
Test(gpt, no_place_sees_one_after_it)
{
    const Matrix a = forward((int[]){EDGE, 0, 1, 2}, 4), b = forward((int[]){EDGE, 0, 1, 25}, 4),
                 c = forward((int[]){EDGE, 24, 1, 2}, 4);
    for (size_t k = 0; k < 4 * TOKENS; k++) {
        const size_t place = k / TOKENS;
        cr_expect_eq(a.at[k]->data == b.at[k]->data, place < 3, "logit %zu, when the token in place 3 changes", k);
        cr_expect_eq(a.at[k]->data == c.at[k]->data, place < 1, "logit %zu, when the token in place 1 changes", k);
    }
}

/* A name's loss is the mean over its places, and so is that of the parts of which the last place is new. */
Test(gpt, the_loss_of_a_name_is_the_mean_of_what_each_token_costs)
{
    const char *name = "emma";
    const Matrix logits = forward((int[]){EDGE, 4, 12, 12, 0}, 5);
    const int next[] = {4, 12, 12, 0, EDGE};
    double sum = 0;
    for (size_t i = 0; i < 5; i++)
        sum += cross_entropy(&logits.at[i * TOKENS], TOKENS, next[i])->data;
    const double loss = loss_of(name)->data;
    cr_expect(fabs(loss - sum / 5) <= 1e-15, "%.17g, want %.17g", loss, sum / 5);
}

Test(gpt, a_step_after_the_first_needs_no_new_memory)
{
    const Mark mark = graph_mark(g);
    Optimizer *adam = adam_new(params, count, ADAM(0.01));
    for (int step = 0; step < 20 + steps_in_quarantine(300000); step++) {
        backward(loss_of("maximiliano"));
        optimizer_step(adam);
        graph_release(g, mark);
    }
    memory_lasts(SIZE_MAX);
    for (int step = 0; step < 20; step++) {
        Value *loss = loss_of("isabella");
        optimizer_zero_grad(adam);
        backward(loss);
        optimizer_step(adam);
        graph_release(g, mark);
    }
    memory_restore();
    optimizer_free(adam);
    cr_expect_eq(allocations, 0, "%zu allocations in 20 steps", allocations);
}

Test(gpt, without_memory_the_loss_is_failed)
{
    size_t failures = 0;
    const Mark mark = graph_mark(g);
    for (bool ok = false; !ok; graph_release(g, mark)) {
        memory_lasts(failures);
        const Value *loss = loss_of("isabella");
        ok = graph_ok(g);
        memory_restore();
        cr_assert_eq(ok, !isnan(loss->data), "after %zu allocations: graph_ok %d, loss %g", failures, ok, loss->data);
        failures += !ok;
        cr_assert_lt(failures, 1000, "no end");
    }
    cr_expect_gt(failures, 0, "no allocation was made to fail");
}

static size_t different_tokens(double temperature)
{
    Random random;
    random_seed(&random, 5);
    char name[CONTEXT] = "";
    bool seen[128] = {false};
    size_t different = 0;
    const Mark mark = graph_mark(g);
    for (int i = 0; i < 30; i++) {
        make_up(name, temperature, &random);
        graph_release(g, mark);
        cr_assert(strlen(name) < CONTEXT, "'%.20s' has no end", name);
        for (const char *c = name; *c != '\0'; c++) {
            cr_assert(*c >= 'a' && *c <= 'z', "'%s' has other characters than letters", name);
            different += !seen[(size_t)*c];
            seen[(size_t)*c] = true;
        }
    }
    return different;
}

Test(gpt, a_low_temperature_takes_the_likeliest_and_a_high_one_anything)
{
    cr_expect_lt(different_tokens(0.001), 15, "%zu letters at temperature 0.001", different_tokens(0.001));
    cr_expect_eq(different_tokens(1000), 26, "%zu letters at temperature 1000", different_tokens(1000));
}
