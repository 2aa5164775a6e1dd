#!/usr/bin/env python3
"""Makes golden data for the tests: numbers that PyTorch and arithmetic with 60 digits give.

    make_golden.py graphs SEED COUNT > FILE.adg            random expressions (format: adg.h)
    make_golden.py awkward > FILE.txt                      functions at their awkward points (format: test_awkward.c)
    make_golden.py gradients DATA.csv INIT.txt N OUT_DIR   the moons network: gradients on the first N points
    make_golden.py training DATA.csv INIT.txt STEPS [PERM.txt]   ... and losses while it is trained

Run by hand; needs torch, mpmath and numpy. The same arguments give the same bytes, whatever the machine, but for what
PyTorch's own rounding adds.

How the error bounds of a graph come about (a running error analysis, to first order, doubled in the end):

  Let u = 2^-53. Every node y = f(a, ..) carries a bound e on the error of its computed value:
      e_y = sum over operands of max |f(.. a +- e_a ..) - f(.. a ..)|  +  rounding of f.
  Rounding of f is u|y| for + - * / sqrt, nothing for neg abs relu max min, and 4u|y| for functions of the C library
  (good ones are within 1 ulp, which is 2u|y|). A plain sum of n numbers rounds by n u sum|a|, a dot of n pairs by
  (n + 1) u sum|a b|. Logsumexp of n numbers, lsm and xent round by u (n + 4 + spread) + 2u|y|: spread is the largest
  minus the smallest number, since their difference is rounded before exp, and at most 40, where exp is below u.

  Every node also carries a bound E on the error of its gradient g. A node pushes d g to an operand, where d is the
  local derivative, which is itself off by delta: moved by the errors of the operands as above, and rounded by
  8u|d|, and for exp(a - y) of logsumexp by u|d| (n + 2|y| + m - a) more, since y and a - y are rounded (m is the
  largest). So
      E_a += |d| E_y + |g| delta + u |d g|,   and the sum of m pushes adds m u sum |d g|.
  The sums of absolute values stay large where the true gradient cancels: such gradients are ill-conditioned, and their
  bounds are wide as they must be.

  The natural bound (BN) lets delta have what the textbook formulas lose besides: 8u for 1 - t*t of tanh and s*(1 - s)
  of sigmoid, (n + 4) u for p - 1 of cross-entropy, which are absolute and so large beside a small derivative.
  PyTorch meets it, and this script says so if it does not. The strict bound (BS) does not have that, and has sums
  that are rounded but once, 2u|y| + n^2 u^2 sum|a|: derivatives must keep their digits in saturation and
  sums must be compensated.

  Where nothing rounds (class exact) and where no path leads to a leaf, both bounds are 0: the very double is asked. A
  graph is thrown away where a bound reaches a kink (the tie of a max, the 0 of a relu) or the edge of a domain: there
  a tiny error may turn into a large one.
"""
import csv
import random
import sys

import numpy
import torch
from mpmath import mp, mpf

mp.dps = 60
torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)

U = mpf(2) ** -53


class Unsuitable(Exception):
    """The random graph has no sound bounds (a kink, a domain's edge, huge numbers): try the next."""


# ---- numbers as text -------------------------------------------------------------------------------------------------


def hex_float(number):
    """A double as C99 writes it."""
    number = float(number)
    if number != number:
        return "nan"
    return number.hex() if abs(number) != float("inf") else ("inf" if number > 0 else "-inf")


def double_double(number):
    """The double nearest to number, and the double nearest to what is left."""
    high = float(number)
    return high, float(number - mpf(high))


# ---- the ops: value and local derivatives with mpmath, and PyTorch's function ----------------------------------------
# A derivative is a function of (args, k): by argument k. Kinks are refused in kink_distance.


def sigmoid(a):
    return 1 / (1 + mp.exp(-a)) if a >= 0 else mp.exp(a) / (1 + mp.exp(a))


def log_sum_exp(args):
    largest = max(args)
    return largest + mp.log(mp.fsum(mp.exp(a - largest) for a in args))


def softmax(args, k):
    return mp.exp(args[k] - log_sum_exp(args))


def dot(args):
    half = len(args) // 2
    return mp.fsum(a * b for a, b in zip(args[:half], args[half:]))


def partner(args, k):
    half = len(args) // 2
    return args[(k + half) % len(args)]


def torch_dot(args):
    half = len(args) // 2
    return torch.dot(torch.stack(args[:half]), torch.stack(args[half:]))


VALUE = {
    "add": lambda a: a[0] + a[1],
    "sub": lambda a: a[0] - a[1],
    "mul": lambda a: a[0] * a[1],
    "div": lambda a: a[0] / a[1],
    "neg": lambda a: -a[0],
    "pow": lambda a: mp.power(a[0], a[1]),
    "exp": lambda a: mp.exp(a[0]),
    "log": lambda a: mp.log(a[0]),
    "sqrt": lambda a: mp.sqrt(a[0]),
    "tanh": lambda a: mp.tanh(a[0]),
    "sigmoid": lambda a: sigmoid(a[0]),
    "relu": lambda a: max(a[0], mpf(0)),
    "sin": lambda a: mp.sin(a[0]),
    "cos": lambda a: mp.cos(a[0]),
    "softplus": lambda a: max(a[0], mpf(0)) + mp.log1p(mp.exp(-abs(a[0]))),
    "abs": lambda a: abs(a[0]),
    "max": max,
    "min": min,
    "sum": mp.fsum,
    "dot": dot,
    "lse": log_sum_exp,
}
DERIVATIVE = {
    "add": lambda a, k: mpf(1),
    "sub": lambda a, k: mpf(1 - 2 * k),
    "mul": lambda a, k: a[1 - k],
    "div": lambda a, k: 1 / a[1] if k == 0 else -a[0] / a[1] ** 2,
    "neg": lambda a, k: mpf(-1),
    "pow": lambda a, k: a[1] * mp.power(a[0], a[1] - 1) if k == 0 else mp.power(a[0], a[1]) * mp.log(a[0]),
    "exp": lambda a, k: mp.exp(a[0]),
    "log": lambda a, k: 1 / a[0],
    "sqrt": lambda a, k: 1 / (2 * mp.sqrt(a[0])),
    "tanh": lambda a, k: mp.sech(a[0]) ** 2,
    "sigmoid": lambda a, k: sigmoid(a[0]) * sigmoid(-a[0]),
    "relu": lambda a, k: mpf(a[0] > 0),
    "sin": lambda a, k: mp.cos(a[0]),
    "cos": lambda a, k: -mp.sin(a[0]),
    "softplus": lambda a, k: sigmoid(a[0]),
    "abs": lambda a, k: mp.sign(a[0]),
    "max": lambda a, k: mpf(1) / 2 if a[0] == a[1] else mpf(a[k] > a[1 - k]),
    "min": lambda a, k: mpf(1) / 2 if a[0] == a[1] else mpf(a[k] < a[1 - k]),
    "sum": lambda a, k: mpf(1),
    "dot": partner,
    "lse": softmax,
}
TORCH = {
    "add": lambda a: a[0] + a[1],
    "sub": lambda a: a[0] - a[1],
    "mul": lambda a: a[0] * a[1],
    "div": lambda a: a[0] / a[1],
    "neg": lambda a: -a[0],
    "pow": lambda a: torch.pow(a[0], a[1]),
    "exp": lambda a: torch.exp(a[0]),
    "log": lambda a: torch.log(a[0]),
    "sqrt": lambda a: torch.sqrt(a[0]),
    "tanh": lambda a: torch.tanh(a[0]),
    "sigmoid": lambda a: torch.sigmoid(a[0]),
    "relu": lambda a: torch.relu(a[0]),
    "sin": lambda a: torch.sin(a[0]),
    "cos": lambda a: torch.cos(a[0]),
    "softplus": lambda a: torch.nn.functional.softplus(a[0], threshold=1000.0),
    "abs": lambda a: torch.abs(a[0]),
    "max": lambda a: torch.maximum(a[0], a[1]),
    "min": lambda a: torch.minimum(a[0], a[1]),
    "sum": lambda a: torch.stack(a).sum(),
    "dot": torch_dot,
    "lse": lambda a: torch.logsumexp(torch.stack(a), 0),
}
WITH_CLASS = {"lsm": 1, "xent": -1}  # the sign in front of log softmax
ONCE_ROUNDED = {"add", "sub", "mul", "div", "sqrt"}
NEVER_ROUNDED = {"neg", "abs", "relu", "max", "min"}


def value_of(name, imm, args):
    if name in WITH_CLASS:
        return WITH_CLASS[name] * (args[imm] - log_sum_exp(args))
    return VALUE[name](args)


def derivative_of(name, imm, args, k):
    if name in WITH_CLASS:
        others = mp.fsum(softmax(args, i) for i in range(len(args)) if i != imm)
        return WITH_CLASS[name] * (others if k == imm else -softmax(args, k))
    return DERIVATIVE[name](args, k)


def torch_of(name, imm, args):
    if name in WITH_CLASS:
        return WITH_CLASS[name] * torch.log_softmax(torch.stack(args), 0)[imm]
    return TORCH[name](args)


# ---- rounding --------------------------------------------------------------------------------------------------------


def moved(function, args, errors):
    """How far function(args) moves when each argument moves by its error."""
    here = function(args)
    total = mpf(0)
    for k, error in enumerate(errors):
        if error != 0:
            total += max(abs(function(args[:k] + [args[k] + e] + args[k + 1 :]) - here) for e in (-error, error))
    return total


def rounding_of_value(name, args, y, strict):
    n = len(args)
    if name in NEVER_ROUNDED:
        return mpf(0)
    if name in ONCE_ROUNDED:
        return U * abs(y)
    if name == "sum":
        size = mp.fsum(abs(a) for a in args)
        return 2 * U * abs(y) + n**2 * U**2 * size if strict else n * U * size
    if name == "dot":
        return (n // 2 + 1) * U * dot([abs(a) for a in args])
    if name in WITH_CLASS or name == "lse":
        # each exponent a - m is rounded, and so is each term; of lsm and xent the difference z - log sum as well
        spread = max(args) - min(args)
        return U * (n + 4 + min(spread, 40)) + 2 * U * abs(y)
    return 4 * U * abs(y)


def rounding_of_derivative(name, imm, args, y, d, k, strict):
    if name in {"add", "sub", "mul", "neg", "relu", "abs", "max", "min", "sum", "dot"}:
        return mpf(0)
    bound = 8 * U * abs(d)
    if name in {"tanh", "sigmoid"} and not strict:
        bound += 8 * U
    if name in WITH_CLASS or name == "lse":
        # exp(a - y): the rounding of y and of a - y becomes a relative error
        bound += U * abs(d) * (len(args) + 2 * abs(y) + abs(args[k] - max(args)))
    if name in WITH_CLASS and (k == imm or args[k] == max(args)) and not strict:
        bound += (len(args) + 4) * U
    return bound


def refuse_kinks(name, args, errors):
    """Raise Unsuitable where an error could change the side of a kink or leave the domain."""
    reach = mp.fsum(errors)
    if name in {"relu", "abs"} and reach > 0 and abs(args[0]) <= 4 * reach:
        raise Unsuitable
    if name in {"max", "min"} and reach > 0 and abs(args[0] - args[1]) <= 4 * reach:
        raise Unsuitable
    if name in {"log", "sqrt", "pow"} and args[0] <= 4 * reach:
        raise Unsuitable
    if name == "div" and abs(args[1]) <= 4 * reach:
        raise Unsuitable


# ---- a graph ---------------------------------------------------------------------------------------------------------


class Graph:
    """Nodes are (kind, number) or ("op", name, imm, ids). Values and their error bounds grow with the nodes."""

    def __init__(self, exact=False):
        self.exact = exact  # nothing rounds
        self.nodes, self.values = [], []
        self.errors = {True: [], False: []}  # by strict or natural

    def leaf(self, number, kind="leaf"):
        self.nodes.append((kind, float(number)))
        self.values.append(mpf(float(number)))
        for errors in self.errors.values():
            errors.append(mpf(0))
        return len(self.nodes) - 1

    def op(self, name, ids, imm=None):
        args = [self.values[i] for i in ids]
        y = value_of(name, imm, args)
        if not mp.isfinite(y) or abs(y) > mpf(10) ** 6:
            raise Unsuitable
        new_errors = {}
        for strict, errors in self.errors.items():
            carried = [errors[i] for i in ids]
            refuse_kinks(name, args, carried)
            rounding = mpf(0) if self.exact else rounding_of_value(name, args, y, strict)
            new_errors[strict] = moved(lambda a: value_of(name, imm, a), args, carried) + rounding
        self.nodes.append(("op", name, imm, ids))
        self.values.append(y)
        for strict, errors in self.errors.items():
            errors.append(new_errors[strict])
        return len(self.nodes) - 1

    def parents(self, i):
        return self.nodes[i][3] if self.nodes[i][0] == "op" else []

    def edges(self, i):
        """(parent, local derivative, its bound by strict or natural) of node i."""
        if self.nodes[i][0] != "op":
            return
        _, name, imm, ids = self.nodes[i]
        args = [self.values[p] for p in ids]
        for k, parent in enumerate(ids):
            d = derivative_of(name, imm, args, k)
            delta = {}
            for strict, errors in self.errors.items():
                y, rounding = self.values[i], mpf(0)
                if not self.exact:
                    rounding = rounding_of_derivative(name, imm, args, y, d, k, strict)
                carried = [errors[p] for p in ids]
                delta[strict] = moved(lambda a: derivative_of(name, imm, a, k), args, carried) + rounding
            yield parent, d, delta

    def gradients(self, root):
        """The exact gradient of each node, and its error bounds by strict or natural."""
        count = len(self.nodes)
        grads = [mpf(0)] * count
        pushed, pushes = [mpf(0)] * count, [0] * count
        bounds = {strict: [mpf(0)] * count for strict in self.errors}
        grads[root] = mpf(1)
        for i in range(root, -1, -1):
            for strict in bounds:
                if not self.exact and pushes[i] > 1:
                    bounds[strict][i] += pushes[i] * U * pushed[i]
            if grads[i] == 0 and pushed[i] == 0:
                continue
            for parent, d, delta in self.edges(i):
                push = d * grads[i]
                grads[parent] += push
                pushed[parent] += abs(push)
                pushes[parent] += 1
                for strict in bounds:
                    rounding = mpf(0) if self.exact or abs(d) == 1 else U * abs(push)
                    own = abs(d) * bounds[strict][i] + abs(grads[i]) * delta[strict] + rounding
                    bounds[strict][parent] += own + delta[strict] * bounds[strict][i]
        if self.exact and any(not is_coarse(x) for x in grads + pushed + self.values):
            raise Unsuitable
        return grads, bounds

    def live(self, root):
        reached = {root}
        for i in range(root, -1, -1):
            if i in reached:
                reached.update(self.parents(i))
        return len(reached)

    def torch_results(self, root):
        tensors = []
        for node in self.nodes:
            if node[0] == "op":
                tensors.append(torch_of(node[1], node[2], [tensors[i] for i in node[3]]))
            else:
                tensors.append(torch.tensor(node[1], requires_grad=node[0] == "leaf"))
        if tensors[root].requires_grad:
            tensors[root].backward()
        grads = [0.0 if t.grad_fn is not None or t.grad is None else t.grad.item() for t in tensors]
        return tensors[root].item(), grads


def is_coarse(number):
    """Whether sums and products of such numbers cannot round: a multiple of 2^-25, below 2^25."""
    return abs(number) < 2**25 and mp.isint(mp.ldexp(number, 25))


# ---- random graphs, class by class -----------------------------------------------------------------------------------

UNARY = ["neg", "exp", "log", "sqrt", "tanh", "sigmoid", "relu", "sin", "cos", "softplus", "abs"]
BINARY = ["add", "sub", "mul", "div", "pow", "max", "min"]
LISTS = ["sum", "dot", "lse", "lsm", "xent"]


def leaves(graph, rng, count, low=-2.0, high=2.0):
    return [graph.leaf(rng.uniform(low, high)) for _ in range(count)]


def list_op(graph, rng, name, ids):
    if name == "dot" and len(ids) % 2 == 1:
        ids = ids + [rng.choice(ids)]
    return graph.op(name, ids, rng.randrange(len(ids)) if name in WITH_CLASS else None)


def random_op(graph, rng, ids, names):
    """An op of random earlier nodes, which may be the same twice. Operands out of a domain are mended first."""
    name = rng.choice(names)
    if name in LISTS:
        return list_op(graph, rng, name, [rng.choice(ids) for _ in range(rng.randint(2, 6))])
    args = [rng.choice(ids) for _ in range(1 if name in UNARY else 2)]
    if name in {"log", "sqrt", "pow"}:
        args[0] = graph.op("softplus", [args[0]])
    if name in {"exp", "pow"}:
        args[-1] = graph.op("sin", [args[-1]])
    if name == "div":
        args[1] = graph.op("exp", [graph.op("cos", [args[1]])])
    return graph.op(name, args)


def mixed(graph, rng):
    ids = leaves(graph, rng, rng.randint(3, 9)) + [graph.leaf(rng.randint(-3, 3), "const")]
    for _ in range(rng.randint(8, 35)):
        ids.append(random_op(graph, rng, ids, UNARY + 2 * BINARY + LISTS))
    return list_op(graph, rng, "sum", ids[-6:])


def deep(graph, rng):
    ids = leaves(graph, rng, 3)
    at = ids[0]
    for _ in range(rng.randint(40, 120)):
        name = rng.choice(["tanh", "sin", "add", "mul", "sub", "softplus", "neg"])
        at = graph.op(name, [at] if name in UNARY else [at, rng.choice(ids)])
        if abs(graph.values[at]) > 20:
            at = graph.op("tanh", [at])
    return at


def wide(graph, rng):
    ids = leaves(graph, rng, rng.randint(2, 4))
    terms = []
    for _ in range(rng.randint(20, 60)):
        terms.append(graph.op(rng.choice(["mul", "add", "sub", "max", "min"]), [rng.choice(ids), rng.choice(ids)]))
        terms[-1] = graph.op(rng.choice(["tanh", "sin", "cos", "sigmoid"]), [terms[-1]])
    return graph.op("sum", terms)


def dead(graph, rng):
    """Much is computed that the root does not depend on."""
    ids = leaves(graph, rng, rng.randint(4, 10))
    for _ in range(rng.randint(10, 40)):
        ids.append(random_op(graph, rng, ids, UNARY + BINARY))
    return rng.choice(ids[len(ids) // 3 : len(ids) // 2])


def nary(graph, rng):
    ids = leaves(graph, rng, rng.randint(4, 20))
    for _ in range(rng.randint(2, 5)):
        ids.append(list_op(graph, rng, rng.choice(LISTS), [rng.choice(ids) for _ in range(rng.randint(2, 20))]))
    return ids[-1]


def layer(graph, rng, inputs, width):
    bound = len(inputs) ** -0.5
    outputs = []
    for _ in range(width):
        weights, bias = leaves(graph, rng, len(inputs), -bound, bound), graph.leaf(rng.uniform(-bound, bound))
        outputs.append(graph.op("add", [graph.op("dot", weights + inputs), bias]))
    return outputs


def mlp(graph, rng):
    inputs = [graph.leaf(rng.gauss(0, 1), "const") for _ in range(rng.randint(2, 4))]
    hidden = [graph.op("tanh", [z]) for z in layer(graph, rng, inputs, rng.randint(3, 8))]
    logits = layer(graph, rng, hidden, rng.randint(2, 4))
    return graph.op("xent", logits, rng.randrange(len(logits)))


def satur(graph, rng):
    """Functions far out where they are flat: 1 - t*t has no digits left there."""
    terms = []
    for _ in range(rng.randint(3, 8)):
        x = graph.leaf(rng.choice([-1, 1]) * rng.uniform(8, 30))
        y = graph.op(rng.choice(["tanh", "sigmoid", "softplus"]), [x])
        terms.append(graph.op("mul", [y, graph.leaf(rng.uniform(-2, 2))]))
    logits = [graph.leaf(rng.uniform(-20, 20)) for _ in range(3)]
    terms.append(graph.op(rng.choice(["xent", "lsm"]), logits, rng.randrange(3)))
    return graph.op("sum", terms)


def illsum(graph, rng):
    """Sums of which hardly anything is left."""
    small = leaves(graph, rng, rng.randint(2, 5))
    big = leaves(graph, rng, rng.randint(1, 3), 1e3, 1e5)
    terms = small + big + [graph.op("neg", [b]) for b in big]
    rng.shuffle(terms)
    return graph.op("tanh", [graph.op("sum", terms)])


def exact(graph, rng):
    """Halves and small whole numbers, and ops that do not round."""
    ids = [graph.leaf(rng.randint(-6, 6) / 2) for _ in range(rng.randint(3, 8))]
    for _ in range(rng.randint(5, 25)):
        name = rng.choice(["add", "sub", "mul", "neg", "relu", "abs", "max", "min", "sum", "dot"])
        near = ids[-6:]
        if name in LISTS:
            ids.append(list_op(graph, rng, name, [rng.choice(near) for _ in range(rng.randint(2, 4))]))
        else:
            ids.append(graph.op(name, [rng.choice(near) for _ in range(1 if name in UNARY else 2)]))
    return ids[-1]


CLASSES = [mixed, deep, wide, dead, nary, mlp, satur, illsum, exact]


def expected_text(number, strict, natural, by_torch):
    high, low = double_double(number)
    if not abs(mpf(by_torch) - number) <= 2 * natural:
        print(f"PyTorch misses a natural bound: {by_torch} for {high}, allowed {float(2 * natural)}", file=sys.stderr)
    return " ".join(map(hex_float, (high, low, 2 * strict, 2 * natural, by_torch)))


def node_text(i, node):
    if node[0] != "op":
        return f"{node[0]} {i} {hex_float(node[1])}"
    imm = "" if node[2] is None else f" {node[2]}"
    return f"op {i} {node[1]}{imm} {len(node[3])} " + " ".join(map(str, node[3]))


def graph_text(number, class_name, graph, root):
    grads, bounds = graph.gradients(root)
    if any(abs(g) > mpf(10) ** 9 for g in grads):
        raise Unsuitable
    value, torch_grads = graph.torch_results(root)
    wanted = [i for i, node in enumerate(graph.nodes) if node[0] == "leaf"]
    lines = [f"graph {number} {class_name} {len(graph.nodes)} {len(wanted)} {graph.live(root)}"]
    lines += [node_text(i, node) for i, node in enumerate(graph.nodes)]
    lines.append(f"root {root}")
    errors = graph.errors
    lines.append("value " + expected_text(graph.values[root], errors[True][root], errors[False][root], value))
    for i in wanted:
        lines.append(f"grad {i} " + expected_text(grads[i], bounds[True][i], bounds[False][i], torch_grads[i]))
    return "\n".join(lines + ["end"])


def make_graphs(seed, count):
    print(f"# {count} graphs of seed {seed}, made by make_golden.py")
    rng = random.Random(int(seed))
    made = 0
    while made < int(count):
        make = CLASSES[made % len(CLASSES)]
        graph = Graph(make is exact)
        try:
            print(graph_text(made, make.__name__, graph, make(graph, rng)))
            made += 1
        except (Unsuitable, ZeroDivisionError, ValueError, TypeError):
            pass  # TypeError: mpmath left the real numbers


# ---- awkward points --------------------------------------------------------------------------------------------------

TINY, HUGE = 5e-324, 1.5e308
POINTS = [0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -5.0, 5.0, 18.0, 20.0, -20.0, 37.0, -37.0, 300.0, -300.0]
POINTS += [1e-8, -1e-8, 2.3e-308]
PAIRS = [0.0, 1.0, -1.0, 0.5, 3.0, -40.0, 1e150, 1e-150]


def point_text(name, args):
    exact_args = [mpf(a) for a in args]
    value = value_of(name, None, exact_args)
    grads = [derivative_of(name, None, exact_args, k) for k in range(len(args))]
    return " ".join(["pt", name, str(len(args))] + [hex_float(x) for x in (*args, 1.0, value, *grads)])


def make_awkward():
    """Where the exact value and derivatives are real numbers, ties and relu'(0) by the format's conventions."""
    for name in UNARY + BINARY:
        points = [(a,) for a in POINTS] if name in UNARY else [(a, b) for a in PAIRS for b in PAIRS]
        points += [(TINY,), (HUGE,)] if name in {"neg", "relu", "abs", "sqrt"} else []
        for args in points:
            if name in {"log", "sqrt", "pow"} and args[0] <= 0 or name == "div" and args[1] == 0:
                continue
            print(point_text(name, args))


# ---- the moons network -----------------------------------------------------------------------------------------------

LEARNING_RATE, BATCH = 0.05, 64
TENSORS = ["w1", "b1", "w2", "b2", "w3", "b3"]
exact_tanh = numpy.frompyfunc(mp.tanh, 1, 1)
exact_exp = numpy.frompyfunc(mp.exp, 1, 1)
exact_log = numpy.frompyfunc(mp.log, 1, 1)
to_exact = numpy.frompyfunc(lambda x: mpf(float(x)), 1, 1)
to_double = numpy.frompyfunc(float, 1, 1)


def read_tensors(path):
    tensors, rows = {}, None
    with open(path) as file:
        for line in file:
            if line.startswith("tensor"):
                rows = tensors.setdefault(line.split()[1], [])
            elif rows is not None and line.lstrip("-").startswith("0x"):
                rows.append([float.fromhex(word) for word in line.split()])
    return {name: numpy.array(rows) for name, rows in tensors.items()}


def read_points(path):
    with open(path) as file:
        rows = list(csv.DictReader(file))
    points = numpy.array([[float(row["x0"]), float(row["x1"])] for row in rows])
    return points, numpy.array([int(row["label"]) for row in rows])


def exact_loss_and_gradients(params, points, labels):
    """Mean cross-entropy and its gradients, written out: the deltas of each layer, last layer first."""
    p, n = params, len(points)
    h1 = exact_tanh(points.dot(p["w1"].T) + p["b1"])
    h2 = exact_tanh(h1.dot(p["w2"].T) + p["b2"])
    z = h2.dot(p["w3"].T) + p["b3"]
    log_sums = exact_log(exact_exp(z).sum(axis=1))
    loss = (log_sums - z[numpy.arange(n), labels]).sum() / n
    d3 = exact_exp(z - log_sums[:, None])
    d3[numpy.arange(n), labels] -= 1
    d3 = d3 / n
    d2 = d3.dot(p["w3"]) * (1 - h2 * h2)
    d1 = d2.dot(p["w2"]) * (1 - h1 * h1)
    grads = {"w3": d3.T.dot(h2), "w2": d2.T.dot(h1), "w1": d1.T.dot(points)}
    grads.update({name: d.sum(axis=0)[None, :] for name, d in (("b3", d3), ("b2", d2), ("b1", d1))})
    return loss, grads


def torch_loss(params, points, labels):
    h1 = torch.tanh(points @ params["w1"].T + params["b1"])
    h2 = torch.tanh(h1 @ params["w2"].T + params["b2"])
    return torch.nn.functional.cross_entropy(h2 @ params["w3"].T + params["b3"], labels)


def torch_loss_and_gradients(params, points, labels):
    tensors = {name: torch.tensor(array, requires_grad=True) for name, array in params.items()}
    loss = torch_loss(tensors, torch.tensor(points), torch.tensor(labels))
    loss.backward()
    return loss.item(), {name: tensor.grad.numpy() for name, tensor in tensors.items()}


def write_tensors(path, head, tensors, text):
    with open(path, "w") as file:
        file.write(f"# {head}\n")
        for name in TENSORS:
            rows, columns = tensors[name].shape
            file.write(f"tensor {name} {rows} {columns}\n")
            for row in tensors[name]:
                file.write(" ".join(text(x) for x in row) + "\n")


def double_double_text(number):
    return ":".join(map(hex_float, double_double(number)))


def make_gradients(data, init, count, out_dir):
    points, labels = (array[: int(count)] for array in read_points(data))
    params = read_tensors(init)
    loss, grads = torch_loss_and_gradients(params, points, labels)
    head = f"gradients of the mean cross-entropy on the first {count} points"
    write_tensors(f"{out_dir}/grad{count}_torch.txt", f"{head}, PyTorch; loss {hex_float(loss)}", grads, hex_float)
    exact_params = {name: to_exact(array) for name, array in params.items()}
    loss, grads = exact_loss_and_gradients(exact_params, to_exact(points), labels)
    head = f"{head}, exact, hi:lo; loss {double_double_text(loss)}"
    write_tensors(f"{out_dir}/grad{count}_exact.txt", head, grads, double_double_text)


def batches(count, perm_path):
    """The indices of batch after batch, epoch after epoch: in order, or as the file's lines say."""
    orders = [numpy.arange(count)]
    if perm_path:
        with open(perm_path) as file:
            orders = [numpy.array(line.split(), dtype=int) for line in file if not line.startswith("#")]
    epoch = 0
    while True:
        order = orders[epoch % len(orders)]
        yield from (order[at : at + BATCH] for at in range(0, count, BATCH))
        epoch += 1


def make_training(data, init, steps, perm=None):
    points, labels = read_points(data)
    by_torch = read_tensors(init)
    exact_points, exact_params = to_exact(points), {name: to_exact(array) for name, array in by_torch.items()}
    print(f"# SGD, lr {LEARNING_RATE}, batch {BATCH}: step, loss before it by PyTorch and exact (hi:lo),")
    print("# | max |torch - exact| of a parameter after it")
    rate = mpf(LEARNING_RATE)
    for step, batch in zip(range(1, int(steps) + 1), batches(len(points), perm)):
        loss, grads = torch_loss_and_gradients(by_torch, points[batch], labels[batch])
        exact_loss, exact_grads = exact_loss_and_gradients(exact_params, exact_points[batch], labels[batch])
        for name in TENSORS:
            by_torch[name] = by_torch[name] - LEARNING_RATE * grads[name]
            exact_params[name] = exact_params[name] - rate * exact_grads[name]
        drift = max(abs(to_exact(by_torch[name]) - exact_params[name]).max() for name in TENSORS)
        print(f"step {step} {hex_float(loss)} {double_double_text(exact_loss)} | {float(drift):.3e}", flush=True)


# ---- main ------------------------------------------------------------------------------------------------------------

COMMANDS = {"graphs": make_graphs, "awkward": make_awkward, "gradients": make_gradients, "training": make_training}

if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in COMMANDS:
        sys.exit(__doc__)
    COMMANDS[sys.argv[1]](*sys.argv[2:])
