"""How many units of a large layer are in use: those that are left when what changes nothing is taken out.

Three kinds of units can go. **Silent** ones hardly change from face to face: their mean can be added to the biases
of the layer above. **Doubles** say what another unit says already. **Spare** ones add nothing to what the others
together know of other people's faces: units are ordered by pivoted QR (Golub & Van Loan, section 5.5.6), each next
one that which varies most beside those before it, and the shortest head of that order is kept that tells hidden
pixels of held-out faces (``reconstruction``) within one standard error of the best.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.linalg import qr

from mien.learn.architecture import reconstruction
from mien.learn.architecture.score import Score, scored
from mien.learn.inner_folds import inner_folds
from mien.learn.interfaces import Progress, silent
from mien.learn.threads import one_thread

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mien.learn.architecture.examples import Examples
    from mien.learn.interfaces import FeatureLearner

    Floats = NDArray[np.float64]

SILENT = 0.01
"""Standard deviation over faces below which a unit, which spans 0 to 1, says nothing."""

DOUBLE = 0.95
"""Correlation, of either sign, from which on two units say the same."""

GROWTH = 1.2  # between the sizes that are tried


@dataclass(frozen=True, slots=True)
class Options:
    """What is pruned.

    Attributes:
        units: of the layer to begin with.
        folds: groups of people; each trains a layer and is pruned on the people left out.
    """

    units: int = 500
    folds: int = 3

    def __post_init__(self) -> None:
        if self.units < 2 or self.folds < 2:
            raise ValueError("units and folds must be 2 or more")


@dataclass(frozen=True, slots=True)
class Pruning:
    """What is left of a layer.

    Attributes:
        units: it began with.
        silent: units that hardly change, mean over folds.
        doubles: units that repeat another, mean over folds.
        spare: units that the others make up for, mean over folds.
        left: units in use, mean over folds,
        low: the least over folds, and
        high: the most.
        curve: share of the hidden pixels that the first units of the order tell: (units, score), ascending.
    """

    units: int
    silent: float
    doubles: float
    spare: float
    left: float
    low: int
    high: int
    curve: tuple[tuple[int, Score], ...]


def estimate(
    examples: Examples, learner: FeatureLearner, options: Options, seed: int, progress: Progress = silent
) -> Pruning:
    """Train a large layer without each fold's people and take out what they do not need.

    Args:
        examples: the faces.
        learner: of ``options.units`` units.
        options: how.
        seed: of folds and training.
        progress: called after every fold.

    Raises:
        TrainingError: fewer people than folds, or the learning diverged.
    """
    fold = inner_folds(examples.subjects, options.folds, seed)
    sizes = _sizes(options.units)
    shares = np.empty((len(sizes), len(fold)))
    layers: list[_Layer] = []
    for k in range(options.folds):
        progress("pruning", k, options.folds)
        inside, outside = examples.x[fold != k], examples.x[fold == k]
        features = learner.fit(inside, seed + k)
        layers.append(_Layer.of(features.encode(inside).astype(np.float64)))
        hidden = reconstruction.hide(features.encode, inside, outside, seed)
        for row, size in zip(shares, sizes, strict=True):
            row[fold == k] = reconstruction.shares(hidden, layers[-1].ordered[:size])
    progress("pruning", options.folds, options.folds)
    curve = tuple((size, scored(row, examples.subjects)) for size, row in zip(sizes, shares, strict=True))
    error = max((score for _, score in curve), key=lambda score: score.value).error
    left = [min(_needed(sizes, shares[:, fold == k], error), len(layers[k].ordered)) for k in range(options.folds)]
    quiet = float(np.mean([layer.silent for layer in layers]))
    doubles = float(np.mean([layer.doubles for layer in layers]))
    mean = float(np.mean(left))
    spare = options.units - quiet - doubles - mean
    return Pruning(options.units, quiet, doubles, spare, mean, min(left), max(left), curve)


@dataclass(frozen=True, slots=True, eq=False)
class _Layer:
    """Units of a trained layer: how many say nothing or nothing new, and the others by what they add."""

    silent: int
    doubles: int
    ordered: NDArray[np.intp]

    @classmethod
    def of(cls, activations: Floats) -> _Layer:
        """Sort the units by their activations (n, units)."""
        audible = np.flatnonzero(activations.std(axis=0) >= SILENT)
        single = audible[_singles(activations[:, audible])]
        ordered = single[_order(activations[:, single])]
        return cls(activations.shape[1] - len(audible), len(audible) - len(single), ordered)


def _singles(activations: Floats) -> NDArray[np.intp]:
    """Places of the units that no earlier, stronger one repeats, ascending."""
    if activations.shape[1] < 2:
        return np.arange(activations.shape[1])
    strongest = np.argsort(-activations.std(axis=0), kind="stable")
    alike = np.abs(np.corrcoef(activations[:, strongest].T)) >= DOUBLE
    kept: list[int] = []
    for place in range(len(strongest)):
        if not alike[place, kept].any():
            kept.append(place)
    return np.sort(strongest[kept])


def _order(activations: Floats) -> NDArray[np.intp]:
    """The units (units,), each next one that which varies most beside those before it."""
    with one_thread():
        _, _, pivots = qr(activations - activations.mean(axis=0), mode="economic", pivoting=True)
    found: NDArray[np.intp] = pivots.astype(np.intp)
    return found


def _needed(sizes: list[int], shares: Floats, error: float) -> int:
    """The least size whose mean share is within ``error`` of the best one's."""
    means = shares.mean(axis=1)
    return sizes[int(np.flatnonzero(means >= means.max() - error)[0])]


def _sizes(most: int) -> list[int]:
    sizes = [1]
    while sizes[-1] < most:
        sizes.append(min(most, max(sizes[-1] + 1, round(sizes[-1] * GROWTH))))
    return sizes
