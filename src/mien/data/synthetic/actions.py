"""What action units do to the 68 points (after the Facial Action Coding System, Ekman & Friesen 1978)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np

from mien.data.synthetic.anatomy import LEFT_EYE, MEAN_FACE, MIRROR, RIGHT_EYE, outward
from mien.labels import ACTION_UNITS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

Side = Literal["both", "left", "right"]

ONE_SIDED = ("AU12", "AU14")
"""The units that may act on one side only."""


@dataclass(frozen=True, slots=True)
class Movement:
    """What a face does at one moment.

    Attributes:
        intensity: strength per action unit, 0 to 1; a unit that is not named is 0.
        side: where the units of ``ONE_SIDED`` act, left and right of the picture; all others act on both sides.
    """

    intensity: Mapping[str, float] = field(default_factory=dict)
    side: Side = "both"

    def __post_init__(self) -> None:
        unknown = sorted(set(self.intensity) - set(ACTION_UNITS))
        if unknown:
            raise ValueError(f"unknown action units: {', '.join(unknown)}")
        wrong = sorted(unit for unit, strength in self.intensity.items() if not 0 <= strength <= 1)
        if wrong:
            raise ValueError(f"intensities must be 0 to 1: {', '.join(wrong)}")

    def __getitem__(self, unit: str) -> float:
        """Strength of ``unit``."""
        return self.intensity.get(unit, 0.0)

    def on(self, unit: str, side: Side) -> float:
        """Strength of ``unit`` on one side of the picture."""
        if unit in ONE_SIDED and "both" not in (self.side, side) and side != self.side:
            return 0.0
        return self[unit]

    def scaled(self, factor: float) -> Movement:
        """The same movement, every unit ``factor`` (0 to 1) times as strong."""
        return Movement({unit: strength * factor for unit, strength in self.intensity.items()}, self.side)


def _span(indices: tuple[int, ...], out: float, down: float) -> dict[int, tuple[float, float]]:
    return dict.fromkeys(indices, (out, down))


_UPPER_LID, _LOWER_LID = (37, 38), (40, 41)

# (outward, down) at full strength, in box widths, for the left half of the picture and the midline.
_EFFECTS: dict[str, dict[int, tuple[float, float]]] = {
    "AU01": {21: (0, -0.058), 20: (0, -0.047), 19: (0, -0.018), 18: (0, -0.004), 38: (0, -0.003)},
    "AU02": {17: (0, -0.040), 18: (0, -0.055), 19: (0, -0.043), 20: (0, -0.012), 37: (0, -0.003)},
    "AU04": {
        21: (-0.020, 0.036), 20: (-0.018, 0.031), 19: (-0.012, 0.019), 18: (-0.006, 0.009), 17: (0, 0.003),
        **_span(_UPPER_LID, 0, 0.005),
    },
    "AU05": {37: (0, -0.024), 38: (0, -0.024), 40: (0, 0.005), 41: (0, 0.005)},
    "AU06": {17: (0, 0.006), 18: (0, 0.004), 37: (0, 0.004), **_span(_LOWER_LID, 0, -0.013), 36: (-0.004, 0)},
    "AU07": {**_span(_UPPER_LID, 0, 0.007), **_span(_LOWER_LID, 0, -0.011)},
    "AU09": {
        21: (-0.012, 0.026), 20: (-0.008, 0.020), 19: (0, 0.009), 31: (0.010, -0.024), 32: (0.003, -0.016),
        33: (0, -0.010), 30: (0, -0.010), 29: (0, -0.006), **_span(_UPPER_LID, 0, 0.007),
        **_span(_LOWER_LID, 0, -0.009), 48: (0, -0.006), 49: (0, -0.022), 50: (0, -0.028), 51: (0, -0.022),
        61: (0, -0.010), 62: (0, -0.009), 66: (0, -0.009), 67: (0, -0.010),
    },
    "AU10": {
        49: (0, -0.024), 50: (0, -0.034), 51: (0, -0.028), 48: (0.004, -0.004), 61: (0, -0.020), 62: (0, -0.018),
        67: (0, -0.006), 66: (0, -0.005), 31: (0.006, -0.010), 32: (0, -0.006),
    },
    "AU11": {49: (0, -0.010), 50: (0, -0.013), 51: (0, -0.008), 31: (0.005, -0.005)},
    "AU12": {
        48: (0.055, -0.056), 60: (0.053, -0.053), 49: (0.034, -0.028), 59: (0.038, -0.022), 50: (0.014, -0.004),
        58: (0.014, 0.002), 61: (0.018, -0.008), 67: (0.018, -0.004), 57: (0, 0.004), 51: (0, 0.004),
        3: (0.008, -0.004), 4: (0.010, -0.006),
    },
    "AU14": {
        48: (0.040, -0.032), 60: (0.036, -0.030), 49: (0.022, -0.012), 59: (0.022, -0.022), 50: (0.006, -0.002),
        58: (0.006, -0.004), 61: (0.010, -0.004), 67: (0.010, -0.005),
    },
    "AU15": {
        48: (0.002, 0.046), 60: (0.002, 0.042), 49: (0, 0.018), 59: (0, 0.022), 50: (0, 0.002), 61: (0, 0.008),
        67: (0, 0.008),
    },
    "AU16": {58: (0.008, 0.026), 57: (0, 0.026), 59: (0.006, 0.014), 66: (0, 0.016), 67: (0, 0.016)},
    "AU17": {
        57: (0, -0.016), 58: (0, -0.018), 59: (0, -0.006), 66: (0, -0.015), 67: (0, -0.013), 62: (0, -0.015),
        61: (0, -0.013), 51: (0, -0.011), 50: (0, -0.009), 48: (0, 0.009), 60: (0, 0.008), 8: (0, -0.020),
        7: (0, -0.016), 6: (0, -0.005),
    },
    "AU18": {
        48: (-0.055, 0), 60: (-0.052, 0), 49: (-0.034, -0.006), 59: (-0.034, 0.007), 50: (-0.012, -0.010),
        58: (-0.014, 0.011), 51: (0, -0.006), 57: (0, 0.012), 61: (-0.018, 0), 67: (-0.018, 0),
    },
    "AU20": {
        48: (0.058, 0.014), 60: (0.056, 0.013), 49: (0.036, 0.008), 59: (0.040, 0.006), 50: (0.014, 0.003),
        58: (0.016, -0.004), 61: (0.022, 0.002), 67: (0.022, 0.002), 57: (0, -0.004), 4: (0.008, 0), 5: (0.008, 0),
    },
    "AU21": {4: (0.006, 0.004), 5: (0.008, 0.006), 6: (0.006, 0.004), 48: (0.006, 0.006), 60: (0.006, 0.006)},
    "AU22": {
        48: (-0.040, 0), 60: (-0.040, 0), 49: (-0.024, -0.014), 59: (-0.024, 0.016), 50: (-0.008, -0.020),
        58: (-0.008, 0.026), 51: (0, -0.018), 57: (0, 0.028), 61: (-0.014, -0.008), 62: (0, -0.010),
        67: (-0.014, 0.012), 66: (0, 0.014),
    },
    "AU23": {48: (-0.014, 0), 60: (-0.014, 0), 49: (-0.008, 0), 59: (-0.008, 0)},
    "AU24": {48: (-0.008, 0.004), 60: (-0.008, 0.004), 57: (0, -0.004), 8: (0, -0.005)},
    "AU25": {
        61: (0, -0.016), 62: (0, -0.016), 67: (0, 0.032), 66: (0, 0.035), 50: (0, -0.010), 51: (0, -0.010),
        49: (0, -0.006), 58: (0, 0.029), 57: (0, 0.031), 59: (0, 0.015),
    },
    "AU26": {
        66: (0, 0.052), 67: (0, 0.048), 57: (0, 0.055), 58: (0, 0.052), 59: (0, 0.032), 48: (-0.006, 0.014),
        60: (-0.006, 0.014), 8: (0, 0.052), 7: (0, 0.050), 6: (0, 0.042), 5: (0, 0.026), 4: (0, 0.010),
    },
    "AU27": {
        66: (0, 0.130), 67: (-0.004, 0.122), 57: (0, 0.134), 58: (-0.004, 0.128), 59: (-0.016, 0.086),
        48: (-0.034, 0.042), 60: (-0.032, 0.042), 49: (-0.020, 0.006), 50: (-0.008, -0.012), 51: (0, -0.012),
        61: (-0.004, -0.018), 62: (0, -0.018), 8: (0, 0.125), 7: (0, 0.120), 6: (0, 0.104), 5: (0.004, 0.070),
        4: (0.004, 0.028), 3: (0, 0.008),
    },
}  # fmt: skip

_THINNING = {"AU23": 0.42, "AU24": 0.38, "AU12": 0.12, "AU20": 0.25, "AU14": 0.12}
"""Which part of the lips' thickness a unit takes away at full strength."""

_LIP_PAIRS = tuple(zip((*range(49, 54), *range(55, 60)), (*range(60, 65), *range(64, 68), 60), strict=True))
"""Every point of the outer lips with the inner one opposite; not the corners."""

_MIN_OPENING = 0.004  # of an eye, box widths: none of the 23 units closes it


def _fields() -> dict[str, NDArray[np.float64]]:
    """Both halves of every effect: float64 (68, 2) of (outward, down) at full strength."""
    both = {}
    for unit, half in _EFFECTS.items():
        moved = np.zeros((68, 2))
        for index, shift in half.items():
            moved[index] = moved[MIRROR[index]] = shift
        moved.flags.writeable = False
        both[unit] = moved
    return both


_FIELDS = _fields()
_OUTWARD = outward(MEAN_FACE)


def move(points: NDArray[np.float64], movement: Movement) -> NDArray[np.float64]:
    """The points of a face that does ``movement``.

    Args:
        points: float64 (68, 2) at rest, face coordinates.
        movement: what the face does.

    Returns:
        float64 (68, 2) in face coordinates; a new array.
    """
    shift = np.zeros((68, 2))
    for unit in movement.intensity:
        left, right = movement.on(unit, "left"), movement.on(unit, "right")
        strength = np.where(_OUTWARD < 0, left, np.where(_OUTWARD > 0, right, (left + right) / 2))
        shift += _FIELDS[unit] * strength[:, None]
    moved = points + shift * np.stack([_OUTWARD, np.ones(68)], axis=1)
    _thin_lips(moved, movement)
    _keep_apart(moved)
    return moved


def _thin_lips(points: NDArray[np.float64], movement: Movement) -> None:
    kept = 1.0
    for unit, share in _THINNING.items():
        kept *= 1 - share * movement[unit]
    for outer, inner in _LIP_PAIRS:
        points[outer, 1] = points[inner, 1] + (points[outer, 1] - points[inner, 1]) * kept


def _keep_apart(points: NDArray[np.float64]) -> None:
    """Lids and lips touch at most; where they would cross, they meet half way."""
    for first in (LEFT_EYE.start, RIGHT_EYE.start):
        for upper, lower in ((1, 5), (2, 4)):
            _apart(points, first + upper, first + lower, _MIN_OPENING)
    for upper, lower in ((61, 67), (62, 66), (63, 65)):
        _apart(points, upper, lower, 0.0)


def _apart(points: NDArray[np.float64], upper: int, lower: int, gap: float) -> None:
    if points[lower, 1] - points[upper, 1] < gap:
        middle = (points[lower, 1] + points[upper, 1]) / 2
        points[upper, 1], points[lower, 1] = middle - gap / 2, middle + gap / 2
