# ways.sh - The ways in which compilers.sh and numbers.sh build the project: each compiler, level, standard, processor
# and C library. Read with `.` from the project's root.
#
#     ways | while read -r libm qemu cc flags; do way_open && way_make "$way/moons" && "$@" ...; done

# A line per way: whose libm it has, the emulator of its processor or -, the compiler, the flags.
ways() {
    for cc in gcc clang; do
        for flags in -O0 -O1 -O2 -O3 -Os '-O2 -std=c17' '-O2 -std=c2x' '-O2 -march=native' '-O3 -march=native'; do
            echo "glibc - $cc $flags"
        done
        echo "glibc qemu-i386 $cc -O2 -m32 -msse2 -mfpmath=sse -static"
    done
    for level in -O0 -O2 -O3; do
        echo "glibc qemu-aarch64 aarch64-linux-gnu-gcc $level -static"
        echo "glibc qemu-s390x s390x-linux-gnu-gcc $level -static" # the lowest byte comes last
        echo "musl - musl-gcc $level -static"
    done
}

# Set $way, the folder below $OUT for what is built with $cc and $flags, and $runner, which its programs need to be
# started with here, or nothing. False, with a word to the file "missing", when they can not be built or run.
way_open() {
    way=$OUT/$(echo "$cc$flags" | tr -d ' ' | tr = -) # make takes a word with = for a variable
    mkdir -p "$way"
    runner=
    # shellcheck disable=SC2086 # flags are several words
    if ! echo 'int main(void) { return 0; }' | $cc $flags -x c -o "$way/probe" - 2>/dev/null; then
        echo "$cc $flags (it cannot compile here)" >>"$OUT/missing"
        return 1
    elif ! "$way/probe" 2>/dev/null; then
        runner=$qemu
        "$runner" "$way/probe" 2>/dev/null || { echo "$cc $flags (no $runner)" >>"$OUT/missing" && return 1; }
    fi
}

# A library of OpenMP that is linked statically is there for the C library of the system alone.
way_make() {
    case $cc in musl-gcc) set -- "$@" OPENMP= ;; esac
    nice make --no-print-directory -j2 BUILD="$way" CC="$cc" CFLAGS="$flags -Werror" "$@" >"$way/log" 2>&1 </dev/null ||
        { cat "$way/log" && return 1; }
}

# way_link PROGRAM OBJECT-OR-LIBRARY... -lNAME...: from what way_make made.
way_link() {
    program=$1
    shift
    openmp=-fopenmp
    [ "$cc" = musl-gcc ] && openmp=
    # shellcheck disable=SC2086
    $cc $flags $openmp -o "$program" "$@" -lm >>"$way/log" 2>&1 || { cat "$way/log" && return 1; }
}

# What could not be tried, for the figure.
ways_missing() { [ ! -s "$OUT/missing" ] || echo "Not run: $(paste -sd, "$OUT/missing" | sed 's/,/, /g')."; }
