"""From a data set to arrays: patches, labels and subjects, with altered copies where the recipe wants them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from mien.data import landmarks
from mien.data.dataset import Dataset
from mien.errors import DataError, TrainingError
from mien.faces import patches
from mien.learn.augmentation import views

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from numpy.typing import NDArray

    from mien.data.dataset import Item
    from mien.labels import LabelSet
    from mien.learn.augmentation import Augmentation
    from mien.types import Grey


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Faces as arrays.

    Attributes:
        patches: float32 (n, size, size) in [0, 1].
        labels: (n,) index of each face's label.
        subjects: (n,) whose face it is.
    """

    patches: NDArray[np.float32]
    labels: NDArray[np.intp]
    subjects: NDArray[np.str_]

    @property
    def flat(self) -> NDArray[np.float32]:
        """The patches as rows, float32 (n, size * size)."""
        return self.patches.reshape(len(self.patches), -1)


def join(datasets: Sequence[Dataset]) -> Dataset:
    """Several data sets as one; names, subjects and sequences get the data set's name in front.

    Action units are those of the sets that have any: the others' items have none. Votes and parts stay.

    Raises:
        DataError: none given, the same one twice, or their labels or action units differ.
    """
    if len(datasets) == 1:
        return datasets[0]
    names = [d.name for d in datasets]
    if not datasets or len(set(names)) < len(names):
        raise DataError(f"--data must name one or more different data sets, not {', '.join(names) or 'none'}")
    labels = datasets[0].labels
    for other in datasets[1:]:
        if other.labels != labels:
            raise DataError(
                f"{names[0]} and {other.name} have different labels ({', '.join(labels.expressions)} against "
                f"{', '.join(other.labels.expressions)}); train on one of them"
            )
    units = _units(datasets)
    items = tuple(
        replace(
            item,
            name=f"{d.name}/{item.name}",
            subject=f"{d.name}/{item.subject}",
            sequence=f"{d.name}/{item.sequence}",
            action_units=_in_order(item.action_units, d.action_units, units),
            intensities=_in_order(item.intensities, d.action_units, units),
        )
        for d in datasets
        for item in d.items
    )
    return Dataset(
        name="+".join(names),
        items=tuple(sorted(items, key=lambda item: item.name)),
        labels=labels,
        action_units=units,
        synthetic=any(d.synthetic for d in datasets),
        terms="; ".join(dict.fromkeys(d.terms for d in datasets if d.terms)),
    )


def _units(datasets: Sequence[Dataset]) -> tuple[str, ...]:
    """The action units that all of those have that have any.

    Raises:
        DataError: two have different ones. What one does not code would have to pass for absent in its faces.
    """
    coded = [d for d in datasets if d.action_units]
    for other in coded[1:]:
        differ = sorted(set(coded[0].action_units) ^ set(other.action_units))
        if differ:
            raise DataError(
                f"{coded[0].name} and {other.name} code different action units ({', '.join(differ)} in one of them "
                "only); train on one of them, or code the same in both"
            )
    return coded[0].action_units if coded else ()


def _in_order(
    values: tuple[T, ...] | None, names: tuple[str, ...], wanted: tuple[str, ...]
) -> tuple[T, ...] | None:
    """``values``, one per ``names``, as one per ``wanted``."""
    return None if values is None else tuple(values[names.index(name)] for name in wanted)


def labelled(items: Iterable[Item], labels: LabelSet) -> tuple[Item, ...]:
    """The items whose label is one of ``labels``, in their order."""
    return tuple(item for item in items if item.expression in labels.expressions)


def require(dataset: Dataset, shown: Collection[str]) -> None:
    """Refuse to learn labels of which there is no example.

    Args:
        dataset: names the labels.
        shown: those that some training face shows.

    Raises:
        TrainingError: one is missing.
    """
    missing = [label for label in dataset.labels.expressions if label not in shown]
    if missing:
        raise TrainingError(
            f"{dataset.name}: no training face shows {', '.join(missing)}; a model cannot learn a label it never "
            "sees: use more data or fewer folds"
        )


def cut(items: Iterable[Item], options: patches.Options) -> NDArray[np.float32]:
    """The patches of ``items`` as they are, float32 (n, size, size).

    Raises:
        DataError: an image cannot be read, or faces are to be aligned and one has no landmarks that serve.
    """
    found = [_patch(item, options) for item in items]
    return np.stack(found) if found else np.zeros((0, options.size, options.size), np.float32)


def assemble(
    items: Iterable[Item], labels: LabelSet, options: patches.Options, augmentation: Augmentation, seed: int
) -> TrainingSet:
    """Arrays of all labelled ``items`` and of their altered copies, in a fixed order.

    Raises:
        TrainingError: no item has one of the labels.
        DataError: as ``cut``.
    """
    random = np.random.default_rng([seed, 1])
    found: list[NDArray[np.float32]] = []
    places: list[int] = []
    subjects: list[str] = []
    place = {name: k for k, name in enumerate(labels.expressions)}
    for item in items:
        if item.expression not in place:
            continue
        face = item.face()
        try:
            seen = views(face, options, augmentation, random, _points(item, face, options))
        except ValueError as error:
            raise DataError(f"{item.name}: {error}") from None
        found.extend(seen)
        places.extend([place[item.expression]] * len(seen))
        subjects.extend([item.subject] * len(seen))
    if not found:
        raise TrainingError(f"no face carries one of the labels {', '.join(labels.expressions)}; check --data")
    return TrainingSet(np.stack(found), np.array(places, np.intp), np.array(subjects))


def _patch(item: Item, options: patches.Options) -> NDArray[np.float32]:
    face = item.face()
    try:
        return patches.cut(face, None, options, _points(item, face, options))
    except ValueError as error:
        raise DataError(f"{item.name}: {error}") from None


def _points(item: Item, face: Grey, options: patches.Options) -> NDArray[np.float64] | None:
    return None if options.alignment == "box" else landmarks.points(item, face)
