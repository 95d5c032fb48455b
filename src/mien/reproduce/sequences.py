"""Sequences against single frames (section 4.4, Fig. 8): probabilities pooled over the frames of a sequence."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mien.reproduce import measures
from mien.reproduce.divisions import GROUPS
from mien.reproduce.views import FEATURES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from mien.reproduce.corpus import Corpus
    from mien.reproduce.results import Row
    from mien.reproduce.scored import Scored

    Floats = NDArray[np.float64]

EXPERIMENT = "sequence"
FRAME = "frame"
POOLINGS: dict[str, Callable[[Floats], Floats]] = {
    "mean": measures.mean,
    "max": measures.largest,
    "product": measures.product,
}
FIGURES = ("accuracy", "balanced_accuracy", "macro_f1")


def run(corpus: Corpus, softmaxes: Sequence[Scored]) -> list[Scored]:
    """The last frame of every sequence alone, and all its frames pooled, of the same classifiers."""
    frames = replace(_features(softmaxes), experiment=EXPERIMENT)
    place = dict(zip(corpus.item.tolist(), corpus.place.tolist(), strict=True))
    last: dict[str, int] = {}
    for i, (item, sequence) in enumerate(zip(frames.item.tolist(), frames.sequence.tolist(), strict=True)):
        if sequence not in last or place[item] > place[str(frames.item[last[sequence]])]:
            last[sequence] = i
    alone = replace(measures.taken(frames, np.array(list(last.values()), np.intp)), inputs=FRAME)
    return [alone, *(measures.pooled(frames, how, name) for name, how in POOLINGS.items())]


def rows(scored: list[Scored]) -> list[Row]:
    """Figures of each, and what pooling gains over the last frame alone."""
    by = {s.inputs: s for s in scored}
    found = [row for s in scored for row in measures.of_answers(s, FIGURES)]
    found += measures.of_answers(measures.majority(by[FRAME]), FIGURES)
    for name in POOLINGS:
        found += measures.difference(by[name], by[FRAME], FIGURES, inputs=f"{name} minus {FRAME}")
    return found


def example(corpus: Corpus, scored: Sequence[Scored]) -> tuple[str, NDArray[np.intp], Floats]:
    """Fig. 8: one sequence of an unseen person: its label, rows of the corpus and probabilities, in order.

    The sequence is the one whose mean probability of the right answer is the median of all: typical, not the best.
    """
    s = _features(scored)
    right = s.probabilities[np.arange(len(s.truth)), s.truth]
    names = np.unique(s.sequence)
    each = np.array([right[s.sequence == name].mean() for name in names])
    chosen = names[np.argsort(each, kind="stable")[len(each) // 2]]
    row_of = {name: row for row, name in enumerate(corpus.item.tolist())}
    mine = np.flatnonzero(s.sequence == chosen)
    rows = np.array([row_of[name] for name in s.item[mine].tolist()], np.intp)
    order = np.argsort(corpus.place[rows], kind="stable")
    return s.labels[int(s.truth[mine[0]])], rows[order], s.probabilities[mine][order]


def _features(scored: Sequence[Scored]) -> Scored:
    """The softmax classifier on features, for unseen people."""
    wanted = ("softmax", GROUPS, FEATURES)
    return next(s for s in scored if (s.experiment, s.protocol, s.inputs) == wanted)
