"""Causal smoothing of a face's probabilities.

An exponential average over *time*, not over frames: after ``seconds`` the influence of what was seen has fallen
to 1/e, whatever the frame rate and however it varies. It uses the past only, so a live camera and a file give
the same numbers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Options:
    """Smoothing settings.

    Attributes:
        seconds: time constant; 0 takes every frame as it is.
        forget: seconds out of sight after which a face starts afresh.
    """

    seconds: float = 0.15
    forget: float = 0.5

    def __post_init__(self) -> None:
        if self.seconds < 0 or self.forget < 0:
            raise ValueError("seconds and forget must be 0 or more")


class Smoother:
    """Smooths one video's faces, each by itself."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._state: dict[int, tuple[float, NDArray[np.float64]]] = {}

    def smooth(self, face: int, now: float | None, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """The smoothed probabilities of one face.

        Args:
            face: track id.
            now: seconds; ``None`` without a clock, where nothing is smoothed.
            scores: float64 (labels,), sum 1.

        Returns:
            float64 (labels,), sum 1.
        """
        if now is None or self._options.seconds == 0:
            return scores
        before = self._state.get(face)
        if before is not None and now - before[0] <= self._options.forget:
            weight = 1 - math.exp(-(now - before[0]) / self._options.seconds)
            scores = before[1] + weight * (scores - before[1])
        self._state[face] = (now, scores)
        return scores

    def keep(self, faces: set[int]) -> None:
        """Forget all faces but these: a long video meets many people."""
        self._state = {face: state for face, state in self._state.items() if face in faces}
