#!/usr/bin/env python3
# Reads: Makefile engine viz tests tests/prove/mutation.py tests/prove/equivalent_mutants.txt
"""mutants.py - break each place of engine/ once, and see that a test fails.

    tests/prove/mutants.py [--files 'csv*.c,ops.h'] [--sample N] [--seed N] [--count] [--only NAME]

Each mutant is compiled into the library, with which the tests are linked as a shared object, and those tests are run
that run its line, until one fails. $OUT/results.tsv gets a line at once, so that a run that was stopped goes on where
it was; a mutant that has survived is tried again when tests have changed. What no test can find, because the program
does the same, stands in equivalent_mutants.txt with the reason. --only shows the mutants whose names begin so, and
tries them again. MINUTES=30 ends a run after that time; it takes the mutants in a random order. Exit status 0: no other
mutant survives.
"""

import argparse
import atexit
import collections
import glob
import os
import random
import re
import shutil
import signal
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import mutation

EQUIVALENT = "tests/prove/equivalent_mutants.txt"
FIRST = """ops.h backward.c value.c graph.c order.c checkpoint.c dual.h matrix.c loss.c nn.c nn_fast.c optim.c
jacobian.c hessian*.c gradcheck*.c random.c data.c csv*.c model*.c file.c params.c memory.c number.c words.c utf8.c
error.c replay*.c lanes.h vmath.h emit*.c *.c *.h""".split()
LATER = ("condition", "delete", "swap", "logic", "named")  # the kinds of which most are found at once
MINUTES = float(os.environ.get("MINUTES", "inf"))
SLOW = 0.5  # seconds: tests that take more are for what the others leave, and only for files of their suite's name
LIVES = ("survived", "uncovered")


class Results:
    """name -> (status, detail, tests), the last line counts. Status: killed, survived, uncovered, same, invalid."""

    def __init__(self, path):
        self.path, self.of, self.kills = path, {}, collections.Counter()
        for line in mutation.read(path).split("\n") if os.path.exists(path) else []:
            words = line.split("\t")
            if len(words) == 6:
                self.remember(words[0], *words[2:5])

    def remember(self, name, status, detail, tests):
        self.of[name] = (status, detail, tests)
        if status == "killed":
            self.kills[name.split("/")[0], detail.split(" ")[0]] += 1

    def add(self, mutant, status, detail, tests, seconds):
        with open(self.path, "a") as file:
            print(mutant.name, mutant.line, status, detail, tests, "%.1f" % seconds, sep="\t", file=file)
        self.remember(mutant.name, status, detail, tests)

    def status(self, name):
        return self.of.get(name, ("",))[0]


def is_of(test, mutant):
    """csv/a_ragged_row is of csv_row.c"""
    return re.split("[/_]", test)[0] == re.split("[._]", os.path.basename(mutant.path))[0]


class Judge:
    """Builds a mutant and runs tests on it."""

    def __init__(self, build, coverage, results):
        self.build, self.coverage, self.results = build, coverage, results
        self.folder = os.path.join(build.out, "worker-%d" % os.getpid())
        self.headers = os.path.join(self.folder, "headers")
        atexit.register(shutil.rmtree, self.folder, True)
        os.makedirs(self.headers)

    def objects(self, mutant, name, base, more=()):
        """Its objects by source, those that differ from the ones without it; None: it does not compile."""
        result, headers = {}, self.headers if mutant.path.endswith(".h") else None
        for source in self.coverage.sources_for(mutant):
            target = os.path.join(self.folder, name + source.replace("/", "+") + ".o")
            code = mutation.read(source) if headers else mutant.apply(mutation.read(source))
            if not self.build.compile(source, code, target, more, headers):
                return None
            with open(target, "rb") as new, open(base[source], "rb") as old:
                if new.read() != old.read():
                    result[source] = target
        return result

    def write_headers(self, mutant):
        for path in glob.glob("engine/*.h"):
            text = mutation.read(path)
            with open(os.path.join(self.headers, os.path.basename(path)), "w", encoding="utf-8") as file:
                file.write(mutant.apply(text) if path == mutant.path else text)

    def runner(self, mutant):
        """The tests of a header have copies of its inline functions in them, with the mutant."""
        test = "tests/test_" + os.path.basename(mutant.path)[:-2]
        if not mutant.path.endswith(".h") or not os.path.exists(test + ".c"):
            return None
        old, new = os.path.join(self.build.build, test + ".o"), os.path.join(self.folder, "test.o")
        compile_it = [self.build.compiler, "-std=c11", "-O1", "-w", "-ffp-contract=off", "-I" + self.headers, "-Iviz"]
        if mutation.run([*compile_it, "-c", "-o", new, test + ".c"]).returncode:
            return None
        runner = os.path.join(self.folder, "run")
        line = [line for line in mutation.must(self.build.make("-n", "-W", old, self.build.runner)).split("\n")
                if "-lcriterion" in line][-1]  # fmt: skip
        mutation.must([new if word == old else runner if word == self.build.runner else word for word in line.split()])
        return runner

    def ready(self, mutant):
        """("invalid" or "same" or "", what to run)"""
        self.write_headers(mutant)
        changed = self.objects(mutant, "", self.build.base)
        if changed is None:
            return "invalid", None
        runner = self.runner(mutant)
        if not changed and runner is None:
            return "same", None
        self.build.link(dict(self.build.base, **changed), self.folder)
        return "", runner

    def judge(self, mutant):
        status, runner = self.ready(mutant)
        if status:
            return status, "-"
        tests = self.coverage.tests_for(mutant)
        quick = [test for test in tests if self.coverage.tests[test]["cpu"] <= SLOW]
        slow = [test for test in tests.difference(quick) if is_of(test, mutant)]
        for batch in self.batches(mutant, quick, 2) + self.batches(mutant, slow, 1):
            killer = self.killer(batch, runner)
            if killer:
                return "killed", killer
        optimised = self.build.base_objects("base_O2", ["-O2"])
        if mutant.region != "table" and self.objects(mutant, "O2", optimised, ["-O2"]) == {}:
            return "same", "-O2"
        return ("survived", "%d tests" % len(tests)) if tests else ("uncovered", "-")

    def batches(self, mutant, tests, size):
        """First those that have killed here before, and the quick ones."""
        cpu, file = lambda test: self.coverage.tests[test]["cpu"], os.path.basename(mutant.path)
        kills = lambda test: self.results.kills[file, test]
        order = sorted(tests, key=lambda test: (-kills(test), not is_of(test, mutant), cpu(test), test))
        result = []
        while order:
            result.append(order[:size])
            order, size = order[size:], min(3 * size, mutation.MOST_AT_ONCE)
        return result

    def killer(self, batch, runner):
        most = 2 + int(10 * max(self.coverage.tests[test]["cpu"] for test in batch))
        ended = mutation.run_tests(self.build, batch, self.folder, most, runner)
        if ended.passed:
            return None
        if ended.how == "clock":
            return "%s clock" % batch[0]
        failed = re.search(r"^\[(?:FAIL|\*\*\*\*|----|ERR \S*|CRASH)\] (\w+)::(\w+)", ended.output, re.M)
        test = "/".join(failed.groups()) if failed else ""
        how = "test" if "CRASH" not in ended.output else "crash" if ended.cpu < most else "time"
        return "%s %s" % (test if test in batch else batch[0], how)


def equivalent_mutants():
    """Their names; the reasons are for readers."""
    lines = mutation.read(EQUIVALENT).split("\n")
    return {line.split(" ")[0] for line in lines if line.strip() and not line.startswith("#")}


def judge_all(mutants, results, asked, out):
    build = mutation.Build(out)
    coverage = mutation.Coverage(build)
    judge = Judge(build, coverage, results)
    tests = mutation.digest(glob.glob("tests/*.[ch]"))
    left = [mutant for mutant in mutants if asked.only or results.status(mutant.name) == ""
            or results.status(mutant.name) in LIVES and results.of[mutant.name][2] != tests]  # fmt: skip
    print("%d mutants, %d to judge, %d tests" % (len(mutants), len(left), len(coverage.tests)), flush=True)
    end = time.time() + 60 * MINUTES
    if MINUTES < float("inf"):
        random.Random(1).shuffle(left)
    for number, mutant in enumerate(left, 1):
        start = time.time()
        if start > end:
            break
        status, detail = judge.judge(mutant)
        results.add(mutant, status, detail, tests, time.time() - start)
        print("%d/%d %s:%d %s %s %s" % (number, len(left), mutant.path, mutant.line, mutant.name, status, detail),
              flush=True)  # fmt: skip


def report(mutants, results, out, is_whole):
    equivalent = equivalent_mutants()
    of = [results.of.get(mutant.name, ("", "", "")) for mutant in mutants]
    counts = collections.Counter(status for status, _, _ in of)
    how = collections.Counter(detail.rpartition(" ")[2] for status, detail, _ in of if status == "killed")
    living = [mutant for mutant in mutants if results.status(mutant.name) in LIVES]
    survivors = [mutant for mutant in living if mutant.name not in equivalent]
    stale = equivalent - {mutant.name for mutant in living} if is_whole and not counts[""] else set()
    figure = (
        "%d mutants of %d files of engine/, %d judged; %d do not compile, %d give the same machine code; killed: %d "
        "(%d by an assertion, %d by a crash, %d by processor time); %d survive that are listed as equivalent, each "
        "with its reason; %d survive otherwise%s\n"
        % (len(mutants), len({mutant.path for mutant in mutants}), len(mutants) - counts[""], counts["invalid"],
           counts["same"], counts["killed"], how["test"], how["crash"], how["time"] + how["clock"],
           len(living) - len(survivors), len(survivors), ". Not run: the others" if counts[""] else "")
    )  # fmt: skip
    with open(os.path.join(out, "figure.txt"), "w") as file:
        file.write(figure)
    print(figure, end="")
    for mutant in survivors:
        print("SURVIVES %s:%d %s" % (mutant.path, mutant.line, mutant.name), mutant.difference(), sep="\n")
    for name in sorted(stale):
        print("STALE %s: %s: no such mutant, or it does not survive" % (EQUIVALENT, name))
    return 1 if counts[""] or survivors or stale else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", default=",".join(FIRST))
    parser.add_argument("--sample", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", action="store_true")
    parser.add_argument("--only", default="")
    asked = parser.parse_args()
    out = os.environ.get("OUT") or "build/prove/mutants"
    os.makedirs(out, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    mutants = [mutant for mutant in mutation.find_mutants(asked.files.split(",")) if mutant.name.startswith(asked.only)]
    mutants.sort(key=lambda mutant: mutant.kind in LATER)
    if asked.sample:
        mutants = random.Random(asked.seed).sample(mutants, min(asked.sample, len(mutants)))
    if asked.count:
        for path, count in collections.Counter(mutant.path for mutant in mutants).items():
            print(count, path)
        print(len(mutants))
        return 0
    for mutant in mutants if asked.only else []:
        print(mutant.difference())
    results = Results(os.path.join(out, "results.tsv"))
    judge_all(mutants, results, asked, out)
    return report(mutants, results, out, len(sys.argv) == 1)


if __name__ == "__main__":
    sys.exit(main())
