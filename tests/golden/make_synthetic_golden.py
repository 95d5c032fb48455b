"""Writes the drawn faces that ``test_synthetic_golden.py`` compares with; run by hand after a change on purpose.

python tests/golden/make_synthetic_golden.py
"""

from __future__ import annotations

import json
from pathlib import Path

from mien.data.synthetic import crops, people
from mien.data.synthetic.expressions import peak

EXPRESSIONS = ("neutral", "happiness", "surprise")


def faces() -> dict[str, list[list[int]]]:
    """Grey levels of person 0, 24x24, by expression; in even light, without noise."""
    person = people.invent(0)
    return {name: crops.draw(person, peak(person, name), crops.Setting(), 24).tolist() for name in EXPRESSIONS}


def main() -> None:
    """Write ``synthetic/faces.json``, one line per row of pixels."""
    rows = json.dumps(faces()).replace("], [", "],\n[").replace("]],", "]],\n")
    target = Path(__file__).parent / "synthetic" / "faces.json"
    target.parent.mkdir(exist_ok=True)
    target.write_text(rows + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
