/* no_memory.h - memory that runs out where a test wants it to, and is counted.
 *
 *     memory_lasts(3);                    the next three allocations succeed, and none after them
 *     bool ok = work();
 *     memory_restore();                   back to normal
 */
#ifndef STEPGRAD_NO_MEMORY_H
#define STEPGRAD_NO_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "memory.h"

static Allocator *standard_allocator;
static size_t allocations; /* asked for since memory_lasts */
static size_t allocations_left;
static bool only_one_fails, one_has_failed;

static inline void *limited_allocator(size_t bytes)
{
    allocations++;
    if (allocations_left-- > 0)
        return standard_allocator(bytes);
    one_has_failed = true;
    allocations_left = only_one_fails ? SIZE_MAX : 0;
    return NULL;
}

/* The next `count` allocations succeed (SIZE_MAX: all, which are only counted), and none after them. */
static inline void memory_lasts(size_t count)
{
    memory_set_allocator(NULL);
    standard_allocator = memory_set_allocator(limited_allocator);
    allocations = 0;
    allocations_left = count;
    only_one_fails = one_has_failed = false;
}

/* The next `count` allocations succeed, one fails, and those after it succeed. */
static inline void memory_fails_once(size_t count)
{
    memory_lasts(count);
    only_one_fails = true;
}

/* Released nodes are used again by the next step; in the debug build only when 256 MB more have been released
 * (engine/graph.c), which it takes this many steps to do that release `bytes` each. */
static inline int steps_in_quarantine(size_t bytes)
{
#ifdef STEPGRAD_DEBUG
    return (int)(256 * 1024 * 1024 / bytes) + 1;
#else
    (void)bytes;
    return 0;
#endif
}

/* Back to normal; true when an allocation failed. */
static inline bool memory_restore(void)
{
    memory_set_allocator(NULL);
    return one_has_failed;
}

#endif
