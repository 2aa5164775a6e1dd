#!/bin/sh
# same_bits.sh - All values and gradients of a hundred pseudo-random graphs must have the same bits with each compiler
# at each level of optimisation. Builds tests/same_bits.c with all of engine/ into build/same_bits/ and prints a table:
#
#     compiler  level  hash
#     gcc       -O0    0123456789abcdef
#
# Compilers that are not there are named and left out; COMPILERS="gcc-13 clang" chooses others. Exits 1 when two hashes
# differ, or when something could not be built or run.
cd "$(dirname "$0")/.." || exit 1
compilers=${COMPILERS:-gcc clang}
out=build/same_bits
mkdir -p "$out" || exit 1

first=
status=0
runs=0
printf '%-10s %-6s %s\n' compiler level hash
for compiler in $compilers; do
    if ! command -v "$compiler" >/dev/null 2>&1; then
        printf '%-10s %-6s %s\n' "$compiler" - 'not installed: left out'
        continue
    fi
    for level in -O0 -O1 -O2 -O3; do
        program=$out/$(basename "$compiler")$level
        if ! "$compiler" -std=c11 "$level" -ffp-contract=off -Iengine -o "$program" tests/same_bits.c engine/*.c -lm; then
            echo "same_bits: $compiler $level cannot build it" >&2
            status=1
            continue
        fi
        if ! line=$("./$program"); then
            echo "same_bits: the program of $compiler $level failed" >&2
            status=1
            continue
        fi
        runs=$((runs + 1))
        first=${first:-$line}
        remark=
        if [ "$line" != "$first" ]; then
            remark='  differs from the first'
            status=1
        fi
        printf '%-10s %-6s %s%s\n' "$compiler" "$level" "$line" "$remark"
    done
done
if [ "$runs" -eq 0 ]; then
    echo 'same_bits: nothing was compared' >&2
    status=1
fi
exit $status
