"""Speed of learning: ``python benchmarks/learning.py [--full]``.

Prints, from one run on one core: microseconds per step of the online rule for the two networks of 2010, and what
four million steps take (measured with ``--full``, else multiplied); seconds for the batch form; the same steps by
torch, one example at a time, for comparison. Patches are noise of the right shape; times do not depend on them.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from statistics import median

import numpy as np
import torch

from mien.learn import equations
from mien.learn.equations import Autoencoder
from mien.learn.features import online_autoencoder, sparse_autoencoder
from mien.learn.threads import one_thread

MILLIONS = 4_000_000
NETWORKS = {
    "64-30-64 tanh": (64, online_autoencoder.Options(30, "tanh", 0.007, 5.0, 0.002, -0.996)),
    "576-250-576 logistic": (576, online_autoencoder.Options(250)),
}


def online(inputs: int, options: online_autoencoder.Options, steps: int) -> float:
    """Seconds that ``steps`` take, compilation left out."""
    x = patches(inputs, options.activation)
    online_autoencoder.train(x, replace(options, steps=1000), 0)
    begin = time.perf_counter()
    online_autoencoder.train(x, replace(options, steps=steps), 0)
    return time.perf_counter() - begin


def by_torch(inputs: int, options: online_autoencoder.Options, steps: int) -> float:
    """Seconds that the same rule takes as ``learn.equations`` states it."""
    x = torch.from_numpy(patches(inputs, options.activation))
    p = Autoencoder(*(torch.rand(shape) * 0.01 for shape in ((options.units, inputs), options.units,
                                                             (inputs, options.units), inputs)))  # fmt: skip
    rho_hat = torch.zeros(options.units)
    begin = time.perf_counter()
    for step in range(steps):
        p, rho_hat = equations.online_step(
            p, rho_hat, x[step % len(x)], alpha=options.alpha, beta=options.beta, lam=options.weight_decay,
            rho=options.rho, activation=options.activation,
        )  # fmt: skip
    return time.perf_counter() - begin


def patches(inputs: int, activation: str) -> np.ndarray:
    """Rows of noise in the range that the units reach."""
    x = np.random.default_rng(0).random((2000, inputs), np.float32)
    return 2 * x - 1 if activation == "tanh" else x


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--full", action="store_true", help="run all four million steps")
    parser.add_argument("--rounds", type=int, default=3)
    full, rounds = (arguments := parser.parse_args()).full, arguments.rounds
    with one_thread():
        for name, (inputs, options) in NETWORKS.items():
            steps = 400_000 if inputs == 64 else 60_000
            taken, slow = [], []
            for _ in range(rounds):  # interleaved, so that both meet the same machine
                taken.append(online(inputs, options, steps) / steps)
                slow.append(by_torch(inputs, options, 1000) / 1000)
            each, other = median(taken), median(slow)
            print(f"{name}: {each * 1e6:.1f} us a step, torch {other * 1e6:.0f} us ({other / each:.0f} times)")
            if full:
                print(f"  4 million steps, measured: {online(inputs, options, MILLIONS):.0f} s")
            else:
                print(f"  4 million steps, multiplied: {each * MILLIONS:.0f} s")
        faces = patches(576, "logistic")[:900]
        options = sparse_autoencoder.Options(250, 0.3, 0.1, 3e-5, 100)
        times = []
        for _ in range(rounds):
            begin = time.perf_counter()
            sparse_autoencoder.build(options).fit(faces, 0)
            times.append(time.perf_counter() - begin)
        print(f"batch form, 576-250-576, 900 faces, 100 iterations of L-BFGS: {median(times):.1f} s")


if __name__ == "__main__":
    main()
