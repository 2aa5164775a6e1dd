/* emit.h - a recorded program (replay.h) as C code to read, and to compile.
 *
 *     program_emit(program, "moons.c", "moons", &error);        // then: cc -O2 -std=c11 -Iengine -c moons.c
 *
 * The file has one function, which does what program_replay does without threads, with the same bits:
 *
 *     void moons(const double *params, double *gradients,
 *                const double *rows, size_t count, double seed, double *losses)
 *
 *     params       the data of the program's params, in the order of their creation (an MLP lists them in net->params)
 *     gradients    as many; to each is added  seed · Σₛ ∂lossₛ/∂param,  from the last sample to the first
 *     rows         rows[s·inputs + i] is input i of sample s < count
 *     losses       gets the loss of each sample; may be NULL
 *
 * What the program unrolled is a loop again: steps of the same op that follow one another and whose operands move on
 * evenly, such as the neurons of a layer. Comments say in mathematics what each loop does, with the derivatives as the
 * op table has them. Names come from the labels of params: "w1[0,0]", "w1[0,1]" .. are the params from w1 on; without a
 * label that C can spell they have numbers.
 *
 * To compile it takes lanes.h, ops.h and error.h from the engine's folder, and nothing to link with but libm. Compile
 * it as the engine, with -ffp-contract=off. With -DSTEPGRAD_VMATH its exp and tanh are those of vmath.h, as
 * program_use_vmath has them. Each thread that calls the function has numbers of its own.
 */
#ifndef STEPGRAD_EMIT_H
#define STEPGRAD_EMIT_H

#include "replay.h"

/* Write the file `path`, with a function of this name. False, and the reason in `error`, when it cannot be written or
 * there is no memory; then an older file is as it was. It is a usage error if the name is none that a function can
 * have, or one that the code needs itself, or if the program's params were released.
 *     bool program_emit(const Program *program, const char *path, const char *name, Error *error) */
#define program_emit(...) program_emit_at(__VA_ARGS__, HERE)
bool program_emit_at(const Program *program, const char *path, const char *name, Error *error, Where where);

/* Write the file `source`, compile it with $CC (cc, if that is not set) and load it: from now on program_replay runs
 * this code, until program_use_vmath changes the exp and tanh that the program had when it was compiled. program_free
 * closes it. `headers` is the folder that has lanes.h and ops.h: "engine", or where they were installed. The header of
 * your own ops the compiler must find by itself (C_INCLUDE_PATH). No file is left but `source`. False, and the program
 * is as it was: the file cannot be written, there is no compiler, it finds an error (then SOURCE.log has what it says;
 * is `headers` right?), there is no memory, or this platform cannot load code.
 *     bool program_compile(Program *program, const char *source, const char *headers, Error *error) */
#define program_compile(...) program_compile_at(__VA_ARGS__, HERE)
bool program_compile_at(Program *program, const char *source, const char *headers, Error *error, Where where);

#endif
