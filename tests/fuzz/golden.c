/* golden.c - a fuzz target: any bytes as a file of golden graphs (adg.h). What is accepted is computed both ways; what
 * is refused is refused at a line of the file. */
#define _POSIX_C_SOURCE 200809L /* reader.h asks for popen */
#include "../adg.h"

#include "reader.h"

static void check_graph(const AdgGraph *graph)
{
    AdgComputed computed;
    Error error;
    fuzz_require(graph->root < graph->node_count, "the root is a node");
    fuzz_require(graph->leaf_count <= graph->node_count, "leaves are nodes");
    for (size_t i = 0; i < graph->leaf_count; i++)
        fuzz_require(graph->nodes[graph->leaves[i]].kind == ADG_LEAF, "leaves are leaves");
    for (size_t i = 0; i < graph->node_count; i++)
        for (size_t k = 0; k < graph->nodes[i].arg_count; k++)
            fuzz_require(graph->args[graph->nodes[i].first_arg + k] < i, "arguments are older");
    fuzz_require(adg_compute(graph, &computed, &error), "what was read can be computed");
    for (size_t i = 0; i < graph->leaf_count; i++)
        fuzz_require(!(computed.paths[i] < 0), "a sum of magnitudes is not negative");
    adg_computed_free(&computed);
}

/* The reader's buffer of a megabyte is made once. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static AdgReader reader;
    static AdgGraph graph;
    AdgStatus status;
    Error error;
    if (reader.text == NULL)
        fuzz_require(adg_open(&reader, "/dev/null", &error) && fclose(reader.file) == 0, "there is memory");
    reader = (AdgReader){.path = "some.adg", .text = reader.text, .file = fmemopen((void *)data, size, "r")};
    if (reader.file == NULL)
        return 0; /* of size 0 */
    while ((status = adg_next(&reader, &graph, &error)) == ADG_GRAPH)
        check_graph(&graph);
    if (status == ADG_ERROR && strstr(error.message, "no graph in this file") == NULL) /* that has line 0 */
        reader_check_message(error.message, "some.adg", data, size);
    fclose(reader.file);
    return 0;
}
