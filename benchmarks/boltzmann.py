"""Restricted Boltzmann machines on faces: ``python benchmarks/boltzmann.py --data ferplus:PATH [--epochs 50]``.

Trains 576-250 machines on the official training faces of FER+, min-max scaled to 24x24 grey pixels in [0, 1], which
all learners take as probabilities of binary units: ours by CD-1 and by PCD, scikit-learn's ``BernoulliRBM`` (PCD)
with batches of its own default size and of ours. Prints what training took on one thread, by the clock and of the
processor, which other work beside it hardly lengthens; and the mean log likelihood of training and of validation
faces, by one and the same annealed importance sampling. For it binary faces are drawn once from the grey ones: a
binary machine gives probabilities to binary faces only. ``+-`` is what the estimate of log Z adds, at 3 standard
deviations; "from below" is RAISE's conservative estimate on the first validation faces, beside AIS's on the same
ones.

Learning rates of either side were chosen on the validation faces, so the validation figures favour both alike: ours
of 0.02 and 0.05 (falling to 0.02 of that); scikit-learn's, after 10 epochs, of 0.1 (its default), 0.01, 0.003,
0.001 and 0.0003 in batches of 10, and of 0.1, 0.02, 0.005 and 0.002 in batches of 100.
"""

from __future__ import annotations

import argparse
import math
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from sklearn.neural_network import BernoulliRBM

from mien.data import parts
from mien.data.opening import open_dataset
from mien.faces import patches
from mien.learn import training_set
from mien.learn.boltzmann import annealing, divergence, watching
from mien.learn.boltzmann.machine import Block, Machine
from mien.learn.threads import one_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

UNITS, SIDE = 250, 24
BLOCKS = (Block("binary", SIDE * SIDE),)
BELOW = 300  # validation faces that the conservative estimate is taken on
CD = divergence.Options(rate=0.05, rate_left=0.02)
PCD = divergence.Options(rate=0.02, rate_left=0.02, persistent=True)


@dataclass(frozen=True, slots=True)
class Row:
    """One machine: seconds of training by the clock and of the processor, log Z, log likelihoods in nats a face."""

    name: str
    seconds: tuple[float, float]
    log_z: annealing.LogPartition
    training: float
    validation: float
    first: float
    below: float


def ours(x: NDArray[np.float32], options: divergence.Options) -> Machine:
    """Trained by this project."""
    return divergence.train(x, BLOCKS, UNITS, options, 0).machine


def watched(
    x: NDArray[np.float32], options: divergence.Options, other: NDArray[np.float32], folder: Path
) -> Machine:
    """The same; filters, fantasies and the curve, with the free-energy gap to other faces, go to ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    watch = watching.watcher(folder)
    return divergence.train(x, BLOCKS, UNITS, options, 0, held_out=other, watch=watch).machine


def theirs(x: NDArray[np.float32], epochs: int, batch: int, rate: float) -> Machine:
    """Trained by scikit-learn."""
    with one_thread():
        found = BernoulliRBM(UNITS, learning_rate=rate, batch_size=batch, n_iter=epochs, random_state=0).fit(x)
    tensors = (found.components_, found.intercept_hidden_, found.intercept_visible_)
    weights, hidden, visible = (torch.tensor(array, dtype=torch.float32) for array in tensors)
    return Machine(weights, hidden, visible, BLOCKS)


def learners(x: NDArray[np.float32], epochs: int) -> dict[str, Callable[[], Machine]]:
    """What is compared, by name."""
    return {
        "ours, CD-1, batches of 100": lambda: ours(x, replace(CD, epochs=epochs)),
        "ours, PCD, batches of 100": lambda: ours(x, replace(PCD, epochs=epochs)),
        "scikit-learn, batches of 10, rate 0.1 (its defaults)": lambda: theirs(x, epochs, 10, 0.1),
        "scikit-learn, batches of 10, rate 0.001 (chosen)": lambda: theirs(x, epochs, 10, 0.001),
        "scikit-learn, batches of 100, rate 0.1": lambda: theirs(x, epochs, 100, 0.1),
        "scikit-learn, batches of 100, rate 0.005 (chosen)": lambda: theirs(x, epochs, 100, 0.005),
    }


def drawn(grey: NDArray[np.float32], seed: int) -> torch.Tensor:
    """Binary faces, once drawn from the grey ones."""
    random = np.random.default_rng(seed)
    return torch.from_numpy((random.random(grey.shape, np.float32) < grey).astype(np.float32))


def measured(
    name: str, seconds: tuple[float, float], machine: Machine, faces: list[torch.Tensor], temperatures: int
) -> Row:
    """All figures of one machine."""
    training, validation = faces
    base = annealing.base_rates(training, BLOCKS)
    up = annealing.estimate(machine, base, temperatures=temperatures, seed=1)
    first = validation[:BELOW]
    down = annealing.from_above(machine, base, first, temperatures=temperatures, seed=2)
    return Row(
        name, seconds, up,
        annealing.log_likelihood(machine, training, up.value),
        annealing.log_likelihood(machine, validation, up.value),
        annealing.log_likelihood(machine, first, up.value),
        annealing.log_likelihood(machine, first, down.value),
    )  # fmt: skip


def faces(spec: str, part: str) -> NDArray[np.float32]:
    """The faces of an official part as rows of pixels."""
    cut = training_set.cut(parts.of_part(open_dataset(spec), part).items, patches.Options(size=SIDE))
    return cut.reshape(len(cut), -1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", required=True, help="ferplus:PATH")
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--temperatures", type=int, default=3000, help="of annealing")
    parser.add_argument("--only", default="", help="learners whose name contains this")
    parser.add_argument(
        "--pictures", type=Path, metavar="DIR", help="of our PCD machine while it learns, no figures"
    )
    given = parser.parse_args()
    x, other = faces(given.data, "train"), faces(given.data, "validation")
    if given.pictures:
        watched(x, replace(PCD, epochs=given.epochs), other, given.pictures)
        return
    states = [drawn(x, 0), drawn(other, 1)]
    mean = annealing.base_rates(states[0], BLOCKS)
    alone = Machine(torch.zeros(1, len(mean)), torch.zeros(1), mean.float(), BLOCKS)
    log_z = math.log(2) + float(torch.nn.functional.softplus(mean).sum())
    print(f"{len(x)} faces, {given.epochs} epochs, {SIDE * SIDE}-{UNITS}; log likelihood in nats per face")
    print(f"independent pixels: training {annealing.log_likelihood(alone, states[0], log_z):.1f}, validation "
          f"{annealing.log_likelihood(alone, states[1], log_z):.1f}", flush=True)  # fmt: skip
    print(f"{'':54} seconds  of CPU  training  validation    +-  chains |  first {BELOW}: by AIS, from below")
    for name, learn in learners(x, given.epochs).items():
        if given.only not in name:
            continue
        begin = time.perf_counter(), time.process_time()
        machine = learn()
        seconds = time.perf_counter() - begin[0], time.process_time() - begin[1]
        row = measured(name, seconds, machine, states, given.temperatures)
        likelihood = f"{row.training:8.2f}  {row.validation:10.2f}  {row.log_z.high - row.log_z.value:4.2f}"
        print(f"{name:54} {seconds[0]:7.1f} {seconds[1]:7.1f}  {likelihood}  {row.log_z.effective:6.1f} |         "
              f"{row.first:13.2f}  {row.below:10.2f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
