"""Faces drawn by code: ``synthetic`` or ``synthetic:people=12,seed=3``. Nothing is read, nothing is stored.

Every person gives one neutral face and the peak of each other expression (``frames=3``: and the two frames before
it), as crops of 128 pixels in the geometry of OpenCV's frontal cascade: the same shape as the CK+ crops, with
landmarks.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

from mien.data.dataset import Dataset, Item
from mien.data.synthetic import crops
from mien.data.synthetic.actions import Movement
from mien.data.synthetic.expressions import PRESENT, peak
from mien.data.synthetic.people import Person, invent
from mien.errors import UsageError
from mien.labels import ACTION_UNITS, EXPRESSIONS, LabelSet

if TYPE_CHECKING:
    from mien.types import Grey

TERMS = "drawn by code; free to use"
SIZE = 128  # pixels, as the CK+ crops

_PEAK_FRAME = 12  # number of the peak in every sequence; the neutral frame is number 1
_WEAKER = 0.07  # of the peak's strength, per frame before it


@dataclass(frozen=True, slots=True)
class Options:
    """Which people are drawn.

    Attributes:
        people: how many, 1 to 999.
        seed: another seed gives other people; 0 or more.
        frames: how many frames of every expression are drawn: the peak, and those on the way to it, each a little
            stronger than the one before.
    """

    people: int = 40
    seed: int = 0
    frames: int = 1

    def __post_init__(self) -> None:
        if not 1 <= self.people <= 999:
            raise ValueError(f"people must be 1 to 999, not {self.people}")
        if self.seed < 0:
            raise ValueError(f"seed must be 0 or more, not {self.seed}")
        if not 1 <= self.frames < _PEAK_FRAME:
            raise ValueError(f"frames must be 1 to {_PEAK_FRAME - 1}, not {self.frames}")


def parse(argument: str) -> Options:
    """What follows ``synthetic:`` on the command line, such as ``people=12,seed=3``; empty takes the defaults.

    Raises:
        UsageError: an unknown or repeated key, not a whole number, or out of range.
    """
    known = [field.name for field in fields(Options)]
    chosen: dict[str, int] = {}
    for setting in argument.split(",") if argument else ():
        key, _, value = (text.strip() for text in setting.partition("="))
        if key not in known or key in chosen or not (value.isascii() and value.isdigit()):
            raise UsageError(
                f"--data synthetic:{argument}: {setting.strip()!r} is not understood; expected synthetic or"
                " synthetic:people=12,seed=3"
            )
        chosen[key] = int(value)
    try:
        return Options(**chosen)
    except ValueError as error:
        raise UsageError(f"--data synthetic:{argument}: {error}") from None


def build(options: Options) -> Dataset:
    """All faces; each is drawn when its item's ``face`` is called."""
    people = (invent(number, options.seed) for number in range(options.people))
    items = [item for person in people for item in _faces(person, options.frames)]
    return Dataset(
        "synthetic", tuple(items), LabelSet(EXPRESSIONS), tuple(ACTION_UNITS), synthetic=True, terms=TERMS
    )


@dataclass(frozen=True, slots=True)
class _Drawing:
    """Draws one crop."""

    person: Person
    movement: Movement
    setting: crops.Setting

    def __call__(self) -> Grey:
        return crops.draw(self.person, self.movement, self.setting, SIZE)


def _faces(person: Person, frames: int) -> list[Item]:
    subject = f"P{person.number + 1:03d}"
    shown = [expression for expression in EXPRESSIONS if expression != "neutral"]
    items = [_item(person, f"{subject}_001", 1, "neutral", 0, 0)]
    items += [
        _item(person, f"{subject}_{number:03d}", _PEAK_FRAME - before, expression, number, before)
        for number, expression in enumerate(shown, start=1)
        for before in range(frames)
    ]
    return sorted(items, key=lambda item: item.name)


def _item(person: Person, sequence: str, frame: int, expression: str, occasion: int, before: int) -> Item:
    """The face ``before`` frames ahead of the peak."""
    movement = peak(person, expression).scaled(1 - _WEAKER * before)
    setting = crops.setting(person, occasion)
    setting = replace(setting, seed=setting.seed + before)  # the same light and place, other noise
    landmarks = crops.points(person, movement, setting, SIZE)
    return Item(
        name=f"{sequence}_{frame:08d}",
        subject=sequence.split("_")[0],
        sequence=sequence,
        place=frame - 1,
        expression=expression,
        action_units=tuple(int(movement[unit] >= PRESENT) for unit in ACTION_UNITS),
        face=_Drawing(person, movement, setting),
        landmarks=tuple((float(x), float(y)) for x, y in landmarks),
    )
