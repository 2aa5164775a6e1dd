/* expression.c - recursive descent: one function per rule of the grammar, with the rule above it.
 * Each reads its part of the text, builds the nodes for it and returns the last one; or NULL when it has reported an
 * error. All recursion passes through parse_signed, which bounds it. */
#include "expression.h"

#include <stdarg.h>
#include <string.h>

#include "loss.h"
#include "memory.h"
#include "place.h"
#include "token.h"
#include "utf8.h"
#include "words.h"

enum {
    SHOWN_BYTES = 24, /* of a text in a message */
    SHOWN_SIZE = SHOWN_BYTES + sizeof UTF8_ELLIPSIS,
    CALLED_SIZE = SHOWN_SIZE + sizeof "''",
    MISSING_SHOWN = 6, /* names in the message about names without a value */
    LIST_SIZE = 400    /* of a list in a message */
};

/* ---- functions --------------------------------------------------------------------------------------------------- */

/* A function is an op of the engine, by its code, or one of the losses, which are built of several ops. */
enum { LOG_SOFTMAX = OP_COUNT, CROSS_ENTROPY, NO_FUNCTION };

static const char *function_name(int function)
{
    return function == LOG_SOFTMAX     ? "log_softmax"
           : function == CROSS_ENTROPY ? "cross_entropy"
                                       : op_table[function].name;
}

/* Some bytes of a text. */
typedef struct Slice {
    const char *start;
    size_t bytes;
} Slice;

/* Whether the slice, which holds no NUL, is `name`. */
static bool is_name(Slice slice, const char *name)
{
    return strncmp(slice.start, name, slice.bytes) == 0 && name[slice.bytes] == '\0';
}

static int function_by_name(Slice slice)
{
    int function = OP_CONST + 1;
    while (function < NO_FUNCTION && !is_name(slice, function_name(function)))
        function++;
    return function;
}

/* ---- the parser, its tokens and errors --------------------------------------------------------------------------- */

typedef struct Parser {
    const char *text;
    size_t length;
    Token previous, token; /* the token read last, and the next one */
    size_t levels;         /* of nested brackets and exponents here */
    size_t open_brackets;  /* inside them a newline is white space */
    Value **operands;      /* a stack: those of the calls being read */
    size_t operand_count, operand_capacity;
    Definition *definitions;
    size_t definition_count, definition_capacity;
    size_t statement; /* the definition being read */
    uint32_t *slots;  /* hash table of the names: an index into definitions, plus 1; 0 is free */
    size_t slot_count;
    Graph *graph;
    ExpressionError *error;
    char found[CALLED_SIZE], after[CALLED_SIZE]; /* for messages: what the two tokens are called */
} Parser;

/* Report what is wrong at an offset of the text. Returns NULL, which is false too. */
static void *fail_at(Parser *p, size_t offset, const char *format, ...) PRINTF_LIKE(3, 4);
static void *fail_at(Parser *p, size_t offset, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(p->error->error.message, sizeof p->error->error.message, format, arguments);
    va_end(arguments);
    p->error->has_place = true;
    p->error->offset = offset;
    return NULL;
}

static void *no_memory(Parser *p)
{
    fail_at(p, 0, "no memory for the graph of %zu nodes: draw a part of it", graph_node_count(p->graph));
    p->error->has_place = false;
    return NULL;
}

static bool advance(Parser *p)
{
    Error error;
    p->previous = p->token;
    do {
        if (!token_next(&p->token, p->text, p->length, &error))
            return fail_at(p, p->token.start, "%s", error.message);
    } while (p->token.kind == '\n' && p->open_brackets > 0);
    return true;
}

/* A text of any bytes, made safe for a message. Returns `shown`. */
static char *show(Slice slice, char shown[SHOWN_SIZE])
{
    size_t i = 0, end = 0;
    for (Utf8 c; i < slice.bytes; i += c.bytes, end += c.safe_bytes) {
        c = utf8_next(slice.start + i, slice.bytes - i);
        if (end + c.safe_bytes > SHOWN_BYTES)
            break;
        memcpy(shown + end, c.safe, c.safe_bytes);
    }
    strcpy(shown + end, i < slice.bytes ? UTF8_ELLIPSIS : "");
    return shown;
}

static Slice slice_of(const Parser *p, Token token) { return (Slice){p->text + token.start, token.end - token.start}; }

static const char *call_token(const Parser *p, Token token, char called[CALLED_SIZE])
{
    if (token.kind == TOKEN_END || token.kind == '\n')
        return strcpy(called, token.kind == '\n' ? "the end of the line" : "the end of the text");
    called[0] = '\'';
    show(slice_of(p, token), called + 1);
    return strcat(called, "'");
}

static const char *found(Parser *p) { return call_token(p, p->token, p->found); }
static const char *after(Parser *p) { return call_token(p, p->previous, p->after); }

static bool ends_statement(int kind) { return kind == TOKEN_END || kind == ';' || kind == '\n'; }

static void *expected_operand(Parser *p)
{
    const size_t at = p->token.start;
    if (p->token.kind == '[')
        return fail_at(p, at,
                       "a list can only be an operand of dot, sum, logsumexp, log_softmax or cross_entropy: for "
                       "an expression use ( )");
    if (ends_statement(p->previous.kind))
        return fail_at(p, at, "expected an expression, found %s", found(p));
    return fail_at(p, at, "expected an operand after %s, found %s", after(p), found(p));
}

/* An operand is complete, and the token after it fits nowhere. Inside brackets `wanted` says what could close the
 * innermost, which was opened at `open`; outside it is NULL. */
static void *expected_operator(Parser *p, const char *wanted, size_t open)
{
    const int kind = p->token.kind;
    const size_t at = p->token.start;
    const Place place = place_of(p->text, p->length, open);
    const bool is_operand = kind == TOKEN_NUMBER || kind == TOKEN_NAME || kind == '(';
    if (is_operand && p->previous.kind != ']')
        return fail_at(p, at, "expected an operator after %s, found %s: for a product put * between them", after(p),
                       found(p));
    if (kind == '=')
        return fail_at(p, at,
                       "expected an operator after %s, found '=': only one name can stand before it, at the "
                       "start of a statement, as in a = x*y",
                       after(p));
    if (wanted != NULL)
        return fail_at(p, at, "expected %s to close the '%c' at %zu:%zu, found %s", wanted, p->text[open], place.line,
                       place.column, found(p));
    if (kind == ')' || kind == ']')
        return fail_at(p, at, "%s closes nothing: there is no '%c' before it", found(p), kind == ')' ? '(' : '[');
    return fail_at(p, at, "expected an operator or the end of the statement after %s, found %s", after(p), found(p));
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

/* The slot of a name: where it is, or where it would go. */
static uint32_t *find_slot(const Parser *p, Slice name)
{
    size_t i = (size_t)fnv1a(FNV1A_START, name.start, name.bytes) % p->slot_count;
    while (p->slots[i] != 0 && !is_name(name, p->definitions[p->slots[i] - 1].name))
        i = (i + 1) % p->slot_count;
    return &p->slots[i];
}

static Definition *find_definition(const Parser *p, Slice name)
{
    const uint32_t slot = *find_slot(p, name);
    return slot > 0 ? &p->definitions[slot - 1] : NULL;
}

/* Add a definition without a value; one of 0 bytes has no name either. */
static Definition *add_definition(Parser *p, Slice name, size_t offset)
{
    const size_t count = p->definition_count;
    Definition *list = memory_grow(p->definitions, count + 1, &p->definition_capacity, sizeof *list);
    char *copy = list != NULL && name.bytes > 0 ? graph_alloc(p->graph, name.bytes + 1) : NULL;
    p->definitions = list != NULL ? list : p->definitions;
    if (list == NULL || (name.bytes > 0 && copy == NULL))
        return no_memory(p);
    if (copy != NULL) {
        memcpy(copy, name.start, name.bytes);
        copy[name.bytes] = '\0';
        *find_slot(p, name) = (uint32_t)count + 1;
    }
    list[p->definition_count++] = (Definition){.name = copy, .offset = offset};
    return &list[count];
}

/* Give a definition its value, which takes the name unless it has one: in b = a both are one node, called a. */
static void define(Definition *definition, Value *value)
{
    definition->value = value;
    if (value->label == NULL)
        v_label(value, definition->name);
}

static void append(char list[LIST_SIZE], const char *separator, const char *word)
{
    const size_t end = strlen(list);
    snprintf(list + end, LIST_SIZE - end, "%s%s", separator, word);
}

/* Whether every name has a value; if not, say which have none, the first few, and show how to give them one. */
static bool check_missing(Parser *p)
{
    char names[LIST_SIZE] = "", values[LIST_SIZE] = "", shown[SHOWN_SIZE];
    size_t count = 0, first = 0;
    for (size_t i = 0; i < p->definition_count; i++) {
        const Definition *missing = &p->definitions[i];
        if (missing->value != NULL || ++count > MISSING_SHOWN)
            continue;
        const char *name = show((Slice){missing->name, strlen(missing->name)}, shown);
        first = count == 1 ? missing->offset : first;
        append(names, count > 1 ? ", " : "", name);
        append(values, " ", name);
        append(values, "=",
               strcmp(name, "pi") == 0  ? "3.141592653589793"
               : strcmp(name, "e") == 0 ? "2.718281828459045"
                                        : "1");
    }
    const char *more = count > MISSING_SHOWN ? ", …" : "";
    return count == 0 || fail_at(p, first, "%s%s %s no value: give %s one, as in%s%s", names, more,
                                 count == 1 ? "has" : "have", count == 1 ? "it" : "each", values, more);
}

static bool check_name(Slice name, Error *error)
{
    char shown[SHOWN_SIZE];
    if (name.bytes == 0 || token_name_bytes(name.start, name.bytes) != name.bytes)
        return error_set(error, "'%s' is not a name: a name is a letter or _, then letters, digits and _",
                         show(name, shown));
    return function_by_name(name) == NO_FUNCTION ||
           error_set(error, "'%s' is the name of a function: choose another name", show(name, shown));
}

/* Whether a statement may define the name that is the token. */
static bool check_new_name(Parser *p)
{
    const Slice name = slice_of(p, p->token);
    const size_t start = p->token.start;
    const Definition *before = find_definition(p, name);
    Error error;
    if (before == NULL)
        return check_name(name, &error) || fail_at(p, start, "%s", error.message);
    if (before->is_given)
        return fail_at(p, start, "%s was given the value %.9g: define another name, or do not give it a value",
                       found(p), before->value->data);
    const bool is_used = before->value == NULL;
    const Place place = place_of(p->text, p->length, is_used ? start : before->offset);
    return fail_at(p, is_used ? before->offset : start, "%s is %s, at %zu:%zu: %s", found(p),
                   is_used ? "used before it is defined" : "defined already", place.line, place.column,
                   is_used ? "put that statement first" : "choose another name");
}

/* The name before the token has no value, and is called: say which functions there are. */
static void *unknown_function(Parser *p)
{
    static const char *const instead[][2] = {{"'ln'", "log(x)"},
                                             {"'log10'", "log(x)/log(10)"},
                                             {"'tan'", "sin(x)/cos(x)"},
                                             {"'mean'", "sum(a, b)/2"},
                                             {"'softmax'", "exp(a - logsumexp(a, b))"}};
    char known[LIST_SIZE] = "";
    const char *name = after(p);
    for (size_t i = 0; i < sizeof instead / sizeof *instead; i++)
        if (strcmp(name, instead[i][0]) == 0)
            return fail_at(p, p->previous.start, "there is no function %s: write %s", name, instead[i][1]);
    for (int function = OP_CONST + 1; function < NO_FUNCTION; function++)
        append(known, *known != '\0' ? ", " : "", function_name(function));
    return fail_at(p, p->previous.start,
                   "there is no function %s: the functions are %s; for a product put * after the name", name, known);
}

/* ---- calls ------------------------------------------------------------------------------------------------------- */

typedef struct Call {
    int function;
    size_t start;      /* where its name is in the text */
    size_t first;      /* where its operands begin in p->operands, those in lists before the others */
    size_t lengths[2]; /* of its lists; 0: there is none */
} Call;

/* LEAF stands for the losses. */
static OpShape shape_of(int function) { return function < OP_COUNT ? op_table[function].shape : SHAPE_LEAF; }

static bool folds(int function) { return function == OP_MAX || function == OP_MIN; }

/* Whether the function takes n operands, the first of them in these lists. */
static bool fits(const Call *call, size_t n)
{
    const size_t *lengths = call->lengths;
    const bool lists = lengths[0] > 0;
    switch (shape_of(call->function)) {
    case SHAPE_UNARY: return n == 1;
    case SHAPE_BINARY: return n == 2 || (n > 2 && folds(call->function));
    case SHAPE_LIST: return !lists || n == lengths[0];
    case SHAPE_PAIRS: return lists ? lengths[0] == lengths[1] && n <= 2 * lengths[0] + 1 : n % 2 == 0;
    default: return lists && n == lengths[0] + 1;
    }
}

static void *wrong_operands(Parser *p, const Call *call)
{
    static const char *const wanted[] = {
        [SHAPE_LEAF] = "a list of logits and a class, ([z0, z1], 1)",
        [SHAPE_UNARY] = "1 operand",
        [SHAPE_BINARY] = "2 operands",
        [SHAPE_LIST] = "operands, (a, b), or one list of them, ([a, b])",
        [SHAPE_PAIRS] = "two lists of one length, ([a, b], [c, d]), or as many operands, (a, b, c, d)"};
    char count[SHOWN_SIZE] = "";
    if (call->lengths[0] == 0)
        snprintf(count, sizeof count, ", found %zu", p->operand_count - call->first);
    return fail_at(p, call->start, "%s takes %s%s%s", function_name(call->function), wanted[shape_of(call->function)],
                   folds(call->function) ? " or more" : "", count);
}

static Value *build_loss(Parser *p, const Call *call, Value *const *logits, size_t n)
{
    const double class = logits[n]->data;
    if (logits[n]->op != OP_CONST || !(class >= 0 && class < (double)n) || class != floor(class))
        return fail_at(p, call->start, "%s takes as its class a number in the text, from 0 to %zu",
                       function_name(call->function), n - 1);
    return call->function == LOG_SOFTMAX ? log_softmax_at(logits, n, (long)class)
                                         : cross_entropy(logits, n, (long)class);
}

static Value *build_call(Parser *p, const Call *call)
{
    const OpCode op = (OpCode)call->function;
    const size_t n = p->operand_count - call->first;
    Value **a = p->operands + call->first, *value = a[0];
    if (!fits(call, n))
        return wrong_operands(p, call);
    switch (shape_of(call->function)) {
    case SHAPE_UNARY: return value_unary(op, a[0], HERE);
    case SHAPE_BINARY: /* max(a, b, c) is max(max(a, b), c) */
        for (size_t i = 1; i < n; i++)
            value = value_binary(op, value, a[i], HERE);
        return value;
    case SHAPE_LIST: return value_list(op, a, n, HERE);
    case SHAPE_PAIRS: return value_pairs(op, a, a + n / 2, n / 2, n % 2 != 0 ? a[n - 1] : NULL, HERE);
    default: return build_loss(p, call, a, n - 1);
    }
}

/* ---- the grammar ------------------------------------------------------------------------------------------------- */

/* NOLINTBEGIN(misc-no-recursion): parse_signed bounds it */

static Value *parse_sum(Parser *p);
static Value *parse_signed(Parser *p);

/* Read the bracket that closes the one at `open`. */
static bool close_bracket(Parser *p, size_t open, int closing, const char *wanted)
{
    if (p->token.kind != closing)
        return expected_operator(p, wanted, open);
    p->open_brackets--;
    return advance(p);
}

static bool push_operand(Parser *p, Value *operand)
{
    Value **list = memory_grow(p->operands, p->operand_count + 1, &p->operand_capacity, sizeof *p->operands);
    if (list == NULL)
        return no_memory(p);
    p->operands = list;
    p->operands[p->operand_count++] = operand;
    return operand != NULL;
}

/* list = "[" sum { "," sum } "]" */
static bool parse_list(Parser *p, Call *call)
{
    const size_t open = p->token.start, first = p->operand_count;
    const OpShape shape = shape_of(call->function);
    size_t *length = &call->lengths[call->lengths[0] > 0];
    if (shape == SHAPE_UNARY || shape == SHAPE_BINARY || *length > 0 || first > call->first + call->lengths[0])
        return fail_at(p, open, "%s takes no list here", function_name(call->function));
    p->open_brackets++;
    do {
        if (!advance(p) || !push_operand(p, parse_sum(p)))
            return false;
    } while (p->token.kind == ',');
    *length = p->operand_count - first;
    return close_bracket(p, open, ']', "',' or ']'");
}

/* argument = sum | list */
static bool parse_argument(Parser *p, Call *call)
{
    return p->token.kind == '[' ? parse_list(p, call) : push_operand(p, parse_sum(p));
}

/* function "(" argument { "," argument } ")" */
static Value *parse_call(Parser *p, int function)
{
    Call call = {.function = function, .start = p->token.start, .first = p->operand_count};
    if (!advance(p))
        return NULL;
    const size_t open = p->token.start;
    if (p->token.kind != '(')
        return fail_at(p, open, "expected '(' after the function %s, found %s", function_name(function), found(p));
    p->open_brackets++;
    do {
        if (!advance(p) || !parse_argument(p, &call))
            return NULL;
    } while (p->token.kind == ',');
    if (!close_bracket(p, open, ')', "',' or ')'"))
        return NULL;
    Value *value = build_call(p, &call);
    p->operand_count = call.first;
    return value;
}

/* "(" sum ")" | "|" sum "|" */
static Value *parse_bracket(Parser *p, int closing)
{
    const size_t open = p->token.start;
    p->open_brackets++;
    Value *inside = advance(p) ? parse_sum(p) : NULL;
    if (inside == NULL || !close_bracket(p, open, closing, closing == '|' ? "'|'" : "')'"))
        return NULL;
    return closing == '|' ? v_abs(inside) : inside;
}

/* The value of a name. One without a value is noted, so that all can be reported at once, and NaN until then. */
static Value *parse_name(Parser *p)
{
    Definition *definition = find_definition(p, slice_of(p, p->token));
    if (definition == NULL)
        definition = add_definition(p, slice_of(p, p->token), p->token.start);
    else if (definition == &p->definitions[p->statement])
        return fail_at(p, p->token.start, "%s is used in its own definition: define it by other names", found(p));
    if (definition == NULL || !advance(p))
        return NULL;
    definition->is_used = true;
    if (definition->value == NULL && p->token.kind == '(')
        return unknown_function(p);
    return definition->value != NULL ? definition->value : v_const(p->graph, NAN);
}

/* operand = number | name | "(" sum ")" | "|" sum "|" | function "(" argument { "," argument } ")" */
static Value *parse_operand(Parser *p)
{
    const double number = p->token.number;
    int function;
    switch (p->token.kind) {
    case TOKEN_NUMBER: return advance(p) ? v_const(p->graph, number) : NULL;
    case TOKEN_NAME:
        function = function_by_name(slice_of(p, p->token));
        return function == NO_FUNCTION ? parse_name(p) : parse_call(p, function);
    case '(': return parse_bracket(p, ')');
    case '|': return parse_bracket(p, '|');
    default: return expected_operand(p);
    }
}

/* The token is an operator after `left`, and before what parse_right reads. */
static Value *parse_binary(Parser *p, OpCode op, Value *left, Value *(*parse_right)(Parser *))
{
    Value *right = advance(p) ? parse_right(p) : NULL;
    return right != NULL ? value_binary(op, left, right, HERE) : NULL;
}

/* power = operand [ ("^" | "**") signed ] */
static Value *parse_power(Parser *p)
{
    Value *base = parse_operand(p);
    return base != NULL && p->token.kind == '^' ? parse_binary(p, OP_POW, base, parse_signed) : base;
}

/* -3 is one constant, not a node that negates 3. A constant without a label was read just now: nothing else uses it. */
static Value *negate(Value *operand)
{
    if (operand->op != OP_CONST || operand->label != NULL)
        return v_neg(operand);
    operand->data = -operand->data;
    return operand;
}

/* signed = { "-" | "+" } power */
static Value *parse_signed(Parser *p)
{
    size_t minuses = 0;
    if (++p->levels > EXPRESSION_LEVELS_MOST)
        return fail_at(p, p->token.start,
                       "more than %d brackets and exponents inside one another: give an inner part a name, in a "
                       "statement before this one, as in a = x*y",
                       EXPRESSION_LEVELS_MOST);
    for (; p->token.kind == '-' || p->token.kind == '+'; minuses += p->previous.kind == '-')
        if (!advance(p))
            return NULL;
    Value *value = parse_power(p);
    for (; value != NULL && minuses > 0; minuses--)
        value = negate(value);
    p->levels--;
    return value;
}

/* product = signed { ("*" | "/") signed } */
static Value *parse_product(Parser *p)
{
    Value *value = parse_signed(p);
    while (value != NULL && (p->token.kind == '*' || p->token.kind == '/'))
        value = parse_binary(p, p->token.kind == '*' ? OP_MUL : OP_DIV, value, parse_signed);
    return value;
}

/* sum = product { ("+" | "-") product } */
static Value *parse_sum(Parser *p)
{
    Value *value = parse_product(p);
    while (value != NULL && (p->token.kind == '+' || p->token.kind == '-'))
        value = parse_binary(p, p->token.kind == '+' ? OP_ADD : OP_SUB, value, parse_product);
    return value;
}

/* [ name "=" ] */
static bool parse_definition(Parser *p)
{
    const size_t start = p->token.start;
    Slice name = {0};
    Token behind = p->token;
    Error ignored; /* what is wrong after the name is found again */
    if (p->token.kind == TOKEN_NAME && token_next(&behind, p->text, p->length, &ignored) && behind.kind == '=') {
        name = slice_of(p, p->token);
        if (!check_new_name(p) || !advance(p) || !advance(p))
            return false;
    }
    p->statement = p->definition_count;
    return add_definition(p, name, start) != NULL;
}

/* statement = [ name "=" ] sum */
static Value *parse_statement(Parser *p)
{
    Value *value = parse_definition(p) ? parse_sum(p) : NULL;
    if (value == NULL)
        return NULL;
    if (!ends_statement(p->token.kind))
        return expected_operator(p, NULL, 0);
    define(&p->definitions[p->statement], value);
    return value;
}

/* text = [ statement ] { (";" | newline) [ statement ] } */
static Value *parse_text(Parser *p)
{
    Value *root = NULL;
    bool ok = advance(p);
    while (ok && p->token.kind != TOKEN_END)
        ok = ends_statement(p->token.kind) ? advance(p) : (root = parse_statement(p)) != NULL;
    if (!ok || !check_missing(p))
        return NULL;
    return root != NULL
               ? root
               : fail_at(p, p->token.start,
                         "expected an expression, found the end of the text: write one, such as L = (x - 1)^2");
}

/* NOLINTEND(misc-no-recursion) */

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static bool take_given(Parser *p, const Given *given)
{
    const Slice name = {given->name, strlen(given->name)};
    if (!check_name(name, &p->error->error))
        return false;
    Definition *definition = find_definition(p, name);
    if (definition != NULL)
        return error_set(&p->error->error, "'%s' was given two values, %.9g and %.9g: give it one",
                         show(name, p->found), definition->value->data, given->value);
    definition = add_definition(p, name, 0);
    if (definition == NULL)
        return false;
    definition->is_given = true;
    define(definition, v_param(p->graph, given->value));
    return true;
}

/* Names do not touch, so with a slot for every byte of the text at most half of the slots are used. */
static bool take_all_given(Parser *p, const Given *given, size_t n)
{
    if (p->length > EXPRESSION_BYTES_MOST)
        return error_set(&p->error->error, "a text of %zu bytes is too long: at most %d", p->length,
                         EXPRESSION_BYTES_MOST);
    p->slot_count = p->length + 2 * n + 2;
    p->slots = memory_alloc_array(p->slot_count, sizeof *p->slots);
    if (p->slots == NULL)
        return no_memory(p);
    memset(p->slots, 0, p->slot_count * sizeof *p->slots);
    for (size_t i = 0; i < n; i++)
        if (!take_given(p, &given[i]))
            return false;
    return true;
}

/* The root is called L, unless it has a name or another node is called that. */
static void name_root(Parser *p, Value *root)
{
    p->definitions[p->statement].is_used = true;
    if (root->label == NULL && find_definition(p, (Slice){"L", 1}) == NULL)
        v_label(root, "L");
}

bool expression_build_at(Where where, Expression *expression, const char *text, size_t length, const Given *given,
                         size_t given_count, ExpressionError *error)
{
    misuse_if_null(expression, "expression_build: expression", "Give the address of an Expression.", where);
    misuse_if_null(text, "expression_build: text", "Give one of `length` bytes.", where);
    misuse_if_null(error, "expression_build: error", "Give the address of an ExpressionError.", where);
    for (size_t i = 0; i < given_count; i++)
        misuse_if_null(given != NULL ? given[i].name : NULL, "expression_build: the name of a given value",
                       "Give an array of given_count names and values.", where);
    Parser p = {.text = text, .length = length, .error = error, .graph = graph_new()};
    *error = (ExpressionError){0};
    *expression = (Expression){0};
    if (p.graph == NULL)
        return error_set(&error->error, "no memory for a graph");
    Value *root = take_all_given(&p, given, given_count) ? parse_text(&p) : NULL;
    if (root != NULL)
        name_root(&p, root);
    if (!graph_ok(p.graph)) /* that comes before whatever else was found wrong */
        root = no_memory(&p);
    memory_free(p.operands);
    memory_free(p.slots);
    *expression = (Expression){p.graph, root, p.definitions, p.definition_count};
    if (root == NULL)
        expression_free(expression);
    return root != NULL;
}

void expression_free(Expression *expression)
{
    if (expression == NULL)
        return;
    graph_free(expression->graph);
    memory_free(expression->definitions);
    *expression = (Expression){0};
}

void expression_error_print_at(Where where, const ExpressionError *error, const char *text, size_t length,
                               const char *program, const char *file, FILE *out)
{
    misuse_if_null(error, "expression_error_print: error", "Give the one that expression_build filled in.", where);
    misuse_if_null(text, "expression_error_print: text", "Give the one that expression_build was given.", where);
    misuse_if_null(program, "expression_error_print: program", "Give its name.", where);
    misuse_if_null(out, "expression_error_print: out", "Give an open stream, such as stderr.", where);
    fprintf(out, "%s: %s%s", program, file != NULL ? file : "", file != NULL ? ":" : "");
    if (!error->has_place) {
        fprintf(out, "%s%s\n", file != NULL ? " " : "", error->error.message);
        return;
    }
    const Place place = place_of(text, length, error->offset);
    fprintf(out, "%zu:%zu: %s\n", place.line, place.column, error->error.message);
    place_show(text, length, error->offset, out);
}
