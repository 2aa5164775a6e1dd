/* 10_gradient_check.c - The engine holds thirty local derivatives that somebody wrote down. Who says they are right?
 *
 * Every op of the engine is a row of one table (engine/ops.h; chapter 9 walked through it): its value, its local
 * derivatives as code, and the same derivatives as text, for the edges of a diagram. To add an op is to write down a
 * derivative, and a slip is easy (the sign of sub's b!). A network with a wrong derivative still learns, only worse, so
 * nobody notices.
 *
 * New here: a judge. Chapter 1's nudge is only nearly right, but it knows no calculus: so it can check the calculus.
 * A better nudge is a better judge:
 *
 *     one side      (f(a+h) − f(a)) / h                                   off by f''·h/2
 *     central       D(h) = (f(a+h) − f(a−h)) / 2h                         off by f'''·h²/6
 *     four points   (f(a−2h) − 8f(a−h) + 8f(a+h) − f(a+2h)) / 12h         off by f'''''·h⁴/30
 *
 * The four points are two central nudges: D(2h) is off by 4 times as much as D(h), so in (4·D(h) − D(2h)) / 3 the h²
 * terms cancel, and h⁴ is the first that is left. Each formula also suffers from rounding, about 1e-16·|f|/h. So there
 * are three Vs (chapter 1): the better the formula, the deeper its lowest point, and the larger the h where it lies.
 * engine/gradcheck.h uses the third twice: for each op of an expression, where no rounding has gathered, so that even a
 * tiny gradient is judged by all its digits, and then for the whole.
 *
 * It prints the op table, each local derivative beside a central nudge; the three Vs; relu at 0, where there is no
 * derivative and the judge must say so; and gradcheck at work, finding a planted error. It draws v_curve.svg.
 *
 * Predict, before you run it:
 *     1. A central nudge of exp at 1: which h is the best judge, 1e-1, 1e-5 or 1e-15?
 *     2. relu(a) is a above 0, and 0 elsewhere. What does a central nudge say at 0? Is the engine's 0 wrong?
 *     3. A derivative that is wrong by a part in a thousand: is it found, or lost in the nudge's own error?
 *
 * Build and run: make lesson L=10. In gdb: make gdb L=10, a debug build, in which every variable can be printed.
 *     (gdb) break tanh_da
 *     (gdb) run
 *     (gdb) print 1 - y * y               = 0.711577...   what it is about to return; info args shows a, b and y
 *     (gdb) up
 *     (gdb) print op->da_text             = "1 - y * y"   the text beside the code, in the loop over the table
 */
#include "player/player.h"
#include "plot/plot.h"
#include "stepgrad.h"

static bool all_hold = true;

/* What a chapter says, it checks: print the claim, and remember if it does not hold. */
static void claim(bool holds, const char *text)
{
    printf("%s %s\n", holds ? "ok    " : "FAILED", text);
    all_hold = all_hold && holds;
}

/* Ops of a list are evaluated on lists of one element: sum; dot; logsumexp, log Σ e^aᵢ (chapter 14). */
static double value_of(const OpInfo *op, double a, double b)
{
    return op->forward != NULL ? op->forward(a, b) : op->list_forward(1, &a, &b, 1);
}

int main(int argc, char **argv)
{
    /* Below tanh come sigmoid, 1/(1 + e⁻ᵃ), which squeezes any number between 0 and 1; relu; softplus, log(1 + eᵃ), a
     * relu with a round corner; and others. All are compared, and the first fifteen are shown. */
    puts("(1) The op table to tanh, at a = 0.6, b = 1.7: each local derivative against a central nudge of 1e-5\n");
    printf("  %-10s %-12s  %-27s %10s %10s\n", "op", "y", "local derivative", "code", "nudge");
    const double a = 0.6, b = 1.7, h = 1e-5;
    double worst = 0;
    for (int code = OP_CONST + 1; code < OP_COUNT; code++) {
        const OpInfo *op = &op_table[code];
        const double y = value_of(op, a, b);
        const double da = op->da(a, b, y);
        const double da_nudged = (value_of(op, a + h, b) - value_of(op, a - h, b)) / (2 * h);
        if (code <= OP_TANH)
            printf("  %-10s %-12s  dy/da = %-19s %10.6f %10.6f\n", op->name, op->text, op->da_text, da, da_nudged);
        worst = fmax(worst, fabs(da - da_nudged));
        if (op->db == NULL)
            continue;
        const double db = op->db(a, b, y);
        const double db_nudged = (value_of(op, a, b + h) - value_of(op, a, b - h)) / (2 * h);
        if (code <= OP_TANH)
            printf("  %-10s %-12s  dy/db = %-19s %10.6f %10.6f\n", "", "", op->db_text, db, db_nudged);
        worst = fmax(worst, fabs(db - db_nudged));
    }
    claim(worst < 1e-9, "all ops of the table agree to 9 digits (h^2/6 is 2e-11, and 1e-16/h is 1e-11)");

    puts("\n(2) exp at 1, whose derivative is e: how far off is a nudge of h?\n");
    printf("  %-10s %-10s %-10s %-10s\n", "h", "one side", "central", "four points");
    enum { STEPS = 15 };
    double steps[STEPS], one_side[STEPS], central[STEPS], four_points[STEPS], k = 1; /* k stands for h */
    for (int i = 0; i < STEPS; i++) {
        k = steps[i] = k / 10;
        one_side[i] = fabs((exp(1 + k) - exp(1)) / k - exp(1));
        central[i] = fabs((exp(1 + k) - exp(1 - k)) / (2 * k) - exp(1));
        four_points[i] = fabs((exp(1 - 2 * k) - 8 * exp(1 - k) + 8 * exp(1 + k) - exp(1 + 2 * k)) / (12 * k) - exp(1));
        printf("  %-10.0e ~%-9.0e ~%-9.0e ~%-9.0e\n", k, one_side[i], central[i], four_points[i]);
    }
    claim(one_side[7] < one_side[0] / 1e4 && one_side[7] < one_side[14] / 1e4, "one side: the bottom is near 1e-8");
    claim(central[4] < central[0] / 1e6 && central[4] < central[14] / 1e6, "central: near 1e-5, and deeper");
    claim(four_points[2] < 1e-11, "four points: near 1e-3, and deeper still: 11 digits and more");
    claim(four_points[14] > 0.01, "at 1e-15 no formula helps: the digits are gone");

    puts("\n(3) relu at 0: a slope of 0 on the left, of 1 on the right, and none at 0 itself\n");
    const OpInfo *relu = &op_table[OP_RELU];
    const double left = (relu->forward(0, 0) - relu->forward(-h, 0)) / h;
    const double right = (relu->forward(h, 0) - relu->forward(0, 0)) / h;
    const double both = (relu->forward(h, 0) - relu->forward(-h, 0)) / (2 * h);
    printf("  nudge from the left %g, from the right %g, central %g;  the engine says %g, by convention\n", left, right,
           both, relu->da(0, 0, 0));
    claim(both == 0.5 && relu->da(0, 0, 0) == 0, "a central nudge and the engine disagree here, and neither is wrong");

    puts("\n(4) gradcheck: the same for every param of an expression\n");
    Graph *g = graph_new();
    GradCheck report;
    Error error;
    Value *w = v_param(g, 0.7), *x = v_param(g, 2), *c = v_param(g, -1.4);
    V_NAME(w), V_NAME(x), V_NAME(c);
    Value *m = v_mul(w, x), *s = v_add(m, c), *smooth = v_tanh(s), *kinked = v_relu(v_sub(m, 1.4));
    V_NAME(m), V_NAME(s), V_NAME(smooth);
    claim(gradcheck(smooth, &report, &error) && report.right == 3, "tanh(w*x + c): all three gradients are right");
    claim(!gradcheck(kinked, &report, &error) && report.at_kink == 2 && report.wrong == 0,
          "relu(w*x - 1.4) at w*x = 1.4: a kink is reported, and not counted as wrong");
    backward(smooth);
    w->grad *= 1.001; /* what a slip in a derivative would do */
    claim(!gradcheck_stored(smooth, 0, &report, &error) && report.wrong == 1, "an error of 0.1 % is found:");
    printf("          %s at %g: got %.6f, want %.6f by differences\n", report.worst.name, report.worst.point,
           report.worst.got, report.worst.want);

    if (argc > 1) {
        char path[1024];
        snprintf(path, sizeof path, "%s/tanh.html", argv[1]);
        if (!player_write(smooth, path, NULL, &error))
            claim(false, error.message);
        snprintf(path, sizeof path, "%s/v_curve.svg", argv[1]);
        const PlotSeries curves[] = {{"one side", STEPS, steps, one_side},
                                     {"central", STEPS, steps, central},
                                     {"four points", STEPS, steps, four_points}};
        const LinePlot plot = {.title = "How far off is a nudge of h? exp at 1",
                               .x_label = "h",
                               .y_label = "error of the derivative",
                               .series = curves,
                               .series_count = 3,
                               .log_x = true,
                               .log_y = true};
        if (!plot_lines(path, &plot, &error))
            claim(false, error.message);
    }
    graph_free(g);
    return all_hold ? 0 : 1;
}

/* Exercises
 * 1. In engine/ops.h, flip the sign in cos_da and run `make lesson L=10` again. Which lines notice?
 * 2. The lowest point of the four-point V: set f'''''·h⁴/30 equal to 1e-16·|f|/h, and solve for h. Does the table
 * agree?
 * 3. gradcheck costs 4 evaluations for each param, backward one walk for all. Why does nobody train by nudging?
 *
 * Next: all this was at a = 0.6. What becomes of log at 0, or of (−8)^(1/3), where there is nothing to be right about?
 *   -> 11_first_nan.c
 */
