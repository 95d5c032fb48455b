"""Where to look in each frame: scheduled searches of the whole picture, and a close look at every known face.

A known face is asked of the detector every ``fix_interval`` seconds; in between it is followed by its picture. A
search costs ten to thirty times as much as a close look, so there are three schedules: a quick search while
somebody has just been lost or nobody is known, a regular one for newcomers, and a deep one for small faces. A
source without a clock gives pictures that may have nothing to do with each other: each is searched deeply.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mien.faces.detect import distinct
from mien.faces.template import Template
from mien.types import Face

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mien.faces.detect import Detector
    from mien.types import Box, Grey


@dataclass(frozen=True, slots=True)
class Options:
    """The schedule.

    Attributes:
        fix_interval: seconds between two close looks of the detector at a known face.
        quick_interval: seconds between searches while a face is lost or nobody is known.
        interval: seconds between searches while every known face is in sight.
        deep_interval: seconds between deep searches.
        longest: longer side of the picture in a search, pixels; the smallest face found is 1/13 of the side.
        deep_longest: the same in a deep search; 1/26.
        reach: a known face is looked for in its box grown by this factor.
        lost_reach: the same for a face that is out of sight.
    """

    fix_interval: float = 0.2
    quick_interval: float = 0.1
    interval: float = 1.0
    deep_interval: float = 10.0
    longest: int = 320
    deep_longest: int = 640
    reach: float = 1.35
    lost_reach: float = 2.0

    def __post_init__(self) -> None:
        if min(self.fix_interval, self.quick_interval, self.interval, self.deep_interval) < 0:
            raise ValueError("the intervals must be 0 seconds or more")
        if self.longest < 48 or self.deep_longest < 48:
            raise ValueError("longest and deep_longest must be at least 48 pixels")
        if self.reach < 1.1 or self.lost_reach < 1.1:
            raise ValueError("reach and lost_reach must be at least 1.1")


@dataclass(frozen=True, slots=True)
class Expected:
    """A known face: its id, where it should be now, and whether it is out of sight."""

    id: int
    box: Box
    lost: bool


@dataclass(frozen=True, slots=True)
class _Fix:
    """The detector's last answer about a known face: when, how sure, and the face's picture."""

    time: float
    score: float
    template: Template


class Finder:
    """Finds the faces of one video, frame by frame; remembers when it searched and each known face's last fix."""

    def __init__(self, detector: Detector, options: Options) -> None:
        self._detector = detector
        self._options = options
        self._searched = self._deep = float("-inf")
        self._fixes: dict[int, _Fix] = {}

    def faces(self, grey: Grey, now: float | None, known: Sequence[Expected]) -> list[Face]:
        """Faces in this frame, best first, no two over the same face.

        Args:
            grey: uint8 (height, width).
            now: seconds, never running backwards; ``None`` without a clock.
            known: the faces that the tracker expects.
        """
        options = self._options
        ids = {expected.id for expected in known}
        self._fixes = {number: fix for number, fix in self._fixes.items() if number in ids}
        found = [face for expected in known if (face := self._near(grey, now, expected)) is not None]
        if now is None or now - self._deep >= options.deep_interval:
            found += self._detector.search(grey, options.deep_longest)
            self._deep = self._searched = now if now is not None else float("-inf")
        else:
            # Two known faces that were both found in one place are one face, and somebody is missing.
            all_here = bool(known) and len(distinct(found)) == len(known)
            if now - self._searched >= (options.interval if all_here else options.quick_interval):
                found += self._detector.search(grey, options.longest)
                self._searched = now
        return distinct(found)

    def _near(self, grey: Grey, now: float | None, expected: Expected) -> Face | None:
        """A known face: by its picture, else asked of the detector closely, else further around."""
        fix = self._fixes.get(expected.id)
        if (
            fix is not None
            and now is not None
            and not expected.lost
            and now - fix.time < self._options.fix_interval
        ):
            box = fix.template.find(grey, expected.box)
            if box is not None:
                return Face(box, fix.score)
        face = None
        if not expected.lost:
            face = self._detector.near(grey, expected.box, self._options.reach)
        if face is None:
            face = self._detector.near(grey, expected.box, self._options.lost_reach)
        template = Template.take(grey, face.box) if face is not None else None
        if face is None or now is None or template is None:
            self._fixes.pop(expected.id, None)
        else:
            self._fixes[expected.id] = _Fix(now, face.score, template)
        return face
