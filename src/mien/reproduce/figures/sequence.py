"""Fig. 8: what the model says of every frame of one sequence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from mien.labels import COLOURS
from mien.reproduce.figures import _sheet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from mien.types import Grey

_MARKERS = "osD^vPX*"
_STYLES: tuple[tuple[float, tuple[float, ...]], ...] = (
    (0, ()),
    (0, (5, 1.5)),
    (0, (1.2, 1.2)),
    (0, (6, 1.5, 1.2, 1.5)),
)
_OTHER = _sheet.FAINT  # of a label that is none of the house's


@_sheet.drawn
def draw(
    probabilities: NDArray[np.floating[Any]],
    labels: Sequence[str],
    *,
    truth: str,
    name: str,
    protocol: str,
    frames: Sequence[str] = (),
    faces: Sequence[Grey] = (),
) -> Figure:
    """A line per expression over the frames, named at its end; the true one bold.

    Args:
        probabilities: (frames, labels); as the classifier gave them, whether or not they sum to 1.
        labels: the columns.
        truth: the expression that the data set says the sequence shows.
        name: of the sequence.
        protocol: the line under the title.
        frames: names of the frames on the axis; numbers from 1 if not given.
        faces: one picture per frame above the curves; give drawn faces only, never people's.

    Raises:
        ValueError: shapes do not agree.
    """
    values = np.asarray(probabilities, float)
    count = len(values)
    if values.shape != (count, len(labels)) or count == 0 or len(faces) not in (0, count):
        raise ValueError(f"{len(labels)} labels, probabilities {values.shape} and {len(faces)} faces do not agree")
    strip = 1.15 if len(faces) else 0.0
    height = 4.2 + strip
    figure = _sheet.sheet(height, f"One sequence, frame by frame: {name}, which shows {truth}", protocol)
    right = 0.75 + _sheet.LETTER * max(len(label) for label in labels) * 1.15
    axes = _sheet.place(figure, 0.6, 0.55, right, 0.75 + strip)
    place = np.arange(count)
    ends = _sheet.apart(values[-1].tolist(), 0.062, 0.0, 1.0)
    for k, label in enumerate(labels):
        right_one = label == truth
        axes.plot(
            place, values[:, k], color=COLOURS.get(label, _OTHER), linestyle=_STYLES[k % len(_STYLES)],
            linewidth=3.0 if right_one else 1.4, marker=_MARKERS[k % len(_MARKERS)],
            markersize=7 if right_one else 5, markeredgecolor="white", clip_on=False, zorder=3 if right_one else 2,
        )  # fmt: skip
        axes.annotate(
            f"{_sheet.shown(label)} {values[-1, k]:.2f}", (count - 1, values[-1, k]), (1.03, ends[k]),
            textcoords=("axes fraction", "data"), va="center", weight="bold" if right_one else "normal",
            arrowprops={
                "arrowstyle": "-", "color": COLOURS.get(label, _OTHER), "linewidth": 0.8, "shrinkB": 3,
                "relpos": (0, 0.5),
            },
        )  # fmt: skip
    axes.set_ylim(-0.02, 1.02)
    axes.set_xlim(-0.35 if count > 1 else -1, max(count - 1, 0) + 0.12)
    axes.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", ".25", ".5", ".75", "1"])
    axes.set_xticks(place, [_sheet.shown(text) for text in frames] or [f"frame {k + 1}" for k in place])
    axes.set_ylabel("probability")
    _sheet.dress(axes)
    box, (low, high) = axes.get_position(), axes.get_xlim()
    for k, face in enumerate(faces):
        middle = box.x0 + box.width * (k - low) / (high - low)
        side = min(1.0, 0.9 * box.width * _sheet.WIDTH / max(high - low, 1))
        corner = (middle - side / 2 / _sheet.WIDTH, box.y1 + 0.12 / height)
        picture = figure.add_axes((*corner, side / _sheet.WIDTH, side / height))
        picture.imshow(face, cmap="gray", vmin=0, vmax=255, interpolation="none")
        picture.set_axis_off()
    return figure
