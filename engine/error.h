/* error.h - the two kinds of error, and how each is reported.
 *
 * A usage error (misuse) is a bug in the program that calls the engine: a NULL operand, two graphs in one expression,
 * shapes that do not fit. It stops at the caller's own line: every public function that can be misused is a macro that
 * passes HERE, and the message says file:line, what was wrong, the values, and what to do. The default handler prints
 * and calls abort(), so a debugger stops with the caller's frame a few levels up.
 *
 * An environment error is not a bug in the calling program: no such file, a damaged file, a full disk, no memory. The
 * function returns false (or NULL) and fills in an Error, if it was given one:
 *
 *     Error error;
 *     if (!mlp_load(net, "model.txt", &error))
 *         fprintf(stderr, "%s\n", error.message);
 */
#ifndef STEPGRAD_ERROR_H
#define STEPGRAD_ERROR_H

#ifdef __cplusplus
#error "stepgrad is C11: compile this file with a C compiler, and link its object into your C++ program"
#include "the compilation ends here" /* in place of hundreds of errors that follow from this one */
#endif

#include <stdbool.h>
#include <stddef.h>

#if defined(__GNUC__)
#define PRINTF_LIKE(format_index, first_argument) __attribute__((format(printf, format_index, first_argument)))
#define NOINLINE __attribute__((noinline))                  /* a function that a breakpoint must find */
#define ALWAYS_INLINE inline __attribute__((always_inline)) /* a loop that the compiler fits to its arguments */
#else
#define PRINTF_LIKE(format_index, first_argument)
#define NOINLINE
#define ALWAYS_INLINE inline
#endif

/* What went wrong with a file, the disk or memory, as one line for a person to read. */
typedef struct Error {
    char message[512];
} Error;

/* Write a printf-style message into `error` (which may be NULL). Always returns false, so that a function can end
 * with `return error_set(error, "...")`. */
bool error_set(Error *error, const char *format, ...) PRINTF_LIKE(2, 3);

/* A location in the caller's source. */
typedef struct Where {
    const char *file;
    int line;
} Where;

#define HERE ((Where){__FILE__, __LINE__})

/* Called with the caller's location and the message. It may leave by longjmp() or by ending the process; if it returns,
 * the engine aborts, since it has no value to continue with. */
typedef void MisuseHandler(Where where, const char *message);

/* Replace the handler for the whole process (NULL restores the one that prints and aborts); returns the old one.
 * Call it before threads start: this is the one setting that graphs share. */
MisuseHandler *misuse_set_handler(MisuseHandler *handler);

/* Report a usage error at `where` with a printf-style message. Does not return. */
_Noreturn void misuse(Where where, const char *format, ...) PRINTF_LIKE(2, 3);

/* Report a usage error if `pointer` is NULL: "WHAT is NULL. REMEDY" */
static inline void misuse_if_null(const void *pointer, const char *what, const char *remedy, Where where)
{
    if (pointer == NULL)
        misuse(where, "%s is NULL. %s", what, remedy);
}

#endif
