"""Viola-Jones (section 3.2 of the 2010 report; Viola & Jones 2004) through OpenCV's cascades.

A full search runs on a shrunken picture in coarse steps and only proposes; each proposal is looked at again in
its own small window, brought to one size, in fine steps. A proposal counts when the report's cascade
(``frontalface_default``) answers often enough there and a second, independently trained cascade
(``frontalface_alt``) agrees. A face that is known already needs the small window only.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np

from mien.errors import ModelError
from mien.faces.detect import distinct
from mien.types import Box, Face

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mien.faces.shared import Shared
    from mien.types import Grey

CASCADE = "haarcascade_frontalface_default.xml"
SECOND = "haarcascade_frontalface_alt.xml"

SMALLEST = 24  # pixels: the cascade's window
# Pixels: size to which an expected face is brought. OpenCV moves windows of more than twice the cascade's size
# in single pixels, smaller ones in steps of two: below 48 half the answers are missing, and a fifth of the faces.
CLOSE_UP = 48
REACH = 1.6  # a proposal is looked at in its box grown by this
# Certainty that it is a face, a logistic curve in the logarithm of the evidence: answers per 5 % of window size.
# Fitted by logistic regression, both classes weighing the same, on 403 faces in portraits against 72 answers of
# the first cascade where there was no face.
EVEN_ODDS, SLOPE = 14.2, 2.7


@dataclass(frozen=True, slots=True)
class Options:
    """Viola-Jones settings.

    Attributes:
        search_step: ratio of window sizes in a full search.
        follow_step: the same around a face that is known.
        check_step: the same around a proposal, and around a known face that ``follow_step`` missed.
        min_neighbours: answers that make a known face.
        min_neighbours_new: answers that make a face where none was known.
        second_opinion: answers of the second cascade, in ``check_step``, that a new face needs; 0 does not ask.
            8 cost 3 of 100 faces and remove 9 of 10 false ones (portraits and face-free scenes).
    """

    search_step: float = 1.2
    follow_step: float = 1.1
    check_step: float = 1.05
    min_neighbours: int = 3
    min_neighbours_new: int = 5
    second_opinion: int = 8

    def __post_init__(self) -> None:
        if not all(1.01 <= step <= 2 for step in (self.search_step, self.follow_step, self.check_step)):
            raise ValueError("search_step, follow_step and check_step must be 1.01 to 2")
        if self.min_neighbours < 1 or self.min_neighbours_new < 1 or self.second_opinion < 0:
            raise ValueError("min_neighbours must be 1 or more, second_opinion 0 or more")


def build(options: Options, shared: Shared | None = None) -> HaarDetector:  # noqa: ARG001  as all detectors
    """The detector; loads OpenCV's own cascade files.

    Raises:
        ModelError: this OpenCV has no cascades (version 5 dropped them).
    """
    return HaarDetector(options)


class HaarDetector:
    """See the module's text; implements ``mien.faces.detect.Detector``."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._first = _cascade(CASCADE)
        self._second = _cascade(SECOND) if options.second_opinion else None

    def search(self, grey: Grey, longest: int) -> list[Face]:
        """All faces in the picture; see ``Detector.search``."""
        scale = min(1.0, longest / max(grey.shape))
        small = _resized(grey, scale)
        if min(small.shape) < SMALLEST:
            return []
        boxes, _ = self._first.detectMultiScale2(small, self._options.search_step, 1, 0, (SMALLEST, SMALLEST))
        proposals = [Box(*(float(pixels) / scale for pixels in box)) for box in boxes]
        return distinct([face for box in proposals if (face := self._checked(grey, box)) is not None])

    def near(self, grey: Grey, box: Box, reach: float) -> Face | None:
        """The face at about ``box``; see ``Detector.near``."""
        view = _close_up(grey, box, reach)
        if view is None:
            return None
        wanted = self._options.min_neighbours
        return self._answer(view, box, self._options.follow_step, wanted) or self._answer(
            view, box, self._options.check_step, wanted
        )

    def _checked(self, grey: Grey, proposal: Box) -> Face | None:
        """A proposal looked at again, or None where it does not hold."""
        view = _close_up(grey, proposal, REACH)
        if view is None:
            return None
        face = self._answer(view, proposal, self._options.check_step, self._options.min_neighbours_new)
        if face is None or self._second is None:
            return face
        step, wanted = self._options.check_step, self._options.second_opinion
        agreed = self._second.detectMultiScale(view.grey, step, wanted, 0, *view.sizes)
        return face if len(agreed) else None

    def _answer(self, view: _View, expected: Box, step: float, neighbours: int) -> Face | None:
        """The face in the view that continues ``expected`` best."""
        windows = np.asarray(self._first.detectMultiScale(view.grey, step, 0, 0, *view.sizes), np.float64).reshape(
            -1, 4
        )
        groups, counts = cv2.groupRectangles([tuple(map(int, w)) for w in windows], neighbours, 0.2)
        faces: list[Face] = []
        for group, count in zip(groups, np.ravel(counts), strict=True):
            x, y, size = _centre_of(windows, group)
            box = Box(view.left + x / view.scale, view.top + y / view.scale, size / view.scale, size / view.scale)
            faces.append(Face(box, certainty(int(count), step)))
        # Not the strongest answer: that may be somebody else's face beside this one.
        return max(faces, key=lambda face: face.box.overlap(expected) + 0.2 * face.score, default=None)


@dataclass(frozen=True, slots=True)
class _View:
    """Part of a picture in which the expected face is ``CLOSE_UP`` pixels wide."""

    grey: Grey
    left: int
    top: int
    scale: float
    sizes: tuple[tuple[int, int], tuple[int, int]]  # smallest and largest face to look for


def _close_up(grey: Grey, box: Box, reach: float) -> _View | None:
    height, width = grey.shape
    window = box.scaled(reach)
    left, top = max(int(window.x), 0), max(int(window.y), 0)
    right = min(math.ceil(window.x + window.width), width)
    bottom = min(math.ceil(window.y + window.height), height)
    scale = CLOSE_UP / box.width
    if min(right - left, bottom - top) * scale < SMALLEST:
        return None
    # The further it may have gone, the more its size may have changed.
    change = 1 + (reach - 1) / 2
    smallest, largest = max(round(CLOSE_UP / change), SMALLEST), round(CLOSE_UP * change)
    view = _resized(grey[top:bottom, left:right], scale)
    return _View(view, left, top, scale, ((smallest, smallest), (largest, largest)))


def _centre_of(windows: NDArray[np.float64], group: Sequence[int]) -> tuple[float, float, float]:
    """Left, top and size of the face behind one group of answers.

    Windows of more than 48 pixels are tried at four times as many places, so four times as many of them answer;
    OpenCV's plain mean is 2 to 5 % too large for it, and jumps from frame to frame. Here each size weighs alike.
    """
    x, y, size, _ = group
    middles = windows[:, :2] + windows[:, 2:] / 2
    off = np.abs(middles - (x + size / 2, y + size / 2)).sum(axis=1) + np.abs(windows[:, 2] - size)
    near = windows[off < 0.25 * size]
    if len(near) == 0:
        return float(x), float(y), float(size)
    weights = np.where(near[:, 2] > 2 * SMALLEST, 0.25, 1.0)
    left, top, width, _ = np.average(near, axis=0, weights=weights)
    return float(left), float(top), float(width)


def certainty(neighbours: int, step: float) -> float:
    """The detector's certainty, 0 to 1.

    Args:
        neighbours: windows that answered.
        step: ratio of window sizes: with finer steps more windows answer to the same face.
    """
    evidence = max(neighbours, 1) * math.log(step) / math.log(1.05)
    return 1 / (1 + float((evidence / EVEN_ODDS) ** -SLOPE))


def _resized(grey: Grey, scale: float) -> Grey:
    if scale == 1:
        return grey
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    size = max(round(grey.shape[1] * scale), 1), max(round(grey.shape[0] * scale), 1)
    return cv2.resize(grey, size, interpolation=how)  # type: ignore[return-value]


def _cascade(name: str) -> cv2.CascadeClassifier:
    folder = getattr(getattr(cv2, "data", None), "haarcascades", None)
    if folder is None or not hasattr(cv2, "CascadeClassifier") or not (Path(folder) / name).is_file():
        raise ModelError(
            f"OpenCV {cv2.__version__} has no Viola-Jones cascades: pip install 'opencv-python-headless>=4.10,<5'"
        )
    return cv2.CascadeClassifier(str(Path(folder) / name))
