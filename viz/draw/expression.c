/* expression.c - see expression.h. Operator precedence with two stacks: values that are computed, and operators and
 * brackets that wait for an operand. The stacks are in heap memory, so brackets nest as deep as there is memory. */
#include "expression.h"

#include <stdint.h>
#include <string.h>

#include "loss.h"
#include "memory.h"
#include "place.h"
#include "token.h"
#include "words.h"

enum {
    SHOWN_BYTES = 40, /* of a text in a message */
    SHOWN_SIZE = SHOWN_BYTES + sizeof "…",
    MISSING_SHOWN = 6,  /* names in the message about names without a value */
    MISSING_BYTES = 24, /* of each of them */
    ROOM_AT_FIRST = 16
};

/* ---- functions --------------------------------------------------------------------------------------------------- */

/* An op of the engine by its code, or one of the losses, which are expressions of several ops. */
typedef enum Function { LOG_SOFTMAX = OP_COUNT + 1, CROSS_ENTROPY, NO_FUNCTION } Function;

static const char *function_name(Function function)
{
    return function == LOG_SOFTMAX     ? "log_softmax"
           : function == CROSS_ENTROPY ? "cross_entropy"
                                       : op_table[function].name;
}

/* A text of any bytes as it may stand in a message: at most `most` bytes, in whole characters, and nothing that steers
 * a terminal. Returns `shown`. */
static char *show_text(const char *text, size_t length, size_t most, char shown[SHOWN_SIZE])
{
    size_t end = 0, bytes;
    for (size_t i = 0; i < length; i += bytes) {
        uint32_t character;
        const size_t valid = utf8_decode(text + i, length - i, &character);
        const bool harmless = valid > 0 && character >= ' ' && !(character >= 0x7F && character < 0xA0);
        bytes = valid > 0 ? valid : 1;
        if (end + bytes > most) {
            strcpy(shown + end, "…");
            return shown;
        }
        memcpy(shown + end, harmless ? text + i : "????", bytes);
        end += bytes;
    }
    shown[end] = '\0';
    return shown;
}

/* Whether text[0..length), which holds no NUL, is `word`. */
static bool is_text(const char *text, size_t length, const char *word)
{
    return strncmp(text, word, length) == 0 && word[length] == '\0';
}

static Function function_by_name(const char *text, size_t length)
{
    for (unsigned function = OP_CONST + 1; function < NO_FUNCTION; function++)
        if (function != OP_FAILED && is_text(text, length, function_name((Function)function)))
            return (Function)function;
    return NO_FUNCTION;
}

/* How many lists in [ ] may stand first among the operands. */
static size_t lists_most(Function function)
{
    if (function == LOG_SOFTMAX || function == CROSS_ENTROPY)
        return 1;
    return op_table[function].shape == PAIRS ? 2 : op_table[function].shape == LIST ? 1 : 0;
}

/* max(a, b, c) is max(max(a, b), c): the operands may be more than two where the order does not matter. */
static bool folds(Function function) { return function == (Function)OP_MAX || function == (Function)OP_MIN; }

bool expression_check_name(const char *text, size_t length, Error *error)
{
    char shown[SHOWN_SIZE];
    show_text(text, length, SHOWN_BYTES, shown);
    if (length == 0 || token_name_bytes(text, length) != length)
        return error_set(error, "'%s' is no name: a name is a letter or _, then letters, digits and _", shown);
    if (function_by_name(text, length) != NO_FUNCTION)
        return error_set(error, "'%s' is the name of a function: choose another name", shown);
    return true;
}

/* ---- the parser -------------------------------------------------------------------------------------------------- */

/* An operator, or an open bracket, that waits for what comes behind it. */
typedef struct Pending {
    enum { OPERATOR, PAREN, BAR, CALL, SQUARE } kind;
    unsigned function;     /* of an OPERATOR its op, OP_NEG for the sign; of a CALL what is called; of a SQUARE too */
    uint32_t offset;       /* where it stands in the text */
    uint32_t first;        /* of a bracket: how many values there were before it */
    uint32_t lists;        /* of a CALL: lists so far */
    uint32_t list_ends[2]; /* and how many values there were when each ended */
} Pending;

/* What may come next. */
typedef enum Expect { AN_OPERAND, AN_OPERATOR, A_CLOSING } Expect; /* A_CLOSING: of a call, behind a list, or ',' */

typedef struct Parser {
    const char *text;
    size_t length;
    Token previous, token; /* the token to be looked at, and the one before it */
    Value **values;
    size_t value_count, value_room;
    Pending *pending;
    size_t pending_count, pending_room;
    size_t open_brackets;
    Definition *definitions;
    size_t definition_count, definition_room;
    uint32_t *slots; /* hash table of the names: an index into definitions, plus 1; 0 is free */
    size_t slot_count;
    size_t missing; /* names without a value */
    Graph *graph;
    ExpressionError *error;
} Parser;

static bool no_memory(Parser *p)
{
    p->error->has_place = false;
    return error_set(&p->error->error,
                     "no memory for the graph of %zu nodes; a text of %zu bytes needs a few hundred "
                     "times as much: draw a part of it",
                     graph_node_count(p->graph), p->length);
}

/* The message has been set; it belongs to this place of the text. */
static bool fail_at(Parser *p, size_t offset)
{
    p->error->has_place = true;
    p->error->offset = offset;
    return false;
}

/* A list with room for one more: the same list, or a larger copy, or NULL. */
static void *make_room(void *list, size_t count, size_t *room, size_t size)
{
    if (count < *room)
        return list;
    const size_t larger = *room > 0 ? *room * 2 : ROOM_AT_FIRST;
    void *copy = memory_resize(list, count * size, larger * size);
    if (copy != NULL)
        *room = larger;
    return copy;
}

static bool push_value(Parser *p, Value *value)
{
    Value **room = make_room(p->values, p->value_count, &p->value_room, sizeof *room);
    if (room == NULL || !graph_ok(p->graph))
        return no_memory(p);
    p->values = room;
    p->values[p->value_count++] = value;
    return true;
}

static bool push_pending(Parser *p, Pending pending)
{
    Pending *room = make_room(p->pending, p->pending_count, &p->pending_room, sizeof *room);
    if (room == NULL)
        return no_memory(p);
    p->pending = room;
    p->pending[p->pending_count++] = pending;
    p->open_brackets += pending.kind != OPERATOR;
    return true;
}

static Pending *last_pending(const Parser *p)
{
    return p->pending_count > 0 ? &p->pending[p->pending_count - 1] : NULL;
}

/* ---- tokens, and how they are called in a message ---------------------------------------------------------------- */

/* Inside brackets a newline is white space. */
static bool advance(Parser *p)
{
    p->previous = p->token;
    do {
        if (!token_next(&p->token, p->text, p->length, &p->error->error))
            return fail_at(p, p->token.start);
    } while (p->token.kind == '\n' && p->open_brackets > 0);
    return true;
}

enum { CALLED_SIZE = 64 };

static char *call_token(const Parser *p, const Token *token, char called[CALLED_SIZE])
{
    char shown[SHOWN_SIZE];
    if (token->kind == TOKEN_END)
        snprintf(called, CALLED_SIZE, "the end of the text");
    else if (token->kind == '\n')
        snprintf(called, CALLED_SIZE, "the end of the line");
    else
        snprintf(called, CALLED_SIZE, "'%s'",
                 show_text(p->text + token->start, token->end - token->start, SHOWN_BYTES, shown));
    return called;
}

static bool expected_operand(Parser *p)
{
    char after[CALLED_SIZE], found[CALLED_SIZE];
    const int before = p->previous.kind;
    call_token(p, &p->previous, after);
    call_token(p, &p->token, found);
    if (before == TOKEN_END || before == ';' || before == '\n')
        error_set(&p->error->error, "expected an expression, found %s", found);
    else
        error_set(&p->error->error, "expected an operand after %s, found %s", after, found);
    return fail_at(p, p->token.start);
}

static char bracket_of(const Pending *open) { return open->kind == BAR ? '|' : open->kind == SQUARE ? '[' : '('; }

static char closing_of(const Pending *open) { return open->kind == BAR ? '|' : open->kind == SQUARE ? ']' : ')'; }

/* The bracket last opened; NULL when none is open. */
static const Pending *innermost(const Parser *p)
{
    for (size_t i = p->pending_count; i-- > 0;)
        if (p->pending[i].kind != OPERATOR)
            return &p->pending[i];
    return NULL;
}

static bool starts_operand(const Token *token)
{
    return token->kind == TOKEN_NUMBER || token->kind == TOKEN_NAME || token->kind == '(' || token->kind == '[';
}

/* An operand stands right behind another one: a product as in mathematics, which a program must not guess. */
static bool expected_sign(Parser *p)
{
    char after[CALLED_SIZE], found[CALLED_SIZE];
    const Token *before = &p->previous;
    call_token(p, before, after);
    call_token(p, &p->token, found);
    const bool call = before->kind == TOKEN_NAME && p->token.kind == '(';
    error_set(&p->error->error, "expected an operator after %s, found %s: %sfor a product put * between them", after,
              found, call ? "there is no such function; " : "");
    return fail_at(p, p->token.start);
}

static void expected_closing(Parser *p, const Pending *open, const char *found)
{
    const Place place = place_of(p->text, p->length, open->offset);
    const char *separator = open->kind == CALL || open->kind == SQUARE ? "',' or " : "";
    if (open->kind == CALL)
        error_set(&p->error->error, "expected %s')' to end %s( at %zu:%zu, found %s", separator,
                  function_name((Function)open->function), place.line, place.column, found);
    else
        error_set(&p->error->error, "expected %s'%c' to close the '%c' at %zu:%zu, found %s", separator,
                  closing_of(open), bracket_of(open), place.line, place.column, found);
}

/* An operand is complete, and what follows fits nowhere. */
static bool expected_operator(Parser *p)
{
    char after[CALLED_SIZE], found[CALLED_SIZE];
    const Pending *open = innermost(p);
    const int kind = p->token.kind;
    Error *error = &p->error->error;
    call_token(p, &p->previous, after);
    call_token(p, &p->token, found);
    if (starts_operand(&p->token))
        return expected_sign(p);
    if (kind == '=')
        error_set(error,
                  "expected an operator after %s, found '=': only one name can stand before it, at the start "
                  "of a statement, as in a = x*y",
                  after);
    else if (open != NULL)
        expected_closing(p, open, found);
    else if (kind == ')' || kind == ']')
        error_set(error, "%s closes nothing: there is no '%c' before it", found, kind == ')' ? '(' : '[');
    else
        error_set(error, "expected an operator or the end of the statement after %s, found %s", after, found);
    return fail_at(p, p->token.start);
}

static bool expected_end_of_list(Parser *p)
{
    char found[CALLED_SIZE];
    error_set(&p->error->error, "expected ',' or ')' after the list, found %s", call_token(p, &p->token, found));
    return fail_at(p, p->token.start);
}

/* ---- names ------------------------------------------------------------------------------------------------------- */

/* The slot of a name: where it is, or where it would go. */
static uint32_t *find_slot(const Parser *p, const char *name, size_t bytes)
{
    size_t i = (size_t)fnv1a(FNV1A_START, name, bytes) % p->slot_count;
    while (p->slots[i] != 0 && !is_text(name, bytes, p->definitions[p->slots[i] - 1].name))
        i = (i + 1) % p->slot_count;
    return &p->slots[i];
}

static Definition *find_definition(const Parser *p, const char *name, size_t bytes)
{
    const uint32_t slot = p->slot_count > 0 ? *find_slot(p, name, bytes) : 0;
    return slot > 0 ? &p->definitions[slot - 1] : NULL;
}

/* Twice as many slots, filled again. They stay at least half free, so that a search is short. */
static bool grow_slots(Parser *p)
{
    const size_t count = p->slot_count > 0 ? p->slot_count * 2 : ROOM_AT_FIRST * 2;
    uint32_t *slots = memory_alloc_array(count, sizeof *slots);
    if (slots == NULL)
        return no_memory(p);
    memset(slots, 0, count * sizeof *slots);
    memory_free(p->slots);
    p->slots = slots;
    p->slot_count = count;
    for (size_t i = 0; i < p->definition_count; i++) {
        const char *name = p->definitions[i].name;
        if (name != NULL)
            *find_slot(p, name, strlen(name)) = (uint32_t)i + 1;
    }
    return true;
}

/* Add a definition; name may be NULL. The name is copied. Returns NULL, and says so, when there is no memory. */
static Definition *add_definition(Parser *p, const char *name, size_t bytes, Definition definition)
{
    Definition *room = make_room(p->definitions, p->definition_count, &p->definition_room, sizeof *room);
    char *copy = name != NULL ? graph_alloc(p->graph, bytes + 1) : NULL;
    if (room != NULL)
        p->definitions = room;
    if (room == NULL || (name != NULL && copy == NULL)) {
        no_memory(p);
        return NULL;
    }
    if (2 * (p->definition_count + 1) > p->slot_count && !grow_slots(p))
        return NULL;
    if (name != NULL) {
        memcpy(copy, name, bytes);
        copy[bytes] = '\0';
        *find_slot(p, copy, bytes) = (uint32_t)p->definition_count + 1;
    }
    definition.name = copy;
    p->definitions[p->definition_count] = definition;
    return &p->definitions[p->definition_count++];
}

/* The value of a name. One without a value is noted, so that all can be told of at once, and NaN until then. */
static bool take_name(Parser *p)
{
    const char *name = p->text + p->token.start;
    const size_t bytes = p->token.end - p->token.start;
    Definition *definition = find_definition(p, name, bytes);
    if (definition == NULL) {
        definition = add_definition(p, name, bytes, (Definition){.offset = p->token.start});
        p->missing++;
    }
    if (definition == NULL)
        return false;
    definition->is_used = true;
    return push_value(p, definition->value != NULL ? definition->value : v_const(p->graph, NAN)) && advance(p);
}

static const char *example_value(const char *name)
{
    return strcmp(name, "pi") == 0 ? "3.141592653589793" : strcmp(name, "e") == 0 ? "2.718281828459045" : "1";
}

/* "a, b, c" and " a=1 b=1 c=1" of the first few names without a value. Returns the place of the first. */
static size_t list_missing(const Parser *p, size_t most, char *names, char *values)
{
    size_t shown = 0, first = 0;
    *names = *values = '\0';
    for (size_t i = 0; i < p->definition_count && shown < most; i++) {
        const Definition *missing = &p->definitions[i];
        char name[SHOWN_SIZE];
        if (missing->name == NULL || missing->value != NULL)
            continue;
        show_text(missing->name, strlen(missing->name), MISSING_BYTES, name);
        names += sprintf(names, "%s%s", shown > 0 ? ", " : "", name);
        values += sprintf(values, " %s=%s", name, example_value(name));
        first = shown++ == 0 ? missing->offset : first;
    }
    return first;
}

/* Some names have no value: name them, the first few, and show how to give them one. */
static bool tell_missing(Parser *p)
{
    char names[MISSING_SHOWN * SHOWN_SIZE], values[MISSING_SHOWN * 2 * SHOWN_SIZE];
    const size_t first = list_missing(p, MISSING_SHOWN, names, values);
    const char *more = p->missing > MISSING_SHOWN ? ", …" : "";
    const bool one = p->missing == 1;
    error_set(&p->error->error, "%s%s %s no value: give %s one, as in%s%s", names, more, one ? "has" : "have",
              one ? "it" : "each", values, more);
    return fail_at(p, first);
}

/* ---- building nodes ---------------------------------------------------------------------------------------------- */

/* Replace the last n values by one. */
static bool replace_values(Parser *p, size_t n, Value *value)
{
    p->value_count -= n;
    return push_value(p, value);
}

/* -3 is one constant, not a node that negates 3. A constant without a label was read just now: nothing else uses it. */
static bool negate(Parser *p)
{
    Value *operand = p->values[p->value_count - 1];
    if (operand->op != OP_CONST || operand->label != NULL)
        return replace_values(p, 1, v_neg(operand));
    operand->data = -operand->data;
    return true;
}

/* Compute the operator on top of the stack. */
static bool reduce_one(Parser *p)
{
    const OpCode op = (OpCode)p->pending[--p->pending_count].function;
    if (op == OP_NEG)
        return negate(p);
    Value **operands = &p->values[p->value_count - 2];
    return replace_values(p, 2, value_binary(op, operands[0], operands[1], HERE));
}

static int precedence_of(unsigned op)
{
    return op == OP_ADD || op == OP_SUB ? 1 : op == OP_MUL || op == OP_DIV ? 2 : op == OP_NEG ? 3 : 4;
}

/* Compute what waits for its operand and binds at least as strongly as `precedence`. */
static bool reduce(Parser *p, int precedence)
{
    while (last_pending(p) != NULL && last_pending(p)->kind == OPERATOR &&
           precedence_of(last_pending(p)->function) >= precedence)
        if (!reduce_one(p))
            return false;
    return true;
}

static bool reduce_to_bracket(Parser *p) { return reduce(p, 0); }

/* ---- calls ------------------------------------------------------------------------------------------------------- */

/* A finished call: its operands, those of the lists first. */
typedef struct Call {
    Function function;
    Value **operands;
    size_t count, lists;
    size_t lengths[2]; /* of the lists */
} Call;

static bool wrong_operands(Parser *p, const Pending *open, const Call *call, const char *wanted)
{
    char found[64];
    if (call->lists == 2)
        snprintf(found, sizeof found, "lists of %zu and %zu, and %zu more", call->lengths[0], call->lengths[1],
                 call->count - call->lengths[0] - call->lengths[1]);
    else if (call->lists == 1)
        snprintf(found, sizeof found, "a list of %zu, and %zu more", call->lengths[0], call->count - call->lengths[0]);
    else
        snprintf(found, sizeof found, "%zu", call->count);
    error_set(&p->error->error, "%s takes %s, found %s", function_name(call->function), wanted, found);
    fail_at(p, open->offset);
    return false;
}

/* dot(a…, b…), dot([a…], [b…]), dot([a…], [b…], bias) */
static Value *build_pairs(Parser *p, const Pending *open, const Call *call)
{
    const size_t n = call->lists > 0 ? call->lengths[0] : call->count / 2;
    const bool has_bias = call->lists == 2 && call->count == 2 * n + 1;
    const bool fits = call->lists == 2 ? call->lengths[1] == n && (call->count == 2 * n || has_bias)
                                       : call->lists == 0 && call->count == 2 * n;
    if (!fits) {
        wrong_operands(p, open, call, "two lists of one length, ([a, b], [c, d]), or as many numbers, (a, b, c, d)");
        return NULL;
    }
    Value **operands = call->operands;
    return value_pairs((OpCode)call->function, operands, operands + n, n, has_bias ? operands[2 * n] : NULL, HERE);
}

static Value *build_list(Parser *p, const Pending *open, const Call *call)
{
    if (call->lists == 1 && call->count != call->lengths[0]) {
        wrong_operands(p, open, call, "one list, [a, b], or numbers, a, b");
        return NULL;
    }
    return value_list((OpCode)call->function, call->operands, call->count, HERE);
}

static Value *build_binary(Parser *p, const Pending *open, const Call *call)
{
    const OpCode op = (OpCode)call->function;
    if (call->count != 2 && !(folds(call->function) && call->count > 2)) {
        wrong_operands(p, open, call, folds(call->function) ? "2 operands or more" : "2 operands");
        return NULL;
    }
    Value *value = value_binary(op, call->operands[0], call->operands[1], HERE);
    for (size_t i = 2; i < call->count; i++)
        value = value_binary(op, value, call->operands[i], HERE);
    return value;
}

static Value *build_unary(Parser *p, const Pending *open, const Call *call)
{
    if (call->count != 1) {
        wrong_operands(p, open, call, "1 operand");
        return NULL;
    }
    return value_unary((OpCode)call->function, call->operands[0], HERE);
}

/* log_softmax([z…], class), cross_entropy([z…], class) */
static Value *build_loss(Parser *p, const Pending *open, const Call *call)
{
    const size_t n = call->lengths[0];
    if (call->lists != 1 || call->count != n + 1) {
        wrong_operands(p, open, call, "a list of logits and a class, ([z0, z1], 1)");
        return NULL;
    }
    const Value *target = call->operands[n];
    if (target->op != OP_CONST || !(target->data >= 0 && target->data < (double)n) ||
        target->data != floor(target->data)) {
        error_set(&p->error->error, "%s takes as its class a number in the text, from 0 to %zu",
                  function_name(call->function), n - 1);
        fail_at(p, open->offset);
        return NULL;
    }
    return call->function == LOG_SOFTMAX ? log_softmax_at(call->operands, n, (long)target->data)
                                         : cross_entropy(call->operands, n, (long)target->data);
}

/* NULL, and the message set, when the operands are not what the function takes. */
static Value *build_call(Parser *p, const Pending *open, const Call *call)
{
    if (call->function == LOG_SOFTMAX || call->function == CROSS_ENTROPY)
        return build_loss(p, open, call);
    switch (op_table[call->function].shape) {
    case UNARY: return build_unary(p, open, call);
    case BINARY: return build_binary(p, open, call);
    case LIST: return build_list(p, open, call);
    case PAIRS: return build_pairs(p, open, call);
    case LEAF: break; /* no function */
    }
    return NULL;
}

/* ---- brackets ---------------------------------------------------------------------------------------------------- */

static Pending bracket(const Parser *p, int kind, unsigned function, size_t offset)
{
    Pending open = {.function = function, .offset = (uint32_t)offset, .first = (uint32_t)p->value_count};
    open.kind = kind == '(' ? PAREN : kind == '|' ? BAR : kind == '[' ? SQUARE : CALL;
    return open;
}

static bool open_bracket(Parser *p)
{
    return push_pending(p, bracket(p, p->token.kind, 0, p->token.start)) && advance(p);
}

/* NAME of a function: it must be called. */
static bool open_call(Parser *p, Function function)
{
    const size_t offset = p->token.start;
    if (!advance(p))
        return false;
    if (p->token.kind != '(') {
        char found[CALLED_SIZE];
        error_set(&p->error->error, "expected '(' after the function %s, found %s", function_name(function),
                  call_token(p, &p->token, found));
        return fail_at(p, p->token.start);
    }
    return push_pending(p, bracket(p, TOKEN_NAME, function, offset)) && advance(p);
}

/* '[' where an operand should be: a list can be an operand of some functions, before the others. */
static bool open_list(Parser *p)
{
    const Pending *call = last_pending(p);
    const bool in_call = call != NULL && call->kind == CALL;
    const size_t in_lists = in_call && call->lists > 0 ? call->list_ends[call->lists - 1] : 0;
    if (in_call && call->lists < lists_most((Function)call->function) &&
        p->value_count == (call->lists > 0 ? in_lists : call->first))
        return open_bracket(p);
    if (in_call)
        error_set(&p->error->error, "%s takes no list here", function_name((Function)call->function));
    else
        error_set(&p->error->error,
                  "a list can only be an operand of dot, sum, logsumexp, log_softmax or cross_entropy: for an "
                  "expression use ( )");
    return fail_at(p, p->token.start);
}

static bool close_list(Parser *p)
{
    p->pending_count--;
    Pending *call = last_pending(p);
    call->list_ends[call->lists++] = (uint32_t)p->value_count;
    return true;
}

static bool close_call(Parser *p)
{
    const Pending open = p->pending[--p->pending_count];
    Call call = {.function = (Function)open.function,
                 .operands = p->values + open.first,
                 .count = p->value_count - open.first,
                 .lists = open.lists};
    for (size_t i = 0, start = open.first; i < call.lists; start = open.list_ends[i++])
        call.lengths[i] = open.list_ends[i] - start;
    Value *value = build_call(p, &open, &call);
    return value != NULL && replace_values(p, call.count, value);
}

/* The token closes a bracket, or ought to. */
static bool close_bracket(Parser *p, Expect *expect)
{
    if (!reduce_to_bracket(p))
        return false;
    const Pending *open = last_pending(p);
    if (open == NULL || p->token.kind != closing_of(open))
        return expected_operator(p);
    const int kind = (int)open->kind;
    *expect = kind == SQUARE ? A_CLOSING : AN_OPERATOR;
    p->open_brackets--;
    bool closed = true;
    if (kind == SQUARE)
        closed = close_list(p);
    else if (kind == CALL)
        closed = close_call(p);
    else
        p->pending_count--;
    if (closed && kind == BAR)
        closed = replace_values(p, 1, v_abs(p->values[p->value_count - 1]));
    return closed && advance(p);
}

/* ---- expressions ------------------------------------------------------------------------------------------------- */

static bool take_sign(Parser *p)
{
    const Pending sign = {.kind = OPERATOR, .function = OP_NEG, .offset = (uint32_t)p->token.start};
    return (p->token.kind == '+' || push_pending(p, sign)) && advance(p);
}

static bool take_operand(Parser *p, Expect *expect)
{
    const Token *token = &p->token;
    const Function function =
        token->kind == TOKEN_NAME ? function_by_name(p->text + token->start, token->end - token->start) : NO_FUNCTION;
    if (function != NO_FUNCTION)
        return open_call(p, function);
    switch (token->kind) {
    case '+':
    case '-': return take_sign(p);
    case '(':
    case '|': return open_bracket(p);
    case '[': return open_list(p);
    case TOKEN_NUMBER: *expect = AN_OPERATOR; return push_value(p, v_const(p->graph, token->number)) && advance(p);
    case TOKEN_NAME: *expect = AN_OPERATOR; return take_name(p);
    default: return expected_operand(p);
    }
}

static OpCode op_of_sign(int sign)
{
    return sign == '+' ? OP_ADD : sign == '-' ? OP_SUB : sign == '*' ? OP_MUL : sign == '/' ? OP_DIV : OP_POW;
}

/* + - * / wait for nothing as strong as they are: a - b - c is (a - b) - c. But a^b^c is a^(b^c). */
static bool take_binary(Parser *p, Expect *expect)
{
    const OpCode op = op_of_sign(p->token.kind);
    const Pending pending = {.kind = OPERATOR, .function = op, .offset = (uint32_t)p->token.start};
    *expect = AN_OPERAND;
    return reduce(p, precedence_of(op) + (op == OP_POW)) && push_pending(p, pending) && advance(p);
}

static bool take_comma(Parser *p, Expect *expect)
{
    if (!reduce_to_bracket(p))
        return false;
    const Pending *open = last_pending(p);
    if (open == NULL || (open->kind != CALL && open->kind != SQUARE))
        return expected_operator(p);
    *expect = AN_OPERAND;
    return advance(p);
}

static bool take_operator(Parser *p, Expect *expect)
{
    const int kind = p->token.kind;
    if (*expect == A_CLOSING && kind != ',' && kind != ')')
        return expected_end_of_list(p);
    if (kind == ',')
        return take_comma(p, expect);
    if (kind == ')' || kind == ']' || kind == '|')
        return close_bracket(p, expect);
    if (strchr("+-*/^", kind) == NULL || kind == TOKEN_END)
        return expected_operator(p);
    return take_binary(p, expect);
}

static bool ends_statement(const Token *token)
{
    return token->kind == TOKEN_END || token->kind == ';' || token->kind == '\n';
}

/* Read an expression up to the end of its statement. */
static Value *parse_expression(Parser *p)
{
    Expect expect = AN_OPERAND;
    while (expect == AN_OPERAND || p->open_brackets > 0 || !ends_statement(&p->token))
        if (!(expect == AN_OPERAND ? take_operand(p, &expect) : take_operator(p, &expect)))
            return NULL;
    if (!reduce_to_bracket(p))
        return NULL;
    return p->values[--p->value_count];
}

/* ---- statements -------------------------------------------------------------------------------------------------- */

/* The text uses the name before the statement that defines it. */
static bool used_too_early(Parser *p, const Token *name, const Definition *missing)
{
    const Place place = place_of(p->text, p->length, name->start);
    char called[CALLED_SIZE];
    call_token(p, name, called);
    if (missing->offset > name->start)
        error_set(&p->error->error, "%s is used in its own definition: define it by other names", called);
    else
        error_set(&p->error->error, "%s is used before it is defined, at %zu:%zu: put that statement first", called,
                  place.line, place.column);
    return fail_at(p, missing->offset);
}

/* Whether a statement may define this name. */
static bool check_new_name(Parser *p, const Token *name)
{
    const char *text = p->text + name->start;
    const size_t bytes = name->end - name->start;
    const Definition *before = find_definition(p, text, bytes);
    char called[CALLED_SIZE];
    if (!expression_check_name(text, bytes, &p->error->error))
        return fail_at(p, name->start);
    if (before == NULL)
        return true;
    if (before->value == NULL)
        return used_too_early(p, name, before);
    call_token(p, name, called);
    const Place place = place_of(p->text, p->length, before->offset);
    if (before->is_given)
        error_set(&p->error->error, "%s was given the value %.9g: define another name, or do not give it a value",
                  called, before->value->data);
    else
        error_set(&p->error->error, "%s is defined already, at %zu:%zu: choose another name", called, place.line,
                  place.column);
    return fail_at(p, name->start);
}

/* Give a node its name, unless it has one: in b = a both are one node, called a. */
static Value *name_value(const Parser *p, Value *value, const Token *name)
{
    if (value->label != NULL || name->kind != TOKEN_NAME)
        return value;
    char *label = graph_alloc(p->graph, name->end - name->start + 1);
    if (label == NULL)
        return graph_fail(p->graph);
    memcpy(label, p->text + name->start, name->end - name->start);
    label[name->end - name->start] = '\0';
    value->label = label;
    return value;
}

/* `name =` at the start of a statement, in *name; an empty token when there is none. */
static bool parse_name(Parser *p, Token *name)
{
    *name = (Token){0};
    if (p->token.kind != TOKEN_NAME)
        return true;
    Token behind = p->token;
    Error ignored; /* what is wrong behind the name is found again */
    if (!token_next(&behind, p->text, p->length, &ignored) || behind.kind != '=')
        return true;
    *name = p->token;
    return check_new_name(p, name) && advance(p) && advance(p);
}

static bool parse_statement(Parser *p, Value **root)
{
    Token name;
    const size_t start = p->token.start;
    if (!parse_name(p, &name))
        return false;
    Value *value = parse_expression(p);
    if (value == NULL)
        return false;
    const char *text = name.kind == TOKEN_NAME ? p->text + name.start : NULL;
    const size_t bytes = name.end - name.start;
    const Definition *itself = text != NULL ? find_definition(p, text, bytes) : NULL;
    if (itself != NULL)
        return used_too_early(p, &name, itself);
    *root = name_value(p, value, &name);
    return add_definition(p, text, bytes, (Definition){.value = *root, .offset = start}) != NULL;
}

static bool parse_statements(Parser *p, Value **root)
{
    if (!advance(p))
        return false;
    while (p->token.kind != TOKEN_END)
        if (!(p->token.kind == ';' || p->token.kind == '\n' ? advance(p) : parse_statement(p, root)))
            return false;
    if (p->missing > 0)
        return tell_missing(p);
    if (*root != NULL)
        return true;
    error_set(&p->error->error, "expected an expression, found the end of the text: write one, such as L = (x - 1)^2");
    return fail_at(p, p->token.start);
}

/* The root is called L when nobody gave it a name, or another node that one. */
static void name_root(Parser *p, Value *root)
{
    p->definitions[p->definition_count - 1].is_used = true;
    if (root->label == NULL && find_definition(p, "L", 1) == NULL)
        v_label(root, "L");
}

/* ---- values that were given -------------------------------------------------------------------------------------- */

static bool take_given(Parser *p, const Given *given)
{
    const size_t bytes = strlen(given->name);
    p->error->has_place = false;
    if (!expression_check_name(given->name, bytes, &p->error->error))
        return false;
    const Definition *before = find_definition(p, given->name, bytes);
    char shown[SHOWN_SIZE];
    if (before != NULL)
        return error_set(&p->error->error, "'%s' was given two values, %.9g and %.9g: give it one",
                         show_text(given->name, bytes, SHOWN_BYTES, shown), before->value->data, given->value);
    Value *param = v_label(v_param(p->graph, given->value), given->name);
    return add_definition(p, given->name, bytes, (Definition){.value = param, .is_given = true}) != NULL;
}

static bool take_all_given(Parser *p, const Given *given, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!take_given(p, &given[i]))
            return false;
    return true;
}

/* ---- the whole --------------------------------------------------------------------------------------------------- */

static bool check_length(const Parser *p)
{
    if (p->length <= EXPRESSION_BYTES_MOST)
        return true;
    p->error->has_place = false;
    return error_set(&p->error->error, "a text of %zu bytes is too long: at most %d", p->length, EXPRESSION_BYTES_MOST);
}

bool expression_build(Expression *expression, const char *text, size_t length, const Given *given, size_t given_count,
                      ExpressionError *error)
{
    Parser p = {.text = text, .length = length, .error = error, .graph = graph_new()};
    Value *root = NULL;
    *error = (ExpressionError){0};
    *expression = (Expression){0};
    if (p.graph == NULL)
        return error_set(&error->error, "no memory for a graph");
    bool built = check_length(&p) && take_all_given(&p, given, given_count) && parse_statements(&p, &root);
    if (built)
        name_root(&p, root);
    if (built && !graph_ok(p.graph))
        built = no_memory(&p);
    memory_free(p.values);
    memory_free(p.pending);
    memory_free(p.slots);
    *expression = (Expression){p.graph, root, p.definitions, p.definition_count};
    if (!built)
        expression_free(expression);
    return built;
}

void expression_free(Expression *expression)
{
    graph_free(expression->graph);
    memory_free(expression->definitions);
    *expression = (Expression){0};
}

void expression_error_print(const ExpressionError *error, const char *text, size_t length, const char *program,
                            const char *file, FILE *out)
{
    fprintf(out, "%s: %s%s", program, file != NULL ? file : "", file != NULL ? ":" : "");
    if (!error->has_place) {
        fprintf(out, "%s%s\n", file != NULL ? " " : "", error->error.message);
        return;
    }
    const Place place = place_of(text, length, error->offset);
    fprintf(out, "%zu:%zu: %s\n", place.line, place.column, error->error.message);
    place_show(text, length, error->offset, out);
}
