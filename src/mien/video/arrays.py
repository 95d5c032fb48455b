"""Frames from numpy arrays."""

from __future__ import annotations

import itertools
from collections.abc import Sized
from typing import TYPE_CHECKING, Any, Self, cast

import cv2
import numpy as np

from mien.errors import InputError
from mien.types import Frame, SourceInfo

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from mien.types import Grey, Rgb


class ArrayPixels:
    """A picture that is an array already.

    Args:
        pixels: uint8 (height, width) grey or (height, width, 3) R G B, C-contiguous; held, not copied.
    """

    __slots__ = ("_grey", "_pixels")

    def __init__(self, pixels: NDArray[np.uint8]) -> None:
        self._pixels = pixels
        self._grey: Grey | None = None

    @property
    def width(self) -> int:
        """Pixels across."""
        return int(self._pixels.shape[1])

    @property
    def height(self) -> int:
        """Pixels down."""
        return int(self._pixels.shape[0])

    def grey(self) -> Grey:
        """Luma (ITU-R BT.601 weights), uint8 (height, width), read-only; made once and kept."""
        if self._grey is None:
            if self._pixels.ndim == 2:
                self._grey = self._pixels.view()
            else:
                self._grey = cast("Grey", cv2.cvtColor(self._pixels, cv2.COLOR_RGB2GRAY))
            self._grey.flags.writeable = False
        return self._grey

    def rgb(self) -> Rgb:
        """Colour, uint8 (height, width, 3); a fresh array at each call."""
        if self._pixels.ndim == 2:
            return np.repeat(self._pixels[:, :, None], 3, axis=2)
        return self._pixels.copy()


class ArraySource:
    """Arrays as a source.

    Args:
        arrays: one array per frame, as for ``frame_from_array``, or one array (frames, height, width[, 3]). They
            are taken one by one, so a generator of any length will do.
        times: seconds of each frame; without them the frames have no time.
        name: what to call the source in results and errors.
    """

    def __init__(
        self, arrays: Iterable[NDArray[Any]], times: Iterable[float] | None = None, name: str = "arrays"
    ) -> None:
        self._arrays = enumerate(arrays)
        self._times = iter(times) if times is not None else itertools.repeat(None)
        count = len(arrays) if isinstance(arrays, Sized) else None
        shape = _shape(arrays)
        self._info = SourceInfo(name, "arrays", width=shape[1], height=shape[0], frames=count)

    @property
    def info(self) -> SourceInfo:
        """Size of the first frame and number of frames, as far as known without reading."""
        return self._info

    @property
    def decode_errors(self) -> int:
        """Always 0: a wrong array is an error."""
        return 0

    def __iter__(self) -> Iterator[Frame]:
        """One frame per array.

        Raises:
            InputError: an array is not a picture, or ``times`` ends too early.
        """
        while (item := next(self._arrays, None)) is not None:
            index, array = item
            try:
                time = next(self._times)
            except StopIteration:
                raise InputError(f"{self._info.name}: frame {index} has no time; give one time per frame") from None
            yield frame_from_array(array, index, time, self._info.name)

    def close(self) -> None:
        """Let go of the arrays; safe to call twice."""
        self._arrays = enumerate(())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


def frame_from_array(array: NDArray[Any], index: int = 0, time: float | None = None, name: str = "arrays") -> Frame:
    """A frame from one array.

    Args:
        array: (height, width) grey or (height, width, 3) R G B; uint8, or floating point in [0, 1].
        index: place in the sequence, for the frame and for errors.
        time: seconds, if known.
        name: what to call the source in errors.

    Raises:
        InputError: not an array, wrong shape or dtype, empty, NaN, infinite or out of range; says which and where.
    """
    where = f"{name}: frame {index}"
    if not isinstance(array, np.ndarray):
        raise InputError(f"{where} is a {type(array).__name__}, not a numpy array")
    if array.ndim not in (2, 3) or (array.ndim == 3 and array.shape[2] != 3) or array.size == 0:
        raise InputError(f"{where} has shape {array.shape}; it must be (height, width) or (height, width, 3)")
    if np.issubdtype(array.dtype, np.floating):
        pixels = _from_unit(array, where)
    elif array.dtype == np.uint8:
        pixels = np.array(array, order="C")  # a copy: the caller may use the same buffer for the next frame
    else:
        raise InputError(f"{where} has dtype {array.dtype}; it must be uint8, or floating point in [0, 1]")
    return Frame(index, time, ArrayPixels(pixels))


def _from_unit(array: NDArray[Any], where: str) -> NDArray[np.uint8]:
    if not np.isfinite(array).all():
        raise InputError(f"{where} holds NaN or infinite values; mend or leave out the frame")
    low, high = float(array.min()), float(array.max())
    if low < 0 or high > 1:
        raise InputError(f"{where} reaches from {low:g} to {high:g}; floating point pixels must be in [0, 1]")
    return np.rint(array.astype(np.float64) * 255).astype(np.uint8, order="C")


def _shape(arrays: object) -> tuple[int | None, int | None]:
    first = arrays[0] if isinstance(arrays, (list, tuple, np.ndarray)) and len(arrays) else None
    if isinstance(first, np.ndarray) and first.ndim >= 2:
        return first.shape[0], first.shape[1]
    return None, None
