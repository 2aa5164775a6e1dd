/* loss.c - first every operand is checked, at the caller's line; then the expression is built. */
#include "loss.h"

#include "graph.h"

/* ---- checks ------------------------------------------------------------------------------------------------------ */

/* Names a bad element for check_list: "cross_entropy: logits[3]". Built only when needed. */
NOINLINE static void check_element(const Value *v, const Graph *graph, const char *function, const char *name,
                                   size_t index, Where where)
{
    char role[96];
    snprintf(role, sizeof role, "%s: %s[%zu]", function, name, index);
    value_check(v, graph, role, where);
}

/* Reports misuse unless `list` holds n ≥ 1 live nodes of one graph. Returns that graph. */
static Graph *check_list(Value *const *list, size_t n, const char *function, const char *name, Where where)
{
    if (list == NULL || n == 0 || n > UINT32_MAX)
        misuse(where, "%s: the list of %s %s (n = %zu). It takes 1 to %lu nodes.", function, name,
               list == NULL ? "is NULL"
               : n == 0     ? "is empty"
                            : "is too long",
               n, (unsigned long)UINT32_MAX);
    if (list[0] == NULL || !value_is_live(list[0]))
        check_element(list[0], NULL, function, name, 0, where);
    Graph *graph = value_graph(list[0]);
    for (size_t i = 1; i < n; i++)
        if (list[i] == NULL || !value_is_live(list[i]) || list[i]->block->graph != graph)
            check_element(list[i], graph, function, name, i, where);
    return graph;
}

static void check_class(long target, size_t classes, const char *function, Where where)
{
    if (target < 0 || (unsigned long)target >= classes)
        misuse(where, "%s: class %ld of %zu classes. Classes count from 0 to %zu.", function, target, classes,
               classes - 1);
}

/* Room for n Values that lives as long as the nodes made now; NULL when there is no memory. */
static Value **list_new(Graph *graph, size_t n) { return graph_alloc_array(graph, n, sizeof(Value *)); }

/* ---- log-softmax and cross-entropy ------------------------------------------------------------------------------- */

static size_t index_of_largest(Value *const *list, size_t n)
{
    size_t k = 0;
    for (size_t i = 1; i < n; i++)
        if (list[i]->data > list[k]->data)
            k = i;
    return k;
}

/* d_i = z_i − z_k, where z_k is the largest. Softmax depends on differences alone, so any z_k would be right; with the
 * largest, every d is at most 0, and log Σ e^d lies between 0 and log n: small, and so precise, even when the logits
 * are not. The d of z_k itself is z_k − z_k = 0; an infinite z_k has no differences: ∞ − ∞ is NaN, for all to see. */
static Value **shift_by_largest(Value *const *logits, size_t n)
{
    const size_t k = index_of_largest(logits, n);
    Value **shifted = list_new(value_graph(logits[0]), n);
    for (size_t i = 0; i < n && shifted != NULL; i++) {
        shifted[i] = v_sub(logits[i], logits[k]);
        shifted[i]->picked_by_number = true;
    }
    return shifted;
}

/* log p_j = z_j − log Σ e^z = d_j − log Σ e^d */
Value *loss_log_softmax_at(Value *const *logits, size_t n, long j, Where where)
{
    Graph *graph = check_list(logits, n, "log_softmax_at", "logits", where);
    check_class(j, n, "log_softmax_at", where);
    Value **shifted = shift_by_largest(logits, n);
    return shifted == NULL ? graph_fail(graph) : v_sub(shifted[j], v_logsumexp(shifted, n));
}

void loss_log_softmax(Value *const *logits, size_t n, Value **out, Where where)
{
    Graph *graph = check_list(logits, n, "log_softmax", "logits", where);
    if (out == NULL)
        misuse(where, "log_softmax: out is NULL. Give an array with room for %zu nodes.", n);
    Value **shifted = shift_by_largest(logits, n);
    Value *log_sum = shifted == NULL ? NULL : v_logsumexp(shifted, n);
    for (size_t j = 0; j < n; j++)
        out[j] = shifted == NULL ? graph_fail(graph) : v_sub(shifted[j], log_sum);
}

/* −log p_target = log Σ e^d − d_target. If the target is not the largest, d_target < 0: two numbers of one sign are
 * added. If it is, d_target is the 0 and log Σ e^d stands alone. Neither loses digits. */
static Value *cross_entropy_of(Value *const *logits, size_t classes, size_t target)
{
    Value **shifted = shift_by_largest(logits, classes);
    if (shifted == NULL)
        return graph_fail(value_graph(logits[0]));
    return v_sub(v_logsumexp(shifted, classes), shifted[target]);
}

Value *loss_cross_entropy(Value *const *logits, size_t classes, long target, Where where)
{
    check_list(logits, classes, "cross_entropy", "logits", where);
    check_class(target, classes, "cross_entropy", where);
    return cross_entropy_of(logits, classes, (size_t)target);
}

/* log Σ e^(zᵢ − s) with s = Σ tⱼ·zⱼ, which is log Σ e^z − s. One-hot targets make s the target's logit, and then
 * nothing is lost: if that is the largest, all exponents are at most 0, and if not, the largest is above 0. */
Value *loss_cross_entropy_one_hot(Value *const *logits, Value *const *targets, size_t classes, Where where)
{
    Graph *graph = check_list(logits, classes, "cross_entropy_one_hot", "logits", where);
    check_list(targets, classes, "cross_entropy_one_hot", "targets", where);
    value_check(targets[0], graph, "cross_entropy_one_hot: targets[0]", where);
    Value *target_logit = v_dot(targets, logits, classes);
    Value **shifted = list_new(graph, classes);
    for (size_t i = 0; i < classes && shifted != NULL; i++)
        shifted[i] = v_sub(logits[i], target_logit);
    return shifted == NULL ? graph_fail(graph) : v_logsumexp(shifted, classes);
}

static void check_label_of_row(const int *labels, size_t row, size_t classes, Where where)
{
    if (labels[row] < 0 || (size_t)labels[row] >= classes)
        misuse(where, "mean_cross_entropy: row %zu has label %d, but there are %zu classes: 0 to %zu.", row,
               labels[row], classes, classes - 1);
}

Value *loss_mean_cross_entropy(Matrix logits, const int *labels, Where where)
{
    matrix_check(logits, "mean_cross_entropy", "logits", where);
    if (labels == NULL)
        misuse(where, "mean_cross_entropy: the list of labels is NULL. Give an array with one int per row.");
    for (size_t row = 0; row < logits.rows; row++)
        check_label_of_row(labels, row, logits.cols, where);
    Value **losses = list_new(logits.graph, logits.rows);
    if (logits.at == NULL || losses == NULL)
        return graph_fail(logits.graph);
    for (size_t row = 0; row < logits.rows; row++)
        losses[row] = cross_entropy_of(&logits.at[row * logits.cols], logits.cols, (size_t)labels[row]);
    return mean_loss(losses, logits.rows);
}

Value *loss_mean(Value *const *losses, size_t n, Where where)
{
    check_list(losses, n, "mean_loss", "losses", where);
    return v_div(v_sum(losses, n), (double)n);
}

/* ---- squared error ----------------------------------------------------------------------------------------------- */

Value *loss_squared_error(Value *const *predictions, Value *const *targets, size_t n, Where where)
{
    Graph *graph = check_list(predictions, n, "mean_squared_error", "predictions", where);
    check_list(targets, n, "mean_squared_error", "targets", where);
    value_check(targets[0], graph, "mean_squared_error: targets[0]", where);
    Value **errors = list_new(graph, n);
    if (errors == NULL)
        return graph_fail(graph);
    for (size_t i = 0; i < n; i++)
        errors[i] = v_sub(predictions[i], targets[i]);
    return v_div(v_dot(errors, errors, n), (double)n); /* Σ eᵢ² is the dot of the list with itself */
}

Value *loss_squared_error_numbers(Value *const *predictions, const double *targets, size_t n, Where where)
{
    Graph *graph = check_list(predictions, n, "mean_squared_error", "predictions", where);
    if (targets == NULL)
        misuse(where, "mean_squared_error: the array of targets is NULL. Give one number per prediction.");
    Value **inputs = list_new(graph, n);
    if (inputs == NULL)
        return graph_fail(graph);
    for (size_t i = 0; i < n; i++)
        inputs[i] = v_input(graph, targets[i]);
    return loss_squared_error(predictions, inputs, n, where);
}
