#!/usr/bin/env python3
# Reads: Makefile engine viz lessons tests/prove/fail_disk.c tests/prove/disk_writer.c
"""disk.py - what becomes of files when the disk fails, is full or forbidden, and when a program is killed.

Started in the project's top folder with OUT=folder. In JOBS each program meets faults that fail_disk.c puts into its
calls to the system (judge() tells what must hold after each), and those that save are killed at random times. What
needs no such fault is below "real disks": full ones, other users, links, pipes. FAIL_DISK=word runs only the jobs with
that word in their names, "real disks" is one, too. Of the calls of a job that can have a kind of fault,
POINTS=12 have it, evenly spaced (0: all of them); KILLS=200 is how often programs are killed, over all jobs. What has
gone well is not done again with the same programs and the same script.
"""
import concurrent.futures
import dataclasses
import errno
import hashlib
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

OUT = Path(os.environ["OUT"]).absolute()
BUILD = os.path.relpath(OUT / "build")
POINTS = int(os.environ.get("POINTS", "12"))
KILLS = int(os.environ.get("KILLS", "200"))
ONLY = os.environ.get("FAIL_DISK", "")
# In memory, where there is such a disk: what is tried is what programs do, and fsync takes its time on a real one.
MEMORY = tempfile.TemporaryDirectory(prefix="stepgrad-disk-", dir="/dev/shm" if os.access("/dev/shm", 2) else None)
WORK = Path(MEMORY.name)
LIMIT = 300  # seconds, then a program hangs
WRITING = [errno.ENOSPC, errno.EINTR, "short", "kill"]
CHANGING = ["cut", "grow", "change"]
READING = [errno.EIO, errno.EACCES, errno.EINTR, "short"]
EVERYTHING = [errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EINTR, "short", "kill"]
OLD = b"old\n"
MODE = 0o640  # of old files; new ones have the same
NONE, FILES, LINKS = range(3)  # what stands where a job writes: nothing, old files, links to old files

EXPRESSION = ["L = tanh(w1*x1 + w2*x2 + b)", "x1=2", "w1=-3", "w2=1", "x2=0", "b=6.88"]
DRAW = ["{build}/draw", *EXPRESSION]
MOONS = ["{build}/moons", "--epochs", "2"]
SMALL = ["--hidden", "3"]
FROM_CSV = [*MOONS, "--data", "{in}/data.csv", "--out", "{out}"]


@dataclasses.dataclass
class Job:
    """watch: the calls that touch a path with this in it are counted. printed: standard output is one of the files.
    saves: it is killed at random times, too. excused: it may tell the fault in what it prints, and go on. thorough:
    all calls, those for the unfinished files of other writers too. leaves: a file of its own beside, when killed.
    vague: the message need not tell the reason: the program has one page. draft: words of a whole file that stands for
    the new one until it is there."""
    name: str
    command: list
    faults: list = dataclasses.field(default_factory=lambda: WRITING)
    watch: str = "{disk}/"
    printed: bool = False
    saves: bool = False
    excused: bool = False
    thorough: bool = False
    leaves: bool = False
    vague: bool = False
    draft: bytes = b""

    def fill_in(self, word):
        return word.format_map({"build": BUILD, "out": self.disk / "out", "in": self.disk / "in", "disk": self.disk,
                                "writer": OUT / "disk_writer"})

    def program(self):
        return self.command[0].format(build=BUILD, writer=OUT / "disk_writer")

    def place(self, folder):
        """Below disk lie all files that are watched: out, where links lead, in, and standard output."""
        self.folder, self.disk = folder, folder / "disk"
        self.disk.mkdir(parents=True)
        self.output = (self.disk if self.printed else folder) / "stdout"
        self.wanted = {}

    def said(self):
        return (self.folder / "stderr").read_text(errors="replace")


def chapter(number):
    return "{build}/lessons/" + next(Path("lessons").glob(f"{number}_*.c")).stem


JOBS = [
    # Those that take long come first.
    *(Job(f"{command.split('/')[-1]}, data", [command], [errno.EIO, errno.EACCES, "short"], "lessons/data/",
          vague="one_page" in command)
      for command in (chapter("19"), chapter("23"), "{build}/lessons/one_page")),
    Job("moons, recorded data", ["{build}/moons", "--epochs", "1", "--out", "{out}"], READING, "lessons/data/"),
    Job("dataset_save", ["{writer}", "dataset", "{out}/a.csv"]),
    Job("params_save", ["{writer}", "params", "{out}/a.txt"], saves=True),
    Job("program_emit", ["{writer}", "emit", "{out}/a.c"]),
    # No EINTR: dlopen does not try again.
    Job("program_compile", ["{writer}", "compile", "{out}/a.c"], [errno.ENOSPC, "kill"], leaves=True),
    Job("answers to standard output", ["{build}/answers", "3.2", "1"], printed=True),
    Job("draw --dot, all calls", [*DRAW, "--dot", "{out}/a.dot"], EVERYTHING, thorough=True),
    *(Job(f"draw --{kind}", [*DRAW, f"--{kind}", "{out}/a." + kind], saves=kind in ("svg", "html"))
      for kind in ("svg", "png", "html", "json")),
    Job("draw, all outputs", [*DRAW, "--dot", "{out}/a.dot", "--svg", "{out}/a.svg", "--html", "{out}/a.html", "--json",
                              "{out}/a.json"]),
    *(Job(f"draw {option} to standard output", [*DRAW, *option.split()], printed=True)
      for option in ("--dot -", "--svg -", "--html -", "--json -", "--tree", "--table", "--check", "--forward x1")),
    *(Job(f"{option} to standard output", ["{build}/" + option.split()[0], option.split()[1]], printed=True)
      for option in ("draw --ops", "draw --help", "moons --help")),
    Job("draw --file", ["{build}/draw", "--file", "{in}/expression", *EXPRESSION[1:], "--tree"], READING + CHANGING),
    Job("grade", ["{build}/grade", "--lab", "1", "--seed", "1", "{in}/submission", "{out}/results.json"],
        [errno.ENOSPC, "short", "kill"], "{out}", draft=b"the grader was stopped before it finished"),
    # moons goes on without a picture, and says so.
    Job("moons", [*MOONS, *SMALL, "--make-moons", "40", "--out", "{out}"], [errno.ENOSPC, errno.EINTR], saves=True,
        excused=True),
    Job("moons --save --checkpoint", [*FROM_CSV, *SMALL, "--save", "{out}/m.txt", "--checkpoint", "{out}/c.txt"],
        [errno.EIO, *CHANGING, "kill"], saves=True, excused=True),
    Job("moons --resume", [*FROM_CSV, "--resume", "{in}/c.txt"], READING + CHANGING, "{disk}/in/"),
    Job("moons --load", [*FROM_CSV, "--load", "{in}/m.txt"], READING + CHANGING, "{disk}/in/"),
    Job("moons --predict", ["{build}/moons", "--load", "{in}/m.txt", "--predict", "{in}/data.csv"], WRITING + CHANGING,
        printed=True),
    *(Job(f"chapter {number}", [chapter(number), "{out}"], excused=True)
      for number in "08 09 10 11 12 13 14 15 16 17 18 19 20 22 23".split()),
]
SAVING = sum(job.saves for job in JOBS)


def run(job, fault=None, n=0, seconds=LIMIT):
    """Its status, None when it is killed after that time, and the words that fail_disk reports: number, "uses" or
    "removes", path; or only how many calls there were, fewer than n."""
    report = job.folder / "report"
    report.unlink(missing_ok=True)
    traced = [OUT / "fail_disk", report, job.fill_in(job.watch), str(fault), str(n)] if fault else []
    environment = os.environ if job.thorough else {**os.environ, "ONE_WRITER": "yes"}
    with open(job.output, "wb") as out, open(job.folder / "stderr", "wb") as err:
        try:
            status = subprocess.run([*traced, *map(job.fill_in, job.command)], stdin=subprocess.DEVNULL, stdout=out,
                                    stderr=err, env=environment, timeout=seconds, check=False).returncode
        except subprocess.TimeoutExpired:
            status = None
    return status, report.read_text().strip().split(" ", 2) if report.exists() else []


def without_times(name, text):
    """Three of the files have times in them."""
    text = re.sub(rb'"execution_time": \d+', b"", text)
    return re.sub(rb"[0-9.]+", b"#", text) if name in ("history.csv", "stdout") else text


def prepare(job, variant):
    for folder in ("out", "real", "in"):
        shutil.rmtree(job.disk / folder, ignore_errors=True)
    (job.disk / "out").mkdir()
    (job.disk / "real").mkdir()
    shutil.copytree(WORK / "in", job.disk / "in")
    for name in job.wanted if variant != NONE else ():
        old = job.disk / ("out" if variant == FILES else "real") / name
        old.write_bytes(OLD)
        old.chmod(MODE)
        if variant == LINKS:
            (job.disk / "out" / name).symlink_to(f"../real/{name}")


def is_whole_json(text):
    try:
        return json.loads(text) is not None
    except ValueError:
        return False


def look(job, variant, may_be_old, may_leave):
    """What is wrong with the files."""
    wrong = []
    for name, text in job.wanted.items():
        file = job.disk / "out" / name
        now = file.read_bytes() if file.exists() else b""
        is_new = without_times(name, now) == without_times(name, text)
        is_old = not file.exists() if variant == NONE else now == OLD
        is_old |= job.draft != b"" and job.draft in now and is_whole_json(now)
        if not is_new and not (may_be_old and is_old):
            wrong.append(f"{name} is neither old nor new" if may_be_old else f"{name} is not what it should be")
        if variant != NONE and file.exists() and file.stat().st_mode & 0o777 != MODE:
            wrong.append(f"{name} has lost its permissions")
        if file.is_symlink() != (variant == LINKS):
            wrong.append(f"{name} is no longer a link")
    left = {file.name for folder in ("out", "real") for file in (job.disk / folder).iterdir()} - set(job.wanted)
    return wrong + [f"left behind: {name}" for name in left if not may_leave]


def judge(job, variant, fault, status, report):
    """After a fault: done, with all as it should be; or not, a message that names file and reason, and old files. What
    a signal handler interrupts is tried again; only printf cannot do that. After a kill: old or new, and again well."""
    if fault == "kill":
        wrong = look(job, variant, True, True)
        status, _ = run(job)
        return wrong + (look(job, variant, False, job.leaves) if status == 0 else [f"again: status {status}"])
    if status is None or not 0 <= status < 128:
        return [f"ends by signal {status} (None: it hangs)"]
    said = job.said() + (job.output.read_text(errors="replace") if job.excused else "")
    # Not the name of the unfinished file, but of the one that it becomes.
    name = re.sub(r"\.stepgrad\.tmp\d*$|\.\w{6}$|\.log$|^stdout$", "", os.path.basename(report[2])) or "standard output"
    reason = os.strerror(fault) if isinstance(fault, int) and not job.vague else ""
    told = name in said and reason in said
    if fault in CHANGING:  # what is read may be right as well
        return [] if status == 0 else look(job, variant, True, False) + ["no message"] * (not told)
    failed = status != 0 or (job.excused and told)
    wrong = look(job, variant, failed, report[1] == "removes")
    if not failed and without_times("stdout", job.output.read_bytes()) != job.prints:
        wrong.append("not all is printed")
    if failed and (fault == "short" or (fault == errno.EINTR and not (job.printed and told))):
        wrong.append("it is not tried again")
    elif failed and not told:
        wrong.append(f"the message does not say {name} and {reason}")
    return wrong


def faults_of(job):
    """Yields what is done, what is wrong after it, and what the program said."""
    for fault in job.faults:
        for variants in ((NONE,), (FILES,), (LINKS,)) if job.thorough else ((LINKS, FILES, NONE),):
            prepare(job, variants[0])
            _, report = run(job, fault, 10**9)
            calls = int(report[0])
            stride = 1 if job.thorough or POINTS == 0 else -(-calls // POINTS) or 1
            for i, n in enumerate(range(1, calls + 1, stride)):
                variant = variants[i % len(variants)]
                prepare(job, variant)
                status, report = run(job, fault, n)
                if len(report) == 3:  # otherwise it makes fewer calls with these files
                    wrong = judge(job, variant, fault, status, report)
                    what = errno.errorcode.get(fault, fault)
                    yield f"{what} in call {n} of {calls} ({' '.join(report)}), files {variant}", wrong, job.said()


def kills_of(job, seconds):
    for i in range(KILLS // SAVING if job.saves else 0):
        prepare(job, i % 3)
        run(job, seconds=random.uniform(0, 1.05 * seconds))
        yield f"killed, time {i}", judge(job, i % 3, "kill", None, []), job.said()


def count(name, tries):
    """How many tries there were, and how many of them failed, which are told."""
    tried = failures = 0
    for what, wrong, said in tries:
        tried += 1
        failures += bool(wrong)
        if wrong:
            print(f"FAILED {name}: {what}: {'; '.join(wrong)}. It says: {said[:300].strip()}", flush=True)
    return tried, failures


def try_job(job):
    """Faults, kills, failures."""
    begin = time.monotonic()
    job.place(Path(tempfile.mkdtemp(dir=WORK)))
    prepare(job, NONE)
    status, _ = run(job)
    seconds = time.monotonic() - begin
    if status != 0:
        print(f"FAILED {job.name}: without a fault, status {status}: {job.said()}")
        return 0, 0, 1
    job.wanted = {file.name: file.read_bytes() for file in (job.disk / "out").iterdir() if file.is_file()}
    job.prints = without_times("stdout", job.output.read_bytes())
    faults, failures = count(job.name, faults_of(job))
    kills, more_failures = count(job.name, kills_of(job, seconds))
    shutil.rmtree(job.folder)
    print(f"{job.name}: {faults} faults, {kills} kills, {failures + more_failures} failures, "
          f"{time.monotonic() - begin:.0f} s", flush=True)
    return faults, kills, failures + more_failures


# ---- real disks: the path comes last, and standard error has to hold a message besides its name ("": it succeeds) ----

WRITE = {**{kind: [*DRAW, f"--{kind}"] for kind in ("svg", "dot", "html", "json")},
         "model": [*MOONS, *SMALL, "--make-moons", "30", "--out", "{place}/pictures", "--save"]}
WRITE_TO = {"forbidden/a": "Permission denied", "forbidden/new": "Permission denied", "protected": "Permission denied",
            "folder": "Is a directory", "file/a": "Not a directory", "none/a": "No such file", "ring": "symbolic links",
            "/dev/full": "No space left", "limited": "File too large", "dangling": "", "link": ""}
READ = {"data.csv": [*MOONS, *SMALL, "--out", "{place}/pictures", "--data"],
        "m.txt": ["{build}/moons", "--predict", "{place}/data.csv", "--load"],
        "expression": ["{build}/draw", *EXPRESSION[1:], "--file"]}
READ_FROM = {"unreadable": "Permission denied", "folder": "Is a directory", "none": "No such file",
             "file/a": "Not a directory", "ring": "symbolic links", "fifo": "", "link to input": ""}
FULL = """mount -t tmpfs -o size=128k none "$DISK" || exit 77
echo old >"$DISK/$NAME"
dd if=/dev/zero of="$DISK/fill" bs=1k 2>/dev/null
"$@" >/dev/null; echo "status $?"; cat "$DISK/$NAME"; ls "$DISK" | tr '\\n' ' '"""


def make_place(place):
    """Files for nobody in particular."""
    for folder in (place, place / "folder", place / "forbidden", place / "pictures"):
        folder.mkdir()
    for name in ("file", "protected", "limited", "forbidden/a", "real"):
        (place / name).write_bytes(OLD)
    for name, target in (("ring", "ring"), ("dangling", "made"), ("link", "real")):
        (place / name).symlink_to(target)
    shutil.copytree(WORK / "in", place, dirs_exist_ok=True)
    for file in (place, *place.rglob("*")):
        if not file.is_symlink():
            file.chmod(0o777 if file.is_dir() else 0o666)
    (place / "protected").chmod(0o444)
    (place / "forbidden").chmod(0o555)
    return place


def limit_files():
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def call(place, command, name, message, **options):
    """What it prints, what is wrong, and what it says."""
    nobody = {"user": 65534, "group": 65534, "extra_groups": []} if os.geteuid() == 0 else {}  # root may do everything
    words = [word.format(place=place, build=place.parent / "programs") for word in (*command, str(place / name))]
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT, check=False, **nobody,
                          **options)
    said = done.stderr.decode(errors="replace")
    status = done.returncode
    wrong = [f"status {status}"] * ((status == 0) != (message == "") or not 0 <= status < 128)
    if message != "" and not (message in said and os.path.basename(name) in said):
        wrong.append(f"the message does not say {name} and {message}")
    wrong += [f"left behind: {file}" for file in place.rglob("*.stepgrad.tmp*")]
    return done.stdout, wrong, said


def writes(root):
    for kind, command in WRITE.items():
        for name, message in WRITE_TO.items():
            place = make_place(root / f"{kind} {name.replace('/', ' ')}")
            options = {"preexec_fn": limit_files} if name == "limited" else {}
            _, wrong, said = call(place, command, name, message, **options)
            if name in ("forbidden/a", "protected", "limited") and (place / name).read_bytes() != OLD:
                wrong.append("the old file is gone")
            if message == "" and not ((place / name).is_symlink() and (place / name).stat().st_size > len(OLD)):
                wrong.append("the link, or the file that it leads to, is not as promised")
            yield f"{kind} to {name}", wrong, said


def feed(fifo, text):
    """Write the text into a FIFO, in two pieces, when somebody opens it."""
    with open(fifo, "wb", 0) as out:
        out.write(text[:len(text) // 2])
        time.sleep(.05)
        out.write(text[len(text) // 2:])


def reads(root):
    for original, command in READ.items():
        place = make_place(root / f"from {original}")
        text = (place / original).read_bytes()
        (place / "unreadable").write_bytes(text)
        (place / "unreadable").chmod(0)
        (place / "link to input").symlink_to(original)
        os.mkfifo(place / "fifo")
        (place / "fifo").chmod(0o666)
        wanted = without_times("stdout", call(place, command, original, "")[0])
        for name, message in READ_FROM.items():
            if name == "fifo":
                threading.Thread(target=feed, args=(place / name, text), daemon=True).start()
            printed, wrong, said = call(place, command, name, message)
            if message == "" and without_times("stdout", printed) != wanted:
                wrong.append("it prints something else than for the file itself")
            yield f"{original} from {name}", wrong, said


def full_disks(root):
    """Small disks with no room, in name spaces of their own."""
    place = make_place(root / "full")
    (place / "disk").mkdir()
    jobs = {kind: ("a", [*command, "{place}/disk/a"]) for kind, command in WRITE.items()}
    jobs["gallery"] = ("gallery.html", ["sh", "-c", 'ln -s "$0" "$1/draw" && sh viz/draw/gallery.sh "$1"',
                                        "{build}/draw", "{place}/disk"])
    for kind, (name, command) in jobs.items() if can_mount() else ():
        command = [word.format(place=place, build=root / "programs") for word in command]
        done = subprocess.run(["unshare", "-rm", "sh", "-c", FULL, "sh", *command], capture_output=True, text=True,
                              env={**os.environ, "DISK": f"{place}/disk", "NAME": name}, timeout=LIMIT, check=False)
        status, old, left = (done.stdout.split("\n") + ["", "", ""])[:3]
        wrong = [status or "no status"] * (status not in map("status {}".format, range(1, 128)))
        wrong += ["the old file is gone"] * (old != "old")
        wrong += [f"left behind: {left}"] * ("tmp" in left or "part" in left)
        wrong += ["no reason is told"] * ("No space left" not in done.stderr)
        yield f"a full disk, {kind}", wrong, done.stderr


def can_mount():
    return shutil.which("unshare") and subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", "/mnt"],
                                                      capture_output=True, check=False).returncode == 0


def try_real_disks():
    """Cases and failures. Those of nobody need the programs where everybody can read them."""
    with tempfile.TemporaryDirectory(prefix="stepgrad disk ") as folder:
        root = Path(folder)
        root.chmod(0o755)
        (root / "programs").mkdir()
        for name in ("draw", "moons"):
            shutil.copy(f"{BUILD}/{name}", root / "programs")
        return count("real disks", (case for part in (writes, reads, full_disks) for case in part(root)))


# ---- the whole -------------------------------------------------------------------------------------------------------

def make():
    chapters = [f"{BUILD}/lessons/{file.stem}" for file in Path("lessons").glob("[0-9][0-9]_*.c")]
    programs = [f"{BUILD}/{name}" for name in ("moons", "draw", "grade", "answers", "libstepgrad.a",
                                               "lessons/one_page")]
    subprocess.run(["make", "-s", "-j2", f"BUILD={BUILD}", *programs, *chapters], check=True)
    cc = [os.environ.get("CC", "cc"), "-std=c11", "-O2", "-Iengine", "-o"]
    subprocess.run([*cc, OUT / "disk_writer", "tests/prove/disk_writer.c", f"{BUILD}/libstepgrad.a", "-lm", "-fopenmp"],
                   check=True)
    inputs = WORK / "in"
    (inputs / "submission").mkdir(parents=True)
    shutil.copy("lessons/labs/lab1.c", inputs / "submission")
    (inputs / "expression").write_text(EXPRESSION[0] + "\n")
    (inputs / "data.csv").write_text("x0,x1,kind\n" + "".join(f"{i % 7},{i * i % 11},{i % 2}\n" for i in range(40)))
    subprocess.run([f"{BUILD}/moons", "--epochs", "1", *SMALL, "--data", inputs / "data.csv", "--out", WORK / "made",
                    "--save", inputs / "m.txt", "--checkpoint", inputs / "c.txt"], capture_output=True, check=True)
    return subprocess.run([*cc, OUT / "fail_disk", "tests/prove/fail_disk.c"], check=False).returncode == 0


def main():
    if not sys.platform.startswith("linux") or not make():
        print("not run: it takes Linux on x86-64 or AArch64, and a compiler")
        return 77
    kept = OUT / "results.json"
    results = json.loads(kept.read_text()) if kept.exists() else {}

    def once(name, program, trial, *arguments):
        """The result is kept while the program and what judges it are the same."""
        parts = [Path(file).read_bytes() for file in (program, __file__, OUT / "fail_disk")]
        key = hashlib.sha256(repr((name, POINTS, KILLS)).encode() + b"".join(parts)).hexdigest()
        if results.get(key, [1])[-1] > 0:
            results[key] = trial(*arguments)
            kept.write_text(json.dumps(results))
        return results[key]

    jobs = [job for job in JOBS if ONLY in job.name]
    cases, wrong = once("real disks", f"{BUILD}/moons", try_real_disks) if ONLY in "real disks" else (0, 0)
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        done = list(pool.map(lambda job: once(job.name, job.program(), try_job, job), jobs))
    faults, kills, failures = (sum(column) for column in zip((0, 0, 0), *done))
    points = f"at most {POINTS} in a job, evenly spaced; in draw --dot all" if POINTS else "all"
    left_out = ["full disks (none can be mounted here)"] * (not can_mount()) + [f"all but {ONLY}"] * bool(ONLY)
    (OUT / "figure.txt").write_text(
        f"{len(jobs)} jobs that write or read files: {faults} faults, each in one call to the system (of those that "
        f"can have a kind of fault {points}), and {kills} times kill -9 at random: {failures} failures. {cases} cases "
        f"with real full disks, read-only and unreadable files, links and pipes: {wrong} failures."
        + f" Not run: {'; '.join(left_out)}." * bool(left_out) + "\n")
    return 1 if failures + wrong > 0 else 0


if __name__ == "__main__":
    sys.exit(main())
