/* options.h - a program's options as one table, from which the command line is read and the help printed.
 *
 *     const char *out = "picture.svg";
 *     uint64_t epochs = 200;
 *     int optimizer = 0;
 *     bool quiet = false;
 *     Option options[] = {
 *         {"--out", "FILE", "where the picture goes", .text = &out},
 *         {"--epochs", "N", "(default 200)", .whole = &epochs},
 *         {"--optimizer", "sgd|adam", "(default sgd)", .choice = &optimizer}, // 0 for sgd, 1 for adam
 *         {"--quiet", NULL, "no progress", .flag = &quiet},
 *         {0},
 *     };
 *     if (!options_read(options, &argc, argv, &error))
 *         fprintf(stderr, "%s\n", error.message); // --epochs x: expected a whole number from 0 up
 *     ... argv[1], ..., argv[argc - 1] are the words that belong to no option ...
 */
#ifndef STEPGRAD_OPTIONS_H
#define STEPGRAD_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "error.h"

/* A row. Without a name it is a heading of the help; the last row has no help either. What an option sets is all of
 * flag, text, number, whole and choice that is not NULL; they keep their values when it is not given. */
typedef struct Option {
    const char *name;
    const char *argument; /* its name in the help; of a choice, "all, of, them" or "all|of|them"; NULL: it takes none */
    const char *help;     /* may be of several lines */
    const char **text;
    double *number;     /* finite, from least to most */
    uint64_t *whole;    /* likewise */
    double least, most; /* most 0: no limit */
    int *choice;        /* the place in `argument`, from 0 */
    bool *flag;         /* set to true when the option is given, with an argument or without */
    const char *given;  /* the argument, once options_read has found it */
} Option;

/* Read --name ARGUMENT, --name=ARGUMENT and --name from arguments[1 .. *count), and take them out; *count is then the
 * number of those that are left. What follows a -- is left too, and -h stands for --help. arguments[*count] must be
 * NULL, as in main. False, with a message that names the option: there is none of that name, its argument is missing,
 * wrong, or given twice. */
bool options_read(Option *options, int *count, char **arguments, Error *error);

/* Print a line or more for each option. */
void options_help(const Option *options, FILE *out);

#endif
