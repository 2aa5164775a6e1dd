/* expression.h - an expression as text becomes a graph: what `draw` reads.
 *
 *     const Given given[] = {{"x", 2}, {"w", -3}};
 *     Expression expression;
 *     ExpressionError error;
 *     if (!expression_build(&expression, text, strlen(text), given, 2, &error))
 *         expression_error_print(&error, text, strlen(text), "draw", NULL, stderr);   // with a caret at the place
 *     backward(expression.root);
 *     expression_free(&expression);
 *
 *     text      = [ statement ] { (";" | newline) [ statement ] }     newlines inside brackets are white space
 *     statement = [ name "=" ] sum                                    the last one is the root; unnamed it is called L
 *     sum       = product { ("+" | "-") product }
 *     product   = signed { ("*" | "/") signed }
 *     signed    = { "-" | "+" } power                                 -x^2 is -(x^2)
 *     power     = operand [ ("^" | "**") signed ]                     2^3^2 is 2^(3^2); 2^-3 is allowed
 *     operand   = number | name | "(" sum ")" | "|" sum "|" | function "(" argument { "," argument } ")"
 *     argument  = sum | list
 *     list      = "[" sum { "," sum } "]"
 *
 * Functions are all ops of the engine by name. max and min take two operands or more; sum(a, b, …), logsumexp(a, b, …);
 * dot(a1, a2, b1, b2) or dot([a1, a2], [b1, b2]) or with a bias at the end; log_softmax([z0, z1], class) and
 * cross_entropy([z0, z1], class). Between two factors there must be a *. Function names are reserved.
 *
 * A name given a value is a param, a number in the text a constant. A name has one meaning: defining it twice, or when
 * its value was given, is an error. No name is predefined, not even pi and e.
 */
#ifndef STEPGRAD_EXPRESSION_H
#define STEPGRAD_EXPRESSION_H

#include "graph.h"

enum {
    EXPRESSION_BYTES_MOST = 4 * 1024 * 1024, /* of a text: memory and time are proportional to it */
    EXPRESSION_LEVELS_MOST = 1000            /* brackets and exponents inside one another */
};

/* The value that a variable has. */
typedef struct Given {
    const char *name;
    double value;
} Given;

/* A variable or a statement. */
typedef struct Definition {
    const char *name; /* NULL: a statement without a name */
    Value *value;     /* a node of the graph; NULL: not defined yet */
    size_t offset;    /* where in the text it begins; 0 of a variable */
    bool is_given;    /* a variable */
    bool is_used;     /* the text uses it; of the last statement always true */
} Definition;

/* A graph that was built, and what its text defined: first the variables as they were given, then the statements. */
typedef struct Expression {
    Graph *graph; /* owns the nodes and the names */
    Value *root;  /* the value of the last statement */
    Definition *definitions;
    size_t definition_count;
} Expression;

typedef struct ExpressionError {
    bool has_place; /* false: the error is not at a place in the text */
    size_t offset;  /* of the byte that a caret should point at */
    Error error;
} ExpressionError;

/* Build the graph of text[0..length) with `given` values. The caller frees it with expression_free. False, with the
 * reason in *error and nothing to free: the text is not an expression, longer than EXPRESSION_BYTES_MOST or nested
 * deeper than EXPRESSION_LEVELS_MOST, a name has no value or two, or there is no memory. */
#define expression_build(expression, text, length, given, given_count, error)                                          \
    expression_build_at(HERE, expression, text, length, given, given_count, error)
bool expression_build_at(Where where, Expression *expression, const char *text, size_t length, const Given *given,
                         size_t given_count, ExpressionError *error);
void expression_free(Expression *expression);

/* Print "PROGRAM: FILE:LINE:COLUMN: message", without FILE: when that is NULL, and below it the line with a caret. */
#define expression_error_print(error, text, length, program, file, out)                                                \
    expression_error_print_at(HERE, error, text, length, program, file, out)
void expression_error_print_at(Where where, const ExpressionError *error, const char *text, size_t length,
                               const char *program, const char *file, FILE *out);

#endif
