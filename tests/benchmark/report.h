/* report.h - the tables of make bench, written: as text, which is Markdown, for the terminal and for the book; as CSV;
 * and as a picture.
 */
#ifndef STEPGRAD_REPORT_H
#define STEPGRAD_REPORT_H

#include <stdio.h>

#include "table.h"

/* What the numbers are: a paragraph. */
extern const char report_how_measured[];

/* A heading, the text, and a line for each row: the median and, where there are several turns, the quartiles. */
void report_table(const Table *table, FILE *out);

/* FOLDER/bench.md, bench.csv and bench.svg: where it was measured, as run.sh left it in FOLDER/machine.txt (a line
 * "what: value" each), and the tables. A file that cannot be written ends the program. */
void report_files(Table *const *tables, size_t count, const char *folder);

/* The picture alone: per table, a line per row, with a mark at the median and a bar between the quartiles. */
void report_picture(Table *const *tables, size_t count, FILE *out);

#endif
