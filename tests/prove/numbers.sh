#!/bin/sh
# numbers.sh - The numbers of the engine in each of the ways of ways.sh: the golden graphs and traps within their
# bounds, which arithmetic of 60 digits gave; no exception of the arithmetic raised by ordinary graphs; and the bits
# of all values and gradients of a hundred random graphs and of a network after 20 epochs, the same for all ways with
# one libm and processor. Then 20,000 random graphs judged step by step in long double, and the suites of awkward
# points and training.
. tests/prove/ways.sh

run_way() {
    objects=$(printf "$way/tests/%s.o " same_bits check_graphs prove/traps adg)
    # shellcheck disable=SC2086
    way_make "$way/libstepgrad.a" "$way/moons" $objects || return 1
    for program in same_bits check_graphs prove/traps; do
        way_link "$way/tests/$program" "$way/tests/$program.o" "$way/tests/adg.o" "$way/libstepgrad.a" || return 1
    done
    $runner "$way/tests/check_graphs" tests/golden/graphs.adg tests/golden/traps.adg >"$way/golden" &&
        $runner "$way/tests/prove/traps" tests/golden/graphs.adg &&
        $runner "$way/tests/same_bits" >"$way/hash" &&
        $runner "$way/moons" --epochs 20 --quiet --out "$way/moons.out" >"$way/log" 2>&1 </dev/null || return 1
    echo "$libm${qemu#-} $(cut -d ' ' -f 1 "$way/hash") $(cksum <"$way/moons.out/model.txt" | tr -s ' ' -)" |
        sed 's/^glibcqemu-i386/glibc/;s/^\([a-z]*\)qemu-/\1,/' >>"$OUT/hashes"
}

rm -f "$OUT/missing" "$OUT/hashes" "$OUT/failed"
ways >"$OUT/ways"
while read -r libm qemu cc flags; do
    way_open || continue
    if run_way; then echo "$(tail -n 1 "$OUT/hashes") $cc $flags"; else echo "$cc $flags" | tee -a "$OUT/failed"; fi
done <"$OUT/ways"
[ -s "$OUT/hashes" ] || exit 77
sort "$OUT/hashes" | uniq -c >"$OUT/different"
cat "$OUT/different"
[ -z "$(awk '{ print $2 }' "$OUT/different" | uniq -d)" ] || echo "several hashes for one libm" >>"$OUT/failed"

make --no-print-directory BUILD="$OUT/own" "$OUT/own/libstepgrad.a" "$OUT/own/tests/prove/long_double.o" \
    "$OUT/own/tests/run" >"$OUT/log" 2>&1 || { cat "$OUT/log" && echo "the tests are not built" >>"$OUT/failed"; }
cc -fopenmp -o "$OUT/own/long_double" "$OUT/own/tests/prove/long_double.o" "$OUT/own/libstepgrad.a" -lm &&
    "$OUT/own/long_double" 20000 >"$OUT/steps"
case $? in
0) ;;
77) echo "the steps in long double, which is no finer than double here" >>"$OUT/missing" ;;
*) echo "steps in long double" >>"$OUT/failed" ;;
esac
BUILD="$OUT/own" sh tests/run_tests.sh --filter '@(awkward|golden|loss|vmath|moons)/*' >"$OUT/suites" ||
    { cat "$OUT/suites" && echo "suites" >>"$OUT/failed"; }

{
    echo "$(wc -l <"$OUT/hashes") ways to build it (compilers, levels, processors, libm): in each 0 natural" \
        "violations of the 166 golden graphs and 15 traps, and none of the 166 raises invalid," \
        "overflow or division by zero." \
        "Bits of 100 random graphs and of a trained network:" \
        "$(awk '{ printf "%s%s %s (%d ways)", sep, $2, $3, $1; sep = ", " }' "$OUT/different")." \
        "20,000 random graphs judged step by step in long double: $(cat "$OUT/steps")." \
        "Awkward points, losses, vector mathematics and trajectories: $(tail -n 1 "$OUT/suites")."
    [ ! -s "$OUT/failed" ] || echo "Failed: $(paste -sd, "$OUT/failed")."
    ways_missing
} >"$OUT/figure.txt"
cat "$OUT/figure.txt"
[ ! -s "$OUT/failed" ]
