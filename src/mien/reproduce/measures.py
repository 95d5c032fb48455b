"""From scored frames to rows of numbers: pure functions, intervals by subject."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from mien.evaluate import baselines, detection, intervals, paired
from mien.evaluate.intervals import Interval
from mien.reproduce import paper
from mien.reproduce.results import NAN, Row

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from mien.reproduce.scored import Scored

    Floats = NDArray[np.float64]


ANSWERS = ("accuracy", "balanced_accuracy", "macro_f1", "macro_auc", "mcc")
"""Figures of classifiers whose most probable label is the answer."""
REPEATED = ("paper-split", "sequence-split")
"""Protocols whose split is drawn several times, so that counts are means over the draws."""
MACRO, SIX, ALL = "macro", "macro-6", "all"


def of_answers(s: Scored, metrics: Sequence[str] = ANSWERS) -> list[Row]:
    """Figures of a softmax classifier, with intervals."""
    found = paired.measured(s.truth, s.probabilities, intervals.draws(s.subject))
    return [_row(s, ALL, name, found[name].interval()) for name in metrics]


def majority(s: Scored) -> Scored:
    """Always the label that is most frequent in the other folds, on the same frames."""
    return replace(
        s, inputs="majority", said=None, probabilities=baselines.majority(s.truth, s.fold, len(s.labels))
    )


def of_detections(s: Scored, tested: Sequence[str]) -> list[Row]:
    """Table 1 of one logistic regression per expression: counts and figures per label, macro means, intervals.

    Args:
        s: scored frames, with ``said``.
        tested: the labels to report; the others were trained on only.

    Raises:
        ValueError: ``s`` has no declared answers.
    """
    draws = len(np.unique(s.fold)) if s.protocol in REPEATED else 1
    found = detection.measured(_answers(s, tested), intervals.draws(s.subject), _means(tested))
    rows = []
    for (label, figure), measured in found.items():
        counted = figure in detection.COUNTS
        value = Interval(measured.value / draws, NAN, NAN) if counted else measured.interval()
        rows.append(_row(s, label, figure, value))
    return rows


def always_no(s: Scored) -> Scored:
    """Declares nothing present, on the same frames."""
    none = baselines.always_no(*s.probabilities.shape)
    return replace(s, inputs="always-no", said=none, probabilities=np.zeros(s.probabilities.shape))


def difference(of: Scored, minus: Scored, metrics: Sequence[str], *, inputs: str, protocol: str = "") -> list[Row]:
    """One softmax classifier minus another, paired by person."""
    mine, others = paired.draws(of.subject, minus.subject)
    one = paired.measured(of.truth, of.probabilities, mine)
    other = paired.measured(minus.truth, minus.probabilities, others)
    named = replace(of, inputs=inputs, protocol=protocol or of.protocol)
    return [_row(named, ALL, name, paired.difference(one[name], other[name])) for name in metrics]


def detection_difference(
    of: Scored, minus: Scored, tested: Sequence[str], metrics: Sequence[str], *, inputs: str, protocol: str = ""
) -> list[Row]:
    """Macro means of one set of logistic regressions minus those of another, paired by person."""
    mine, others = paired.draws(of.subject, minus.subject)
    means = _means(tested)
    one = detection.measured(_answers(of, tested), mine, means)
    other = detection.measured(_answers(minus, tested), others, means)
    named = replace(of, inputs=inputs, protocol=protocol or of.protocol)
    return [
        _row(named, mean, name, paired.difference(one[mean, name], other[mean, name]))
        for mean in means
        for name in metrics
    ]


def on_frames_of(s: Scored, other: Scored) -> Scored:
    """The rows of ``s`` that ``other`` scored too, as often as it did, in its order.

    Raises:
        KeyError: ``s`` did not score one of them.
    """
    place = {name: i for i, name in enumerate(s.item.tolist())}
    return taken(s, np.array([place[name] for name in other.item.tolist()], np.intp))


def pooled(s: Scored, how: Callable[[Floats], Floats], inputs: str) -> Scored:
    """One row per sequence: the probabilities of its frames made one by ``how``, then made to sum to 1.

    Args:
        s: scored frames of softmax classifiers.
        how: from (frames, labels) to (labels,).
        inputs: name of the result.
    """
    members: dict[str, list[int]] = defaultdict(list)
    for i, name in enumerate(s.sequence.tolist()):
        members[name].append(i)
    first = np.array([rows[0] for rows in members.values()], np.intp)
    together = np.stack([how(s.probabilities[rows]) for rows in members.values()])
    total = together.sum(axis=1, keepdims=True)
    return replace(taken(s, first), inputs=inputs, item=s.sequence[first], probabilities=together / total)


def mean(p: Floats) -> Floats:
    """Mean over the frames."""
    return np.asarray(p.mean(axis=0))


def largest(p: Floats) -> Floats:
    """Largest over the frames."""
    return np.asarray(p.max(axis=0))


def product(p: Floats) -> Floats:
    """Product over the frames, as if they were independent; logarithms keep it from vanishing."""
    logs = np.log(np.maximum(p, 1e-12)).sum(axis=0)
    return np.asarray(np.exp(logs - logs.max()))


def times(row: Row, factor: float, experiment: str) -> Row:
    """The row with its number and interval multiplied, under another experiment's name."""
    value, low, high = (factor * number for number in (row.value, row.low, row.high))
    return replace(row, experiment=experiment, value=value, low=low, high=high)


def joined(parts: Sequence[Scored]) -> list[Scored]:
    """The parts that share experiment, protocol and inputs, such as the folds of one classifier, made one."""
    groups: dict[tuple[str, str, str], list[Scored]] = defaultdict(list)
    for part in parts:
        groups[part.experiment, part.protocol, part.inputs].append(part)
    return [
        replace(
            group[0],
            item=np.concatenate([part.item for part in group]),
            subject=np.concatenate([part.subject for part in group]),
            sequence=np.concatenate([part.sequence for part in group]),
            fold=np.concatenate([part.fold for part in group]),
            truth=np.concatenate([part.truth for part in group]),
            probabilities=np.concatenate([part.probabilities for part in group]),
            said=None if group[0].said is None else np.concatenate([p.said for p in group if p.said is not None]),
        )
        for group in groups.values()
    ]


def renamed(row: Row, metric: str) -> Row:
    """The row under another metric's name."""
    return replace(row, metric=metric)


def recalls(s: Scored, metric: str) -> list[Row]:
    """Recall of every label, with intervals."""
    weights = intervals.draws(s.subject)
    one = np.ones((1, len(s.truth)))
    value, again = (intervals.recalls(intervals.confusions(s.truth, s.probabilities, w)) for w in (one, weights))
    return [
        _row(s, label, metric, Interval(float(value[0, k]), *intervals.bounds(again[:, k])))
        for k, label in enumerate(s.labels)
    ]


def taken(s: Scored, rows: NDArray[np.intp]) -> Scored:
    """Those rows of ``s``, in that order."""
    return replace(
        s,
        item=s.item[rows],
        subject=s.subject[rows],
        sequence=s.sequence[rows],
        fold=s.fold[rows],
        truth=s.truth[rows],
        probabilities=s.probabilities[rows],
        said=None if s.said is None else s.said[rows],
    )


def _answers(s: Scored, tested: Sequence[str]) -> detection.Answers:
    if s.said is None:
        raise ValueError(f"{s.experiment} {s.inputs}: softmax declares nothing present")
    places = [s.labels.index(label) for label in tested]
    shown = detection.shown(s.truth, len(s.labels))
    return detection.Answers(tuple(tested), shown[:, places], s.said[:, places], s.probabilities[:, places])


def _means(tested: Sequence[str]) -> dict[str, Sequence[str]]:
    six = {SIX: paper.SIX} if set(paper.SIX) <= set(tested) else {}
    return {MACRO: tuple(tested), **six}


def _row(s: Scored, label: str, metric: str, value: Interval) -> Row:
    published = paper.number(s.experiment, s.protocol, s.inputs, label, metric)
    return Row(s.experiment, s.protocol, s.inputs, label, metric, *value, paper=published)
