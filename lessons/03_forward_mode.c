/* 03_forward_mode.c - Can numbers carry their derivatives along by themselves?
 *
 * In the last chapter we wrote dL_dW = dL_ds * ds_dm * dm_dW by hand. Now the program does that while it computes L.
 *
 * New here: the dual number, a value together with its tangent. The tangent says how fast the value moves, per unit of
 * the one input that we are asking about. Each operation computes both, its tangent by the chain rule: local derivative
 * times tangent, added up over the operands:
 *
 *     s = p + q    s.tangent = 1·p.tangent + 1·q.tangent
 *     m = p·q      m.tangent = q·p.tangent + p·q.tangent         (the product rule from school)
 *     L = s²       L.tangent = 2s·s.tangent
 *
 * To ask for dL/dW, start W with tangent 1 and x and b with tangent 0: W moves, the others stay. Run the program once,
 * and L.tangent is dL/dW, without any h, and exact up to rounding. Nothing was stored, and no second pass is
 * needed: this is forward mode, the order "from the right" of the last chapter. One run answers for one input (and for
 * every output).
 *
 * So there are three ways to differentiate. Numeric: nudge, and be off a little. Symbolic: turn the formula of L into
 * one of dL/dW, as on paper; but a program with loops has no formula, and that of its derivative may be huge.
 * Automatic, which is ours: apply the rules from school to one operation after the other, with numbers, while the
 * program runs.
 *
 * It prints a line per run: which input moves, and the tangents of m, s and L.
 *
 * Predict, before you run it:
 *     1. x has tangent 1, W and b have 0. What are the tangents of m, s and L?
 *     2. Which of the three is 0 when b moves?
 *     3. All three inputs move at speed 1. How fast does L move?
 *
 *     build/draw 'm = W*x; s = m + b; L = s^2' W=2 x=3 b=1 --html build/lessons/03/L.html
 *
 *     cc -g 03_forward_mode.c -lm -o 03 && gdb ./03
 *     (gdb) break dual_square
 *     (gdb) run
 *     (gdb) print s               = {value = 7, tangent = 3}     W moves: s moves three times as far, since x = 3
 *     (gdb) finish
 *     (gdb) print $               = {value = 49, tangent = 42}   $ is what the function returned: L and dL/dW
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>

static bool all_hold = true;

/* What a chapter says, it checks: print the claim, and remember if it does not hold. */
static void claim(bool holds, const char *text)
{
    printf("%s %s\n", holds ? "ok    " : "FAILED", text);
    all_hold = all_hold && holds;
}

/* ---- the program that we differentiate --------------------------------------------------------------------------- */

static double loss(double W, double x, double b)
{
    double s = W * x + b;
    return s * s;
}

/* The same as a function of one input, with the other two held fixed. */
static double loss_of_W(double W) { return loss(W, 3, 1); }
static double loss_of_x(double x) { return loss(2, x, 1); }
static double loss_of_b(double b) { return loss(2, 3, b); }

/* ---- nudging ----------------------------------------------------------------------------------------------------- */

static double central(double (*f)(double), double at, double h) { return (f(at + h) - f(at - h)) / (2 * h); }

/* ---- forward mode ------------------------------------------------------------------------------------------------ */

typedef struct Dual {
    double value;
    double tangent; /* d value / d (the input that we ask about) */
} Dual;

static Dual dual_add(Dual p, Dual q) { return (Dual){p.value + q.value, p.tangent + q.tangent}; }

static Dual dual_mul(Dual p, Dual q) { return (Dual){p.value * q.value, q.value * p.tangent + p.value * q.tangent}; }

static Dual dual_square(Dual s) { return (Dual){s.value * s.value, 2 * s.value * s.tangent}; }

int main(void)
{
    const char *name[] = {"W", "x", "b"};
    const double nudged[] = {central(loss_of_W, 2, 1e-5), central(loss_of_x, 3, 1e-5), central(loss_of_b, 1, 1e-5)};
    double slope[3];
    bool as_nudged = true;

    printf("            tangent of\nrun  moves   m   s   L     nudged\n");
    for (int run = 0; run < 3; run++) {
        Dual W = {2, run == 0}; /* the tangent is 1 in the run that asks about W, else 0 */
        Dual x = {3, run == 1};
        Dual b = {1, run == 2};
        Dual m = dual_mul(W, x);
        Dual s = dual_add(m, b);
        Dual L = dual_square(s);
        slope[run] = L.tangent;
        printf("%3d  %5s  %2g  %2g  %2g  %9.6f\n", run, name[run], m.tangent, s.tangent, L.tangent, nudged[run]);
        as_nudged = as_nudged && fabs(L.tangent - nudged[run]) < 1e-6;
    }

    printf("\n");
    claim(as_nudged, "the tangent of L is what nudging measures");
    claim(slope[0] == 42 && slope[1] == 28 && slope[2] == 14, "three runs give 42, 28 and 14, exactly");

    /* One run can also ask how fast L moves when several inputs move at once. It gives their sum, not the parts. */
    Dual all = dual_square(dual_add(dual_mul((Dual){2, 1}, (Dual){3, 1}), (Dual){1, 1}));
    printf("\nall three inputs moving at speed 1: L moves at %g\n", all.tangent);
    claim(all.tangent == slope[0] + slope[1] + slope[2], "the effects of several inputs add up: 42 + 28 + 14 = 84");
    return all_hold ? 0 : 1;
}

/* Exercises
 * 1. Write dual_sub. What sign does the second operand's tangent get? Test it on L = (W·x − b)².
 * 2. Write dual_tanh (the derivative of tanh z is 1 − tanh²z) and differentiate tanh(W·x + b) with respect to W. Why is
 *    the result almost 0 at b = 1, and not at b = −5.5? (Chapter 18 shows what that does to a network.)
 *    `build/draw 'm = W*x; s = m + b; L = tanh(s)' W=2 x=3 b=1 --forward W` prints the same tangents.
 * 3. tanh z is also (e − 1)/(e + 1) with e = exp(2z). Write dual_exp and dual_div, and break tanh up into them. Is the
 *    tangent the same? Does it matter how large a single operation is?
 * 4. A network has 10,000 parameters and one L. How many runs for all derivatives? And with one parameter and 10,000
 *    outputs? Compare with the table of the last chapter.
 *
 * Next: a run per input is the expensive order when there is one output. The cheap one starts at L, where the program
 * ENDS. To start there, we must remember how L came about.   -> 04_computation_graph.c
 */
