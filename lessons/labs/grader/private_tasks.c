#include "private_tasks.h"

#include <math.h>
#include <string.h>

#include "compute.h"
#include "random.h"

typedef struct PrivateTask {
    const char *function;
    double (*forward)(double a, double b);
    const double *range; /* of a, from and to, and of b */
} PrivateTask;

/* What private.awk has written for each. */
#define DECLARE(returns, function, parameters, id, points, goal)                                                       \
    double function##_forward(double a, double b);                                                                     \
    extern const double function##_range[4];
TASKS_0(DECLARE)

#define ROW(returns, function, parameters, id, points, goal) {#function, function##_forward, function##_range},
static const PrivateTask private_tasks[] = {TASKS_0(ROW){NULL, NULL, NULL}}; /* one without a name ends the list */

static const PrivateTask *find(const Task *task)
{
    for (const PrivateTask *own = private_tasks; own->function != NULL; own++)
        if (strcmp(own->function, task->function) == 0)
            return own;
    return NULL;
}

static bool is_binary(const Task *task) { return layout_count(task->out) == 2; }

/* A random point in one of POINTS equal parts of a range, with two decimals if such a one lies in it. */
static double draw(Random *random, const double *range, int part)
{
    const double width = (range[1] - range[0]) / POINTS;
    const double x = range[0] + width * (part + random_uniform(random, 0, 1)), rounded = round(x * 100) / 100;
    return width > 0.1 && rounded >= range[0] && rounded <= range[1] ? rounded : x;
}

/* Each point has its own fifth of the range of a, and of b, so that large and small and both signs come up. */
bool private_points(const Task *task, uint64_t seed, double in[POINTS][MOST_IN])
{
    const PrivateTask *own = find(task);
    Random random;
    if (own == NULL)
        return false;
    random_seed_stream(&random, seed, (uint64_t)(own - private_tasks));
    for (int i = 0; i < POINTS; i++) {
        const double a = draw(&random, own->range, i), b = draw(&random, own->range + 2, (2 * i + 1) % POINTS);
        const double g = round(random_uniform(&random, 0.5, 2) * 100) / 100 * (random_below(&random, 2) == 0 ? 1 : -1);
        double *to = in[i];
        *to++ = a;
        if (is_binary(task))
            *to++ = b;
        *to++ = own->forward(a, b);
        *to = g;
    }
    return true;
}

/* The slope of y along a or b, or NAN where two widths of the nudge disagree: at a kink, say. */
static double slope(const PrivateTask *own, double a, double b, bool along_b)
{
    double slopes[2];
    for (int i = 0; i < 2; i++) {
        const double h = (i == 0 ? 1e-5 : 2e-5) * fmax(1, fabs(along_b ? b : a));
        const double da = along_b ? 0 : h, db = along_b ? h : 0;
        slopes[i] = (own->forward(a + da, b + db) - own->forward(a - da, b - db)) / (2 * h);
    }
    return fabs(slopes[0] - slopes[1]) <= 1e-6 * fmax(1, fabs(slopes[0])) ? slopes[0] : NAN;
}

bool private_nudge(const Task *task, const double *in, double *out)
{
    const PrivateTask *own = find(task);
    if (own == NULL)
        return false;
    if (is_binary(task)) {
        out[0] = in[3] * slope(own, in[0], in[1], false);
        out[1] = in[3] * slope(own, in[0], in[1], true);
    } else {
        out[0] = in[2] * slope(own, in[0], 0, false);
    }
    return true;
}

/* ---- is the reference right? ------------------------------------------------------------------------------------- */

static void complain(FILE *out, const Task *task, const double *in, const char *what)
{
    char name[NAME_SIZE];
    fprintf(out, "task %s, %s: %s\n  ", task->id, task->function, what);
    for (int i = 0; i < layout_count(task->in); i++)
        fprintf(out, "%s %s = %.10g", i > 0 ? "," : "", layout_name(task->in, i, name), in[i]);
    fputc('\n', out);
}

/* The task at one point; counts the results that a nudge could be compared with. */
static bool check_point(FILE *out, const Task *task, const double *in, int *compared)
{
    const bool binary = is_binary(task);
    double got[2], nudged[2];
    char name[NAME_SIZE];
    if (!isfinite(in[binary ? 2 : 1])) {
        complain(out, task, in,
                 "y is not a finite number everywhere in the range. Make the range smaller, or mend "
                 "the line Forward:.");
        return false;
    }
    task->call(&reference, in, got);
    private_nudge(task, in, nudged);
    for (int i = 0; i < 1 + binary; i++) {
        *compared += !isnan(nudged[i]);
        if (isnan(nudged[i]) || fabs(got[i] - nudged[i]) <= 1e-5 * fmax(1, fabs(nudged[i])))
            continue;
        complain(out, task, in, "the reference is not g times the derivative of its line Forward:. Mend one of them.");
        fprintf(out, "   %s: the reference gives %.10g, a nudge %.10g\n", layout_name(task->out, i, name), got[i],
                nudged[i]);
        return false;
    }
    return true;
}

static bool check_task(FILE *out, const Task *task)
{
    static double in[POINTS][MOST_IN];
    int compared = 0;
    for (uint64_t seed = 0; seed < 40 && private_points(task, seed, in); seed++)
        for (int i = 0; i < POINTS; i++)
            if (!check_point(out, task, in[i], &compared))
                return false;
    if (compared == 0)
        complain(out, task, in[0], "no nudge says anything about it. Is the line Forward: a smooth function?");
    return compared > 0;
}

bool private_check(FILE *out)
{
    bool right = true;
    for (int i = 0; i < task_count; i++)
        if (find(&tasks[i]) != NULL)
            right = check_task(out, &tasks[i]) && right;
    return right;
}
