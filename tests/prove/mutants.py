#!/usr/bin/env python3
"""mutants.py - break each place of engine/ once, and see that a test fails.

    tests/prove/mutants.py [--files 'csv*.c,ops.h'] [--kinds sign,index] [--jobs N] [--sample N] [--seed N] [--only ID]
                           [--list-survivors] [--show ID] [--count] [--known]

Each mutant is compiled into the library, with which the tests are linked as a shared object, and those tests are run
that run its line, until one fails. $OUT/results.tsv gets a line at once, so that a run that was stopped goes on where
it was; a mutant that has survived is tried again when tests have changed. What no test can find, because the program
does the same, stands in equivalent_mutants.txt with the reason. --known asks only the tests whose lines are known,
while another run still finds out those of the rest; what survives them is tried again later. Exit status 0: no other
mutant survives.
"""

import argparse
import atexit
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
SLOW = 0.5  # seconds: tests that take more are for what the others leave, and only for files of their suite's name


class Results:
    """ID -> (status, detail), the last line counts. Status: killed, survived, uncovered, same, invalid."""

    def __init__(self, path):
        self.path, self.of, self.kills = path, {}, {}
        if os.path.exists(path):
            for line in mutation.read(path).split("\n"):
                words = line.split("\t")
                if len(words) == 6:
                    self.remember(words[0], words[2], words[3], words[4])

    def remember(self, name, status, detail, tests):
        self.of[name] = (status, detail, tests)
        if status == "killed":
            test = detail.split(" ")[0]
            file = name.split("/")[0]
            self.kills.setdefault(file, {}).setdefault(test, 0)
            self.kills[file][test] += 1

    def add(self, mutant, status, detail, tests, seconds):
        row = "\t".join([mutant.name, str(mutant.line), status, detail, tests, "%.1f" % seconds]) + "\n"
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        os.write(handle, row.encode())
        os.close(handle)
        self.remember(mutant.name, status, detail, tests)


def is_of(test, mutant):
    """csv/a_ragged_row is of csv_row.c"""
    return re.split("[/_]", test)[0] == re.split("[._]", os.path.basename(mutant.path))[0]


class Judge:
    """Builds a mutant and runs tests on it."""

    def __init__(self, build, coverage, results, worker):
        self.build, self.coverage, self.results = build, coverage, results
        self.folder = os.path.join(build.out, "worker-%d-%d" % (os.getpid(), worker))
        self.headers = os.path.join(self.folder, "headers")
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.headers)
        for path in mutation.glob.glob("engine/*.h"):
            shutil.copy(path, self.headers)

    def objects(self, mutant, name, base, more):
        """Its objects by source, those that differ from the ones without it; None: it does not compile."""
        text, result = mutation.read(mutant.path), {}
        header = mutant.path.endswith(".h")
        if header:
            self.write_header(mutant.path, mutant.apply(text))
        for source in self.coverage.sources_for(mutant):
            target = os.path.join(self.folder, name + source.replace("/", "+") + ".o")
            code = mutation.read(source) if header else mutant.apply(text)
            if not self.build.compile(source, code, target, self.headers if header else None, more):
                result = None
                break
            with open(target, "rb") as new, open(base[source], "rb") as old:
                if new.read() != old.read():
                    result[source] = target
        if header:
            self.write_header(mutant.path, text)
        return result

    def write_header(self, path, text):
        with open(os.path.join(self.headers, os.path.basename(path)), "w", encoding="utf-8") as file:
            file.write(text)

    def runner(self, mutant):
        """The tests of a header have copies of its inline functions in them, with the mutant."""
        test = "test_" + os.path.basename(mutant.path)[:-2]
        if not mutant.path.endswith(".h") or not os.path.exists("tests/%s.c" % test):
            return None
        text, target = mutation.read(mutant.path), os.path.join(self.folder, test + ".o")
        self.write_header(mutant.path, mutant.apply(text))
        compile_it = [self.build.compiler, "-std=c11", "-O1", "-w", "-ffp-contract=off", "-I" + self.headers, "-Iviz",
                      "-c", "-o", target, "tests/%s.c" % test]  # fmt: skip
        compiles = mutation.run(compile_it).returncode == 0
        self.write_header(mutant.path, text)
        runner = os.path.join(self.folder, "run")
        return runner if compiles and self.link_runner(test, target, runner) else None

    def link_runner(self, test, changed, runner):
        old = os.path.join(self.build.build, "tests", test + ".o")
        line = [line for line in mutation.must(self.build.make("-n", "-W", old, self.build.runner)).split("\n")
                if "-lcriterion" in line][-1]  # fmt: skip
        words = [changed if word == old else runner if word == self.build.runner else word for word in line.split()]
        return mutation.run(words).returncode == 0

    def ready(self, mutant):
        """("invalid" or "same" or "", what to run)"""
        changed = self.objects(mutant, "", self.build.base, [])
        if changed is None:
            return "invalid", None
        runner = self.runner(mutant)
        if not changed and runner is None:
            return "same", None
        self.build.link(dict(self.build.base, **changed), os.path.join(self.folder, "libstepgrad.so"))
        return "", runner

    def judge(self, mutant):
        status, runner = self.ready(mutant)
        if status:
            return status, "-"
        tests = self.coverage.tests_for(mutant)
        quick = [test for test in tests if self.coverage.tests[test]["cpu"] <= SLOW]
        slow = [test for test in set(tests) - set(quick) if is_of(test, mutant)]
        for batch in self.batches(mutant, quick, 2) + self.batches(mutant, slow, 1):
            killer = self.killer(batch, runner)
            if killer:
                return "killed", killer
        if self.is_same_optimised(mutant):
            return "same", "-O2"
        return ("survived", "%d tests" % len(tests)) if tests else ("uncovered", "-")

    def batches(self, mutant, tests, size):
        """First those that have killed here before, and the quick ones."""
        kills = self.results.kills.get(os.path.basename(mutant.path), {})
        cpu = lambda test: self.coverage.tests[test]["cpu"]
        order = sorted(tests, key=lambda test: (-kills.get(test, 0), not is_of(test, mutant), cpu(test), test))
        result = []
        while order:
            result.append(order[:size])
            order, size = order[size:], min(3 * size, mutation.MOST_AT_ONCE)
        return result

    def killer(self, batch, runner):
        slowest = max(self.coverage.tests[test]["cpu"] for test in batch)
        most = 2 + int(10 * slowest)
        ended = mutation.run_tests(self.build, batch, self.folder, most, runner=runner)
        if ended.passed:
            return None
        if ended.how == "clock":
            return "%s clock" % batch[0]
        text = re.sub(r"\x1b\[[0-9;]*m", "", ended.output)
        failed = re.search(r"^\[(?:FAIL|\*\*\*\*|----|ERR \S*|CRASH)\] (\w+)::(\w+)", text, re.M)
        test = "/".join(failed.groups()) if failed and "/".join(failed.groups()) in batch else batch[0]
        how = "test" if "CRASH" not in text else "crash" if ended.cpu < most else "time"
        return "%s %s" % (test, how)

    def is_same_optimised(self, mutant):
        base = self.build.base_objects("base_O2", ["-O2"])
        changed = self.objects(mutant, "O2", base, ["-O2"])
        return changed == {} and mutant.kind != "table"


def kept_as_equivalent():
    """name -> reason"""
    result = {}
    if os.path.exists(EQUIVALENT):
        for line in mutation.read(EQUIVALENT).split("\n"):
            if line.strip() and not line.startswith("#"):
                name, _, reason = line.partition(" ")
                result[name] = reason.strip()
    return result


def todo(mutants, results, tests, only):
    def is_open(mutant):
        status, _, seen = results.of.get(mutant.name, ("", "", ""))
        return only or status == "" or status in ("survived", "uncovered") and seen != tests

    return [mutant for mutant in mutants if is_open(mutant)]


def work(share, build, coverage, results, worker, tests):
    judge = Judge(build, coverage, results, worker)
    atexit.register(shutil.rmtree, judge.folder, True)
    for number, mutant in enumerate(share):
        start = time.time()
        status, detail = judge.judge(mutant)
        results.add(mutant, status, detail, tests, time.time() - start)
        print("%d/%d %s:%d %s %s %s" % (number + 1, len(share), mutant.path, mutant.line, mutant.name, status, detail),
              flush=True)  # fmt: skip


def work_all(mutants, jobs, build, coverage, results, tests):
    """Each worker is a process that takes every jobs-th mutant."""
    if jobs == 1:
        return work(mutants, build, coverage, results, 0, tests)
    children = []
    for worker in range(jobs):
        child = os.fork()
        if child == 0:
            work(mutants[worker::jobs], build, coverage, results, worker, tests)
            sys.exit(0)
        children.append(child)
    for child in children:
        if os.waitpid(child, 0)[1]:
            sys.exit("mutants.py: a worker ended early: start it again, and it goes on.")
    return None


def survivors_of(mutants, results, equivalent):
    left = [mutant for mutant in mutants if results.of.get(mutant.name, ("",))[0] in ("survived", "uncovered")]
    return [mutant for mutant in left if mutant.name not in equivalent]


def report(mutants, results, out, is_whole):
    equivalent = kept_as_equivalent()
    survivors = survivors_of(mutants, results, equivalent)
    of = lambda wanted: sum(results.of.get(mutant.name, ("",))[0] == wanted for mutant in mutants)
    how = lambda word: sum(results.of.get(mutant.name, ("", ""))[1].endswith(" " + word) for mutant in mutants)
    judged = sum(mutant.name in results.of for mutant in mutants)
    listed = [mutant for mutant in mutants
              if mutant.name in equivalent and results.of.get(mutant.name, ("",))[0] in ("survived", "uncovered")]
    names = {mutant.name for mutant in mutants}
    stale = [name for name in equivalent if is_whole and (name not in names or
             results.of.get(name, ("",))[0] in ("killed", "invalid"))]  # fmt: skip
    figure = (
        "%d mutants of %d files of engine/, %d judged; %d do not compile, %d give the same machine code; killed: %d "
        "(%d by an assertion, %d by a crash, %d by processor time); %d survive that are listed as equivalent, each "
        "with its reason; %d survive otherwise\n"
        % (len(mutants), len({mutant.path for mutant in mutants}), judged, of("invalid"), of("same"), of("killed"),
           how("test"), how("crash"), how("time") + how("clock"), len(listed), len(survivors))
    )  # fmt: skip
    with open(os.path.join(out, "figure.txt"), "w") as file:
        file.write(figure)
    print(figure, end="")
    for mutant in survivors:
        print("SURVIVES %s:%d %s (%s)" % (mutant.path, mutant.line, mutant.name, results.of[mutant.name][0]))
    for name in stale:
        print("STALE %s: %s: no such mutant, or a test kills it" % (EQUIVALENT, name))
    return 0 if judged == len(mutants) and not survivors and not stale else 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--files", default="")
    parser.add_argument("--kinds", default="")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--sample", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only")
    parser.add_argument("--show")
    parser.add_argument("--known", action="store_true")
    parser.add_argument("--count", action="store_true")
    parser.add_argument("--list-survivors", action="store_true")
    asked = parser.parse_args()
    out = os.environ.get("OUT") or "build/prove/mutants"
    os.makedirs(out, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    mutants = mutation.find_mutants(asked.files.split(",") if asked.files else FIRST)
    if asked.kinds:
        mutants = [mutant for mutant in mutants if mutant.kind in asked.kinds.split(",")]
    mutants.sort(key=lambda mutant: mutant.kind in LATER)
    if asked.only or asked.show:
        mutants = [mutant for mutant in mutants if mutant.name.startswith(asked.only or asked.show)]
    if asked.count:
        counts = {}
        for mutant in mutants:
            counts.setdefault(mutant.path, {}).setdefault(mutant.kind, 0)
            counts[mutant.path][mutant.kind] += 1
        for path, kinds in counts.items():
            print(sum(kinds.values()), path, kinds)
        print(len(mutants))
        return 0
    if asked.show:
        for mutant in mutants:
            print(mutation.difference(mutant))
        return 0
    if asked.sample:
        mutants = random.Random(asked.seed).sample(mutants, min(asked.sample, len(mutants)))
    results = Results(os.path.join(out, "results.tsv"))
    if asked.list_survivors:
        for mutant in survivors_of(mutants, results, kept_as_equivalent()):
            print("%s:%d %s %s" % (mutant.path, mutant.line, mutant.name, results.of[mutant.name][0]))
            print(mutation.difference(mutant).split("\n", 3)[3])
        return 0
    build = mutation.Build(out)
    coverage = mutation.Coverage(build, not asked.known)
    tests = mutation.digest(mutation.glob.glob("tests/*.[ch]")) if not asked.known else "some tests"
    results = Results(results.path)
    left = todo(mutants, results, tests, asked.only)
    print("%d mutants, %d to judge, %d tests" % (len(mutants), len(left), len(coverage.tests)), flush=True)
    work_all(left, asked.jobs, build, coverage, results, tests)
    return report(mutants, Results(results.path), out, not (asked.files or asked.kinds or asked.sample or asked.only))


if __name__ == "__main__":
    sys.exit(main())
