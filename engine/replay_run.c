/* replay_run.c - a program runs over LANES samples side by side: forward through its steps, and backward. The loops
 * over lanes have no order among them, so that compilers make vectors of them; each lane alone does what the engine
 * does, in the same order. */
#include <math.h>
#include <string.h>

#include "memory.h"
#include "replay_parts.h"

enum { TILE = 32 };

static size_t whole_tiles(size_t n) { return (n + TILE - 1) / TILE * TILE; }

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
    size_t i = 1;
    while (i < n && places[i] == places[0] + i)
        i++;
    if (i == n && !is_param(run->program, places[0]))
        return lanes_of(run->data, run->program, places[0]);
    for (i = 0; i < n; i++) {
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

/* The chain rule in one lane. A path with derivative 0 contributes nothing, as in the engine (ops.h), nor does a sample
 * whose gradient does not come here. */
static inline double product(double local, double grad) { return local == 0 || grad == 0 ? 0 : local * grad; }

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

static void backward_step(const Run *run, const Step *step)
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

/* ---- a layer -------------------------------------------------------------------------------------------------------
 * Neurons, w·x + c each, one after the other with the same inputs: the same dot once more. Nearly all the time goes
 * here. The loops have LANES or TILE turns, a number that the compiler knows, so that their sums stay in registers. */

/* The even and the odd sum of dot_forward, in all lanes. */
VECTORS static void forward_neuron(size_t n, const double *w, const double *x, double bias, double *restrict y)
{
    double even[LANES] = {0}, odd[LANES] = {0};
    for (size_t i = 0; i + 1 < n; i += 2) {
        for (size_t k = 0; k < LANES; k++)
            even[k] += w[i] * x[i * LANES + k];
        for (size_t k = 0; k < LANES; k++)
            odd[k] += w[i + 1] * x[(i + 1) * LANES + k];
    }
    for (size_t k = 0; n % 2 == 1 && k < LANES; k++)
        even[k] += w[n - 1] * x[(n - 1) * LANES + k];
    for (size_t k = 0; k < LANES; k++)
        y[k] = even[k] + odd[k] + bias;
}

static void forward_layer(const Run *run, const Step *first)
{
    const Program *program = run->program;
    const double *x = lanes_of(run->data, program, first->b[0]);
    for (const Step *step = first; step < first + first->layer; step++) {
        const double *w = &program->param[step->a[0]];
        forward_neuron(step->n, w, x, step->has_bias ? w[step->n] : 0, lanes_of(run->data, program, step->out));
    }
}

/* The inputs with lanes and inputs swapped, turned[k·row + i]: so they lie side by side, and a vector of weights'
 * gradients can take sample after sample. A row is as long as whole tiles. */
static void turn_inputs(const Run *run, size_t n, const double *x)
{
    const size_t row = whole_tiles(n);
    if (n < row)
        memset(run->turned, 0, LANES * row * sizeof *run->turned);
    for (size_t k = 0; k < LANES; k++)
        for (size_t i = 0; i < n; i++)
            run->turned[k * row + i] = x[i * LANES + k];
}

/* dw[i] += Σ over samples, from the last to the first, of g·x[i] */
VECTORS static void push_to_weights(size_t n, const double *g, const double *turned, double *dw)
{
    const size_t row = whole_tiles(n);
    for (size_t first = 0; first < n; first += TILE) {
        const size_t width = n - first < TILE ? n - first : TILE;
        double sum[TILE] = {0};
        memcpy(sum, dw + first, width * sizeof *sum);
        for (size_t k = LANES; k-- > 0;)
            for (size_t i = 0; i < TILE; i++)
                sum[i] += g[k] * turned[k * row + first + i];
        memcpy(dw + first, sum, width * sizeof *sum);
    }
}

/* dx += Σ over neurons, from the last to the first, of w·g, for one input, in all lanes. The input's weight in the next
 * neuron is `stride` further on. */
VECTORS static void push_to_input(size_t neurons, const double *w, size_t stride, const double *g, double *restrict dx)
{
    double sum[LANES];
    memcpy(sum, dx, sizeof sum);
    for (size_t neuron = neurons; neuron-- > 0;)
        for (size_t k = 0; k < LANES; k++)
            sum[k] += w[neuron * stride] * g[neuron * LANES + k];
    memcpy(dx, sum, sizeof sum);
}

static void backward_layer(const Run *run, const Step *first)
{
    const Program *program = run->program;
    const size_t n = first->n, neurons = first->layer, stride = n + first->has_bias;
    const double *g = lanes_of(run->grad, program, first->out);
    turn_inputs(run, n, lanes_of(run->data, program, first->b[0]));
    for (size_t neuron = 0; neuron < neurons; neuron++) {
        double *dw = &run->param_grad[first->a[0] + neuron * stride], bias = first->has_bias ? dw[n] : 0;
        push_to_weights(n, g + neuron * LANES, run->turned, dw);
        for (size_t k = LANES; k-- > 0;)
            bias += g[neuron * LANES + k];
        if (first->has_bias)
            dw[n] = bias;
    }
    for (size_t i = 0; i < n; i++)
        if (program->needs_grad[first->b[i]])
            push_to_input(neurons, &program->param[first->a[i]], stride, g, lanes_of(run->grad, program, first->b[i]));
}

VECTORS static bool all_finite(const double *numbers, size_t n)
{
    int finite = 1; /* no && and no return in the loop, so that it is one for vectors */
    for (size_t i = 0; i < n; i++)
        finite &= numbers[i] - numbers[i] == 0;
    return finite;
}

/* With finite numbers a product with 0 is 0, and there is no path to leave out: see `product`. */
static bool may_push_as_layer(const Run *run, const Step *first)
{
    const Program *program = run->program;
    return program->param_finite && all_finite(lanes_of(run->grad, program, first->out), first->layer * LANES) &&
           all_finite(lanes_of(run->data, program, first->b[0]), first->n * LANES);
}

/* ---- all steps --------------------------------------------------------------------------------------------------- */

static void run_forward(Run *run, const double *rows, size_t count)
{
    const Program *program = run->program;
    for (size_t i = 0; i < program->input_count; i++)
        for (size_t k = 0; k < LANES; k++) /* lanes without a sample of their own repeat the first one */
            run->data[i][k] = rows[(k < count ? k : 0) * program->input_count + i];
    const Step *end = program->steps + program->step_count;
    for (const Step *step = program->steps; step<end; step += step->layer> 0 ? step->layer : 1)
        (step->layer > 0 ? forward_layer : forward_step)(run, step);
}

static void run_backward(Run *run, size_t count, double seed)
{
    const Program *program = run->program;
    memset(run->grad, 0, (program->place_count - program->param_count) * sizeof *run->grad);
    for (size_t k = 0; k < count; k++)
        lanes_of(run->grad, program, program->place_count - 1)[k] = seed;
    for (const Step *step = program->steps + program->step_count; step-- > program->steps;) {
        const Step *first = step - step->before;
        const bool is_last_of_layer = step->before + 1 == first->layer;
        if (is_last_of_layer && may_push_as_layer(run, first)) {
            backward_layer(run, first);
            step = first;
        } else if (program->needs_grad[step->out]) {
            backward_step(run, step);
        }
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

VECTORS void run_add_numbers(double *restrict sum, const double *restrict numbers, size_t n)
{
    for (size_t i = 0; i < n; i++)
        sum[i] += numbers[i];
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
                 .turned = memory_alloc_array(whole_tiles(program->longest), sizeof(Lanes))};
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
