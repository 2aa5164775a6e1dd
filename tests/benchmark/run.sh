#!/bin/sh
# run.sh - make bench: find the Pythons, write down where it is measured and with what, and start the measuring.
#
#     CC=cc FLAGS='-O2 ...' sh tests/benchmark/run.sh BUILD [--quick]      (make bench; PYTHON=... chooses the Python)
set -eu

build=$1
folder=$build/bench
mkdir -p "$folder"

say() { printf '%s: %s\n' "$1" "${2:-unknown}"; }

processor()
{
    sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1 | grep . ||
        sysctl -n machdep.cpu.brand_string 2>/dev/null || uname -m
}

find_framework() # numpy or torch: in $found what find_python.sh says, and in $path the Python, if there is one
{
    path=
    if found=$(sh tests/benchmark/find_python.sh "$1"); then
        path=$(echo "$found" | sed -n 1p)
        found=$(echo "$found" | sed 1d)
    fi
}

find_framework numpy
NUMPY_PYTHON=$path numpy=$found
find_framework torch
TORCH_PYTHON=$path torch=$found
test -z "$NUMPY_PYTHON" || export NUMPY_PYTHON
test -z "$TORCH_PYTHON" || export TORCH_PYTHON

# valgrind gets competitors that it can run: see Makefile.
tool=$(sh tests/benchmark/instructions.sh)
case $tool in
valgrind) counted=$build/tests/benchmark/counted tool="valgrind, of the C programs compiled without AVX-512" ;;
*) counted=$build/tests/benchmark/bench ;;
esac

{
    test $# -eq 1 || say 'a quick run' 'of small jobs, to see that all works; its numbers mean little'
    say date "$(date '+%Y-%m-%d %H:%M %z')"
    say commit "$(git describe --always --dirty 2>/dev/null)"
    say processor "$(processor), $(getconf _NPROCESSORS_ONLN) cores"
    say 'load at the start' "$(uptime | sed 's/.*load averages*: //')"
    say system "$(uname -srm)"
    say compiler "$("${CC:-cc}" --version | head -n 1)"
    say 'flags of the engine' "${FLAGS:-}"
    say 'flags of the competitors in C' '-O3 -march=native'
    say libm "$(getconf GNU_LIBC_VERSION 2>/dev/null || echo "of the system")"
    say NumPy "$numpy"
    say PyTorch "$torch"
    say 'instructions counted by' "$tool"
} | tee "$folder/machine.txt"
shift
COUNTED=$counted exec "$build/tests/benchmark/bench" "$folder" "$@"
