/* tape.h - the competitor of gpt.c: scalar autodiff written for speed and for this one model.
 *
 * A tape of numbers in parallel arrays, with indices of 32 bits for operands and an op code; nothing is checked; a dot
 * is a chain of nodes a·b + c; gradients of the tape are cleared by one memset. Ports of the same
 * model to C++ and Rust are made so. Not a lesson: only to compare with.
 */
#ifndef STEPGRAD_TAPE_H
#define STEPGRAD_TAPE_H

enum { TAPE_WIDTH = 16, TAPE_HEADS = 4, TAPE_CONTEXT = 16, TAPE_TOKENS = 27, TAPE_PARAMS = 4192 };

/* Begin with these params, in the order of chapter 23. */
void tape_begin(const double *params);

/* One step of Adam (β 0.9, 0.999, ε 1e-8) on a name: n tokens, and what follows each. Returns the loss
 * before it. */
double tape_step(const int *tokens, const int *next, int n, double lr);

#endif
