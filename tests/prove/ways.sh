# ways.sh - The ways in which compilers.sh and numbers.sh build the project: each compiler, level, standard, processor
# and C library. Read with `.` from the project's root. WAYS, an extended regular expression, narrows them:
#
#     make prove ROWS='numbers compilers' WAYS='gcc -O[02]'
#
# Both rows build in one folder beside theirs, build/prove/ways, so that the second has little left to build.

# A line per way: whose libm it has, the emulator of its processor or -, the compiler, the flags.
all_ways() {
    for cc in gcc clang; do
        for flags in -O2 -O0 -O3 -O1 -Os '-O2 -march=native' '-O2 -std=c17' '-O2 -std=c2x'; do
            echo "glibc - $cc $flags"
        done
        echo "glibc qemu-i386 $cc -O2 -m32 -msse2 -mfpmath=sse -static"
    done
    echo "glibc qemu-aarch64 aarch64-linux-gnu-gcc -O2 -static"
    echo "glibc qemu-s390x s390x-linux-gnu-gcc -O2 -static" # the lowest byte comes last
    echo "musl - musl-gcc -O2 -static"
}
ways() { all_ways | grep -E -e "${WAYS:-.}"; }

# Call FUNCTION once for each way that can be built and run here, with $libm, $cc and $flags set, $way, the folder for
# what is built, and $runner, which its programs need to be started with here, or nothing. The files "passed", "failed"
# and "missing" of $OUT get a line for each way.
try_ways() {
    rm -f "$OUT/passed" "$OUT/failed" "$OUT/missing"
    touch "$OUT/passed"
    ways >"$OUT/ways"
    while read -r libm qemu cc flags; do
        way_open || continue
        if "$1"; then echo "$cc $flags" | tee -a "$OUT/passed"; else echo "$cc $flags" | tee -a "$OUT/failed"; fi
    done <"$OUT/ways"
}

way_open() {
    way=$(dirname "$OUT")/ways/$(echo "$cc$flags" | tr -d ' ' | tr = -) # make takes a word with = for a variable
    mkdir -p "$way"
    runner= headers=
    # Those of the kernel, which gcc-multilib would bring; but Debian has it only without the other cross compilers.
    case $flags in *-m32*) headers="-idirafter /usr/include/$(gcc -print-multiarch)" ;; esac
    # shellcheck disable=SC2086 # flags are several words
    if ! printf '#include <errno.h>\nint main(void) { return 0; }\n' |
        $cc $flags $headers -x c -o "$way/probe" - 2>/dev/null; then
        echo "$cc $flags (it cannot compile here)" >>"$OUT/missing"
        return 1
    elif ! "$way/probe" 2>/dev/null; then
        runner=$qemu
        "$runner" "$way/probe" 2>/dev/null ||
            { echo "$cc $flags (its programs do not run here)" >>"$OUT/missing" && return 1; }
    fi
    # musl-gcc would find a library of OpenMP, for the other C library.
    openmp=
    # shellcheck disable=SC2086
    [ "$cc" = musl-gcc ] || ! echo 'int main(void) { return 0; }' |
        $cc $flags -fopenmp -x c -o "$way/probe" - 2>/dev/null || openmp=-fopenmp
}

# Build the library, moons, draw, and the named programs of tests/. All warnings are errors.
way_build() { # program of tests/ ...
    objects=$(printf "$way/tests/%s.o " adg "$@")
    # shellcheck disable=SC2086
    make --no-print-directory -j2 BUILD="$way" CC="$cc" OPENMP="$openmp" CFLAGS="$flags -Werror" CPPFLAGS="$headers" \
        "$way/libstepgrad.a" "$way/moons" "$way/draw" $objects >"$way/log" 2>&1 </dev/null ||
        { cat "$way/log" && return 1; }
    for program; do
        way_link "$way/tests/$program" "$way/tests/$program.o" "$way/tests/adg.o" || return 1
    done
}

# way_link PROGRAM OBJECT... -lNAME...
way_link() {
    program=$1
    shift
    # shellcheck disable=SC2086
    $cc $flags $openmp -o "$program" "$@" "$way/libstepgrad.a" -lm >>"$way/log" 2>&1 || { cat "$way/log" && return 1; }
}

# "13 of 21 ways", and what was left out, for the figure.
list() { paste -sd, "$1" | sed 's/,/, /g'; }
ways_passed() { echo "$(wc -l <"$OUT/passed") of $(all_ways | wc -l) ways to build it ($(list "$OUT/passed"))"; }
ways_missing() {
    [ ! -s "$OUT/failed" ] || echo "Failed: $(list "$OUT/failed")."
    all_ways | grep -v -x -F -f "$OUT/ways" | cut -d ' ' -f 3- >>"$OUT/missing"
    [ ! -s "$OUT/missing" ] || echo "Not run: $(list "$OUT/missing")."
}
