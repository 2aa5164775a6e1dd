/* test_expression.c - an expression as text means what it means in mathematics, and what is not an expression is
 * reported where and why. */
#define _POSIX_C_SOURCE 200809L /* open_memstream */
#include <criterion/criterion.h>

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backward.h"
#include "draw/expression.h"
#include "draw/place.h"
#include "draw/token.h"
#include "loss.h"
#include "memory.h"
#include "no_memory.h"

TestSuite(expression, .timeout = 1800);

static const Given given[] = {{"x", 3}, {"y", 0.5}, {"z", -2}};
enum { GIVEN = sizeof given / sizeof *given };

static Expression build(const char *text)
{
    Expression expression;
    ExpressionError error;
    const bool built = expression_build(&expression, text, strlen(text), given, GIVEN, &error);
    cr_assert(built, "%s: %s", text, error.error.message);
    return expression;
}

static void expect_value_of(const char *text, double want, const char *name)
{
    Expression e = build(text);
    const double got = e.root->data;
    /* both are computed by the same operations in the same order: no bit may differ */
    cr_expect(got == want || (isnan(got) && isnan(want)), "%s: got %.17g, want %.17g", name, got, want);
    expression_free(&e);
}

static void expect_value(const char *text, double want) { expect_value_of(text, want, text); }

/* ---- meaning ----------------------------------------------------------------------------------------------------- */

typedef struct Row {
    const char *text;
    double want;
} Row;

static void expect_values(const Row *table, size_t count)
{
    for (size_t i = 0; i < count; i++)
        expect_value(table[i].text, table[i].want);
}

#define EXPECT_VALUES(table) expect_values(table, sizeof(table) / sizeof *(table))

Test(expression, operators_bind_as_in_mathematics)
{
    const double x = 3, y = 0.5, z = -2;
    const Row table[] = {
        {"x + y * z", x + y * z},     {"(x + y) * z", (x + y) * z}, {"x - y - z", (x - y) - z},
        {"x - (y - z)", x - (y - z)}, {"x / y / z", (x / y) / z},   {"x / y * z", (x / y) * z},
        {"x * y / z", (x * y) / z},
    };
    EXPECT_VALUES(table);
}

Test(expression, powers_signs_and_bars_bind_as_in_mathematics)
{
    const Row table[] = {
        {"-x^2", -9},    {"(-x)^2", 9},        {"-x**2", -9},      {"2^3^2", 512},
        {"2**3^2", 512}, {"(2^3)^2", 64},      {"2^-3", 0.125},    {"2^-x^2", pow(2, -9)},
        {"2^-3*4", 0.5}, {"2*-3^2", -18},      {"-x*y", -1.5},     {"-x - -y", -2.5},
        {"--x", 3},      {"-+-x", 3},          {"+x", 3},          {"x^2/y", 18},
        {"x*y^2", 0.75}, {"|z|", 2},           {"||z| - |x||", 1}, {"|z|*|x|", 6},
        {"-|z|^2", -4},  {"|x - |z - 1||", 0}, {"((((x))))", 3},   {"1 + 2 * 3 - 4 / 8 ^ 2", 1 + 2 * 3 - 4.0 / 64},
    };
    EXPECT_VALUES(table);
}

Test(expression, numbers_are_read_in_every_form)
{
    const struct {
        const char *text;
        double want;
    } table[] = {{"1", 1},           {".5", .5},      {"5.", 5},         {"1e-3", 1e-3}, {"1E+3", 1e3},
                 {"0x10", 16},       {"0x1.8p3", 12}, {"0X.8P-1", 0.25}, {"0.1", 0.1},   {"1e308", 1e308},
                 {"5e-324", 5e-324}, {"00012", 12},   {"0e999", 0},      {"-0.0", -0.0}, {"-3", -3}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        expect_value(table[i].text, table[i].want);
}

Test(expression, every_op_of_the_table_is_a_function)
{
    size_t seen = 0;
    for (int op = OP_CONST + 1; op < OP_COUNT; op++) {
        const OpShape shape = op_table[op].shape;
        char text[64];
        snprintf(text, sizeof text, "%s(%s)", op_table[op].name,
                 shape == SHAPE_UNARY   ? "y"
                 : shape == SHAPE_PAIRS ? "x, y, z, x"
                                        : "x, y");
        Expression e = build(text);
        cr_expect_eq(e.root->op, (OpCode)op, "%s built %s", text, op_table[e.root->op].name);
        const double a[] = {3, 0.5, -2, 3};
        const double want = shape == SHAPE_UNARY    ? op_table[op].forward(0.5, 0)
                            : shape == SHAPE_BINARY ? op_table[op].forward(3, 0.5)
                                                    : op_table[op].list_forward(2, a, a + 2, 1);
        cr_expect_eq(e.root->data, want, "%s: got %.17g, want %.17g", text, e.root->data, want);
        expression_free(&e);
        seen++;
    }
    cr_expect_eq(seen, (size_t)(OP_COUNT - OP_CONST - 1), "%zu ops were tried", seen);
}

Test(expression, lists_of_operands)
{
    expect_value("max(x, y, 7, z)", 7);
    expect_value("min(x, y, 7, z)", -2);
    expect_value("sum(x, y, z, 1)", 2.5);
    expect_value("sum([x, y])", 3.5);
    expect_value("dot([x, y], [z, 2])", -5);
    expect_value("dot([x, y], [z, 2], 10)", 5);
    expect_value("dot([x + 1], [2*y])", 4);
    expect_value("sum(max(x, y), |z|, sum([x]))", 8);
    expect_value("exp(logsumexp(x))", exp(3));
}

Test(expression, losses_are_those_of_the_engine)
{
    for (int both = 0; both < 2; both++) {
        Expression e = build(both == 0 ? "log_softmax([x, y, z], 2)" : "cross_entropy([x, y, z], 2)");
        Value *logits[] = {e.definitions[0].value, e.definitions[1].value, e.definitions[2].value};
        const Value *want = both == 0 ? log_softmax_at(logits, 3, 2) : cross_entropy(logits, 3, 2);
        cr_expect_eq(e.root->data, want->data, "got %.17g, want %.17g", e.root->data, want->data);
        cr_expect(fabs(want->data) > 5, "a loss of %g says little", want->data); /* p of z is below e⁻⁵ */
        expression_free(&e);
    }
}

Test(expression, gradients_flow_to_the_variables_and_to_no_number)
{
    Expression e = build("k = 4; L = x*x*y + k*z");
    backward(e.root);
    const double want[] = {3, 9, 4}; /* 2xy, x², k */
    for (size_t i = 0; i < GIVEN; i++)
        cr_expect_eq(e.definitions[i].value->grad, want[i], "dL/d%s: got %g, want %g", e.definitions[i].name,
                     e.definitions[i].value->grad, want[i]);
    cr_expect_eq(e.definitions[GIVEN].value->op, OP_CONST, "k is not a constant");
    expression_free(&e);
}

Test(expression, a_negative_number_is_one_constant)
{
    Expression e = build("x * -2");
    cr_expect_eq(value_parent(e.root, 1)->op, OP_CONST, "-2 is a node that negates");
    cr_expect_eq(value_parent(e.root, 1)->data, -2, "-2 is %g", value_parent(e.root, 1)->data);
    expression_free(&e);
    e = build("k = 2; x * -k + k");
    cr_expect_eq(e.root->data, -4, "-k changed k itself: got %g, want -4", e.root->data);
    expression_free(&e);
}

Test(expression, a_name_is_one_node_however_often_it_is_used)
{
    Expression e = build("a = x + 1\nL = a*a");
    cr_expect_eq(value_parent(e.root, 0), value_parent(e.root, 1), "a stands for two nodes");
    cr_expect_str_eq(value_parent(e.root, 0)->label, "a", "a is called %s", value_parent(e.root, 0)->label);
    cr_expect_str_eq(e.root->label, "L", "L is called %s", e.root->label);
    expression_free(&e);
}

static void expect_root_name(const char *text, const char *want)
{
    Expression e = build(text);
    const char *got = e.root->label != NULL ? e.root->label : "(none)";
    cr_expect_str_eq(got, want, "%s: the root is called %s, want %s", text, got, want);
    expression_free(&e);
}

Test(expression, the_root_is_called_L_unless_that_is_taken)
{
    expect_root_name("x*y", "L");
    expect_root_name("f = x*y", "f");
    expect_root_name("x*y; z*y", "L");
    expect_root_name("d = x*y; d", "d");
    expect_root_name("b = x", "x");
    expect_root_name("L = x; a = L*y; a + 1", "(none)");
    expect_root_name("L = x*y; L + 1", "(none)");
}

Test(expression, statements_stand_on_lines_or_between_semicolons)
{
    expect_value("a = x; b = a*2\n\n;; # nothing\nb + 1 # the root", 7);
    expect_value("a = (x +\n  y) *\t2\r\na", 7);
    expect_value("\xEF\xBB\xBFx # a byte order mark, and \xFF in a comment", 3);
    expect_value("sum(x,\n y,\n\n z\n)", 1.5);
}

Test(expression, signs_and_letters_of_mathematics_are_understood)
{
    expect_value("größe₁ = x·y − 2×z ÷ 4; größe₁ + x", 5.5);
    expect_value("Δ = x; _a1 = Δ^2; _a1", 9);
}

Test(expression, what_is_not_used_is_known)
{
    Expression e = build("a = x*2; y + 1; x^2");
    const bool want[] = {true, true, false, false, false, true}; /* x y z, then the statements */
    cr_assert_eq(e.definition_count, 6u, "%zu definitions, want 6", e.definition_count);
    for (size_t i = 0; i < 6; i++)
        cr_expect_eq(e.definitions[i].is_used, want[i], "definition %zu: is_used is %d", i, e.definitions[i].is_used);
    cr_expect_eq(e.definitions[4].offset, 9u, "y + 1 stands at %zu, want 9", e.definitions[4].offset);
    expression_free(&e);
}

/* ---- errors ------------------------------------------------------------------------------------------------------ */

/* What a user reads, in full; to be freed. */
static char *complaint(const char *text, size_t length, const char *file)
{
    Expression expression;
    ExpressionError error;
    char *said = NULL;
    size_t size = 0;
    const bool built = expression_build(&expression, text, length, given, GIVEN, &error);
    cr_assert_not(built, "%s was built", text);
    cr_assert_null(expression.graph, "%s: something is left to free", text);
    FILE *out = open_memstream(&said, &size);
    expression_error_print(&error, text, length, "draw", file, out);
    fclose(out);
    return said;
}

static void expect_complaint(const char *text, const char *want)
{
    char *got = complaint(text, strlen(text), NULL);
    cr_expect_str_eq(got, want, "got:\n%swant:\n%s", got, want);
    free(got);
}

Test(expression, an_error_points_at_its_column)
{
    expect_complaint("L = (x *)", "draw: 1:9: expected an operand after '*', found ')'\n"
                                  "  L = (x *)\n"
                                  "          ^\n");
    expect_complaint("a = x\n\tb = a +\nc = 2", "draw: 2:9: expected an operand after '+', found the end of the line\n"
                                                "   b = a +\n"
                                                "          ^\n");
    expect_complaint("größe = x ** * y", "draw: 1:14: expected an operand after '**', found '*'\n"
                                         "  größe = x ** * y\n"
                                         "               ^\n");
    char *got = complaint("漢字 = x $ 1", strlen("漢字 = x $ 1"), "a.txt");
    cr_expect_str_eq(got, "draw: a.txt:1:8: '$' has no meaning here\n  漢字 = x $ 1\n           ^\n",
                     "wide characters: got:\n%s", got);
    free(got);
}

/* Only the first line, behind "draw: ". */
static void expect_error(const char *text, const char *want)
{
    char *got = complaint(text, strlen(text), NULL);
    got[strcspn(got, "\n")] = '\0';
    cr_expect_str_eq(got + strlen("draw: "), want, "%s\ngot:  %s\nwant: %s", text, got + strlen("draw: "), want);
    free(got);
}

static void expect_errors(const char *const table[][2], size_t count)
{
    for (size_t i = 0; i < count; i++)
        expect_error(table[i][0], table[i][1]);
}

#define EXPECT_ERRORS(table) expect_errors(table, sizeof(table) / sizeof *(table))

Test(expression, an_operand_or_an_operator_that_is_missing_is_named)
{
    static const char *const table[][2] = {
        {"", "1:1: expected an expression, found the end of the text: write one, such as L = (x - 1)^2"},
        {" # x", "1:5: expected an expression, found the end of the text: write one, such as L = (x - 1)^2"},
        {"a =", "1:4: expected an operand after '=', found the end of the text"},
        {"* x", "1:1: expected an expression, found '*'"},
        {"x;)", "1:3: expected an expression, found ')'"},
        {"x +", "1:4: expected an operand after '+', found the end of the text"},
        {"x + ;", "1:5: expected an operand after '+', found ';'"},
        {"x y", "1:3: expected an operator after 'x', found 'y': for a product put * between them"},
        {"2x", "1:2: expected an operator after '2', found 'x': for a product put * between them"},
        {"2(x)", "1:2: expected an operator after '2', found '(': for a product put * between them"},
        {"(x)(y)", "1:4: expected an operator after ')', found '(': for a product put * between them"},
    };
    EXPECT_ERRORS(table);
}

Test(expression, a_function_that_is_missing_has_a_replacement)
{
    static const char *const table[][2] = {
        {"ln(x)", "1:1: there is no function 'ln': write log(x)"},
        {"x + tan(x)", "1:5: there is no function 'tan': write sin(x)/cos(x)"},
        {"mean(x, y)", "1:1: there is no function 'mean': write sum(a, b)/2"},
        {"softmax(x, y)", "1:1: there is no function 'softmax': write exp(a - logsumexp(a, b))"},
        {"x(y)", "1:2: expected an operator after 'x', found '(': for a product put * between them"},
    };
    EXPECT_ERRORS(table);
}

Test(expression, a_bracket_that_is_not_closed_is_named)
{
    static const char *const table[][2] = {
        {"(x", "1:3: expected ')' to close the '(' at 1:1, found the end of the text"},
        {"(x; y", "1:3: expected ')' to close the '(' at 1:1, found ';'"},
        {"(x]", "1:3: expected ')' to close the '(' at 1:1, found ']'"},
        {"(|x)|", "1:4: expected '|' to close the '|' at 1:2, found ')'"},
        {"|x", "1:3: expected '|' to close the '|' at 1:1, found the end of the text"},
        {"x)", "1:2: ')' closes nothing: there is no '(' before it"},
        {"x]", "1:2: ']' closes nothing: there is no '[' before it"},
        {"x, y", "1:2: expected an operator or the end of the statement after 'x', found ','"},
        {"(x, y)", "1:3: expected ')' to close the '(' at 1:1, found ','"},
        {"()", "1:2: expected an operand after '(', found ')'"},
        {"x + y = 2", "1:7: expected an operator after 'y', found '=': only one name can stand before it, at the start "
                      "of a statement, as in a = x*y"},
        {"a := x", "1:3: ':' has no meaning here: a name is given with =, as in a = x*y"},
    };
    EXPECT_ERRORS(table);
}

Test(expression, a_function_says_how_many_operands_it_takes)
{
    static const char *const table[][2] = {
        {"tanh x", "1:6: expected '(' after the function tanh, found 'x'"},
        {"tanh()", "1:6: expected an operand after '(', found ')'"},
        {"tanh(x, y)", "1:1: tanh takes 1 operand, found 2"},
        {"1 + pow(x)", "1:5: pow takes 2 operands, found 1"},
        {"max(x)", "1:1: max takes 2 operands or more, found 1"},
        {"sum(x y)", "1:7: expected an operator after 'x', found 'y': for a product put * between them"},
        {"sum(x; y)", "1:6: expected ',' or ')' to close the '(' at 1:4, found ';'"},
        {"sum(x, )", "1:8: expected an operand after ',', found ')'"},
        {"sum([x], y)", "1:1: sum takes operands, (a, b), or one list of them, ([a, b])"},
        {"sum(x, [y])", "1:8: sum takes no list here"},
        {"exp([x])", "1:5: exp takes no list here"},
    };
    EXPECT_ERRORS(table);
}

Test(expression, a_function_says_which_lists_it_takes)
{
    static const char *const table[][2] = {
        {"[x]", "1:1: a list can only be an operand of dot, sum, logsumexp, log_softmax or cross_entropy: for an "
                "expression use ( )"},
        {"max(x, [y])", "1:8: max takes no list here"},
        {"dot([x], [y], [z])", "1:15: dot takes no list here"},
        {"dot([x, y], [z])", "1:1: dot takes two lists of one length, ([a, b], [c, d]), or as many operands, (a, b, c, "
                             "d)"},
        {"dot([x], [y], z, z)", "1:1: dot takes two lists of one length, ([a, b], [c, d]), or as many operands, (a, b, "
                                "c, d)"},
        {"dot([x], y)", "1:1: dot takes two lists of one length, ([a, b], [c, d]), or as many operands, (a, b, c, d)"},
        {"dot([x] [y])", "1:9: expected ',' or ')' to close the '(' at 1:4, found '['"},
        {"cross_entropy([x] 0)", "1:19: expected ',' or ')' to close the '(' at 1:14, found '0'"},
        {"dot([x]*2, [y])", "1:8: expected ',' or ')' to close the '(' at 1:4, found '*'"},
        {"dot([x; y])", "1:7: expected ',' or ']' to close the '[' at 1:5, found ';'"},
        {"dot(x, y, z)", "1:1: dot takes two lists of one length, ([a, b], [c, d]), or as many operands, (a, b, c, d), "
                         "found 3"},
        {"cross_entropy([x, y], 2)", "1:1: cross_entropy takes as its class a number in the text, from 0 to 1"},
        {"cross_entropy([x, y], z)", "1:1: cross_entropy takes as its class a number in the text, from 0 to 1"},
        {"log_softmax(x, 0)", "1:1: log_softmax takes a list of logits and a class, ([z0, z1], 1), found 2"},
    };
    EXPECT_ERRORS(table);
}

Test(expression, a_name_has_one_value_and_one_meaning)
{
    static const char *const table[][2] = {
        {"exp = x", "1:1: 'exp' is the name of a function: choose another name"},
        {"x = 2", "1:1: 'x' was given the value 3: define another name, or do not give it a value"},
        {"a = x; a = y", "1:8: 'a' is defined already, at 1:1: choose another name"},
        {"a = b; b = 2", "1:5: 'b' is used before it is defined, at 1:8: put that statement first"},
        {"a = a + 1", "1:5: 'a' is used in its own definition: define it by other names"},
        {"x + q", "1:5: q has no value: give it one, as in q=1"},
        {"pi*x", "1:1: pi has no value: give it one, as in pi=3.141592653589793"},
        {"q + r*q", "1:1: q, r have no value: give each one, as in q=1 r=1"},
        {"a+b+c+d+f+g+h", "1:1: a, b, c, d, f, g, … have no value: give each one, as in a=1 b=1 c=1 d=1 f=1 g=1, …"},
    };
    EXPECT_ERRORS(table);
}

Test(expression, a_number_or_a_character_that_cannot_be_read_is_named)
{
    static const char *const table[][2] = {
        {"1e999", "1:1: 1e999 is too large for a double: at most 1.79e308"},
        {"1e-999", "1:1: 1e-999 is too small for a double: at least 4.95e-324, or 0"},
        {"0x1p5000", "1:1: 0x1p5000 is too large for a double: at most 1.79e308"},
        {"1.2.3", "1:1: 1.2. has a second point: write one number, or an operator between two"},
        {"x²", "1:2: '²' is not read as a power: write ^ and the exponent"},
        {"x \xFF y", "1:3: the byte 0xFF is not UTF-8: save the text as UTF-8"},
        {"x \xC0\xAF", "1:3: the byte 0xC0 is not UTF-8: save the text as UTF-8"},
        {"x \x1B[31m", "1:3: the character U+001B has no meaning here"},
        {"x “", "1:3: the character U+201C has no meaning here"},
    };
    EXPECT_ERRORS(table);
}

Test(expression, a_NUL_is_told_of_and_hides_nothing)
{
    char *got = complaint("x + 1\0; $", 9, NULL);
    cr_expect_str_eq(got, "draw: 1:6: the character U+0000 has no meaning here\n  x + 1\xEF\xBF\xBD; $\n       ^\n",
                     "got:\n%s", got);
    free(got);
}

Test(expression, nothing_that_steers_a_terminal_is_printed)
{
    char *got = complaint("x $ \x1B[2J \x9B \xC2\x9B \xE2\x80\xAE", 15, NULL);
    for (const unsigned char *c = (const unsigned char *)got; *c != '\0'; c++)
        cr_expect(*c == '\n' || (*c >= ' ' && *c != 0x7F), "the byte 0x%02X was printed", *c);
    cr_expect(strstr(got, "\xC2\x9B") == NULL && strstr(got, "\xE2\x80\xAE") == NULL, "a control character: %s", got);
    free(got);
}

Test(expression, of_a_long_line_the_part_around_the_error_is_shown)
{
    enum { TERMS = 1000 };
    char text[TERMS * 4 + 64] = "";
    for (size_t i = 0; i < TERMS; i++)
        memcpy(text + 4 * i, "x + ", 4);
    strcpy(text + 4 * TERMS, "* y + x + x + x + x + x + x + x + x + x");
    char *got = complaint(text, strlen(text), NULL);
    const char *excerpt = strchr(got, '\n') + 1;
    const char *caret = strchr(excerpt, '\n') + 1;
    cr_expect(strncmp(got, "draw: 1:4001: ", 14) == 0, "got %.40s", got);
    cr_expect(caret - excerpt < 100, "the excerpt is %td bytes long", caret - excerpt);
    /* 2 columns of indent, 1 of the ellipsis (3 bytes), 48 before the error */
    cr_expect_eq(strcspn(caret, "^"), 51u, "the caret is at %zu", strcspn(caret, "^"));
    cr_expect_eq(excerpt[51 + 2], '*', "under the caret is '%c'", excerpt[51 + 2]);
    free(got);
}

Test(expression, a_value_is_given_once_and_to_a_name)
{
    const Given twice[] = {{"a", 1}, {"a", 2}}, no_name[] = {{"1a", 1}}, function[] = {{"log", 1}};
    Expression e;
    ExpressionError error;
    cr_expect_not(expression_build(&e, "a", 1, twice, 2, &error), "two values were taken");
    cr_expect_str_eq(error.error.message, "'a' was given two values, 1 and 2: give it one", "got %s",
                     error.error.message);
    cr_expect_not(expression_build(&e, "1", 1, no_name, 1, &error), "1a was taken as a name");
    cr_expect_str_eq(error.error.message, "'1a' is not a name: a name is a letter or _, then letters, digits and _",
                     "got %s", error.error.message);
    cr_expect_not(expression_build(&e, "1", 1, function, 1, &error), "log was taken as a name");
    cr_expect_str_eq(error.error.message, "'log' is the name of a function: choose another name", "got %s",
                     error.error.message);
}

Test(expression, numbers_are_read_whatever_the_locale)
{
    const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "de_DE"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (setlocale(LC_NUMERIC, names[i]) != NULL)
            break;
    expect_value("1.5 + .25", 1.75);
    setlocale(LC_NUMERIC, "C");
}

/* ---- size, memory ------------------------------------------------------------------------------------------------ */

/* `piece` n times, then `end`. */
static char *repeated(const char *piece, size_t n, const char *end)
{
    const size_t bytes = strlen(piece);
    char *text = malloc(n * bytes + strlen(end) + 1);
    cr_assert_not_null(text, "no memory for a long text");
    for (size_t i = 0; i < n; i++)
        memcpy(text + i * bytes, piece, bytes);
    strcpy(text + n * bytes, end);
    return text;
}

Test(expression, a_megabyte_of_anything_ends)
{
    enum { MEGABYTE = 1000 * 1000 };
    const char *const pieces[] = {"(", "|", "-", "x+", "x^", "exp(", "1", "a", ";", "[", "dot([", "\xFF", "max(x,"};
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        char *text = repeated(pieces[i], MEGABYTE / strlen(pieces[i]), "");
        char *said = complaint(text, strlen(text), NULL);
        cr_expect(strlen(said) < 1000, "%s: the message has %zu bytes", pieces[i], strlen(said));
        free(said);
        free(text);
    }
}

Test(expression, a_hundred_thousand_statements_are_built)
{
    enum { STATEMENTS = 100000, LINE = 32 };
    char *text = malloc((size_t)STATEMENTS * LINE);
    size_t length = (size_t)sprintf(text, "a0 = x\n");
    for (int i = 1; i < STATEMENTS; i++)
        length += (size_t)sprintf(text + length, "a%d = a%d + 1\n", i, i - 1);
    Expression e = build(text);
    cr_expect_eq(e.root->data, 3 + STATEMENTS - 1, "got %g", e.root->data);
    expression_free(&e);
    free(text);
}

Test(expression, a_text_that_is_too_long_is_refused)
{
    char *text = repeated("x+", EXPRESSION_BYTES_MOST / 2, "x");
    char *said = complaint(text, strlen(text), "a.txt");
    cr_expect_str_eq(said, "draw: a.txt: a text of 4194305 bytes is too long: at most 4194304\n", "got %s", said);
    free(said);
    free(text);
}

/* `opening` and `closing` so many times around x: an error at x where that is too many. */
static void expect_nesting(const char *opening, const char *closing, size_t levels)
{
    char *end = repeated(closing, levels, ""), *begin = repeated(opening, levels, "x");
    char *text = malloc(strlen(begin) + strlen(end) + 1);
    cr_assert_not_null(text, "no memory for a long text");
    strcat(strcpy(text, begin), end);
    Expression e;
    ExpressionError error = {0};
    const bool built = expression_build(&e, text, strlen(text), given, GIVEN, &error);
    if (built)
        expression_free(&e);
    cr_expect_eq(built, levels < EXPRESSION_LEVELS_MOST, "%zu of %s: %s", levels, opening, error.error.message);
    const char *want = "more than 1000 brackets and exponents inside one another: ";
    cr_expect(built || strncmp(error.error.message, want, strlen(want)) == 0, "got %s", error.error.message);
    cr_expect(built || error.offset == levels * strlen(opening), "%s: at %zu", opening, error.offset);
    free(text);
    free(begin);
    free(end);
}

Test(expression, nesting_has_a_bound)
{
    const char *const table[][2] = {{"(", ")"},    {"|", "|"},      {"x^", ""},
                                    {"exp(", ")"}, {"sum([", "])"}, {"max(", ",x)"}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        for (size_t levels = EXPRESSION_LEVELS_MOST - 1; levels <= EXPRESSION_LEVELS_MOST; levels++)
            expect_nesting(table[i][0], table[i][1], levels);
}

Test(expression, chains_have_none)
{
    enum { LINKS = 1000 * 1000 };
    const struct {
        const char *link, *end;
        double want;
    } table[] = {{"-", "x", 3}, {"+", "x", 3}, {"y+", "y", 500000.5}, {"1*", "x", 3}};
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char *text = repeated(table[i].link, LINKS, table[i].end);
        expect_value_of(text, table[i].want, table[i].link);
        free(text);
    }
}

Test(expression, a_function_that_there_is_not_lists_those_that_there_are)
{
    char *got = complaint("1 + sinn(x)", strlen("1 + sinn(x)"), NULL);
    cr_expect(strncmp(got, "draw: 1:5: there is no function 'sinn': the functions are ", 58) == 0, "got %s", got);
    for (int op = OP_CONST + 1; op < OP_COUNT; op++)
        cr_expect(strstr(got, op_table[op].name) != NULL, "%s is not in %s", op_table[op].name, got);
    cr_expect(strstr(got, "cross_entropy; for a product put *") != NULL, "the list is cut: %s", got);
    free(got);
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

/* Build the text with every allocation failing in turn, once or from then on, until none was reached. What leaks or is
 * freed twice is found by the sanitizer. */
static void expect_memory_errors(const char *text, bool from_then_on)
{
    enum { TRIALS_MOST = 10000 };
    bool built = false;
    size_t limit = 0;
    for (; !built && limit < TRIALS_MOST; limit++) {
        Expression e;
        ExpressionError error;
        (from_then_on ? memory_lasts : memory_fails_once)(limit);
        built = expression_build(&e, text, strlen(text), given, GIVEN, &error);
        cr_expect_eq(memory_restore(), !built, "allocation %zu failed and nobody noticed", limit);
        cr_expect(built || strncmp(error.error.message, "no memory", 9) == 0, "allocation %zu: %s", limit,
                  error.error.message);
        if (built)
            expression_free(&e);
        else
            cr_expect_null(e.graph, "allocation %zu: something is left to free", limit);
    }
    cr_expect(built && limit > 5, "%zu allocations were too few, or the test allocates nothing", limit);
}

Test(expression, memory_that_runs_out_anywhere_is_an_error)
{
    char *nested = repeated("(", 1,
                            "x + exp(y)*z); b = dot([x, y], [z, x]); cross_entropy([x, b, ((((((((((((((((((x)"
                            ")))))))))))))))))], 1) + 1+2+3*(4-5*(6+7*(8-9*(10+y))))");
    char *chain = repeated("1+", 1200, "1; a + sum(x,x,x,x,x,x,x,x,x,x,x,x,x,x,x,1,2,3)"),
         *many = malloc(strlen(chain) + 3);
    strcat(strcpy(many, "a="), chain);
    for (int from_then_on = 0; from_then_on < 2; from_then_on++) {
        expect_memory_errors(nested, from_then_on);
        expect_memory_errors(many, from_then_on); /* several blocks of nodes, and a list of operands that grows */
    }
    free(nested);
    free(chain);
    free(many);
}
