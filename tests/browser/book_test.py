#!/usr/bin/env python3
"""Read the book as a reader does, in a real browser: every link leads somewhere, nothing is fetched, the console is empty.

    make book && python3 tests/browser/book_test.py build/book

Links are checked on the disk. Then each page is opened in Chromium, wide, at 375 px and as it is printed: it must not
scroll sideways, and its lines of code must be those of the chapter's source. Outputs, hints and answers must be closed
at first, and all there. Some formulas are checked; search, keys, copying, progress and the switch to dark are tried; the
book is printed. Only Python's own library is needed; where Chromium is missing, the test checks the links, says what
was skipped, and ends with status 77.
"""
import glob
import html.parser
import json
import os
import re
import subprocess
import sys
import urllib.parse

from player_test import CHROMIUM, FETCHED, SKIPPED, Browser, find_program

SIZES = ((1280, 800, "screen"), (375, 812, "screen"), (680, 960, "print"))  # 680 px: what A4 has between its margins
HERE = os.path.dirname(os.path.abspath(__file__))
LESSONS = os.path.join(HERE, "..", "..", "lessons")
CHAPTER = re.compile(r"(\d\d)_\w+\.html$")
SECTION = re.compile(r"^/\* -+ .* -+ \*/$")  # becomes a heading of the page


class Links(html.parser.HTMLParser):
    """The ids of a page, and what it refers to."""

    def __init__(self, path):
        super().__init__()
        self.ids, self.repeated, self.targets, self.policy = set(), [], [], ""
        with open(path, encoding="utf-8") as page:
            self.feed(page.read())

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if "id" in attributes:
            if attributes["id"] in self.ids:
                self.repeated.append(attributes["id"])
            self.ids.add(attributes["id"])
        if attributes.get("http-equiv") == "Content-Security-Policy":
            self.policy = attributes["content"]
        self.targets += [attributes[name] for name in ("href", "src") if name in attributes]


def check_links(folder, paths):
    """Every href and src is a file of the book, and every #anchor an id in it. Returns what is not, and how many are."""
    pages = {os.path.basename(path): Links(path) for path in paths}
    failures, checked = [], 0
    for name, page in pages.items():
        failures += [f"{name}: id {repeated} stands there twice" for repeated in page.repeated]
        if "default-src 'none'" not in page.policy or "http" in page.policy:
            failures.append(f"{name}: its Content-Security-Policy is {page.policy!r}")
        for target in page.targets:
            checked += 1
            if target == "data:,":
                continue
            where = urllib.parse.urlsplit(target)
            file, anchor = where.path or name, urllib.parse.unquote(where.fragment)
            if where.scheme or where.netloc or file.startswith("/"):
                failures.append(f"{name}: {target} leads out of the book")
            elif not os.path.isfile(os.path.join(folder, urllib.parse.unquote(file))):
                failures.append(f"{name}: {target}: there is no such file")
            elif anchor and anchor not in pages[file].ids:
                failures.append(f"{name}: {target}: {file} has no such anchor")
    with open(os.path.join(folder, "search_index.js"), encoding="utf-8") as index:
        for line in index.read().split("\n")[1:-2]:
            file, anchor = json.loads(line.rstrip(","))[2].split("#")
            checked += 1
            if file not in pages or (anchor and anchor not in pages[file].ids):
                failures.append(f"search_index.js: {file}#{anchor} is nowhere")
    return failures, checked


def command(browser, name, **parameters):
    return browser.call("POST", "/goog/cdp/execute", {"cmd": name, "params": parameters})


def resize(browser, width, height, media="screen"):
    command(browser, "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
            mobile=width < 600)
    command(browser, "Emulation.setEmulatedMedia", media=media)


def read_file(*path):
    with open(os.path.join(*path), encoding="utf-8") as file:
        return file.read()


def check_code(browser, name, folder):
    """The page of a chapter shows its source: line 12 is line 12, and none but headings and comments are missing."""
    lines = read_file(folder, name[:-len(".html")] + ".c").split("\n")
    shown = browser.run("return [...document.querySelectorAll('.line')].map((line) => "
                        "[Number(line.id.slice(1)), line.textContent])")
    failures = [f"{name}: line {number} is shown as {text!r}" for number, text in shown if lines[number - 1] != text]
    first = next(i for i, line in enumerate(lines) if line.endswith("*/")) + 1
    last = max(i for i, line in enumerate(lines) if line.startswith("/* Exercises"))
    seen = {number for number, _ in shown}
    failures += [f"{name}: line {i + 1} is not shown: {lines[i]!r}" for i in range(first, last)
                 if lines[i].strip() and not SECTION.match(lines[i]) and i + 1 not in seen]
    return failures


# What a fold would show now: closed ones have no box, and none is left out.
FOLDS = """return [...document.querySelectorAll(arguments[0])].map((fold) => [fold.id, fold.open,
  fold.querySelector('summary ~ *').checkVisibility({contentVisibilityAuto: true}), fold.textContent])"""


def check_folds(browser, name, folder):
    """Output, hints and answers are closed, and they are those of the chapter and of lessons/answers.md."""
    number = int(CHAPTER.match(name)[1])
    folds = browser.run(FOLDS, "main details")
    failures = [f"{name}: {fold} stands open" for fold, is_open, seen, _ in folds if is_open or seen]
    told = {fold: text for fold, _, _, text in folds}
    if "ok " not in told.get("printed", "") or "FAILED" in told["printed"]:
        failures.append(f"{name}: its output claims nothing, or fails: {told.get('printed', '')[:80]!r}")
    answers = re.search(rf"^## {number} .*?(?=^## |\Z)", read_file(LESSONS, "answers.md"), re.M | re.S)[0]
    parts = {title: text for title, text in re.findall(r"^### (.*)\n((?:(?!### ).*\n?)*)", answers, re.M)}
    predictions = re.findall(r"^(\d+)\. ", parts.pop("Predictions", ""), re.M)
    wanted = {"printed"} | {f"prediction-answer{i}" for i in predictions}
    for title, text in parts.items():
        exercise = title.split()[1]
        wanted |= {f"exercise-answer{exercise}"} | ({f"exercise-hint{exercise}"} if "*Hint.*" in text else set())
        for block in re.findall(r"^```\w+\n(.*?)\n```$", text, re.M | re.S):
            block = re.sub("^@@$", "…", block, flags=re.M)  # another place of the chapter
            if block not in told.get(f"exercise-answer{exercise}", ""):
                failures.append(f"{name}: the answer to exercise {exercise} does not show {block!r}")
    if set(told) != wanted:
        failures.append(f"{name}: has {sorted(told)}, but answers.md has {sorted(wanted)}")
    asked = re.search(r"\* Predict, before you run it:\n((?: \*     .*\n)+)", read_file(folder, name[:-5] + ".c"))
    asked = len(re.findall(r"^ \*     \d+\. ", asked[1], re.M)) if asked else 0
    shown = browser.run("return document.querySelectorAll('.predictions > li').length")
    if shown != asked:
        failures.append(f"{name}: asks {shown} times for a prediction, not {asked} times")
    return failures


def check_players(browser, name, folder):
    """Each page that the chapter made is shown in place, once, and loads."""
    failures, number = [], CHAPTER.match(name)[1]
    there = sorted(f"{number}/{os.path.basename(path)}" for path in glob.glob(os.path.join(folder, number, "*.html")))
    shown = browser.run("return [...document.querySelectorAll('iframe')].map((frame) => frame.getAttribute('src'))")
    if sorted(shown) != there:
        failures.append(f"{name}: shows the players {shown}, not {there}")
    for address in shown:
        browser.run("document.querySelector(arguments[0]).scrollIntoView()", f"iframe[src='{address}']")
        frame = browser.element(f"iframe[src='{address}']")
        browser.call("POST", "/frame", {"id": frame})
        browser.wait("return document.readyState === 'complete' && document.title !== ''")
        if not browser.run("return document.title"):
            failures.append(f"{name}: {address} has not been loaded")
        browser.call("POST", "/frame", {"id": None})
        high, wide = browser.run("const box = document.querySelector('iframe').getBoundingClientRect();"
                                 "return [box.height, box.width / document.querySelector('main > p').offsetWidth]")
        if abs(high - 560) > 1 or wide < 1:
            failures.append(f"{name}: {address} is {high} px high, and {wide} as wide as the text")
    return failures


# On paper: the output, the pictures of players; no players, no answer that was not asked for, no buttons.
PRINTED = """
const seen = (element) => element.checkVisibility({contentVisibilityAuto: true}) && element.offsetHeight > 0;
const all = (selector) => [...document.querySelectorAll(selector)];
return [...all('.terminal pre, .still, .predictions > li, .exercises > li').filter((e) => !seen(e)),
  ...all('.fold, .player, .copy, .done, .turn, .contents, .top').filter(seen)].map((e) => e.outerHTML.slice(0, 80))"""


def check_page(browser, path, folder):
    name, failures = os.path.basename(path), []
    is_chapter = CHAPTER.match(name)
    for width, height, media in SIZES:
        if media == "print" and re.search(r"\.(c|h|py)\.html$", name):
            continue  # who prints those?
        resize(browser, width, height, media)
        browser.open(path)
        if is_chapter and media == "screen":
            failures += check_players(browser, name, folder)
        wide = browser.run("return [document.documentElement.scrollWidth, innerWidth]")
        if wide[0] > width:
            failures.append(f"{name}: {wide[0]} px wide in a window of {width}, {media}")
        broken = browser.run("return [...document.images].filter((image) => !image.naturalWidth).map((i) => i.src)")
        failures += [f"{name}: no picture in {image}" for image in broken]
        failures += [f"{name}: the console says {entry['message']}" for entry in browser.console()]
        failures += [f"{name}: fetched {url}" for url in browser.run(FETCHED) if not url.startswith("file:")]
        if media == "print":
            failures += [f"{name}: wrong on paper: {element}" for element in browser.run(PRINTED)]
    if is_chapter:
        resize(browser, 1280, 800)
        failures += check_code(browser, name, folder) + check_folds(browser, name, folder)
    return failures


# On a page, what of its mathematics and its links must be set as such: how often a selector matches, with this text.
SET = [
    ("02_chain_rule.html", "math mtr", "320", 1),              # J1 = ( 3 2 0 ), continued on the next line of the comment
    ("02_chain_rule.html", "math mtr", "001", 1),
    ("02_chain_rule.html", ".m sub", "3", 3),                  # J3
    ("13_broadcasting.html", ".display .frac sub", "i,j", 2),  # ∂z[i,j]/∂b[j], and by f[j]
    ("14_cross_entropy.html", "h1 sup", "1000", 1),            # e to the 1000, in raised digits
    ("14_cross_entropy.html", ".told sup", "−2000", 1),
    ("14_cross_entropy.html", "p > code", "make lesson L=14", 1),
    ("19_two_moons.html", ".display .m code", "cross_entropy", 1),        # its _ lowers nothing
    ("09_engine_walk.html", "p code", "walk.html", 1),
    ("09_engine_walk.html", "h1 code", "W->grad", 1),
    ("22_second_derivatives.html", "p > .m", "f = 100(v − u2)2 + (1 − u)2", 1),
    ("12_matrix_product.html", ".player figcaption i", "z", 1),           # z[0,0] at the beginning stays small
    ("19_two_moons.html", "figcaption", "Two moons loss.svg", 1),
    ("21_replay.html", ".player figcaption", "The graph: 11 nodes, 11 edges. open alone", 1),
    ("10_gradient_check.html", "p a[href^='01_']", "chapter 1", 1),
    ("13_broadcasting.html", ".line a[href='dot.h.html']", '"graph/dot.h"', 1),
    ("10_gradient_check.html", "p a.file[href='ops.h.html']", "engine/ops.h", 1),
    ("course.html", "ol li", "Chapters 1 and 2.", 1),
    ("05_reverse_mode.html", "td > .m", "parent.grad += ∂node/∂parent · node.grad", 1),  # and not in a .remark
    ("13_broadcasting.html", "td > .m", "∂zi,j/∂bj = 1", 1),
    ("14_cross_entropy.html", "td > .m", "logsumexp(z) = m + log Σ ezi − m", 1),
]


def check_typesetting(browser, folder):
    failures = []
    for name, selector, text, least in SET:
        browser.open(os.path.join(folder, name))
        found = browser.run(f"return [...document.querySelectorAll({json.dumps(selector)})].map((e) => e.textContent)")
        if found.count(text) < least:
            failures.append(f"{name}: {text!r} as {selector} is there {found.count(text)} times, not {least}: {found[:5]}")
    return failures


def found_by(browser, word):
    """The addresses that the search gives for a word."""
    browser.run("const field = document.getElementById('search'); field.value = ''; field.focus();")
    browser.press(*word)
    browser.wait("return !document.getElementById('found').hidden")
    return browser.run("return [...document.querySelectorAll('#found a')].map((link) => link.getAttribute('href'))")


def check_use(browser, folder, name):
    """Search, follow what was found, and the two themes, which the player in chapter `name` has too."""
    failures = []
    resize(browser, 1280, 800)
    browser.open(os.path.join(folder, "index.html"))
    found = found_by(browser, "broadcasting")
    if not any(address.startswith("13_") for address in found):
        failures.append(f"search: broadcasting leads to {found[:5]}, not to chapter 13")
    found = found_by(browser, "graph_release")
    if not any(address.startswith("graph.h.html#L") for address in found):
        failures.append(f"search: graph_release leads to {found[:5]}, not to graph.h")
    browser.press("\ue007")  # Enter
    browser.wait("return !location.href.endsWith('index.html')")
    place = browser.run("return location.href")
    if not found or not place.endswith(found[0]):
        failures.append(f"search: Enter leads to {place}, not to {found[:1]}")
    if found_by(browser, "xyzzy"):
        failures.append("search: xyzzy is found")
    paper = "return getComputedStyle(document.body).backgroundColor"
    before = browser.run(paper)
    browser.click("#theme")
    after = browser.run(paper)
    if before == after:
        failures.append("the switch between light and dark changes nothing")
    browser.open(os.path.join(folder, "course.html"))
    if browser.run(paper) != after:
        failures.append("the next page has forgotten the theme")
    browser.open(os.path.join(folder, name))
    browser.run("document.querySelector('iframe').scrollIntoView({block: 'center'})")
    themes = "return document.documentElement.dataset.theme"
    for moment in ("loaded", "switched"):
        if moment == "switched":
            browser.click("#theme")
        wanted = browser.run(themes)
        browser.call("POST", "/frame", {"id": browser.element("iframe")})
        browser.wait(f"{themes} === {json.dumps(wanted)}")
        if browser.run(themes) != wanted:
            failures.append(f"{name}: {moment} with the theme {wanted}, its player is {browser.run(themes)}")
        browser.call("POST", "/frame", {"id": None})
    failures += [f"the console says {entry['message']}" for entry in browser.console()]
    return failures


def here(browser):
    return browser.run("return location.pathname.split('/').pop()")


def turn(browser, key, to):
    """Press a key that leads to a page; None: that stays."""
    before = here(browser)
    browser.press(key)
    if to:
        browser.wait(f"return location.href.endsWith({json.dumps(to)}) && document.readyState === 'complete'")
    now = here(browser)
    return [] if now == (to or before) else [f"key {key!r} on {before} leads to {now}, not to {to or before}"]


def check_keys(browser, folder, chapters, with_player):
    """n and p, the arrows, and Enter on what is folded; not in a field, in code that scrolls, or in a player."""
    failures, first, second = [], *chapters[:2]
    browser.open(os.path.join(folder, first))
    failures += turn(browser, "n", second) + turn(browser, "p", first)
    failures += turn(browser, "right", second) + turn(browser, "left", first) + turn(browser, "left", None)
    for selector in ("#search", "pre.sourceCode"):
        browser.run("document.querySelector(arguments[0]).focus()", selector)
        failures += turn(browser, "right", None) + turn(browser, "n", None)
    browser.open(os.path.join(folder, with_player))
    browser.run("document.querySelector('iframe').scrollIntoView(); document.querySelector('iframe').focus()")
    failures += turn(browser, "right", None)
    browser.open(os.path.join(folder, second))
    is_open = "return document.getElementById('printed').open"
    browser.run("document.querySelector('#printed summary').focus()")
    acts = {"Enter": lambda: browser.press("\ue007"), "a click": lambda: browser.click("#printed summary")}
    for what, act in acts.items():
        before = browser.run(is_open)
        act()
        if browser.run(is_open) == before:
            failures.append(f"{second}: {what} does not open or close the output")
    return failures


def check_copying(browser, folder, chapters):
    failures, name = [], chapters[0]
    command(browser, "Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"])
    browser.open(os.path.join(folder, name))
    source = read_file(folder, name[:-5] + ".c")
    session = re.findall(r"^ \*     (cc .*|\(gdb\) .*)$", source, re.M)
    commands = [re.sub(r"^\(gdb\) ", "", line).split("  ")[0] for line in session]
    code = browser.run("return document.querySelector('.sourceCode code').textContent")
    browser.run("[...document.querySelectorAll('.commands')].find((box) => box.textContent.includes('(gdb)')).id = 'gdb'")
    for selector, wanted in (("div[id=gdb]", "\n".join(commands) + "\n"), (".sourceCode", code + "\n")):
        browser.run("document.querySelector(arguments[0]).scrollIntoView({block: 'center'})", f"{selector} .copy")
        browser.click(f"{selector} .copy")
        browser.wait(f"return document.querySelector('{selector} .copy').textContent === 'Copied'")
        copied = browser.run("return navigator.clipboard.readText()")
        if copied != wanted:
            failures.append(f"{name}: {selector} is copied as {copied!r}, not as {wanted!r}")
    if code not in source:
        failures.append(f"{name}: {code[:80]!r} is copied, but is not in the source")
    return failures


def check_progress(browser, folder, chapters):
    """What was opened and what was read is marked in both lists, and remembered."""
    failures, (first, second) = [], chapters[:2]
    marks = """return ['.contents', '.list'].map((list) =>
      [...document.querySelectorAll(list + ' a')].filter((link) => arguments[0].includes(link.getAttribute('href')))
        .map((link) => link.querySelector('.state')?.getAttribute('aria-label') ?? ''))"""

    def expect(place, wanted):
        got = [marked for marked in browser.run(marks, [first, second]) if marked]
        if any(marked != wanted for marked in got) or not got:
            failures.append(f"progress {place}: the lists say {got}, not {wanted}")

    browser.open(os.path.join(folder, first))
    browser.run("localStorage.removeItem('stepgrad-chapters')")
    browser.open(os.path.join(folder, first))
    expect("at the first chapter", ["opened", ""])
    browser.run("document.querySelector('main > .done').scrollIntoView({block: 'center'})")
    browser.click("main > .done input")
    expect("after it was read", ["read", ""])
    browser.open(os.path.join(folder, "index.html"))
    expect("in the contents", ["read", ""])
    browser.click(f"label:has(+ a[href='{second}']) input")
    expect("after the second was ticked there", ["read", "read"])
    browser.open(os.path.join(folder, second))
    if not browser.run("return document.querySelector('main > .done input').checked"):
        failures.append("progress: the second chapter has forgotten that it was read")
    browser.run("document.querySelector('main > .done').scrollIntoView({block: 'center'})")
    browser.click("main > .done input")
    expect("after that was taken back", ["read", "opened"])
    return failures


# The contrast of every text with what is behind it, by WCAG: pairs of ratio and text where it is below 4.5.
CONTRAST = """
const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
const rgba = (colour) => {
  canvas.clearRect(0, 0, 1, 1);
  canvas.fillStyle = colour;
  canvas.fillRect(0, 0, 1, 1);
  return [...canvas.getImageData(0, 0, 1, 1).data];
};
const light = (colour) => rgba(colour).slice(0, 3).map((x) => x / 255)
  .map((x) => x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4)
  .reduce((sum, x, i) => sum + x * [0.2126, 0.7152, 0.0722][i], 0);
const behind = (element) => {
  while (element && rgba(getComputedStyle(element).backgroundColor)[3] < 255) element = element.parentElement;
  return element ? getComputedStyle(element).backgroundColor : '#fff';
};
for (const fold of document.querySelectorAll('details')) fold.open = true;
return [...document.querySelectorAll('body *')].filter((element) => element.checkVisibility()
    && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim())).map((element) => {
  const [a, b] = [light(getComputedStyle(element).color), light(behind(element))];
  return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), element.textContent.slice(0, 60)];
}).filter(([ratio]) => ratio < 4.5)"""


def check_contrast(browser, folder, names):
    failures = []
    for scheme in ("light", "dark"):
        command(browser, "Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        for name in names:
            browser.open(os.path.join(folder, name))
            browser.run("document.documentElement.removeAttribute('data-theme')")
            failures += [f"{name}, {scheme}: contrast {ratio:.1f} of {text!r}"
                         for ratio, text in browser.run(CONTRAST)[:3]]
    command(browser, "Emulation.setEmulatedMedia", features=[])
    return failures


def check_pdf(folder, chapters):
    """make pdf: more pages than chapters, and no link to a folder of this machine."""
    script, build = os.path.join(LESSONS, "book", "make_pdf.sh"), os.path.dirname(os.path.abspath(folder))
    made = subprocess.run(["sh", script, build], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        return [f"make pdf: {made.stdout}{made.stderr}"]
    with open(made.stdout.strip(), "rb") as file:
        pdf = file.read()
    pages = len(re.findall(rb"/Type\s*/Page\b", pdf))
    failures = [] if pages > 2 * len(chapters) else [f"{made.stdout.strip()} has {pages} pages"]
    return failures + ([f"{made.stdout.strip()} links to files"] if b"file:" in pdf else [])


def main():
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} FOLDER")
    folder = sys.argv[1]
    paths = sorted(glob.glob(os.path.join(folder, "*.html")))
    if not paths:
        sys.exit(f"no pages in {folder}: make book first")
    chapters = [os.path.basename(path) for path in paths if CHAPTER.match(os.path.basename(path))]
    with_player = next(name for name in chapters if glob.glob(os.path.join(folder, name[:2], "*.html")))
    failures, checked = check_links(folder, paths)
    chromium, driver = find_program(CHROMIUM), find_program(["chromedriver"])
    skipped = chromium is None or driver is None
    if not skipped:
        browser = Browser(chromium, driver)
        try:
            for path in paths:
                failures += check_page(browser, path, folder)
            failures += check_typesetting(browser, folder)
            failures += check_use(browser, folder, with_player)
            failures += check_keys(browser, folder, chapters, with_player)
            failures += check_copying(browser, folder, chapters)
            failures += check_progress(browser, folder, chapters)
            failures += check_contrast(browser, folder, chapters + ["index.html", "course.html"])
            failures += check_pdf(folder, chapters)
        finally:
            browser.close()
    for failure in failures[:40]:
        print("FAILED:", failure)
    print(f"book: {len(paths)} pages, {checked} links, {len(failures)} failed")
    if skipped:
        print("SKIPPED: the book was not opened: no " + ("chromium" if chromium is None else "chromedriver") +
              " here (apt-get install chromium chromium-driver)")
    sys.exit(1 if failures else SKIPPED if skipped else 0)


if __name__ == "__main__":
    main()
