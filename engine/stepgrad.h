/* stepgrad.h - the whole engine in one include. Read the headers in this order:
 *
 *     core        ops.h (the table of ops), value.h (a number that remembers what it was computed from), graph.h (owns
 *                 the nodes), order.h (the nodes below a root), backward.h (the reverse walk), dual.h (forward mode)
 *     checks      jacobian.h (both modes, side by side), gradcheck.h (is a gradient right?)
 *     networks    matrix.h, loss.h, nn.h (neuron, layer, MLP), optim.h (SGD, Adam), model.h (an MLP as a file)
 *     data        random.h, data.h (data sets), csv.h
 *     base        error.h, memory.h, file.h, number.h, utf8.h, words.h
 *
 * Names that your program cannot use for things of its own once it includes this: the types Value, Graph, Mark, Block,
 * Operand, Dual, Tangent, Matrix, Neuron, Layer, MLP, SGD, Adam, Optimizer, Dataset, Batches, Scale, Random, Error,
 * Where, Life, Utf8; all that begins with v_, d_, value_, graph_, op_, dual_, matrix_, loss_, mlp_, layer_, neuron_,
 * optimizer_, dataset_, batches_, scale_, csv_, random_, error_, memory_, file_, number_, utf8_, words_, gradcheck,
 * jacobian, OP_, SHAPE_, VALUE_, ACTIVATION_, INIT_, CSV_, UTF8_; and the macros HERE, ADAM, DUAL, V_NAME, backward,
 * matmul, log_softmax, cross_entropy, mean_cross_entropy, mean_squared_error, mean_loss. (A macro also takes the name
 * of a member that is called: write `(layer->backward)(layer)`, with parentheses, for a function pointer of yours.)
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
#include "utf8.h"
#include "words.h"

#endif
