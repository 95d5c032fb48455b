"""Planted against recovered rank: ``python benchmarks/architecture.py [--seeds N]``.

Data of known rank, by two recipes. *Planes*: Gaussian factors with random loadings, and noise of equal strength in
all directions. *Switches*: hidden units that are on or off, each with binary columns of its own, as a restricted
Boltzmann machine draws them. For each rank and every seed, what each part of ``mien architecture`` counts; the last
column is the share of seeds in which it lies within 20 % of what was planted. ``size`` is the smallest autoencoder
within one standard error of the best at telling hidden values of held-out people, ``likelihood`` the smallest
Boltzmann machine within one standard error of the likeliest; both chose among 0.5, 0.75, 1, 1.5, 2 and 4 times
the planted rank.
"""

from __future__ import annotations

import argparse
from collections import defaultdict

import numpy as np

from mien.learn.architecture import dimension, examples, halving, likelihood
from mien.learn.features import sparse_autoencoder
from mien.learn.heads import softmax
from mien.recipe import Part

COLUMNS, ROWS, PEOPLE = 64, 600, 30
RANKS = (3, 6, 12, 20)
TIMES = (0.5, 0.75, 1, 1.5, 2, 4)
FEATURES = Part("learn.features", "sparse_autoencoder", sparse_autoencoder.Options(8, 0.3, 0.1, 3e-5, 100))
HEAD = Part("learn.heads", "softmax", softmax.Options())


def planes(rank: int, seed: int, noise: float) -> np.ndarray:
    """Rows in [0, 1] near a plane."""
    g = np.random.default_rng([seed, rank])
    x = g.normal(size=(ROWS, rank)) @ g.normal(size=(rank, COLUMNS)) / np.sqrt(rank)
    x += noise * g.normal(size=x.shape)
    return ((x - x.min()) / np.ptp(x)).astype(np.float32)


def switches(rank: int, seed: int) -> np.ndarray:
    """Binary rows, every column switched by one of the hidden units."""
    g = np.random.default_rng([seed, rank, 1])
    weights = np.zeros((rank, COLUMNS))
    weights[np.arange(COLUMNS) % rank, np.arange(COLUMNS)] = 5 * g.choice([-1, 1], COLUMNS)
    h = g.random((ROWS, rank)) < 0.5
    return (g.random((ROWS, COLUMNS)) < 1 / (1 + np.exp(-(h - 0.5) @ weights))).astype(np.float32)


def recovered(x: np.ndarray, rank: int, seed: int, slow: bool) -> dict[str, int]:
    """What every estimate counts."""
    exact = x.astype(np.float64)
    found = {
        "parallel analysis": dimension.parallel(exact, 20, seed),
        "Minka": dimension.minka(dimension.spectrum(exact - exact.mean(axis=0)), len(x)),
    }
    if slow:
        faces = examples.checked(x, [f"p{k % PEOPLE:02}" for k in range(ROWS)], None, 6)
        sizes = tuple(sorted({max(1, round(times * rank)) for times in TIMES}))
        options = halving.Options((1,), sizes, rounds=1, folds=3)
        found["size"] = halving.estimate(faces, FEATURES, HEAD, options, seed).chosen.shape.units
        curve = likelihood.Options(sizes, 0, 3, epochs=150, temperatures=500)
        found["likelihood"] = likelihood.estimate(faces, curve, seed).chosen
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20, help="of the dimensions")
    parser.add_argument("--slow-seeds", type=int, default=3, help="of the estimates that train networks")
    arguments = parser.parse_args()
    kinds = {
        "planes, noise 0.3": lambda rank, seed: planes(rank, seed, 0.3),
        "planes, noise 1.0": lambda rank, seed: planes(rank, seed, 1.0),
        "switches": switches,
    }
    print(f"{COLUMNS} columns, {ROWS} rows of {PEOPLE} people")
    for kind, make in kinds.items():
        for rank in RANKS:
            counts: dict[str, list[int]] = defaultdict(list)
            for seed in range(arguments.seeds):
                for name, count in recovered(make(rank, seed), rank, seed, seed < arguments.slow_seeds).items():
                    counts[name].append(count)
            for name, values in counts.items():
                near = np.mean([abs(value - rank) <= 0.2 * rank for value in values])
                low, middle, high = np.min(values), np.median(values), np.max(values)
                print(
                    f"{kind:18} planted {rank:3} {name:18} median {middle:5.1f} [{low}, {high}], {len(values)} "
                    f"seeds, within 20 %: {near:.0%}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
