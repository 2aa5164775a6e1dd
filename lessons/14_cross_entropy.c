/* 14_cross_entropy.c - A network gives any numbers. How do they become a loss on classes, without e¹⁰⁰⁰ = inf?
 *
 * Softmax turns numbers z (logits) into probabilities p, one per class. The loss is the surprise −log p_t at the right
 * class t: 0 if p_t was 1, log 2 = 0.69 if it was ½, and ever more as p_t goes to 0. Why a log? The labels of a batch
 * have probability p·p'·p''…; where that product is largest (maximum likelihood), the sum of the −log p is smallest.
 *
 *     p_j = e^z_j / Σ e^z_i          loss = −log p_t             naive: e¹⁰⁰⁰ is inf, and inf/inf is nan
 *
 * New here: the same function, written so that it survives.
 *
 *     log p_j = z_j − log Σ e^z_i    loss = logsumexp(z) − z_t   no division, and no log of a p that was rounded
 *     logsumexp(z) = m + log Σ e^(z_i − m),  m the largest z     every exponent is at most 0: nothing overflows
 *
 * In this form the derivative can be read off: ∂logsumexp/∂z_j = e^(z_j − logsumexp) = p_j, and −z_t adds −1 at the
 * right class. So the gradient is softmax − onehot (onehot: 1 at the right class, else 0), which is written nowhere in
 * engine/loss.c. By hand you would need softmax's Jacobian, ∂p_i/∂z_j = p_i·([i = j] − p_j), times −1/p_t at i = t.
 *
 * Why train on this, and not on accuracy? The answer is the class of the largest logit (argmax), and accuracy counts
 * the right answers. Nudge a logit, and neither moves: both are steps, with gradient 0 or none. Train on the loss.
 *
 * It prints the loss in three ways at logits of 1 to 1000 times (1, 0, −1), with the first or the last class right:
 * naive; shifted (the largest logit subtracted, but the log taken last); log-softmax, which cross_entropy of loss.h
 * builds. Then softmax − onehot. It draws cross_entropy.svg: what d[0] = z[0] − z[0] pushes to z[0] cancels.
 *
 * Predict, before you run it:
 *     1. Logits (1000, 0, −1000): what is the naive loss if the first class is right? And if the last one is?
 *     2. Subtract the largest logit from all before exp. Is that enough?
 *     3. Logits (2, 1, −1), class 1 right: which of the three gradients is negative, and what is their sum?
 *
 * Build and run: make lesson L=14. In gdb: make gdb L=14, a debug build, in which every variable can be printed.
 *     (gdb) break exp_forward if a > 709
 *     (gdb) run
 *     (gdb) print a                       = 1000      about to overflow; only the naive way ever comes here
 *     (gdb) delete
 *     (gdb) break loss_cross_entropy
 *     (gdb) continue
 *     (gdb) print logits[1]->data         = 1         the right class of (2); `step` leads on to the shift
 */
#include "graph/dot.h"
#include "player/player.h"
#include "stepgrad.h"

static bool all_hold = true;

/* What a chapter says, it checks: print the claim, and remember if it does not hold. */
static void claim(bool holds, const char *text)
{
    printf("%s %s\n", holds ? "ok    " : "FAILED", text);
    all_hold = all_hold && holds;
}

/* Draw what root was computed from: FOLDER/NAME.svg, where Graphviz is installed, and FOLDER/NAME.html, the player. */
static void draw(Value *root, const char *folder, const char *name, const DotOptions *options)
{
    Error error;
    char svg[1024], html[1024];
    snprintf(svg, sizeof svg, "%s/%s.svg", folder, name);
    snprintf(html, sizeof html, "%s/%s.html", folder, name);
    if (!player_write(root, html, NULL, &error) || !dot_draw(root, svg, options, &error))
        fprintf(stderr, "no picture: %s\n", error.message);
}

enum { CLASSES = 3 };

/* −log(e^z_t / Σ e^z): straight from the textbook. */
static Value *naive(Value *const *z, int t)
{
    Value *e[CLASSES];
    for (size_t i = 0; i < CLASSES; i++)
        e[i] = v_exp(z[i]);
    return v_neg(v_log(v_div(e[t], v_sum(e, CLASSES))));
}

/* The same, the largest logit (here z[0]; engine/loss.c looks for it) subtracted first: no overflow, but p may be 0. */
static Value *shifted(Value *const *z, int t)
{
    return naive((Value *[CLASSES]){v_sub(z[0], z[0]), v_sub(z[1], z[0]), v_sub(z[2], z[0])}, t);
}

/* log Σ e^d − d_t, with the largest logit subtracted first: all digits are kept for what is small. */
static Value *log_softmax_form(Value *const *z, int t)
{
    Value *d[CLASSES] = {v_sub(z[0], z[0]), v_sub(z[1], z[0]), v_sub(z[2], z[0])};
    return v_sub(v_logsumexp(d, CLASSES), d[t]);
}

int main(int argc, char **argv)
{
    puts("(1) Logits s * (1, 0, -1): the loss three ways; in brackets the first node that is not finite\n");
    printf("  %5s %6s %14s %14s %14s %16s\n", "right", "s", "naive", "shifted", "log-softmax", "slope at right");
    Value *(*const ways[])(Value *const *, int) = {naive, shifted, log_softmax_form};
    bool finite[] = {true, true, true}, slopes_right = true;
    for (int right = 0; right < CLASSES; right += 2) {
        for (double s = 1; s <= 1000; s *= 10) {
            Graph *g = graph_new();
            Value *z[CLASSES] = {v_param(g, s), v_param(g, 0), v_param(g, -s)};
            printf("  %5d %6g", right, s);
            for (size_t way = 0; way < 3; way++) {
                Value *loss = ways[way](z, right);
                const Value *bad = graph_first_nonfinite(loss);
                char text[32];
                snprintf(text, sizeof text, "%.6g", loss->data + 0.0); /* -0 becomes 0 */
                if (bad != NULL)
                    snprintf(text, sizeof text, "%s (%s)", isnan(loss->data) ? "nan" : "inf", op_table[bad->op].name);
                printf(" %14s", text);
                finite[way] = finite[way] && bad == NULL;
                if (way == 2)
                    backward(loss);
            }
            printf(" %16.6g\n", z[right]->grad);
            const double p = exp(z[right]->data - s) / (1 + exp(-s) + exp(-2 * s));
            slopes_right = slopes_right && fabs(z[right]->grad - (p - 1)) < 1e-15; /* a few roundings */
            graph_free(g);
        }
    }
    claim(!finite[0], "naive: e^1000 is inf; inf/inf is nan, and 0/inf is 0, whose -log is inf");
    claim(!finite[1], "shifted: nothing overflows, but e^-2000 rounds to 0, and -log(0) is inf: half a cure");
    claim(finite[2], "log-softmax: finite everywhere, and e^-100 = 4e-44 is not lost");
    claim(slopes_right, "its slope is p - 1: 0 where the network is sure and right, -1 where sure and wrong");

    puts("\n(2) softmax - onehot, which nobody wrote down: cross_entropy of engine/loss.h at (2, 1, -1), class 1\n");
    Graph *g = graph_new();
    Value *z[CLASSES] = {v_param(g, 2), v_param(g, 1), v_param(g, -1)};
    Value *loss = cross_entropy(z, CLASSES, 1);
    backward(loss);
    const double e_sum = exp(2) + exp(1) + exp(-1);
    double worst = 0, total = 0;
    printf("  %-6s %8s %12s %8s %18s %12s\n", "class", "logit", "softmax", "onehot", "softmax - onehot", "z.grad");
    for (size_t j = 0; j < CLASSES; j++) {
        const double p = exp(z[j]->data) / e_sum, onehot = j == 1;
        printf("  %-6zu %8g %12.6f %8g %18.6f %12.6f\n", j, z[j]->data, p, onehot, p - onehot, z[j]->grad);
        worst = fmax(worst, fabs(z[j]->grad - (p - onehot)));
        total += z[j]->grad;
    }
    claim(worst < 1e-15, "the gradient is softmax - onehot (a few roundings of 1e-16 apart)");
    claim(fabs(total) < 1e-15, "it sums to 0: adding a number to all logits changes nothing");

    const char *z_names[] = {"z[0]", "z[1]", "z[2]"}, *d_names[] = {"d[0]", "d[1]", "d[2]"};
    Value *log_sum = v_label(value_parent(loss, 0), "logsumexp");
    for (size_t j = 0; j < CLASSES; j++)
        v_label(z[j], z_names[j]), v_label(value_parent(log_sum, j), d_names[j]);
    if (argc > 1)
        draw(v_label(loss, "loss"), argv[1], "cross_entropy", NULL);
    graph_free(g);
    return all_hold ? 0 : 1;
}

/* Exercises
 * 1. With the last class right the naive loss breaks near s = 373, long before e^s overflows at 710. Why there?
 * 2. Two classes: show that the cross-entropy of logits (0, z) with class 1 right is softplus(−z), where softplus(a) is
 *    log(1 + eᵃ) (v_softplus), and that the gradients agree too.
 * 3. The target may be probabilities q instead of one class: loss = −Σ q_j·log p_j. What is its gradient? Check it.
 *
 * Next: what comes before the loss? What is a neuron, and who owns all these nodes?   -> 15_mlp.c
 */
