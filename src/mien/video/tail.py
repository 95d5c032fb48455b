"""The last frames of a damaged stream, which a decoder with frame threads would drop.

FFmpeg's frame threads report a damaged packet a few packets late. When that happens while the decoder is being
emptied at the end of the stream, PyAV cannot go on and the frames behind the damage are lost, up to the number of
threads plus the reordering delay. So the packets of the last groups of pictures are kept, and where the sums
do not add up they are decoded once more by a decoder with one thread, which reports damage at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import av
import av.error
from av.codec.context import ThreadType

if TYPE_CHECKING:
    from pathlib import Path

    from av.packet import Packet
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

_LEAST_PACKETS = 32  # more than frame threads and reordering hold back together
_MOST_BYTES = 64 << 20  # a larger run is not kept, and its damaged end not read again


class Tail:
    """Remembers the last packets from a key frame on, and whether every packet led to a frame or an error."""

    def __init__(self) -> None:
        self._groups: list[list[Packet[VideoStream]]] = [[], []]
        self._bytes = 0
        self._failures = [0, 0]
        self._open = 0
        self._last: VideoFrame | None = None

    def sent(self, packet: Packet[VideoStream]) -> None:
        """A packet goes into the decoder."""
        if packet.is_keyframe and len(self._groups[1]) >= _LEAST_PACKETS:
            self._groups = [self._groups[1], []]
            self._failures = [self._failures[1], 0]
            self._bytes = 0
        self._bytes += packet.size
        if self._bytes > _MOST_BYTES:
            self._groups[1].clear()
        else:
            self._groups[1].append(packet)
        self._open += not packet.is_discard

    def failed(self) -> None:
        """The decoder has refused a packet."""
        self._open -= 1
        self._failures[1] += 1

    def got(self, frame: VideoFrame) -> None:
        """The decoder has given a frame."""
        self._open -= 1
        self._last = frame

    def rest(self, path: Path, stream: int) -> tuple[list[VideoFrame], int]:
        """The frames after the last one that was given, and how many damaged packets went unnoticed.

        To be called once the decoder is empty. Nothing where all packets are accounted for, where the stream has no
        timestamps to find the place by, or where ``path`` cannot be opened a second time (a pipe, a deleted file).
        """
        packets = [packet for group in self._groups for packet in group]
        placeless = self._last is not None and self._last.pts is None
        if self._open <= 0 or not packets or placeless or not path.is_file():
            return [], 0
        frames: list[VideoFrame] = []
        failures = 0
        with av.open(f"file:{path}", metadata_errors="replace") as container:
            context = cast("VideoStream", container.streams[stream]).codec_context
            context.thread_type = ThreadType.NONE
            for packet in [*packets, None]:
                try:
                    frames += context.decode(packet)
                except av.error.FFmpegError:
                    failures += 1
        return self._after_last(frames), max(0, failures - sum(self._failures))

    def _after_last(self, frames: list[VideoFrame]) -> list[VideoFrame]:
        if self._last is None:
            return frames
        stamps = [frame.pts for frame in frames]
        return frames[stamps.index(self._last.pts) + 1 :] if self._last.pts in stamps else []
