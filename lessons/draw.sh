#!/bin/sh
# draw.sh - make the pictures that a chapter does not make itself: sh lessons/draw.sh BUILD CHAPTER.c FOLDER
#
# A chapter that stands alone has no engine to draw with. Its comments have a line for each picture instead,
#      *     build/draw 'L = (W*x + b)^2' W=2 x=3 b=1 --html build/lessons/01/L.html
# which is run here with BUILD/draw and writes to FOLDER. A graph that is only there as .dot is rendered to .svg. All
# that is printed is where the pictures are. What needs Graphviz's dot is left out where there is none.
set -eu
if [ $# != 3 ] || [ ! -f "$2" ]; then
    echo "draw.sh: expected BUILD CHAPTER.c FOLDER, such as: build lessons/05_reverse_mode.c build/lessons/05" >&2
    exit 2
fi
build=$1 chapter=$2 folder=$3
have_dot() { command -v dot >/dev/null; }
mkdir -p "$folder"

# The argument that says where to put the picture becomes one in FOLDER; all others stay as they are.
draw()
{
    for argument; do
        shift
        case $argument in build/lessons/*/*) argument=$folder/${argument##*/} picture=$argument ;; esac
        set -- "$@" "$argument"
    done
    case $picture in *.svg) have_dot || return 0 ;; esac
    case $picture in *.html) set -- "$@" --dot "${picture%.html}.dot" ;; esac # for paper, which cannot play
    "$build/draw" "$@" </dev/null
}

sed -n 's|^ \*  *build/draw \(.* build/lessons/.*\)|\1|p' "$chapter" | while IFS= read -r arguments; do
    eval "draw $arguments"
done

for dot in "$folder"/*.dot; do
    svg=${dot%.dot}.svg
    if [ -f "$dot" ] && [ -z "$(find "$svg" -newer "$dot" 2>/dev/null)" ] && have_dot; then
        dot -Tsvg -o "$svg" "$dot"
    fi
done
for picture in "$folder"/*.svg "$folder"/*.html; do
    test ! -f "$picture" || echo "$picture"
done
