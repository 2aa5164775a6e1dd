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
 * With a ModelInfo the first line is `stepgrad-mlp 2`, and between `sizes` and `tensor` stand those of these lines that
 * it has; names are quoted, with %XX (the byte, as in a web address) for what is not a plain character:
 *
 *     features "sepal%20length" "sepal%20width"
 *     classes "setosa" "virginica"
 *     mean 0x1.75f02c2fa91b4p+2 0x1.874e9b9ae0b4ep+1
 *     deviation 0x1.a7f4d5b8a91b2p-1 0x1.bc0e2c8d2d8cfp-2
 *
 * A checkpoint is such a file with a part more before the `end`, which readers of a model pass over:
 *
 *     training "lr=0.05 batch=64"        what must be the same when the training goes on
 *     epoch 10 rows 0                    whole epochs done, and rows of the next one
 *     random 0 42 0 109                  state and increment, each in two halves of 32 bits
 *     optimizer 160 0                    steps taken, and how many moments follow
 *
 * A `#` starts a comment. A file that is damaged, cut short or not a model is rejected with its line and the reason,
 * and the network stays as it was. Saving goes through file.h, so a full disk never costs the old file.
 * It is a usage error to pass NULL for a network, a graph or a path.
 */
#ifndef STEPGRAD_MODEL_H
#define STEPGRAD_MODEL_H

#include "data.h"
#include "nn.h"
#include "optim.h"
#include "words.h"

/* What the network's numbers stand for: with it the file is enough to predict. Any part may be missing. */
typedef struct ModelInfo {
    char **feature_names; /* one for each input, or NULL */
    char **class_names;   /* one for each output, or NULL */
    Scale scale;          /* of the inputs: the network was trained on (x − mean)/deviation. None: all zero */
} ModelInfo;

/* Where a training stands, for one that goes on to the same weights, bit for bit. */
typedef struct Checkpoint {
    Optimizer *optimizer; /* its steps and moments */
    const char *settings; /* what must be the same when the training goes on, in words of your own */
    size_t epoch, rows;   /* whole epochs done, and rows done of the next one */
    Random random;        /* as it was at the beginning of that epoch */
} Checkpoint;

/* Write the network to `path`. False: `error` says why, and an older file at `path` is as it was.
 *     bool mlp_save(const MLP *net, const char *path, Error *error)
 *     bool mlp_save_with(const MLP *net, const ModelInfo *info, const char *path, Error *error) */
#define mlp_save(net, path, error) mlp_save_at(net, NULL, path, error, HERE)
#define mlp_save_with(...) mlp_save_at(__VA_ARGS__, HERE)

/* Read the params of `net` from `path`. Its sizes and activation must be the file's. False: `net` is unchanged.
 *     bool mlp_load(MLP *net, const char *path, Error *error) */
#define mlp_load(...) mlp_load_at(__VA_ARGS__, HERE)

/* A new network in `graph` with the sizes, activation and params of the file; NULL on an error. Then *info is zeroed,
 * else it has what is in the file; the caller frees it with model_info_free.
 *     MLP *mlp_open(Graph *graph, const char *path, Error *error)
 *     MLP *mlp_open_with(Graph *graph, ModelInfo *info, const char *path, Error *error) */
#define mlp_open(graph, path, error) mlp_open_at(graph, NULL, path, error, HERE)
#define mlp_open_with(...) mlp_open_at(__VA_ARGS__, HERE)
void model_info_free(ModelInfo *info); /* one that mlp_open_with has filled in */

/* Write the network and the checkpoint; mlp_open and mlp_load read the file too. And go on from there: read the params,
 * the optimizer's state, epoch, rows and random. The optimizer must be of the same kind, and the settings be the
 * file's. False: all stays as it was.
 *     bool checkpoint_save(const MLP *net, const ModelInfo *info, const Checkpoint *checkpoint, const char *path,
 *                          Error *error)
 *     bool checkpoint_load(MLP *net, Checkpoint *checkpoint, const char *path, Error *error) */
#define checkpoint_save(...) checkpoint_save_at(__VA_ARGS__, HERE)
#define checkpoint_load(...) checkpoint_load_at(__VA_ARGS__, HERE)

/* Read the tensors of a network, in the order w1 b1 w2 b2 ..., into numbers[0..param_count), in the order of
 * net->params: for gradients to compare with, say. With `rests` not NULL the words may be sums of two doubles, hi:lo,
 * and rests gets the second ones. */
bool mlp_read_tensors(const MLP *net, WordReader *words, double *numbers, double *rests, Error *error);

/* ---- behind the macros ------------------------------------------------------------------------------------------- */

bool mlp_save_at(const MLP *net, const ModelInfo *info, const char *path, Error *error, Where where);
bool mlp_load_at(MLP *net, const char *path, Error *error, Where where);
MLP *mlp_open_at(Graph *graph, ModelInfo *info, const char *path, Error *error, Where where);
bool checkpoint_save_at(const MLP *net, const ModelInfo *info, const Checkpoint *checkpoint, const char *path,
                        Error *error, Where where);
bool checkpoint_load_at(MLP *net, Checkpoint *checkpoint, const char *path, Error *error, Where where);

#endif
