"""The parts that some data sets come divided into by their authors: to train on, to choose by, to test on.

Whoever compares figures on such a data set trusts that nobody trained on the other two parts. So training takes
``for_training`` of whatever it is given.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from mien.data.dataset import PARTS, TRAIN
from mien.errors import DataError

if TYPE_CHECKING:
    from mien.data.dataset import Dataset, Item


def parts(dataset: Dataset) -> tuple[str, ...]:
    """Names of the official parts that its items belong to, in the order of ``PARTS``; empty where it has none."""
    there = {item.part for item in dataset.items}
    return tuple(part for part in PARTS if part in there)


def trainable(item: Item) -> bool:
    """Whether the face may be trained on: it belongs to the part "train", or to none."""
    return item.part in ("", TRAIN)


def of_part(dataset: Dataset, part: str) -> Dataset:
    """The items of one official part, in order; the data set's name says which: ``ferplus-test``.

    Raises:
        DataError: the data set has no such part.
    """
    there = parts(dataset)
    if part not in there:
        found = f"there are: {', '.join(there)}" if there else "it is not divided into official parts"
        raise DataError(f"{dataset.name}: has no part {part!r}; {found}")
    items = tuple(item for item in dataset.items if item.part == part)
    return replace(dataset, name=f"{dataset.name.removesuffix(f'-{part}')}-{part}", items=items)


def for_training(dataset: Dataset) -> Dataset:
    """What may be trained on: the part "train" where a data set has official parts, and else all of it.

    Raises:
        DataError: it has official parts, but not that one.
    """
    return of_part(dataset, TRAIN) if parts(dataset) else dataset


def by_part(dataset: Dataset) -> dict[str, Dataset]:
    """The data set divided by official part; what belongs to none, by ``""``. Names stay as they are."""
    names = sorted({item.part for item in dataset.items})
    if len(names) <= 1:
        return dict.fromkeys(names, dataset)
    return {
        name: replace(dataset, items=tuple(item for item in dataset.items if item.part == name)) for name in names
    }
