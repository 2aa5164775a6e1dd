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
# with the real names ((1 − o²)), and computed where the engine cannot be asked. No derivative is written here again.
import ast
import heapq
import math
import re
import struct

PAGE = 4096
NAME_MOST = 63  # characters of a label that are shown, as value_name does
OPERANDS_SHOWN = 8  # of a long list, as value_print does


class Fault(Exception):
    """What is wrong and what to do, as a sentence for the user."""


class Released(Fault):
    """The node there has been released."""


class Memory:
    """What a debugger gives. `fields` maps "Value.grad" to (offset, bytes); sizes maps "Value" to bytes."""

    fields = {}
    sizes = {}
    pointer_size = 8
    byte_order = "<"

    def read(self, address, size):
        raise NotImplementedError

    def ops(self):
        """The op table: a list of Op by code."""
        raise NotImplementedError

    def local_derivative(self, node, index):
        """value_local_derivative in the running program, or None where nothing can be called."""
        return None


class Op:
    def __init__(self, name, shape, text, da_text, db_text):
        self.name, self.shape, self.text, self.da_text, self.db_text = name, shape, text, da_text, db_text
        infix = re.match(r"^a (\S+) b$", text)
        self.infix = infix.group(1) if infix else None
        self.has_b = shape in ("BINARY", "PAIRS")


# ---- numbers and words -----------------------------------------------------------------------------------------------


def number(x):
    return "%g" % x


def finite(x):
    return not (math.isnan(x) or math.isinf(x))


def same(x, y):
    return x == y or (math.isnan(x) and math.isnan(y))


def quantity(n, noun):
    return "%d %s%s" % (n, noun, "" if n == 1 else "s")


ASCII = [("∂", "d"), ("·", "*"), ("−", "-"), ("²", "^2"), ("→", "->"), ("├─ ", "|- "), ("└─ ", "`- "), ("│  ", "|  "),
         ("◀", "<-"), ("✓", "+"), ("…", "..."), ("⋯", "~"), ("∅", "0")]


def plain(line):
    """The line for a terminal that has only ASCII."""
    for mark, instead in ASCII:
        line = line.replace(mark, instead)
    return line.encode("ascii", "backslashreplace").decode("ascii")


# ---- formulas of the op table ----------------------------------------------------------------------------------------


def divide(x, y):
    if y != 0:
        return x / y
    return math.nan if x == 0 or math.isnan(x) else math.copysign(math.inf, x) * math.copysign(1, y)


def like_c(function, at_overflow=math.inf, at_pole=math.nan):
    """A function of Python's math that answers as C's does, where Python raises an error."""

    def answer(*arguments):
        try:
            return function(*arguments)
        except OverflowError:
            return at_overflow
        except ValueError:
            return at_pole(*arguments) if callable(at_pole) else at_pole

    return answer


FUNCTIONS = {
    "exp": like_c(math.exp),
    "log": like_c(math.log, at_pole=lambda x: -math.inf if x == 0 else math.nan),
    "pow": like_c(math.pow, at_pole=lambda x, y: math.inf if x == 0 and y < 0 else math.nan),
    "sqrt": like_c(math.sqrt),
    "sin": like_c(math.sin),
    "cos": like_c(math.cos),
    "tanh": math.tanh,
    "fabs": abs,
}

ARITHMETIC = {
    ast.Add: lambda x, y: x + y,
    ast.Sub: lambda x, y: x - y,
    ast.Mult: lambda x, y: x * y,
    ast.Div: divide,
}
COMPARISON = {ast.Gt: lambda x, y: x > y, ast.Lt: lambda x, y: x < y}
SIGN = {ast.Add: " + ", ast.Sub: " − ", ast.Mult: "·", ast.Div: "/", ast.Gt: " > ", ast.Lt: " < "}
SUM, PRODUCT, ATOM = 1, 2, 3  # how tightly a piece of a formula holds together


class Formula:
    """A C expression in a, b and y."""

    parsed = {}

    def __init__(self, text):
        self.text = text
        try:
            self.root = ast.parse(text, mode="eval").body
        except SyntaxError:  # C that is not Python too: shown as it is, and not computed
            self.root = None

    @classmethod
    def of(cls, text):
        if text not in cls.parsed:
            cls.parsed[text] = cls(text)
        return cls.parsed[text]

    def value(self, a, b, y):
        """The number; None when this expression is more than we can compute."""
        numbers = {"a": a, "b": b, "y": y}

        def at(node):
            if isinstance(node, ast.Constant):
                return float(node.value)
            if isinstance(node, ast.Name):
                return numbers[node.id]
            if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
                return -at(node.operand)
            if isinstance(node, ast.BinOp):
                return ARITHMETIC[type(node.op)](at(node.left), at(node.right))
            if isinstance(node, ast.Compare):
                return float(COMPARISON[type(node.ops[0])](at(node.left), at(node.comparators[0])))
            if isinstance(node, ast.Call):
                return FUNCTIONS[node.func.id](*[at(x) for x in node.args])
            raise KeyError(node)

        try:
            return at(self.root)
        except (KeyError, AttributeError, OverflowError):
            return None

    def named(self, names):
        """The formula with real names, in brackets if it must hold together as a factor."""

        def bracket(piece, least):
            text, strength = piece
            return text if strength >= least else "(%s)" % text

        def show(node):
            if isinstance(node, ast.Constant):
                return number(node.value), ATOM
            if isinstance(node, ast.Name) and node.id in names:
                name = names[node.id]
                return name, SUM if name.startswith("-") else ATOM
            if isinstance(node, ast.UnaryOp):
                return "−" + bracket(show(node.operand), PRODUCT), SUM
            if isinstance(node, ast.Call):
                return "%s(%s)" % (node.func.id, ", ".join(show(x)[0] for x in node.args)), ATOM
            if isinstance(node, ast.Compare):
                left, right = show(node.left)[0], show(node.comparators[0])[0]
                return left + SIGN[type(node.ops[0])] + right, SUM
            left, right, sign = node.left, node.right, type(node.op)
            if sign is ast.Mult and ast.dump(left) == ast.dump(right):
                return bracket(show(left), ATOM) + "²", ATOM
            strength = SUM if sign in (ast.Add, ast.Sub) else PRODUCT
            right_least = ATOM if sign is ast.Div else strength + (sign is ast.Sub)
            return bracket(show(left), strength) + SIGN[sign] + bracket(show(right), right_least), strength

        if isinstance(self.root, ast.UnaryOp) and isinstance(self.root.operand, ast.Constant):
            return self.text.replace(" ", "")
        try:
            return bracket(show(self.root), PRODUCT)
        except (KeyError, AttributeError):
            return "(%s)" % re.sub(r"\b[aby]\b", lambda m: names.get(m.group(), m.group()), self.text)


# ---- reading ---------------------------------------------------------------------------------------------------------


class Reader:
    """Reads nodes, a page of memory at a time; keeps what it read, so it is for one command only."""

    def __init__(self, memory):
        self.memory = memory
        self.pages = {}
        self.nodes = {}
        self.blocks = {}
        self.ops = memory.ops()
        self.size = memory.sizes["Value"]

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

    def field(self, address, name):
        """An unsigned number: a pointer, a count, a bool."""
        offset, size = self.memory.fields[name]
        order = "little" if self.memory.byte_order == "<" else "big"
        return int.from_bytes(self.read(address + offset, size), order)

    def double(self, address, name):
        offset, size = self.memory.fields[name]
        return struct.unpack(self.memory.byte_order + "d", self.read(address + offset, size))[0]

    def pointer(self, address):
        order = "little" if self.memory.byte_order == "<" else "big"
        return int.from_bytes(self.read(address, self.memory.pointer_size), order)

    def text(self, address, most=NAME_MOST * 4):
        """A C string, cut at `most` bytes; control characters are shown, not sent to the terminal."""
        data = b""
        while len(data) < most and b"\0" not in data:
            rest = PAGE - (address + len(data)) % PAGE
            data += self.read(address + len(data), min(rest, most - len(data)))
        shown = data.split(b"\0")[0].decode("utf-8", "replace")
        return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in shown)

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
        address = self.field(graph, "Graph.newest")
        seen = set()
        while address != 0 and address not in seen:
            seen.add(address)
            yield self.block(address)
            address = self.field(address, "Block.older")

    def nodes_of(self, graph, below=None):
        """The nodes of a graph in the order of the reverse walk; only numbers less than `below`, if that is given."""
        for block in self.blocks_of(graph):
            for i in range(block.node_count - 1, -1, -1):
                if below is None or block.first_number + i < below:
                    yield self.node(block.nodes + i * self.size)

    def is_graph(self, address):
        """Whether a live graph is there: its newest block must name it as its graph."""
        try:
            newest = self.field(address, "Graph.newest")
            return newest != 0 and self.block(newest).graph == address and not self.block(newest).released
        except Fault:
            return False


class Block:
    def __init__(self, reader, address):
        self.address = address
        self.graph = reader.field(address, "Block.graph")
        self.first_number = reader.field(address, "Block.first_number")
        self.node_count = reader.field(address, "Block.node_count")
        self.released = bool(reader.field(address, "Block.released") & 0xFF)
        self.has_gradients = bool(reader.field(address, "Block.has_gradients") & 0xFF)
        self.nodes = address + reader.memory.fields["Block.nodes"][0]


NO_NODE = ("there is no node at 0x%x: the pointer was never set, or its node is gone. Give a Value * that a builder "
           "has returned.")


class Node:
    """A Value, as it is now."""

    def __init__(self, reader, address):
        self.reader, self.address = reader, address
        if address == 0:
            raise Fault("it is NULL: no node has been built there yet.")
        try:
            self.block = reader.block(reader.field(address, "Value.block"))
        except Fault:
            raise Fault(NO_NODE % address)
        place = address - self.block.nodes
        code = reader.field(address, "Value.op")
        if place < 0 or place % reader.size != 0 or code >= len(reader.ops):
            raise Fault(NO_NODE % address)
        if self.block.released:
            raise Released("the node at 0x%x was released: graph_release ended its life together with all nodes made "
                           "since the mark. Look at it before the release." % address)
        if place // reader.size >= self.block.node_count:
            raise Fault(NO_NODE % address)
        self.op = reader.ops[code]
        self.number = self.block.first_number + place // reader.size
        self.graph = self.block.graph
        self.data = reader.double(address, "Value.data")
        self.grad = reader.double(address, "Value.grad")
        self.n = reader.field(address, "Value.n")
        self.needs_grad = bool(reader.field(address, "Value.needs_grad"))
        self.has_bias = bool(reader.field(address, "Value.has_bias"))
        label = reader.field(address, "Value.label")
        self.label = reader.text(label) if label != 0 else None
        self.is_leaf = self.op.shape == "LEAF"

    @property
    def name(self):
        """The label, or v12 by number."""
        return self.label[:NAME_MOST] if self.label is not None else "v%d" % self.number

    @property
    def operand_name(self):
        """The name; a plain number of the expression is its own name."""
        return number(self.data) if self.op.name == "const" and self.label is None else self.name

    @property
    def parent_count(self):
        return 0 if self.is_leaf else self.n * (2 if self.op.has_b else 1) + self.has_bias

    def parent(self, i):
        """Parent i in operand order: all of a, the bias, all of b, as value_parent counts them."""
        reader, in_a = self.reader, self.n + self.has_bias
        listed = reader.field(self.address, "Value.list")
        if listed != 0:
            return reader.node(reader.pointer(listed + i * reader.memory.pointer_size))
        if i < in_a:
            return reader.node(reader.field(self.address, "Value.a") + i * reader.size)
        return reader.node(reader.field(self.address, "Value.b") + (i - in_a) * reader.size)

    def parents(self):
        return [self.parent(i) for i in range(self.parent_count)]

    def edges(self):
        """An edge per parent, in the order in which the reverse walk pushes along them."""
        if self.is_leaf:
            return []
        in_a = self.n + self.has_bias
        order = []
        for i in range(self.n):
            order += [i, in_a + i] if self.op.has_b else [i]
        return [Edge(self, i) for i in order + ([self.n] if self.has_bias else [])]

    def expression(self):
        """What it was computed from: `d * f`, `tanh(n)`, `param`."""
        if self.is_leaf:
            return self.op.name
        shown = [self.parent(i).operand_name for i in range(min(self.parent_count, OPERANDS_SHOWN))]
        if self.op.infix is not None:
            return "%s %s %s" % (shown[0], self.op.infix, shown[1])
        more = ", ..." if self.parent_count > OPERANDS_SHOWN else ""
        return "%s(%s%s)" % (self.op.name, ", ".join(shown), more)

    def line(self):
        """`L = -8 (grad 1) = d * f`"""
        return "%s = %s (grad %s) = %s" % (self.name, number(self.data), number(self.grad), self.expression())


class Edge:
    """From a node (`child`) to its operand number i (`parent`)."""

    def __init__(self, child, i):
        self.child, self.i = child, i
        self.parent = child.parent(i)
        self.is_bias = child.has_bias and i == child.n
        self.in_b = i >= child.n + child.has_bias

    def _pair(self):
        """The operands a and b that the local derivative is a function of."""
        if self.is_bias or not self.child.op.has_b:
            return self.parent, None
        across = self.child.n + self.child.has_bias
        return (self.child.parent(self.i - across), self.parent) if self.in_b else \
            (self.parent, self.child.parent(self.i + across))

    def formula(self):
        if self.is_bias:
            return Formula.of("1")
        return Formula.of(self.child.op.db_text if self.in_b else self.child.op.da_text)

    def local(self):
        """∂child/∂parent, from the engine itself if it can be asked; None if it is not known."""
        asked = self.child.reader.memory.local_derivative(self.child, self.i)
        if asked is not None:
            return asked
        a, b = self._pair()
        return self.formula().value(a.data, b.data if b is not None else 0.0, self.child.data)

    def product(self):
        """What a push along this edge adds, at the child's gradient of now; as in the engine, 0 times anything is 0."""
        local = self.local()
        if local is None:
            return None
        return 0.0 if local == 0 or not self.parent.needs_grad else local * self.child.grad

    def chain_rule(self):
        """`∂o/∂M · o.grad = (1 − o²) · o.grad = 0.5 · 1 = 0.5`"""
        child, (a, b) = self.child, self._pair()
        names = {"y": child.name, "a": a.operand_name, "b": b.operand_name if b is not None else "b"}
        local = self.local()
        product = self.product()
        numbers = "? (this formula cannot be computed without the running program)" if local is None else \
            "%s · %s = %s" % (number(local), number(child.grad), number(product))
        return "∂%s/∂%s · %s.grad = %s · %s.grad = %s" % (
            child.name, self.parent.operand_name, child.name, self.formula().named(names), child.name, numbers)


# ---- where the walk is -----------------------------------------------------------------------------------------------


class Walk:
    """A reverse walk under way. Nodes whose number is `turn` or more have had their turn. `node` (an address) is the
    one that is at work: phase "before" its push, or "after"."""

    def __init__(self, graph, turn, node=0, phase=None):
        self.graph, self.turn, self.node, self.phase = graph, turn, node, phase


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
    for seen, node in enumerate(reader.nodes_of(walk.graph, walk.turn)):
        if node.grad != 0 and not node.is_leaf:
            return node
        if seen == most:
            return None
    return None


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
    """Numbers of the nodes that have it as an operand, highest first: the order in which they push to it. Looks at the
    bytes themselves: in a training program this goes through tens of thousands of nodes at every pass."""
    reader, found = node.reader, []
    memory, size = reader.memory, reader.size
    word = memory.byte_order + {4: "I", 8: "Q"}[memory.pointer_size]
    at = {name: memory.fields["Value." + name][0] for name in ("a", "b", "list", "n", "op", "has_bias")}
    for block in reader.blocks_of(node.graph):
        first = max(0, node.number + 1 - block.first_number)
        data = memory.read(block.nodes, block.node_count * size) if first < block.node_count else b""
        for i in range(block.node_count - 1, first - 1, -1):
            here = i * size
            op = reader.ops[data[here + at["op"]]]
            if op.shape == "LEAF":
                continue
            n = struct.unpack_from(memory.byte_order + "I", data, here + at["n"])[0]
            in_a, in_b = n + data[here + at["has_bias"]], n if op.has_b else 0
            a, b, listed = (struct.unpack_from(word, data, here + at[name])[0] for name in ("a", "b", "list"))
            if listed != 0:
                pointers = memory.read(listed, (in_a + in_b) * memory.pointer_size)
                is_child = node.address in struct.unpack("%s%d%s" % (word[0], in_a + in_b, word[1]), pointers)
            else:
                is_child = 0 <= node.address - a < in_a * size or 0 <= node.address - b < in_b * size
            if is_child:
                found.append(block.first_number + i)
        if block.first_number <= node.number:
            break
    return found


def labelled(reader, graph, name, below=None):
    """The node of that label that comes first in the reverse walk, or else v12 by number; None if there is none."""
    by_number = re.match(r"^v(\d+)$", name)
    numbered = None
    for node in reader.nodes_of(graph, below):
        if node.label == name:
            return node
        if by_number and node.number == int(by_number.group(1)):
            numbered = node
    return numbered


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
    todo = [(root, "", "")]
    while todo:
        node, first, rest = todo.pop()
        again = node.address in shown and node.op.name != "const"
        line = first + node.line() + ("  (shown above)" if again else "") + mark_of(node, walk)
        yield line, node.address
        if again:
            continue
        shown.add(node.address)
        parents = node.parents()
        for i in range(len(parents) - 1, -1, -1):
            last = i == len(parents) - 1
            todo.append((parents[i], rest + ("└─ " if last else "├─ "), rest + ("   " if last else "│  ")))


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
    """A line per product; `grads` holds the parents' gradients as they stand before it, and is brought up to date."""
    parent = edge.parent
    if not parent.needs_grad:
        return "  %s takes no gradient: no param leads to it" % describe_constant(parent)
    product = edge.product()
    line = "  %s.grad += %s" % (parent.name, edge.chain_rule())
    if product is None or grads is None:
        return line + "  [%s.grad is %s]" % (parent.name, number(parent.grad))
    before = grads.get(parent.address, parent.grad)
    grads[parent.address] = before + product
    return line + "  [now %s → %s]" % (number(before), number(before + product))


def describe_constant(node):
    return node.operand_name if node.op.name == "const" else "%s (%s)" % (node.name, node.op.name)


def before_push(node):
    """The parents' gradients before the push that has just happened, when nobody looked then: recovered by taking the
    products away again. What that leaves of rounding is not shown as a gradient."""
    grads = {}
    for edge in reversed(node.edges()):
        product = edge.product()
        now = grads.get(edge.parent.address, edge.parent.grad)
        before = now - product if product is not None and finite(now) and finite(product) else now
        grads[edge.parent.address] = 0.0 if abs(before) <= 1e-15 * abs(now) else before
    return grads


def explain(node, walk=None, grads=None):
    """Each product that a node pushes, in symbols and numbers. `grads`: its parents' gradients before the push."""
    yield node.line()
    if node.is_leaf:
        yield "%s is a leaf (%s): it was computed from nothing, so there is nobody to push to." % (
            node.name, node.op.name)
        return
    if not node.needs_grad:
        yield "No param leads to %s: it takes no gradient and pushes none." % node.name
        return
    at_work = walk is not None and walk.node == node.address
    whom = "its parent" if node.parent_count == 1 else "its %d parents" % node.parent_count
    what = "%s.grad = %s" % (node.name, number(node.grad))
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


def edges(root, walk=None):
    """Every edge below root, in the order of the reverse walk: which have pushed and which wait."""
    nodes = [node for node in cone(root)[::-1] if not node.is_leaf]
    counts = {PUSHED: 0, WAITING: 0, PASSED: 0}
    lines = []
    for node in nodes:
        where = state(node, walk)
        for edge in node.edges():
            arrow = "%s → %s" % (node.name, edge.parent.operand_name)
            if not edge.parent.needs_grad:
                lines.append("  ∅ %s: takes no gradient" % arrow)
                continue
            counts[where] += 1
            if where == PUSHED:
                lines.append("  ✓ %s: %s" % (arrow, edge.chain_rule()))
            elif where == WAITING:
                lines.append("  ⋯ %s: waits" % arrow)
            else:
                lines.append("  ✓ %s: passed over, since %s.grad is 0" % (arrow, node.name))
    had_turn = counts[PUSHED] + counts[PASSED]
    yield "%s below %s: %d pushed (✓), %d waiting (⋯)" % (
        quantity(had_turn + counts[WAITING], "edge"), root.name, had_turn, counts[WAITING])
    for line in lines:
        yield line


def path_up(node, nodes, most=12):
    """The names from a node to the root, by the first child that leads on."""
    names = [node.name]
    at = node
    for other in nodes[[n.address for n in nodes].index(node.address) + 1:]:
        if any(parent.address == at.address for parent in other.parents()):
            names.append(other.name)
            at = other
    return " → ".join(names if len(names) <= most else names[:most // 2] + ["…"] + names[-most // 2:])


def why_nan(root):
    """The first value, or else the first gradient, that is not finite: where it was made, and of what."""
    nodes = cone(root)
    for node in nodes:
        if not finite(node.data):
            return why_data(node, nodes)
    for node in nodes[::-1]:
        if not finite(node.grad):
            return why_grad(node, nodes)
    return ["All values and gradients are finite: %s, %s and what it was computed from." % (
        quantity(len(nodes), "node"), root.name)]


def why_data(node, nodes):
    lines = ["%s = %s is the first value that is not finite." % (node.name, number(node.data)), "  " + node.line()]
    if node.is_leaf:
        lines.append("It is a leaf (%s): it came in like this from the program." % node.op.name)
    else:
        numbers = [number(parent.data) for parent in node.parents()[:OPERANDS_SHOWN]]
        more = ", ..." if node.parent_count > OPERANDS_SHOWN else ""
        worked = (" %s " % node.op.infix).join(numbers) if node.op.infix else \
            "%s(%s%s)" % (node.op.name, ", ".join(numbers), more)
        lines.append("All its operands are finite, so it was made here: %s = %s." % (worked, number(node.data)))
        lines += ["  " + parent.line() for parent in node.parents()[:OPERANDS_SHOWN]]
    if node is not nodes[-1]:
        lines.append("It goes on: " + path_up(node, nodes))
    return lines


def why_grad(node, nodes):
    lines = ["All values are finite. %s.grad = %s is the first gradient of the reverse walk that is not." % (
        node.name, number(node.grad))]
    into = [edge for child in nodes[::-1] if not child.is_leaf and child.number > node.number
            for edge in child.edges() if edge.parent.address == node.address]
    made = [edge for edge in into if edge.product() is None or not finite(edge.product())]
    if node is nodes[-1] and not into:
        return lines + ["It is the root: the seed, or what it accumulated, is not finite."]
    if not made:
        lines.append("Each product is finite; their sum, or what an earlier pass left in it, is not:")
    for edge in (made or into)[:OPERANDS_SHOWN]:
        lines += ["  %s.grad += %s" % (node.name, edge.chain_rule()), "  where " + edge.child.line()]
    return lines


# ---- DOT -------------------------------------------------------------------------------------------------------------


def dot_quoted(text):
    return '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"')


DOT_SHAPES = {"param": "box", "input": "cds", "const": "plaintext"}


def dot(root, walk=None):
    """The graph below root for Graphviz: a plain picture for programs in which viz/graph/dot.h is not linked."""
    yield "digraph stepgrad {"
    yield "  rankdir=LR; node [shape=ellipse]"
    for node in cone(root):
        label = "%s\\ndata %s\\ngrad %s" % (
            dot_quoted("%s = %s" % (node.name, node.expression()))[1:-1], number(node.data), number(node.grad))
        at_work = " penwidth=3" if walk is not None and walk.node == node.address else ""
        yield '  n%d [label="%s" shape=%s%s]' % (node.number, label, DOT_SHAPES.get(node.op.name, "ellipse"), at_work)
        for edge in node.edges():
            local = edge.local()
            text = "∂ = %s" % edge.formula().text + ("" if local is None else " = %s" % number(local))
            yield "  n%d -> n%d [label=%s]" % (edge.parent.number, node.number, dot_quoted(text))
    yield "}"
