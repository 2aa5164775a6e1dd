#!/bin/sh
# transcript.sh - the gdb session of the README's tour, as it is today:  sh tests/gdb/transcript.sh
# Run from the top of the project; compares with tests/gdb/transcript.txt in tests/test_gdb.c. To renew that file:
#     sh tests/gdb/transcript.sh > tests/gdb/transcript.txt
set -eu

program=${1:-build/tests/gdb/transcript}
if [ $# -eq 0 ]; then
    mkdir -p "$(dirname "$program")"
    ${CC:-cc} -std=c11 -O0 -g -ffp-contract=off -Iengine -o "$program" tests/gdb/program.c engine/*.c -lm -lpthread
fi

# Each command is shown as a user would have typed it.
say() {
    session="$session -ex 'echo (gdb) $1\\n' -ex '$1'"
}
session=
say 'start'
say 'grad step'
say 'grad watch w1'
say 'continue'
say 'grad tree o'
say 'grad edges o'
say 'print *v'

eval "gdb -q -nx -batch -iex 'set host-charset UTF-8' -iex 'set width 0' -iex 'set can-use-hw-watchpoints 0' \
    -x viz/debug/stepgrad-gdb.py $session --args '$program' neuron" 2>&1 |
    sed -e '/libthread_db/d' -e '/debuginfod/d' -e '/^A debugging session is active/,$d' -e '/^$/d' \
        -e '/^Temporary breakpoint 1 at/d' -e 's/^\(Temporary breakpoint 1, main\) (.*) at/\1 () at/'
