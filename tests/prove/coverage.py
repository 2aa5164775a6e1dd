#!/usr/bin/env python3
# Reads: Makefile engine viz lessons tests tests/prove/unreachable.txt
"""coverage.py - which lines and branches of engine/ and viz/ the tests run, as gcov counts them.

A branch is one outcome of one operand of a condition, so `if (a && b)` has four. Each line with a branch that no test
takes is listed, unless it stands in unreachable.txt: there, with the reason, is what no test can take. An entry whose
line is gone or is reached fails, too. Exit status 0: all of engine/, and 95 % of viz/.

A function that a header or a macro makes several times counts once: a branch is taken if one of the copies takes it.
What gcov can't see: the lines that a process runs before it is killed by a signal other than SIGABRT.
"""

import collections
import glob
import json
import os
import shutil
import subprocess
import sys

LIST = "tests/prove/unreachable.txt"
VIZ_LEAST = 0.95
# These build by themselves what they try: see mutation.py.
FILTER = "!(answers|bench|compilers|gdb|lldb|labs_handout|labs_hostile|labs_own_op|labs_sources|labs_teach|mpi\
|needs|readme|slips)/*"
# Each copy of a function that is inlined, or compiled for several machines, would have branches of its own.
NO_COPIES = "'-Dalways_inline=noinline' '-Dtarget_clones(...)=noinline' -w"


def build_and_run(out, build):
    """The tests, once; their counts stay, and `done` says that they are whole."""
    done = os.path.join(out, "done")
    sum_up = "cat engine/*.[ch] viz/*/*.[ch] tests/*.[ch] | cksum"
    state = subprocess.run(sum_up, shell=True, stdout=subprocess.PIPE).stdout
    if os.path.exists(done) and open(done, "rb").read() == state:
        return
    for counts in glob.glob(build + "/**/*.gcda", recursive=True):
        os.remove(counts)
    on_abort = os.path.join(build, "gcov_on_abort.o")
    subprocess.run(["gcc", "-c", "-o", on_abort, "tests/prove/gcov_on_abort.c"], check=True)
    command = ["make", "--no-print-directory", "-j2", "BUILD=" + build, "CC=gcc", "CFLAGS=-O0 --coverage " + NO_COPIES,
               "LDFLAGS=" + on_abort]  # fmt: skip
    command += ["FILTER=" + FILTER, "check"]
    subprocess.run(command, env=dict(os.environ, BROWSER="no", LONG="yes"), stdin=subprocess.DEVNULL)
    with open(done, "wb") as file:
        file.write(state)


def counts_of(build):
    """(file, line) -> [how often, [how often each branch]], added up over the copies of the line."""
    lines, copies = collections.Counter(), collections.defaultdict(lambda: collections.defaultdict(list))
    for data in sorted(glob.glob(build + "/engine/*.gcno") + glob.glob(build + "/viz/*/*.gcno")):
        text = subprocess.run(["gcov", "-b", "--json-format", "--stdout", data], stdout=subprocess.PIPE).stdout
        for file in [file for part in text.decode().splitlines() for file in json.loads(part)["files"]]:
            for line in file["lines"]:
                place = file["file"], line["line_number"]
                lines[place] += line["count"]
                copies[place][data, line.get("function_name")] += [branch["count"] for branch in line["branches"]]
    return {place: [lines[place], add_up([copy for copy in copies[place].values() if copy])] for place in lines
            if place[0].startswith(("engine/", "viz/"))}  # fmt: skip


def add_up(copies):
    """A function may have several copies of another; then its list is several times as long as the shortest. A copy
    where a constant has decided a branch is left out."""
    fewest = min(map(len, copies), default=0)
    full = max((len(copy) for copy in copies), default=0)
    if any(len(copy) % fewest for copy in copies):
        fewest = full
    result = [0] * fewest
    for copy in copies:
        for number, count in enumerate(copy):
            result[number % fewest] += count
    return result


def read_list():
    """(file, text of the line) -> reason. An entry is `file: reason`, and below it, indented, the line."""
    result, reason = {}, None
    for line in open(LIST, encoding="utf-8") if os.path.exists(LIST) else []:
        if line.startswith(("#", "\n")):
            continue
        if line[0] != " ":
            reason = line.strip().split(": ", 1)
        else:
            result[reason[0], line.strip()] = reason[1]
    return result


class Room:
    def __init__(self, name):
        self.name, self.lines, self.lines_run, self.branches, self.taken, self.explained = name, 0, 0, 0, 0, 0

    def add(self, count, branches, explained):
        taken = sum(times > 0 for times in branches)
        self.lines += 1
        self.lines_run += count > 0
        self.branches += len(branches)
        self.taken += taken
        if explained:
            self.explained += len(branches) - taken

    def figure(self):
        return "%s: %d of %d lines, %d of %d branches (%.2f %%), %d of the rest explained" % (
            self.name, self.lines_run, self.lines, self.taken, self.branches, 100 * self.taken / self.branches,
            self.explained)  # fmt: skip


def main():
    if not shutil.which("gcov") or not shutil.which("gcc"):
        print("gcc with gcov is missing")
        return 77
    out = os.path.relpath(os.environ.get("OUT") or "build/prove/coverage")
    build = os.path.join(out, "build")
    os.makedirs(build, exist_ok=True)
    build_and_run(out, build)
    lines, unreachable, missing, used = counts_of(build), read_list(), [], set()
    rooms = {"engine": Room("engine"), "viz": Room("viz")}
    texts = {path: open(path, encoding="utf-8").read().split("\n") for path in {path for path, _ in lines}}
    for (path, number), (count, branches) in sorted(lines.items()):
        key = path, texts[path][number - 1].strip()
        is_open = count == 0 or not all(branches)
        explained = is_open and key in unreachable
        rooms[path.split("/")[0]].add(count, branches, explained)
        if explained:
            used.add(key)
        elif is_open:
            missing.append((path, number, count, branches, key[1]))
    stale = sorted(set(unreachable) - used)
    for path, number, count, branches, text in missing:
        what = "never run" if count == 0 else "branches %s" % branches
        print("MISSING %s:%d %s: %s" % (path, number, what, text))
    for path, text in stale:
        print("STALE %s: %s has no such line, or it is reached: %s" % (LIST, path, text))
    figure = "%s. %s. MC/DC: not run: clang 18 or newer\n" % (rooms["engine"].figure(), rooms["viz"].figure())
    with open(os.path.join(out, "figure.txt"), "w") as file:
        file.write(figure)
    print(figure, end="")
    viz = rooms["viz"]
    engine_open = sum(path.startswith("engine/") for path, *_ in missing)
    return 0 if not engine_open and not stale and viz.taken >= VIZ_LEAST * viz.branches else 1


if __name__ == "__main__":
    sys.exit(main())
