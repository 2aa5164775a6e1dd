#!/usr/bin/env python3
"""20_pytorch.py - the same gradients by PyTorch, here and now, beside those that chapter 20 has written.

    python3 lessons/20_pytorch.py build/lessons/20/gradients.txt

Without PyTorch it compares with the recorded gradients instead, and says so. Exits 1 when an entry is off by 1e-15 or more.
"""
import csv
import pathlib
import sys

POINTS = 128
MOST = 1e-15  # 1218 sums of some hundred terms below 1; see the chapter
DATA = pathlib.Path(__file__).resolve().parent / "data" / "moons"


def read_tensors(path):
    """The tensors of a file as lists of numbers, by name: w1 b1 w2 b2 w3 b3."""
    tensors, name = {}, None
    for line in open(path):
        words = line.split("#")[0].split()
        if words and words[0] == "tensor":
            name = words[1]
            tensors[name] = []
        elif words and words[0] == "end":
            name = None
        elif name is not None:
            tensors[name] += [float.fromhex(word) for word in words]
    return tensors


def pytorch_gradients(torch):
    """d(mean cross-entropy)/d(each param) on the first POINTS rows, as PyTorch computes them."""
    weights = read_tensors(DATA / "init.txt")
    rows = list(csv.reader(open(DATA / "data.csv")))[1 : POINTS + 1]
    x = torch.tensor([[float(row[0]), float(row[1])] for row in rows], dtype=torch.float64)
    labels = torch.tensor([int(row[2]) for row in rows])
    params = {}
    for layer, (inputs, outputs) in enumerate([(2, 32), (32, 32), (32, 2)], start=1):
        for name, shape in ((f"w{layer}", (outputs, inputs)), (f"b{layer}", (outputs,))):
            params[name] = torch.tensor(weights[name], dtype=torch.float64).reshape(shape).requires_grad_()
    h = torch.tanh(x @ params["w1"].T + params["b1"])
    h = torch.tanh(h @ params["w2"].T + params["b2"])
    logits = h @ params["w3"].T + params["b3"]
    torch.nn.functional.cross_entropy(logits, labels).backward()
    return {name: param.grad.reshape(-1).tolist() for name, param in params.items()}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    ours = read_tensors(sys.argv[1])
    try:
        import torch

        torch.set_num_threads(1)
        theirs, who = pytorch_gradients(torch), f"PyTorch {torch.__version__}, running here"
    except ImportError:
        theirs, who = read_tensors(DATA / "grad128_torch.txt"), "PyTorch 1.13 as recorded (none is installed here)"
    print(f"Compared with {who}:")
    print(f"  {'param':6} {'entries':>8} {'equal':>8} {'max |difference|':>18}")
    worst = 0.0
    for name, numbers in theirs.items():
        if len(ours.get(name, [])) != len(numbers):
            sys.exit(f"{sys.argv[1]}: tensor {name} has {len(ours.get(name, []))} entries, expected {len(numbers)}")
        differences = [abs(a - b) for a, b in zip(ours[name], numbers)]
        equal = sum(a == b for a, b in zip(ours[name], numbers))
        worst = max([worst] + differences) if all(d == d for d in differences) else float("inf")
        print(f"  {name:6} {len(numbers):8} {equal:8} {max(differences):18.1e}")
    print("ok     every entry agrees" if worst < MOST else f"FAILED an entry is off by {worst:g}")
    sys.exit(0 if worst < MOST else 1)


if __name__ == "__main__":
    main()
