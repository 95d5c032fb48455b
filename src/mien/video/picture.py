"""A decoded video frame as upright grey or colour pixels, converted only when asked for."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, cast

import av.error
import cv2
import numpy as np
from av.video.reformatter import ColorRange

from mien.errors import InputError
from mien.video.orientation import Orientation

if TYPE_CHECKING:
    from av.sidedata.sidedata import SideData
    from av.video.frame import VideoFrame

    from mien.types import Grey, Rgb

# Studio range, ITU-R BT.601 and BT.709: black is 16 and white is 235 in eight bits.
_BLACK = 16
_GAIN = 255 / (235 - _BLACK)


_UPRIGHT = Orientation()


class Turns:
    """How to turn each frame of one stream, from the display matrix that comes with the frame.

    The matrix is read again only when the frame's rotation changes: PyAV's access to it ties a knot of references
    with the frame, which would keep every frame's pixels in memory until Python next looks for such knots.
    """

    def __init__(self) -> None:
        self._rotation: int | None = None
        self._turn = _UPRIGHT

    def of(self, frame: VideoFrame) -> Orientation:
        """How to turn ``frame``."""
        if frame.rotation != self._rotation:
            self._rotation, self._turn = frame.rotation, _orientation(frame)
        return self._turn


class VideoPicture:
    """The pixels of one decoded frame, turned upright.

    ``grey`` is the luma that the video holds, brought to full range; for eight-bit planar video that is one pass
    over the luma plane, without a colour conversion. ``rgb`` uses the frame's own colour space and range.
    The decoder's frame is kept alive as long as this object is.

    Args:
        frame: the decoder's.
        turn: how to make it upright; see ``Turns``.
    """

    __slots__ = ("_frame", "_grey", "_turn")

    def __init__(self, frame: VideoFrame, turn: Orientation = _UPRIGHT) -> None:
        self._frame = frame
        self._grey: Grey | None = None
        self._turn = turn

    @property
    def width(self) -> int:
        """Pixels across, upright."""
        return self._frame.height if self._turn.transposes else self._frame.width

    @property
    def height(self) -> int:
        """Pixels down, upright."""
        return self._frame.width if self._turn.transposes else self._frame.height

    def grey(self) -> Grey:
        """Luma, uint8 (height, width), full range, read-only; made once and kept.

        Raises:
            InputError: the pixel format cannot be converted.
        """
        if self._grey is None:
            grey = self._turn.apply(_luma(self._frame))
            grey.flags.writeable = False
            self._grey = grey
        return self._grey

    def rgb(self) -> Rgb:
        """Colour, uint8 (height, width, 3), R G B; a fresh array at each call.

        Raises:
            InputError: the pixel format cannot be converted.
        """
        return self._turn.apply(_converted(self._frame, "rgb24"))


def _luma(frame: VideoFrame) -> Grey:
    layout = frame.format
    first = layout.components[0]
    planar = first.is_luma and first.bits == 8 and (layout.is_planar or len(layout.components) == 1)
    if not planar or layout.has_palette:
        return _converted(frame, "gray")
    plane = frame.planes[0]
    stride = plane.line_size
    rows = np.frombuffer(plane, np.uint8).reshape(-1, abs(stride))[: frame.height, : frame.width]  # type: ignore[call-overload]
    if stride < 0:
        rows = rows[::-1]  # the buffer begins at the bottom line
    # The older yuvj names and pure grey mean full range whatever the tag says; untagged YUV means studio range.
    if layout.name.startswith(("yuvj", "gray")) or frame.color_range == ColorRange.JPEG:
        return cast("Grey", rows)
    # addWeighted saturates on both sides (convertScaleAbs folds blacker-than-black back up) and beats cv2.LUT.
    return cast("Grey", cv2.addWeighted(rows, _GAIN, rows, 0.0, -_BLACK * _GAIN))


def _converted(frame: VideoFrame, layout: str) -> Grey:
    try:
        # One thread: swscale would otherwise start a pool of its own for every frame.
        pixels = frame.to_ndarray(format=layout, dst_color_range=ColorRange.JPEG, threads=1)
    except (av.error.FFmpegError, ValueError) as error:
        raise InputError(f"cannot convert pixel format {frame.format.name} to {layout}: {error}") from error
    return cast("Grey", pixels)


def _orientation(frame: VideoFrame) -> Orientation:
    matrix = cast("SideData | None", frame.side_data.get("DISPLAYMATRIX"))
    if matrix is None:
        return Orientation()
    a, b, _, c, d = struct.unpack_from("=5i", bytes(matrix))
    return Orientation.of_matrix(a, b, c, d)
