"""How near drawn faces come to real ones, beside how near real people come to each other.

Two measures, both on faces of mean 0 and standard deviation 1, against a face and its mirror image:

- *distance*: root mean square difference of the pixels. It is small for a copy, but also for a face that is merely
  average: blurred or blended faces lie in the middle of all others.
- *likeness*: correlation of what sets two faces apart from the mean face of their expression, -1 to 1. A copy has
  1, however faint; an average face is like nobody. It is the measure to judge copying by.

The yardstick is every real face against those of *other* people: whoever was not there when they were photographed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mien.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

LEVELS = (0.0, 0.05, 0.5, 0.95, 1.0)
"""Quantiles in which distances and likenesses are told."""


@dataclass(frozen=True, slots=True, eq=False)
class Nearest:
    """The nearest real face of each face, by either measure.

    Attributes:
        distance: float64 (n,), to the nearest by distance.
        likeness: float64 (n,), to the most alike.
        alike: (n,) place of the most alike in the gallery.
    """

    distance: NDArray[np.float64]
    likeness: NDArray[np.float64]
    alike: NDArray[np.intp]

    def told(self) -> dict[str, list[float]]:
        """Quantiles ``LEVELS`` of both measures, JSON values."""
        return {
            name: [round(float(q), 4) for q in np.quantile(values, LEVELS)]
            for name, values in (("distance", self.distance), ("likeness", self.likeness))
        }


class Gallery:
    """Real faces to compare with.

    Args:
        patches: float32 (n, size, size), any brightness.
        expressions: of each face.
        subjects: whose each face is.
        names: of the faces.

    Raises:
        DataError: fewer than two people, or lists of different lengths.
    """

    def __init__(
        self,
        patches: NDArray[np.float32],
        expressions: Sequence[str],
        subjects: Sequence[str],
        names: Sequence[str],
    ) -> None:
        if not len(patches) == len(expressions) == len(subjects) == len(names) or len(set(subjects)) < 2:
            raise DataError("to say how near people come to each other, faces of two people or more are needed")
        self.names = tuple(names)
        self._subjects = np.array(subjects)
        plain = evened(patches)
        both = np.concatenate([plain, plain[:, :, ::-1]]).reshape(2 * len(plain), -1)
        shown = np.tile(np.array(expressions), 2)
        self._means = np.stack([both[shown == name].mean(axis=0) for name in sorted(set(expressions))])
        self._faces = both
        self._own = _directions(both, self._means)

    def __len__(self) -> int:
        return len(self._subjects)

    def nearest(self, faces: NDArray[np.float32]) -> Nearest:
        """The nearest real faces of faces (n, size, size).

        Raises:
            DataError: faces of another size.
        """
        flat = evened(faces).reshape(len(faces), -1)
        if flat.shape[1] != self._faces.shape[1]:
            raise DataError(f"faces of {flat.shape[1]} pixels cannot be compared with {self._faces.shape[1]}")
        return self._found(flat, np.zeros((len(flat), len(self)), np.bool_))

    def strangers(self) -> Nearest:
        """The nearest face of somebody else for each face of the gallery."""
        return self._found(self._faces[: len(self)], self._subjects[:, None] == self._subjects[None])

    def _found(self, flat: NDArray[np.float64], barred: NDArray[np.bool_]) -> Nearest:
        squared = (
            (flat**2).mean(axis=1)[:, None]
            + (self._faces**2).mean(axis=1)
            - 2 * flat @ self._faces.T / flat.shape[1]
        )
        alike = _directions(flat, self._means) @ self._own.T
        n = len(self)
        away = np.sqrt(np.maximum(np.minimum(squared[:, :n], squared[:, n:]), 0))
        alike = np.maximum(alike[:, :n], alike[:, n:])
        away[barred], alike[barred] = np.inf, -np.inf
        return Nearest(away.min(axis=1), alike.max(axis=1), alike.argmax(axis=1))


def evened(patches: NDArray[np.float32]) -> NDArray[np.float64]:
    """Faces (n, size, size), each with mean 0 and standard deviation 1."""
    mean, spread = patches.mean(axis=(1, 2), keepdims=True), patches.std(axis=(1, 2), keepdims=True)
    return np.asarray((patches - mean) / np.maximum(spread, 1e-3), np.float64)


def _directions(flat: NDArray[np.float64], means: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit vectors (n, pixels) from the nearest of the mean faces to each face."""
    nearest = (flat @ means.T - (means**2).sum(axis=1) / 2).argmax(axis=1)
    away = flat - means[nearest]
    length = np.linalg.norm(away, axis=1, keepdims=True)
    return np.asarray(away / np.maximum(length, 1e-9))
