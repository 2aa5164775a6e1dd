/* table.h - a table of make bench: rows that do a job of the same kind and take turns, columns that are measured.
 *
 *     static const Row rows[] = {{"by hand", .measure = by_hand}, {"define-by-run", .measure = define_by_run}};
 *     static const Column columns[] = {{"seconds", .decimals = 3}, {"× by hand", 2, .relative_to = "by hand"}};
 *     Table table = {TABLE_OF(rows, columns), .size = 200, .turns = 7};
 *     table_measure(&table, false);
 *     ... table_cell(&table, 1, 0).median ...
 *
 * On a machine that others use, two programs one after the other meet different noise. Here every turn runs each of
 * them once, in random order; a ratio is taken within a turn, and of all turns the median counts.
 */
#ifndef STEPGRAD_TABLE_H
#define STEPGRAD_TABLE_H

#include <stdbool.h>
#include <stddef.h>

enum { ROWS_MOST = 16, COLUMNS_MOST = 8, TURNS_MOST = 16 };

/* Does the job once and writes numbers[i] for column i. What it leaves is NAN, "not measured". */
typedef void Measure(size_t size, double *numbers);

typedef struct Row {
    const char *name;
    Measure *measure;
    size_t size;       /* of the job; 0: as the table says */
    bool is_elsewhere; /* it only starts another program: its instructions are not counted */
} Row;

typedef struct Column {
    const char *name; /* with its unit */
    int decimals;
    const char *relative_to; /* a row: this is column `of` divided by that row's, turn by turn; or NULL */
    size_t of;               /* 0: the first */
    bool is_drawn;           /* in the picture */
    bool is_count;           /* millions of instructions per unit of size, by table_count_instructions */
} Column;

typedef struct Table {
    const char *name; /* short, for CSV */
    const char *title;
    const char *text; /* what is measured, and how: a paragraph */
    const char *unit; /* of the columns that are drawn */
    const Row *rows;
    size_t row_count;
    const Column *columns;
    size_t column_count;
    size_t size, quick_size; /* of the job; a quick run leaves out rows of a larger size of their own */
    size_t counted;          /* of the job whose instructions are counted */
    size_t turns;
    double samples[ROWS_MOST][COLUMNS_MOST][TURNS_MOST];
} Table;

/* Do the row's job, of this size; 0: not at all. What was not measured is NAN. */
void row_measure(const Row *row, size_t size, double numbers[COLUMNS_MOST]);

#define TABLE_OF(rows_, columns_)                                                                                      \
    .rows = rows_, .row_count = sizeof rows_ / sizeof *rows_, .columns = columns_,                                     \
    .column_count = sizeof columns_ / sizeof *columns_

/* All turns. A quick one is for tests: two turns of small jobs. */
void table_measure(Table *table, bool is_quick);

/* Fill the column that is_count, if there is one. $COUNTED is this program, which `--alone TABLE ROW SIZE` makes do a
 * single job: the instructions for twice `counted`, less those for `counted`, leave out how it starts. */
void table_count_instructions(Table *table);

/* The median and the quartiles of a cell's turns; all NAN when nothing was measured. */
typedef struct Cell {
    double median, low, high;
    size_t turns;
} Cell;

Cell table_cell(const Table *table, size_t row, size_t column);

/* Seconds since some moment. */
double now(void);

double median(double *numbers, size_t n);

/* End the program with a message. */
_Noreturn void stop(const char *message);

/* Run frameworks.py's job with the Python that an environment variable names, if it is set. It prints numbers in a
 * line, which are written to results[0 .. n); those that are missing stay as they are. */
void run_framework(const char *job, const char *python, size_t size, double *results, size_t n);

#endif
