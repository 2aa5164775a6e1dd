/* 17_training.c - The gradient says how the loss would change. How does that make a network learn?
 *
 * New here: the loop. The gradient points to where the loss grows, so every param takes a small step against it, and
 * again, and again. (So backpropagation is not gradient descent: backward computes the gradient, and a step uses it.)
 *
 *     forward     build the loss by running the network           loss(p)
 *     zero        forget the gradients of the last step            p.grad = 0
 *     backward    one walk                                         p.grad = ∂loss/∂p
 *     step        against the gradient                             p ← p − lr·p.grad        lr: the learning rate
 *     release     the nodes of this step go, the params stay
 *
 * Why minus? A move by d changes the loss by about grad·d, and d = −lr·grad makes that −lr·|grad|²: below 0. "About":
 * the step must be small. Why zero? Gradients of params collect (chapter 16): without it a step repeats all before it.
 *
 * The task is XOR: 1 where exactly one of two inputs is 1. No plane does that (chapter 15); a network 2 → 4 → 1 can.
 * The loss is the mean squared error, MSE = (1/n)·Σ (answer_i − target_i)². The mean, not the sum: a sum's gradient is
 * n times as long, and lr would have to shrink as the batch grows. The weights start at random in ±1/√inputs, as in
 * PyTorch (INIT_PYTORCH), from a seed, so that every run is the same. Why not at 0? That is chapter 18.
 *
 * It prints the loss of four runs from the same start: done right, the zeroing forgotten, the sign wrong, the steps too
 * large (a run that explodes is stopped); then the first by engine/optim.h. It draws training.svg. Take steps by hand:
 *     build/draw 'answer = tanh(w*x + b); loss = (answer - 1)^2' w=0.5 x=1 b=0 --html build/lessons/17/step.html
 *
 * Predict, before you run it:
 *     1. Forget the zeroing: does the loss still fall, swing, or explode?
 *     2. The same gradients with the wrong sign: where is the loss after 10 steps?
 *     3. Steps 4 times as large: does it learn 4 times as fast?
 *
 * Build and run: make lesson L=17. In gdb: make gdb L=17, a debug build, in which every variable can be printed.
 *     (gdb) break backward_at if root->data < 0.01
 *     (gdb) run
 *     (gdb) up
 *     (gdb) print step             = 114         the first step in which the loss is below 0.01
 *     (gdb) print net->params[0]->grad    = 0    zeroed; after `finish` it is the gradient
 */
#include "plot/plot.h"
#include "stepgrad.h"

static bool all_hold = true;

/* What a chapter says, it checks: print the claim, and remember if it does not hold. */
static void claim(bool holds, const char *text)
{
    printf("%s %s\n", holds ? "ok    " : "FAILED", text);
    all_hold = all_hold && holds;
}

enum { SAMPLES = 4, STEPS = 300 };
static const double inputs[SAMPLES][2] = {{0, 0}, {0, 1}, {1, 0}, {1, 1}}, targets[SAMPLES] = {0, 1, 1, 0};

/* Every run starts from the same weights. */
static void start_over(MLP *net)
{
    Random random;
    random_seed(&random, 10);
    mlp_init(net, INIT_PYTORCH, &random);
    mlp_zero_grad(net);
}

/* The mean squared error on the four samples: running this builds the graph of one step. */
static Value *forward(MLP *net)
{
    Value *answers[SAMPLES];
    for (size_t i = 0; i < SAMPLES; i++)
        answers[i] = mlp_forward(net, v_inputs(net->graph, inputs[i], 2))[0];
    return mean_squared_error(answers, targets, SAMPLES);
}

int main(int argc, char **argv)
{
    enum { RUNS = 4 };
    const char *names[RUNS] = {"right", "not zeroed", "wrong sign", "too large"};
    const bool zeroed[RUNS] = {true, false, true, true};
    const double lr[RUNS] = {0.2, 0.2, -0.2, 0.8};
    static double losses[RUNS][STEPS];
    size_t steps[RUNS] = {0}; /* that each run took: one whose loss explodes is stopped */
    Graph *g = graph_new();
    MLP *net = mlp_new(g, ((size_t[]){2, 4, 1}), 3, ACTIVATION_TANH);
    if (net == NULL)
        return 1;
    const Mark mark = graph_mark(g);
    for (size_t r = 0; r < RUNS; r++) {
        start_over(net);
        for (size_t step = 0; step < STEPS && (step == 0 || losses[r][step - 1] < 1e6); step++) {
            Value *loss = forward(net);
            if (zeroed[r])
                mlp_zero_grad(net);
            backward(loss);
            for (size_t i = 0; i < net->param_count; i++)
                net->params[i]->data -= lr[r] * net->params[i]->grad;
            losses[r][step] = loss->data; /* the number stays, the node goes */
            steps[r] = step + 1;
            graph_release(g, mark);
        }
    }
    printf("  %6s %10s %10s %10s %10s\n", "step", names[0], names[1], names[2], names[3]);
    const size_t shown[] = {0, 1, 2, 5, 10, 20, 50, 100, 200, STEPS - 1};
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        printf("  %6zu", shown[i]);
        for (size_t r = 0; r < RUNS; r++)
            if (shown[i] < steps[r])
                printf(" %10.2g", losses[r][shown[i]]);
            else
                printf(" %10s", "stopped");
        puts("");
    }
    claim(steps[0] == STEPS && losses[0][STEPS - 1] < 1e-3, "done right, the loss goes to 0");
    claim(losses[1][STEPS - 1] > 0.05, "not zeroed: each step repeats all before it, and the loss swings to and fro");
    claim(steps[2] < STEPS, "wrong sign: that is climbing");
    claim(steps[3] < STEPS, "too large: every step leaps over the valley, and lands higher on the other side");
    puts("\nThe first run again, by sgd_new of engine/optim.h, and what the network answers then\n");
    start_over(net);
    Optimizer *sgd = sgd_new(net->params, net->param_count, (SGD){.lr = lr[0]});
    if (sgd == NULL)
        return 1;
    bool same = true;
    for (size_t step = 0; step < STEPS; step++) {
        Value *loss = forward(net);
        optimizer_zero_grad(sgd);
        backward(loss);
        optimizer_step(sgd);
        same = same && loss->data == losses[0][step];
        graph_release(g, mark);
    }
    bool correct = true;
    for (size_t i = 0; i < SAMPLES; i++) {
        double answer;
        correct = mlp_evaluate(net, inputs[i], &answer) && correct && fabs(answer - targets[i]) < 0.1;
        printf("  %g xor %g = %g   answer %6.3f\n", inputs[i][0], inputs[i][1], targets[i], answer);
    }
    claim(same, "the same losses, bit for bit, in every step: an optimizer is that one line");
    claim(correct, "all four answers are right");
    optimizer_free(sgd);
    graph_free(g);
    if (argc > 1) {
        Error error;
        char path[1024];
        PlotSeries curves[RUNS];
        for (size_t r = 0; r < RUNS; r++)
            curves[r] = (PlotSeries){names[r], steps[r], NULL, losses[r]};
        snprintf(path, sizeof path, "%s/training.svg", argv[1]);
        const LinePlot plot = {"XOR, four runs", "step", "mean squared error", curves, RUNS, .log_y = true};
        if (!plot_lines(path, &plot, &error))
            claim(false, error.message);
    }
    return all_hold ? 0 : 1;
}

/* Exercises
 * 1. Find the largest lr that still learns, to one digit. What do the losses do just above it?
 * 2. Try the seeds 1 to 8 in start_over. Do all learn? Where one does not, what do its answers look like?
 * 3. SGD with momentum μ: v ← μ·v + grad, p ← p − lr·v. Which μ is "not zeroed"? Try .momentum = 0.9 (a claim fails).
 *
 * Next: the gradients are right, and yet a network may not learn. Where do they go?   -> 18_vanishing_gradients.c
 */
