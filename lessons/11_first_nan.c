/* 11_first_nan.c - The loss is nan. Which node did it, and why?
 *
 * New here: the edge of the domain. At a point a function may have no value (log of −1), a value and no derivative
 * (sqrt at 0), or a derivative in one operand and none in the other. The engine does not stop there and hides nothing:
 * arithmetic says inf or nan, and these travel on to the loss. So the question is not what, but where first.
 *
 * The exponent of a power may be a Value like any other:
 *
 *     y = aᵇ       ∂y/∂a = b·aᵇ⁻¹       ∂y/∂b = aᵇ·log a
 *
 * For a < 0 there is a power at whole b only, so b cannot be nudged: there is no ∂y/∂b, and log a is nan. If the
 * exponent is a plain number, nobody needs ∂y/∂b, and a < 0 is harmless.
 *
 * Why is 0·∞ nan in arithmetic? Let h go to 0: h·(1/h) is 1, h²·(1/h) goes to 0, h·(1/h²) to ∞. So there is no right
 * answer. The engine has a convention: a local derivative of 0 passes nothing on, not even of an infinite
 * gradient. That is right where the 0 is exact (a relu that is off: its operand does not matter), and wrong where two
 * limits meet: exp(log x) is x, with slope 1, but at x = 0 it is e^−∞, where exp is flat, and the engine says 0.
 * (PyTorch says nan.) √x·√x is another case. Where a value on the way to the loss is not finite, trust no 0.
 *
 * Three cures. Keep the operand off the edge: v_max(p, 1e-300) in place of p. Leave the term out: the graph is what
 * your C code builds, so an `if` will do. Best: build the same function without the edge (chapter 14).
 *
 * It prints ops at awkward points; a power with a Value as exponent; a loss that is nan, node by node, with the first
 * that is not finite (which is not the first nan); and a case of finite values with an infinite gradient. It draws
 * first_nan.svg.
 *
 * Predict, before you run it:
 *     1. (−2)³ with a param for the exponent: what gradient does the base get, and what the exponent?
 *     2. loss = p·log p + log q / log p at p = 0, q = 0.5. Which node is the first nan? Is it the one to blame?
 *     3. √(x·x) is |x|, which has no derivative at 0. What does the walk give x there: 0, inf or nan?
 *
 * Build and run: make lesson L=11. In gdb: make gdb L=11, a debug build, in which every variable can be printed.
 *     (gdb) break graph_first_nonfinite_at
 *     (gdb) run
 *     (gdb) finish
 *     (gdb) print $1->label               = "log(p)"      the node that is to blame ...
 *     (gdb) print $1->a->data             = 0             ... and the p that it was given
 *
 * To stop where it was born instead, start again with a condition: break value_unary if a->data == 0.
 */
#include "graph/dot.h"
#include "memory.h"
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

/* nan without its sign, which differs between machines and means nothing. */
static const char *text_of(double number, char text[32])
{
    snprintf(text, 32, isnan(number) ? "nan" : "%g", number);
    return text;
}

int main(int argc, char **argv)
{
    const struct {
        OpCode op;
        double a, b;
        const char *remark;
    } points[] = {{OP_LOG, 0, 0, "no value, but a limit: -inf"},
                  {OP_LOG, -1, 0, "neither value nor derivative"},
                  {OP_SQRT, 0, 0, "a value, but a vertical slope"},
                  {OP_DIV, 1, 0, "a pole"},
                  {OP_POW, -8, 3, "a whole exponent: fine in a, none in b"},
                  {OP_POW, -8, 1.0 / 3, "a cube root? not with a rounded 1/3"},
                  {OP_POW, 0, 2, "0^b is 0 for every b > 0: flat in b"},
                  {OP_POW, 0, 0.5, "sqrt(0) again"}};
    char y_text[32], da_text[32], db_text[32];
    puts("(1) At the edge\n");
    printf("  %-6s %4s %9s %8s %8s %8s\n", "op", "a", "b", "y", "dy/da", "dy/db");
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        const OpInfo *op = &op_table[points[i].op];
        const double a = points[i].a, b = points[i].b, y = op->forward(a, b);
        printf("  %-6s %4g %9g %8s %8s %8s   %s\n", op->name, a, b, text_of(y, y_text),
               text_of(op->da(a, b, y), da_text), op->db != NULL ? text_of(op->db(a, b, y), db_text) : "",
               points[i].remark);
    }

    puts("\n(2) A Value as exponent: both operands of a power get a gradient\n");
    Graph *g = graph_new();
    Value *a = v_param(g, 2), *b = v_param(g, 3), *negative = v_param(g, -2);
    backward(v_pow(a, b));
    printf("  2^3 = 8:     gradient of the base %g (3 * 2^2), of the exponent %.6f (8 * log 2)\n", a->grad, b->grad);
    claim(a->grad == 12 && fabs(b->grad - 8 * log(2)) < 1e-14, "b * a^(b-1) and a^b * log a");
    backward(v_pow(negative, 3));
    claim(negative->grad == 12, "(-2)^3 with a plain 3: 3 * (-2)^2 = 12, and no logarithm is needed");
    b->grad = 0;
    backward(v_pow(negative, b));
    claim(isnan(b->grad), "(-2)^b with a param b: its gradient is nan, since (-2)^3.0001 does not exist");

    puts("\n(3) A loss that is nan\n");
    Value *p = v_param(g, 0), *q = v_param(g, 0.5);
    Value *log_p = v_label(v_log(p), "log(p)"), *log_q = v_label(v_log(q), "log(q)");
    Value *ratio = v_label(v_div(log_q, log_p), "ratio"), *weighted = v_label(v_mul(p, log_p), "p log(p)");
    Value *loss = v_label(v_add(weighted, ratio), "loss");
    V_NAME(p), V_NAME(q);
    Value *first = graph_first_nonfinite(loss);
    char name[VALUE_NAME_SIZE];
    size_t count;
    Value **order = graph_topological_order(loss, &count);
    for (size_t i = 0; order != NULL && i < count; i++)
        printf("  %-10s %9s%s\n", value_name(order[i], name), text_of(order[i]->data, y_text),
               order[i] == first ? "   <- the first that is not finite" : "");
    memory_free(order);
    claim(isnan(loss->data) && isnan(weighted->data), "0 * log(0) = 0 * -inf is the first nan ...");
    claim(first == log_p && first->data == -INFINITY, "... but the culprit is before it: log(0) = -inf");
    claim(isfinite(ratio->data), "and an infinity may hide: log(q) / -inf is a harmless-looking 0");

    puts("\n(4) All values finite, and yet a gradient is not\n");
    Value *x = v_param(g, 0), *square = v_label(v_mul(x, x), "square"), *length = v_label(v_sqrt(square), "length");
    backward(length);
    printf("  sqrt(x*x) at x = 0:  length %g, gradient of the square %g, of x %g\n", length->data, square->grad,
           x->grad);
    claim(graph_first_nonfinite(length) == square, "graph_first_nonfinite checks gradients too, from the root down");
    claim(x->grad == 0, "x*x is flat at 0, so nothing passes; |x| has no slope there, and 0 is as good as any");

    v_label(log_p, "first: log(p)");
    if (argc > 1)
        draw(loss, argv[1], "first_nan", &(DotOptions){.values_only = true});
    graph_free(g);
    return all_hold ? 0 : 1;
}

/* Exercises
 * 1. Mend (3) by the first cure, then by the second. Which gradient does p get, and is it right?
 * 2. A training loop checks isnan(loss->data) in every step, and calls graph_first_nonfinite only if so. Why that way?
 * 3. v_sqrt(v_add(v_mul(x, x), 1e-12)) is a usual cure for (4). What is its gradient at x = 0, and at 1e-6? (The claim
 *    that the square's gradient is infinite no longer holds, as it should.)
 * 4. backward(v_exp(v_log(x))) at x = 0: which gradient do you get, which is right, and who says that something is odd?
 *
 * Next: one scalar at a time is slow to write. What is the derivative of a product of matrices?
 *   -> 12_matrix_product.c
 */
