/* player.h - the backward player: one HTML file that plays the forward and the backward pass of a graph, step by step.
 *
 *     Error error;
 *     if (!player_write(L, "L.html", NULL, &error))
 *         fprintf(stderr, "%s\n", error.message);
 *
 * The file needs nothing else, no server and no network: a browser opens it from the disk. It shows the graph,
 * explains every step in words and numbers beside the line of C that does it, and is driven by buttons, a slider or the
 * keyboard. The steps are those of backward.h: each node in the reverse walk, what it pushes, and to whom. Leaves can
 * be typed or dragged to other numbers, and all else follows: the page computes with the functions of ops.h. A graph
 * with ops of your own (ops.h) keeps its numbers, because the page does not have their functions.
 *
 * Inside a frame of another page, or with #embed after its address, it leaves out its head and needs 420 pixels.
 */
#ifndef STEPGRAD_PLAYER_H
#define STEPGRAD_PLAYER_H

#include "graph/dot.h"
#include "value.h"

/* All zero: the usual page. */
typedef struct PlayerOptions {
    int digits;             /* significant digits of numbers, 1 to 17; 0 is 4 */
    bool without_dot;       /* the page lays the graph out itself, as it does where Graphviz's dot is missing, gets no
                               memory or would be slow: where the edges cross more than DOT_SPAN_FAST ranks (dot.h) */
    const DotGroup *groups; /* frames that the page opens and closes, as in dot.h and network_groups.h: `collapsed`
                               says how it begins. Only where dot draws. May be NULL */
    size_t group_count;
    const char *expression; /* the text that the program draw was given: the page shows the command that draws it, with
                               the numbers of the leaves, to be changed and run. May be NULL */
} PlayerOptions;

/* Beyond this a graph can neither be laid out nor read. */
enum { PLAYER_MAX_NODES = 1500 };

/* Write the page of the backward pass from root; options may be NULL. The pass is run here, with the gradients of
 * params from 0, and leaves every gradient of the graph as it was. If root depends on no param, there is only the
 * forward pass. Labels may hold any bytes. False, with the reason in `error`: no memory, more than PLAYER_MAX_NODES
 * nodes, no such folder, a full disk; then no file is written, and an older one stays as it was. */
#define player_write(root, ...) player_write_at(HERE, root, __VA_ARGS__) /* (root, path, options, error) */
bool player_write_at(Where where, Value *root, const char *path, const PlayerOptions *options, Error *error);

#endif
