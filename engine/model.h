/* model.h - a network as a text file: every weight as a hex float, so that what is loaded is what was saved, bit for
 * bit.
 *
 *     stepgrad-mlp 1
 *     activation tanh
 *     sizes 2 32 32 2
 *     tensor w1 32 2                     name, rows, columns: a row per neuron, a column per input
 *     0x1.545acf8601c94p-1 0x1.2cf48f40b2671p-2
 *     ...
 *     tensor b1 1 32
 *     ...
 *     end 9c0d3a5b7e112233               FNV-1a checksum of everything before; just `end` on its line: no check
 *
 * A `#` starts a comment. A file that is damaged, cut short or not a model is rejected with its line and the reason,
 * and the network stays as it was. Saving goes through file.h, so a full disk never costs the old file.
 */
#ifndef STEPGRAD_MODEL_H
#define STEPGRAD_MODEL_H

#include "nn.h"
#include "words.h"

/* Write the network to `path`. False: `error` says why, and an older file at `path` is as it was. */
bool mlp_save(const MLP *net, const char *path, Error *error);

/* Read the params of `net` from `path`. Its sizes and activation must be the file's. False: `net` is unchanged. */
bool mlp_load(MLP *net, const char *path, Error *error);

/* Read the tensors of a network, in the order w1 b1 w2 b2 ..., into numbers[0..param_count), in the order of
 * net->params: for gradients to compare with, say. With `rests` not NULL the words may be sums of two doubles, hi:lo,
 * and rests gets the second ones. */
bool mlp_read_tensors(const MLP *net, WordReader *words, double *numbers, double *rests, Error *error);

/* A new network in `graph` with the sizes, activation and params of the file; NULL on an error. */
MLP *mlp_open(Graph *graph, const char *path, Error *error);

#endif
