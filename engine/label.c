/* label.c - the name of a node, kept beside it in the graph. */
#include <string.h>

#include "graph.h"

/* A label, and the room that it has: the next label of its node takes the same room if it fits there. */
typedef struct LabelRoom {
    const Value *owner;
    size_t bytes; /* of text */
    char text[];
} LabelRoom;

/* Whether the label lies in a block, with what stands before its text. */
static bool is_in(const Block *block, const char *label)
{
    const uintptr_t at = (uintptr_t)label;
    return at >= (uintptr_t)block->back + sizeof(LabelRoom) && at < (uintptr_t)block->end;
}

/* Where graph_alloc_with put it. NULL for a text that did not come from v_label, or came to another node. */
static LabelRoom *room_of_label(const Value *v)
{
    const Block *block = v->block;
    while (!is_in(block, v->label)) {
        block = block->older;
        if (block == NULL || block->node_count > 0)
            return NULL;
    }
    LabelRoom *room = (LabelRoom *)(block->back + (v->label - block->back) - sizeof(LabelRoom));
    return room->owner == v ? room : NULL;
}

/* Twice what a second label needs, so that labels which grow take new room only a few times. */
static LabelRoom *room_new(Value *v, size_t bytes)
{
    const size_t size = v->label == NULL ? bytes : 2 * bytes;
    LabelRoom *room = graph_alloc_with(v, sizeof *room + size);
    if (room != NULL)
        *room = (LabelRoom){v, size};
    return room;
}

Value *value_label(Value *v, const char *text, Where where)
{
    value_check(v, NULL, "v_label: the node", where);
    if (v->op == OP_FAILED)
        return v;
    if (text == NULL) {
        v->label = NULL;
        return v;
    }
    const size_t bytes = strlen(text) + 1;
    LabelRoom *room = room_of_label(v);
    if (room == NULL || room->bytes < bytes)
        room = room_new(v, bytes);
    if (room == NULL)
        return graph_fail(v->block->graph);      /* with the label that it has */
    v->label = memmove(room->text, text, bytes); /* it may be a part of the old label */
    return v;
}
