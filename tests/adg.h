/* adg.h - reads golden graphs (.adg): expressions with their exact values and gradients, and computes them by the
 * engine. The tool check_graphs and the suite golden both stand on it.
 *
 *     graph ID CLASS NNODES NLEAVES NLIVE
 *     leaf  ID VALUE                      a number whose gradient is asked
 *     const ID VALUE                      one whose gradient is not
 *     op    ID NAME [IMM] K A1 .. AK      of nodes with smaller ids; IMM, a class index, for lsm and xent
 *     root  ID
 *     value HI LO BS BN TORCH             the root's value
 *     grad  LEAF HI LO BS BN TORCH        ∂root/∂leaf, once for each leaf
 *     end
 *
 * Ids count from 0 in the order of the lines. Numbers are C99 hex floats (nan and inf only in graphs of class trap),
 * and
 * `#` starts a comment. HI+LO is the exact number, BS and BN two bounds on the error, TORCH what PyTorch computes.
 *
 *     AdgReader reader;
 *     AdgGraph graph = {0};
 *     if (adg_open(&reader, "some.adg", &error))
 *         while (adg_next(&reader, &graph, &error) == ADG_GRAPH)
 *             ... adg_compute(&graph, &computed, &error) ...
 *     adg_graph_free(&graph), adg_close(&reader);
 */
#ifndef STEPGRAD_TESTS_ADG_H
#define STEPGRAD_TESTS_ADG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "error.h"
#include "value.h"

typedef enum AdgKind { ADG_LEAF, ADG_CONST, ADG_OP } AdgKind;

typedef struct AdgNode {
    AdgKind kind;
    double number;    /* of a leaf or a constant */
    size_t op;        /* the op's row in the table of adg.c */
    size_t imm;       /* which of the arguments lsm and xent mean */
    size_t first_arg; /* its arguments are args[first_arg .. first_arg + arg_count) of the graph */
    size_t arg_count;
} AdgNode;

/* What a number should be. */
typedef struct AdgExpected {
    double high, low; /* the exact number is high + low */
    double strict;    /* bound on the error of a derivative that stays accurate in saturation */
    double natural;   /* bound on the error of the textbook derivatives */
    double torch;     /* what PyTorch computes */
} AdgExpected;

enum { ADG_CLASS_SIZE = 16 };

typedef struct AdgGraph {
    size_t id, line; /* its number in the file, and the line it starts at */
    char class_name[ADG_CLASS_SIZE];
    AdgNode *nodes;
    size_t node_count, node_capacity;
    size_t *args; /* ids of arguments, node after node */
    size_t arg_count, arg_capacity;
    size_t *leaves; /* ids of the leaves, in order */
    size_t leaf_count, leaf_capacity;
    size_t root;
    AdgExpected value;
    AdgExpected *grads; /* grads[i] is the derivative by leaves[i] */
    size_t grad_capacity;
} AdgGraph;

/* A file being read. */
typedef struct AdgReader {
    const char *path;
    FILE *file;
    char *text;   /* the line being read */
    char *cursor; /* what is left of it */
    size_t line;
    size_t graphs; /* read so far */
} AdgReader;

typedef enum AdgStatus { ADG_GRAPH, ADG_END, ADG_ERROR } AdgStatus;

/* Start reading `path`, which must outlive the reader. False, and the Error filled, if it cannot be opened; adg_close
 * is right in both cases. */
bool adg_open(AdgReader *reader, const char *path, Error *error);
void adg_close(AdgReader *reader);

/* Read the next graph into *graph, which is {0} at first and is used again for every graph of a file. ADG_ERROR: the
 * file is damaged (the message says FILE:LINE: what is wrong), has no graph in it, or there is no memory. */
AdgStatus adg_next(AdgReader *reader, AdgGraph *graph, Error *error);
void adg_graph_free(AdgGraph *graph);

/* The ops of the format by name, as a number; false if there is none. Whether it takes a class index (lsm and xent),
 * and whether it can have `count` arguments. */
bool adg_find_op(const char *name, size_t *op);
bool adg_op_has_imm(size_t op);
bool adg_op_takes(size_t op, size_t count);

/* The engine's expression for it. */
Value *adg_build_op(size_t op, size_t imm, Value *const *args, size_t arg_count);

/* What the engine makes of a graph. The lists have an item per leaf and are the caller's, to be freed with
 * adg_computed_free. */
typedef struct AdgComputed {
    double value;
    double *reverse; /* ∂root/∂leaf by the reverse walk */
    double *forward; /* the same by forward mode */
    double *paths; /* Σ over all paths from root to leaf of |product of the local derivatives|: the scale of rounding */
} AdgComputed;

/* Build the graph in a Graph of its own and differentiate it both ways. False: no memory. */
bool adg_compute(const AdgGraph *graph, AdgComputed *computed, Error *error);
void adg_computed_free(AdgComputed *computed);

/* Whether x is the expected number but for an error of at most `bound`; NaN asks for NaN, an infinity for itself, and a
 * bound of 0 for the very double (0 and −0 count as one: not even PyTorch's signs of zero agree with the file's). */
bool adg_within(double x, const AdgExpected *expected, double bound);

/* |x − (high + low)|, rounded once or twice at the end and not before. NaN when x or the expected number is not finite.
 */
double adg_error(double x, const AdgExpected *expected);

/* Whether forward mode and the reverse walk agree on the derivative by leaf i: the two multiply and add up the same
 * local derivatives in another order, so they differ by a few roundings of Σ |paths|. */
bool adg_modes_agree(const AdgComputed *computed, size_t i);

#endif
