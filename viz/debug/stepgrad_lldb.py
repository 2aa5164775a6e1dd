# stepgrad_lldb.py - lldb commands that show a graph of Values and explain each push of the gradient in numbers.
#
#     (lldb) command script import viz/debug/stepgrad_lldb.py
#     (lldb) b main
#     (lldb) run
#     (lldb) grad step                 run to the next node of the backward pass and explain it
#     (lldb) grad tree L
#     (lldb) grad help                 the rest
#
# A smaller stepgrad-gdb.py: the same output (by stepgrad_nodes.py), but no watches and windows. Where
# lldb has no Python, stepgrad.lldb gives the one-line summary.
import importlib
import os
import sys

import lldb

if not hasattr(lldb, "SBDebugger"):
    raise ImportError("lldb cannot find its own Python module. Where Debian or Ubuntu put it, start lldb like this:\n"
                      "    PYTHONPATH=$(echo /usr/lib/llvm-*/lib/python3.*/*-packages | tr ' ' ':') lldb PROGRAM")

WRITE_NO_BYTECODE, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # leaves no __pycache__ in viz/
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stepgrad_nodes as nodes  # noqa: E402

importlib.reload(nodes)  # imported again: read again
sys.path.pop(0)
sys.dont_write_bytecode = WRITE_NO_BYTECODE
AT_WORK, Fault = nodes.AT_WORK, nodes.Fault


class LldbMemory(nodes.Memory):
    def __init__(self, target):
        self.process, self.target = target.GetProcess(), target
        super().__init__(target.GetAddressByteSize(), target.GetByteOrder() == lldb.eByteOrderBig)

    def struct(self, name, fields):
        for found in self.target.FindTypes(name):
            found = found.GetCanonicalType()
            if set(fields) <= {field.GetName() for field in found.fields}:
                return found.GetByteSize(), {
                    field.GetName(): (field.GetOffsetInBits(),
                                      field.GetBitfieldSizeInBits() or 8 * field.GetType().GetByteSize())
                    for field in found.fields}
        raise Fault(nodes.NOT_LINKED)

    def read(self, address, size):
        error = lldb.SBError()
        data = self.process.ReadMemory(address, size, error)
        if error.Fail() or data is None or len(data) != size:
            raise Fault("there is no memory of the program at 0x%x." % address)
        return data

    def write(self, address, data):
        self.process.WriteMemory(address, data, lldb.SBError())

    def ops(self):
        table = self.target.FindFirstGlobalVariable("op_table")
        if not table.IsValid():
            raise Fault(nodes.NO_OP_TABLE)
        return [self.op(table.GetChildAtIndex(i)) for i in range(table.GetNumChildren())]

    def op(self, row):
        texts = [row.GetChildMemberWithName(field).GetValueAsUnsigned() for field in nodes.OP_FIELDS]
        return nodes.Op(row.GetChildMemberWithName("shape").GetValue(),
                        *[self.process.ReadCStringFromMemory(text, 256, lldb.SBError()) for text in texts])

    def local_derivative(self, node, index):
        options = lldb.SBExpressionOptions()
        options.SetIgnoreBreakpoints(True)
        asked = self.target.EvaluateExpression(
            "(double)value_local_derivative((Value *)%d, %d)" % (node.address, index), options)
        if asked.GetError().Fail():
            return None
        error = lldb.SBError()
        number = asked.GetData().GetDouble(error, 0)
        return number if error.Success() else None


def reader(target):
    memory = LldbMemory(target)
    if not target.GetProcess().IsValid() or target.GetProcess().GetState() != lldb.eStateStopped:
        raise Fault("no program is stopped here, so there are no nodes. Set a breakpoint and `run`, or open a core "
                    "file.")
    return nodes.Reader(memory)


def thread_of(target):
    return target.GetProcess().GetSelectedThread()


# ---- frames: V, the graph, the walk ----------------------------------------------------------------------------------

def kind_of(value):
    """"Value *", "Value", ... of an SBValue, by its struct."""
    return value.GetType().GetCanonicalType().GetName().replace("struct ", "").replace("const ", "")


def address_of(value):
    """The address of the node that an SBValue is or points to; None when it is something else."""
    if not value.IsValid() or value.GetError().Fail():
        return None
    kind = kind_of(value)
    if kind == "Value *":
        return value.GetValueAsUnsigned()
    return value.GetLoadAddress() if kind == "Value" and value.GetLoadAddress() != lldb.LLDB_INVALID_ADDRESS else None


def node_of(frame):
    """The address of the node at work in a frame of AT_WORK. The caller's variable is read first: at the first
    instruction of a function without optimisation its own parameter is not yet where the debug information says."""
    caller = thread_of(frame.GetThread().GetProcess().GetTarget()).GetFrameAtIndex(frame.GetFrameID() + 1)
    for where, variable in ((caller, "v"), (frame, AT_WORK[frame.GetFunctionName()][0])):
        address = address_of(where.FindVariable(variable))
        if address is not None:
            return address
    return None


def current_walk(read, target):
    """Where the reverse walk is, from the stack frames: None when no walk is under way."""
    for frame in thread_of(target):
        address = node_of(frame) if frame.GetFunctionName() in AT_WORK else None
        if address is not None and read.is_node(address):
            return nodes.walk_at(read.node(address), AT_WORK[frame.GetFunctionName()][1])
    return None


def current_graph(read, target):
    walk = current_walk(read, target)
    if walk is not None:
        return walk.graph
    for frame in thread_of(target):
        for value in frame.GetVariables(True, True, False, True):
            if kind_of(value) == "Graph *" and read.is_graph(value.GetValueAsUnsigned()):
                return value.GetValueAsUnsigned()
            if kind_of(value) == "Value *" and read.is_node(value.GetValueAsUnsigned()):
                return read.node(value.GetValueAsUnsigned()).graph
    return None


def find_node(read, target, text):
    """The node that a user means: a variable of this frame or a calling one, an expression, a label, or v12."""

    def look_up(text):
        selected = thread_of(target).GetSelectedFrame()
        if text.isidentifier():
            for frame in list(thread_of(target))[selected.GetFrameID():]:
                address = address_of(frame.FindVariable(text))
                if address is not None:
                    return address, None
        return address_of(selected.EvaluateExpression(text)), "it is not a Value * here"

    return nodes.find_node(read, text, look_up, lambda: current_graph(read, target))


# ---- grad step -------------------------------------------------------------------------------------------------------


def run_to(target, *names):
    """Continue to one of these functions; the name of the one reached, or None."""
    points = [target.BreakpointCreateByName(name) for name in names]
    was_async = target.GetDebugger().GetAsync()
    target.GetDebugger().SetAsync(False)
    try:
        target.GetProcess().Continue()
    finally:
        target.GetDebugger().SetAsync(was_async)
        for point in points:
            target.BreakpointDelete(point.GetID())
    if target.GetProcess().GetState() != lldb.eStateStopped:
        return None
    name = thread_of(target).GetFrameAtIndex(0).GetFunctionName()
    return name if name in names else None


def node_at_work(target):
    address = node_of(thread_of(target).GetFrameAtIndex(0))
    if address is None:
        raise Fault("the node that pushes cannot be read here.")
    return reader(target).node(address)


def ended(target, why):
    process = target.GetProcess()
    if process.GetState() == lldb.eStateExited:
        return [nodes.ended(process.GetExitStatus(), why)]
    return ["The program stopped for another reason: %s" % thread_of(target).GetStopDescription(200)]


def see_push(target):
    """At a node that is about to push: run until it has, and explain what it has done."""
    grads = {parent.address: parent.grad for parent in node_at_work(target).parents()}
    if run_to(target, "backward_after") is None:
        return ended(target, "while a node was pushing.")
    node = node_at_work(target)
    LldbMemory(target).set_stop_number(node.graph, 0)
    return nodes.pushed(node, current_walk(node.reader, target), grads)


def step(target, name):
    """To the next node that pushes, or the one of that name: the engine waits for it (graph->stop_number), so it costs
    no time."""
    read = reader(target)
    walk, graph = current_walk(read, target), current_graph(read, target)
    below = walk.turn if walk is not None else None
    while True:
        node = nodes.must_push(nodes.labelled(read, graph, name, below)) if name and graph is not None else None
        if graph is not None:
            LldbMemory(target).set_stop_number(
                graph, node.number if node is not None else 0 if name else nodes.ANY_NUMBER)
        reached = run_to(target, "backward_before", "backward_begin_at")
        if reached is None:
            return ended(target, nodes.not_pushed(name))
        if reached == "backward_before":
            at_work = node_at_work(target)
            if not name or (node is not None and at_work.address == node.address):
                return see_push(target)
            below = at_work.number  # the walk passed it over
        else:  # look for the name from this root on
            read = reader(target)
            root = read.node(address_of(thread_of(target).GetFrameAtIndex(0).FindVariable("root")))
            graph, below = root.graph, root.number + 1


# ---- the command -----------------------------------------------------------------------------------------------------

HELP = (["grad step [NAME]: " + nodes.STEP_HELP] +
        ["grad %s V: %s" % (name, text) for name, (_, text) in nodes.SHOWS.items()] +
        ["V is a Value *, the label of a node, or v12 for node number 12."])
MOST_LINES = 200


def do(target, what, rest):
    if what != "step" and what not in nodes.SHOWS:
        raise Fault("there is no such command. `grad help` lists what there is.")
    read = reader(target)
    if what == "step":
        if not target.FindFunctions("backward_hook"):
            raise Fault(nodes.NOT_LINKED)
        return step(target, rest)
    lines = nodes.SHOWS[what][0](find_node(read, target, rest), current_walk(read, target))
    return nodes.cut(lines, MOST_LINES, "they are not shown")


def grad(debugger, command, result, _internal):
    words = command.split(None, 1)
    what, rest = words[0] if words else "help", words[1].strip() if len(words) > 1 else ""
    try:
        lines = HELP if what == "help" else list(do(debugger.GetSelectedTarget(), what, rest))
        for line in lines:
            result.AppendMessage(line if "utf" in (sys.stdout.encoding or "utf-8").lower() else nodes.plain(line))
    except Fault as fault:
        result.SetError("grad %s: %s" % (what, fault))


def summary(value, _internal):
    """`L = -8 (grad 1) = d * f` for a Value and for a pointer to one."""
    address = address_of(value.GetNonSyntheticValue())
    try:
        return "" if address is None else nodes.summary(LldbMemory(value.GetTarget()), address)
    except Fault:
        return ""  # another library's Value


def __lldb_init_module(debugger, _internal):
    debugger.HandleCommand("command script add -f %s.grad grad" % __name__)
    debugger.HandleCommand("type summary add -F %s.summary Value" % __name__)
