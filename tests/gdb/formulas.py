# formulas.py - sourced in gdb by tests/test_gdb.c, at a stop in `program every`: on every edge below `total`, is the op
# table's text, computed as for a core file, what the engine's function answers?
import __main__ as commands

reader = commands.reader()
edges = [edge for node in commands.nodes.cone(commands.find_node(reader, "total")) for edge in node.edges()]
ops = {edge.child.op.name for edge in edges}
different = []
for edge in edges:
    engine, text = reader.memory.local_derivative(edge.child, edge.i), edge.computed()
    # A text and its function may be rounded differently, in a handful of operations of at most 2^-53 each.
    if engine is None or text is None or not abs(engine - text) <= 1e-15 * max(1, abs(engine)):
        different.append("%s: engine %r, text %r" % (edge.child.line(), engine, text))
table = {op.name for op in reader.ops if not op.shape.endswith("LEAF")}
print("%d edges, ops not tried: %s, different: %s" % (len(edges), sorted(table - ops), different))
