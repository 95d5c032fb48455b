"""Which parts of a face drove a model's answer: occlusion maps (Zeiler & Fergus 2014, section 4.2).

A soft-edged window of even grey, the mean of what it covers, slides over the patch. Where covering lowers the
log-odds of an answer, that place spoke for it; where it raises them, against it. This asks the model as a black
box, so it works alike for every model. It shows what the model looked at, not why the face looks as it does; two
places that say the same cover for each other, and neither then seems to matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from mien.faces import align, patches
from mien.faces.shape import Placement, mean_shape
from mien.log_odds import log_odds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from mien.expression import ExpressionModel
    from mien.types import Frame, Observation, Rgb

POSITIONS = 9
"""Places of the window along each side of the patch."""

CORE, RIM = 0.06, 0.19  # radii of the window, sides of the patch: all covered inside, nothing outside
MOST_UNITS = 3
"""Action units that are explained: the strongest."""
LEAST_UNIT = 0.5
"""Probability below which an action unit is not there, and is not explained."""

OUTSIDE = "background"
REGIONS = ("forehead", "brows", "eyes", "nose", "cheeks", "mouth", "chin", OUTSIDE)
"""Parts of a patch by name; the last is what lies beyond the face's outline."""


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What spoke for one answer, and what against it.

    Attributes:
        name: of the expression or action unit.
        probability: that the model gives it for the whole patch.
        covered: the lowest probability that covering one place of the patch leaves; never above ``probability``.
        map: float64 (size, size), drop of the log-odds where the patch is covered: positive speaks for it.
        regions: share of the positive drops by part of the face (``REGIONS``), largest first, sum 1; empty where
            nothing spoke for it.
    """

    name: str
    probability: float
    covered: float
    map: NDArray[np.float64]
    regions: Mapping[str, float]


@dataclass(frozen=True, slots=True, eq=False)
class Explanation:
    """Why a model answers as it does to one patch.

    Attributes:
        expression: evidence for the expression that is explained.
        units: evidence for each action unit that is explained.
        probabilities: float64 (labels,), of this patch alone.
    """

    expression: Evidence
    units: tuple[Evidence, ...]
    probabilities: NDArray[np.float64]


def explain(
    model: ExpressionModel,
    patch: NDArray[np.float32],
    expression: str | None = None,
    units: Sequence[str] | None = None,
) -> Explanation:
    """Which parts of a patch spoke for what the model answers.

    Args:
        model: the model that is asked, once, with ``POSITIONS`` squared + 1 patches.
        patch: float32 (size, size) in [0, 1], as ``ExpressionModel.patches`` gives it.
        expression: the label to explain; by default the most probable one.
        units: the action units to explain; by default the strongest ``MOST_UNITS`` that are there at all, with
            ``LEAST_UNIT`` or more.

    Returns:
        The same for the same patch; all maps are zero for a patch of one grey.

    Raises:
        ValueError: ``expression`` is no label of the model, or one of ``units`` no unit of it.
        ModelError: the model fails.
    """
    windows = _windows(len(patch))
    hidden = covered(patch, windows)
    changed = (hidden != patch).any(axis=(1, 2))
    scores = model.score_patches(np.concatenate([patch[None], hidden]))
    areas = region_map(len(patch), model.cut.margin)

    def evidence(name: str, probabilities: NDArray[np.float64]) -> Evidence:
        odds = log_odds(probabilities)
        drops = np.where(changed, odds[0] - odds[1:], 0.0)  # rounding may differ within a batch
        heat = np.tensordot(drops, windows, 1) / windows.sum(axis=0)
        left = float(np.where(changed, probabilities[1:], probabilities[0]).min())
        whole = float(probabilities[0])
        return Evidence(name, whole, min(left, whole), heat, shares(heat, areas))

    place = int(scores.expressions[0].argmax()) if expression is None else model.labels.index(expression)
    asked = strongest(model.action_units, scores.action_units[0]) if units is None else tuple(units)
    return Explanation(
        expression=evidence(model.labels[place], scores.expressions[:, place]),
        units=tuple(evidence(unit, scores.action_units[:, model.action_units.index(unit)]) for unit in asked),
        probabilities=scores.expressions[0],
    )


def strongest(names: Sequence[str], probabilities: NDArray[np.float64]) -> tuple[str, ...]:
    """The strongest action units, strongest first: at most ``MOST_UNITS``, none below ``LEAST_UNIT``."""
    order = np.argsort(-probabilities, kind="stable")[:MOST_UNITS]
    return tuple(names[unit] for unit in order if probabilities[unit] >= LEAST_UNIT)


def covered(patch: NDArray[np.float32], windows: NDArray[np.float64]) -> NDArray[np.float32]:
    """The patch behind each window, which shows the mean grey of what it covers.

    Args:
        patch: float32 (size, size).
        windows: float64 (n, size, size), how much of each pixel is covered, 0 to 1.

    Returns:
        float32 (n, size, size); the patch itself, bit for bit, where a window covers one grey only.
    """
    mean = np.tensordot(windows, patch.astype(np.float64), 2) / windows.sum(axis=(1, 2))
    blended = patch + (windows * (mean[:, None, None].astype(np.float32) - patch)).astype(np.float32)
    return np.asarray(np.clip(blended, 0, 1), np.float32)  # rounding must not leave the range that models take


def region_map(size: int, margin: float) -> NDArray[np.int64]:
    """Which part of the face each pixel of a patch shows, int64 (size, size), an index into ``REGIONS``.

    The parts are those of the mean shape, of whose points the nearest decides: a patch is aligned to it, or shows
    the box that it is written in.

    Args:
        size: pixels along each side of the patch.
        margin: by which the box was grown for the patch (``patches.Options.margin``).
    """
    place = ((np.arange(size) + 0.5) / size - 0.5) * margin + 0.5
    pixels = np.stack(np.meshgrid(place, place), axis=-1)
    seeds, names = _seeds()
    nearest = np.linalg.norm(pixels[:, :, None] - seeds, axis=-1).argmin(axis=-1)
    found = np.array([REGIONS.index(name) for name in names])[nearest]
    outline = cv2.convexHull(_outline().astype(np.float32))
    inside = [[cv2.pointPolygonTest(outline, (float(x), float(y)), False) >= 0 for x in place] for y in place]
    return np.where(np.array(inside), found, REGIONS.index(OUTSIDE))


def shares(heat: NDArray[np.float64], areas: NDArray[np.int64]) -> dict[str, float]:
    """Each region's share of the positive drops, largest first; empty where there are none."""
    sums = np.bincount(areas.ravel(), np.maximum(heat, 0).ravel(), len(REGIONS))
    total = float(sums.sum())
    if total <= 0:
        return {}
    order = np.argsort(-sums, kind="stable")
    return {REGIONS[part]: float(sums[part]) / total for part in order if sums[part] > 0}


class Explainer:
    """Cuts and explains the faces of a video; what ``mien.output.explained`` asks.

    Args:
        model: the model that was asked about the video.
    """

    def __init__(self, model: ExpressionModel) -> None:
        self._model = model

    def patch(self, frame: Frame, face: Observation) -> NDArray[np.float32]:
        """The patch that the model was shown, float32 (size, size)."""
        points = None if face.landmarks is None else face.landmarks.points
        return np.asarray(self._model.patches([frame.pixels.grey()], [face.box], [points])[0])

    def picture(self, frame: Frame, face: Observation, grown: float, pixels: int) -> Rgb:
        """The same square in colour, grown by a factor about its centre, uint8 (pixels, pixels, 3), R G B."""
        square = align.grown(self._placement(face), self._model.cut.margin * grown)
        channels = np.moveaxis(frame.pixels.rgb(), 2, 0)
        cut = [align.cut(np.ascontiguousarray(channel), square, pixels) for channel in channels]
        return np.stack(cut, axis=2)

    def explain(self, patch: NDArray[np.float32], face: Observation) -> Explanation:
        """Why this was seen: the expression that is given, the most probable one where it is withheld, and the
        action units that are strongest in the observation.
        """
        units = () if face.action_units is None else strongest(self._model.action_units, face.action_units)
        return explain(self._model, patch, face.expression or None, units)

    def _placement(self, face: Observation) -> Placement:
        alignment = self._model.cut.alignment
        if face.landmarks is None or alignment == "box":
            return Placement.of_box(face.box)
        return patches.placement(face.landmarks.points, alignment)


def _windows(size: int) -> NDArray[np.float64]:
    """How much each position of the window covers, float64 (POSITIONS squared, size, size)."""
    pixels, centres = ((np.arange(count) + 0.5) / count for count in (size, POSITIONS))
    apart = (pixels[None] - centres[:, None]) ** 2  # (POSITIONS, size)
    distance = np.sqrt(apart[:, None, :, None] + apart[None, :, None, :]).reshape(-1, size, size)
    fall = np.clip((distance - CORE) / (RIM - CORE), 0, 1)
    return np.asarray((1 + np.cos(np.pi * fall)) / 2)


def _outline() -> NDArray[np.float64]:
    """The face's edge in the box: the jaw, and a forehead as wide as the brows up to the box's upper edge."""
    shape = mean_shape()[:, :2]
    return np.concatenate([shape[:17], [[0.24, 0.0], [0.76, 0.0]]])


def _seeds() -> tuple[NDArray[np.float64], Sequence[str]]:
    """Points of the box, float64 (n, 2), and the name of the part that each belongs to."""
    shape = mean_shape()[:, :2]
    cheek = [[0.21, 0.56], [0.23, 0.68], [0.33, 0.55], [0.32, 0.66]]
    parts: dict[str, Sequence[Sequence[float]] | NDArray[np.float64]] = {
        "forehead": [[x, y] for x in (0.2, 0.35, 0.5, 0.65, 0.8) for y in (0.02, 0.13)],
        "brows": [*shape[17:27], [0.5, 0.3]],
        "eyes": shape[36:48],
        "nose": [*shape[27:36], [0.44, 0.5], [0.56, 0.5], [0.42, 0.58], [0.58, 0.58]],
        "cheeks": [*cheek, *[[1 - x, y] for x, y in cheek]],
        "mouth": [*shape[48:68], [0.32, 0.78], [0.68, 0.78]],
        "chin": [[x, y] for x in (0.4, 0.5, 0.6) for y in (0.93, 1.0)],
    }
    names = [name for name, points in parts.items() for _ in points]
    return np.concatenate([np.asarray(points) for points in parts.values()]), names
