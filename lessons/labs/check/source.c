#include "source.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What stands at text, from which nothing can be learned: a comment, a string, a directive. Returns its length, or 0.
 */
static size_t opaque(const char *text, bool at_line_begin)
{
    size_t length = 0;
    if (text[0] == '/' && text[1] == '*') {
        const char *end = strstr(text + 2, "*/");
        return end != NULL ? (size_t)(end + 2 - text) : strlen(text);
    }
    if (text[0] == '/' && text[1] == '/')
        return strcspn(text, "\n");
    if (text[0] == '"' || text[0] == '\'') {
        for (length = 1; text[length] != text[0] && text[length] != '\0' && text[length] != '\n'; length++)
            if (text[length] == '\\' && text[length + 1] != '\0')
                length++;
        return length + (text[length] == text[0]);
    }
    if (text[0] == '#' && at_line_begin) /* to the end of a line that no backslash continues */
        do
            length += strcspn(text + length, "\n") + 1;
        while (text[length - 1] == '\n' && text[length - 2] == '\\');
    return length > 0 && text[length - 1] == '\0' ? length - 1 : length;
}

/* The character after what is opaque and blank. */
static size_t skip_blank(const char *text, size_t at)
{
    for (;;) {
        const size_t length = text[at] == '/' ? opaque(text + at, false) : isspace((unsigned char)text[at]) != 0;
        if (length == 0)
            return at;
        at += length;
    }
}

/* From an opening bracket to behind the one that closes it. */
static size_t skip_brackets(const char *text, size_t at)
{
    int depth = 0;
    do {
        const size_t length = opaque(text + at, at > 0 && text[at - 1] == '\n');
        if (length > 0) {
            at += length;
            continue;
        }
        depth += text[at] == '(' || text[at] == '{';
        depth -= text[at] == ')' || text[at] == '}';
        at += text[at] != '\0';
    } while (depth > 0 && text[at] != '\0');
    return at;
}

static bool is_name(char c) { return isalnum((unsigned char)c) || c == '_'; }

bool source_find(const char *text, const char *function, Definition *found)
{
    const size_t name_length = strlen(function);
    size_t at = skip_blank(text, 0), begin = at; /* of the declaration that we are in */
    for (; text[at] != '\0'; at = skip_blank(text, at)) {
        const size_t length = opaque(text + at, at == 0 || text[at - 1] == '\n');
        if (length > 0 || text[at] == ';') {
            at = begin = skip_blank(text, at + (length > 0 ? length : 1));
        } else if (text[at] == '(' || text[at] == '{') {
            const bool ends = text[at] == '{';
            at = skip_brackets(text, at);
            if (ends)
                begin = skip_blank(text, at);
        } else if (is_name(text[at])) {
            const size_t name = at;
            while (is_name(text[at]))
                at++;
            if (at - name != name_length || strncmp(text + name, function, name_length) != 0)
                continue;
            const size_t parameters = skip_blank(text, at);
            if (text[parameters] != '(')
                continue;
            const size_t body = skip_blank(text, skip_brackets(text, parameters));
            if (text[body] != '{')
                continue;
            *found = (Definition){begin, skip_brackets(text, body), 1};
            for (size_t i = 0; i < name; i++)
                found->line += text[i] == '\n';
            return true;
        } else {
            at++;
        }
    }
    return false;
}

char *source_read(const char *path)
{
    FILE *in = fopen(path, "rb");
    if (in == NULL)
        return NULL;
    size_t length = 0, room = 4096;
    char *text = malloc(room);
    while (text != NULL && (length += fread(text + length, 1, room - length - 1, in)) == room - 1) {
        char *larger = realloc(text, room *= 2);
        if (larger == NULL)
            free(text);
        text = larger;
    }
    fclose(in);
    if (text != NULL)
        text[length] = '\0';
    return text;
}
