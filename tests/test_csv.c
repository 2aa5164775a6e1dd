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

#include "caught.h"
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
    cr_expect(data.count == 1 && data.features == 1 && data.x[0] == 7 && data.label[0] == 0 && data.classes == 1);
    cr_expect_str_eq(data.class_names[0], "2");
    dataset_free(&data);
}

Test(csv, the_label_may_stand_in_any_column)
{
    static const CsvOptions options[] = {{.label = "2"}, {.label = "kind"}, {.label = "2", .header = CSV_HEADER_YES}};
    for (size_t i = 0; i < 3; i++) {
        Dataset data = parse_with("a,kind,b\n1,5,2\n3,0,4\n", options[i]);
        static const double x[] = {1, 2, 3, 4};
        cr_expect(memcmp(data.x, x, sizeof x) == 0 && data.label[0] == 1 && data.label[1] == 0, "options %zu", i);
        cr_expect_str_eq(data.feature_names[1], "b");
        dataset_free(&data);
    }
}

/* The label is the last column, the first one, or one with leading zeros, with names or without. */
Test(csv, the_label_may_be_a_number_from_the_first_column_to_the_last)
{
    static const struct {
        const char *text, *label;
        double x[4];
    } cases[] = {{"1,2,5\n3,4,0\n", "3", {1, 2, 3, 4}},
                 {"5,1,2\n0,3,4\n", "1", {1, 2, 3, 4}},
                 {"1,5,2\n3,0,4\n", "000000002", {1, 2, 3, 4}},
                 {"a,b,kind\n1,2,5\n3,4,0\n", "3", {1, 2, 3, 4}},
                 {"label,b,kind\n1,2,5\n3,4,0\n", "3", {1, 2, 3, 4}}}; /* asked for: no doubt about the first */
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        Dataset data = parse_with(cases[i].text, (CsvOptions){.label = cases[i].label});
        cr_assert(data.count == 2 && data.features == 2 && data.classes == 2, "case %zu", i);
        cr_expect(memcmp(data.x, cases[i].x, sizeof cases[i].x) == 0, "case %zu: %g %g %g %g", i, data.x[0], data.x[1],
                  data.x[2], data.x[3]);
        cr_expect(data.label[0] == 1 && data.label[1] == 0, "case %zu: labels %d %d", i, data.label[0], data.label[1]);
        cr_expect_str_eq(data.class_names[1], "5");
        dataset_free(&data);
    }
}

Test(csv, the_separator_is_found)
{
    static const char *const texts[] = {
        "x1;x2;label\n0.5;-2;a\n1;4;b\n",
        "0.5\t-2\ta\n1\t4\tb\n",
        "x1|x2|label\n0.5|-2|a\n1|4|b\n",
        "x1;x2;label\n0,5;-2;a\n1,0;4,0;b\n",                    /* decimal commas */
        "x1\tx2\tlabel\n\"0,5\"\t-2\ta\n1\t4\tb\n",              /* in quotes too */
        "sep=;\n0,5;-2;a\n1;4;b\n",                              /* as Excel writes it */
        "\xEF\xBB\xBFsep=|\r\nx1|x2|label\r\n0.5|-2|a\r\n1|4|b", /* after a byte order mark */
        "sep=:\n0.5:-2:a\n1:4:b\n",                              /* one that would not be found */
        "0.5,\t-2,\ta\n1,\t4,\tb\n",                             /* tabs that do not separate */
        "\"x;1\",\"x|2\",label\n0.5,-2,a\n1,4,b\n",              /* nor do others in quotes */
        "x1,x2,label,\n0.5,-2,a,\n1,4,b,\n",                     /* separators at the end of every row */
        "x1;x2;label;;\r\n0,5;-2;a;;\r\n1;4;b;;\r\n",
        "x1,x2,label\n0.5,-2,a,\n1,4,b,\n", /* but for the header */
        "x1,x2,label,,\n0.5,-2,a\n1,4,b\n", /* or in the header alone */
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        static const double x[] = {0.5, -2, 1, 4};
        Dataset data = parse(texts[i]);
        cr_assert(data.count == 2 && data.features == 2 && data.classes == 2, "text %zu: %zu × %zu, %d classes", i,
                  data.count, data.features, data.classes);
        cr_expect(memcmp(data.x, x, sizeof x) == 0, "text %zu: %g %g %g %g", i, data.x[0], data.x[1], data.x[2],
                  data.x[3]);
        cr_expect_str_eq(data.class_names[1], "b", "text %zu", i);
        dataset_free(&data);
    }
}

Test(csv, a_label_with_a_decimal_comma_is_a_number)
{
    Dataset data = parse("1;0,5\n2;1,0\n3;1\n4;0,50\n");
    cr_expect(data.classes == 2 && data.label[1] == data.label[2] && data.label[0] == data.label[3]);
    cr_expect_str_eq(data.class_names[0], "0.5");
    dataset_free(&data);
}

Test(csv, two_decimal_marks_in_a_file_are_refused)
{
    static const Damage damages[] = {
        {"1,5;2;a\n1.234;2;b\n", "data.csv:2:1: field 1: ", "has a decimal point, unlike", "alike"},
        {"1.5\t2\ta\n3\t2,5\tb\n", "data.csv:2:3: field 2: ", "has a decimal comma, unlike", "alike"},
        {"1.234,5;2;a\n", "data.csv:1:1: field 1: ", "is not a number", ""},
    };
    CHECK_REFUSED(damages);
}

Test(csv, rows_with_missing_values_may_be_skipped)
{
    size_t skipped = 99;
    const CsvOptions options = {.skip_missing = &skipped};
    Dataset data = parse_with("x,y,label\n1,2,a\n,2,a\n3,NaN,b\n4,5,?\n6,7,\"NA\"\n8,9,NA\n", options);
    cr_expect(data.count == 2 && data.x[2] == 6 && data.classes == 2 && skipped == 4, "%zu rows, %zu skipped",
              data.count, skipped);
    cr_expect_str_eq(data.class_names[0], "NA");
    dataset_free(&data);
    data = parse_with("1;2,5;0\n;;\n3;4;1\n", options);
    cr_expect(data.count == 2 && data.x[1] == 2.5 && skipped == 1, "%zu rows, %zu skipped", data.count, skipped);
    dataset_free(&data);
    const char *no_number = "?|?|a;b\n"; /* the separator is that of which there are more */
    char text[100] = "";
    for (int i = 0; i < 5; i++)
        strcat(text, no_number);
    data = parse_with(strcat(text, "1|2|b\n1|2|\"\"\n"), options);
    cr_expect(data.count == 1 && data.x[0] == 1 && skipped == 6, "%zu rows, %zu skipped", data.count, skipped);
    dataset_free(&data);
    const Damage damages[] = {
        {"x,y,label\n1,,a\n,2,a\n",
         "data.csv:1:1: ",
         "all 2 rows have missing values",
         "Fill",
         {.skip_missing = &skipped}},
        {"1,,a\nx,2,a\n", "data.csv:2:1: field 1: ", "is not a number", "Write", {.skip_missing = &skipped}},
    };
    CHECK_REFUSED(damages);
}

Test(csv, rows_to_predict_need_no_label)
{
    Dataset data = parse_with("a,b\n1,2\n3,4\n5,6\n", (CsvOptions){.no_label = true});
    cr_expect(data.count == 3 && data.features == 2 && data.x[5] == 6 && data.classes == 0 && data.label[2] == 0);
    cr_expect_str_eq(data.feature_names[1], "b");
    dataset_free(&data);
    data = parse_with("7\n8\n", (CsvOptions){.no_label = true});
    cr_expect(data.count == 2 && data.features == 1 && data.x[1] == 8);
    dataset_free(&data);
}

/* ---- csv-spectrum ------------------------------------------------------------------------------------------------ */

/* The files of npm's csv-spectrum 2.0.0 (BSD-2-Clause), row by row, and their fields. */
typedef struct Spectrum {
    const char *name, *rows[4], *fields[4][5];
} Spectrum;

static const Spectrum spectrum[] = {
    {"comma_in_quotes",
     {"first,last,address,city,zip\n", "John,Doe,120 any st.,\"Anytown, WW\",08123\n"},
     {{"first", "last", "address", "city", "zip"}, {"John", "Doe", "120 any st.", "Anytown, WW", "08123"}}},
    {"empty", {"a,b,c\n", "1,\"\",\"\"\n", "2,3,4"}, {{"a", "b", "c"}, {"1", "", ""}, {"2", "3", "4"}}},
    {"empty_crlf", {"a,b,c\r\n", "1,\"\",\"\"\r\n", "2,3,4"}, {{"a", "b", "c"}, {"1", "", ""}, {"2", "3", "4"}}},
    {"escaped_quotes", {"a,b\n", "1,\"ha \"\"ha\"\" ha\"\n", "3,4\n"}, {{"a", "b"}, {"1", "ha \"ha\" ha"}, {"3", "4"}}},
    {"json",
     {"key,val\n", "1,\"{\"\"type\"\": \"\"Point\"\", \"\"coordinates\"\": [102.0, 0.5]}\"\n"},
     {{"key", "val"}, {"1", "{\"type\": \"Point\", \"coordinates\": [102.0, 0.5]}"}}},
    {"location_coordinates",
     {"Contact Phone Number,Location Coordinates,Cities,Counties\n", "2095257564,37\xEF\xBF\xBD"
                                                                     "36'37.8\"N 121\xEF\xBF\xBD"
                                                                     "2'17.9\"W,Modesto,Stanislaus"},
     {{"Contact Phone Number", "Location Coordinates", "Cities", "Counties"},
      {"2095257564",
       "37\xEF\xBF\xBD"
       "36'37.8\"N 121\xEF\xBF\xBD"
       "2'17.9\"W",
       "Modesto", "Stanislaus"}}},
    {"newlines",
     {"a,b,c\n", "1,2,3\n", "\"Once upon \na time\",5,6\n", "7,8,9\n"},
     {{"a", "b", "c"}, {"1", "2", "3"}, {"Once upon \na time", "5", "6"}, {"7", "8", "9"}}},
    {"newlines_crlf",
     {"a,b,c\r\n", "1,2,3\r\n", "\"Once upon \r\na time\",5,6\r\n", "7,8,9\r\n"},
     {{"a", "b", "c"}, {"1", "2", "3"}, {"Once upon \r\na time", "5", "6"}, {"7", "8", "9"}}},
    {"quotes_and_newlines",
     {"a,b\n", "1,\"ha \n\"\"ha\"\" \nha\"\n", "3,4\n"},
     {{"a", "b"}, {"1", "ha \n\"ha\" \nha"}, {"3", "4"}}},
    {"simple", {"a,b,c\n", "1,2,3"}, {{"a", "b", "c"}, {"1", "2", "3"}}},
    {"simple_crlf", {"a,b,c\r\n", "1,2,3"}, {{"a", "b", "c"}, {"1", "2", "3"}}},
    {"utf8", {"a,b,c\n", "1,2,3\n", "4,5,\xCA\xA4"}, {{"a", "b", "c"}, {"1", "2", "3"}, {"4", "5", "\xCA\xA4"}}},
};

/* Each row is read as the header of a file: there a field may be any text. */
Test(csv, every_field_of_csv_spectrum_is_read)
{
    for (size_t f = 0; f < sizeof spectrum / sizeof *spectrum; f++)
        for (size_t row = 0; row < 4 && spectrum[f].rows[row] != NULL; row++) {
            const char *const *want = spectrum[f].fields[row];
            char text[300];
            size_t columns = 0;
            while (columns < 5 && want[columns] != NULL)
                columns++;
            snprintf(text, sizeof text, "%s\n%.*s", spectrum[f].rows[row], (int)(2 * columns - 1), "1,2,3,4,5");
            Dataset data = parse_with(text, (CsvOptions){.header = CSV_HEADER_YES, .no_label = true});
            cr_assert_eq(data.features, columns, "%s: %zu fields", spectrum[f].name, data.features);
            for (size_t i = 0; i < columns; i++)
                cr_expect_str_eq(data.feature_names[i], want[i], "%s, row %zu: \"%s\", want \"%s\"", spectrum[f].name,
                                 row, data.feature_names[i], want[i]);
            dataset_free(&data);
        }
}

/* The files as they are, where the other columns are numbers. */
Test(csv, the_files_of_csv_spectrum_are_read_whole)
{
    static const struct {
        const char *name, *label, *classes[3];
        size_t count, skipped;
        double first;
    } wanted[] = {
        {"empty", NULL, {"4"}, 1, 1, 2},
        {"empty_crlf", NULL, {"4"}, 1, 1, 2},
        {"escaped_quotes", NULL, {"4", "ha \"ha\" ha"}, 2, 0, 1},
        {"json", NULL, {"{\"type\": \"Point\", \"coordinates\": [102.0, 0.5]}"}, 1, 0, 1},
        {"newlines", "a", {"1", "7", "Once upon \na time"}, 3, 0, 2},
        {"newlines_crlf", "a", {"1", "7", "Once upon \r\na time"}, 3, 0, 2},
        {"quotes_and_newlines", "b", {"4", "ha \n\"ha\" \nha"}, 2, 0, 1},
        {"simple", "1", {"1"}, 1, 0, 2},
        {"simple_crlf", "c", {"3"}, 1, 0, 1},
        {"utf8", "c", {"3", "\xCA\xA4"}, 2, 0, 1},
    };
    for (size_t w = 0; w < sizeof wanted / sizeof *wanted; w++) {
        const Spectrum *file = spectrum;
        while (strcmp(file->name, wanted[w].name) != 0)
            file++;
        char text[300] = "";
        size_t skipped;
        for (size_t row = 0; row < 4 && file->rows[row] != NULL; row++)
            strcat(text, file->rows[row]);
        Dataset data = parse_with(text, (CsvOptions){.label = wanted[w].label, .skip_missing = &skipped});
        cr_expect(data.count == wanted[w].count && skipped == wanted[w].skipped && data.x[0] == wanted[w].first,
                  "%s: %zu rows, %zu skipped, %g", file->name, data.count, skipped, data.x[0]);
        for (int c = 0; c < data.classes; c++)
            cr_expect_str_eq(data.class_names[c], wanted[w].classes[c], "%s: class %d is %s", file->name, c,
                             data.class_names[c]);
        dataset_free(&data);
    }
}

/* ---- separators -------------------------------------------------------------------------------------------------- */

Test(csv, another_separator_may_be_asked_for)
{
    Dataset data = parse_with("1.5;2;0\n", (CsvOptions){.separator = ';'});
    cr_expect(data.features == 2 && data.x[0] == 1.5);
    dataset_free(&data);
    data = parse_with("a\tb\tlabel\n1\t 2 \t0\n", (CsvOptions){.separator = '\t'});
    cr_expect(data.features == 2 && data.x[1] == 2);
    dataset_free(&data);
}

Test(csv, classes_are_the_distinct_labels_in_sorted_order)
{
    Dataset data = parse("1,virginica\n2, setosa \n3,virginica\n4,\"a, b\"\n");
    cr_expect(data.label[0] == 2 && data.label[1] == 1 && data.label[2] == 2 && data.label[3] == 0 &&
              data.classes == 3);
    cr_expect_str_eq(data.class_names[0], "a, b");
    cr_expect_str_eq(data.class_names[2], "virginica");
    dataset_free(&data);
    data = parse("1,2021\n2,1999\n3,\" 2021 \"\n4,2e3\n5,1999.0\n");
    static const int labels[] = {2, 0, 2, 1, 0};
    cr_expect(data.classes == 3 && memcmp(data.label, labels, sizeof labels) == 0);
    cr_expect_str_eq(data.class_names[1], "2e3");
    dataset_free(&data);
}

Test(csv, a_header_is_seen_when_some_of_its_names_are_numbers)
{
    Dataset data = parse("150,4,setosa,versicolor,virginica\n5,3,1,0.2,0\n"); /* as scikit-learn's iris.csv begins */
    cr_expect(data.count == 1 && data.x[0] == 5);
    cr_expect_str_eq(data.feature_names[3], "versicolor");
    dataset_free(&data);
    data = parse_with("a,2020\n5,1\n", (CsvOptions){.label = "2020"}); /* asking for a name says that there is one */
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

Test(csv, extreme_numbers_are_read)
{
    Dataset data = parse("1.7976931348623157e308,4.9e-324,1e-400,-0,99999\n");
    cr_expect(data.x[0] == 0x1.fffffffffffffp1023 && data.x[1] == 0x1p-1074 && data.x[2] == 0 && signbit(data.x[3]));
    cr_expect_str_eq(data.class_names[0], "99999");
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
    cr_assert(data.count == 1 && data.features == COLUMNS && data.x[COLUMNS - 1] == COLUMNS - 1);
    dataset_free(&data);
    free(text);
}

/* ---- what is refused --------------------------------------------------------------------------------------------- */

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
        {"\n  1;2;0\n", "data.csv:2:3: ", "one field", "set option separator", {.separator = ','}},
        {"1 2 0\n", "data.csv:1:1: ", "one field", "set --separator", {.prefix = "--"}},
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
        {"a,b,label\n1,2,0,\n1,2,0\n", "data.csv:3:5: ", "3 fields, not 4 as in line 2", "Add"},
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
        {"1,2,0\n1,2,\n", "data.csv:2:5: field 3: ", "label is empty", "Write the class"},
        {"1,2,0\n1,2,", "data.csv:2:5: field 3: ", "label is empty", "Write the class"},
        {"1,a\n1,\n", "data.csv:2:3: field 2: ", "label is empty", "the class"},
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
        {"1,2,0\n01234567890123456789012345678x,2,0\n",
         "data.csv:2:1: field 1: ", "\"01234567890123456789012345678x\" ", ""},
        {"1,2,0\naaaaaaaaaaaaaaaaaaaaaaaaaaaaa\xC3\xA9z,2,0\n",
         "data.csv:2:1: ", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaa...\"", ""},
        {"a,1\n\xC3\xA9\xE2\x82\xAC,x\n", "data.csv:2:4: field 2: ", "\"x\"", "", {.label = "1"}},
        {"1,2,0\ra,2,0\r", "data.csv:2:1: field 1: ", "\"a\"", ""},
        {"\357\273\2771,x,0\n", "data.csv:1:3: field 2: ", "\"x\"",
         "set option header=yes"}, /* the mark is no column */
    };
    CHECK_REFUSED(damages);
}

Test(csv, a_mistyped_first_row_is_an_error_and_no_header)
{
    static const Damage damages[] = {
        {"1,abc,0\n1,2,0\n", "data.csv:1:3: field 2: ", "\"abc\" is not a number", "set option header=yes"},
        {"abc,0\n1,0\n", "data.csv:1:1: field 1: ", "\"abc\" is not a number", "set option header=yes"},
        {"0,1,label\n5,6,1\n", "data.csv:1:5: field 3: ", "label \"label\" is a word, and the label below is a number",
         "set option header=yes"},
        {"nan,2,0\n1,2,0\n", "data.csv:1:1: field 1: ", "missing value", "leave"},
        {",,\n1,2,0\n", "data.csv:1:1: field 1: ", "is empty", "Write"},
        {"1,abc,setosa\n", "data.csv:1:3: field 2: ", "\"abc\" is not a number", "set --header=yes", {.prefix = "--"}},
        {"a,b,c\n1,2,0\n", "data.csv:1:1: field 1: ", "\"a\" is not a number", "Write", {.header = CSV_HEADER_NO}},
    };
    CHECK_REFUSED(damages);
}

Test(csv, a_feature_that_is_not_finite_is_refused)
{
    static const char *const words[] = {"inf", "+Inf", "-INFINITY", "-inf"};
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

Test(csv, a_missing_value_is_refused_with_its_place)
{
    static const char *const words[] = {"nan", "NaN", "-nan", "NA", "n/a", "?", "NULL"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        char text[64];
        snprintf(text, sizeof text, "1,2,0\n3, %s,0\n", words[i]);
        const Damage feature = {text, "data.csv:2:4: field 2: ", "stands for a missing value", "skip-missing"};
        check_refused(&feature, i);
        snprintf(text, sizeof text, "1,2,a\n3,4, %s\n", words[i]);
        const Damage label = {text, "data.csv:2:6: field 3: label ", "stands for a missing value", "skip-missing"};
        check_refused(&label, i);
    }
}

Test(csv, a_label_that_is_not_finite_is_refused)
{
    static const Damage damages[] = {
        {"1,2,0\n1,2,inf\n", "data.csv:2:5: field 3: ", "label \"inf\" is not a finite number", "in quotes"},
        {"1,2,0\n1,2,-1e999\n", "data.csv:2:5: field 3: ", "label \"-1e999\" is not a finite number", "in quotes"},
    };
    CHECK_REFUSED(damages);
    Dataset data = parse("1,\"inf\"\n2,\"NA\"\n3,\"nan\"\n");
    cr_assert_eq(data.classes, 3);
    cr_expect_str_eq(data.class_names[0], "NA", "a word in quotes is a word");
    dataset_free(&data);
}

Test(csv, nearly_as_many_classes_as_rows_are_refused)
{
    char prices[2000], *end = prices + sprintf(prices, "area,price\n");
    for (int i = 0; i < 40; i++)
        end += sprintf(end, "%d,%d\n", i, 100000 + 2500 * (i % 25));
    const Damage damages[] = {
        {prices, "data.csv:1:1: field 2: ", "25 different values in 40 rows", "regression, or the wrong column"},
        {"1,a\n2,b\n3,c\n4,d\n5,e\n6,f\n7,g\n8,h\n9,i\n10,j\n11,k\n", "data.csv:1:1: field 2: ", "11 different values",
         "Set option label"},
        {"1,0.5\n2,1.7\n3,2\n",
         "data.csv:1:1: field 2: ",
         "3 different values in 3 rows",
         "Set --label",
         {.prefix = "--"}},
    };
    CHECK_REFUSED(damages);
    Dataset data = parse_with(prices, (CsvOptions){.many_classes = true});
    cr_expect(data.classes == 25 && data.label[39] == 14);
    dataset_free(&data);
    data = parse("1,0.5\n2,1.5\n3,0.5\n4,1.5\n");
    cr_expect_eq(data.classes, 2, "two rows each are classes");
    dataset_free(&data);
    data = parse("1,2\n2,1\n3,7\n");
    cr_expect_eq(data.classes, 3, "three rows of three digits");
    dataset_free(&data);
}

Test(csv, a_label_column_that_is_not_there_is_refused)
{
    static const Damage damages[] = {
        {"a,b\n1,2\n", "data.csv:1:1: ", "label=c: no column has this name", "from 1 to 2", {.label = "c"}},
        {"a,a,b\n1,2,3\n", "data.csv:1:1: ", "label=a: 2 columns have this name", "Give its number", {.label = "a"}},
        {"a,b\n1,2\n",
         "data.csv:1:1: ",
         "label=a: there is no header",
         "from 1 to 2",
         {.header = CSV_HEADER_NO, .label = "a"}},
        {"1,2\n", "data.csv:1:1: ", "--label=3: no column", "from 1 to 2", {.label = "3", .prefix = "--"}},
        {"1,2\n", "data.csv:1:1: ", "label=0: no column", "from 1 to 2", {.label = "0"}},
        {"x,Class,y\n1,a,3\n", "data.csv:1:3: field 2: ", "\"Class\" is this the label?", "label=2 or option label=3"},
    };
    CHECK_REFUSED(damages);
    Dataset data = parse_with("2,b,1\n7,8,9\n", (CsvOptions){.label = "2", .header = CSV_HEADER_YES});
    cr_expect_str_eq(data.class_names[0], "7", "a name comes before a number");
    dataset_free(&data);
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

Test(csv, text_in_utf16_is_refused)
{
    static const char *const texts[] = {"\xFF\xFE\x31\0,\0\x32\0", "\xFE\xFF\0\x31\0,\0\x32"};
    for (size_t i = 0; i < 2; i++) {
        Dataset data;
        Error error;
        cr_expect(!parse_bytes(texts[i], 8, NULL, &data, &error), "%zu is accepted", i);
        cr_expect_str_eq(error.message, "data.csv:1:1: this is text in UTF-16. Save it as CSV in UTF-8.");
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
        cr_expect(data.count == 2 && data.x[3] == 5 && data.label[1] == 1, "%zu bytes", size);
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

/* ---- data sets ----------------------------------------------------------------------------------------------------
 */

/* Iris: 150 rows, 50 of each class; the sums of its columns are from Python. */
static void expect_iris(const Dataset *data, bool reversed)
{
    static const char *const names[] = {"setosa", "versicolor", "virginica"};
    static const double sums[] = {876.5, 458.6, 563.7, 179.9};
    cr_assert(data->count == 150 && data->features == 4 && data->classes == 3);
    cr_expect_str_eq(data->feature_names[3], "petal width (cm)");
    for (size_t c = 0; c < 3; c++) {
        cr_expect_str_eq(data->class_names[c], names[c]);
        for (size_t i = 0; i < 50; i++)
            cr_expect_eq(data->label[50 * (reversed ? 2 - c : c) + i], (int)c, "class %zu, row %zu", c, i);
    }
    for (size_t f = 0; f < 4; f++) {
        double sum = 0;
        for (size_t i = 0; i < 150; i++)
            sum += dataset_row(data, i)[f];
        cr_expect_float_eq(sum, sums[f], 1e-9, "column %zu: %.17g", f, sum);
    }
}

#define GOLDEN "tests/golden/csv/"

Test(csv, iris_has_the_same_classes_in_any_order_and_with_any_separator, .init = make_path, .fini = remove_path)
{
    Dataset data;
    Error error;
    char text[8192], *row[151], *end = text;
    cr_assert(csv_load(GOLDEN "iris.csv", &data, &error), "%s", error.message);
    expect_iris(&data, false);
    dataset_free(&data);
    FILE *in = fopen(GOLDEN "iris.csv", "r");
    for (int i = 0; i < 151; end += strlen(end) + 1, i++)
        cr_assert_not_null(row[i] = fgets(end, (int)(text + sizeof text - end), in));
    fclose(in);
    for (int way = 0; way < 2; way++) { /* rows reversed; then a ; for each comma */
        FILE *out = fopen(path, "w");
        for (int i = 0; i < 151; i++)
            for (const char *c = row[i > 0 && way == 0 ? 151 - i : i]; *c != '\0'; c++)
                fputc(*c == ',' && way == 1 ? ';' : *c, out);
        fclose(out);
        cr_assert(csv_load(path, &data, &error), "%s", error.message);
        expect_iris(&data, way == 0);
        dataset_free(&data);
    }
}

Test(csv, wine_has_its_label_first)
{
    static const int counts[] = {59, 71, 48};
    Dataset data;
    Error error;
    cr_expect(!csv_load(GOLDEN "wine.csv", &data, &error));
    cr_expect(strstr(error.message, "field 14: this column has 121 different values in 178 rows") != NULL, "%s",
              error.message);
    cr_assert(csv_load_with(GOLDEN "wine.csv", &(CsvOptions){.label = "1"}, &data, &error), "%s", error.message);
    cr_assert(data.count == 178 && data.features == 13 && data.classes == 3);
    int seen[3] = {0};
    double sum = 0;
    for (size_t i = 0; i < data.count; i++) {
        seen[data.label[i]]++;
        sum += dataset_row(&data, i)[12];
    }
    cr_expect_arr_eq(seen, counts, sizeof counts);
    cr_expect_eq(sum, 132947, "the last column sums to %g", sum);
    cr_expect_str_eq(data.class_names[2], "3");
    dataset_free(&data);
}

Test(csv, small_files_that_once_went_wrong)
{
    Dataset data = parse("x1,x2,quality\n0.1,0.2,3\n1,2,1\n0.3,0.1,3\n2,1,1\n1,0,2\n");
    static const int quality[] = {2, 0, 2, 0, 1};
    cr_expect(data.classes == 3 && memcmp(data.label, quality, sizeof quality) == 0, "labels from 1");
    dataset_free(&data);
    data = parse("x1,x2,label,\n1,2,0,\n3,4,1,\n");
    cr_expect(data.features == 2 && data.classes == 2 && data.x[2] == 3 && data.label[1] == 1);
    dataset_free(&data);
    data = parse_with("label,x1,x2\n0,1.5,2\n1,3,4\n", (CsvOptions){.label = "label"});
    cr_expect(data.features == 2 && data.classes == 2 && data.x[0] == 1.5 && data.x[3] == 4 && data.label[1] == 1);
    cr_expect_str_eq(data.feature_names[0], "x1");
    dataset_free(&data);
}

Test(csv, null_is_misuse_at_the_callers_line)
{
    static Dataset data;
    MUST_BE_MISUSE(csv_load(NULL, &data, NULL), "csv_load: the path is NULL");
    MUST_BE_MISUSE(csv_load_with(GOLDEN "iris.csv", NULL, NULL, NULL), "csv_load: the Dataset is NULL");
    MUST_BE_MISUSE(csv_parse(NULL, "1,2\n", 4, NULL, &data, NULL), "csv_parse: the name is NULL");
    MUST_BE_MISUSE(csv_parse("name", NULL, 0, NULL, &data, NULL), "csv_parse: the text is NULL");
    MUST_BE_MISUSE(csv_parse("name", "1,2\n", 4, NULL, NULL, NULL), "csv_parse: the Dataset is NULL");
}

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

/* The row below tells what the first one is. */
Test(csv, want_of_memory_for_the_second_row_is_not_taken_for_something_else)
{
    const CsvOptions options = {.separator = ','}; /* so that no row is read to find it */
    char text[1000] = "1,2,abc\n1,2,0";
    Dataset data;
    bool failed = true;
    memset(text + strlen(text), ',', 900);
    for (size_t n = 0; failed && n < 100; n++) {
        Error error = {""};
        memory_fails_once(n);
        cr_expect_not(csv_parse("data.csv", text, strlen(text), &options, &data, &error), "allocation %zu", n);
        failed = memory_restore();
        cr_expect_not_null(strstr(error.message, failed ? "no memory" : "the label below is a number"),
                           "allocation %zu: %s", n, error.message);
    }
    cr_expect_not(failed, "100 allocations for two rows");
}

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
        ok = csv_load_with(path, NULL, &data, &error);
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
