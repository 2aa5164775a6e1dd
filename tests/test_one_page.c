/* test_one_page.c - lessons/one_page.c, included here, has the gradients of the engine. (test_lessons.c runs it.) */
#define _XOPEN_SOURCE 700 /* mkdtemp */
#include <criterion/criterion.h>

#include <unistd.h>

#include "stepgrad.h"

#undef backward /* the page has names of its own for some things of the engine */
#define backward page_backward
#define Value PageValue
#define main page_main
#pragma GCC diagnostic ignored "-Wreturn-type" /* only a real main may end without a return */
#include "../lessons/one_page.c"
#undef Value

/* The page keeps the weights of a layer first and then its biases; the engine keeps each neuron's together. Returns the
 * engine's params in the page's order. */
static Value **copy_params(const MLP *net)
{
    static Value *params[PARAMS];
    size_t n = 0;
    for (size_t l = 0; l < net->layer_count; l++) {
        const Layer *from = &net->layers[l];
        for (size_t j = 0; j < from->outputs; j++)
            for (size_t i = 0; i < from->inputs; i++)
                params[n++] = from->neurons[j].w[i];
        for (size_t j = 0; j < from->outputs; j++)
            params[n++] = from->neurons[j].w[from->inputs];
    }
    cr_assert_eq(n, (size_t)PARAMS);
    for (size_t i = 0; i < n; i++)
        leaf(params[i]->data);
    return params;
}

Test(one_page, has_the_gradients_of_the_engine_on_all_rows)
{
    Error error;
    Dataset rows_read;
    Graph *g = graph_new();
    MLP *net = mlp_open(g, "lessons/data/moons/init.txt", &error);
    cr_assert(net != NULL && csv_load("lessons/data/moons/data.csv", &rows_read, &error), "%s", error.message);
    Value **params = copy_params(net);
    const Mark mark = graph_mark(g);
    for (size_t i = 0; i < rows_read.count; i++) {
        const double *x = dataset_row(&rows_read, i);
        Value *loss = cross_entropy(mlp_forward(net, v_inputs(g, x, INPUTS)), CLASSES, rows_read.label[i]);
        PageValue *page_loss = loss_of((double[]){x[0], x[1], rows_read.label[i]});
        cr_expect(fabs(loss->data - page_loss->data) <= 1e-15, "row %zu: loss %.17g, on the page %.17g", i, loss->data,
                  page_loss->data);
        backward_from(loss, 1.0 / ROWS);
        page_backward(page_loss, 1.0 / ROWS);
        graph_release(g, mark);
        top = values + PARAMS;
    }
    for (size_t i = 0; i < PARAMS; i++)
        cr_expect(fabs(params[i]->grad - values[i].grad) <= 1e-15, "param %zu: grad %.17g, on the page %.17g", i,
                  params[i]->grad, values[i].grad);
    dataset_free(&rows_read);
    graph_free(g);
}

/* It stops with a message and not by an assertion. */
Test(one_page, data_that_are_cut_short_are_told)
{
    char folder[] = "/tmp/stepgrad-page-XXXXXX", command[1000], here[200];
    cr_assert(mkdtemp(folder) != NULL && getcwd(here, sizeof here) != NULL, "no folder to work in");
    snprintf(command, sizeof command,
             "mkdir -p %s/lessons/data/moons && cd %s/lessons/data/moons && cp '%s/lessons/data/moons/init.txt' . && "
             "head -n 100 '%s/lessons/data/moons/data.csv' >data.csv",
             folder, folder, here, here);
    cr_assert(system(command) == 0 && chdir(folder) == 0, "cannot prepare the data");
    cr_expect_eq(page_main(), 1);
    snprintf(command, sizeof command, "rm -r %s", folder);
    cr_expect_eq(system(command), 0, "%s is left", folder);
}
