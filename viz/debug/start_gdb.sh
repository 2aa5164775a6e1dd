#!/bin/sh
# start_gdb.sh - gdb with the grad commands loaded, on a lesson, on moons, or on a test: what `make gdb L=...` runs.
#
#     sh viz/debug/start_gdb.sh BUILD NAME       05, 05_reverse_mode, moons, draw, or suite/name of a test
#
# Criterion runs each test in a process of its own, which gdb cannot follow; so a test waits for gdb in gdbserver.
set -u
build=$1
name=$2
case $name in
*/*)
    "$build/tests/run" --list | awk -v name="$name" '/: [0-9]+ tests?$/ { suite = $1; sub(":$", "/", suite); next }
        suite $NF == name { found = 1 } END { exit !found }' || { echo "make gdb: there is no test $name." >&2; exit 1; }
    "$build/tests/run" --debug=gdb --filter "$name" &
    sleep 1
    exec gdb -q -iex 'set debuginfod enabled off' -iex 'set sysroot /' -x viz/debug/stepgrad-gdb.py \
        -ex 'target remote localhost:1234' "$build/tests/run"
    ;;
moons | draw) program=$build/$name ;;
*)
    set -- "$build"/lessons/"$name"*
    for program in "$@"; do
        case $program in *.o | *.d) ;; *) [ -f "$program" ] && break ;; esac
    done
    ;;
esac
[ -x "$program" ] || { echo "make gdb: no lesson or program begins with '$name'." >&2; exit 1; }
exec gdb -q -iex 'set debuginfod enabled off' -x viz/debug/stepgrad-gdb.py --args "$program"
