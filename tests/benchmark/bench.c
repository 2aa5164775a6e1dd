/* bench.c - how fast the engine is, beside hand-written C with no graph, PyTorch and NumPy: all tables, in one run.
 *
 *     bench FOLDER [--quick]             measure, print, and write FOLDER/bench.md, .csv, .svg; run.sh starts it
 *     bench --alone TABLE ROW SIZE       do a single job, for a profiler or to count its instructions
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "tables.h"

static Table *const tables[] = {&moons_table, &emitted_table, &gpt_table,     &nodes_table,
                                &width_table, &memory_table,  &threads_table, &threads_1000_table};
enum { TABLES = sizeof tables / sizeof *tables };

/* The job, and what it measured. */
static void do_alone(const Table *table, const Row *row, size_t size)
{
    double numbers[COLUMNS_MOST];
    row_measure(row, size, numbers);
    for (size_t i = 0; i < table->column_count; i++)
        if (table->columns[i].relative_to == NULL && !table->columns[i].is_count)
            printf("%s: %.*f\n", table->columns[i].name, table->columns[i].decimals, numbers[i]);
}

static int find_and_do(const char *table, const char *row, size_t size)
{
    for (size_t i = 0; i < TABLES; i++)
        for (size_t j = 0; j < tables[i]->row_count; j++)
            if (strcmp(tables[i]->name, table) == 0 && strcmp(tables[i]->rows[j].name, row) == 0)
                return do_alone(tables[i], &tables[i]->rows[j], size), 0;
    stop("--alone: there is no such table or row");
}

int main(int argc, char **argv)
{
    if (argc == 5 && strcmp(argv[1], "--alone") == 0)
        return find_and_do(argv[2], argv[3], (size_t)strtoul(argv[4], NULL, 10));
    const bool is_quick = argc == 3 && strcmp(argv[2], "--quick") == 0;
    if (argc != 2 && !is_quick)
        stop("start me by `make bench`, or as the first lines of bench.c say");
    printf("\n%s\n", report_how_measured);
    for (size_t i = 0; i < TABLES; i++) {
        table_measure(tables[i], is_quick);
        if (!is_quick)
            table_count_instructions(tables[i]);
        report_table(tables[i], stdout);
    }
    report_files(tables, TABLES, argv[1]);
    printf("\nThe same is in %s/bench.md, bench.csv and bench.svg, and `make book` makes a page of it.\n", argv[1]);
    return 0;
}
