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

/* Make `locale` known to setlocale, from the system's sources of locales if need be: that takes 2 s, once. */
static inline bool set_locale(const char *locale)
{
    const char *root = getenv("PWD"); /* where the tests were started: the test itself may have left for elsewhere */
    char folder[1024], command[2 * sizeof folder];
    if (setlocale(LC_NUMERIC, locale) != NULL)
        return true;
    snprintf(folder, sizeof folder, "%s/build/tests/locales", root != NULL ? root : ".");
    /* Made aside and moved, as another test may be making it. localedef's status is 1 where it warned. The locale is
     * asked for only when it is there: glibc remembers what it has not found. */
    snprintf(command, sizeof command,
             "{ all='%s' name=%s; test -d \"$all/$name\" || { mkdir -p \"$all\" && part=$(mktemp -d \"$all/XXXXXX\") &&"
             "{ localedef -i ${name%%.*} -f UTF-8 \"$part/$name\" || test $? = 1; } &&"
             "mv \"$part/$name\" \"$all\"; rm -rf \"$part\"; }; } >/dev/null 2>&1",
             folder, locale);
    cr_assert_neq(system(command), -1);
    setenv("LOCPATH", folder, 1);
    return setlocale(LC_NUMERIC, locale) != NULL;
}

static inline void use_locale(const char *locale)
{
    if (!set_locale(locale))
        cr_skip_test("SKIPPED: no locale %s here (apt-get install locales)", locale);
    cr_assert_str_neq(localeconv()->decimal_point, ".", "%s has a decimal point", locale);
}

#endif
