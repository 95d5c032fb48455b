"""How likely held-out people's faces are under machines with more and more hidden units.

A restricted Boltzmann machine is trained on all people but a fold's, log Z is estimated by annealed importance
sampling (Salakhutdinov & Murray 2008), and the held-out faces are scored by ``-F(v) - log Z``: nats per face, the
whole joint distribution of the pixels at stake, no labels. With too few units the machine cannot say what faces are
like; with too many it learns by heart, and the curve falls again. Faces of zeros and ones are binary units, all
others Gaussian ones, standardised by the training people: a log density then, of which only differences mean
anything.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch

from mien.learn.architecture.score import Score, scored, smallest_within_one_error
from mien.learn.boltzmann import annealing, divergence
from mien.learn.boltzmann.machine import Block
from mien.learn.boltzmann.standardisation import Standardisation
from mien.learn.inner_folds import inner_folds
from mien.learn.interfaces import Progress, silent
from mien.learn.threads import one_thread

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from mien.learn.architecture.examples import Examples
    from mien.learn.boltzmann.machine import Machine

BINARY_RATE, GAUSSIAN_RATE = 0.05, 0.005
RATE_LEFT = 0.02  # of the rate at the end: what still jitters costs likelihood
WEIGHT_COST = 2e-4


@dataclass(frozen=True, slots=True)
class Options:
    """How the curve is measured.

    Attributes:
        units: sizes to begin with, ascending.
        refinements: how often the gap below the chosen size is halved (in the logarithm); 2 bring sizes that
            double within a fifth.
        folds: groups of people that are held out in turn.
        epochs: passes over the training faces.
        batch: faces per update.
        temperatures: of annealing.
        chains: of annealing.
    """

    units: tuple[int, ...] = (32, 64, 125, 250, 500, 1000)
    refinements: int = 1
    folds: int = 3
    epochs: int = 50
    batch: int = 50
    temperatures: int = 3000
    chains: int = 50

    def __post_init__(self) -> None:
        if not self.units or list(self.units) != sorted(set(self.units)) or self.units[0] < 1:
            raise ValueError(f"units must list sizes of 1 or more, ascending, not {self.units}")
        if self.folds < 2 or self.refinements < 0 or min(self.epochs, self.batch, self.chains) < 1:
            raise ValueError("folds must be 2 or more, refinements 0, epochs, batch and chains 1 or more")
        if self.temperatures < 10:
            raise ValueError(f"temperatures must be 10 or more, not {self.temperatures}")


@dataclass(frozen=True, slots=True)
class Point:
    """One size on the curve.

    Attributes:
        units: hidden units.
        score: log likelihood of held-out faces, nats per face.
        trained: of the faces trained on, the same; far above the score, the machine has learned by heart.
        effective: effective number of annealing chains, the least over folds; near 1, log Z is a guess.
    """

    units: int
    score: Score
    trained: float
    effective: float


@dataclass(frozen=True, slots=True)
class Likelihood:
    """The curve and what is read off it.

    Attributes:
        visible: what the pixels were taken for.
        points: by size, ascending.
        chosen: units of the smallest machine within one standard error of the best.
        best: units of the best.
    """

    visible: Literal["binary", "gaussian"]
    points: tuple[Point, ...]
    chosen: int
    best: int

    @property
    def grows(self) -> bool:
        """Whether the largest machine tried is the chosen one, so that larger ones may be likelier still."""
        return self.chosen == self.points[-1].units


def estimate(examples: Examples, options: Options, seed: int, progress: Progress = silent) -> Likelihood:
    """Measure the curve.

    Args:
        examples: the faces.
        options: how.
        seed: of folds, training and annealing; fold k trains from ``seed + k``.
        progress: called after every machine.

    Raises:
        TrainingError: fewer people than folds, a column that is constant without one fold's people, or a machine
            that diverged or does not fit into memory.
    """
    fold = inner_folds(examples.subjects, options.folds, seed)
    visible: Literal["binary", "gaussian"] = "binary" if np.isin(examples.x, (0, 1)).all() else "gaussian"
    points: dict[int, Point] = {}
    of = (len(options.units) + options.refinements) * options.folds

    def measure(units: int) -> None:
        def done(k: int) -> None:
            progress("likelihood", len(points) * options.folds + k, of)

        points[units] = _point(examples, fold, units, visible, options, seed, done)

    for units in options.units:
        measure(units)
    for _ in range(options.refinements):
        between = _between(points)
        if between in points:
            break
        measure(between)
    progress("likelihood", of, of)
    found = tuple(points[units] for units in sorted(points))
    best = max(found, key=lambda point: point.score.value)
    return Likelihood(visible, found, _chosen(found).units, best.units)


def _chosen(points: tuple[Point, ...]) -> Point:
    return smallest_within_one_error(points, lambda point: point.score, lambda point: point.units)


def _between(points: dict[int, Point]) -> int:
    """The size halfway, in the logarithm, between the chosen one and the next smaller."""
    chosen = _chosen(tuple(points.values())).units
    below = max((units for units in points if units < chosen), default=chosen)
    return round(math.sqrt(chosen * below))


def _point(
    examples: Examples,
    fold: NDArray[np.intp],
    units: int,
    visible: Literal["binary", "gaussian"],
    o: Options,
    seed: int,
    done: Callable[[int], None],
) -> Point:
    held_out = np.empty(len(fold))
    trained, errors, effective = [], [], []
    blocks = (Block(visible, examples.x.shape[1]),)
    rate = BINARY_RATE if visible == "binary" else GAUSSIAN_RATE
    plan = divergence.Options(o.epochs, o.batch, rate, RATE_LEFT, weight_cost=WEIGHT_COST)
    for k in range(o.folds):
        inside, outside = examples.x[fold != k], examples.x[fold == k]
        if visible == "gaussian":
            scale = Standardisation.of(inside)
            inside, outside = scale.entered(inside), scale.entered(outside)
        machine = divergence.train(inside, blocks, units, plan, seed + k).machine
        rows = torch.from_numpy(inside)
        base = annealing.base_rates(rows, blocks)
        log_z = annealing.estimate(machine, base, temperatures=o.temperatures, chains=o.chains, seed=seed + k)
        held_out[fold == k] = _log_likelihoods(machine, torch.from_numpy(outside), log_z.value)
        trained.append(float(_log_likelihoods(machine, rows, log_z.value).mean()))
        errors.append((log_z.high - log_z.value) / annealing.SPREAD)
        effective.append(log_z.effective)
        done(k + 1)
    more = float(np.sqrt(np.square(errors).sum())) / o.folds  # log Z of every fold is drawn by itself
    return Point(units, scored(held_out, examples.subjects, more), float(np.mean(trained)), min(effective))


def _log_likelihoods(machine: Machine, x: torch.Tensor, log_z: float) -> NDArray[np.float64]:
    """Log p(v) (n,) of every row, as ``annealing.log_likelihood`` averages them."""
    with one_thread(), torch.no_grad():
        found: NDArray[np.float64] = (-machine.to(machine.W.double()).free_energy(x.double()) - log_z).numpy()
    return found
