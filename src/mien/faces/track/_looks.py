"""What one face looks like: signatures of it, kept for one video and only as long as it is awaited."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from mien.faces.shape import Placement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from mien.types import Face, Grey

EXEMPLARS = 3  # looks kept beside the mean: a face turned away looks like neither its mean nor itself in front
OTHER = 0.8  # cosine below which a look is unlike those kept
HEAVIEST = 20  # looks after which the mean goes on as a running one
EVIDENCE = 6.0  # log-odds beyond which no signature is believed


class Signatures(Protocol):
    """Tells faces of one video apart; ``mien.faces.signature.SignatureNetwork`` does."""

    def of(self, grey: Grey, placements: Sequence[Placement]) -> NDArray[np.float32]:
        """Signatures of the faces at ``placements``, float32 (n, 64), each of length 1."""

    def same(self, cosine: float) -> float:
        """Probability that two signatures of this cosine are of one face."""


@dataclass(slots=True, eq=False)
class Looks:
    """One face's looks; empty until it has learned one.

    Attributes:
        latest: the last look.
    """

    _sum: NDArray[np.float64] | None = None
    _count: int = 0
    _exemplars: list[NDArray[np.float64]] = field(default_factory=list)
    latest: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    def learn(self, signature: NDArray[Any]) -> None:
        """Take one more look at the face."""
        look = self.latest = np.asarray(signature, np.float64)
        if self._sum is None:
            self._sum, self._count, self._exemplars = look.copy(), 1, [look]
            return
        keep = min(self._count, HEAVIEST - 1) / self._count
        self._sum, self._count = self._sum * keep + look, min(self._count, HEAVIEST - 1) + 1
        if max(float(one @ look) for one in self._exemplars) < OTHER:
            # The first one is what the face looked like when it came; of the others the oldest goes.
            self._exemplars = [*self._exemplars[:1], *self._exemplars[1:][-(EXEMPLARS - 2) :], look]

    def cosine(self, signature: NDArray[Any]) -> float:
        """Likeness of a signature with the mean look or the most similar kept one; -1 where there is none."""
        if self._sum is None:
            return -1.0
        look = np.asarray(signature, np.float64)
        length = float(np.linalg.norm(self._sum))
        mean = float(self._sum @ look) / length if length > 0 else -1.0
        return max(mean, *(float(one @ look) for one in self._exemplars))

    @property
    def known(self) -> bool:
        """Whether there was a look at all."""
        return self._sum is not None


class Seen:
    """The signatures of one frame's faces, made when they are asked for: most frames leave nothing to decide."""

    def __init__(self, network: Signatures, grey: Grey, faces: Sequence[Face]) -> None:
        self._network, self._grey, self._faces = network, grey, faces
        self._made: dict[int, NDArray[np.float32]] = {}

    def of(self, indices: Sequence[int]) -> list[NDArray[np.float32]]:
        """Signatures of the faces ``indices``, in one run of the network."""
        missing = [index for index in indices if index not in self._made]
        if missing:
            places = [Placement.of_box(face.box, face.roll) for face in (self._faces[index] for index in missing)]
            self._made.update(zip(missing, self._network.of(self._grey, places), strict=True))
        return [self._made[index] for index in indices]


def evidence(network: Signatures, looks: Looks, signature: NDArray[Any]) -> float:
    """Log-odds that the signature is of the face with these looks; 0 where it has none yet."""
    if not looks.known:
        return 0.0
    chance = float(network.same(looks.cosine(signature)))
    return log_odds(chance)


def log_odds(chance: float) -> float:
    """Logarithm of the odds, within ``EVIDENCE``."""
    floor = 1 / (1 + math.exp(EVIDENCE))
    chance = min(max(chance, floor), 1 - floor)
    return math.log(chance / (1 - chance))
