"""The interface of everything that results are written to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from mien.types import Frame, FrameResult, RunRecord


class Sink(Protocol):
    """Takes results as they come, in constant memory; its file appears under its name only when whole."""

    def write(self, frame: Frame, result: FrameResult | None) -> None:
        """Take one decoded frame and what was seen in it; ``None`` where the frame was not analysed (--every).

        Raises:
            OutputError: the file cannot be written, such as on a full disk.
        """

    def finish(self, record: RunRecord) -> None:
        """Make the file whole and give it its name. Nothing may be called afterwards.

        Raises:
            OutputError: the file cannot be written.
        """

    def abandon(self) -> None:
        """Throw the unfinished file away, leaving what stood under its name before. Safe to call at any time."""
