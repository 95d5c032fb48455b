"""The paper that all figures are drawn on: one size of letters, one set of colours, the same bytes every time."""

from __future__ import annotations

import io
from functools import wraps
from typing import TYPE_CHECKING, Any, NamedTuple, ParamSpec

import matplotlib as mpl
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont, get_font

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matplotlib.axes import Axes

P = ParamSpec("P")

INK, FAINT, GRID = "#1b1b1b", "#606060", "#e4e4e4"
BLUE, VERMILLION, GREEN, ORANGE, PURPLE, SKY = "#0072B2", "#D55E00", "#009E73", "#E69F00", "#CC79A7", "#56B4E9"
"""Okabe & Ito (2008); their yellow is too faint on white."""
WIDTH = 9.2
"""Inches: the width of a report's column, so that 9 points on the sheet are 9 points on the page."""
TEXT, SMALL = 9.5, 9.0
"""Points."""
LETTER = 0.082
"""Inches: how wide a letter of ``TEXT`` is, on the safe side."""

_SETTINGS: dict[Any, object] = {
    "svg.hashsalt": "mien",  # else element names are drawn at random
    "svg.fonttype": "none",  # text stays text: it can be searched, selected and read aloud
    "text.parse_math": False,  # a dollar in somebody's file name is a dollar
    "font.size": TEXT,
    "axes.edgecolor": "#bbbbbb",
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "axes.axisbelow": True,
    "hatch.linewidth": 0.8,
}


class Look(NamedTuple):
    """How one input is drawn: never by colour alone."""

    colour: str
    marker: str
    hatch: str


LOOKS = (
    Look(BLUE, "o", ""),
    Look(VERMILLION, "s", "///"),
    Look(GREEN, "^", "\\\\\\"),
    Look(PURPLE, "D", "xxx"),
    Look(ORANGE, "v", "---"),
    Look(SKY, "P", "|||"),
)


def drawn(draw: Callable[P, Figure]) -> Callable[P, bytes]:
    """Turn a function that draws a figure into one that returns it as SVG.

    Whatever matplotlib settings the user has are set aside while it draws, and back in force afterwards.
    """

    @wraps(draw)
    def svg(*args: P.args, **kwargs: P.kwargs) -> bytes:
        with mpl.rc_context():
            mpl.rcdefaults()
            mpl.rcParams.update(_SETTINGS)
            figure = draw(*args, **kwargs)
            stream = io.BytesIO()
            figure.savefig(stream, format="svg", metadata={"Date": None, "Creator": None})
        return stream.getvalue()

    return svg


def sheet(height: float, title: str, protocol: str, width: float = WIDTH) -> Figure:
    """An empty figure under its title and one line on what it was measured on.

    Args:
        height: inches, title and all; leave the uppermost 0.65 to the title.
        title: what is to be seen.
        protocol: where the numbers come from.
        width: inches.
    """
    figure = Figure(figsize=(width, height), facecolor="white")
    FigureCanvasSVG(figure)
    figure.text(0.1 / width, 1 - 0.1 / height, shown(title), fontsize=11, weight="bold", va="top")
    figure.text(0.1 / width, 1 - 0.35 / height, shown(protocol), fontsize=SMALL, color=FAINT, va="top")
    return figure


def place(figure: Figure, left: float, bottom: float, right: float, top: float) -> Axes:
    """Axes by their distances in inches: left and bottom edge from the sheet's, right and top edge likewise."""
    width, height = figure.get_size_inches()
    return figure.add_axes(
        (left / width, bottom / height, (width - left - right) / width, (height - bottom - top) / height)
    )


def dress(axes: Axes, grid: str = "y", keep: Sequence[str] = ("bottom",)) -> None:
    """Take away what says nothing: three of the frame's four sides, and the grid across the other axis."""
    for side, spine in axes.spines.items():
        spine.set_visible(side in keep)
    if grid in ("x", "both"):
        axes.grid(axis="x", color=GRID, linewidth=0.8)
    if grid in ("y", "both"):
        axes.grid(axis="y", color=GRID, linewidth=0.8)
    axes.tick_params(length=0, labelsize=SMALL)


def shown(text: str) -> str:
    """``text`` with a box for every letter that the font lacks, of which matplotlib would warn."""
    known = get_font(findfont(FontProperties(family="DejaVu Sans", weight="bold"))).get_charmap()
    return "".join(letter if ord(letter) in known else "\u25a1" for letter in text)


def apart(wanted: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """Places for labels on one line, near where they are wanted and at least ``gap`` from each other.

    Args:
        wanted: where each label would like to be.
        gap: least distance between two.
        low: no label lies below, unless there is no room.
        high: no label lies above.
    """
    order = sorted(range(len(wanted)), key=lambda i: (wanted[i], i))
    found = [0.0] * len(wanted)
    runs: list[list[int]] = []  # labels that touch; each run is centred on what its labels want
    for i in order:
        runs.append([i])
        while len(runs) > 1 and _start(runs[-1], wanted, gap, low, high) < _end(runs[-2], wanted, gap, low, high):
            runs[-2:] = [runs[-2] + runs[-1]]
    for run in runs:
        start = _start(run, wanted, gap, low, high)
        for k, i in enumerate(run):
            found[i] = start + k * gap
    return found


def _start(run: Sequence[int], wanted: Sequence[float], gap: float, low: float, high: float) -> float:
    length = (len(run) - 1) * gap
    middle = sum(wanted[i] for i in run) / len(run)
    return max(low, min(middle - length / 2, high - length))


def _end(run: Sequence[int], wanted: Sequence[float], gap: float, low: float, high: float) -> float:
    return _start(run, wanted, gap, low, high) + len(run) * gap - 1e-9
