/* dot.c - a fuzz target: any graph as a diagram. It must be of safe characters, and quoted as the DOT language asks
 * (dot_check.h). With FUZZ_DOT=1000 in the environment each 1000th is also drawn by dot itself, which must have nothing
 * to complain about. */
#define _POSIX_C_SOURCE 200809L /* reader.h asks for popen */
#include "graph/dot.h"

#include "any_graph.h"
#include "dot_check.h"
#include "reader.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    FuzzInput in = {data, size};
    char names[2][ANY_LABEL_SIZE], *text = NULL;
    size_t bytes;
    const size_t first = fuzz_below(&in, 8), flags = fuzz_below(&in, 65536), depth = fuzz_below(&in, 6);
    DotGroup groups[2] = {{.name = any_label(&in, names[0]), .first = first, .end = first + fuzz_below(&in, 8)},
                          {.name = any_label(&in, names[1]), .first = first + 1, .end = first + fuzz_below(&in, 5)}};
    groups[1].inside = flags & 1 ? groups : NULL;
    groups[flags >> 1 & 1].collapsed = flags & 4;
    const DotOptions options = {.direction = (DotDirection)(flags >> 3 & 1),
                                .theme = (DotTheme)((flags >> 4) % 3),
                                .values_only = flags & 64,
                                .hide_constants = flags & 128,
                                .legend = flags & 256,
                                .digits = (int)(flags >> 9) % 18,
                                .max_depth = depth,
                                .groups = groups,
                                .group_count = (flags >> 14) % 3};
    Graph *graph = graph_new();
    FILE *out = open_memstream(&text, &bytes);
    Error error;
    fuzz_require(dot_print(any_graph(&in, graph), out, &options, &error), "any small graph is a diagram");
    fclose(out);
    fuzz_require_safe(text, bytes);
    fuzz_require(strchr(text, '\t') == NULL, "a diagram has no tabs");
    dot_check(text);
    reader_ask("FUZZ_DOT", "dot -Tsvg '%s' 2>&1 >/dev/null", text, bytes);
    free(text);
    graph_free(graph);
    return 0;
}
