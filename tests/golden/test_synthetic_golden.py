"""The drawn faces stay what they are: figures from synthetic data can be compared across versions."""

import json
from pathlib import Path

import numpy as np
import pytest

from mien.data.synthetic import crops, people
from mien.data.synthetic.expressions import peak

GOLDEN = json.loads((Path(__file__).parent / "synthetic" / "faces.json").read_text(encoding="utf-8"))


def test_the_golden_file_holds_what_it_should():
    assert set(GOLDEN) == {"neutral", "happiness", "surprise"}
    assert {np.shape(rows) for rows in GOLDEN.values()} == {(24, 24)}


@pytest.mark.parametrize("expression", GOLDEN)
def test_faces_are_drawn_as_ever(expression):
    """Within a few grey levels: OpenCV's brushes may round another way on another machine."""
    person = people.invent(0)
    face = crops.draw(person, peak(person, expression), crops.Setting(), 24).astype(int)
    difference = np.abs(face - np.array(GOLDEN[expression]))
    assert difference.mean() < 1
    assert difference.max() <= 8
