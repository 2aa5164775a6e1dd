#!/bin/sh
# memory.sh - Memory that runs out: each allocation of the library and of the programs fails, alone and with all after
# it. The library's fail at its own gate, in out_of_memory.c, plain and under sanitizers; the programs' in libc, by the
# library fail_malloc.c. Of a program's run at most TRIES=8 allocations fail, the first ones and some of the rest, and
# 6 of a chapter's after the 18th, which train. What has gone well is not done again with the same library.
# Reads: Makefile engine viz lessons tests/no_memory.h tests/prove/out_of_memory.c tests/prove/fail_malloc.c
set -u
OUT=${OUT#"$PWD/"} # make takes no path with a space
log="$OUT/log.txt"
: "${TRIES:=8}" "${CC:=cc}" "${MAKE:=make}"
work=$(mktemp -d) || exit 77
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
bad=0 runs=0 figure='' is_chapter=false
broken() { echo "BROKEN: $*" && bad=$((bad + 1)); }

# ---- the gate --------------------------------------------------------------------------------------------------------

gate() { # name, flags: every job of the library
    program="$OUT/$1/out_of_memory" library="$OUT/$1/libstepgrad.a"
    $MAKE -j2 BUILD="$OUT/$1" CC="$CC" CFLAGS="$2" "$library" >"$log" 2>&1 &&
        $CC -std=c11 -Wall -Wextra -ffp-contract=off $2 -Iengine -Iviz -fno-pie -no-pie -fopenmp -o "$work/program" \
            -Wl,--wrap=free,--wrap=posix_memalign tests/prove/out_of_memory.c "$library" -lm -ldl >>"$log" 2>&1 ||
        { tail "$log" && broken "the build with $2" && return; }
    if ! cmp -s "$work/program" "$program" || [ ! -s "$OUT/$1.txt" ]; then
        rm -f "$OUT/$1.txt"
        mkdir "$work/$1"
        cp "$work/program" "$program"
        timeout 3000 "$program" "$work/$1" "$OUT/$1.stacks" >"$log" 2>&1 ||
            { cat "$log" && broken "out_of_memory, $2" && return; }
        mv "$log" "$OUT/$1.txt"
    fi
    cat "$OUT/$1.txt"
    figure="$figure$(tail -n 1 "$OUT/$1.txt") ($1). "
}

plain='-O0 -g'
gate plain "$plain"
if command -v objdump >/dev/null; then
    cat engine/*.h viz/*/*.h | grep -oE '\b[a-z][a-z0-9_]*\(' | tr -d '(' | sort -u >"$work/names"
    sort -u "$OUT/plain.stacks" >"$work/reached"
    nm "$OUT/plain/libstepgrad.a" | awk '$2 ~ /^[tT]$/ { print $3 }' >"$work/own"
    objdump -d --no-show-raw-insn "$OUT/plain/out_of_memory" | awk -v stacks="$work/reached" -v names="$work/names" \
        -v own="$work/own" -f tests/prove/reached.awk | tee "$work/functions"
    grep -q '^no fault' "$work/functions" && broken "what allocates has no job with a fault there: add one"
    figure="${figure}A fault was met in $(tail -n 1 "$work/functions"). "
else
    figure="${figure}Not run: which functions a fault was met in (objdump is missing). "
fi
gate sanitized '-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all'

# ---- libc's, in the programs -----------------------------------------------------------------------------------------

# A run of the command with these variables and with $D for its folder of outputs, `here`, which is a copy of a folder.
run() { # folder, variable=value ...
    rm -rf "$work/here"
    cp -R "$work/$1" "$work/here"
    shift
    (
        D="$work/here" faults="$*"
        eval "set -- $command"
        timeout 300 env $faults LD_PRELOAD="$work/fail_malloc.so" "$@" </dev/null >"$work/stdout" 2>"$work/stderr"
    )
    status=$?
    if [ -f "$work/here/history.csv" ]; then # its last column is seconds
        sed 's/,[0-9.]*$//' "$work/here/history.csv" >"$work/history" && cp "$work/history" "$work/here/history.csv"
    fi
}

# Each file must be complete or as before, all complete where the status is 0; and a failure says something. A chapter
# does not ask whether there was memory: it may go on without, and draw what it then has, or stop where the engine finds
# a NULL and says so (134).
judge() { # fault
    wrong=
    if [ "$status" -ge 124 ]; then
        { $is_chapter && [ "$status" -eq 134 ] && [ -s "$work/stderr" ]; } || wrong='it ends so'
    elif [ "$status" -eq 0 ] && ! $is_chapter; then
        $varies || cmp -s "$work/stdout" "$work/want.stdout" || wrong='another output'
        diff -r "$work/here" "$work/want" >/dev/null || diff -r "$work/here" "$work/no_dot" >/dev/null ||
            wrong='another file'
    elif ! $is_chapter && [ ! -s "$work/stderr" ]; then
        wrong='no message'
    fi
    for file in $(cd "$work/here" && find . -type f); do
        cmp -s "$work/here/$file" "$work/want/$file" || cmp -s "$work/here/$file" "$work/before/$file" ||
            cmp -s "$work/here/$file" "$work/no_dot/$file" ||
            { $is_chapter && tail -n 1 "$work/here/$file" | grep -q '</svg>\|</html>'; } ||
            wrong="$file is half-written"
    done
    runs=$((runs + 1))
    [ -z "$wrong" ] || broken "$1: status $status, $wrong: $command"
}

faults_of() { # command, how many allocations fail
    command=$1 places=${2:-$TRIES} n=1 varies=false bad_before=$bad runs_before=$runs
    half=$((places / 2))
    seen="$OUT/libc.$(cat "$OUT/plain/libstepgrad.a" tests/prove/fail_malloc.c "$0" | cksum | tr ' ' .)"
    seen="$seen.$(echo "$places $command" | cksum | cut -d ' ' -f 1)"
    [ ! -s "$seen" ] || { runs=$((runs + $(cat "$seen"))) && return; }
    rm -rf "$work/want" "$work/before" "$work/no_dot"
    run empty PATH=/ # without memory for dot, a page lays its graph out itself
    cp -R "$work/here" "$work/no_dot"
    run empty COUNT_TO="$work/count"
    [ "$status" -eq 0 ] || { cat "$work/stderr" && broken "without a fault: status $status: $command" && return; }
    count=$(cat "$work/count")
    cp "$work/stdout" "$work/want.stdout"
    cp -R "$work/here" "$work/want"
    cp -R "$work/here" "$work/before"
    run empty
    cmp -s "$work/stdout" "$work/want.stdout" || varies=true # it prints how long something took
    find "$work/before" -type f | while read -r file; do echo "as before" >"$file"; done
    while [ "$n" -le "$count" ]; do
        run before FAIL_AT="$n" && judge "allocation $n and all after it"
        run before FAIL_AT="$n" FAIL_ONCE=yes && judge "allocation $n alone"
        n=$((n < half || count <= places ? n + 1 : n + (count - half) / half + 1))
    done
    echo "$count allocations: $command"
    [ "$bad" -gt "$bad_before" ] || echo $((runs - runs_before)) >"$seen"
}

mkdir "$work/empty" "$work/in"
if ! $CC -O1 -shared -fPIC -o "$work/fail_malloc.so" tests/prove/fail_malloc.c -ldl 2>"$log"; then
    figure="${figure}Not run: libc's allocations (the library to preload cannot be built here: it needs glibc)."
elif ! $MAKE -j2 BUILD="$OUT/plain" CC="$CC" CFLAGS="$plain" "$OUT/plain/moons" "$OUT/plain/draw" \
    $(ls lessons/[0-9][0-9]_*.c | sed "s:\(.*\)\.c:$OUT/plain/\1:") >"$log" 2>&1; then
    tail "$log"
    broken "the programs"
else
    draw="\"\$OUT/plain/draw\" 'h = tanh(w*x + b); L = cross_entropy([h, x], 1)' w=2 x=-1 b=0.5"
    moons='"$OUT/plain/moons" --quiet --out "$D"'
    small="$moons --make-moons 60 --hidden 3 --epochs 2 --seed 3"
    for outputs in '' --tree --table --check '--forward x' '--html "$D/L.html"' '--json "$D/L.json"' '--dot -' \
        '--svg "$D/L.svg"' '--dot "$D/L.dot" --legend' '--json - --values-only' \
        '--png "$D/L.png" --json "$D/L.json"'; do
        faults_of "$draw $outputs"
    done
    faults_of '"$OUT/plain/draw" --ops'
    faults_of '"$OUT/plain/draw" --help'
    command="$small --checkpoint \"\$work/in/checkpoint\" --save \"\$work/in/model\""
    run empty
    recorded='--data lessons/data/moons/data.csv'
    faults_of "$small"
    faults_of "$small --compiled --vmath --threads 2 --checkpoint \"\$D/checkpoint\""
    faults_of "$moons --hidden 3 --epochs 1 --seed 3 --optimizer adam --standardize --test-fraction 0.2 $recorded"
    faults_of '"$OUT/plain/moons" --load "$work/in/model" --predict lessons/data/moons/data.csv'
    faults_of "$moons --load \"\$work/in/model\" --epochs 1 $recorded"
    is_chapter=true
    for chapter in lessons/[0-9][0-9]_*.c; do
        case $chapter in
        lessons/19* | lessons/2*) places=6 ;;
        *) places=$TRIES ;;
        esac
        faults_of "\"\$OUT/plain/${chapter%.c}\" \"\$D\"" "$places"
    done
    figure="${figure}libc: $runs runs of draw, moons and the chapters, in each one allocation failing, alone or with all
after it: about $TRIES of a program's, 6 of a chapter's from 19 on. The chapters do not ask whether there was memory:
they went on, or stopped with the engine's message; their files were whole. "
fi
echo "$figure$bad findings." | paste -sd ' ' - | tee "$OUT/figure.txt"
[ "$bad" -eq 0 ]
