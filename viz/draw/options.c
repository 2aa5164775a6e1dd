/* options.c - a walk through the command line, and for each option one through the table. See options.h. */
#include "options.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"

enum { HELP_COLUMN = 23 };

/* ---- arguments --------------------------------------------------------------------------------------------------- */

/* A number, or a whole one. */
static bool read_number(const Option *o, Error *error)
{
    const bool whole = o->whole != NULL;
    const size_t length = strlen(o->given);
    char most[32] = "up";
    double x = 0;
    errno = 0;
    const unsigned long long count = strtoull(o->given, NULL, 10);
    bool ok = whole ? strspn(o->given, "0123456789") == length && errno == 0 : number_parse(o->given, length, &x);
    if (whole)
        x = (double)count;
    if (!ok || !isfinite(x) || x < o->least || (o->most > 0 && x > o->most)) {
        if (o->most > 0)
            snprintf(most, sizeof most, "to %.10g", o->most);
        return error_set(error, "%s %s: expected a %s from %.10g %s", o->name, o->given,
                         whole ? "whole number" : "number", o->least, most);
    }
    if (whole)
        *o->whole = count;
    else
        *o->number = x;
    return true;
}

static bool read_choice(const Option *o, Error *error)
{
    const size_t length = strlen(o->given);
    int place = 0;
    for (const char *choice = o->argument; *choice != '\0'; place++) {
        const size_t bytes = strcspn(choice, ",|");
        if (bytes == length && strncmp(choice, o->given, bytes) == 0) {
            *o->choice = place;
            return true;
        }
        choice += bytes + strspn(choice + bytes, ",| ");
    }
    return error_set(error, "%s %s: expected one of %s", o->name, o->given, o->argument);
}

/* ---- the command line -------------------------------------------------------------------------------------------- */

static bool is_option(const char *word) { return strncmp(word, "--", 2) == 0 || strcmp(word, "-h") == 0; }

static Option *find_option(Option *options, const char *name, size_t length)
{
    for (Option *o = options; o->help != NULL; o++)
        if (o->name != NULL && strlen(o->name) == length && strncmp(o->name, name, length) == 0)
            return o;
    return NULL;
}

static bool set_option(Option *o, const char *argument, Error *error)
{
    if (argument == NULL || *argument == '\0')
        return error_set(error, "%s needs an argument after it, %s", o->name, o->argument);
    if (o->given != NULL)
        return error_set(error, "%s is given twice: %s and %s", o->name, o->given, argument);
    o->given = argument;
    if (o->text != NULL)
        *o->text = argument;
    if (o->choice != NULL)
        return read_choice(o, error);
    return (o->number == NULL && o->whole == NULL) || read_number(o, error);
}

/* Take the option at arguments[*at], and its own argument, which may also follow a =. */
static bool take_option(Option *options, char **arguments, int *at, Error *error)
{
    const char *word = strcmp(arguments[*at], "-h") == 0 ? "--help" : arguments[*at];
    const size_t length = strcspn(word, "=");
    const bool has_argument = word[length] == '=';
    Option *o = find_option(options, word, length);
    if (o == NULL)
        return error_set(error, "there is no option %.*s", (int)length, word);
    if (o->flag != NULL)
        *o->flag = true;
    if (o->argument == NULL)
        return !has_argument || error_set(error, "%s takes no argument", o->name);
    if (!has_argument && arguments[*at + 1] != NULL)
        return set_option(o, arguments[++*at], error);
    return set_option(o, has_argument ? word + length + 1 : NULL, error);
}

bool options_read(Option *options, int *count, char **arguments, Error *error)
{
    int left = 1, i = 1;
    for (; i < *count && strcmp(arguments[i], "--") != 0; i++)
        if (!is_option(arguments[i]))
            arguments[left++] = arguments[i];
        else if (!take_option(options, arguments, &i, error))
            return false;
    for (i++; i < *count; i++)
        arguments[left++] = arguments[i];
    *count = left;
    return true;
}

/* ---- help -------------------------------------------------------------------------------------------------------- */

static void print_option(const Option *o, FILE *out)
{
    const bool has_argument = o->argument != NULL;
    int column = fprintf(out, "  %s%s%s", o->name, has_argument ? " " : "", has_argument ? o->argument : "");
    if (column >= HELP_COLUMN)
        column = fprintf(out, "\n") - 1;
    for (const char *line = o->help; *line != '\0'; column = 0) {
        const int bytes = (int)strcspn(line, "\n");
        fprintf(out, "%*s%.*s\n", HELP_COLUMN - column, "", bytes, line);
        line += bytes + (line[bytes] == '\n');
    }
}

void options_help(const Option *options, FILE *out)
{
    for (const Option *o = options; o->help != NULL; o++)
        if (o->name == NULL)
            fprintf(out, "%s\n", o->help);
        else
            print_option(o, out);
}
