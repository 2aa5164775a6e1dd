#!/bin/sh
# Install what the tests need and this machine lacks: a C compiler, Criterion, Graphviz' dot, gdb. Says first what, and
# with which command. Silent when nothing is missing; exit 1 with a sentence when it cannot help.
set -u

compiler=${CC:-cc}

have_command() { command -v "$1" >/dev/null 2>&1; }

# Not only the header: the library too must be there to link with.
have_criterion() {
    folder=$(mktemp -d) || return 1
    echo '#include <criterion/criterion.h>' >"$folder/probe.c"
    echo 'Test(probe, links) { cr_assert(1); }' >>"$folder/probe.c"
    # shellcheck disable=SC2086 # CC, CFLAGS and LDFLAGS may be several words
    $compiler ${CPPFLAGS:-} ${CFLAGS:-} -o "$folder/probe" "$folder/probe.c" ${LDFLAGS:-} -lcriterion >/dev/null 2>&1
    found=$?
    rm -rf "$folder"
    return $found
}

# What is missing, in the words compiler, criterion, dot, gdb.
find_missing() {
    missing=
    # shellcheck disable=SC2086
    if ! have_command ${compiler%% *}; then
        missing="compiler criterion"
    elif ! have_criterion; then
        missing=criterion
    fi
    have_command dot || missing="$missing dot"
    # macOS has lldb, and no gdb for its newer machines.
    have_command gdb || [ "$(uname)" = Darwin ] || missing="$missing gdb"
    missing=${missing# }
}

# The packages for $missing, given the name of each.
packages_named() {
    packages=
    for need in $missing; do
        case $need in
        compiler) packages="$packages $1" ;;
        criterion) packages="$packages $2" ;;
        dot) packages="$packages $3" ;;
        gdb) packages="$packages $4" ;;
        esac
    done
    packages=${packages# }
}

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    else
        sudo "$@"
    fi
}

say() { echo "The tests need what is missing here: $missing. Installing with: $1"; }

give_up() {
    echo "tests/install_needs.sh: $1"
    echo "The tests need a C compiler, Criterion (libcriterion-dev), Graphviz and gdb. What is missing: $missing."
    echo "Install that and run: make check"
    exit 1
}

install_missing() {
    if have_command apt-get; then
        packages_named build-essential libcriterion-dev graphviz gdb
        say "apt-get update && apt-get install -y $packages"
        # shellcheck disable=SC2086
        as_root env DEBIAN_FRONTEND=noninteractive apt-get update -qq &&
            as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $packages
    elif have_command brew; then
        packages_named gcc criterion graphviz gdb
        say "brew install $packages"
        # shellcheck disable=SC2086
        brew install $packages
    elif have_command dnf; then
        packages_named gcc criterion-devel graphviz gdb
        say "dnf install -y $packages"
        # shellcheck disable=SC2086
        as_root dnf install -y $packages
    elif have_command pacman; then
        packages_named gcc criterion graphviz gdb
        say "pacman -S --noconfirm --needed $packages"
        # shellcheck disable=SC2086
        as_root pacman -Sy --noconfirm --needed $packages
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
