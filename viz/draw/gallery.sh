#!/bin/sh
# One page with a diagram of everything that the program draw can show, and the command above each:
#     sh viz/draw/gallery.sh build        writes build/gallery.html (make gallery); needs dot
set -eu
build=$1
page=$build/gallery.html
trap 'rm -f "$page.part" "$page.svg" "$page.said"' EXIT

escape() { sed 's/&/\&amp;/g; s/</\&lt;/g; s/>/\&gt;/g'; }

# TITLE EXPRESSION [NAME=NUMBER ...] [option ...]
show() {
    title=$1 expression=$2
    shift 2
    "$build/draw" "$expression" "$@" --svg "$page.svg" 2>"$page.said" || { cat "$page.said" >&2 && exit 1; }
    echo "<section><h2>$title</h2><pre>$(echo "draw '$expression' $*" | cat - "$page.said" | escape)</pre>"
    sed -n '/<svg/,$p' "$page.svg"
    echo '</section>'
}

make_page() {
    cat <<'END'
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>stepgrad: a gallery of diagrams</title><style>
body { margin: 1.5rem auto; padding: 0 1rem; max-width: 84rem; font: 16px/1.5 system-ui, sans-serif; }
section { margin: 1rem 0; padding: 1rem; border: 1px solid #d0d7de; border-radius: 8px; overflow-x: auto; }
h2 { margin: 0; font-size: 1.2rem; } svg { max-width: 100%; height: auto; min-width: 20rem; }
</style></head><body><h1>stepgrad: a gallery of diagrams</h1>
<p>Each was drawn by the command above it. Rest the pointer on a box or an edge for its formula in numbers.</p>
END
    show 'How to read a diagram: name, operation, value, gradient' 'd = a*x; L = 10 - d' a=2 x=-3 --legend
    show 'On an edge: the local derivative, and what it adds to the gradient of x' 'tanh(x)' x=0.5
    show 'Where the order of operands matters, each edge says which place it takes' 'p/q' p=3 q=-2
    show 'A sum passes its gradient on to every term unchanged' 'sum(a, b, c)' a=1 b=2 c=3
    show 'A dot product: 1a is paired with 1b' 'dot([w1, w2], [x1, x2], b)' w1=-3 w2=1 x1=2 x2=0.5 b=6.88
    show 'A node used twice: contributions add up, hence the +=' 'x*x' x=3
    show 'A neuron' 'n = w1*x1 + w2*x2 + b; L = tanh(n)' x1=2 x2=0 w1=-3 w2=1 b=6.88
    show 'The expression in the README of micrograd: a 138.8, b 645.6' 'c1 = a + b; d1 = a*b + b^3; c2 = c1 + (c1 + 1)
c = c2 + (1 + c2 + -a); d2 = d1 + (d1*2 + relu(b + a)); d = d2 + (3*d2 + relu(b - a))
e = c - d; f = e^2; g = f/2 + 10/f' a=-4 b=2 --hide-constants --direction down
    show 'Cross-entropy: softmax − onehot arrives at the logits' 'cross_entropy([z0, z1, z2], 0)' z0=2 z1=-1 z2=0.5
    show 'A dead relu: w will never learn from this' 'n = w*x; relu(n)' w=-1.5 x=2
    show 'A tie: each gets half of the gradient' 'max(a, b)' a=2 b=2
    show 'Down to a depth: what is cut off is a stub' 'y = sin(x*x); L = exp(y)*cos(sin(y))' x=0.3 --depth 2
    show 'Only what depends on one node' 'd = a*b + c; L = d*f' a=2 b=-3 c=10 f=-2 --through a
    show 'Constants are ellipses' '2*x^2 + 1' x=3
    show 'Constants hidden' '2*x^2 + 1' x=3 --hide-constants
    show 'The forward pass alone, all digits' 'sin(a)*b + 10' a=2 b=-3 --values-only --digits 17
    show 'For a dark page' 'n = w*x + b; n^2' w=0.5 x=-2 b=0.25 --theme dark
    show 'For print: what takes away is dashed' 'n = w*x + b; n^2' w=0.5 x=-2 b=0.25 --theme print
    show 'From top to bottom, for a narrow page' 'd = a*b + c; L = d*f' a=2 b=-3 c=10 f=-2 --direction down
    show 'Where a NaN comes from, and all that it spoils' 'y = log(x); y*2 + 1' x=-1
    echo '</body></html>'
}

make_page >"$page.part"
mv "$page.part" "$page"
echo "$page"
