/* emit_parts.h - inside emit.c: which steps of a program become one loop of C, and what its numbers are called. */
#ifndef STEPGRAD_EMIT_PARTS_H
#define STEPGRAD_EMIT_PARTS_H

#include "replay_parts.h"

enum { NAME_SIZE = 48, NAMES_MOST = 200 };

/* Places that have a name in common, in params or in data. Without one, "", they are counted from `first`. */
typedef struct Name {
    char text[NAME_SIZE];
    size_t first, last;
} Name;

/* Steps first[0..count) of the same op, size and shape, of which each operand goes up by a constant: a loop over i. */
typedef struct Group {
    const Step *first;
    size_t count;
    Name name; /* of their values: "tanh2" for the second group of tanh; "loss" */
} Group;

typedef struct Plan {
    const Program *program;
    Group *groups;
    size_t group_count;
    const Group **group_of; /* by place − param_count; NULL for inputs and constants */
    Name names[NAMES_MOST]; /* of params: what their labels begin with */
    size_t name_count;
    Name inputs, nameless_param, nameless; /* "x"; any other param; a constant */
} Plan;

/* Places that lie evenly: place + i·per_step + j·per_item for step i of a group and item j of a list. A stride that is
 * negative wraps around, as size_t does. */
typedef struct Reach {
    size_t place, per_step, per_item;
} Reach;

/* The operands of a group from item `first` on that lie evenly and are of one kind: a loop over j. */
typedef struct Part {
    const Group *group;
    const Step *step; /* the first of the group */
    size_t first, items;
    bool has_b;
    Reach y, a, b, c; /* value, operands, bias */
} Part;

/* False: no memory, and nothing to free. */
bool plan_make(Plan *plan, const Program *program);
void plan_free(Plan *plan);

Part plan_part(const Plan *plan, const Group *group, size_t first);
const Name *plan_name(const Plan *plan, size_t place);
bool plan_is_param(const Plan *plan, size_t place);
bool plan_is_constant(const Plan *plan, size_t place);

/* Whether a function or a constant of the emitted code can have this name. */
bool plan_is_free_name(const char *name);

#endif
