#!/bin/sh
# prove.sh - put the sources through what `make test` has no time for, and write the page of figures, tests/PROOF.md.
#
#     make prove                    every row that these sources have not been through; hours
#     make prove ROWS='disk fuzz'   these alone; with AGAIN=yes also where they have been through it
#     make prove ROWS=none          only write the page again
#
# A row is a script of this folder, ROW.sh or ROW.py. It runs in the project's root with its own folder, build/prove/ROW,
# as $OUT, goes on from what an interrupted run left there, writes its figures to $OUT/figure.txt and ends with 0 when
# its bar holds, 1 when it does not, 77 when it cannot be tried here. Where the figures say "not run", the bar holds only
# as far as it was run, and that is no success either. The output is in $OUT/log. A result counts for the sources
# that the row reads, as they were then: after a change `make prove` runs the row again, and until then the page calls
# it older.
set -u
cd "$(dirname "$0")/../.." || exit 1

# row | what is tried | what must hold
rows='memory|every scenario, with the nth allocation failing: once, and from then on; by the engine and by libc|no crash, leak or hang; the right error; the data of the caller as before
disk|full, short writes, EINTR, read-only, unreadable, killed midway, files that change while they are read|nothing lost or half written; the message names file and reason
sanitizers|AddressSanitizer, UBSan, MemorySanitizer, ThreadSanitizer, valgrind|clean, and each finds the faults that are put in for it
fuzz|readers, drawings, the channel of the grader; numbers against long double, forward mode, replay, differences|no finding in 10^6 runs of each
mutants|each sign, operand, index, bound, comparison, constant, derivative of engine/, changed|the tests notice every one that changes what the engine does
coverage|branches reached by the tests|all of engine/, 95 % of viz/; the rest explained
numbers|the same bits everywhere; long double as oracle; traps|no violation; one hash for each libm
compilers|gcc and clang, -O0 to -O3, C11 to C23, 32 bits, arm64, big-endian, musl|no warning, tests pass
static|gcc -fanalyzer, clang-tidy, cppcheck, scan-build|clean, or explained
long_runs|10^6 steps, 10^8 nodes, labels set again, marks|memory flat
tests_can_fail|60 tests, each with the code below it broken|each fails
flakes|the suite 20 times, at loads 0, 8 and 20|no failure, no time-out
machines|fresh systems, other locales, a read-only source tree, missing tools|`make moons` and `make test` work, or say what is missing'

root=${BUILD:-build}/prove
page=tests/PROOF.md

# The sum and the path of every source, as they are now.
sum_sources() {
    sums=$(find engine viz lessons tests Makefile -type f ! -name '*.pyc' ! -path "$page" | LC_ALL=C sort |
        tr '\n' '\0' | xargs -0 cksum)
}

# A sum over the script of a row and the sources that it reads, which a line "# Reads: " in it names; without one they
# are all but tests/prove.
state() { # script
    reads=$(sed -n 's/^# Reads: //p' "$1")
    printf '%s\n' "$sums" | awk -v script="$1" -v reads="${reads:-Makefile engine viz lessons tests}" '
        function is_read(path, i) {
            for (i = 1; i <= count; i++)
                if (index(path "/", names[i] "/") == 1 && (path !~ /^tests\/prove\// || names[i] != "tests"))
                    return 1
            return path == script
        }
        BEGIN { count = split(reads, names, " ") }
        { path = $0; sub(/^[0-9]+ [0-9]+ /, "", path) }
        is_read(path)' | cksum | tr ' ' '-'
}

script_of() { # row
    for script in "tests/prove/$1.sh" "tests/prove/$1.py"; do
        [ -f "$script" ] && echo "$script" && return
    done
    return 1
}

# Says how a row ended; false where the bar does not hold, or not for all.
tell() { # row, status
    ended=$(verdict "$2" "$1")
    echo "$1: $ended"
    [ "$ended" = holds ] || [ "$2" -eq 77 ]
}

# $OUT/result: sources, status, day, seconds, commit. Returns 1 when the bar does not hold, or is not known to.
run_row() { # row
    script=$(script_of "$1") || { echo "prove: there is no row $1" >&2 && return 1; }
    export OUT="$root/$1"
    mkdir -p "$OUT" || return 1
    seen=
    sum_sources
    sources=$(state "$script")
    [ ! -f "$OUT/result" ] || read -r seen status _ <"$OUT/result"
    if [ "${AGAIN:-no}" = no ] && [ "$seen" = "$sources" ]; then
        echo "==== $1: these sources have been through it"
        tell "$1" "$status"
        return
    fi
    echo "==== $1: $script, log in $OUT/log"
    rm -f "$OUT/result" "$OUT/figure.txt"
    start=$(date +%s)
    case $script in
    *.py) python3 "$script" >"$OUT/log" 2>&1 </dev/null ;;
    *) sh "$script" >"$OUT/log" 2>&1 </dev/null ;;
    esac
    status=$?
    [ "$status" -gt 128 ] && echo "prove: $1 was interrupted; the next make prove goes on" >&2 && return 1
    [ -s "$OUT/figure.txt" ] || tail -n 1 "$OUT/log" >"$OUT/figure.txt"
    echo "$sources $status $(date +%Y-%m-%d) $(($(date +%s) - start)) $(git describe --always --dirty 2>/dev/null)" \
        >"$OUT/result"
    cat "$OUT/figure.txt"
    tell "$1" "$status"
}

verdict() { # status, row
    case $1 in
    0) grep -qi 'not run' "$root/$2/figure.txt" && echo 'holds as far as it was run' || echo holds ;;
    77) echo 'not tried' ;;
    *) echo '**does not hold**' ;;
    esac
}

machine=$(
    echo "The machine: $(uname -srm), $(getconf _NPROCESSORS_ONLN) processors."
    for tool in gcc clang valgrind python3; do
        version=$("$tool" --version 2>/dev/null | head -n 1)
        echo "- ${version:-no $tool}"
    done
)

write_page() {
    sum_sources
    cat <<END
# Proof

What the sources have been put through, by \`make prove\`, which wrote this page on $(date +%Y-%m-%d). Each row is a
script of [tests/prove](prove) that anyone can run again: \`make prove ROWS=disk\`.

| row | what is tried | what must hold | result | seen |
| --- | --- | --- | --- | --- |
END
    echo "$rows" | while IFS='|' read -r row tried bar; do
        out=$root/$row
        if [ ! -f "$out/result" ]; then
            echo "| $row | $tried | $bar | not run | |"
            continue
        fi
        read -r sources status day seconds commit <"$out/result"
        older=
        [ "$sources" = "$(state "$(script_of "$row")")" ] || older=', older sources'
        figure=$(tr '|' / <"$out/figure.txt" | awk '{ printf "%s%s", (NR > 1 ? "<br>" : ""), $0 }')
        echo "| $row | $tried | $bar | $(verdict "$status" "$row") | $figure" \
            "($day, $((seconds / 60)) min, $commit$older) |"
    done
    printf '\n%s\n' "$machine"
}

mkdir -p "$root" || exit 1
failed=0
for row in ${ROWS:-$(echo "$rows" | cut -d'|' -f1)}; do
    [ "$row" = none ] || run_row "$row" || failed=1
    write_page >"$root/page.md" && cp "$root/page.md" "$page" || exit 1
done
exit $failed
