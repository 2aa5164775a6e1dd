/* The cheat sheet in lessons/README.md holds exactly the rows of the op table: nothing missing, nothing that is stale.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "ops.h"

static const char *const PATH = "lessons/README.md";

/* The row of an op as it must stand there: name, value, derivatives. A | would end the cell, so it is written \|. */
static void row_of(const OpInfo *op, char *row, size_t size)
{
    char text[64];
    size_t length = 0;
    for (const char *c = op->text; *c != '\0' && length + 2 < sizeof text; c++) {
        if (*c == '|')
            text[length++] = '\\';
        text[length++] = *c;
    }
    text[length] = '\0';
    const char *quote = op->db != NULL ? "`" : "";
    snprintf(row, size, "| `%s` | `%s` | `%s` | %s%s%s |\n", op->name, text, op->da_text, quote,
             op->db != NULL ? op->db_text : "", quote);
}

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

Test(cheat_sheet, holds_a_row_of_the_op_table_for_every_op_and_no_other)
{
    static char page[1 << 17];
    read_page(page, sizeof page);
    const char *at = strstr(page, "## Cheat sheet");
    cr_assert_not_null(at, "%s has no section \"## Cheat sheet\"", PATH);
    const char *end = strstr(at + 1, "\n## ");
    cr_assert_not_null(end, "%s: no section follows the cheat sheet", PATH);
    size_t rows = 0, ops = 0;
    for (const char *c = at; (c = strstr(c, "\n| `")) != NULL && c < end; c++)
        rows++;
    for (int code = OP_CONST + 1; code < OP_COUNT; code++, ops++) {
        char row[256];
        row_of(&op_table[code], row, sizeof row);
        const char *found = strstr(at, row);
        cr_expect(found != NULL && found < end, "%s: op %s: the cheat sheet needs this row:\n%s", PATH,
                  op_table[code].name, row);
    }
    cr_expect_eq(rows, ops, "%s: the cheat sheet has %zu rows for %zu ops: one is of an op that is gone", PATH, rows,
                 ops);
}
