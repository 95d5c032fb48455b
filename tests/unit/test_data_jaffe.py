"""JAFFE's reader on a small folder of drawn photographs."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.data.opening import open_dataset
from mien.data.readable import readable
from mien.data.readers import synthetic
from mien.errors import DataError

NAMES = ("KA.AN1.39", "KA.HA1.29", "KL.SU2.162", "TM.SA3.186", "UY.NE2.138", "YM.DI1.64", "YM.FE4.70")


def photograph(seed: int = 0) -> np.ndarray:
    face = synthetic.build(synthetic.Options(people=1, seed=seed)).items[0].face()
    return cv2.copyMakeBorder(face, 70, 58, 80, 48, cv2.BORDER_REPLICATE)


@pytest.fixture
def photographs(tmp_path: Path) -> Path:
    for k, name in enumerate(NAMES):
        assert cv2.imwrite(str(tmp_path / f"{name}.tiff"), photograph(k))
    (tmp_path / "README").write_text("x")
    (tmp_path / "._KA.AN1.39.tiff").write_text("x")
    return tmp_path


def load(path: Path):
    return open_dataset(f"jaffe:{path}")


def test_the_official_names_tell_subject_and_expression(photographs):
    dataset = load(photographs)
    assert dataset.name == "jaffe"
    assert "contempt" not in dataset.labels.expressions
    assert list(dataset.labels.expressions) == sorted(dataset.labels.expressions)
    assert [(i.name, i.subject, i.expression) for i in dataset.items] == [
        ("KA.AN1.39", "KA", "anger"),
        ("KA.HA1.29", "KA", "happiness"),
        ("KL.SU2.162", "KL", "surprise"),
        ("TM.SA3.186", "TM", "sadness"),
        ("UY.NE2.138", "UY", "neutral"),
        ("YM.DI1.64", "YM", "disgust"),
        ("YM.FE4.70", "YM", "fear"),
    ]
    assert "research" in dataset.terms


def test_the_crop_is_the_face_not_the_photograph(photographs):
    face = load(photographs).items[0].face()
    assert face.shape[0] == face.shape[1]
    assert 80 < face.shape[0] < 170
    # cut out of the photograph pixel by pixel
    found = cv2.matchTemplate(photograph(0), face, cv2.TM_SQDIFF)
    _, _, (x, y), _ = cv2.minMaxLoc(found)
    assert (photograph(0)[y : y + len(face), x : x + len(face)] == face).all()


def test_a_photograph_without_a_face_is_counted_and_listed(photographs):
    assert cv2.imwrite(str(photographs / "YM.HA1.52.tiff"), np.full((256, 256), 90, np.uint8))
    kept, skips = readable(load(photographs))
    assert len(kept.items) == len(NAMES)
    assert [skip.name for skip in skips] == ["YM.HA1.52"]
    assert "no face found" in skips[0].reason
    assert "YM.HA1.52.tiff" in skips[0].reason


@pytest.mark.parametrize("name", ["KA.XX1.39.tiff", "anna_01.tiff", "KA.AN.39.tiff", "ka.an1.39.tiff"])
def test_other_names_are_refused(photographs, name):
    assert cv2.imwrite(str(photographs / name), photograph())
    with pytest.raises(DataError, match=f"{name}: not named as in JAFFE"):
        load(photographs)


def test_one_photograph_in_two_formats_is_refused(photographs):
    assert cv2.imwrite(str(photographs / "KA.AN1.39.png"), photograph())
    with pytest.raises(DataError, match="twice, in two formats"):
        load(photographs)


def test_a_missing_and_an_empty_folder_are_refused(tmp_path):
    with pytest.raises(DataError, match="no such folder"):
        load(tmp_path / "nowhere")
    with pytest.raises(DataError, match="holds no photograph"):
        load(tmp_path)
