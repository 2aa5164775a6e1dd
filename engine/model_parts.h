/* model_parts.h - the parts of a model's file around its tensors, which model.c writes and reads in order; params.c
 * ends its files in the same way. Not in stepgrad.h: a program uses model.h, which shows what they look like. */
#ifndef STEPGRAD_MODEL_PARTS_H
#define STEPGRAD_MODEL_PARTS_H

#include "model.h"

/* ---- the last line: model.c -------------------------------------------------------------------------------------- */

void model_write_end(WordWriter *writer);

/* After the word `end`: the checksum, and nothing after it. */
bool model_read_end(WordReader *words, Error *error);

/* ---- what the numbers stand for: model_info.c -------------------------------------------------------------------- */

/* A usage error if the scale is not of as many features as the network has inputs. The info may be NULL. */
void model_info_check(const MLP *net, const ModelInfo *info, const char *caller, Where where);

bool model_info_is_empty(const ModelInfo *info);

/* Write the lines of what it has. */
void model_info_write(WordWriter *writer, const MLP *net, const ModelInfo *info);

/* Read them, from the word last read up to the first `tensor`. On an error *info is freed. */
bool model_info_read(WordReader *words, size_t inputs, size_t outputs, ModelInfo *info, Error *error);

/* ---- where a training stands: checkpoint.c ----------------------------------------------------------------------- */

void checkpoint_write(WordWriter *writer, const Checkpoint *checkpoint);

/* After the word `training`: read what follows, and one word more. *read comes with the caller's settings, which must
 * be the file's, and *state with room for as many moments as the file must have; the optimizer does not change. */
bool checkpoint_read(WordReader *words, Checkpoint *read, OptimizerState *state, Error *error);

#endif
