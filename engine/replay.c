/* replay.c - from the nodes below a loss to a program, and a program over the samples of a batch. See replay.h. */
#include "replay.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "memory.h"
#include "order.h"
#include "replay_parts.h"

/* ---- what can be recorded ---------------------------------------------------------------------------------------- */

static void check_loss(Value *loss, Where where)
{
    char name[VALUE_NAME_SIZE];
    value_check(loss, NULL, "program_record: the loss", where);
    if (loss->op <= OP_CONST)
        misuse(where, "program_record: the loss %s was computed from nothing, so there is nothing to record.",
               value_name(loss, name));
    if (loss->op != OP_FAILED && !loss->needs_grad)
        misuse(where,
               "program_record: the loss %s (data %g) depends on no param, so there is no gradient to compute. Make "
               "the leaves that want one with v_param.",
               value_name(loss, name), loss->data);
}

static void check_input(const Value *v, size_t index, const Graph *graph, Where where)
{
    char role[64], name[VALUE_NAME_SIZE];
    snprintf(role, sizeof role, "program_record: inputs[%zu]", index);
    value_check(v, graph, role, where);
    if (v->op != OP_INPUT)
        misuse(where, "%s is %s, of kind %s. Make the leaves whose numbers change from sample to sample with v_input.",
               role, value_name(v, name), op_table[v->op].name);
}

/* ---- recording --------------------------------------------------------------------------------------------------- */

/* The nodes below a loss, and the place of each. */
typedef struct Recording {
    Value **order;
    size_t count, param_count;
    size_t *place; /* by value_number; NO_PLACE: none yet */
} Recording;

static const size_t NO_PLACE = SIZE_MAX;

static size_t place_of(const Recording *recording, const Value *v) { return recording->place[value_number(v)]; }

static void recording_end(Recording *recording)
{
    memory_free(recording->order);
    memory_free(recording->place);
}

/* An input may be newer than the loss: it need not be below it. */
static size_t numbers_up_to(const Value *loss, Value *const *inputs, size_t n)
{
    size_t newest = value_number(loss);
    for (size_t i = 0; i < n; i++)
        newest = value_number(inputs[i]) > newest ? value_number(inputs[i]) : newest;
    return newest + 1;
}

static bool recording_begin(Recording *recording, Value *loss, Value *const *inputs, size_t n)
{
    const size_t numbers = numbers_up_to(loss, inputs, n);
    *recording = (Recording){.order = NULL};
    recording->order = graph_topological_order(loss, &recording->count);
    recording->place = memory_alloc_array(numbers, sizeof *recording->place);
    if (recording->order == NULL || recording->place == NULL) {
        recording_end(recording);
        return false;
    }
    for (size_t i = 0; i < numbers; i++)
        recording->place[i] = NO_PLACE;
    for (size_t i = 0; i < recording->count; i++)
        recording->param_count += recording->order[i]->op == OP_PARAM;
    return true;
}

/* First the params, then the inputs, then all else in topological order. Returns how many of the inputs have got a
 * place: fewer than n if one stands in the list twice. */
static size_t give_places(Recording *recording, Value *const *inputs, size_t n)
{
    size_t params = 0, next = recording->param_count + n;
    for (size_t i = 0; i < n; i++) {
        if (place_of(recording, inputs[i]) != NO_PLACE)
            return i;
        recording->place[value_number(inputs[i])] = recording->param_count + i;
    }
    for (size_t i = 0; i < recording->count; i++) {
        const Value *v = recording->order[i];
        if (place_of(recording, v) == NO_PLACE)
            recording->place[value_number(v)] = v->op == OP_PARAM ? params++ : next++;
    }
    return n;
}

/* The first node whose number, or whose operands, would stay as they are for every sample, where that would be wrong.
 */
static const Value *frozen_node(const Recording *recording, size_t n)
{
    for (size_t i = 0; i < recording->count; i++) {
        const Value *v = recording->order[i];
        const bool is_listed = place_of(recording, v) < recording->param_count + n;
        if (v->picked_by_number || (v->op == OP_INPUT && !is_listed))
            return v;
    }
    return NULL;
}

static void check_places(Recording *recording, size_t placed, size_t n, Where where)
{
    const Value *frozen = placed == n ? frozen_node(recording, n) : NULL;
    if (placed == n && frozen == NULL)
        return;
    recording_end(recording);
    if (frozen == NULL)
        misuse(where, "program_record: inputs[%zu] stands in the list twice. Give each input a place of its own.",
               placed);
    char name[VALUE_NAME_SIZE];
    if (frozen->op == OP_INPUT)
        misuse(where,
               "program_record: %s is an input of the graph, and not in the list of inputs: it would stay %g for every "
               "sample. Put it into the list, or make it with v_const if it is to stay.",
               value_name(frozen, name), frozen->data);
    misuse(where,
           "program_record: %s (%s, data %g) was built by a softmax or cross-entropy that picked the largest logit of "
           "this sample, and it would be that one for every sample. Use cross_entropy_one_hot, or v_logsumexp.",
           value_name(frozen, name), op_table[frozen->op].name, frozen->data);
}

/* ---- steps ------------------------------------------------------------------------------------------------------- */

static bool follow_one_another(const size_t *places, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (places[i] != places[0] + i)
            return false;
    return true;
}

static bool is_neuron(const Program *program, const Step *step)
{
    const size_t last = step->n - 1 + step->has_bias;
    return step->op == OP_DOT && follow_one_another(step->a, last + 1) && follow_one_another(step->b, step->n) &&
           step->a[last] < program->param_count && step->b[0] >= program->param_count;
}

/* w·x and x·w are the same number with the same derivatives: let the params be a. */
static void put_params_first(const Program *program, Step *step)
{
    const Step swapped = {.op = step->op, .n = step->n, .a = step->b, .b = step->a, .out = step->out};
    if (step->op == OP_DOT && !step->has_bias && !is_neuron(program, step) && is_neuron(program, &swapped))
        *step = swapped;
}

static void record_step(Program *program, const Recording *recording, const Value *v)
{
    size_t *operands = program->operands + program->operand_count;
    const size_t parents = value_parent_count(v), in_a = (size_t)v->n + v->has_bias;
    for (size_t i = 0; i < parents; i++)
        operands[i] = place_of(recording, value_parent(v, i));
    program->operand_count += parents;
    Step *step = &program->steps[program->step_count++];
    *step = (Step){.op = v->op,
                   .has_bias = v->has_bias,
                   .n = v->n,
                   .a = operands,
                   .b = parents > in_a ? operands + in_a : NULL,
                   .out = place_of(recording, v)};
    put_params_first(program, step);
    step->is_neuron = is_neuron(program, step);
    program->longest = step->n > program->longest ? step->n : program->longest;
}

static bool program_alloc(Program *program, const Recording *recording, size_t n)
{
    const size_t count = recording->count;
    size_t operands = 0;
    for (size_t i = 0; i < count; i++)
        operands += value_parent_count(recording->order[i]);
    program->params = memory_alloc_array(count, sizeof *program->params);
    program->param = memory_alloc_array(count, sizeof *program->param);
    program->gradients = memory_alloc_array(count, sizeof *program->gradients);
    program->start = memory_alloc_array(count + n, sizeof *program->start);
    program->needs_grad = memory_alloc_array(count + n, sizeof *program->needs_grad);
    program->steps = memory_alloc_array(count, sizeof *program->steps);
    program->operands = memory_alloc_array(operands, sizeof *program->operands);
    return program->params != NULL && program->param != NULL && program->gradients != NULL && program->start != NULL &&
           program->needs_grad != NULL && program->steps != NULL && program->operands != NULL;
}

static void take_place(Program *program, const Recording *recording, Value *v)
{
    const size_t place = place_of(recording, v);
    program->start[place] = v->data;
    program->needs_grad[place] = v->needs_grad;
    program->place_count = place + 1 > program->place_count ? place + 1 : program->place_count;
    if (v->op == OP_PARAM)
        program->params[program->param_count++] = v;
}

static void fill_program(Program *program, const Recording *recording, Value *const *inputs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        take_place(program, recording, inputs[i]);
    for (size_t i = 0; i < recording->count; i++)
        take_place(program, recording, recording->order[i]);
    program->life = life_new(program->params[program->param_count - 1]);
    for (size_t i = 0; i < recording->count; i++)
        if (recording->order[i]->op > OP_CONST)
            record_step(program, recording, recording->order[i]);
}

/* The program, and nothing to run it with. NULL: no memory. */
static Program *program_of(Value *loss, Value *const *inputs, size_t n, Where where)
{
    Recording recording;
    if (!recording_begin(&recording, loss, inputs, n))
        return NULL;
    const size_t placed = give_places(&recording, inputs, n);
    check_places(&recording, placed, n, where);
    Program *program = memory_alloc(sizeof *program);
    if (program != NULL) {
        *program = (Program){.input_count = n, .lane_ops = lane_ops_libm, .longest = 1};
        if (program_alloc(program, &recording, n)) {
            fill_program(program, &recording, inputs, n);
        } else {
            program_free(program);
            program = NULL;
        }
    }
    recording_end(&recording);
    return program;
}

static void check_arguments(Value *loss, Value *const *inputs, size_t n, Where where)
{
    check_loss(loss, where);
    if (n > 0)
        misuse_if_null(inputs, "program_record: the list of inputs", "Pass an array of n nodes.", where);
    for (size_t i = 0; i < n; i++)
        check_input(inputs[i], i, value_graph(loss), where);
}

static bool no_memory(Error *error, const char *caller, Where where)
{
    return error_set(error, "%s:%d: %s: no memory", where.file, where.line, caller);
}

/* What changes from replay to replay: the params' data. */
static void take_params(Program *program)
{
    program->param_finite = true;
    for (size_t i = 0; i < program->param_count; i++) {
        program->param[i] = program->params[i]->data;
        program->param_finite = program->param_finite && isfinite(program->param[i]);
    }
}

/* ---- is it right? ------------------------------------------------------------------------------------------------ */

/* The recorded sample once more: does the program give the loss that the graph has? */
static bool gives_loss(Program *program, Value *const *inputs, double loss)
{
    double *row = memory_alloc_array(program->input_count + 1, sizeof *row);
    if (row == NULL)
        return true; /* no memory for the check is no reason to fail */
    for (size_t i = 0; i < program->input_count; i++)
        row[i] = inputs[i]->data;
    take_params(program);
    const double now = run_loss(program->runs[0], row);
    memory_free(row);
    return now == loss || (isnan(now) && isnan(loss));
}

Program *program_record_at(Value *loss, Value *const *inputs, size_t n, Error *error, Where where)
{
    check_arguments(loss, inputs, n, where);
    Program *program = loss->op == OP_FAILED ? NULL : program_of(loss, inputs, n, where);
    if (program == NULL || !program_use_threads(program, 0)) {
        program_free(program);
        no_memory(error, "program_record", where);
        return NULL;
    }
    if (gives_loss(program, inputs, loss->data))
        return program;
    char name[VALUE_NAME_SIZE];
    program_free(program);
    misuse(where,
           "program_record: %s is %.15g, but its operands now give another number: data were changed after it was "
           "computed, by an assignment or an optimizer's step. Record first and change data then, or build the "
           "expression again.",
           value_name(loss, name), loss->data);
}

static bool same_step(const Step *s, const Step *t)
{
    const size_t in_a = s->n + s->has_bias;
    return s->op == t->op && s->n == t->n && s->has_bias == t->has_bias &&
           memcmp(s->a, t->a, in_a * sizeof *s->a) == 0 && (s->b == NULL) == (t->b == NULL) &&
           (s->b == NULL || memcmp(s->b, t->b, s->n * sizeof *s->b) == 0);
}

static bool same_number(double x, double y) { return x == y || (isnan(x) && isnan(y)); }

static bool same_size(const Program *p, const Program *q)
{
    return p->param_count == q->param_count && p->place_count == q->place_count && p->step_count == q->step_count;
}

/* The first place where q is not as p, or both are as long as the shorter. A place behind the inputs is the next
 * step's, or a constant's. */
static size_t first_difference(const Program *p, const Program *q)
{
    const size_t places = p->place_count < q->place_count ? p->place_count : q->place_count;
    const Step *s = p->steps, *t = q->steps;
    for (size_t place = 0; place < places; place++) {
        const bool p_has_param = place < p->param_count, q_has_param = place < q->param_count;
        if (p_has_param != q_has_param || (p_has_param && p->params[place] != q->params[place]))
            return place;
        if (place < p->param_count + p->input_count)
            continue;
        const bool p_has_step = s < p->steps + p->step_count && s->out == place;
        const bool q_has_step = t < q->steps + q->step_count && t->out == place;
        if (p_has_step != q_has_step ||
            (p_has_step ? !same_step(s, t) : !same_number(p->start[place], q->start[place])))
            return place;
        s += p_has_step, t += q_has_step;
    }
    return places;
}

/* The node below loss with that place; loss itself if there is none, or no memory to find out. */
static const Value *node_at(Value *loss, Value *const *inputs, size_t n, size_t place)
{
    Recording recording;
    const Value *found = loss;
    if (!recording_begin(&recording, loss, inputs, n))
        return loss;
    give_places(&recording, inputs, n);
    for (size_t i = 0; i < recording.count; i++)
        if (place_of(&recording, recording.order[i]) == place)
            found = recording.order[i];
    recording_end(&recording);
    return found;
}

bool program_agrees_at(const Program *program, Value *loss, Value *const *inputs, size_t n, Error *error, Where where)
{
    misuse_if_null(program, "program_agrees: the program", "Make one with program_record.", where);
    check_arguments(loss, inputs, n, where);
    if (n != program->input_count)
        misuse(where, "program_agrees: %zu inputs, but the program was recorded with %zu.", n, program->input_count);
    Program *other = loss->op == OP_FAILED ? NULL : program_of(loss, inputs, n, where);
    if (other == NULL)
        return no_memory(error, "program_agrees", where);
    const size_t place = first_difference(program, other);
    const bool agrees = same_size(program, other) && place == program->place_count;
    program_free(other);
    if (agrees)
        return true;
    char name[VALUE_NAME_SIZE];
    const Value *v = node_at(loss, inputs, n, place);
    return error_set(error,
                     "%s:%d: program_agrees: %s (%s) is not as in the program: C code decided differently for this "
                     "sample, or a constant has changed. Let the graph decide (v_max, or an input that is 0 or 1), or "
                     "record a program for each case.",
                     where.file, where.line, value_name(v, name), op_table[v->op].name);
}

/* ---- replaying --------------------------------------------------------------------------------------------------- */

static void check_replay(const Program *program, const double *rows, size_t count, const char *caller, Where where)
{
    char what[48];
    snprintf(what, sizeof what, "%s: the program", caller);
    misuse_if_null(program, what, "Make one with program_record, and check that it is not NULL.", where);
    if (rows == NULL && count > 0 && program->input_count > 0)
        misuse(where, "%s: the list of rows is NULL. Pass an array of %zu x %zu numbers.", caller, count,
               program->input_count);
    if (!life_lasts(&program->life))
        misuse(where,
               "%s: the program's params were released: graph_release ended them together with all nodes made since "
               "the mark. Make them before graph_mark.",
               caller);
}

static size_t block_count(size_t samples) { return (samples + LANES - 1) / LANES; }

/* The samples of one block, or of the rest of one. */
static void replay_block(Run *run, size_t block, const double *rows, size_t count, double seed, double *losses)
{
    const size_t row = block * LANES;
    run_block(run, rows + row * run->program->input_count, count - row < LANES ? count - row : LANES, seed,
              losses == NULL ? NULL : losses + row);
}

/* In the engine's order: each sample's gradient is added to what is there, from the last sample to the first. */
static void replay_in_order(Program *program, const double *rows, size_t count, double seed, double *losses)
{
    Run *run = program->runs[0];
    run->param_grad = program->gradients;
    for (size_t i = 0; i < program->param_count; i++)
        program->gradients[i] = program->params[i]->grad;
    for (size_t block = block_count(count); block-- > 0;)
        replay_block(run, block, rows, count, seed, losses);
    for (size_t i = 0; i < program->param_count; i++)
        program->params[i]->grad = program->gradients[i];
}

/* One thread's share of the blocks, from `first` to before `end`, each gradient apart. */
static void replay_share(Run *run, size_t first, size_t end, const double *rows, size_t count, double seed,
                         double *losses, double *gradients)
{
    const size_t params = run->program->param_count;
    for (size_t block = first; block < end; block++) {
        run->param_grad = gradients + block * params;
        memset(run->param_grad, 0, params * sizeof *run->param_grad);
        replay_block(run, block, rows, count, seed, losses);
    }
}

static void replay_blocks(const Program *program, const double *rows, size_t count, double seed, double *losses,
                          double *gradients)
{
    const size_t blocks = block_count(count), threads = program->run_count;
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

void program_replay_at(Program *program, const double *rows, size_t count, double seed, double *losses, Where where)
{
    check_replay(program, rows, count, "program_replay", where);
    take_params(program);
    (program->threads > 0 ? replay_with_threads : replay_in_order)(program, rows, count, seed, losses);
}

void program_replay_blocks_at(Program *program, const double *rows, size_t count, double seed, double *losses,
                              double *gradients, Where where)
{
    check_replay(program, rows, count, "program_replay_blocks", where);
    misuse_if_null(gradients, "program_replay_blocks: gradients", "Give an array with room for all blocks.", where);
    take_params(program);
    replay_blocks(program, rows, count, seed, losses, gradients);
}

void program_add_blocks_at(Program *program, const double *gradients, size_t blocks, Where where)
{
    check_replay(program, gradients, blocks, "program_add_blocks", where);
    add_blocks(program, gradients, blocks);
}

/* ---- how to replay, and the end ---------------------------------------------------------------------------------- */

size_t program_param_count(const Program *program) { return program->param_count; }

void program_use_vmath(Program *program, bool yes) { program->lane_ops = yes ? lane_ops_vmath : lane_ops_libm; }

/* Room for what `threads` threads replay, beside what is there. */
static bool more_runs(Program *program, size_t threads)
{
    Run **runs = memory_grow(program->runs, threads, &program->run_room, sizeof(Run *));
    if (runs == NULL)
        return false;
    program->runs = runs;
    while (program->run_count < threads) {
        program->runs[program->run_count] = run_new(program);
        if (program->runs[program->run_count] == NULL)
            return false;
        program->run_count++;
    }
    return true;
}

bool program_use_threads(Program *program, size_t threads)
{
    const size_t wanted = threads > 0 ? threads : 1;
    if (threads > INT_MAX || program->param_count > SIZE_MAX / BLOCKS_OF_THREAD || !more_runs(program, wanted))
        return false;
    double *gradients = memory_alloc_array(threads * BLOCKS_OF_THREAD * sizeof *gradients, program->param_count);
    if (gradients == NULL)
        return false;
    while (program->run_count > wanted)
        run_free(program->runs[--program->run_count]);
    memory_free(program->block_gradients);
    program->block_gradients = gradients;
    program->threads = threads;
    return true;
}

size_t program_threads(const Program *program)
{
#ifdef _OPENMP
    return program->run_count;
#else
    (void)program;
    return 1;
#endif
}

void program_free(Program *program)
{
    if (program == NULL)
        return;
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
