#!/bin/sh
# compilers.sh - Everything compiles without a warning, and works, in each of the ways of ways.sh: the library, draw,
# moons, which trains for 3 epochs, the golden graphs, the random graphs of same_bits.c. Then the warnings about
# conversions and shadows, which the Makefile does not ask for, in engine, viz and lessons.
# Reads: Makefile engine viz lessons tests/golden tests/adg.c tests/check_graphs.c tests/same_bits.c tests/prove/ways.sh
. tests/prove/ways.sh

run_way() {
    way_build same_bits check_graphs &&
        $runner "$way/moons" --epochs 3 --quiet --out "$way/moons.out" >"$way/log" 2>&1 </dev/null &&
        $runner "$way/draw" 'L = tanh(w*x + b)^2' w=2 x=3 b=-5 >"$way/log" 2>&1 </dev/null &&
        $runner "$way/tests/same_bits" >"$way/log" &&
        $runner "$way/tests/check_graphs" tests/golden/graphs.adg tests/golden/traps.adg >"$way/log"
}

# Every source, whose syntax alone is looked at. False where a compiler finds something, or fails.
warns() { # compiler
    for source in engine/*.c viz/*/*.c lessons/*.c lessons/*/*.c lessons/labs/*/*.c; do
        [ "$source" = lessons/moons_mpi.c ] || "$1" -std=c11 -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion \
            -Wshadow -Werror -ffp-contract=off -Iengine -Iviz -Ilessons/labs -Ilessons/labs/check \
            -Ilessons/labs/grader -Ilessons/labs/own -fsyntax-only "$source" </dev/null || return 0
    done
    return 1
}

try_ways run_way
quiet=
for cc in gcc clang; do
    if ! command -v $cc >/dev/null; then
        echo "$cc -Wconversion" >>"$OUT/missing"
    elif warns $cc; then
        echo "$cc -Wconversion -Wsign-conversion -Wshadow" >>"$OUT/failed"
    else
        quiet="$quiet${quiet:+ and }$cc"
    fi
done
[ -s "$OUT/passed" ] || [ -s "$OUT/failed" ] || exit 77

{
    echo "$(ways_passed): no warning (-Wall -Wextra -Wpedantic -Werror) for the library, moons and draw; moons trains" \
        "for 3 epochs, draw draws, the golden graphs and traps have 0 natural violations, 100 random graphs are" \
        "walked. Other processors are emulated."
    [ -z "$quiet" ] || echo "-Wconversion -Wsign-conversion -Wshadow: no warning by $quiet for engine, viz, lessons."
    ways_missing
} >"$OUT/figure.txt"
cat "$OUT/figure.txt"
[ ! -s "$OUT/failed" ]
