"""Landmarks without jitter.

Between two frames a face moves as a whole and its parts move in it. Both are followed by an exponential average
whose weight grows with the step: a step within the noise of the landmarks is averaged away, a clear one (a blink,
a smile, a walking head) passes almost at once. All that is remembered are the points of the last frame.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mien.faces.shape import STEADY

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEAST, MOST = 0.2, 0.95  # weights of the new points, for 1/25 s: of what is noise, of what is motion
STEP = 1 / 25  # seconds
# Steps in sides of the face's box: up to the first it is noise, from the second on motion. One point is noisier
# than all of them together; eyelids move by .04 in a blink, corners of the mouth by .05 in a smile.
WHOLE = 0.003, 0.012
PART = 0.006, 0.030

_STEADY = list(STEADY)


def steadied(before: NDArray[Any], seen: NDArray[Any], side: float, seconds: float) -> NDArray[np.float32]:
    """The points of this frame without jitter.

    Args:
        before: what this function gave for the frame before, (68, 2) pixels.
        seen: this frame's points, (68, 2) pixels.
        side: of the face's box, pixels.
        seconds: between the two frames; after a long time the points are taken as they are.

    Returns:
        float32 (68, 2), pixels.
    """
    last, new = _complex(before), _complex(seen)
    steady, base = new[_STEADY], last[_STEADY]
    middle, origin = steady.mean(), base.mean()
    base = base - origin
    spread = float((base.conj() @ base).real)
    if spread <= 0 or side <= 0:
        return np.asarray(seen, np.float32)
    turn = complex(base.conj() @ (steady - middle)) / spread
    # The rigid motion takes z to origin + step + turn * (z - origin): its size is what it does to the face's rim.
    step = complex(middle - origin)
    weight = _weight((abs(step) + 0.5 * side * abs(turn - 1)) / side, WHOLE, seconds)
    away = last - origin
    rest = new - middle - turn * away  # what the parts did in it
    weights = _weight(np.abs(rest) / side, PART, seconds)
    found = origin + weight * step + (1 + weight * (turn - 1)) * away + weights * rest
    return np.stack([found.real, found.imag], axis=1).astype(np.float32)


def _weight(size: Any, between: tuple[float, float], seconds: float) -> Any:  # noqa: ANN401  float or array
    """Weight of the new points for a step of ``size``: smooth from ``LEAST`` to ``MOST``."""
    share = np.clip((size - between[0]) / (between[1] - between[0]), 0.0, 1.0)
    weight = LEAST + (MOST - LEAST) * share * share * (3 - 2 * share)
    return 1 - (1 - weight) ** (max(seconds, 0.0) / STEP)


def _complex(points: NDArray[Any]) -> NDArray[np.complex128]:
    whole = np.ascontiguousarray(points, np.float64)
    return whole.view(np.complex128)[:, 0]
