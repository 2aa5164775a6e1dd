/* params.h - the params of any model, and not only of an MLP: all those of a graph in one list, and as a file.
 *
 *     Matrix a = matrix_param_normal(g, 8, 3, 0.1, &random), b = ...;     // a model of your own
 *     size_t n;
 *     Value **params = graph_params(g, &n);                               // all that were made so far
 *     Optimizer *adam = adam_new(params, n, ADAM(0.01));
 *     Mark mark = graph_mark(g);
 *     ... train ...
 *     if (!params_save(params, n, "model.txt", &error))
 *         fprintf(stderr, "%s\n", error.message);
 *
 * The file is text, with every number as a hex float, so that what is loaded is what was saved, bit for bit:
 *
 *     stepgrad-params 1
 *     params 4192
 *     0x1.545acf8601c94p-1               a param's data, and before it its label, if it has one:
 *     "bias" 0x1.2cf48f40b2671p-2        in quotes, with %XX for what is not a plain character
 *     ...
 *     end 9c0d3a5b7e112233               the checksum of model.h; just `end` on its line: no check
 *
 * A `#` starts a comment. A file that is damaged, cut short, or of another model (another number of params, or another
 * label somewhere) is rejected with its line and the reason, and all params stay as they were. Saving goes through
 * file.h, so a full disk never costs the old file. It is a usage error to pass NULL, no params, or a list with anything
 * in it that is not a live param.
 */
#ifndef STEPGRAD_PARAMS_H
#define STEPGRAD_PARAMS_H

#include "graph.h"

/* All params of the graph, in the order of their creation; *count is how many. The list lives as long as the nodes made
 * now: make it before graph_mark. NULL when there is no memory.    graph_params(graph, count) */
#define graph_params(...) graph_params_at(__VA_ARGS__, HERE)

/* Write the data of params[0..n) to `path`, and read it from there. False: `error` says why.
 *     bool params_save(Value *const *params, size_t n, const char *path, Error *error)
 *     bool params_load(Value *const *params, size_t n, const char *path, Error *error) */
#define params_save(...) params_save_at(__VA_ARGS__, HERE)
#define params_load(...) params_load_at(__VA_ARGS__, HERE)

/* ---- behind the macros ------------------------------------------------------------------------------------------- */

Value **graph_params_at(Graph *graph, size_t *count, Where where);
bool params_save_at(Value *const *params, size_t n, const char *path, Error *error, Where where);
bool params_load_at(Value *const *params, size_t n, const char *path, Error *error, Where where);

#endif
