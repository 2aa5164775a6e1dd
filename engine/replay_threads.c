/* replay_threads.c - the blocks of a batch shared among threads. A file of its own, so that a program without threads
 * can be linked without OpenMP. */
#include <limits.h>
#include <string.h>

#include "memory.h"
#include "replay.h"
#include "replay_parts.h"

static size_t thread_count(const Program *program) { return program->threads > 0 ? program->threads : 1; }

/* One thread's share of the blocks, from `first` to before `end`, each gradient apart. */
static void replay_share(Run *run, size_t first, size_t end, const double *rows, size_t count, double seed,
                         double *losses, double *gradients)
{
    const size_t params = run->program->param_count;
    for (size_t block = first; block < end; block++) {
        run->param_grad = gradients + block * params;
        memset(run->param_grad, 0, params * sizeof *run->param_grad);
        program_run_block(run, block, rows, count, seed, losses);
    }
}

static void replay_blocks(const Program *program, const double *rows, size_t count, double seed, double *losses,
                          double *gradients)
{
    const size_t blocks = block_count(count), threads = thread_count(program);
#ifdef _OPENMP
#pragma omp parallel for num_threads((int)threads) schedule(static, 1)
#endif
    for (size_t t = 0; t < threads; t++)
        replay_share(program->runs[t], blocks * t / threads, blocks * (t + 1) / threads, rows, count, seed, losses,
                     gradients);
}

/* One thread does this while the others wait. */
VECTORS static void add_numbers(double *restrict sum, const double *restrict numbers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum[i] += numbers[i];
}

static void add_blocks(Program *program, const double *gradients, size_t blocks)
{
    const size_t params = program->param_count;
    double *sum = program->gradients;
    for (size_t i = 0; i < params; i++)
        sum[i] = program->params[i]->grad;
    for (size_t block = blocks; block-- > 0;)
        add_numbers(sum, gradients + block * params, params);
    for (size_t i = 0; i < params; i++)
        program->params[i]->grad = sum[i];
}

/* As many blocks at a time as there is room for, from the last to the first. */
static void replay_with_threads(Program *program, const double *rows, size_t count, double seed, double *losses)
{
    const size_t together = program->threads * BLOCKS_OF_THREAD;
    for (size_t end = block_count(count), first; end > 0; end = first, count = first * LANES) {
        first = end > together ? end - together : 0;
        replay_blocks(program, rows + first * LANES * program->input_count, count - first * LANES, seed,
                      losses == NULL ? NULL : losses + first * LANES, program->block_gradients);
        add_blocks(program, program->block_gradients, end - first);
    }
}

void program_replay_blocks_at(Program *program, const double *rows, size_t count, double seed, double *losses,
                              double *gradients, Where where)
{
    program_check(program, "program_replay_blocks", where);
    rows = program_rows(program, rows, count, "program_replay_blocks", where);
    misuse_if_null(gradients, "program_replay_blocks: gradients", "Give an array with room for all blocks.", where);
    program_take_params(program);
    replay_blocks(program, rows, count, seed, losses, gradients);
}

void program_add_blocks_at(Program *program, const double *gradients, size_t blocks, Where where)
{
    program_check(program, "program_add_blocks", where);
    misuse_if_null(gradients, "program_add_blocks: gradients", "Pass those that program_replay_blocks gave.", where);
    add_blocks(program, gradients, blocks);
}

/* Room for the gradients of so many threads, and a run for each. */
static double *room_for(Program *program, size_t threads)
{
    if (threads > INT_MAX || !program_grow_runs(program, threads))
        return NULL;
    return memory_alloc_array(threads * BLOCKS_OF_THREAD * sizeof(double), program->param_count);
}

bool program_use_threads_at(Program *program, size_t threads, Where where)
{
    program_check(program, "program_use_threads", where);
    double *gradients = threads > 0 ? room_for(program, threads) : NULL;
    const bool done = threads == 0 || gradients != NULL;
    if (done) {
        memory_free(program->block_gradients);
        program->block_gradients = gradients;
        program->threads = threads;
        program->replay = threads > 0 ? replay_with_threads : program_replay_in_order;
    }
    while (program->run_count > thread_count(program))
        run_free(program->runs[--program->run_count]);
    return done;
}

size_t program_threads_at(const Program *program, Where where)
{
    program_check(program, "program_threads", where);
#ifdef _OPENMP
    return thread_count(program);
#else
    return 1;
#endif
}
