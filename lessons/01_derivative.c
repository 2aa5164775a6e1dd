/* 01_derivative.c - What is the derivative of a program, and can it simply be measured?
 *
 * The program is L = (W·x + b)²: three numbers go in, one number comes out. All of part I takes derivatives of it, at
 * W = 2, x = 3, b = 1, where W·x + b = 7 and L = 49.
 *
 * New here: nudging. Move one input a little, by h, and see how far L moves. The derivative is the ratio of the two
 * movements, for an h so small that it no longer matters:
 *
 *     dL/dW  =  the limit, for h → 0, of  (L(W + h) − L(W)) / h         one-sided: a step to one side
 *                                 or of  (L(W + h) − L(W − h)) / (2h)   central: a step to each side
 *
 * "Limit" is easy to write and impossible to run. With a large h we measure a chord, the line through two points.
 * Along the step the slope itself changes, from L' at W to about L' + L''·h at W + h (L'' is the derivative of L'). The
 * chord has the average of the two, L' + ½·L''·h, and so the one-sided slope is off by L''·h/2. The central one steps
 * to both sides, where these errors cancel. What is left comes from the next term of Taylor's series,
 * L(W + h) = L + L'·h + L''·h²/2 + L'''·h³/6 + ...: minus the same for −h, and divided by 2h, it is L' + L'''·h²/6.
 *
 * With a small h, L(W + h) and L(W) agree in nearly all of the 16 digits that a double has. Their difference is made of
 * the last few digits, which are rounding, and dividing by h makes that rounding large: an error of about 1e-16·L/h.
 * Between too large and too small lies the best h.
 *
 * It prints the three derivatives of L, and then a table for h from 1 down to 1e-16: the one-sided slope of L with its
 * error, and the error of a central slope, of x³. (L is a parabola with L''' = 0, where the central slope has no chord
 * error.) Read it from top to bottom: each error falls, turns around, and rises, with a lucky row now and then. The
 * stars draw a V that lies on its side.
 *
 * Predict, before you run it:
 *     1. L'' is 18. What does the one-sided slope give instead of 42 for h = 1? And for h = 0.01?
 *     2. Which h is best: 1e-2, 1e-5, 1e-8, 1e-11 or 1e-16? Which slope does 1e-16 give?
 *     3. Is the best h of the central slope larger or smaller?
 *
 *     build/draw 'L = (W*x + b)^2' W=2 x=3 b=1 --html build/lessons/01/L.html
 *
 *     cc -g 01_derivative.c -lm -o 01 && gdb ./01
 *     (gdb) break one_sided if h < 2e-16
 *     (gdb) run
 *     (gdb) print at + h == at            = 1     the nudge is so small that W + h is W itself
 *     (gdb) print f(at + h) - f(at)       = 0     so L does not move, and the "slope" is 0
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

static double cube(double x) { return x * x * x; }

/* ---- nudging ----------------------------------------------------------------------------------------------------- */

static double one_sided(double (*f)(double), double at, double h) { return (f(at + h) - f(at)) / h; }
static double central(double (*f)(double), double at, double h) { return (f(at + h) - f(at - h)) / (2 * h); }

int main(void)
{
    double dL_dW = central(loss_of_W, 2, 1e-5);
    double dL_dx = central(loss_of_x, 3, 1e-5);
    double dL_db = central(loss_of_b, 1, 1e-5);
    printf("L = (W*x + b)^2 = %g at W = 2, x = 3, b = 1\n", loss(2, 3, 1));
    printf("dL/dW = %.6f   a nudge of W moves L 42 times as far\n", dL_dW);
    printf("dL/dx = %.6f\n", dL_dx);
    printf("dL/db = %.6f\n\n", dL_db);

    /* The derivatives by the rules from school: L' = 2(W·x + b) times x, W or 1. */
    claim(fabs(dL_dW - 42) < 1e-6 && fabs(dL_dx - 28) < 1e-6 && fabs(dL_db - 14) < 1e-6, "nudging finds 42, 28 and 14");

    /* A positive slope says: up is to the right. So the way down is to the left, against the sign of the slope.
     * To find the slope is one thing; to walk down it, step by step, is gradient descent (chapter 17). */
    claim(loss_of_W(2 - 0.001 * dL_dW) < loss_of_W(2), "a small step AGAINST the slope makes L smaller");
    claim(loss_of_W(2 + 0.001 * dL_dW) > loss_of_W(2), "a small step along the slope makes L larger");

    printf("\n       one-sided, of L      central, of x^3\n");
    printf("    h       slope      error       error     one-sided error, from 1e-16 to 1e+02\n");
    double error[17], cube_error[17]; /* one for each h: 1, 1e-1, ... 1e-16 */
    double h = 1;
    for (int k = 0; k <= 16; k++) {
        double slope = one_sided(loss_of_W, 2, h);
        error[k] = fabs(slope - 42);
        cube_error[k] = fabs(central(cube, 2, h) - 12);             /* (x³)' = 3x² = 12 at x = 2 */
        int place = (int)(2 * (16 + log10(fmax(error[k], 1e-16)))); /* of the star: two columns for each power of ten */
        printf("%5.0e  %10.7f  %7.1e     %7.1e   |%*s\n", h, slope, error[k], cube_error[k], place, "*");
        h = h / 10;
    }

    printf("\n");
    claim(error[0] > 1e6 * error[8], "h = 1 is too large: the chord is not the curve");
    claim(error[16] > 1e6 * error[8], "h = 1e-16 is too small: W + h is W, and L does not move");
    claim(cube_error[0] > 1e6 * cube_error[5] && cube_error[16] > 1e6 * cube_error[5],
          "the central slope has its own V, with the bottom at a larger h");
    return all_hold ? 0 : 1;
}

/* Exercises
 * 1. Nudge by hand. `build/draw 'L = (W*x + b)^2' W=2.001 x=3 b=1 --digits 9` prints L (and grad, which chapter 5 is
 *    about; `make build/draw` makes the program). What is the one-sided slope? Then take L = tanh(W*x + b), at W=2 and
 *    at W=2.001. Why does L hardly move?
 * 2. Print central(loss_of_W, 2, 1) - 42. Why is it exactly 0, with a step as large as 1? (What is L'''?)
 * 3. The two errors of the one-sided slope, L''·h/2 and 1e-16·L/h, are equal at the bottom of the V. Solve for h.
 *    Do the same for the central slope of the cube. Does the table agree?
 * 4. Here each derivative costs two runs of the program. A small network has 10,000 numbers like W and b (its
 *    parameters, which it learns by walking downhill). How many runs for one step?
 *
 * Next: nudging is never exact, and slow. What do the rules from school give, if we apply them to one operation at a
 * time?   -> 02_chain_rule.c
 */
