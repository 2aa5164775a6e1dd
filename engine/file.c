/* file.c - the new text goes to a file beside the old one, which is replaced by a rename at the end. */
#define _XOPEN_SOURCE 700 /* realpath, beside POSIX 2008 */
#include "file.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"

enum {
    UNFINISHED_MOST = 100, /* most unfinished files, live or left by crashed programs, beside one target */
    SUFFIX_BYTES = 16      /* ".tmp99" and more */
};

static const char *remedy(int code)
{
    switch (code) {
    case ENOENT:
    case ENOTDIR: return "Make the folder first, or correct the name.";
    case EACCES:
    case EPERM:
    case EROFS: return "Ask for permission to write there, or choose another place.";
    case EISDIR: return "Give the name of a file in it.";
    case ENOSPC:
    case EDQUOT:
    case EFBIG: return "Make room there, and run again.";
    case EEXIST: return "Remove the unfinished files *.tmp* beside it.";
    case ENOMEM: return "There is no memory left: close other programs, or work on less at once.";
    default: return "Choose another place, or run again.";
    }
}

/* The path may be longer than a message: the reason must still fit. */
static bool fail(Error *error, const char *path, int code)
{
    return error_set(error, "%.320s: cannot write: %s. %s", path, code != 0 ? strerror(code) : "output was lost",
                     remedy(code));
}

static bool is_standard_output(const char *path) { return strcmp(path, "-") == 0 || strcmp(path, "/dev/stdout") == 0; }

/* Can a new file take this path's name? A name in /dev may lead to a regular file (/dev/stderr > log) that another
 * stream is writing to as well. */
static bool is_replaceable(const char *path)
{
    struct stat status;
    if (strncmp(path, "/dev/", strlen("/dev/")) == 0)
        return false;
    return stat(path, &status) != 0 || S_ISREG(status.st_mode);
}

static void release(SafeFile *safe)
{
    memory_free(safe->target);
    memory_free(safe->unfinished);
    *safe = (SafeFile){0};
}

/* Open PATH.tmp, or the first of PATH.tmp2, PATH.tmp3 ... that does not exist ("x"), so that two programs that write
 * the same file do not mix, and nobody's file is lost. */
static FILE *open_unfinished(SafeFile *safe)
{
    const size_t room = strlen(safe->target) + SUFFIX_BYTES;
    safe->unfinished = memory_alloc(room);
    if (safe->unfinished == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    snprintf(safe->unfinished, room, "%s.tmp", safe->target);
    FILE *out = fopen(safe->unfinished, "wx");
    for (int i = 2; out == NULL && errno == EEXIST && i < UNFINISHED_MOST; i++) {
        snprintf(safe->unfinished, room, "%s.tmp%d", safe->target, i);
        out = fopen(safe->unfinished, "wx");
    }
    return out;
}

/* With the permissions of the file that it will replace; a write-protected file stays protected. */
static FILE *open_replacement(SafeFile *safe)
{
    struct stat old;
    const bool exists = stat(safe->target, &old) == 0;
    if (exists && access(safe->target, W_OK) != 0)
        return NULL;
    FILE *out = open_unfinished(safe);
    if (out != NULL && exists)
        (void)fchmod(fileno(out), old.st_mode & 0777); /* a disk without permissions is no reason to fail */
    return out;
}

FILE *file_begin(SafeFile *safe, const char *path, Error *error)
{
    char followed[PATH_MAX];
    *safe = (SafeFile){0};
    const bool replaceable = !is_standard_output(path) && is_replaceable(path);
    const char *target = replaceable && realpath(path, followed) != NULL ? followed : path;
    safe->target = memory_copy_text(target);
    if (safe->target == NULL)
        errno = ENOMEM;
    else if (is_standard_output(path))
        safe->out = stdout;
    else if (replaceable)
        safe->out = open_replacement(safe);
    else
        safe->out = fopen(path, "w");
    if (safe->out == NULL) {
        fail(error, path, errno);
        release(safe);
        return NULL;
    }
    return safe->out;
}

/* Did everything written reach the disk? Closes the stream, except for standard output. Returns 0, or an errno, or
 * -1 for an earlier write that failed and left none. */
static int finish_stream(SafeFile *safe)
{
    int code = 0;
    errno = 0;
    if (fflush(safe->out) != 0)
        code = errno;
    else if (ferror(safe->out))
        code = -1;
    else if (safe->unfinished != NULL && fsync(fileno(safe->out)) != 0)
        code = errno;
    if (safe->out != stdout && fclose(safe->out) != 0 && code == 0)
        code = errno;
    return code;
}

bool file_commit(SafeFile *safe, Error *error)
{
    int code = finish_stream(safe);
    if (code == 0 && safe->unfinished != NULL && rename(safe->unfinished, safe->target) != 0)
        code = errno;
    if (code != 0) {
        fail(error, safe->target, code > 0 ? code : 0);
        if (safe->unfinished != NULL)
            remove(safe->unfinished);
    }
    release(safe);
    return code == 0;
}

void file_abandon(SafeFile *safe)
{
    if (safe->out == NULL)
        return;
    if (safe->out != stdout)
        fclose(safe->out);
    if (safe->unfinished != NULL)
        remove(safe->unfinished);
    release(safe);
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
        more = got > 0 && memchr(text + *bytes, '\0', got) == NULL && *bytes + got <= most;
        *bytes += got;
        text[*bytes] = '\0';
    }
    return text;
}

char *file_read(const char *path, size_t most, size_t *bytes, Error *error)
{
    const bool is_input = strcmp(path, "-") == 0;
    FILE *in = is_input ? stdin : fopen(path, "rb");
    char *text = in != NULL ? read_stream(in, most, bytes) : NULL;
    if (in == NULL || (text != NULL && ferror(in))) {
        error_set(error, "%.320s: cannot be read: %s. Check the path.", path, strerror(errno));
        memory_free(text);
        text = NULL;
    } else if (text == NULL) {
        error_set(error, "%.320s: no memory for a file of more than %zu bytes. Use a smaller file.", path, *bytes);
    }
    if (in != NULL && !is_input)
        fclose(in);
    return text;
}
