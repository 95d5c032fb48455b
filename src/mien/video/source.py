"""The interface of everything that frames come from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, Self

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mien.types import Frame, SourceInfo


class Source(Protocol):
    """A sequence of frames that can be read once, in order."""

    @property
    def info(self) -> SourceInfo:
        """What is known before reading."""

    @property
    def decode_errors(self) -> int:
        """Packets or images that could not be decoded so far."""

    def __iter__(self) -> Iterator[Frame]:
        """Frames in order of presentation; ``Frame.index`` counts from 0 without gaps.

        Raises:
            InputError: nothing at all can be decoded, or the source vanished.
        """

    def close(self) -> None:
        """Free what the source holds; safe to call twice and at any time, from the reading thread."""

    def __enter__(self) -> Self:
        """The source itself."""

    def __exit__(self, *exc: object) -> None:
        """Close."""
