"""How much a learned filter looks like an edge: the best Gabor function for it, and what that leaves unexplained.

A Gabor function is a wave under a Gaussian hill, the usual description of a simple cell's receptive field
(Daugman 1985) and of what sparse codes of photographs become (Olshausen and Field 1996)::

    g(x, y) = A exp(-u^2 / 2 s^2 - v^2 / 2 t^2) cos(2 pi f u + p)
    u =  (x - x0) cos o + (y - y0) sin o          across the stripes
    v = -(x - x0) sin o + (y - y0) cos o          along them

Seven numbers give its shape (x0, y0, o, f, s, t, p) and one its amplitude A. With ``a = A cos p`` and
``b = -A sin p`` it is linear in (a, b), which are therefore solved for, not searched (variable projection, Golub
and Pereyra 1973, with Kaufman's simplification); the other six are found by Levenberg-Marquardt, for all filters
and all starts at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

STARTS = 12
"""One in each of twelve orientations, the best there of a coarse set of Gabors."""

ITERATIONS = 80

_HIGHEST = 0.5  # cycles per pixel; what is faster shows as something slower
_NARROWEST = 0.6  # pixels; a narrower hill is a single pixel, which any noise has
_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class GaborFits:
    """The best Gabor function of each of n filters; each array is float64 (n,).

    Attributes:
        x, y: centre, pixels from the centre of the left and top pixel.
        orientation: direction across the stripes, radians in [0, pi), from x towards y.
        frequency: cycles per pixel.
        across, along: standard deviations of the hill, pixels.
        phase: radians.
        amplitude: of the wave at the hill's top, in the filter's units.
        r2: share of the filter's variance that it explains; NaN where the filter is flat.
    """

    x: Array
    y: Array
    orientation: Array
    frequency: Array
    across: Array
    along: Array
    phase: Array
    amplitude: Array
    r2: Array


def fit(filters: NDArray[np.floating]) -> GaborFits:
    """Fit each filter, less its mean, by a Gabor function less its mean.

    Args:
        filters: (n, side, side), any scale.

    Returns:
        The best of ``STARTS`` starts of each filter. Equal filters give equal fits.
    """
    count, height, side = filters.shape
    if height != side or side < 4:
        raise ValueError(f"filters must be squares of 4 pixels or more, not {height}x{side}")
    flat = filters.reshape(count, -1).astype(np.float64)
    flat = flat - flat.mean(axis=1, keepdims=True)
    size = np.linalg.norm(flat, axis=1, keepdims=True)
    wanted = np.repeat(flat / np.maximum(size, _TINY), STARTS, axis=0)
    shape, left = _search(_starts(wanted[::STARTS], side), wanted, side)
    best = np.arange(count) * STARTS + left.reshape(count, STARTS).argmin(axis=1)
    shape = shape[best]
    basis = _basis(shape, side)
    ab = _solve(basis, wanted[best]) * size
    return GaborFits(
        x=shape[:, 0],
        y=shape[:, 1],
        orientation=shape[:, 2] % np.pi,
        frequency=np.exp(shape[:, 3]),
        across=np.exp(shape[:, 4]),
        along=np.exp(shape[:, 5]),
        # Turning by pi runs through the wave backwards.
        phase=np.arctan2(-ab[:, 1], ab[:, 0]) * np.where(np.floor(shape[:, 2] / np.pi) % 2, -1, 1),
        amplitude=np.hypot(ab[:, 0], ab[:, 1]),
        r2=np.where(size[:, 0] > _TINY, 1 - left[best], np.nan),
    )


def draw(fits: GaborFits, side: int) -> Array:
    """The Gabor functions themselves, float64 (n, side, side); their means are not removed."""
    shape = np.stack(
        [fits.x, fits.y, fits.orientation, np.log(fits.frequency), np.log(fits.across), np.log(fits.along)], axis=1
    )
    hill, u, _ = _hill(shape, side)
    wave = np.cos(2 * np.pi * fits.frequency[:, None] * u + fits.phase[:, None])
    return (fits.amplitude[:, None] * hill * wave).reshape(-1, side, side)


def _search(shape: Array, wanted: Array, side: int) -> tuple[Array, Array]:
    """Levenberg-Marquardt from each row of ``shape``; the shapes (m, 6) and the squared errors left (m,)."""
    low, high = _bounds(side)
    damping = np.full(len(shape), 1e-2)
    error, gradient, curvature = _expand(shape, wanted, side)
    for _ in range(ITERATIONS):
        ridge = damping[:, None] * (np.diagonal(curvature, axis1=1, axis2=2) + 1e-9)
        step = np.linalg.solve(curvature + ridge[:, :, None] * np.eye(6), gradient[:, :, None])[:, :, 0]
        tried = np.clip(shape + step, low, high)
        tried_error, tried_gradient, tried_curvature = _expand(tried, wanted, side)
        better = tried_error < error
        shape = np.where(better[:, None], tried, shape)
        error = np.where(better, tried_error, error)
        gradient = np.where(better[:, None], tried_gradient, gradient)
        curvature = np.where(better[:, None, None], tried_curvature, curvature)
        damping = np.clip(np.where(better, damping / 3, damping * 4), 1e-8, 1e8)
    return shape, error


def _expand(shape: Array, wanted: Array, side: int) -> tuple[Array, Array, Array]:
    """Squared error (m,), J'r (m, 6) and J'J (m, 6, 6) of the Gabors around ``shape``."""
    hill, u, v = _hill(shape, side)
    f = 2 * np.pi * np.exp(shape[:, 3:4])
    s2, t2 = np.exp(2 * shape[:, 4:5]), np.exp(2 * shape[:, 5:6])
    even, odd = hill * np.cos(f * u), hill * np.sin(f * u)
    basis = np.stack([even, odd], axis=1)
    basis -= basis.mean(axis=2, keepdims=True)
    ab = _solve(basis, wanted)
    a, b = ab[:, :1], ab[:, 1:]
    g, swing = a * even + b * odd, b * even - a * odd
    by_u, by_v = f * swing - u / s2 * g, -v / t2 * g
    cos, sin = np.cos(shape[:, 2:3]), np.sin(shape[:, 2:3])
    slopes = np.stack(
        [
            by_v * sin - by_u * cos,
            -by_u * sin - by_v * cos,
            by_u * v - by_v * u,
            f * u * swing,
            u**2 / s2 * g,
            v**2 / t2 * g,
        ],
        axis=1,
    )
    slopes -= slopes.mean(axis=2, keepdims=True)
    # What (a, b) can take over is not the shape's to explain (Kaufman 1975).
    gram = _gram(basis)
    slopes -= np.linalg.solve(gram, basis @ slopes.transpose(0, 2, 1)).transpose(0, 2, 1) @ basis
    left = wanted - (ab[:, None, :] @ basis)[:, 0]
    return (left**2).sum(axis=1), (slopes @ left[:, :, None])[:, :, 0], slopes @ slopes.transpose(0, 2, 1)


def _hill(shape: Array, side: int) -> tuple[Array, Array, Array]:
    """The Gaussian and the coordinates u and v at every pixel, (m, side * side) each."""
    y, x = np.divmod(np.arange(side * side, dtype=np.float64), side)
    dx, dy = x - shape[:, 0:1], y - shape[:, 1:2]
    cos, sin = np.cos(shape[:, 2:3]), np.sin(shape[:, 2:3])
    u, v = dx * cos + dy * sin, dy * cos - dx * sin
    hill = np.exp(-0.5 * ((u / np.exp(shape[:, 4:5])) ** 2 + (v / np.exp(shape[:, 5:6])) ** 2))
    return hill, u, v


def _basis(shape: Array, side: int) -> Array:
    """Cosine and sine Gabor less their means, (m, 2, side * side)."""
    hill, u, _ = _hill(shape, side)
    wave = 2 * np.pi * np.exp(shape[:, 3:4]) * u
    basis = np.stack([hill * np.cos(wave), hill * np.sin(wave)], axis=1)
    centred: Array = basis - basis.mean(axis=2, keepdims=True)
    return centred


def _gram(basis: Array) -> Array:
    """Inner products (m, 2, 2); the ridge keeps a vanishing sine (very slow waves) solvable."""
    found: Array = basis @ basis.transpose(0, 2, 1) + 1e-10 * np.eye(2)
    return found


def _solve(basis: Array, wanted: Array) -> Array:
    """The (a, b) of least squared error, (m, 2)."""
    found = np.linalg.solve(_gram(basis), basis @ wanted[:, :, None])[:, :, 0]
    return cast("Array", found)


def _bounds(side: int) -> tuple[Array, Array]:
    """Lowest and highest shape: centre at most a pixel outside, hills no wider than the filter."""
    low: Array = np.array([-1, -1, -np.inf, np.log(0.25 / side), np.log(_NARROWEST), np.log(_NARROWEST)])
    high: Array = np.array([side, side, np.inf, np.log(_HIGHEST), np.log(side), np.log(side)])
    return low, high


def _starts(wanted: Array, side: int) -> Array:
    """The best of the coarse set for each filter (n, pixels) in each orientation, (n * STARTS, 6)."""
    coarse, basis, gram = _coarse(side)
    inner = np.einsum("kcp,np->nkc", basis, wanted)
    explained = np.einsum("nkc,kcd,nkd->nk", inner, np.linalg.inv(gram), inner)
    best = explained.reshape(len(wanted), STARTS, -1).argmax(axis=2)
    chosen: Array = coarse.reshape(STARTS, -1, 6)[np.arange(STARTS), best].reshape(-1, 6)
    return chosen


def _coarse(side: int) -> tuple[Array, Array, Array]:
    """Gabors on a coarse grid, orientation slowest: shapes (k, 6), their bases and inner products."""
    place = (np.arange(4) + 0.5) * side / 4 - 0.5
    axes = (
        np.arange(STARTS) * np.pi / STARTS,
        place,
        place,
        np.log([0.08, 0.14, 0.22, 0.33]),
        np.log([side / 8, side / 4.5]),
        np.log([1.0, 2.0]),  # along, relative to across
    )
    o, x, y, f, s, longer = (m.ravel() for m in np.meshgrid(*axes, indexing="ij"))
    shape = np.stack([x, y, o, f, s, s + longer], axis=1)
    basis = _basis(shape, side)
    return shape, basis, _gram(basis)
