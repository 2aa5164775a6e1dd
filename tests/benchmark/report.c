/* report.c - tables as text and as CSV. */
#include "report.h"

#include <math.h>
#include <string.h>

#include "file.h"
#include "memory.h"
#include "number.h"
#include "plot/svg.h"
#include "utf8.h"

const char report_how_measured[] =
    "Measured by `make bench`: in every turn each program of a table runs once, in random order. A number is the "
    "median "
    "of the turns, with the quartiles behind it; a ratio is taken turn by turn; – was not measured.";

enum { CELL_SIZE = 3 * NUMBER_SIZE, MACHINE_MOST = 1 << 16 };

/* ---- text -------------------------------------------------------------------------------------------------------- */

/* "0.83 (0.81–0.90)", or "0.83" of a single turn, or where all were alike. */
static const char *cell_text(const Table *table, size_t row, size_t column, char text[CELL_SIZE])
{
    char number[NUMBER_SIZE], low[NUMBER_SIZE], high[NUMBER_SIZE];
    const Cell cell = table_cell(table, row, column);
    const int decimals = table->columns[column].decimals;
    if (isnan(cell.median))
        return strcpy(text, "–");
    svg_number(number, cell.median, decimals);
    if (cell.low == cell.high)
        return strcpy(text, number);
    snprintf(text, CELL_SIZE, "%s (%s–%s)", number, svg_number(low, cell.low, decimals),
             svg_number(high, cell.high, decimals));
    return text;
}

static size_t larger(size_t a, size_t b) { return a > b ? a : b; }

static size_t width_of(const Table *table, size_t column)
{
    char text[CELL_SIZE];
    size_t width = utf8_columns(table->columns[column].name);
    for (size_t row = 0; row < table->row_count; row++)
        width = larger(width, utf8_columns(cell_text(table, row, column, text)));
    return width;
}

static size_t width_of_names(const Table *table)
{
    size_t width = 0;
    for (size_t row = 0; row < table->row_count; row++)
        width = larger(width, utf8_columns(table->rows[row].name));
    return width;
}

static void put_times(FILE *out, char letter, size_t times)
{
    while (times-- > 0)
        fputc(letter, out);
}

static void put_header(const Table *table, FILE *out)
{
    fprintf(out, "| ");
    put_times(out, ' ', width_of_names(table));
    for (size_t column = 0; column < table->column_count; column++) {
        const char *name = table->columns[column].name;
        fprintf(out, " | ");
        put_times(out, ' ', width_of(table, column) - utf8_columns(name));
        fputs(name, out);
    }
    fprintf(out, " |\n| ");
    put_times(out, '-', width_of_names(table));
    for (size_t column = 0; column < table->column_count; column++) {
        fprintf(out, " | ");
        put_times(out, '-', width_of(table, column));
    }
    fprintf(out, " |\n");
}

void report_table(const Table *table, FILE *out)
{
    char text[CELL_SIZE];
    fprintf(out, "\n## %s\n\n%s\n\n", table->title, table->text);
    put_header(table, out);
    for (size_t row = 0; row < table->row_count; row++) {
        fprintf(out, "| %s", table->rows[row].name);
        put_times(out, ' ', width_of_names(table) - utf8_columns(table->rows[row].name));
        for (size_t column = 0; column < table->column_count; column++) {
            cell_text(table, row, column, text);
            fprintf(out, " | ");
            put_times(out, ' ', width_of(table, column) - utf8_columns(text));
            fputs(text, out);
        }
        fprintf(out, " |\n");
    }
    fflush(out);
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

/* A field of CSV: in quotes, with those in it doubled. */
static void put_field(FILE *out, const char *text, size_t length)
{
    fputc('"', out);
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '"')
            fputc('"', out);
        fputc(text[i], out);
    }
    fputc('"', out);
}

static void put_text(FILE *out, const char *text) { put_field(out, text, strlen(text)); }

static void put_cell(const Table *table, size_t row, size_t column, FILE *out)
{
    char text[NUMBER_SIZE];
    const Cell cell = table_cell(table, row, column);
    const double numbers[] = {cell.median, cell.low, cell.high};
    put_text(out, table->name);
    fputc(',', out);
    put_text(out, table->rows[row].name);
    fputc(',', out);
    put_text(out, table->columns[column].name);
    for (size_t i = 0; i < 3; i++)
        fprintf(out, ",%s", isnan(numbers[i]) ? "" : number_shortest(numbers[i], text));
    fprintf(out, ",%zu\n", cell.turns);
}

/* What run.sh wrote: a row for each line, with its value in place of a column. */
static void put_machine(const char *machine, FILE *csv)
{
    for (const char *line = machine, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        const char *colon = strstr(line, ": ");
        if (colon == NULL || colon > end)
            continue;
        fprintf(csv, "\"machine\",");
        put_field(csv, line, (size_t)(colon - line));
        fputc(',', csv);
        put_field(csv, colon + 2, (size_t)(end - colon - 2));
        fprintf(csv, ",,,,0\n");
    }
}

static FILE *begin(SafeFile *safe, const char *folder, const char *name)
{
    char path[4096];
    Error error;
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *out = file_begin(safe, path, &error);
    if (out == NULL)
        stop(error.message);
    return out;
}

static void commit(SafeFile *safe)
{
    Error error;
    if (!file_commit(safe, &error))
        stop(error.message);
}

static char *read_machine(const char *folder)
{
    char path[4096];
    size_t bytes;
    Error error;
    snprintf(path, sizeof path, "%s/machine.txt", folder);
    char *text = file_read(path, MACHINE_MOST, &bytes, &error);
    if (text == NULL)
        stop(error.message);
    return text;
}

void report_files(Table *const *tables, size_t count, const char *folder)
{
    SafeFile files[3];
    FILE *markdown = begin(&files[0], folder, "bench.md"), *csv = begin(&files[1], folder, "bench.csv");
    FILE *picture = begin(&files[2], folder, "bench.svg");
    char *machine = read_machine(folder);
    fprintf(markdown, "# How fast it is\n\n%s\n\n![The medians, and a bar between the quartiles](bench.svg)\n",
            report_how_measured);
    fprintf(csv, "table,row,column,median,lower quartile,upper quartile,turns\n");
    fprintf(markdown, "\n```\n%s```\n", machine);
    put_machine(machine, csv);
    memory_free(machine);
    for (size_t i = 0; i < count; i++) {
        report_table(tables[i], markdown);
        for (size_t row = 0; row < tables[i]->row_count; row++)
            for (size_t column = 0; column < tables[i]->column_count; column++)
                put_cell(tables[i], row, column, csv);
    }
    report_picture(tables, count, picture);
    for (size_t i = 0; i < 3; i++)
        commit(&files[i]);
}
