/* ops.c - the table of ops as data: see ops.h, where every op is defined. */
#include "ops.h"

#define FUNCTIONS_UNARY(name) .forward = name##_forward, .da = name##_da
#define FUNCTIONS_BINARY(name) .forward = name##_forward, .da = name##_da, .db = name##_db
#define FUNCTIONS_LIST(name) .list_forward = name##_forward, .da = name##_da
#define FUNCTIONS_PAIRS(name) .list_forward = name##_forward, .da = name##_da, .db = name##_db

#define HAS_SMOOTH false
#define HAS_KINK true

/* The formulas of the table as functions, each of the tokens that stand there. Few need all of a, b and y. */
#define FORMULA_FUNCTION(name, tokens)                                                                                 \
    static double name(double a, double b, double y)                                                                   \
    {                                                                                                                  \
        (void)a, (void)b, (void)y;                                                                                     \
        return tokens;                                                                                                 \
    }
#define FORMULA_FUNCTIONS(CODE, name, shape, smoothness, text, da, db, why)                                            \
    FORMULA_FUNCTION(name##_da_formula, da) FORMULA_FUNCTION(name##_db_formula, db)
/* A name that formulas use. A macro, so that a header of own ops may have a helper of that name. */
#define sigmoid(a) sigmoid_forward(a, 0)
OP_TABLE(FORMULA_FUNCTIONS)
#undef sigmoid

#define OP_ROW(CODE, op_name, op_shape, smoothness, op_text, da_tokens, db_tokens, op_why)                             \
    [OP_##CODE] = {.name = #op_name,                                                                                   \
                   .shape = SHAPE_##op_shape,                                                                          \
                   .has_kink = HAS_##smoothness,                                                                       \
                   .text = op_text,                                                                                    \
                   .da_text = #da_tokens,                                                                              \
                   .db_text = #db_tokens,                                                                              \
                   .da_formula = op_name##_da_formula,                                                                 \
                   .db_formula = op_name##_db_formula,                                                                 \
                   .why = op_why,                                                                                      \
                   FUNCTIONS_##op_shape(op_name)},

const OpInfo op_table[OP_COUNT + 1] = {
    [OP_PARAM] = {.name = "param", .shape = SHAPE_LEAF, .text = "", .da_text = "", .db_text = ""},
    [OP_INPUT] = {.name = "input", .shape = SHAPE_LEAF, .text = "", .da_text = "", .db_text = ""},
    [OP_CONST] = {.name = "const", .shape = SHAPE_LEAF, .text = "", .da_text = "", .db_text = ""},
    OP_TABLE(OP_ROW)[OP_FAILED] =
        {.name = "failed", .shape = SHAPE_LEAF, .text = "out of memory", .da_text = "", .db_text = ""},
};

/* In a cell of the table; a | would end it. */
static void print_cell(const char *text, FILE *out)
{
    fputs(" `", out);
    for (; *text != '\0'; text++)
        fprintf(out, "%s%c", *text == '|' ? "\\" : "", *text);
    fputs("` |", out);
}

void op_table_print(FILE *out)
{
    fputs("| op | y | ∂y/∂a | ∂y/∂b |\n| --- | --- | --- | --- |\n", out);
    for (int code = OP_CONST + 1; code < OP_COUNT; code++) {
        const OpInfo *op = &op_table[code];
        fputc('|', out);
        print_cell(op->name, out);
        print_cell(op->text, out);
        print_cell(op->da_text, out);
        if (op->db != NULL)
            print_cell(op->db_text, out);
        fputs(op->db != NULL ? "\n" : "  |\n", out);
    }
}

/* Volatile, so that each expression below is computed when the program runs, and as this file's flags let it be. */
static volatile const double one = 1, three = 3, tiny = 0x1p-60, smallest_normal = DBL_MIN, not_a_number = NAN,
                             minus_zero = -0.0, infinite = INFINITY;

const char *op_arithmetic_fault(void)
{
    const double a = one, b = three, c = tiny, d = smallest_normal, x = not_a_number, z = minus_zero, y = infinite;
    if ((a + c) - a != 0)
        return "(1 + 2^-60) - 1 is not 0: sums are rearranged, or computed in a wider format";
    if (b / 10 != 0.3)
        return "3 / 10 is not 0.3: quotients are replaced by products, or constants are floats";
    if (signbit(z + 0)) /* and not by 1/(z + 0): a program that traps divisions by zero would stop here */
        return "-0 + 0 is not 0: the sign of 0 is ignored";
    if (!isnan(x) || x == x || !isinf(y))
        return "NaN or infinity is ignored";
    if (d / 2 == 0)
        return "2^-1023 is 0: the smallest numbers are flushed to 0";
    return NULL;
}
