"""One expression from rest to its apex and back, frame by frame."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mien.data.synthetic import crops
from mien.data.synthetic.expressions import peak

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mien.data.synthetic.actions import Movement
    from mien.data.synthetic.people import Person
    from mien.types import Grey


@dataclass(frozen=True, slots=True)
class Moment:
    """One frame of a sequence, with its truth.

    Attributes:
        place: from 0.
        person: who.
        expression: what the sequence shows; the first frame is at rest all the same.
        strength: 0 at rest, 1 at the apex.
        movement: the action units of this frame.
        setting: light and place; only the noise differs from frame to frame.
    """

    place: int
    person: Person
    expression: str
    strength: float
    movement: Movement
    setting: crops.Setting

    def draw(self, size: int = 128) -> Grey:
        """The crop, uint8 (size, size)."""
        return crops.draw(self.person, self.movement, self.setting, size)

    def points(self, size: int = 128) -> NDArray[np.float64]:
        """The 68 points in pixels of the crop, float64 (68, 2)."""
        return crops.points(self.person, self.movement, self.setting, size)


def envelope(t: NDArray[np.float64] | float, onset: float, offset: float) -> NDArray[np.float64]:
    """Strength over the course of a sequence: a smooth rise, a hold, a smooth fall.

    Args:
        t: place in the sequence, 0 to 1.
        onset: part of the sequence that the rise takes.
        offset: part of the sequence that the fall takes; 0 ends at the apex, as CK+ does.

    Returns:
        float64 of the shape of ``t``, 0 to 1.

    Raises:
        ValueError: rise and fall do not fit, or there is no rise.
    """
    if not (onset > 0 and offset >= 0 and onset + offset <= 1):
        raise ValueError(f"onset must be above 0, offset not below, both together at most 1, not {onset}, {offset}")
    t = np.asarray(t, float)
    rise = np.clip(t / onset, 0, 1)
    fall = np.clip((1 - t) / offset, 0, 1) if offset else np.ones_like(t)
    least = np.minimum(rise, fall)
    return np.asarray(least * least * (3 - 2 * least))


def sequence(
    person: Person, expression: str, frames: int = 24, *, onset: float = 0.4, offset: float = 0.4, occasion: int = 0
) -> tuple[Moment, ...]:
    """A person shows an expression.

    Args:
        person: who.
        expression: one of the eight.
        frames: how many, 2 or more.
        onset: part of the sequence that the rise takes.
        offset: part of the sequence that the fall takes; 0 ends at the apex.
        occasion: which recording: its light and place.

    Raises:
        ValueError: an unknown expression, or too few frames.
    """
    if frames < 2:
        raise ValueError(f"a sequence needs 2 frames or more, not {frames}")
    apex, chosen = peak(person, expression), crops.setting(person, occasion)
    strengths = envelope(np.linspace(0, 1, frames), onset, offset)
    return tuple(
        Moment(
            place, person, expression, float(s), apex.scaled(float(s)), replace(chosen, seed=chosen.seed + place)
        )
        for place, s in enumerate(strengths)
    )
