"""Accuracy against the number of labelled people: what learning without labels buys when labels are few.

The features learn from all training people of a fold, whose labels are hidden but for some; pixels and principal
components are given the same labels. The classifier's strength is fixed: a handful of people cannot choose it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mien.learn.heads import softmax
from mien.reproduce import measures
from mien.reproduce.divisions import GROUPS
from mien.reproduce.scored import Scored
from mien.reproduce.views import FEATURES, PCA, PIXELS

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from mien.reproduce.bench import Bench
    from mien.reproduce.corpus import Corpus
    from mien.reproduce.results import Row
    from mien.reproduce.views import View

EXPERIMENT = "labels"
METRICS = ("accuracy", "balanced_accuracy")
INPUTS = (FEATURES, PIXELS, PCA)
STRENGTH = {FEATURES: 0.01, PIXELS: 0.01, PCA: 0.1}
"""What inner folds over all training people mostly choose for each input."""


def run(bench: Bench) -> list[Scored]:
    """Every number of people and every input, under subject-wise ten-fold."""
    corpus, division = bench.corpus, bench.divisions[GROUPS]
    fewest = min(len(set(corpus.subject[list(fold.train)].tolist())) for fold in division.folds)
    counts = [count for count in bench.settings.people if count < fewest]
    found: list[Scored] = []
    for number, fold in enumerate(division.folds):
        bench.progress("people", number, len(division.folds))
        view = bench.view(division.learned[number])
        train, test = np.array(fold.train, np.intp), np.array(fold.test, np.intp)
        for count in (*counts, fewest):
            draws = bench.settings.curve_draws if count < fewest else 1
            for inputs in INPUTS:
                made = _scores(bench, view, train, test, inputs, count, draws)
                found.append(_scored(corpus, test, number, f"{inputs}@{count}", made))
    bench.progress("people", len(division.folds), len(division.folds))
    return measures.joined(found)


def rows(scored: list[Scored]) -> list[Row]:
    """Accuracy and balanced accuracy of each, and what features gain over pixels and principal components."""
    by = {s.inputs: s for s in scored}
    found = [row for s in scored for row in measures.of_answers(s, METRICS)]
    for inputs in by:
        name, _, count = inputs.partition("@")
        if name == FEATURES:
            for other in (f"{PIXELS}@{count}", f"{PCA}@{count}"):
                found += measures.difference(by[inputs], by[other], METRICS, inputs=f"{inputs} minus {other}")
    return found


def choose(corpus: Corpus, train: NDArray[np.intp], count: int, seed: int) -> NDArray[np.intp]:
    """Training rows of ``count`` people who together show every expression.

    For every expression, the rarest first, somebody who shows it is drawn unless somebody chosen already does; the
    rest are drawn from all.
    """
    random = np.random.default_rng([seed, 7])
    people = np.unique(corpus.subject[train])
    chosen: list[str] = []
    shown = {k: set(corpus.subject[train][corpus.label[train] == k].tolist()) for k in range(len(corpus.labels))}
    for k in sorted(shown, key=lambda k: (len(shown[k]), k)):
        if not shown[k] & set(chosen):
            chosen.append(str(random.choice(sorted(shown[k]))))
    others = [person for person in random.permutation(people).tolist() if person not in chosen]
    chosen += others[: max(0, count - len(chosen))]
    return train[np.isin(corpus.subject[train], chosen)]


def _scores(
    bench: Bench, view: View, train: NDArray[np.intp], test: NDArray[np.intp], inputs: str, count: int, draws: int
) -> NDArray[np.float64]:
    """Probabilities (draws, tested, labels)."""
    corpus = bench.corpus
    x = view.inputs(inputs)
    choices = softmax.Choices(C=STRENGTH[inputs], standardise=inputs != PCA, inner_loss=0.0)  # as in ``classify``

    def make(_checkpoint: Path) -> dict[str, NDArray[np.float64]]:
        head = softmax.build(bench.settings.softmax)
        found = []
        for draw in range(draws):
            rows = choose(corpus, train, count, bench.settings.seed + draw)
            classifier = head.fit_with(choices, x[rows], corpus.label[rows], len(corpus.labels))
            found.append(classifier.probabilities(x[test]))
        return {"probabilities": np.stack(found)}

    key = {
        "seen": view.signature, "inputs": inputs, "train": train, "test": test, "labels": corpus.label,
        "subjects": corpus.subject, "count": count, "draws": draws, "choices": [choices, bench.settings.softmax],
        "seed": bench.settings.seed,
    }  # fmt: skip
    return bench.stages.get("people", key, make)["probabilities"]


def _scored(
    corpus: Corpus, test: NDArray[np.intp], fold: int, inputs: str, probabilities: NDArray[np.float64]
) -> Scored:
    """All draws one after the other."""
    rows = np.tile(test, len(probabilities))
    return Scored(
        EXPERIMENT,
        GROUPS,
        inputs,
        corpus.labels,
        corpus.item[rows],
        corpus.subject[rows],
        corpus.sequence[rows],
        np.full(len(rows), fold),
        corpus.label[rows],
        probabilities.reshape(len(rows), -1),
    )
