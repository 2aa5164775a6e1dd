#!/usr/bin/env python3
"""23_gpt.py - the same GPT in PyTorch: its gradients, here and now, beside those that chapter 23 has written.

    python3 lessons/23_gpt.py build/lessons/23

Reads weights.txt and gradients.txt there, and writes torch.txt, PyTorch's gradients in the same form. Without PyTorch it
compares with the recorded ones instead, and says so. Exits 1 when an entry is off by more than 1e-15.
"""
import pathlib
import sys

NAME = "isabella"
HEADS, EDGE = 4, 26
MOST = 1e-15
SHAPES = {  # in the order in which the chapter makes them
    "token": (27, 16),
    "place": (16, 16),
    "query": (16, 16),
    "key": (16, 16),
    "value": (16, 16),
    "heard": (16, 16),
    "up": (64, 16),
    "down": (16, 64),
    "logits": (27, 16),
}
RECORDED = pathlib.Path(__file__).resolve().parent / "data" / "names" / "grad_torch.txt"


def read_params(path):
    """The tensors of a file of params by name, each a flat list of numbers in the order of SHAPES."""
    numbers = []
    for line in open(path):
        words = line.split("#")[0].split()
        if len(words) == 1 and words[0] != "end":
            numbers.append(float.fromhex(words[0]))
    tensors, first = {}, 0
    for name, (rows, columns) in SHAPES.items():
        tensors[name] = numbers[first : first + rows * columns]
        first += rows * columns
    if first != len(numbers):
        sys.exit(f"{path}: {len(numbers)} numbers, expected {first}")
    return tensors


def write_params(path, tensors, comment):
    numbers = [number for tensor in tensors.values() for number in tensor]
    with open(path, "w") as out:
        out.write(f"# {comment}\nstepgrad-params 1\nparams {len(numbers)}\n")
        out.writelines(number.hex() + "\n" for number in numbers)
        out.write("end\n")


def normalize(x):
    return x / (x.pow(2).mean(-1, keepdim=True) + 1e-5).sqrt()


def attention(torch, query, key, value):
    """All places and heads at once: the scores of places that may not be seen become minus infinity."""
    n, width = query.shape
    query, key, value = [x.view(n, HEADS, width // HEADS).transpose(0, 1) for x in (query, key, value)]
    scores = query @ key.transpose(1, 2) / (width // HEADS) ** 0.5
    later = torch.ones(n, n).triu(1) == 1
    weights = scores.masked_fill(later, float("-inf")).softmax(-1)
    return (weights @ value).transpose(0, 1).reshape(n, width)


def loss_of(torch, w, name):
    """The model of the chapter on one name; w has a tensor for each of SHAPES."""
    tokens = [EDGE] + [ord(letter) - ord("a") for letter in name] + [EDGE]
    x = normalize(w["token"][tokens[:-1]] + w["place"][: len(tokens) - 1])
    y = normalize(x)
    x = x + attention(torch, y @ w["query"].T, y @ w["key"].T, y @ w["value"].T) @ w["heard"].T
    x = x + torch.relu(normalize(x) @ w["up"].T) @ w["down"].T
    return torch.nn.functional.cross_entropy(x @ w["logits"].T, torch.tensor(tokens[1:]))


def pytorch_gradients(torch, weights):
    w = {
        name: torch.tensor(numbers, dtype=torch.float64).reshape(SHAPES[name]).requires_grad_()
        for name, numbers in weights.items()
    }
    loss_of(torch, w, NAME).backward()
    return {name: tensor.grad.reshape(-1).tolist() for name, tensor in w.items()}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    ours = read_params(folder / "gradients.txt")
    try:
        import torch

        torch.set_num_threads(1)
        theirs, who = pytorch_gradients(torch, read_params(folder / "weights.txt")), f"PyTorch {torch.__version__}"
        write_params(folder / "torch.txt", theirs, f"gradients of the loss of {NAME}, {who}, float64, 1 thread")
        print(f"Compared with {who}, running here:")
    except ImportError:
        theirs = read_params(RECORDED)
        print("Compared with PyTorch 1.13 as recorded (none is installed here):")
    print(f"  {'tensor':8} {'entries':>8} {'equal':>8} {'max |difference|':>18}")
    worst = 0.0
    for name, numbers in theirs.items():
        differences = [abs(a - b) for a, b in zip(ours[name], numbers)]
        most = max(differences) if all(d == d for d in differences) else float("inf")
        equal = sum(a == b for a, b in zip(ours[name], numbers))
        print(f"  {name:8} {len(numbers):8} {equal:8} {most:18.1e}")
        worst = max(worst, most)
    print("ok     every entry agrees" if worst <= MOST else f"FAILED an entry is off by {worst:g}")
    sys.exit(0 if worst <= MOST else 1)


if __name__ == "__main__":
    main()
