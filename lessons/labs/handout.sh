#!/bin/sh
# handout.sh - make the folder that students get: lab files without solutions, and all it takes to check them.
#
#     sh lessons/labs/handout.sh [--lab N] OUT [SEED]
#
# OUT is made, or must be empty. With --lab N it holds lab N alone. SEED (1, if it is not given) chooses the numbers
# that the tasks are tried on. Needs build/answers. With a teacher's own tasks (make handout PRIVATE=file.c), $BUILD is
# where that is built with them, and holds their private.h and reference/lab0.c.
set -eu

usage() {
    echo "usage: sh lessons/labs/handout.sh [--lab N] OUT [SEED]" >&2
    exit 2
}

lab=
if [ "${1:-}" = --lab ]; then
    [ $# -ge 2 ] || usage
    lab=$2
    shift 2
fi
case ${1:-} in '' | -*) usage ;; esac
[ $# -le 2 ] || usage
out=$1
seed=${2:-1}
case $seed in *[!0-9]*) echo "The seed is \"$seed\", and must be a whole number." >&2 && exit 2 ;; esac
here=$(dirname "$0")
build=${BUILD:-build}
answers=$build/answers

# The tasks, by the tables of lab.h and private.h, where an id stands alone in a string, and by the comments above them.
ids() {
    cat "$out/lab.h" "$out/private.h" 2>/dev/null | tr '"' '\n' | grep "^${lab:-[0-9]*}[.][0-9][0-9]*\$" || true
    sed -n 's,^/\* Task \([^ ]*\).*,\1,p' "$out"/check/skeleton/*
}

if [ -n "$(ls -A "$out" 2>/dev/null)" ]; then
    echo "$out is not empty, so nothing is written there. Name a new folder." >&2
    exit 1
fi
if [ -n "$lab" ] && [ ! -f "$here/lab$lab.c" ] && [ ! -f "$build/reference/lab$lab.c" ]; then
    echo "There is no lab $lab." >&2
    exit 1
fi
if [ ! -x "$answers" ]; then
    echo "$answers is not built. Run: make $answers" >&2
    exit 1
fi

# What was begun is removed if anything fails: half a folder is worse than none.
trap 'rm -rf "$out"' EXIT
trap 'exit 1' INT TERM
mkdir -p "$out"
cp -R "$here/handout/." "$out"
mkdir -p "$out/check/answers" "$out/check/hints" "$out/check/skeleton"
cp "$here/lab.h" "$out"
cp "$here"/check/*.[ch] "$out/check"
[ ! -f "$build/private.h" ] || cp "$build/private.h" "$out"
for reference in "$here"/lab${lab:-[0-9]*}.c "$build"/reference/lab${lab:-[0-9]*}.c; do
    [ -f "$reference" ] || continue
    name=$(basename "$reference")
    awk -f "$here/skeleton.awk" "$reference" >"$out/check/skeleton/$name"
    cp "$out/check/skeleton/$name" "$out/$name"
    awk -v out="$out/check/hints" -f "$here/hints.awk" "$reference"
done
[ ! -f "$out/lab10.c" ] || cp -R "$here/own" "$out"
for task in $(ids | sort -u); do
    if ! grep -qs "not_written(\"$task\")" "$out/check/skeleton/lab${task%%.*}.c"; then
        echo "Task $task has no empty function in lab${task%%.*}.c, so nothing is handed out. Its comment begins with" \
            "\"/* Task $task \", and its function comes below." >&2
        exit 1
    fi
    "$answers" "$task" "$seed" >"$out/check/answers/$task.txt"
done
trap - EXIT
echo "$out is ready to be handed out. Try it: cd '$out' && make"
