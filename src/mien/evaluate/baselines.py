"""What one gets for nothing: the rows that every table prints beside a model's."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mien.evaluate.metrics import Probabilities, Truth


def majority(truth: Truth, folds: NDArray[np.intp], classes: int) -> Probabilities:
    """Always the most frequent label, with certainty: (n, classes).

    It is counted on the other folds, as a model would have to; where there is one fold only, on all items, which
    flatters the baseline.
    """
    found = np.zeros((len(truth), classes))
    for fold, others in _others(truth, folds):
        found[fold, np.bincount(others, minlength=classes).argmax()] = 1
    return found


def prior(truth: Truth, folds: NDArray[np.intp], classes: int) -> Probabilities:
    """The labels' shares in the other folds as probabilities, the same for every face of a fold: (n, classes).

    A label that is frequent in a fold is rarer in the others, so its AUC over all folds may fall below 0.5: that
    is arithmetic, not knowledge.
    """
    found = np.zeros((len(truth), classes))
    for fold, others in _others(truth, folds):
        found[fold] = np.bincount(others, minlength=classes) / len(others)
    return found


def shuffled(probabilities: Probabilities, seed: int) -> Probabilities:
    """The model's own answers dealt out to the wrong faces: what its habits alone are worth."""
    return probabilities[np.random.default_rng(seed).permutation(len(probabilities))]


def always_no(items: int, labels: int) -> NDArray[np.bool_]:
    """Never declares anything present: (items, labels). Rare labels make its accuracy look good."""
    return np.zeros((items, labels), np.bool_)


def shuffle_labels(labels: Truth, sequences: NDArray[np.str_], seed: int) -> Truth:
    """Labels (n,) to train on in place of the true ones: what a learner makes of faces that tell it nothing.

    Whole runs of one label change places, a run being all frames of a sequence (n,) that carry the same label:
    frames that are alike stay labelled alike, or the learner could not even memorise them. As many sequences carry
    each label as before; frames may differ, as sequences differ in length.

    Raises:
        ValueError: shapes that do not match.
    """
    if labels.ndim != 1 or labels.shape != sequences.shape:
        raise ValueError(f"labels and sequences must both be (n,), not {labels.shape} and {sequences.shape}")
    _, clip = np.unique(sequences, return_inverse=True)
    runs, place = np.unique(np.stack([clip, labels], axis=1), axis=0, return_inverse=True)
    dealt = np.random.default_rng(seed).permutation(runs[:, 1])
    return dealt[place.reshape(-1)].astype(labels.dtype)


def _others(truth: Truth, folds: NDArray[np.intp]) -> list[tuple[NDArray[np.bool_], Truth]]:
    numbers = np.unique(folds)
    if len(numbers) == 1:
        return [(np.ones(len(truth), np.bool_), truth)]
    return [(folds == k, truth[folds != k]) for k in numbers]
