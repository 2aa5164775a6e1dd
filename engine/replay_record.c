/* replay_record.c - from the nodes below a loss to a program: see replay.h. */
#include <math.h>
#include <string.h>

#include "memory.h"
#include "order.h"
#include "replay_parts.h"

/* ---- what can be recorded ---------------------------------------------------------------------------------------- */

static void check_loss(Value *loss, const char *caller, Where where)
{
    char role[64], name[VALUE_NAME_SIZE];
    snprintf(role, sizeof role, "%s: the loss", caller);
    value_check(loss, NULL, role, where);
    if (loss->op <= OP_CONST)
        misuse(where, "%s %s was computed from nothing, so there is nothing to record.", role, value_name(loss, name));
    if (loss->op != OP_FAILED && !loss->needs_grad)
        misuse(where,
               "%s %s (data %g) depends on no param, so there is no gradient to compute. Make the leaves that want one "
               "with v_param.",
               role, value_name(loss, name), loss->data);
}

static void check_input(const Value *v, size_t index, const Graph *graph, const char *caller, Where where)
{
    char role[64], name[VALUE_NAME_SIZE];
    snprintf(role, sizeof role, "%s: inputs[%zu]", caller, index);
    value_check(v, graph, role, where);
    if (v->op != OP_INPUT && v->op != OP_FAILED)
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

/* The first node whose number or operands would stay as they are for every sample, and must not. */
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

static void check_places(Recording *recording, size_t placed, size_t n, const char *caller, Where where)
{
    const Value *frozen = placed == n ? frozen_node(recording, n) : NULL;
    if (placed == n && frozen == NULL)
        return;
    recording_end(recording);
    if (frozen == NULL)
        misuse(where, "%s: inputs[%zu] stands in the list twice. Give each input a place of its own.", caller, placed);
    char name[VALUE_NAME_SIZE];
    if (frozen->op == OP_INPUT)
        misuse(where,
               "%s: %s is an input of the graph, and not in the list of inputs: it would stay %g for every sample. Put "
               "it into the list, or make it with v_const if it is to stay.",
               caller, value_name(frozen, name), frozen->data);
    misuse(where,
           "%s: %s (%s, data %g) was built by a softmax, cross-entropy or gradient_nodes that decided by numbers of "
           "this sample (the largest logit, a side of a kink), and it would be so for every sample. Use "
           "cross_entropy_one_hot or v_logsumexp, and gradient_nodes of smooth functions only.",
           caller, value_name(frozen, name), op_table[frozen->op].name, frozen->data);
}

/* ---- steps ------------------------------------------------------------------------------------------------------- */

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
    if (!step->has_bias && is_neuron(program, &swapped))
        *step = swapped;
}

/* Whether it is the next neuron of the layer that step - 1 is in: the next params, the same inputs, the next place. */
static bool goes_on_with_layer(const Step *step)
{
    const Step *last = step - 1;
    return last->is_neuron && step->is_neuron && step->n == last->n && step->has_bias == last->has_bias &&
           step->a[0] == last->a[0] + last->n + last->has_bias && step->b[0] == last->b[0] &&
           step->out == last->out + 1;
}

static void put_into_layer(const Program *program, Step *step)
{
    if (step > program->steps && goes_on_with_layer(step)) {
        step->before = step[-1].before + 1;
        step[-(ptrdiff_t)step->before].layer++;
    } else {
        step->layer = step->is_neuron;
    }
}

/* `operands` has room for the places of v's parents. Returns where that of the next step begins. */
static size_t *record_step(Program *program, const Recording *recording, const Value *v, size_t *operands)
{
    const size_t parents = value_parent_count(v), in_a = (size_t)v->n + v->has_bias;
    for (size_t i = 0; i < parents; i++)
        operands[i] = place_of(recording, value_parent(v, i));
    Step *step = &program->steps[program->step_count++];
    *step = (Step){.op = v->op,
                   .has_bias = v->has_bias,
                   .n = v->n,
                   .a = operands,
                   .b = parents > in_a ? operands + in_a : NULL,
                   .out = place_of(recording, v)};
    put_params_first(program, step);
    step->is_neuron = is_neuron(program, step);
    put_into_layer(program, step);
    program->longest = step->n > program->longest ? step->n : program->longest;
    return operands + parents;
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
    size_t *operands = program->operands;
    for (size_t i = 0; i < recording->count; i++)
        if (recording->order[i]->op > OP_CONST)
            operands = record_step(program, recording, recording->order[i], operands);
}

/* False: a builder returned the graph's failed node, for want of memory. */
static bool all_were_built(const Value *loss, Value *const *inputs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (inputs[i]->op == OP_FAILED)
            return false;
    return loss->op != OP_FAILED;
}

/* The program, and nothing to run it with. NULL: no memory, now or when the nodes were built. */
static Program *program_of(Value *loss, Value *const *inputs, size_t n, const char *caller, Where where)
{
    Recording recording;
    if (!all_were_built(loss, inputs, n))
        return NULL;
    if (!recording_begin(&recording, loss, inputs, n))
        return NULL;
    const size_t placed = give_places(&recording, inputs, n);
    check_places(&recording, placed, n, caller, where);
    Program *program = memory_alloc(sizeof *program);
    if (program != NULL) {
        *program =
            (Program){.input_count = n, .lane_ops = lane_ops_libm, .longest = 1, .replay = program_replay_in_order};
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

static void check_arguments(Value *loss, Value *const *inputs, size_t n, const char *caller, Where where)
{
    check_loss(loss, caller, where);
    if (inputs == NULL && n > 0)
        misuse(where, "%s: the list of inputs is NULL. Pass an array of %zu nodes.", caller, n);
    for (size_t i = 0; i < n; i++)
        check_input(inputs[i], i, value_graph(loss), caller, where);
}

static bool no_memory(Error *error, const char *caller, Where where)
{
    return error_set(error, "%s:%d: %s: no memory", where.file, where.line, caller);
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
    program_take_params(program);
    const double now = run_loss(program->runs[0], row);
    memory_free(row);
    return now == loss || (isnan(now) && isnan(loss));
}

Program *program_record_at(Value *loss, Value *const *inputs, size_t n, Error *error, Where where)
{
    check_arguments(loss, inputs, n, "program_record", where);
    Program *program = program_of(loss, inputs, n, "program_record", where);
    if (program == NULL || !program_grow_runs(program, 1)) {
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

/* 0 and -0 are two numbers: 1/x tells them apart. */
static bool same_number(double x, double y) { return (x == y && signbit(x) == signbit(y)) || (isnan(x) && isnan(y)); }

/* The first place where q is not as p: at the latest the end of the shorter one. A place behind the inputs is the next
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
        s += p_has_step;
        t += q_has_step;
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
    program_check(program, "program_agrees", where);
    check_arguments(loss, inputs, n, "program_agrees", where);
    if (n != program->input_count)
        misuse(where, "program_agrees: %zu inputs, but the program was recorded with %zu.", n, program->input_count);
    Program *other = program_of(loss, inputs, n, "program_agrees", where);
    if (other == NULL)
        return no_memory(error, "program_agrees", where);
    const size_t place = first_difference(program, other);
    const bool agrees = place == program->place_count && place == other->place_count;
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
