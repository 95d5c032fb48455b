"""Ways to follow known faces and to look for new ones, one per file.

A part's ``build(options, detector, shared)`` gives the finder of one video: the detector is its own, ``shared``
(or nothing) holds the networks that several videos share. Its ``LANDMARKS`` says whether its faces carry landmarks.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mien.types import Box, Face, Grey


@dataclass(frozen=True, slots=True)
class Expected:
    """A known face.

    Attributes:
        id: its track id.
        box: where it should be now, pixels.
        lost: whether it is out of sight.
        last: the face as it was seen last under this id, with the landmarks it then had.
    """

    id: int
    box: Box
    lost: bool
    last: Face | None = None


class Finder(Protocol):
    """Finds the faces of one video, frame by frame."""

    def faces(self, grey: Grey, now: float | None, known: Sequence[Expected]) -> list[Face]:
        """Faces in this frame, no two over the same face.

        Args:
            grey: uint8 (height, width); its size may differ from the last frame's.
            now: seconds, never running backwards; ``None`` without a clock.
            known: the faces that the tracker expects.
        """

    def cut(self) -> None:
        """A new shot begins with the next frame: nobody is where they were."""
