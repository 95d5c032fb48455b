"""Which frames to analyse when only one per so many seconds is wanted."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from mien.errors import InputError, UsageError

if TYPE_CHECKING:
    from mien.types import Frame


class Pace:
    """Which frames are due when only one per ``every`` seconds is wanted.

    Args:
        every: seconds, or ``None`` for all frames.

    Raises:
        UsageError: ``every`` is not above 0 and finite.
        InputError: from ``due``, where the source has no clock to go by.
    """

    def __init__(self, every: float | None) -> None:
        if every is not None and not 0 < every < math.inf:
            raise UsageError(f"--every must be above 0 seconds and finite, not {every:g}")
        self._every = every
        self._next = float("-inf")

    def due(self, frame: Frame) -> bool:
        """Whether to analyse this frame; frames are due at the first time at or after each multiple."""
        if self._every is None:
            return True
        if frame.time is None:
            raise InputError("this source has no clock: pictures in a folder carry no times; leave --every out")
        if frame.time + 1e-9 < self._next:
            return False
        self._next = (math.floor((frame.time + 1e-9) / self._every) + 1) * self._every
        return True
