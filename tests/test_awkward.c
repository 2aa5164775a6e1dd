/* test_awkward.c - values and gradients at the points where functions are not smooth, overflow, or meet nan and inf.
 *
 * Each line of tests/golden/awkward_rec.txt is a point:
 *
 *     pt OP [IMM] K a1 .. aK GOUT VALUE g1 .. gK
 *
 * The op is built on K params, seeded with GOUT, and walked back; then the value should be VALUE and the gradients g.
 * nan asks for nan, inf for inf, and any other number for at most 4 ulp: that is what a function of the C library may
 * be off by, and a product on top. The sign of a zero is free. Points that may miss the 4 ulp are listed one by one,
 * with the reason. The lines of lsm and xent are left to the suite loss.
 */
#include <criterion/criterion.h>
#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adg.h"
#include "stepgrad.h"

#define POINTS "tests/golden/awkward_rec.txt"

enum { LINE_BYTES = 4096, ARGS_MOST = 16, ULPS_ALLOWED = 4 };

typedef struct Point {
    char op_name[16];
    size_t op, imm, n;
    double args[ARGS_MOST];
    double seed, value;
    double grads[ARGS_MOST];
} Point;

/* Hex floats are read with a point, whatever the language of the machine. */
static void use_c_numbers(void) { setlocale(LC_NUMERIC, "C"); }

TestSuite(awkward, .init = use_c_numbers);

/* ---- reading ------------------------------------------------------------------------------------------------------
 */

static double read_number(char **cursor, const char *line)
{
    char *end;
    const double number = strtod(*cursor, &end);
    cr_assert(end != *cursor, POINTS ": a number is missing in: %s", line);
    *cursor = end;
    return number;
}

static void read_numbers(char **cursor, double *numbers, size_t n, const char *line)
{
    for (size_t i = 0; i < n; i++)
        numbers[i] = read_number(cursor, line);
}

static Point read_point(const char *line)
{
    Point point = {0};
    char text[LINE_BYTES];
    int used = 0;
    strcpy(text, line);
    cr_assert(sscanf(text, "pt %15s%n", point.op_name, &used) == 1, POINTS ": no point: %s", line);
    char *cursor = text + used;
    cr_assert(adg_find_op(point.op_name, &point.op), POINTS ": no op: %s", line);
    if (adg_op_has_imm(point.op))
        point.imm = (size_t)read_number(&cursor, line);
    point.n = (size_t)read_number(&cursor, line);
    cr_assert(point.n <= ARGS_MOST && adg_op_takes(point.op, point.n), POINTS ": wrong number of arguments: %s", line);
    read_numbers(&cursor, point.args, point.n, line);
    point.seed = read_number(&cursor, line);
    point.value = read_number(&cursor, line);
    read_numbers(&cursor, point.grads, point.n, line);
    cr_assert(cursor[strspn(cursor, " \n")] == '\0', POINTS ": more than belongs there: %s", line);
    return point;
}

/* ---- checking ------------------------------------------------------------------------------------------------------
 */

static double ulp(double x) { return nextafter(fabs(x), INFINITY) - fabs(x); }

static bool as_wanted(double got, double want)
{
    if (isnan(want) || isinf(want))
        return isnan(want) ? isnan(got) : got == want;
    return fabs(got - want) <= ULPS_ALLOWED * ulp(want);
}

/* logsumexp's derivative e^(a − y) inherits the rounding of y, half an ulp or |y|·2⁻⁵³, as a relative error, and as
 * much again when a − y is rounded. At these points that is more than 4 ulp; at the last one, y = 8e307 has no digit
 * left that would tell log 2, so its derivatives may be anything. (Losses shift their logits before, and do not
 * suffer.) */
static const char *const rounding_of_y_shows[] = {
    "pt lse 2 0x1.4000000000000p+4 0x0.0p+0 ",
    "pt lse 4 0x1.4000000000000p+2 -0x1.4000000000000p+2 0x1.0000000000000p-1 0x1.0000000000000p+1 ",
    "pt lse 3 0x1.e000000000000p+4 0x1.e000000000000p+4 -0x1.e000000000000p+4 ",
    "pt lse 4 0x1.9000000000000p+6 0x1.8c00000000000p+6 0x1.8800000000000p+6 0x0.0p+0 ",
    "pt lse 2 0x1.f400000000000p+9 0x1.f400000000000p+9 ",
    "pt lse 2 -0x1.f400000000000p+9 -0x1.f400000000000p+9 ",
    "pt lse 2 0x1.1ccf385ebc8a0p+1023 0x1.1ccf385ebc8a0p+1023 ",
};

static bool is_listed(const char *line)
{
    for (size_t i = 0; i < sizeof rounding_of_y_shows / sizeof rounding_of_y_shows[0]; i++)
        if (strncmp(line, rounding_of_y_shows[i], strlen(rounding_of_y_shows[i])) == 0)
            return true;
    return false;
}

static bool gradient_as_wanted(double got, double want, double y, const char *line)
{
    const double inherited = is_listed(line) ? fabs(want) * fabs(y) * DBL_EPSILON : 0;
    return as_wanted(got, want) || fabs(got - want) <= inherited;
}

static void check_point(const Point *point, const char *line)
{
    Graph *graph = graph_new();
    Value *args[ARGS_MOST];
    for (size_t i = 0; i < point->n; i++)
        args[i] = v_param(graph, point->args[i]);
    Value *y = adg_build_op(point->op, point->imm, args, point->n);
    backward_from(y, point->seed);
    cr_expect(as_wanted(y->data, point->value), "%s: value: got %a, want %a, at: %s", point->op_name, y->data,
              point->value, line);
    for (size_t i = 0; i < point->n; i++)
        cr_expect(gradient_as_wanted(args[i]->grad, point->grads[i], point->value, line),
                  "%s: gradient %zu: got %a, want %a, at: %s", point->op_name, i + 1, args[i]->grad, point->grads[i],
                  line);
    graph_free(graph);
}

/* Check all points of one op; returns how many there are. */
static size_t check_points_of(const char *op_name)
{
    FILE *file = fopen(POINTS, "r");
    cr_assert(file != NULL, POINTS " cannot be opened: run the tests from the project's top directory");
    size_t count = 0;
    for (char line[LINE_BYTES]; fgets(line, sizeof line, file) != NULL;) {
        line[strcspn(line, "\r\n")] = '\0';
        if (line[0] == '#')
            continue;
        const Point point = read_point(line);
        if (strcmp(point.op_name, op_name) != 0)
            continue;
        check_point(&point, line);
        count++;
    }
    fclose(file);
    return count;
}

static void check_op(const char *op_name, size_t points)
{
    const size_t count = check_points_of(op_name);
    cr_expect(count == points, "%s: %zu points were checked, but there should be %zu", op_name, count, points);
}

/* ---- the points ----------------------------------------------------------------------------------------------------
 */

Test(awkward, arithmetic)
{
    check_op("add", 121);
    check_op("sub", 121);
    check_op("mul", 131);
    check_op("div", 131);
    check_op("neg", 34);
}

Test(awkward, powers_with_a_gradient_for_the_exponent_too) { check_op("pow", 218); }

Test(awkward, the_larger_and_the_smaller)
{
    check_op("max", 121);
    check_op("min", 121);
}

Test(awkward, functions_of_one_number)
{
    check_op("exp", 45);
    check_op("log", 40);
    check_op("sqrt", 38);
    check_op("sin", 40);
    check_op("cos", 40);
    check_op("abs", 34);
}

Test(awkward, activations)
{
    check_op("tanh", 54);
    check_op("sigmoid", 57);
    check_op("relu", 34);
    check_op("softplus", 56);
}

Test(awkward, ops_of_a_list)
{
    check_op("sum", 35);
    check_op("dot", 20);
    check_op("lse", 70);
}
