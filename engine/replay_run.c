/* replay_run.c - a program runs over LANES samples side by side: forward through its steps, and backward. The loops
 * over lanes have no order among them, so that compilers make vectors of them; each lane alone does what the engine
 * does, in the same order. */
#include <string.h>

#include "memory.h"
#include "replay_parts.h"

/* ---- operands ---------------------------------------------------------------------------------------------------- */

static bool is_param(const Program *program, size_t place) { return place < program->param_count; }

static double *lanes_of(Lanes *numbers, const Program *program, size_t place)
{
    return numbers[place - program->param_count];
}

/* An operand, a number per lane. A param is one number for all lanes, and is written out into `room`. */
static const double *operand(const Run *run, size_t place, double *room)
{
    const Program *program = run->program;
    if (!is_param(program, place))
        return lanes_of(run->data, program, place);
    for (int k = 0; k < LANES; k++)
        room[k] = program->param[place];
    return room;
}

/* n operands side by side: where they are, if they follow one another there, else copied into `room`. */
static const double *operand_list(const Run *run, const size_t *places, size_t n, Lanes *room)
{
    if (follow_one_another(places, n) && !is_param(run->program, places[0]))
        return lanes_of(run->data, run->program, places[0]);
    for (size_t i = 0; i < n; i++) {
        const double *numbers = operand(run, places[i], room[i]);
        if (numbers != room[i])
            memcpy(room[i], numbers, sizeof room[i]);
    }
    return room[0];
}

/* ---- any op ------------------------------------------------------------------------------------------------------ */

static void forward_step(const Run *run, const Step *step)
{
    const Program *program = run->program;
    const size_t half = program->longest; /* of run->list */
    Lanes bias_room;
    double *y = lanes_of(run->data, program, step->out);
    const double *a = operand_list(run, step->a, step->n, run->list);
    const double *b = step->b == NULL ? NULL : operand_list(run, step->b, step->n, run->list + half);
    program->lane_ops[step->op].forward(step->n, a, b, y);
    if (!step->has_bias)
        return;
    const double *bias = operand(run, step->a[step->n], bias_room);
    for (int k = 0; k < LANES; k++)
        y[k] += bias[k];
}

/* ∂L/∂parent += ∂node/∂parent · ∂L/∂node, in each lane. For a param that is a sum over the samples, from the last to
 * the first, as the reverse walk meets them. */
VECTORS static void push_lanes(const Run *run, size_t parent, const double *local, const double *grad)
{
    const Program *program = run->program;
    if (!program->needs_grad[parent])
        return;
    if (is_param(program, parent)) {
        double sum = run->param_grad[parent];
        for (int k = LANES; k-- > 0;)
            sum += product(local[k], grad[k]);
        run->param_grad[parent] = sum;
        return;
    }
    double *restrict parent_grad = lanes_of(run->grad, program, parent);
    for (int k = 0; k < LANES; k++)
        parent_grad[k] += product(local[k], grad[k]);
}

static void backward_step(Run *run, const Step *step)
{
    const Program *program = run->program;
    const LaneOp *op = &program->lane_ops[step->op];
    const double *y = lanes_of(run->data, program, step->out);
    const double *grad = lanes_of(run->grad, program, step->out);
    Lanes room_a, room_b, local_a, local_b;
    for (size_t i = 0; i < step->n; i++) {
        const double *a = operand(run, step->a[i], room_a);
        const double *b = step->b == NULL ? NULL : operand(run, step->b[i], room_b);
        op->da((double)step->n, a, b, y, local_a);
        push_lanes(run, step->a[i], local_a, grad);
        if (b == NULL)
            continue;
        op->db((double)step->n, a, b, y, local_b);
        push_lanes(run, step->b[i], local_b, grad);
    }
    for (int k = 0; k < LANES; k++)
        local_a[k] = 1;
    if (step->has_bias)
        push_lanes(run, step->a[step->n], local_a, grad);
}

/* ---- a layer: nearly all the time goes here ---------------------------------------------------------------------- */

static LayerShape shape_of(const Step *first) { return (LayerShape){first->layer, first->n, first->has_bias}; }

VECTORS static void forward_layer(const Run *run, const Step *first)
{
    const Program *program = run->program;
    layer_values(shape_of(first), &program->param[first->a[0]], lanes_of(run->data, program, first->b[0]),
                 lanes_of(run->data, program, first->out));
}

static bool some_need_grad(const Program *program, const size_t *places, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (program->needs_grad[places[i]])
            return true;
    return false;
}

/* If only some of the inputs need a gradient, the others get one that nobody reads. */
VECTORS static void backward_layer(const Run *run, const Step *first)
{
    const Program *program = run->program;
    const size_t w = first->a[0], x = first->b[0];
    layer_gradients(shape_of(first), &program->param[w], lanes_of(run->data, program, x),
                    lanes_of(run->data, program, first->out), lanes_of(run->grad, program, first->out), run->turned,
                    &run->param_grad[w],
                    some_need_grad(program, first->b, first->n) ? lanes_of(run->grad, program, x) : NULL);
}

/* ---- all steps --------------------------------------------------------------------------------------------------- */

static void run_forward(Run *run, const double *rows, size_t count)
{
    const Program *program = run->program;
    for (size_t i = 0; i < program->input_count; i++)
        for (size_t k = 0; k < LANES; k++) /* lanes without a sample of their own repeat the first one */
            run->data[i][k] = rows[(k < count ? k : 0) * program->input_count + i];
    for (const Step *step = program->steps; step < program->steps + program->step_count; step++)
        if (step->is_neuron) {
            forward_layer(run, step);
            step += step->layer - 1;
        } else {
            forward_step(run, step);
        }
}

static void run_backward(Run *run, size_t count, double seed)
{
    const Program *program = run->program;
    memset(run->grad, 0, (program->place_count - program->param_count) * sizeof *run->grad);
    for (size_t k = 0; k < count; k++)
        lanes_of(run->grad, program, program->place_count - 1)[k] = seed;
    for (const Step *step = program->steps + program->step_count; step-- > program->steps;)
        if (step->is_neuron) {
            step -= step->before;
            backward_layer(run, step);
        } else if (program->needs_grad[step->out]) {
            backward_step(run, step);
        }
}

void run_block(Run *run, const double *rows, size_t count, double seed, double *losses)
{
    run_forward(run, rows, count);
    run_backward(run, count, seed);
    if (losses != NULL)
        memcpy(losses, lanes_of(run->data, run->program, run->program->place_count - 1), count * sizeof *losses);
}

double run_loss(Run *run, const double *row)
{
    run_forward(run, row, 1);
    return lanes_of(run->data, run->program, run->program->place_count - 1)[0];
}

Run *run_new(const Program *program)
{
    const size_t places = program->place_count - program->param_count;
    Run *run = memory_alloc(sizeof *run);
    if (run == NULL)
        return NULL;
    *run = (Run){.program = program,
                 .data = memory_alloc_array(places, sizeof *run->data),
                 .grad = memory_alloc_array(places, sizeof *run->grad),
                 .list = memory_alloc_array(program->longest, 2 * sizeof *run->list),
                 .turned = memory_alloc_array(program->longest, sizeof(Lanes))};
    if (run->data == NULL || run->grad == NULL || run->list == NULL || run->turned == NULL) {
        run_free(run);
        return NULL;
    }
    for (size_t place = program->param_count; place < program->place_count; place++)
        for (int k = 0; k < LANES; k++)
            lanes_of(run->data, program, place)[k] = program->start[place];
    return run;
}

void run_free(Run *run)
{
    if (run == NULL)
        return;
    memory_free(run->data);
    memory_free(run->grad);
    memory_free(run->list);
    memory_free(run->turned);
    memory_free(run);
}
