#!/bin/sh
# make_book.sh - make BUILD/book/, the course as a book of HTML pages: from the sources, and from running them.
#
#     sh lessons/book/make_book.sh BUILD          (make book)
#
# The chapters must have been built: BUILD/lessons/NN_name. Text, code, output and pictures come from lessons/NN_name.c,
# the parts and the times to read from lessons/README.md, links from the headers. pandoc colours the code and fills in
# page.html. The book replaces an older one only when all of it is made.
set -eu

cd "$(dirname "$0")/../.."
build=${1:-build}
here=lessons/book
book=$build/book
new=$build/book.new
work=$build/book.work

fail()
{
    echo "make book: $1" >&2
    exit 1
}

command -v pandoc >/dev/null || fail "pandoc is not installed. Get it with: apt-get install pandoc (Debian, Ubuntu),
  dnf install pandoc (Fedora), brew install pandoc (macOS), or from https://pandoc.org/installing.html"

rm -rf "$new" "$work"
mkdir -p "$new" "$work"
trap 'rm -rf "$new" "$work"' EXIT
trap 'exit 1' HUP INT TERM

bytes_awk() { LC_ALL=C awk "$@"; }

# $1: Markdown; $2: the page; $3: the source whose code it shows.
page()
{
    pandoc -f markdown_strict+backtick_code_blocks+fenced_code_attributes+raw_attribute+yaml_metadata_block+pipe_tables \
        -t html5 --wrap=none --template "$here/page.html" --include-before-body "$work/contents.html" -o "$work/page.html" "$1"
    bytes_awk -f "$here/link.awk" -v places="$work/places" -v pages="$work/pages" -v own="$3" -v page="$2" \
        "$work/page.html" >"$new/$2"
}

# ---- what there is ---------------------------------------------------------------------------------------------------

# The engine's sources, and of viz the headers that chapters include.
sources="$(ls engine/*.h) $(sed -n 's/^#include "\(.*\)"/viz\/\1/p' lessons/*.c | sort -u | while read -r header; do
    test ! -f "$header" || echo "$header"; done) $(ls engine/*.c) lessons/moons/moons.c"

bytes_awk -f "$here/declared.awk" $sources >"$work/places"

scripts=$(ls lessons/[0-9]*.py 2>/dev/null || :)
sources=$(echo $sources $scripts) # on one line: not every awk takes a variable of several

# number TAB name TAB question TAB idea TAB part TAB time TAB needs
for chapter in lessons/[0-9][0-9]_*.c; do
    name=$(basename "$chapter" .c)
    bytes_awk -v name="$name" -f "$here/chapters.awk" lessons/README.md "$chapter"
done >"$work/chapters"

tab=$(printf '\t')
while IFS=$tab read -r number name rest; do
    printf '%s.c\t%s.html\n' "$name" "$name"
done <"$work/chapters" >"$work/pages"
for source in $sources; do
    printf '%s\t%s.html\n' "${source##*/}" "${source##*/}"
done >>"$work/pages"

bytes_awk -f "$here/typeset.awk" -f "$here/contents.awk" -v kind=nav -v work="$work" /dev/null >"$work/contents.html"

# ---- chapters --------------------------------------------------------------------------------------------------------

: >"$work/search"

# The pictures that chapter $1 has left in its folder, a line each: kind, path, width, what it says of itself.
figures()
{
    for dot in "$new/$1"/*.dot; do
        test -f "$dot" || continue
        svg=${dot%.dot}.svg
        test -f "$svg" || { command -v dot >/dev/null && dot -Tsvg -o "$svg" "$dot"; } || {
            cp "$dot" "$work/$1-${dot##*/}"
            printf 'dot\t%s\t0\t\n' "$1-${dot##*/}"
        }
    done
    for svg in "$new/$1"/*.svg; do
        test -f "$svg" || continue
        width=$(sed -n "s/.*<svg[^>]* width=[\"']\([0-9]*\)[^\"']*\([\"']\).*/\1/p" "$svg" | head -n 1)
        says=$(sed -n 's/.*<title>\(.*\)<\/title>.*/\1/p' "$svg" | head -n 1)
        test "$says" != stepgrad || says="The graph: $(grep -c '^<g id="n' "$svg") nodes, $(grep -c '^<g id="e' "$svg") edges."
        printf 'svg\t%s\t%s\t%s\n' "$1/${svg##*/}" "$width" "$says"
    done
    for html in "$new/$1"/*.html; do
        test ! -f "$html" || printf 'player\t%s\t0\t%s\n' "$1/${html##*/}" "$(sed -n 's/.*<title>\(.*\)<\/title>.*/\1/p' "$html" | head -n 1)"
    done
}

while IFS=$tab read -r number name rest; do
    program=$build/lessons/$name
    test -x "$program" || fail "$program is not built: run it by way of \`make book\`"
    case $program in /*) ;; *) program=./$program ;; esac
    mkdir -p "$new/$number"
    "$program" "$new/$number" >"$work/$number.out" </dev/null || fail "chapter $number does not hold what it says:
$(cat "$work/$number.out")"
    figures "$number" >"$work/$number.figures"
    cp "lessons/$name.c" "$new/"
    bytes_awk -f "$here/typeset.awk" -f "$here/chapter.awk" -v work="$work" -v number="$number" "lessons/$name.c" >"$work/$name.md"
    page "$work/$name.md" "$name.html" "lessons/$name.c"
    rmdir "$new/$number" 2>/dev/null || :
done <"$work/chapters"

# ---- the engine, the course, the contents ----------------------------------------------------------------------------

for source in $sources; do
    file=${source##*/}
    bytes_awk -f "$here/typeset.awk" -f "$here/source.awk" -v work="$work" "$source" >"$work/$file.md"
    page "$work/$file.md" "$file.html" "$source"
done

bytes_awk -f "$here/typeset.awk" -f "$here/course.awk" -v work="$work" lessons/README.md >"$work/course.md"
page "$work/course.md" course.html /dev/null
mkdir -p "$new/images"
cp lessons/images/*.svg viz/images/*.svg "$new/images/" 2>/dev/null || :

for kind in index sources; do
    bytes_awk -f "$here/typeset.awk" -f "$here/contents.awk" -v kind=$kind -v work="$work" -v sources="$sources" /dev/null >"$work/$kind.md"
    page "$work/$kind.md" $kind.html /dev/null
done

{ echo 'window.bookIndex = ['; cat "$work/search"; echo '];'; } >"$new/search_index.js"
cp "$here/book.css" "$here/book.js" "$new/"

rm -rf "$book"
mv "$new" "$book"
echo "$book/index.html: $(wc -l <"$work/chapters" | tr -d ' ') chapters, $(ls "$book"/*.html | wc -l | tr -d ' ') pages"
