#!/bin/sh
# make_pdf.sh - print BUILD/book/all.html as BUILD/book/stepgrad.pdf: by a browser, else by TeX, which is plainer.
#
#     sh lessons/book/make_pdf.sh BUILD          (make pdf)
set -eu

book=$(cd "${1:-build}/book" && pwd)
pdf=$book/stepgrad.pdf
page=$book/print.html
work=$(mktemp -d)
trap 'rm -rf "$page" "$work"' EXIT
trap 'exit 1' HUP INT TERM

find_program()
{
    for program; do
        command -v "$program" && return
    done
    return 1
}

by_browser()
{
    set -- "$1" --headless --disable-gpu "--user-data-dir=$work" --no-pdf-header-footer --generate-pdf-document-outline
    test "$(id -u)" != 0 || set -- "$@" --no-sandbox # for root, as in a container, there is none
    "$@" "--print-to-pdf=$pdf" "file://$page"
}

# A page for each chapter to begin on; code small enough that its lines fit.
by_tex()
{
    code='\makeatletter\def\verbatim@font{\ttfamily\fontsize{6.5}{8}\selectfont}\makeatother'
    cd "$book" && pandoc "$page" -o "$pdf" "--pdf-engine=$1" --no-highlight --top-level-division=chapter \
        -V documentclass=report -V geometry:margin=16mm -V mainfont='DejaVu Serif' -V monofont='DejaVu Sans Mono' \
        -V "header-includes=$code"
}

# On paper there is nothing to play with, and a link out of the book would name a folder of this machine.
sed -e '/<header /,/<\/header>/d' -e '/<nav class="contents"/,/<\/nav>/d' -e 's/<iframe [^>]*><\/iframe>//' \
    -e 's/<a \([^>]*\)href="[^#"][^"]*"/<a \1/g' "$book/all.html" >"$page"

rm -f "$pdf"
if program=$(find_program chromium chromium-browser google-chrome google-chrome-stable); then
    by_browser "$program" >"$work/said" 2>&1 || :
elif program=$(find_program xelatex lualatex); then
    by_tex "$program" >"$work/said" 2>&1 || :
else
    echo "make pdf needs a browser, or TeX. Get one with: apt-get install chromium (Debian, Ubuntu),
  dnf install chromium (Fedora); or texlive-xetex with the fonts DejaVu. Any browser prints $book/all.html, too." >&2
    exit 1
fi
test -s "$pdf" || { cat "$work/said" && exit 1; } >&2
echo "$pdf"
