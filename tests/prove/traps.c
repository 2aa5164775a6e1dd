/* traps.c - computing a golden graph whose numbers are all finite raises no exception of IEEE 754 but inexact and
 * underflow: nothing invalid, no division by zero, no overflow on the way, which a program that traps them would die
 * of.
 *
 *     traps FILE.adg ...
 */
#include <fenv.h>
#include <stdlib.h>

#include "../adg.h"

static bool quiet(const AdgGraph *graph, Error *error)
{
    AdgComputed computed;
    feclearexcept(FE_ALL_EXCEPT);
    if (!adg_compute(graph, &computed, error))
        return false;
    const int raised = fetestexcept(FE_INVALID | FE_DIVBYZERO | FE_OVERFLOW);
    adg_computed_free(&computed);
    return raised == 0 ||
           error_set(error, "graph %zu of class %s raises%s%s%s", graph->id, graph->class_name,
                     raised & FE_INVALID ? " invalid" : "", raised & FE_DIVBYZERO ? " division by zero" : "",
                     raised & FE_OVERFLOW ? " overflow" : "");
}

int main(int argc, char **argv)
{
    size_t graphs = 0, loud = 0;
    for (int i = 1; i < argc; i++) {
        AdgReader reader;
        AdgGraph graph = {0};
        Error error;
        AdgStatus status = adg_open(&reader, argv[i], &error) ? ADG_GRAPH : ADG_ERROR;
        while (status == ADG_GRAPH && (status = adg_next(&reader, &graph, &error)) == ADG_GRAPH) {
            graphs++;
            if (!quiet(&graph, &error) && ++loud)
                fprintf(stderr, "%s\n", error.message);
        }
        if (status == ADG_ERROR && ++loud)
            fprintf(stderr, "%s\n", error.message);
        adg_graph_free(&graph);
        adg_close(&reader);
    }
    printf("%zu graphs: %zu raise an exception\n", graphs, loud);
    return graphs > 0 && loud == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
