"""Who shows what: faces and people per label, and whether they are enough to compare people with one another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mien.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mien.data.dataset import Dataset


@dataclass(frozen=True, slots=True)
class Census:
    """Labelled faces of a data set.

    Attributes:
        faces: their number by label, in ``Dataset.labels`` order.
        people: who shows each label, sorted, in the same order.
    """

    faces: Mapping[str, int]
    people: Mapping[str, tuple[str, ...]]


def census(dataset: Dataset) -> Census:
    """Count the labelled faces; a label that nobody shows has 0 of them."""
    labels = dataset.labels.expressions
    shown = {label: [item for item in dataset.items if item.expression == label] for label in labels}
    return Census(
        {label: len(items) for label, items in shown.items()},
        {label: tuple(sorted({item.subject for item in items})) for label, items in shown.items()},
    )


def require_people(dataset: Dataset) -> Census:
    """The census of a data set on which a model can be trained on some people and tested on others.

    A label that one person shows alone cannot be learned when that person is held out.

    Raises:
        DataError: no face has a label, one person shows all of them, fewer than two labels are shown, or one person
            alone shows a label.
    """
    found = census(dataset)
    everybody = {who for people in found.people.values() for who in people}
    if len(everybody) < 2:
        alone = f"all labelled faces are of {min(everybody)}" if everybody else "no face has a label"
        raise DataError(f"{dataset.name}: {alone}; faces of two people or more are needed to test on people unseen")
    shown = [label for label, people in found.people.items() if people]
    if len(shown) < 2:
        raise DataError(f"{dataset.name}: all labelled faces show {shown[0]}; two labels or more are needed")
    lone = [f"{label} (only {found.people[label][0]})" for label in shown if len(found.people[label]) == 1]
    if lone:
        raise DataError(
            f"{dataset.name}: one person alone shows {', '.join(lone)}, so nobody is left to learn it from when "
            "that person is tested; add people or leave that label out"
        )
    return found
