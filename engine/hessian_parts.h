/* hessian_parts.h - inside hessian.h, for its files alone: hessian_formula.c makes a program of a formula's text,
 * hessian.c walks. */
#ifndef STEPGRAD_HESSIAN_PARTS_H
#define STEPGRAD_HESSIAN_PARTS_H

#include "dual.h"
#include "value.h"

typedef enum FormulaKind {
    FORMULA_A,
    FORMULA_B,
    FORMULA_Y,
    FORMULA_NUMBER,
    FORMULA_OP,
    FORMULA_COMPARE,
    FORMULA_IF
} FormulaKind;

/* One operation, on the results of steps before it. */
typedef struct FormulaStep {
    FormulaKind kind : 8;
    OpCode op : 8;    /* FORMULA_OP */
    char comparison;  /* FORMULA_COMPARE: '<', '>', or with = after it 'l', 'g', 'e', and 'n' for != */
    bool is_constant; /* the same on both sides of a nudge: a number or a comparison, or made of such */
    bool is_whole;    /* an int in C */
    short operand[3]; /* numbers of steps; -1 where there is none. FORMULA_IF: condition ? [1] : [2] */
    double number;    /* FORMULA_NUMBER */
} FormulaStep;

/* A test reads all formulas of the table: they have room. The longest, that of gelu, has 20. */
enum { FORMULA_STEPS_MOST = 40 };

/* The result is that of the last step. */
typedef struct Formula {
    FormulaStep steps[FORMULA_STEPS_MOST];
    int count;
    bool is_constant; /* its last step is: the derivative is 0 */
    bool compares;    /* it has a comparison or ?: in it */
} Formula;

/* NULL, or the place in `text` from which on it cannot be read. */
const char *formula_read(Formula *formula, const char *text);

/* The formula at these operands. A NULL for b is the number of operands of y (ops.h). */
Dual formula_dual(const Formula *formula, Dual a, Dual b, Dual y);
Value *formula_nodes(const Formula *formula, Value *a, Value *b, Value *y, Where where);

/* A node of op on x, and y if that is not NULL; of constants just their result: nothing can be differentiated there. */
Value *formula_op_node(OpCode op, Value *x, Value *y, Where where);

#endif
