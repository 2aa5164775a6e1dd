/* loss.h - losses: how wrong a prediction is, as one Value to call backward on.
 *
 *     Value *loss = cross_entropy(logits, 2, label);            // one sample: 2 logits, the right class
 *     Value *loss = mean_cross_entropy(batch, labels);          // a batch: a Matrix of 64x2 logits, 64 labels
 *     backward(loss);
 *
 * Each is an expression of the ops in value.h and nothing else, so its gradients follow from the reverse walk: nowhere
 * is "softmax − onehot" written down, and yet it is what arrives at the logits.
 *
 * Lists belong to the caller and may be freed after the call; nodes belong to the graph. It is a usage
 * error to pass an empty list, a NULL, nodes that were released or are of two graphs, or a label outside 0 ..
 * classes − 1. Without memory the result is the graph's failed node, as for every builder.
 */
#ifndef STEPGRAD_LOSS_H
#define STEPGRAD_LOSS_H

#include "matrix.h"
#include "value.h"

/* ---- classes: log-softmax and cross-entropy --------------------------------------------------------------------- */

/* log_softmax_at(logits, n, j) is log p_j with p = softmax(logits):  z_j − log Σᵢ e^zᵢ,  of n ≥ 1 logits z. Accurate to
 * the last bits for any finite logits: nothing overflows at ±1000, and log p is still −e⁻⁷⁰⁰ when p rounds to 1. A
 * logit of −∞ is a class with p = 0; +∞, NaN and "all are −∞" give NaN. log_softmax(logits, n, out) writes all n of
 * them to out[0..n), which may be the list `logits` itself. */
#define log_softmax_at(...) loss_log_softmax_at(__VA_ARGS__, HERE)
#define log_softmax(...) loss_log_softmax(__VA_ARGS__, HERE)

/* cross_entropy(logits, classes, target) is −log p_target: what a sample costs whose right class is `target`, 0 ≤
 * target < classes.   ∂/∂z_j = p_j − [j = target]
 */
#define cross_entropy(...) loss_cross_entropy(__VA_ARGS__, HERE)

/* cross_entropy_one_hot(logits, targets, classes) is the same with the right class as a list of Values: 1 for that
 * class, and 0 for all others.   log Σᵢ e^zᵢ − Σⱼ tⱼ·zⱼ,   ∂/∂z_j = p_j − t_j
 * The graph has the same shape for every class, so a program of replay.h can take the targets as inputs. They may be
 * any probabilities that add up to 1, too (soft labels). The targets get gradients if they are no inputs. Logits are to
 * be finite, as 0·∞ is NaN. The target's slope is p − Σp, exact to about 2⁻⁵²: where p rounds to 1 it is 0, and that of
 * cross_entropy still −(1 − p). */
#define cross_entropy_one_hot(...) loss_cross_entropy_one_hot(__VA_ARGS__, HERE)

/* mean_cross_entropy(logits, labels) is the mean of that over a batch: a Matrix with a row of logits per sample, and
 * labels[r] the right class of row r. */
#define mean_cross_entropy(...) loss_mean_cross_entropy(__VA_ARGS__, HERE)

/* ---- numbers ----------------------------------------------------------------------------------------------------- */

/* (1/n)·Σ (predictionᵢ − targetᵢ)²,   ∂/∂predictionᵢ = (2/n)·(predictionᵢ − targetᵢ)
 * Targets are a list of Values or an array of doubles, which become inputs of the graph. (Put a list that is written
 * in place, `(Value *[]){a, b}`, into parentheses here.) */
#define mean_squared_error(predictions, targets, n)                                                                    \
    _Generic((targets),                                                                                                \
        double *: loss_squared_error_numbers,                                                                          \
        const double *: loss_squared_error_numbers,                                                                    \
        default: loss_squared_error)(predictions, targets, n, HERE)

/* mean_loss(losses, n) = (1/n)·Σ losses: the loss of a batch from those of its samples. */
#define mean_loss(...) loss_mean(__VA_ARGS__, HERE)

/* ---- behind the macros ------------------------------------------------------------------------------------------- */

Value *loss_log_softmax_at(Value *const *logits, size_t n, long j, Where where);
void loss_log_softmax(Value *const *logits, size_t n, Value **out, Where where);
Value *loss_cross_entropy(Value *const *logits, size_t classes, long target, Where where);
Value *loss_cross_entropy_one_hot(Value *const *logits, Value *const *targets, size_t classes, Where where);
Value *loss_mean_cross_entropy(Matrix logits, const int *labels, Where where);
Value *loss_squared_error(Value *const *predictions, Value *const *targets, size_t n, Where where);
Value *loss_squared_error_numbers(Value *const *predictions, const double *targets, size_t n, Where where);
Value *loss_mean(Value *const *losses, size_t n, Where where);

#endif
