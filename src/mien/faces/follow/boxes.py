"""Follow known faces by the detector and by their pictures, for detectors without landmarks (Viola-Jones).

A known face is asked of the detector every ``fix_interval`` seconds; in between it is followed by its picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mien.faces.detect import distinct
from mien.faces.follow import _schedule
from mien.faces.template import Template
from mien.types import Face

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mien.faces.detect import Detector
    from mien.faces.follow import Expected
    from mien.faces.shared import Shared
    from mien.types import Grey

LANDMARKS = False


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
        if self.fix_interval < 0:
            raise ValueError("the intervals must be 0 seconds or more")
        _schedule.check(self)


def build(options: Options, detector: Detector, shared: Shared | None = None) -> BoxFinder:  # noqa: ARG001  as all
    """The finder of one video; needs no network."""
    return BoxFinder(options, detector)


@dataclass(frozen=True, slots=True)
class _Fix:
    """The detector's last answer about a known face: when, how sure, and the face's picture."""

    time: float
    score: float
    template: Template


class BoxFinder:
    """Remembers when it searched and each known face's last fix; implements ``mien.faces.follow.Finder``."""

    def __init__(self, options: Options, detector: Detector) -> None:
        self._detector = detector
        self._options = options
        self._schedule = _schedule.Schedule(options)
        self._fixes: dict[int, _Fix] = {}

    def faces(self, grey: Grey, now: float | None, known: Sequence[Expected]) -> list[Face]:
        """Faces in this frame, best first; see ``Finder.faces``."""
        ids = {expected.id for expected in known}
        self._fixes = {number: fix for number, fix in self._fixes.items() if number in ids}
        found = [face for expected in known if (face := self._near(grey, now, expected)) is not None]
        # Two known faces that were both found in one place are one face, and somebody is missing.
        all_here = bool(known) and len(distinct(found)) == len(known)
        longest = self._schedule.due(now, all_here=all_here)
        if longest is not None:
            found += self._detector.search(grey, longest)
        return distinct(found)

    def cut(self) -> None:
        """A new shot begins; see ``Finder.cut``."""
        self._schedule.cut()
        self._fixes.clear()

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
