/* tree.h - a graph as text: the tree in a terminal.
 *
 *     tree_print(L, stdout, NULL);
 *
 *     L = d * f           data -8         grad 1
 *     ├── d = e + c       data 4          grad -2
 *     │   ├── e = a * b   data -6         grad -2
 *     ...
 *
 * The root is at the top, and below each node are its parents, in operand order and with repeats. A node that several
 * others use is shown in full once; after that its line says "shown above". So a tree has one line for the root and
 * one per edge, however much is shared, and nothing is recursive: a chain of a million nodes prints.
 */
#ifndef STEPGRAD_TREE_H
#define STEPGRAD_TREE_H

#include "text.h"

/* All zero: the usual tree. */
typedef struct TreeOptions {
    size_t max_depth; /* levels below the root; what is cut shows as "…"; 0 is all of them */
    int digits;       /* significant digits of numbers, 1 to 17; 0 is 4 */
} TreeOptions;

/* Print the tree below root; options may be NULL. On a terminal, unless NO_COLOR is set or TERM is "dumb", a gradient
 * above 0 is blue and one below orange. False: no memory, or writing to `out` failed. */
#define tree_print(root, ...) tree_print_at(HERE, root, __VA_ARGS__) /* tree_print(root, out, options) */
bool tree_print_at(Where where, Value *root, FILE *out, const TreeOptions *options);

#endif
