"""Protocols: who is trained on and who is tested. All that train but two keep every person on one side.

A network recognises people before it recognises what they show; a split of frames or of sequences that leaves the
same person on both sides measures that. Such a split exists here only under its honest name, and ``checked``
refuses any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from mien import plugins
from mien.data.dataset import TEST, VALIDATION
from mien.data.parts import of_part, trainable
from mien.errors import DataError, UnknownPartError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from mien.data.dataset import Dataset

_T = TypeVar("_T")

GROUPS = 10
"""Groups of ``subject-10fold``."""
HELD_OUT = 0.2
"""Share of the people that ``holdout`` tests."""
FRAMES_HELD_OUT = 0.1
"""Share of the faces that ``paper-split`` tests; the 2010 report tested 150 of 1465."""
SEQUENCES_HELD_OUT = 0.1
"""Share of the sequences that ``sequence-split`` tests, to compare with ``paper-split``."""


@dataclass(frozen=True, slots=True)
class Fold:
    """Who is trained on and who is tested, as places in ``Dataset.items``, ascending."""

    train: tuple[int, ...]
    test: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Protocol:
    """A way to divide a data set.

    Attributes:
        name: what ``--protocol`` calls it.
        text: one sentence that explains it to the reader of a report.
        leaks: people are on both sides, so its figures are too good.
        divide: from the labelled places and each one's subject to the tested places of every fold.
    """

    name: str
    text: str
    leaks: bool
    divide: Callable[[_Labelled, int], list[list[int]]]

    def folds(self, dataset: Dataset, seed: int = 0) -> list[Fold]:
        """The folds; items without an expression label are in none of them.

        Args:
            dataset: whom to divide.
            seed: for the protocols that draw lots; the same seed gives the same folds.

        Raises:
            DataError: there are too few labelled people (or faces or sequences, where the protocol divides those).
        """
        shown = [(i, item) for i, item in enumerate(dataset.items) if item.expression is not None]
        labelled = _Labelled(
            self.name,
            dataset.name,
            {i: item.subject for i, item in shown},
            {i: item.sequence for i, item in shown},
        )
        found = []
        for group in self.divide(labelled, seed):
            tested = set(group)
            train = tuple(i for i in labelled.subject_of if i not in tested)
            found.append(Fold(train, tuple(sorted(tested))))
        return checked(found, dataset, self.leaks)


@dataclass(frozen=True, slots=True)
class OfficialPart:
    """A protocol that trains nothing: the model is scored, as it stands, on a part that a data set comes with.

    Attributes:
        name: what ``--protocol`` calls it, and the part's name.
        text: as ``Protocol.text``.
    """

    name: str
    text: str

    def select(self, dataset: Dataset) -> Dataset:
        """The faces of that part.

        Raises:
            DataError: the data set has no such part; the message lists those there are.
        """
        return of_part(dataset, self.name)


def protocol(name: str) -> Protocol | OfficialPart:
    """The protocol called ``name``.

    Raises:
        UnknownPartError: there is none; the message lists those there are.
    """
    known: dict[str, Protocol | OfficialPart] = {p.name: p for p in (*PROTOCOLS, *OFFICIAL)}
    if name not in known:
        raise UnknownPartError(plugins.unknown("protocol", name, tuple(known)))
    return known[name]


def checked(folds: Iterable[Fold], dataset: Dataset, leaks: bool = False) -> list[Fold]:
    """The folds, after a look at who is in them.

    Args:
        folds: any split, also one made elsewhere.
        dataset: what their places refer to.
        leaks: the split is declared to have people on both sides. No declaration allows the same face there.

    Raises:
        DataError: a side is empty, a place does not exist, a face or (undeclared) a person is on both sides, or a
            face that its data set's authors set apart is in training.
    """
    found = list(folds)
    for number, fold in enumerate(found):
        where = f"{dataset.name}: fold {number}"
        if not fold.train or not fold.test:
            raise DataError(f"{where} has nobody to {'test' if fold.train else 'train'} on; use fewer folds")
        places = (*fold.train, *fold.test)
        if min(places) < 0 or max(places) >= len(dataset.items):
            raise DataError(f"{where} names a face that is not among the {len(dataset.items)}; make the split anew")
        twice = set(fold.train) & set(fold.test)
        if twice:
            face = dataset.items[min(twice)].name
            raise DataError(f"{where} has the face {face} in training and in test; make the split anew")
        kept = [dataset.items[i] for i in fold.train if not trainable(dataset.items[i])]
        if kept:
            raise DataError(
                f"{where} would train on {kept[0].name}, of the part {kept[0].part}; divide "
                "mien.data.parts.for_training(dataset)"
            )
        both = {dataset.items[i].subject for i in fold.train} & {dataset.items[i].subject for i in fold.test}
        if both and not leaks:
            raise DataError(
                f"{where} has {_persons(len(both))} in training and in test, such as {min(both)}; split by subject"
            )
    return found


@dataclass(frozen=True, slots=True)
class _Labelled:
    """Whom to divide: subject and sequence of every labelled place, in ascending order of the places."""

    protocol: str
    data: str
    subject_of: dict[int, str]
    sequence_of: dict[int, str]

    def subjects(self, needed: int) -> list[str]:
        """The people, sorted by id; ``needed`` at least."""
        found = sorted(set(self.subject_of.values()))
        if len(found) < needed:
            advice = "use --protocol loso" if len(found) >= 2 else "no split by subject is possible"
            raise DataError(
                f"{self.data}: protocol {self.protocol} needs {needed} people with labelled faces, there "
                f"{'is' if len(found) == 1 else 'are'} {len(found)}; {advice}"
            )
        return found

    def of(self, subjects: Iterable[str]) -> list[int]:
        """The places of these people."""
        wanted = set(subjects)
        return [i for i, subject in self.subject_of.items() if subject in wanted]


def _in_groups(labelled: _Labelled, seed: int) -> list[list[int]]:  # noqa: ARG001  nothing is drawn
    subjects = labelled.subjects(GROUPS)
    bounds = [round(k * len(subjects) / GROUPS) for k in range(GROUPS + 1)]
    return [labelled.of(subjects[low:high]) for low, high in pairwise(bounds)]


def _one_by_one(labelled: _Labelled, seed: int) -> list[list[int]]:  # noqa: ARG001  nothing is drawn
    return [labelled.of([subject]) for subject in labelled.subjects(2)]


def _some_people(labelled: _Labelled, seed: int) -> list[list[int]]:
    return [labelled.of(_drawn(labelled.subjects(2), HELD_OUT, seed))]


def _some_frames(labelled: _Labelled, seed: int) -> list[list[int]]:
    places = list(labelled.subject_of)
    if len(places) < 2:
        raise DataError(f"{labelled.data}: protocol {labelled.protocol} needs 2 labelled faces; add some")
    return [_drawn(places, FRAMES_HELD_OUT, seed)]


def _some_sequences(labelled: _Labelled, seed: int) -> list[list[int]]:
    sequences = sorted(set(labelled.sequence_of.values()))
    if len(sequences) < 2:
        raise DataError(f"{labelled.data}: protocol {labelled.protocol} needs 2 sequences with labels; add some")
    tested = set(_drawn(sequences, SEQUENCES_HELD_OUT, seed))
    return [[i for i, sequence in labelled.sequence_of.items() if sequence in tested]]


def _drawn(of: Sequence[_T], share: float, seed: int) -> list[_T]:
    order = np.random.default_rng(seed).permutation(len(of))
    return [of[i] for i in order[: max(1, round(share * len(of)))]]


def _persons(count: int) -> str:
    return "a person" if count == 1 else f"{count} people"


PROTOCOLS = (
    Protocol(
        "subject-10fold",
        "The people, sorted by id, are divided into ten groups of nearly equal size, and each group is scored by a "
        "model trained on the other nine.",
        leaks=False,
        divide=_in_groups,
    ),
    Protocol(
        "loso",
        "Leave one subject out: each person is scored by a model trained on all the others.",
        leaks=False,
        divide=_one_by_one,
    ),
    Protocol(
        "holdout",
        "A fifth of the people, drawn by the seed, is scored by a model trained on the others.",
        leaks=False,
        divide=_some_people,
    ),
    Protocol(
        "sequence-split",
        "A tenth of the sequences, drawn by the seed, is scored by a model trained on the rest: no sequence is on "
        "both sides, but people are, so the figures leak identity and are too good.",
        leaks=True,
        divide=_some_sequences,
    ),
    Protocol(
        "paper-split",
        "A tenth of the faces, drawn by the seed, as in the 2010 report, is scored by a model trained on the rest, "
        "which shows the same people and their neighbouring frames: the figures leak identity and are too good.",
        leaks=True,
        divide=_some_frames,
    ),
)
"""All protocols that train anew, the one to be used first."""

OFFICIAL = (
    OfficialPart(
        VALIDATION,
        "The faces that the data set's authors set apart to choose by are scored by the model as it stands. It was "
        "not trained on them, but choices may have been made by them.",
    ),
    OfficialPart(
        TEST,
        "The faces that the data set's authors set apart to test on are scored by the model as it stands.",
    ),
)
"""The protocols that score a data set's official part."""
