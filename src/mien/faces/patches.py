"""Face patches as the models want them (section 3.2 of the 2010 report).

A patch is the detector's box, or a square laid by the eyes, resized to 24x24 and stretched so that its darkest
pixel is 0 and its brightest 1. The report scales to [-1, 1]; its logistic units cannot reproduce negative inputs,
so mien uses [0, 1].
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import cv2
import numpy as np

from mien.faces import align
from mien.faces.shape import placed
from mien.types import Box

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mien.faces.shape import Placement
    from mien.types import Grey

Scaling = Literal["min-max", "local-contrast", "full-range"]
Alignment = Literal["box", "eyes", "points"]

WHITE = np.float32(255)
SURROUNDINGS = 7  # pixels: three tenths of a 24x24 face, about an eye with its brow
FLAT = np.float32(0.03)  # of full brightness: contrast below this is noise and is not blown up
CONTRAST = np.float32(2.5)  # standard deviations that become 0 and 1


@dataclass(frozen=True, slots=True)
class Options:
    """How patches are cut; stored in every model file.

    Attributes:
        size: pixels along each side.
        margin: the box is grown by this factor about its centre first.
        interpolation: ``bilinear`` as in the report; ``area-bilinear`` averages a larger face down to twice the
            size first, so that every pixel of the face counts and noise does not (no aliasing).
        scaling: ``min-max``: per patch, darkest 0, brightest 1, as in the report; ``local-contrast``: how far each
            pixel is brighter or darker than its surroundings, so that light and walls count less (see
            ``scaled``); ``full-range``: as it is, black 0 and white 1, for networks that see to light themselves.
        alignment: ``box``: the upright box, as in the report; ``eyes``: turned, scaled and moved so that the eyes'
            centres lie where the mean shape has them in its box; ``points``: so that eyes, nose and corners of
            the mouth together lie nearest to the mean shape's, which bears a turned head and errors of single
            points better. The last two need the face's points.
    """

    size: int = 24
    margin: float = 1.0
    interpolation: Literal["bilinear", "area-bilinear"] = "area-bilinear"
    scaling: Scaling = "min-max"
    alignment: Alignment = "box"

    def __post_init__(self) -> None:
        if not 4 <= self.size <= 512:
            raise ValueError(f"size must be 4 to 512 pixels, not {self.size}")
        if not 0.5 <= self.margin <= 4:
            raise ValueError(f"margin must be 0.5 to 4, not {self.margin}")


def cut(grey: Grey, box: Box | None, options: Options, points: NDArray[Any] | None = None) -> NDArray[np.float32]:
    """The patch of one face.

    Args:
        grey: uint8 or float32 (height, width); unless the scaling is ``min-max``, black is 0 and white 255.
        box: the face in pixels of ``grey``, or ``None`` where ``grey`` is a crop of just that box. Parts beyond
            the edge repeat the edge's pixels.
        options: how.
        points: the face's 68 points in pixels of ``grey``; unless it is aligned by the box, they say where the
            face is.

    Returns:
        float32 (size, size) in [0, 1]; all zero where the face is of one grey throughout, unless the scaling is
        ``full-range``.

    Raises:
        ValueError: the alignment wants points and there are none, or they do not say where the face is.
    """
    return scaled(resized(grey, box, options, points), options.scaling)


def resized(
    grey: Grey, box: Box | None, options: Options, points: NDArray[Any] | None = None
) -> NDArray[np.float32]:
    """The face of ``cut`` in its own brightness, float32 (size, size), before any scaling of it."""
    if options.alignment != "box":
        return _aligned(grey, options, points)
    if box is None:
        box = Box(0, 0, grey.shape[1], grey.shape[0])
    face = _crop(grey, box.scaled(options.margin))
    size = options.size
    if options.interpolation == "area-bilinear" and min(face.shape) > 2 * size:
        face = cv2.resize(face, (2 * size, 2 * size), interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    return cv2.resize(face, (size, size), interpolation=cv2.INTER_LINEAR).astype(np.float32)


def _aligned(grey: Grey, options: Options, points: NDArray[Any] | None) -> NDArray[np.float32]:
    if points is None:
        raise ValueError(
            "this model wants faces aligned by their points, and there are none: seek landmarks (a recipe with "
            "[follow] name = 'points'), or take a model that is cut by the box"
        )
    return sampled(grey, align.grown(placement(points, options.alignment), options.margin), options)


def placement(points: NDArray[Any], alignment: Alignment) -> Placement:
    """The square that an alignment by points gives a face, before it is grown by the margin.

    Args:
        points: (68, 2) pixels.
        alignment: ``eyes`` or ``points``, see ``Options``.

    Raises:
        ValueError: the points do not say where the face is.
    """
    return align.by_eyes(points) if alignment == "eyes" else placed(points)


def sampled(grey: Grey, square: Placement, options: Options) -> NDArray[np.float32]:
    """A turned square of the picture in its own brightness, float32 (size, size), interpolated as the options say.

    Raises:
        ValueError: the square is not finite, or not of positive size.
    """
    size = options.size
    if options.interpolation == "bilinear" or square.side <= 2 * size:
        return align.cut(grey, square, size, area=False).astype(np.float32)
    face = align.cut(grey, square, 2 * size)
    return cv2.resize(face, (size, size), interpolation=cv2.INTER_AREA).astype(np.float32)


def scaled(brightness: NDArray[np.float32], scaling: Scaling) -> NDArray[np.float32]:
    """Brightness as the models take it.

    ``min-max`` does not see at all how bright the light is. ``local-contrast`` does not see an offset, and sees a
    gain only where the contrast is not well above ``FLAT``; contrasts beyond ``CONTRAST`` are cut off, and what
    is like its surroundings becomes 0.5.

    Args:
        brightness: float32 (height, width); unless the scaling is ``min-max``, black is 0 and white 255.
        scaling: how.

    Returns:
        float32 of the same shape in [0, 1]; all zero where the brightness is one throughout, unless the scaling is
        ``full-range``, which changes nothing but the unit.
    """
    if scaling == "full-range":
        return np.asarray(np.clip(brightness / WHITE, 0, 1), np.float32)
    low, high = float(brightness.min()), float(brightness.max())
    if high <= low:
        return np.zeros_like(brightness)
    if scaling == "local-contrast":
        contrast = np.clip(local_contrast(brightness[None] / WHITE)[0], -CONTRAST, CONTRAST)
        return np.asarray(contrast / (2 * CONTRAST) + np.float32(0.5), np.float32)
    return (brightness - np.float32(low)) / np.float32(high - low)


def local_contrast(images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Every pixel minus the mean of its surroundings, in their standard deviations.

    Args:
        images: float32 (n, height, width), brightness 0 to 1.

    Returns:
        float32 of the same shape, within -7 to 7 and mostly -3 to 3; 0 in an even area. The surroundings are a
        square of ``SURROUNDINGS`` pixels about the pixel, mirrored beyond the edge; ``FLAT`` is added to their
        standard deviation. Pixels of another size want other surroundings; these suit faces of 24.
    """
    found = np.empty_like(images)
    square = (SURROUNDINGS, SURROUNDINGS)
    for image, into in zip(images, found, strict=True):
        mean = cv2.blur(image, square)
        variance = np.maximum(cv2.blur(image * image, square) - mean * mean, 0)
        into[:] = (image - mean) / (np.sqrt(variance) + FLAT)
    return found


def _crop(grey: Grey, box: Box) -> Grey:
    height, width = grey.shape
    left, top = round(box.x), round(box.y)
    right, bottom = max(round(box.x + box.width), left + 1), max(round(box.y + box.height), top + 1)
    rows = slice(min(max(top, 0), height - 1), max(min(bottom, height), 1))
    columns = slice(min(max(left, 0), width - 1), max(min(right, width), 1))
    inside = grey[rows, columns]
    if top >= 0 and left >= 0 and bottom <= height and right <= width:
        return inside
    # Of a box that lies outside altogether one row or column is still inside: the nearest.
    above, before = min(max(-top, 0), bottom - top - 1), min(max(-left, 0), right - left - 1)
    below, after = bottom - top - above - inside.shape[0], right - left - before - inside.shape[1]
    return cv2.copyMakeBorder(inside, above, below, before, after, cv2.BORDER_REPLICATE)  # type: ignore[return-value]
