#!/usr/bin/env python3
"""Play the pages of the player in a real browser, and compare what they show with what the engine computed.

    build/tests/player_pages FOLDER && python3 tests/browser/player_test.py FOLDER [PAGE.html ...]

Other pages of the player, those of the chapters, are computed again from their leaves. Chromium is driven through
chromedriver; only Python's own library is needed. Where one of them is missing, the test says so and ends with status
77. Each page is played by click, by key, by slider and by itself; at every step the data and the gradient of each node
must be those of FOLDER/NAME.json, to the digits that the page shows. The console must stay empty, and nothing may be
fetched.
"""
import glob
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import player_live

SKIPPED = 77
CHROMIUM = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
ARGUMENTS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1280,800"]
KEYS = {"left": "\ue012", "right": "\ue014", "up": "\ue013", "down": "\ue015", "home": "\ue011", "end": "\ue010",
        "space": " ", "tab": "\ue004", "enter": "\ue007", "backspace": "\ue003"}

# What the page shows, as a reader sees it: of hidden texts, nothing.
LOOK = """
const seen = (element) => element && getComputedStyle(element).visibility === 'visible' ? element.textContent : null;
const groups = [...document.querySelectorAll('#graph .node')].sort((a, b) => a.id.slice(1) - b.id.slice(1));
return {
  at: Number(document.getElementById('slider').value),
  last: Number(document.getElementById('slider').max),
  data: groups.map((group) => seen(group.querySelector('.data'))),
  grads: groups.map((group) => seen(group.querySelector('.grad'))),
  busy: [...groups.keys()].filter((i) => /computing|pushing/.test(groups[i].getAttribute('class'))),
  phase: document.getElementById('phase').textContent,
  headline: document.getElementById('headline').textContent,
  line: [...document.querySelectorAll('#work thead th:not(.aside)')].map((cell) => cell.textContent).join(' '),
  rows: [...document.querySelectorAll('#work tbody tr')].map((row) => [row.cells[0].firstChild.textContent,
    ...[...row.cells].map((cell) => cell.lastChild.textContent)]),
  names: nodes.map((_, i) => nameOf(i) + '.grad'),
  count: document.getElementById('count').textContent,
  live: document.getElementById('say').getAttribute('aria-live'),
};
"""
FETCHED = "return performance.getEntriesByType('resource').map((entry) => entry.name)"


def find_program(names):
    for name in names:
        path = shutil.which(name)
        if path:
            return path
    return None


class Browser:
    """One session of WebDriver."""

    def __init__(self, chromium, driver):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # run_tests.sh was interrupted: close the browser
        self.profile = tempfile.mkdtemp(prefix="stepgrad-browser-")
        self.driver = subprocess.Popen([driver, f"--port={self.port}"], stdout=subprocess.DEVNULL,
                                       stderr=subprocess.DEVNULL)
        self.session = ""
        options = {"args": ARGUMENTS + [f"--user-data-dir={self.profile}"], "binary": chromium}
        wanted = {"goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        deadline = time.monotonic() + 600
        while not self.session:
            try:
                answer = self.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
                self.session = "/session/" + answer["sessionId"]
            except (urllib.error.URLError, ConnectionError):
                if time.monotonic() > deadline or self.driver.poll() is not None:
                    raise
                time.sleep(0.1)

    def call(self, method, path, body=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{self.session}{path}", method=method,
                                         data=None if body is None else json.dumps(body).encode(),
                                         headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(request, timeout=600) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(error.read().decode()[:2000]) from None

    def open(self, path):
        self.call("POST", "/url", {"url": "file://" + os.path.abspath(path)})

    def run(self, script, *arguments):
        return self.call("POST", "/execute/sync", {"script": script, "args": list(arguments)})

    def wait(self, script):
        """Until what the script returns is true: ten minutes, for a machine that is busy with other things."""
        deadline = time.monotonic() + 600
        while not self.run(script) and time.monotonic() < deadline:
            time.sleep(0.05)

    def element(self, css):
        return self.call("POST", "/element", {"using": "css selector", "value": css})

    def click(self, css, times=1):
        """With the mouse: whatever lies above the element gets the click instead."""
        there = [{"type": "pointerMove", "duration": 0, "x": 0, "y": 0, "origin": self.element(css)}]
        click = [{"type": "pointerDown", "button": 0}, {"type": "pointerUp", "button": 0}]
        self.call("POST", "/actions", {"actions": [{"type": "pointer", "id": "mouse", "actions": there + click * times}]})

    def press(self, *keys):
        actions = [{"type": kind, "value": KEYS.get(key, key)} for key in keys for kind in ("keyDown", "keyUp")]
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def drag(self, css, pixels, kind):
        """To the right, by "mouse" or "touch"."""
        steps = [{"type": "pointerMove", "duration": 0, "x": 0, "y": 0, "origin": self.element(css)},
                 {"type": "pointerDown", "button": 0},
                 {"type": "pointerMove", "duration": 50, "x": pixels // 2, "y": 0, "origin": "pointer"},
                 {"type": "pointerMove", "duration": 50, "x": pixels - pixels // 2, "y": 0, "origin": "pointer"},
                 {"type": "pointerUp", "button": 0}]
        self.call("POST", "/actions", {"actions": [{"type": "pointer", "id": kind, "actions": steps,
                                                    "parameters": {"pointerType": kind}}]})

    def devtools(self, command, **parameters):
        self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def emulate(self, **what):
        self.devtools("Emulation.setEmulatedMedia", **what)

    def resize(self, width, height):
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                      mobile=False)

    def console(self):
        return self.call("POST", "/se/log", {"type": "browser"})

    def close(self):
        try:
            if self.session:
                self.call("DELETE", "")
        finally:
            self.driver.terminate()
            self.driver.wait(10)
            shutil.rmtree(self.profile, ignore_errors=True)


def shown(text, digits):
    """The number as the page writes it."""
    number = float(text)
    return "nan" if number != number else "%.*g" % (digits, number + 0.0 if number != 0 else 0.0)


class Page:
    def __init__(self, browser, path):
        self.browser, self.path, self.name = browser, path, os.path.basename(path)
        with open(path[:-len(".html")] + ".json", encoding="utf-8") as expected:
            self.expected = json.load(expected)
        self.failures, self.checked = [], 0
        browser.open(path)
        digits = self.expected["digits"]
        self.data = [shown(x, digits) for x in self.expected["data"]]
        self.ops = [i for i, is_op in enumerate(self.expected["ops"]) if is_op]
        self.steps = [(step["node"], [shown(x, digits) for x in step["grads"]]) for step in self.expected["steps"]]
        self.products = [[(shown(local, digits), shown(product, digits)) for local, product in step["products"]]
                         for step in self.expected["steps"]]
        self.last = 1 + len(self.ops) + len(self.steps)

    def check(self, condition, message):
        self.checked += 1
        if not condition:
            self.failures.append(f"{self.name}: {message}")

    def same(self, what, got, want):
        self.check(got == want, f"{what}: shown {got}, computed {want}")

    def look(self):
        return self.browser.run(LOOK)

    def check_moment(self, at, by):
        """All that is shown in moment `at`, which was reached by `by`."""
        now, place = self.look(), f"step {at} reached by {by}"
        forward = len(self.ops)
        self.same(f"{place}: the place", (now["at"], now["last"]), (at, self.last))
        self.same(f"{place}: the count", now["count"], f"{at} / {self.last}")
        known = set(self.ops[:at])
        for i, text in enumerate(now["data"]):
            want = self.data[i] if i not in self.ops or i in known else None
            self.same(f"{place}: data of node {i}", text, want)
        backward = at - forward - 1  # the number of the step in self.steps
        grads = self.steps[min(backward, len(self.steps) - 1)][1] if backward >= 0 and self.steps else None
        for i, text in enumerate(now["grads"]):
            if text is not None or grads is None:
                self.same(f"{place}: grad of node {i}", text, grads[i] if grads else None)
            else:
                self.same(f"{place}: grad of node {i}, which shows none", "0", grads[i])
        busy = []
        if 1 <= at <= forward:
            busy = [self.ops[at - 1]]
        elif self.steps and backward == 0:
            busy = [len(self.data) - 1]
        elif 0 < backward < len(self.steps):
            busy = [self.steps[backward][0]]
        self.same(f"{place}: the node at work", now["busy"], busy)
        if 0 < backward < len(self.steps):
            self.same(f"{place}: the line of C", now["line"], "parent->grad += local * grad;")
            self.check_products(place, now, backward)
        self.check(now["headline"] != "", f"{place}: says nothing")
        return now

    def check_products(self, place, now, backward):
        """The rows of the table: before += local * grad, adds, after."""
        before, after = self.steps[backward - 1][1], self.steps[backward][1]
        products = sorted((row[3], row[6]) for row in now["rows"])
        self.same(f"{place}: the local derivatives and products", products, sorted(self.products[backward]))
        self.same(f"{place}: the gradient that is pushed", [row[5] for row in now["rows"]],
                  [before[self.steps[backward][0]]] * len(products))
        first = {now["names"].index(row[0]): row[1] for row in reversed(now["rows"])}
        last = {now["names"].index(row[0]): row[7] for row in now["rows"]}
        self.same(f"{place}: gradients before", first, {node: before[node] for node in first})
        self.same(f"{place}: gradients after", last, {node: after[node] for node in last})

    def walk(self, by, forth, back):
        """Forth with a look at each step, and back."""
        for at in range(1, self.last + 1):
            forth()
            self.check_moment(at, by)
        back(1)
        self.check_moment(self.last - 1, by + " back")
        if self.last > 1:
            back(self.last - 1)
        self.check_moment(0, by + " back")

    def test_all(self):
        browser = self.browser
        self.check_moment(0, "loading")
        self.failures += player_live.check_picture(browser, self.path)
        failures, checked = player_live.check_graph(browser, self.path)
        self.failures += failures
        self.checked += checked
        self.walk("key", lambda: browser.press("right"), lambda times: browser.press(*["left"] * times))
        if not self.name.endswith("_layers.html"):  # the same player, laid out otherwise
            self.test_controls()
        self.same("the console", browser.console(), [])
        self.same("what was fetched", browser.run(FETCHED), [])
        self.same("scripts that came from a label", browser.run("return document.querySelectorAll('script').length"), 3)

    def test_controls(self):
        browser = self.browser
        self.walk("click", lambda: browser.click("#next"), lambda times: browser.click("#back", times))
        browser.run("document.activeElement.blur()")
        browser.press("end")
        self.check_moment(self.last, "End")
        browser.press("home")
        self.check_moment(0, "Home")
        browser.click("#last")
        self.check_moment(self.last, "the last button")
        browser.click("#first")
        self.check_moment(0, "the first button")
        self.test_slider()
        self.test_play()
        self.test_theme_and_zoom()
        self.test_list()

    def test_slider(self):
        self.browser.run("document.getElementById('slider').focus()")
        self.browser.press("end")
        self.check_moment(self.last, "End on the slider")
        if self.last > 0:
            self.browser.press("left")
            self.check_moment(self.last - 1, "an arrow on the slider")
        self.browser.press("home")
        self.check_moment(0, "Home on the slider")
        self.browser.run("document.activeElement.blur()")

    def set_speed(self, speed):
        """Of any value: at a speed near 0 nothing happens while a busy machine looks."""
        self.browser.run("const speed = document.getElementById('speed'); speed.add(new Option('', arguments[0]));"
                         "speed.value = arguments[0]", str(speed))

    def test_play(self):
        browser = self.browser
        label = "return document.getElementById('play').ariaLabel"
        self.set_speed(1e-4)
        browser.press("space")
        self.same("the button while playing", browser.run(label), "Pause")
        self.same("a reader while playing", self.look()["live"], "off")
        browser.press("space")
        self.same("the button in a pause", browser.run(label), "Play")
        self.set_speed(16)
        browser.press("space")
        deadline = time.monotonic() + 600 + self.last * 4  # a busy machine is slow, not wrong
        while self.look()["at"] < self.last and time.monotonic() < deadline:
            time.sleep(0.1)
        browser.wait(label + " === 'Play'")
        now = self.check_moment(self.last, "playing")
        self.same("a reader at the end", now["live"], "polite")
        self.same("the button at the end", browser.run(label), "Play")
        self.set_speed(1e-4)
        browser.click("#play")
        browser.click("#play")
        self.same("play at the end begins again, and pause stops it", self.look()["at"], 0)
        browser.click("#first")

    def test_theme_and_zoom(self):
        browser = self.browser
        paper = "return getComputedStyle(document.body).backgroundColor"
        width = "return document.getElementById('graph').getBoundingClientRect().width"
        before, wide = browser.run(paper), browser.run(width)
        browser.click("#theme")
        self.check(browser.run(paper) != before, "the theme's button changes nothing")
        browser.click("#theme")
        self.same("the paper after two switches", browser.run(paper), before)
        browser.press("+")
        self.check(browser.run(width) > wide, "+ does not zoom in")
        browser.click("#fit")
        fits = browser.run("const s = document.getElementById('stage'); return s.scrollWidth <= s.clientWidth && "
                           "s.scrollHeight <= s.clientHeight")
        self.check(fits, "Fit leaves something out of sight")

    def test_list(self):
        browser = self.browser
        browser.run("document.getElementById('all').open = true")
        lines = "return document.querySelectorAll('#list li').length"
        browser.wait(lines)  # the event comes later
        self.same("lines in the list of steps", browser.run(lines), self.last + 1)
        browser.run("document.querySelectorAll('#list button')[arguments[0]].click()", self.last)
        self.check_moment(self.last, "the list")


LAYOUT = """
const trouble = [], rect = (e) => e.getBoundingClientRect();
if (document.documentElement.scrollWidth > innerWidth) trouble.push('the page is wider than the window');
const drawn = [...document.querySelectorAll('#graph .node')].sort((a, b) => a.id.slice(1) - b.id.slice(1));
const outlines = drawn.map((node) => rect(node.querySelector('.frame')));
drawn.forEach((node, i) => {
  for (const text of node.querySelectorAll('text')) {
    const t = rect(text), f = outlines[i];
    if (t.left < f.left - 1 || t.right > f.right + 1 || t.top < f.top - 1 || t.bottom > f.bottom + 1)
      trouble.push(node.id + ': "' + text.textContent + '" leaves its box');
  }
  const caption = node.querySelector('.of-grad');
  if (caption && rect(node.querySelector('.grad')).left < rect(caption).right)
    trouble.push(node.id + ': the gradient lies on its caption');
  for (let k = 0; k < i; k++) {
    const a = outlines[i], b = outlines[k];
    if (a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom)
      trouble.push(node.id + ' overlaps ' + drawn[k].id);
  }
});
const isNear = (point, f, room) => point.x > f.left - room && point.x < f.right + room &&
  point.y > f.top - room && point.y < f.bottom + room;
for (const edge of edges) {
  const wire = document.querySelector('#e' + nodes[edge.child].number + '_' + edge.operand + ' .wire');
  const matrix = wire.getScreenCTM(), room = 14 * matrix.a; /* the arrow, and a double frame */
  const at = (length) => wire.getPointAtLength(length).matrixTransform(matrix);
  if (!isNear(at(0), outlines[edge.parent], room) || !isNear(at(wire.getTotalLength()), outlines[edge.child], room))
    trouble.push(wire.parentNode.id + ' is a line between other boxes');
  if (outlines[edge.parent].left >= outlines[edge.child].left) trouble.push(wire.parentNode.id + ' goes backwards');
}
for (const button of document.querySelectorAll('#controls button, .tools button')) {
  const b = rect(button);
  if (b.left < 0 || b.right > innerWidth) trouble.push(button.id + ' is out of the window');
}
return trouble;
"""


def test_layout(browser, path):
    """Nothing is cut off at three widths, boxes do not overlap, texts stay inside their boxes, and each line leads from
    the box of its parent to that of its child: at the end, two steps before, when gradients may be longer,
    and for leaves of many digits."""
    failures = []
    for width, height in ((375, 812), (1280, 720), (1920, 1080)):
        browser.resize(width, height)
        browser.open(path)
        for keys in (["end"], ["left", "left"]):
            browser.press(*keys)
            failures += [f"{os.path.basename(path)} at {width} x {height}: {what}" for what in browser.run(LAYOUT)]
        browser.press("end")
        browser.run("leafIndexes.forEach((i) => setLeaf(i, -123456.789))")
        failures += [f"{os.path.basename(path)}, other leaves: {what}" for what in browser.run(LAYOUT)]
    browser.devtools("Emulation.clearDeviceMetricsOverride")
    return failures


def test_page(browser, path):
    """Of the random graphs, which are many, only the numbers; network_frames.html begins with nodes out of sight."""
    name = os.path.basename(path)
    if name.startswith("random_") or name == "network_frames.html":
        browser.open(path)
        return player_live.check_graph(browser, path)
    page = Page(browser, path)
    page.test_all()
    return page.failures + test_layout(browser, path), page.checked


def main():
    if len(sys.argv) < 2:
        sys.exit(f"usage: {sys.argv[0]} FOLDER [PAGE.html ...]")
    chromium, driver = find_program(CHROMIUM), find_program(["chromedriver"])
    if chromium is None or driver is None:
        print("SKIPPED: the player's pages were not played: no " + ("chromium" if chromium is None else "chromedriver") +
              " here (apt-get install chromium chromium-driver)")
        sys.exit(SKIPPED)
    paths = sorted(glob.glob(os.path.join(sys.argv[1], "*.html")))
    if not paths:
        sys.exit(f"no pages in {sys.argv[1]}: run build/tests/player_pages {sys.argv[1]} first")
    browser = Browser(chromium, driver)
    try:
        failures, checked = player_live.check_all(browser, sys.argv[1])
        for path in paths:
            more, count = test_page(browser, path)
            failures += more
            checked += count
        for path in sys.argv[2:]:
            failures += player_live.check_again(browser, path)
            checked += 1
    finally:
        browser.close()
    for failure in failures[:40]:
        print("FAILED:", failure)
    print(f"player in the browser: {len(paths) + len(sys.argv) - 2} pages, {checked} checks, {len(failures)} failed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
