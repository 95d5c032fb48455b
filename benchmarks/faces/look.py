"""Example pictures with their truth drawn in, for the eyes of whoever runs the bench; never for the repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np

from benchmarks.faces.composites import still_scenes
from benchmarks.faces.motions import clips

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from numpy.typing import NDArray

    from benchmarks.faces.sources import Material
    from mien.types import Box, Grey

COLUMNS = 4


def examples(material: Material, folder: Path) -> None:
    """``stills.png``, one scene per level and some mixed ones, and ``clips.png``, a row of frames per clip."""
    folder.mkdir(parents=True, exist_ok=True)
    shown: list[NDArray[np.uint8]] = []
    seen: dict[tuple[str, float], int] = {}
    for scene in still_scenes(material, quick=True):
        key = scene.sweep, scene.level
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= (8 if scene.sweep == "mixed" else 1):
            faces = [(face.box, face.points) for face in scene.faces]
            shown.append(drawn(scene.picture, faces if len(shown) % 2 else (), scene.name))
    shown += [np.zeros_like(shown[0])] * (-len(shown) % COLUMNS)
    rows = [np.hstack(shown[k : k + COLUMNS]) for k in range(0, len(shown), COLUMNS)]
    cv2.imwrite(str(folder / "stills.png"), np.vstack(rows))
    strips = []
    for clip in clips(material, quick=True):
        picks = set(np.linspace(0, clip.frames - 1, 6).astype(int).tolist())
        frames = [
            drawn(picture, [(one.box, one.points) for one in truth], f"{clip.name} {number}")
            for number, (picture, truth) in enumerate(clip.play())
            if number in picks
        ]
        strips.append(np.hstack([cv2.resize(one, None, fx=0.5, fy=0.5) for one in frames]))
    cv2.imwrite(str(folder / "clips.png"), np.vstack(strips))


def drawn(picture: Grey, faces: Iterable[tuple[Box, NDArray[np.float64]]], title: str) -> NDArray[np.uint8]:
    """The picture with boxes, points and a title, uint8 (height, width, 3)."""
    canvas = cv2.cvtColor(picture, cv2.COLOR_GRAY2BGR)
    for box, points in faces:
        for x, y in points:
            cv2.circle(canvas, (round(x * 8), round(y * 8)), 8, (80, 220, 0), -1, cv2.LINE_AA, 3)
        corner, end = (round(box.x), round(box.y)), (round(box.x + box.width), round(box.y + box.height))
        cv2.rectangle(canvas, corner, end, (0, 120, 255), 1)
    cv2.putText(canvas, title, (6, 16), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (0, 255, 255), 1, cv2.LINE_AA)
    return canvas  # type: ignore[return-value]
