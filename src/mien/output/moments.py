"""The telling moments of one face: its strongest ones, spread over time, in constant memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from numpy.typing import NDArray

    from mien.types import Observation, Rgb

NEUTRAL = "neutral"
STRETCHES = 2
"""Stretches of time of which the strongest moment of each expression is kept; they grow with the video."""

_FIRST = 2.0  # seconds: length of a stretch at first
_GAP = 0.7  # seconds (or frames) at least between two moments of one face
_EPISODE = 3.0  # the same between two of one expression: nearer ones are one smile
_STEP = 0.02  # by which a moment must be stronger to replace another: not every frame of a growing smile is cut out
_AGAIN = 0.5  # weight of an expression for each time that it is among the chosen already
_WEAK = 0.3  # weighted strength below which a moment tells nothing more
_THERE = 0.5  # probability from which an action unit is there


@dataclass(frozen=True, slots=True, eq=False)
class Moment:
    """One face in one frame.

    Attributes:
        clock: seconds, or the frame's index in a source without a clock.
        timed: whether ``clock`` is seconds.
        face: what was seen.
        patch: float32 (size, size), what the model was shown.
        picture: the same place in colour, with its surroundings.
    """

    clock: float
    timed: bool
    face: Observation
    patch: NDArray[np.float32]
    picture: Rgb


class Peaks:
    """The strongest moment of every stretch of time."""

    def __init__(self) -> None:
        self._width = _FIRST
        self._kept: dict[int, tuple[float, Moment]] = {}

    def wants(self, clock: float, strength: float) -> bool:
        """Whether a moment of this strength would be kept."""
        place = int(clock // self._width)
        return place not in self._kept or strength > self._kept[place][0] + _STEP

    def add(self, moment: Moment, strength: float) -> None:
        """Keep a moment that is wanted."""
        self._kept[int(moment.clock // self._width)] = (strength, moment)
        while len(self._kept) > STRETCHES:
            self._width *= 2
            merged: dict[int, tuple[float, Moment]] = {}
            for strong, held in self._kept.values():
                place = int(held.clock // self._width)
                if place not in merged or strong > merged[place][0]:
                    merged[place] = (strong, held)
            self._kept = merged

    def spread(self) -> list[tuple[float, Moment]]:
        """Strength and moment of each stretch, the strongest first, none near a stronger one: those are one
        moment, cut by a border.
        """
        found: list[tuple[float, Moment]] = []
        for strength, moment in sorted(self._kept.values(), key=lambda kept: (-kept[0], kept[1].clock)):
            if _apart(moment, [other for _, other in found], max(_EPISODE, self._width / 2)):
                found.append((strength, moment))
        return found


class Moments:
    """Candidates of one face: the strongest of each expression that it showed, and of its action units.

    Attributes:
        seen: frames with the face so far.
    """

    def __init__(self) -> None:
        self.seen = 0
        self._expressions: dict[str, Peaks] = {}
        self._units = Peaks()

    def add(
        self,
        clock: float,
        labels: tuple[str, ...],
        face: Observation,
        cut: Callable[[], Moment],
    ) -> None:
        """Take one frame's observation; ``cut`` is called only where the moment is worth keeping."""
        self.seen += 1
        peaks = self._expressions.setdefault(face.expression, Peaks())
        strength, unit = expressiveness(labels, face), strongest_unit(face)
        shown = peaks.wants(clock, strength)
        moved = unit >= _THERE and self._units.wants(clock, unit)
        if shown or moved:
            moment = cut()
            if shown:
                peaks.add(moment, strength)
            if moved:
                self._units.add(moment, unit)

    def chosen(self, most: int) -> list[Moment]:
        """The moments that tell most, in order of time: other expressions first, then the same again.

        One place goes to the strongest moment of an action unit, where that is another than the chosen ones.
        """
        weighted: list[tuple[float, Moment]] = []
        for peaks in self._expressions.values():
            kept = peaks.spread()
            weighted += [(strength * _AGAIN**place, moment) for place, (strength, moment) in enumerate(kept)]
        weighted.sort(key=lambda each: (-each[0], each[1].clock))
        found: list[Moment] = []
        for weight, moment in weighted:
            if len(found) < most and (not found or weight >= _WEAK) and _apart(moment, found, _GAP):
                found.append(moment)
        for _, moment in self._units.spread():
            if _apart(moment, found, _GAP) and most > 1:
                found = [*found[: most - 1], moment]
                break
        return sorted(found, key=lambda moment: moment.clock)


def expressiveness(labels: tuple[str, ...], face: Observation) -> float:
    """The highest probability of an expression other than neutral; 0 where the expression is withheld."""
    if face.withheld:
        return 0.0
    return max(float(p) for label, p in zip(labels, face.probabilities, strict=True) if label != NEUTRAL)


def strongest_unit(face: Observation) -> float:
    """The highest probability of an action unit; 0 where the model has none."""
    units = face.action_units
    return 0.0 if units is None or units.size == 0 else float(np.nanmax(units))


def _apart(moment: Moment, others: Iterable[Moment], gap: float) -> bool:
    return all(abs(moment.clock - other.clock) >= gap for other in others)
