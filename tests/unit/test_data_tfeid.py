"""TFEID's reader on the layouts that it accepts."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.data.opening import open_dataset
from mien.data.readers import synthetic
from mien.errors import DataError
from mien.labels import EXPRESSIONS


def put(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    face = synthetic.build(synthetic.Options(people=1)).items[0].face()
    assert cv2.imwrite(str(path), cv2.copyMakeBorder(face, 40, 40, 40, 40, cv2.BORDER_REPLICATE))
    return path


def load(path: Path):
    return open_dataset(f"tfeid:{path}")


@pytest.mark.parametrize(
    ("name", "subject", "expression"),
    [
        ("f01_an_h_000.jpg", "f01", "anger"),
        ("M12_ha_s.png", "m12", "happiness"),
        ("f01_sur+12.bmp", "f01", "surprise"),
        ("anger/f01_h.jpg", "f01", "anger"),
        ("Happy/f01_1.jpg", "f01", "happiness"),
        ("co/f01_1.jpg", "f01", "contempt"),
        ("slight/sadness/003_1.jpg", "003", "sadness"),
        ("fear/fe/f09_fear_fe.jpg", "f09", "fear"),
    ],
)
def test_person_and_expression_are_told_by_folders_or_names(tmp_path, name, subject, expression):
    put(tmp_path / name)
    dataset = load(tmp_path)
    (item,) = dataset.items
    assert (item.name, item.subject, item.expression) == (name, subject, expression)
    assert dataset.labels.expressions == EXPRESSIONS
    face = item.face()
    assert face.shape[0] == face.shape[1] < 208


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("anger/happy_01.jpg", r"who is this\?"),
        ("anger/f01.jpg", r"who is this\?"),
        ("f01_h_000.jpg", r"which expression is this\?"),
        ("anger/f01_ha_000.jpg", "is said to show anger and happiness"),
        ("f01_an_ha.jpg", "is said to show anger and happiness"),
        ("anger/fear/f01_1.jpg", "is said to show anger and fear"),
    ],
)
def test_what_cannot_be_told_is_refused(tmp_path, name, says):
    file = put(tmp_path / name)
    with pytest.raises(DataError, match=says) as caught:
        load(tmp_path)
    assert str(file) in str(caught.value)


def test_leftovers_are_passed_over(tmp_path):
    put(tmp_path / "anger" / "f01_1.jpg")
    put(tmp_path / ".cache" / "x.jpg")
    (tmp_path / "anger" / "._f01_1.jpg").write_text("x")
    (tmp_path / "readme.txt").write_text("x")
    assert [item.name for item in load(tmp_path).items] == ["anger/f01_1.jpg"]


def test_a_missing_and_an_empty_folder_and_a_faceless_picture_are_refused(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        load(tmp_path / "nowhere")
    with pytest.raises(DataError, match="holds no picture"):
        load(tmp_path)
    (tmp_path / "fear").mkdir()
    assert cv2.imwrite(str(tmp_path / "fear" / "f01_1.png"), np.full((60, 60), 9, np.uint8))
    with pytest.raises(DataError, match=r"f01_1\.png: no face found"):
        load(tmp_path).items[0].face()
