/* expression.c - a fuzz target: any text as an expression. Of what is accepted, the reverse walk and forward mode give
 * the same derivatives; what is refused is refused at a place of the text, in a message that is safe to print. */
#define _POSIX_C_SOURCE 200809L /* open_memstream beside C11 */
#include "draw/expression.h"

#include "backward.h"
#include "draw/place.h"
#include "fuzz.h"
#include "jacobian.h"
#include "order.h"

static const Given given[] = {{"x", 0.5}, {"y", -1.25}, {"w1", 3}, {"a", 0}, {"ä", 1e-3}};
enum { GIVEN = sizeof given / sizeof *given };

/* Neither 0 by underflow nor near an overflow: then the two modes differ by roundings alone. */
static bool is_tame(double x) { return x == 0 || (fabs(x) > 1e-200 && fabs(x) < 1e200); }

/* The sum over all paths from root of |product of the local derivatives|, for each node of the order: the scale of
 * rounding. False where a factor or a sum is not tame. */
static bool sum_paths(Value *const *order, size_t count, double *paths)
{
    for (size_t i = 0; i < count; i++)
        paths[i] = i + 1 == count;
    for (size_t i = count; i-- > 0;)
        for (size_t p = 0; p < value_parent_count(order[i]); p++) {
            const double local = fabs(value_local_derivative(order[i], p));
            double *path = &paths[order_find(order, count, value_parent(order[i], p))];
            *path += local == 0 ? 0 : local * paths[i];
            if (!(local == 0 || (local > 1e-30 && local < 1e30)) || !is_tame(*path))
                return false;
        }
    return true;
}

static void check_modes(const Expression *expression)
{
    size_t count, tangent_count;
    Error error;
    Value **order = graph_topological_order(expression->root, &count);
    double *paths = memory_alloc_array(count, sizeof *paths);
    const bool tame = sum_paths(order, count, paths);
    backward(expression->root);
    for (size_t i = 0; tame && i < GIVEN; i++) {
        Value *leaf = expression->definitions[i].value;
        const size_t place = order_find(order, count, leaf);
        Tangent *tangents = forward_tangents(expression->root, &leaf, (double[]){1}, 1, &tangent_count, &error);
        fuzz_require(tangents != NULL && tangent_count == count, "there is a tangent for every node");
        const double tangent = tangents[count - 1].tangent;
        const double scale = place < count ? paths[place] : 0;
        fuzz_require(!is_tame(tangent) || fabs(tangent - leaf->grad) <= 1e-11 * scale,
                     "forward mode and the reverse walk agree");
        memory_free(tangents);
    }
    memory_free(order), memory_free(paths);
}

/* The message, with its line and the caret, is of characters that a terminal can take. */
static void check_error(const ExpressionError *error, const char *text, size_t length)
{
    char *printed = NULL;
    size_t bytes;
    FILE *out = open_memstream(&printed, &bytes);
    fuzz_require(error->error.message[0] != '\0', "what is refused is refused with a reason");
    fuzz_require(!error->has_place || error->offset <= length, "the place of an error is in the text");
    expression_error_print(error, text, length, "draw", NULL, out);
    fclose(out);
    fuzz_require_safe(printed, bytes);
    fuzz_require(strchr(printed, '\t') == NULL, "the caret stands where it should");
    free(printed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Expression expression;
    ExpressionError error;
    if (!expression_build(&expression, (const char *)data, size, given, GIVEN, &error)) {
        check_error(&error, (const char *)data, size);
        fuzz_require(expression.graph == NULL, "what is refused leaves nothing to free");
        return 0;
    }
    fuzz_require(expression.definition_count > GIVEN, "there is a statement");
    if (expression.root->needs_grad)
        check_modes(&expression);
    expression_free(&expression);
    return 0;
}
