"""The protocols, as folds of a corpus, and which of them share what was learned without labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mien.data import splits
from mien.data.splits import Fold
from mien.errors import DataError
from mien.reproduce import paper

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mien.data.dataset import Dataset
    from mien.reproduce.corpus import Corpus

PAPER, SEQUENCES, GROUPS, ONE_BY_ONE = "paper-split", "sequence-split", "subject-10fold", "loso"
MOST_PEOPLE = 1000  # each is left out once
SHARE = 3  # a label is tested in the report's composition if training keeps two thirds of its frames


@dataclass(frozen=True, slots=True)
class Division:
    """One protocol.

    Attributes:
        name: as in ``results.Row.protocol``.
        text: one sentence for the reader.
        leaks: people are on both sides.
        folds: who is trained on and who is tested.
        learned: the distinct sets of rows that features and choices are learned on; none holds a tested row of the
            folds that use it.
        uses: for every fold, its place in ``learned``.
        tested: labels that are tested.
    """

    name: str
    text: str
    leaks: bool
    folds: tuple[Fold, ...]
    learned: tuple[tuple[int, ...], ...]
    uses: tuple[int, ...]
    tested: tuple[str, ...]


def divide(corpus: Corpus, draws: int, seed: int) -> dict[str, Division]:
    """All four protocols of ``corpus`` by name.

    Args:
        corpus: the frames.
        draws: how often each random split is drawn anew.
        seed: of the draws.

    Raises:
        DataError: too few people or frames, or too many people.
    """
    people = len(set(corpus.subject.tolist()))
    if people > MOST_PEOPLE:
        raise DataError(
            f"{corpus.dataset.name}: {people} people; everybody is left out once, so give {MOST_PEOPLE} "
            "people at most (a data set that knows no people, such as ferplus, cannot serve)"
        )
    data = corpus.dataset
    labels = corpus.labels
    tested, each = composition(corpus)
    named = {p.name: p for p in splits.PROTOCOLS}
    frames = [_paper_draw(corpus, tested, each, seed + k) for k in range(draws)]
    sequences = [fold for k in range(draws) for fold in named[SEQUENCES].folds(data, seed + k)]
    groups = named[GROUPS].folds(data)
    singles = named[ONE_BY_ONE].folds(data)
    return {
        PAPER: Division(
            PAPER,
            f"The report's split: {each} frames of each of {len(tested)} expressions, drawn at random, are tested "
            f"and all others trained on. Neighbouring frames and the same people are on both sides. "
            f"{_times(draws)}",
            True,
            tuple(splits.checked(frames, data, leaks=True)),
            *_own(frames),
            tested,
        ),
        SEQUENCES: Division(
            SEQUENCES,
            "A tenth of the sequences, drawn at random, is tested; the same people are on both sides. "
            f"{_times(draws)}",
            True,
            tuple(sequences),
            *_own(sequences),
            labels,
        ),
        GROUPS: Division(GROUPS, named[GROUPS].text, False, tuple(groups), *_own(groups), labels),
        ONE_BY_ONE: Division(
            ONE_BY_ONE,
            f"{named[ONE_BY_ONE].text} Features and strengths are those learned without the person's group of ten.",
            False,
            tuple(singles),
            tuple(fold.train for fold in groups),
            _group_of(singles, groups, data),
            labels,
        ),
    }


def composition(corpus: Corpus) -> tuple[tuple[str, ...], int]:
    """The labels that the report's split tests, and how many frames of each.

    The report tests 25 frames of each of its six expressions. In a smaller data set the number shrinks until each
    of them keeps two thirds of its frames for training; without the six, all labels are tested.

    Raises:
        DataError: a label has too few frames.
    """
    tested = paper.SIX if set(paper.SIX) <= set(corpus.labels) else corpus.labels
    counts = np.bincount(corpus.label, minlength=len(corpus.labels))
    fewest = min(int(counts[corpus.labels.index(label)]) for label in tested)
    each = min(paper.PER_EXPRESSION, fewest // SHARE)
    if each < 1:
        raise DataError(
            f"{corpus.dataset.name}: {SHARE} frames of every expression are needed for the report's split, one has "
            f"{fewest}"
        )
    return tested, each


def _paper_draw(corpus: Corpus, tested: Sequence[str], each: int, seed: int) -> Fold:
    random = np.random.default_rng([seed, 4])
    chosen: set[int] = set()
    for label in tested:
        of_label = np.flatnonzero(corpus.label == corpus.labels.index(label))
        chosen |= set(random.choice(of_label, each, replace=False).tolist())
    train = tuple(i for i in range(len(corpus.label)) if i not in chosen)
    return Fold(train, tuple(sorted(chosen)))


def _own(folds: Sequence[Fold]) -> tuple[tuple[tuple[int, ...], ...], tuple[int, ...]]:
    """Every fold learns on its own training rows."""
    return tuple(fold.train for fold in folds), tuple(range(len(folds)))


def _group_of(singles: Sequence[Fold], groups: Sequence[Fold], data: Dataset) -> tuple[int, ...]:
    """For every person left out, the group that holds that person."""
    group = {data.items[i].subject: number for number, fold in enumerate(groups) for i in fold.test}
    return tuple(group[data.items[fold.test[0]].subject] for fold in singles)


def _times(draws: int) -> str:
    return "Drawn once." if draws == 1 else f"Drawn {draws} times; counts are means."
