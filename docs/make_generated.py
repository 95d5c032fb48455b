"""Makes docs/pictures/generated.png with the shipped generator: ``python docs/make_generated.py``."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from mien.generation.clamp import asked
from mien.generation.generator import load_generator
from mien.output.generated import CLAIM

PEOPLE = range(1, 9)
MORPHS = ((1, "happiness"), (2, "surprise"), (3, "disgust"))
SIDE, GAP, LEFT, HEAD, FOOT = 96, 4, 130, 28, 26


def main() -> None:
    """Draw the sheet."""
    generator = load_generator()
    people = list(PEOPLE)
    rows = [
        (label, generator.draw([asked(label, (), generator.labels)] * len(people), people, 0))
        for label in generator.labels.expressions
    ]
    for person, label in MORPHS:
        frames = generator.morph(asked(label, (), generator.labels), [person], len(people), 0)[0]
        rows.append((f"{person} to {label}", frames))
    high, wide = HEAD + len(rows) * (SIDE + GAP) + FOOT, LEFT + len(people) * (SIDE + GAP)
    sheet = np.full((high, wide), 255, np.uint8)
    for k, person in enumerate(people):
        write(sheet, f"person {person}", LEFT + k * (SIDE + GAP) + 14, HEAD - 10)
    for line, (name, faces) in enumerate(rows):
        top = HEAD + line * (SIDE + GAP)
        write(sheet, name, 6, top + SIDE // 2)
        for k, face in enumerate(faces):
            grey = np.clip(np.asarray(face) * 255, 0, 255).astype(np.uint8)
            left = LEFT + k * (SIDE + GAP)
            sheet[top : top + SIDE, left : left + SIDE] = cv2.resize(
                grey, (SIDE, SIDE), interpolation=cv2.INTER_CUBIC
            )
    write(sheet, CLAIM, 6, high - 8)
    cv2.imwrite(str(Path(__file__).with_name("pictures") / "generated.png"), sheet)


def write(sheet: np.ndarray, text: str, x: int, y: int) -> None:
    """Put ``text`` on the sheet, from (x, y) on."""
    cv2.putText(sheet, text, (x, y), cv2.FONT_HERSHEY_SIMPLEX, 0.42, 0, 1, cv2.LINE_AA)


if __name__ == "__main__":
    main()
