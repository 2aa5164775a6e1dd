/* long_double.c - judges each step of the engine on random graphs by long double: see fuzz/long_double.h.
 *
 *     long_double GRAPHS
 *
 * Exit 77: long double is no finer than double here.
 */
#include "../fuzz/long_double.h"

#include "../random_graphs.h"

int main(int argc, char **argv)
{
    size_t nodes = 0, graphs = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
    if (!exact_is_finer())
        return 77;
    for (uint64_t seed = 0; seed < graphs; seed++) {
        Random random;
        random_seed(&random, seed);
        Graph *graph = graph_new();
        Value *loss = random_mlp_loss(&random, graph, random_tangle(&random, graph));
        backward(loss);
        nodes += long_double_check(loss, 1);
        graph_free(graph);
    }
    printf("%zu nodes, none out of its bounds\n", nodes);
    return nodes > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
