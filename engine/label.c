/* label.c - the name of a node, kept beside it in the graph. */
#include <string.h>

#include "graph.h"

/* A label and the room that it has. It lives as long as its node does; when the node takes another, the room serves the
 * next label in the block. */
typedef struct LabelRoom {
    const Value *owner; /* NULL when it is free */
    struct LabelRoom *next_free;
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
static LabelRoom *room_of_label(Value *v)
{
    Block *block = v->block;
    while (!is_in(block, v->label)) {
        block = block->older;
        if (block == NULL || block->node_count > 0)
            return NULL;
    }
    LabelRoom *room = (LabelRoom *)(block->back + (v->label - block->back) - sizeof(LabelRoom));
    return room->owner == v ? room : NULL;
}

static void take_label_away(Value *v)
{
    LabelRoom *room = room_of_label(v);
    v->label = NULL;
    if (room == NULL)
        return;
    room->owner = NULL;
    room->next_free = v->block->free_labels;
    v->block->free_labels = room;
}

static LabelRoom *room_for_label(Value *v, size_t bytes)
{
    for (LabelRoom **link = &v->block->free_labels; *link != NULL; link = &(*link)->next_free)
        if ((*link)->bytes >= bytes) {
            LabelRoom *room = *link;
            *link = room->next_free;
            return room;
        }
    LabelRoom *room = graph_alloc_with(v, sizeof *room + bytes);
    if (room != NULL)
        room->bytes = bytes;
    return room;
}

Value *value_label(Value *v, const char *text, Where where)
{
    value_check(v, NULL, "v_label: the node", where);
    if (v->op == OP_FAILED)
        return v;
    if (text != NULL && v->label != NULL && strcmp(v->label, text) == 0)
        return v;
    if (text == NULL) {
        take_label_away(v);
        return v;
    }
    const size_t bytes = strlen(text) + 1;
    LabelRoom *old = room_of_label(v), *room = old != NULL && old->bytes >= bytes ? old : room_for_label(v, bytes);
    if (room == NULL)
        return graph_fail(v->block->graph); /* with the label that it has */
    if (room != old)
        take_label_away(v);
    room->owner = v;
    v->label = memmove(room->text, text, bytes); /* it may be a part of the old label */
    return v;
}
