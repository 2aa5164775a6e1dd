/* file.c - the new text goes to a file beside the old one, which is replaced by a rename at the end. */
#define _GNU_SOURCE /* flock and fopencookie, beside POSIX 2008 */
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

static bool is_standard_output(const char *path) { return strcmp(path, "-") == 0 || strcmp(path, "/dev/stdout") == 0; }

/* The path may be longer than a message: the reason must still fit. */
static bool fail(Error *error, const char *path, int code)
{
    return error_set(error, "%.320s: cannot write: %s. %s", is_standard_output(path) ? "standard output" : path,
                     strerror(code), remedy(code));
}

/* A name in /dev may lead to a regular file (/dev/stderr > log) that another stream is writing to as well; but /dev/shm
 * is a disk in memory. */
static bool is_device(const char *path)
{
    return strncmp(path, "/dev/", strlen("/dev/")) == 0 && strncmp(path, "/dev/shm/", strlen("/dev/shm/")) != 0;
}

/* Can a new file take this path's name? */
static bool is_replaceable(const char *path, bool exists, mode_t mode)
{
    return !is_standard_output(path) && !is_device(path) && (!exists || S_ISREG(mode));
}

/* A signal handler may run while it waits, for the other end of a pipe or for a disk far away: then again. */
static int open_patiently(const char *path, int flags)
{
    int descriptor;
    do
        descriptor = open(path, flags | O_CLOEXEC, 0666);
    while (descriptor < 0 && errno == EINTR);
    return descriptor;
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

/* 1 or 0; -1 and errno when the disk does not say. */
static int is_named(int descriptor, const char *name)
{
    struct stat open_file, named;
    if (fstat(descriptor, &open_file) != 0)
        return -1;
    if (lstat(name, &named) != 0)
        return errno == ENOENT ? 0 : -1;
    return open_file.st_dev == named.st_dev && open_file.st_ino == named.st_ino;
}

/* Remove an unfinished file whose writer is dead. While we hold the lock, no other program gives the name away. */
static void remove_stale(const char *name)
{
    const int descriptor = open_patiently(name, O_WRONLY | O_NOFOLLOW | O_NONBLOCK);
    if (descriptor < 0)
        return;
    if (flock(descriptor, LOCK_EX | LOCK_NB) == 0 && is_named(descriptor, name) == 1)
        unlink(name);
    close(descriptor);
}

/* Returns -1 and the errno that was. */
static int drop(int descriptor, const char *name)
{
    const int code = errno;
    unlink(name);
    close(descriptor);
    errno = code;
    return -1;
}

/* A new file that is locked; -1 and errno. Another program may take it for a stale one before it is locked: then the
 * name is gone, and it is made again. */
static int create_locked(const char *name)
{
    for (;;) {
        const int descriptor = open_patiently(name, O_WRONLY | O_CREAT | O_EXCL);
        if (descriptor < 0)
            return -1;
        while (flock(descriptor, LOCK_EX) != 0 && errno == EINTR)
            ;
        const int named = is_named(descriptor, name);
        if (named != 0)
            return named > 0 ? descriptor : drop(descriptor, name);
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

/* With the permissions of the file that it will replace, if there is one. False and errno. A disk without permissions
 * refuses to set them, and has the same for all. */
static bool take_permissions(int descriptor, const struct stat *old)
{
    struct stat now;
    const mode_t mode = old->st_mode & 0777;
    if (fchmod(descriptor, mode) == 0)
        return true;
    const int code = errno;
    const bool same = fstat(descriptor, &now) == 0 && (now.st_mode & 0777) == mode;
    errno = code;
    return same;
}

/* `old` is the file to replace, or NULL. False and errno when the new one cannot be made. */
static bool open_unfinished(SafeFile *safe, const struct stat *old)
{
    sigset_t before;
    const size_t room = strlen(safe->target) + SUFFIX_BYTES;
    safe->unfinished = memory_alloc(room);
    if (safe->unfinished == NULL) {
        errno = ENOMEM;
        return false;
    }
    hold_signals(&before);
    int descriptor = take_unfinished_name(safe, room);
    if (descriptor >= 0 && old != NULL && !take_permissions(descriptor, old))
        descriptor = drop(descriptor, safe->unfinished);
    if (descriptor >= 0)
        remember_unfinished(descriptor, safe->unfinished);
    safe->descriptor = descriptor;
    sigprocmask(SIG_SETMASK, &before, NULL);
    return descriptor >= 0;
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
    remember_unfinished(safe->descriptor, NULL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return code;
}

/* ---- beginning --------------------------------------------------------------------------------------------------- */

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
            return errno == EINVAL || errno == ENOENT; /* it is no link, or it is not there */
        const char *slash = strrchr(target, '/');
        folder = link[0] == '/' || slash == NULL ? 0 : (size_t)(slash - target) + 1;
        length = (size_t)got;
        next = link;
    }
    errno = ELOOP;
    return false;
}

/* A write-protected file stays protected. False and errno. */
static bool open_target(SafeFile *safe, const char *path)
{
    char followed[PATH_MAX];
    struct stat old = {0};
    const bool exists = stat(path, &old) == 0;
    if (!exists && errno != ENOENT && !is_standard_output(path))
        return false;
    const bool replaceable = is_replaceable(path, exists, old.st_mode);
    if (replaceable && !follow_links(path, followed))
        return false;
    safe->target = memory_copy_text(replaceable ? followed : path);
    if (safe->target == NULL) {
        errno = ENOMEM;
        return false;
    }
    if (replaceable)
        return (!exists || access(safe->target, W_OK) == 0) && open_unfinished(safe, exists ? &old : NULL);
    safe->is_output = is_standard_output(path);
    safe->descriptor = safe->is_output ? fileno(stdout) : open_patiently(path, O_WRONLY | O_CREAT | O_TRUNC);
    return safe->descriptor >= 0;
}

/* ---- the stream -------------------------------------------------------------------------------------------------- */

#if defined(__linux__) || defined(__CYGWIN__)
typedef ssize_t Written;
typedef size_t Bytes;
#else /* macOS and BSD */
typedef int Written;
typedef int Bytes;
#endif

/* What the stream calls. The C library's own stream would give up when a signal handler runs meanwhile, and not tell
 * later why a write has failed. */
static Written write_all(void *cookie, const char *text, Bytes bytes)
{
    SafeFile *safe = cookie;
    Bytes written = 0;
    while (written < bytes && safe->code == 0) {
        const ssize_t got = write(safe->descriptor, text + written, (size_t)(bytes - written));
        if (got >= 0)
            written += (Bytes)got;
        else if (errno != EINTR)
            safe->code = errno;
    }
    return (Written)written;
}

static FILE *open_stream(SafeFile *safe)
{
#if defined(__linux__) || defined(__CYGWIN__)
    return fopencookie(safe, "w", (cookie_io_functions_t){.write = write_all});
#else
    return funopen(safe, NULL, write_all, NULL, NULL);
#endif
}

/* The file stays open until it has its name: closing it ends the lock. Returns 0 or an errno. */
static int end_writing(SafeFile *safe, bool keep)
{
    int code = safe->unfinished != NULL ? end_unfinished(safe, keep) : 0;
    if (safe->out != NULL)
        fclose(safe->out);
    if (!safe->is_output && close(safe->descriptor) != 0 && safe->unfinished == NULL && errno != EINTR)
        code = errno;
    return code;
}

FILE *file_begin_at(SafeFile *safe, const char *path, Error *error, Where where)
{
    if (safe == NULL || path == NULL)
        misuse(where, "file_begin: the %s is NULL. Pass a file's name.", safe == NULL ? "SafeFile" : "path");
    *safe = (SafeFile){0};
    if (!open_target(safe, path)) {
        fail(error, path, errno);
        release(safe);
        return NULL;
    }
    if (safe->is_output && fflush(stdout) != 0)
        safe->code = errno; /* for file_commit */
    safe->out = open_stream(safe);
    if (safe->out == NULL) {
        fail(error, path, ENOMEM);
        end_writing(safe, false);
        release(safe);
        return NULL;
    }
    return safe->out;
}

/* ---- ending ------------------------------------------------------------------------------------------------------ */

/* Did everything written reach the disk? Returns 0 or an errno. */
static int flush_stream(SafeFile *safe)
{
    if ((fflush(safe->out) != 0 || ferror(safe->out)) && safe->code == 0)
        safe->code = EIO; /* the caller's own doing: the stream has none but this reason */
    while (safe->code == 0 && safe->unfinished != NULL && fsync(safe->descriptor) != 0)
        safe->code = errno != EINTR ? errno : 0;
    return safe->code;
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

bool file_commit_at(SafeFile *safe, Error *error, Where where)
{
    if (safe == NULL || safe->out == NULL)
        misuse(where, "file_commit: nothing is being written. Call it once, after a file_begin that did not fail.");
    int code = flush_stream(safe);
    const int ending = end_writing(safe, code == 0);
    code = code == 0 ? ending : code;
    if (code != 0)
        fail(error, safe->target, code);
    else if (safe->unfinished != NULL)
        sync_folder(safe->target);
    release(safe);
    return code == 0;
}

void file_abandon(SafeFile *safe)
{
    if (safe->out == NULL)
        return;
    end_writing(safe, false);
    release(safe);
}

bool file_flush_output(Error *error)
{
    errno = 0;
    if (fflush(stdout) == 0 && !ferror(stdout))
        return true;
    return error_set(error, "standard output: what was written is lost%s%s", errno != 0 ? ": " : "",
                     errno != 0 ? strerror(errno) : "");
}
