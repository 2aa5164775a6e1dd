/* replay.c - a program over the samples of a batch, block by block: see replay.h. */
#include "replay.h"

#include "memory.h"
#include "replay_parts.h"

void program_check(const Program *program, const char *caller, Where where)
{
    if (program == NULL)
        misuse(where, "%s: the program is NULL. Make one with program_record, and check that it is not NULL.", caller);
    if (!life_lasts(&program->life))
        misuse(where,
               "%s: the program's params were released: graph_release ended them together with all nodes made since "
               "the mark. Make them before graph_mark.",
               caller);
}

void program_take_params(Program *program)
{
    for (size_t i = 0; i < program->param_count; i++)
        program->param[i] = program->params[i]->data;
}

/* ---- replaying --------------------------------------------------------------------------------------------------- */

const double *program_rows(const Program *program, const double *rows, size_t count, const char *caller, Where where)
{
    if (rows == NULL && count > 0 && program->input_count > 0)
        misuse(where, "%s: the list of rows is NULL. Pass an array of %zu x %zu numbers.", caller, count,
               program->input_count);
    return rows != NULL ? rows : program->start;
}

void program_run_block(Run *run, size_t block, const double *rows, size_t count, double seed, double *losses)
{
    const Program *program = run->program;
    const size_t first = block * LANES, samples = count - first < LANES ? count - first : LANES;
    rows += first * program->input_count;
    losses = losses == NULL ? NULL : losses + first;
    if (program->compiled != NULL)
        program->compiled(program->param, run->param_grad, rows, samples, seed, losses);
    else
        run_block(run, rows, samples, seed, losses);
}

void program_replay_in_order(Program *program, const double *rows, size_t count, double seed, double *losses)
{
    Run *run = program->runs[0];
    run->param_grad = program->gradients;
    for (size_t i = 0; i < program->param_count; i++)
        program->gradients[i] = program->params[i]->grad;
    for (size_t block = block_count(count); block-- > 0;)
        program_run_block(run, block, rows, count, seed, losses);
    for (size_t i = 0; i < program->param_count; i++)
        program->params[i]->grad = program->gradients[i];
}

void program_replay_at(Program *program, const double *rows, size_t count, double seed, double *losses, Where where)
{
    program_check(program, "program_replay", where);
    rows = program_rows(program, rows, count, "program_replay", where);
    program_take_params(program);
    program->replay(program, rows, count, seed, losses);
}

/* ---- how to replay, and the end ---------------------------------------------------------------------------------- */

void program_unload(Program *program)
{
    if (program->library != NULL)
        program->close_library(program->library);
    program->library = NULL;
    program->compiled = NULL;
}

void program_use_vmath_at(Program *program, bool yes, Where where)
{
    program_check(program, "program_use_vmath", where);
    const LaneOp *wanted = yes ? lane_ops_vmath : lane_ops_libm;
    if (program->lane_ops != wanted)
        program_unload(program);
    program->lane_ops = wanted;
}

size_t program_param_count_at(const Program *program, Where where)
{
    program_check(program, "program_param_count", where);
    return program->param_count;
}

bool program_grow_runs(Program *program, size_t count)
{
    Run **runs = memory_grow(program->runs, count, &program->run_room, sizeof(Run *));
    if (runs == NULL)
        return false;
    program->runs = runs;
    while (program->run_count < count) {
        program->runs[program->run_count] = run_new(program);
        if (program->runs[program->run_count] == NULL)
            return false;
        program->run_count++;
    }
    return true;
}

void program_free(Program *program)
{
    if (program == NULL)
        return;
    program_unload(program);
    for (size_t t = 0; t < program->run_count; t++)
        run_free(program->runs[t]);
    memory_free(program->runs);
    memory_free(program->block_gradients);
    memory_free(program->gradients);
    memory_free(program->params);
    memory_free(program->param);
    memory_free(program->start);
    memory_free(program->needs_grad);
    memory_free(program->steps);
    memory_free(program->operands);
    memory_free(program);
}
