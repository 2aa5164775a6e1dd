"""The trainings of moons.c and gpt.c in PyTorch or in NumPy. One thread, float64.

    python3 tests/benchmark/frameworks.py torch|numpy EPOCHS     two moons
    python3 tests/benchmark/frameworks.py gpt STEPS              the GPT of chapter 23, its model that of 23_gpt.py
    python3 tests/benchmark/frameworks.py torch|numpy about      what is imported, and by which Python

Prints the seconds that training took, without start-up, and the loss of the last batch; for the GPT also the median
of the seconds for names with 7 letters.
"""
import importlib
import os
import platform
import re
import statistics
import sys
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

FOLDER = "lessons/data/moons/"
LR, BATCH = 0.05, 64


def read_data():
    rows = [line.split(",") for line in open(FOLDER + "data.csv")][1:]
    return [[float(a), float(b)] for a, b, _ in rows], [int(c) for _, _, c in rows]


def read_params():
    params, rows = [], None
    for line in open(FOLDER + "init.txt"):
        words = line.split()
        if words[0] == "tensor":
            rows = []
            params.append(rows)
        elif rows is not None and words[0].lstrip("-").startswith("0x"):
            rows.append([float.fromhex(word) for word in words])
    return params


def train_torch(epochs):
    import torch

    torch.set_num_threads(1)
    xs, labels = read_data()
    x, label = torch.tensor(xs, dtype=torch.float64), torch.tensor(labels)
    w1, b1, w2, b2, w3, b3 = params = [torch.tensor(p, dtype=torch.float64, requires_grad=True) for p in read_params()]
    sgd = torch.optim.SGD(params, lr=LR)
    start = time.perf_counter()
    for _ in range(epochs):
        for first in range(0, len(x), BATCH):
            h = torch.tanh(x[first : first + BATCH] @ w1.T + b1)
            h = torch.tanh(h @ w2.T + b2)
            loss = torch.nn.functional.cross_entropy(h @ w3.T + b3, label[first : first + BATCH])
            sgd.zero_grad()
            loss.backward()
            sgd.step()
    return time.perf_counter() - start, loss.item()


def train_numpy(epochs):
    import numpy as np

    xs, labels = read_data()
    x, label = np.array(xs), np.array(labels)
    w1, b1, w2, b2, w3, b3 = [np.array(p) for p in read_params()]
    start = time.perf_counter()
    for _ in range(epochs):
        for first in range(0, len(x), BATCH):
            x0, t = x[first : first + BATCH], label[first : first + BATCH]
            n = len(x0)
            h1 = np.tanh(x0 @ w1.T + b1)
            h2 = np.tanh(h1 @ w2.T + b2)
            z = h2 @ w3.T + b3
            z = z - z.max(axis=1, keepdims=True)
            logp = z - np.log(np.exp(z).sum(axis=1, keepdims=True))
            loss = -logp[np.arange(n), t].mean()
            d3 = np.exp(logp)
            d3[np.arange(n), t] -= 1
            d3 /= n
            d2 = (d3 @ w3) * (1 - h2 * h2)
            d1 = (d2 @ w2) * (1 - h1 * h1)
            w3 -= LR * d3.T @ h2
            b3 -= LR * d3.sum(axis=0, keepdims=True)
            w2 -= LR * d2.T @ h1
            b2 -= LR * d2.sum(axis=0, keepdims=True)
            w1 -= LR * d1.T @ x0
            b1 -= LR * d1.sum(axis=0, keepdims=True)
    return time.perf_counter() - start, loss


def train_gpt(steps):
    import importlib.util

    import torch

    spec = importlib.util.spec_from_file_location("gpt", "lessons/23_gpt.py")
    gpt = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(gpt)
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(0)
    names = open("lessons/data/names/names.txt").read().split()[::8][:steps]
    w = {name: (0.08 * torch.randn(shape)).requires_grad_() for name, shape in gpt.SHAPES.items()}
    adam = torch.optim.Adam(w.values(), lr=0.01)
    seven, start = [], time.perf_counter()
    for name in names:
        before = time.perf_counter()
        loss = gpt.loss_of(torch, w, name)
        adam.zero_grad()
        loss.backward()
        adam.step()
        if len(name) == 7:
            seven.append(time.perf_counter() - before)
    return time.perf_counter() - start, loss.item(), statistics.median(seven) if seven else float("nan")


def blas(default):
    """The library of linear algebra that this process has loaded, where Linux lists it."""
    try:
        loaded = re.findall(r"[^/\n]*(?:blas|mkl_core|atlas)[^/\n]*\.so[^/\n]*$", open("/proc/self/maps").read(), re.M)
    except OSError:
        return default
    return ", ".join(sorted(set(loaded))) or default


def about(module):
    library = importlib.import_module(module)
    name = {"numpy": "NumPy", "torch": "PyTorch"}[module]
    return (f"{name} {library.__version__}, 1 thread, float64, BLAS {blas('of its own')}; "
            f"Python {platform.python_version()}, {sys.executable}")


job, size = sys.argv[1:]
if size == "about":
    print(about(job))
else:
    results = {"torch": train_torch, "numpy": train_numpy, "gpt": train_gpt}[job](int(size))
    print(*(f"{number:.17g}" for number in results))
