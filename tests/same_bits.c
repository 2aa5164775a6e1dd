/* same_bits.c - Print one number for all values and gradients of a hundred pseudo-random graphs. tests/same_bits.sh
 * builds it with each compiler at each level of optimisation, and compares. Fails when it compared too little. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "random_graphs.h"

enum { GRAPHS = 100 };

/* Every op was in use, and most gradients said something. */
static bool says_enough(const RandomGraphs *sum)
{
    for (int op = 0; op < OP_COUNT; op++)
        if (sum->uses[op] == 0) {
            fprintf(stderr, "same_bits: no graph used %s\n", op_table[op].name);
            return false;
        }
    if (sum->gradients < sum->nodes / 2)
        fprintf(stderr, "same_bits: only %zu of %zu nodes have a gradient\n", sum->gradients, sum->nodes);
    return sum->gradients >= sum->nodes / 2;
}

int main(void)
{
    RandomGraphs sum = {.hash = FNV_START};
    for (uint64_t seed = 0; seed < GRAPHS; seed++)
        if (!random_graphs_add(&sum, seed)) {
            fprintf(stderr, "same_bits: out of memory\n");
            return EXIT_FAILURE;
        }
    printf("%016" PRIx64 "  %zu nodes\n", sum.hash, sum.nodes);
    return says_enough(&sum) ? EXIT_SUCCESS : EXIT_FAILURE;
}
