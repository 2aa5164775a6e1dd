#!/bin/sh
# machines.sh - `make moons` and a part of `make test` where users are: on a fresh Debian stable and testing with
# nothing but make; and here in a folder with spaces, without UTF-8, with a source tree that is read-only and no room
# in /dev/shm, with a python3 that fails, and with no tool but a compiler. A fresh Debian needs debootstrap, the
# network and root, real or of a user namespace; it comes from where this machine gets its packages.
suites='@(value|backward|golden|moons)/*'
rm -f "$OUT/missing" "$OUT/failed" "$OUT/passed"

fresh_copy() { # folder: the sources that git knows
    mkdir -p "$1" && git ls-files | tr '\n' '\0' | xargs -0 cp -P --parents -t "$1"
}

judge() { # what, command ...
    what=$1
    shift
    echo "== $what"
    if "$@" >"$OUT/log" 2>&1 </dev/null; then
        echo "$what" >>"$OUT/passed"
    else
        tail -n 20 "$OUT/log"
        echo "$what" >>"$OUT/failed"
    fi
}

# Root, for mounts that nobody else sees.
if [ "$(id -u)" = 0 ]; then inside='unshare -m'; else inside='unshare --map-auto --map-root-user -m'; fi
$inside true 2>/dev/null || { inside= && echo "all that needs a mount" >>"$OUT/missing"; }

# Without a compiler make moons must say that cc is missing; make test installs what it needs.
run_in_root() { # folder of the root
    $inside sh -c 'mount -t proc proc "$1/proc" && mount --bind /dev "$1/dev" && exec chroot "$1" env -i \
        HOME=/root LANG=C PATH=/usr/sbin:/usr/bin:/sbin:/bin sh -c "cd \"/home/a folder\" && rm -rf build &&
            { command -v cc || make moons 2>&1 | grep \"cc: No such file\"; } &&
            apt-get update -qq && make test FILTER=\"$2\" && make moons"' sh "$1" "$suites"
}

try_debian() { # release
    root=$PWD/$OUT/$1
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' 2>/dev/null |
        grep -v security | head -n 1)
    if [ -z "$inside" ] || [ -z "$mirror" ] || ! command -v debootstrap >/dev/null; then
        echo "Debian $1 (needs debootstrap, its mirror and a namespace)" >>"$OUT/missing"
        return
    fi
    if [ ! -e "$root/made" ]; then
        rm -rf "$root"
        $inside debootstrap --variant=minbase --include=make "$1" "$root" "$mirror" >"$OUT/log" 2>&1 ||
            { tail -n 3 "$OUT/log" && echo "Debian $1 (it cannot be fetched)" >>"$OUT/missing" && return; }
        touch "$root/made"
    fi
    cp /etc/resolv.conf "$root/etc/"
    fresh_copy "$root/home/a folder"
    judge "Debian $1 ($(cat "$root/etc/debian_version"))" run_in_root "$root"
}

run_read_only() {
    mkdir -p "$OUT/elsewhere"
    $inside sh -c 'mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && mount -t tmpfs -o ro none /dev/shm &&
        cd "$1" && ! touch probe 2>/dev/null && make BUILD="$2" moons' sh "$PWD/$here" "$PWD/$OUT/elsewhere"
}

# A folder of its own with the tools that the Makefile calls.
run_with_few_tools() {
    mkdir -p "$OUT/bin"
    for tool in sh make cc ar as ld mkdir rm ls sed cat mv ln awk grep echo test uname dirname basename; do
        ln -sf "$(command -v "$tool")" "$OUT/bin/$tool"
    done
    (PATH=$PWD/$OUT/bin && cd "$here" && make BUILD=build/few moons)
}

run_with_bad_python() {
    mkdir -p "$OUT/python" && printf '#!/bin/sh\nexit 1\n' >"$OUT/python/python3" && chmod +x "$OUT/python/python3"
    (PATH=$PWD/$OUT/python:$PATH && cd "$here" && make moons && BROWSER=no make check FILTER="$suites")
}

run_plainly() { (cd "$here" && LC_ALL=C LANG=C make -j2 moons && LC_ALL=C BROWSER=no make -j2 check FILTER="$suites"); }

here="$OUT/a folder"
fresh_copy "$here"
judge "a folder with spaces, without UTF-8" run_plainly
judge "a python3 that fails" run_with_bad_python
judge "no tool but a compiler, make and the shell's (moons)" run_with_few_tools
[ -z "$inside" ] || judge "a read-only source tree and /dev/shm, BUILD elsewhere (moons)" run_read_only
try_debian stable
try_debian testing

{
    echo "make moons, and where not said otherwise make test with FILTER='$suites', work with:" \
        "$(paste -sd';' "$OUT/passed" | sed 's/;/; /g')."
    [ ! -s "$OUT/failed" ] || echo "Failed: $(paste -sd';' "$OUT/failed")."
    [ ! -s "$OUT/missing" ] || echo "Not run: $(paste -sd';' "$OUT/missing")."
} | tr '|' '/' >"$OUT/figure.txt"
cat "$OUT/figure.txt"
[ -s "$OUT/passed" ] && [ ! -s "$OUT/failed" ]
