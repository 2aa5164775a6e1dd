/* test_params.c - all params of a graph in a list, and as a file that comes back to the last bit or not at all. */
#define _POSIX_C_SOURCE 200809L /* getpid */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "caught.h"
#include "model.h"
#include "no_memory.h"
#include "params.h"
#include "wrong_words.h"

static Graph *g;
static char path[64]; /* tests run at the same time, each in a process of its own */
static Error error;

static void open_graph(void)
{
    g = graph_new();
    snprintf(path, sizeof path, "build/test_params_%ld.txt", (long)getpid());
}

static void close_graph(void)
{
    graph_free(g);
    remove(path);
}

TestSuite(params, .init = open_graph, .fini = close_graph);

/* ---- the list ---------------------------------------------------------------------------------------------------- */

Test(params, of_a_graph_come_in_the_order_of_creation)
{
    enum { MANY = 5000 }; /* several blocks of the graph */
    static Value *made[MANY];
    size_t count;
    for (size_t i = 0; i < MANY; i++) {
        made[i] = v_param(g, (double)i);
        v_mul(made[i], v_input(g, 2)); /* no param */
    }
    Value **params = graph_params(g, &count);
    cr_assert_eq(count, MANY, "%zu params, want %d", count, MANY);
    for (size_t i = 0; i < MANY; i++)
        cr_assert_eq(params[i], made[i], "param %zu is the one with data %g", i, params[i]->data);
}

Test(params, of_a_network_are_those_in_its_own_list)
{
    size_t count;
    const MLP *net = mlp_new(g, ((size_t[]){3, 4, 2}), 3, ACTIVATION_TANH);
    Value **params = graph_params(g, &count);
    cr_assert_eq(count, net->param_count, "%zu params, want %zu", count, net->param_count);
    cr_expect(memcmp(params, net->params, count * sizeof *params) == 0, "another order");
}

Test(params, that_were_released_are_not_in_the_list)
{
    size_t count;
    Value *kept = v_param(g, 1);
    const Mark mark = graph_mark(g);
    v_param(g, 2);
    graph_release(g, mark);
    Value **params = graph_params(g, &count);
    cr_assert_eq(count, 1, "%zu params", count);
    cr_expect_eq(params[0], kept, "another one");
}

Test(params, of_a_graph_without_any_are_an_empty_list)
{
    size_t count = 7;
    v_input(g, 1);
    cr_expect_not_null(graph_params(g, &count), "NULL means that there was no memory");
    cr_expect_eq(count, 0, "%zu params", count);
}

/* ---- the file ---------------------------------------------------------------------------------------------------- */

/* Params of all kinds of numbers, and labels on two. */
static const double numbers[] = {0.1, -0.0, INFINITY, -INFINITY, NAN, 5e-324, 1.7976931348623157e308, 1.0 / 3};
enum { COUNT = sizeof numbers / sizeof numbers[0] };

static void make(Value **params)
{
    for (size_t i = 0; i < COUNT; i++)
        params[i] = v_param(g, numbers[i]);
    v_label(params[2], "w[0,0]");
    v_label(params[5], "a \"quoted\" name, 100 % of a rather long one that takes more than a word of sixty-four bytes");
}

static bool same_bits(double a, double b) { return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b)); }

static void set_all(Value **params, double number)
{
    for (size_t i = 0; i < COUNT; i++)
        params[i]->data = number;
}

Test(params, come_back_to_the_last_bit)
{
    Value *params[COUNT];
    make(params);
    cr_assert(params_save(params, COUNT, path, &error), "%s", error.message);
    set_all(params, 7);
    cr_assert(params_load(params, COUNT, path, &error), "%s", error.message);
    for (size_t i = 0; i < COUNT; i++)
        cr_expect(same_bits(params[i]->data, numbers[i]), "param %zu: %a, want %a", i, params[i]->data, numbers[i]);
}

Test(params, are_written_one_to_a_line)
{
    Value *params[] = {v_param(g, 1.5), v_label(v_param(g, -2), "bias")};
    char text[256] = "";
    cr_assert(params_save(params, 2, path, &error), "%s", error.message);
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    const char *want = "stepgrad-params 1\nparams 2\n0x1.8p+0\n \"bias\" -0x1p+1\nend ";
    cr_expect(strncmp(text, want, strlen(want)) == 0, "got:\n%s\nwant:\n%s", text, want);
}

static void write_text(const char *text)
{
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
}

#define LETTERS_64 "aaaaaaaabbbbbbbbccccccccddddddddeeeeeeeeffffffffgggggggghhhhhhhh"

/* Two params, of which the second has a label. */
Test(params, of_a_file_that_is_damaged_or_of_another_model_stay_as_they_were)
{
    const struct {
        const char *text, *message;
    } rows[] = {
        {"", "too early"},
        {"stepgrad-mlp 1\n", "Load an MLP with mlp_load"},
        {"hello\n", "these are not params: it begins with \"hello\""},
        {"stepgrad-params 2\n", "params of format 2; this program reads format 1"},
        {"stepgrad-params 1\nparams 3\n1\n\"b\" 2\n3\nend\n", "the file has 3 params, the model 2"},
        {"stepgrad-params 1\nparams 99999999999999999999\n", "expected a whole number"},
        {"stepgrad-params 1\nparams 2\n1\n\"c\" 2\nend\n", ":4: here is the param \"c\" and in the model \"b\""},
        {"stepgrad-params 1\nparams 2\n1\n2\nend\n", ":4: expected a name in quotes, found \"2\""},
        {"stepgrad-params 1\nparams 2\n\"a\" 1\n\"b\" 2\nend\n", ":3: expected a number, found \"\"a\"\""},
        {"stepgrad-params 1\nparams 2\n1\n\"b\" two\nend\n", ":4: expected a number, found \"two\""},
        {"stepgrad-params 1\nparams 2\n1\n\"b\" 2\n3\nend\n", ":5: expected \"end\", found \"3\""},
        {"stepgrad-params 1\nparams 2\n1\n\"b\" 2\n", "cut short"},
        {"stepgrad-params 1\nparams 2\n1\n\"b\" 2\nend 0123456789abcdef\n", "the checksum is"},
        {"stepgrad-params 1\nparams 2\n1\n\"b\" 2\nend", "cut short"},
        {LETTERS_64 " 1\n\"b\" 2\nend\n", ":1: a word of more than 63 characters"},
    };
    Value *params[] = {v_param(g, 5), v_label(v_param(g, 6), "b")};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        write_text(rows[i].text);
        cr_expect_not(params_load(params, 2, path, &error), "row %zu was read", i);
        cr_expect_not_null(strstr(error.message, rows[i].message), "row %zu: %s", i, error.message);
        cr_expect(params[0]->data == 5 && params[1]->data == 6, "row %zu: %g %g", i, params[0]->data, params[1]->data);
    }
    write_text("stepgrad-params 1 # by hand\nparams 2\n1 \"b\" 0x1p1\nend\n");
    cr_expect(params_load(params, 2, path, &error), "%s", error.message);
    cr_expect(params[0]->data == 1 && params[1]->data == 2, "%g %g", params[0]->data, params[1]->data);
}

static bool load_two(void)
{
    Value *params[] = {v_param(g, 5), v_label(v_param(g, 6), "b")};
    return params_load(params, 2, path, &error) || params[0]->data != 5 || params[1]->data != 6;
}

Test(params, of_a_file_with_a_wrong_word_anywhere_are_refused)
{
    const char *text = "stepgrad-params 1\nparams 2\n1\n\"b\" 2\nend\n";
    write_text(text);
    cr_assert(load_two(), "%s", error.message);
    expect_wrong_words_are_refused(text, "end", path, load_two);
    expect_wrong_words_are_refused(text, "", path, load_two);
}

/* Every byte of a saved file, changed: it is refused, or (a comment, a space) it reads the same. */
Test(params, of_a_file_with_one_byte_changed_are_refused)
{
    Value *params[COUNT];
    make(params);
    cr_assert(params_save(params, COUNT, path, &error), "%s", error.message);
    char text[2048];
    FILE *file = fopen(path, "r");
    cr_assert_not_null(file);
    const size_t length = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[length] = '\0';
    for (size_t i = 0; i + 1 < length; i++) { /* the last is the line end after the checksum */
        text[i] ^= 1;
        write_text(text);
        text[i] ^= 1;
        set_all(params, 7);
        cr_expect_not(params_load(params, COUNT, path, &error), "byte %zu changed", i);
        cr_expect_eq(params[0]->data, 7, "byte %zu changed: param 0 is %g", i, params[0]->data);
    }
}

Test(params, that_cannot_be_written_or_read_say_why)
{
    Value *params[] = {v_param(g, 1)};
    cr_expect_not(params_save(params, 1, "build/no such folder/x.txt", &error), "saved nowhere");
    cr_expect_not_null(strstr(error.message, "no such folder"), "%s", error.message);
    cr_expect_not(params_load(params, 1, "build/no such file.txt", &error), "loaded from nothing");
    cr_expect_not_null(strstr(error.message, "no such file.txt"), "%s", error.message);
}

/* ---- misuse, and no memory --------------------------------------------------------------------------------------- */

Test(params, misuse_is_named)
{
    size_t count;
    Value *good[] = {v_param(g, 1)}, *hole[] = {good[0], NULL}, *input[] = {v_input(g, 1)}, *released[1];
    const Mark mark = graph_mark(g);
    released[0] = v_param(g, 1);
    graph_release(g, mark);
    MUST_BE_MISUSE(graph_params(NULL, &count), "graph_params: the graph is NULL");
    MUST_BE_MISUSE(graph_params(g, NULL), "graph_params: count is NULL");
    MUST_BE_MISUSE(params_save(NULL, 1, path, &error), "params_save: the list of params is NULL");
    MUST_BE_MISUSE(params_save(good, 0, path, &error), "params_save: n is 0");
    MUST_BE_MISUSE(params_load(good, 1, NULL, &error), "params_load: the path is NULL");
    MUST_BE_MISUSE(params_save(hole, 2, path, &error), "params_save: params[1] is NULL");
    MUST_BE_MISUSE(params_load(input, 1, path, &error), "params_load: params[0] is not a param (op input)");
    MUST_BE_MISUSE(params_load(released, 1, path, &error), "params_load: params[0] was released");
}

Test(params, without_memory_nothing_is_lost)
{
    size_t count;
    Value *params[COUNT];
    make(params);
    cr_assert(params_save(params, COUNT, path, &error), "%s", error.message);
    set_all(params, 7);
    size_t failures = 0;
    for (size_t n = 0; n < 100; n++) {
        memory_lasts(n);
        const bool ok = params_load(params, COUNT, path, NULL);
        memory_restore();
        if (ok)
            break;
        failures++;
        cr_expect_eq(params[COUNT - 1]->data, 7, "allocation %zu failed, and param 7 is %g", n,
                     params[COUNT - 1]->data);
    }
    cr_expect(failures >= 3 && failures < 100, "%zu allocations failed; want one for the numbers, and the labels'",
              failures);
    const Mark mark = graph_mark(g); /* what comes next needs a block */
    memory_lasts(0);
    cr_expect_null(graph_params(g, &count), "a list without memory");
    cr_expect_eq(graph_ok(g), false, "the graph must say so");
    Value *lost[] = {params[0], v_param(g, 1)};
    memory_restore();
    cr_expect(!params_save(lost, 2, path, &error) &&
                  strstr(error.message, "no memory when the graph was built") != NULL,
              "a param that there was no memory for: %s", error.message);
    cr_expect_not(params_load(lost, 2, path, &error), "loaded into a param that there was no memory for");
    graph_release(g, mark);
}
