"""How well features of a face with some pixels hidden tell these pixels, for people that nothing was learned from.

Rebuilding pixels that an encoder has seen rewards it for copying noise, and more units always copy more. Noise in
one pixel says nothing of another, however, so what can be told of *hidden* pixels of *held-out* people is structure
alone, and stops growing when there are units enough: cross-validation over rows and columns at once (Wold 1978;
Owen & Perry 2009). Pixels are hidden by taking their mean over the training people. The map from features to hidden
pixels is a ridge regression fitted on the training people, with the same pixels hidden; its strength is what
generalised cross-validation (Golub, Heath & Wahba 1979) finds best there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mien.learn.threads import one_thread

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Faces = NDArray[np.float32]
    Floats = NDArray[np.float64]

PARTS = 4
"""Groups of pixels, drawn at random, that are hidden in turn."""

STRENGTHS = np.logspace(-5, 2, 15)
"""Of the ridge, as shares of the features' mean variance."""


@dataclass(frozen=True, slots=True, eq=False)
class Hidden:
    """Faces with one group of pixels hidden, as features, and these pixels.

    Attributes:
        known: features (n, units) of the training people's faces, float64.
        other: those of the held-out people's (m, units).
        known_pixels: what was hidden in the former (n, hidden), less its mean.
        other_pixels: what was hidden in the latter (m, hidden), less the same mean.
    """

    known: Floats
    other: Floats
    known_pixels: Floats
    other_pixels: Floats


def hide(encode: Callable[[Faces], Faces], inside: Faces, outside: Faces, seed: int) -> tuple[Hidden, ...]:
    """Each group of pixels hidden once.

    Args:
        encode: from faces (n, pixels) to features (n, units).
        inside: the training people's faces (n, pixels).
        outside: the held-out people's (m, pixels).
        seed: of the groups.
    """
    pixels = inside.shape[1]
    group = np.random.default_rng([seed, 13]).permutation(pixels) % min(PARTS, pixels)
    mean = inside.mean(axis=0)
    found = []
    for k in range(min(PARTS, pixels)):
        gone = group == k
        blank = [np.where(gone, mean, x) for x in (inside, outside)]
        known, other = (encode(x).astype(np.float64) for x in blank)
        told = [(x[:, gone] - mean[gone]).astype(np.float64) for x in (inside, outside)]
        found.append(Hidden(known, other, *told))
    return tuple(found)


def shares(hidden: Sequence[Hidden], units: NDArray[np.intp] | None = None) -> Floats:
    """Share (m,) of every held-out face's hidden pixels that is told: 1 all, 0 no more than the mean face tells.

    All faces are measured against one mean squared distance, so that the mean of these shares is the share of the
    whole.

    Args:
        hidden: as ``hide`` gives it.
        units: those that may be used, by place; all where it is left out.
    """
    wrong, whole = 0.0, 0.0
    for part in hidden:
        known, other = (part.known, part.other) if units is None else (part.known[:, units], part.other[:, units])
        told = _ridge(known, part.known_pixels, other)
        wrong = wrong + ((part.other_pixels - told) ** 2).sum(axis=1)
        whole += float((part.other_pixels**2).sum(axis=1).mean())
    found: Floats = 1 - np.asarray(wrong) / whole
    return found


def _ridge(known: Floats, pixels: Floats, other: Floats) -> Floats:
    """What the features ``other`` (m, units) say of pixels, after those of ``known`` (n, units) with theirs."""
    n = len(known)
    centre = known.mean(axis=0)
    with one_thread():
        values, vectors = np.linalg.eigh((known - centre).T @ (known - centre))
        kept = values > 1e-10 * max(float(values.max(initial=0.0)), 1e-12)
        if not kept.any():
            return np.zeros((len(other), pixels.shape[1]))
        values, vectors = values[kept], vectors[:, kept]
        seen = (vectors.T @ ((known - centre).T @ pixels)) / np.sqrt(values)[:, None]
        beyond = max(float((pixels**2).sum() - (seen**2).sum()), 0.0)
        energies = (seen**2).sum(axis=1)
        strengths = STRENGTHS * float(values.mean())
        losses = [_loss(values / (values + strength), energies, beyond, n) for strength in strengths]
        best = strengths[int(np.argmin(losses))]
        W = vectors @ ((np.sqrt(values) / (values + best))[:, None] * seen)
        found: Floats = (other - centre) @ W
    return found


def _loss(kept: Floats, energies: Floats, beyond: float, n: int) -> float:
    """The generalised cross-validation of a ridge that keeps these shares of its directions."""
    freedom = 1 - (1 + float(kept.sum())) / n
    return float("inf") if freedom <= 0 else (beyond + float((energies * (1 - kept) ** 2).sum())) / freedom**2
