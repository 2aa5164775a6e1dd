/* player_layout.h - where the boxes and the lines of the player's picture go: from left to right, parents first.
 *
 *     PlayerLayout layout;
 *     if (player_layout_find(&layout, &pass, sizes, labels, true, error))
 *         ... layout.boxes[i] is the middle of node i ...
 *     player_layout_free(&layout);
 *
 * Graphviz's `dot` does it if it is there and finishes in time; else simple layers do. Lengths are in pixels, y grows
 * downwards, and nothing lies left of or above 0.
 */
#ifndef STEPGRAD_PLAYER_LAYOUT_H
#define STEPGRAD_PLAYER_LAYOUT_H

#include "player_steps.h"

typedef struct Point {
    double x, y;
} Point;

/* A line from the parent's box to the child's: cubic Bézier curves end to end, 1 + 3·curves points. */
typedef struct PlayerLine {
    size_t first_point, point_count;
    Point label; /* the middle of the edge's label */
} PlayerLine;

typedef struct PlayerLayout {
    Point size;
    Point *boxes;      /* per node, its middle */
    PlayerLine *lines; /* per edge */
    Point *points;
    size_t point_count, point_room;
    bool by_dot;
} PlayerLayout;

/* sizes: width and height of each node's box; labels: of each edge's label. False, and nothing to free, when there is
 * no memory. */
bool player_layout_find(PlayerLayout *layout, const PlayerSteps *pass, const Point *sizes, const Point *labels,
                        bool use_dot, Error *error);
void player_layout_free(PlayerLayout *layout);

#endif
