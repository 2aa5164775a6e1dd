# stepgrad-gdb.py - gdb commands that show a graph of Values and explain each push of the gradient in numbers.
#
#     gdb -x viz/debug/stepgrad-gdb.py --args program ...        or, inside gdb:  source viz/debug/stepgrad-gdb.py
#     (gdb) start
#     (gdb) grad step                  run to the next node of the backward pass and explain it
#     (gdb) grad tree L
#     (gdb) help grad                  the rest
#
# It works in any program that links the engine and has debug information (-g), at -O0 and -O2, and, but for commands
# that run the program or call its functions, in a core file. Wherever a command takes V, that is an expression of type
# Value * or Value, or a variable of a calling function, or the label of a node, or v12 for node number 12.
#
# How it stops. A Python breakpoint costs a millisecond at every node, so the waiting is done in C: graph->stop_number
# (backward.h) makes the walk call backward_before and backward_after at the nodes of interest only, and those are
# where the breakpoints are. What there is to say about nodes is in stepgrad_nodes.py, for lldb too.
import contextlib
import functools
import os
import subprocess
import sys

import gdb
import gdb.printing

WRITE_NO_BYTECODE, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # leaves no __pycache__ in viz/
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
for name in [name for name in sys.modules if name == "stepgrad_nodes"]:
    del sys.modules[name]  # sourced again: read again
import stepgrad_nodes as nodes  # noqa: E402
from stepgrad_nodes import AT_WORK, Fault  # noqa: E402

sys.path.pop(0)
sys.dont_write_bytecode = WRITE_NO_BYTECODE

# ---- memory ----------------------------------------------------------------------------------------------------------


class GdbMemory(nodes.Memory):
    def __init__(self):
        endian = gdb.execute("show endian", False, True)
        super().__init__(gdb.lookup_type("char").pointer().sizeof, "big endian" in endian)
        self.table = None

    def struct(self, name, fields):
        for spelling in (name, "struct " + name):
            try:
                found = gdb.lookup_type(spelling).strip_typedefs()
            except gdb.error:
                continue
            if found.code == gdb.TYPE_CODE_STRUCT and set(fields) <= {field.name for field in found.fields()}:
                return found.sizeof, {field.name: (field.bitpos, field.bitsize or 8 * field.type.sizeof)
                                      for field in found.fields()}
        raise Fault(nodes.NOT_LINKED)

    def read(self, address, size):
        try:
            return bytes(gdb.selected_inferior().read_memory(address, size))
        except (gdb.error, OverflowError):
            raise Fault("there is no memory of the program at 0x%x." % address)

    def write(self, address, data):
        gdb.selected_inferior().write_memory(address, data)

    def ops(self):
        if self.table is None:
            symbol = gdb.lookup_global_symbol("op_table")
            if symbol is None or symbol.type.strip_typedefs().code != gdb.TYPE_CODE_ARRAY:
                raise Fault(nodes.NO_OP_TABLE)
            rows, (first, last) = symbol.value(), symbol.type.strip_typedefs().range()
            self.table = [nodes.Op(str(rows[i]["shape"]), *[rows[i][field].string() for field in nodes.OP_FIELDS])
                          for i in range(first, last + 1)]
        return self.table

    def local_derivative(self, node, index):
        try:
            return float(ask("value_local_derivative", "(Value *) %#x, %d" % (node.address, index)))
        except Fault:
            return None


def is_live():
    """A process that can be continued and called into; not a core file."""
    return gdb.selected_inferior().pid != 0 and "core dump file" not in gdb.execute("info target", False, True)


@functools.lru_cache(maxsize=None)
def memory():
    """Kept until another program or library is loaded: start() has its cache cleared then."""
    return GdbMemory()


def reader():
    known = memory()
    if gdb.selected_inferior().pid == 0:
        raise Fault("no program is running, so there are no nodes yet. Type `start`, or open a core file.")
    return nodes.Reader(known)


def function(name):
    """The global function of that name in the program; None when it is not linked in, or not a function."""
    symbol = gdb.lookup_global_symbol(name)
    return symbol if symbol is not None and symbol.type.code == gdb.TYPE_CODE_FUNC else None


def ask(name, arguments):
    """Call a function of the program. If it ends in a signal (abort), the program is as it was before."""
    if function(name) is None:
        raise Fault("%s is not linked into this program." % name)
    unwind = gdb.parameter("unwindonsignal")
    try:
        gdb.execute("set unwindonsignal on")
        return gdb.parse_and_eval("%s(%s)" % (name, arguments))
    except gdb.error as error:
        raise Fault("the call of %s failed: %s" % (name, str(error).split("\n")[0]))
    finally:
        gdb.execute("set unwindonsignal %s" % ("on" if unwind else "off"))


def write(lines):
    """To gdb's output, in characters that the terminal has."""
    for line in lines:
        gdb.write(in_terminal(line) + "\n")


def in_terminal(line):
    return line if "utf" in gdb.execute("show host-charset", False, True).lower() else nodes.plain(line)


# ---- frames: V, the graph, the walk ----------------------------------------------------------------------------------

def frames(newest=True):
    try:
        frame = gdb.newest_frame() if newest else gdb.selected_frame()
    except gdb.error:
        return
    while frame is not None:
        yield frame
        try:
            frame = frame.older()
        except gdb.error:
            return


def type_name(value_type):
    """"Value", "Value *", ... of a type, by its struct; "" for another kind."""
    value_type = value_type.strip_typedefs()
    stars = ""
    while value_type.code == gdb.TYPE_CODE_PTR:
        value_type, stars = value_type.target().strip_typedefs(), stars + "*"
    if value_type.code != gdb.TYPE_CODE_STRUCT or value_type.name is None:
        return ""
    name = value_type.name.replace("struct ", "")
    return name + (" " + stars if stars else "")


def address_of(value):
    """The address of the node that a gdb.Value is or points to; None when it is something else."""
    kind = type_name(value.type)
    if kind == "Value *":
        return int(value)
    if kind == "Value" and value.address is not None:
        return int(value.address)
    return None


def locals_of(frame):
    """The variables of a frame, inner blocks first."""
    try:
        block = frame.block()
    except (RuntimeError, gdb.error):
        return
    while block is not None and not block.is_global and not block.is_static:
        for symbol in block:
            if symbol.is_argument or symbol.is_variable:
                try:
                    value = symbol.value(frame)
                    if not value.is_optimized_out:
                        yield value
                except (gdb.error, RuntimeError):
                    pass
        if block.function is not None:
            return
        block = block.superblock


def current_walk(read):
    """Where the reverse walk is, from the stack frames: None when no walk is under way."""
    for frame in frames():
        if frame.name() in AT_WORK:
            variable, phase = AT_WORK[frame.name()]
            try:
                node = read.node(int(frame.read_var(variable)))
            except (gdb.error, ValueError, Fault):
                continue
            return nodes.walk_at(node, phase)
        for value in locals_of(frame):
            walk = walk_of(read, value)
            if walk is not None:
                return walk
    return None


def walk_of(read, value):
    """The Walk in a variable of type Backward or Backward *; None when it is another, not begun or at its end."""
    kind = type_name(value.type)
    try:
        if kind == "Backward *" and int(value) != 0:
            value = value.dereference()
        elif kind != "Backward":
            return None
        address, turn = int(value["block"]), int(value["next"])
        if address == 0:
            return None
        block = read.block(address)
        inside = any(other.address == address for other in read.blocks_of(block.graph))
        if block.released or turn > block.node_count or not inside:
            return None
        return nodes.Walk(block.graph, block.first_number + turn)
    except (gdb.error, Fault):
        return None


last_graph = 0  # of the node that a command or a stop was about


def remember(node):
    global last_graph
    last_graph = node.graph
    return node


def current_graph(read):
    """The address of the graph at hand: of the walk, of a variable of the newest frame or further out, or of the last
    command; None if there is none."""
    walk = current_walk(read)
    if walk is not None:
        return walk.graph
    for value in (value for frame in frames() for value in locals_of(frame)):
        kind = type_name(value.type)
        try:
            if kind == "Graph *" and read.is_graph(int(value)):
                return int(value)
            if kind == "Value *" and read.is_node(int(value)):
                return read.node(int(value)).graph
        except gdb.error:
            pass
    return last_graph if last_graph != 0 and read.is_graph(last_graph) else None


OPTIMISED_OUT = "%s is optimised out here. Compile with -O0, or give the node a label (V_NAME) and use that."


def in_frames(text):
    """A variable of that name, if it is a Value: (address, why not). Looks from the selected frame out, then in."""
    problem = None
    for frame in list(frames(newest=False)) + list(frames()):
        try:
            value = frame.read_var(text)
        except (ValueError, gdb.error):
            continue
        if value.is_optimized_out:
            problem = OPTIMISED_OUT % text
        elif address_of(value) is not None:
            return address_of(value), None
    return None, problem


def look_up(text):
    """The address of the node that a variable or an expression is: (address, why not)."""
    address, problem = in_frames(text) if text.isidentifier() else (None, None)
    if address is not None:
        return address, None
    try:
        value = gdb.parse_and_eval(text)
        if value.is_optimized_out:
            return None, problem or OPTIMISED_OUT % text
        return address_of(value), problem or "%s is of type %s, not a Value *." % (text, value.type)
    except gdb.error as error:
        return None, problem or str(error)


def find_node(read, text, usual=None):
    """The node that a user means by `text`, or where there is no text, the usual one in a walk: usual(read, walk)."""
    walk = current_walk(read)
    node = usual(read, walk) if usual is not None and not text and walk is not None else None
    if node is None:
        node = nodes.find_node(read, text, look_up, lambda: current_graph(read))
        note_other_label(node, text)
    return remember(node)


def note_other_label(node, text):
    """A variable may hold a node of another label; in optimised programs gdb may even be wrong. Say which was taken."""
    if text.isidentifier() and node.label is not None and node.label != text:
        other = nodes.labelled(node.reader, node.graph, text)
        if other is not None and other.label == text:
            write(["(The variable %s holds the node %s here. The node with the label %s is v%d.)" % (
                text, node.name, text, other.number)])


def at_work(read, walk):
    return read.node(walk.node) if walk.node != 0 else None


# ---- stopping --------------------------------------------------------------------------------------------------------


class Watch:
    """A node whose gradient is watched. Its graph may build it again at the same place in every step."""

    def __init__(self, node):
        self.address, self.number, self.name, self.graph = node.address, node.number, node.name, node.graph

    def node(self, read):
        """The node, or None when it is gone or another is there now."""
        try:
            node = read.node(self.address)
        except Fault:
            return None
        return node if (node.number, node.name, node.graph) == (self.number, self.name, self.graph) else None


class Waiting:
    """What we wait for: watched nodes, and what `grad step` runs to. Sets graph->stop_number, so that the walk reports
    no other nodes than the ones at which something can happen."""

    def __init__(self):
        self.watches = []
        self.name = None  # of the node that `grad step` runs to, "" for the next one; None: no such command runs
        self.target = None  # the node of that name, once it is there
        self.children = {}  # by graph: numbers of the children of watched nodes
        self.grads_before = {}  # of the parents of the node that is pushing, and its address under "node"
        self.breakpoints = []

    def look(self, read, graph):
        """Find the children of watched nodes again: they are the ones that push to them."""
        watched = [watch.node(read) for watch in self.watches if watch.graph == graph]
        self.children[graph] = {number for node in watched if node is not None for number in nodes.children(node)}

    def aim(self, read, graph, below):
        """Have `grad step` wait for the node of its name in this graph."""
        self.target = find_target(read, self.name, graph, below) if self.name else None
        graph = self.target.graph if self.target is not None else graph
        if graph is not None:
            self.arm(graph, below)

    def arm(self, graph, below=None):
        """Have the walk stop at the next node of interest, of those with numbers less than `below`."""
        below = nodes.ANY_NUMBER if below is None else below
        wanted = {0, *self.children.get(graph, ())}
        if self.name == "":
            wanted.add(below - 1)
        elif self.target is not None and self.target.graph == graph:
            wanted.add(self.target.number)
        memory().set_stop_number(graph, max(number for number in wanted if number < max(below, 1)))

    def is_awaited(self, node):
        return self.name == "" or (self.target is not None and self.target.address == node.address)

    def listen(self):
        """Set the breakpoints, if they are not there yet."""
        if not self.breakpoints or not all(point.is_valid() for point in self.breakpoints):
            self.ignore()
            self.breakpoints = [Before("backward_before"), After("backward_after"), Begin("backward_begin_at")]

    def ignore(self):
        for point in self.breakpoints:
            if point.is_valid():
                point.delete()
        self.breakpoints = []

    def rest(self):
        """After a command: keep listening only for watches."""
        self.name = self.target = None
        if not self.watches:
            self.ignore()


class Point(gdb.Breakpoint):
    """A breakpoint of ours at a function of the engine; must_stop() says whether the program stops there."""

    def __init__(self, name):
        super().__init__(function=name, internal=True)
        self.silent = True
        if self.pending:
            self.delete()
            raise Fault("%s is not in this program: it does not use the reverse walk, or was built without -g." % name)

    def stop(self):
        try:
            return self.must_stop()
        except (Fault, gdb.error) as fault:
            gdb.write("grad: %s\n" % fault)
            return True


class Begin(Point):
    """A reverse walk begins: nodes may have been rebuilt."""

    def must_stop(self):
        read = reader()
        for graph in {watch.graph for watch in waiting.watches if read.is_graph(watch.graph)}:
            waiting.look(read, graph)
            waiting.arm(graph)
        if waiting.name is not None:  # look for it from the root on
            root = read.node(int(gdb.newest_frame().read_var("root")))
            waiting.aim(read, root.graph, root.number + 1)
        return False


class Before(Point):
    """A node of interest, or one that comes after it, is about to push."""

    def must_stop(self):
        node = node_at_work()
        waiting.grads_before = {parent.address: parent.grad for parent in node.parents()}
        waiting.grads_before["node"] = node.address
        waiting.arm(node.graph, node.number)
        return False


class After(Point):
    """... and has pushed: stop if it is the one awaited, or if a watched gradient is another now."""

    def must_stop(self):
        node = node_at_work()
        return waiting.is_awaited(node) or changed_watches(node) != []


def is_push(event):
    return isinstance(event, gdb.BreakpointEvent) and any(isinstance(point, After) for point in event.breakpoints)


def changed_watches(node):
    """The watched nodes whose gradient the push of `node` has changed."""
    before = waiting.grads_before if waiting.grads_before.get("node") == node.address else {}
    return [watch for watch in waiting.watches if watch.address in before and
            not nodes.same(before[watch.address], node.reader.node(watch.address).grad)]


waiting = Waiting()


def report_stop(event):
    """After any stop: if it is at a watched node, say what has changed and through which edge."""
    if not is_push(event):
        return
    node = node_at_work()
    for watch in changed_watches(node):
        before, now = waiting.grads_before[watch.address], node.reader.node(watch.address).grad
        edges = [edge for edge in node.edges() if edge.parent.address == watch.address]
        write(["%s.grad: %s → %s, by %s, through the edge%s from %s:" % (
            watch.name, nodes.number(before), nodes.number(now), nodes.number(now - before),
            "" if len(edges) == 1 else "s", node.name)])
        grads = {watch.address: before}
        write(nodes.push_line(edge, grads) for edge in edges)
    # The walk's own line, not our empty function: that is what the source window then shows.
    next(frame for frame in frames() if frame.name() not in AT_WORK and frame.name() != "push_watched").select()


def run_on(otherwise):
    """Continue the program; whether it has stopped after a push. If it has ended instead, say `otherwise`."""
    seen = []
    note = seen.append
    gdb.events.stop.connect(note)
    gdb.events.exited.connect(note)
    try:
        gdb.write(gdb.execute("continue", False, True))
    finally:
        gdb.events.stop.disconnect(note)
        gdb.events.exited.disconnect(note)
    for event in seen:
        if isinstance(event, gdb.ExitedEvent):
            write([nodes.ended(getattr(event, "exit_code", None), otherwise)])
    return any(is_push(event) for event in seen)


def node_at_work():
    """The node of the newest frame, one of those of AT_WORK."""
    variable = AT_WORK[gdb.newest_frame().name()][0]
    try:
        return remember(reader().node(int(gdb.newest_frame().read_var(variable))))
    except (ValueError, gdb.error) as error:
        raise Fault("the node that pushes cannot be read here (%s)." % error)


def live_reader():
    read = reader()
    if not is_live():
        raise Fault("this is a core file: nothing can run here. `grad tree`, `explain`, `order`, `edges` work.")
    if function("backward_hook") is None:
        raise Fault(nodes.NOT_LINKED)
    return read


def find_target(read, text, graph, below):
    """The node of that name whose turn is still to come, or None."""
    node = nodes.labelled(read, graph, text, below) if graph is not None else None
    address = in_frames(text)[0] if node is None and text.isidentifier() else None
    if address is not None and read.is_node(address) and (below is None or read.node(address).number < below):
        node = read.node(address)
    return nodes.must_push(node, " `grad watch %s` stops when its gradient changes." % text)


# ---- commands --------------------------------------------------------------------------------------------------------


class Grad(gdb.Command):
    """Commands that show a graph of Values and explain the backward pass.
V is an expression of type Value * or Value, a variable of a calling function, the label of a node, or v12 for node
number 12; without it, the root of the backward pass that is under way. `grad step` is where to begin."""

    def __init__(self):
        super().__init__("grad", gdb.COMMAND_DATA, gdb.COMPLETE_NONE, True)

    def invoke(self, argument, _from_tty):
        if argument:
            raise gdb.GdbError("grad: there is no `grad %s`. `help grad` lists what there is." % argument.split()[0])
        gdb.execute("help grad")


def register(name, function, text):
    """Make `grad NAME` of a function of its argument; errors become sentences."""
    command = "grad " + name

    def invoke(_self, argument, _from_tty):
        try:
            function(argument.strip())
        except Fault as fault:
            raise gdb.GdbError("%s: %s" % (command, fault))
        except gdb.error as error:
            raise gdb.GdbError("%s: gdb says: %s" % (command, error))

    kind = type(command, (gdb.Command,), {"__doc__": text, "invoke": invoke})
    kind(command, gdb.COMMAND_DATA, gdb.COMPLETE_FILENAME if name == "dot" else gdb.COMPLETE_EXPRESSION)


def register_all():
    Grad()
    register("step", grad_step, "grad step [NAME]: %s\nNAME is a label, v12 for node number 12, or a variable. Waiting "
             "for a name costs no time: the engine does it." % nodes.STEP_HELP)
    for name, (what, text) in nodes.SHOWS.items():
        register(name, functools.partial(show, what), "grad %s [V]: %s\nWithout V: %s." % (
            name, text, "of the node at work" if what is nodes.explain else "from the root of the backward pass"))
    for function in (grad_watch, grad_unwatch, grad_check, grad_dot, grad_svg):
        register(function.__name__[len("grad_"):], function, function.__doc__)


def grad_step(name):
    """Run until the next node has pushed, or the one of that name, in this walk or a later one."""
    read = live_reader()
    walk = current_walk(read)
    try:
        waiting.name = name
        waiting.listen()
        waiting.aim(read, current_graph(read), walk.turn if walk is not None else None)
        if run_on(nodes.not_pushed(name)):
            node = node_at_work()
            if waiting.is_awaited(node):
                write(nodes.pushed(node, current_walk(node.reader), waiting.grads_before))
    finally:
        waiting.rest()


def show(what, argument):
    """Write what there is to say on a node. The window of `layout grad` shows the tree of V from `grad tree V` on."""
    read = reader()
    node = find_node(read, argument, at_work if what is nodes.explain else window_root)
    if argument and what is nodes.tree:
        TreeWindow.root = node.address
    lines = what(node, current_walk(read))
    write(nodes.cut(lines, gdb.parameter("print elements") or None, "`set print elements N` shows N lines, 0 all"))


def grad_watch(argument):
    """grad watch [V]: stop when V's gradient changes, and say by how much and through which edge.
A pass sets interior gradients back to 0 at its start: that does not count as a change. `grad watch` alone lists what is
watched; `grad unwatch V` ends one."""
    if not argument:
        return write(["Watched: %s" % ", ".join(watch.name for watch in waiting.watches)]
                     if waiting.watches else ["No gradient is watched."])
    read = live_reader()
    node = find_node(read, argument)
    if not node.needs_grad:
        raise Fault("%s takes no gradient: it depends on no param, so nothing will ever change it." % node.name)
    if node.address not in [watch.address for watch in waiting.watches]:
        waiting.watches.append(Watch(node))
    waiting.listen()
    walk = current_walk(read)
    waiting.look(read, node.graph)
    waiting.arm(node.graph, walk.turn if walk is not None and walk.graph == node.graph else None)
    write(["Watching %s.grad, now %s. `continue` runs to the next change." % (node.name, nodes.number(node.grad))])


def grad_unwatch(argument):
    """grad unwatch [V]: end the watch on V's gradient; without V, all of them."""
    kept = [watch for watch in waiting.watches if argument and watch.name != argument]
    if argument and len(kept) == len(waiting.watches):
        address = find_node(reader(), argument).address
        kept = [watch for watch in kept if watch.address != address]
    if len(kept) == len(waiting.watches):
        raise Fault("%s is not watched." % argument if argument else "no gradient is watched.")
    waiting.watches = kept
    waiting.rest()


def grad_check(argument):
    """grad check [V]: the numerical gradient beside the analytic one, by the engine's gradient check."""
    node = find_node(live_reader(), argument, window_root)
    if node.is_leaf or not node.needs_grad:
        raise Fault("%s depends on no param, so there is nothing to check. Give the root, the loss." % node.name)
    if function("gradcheck_at") is None:
        raise Fault("the gradient check is not linked into this program: call gradcheck (engine/gradcheck.h) somewhere "
                    "in it, or link engine/gradcheck.o.")
    report = b"\0" * gdb.lookup_type("GradCheck").sizeof
    with undisturbed(node.reader, node.graph), scratch(report) as (where, error, data):
        right = bool(ask("gradcheck_at", "(Value *) %#x, 0, 0, (GradCheck *) %#x, (Error *) %#x, *(Where *) %#x" % (
            node.address, data, error, where)))
        write(check_lines(node, gdb.parse_and_eval("*(GradCheck *) %#x" % data)))
        if not right:
            raise message_of(error)


def grad_dot(argument):
    """grad dot FILE V: write the graph below V to FILE as DOT, for Graphviz."""
    words = gdb.string_to_argv(argument)
    if len(words) < 2:
        raise Fault("it needs a file and a node: grad dot FILE V.")
    draw("dot_write_at", find_node(live_reader(), " ".join(words[1:])), words[0])
    write(["Wrote %s." % words[0]])


def grad_svg(argument):
    """grad svg V [FILE]: draw the graph below V with Graphviz; FILE is V's name with .svg if it is not given."""
    words = gdb.string_to_argv(argument)
    if not words:
        raise Fault("it needs a node: grad svg V [FILE].")
    path = words.pop() if len(words) > 1 and words[-1].endswith(".svg") else None
    node = find_node(live_reader(), " ".join(words))
    path = path or "".join(c if c.isalnum() or c in "-_" else "_" for c in node.name) + ".svg"
    draw("dot_draw_at", node, path)
    write(["Drew %s." % path])


# ---- what other parts of the project do, if they are linked in -------------------------------------------------------


@contextlib.contextmanager
def scratch(more):
    """Addresses in a piece of the program's memory, freed at the end of `with`: of a Where, an Error, and `more`."""
    where_size, error_size = (gdb.lookup_type(name).sizeof for name in ("Where", "Error"))
    where = int(ask("memory_alloc", str(where_size + error_size + len(more))))
    if where == 0:
        raise Fault("the program has no memory left.")
    error = where + where_size
    try:
        memory().write(where, b"\0" * (where_size + error_size) + more)
        gdb.parse_and_eval("((Where *) %#x)->file = (const char *) %#x" % (where, error))
        yield where, error, error + error_size
    finally:
        ask("memory_free", "(void *) %#x" % where)


def message_of(error):
    return Fault(nodes.Reader(memory()).text(error, gdb.lookup_type("Error").sizeof))


@contextlib.contextmanager
def undisturbed(read, graph):
    """For a call that walks through the graph itself: nothing stops in it, and afterwards all gradients are as before,
    so that a walk under way goes on as if nothing had happened."""
    points = [point for point in list(gdb.breakpoints()) + waiting.breakpoints if point.is_valid() and point.enabled]
    kept = [(block.address, memory().read(block.address, block.nodes + block.node_count * read.size - block.address))
            for block in read.blocks_of(graph)]
    for point in points:
        point.enabled = False
    try:
        yield
    finally:
        for point in points:
            point.enabled = True
        for address, data in kept:
            memory().write(address, data)


def check_lines(root, report):
    counts = {field: int(report[field]) for field in ("params", "right", "wrong", "at_kink", "not_finite")}
    yield "%s below %s: %d right, %d wrong, not checked: %d at a kink, %d where %s is not finite." % (
        nodes.quantity(counts["params"], "param"), root.name, counts["right"], counts["wrong"], counts["at_kink"],
        counts["not_finite"], root.name)
    if counts["right"] + counts["wrong"] > 0:
        worst = report["worst"]
        got, want, error, allowed = (float(worst[x]) for x in ("got", "want", "error", "tolerance"))
        yield "The largest difference: %s.grad is %.12g by the reverse walk, %.12g by differences: %g apart (%g is " \
              "allowed)." % (worst["name"].string(), got, want, error, allowed)


def draw(name, node, path):
    """By dot_write_at or dot_draw_at, of viz/graph/dot.h."""
    if function(name) is None:
        raise Fault("viz/graph/dot.h is not linked into this program: `make gdb` does, or call dot_draw in it.")
    path = os.fsencode(os.path.abspath(os.path.expanduser(path))) + b"\0"
    with scratch(path) as (where, error, data):
        if not ask(name, "*(Where *) %#x, (Value *) %#x, (const char *) %#x, 0, (Error *) %#x" % (
                where, node.address, data, error)):
            raise message_of(error)


# ---- printing --------------------------------------------------------------------------------------------------------


class ValuePrinter:
    """A Value, or a pointer to one, in one line: `L = -8 (grad 1) = d * f`. It has no children() on purpose: the
    console would print the whole graph through them, and an IDE would show {...} instead of the line."""

    def __init__(self, value):
        self.value = value

    def to_string(self):
        address = address_of(self.value)
        if address is None:
            return "(a copy of a node: print a pointer to the node itself)"
        try:
            return in_terminal(nodes.summary(memory(), address))
        except gdb.error as error:
            return "(%s)" % error


class Printers(gdb.printing.PrettyPrinter):
    def __init__(self):
        super().__init__("stepgrad")

    def __call__(self, value):
        if type_name(value.type) not in ("Value", "Value *"):
            return None
        try:
            memory()
        except Fault:
            return None  # another library's Value
        return ValuePrinter(value)


# ---- `layout grad` ---------------------------------------------------------------------------------------------------

windows = []


def window_root(read, walk):
    """The node that `grad tree V` showed last, or the root of the walk, or the newest node of the graph."""
    if TreeWindow.root != 0 and read.is_node(TreeWindow.root):
        return read.node(TreeWindow.root)
    for frame in frames():
        if frame.name() == "backward_at":
            try:
                return read.node(int(frame.read_var("root")))
            except (gdb.error, ValueError, Fault):
                break
    if walk is not None:
        return next((node for node in read.nodes_of(walk.graph) if node.grad != 0), None)
    graph = current_graph(read)
    return next(read.nodes_of(graph), None) if graph is not None else None


class TreeWindow:
    """A live tree of the graph, with the node at work marked."""

    root = 0  # address of the node whose tree is shown, if `grad tree` has named one

    def __init__(self, window):
        self.window = window
        self.top, self.left = 0, 0
        window.title = "gradients"
        windows.append(self)
        self.refresh()

    def close(self):
        if self in windows:
            windows.remove(self)

    def refresh(self):
        self.lines, self.at_work = [], None
        try:
            read = reader()
            walk = current_walk(read)
            root = window_root(read, walk)
            if root is None:
                self.lines = ["No graph is in sight yet: `grad step` runs to the backward pass."]
                return
            self.fill(root, walk)
            if walk is not None and walk.node != 0 and self.at_work is None:
                self.lines = ["In a graph too large for this window, the part below the node at work:"]
                self.fill(read.node(walk.node), walk)
        except (Fault, gdb.error) as fault:
            self.lines = [str(fault)]

    def fill(self, root, walk):
        """The tree of root, and in which line the node at work is."""
        for line, address in nodes.tree_lines(root, walk):
            if walk is not None and address == walk.node and self.at_work is None:
                self.at_work = len(self.lines)
            self.lines.append(line)
            if len(self.lines) >= (gdb.parameter("print elements") or 10000):
                return

    def render(self):
        if not self.window.is_valid():
            return
        height, width = self.window.height, self.window.width
        if self.at_work is not None and not self.top <= self.at_work < self.top + height:
            self.top = max(0, self.at_work - height // 2)
        self.top = max(0, min(self.top, len(self.lines) - height))
        self.window.erase()
        for i, line in enumerate(self.lines[self.top:self.top + height], self.top):
            line = in_terminal(line)[self.left:self.left + width]
            if i == self.at_work:
                line = "\033[7m%s\033[0m" % line
            self.window.write(line + ("\n" if len(line) < width else ""))

    def vscroll(self, lines):
        self.top = max(0, min(self.top + lines, len(self.lines) - 1))
        self.at_work = None  # the reader looks elsewhere: do not jump back until the next stop
        self.render()

    def hscroll(self, columns):
        self.left = max(0, self.left + columns)
        self.render()


def refresh_windows():
    for window in windows:
        window.refresh()
        window.render()


def register_layout():
    if not hasattr(gdb, "register_window_type"):
        return  # this gdb was built without its text windows
    gdb.register_window_type("grad", TreeWindow)
    try:
        gdb.execute("tui new-layout grad src 2 grad 2 status 0 cmd 1", False, True)
    except gdb.error:
        pass  # sourced again: the layout is there


# ---- at the start ----------------------------------------------------------------------------------------------------


# Watches a word that any program writes as it starts: just below the first stack pointer.
TRIAL = ["gdb", "-nx", "-batch", "-ex", "starti", "-ex", "watch -l *(long *)($sp - 8)", "-ex", "continue", "/bin/sh"]


def use_watchpoints_that_stop():
    """On many virtual machines gdb's `watch` is accepted and never stops: there are no debug registers behind it. Try
    one in a gdb of its own (0.15 s); where it does not stop, have gdb step and compare. Not everywhere, since that is
    slow: some 7,000 instructions a second, where the hardware costs nothing."""
    if not gdb.parameter("can-use-hw-watchpoints"):
        return
    try:
        said = subprocess.run(TRIAL, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              env=dict(os.environ, LC_ALL="C", DEBUGINFOD_URLS=""), timeout=30).stdout
    except (OSError, subprocess.SubprocessError):
        said = b""
    if b"Old value" not in said:
        gdb.execute("set can-use-hw-watchpoints 0")
        write(["Hardware watchpoints do not work on this machine: `watch` steps instead: set it near the change."])


def start():
    """Take the place of an earlier sourcing, and register everything."""
    for events, handler in getattr(gdb, "stepgrad_handlers", ()):
        events.disconnect(handler)
    gdb.stepgrad_handlers = ((gdb.events.new_objfile, lambda _event: memory.cache_clear()),
                             (gdb.events.clear_objfiles, lambda _event: memory.cache_clear()),
                             (gdb.events.stop, report_stop), (gdb.events.before_prompt, refresh_windows))
    for events, handler in gdb.stepgrad_handlers:
        events.connect(handler)
    register_all()
    gdb.printing.register_pretty_printer(None, Printers(), replace=True)
    register_layout()
    use_watchpoints_that_stop()


start()
