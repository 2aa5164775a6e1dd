# stepgrad_nodes.py - nodes of stepgrad as a debugger sees them, and what there is to say about them, as text.
#
# It knows no debugger. stepgrad-gdb.py and stepgrad_lldb.py each give it a Memory: how to read bytes, where the fields
# of a Value lie (from the debug information, so nothing is assumed here), and the op table. All else is done here:
# so both debuggers say the same, and a core file, where no function can be called, is as good as a live program.
#
#     reader = Reader(memory)                  one per command: it keeps what it has read
#     node = reader.node(address)              Fault with a sentence when there is no node
#     print("\n".join(tree(node)))
#
# Formulas of local derivatives come from the engine's op table as text ("1 - y * y"): they are parsed once, printed
# with the real names ((1 − o²)), and computed where the engine cannot be called. No derivative is written here again.
import ast
import contextlib
import functools
import heapq
import itertools
import math
import re
import struct
import unicodedata

PAGE = 4096
NAME_LONG, NAME_SHORT = 40, 24  # characters of a label alone, and in an expression: graph/text.h
LABEL_BYTES = 1024  # of a label that are read
ANY_NUMBER = 2**31 - 1  # above those of all nodes of any graph that fits into memory
STEP_LINES = 20  # of a push: a sum over a batch has hundreds of parents
OPERANDS_SHOWN = 8  # of a long list, as value_print does


class Fault(Exception):
    """What is wrong and what to do, as a sentence for the user."""


class Released(Fault):
    """The node there has been released."""


# The engine's structs, each with the fields that are read here. Another library's Value lacks some of them.
STRUCTS = {
    "Value": "data grad label a b list block n op needs_grad has_bias".split(),
    "Block": "graph older first_number node_count released has_gradients nodes".split(),
    "Graph": "newest stop_number".split(),
}
NOT_LINKED = ("there are no nodes of stepgrad in this program. Load one that uses the engine and was compiled with -g. "
              "(Chapters 1 to 7 build nodes of their own.)")
OP_FIELDS = "name text da_text db_text".split()
NO_OP_TABLE = "the engine's op_table is not in the debug information: compile the engine with -g."

# Functions of the engine that have the node at work, how the parameter is called, and whether it has pushed.
AT_WORK = {
    "backward_hook": ("node", "after"),
    "backward_after": ("node", "after"),
    "backward_before": ("node", "before"),
    "push_gradient": ("v", "before"),
}


class Memory:
    """The program's memory. A debugger adds struct(name, fields), which gives the bytes of a struct and, by field, bit
    offset and bits, or raises Fault; read(address, size); write(address, data); ops(), the op table as a list of Op;
    and local_derivative(node, i), the engine's answer, or None where nothing can be called."""

    def __init__(self, pointer_size, is_big_endian):
        self.pointer_size, self.byte_order = pointer_size, "big" if is_big_endian else "little"
        self.mark = "><"[not is_big_endian]  # as the module struct writes it
        self.records = {name: Record(self.mark, *self.struct(name, wanted), wanted) for name, wanted in STRUCTS.items()}

    def set_stop_number(self, graph, number):
        """Have the walk of this graph report no node before the one of that number: backward_before in backward.h."""
        self.write(graph + self.records["Graph"].offset["stop_number"],
                   number.to_bytes(self.pointer_size, self.byte_order))


class Record:
    """How a struct lies in memory: which of its bytes are which field."""

    def __init__(self, mark, size, places, wanted):
        self.size, self.offset = size, {field: places[field][0] // 8 for field in wanted}
        self.fields = sorted(set(wanted) - {"nodes"}, key=self.offset.get)  # nodes is the array after a Block
        form, end = mark, 0
        for field in self.fields:
            length = (places[field][1] + 7) // 8
            form += "%dx%s" % (self.offset[field] - end, "d" if field in ("data", "grad") else " BH I   Q"[length])
            end = self.offset[field] + length
        self.form = struct.Struct(form)


class Op:
    def __init__(self, shape, name, text, da_text, db_text):
        self.name, self.shape, self.text, self.da_text, self.db_text = name, shape, text, da_text, db_text
        infix = re.match(r"^a (\S+) b$", text)
        self.infix = infix.group(1) if infix else None
        self.has_b = shape.endswith(("BINARY", "PAIRS"))


# ---- numbers and words -----------------------------------------------------------------------------------------------


def number(x):
    return "%g" % x


def same(x, y):
    return x == y or (math.isnan(x) and math.isnan(y))


def quantity(n, noun):
    return "%d %s%s" % (n, noun, "" if n == 1 else "s")


ASCII = [("∂", "d"), ("·", "*"), ("−", "-"), ("²", "^2"), ("→", "->"), ("├─ ", "|- "), ("└─ ", "`- "), ("│  ", "|  "),
         ("◀", "<-"), ("✓", "+"), ("…", "..."), ("⋯", "~"), ("∅", "0"),
         ("\u2068", ""), ("\u2069", "")]


def plain(line):
    """The line for a terminal that has only ASCII."""
    for mark, instead in ASCII:
        line = line.replace(mark, instead)
    return line.encode("ascii", "backslashreplace").decode("ascii")


# ---- names -----------------------------------------------------------------------------------------------------------

ESCAPE = r"\\(?:[nrt]|x..|u....|U.{8})"


def harmless(text):
    """With what would steer a terminal, or turn the line around, written as C does: \\n, \\x1b."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def cut_name(name, most):
    """At most so many characters of a harmless name, kept together where it is written from right to left."""
    pieces = re.findall(ESCAPE + "|.", name)
    name = name if len(pieces) <= most else "".join(pieces[:most]) + "…"
    return "\u2068%s\u2069" % name if any(unicodedata.bidirectional(c) in ("R", "AL") for c in name) else name


def is_word(name):
    """Whether a name reads as one thing inside a formula, a word or a number without a sign, as in graph/text.c."""
    bracket = False
    for c in name:
        bracket |= c == "["
        is_letter = c.isalnum() or c in "_.[]'" or (c == "," and bracket)  # as in w[2,0]
        if not is_letter and (c < "\x80" or c == "·" or unicodedata.category(c) in ("Sm", "Zs")):
            return False
    return True


def factor(name):
    """A name that has an operator beside it: in parentheses if it holds one of its own, `(a+b).grad`."""
    return name if is_word(name) else "(%s)" % name


def item(name):
    """A name alone or in a list: in parentheses only if it would read as none, as two, or as an equation."""
    return "(%s)" % name if name.isspace() or (re.search("[,;=]", name) and not is_word(name)) else name


# ---- formulas of the op table ----------------------------------------------------------------------------------------

FUNCTIONS = {name: f for name, f in vars(math).items() if callable(f) and name[0] != "_"}  # the names are C's
FUNCTIONS["sigmoid"] = lambda a: math.exp(a) / (1 + math.exp(a)) if a < 0 else 1 / (1 + math.exp(-a))  # or an op's
COMPUTED = (ast.Expression, ast.Constant, ast.Name, ast.Load, ast.UnaryOp, ast.USub, ast.BinOp, ast.Add, ast.Sub,
            ast.Mult, ast.Div, ast.Compare, ast.Gt, ast.Lt, ast.Call, ast.IfExp)  # and nothing else is evaluated


@functools.lru_cache(maxsize=None)
class Formula:
    """A C expression in a, b and y."""

    def __init__(self, text):
        self.text = text
        try:
            self.tree = ast.parse(re.sub(r"^(.+?) \? (.+?) : (.+)$", r"(\2) if (\1) else (\3)", text), mode="eval")
            self.root = self.tree.body
        except SyntaxError:  # C that is not Python too: shown as it is, and not computed
            self.tree = self.root = None

    def value(self, a, b, y):
        """The number; None where Python cannot compute this expression, or raises an error where C has inf or NaN."""
        if self.tree is None or not all(isinstance(node, COMPUTED) for node in ast.walk(self.tree)):
            return None
        try:
            names = dict(FUNCTIONS, a=a, b=b, y=y, __builtins__={})
            return float(eval(compile(self.tree, self.text, "eval"), names))
        except (ArithmeticError, ValueError, NameError, TypeError):
            return None

    def named(self, names):
        """The formula with real names, in brackets if it must hold together as a factor."""

        def name(match):
            before, after = text[:match.start()].rstrip()[-1:], text[match.end():].lstrip()[:1]
            alone = before in ("(", ",", "|") and after in (")", ",", "|")
            shown = names.get(match.group(), match.group())
            return item(shown) if alone else factor(shown)

        text = re.sub(r"\b([aby]) \* \1\b", r"\1²", self.text).replace(" * ", "·").replace(" / ", "/")
        text = re.sub(r"-(?!\d)", "−", text)
        named = re.sub(r"\b[aby](?![a-zA-Z0-9_])", name, text)
        is_factor = re.match(r"-?[\d.]+$", text) or isinstance(self.root, (ast.Name, ast.Call)) or \
            isinstance(getattr(self.root, "op", None), (ast.Mult, ast.Div))
        return named if is_factor else "(%s)" % named


# ---- reading ---------------------------------------------------------------------------------------------------------


class Reader:
    """Reads nodes, a page of memory at a time; keeps what it read, so it is for one command only."""

    def __init__(self, memory):
        self.memory = memory
        self.pages = {}
        self.nodes, self.blocks, self.graphs = {}, {}, {}
        self.ops = memory.ops()
        self.size = memory.records["Value"].size

    def read(self, address, size):
        first, last = address // PAGE, (address + size - 1) // PAGE
        if last - first > 1:
            return self.memory.read(address, size)
        data = b""
        for page in range(first, last + 1):
            if page not in self.pages:
                try:
                    self.pages[page] = self.memory.read(page * PAGE, PAGE)
                except Fault:  # the edge of a core file's piece
                    return self.memory.read(address, size)
            data += self.pages[page]
        return data[address - first * PAGE:][:size]

    def record(self, address, name):
        """The fields of the struct of that name there."""
        record = self.memory.records[name]
        return dict(zip(record.fields, record.form.unpack(self.read(address, record.form.size))))

    def pointers(self, address, count):
        width = self.memory.pointer_size
        return struct.unpack("%s%d%s" % (self.memory.mark, count, "Q" if width == 8 else "I"),
                             self.read(address, count * width))

    def text(self, address, most=LABEL_BYTES):
        """A C string, cut at `most` bytes, made harmless; bytes that are not UTF-8 are written as C does too."""
        data = b""
        while len(data) < most and b"\0" not in data:
            rest = PAGE - (address + len(data)) % PAGE
            data += self.read(address + len(data), min(rest, most - len(data)))
        return harmless(data.split(b"\0")[0].decode("utf-8", "backslashreplace"))

    def block(self, address):
        if address not in self.blocks:
            self.blocks[address] = Block(self, address)
        return self.blocks[address]

    def node(self, address):
        if address not in self.nodes:
            self.nodes[address] = Node(self, address)
        return self.nodes[address]

    def is_node(self, address):
        try:
            self.node(address)
            return True
        except Fault:
            return False

    def blocks_of(self, graph):
        """The blocks of a graph, newest first."""
        address = self.record(graph, "Graph")["newest"]
        seen = set()
        while address != 0 and address not in seen:
            seen.add(address)
            yield self.block(address)
            address = self.block(address).older

    def nodes_of(self, graph, below=None, above=-1):
        """The nodes of a graph in the order of the reverse walk: those with numbers between, where that is given."""
        for block in self.blocks_of(graph):
            for i in range(block.node_count - 1, max(above - block.first_number, -1), -1):
                if below is None or block.first_number + i < below:
                    yield self.node(block.nodes + i * self.size)
            if block.first_number <= above:
                return

    def is_graph(self, address):
        """Whether a live graph is there: its newest block must name it as its graph."""
        if address not in self.graphs:
            try:
                newest = self.record(address, "Graph")["newest"]
                self.graphs[address] = newest != 0 and self.block(newest).graph == address and \
                    not self.block(newest).released
            except Fault:
                self.graphs[address] = False
        return self.graphs[address]


class Block:
    def __init__(self, reader, address):
        self.address = address
        self.nodes = address + reader.memory.records["Block"].offset["nodes"]
        vars(self).update(reader.record(address, "Block"))


RELEASED = ("the node at 0x%x was released: graph_release ended its life together with all nodes made since the mark. "
            "Look at it before the release.")
FREED = "the node at 0x%x is gone: graph_free has freed its graph. Look at it before that."
STALE = ("%s has an operand that was released before: `grad tree` shows which. Build that operand again in this step, "
         "or keep its number and not the node.")
NO_NODE = ("there is no node at 0x%x: the pointer was never set, or its node is gone. Give a Value * that a builder "
           "has returned.")


class Node:
    """A Value, as it is now."""

    def __init__(self, reader, address):
        self.reader, self.address, self.known_parents = reader, address, None
        if address == 0:
            raise Fault("it is NULL: no node has been built there yet.")
        try:
            fields = reader.record(address, "Value")
            self.block = reader.block(fields["block"])
        except Fault:
            raise Fault(NO_NODE % address)
        place = address - self.block.nodes
        if place < 0 or place % reader.size != 0 or fields["op"] >= len(reader.ops):
            raise Fault(NO_NODE % address)
        self.op = reader.ops[fields["op"]]
        if self.block.released or place // reader.size >= self.block.node_count:
            raise Released(RELEASED % address)
        if self.op.name != "failed" and not reader.is_graph(self.block.graph):
            raise Released(FREED % address)
        self.number = self.block.first_number + place // reader.size
        self.graph = self.block.graph
        self.data, self.grad, self.needs_grad = fields["data"], fields["grad"], bool(fields["needs_grad"])
        self.label = reader.text(fields["label"]) if fields["label"] != 0 else None
        self.is_leaf = self.op.shape == "SHAPE_LEAF"
        self.n, self.has_bias = 0 if self.is_leaf else fields["n"], bool(fields["has_bias"])
        self.a, self.b, self.list = fields["a"], fields["b"], fields["list"]
        self.in_a = self.n + self.has_bias  # the operands before those of b
        self.parent_count = self.in_a + (self.n if self.op.has_b else 0)

    @property
    def name(self):
        """The label, or v12 by number."""
        return item(cut_name(self.label, NAME_LONG)) if self.label else "v%d" % self.number

    @property
    def short(self):
        """The name inside an expression; a plain number is its own name."""
        return cut_name(self.label, NAME_SHORT) if self.label else \
            number(self.data) if self.op.name == "const" else self.name

    @property
    def factor(self):
        """The same with an operator beside it."""
        return factor(self.short)

    def is_called(self, text):
        """Whether that is its label, or what is shown for it, here or in a terminal that has only ASCII."""
        return bool(self.label) and text in (self.label, self.name, plain(self.name))

    def parent_addresses(self):
        """In operand order: all of a, the bias, all of b, as value_parent counts them."""
        if self.list != 0:
            return self.reader.pointers(self.list, self.parent_count)
        size, n_b = self.reader.size, self.parent_count - self.in_a
        return [self.a + i * size for i in range(self.in_a)] + [self.b + i * size for i in range(n_b)]

    def parent(self, address):
        """The operand there. If it is younger than this node, it has taken the place of one that was released."""
        node = self.reader.node(address)
        if node.graph != self.graph or node.number >= self.number:
            raise Released(RELEASED % address)
        return node

    def parents(self):
        if self.known_parents is None:
            try:
                self.known_parents = [self.parent(address) for address in self.parent_addresses()]
            except Fault:
                raise Fault(STALE % self.name)
        return self.known_parents

    def role(self, i):
        """What operand i is: "a", "bias" or "b"."""
        return "b" if i >= self.in_a else "bias" if i == self.n else "a"

    def partner(self, i):
        """The operand that operand i is paired with; None if there is none."""
        role = self.role(i)
        return None if role == "bias" or not self.op.has_b else i + self.in_a if role == "a" else i - self.in_a

    def edges(self):
        """An edge per parent, in the order in which the reverse walk pushes along them."""
        pairs = [i for first in range(self.n) for i in (first, self.partner(first)) if i is not None]
        return [Edge(self, i) for i in pairs + [self.n] * self.has_bias]

    def expression(self):
        """What it was computed from: `d * f`, `tanh(n)`, `param`."""
        if self.is_leaf:
            return self.op.name
        return self.applied([self.shown(address) for address in self.parent_addresses()[:OPERANDS_SHOWN]])

    def shown(self, address):
        """The operand there by name, or what has become of it."""
        try:
            return self.parent(address).short
        except Released:
            return "[released]"
        except Fault:
            return "[no node]"

    def applied(self, shown):
        """The op applied to the first few of its operands, as they are called or as numbers."""
        if self.op.infix is not None:
            return "%s %s %s" % (factor(shown[0]), self.op.infix, factor(shown[1]))
        more = ", ..." if self.parent_count > OPERANDS_SHOWN else ""
        return "%s(%s%s)" % (self.op.name, ", ".join(map(item, shown)), more)

    def line(self):
        """`L = -8 (grad 1) = d * f`"""
        return "%s = %s (grad %s) = %s" % (self.name, number(self.data), number(self.grad), self.expression())


def summary(memory, address):
    """What a Value, or a pointer to it, prints as."""
    try:
        return Reader(memory).node(address).line()
    except Released:
        return "%#x (released)" % address
    except Fault:
        return "NULL" if address == 0 else "%#x (no node)" % address


class Edge:
    """From a node (`child`) to its operand number i (`parent`)."""

    def __init__(self, child, i):
        self.child, self.i = child, i
        parents, partner = child.parents(), child.partner(i)
        self.parent, self.role = parents[i], child.role(i)
        other = parents[partner] if partner is not None else None
        self.a, self.b = (other, self.parent) if self.role == "b" else (self.parent, other)
        self.formula = Formula({"a": child.op.da_text, "b": child.op.db_text, "bias": "1"}[self.role])

    def local(self):
        """∂child/∂parent, from the engine itself if it can be called; None if it is not known."""
        asked = self.child.reader.memory.local_derivative(self.child, self.i)
        return asked if asked is not None else self.computed()

    def computed(self):
        """The same from the op table's text."""
        return self.formula.value(self.a.data, self.b.data if self.b is not None else 0.0, self.child.data)

    def product(self):
        """What a push along this edge adds, at the child's gradient of now; as in the engine, 0 times anything is 0."""
        local = self.local()
        if local is None:
            return None
        return 0.0 if local == 0 or not self.parent.needs_grad else local * self.child.grad

    def chain_rule(self):
        """`∂o/∂M · o.grad = (1 − o²) · o.grad = 0.5 · 1 = 0.5`"""
        child = self.child
        names = {"y": child.short, "a": self.a.short, "b": self.b.short if self.b is not None else "b"}
        local = self.local()
        product = self.product()
        numbers = "? (this formula cannot be computed without the running program)" if local is None else \
            "%s · %s = %s" % (number(local), number(child.grad), number(product))
        return "∂%s/∂%s · %s.grad = %s · %s.grad = %s" % (
            child.factor, self.parent.factor, child.factor, self.formula.named(names), child.factor, numbers)


# ---- where the walk is -----------------------------------------------------------------------------------------------


class Walk:
    """A reverse walk under way. Nodes whose number is `turn` or more have had their turn. `node` (an address) is the
    one that is at work: phase "before" its push, or "after"."""

    def __init__(self, graph, turn, node=0, phase=None):
        self.graph, self.turn, self.node, self.phase = graph, turn, node, phase


def walk_at(node, phase):
    return Walk(node.graph, node.number + 1 if phase == "before" else node.number, node.address, phase)


PUSHED, WAITING, PASSED = "pushed", "waiting", "passed"


def state(node, walk):
    """Whether a node has pushed its gradient, waits, or was passed over since its gradient was 0."""
    if walk is not None and walk.graph == node.graph:
        if node.address == walk.node:
            return PUSHED if walk.phase == "after" else WAITING
        had_turn = node.number >= walk.turn
    else:
        had_turn = node.block.has_gradients
    return WAITING if not had_turn else PUSHED if node.grad != 0 else PASSED


def next_node(reader, walk, most=100000):
    """The node that pushes next; None when there is none, or none within `most` nodes."""
    waiting = itertools.islice(reader.nodes_of(walk.graph, walk.turn), most)
    return next((node for node in waiting if node.grad != 0 and not node.is_leaf), None)


def cone(root):
    """What root was computed from, and root: every parent before its children."""
    waiting, found = [(-root.number, root.address)], {root.address: root}
    order = []
    while waiting:
        node = found[heapq.heappop(waiting)[1]]
        order.append(node)
        for parent in node.parents():
            if parent.address not in found:
                found[parent.address] = parent
                heapq.heappush(waiting, (-parent.number, parent.address))
    return order[::-1]


def children(node):
    """Numbers of the nodes that have it as an operand, highest first: the order in which they push to it."""
    return [other.number for other in node.reader.nodes_of(node.graph, above=node.number)
            if node.address in other.parent_addresses()]


def labelled(reader, graph, name, below=None):
    """The node of that label that comes first in the reverse walk, or else v12 by number; None if there is none."""
    by_number = re.match(r"^v(\d+)$", name)
    numbered = None
    for node in reader.nodes_of(graph, below):
        if node.is_called(name):
            return node
        if by_number and node.number == int(by_number.group(1)):
            numbered = node
    return numbered


PLACE = re.compile(r"[*&(]*\w+(\)|->\w+|\.\w+|\[\w+\])*")  # an expression of C that is no label by accident


def find_node(reader, text, look_up, current_graph):
    """The node that a user means by `text`: what the program has by that name or expression, a label, or v12 by number.
    look_up(text) gives its address, or None and why not. A Fault says why there is none. The labels x+1 and w[2,0] come
    before the expressions: with pointers x and w these would be other nodes, and k=3 would change the program."""
    if not text:
        raise Fault("it needs a node: a Value * of the program, a label, or v12 for node number 12.")
    if not PLACE.fullmatch(text) and current_graph() is not None:
        node = labelled(reader, current_graph(), text)
        if node is not None:
            return node
    address, problem = look_up(text)
    if address is not None:
        try:
            return reader.node(address)
        except Fault as fault:
            raise Fault("%s: %s" % (text, fault))
    graph = current_graph()
    node = labelled(reader, graph, text) if graph is not None else None
    if node is None:
        where = "and no graph is in sight" if graph is None else "and no node of the graph has it as its label"
        raise Fault("%s: %s; %s." % (text, problem.rstrip("."), where))
    return node


def must_push(node, hint=""):
    """The node, if it is one that `grad step` can run to."""
    if node is not None and node.is_leaf:
        raise Fault("%s is a leaf (%s): it has no parents to push to.%s" % (node.name, node.op.name, hint))
    return node


# ---- what there is to say --------------------------------------------------------------------------------------------


def cut(lines, most, how):
    """At most `most` lines (None: all), and how to see more."""
    shown = []
    for line in lines:
        if most is not None and len(shown) == most:
            return shown + ["… and more: %s" % how]
        shown.append(line)
    return shown


def mark_of(node, walk):
    if walk is None or node.address != walk.node:
        return ""
    return "  ◀ has just pushed" if walk.phase == "after" else "  ◀ pushes now"


def tree_lines(root, walk=None):
    """(line, address) per node, parents below their children; a node met again is not followed again."""
    shown = set()
    todo = [(None, root.address, "", "")]
    while todo:
        child, address, first, rest = todo.pop()
        try:
            node = child.parent(address) if child is not None else root
        except Fault:
            yield first + child.shown(address), address
            continue
        again = node.address in shown and node.op.name != "const"
        line = first + node.line() + ("  (shown above)" if again else "") + mark_of(node, walk)
        yield line, node.address
        if again:
            continue
        shown.add(node.address)
        parents = node.parent_addresses()
        for i in range(len(parents) - 1, -1, -1):
            last = i == len(parents) - 1
            todo.append((node, parents[i], rest + ("└─ " if last else "├─ "), rest + ("   " if last else "│  ")))


def tree(root, walk=None):
    return (line for line, _ in tree_lines(root, walk))


def order(root, walk=None):
    nodes = cone(root)
    width = len(str(nodes[-1].number))
    yield "%s in topological order, every parent before its children; the reverse walk goes from the last to the " \
          "first:" % quantity(len(nodes), "node")
    for node in nodes:
        yield "  %*d  %s%s" % (width, node.number, node.line(), mark_of(node, walk))


def push_line(edge, grads):
    """A line per product; `grads` holds the parents' gradients before it, and is brought up to date."""
    parent = edge.parent
    if not parent.needs_grad:
        name = item(parent.short) if parent.op.name == "const" else "%s (%s)" % (parent.name, parent.op.name)
        return "  %s takes no gradient: it depends on no param" % name
    product = edge.product()
    line = "  %s.grad += %s" % (parent.factor, edge.chain_rule())
    if product is None or grads is None:
        return line + "  [%s.grad is %s]" % (parent.factor, number(parent.grad))
    before = grads.get(parent.address, parent.grad)
    grads[parent.address] = before + product
    return line + "  [now %s → %s]" % (number(before), number(before + product))


def before_push(node):
    """The parents' gradients before the push that has just happened, if they were not recorded then: recovered by
    subtracting the products. A remainder that is only rounding counts as 0."""
    grads = {}
    for edge in reversed(node.edges()):
        product = edge.product()
        now = grads.get(edge.parent.address, edge.parent.grad)
        before = now - product if product is not None and math.isfinite(now) and math.isfinite(product) else now
        grads[edge.parent.address] = 0.0 if abs(before) <= 1e-15 * abs(now) else before
    return grads


def explain(node, walk=None, grads=None):
    """Each product that a node pushes, in symbols and numbers. `grads`: its parents' gradients before the push."""
    yield node.line()
    if node.is_leaf:
        yield "%s is a leaf (%s): it was computed from nothing, so there are no parents to push to." % (
            node.name, node.op.name)
        return
    if not node.needs_grad:
        yield "%s depends on no param: it takes no gradient and pushes none." % node.name
        return
    at_work = walk is not None and walk.node == node.address
    whom = "its parent" if node.parent_count == 1 else "its %d parents" % node.parent_count
    what = "%s.grad = %s" % (node.factor, number(node.grad))
    where = state(node, walk)
    if at_work and walk.phase == "after":
        yield "has just pushed %s to %s:" % (what, whom)
        grads = before_push(node) if grads is None else dict(grads)
    elif where == PASSED:
        yield "was passed over: its gradient is 0, so there was nothing to push."
        return
    elif where == PUSHED:
        yield "has pushed %s to %s; what these hold now may have come from others too:" % (what, whom)
        grads = None
    else:
        yield "pushes %s to %s now:" % (what, whom) if at_work else \
            "has not pushed yet; with %s, as it stands, it would push to %s:" % (what, whom)
        grads = {}
    for edge in node.edges():
        yield push_line(edge, grads)


def pushed(node, walk, grads):
    """What `grad step` says: the push that has just happened, and what comes next."""
    following = next_node(node.reader, walk)
    return cut(explain(node, walk, grads), STEP_LINES, "`grad explain` shows all") + [
        "Next: %s" % following.line() if following is not None else "That was the last node of this walk."]


def not_pushed(name):
    """Why `grad step NAME` has not stopped at a push."""
    if not name:
        return "there was no further node in a backward pass."
    return "no node called %s has pushed a gradient. (A node whose gradient is 0 is passed over, and a leaf has " \
           "nothing to push.)" % name


def ended(status, why):
    return "The program has ended%s: %s" % ("" if status is None else " with status %d" % status, why)


def edges(root, walk=None):
    """Every edge below root, in the order of the reverse walk: which have pushed and which wait."""
    counts = {PUSHED: 0, WAITING: 0, PASSED: 0}
    lines = []
    for node in cone(root)[::-1]:
        where = state(node, walk)
        for edge in node.edges():
            arrow = "%s → %s" % (node.name, item(edge.parent.short))
            if not edge.parent.needs_grad:
                lines.append("  ∅ %s: takes no gradient" % arrow)
                continue
            counts[where] += 1
            if where == PUSHED:
                lines.append("  ✓ %s: %s" % (arrow, edge.chain_rule()))
            elif where == WAITING:
                lines.append("  ⋯ %s: waits" % arrow)
            else:
                lines.append("  ✓ %s: passed over, since %s.grad is 0" % (arrow, node.factor))
    had_turn = counts[PUSHED] + counts[PASSED]
    yield "%s below %s: %d pushed (✓), %d waiting (⋯)" % (
        quantity(had_turn + counts[WAITING], "edge"), root.name, had_turn, counts[WAITING])
    yield from lines


def path_up(node, nodes, most=12):
    """The names from a node to the root, by the first child that leads on."""
    names = [node.name]
    at = node
    for other in nodes[[n.address for n in nodes].index(node.address) + 1:]:
        if any(parent.address == at.address for parent in other.parents()):
            names.append(other.name)
            at = other
    return " → ".join(names if len(names) <= most else names[:most // 2] + ["…"] + names[-most // 2:])


def why_nan(root, _walk=None):
    """The first value, or else the first gradient, that is not finite: where it was made, and of what."""
    nodes = cone(root)
    for node in nodes:
        if not math.isfinite(node.data):
            return why_data(node, nodes)
    for node in nodes[::-1]:
        if not math.isfinite(node.grad):
            return why_grad(node, nodes)
    return ["All values and gradients are finite: %s, %s and what it was computed from." % (
        quantity(len(nodes), "node"), root.name)]


def why_data(node, nodes):
    lines = ["%s = %s is the first value that is not finite." % (node.name, number(node.data)), "  " + node.line()]
    if node.is_leaf:
        lines.append("It is a leaf (%s): the program gave it this value." % node.op.name)
    else:
        numbers = [number(parent.data) for parent in node.parents()[:OPERANDS_SHOWN]]
        lines.append("All its operands are finite, so it was made here: %s = %s." % (
            node.applied(numbers), number(node.data)))
        lines += ["  " + parent.line() for parent in node.parents()[:OPERANDS_SHOWN]]
    if node is not nodes[-1]:
        lines.append("It goes on: " + path_up(node, nodes))
    return lines


def why_grad(node, nodes):
    lines = ["All values are finite. %s.grad = %s is the first gradient of the reverse walk that is not." % (
        node.factor, number(node.grad))]
    into = [edge for child in nodes[::-1] if not child.is_leaf and child.number > node.number
            for edge in child.edges() if edge.parent.address == node.address]
    made = [edge for edge in into if edge.product() is None or not math.isfinite(edge.product())]
    if node is nodes[-1] and not into:
        return lines + ["It is the root: the seed, or what it accumulated, is not finite."]
    if not made:
        lines.append("Each product is finite; their sum, or what an earlier pass left in it, is not:")
    for edge in (made or into)[:OPERANDS_SHOWN]:
        lines += ["  %s.grad += %s" % (node.factor, edge.chain_rule()), "  where " + edge.child.line()]
    return lines


def must_check(node):
    if node.is_leaf or not node.needs_grad:
        raise Fault("%s depends on no param, so there is nothing to check. Give the root, the loss." % node.name)


def check_lines(root, counts, worst):
    """What a GradCheck says: its counts by field, and its worst param (of which `name` is text)."""
    yield "%s below %s: %d right, %d wrong, not checked: %d at a kink, %d where %s is not finite." % (
        quantity(counts["params"], "param"), root.name, counts["right"], counts["wrong"], counts["at_kink"],
        counts["not_finite"], root.name)
    if counts["right"] + counts["wrong"] > 0:
        yield "The largest difference: %s.grad is %.12g by the reverse walk, %.12g by nudging it by %g: %g apart " \
              "(%g is allowed)." % (factor(harmless(worst["name"])), worst["got"], worst["want"], worst["step"],
                                    worst["error"], worst["tolerance"])


@contextlib.contextmanager
def gradients_kept(read, graph):
    """For a call that walks through the graph itself: afterwards all is as before, so that a walk goes on as before."""
    memory = read.memory
    kept = [(block.address, memory.read(block.address, block.nodes + block.node_count * read.size - block.address))
            for block in read.blocks_of(graph)]
    try:
        yield
    finally:
        for address, data in kept:
            memory.write(address, data)


COUNTS, WORST = "params right wrong at_kink not_finite".split(), "got want error tolerance step".split()
NO_CHECK = ("the gradient check is not linked into this program: call gradcheck (engine/gradcheck.h) somewhere in it, "
            "or link engine/gradcheck.o.")
NO_DOT = "viz/graph/dot.h is not linked into this program: `make gdb` does, or call dot_draw in it."
DOT_HELP = "write the graph below V to FILE as DOT, for Graphviz."
CHECK_HELP = "the numerical gradient beside the analytic one, by the engine's gradient check."

# The commands that show what there is to say on a node V, by name.
SHOWS = {
    "tree": (tree, "V and what it was computed from, as a tree: a shared node once, the one at work marked."),
    "explain": (explain, "each product that V pushes to its parents, in symbols and numbers."),
    "order": (order, "the topological order of what V was computed from."),
    "edges": (edges, "the edges below V in the order of the backward pass: which have pushed, and which wait."),
    "why-nan": (why_nan, "the first value (or else gradient) below V that is not finite, its op and its operands."),
}
STEP_HELP = "run to the next node of the backward pass, or to the one of that name, and explain its push."
