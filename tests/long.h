/* long.h - `make test` is to be short: what takes seconds and tries more of what a quicker test tries runs where LONG
 * is set, as .ci/run does. */
#ifndef STEPGRAD_TESTS_LONG_H
#define STEPGRAD_TESTS_LONG_H

#include <criterion/criterion.h>
#include <stdbool.h>
#include <stdlib.h>

static inline bool is_long(void) { return getenv("LONG") != NULL; }

static inline void only_where_long(void)
{
    if (!is_long())
        cr_skip_test("SKIPPED: LONG=yes runs it");
}

#endif
