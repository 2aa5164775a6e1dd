#!/bin/sh
# Make the pictures of the README again, all that are in this folder: sh viz/images/make_images.sh
# Needs make, a compiler and dot; player.png also chromium, and stays as it is where there is none.
set -eu
cd "$(dirname "$0")/../.."
build=${BUILD:-build}
images=viz/images
work=$build/images
make "$build/draw" "$build/moons"
mkdir -p "$work"

# What the program moons leaves behind.
"$build/moons" --out "$work/moons" >/dev/null
cp "$work/moons/boundary.svg" "$work/moons/neuron.svg" "$images"

# The expression of the README. The PNG has two pixels per point: sharp on a screen of twice the usual resolution.
"$build/draw" 'L = tanh(w1*x1 + w2*x2 + b)' x1=2 w1=-3 w2=1 x2=0 b=6.88 \
    --png "$images/diagram.png" --html "$work/page.html" >/dev/null

# The player some steps into the backward pass: the keys are pressed by a script added to the page, whose
# policy allows none but its own.
browser=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [ -z "$browser" ]; then
    echo "make_images: no chromium here: $images/player.png stays as it is" >&2
    exit 0
fi
sed '/http-equiv="Content-Security-Policy"/d' "$work/page.html" >"$work/player.html"
cat >>"$work/player.html" <<'END'
<script>
addEventListener("load", () => {
    for (let step = 0; step < 8; step++)
        document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
});
</script>
END
root=''
if [ "$(id -u)" = 0 ]; then
    root=--no-sandbox # chromium refuses to run as root otherwise
fi
"$browser" --headless --disable-gpu --hide-scrollbars $root --window-size=1280,800 --virtual-time-budget=5000 \
    --screenshot="$work/player.png" "file://$(pwd)/$work/player.html" 2>/dev/null
mv "$work/player.png" "$images/player.png"
