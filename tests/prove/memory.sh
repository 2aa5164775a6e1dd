#!/bin/sh
# memory.sh - Memory that runs out: each allocation of the library and of the programs fails, alone and with all after
# it. The library's fail at its own gate, in out_of_memory.c, plain and under sanitizers; the programs' in libc, by the
# library fail_malloc.c. Of a program's run at most TRIES allocations fail, the first ones and some of the rest.
# SANITIZED=no leaves the sanitizers out, LAST=18 the chapters after that one: they train, and each run takes seconds.
# What has gone well is not done again with the same library.
set -u
OUT=${OUT#"$PWD/"} # make takes no path with a space
log="$OUT/log.txt"
: "${TRIES:=12}" "${SANITIZED:=yes}" "${LAST:=99}" "${CC:=cc}" "${MAKE:=make}"
work=$(mktemp -d) || exit 77
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
bad=0
runs=0
figure=
no_dot=
is_chapter=false
broken() { echo "BROKEN: $*" && bad=$((bad + 1)); }

# ---- the gate --------------------------------------------------------------------------------------------------------

WRAP='-Wl,--wrap=free,--wrap=posix_memalign'
gate() { # name, flags: every job of the library
    program="$OUT/$1/out_of_memory" library="$OUT/$1/libstepgrad.a"
    $MAKE -j2 BUILD="$OUT/$1" CC="$CC" CFLAGS="$2" "$library" >"$log" 2>&1 ||
        { tail "$log" && broken "the build with $2" && return; }
    if [ ! -x "$program" ] || [ -n "$(find "$library" tests/prove/out_of_memory.c -newer "$program")" ]; then
        $CC -std=c11 -Wall -Wextra -ffp-contract=off $2 -Iengine -Iviz -fno-pie -no-pie $WRAP -fopenmp -o "$program" \
            tests/prove/out_of_memory.c "$library" -lm -ldl || { broken "the build with $2" && return; }
    fi
    if [ ! -s "$OUT/$1.txt" ] || [ -n "$(find "$program" -newer "$OUT/$1.txt")" ]; then
        rm -f "$OUT/$1.txt"
        mkdir -p "$work/$1"
        timeout 3000 "$program" "$work/$1" all "$OUT/$1.stacks" >"$log" 2>&1 ||
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
    objdump -d --no-show-raw-insn "$OUT/plain/out_of_memory" |
        awk -v stacks="$work/reached" -v names="$work/names" -v own="$work/own" -f tests/prove/reached.awk \
            >"$work/functions"
    cat "$work/functions"
    grep -q '^no fault' "$work/functions" && broken "what allocates has no job with a fault there: add one"
    figure="${figure}A fault was met in $(tail -n 1 "$work/functions"). "
else
    figure="${figure}Not run: which functions a fault was met in (objdump is missing). "
fi
if [ "$SANITIZED" = yes ]; then
    gate sanitized '-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all'
else
    figure="${figure}Not run: the same under sanitizers. "
fi

# ---- libc's, in the programs -----------------------------------------------------------------------------------------

# A run of the command with $D for its folder of outputs, `here`, and the faults that are in the environment.
run() {
    (
        D="$work/here"
        eval "set -- $command"
        timeout 60 env ${no_dot:+PATH=/} LD_PRELOAD="$work/fail_malloc.so" "$@" \
            </dev/null >"$work/stdout" 2>"$work/stderr"
    )
    status=$?
    if [ -f "$work/here/history.csv" ]; then # its last column is seconds
        sed 's/,[0-9.]*$//' "$work/here/history.csv" >"$work/history" && cp "$work/history" "$work/here/history.csv"
    fi
}

# Each file must be complete or as before, all complete where the status is 0; and a failure says something. A chapter
# does not ask whether there was memory: it may go on without, or stop where the engine finds a NULL and says so (134).
judge() {
    runs=$((runs + 1))
    if "$is_chapter" && { [ "$status" -lt 124 ] || { [ "$status" -eq 134 ] && [ -s "$work/stderr" ]; }; }; then
        :
    elif [ "$status" -ge 124 ]; then
        broken "$1: status $status: $command"
    elif [ "$status" -eq 0 ]; then
        "$varies" || cmp -s "$work/stdout" "$work/want.stdout" || broken "$1: status 0, and another output: $command"
        diff -r "$work/here" "$work/want" >/dev/null || diff -r "$work/here" "$work/no_dot" >/dev/null ||
            broken "$1: status 0, and another file: $command"
    elif ! [ -s "$work/stderr" ]; then
        broken "$1: status $status without a message: $command"
    fi
    for file in $(cd "$work/here" && find . -type f); do
        cmp -s "$work/here/$file" "$work/want/$file" || cmp -s "$work/here/$file" "$work/before/$file" ||
            cmp -s "$work/here/$file" "$work/no_dot/$file" ||
            broken "$1: status $status, and $file is half-written: $command"
    done
}

try() { # n: that allocation fails
    for once in '' yes; do
        rm -rf "$work/here"
        cp -R "$work/before" "$work/here"
        export FAIL_AT="$1"
        if [ -n "$once" ]; then export FAIL_ONCE=yes; else unset FAIL_ONCE; fi
        run
        unset FAIL_AT FAIL_ONCE
        judge "allocation $1${once:+ alone}"
    done
}

faults_of() { # command
    command=$1
    seen="$OUT/libc.$(echo "$TRIES $command" | cksum | cut -d ' ' -f 1)" bad_before=$bad runs_before=$runs
    if [ -s "$seen" ] && [ -z "$(find "$OUT/plain/libstepgrad.a" tests/prove/fail_malloc.c -newer "$seen")" ]; then
        runs=$((runs + $(cat "$seen")))
        return
    fi
    rm -rf "$work/here" "$work/want" "$work/before" "$work/no_dot"
    mkdir "$work/here"
    no_dot=yes # without memory for dot, a page lays its graph out itself
    run
    no_dot=
    cp -R "$work/here" "$work/no_dot"
    rm -rf "$work/here"
    mkdir "$work/here"
    export COUNT_TO="$work/count"
    run
    unset COUNT_TO
    wanted=$status
    [ "$wanted" -eq 0 ] || { cat "$work/stderr"; broken "without a fault: status $status: $command"; return; }
    count=$(cat "$work/count")
    cp "$work/stdout" "$work/want.stdout"
    cp -R "$work/here" "$work/want"
    cp -R "$work/here" "$work/before"
    run
    varies=false
    cmp -s "$work/stdout" "$work/want.stdout" || varies=true # it prints how long something took
    find "$work/before" -type f | while read -r file; do echo "as before" >"$file"; done
    half=$((TRIES / 2)) n=1
    while [ "$n" -le "$count" ]; do
        try "$n"
        n=$((n < half || count <= TRIES ? n + 1 : n + (count - half) / half + 1))
    done
    echo "$count allocations: $command"
    [ "$bad" -gt "$bad_before" ] || echo $((runs - runs_before)) >"$seen"
}

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
    for outputs in '' --tree --table --check '--forward x' '--html "$D/L.html"' '--json "$D/L.json"' \
        '--svg "$D/L.svg"' '--dot "$D/L.dot" --legend' '--dot -' '--json - --values-only' '--png "$D/L.png" --json "$D/L.json"'; do
        faults_of "$draw $outputs"
    done
    faults_of '"$OUT/plain/draw" --ops'
    faults_of '"$OUT/plain/draw" --help'
    mkdir "$work/in"
    command="$small --checkpoint \"\$work/in/checkpoint\" --save \"\$work/in/model\""
    run
    faults_of "$small"
    faults_of "$small --compiled --vmath --threads 2 --checkpoint \"\$D/checkpoint\""
    recorded='--data lessons/data/moons/data.csv'
    faults_of "$moons --hidden 3 --epochs 1 --seed 3 --optimizer adam --standardize --test-fraction 0.2 $recorded"
    faults_of '"$OUT/plain/moons" --load "$work/in/model" --predict lessons/data/moons/data.csv'
    faults_of "$moons --load \"\$work/in/model\" --epochs 1 $recorded"
    is_chapter=true
    left_out=
    for chapter in lessons/[0-9][0-9]_*.c; do
        number=$(basename "$chapter" | cut -c1-2)
        [ "$number" -le "$LAST" ] || { left_out="$left_out $number" && continue; }
        faults_of "\"\$OUT/plain/${chapter%.c}\" \"\$D\""
    done
    figure="${figure}libc: $runs runs of draw, moons and the chapters, in each one allocation failing, alone or with all \
after it; at most $TRIES of a program's. The chapters do not ask whether there was memory: they went on, or stopped with \
the engine's message; their files were whole. ${left_out:+Not run: chapters$left_out. }"
fi
echo "$figure$bad findings." | tee "$OUT/figure.txt"
[ "$bad" -eq 0 ]
