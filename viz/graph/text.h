/* text.h - the pieces of text that every picture is made of: names, numbers, expressions, derivatives.
 *
 *     char text[TEXT_SIZE];
 *     fputs(text_expression(L, TEXT_NAMES, TEXT_DIGITS, text), stdout);   // "d * f"
 *
 * Each writes one line of valid UTF-8 into `buffer`, of at least TEXT_SIZE bytes, and returns it. A label may
 * hold any bytes: control characters, broken UTF-8 and marks that change the direction of writing become U+FFFD. A
 * label in Hebrew or Arabic has its direction mark (utf8.h) at both ends. A long name ends in an ellipsis. Nothing is
 * escaped: that is up to the format that the text goes into.
 */
#ifndef STEPGRAD_TEXT_H
#define STEPGRAD_TEXT_H

#include "number.h"
#include "value.h"

enum {
    TEXT_SIZE = 2048,
    TEXT_DIGITS = 4,     /* significant digits where the options do not say */
    TEXT_NAME_LONG = 40, /* characters of a name that stands alone */
    TEXT_NAME_SHORT = 24 /* of a name inside an expression */
};

/* How operands appear in an expression: by name (constants without a label by their number), by name but every constant
 * by its number, or all by number. Or each as the place that its name or number goes to, "#12" by value_number: (#12)
 * where an operator is beside it, so that the parentheses stay if what goes there has an operator too. */
typedef enum TextOperands { TEXT_NAMES, TEXT_CONSTANTS_AS_NUMBERS, TEXT_NUMBERS, TEXT_PLACES } TextOperands;

/* A number of `digits` significant digits, with a point whatever the locale; -0 is 0, and NaN has no sign. */
char *text_number(double x, int digits, char buffer[NUMBER_SIZE]);

/* A node's label, at most `characters` long, or "v12" by number where there is none. */
char *text_name(const Value *v, size_t characters, char *buffer);

/* What v was computed as: "d * f", "tanh(n)", "w1*x1 + w2*x2 + b", "sum(a, b, c, d, …)"; a leaf's kind: "param". */
char *text_expression(const Value *v, TextOperands operands, int digits, char *buffer);

/* What a picture says about a node. */
typedef struct NodeText {
    char name[TEXT_SIZE];       /* text_name, at most TEXT_NAME_LONG characters */
    char expression[TEXT_SIZE]; /* text_expression by TEXT_NAMES */
    char numbers[TEXT_SIZE];    /* the same by numbers: "2 * 3" */
    char data[NUMBER_SIZE], grad[NUMBER_SIZE];
} NodeText;

NodeText text_node(const Value *v, int digits);

/* Whether the expression names every operand, none lost in its "…". */
bool text_shows_all_operands(const Value *v);

/* ∂v/∂parent(i) as a formula with the names of the operands: "b", "1 - o*o"; with TEXT_NUMBERS "1 - 0.5*0.5". */
char *text_derivative(const Value *v, size_t i, TextOperands operands, int digits, char *buffer);

/* A formula of the op table, a derivative, with such places for a, b and y: "1 - (#y)*(#y)". */
char *text_formula_places(const char *formula, char *buffer);

/* The chain rule at one edge, in full: "b.grad += ∂d/∂b · d.grad = a · d.grad = 2 · -2 = -4". */
char *text_product(const Value *v, size_t i, int digits, char *buffer);

/* NULL is reported at the caller's line, as by the functions of value.h that inspect a node. */
#ifndef TEXT_UNCHECKED
#define text_name(v, ...) text_name(VALUE_GIVEN(v, "text_name"), __VA_ARGS__)
#define text_expression(v, ...) text_expression(VALUE_GIVEN(v, "text_expression"), __VA_ARGS__)
#define text_node(v, digits) text_node(VALUE_GIVEN(v, "text_node"), digits)
#define text_shows_all_operands(v) text_shows_all_operands(VALUE_GIVEN(v, "text_shows_all_operands"))
#define text_derivative(v, ...) text_derivative(VALUE_GIVEN(v, "text_derivative"), __VA_ARGS__)
#define text_product(v, ...) text_product(VALUE_GIVEN(v, "text_product"), __VA_ARGS__)
#endif

#endif
