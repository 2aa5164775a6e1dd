#!/bin/sh
# find_python.sh - the Python that can import numpy, or torch: its path, and in a second line what it has.
#
#     sh tests/benchmark/find_python.sh numpy|torch
#
# $PYTHON if that is set, and no other; else the first of python3, /usr/bin/python3 and each python3.* on PATH that can.
# If none can, it says so, and how to get one that can, and ends with status 1.
set -u

module=$1
install="Debian: apt-get install python3-$module; elsewhere: pip install torch numpy"

try()
{
    about=$("$1" tests/benchmark/frameworks.py "$module" about 2>/dev/null </dev/null) && printf '%s\n' "$1" "$about"
}

list() # every python3.N on PATH, a line each
{
    echo "$PATH" | tr ':' '\n' | while read -r folder; do
        ls -d "$folder"/python3.[0-9] "$folder"/python3.[0-9][0-9] 2>/dev/null
    done
}

if [ -n "${PYTHON:-}" ]; then
    path=$(command -v "$PYTHON") || { echo "PYTHON=$PYTHON: there is no such program" && exit 1; }
    try "$path" || { echo "PYTHON=$PYTHON ($path) cannot import $module; $install" && exit 1; }
    exit
fi
{ command -v python3; echo /usr/bin/python3; list; } | {
    while read -r path; do
        try "$path" && exit
    done
    echo "no Python here can import $module; $install; or PYTHON=..., the one that can"
    exit 1
}
