#!/usr/bin/env python3
"""disk.py - what becomes of files when the disk fails, is full or forbidden, and when a program is killed.

Started in the project's top folder with OUT=folder; see judge() for what must hold after each fault that fail_disk.c
makes, and PLAIN for what needs no such fault. FAIL_DISK=word runs only the scenarios with that word in their names,
FAIL_DISK=plain only PLAIN. MINUTES=12 ends after that time, and then the bar does not
hold; the next run goes on with the scenario that it was at.
"""
import contextlib
import errno
import hashlib
import inspect
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
BUILD = os.environ.get("BUILD", os.path.relpath(OUT / "build"))
# In memory, where there is such a disk: what is tried is what programs do, and fsync takes its time on a real one.
WORK = Path(tempfile.mkdtemp(prefix="stepgrad-disk-", dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None))
DISK = WORK / "disk"  # below it lie all files that are watched: out, where links lead, in, and standard output
FAIL = OUT / "fail_disk"
LIMIT = 300  # seconds, then a program hangs
END = time.monotonic() + 60 * float(os.environ.get("MINUTES", "inf"))
KILLS = 50  # at random times, of each program that saves

ERRNOS = [errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EINTR]
EVERYTHING = ERRNOS + ["short", "kill"]
WRITING = [errno.ENOSPC, errno.EINTR, "short", "kill"]
READING = [errno.EIO, errno.EACCES, errno.EINTR, "short"]
CHANGING = ["cut", "grow", "change"]
OLD = b"old\n"
MODE = 0o640  # of old files; new ones have the same

EXPRESSION = ["L = tanh(w1*x1 + w2*x2 + b)", "x1=2", "w1=-3", "w2=1", "x2=0", "b=6.88"]
DRAW = ["{build}/draw", *EXPRESSION]
MOONS = ["{build}/moons", "--epochs", "2"]
FROM_CSV = [*MOONS, "--data", "{in}/data.csv", "--out", "{out}"]
SMALL = ["--hidden", "3"]
LESSONS = "08 09 10 11 12 13 14 15 16 17 18 19 20 22 23".split()


def scenario(name, *command, faults=WRITING, watch=f"{DISK}/", printed=False, kills=0, excused=False, thorough=False,
             leaves=False):
    """printed: standard output is one of the files. excused: a message is enough, the exit status may be 0. thorough:
    each fault with no old files, with old ones and with links to them, and not with these in turn. leaves: what was
    killed may leave a file of its own beside, for good."""
    return locals()


SCENARIOS = [
    scenario("dataset_save", "{disk_writer}", "dataset", "{out}/a.csv"),
    scenario("params_save", "{disk_writer}", "params", "{out}/a.txt", kills=KILLS),
    scenario("program_emit", "{disk_writer}", "emit", "{out}/a.c"),
    scenario("answers to standard output", "{build}/answers", "3.2", "1", printed=True),
    scenario("draw --dot, thoroughly", *DRAW, "--dot", "{out}/a.dot", faults=EVERYTHING, thorough=True),
    scenario("moons", *MOONS, *SMALL, "--make-moons", "40", "--out", "{out}", faults=[errno.ENOSPC, errno.EINTR],
             kills=KILLS),
    scenario("moons --save --checkpoint", *FROM_CSV, *SMALL, "--save", "{out}/m.txt", "--checkpoint", "{out}/c.txt",
             faults=[errno.EIO, *CHANGING, "kill"], kills=KILLS),
    *(scenario(f"draw --{kind}", *DRAW, f"--{kind}", "{out}/a." + kind, kills=KILLS * (kind in ("svg", "html")))
      for kind in ("svg", "png", "html", "json")),
    scenario("draw, all outputs", *DRAW, *(word for kind in ("dot", "svg", "html", "json")
                                           for word in (f"--{kind}", "{out}/a." + kind))),
    *(scenario(f"draw {option[0]} to standard output", *(DRAW if option[0] not in ("--ops", "--help") else DRAW[:1]),
               *option, printed=True)
      for option in (["--dot", "-"], ["--svg", "-"], ["--html", "-"], ["--json", "-"], ["--tree"], ["--table"],
                     ["--check"], ["--forward", "x1"], ["--ops"], ["--help"])),
    # No EINTR: dlopen does not try again.
    scenario("program_compile", "{disk_writer}", "compile", "{out}/a.c", faults=[errno.ENOSPC, "kill"],
             leaves=True),
    scenario("grade", "{build}/grade", "--lab", "1", "{in}/submission", "{out}/results.json",
             watch=f"{DISK}/out", faults=[errno.ENOSPC, "short", "kill"]),
    scenario("draw --file", "{build}/draw", "--file", "{in}/expression", *EXPRESSION[1:], "--tree",
             faults=READING + CHANGING),
    scenario("moons --resume", *FROM_CSV, "--resume", "{in}/c.txt", faults=READING + CHANGING,
             watch=f"{DISK}/in/"),
    scenario("moons --load", *FROM_CSV, "--load", "{in}/m.txt", faults=READING + CHANGING, watch=f"{DISK}/in/"),
    scenario("moons --predict", "{build}/moons", "--load", "{in}/m.txt", "--predict", "{in}/data.csv",
             faults=WRITING + CHANGING, printed=True),
    scenario("moons --help", "{build}/moons", "--help", printed=True),
    scenario("moons, recorded data", "{build}/moons", "--epochs", "1", "--out", "{out}", faults=READING,
             watch="lessons/data/"),
    *(scenario(f"chapter {number}", "{chapter %s}" % number, "{out}", excused=True) for number in LESSONS),
    *(scenario(name, *command, faults=[errno.EIO, errno.EACCES, "short"], watch="lessons/data/")
      for name, *command in (("chapter 19, data", "{chapter 19}"), ("chapter 23, data", "{chapter 23}"),
                             ("one_page, data", "{build}/lessons/one_page"))),
]


# ---- one run ---------------------------------------------------------------------------------------------------------

def fill_in(word):
    word = re.sub(r"\{chapter (..)\}",
                  lambda m: f"{BUILD}/lessons/" + next(Path("lessons").glob(m[1] + "_*.c")).stem, word)
    return word.format_map({"build": BUILD, "out": DISK / "out", "in": DISK / "in", "disk_writer": OUT / "disk_writer"})


def output_of(case):
    return (DISK if case["printed"] else WORK) / "stdout"


def start(case, command):
    """A process, whose output goes to files."""
    if time.monotonic() > END:
        raise TimeoutError
    environment = dict(os.environ) if case["thorough"] else {**os.environ, "ONE_WRITER": "yes"}
    with open(output_of(case), "ab") as out, open(WORK / "stderr", "wb") as err:
        out.truncate(0)
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, env=environment)


def run(case, fault=None, n=0):
    """Its status, None when it hangs, and what fail_disk reports, [number, "uses" or "removes", path] or []."""
    report = WORK / "report"
    report.unlink(missing_ok=True)
    command = [fill_in(word) for word in case["command"]]
    traced = [FAIL, report, case["watch"], str(fault), str(n)] if fault else []
    process = start(case, [*traced, *command])
    try:
        status = process.wait(LIMIT)
    except subprocess.TimeoutExpired:
        process.kill()
        status = None
    return status, report.read_text().split(" ", 2) if report.exists() else []


def read_folder(folder):
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.is_file()}


def without_times(name, text):
    """Two of the files have times in them."""
    return re.sub(rb"[0-9.]+", b"#", text) if name in ("history.csv", "stdout") else text


def prepare(wanted, variant, inputs=True):
    """Files that are to be written: none are there (0), old ones are (1), links to old ones (2)."""
    for folder in (DISK / "out", DISK / "real"):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
    if inputs:
        shutil.rmtree(DISK / "in", ignore_errors=True)
        shutil.copytree(WORK / "in", DISK / "in")
    for name in wanted if variant > 0 else ():
        old = DISK / ("out" if variant == 1 else "real") / name
        old.write_bytes(OLD)
        old.chmod(MODE)
        if variant == 2:
            (DISK / "out" / name).symlink_to(f"../real/{name}")


def named(path):
    """What a message must say for this path: not the name of the unfinished file, but of the one that it becomes."""
    name = os.path.basename(path.strip())
    return "standard output" if name == "stdout" else re.sub(r"\.stepgrad\.tmp\d*$|\.\w{6}$|\.log$", "", name)


def look(wanted, variant, may_be_old, may_leave):
    """What is wrong with the files."""
    wrong = []
    for name, text in wanted.items():
        file = DISK / "out" / name
        now = file.read_bytes() if file.exists() else b""
        is_new = without_times(name, now) == without_times(name, text)
        is_old = file.exists() == (variant > 0) and (variant == 0 or now == OLD)
        if not is_new and not (may_be_old and is_old):
            wrong.append(f"{name} is neither old nor new" if may_be_old else f"{name} is not what it should be")
        if variant > 0 and file.exists() and file.stat().st_mode & 0o777 != MODE:
            wrong.append(f"{name} has lost its permissions")
        if file.is_symlink() != (variant == 2):
            wrong.append(f"{name} is no longer a link")
    left = {file.name for folder in ("out", "real") for file in (DISK / folder).iterdir()} - set(wanted)
    return wrong + [f"left behind: {name}" for name in left if not may_leave]


def judge(case, wanted, printed, variant, fault, status, report):
    """After a fault: done, with all as it should be; or not, a message that names file and reason, and old files. What
    a signal handler interrupts is tried again; only printf cannot do that."""
    said = (WORK / "stderr").read_text(errors="replace")
    if case["excused"]:  # a chapter tells it as a claim that does not hold
        said += output_of(case).read_text(errors="replace")
    path = report[2] if report else ""
    if status is None or (fault != "kill" and (status < 0 or status >= 128)):
        return [f"ends by signal {status} (None: it hangs)"]
    if fault == "kill":
        wrong = look(wanted, variant, True, True)
        status, _ = run(case)
        return wrong + ([f"again: status {status}"] if status != 0 else look(wanted, variant, False, case["leaves"]))
    reason = os.strerror(fault) if isinstance(fault, int) else ""
    told = named(path) in said and reason in said
    failed = status != 0 or (case["excused"] and told)
    if fault in CHANGING:
        return look(wanted, variant, True, False) * (status != 0) + ["no message"] * (status != 0 and not told)
    wrong = look(wanted, variant, failed, len(report) > 1 and report[1] == "removes")
    if not failed and without_times("stdout", output_of(case).read_bytes()) != printed:
        wrong.append("not all is printed")
    if failed and (fault == "short" or (fault == errno.EINTR and (case["printed"] is False or not told))):
        wrong.append("it is not tried again")
    elif failed and not told:
        wrong.append(f"the message does not say {named(path)} and {reason}")
    return wrong


def kill_at_any_time(case, wanted, variant, seconds):
    prepare(wanted, variant, False)
    process = start(case, [fill_in(word) for word in case["command"]])
    time.sleep(random.uniform(0, 1.05 * seconds))
    process.kill()
    process.wait()
    return judge(case, wanted, None, variant, "kill", 128 + signal.SIGKILL, [])


def try_scenario(case):
    """Returns faults, failures."""
    prepare({}, 0)
    begin = time.monotonic()
    status, _ = run(case)
    seconds = time.monotonic() - begin
    wanted = read_folder(DISK / "out")
    printed = without_times("stdout", output_of(case).read_bytes())
    tried, failures = 0, 0
    if status != 0:
        print(f"{case['name']}: without a fault, status {status}: {(WORK / 'stderr').read_text()}")
        return 0, 1

    def note(wrong, what):
        nonlocal tried, failures
        tried += 1
        failures += bool(wrong)
        if wrong:
            said = (WORK / "stderr").read_text(errors="replace").strip()
            print(f"FAILED {case['name']}: {what}: {'; '.join(wrong)}. It says: {said[:300]}", flush=True)

    for variants in [[0], [1], [2]] if case["thorough"] else [[0, 1, 2]]:
        for fault in case["faults"]:
            n = missed = 0
            while missed < len(variants):  # they differ in their calls
                variant = variants[n % len(variants)]
                n += 1
                prepare(wanted, variant, fault in CHANGING)
                status, report = run(case, fault, n)
                missed = 0 if report else missed + 1
                if report:
                    what = f"{errno.errorcode.get(fault, fault)} in call {n} ({' '.join(report).strip()})"
                    note(judge(case, wanted, printed, variant, fault, status, report), f"{what}, files {variant}")
    for i in range(case["kills"]):
        note(kill_at_any_time(case, wanted, i % 3, seconds), f"killed, time {i}")
    return tried, failures


# ---- without a tracer: real disks, users and files -------------------------------------------------------------------

def as_user(command):
    """Root may do everything, so it becomes nobody."""
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command] if os.geteuid() == 0 else command


def call(command, **options):
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT,
                          **options)
    return done.returncode, done.stdout, done.stderr.decode(errors="replace")


def ignore_large_files():
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def feed(fifo, text):
    """Write the text into a FIFO, in two pieces, when somebody opens it."""
    def write():
        with contextlib.suppress(BrokenPipeError), open(fifo, "wb", 0) as out:
            out.write(text[:len(text) // 2])
            time.sleep(.05)
            out.write(text[len(text) // 2:])

    threading.Thread(target=write, daemon=True).start()


# What is done, to which file, and what standard error has to hold besides the file's name ("": it succeeds).
WRITE = {"draw": lambda path: [*DRAW, "--svg", path], "dot": lambda path: [*DRAW, "--dot", path],
         "html": lambda path: [*DRAW, "--html", path], "json": lambda path: [*DRAW, "--json", path],
         "model": lambda path: [*MOONS, *SMALL, "--make-moons", "30", "--out", "{T}/pictures", "--save", path]}
READ = {"csv": lambda path: [*MOONS, *SMALL, "--data", path, "--out", "{T}/pictures"],
        "model": lambda path: ["{build}/moons", "--predict", "{T}/data.csv", "--load", path],
        "expression": lambda path: ["{build}/draw", "--file", path, *EXPRESSION[1:]]}
ORIGINAL = {"csv": "data.csv", "model": "m.txt", "expression": "expression"}
PLAIN = [  # of every WRITE: file, message, whether an old file is there, options
    ("forbidden/a", "Permission denied", True, {}), ("forbidden/new", "Permission denied", False, {}),
    ("protected", "Permission denied", True, {}), ("folder", "Is a directory", False, {}),
    ("file/a", "Not a directory", False, {}), ("none/a", "No such file", False, {}),
    ("ring", "symbolic links", False, {}), ("/dev/full", "No space left", False, {}), ("dangling", "", False, {}),
    ("link", "", False, {}), ("limited", "File too large", True, {"preexec_fn": ignore_large_files})]
PLAIN_CASE = {"command": DRAW}
PLAIN_READ = [("unreadable", "Permission denied"), ("folder", "Is a directory"), ("none", "No such file"),
              ("file/a", "Not a directory"), ("ring", "symbolic links"), ("fifo", ""), ("link_to_input", "")]


def make_place(place):
    """Files for nobody in particular."""
    for name in ("folder", "forbidden", "pictures"):
        (place / name).mkdir()
    for name in ("file", "protected", "limited", "forbidden/a", "real"):
        (place / name).write_bytes(OLD)
    for name, target in (("ring", "ring"), ("dangling", "made"), ("link", "real")):
        (place / name).symlink_to(target)
    for name in ORIGINAL.values():
        shutil.copy(WORK / "in" / name, place)
    for file in (place, *place.rglob("*")):
        if not file.is_symlink():
            file.chmod(0o777 if file.is_dir() else 0o666)
    (place / "protected").chmod(0o444)
    (place / "forbidden").chmod(0o555)


def prove_writes(place, binaries):
    for kind, command_of in WRITE.items():
        for name, message, has_old, options in PLAIN:
            shutil.rmtree(place, ignore_errors=True)
            place.mkdir()
            make_place(place)
            path = name if name[0] == "/" else f"{place}/{name}"
            command = [word.replace("{T}", str(place)).replace("{build}", binaries) for word in command_of(path)]
            status, _, said = call(as_user(["env", *command]) if name != "limited" else command, **options)
            left = [file.name for file in place.rglob("*.stepgrad.tmp*")]
            wrong = [f"left behind: {left}"] * bool(left)
            if (status == 0) != (message == "") or status < 0:
                wrong.append(f"status {status}")
            if message != "" and (message not in said or os.path.basename(path) not in said):
                wrong.append(f"the message does not say {os.path.basename(path)} and {message}")
            if has_old and Path(path).read_bytes() != OLD:
                wrong.append("the old file is gone")
            if name in ("dangling", "link") and not (
                    os.path.islink(path) and os.path.exists(path) and os.path.getsize(path) > len(OLD)):
                wrong.append("the link, or the file that it leads to, is not as promised")
            yield f"{kind} to {name}", wrong, said


def prove_reads(place, binaries):
    make_place(place)
    os.mkfifo(place / "fifo", 0o666)
    (place / "fifo").chmod(0o666)
    for kind, command_of in READ.items():
        original = place / ORIGINAL[kind]
        shutil.copy(original, place / "unreadable")
        (place / "unreadable").chmod(0)
        (place / "link_to_input").unlink(missing_ok=True)
        (place / "link_to_input").symlink_to(original.name)
        command = lambda name: as_user([word.replace("{T}", str(place)).replace("{build}", binaries)
                                        for word in command_of(f"{place}/{name}")])
        want = without_times("stdout", call(command(original.name))[1])
        for name, message in PLAIN_READ:
            if name == "fifo":
                feed(place / name, original.read_bytes())
            status, printed, said = call(command(name))
            wrong = [f"status {status}"] * ((status == 0) != (message == "") or status < 0)
            if message != "" and (message not in said or os.path.basename(name) not in said):
                wrong.append(f"the message does not say {name} and {message}")
            if message == "" and without_times("stdout", printed) != want:
                wrong.append("it prints something else than for the file itself")
            yield f"{kind} from {name}", wrong, said
        (place / "unreadable").unlink()
        # A writer that dies: a part of the file, through a pipe.
        text = original.read_bytes()
        for length in range(0, len(text), max(1, len(text) // 20)):
            feed(place / "fifo", text[:length])
            status, _, said = call(command("fifo"))
            wrong = [f"status {status}"] * (status < 0 or status >= 128)
            wrong += ["no message"] * (status > 0 and "fifo" not in said)
            if kind == "model" and status == 0:
                wrong.append("a model that was cut short is accepted")
            yield f"{kind} of {length} bytes from fifo", wrong, said


FULL = """mount -t tmpfs -o size=128k none "$1" || exit 77
echo old >"$1/$2"
cd "$3"; shift 3
dd if=/dev/zero of="$DISK/fill" bs=1k 2>/dev/null
"$@" >"$DISK.out" 2>"$DISK.err"; echo "status $?"
cat "$DISK/$NAME"; ls "$DISK" | tr '\\n' ' '"""


def prove_full(place, binaries):
    """A small disk with no room, in a name space of its own."""
    disk = place / "small"
    disk.mkdir()
    jobs = {kind: ("a", [word.replace("{T}", str(place)).replace("{build}", binaries)
                         for word in command_of(f"{disk}/a")])
            for kind, command_of in WRITE.items()}
    jobs["gallery"] = ("gallery.html", ["sh", "-c", 'ln -s "$1" "$DISK/draw" && sh viz/draw/gallery.sh "$DISK"', "sh",
                                        f"{binaries}/draw"])
    jobs["standard output"] = ("a", ["sh", "-c", '"$@" >"$DISK/printed"', "sh", f"{binaries}/draw", "--help"])
    for kind, (name, command) in jobs.items():
        status, printed, said = call(["unshare", "-rm", "sh", "-c", FULL, "sh", disk, name, os.getcwd(), *command],
                                     env={**os.environ, "DISK": str(disk), "NAME": name})
        if status == 77 or b"status" not in printed:
            print(f"a full disk, {kind}: not run: {said.strip()}")
            continue
        told = Path(f"{disk}.err").read_text(errors="replace")
        lines = printed.decode().split("\n")
        wrong = [lines[0]] * (lines[0] in ("status 0", "status 77") or int(lines[0].split()[1]) > 127)
        wrong += ["the old file is gone"] * (lines[1] != "old")
        wrong += [f"left behind: {lines[2]}"] * ("tmp" in lines[2] or "part" in lines[2])
        wrong += ["no reason is told"] * ("No space left" not in told)
        yield f"a full disk, {kind}", wrong, told


def prove_plainly():
    place = Path(tempfile.mkdtemp(prefix="stepgrad disk "))
    tried = failures = 0
    try:
        place.chmod(0o755)
        binaries = place / "programs"
        binaries.mkdir()
        for name in ("draw", "moons"):
            shutil.copy(f"{BUILD}/{name}", binaries)
        for number, prove in enumerate((prove_writes, prove_reads, prove_full)):
            (place / f"{number}").mkdir()
            for what, wrong, said in prove(place / f"{number}", str(binaries)):
                tried += 1
                failures += bool(wrong)
                if wrong:
                    print(f"FAILED {what}: {'; '.join(wrong)}. It says: {said.strip()[:300]}", flush=True)
    finally:
        subprocess.run(["chmod", "-R", "u+rwX", place], check=False)
        shutil.rmtree(place)
    return tried, failures


# ---- the whole -------------------------------------------------------------------------------------------------------

def make():
    chapters = [f"{BUILD}/lessons/{file.stem}" for file in Path("lessons").glob("[0-9][0-9]_*.c")]
    programs = [f"{BUILD}/{name}" for name in ("moons", "draw", "grade", "answers", "libstepgrad.a",
                                               "lessons/one_page")]
    subprocess.run(["make", "-s", "-j2", f"BUILD={BUILD}", *programs, *chapters], check=True)
    cc = os.environ.get("CC", "cc")
    subprocess.run([cc, "-std=c11", "-O2", "-Iengine", "-o", OUT / "disk_writer", "tests/prove/disk_writer.c",
                    f"{BUILD}/libstepgrad.a", "-lm", "-fopenmp"], check=True)
    return subprocess.run([cc, "-std=c11", "-O2", "-o", FAIL, "tests/prove/fail_disk.c"], check=False).returncode == 0


def make_inputs():
    inputs = WORK / "in"
    (inputs / "submission").mkdir(parents=True)
    DISK.mkdir()
    (inputs / "expression").write_text(EXPRESSION[0] + "\n")
    (inputs / "data.csv").write_text("x0,x1,kind\n" + "".join(f"{i % 7},{i * i % 11},{i % 2}\n" for i in range(40)))
    call([f"{BUILD}/moons", "--epochs", "1", *SMALL, "--data", inputs / "data.csv", "--out", WORK / "made", "--save",
          inputs / "m.txt", "--checkpoint", inputs / "c.txt"])
    shutil.copy("lessons/labs/lab1.c", inputs / "submission")


def key_of(case):
    """Of a scenario's result: it holds while the program, the case and what judges it are the same."""
    judges = [inspect.getsource(function) for function in (run, prepare, look, judge, try_scenario, prove_plainly)]
    parts = [Path(fill_in(case["command"][0])).read_bytes(), Path("tests/prove/fail_disk.c").read_bytes()]
    return hashlib.sha256(repr((case, judges)).replace(str(WORK), "").encode() + b"".join(parts)).hexdigest()


def main():
    if not sys.platform.startswith("linux") or not make():
        print("not run: it takes Linux on x86-64 or AArch64, and a compiler")
        return 77
    make_inputs()
    kept = OUT / "results.json"
    results = json.loads(kept.read_text()) if kept.exists() else {}
    key = key_of(PLAIN_CASE)
    if os.environ.get("FAIL_DISK", "plain") == "plain" and results.get(key, [0, 1])[1] > 0:
        results[key] = prove_plainly()
        kept.write_text(json.dumps(results))
    plain, plain_failures = results.get(key, (0, 0))
    print(f"real disks, users and files: {plain} cases, {plain_failures} failures", flush=True)
    faults = failures = kills = jobs = 0
    left = []
    for case in (case for case in SCENARIOS if os.environ.get("FAIL_DISK", "") in case["name"]):
        key = key_of(case)
        begin = time.monotonic()
        if results.get(key, [0, 1])[1] > 0:
            try:
                results[key] = try_scenario(case)
            except TimeoutError:
                left.append(case["name"])
                continue
            kept.write_text(json.dumps(results))
        print(f"{case['name']}: {results[key][0]} faults, {results[key][1]} failures, "
              f"{time.monotonic() - begin:.0f} s", flush=True)
        faults, failures, kills = faults + results[key][0], failures + results[key][1], kills + case["kills"]
        jobs += 1
    (OUT / "figure.txt").write_text(
        f"{faults} faults in {jobs} jobs that write or read files ({kills} of them kill -9 at random times), "
        f"{failures} failures; {plain} cases with real full disks, read-only and unreadable files, links and pipes, "
        f"{plain_failures} failures." + f" Not run in the time: {'; '.join(left)}." * bool(left) + "\n")
    return 1 if failures + plain_failures > 0 or left else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    finally:
        shutil.rmtree(WORK)
