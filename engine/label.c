/* label.c - the name of a node, kept beside it in the graph. */
#include <string.h>

#include "graph.h"

/* A label, and the room that it has. When its node takes another label, or none, the room waits in a list of the block
 * for a label that fits there. */
typedef struct LabelRoom {
    const Value *owner; /* NULL in the list */
    uint32_t bytes;     /* of text, or UINT32_MAX if they are more */
    uint32_t next;      /* in the list */
    char text[];
} LabelRoom;

/* The place of a room in its block: so many bytes before the end. 0 is no room. */
static size_t place_of(const Block *block, const char *label)
{
    return (size_t)(block->end - label) + sizeof(LabelRoom);
}

static LabelRoom *room_at(const Block *block, size_t place) { return (LabelRoom *)(block->end - place); }

/* Whether the label lies in a block, with what stands before its text. */
static bool is_in(const Block *block, const char *label)
{
    const uintptr_t at = (uintptr_t)label;
    return at >= (uintptr_t)block->back + sizeof(LabelRoom) && at < (uintptr_t)block->end;
}

/* Labels lie where graph_alloc_with puts them: in the node's own block, and in the empty ones before it. */
static Block *block_before(const Block *block)
{
    Block *older = block->older;
    return older != NULL && older->node_count == 0 ? older : NULL;
}

/* Where v's label lies. NULL if there is none, or a text that did not come from v_label, or came to another node. */
static Block *block_of_label(const Value *v)
{
    Block *block = v->block;
    while (block != NULL && !is_in(block, v->label))
        block = block_before(block);
    return block != NULL && room_at(block, place_of(block, v->label))->owner == v ? block : NULL;
}

static void take_label_away(Value *v)
{
    Block *block = block_of_label(v);
    const size_t place = block != NULL ? place_of(block, v->label) : SIZE_MAX;
    if (place <= UINT32_MAX) { /* not in a block of gigabytes, where the room is given up */
        *room_at(block, place) = (LabelRoom){NULL, room_at(block, place)->bytes, block->free_labels};
        block->free_labels = (uint32_t)place;
    }
    v->label = NULL;
}

static LabelRoom *room_from_list(const Value *v, size_t bytes)
{
    for (Block *block = v->block; block != NULL; block = block_before(block))
        for (uint32_t *place = &block->free_labels; *place != 0; place = &room_at(block, *place)->next) {
            LabelRoom *room = room_at(block, *place);
            if (room->bytes >= bytes) {
                *place = room->next;
                return room;
            }
        }
    return NULL;
}

/* Twice what a second label needs, so that labels which grow take new room only a few times. */
static LabelRoom *room_new(Value *v, size_t bytes)
{
    const size_t size = v->label == NULL ? bytes : 2 * bytes;
    LabelRoom *room = graph_alloc_with(v, sizeof *room + size);
    if (room != NULL)
        room->bytes = size < UINT32_MAX ? (uint32_t)size : UINT32_MAX;
    return room;
}

Value *value_label(Value *v, const char *text, Where where)
{
    value_check(v, NULL, "v_label: the node", where);
    if (v->op == OP_FAILED)
        return v;
    if (text == NULL) {
        take_label_away(v);
        return v;
    }
    const size_t bytes = strlen(text) + 1;
    const Block *block = block_of_label(v);
    LabelRoom *room = block != NULL ? room_at(block, place_of(block, v->label)) : NULL;
    if (room == NULL || room->bytes < bytes) {
        room = room_from_list(v, bytes);
        room = room != NULL ? room : room_new(v, bytes);
        if (room == NULL)
            return graph_fail(v->block->graph); /* with the label that it has */
        take_label_away(v);
        room->owner = v;
    }
    v->label = memmove(room->text, text, bytes); /* it may be a part of the old label */
    return v;
}
