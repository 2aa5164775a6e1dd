/* locales.h - run a test in a locale whose decimal mark is no point.
 *
 *     use_locale("ps_AF.UTF-8");    // U+066B, two bytes
 *
 * It skips the test, saying so, where the locale cannot be had. A test runs in a process of its own, so nothing needs
 * to be put back. Define _XOPEN_SOURCE 700 before the first include.
 */
#ifndef STEPGRAD_TESTS_LOCALES_H
#define STEPGRAD_TESTS_LOCALES_H

#include <criterion/criterion.h>
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Make `locale` known to setlocale, from the system's sources of locales if need be. */
static inline bool set_locale(const char *locale)
{
    char folder[] = "/tmp/stepgrad-locale-XXXXXX", command[256];
    if (setlocale(LC_NUMERIC, locale) != NULL)
        return true;
    cr_assert_not_null(mkdtemp(folder));
    snprintf(command, sizeof command, "localedef -i %.*s -f UTF-8 %s/%s >/dev/null 2>&1", (int)strcspn(locale, "."),
             locale, folder, locale);
    const int status = system(command);
    setenv("LOCPATH", folder, 1);
    const bool found = (status == 0 || status == 256) && setlocale(LC_NUMERIC, locale) != NULL; /* 1: it warned */
    snprintf(command, sizeof command, "rm -rf %s", folder);
    cr_assert_eq(system(command), 0);
    return found;
}

static inline void use_locale(const char *locale)
{
    if (!set_locale(locale))
        cr_skip_test("SKIPPED: no locale %s here (apt-get install locales)", locale);
    cr_assert_str_neq(localeconv()->decimal_point, ".", "%s has a decimal point", locale);
}

#endif
