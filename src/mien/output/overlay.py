"""Annotated video: the source's frames with boxes, ids and bars drawn in, and its sound.

Every decoded frame is written with its own timestamp; frames that were not analysed show what was last seen.
Sources without a clock play at ``SourceInfo.rate``, or at 25 frames per second where that is unknown too.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import cv2
import numpy as np

from mien.errors import OutputError, UsageError
from mien.output.annotate import Annotator
from mien.output.draft import Draft
from mien.output.encoder import FORMATS, NOMINAL_RATE, Encoder

if TYPE_CHECKING:
    from pathlib import Path

    from mien.labels import LabelSet
    from mien.output.sink import Sink
    from mien.types import Frame, FrameResult, Rgb, RunRecord, SourceInfo

_CLOCK = Fraction(1, 90000)  # seconds per tick where a source gives times but no time base


@dataclass(frozen=True, slots=True)
class Options:
    """What is written, and from what.

    Attributes:
        path: the video to write; ends in ``.mp4``, ``.mov`` or ``.mkv``.
        labels: the model's labels.
        source: what the source says about itself.
        sound: the source's own file, whose audio track and pixel shape come along; ``None`` where the source
            is no file with sound (a camera, a folder of images).
        points: draw the 68 points of every face that has them.
    """

    path: Path
    labels: LabelSet
    source: SourceInfo
    sound: Path | None = None
    points: bool = False


def build(options: Options) -> Sink:
    """A sink that writes the annotated video.

    Raises:
        UsageError: the suffix is no container this can write.
        OutputError: the file cannot be written.
    """
    if options.path.suffix.lower() not in FORMATS:
        raise UsageError(f"{options.path}: an annotated video's name must end in {', '.join(FORMATS)}")
    return Overlay(options)


class Overlay:
    """An annotated video in the making; a ``Sink``."""

    def __init__(self, options: Options) -> None:
        self._options = options
        self._draft = Draft(options.path)
        self._rate = options.source.rate or NOMINAL_RATE
        self._base = options.source.time_base or _CLOCK
        self._step = max(1, round(1 / (self._rate * self._base)))
        self._size = (0, 0)
        self._ticks: int | None = None
        self._encoder: Encoder | None = None
        self._annotator: Annotator | None = None
        self._drawn_size = (0, 0)

    def write(self, frame: Frame, result: FrameResult | None) -> None:
        """Draw on one frame and encode it.

        Raises:
            OutputError: the disk is full, or the encoder refuses.
        """
        image = frame.pixels.rgb()
        moment = frame.time if frame.time is not None else frame.index / float(self._rate)
        annotator = self._annotator_for(image.shape[1], image.shape[0])
        if result is not None:
            annotator.see(result, moment)
        annotator.draw(image, moment)
        with self._draft.guarded():
            try:
                ticks = self._ticks_of(frame)
                if self._encoder is None:
                    self._size = (image.shape[1], image.shape[0])
                    self._encoder = Encoder(
                        self._draft, self._size, self._base, ticks, self._rate, self._options.sound
                    )
                self._encoder.write(fitted(image, self._size), ticks)
            except BaseException:
                self._let_go()
                raise

    def finish(self, record: RunRecord) -> None:  # noqa: ARG002  a video has no place for it
        """Write the end of the video and publish it.

        Raises:
            OutputError: no frame came, or the disk is full.
        """
        with self._draft.guarded():
            if self._encoder is None:
                raise OutputError(f"{self._draft.target}: no frame came, so there is no video to write")
            try:
                self._encoder.finish()
            except BaseException:
                self._let_go()
                raise
            self._encoder = None
        self._draft.publish()

    def abandon(self) -> None:
        """Remove the unfinished video."""
        self._let_go()
        self._draft.discard()

    def _let_go(self) -> None:
        if self._encoder is not None:
            self._encoder.abandon()
            self._encoder = None

    def _annotator_for(self, width: int, height: int) -> Annotator:
        """The annotator for this size; a stream that changes its size starts a new one."""
        if self._annotator is None or self._drawn_size != (width, height):
            self._annotator = Annotator(self._options.labels, width, height, points=self._options.points)
            self._drawn_size = (width, height)
        return self._annotator

    def _ticks_of(self, frame: Frame) -> int:
        """The frame's timestamp in units of the output's clock; always later than the one before."""
        if frame.pts is not None and self._options.source.time_base is not None:
            ticks = frame.pts
        elif frame.time is not None:
            ticks = round(Fraction(frame.time) / self._base)
        else:
            ticks = round(frame.index / (self._rate * self._base))
        if self._ticks is not None and ticks <= self._ticks:
            ticks = self._ticks + 1  # a player cannot show two pictures at one moment
        self._ticks = ticks
        return ticks


def fitted(image: Rgb, size: tuple[int, int]) -> Rgb:
    """The picture at ``size`` (width, height): scaled to fit, centred on black where the shape differs."""
    high, wide = image.shape[:2]
    if (wide, high) == size:
        return image
    factor = min(size[0] / wide, size[1] / high)
    inner = (max(1, round(wide * factor)), max(1, round(high * factor)))
    method = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    canvas = np.zeros((size[1], size[0], 3), np.uint8)
    x, y = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    canvas[y : y + inner[1], x : x + inner[0]] = cv2.resize(image, inner, interpolation=method)
    return canvas
