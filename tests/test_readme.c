/* test_readme.c - what README.md says must be so: its program prints its comments, and its line counts are near. */
#define _POSIX_C_SOURCE 200809L /* popen */

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *build_folder(void) { return getenv("BUILD") != NULL ? getenv("BUILD") : "build"; }

static size_t lines_of(const char *path)
{
    size_t lines = 0;
    FILE *in = fopen(path, "r");
    if (in == NULL)
        return 0;
    for (int c; (c = getc(in)) != EOF;)
        lines += c == '\n';
    fclose(in);
    return lines;
}

/* Copy the program between ```c and ``` to `path`, and what its comments promise to `answers`: "name = value" lines. */
static void extract_program(const char *path, char *answers, size_t size)
{
    char line[256];
    bool inside = false;
    size_t used = 0;
    FILE *in = fopen("README.md", "r"), *out = fopen(path, "w");
    cr_assert(in != NULL && out != NULL, "README.md or %s cannot be opened", path);
    answers[0] = '\0';
    while (fgets(line, sizeof line, in) != NULL) {
        if (strncmp(line, "```", 3) == 0) {
            inside = strncmp(line, "```c", 4) == 0;
            continue;
        }
        if (!inside)
            continue;
        fputs(line, out);
        const char *comment = strstr(line, "/* ");
        const char *end = strstr(line, " */");
        if (strstr(line, "printf") != NULL && comment != NULL && end != NULL)
            used += (size_t)snprintf(answers + used, size - used, "%.*s\n", (int)(end - comment - 3), comment + 3);
    }
    fclose(in);
    fclose(out);
}

Test(readme, its_program_prints_what_its_comments_say)
{
    char source[256], program[256], command[1024], want[512], got[512];
    snprintf(source, sizeof source, "%s/tests/readme_program.c", build_folder());
    snprintf(program, sizeof program, "%s/tests/readme_program", build_folder());
    extract_program(source, want, sizeof want);
    cr_assert(strlen(want) > 0, "no answers were found in README.md");
    snprintf(command, sizeof command,
             "${CC:-cc} ${LESSON_FLAGS:-} -Iengine '%s' '%s/libstepgrad.a' -lm -o '%s' && '%s'", source, build_folder(),
             program, program);
    FILE *in = popen(command, "r");
    cr_assert(in != NULL);
    got[fread(got, 1, sizeof got - 1, in)] = '\0';
    cr_expect_eq(pclose(in), 0, "%s failed", command);
    cr_expect_str_eq(got, want, "it prints\n%swant\n%s", got, want);
}

Test(readme, line_counts_are_near_the_truth)
{
    char line[512], path[128];
    size_t said, rows = 0;
    FILE *in = fopen("README.md", "r");
    cr_assert(in != NULL);
    while (fgets(line, sizeof line, in) != NULL) {
        if (sscanf(line, "| [%127[^]]](%*[^)]) | %zu |", path, &said) != 2)
            continue;
        const size_t lines = lines_of(path);
        cr_expect(said * 10 >= lines * 9 && said * 10 <= lines * 11, "%s: README.md says %zu lines, and it has %zu",
                  path, said, lines);
        rows++;
    }
    fclose(in);
    cr_assert(rows >= 10, "only %zu rows were found", rows);
}

/* The lines between ~~~c and ~~~ are a piece of lessons/one_page.c. */
Test(readme, shows_the_engine_on_one_page_as_it_is)
{
    static char page[16384], piece[8192];
    char line[256];
    bool inside = false;
    FILE *in = fopen("lessons/one_page.c", "r");
    cr_assert_not_null(in);
    page[fread(page, 1, sizeof page - 1, in)] = '\0';
    fclose(in);
    in = fopen("README.md", "r");
    cr_assert_not_null(in);
    while (fgets(line, sizeof line, in) != NULL) {
        if (strncmp(line, "~~~", 3) == 0)
            inside = !inside;
        else if (inside)
            strncat(piece, line, sizeof piece - strlen(piece) - 1);
    }
    fclose(in);
    cr_expect(strlen(piece) > 500, "README.md shows nothing of it");
    cr_expect_not_null(strstr(page, piece), "README.md shows other lines than stand in lessons/one_page.c");
}
