"""How exact the 68 points are: error on held-out portraits and on composites, jitter on a still face."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from benchmarks.faces.detection import OVERLAP, RESAMPLES, Rate
from mien.faces.shape import LEFT_EYE, RIGHT_EYE, Placement, placed

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.faces.composites import Scene
    from benchmarks.faces.motions import Clip
    from benchmarks.faces.sources import Portrait
    from benchmarks.faces.tracking import Watched
    from mien.types import Grey, Landmarks

SHIFT, SCALE, ROLL = 0.05, 0.08, 5.0
"""How far off a face is given to the network: standard deviations in sides, of the side's logarithm, in degrees."""
COMPOSITE_SIDE = 40  # pixels: smaller faces of composites are not measured


class Finder(Protocol):
    """Finds points; ``mien.faces.landmarks.LandmarkNetwork`` is one."""

    def find(self, grey: Grey, placements: Sequence[Placement], looks: int = 1) -> list[Landmarks]:
        """The points of each face, given where it should be."""


@dataclass(frozen=True, slots=True, eq=False)
class Error:
    """One face's.

    Attributes:
        person: whose.
        source: ``portrait``, or the sweep of the composite.
        level: of the sweep.
        nme: mean distance of the points by the distance of the eyes' centres.
        nme_corners: the same by the distance of the eyes' outer corners, as 300-W has it.
        presence: as the network says.
        spread: mean error that the network expected, by the distance of the eyes' centres.
    """

    person: str
    source: str
    level: float
    nme: float
    nme_corners: float
    presence: float
    spread: float


@dataclass(frozen=True, slots=True)
class Jitter:
    """Trembling of a still face, pixels, at one face of 200 pixels.

    Attributes:
        rms: root of the mean squared distance of a point from its own mean place, mean over the points.
        step: mean distance that a point moves from one frame to the next.
        presence: lowest.
    """

    rms: float
    step: float
    presence: float


def error(truth: NDArray[np.float64], seen: Landmarks, source: tuple[str, str, float]) -> Error:
    """The error of one face.

    Args:
        truth: (68, 2) pixels.
        seen: what was found.
        source: person, source and level, as in ``Error``.
    """
    distance = float(np.hypot(*(seen.points - truth).T).mean())
    eyes = float(np.hypot(*(truth[LEFT_EYE].mean(0) - truth[RIGHT_EYE].mean(0))))
    corners = float(np.hypot(*(truth[36] - truth[45])))
    return Error(*source, distance / eyes, distance / corners, seen.presence, float(seen.spread.mean()) / eyes)


def about(points: NDArray[np.float64], rng: np.random.Generator) -> Placement:
    """Where the face is, as inexactly as a detector would say it."""
    at = placed(points)
    dx, dy, scale, roll = rng.standard_normal(4) * (SHIFT * at.side, SHIFT * at.side, SCALE, ROLL)
    return Placement(at.x + dx, at.y + dy, at.side * float(np.exp(scale)), at.roll + float(roll))


def on_portraits(finder: Finder, portraits: Iterable[Portrait], looks: int, seed: int = 3) -> list[Error]:
    """One error per held-out person."""
    rng = np.random.default_rng(seed)
    found = []
    for one in portraits:
        (seen,) = finder.find(one.picture, [about(one.points, rng)], looks)
        found.append(error(one.points, seen, (one.person, "portrait", 0.0)))
    return found


def on_scene(finder: Finder, scene: Scene, looks: int, rng: np.random.Generator) -> list[Error]:
    """Errors of the faces of a composite that are large enough, against their exact points."""
    faces = [face for face in scene.faces if face.side >= COMPOSITE_SIDE]
    if not faces:
        return []
    found = finder.find(scene.picture, [about(face.points, rng) for face in faces], looks)
    return [
        error(face.points, seen, (face.person, scene.sweep, scene.level))
        for face, seen in zip(faces, found, strict=True)
    ]


def jitter(finder: Finder, clip: Clip) -> Jitter:
    """Follow the one face of a still clip by its own points, and see how they tremble."""
    points: list[NDArray[np.float32]] = []
    presence: list[float] = []
    place: Placement | None = None
    for picture, truth in clip.play():
        first = place is None
        (seen,) = finder.find(picture, [place or placed(truth[0].points)], 2 if first else 1)
        place = placed(seen.points)
        points.append(seen.points)
        presence.append(seen.presence)
    return trembling(points, min(presence))


def in_clip(watched: Watched) -> list[Error]:
    """Errors of the points that a pipeline gave to the faces of a clip, against their exact points."""
    errors: list[Error] = []
    for truth, points, found, seen in zip(
        watched.truth, watched.points, watched.found, watched.landmarks, strict=True
    ):
        for (person, box), exact in zip(truth, points, strict=True):
            best = max(range(len(found)), key=lambda k: found[k][1].overlap(box), default=None)
            if best is None or found[best][1].overlap(box) < OVERLAP:
                continue
            marks = seen[best]
            if marks is not None:
                errors.append(error(exact, marks, (f"{watched.name}/{person}", watched.kind, 0.0)))
    return errors


def in_still_clip(watched: Watched) -> Jitter | None:
    """Trembling of the points that a pipeline gave to the one face of a still clip; None where it gave none."""
    seen = [marks for frame in watched.landmarks for marks in frame if marks is not None]
    if len(seen) < len(watched.truth) / 2:
        return None
    return trembling([marks.points for marks in seen], min(marks.presence for marks in seen))


def trembling(points: Sequence[NDArray[np.float32]], presence: float) -> Jitter:
    """How much points (68, 2) of a still face tremble from frame to frame."""
    stack = np.stack(points).astype(np.float64)
    off = stack - stack.mean(0)
    step = np.diff(stack, axis=0)
    return Jitter(
        float(np.sqrt((off**2).sum(2).mean(0)).mean()),
        float(np.hypot(*np.moveaxis(step, 2, 0)).mean()),
        presence,
    )


def mean(errors: Sequence[Error], of: Callable[[Error], float]) -> Rate:
    """Mean over faces with a 95 % interval over people."""
    people: dict[str, list[float]] = {}
    for one in errors:
        people.setdefault(one.person, []).append(of(one))
    if not people:
        return Rate(np.nan, np.nan, np.nan)
    sums = np.array([(sum(values), len(values)) for values in people.values()])
    rng = np.random.default_rng(0)
    drawn = rng.multinomial(len(sums), np.full(len(sums), 1 / len(sums)), size=RESAMPLES) @ sums
    low, high = np.percentile(drawn[:, 0] / drawn[:, 1], [2.5, 97.5])
    total = sums.sum(0)
    return Rate(float(total[0] / total[1]), float(low), float(high))
