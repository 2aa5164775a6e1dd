/* json.h - a graph as JSON, for programs that read it: every node that root was computed from, a line each.
 *
 *     if (!json_write(L, "L.json", NULL, &error))
 *         fprintf(stderr, "%s\n", error.message);
 *
 *     {"root": 4, "nodes": [
 *     {"number": 0, "label": "a", "op": "param", "data": 2, "grad": -3, "parents": [], "local_derivatives": []},
 *     ...
 *     {"number": 4, "label": "L", "op": "add", "data": 4, "grad": 1, "parents": [2, 3], "local_derivatives": [1, 1]}
 *     ]}
 *
 * Nodes are in topological order, root last. Parents are numbers of nodes, in operand order and with repeats, and
 * beside each its local derivative. A label is null where there is none, and so is the grad of a node that needs none.
 * Numbers have all their digits and read back to the same bits; JSON has no others, so "nan", "inf" and "-inf" are
 * strings. Bytes of a label that are not UTF-8 become U+FFFD.
 */
#ifndef STEPGRAD_JSON_H
#define STEPGRAD_JSON_H

#include "jacobian.h"
#include "value.h"

/* All zero: the usual file. */
typedef struct JsonOptions {
    bool values_only;        /* every grad is null */
    const Tangent *tangents; /* what forward_tangents gave for this root: each node gets its "tangent" */
    const char *by;          /* the label they are with respect to: the file's "tangent_by" */
} JsonOptions;

/* Write the file; options may be NULL. False, with the reason in `error`: no memory, a full disk, no such folder. Then
 * no file is written, and an older one stays as it was. */
#define json_write(root, ...) json_write_at(HERE, root, __VA_ARGS__) /* json_write(root, path, options, error) */
bool json_write_at(Where where, Value *root, const char *path, const JsonOptions *options, Error *error);

/* Write x with all its digits, or "nan", "inf" or "-inf". */
void json_put_number(FILE *out, double x);

/* Write text as a string in quotes. It contains no < > & or ', so it is safe in a page's <script>. */
void json_put_string(FILE *out, const char *text);

#endif
