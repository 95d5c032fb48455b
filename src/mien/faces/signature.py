"""How a face looks, in 64 numbers: enough to tell the people of one video apart, and for nothing else.

Signatures live as long as one video is read; they are never written anywhere.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from mien.faces import align
from mien.faces.networks import Network

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mien.faces.shape import Placement
    from mien.modelfile import NetworkFile
    from mien.types import Grey

CROP = 1.1  # sides of the box that the network sees
SIZE = 64  # pixels of the crop
LENGTH = 64  # numbers in a signature


class SignatureNetwork:
    """Signatures of faces whose place is known; safe to share between threads.

    Args:
        file: a network for the job ``signature``; its settings hold ``same_person`` with ``bias`` and ``slope``.
        threads: that one run may use.

    Raises:
        ModelError: not such a network, damaged or foreign.
    """

    def __init__(self, file: NetworkFile, threads: int = 1) -> None:
        self._network = Network(file, "signature", threads)
        self._bias = self._network.number("same_person", "bias")
        self._slope = self._network.number("same_person", "slope")

    def of(self, grey: Grey, placements: Sequence[Placement]) -> NDArray[np.float32]:
        """The signature of each face, float32 (n, 64), each of length 1: their dot product is their cosine.

        Args:
            grey: uint8 (height, width).
            placements: where the faces are (``shape.placed`` of their points).

        Raises:
            ValueError: a placement is not finite or not of positive size.
            ModelError: the network fails.
        """
        if not placements:
            return np.zeros((0, LENGTH), np.float32)
        crops = [align.grown(place, CROP) for place in placements]
        (found,) = self._network.run(align.batch(grey, crops, SIZE), (len(crops), LENGTH))
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        return np.asarray(found / np.maximum(lengths, 1e-6), np.float32)

    def same(self, cosine: float) -> float:
        """The probability, 0 to 1, that two faces whose signatures have this cosine are one person's.

        A logistic curve, calibrated where half of all pairs are the same person's.
        """
        evidence = self._bias + self._slope * cosine
        return 1 / (1 + math.exp(-min(max(evidence, -60.0), 60.0)))
