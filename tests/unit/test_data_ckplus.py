"""The CK+ reader on loose crops, made and, where they are, real; its official tree has a file of its own."""

import csv
import os
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.data.readers import ckplus
from mien.errors import DataError
from mien.labels import ACTION_UNITS, EXPRESSIONS

PEAKS = {"S005_001_00000011": "disgust", "S010_002_00000014": "surprise", "S010_004_00000019": "happiness"}
PRESENT = {"S005_001": {"AU09", "AU17"}, "S010_002": {"AU01", "AU27"}, "S010_004": {"AU06", "AU12"}}


def put(path: Path, content: np.ndarray | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, str):
        path.write_text(content, encoding="ascii")
    else:
        assert cv2.imwrite(str(path), content)
    return path


def load(path: Path):
    return ckplus.build(ckplus.Options(str(path)))


def write_table(path: Path, peaks: dict[str, str] = PEAKS, missing: str = "") -> None:
    columns = ["subject", "sequence", "emotion", *(u for u in ACTION_UNITS if u != missing)]
    with path.open("w", newline="") as stream:
        table = csv.DictWriter(stream, columns, extrasaction="ignore")
        table.writeheader()
        for stem, emotion in peaks.items():
            units = {unit: int(unit in PRESENT[stem[:8]]) for unit in ACTION_UNITS}
            table.writerow({"subject": stem[:4], "sequence": stem[:8], "emotion": emotion, **units})


@pytest.fixture
def crops(tmp_path: Path) -> Path:
    """A folder that holds ``ckplus128`` and its table."""
    for stem, emotion in PEAKS.items():
        put(tmp_path / "ckplus128" / emotion / f"{stem}.png", np.full((128, 128), 90, np.uint8))
        put(tmp_path / "ckplus128" / "neutral" / f"{stem[:8]}_00000001.png", np.full((128, 128), 60, np.uint8))
    write_table(tmp_path / "ckplus_au.csv")
    return tmp_path


def test_crops_are_named_placed_and_labelled_by_their_files(crops):
    dataset = load(crops)
    assert (dataset.name, dataset.labels.expressions) == ("ckplus", EXPRESSIONS)
    assert dataset.action_units == tuple(ACTION_UNITS)
    assert not dataset.synthetic
    assert "research use; see card" in dataset.terms
    assert len(dataset.items) == 6
    found = {item.name: item for item in dataset.items}
    peak, first = found["S010_002_00000014"], found["S010_002_00000001"]
    assert (peak.subject, peak.sequence, peak.place, peak.expression) == ("S010", "S010_002", 13, "surprise")
    assert (first.subject, first.sequence, first.place, first.expression) == ("S010", "S010_002", 0, "neutral")
    assert peak.action_units is not None
    present = {unit for unit, there in zip(ACTION_UNITS, peak.action_units, strict=True) if there}
    assert present == {"AU01", "AU27"}
    assert first.action_units == (0,) * 23
    assert (peak.face() == 90).all()
    assert first.face().shape == (128, 128)


def test_crops_are_found_from_above_and_from_within(crops, tmp_path_factory, monkeypatch):
    above = tmp_path_factory.mktemp("above")
    (above / "data").symlink_to(crops)
    wanted = load(crops).fingerprint()
    assert load(above).fingerprint() == wanted
    assert load(crops / "ckplus128").fingerprint() == wanted
    monkeypatch.chdir(crops / "ckplus128")
    assert load(Path()).fingerprint() == wanted


def test_crops_tolerate_other_words_and_leftovers(crops):
    (crops / "ckplus128" / "happiness").rename(crops / "ckplus128" / "happy")
    put(crops / "ckplus128" / "happy" / "._S010_004_00000019.png", "x")
    put(crops / "ckplus128" / ".DS_Store", "x")
    assert Counter(item.expression for item in load(crops).items)["happiness"] == 1


@pytest.mark.parametrize(
    ("harm", "says"),
    [
        (lambda root: (root / "ckplus_au.csv").unlink(), r"ckplus_au\.csv: cannot be read"),
        (lambda root: put(root / "ckplus_au.csv", ""), "has no column subject, sequence"),
        (lambda root: write_table(root / "ckplus_au.csv", missing="AU12"), "has no column AU12"),
        (
            lambda root: put(root / "ckplus_au.csv", (root / "ckplus_au.csv").read_text().replace(",1,", ",2,", 1)),
            "AU09 is '2'; it must be 0 or 1",
        ),
        (
            lambda root: put(root / "ckplus_au.csv", (root / "ckplus_au.csv").read_text() + "S011,S011_001\n"),
            "row 5",
        ),
        (lambda root: write_table(root / "ckplus_au.csv", dict(list(PEAKS.items())[:2])), "S010_004 has no row"),
        (lambda root: write_table(root / "ckplus_au.csv", {**PEAKS, "S005_001_00000011": "fear"}), "says fear"),
        (
            lambda root: write_table(root / "ckplus_au.csv", {**PEAKS, "S005_001_00000010": "disgust"}),
            "S005_001 has two rows",
        ),
        (
            lambda root: (root / "ckplus128/disgust/S005_001_00000011.png").unlink(),
            r"1 sequence\(s\) without a crop, such as S005_001; fetch",
        ),
        (lambda root: put_png(root / "ckplus128/neutral/S005_003_00000000.png"), "counts frames from 00000001"),
        (
            lambda root: (root / "ckplus128" / "fear").mkdir() or put_png(root / "ckplus128/fear/one.png"),
            "not named",
        ),
        (lambda root: put_png(root / "ckplus128/boredom/S005_001_00000012.png"), "no expression of CK"),
        (lambda root: put_png(root / "ckplus128/fear/S005_001_00000011.png"), "lies .* folder"),
        (lambda root: put_png(root / "ckplus128/neutral/S005_001_00000003.png"), "only a first frame"),
    ],
)
def test_crops_that_contradict_themselves_are_refused(crops, harm, says):
    harm(crops)
    with pytest.raises(DataError, match=says) as caught:
        load(crops)
    assert str(crops) in str(caught.value)
    assert "\n" not in str(caught.value)


def put_png(path: Path) -> Path:
    return put(path, np.zeros((128, 128), np.uint8))


def test_a_crop_in_two_folders_is_refused(crops):
    put_png(crops / "ckplus128" / "disgusted" / "S005_001_00000011.png")
    with pytest.raises(DataError, match="lies also in folder disgust"):
        load(crops)


@pytest.mark.parametrize("content", [b"", b"junk", b"\x89PNG\r\n\x1a\n"])
def test_a_damaged_crop_is_named_when_it_is_read(crops, content):
    file = crops / "ckplus128" / "disgust" / "S005_001_00000011.png"
    file.write_bytes(content)
    with pytest.raises(DataError, match=r"S005_001_00000011\.png: .*fetch this file again"):
        load(crops).fingerprint()


def test_a_crop_that_went_away_is_named(crops):
    dataset = load(crops)
    (crops / "ckplus128" / "disgust" / "S005_001_00000011.png").unlink()
    with pytest.raises(DataError, match=r"S005_001_00000011\.png: cannot be read"):
        dataset.fingerprint()


def test_a_missing_folder_and_an_unknown_layout_say_what_to_give(tmp_path):
    with pytest.raises(DataError, match=r"nowhere: no such folder; give"):
        load(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"ckplus128/ and ckplus_au\.csv.*cohn-kanade-images/, Emotion/, FACS/"):
        load(tmp_path)
    (tmp_path / "ckplus128" / "anger").mkdir(parents=True)
    write_table(tmp_path / "ckplus_au.csv")
    with pytest.raises(DataError, match="holds no crop"):
        load(tmp_path)


# ------------------------------------------------------------------------------------------------ real data


@pytest.mark.data
def test_the_real_crops_have_the_published_counts():
    beside = Path(__file__).resolve().parents[2].parent / "shared" / "data"
    root = Path(os.environ.get("MIEN_DATA", beside))
    if not (root / "ckplus128").is_dir():
        pytest.skip(f"no CK+ crops in {root}; set MIEN_DATA to the folder that holds ckplus128")
    dataset = load(root)
    assert Counter(item.expression for item in dataset.items) == {
        "neutral": 593,
        "anger": 45,
        "contempt": 18,
        "disgust": 59,
        "fear": 25,
        "happiness": 69,
        "sadness": 28,
        "surprise": 83,
    }
    assert len(dataset.subjects) == 123
    assert len({item.subject for item in dataset.items if item.expression != "neutral"}) == 118
    units = np.array([item.action_units for item in dataset.items if item.expression != "neutral"])
    positives = dict(zip(dataset.action_units, units.sum(0).tolist(), strict=True))
    assert (positives["AU22"], positives["AU21"], positives["AU11"], positives["AU10"]) == (0, 1, 2, 15)
    assert {item.face().shape for item in dataset.items} == {(128, 128)}
