#!/bin/sh
# make_book.sh - make BUILD/book/, the course as a book of HTML pages: from the sources, and from running them.
#
#     sh lessons/book/make_book.sh BUILD          (make book)
#
# The chapters must have been built: BUILD/lessons/NN_name. This runs them; then book.lua, which pandoc runs, makes the
# pages. The book replaces an older one only when all of it is made.
set -eu

cd "$(dirname "$0")/../.."
build=${1:-build}
book=$build/book
new=$build/book.new
work=$build/book.work

fail()
{
    echo "make book: $1" >&2
    exit 1
}

count() { echo $#; }

command -v pandoc >/dev/null || fail "pandoc is not installed. Get it with: apt-get install pandoc (Debian, Ubuntu),
  dnf install pandoc (Fedora), brew install pandoc (macOS), or from https://pandoc.org/installing.html"
case $(pandoc --version | sed -n '1s/^[^0-9]*//p') in
1.* | 2.[0-9].* | 2.1[0-6].*) fail "pandoc 2.17 or later is needed; here is $(pandoc --version | head -n 1)" ;;
esac

rm -rf "$new" "$work"
mkdir -p "$new" "$work"
trap 'rm -rf "$new" "$work"' EXIT
trap 'exit 1' HUP INT TERM

for source in lessons/[0-9][0-9]_*.c; do
    name=$(basename "$source" .c)
    number=${name%%_*}
    program=$build/lessons/$name
    test -x "$program" || fail "$program is not built: run \`make book\`"
    case $program in /*) ;; *) program=./$program ;; esac
    mkdir "$new/$number"
    "$program" "$new/$number" >"$work/$number.out" </dev/null || fail "a claim of chapter $number does not hold:
$(cat "$work/$number.out")"
    sh lessons/draw.sh "$build" "$source" "$new/$number" >/dev/null ||
        fail "a picture of chapter $number"
    cp "$source" "$new/"
done

# What the chapters drew.
rmdir "$new"/[0-9]* 2>/dev/null || : # those of chapters that draw nothing
(cd "$new" && printf '%s\n' [0-9]*/*.svg [0-9]*/*.html [0-9]*/*.dot) >"$work/files"

# What gets a page: the engine, the headers of viz that lessons include, moons, scripts, the chapters. Headers first.
included=$(cat lessons/*.c lessons/moons/*.c 2>/dev/null | sed -n 's|^#include "\(.*/.*\)"|viz/\1|p' | sort -u)
set --
for source in engine/*.h $included engine/*.c lessons/moons/*.h lessons/moons/*.c lessons/[0-9]*.py \
    lessons/[0-9][0-9]_*.c lessons/one_page.c lessons/*.md "$build/bench/bench.md"; do
    test ! -f "$source" || set -- "$@" "$source"
done
BOOK=$new OUTPUT=$work LC_ALL=C pandoc -f lessons/book/book.lua -t plain -o "$work/nothing" --preserve-tabs "$@"

cp lessons/book/book.css lessons/book/book.js "$new/"
mkdir "$new/images"
cp lessons/images/*.svg viz/images/*.svg "$new/images/"
test ! -f "$build/bench/bench.svg" || cp "$build/bench/bench.svg" "$new/images/" # what make bench measured

rm -rf "$book"
mv "$new" "$book"
echo "$book/index.html: $(count lessons/[0-9][0-9]_*.c) chapters, $(count "$book"/*.html) pages"
