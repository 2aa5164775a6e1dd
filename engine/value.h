/* value.h - Value: one number of an expression, which remembers what it was computed from.
 *
 *     Graph *g = graph_new();
 *     Value *a = v_param(g, 2.0);
 *     Value *b = v_param(g, -3.0);
 *     Value *L = v_add(v_mul(a, b), 10.0);   // running this code builds the graph: L = a·b + 10 = 4
 *     backward(L);                           // backward.h
 *     printf("%g %g\n", a->grad, b->grad);   // ∂L/∂a = b = -3,  ∂L/∂b = a = 2
 *     graph_free(g);
 *
 * A Value belongs to its graph, which frees all its nodes at once: there is nothing to free here. Builders never return
 * NULL: with no memory they return the graph's failed node, whose data is NaN, and anything built on a failed node is
 * failed too, so graph_ok(g) at the end of an expression is enough.
 * C does not specify the order in which arguments are evaluated: where node numbers or the last bit of a sum of
 * gradients must not depend on the compiler, build each argument in a statement of its own. Builders are macros only to
 * pass the caller's file and line; passing NULL, a released node, or nodes of two graphs is a usage error (error.h).
 */
#ifndef STEPGRAD_VALUE_H
#define STEPGRAD_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "error.h"
#include "ops.h"

typedef struct Value Value;
typedef struct Graph Graph;

/* A node. Its parents are the operands that it was computed from, in order and with repeats: x*x has x as a and as b.
 * In gdb, `p *value_parent(v, 1)` shows the second parent of any node, `p *v` the node itself. */
struct Value {
    _Alignas(sizeof(double)) double data; /* the forward value */
    double grad;                          /* ∂L/∂this, after a backward pass from L */
    const char *label;                    /* a name for people, or NULL */
    struct Block *block;         /* for the engine: where it lives, from which follow its graph and its number */
    OpCode op : 8;               /* what it was computed by */
    bool needs_grad;             /* is a param, or was computed from one */
    bool has_bias;               /* a dot with a bias */
    bool some_parents_fixed : 1; /* for the engine: it needs a gradient, and not all of its parents do */
    bool picked_by_number : 1;   /* for the engine: data decided what it was built from (see replay.h) */
    uint32_t n;                  /* operands in a, and as many in b if there is one; the bias not counted */

    /* The parents. The n operands of a sum or a dot lie side by side in memory, from a and from b on, a bias at a[n].
     * When they do not, `list` has them instead: all of a, the bias, all of b. */
    Value *a;     /* the first operand, or the first of n; NULL in a leaf */
    Value *b;     /* the second operand, or the first of the n that are paired with a; NULL when there is none */
    Value **list; /* all operands, when they do not lie side by side (a and b are NULL then); else NULL */
};

/* ---- leaves ------------------------------------------------------------------------------------------------------ */

/* A parameter, which gets a gradient; an input, which is data; a plain number. Gradients flow to params only. */
#define v_param(graph, data) value_leaf(OP_PARAM, graph, data, HERE)
#define v_input(graph, data) value_leaf(OP_INPUT, graph, data, HERE)
#define v_const(graph, data) value_leaf(OP_CONST, graph, data, HERE)

/* ---- builders: an operand is a Value or a plain number ----------------------------------------------------------- */

#define v_add(a, b) V_BINARY(OP_ADD, a, b) /* a + b */
#define v_sub(a, b) V_BINARY(OP_SUB, a, b) /* a − b */
#define v_mul(a, b) V_BINARY(OP_MUL, a, b) /* a·b */
#define v_div(a, b) V_BINARY(OP_DIV, a, b) /* a/b */
#define v_pow(a, b) V_BINARY(OP_POW, a, b) /* aᵇ */
#define v_max(a, b) V_BINARY(OP_MAX, a, b) /* the larger */
#define v_min(a, b) V_BINARY(OP_MIN, a, b) /* the smaller */

#define v_neg(a) value_unary(OP_NEG, a, HERE)   /* −a */
#define v_exp(a) value_unary(OP_EXP, a, HERE)   /* eᵃ */
#define v_log(a) value_unary(OP_LOG, a, HERE)   /* log a, natural */
#define v_sqrt(a) value_unary(OP_SQRT, a, HERE) /* √a */
#define v_sin(a) value_unary(OP_SIN, a, HERE)   /* sin a */
#define v_cos(a) value_unary(OP_COS, a, HERE)   /* cos a */
#define v_abs(a) value_unary(OP_ABS, a, HERE)   /* |a| */

#define v_tanh(a) value_unary(OP_TANH, a, HERE)             /* tanh a */
#define v_sigmoid(a) value_unary(OP_SIGMOID, a, HERE)       /* 1/(1 + e⁻ᵃ) */
#define v_relu(a) value_unary(OP_RELU, a, HERE)             /* max(a, 0) */
#define v_softplus(a) value_unary(OP_SOFTPLUS, a, HERE)     /* log(1 + eᵃ) */
#define v_leaky_relu(a) value_unary(OP_LEAKY_RELU, a, HERE) /* max(a, a/100) */
#define v_erfc(a) value_unary(OP_ERFC, a, HERE)             /* 1 − erf a */
#define v_gelu(a) value_unary(OP_GELU, a, HERE)             /* a·Φ(a) */

/* Of n ≥ 1 Values, given as a list of pointers that the caller may free at once. */
#define v_sum(...) value_list(OP_SUM, __VA_ARGS__, HERE)             /* v_sum(a, n) = Σ aᵢ */
#define v_logsumexp(...) value_list(OP_LOGSUMEXP, __VA_ARGS__, HERE) /* v_logsumexp(a, n) = log Σ e^aᵢ */
#define v_dot(...) value_pairs(OP_DOT, __VA_ARGS__, NULL, HERE)      /* v_dot(a, b, n) = Σ aᵢ·bᵢ */
#define v_dot_bias(...) value_pairs(OP_DOT, __VA_ARGS__, HERE) /* v_dot_bias(a, b, n, bias) = Σ aᵢ·bᵢ + bias */

/* ---- inspecting a node ------------------------------------------------------------------------------------------- */

/* Parents in operand order: all of a, the bias if there is one, then all of b. Below, i is less than their count. */
size_t value_parent_count(const Value *v);
Value *value_parent(const Value *v, size_t i);

/* What parent i is to v: an element of a, an element of b, or the bias. And the parent that it is paired with in a
 * product, a quotient or a dot: for an element of a that of b, and the other way round; NULL when there is none. */
typedef enum ValueRole { VALUE_IN_A, VALUE_IN_B, VALUE_BIAS } ValueRole;
ValueRole value_role(const Value *v, size_t i);
Value *value_partner(const Value *v, size_t i);

/* v's value computed again, by the same code, from parents with these numbers: all of a, the bias, all of b. */
double value_evaluate(const Value *v, const double *operands);

/* ∂v/∂parent(i), the number on that edge, and its formula from the op table ("1 - y * y"). NULL where the formula does
 * not give the number: it is a convention there (a tie of max, whose formula a > b is 0), or there is none (log at −1).
 */
double value_local_derivative(const Value *v, size_t i);
const char *value_local_formula(const Value *v, size_t i);

/* ∂v/∂parent(i) · v->grad: what the reverse walk adds to that parent's gradient. 0 when the parent needs none, or when
 * the local derivative is 0, even beside an infinite gradient. */
double value_push(const Value *v, size_t i);

/* The node's place in creation order, from 0. Parents always have smaller numbers. */
size_t value_number(const Value *v);
Graph *value_graph(const Value *v);

/* Give a node a name for printing and diagrams; the text is copied, perhaps over that of the name before. NULL takes
 * the name away. Returns v. V_NAME takes the C variable's name. */
#define v_label(v, text) value_label(v, text, HERE)
#define V_NAME(v) value_label(v, #v, HERE)

/* The label as utf8_name shows it (utf8.h), or "v12" by number where there is none, in `buffer`; returns buffer. */
enum { VALUE_NAME_SIZE = 64 };
char *value_name(const Value *v, char buffer[VALUE_NAME_SIZE]);

/* One line, with a newline: `L = 4 (grad 1) = v2 + 10`. */
#define value_print(v, out) value_print_at(v, out, HERE)
void value_print_at(const Value *v, FILE *out, Where where);

/* Each of these is a function that a debugger can call, behind a macro that reports NULL at the caller's line. (gdb
 * puts a macro's text in its place, and knows __FILE__ and __LINE__, but not HERE.) */
#ifndef VALUE_UNCHECKED
#define VALUE_GIVEN(v, function) value_given(v, function, __FILE__, __LINE__)
#define value_parent_count(v) value_parent_count(VALUE_GIVEN(v, "value_parent_count"))
#define value_parent(v, i) value_parent(VALUE_GIVEN(v, "value_parent"), i)
#define value_role(v, i) value_role(VALUE_GIVEN(v, "value_role"), i)
#define value_partner(v, i) value_partner(VALUE_GIVEN(v, "value_partner"), i)
#define value_evaluate(v, operands) value_evaluate(VALUE_GIVEN(v, "value_evaluate"), operands)
#define value_local_derivative(v, i) value_local_derivative(VALUE_GIVEN(v, "value_local_derivative"), i)
#define value_local_formula(v, i) value_local_formula(VALUE_GIVEN(v, "value_local_formula"), i)
#define value_push(v, i) value_push(VALUE_GIVEN(v, "value_push"), i)
#define value_number(v) value_number(VALUE_GIVEN(v, "value_number"))
#define value_graph(v) value_graph(VALUE_GIVEN(v, "value_graph"))
#define value_name(v, buffer) value_name(VALUE_GIVEN(v, "value_name"), buffer)
#endif
const Value *value_given(const Value *v, const char *function, const char *file, int line);

/* ---- behind the macros ------------------------------------------------------------------------------------------- */

/* An operand of a builder: a Value, or a plain number, which becomes a constant in the graph of the other operand. */
typedef struct Operand {
    Value *value;  /* &value_plain_number for a plain number */
    double number; /* then this one */
} Operand;

extern Value value_plain_number; /* stands for "no Value, a number": only its address is used */

static inline Operand operand_value(Value *value) { return (Operand){value, 0}; }
static inline Operand operand_number(double number) { return (Operand){&value_plain_number, number}; }

/* The type of the argument chooses; a NULL is a `void *`. */
#define V_OPERAND(x) _Generic((x), Value * : operand_value, void * : operand_value, default : operand_number)(x)
#define V_BINARY(op, a, b) value_binary_operands(op, V_OPERAND(a), V_OPERAND(b), HERE)

Value *value_leaf(OpCode kind, Graph *graph, double data, Where where);
Value *value_unary(OpCode op, Value *a, Where where);
Value *value_binary(OpCode op, Value *a, Value *b, Where where);
Value *value_binary_operands(OpCode op, Operand a, Operand b, Where where);
Value *value_list(OpCode op, Value *const *a, size_t n, Where where);
Value *value_pairs(OpCode op, Value *const *a, Value *const *b, size_t n, Value *bias, Where where);
Value *value_label(Value *v, const char *text, Where where);

/* A list of operands that was looked at once, to serve in many nodes: a row of a matrix. */
typedef struct ValueList {
    Value *const *at;
    const double *numbers; /* their data */
    size_t needing_grad;   /* how many of them need a gradient */
    bool any_failed;
    bool run; /* they lie side by side in memory */
} ValueList;

/* Look at list[0..n), and write its data to numbers[0..n). Reports misuse unless all are live nodes of the graph;
 * `name` is that of the list in the message. */
ValueList value_scan(Value *const *list, size_t n, double *numbers, const Graph *graph, const char *name, Where where);

/* The dot of two such lists, as v_dot builds it. */
Value *value_dot_scanned(Graph *graph, const ValueList *a, const ValueList *b, size_t n);

/* Whether list[0..n) are n nodes side by side in memory. */
bool value_is_run(Value *const *list, size_t n);

/* Reports misuse at `where` unless v is a live node of `graph` (of any graph, when that is NULL). `role` names v in the
 * message. */
void value_check(const Value *v, const Graph *graph, const char *role, Where where);

#endif
