/* file.h - write a file atomically: readers see all of it or the old one, and a failure leaves the old one as it was.
 * file_read_all, below, reads a whole file.
 *
 *     SafeFile safe;
 *     FILE *out = file_begin(&safe, "model.txt", error);
 *     if (out == NULL)
 *         return false;
 *     fprintf(out, ...);                     // no need to check each write: file_commit does
 *     return file_commit(&safe, error);      // or file_abandon(&safe) to drop what was written
 *
 * What is written goes to PATH.tmp beside PATH, and takes the name PATH when all of it has reached the disk. A link
 * stays a link (the file that it leads to is replaced), and a replaced file's permissions stay.
 * What is not a regular file, such as a pipe or /dev/full, cannot be replaced and is written directly; "-" and
 * /dev/stdout are the program's own standard output.
 */
#ifndef STEPGRAD_FILE_H
#define STEPGRAD_FILE_H

#include <stdbool.h>
#include <stdio.h>

#include "error.h"

/* A file being written. Valid between file_begin and file_commit or file_abandon. */
typedef struct SafeFile {
    FILE *out;        /* what file_begin returned; NULL when no write is under way */
    char *target;     /* the file to replace: PATH, or where that link leads */
    char *unfinished; /* PATH.tmp; NULL when written directly */
} SafeFile;

/* Begin to write `path`; the stream is the SafeFile's own: do not close it. NULL, with nothing left to undo, when
 * there is no such folder, no permission or no memory. If PATH.tmp exists it is left alone: PATH.tmp2 is used. */
FILE *file_begin(SafeFile *safe, const char *path, Error *error);

/* Finish: false when anything written since file_begin was lost (a full disk, say). Then the unfinished file is removed
 * and an older file at PATH is as it was. Either way nothing is left to free. */
bool file_commit(SafeFile *safe, Error *error);

/* Give up: remove what was written. Does nothing after a file_begin that failed. */
void file_abandon(SafeFile *safe);

/* All of the file, *bytes bytes and a NUL behind them, which the caller frees with memory_free; "-" is standard input.
 * Reading ends soon after `most` bytes, and after a NUL in the file, since a device may have no end. NULL, and the
 * reason in `error`, when it cannot be opened or read or there is no memory. */
char *file_read(const char *path, size_t most, size_t *bytes, Error *error);

#endif
