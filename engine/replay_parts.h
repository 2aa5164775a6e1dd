/* replay_parts.h - inside replay.h, for its files and for emit.c: what a program is made of, and what it runs on. */
#ifndef STEPGRAD_REPLAY_PARTS_H
#define STEPGRAD_REPLAY_PARTS_H

#include "graph.h"
#include "lanes.h"
#include "replay.h"

/* Functions with loops that compilers make vectors of are compiled for several processors at once, and the program
 * takes the best that it finds. The numbers are the same, if products and sums are not contracted (vmath.h): so it is
 * for the build to ask for it. Not below a sanitizer: the choice is made before it has begun, and would crash in it. */
#if defined(__has_feature) /* clang's way to say so; gcc's is a macro */
#if __has_feature(thread_sanitizer) && !defined(__SANITIZE_THREAD__)
#define __SANITIZE_THREAD__ 1
#endif
#endif
#if defined(STEPGRAD_VECTORS) && defined(__has_attribute) && defined(__x86_64__) && defined(__GLIBC__)
#if __has_attribute(target_clones) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define VECTORS __attribute__((target_clones("default", "avx2", "avx512f")))
#endif
#endif
#ifndef VECTORS
#define VECTORS
#endif

_Static_assert((int)LANES == (int)PROGRAM_BLOCK, "a block has a lane for each sample");

/* ---- a program ----------------------------------------------------------------------------------------------------
 * Whatever has a number has a place: first the params, then the inputs, then constants and results, in topological
 * order. The last place is the loss. */

/* The node of an op: its operands by their places. */
typedef struct Step {
    OpCode op;
    bool has_bias;
    bool is_neuron;  /* a dot of params that follow one another with places that do: where all the time goes */
    size_t n;        /* operands in a, and as many in b if there is one; the bias not counted */
    const size_t *a; /* the places of the n operands, and of the bias after them */
    const size_t *b; /* NULL when there is none */
    size_t out;      /* the place of its value */
    size_t layer;    /* in the first of neurons that follow one another, with the same inputs: how many; else 0 */
    size_t before;   /* how many of that layer come before this one */
} Step;

/* The loops of an op, over all lanes. A list is LANES numbers of its first operand, LANES of the second, and so on; n
 * is what a derivative gets in place of b when there is none. */
typedef struct LaneOp {
    void (*forward)(size_t n, const double *a, const double *b, double *y);
    void (*da)(double n, const double *a, const double *b, const double *y, double *local);
    void (*db)(double n, const double *a, const double *b, const double *y, double *local);
} LaneOp;

extern const LaneOp lane_ops_libm[OP_COUNT], lane_ops_vmath[OP_COUNT];

/* What one thread computes with: two numbers per lane for every place but the params. */
typedef struct Run {
    const Program *program;
    double *param_grad; /* where the gradients of params are added up */
    Lanes *data, *grad; /* by place − param_count */
    Lanes *list;        /* room for the operands of a list op: twice as many as the longest has */
    double *turned;     /* inputs of a layer with lanes and inputs swapped: see lanes.h */
} Run;

struct Program {
    size_t param_count, input_count, place_count, step_count;
    size_t longest; /* operands of a list op, the most */
    Value **params;
    Life life;        /* of the params */
    double *param;    /* their data during a replay */
    double *start;    /* by place: the numbers when it was recorded; constants keep them */
    bool *needs_grad; /* by place */
    Step *steps;
    size_t *operands;       /* those of all steps */
    const LaneOp *lane_ops; /* by OpCode */
    double *gradients;      /* of the params, while they are added up */
    Run **runs;             /* one for each thread */
    size_t run_count, run_room;
    void (*replay)(Program *program, const double *rows, size_t count, double seed, double *losses);
    size_t threads;          /* 0: one, in the engine's order */
    double *block_gradients; /* of BLOCKS_OF_THREAD blocks for each thread */
    /* Emitted code, if some was loaded: it runs blocks in place of run_block. See emit.h. */
    void (*compiled)(const double *params, double *gradients, const double *rows, size_t count, double seed,
                     double *losses);
    void *library;
    int (*close_library)(void *library);
};

enum { BLOCKS_OF_THREAD = 8 };

static inline bool follow_one_another(const size_t *places, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (places[i] != places[0] + i)
            return false;
    return true;
}

static inline size_t block_count(size_t samples) { return (samples + LANES - 1) / LANES; }

/* ---- replay.c ---------------------------------------------------------------------------------------------------- */

void program_check(const Program *program, const char *caller, Where where);

/* The rows; in place of NULL, which is right where there are no inputs, an address that C lets one count from. */
const double *program_rows(const Program *program, const double *rows, size_t count, const char *caller, Where where);

/* program->param becomes what the params are now. */
void program_take_params(Program *program);

/* The samples of one block, or of the rest of one, of `count` samples: by run_block, or by emitted code. */
void program_run_block(Run *run, size_t block, const double *rows, size_t count, double seed, double *losses);

/* In the engine's order: each sample's gradient is added to what is there, from the last sample to the first. */
void program_replay_in_order(Program *program, const double *rows, size_t count, double seed, double *losses);

/* At least so many runs. False: no memory. */
bool program_grow_runs(Program *program, size_t count);

/* From now on blocks are run by run_block, and what is loaded is closed. */
void program_unload(Program *program);

/* ---- replay_run.c ------------------------------------------------------------------------------------------------ */

/* NULL: no memory. */
Run *run_new(const Program *program);
void run_free(Run *run);

/* Up to LANES samples, forward and backward. Adds to run->param_grad; losses may be NULL. */
void run_block(Run *run, const double *rows, size_t count, double seed, double *losses);

/* The loss of one sample. */
double run_loss(Run *run, const double *row);

#endif
