"""mutation.py - mutants of engine/: finding them, building them, and running the tests on them.

mutants.py and tests_can_fail.py use it. A mutant is one change to one place of the code. Its name is made from the
file, the text of its line and the kind, so that it stays when other lines change. The kinds:

arithmetic  + for -, * for /, % for *, << for >>, & for |, and each the other way; so in +=
sign        -x and fabs(x) become x
compare     < becomes <=, > becomes >=, == becomes !=, and each the other way; not where == is the whole condition
logic       && becomes ||, and the other way; !x becomes x
step        ++ becomes --, and the other way
whole       the whole number n, or the character, becomes n + 1
real        the number with a point x becomes 2*x, and 0 becomes 1
named       true becomes false and the other way; NAN and INFINITY become 1
index       x[i] becomes x[0]
condition   that of if or ?: becomes true, then false; that of while and for becomes false
return      of a bool is negated; of a number that is a name or a call gets 1 more
delete      an assignment, a call, a break, a continue is left out
swap        two operands of a call that are names or numbers are exchanged
table       in a row of OP_TABLE: an operator or a number of a derivative, SMOOTH and KINK
"""

import bisect
import collections
import difflib
import fnmatch
import glob
import hashlib
import json
import os
import re
import resource
import subprocess
import sys

TOKEN = re.compile(
    r"""(?P<space>\s+|\\\n)|(?P<comment>/\*.*?\*/|//[^\n]*)|(?P<string>"(?:\\.|[^"\\])*")|(?P<char>'(?:\\.|[^'\\])*')
    |(?P<number>(?:0[xX][0-9a-fA-F]*\.?[0-9a-fA-F]*(?:[pP][+-]?\d+)?|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)[uUlLfF]*)
    |(?P<name>[A-Za-z_]\w*)
    |(?P<operator>\.\.\.|<<=|>>=|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|\#\#|[^\s\w])""",
    re.S | re.X,
)

PAIRS = """+ -  - +  * /  / *  % *  << >>  >> <<  & |  | &  ^ |  += -=  -= +=  *= /=  /= *=  %= *=  |= &=  &= |=  ^= |=
<<= >>=  >>= <<=  < <=  <= <  > >=  >= >  == !=  != ==  && ||  || &&  ++ --  -- ++""".split()
OPERATORS = dict(zip(PAIRS[::2], PAIRS[1::2]))
COMPARES = {"<", "<=", ">", ">=", "==", "!="}
TYPES = set("void char short int long float double signed unsigned bool const static inline struct enum union".split())
NOT_CALLS = set("if while for switch return sizeof do else case goto defined _Alignof _Static_assert".split())
NAMED = {"true": "false", "false": "true", "NAN": "1.0", "INFINITY": "1.0", "SMOOTH": "KINK", "KINK": "SMOOTH"}


class Token:
    def __init__(self, kind, text, at):
        self.kind, self.text, self.at, self.end = kind, text, at, at + len(text)

    def is_type(self):
        """Types of this project are in capitals and small letters, or are C's own."""
        text = self.text
        is_own = text[0].isupper() and not text.isupper() or text == "FILE"
        return self.kind == "name" and (text in TYPES or text.endswith("_t") or is_own)

    def ends_operand(self):
        if self.kind == "operator":
            return self.text in (")", "]")
        return self.text not in ("return", "case", "else")


class Mutant:
    """Replaces text[at:end] of the file by new. region: "body" of a function, "table" of the ops, or another."""

    def __init__(self, path, region, kind, at, end, new, line):
        self.path, self.region, self.kind, self.at, self.end, self.new = path, region, kind, at, end, new
        self.line, self.name = line, None

    def apply(self, text):
        return text[: self.at] + self.new + text[self.end :]

    def difference(self):
        text = read(self.path)
        old, new = text.split("\n"), self.apply(text).split("\n")
        return "\n".join(difflib.unified_diff(old, new, self.path, self.name, lineterm="", n=1))


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


class Finder:
    """Goes through the tokens of a file once and collects its mutants."""

    def __init__(self, path):
        self.path, self.text, self.found = path, read(path), []
        self.is_header = path.endswith(".h")
        self.starts = [0] + [match.end() for match in re.finditer("\n", self.text)]
        directives = [match.span() for match in re.finditer(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", self.text, re.M | re.S)]
        code = self.text
        for start, end in directives:
            code = code[:start] + re.sub(r"[^\n]", " ", code[start:end]) + code[end:]
        self.begin(code, 0, len(code))
        for start, end, region in self.regions():
            self.visit(start, end, region)
        for start, end in directives:
            self.directive(start, end)
        self.name_all()

    def begin(self, text, start, end):
        self.tokens, self.partner, opened = [], {}, []
        for match in TOKEN.finditer(text, start, end):
            if match.lastgroup in ("space", "comment"):
                continue
            i, kind = len(self.tokens), match.lastgroup
            self.tokens.append(Token(kind, match.group(), match.start()))
            if kind == "operator" and match.group() in "([{":
                opened.append(i)
            elif kind == "operator" and match.group() in ")]}" and opened:
                self.partner[i] = opened.pop()
                self.partner[self.partner[i]] = i

    def regions(self):
        """Bodies of functions, and what stands after = or in the enum of a source, outside of them."""
        i = 0
        while i < len(self.tokens):
            text, before = self.tokens[i].text, self.tokens[i - 1].text if i else ""
            end = self.skip_to(i, ";") if text == "=" else self.partner[i] if text == "{" else i
            if text == "{" and before == ")":
                yield i, end, "body"
            elif (text == "=" or text == "{" and before == "enum") and not self.is_header:
                yield i, end, "value"
            i = end + 1

    def directive(self, start, end):
        is_table = self.text.startswith("#define OP_TABLE(X)", start)
        if is_table or not self.is_header and re.match(r"[ \t]*#[ \t]*define\s+\w+", self.text[start:end]):
            self.begin(self.text, start, end)
            self.visit(3, len(self.tokens), "table" if is_table else "macro")

    def visit(self, start, end, region):
        self.region = region
        sizes = self.array_sizes(start, end)
        for i in range(start, end):
            if i not in sizes:
                self.token(i)
            if region == "body":
                self.statement(i, start)

    def add(self, kind, at, end, new):
        kind = "table" if self.region == "table" else kind
        line = bisect.bisect_right(self.starts, at)
        self.found.append(Mutant(self.path, self.region, kind, at, end, new, line))

    def slice(self, first, last):
        return self.text[self.tokens[first].at : self.tokens[last].end]

    def skip_to(self, i, stops):
        """The first of these tokens from i on that is outside of brackets, and ":" of a ?: that began before i."""
        depth = 0
        while self.tokens[i].text not in stops or self.tokens[i].text == ":" and depth:
            depth += (self.tokens[i].text == "?") - (self.tokens[i].text == ":")
            i = self.partner[i] + 1 if self.tokens[i].text in ("(", "[", "{") else i + 1
        return i

    def array_sizes(self, start, end):
        """A longer local array is the same program: constants in `char text[40]`."""
        inside = set()
        for i in range(start + 1, end):
            if self.tokens[i].text != "[" or self.tokens[i - 1].kind != "name":
                continue
            first = i - 1
            while self.tokens[first].text not in (";", "{", "}", "(", "="):
                first -= 1
            declared = first + 1 < i - 1 and self.tokens[first + 1].is_type()
            if declared and self.tokens[first + 2].text not in (".", "->"):
                inside.update(range(i, self.partner[i] + 1))
        return inside

    def is_unused(self, i):
        """The last 0 of a row of OP_TABLE: no second operand, no derivative by it."""
        return self.region == "table" and "".join(token.text for token in self.tokens[i - 1 : i + 2]) == ",0," and (
            self.tokens[i + 2].kind == "string" and self.tokens[i - 2].kind != "string")  # fmt: skip

    def token(self, i):
        token, before = self.tokens[i], self.tokens[i - 1] if i else Token("operator", "(", 0)
        after = self.tokens[i + 1] if i + 1 < len(self.tokens) else Token("operator", ")", 0)
        if token.kind == "number":
            if not self.is_unused(i):
                self.number(token)
        elif token.kind == "char" and self.region == "body":
            self.add("whole", token.at, token.end, "(%s + 1)" % token.text)
        elif token.text == "fabs" and after.text == "(":
            self.add("sign", token.at, token.end, "")
        elif token.kind == "name" and token.text in NAMED:
            self.add("named", token.at, token.end, NAMED[token.text])
        elif token.kind == "operator":
            self.operator(token, before, after)
            if self.region == "body" and token.text == "[" and before.ends_operand():
                self.index(i)
            elif self.region == "body" and token.text == "?":
                self.choice(i)
            elif self.region == "body" and token.text == "(" and before.text in ("if", "while", "for"):
                self.condition(i, before.text)
            elif self.region == "body" and token.text == "(" and before.kind == "name":
                self.call(i, before)

    def number(self, token):
        text = token.text
        is_hex = text[:2].lower() == "0x"
        digits = text.rstrip("uUlL" if is_hex else "uUlLfF")
        if re.fullmatch(r"\d+|0[xX][0-9a-fA-F]+", digits):
            more = str(int(digits, 16 if is_hex else 10) + 1) + text[len(digits) :]
            self.add("whole", token.at, token.end, more)
        else:
            is_zero = (float.fromhex(digits) if is_hex else float(digits)) == 0
            self.add("real", token.at, token.end, "1.0" if is_zero else "(2 * %s)" % text)

    def operator(self, token, before, after):
        text = token.text
        binary = before.ends_operand() and not before.is_type() and after.text not in (")", ",", "*")
        if text == "!" and not binary:
            self.add("logic", token.at, token.end, "")
        elif text == "-" and (not before.ends_operand() or before.text == ")" and self.region == "table"):
            self.add("sign", token.at, token.end, " ")
        elif text in ("++", "--"):
            self.add("step", token.at, token.end, OPERATORS[text])
        elif text in OPERATORS and binary and "string" not in (after.kind, before.kind):
            if self.region == "body" and text in ("==", "!=") and self.is_all_of_condition(token):
                return
            kind = "compare" if text in COMPARES else "logic" if text in ("&&", "||") else "arithmetic"
            self.add(kind, token.at, token.end, OPERATORS[text])

    def is_all_of_condition(self, token):
        """`if (x == y)` becomes true, and false: x != y would be no third."""
        line = self.text[self.text.rfind("\n", 0, token.at) + 1 :].split("\n", 1)[0]
        whole = r"\s*(?:\} else )?(?:if|while) \((?:[^()&|?=!]|\([^()]*\))+[=!]=[^&|?=!]*\)( \{)?$"
        return re.match(whole, line) is not None

    def index(self, i):
        if self.partner[i] > i + 1 and self.slice(i + 1, self.partner[i] - 1) != "0":
            self.add("index", self.tokens[i + 1].at, self.tokens[self.partner[i] - 1].end, "0")

    def choice(self, i):
        """Of a ? b : c, make both b, then both c."""
        colon = self.skip_to(i + 1, (":",))
        end = self.skip_to(colon + 1, (":", ")", "]", "}", ",", ";"))
        for first, last, other in ((colon + 1, end - 1, (i + 1, colon - 1)), (i + 1, colon - 1, (colon + 1, end - 1))):
            lines = "\n" * self.slice(first, last).count("\n")
            new = "(%s)%s" % (self.slice(*other).replace("\n", " "), lines)
            self.add("condition", self.tokens[first].at, self.tokens[last].end, new)

    def call(self, i, before):
        if before.text in NOT_CALLS or before.is_type():
            return
        first, last = i + 1, self.skip_to(i + 1, (",", ")"))
        while self.tokens[last].text == ",":
            end = self.skip_to(last + 1, (",", ")"))
            one, two = self.slice(first, last - 1), self.slice(last + 1, end - 1)
            if one != two and all(re.fullmatch(r"&?[\w.\->\[\]]+", text) for text in (one, two)):
                between = self.text[self.tokens[last - 1].end : self.tokens[last + 1].at]
                self.add("swap", self.tokens[first].at, self.tokens[end - 1].end, two + between + one)
            first, last = last + 1, end

    def condition(self, i, keyword):
        start, end = self.tokens[i].end, self.tokens[self.partner[i]].at
        if keyword == "for":
            semicolon = self.skip_to(i + 1, (";",))
            start, end = self.tokens[semicolon].end, self.tokens[self.skip_to(semicolon + 1, (";",))].at
        inside = self.text[start:end]
        if keyword == "if":
            self.add("condition", start, end, "(%s) || 1" % inside)
        if inside.strip():
            self.add("condition", start, end, "(%s) && 0" % inside)

    def statement(self, i, body):
        token = self.tokens[i]
        if token.kind != "name" and token.text not in ("*", "(", "++", "--") or not self.begins_statement(i):
            return
        end = i
        while self.tokens[end].text not in (";", "{", "}") or self.tokens[end].text == "{" and end > i + 1:
            end = self.partner[end] + 1 if self.tokens[end].text in ("(", "[", "{") else end + 1
        if self.tokens[end].text != ";":
            return
        declares = token.is_type() or token.kind == self.tokens[i + 1].kind == "name"
        if token.text == "return":
            self.returned(i, end, body)
        elif token.text in ("break", "continue") or token.text not in NOT_CALLS and not declares:
            self.add("delete", token.at, self.tokens[end].end, ";" + "\n" * self.slice(i, end).count("\n"))

    def begins_statement(self, i):
        before = self.tokens[i - 1]
        if before.text == ")":
            return self.tokens[self.partner[i - 1] - 1].text in ("if", "while", "for", "switch")
        if before.text == ":":
            return self.tokens[i - 2].text == "default" or self.tokens[i - 3].text in ("case", ";", "{", "}")
        return before.text in (";", "{", "}", "else", "do")

    def returned(self, i, end, body):
        """The type of the function stands before its name, and that before the bracket of its parameters."""
        of = self.tokens[self.partner[body - 1] - 2].text
        if end == i + 1:
            return
        at, stop, value = self.tokens[i + 1].at, self.tokens[end - 1].end, self.slice(i + 1, end - 1)
        if of == "bool" and value not in ("true", "false"):
            self.add("return", at, stop, "!(%s)" % value)
        elif of in ("double", "size_t", "int", "uint64_t") and not re.search(r"[-+*/<>?!]|^[\d.]+$", value):
            self.add("return", at, stop, "1 + (%s)" % value)

    def name_all(self):
        lines, counts = line_names(self.path), collections.Counter()
        self.found.sort(key=lambda mutant: (mutant.at, mutant.end, mutant.kind))
        for mutant in self.found:
            key = "%s/%s" % (lines[mutant.line], mutant.kind)
            counts[key] += 1
            mutant.name = "%s.%d" % (key, counts[key])


def line_names(path):
    """The names of all lines of a file, the first at 1: the file, a digest of the text, a number if it is repeated."""
    seen, result = collections.Counter(), [None]
    for line in read(path).split("\n"):
        text = line.strip()
        name = "%s/%s" % (os.path.basename(path), hashlib.sha1(text.encode()).hexdigest()[:8])
        result.append("%s.%d" % (name, seen[text]) if seen[text] else name)
        seen[text] += 1
    return result


def find_mutants(patterns):
    """In the order of the patterns."""
    sources = sorted(glob.glob("engine/*.c") + glob.glob("engine/*.h"))
    matching = [path for pattern in patterns for path in sources if fnmatch.fnmatch(os.path.basename(path), pattern)]
    return [mutant for path in dict.fromkeys(matching) for mutant in Finder(path).found]


def digest(paths):
    result = hashlib.sha1()
    for path in sorted(paths):
        result.update(path.encode() + b"\0" + read(path).encode())
    return result.hexdigest()[:12]


# ---- building --------------------------------------------------------------------------------------------------------

# These build or script by themselves what they try, and so see nothing of a mutant; or they run whole programs; or
# they test viz/, and the engine is to be tested by its own tests.
SUITES_APART = set(
    "answers bench cheat_sheet compilers draw fuzz gdb lldb labs_drift labs_handout labs_hostile labs_own_op "
    "labs_sources labs_teach labs_wrong lessons moons_program mpi needs prove readme slips "
    "axis dot dot_groups expression player player_misuse plot svg tree".split()
)
MOST_AT_ONCE = 40  # tests: Criterion takes no longer list
TRACE = ["-O0", "-g", "-fsanitize-coverage=trace-pc", "-USTEPGRAD_VECTORS"]  # whose ifuncs run before all else
STRICT = ["-Werror=incompatible-pointer-types", "-Werror=int-conversion"]


def run(command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)


def must(command, **more):
    done = run(command, **more)
    text = done.stdout.decode(errors="replace")
    if done.returncode:
        sys.exit("%s\nmutation.py: %s: status %d" % (text[-3000:], " ".join(command)[:200], done.returncode))
    return text


class Build:
    """The tests, linked with the library as a shared object, and what is needed to make that again with a mutant."""

    def __init__(self, out):
        self.out = os.path.relpath(out)
        self.build = os.path.join(self.out, "build")
        self.runner = os.path.join(self.build, "tests", "run")
        self.compiler = os.environ.get("CC", "gcc")
        os.makedirs(self.build, exist_ok=True)
        # Make runs what it has built.
        must(self.make("-j2", self.runner), env=dict(os.environ, LD_LIBRARY_PATH=os.path.abspath(self.build)))
        self.commands = self.compile_commands()
        self.base = self.base_objects("base")
        self.base_folder = os.path.join(self.out, "base_library")
        os.makedirs(self.base_folder, exist_ok=True)
        self.link(self.base, self.base_folder)

    def make(self, *arguments):
        """The project's own Makefile, with a shared object where it makes an archive."""
        archiver = os.path.join(self.out, "archive.sh")
        with open(archiver, "w") as file:
            file.write('shift; library=$1; shift\nexec %s -shared -Wl,-soname,libstepgrad.so -o "$library" "$@"'
                       " -fopenmp -lm\n" % self.compiler)  # fmt: skip
        return ["make", "--no-print-directory", "BUILD=" + self.build, "CC=" + self.compiler, "AR=sh " + archiver,
                "LIB=%s/libstepgrad.so" % self.build, "CFLAGS=-O1 -fPIC -w", *arguments]  # fmt: skip

    def compile_commands(self):
        """By source, what make would do, without the names of the source and the object."""
        sources = sorted(set(glob.glob("engine/*.c") + glob.glob("viz/*/*.c")) - {"viz/draw/draw.c"})
        lines = must(self.make("-n", "-B", *[os.path.join(self.build, path[:-2] + ".o") for path in sources]))
        commands = {}
        for words in [line.split() for line in lines.split("\n")]:
            if "-c" in words and words[-1] in sources:
                left_out = ("-MMD", "-MP", "-c", "-o", words[words.index("-o") + 1])
                commands[words[-1]] = [word for word in words[:-1] if word not in left_out]
        return commands

    def compile(self, source, text, target, more=(), headers=None):
        """From standard input, so that "graph.h" is looked for in `headers` first."""
        compiler, *flags = self.commands[source]
        first = ["-I" + headers] if headers else []
        command = [compiler, *first, *flags, *STRICT, *more, "-I" + os.path.dirname(source)]
        text = '#line 1 "%s"\n%s' % (source, text)
        return run([*command, "-c", "-x", "c", "-o", target, "-"], input=text.encode()).returncode == 0

    def base_objects(self, name, more=()):
        """The objects of all sources as they are, by source."""
        folder = os.path.join(self.out, name)
        os.makedirs(folder, exist_ok=True)
        wanted = digest([*self.commands, *glob.glob("engine/*.h"), *glob.glob("viz/*/*.h")]) + " " + " ".join(more)
        stamp = os.path.join(folder, "stamp")
        result = {path: os.path.join(folder, path.replace("/", "+")[:-2] + ".o") for path in sorted(self.commands)}
        if not os.path.exists(stamp) or read(stamp) != wanted:
            for path, target in result.items():
                if not self.compile(path, read(path), target, more):
                    sys.exit("mutation.py: %s does not compile" % path)
            with open(stamp, "w") as file:
                file.write(wanted)
        return result

    def link(self, objects, folder):
        """libstepgrad.so of these objects, by source. Renamed, so that another run that is using it goes on."""
        page = os.path.join(self.build, "viz", "player", "player_page.o")
        target = os.path.join(folder, "libstepgrad.so")
        must([self.compiler, "-shared", "-Wl,-soname,libstepgrad.so", "-o", target + ".part", *objects.values(), page,
              "-fopenmp", "-lm"])  # fmt: skip
        os.replace(target + ".part", target)


# ---- which test runs which line --------------------------------------------------------------------------------------


class Coverage:
    """tests: name -> {"lines": [indices of self.lines], "cpu": seconds, "passes": bool, "source": a digest}"""

    def __init__(self, build):
        self.build, self.path = build, os.path.join(build.out, "coverage_of_tests.json")
        self.folder = os.path.join(build.out, "trace")
        os.makedirs(self.folder, exist_ok=True)
        objects = build.base_objects("trace_objects", TRACE)
        tracer = os.path.join(self.folder, "trace_blocks.o")
        must([build.compiler, "-O2", "-fPIC", "-c", "-o", tracer, "tests/prove/trace_blocks.c"])
        build.link(dict(objects, tracer=tracer), self.folder)
        self.engine = {os.path.basename(path): path for path in glob.glob("engine/*.[ch]")}
        self.sources_of = collections.defaultdict(set)  # (file, line): the sources whose objects have code of it
        for source, path in objects.items():
            for name, line, _ in self.lines_of(path):
                self.sources_of[name, line].add(source)
        kept = json.loads(read(self.path)) if os.path.exists(self.path) else {"lines": [], "tests": {}}
        self.lines, self.tests = kept["lines"], kept["tests"]
        self.measure()
        self.by_line = collections.defaultdict(set)
        for name, test in self.tests.items():
            for line in test["lines"] if test["passes"] else []:
                self.by_line[self.lines[line]].add(name)

    def lines_of(self, path):
        """(file, line, address) of each row of the line table."""
        for row in must(["objdump", "--dwarf=decodedline", path]).split("\n"):
            match = re.match(r"(\S+\.[ch])\s+(\d+)\s+(?:0x)?([0-9a-f]+)", row)
            if match and match.group(1) in self.engine:
                yield match.group(1), int(match.group(2)), int(match.group(3), 16)

    def blocks(self):
        """A list of (address that the tracer sees, names of the lines of the block)."""
        library = os.path.join(self.folder, "libstepgrad.so")
        names = {name: line_names(path) for name, path in self.engine.items()}
        places, call = [], None  # where a function, a block or a line begins
        for row in must(["objdump", "-d", "--no-show-raw-insn", library]).split("\n"):
            match = re.match(r"\s*([0-9a-f]+)(?: <|:\s+(.*))", row)
            if not match:
                continue
            at, instruction = int(match.group(1), 16), match.group(2)
            if call is not None:
                places.append((call, 1, at))
            call = at if re.match("call.*__sanitizer_cov_trace_pc", instruction or "") else None
            if instruction is None:
                places.append((at, 0, None))
        places += [(at, 2, names[name][line]) for name, line, at in self.lines_of(library) if line < len(names[name])]
        block, lines = None, collections.defaultdict(set)
        for _, what, value in sorted(places, key=lambda place: place[:2]):
            if what < 2:
                block = value
            elif block is not None:
                lines[block].add(value)
        return list(lines.items())

    def measure(self):
        """Run each test that is new or whose source has changed alone, and see which blocks it runs."""
        sources = {}
        for path in glob.glob("tests/test_*.c"):
            for suite, name in re.findall(r"^Test\((\w+),\s*(\w+)", read(path), re.M):
                sources["%s/%s" % (suite, name)] = digest([path])
        self.tests = {name: test for name, test in self.tests.items() if test["source"] == sources.get(name)}
        new = sorted(name for name in sources if name.split("/")[0] not in SUITES_APART and name not in self.tests)
        blocks = self.blocks() if new else []
        for first in range(0, len(new), MOST_AT_ONCE):
            print("%d tests to go, to see their lines" % (len(new) - first), flush=True)
            part = new[first : first + MOST_AT_ONCE]
            passed = self.trace(part)
            for name in part:  # not for want of optimisation, that is
                passes = name in passed or run_tests(self.build, [name], self.build.base_folder, 600).passed
                self.tests[name] = {"source": sources[name], "passes": passes, **self.traced(name, blocks)}
            with open(self.path + ".part", "w") as file:
                json.dump({"lines": self.lines, "tests": self.tests}, file)
            os.replace(self.path + ".part", self.path)

    def trace(self, names):
        """Runs these tests, which leave their marks; those that pass."""
        for name in names:
            path = os.path.join(self.folder, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as blank:
                blank.truncate(2 * os.path.getsize(os.path.join(self.folder, "libstepgrad.so")))
        report = os.path.join(self.folder, "report.tap")
        os.environ["BLOCKS_FOLDER"] = os.path.abspath(self.folder)
        run_tests(self.build, names, self.folder, 600, options=["--tap=" + report, "--jobs", "2"])
        del os.environ["BLOCKS_FOLDER"]
        return {"/".join(test) for test in re.findall(r"^ok - (\w+)::(\w+)(?!.*# SKIP)", read(report), re.M)}

    def traced(self, name, blocks):
        path = os.path.join(self.folder, name)
        with open(path, "rb") as file:
            marks = file.read()
        os.remove(path)
        lines = set().union(*[lines for at, lines in blocks if marks[at]])
        self.lines += sorted(lines - set(self.lines))
        index = {line: i for i, line in enumerate(self.lines)}
        milliseconds = int(marks[-16:].rstrip(b"\0") or 100)
        return {"cpu": milliseconds / 1000, "lines": sorted(index[line] for line in lines)}

    def code_line(self, mutant):
        """The line that its code counts as: of an expression over several lines, one above."""
        name, line = os.path.basename(mutant.path), mutant.line
        while line > 1 and (name, line) not in self.sources_of:
            line -= 1
        return name, line

    def tests_for(self, mutant):
        """The tests that run its line; those of the whole file for what stands in no function."""
        if mutant.region == "body":
            return self.by_line[line_names(mutant.path)[self.code_line(mutant)[1]]]
        is_row = mutant.region == "table"
        reading = {test for test in self.tests if is_row and test.startswith("ops/")}  # which need no line of ops.c
        return reading.union(*[self.by_line[name] for name in line_names("engine/ops.c" if is_row else mutant.path)])

    def sources_for(self, mutant):
        """What must be compiled again."""
        if mutant.path.endswith(".c"):
            return [mutant.path]
        if mutant.region == "table":
            users = re.compile(r'OP_TABLE\(|"dual\.h"|"replay_ops_parts\.h"')
            return [path for path in self.build.base if users.search(read(path))]
        return sorted(self.sources_of[self.code_line(mutant)])


# ---- running ---------------------------------------------------------------------------------------------------------

Ended = collections.namedtuple("Ended", "passed cpu output how")


def set_limits(cpu):
    """Processor time and not the clock, which a busy machine would make too short."""
    os.setpgid(0, 0)
    resource.setrlimit(resource.RLIMIT_CPU, (int(cpu) + 1, int(cpu) + 3))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 28, 1 << 28))
    resource.setrlimit(resource.RLIMIT_AS, (1 << 33, 1 << 33))


def run_tests(build, names, folder, cpu, runner=None, options=("--fail-fast",)):
    """Run these tests, up to the first that fails. cpu: seconds of processor for each of them."""
    pattern = names[0] if len(names) == 1 else "@(%s)" % "|".join(sorted(names))
    environment = dict(os.environ, BUILD=build.build, LD_LIBRARY_PATH=os.path.abspath(folder))
    environment.update(OMP_WAIT_POLICY="passive", MAKEFLAGS="")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [runner or build.runner, "--filter", pattern, "--jobs", "1", "--ignore-warnings", *options]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               preexec_fn=lambda: set_limits(cpu), env=environment)  # fmt: skip
    try:
        output, how = process.communicate(timeout=600 + 20 * cpu)[0], "test"
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        output, how = process.communicate()[0], "clock"
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    output = re.sub(r"\x1b\[[0-9;]*m", "", output.decode(errors="replace"))
    tested = re.search(r"Synthesis: Tested: .*?(\d+).*?\| Passing: .*?(\d+)", output)
    if tested is None and process.returncode < 0:
        how = "clock"  # the runner itself was stopped: no end of messages
    if tested is None and how != "clock":
        sys.exit("mutation.py: the runner ran no test: %s" % output[-500:])
    passed = process.returncode == 0 and tested is not None and int(tested.group(1)) >= len(names)
    return Ended(passed, spent, output, how)
