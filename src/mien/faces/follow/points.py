"""Follow known faces by their landmarks.

A known face is looked for where it should be now: one run of the landmark network for all of them together, no
detection. Its points say where it is, their presence whether it is still there. Where it is not, the detector is
asked close by; on schedule it searches the whole picture. Whatever the detector proposes, the landmarks must
confirm: a second opinion by another network keeps false faces out.

The landmarks alone could drift off a face onto something face-like, so the detector has a say about every followed
face once per ``fix_interval``: by a search that happened to run, or else by a look close by. A face that it does
not see any more, one in profile for instance, is followed on only while its presence is at least ``sure``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np

from mien.faces.detect import NESTED, distinct, share_inside
from mien.faces.follow import _schedule
from mien.faces.landmarks import shipped
from mien.faces.shape import Placement, placed
from mien.faces.shared import Shared
from mien.faces.steady import steadied
from mien.types import Face

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mien.faces.detect import Detector
    from mien.faces.follow import Expected
    from mien.types import Box, Grey, Landmarks

LANDMARKS = True

ONE_FACE = 0.5  # intersection over union above which two followed faces are one
SIZES = 0.7, 1.4  # of a face against the expected one; beyond, the points lie on something else
OFF = 0.5  # sides by which a face's centre may be off the expected one


class Points(Protocol):
    """Finds the landmarks of faces; ``mien.faces.landmarks.LandmarkNetwork`` does."""

    def find(self, grey: Grey, placements: Sequence[Placement], looks: int = 1) -> list[Landmarks]:
        """Landmarks of the faces at ``placements``, each looked at ``looks`` times, better placed each time."""


@dataclass(frozen=True, slots=True)
class Options:
    """The schedule, and what a face is.

    Attributes:
        presence: certainty of the landmark network from which a face is there, 0 to 1.
        sure: the same for a face that the detector does not see any more.
        fix_interval: seconds in which the detector has a say about every followed face.
        quick_interval: seconds between searches while a face is lost or nobody is known.
        interval: seconds between searches while every known face is in sight.
        deep_interval: seconds between deep searches; the first frame of a shot is searched deeply, too.
        longest: longer side of the picture in a search, pixels.
        deep_longest: the same in a deep search.
        reach: a known face is looked for by the detector in its box grown by this factor.
        lost_reach: the same for a face that is out of sight.
    """

    presence: float = 0.5
    sure: float = 0.8
    fix_interval: float = 1.0
    quick_interval: float = 0.1
    interval: float = 0.35
    deep_interval: float = 5.0
    longest: int = 320
    deep_longest: int = 640
    reach: float = 1.6
    lost_reach: float = 2.0

    def __post_init__(self) -> None:
        if not 0 <= self.presence <= self.sure <= 1:
            raise ValueError("presence and sure must be 0 to 1, and sure not below presence")
        if self.fix_interval < 0:
            raise ValueError("the intervals must be 0 seconds or more")
        _schedule.check(self)


def build(options: Options, detector: Detector, shared: Shared | None = None) -> PointsFinder:
    """The finder of one video, with the landmark network that ships with mien.

    Raises:
        UnknownPartError, ModelError: the network is missing or damaged.
    """
    held = Shared() if shared is None else shared
    network = shipped(held)
    return PointsFinder(options, detector, network)


@dataclass(slots=True)
class _Fix:
    """When the detector was asked about a face last, and whether it saw one."""

    time: float
    seen: bool


@dataclass(frozen=True, slots=True)
class _Followed:
    """A known face that was found by its landmarks."""

    expected: Expected
    face: Face

    @property
    def misfit(self) -> tuple[bool, float]:
        """Orders the claims on one face: those in sight first, then the nearest to where it was expected."""
        (x, y), (ex, ey) = self.face.box.centre, self.expected.box.centre
        return self.expected.lost, math.hypot(x - ex, y - ey) / self.expected.box.width


class PointsFinder:
    """Remembers when it searched and the detector's last word; implements ``mien.faces.follow.Finder``.

    All else that it knows of a face travels in ``Expected.last``.
    """

    def __init__(self, options: Options, detector: Detector, points: Points) -> None:
        self._options = options
        self._detector = detector
        self._points = points
        self._schedule = _schedule.Schedule(options)
        self._fixes: dict[int, _Fix] = {}
        self._before: float | None = None

    def cut(self) -> None:
        """A new shot begins; see ``Finder.cut``."""
        self._schedule.cut()
        self._fixes.clear()

    def faces(self, grey: Grey, now: float | None, known: Sequence[Expected]) -> list[Face]:
        """Faces in this frame, the followed ones first; see ``Finder.faces``."""
        if now is None:
            return distinct(self._verified(grey, self._detector.search(grey, self._options.deep_longest)))
        seconds, self._before = now - (now if self._before is None else self._before), now
        ids = {expected.id for expected in known}
        self._fixes = {number: fix for number, fix in self._fixes.items() if number in ids}
        followed = self._follow(grey, seconds, known)
        missing = [expected for expected in known if expected.id not in followed]
        longest = self._schedule.due(now, all_here=bool(known) and not missing)
        proposed: list[Face] = []
        for expected in missing:
            # For one just out of sight a close look; one that is lost is looked for when a search is due.
            if not expected.lost or longest is not None:
                reach = self._options.lost_reach if expected.lost else self._options.reach
                near = self._detector.near(grey, expected.box, reach)
                proposed += [] if near is None else [near]
        if longest is not None:
            proposed += self._detector.search(grey, longest)
        faces = self._confirmed(grey, now, followed, proposed)
        boxes = [face.box for face in faces]
        fresh = [face for face in distinct(proposed) if all(face.box.overlap(box) < 0.3 for box in boxes)]
        for face in distinct(self._verified(grey, fresh)):
            if all(face.box.overlap(box) < 0.3 for box in boxes):
                faces.append(face)
        return faces

    def _follow(self, grey: Grey, seconds: float, known: Sequence[Expected]) -> dict[int, _Followed]:
        """Known faces by their landmarks, by id; where two claim one face, the better claim."""
        if not known:
            return {}
        places = [_place(expected) for expected in known]
        found: list[_Followed] = []
        for expected, place, seen in zip(known, places, self._points.find(grey, places), strict=True):
            where = _where(seen, place, grey)
            if where is None or seen.presence < self._options.presence:
                continue
            last = expected.last.landmarks if expected.last is not None else None
            if last is not None and not expected.lost:
                calm = steadied(last.points, seen.points, where.side, seconds)
                seen, where = replace(seen, points=calm), placed(calm)
            found.append(_Followed(expected, Face(where.box, seen.presence, seen, where.roll)))
        kept: list[_Followed] = []
        for one in sorted(found, key=lambda one: one.misfit):
            if all(one.face.box.overlap(other.face.box) <= ONE_FACE for other in kept):
                kept.append(one)
        # What lies within a larger face is a part of it, taken for somebody who has just gone behind it.
        whole = [one for one in kept if not any(_within(one.face.box, other.face.box) for other in kept)]
        return {one.expected.id: one for one in whole}

    def _confirmed(
        self, grey: Grey, now: float, followed: dict[int, _Followed], proposed: list[Face]
    ) -> list[Face]:
        """The followed faces, but for those that the detector does not see and the landmarks are not sure of."""
        kept: list[Face] = []
        for number, one in followed.items():
            box = one.face.box
            fix = self._fixes.setdefault(number, _Fix(now, seen=True))
            if any(face.box.overlap(box) > ONE_FACE for face in proposed):
                fix.time, fix.seen = now, True
            elif now - fix.time >= self._options.fix_interval:
                near = self._detector.near(grey, box, self._options.reach)
                fix.time, fix.seen = now, near is not None and near.box.overlap(box) > 0.3
            if fix.seen or one.face.score >= self._options.sure:
                kept.append(one.face)
        return kept

    def _verified(self, grey: Grey, proposed: list[Face]) -> list[Face]:
        """Proposals of the detector, with their landmarks; without those in which the landmarks see no face."""
        if not proposed:
            return []
        places = [Placement.of_box(face.box, face.roll) for face in proposed]
        bare = [place for face, place in zip(proposed, places, strict=True) if face.landmarks is None]
        answers = iter(self._points.find(grey, bare, looks=2))
        found: list[Face] = []
        for face, place in zip(proposed, places, strict=True):
            seen = next(answers) if face.landmarks is None else face.landmarks
            where = _where(seen, place, grey)
            if where is not None and seen.presence >= self._options.presence:
                found.append(Face(where.box, face.score, seen, where.roll))
        return found


def _within(box: Box, other: Box) -> bool:
    return other.area > 1.2 * box.area and share_inside(box, other) >= NESTED


def _place(expected: Expected) -> Placement:
    """Where a known face should lie now: moved as the tracker says, turned as it was seen last."""
    roll = expected.last.roll if expected.last is not None else 0.0
    return Placement.of_box(expected.box, roll)


def _where(seen: Landmarks, expected: Placement, grey: Grey) -> Placement | None:
    """Where the points say the face lies; None where that is too far from where it was looked for, or outside."""
    try:
        where = placed(seen.points)
    except ValueError:
        return None
    near = math.hypot(where.x - expected.x, where.y - expected.y) <= OFF * expected.side
    sound = bool(np.isfinite(seen.presence)) and SIZES[0] <= where.side / expected.side <= SIZES[1]
    inside = 0 <= where.x <= grey.shape[1] and 0 <= where.y <= grey.shape[0]
    return where if near and sound and inside else None
