"""Pictures to H.264 with their own timestamps, beside the sound of the file they came from.

* The output's clock is the input's time base and every picture keeps its own timestamp, so variable rates and
  a late start survive exactly (Matroska rounds to milliseconds, and shifts all
  tracks alike where sound starts before zero).
* 4:2:0 colour needs even sizes: an odd width or height is padded by repeating the last column or row.
* No B-frames: decoding order is presentation order, so no timestamp is ever below zero.
"""

from __future__ import annotations

import math
from contextlib import contextmanager, suppress
from fractions import Fraction
from typing import IO, TYPE_CHECKING, cast

import av
import numpy as np
from av.error import FFmpegError
from av.video.reformatter import ColorRange, Colorspace

from mien.errors import OutputError
from mien.output.draft import Draft, Remembering
from mien.output.soundtrack import Soundtrack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mien.types import Rgb

FORMATS = {".mp4": "mp4", ".mov": "mov", ".mkv": "matroska"}
"""Containers by suffix."""

NOMINAL_RATE = Fraction(25)
"""Frames per second for sources that have no clock, such as a folder of images."""

_QUALITY = {"preset": "veryfast", "crf": "20"}
_LARGEST_SCALE = 2**31 - 1  # of an MP4's clock
_BT709 = 1  # ITU-T H.273: primaries, transfer and matrix of HDTV


class Encoder:
    """One video file in the making.

    Args:
        draft: where it goes; its suffix must be one of ``FORMATS``.
        size: (width, height) of the pictures.
        base: seconds per tick of the timestamps.
        first: timestamp of the first picture.
        rate: nominal frames per second.
        sound: a file whose audio track comes along, or ``None``.
        comment: text that the container carries; none where it is empty.

    Raises:
        OutputError: the encoder refuses.
        InputError: ``sound`` cannot be read.
    """

    def __init__(
        self,
        draft: Draft,
        size: tuple[int, int],
        base: Fraction,
        first: int,
        rate: Fraction,
        sound: Path | None,
        *,
        comment: str = "",
    ) -> None:
        self._target = draft.target
        self._base = base
        self._shift = max(0, -first)  # a clock that starts below zero would lose its first pictures
        self._nominal = max(1, round(1 / (rate * base)))
        self._file = Remembering(draft.file)
        suffix = draft.target.suffix.lower()
        self._soundtrack: Soundtrack | None = None
        with self._refusals():
            self._container = av.open(
                cast("IO[bytes]", self._file), "w", format=FORMATS[suffix], options=_clock(suffix, base, sound)
            )
            if comment:
                self._container.metadata["comment"] = comment
            self._stream = self._container.add_stream("libx264", rate=rate, options=_QUALITY)
            self._stream.width, self._stream.height = (side + side % 2 for side in size)
            self._stream.pix_fmt = "yuv420p"
            self._stream.time_base = base
            context = self._stream.codec_context
            context.time_base = base
            context.max_b_frames = 0
            context.color_range = ColorRange.MPEG
            context.sample_aspect_ratio = _aspect(sound, size)
            context.colorspace = context.color_primaries = context.color_trc = _BT709
            if sound is not None:
                self._soundtrack = Soundtrack(sound, self._container, suffix, self._shift * base)

    def write(self, image: Rgb, ticks: int) -> None:
        """Add a picture at timestamp ``ticks``, which must grow from picture to picture.

        Raises:
            OutputError: the disk is full, or the encoder refuses.
        """
        high, wide = image.shape[:2]
        if high % 2 or wide % 2:
            image = np.pad(image, ((0, high % 2), (0, wide % 2), (0, 0)), mode="edge")
        with self._refusals():
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame = frame.reformat(
                format="yuv420p", dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG
            )
            frame.pts = ticks + self._shift
            frame.time_base = self._base
            self._mux(frame)
            if self._soundtrack is not None:
                self._soundtrack.advance(frame.pts * self._base)

    def finish(self) -> None:
        """Write what the encoder still holds, the rest of the sound, and the container's end.

        Raises:
            OutputError: as above.
        """
        with self._refusals():
            self._mux(None)
            if self._soundtrack is not None:
                self._soundtrack.advance(None)
                self._soundtrack.close()
            self._container.close()
            self._file.flush()

    def abandon(self) -> None:
        """Let go of everything; the draft is not this object's to discard."""
        if self._soundtrack is not None:
            self._soundtrack.close()
        with suppress(FFmpegError, OSError, ValueError):
            self._container.close()

    def _mux(self, frame: av.VideoFrame | None) -> None:
        for packet in self._stream.encode(frame):
            packet.duration = self._nominal  # tells how long the last picture stays; MP4 computes the others
            self._container.mux(packet)

    @contextmanager
    def _refusals(self) -> Iterator[None]:
        """The encoder's errors as ours; a failure of the file underneath goes first, as its true cause."""
        try:
            yield
        except FFmpegError as error:
            self._file.check()
            raise OutputError(f"{self._target}: the video cannot be encoded: {error.strerror}") from error
        self._file.check()


def _aspect(source: Path | None, size: tuple[int, int]) -> Fraction:
    """Width of the source's pixels over their height, as they lie in upright pictures of ``size``."""
    with suppress(FFmpegError, OSError):
        if source is not None:
            with av.open(f"file:{source}", metadata_errors="ignore") as container:
                for track in container.streams.video[:1]:
                    stored = track.codec_context
                    shape = track.sample_aspect_ratio or Fraction(1)
                    turned = (stored.width, stored.height) != size and (stored.height, stored.width) == size
                    return 1 / shape if turned else shape
    return Fraction(1)


def _clock(suffix: str, base: Fraction, sound: Path | None) -> dict[str, str]:
    """Muxer options: an MP4 keeps the start of each track in units of a movie clock, which must divide both."""
    if suffix == ".mkv":
        return {}
    scale = base.denominator
    if sound is not None:
        with suppress(FFmpegError, OSError), av.open(f"file:{sound}", metadata_errors="ignore") as container:
            for track in container.streams.audio[:1]:
                scale = math.lcm(scale, track.codec_context.sample_rate or 1)
    return {"movie_timescale": str(scale if scale <= _LARGEST_SCALE else base.denominator)}
