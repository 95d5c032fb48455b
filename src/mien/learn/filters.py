"""What can be counted about a set of learned filters without looking at it: dead units, duplicates, directions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ALIKE = 0.9
"""Cosine from which two filters are near-duplicates."""

BINS = 8
"""Of the orientation histogram."""

EDGE_LIKE = 0.7
"""Share of its variance that a Gabor function explains in a filter that counts as an edge or bar."""


@dataclass(frozen=True, slots=True)
class Activity:
    """How a layer of units behaves over many examples.

    A unit is active where its activation lies above the middle of its range: 0 for tanh, 0.5 for logistic units.

    Attributes:
        active_fraction: of the units, mean over the examples.
        mean: of all activations.
        dead: bool (units,), active for not one example.
    """

    active_fraction: float
    mean: float
    dead: NDArray[np.bool_]


def activity(a2: NDArray[np.floating], low: float, high: float) -> Activity:
    """The activity in activations (n, units) whose range is (low, high)."""
    active = a2 > (low + high) / 2
    dead: NDArray[np.bool_] = np.logical_not(active.any(axis=0))
    return Activity(float(active.mean()), float(a2.mean(dtype=np.float64)), dead)


def near_duplicates(filters: NDArray[np.floating], reach: int = 1, *, polar: bool = False) -> NDArray[np.bool_]:
    """Which filters could be left out because an earlier one that stays is the same picture.

    Two filters are the same picture if the cosine between one and the other, moved by some whole pixels within
    empty surroundings, is above ``ALIKE`` in size. What a move pushes over the edge is lost to the inner product
    but not to the norms.

    A filter and its negative are *not* the same to a sparse unit, which rests at the low end of its range and
    answers to one polarity only: a code of such units needs both. ``polar`` tells them apart.

    Args:
        filters: (n, side, side).
        reach: longest move in pixels along each axis; 0 compares them where they stand.
        polar: a negative cosine makes no duplicate.

    Returns:
        bool (n,). Flat filters are nobody's duplicates.
    """
    count, side, _ = filters.shape
    if not 0 <= reach < side:
        raise ValueError(f"reach must be 0 to {side - 1}, not {reach}")
    flat = filters.reshape(count, -1).astype(np.float64)
    flat = flat - flat.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(flat, axis=1, keepdims=True)
    unit = np.divide(flat, norms, out=np.zeros_like(flat), where=norms > 1e-12).reshape(filters.shape)
    spectra = np.fft.rfft2(unit, s=(2 * side, 2 * side))
    moves = np.arange(-reach, reach + 1)
    found = np.zeros(count, bool)
    for k in range(1, count):  # one against the earlier; all against all would not fit for 500 filters of 24x24
        earlier = spectra[:k][~found[:k]]
        cosines = np.fft.irfft2(earlier * spectra[k].conj(), s=(2 * side, 2 * side))[:, moves[:, None], moves]
        found[k] = bool(((cosines if polar else np.abs(cosines)) > ALIKE).any())
    return found


def orientation_histogram(orientation: NDArray[np.float64], bins: int = BINS) -> NDArray[np.intp]:
    """How many of the orientations (n,), radians modulo pi, lie nearest to each of ``bins`` directions from 0."""
    nearest = np.round(np.asarray(orientation) * bins / np.pi).astype(np.intp) % bins
    return np.bincount(nearest, minlength=bins)


def squared_error(x: NDArray[np.floating], rebuilt: NDArray[np.floating]) -> float:
    """Mean over the rows (n, pixels) of ``|x - rebuilt|^2``; ``rebuilt`` 0 is the predictor that says nothing."""
    return float(np.square(x - rebuilt, dtype=np.float64).sum(axis=1).mean())
