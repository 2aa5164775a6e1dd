/* stepgrad.h - the whole engine in one include. Read the headers in this order:
 *
 *     core        ops.h (the table of ops), value.h (a number that remembers what it was computed from), graph.h (owns
 *                 the nodes), order.h (the nodes below a root), backward.h (the reverse walk), dual.h (forward mode)
 *     checks      jacobian.h (both modes, side by side), gradcheck.h (is a gradient right?)
 *     networks    matrix.h, loss.h, nn.h (neuron, layer, MLP), optim.h (SGD, Adam), model.h (an MLP as a file)
 *     data        random.h, data.h (data sets), csv.h
 *     base        error.h, memory.h, file.h, number.h, words.h
 */
#ifndef STEPGRAD_H
#define STEPGRAD_H

#include "backward.h"
#include "dual.h"
#include "graph.h"
#include "ops.h"
#include "order.h"
#include "value.h"

#include "gradcheck.h"
#include "jacobian.h"

#include "loss.h"
#include "matrix.h"
#include "model.h"
#include "nn.h"
#include "optim.h"

#include "csv.h"
#include "data.h"
#include "random.h"

#include "error.h"
#include "file.h"
#include "memory.h"
#include "number.h"
#include "words.h"

#endif
