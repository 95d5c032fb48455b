"""Discrete AdaBoost (Freund & Schapire 1997) with thresholds on single features, one label against the rest.

It serves to select features, as in Viola & Jones (2001) and Bartlett et al. (2003): every round takes, of all
features, the one that best tells the rows apart which the rounds before got wrong. All labels are boosted at the
same time, as reading the features is what costs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

if TYPE_CHECKING:
    from numpy.typing import NDArray

BINS = 32  # of equally many rows each; a threshold lies between two of them
LOOKED_AT = 2048  # rows at most that the thresholds are laid by
NO_BETTER = 1e-9  # edge over chance, below which a stump says nothing
PERFECT = 1e-6  # error below which a stump is weighted as if it had this one


class Stump(NamedTuple):
    """The answer +1 or -1 to one feature: ``sign`` where it lies above ``threshold``, else ``-sign``."""

    feature: int
    threshold: float
    sign: float


class Binned(NamedTuple):
    """Features by the bin that they fall into.

    Attributes:
        bins: uint8 (units, n); row i lies above threshold t of its feature where ``bins[:, i] > t``.
        thresholds: float32 (units, BINS - 1), rising.
        open: bool (units, BINS - 1): rows lie on both sides of the threshold; never of a constant feature.
    """

    bins: NDArray[np.uint8]
    thresholds: NDArray[np.float32]
    open: NDArray[np.bool_]


def binned(x: NDArray[np.float32]) -> Binned:
    """Features (n, units) in bins between their own quantiles."""
    n, units = x.shape
    looked_at = x[:: -(-n // LOOKED_AT)]
    places = np.arange(1, BINS) / BINS
    thresholds = np.empty((units, BINS - 1), np.float32)
    bins = np.empty((units, n), np.uint8)
    between = np.empty((units, BINS - 1), np.bool_)
    for unit in range(units):
        # "lower" gives a value of a row: of two rows that differ, one lies above it
        thresholds[unit] = np.quantile(looked_at[:, unit], places, method="lower")
        bins[unit] = np.searchsorted(thresholds[unit], x[:, unit], side="left")
        below = np.cumsum(np.bincount(bins[unit], minlength=BINS))[:-1]
        between[unit] = (below > 0) & (below < n)
    return Binned(bins, thresholds, between)


def boost(
    features: Binned, labels: NDArray[np.intp], weights: NDArray[np.float64], classes: int, rounds: int
) -> list[list[Stump]]:
    """The stumps of every label against the rest, in the order in which they were chosen.

    A label takes a feature once, so that ``rounds`` stumps are as many features; it has fewer where none is left
    that tells anything.

    Args:
        features: of n rows.
        labels: (n,) in 0..classes-1.
        weights: (n, classes) that the rows begin with for each label, above 0.
        classes: how many labels.
        rounds: most stumps per label.
    """
    truth = np.where(labels[:, None] == np.arange(classes), 1.0, -1.0)
    weights = weights / weights.sum(axis=0)
    taken = np.zeros((len(features.bins), classes), np.bool_)
    found: list[list[Stump]] = [[] for _ in range(classes)]
    for _ in range(rounds):
        unit, cut, edge = best_stumps(features, weights * truth, taken)
        for k in range(classes):
            if abs(edge[k]) < NO_BETTER:
                continue
            sign = float(np.sign(edge[k]))
            found[k].append(Stump(int(unit[k]), float(features.thresholds[unit[k], cut[k]]), sign))
            taken[unit[k], k] = True
            answer = np.where(features.bins[unit[k]] > cut[k], sign, -sign)
            error = float(np.clip((1 - abs(edge[k])) / 2, PERFECT, 1 - PERFECT))
            weights[:, k] *= np.exp(-0.5 * np.log((1 - error) / error) * truth[:, k] * answer)
            weights[:, k] /= weights[:, k].sum()
    return found


def best_stumps(
    features: Binned, signed: NDArray[np.float64], taken: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """The best feature, threshold and edge (classes,) of every label.

    The edge is the weight answered rightly less that answered wrongly by +1 above and -1 below the threshold, in
    [-1, 1]; the best is the farthest from 0, the first of equals. It is 0 where nothing may be taken.

    Args:
        features: of n rows.
        signed: (n, classes), weights of sum 1 times the truth, +1 or -1.
        taken: (units, classes), features that a label may not take.
    """
    return _search(features.bins, features.open, np.ascontiguousarray(signed), signed.sum(axis=0), taken)


_Search = Callable[
    ["NDArray[np.uint8]", "NDArray[np.bool_]", "NDArray[np.float64]", "NDArray[np.float64]", "NDArray[np.bool_]"],
    "tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]",
]


def _searched(
    bins: NDArray[np.uint8],
    between: NDArray[np.bool_],
    signed: NDArray[np.float64],
    total: NDArray[np.float64],
    taken: NDArray[np.bool_],
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    units, n = bins.shape
    cuts, classes = between.shape[1], signed.shape[1]
    unit, cut = np.zeros(classes, np.int64), np.zeros(classes, np.int64)
    edge, weight = np.zeros(classes), np.empty((cuts + 1, classes))
    for u in range(units):
        weight[:] = 0
        for i in range(n):
            for k in range(classes):
                weight[bins[u, i], k] += signed[i, k]
        for k in range(classes):
            below = 0.0
            for c in range(cuts):
                below += weight[c, k]
                found = total[k] - 2 * below
                if between[u, c] and not taken[u, k] and abs(found) > abs(edge[k]):
                    unit[k], cut[k], edge[k] = u, c, found
    return unit, cut, edge


_search: _Search = njit(nogil=True)(_searched)
