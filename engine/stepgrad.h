/* stepgrad.h - the whole engine in one include. Read the headers in this order:
 *
 *     ops.h        the table of ops: every value and every derivative
 *     value.h      Value: a number that remembers what it was computed from
 *     graph.h      Graph: owns the nodes; mark and release; order.h: the nodes below a root
 *     backward.h   the reverse walk
 *     dual.h       forward mode; jacobian.h, gradcheck.h: both modes used and compared
 *     matrix.h     matrices of Values; loss.h, nn.h, optim.h, model.h: what a network needs
 *     data.h       data sets; csv.h, random.h; and error.h, memory.h, file.h, words.h beneath it all
 */
#ifndef STEPGRAD_H
#define STEPGRAD_H

#include "backward.h"
#include "csv.h"
#include "data.h"
#include "dual.h"
#include "error.h"
#include "file.h"
#include "gradcheck.h"
#include "graph.h"
#include "jacobian.h"
#include "loss.h"
#include "matrix.h"
#include "memory.h"
#include "model.h"
#include "nn.h"
#include "ops.h"
#include "optim.h"
#include "order.h"
#include "random.h"
#include "value.h"
#include "words.h"

#endif
