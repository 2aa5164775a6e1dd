/* hessian_formula.c - the text of a local derivative as a list of steps, by recursive descent, and the list run with
 * dual numbers or with nodes. */
#include <ctype.h>
#include <string.h>

#include "graph.h"
#include "hessian_parts.h"
#include "number.h"

/* ---- reading ----------------------------------------------------------------------------------------------------- */

typedef struct Reader {
    Formula *formula;
    const char *next;  /* what is still to be read */
    const char *fault; /* where it cannot be, or NULL */
} Reader;

static int read_choice(Reader *r); /* it calls itself through the others: the C compiler has bounded how deep */

/* Notes the first fault. Returns a step's number as any other would, so that reading can go on to its end. */
static int fault_at(Reader *r, const char *place)
{
    if (r->fault == NULL)
        r->fault = place;
    return 0;
}

static bool is_constant(const FormulaStep *steps, const FormulaStep *s)
{
    const int x = s->operand[s->kind == FORMULA_IF], y = s->operand[s->kind == FORMULA_IF ? 2 : 1];
    if (s->kind != FORMULA_OP && s->kind != FORMULA_IF)
        return s->kind == FORMULA_NUMBER || s->kind == FORMULA_COMPARE;
    return steps[x].is_constant && (y < 0 || steps[y].is_constant);
}

/* Of ints, arithmetic and a choice make an int in C; a call makes a double. */
static bool is_whole(const FormulaStep *steps, const FormulaStep *s)
{
    const int x = s->operand[s->kind == FORMULA_IF], y = s->operand[s->kind == FORMULA_IF ? 2 : 1];
    if (s->kind != FORMULA_OP && s->kind != FORMULA_IF)
        return s->is_whole || s->kind == FORMULA_COMPARE;
    const bool keeps =
        s->kind == FORMULA_IF || s->op == OP_NEG || s->op == OP_ADD || s->op == OP_SUB || s->op == OP_MUL;
    return keeps && steps[x].is_whole && (y < 0 || steps[y].is_whole);
}

static int add_step(Reader *r, FormulaStep step)
{
    if (r->formula->count == FORMULA_STEPS_MOST)
        return fault_at(r, r->next);
    step.is_constant = is_constant(r->formula->steps, &step);
    r->formula->compares |= step.kind == FORMULA_COMPARE || step.kind == FORMULA_IF;
    step.is_whole = is_whole(r->formula->steps, &step);
    r->formula->steps[r->formula->count] = step;
    return r->formula->count++;
}

static int add_op(Reader *r, OpCode op, int x, int y)
{
    return add_step(r, (FormulaStep){.kind = FORMULA_OP, .op = op, .operand = {(short)x, (short)y, -1}});
}

/* Reads `token` if it is next. */
static bool take(Reader *r, const char *token)
{
    r->next += strspn(r->next, " ");
    if (strncmp(r->next, token, strlen(token)) != 0)
        return false;
    r->next += strlen(token);
    return true;
}

static void expect(Reader *r, const char *token)
{
    if (!take(r, token))
        fault_at(r, r->next);
}

/* Digits, and perhaps an exponent; the C compiler has seen that it is a number. */
static int read_number(Reader *r)
{
    FormulaStep step = {.kind = FORMULA_NUMBER};
    size_t length = strspn(r->next, "0123456789.");
    if (r->next[length] == 'e' || r->next[length] == 'E') {
        length += 1 + strspn(r->next + length + 1, "+-");
        length += strspn(r->next + length, "0123456789");
    }
    if (!number_parse(r->next, length, &step.number))
        return fault_at(r, r->next);
    step.is_whole = strspn(r->next, "0123456789") == length;
    r->next += length;
    return add_step(r, step);
}

/* The op with this name and number of operands; OP_COUNT if there is none. C's fabs, fmax and fmin are abs, max, min.
 */
static OpCode op_named(const char *name, size_t length, OpShape shape)
{
    for (int op = OP_CONST + 1; op < OP_COUNT; op++) {
        const char *wanted = op_table[op].name;
        const size_t f = name[0] == 'f' && strlen(wanted) + 1 == length;
        if (op_table[op].shape == shape && strlen(wanted) + f == length && strncmp(wanted, name + f, length - f) == 0)
            return (OpCode)op;
    }
    return OP_COUNT;
}

/* NOLINTBEGIN(misc-no-recursion) */
static int read_call(Reader *r, const char *name)
{
    const size_t length = (size_t)(r->next - name);
    const bool is_op =
        op_named(name, length, SHAPE_UNARY) < OP_COUNT || op_named(name, length, SHAPE_BINARY) < OP_COUNT;
    if (!is_op || !take(r, "("))
        return fault_at(r, name);
    const int x = read_choice(r), y = take(r, ",") ? read_choice(r) : -1;
    expect(r, ")");
    const OpCode op = op_named(name, length, y < 0 ? SHAPE_UNARY : SHAPE_BINARY);
    return op < OP_COUNT ? add_op(r, op, x, y) : fault_at(r, name);
}

static int read_name(Reader *r)
{
    const char *name = r->next;
    while (isalnum((unsigned char)*r->next) || *r->next == '_')
        r->next++;
    const bool is_variable = r->next == name + 1 && strchr("aby", *name) != NULL;
    if (!is_variable)
        return read_call(r, name);
    return add_step(r, (FormulaStep){.kind = *name == 'a' ? FORMULA_A : *name == 'b' ? FORMULA_B : FORMULA_Y});
}

static int read_operand(Reader *r)
{
    if (take(r, "-"))
        return add_op(r, OP_NEG, read_operand(r), -1);
    if (take(r, "(")) {
        const int inside = read_choice(r);
        expect(r, ")");
        return inside;
    }
    if (isdigit((unsigned char)*r->next) || *r->next == '.')
        return read_number(r);
    return isalpha((unsigned char)*r->next) ? read_name(r) : fault_at(r, r->next);
}

/* What is behind "x /": of two ints C would drop the fraction, and the formula could not be what it seems. */
static int read_quotient(Reader *r, int x)
{
    const char *slash = r->next - 1;
    const int y = read_operand(r);
    const FormulaStep *steps = r->formula->steps;
    return steps[x].is_whole && steps[y].is_whole ? fault_at(r, slash) : add_op(r, OP_DIV, x, y);
}

static int read_product(Reader *r)
{
    int x = read_operand(r);
    for (;;)
        if (take(r, "*"))
            x = add_op(r, OP_MUL, x, read_operand(r));
        else if (take(r, "/"))
            x = read_quotient(r, x);
        else
            return x;
}

static int read_sum(Reader *r)
{
    int x = read_product(r);
    for (;;)
        if (take(r, "+"))
            x = add_op(r, OP_ADD, x, read_product(r));
        else if (take(r, "-"))
            x = add_op(r, OP_SUB, x, read_product(r));
        else
            return x;
}

static int read_comparison(Reader *r)
{
    static const char *const tokens[] = {"<=", ">=", "==", "!=", "<", ">"};
    const int x = read_sum(r);
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++)
        if (take(r, tokens[i])) {
            const int y = read_sum(r);
            return add_step(
                r,
                (FormulaStep){.kind = FORMULA_COMPARE, .comparison = "lgen<>"[i], .operand = {(short)x, (short)y, -1}});
        }
    return x;
}

static int read_choice(Reader *r)
{
    const int condition = read_comparison(r);
    if (!take(r, "?"))
        return condition;
    const int x = read_choice(r);
    expect(r, ":");
    const int y = read_choice(r);
    return add_step(r, (FormulaStep){.kind = FORMULA_IF, .operand = {(short)condition, (short)x, (short)y}});
}

/* NOLINTEND(misc-no-recursion) */

const char *formula_read(Formula *formula, const char *text)
{
    Reader r = {.formula = formula, .next = text};
    *formula = (Formula){.count = 0};
    read_choice(&r);
    if (*r.next != '\0')
        fault_at(&r, r.next);
    formula->is_constant = r.fault == NULL && formula->steps[formula->count - 1].is_constant;
    return r.fault;
}

/* ---- running ----------------------------------------------------------------------------------------------------- */

static bool compare(char comparison, double x, double y)
{
    switch (comparison) {
    case '<': return x < y;
    case '>': return x > y;
    case 'l': return x <= y;
    case 'g': return x >= y;
    case 'e': return x == y;
    default: return x != y;
    }
}

Dual formula_dual(const Formula *formula, Dual a, Dual b, Dual y)
{
    Dual result[FORMULA_STEPS_MOST];
    for (int i = 0; i < formula->count; i++) {
        const FormulaStep *s = &formula->steps[i];
        const short *x = s->operand;
        switch (s->kind) {
        case FORMULA_A: result[i] = a; break;
        case FORMULA_B: result[i] = b; break;
        case FORMULA_Y: result[i] = y; break;
        case FORMULA_NUMBER: result[i] = dual_constant(s->number); break;
        case FORMULA_OP:
            result[i] = x[1] < 0 ? dual_unary(s->op, result[x[0]]) : dual_binary(s->op, result[x[0]], result[x[1]]);
            break;
        case FORMULA_COMPARE:
            result[i] = dual_constant(compare(s->comparison, result[x[0]].value, result[x[1]].value));
            break;
        case FORMULA_IF: result[i] = result[x[0]].value != 0 ? result[x[1]] : result[x[2]]; break;
        }
    }
    return result[formula->count - 1];
}

Value *formula_op_node(OpCode op, Value *x, Value *y, Where where)
{
    if (x->op == OP_CONST && (y == NULL || y->op == OP_CONST))
        return v_const(value_graph(x), op_table[op].forward(x->data, y != NULL ? y->data : 0));
    return y == NULL ? value_unary(op, x, where) : value_binary(op, x, y, where);
}

Value *formula_nodes(const Formula *formula, Value *a, Value *b, Value *y, Where where)
{
    Graph *graph = value_graph(y);
    Value *result[FORMULA_STEPS_MOST];
    for (int i = 0; i < formula->count; i++) {
        const FormulaStep *s = &formula->steps[i];
        const short *x = s->operand;
        switch (s->kind) {
        case FORMULA_A: result[i] = a; break;
        case FORMULA_B: result[i] = b != NULL ? b : v_const(graph, y->n); break;
        case FORMULA_Y: result[i] = y; break;
        case FORMULA_NUMBER: result[i] = v_const(graph, s->number); break;
        case FORMULA_OP: result[i] = formula_op_node(s->op, result[x[0]], x[1] < 0 ? NULL : result[x[1]], where); break;
        case FORMULA_COMPARE:
            result[i] = v_const(graph, compare(s->comparison, result[x[0]]->data, result[x[1]]->data));
            break;
        case FORMULA_IF: result[i] = result[x[0]]->data != 0 ? result[x[1]] : result[x[2]]; break;
        }
    }
    return result[formula->count - 1];
}
