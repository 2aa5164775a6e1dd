/* test_tree.c - the tree in the terminal, and the pieces of text that pictures are made of. */
#define _XOPEN_SOURCE 700 /* open_memstream, posix_openpt beside C11 */
#define _DEFAULT_SOURCE
#define _DARWIN_C_SOURCE
#include <criterion/criterion.h>

#include <fcntl.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "graph/tree.h"
#include "long.h"
#include "memory.h"
#include "no_memory.h"
#include "stepgrad.h"

static Graph *graph;
static char *printed;

static void setup(void)
{
    graph = graph_new();
    printed = NULL;
}

static void teardown(void)
{
    free(printed);
    graph_free(graph);
}

TestSuite(tree, .init = setup, .fini = teardown, .timeout = 1800);

static const char *print(Value *root, TreeOptions options)
{
    size_t size;
    free(printed);
    FILE *out = open_memstream(&printed, &size);
    cr_assert(tree_print(root, out, &options), "tree_print failed");
    fclose(out);
    return printed;
}

static void expect_text(const char *got, const char *want)
{
    cr_expect(strcmp(got, want) == 0, "got:\n%s\nwant:\n%s", got, want);
}

/* L = (a·b + c)·f after a backward pass. */
static Value *small_graph(void)
{
    Value *a = v_label(v_param(graph, 2), "a");
    Value *b = v_label(v_param(graph, -3), "b");
    Value *c = v_label(v_input(graph, 10), "c");
    Value *e = v_label(v_mul(a, b), "e");
    Value *L = v_label(v_mul(v_add(e, c), -2.0), "L");
    backward(L);
    return L;
}

Test(tree, every_parent_stands_below_its_child_with_value_gradient_and_kind)
{
    expect_text(print(small_graph(), (TreeOptions){0}),
                "L = v4 * (-2)       data -8          grad 1\n"
                "├── v4 = e + c      data 4           grad -2\n"
                "│   ├── e = a * b   data -6          grad -2\n"
                "│   │   ├── a       data 2           grad 6           param\n"
                "│   │   └── b       data -3          grad -4          param\n"
                "│   └── c           data 10                           input\n"
                "└── v5              data -2                           const\n");
}

Test(tree, a_shared_node_is_shown_in_full_once_and_twice_in_x_times_x)
{
    Value *x = v_label(v_param(graph, 3), "x");
    Value *s = v_label(v_mul(x, x), "s");
    expect_text(print(v_add(s, s), (TreeOptions){.digits = 3}),
                "v2 = s + s      data 18          grad 0\n"
                "├── s = x * x   data 9           grad 0\n"
                "│   ├── x       data 3           grad 0           param\n"
                "│   └── x       data 3           grad 0           param, shown above\n"
                "└── s           data 9           grad 0           shown above\n");
}

Test(tree, what_is_deeper_than_max_depth_is_counted_and_not_shown)
{
    expect_text(print(small_graph(), (TreeOptions){.max_depth = 1}),
                "L = v4 * (-2)    data -8          grad 1\n"
                "├── v4 = e + c   data 4           grad -2\n"
                "│   └── … 2 operands\n"
                "└── v5           data -2                           const\n");
}

/* What tree_print writes to a terminal whose TERM is `kind`. The terminal has room for it until it is read. */
static const char *print_on_terminal(Value *root, const char *kind)
{
    static char shown[4096];
    const int master = posix_openpt(O_RDWR | O_NOCTTY);
    cr_assert(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0, "no terminal to test with");
    FILE *out = fopen(ptsname(master), "w");
    cr_assert(out != NULL && setenv("TERM", kind, 1) == 0 && tree_print(root, out, NULL), "tree_print failed");
    fclose(out);
    size_t count = 0; /* it comes in pieces */
    for (ssize_t got; (got = read(master, shown + count, sizeof shown - 1 - count)) > 0;)
        count += (size_t)got;
    cr_assert(count > 0, "nothing came to the terminal");
    shown[count] = '\0';
    close(master);
    return shown;
}

Test(tree, colours_come_only_on_a_terminal_that_wants_them)
{
    Value *L = small_graph();
    cr_expect(strchr(print(L, (TreeOptions){0}), '\033') == NULL, "colours in what is not a terminal:\n%s", printed);
    unsetenv("NO_COLOR");
    const char *shown = print_on_terminal(L, "xterm");
    cr_expect(strstr(shown, "\033[38;5;208m-4\033[0m") != NULL, "the gradient -4 is not orange:\n%s", shown);
    cr_expect(strchr(print_on_terminal(L, "dumb"), '\033') == NULL, "colours on a dumb terminal");
    setenv("NO_COLOR", "1", 1);
    cr_expect(strchr(print_on_terminal(L, "xterm"), '\033') == NULL, "colours in spite of NO_COLOR");
}

Test(tree, a_deep_chain_prints_a_line_each)
{
    const int depth = is_long() ? 1000000 : 100000;
    Value *v = v_param(graph, 0.5);
    for (int i = 0; i < depth; i++)
        v = v_neg(v);
    FILE *out = tmpfile();
    cr_assert(out != NULL && tree_print(v, out, NULL), "tree_print failed");
    const long bytes = ftell(out);
    rewind(out);
    long lines = 0;
    for (int c; (c = fgetc(out)) != EOF;)
        lines += c == '\n';
    fclose(out);
    cr_expect(lines == depth + 1, "%ld lines for %d nodes", lines, depth + 1);
    cr_expect(bytes < 250L * depth, "%ld bytes: the indent of a chain must not grow with its depth", bytes);
}

Test(tree, no_memory_is_a_status)
{
    Value *v = v_param(graph, 1);
    for (int i = 0; i < 200; i++) /* deeper than the first room for levels */
        v = v_neg(v);
    FILE *out = tmpfile();
    int n = 0;
    for (bool ok = false; !ok && n < 100; n++) {
        memory_lasts((size_t)n);
        ok = tree_print(v, out, NULL);
        memory_restore();
        cr_expect(ok == (n >= 6), "with %d allocations: %s", n,
                  ok ? "true" : "false"); /* nodes shown; 16, 32, 64, 128, 256 levels */
    }
    fclose(out);
    cr_expect(n == 7, "it took %d allocations", n - 1);
}

#if defined(__linux__)
Test(tree, a_full_disk_is_a_status)
{
    FILE *full = fopen("/dev/full", "w");
    cr_assert(full != NULL, "no /dev/full");
    cr_expect(!tree_print(small_graph(), full, NULL), "tree_print says that /dev/full took all of it");
    fclose(full);
}
#endif

Test(tree, more_digits_than_a_double_has_is_misuse, .signal = SIGABRT)
{
    tree_print(v_param(graph, 1), stdout, &(TreeOptions){.digits = 18});
}

/* ---- pieces of text ---------------------------------------------------------------------------------------------- */

Test(tree, numbers_have_no_negative_zero_and_no_sign_of_nan)
{
    char text[TEXT_SIZE];
    expect_text(text_number(-0.0, 4, text), "0");
    expect_text(text_number(-NAN, 4, text), "nan");
    expect_text(text_number(-INFINITY, 4, text), "-inf");
    expect_text(text_number(-1.23456e-5, 4, text), "-1.235e-05");
    expect_text(text_number(0.1, 17, text), "0.10000000000000001");
}

Test(tree, a_name_of_any_bytes_becomes_clean_utf8)
{
    static const char *const cases[][2] = {
        {"δ€😀", "δ€😀"},
        {"a\nb\tc", "a b c"},
        {"\033[31mred", "\xEF\xBF\xBD[31mred"}, /* a terminal's escape */
        {"\xC2\x9B", "\xEF\xBF\xBD"},           /* its one-byte form, U+009B */
        {"\xE2\x80\xAE"
         "abc",
         "\xEF\xBF\xBD"
         "abc"},                                                                  /* writing from right to left */
        {"\xC0\xAF", "\xEF\xBF\xBD\xEF\xBF\xBD"},                                 /* a slash in two bytes */
        {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},                 /* half of a surrogate pair */
        {"\xF4\x90\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"}, /* beyond U+10FFFF */
        {"cut \xE2\x82", "cut \xEF\xBF\xBD\xEF\xBF\xBD"},
        {"", "v0"},
        {"שלום", "\xE2\x80\x8Eשלום\xE2\x80\x8E"}, /* from right to left, as said by its letters: marks keep it apart */
        {"سلام2", "\xE2\x80\x8Eسلام2\xE2\x80\x8E"},
    };
    Value *v = v_param(graph, 1);
    char text[TEXT_SIZE];
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        v_label(v, cases[i][0]);
        cr_expect(strcmp(text_name(v, TEXT_NAME_LONG, text), cases[i][1]) == 0, "case %zu: got '%s', want '%s'", i,
                  text, cases[i][1]);
    }
}

Test(tree, a_long_name_is_cut_by_characters_with_an_ellipsis)
{
    char label[2 * 20000 + 1] = "", text[TEXT_SIZE];
    for (int i = 0; i < 20000; i++)
        memcpy(label + 2 * i, "é", 2);
    Value *v = v_label(v_param(graph, 1), label);
    expect_text(text_name(v, 3, text), "ééé…");
    label[2 * 3] = '\0';
    expect_text(text_name(v_label(v, label), 3, text), "ééé");
}

Test(tree, names_from_right_to_left_keep_to_their_place)
{
    Value *x = v_label(v_param(graph, 2), "שלום"), *y = v_label(v_param(graph, -3), "ab");
    Value *L = v_label(v_mul(x, y), "L");
    char text[TEXT_SIZE];
    backward(L);
    expect_text(text_product(L, 1, 4, text), "ab.grad += ∂L/∂ab · L.grad = \xE2\x80\x8Eשלום\xE2\x80\x8E · L.grad = "
                                             "2 · 1 = 2");
    expect_text(print(L, (TreeOptions){0}),
                "L = \xE2\x80\x8Eשלום\xE2\x80\x8E * ab   data -6          grad 1\n"
                "├── \xE2\x80\x8Eשלום\xE2\x80\x8E        data 2           grad -3          param\n"
                "└── ab          data -3          grad 2           param\n");
}

/* Two labelled params, 2 and -3, and a node of each kind built on them. */
typedef struct Case {
    const char *expression, *numbers, *derivative_a, *derivative_b;
} Case;

static void expect_case(Value *v, Case want)
{
    char text[TEXT_SIZE];
    expect_text(text_expression(v, TEXT_NAMES, 4, text), want.expression);
    expect_text(text_expression(v, TEXT_NUMBERS, 4, text), want.numbers);
    expect_text(text_derivative(v, 0, TEXT_NAMES, 4, text), want.derivative_a);
    if (want.derivative_b != NULL)
        expect_text(text_derivative(v, value_parent_count(v) - 1, TEXT_NAMES, 4, text), want.derivative_b);
}

Test(tree, formulas_carry_the_names_of_their_place)
{
    Value *p = v_label(v_param(graph, 2), "p");
    Value *q = v_label(v_param(graph, -3), "b"); /* a label that the formulas use for something else */
    expect_case(v_add(p, q), (Case){"p + b", "2 + (-3)", "1", "1"});
    expect_case(v_label(v_mul(q, p), "m"), (Case){"b * p", "(-3) * 2", "p", "b"});
    expect_case(v_label(v_div(p, q), "d"), (Case){"p / b", "2 / (-3)", "1/b", "-d/b"});
    expect_case(v_label(v_pow(p, 2.0), "y"), (Case){"p ^ 2", "2 ^ 2", "2*pow(p, 2 - 1)", "y*log(p)"});
    expect_case(v_label(v_tanh(q), "o"), (Case){"tanh(b)", "tanh(-3)", "1 - o*o", NULL});
    expect_case(v_label(v_sigmoid(q), "s"), (Case){"sigmoid(b)", "sigmoid(-3)", "s*(1 - s)", NULL});
    expect_case(v_softplus(p), (Case){"softplus(p)", "softplus(2)", "sigmoid(p)", NULL});
    expect_case(v_sqrt(v_label(v_abs(q), "r")), (Case){"sqrt(r)", "sqrt(3)", "1/(2*v11)", NULL});
    expect_case(v_max(p, q), (Case){"max(p, b)", "max(2, -3)", "p > b", "b > p"});
    expect_case(v_neg(q), (Case){"-b", "-(-3)", "-1", NULL});
    expect_case(v_abs(q), (Case){"|b|", "|-3|", "b > 0 ? 1 : -1", NULL});
    expect_case(v_tanh(v_label(v_neg(p), "two words")), (Case){"tanh(two words)", "tanh(-2)", "1 - v16*v16", NULL});
    expect_case(v_mul(value_parent(v_neg(v_label(v_neg(p), "two words")), 0), q),
                (Case){"(two words) * b", "(-2) * (-3)", "b", "two words"});
}

Test(tree, an_element_of_an_array_needs_no_parentheses_and_two_names_do)
{
    Value *w = v_label(v_param(graph, 2), "w[1,0]"), *both = v_label(v_param(graph, 3), "a,b");
    expect_case(v_mul(w, both), (Case){"w[1,0] * (a,b)", "2 * 3", "a,b", "w[1,0]"});
}

Test(tree, lists_show_their_first_operands_and_say_that_there_are_more)
{
    Value *list[6], *other[6];
    for (int i = 0; i < 6; i++) { /* pairs are created alternately, so that neither list lies side by side */
        char label[16];
        snprintf(label, sizeof label, "w%d", i + 1);
        list[i] = v_label(v_param(graph, i), label);
        snprintf(label, sizeof label, "x%d", i + 1);
        other[i] = v_label(v_input(graph, -i), label);
    }
    expect_case(v_sum(list, 2), (Case){"sum(w1, w2)", "sum(0, 1)", "1", "1"});
    expect_case(v_label(v_logsumexp(list, 6), "z"),
                (Case){"logsumexp(w1, w2, w3, w4, …)", "logsumexp(0, 1, 2, 3, …)", "exp(w1 - z)", "exp(w6 - z)"});
    expect_case(v_dot(list, other, 2), (Case){"w1*x1 + w2*x2", "0*0 + 1*(-1)", "x1", "w2"});
    Value *dot = v_dot_bias(list, other, 5, list[5]);
    expect_case(dot, (Case){"w1*x1 + w2*x2 + w3*x3 + … + w6", "0*0 + 1*(-1) + 2*(-2) + … + 5", "x1", "w5"});
    char text[TEXT_SIZE];
    expect_text(text_derivative(dot, 5, TEXT_NAMES, 4, text), "1"); /* the bias */
    cr_expect(text_shows_all_operands(v_sum(list, 4)) && !text_shows_all_operands(v_sum(list, 5)), "sum of 4 and 5");
    cr_expect(text_shows_all_operands(v_dot(list, other, 3)) && !text_shows_all_operands(dot), "dot of 3 and 5");
}

Test(tree, a_product_shows_the_chain_rule_in_names_and_in_numbers)
{
    Value *a = v_label(v_param(graph, 2), "a");
    Value *x = v_label(v_input(graph, -3), "x");
    Value *e = v_label(v_mul(a, x), "e");
    Value *o = v_label(v_tanh(e), "o");
    backward_from(o, 1000.0);
    char text[TEXT_SIZE];
    expect_text(text_product(e, 0, 4, text), "a.grad += ∂e/∂a · e.grad = x · e.grad = -3 · 0.02458 = -0.07373");
    expect_text(text_product(e, 1, 4, text), "∂e/∂x = a = 2 (no gradient is needed here)");
    expect_text(text_product(o, 0, 3, text),
                "e.grad += ∂o/∂e · o.grad = (1 - o*o) · o.grad = 2.46e-05 · 1e+03 = 0.0246");
}
