/* test_player.c - the player's page is whole, safe and small, has what it computes with, and writing it changes
 * nothing. What a browser makes of the page is tested in tests/browser/. */
#define _DEFAULT_SOURCE /* mkdtemp beside C11 */
#define _DARWIN_C_SOURCE
#include <criterion/criterion.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "backward.h"
#include "graph.h"
#include "graph/text.h"
#include "no_memory.h"
#include "player/player.h"

/* ---- a folder, and what was written to it ---- */

static const char path[] = "player.html";
static char folder[] = "/tmp/stepgrad-player-test-XXXXXX";
static char *page; /* the text of player.html, once read */
static Graph *g;
static Error error;

static void begin(void)
{
    cr_assert(mkdtemp(folder) != NULL && chdir(folder) == 0, "no folder to work in");
    g = graph_new();
}

static void end(void)
{
    graph_free(g);
    free(page);
    remove(path);
    cr_expect(chdir("/") == 0 && rmdir(folder) == 0, "a file that nobody asked for was left in %s", folder);
}

TestSuite(player, .init = begin, .fini = end, .timeout = 1800);

static void write_page(Value *root, const PlayerOptions *options)
{
    struct stat status;
    cr_assert(player_write(root, path, options, &error), "%s", error.message);
    FILE *in = fopen(path, "rb");
    cr_assert(in != NULL && stat(path, &status) == 0, "%s does not exist", path);
    free(page);
    page = calloc((size_t)status.st_size + 1, 1);
    cr_assert_eq(fread(page, 1, (size_t)status.st_size, in), (size_t)status.st_size, "cannot read %s", path);
    fclose(in);
}

static size_t count_of(const char *part)
{
    size_t count = 0;
    for (const char *at = page; (at = strstr(at, part)) != NULL; at += strlen(part))
        count++;
    return count;
}

static void expect_part(const char *part) { cr_expect(strstr(page, part) != NULL, "no %s in the page", part); }

static void expect_message(const char *part)
{
    cr_expect(strstr(error.message, part) != NULL, "message \"%s\" should hold \"%s\"", error.message, part);
}

/* ---- graphs ---- */

static Value *named_param(double data, const char *name) { return v_label(v_param(g, data), name); }

/* L = (a·b + c)·f */
static Value *expression(void)
{
    Value *e = v_label(v_mul(named_param(2, "a"), named_param(-3, "b")), "e");
    Value *d = v_label(v_add(e, named_param(10, "c")), "d");
    return v_label(v_mul(d, named_param(-2, "f")), "L");
}

/* ---- the pass ---- */

Test(player, every_gradient_of_the_graph_is_as_it_was)
{
    Value *L = expression();
    Value *a = L->a->a->a;
    Value *beside = v_mul(a, 5); /* not under L */
    backward(beside);
    const double beside_grad = beside->grad, a_grad = a->grad;
    cr_assert_eq(a_grad, 5, "the test wants a gradient to keep, not %g", a_grad);
    L->a->grad = 0.125;
    FILE *trace = tmpfile();
    backward_trace(g, trace);
    write_page(L, NULL);
    cr_expect_eq(a->grad, a_grad, "a.grad became %g", a->grad);
    cr_expect_eq(beside->grad, beside_grad, "a node beside the graph has %g", beside->grad);
    cr_expect_eq(L->a->grad, 0.125, "an interior gradient became %g", L->a->grad);
    cr_expect_eq(ftell(trace), 0, "the pass appeared in the trace");
    cr_expect_eq(g->trace, trace, "the trace was turned off");
    backward(L); /* clears what is inside, so that it is not counted twice */
    cr_expect_eq(a->grad, 5 + 6, "a.grad is %g after a pass, want 5 + ∂L/∂a = 11", a->grad);
    backward_trace(g, NULL);
    fclose(trace);
}

Test(player, the_page_shows_the_gradients_of_this_pass_alone)
{
    Value *L = expression();
    backward(L);
    backward(L);
    write_page(L, NULL);
    if (strstr(page, "class=\"node") != NULL) /* there is a dot here */
        expect_part(">+= 6<");                /* a.grad: b·f = 6, not 18 */
}

/* ---- the page ---- */

static const char *const svg_tags[] = {"svg", "g", "a", "text", "title", "path", "polygon", "polyline", "ellipse"};

static bool has_dot(void) { return system("command -v dot >/dev/null 2>&1") == 0; }

/* Whether an entity begins here: &lt; or &#39; */
static bool is_entity(const char *text)
{
    const size_t length = text[1] == '#' ? 2 + strspn(text + 2, "0123456789") : 1 + strspn(text + 1, "abglmopqtu");
    return length > 2 && length < 8 && text[length] == ';';
}

/* Tags of the picture close in order, and & begins an entity. */
static void expect_picture_well_formed(void)
{
    const char *names[16];
    int depth = 0;
    const char *last = strstr(page, "</svg>\n");
    cr_assert(last != NULL && strstr(last, "</section>") != NULL, "the picture does not end");
    for (const char *c = strstr(page, "<svg id=\"graph\""); c < last + 6; c++) {
        cr_assert(*c != '&' || is_entity(c), "& without an entity: %.20s", c);
        if (strncmp(c, "<!--", 4) == 0)
            c = strstr(c, "-->");
        if (*c != '<')
            continue;
        const bool closes = c[1] == '/';
        const size_t length = strcspn(c + 1 + closes, " >/");
        const char *name = NULL;
        for (size_t i = 0; i < sizeof svg_tags / sizeof *svg_tags; i++)
            if (strlen(svg_tags[i]) == length && strncmp(c + 1 + closes, svg_tags[i], length) == 0)
                name = svg_tags[i];
        cr_assert(name != NULL, "a tag that the picture has no use for: %.30s", c);
        const char *tag_end = strchr(c, '>');
        if (closes)
            cr_assert(depth > 0 && names[--depth] == name, "</%s> closes another tag", name);
        else if (tag_end[-1] != '/')
            names[depth++] = name;
        c = tag_end;
    }
    cr_expect_eq(depth, 0, "%d tags are not closed", depth);
}

Test(player, a_page_is_one_file_with_a_strict_policy_and_nothing_to_fetch)
{
    write_page(expression(), NULL);
    expect_picture_well_formed();
    expect_part("<!doctype html>");
    expect_part("default-src 'none'");
    cr_expect_eq(count_of("unsafe"), 0, "the policy lets anything run");
    const size_t namespaces = has_dot() ? 2 : 1; /* of SVG, and dot names that of XLink */
    cr_expect_eq(count_of("http://") + count_of("https://"), namespaces, "an address beside the namespaces");
    cr_expect_eq(count_of(" src=") + count_of("@import") + count_of("url("), 0, "something is fetched");
    cr_expect_eq(count_of("<script"), 3, "%zu scripts instead of the numbers, the functions and the player",
                 count_of("<script"));
    if (has_dot()) {
        cr_expect_eq(count_of("class=\"node "), 7, "%zu nodes drawn", count_of("class=\"node "));
        cr_expect_eq(count_of("class=\"edge\""), 6, "%zu edges drawn", count_of("class=\"edge\""));
    }
    const char *name[] = {"{TITLE}",  "{NONCE}", "{STYLE}",   "{SCRIPT}",
                          "{LAYOUT}", "{GRAPH}", "{NUMBERS}", "{FUNCTIONS}"};
    for (size_t i = 0; i < sizeof name / sizeof *name; i++)
        cr_expect_eq(count_of(name[i]), 0, "%s was not replaced", name[i]);
}

Test(player, the_line_of_c_on_the_page_stands_in_the_engine)
{
    /* The tests run in the project's folder; this suite has left it. */
    char source[4096];
    snprintf(source, sizeof source, "%s", __FILE__);
    char *tests = strstr(source, "tests/test_player.c");
    cr_assert(tests != NULL, "this file has moved: %s", __FILE__);
    const char *start = getenv("PWD");
    char engine[8300];
    snprintf(tests, (size_t)(source + sizeof source - tests), "engine/backward.c");
    snprintf(engine, sizeof engine, "%s/%s", source[0] == '/' || start == NULL ? "" : start, source);
    FILE *in = fopen(engine, "r");
    cr_assert(in != NULL, "no %s", engine);
    char line[512];
    bool push = false, seed = false;
    while (fgets(line, sizeof line, in) != NULL) {
        push = push || strstr(line, "parent->grad += local * grad;") != NULL;
        seed = seed || strstr(line, "root->grad += seed;") != NULL;
    }
    fclose(in);
    cr_expect(push && seed, "engine/backward.c has other words now than player.js");
    write_page(expression(), NULL);
    expect_part("[\"parent->grad\", \"+=\", \"local\", \"*\", \"grad;\"]");
    expect_part("root->grad += seed;");
}

Test(player, labels_of_any_text_are_safe)
{
    Value *a = named_param(1, "</script><script>alert(1)</script>");
    Value *b = named_param(2, "\"'&<b>\\N{TITLE}\xE2\x80\xA8\x01\n{NUMBERS}");
    Value *c = named_param(3, "]]><!-- \xE7\x84\xA1\xE9\x99\x90 \xFF");
    Value *L = v_label(v_mul(v_add(a, b), c), "</title><img src=x onerror=alert(1)>");
    write_page(L, NULL);
    expect_picture_well_formed();
    cr_expect_eq(count_of("<script"), 3, "a label became a script");
    cr_expect_eq(count_of("</script>"), 3, "a label ended a script");
    cr_expect_eq(count_of("<img"), 0, "a label became an image");
    expect_part("&lt;/title&gt;&lt;img src=x");
    cr_expect_eq(count_of("\xE2\x80\xA8"), 0, "U+2028 is in the page");
    expect_part("\\u003c/script\\u003e\\u003cscript\\u003ealert(1)\\u003c/script\\u003e");
    expect_part("{TITLE}"); /* the label's own: not replaced by the title */
}

Test(player, a_label_of_20000_characters_is_cut)
{
    char *label = malloc(20001);
    memset(label, 'x', 20000);
    label[20000] = '\0';
    write_page(v_mul(named_param(2, label), 3), NULL);
    cr_expect_lt(strlen(page), 80000, "%zu bytes", strlen(page));
    free(label);
}

Test(player, a_page_of_a_hundred_nodes_stays_below_200_kilobytes)
{
    Value *x[20], *w[20], *terms[59];
    for (size_t i = 0; i < 20; i++) {
        x[i] = v_input(g, (double)i);
        w[i] = v_param(g, 0.01 * (double)i);
    }
    for (size_t i = 0; i < 59; i++)
        terms[i] = i == 0 ? v_dot(w, x, 20) : v_tanh(v_label(terms[i - 1], "a label of some length"));
    Value *root = v_sum(terms, 59);
    cr_assert_eq(value_number(root) + 1, 100, "the test has %zu nodes", value_number(root) + 1);
    write_page(root, &(PlayerOptions){.without_dot = true});
    cr_expect_lt(strlen(page), 200 * 1000, "%zu bytes beside the picture", strlen(page));
}

Test(player, the_same_graph_gives_the_same_bytes)
{
    Value *L = expression();
    write_page(L, NULL);
    char *first = page;
    page = NULL;
    write_page(L, NULL);
    cr_expect_str_eq(first, page, "two pages of one graph differ");
    free(first);
}

Test(player, numbers_have_as_many_digits_as_asked)
{
    Value *x = named_param(1.0 / 3, "x");
    write_page(v_mul(x, x), &(PlayerOptions){.digits = 17});
    expect_part("\"digits\":17");
    expect_part("\"data\":0.3333333333333333}"); /* as many as it takes to read the same number again */
    write_page(v_mul(x, x), NULL);
    expect_part("\"digits\":4");
    if (has_dot())
        expect_part(">0.3333<");
}

/* A suite of their own, without a folder: nobody would remove it after an abort. */
Test(player_misuse, digits_beyond_a_double, .signal = SIGABRT)
{
    player_write(v_param(graph_new(), 1), path, &(PlayerOptions){.digits = 18}, &error);
}

Test(player_misuse, a_member_of_a_group_that_is_null, .signal = SIGABRT)
{
    Value *members[] = {NULL};
    const DotGroup group = {.name = "layer", .members = members, .member_count = 1};
    const PlayerOptions options = {.without_dot = true, .groups = &group, .group_count = 1};
    player_write(v_param(graph_new(), 1), path, &options, &error);
}

Test(player, a_root_without_params_and_a_lone_leaf_have_pages)
{
    write_page(v_mul(v_input(g, 4), 2.5), NULL);
    expect_picture_well_formed();
    cr_expect_eq(count_of("\"wants\":true"), 0, "a node without params wants a gradient");
    write_page(v_param(g, 4), NULL);
    expect_picture_well_formed();
}

Test(player, numbers_that_are_none_are_written_as_such)
{
    Value *x = named_param(0, "x");
    write_page(v_mul(v_log(x), x), NULL);
    expect_picture_well_formed();
    expect_part("\"data\":\"nan\"");
    expect_part("\"data\":\"-inf\"");
}

Test(player, every_op_has_its_reason_in_words)
{
    for (int op = OP_CONST + 1; op < OP_COUNT; op++) {
        Value *x = v_param(g, 0.5), *pair[] = {x, x};
        const OpShape shape = op_table[op].shape;
        Value *y = shape == SHAPE_UNARY    ? value_unary((OpCode)op, x, HERE)
                   : shape == SHAPE_BINARY ? value_binary((OpCode)op, x, x, HERE)
                   : shape == SHAPE_LIST   ? value_list((OpCode)op, pair, 2, HERE)
                                           : value_pairs((OpCode)op, pair, pair, 2, NULL, HERE);
        char empty[64];
        write_page(y, &(PlayerOptions){.without_dot = true});
        snprintf(empty, sizeof empty, "\"%s\":{\"why\":\"\"", op_table[op].name);
        cr_expect_eq(count_of(empty), 0, "%s has no words in player.c", op_table[op].name);
        snprintf(empty, sizeof empty, "\"%s\":{\"why\":\"", op_table[op].name);
        expect_part(empty);
        snprintf(empty, sizeof empty, "\ndouble %s_forward(", op_table[op].name);
        expect_part(empty);
        snprintf(empty, sizeof empty, "\ndouble %s_da(double a, double ", op_table[op].name);
        expect_part(empty);
    }
}

Test(player, a_page_has_the_functions_of_its_ops_and_of_those_that_they_call)
{
    write_page(v_softplus(named_param(1, "x")), NULL);
    expect_part("double softplus_da(double a, double b, double y) { return sigmoid_forward(a, b); }");
    expect_part("double sigmoid_forward(");
    expect_part("double relu_forward(");
    cr_expect_eq(count_of("\ndouble "), 4, "%zu functions", count_of("\ndouble "));
}

Test(player, formulas_have_places_for_names_and_numbers)
{
    char text[TEXT_SIZE];
    Value *x = named_param(2, "a + b"), *y = v_tanh(v_mul(x, -3));
    cr_expect_str_eq(text_expression(y->a, TEXT_PLACES, 4, text), "(#0) * (#1)", "%s", text);
    cr_expect_str_eq(text_expression(y, TEXT_PLACES, 4, text), "tanh(#2)", "%s", text);
    cr_expect_str_eq(text_formula_places("1 - y * y", text), "1 - (#y)*(#y)", "%s", text);
    cr_expect_str_eq(text_formula_places("b * pow(a, b - 1)", text), "(#b)*pow(#a, (#b) - 1)", "%s", text);
}

Test(player, groups_are_drawn_open_and_the_page_is_told_which_are_closed)
{
    Value *L = expression();
    Value *members[] = {L->a->a, L->a};
    DotGroup groups[] = {{.name = "sum", .members = members, .member_count = 2, .collapsed = true},
                         {.name = "leaves", .first = 0, .end = 2, .inside = &groups[0]}};
    write_page(L, &(PlayerOptions){.groups = groups, .group_count = 2});
    expect_part("{\"collapsed\":true,\"name\":\"sum\",\"first\":0,\"end\":0,\"members\":[2,4]}");
    expect_part("{\"collapsed\":false,\"name\":\"leaves\",\"inside\":0,\"first\":0,\"end\":2,\"members\":[]}");
    if (has_dot()) {
        cr_expect_eq(count_of("class=\"node "), 7, "%zu nodes drawn", count_of("class=\"node "));
        cr_expect_eq(count_of("id=\"cluster_"), 2, "%zu frames drawn", count_of("id=\"cluster_"));
    }
}

Test(player, where_dot_is_missing_there_is_a_page_all_the_same)
{
    setenv("PATH", "/nonexistent", 1);
    Value *L = expression();
    write_page(L, NULL);
    expect_picture_well_formed();
    char *by_itself = page;
    page = NULL;
    write_page(L, &(PlayerOptions){.without_dot = true});
    cr_expect_str_eq(by_itself, page, "without dot the page is another than without_dot's");
    free(by_itself);
}

/* x + x + ... as often as asked: the edges from x cross 1, 2, 3 ... ranks. */
static Value *repeated_sum(size_t additions)
{
    Value *x = named_param(0.5, "x"), *y = x;
    for (size_t i = 0; i < additions; i++)
        y = v_add(y, x);
    return y;
}

Test(player, dot_is_not_asked_where_it_would_take_long)
{
    write_page(repeated_sum(30), NULL);
    cr_expect(strstr(page, "class=\"node") != NULL, "a small graph was not drawn by dot");
    Value *y = repeated_sum(100); /* dot took over 100 s */
    write_page(y, NULL);
    char *usual = page;
    page = NULL;
    write_page(y, &(PlayerOptions){.without_dot = true});
    cr_expect_str_eq(usual, page, "dot was asked to draw 100 additions of one param");
    free(usual);
}

/* ---- what goes wrong ---- */

Test(player, more_than_1500_nodes_are_refused_with_what_to_do)
{
    Value *x = named_param(1, "x");
    for (int i = 0; i < PLAYER_MAX_NODES; i++)
        x = v_neg(x);
    cr_expect_not(player_write(x, path, NULL, &error), "a page of 1501 nodes was written");
    expect_message("1501");
    expect_message("1500");
    expect_message("smaller");
    cr_expect(access(path, F_OK) != 0, "a file was left");
}

Test(player, a_chain_of_1500_nodes_is_played)
{
    Value *x = named_param(1, "x"), *w = named_param(0.5, "w");
    while (value_number(x) + 1 < PLAYER_MAX_NODES)
        x = v_mul(x, w);
    write_page(x, &(PlayerOptions){.without_dot = true});
    cr_expect_eq(count_of("{\"number\":"), PLAYER_MAX_NODES, "%zu nodes played", count_of("{\"number\":"));
}

Test(player, a_folder_that_is_missing_is_an_error)
{
    cr_expect_not(player_write(expression(), "no/such/folder.html", NULL, &error), "written to nowhere");
    expect_message("no/such/folder.html");
}

#ifdef __linux__
Test(player, a_full_disk_is_an_error)
{
    cr_expect_not(player_write(expression(), "/dev/full", NULL, &error), "written to a full disk");
    expect_message("/dev/full");
}
#endif

Test(player, running_out_of_memory_anywhere_is_an_error_and_changes_nothing)
{
    Value *L = expression();
    backward(L);
    const double before = L->a->grad;
    int failures = 0;
    for (int n = 0; n < 200; n++) {
        memory_lasts((size_t)n);
        const bool ok = player_write(L, path, &(PlayerOptions){.without_dot = true}, &error);
        memory_restore();
        cr_expect_eq(L->a->grad, before, "with %d allocations a gradient became %g", n, L->a->grad);
        if (ok)
            break;
        failures++;
        cr_expect(access(path, F_OK) != 0, "with %d allocations a file was left", n);
        cr_expect(strstr(error.message, "memory") != NULL, "with %d allocations: %s", n, error.message);
    }
    cr_expect(failures > 4 && failures < 200, "%d failures before it worked", failures);
}
