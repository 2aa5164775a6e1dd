#!/usr/bin/env python3
# Reads: Makefile engine viz tests tests/prove/mutation.py tests/prove/mutants.py
"""tests_can_fail.py - sampled tests, each run on mutants of the code that it runs, until one makes it fail.

    SEED=1 SAMPLE=60 tests/prove/tests_can_fail.py

A test that passes on every one of TRIES mutants is listed: either it can't fail, or what it looks at is not in engine/.
$OUT/results.tsv keeps what has been found, so that a run that was stopped goes on.
"""

import os
import random
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import mutants
import mutation

TRIES = 40


def fails(judge, test, mutant):
    status, runner = judge.ready(mutant)
    return status == "" and judge.killer([test], runner) is not None


def breaker(judge, test, found, chance):
    """A mutant that makes the test fail, and how many were tried. First those on lines that few tests run, and that
    change most: what is left out or never done."""
    rank = {"delete": 0, "condition": 0, "table": 0, "return": 1, "arithmetic": 1, "sign": 1, "whole": 1}
    order = sorted(found, key=lambda pair: (pair[1] // 20, rank.get(pair[0].kind, 2), chance.random()))
    tried = 0
    for mutant, _ in order:
        if tried == TRIES:
            break
        tried += 1
        if fails(judge, test, mutant):
            return mutant.name, tried
    return None, tried


def mutants_of(coverage, test, by_line):
    names = [coverage.lines[line] for line in coverage.tests[test]["lines"]]
    return [(mutant, len(coverage.by_line[name])) for name in names for mutant in by_line.get(name, [])]


def sampled(coverage, chance, count):
    tests = [test for test, known in coverage.tests.items() if known["passes"] and known["lines"]]
    return sorted(chance.sample(sorted(tests), min(count, len(tests))))


def main():
    out = os.environ.get("OUT") or "build/prove/tests_can_fail"
    os.makedirs(out, exist_ok=True)
    seed, count = int(os.environ.get("SEED", "1")), int(os.environ.get("SAMPLE", "60"))
    print("seed %d" % seed, flush=True)
    build = mutation.Build(os.path.join(os.path.dirname(out), "mutants"))  # what mutants.py has built is used again
    coverage = mutation.Coverage(build)
    judge = mutants.Judge(build, coverage, mutants.Results(os.path.join(out, "no kills")))
    by_line = {}
    for mutant in mutation.find_mutants(["*.c", "*.h"]):
        by_line.setdefault(mutant.name.rsplit("/", 1)[0], []).append(mutant)
    path = os.path.join(out, "results.tsv")
    known = dict(row.split("\t")[:2] for row in mutation.read(path).split("\n") if row) if os.path.exists(path) else {}
    tests = sampled(coverage, random.Random(seed), count)
    for test in tests:
        if test in known:
            continue
        name, tried = breaker(judge, test, mutants_of(coverage, test, by_line), random.Random(test))
        known[test] = name or "none of %d" % tried
        with open(path, "a") as file:
            file.write("%s\t%s\t%d\n" % (test, known[test], tried))
        print("%s %s, the %dth tried" % (test, known[test], tried), flush=True)
    never = [test for test in tests if known[test].startswith("none of")]
    figure = "%d tests sampled with seed %d of %d that run code of engine/: a break in the code under it fails %d\n" % (
        len(tests), seed, len(coverage.tests), len(tests) - len(never))  # fmt: skip
    with open(os.path.join(out, "figure.txt"), "w") as file:
        file.write(figure)
    print(figure, end="")
    for test in never:
        print("NEVER FAILS %s: %s" % (test, known[test]))
    return 1 if never else 0


if __name__ == "__main__":
    sys.exit(main())
