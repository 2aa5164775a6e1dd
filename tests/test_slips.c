/* The debug build reports the slips of slips.c at their lines; the normal build cannot afford to look for all of them.
 */
#define _POSIX_C_SOURCE 200809L /* popen */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char said[4096];

static void run_slip(const char *name)
{
    char command[512];
    const char *build = getenv("BUILD");
    snprintf(command, sizeof command, "'%s/tests/slips' %s 2>&1", build != NULL ? build : "build", name);
    FILE *out = popen(command, "r");
    cr_assert_not_null(out);
    said[fread(said, 1, sizeof said - 1, out)] = '\0';
    pclose(out);
}

static void expect_says(const char *name, const char *words)
{
    run_slip(name);
    cr_expect(strstr(said, words) != NULL, "%s: wanted \"%s\", it said: %s", name, words, said);
    cr_expect(strstr(said, "tests/slips.c:") != NULL, "%s: no line: %s", name, said);
}

static void expect_gradient(const char *name, const char *gradient)
{
    run_slip(name);
    cr_expect_str_eq(said, gradient, "%s: wanted %s, it said: %s", name, gradient, said);
}

Test(slips, data_changed_after_the_forward_pass)
{
    expect_says("new_weights_before_backward", "square (mul) is 9, but its operands now give 10000");
    expect_says("optimizer_step_before_backward", "loss (dot) is 25, but its operands now give 22.25");
    expect_says("bias_changed", "neuron (dot) is 7, but its operands now give 7.000000001:");
    expect_says("interior_value_set", "(mul) is 403.428793492735, but its operands now give 1");
}

Test(slips, no_false_alarm)
{
    expect_gradient("changed_and_built_again", "gradient 20\n");
    expect_gradient("values_that_are_nan", "gradient 1\n");
}

Test(slips, what_a_release_has_ended_is_known_at_any_age)
{
    expect_says("node_kept_for_1_step", "v_add: operand b was released");
    expect_says("node_kept_for_2_steps", "v_add: operand b was released");
    expect_says("node_kept_for_1000_steps", "v_add: operand b was released");
    expect_says("network_kept", "mlp_zero_grad: the network was released");
    expect_says("optimizer_kept", "optimizer_step: the params were released");
}
