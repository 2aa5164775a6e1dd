#!/bin/sh
# instructions.sh - how many instructions a command executes, by perf where the machine counts them, or by valgrind.
#
#     sh tests/benchmark/instructions.sh COMMAND ...      the number; nothing if the command fails, or without a tool
#     sh tests/benchmark/instructions.sh                  which tool it is
set -u

by_perf()
{
    perf stat -x , -e instructions:u "$@" 2>&1 >/dev/null | sed -n 's/^\([0-9][0-9]*\),.*instructions.*/\1/p'
}

by_valgrind() # which knows no AVX-512, so a program for such a processor may fail in it
{
    said=$(valgrind --tool=callgrind --callgrind-out-file=/dev/null "$@" 2>&1 >/dev/null) &&
        echo "$said" | sed -n 's/.*Collected : *\([0-9][0-9]*\).*/\1/p'
}

if command -v perf >/dev/null && [ -n "$(by_perf true)" ]; then
    tool=perf
elif command -v valgrind >/dev/null; then
    tool=valgrind
else
    tool=
fi

if [ $# -eq 0 ]; then
    echo "${tool:-not measured: there is no valgrind here, and no perf that can count them}"
elif [ -n "$tool" ]; then
    "by_$tool" "$@"
fi
