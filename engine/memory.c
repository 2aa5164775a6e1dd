/* memory.c - posix_memalign behind a replaceable function; to resize is to allocate, copy and free. */
#define _POSIX_C_SOURCE 200112L /* posix_memalign: aligned_alloc takes only multiples of the alignment on macOS */
#include "memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { CACHE_LINE = 64 };

/* Not a byte more than was asked for, so that AddressSanitizer and valgrind see a write past the end. Nothing is larger
 * than PTRDIFF_MAX: C could not subtract pointers in it. */
static void *standard_allocator(size_t bytes)
{
    void *block = NULL;
    if (bytes > PTRDIFF_MAX || posix_memalign(&block, CACHE_LINE, bytes > 0 ? bytes : 1) != 0)
        return NULL;
    return block;
}

static Allocator *current_allocator = standard_allocator;

Allocator *memory_set_allocator(Allocator *allocator)
{
    Allocator *previous = current_allocator;
    current_allocator = allocator != NULL ? allocator : standard_allocator;
    return previous;
}

void *memory_alloc(size_t bytes) { return current_allocator(bytes); }

void *memory_alloc_array(size_t count, size_t size)
{
    if (size != 0 && count > SIZE_MAX / size)
        return NULL;
    return memory_alloc(count * size);
}

void *memory_grow(void *list, size_t wanted, size_t *capacity, size_t size)
{
    enum { FEWEST = 16 };
    if (wanted <= *capacity && list != NULL)
        return list;
    if (wanted > SIZE_MAX / 2 / size)
        return NULL;
    const size_t doubled = *capacity < FEWEST / 2 ? FEWEST : 2 * *capacity;
    const size_t larger = wanted > doubled ? wanted : doubled;
    void *grown = memory_alloc(larger * size);
    if (grown == NULL)
        return NULL;
    if (list != NULL)
        memcpy(grown, list, *capacity * size);
    memory_free(list);
    *capacity = larger;
    return grown;
}

void memory_free(void *block) { free(block); }

char *memory_copy_text(const char *text)
{
    const size_t bytes = strlen(text) + 1;
    char *copy = memory_alloc(bytes);
    if (copy != NULL)
        memcpy(copy, text, bytes);
    return copy;
}

char **memory_copy_texts(char *const *texts, size_t count)
{
    size_t bytes = count * sizeof *texts;
    for (size_t i = 0; i < count; i++)
        bytes += strlen(texts[i]) + 1;
    char **copy = memory_alloc(bytes);
    if (copy == NULL)
        return NULL;
    char *text = (char *)(copy + count);
    for (size_t i = 0; i < count; i++) {
        copy[i] = strcpy(text, texts[i]);
        text += strlen(text) + 1;
    }
    return copy;
}
