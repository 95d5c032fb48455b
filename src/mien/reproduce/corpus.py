"""The frames that the experiments run on, as arrays: the last ones of every labelled sequence, without neutral."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mien.data.census import require_people
from mien.data.sequences import codes_of_sequences
from mien.errors import DataError
from mien.faces import patches
from mien.labels import LabelSet
from mien.learn import tracking, training_set

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mien.data.dataset import Dataset, Item
    from mien.data.splits import Fold

PATCH = patches.Options(size=24)
"""Section 3.2: 24x24, bilinear, per-image min-max (to [0, 1]; see ``faces.patches``)."""
NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class Corpus:
    """Labelled frames; rows of all arrays correspond to ``dataset.items``.

    Attributes:
        dataset: the frames, all of which can be read and have a label; neutral is not among the labels.
        fingerprint: SHA-256 (hex) over the frames.
        patches: float32 (n, 24, 24) in [0, 1].
        label: (n,) index into ``labels``.
        subject, sequence: names (n,).
        place: (n,) position in the sequence.
        codes: action units of each frame's sequence, int64 (n, units), or None where they are not known. A frame
            takes the codes of its sequence's peak, as the report's 4.5 frames a sequence must have.
        tracking: normalised shape, and its change from the neutral frame where there is one, float32
            (n, 136 or 272); None without landmarks.
    """

    dataset: Dataset
    fingerprint: str
    patches: NDArray[np.float32]
    label: NDArray[np.intp]
    subject: NDArray[np.str_]
    sequence: NDArray[np.str_]
    place: NDArray[np.intp]
    codes: NDArray[np.int64] | None
    tracking: NDArray[np.float32] | None

    @property
    def labels(self) -> tuple[str, ...]:
        """The expressions, in order."""
        return self.dataset.labels.expressions

    @property
    def changes(self) -> bool:
        """Whether the tracking labels hold the change from a neutral face too."""
        return self.tracking is not None and self.tracking.shape[1] > 2 * tracking.POINTS

    @property
    def flat(self) -> NDArray[np.float32]:
        """The patches as rows (n, 576)."""
        return self.patches.reshape(len(self.patches), -1)

    @property
    def item(self) -> NDArray[np.str_]:
        """Names (n,)."""
        return np.array([item.name for item in self.dataset.items])


def gather(dataset: Dataset, rest: Sequence[Item] = ()) -> Corpus:
    """The corpus of a data set: frames that carry an expression other than neutral.

    Neutral frames serve as the reference of the tracking labels and are not classified: the report's Table 1 has
    six expressions, CK+ seven.

    Args:
        dataset: the frames, neutral ones among them or not.
        rest: other pictures of the same people, of which neutral ones serve as that reference too. A sequence's
            own neutral face goes before another one of the person, and one of ``dataset`` before one of these.

    Raises:
        DataError: too few people, or a label that one person alone shows.
    """
    shown = tuple(item for item in dataset.items if item.expression not in (None, NEUTRAL))
    if not shown:
        raise DataError(f"{dataset.name}: no face shows an expression; give labelled data")
    present = {str(item.expression) for item in shown}
    labels = tuple(label for label in dataset.labels.expressions if label in present)
    if len(labels) < 2:
        raise DataError(f"{dataset.name}: all labelled faces show {labels[0]}; two expressions or more are needed")
    kept = replace(dataset, items=shown, labels=LabelSet(labels))
    require_people(kept)
    return Corpus(
        dataset=kept,
        fingerprint=kept.fingerprint(),
        patches=training_set.cut(kept.items, PATCH),
        label=np.array([labels.index(str(item.expression)) for item in kept.items], np.intp),
        subject=np.array([item.subject for item in kept.items]),
        sequence=np.array([item.sequence for item in kept.items]),
        place=np.array([item.place for item in kept.items], np.intp),
        codes=_codes(kept),
        tracking=_tracking(kept.items, (*rest, *dataset.items)),
    )


def rows(fold: Fold) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The fold's training and tested rows."""
    return np.array(fold.train, np.intp), np.array(fold.test, np.intp)


def at_rest(items: Sequence[Item], everything: Sequence[Item]) -> list[Item | None]:
    """Of every item the person's neutral face, with landmarks, or None where there is none.

    Args:
        items: whose.
        everything: where it is looked for: the own sequence's goes before another one of the person, and of several
            the last.
    """
    known = {
        key: item
        for item in everything
        if item.expression == NEUTRAL and item.landmarks is not None
        for key in (item.subject, item.sequence)
    }
    return [known.get(item.sequence, known.get(item.subject)) for item in items]


def _codes(dataset: Dataset) -> NDArray[np.int64] | None:
    known = codes_of_sequences(dataset)
    if not all(item.sequence in known for item in dataset.items):
        return None
    found = np.array([known[item.sequence] for item in dataset.items], np.int64)
    return found if found.any() else None


def _tracking(items: Sequence[Item], everything: Sequence[Item]) -> NDArray[np.float32] | None:
    points = [item.landmarks for item in items]
    if any(p is None for p in points):
        return None
    landmarks = np.array(points, np.float64)
    neutral = [None if found is None else found.landmarks for found in at_rest(items, everything)]
    try:
        parts = [tracking.shape(landmarks)]
        if all(p is not None for p in neutral):
            parts.append(tracking.change(landmarks, np.array(neutral, np.float64)))
    except ValueError as error:
        raise DataError(f"landmarks of {items[0].name} and others: {error}") from None
    return np.concatenate(parts, axis=1).astype(np.float32)
