/* text.c - a formula is read token by token, with the names of the operands put in place of a, b and y. */
#define TEXT_UNCHECKED /* this file defines the functions that text.h wraps in checks for NULL */
#include "text.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "utf8.h"

enum {
    TERMS_SHOWN = 4, /* of a long list, the first few will do */
    PAIRS_SHOWN = 3
};

/* ---- a text that grows ------------------------------------------------------------------------------------------- */

/* A text that grows in a buffer of TEXT_SIZE bytes; a piece that does not fit is left out. */
typedef struct Text {
    char *bytes;
    size_t length;
} Text;

static Text text_begin(char *buffer)
{
    buffer[0] = '\0';
    return (Text){buffer, 0};
}

static void append_bytes(Text *text, const char *bytes, size_t count)
{
    if (count >= TEXT_SIZE - text->length)
        return;
    memcpy(text->bytes + text->length, bytes, count);
    text->length += count;
    text->bytes[text->length] = '\0';
}

static void append(Text *text, const char *piece) { append_bytes(text, piece, strlen(piece)); }

/* ---- numbers and names ------------------------------------------------------------------------------------------- */

char *text_number(double x, int digits, char buffer[NUMBER_SIZE])
{
    if (isnan(x))
        return strcpy(buffer, "nan");
    return number_text(x == 0 ? 0 : x, 'g', digits, buffer);
}

static bool has_label(const Value *v) { return v->label != NULL && v->label[0] != '\0'; }

char *text_name(const Value *v, size_t characters, char *buffer)
{
    if (has_label(v))
        return utf8_name(v->label, characters, buffer, TEXT_SIZE);
    snprintf(buffer, TEXT_SIZE, "v%zu", value_number(v));
    return buffer;
}

static char *operand_text(const Value *v, TextOperands operands, int digits, char *buffer)
{
    if (operands == TEXT_PLACES) {
        snprintf(buffer, TEXT_SIZE, "#%zu", value_number(v));
        return buffer;
    }
    const bool by_number =
        operands == TEXT_NUMBERS || (v->op == OP_CONST && (operands == TEXT_CONSTANTS_AS_NUMBERS || !has_label(v)));
    return by_number ? text_number(v->data, digits, buffer) : text_name(v, TEXT_NAME_SHORT, buffer);
}

/* ---- formulas: the op table's text, with what stands here for a, b and y ----------------------------------------- */

typedef struct Operands {
    char a[TEXT_SIZE], b[TEXT_SIZE], y[TEXT_SIZE];
} Operands;

/* Whether `name` reads as one thing inside a formula: a word, or a number without a sign. */
static bool is_word(const char *name)
{
    const char *bracket = strchr(name, '[');
    for (const char *c = name; *c != '\0'; c++) {
        const bool index_comma = *c == ',' && bracket != NULL && c > bracket; /* as in w1[2,0] */
        if (!isalnum((unsigned char)*c) && (unsigned char)*c < 0x80 && strchr("_.[]'", *c) == NULL && !index_comma)
            return false;
    }
    return true;
}

static const char *operand_for(const Operands *operands, const char *token, size_t bytes)
{
    if (bytes != 1)
        return NULL;
    return *token == 'a' ? operands->a : *token == 'b' ? operands->b : *token == 'y' ? operands->y : NULL;
}

/* Append what stands for an operand, in parentheses where it has an operator beside it and one of its own. */
static void append_operand(Text *text, const char *operand, char before, char after)
{
    const bool alone = strchr("(,|", before) != NULL && strchr("),|", after) != NULL;
    const bool bare = alone || is_word(operand);
    append(text, bare ? "" : "(");
    append(text, operand);
    append(text, bare ? "" : ")");
}

static bool is_word_byte(char c) { return isalnum((unsigned char)c) || c == '_' || c == '.'; }

/* Append an operator. Products have no spaces, "1 - o*o", unless they are all there is: "a * b". */
static void append_operator(Text *text, char symbol, char before, bool loose)
{
    const bool sign = symbol == '-' && (before == '\0' || strchr("(,+-*/<>?:", before) != NULL);
    const bool close = sign || strchr("()|", symbol) != NULL || (!loose && strchr("*/^", symbol) != NULL);
    append(text, close || symbol == ',' ? "" : " ");
    append_bytes(text, &symbol, 1);
    append(text, close ? "" : " ");
}

/* Append `formula` token by token; its own spacing, which the formatter of the source chose, is not kept. Only whole
 * words are replaced: the a of tanh(a), and not that of tanh. */
static void append_formula(Text *text, const char *formula, const Operands *operands, bool loose)
{
    char before = '\0'; /* the last byte of the token before */
    for (const char *token = formula; *token != '\0';) {
        size_t bytes = 1;
        if (is_word_byte(*token))
            while (is_word_byte(token[bytes]))
                bytes++;
        const char *next = token + bytes;
        next += strspn(next, " ");
        const char *operand = operand_for(operands, token, bytes);
        if (operand != NULL)
            append_operand(text, operand, before, *next);
        else if (is_word_byte(*token))
            append_bytes(text, token, bytes);
        else
            append_operator(text, *token, before, loose);
        before = token[bytes - 1];
        token = next;
    }
}

char *text_formula_places(const char *formula, char *buffer)
{
    static const Operands places = {.a = "#a", .b = "#b", .y = "#y"};
    Text text = text_begin(buffer);
    append_formula(&text, formula, &places, false);
    return buffer;
}

/* ---- expressions ------------------------------------------------------------------------------------------------- */

bool text_shows_all_operands(const Value *v)
{
    const OpShape shape = op_table[v->op].shape;
    return shape == SHAPE_PAIRS ? v->n <= PAIRS_SHOWN : shape != SHAPE_LIST || v->n <= TERMS_SHOWN;
}

/* "sum(a, b, …)" */
static void append_list(Text *text, const Value *v, TextOperands operands, int digits)
{
    char operand[TEXT_SIZE];
    append(text, op_table[v->op].name);
    append(text, "(");
    for (size_t i = 0; i < v->n && i < TERMS_SHOWN; i++) {
        append(text, i > 0 ? ", " : "");
        append(text, operand_text(value_parent(v, i), operands, digits, operand));
    }
    append(text, v->n > TERMS_SHOWN ? ", " UTF8_ELLIPSIS ")" : ")");
}

/* "w1*x1 + w2*x2 + … + bias" for a dot; of any other op of pairs "name(a1, b1; a2, b2)". */
static void append_pairs(Text *text, const Value *v, TextOperands operands, int digits)
{
    const bool dot = v->op == OP_DOT;
    Operands pair = {.y = ""};
    append(text, dot ? "" : op_table[v->op].name);
    append(text, dot ? "" : "(");
    for (size_t i = 0; i < v->n && i < PAIRS_SHOWN; i++) {
        operand_text(value_parent(v, i), operands, digits, pair.a);
        operand_text(value_partner(v, i), operands, digits, pair.b);
        append(text, i == 0 ? "" : dot ? " + " : "; ");
        append_formula(text, dot ? "a * b" : "a, b", &pair, false);
    }
    append(text, v->n <= PAIRS_SHOWN ? "" : dot ? " + " UTF8_ELLIPSIS : "; " UTF8_ELLIPSIS);
    if (v->has_bias) {
        append(text, " + ");
        append(text, operand_text(value_parent(v, v->n), operands, digits, pair.a));
    }
    append(text, dot ? "" : ")");
}

char *text_expression(const Value *v, TextOperands operands, int digits, char *buffer)
{
    const OpInfo *op = &op_table[v->op];
    Text text = text_begin(buffer);
    Operands here = {.y = ""};
    switch (op->shape) {
    case SHAPE_LEAF: append(&text, op->name); break;
    case SHAPE_LIST: append_list(&text, v, operands, digits); break;
    case SHAPE_PAIRS: append_pairs(&text, v, operands, digits); break;
    case SHAPE_BINARY: operand_text(value_parent(v, 1), operands, digits, here.b); /* fall through */
    case SHAPE_UNARY:
        operand_text(value_parent(v, 0), operands, digits, here.a);
        append_formula(&text, op->text, &here, true);
        break;
    }
    return buffer;
}

NodeText text_node(const Value *v, int digits)
{
    NodeText text;
    text_name(v, TEXT_NAME_LONG, text.name);
    text_expression(v, TEXT_NAMES, digits, text.expression);
    text_expression(v, TEXT_NUMBERS, digits, text.numbers);
    text_number(v->data, digits, text.data);
    text_number(v->grad, digits, text.grad);
    return text;
}

/* ---- the chain rule at one edge ---------------------------------------------------------------------------------- */

char *text_derivative(const Value *v, size_t i, TextOperands operands, int digits, char *buffer)
{
    const Value *parent = value_parent(v, i), *partner = value_partner(v, i);
    const char *formula = value_local_formula(v, i);
    if (formula == NULL) /* it would contradict the number */
        return text_number(value_local_derivative(v, i), digits, buffer);
    const bool in_b = value_role(v, i) == VALUE_IN_B;
    Operands here = {.b = ""};
    operand_text(parent, operands, digits, in_b ? here.b : here.a);
    if (partner != NULL)
        operand_text(partner, operands, digits, in_b ? here.a : here.b);
    operand_text(v, operands, digits, here.y);
    Text text = text_begin(buffer);
    append_formula(&text, formula, &here, false);
    return buffer;
}

char *text_product(const Value *v, size_t i, int digits, char *buffer)
{
    const Value *parent = value_parent(v, i);
    char child_name[TEXT_SIZE], parent_name[TEXT_SIZE], piece[TEXT_SIZE], number[TEXT_SIZE];
    text_name(v, TEXT_NAME_SHORT, child_name);
    operand_text(parent, TEXT_NAMES, digits, parent_name);
    text_derivative(v, i, TEXT_NAMES, digits, piece);
    text_number(value_local_derivative(v, i), digits, number);
    const bool bare = strchr(piece, ' ') == NULL; /* has no operator that binds less than the product around it */
    Text text = text_begin(buffer);
    if (!parent->needs_grad) {
        const char *const parts[] = {"∂", child_name, "/∂", parent_name, " = ", piece};
        for (size_t p = 0; p < sizeof parts / sizeof *parts; p++)
            append(&text, parts[p]);
        append(&text, strcmp(piece, number) != 0 ? " = " : "");
        append(&text, strcmp(piece, number) != 0 ? number : "");
        append(&text, " (no gradient is needed here)");
        return buffer;
    }
    const char *const start[] = {parent_name, ".grad += ∂", child_name,      "/∂",  parent_name,     " · ",
                                 child_name,  ".grad = ",   bare ? "" : "(", piece, bare ? "" : ")", " · ",
                                 child_name,  ".grad = "};
    for (size_t p = 0; p < sizeof start / sizeof *start; p++)
        append(&text, start[p]);
    append(&text, number);
    append(&text, " · ");
    append(&text, text_number(v->grad, digits, piece));
    append(&text, " = ");
    append(&text, text_number(value_push(v, i), digits, piece));
    return buffer;
}
