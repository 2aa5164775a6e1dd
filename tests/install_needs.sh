#!/bin/sh
# Install what the tests need and this machine lacks: a C compiler, Criterion, Graphviz' dot, gdb; with --all also what
# they use where it is there (a browser, pandoc, lldb) and what .ci/run checks with. Says first what, and with which
# command; waits aloud while another package manager is at work. Silent when nothing is missing; exit 1 with a sentence
# when it cannot help.
set -u

compiler=${CC:-cc}
seconds_most=900 # that a new machine in a cloud updates itself
wanted="compiler criterion dot gdb"
[ "${1:-}" = --all ] && wanted="make $wanted clang clang-format clang-tidy pkg-config python3 jsonschema \
chromium chromedriver gdbserver lldb pandoc xmllint localedef multilib mpi"

# need, and its package for apt-get, brew, dnf and pacman; "-": there is none, or it comes with the system.
packages='
make          make             make        make                make
compiler      build-essential  gcc         gcc                 gcc
criterion     libcriterion-dev criterion   criterion-devel     criterion
dot           graphviz         graphviz    graphviz            graphviz
gdb           gdb              -           gdb                 gdb
clang         clang            -           clang               clang
clang-format  clang-format     clang-format clang-tools-extra  clang
clang-tidy    clang-tidy       llvm        clang-tools-extra   clang
pkg-config    pkg-config       pkgconf     pkgconf             pkgconf
python3       python3          python3     python3             python
jsonschema    python3-jsonschema -         python3-jsonschema  python-jsonschema
chromium      chromium         -           chromium            chromium
chromedriver  chromium-driver  -           chromedriver        -
gdbserver     gdbserver        -           gdb-gdbserver       gdb
lldb          lldb             -           lldb                lldb
pandoc        pandoc           pandoc      pandoc              pandoc-cli
xmllint       libxml2-utils    -           libxml2             libxml2
localedef     locales          -           glibc-locale-source -
multilib      gcc-multilib     -           glibc-devel.i686    lib32-glibc
mpi           libopenmpi-dev   open-mpi    -                   openmpi
'

have_command() { command -v "$1" >/dev/null 2>&1; }

# Not only the header: the library too must be there to link with. Homebrew's are where the Makefile looks for them.
have_criterion() {
    folder=$(mktemp -d) || return 1
    homebrew=$(brew --prefix 2>/dev/null) && set -- -I "$homebrew/opt/criterion/include" -L "$homebrew/opt/criterion/lib"
    echo '#include <criterion/criterion.h>' >"$folder/probe.c"
    echo 'Test(probe, links) { cr_assert(1); }' >>"$folder/probe.c"
    # shellcheck disable=SC2086 # CC, CFLAGS and LDFLAGS may be several words
    $compiler ${CPPFLAGS:-} ${CFLAGS:-} -o "$folder/probe" "$folder/probe.c" "$@" ${LDFLAGS:-} -lcriterion >/dev/null 2>&1
    found=$?
    rm -rf "$folder"
    return $found
}

have() {
    case $1 in
    compiler) have_command "${compiler%% *}" ;;
    criterion) have_criterion ;;
    # macOS has lldb, and no gdb for its newer machines.
    gdb | gdbserver) have_command "$1" || [ "$(uname)" = Darwin ] ;;
    chromium) have_command chromium || have_command chromium-browser || have_command google-chrome ;;
    jsonschema) python3 -c 'import jsonschema' 2>/dev/null || [ "$(uname)" = Darwin ] ;;
    # The sources of locales, from which a test makes one whose decimal mark has two bytes.
    localedef) [ -e /usr/share/i18n/locales/ps_AF ] || [ "$(uname)" = Darwin ] ;;
    # 32-bit programs, on the one processor that has both.
    multilib) [ "$(uname -sm)" != "Linux x86_64" ] || echo 'int main(void) { return 0; }' | gcc -m32 -xc -o /dev/null - 2>/dev/null ;;
    # Fedora keeps it where only `module load` makes it a command.
    mpi) echo '#include <mpi.h>' | mpicc -c -fsyntax-only -xc /dev/stdin >/dev/null 2>&1 || [ -e /etc/fedora-release ] ;;
    *) have_command "$1" ;;
    esac
}

find_missing() {
    missing=
    for need in $wanted; do
        have "$need" || missing="${missing:+$missing }$need"
    done
}

# The packages for $missing, from a column of the table.
packages_named() {
    for need in $missing; do
        echo "$packages" | awk -v need="$need" -v column="$1" '$1 == need && $column != "-" { print $column }'
    done | sort -u | tr '\n' ' '
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        env DEBIAN_FRONTEND=noninteractive LC_ALL=C "$@"
    else
        sudo env DEBIAN_FRONTEND=noninteractive LC_ALL=C "$@"
    fi
}

# Run a command again and again while another package manager holds the lock that it needs.
patiently() {
    errors=$(mktemp) || return 1
    while :; do
        "$@" 2>"$errors"
        status=$?
        cat "$errors" >&2
        if [ $status -eq 0 ] || ! grep -qiwE 'lock|locked|already running|already in progress' "$errors"; then
            break
        elif [ $seconds_most -le 0 ]; then
            echo "It has held the lock too long." && break
        fi
        echo "Another package manager is at work here: waiting for it, for at most $seconds_most s more."
        sleep 5
        seconds_most=$((seconds_most - 5))
    done
    rm -f "$errors"
    return "$status"
}

say() { echo "The tests need what is missing here: $missing. Installing with: $1"; }

give_up() {
    echo "tests/install_needs.sh: $1"
    echo "The tests need a C compiler, Criterion (libcriterion-dev), Graphviz and gdb. What is missing: $missing."
    echo "Install that (Criterion from https://github.com/Snaipe/Criterion where there is no package) and run: make check"
    exit 1
}

# shellcheck disable=SC2046 # several packages
install_missing() {
    if have_command apt-get; then
        say "apt-get update && apt-get install -y $(packages_named 2)"
        patiently as_root apt-get update -qq &&
            patiently as_root apt-get install -y -qq --no-install-recommends $(packages_named 2)
    elif have_command brew; then
        say "brew install $(packages_named 3)"
        patiently env LC_ALL=C brew install $(packages_named 3)
    elif have_command dnf; then
        say "dnf install -y $(packages_named 4)"
        patiently as_root dnf install -y $(packages_named 4)
    elif have_command pacman; then
        say "pacman -Sy --noconfirm --needed $(packages_named 5)"
        patiently as_root pacman -Sy --noconfirm --needed $(packages_named 5)
    else
        give_up "this machine has none of apt-get, brew, dnf and pacman."
    fi
}

find_missing
[ -z "$missing" ] && exit 0
if [ "$(id -u)" -ne 0 ] && ! have_command sudo && ! have_command brew; then
    give_up "installing needs root, and there is no sudo."
fi
install_missing </dev/null || give_up "the installation failed."
find_missing
[ -z "$missing" ] || give_up "the packages were installed, and something is still missing."
