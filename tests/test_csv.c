/* test_csv.c - what a CSV file may look like, and for every kind of damage the line, the column and the words of the
 * message. */
#define _XOPEN_SOURCE 700

#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "csv.h"
#include "locales.h"
#include "memory.h"
#include "no_memory.h"

/* Parse a text with NULs allowed; the parser gets a block of exactly bytes + 1, so that a sanitizer sees one step
 * beyond. */
static bool parse_bytes(const char *text, size_t bytes, const CsvOptions *options, Dataset *out, Error *error)
{
    char *copy = malloc(bytes + 1);
    memcpy(copy, text, bytes);
    copy[bytes] = '\0';
    const bool ok = csv_parse("data.csv", copy, bytes, options, out, error);
    free(copy);
    return ok;
}

static Dataset parse_with(const char *text, CsvOptions options)
{
    Dataset data;
    Error error;
    cr_assert(parse_bytes(text, strlen(text), &options, &data, &error), "\"%s\" is refused: %s", text, error.message);
    return data;
}

static Dataset parse(const char *text) { return parse_with(text, (CsvOptions){0}); }

/* ---- what is accepted -------------------------------------------------------------------------------------------- */

Test(csv, the_same_two_rows_come_from_every_way_to_write_them)
{
    static const char *const texts[] = {
        "0.5,-2,0\n1e-3,4,1\n",
        "0.5,-2,0\n1e-3,4,1",                /* no newline at the end */
        "0.5,-2,0\r\n1e-3,4,1\r\n",          /* CRLF */
        "0.5,-2,0\r1e-3,4,1\r",              /* CR */
        "0.5,-2,0\r\n1e-3,4,1\r",            /* mixed */
        "x1,x2,label\n0.5,-2,0\n1e-3,4,1\n", /* a header */
        "\357\273\2770.5,-2,0\n1e-3,4,1\n",  /* a byte order mark */
        "\xEF\xBB\xBFx1,x2,label\r\n0.5,-2,0\r\n1e-3,4,1\r\n",
        "  0.5 ,\t-2\t, 0  \n 1e-3, 4, 1 \n",                              /* spaces */
        "# a comment\n\n0.5,-2,0\n  \t\n  # more, \"\n1e-3,4,1\n\n\n#end", /* comments, blank lines */
        "\"0.5\",\"\n-2 \",\"0\"\n\"1e-3\" , \" 4 \" ,\"1\"",              /* quotes */
        "+.5,-2.,0\n.001E0,4e+0,1\n",                                      /* other ways to write numbers */
        "5e-1,-2,0.0\n0.001,4,1.000000000000000000e+00\n",                 /* labels as numpy.savetxt writes them */
        "\"a, \"\"b\"\"\nc\",x2,label\n0.5,-2,0\n1e-3,4,1", /* a header with comma, quotes and a line end in it */
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        Dataset data = parse(texts[i]);
        cr_expect(data.count == 2 && data.features == 2 && data.classes == 2, "text %zu: %zu × %zu, %d classes", i,
                  data.count, data.features, data.classes);
        static const double x[] = {0.5, -2, 1e-3, 4};
        cr_expect(memcmp(data.x, x, sizeof x) == 0, "text %zu: %g %g %g %g", i, data.x[0], data.x[1], data.x[2],
                  data.x[3]);
        cr_expect(data.label[0] == 0 && data.label[1] == 1, "text %zu: labels %d %d", i, data.label[0], data.label[1]);
        cr_expect_eq(data.feature_names != NULL, strstr(texts[i], "label") != NULL, "text %zu: names", i);
        dataset_free(&data);
    }
}

Test(csv, names_come_from_the_header)
{
    Dataset data = parse("  sepal length , \"a, \"\"b\"\"\nc\",,label\n1,2,3,0\n");
    cr_expect_str_eq(data.feature_names[0], "sepal length");
    cr_expect_str_eq(data.feature_names[1], "a, \"b\"\nc");
    cr_expect_str_eq(data.feature_names[2], "");
    dataset_free(&data);
}

Test(csv, one_row_of_one_feature_is_enough)
{
    Dataset data = parse("7,2");
    cr_expect(data.count == 1 && data.features == 1 && data.x[0] == 7 && data.label[0] == 2 && data.classes == 3);
    dataset_free(&data);
}

Test(csv, the_label_may_stand_in_any_column)
{
    static const CsvOptions options[] = {{.label_field = 2}, {.label_name = "kind"}};
    for (size_t i = 0; i < 2; i++) {
        Dataset data = parse_with("a,kind,b\n1,5,2\n3,0,4\n", options[i]);
        static const double x[] = {1, 2, 3, 4};
        cr_expect(memcmp(data.x, x, sizeof x) == 0 && data.label[0] == 5 && data.label[1] == 0, "options %zu", i);
        cr_expect_str_eq(data.feature_names[1], "b");
        dataset_free(&data);
    }
}

Test(csv, another_separator_may_be_asked_for)
{
    Dataset data = parse_with("1.5;2;0\n", (CsvOptions){.separator = ';'});
    cr_expect(data.features == 2 && data.x[0] == 1.5);
    dataset_free(&data);
    data = parse_with("a\tb\tlabel\n1\t 2 \t0\n", (CsvOptions){.separator = '\t'});
    cr_expect(data.features == 2 && data.x[1] == 2);
    dataset_free(&data);
}

Test(csv, text_labels_get_numbers_in_order_of_appearance)
{
    Dataset data = parse_with("1,setosa\n2, virginica \n3,setosa\n4,\"a, b\"\n", (CsvOptions){.text_labels = true});
    cr_expect(data.label[0] == 0 && data.label[1] == 1 && data.label[2] == 0 && data.label[3] == 2 &&
              data.classes == 3);
    cr_expect_str_eq(data.class_names[1], "virginica");
    cr_expect_str_eq(data.class_names[2], "a, b");
    dataset_free(&data);
}

Test(csv, a_header_is_seen_when_some_of_its_names_are_numbers)
{
    Dataset data = parse("150,4,setosa,versicolor,virginica\n5,3,1,0.2,0\n"); /* as scikit-learn's iris.csv begins */
    cr_expect(data.count == 1 && data.x[0] == 5);
    cr_expect_str_eq(data.feature_names[3], "versicolor");
    dataset_free(&data);
    data =
        parse_with("a,2020\n5,1\n", (CsvOptions){.label_name = "2020"}); /* asking for a name says that there is one */
    cr_expect(data.count == 1 && data.x[0] == 5);
    dataset_free(&data);
}

Test(csv, a_header_of_numbers_may_be_asked_for)
{
    Dataset data = parse_with("0,1,label\n5,6,1\n", (CsvOptions){.header = CSV_HEADER_YES});
    cr_expect(data.count == 1 && data.x[0] == 5);
    cr_expect_str_eq(data.feature_names[0], "0");
    dataset_free(&data);
}

Test(csv, the_largest_label_and_extreme_numbers_are_read)
{
    Dataset data = parse("1.7976931348623157e308,4.9e-324,1e-400,-0,99999\n");
    cr_expect(data.x[0] == 0x1.fffffffffffffp1023 && data.x[1] == 0x1p-1074 && data.x[2] == 0 && signbit(data.x[3]));
    cr_expect_eq(data.classes, 100000, "got %d", data.classes);
    dataset_free(&data);
}

Test(csv, many_rows_and_many_columns_are_read)
{
    enum { ROWS = 20000, COLUMNS = 50000 };
    char *text = malloc(COLUMNS * 8 + ROWS * 24);
    char *end = text;
    for (int i = 0; i < ROWS; i++)
        end += sprintf(end, "%d,%d.5,%d\n", i, -i, i % 7);
    Dataset data = parse(text);
    cr_assert(data.count == ROWS && data.features == 2 && data.classes == 7);
    for (int i = 0; i < ROWS; i++)
        cr_assert(data.x[2 * i] == i && data.label[i] == i % 7, "row %d", i);
    dataset_free(&data);
    end = text;
    for (int i = 0; i < COLUMNS; i++)
        end += sprintf(end, "%d,", i);
    strcpy(end, "3");
    data = parse(text);
    cr_assert(data.count == 1 && data.features == COLUMNS && data.x[COLUMNS - 1] == COLUMNS - 1 && data.label[0] == 3);
    dataset_free(&data);
    free(text);
}

/* ---- what is refused --------------------------------------------------------------------------------------------- */

#if defined(__GNUC__)
#pragma GCC diagnostic ignored "-Wmissing-field-initializers" /* most rows of the tables want no options */
#endif

typedef struct Damage {
    const char *text;
    const char *place; /* the message begins with this */
    const char *words; /* and has this */
    const char *remedy;
    CsvOptions options;
} Damage;

static void check_refused(const Damage *damage, size_t number)
{
    Dataset data;
    memset(&data, 0xFF, sizeof data); /* whatever was there must not be read */
    Error error;
    cr_expect(!parse_bytes(damage->text, strlen(damage->text), &damage->options, &data, &error),
              "%zu: \"%s\" is accepted", number, damage->text);
    cr_expect_eq(strncmp(error.message, damage->place, strlen(damage->place)), 0, "%zu: want %s, got: %s", number,
                 damage->place, error.message);
    cr_expect(strstr(error.message, damage->words) != NULL, "%zu: want \"%s\", got: %s", number, damage->words,
              error.message);
    cr_expect(strstr(error.message, damage->remedy) != NULL, "%zu: want \"%s\", got: %s", number, damage->remedy,
              error.message);
    cr_expect(data.x == NULL && data.label == NULL && data.count == 0 && data.feature_names == NULL &&
                  data.classes == 0,
              "%zu: the output is not zeroed", number);
}

#define CHECK_REFUSED(damages)                                                                                         \
    for (size_t i = 0; i < sizeof(damages) / sizeof((damages)[0]); i++)                                                \
    check_refused(&(damages)[i], i)

Test(csv, a_file_without_rows_is_refused)
{
    static const Damage damages[] = {
        {"", "data.csv:1:1: ", "empty", "Write one"},
        {"\n\n# only a comment\n  \n", "data.csv:1:1: ", "empty", "Write one"},
        {"\xEF\xBB\xBF", "data.csv:1:1: ", "empty", "Write one"},
        {"x1,x2,label\n", "data.csv:1:1: ", "a header", "Add rows"},
        {"# c\n\nx1,x2,label\n\n# c\n", "data.csv:3:1: ", "a header", "Add rows"},
        {"1,2,0", "data.csv:1:1: ", "a header", "Add rows", {.header = CSV_HEADER_YES}},
    };
    CHECK_REFUSED(damages);
}

Test(csv, a_row_of_one_field_is_refused)
{
    static const Damage damages[] = {
        {"1\n2\n", "data.csv:1:1: ", "one field and needs two", "','"},
        {"\n  1;2;0\n", "data.csv:2:3: ", "one field", "CsvOptions.separator"},
        {"1\t2\t0\n", "data.csv:1:1: ", "one field", "CsvOptions.separator"},
    };
    CHECK_REFUSED(damages);
}

Test(csv, a_ragged_row_is_refused_with_its_line)
{
    static const Damage damages[] = {
        {"1,2,0\n3,4\n", "data.csv:2:3: ", "2 fields, not 3 as in line 1", "Add"},
        {"1,2,0\n3,4,1,5\n", "data.csv:2:7: ", "4 fields, not 3 as in line 1", "Remove"},
        {"1,2,0\n3,4,1,\n", "data.csv:2:7: ", "4 fields, not 3", "Remove"},
        {"# c\na,b,label\n\n3\n", "data.csv:4:1: ", "1 field, not 3 as in line 2", "Add"},
    };
    CHECK_REFUSED(damages);
}

Test(csv, an_empty_field_is_refused_with_its_place)
{
    static const Damage damages[] = {
        {"1,2,0\n,2,0\n", "data.csv:2:1: field 1: ", "is empty", "Write a number"},
        {"1,2,0\n1,,0\n", "data.csv:2:3: field 2: ", "is empty", "Write a number"},
        {"1,2,0\n1,  ,0\n", "data.csv:2:5: field 2: ", "is empty", "Write a number"},
        {"1,2,0\n1,\"\",0\n", "data.csv:2:3: field 2: ", "is empty", "Write a number"},
        {"1,2,0\n1,2,\n", "data.csv:2:5: field 3: ", "label is empty", "Write the number of the class"},
        {"1,2,0\n1,2,", "data.csv:2:5: field 3: ", "label is empty", "Write the number of the class"},
        {"1,a\n1,\n", "data.csv:2:3: field 2: ", "label is empty", "the name of the class", {.text_labels = true}},
    };
    CHECK_REFUSED(damages);
}

Test(csv, what_is_no_number_is_refused_with_its_place)
{
    static const Damage damages[] = {
        {"1,2,0\n1,abc,0\n", "data.csv:2:3: field 2: ", "\"abc\" is not a number", "Write one such as"},
        {"1,2,0\r\n  1 ,  a b ,0\r\n", "data.csv:2:8: field 2: ", "\"a b\" is not a number", ""},
        {"\"\xC3\xA9\xC3\xA9\",b,c\n\"1\",\xC3\xA9,0\n", "data.csv:2:5: field 2: ", "\"\xC3\xA9\" is not a number", ""},
        {"\"two\nlines\",b,c\n1,x,0", "data.csv:3:3: field 2: ", "\"x\"", ""},
        {"1,2,0\n\"two\nlines\",2,0\n", "data.csv:2:1: field 1: ", "\"two lines\" is not a number", ""},
        {"1,2,0\n\"1\n\",x,0\n", "data.csv:3:3: field 2: ", "\"x\"", ""},
        {"1,2,0\n\"1,5\",2,0\n", "data.csv:2:1: field 1: ", "\"1,5\" is not a number", ""},
        {"1,2,0\n0x10,2,0\n", "data.csv:2:1: field 1: ", "\"0x10\"", ""},
        {"1,2,0\n1e,2,0\n", "data.csv:2:1: field 1: ", "\"1e\"", ""},
        {"1,2,0\n1e+,2,0\n", "data.csv:2:1: field 1: ", "\"1e+\"", ""},
        {"1,2,0\n.,2,0\n", "data.csv:2:1: field 1: ", "\".\"", ""},
        {"1,2,0\n-,2,0\n", "data.csv:2:1: field 1: ", "\"-\"", ""},
        {"1,2,0\n+-1,2,0\n", "data.csv:2:1: field 1: ", "\"+-1\"", ""},
        {"1,2,0\n.e5,2,0\n", "data.csv:2:1: field 1: ", "\".e5\"", ""},
        {"1,2,0\n1.2.3,2,0\n", "data.csv:2:1: field 1: ", "\"1.2.3\"", ""},
        {"1,2,0\n1 2,2,0\n", "data.csv:2:1: field 1: ", "\"1 2\"", ""},
        {"1,2,0\n5\"6,2,0\n", "data.csv:2:1: field 1: ", "\"5\"6\"", ""},
        {"1,2,0\n3,?,0\n", "data.csv:2:3: field 2: ", "\"?\"", ""},
        {"1,2,0\n0123456789012345678901234567890123456789x,2,0\n",
         "data.csv:2:1: field 1: ", "\"012345678901234567890123456789...\"", "Write one"},
        {"1,2,0\naaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xC3\xA9z,2,0\n",
         "data.csv:2:1: ", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\"", ""},
        {"a,1\n\xC3\xA9\xE2\x82\xAC,x\n",
         "data.csv:2:4: field 2: ",
         "\"x\"",
         "",
         {.label_field = 1, .text_labels = true}},
        {"1,2,0\ra,2,0\r", "data.csv:2:1: field 1: ", "\"a\"", ""},
        {"\357\273\2771,x,0\n", "data.csv:1:3: field 2: ", "\"x\"", "CSV_HEADER_YES"}, /* the mark is no column */
    };
    CHECK_REFUSED(damages);
}

Test(csv, a_mistyped_first_row_is_an_error_and_no_header)
{
    static const Damage damages[] = {
        {"1,abc,0\n1,2,0\n", "data.csv:1:3: field 2: ", "\"abc\" is not a number", "CSV_HEADER_YES"},
        {"abc,0\n1,0\n", "data.csv:1:1: field 1: ", "\"abc\" is not a number", "CSV_HEADER_YES"},
        {"0,1,label\n5,6,1\n", "data.csv:1:5: field 3: ", "label \"label\" is not an integer", "CSV_HEADER_YES"},
        {"nan,2,0\n1,2,0\n", "data.csv:1:1: field 1: ", "not a finite", "leave"},
        {",,\n1,2,0\n", "data.csv:1:1: field 1: ", "is empty", "Write"},
        {"1,abc,setosa\n",
         "data.csv:1:3: field 2: ",
         "\"abc\" is not a number",
         "CSV_HEADER_YES",
         {.text_labels = true}},
        {"a,b,c\n1,2,0\n", "data.csv:1:1: field 1: ", "\"a\" is not a number", "Write", {.header = CSV_HEADER_NO}},
    };
    CHECK_REFUSED(damages);
}

Test(csv, a_feature_that_is_not_finite_is_refused)
{
    static const char *const words[] = {"nan", "NaN", "-nan", "inf", "+Inf", "-INFINITY"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        char text[64];
        snprintf(text, sizeof text, "1,2,0\n3, %s,0\n", words[i]);
        const Damage damage = {text, "data.csv:2:4: field 2: ", "is not a finite number", "leave the row out"};
        check_refused(&damage, i);
    }
    static const Damage damages[] = {
        {"1,2,0\n1e309,2,0\n", "data.csv:2:1: field 1: ", "\"1e309\" is too large", "larger unit"},
        {"1,2,0\n1,-1e999,0\n", "data.csv:2:3: field 2: ", "\"-1e999\" is too large", "larger unit"},
    };
    CHECK_REFUSED(damages);
}

Test(csv, a_label_that_is_no_class_is_refused)
{
    static const Damage damages[] = {
        {"1,2,0\n1,2,Iris-setosa\n", "data.csv:2:5: field 3: ", "label \"Iris-setosa\" is not an integer", "0, 1, 2"},
        {"1,2,Iris-setosa\n", "data.csv:1:5: field 3: ", "\"Iris-setosa\" is not an integer", "CsvOptions.text_labels"},
        {"1,2,0\n1,2,1.5\n", "data.csv:2:5: field 3: ", "label \"1.5\" is not an integer", "0, 1, 2"},
        {"1,2,0\n1,2,-1\n", "data.csv:2:5: field 3: ", "label \"-1\" is negative", "0, 1, 2"},
        {"1,2,0\n1,2,nan\n", "data.csv:2:5: field 3: ", "label \"nan\" is not an integer", "0, 1, 2"},
        {"1,2,0\n1,2,inf\n", "data.csv:2:5: field 3: ", "label \"inf\" is not an integer", "0, 1, 2"},
        {"1,2,0\n1,2,1000000000\n", "data.csv:2:5: field 3: ", "label \"1000000000\" is too large (at most 99999)",
         "0, 1"},
        {"1,2,0\n1,2,100000\n", "data.csv:2:5: field 3: ", "is too large", "0, 1, 2"},
        {"1,2,0\n1,2,1e999\n", "data.csv:2:5: field 3: ", "is too large", "0, 1, 2"},
        {"1,2,0\n1,2,-1e999\n", "data.csv:2:5: field 3: ", "is negative", "0, 1, 2"},
        {"0,1\n1.5,2\n", "data.csv:2:1: field 1: ", "\"1.5\" is not an integer", "0, 1, 2", {.label_field = 1}},
    };
    CHECK_REFUSED(damages);
}

Test(csv, too_many_text_labels_are_refused)
{
    char text[20000], *end = text;
    for (int i = 0; i <= CSV_TEXT_CLASSES_MOST; i++)
        end += sprintf(end, "1,name%d\n", i);
    const Damage damage = {text,
                           "data.csv:1001:3: field 2: ",
                           "label \"name1000\" would be class number 1001",
                           "column?",
                           {.text_labels = true}};
    check_refused(&damage, 0);
}

Test(csv, a_label_column_that_is_not_there_is_refused)
{
    static const Damage damages[] = {
        {"a,b\n1,2\n",
         "data.csv:1:1: ",
         "\"c\" names the label's column, but is the name of no column",
         "label_name",
         {.label_name = "c"}},
        {"a,a,b\n1,2,3\n",
         "data.csv:1:1: ",
         "\"a\" names the label's column, but is the name of more than one",
         "label_name",
         {.label_name = "a"}},
        {"a,b\n1,2\n",
         "data.csv:1:1: ",
         "\"a\" names the label's column, but there is no header",
         "label_name",
         {.header = CSV_HEADER_NO, .label_name = "a"}},
        {"1,2\n", "data.csv:1:1: ", "label_field is 3, but the row has 2 fields", "label_field", {.label_field = 3}},
    };
    CHECK_REFUSED(damages);
}

Test(csv, a_quote_that_goes_wrong_is_refused)
{
    static const Damage damages[] = {
        {"1,2,0\n1,\"2,0\n3,4,1\n", "data.csv:2:3: field 2: ", "never closed", "Close it"},
        {"1,2,0\n1,2,\"", "data.csv:2:5: field 3: ", "never closed", "Close it"},
        {"1,2,0\n1,2,\"0\"\"", "data.csv:2:5: field 3: ", "never closed", "Close it"},
        {"1,2,0\n1,2,\"\"\"", "data.csv:2:5: field 3: ", "never closed", "Close it"},
        {"1,2,0\n1,\"2\"x,0\n", "data.csv:2:6: field 2: ", "after the closing quote", "as two: \"\""},
        {"1,2,0\n1,\"2\" x,0\n", "data.csv:2:7: field 2: ", "after the closing quote", "as two: \"\""},
        {"1,2,0\n1,\"a\nb\"c,0\n", "data.csv:3:3: field 2: ", "after the closing quote", ""},
    };
    CHECK_REFUSED(damages);
}

Test(csv, a_nul_byte_is_refused_with_its_place)
{
    static const struct {
        const char *text;
        size_t bytes;
        const char *place;
    } cases[] = {
        {"1,2,0\n3,\0,1\n", 12, "data.csv:2:3: "},
        {"\0", 1, "data.csv:1:1: "},
        {"1,2,0\n# \0\n", 10, "data.csv:2:3: "},
        {"\xFF\xFE\x31\0,\0", 6, "data.csv:1:4: "}, /* UTF-16 */
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        Dataset data;
        Error error;
        cr_expect(!parse_bytes(cases[i].text, cases[i].bytes, NULL, &data, &error), "%zu is accepted", i);
        cr_expect_eq(strncmp(error.message, cases[i].place, strlen(cases[i].place)), 0, "%zu: %s", i, error.message);
        cr_expect(strstr(error.message, "NUL byte") != NULL && strstr(error.message, "UTF-8") != NULL, "%s",
                  error.message);
        cr_expect(data.x == NULL, "the output is not zeroed");
    }
}

Test(csv, every_message_is_complete_however_long_the_path)
{
    char name[4000];
    memset(name, 'd', sizeof name);
    strcpy(name + sizeof name - 10, "/data.csv");
    Dataset data;
    Error error;
    char text[] = "1,2,0\n3,aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa,1\n";
    cr_assert(!csv_parse(name, text, strlen(text), NULL, &data, &error));
    cr_expect(strstr(error.message, "/data.csv:2:3: field 2: ") != NULL && strstr(error.message, "1e-3.") != NULL, "%s",
              error.message);
    cr_assert(!csv_load(name, &data, &error));
    cr_expect(strstr(error.message, "Check the path.") != NULL, "%s", error.message);
}

Test(csv, every_cut_of_a_good_file_is_read_or_refused)
{
    static const char text[] = "\xEF\xBB\xBFx1,\"x \"\"2\"\"\",label\r\n# c\r\n 0.5 ,\"-2\",0\r\n\r\n1e-3,4,1\r\n";
    for (size_t bytes = 0; bytes < sizeof text; bytes++) { /* a sanitizer sees a step beyond the end */
        Dataset data;
        Error error = {""};
        const bool ok = parse_bytes(text, bytes, NULL, &data, &error);
        cr_expect(ok == (data.x != NULL) && ok == (error.message[0] == '\0'), "%zu bytes: %s", bytes, error.message);
        dataset_free(&data);
    }
}

/* ---- files ------------------------------------------------------------------------------------------------------- */

static char path[300];

static void make_path(void)
{
    const char *parent = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/stepgrad_csv_XXXXXX", parent != NULL ? parent : "/tmp");
    const int file = mkstemp(path);
    cr_assert(file >= 0, "no file %s", path);
    close(file);
}

static void remove_path(void) { remove(path); }

static void write_file(const char *text, size_t bytes)
{
    FILE *file = fopen(path, "wb");
    cr_assert(file != NULL && fwrite(text, 1, bytes, file) == bytes && fclose(file) == 0, "cannot write %s", path);
}

Test(csv, a_file_larger_than_the_first_buffer_is_read_whole, .init = make_path, .fini = remove_path)
{
    /* Sizes around 64 K and 128 K, where the buffer is full to the last byte. */
    for (size_t size = 65532; size <= 131080; size += size < 65540 || size > 131060 ? 1 : 65524) {
        char *text = malloc(size);
        memset(text, ' ', size);
        memcpy(text, "1,2,3\n4,", 8);
        memcpy(text + size - 3, "5,6", 3);
        write_file(text, size);
        Dataset data;
        Error error;
        cr_assert(csv_load(path, &data, &error), "%zu bytes: %s", size, error.message);
        cr_expect(data.count == 2 && data.x[3] == 5 && data.label[1] == 6, "%zu bytes", size);
        dataset_free(&data);
        free(text);
    }
}

Test(csv, a_damaged_file_is_named_in_the_message, .init = make_path, .fini = remove_path)
{
    Dataset data;
    Error error;
    char want[400];
    write_file("1,2,0\n1,x,0\n", 12);
    cr_assert(!csv_load(path, &data, &error));
    snprintf(want, sizeof want, "%s:2:3: field 2: \"x\" is not a number. Write one such as -0.5 or 1e-3.", path);
    cr_expect_str_eq(error.message, want, "got: %s", error.message);
    write_file("", 0);
    cr_assert(!csv_load(path, &data, &error));
    cr_expect(strstr(error.message, ":1:1: the file is empty") != NULL, "got: %s", error.message);
    cr_expect(!csv_load(path, &data, NULL), "a NULL error is allowed");
}

Test(csv, a_file_that_is_not_there_is_an_error)
{
    Dataset data;
    Error error;
    cr_expect(!csv_load("no/such/file.csv", &data, &error));
    cr_expect_str_eq(error.message, "no/such/file.csv: cannot be read: No such file or directory. Check the path.",
                     "got: %s", error.message);
    cr_expect(data.x == NULL && data.count == 0, "the output is not zeroed");
}

Test(csv, a_directory_is_an_error)
{
    Dataset data;
    Error error;
    cr_expect(!csv_load("/", &data, &error));
    cr_expect(strstr(error.message, "/: cannot be ") == error.message, "got: %s", error.message);
    cr_expect(strstr(error.message, "Is a directory") != NULL, "got: %s", error.message);
}

#if defined(__linux__)
Test(csv, a_read_error_is_an_error_and_not_the_end_of_the_file)
{
    Dataset data;
    Error error;
    cr_expect(!csv_load("/proc/self/mem", &data, &error)); /* address 0 cannot be read: EIO */
    cr_expect(strstr(error.message, "cannot be read: Input/output error") != NULL, "got: %s", error.message);
}

Test(csv, a_device_without_end_is_an_error)
{
    Dataset data;
    Error error;
    cr_expect(!csv_load("/dev/zero", &data, &error));
    cr_expect(strstr(error.message, "/dev/zero:1:1: there is a NUL byte") != NULL, "got: %s", error.message);
}
#endif

/* ---- locale ------------------------------------------------------------------------------------------------------ */

static void expect_points_in(const char *locale)
{
    use_locale(locale);
    Dataset data = parse("1.5,-2.25e1,-.5,7,0\n"), again;
    cr_expect(data.x[0] == 1.5 && data.x[1] == -22.5 && data.x[2] == -0.5 && data.x[3] == 7, "got %g %g %g %g",
              data.x[0], data.x[1], data.x[2], data.x[3]);
    Error error = {""};
    cr_assert(dataset_save(&data, path, &error) && csv_load(path, &again, &error), "%s", error.message);
    cr_expect_arr_eq(again.x, data.x, 4 * sizeof *data.x, "saved and loaded: %g %g", again.x[0], again.x[1]);
    dataset_free(&data), dataset_free(&again);
    const Damage damage = {"1,2,0\n3,\"1\xD9\xAB"
                           "5\",0\n",
                           "data.csv:2:3: field 2: ", "is not a number", "such as"};
    check_refused(&damage, 0);
}

Test(csv, a_decimal_comma_in_the_locale_changes_nothing, .init = make_path, .fini = remove_path)
{
    expect_points_in("de_DE.UTF-8");
}

Test(csv, a_decimal_mark_of_two_bytes_in_the_locale_changes_nothing, .init = make_path, .fini = remove_path)
{
    expect_points_in("ps_AF.UTF-8");
}

/* ---- no memory --------------------------------------------------------------------------------------------------- */

Test(csv, every_allocation_may_fail, .init = make_path, .fini = remove_path)
{
    enum { ROWS = 20000, MOST = 1000 };
    char *text = malloc(ROWS * 24), *end = text + sprintf(text, "a,b,c,label\n");
    for (int i = 0; i < ROWS; i++)
        end += sprintf(end, "%d,2,3,class%d\n", i, i % 9);
    write_file(text, (size_t)(end - text));
    free(text);
    size_t failures = 0;
    for (bool ok = false; !ok && failures < MOST; failures += !ok) {
        Dataset data;
        Error error = {""};
        memory_fails_once(failures);
        ok = csv_load_with(path, &(CsvOptions){.text_labels = true}, &data, &error);
        memory_restore();
        cr_expect(ok || strstr(error.message, "no memory") != NULL, "allocation %zu: \"%s\"", failures, error.message);
        cr_expect(ok ? data.count == ROWS : data.x == NULL && data.count == 0 && data.class_names == NULL,
                  "allocation %zu", failures);
        dataset_free(&data);
    }
    /* the file doubles three times, the header has three names, nine classes have one each, and there is the doubling
     * of rows */
    cr_expect(failures > 20 && failures < MOST, "%zu allocations failed in turn", failures);
}
