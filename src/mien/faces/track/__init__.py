"""Trackers, one per file: they give each face an id and keep it.

A part's ``build(options, shared)`` gives the tracker of one video; ``shared`` (or nothing) holds the networks that
several videos share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mien.faces.follow import Expected
    from mien.types import Face, Grey, TrackedFace


class Tracker(Protocol):
    """Keeps the identities of one video's faces."""

    def expected(self, now: float) -> list[Expected]:
        """Where each known face should be at time ``now`` (seconds), but for those that may be anywhere by now."""

    def update(self, faces: list[Face], grey: Grey, now: float) -> list[TrackedFace]:
        """Give each face of this frame its id.

        Args:
            faces: what was found, no two over the same face.
            grey: the frame, uint8 (height, width).
            now: seconds, later than at the last call.

        Returns:
            One tracked face per found face, ordered by id.
        """

    def cut(self) -> None:
        """A new shot begins with the next frame: everybody is lost, and places mean nothing any more."""

    @property
    def lost(self) -> tuple[int, ...]:
        """Ids out of sight now but still awaited, ascending."""
