"""Where a panel finds room beside its face."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mien.types import Box

Side = Literal["right", "left", "below", "above"]
SIDES: tuple[Side, ...] = ("right", "left", "below", "above")


class Area(NamedTuple):
    """A rectangle of whole pixels: left, top, right and bottom, the last two exclusive."""

    x0: int
    y0: int
    x1: int
    y1: int

    @classmethod
    def of(cls, box: Box) -> Area:
        """The pixels of a box."""
        return cls(round(box.x), round(box.y), round(box.x + box.width), round(box.y + box.height))

    def shared(self, other: Area) -> int:
        """Pixels that both cover."""
        wide = min(self.x1, other.x1) - max(self.x0, other.x0)
        high = min(self.y1, other.y1) - max(self.y0, other.y0)
        return max(0, wide) * max(0, high)

    def within(self, width: int, height: int) -> bool:
        """Whether it lies wholly inside a frame of that size."""
        return self.x0 >= 0 and self.y0 >= 0 and self.x1 <= width and self.y1 <= height


def beside(
    face: Area, size: tuple[int, int], frame: tuple[int, int], gap: int, taken: Sequence[Area], first: Side
) -> tuple[Side, Area] | None:
    """The first side of ``face`` on which a panel lies inside the frame and covers nothing that is taken.

    Args:
        face: the face's pixels.
        size: panel's (width, height).
        frame: frame's (width, height).
        gap: pixels between face and panel.
        taken: other faces and panels.
        first: the side to try first; where the panel was before, so that it does not hop about.
    """
    for side in (first, *(s for s in SIDES if s != first)):
        area = _at(side, face, size, frame, gap)
        if area.within(*frame) and not any(area.shared(other) for other in (*taken, face)):
            return side, area
    return None


def corner(size: tuple[int, int], frame: tuple[int, int], gap: int, taken: Iterable[Area]) -> Area | None:
    """The corner of the frame where a panel hides least; ``None`` where the panel is larger than the frame."""
    (wide, high), (width, height) = size, frame
    right, bottom = max(0, width - wide - gap), max(0, height - high - gap)
    left, top = min(gap, right), min(gap, bottom)
    areas = [Area(x, y, x + wide, y + high) for y in (bottom, top) for x in (right, left)]
    everything = list(taken)
    best = min(areas, key=lambda area: sum(map(area.shared, everything)))
    return best if best.within(width, height) else None


def _at(side: Side, face: Area, size: tuple[int, int], frame: tuple[int, int], gap: int) -> Area:
    """The panel on one side of the face, slid along that side into the frame."""
    wide, high = size
    x = max(0, min(face.x0, frame[0] - wide))
    y = max(0, min(face.y0, frame[1] - high))
    if side == "right":
        x = face.x1 + gap
    elif side == "left":
        x = face.x0 - gap - wide
    elif side == "below":
        y = face.y1 + gap
    else:
        y = face.y0 - gap - high
    return Area(x, y, x + wide, y + high)
