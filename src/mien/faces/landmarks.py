"""68 points of known faces, by a small network on their turned squares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mien import modelfile
from mien.faces import align
from mien.faces.networks import Network
from mien.faces.shape import POINTS, Placement, mean_shape, placed
from mien.types import Box, Landmarks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mien.faces.shared import Shared
    from mien.modelfile import NetworkFile
    from mien.types import Grey

CROP = 1.3  # sides of the box that the network sees: room for a turned head, and for a guess that is off
SIZE = 96  # pixels of the crop
PRESENT = 0.5  # certainty from which on a face is there and its points are believed


class LandmarkNetwork:
    """Finds the points of faces whose place is roughly known; safe to share between threads.

    Args:
        file: a network for the job ``landmarks``.
        threads: that one run may use.

    Raises:
        ModelError: not such a network, damaged or foreign.
    """

    def __init__(self, file: NetworkFile, threads: int = 1) -> None:
        self._network = Network(file, "landmarks", threads)
        self.sha256 = file.sha256

    def find(self, grey: Grey, placements: Sequence[Placement], looks: int = 1) -> list[Landmarks]:
        """The points of each face, all faces in one run of the network.

        Args:
            grey: uint8 (height, width).
            placements: where each face should be; a tenth of a side or ten degrees off do little harm.
            looks: how often to look; each further look is at the place that the last one found.

        Returns:
            One answer per placement. Points may lie beyond the frame's edge.

        Raises:
            ValueError: a placement is not finite or not of positive size.
            ModelError: the network fails.
        """
        found: list[Landmarks] = []
        places = list(placements)
        for look in range(looks if places else 0):
            if look:
                places = [nearer(seen, place) for seen, place in zip(found, places, strict=True)]
            found = self._look(grey, places)
        return found

    def in_crop(self, grey: Grey) -> NDArray[np.float32] | None:
        """The points of the face that fills ``grey``, as training and scoring of aligned crops want them.

        Args:
            grey: uint8 (height, width), a crop in the geometry of the detector's box.

        Returns:
            (68, 2) pixels of the crop after two looks, or None where no face is to be seen.

        Raises:
            ModelError: the network fails.
        """
        (seen,) = self.find(grey, [_whole(grey)], looks=2)
        return seen.points if seen.presence >= PRESENT else None

    def _look(self, grey: Grey, places: Sequence[Placement]) -> list[Landmarks]:
        n = len(places)
        crops = [align.grown(place, CROP) for place in places]
        points, spread, presence = self._network.run(
            align.batch(grey, crops, SIZE), (n, POINTS, 2), (n, POINTS), (n,)
        )
        return [
            Landmarks(
                crop.points(np.asarray(at, np.float64)).astype(np.float32),
                (np.abs(off) * crop.side).astype(np.float32),
                float(min(max(sure, 0.0), 1.0)),
            )
            for crop, at, off, sure in zip(crops, points, spread, presence, strict=True)
        ]


def shipped(held: Shared) -> LandmarkNetwork:
    """The network that ships with mien, loaded once for all who share ``held``.

    Raises:
        UnknownPartError, ModelError: it is missing or damaged.
    """
    return held.get("landmarks", lambda: LandmarkNetwork(modelfile.read_network("landmarks")))


def nearer(seen: Landmarks, before: Placement) -> Placement:
    """Where the points say that the face is; where it was, if they lie all in one place or far away from it."""
    try:
        place = placed(seen.points)
    except ValueError:
        return before
    near = max(abs(place.x - before.x), abs(place.y - before.y)) < before.side
    return place if near and 0.5 < place.side / before.side < 2 else before


def upright(grey: Grey) -> NDArray[np.float64]:
    """The points (68, 2) of an upright mean face that fills ``grey``: for a crop in which no face was found."""
    return _whole(grey).points(mean_shape())


def _whole(grey: Grey) -> Placement:
    high, wide = grey.shape
    return Placement.of_box(Box(0, 0, wide, high))
