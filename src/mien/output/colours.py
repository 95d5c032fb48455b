"""The colour of each label, as drawn in videos and plots."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mien.labels import COLOURS

if TYPE_CHECKING:
    from collections.abc import Sequence

Colour = tuple[int, int, int]
"""R G B, 0-255."""

_OTHERS = ("#332288", "#117733", "#882255", "#999933", "#661100", "#6699CC", "#AA4466", "#44AA99")
"""For labels outside the house's vocabulary: from Paul Tol's muted palette, dark enough for white ground."""


def colours(labels: Sequence[str]) -> dict[str, Colour]:
    """A colour for every label: the house's own where there is one, else from a second palette in turn."""
    chosen: dict[str, Colour] = {}
    others = 0
    for label in labels:
        if label in COLOURS:
            chosen[label] = parse(COLOURS[label])
        else:
            chosen[label] = parse(_OTHERS[others % len(_OTHERS)])
            others += 1
    return chosen


def parse(text: str) -> Colour:
    """``#RRGGBB`` as three numbers."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def ink_on(colour: Colour) -> Colour:
    """Black or white, whichever is easier to read on ``colour`` (relative luminance, ITU-R BT.709 weights)."""
    red, green, blue = ((c / 255) ** 2.2 for c in colour)
    bright = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return (0, 0, 0) if (bright + 0.05) / 0.05 > 1.05 / (bright + 0.05) else (255, 255, 255)
