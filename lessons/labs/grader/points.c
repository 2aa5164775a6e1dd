/* points.c - the points at which a task is tried: random ones that a seed repeats, and special ones (ties, 0, both
 * signs, ±1000, one far below), since it is these that tell the known mistakes apart. */
#include <math.h>
#include <string.h>

#include "compute.h"
#include "data.h"
#include "private_tasks.h"
#include "random.h"

/* With two decimals, so that a message can be read and worked out by hand. */
static double between(Random *random, double lo, double hi)
{
    return round(random_uniform(random, lo, hi) * 100) / 100;
}

/* Clear of 0, where mistakes hide; of either sign. */
static double away(Random *random)
{
    const double x = between(random, 0.3, 2.5);
    return random_below(random, 2) == 0 ? x : -x;
}

static void fill(Random *random, double *in, int count)
{
    for (int i = 0; i < count; i++)
        in[i] = away(random);
}

/* ---- points of one task each: number k of POINTS, in place of what fill put there -------------------------------- */

static void central_points(Random *random, int k, double *in)
{
    (void)k;
    in[4] = between(random, 0.25, 0.5); /* the difference of two numbers near 60 is off by 60·2⁻⁵³, divided by h */
}

/* a, b, y, g: a and b of every pair of signs, and y from them. */
static void signs(int k, double *in)
{
    in[0] = k % 2 == 0 ? fabs(in[0]) : -fabs(in[0]);
    in[1] = k / 2 % 2 == 0 ? fabs(in[1]) : -fabs(in[1]);
}

static void sub_points(Random *random, int k, double *in)
{
    (void)random;
    signs(k, in);
    in[2] = in[0] - in[1];
}

/* A factor of 0 too, by which y must not be divided. */
static void mul_points(Random *random, int k, double *in)
{
    (void)random;
    signs(k, in);
    if (k == 4)
        in[0] = 0;
    in[2] = in[0] * in[1];
}

static void div_points(Random *random, int k, double *in)
{
    (void)random;
    signs(k, in);
    in[2] = in[0] / in[1];
}

static void pow_points(Random *random, int k, double *in)
{
    in[0] = k % 2 == 0 ? between(random, 1.2, 2.5) : between(random, 0.3, 0.8);
    in[1] = k / 2 % 2 == 0 ? fabs(in[1]) : -fabs(in[1]);
    in[2] = pow(in[0], in[1]);
}

static void max_points(Random *random, int k, double *in)
{
    (void)random;
    if (k == 0)
        in[1] = in[0];
    if ((k == 1 && in[0] > in[1]) || (k == 2 && in[0] < in[1])) {
        const double larger = in[0];
        in[0] = in[1], in[1] = larger;
    }
    in[2] = fmax(in[0], in[1]);
}

/* Far out too, where exp(2a) is infinite. */
static void tanh_points(Random *random, int k, double *in)
{
    (void)random;
    in[0] = k == 4 ? 400 : k % 2 == 0 ? fabs(in[0]) : -fabs(in[0]);
    in[1] = tanh(in[0]);
}

static void dual_tanh_points(Random *random, int k, double *in)
{
    (void)random;
    if (k == 4)
        in[0] = 400;
}

/* a: 0, and then each pair of signs of a and g. */
static void relu_points(Random *random, int k, double *in)
{
    (void)random;
    in[0] = k == 0 ? 0 : k % 2 == 1 ? fabs(in[0]) : -fabs(in[0]);
    in[1] = fmax(in[0], 0);
    in[2] = k < 3 ? fabs(in[2]) : -fabs(in[2]);
}

/* A graph: three leaves, then nodes of one or two parents, some the same twice. The last node depends on all but
 * node 5. place[i] is where the i-th node that was made lies. */
static void graph_points(Random *random, const size_t *place, double *in)
{
    enum { LEAVES = 3, USELESS = 5 };
    for (size_t i = 0; i < NODES; i++) {
        double *node = in + 6 * place[i];
        node[2] = node[3] = -1;
        if (i < LEAVES)
            continue;
        const size_t parent = i - 1 == USELESS ? i - 2 : i - 1;
        node[2] = (double)place[parent];
        if (i % 3 == 0)
            node[3] = node[2];
        else if (i % 3 == 1 || i == LEAVES + 2) {
            size_t other = random_below(random, i - 1); /* not the parent above */
            if (i < USELESS)
                other = i - LEAVES; /* so that every leaf is used */
            node[3] = (double)place[other == USELESS ? 0 : other];
        }
    }
}

/* The places of nodes that lie in the order in which they were made. */
static void fill_places(size_t place[NODES])
{
    for (size_t i = 0; i < NODES; i++)
        place[i] = i;
}

static void in_order(Random *random, int k, double *in)
{
    (void)k;
    size_t place[NODES];
    fill_places(place);
    graph_points(random, place, in);
}

static void shuffled(Random *random, int k, double *in)
{
    (void)k;
    size_t place[NODES];
    fill_places(place);
    random_shuffle(random, place, NODES);
    graph_points(random, place, in);
    in[6 * NODES] = (double)place[NODES - 1];
}

/* Small logits; all of them shifted up and down; all negative, and one far below; the first one far below. */
static void shift_logits(int k, double *z, int n)
{
    const double shift = k == 1 ? 1000 : k == 2 ? -1000 : k == 3 ? -5 : 0;
    for (int i = 0; i < n; i++)
        z[i] += shift;
    if (k == 3)
        z[2] = -900;
    if (k == 4)
        z[0] = -800, z[1] = 3;
}

static void logits_points(Random *random, int k, double *in)
{
    (void)random;
    shift_logits(k, in, 5);
}

static void labelled_logits_points(Random *random, int k, double *in)
{
    shift_logits(k, in, 4); /* the first row */
    for (int row = 0; row < 3; row++)
        in[12 + row] = (double)random_below(random, 4);
}

static void layer_points(Random *random, int k, double *in)
{
    (void)k;
    for (int j = 0; j < 2; j++)
        in[9 + j] = between(random, -0.95, 0.95);
}

static void mlp_points(Random *random, int k, double *in)
{
    (void)random;
    in[42] = k % 2 == 0 ? 3 : 1;
}

static void sgd_points(Random *random, int k, double *in)
{
    (void)k;
    in[9] = between(random, 0.01, 0.3);
    in[10] = between(random, 0.3, 0.95);
}

static void train_step_points(Random *random, int k, double *in)
{
    (void)k;
    in[12] = between(random, 0.01, 0.3);
}

/* Rows of moons in a random order, turned about their middle: coordinates, with room for `columns` numbers a row, and
 * labels, `stride` apart. */
static void put_moons(Random *random, double angle, size_t count, double *x, size_t columns, double *label,
                      size_t stride)
{
    size_t row[FRESH_MOONS];
    Dataset moons;
    if (!dataset_moons(&moons, count, 0.1, random, NULL))
        return; /* no memory: the points stay random, and no network learns them */
    for (size_t i = 0; i < count; i++)
        row[i] = i;
    random_shuffle(random, row, count);
    for (size_t i = 0; i < count; i++) {
        const double x0 = dataset_row(&moons, row[i])[0] - 0.5, x1 = dataset_row(&moons, row[i])[1] - 0.25;
        x[columns * i] = 0.5 + cos(angle) * x0 - sin(angle) * x1;
        x[columns * i + 1] = 0.25 + sin(angle) * x0 + cos(angle) * x1;
        label[stride * i] = moons.label[row[i]];
    }
    dataset_free(&moons);
}

static void moons_points(Random *random, int k, double *in)
{
    (void)k;
    double *weights = in + 3 * MOONS, *fresh = weights + WEIGHTS;
    const double angle = random_uniform(random, 0, 6.28); /* so that no weights that were written down fit */
    put_moons(random, angle, MOONS, in, 2, in + 2 * MOONS, 1);
    for (int i = 0; i < WEIGHTS; i++)
        weights[i] = between(random, -1, 1);
    put_moons(random, angle, FRESH_MOONS, fresh, 3, fresh + 2, 3);
}

/* One query whose first score is 1000; and one whose scores are all −1000 or below. */
static void attention_points(Random *random, int k, double *in)
{
    double *q = in, *K = in + 3, least = INFINITY;
    (void)random;
    if (k != 1 && k != 2)
        return;
    for (int i = 0; i < (k == 1 ? 1 : 4); i++) {
        double score = 0;
        for (int j = 0; j < 3; j++) {
            K[3 * i + j] = copysign(K[3 * i + j], k == 1 ? q[j] : -q[j]);
            score += fabs(K[3 * i + j] * q[j]) / sqrt(3);
        }
        least = fmin(least, score);
    }
    for (int j = 0; j < 3; j++)
        q[j] = round(q[j] * 1000 / least);
}

/* a, y: 0, both signs, and one far out. */
static void softsign_points(Random *random, int k, double *in)
{
    (void)random;
    in[0] = k == 0 ? 0 : k == 3 ? 1000 * in[0] : k % 2 == 1 ? fabs(in[0]) : -fabs(in[0]);
    in[1] = in[0] / (1 + fabs(in[0]));
}

/* a, b, y: both 0, both so large that their squares are infinite, and one of them 0. */
static void norm_points(Random *random, int k, double *in)
{
    (void)random;
    const double scale = k == 1 ? 1e200 : 1;
    in[0] = k == 0 ? 0 : k == 2 ? -fabs(in[0]) : scale * in[0];
    in[1] = k == 0 || k == 3 ? 0 : scale * in[1];
    in[2] = hypot(in[0], in[1]);
}

/* ---- all --------------------------------------------------------------------------------------------------------- */

static const struct Special {
    const char *function;
    void (*make)(Random *random, int k, double *in);
} specials[] = {
    {"central", central_points},
    {"dual_tanh", dual_tanh_points},
    {"sub_backward", sub_points},
    {"mul_backward", mul_points},
    {"div_backward", div_points},
    {"pow_backward", pow_points},
    {"max_backward", max_points},
    {"tanh_backward", tanh_points},
    {"relu_backward", relu_points},
    {"push", in_order},
    {"backward", in_order},
    {"topological_order", shuffled},
    {"logsumexp", logits_points},
    {"log_softmax", logits_points},
    {"logits_gradient", labelled_logits_points},
    {"layer_backward", layer_points},
    {"mlp_forward", mlp_points},
    {"sgd_step", sgd_points},
    {"train_step", train_step_points},
    {"train_moons", moons_points},
    {"attention_weights", attention_points},
    {"attention", attention_points},
    {"softsign_forward", softsign_points},
    {"softsign_da", softsign_points},
    {"norm_forward", norm_points},
    {"norm_da", norm_points},
    {"norm_db", norm_points},
};

void points_make(const Task *task, uint64_t seed, double in[POINTS][MOST_IN])
{
    Random random;
    if (private_points(task, seed, in))
        return;
    random_seed_stream(&random, seed, (uint64_t)(task - tasks));
    const int count = layout_count(task->in) + layout_count(task->secret);
    for (int k = 0; k < POINTS; k++) {
        fill(&random, in[k], count);
        for (size_t i = 0; i < sizeof specials / sizeof specials[0]; i++)
            if (strcmp(specials[i].function, task->function) == 0)
                specials[i].make(&random, k, in[k]);
    }
}
