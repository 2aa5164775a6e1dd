/* dot_check.h - whether a diagram is quoted as the DOT language asks: every string, HTML-like label, tag, entity and
 * bracket ends where it should. dot itself would check this, too, but no million times. */
#ifndef STEPGRAD_TESTS_FUZZ_DOT_CHECK_H
#define STEPGRAD_TESTS_FUZZ_DOT_CHECK_H

#include <ctype.h>

#include "fuzz.h"

/* From the < of a label to behind the > that closes it: tags that are closed in their order, entities, and text. */
static inline const char *dot_skip_label(const char *at)
{
    char open[16][16];
    size_t depth = 0, length;
    for (at++; *at != '>';) {
        if (*at == '&') {
            length = strspn(at + 1, "#abcdefghijklmnopqrstuvwxyz0123456789");
            fuzz_require(length > 0 && at[1 + length] == ';', "an & begins an entity");
            at += length + 2;
        } else if (*at == '<') {
            const bool closes = at[1] == '/';
            const char *name = at + 1 + closes, *end = name;
            length = strspn(name, "abcdefghijklmnopqrstuvwxyz");
            while (*end != '>')
                fuzz_require(*end != '\0' && *end != '<', "a tag ends"),
                    end = *end == '"' && strchr(end + 1, '"') != NULL ? strchr(end + 1, '"') + 1 : end + 1;
            fuzz_require(length > 0 && length < sizeof *open && depth < 15, "a tag has a name");
            if (closes)
                fuzz_require(depth-- > 0 && strncmp(open[depth], name, length) == 0 && open[depth][length] == '\0',
                             "the tag that was opened last is closed");
            else if (end[-1] != '/')
                snprintf(open[depth++], sizeof *open, "%.*s", (int)length, name);
            at = end + 1;
        } else {
            fuzz_require(*at != '\0' && *at != '"', "a label ends, and has no bare quote");
            at++;
        }
    }
    fuzz_require(depth == 0, "every tag is closed");
    return at + 1;
}

/* The whole: outside of labels and strings there are names, numbers and punctuation, with brackets in pairs. */
static inline void dot_check(const char *at)
{
    char open[16];
    size_t depth = 0;
    while (*at != '\0') {
        if (*at == '"') {
            for (at++; *at != '"'; at += *at == '\\' ? 2 : 1)
                fuzz_require(*at != '\0' && *at != '\n' && (*at != '\\' || (at[1] == '"' || at[1] == 'n')),
                             "a string ends on its line, and only quotes and line ends are escaped");
            at++;
        } else if (*at == '<') {
            at = dot_skip_label(at);
        } else if (at[0] == '/' && at[1] == '/') {
            at += strcspn(at, "\n");
        } else {
            fuzz_require(isalnum((unsigned char)*at) || strchr("{}[]=,;->._ \n", *at) != NULL, "this stands outside");
            if (*at == '{' || *at == '[')
                fuzz_require(depth < sizeof open, "brackets are not deep"), open[depth++] = *at;
            if (*at == '}' || *at == ']')
                fuzz_require(depth-- > 0 && open[depth] == *at - 2, "brackets stand in pairs");
            at++;
        }
    }
    fuzz_require(depth == 0, "every bracket is closed");
}

#endif
