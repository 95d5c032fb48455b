"""Eyes, brows, nose, mouth and the lines of a moving face, painted in face coordinates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mien.data.synthetic.anatomy import INNER_LIPS, LEFT_BROW, LEFT_EYE, OUTER_LIPS, RIGHT_BROW, RIGHT_EYE
from mien.data.synthetic.canvas import Canvas, Colour, curve, ellipse

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mien.data.synthetic.actions import Movement, Side
    from mien.data.synthetic.people import Person

    Points = NDArray[np.float64]

SKIN_TINT: Colour = (1.19, 0.95, 0.76)  # luma 1
LIP_TINT: Colour = (1.45, 0.83, 0.69)
HAIR_TINT: Colour = (1.22, 0.93, 0.78)


def tinted(grey: float, tint: Colour) -> Colour:
    """A colour of that luma."""
    return grey * tint[0], grey * tint[1], grey * tint[2]


def eyes(canvas: Canvas, points: Points, person: Person, movement: Movement) -> None:
    """Both eyes with lids."""
    skin, dark = person.skin, tinted(0.05, SKIN_TINT)
    for span, side in ((LEFT_EYE, -1), (RIGHT_EYE, 1)):
        eye = points[span]
        outline = curve(eye, closed=True, steps=5)
        outer, inner = (eye[0], eye[3]) if side < 0 else (eye[3], eye[0])
        x, y = (outer + inner) / 2
        y -= 0.004
        canvas.fill(outline, tinted(0.35 + 0.5 * skin, (1.0, 1.0, 1.0)))
        radius = 0.032 * person.eye_width
        canvas.fill(ellipse(x, y, radius, radius), tinted(person.iris, (0.9, 1.0, 1.1)), within=outline)
        canvas.fill(ellipse(x, y, radius * 0.45, radius * 0.45, 12), (0.02, 0.02, 0.02), within=outline)
        upper, lower = curve(eye[:4], closed=False), curve(eye[[3, 4, 5, 0]], closed=False)
        canvas.stroke(upper + np.array([0, 0.005]), 0.012, (0.03, 0.03, 0.03), 0.35, soft=0.004)  # the lid's shadow
        canvas.stroke(upper, 0.011, dark, 0.95)
        canvas.stroke(lower, 0.006, tinted(0.3 * skin, SKIN_TINT), 0.6)
        canvas.fill(ellipse(x + 0.008, y - 0.008, 0.006, 0.006, 8), (0.95, 0.95, 0.95), within=outline)
        if movement["AU05"] < 0.9:
            fold = upper - np.array([0, 0.018])
            canvas.stroke(fold, 0.006, tinted(0.45 * skin, SKIN_TINT), 0.6 * (1 - movement["AU05"]), soft=0.003)


def brows(canvas: Canvas, points: Points, person: Person) -> None:
    """Both brows; thick at the inner end."""
    for span, inner_last in ((LEFT_BROW, True), (RIGHT_BROW, False)):
        line = curve(points[span], closed=False, steps=4)
        share = np.linspace(0, 1, len(line))
        share = share if inner_last else 1 - share
        thick = (0.006 + 0.012 * np.sqrt(share)) * person.brow_thickness
        outline = np.concatenate(
            [line - np.stack([0 * thick, thick], 1), (line + np.stack([0 * thick, thick], 1))[::-1]]
        )
        grey = min(person.hair, 0.5 * person.skin)
        canvas.fill(outline, tinted(0.8 * grey, HAIR_TINT), 0.92, soft=0.003)


def nose(canvas: Canvas, points: Points, person: Person, movement: Movement) -> None:
    """Nostrils, wings and wrinkles."""
    shadow = tinted(0.35 * person.skin, SKIN_TINT)
    for wing, hole, side in ((31, 32, -1), (35, 34, 1)):
        (wx, wy), (hx, hy) = points[wing], points[hole]
        canvas.fill(
            ellipse(hx + side * 0.006, hy - 0.009, 0.016 * person.nose_width, 0.0075),
            (0.04, 0.03, 0.03),
            0.8,
            soft=0.002,
        )
        arc = [(wx + side * 0.002, wy - 0.038), (wx + side * 0.013, wy - 0.018), (wx + side * 0.004, wy + 0.004)]
        canvas.stroke(curve(arc, closed=False), 0.008, shadow, 0.6, soft=0.003)
    wrinkled = movement["AU09"] * person.lines
    if wrinkled:
        y = points[28, 1]
        for k in range(3):
            line = [(-0.045, y - 0.030 + 0.026 * k), (0, y - 0.020 + 0.026 * k), (0.045, y - 0.030 + 0.026 * k)]
            canvas.stroke(curve(line, closed=False), 0.008, shadow, min(0.7 * wrinkled, 1), soft=0.003)
        for side in (-1, 1):
            line = [(side * 0.05, y - 0.03), (side * 0.075, y + 0.04), (side * 0.09, y + 0.09)]
            canvas.stroke(curve(line, closed=False), 0.014, shadow, min(0.32 * wrinkled, 1), soft=0.009)


def mouth(canvas: Canvas, points: Points, person: Person, movement: Movement) -> None:
    """Lips, and teeth and the dark behind them where they part."""
    outer = curve(points[OUTER_LIPS], closed=True, steps=4)
    inner = points[INNER_LIPS]
    lip = person.lips * person.skin
    canvas.fill(outer, tinted(lip, LIP_TINT), 0.95, soft=0.003)
    lower = np.concatenate([points[54:60], points[48:49], inner[[7, 6, 5]]])
    canvas.fill(curve(lower, closed=True, steps=3), tinted(min(lip * 1.18, 1), LIP_TINT), 0.6, soft=0.006)
    gap = float((inner[5:8, 1] - inner[1:4, 1][::-1]).max())
    opening = curve(inner, closed=True, steps=4)
    if gap > 0.003:
        canvas.fill(opening, (0.07, 0.03, 0.03), min(gap / 0.012, 1.0))
        _teeth(canvas, inner, opening, gap, movement)
        canvas.stroke(opening, 0.009, (0.05, 0.03, 0.03), min(gap / 0.012, 1.0) * 0.8, soft=0.002, closed=True)
    pressed = max(movement["AU24"], movement["AU23"])
    line = (inner[0:5] + inner[[0, 7, 6, 5, 4]]) / 2
    if gap < 0.016:
        canvas.stroke(curve(line, closed=False), 0.010 + 0.004 * pressed, (0.05, 0.03, 0.03), 0.9, soft=0.002)
    for corner, side in ((48, -1), (54, 1)):
        x, y = points[corner]
        canvas.fill(ellipse(x, y, 0.012, 0.010, 12), (0.05, 0.03, 0.03), 0.45, soft=0.006)
        dimple = movement.on("AU14", "left" if side < 0 else "right")
        if dimple:
            pit = [(x + side * 0.022, y - 0.030), (x + side * 0.032, y), (x + side * 0.022, y + 0.026)]
            canvas.stroke(curve(pit, closed=False), 0.014, (0.05, 0.03, 0.03), 0.75 * dimple, soft=0.006)
    if movement["AU18"]:
        for k in range(-2, 3):
            line = np.array([(0.018 * k, points[51, 1] - 0.012), (0.014 * k, points[62, 1])])
            canvas.stroke(line, 0.005, (0.05, 0.03, 0.03), 0.4 * movement["AU18"], soft=0.002)


def _teeth(canvas: Canvas, inner: Points, opening: Points, gap: float, movement: Movement) -> None:
    top, bottom = inner[0:5].copy(), inner[[4, 5, 6, 7, 0]].copy()
    shown = min(0.35 + movement["AU12"] + movement["AU10"] + 0.6 * movement["AU20"], 1.0)
    depth = min(gap * 0.8, 0.034)
    edge = top[::-1] + np.array([0, depth])
    canvas.fill(np.concatenate([top, edge]), (0.88, 0.86, 0.80), 0.9 * shown, soft=0.002, within=opening)
    low = min(movement["AU16"] + 0.8 * movement["AU20"], 1.0)
    if low:
        rim = bottom[::-1] - (0, min(gap * 0.35, 0.02))
        canvas.fill(np.concatenate([bottom, rim]), (0.80, 0.78, 0.72), 0.8 * low, soft=0.002, within=opening)
    if gap > 0.05:
        x, y = inner[6]
        tongue = ellipse(x, y, 0.06, 0.4 * gap)
        canvas.fill(tongue, (0.42, 0.20, 0.18), 0.8, soft=0.008, within=opening)


def lines(canvas: Canvas, points: Points, person: Person, movement: Movement) -> None:
    """Furrows of the brow, crow's feet, folds beside nose and mouth, cords of the neck."""
    shadow = tinted(0.3 * person.skin, SKIN_TINT)

    def fold(line: list[tuple[float, float]], width: float, strength: float, soft: float = 0.004) -> None:
        alpha = min(strength * person.lines, 1.0)
        canvas.stroke(curve(line, closed=False), width, shadow, alpha, soft=soft)

    if movement["AU04"]:
        y = points[21, 1]
        for side in (-1, 1):
            fold(
                [(side * 0.022, y - 0.035), (side * 0.016, y), (side * 0.024, y + 0.03)],
                0.010,
                0.75 * movement["AU04"],
            )
    raised = max(movement["AU01"], movement["AU02"])
    if raised:
        reach = 0.12 + 0.13 * movement["AU02"]
        for k in range(3):
            y = -0.285 - 0.035 * k
            fold(
                [(-reach, y + 0.006), (-reach / 2, y - 0.006), (0, y), (reach / 2, y - 0.006), (reach, y + 0.006)],
                0.009,
                0.42 * raised,
                0.005,
            )
    for side in (-1, 1):
        name: Side = "left" if side < 0 else "right"
        x, y = points[36 if side < 0 else 45]
        if movement["AU06"]:
            for k in (-1, 0, 1):
                fold(
                    [(x + side * 0.015, y + 0.010 * k), (x + side * 0.055, y + 0.028 * k)],
                    0.006,
                    0.6 * movement["AU06"],
                    0.002,
                )
            fold(
                [(x, y + 0.035), (x - side * 0.06, y + 0.045), (x - side * 0.12, y + 0.03)],
                0.008,
                0.45 * movement["AU06"],
            )
        if movement["AU07"]:
            lid = [(x - side * 0.01, y + 0.03), (x - side * 0.065, y + 0.04), (x - side * 0.12, y + 0.028)]
            fold(lid, 0.007, 0.4 * movement["AU07"])
        wing, corner = points[31 if side < 0 else 35], points[48 if side < 0 else 54]
        deep = max(
            movement.on("AU12", name),
            movement["AU09"],
            movement["AU10"],
            0.8 * movement["AU11"],
            0.5 * movement["AU20"],
        )
        start = (wing[0] + side * 0.012, wing[1] - 0.012)
        end = (corner[0] + side * 0.035, corner[1] + 0.005)
        bulge = ((start[0] + end[0]) / 2 + side * (0.012 + 0.018 * deep), (start[1] + end[1]) / 2 - 0.015)
        fold([start, bulge, end], 0.013, 0.08 + 0.42 * deep, 0.008)
        if movement["AU15"]:
            fold(
                [(corner[0] + side * 0.006, corner[1]), (corner[0] + side * 0.018, corner[1] + 0.05)],
                0.012,
                0.5 * movement["AU15"],
                0.006,
            )
        if movement["AU21"]:
            fold([(side * 0.20, 0.40), (side * 0.13, 0.60)], 0.016, 0.6 * movement["AU21"], 0.008)
    if movement["AU17"]:
        y = points[57, 1] + 0.075
        for dx in (-0.035, 0.0, 0.035):
            canvas.fill(
                ellipse(dx, y + abs(dx) * 0.3, 0.008, 0.008, 8),
                shadow,
                min(0.35 * movement["AU17"] * person.lines, 1),
                soft=0.004,
            )


def glasses(canvas: Canvas, points: Points, person: Person) -> None:
    """A thin frame around both eyes."""
    if not person.glasses:
        return
    frame: Colour = (0.10, 0.10, 0.10)
    y = -0.105
    rims = []
    for span in (LEFT_EYE, RIGHT_EYE):
        x = float(points[span, 0].mean())
        rims.append(x)
        canvas.stroke(ellipse(x, y, 0.105, 0.072), 0.009, frame, 0.85, closed=True)
    canvas.stroke(
        curve([(rims[0] + 0.10, y - 0.01), (0, y - 0.025), (rims[1] - 0.10, y - 0.01)], closed=False),
        0.009,
        frame,
        0.85,
    )
    for side, x in ((-1, rims[0]), (1, rims[1])):
        canvas.stroke(np.array([(x + side * 0.10, y - 0.02), (points[0, 0] * -side, y - 0.04)]), 0.008, frame, 0.8)
