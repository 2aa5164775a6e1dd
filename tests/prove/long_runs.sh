#!/bin/sh
# long_runs.sh - a million steps and a hundred million nodes, with memory that stays flat. See long_runs.c.
#
# Memory decides; times are only told. A run that was seen to the end with this very program is not done again.
# Reads: Makefile engine viz tests/no_memory.h tests/prove/long_runs.c
set -u
lib=$OUT/build/libstepgrad.a
program=$OUT/long_runs
runs='training labels marks graphs backward replay drawings csv'

case $(uname -s) in
Linux) ;;
*) echo "not run: it reads /proc/self/statm, which only Linux has" | tee "$OUT/figure.txt" && exit 77 ;;
esac

# No other CFLAGS than a user's.
${MAKE:-make} --no-print-directory BUILD="$OUT/build" "$lib" || exit 1
cp tests/golden/csv/iris.csv "$OUT/iris.csv" || exit 1
if [ ! -x "$program" ] || [ -n "$(find "$lib" tests/prove/long_runs.c -newer "$program")" ]; then
    ${CC:-cc} -std=c11 -O2 -fopenmp -Iengine -Iviz -o "$program" tests/prove/long_runs.c "$lib" -lm || exit 1
fi

# The largest power of ten, up to 10^8, that needs at most half of the memory that is free; the sum, which takes a list
# besides and as long a time, gets a tenth of it.
free_kb=$(awk '/^MemAvailable/ { print $2 }' /proc/meminfo)
nodes=100000000
while [ $((nodes / 1024 * 80)) -gt $((free_kb / 2)) ]; do
    nodes=$((nodes / 10))
done

# What glibc keeps for the next request of the same thread counts as in use: here it keeps nothing.
export GLIBC_TUNABLES=glibc.malloc.tcache_count=0

failed=0
run() { # result, arguments
    result=$1
    shift
    if [ ! -s "$OUT/$result.txt" ] || [ -n "$(find "$program" -newer "$OUT/$result.txt")" ]; then
        rm -f "$OUT/$result.txt" "$OUT/$result.failed"
        if (cd "$OUT" && ./long_runs "$@") >"$OUT/part"; then
            mv "$OUT/part" "$OUT/$result.txt"
        else
            failed=1
            mv "$OUT/part" "$OUT/$result.failed"
            cat "$OUT/$result.failed"
            echo "long_runs $* failed"
            return
        fi
    fi
    cat "$OUT/$result.txt"
}
for name in $runs; do
    run "$name" "$name"
done
run chain chain "$nodes"
run sum sum "$((nodes / 10))"

for name in $runs chain sum; do
    cat "$OUT/$name.txt" "$OUT/$name.failed"
done >"$OUT/figure.txt" 2>/dev/null
[ "$nodes" -eq 100000000 ] || echo "Not run: 10^8 nodes, for want of memory." >>"$OUT/figure.txt"
exit "$failed"
