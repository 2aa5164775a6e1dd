/* file.c - the new text goes to a file beside the old one, which is replaced by a rename at the end. */
#define _DEFAULT_SOURCE /* flock, beside POSIX 2008 */
#define _DARWIN_C_SOURCE
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "memory.h"

enum {
    WRITERS_MOST = 20, /* of one target at a time */
    WRITES_MOST = 256, /* that file_remove_unfinished knows of */
    LINKS_MOST = 40,   /* in a chain, as in Linux */
    SUFFIX_BYTES = 32  /* ".stepgrad.tmp20" and more */
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
    case EEXIST: return "Remove the unfinished files *.stepgrad.tmp* beside it.";
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

/* ---- the end by a signal ----------------------------------------------------------------------------------------- */

/* The names of unfinished files, each in the slot of its file descriptor: no two writes have the same one, so that
 * threads need no lock, which a signal handler could not wait for. */
static const char *volatile unfinished_names[WRITES_MOST];

static void remember_unfinished(int descriptor, const char *name)
{
    if (descriptor < WRITES_MOST)
        unfinished_names[descriptor] = name;
}

void file_remove_unfinished(void)
{
    for (size_t i = 0; i < WRITES_MOST; i++)
        if (unfinished_names[i] != NULL)
            unlink(unfinished_names[i]);
}

/* Until sigprocmask(SIG_SETMASK, before, NULL): a signal handler must not run between a change on the disk and the one
 * in unfinished_names. */
static void hold_signals(sigset_t *before)
{
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, before);
}

/* ---- the unfinished file ----------------------------------------------------------------------------------------- */

static bool is_named(int descriptor, const char *name)
{
    struct stat open_file, named;
    return fstat(descriptor, &open_file) == 0 && lstat(name, &named) == 0 && open_file.st_dev == named.st_dev &&
           open_file.st_ino == named.st_ino;
}

/* Remove an unfinished file whose writer is dead. While we hold the lock, no other program gives the name away. */
static void remove_stale(const char *name)
{
    const int descriptor = open(name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (descriptor < 0)
        return;
    if (flock(descriptor, LOCK_EX | LOCK_NB) == 0 && is_named(descriptor, name))
        unlink(name);
    close(descriptor);
}

/* A new file that is locked; -1 and errno. Another program may take it for a stale one before it is locked: then the
 * name is gone, and it is made again. */
static int create_locked(const char *name)
{
    for (;;) {
        const int descriptor = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (descriptor < 0)
            return -1;
        while (flock(descriptor, LOCK_EX) != 0 && errno == EINTR)
            ;
        if (is_named(descriptor, name))
            return descriptor;
        close(descriptor);
    }
}

/* Clean all the names that unfinished files can have, and take the first free one. Returns a descriptor, or -1 and
 * errno. */
static int take_unfinished_name(SafeFile *safe, size_t room)
{
    int descriptor = -1, code = EEXIST;
    char *name = safe->unfinished;
    for (int i = WRITERS_MOST; i > 0; i--) {
        snprintf(name, room, i > 1 ? "%s.stepgrad.tmp%d" : "%s.stepgrad.tmp", safe->target, i);
        remove_stale(name);
    }
    for (int i = 1; descriptor < 0 && code == EEXIST && i <= WRITERS_MOST; i++) {
        snprintf(name, room, i > 1 ? "%s.stepgrad.tmp%d" : "%s.stepgrad.tmp", safe->target, i);
        descriptor = create_locked(name);
        code = errno;
    }
    errno = code;
    return descriptor;
}

/* NULL and errno when it cannot be made. */
static FILE *open_unfinished(SafeFile *safe)
{
    sigset_t before;
    const size_t room = strlen(safe->target) + SUFFIX_BYTES;
    safe->unfinished = memory_alloc(room);
    if (safe->unfinished == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    hold_signals(&before);
    const int descriptor = take_unfinished_name(safe, room);
    FILE *out = descriptor >= 0 ? fdopen(descriptor, "w") : NULL;
    if (out != NULL) {
        remember_unfinished(descriptor, safe->unfinished);
    } else if (descriptor >= 0) {
        unlink(safe->unfinished);
        close(descriptor);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    return out;
}

/* The unfinished file takes the target's name (keep), or goes. Returns 0 or an errno. */
static int end_unfinished(SafeFile *safe, bool keep)
{
    sigset_t before;
    int code = 0;
    hold_signals(&before);
    if (keep && rename(safe->unfinished, safe->target) != 0)
        code = errno;
    if (!keep || code != 0)
        unlink(safe->unfinished);
    remember_unfinished(fileno(safe->out), NULL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return code;
}

/* ---- beginning --------------------------------------------------------------------------------------------------- */

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

/* Where the link `path`, or a chain of them, leads, whether there is a file or not; `path` itself if it is no link.
 * False and errno. (realpath would want a file at the end.) */
static bool follow_links(const char *path, char target[PATH_MAX])
{
    char link[PATH_MAX];
    size_t folder = 0, length = strlen(path); /* of the text before the last name, and of all that is added to it */
    const char *next = path;
    for (int i = 0; i < LINKS_MOST; i++) {
        if (folder + length >= PATH_MAX) {
            errno = ENAMETOOLONG;
            return false;
        }
        memcpy(target + folder, next, length);
        target[folder + length] = '\0';
        const ssize_t got = readlink(target, link, sizeof link);
        if (got < 0)
            return true;
        const char *slash = strrchr(target, '/');
        folder = link[0] == '/' || slash == NULL ? 0 : (size_t)(slash - target) + 1;
        length = (size_t)got;
        next = link;
    }
    errno = ELOOP;
    return false;
}

/* NULL and errno. */
static FILE *open_target(SafeFile *safe, const char *path)
{
    char followed[PATH_MAX];
    const bool replaceable = !is_standard_output(path) && is_replaceable(path);
    if (replaceable && !follow_links(path, followed))
        return NULL;
    safe->target = memory_copy_text(replaceable ? followed : path);
    if (safe->target == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    if (replaceable)
        return open_replacement(safe);
    return is_standard_output(path) ? stdout : fopen(path, "w");
}

FILE *file_begin_at(SafeFile *safe, const char *path, Error *error, Where where)
{
    if (safe == NULL || path == NULL)
        misuse(where, "file_begin: the %s is NULL. Pass a file's name.", safe == NULL ? "SafeFile" : "path");
    *safe = (SafeFile){0};
    safe->out = open_target(safe, path);
    if (safe->out == NULL) {
        fail(error, path, errno);
        release(safe);
    }
    return safe->out;
}

/* ---- ending ------------------------------------------------------------------------------------------------------ */

/* Did everything written reach the disk? Returns 0, or an errno, or -1 for an earlier write that failed and left none.
 */
static int flush_stream(SafeFile *safe)
{
    errno = 0;
    if (fflush(safe->out) != 0)
        return errno;
    if (ferror(safe->out))
        return -1;
    return safe->unfinished != NULL && fsync(fileno(safe->out)) != 0 ? errno : 0;
}

/* A new name is safe from a power cut once the folder is on the disk as well. Some disks cannot do that, which is no
 * reason to fail: the file is in its place. */
static void sync_folder(char *target)
{
    char *slash = strrchr(target, '/');
    const char *folder = slash == NULL ? "." : slash == target ? "/" : target;
    if (slash != NULL && slash != target)
        *slash = '\0';
    const int descriptor = open(folder, O_RDONLY | O_CLOEXEC);
    if (descriptor >= 0) {
        (void)fsync(descriptor);
        close(descriptor);
    }
}

/* The stream stays open until the file has its name: closing it ends the lock. */
bool file_commit_at(SafeFile *safe, Error *error, Where where)
{
    if (safe == NULL || safe->out == NULL)
        misuse(where, "file_commit: nothing is being written. Call it once, after a file_begin that did not fail.");
    int code = flush_stream(safe);
    if (safe->unfinished != NULL) {
        const int renaming = end_unfinished(safe, code == 0);
        code = code == 0 ? renaming : code;
    }
    const bool direct = safe->unfinished == NULL && safe->out != stdout;
    if (safe->out != stdout && fclose(safe->out) != 0 && direct && code == 0)
        code = errno;
    if (code != 0)
        fail(error, safe->target, code > 0 ? code : 0);
    else if (safe->unfinished != NULL)
        sync_folder(safe->target);
    release(safe);
    return code == 0;
}

void file_abandon(SafeFile *safe)
{
    if (safe->out == NULL)
        return;
    if (safe->unfinished != NULL)
        end_unfinished(safe, false);
    if (safe->out != stdout)
        fclose(safe->out);
    release(safe);
}

/* ---- reading ----------------------------------------------------------------------------------------------------- */

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

char *file_read_at(const char *path, size_t most, size_t *bytes, Error *error, Where where)
{
    if (path == NULL || bytes == NULL)
        misuse(where, "file_read: %s is NULL. Pass a file's name.", path == NULL ? "the path" : "`bytes`");
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
