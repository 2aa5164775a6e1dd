#!/bin/sh
# static.sh - What tools find in engine, viz and lessons without running them: gcc -fanalyzer, clang-tidy by the
# checks of .clang-tidy, cppcheck, and scan-build, which is clang's own analyzer with all that it checks in C by
# default. What is kept quiet stands with its reason in .clang-tidy, in cppcheck.txt beside this file, and below.
include='-Iengine -Iviz -Ilessons/labs -Ilessons/labs/check -Ilessons/labs/grader -Ilessons/labs/own'
sources=$(ls engine/*.c viz/*/*.c lessons/*.c lessons/*/*.c lessons/labs/*/*.c | grep -v moons_mpi.c)

# A node of a formula stands behind those that it names, which gcc cannot know of an index that it loads; and a view
# of a graph has the parents of all its nodes, so that the search for one finds it.
run_gcc() {
    for source in $sources; do
        case $source in
        engine/hessian_formula.c) quiet=-Wno-analyzer-use-of-uninitialized-value ;;
        viz/graph/dot.c) quiet=-Wno-analyzer-null-dereference ;;
        *) quiet= ;;
        esac
        # shellcheck disable=SC2086
        gcc -std=c11 -O1 -fanalyzer $quiet -ffp-contract=off $include -c -o /dev/null "$source"
    done 2>&1
}

run_cppcheck() {
    # shellcheck disable=SC2086
    cppcheck -q --enable=warning,performance,portability --inline-suppr --suppressions-list=tests/prove/cppcheck.txt \
        -D_Noreturn='__attribute__((noreturn))' --std=c11 -D__GNUC__=12 -D__x86_64__ --template=gcc $include \
        engine viz lessons 2>&1
}

# From nothing: it looks only at what it compiles. NULL by a path that an invariant rules out: as in .clang-tidy.
run_scan() {
    rm -rf "$OUT/scan"
    scan-build --use-cc=clang -disable-checker core.NullDereference -o "$OUT/found" \
        make BUILD="$OUT/scan" "$OUT/scan/libstepgrad.a" "$OUT/scan/moons" "$OUT/scan/draw" "$OUT/scan/grade" \
        "$OUT/scan/answers" $(printf '%s\n' lessons/[0-9]*.c | sed "s:\(.*\)\.c$:$OUT/scan/\1:") 2>&1
}

run_tidy() { make --no-print-directory tidy 2>&1; }

rm -f "$OUT/figures" "$OUT/failed" "$OUT/missing"
judge() { # tool, its command, the function
    if ! command -v "$2" >/dev/null; then
        echo "$1" >>"$OUT/missing"
        return
    fi
    "$3" >"$OUT/$2.log"
    count=$(grep -c -E '(warning|error): ' "$OUT/$2.log")
    echo "$1 $count" | tee -a "$OUT/figures"
    [ "$count" -eq 0 ] || { grep -E '(warning|error): ' "$OUT/$2.log" && echo "$1" >>"$OUT/failed"; }
}
judge 'gcc -fanalyzer' gcc run_gcc
judge clang-tidy clang-tidy run_tidy
judge cppcheck cppcheck run_cppcheck
judge scan-build scan-build run_scan
[ -s "$OUT/figures" ] || exit 77

{
    echo "Findings in $(echo "$sources" | wc -l) files: $(paste -sd, "$OUT/figures" | sed 's/,/, /g'). Kept quiet:" \
        "$(grep -c '^[a-z]' tests/prove/cppcheck.txt) kinds of cppcheck's findings and two of gcc's, each for a" \
        "reason that stands beside it."
    [ ! -s "$OUT/missing" ] || echo "Not run: $(paste -sd, "$OUT/missing")."
} >"$OUT/figure.txt"
cat "$OUT/figure.txt"
[ ! -s "$OUT/failed" ]
