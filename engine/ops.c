/* ops.c - the table of ops as data: see ops.h, where every op is defined. */
#include "ops.h"

#define FUNCTIONS_UNARY(name) .forward = name##_forward, .da = name##_da
#define FUNCTIONS_BINARY(name) .forward = name##_forward, .da = name##_da, .db = name##_db
#define FUNCTIONS_LIST(name) .list_forward = name##_forward, .da = name##_da
#define FUNCTIONS_PAIRS(name) .list_forward = name##_forward, .da = name##_da, .db = name##_db

#define HAS_SMOOTH false
#define HAS_KINK true

/* The formulas of the table as functions, each of the tokens that stand there. */
#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wunused-parameter" /* few formulas need all of a, b and y */
#endif
#define FORMULA_FUNCTIONS(CODE, name, shape, smoothness, text, da, db, why)                                            \
    static double name##_da_formula(double a, double b, double y) { return da; }                                       \
    static double name##_db_formula(double a, double b, double y) { return db; }
OP_TABLE(FORMULA_FUNCTIONS)

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
