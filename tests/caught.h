/* caught.h - Run a statement that must be misuse, and look at what the engine said.
 *
 *     MUST_BE_MISUSE(v_add(x, NULL), "add", "NULL");
 *
 * fails the test unless the statement stops at this very line of this file with a message that holds each of the words
 * (in any case of letters). The statement is left by longjmp, so change no local variable in it.
 */
#ifndef STEPGRAD_TESTS_CAUGHT_H
#define STEPGRAD_TESTS_CAUGHT_H

#include <criterion/criterion.h>
#include <ctype.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include "error.h"

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wclobbered" /* at -O0 it is wary of the places that the statements themselves pass */
#endif

static jmp_buf caught_return;
static bool caught_misuse;
static Where caught_where;
static char caught_message[1024];

static void catch_misuse(Where where, const char *message)
{
    caught_misuse = true;
    caught_where = where;
    snprintf(caught_message, sizeof caught_message, "%s", message);
    longjmp(caught_return, 1);
}

static inline bool starts_with_word(const char *text, const char *word)
{
    for (; *word != '\0'; text++, word++)
        if (tolower((unsigned char)*text) != tolower((unsigned char)*word))
            return false;
    return true;
}

static inline bool message_has(const char *word)
{
    for (const char *at = caught_message; *at != '\0'; at++)
        if (starts_with_word(at, word))
            return true;
    return false;
}

/* The words are a list that ends with NULL. */
static inline void check_caught(const char *statement, const char *file, int line, const char *const *words)
{
    cr_assert(caught_misuse, "line %d: %s was accepted, want misuse", line, statement);
    cr_expect(strcmp(caught_where.file, file) == 0 && caught_where.line == line, "%s was reported at %s:%d, want %s:%d",
              statement, caught_where.file, caught_where.line, file, line);
    for (; *words != NULL; words++)
        cr_expect(message_has(*words), "line %d: %s: the message says nothing of \"%s\": %s", line, statement, *words,
                  caught_message);
}

#define MUST_BE_MISUSE(statement, ...)                                                                                 \
    do {                                                                                                               \
        caught_misuse = false;                                                                                         \
        MisuseHandler *const handler_before = misuse_set_handler(catch_misuse);                                        \
        if (setjmp(caught_return) == 0)                                                                                \
            (void)(statement);                                                                                         \
        misuse_set_handler(handler_before);                                                                            \
        check_caught(#statement, __FILE__, __LINE__, (const char *const[]){__VA_ARGS__, NULL});                        \
    } while (0)

#endif
