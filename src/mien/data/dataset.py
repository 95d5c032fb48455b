"""What a labelled set of faces is, whatever its official layout."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mien.labels import LabelSet
    from mien.types import Grey

TRAIN, VALIDATION, TEST = "train", "validation", "test"
PARTS = (TRAIN, VALIDATION, TEST)
"""Names of the parts that some data sets come divided into; only the first is trained on (see ``data.parts``)."""


class FaceReader(Protocol):
    """Loads one face crop."""

    def __call__(self) -> Grey:
        """The crop, uint8 (height, width). Raises DataError when it cannot be read."""


@dataclass(frozen=True, slots=True)
class Votes:
    """What several people said that one face shows.

    Attributes:
        cast: votes per ``Dataset.labels.expressions``.
        unsure: votes of those who could not tell.
        former: what an earlier annotation of the same face calls it, in the house's words; ``None`` where there is
            none.
    """

    cast: tuple[int, ...]
    unsure: int = 0
    former: str | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One face crop with what is known about it.

    Attributes:
        name: unique within the data set, such as ``S005_001_00000001``.
        subject: the person; ``""`` is not allowed: without subjects there is no honest split.
        sequence: the clip it comes from; unique over subjects.
        place: position in the sequence, from 0.
        expression: its label, or ``None`` where there is none.
        action_units: 0/1 per ``Dataset.action_units``, or ``None`` where the frame was not coded.
        face: loads the crop.
        landmarks: 68 (x, y) points in pixels of the crop, iBUG order, or ``None``.
        intensities: how strongly each of ``Dataset.action_units`` is shown, where a data set grades them: 1 to 5
            for FACS' A to E, 0 where the unit is absent, ``None`` where it is present but was not graded. ``None``
            as a whole where nobody graded. Not part of ``Dataset.fingerprint``.
        sought_by: SHA-256 (hex) of the landmark network that looked for ``landmarks``; ``""`` where they are the
            data set's own, or nobody looked. Not part of ``Dataset.fingerprint``.
        part: which of its data set's official parts it belongs to, one of ``PARTS``; ``""`` where the data set has
            none. Not part of ``Dataset.fingerprint``.
        votes: what the people said from whose votes ``expression`` comes; ``None`` where nobody voted. Not part of
            ``Dataset.fingerprint``: the label that is derived from them is.
    """

    name: str
    subject: str
    sequence: str
    place: int
    expression: str | None
    action_units: tuple[int, ...] | None
    face: FaceReader
    landmarks: tuple[tuple[float, float], ...] | None = None
    intensities: tuple[float | None, ...] | None = None
    sought_by: str = ""
    part: str = ""
    votes: Votes | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """Items of one data set.

    Attributes:
        name: the reader's name, such as ``ckplus``.
        items: all crops, sorted by name.
        labels: the expressions its labels come from, in model order.
        action_units: names in the order of ``Item.action_units``; empty where it has none.
        synthetic: drawn by code; every number from it must be marked.
        terms: what its terms allow, in words, for model cards.
    """

    name: str
    items: tuple[Item, ...]
    labels: LabelSet
    action_units: tuple[str, ...] = ()
    synthetic: bool = False
    terms: str = ""

    @property
    def subjects(self) -> tuple[str, ...]:
        """All people, sorted."""
        return tuple(sorted({item.subject for item in self.items}))

    def fingerprint(self) -> str:
        """SHA-256 (hex) over every item's name, subject, label, action units and pixels, in order.

        Raises:
            DataError: an image cannot be read.
        """
        digest = hashlib.sha256()
        for item in self.items:
            pixels = item.face()
            digest.update(repr((item.name, item.subject, item.expression, item.action_units)).encode())
            digest.update(repr(pixels.shape).encode())
            digest.update(pixels.tobytes())
        return digest.hexdigest()
