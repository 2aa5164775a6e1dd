#!/bin/sh
# static.sh - What tools find in engine, viz and lessons without running them: gcc -fanalyzer, clang-tidy by the
# checks of .clang-tidy (all but chapters and moons), cppcheck, and scan-build, which is clang's own analyzer with all
# that it checks in C by default; therefore clang-tidy does not ask it again. What is kept quiet stands with its reason
# in .clang-tidy, in cppcheck.txt beside this file, and below. A tool that fails without a finding fails the row.
# TOOLS='cppcheck gcc clang-tidy' leaves out scan-build, which takes longest; what is clean is not tried again before
# something that it depends on is newer.
# Reads: Makefile engine viz lessons tests/prove/cppcheck.txt
include='-Iengine -Iviz -Ilessons/labs -Ilessons/labs/check -Ilessons/labs/grader -Ilessons/labs/own'
sources=$(ls engine/*.c viz/*/*.c lessons/*.c lessons/*/*.c lessons/labs/*/*.c | grep -v moons_mpi.c)

# What gcc 12 is not to say. Values that nothing has written, in arrays that a loop fills: it does not follow every
# round, nor an index that is loaded. In hessian_formula.c a step stands behind those that it names; in the chapters
# the loop above writes all; in private_tasks.c every task that comes here is private, and private_nudge writes.
# NULL from a search: in dot.c a view has the parents of all its nodes; in check.c main has ended when no task is there;
# in mistakes.c the caller counts by mistakes_of, which is how many the search finds.
run_gcc() {
    status=0
    for source in $sources; do
        case $source in
        engine/hessian_formula.c | lessons/04_*.c | lessons/10_*.c | */private_tasks.c)
            quiet=-Wno-analyzer-use-of-uninitialized-value ;;
        viz/graph/dot.c | */check/check.c | */mistakes.c) quiet=-Wno-analyzer-null-dereference ;;
        *) quiet= ;;
        esac
        # shellcheck disable=SC2086
        gcc -std=c11 -O1 -fanalyzer $quiet -ffp-contract=off $include -c -o /dev/null "$source" || status=$?
    done
    return $status
}

# It cannot parse _Generic within ?: and would leave out the file; for it a call of a function of any name is enough.
run_cppcheck() {
    # shellcheck disable=SC2086
    cppcheck -q --enable=warning,performance,portability --suppressions-list=tests/prove/cppcheck.txt --std=c11 \
        -D_Noreturn='__attribute__((noreturn))' '-D_Generic(...)=chosen' -D__GNUC__=12 -D__x86_64__ --template=gcc \
        $include engine viz lessons
}

# From nothing: it looks only at what it compiles. NULL by a path that an invariant rules out: as in .clang-tidy.
run_scan() {
    rm -rf "$OUT/scan"
    scan-build --use-cc=clang -disable-checker core.NullDereference -o "$OUT/found" \
        make -j2 BUILD="$OUT/scan" CFLAGS=-O0 "$OUT/scan/libstepgrad.a" "$OUT/scan/moons" "$OUT/scan/draw" \
        "$OUT/scan/grade" "$OUT/scan/answers" $(printf '%s\n' lessons/[0-9]*.c | sed "s:\(.*\)\.c$:$OUT/scan/\1:")
}

run_tidy() {
    make --no-print-directory compile_commands.json &&
        ls engine/*.c viz/*/*.c lessons/labs/*.c lessons/labs/*/*.c |
        xargs -n 4 clang-tidy --quiet --checks='-clang-analyzer-*' 2>/dev/null
}

rm -f "$OUT/figures" "$OUT/failed" "$OUT/missing"
judge() { # tool, its command, the function
    if ! command -v "$2" >/dev/null || ! echo " ${TOOLS:-$2} " | grep -q " $2 "; then
        echo "$1" >>"$OUT/missing"
        return
    fi
    if [ "${AGAIN:-no}" != no ] || [ ! -f "$OUT/$2.clean" ] || [ -n "$(find engine viz lessons Makefile .clang-tidy \
        tests/prove/static.sh tests/prove/cppcheck.txt -newer "$OUT/$2.clean")" ]; then
        rm -f "$OUT/$2.clean"
        "$3" >"$OUT/$2.log" 2>&1 && touch "$OUT/$2.clean"
    fi
    count=$(grep -c -E '(warning|error): ' "$OUT/$2.log")
    echo "$1 $count" | tee -a "$OUT/figures"
    [ "$count" -eq 0 ] && [ -f "$OUT/$2.clean" ] && return
    rm -f "$OUT/$2.clean"
    tail -n 50 "$OUT/$2.log"
    echo "$1" >>"$OUT/failed"
}
judge cppcheck cppcheck run_cppcheck
judge 'gcc -fanalyzer' gcc run_gcc
judge 'clang-tidy (without chapters and moons)' clang-tidy run_tidy
judge scan-build scan-build run_scan
[ -s "$OUT/figures" ] || exit 77

{
    echo "Findings in $(echo "$sources" | wc -l) files: $(paste -sd, "$OUT/figures" | sed 's/,/, /g'). Kept quiet:" \
        "$(grep -c '^[a-zA-Z]*:' tests/prove/cppcheck.txt) findings of cppcheck and seven of gcc, each by its kind" \
        "and file, and for clang the checks that .clang-tidy lists, each for a reason that stands beside it."
    [ ! -s "$OUT/failed" ] || echo "Failed: $(paste -sd, "$OUT/failed")."
    [ ! -s "$OUT/missing" ] || echo "Not run: $(paste -sd, "$OUT/missing")."
} >"$OUT/figure.txt"
cat "$OUT/figure.txt"
[ ! -s "$OUT/failed" ]
