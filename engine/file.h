/* file.h - write a file atomically: readers see all of it or the old one, and a failure leaves the old one as it was.
 * file_read, below, reads a whole file.
 *
 *     SafeFile safe;
 *     FILE *out = file_begin(&safe, "model.txt", error);
 *     if (out == NULL)
 *         return false;
 *     fprintf(out, ...);                     // no need to check each write: file_commit does
 *     return file_commit(&safe, error);      // or file_abandon(&safe) to drop what was written
 *
 * What is written goes to PATH.stepgrad.tmp beside PATH, and takes the name PATH when all of it has reached the disk,
 * and so has the folder that holds the name. What becomes of the file that had the name:
 * - Its permissions pass to the new one, and a write-protected file is not replaced.
 * - A link stays a link: the file that it leads to is replaced, or made if there is none yet.
 * - Its other names, if it has hard links, keep the old text: only PATH leads to the new one.
 * What is not a regular file, such as a pipe or /dev/full, cannot be replaced and is written directly; "-" and
 * /dev/stdout are the program's own standard output.
 *
 * A program that dies while it writes leaves its unfinished file behind. Each writer holds a lock (flock) on its
 * unfinished file, which ends with the program, so the next file_begin for the same PATH removes those that nobody
 * holds, and never one that is being written. Where the disk knows no locks, none are removed.
 */
#ifndef STEPGRAD_FILE_H
#define STEPGRAD_FILE_H

#include <stdbool.h>
#include <stdio.h>

#include "error.h"

/* A file being written. Valid between file_begin and file_commit or file_abandon. */
typedef struct SafeFile {
    FILE *out;        /* what file_begin returned; NULL when no write is under way. It has no fileno */
    char *target;     /* the file to replace: PATH, or where that link leads */
    char *unfinished; /* PATH.stepgrad.tmp; NULL when written directly */
    int descriptor;   /* where `out` writes to */
    int code;         /* the errno of the first write that failed, else 0 */
    bool is_output;   /* standard output, which stays open */
} SafeFile;

/* Begin to write `path`; the stream is the SafeFile's own: do not close it, and leave the SafeFile where it is. NULL,
 * with nothing left to undo, when there is no such folder, no permission or no memory. If somebody else is writing the
 * same file, the next free name is used, PATH.stepgrad.tmp2 and so on, and the one that is finished last stays. It is a
 * usage error to pass NULL. */
#define file_begin(safe, path, error) file_begin_at(safe, path, error, HERE)
FILE *file_begin_at(SafeFile *safe, const char *path, Error *error, Where where);

/* Finish: false when anything written since file_begin was lost (a full disk, say). Then the unfinished file is removed
 * and an older file at PATH is as it was. Either way nothing is left to free. It is a usage error if nothing is being
 * written. */
#define file_commit(safe, error) file_commit_at(safe, error, HERE)
bool file_commit_at(SafeFile *safe, Error *error, Where where);

/* Give up: remove what was written. Does nothing after a file_begin that failed. */
void file_abandon(SafeFile *safe);

/* Remove the unfinished files of all writes under way, for a program that must end at once: safe to call in a signal
 * handler. After it, end the program. (Of more than 256 files open at a time, the last ones are not known here.) */
void file_remove_unfinished(void);

/* Did all that was printed to standard output arrive? False, and the reason in `error`, if not. */
bool file_flush_output(Error *error);

/* fopen to read bytes, and getc, which go on when a signal handler runs while they wait. */
FILE *file_open(const char *path);
int file_next(FILE *in);

/* All of the file, *bytes bytes and a NUL behind them, which the caller frees with memory_free; "-" is standard input.
 * Reading ends soon after `most` bytes, and after a NUL in the file, since a device may have no end. NULL, and the
 * reason in `error`, when it cannot be opened or read, another program changes it meanwhile or there is no memory. It
 * is a usage error if the path is NULL.
 */
#define file_read(path, most, bytes, error) file_read_at(path, most, bytes, error, HERE)
char *file_read_at(const char *path, size_t most, size_t *bytes, Error *error, Where where);

#endif
