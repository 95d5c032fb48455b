"""A camera of this machine (Linux, Video4Linux)."""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Self

import av
import av.error

from mien.errors import InputError, UsageError
from mien.types import Frame, SourceInfo
from mien.video.picture import VideoPicture

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from av.container import InputContainer
    from av.video.frame import VideoFrame

PREFIX = "camera:"
"""How a camera's name begins; its number follows."""


class Camera:
    """Frames of a camera, without end, timed by the moment of capture.

    Args:
        name: ``camera:0`` for ``/dev/video0``, and so on.

    Raises:
        UsageError: the name has no number.
        InputError: no such camera, busy, not permitted, or this is not Linux.
    """

    def __init__(self, name: str) -> None:
        number = name.removeprefix(PREFIX)
        if not (number.isascii() and number.isdigit()):
            raise UsageError(f"{name}: a camera is named by its number, as in camera:0")
        self._name = name
        self._errors = 0
        self._index = 0
        self._start: int | None = None
        self._container = _open(name, f"/dev/video{int(number)}")
        self._stream = self._container.streams.video[0]
        self._decoded = self._frames()
        context = self._stream.codec_context
        self._info = SourceInfo(
            name=name,
            kind="camera",
            width=context.width or None,
            height=context.height or None,
            time_base=self._stream.time_base,
            rate=self._stream.average_rate or None,
        )

    @property
    def info(self) -> SourceInfo:
        """Size and nominal rate as the camera says; no number of frames."""
        return self._info

    @property
    def decode_errors(self) -> int:
        """Pictures that came in damaged so far."""
        return self._errors

    def __iter__(self) -> Iterator[Frame]:
        """Frames as they come, until closed; ``time`` is seconds since the first one was captured.

        Raises:
            InputError: the camera was unplugged, or fails.
        """
        base = self._stream.time_base
        for decoded in self._decoded:
            time: float | None = None
            if decoded.pts is not None and base is not None:
                self._start = decoded.pts if self._start is None else self._start
                time = float((decoded.pts - self._start) * base)
            index, self._index = self._index, self._index + 1
            yield Frame(index, time, VideoPicture(decoded), decoded.pts)

    def close(self) -> None:
        """Release the camera; safe to call twice."""
        self._decoded.close()
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _frames(self) -> Generator[VideoFrame]:
        try:
            for packet in self._container.demux(self._stream):
                try:
                    frames = packet.decode()
                except av.error.FFmpegError:
                    self._errors += 1
                    continue
                yield from frames
        except (av.error.FFmpegError, OSError) as error:
            raise InputError(f"{self._name}: the camera stopped ({error}); plug it in again") from error


def _open(name: str, device: str) -> InputContainer:
    if not sys.platform.startswith("linux"):
        raise InputError(f"{name}: cameras are read on Linux only; record a video file and give that")
    if not Path(device).exists():
        raise InputError(f"{name}: no camera {device} on this machine; plug one in, or give a video file")
    try:
        return av.open(device, format="video4linux2", timeout=(10.0, 10.0))
    except (av.error.FFmpegError, OSError) as error:
        raise InputError(f"{name}: {device} {_cause(error)}") from error


def _cause(error: Exception) -> str:
    number = getattr(error, "errno", None)
    if number == errno.EBUSY:
        return "is busy; close the other program that uses it"
    if number in (errno.EACCES, errno.EPERM):
        return "may not be opened; join the group that owns it (often: video)"
    return f"cannot be opened as a camera ({error}); try another number"
