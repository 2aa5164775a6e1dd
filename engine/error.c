/* error.c - both kinds of message are formatted into fixed buffers: reporting an error must not need memory. */
#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

bool error_set(Error *error, const char *format, ...)
{
    if (error != NULL) {
        va_list arguments;
        va_start(arguments, format);
        vsnprintf(error->message, sizeof error->message, format, arguments);
        va_end(arguments);
    }
    return false;
}

static void print_and_abort(Where where, const char *message)
{
    fflush(stdout); /* what the program printed before it stopped belongs above the message */
    fprintf(stderr, "%s:%d: %s\n", where.file, where.line, message);
    abort();
}

static MisuseHandler *current_handler = print_and_abort;

MisuseHandler *misuse_set_handler(MisuseHandler *handler)
{
    MisuseHandler *previous = current_handler;
    current_handler = handler != NULL ? handler : print_and_abort;
    return previous;
}

void misuse(Where where, const char *format, ...)
{
    char message[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof message, format, arguments);
    va_end(arguments);
    current_handler(where, message);
    abort();
}
