"""Video files through PyAV, with the container's own timestamps."""

from __future__ import annotations

import errno
import heapq
from collections import deque
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Self, cast

import av
import av.error
from av.codec.context import ThreadType
from av.format import Flags as FormatFlags
from av.packet import Packet
from av.stream import Disposition

from mien.errors import InputError
from mien.types import Frame, SourceInfo
from mien.video.picture import Turns, VideoPicture
from mien.video.tail import Tail

if TYPE_CHECKING:
    import os
    from collections.abc import Generator, Iterable, Iterator

    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_READ_RETRIES = 16  # read errors in a row, without a packet between them, after which the file counts as ended
_TEXT = "tty"  # FFmpeg draws the letters of any .txt file as a video
_MOST_REORDERED = 16  # frames that H.264 and HEVC may hold back to put pictures in order


class VideoFile:
    """The frames of one video file, in order of presentation.

    Time is what the container says: ``(pts - start) * time_base``, where start is the stream's own start time, or
    the first frame's timestamp where the container does not give one. Where a frame has no presentation timestamp
    its decoding timestamp stands in. AVI knows decoding order only: its timestamps are handed out in ascending
    order. A bare bitstream (``.h264``, ``.mjpeg``) has no clock, and its frames have ``time=None``. Nothing is ever
    derived from a frame rate, and timestamps that run backwards are given as they are.

    A damaged packet is counted in ``decode_errors`` and reading goes on. A frame that the decoder had to patch is
    given, because it has its place in time, and counted too where the decoder marks it.

    The first frame is decoded at once, so that a file without a readable picture is refused here and ``info`` has
    the upright size. The size may change later on; ``Frame.pixels`` has each frame's own.

    Args:
        path: the file.

    Raises:
        InputError: missing, empty, not a video, no video stream, or nothing in it can be decoded.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._name = str(path)
        self._errors = 0
        self._index = 0
        self._container, self._stream = _open(self._name)
        self._has_clock = not self._container.format.flags & cast("int", FormatFlags.no_timestamps.value)
        self._start = self._stream.start_time
        self._stamped = self._stamps()
        first = self._begin()
        self._turns = Turns()
        self._info = self._describe(VideoPicture(first[0], self._turns.of(first[0])))
        self._first: tuple[VideoFrame, int | None] | None = first

    @property
    def info(self) -> SourceInfo:
        """Upright size of the first frame; frames and duration as the container claims them."""
        return self._info

    @property
    def decode_errors(self) -> int:
        """Packets that could not be decoded whole so far."""
        return self._errors

    def __iter__(self) -> Iterator[Frame]:
        """Frames in order of presentation; a second iteration goes on where the first one stopped."""
        while (item := self._first or next(self._stamped, None)) is not None:
            self._first = None
            picture, stamp = item
            index, self._index = self._index, self._index + 1
            yield Frame(index, self._seconds(stamp), VideoPicture(picture, self._turns.of(picture)), stamp)

    def close(self) -> None:
        """Free the decoder; safe to call twice."""
        self._first = None
        self._stamped.close()
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def _begin(self) -> tuple[VideoFrame, int | None]:
        try:
            first = next(self._stamped, None)
        except BaseException:
            self.close()
            raise
        if first is None:
            self.close()
            damage = f"all {self._errors} packets are damaged" if self._errors else "it holds no frames"
            raise InputError(f"{self._name}: no frame can be decoded, {damage}; record or convert it again")
        return first

    def _stamps(self) -> Generator[tuple[VideoFrame, int | None]]:
        with closing(self._frames()) as frames:
            if not self._has_clock:
                yield from ((frame, None) for frame in frames)
            elif self._container.format.name == "avi":
                yield from _ascending(frames)
            else:
                yield from ((frame, _stamp(frame)) for frame in frames)

    def _frames(self) -> Generator[VideoFrame]:
        tail = Tail()
        with closing(self._packets()) as packets:
            for packet in packets:
                if packet.size:
                    tail.sent(packet)
                try:
                    frames = packet.decode()
                except av.error.FFmpegError:
                    self._errors += 1
                    tail.failed()
                    continue
                for frame in frames:
                    self._errors += frame.is_corrupt
                    tail.got(frame)
                    yield frame
        rest, failures = tail.rest(Path(self._name), self._stream.index)
        self._errors += failures
        yield from rest

    def _packets(self) -> Generator[Packet[VideoStream]]:
        """Packets until the end, across read errors; the last one is empty, which empties the decoder."""
        failures = 0
        cause: Exception | None = None
        while failures < _READ_RETRIES:
            try:
                for packet in self._container.demux(self._stream):
                    failures = 0
                    yield packet
            except av.error.FFmpegError as error:
                self._errors += failures == 0
                failures += 1
                cause = error
            else:
                return
        last = cast("Packet[VideoStream]", Packet())
        last.stream = self._stream
        yield last
        if isinstance(cause, OSError):  # not damage in the file: the disk or the network failed
            raise InputError(
                f"{self._name}: reading failed in the middle ({cause.strerror}); check the disk"
            ) from cause

    def _seconds(self, stamp: int | None) -> float | None:
        base = self._stream.time_base
        if stamp is None or base is None:
            return None
        if self._start is None:
            self._start = stamp
        return float((stamp - self._start) * base)

    def _describe(self, picture: VideoPicture) -> SourceInfo:
        stream = self._stream
        duration: float | None = None
        if stream.duration is not None and stream.time_base is not None and self._has_clock:
            duration = float(stream.duration * stream.time_base)
        elif self._container.duration is not None:
            duration = self._container.duration / av.time_base
        rate = stream.average_rate or stream.guessed_rate or None
        frames = stream.frames or (round(duration * rate) if duration is not None and rate else None)
        return SourceInfo(
            name=self._name,
            kind="video",
            width=picture.width,
            height=picture.height,
            frames=frames,
            duration=duration,
            time_base=stream.time_base if self._has_clock else None,
            rate=rate,
        )


def _stamp(frame: VideoFrame) -> int | None:
    return frame.pts if frame.pts is not None else frame.dts


def _ascending(frames: Iterable[VideoFrame]) -> Generator[tuple[VideoFrame, int | None]]:
    """Frames as they come, timestamps smallest first: AVI stamps a packet with its place in decoding order."""
    waiting: deque[VideoFrame] = deque()
    stamps: list[int] = []
    for frame in frames:
        waiting.append(frame)
        stamp = _stamp(frame)
        if stamp is not None:
            heapq.heappush(stamps, stamp)
        if len(waiting) > _MOST_REORDERED:
            yield waiting.popleft(), heapq.heappop(stamps) if stamps else None
    for frame in waiting:
        yield frame, heapq.heappop(stamps) if stamps else None


def _open(name: str) -> tuple[InputContainer, VideoStream]:
    path = Path(name)
    try:
        if path.is_file() and path.stat().st_size == 0:
            raise InputError(f"{name}: the file is empty; copy or record it again")
        # The prefix keeps FFmpeg from reading a colon in a name as a protocol, the list keeps it off the network.
        container = av.open(f"file:{name}", options={"protocol_whitelist": "file"}, metadata_errors="replace")
    except FileNotFoundError:
        raise InputError(f"{name}: no such file; check the path") from None
    except (av.error.FFmpegError, OSError) as error:
        raise InputError(f"{name}: {_cause(error)}") from error
    if container.format.name == _TEXT:
        container.close()
        raise InputError(f"{name}: text, not a video")
    stream = container.streams.best("video")
    if stream is None or stream.disposition & Disposition.attached_pic:
        container.close()
        raise InputError(f"{name}: has no video stream; give a file with pictures")
    video = cast("VideoStream", stream)
    if getattr(stream, "codec_context", None) is None:
        container.close()
        raise InputError(f"{name}: no decoder for its video codec; convert it, for instance to H.264")
    video.codec_context.thread_type = ThreadType.AUTO
    return container, video


def _cause(error: Exception) -> str:
    if getattr(error, "errno", None) == errno.EACCES:
        return "may not be read; change its permissions"
    if isinstance(error, av.error.InvalidDataError):
        return "not a video, or cut off before its index was written; record or convert it again"
    if isinstance(error, EOFError):
        return "ends before its first frame; record or convert it again"
    return f"cannot be opened ({getattr(error, 'strerror', None) or error}); check the file"
