#!/bin/sh
# Pack what Gradescope needs: its two scripts, and the sources to build the grader without a network.
#
#     pack.sh BUILD TERMS PRIVATE LAB        PRIVATE and LAB may be ""
#
# `make gradescope.zip` calls it. With LAB only that lab is graded.
set -eu
build=$1 terms=$2 private=$3 lab=$4
zip=$build/gradescope.zip
packed=$build/gradescope
source=$packed/stepgrad

if ! command -v zip >/dev/null 2>&1 && ! command -v python3 >/dev/null 2>&1; then
    echo "make gradescope.zip needs zip or python3: install the package zip." >&2
    exit 1
fi
if [ -n "$lab" ] && [ ! -f "lessons/labs/lab$lab.c" ] && { [ "$lab" != 0 ] || [ -z "$private" ]; }; then
    echo "make gradescope.zip: there is no lab $lab." >&2
    exit 1
fi
rm -rf "$packed" "$zip"
mkdir -p "$source/engine" "$source/viz" "$source/lessons"
cp Makefile LICENSE "$source"
cp engine/*.[ch] "$source/engine"
cp -R viz/graph viz/draw viz/player viz/plot "$source/viz"
cp -R lessons/labs "$source/lessons"
rm -rf "$source/lessons/labs/private"
if [ -n "$private" ]; then
    mkdir "$source/lessons/labs/private"
    cp "$private" "$source/lessons/labs/private/lab0.c"
fi
cp "$terms" "$source/lessons/labs/terms.txt"
cp lessons/labs/gradescope/setup.sh lessons/labs/gradescope/run_autograder "$packed"
chmod +x "$packed/setup.sh" "$packed/run_autograder"
echo "$lab" >"$packed/lab"
if command -v zip >/dev/null 2>&1; then
    (cd "$packed" && zip -q -r ../gradescope.zip .)
else
    (cd "$packed" && python3 -m zipfile -c ../gradescope.zip ./*)
fi
rm -rf "$packed"
echo "$zip: upload it to Gradescope, as the autograder of a programming assignment."
