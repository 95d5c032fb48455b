"""What is drawn on a face itself: its 68 points, and where the head points."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from mien.output.colours import Colour
    from mien.types import Landmarks, Pose, Rgb

_WHITE: Colour = (255, 255, 255)
_NOSE = 30  # the nose's tip, iBUG
_SHIFT = 4  # binary places of a coordinate: dots move smoothly, not in whole pixels
_FINE = 1 << _SHIFT
_DOT = 0.009  # radius, sides of the face's box
_SMALLEST_DOT, _RIM = 0.8, 1.0  # pixels
_REACH = 0.55  # length of the line of a face in profile, sides of the box


def draw_points(image: Rgb, landmarks: Landmarks, side: float, colour: Colour) -> None:
    """A dot with a white rim on every point, in place; those beyond the frame are left out.

    Args:
        image: uint8 (height, width, 3), R G B.
        landmarks: the face's points.
        side: of the face's box, pixels; dots grow with it.
        colour: of the dots.
    """
    radius = max(_SMALLEST_DOT, _DOT * side)
    # OpenCV's circles are diamonds at this size, so each pixel near a point is asked how much of it is covered.
    reach = np.arange(-math.ceil(radius + _RIM + 1), math.ceil(radius + _RIM + 1) + 1)
    middle = np.rint(landmarks.points)
    x = np.add.outer(middle[:, 0], np.tile(reach, len(reach)))
    y = np.add.outer(middle[:, 1], np.repeat(reach, len(reach)))
    distance = np.hypot(x - landmarks.points[:, :1], y - landmarks.points[:, 1:])
    height, width = image.shape[:2]
    near = (distance < radius + _RIM + 0.5) & (x >= 0) & (y >= 0) & (x < width) & (y < height)
    places, which = np.unique((y[near] * width + x[near]).astype(np.int64), return_inverse=True)
    nearest = np.full(len(places), np.inf)
    np.minimum.at(nearest, which, distance[near])
    rows, columns = np.divmod(places, width)
    ground = image[rows, columns].astype(np.float64)
    for size, ink in ((radius + _RIM, _WHITE), (radius, colour)):
        cover = np.clip(size + 0.5 - nearest, 0, 1)[:, None]
        ground += cover * (np.array(ink) - ground)
    image[rows, columns] = np.rint(ground)


def draw_heading(image: Rgb, landmarks: Landmarks, pose: Pose, side: float, colour: Colour, line: int) -> None:
    """A line out of the nose's tip to where the head points; the longer, the further it is turned. In place.

    Args:
        image: uint8 (height, width, 3), R G B.
        landmarks: the face's points; nothing is drawn where the nose lies beyond the frame.
        pose: the head's.
        side: of the face's box, pixels.
        colour: of the line.
        line: its width, pixels.
    """
    height, width = image.shape[:2]
    x, y = map(float, landmarks.points[_NOSE])
    if not (0 <= x < width and 0 <= y < height):
        return
    dx, dy = ahead(pose)
    start = (round(x * _FINE), round(y * _FINE))
    end = (round((x + _REACH * side * dx) * _FINE), round((y + _REACH * side * dy) * _FINE))
    for extra, ink in ((2, _WHITE), (0, colour)):
        cv2.line(image, start, end, ink, line + extra, cv2.LINE_AA, _SHIFT)
        cv2.circle(image, start, round((line + extra / 2 + 0.5) * _FINE), ink, -1, cv2.LINE_AA, _SHIFT)


def ahead(pose: Pose) -> tuple[float, float]:
    """Where the nose points, as seen in the picture: x to the right and y down, at most 1 long."""
    pitch, yaw, roll = (math.radians(angle) for angle in (pose.pitch, pose.yaw, pose.roll))
    x, y = math.sin(yaw) * math.cos(pitch), -math.sin(pitch)
    return x * math.cos(roll) - y * math.sin(roll), x * math.sin(roll) + y * math.cos(roll)
