#!/bin/sh
# Run the tests that are built below $BUILD (build, if that is not set); arguments go to the runner, as in
#     sh tests/run_tests.sh --filter 'graph/*'
# LONG=yes runs also what takes long: the tests that only_where_long (tests/long.h) skips and, without arguments, those
# in a browser, beside the runner. BROWSER=yes runs these without LONG, and BROWSER=no leaves them out.
# The last line is "N passed, N failed" (and ", N skipped" where there are any), and the exit status tells the same.
# The counts come from the runner's report, test by test, and must be as many as it has tests: a runner that dies, that
# hangs or that leaves some out is a failure.
set -u

build=${BUILD:-build}
runner=$build/tests/run
report=$build/tests/report.tap
seconds_most=${TEST_SECONDS:-3600} # generous: a busy machine is slow, not wrong

if [ ! -x "$runner" ]; then
    echo "$runner is not built. Run: make check"
    exit 1
fi

# Tests run beside one another: a thread that waits is to leave its processor to the others.
export OMP_WAIT_POLICY="${OMP_WAIT_POLICY:-passive}"

# macOS has no timeout; Homebrew's coreutils call it gtimeout.
limit=
for command in timeout gtimeout; do
    if [ -z "$limit" ] && command -v "$command" >/dev/null 2>&1; then
        limit="$command -k 10 $seconds_most"
    fi
done

# The pages in a real browser: a test each, with what it says in a file of its own until the runner has ended. The
# chapters are built by now, so that no two makes do it at once.
test_player() {
    ${MAKE:-make} --no-print-directory BUILD="$build" lessons "$build/tests/player_pages" >/dev/null &&
        mkdir -p "$build/tests/pages" && "$build/tests/player_pages" "$build/tests/pages" &&
        exec python3 tests/browser/player_test.py "$build/tests/pages" "$build"/lessons/[0-9]*/*.html
}
test_book() {
    command -v pandoc >/dev/null 2>&1 || { echo "There is no pandoc here." && exit 77; }
    ${MAKE:-make} --no-print-directory BUILD="$build" book && exec python3 tests/browser/book_test.py "$build/book"
}
player=
book=
if [ $# -eq 0 ] && [ "${BROWSER:-${LONG:-no}}" != no ]; then
    trap 'kill $player $book 2>/dev/null' EXIT
    trap 'exit 130' INT TERM # so that the line above is run then, too
    test_player >"$build/tests/player.log" 2>&1 </dev/null &
    player=$!
    test_book >"$build/tests/book.log" 2>&1 </dev/null &
    book=$!
fi

# Standard input is not for the tests. One more at a time than there are processors: some wait for a debugger or a disk.
rm -f "$report"
jobs=$(($(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2) + 1))
$limit "$runner" "--tap=$report" --ignore-warnings --jobs "$jobs" "$@" </dev/null
status=$?
touch "$report"

count() { grep -c -E "$1" "$report"; }
listed=$("$runner" --list </dev/null | awk '/^[^ ].*: [0-9]+ tests?$/ { n += $(NF - 1) } END { print n + 0 }')
skipped=$(count '^ok .*# SKIP')
passed=$(($(count '^ok ') - skipped))
failed=$(count '^not ok ')

complain() {
    echo "tests/run_tests.sh: $1"
    trouble=1
}
trouble=0
if [ "$status" -eq 124 ] || [ "$status" -eq 137 ]; then
    complain "the runner was stopped: it took more than $seconds_most seconds"
fi
if [ $((passed + failed + skipped)) -ne "$listed" ]; then
    complain "of $listed tests only $((passed + failed + skipped)) reported"
    failed=$((listed - passed - skipped))
fi
if [ "$passed" -eq 0 ]; then
    complain "no test passed"
fi
if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
    complain "the runner ended with status $status"
fi
if [ "$trouble" -ne 0 ] && [ "$failed" -le 0 ]; then
    failed=1
fi

end_beside() { # process, name: count it too; 77 says that something is missing, 127 that it is Python
    wait "$1"
    case $? in
    0) passed=$((passed + 1)) ;;
    77 | 127) skipped=$((skipped + 1)) && echo "SKIPPED: $2" ;;
    *) failed=$((failed + 1)) && echo "FAILED: $2" ;;
    esac
    cat "$build/tests/$2.log"
}
if [ -n "$player" ]; then
    end_beside "$player" player
    end_beside "$book" book
    trap - EXIT
fi

if [ "$skipped" -gt 0 ]; then
    echo "$passed passed, $failed failed, $skipped skipped"
else
    echo "$passed passed, $failed failed"
fi
[ "$failed" -eq 0 ]
