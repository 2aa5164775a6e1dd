"""mutation.py - mutants of engine/: finding them, building them, and running the tests on them.

mutants.py and tests_can_fail.py use it. A mutant is one change to one place of the code, of the kinds in KINDS. Its
name is made from the file, the text of its line and the kind, so that it stays when other lines change.
"""

import fnmatch
import glob
import hashlib
import json
import os
import re
import resource
import shutil
import subprocess
import sys

KINDS = """
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

TOKEN = re.compile(
    r"""(?P<space>\s+|\\\n)|(?P<comment>/\*.*?\*/|//[^\n]*)|(?P<string>"(?:\\.|[^"\\])*")|(?P<char>'(?:\\.|[^'\\])*')
    |(?P<number>(?:0[xX][0-9a-fA-F]*\.?[0-9a-fA-F]*(?:[pP][+-]?\d+)?|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)[uUlLfF]*)
    |(?P<name>[A-Za-z_]\w*)
    |(?P<operator>\.\.\.|<<=|>>=|->|\+\+|--|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|\#\#|[^\s\w])""",
    re.S | re.X,
)

OPERATORS = {
    "+": "-", "-": "+", "*": "/", "/": "*", "%": "*", "<<": ">>", ">>": "<<", "&": "|", "|": "&", "^": "|",
    "+=": "-=", "-=": "+=", "*=": "/=", "/=": "*=", "%=": "*=", "|=": "&=", "&=": "|=", "^=": "|=", "<<=": ">>=",
    ">>=": "<<=", "<": "<=", "<=": "<", ">": ">=", ">=": ">", "==": "!=", "!=": "==", "&&": "||", "||": "&&",
    "++": "--", "--": "++",
}  # fmt: skip
COMPARES = {"<", "<=", ">", ">=", "==", "!="}
TYPES = set("void char short int long float double signed unsigned bool const static inline struct enum union".split())
NOT_CALLS = set("if while for switch return sizeof do else case goto defined _Alignof _Static_assert".split())
NAMED = {"true": "false", "false": "true", "NAN": "1.0", "INFINITY": "1.0", "SMOOTH": "KINK", "KINK": "SMOOTH"}


class Token:
    def __init__(self, kind, text, at):
        self.kind, self.text, self.at, self.end = kind, text, at, at + len(text)


class Mutant:
    """Replace text[at:end] of the file by new."""

    def __init__(self, path, kind, at, end, new, line):
        self.path, self.kind, self.at, self.end, self.new, self.line = path, kind, at, end, new, line
        self.name = None

    def apply(self, text):
        return text[: self.at] + self.new + text[self.end :]


def read(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def is_type(token):
    """Types of this project are in capitals and small letters, or are C's own."""
    text = token.text
    if token.kind != "name":
        return False
    return text in TYPES or text.endswith("_t") or (text[0].isupper() and not text.isupper()) or text == "FILE"


def ends_operand(token):
    return token.kind in ("name", "number", "char", "string") and token.text not in ("return", "case", "else") or (
        token.text in (")", "]")
    )


class Finder:
    """Goes through the tokens of a file once and collects its mutants."""

    def __init__(self, path):
        self.path, self.text, self.found = path, read(path), []
        self.is_header = path.endswith(".h")
        self.split_lines()
        code, directives = self.blank_directives()
        tokens = self.tokens(code, 0, len(code))
        self.partner = self.match_brackets(tokens)
        for start, end, kind in self.regions(tokens):
            self.region(tokens, start, end, kind)
        for start, end in directives:
            self.directive(start, end)
        self.name_all()

    def split_lines(self):
        self.starts = [0] + [at + 1 for at, letter in enumerate(self.text) if letter == "\n"]

    def line_of(self, at):
        low, high = 0, len(self.starts)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.starts[middle] <= at else (low, middle)
        return low + 1

    def blank_directives(self):
        """The text with spaces for preprocessor lines, and where these are."""
        places = [match.span() for match in re.finditer(r"^[ \t]*#(?:[^\n\\]|\\.|\\\n)*", self.text, re.M | re.S)]
        comments = [match.span() for match in re.finditer(r"/\*.*?\*/", self.text, re.S)]
        places = [(a, b) for a, b in places if not any(c < a < d for c, d in comments)]
        code = self.text
        for start, end in places:
            code = code[:start] + re.sub(r"[^\n]", " ", code[start:end]) + code[end:]
        return code, places

    @staticmethod
    def tokens(text, start, end):
        result, at = [], start
        while at < end:
            match = TOKEN.match(text, at)
            if match.lastgroup not in ("space", "comment"):
                result.append(Token(match.lastgroup, match.group(), at))
            at = match.end()
        return result

    @staticmethod
    def match_brackets(tokens):
        partner, open_ones = {}, []
        for i, token in enumerate(tokens):
            if token.kind == "operator" and token.text in "([{":
                open_ones.append(i)
            elif token.kind == "operator" and token.text in ")]}" and open_ones:
                partner[i] = open_ones.pop()
                partner[partner[i]] = i
        return partner

    def regions(self, tokens):
        """Bodies of functions, and what stands after = or in the enum of a source, outside of them."""
        result, i = [], 0
        while i < len(tokens):
            text, before = tokens[i].text, tokens[i - 1].text if i else ""
            if text == "{" and before == ")":
                result.append((i, self.partner[i], "body"))
            elif text == "{" and not self.is_header and tokens[max(i - 1, 0)].text == "enum":
                result.append((i, self.partner[i], "enum"))
            elif text == "=":
                end = i
                while tokens[end].text != ";":
                    end = self.partner.get(end, end) if tokens[end].text in ("(", "[", "{") else end
                    end += 1
                if not self.is_header:
                    result.append((i, end, "value"))
                i = end
            i = self.partner[i] if tokens[i].text == "{" else i
            i += 1
        return result

    def add(self, kind, at, end, new):
        self.found.append(Mutant(self.path, kind, at, end, new, self.line_of(at)))

    def directive(self, start, end):
        text = self.text[start:end]
        table = re.match(r"#define OP_TABLE\(X\)", text)
        if not table and (self.is_header or not re.match(r"[ \t]*#[ \t]*define\s+\w+", text)):
            return
        tokens = self.tokens(self.text, start, end)[3:]
        if not tokens:
            return
        self.partner = self.match_brackets(tokens)
        self.region(tokens, 0, len(tokens), "table" if table else "define")

    def region(self, tokens, start, end, kind):
        sizes = self.array_sizes(tokens, start, end)
        for i in range(start, end):
            before = len(self.found)
            if i not in sizes:
                self.token(tokens, i, kind)
            if kind == "body":
                self.statement(tokens, i, start)
            if kind == "table":
                for mutant in self.found[before:]:
                    mutant.kind = "table"

    def array_sizes(self, tokens, start, end):
        """A longer local array is the same program: constants in `char text[40]`."""
        inside = set()
        for i in range(start + 1, end):
            if tokens[i].text != "[" or tokens[i - 1].kind != "name":
                continue
            first = i - 1
            while tokens[first].text not in (";", "{", "}", "(", "="):
                first -= 1
            declared = first + 1 < i - 1 and is_type(tokens[first + 1]) and tokens[first + 2].text not in (".", "->")
            if declared and "=" not in [token.text for token in tokens[first + 1 : i]]:
                inside.update(range(i, self.partner[i] + 1))
        return inside

    def token(self, tokens, i, region):
        token, before = tokens[i], tokens[i - 1] if i else Token("operator", "(", 0)
        after = tokens[i + 1] if i + 1 < len(tokens) else Token("operator", ")", 0)
        if token.kind == "number":
            self.number(token)
        elif token.kind == "char" and region == "body":
            self.add("whole", token.at, token.end, "(%s + 1)" % token.text)
        elif token.text == "fabs" and after.text == "(":
            self.add("sign", token.at, token.end, "")
        elif token.kind == "name" and token.text in NAMED:
            self.add("named", token.at, token.end, NAMED[token.text])
        elif token.kind == "operator":
            self.operator(token, before, after, region)
            if token.text == "[" and ends_operand(before) and region == "body":
                self.index(tokens, i)
            if token.text == "?" and region == "body":
                self.choice(tokens, i)
            if token.text == "(" and region == "body":
                self.call(tokens, i, before)

    def number(self, token):
        text = token.text
        digits = text.rstrip("uUlL") if text[:2] in ("0x", "0X") else text.rstrip("uUlLfF")
        if re.fullmatch(r"\d+|0[xX][0-9a-fA-F]+", digits):
            self.add("whole", token.at, token.end, str(int(digits, 0 if "x" in digits.lower() else 10) + 1)
                     + text[len(digits):])  # fmt: skip
        else:
            value = float.fromhex(digits) if digits.lower().startswith("0x") else float(digits)
            self.add("real", token.at, token.end, "1.0" if value == 0 else "(2 * %s)" % text)

    def operator(self, token, before, after, region):
        text = token.text
        binary = ends_operand(before) and not is_type(before) and after.text not in (")", ",", "*")
        if text == "!" and not binary:
            self.add("logic", token.at, token.end, "")
        elif text == "-" and not ends_operand(before) or text == "-" and before.text == ")" and region == "table":
            self.add("sign", token.at, token.end, " ")
        elif text in ("++", "--"):
            self.add("step", token.at, token.end, OPERATORS[text])
        elif text in OPERATORS and binary and after.kind != "string" and before.kind != "string":
            if region == "body" and text in ("==", "!=") and self.is_all_of_condition(token):
                return
            kind = "compare" if text in COMPARES else "logic" if text in ("&&", "||") else "arithmetic"
            self.add(kind, token.at, token.end, OPERATORS[text])

    def is_all_of_condition(self, token):
        """`if (x == y)` becomes true, and false: x != y would be no third."""
        line = self.text[self.starts[self.line_of(token.at) - 1] :].split("\n", 1)[0]
        whole = r"\s*(?:\} else )?(?:if|while) \((?:[^()&|?=!]|\([^()]*\))+[=!]=[^&|?=!]*\)( \{)?$"
        return re.match(whole, line) is not None

    def slice(self, tokens, first, last):
        return self.text[tokens[first].at : tokens[last].end]

    def index(self, tokens, i):
        inside = self.slice(tokens, i + 1, self.partner[i] - 1)
        if inside not in ("0", "]") and self.partner[i] > i + 1:
            self.add("index", tokens[i + 1].at, tokens[self.partner[i] - 1].end, "0")

    def choice(self, tokens, i):
        """Of a ? b : c, make both b, then both c."""
        colon, depth = i + 1, 0
        while tokens[colon].text != ":" or depth:
            depth += (tokens[colon].text == "?") - (tokens[colon].text == ":")
            colon = self.partner[colon] + 1 if tokens[colon].text in ("(", "[", "{") else colon + 1
        end, depth = colon + 1, 0
        while tokens[end].text not in (")", "]", "}", ",", ";") and (tokens[end].text != ":" or depth):
            depth += (tokens[end].text == "?") - (tokens[end].text == ":")
            end = self.partner[end] + 1 if tokens[end].text in ("(", "[", "{") else end + 1
        first, second = self.slice(tokens, i + 1, colon - 1), self.slice(tokens, colon + 1, end - 1)
        lines = "\n" * second.count("\n")
        self.add("condition", tokens[colon + 1].at, tokens[end - 1].end, "(%s)%s" % (first.replace("\n", " "), lines))
        lines = "\n" * first.count("\n")
        self.add("condition", tokens[i + 1].at, tokens[colon - 1].end, "(%s)%s" % (second.replace("\n", " "), lines))

    def call(self, tokens, i, before):
        if before.text in ("if", "while", "switch", "for"):
            return self.condition(tokens, i, before.text)
        if before.kind != "name" or before.text in NOT_CALLS or is_type(before):
            return None
        operands, first = [], i + 1
        for j in self.at_depth_of(tokens, i):
            if tokens[j].text == "," or j == self.partner[i]:
                operands.append((first, j - 1))
                first = j + 1
        for (a, b), (c, d) in zip(operands, operands[1:]):
            one, two = self.slice(tokens, a, b) if b >= a else "", self.slice(tokens, c, d)
            if one != two and all(re.fullmatch(r"&?[\w.\->\[\]]+", text) for text in (one, two)):
                between = self.text[tokens[b].end : tokens[c].at]
                self.add("swap", tokens[a].at, tokens[d].end, two + between + one)
        return None

    def at_depth_of(self, tokens, i):
        """The tokens between a bracket and its partner, what is in brackets inside apart, and the partner."""
        j = i + 1
        while j < self.partner[i]:
            if tokens[j].text in ("(", "[", "{"):
                j = self.partner[j]
            yield j
            j += 1
        yield self.partner[i]

    def condition(self, tokens, i, keyword):
        start, end = tokens[i].end, tokens[self.partner[i]].at
        if keyword == "switch":
            return
        if keyword == "for":
            ends = [j for j in self.at_depth_of(tokens, i) if tokens[j].text == ";"]
            start, end = tokens[ends[0]].end, tokens[ends[1]].at
            if not self.text[start:end].strip():
                return
        inside = self.text[start:end]
        if keyword == "if":
            self.add("condition", start, end, "(%s) || 1" % inside)
        self.add("condition", start, end, "(%s) && 0" % inside)

    def statement(self, tokens, i, start):
        token, before = tokens[i], tokens[i - 1]
        if token.kind != "name" and token.text not in ("*", "(", "++", "--"):
            return
        starts = before.text in (";", "{", "}", "else", "do")
        starts = starts or (before.text == ")" and self.closes_head(tokens, i - 1))
        if before.text == ":" and tokens[i - 2].kind in ("name", "number", "char"):
            starts = starts or self.is_label(tokens, i - 2)
        if not starts:
            return
        end = i
        while tokens[end].text not in (";", "{", "}") or tokens[end].text == "{" and end > i + 1:
            end = self.partner[end] + 1 if tokens[end].text in ("(", "[", "{") else end + 1
        if tokens[end].text != ";":
            return
        if token.text == "return":
            self.returned(tokens, i, end, start)
        elif token.text in ("break", "continue") or token.text not in NOT_CALLS and not self.declares(tokens, i):
            text = self.slice(tokens, i, end)
            self.add("delete", token.at, tokens[end].end, ";" + "\n" * text.count("\n"))

    def closes_head(self, tokens, i):
        return tokens[self.partner[i] - 1].text in ("if", "while", "for", "switch")

    @staticmethod
    def is_label(tokens, i):
        return tokens[i - 1].text in ("case", ";", "{", "}") or tokens[i].text == "default"

    @staticmethod
    def declares(tokens, i):
        return is_type(tokens[i]) or tokens[i].kind == "name" and tokens[i + 1].kind == "name"

    def returned(self, tokens, i, end, start):
        """The type of the function stands before its name, and that before the bracket of its parameters."""
        if end == i + 1:
            return
        name = self.partner[start - 1] - 1
        kinds = {tokens[name - 1].text}
        at, stop, value = tokens[i + 1].at, tokens[end - 1].end, self.slice(tokens, i + 1, end - 1)
        if kinds == {"bool"} and value not in ("true", "false"):
            self.add("return", at, stop, "!(%s)" % value)
        elif kinds & {"double", "size_t", "int", "uint64_t"} and not re.search(r"[-+*/<>?!]|^[\d.]+$", value):
            self.add("return", at, stop, "1 + (%s)" % value)

    def name_all(self):
        seen_lines, names, lines = {}, {}, self.text.split("\n")
        occurrence = []
        for line in lines:
            key = line.strip()
            seen_lines[key] = seen_lines.get(key, -1) + 1
            occurrence.append(seen_lines[key])
        self.found.sort(key=lambda mutant: (mutant.at, mutant.end, mutant.kind))
        for mutant in self.found:
            line = line_name(self.path, lines[mutant.line - 1], occurrence[mutant.line - 1])
            key = "%s/%s" % (line, mutant.kind)
            names[key] = names.get(key, 0) + 1
            mutant.name = "%s.%d" % (key, names[key])


def line_name(path, text, occurrence):
    digest = hashlib.sha1(text.strip().encode()).hexdigest()[:8]
    return "%s/%s%s" % (os.path.basename(path), digest, ".%d" % occurrence if occurrence else "")


def line_names(path):
    """The names of all lines of a file, the first at 1."""
    seen, result = {}, [None]
    for line in read(path).split("\n"):
        key = line.strip()
        seen[key] = seen.get(key, -1) + 1
        result.append(line_name(path, line, seen[key]))
    return result


def find_mutants(patterns):
    """In the order of the patterns."""
    paths, sources = [], sorted(glob.glob("engine/*.c") + glob.glob("engine/*.h"))
    for pattern in patterns:
        for path in sources:
            if fnmatch.fnmatch(os.path.basename(path), pattern) and path not in paths:
                paths.append(path)
    return [mutant for path in paths for mutant in Finder(path).found]


def difference(mutant):
    import difflib

    text = read(mutant.path)
    lines = difflib.unified_diff(
        text.split("\n"), mutant.apply(text).split("\n"), mutant.path, mutant.name, lineterm="", n=1
    )
    return "\n".join(lines)


def digest(paths):
    result = hashlib.sha1()
    for path in sorted(paths):
        result.update(path.encode() + b"\0" + read(path).encode())
    return result.hexdigest()[:12]


# ---- building --------------------------------------------------------------------------------------------------------

# These build or script by themselves what they try, and so see nothing of a mutant; or they run whole programs; or they
# test viz/, and the engine is to be tested by its own tests.
SUITES_APART = set(
    "answers bench cheat_sheet compilers draw fuzz gdb lldb labs_drift labs_handout labs_hostile labs_own_op labs_sources "
    "labs_teach labs_wrong lessons moons_program mpi needs prove readme slips "
    "axis dot dot_groups expression player player_misuse plot svg tree".split()
)
MOST_AT_ONCE = 40  # tests: Criterion takes no longer list
TRACE = ["-O0", "-g", "-fsanitize-coverage=trace-pc", "-USTEPGRAD_VECTORS"]  # whose ifuncs run before all else


def run(command, **more):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)


def must(command, **more):
    done = run(command, **more)
    if done.returncode:
        sys.stdout.write(done.stdout.decode(errors="replace")[-3000:])
        sys.exit("mutation.py: %s: status %d" % (" ".join(command)[:200], done.returncode))
    return done.stdout.decode(errors="replace")


class Build:
    """The tests, linked with the library as a shared object, and what is needed to make that again with a mutant."""

    def __init__(self, out):
        self.out = os.path.relpath(out)
        self.build = os.path.join(self.out, "build")
        os.makedirs(self.build, exist_ok=True)
        self.compiler = os.environ.get("CC", "gcc")
        self.make_all()
        self.commands = self.compile_commands()
        self.objects = sorted(self.commands)
        self.base = self.base_objects("base", [])
        self.base_folder = os.path.join(self.out, "base_library")
        os.makedirs(self.base_folder, exist_ok=True)
        self.link(self.base, os.path.join(self.base_folder, "libstepgrad.so"))

    def make(self, *targets):
        """The project's own Makefile, with a shared object where it makes an archive."""
        archiver = os.path.join(self.out, "archive.sh")
        with open(archiver, "w") as file:
            file.write('shift; library=$1; shift\nexec %s -shared -Wl,-soname,libstepgrad.so -o "$library" "$@"'
                       " -fopenmp -lm\n" % self.compiler)  # fmt: skip
        library = os.path.join(self.build, "libstepgrad.so")
        return ["make", "--no-print-directory", "BUILD=" + self.build, "CC=" + self.compiler, "LIB=" + library,
                "CFLAGS=-O1 -fPIC -w", "AR=sh " + archiver, *targets]  # fmt: skip

    def make_all(self):
        chapters = glob.glob("lessons/[0-9][0-9]_*.c")
        programs = ["tests/run", "moons", "draw"] + [path[:-2] for path in chapters]
        libraries = dict(os.environ, LD_LIBRARY_PATH=os.path.abspath(self.build))  # make runs what it has built
        must(self.make("-j2", *[os.path.join(self.build, name) for name in programs]), env=libraries)
        self.runner = os.path.join(self.build, "tests", "run")

    def compile_commands(self):
        sources = sorted(set(glob.glob("engine/*.c") + glob.glob("viz/*/*.c")) - {"viz/draw/draw.c"})
        objects = [os.path.join(self.build, path[:-2] + ".o") for path in sources]
        lines = must(self.make("-n", "-B", *objects)).split("\n")
        commands = {}
        for line in lines:
            words = line.split()
            if "-c" in words and "-o" in words and words[-1] in sources:
                at = words.index("-o")
                kept = [word for word in words[:at] + words[at + 2 : -1] if word not in ("-MMD", "-MP", "-c")]
                commands[words[-1]] = kept
        return commands

    def compile(self, source, text, target, headers=None, more=()):
        """From standard input, so that "graph.h" is looked for in `headers` first."""
        command = list(self.commands[source])
        command += ["-Werror=incompatible-pointer-types", "-Werror=int-conversion", *more]
        if headers:
            command[1:1] = ["-I" + headers]
        command += ["-I" + os.path.dirname(source), "-c", "-x", "c", "-o", target, "-"]
        text = '#line 1 "%s"\n%s' % (source, text)
        return run(command, input=text.encode()).returncode == 0

    def base_objects(self, name, more):
        folder = os.path.join(self.out, name)
        os.makedirs(folder, exist_ok=True)
        wanted = digest(self.objects + glob.glob("engine/*.h") + glob.glob("viz/*/*.h")) + " " + " ".join(more)
        stamp = os.path.join(folder, "stamp")
        result = {path: os.path.join(folder, path.replace("/", "+")[:-2] + ".o") for path in self.objects}
        if not os.path.exists(stamp) or read(stamp) != wanted:
            for path, target in result.items():
                if not self.compile(path, read(path), target, more=more):
                    sys.exit("mutation.py: %s does not compile" % path)
            with open(stamp, "w") as file:
                file.write(wanted)
        return result

    def link(self, objects, target):
        """objects: a dictionary by source."""
        page = os.path.join(self.build, "viz", "player", "player_page.o")
        must([self.compiler, "-shared", "-Wl,-soname,libstepgrad.so", "-o", target + ".part", *objects.values(), page,
              "-fopenmp", "-lm"])  # fmt: skip
        os.replace(target + ".part", target)  # so that another run that is using it goes on


# ---- which test runs which line --------------------------------------------------------------------------------------


class Coverage:
    """tests: name -> {"lines": [indices of self.lines], "cpu": seconds, "source": digest of its file}"""

    def __init__(self, build, measure=True):
        self.build = build
        self.path = os.path.join(build.out, "coverage_of_tests.json")
        self.folder = os.path.join(build.out, "trace")
        os.makedirs(self.folder, exist_ok=True)
        self.library = os.path.join(self.folder, "libstepgrad.so")
        self.objects = build.base_objects("trace_objects", TRACE)
        tracer = os.path.join(self.folder, "trace_blocks.o")
        must([build.compiler, "-O2", "-fPIC", "-c", "-o", tracer, "tests/prove/trace_blocks.c"])
        build.link(dict(self.objects, tracer=tracer), self.library)
        self.lines_of_objects()
        self.load()
        if measure:
            self.measure()
        self.by_line = {}
        for name, test in self.tests.items():
            for line in test["lines"]:
                self.by_line.setdefault(self.lines[line], set()).add(name)

    def load(self):
        self.lines, self.tests = [], {}
        if os.path.exists(self.path):
            kept = json.loads(read(self.path))
            self.lines, self.tests = kept["lines"], kept["tests"]
        self.index = {name: i for i, name in enumerate(self.lines)}

    def save(self):
        with open(self.path + ".part", "w") as file:
            json.dump({"lines": self.lines, "tests": self.tests}, file)
        os.replace(self.path + ".part", self.path)

    def decoded(self, path):
        """(base name, line, address) of each row of the line table."""
        for row in must(["objdump", "--dwarf=decodedline", path]).split("\n"):
            match = re.match(r"(\S+\.[ch])\s+(\d+)\s+(?:0x)?([0-9a-f]+)", row)
            if match and match.group(1) in self.engine:
                yield match.group(1), int(match.group(2)), int(match.group(3), 16)

    def lines_of_objects(self):
        """For each line of a header, the sources whose objects have code of it."""
        self.engine = {os.path.basename(path): path for path in glob.glob("engine/*.[ch]")}
        kept = os.path.join(self.folder, "lines.json")
        stamp = read(os.path.join(self.build.out, "trace_objects", "stamp"))
        if not os.path.exists(kept) or json.loads(read(kept))[0] != stamp:
            rows = {source: sorted({row[:2] for row in self.decoded(path)}) for source, path in self.objects.items()}
            with open(kept, "w") as file:
                json.dump([stamp, rows], file)
        self.has_code, self.sources_of = {}, {}
        for source, rows in json.loads(read(kept))[1].items():
            for name, line in rows:
                self.has_code.setdefault(name, set()).add(line)
                self.sources_of.setdefault((name, line), set()).add(source)

    def blocks(self):
        """A list of (address that the tracer sees, names of the lines of the block), by address."""
        names = {name: line_names(path) for name, path in self.engine.items()}
        starts, edges, call = [], set(), None
        for row in must(["objdump", "-d", "--no-show-raw-insn", self.library]).split("\n"):
            function = re.match(r"([0-9a-f]+) <", row)
            match = re.match(r"\s*([0-9a-f]+):\s+(.*)", row)
            if function:
                edges.add(int(function.group(1), 16))
            elif match:
                if call is not None:
                    starts.append((call, int(match.group(1), 16)))
                traced = "__sanitizer_cov_trace_pc" in match.group(2) and "call" in match.group(2)
                call = int(match.group(1), 16) if traced else None
        lines = {start: set() for _, start in starts}
        places = sorted([(at, 0, None) for at in edges] + [(at, 1, start) for at, start in starts]
                        + [(at, 2, names[name][line]) for name, line, at in self.decoded(self.library)
                           if line < len(names[name])], key=lambda place: place[:2])  # fmt: skip
        block = None
        for _, what, value in places:
            if what < 2:
                block = value
            elif block is not None:
                lines[block].add(value)
        return [(at, found) for at, found in lines.items() if found]

    def measure(self):
        """Run each test that is new or whose source has changed alone, and see which blocks it runs."""
        sources = {}
        for path in glob.glob("tests/test_*.c"):
            for suite, name in re.findall(r"^Test\((\w+),\s*(\w+)", read(path), re.M):
                sources["%s/%s" % (suite, name)] = digest([path])
        wanted = [name for name in list_tests(self.build) if name.split("/")[0] not in SUITES_APART]
        self.tests = {name: test for name, test in self.tests.items() if name in wanted}
        new = [name for name in wanted
               if name not in self.tests or self.tests[name]["source"] != sources.get(name)]  # fmt: skip
        if not new:
            return
        blocks, size = self.blocks(), os.path.getsize(self.library) * 2
        while new:
            part, new = new[:MOST_AT_ONCE], new[MOST_AT_ONCE:]
            for name in part:
                path = os.path.join(self.folder, name)
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "wb") as blank:
                    blank.truncate(size)
            report = os.path.join(self.folder, "report.tap")
            print("%d tests to go, to see their lines" % (len(new) + len(part)), flush=True)
            run_tests(self.build, part, self.folder, 600, {"BLOCKS_FOLDER": os.path.abspath(self.folder)},
                      more_arguments=["--tap=" + report, "--jobs", "2"])  # fmt: skip
            passed = set(re.findall(r"^ok - (\w+::\w+)(?!.*# SKIP)", read(report), re.M))
            lost = [name for name in part if name.replace("/", "::") not in passed]  # not for want of optimisation?
            passed |= {name.replace("/", "::") for name in lost
                       if run_tests(self.build, [name], self.build.base_folder, 600).passed}  # fmt: skip
            for name in part:
                self.tests[name] = self.known(name, blocks, sources.get(name), name.replace("/", "::") in passed)
            self.save()

    def known(self, name, blocks, source, passes):
        path = os.path.join(self.folder, name)
        with open(path, "rb") as marks:
            marked = marks.read()
        os.remove(path)
        found = set()
        for at, lines in blocks:
            if marked[at]:
                found |= lines
        for line in found - set(self.index):
            self.index[line] = len(self.lines)
            self.lines.append(line)
        seconds = int(marked[-16:].rstrip(b"\0") or 100) / 1000
        return {"source": source, "cpu": seconds, "passes": passes, "lines": sorted(self.index[line] for line in found)}

    def tests_for(self, mutant):
        """The tests that run its line; those of the whole file for a line that has no code of its own."""
        name = os.path.basename(mutant.path)
        code = self.has_code.get(name, set())
        names = line_names(mutant.path)
        line = mutant.line
        while line > 0 and line not in code and mutant.line - line < 6:
            line -= 1
        if line in code and self.in_function(mutant):
            found = self.by_line.get(names[line], set())
        else:
            found = set()
            for other in names[1:] if mutant.kind != "table" else line_names("engine/ops.c")[1:]:
                found |= self.by_line.get(other, set())
        return [test for test in found if self.tests[test]["passes"]]

    @staticmethod
    def in_function(mutant):
        """Not in a table or a macro, which belong to the whole file."""
        text = read(mutant.path)
        start = text.rfind("\n", 0, mutant.at) + 1
        while start > 1 and text[start - 2] == "\\":
            start = text.rfind("\n", 0, start - 1) + 1
        if text[start:].lstrip().startswith("#"):
            return False
        opened = text.rfind("\n{", 0, mutant.at)
        closed = text.rfind("\n}", 0, mutant.at)
        return opened > closed or ") {" in text[start : mutant.at]

    def sources_for(self, mutant):
        """What must be compiled again."""
        if mutant.path.endswith(".c"):
            return [mutant.path]
        if mutant.kind == "table":
            return [path for path in self.build.objects if uses_table(path)]
        name, line = os.path.basename(mutant.path), mutant.line
        while line > 0 and (name, line) not in self.sources_of:
            line -= 1
        return sorted(self.sources_of.get((name, line), []))


def uses_table(path):
    text = read(path)
    return "OP_TABLE(" in text or '"dual.h"' in text or '"replay_ops_parts.h"' in text


# ---- running ---------------------------------------------------------------------------------------------------------


class Ended:
    def __init__(self, passed, cpu, output, how):
        self.passed, self.cpu, self.output, self.how = passed, cpu, output, how


def list_tests(build):
    suite, result = None, []
    for line in must([build.runner, "--list"], env=environment(build, build.base_folder)).split("\n"):
        match = re.match(r"^(\S+): \d+ tests?$", line)
        if match:
            suite = match.group(1)
        match = re.match(r"^[^\w]+(\w+)$", line)
        if match and suite:
            result.append("%s/%s" % (suite, match.group(1)))
    return result


def environment(build, folder, more=None):
    result = dict(os.environ, BUILD=build.build, LD_LIBRARY_PATH=os.path.abspath(folder), OMP_WAIT_POLICY="passive",
                  MAKEFLAGS="")  # fmt: skip
    result.update(more or {})
    return result


def limits(cpu):
    """Processor time and not the clock, which a busy machine would make too short."""

    def set_them():
        os.setpgid(0, 0)
        resource.setrlimit(resource.RLIMIT_CPU, (int(cpu) + 1, int(cpu) + 3))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 28, 1 << 28))
        resource.setrlimit(resource.RLIMIT_AS, (1 << 33, 1 << 33))

    return set_them


def run_tests(build, names, folder, cpu, more=None, runner=None, more_arguments=("--fail-fast",)):
    """Run these tests, up to the first that fails. cpu: seconds of processor for each of them."""
    names = sorted(names)
    pattern = names[0] if len(names) == 1 else "@(%s)" % "|".join(names)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [runner or build.runner, "--filter", pattern, "--jobs", "1", "--ignore-warnings"]
    process = subprocess.Popen(command + list(more_arguments), stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, preexec_fn=limits(cpu),
                               env=environment(build, folder, more))  # fmt: skip
    how = "test"
    try:
        output = process.communicate(timeout=600 + 20 * cpu)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, 9)
        output, how = process.communicate()[0], "clock"
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    output = output.decode(errors="replace")
    tested = re.search(r"Synthesis: Tested: .*?(\d+).*?\| Passing: .*?(\d+)", re.sub(r"\x1b\[[0-9;]*m", "", output))
    if tested is None and process.returncode < 0:
        how = "clock"  # the runner itself was stopped: no end of messages
    if tested is None and how != "clock":
        sys.exit("mutation.py: the runner ran no test: %s" % output[-500:])
    passed = process.returncode == 0 and tested is not None and int(tested.group(1)) >= len(names)
    return Ended(passed, spent, output, how)
