/* stepgrad.h - the whole engine in one include. Read the headers in this order:
 *
 *     core        ops.h (the table of ops), value.h (a number that remembers what it was computed from), graph.h (owns
 *                 the nodes), order.h (the nodes below a root), backward.h (the reverse walk), dual.h (forward mode)
 *     checks      jacobian.h (both modes, side by side), gradcheck.h (is a gradient right?), hessian.h (second
 *                 derivatives)
 *     networks    matrix.h, loss.h, nn.h (neuron, layer, MLP), optim.h (SGD, Adam), model.h (an MLP as a file),
 *                 params.h (the params of any model, and as a file)
 *     data        random.h, data.h (data sets), csv.h
 *     base        error.h, memory.h, file.h, number.h, utf8.h, words.h
 *
 * Beside the engine, which does without them, and not included here: replay.h (record a graph once, replay it for many
 * samples) and emit.h (the same as a C function).
 *
 * A subject that takes several files has a header inside, for them alone, that says which file does what:
 * gradcheck_parts.h, hessian_parts.h, model_parts.h, csv_parts.h, replay_parts.h. A program does not include these.
 *
 * Names that your program cannot use for things of its own once it includes this: the types Value, ValueRole,
 * ValueList, Graph, Mark, Block, Operand, Life, KeptGradients, Backward, Dual, Tangent, Matrix, Neuron, Layer, MLP,
 * Activation, Init, SGD, Adam, Optimizer, OptimizerState, ModelInfo, Checkpoint, Dataset, Batches, Scale, Random,
 * Error, Where, MisuseHandler, Allocator, SafeFile, WordReader, WordWriter, OpCode, OpInfo, OpShape, LocalDerivative,
 * Utf8 and those that begin with Grad, Jacobian or Csv; all that begins with v_, d_, value_, operand_, graph_, life_,
 * order_, backward, op_, dual_, forward_, tangent_, matrix_, loss_, mlp_, layer_, neuron_, activation_, sgd_, adam_,
 * optimizer_, model_, params_, checkpoint_, dataset_, batches_, scale_, csv_, random_, error_, misuse, memory_, file_,
 * number_, utf8_, words_, formula_, fnv1a, gradcheck, gradient_nodes, hessian, jacobian, OP_, SHAPE_, VALUE_, V_,
 * ACTIVATION_, INIT_, GRAD_, JACOBIAN_, CSV_, DUAL_, MATRIX_, MEMORY_, NUMBER_, UTF8_, WORD_, FNV1A_; the op table's
 * add_forward, add_da, add_db and so on; and the macros HERE, ADAM, DUAL, matmul, matmul_transposed, log_softmax,
 * cross_entropy, mean_cross_entropy, mean_squared_error, mean_loss, PRINTF_LIKE, NOINLINE, ALWAYS_INLINE. (A macro also
 * takes the name of a member that is called: write `(layer->backward)(layer)`, with parentheses, for a function pointer
 * of yours.)
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
#include "hessian.h"
#include "jacobian.h"

#include "loss.h"
#include "matrix.h"
#include "model.h"
#include "nn.h"
#include "optim.h"
#include "params.h"

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
