"""Faces in clips: a few moments of each, one clip in memory at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mien.data.found import LONGEST, square
from mien.data.picture import crop
from mien.errors import DataError, InputError
from mien.video.file import VideoFile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from mien.faces.detect import Detector
    from mien.types import Box, Grey

REACH = 2.0
"""How far around the face of one moment it is looked for in the next: its box grown by this."""


class ClipFaces:
    """The faces at evenly spaced moments of clips.

    A clip is decoded when one of its faces is asked for: once to learn its times, once to take the pictures. The
    crops of the last clip only are kept, so memory is constant, and faces read clip by clip decode each clip once.
    One thread may ask at a time.

    Args:
        detector: finds the faces.
        moments: how many per clip, from its first frame to its last, evenly spaced in time; 2 or more.
    """

    def __init__(self, detector: Detector, moments: int) -> None:
        self._detector = detector
        self._moments = moments
        self._path: Path | None = None
        self._crops: tuple[Grey | None, ...] = ()
        self._failure = ""

    def crop(self, path: Path, moment: int) -> Grey:
        """The face at one moment of the clip ``path``, uint8 (side, side); the caller's own array.

        In a clip with several people the one who is largest at first is followed.

        Raises:
            DataError: the clip cannot be decoded, has fewer frames than moments, or shows no face then.
        """
        if path != self._path:
            self._decode(path)
        if self._failure:
            raise DataError(self._failure)
        found = self._crops[moment]
        if found is None:
            where = "in it" if all(c is None for c in self._crops) else f"at moment {moment + 1} of {self._moments}"
            raise DataError(f"{path}: no face found {where}; remove the clip or film the face from the front")
        return found.copy()

    def _decode(self, path: Path) -> None:
        crops: tuple[Grey | None, ...] = ()
        failure = ""
        try:
            crops = tuple(self._faces(path))
        except DataError as error:
            failure = str(error)
        except InputError as error:  # the source names the file
            failure = str(error)
        self._path, self._crops, self._failure = path, crops, failure

    def _faces(self, path: Path) -> Iterator[Grey | None]:
        with VideoFile(path) as source:
            times = [float(frame.index) if frame.time is None else frame.time for frame in source]
        if len(times) < self._moments:
            raise DataError(f"{path}: has {len(times)} frame(s), {self._moments} are needed; use a longer clip")
        wanted = nearest(times, self._moments)
        known: Box | None = None
        crops: dict[int, Grey | None] = {}
        with VideoFile(path) as source:
            for frame in source:
                if frame.index in wanted:
                    grey = frame.pixels.grey()
                    box = self._face(grey, known)
                    known = box or known
                    crops[frame.index] = None if box is None else crop(grey, square(box))
        return (crops.get(index) for index in wanted)

    def _face(self, grey: Grey, known: Box | None) -> Box | None:
        boxes = [face.box for face in self._detector.search(grey, LONGEST)]
        if known is None:
            return max(boxes, key=lambda box: box.area, default=None)
        followed = max(boxes, key=known.overlap, default=None)
        if followed is None or not known.overlap(followed):
            near = self._detector.near(grey, known, REACH)
            return near.box if near else followed
        return followed


def nearest(times: Sequence[float], moments: int) -> list[int]:
    """Places of the frames nearest to evenly spaced times from the first frame's to the last's, ascending in time.

    Where frames are far apart one may be nearest to two of them.

    Args:
        times: seconds, one per frame.
        moments: 2 or more.
    """
    clock = np.array(times, np.float64)
    return [int(np.abs(clock - time).argmin()) for time in np.linspace(clock.min(), clock.max(), moments)]
