/* table.c - turns, clocks and medians: see table.h. */
#define _POSIX_C_SOURCE 200809L /* clock_gettime, popen */
#include "table.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "random.h"

double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

void stop(const char *message)
{
    fprintf(stderr, "bench: %s\n", message);
    exit(1);
}

/* The numbers in the first line that a command of the shell prints. */
static void read_numbers(const char *command, double *numbers, size_t n)
{
    char line[256] = "", *at = line;
    FILE *in = popen(command, "r");
    if (in == NULL)
        stop("no memory or process to start a command with");
    if (fgets(line, sizeof line, in) == NULL)
        line[0] = '\0';
    pclose(in);
    for (size_t i = 0; i < n; i++) {
        char *end;
        const double number = strtod(at, &end);
        if (end == at)
            return;
        numbers[i] = number;
        at = end;
    }
}

void run_framework(const char *job, const char *python, size_t size, double *results, size_t n)
{
    char command[128];
    snprintf(command, sizeof command, "\"$%s\" tests/benchmark/frameworks.py %s %zu 2>/dev/null", python, job, size);
    if (getenv(python) != NULL)
        read_numbers(command, results, n);
}

/* ---- turns ------------------------------------------------------------------------------------------------------- */

static size_t find_row(const Table *table, const char *name)
{
    for (size_t row = 0; row < table->row_count; row++)
        if (strcmp(table->rows[row].name, name) == 0)
            return row;
    stop("a column is relative to a row that is not there");
}

static void divide(Table *table, size_t column, size_t turn)
{
    const size_t reference = find_row(table, table->columns[column].relative_to), of = table->columns[column].of;
    for (size_t row = 0; row < table->row_count; row++)
        table->samples[row][column][turn] = table->samples[row][of][turn] / table->samples[reference][of][turn];
}

void row_measure(const Row *row, size_t size, double numbers[COLUMNS_MOST])
{
    for (size_t column = 0; column < COLUMNS_MOST; column++)
        numbers[column] = NAN;
    if (size > 0)
        row->measure(size, numbers);
}

/* The size of the job: 0 to leave it out. */
static size_t size_of(const Row *row, size_t size, bool is_quick)
{
    if (row->size == 0)
        return size;
    return is_quick && row->size > size ? 0 : row->size;
}

static void measure_turn(Table *table, size_t row, size_t turn, bool is_quick)
{
    double numbers[COLUMNS_MOST];
    const size_t size = size_of(&table->rows[row], is_quick ? table->quick_size : table->size, is_quick);
    row_measure(&table->rows[row], size, numbers);
    for (size_t column = 0; column < table->column_count; column++)
        table->samples[row][column][turn] = numbers[column];
}

void table_measure(Table *table, bool is_quick)
{
    size_t order[ROWS_MOST];
    Random random;
    random_seed(&random, 42);
    if (is_quick && table->turns > 2)
        table->turns = 2;
    for (size_t row = 0; row < table->row_count; row++)
        order[row] = row;
    for (size_t turn = 0; turn < table->turns; turn++) {
        random_shuffle(&random, order, table->row_count);
        for (size_t i = 0; i < table->row_count; i++)
            measure_turn(table, order[i], turn, is_quick);
        for (size_t column = 0; column < table->column_count; column++)
            if (table->columns[column].relative_to != NULL)
                divide(table, column, turn);
    }
}

/* ---- instructions ------------------------------------------------------------------------------------------------ */

/* NAN where they cannot be counted. */
static double instructions(const char *table, const char *row, size_t size)
{
    char command[512];
    double count = NAN;
    snprintf(command, sizeof command,
             "sh tests/benchmark/instructions.sh \"$COUNTED\" --alone '%s' '%s' %zu 2>/dev/null", table, row, size);
    read_numbers(command, &count, 1);
    return count;
}

void table_count_instructions(Table *table)
{
    for (size_t column = 0; column < table->column_count; column++)
        for (size_t row = 0; table->columns[column].is_count && row < table->row_count; row++)
            if (!table->rows[row].is_elsewhere) {
                const char *name = table->rows[row].name;
                const double once = instructions(table->name, name, table->counted);
                const double twice = instructions(table->name, name, 2 * table->counted);
                table->samples[row][column][0] = (twice - once) / (double)table->counted / 1e6;
            }
}

/* ---- the middle of many ------------------------------------------------------------------------------------------ */

static int compare_numbers(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Of sorted numbers, the one at this share of their way, between two of them if need be. */
static double quantile(const double *sorted, size_t n, double share)
{
    const double place = share * (double)(n - 1);
    const size_t i = (size_t)place, next = i + 1 < n ? i + 1 : i;
    return sorted[i] + (place - (double)i) * (sorted[next] - sorted[i]);
}

double median(double *numbers, size_t n)
{
    qsort(numbers, n, sizeof *numbers, compare_numbers);
    return n > 0 ? quantile(numbers, n, 0.5) : NAN;
}

Cell table_cell(const Table *table, size_t row, size_t column)
{
    double numbers[TURNS_MOST];
    Cell cell = {NAN, NAN, NAN, 0};
    for (size_t turn = 0; turn < table->turns; turn++)
        if (!isnan(table->samples[row][column][turn]))
            numbers[cell.turns++] = table->samples[row][column][turn];
    if (cell.turns > 0) {
        cell.median = median(numbers, cell.turns);
        cell.low = quantile(numbers, cell.turns, 0.25);
        cell.high = quantile(numbers, cell.turns, 0.75);
    }
    return cell;
}
