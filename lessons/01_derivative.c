/* 01_derivative.c - What is the derivative of a program, and can it simply be measured?
 *
 * The program is L = (W·x + b)²: three numbers go in, one number comes out. All of part I takes derivatives of it, at
 * W = 2, x = 3, b = 1, where W·x + b = 7 and L = 49.
 *
 * New here: nudging. Move one input a little, by h, and see how far L moves. The derivative is the ratio of the two
 * movements, for an h so small that it no longer matters:
 *
 *     dL/dW  =  the limit, for h → 0, of  (L(W + h) − L(W)) / h         the forward difference: a step to one side
 *                                 or of  (L(W + h) − L(W − h)) / (2h)   the central difference: a step to each side
 *
 * "Limit" is easy to write and impossible to run. With a large h we measure the slope of a chord, not of the curve: the
 * forward difference is off by about L''·h/2, the central one by L'''·h²/6 (L'' and L''' are the second and the third
 * derivative with respect to W). With a small h, L(W + h) and L(W) agree in nearly all of the 16 digits that a double
 * has. Their difference is made of the last few digits, which are rounding, and dividing by h makes that rounding
 * large: an error of about 1e-16·L/h. Between too large and too small lies the best h.
 *
 * It prints the three derivatives of L, and then the error of dL/dW for h from 1 down to 1e-16. Read the table from
 * top to bottom: each error falls, turns around, and rises. Tilt your head to the right and the stars draw that V.
 *
 *     cc -g 01_derivative.c -lm -o 01 && gdb ./01
 *     (gdb) break forward if h < 2e-16
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

/* A parabola like L has L''' = 0, so the central difference has no chord error there; a cube has one. */
static double cube(double x) { return x * x * x; }

/* ---- nudging ----------------------------------------------------------------------------------------------------- */

static double forward(double (*f)(double), double at, double h) { return (f(at + h) - f(at)) / h; }
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

    /* A positive slope says: up is to the right. So the way down is to the left, against the sign of the slope. */
    claim(loss_of_W(2 - 0.001 * dL_dW) < loss_of_W(2), "a small step AGAINST the slope makes L smaller");
    claim(loss_of_W(2 + 0.001 * dL_dW) > loss_of_W(2), "a small step along the slope makes L larger");

    printf("\n            L forward   L forward   L central  cube central\n");
    printf("      h         slope       error       error         error   error of L forward, from 1e-16 to 1e+02\n");
    double error[17], cube_error[17]; /* one for each h: 1, 1e-1, ... 1e-16 */
    double h = 1;
    for (int k = 0; k <= 16; k++) {
        double slope = forward(loss_of_W, 2, h);
        error[k] = fabs(slope - 42);
        cube_error[k] = fabs(central(cube, 2, h) - 12);             /* (x³)' = 3x² = 12 at x = 2 */
        int place = (int)(2 * (16 + log10(fmax(error[k], 1e-16)))); /* of the star: two columns for each power of ten */
        printf("%7.0e  %12.7f  %10.1e  %10.1e  %12.1e   |%*s\n", h, slope, error[k],
               fabs(central(loss_of_W, 2, h) - 42), cube_error[k], place, "*");
        h = h / 10;
    }

    printf("\n");
    claim(error[0] > 1e6 * error[8], "h = 1 is too large: the chord is not the curve");
    claim(error[16] > 1e6 * error[8], "h = 1e-16 is too small: W + h is W, and L does not move");
    claim(cube_error[0] > 1e6 * cube_error[5] && cube_error[16] > 1e6 * cube_error[5],
          "the central difference has its own V, with the bottom at a larger h");
    return all_hold ? 0 : 1;
}

/* Exercises
 * 1. Print central(loss_of_W, 2, 1) - 42. Why is it exactly 0, with a step as large as 1? (What is L'''?)
 * 2. The two errors of the forward difference, L''·h/2 and 1e-16·L/h, are equal at the bottom of the V. Solve for h.
 *    Do the same for the central difference of the cube. Does the table agree?
 * 3. Here each derivative costs two runs of the program. A small network has 10,000 numbers like W and b (its
 * parameters, which it learns by walking downhill). How many runs for one step?
 *
 * Next: nudging is never exact, and slow. What do the rules from school give, if we apply them to one operation at a
 * time?   -> 02_chain_rule.c
 */
