#!/bin/sh
# fuzz.sh - fuzz every target of tests/fuzz/ with libFuzzer, and those of input formats with AFL++ too.
#     sh tests/prove/fuzz.sh                                  a million runs each; what is done is not run again
#     FUZZ_ONLY='csv dot' FUZZ_RUNS=5000 sh tests/prove/fuzz.sh
#     sh tests/prove/fuzz.sh minimise                         the corpus in tests/fuzz/corpus from all that was found
# Below $OUT: corpus/NAME, all inputs that reach something new; NAME.runs, the runs done with the program as it is now;
# crash/NAME-*, inputs that ended a run. With another program these are tried again: one that passes joins the corpus.
# Reads: Makefile engine viz lessons/labs tests/fuzz tests/adg.c
set -u
OUT=${OUT:-build/prove/fuzz}
runs=${FUZZ_RUNS:-1000000} execs=${FUZZ_AFL_EXECS:-20000}
formats=' channel csv dot expression golden model player student_source '
slice=50000 # runs from one count to the next
mkdir -p "$OUT/crash"
echo 'int LLVMFuzzerTestOneInput(const char *d, unsigned long n) { return d != 0 && n > 9 && 0; }' |
    clang -fsanitize=fuzzer,address,undefined -x c -o "$OUT/has_libfuzzer" - 2>"$OUT/has_libfuzzer.log" ||
    { echo "no clang with libFuzzer and its sanitizers here" && exit 77; }
targets=${FUZZ_ONLY:-$(ls tests/fuzz/*.c | sed 's:.*/::;s:[.]c$::;/^replay_inputs$/d')}

# Files of the targets go to memory where that can be had: they are written a million times.
TMPDIR=$(mktemp -d /dev/shm/fuzz.XXXXXX 2>/dev/null || mktemp -d)
trap 'rm -rf "$TMPDIR"' EXIT
trap 'exit 130' INT TERM
export TMPDIR ASAN_OPTIONS=quarantine_size_mb=8:malloc_context_size=8 AFL_SKIP_CPUFREQ=1 AFL_NO_UI=1 AFL_NO_AFFINITY=1
export AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1

build() { # folder, compiler, flags
    ${MAKE:-make} -j2 BUILD="$OUT/$1" CC="$2" CFLAGS="-O2 -g $3" LDFLAGS=-fsanitize=fuzzer FUZZ_MAIN= \
        $(for name in $targets; do echo "$OUT/$1/tests/fuzz/$name"; done) >"$OUT/$1.log" 2>&1 ||
        { tail -20 "$OUT/$1.log" && exit 1; }
}

# The longest input worth trying: a format needs room for a whole file, numbers and graphs are done after a few bytes.
length() { case $1 in csv | golden | model | student_source) echo 600 ;; *) echo 200 ;; esac; }

fuzz() { # name, options and folders of inputs: libFuzzer's log to standard output
    name=$1
    shift
    nice -n 5 "$OUT/libfuzzer/tests/fuzz/$name" -max_len="$(length "$name")" -timeout=120 -report_slow_units=120 \
        -rss_limit_mb=2500 -artifact_prefix="$OUT/crash/$name-" "$@" 2>&1
}

# Slices until enough runs are counted or an input is found that ends one.
fuzz_target() { # name
    program=$(cksum <"$OUT/libfuzzer/tests/fuzz/$1")
    mkdir -p "$OUT/corpus/$1" "tests/fuzz/corpus/$1"
    test "$(sed 1q "$OUT/$1.runs" 2>/dev/null)" = "$program" || printf '%s\n0\n0\n' "$program" >"$OUT/$1.runs"
    for input in "$OUT/crash/$1"-*; do
        test ! -e "$input" || ! fuzz "$1" "$input" >/dev/null || mv "$input" "$OUT/corpus/$1"
    done
    while done_runs=$(sed -n 2p "$OUT/$1.runs") && test "$done_runs" -lt "$runs"; do
        ls "$OUT/crash/$1"-* >/dev/null 2>&1 && return
        left=$((runs - done_runs))
        fuzz "$1" -runs="$((left < slice ? left : slice))" -seed="$((done_runs + 1))" \
            "$OUT/corpus/$1" "tests/fuzz/corpus/$1" >"$OUT/$1.log" || { tail -30 "$OUT/$1.log" && return; }
        more=$(sed -n 's/^Done \([0-9]*\) runs.*/\1/p' "$OUT/$1.log")
        edges=$(sed -n 's/.*DONE *cov: \([0-9]*\).*/\1/p' "$OUT/$1.log")
        printf '%s\n%s\n%s\n' "$program" "$((done_runs + more))" "$edges" >"$OUT/$1.runs"
        echo "$1: $((done_runs + more)) runs, $edges edges"
    done
}

afl_target() { # name: a second opinion on which inputs are new
    program=$(cksum <"$OUT/afl/tests/fuzz/$1")
    test "$(cat "$OUT/afl.$1.program" 2>/dev/null)" = "$program" || rm -rf "$OUT/afl.$1"
    echo "$program" >"$OUT/afl.$1.program"
    test -e "$OUT/afl.$1/default/fuzzer_stats" ||
        env -u ASAN_OPTIONS afl-fuzz -m none -E "$execs" -G "$(length "$1")" -i "tests/fuzz/corpus/$1" -o "$OUT/afl.$1" -- \
            "$OUT/afl/tests/fuzz/$1" >"$OUT/afl.$1.log" 2>&1 || tail -5 "$OUT/afl.$1.log"
    fuzz "$1" -merge=1 "$OUT/corpus/$1" "$OUT/afl.$1/default/queue" >/dev/null
    for input in "$OUT/afl.$1"/default/crashes/id*; do
        test ! -e "$input" || cp "$input" "$OUT/crash/$1-afl-$(cksum <"$input" | tr ' ' -)"
    done
    echo "$1: AFL++ $(sed -n 's/^execs_done *: *//p' "$OUT/afl.$1/default/fuzzer_stats") runs"
}

# The fewest files that reach every edge, each named by the first digits of its SHA-1, which libFuzzer calls it.
minimise() { # name
    rm -rf "$OUT/least" && mkdir -p "$OUT/least"
    fuzz "$1" -set_cover_merge=1 -use_counters=0 "$OUT/least" "$OUT/corpus/$1" "tests/fuzz/corpus/$1" >"$OUT/least.log"
    rm -rf "tests/fuzz/corpus/$1" && mkdir -p "tests/fuzz/corpus/$1"
    for input in "$OUT/least"/*; do cp "$input" "tests/fuzz/corpus/$1/$(basename "$input" | cut -c1-12)"; done
    echo "$1: $(ls "tests/fuzz/corpus/$1" | wc -l) inputs, $(cat "tests/fuzz/corpus/$1"/* | wc -c) bytes"
}

sanitizers=address,undefined
build libfuzzer clang "-fsanitize=fuzzer-no-link,$sanitizers -fno-sanitize-recover=undefined -fno-omit-frame-pointer"
test "${1:-}" != minimise || { for name in $targets; do minimise "$name"; done && exit; }
command -v dot >/dev/null 2>&1 && export FUZZ_DOT="${FUZZ_DOT:-1000}" # each 1000th diagram goes through dot,
command -v python3 >/dev/null 2>&1 && export FUZZ_PYTHON="${FUZZ_PYTHON:-1000}" # and each 1000th page through Python
for name in $targets; do fuzz_target "$name"; done
afl="not run: AFL++, which is not here."
if command -v afl-fuzz >/dev/null 2>&1; then
    build afl afl-clang-fast -fsanitize=address
    for name in $targets; do case $formats in *" $name "*) afl_target "$name" ;; esac done
    afl="AFL++, at least $execs runs of each input format: $(cat "$OUT"/afl.*/default/fuzzer_stats 2>/dev/null |
        awk '$1 == "execs_done" { n += $3 } $1 ~ /crashes$/ { c += $3 } END { print n + 0 " runs, " c + 0 " crashes" }')."
fi

ls "$OUT/crash" | sed "s:^:an input that ends a run\: $OUT/crash/:"
findings=$(ls "$OUT/crash" | wc -l) short=0 total=0 list=
for name in $targets; do
    done_runs=$(sed -n 2p "$OUT/$name.runs")
    test "$done_runs" -ge 1000000 || short=$((short + 1))
    total=$((total + done_runs))
    list="$list$name $done_runs ($(sed -n 3p "$OUT/$name.runs") edges), "
done
echo "libFuzzer with ASan and UBSan, $total runs in all, $((findings)) findings: ${list%, }. $afl" >"$OUT/figure.txt"
test "$short" -eq 0 || echo "Not run: the rest of a million for $short of the targets." >>"$OUT/figure.txt"
test -n "${FUZZ_DOT:-}" || echo "not run: dot, which is not here." >>"$OUT/figure.txt"
cat "$OUT/figure.txt"
[ "$findings" -eq 0 ]
