"""The CK+ reader on a small tree in the official layout."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.data.picture import EYE_DISTANCE, EYES_MIDDLE
from mien.data.readers import ckplus
from mien.errors import DataError
from mien.labels import ACTION_UNITS

EYES = ((280.0, 200.0), (350.0, 200.0))


def put(path: Path, content: np.ndarray | str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, str):
        path.write_text(content, encoding="ascii")
    else:
        assert cv2.imwrite(str(path), content)
    return path


def load(path: Path):
    return ckplus.build(ckplus.Options(str(path)))


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
        ("FACS/S005/001/S005_001_00000003_facs.txt", "9.0 6.0\n", "an intensity is 6, not 0 to 5"),
        ("FACS/S005/001/S005_001_00000003_facs.txt", "9.0 -1.0\n", "an intensity is -1, not 0 to 5"),
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


@pytest.mark.parametrize("kind", ["Emotion", "FACS"])
def test_labels_without_pictures_are_refused(tree, kind):
    file = put(tree / kind / "S888" / "001" / f"S888_001_00000009_{kind.lower()}.txt", "  1.0\n")
    with pytest.raises(DataError, match="its sequence has no pictures in cohn-kanade-images") as caught:
        load(tree)
    assert str(file) in str(caught.value)


def test_a_missing_landmark_file_and_an_empty_tree_are_refused(tree):
    (tree / "Landmarks" / "S999" / "001" / "S999_001_00000002_landmarks.txt").unlink()
    with pytest.raises(DataError, match=r"S999_001_00000002_landmarks\.txt: cannot be read"):
        load(tree)
    (tree / "cohn-kanade-images").rename(tree / "old")
    (tree / "cohn-kanade-images").mkdir()
    with pytest.raises(DataError, match="holds no sequence"):
        load(tree)


def add_long_sequence(root: Path) -> None:
    add_sequence(root, "S010", "002", 5, 7, "  1.0   4.0\n  2.0   0.0\n  5.0   nan\n 27.0 5.0\n 27.0 3.0\n")


@pytest.mark.parametrize(
    ("last", "between", "expected"),
    [
        (1, False, {1: "neutral", 5: "surprise"}),
        (3, False, {1: "neutral", 3: "surprise", 4: "surprise", 5: "surprise"}),
        (3, True, {1: "neutral", 2: None, 3: "surprise", 4: "surprise", 5: "surprise"}),
        (1, True, {1: "neutral", 2: None, 3: None, 4: None, 5: "surprise"}),
        (5, False, {1: "neutral", 2: "surprise", 3: "surprise", 4: "surprise", 5: "surprise"}),
        (99, True, {1: "neutral", 2: "surprise", 3: "surprise", 4: "surprise", 5: "surprise"}),
    ],
)
def test_the_tree_gives_as_many_last_frames_as_asked_for(tree, last, between, expected):
    add_long_sequence(tree)
    items = ckplus.build(ckplus.Options(str(tree), last, between)).items
    assert [item.name for item in items] == sorted(item.name for item in items)
    found = [item for item in items if item.sequence == "S010_002"]
    assert {item.place + 1: item.expression for item in found} == expected
    assert all(len(item.landmarks) == 68 for item in found)
    assert [item.place for item in found if item.action_units is not None] == [0, 4]
    # shorter sequences give what they have, and those without a label stay without one
    assert [i.expression for i in items if i.sequence == "S005_002"] == ["neutral", None]


def test_fewer_than_one_last_frame_is_refused():
    with pytest.raises(ValueError, match="last must be 1 or more"):
        ckplus.Options("x", last=0)


def test_the_tree_keeps_intensities(tree):
    add_long_sequence(tree)
    dataset = load(tree)
    first, peak = (item for item in dataset.items if item.sequence == "S010_002")
    assert first.intensities == (0.0,) * 23
    graded = dict(zip(dataset.action_units, peak.intensities, strict=True))
    present = {unit: grade for unit, grade in graded.items() if grade != 0}
    assert present == {"AU01": 4.0, "AU02": None, "AU05": None, "AU27": 5.0}
    assert {u for u, there in zip(dataset.action_units, peak.action_units, strict=True) if there} == set(present)
    uncoded = dataset.items[-1]
    assert (uncoded.action_units, uncoded.intensities) == (None, None)


def test_intensities_are_no_part_of_the_fingerprint(tree):
    dataset = load(tree)
    plain = replace(dataset, items=tuple(replace(item, intensities=None) for item in dataset.items))
    assert plain.fingerprint() == dataset.fingerprint()
