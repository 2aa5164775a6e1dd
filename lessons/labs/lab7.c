/* lab7.c - neurons, layers, and training. */
#include "lab.h"

/* Task 7.1 (1 point)  A neuron: tanh(w·x + b).
 *
 * Return it for n weights w and n inputs x.
 *
 * Hint: w·x is the sum of w[i]·x[i].
 * Hint: b is added once, inside tanh.
 * Hint: let the sum begin at b.
 * Chapter: 15_mlp.c */
double neuron(int n, const double *w, const double *x, double b)
{
    double sum = b;
    for (int i = 0; i < n; i++)
        sum += w[i] * x[i];
    return tanh(sum);
}

/* Task 7.2 (2 points)  A layer, backward: y = tanh(W·x + b), where W has a row of n_in weights for each of n_out
 * neurons.
 *
 * Given y and dy = ∂L/∂y, write ∂L/∂W to dW (n_out rows of n_in), ∂L/∂b to db (n_out) and ∂L/∂x to dx (n_in). What they
 * hold before is of no meaning.
 *
 * Hint: begin at the end: with s = W·x + b, ∂L/∂s[j] = dy[j]·(1 − y[j]²). All else is made of these.
 * Hint: s[j] = Σᵢ W[j][i]·x[i] + b[j]: what does each factor wait for?
 * Hint: dW[j][i] = ds[j]·x[i], db[j] = ds[j], and x[i] is used by every neuron: dx[i] = Σⱼ ds[j]·W[j][i].
 * Chapter: 15_mlp.c */
void layer_backward(int n_in, int n_out, const double *W, const double *x, const double *y, const double *dy,
                    double *dW, double *db, double *dx)
{
    for (int i = 0; i < n_in; i++)
        dx[i] = 0;
    for (int j = 0; j < n_out; j++) {
        const double ds = dy[j] * (1 - y[j] * y[j]);
        db[j] = ds;
        for (int i = 0; i < n_in; i++) {
            dW[j * n_in + i] = ds * x[i];
            dx[i] += ds * W[j * n_in + i];
        }
    }
}

/* Task 7.3 (2 points)  A network of `layers` layers, forward.
 *
 * size[0] is the number of inputs and size[l] that of the neurons of layer l; none is above MOST_WIDTH. params holds
 * the layers one after the other: for each neuron a row of weights, and behind the last row one bias per neuron. Every
 * layer takes tanh of its sums but the last, whose sums are the outputs. Write size[layers] numbers to out.
 *
 * Hint: two arrays of MOST_WIDTH numbers, what goes into a layer and what comes out of it.
 * Hint: a layer of n neurons with k inputs has n·k weights and then n biases: after it, params moves on by n·k + n.
 * Hint: no tanh in the last layer, l == layers: logits may have any size.
 * Chapter: 15_mlp.c */
void mlp_forward(int layers, const int *size, const double *params, const double *x, double *out)
{
    double from[MOST_WIDTH] = {0}, to[MOST_WIDTH];
    for (int i = 0; i < size[0]; i++)
        from[i] = x[i];
    for (int l = 1; l <= layers; l++) {
        const int n_in = size[l - 1], n_out = size[l];
        const double *bias = params + n_in * n_out;
        for (int j = 0; j < n_out; j++) {
            to[j] = bias[j];
            for (int i = 0; i < n_in; i++)
                to[j] += params[j * n_in + i] * from[i];
        }
        for (int j = 0; j < n_out; j++)
            from[j] = l < layers ? tanh(to[j]) : to[j];
        params = bias + n_out;
    }
    for (int j = 0; j < size[layers]; j++)
        out[j] = from[j];
}

/* Task 7.4 (2 points)  A step of gradient descent with momentum: v = momentum·v + grad, then param = param − lr·v.
 *
 * Do it for each of n params, with its own grad and velocity. Leave grad as it is.
 *
 * Hint: first the velocity, then the param, by the new velocity.
 * Hint: lr stands in the step, not in the velocity; and grad enters whole, not times (1 − momentum).
 * Hint: against the gradient: the param goes down by lr·v.
 * Chapter: 17_training.c */
void sgd_step(int n, double *params, const double *grad, double *velocity, double lr, double momentum)
{
    for (int i = 0; i < n; i++) {
        velocity[i] = momentum * velocity[i] + grad[i];
        params[i] -= lr * velocity[i];
    }
}

/* Task 7.5 (2 points)  One step of training, without momentum.
 *
 * Use model->forward and model->backward, once each, and move every param against its gradient by lr times it. Return
 * the loss before the step. Afterwards grad holds the gradient of this step; what it holds before is left from an
 * earlier one.
 *
 * Hint: backward adds to grad. What must happen before it?
 * Hint: zero the gradients, forward, backward, step.
 * Hint: return what forward returned: do not call it again after the step.
 * Chapter: 17_training.c */
double train_step(Model *model, double lr)
{
    for (int i = 0; i < model->n; i++)
        model->grad[i] = 0;
    const double loss = model->forward(model);
    model->backward(model);
    for (int i = 0; i < model->n; i++)
        model->params[i] -= lr * model->grad[i];
    return loss;
}
