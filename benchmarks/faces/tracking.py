"""Identities through clips: a pipeline watches, a public library counts.

MOTA (Bernardin & Stiefelhagen 2008), IDF1 (Ristani et al. 2016) and HOTA (Luiten et al. 2021) by ``motrics``, whose
counts equal those of TrackEval. As in the MOT challenges, faces that are mostly out of sight are no truth, and a
box on one of them is neither right nor wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from benchmarks.faces.detection import OVERLAP
from benchmarks.faces.motions import RATE, SEEN
from mien.types import Box, Frame

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.faces.motions import Clip, Seen
    from mien.pipeline import Pipeline
    from mien.types import FrameResult, Grey, Landmarks, Rgb

Track = tuple[int, Box]


@dataclass(frozen=True, slots=True, eq=False)
class Still:
    """A decoded grey picture; implements ``mien.types.Pixels``."""

    picture: Grey

    @property
    def width(self) -> int:
        """See ``Pixels``."""
        return int(self.picture.shape[1])

    @property
    def height(self) -> int:
        """See ``Pixels``."""
        return int(self.picture.shape[0])

    def grey(self) -> Grey:
        """See ``Pixels``."""
        return self.picture

    def rgb(self) -> Rgb:
        """See ``Pixels``."""
        return cv2.cvtColor(self.picture, cv2.COLOR_GRAY2RGB)  # type: ignore[return-value]


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """What a pipeline made of a clip, beside the truth; every tuple has one entry per frame.

    Attributes:
        kind: of the clip.
        name: of the clip.
        truth: ids and boxes of the faces that count.
        hidden: boxes of those that do not.
        found: ids and boxes that the pipeline gave.
        landmarks: of the found faces, where it seeks them.
        points: exact points (68, 2) of the faces that count.
        shots: shots that the pipeline saw, and shots that there were.
    """

    kind: str
    name: str
    truth: tuple[tuple[Track, ...], ...]
    hidden: tuple[tuple[Box, ...], ...]
    found: tuple[tuple[Track, ...], ...]
    landmarks: tuple[tuple[Landmarks | None, ...], ...] = ()
    points: tuple[tuple[NDArray[np.float64], ...], ...] = ()
    shots: tuple[int, int] = (1, 1)


@dataclass(frozen=True, slots=True)
class Tracking:
    """Figures of several clips together.

    Attributes:
        mota, idf1, hota, deta, assa: as their papers define them; boxes meet at an overlap of .5.
        switches: how often a person's id changed.
        found, missed, false: boxes.
        people: tracks of the truth.
        frames: how many.
    """

    mota: float
    idf1: float
    hota: float
    deta: float
    assa: float
    switches: int
    found: int
    missed: int
    false: int
    people: int
    frames: int


def watch(pipelines: dict[str, Pipeline], clip: Clip) -> dict[str, Watched]:
    """Play a clip once to several pipelines."""
    sessions = {name: pipeline.session() for name, pipeline in pipelines.items()}
    results: dict[str, list[FrameResult]] = {name: [] for name in pipelines}
    truth: list[tuple[Seen, ...]] = []
    for number, (picture, seen) in enumerate(clip.play()):
        picture.flags.writeable = False
        truth.append(seen)
        for name, session in sessions.items():
            results[name].append(session.push(Frame(number, number / RATE, Still(picture))))
    return {
        name: Watched(
            clip.script.kind,
            clip.name,
            tuple(tuple((one.id, one.box) for one in seen if one.visible >= SEEN) for seen in truth),
            tuple(tuple(one.box for one in seen if one.visible < SEEN) for seen in truth),
            tuple(tuple((face.face, face.box) for face in result.faces) for result in seen_by),
            tuple(tuple(face.landmarks for face in result.faces) for result in seen_by),
            tuple(tuple(one.points for one in seen if one.visible >= SEEN) for seen in truth),
            (max(result.shot for result in seen_by), 1 + len(clip.cuts)),
        )
        for name, seen_by in results.items()
    }


def measure(watched: Sequence[Watched]) -> Tracking:
    """The figures over all given clips; ids of one clip mean nothing in another.

    Raises:
        ImportError: ``motrics`` is not installed; it is in the project's dependency group ``bench``.
    """
    import motrics

    truth_ids: list[list[int]] = []
    truth_boxes: list[NDArray[np.float64]] = []
    found_ids: list[list[int]] = []
    found_boxes: list[NDArray[np.float64]] = []
    for number, clip in enumerate(watched):
        apart = number * 100_000
        for truth, hidden, found in zip(clip.truth, clip.hidden, clip.found, strict=True):
            kept = counted(truth, hidden, found)
            truth_ids.append([apart + person for person, _ in truth])
            truth_boxes.append(_corners([box for _, box in truth]))
            found_ids.append([apart + person for person, _ in kept])
            found_boxes.append(_corners([box for _, box in kept]))
    result: Any = motrics.evaluate(
        motrics.Frames(ids=truth_ids, boxes=truth_boxes),
        motrics.Frames(ids=found_ids, boxes=found_boxes),
        iou_threshold=OVERLAP,
    )
    clear, identity, hota = result.clear, result.identity, result.hota
    return Tracking(
        clear.mota, identity.idf1, hota.hota, hota.deta, hota.assa,
        clear.num_switches, clear.num_gt - clear.num_misses, clear.num_misses, clear.num_false_positives,
        len({person for ids in truth_ids for person in ids}), len(truth_ids),
    )  # fmt: skip


def counted(truth: Sequence[Track], hidden: Sequence[Box], found: Sequence[Track]) -> list[Track]:
    """The found boxes without those that meet a face mostly out of sight, and no other one."""
    kept: list[Track] = []
    for person, box in found:
        best = max((box.overlap(other) for _, other in truth), default=0.0)
        aside = max((box.overlap(other) for other in hidden), default=0.0)
        if best >= OVERLAP or aside < OVERLAP:
            kept.append((person, box))
    return kept


def _corners(boxes: Sequence[Box]) -> NDArray[np.float64]:
    """Left, top, right, bottom, float64 (n, 4)."""
    rows = [(box.x, box.y, box.x + box.width, box.y + box.height) for box in boxes]
    return np.array(rows, np.float64).reshape(-1, 4)
