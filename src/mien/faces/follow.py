"""Where to look in each frame: a scheduled full search, and a close look around every face that is known.

A full search costs ten to thirty times as much as a close look. While every known face is followed, it runs
every ``interval`` seconds, thoroughly, to find newcomers. While somebody has just been lost, or nobody is
known, a quick one on a smaller picture runs more often. A source without a clock gives pictures that may have
nothing to do with each other, so there every picture is searched thoroughly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mien.faces.detect import distinct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mien.faces.detect import Detector
    from mien.types import Box, Face, Grey


@dataclass(frozen=True, slots=True)
class Options:
    """The schedule.

    Attributes:
        interval: seconds between thorough searches.
        quick_interval: seconds between quick searches while a face is lost or nobody is known.
        longest: longer side of the picture in a thorough search, pixels; the smallest face found is 1/20 of it.
        quick_longest: the same in a quick search.
        reach: a known face is looked for in its box grown by this factor.
        lost_reach: the same for a face that is out of sight.
    """

    interval: float = 0.5
    quick_interval: float = 0.1
    longest: int = 480
    quick_longest: int = 320
    reach: float = 1.6
    lost_reach: float = 2.0

    def __post_init__(self) -> None:
        if self.interval <= 0 or self.quick_interval <= 0:
            raise ValueError("interval and quick_interval must be above 0 seconds")
        if self.longest < 48 or self.quick_longest < 48:
            raise ValueError("longest and quick_longest must be at least 48 pixels")
        if self.reach < 1.1 or self.lost_reach < 1.1:
            raise ValueError("reach and lost_reach must be at least 1.1")


@dataclass(frozen=True, slots=True)
class Expected:
    """A known face: where it should be now, and whether it is out of sight."""

    box: Box
    lost: bool


class Finder:
    """Finds the faces of one video, frame by frame; remembers only when it last searched."""

    def __init__(self, detector: Detector, options: Options) -> None:
        self._detector = detector
        self._options = options
        self._thorough_at = self._quick_at = float("-inf")

    def faces(self, grey: Grey, now: float | None, known: Sequence[Expected]) -> list[Face]:
        """Faces in this frame, best first, no two over the same face.

        Args:
            grey: uint8 (height, width).
            now: seconds, never running backwards; ``None`` without a clock.
            known: the faces that the tracker expects.
        """
        options = self._options
        found = [
            face
            for expected in known
            if (
                face := self._detector.near(
                    grey, expected.box, options.lost_reach if expected.lost else options.reach
                )
            )
            is not None
        ]
        if now is None or now - self._thorough_at >= options.interval:
            found += self._detector.search(grey, options.longest)
            self._thorough_at = self._quick_at = now if now is not None else float("-inf")
        elif (len(found) < len(known) or not known) and now - self._quick_at >= options.quick_interval:
            found += self._detector.search(grey, options.quick_longest)
            self._quick_at = now
        return distinct(found)
