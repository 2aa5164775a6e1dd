"""The numbers that a page of the player computes, beside the engine's, and what a reader can do to them.

player_test.py calls these. How close the page must be: JavaScript's functions of Math and C's libm are each right to
about an ulp, 1.1e-16, and no op makes more than some tens of that of exact operands, but for the erfc of gelu, whose
exponent up to 800 costs a thousandfold. So 1e-13 of the number itself, op by op; where the result is below the smallest
normal double, one unit of its last place. The walk adds and multiplies only, which IEEE fixes to the last bit: from the
same local derivatives it must give the same gradients. From the leaves to the end, errors add up, and subtractions
leave them beside a smaller number: there it is 1e-13 of the largest number that took part.
"""
import html
import json
import os
import re

TOLERANCE = 1e-13

# What all scripts below share: the engine's numbers are texts of 17 digits.
SCRIPT = """
const real = (text) => ({ nan: NaN, '-nan': NaN, inf: Infinity, '-inf': -Infinity })[text] ?? Number(text);
const close = (got, want, size = 0) => got === want || (Number.isNaN(want) && Number.isNaN(got)) ||
  (Number.isFinite(want) && Math.abs(got - want) <= Math.max(TOLERANCE * Math.max(Math.abs(want), size), 5e-324));
const largest = (list, least = 0) =>
  list.reduce((most, x) => Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most, least);
const trouble = [];
const expectClose = (what, got, want, size) => {
  if (!close(got, want, size)) trouble.push(what + ': the page has ' + got + ', the engine ' + want);
};
const expectSame = (what, got, want) => {
  if (!Object.is(got, want)) trouble.push(what + ': the page has ' + got + ', the engine ' + want);
};
""".replace("TOLERANCE", str(TOLERANCE))

# Each op at many points: its value, and its derivatives at the engine's value.
OPS = SCRIPT + """
const [points, texts] = arguments, count = {};
for (const [op, aTexts, bTexts, yText, localTexts] of points) {
  const a = aTexts.map(real), b = bTexts.map(real), y = real(yText), n = a.length;
  const at = op + '(' + aTexts + '; ' + bTexts + ')';
  const { [op + '_forward']: forward, [op + '_da']: da, [op + '_db']: db } = functions;
  count[op] = (count[op] || 0) + 1;
  expectClose(at, ops[op].takesLists ? forward(n, a, b, 1) : forward(a[0], db ? b[0] : 0), y);
  const local = a.flatMap((x, i) => db ? [da(x, b[i], y), db(x, b[i], y)] : [da(x, n, y)]);
  localTexts.forEach((text, i) => expectClose('derivative ' + i + ' of ' + at, local[i], real(text)));
}
for (const [number, places, text] of texts) expectSame('text of ' + number, numberText(real(number), places), text);
return { trouble, count };
"""

# A graph for some settings of its leaves.
GRAPH = SCRIPT + """
const [settings, whole] = arguments;
settings.forEach((setting, s) => {
  const data = setting.data.map(real), local = setting.local.map(real), grads = setting.grads.map(real);
  const leaves = data.map((x, i) => nodes[i].op ? NaN : x), at = ' in setting ' + s;
  nodes.forEach((node, i) => { if (node.op) expectClose('value of node ' + i + at, evaluate(node, data), data[i]); });
  edges.forEach((edge, e) => expectClose('derivative at edge ' + e + at, localDerivative(edge, data), local[e]));
  walk(local).grads.forEach((grad, i) => expectSame('gradient of node ' + i + at, grad + 0, grads[i] + 0));
  passes = s === 0 ? writtenPasses() : { data, local, ...walk(local) };
  story = makeStory();
  nodes.forEach((node, i) => {
    if (!node.op) return;
    expectSame('expression of node ' + i + at, expressionOf(i), setting.expressions[2 * i]);
    expectSame('numbers of node ' + i + at, numbersOf(i), setting.expressions[2 * i + 1]);
  });
  edges.forEach((edge, e) => expectSame('formula at edge ' + e + at, derivativeOf(e), setting.derivatives[e]));
  if (!whole) return;
  const computed = computePasses(leaves), products = nodes.map(() => [1]);
  for (const step of walk(local).steps)
    for (const push of step.pushes) products[edges[push.edge].parent].push(push.product, local[push.edge]);
  computed.data.forEach((x, i) =>
    expectClose('data of node ' + i + ' from the leaves' + at, x, data[i], largest(data)));
  computed.grads.forEach((x, i) =>
    expectClose('grad of node ' + i + ' from the leaves' + at, x, grads[i], largest(products.flat(), largest(data))));
});
passes = writtenPasses();
story = makeStory();
return trouble;
"""

# A page that others made, without a file beside it: computed again from the leaves that it has.
AGAIN = SCRIPT + """
if (!isLive) return trouble;
const now = writtenPasses(), again = computePasses(written);
nodes.forEach((node, i) => { if (node.op) expectClose('value of node ' + i, evaluate(node, now.data), now.data[i]); });
edges.forEach((edge, e) => expectClose('derivative at edge ' + e, localDerivative(edge, now.data), now.local[e]));
nodes.forEach((node, i) => expectClose('node ' + i + ' from the leaves', again.data[i], now.data[i], largest(now.data)));
const size = largest(now.grads.concat(now.local));
now.grads.forEach((grad, i) => expectClose('grad of node ' + i, again.grads[i], grad, size));
return trouble;
"""


def check_ops(browser, folder):
    """In a page that has all functions."""
    with open(os.path.join(folder, "ops.json"), encoding="utf-8") as file:
        expected = json.load(file)
    browser.open(os.path.join(folder, "all_ops.html"))
    found = browser.run(OPS, expected["points"], expected["texts"])
    failures = [f"ops: {what}" for what in found["trouble"]]
    failures += [f"ops: only {count} points of {op}" for op, count in found["count"].items() if count < 20]
    ops = {point[0] for point in expected["points"]}
    if set(found["count"]) != ops or len(ops) < 23:
        failures.append(f"ops: only {len(ops)} of them were compared")
    return failures, len(expected["points"]) + len(expected["texts"])


def check_graph(browser, path):
    """The page must be open."""
    with open(path[:-len(".html")] + ".json", encoding="utf-8") as file:
        settings = json.load(file)["settings"]
    whole = not os.path.basename(path).startswith("random_")
    trouble = browser.run(GRAPH, settings, whole)
    return [f"{os.path.basename(path)}: {what}" for what in trouble], len(settings) * len(settings[0]["data"])


def check_again(browser, path):
    browser.open(path)
    trouble = browser.run(AGAIN) + [f"the console: {line}" for line in browser.console()]
    return [f"{path}: {what}" for what in trouble]


# ---- a reader's hands ----------------------------------------------------------------------------------------------

PICTURE = "return [...document.querySelectorAll('#graph text:not(.count)')].map((text) => text.textContent)"
PICTURED = re.compile(r"<text[^>]*>([^<]*)</text>")


def check_picture(browser, path):
    """At the end, untouched, the picture has the texts that dot wrote, in their places."""
    with open(path, encoding="utf-8") as file:
        page = file.read()
    drawn = [html.unescape(text) for text in PICTURED.findall(page[page.index('<svg id="graph"'):page.index("</svg>\n")])]
    browser.press("end")
    shown = browser.run(PICTURE)
    browser.press("home")
    return [] if not drawn or sorted(drawn) == sorted(shown) else \
        [f"{path}: dot wrote {sorted(set(drawn) - set(shown))}, shown is {sorted(set(shown) - set(drawn))}"]


STATE = """return {
  at: current, last: story.last, data: passes.data[arguments[0]],
  texts: [...document.querySelectorAll('#graph .node .data, #graph .node .grad, #graph .local, #graph .adds')]
    .map((text) => text.textContent),
  words: document.getElementById('words').textContent, live: document.getElementById('say').getAttribute('aria-live'),
  field: document.querySelectorAll('#fields input')[arguments[0]].value,
  invalid: document.querySelectorAll('#fields input')[arguments[0]].hasAttribute('aria-invalid'),
  reset: document.getElementById('reset').disabled, active: document.activeElement.id, zoom: scale,
};"""


def check_leaves(browser, folder):
    """Typing, keys, dragging with mouse and finger, and back; in expression.html L = (a*b + c)*f, a leaf is node 0."""
    failures = []
    browser.open(os.path.join(folder, "expression.html"))

    def check(condition, message):
        if not condition:
            failures.append(f"leaves: {message}")

    def state():
        return browser.run(STATE, 0)

    before = state()
    browser.press(*["tab"] * 40)
    labels = browser.run("return [...document.querySelectorAll('#fields input')].map((x) => x.labels[0].textContent)")
    check(labels == ["a", "b", "c", "f"], f"the fields are labelled {labels}")
    browser.run("document.activeElement.blur(); document.getElementById('theme').focus()")
    for _ in range(12):
        browser.press("tab")
        if browser.run("return document.activeElement.id") == "leaf0":
            break
    check(state()["active"] == "leaf0", "Tab does not reach the first field")
    browser.press("up")
    now = state()
    check(now["data"] == 2.1 and now["field"] == "2.1", f"the arrow up makes 2 {now['field']}")
    check(now["at"] == now["last"], "the first change does not show the end")
    check("-7.4" not in before["texts"] and "-6.3" in now["texts"], "e = a*b = -6.3 is not in the picture")
    check("∂=a=2.1" in " ".join(now["texts"]), "the derivative at the edge did not follow")
    command = browser.run("return document.getElementById('command').textContent")
    want = "build/draw a=2.1 b=-3 c=10 f=-2 --html expression.html -- 'L = (a*b + c)*f # it'\\''s'"
    check(command == want, f"the command is {command}")
    browser.press("down", "down")
    check(state()["data"] == 1.9, f"two arrows down make it {state()['data']}")
    browser.run("document.getElementById('leaf0').select()")
    browser.press("-", "5", "0")
    now = state()
    check(now["data"] == -50 and now["zoom"] == before["zoom"], "typing -50 does not set it, or is taken for zoom keys")
    check("(-50)" in browser.run("return numbersOf(3)"), "e is not -50 * -3")
    browser.press("backspace", "backspace", "backspace")
    check(state()["invalid"] and state()["data"] == -5, "an empty field is not marked, or changes the number")
    browser.press("7")
    check(not state()["invalid"] and state()["data"] == 7, "7 in the empty field is not taken")
    browser.click("#first")
    browser.press("right")
    now = state()
    check(now["at"] == 1 and now["data"] == 7, "the steps do not go on with the number that was typed")
    browser.click("#reset")
    now = state()
    browser.press("home")
    check(now["reset"] and now["field"] == "2" and state()["texts"] == before["texts"], "Reset does not bring all back")
    for kind in ("mouse", "touch"):
        browser.drag("#n0 .data", 60, kind)
        now = state()
        check(now["data"] == 3 and now["field"] == "3", f"60 pixels to the right by {kind} make 2 {now['data']}")
        check(now["live"] == "polite", "after dragging a reader is told nothing")
        browser.click("#reset")
    browser.click("#n0 .data")
    check(state()["active"] == "leaf0", "a press on a leaf does not lead to its field")
    browser.run("document.activeElement.blur()")
    failures += [f"leaves: the console has {line}" for line in browser.console()]
    return failures


def check_hover(browser, folder):
    """Over an edge its product is told, with the numbers of now: a.grad += b * f."""
    browser.open(os.path.join(folder, "expression.html"))
    browser.run("setLeaf(0, 4)")
    tip = browser.run("""wires[0].wire.dispatchEvent(new PointerEvent('pointerover', { bubbles: true }));
      return document.querySelector('#graph > title').textContent;""")
    return [] if tip == "a.grad += ∂e/∂a · e.grad = b · -2 = -3 · -2 = 6" else [f"hovering tells {tip}"]


def check_own_op(browser, folder):
    """A page that lacks the function of an op, as with an op of one's own, plays on and says why it is not live."""
    path = os.path.join(folder, "own.htm")
    with open(os.path.join(folder, "expression.html"), encoding="utf-8") as file:
        page = file.read()
    with open(path, "w", encoding="utf-8") as file:
        file.write(page.replace("double mul_", "double other_"))
    browser.open(path)
    browser.press("end")
    told = browser.run("return [...['fields', 'headline'].map((id) => document.getElementById(id).textContent),"
                       " document.querySelectorAll('#fields input, .movable').length]")
    os.remove(path)
    good = told[0].startswith("mul is an op of your own") and told[1] == "Every gradient is complete" and told[2] == 0
    return ([] if good else [f"an op without its function: {told}"]) + browser.console()


def check_kept_moment(browser, folder):
    """Where a change leaves the same step, it stays; a gradient of 0 has no step."""
    browser.open(os.path.join(folder, "expression.html"))
    browser.press("end", "left")
    headline = "return [current, story.last, document.getElementById('headline').textContent]"
    before = browser.run(headline)
    browser.run("setLeaf(0, 4)")
    after = browser.run(headline)
    browser.run("setLeaf(5, 0)")  # L = d*f with f = 0: d has nothing to push
    fewer = browser.run("return [story.last, story.moments.map((moment) => moment.kind).join(' ')]")
    good = before[:2] == after[:2] and "pushes its gradient" in after[2] and fewer[0] < before[1]
    return [] if good else [f"moments: {before}, then {after}, then {fewer}"]


# How many packets were ever sent: on a busy machine they have arrived before anybody looks.
COUNT_PACKETS = """window.sent = 0;
  const count = (node) => { sent += node.classList !== undefined && node.classList.contains('packet'); };
  new MutationObserver((changes) => changes.forEach((change) => change.addedNodes.forEach(count)))
    .observe(document.getElementById('graph'), { childList: true, subtree: true })"""


def check_packets(browser, folder):
    """They travel on a push, not back, and not where motion is not wanted."""
    failures = []
    for wanted in ("no-preference", "reduce"):
        browser.emulate(features=[{"name": "prefers-reduced-motion", "value": wanted}])
        browser.open(os.path.join(folder, "expression.html"))
        browser.run(COUNT_PACKETS)
        sent = []
        for keys in (["right"] * 4, ["right"], ["right"], ["left"]):  # to the seed, a push, another, and back
            browser.press(*keys)
            sent.append(browser.run("return sent"))
        at_seed, pushed, pushed_again, back = sent
        if at_seed != 0 or pushed != (2 if wanted == "no-preference" else 0):
            failures.append(f"packets: with motion {wanted} {at_seed} are sent up to the seed and {pushed} with a push")
        if back != pushed_again:
            failures.append("packets: some travel on a step back")
    browser.emulate(features=[])
    browser.press("home", *["right"] * 5)
    arrived = "return document.querySelectorAll('.packet').length === 0"
    browser.wait(arrived)
    if not browser.run(arrived):
        failures.append("packets: they do not arrive")
    return failures


FRAMES = """return [...document.querySelectorAll('.cluster')].map((frame) => [frame.getAttribute('aria-label'),
  frame.getAttribute('aria-expanded'), getComputedStyle(frame).visibility])"""
HIDDEN = """return [...document.querySelectorAll('#graph .node')].filter((node) =>
  getComputedStyle(node).visibility === 'hidden').map((node) => Number(node.id.slice(1))).sort((a, b) => a - b)"""


def check_frames(browser, folder):
    """Neuron 1,2 begins closed: three params, the sum and the tanh."""
    failures = []
    path = os.path.join(folder, "network_frames.html")
    browser.open(path)

    def same(what, got, want):
        if got != want:
            failures.append(f"frames: {what}: {got}, want {want}")

    inside = [6, 7, 8, 22, 26]
    frames = browser.run(FRAMES)
    if not frames:
        return []  # no dot here
    same("frames", len(frames), 7)
    same("the closed one", [frame[0] for frame in frames if frame[1] == "false"], ["neuron 1,2: 5 nodes, 3 params"])
    same("hidden nodes", browser.run(HIDDEN), inside)
    browser.press("end")
    browser.click(".cluster.closed .count")
    same("hidden nodes, opened", browser.run(HIDDEN), [])
    failures.extend(check_picture(browser, path))
    browser.run("document.querySelector('.cluster').focus()")
    browser.press("enter")
    layer = [i for i in range(31) if i <= 11 or 20 <= i <= 27]
    same("hidden nodes, layer 1 closed by Enter", browser.run(HIDDEN), layer)
    same("the frames inside", [frame[2] for frame in browser.run(FRAMES)].count("hidden"), 4)
    browser.press("space")
    same("hidden nodes, opened by space", browser.run(HIDDEN), [])
    same("the role of the picture", browser.run("return graph.getAttribute('role')"), "group")
    failures += [f"frames: the console has {line}" for line in browser.console()]
    return failures


# ---- places to be read in ------------------------------------------------------------------------------------------

FITS = """const stage = document.getElementById('stage');
return { page: document.documentElement.scrollWidth <= innerWidth, stage: stage.scrollWidth <= stage.clientWidth + 1,
  height: document.documentElement.scrollHeight, width: graph.getBoundingClientRect().width,
  title: getComputedStyle(document.querySelector('h1')).display, tools: document.getElementById('fit').offsetWidth,
  embedded: document.body.className,
  panel: document.getElementById('panel').getBoundingClientRect().bottom, inner: innerHeight };"""


def check_places(browser, folder):
    """A phone, a frame in another page, paper."""
    failures = []

    def check(condition, message):
        if not condition:
            failures.append(f"places: {message}")

    browser.resize(375, 812)
    for name in ("expression.html", "network.html", "chain_layers.html"):
        browser.open(os.path.join(folder, name))
        now = browser.run(FITS)
        check(now["page"] and now["stage"], f"{name} does not fit on a phone: {now}")
    for width in (375, 720):
        browser.resize(width, 420)
        browser.open(os.path.join(folder, "network.html") + "#embed")
        now = browser.run(FITS)
        check(now["title"] == "none" and now["page"] and now["height"] <= 420, f"#embed: {now}")
        check(now["panel"] <= 421, f"#embed: the panel is out of sight: {now}")
    browser.resize(1280, 800)
    outer = os.path.join(folder, "outer.htm")
    with open(outer, "w", encoding="utf-8") as file:
        file.write('<!doctype html><title>a book</title><iframe src="expression.html" width="720" height="420"></iframe>')
    browser.open(outer)
    browser.call("POST", "/frame", {"id": 0})
    browser.wait("return document.body && document.body.classList.contains('embedded')")
    now = browser.run(FITS)
    check(now["embedded"] == "embedded" and now["title"] == "none" and now["tools"] > 0 and now["width"] > 300,
          f"in a frame: {now}")
    browser.call("POST", "/frame", {"id": None})
    os.remove(outer)
    check_paper(browser, folder, check)
    return failures


def check_paper(browser, folder, check):
    browser.open(os.path.join(folder, "expression.html"))
    browser.emulate(media="print")
    shown = browser.run("return ['controls', 'leaves', 'graph', 'panel'].filter((id) => "
                        "getComputedStyle(document.getElementById(id)).display !== 'none')")
    check(shown == ["graph", "panel"], f"on paper there are {shown}")
    browser.run("dispatchEvent(new Event('beforeprint'))")
    check(browser.run("return document.querySelectorAll('#all[open] li').length") == 9, "the steps are not printed")
    browser.run("dispatchEvent(new Event('afterprint'))")
    browser.emulate(media="")


def check_sizes(folder):
    """30 nodes and as many labelled edges as there usually are."""
    failures = []
    for name in ("network.html", "network_frames.html"):
        size = os.path.getsize(os.path.join(folder, name))
        if size > 100 * 1000:
            failures.append(f"{name} has 31 nodes and {size} bytes")
    return failures


def check_all(browser, folder):
    failures, checked = check_ops(browser, folder)
    for check in (check_leaves, check_hover, check_own_op, check_kept_moment, check_packets, check_frames,
                  check_places):
        failures += check(browser, folder)
        checked += 1
    return failures + check_sizes(folder), checked
