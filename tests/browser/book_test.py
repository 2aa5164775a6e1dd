#!/usr/bin/env python3
"""Read the book as a reader does, in a real browser: every link leads somewhere, nothing is fetched, the console is empty.

    make book && python3 tests/browser/book_test.py build/book

Links are checked on the disk. Then each page is opened in Chromium, wide and at 375 px: it must not scroll sideways, and
its lines of code must be those of the chapter's source. Some formulas are checked, and the search and the switch to dark
are tried. Only Python's own library is needed; where Chromium is missing, the test checks the links, says what was
skipped, and ends with status 77.
"""
import glob
import html.parser
import json
import os
import re
import sys
import time
import urllib.parse

from player_test import CHROMIUM, FETCHED, SKIPPED, Browser, find_program

SIZES = ((1280, 800), (375, 812))
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


def resize(browser, width, height):
    browser.call("POST", "/goog/cdp/execute", {"cmd": "Emulation.setDeviceMetricsOverride", "params": {
        "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}})


def check_code(browser, name, folder):
    """The page of a chapter shows its source: line 12 is line 12, and none but headings and comments are missing."""
    with open(os.path.join(folder, name[:-len(".html")] + ".c"), encoding="utf-8") as source:
        lines = source.read().split("\n")
    shown = browser.run("return [...document.querySelectorAll('.line')].map((line) => "
                        "[Number(line.id.slice(1)), line.textContent])")
    failures = [f"{name}: line {number} is shown as {text!r}" for number, text in shown if lines[number - 1] != text]
    first = next(i for i, line in enumerate(lines) if line.endswith("*/")) + 1
    last = max(i for i, line in enumerate(lines) if line.startswith("/* Exercises"))
    seen = {number for number, _ in shown}
    failures += [f"{name}: line {i + 1} is not shown: {lines[i]!r}" for i in range(first, last)
                 if lines[i].strip() and not SECTION.match(lines[i]) and i + 1 not in seen]
    return failures


def check_page(browser, path, folder):
    name, failures = os.path.basename(path), []
    for width, height in SIZES:
        resize(browser, width, height)
        browser.open(path)
        if browser.run("const player = document.querySelector('iframe'); player?.scrollIntoView(); return player !== null"):
            time.sleep(0.5)  # it is loaded only when it comes into sight
        wide = browser.run("return [document.documentElement.scrollWidth, innerWidth]")
        if wide[0] > width:
            failures.append(f"{name}: {wide[0]} px wide in a window of {width}")
        broken = browser.run("return [...document.images].filter((image) => !image.naturalWidth).map((i) => i.src)")
        failures += [f"{name}: no picture in {image}" for image in broken]
        failures += [f"{name}: the console says {entry['message']}" for entry in browser.console()]
        failures += [f"{name}: fetched {url}" for url in browser.run(FETCHED) if not url.startswith("file:")]
    if re.match(r"\d\d_\w+\.html$", name):
        failures += check_code(browser, name, folder)
        text = browser.run("return document.querySelector('#output ~ .terminal pre').textContent")
        if "ok " not in text or "FAILED" in text:
            failures.append(f"{name}: its output claims nothing, or fails: {text[:80]!r}")
    return failures


# On a page, what of its mathematics and its links must be set as such: how often a selector matches, with this text.
SET = [
    ("02_chain_rule.html", "math mtr", "320", 1),              # J1 = ( 3 2 0 ), continued on the next line of the comment
    ("02_chain_rule.html", "math mtr", "001", 1),
    ("02_chain_rule.html", ".m sub", "3", 3),                  # J3
    ("13_broadcasting.html", ".display .frac sub", "i,j", 2),  # ∂z[i,j]/∂b[j], and by f[j]
    ("14_cross_entropy.html", "h1 sup", "1000", 1),            # e to the 1000, in raised digits
    ("13_broadcasting.html", "p a[href^='05_']", "chapter 5", 1),
    ("13_broadcasting.html", ".line a[href='dot.h.html']", '"graph/dot.h"', 1),
    ("10_gradient_check.html", "p a.file[href='ops.h.html']", "engine/ops.h", 1),
    ("course.html", "ol li", "Chapters 1 and 2.", 1),
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


def check_use(browser, folder):
    """Search, follow what was found, and the two themes."""
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
    here = browser.run("return location.href")
    if not found or not here.endswith(found[0]):
        failures.append(f"search: Enter leads to {here}, not to {found[:1]}")
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
    browser.click("#theme")
    failures += [f"the console says {entry['message']}" for entry in browser.console()]
    return failures


def main():
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} FOLDER")
    folder = sys.argv[1]
    paths = sorted(glob.glob(os.path.join(folder, "*.html")))
    if not paths:
        sys.exit(f"no pages in {folder}: make book first")
    failures, checked = check_links(folder, paths)
    chromium, driver = find_program(CHROMIUM), find_program(["chromedriver"])
    skipped = chromium is None or driver is None
    if not skipped:
        browser = Browser(chromium, driver)
        try:
            for path in paths:
                failures += check_page(browser, path, folder)
            failures += check_typesetting(browser, folder)
            failures += check_use(browser, folder)
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
