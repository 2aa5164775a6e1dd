/* The cheat sheet in lessons/README.md holds exactly the rows of the op table: nothing missing, nothing that is stale.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "ops.h"

static const char *const PATH = "lessons/README.md";

static size_t read_page(char *page, size_t size)
{
    FILE *in = fopen(PATH, "r");
    cr_assert_not_null(in, "%s: cannot read it (run the tests from the project's top folder)", PATH);
    const size_t length = fread(page, 1, size - 1, in);
    page[length] = '\0';
    fclose(in);
    cr_assert_lt(length, size - 1, "%s is larger than this test's page", PATH);
    return length;
}

/* The table as the engine prints it. */
static void print_table(char *table, size_t size)
{
    FILE *out = tmpfile();
    cr_assert_not_null(out);
    op_table_print(out);
    rewind(out);
    table[fread(table, 1, size - 1, out)] = '\0';
    fclose(out);
}

/* Whether the line at `row`, with its end, stands in the text before `end`. */
static bool has_row(const char *text, const char *end, const char *row, size_t length)
{
    for (; text != NULL && text < end; text = strchr(text, '\n'))
        if (strncmp(++text, row, length) == 0)
            return true;
    return false;
}

/* Every row of `rows` stands in `text`; `wrong` says what it means if it does not. */
static void expect_rows(const char *rows, const char *rows_end, const char *text, const char *end, const char *wrong)
{
    size_t count = 0;
    for (const char *row = strstr(rows, "\n| `"); row != NULL && row < rows_end; row = strstr(row, "\n| `"), count++) {
        const size_t length = strcspn(++row, "\n") + 1;
        cr_expect(has_row(text, end, row, length), "%s: %s: run make cheat_sheet\n%.*s", PATH, wrong, (int)length, row);
    }
    cr_expect_gt(count, 0, "there is no row at all");
}

Test(cheat_sheet, holds_a_row_of_the_op_table_for_every_op_and_no_other)
{
    static char page[1 << 17], table[1 << 14];
    read_page(page, sizeof page);
    print_table(table, sizeof table);
    const char *at = strstr(page, "## Cheat sheet");
    cr_assert_not_null(at, "%s has no section \"## Cheat sheet\"", PATH);
    const char *end = strstr(at + 1, "\n## "), *table_end = table + strlen(table);
    cr_assert_not_null(end, "%s: no section follows the cheat sheet", PATH);
    expect_rows(table, table_end, at, end, "the row of an op is missing");
    expect_rows(at, end, table, table_end, "a row is not that of an op, or no longer");
}
