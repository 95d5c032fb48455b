"""Action units measured from a person's own neutral face.

People differ at rest: deep folds look like a lip corner puller, low brows like a brow lowerer. A model's action
units are therefore compared with what the same face showed while it was neutral (person-specific normalisation;
Baltrusaitis et al. 2015 take the median of the whole video, which needs its end). Here the reference is learned as
the video runs, from the past alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from mien.log_odds import log_odds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

TYPICAL = 0.05
"""Probability of every action unit on a neutral face that is assumed of a model whose file does not tell: units at
rest are rare. An assumption, not a measurement."""

LONGEST = 1.0  # seconds that one look at a face counts for at most: what was not seen was not neutral


@dataclass(frozen=True, slots=True)
class Options:
    """How action units are referred to a neutral face.

    Attributes:
        reference: ``none``: as the model gives them; ``neutral``: from the person's own neutral face.
        neutral: probability of neutral from which on a moment is learned from, in proportion to it.
        least: seconds of neutral face before anything is changed; over as many more, the change sets in.
        seconds: of neutral face over which the reference is averaged; older ones are forgotten exponentially.
        largest: change of an action unit's log-odds at most.
    """

    reference: Literal["none", "neutral"] = "none"
    neutral: float = 0.6
    least: float = 2.0
    seconds: float = 20.0
    largest: float = 2.0

    def __post_init__(self) -> None:
        if not 0 <= self.neutral <= 1:
            raise ValueError("neutral must be 0 to 1")
        if not (self.least >= 0 and self.seconds > 0 and self.largest >= 0):
            raise ValueError("least and largest must be 0 or more, and seconds above 0")
        if not math.isfinite(self.largest) or not math.isfinite(self.least) or not math.isfinite(self.seconds):
            raise ValueError("least, seconds and largest must be finite")
        if 2 * self.least > self.seconds:
            raise ValueError("seconds must be at least twice least, or the reference would never be full")


@dataclass(slots=True)
class _Rest:
    """One face at rest: until when it was seen, seconds of neutral face, mean log-odds."""

    now: float
    seconds: float
    mean: NDArray[np.float64]


class Baseline:
    """Learns and subtracts one video's neutral faces, each by itself.

    Args:
        options: how.
        typical: what the model gives a typical neutral face, probabilities (units,): the level that a face at
            rest is brought to.
    """

    def __init__(self, options: Options, typical: Sequence[float] | NDArray[np.float64]) -> None:
        self._options = options
        self._typical = log_odds(np.asarray(typical, np.float64))
        self._faces: dict[int, _Rest] = {}

    def refer(
        self, face: int, now: float | None, units: NDArray[np.float64], neutral: float
    ) -> NDArray[np.float64]:
        """The action units of one face, referred to its neutral; then learn from this moment.

        Args:
            face: track id.
            now: seconds; ``None`` without a clock, where nothing is changed.
            units: probabilities (units,) of this moment, as the model gives them.
            neutral: probability of the neutral expression at this moment.

        Returns:
            float64 (units,) in [0, 1]. What this moment itself teaches changes only later ones.
        """
        if now is None or self._options.reference == "none":
            return units
        odds = log_odds(units)
        rest = self._faces.setdefault(face, _Rest(now, 0.0, np.zeros_like(odds)))
        share = self._share(rest.seconds)
        if share > 0:
            largest = self._options.largest
            shift = np.clip(rest.mean - self._typical, -largest, largest)
            units = 1 / (1 + np.exp(share * shift - odds))
        self._learn(rest, now, odds, neutral)
        return units

    def keep(self, faces: set[int]) -> None:
        """Forget all faces but these. A cut is no reason to: who keeps an id across it keeps the face."""
        self._faces = {face: rest for face, rest in self._faces.items() if face in faces}

    def _share(self, seconds: float) -> float:
        """How much of the shift is applied, 0 to 1: it sets in gradually, so that no unit jumps."""
        least = self._options.least
        if least == 0:
            return float(seconds > 0)
        return min(max(seconds / least - 1, 0.0), 1.0)

    def _learn(self, rest: _Rest, now: float, odds: NDArray[np.float64], neutral: float) -> None:
        elapsed = min(max(now - rest.now, 0.0), LONGEST)
        rest.now = max(now, rest.now)
        if neutral < self._options.neutral or elapsed == 0:
            return
        gain = elapsed * neutral
        rest.seconds = min(rest.seconds + gain, self._options.seconds)  # a mean at first, an exponential one then
        rest.mean = rest.mean + min(gain / rest.seconds, 1.0) * (odds - rest.mean)
