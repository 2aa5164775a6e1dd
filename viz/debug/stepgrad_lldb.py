# stepgrad_lldb.py - lldb commands that show a graph of Values and explain each push of the gradient in numbers.
#
#     (lldb) command script import viz/debug/stepgrad_lldb.py
#     (lldb) b main
#     (lldb) run
#     (lldb) grad step                 run to the next node of the backward pass and explain it
#     (lldb) grad tree L
#     (lldb) grad help                 the rest
#
# The little brother of stepgrad-gdb.py: the same words (from stepgrad_nodes.py), without watches and windows. Where
# lldb has no Python, stepgrad.lldb gives the one-line summary.
import importlib
import os
import re
import sys

import lldb

WRITE_NO_BYTECODE, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # leaves no __pycache__ in viz/
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stepgrad_nodes as nodes  # noqa: E402

importlib.reload(nodes)  # imported again: read again
sys.path.pop(0)
sys.dont_write_bytecode = WRITE_NO_BYTECODE
Fault = nodes.Fault

STRUCTS = {
    "Value": "data grad label a b list block n op needs_grad has_bias",
    "Block": "graph older first_number node_count released has_gradients nodes",
    "Graph": "newest stop_number",
}
NOT_LINKED = ("this program has no Value of stepgrad in its debug information. Load a program that links the engine, "
              "compiled with -g.")


class LldbMemory(nodes.Memory):
    def __init__(self, target):
        self.process = target.GetProcess()
        self.target = target
        self.pointer_size = target.GetAddressByteSize()
        self.byte_order = ">" if target.GetByteOrder() == lldb.eByteOrderBig else "<"
        self.fields, self.sizes = {}, {}
        for name, wanted in STRUCTS.items():
            struct = self.struct_type(name, set(wanted.split()))
            self.sizes[name] = struct.GetByteSize()
            for field in struct.fields:
                if field.GetName() in wanted.split():
                    size = (field.GetBitfieldSizeInBits() + 7) // 8 or field.GetType().GetByteSize()
                    self.fields["%s.%s" % (name, field.GetName())] = (field.GetOffsetInBits() // 8, size)

    def struct_type(self, name, wanted):
        for found in self.target.FindTypes(name):
            found = found.GetCanonicalType()
            if wanted <= {field.GetName() for field in found.fields}:
                return found
        raise Fault(NOT_LINKED)

    def read(self, address, size):
        error = lldb.SBError()
        data = self.process.ReadMemory(address, size, error)
        if error.Fail() or data is None or len(data) != size:
            raise Fault("there is no memory of the program at 0x%x." % address)
        return data

    def ops(self):
        table = self.target.FindFirstGlobalVariable("op_table")
        if not table.IsValid() or not table.GetChildAtIndex(0).GetChildMemberWithName("da_text").IsValid():
            raise Fault("the engine's op_table is not in the debug information: compile the engine with -g.")
        texts = [[row.GetChildMemberWithName(x).GetValueAsUnsigned() for x in ("name", "text", "da_text", "db_text")]
                 for row in (table.GetChildAtIndex(i) for i in range(table.GetNumChildren()))]
        shapes = [table.GetChildAtIndex(i).GetChildMemberWithName("shape").GetValue()
                  for i in range(table.GetNumChildren())]
        read = lambda address: self.process.ReadCStringFromMemory(address, 256, lldb.SBError())  # noqa: E731
        return [nodes.Op(read(name), shape, read(text), read(da), read(db))
                for shape, (name, text, da, db) in zip(shapes, texts)]

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
    if not target.GetProcess().IsValid() or target.GetProcess().GetState() != lldb.eStateStopped:
        raise Fault("no program is stopped here, so there are no nodes. Set a breakpoint and `run`, or open a core "
                    "file.")
    return nodes.Reader(LldbMemory(target))


def thread_of(target):
    return target.GetProcess().GetSelectedThread()


# ---- frames: V, the graph, the walk ----------------------------------------------------------------------------------

AT_WORK = {
    "backward_hook": ("node", "after"),
    "backward_after": ("node", "after"),
    "backward_before": ("node", "before"),
    "push_gradient": ("v", "before"),
}


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
    """The address of the node at work in a frame of AT_WORK. The caller's variable is asked first: at the first
    instruction of a function without optimisation its own parameter is not yet where the debug information says."""
    caller = thread_of(frame.GetThread().GetProcess().GetTarget()).GetFrameAtIndex(frame.GetFrameID() + 1)
    for where, variable in ((caller, "v"), (frame, AT_WORK[frame.GetFunctionName()][0])):
        address = address_of(where.FindVariable(variable))
        if address is not None:
            return address
    return None


def current_walk(read, target):
    """Where the reverse walk is, told by the frames: None when no walk is under way."""
    for frame in thread_of(target):
        name = frame.GetFunctionName()
        if name in AT_WORK:
            phase = AT_WORK[name][1]
            address = node_of(frame)
            if address is not None and read.is_node(address):
                node = read.node(address)
                turn = node.number + 1 if phase == "before" else node.number
                return nodes.Walk(node.graph, turn, node.address, phase)
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
    if not text:
        raise Fault("it needs a node: a Value * of the program, a label, or v12 for node number 12.")
    address = None
    if re.match(r"^\w+$", text):
        for frame in list(thread_of(target))[thread_of(target).GetSelectedFrame().GetFrameID():]:
            address = address_of(frame.FindVariable(text))
            if address is not None:
                break
    if address is None:
        address = address_of(thread_of(target).GetSelectedFrame().EvaluateExpression(text))
    if address is not None:
        try:
            return read.node(address)
        except Fault as fault:
            raise Fault("%s: %s" % (text, fault))
    graph = current_graph(read, target)
    node = nodes.labelled(read, graph, text) if graph is not None else None
    if node is None:
        raise Fault("%s is neither a Value * here nor the label of a node%s." % (
            text, " of a graph in sight" if graph is None else ""))
    return node


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


def ended(target, wanted):
    process = target.GetProcess()
    if process.GetState() == lldb.eStateExited:
        return ["The program has ended with status %d: %s" % (process.GetExitStatus(), wanted)]
    return ["The program stopped for another reason: %s" % thread_of(target).GetStopDescription(200)]


def step_to_next(target):
    if run_to(target, "push_gradient") is None:
        return ended(target, "there was no further node in a backward pass.")
    grads = {parent.address: parent.grad for parent in node_at_work(target).parents()}
    if run_to(target, "backward_hook") is None:
        return ended(target, "while a node was pushing.")
    return push_lines(target, grads)


def push_lines(target, grads):
    node = node_at_work(target)
    walk = current_walk(node.reader, target)
    following = nodes.next_node(node.reader, walk)
    return list(nodes.explain(node, walk, grads)) + [
        "Next: %s" % following.line() if following is not None else "That was the last node of this walk."]


def set_stop_number(target, graph, number):
    memory = LldbMemory(target)
    offset, size = memory.fields["Graph.stop_number"]
    order = "little" if memory.byte_order == "<" else "big"
    target.GetProcess().WriteMemory(graph + offset, number.to_bytes(size, order), lldb.SBError())


def target_node(read, graph, text, below):
    node = nodes.labelled(read, graph, text, below) if graph is not None else None
    if node is not None and node.is_leaf:
        raise Fault("%s is a leaf (%s): it has nobody to push to." % (node.name, node.op.name))
    return node


def step_to(target, text):
    """To the node of that name: the engine waits for it (graph->stop_number), so it costs no time."""
    read = reader(target)
    walk = current_walk(read, target)
    graph = current_graph(read, target)
    node = target_node(read, graph, text, walk.turn if walk is not None else None)
    grads = {}
    while True:
        if node is not None:
            set_stop_number(target, node.graph, node.number)
        reached = run_to(target, "backward_before", "backward_begin_at")
        if reached is None:
            return ended(target, "no node called %s has pushed a gradient." % text)
        if reached == "backward_begin_at":
            if run_to(target, "push_gradient") is None:
                continue
            root = node_at_work(target)
            node = target_node(root.reader, root.graph, text, root.number + 1)
            if node is None or node.address != root.address:
                continue
        at_work = node_at_work(target)
        set_stop_number(target, at_work.graph, 0)
        if node is None or at_work.address != node.address:
            continue  # the walk passed it over
        grads = {parent.address: parent.grad for parent in at_work.parents()}
        if run_to(target, "backward_hook") is None:
            return ended(target, "while a node was pushing.")
        return push_lines(target, grads)


# ---- the command -----------------------------------------------------------------------------------------------------

HELP = [
    "grad step [NAME]: run to the next node of the backward pass, or to the one of that name, and explain its push",
    "grad explain V:   each product that V pushes to its parents, in symbols and numbers",
    "grad tree V:      V and what it was computed from, as a tree",
    "grad order V:     the topological order of what V was computed from",
    "grad edges V:     which edges below V have pushed, and which wait",
    "grad why-nan V:   the first value (or else gradient) below V that is not finite, its op and its operands",
    "V is a Value *, the label of a node, or v12 for node number 12.",
]
MOST_LINES = 200


def do(target, what, rest):
    if what == "step":
        if not target.FindFunctions("backward_hook"):
            raise Fault(NOT_LINKED)
        reader(target)
        return step_to(target, rest) if rest else step_to_next(target)
    if what == "why-nan":
        return nodes.why_nan(find_node(reader(target), target, rest))
    shows = {"tree": nodes.tree, "explain": nodes.explain, "order": nodes.order, "edges": nodes.edges}
    if what not in shows:
        raise Fault("there is no such command. `grad help` lists what there is.")
    read = reader(target)
    node = find_node(read, target, rest)
    return nodes.cut(shows[what](node, current_walk(read, target)), MOST_LINES, "they are not shown")


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
    try:
        address = address_of(value.GetNonSyntheticValue())
        if address is None:
            return ""
        return nodes.Reader(LldbMemory(value.GetTarget())).node(address).line()
    except nodes.Released:
        return "released"
    except Fault:
        return "NULL" if address == 0 else "no node"


def __lldb_init_module(debugger, _internal):
    debugger.HandleCommand("command script add -f %s.grad grad" % __name__)
    debugger.HandleCommand("type summary add -F %s.summary Value" % __name__)
