/* source.h - where a function stands in a C file. */
#ifndef LAB_SOURCE_H
#define LAB_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

/* The definition of a function: text[begin] is the first character of what it returns, text[end] comes after its last
 * brace, and its name is in `line`, counted from 1. */
typedef struct Definition {
    size_t begin, end;
    int line;
} Definition;

/* False where there is none: comments, strings, prototypes and calls do not count. */
bool source_find(const char *text, const char *function, Definition *found);

/* All of a file, '\0' behind it, to be freed. NULL, and errno, where it cannot be read. */
char *source_read(const char *path);

#endif
