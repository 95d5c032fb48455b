"""Face detectors, one per file: ``haar`` is Viola-Jones, ``anchor_free`` mien's own network.

A part's ``build(options, shared)`` gives a detector; ``shared`` (or nothing) holds the networks that several videos
share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mien.types import Box, Face, Grey


class Detector(Protocol):
    """Finds faces in one grey picture. Holds buffers: one detector per thread."""

    def search(self, grey: Grey, longest: int) -> list[Face]:
        """All faces that the detector is sure enough of to begin with, anywhere in the picture.

        Args:
            grey: uint8 (height, width).
            longest: the picture is shrunk until its longer side has at most this many pixels; larger finds
                smaller faces and takes longer.

        Returns:
            Faces in pixels of ``grey``, best first, no two over the same face.
        """

    def near(self, grey: Grey, box: Box, reach: float) -> Face | None:
        """The face at about ``box`` and of about its size, or None.

        Args:
            grey: uint8 (height, width).
            box: where the face is expected, pixels.
            reach: how far around to look: the box grown by this factor must hold the whole face.
        """


NESTED = 0.7
"""Share of a face inside a larger one from which on it is part of that one (an eye, a mouth), or behind it."""


def share_inside(box: Box, other: Box) -> float:
    """Which share of ``box`` lies inside ``other``, 0 to 1."""
    wide = min(box.x + box.width, other.x + other.width) - max(box.x, other.x)
    high = min(box.y + box.height, other.y + other.height) - max(box.y, other.y)
    return max(wide, 0.0) * max(high, 0.0) / box.area


def distinct(faces: list[Face], overlap: float = 0.3) -> list[Face]:
    """Best first, without those that lie over a better one (intersection over union of ``overlap`` or more)."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda f: (-f.score, f.box.x, f.box.y)):
        if all(face.box.overlap(other.box) < overlap for other in kept):
            kept.append(face)
    return kept
