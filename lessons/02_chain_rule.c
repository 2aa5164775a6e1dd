/* 02_chain_rule.c - How does a program's derivative follow from those of its individual operations?
 *
 * L = (W·x + b)² is three operations, one after the other, and each has a derivative that we know from school. (We
 * write ∂m/∂W and not dm/dW on a single step: how fast m moves with W while its other inputs stand still.)
 *
 *     m = W·x      ∂m/∂W = x,  ∂m/∂x = W
 *     s = m + b    ∂s/∂m = 1,  ∂s/∂b = 1
 *     L = s²       ∂L/∂s = 2s
 *
 * New here: the chain rule. If W moves m three times as far, m moves s just as far, and s moves L 14 times as far, then
 * W moves L 14 · 1 · 3 = 42 times as far. These factors are the local derivatives: multiply them along the way.
 *
 * To do so for all inputs at once, we need a matrix product. Here it is in one minute. Each entry of the product is a
 * row of the left matrix times a column of the right one: multiply them number by number, and add up.
 *
 *     U = ( 1 2 )     V = ( 5 6 )     U·V = ( 1·5+2·7 1·6+2·8 ) = ( 19 22 )
 *                         ( 7 8 )
 *
 * A 1×2 matrix times a 2×2 matrix takes 4 multiplications, a p×q matrix times a q×r matrix p·q·r.
 *
 * Now write the local derivatives of a stage as a matrix, its Jacobian J: a row for each output, a column for each
 * input. L has three stages, from (W, x, b) to (m, b) to s to L; b passes the first one unchanged.
 *
 *     J1 = ( 3 2 0 )     J2 = ( 1 1 )     J3 = ( 14 )       J3·J2·J1 = ( 42 28 14 ) = (dL/dW dL/dx dL/db)
 *          ( 0 0 1 )
 *
 * A row times a column adds up over all that lies between: s moves with W through m and through b, by 1·3 + 1·0. So the
 * chain rule is a product of Jacobians. It may be worked out in two orders, with the same result but for rounding, and
 * at very different prices. With ONE output, J3 is a single row. From the left, (J3·J2)·J1, there is never more than a
 * row. From the right, J3·(J2·J1), whole matrices are multiplied. With one INPUT it is the other way round.
 * Starting at the output is called reverse mode, starting at the inputs forward mode; the next chapters build both.
 *
 * It prints the derivatives by the chain rule beside the nudged ones, then the price of both orders, counted.
 *
 * Predict, before you run it:
 *     1. 200 inputs, one output and 200 numbers between the stages: how many multiplications from either side?
 *     2. Which order is the cheaper one when there is one input and 200 outputs?
 *
 *     build/draw 'm = W*x; s = m + b; L = s^2' W=2 x=3 b=1 --html build/lessons/02/L.html
 *
 *     cc -g 02_chain_rule.c -lm -o 02 && gdb ./02
 *     (gdb) break multiply if inner == 200
 *     (gdb) run
 *     (gdb) print rows            = 1     from the left: one row times a matrix, 1·200·200 multiplications
 *     (gdb) continue 2                    the next stop but one
 *     (gdb) print rows            = 200   from the right: matrix times matrix, 200·200·200 of them
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

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

/* ---- a product of Jacobians -------------------------------------------------------------------------------------- */

/* product = A·B, where A is rows×inner and B is inner×columns, row after row. Returns how often it multiplied. */
static long multiply(int rows, int inner, int columns, const double *A, const double *B, double *product)
{
    long count = 0;
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) {
            product[i * columns + j] = 0;
            for (int k = 0; k < inner; k++, count++)
                product[i * columns + j] += A[i * inner + k] * B[k * columns + j];
        }
    return count;
}

enum { N = 200 };

/* J3·J2·J1 in both orders, for three stages: inputs → N numbers → N numbers → outputs. Prints a line of the table.
 * Returns how many times as many multiplications the order from the right takes, or NAN if the results differ. */
static double compare_orders(int inputs, int outputs)
{
    static double J1[N * N], J2[N * N], J3[N * N], half[N * N], from_left[N * N], from_right[N * N];
    for (int i = 0; i < N * N; i++)
        J1[i] = J2[i] = J3[i] = i * 7 % 5 - 2; /* any numbers will do; with small whole ones nothing is rounded */
    long left = multiply(outputs, N, N, J3, J2, half);           /* (J3·J2) ... */
    left += multiply(outputs, N, inputs, half, J1, from_left);   /* ... ·J1     */
    long right = multiply(N, N, inputs, J2, J1, half);           /* ... (J2·J1) */
    right += multiply(outputs, N, inputs, J3, half, from_right); /* J3· ...     */

    printf("%6d  %7d  %10ld  %10ld\n", inputs, outputs, left, right);
    bool same = memcmp(from_left, from_right, sizeof(double) * (size_t)(inputs * outputs)) == 0;
    return same ? (double)right / (double)left : NAN; /* every comparison with NAN is false */
}

int main(void)
{
    /* The program, one operation at a time, and beside each operation its local derivatives. */
    double W = 2, x = 3, b = 1;
    double m = W * x, dm_dW = x, dm_dx = W;
    double s = m + b, ds_dm = 1, ds_db = 1;
    double L = s * s, dL_ds = 2 * s;

    /* The chain rule: multiply along the way from the input to L. */
    double dL_dW = dL_ds * ds_dm * dm_dW;
    double dL_dx = dL_ds * ds_dm * dm_dx;
    double dL_db = dL_ds * ds_db;

    printf("L = %g  chain rule          nudged\n", L);
    printf("dL/dW  %2g * %g * %g = %2g  %13.6f\n", dL_ds, ds_dm, dm_dW, dL_dW, central(loss_of_W, 2, 1e-5));
    printf("dL/dx  %2g * %g * %g = %2g  %13.6f\n", dL_ds, ds_dm, dm_dx, dL_dx, central(loss_of_x, 3, 1e-5));
    printf("dL/db  %2g * %g     = %2g  %13.6f\n\n", dL_ds, ds_db, dL_db, central(loss_of_b, 1, 1e-5));

    printf("                 multiplications\n");
    printf("inputs  outputs  (J3*J2)*J1  J3*(J2*J1)\n");
    double one_output = compare_orders(N, 1);
    double one_input = compare_orders(1, N);
    printf("\n");

    claim(dL_dW == 42 && dL_dx == 28 && dL_db == 14, "the chain rule gives 42, 28 and 14, with no error at all");
    claim(one_output > 100, "many inputs, one output: from the left costs less than a hundredth (reverse mode)");
    claim(one_input < 0.01, "one input, many outputs: from the right costs less than a hundredth (forward mode)");
    return all_hold ? 0 : 1;
}

/* Exercises
 * 1. Take L = (W·x − b)² instead. Which local derivative becomes −1, and what becomes of 42, 28 and 14? (The sign of a
 *    subtraction belongs to its second operand alone.) Predict, and then ask
 *    `build/draw 'L = (W*x - b)^2' W=2 x=3 b=1`.
 * 2. Count the multiplications of both orders for the small J1, J2, J3 above. (8 and 9.) Then add a row to the table
 *    with N inputs and N outputs. Which order wins? Why is neither cheap?
 * 3. A fourth stage: how many orders are there now for J4·J3·J2·J1, and which is cheapest for one output?
 *
 * Next: writing dL_dW by hand is work, for each program again. Can the numbers carry their derivatives along
 * themselves, starting from the inputs?   -> 03_forward_mode.c
 */
