"""The classifiers of sections 3.4 and 4.3 over the folds of a protocol: softmax, or one logistic per expression."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from mien.evaluate.baselines import shuffle_labels
from mien.learn.heads import logistic, softmax
from mien.reproduce.scored import Scored
from mien.reproduce.stages import digest
from mien.reproduce.views import PCA

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray

    from mien.reproduce.corpus import Corpus
    from mien.reproduce.divisions import Division
    from mien.reproduce.settings import Settings
    from mien.reproduce.stages import Stages
    from mien.reproduce.views import View

SHUFFLED = "shuffled-labels"


def score(
    experiment: str,
    corpus: Corpus,
    division: Division,
    views: Callable[[int], View],
    inputs: str,
    options: softmax.Options | logistic.Options,
    settings: Settings,
    stages: Stages,
    *,
    shuffled: bool = False,
) -> Scored:
    """Train on every fold's training rows and score its tested ones.

    Strengths and thresholds are chosen once per view, on the rows that it learned on, by inner folds over people.

    Args:
        experiment: for the record.
        corpus: all frames.
        division: who is trained on and who is tested.
        views: the view with a number in ``division.learned``.
        inputs: what the classifier sees, as ``View.inputs`` names it.
        options: of the head; their type says which.
        settings: sizes and seed.
        stages: where results are kept.
        shuffled: train on shuffled labels; the record says so instead of the inputs.

    Raises:
        TrainingError: a label has no example in a training set, or too few people.
    """
    truth = corpus.label
    labels = shuffle_labels(truth, corpus.sequence, settings.seed) if shuffled else truth
    if inputs == PCA:  # its components' variances are what it found out; made equal, noise would weigh as much
        options = replace(options, standardise=(False,))
    module = softmax if isinstance(options, softmax.Options) else logistic
    head = module.build(options)
    classes = len(corpus.labels)

    def of_view(number: int, _checkpoint: Path) -> dict[str, NDArray[Any]]:
        seen = views(number)
        x = seen.inputs(inputs)
        learned = seen.learned
        choices = head.choose(x[learned], labels[learned], corpus.subject[learned], classes, settings.seed)
        parts = []
        for place, fold in enumerate(division.folds):
            if division.uses[place] != number:
                continue
            train, test = np.array(fold.train, np.intp), np.array(fold.test, np.intp)
            classifier = head.fit_with(choices, x[train], labels[train], classes)
            parts.append((test, np.full(len(test), place), *_answers(classifier, x[test])))
        rows, folds, probabilities, said = (np.concatenate(part) for part in zip(*parts, strict=True))
        return {"rows": rows, "folds": folds, "probabilities": probabilities, "said": said}

    found = []
    folds = digest([[fold.train, fold.test] for fold in division.folds])  # once: a hundred thousand rows with loso
    for number, learned in enumerate(division.learned):
        key = {
            "folds": folds, "uses": division.uses, "number": number,
            "learned": learned, "inputs": inputs, "seen": views(number).signature, "head": type(head).__name__,
            "options": options, "labels": labels, "seed": settings.seed,
        }  # fmt: skip
        found.append(stages.get("scores", key, partial(of_view, number)))
    together = {name: np.concatenate([part[name] for part in found]) for name in found[0]}
    order = np.lexsort((together["rows"], together["folds"]))
    rows = together["rows"][order]
    return Scored(
        experiment=experiment,
        protocol=division.name,
        inputs=SHUFFLED if shuffled else inputs,
        labels=corpus.labels,
        item=corpus.item[rows],
        subject=corpus.subject[rows],
        sequence=corpus.sequence[rows],
        fold=together["folds"][order],
        truth=truth[rows],
        probabilities=together["probabilities"][order],
        said=together["said"][order] if module is logistic else None,
    )


def _answers(
    classifier: softmax.SoftmaxClassifier | logistic.LogisticClassifier, x: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    if isinstance(classifier, logistic.LogisticClassifier):
        return classifier.present(x), classifier.detect(x)
    return classifier.probabilities(x), np.zeros((len(x), 0), np.bool_)
