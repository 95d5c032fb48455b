"""Draw what was seen onto a picture: boxes, ids, where each head points, and a panel with a bar per expression.

Below the bars stand the strongest action units that are present, where the model has any.

Everything scales with the frame. Light panels with dark text and boxes with a white rim keep every colour
readable, black and grey too, on any ground. A broken box is not sure: grey where a face was lost, in its
expression's colour while the face is tentative. A panel that finds no room is left out; the face's tag always
names its most probable expression, or says by a dash, and why, that none is named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from mien.facs import PRESENT
from mien.labels import ACTION_UNITS
from mien.output.colours import Colour, colours, ink_on
from mien.output.layout import Area, Side, beside, corner
from mien.output.lettering import Lettering
from mien.output.marks import draw_heading, draw_points

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mien.labels import LabelSet
    from mien.types import Box, FrameResult, Observation, Rgb

LOST_FOR = 1.5
"""Seconds for which the place of a lost face stays marked."""
FOUND_FOR = 1.0
"""Seconds for which a face that came back is marked."""

_WHITE: Colour = (255, 255, 255)
_DARK: Colour = (40, 40, 40)
_GREY: Colour = (150, 150, 150)
_TRACK: Colour = (222, 222, 222)
_PANEL_COVER = 0.86  # opacity of panels
_SMALLEST_TEXT = 7  # pixels of a capital letter; below this nobody can read
_LARGEST_PANEL = 0.25  # of the frame: a larger one is left out rather than laid over the face
_UNITS = 4  # action units at most that a panel names
_SMALL_FACE = 0.3  # of a panel's height: such a face gets no panel unless it is the largest


class Annotator:
    """Draws the results of one video; remembers places and moments of the faces in view or awaited, no more.

    Args:
        labels: the model's labels.
        width, height: of the frames, pixels.
        points: draw the 68 points of every face that has them.
    """

    def __init__(self, labels: LabelSet, width: int, height: int, *, points: bool = False) -> None:
        self._labels = labels.expressions
        self._units = [f"{unit} {ACTION_UNITS[unit]}" for unit in labels.action_units]
        self._colours = colours(self._labels)
        self._frame = (width, height)
        self._points = points
        scale = min(height, width * 0.75) / 480
        self._letters = Lettering(max(_SMALLEST_TEXT, round(9 * scale)))
        self._unit = self._letters.height
        self._line = max(1, round(2.4 * scale))
        self._row = round(self._unit * 1.9)
        self._pad = round(self._unit * 0.8)
        self._names = max(self._letters.width(name, bold=True) for name in self._labels)
        self._bar = round(self._unit * 8)
        wide = 4 * self._pad + self._names + self._bar + self._letters.width("100%", bold=True)
        high = 2 * self._pad + self._row * len(self._labels)
        self._panels = [(wide, high)]  # sizes, the preferred one first
        if self._units:  # room for as many units as there may be, so that the panel keeps its size
            named = max(map(self._letters.width, self._units)) + self._letters.width("100%")
            high += self._pad + self._row * min(_UNITS, len(self._units))
            self._panels.insert(0, (max(wide, 3 * self._pad + named), high))
        self._boxes: dict[int, Box] = {}
        self._sides: dict[int, Side] = {}
        self._lost: dict[int, float] = {}
        self._found: dict[int, float] = {}
        self._seen: tuple[Observation, ...] = ()

    def see(self, result: FrameResult, moment: float) -> None:
        """Take in a frame's result at ``moment``, seconds."""
        self._seen = result.faces
        for face in result.faces:
            self._boxes[face.face] = face.box
            self._lost.pop(face.face, None)
            if face.state == "found":
                self._found[face.face] = moment
        for lost in result.lost:
            self._lost.setdefault(lost, moment)
        kept = {face.face for face in result.faces} | set(result.lost)
        for memory in (self._boxes, self._sides, self._lost, self._found):
            for gone in memory.keys() - kept:
                del memory[gone]

    def draw(self, image: Rgb, moment: float) -> None:
        """Draw the last result that was taken in onto ``image``, in place.

        Args:
            image: uint8 (height, width, 3), R G B.
            moment: of this frame, seconds.
        """
        taken: list[Area] = []
        for lost, since in self._lost.items():
            if lost in self._boxes and moment - since <= LOST_FOR:
                self._draw_lost(image, lost, self._boxes[lost])
                taken.append(Area.of(self._boxes[lost]))
        largest_first = sorted(self._seen, key=lambda face: -face.box.area)
        faces = [Area.of(face.box) for face in largest_first]
        for face, area in zip(largest_first, faces, strict=True):
            self._draw_marks(image, face)
            found = moment - self._found.get(face.face, -np.inf) <= FOUND_FOR
            if face.state == "tentative":
                self._draw_broken(image, area, self._colour(face))
            else:
                self._draw_box(image, area, self._colour(face), double=found)
        tags = [self._draw_tag(image, face, Area.of(face.box), moment) for face in largest_first]
        taken += [*faces, *tags]
        for place, face in enumerate(largest_first):
            others = [area for area in taken if area is not faces[place]]
            room = self._room(face, faces[place], others, largest=place == 0)
            if room is not None:
                self._draw_panel(image, face, room)
                taken.append(room)

    def _room(self, face: Observation, box: Area, taken: list[Area], *, largest: bool) -> Area | None:
        """Where this face's panel goes, or ``None`` where it would hide more than it tells."""
        if not largest and face.box.height < _SMALL_FACE * self._panels[-1][1]:
            return None
        first = self._sides.get(face.face, "right")
        for panel in self._panels:
            found = beside(box, panel, self._frame, self._unit, taken, first)
            if found is not None:
                self._sides[face.face] = found[0]
                return found[1]
        for panel in self._panels if largest else ():
            if panel[0] * panel[1] <= _LARGEST_PANEL * self._frame[0] * self._frame[1]:
                room = corner(panel, self._frame, self._pad, [*taken, box])
                if room is not None:
                    return room
        return None

    def _colour(self, face: Observation) -> Colour:
        """The expression's; grey where none is named."""
        return self._colours[face.expression] if face.expression else _GREY

    def _draw_marks(self, image: Rgb, face: Observation) -> None:
        """The points and the line out of the nose, where there are any."""
        if face.landmarks is None:
            return
        colour = self._colour(face)
        if self._points:
            draw_points(image, face.landmarks, face.box.width, colour)
        if face.pose is not None:
            draw_heading(image, face.landmarks, face.pose, face.box.width, colour, max(1, self._line - 1))

    def _draw_box(self, image: Rgb, area: Area, colour: Colour, *, double: bool) -> None:
        start, end = (area.x0, area.y0), (area.x1 - 1, area.y1 - 1)
        cv2.rectangle(image, start, end, _WHITE, self._line + 2)
        cv2.rectangle(image, start, end, colour, self._line)
        if double:
            off = 3 * self._line + 2
            start, end = (area.x0 - off, area.y0 - off), (area.x1 - 1 + off, area.y1 - 1 + off)
            cv2.rectangle(image, start, end, _WHITE, self._line + 2)
            cv2.rectangle(image, start, end, colour, self._line)

    def _draw_tag(self, image: Rgb, face: Observation, area: Area, moment: float) -> Area:
        """Id, expression and probability above the box, or in it where there is no room above."""
        found = moment - self._found.get(face.face, -np.inf) <= FOUND_FOR
        words = f"{face.face}  - ({face.withheld})"
        if face.expression:
            words = f"{face.face}  {face.expression} {_percent(float(max(face.probabilities)))}"
        return self._write_tag(image, words + ("  back" if found else ""), area, self._colour(face))

    def _write_tag(self, image: Rgb, words: str, box: Area, colour: Colour) -> Area:
        wide, high = self._letters.width(words, bold=True) + 2 * self._pad, round(self._unit * 2.2)
        x = max(0, min(box.x0 - self._line, self._frame[0] - wide))
        y = box.y0 - self._line - high
        if y < 0:
            y = max(0, box.y0 + self._line)
        tag = Area(x, y, x + wide, y + high)
        if not tag.within(*self._frame):
            return Area(0, 0, 0, 0)  # a frame too small for words
        cv2.rectangle(image, (tag.x0, tag.y0), (tag.x1 - 1, tag.y1 - 1), colour, -1)
        self._letters.draw(image, words, x + self._pad, y + high // 2, ink_on(colour), bold=True)
        return tag

    def _draw_lost(self, image: Rgb, lost: int, box: Box) -> None:
        area = Area.of(box)
        self._draw_broken(image, area, _GREY)
        self._write_tag(image, f"{lost}  lost", area, _GREY)

    def _draw_broken(self, image: Rgb, area: Area, colour: Colour) -> None:
        dash = max(3, self._unit)
        (x0, y0), (x1, y1) = (max(0, area.x0), max(0, area.y0)), np.minimum(area[2:], self._frame).tolist()
        for ink, width in ((_WHITE, self._line + 2), (colour, self._line)):
            for x in range(x0, x1, 2 * dash):
                for y in (area.y0, area.y1 - 1):
                    cv2.line(image, (x, y), (min(x + dash, area.x1 - 1), y), ink, width)
            for y in range(y0, y1, 2 * dash):
                for x in (area.x0, area.x1 - 1):
                    cv2.line(image, (x, y), (x, min(y + dash, area.y1 - 1)), ink, width)

    def _draw_panel(self, image: Rgb, face: Observation, area: Area) -> None:
        ground = image[area.y0 : area.y1, area.x0 : area.x1]
        ground[:] = (ground * (1 - _PANEL_COVER) + 255 * _PANEL_COVER).astype(np.uint8)
        left = area.x0 + self._pad
        start = left + self._names + self._pad
        bar = self._bar + area.x1 - area.x0 - self._panels[-1][0]
        for place, label in enumerate(self._labels):
            share = float(face.probabilities[place])
            top = label == face.expression
            middle = area.y0 + self._pad + place * self._row + self._row // 2
            half = max(1, round(self._unit * 0.5))
            self._letters.draw(image, label, left, middle, (0, 0, 0) if top else _DARK, bold=top)
            cv2.rectangle(image, (start, middle - half), (start + bar - 1, middle + half), _TRACK, -1)
            reach = round(bar * min(1.0, max(0.0, share)))
            if reach:
                colour = self._colours[label]
                cv2.rectangle(image, (start, middle - half), (start + reach - 1, middle + half), colour, -1)
            words = _percent(share)
            right = area.x1 - self._pad - self._letters.width(words, bold=top)
            self._letters.draw(image, words, right, middle, (0, 0, 0) if top else _DARK, bold=top)
        if face.action_units is not None and self._units and area.y1 - area.y0 == self._panels[0][1]:
            self._draw_units(image, face.action_units, area)

    def _draw_units(self, image: Rgb, units: NDArray[np.float64], area: Area) -> None:
        """The strongest action units that are present, by number: strength changes places too often to be read."""
        strongest = np.argsort(-units, kind="stable")[:_UNITS]
        left, right = area.x0 + self._pad, area.x1 - self._pad
        rule = area.y0 + self._pad + self._row * len(self._labels) + self._pad // 2
        cv2.line(image, (left, rule), (right - 1, rule), _TRACK, 1)
        for place, unit in enumerate(sorted(unit for unit in strongest if units[unit] >= PRESENT)):
            middle = rule + self._pad // 2 + place * self._row + self._row // 2
            self._letters.draw(image, self._units[unit], left, middle, _DARK)
            words = _percent(float(units[unit]))
            self._letters.draw(image, words, right - self._letters.width(words), middle, _DARK)


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"
