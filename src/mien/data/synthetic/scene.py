"""Several people in one picture, each on a path of their own: frames for the tracker and the whole pipeline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mien.data.synthetic.actions import Movement
from mien.data.synthetic.expressions import peak
from mien.data.synthetic.people import Person, invent
from mien.data.synthetic.portrait import Pose, landmarks, paint
from mien.data.synthetic.sequences import envelope
from mien.data.synthetic.shading import FLAT, Light
from mien.types import Box

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Path = Callable[[float], tuple[float, float, float] | None]
"""Seconds -> (x, y of the face box's centre, its width) in pixels, or ``None`` while the person is away."""

Acting = Callable[[float], Movement]
"""Seconds -> what the face does."""


def _at_rest(_: float) -> Movement:
    return Movement()


@dataclass(frozen=True, slots=True)
class Actor:
    """A person who walks through a scene.

    Attributes:
        person: who; ``person.number`` is the id in the truth.
        path: where the face is.
        acting: what it does; at rest by default.
        light: on the person.
    """

    person: Person
    path: Path
    acting: Acting = _at_rest
    light: Light = FLAT


@dataclass(frozen=True, slots=True)
class Seen:
    """The truth about one actor in one frame.

    Attributes:
        id: the person's number.
        box: the face box, pixels; may reach beyond the frame.
        landmarks: float64 (68, 2), pixels.
        movement: action units.
        hidden: the part of the box that the nearer face with the most overlap covers, or the frame cuts off where
            that is more; 0 to 1.
    """

    id: int
    box: Box
    landmarks: NDArray[np.float64]
    movement: Movement
    hidden: float


def render(
    actors: tuple[Actor, ...], background: NDArray[np.uint8], t: float
) -> tuple[NDArray[np.uint8], tuple[Seen, ...]]:
    """One frame.

    Args:
        actors: the larger face is nearer and covers the smaller; of equal ones, the later covers the earlier.
        background: uint8 (height, width) grey or (height, width, 3) R G B; stays as it is.
        t: seconds.

    Returns:
        The frame, of the background's shape, and the truth about every actor whose box meets the frame, ordered
        by id.

    Raises:
        ValueError: two actors are the same person.
    """
    numbers = [actor.person.number for actor in actors]
    if len(set(numbers)) != len(numbers):
        raise ValueError("every actor must be another person: the number is the id in the truth")
    here = [(actor, where) for actor in actors if (where := actor.path(t)) is not None]
    here.sort(key=lambda both: both[1][2])  # far to near; the sort is stable
    frame, edges = background.copy(), Box(0, 0, background.shape[1], background.shape[0])
    seen: list[Seen] = []
    for actor, (x, y, width) in here:
        pose, movement = Pose(x, y, width), actor.acting(t)
        frame = paint(frame, actor.person, movement, pose, actor.light)
        seen = [replace(far, hidden=max(far.hidden, _share(far.box, pose.box))) for far in seen]
        inside = _share(pose.box, edges)
        if inside > 0:
            points = landmarks(actor.person, movement, pose)
            seen.append(Seen(actor.person.number, pose.box, points, movement, 1 - inside))
    return frame, tuple(sorted(seen, key=lambda one: one.id))


def _share(box: Box, other: Box) -> float:
    """The part of ``box`` that lies in ``other``, 0 to 1."""
    wide = min(box.x + box.width, other.x + other.width) - max(box.x, other.x)
    high = min(box.y + box.height, other.y + other.height) - max(box.y, other.y)
    return min(max(wide, 0) * max(high, 0) / box.area, 1.0)  # rounding may give a hair more


def showing(person: Person, expression: str, start: float, end: float) -> Acting:
    """The person shows ``expression`` from ``start`` to ``end`` (seconds), strongest in the middle."""
    apex, rest = peak(person, expression), Movement()

    def acting(t: float) -> Movement:
        if not start < t < end:
            return rest
        return apex.scaled(float(envelope((t - start) / (end - start), 0.35, 0.35)))

    return acting


def crossing(width: int, height: int, seconds: float = 4.0, seed: int = 0) -> tuple[Actor, ...]:
    """Two people who walk past each other, one from the left, one from the right; they meet half way.

    Args:
        width: of the frame, pixels.
        height: of the frame, pixels.
        seconds: from edge to edge.
        seed: other people.
    """
    face = height * 0.36
    margin = face * 0.7
    way = width - 2 * margin

    def rightwards(t: float) -> tuple[float, float, float]:
        return margin + way * t / seconds, height * 0.42, face * 1.06

    def leftwards(t: float) -> tuple[float, float, float]:
        return width - margin - way * t / seconds, height * 0.40, face * 0.94

    first, second = invent(0, seed), invent(1, seed)
    return (
        Actor(first, rightwards, showing(first, "happiness", 0.05 * seconds, 0.45 * seconds)),
        Actor(second, leftwards, showing(second, "surprise", 0.55 * seconds, 0.95 * seconds)),
    )


def leave_and_return(
    width: int, height: int, away: tuple[float, float] = (1.5, 2.5), seed: int = 0
) -> tuple[Actor, ...]:
    """One person stays; another is gone between two times and comes back to the same place.

    Args:
        width: of the frame, pixels.
        height: of the frame, pixels.
        away: seconds at which the second person leaves and returns.
        seed: other people.
    """
    face = height * 0.36

    def stays(_: float) -> tuple[float, float, float]:
        return width * 0.27, height * 0.42, face

    def returns(t: float) -> tuple[float, float, float] | None:
        return None if away[0] <= t < away[1] else (width * 0.73, height * 0.42, face)

    return Actor(invent(0, seed), stays), Actor(invent(1, seed), returns)
