/* test_number.c - numbers as text and back, in locales whose decimal mark is not a point. */
#define _XOPEN_SOURCE 700
#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "locales.h"
#include "number.h"
#include "random.h"

static double parsed(const char *text)
{
    double x = -12345;
    cr_expect(number_parse(text, strlen(text), &x), "\"%s\" is not read as a number", text);
    return x;
}

Test(number, text_is_what_printf_writes)
{
    char text[NUMBER_SIZE];
    cr_expect_str_eq(number_text(0.1, 'g', 4, text), "0.1");
    cr_expect_str_eq(number_text(-1234.5678, 'f', 2, text), "-1234.57");
    cr_expect_str_eq(number_text(1e-300, 'e', 3, text), "1.000e-300");
    cr_expect_str_eq(number_text(0.75, 'a', -1, text), "0x1.8p-1");
    cr_expect_str_eq(number_text(-INFINITY, 'g', 17, text), "-inf");
    number_text(-1.7976931348623157e308, 'f', 40, text);
    cr_expect_eq(strlen(text), 1 + 309 + 1 + 40, "the longest text has %zu characters", strlen(text));
}

Test(number, the_shortest_text_gives_the_number_back)
{
    char text[NUMBER_SIZE];
    cr_expect_str_eq(number_shortest(0.1, text), "0.1");
    cr_expect_str_eq(number_shortest(0.1 + 0.2, text), "0.30000000000000004");
    cr_expect_str_eq(number_shortest(5e-324, text), "4.94065645841247e-324");
    Random random;
    random_seed(&random, 7);
    for (int i = 0; i < 10000; i++) {
        const double x = ldexp(random_uniform(&random, -1, 1), i % 2000 - 1000);
        cr_assert_eq(parsed(number_shortest(x, text)), x, "%.17g became %s", x, text);
    }
}

Test(number, what_strtod_reads_is_a_number)
{
    cr_expect_eq(parsed("-2.5e-1"), -0.25);
    cr_expect_eq(parsed(".5"), 0.5);
    cr_expect_eq(parsed("+7."), 7);
    cr_expect_eq(parsed("0x1.8p1"), 3);
    cr_expect_eq(parsed("-inf"), -INFINITY);
    cr_expect(isnan(parsed("nan")));
    cr_expect_eq(parsed("1e999"), INFINITY);
    cr_expect_eq(errno, ERANGE, "errno is %d", errno);
    cr_expect_eq(parsed("inf"), INFINITY);
    cr_expect_neq(errno, ERANGE, "inf is as it should be, and errno that of the number before it");
}

Test(number, only_the_length_that_is_given_is_read)
{
    double x = 0;
    cr_expect(number_parse("12345", 2, &x) && x == 12, "read %g", x);
}

Test(number, anything_more_is_no_number)
{
    static const char *const wrong[] = {"", " 1", "1 ", "1,5", "1.5.2", "x", "1x", "--1", "0x", ".", "e5", "1e"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        double x;
        cr_expect(!number_parse(wrong[i], strlen(wrong[i]), &x), "\"%s\" is read as %g", wrong[i], x);
    }
    double x;
    cr_expect(!number_parse("1\0002", 3, &x), "a zero byte is read over");
    char endless[NUMBER_LENGTH_MOST + 1];
    memset(endless, '1', sizeof endless);
    cr_expect(number_parse(endless, NUMBER_LENGTH_MOST, &x) && isinf(x), "the longest text");
    cr_expect(!number_parse(endless, NUMBER_LENGTH_MOST + 1, &x), "a longer one");
}

/* Every digit of the exact decimal value of the largest denormal counts. */
Test(number, exact_decimals_of_767_digits_are_read)
{
    char text[NUMBER_LENGTH_MOST];
    const double x = 2.2250738585072009e-308;
    snprintf(text, sizeof text, "%.1074f", x);
    cr_expect_eq(parsed(text), x);
}

static void expect_points_in(const char *locale, const char *mark)
{
    char text[NUMBER_SIZE], local[64];
    double x;
    use_locale(locale);
    snprintf(local, sizeof local, "0%s5", mark);
    cr_assert_str_eq(localeconv()->decimal_point, mark);
    cr_expect_str_eq(number_text(-0.5, 'g', 17, text), "-0.5");
    cr_expect_str_eq(number_text(2.25, 'f', 3, text), "2.250");
    cr_expect_str_eq(number_text(0.75, 'a', -1, text), "0x1.8p-1");
    cr_expect_str_eq(number_shortest(0.1 + 0.2, text), "0.30000000000000004");
    cr_expect_eq(parsed("-3.75e1"), -37.5);
    cr_expect_eq(parsed("0x1.8p1"), 3);
    cr_expect(!number_parse(local, strlen(local), &x), "the locale's own \"%s\" is read as %g", local, x);
}

Test(number, has_a_point_where_the_locale_has_a_comma) { expect_points_in("de_DE.UTF-8", ","); }

/* U+066B, two bytes, in Pashto. */
Test(number, has_a_point_where_the_locale_has_a_mark_of_two_bytes) { expect_points_in("ps_AF.UTF-8", "\xD9\xAB"); }
