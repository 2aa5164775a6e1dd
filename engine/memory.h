/* memory.h - every allocation of the engine goes through here.
 *
 * So there is a single place to count allocations, and a single place where a test can make the nth one fail:
 *
 *     memory_set_allocator(my_failing_allocator);
 *
 * Any of these may return NULL, which the caller must turn into an error of its own.
 */
#ifndef STEPGRAD_MEMORY_H
#define STEPGRAD_MEMORY_H

#include <stddef.h>

/* `bytes` bytes, uninitialised, aligned to a cache line of 64 bytes; NULL when there is no memory. */
void *memory_alloc(size_t bytes);

/* The same for an array of `count` items of `size` bytes each; NULL also when the product overflows. */
void *memory_alloc_array(size_t count, size_t size);

/* Make room in `list`, of *capacity items of `size` bytes, for `wanted` items. Returns the list, perhaps moved, with
 * *capacity now at least `wanted` (it doubles, so that n appends copy fewer than 2n items); NULL when there is no
 * memory: then `list` stays as it was. `list` may be NULL with *capacity 0. The caller frees it with memory_free.
 *
 *     Point *points = memory_grow(list, count + 1, &capacity, sizeof *list);
 *     if (points == NULL)
 *         return false;
 *     list = points;
 *     list[count++] = point; */
void *memory_grow(void *list, size_t wanted, size_t *capacity, size_t size);

/* Free a block; NULL is allowed. */
void memory_free(void *block);

/* A copy of `text` that the caller frees with memory_free; NULL when there is no memory. */
char *memory_copy_text(const char *text);

/* A copy of texts[0 .. count): the list and what it points to are one block, which the caller frees with memory_free;
 * NULL when there is no memory. */
char **memory_copy_texts(char *const *texts, size_t count);

/* The function behind memory_alloc: returns memory that free() accepts, aligned to 64 bytes, or NULL. */
typedef void *Allocator(size_t bytes);

/* Memory that is kept for later, and memory that is given away. Under AddressSanitizer, reading or writing what is
 * poisoned stops the program, and MEMORY_RED_ZONE poisoned bytes lie behind each allocation in a graph; under
 * MemorySanitizer, what is given away counts as uninitialised. What is MEMORY_UNCHECKED may read all of it. Elsewhere
 * they do nothing. */
#if defined(__has_feature) /* clang's way to say so; gcc's is a macro */
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#if __has_feature(memory_sanitizer)
#define MEMORY_SANITIZER
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define MEMORY_POISON(address, bytes) ASAN_POISON_MEMORY_REGION(address, bytes)
#define MEMORY_UNPOISON(address, bytes) ASAN_UNPOISON_MEMORY_REGION(address, bytes)
#define MEMORY_UNCHECKED __attribute__((no_sanitize("address")))
enum { MEMORY_RED_ZONE = 8 };
#else
#define MEMORY_POISON(address, bytes) ((void)(address), (void)(bytes))
#ifdef MEMORY_SANITIZER
#include <sanitizer/msan_interface.h>
#define MEMORY_UNPOISON(address, bytes) __msan_allocated_memory(address, bytes)
#define MEMORY_UNCHECKED __attribute__((no_sanitize("memory")))
#else
#define MEMORY_UNPOISON(address, bytes) ((void)(address), (void)(bytes))
#define MEMORY_UNCHECKED
#endif
enum { MEMORY_RED_ZONE = 0 };
#endif

/* Replace the allocator for the whole process (NULL restores the standard one); returns the old one. For tests. */
Allocator *memory_set_allocator(Allocator *allocator);

#endif
