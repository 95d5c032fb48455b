"""Which faces of a corpus can be read: one damaged picture must not stop a long run, nor vanish from its report."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from mien.errors import DataError

if TYPE_CHECKING:
    from mien.data.dataset import Dataset, Item
    from mien.types import Grey

MOST_UNREADABLE = 0.1
"""Share of the faces, beyond one, that may be skipped; more of them is a damaged data set, not a damaged file."""


@dataclass(frozen=True, slots=True)
class Skip:
    """A face that was left out.

    Attributes:
        name: the item's.
        reason: why, in one line that names the file.
    """

    name: str
    reason: str


def readable(dataset: Dataset) -> tuple[Dataset, tuple[Skip, ...]]:
    """The faces that can be read, and a line for each that cannot.

    Every face is loaded once and let go, one at a time. What a reader finds wrong when it opens the data set
    (contradictions, missing tables) is an error there and never skipped.

    Args:
        dataset: any data set.

    Returns:
        The data set without the faces that cannot be read, in the same order, and these, in order.

    Raises:
        DataError: there are no faces, none can be read, or more than ``MOST_UNREADABLE`` of them and more than one
            cannot.
    """
    if not dataset.items:
        raise DataError(f"{dataset.name}: holds no faces; check the folder that was given")
    kept: list[Item] = []
    skips: list[Skip] = []
    for item in dataset.items:
        try:
            pixels = item.face()
        except DataError as error:
            skips.append(Skip(item.name, str(error)))
            continue
        if pixels.size == 0:
            skips.append(Skip(item.name, f"{item.name}: the crop has no pixels; remove it or make it anew"))
        else:
            kept.append(item)
    total = len(dataset.items)
    if not kept or len(skips) > max(1, MOST_UNREADABLE * total):
        raise DataError(
            f"{dataset.name}: {len(skips)} of {total} faces cannot be read, too many to leave out; the first: "
            f"{skips[0].reason}"
        )
    return replace(dataset, items=tuple(kept)), tuple(skips)


def held(dataset: Dataset) -> Dataset:
    """The same data set with its faces in memory, for work that looks at them many times.

    A reader may search a photograph for a face, or draw one, at every call; held faces cost their pixels instead.

    Raises:
        DataError: a face cannot be read.
    """
    return replace(dataset, items=tuple(replace(item, face=_Held(item.face())) for item in dataset.items))


@dataclass(frozen=True, slots=True)
class _Held:
    """Gives a face that is there already; callers must not write into it."""

    pixels: Grey

    def __call__(self) -> Grey:
        return self.pixels
