/* adg.c - see adg.h. */
#include "adg.h"

#include <ctype.h>
#include <errno.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "jacobian.h"
#include "loss.h"
#include "memory.h"
#include "stepgrad.h"

enum {
    LINE_BYTES = 1 << 20,    /* the longest line; an op of 500 arguments takes 2500 */
    ID_MOST = 1 << 30,       /* ids, counts and class indices stay below */
    AGREEMENT_ROUNDINGS = 32 /* by which the two modes may differ, in units of half an ulp of the sum of paths */
};

/* ---- the ops of the format -----------------------------------------------------------------------------------------
 */

/* The format's name of an op, and the engine's. lsm and xent are expressions of several ops. */
typedef enum Composite { SINGLE_OP, LOG_SOFTMAX, CROSS_ENTROPY } Composite;

static const struct {
    const char *name;
    OpCode code;
    Composite composite;
} adg_ops[] = {
    {"add", OP_ADD, SINGLE_OP},
    {"sub", OP_SUB, SINGLE_OP},
    {"mul", OP_MUL, SINGLE_OP},
    {"div", OP_DIV, SINGLE_OP},
    {"neg", OP_NEG, SINGLE_OP},
    {"pow", OP_POW, SINGLE_OP},
    {"exp", OP_EXP, SINGLE_OP},
    {"log", OP_LOG, SINGLE_OP},
    {"sqrt", OP_SQRT, SINGLE_OP},
    {"tanh", OP_TANH, SINGLE_OP},
    {"sigmoid", OP_SIGMOID, SINGLE_OP},
    {"relu", OP_RELU, SINGLE_OP},
    {"sin", OP_SIN, SINGLE_OP},
    {"cos", OP_COS, SINGLE_OP},
    {"softplus", OP_SOFTPLUS, SINGLE_OP},
    {"abs", OP_ABS, SINGLE_OP},
    {"max", OP_MAX, SINGLE_OP},
    {"min", OP_MIN, SINGLE_OP},
    {"sum", OP_SUM, SINGLE_OP},
    {"dot", OP_DOT, SINGLE_OP},
    {"lse", OP_LOGSUMEXP, SINGLE_OP},
    {"lsm", OP_LOGSUMEXP, LOG_SOFTMAX},
    {"xent", OP_LOGSUMEXP, CROSS_ENTROPY},
};
enum { ADG_OP_COUNT = sizeof adg_ops / sizeof adg_ops[0] };

bool adg_find_op(const char *name, size_t *op)
{
    for (*op = 0; *op < ADG_OP_COUNT; ++*op)
        if (strcmp(adg_ops[*op].name, name) == 0)
            return true;
    return false;
}

bool adg_op_has_imm(size_t op) { return adg_ops[op].composite != SINGLE_OP; }

bool adg_op_takes(size_t op, size_t count)
{
    switch (op_table[adg_ops[op].code].shape) {
    case SHAPE_UNARY: return count == 1;
    case SHAPE_BINARY: return count == 2;
    case SHAPE_LIST: return count >= 1;
    case SHAPE_PAIRS: return count >= 2 && count % 2 == 0;
    case SHAPE_LEAF: break;
    }
    return false;
}

Value *adg_build_op(size_t op, size_t imm, Value *const *args, size_t n)
{
    const OpCode code = adg_ops[op].code;
    switch (adg_ops[op].composite) {
    case CROSS_ENTROPY: return cross_entropy(args, n, (long)imm);
    case LOG_SOFTMAX: return log_softmax_at(args, n, (long)imm);
    case SINGLE_OP: break;
    }
    switch (op_table[code].shape) {
    case SHAPE_UNARY: return value_unary(code, args[0], HERE);
    case SHAPE_BINARY: return value_binary(code, args[0], args[1], HERE);
    case SHAPE_LIST: return value_list(code, args, n, HERE);
    case SHAPE_PAIRS: return value_pairs(code, args, args + n / 2, n / 2, NULL, HERE);
    case SHAPE_LEAF: break;
    }
    return NULL;
}

/* ---- reading: lines and words ---------------------------------------------------------------------------------------
 */

bool adg_open(AdgReader *reader, const char *path, Error *error)
{
    *reader = (AdgReader){.path = path, .file = fopen(path, "r"), .text = malloc(LINE_BYTES)};
    if (reader->file == NULL)
        return error_set(error, "%s: cannot be opened: %s", path, strerror(errno));
    if (reader->text == NULL)
        return error_set(error, "%s: no memory to read it", path);
    return true;
}

void adg_close(AdgReader *reader)
{
    if (reader->file != NULL)
        fclose(reader->file);
    free(reader->text);
    *reader = (AdgReader){0};
}

static bool wrong(const AdgReader *reader, Error *error, const char *format, ...) PRINTF_LIKE(3, 4);
static bool wrong(const AdgReader *reader, Error *error, const char *format, ...)
{
    char what[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    return error_set(error, "%s:%zu: %s", reader->path, reader->line, what);
}

/* The next line that has a word in it, without its comment. False at the end of the file or with the Error filled. */
static bool next_line(AdgReader *reader, bool *at_end, Error *error)
{
    *at_end = false;
    while (fgets(reader->text, LINE_BYTES, reader->file) != NULL) {
        reader->line++;
        const size_t length = strlen(reader->text);
        const bool whole = length > 0 && reader->text[length - 1] == '\n';
        if (!whole && !feof(reader->file))
            return wrong(reader, error, "the line holds a zero byte or is longer than %d bytes", LINE_BYTES);
        reader->text[strcspn(reader->text, "#\r\n")] = '\0';
        reader->cursor = reader->text + strspn(reader->text, " \t");
        if (*reader->cursor != '\0')
            return true;
    }
    if (ferror(reader->file))
        return error_set(error, "%s: cannot be read: %s", reader->path, strerror(errno));
    *at_end = true;
    return false;
}

/* The next word of the line, or NULL at its end. */
static char *next_word(AdgReader *reader)
{
    char *word = reader->cursor;
    if (*word == '\0')
        return NULL;
    char *end = word + strcspn(word, " \t");
    reader->cursor = end + strspn(end, " \t");
    *end = '\0';
    return word;
}

static bool read_word(AdgReader *reader, const char *what, char **word, Error *error)
{
    *word = next_word(reader);
    return *word != NULL || wrong(reader, error, "the line ends where %s should stand", what);
}

static bool end_of_line(AdgReader *reader, Error *error)
{
    const char *word = next_word(reader);
    return word == NULL || wrong(reader, error, "'%.40s' is more than belongs in this line", word);
}

/* An id or a count: decimal digits, at most `most`. */
static bool read_count(AdgReader *reader, const char *what, size_t most, size_t *count, Error *error)
{
    char *word;
    if (!read_word(reader, what, &word, error))
        return false;
    char *end = word;
    errno = 0;
    const uintmax_t number = isdigit((unsigned char)*word) ? strtoumax(word, &end, 10) : 0;
    if (end == word || *end != '\0')
        return wrong(reader, error, "%s is '%.40s', which is no whole number", what, word);
    if (errno == ERANGE || number > most)
        return wrong(reader, error, "%s is %.40s, but at most %zu is possible here", what, word, most);
    *count = (size_t)number;
    return true;
}

static bool is_nonfinite_word(const char *word)
{
    return strcmp(word, "nan") == 0 || strcmp(word, "inf") == 0 || strcmp(word, "-inf") == 0;
}

/* A hex float, or nan, inf, -inf in a graph of class trap. */
static bool read_number(AdgReader *reader, const AdgGraph *graph, const char *what, double *number, Error *error)
{
    char *word;
    if (!read_word(reader, what, &word, error))
        return false;
    const bool nonfinite = is_nonfinite_word(word);
    if (nonfinite && strcmp(graph->class_name, "trap") != 0)
        return wrong(reader, error, "%s is %s, which only graphs of class trap may hold", what, word);
    const char *digits = *word == '-' ? word + 1 : word;
    char *end;
    *number = strtod(word, &end);
    if (!nonfinite && (strncmp(digits, "0x", 2) != 0 || end == word || *end != '\0'))
        return wrong(reader, error, "%s is '%.40s', which is no hex float such as -0x1.8p+3", what, word);
    if (!nonfinite && isinf(*number))
        return wrong(reader, error, "%s is %.40s, which is too large for a double", what, word);
    return true;
}

/* ---- reading: a graph -----------------------------------------------------------------------------------------------
 */

/* Room for one more item of `size` bytes behind `count`; the list (a pointer to it is given) may move. */
static bool make_room(void *list, size_t count, size_t *capacity, size_t size, const AdgReader *reader, Error *error)
{
    if (count < *capacity)
        return true;
    void *items;
    memcpy(&items, list, sizeof items);
    const size_t larger = *capacity == 0 ? 64 : 2 * *capacity;
    items = larger <= SIZE_MAX / size ? realloc(items, larger * size) : NULL;
    if (items == NULL)
        return wrong(reader, error, "no memory for a graph of this size");
    memcpy(list, &items, sizeof items);
    *capacity = larger;
    return true;
}

static bool add_node(const AdgReader *reader, AdgGraph *graph, AdgNode node, Error *error)
{
    if (!make_room(&graph->nodes, graph->node_count, &graph->node_capacity, sizeof *graph->nodes, reader, error))
        return false;
    graph->nodes[graph->node_count++] = node;
    return true;
}

static bool add_leaf(const AdgReader *reader, AdgGraph *graph, size_t id, Error *error)
{
    if (!make_room(&graph->leaves, graph->leaf_count, &graph->leaf_capacity, sizeof *graph->leaves, reader, error))
        return false;
    graph->leaves[graph->leaf_count++] = id;
    return true;
}

/* The id that a node's line starts with: the next one. */
static bool read_new_id(AdgReader *reader, const AdgGraph *graph, Error *error)
{
    size_t id;
    if (!read_count(reader, "the node's id", ID_MOST, &id, error))
        return false;
    return id == graph->node_count ||
           wrong(reader, error, "the node's id is %zu, but the next is %zu: ids count up from 0", id,
                 graph->node_count);
}

static bool read_leaf(AdgReader *reader, AdgGraph *graph, AdgKind kind, Error *error)
{
    AdgNode node = {.kind = kind};
    if (!read_new_id(reader, graph, error) || !read_number(reader, graph, "the value", &node.number, error))
        return false;
    if (kind == ADG_LEAF && !add_leaf(reader, graph, graph->node_count, error))
        return false;
    return add_node(reader, graph, node, error);
}

static bool read_op_name(AdgReader *reader, size_t *op, Error *error)
{
    char *name;
    if (!read_word(reader, "the op's name", &name, error))
        return false;
    return adg_find_op(name, op) || wrong(reader, error, "there is no op '%.40s'", name);
}

static bool read_args(AdgReader *reader, AdgGraph *graph, const AdgNode *node, Error *error)
{
    if (graph->node_count == 0)
        return wrong(reader, error, "an op cannot be the first node: it has no arguments to take");
    for (size_t i = 0; i < node->arg_count; i++) {
        size_t id;
        if (!read_count(reader, "an argument's id", graph->node_count - 1, &id, error) ||
            !make_room(&graph->args, graph->arg_count, &graph->arg_capacity, sizeof *graph->args, reader, error))
            return false;
        graph->args[graph->arg_count++] = id;
    }
    return true;
}

static bool read_op(AdgReader *reader, AdgGraph *graph, Error *error)
{
    AdgNode node = {.kind = ADG_OP, .first_arg = graph->arg_count};
    if (!read_new_id(reader, graph, error) || !read_op_name(reader, &node.op, error))
        return false;
    const bool has_imm = adg_op_has_imm(node.op);
    if (has_imm && !read_count(reader, "the class index", ID_MOST, &node.imm, error))
        return false;
    if (!read_count(reader, "the number of arguments", ID_MOST, &node.arg_count, error))
        return false;
    if (!adg_op_takes(node.op, node.arg_count))
        return wrong(reader, error, "%s cannot have %zu arguments", adg_ops[node.op].name, node.arg_count);
    if (has_imm && node.imm >= node.arg_count)
        return wrong(reader, error, "the class index is %zu, but there are %zu classes", node.imm, node.arg_count);
    return read_args(reader, graph, &node, error) && add_node(reader, graph, node, error);
}

static bool read_expected(AdgReader *reader, const AdgGraph *graph, AdgExpected *expected, Error *error)
{
    if (!read_number(reader, graph, "the exact number (HI)", &expected->high, error) ||
        !read_number(reader, graph, "the exact number's rest (LO)", &expected->low, error) ||
        !read_number(reader, graph, "the strict bound (BS)", &expected->strict, error) ||
        !read_number(reader, graph, "the natural bound (BN)", &expected->natural, error) ||
        !read_number(reader, graph, "PyTorch's number", &expected->torch, error))
        return false;
    if (!(expected->strict >= 0 && expected->natural >= 0))
        return wrong(reader, error, "the bounds are %g and %g, but a bound is 0 or more", expected->strict,
                     expected->natural);
    return true;
}

/* Go to the next line and read the keyword that it starts with. The file must not end here: `missing` says why. */
static bool read_keyword(AdgReader *reader, const char *missing, char **keyword, Error *error)
{
    bool at_end;
    if (next_line(reader, &at_end, error))
        return read_word(reader, "a keyword", keyword, error);
    return at_end ? wrong(reader, error, "the file ends here, but %s", missing) : false;
}

static bool expect_keyword(AdgReader *reader, const char *keyword, const char *missing, Error *error)
{
    char *word = NULL;
    if (!read_keyword(reader, missing, &word, error))
        return false;
    return strcmp(word, keyword) == 0 ||
           wrong(reader, error, "the line starts with '%.40s', but a line '%s' should stand here", word, keyword);
}

static bool read_header(AdgReader *reader, AdgGraph *graph, size_t *nodes, size_t *leaves, Error *error)
{
    char *class_name;
    size_t live;
    graph->line = reader->line;
    if (!read_count(reader, "the graph's id", ID_MOST, &graph->id, error) ||
        !read_word(reader, "the class", &class_name, error))
        return false;
    if (strlen(class_name) >= ADG_CLASS_SIZE)
        return wrong(reader, error, "the class '%.40s' is too long a word", class_name);
    strcpy(graph->class_name, class_name);
    return read_count(reader, "the number of nodes", ID_MOST, nodes, error) &&
           read_count(reader, "the number of leaves", *nodes, leaves, error) &&
           read_count(reader, "the number of live nodes", *nodes, &live, error) && end_of_line(reader, error);
}

/* The lines leaf, const and op, up to the line root. */
static bool read_nodes(AdgReader *reader, AdgGraph *graph, Error *error)
{
    char *word = NULL;
    while (read_keyword(reader, "the graph has no line 'root' yet", &word, error)) {
        bool read = false;
        if (strcmp(word, "leaf") == 0)
            read = read_leaf(reader, graph, ADG_LEAF, error);
        else if (strcmp(word, "const") == 0)
            read = read_leaf(reader, graph, ADG_CONST, error);
        else if (strcmp(word, "op") == 0)
            read = read_op(reader, graph, error);
        else
            return strcmp(word, "root") == 0 ||
                   wrong(reader, error, "'%.40s' is not one of leaf, const, op and root", word);
        if (!read || !end_of_line(reader, error))
            return false;
    }
    return false;
}

static bool check_counts(const AdgReader *reader, const AdgGraph *graph, size_t nodes, size_t leaves, Error *error)
{
    if (graph->node_count != nodes || graph->leaf_count != leaves)
        return wrong(reader, error, "line %zu promised %zu nodes and %zu leaves, but %zu and %zu have come",
                     graph->line, nodes, leaves, graph->node_count, graph->leaf_count);
    return graph->node_count > 0 || wrong(reader, error, "the graph has no nodes");
}

static bool read_root(AdgReader *reader, AdgGraph *graph, Error *error)
{
    return read_count(reader, "the root's id", graph->node_count - 1, &graph->root, error) &&
           end_of_line(reader, error) && expect_keyword(reader, "value", "the graph has no line 'value' yet", error) &&
           read_expected(reader, graph, &graph->value, error) && end_of_line(reader, error);
}

/* A line grad for each leaf, in the order of the leaves. */
static bool read_grads(AdgReader *reader, AdgGraph *graph, Error *error)
{
    for (size_t i = 0; i < graph->leaf_count; i++) {
        size_t leaf;
        if (!make_room(&graph->grads, i, &graph->grad_capacity, sizeof *graph->grads, reader, error) ||
            !expect_keyword(reader, "grad", "not every leaf has its line 'grad' yet", error) ||
            !read_count(reader, "the leaf", graph->node_count - 1, &leaf, error))
            return false;
        if (leaf != graph->leaves[i])
            return wrong(reader, error, "this is the gradient of node %zu, but that of leaf %zu is next", leaf,
                         graph->leaves[i]);
        if (!read_expected(reader, graph, &graph->grads[i], error) || !end_of_line(reader, error))
            return false;
    }
    return true;
}

static bool read_graph(AdgReader *reader, AdgGraph *graph, Error *error)
{
    size_t nodes, leaves;
    graph->node_count = graph->arg_count = graph->leaf_count = 0;
    return read_header(reader, graph, &nodes, &leaves, error) && read_nodes(reader, graph, error) &&
           check_counts(reader, graph, nodes, leaves, error) && read_root(reader, graph, error) &&
           read_grads(reader, graph, error) &&
           expect_keyword(reader, "end", "the graph has no line 'end' yet", error) && end_of_line(reader, error);
}

AdgStatus adg_next(AdgReader *reader, AdgGraph *graph, Error *error)
{
    bool at_end;
    if (!next_line(reader, &at_end, error)) {
        if (!at_end || reader->graphs > 0)
            return at_end ? ADG_END : ADG_ERROR;
        wrong(reader, error, "there is no graph in this file");
        return ADG_ERROR;
    }
    const char *word = next_word(reader);
    if (strcmp(word, "graph") != 0) {
        wrong(reader, error, "the line starts with '%.40s', but a graph starts with 'graph'", word);
        return ADG_ERROR;
    }
    reader->graphs++;
    return read_graph(reader, graph, error) ? ADG_GRAPH : ADG_ERROR;
}

void adg_graph_free(AdgGraph *graph)
{
    free(graph->nodes);
    free(graph->args);
    free(graph->leaves);
    free(graph->grads);
    *graph = (AdgGraph){0};
}

/* ---- building -------------------------------------------------------------------------------------------------------
 */

/* Build all nodes of `from` in `graph`, the i-th into nodes[i]. `args` has room for the longest list of arguments. */
static void build_nodes(const AdgGraph *from, Graph *graph, Value **nodes, Value **args)
{
    for (size_t i = 0; i < from->node_count; i++) {
        const AdgNode *node = &from->nodes[i];
        for (size_t k = 0; k < node->arg_count; k++)
            args[k] = nodes[from->args[node->first_arg + k]];
        switch (node->kind) {
        case ADG_LEAF: nodes[i] = v_param(graph, node->number); break;
        case ADG_CONST: nodes[i] = v_const(graph, node->number); break;
        case ADG_OP: nodes[i] = adg_build_op(node->op, node->imm, args, node->arg_count); break;
        }
    }
}

/* ---- computing ------------------------------------------------------------------------------------------------------
 */

/* The reverse walk over absolute values: Σ |paths| from the root (the last in the order) to every node, by number. */
static void walk_paths(Value *const *order, size_t count, double *paths)
{
    paths[value_number(order[count - 1])] = 1;
    for (size_t i = count; i-- > 0;) {
        const Value *v = order[i];
        const double to_here = paths[value_number(v)];
        for (size_t p = 0; p < value_parent_count(v) && to_here != 0; p++) {
            const double local = value_local_derivative(v, p);
            paths[value_number(value_parent(v, p))] += local == 0 ? 0 : fabs(local) * to_here;
        }
    }
}

/* The sums for the leaves; 0 for those that root does not depend on. False: no memory. */
static bool sum_paths(Value *root, Value *const *leaves, size_t leaf_count, double *sums)
{
    size_t count;
    const size_t numbers = value_number(root) + 1;
    double *paths = calloc(numbers, sizeof *paths);
    Value **order = graph_topological_order(root, &count);
    const bool memory = paths != NULL && order != NULL;
    if (memory)
        walk_paths(order, count, paths);
    for (size_t i = 0; i < leaf_count && memory; i++)
        sums[i] = value_number(leaves[i]) < numbers ? paths[value_number(leaves[i])] : 0;
    memory_free(order);
    free(paths);
    return memory;
}

/* ∂root/∂leaf by both modes, with Σ |paths| beside them. */
static bool differentiate(Value *root, Value *const *leaves, size_t leaf_count, AdgComputed *computed, Error *error)
{
    if (leaf_count > 0 && !jacobian_forward(&root, 1, leaves, leaf_count, computed->forward, error))
        return false;
    if (root->needs_grad) /* else there is no param below it, and all gradients are the 0 that they started with */
        backward(root);
    for (size_t i = 0; i < leaf_count; i++)
        computed->reverse[i] = leaves[i]->grad;
    return sum_paths(root, leaves, leaf_count, computed->paths) ||
           error_set(error, "no memory for a walk over %zu nodes", value_number(root) + 1);
}

static size_t longest_arg_list(const AdgGraph *from)
{
    size_t longest = 1;
    for (size_t i = 0; i < from->node_count; i++)
        longest = from->nodes[i].arg_count > longest ? from->nodes[i].arg_count : longest;
    return longest;
}

/* Build in `graph` and differentiate there. The lists have room for all nodes, arguments and leaves. */
static bool compute_in(Graph *graph, const AdgGraph *from, Value **nodes, Value **args, Value **leaves,
                       AdgComputed *computed, Error *error)
{
    build_nodes(from, graph, nodes, args);
    if (!graph_ok(graph))
        return error_set(error, "no memory to build graph %zu", from->id);
    for (size_t i = 0; i < from->leaf_count; i++)
        leaves[i] = nodes[from->leaves[i]];
    computed->value = nodes[from->root]->data;
    return differentiate(nodes[from->root], leaves, from->leaf_count, computed, error);
}

bool adg_compute(const AdgGraph *from, AdgComputed *computed, Error *error)
{
    const size_t count = from->leaf_count + 1; /* calloc(0) may be NULL */
    *computed = (AdgComputed){.reverse = calloc(count, sizeof(double)),
                              .forward = calloc(count, sizeof(double)),
                              .paths = calloc(count, sizeof(double))};
    Value **nodes = calloc(from->node_count, sizeof *nodes);
    Value **args = calloc(longest_arg_list(from), sizeof *args);
    Value **leaves = calloc(count, sizeof *leaves);
    Graph *graph = graph_new();
    bool done = false;
    if (computed->reverse == NULL || computed->forward == NULL || computed->paths == NULL || nodes == NULL ||
        args == NULL || leaves == NULL || graph == NULL)
        error_set(error, "no memory to compute graph %zu", from->id);
    else
        done = compute_in(graph, from, nodes, args, leaves, computed, error);
    if (graph != NULL)
        graph_free(graph);
    free(nodes);
    free(args);
    free(leaves);
    if (!done)
        adg_computed_free(computed);
    return done;
}

void adg_computed_free(AdgComputed *computed)
{
    free(computed->reverse);
    free(computed->forward);
    free(computed->paths);
    *computed = (AdgComputed){0};
}

/* ---- comparing ------------------------------------------------------------------------------------------------------
 */

/* x − high is exact when the two are close, and then the small rest loses nothing either. */
double adg_error(double x, const AdgExpected *expected)
{
    if (!isfinite(x) || !isfinite(expected->high))
        return NAN;
    return fabs((x - expected->high) - expected->low);
}

bool adg_within(double x, const AdgExpected *expected, double bound)
{
    if (isnan(expected->high))
        return isnan(x);
    if (isinf(expected->high) || bound == 0)
        return x == expected->high;
    return adg_error(x, expected) <= bound;
}

bool adg_modes_agree(const AdgComputed *computed, size_t i)
{
    const double reverse = computed->reverse[i], forward = computed->forward[i];
    if (isnan(reverse) || isnan(forward) || reverse == forward)
        return reverse == forward || (isnan(reverse) && isnan(forward));
    return fabs(forward - reverse) <= AGREEMENT_ROUNDINGS * (DBL_EPSILON / 2) * computed->paths[i];
}
