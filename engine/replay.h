/* replay.h - define-and-compile beside define-by-run: record a graph once, and replay it for many samples.
 * stepgrad.h does not include it. The names it takes are Program, PROGRAM_BLOCK, and all that begins with program_.
 *
 *     Value **x = v_inputs(g, row, 4);                          // two numbers, and the class as one-hot: 1 0 or 0 1
 *     Value *loss = cross_entropy_one_hot(mlp_forward(net, x), x + 2, 2);   // ordinary code, run once, on any sample
 *     Program *program = program_record(loss, x, 4, &error);
 *     graph_release(g, mark);                                   // a program needs the params, and no other node
 *     for (each batch of n rows) {
 *         optimizer_zero_grad(sgd);
 *         program_replay(program, rows, n, 1.0 / n, losses);    // the gradient of the mean loss of the n rows
 *         optimizer_step(sgd);
 *     }
 *     program_free(program);
 *
 * A program is a flat list of steps, one for each node that was computed. It runs over PROGRAM_BLOCK samples side by
 * side, first forward through the list and then backward, and builds no node. Three kinds of leaf behave differently:
 * an input gets its number from the row, in the order of the list `inputs`; a param has the data that it has at the
 * time of the replay; a constant keeps its number. So what differs from sample to sample has to be an input, the target
 * of a regression too: mean_squared_error(predictions, x + 2, 1), and not an array of doubles, nor v_const.
 *
 * What the C code decided while it built the graph is not in the program. The branch of an `if` that was taken, the
 * number of turns of a loop, the class whose logit was picked: all stay for ever as they were. So recording refuses
 * (a usage error) what would be wrong for another sample and can be seen: an input of the graph that is not in the
 * list, whose number would stay; a softmax or cross-entropy that picked its largest logit (cross_entropy_one_hot in
 * loss.h does not); the gradient_nodes of a function with a kink, built for one side of it. For the rest there is
 * program_agrees: it compares the program with a recording of another sample.
 *
 * The numbers are those of define-by-run, bit for bit: backward(mean_loss(losses, n)), where the losses were built row
 * after row, adds to the params just what program_replay adds with seed 1.0 / n. (A param that a sample uses more than
 * once gets the same products, but in another order: the blocks from the last to the first, in each use after use, and
 * for each use the samples from the last to the first. In an MLP each is used once.) With program_use_vmath exp and
 * tanh are those of vmath.h, faster, and the last bits may differ.
 *
 * The files: replay_record.c makes a program, replay.c and replay_threads.c take it over the blocks of a batch,
 * replay_run.c and lanes.h over the samples of a block. replay_ops_parts.h makes the loops of every op from the op
 * table, compiled twice: in replay_libm.c with the functions of <math.h>, and in replay_vmath.c with those of vmath.h.
 * The engine does without all of them. A program that calls program_use_threads, or the functions for blocks at the end
 * of this file, is linked with -fopenmp, where the compiler has it; else "undefined reference to GOMP_parallel".
 */
#ifndef STEPGRAD_REPLAY_H
#define STEPGRAD_REPLAY_H

#include "value.h"

typedef struct Program Program;

enum { PROGRAM_BLOCK = 32 }; /* so many samples side by side */

/* The program of `loss`, as a function of inputs[0..n), nodes made with v_input, and of all params below it. The caller
 * frees it with program_free. NULL when there is no memory: `error` says so. It is a usage error if loss depends on no
 * param, if inputs has what is no input or has one twice, if an input below loss is not in it, if data were changed
 * since the forward pass, and what the head of this file says.
 *     Program *program_record(Value *loss, Value *const *inputs, size_t n, Error *error) */
#define program_record(...) program_record_at(__VA_ARGS__, HERE)
void program_free(Program *program);

/* Whether recording this loss would give the same program: build the loss of another sample (of each class, say) and
 * ask. False: `error` names the first node that differs, because C code decided differently or a constant changed; or
 * it says that there was no memory. Another number of inputs is a usage error.
 *     bool program_agrees(const Program *program, Value *loss, Value *const *inputs, size_t n, Error *error) */
#define program_agrees(...) program_agrees_at(__VA_ARGS__, HERE)

/* Forward and backward for `count` samples: rows[s·n + i] is input i of sample s. To the gradient of each param it adds
 *     seed · Σₛ ∂lossₛ/∂param,    from the last sample to the first,
 * and it writes the loss of each sample to losses[0..count), unless that is NULL. Nothing else in the graph changes. It
 * is a usage error to replay a program whose params were released.
 *     void program_replay(Program *program, const double *rows, size_t count, double seed, double *losses) */
#define program_replay(...) program_replay_at(__VA_ARGS__, HERE)

/* Take exp and tanh of vmath.h from now on (true), or those of <math.h>, as at first (false). */
#define program_use_vmath(program, yes) program_use_vmath_at(program, yes, HERE)

/* From now on samples are replayed by so many threads, each with blocks of its own of PROGRAM_BLOCK samples. A block's
 * gradient is summed up apart, from 0, and the blocks are added from the last to the first: the same bits for 1, 2 or
 * any number of threads, but not those of the order above. 0 goes back to that. Without OpenMP one thread does it all.
 * More threads than cores, or than a batch has blocks, make nothing faster. Where other programs want the cores too,
 * set OMP_WAIT_POLICY=passive: else threads that wait for one another keep the cores busy, and all may take many times
 * as long. False: no memory, and nothing has changed. */
#define program_use_threads(program, threads) program_use_threads_at(program, threads, HERE)

/* How many threads do the work: as many as program_use_threads was told, or 1 without OpenMP. */
#define program_threads(program) program_threads_at(program, HERE)

/* ---- blocks apart, for programs that run on several machines ----------------------------------------------------- */

/* The params, in the order of their creation. */
#define program_param_count(program) program_param_count_at(program, HERE)

/* The gradients of the blocks of `count` samples (there are (count + PROGRAM_BLOCK − 1)/PROGRAM_BLOCK): that of block b
 * goes to gradients[b·params ..]. The params' own gradients stay as they are; program_add_blocks adds to them those of
 * all blocks, from the last to the first. Both together are what program_replay does with threads.
 *     void program_replay_blocks(Program *program, const double *rows, size_t count, double seed, double *losses,
 *                                double *gradients)
 *     void program_add_blocks(Program *program, const double *gradients, size_t blocks) */
#define program_replay_blocks(...) program_replay_blocks_at(__VA_ARGS__, HERE)
#define program_add_blocks(...) program_add_blocks_at(__VA_ARGS__, HERE)

/* ---- behind the macros ------------------------------------------------------------------------------------------- */

Program *program_record_at(Value *loss, Value *const *inputs, size_t n, Error *error, Where where);
bool program_agrees_at(const Program *program, Value *loss, Value *const *inputs, size_t n, Error *error, Where where);
void program_replay_at(Program *program, const double *rows, size_t count, double seed, double *losses, Where where);
void program_replay_blocks_at(Program *program, const double *rows, size_t count, double seed, double *losses,
                              double *gradients, Where where);
void program_add_blocks_at(Program *program, const double *gradients, size_t blocks, Where where);
void program_use_vmath_at(Program *program, bool yes, Where where);
bool program_use_threads_at(Program *program, size_t threads, Where where);
size_t program_threads_at(const Program *program, Where where);
size_t program_param_count_at(const Program *program, Where where);

#endif
