/* file_read.c - files from which a program reads. */
#define _POSIX_C_SOURCE 200809L /* fileno, fstat */
#define _DARWIN_C_SOURCE
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "file.h"
#include "memory.h"

#ifdef __APPLE__
#define st_mtim st_mtimespec
#endif

#define CANNOT_READ "%.320s: cannot be read: %s. Check the path."

FILE *file_open(const char *path)
{
    FILE *in;
    do
        in = fopen(path, "rb");
    while (in == NULL && errno == EINTR);
    return in;
}

/* Whether the last read met a signal handler and no error: then go on. */
static bool was_interrupted(FILE *in)
{
    if (!ferror(in) || errno != EINTR)
        return false;
    clearerr(in);
    return true;
}

int file_next(FILE *in)
{
    int c;
    do
        c = getc(in);
    while (c == EOF && was_interrupted(in));
    return c;
}

/* NULL when there is no memory; a read error ends it too: the caller asks ferror. */
static char *read_stream(FILE *in, size_t most, size_t *bytes)
{
    enum { PIECE = 64 * 1024 };
    char *text = NULL;
    size_t capacity = 0;
    bool more = true;
    for (*bytes = 0; more;) {
        char *larger = memory_grow(text, *bytes + PIECE + 1, &capacity, 1);
        if (larger == NULL) {
            memory_free(text);
            return NULL;
        }
        text = larger;
        const size_t got = fread(text + *bytes, 1, PIECE, in);
        const bool goes_on = was_interrupted(in) || (got > 0 && !ferror(in));
        more = goes_on && memchr(text + *bytes, '\0', got) == NULL && *bytes + got <= most;
        *bytes += got;
        text[*bytes] = '\0';
    }
    return text;
}

/* A regular file that another program wrote to in the meantime may be half the old text and half the new one. */
static bool has_changed(FILE *in, const struct stat *before)
{
    struct stat now;
    return S_ISREG(before->st_mode) && fstat(fileno(in), &now) == 0 &&
           (now.st_size != before->st_size || now.st_mtim.tv_sec != before->st_mtim.tv_sec ||
            now.st_mtim.tv_nsec != before->st_mtim.tv_nsec);
}

/* All that can be wrong but a file that cannot be opened; NULL and the reason then. */
static char *read_open(FILE *in, const char *path, size_t most, size_t *bytes, Error *error)
{
    struct stat before = {0};
    fstat(fileno(in), &before);
    char *text = read_stream(in, most, bytes);
    if (text == NULL) {
        error_set(error, "%.320s: no memory for a file of more than %zu bytes. Use a smaller file.", path, *bytes);
        return NULL;
    }
    if (ferror(in))
        error_set(error, CANNOT_READ, path, strerror(errno));
    else if (has_changed(in, &before))
        error_set(error, "%.320s: changed while it was read. Read it again when no other program writes it.", path);
    else
        return text;
    memory_free(text);
    return NULL;
}

char *file_read_at(const char *path, size_t most, size_t *bytes, Error *error, Where where)
{
    if (path == NULL || bytes == NULL)
        misuse(where, "file_read: %s is NULL. Pass a file's name.", path == NULL ? "the path" : "`bytes`");
    const bool is_input = strcmp(path, "-") == 0;
    FILE *in = is_input ? stdin : file_open(path);
    if (in == NULL) {
        error_set(error, CANNOT_READ, path, strerror(errno));
        return NULL;
    }
    char *text = read_open(in, path, most, bytes, error);
    if (!is_input)
        fclose(in);
    return text;
}
