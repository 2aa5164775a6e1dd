#!/bin/sh
# numbers.sh - The numbers of the engine in each of the ways of ways.sh: the golden graphs and traps within their
# bounds, which arithmetic of 60 digits gave; no exception of the arithmetic raised by ordinary graphs; and the bits
# of all values and gradients of a hundred random graphs and of a network after 3 epochs, the same for all ways with
# one libm and processor: glibc takes other variants of its functions where a processor has a fused multiply-add. Then
# random graphs judged step by step in long double, 20,000 of them or as many as STEPS says, and the suites of awkward
# points and training.
# Reads: Makefile engine viz lessons/moons tests/golden tests/fuzz tests/adg.c tests/check_graphs.c tests/same_bits.c tests/prove/ways.sh
. tests/prove/ways.sh
steps=${STEPS:-20000}

run_way() {
    way_build same_bits check_graphs prove/traps &&
        $runner "$way/tests/check_graphs" tests/golden/graphs.adg tests/golden/traps.adg >"$way/golden" &&
        $runner "$way/tests/prove/traps" tests/golden/graphs.adg &&
        $runner "$way/tests/same_bits" >"$way/hash" &&
        $runner "$way/moons" --epochs 3 --quiet --out "$way/moons.out" >"$way/log" 2>&1 </dev/null || return 1
    processor=$($cc -dumpmachine | cut -d - -f 1)
    case $flags in *-m32*) processor=i386 ;; esac
    echo "$libm,$processor $(cut -d ' ' -f 1 "$way/hash") $(cksum <"$way/moons.out/model.txt" | tr -s ' ' -)" \
        >>"$OUT/hashes"
}

# By what the first way has built, gcc -O2.
run_steps() {
    libm=glibc qemu=- cc=gcc flags=-O2
    way_open && way_build prove/long_double && "$way/tests/prove/long_double" "$steps" >"$OUT/steps"
}

run_suites() {
    suites='awkward golden loss vmath moons'
    objects=
    for part in $(printf 'test_%s ' $suites) adg guard; do
        objects="$objects $way/tests/$part.o"
    done
    # shellcheck disable=SC2086
    make --no-print-directory -j2 BUILD="$way" CC="$cc" CFLAGS="$flags -Werror" $objects >"$OUT/suites" 2>&1 &&
        way_link "$way/tests/suites" $objects -lcriterion &&
        "$way/tests/suites" --ignore-warnings --filter '@(awkward|golden|loss|vmath|moons)/*' \
            >"$OUT/suites" 2>&1 </dev/null
}

rm -f "$OUT/hashes" "$OUT/steps" "$OUT/suites"
try_ways run_way
[ -s "$OUT/passed" ] || [ -s "$OUT/failed" ] || exit 77
touch "$OUT/hashes"
sort "$OUT/hashes" | uniq -c >"$OUT/different"
cat "$OUT/different"
[ -z "$(awk '{ print $2 }' "$OUT/different" | uniq -d)" ] || echo "several hashes for one libm" >>"$OUT/failed"
run_steps
case $? in
0) ;;
77) echo "the steps in long double, which is no finer than double here" >>"$OUT/missing" ;;
*) echo "steps in long double" >>"$OUT/failed" ;;
esac
run_suites || { cat "$OUT/suites" && echo "suites" >>"$OUT/failed"; }

{
    echo "$(ways_passed): in each 0 natural violations of the 166 golden graphs and 15 traps, and none of the 166" \
        "raises invalid, overflow or division by zero. Bits of 100 random graphs and of a network after 3 epochs," \
        "for each libm and processor: $(awk '{ printf "%s%s %s (%d ways)", sep, $2, $3, $1; sep = ", " }' \
            "$OUT/different"). $steps random graphs judged step by step in long double: $(cat "$OUT/steps")." \
        "Awkward points, losses, vector mathematics and trajectories:" \
        "$(sed -n 's/.*Synthesis: //p' "$OUT/suites" | tail -n 1)."
    ways_missing
} | tr '|' '/' >"$OUT/figure.txt"
cat "$OUT/figure.txt"
[ ! -s "$OUT/failed" ]
