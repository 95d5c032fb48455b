"""The CK+ reader on small trees in both layouts, and on the real crops where they are."""

import csv
import os
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.data.picture import EYE_DISTANCE, EYES_MIDDLE
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


# ------------------------------------------------------------------------------------------------ crops


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
    (tmp_path / "ckplus128").mkdir()
    write_table(tmp_path / "ckplus_au.csv")
    with pytest.raises(DataError, match="holds no crop"):
        load(tmp_path)


# ------------------------------------------------------------------------------------------------ tree

EYES = ((280.0, 200.0), (350.0, 200.0))


def landmarks(eyes=EYES, shift=0.0) -> str:
    """68 lines as in CK+: both eyes as small rings, the other points in a row below."""
    points = [(100.0 + 5 * k, 300.0) for k in range(68)]
    ring = [(-6, 0), (-2, -3), (2, -3), (6, 0), (2, 3), (-2, 3)]
    for start, (x, y) in zip((36, 42), eyes, strict=True):
        points[start : start + 6] = [(x + dx, y + dy) for dx, dy in ring]
    return "".join(f"   {x + shift:.7e}   {y:.7e}\n" for x, y in points)


def frame(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (490, 640), np.uint8)


def add_sequence(
    root: Path, subject: str, sequence: str, frames: int, emotion: int | None, facs: str | None
) -> None:
    place = Path(subject, sequence)
    stem = f"{subject}_{sequence}"
    for number in range(1, frames + 1):
        name = f"{stem}_{number:08d}"
        put(root / "cohn-kanade-images" / place / f"{name}.png", frame(number))
        put(root / "Landmarks" / place / f"{name}_landmarks.txt", landmarks(shift=number))
    for kind in ("Emotion", "FACS"):
        (root / kind / place).mkdir(parents=True, exist_ok=True)
    if emotion is not None:
        put(root / "Emotion" / place / f"{stem}_{frames:08d}_emotion.txt", f"   {emotion:.7e}\n")
    if facs is not None:
        put(root / "FACS" / place / f"{stem}_{frames:08d}_facs.txt", facs)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder in CK+'s official layout: one labelled sequence, one without a label, one without codes."""
    units = "  9.0000000e+00   0.0000000e+00\n  1.7000000e+01   4.0000000e+00\n  5.4000000e+01   1.0000000e+00\n"
    add_sequence(tmp_path, "S005", "001", 3, 3, units)
    add_sequence(tmp_path, "S005", "002", 2, None, "  1.0000000e+00   2.0000000e+00\n")
    add_sequence(tmp_path, "S999", "001", 2, 5, None)
    put(tmp_path / "cohn-kanade-images" / "S005" / ".DS_Store", "x")
    return tmp_path


def test_the_tree_gives_first_frames_and_peaks(tree):
    dataset = load(tree)
    assert [(i.name, i.sequence, i.place, i.expression) for i in dataset.items] == [
        ("S005_001_00000001", "S005_001", 0, "neutral"),
        ("S005_001_00000003", "S005_001", 2, "disgust"),
        ("S005_002_00000001", "S005_002", 0, "neutral"),
        ("S005_002_00000002", "S005_002", 1, None),
        ("S999_001_00000001", "S999_001", 0, "neutral"),
        ("S999_001_00000002", "S999_001", 1, "happiness"),
    ]
    assert dataset.subjects == ("S005", "S999")


def test_the_tree_gives_action_units_where_they_are_coded(tree):
    coded = [item.action_units for item in load(tree).items]
    present = [None if c is None else [u for u, v in zip(ACTION_UNITS, c, strict=True) if v] for c in coded]
    assert present == [[], ["AU09", "AU17"], [], ["AU01"], [], None]


def test_the_tree_crops_as_the_cascade_would_and_moves_the_landmarks_along(tree):
    item = load(tree).items[1]
    face = item.face()
    points = np.array(item.landmarks)
    eyes = np.array([points[36:42].mean(0), points[42:48].mean(0)])
    side = face.shape[0]
    assert face.shape == (side, side)
    assert side == pytest.approx(70 / EYE_DISTANCE, abs=1)
    assert eyes.mean(0) == pytest.approx(np.array(EYES_MIDDLE) * side, abs=1)
    # the pixel under a landmark is the same in the crop and in the frame
    x, y = points[42].astype(int)
    assert face[y, x] == frame(3)[200, 350 - 6 + 3]


def test_a_face_at_the_edge_repeats_the_edge(tree):
    file = tree / "Landmarks" / "S005" / "001" / "S005_001_00000001_landmarks.txt"
    file.write_text(landmarks(eyes=((10.0, 20.0), (80.0, 20.0))))
    item = load(tree).items[0]
    face = item.face()
    left, top = (round(o - p) for o, p in zip(item.landmarks[0], (100, 300), strict=True))
    assert left > 0
    assert top > 0
    assert (face[:top] == face[top]).all()
    assert (face[:, :left] == face[:, left : left + 1]).all()
    assert (face[top:, left:] == frame(1)[: face.shape[0] - top, : face.shape[1] - left]).all()


@pytest.mark.parametrize(
    ("code", "expression"), list(enumerate(["neutral", "anger", "contempt", "disgust", "fear"]))
)
def test_the_tree_reads_the_official_codes(tree, code, expression):
    put(tree / "Emotion" / "S005" / "001" / "S005_001_00000003_emotion.txt", f"   {code:.7e}\n")
    assert load(tree).items[1].expression == expression


@pytest.mark.parametrize(
    ("file", "content", "says"),
    [
        ("Emotion/S005/001/S005_001_00000003_emotion.txt", "   8.0000000e+00\n", "one code, 0 to 7"),
        ("Emotion/S005/001/S005_001_00000003_emotion.txt", "   1.5\n", "one code, 0 to 7"),
        ("Emotion/S005/001/S005_001_00000003_emotion.txt", "", "one code, 0 to 7"),
        ("Emotion/S005/001/S005_001_00000003_emotion.txt", "disgust\n", "something else than numbers"),
        ("Emotion/S005/002/S005_002_00000017_emotion.txt", "   1.0\n", "not about the sequence's last frame"),
        ("FACS/S005/001/S005_001_00000003_facs.txt", "9.0\n", r"2 finite number\(s\) on every line"),
        ("FACS/S005/001/S005_001_00000003_facs.txt", "nan 1.0\n", r"2 finite number\(s\)"),
        ("Landmarks/S005/001/S005_001_00000003_landmarks.txt", "1.0 2.0\n", "68 finite points"),
        ("Landmarks/S005/001/S005_001_00000003_landmarks.txt", "1.0 2.0\n" * 68, "eyes lie upon each other"),
    ],
)
def test_a_damaged_tree_names_the_file(tree, file, content, says):
    (tree / file).write_text(content)
    with pytest.raises(DataError, match=says) as caught:
        load(tree)
    assert file in str(caught.value)


@pytest.mark.parametrize("folder", ["Emotion", "FACS", "Landmarks"])
def test_a_tree_without_one_of_its_folders_says_which(tree, folder):
    (tree / folder).rename(tree / "elsewhere")
    with pytest.raises(DataError, match=f"{folder}: no such folder; unpack CK.'s {folder} archive"):
        load(tree)


@pytest.mark.parametrize("gone", ["S999_001_00000001", "S999_001_00000002"])
def test_a_sequence_without_its_ends_is_refused(tree, gone):
    (tree / "cohn-kanade-images" / "S999" / "001" / f"{gone}.png").unlink()
    with pytest.raises(DataError, match="its first frame or its peak is missing"):
        load(tree)


def test_a_missing_landmark_file_and_an_empty_tree_are_refused(tree):
    (tree / "Landmarks" / "S999" / "001" / "S999_001_00000002_landmarks.txt").unlink()
    with pytest.raises(DataError, match=r"S999_001_00000002_landmarks\.txt: cannot be read"):
        load(tree)
    (tree / "cohn-kanade-images").rename(tree / "old")
    (tree / "cohn-kanade-images").mkdir()
    with pytest.raises(DataError, match="holds no sequence"):
        load(tree)


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
