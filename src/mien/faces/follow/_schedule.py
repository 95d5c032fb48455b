"""When to search the whole picture.

A search costs many times as much as a look at a known face, so there are three schedules: a quick search while
somebody has just been lost or nobody is known, a regular one for newcomers, and a deep one for small faces. A
source without a clock gives pictures that may have nothing to do with each other: each is searched deeply.
"""

from __future__ import annotations

from typing import Protocol


class Times(Protocol):
    """The settings of a schedule; the options of the parts have them."""

    @property
    def quick_interval(self) -> float:
        """Seconds between searches while a face is lost or nobody is known."""

    @property
    def interval(self) -> float:
        """Seconds between searches while every known face is in sight."""

    @property
    def deep_interval(self) -> float:
        """Seconds between deep searches."""

    @property
    def longest(self) -> int:
        """Longer side of the picture in a search, pixels."""

    @property
    def deep_longest(self) -> int:
        """The same in a deep search."""

    @property
    def reach(self) -> float:
        """A known face is looked for in its box grown by this factor."""

    @property
    def lost_reach(self) -> float:
        """The same for a face that is out of sight."""


def check(times: Times) -> None:
    """Refuse impossible settings.

    Raises:
        ValueError: the line says which.
    """
    if min(times.quick_interval, times.interval, times.deep_interval) < 0:
        raise ValueError("the intervals must be 0 seconds or more")
    if times.longest < 48 or times.deep_longest < 48:
        raise ValueError("longest and deep_longest must be at least 48 pixels")
    if times.reach < 1.1 or times.lost_reach < 1.1:
        raise ValueError("reach and lost_reach must be at least 1.1")


class Schedule:
    """Remembers when one video was searched."""

    def __init__(self, times: Times) -> None:
        self._times = times
        self._searched = self._deep = float("-inf")

    def cut(self) -> None:
        """The next frame is searched deeply."""
        self._searched = self._deep = float("-inf")

    def due(self, now: float | None, *, all_here: bool) -> int | None:
        """The longer side, in pixels, of the search that is due now and is now counted as done; or None.

        Args:
            now: seconds, or ``None`` without a clock.
            all_here: somebody is known and everybody is in sight.
        """
        times = self._times
        if now is None or now - self._deep >= times.deep_interval:
            self._deep = self._searched = now if now is not None else float("-inf")
            return times.deep_longest
        if now - self._searched >= (times.interval if all_here else times.quick_interval):
            self._searched = now
            return times.longest
        return None
