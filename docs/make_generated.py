"""Makes docs/pictures/generated.png from the shipped generator: ``python docs/make_generated.py``.

Above, eight invented people under every label; below, three of them on the way from neutral to a label. The faces
are the first people of the file with seed 0, whatever they look like.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mien.generation.clamp import asked
from mien.generation.generator import load_generator
from mien.output.generated import grid, write_picture

PEOPLE = 8
MORPHS = ("happiness", "surprise", "disgust")


def main() -> None:
    """Draw, lay out, write."""
    generator = load_generator()
    people = [*range(1, PEOPLE + 1)]
    rows = []
    for label in generator.labels.expressions:
        rows.append(generator.draw([asked(label, (), generator.labels)] * PEOPLE, people, seed=0))
    for person, label in enumerate(MORPHS, 1):
        rows.append(generator.morph(asked(label, (), generator.labels), [person], PEOPLE, seed=0)[0])
    names = [*generator.labels.expressions, *(f"{k} to {label}" for k, label in enumerate(MORPHS, 1))]
    picture = grid(np.stack(rows), names, [f"person {k}" for k in people])
    target = Path(__file__).with_name("pictures") / "generated.png"
    write_picture(target, picture, {"Generator": f"{generator.meta.name} {generator.sha256}", "Seed": "0"})


if __name__ == "__main__":
    main()
