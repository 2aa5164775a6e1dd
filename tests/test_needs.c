/* test_needs.c - tests/install_needs.sh, with an apt-get of our own that finds the lock held three times. */
#define _POSIX_C_SOURCE 200809L /* popen */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A folder with all that the script calls, and without dot, which apt-get "installs". Nobody sleeps. */
static const char *const setting =
    "bin=$(mktemp -d) && trap 'rm -rf \"$bin\"' EXIT\n"
    "for tool in sh cp mktemp awk sort tr grep cat rm id env uname; do ln -s \"$(command -v $tool)\" \"$bin/$tool\"; "
    "done\n"
    "for tool in cc gdb sleep; do printf '#!/bin/sh\\n' >\"$bin/$tool\"; done\n"
    "printf '#!/bin/sh\\nexec \"$@\"\\n' >\"$bin/sudo\"\n"
    "{ echo '#!/bin/sh'\n"
    "  echo \"echo apt-get \\$*; echo x >>'$bin/calls'\"\n"
    "  echo \"test \\$(grep -c x '$bin/calls') -gt $HELD || { echo \\\"$COMPLAINT\\\" >&2; exit 100; }\"\n"
    "  echo \"case \\$* in *graphviz*) cp '$bin/gdb' '$bin/dot';; esac\"\n"
    "} >\"$bin/apt-get\"\n"
    "chmod +x \"$bin\"/* && PATH=$bin CC=cc sh tests/install_needs.sh 2>&1\n";

static char said[1 << 16];

static int install(const char *held, const char *complaint)
{
    setenv("HELD", held, 1);
    setenv("COMPLAINT", complaint, 1);
    FILE *in = popen(setting, "r");
    cr_assert(in != NULL, "popen");
    said[fread(said, 1, sizeof said - 1, in)] = '\0';
    return pclose(in);
}

static int times(const char *text)
{
    int count = 0;
    for (const char *at = said; (at = strstr(at, text)) != NULL; at++)
        count++;
    return count;
}

Test(needs, a_lock_that_is_held_is_waited_for_aloud)
{
    cr_expect_eq(install("3", "E: Could not get lock /var/lib/dpkg/lock-frontend."), 0, "%s", said);
    cr_expect_eq(times("waiting for it"), 3, "%s", said);
    cr_expect(times("apt-get update -qq") == 4 && times("apt-get install -y -qq") == 1, "%s", said);
}

Test(needs, another_failure_is_not_tried_again)
{
    cr_expect(install("3", "E: Unable to locate package, all doors are blocked") != 0, "%s", said);
    cr_expect(times("waiting") == 0 && times("apt-get update -qq") == 1, "%s", said);
    cr_expect_eq(times("What is missing: dot."), 1, "%s", said);
}

Test(needs, a_lock_that_is_never_released_is_given_up)
{
    cr_expect(install("1000", "E: Could not get lock") != 0, "%s", said);
    cr_expect(times("waiting for it") == 180 && times("It has held the lock too long.") == 1, "%s", said);
}
