#!/bin/sh
# compilers.sh - Everything compiles without a warning, and works, in each of the ways of ways.sh: the library, draw,
# moons (which trains for 20 epochs), the golden graphs, the chapters, and where Criterion can be linked the suites
# that work on graphs. Then the warnings about conversions and shadows, which the Makefile does not ask for.
. tests/prove/ways.sh
suites='value ops graph backward walk dual jacobian hessian gradcheck loss matrix nn optim golden awkward random number'
chapters=$(cd lessons && ls [0-9][0-9]_*.c | sed 's/\.c$//')

# The suites above in one program; other suites try scripts, compilers and pages, and once is enough for them.
run_suites() {
    objects=
    for part in $(printf 'test_%s ' $suites) adg guard; do
        objects="$objects $way/tests/$part.o"
    done
    # shellcheck disable=SC2086
    way_make $objects && way_link "$way/tests/suites" $objects "$way/libstepgrad.a" -lcriterion &&
        "$way/tests/suites" --ignore-warnings >"$way/log" 2>&1 </dev/null || { tail -n 20 "$way/log" && return 1; }
    sed -n 's/.*Tested: \([0-9]*\).*/\1/p' "$way/log" | tail -n 1 >>"$OUT/suites"
}

run_chapters() {
    # shellcheck disable=SC2046
    way_make $(printf "$way/lessons/%s " $chapters) || return 1
    for chapter in $chapters; do
        mkdir -p "$way/pictures"
        $runner "$way/lessons/$chapter" "$way/pictures" >"$way/log" 2>&1 </dev/null ||
            { tail -n 20 "$way/log" && echo "chapter $chapter failed" && return 1; }
    done
}

run_way() {
    way_make "$way/libstepgrad.a" "$way/draw" "$way/moons" "$way/tests/check_graphs" &&
        $runner "$way/moons" --epochs 20 --quiet --out "$way/moons.out" >"$way/log" 2>&1 </dev/null &&
        $runner "$way/draw" 'L = tanh(w*x + b)^2' w=2 x=3 b=-5 >"$way/log" 2>&1 </dev/null &&
        $runner "$way/tests/check_graphs" tests/golden/graphs.adg tests/golden/traps.adg >"$way/log" &&
        run_chapters || return 1
    case $libm$qemu in glibc-) run_suites ;; esac
}

# How many warnings a compiler has for all sources but those of the tests.
count_warnings() { # compiler, flags
    for source in engine/*.c viz/*/*.c lessons/*.c lessons/*/*.c lessons/labs/*/*.c; do
        # shellcheck disable=SC2086
        [ "$source" = lessons/moons_mpi.c ] || $1 -std=c11 $2 -ffp-contract=off -Iengine -Iviz -Ilessons/labs \
            -Ilessons/labs/check -Ilessons/labs/grader -Ilessons/labs/own -fsyntax-only "$source" 2>&1 </dev/null
    done | tee "$OUT/warnings" | grep -c -E '(warning|error): '
}

rm -f "$OUT/missing" "$OUT/suites" "$OUT/failed" "$OUT/passed"
ways >"$OUT/ways"
while read -r libm qemu cc flags; do
    way_open || continue
    if run_way; then
        echo "passed: $cc $flags" | tee -a "$OUT/passed"
    else
        echo "FAILED: $cc $flags" | tee -a "$OUT/failed"
    fi
done <"$OUT/ways"

for cc in gcc clang; do
    command -v $cc >/dev/null || continue
    count=$(count_warnings $cc '-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow')
    echo "$cc -Wconversion -Wsign-conversion -Wshadow: $count warnings"
    [ "$count" -eq 0 ] || { cat "$OUT/warnings" && echo "$cc warns" >>"$OUT/failed"; }
done

passed=$(wc -l <"$OUT/passed")
{
    echo "$passed ways to build it pass without a warning (-Wall -Wextra -Wpedantic -Werror): gcc and clang at five" \
        "levels, as C11, C17 and C23, with -march=native, for 32 bits, ARM64 and big-endian s390x (emulated), musl." \
        "Each trains moons, judges the golden graphs and runs every chapter; natively also" \
        "$(sort -n "$OUT/suites" | head -n 1) tests that work on graphs." \
        "-Wconversion -Wsign-conversion -Wshadow have no warning for engine, viz and lessons."
    [ ! -s "$OUT/failed" ] || echo "Failed: $(paste -sd, "$OUT/failed")."
    ways_missing
} >"$OUT/figure.txt"
cat "$OUT/figure.txt"
[ "$passed" -gt 0 ] || exit 77
[ ! -s "$OUT/failed" ]
