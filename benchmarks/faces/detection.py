"""How well a detector finds the faces of scenes: matching, precision and recall, with intervals over scenes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from mien import plugins
from mien.faces import networks
from mien.faces.detect.anchor_free import AnchorFreeDetector

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from benchmarks.faces.composites import Scene, Truth
    from mien.faces.detect import Detector
    from mien.types import Face

OVERLAP = 0.5  # intersection over union from which on a face counts as found
FALSE, IGNORED = -1, -2  # what an answer means that meets no face of the truth, or one that does not count
LOOSE: dict[str, dict[str, Any]] = {
    "haar": {"min_neighbours": 1, "min_neighbours_new": 1},
    "anchor_free": {"threshold": 0.02, "threshold_known": 0.02},
}
"""Options with which a detector gives unsure faces too: the whole curve needs them."""
CURVED = ("mixed", "free")
"""The scenes that the curve is drawn over: they mix everything, as scenes do."""
RESAMPLES = 400

Counts = Callable[["Truth"], bool]
"""Whether a face of the truth counts; an answer on one that does not is neither right nor wrong."""


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """A detector's answers to one scene.

    Attributes:
        scene: name, sweep and level of the scene.
        truth: its faces.
        scores: float64 (n,), best first.
        meets: int (n,), which face of the truth each answer meets, or ``FALSE``.
    """

    scene: tuple[str, str, float]
    truth: tuple[Truth, ...]
    scores: NDArray[np.float64]
    meets: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Rate:
    """A share with its 95 % interval over scenes; NaN where nothing could be counted."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Precision against recall, thresholds falling.

    Attributes:
        scores, precision, recall: float64 (n,).
    """

    scores: NDArray[np.float64]
    precision: NDArray[np.float64]
    recall: NDArray[np.float64]

    def recall_at(self, precision: float) -> float:
        """Largest recall of all thresholds that keep ``precision``; 0 if none does."""
        good = self.recall[self.precision >= precision]
        return float(good.max()) if good.size else 0.0

    @property
    def average_precision(self) -> float:
        """Area under the curve, each precision raised to the best at as much recall (as VOC 2010 and later)."""
        best = np.maximum.accumulate(self.precision[::-1])[::-1]
        return float(np.sum(np.diff(self.recall, prepend=0.0) * best))


def detector(name: str, loose: bool = False, weights: Path | None = None) -> Detector:
    """A detector with its default options, or such that it gives unsure faces too.

    Args:
        name: a part of ``mien.faces.detect``.
        loose: whether unsure faces are wanted.
        weights: another file than the shipped one, for ``anchor_free``.

    Raises:
        UnknownPartError, ModelError: no such part, or its weights are missing.
    """
    options = plugins.part("faces.detect", name).Options(**(LOOSE.get(name, {}) if loose else {}))
    if weights is not None and name == "anchor_free":
        return AnchorFreeDetector(options, networks.load("detector", weights))
    built: Detector = plugins.build("faces.detect", name, options)
    return built


def answer(scene: Scene, faces: Sequence[Face]) -> Answers:
    """What was found, matched with the truth: best first, each takes the face that it overlaps most."""
    ordered = sorted(faces, key=lambda face: -face.score)
    free = dict(enumerate(scene.faces))
    meets: list[int] = []
    for face in ordered:
        overlaps = {k: face.box.overlap(true.box) for k, true in free.items()}
        best = max(overlaps, key=lambda k: overlaps[k], default=FALSE)
        if best != FALSE and overlaps[best] >= OVERLAP:
            del free[best]
            meets.append(best)
        else:
            meets.append(FALSE)
    return Answers(
        (scene.name, scene.sweep, scene.level),
        scene.faces,
        np.array([face.score for face in ordered], np.float64),
        np.array(meets, np.int64),
    )


def everything(_: Truth) -> bool:
    """All faces count."""
    return True


def goal_faces(truth: Truth) -> bool:
    """The faces that the goal is about: 40 pixels and more, within 30 degrees."""
    return truth.side >= 40 and abs(truth.roll) <= 30


def curve(answers: Iterable[Answers], counts: Counts = everything) -> Curve:
    """The whole curve."""
    scores, right, faces = [np.zeros(0)], [np.zeros(0, bool)], 0
    for one in answers:
        kind = _kinds(one, counts)
        scores.append(one.scores[kind != IGNORED])
        right.append(kind[kind != IGNORED] >= 0)
        faces += sum(map(counts, one.truth))
    flat, hits = np.concatenate(scores), np.concatenate(right)
    order = np.argsort(-flat, kind="stable")
    flat, hits = flat[order], np.cumsum(hits[order])
    last = np.flatnonzero(np.diff(flat, append=-np.inf))  # answers of equal score stand or fall together
    return Curve(flat[last], hits[last] / (last + 1), hits[last] / max(faces, 1))


def recall(answers: Sequence[Answers], counts: Counts = everything) -> Rate:
    """Share of the faces that were found."""
    found, faces, _ = _sums(answers, counts)
    return _rate(found, faces)


def precision(answers: Sequence[Answers], counts: Counts = everything) -> Rate:
    """Share of the answers that are right."""
    found, _, false = _sums(answers, counts)
    return _rate(found, found + false)


def difference(first: Sequence[Answers], second: Sequence[Answers], counts: Counts = everything) -> Rate:
    """By how much the first detector's recall is larger, both on the same scenes."""
    one, faces, _ = _sums(first, counts)
    other, _, _ = _sums(second, counts)
    if not faces.sum():
        return Rate(np.nan, np.nan, np.nan)
    drawn = _draws(len(faces))
    total = np.maximum(drawn @ faces, 1)
    low, high = np.percentile((drawn @ one - drawn @ other) / total, [2.5, 97.5])
    return Rate(float((one.sum() - other.sum()) / faces.sum()), float(low), float(high))


def best_recall(
    usual: Sequence[Answers], loose: Sequence[Answers], least: float, counts: Counts = everything
) -> Rate:
    """Largest recall that keeps a precision of ``least``, with the default options or at any threshold."""
    by_curve = recall_at(loose, least, counts)
    if precision(usual, counts).value >= least:
        return max(by_curve, recall(usual, counts), key=lambda rate: rate.value)
    return by_curve


def recall_at(answers: Sequence[Answers], least: float, counts: Counts = everything) -> Rate:
    """Recall at the threshold with the largest recall that keeps a precision of ``least``."""
    value = curve(answers, counts).recall_at(least)
    rng = np.random.default_rng(0)
    draws = [rng.integers(len(answers), size=len(answers)) for _ in range(RESAMPLES // 8)]
    values = [curve([answers[k] for k in draw], counts).recall_at(least) for draw in draws]
    low, high = np.percentile(values, [2.5, 97.5])
    return Rate(value, float(low), float(high))


def with_false(answers: Iterable[Answers]) -> int:
    """In how many scenes something was found that is no face."""
    return sum(bool((one.meets == FALSE).any()) for one in answers)


def _kinds(one: Answers, counts: Counts) -> NDArray[np.int64]:
    """``meets`` with the faces that do not count taken out."""
    kinds = one.meets.copy()
    for place, met in enumerate(one.meets):
        if met >= 0 and not counts(one.truth[met]):
            kinds[place] = IGNORED
    return kinds


def _sums(
    answers: Sequence[Answers], counts: Counts
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Per scene: faces found, faces there, false answers."""
    rows = [
        (float((kind >= 0).sum()), float(sum(map(counts, one.truth))), float((kind == FALSE).sum()))
        for one in answers
        for kind in (_kinds(one, counts),)
    ]
    table = np.array(rows, np.float64).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2]


def _rate(part: NDArray[np.float64], whole: NDArray[np.float64]) -> Rate:
    if not whole.sum():
        return Rate(np.nan, np.nan, np.nan)
    drawn = _draws(len(whole))
    total = drawn @ whole
    shares = (drawn @ part)[total > 0] / total[total > 0]
    low, high = np.percentile(shares, [2.5, 97.5])
    return Rate(float(part.sum() / whole.sum()), float(low), float(high))


def _draws(scenes: int) -> NDArray[np.float64]:
    """How often each scene is in each of the bootstrap's samples, float64 (samples, scenes)."""
    rng = np.random.default_rng(0)
    return rng.multinomial(scenes, np.full(scenes, 1 / scenes), size=RESAMPLES).astype(np.float64)
