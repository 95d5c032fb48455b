"""Where a new shot begins.

Two frames in a row are compared as small pictures: by their structure, whatever the light does to both (one minus
their correlation), and by their brightness (mean difference and histograms). Within a shot both stay low or only
one rises: a flash keeps the structure, somebody who walks through keeps most of both. A cut changes both, and by
far more than the shot's own motion did. Where that seems so, the second frame is searched for the first one as a
whole (the camera may have turned) and for its parts (something large may have moved, or a caption come up).

A frame without structure of its own, all black or burnt out by a flash, decides nothing: what comes after it is
compared with what was before, so a flash is no cut and a cut through black is one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mien.types import Grey

WIDE, HIGH = 64, 36  # pixels of the small picture
FLAT = 4.0  # grey levels: standard deviation below which a small picture has no structure
EXTREME = 8, 247  # grey levels beyond which a pixel says nothing
BURNT = 0.7  # share of such pixels from which a frame decides nothing
FULL = 0.2  # mean difference, of the whole scale, between two pictures that have nothing in common
BINS = 16  # of 16 grey levels
PART, REACH = (12, 8), (8, 5)  # pixels: parts of the small picture, and how far they may go in one frame
PARTS = 0.12  # one minus correlation; pairs of portraits have .16 and more, a turning camera .09 and less
BEYOND_DOUBT = 0.6  # a change that is a cut however much the shot moves: 19 of 20 pairs of photographs have more
SHIFT = 10, 6  # pixels of the small picture: a sixth of the frame, by which a camera may turn in one frame


@dataclass(frozen=True, slots=True)
class Options:
    """Shot detection settings.

    Attributes:
        threshold: change from one frame to the next that is a cut, 0 to 1; above 1 there are none.
        motion: how many times the shot's own usual change it must be besides, where that is not beyond doubt.
        memory: seconds over which the usual change is averaged.
    """

    threshold: float = 0.35
    motion: float = 2.0
    memory: float = 0.5

    def __post_init__(self) -> None:
        if self.threshold <= 0:
            raise ValueError("threshold must be above 0")
        if self.motion < 0 or self.memory < 0:
            raise ValueError("motion and memory must be 0 or more")


@dataclass(frozen=True, slots=True, eq=False)
class _Small:
    """A frame as it is compared."""

    shape: tuple[int, ...]  # of the frame
    grey: NDArray[np.float32]  # (HIGH, WIDE), 0 to 1
    structure: NDArray[np.float32]  # mean 0, length 1
    bins: NDArray[np.float32]  # shares, sum 1


class Cuts:
    """Watches one video."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._before: _Small | None = None
        self._time: float | None = None
        self._usual = 0.0
        self._shot = 1

    @property
    def shot(self) -> int:
        """Number of the shot that the last frame belongs to, from 1."""
        return self._shot

    def push(self, grey: Grey, now: float) -> bool:
        """Take the next frame; True where a new shot begins with it.

        Args:
            grey: uint8 (height, width). Where its size is another than the last frame's, a new shot begins.
            now: seconds.
        """
        before, resized = self._before, self._before is not None and self._before.shape != grey.shape
        small = _small(grey)
        if small is None:
            if resized:  # nothing before it can be compared with what follows
                self._before, self._usual = None, 0.0
                self._shot += 1
            return resized
        if before is None or resized:
            cut = resized
        else:
            change = _change(before, small)
            least = max(self._options.threshold, min(self._options.motion * self._usual, BEYOND_DOUBT))
            cut = (
                change >= least
                and _moved(before, small) >= self._options.threshold
                and _in_parts(before, small) >= PARTS
            )
            if not cut:
                elapsed = now - self._time if self._time is not None else math.inf
                weight = -math.expm1(-elapsed / self._options.memory) if self._options.memory > 0 else 1.0
                self._usual += weight * (change - self._usual)
        if cut:
            self._usual = 0.0
            self._shot += 1
        self._before, self._time = small, now
        return cut


def _small(grey: Grey) -> _Small | None:
    """The frame as it is compared, or None where it has no structure."""
    height, width = grey.shape
    # Two rows for each of the small picture say as much as all of them, and whole numbers are averaged fastest.
    part = grey[:: max(1, height // (2 * HIGH))]
    rows, columns = max(part.shape[0] // HIGH, 1) * HIGH, max(width // WIDE, 1) * WIDE
    picture = np.asarray(cv2.resize(part[:rows, :columns], (WIDE, HIGH), interpolation=cv2.INTER_AREA), np.uint8)
    burnt = int(np.count_nonzero((picture < EXTREME[0]) | (picture > EXTREME[1])))
    level = picture.astype(np.float32)
    structure = level - level.mean()
    length = float(np.linalg.norm(structure))
    if burnt >= BURNT * picture.size or length < FLAT * math.sqrt(picture.size):
        return None
    bins = np.bincount(picture.ravel() >> 4, minlength=BINS)
    shares = bins.astype(np.float32) / np.float32(picture.size)
    return _Small((height, width), level / np.float32(255), structure / np.float32(length), shares)


def _change(one: _Small, other: _Small) -> float:
    """How different two frames are, 0 (alike) to 1 (nothing in common)."""
    alike = float(one.structure.ravel() @ other.structure.ravel())
    return _both(alike, float(np.abs(one.grey - other.grey).mean()), one, other)


def _moved(one: _Small, other: _Small) -> float:
    """The same where the camera may have turned: compared where they fit best."""
    x, y = SHIFT
    inner = one.grey[y : HIGH - y, x : WIDE - x]
    _, alike, _, (left, top) = cv2.minMaxLoc(cv2.matchTemplate(other.grey, inner, cv2.TM_CCOEFF_NORMED))
    off = other.grey[top : top + HIGH - 2 * y, left : left + WIDE - 2 * x] - inner
    return _both(alike, float(np.abs(off).mean()), one, other)


def _in_parts(one: _Small, other: _Small) -> float:
    """How little the parts of one frame are found again near their places in the other, 0 (all) to 1 (none).

    In a shot most are, whatever walks through it or is laid over it.
    """
    x, y = REACH
    wide, high = PART
    missed: list[float] = []
    for top in range(y, HIGH - y - high + 1, high + 1):
        for left in range(x, WIDE - x - wide + 1, wide):
            part = one.grey[top : top + high, left : left + wide]
            around = other.grey[top - y : top + high + y, left - x : left + wide + x]
            missed.append(1 - float(cv2.matchTemplate(around, part, cv2.TM_CCOEFF_NORMED).max()))
    return float(np.median(missed))


def _both(alike: float, off: float, one: _Small, other: _Small) -> float:
    """Change of structure and change of brightness; both must be there."""
    shares = float(np.abs(one.bins - other.bins).sum()) / 2
    return math.sqrt(min(max(1 - alike, 0.0), 1.0) * max(min(off / FULL, 1.0), shares))
