"""Where a face is and how fast it goes: an alpha-beta filter on its centre and the logarithm of its side."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from mien.types import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

BETA = 0.3  # share of a surprise that the speed takes over
JUMP = 0.25  # sides: a step beyond what was expected that is motion, not jitter


@dataclass(slots=True, eq=False)
class Motion:
    """One face's motion.

    Attributes:
        state: float64 (3,), centre x and y in pixels and the logarithm of the side.
        time: seconds of the last sight.
        speed: of ``state``, per second.
    """

    state: NDArray[np.float64]
    time: float
    speed: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))

    @classmethod
    def at(cls, box: Box, now: float) -> Motion:
        """A face that stands still."""
        return cls(_state(box), now)

    def after(self, seconds: float) -> Box:
        """Where the face is ``seconds`` after its last sight, if it goes on as it did."""
        x, y, size = self.state + self.speed * seconds
        side = math.exp(min(max(size, -20.0), 20.0))
        return Box(float(x) - side / 2, float(y) - side / 2, side, side)

    def saw(self, box: Box, now: float, trust: float) -> Box:
        """Take the face's place in this frame, and give the filtered one.

        Args:
            box: where it was seen.
            now: seconds; where they have not grown, nothing is learned about the speed.
            trust: 1 takes the place as it is, near 0 hardly follows it.
        """
        elapsed, seen = now - self.time, _state(box)
        if elapsed <= 0:
            self.state, self.time = seen, now
            return box
        off = seen - (self.state + self.speed * elapsed)
        if math.hypot(off[0], off[1]) > JUMP * box.width:
            trust = 1.0
        self.state = seen - (1 - trust) * off
        self.speed = self.speed + BETA * off / elapsed
        self.time = now
        return self.after(0.0)

    def stop(self, box: Box, now: float) -> None:
        """The face is back from out of sight, at ``box``: its old speed says nothing any more."""
        self.state, self.time, self.speed = _state(box), now, np.zeros(3)


def _state(box: Box) -> NDArray[np.float64]:
    x, y = box.centre
    return np.array([x, y, math.log(max((box.width + box.height) / 2, 1e-6))])
