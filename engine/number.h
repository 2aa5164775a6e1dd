/* number.h - a double as text and back, with a decimal point whatever the locale.
 *
 *     char text[NUMBER_SIZE];
 *     fputs(number_text(0.1, 'g', 4, text), out);               // 0.1
 *     double x;
 *     if (!number_parse("2.5e-1", 6, &x)) ...                   // x = 0.25
 *
 * printf and strtod follow the program's locale. The engine never calls setlocale, but a program around it may, and
 * then 0.1 would be written as 0,1, or with a decimal mark of several bytes. Files and pictures always use a point.
 */
#ifndef STEPGRAD_NUMBER_H
#define STEPGRAD_NUMBER_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

enum {
    NUMBER_SIZE = 352,        /* fits every double in every conversion below, %f with up to 40 decimals */
    NUMBER_LENGTH_MOST = 1100 /* of a text to parse: no double needs more digits, written out exactly */
};

/* x as printf's conversion %g, %f, %e or %a writes it ('g', 'f', 'e' or 'a') with `precision` digits; a negative
 * precision is printf's default, for %a all digits. Returns buffer. */
char *number_text(double x, char conversion, int precision, char buffer[NUMBER_SIZE]);

/* x for printf: a NaN without its sign, which means nothing and differs between machines. */
static inline double number_unsigned_nan(double x) { return isnan(x) ? fabs(x) : x; }

/* x in as few digits, 15 to 17, as make number_parse give x back. Returns buffer. */
char *number_shortest(double x, char buffer[NUMBER_SIZE]);

/* Whether text[0..length) is one number and nothing else, as strtod reads it: decimal or hexadecimal, inf and nan
 * included, but no space before it. Then it is in *x. One too large for a double is infinite, with errno ERANGE. */
bool number_parse(const char *text, size_t length, double *x);

#endif
