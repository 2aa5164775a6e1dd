# stepgrad_lldb.py - lldb commands that show a graph of Values and explain each push of the gradient in numbers.
#
#     (lldb) command script import viz/debug/stepgrad_lldb.py
#     (lldb) b main
#     (lldb) run
#     (lldb) grad step                 run to the next node of the backward pass and explain it
#     (lldb) grad tree L
#     (lldb) grad help                 the rest
#
# The words of stepgrad-gdb.py and the same output (by stepgrad_nodes.py), but for `grad watch`, `grad unwatch`, `grad
# svg` (lldb cannot call what starts a process) and the window of `layout grad`. Where lldb has no Python, stepgrad.lldb
# gives the one-line summary.
import importlib
import os
import shlex
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
        try:
            asked = ask(self.target, "(double)value_local_derivative((Value *)%d, %d)" % (node.address, index))
        except Fault:
            return None
        error = lldb.SBError()
        number = asked.GetData().GetDouble(error, 0)
        return number if error.Success() else None


def ask(target, statements):
    """The value of statements of C. Nothing stops in what they call, and other threads stand still meanwhile."""
    options = lldb.SBExpressionOptions()
    options.SetIgnoreBreakpoints(True)
    options.SetTryAllThreads(False)
    asked = target.EvaluateExpression(statements, options)
    if asked.GetError().Fail():
        raise Fault("lldb says: %s" % asked.GetError().GetCString().strip().split("\n")[0])
    return asked


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
    name = value.GetType().GetCanonicalType().GetName()  # `Value *const`, when it is an element of such a list
    return name.replace("struct ", "").replace("const ", "").replace("*const", "*")


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


# ---- what other parts of the project do, if they are linked in -------------------------------------------------------


def succeed(target, function, arguments, problem):
    """Call a function that returns whether it succeeded, with `all.error` and `all.report` among its arguments."""
    if not target.FindFunctions(function):
        raise Fault(problem)
    report = "GradCheck report; " if "report" in arguments else ""
    answer = ask(target, "struct { bool succeeded; Error error; %s} all = {0}; all.succeeded = %s(%s); all" % (
        report, function, arguments))
    return answer, answer.GetChildMemberWithName("succeeded").GetValueAsUnsigned() != 0


def text_of(array):
    """The string in an array of char."""
    data = array.GetData()
    text = bytes(data.ReadRawData(lldb.SBError(), 0, data.GetByteSize())).split(b"\0")[0]
    return text.decode("utf-8", "backslashreplace")


def message_of(answer):
    return Fault(nodes.harmless(text_of(answer.GetChildMemberWithName("error").GetChildMemberWithName("message"))))


def grad_check(target, node):
    nodes.must_check(node)
    with nodes.gradients_kept(node.reader, node.graph):
        arguments = '(Value *)%d, 0, false, &all.report, &all.error, (Where){"", 0}' % node.address
        answer, right = succeed(target, "gradcheck_at", arguments, nodes.NO_CHECK)
    report = answer.GetChildMemberWithName("report")
    worst = report.GetChildMemberWithName("worst")
    numbers = {field: float(worst.GetChildMemberWithName(field).GetValue()) for field in nodes.WORST}
    numbers["name"] = text_of(worst.GetChildMemberWithName("name"))
    lines = list(nodes.check_lines(node, {
        field: report.GetChildMemberWithName(field).GetValueAsUnsigned() for field in nodes.COUNTS}, numbers))
    return lines if right else lines + ["%s" % message_of(answer)]


def grad_dot(target, read, rest):
    words = shlex.split(rest)
    if len(words) < 2:
        raise Fault("it needs a file and a node: grad dot FILE V.")
    node = find_node(read, target, " ".join(words[1:]))
    path = os.fsencode(os.path.abspath(os.path.expanduser(words[0])))
    answer, succeeded = succeed(target, "dot_write_at", '(Where){"", 0}, (Value *)%d, "%s", 0, &all.error' % (
        node.address, "".join("\\%03o" % byte for byte in path)), nodes.NO_DOT)
    if not succeeded:
        raise message_of(answer)
    return ["Wrote %s." % words[0]]


# ---- the command -----------------------------------------------------------------------------------------------------

HELP = (["grad step [NAME]: " + nodes.STEP_HELP] +
        ["grad %s V: %s" % (name, text) for name, (_, text) in nodes.SHOWS.items()] +
        ["grad check V: " + nodes.CHECK_HELP,
         "grad dot FILE V: " + nodes.DOT_HELP,
         "Only gdb has grad watch, grad unwatch, grad svg and the window of layout grad.",
         "V is a Value *, the label of a node, or v12 for node number 12."])
INSTEAD = {
    "watch": "`watchpoint set expression -- &V->grad` stops when V's gradient changes; `grad explain` then says why.",
    "unwatch": "`watchpoint delete`.",
    "svg": "`grad dot V.dot V`, and then in a shell `dot -Tsvg V.dot -o V.svg`.",
}
MOST_LINES = 200


def do(target, what, rest):
    if what in INSTEAD:
        raise Fault("only gdb has it. Here: " + INSTEAD[what])
    if what not in ("step", "check", "dot") and what not in nodes.SHOWS:
        raise Fault("there is no such command. `grad help` lists what there is.")
    read = reader(target)
    if what == "step":
        if not target.FindFunctions("backward_hook"):
            raise Fault(nodes.NOT_LINKED)
        return step(target, rest)
    if what == "dot":
        return grad_dot(target, read, rest)
    if what == "check":
        return grad_check(target, find_node(read, target, rest))
    lines = nodes.SHOWS[what][0](find_node(read, target, rest), current_walk(read, target))
    return nodes.cut(lines, MOST_LINES, "they are not shown")


def in_terminal(line):
    return line if "utf" in (sys.stdout.encoding or "utf-8").lower() else nodes.plain(line)


def grad(debugger, command, result, _internal):
    words = command.split(None, 1)
    what, rest = words[0] if words else "help", words[1].strip() if len(words) > 1 else ""
    try:
        lines = HELP if what == "help" else list(do(debugger.GetSelectedTarget(), what, rest))
        for line in lines:
            result.AppendMessage(in_terminal(line))
    except Fault as fault:
        result.SetError(in_terminal("grad %s: %s" % (what, fault)))


def summary(value, _internal):
    """`L = -8 (grad 1) = d * f` for a Value and for a pointer to one."""
    address = address_of(value.GetNonSyntheticValue())
    try:
        return "" if address is None else in_terminal(nodes.summary(LldbMemory(value.GetTarget()), address))
    except Fault:
        return ""  # another library's Value


def __lldb_init_module(debugger, _internal):
    debugger.HandleCommand("command script add -f %s.grad grad" % __name__)
    debugger.HandleCommand("type summary add -F %s.summary Value" % __name__)
