/* test_needs.c - tests/install_needs.sh, with an apt-get and a brew of our own. */
#define _POSIX_C_SOURCE 200809L /* popen */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "long.h"

/* A folder with all that the script calls, and without dot. Nobody sleeps. */
#define FOLDER                                                                                                         \
    "bin=$(mktemp -d) && trap 'rm -rf \"$bin\"' EXIT\n"                                                                \
    "for tool in sh cp mkdir mktemp awk sort tr grep cat rm id env uname; do "                                         \
    "ln -s \"$(command -v $tool)\" \"$bin/$tool\"; done\n"                                                             \
    "for tool in cc gdb sleep; do printf '#!/bin/sh\\n' >\"$bin/$tool\"; done\n"                                       \
    "printf '#!/bin/sh\\nexec \"$@\"\\n' >\"$bin/sudo\"\n"

/* apt-get "installs" dot, after it has found the lock held a few times. */
static const char *const setting =
    FOLDER "{ echo '#!/bin/sh'\n"
           "  echo \"echo apt-get \\$*; echo x >>'$bin/calls'\"\n"
           "  echo \"test \\$(grep -c x '$bin/calls') -gt $HELD || { echo \\\"$COMPLAINT\\\" >&2; exit 100; }\"\n"
           "  echo \"case \\$* in *graphviz*) cp '$bin/gdb' '$bin/dot';; esac\"\n"
           "} >\"$bin/apt-get\"\n"
           "chmod +x \"$bin\"/* && PATH=$bin CC=cc sh tests/install_needs.sh 2>&1\n";

static char said[1 << 16];

static int run(const char *script)
{
    FILE *in = popen(script, "r");
    cr_assert(in != NULL, "popen");
    said[fread(said, 1, sizeof said - 1, in)] = '\0';
    return pclose(in);
}

static int install(const char *held, const char *complaint)
{
    setenv("HELD", held, 1);
    setenv("COMPLAINT", complaint, 1);
    return run(setting);
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
    only_where_long();
    cr_expect(install("1000", "E: Could not get lock") != 0, "%s", said);
    cr_expect(times("waiting for it") == 180 && times("It has held the lock too long.") == 1, "%s", said);
}

/* Homebrew has its own folder for Criterion, which a compiler must be told of. */
Test(needs, a_criterion_of_homebrew_is_installed_and_found)
{
    cr_expect_eq(run(FOLDER "flags=\"-I $bin/opt/criterion/include -L $bin/opt/criterion/lib\"\n"
                            "{ echo '#!/bin/sh'\n"
                            "  echo \"case \\$1 in --prefix) echo '$bin';; *) echo brew \\$*; "
                            "mkdir -p '$bin/opt/criterion/lib'; cp '$bin/gdb' '$bin/dot';; esac\"\n"
                            "} >\"$bin/brew\"\n"
                            "{ echo '#!/bin/sh'\n"
                            "  echo \"case \\$* in *'$flags'*) test -e '$bin/opt/criterion/lib';; *) false;; esac\"\n"
                            "} >\"$bin/cc\"\n"
                            "chmod +x \"$bin\"/* && PATH=$bin CC=cc sh tests/install_needs.sh 2>&1\n"),
                 0, "%s", said);
    cr_expect_eq(times("\nbrew install criterion graphviz"), 1, "%s", said);
}

Test(needs, the_makefile_finds_a_criterion_of_homebrew_and_changes_nothing_without_it)
{
    only_where_long();
    static const char dry_run[] =
        "bin=$(mktemp -d) && trap 'rm -rf \"$bin\"' EXIT\n"
        "printf '#!/bin/sh\\necho %s\\n' \"$bin\" >\"$bin/brew\" && chmod +x \"$bin/brew\" && eval \"$HAS_CRITERION\"\n"
        "PATH=\"$bin:$PATH\" MAKEFLAGS= make -n BUILD=build/none build/none/tests/run | sed \"s|$bin|BREW|g\" |\n"
        "    grep -e 'tests/test_needs.c$' -e 'none/engine/value.o engine/value.c$' -e '-lcriterion'\n";
    setenv("HAS_CRITERION", "mkdir -p $bin/opt/criterion", 1);
    cr_expect_eq(run(dry_run), 0, "%s", said);
    cr_expect(times("-isystem BREW/opt/criterion/include -c") == 1 && times("-LBREW/opt/criterion/lib -o") == 1, "%s",
              said);
    setenv("HAS_CRITERION", "true", 1);
    cr_expect_eq(run(dry_run), 0, "%s", said);
    cr_expect(times("\n") == 3 && times("opt/criterion") == 0, "%s", said);
}
