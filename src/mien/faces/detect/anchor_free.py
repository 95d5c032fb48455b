"""A small anchor-free network of mien's own: each cell of a grid says whether a face's centre lies in it.

The network (``training/faces``) sees the grey picture with 8 pixels to a cell and gives for each cell the
certainty of a face, its box and its eyes. These are proposals: the landmark network looks at each of them twice,
and what it says of a presence decides with the certainty of the proposal. A known face is looked for in
its own window, brought to one size, which costs a tenth of a search; there the detector decides alone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import cv2
import numpy as np

from mien.faces import align, networks
from mien.faces.detect import NESTED, distinct, share_inside
from mien.faces.landmarks import nearer, shipped
from mien.faces.shape import Placement
from mien.faces.shared import Shared
from mien.types import Box, Face

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mien.faces.landmarks import LandmarkNetwork
    from mien.faces.networks import Network
    from mien.types import Grey

CELL = 8  # pixels of the network's picture
UNIT = 32  # pixels: the logarithm of a box's side counts from here, and pictures are padded to multiples of it
ENLARGED = 2.0  # more than this does not show more of a face
CLOSE_UP = 40  # pixels to which a known face is brought: the network is at its best, and its window small
SMALLEST = 8  # pixels: nobody can tell whether less than this is the same face
COARSE = 0.4  # of the searched picture: there, faces that fill it have a size that the network knows well
LEAST = 96  # pixels of the longer side below which a picture is not looked at coarsely, too
MOST = 256  # proposals of one picture, the best ones: noise cannot make the suppression slow
JUDGED = 64  # proposals that are looked at again, the best ones
# Certainty of a face: a logistic curve over the logits of the proposal's certainty and of its presence at the first
# and the second look. Fitted on 1,170 proposals in composites of held-out people and scenes (validation).
BIAS, PROPOSED, FIRST, SECOND = -0.44, 0.47, 0.23, 0.18
FAINT = 1e-6  # certainties are kept so far from 0 and 1


@dataclass(frozen=True, slots=True)
class Options:
    """Settings of the anchor-free detector.

    Attributes:
        proposal: certainty of the detector alone from which on a place is looked at again.
        threshold: certainty of both networks that makes a new face.
        threshold_known: certainty that is enough where a face is expected.
        overlap: intersection over union from which on the weaker of two faces is dropped.
        smallest: pixels of the searched picture below which a box is no face.
        threads: that one run of the network may use.
    """

    proposal: float = 0.15
    threshold: float = 0.9
    threshold_known: float = 0.3
    overlap: float = 0.45
    smallest: int = 14
    threads: int = 1

    def __post_init__(self) -> None:
        if not all(0 < certainty < 1 for certainty in (self.proposal, self.threshold, self.threshold_known)):
            raise ValueError("proposal, threshold and threshold_known must lie between 0 and 1")
        if not 0 < self.overlap <= 1:
            raise ValueError(f"overlap must be above 0 and at most 1, not {self.overlap}")
        if self.smallest < 0:
            raise ValueError(f"smallest must be 0 or more, not {self.smallest}")
        if not 1 <= self.threads <= 64:
            raise ValueError(f"threads must be 1 to 64, not {self.threads}")


def build(options: Options, shared: Shared | None = None) -> AnchorFreeDetector:
    """The detector with the weights that ship with mien.

    Raises:
        UnknownPartError, ModelError: the weights are missing or damaged.
    """
    held = Shared() if shared is None else shared
    load = partial(networks.load, "detector", threads=options.threads)
    network = held.get(("detector", options.threads), load)
    second = shipped(held)
    return AnchorFreeDetector(options, network, second)


class AnchorFreeDetector:
    """See the module's text; implements ``mien.faces.detect.Detector``.

    Boxes are given as the network sees them and may reach beyond the frame's edge, as a face does; a face whose
    centre lies outside is dropped.

    Args:
        options: the settings.
        network: for the job ``detector``.
        second: whose word on the presence of a face counts, too; without it every proposal of ``threshold`` is one.
    """

    def __init__(self, options: Options, network: Network, second: LandmarkNetwork | None = None) -> None:
        self._options = options
        self._network = network
        self._second = second
        self._proposal = options.threshold if second is None else options.proposal

    def search(self, grey: Grey, longest: int) -> list[Face]:
        """All faces in the picture; see ``Detector.search``.

        A picture whose longer side is below ``longest`` is enlarged up to it, but to no more than twice its size.
        It is looked at a second time at ``COARSE`` of that, a sixth of the work.
        """
        high, wide = grey.shape
        scale = min(ENLARGED, longest / max(high, wide))
        found: list[Face] = []
        small = grey
        for level in (scale, scale * COARSE):
            if level < scale and level * max(high, wide) < LEAST:
                break
            size = max(round(wide * level), 1), max(round(high * level), 1)
            small = grey if level == 1 else _resized(small, size)
            across, down = wide / size[0], high / size[1]
            seen = self._faces(small, self._proposal)
            found += [
                _placed(face, across, down, 0.0, 0.0) for face in seen if face.box.width >= self._options.smallest
            ]
        return _whole(self._confirmed(grey, distinct(found, self._options.overlap)))

    def _confirmed(self, grey: Grey, proposals: list[Face]) -> list[Face]:
        """Those proposals that are faces by the word of both networks, best first, with their landmarks."""
        if self._second is None or not proposals:
            return proposals
        proposals = proposals[:JUDGED]
        places = [Placement.of_box(face.box, face.roll) for face in proposals]
        first = self._second.find(grey, places)
        places = [nearer(seen, place) for seen, place in zip(first, places, strict=True)]
        faces: list[Face] = []
        for face, place, once, twice in zip(proposals, places, first, self._second.find(grey, places), strict=True):
            evidence = BIAS + PROPOSED * _logit(face.score)
            evidence += FIRST * _logit(once.presence) + SECOND * _logit(twice.presence)
            score = 1 / (1 + math.exp(-evidence))
            where = nearer(twice, place)
            if score >= self._options.threshold and _inside(where.box, grey.shape):
                faces.append(Face(where.box, score, twice, where.roll))
        return distinct(faces, self._options.overlap)

    def near(self, grey: Grey, box: Box, reach: float) -> Face | None:
        """The face at about ``box``; see ``Detector.near``.

        A box of less than 8 pixels is not looked for.
        """
        if min(box.width, box.height) < SMALLEST:
            return None
        side = (box.width + box.height) / 2
        pixel = side / CLOSE_UP
        size = -(-round(CLOSE_UP * reach) // UNIT) * UNIT
        (x, y), whole = box.centre, size * pixel
        window = Box(x - whole / 2, y - whole / 2, whole, whole)
        # Beyond the frame's edge it is black, as in a search.
        view = align.cut(grey, Placement.of_box(window), size, beyond=cv2.BORDER_CONSTANT)
        best: Face | None = None
        rank = 0.0
        for face in self._faces(view, self._options.threshold_known):
            there = _placed(face, pixel, pixel, window.x, window.y)
            # Not the strongest answer: that may be somebody else's face beside this one.
            fits = there.box.overlap(box) + 0.2 * there.score
            if fits > rank and _continues(there.box, box, reach) and _inside(there.box, grey.shape):
                best, rank = there, fits
        return best

    def _faces(self, picture: Grey, threshold: float) -> list[Face]:
        """Faces in pixels of ``picture``, best first; neighbours that mean the same face are still among them."""
        high, wide = picture.shape
        rows, columns = -(-high // UNIT) * UNIT, -(-wide // UNIT) * UNIT
        pixels = np.zeros((1, 1, rows, columns), np.float32)
        np.multiply(picture, np.float32(1 / 255), out=pixels[0, 0, :high, :wide])
        shape = (1, 8, rows // CELL, columns // CELL)
        (cells,) = self._network.run(pixels, shape)
        return decode(cells[0], threshold, (high, wide))


def decode(cells: NDArray[np.floating], threshold: float, shape: tuple[int, int]) -> list[Face]:
    """Faces behind the network's answer: cells that are sure enough and surer than their eight neighbours.

    Args:
        cells: (8, rows, columns): logit of the certainty; box's centre minus the cell's, in cells; logarithm of
            the side in ``UNIT``; left and right eye minus the box's centre, in sides.
        threshold: least certainty.
        shape: height and width of the picture without its padding.

    Returns:
        At most ``MOST`` faces whose centre lies in the picture, in its pixels, best first.
    """
    logits = np.ascontiguousarray(cells[0], np.float32)
    peaks = (logits >= cv2.dilate(logits, np.ones((3, 3), np.uint8))) & (
        logits >= math.log(threshold / (1 - threshold))
    )
    rows, columns = np.nonzero(peaks)
    order = np.argsort(-logits[rows, columns], kind="stable")[:MOST]
    faces: list[Face] = []
    for i, j in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        logit, dx, dy, size, lx, ly, rx, ry = map(float, cells[:, i, j])
        side = UNIT * math.exp(min(max(size, -4.0), 4.0))
        x, y = (j + 0.5 + dx) * CELL, (i + 0.5 + dy) * CELL
        box = Box(x - side / 2, y - side / 2, side, side)
        if _inside(box, shape):
            score = 1 / (1 + math.exp(-min(max(logit, -60.0), 60.0)))
            faces.append(Face(box, score, roll=math.degrees(math.atan2(ry - ly, rx - lx))))
    return faces


def _logit(certainty: float) -> float:
    kept = min(max(certainty, FAINT), 1 - FAINT)
    return math.log(kept / (1 - kept))


def _whole(faces: list[Face]) -> list[Face]:
    """Best first, without those that lie inside a better and larger one."""
    kept: list[Face] = []
    for face in faces:
        box = face.box
        if not any(share_inside(box, other.box) >= NESTED for other in kept if other.box.area > box.area):
            kept.append(face)
    return kept


def _placed(face: Face, across: float, down: float, left: float, top: float) -> Face:
    """The face of a resized part in pixels of the picture, where the part's corner lies at (left, top)."""
    (x, y), side = face.box.centre, face.box.width * math.sqrt(across * down)
    box = Box(x * across + left - side / 2, y * down + top - side / 2, side, side)
    return Face(box, face.score, roll=face.roll)


def _inside(box: Box, shape: tuple[int, ...]) -> bool:
    x, y = box.centre
    return 0 <= x <= shape[1] and 0 <= y <= shape[0]


def _continues(box: Box, expected: Box, reach: float) -> bool:
    """Whether the box, give or take a tenth, lies in the expected one grown by ``reach`` and is of like size."""
    (x, y), (ex, ey) = box.centre, expected.centre
    side, before = box.width, (expected.width + expected.height) / 2
    near = max(abs(x - ex), abs(y - ey)) <= ((reach - 1) / 2 + 0.1) * before
    return near and 1 / (reach + 0.1) <= side / before <= reach + 0.1


def _resized(grey: Grey, size: tuple[int, int]) -> Grey:
    how = cv2.INTER_AREA if size[0] < grey.shape[1] else cv2.INTER_LINEAR
    return cv2.resize(grey, size, interpolation=how)  # type: ignore[return-value]
