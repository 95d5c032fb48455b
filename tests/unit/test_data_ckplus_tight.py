"""CK+ as tight crops, the last three frames of every labelled sequence, and what is coded of whole sequences."""

import os
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.data.opening import open_dataset
from mien.data.sequences import codes_of_sequences
from mien.errors import DataError
from mien.labels import ACTION_UNITS, EXPRESSIONS

CLIPS = {"S010_004": ("anger", 17), "S011_001": ("happy", 9), "S011_004": ("surprise", 2)}
CODED = {"S010_004": "AU04", "S011_001": "AU12", "S011_004": "AU27"}


def picture(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((48, 48), 90, np.uint8))


@pytest.fixture
def tight(tmp_path: Path) -> Path:
    """``ckplus48`` with its table beside it."""
    lines = [",".join(("subject", "sequence", "emotion", *ACTION_UNITS))]
    for sequence, (emotion, first) in CLIPS.items():
        for number in range(first, first + 3):
            picture(tmp_path / "ckplus48" / emotion / f"{sequence}_{number:08d}.png")
        units = [str(int(unit == CODED[sequence])) for unit in ACTION_UNITS]
        lines.append(",".join((sequence[:4], sequence, emotion, *units)))
    (tmp_path / "ckplus_au.csv").write_text("\n".join(lines))
    return tmp_path / "ckplus48"


def load(path: Path):
    return open_dataset(f"ckplus:{path}")


def test_the_folder_itself_gives_three_frames_a_sequence_and_no_neutral(tight):
    dataset = load(tight)
    assert dataset.name == "ckplus"
    assert dataset.labels.expressions == tuple(e for e in EXPRESSIONS if e != "neutral")
    assert [(i.name, i.subject, i.sequence, i.place, i.expression) for i in dataset.items[2:5]] == [
        ("S010_004_00000019", "S010", "S010_004", 18, "anger"),
        ("S011_001_00000009", "S011", "S011_001", 8, "happiness"),
        ("S011_001_00000010", "S011", "S011_001", 9, "happiness"),
    ]
    assert dataset.items[0].face().shape == (48, 48)


def test_only_the_last_frame_carries_the_codes(tight):
    coded = {i.name: i.action_units for i in load(tight).items if i.action_units is not None}
    assert list(coded) == ["S010_004_00000019", "S011_001_00000011", "S011_004_00000004"]
    assert coded["S011_001_00000011"] == tuple(int(unit == "AU12") for unit in ACTION_UNITS)


def test_codes_of_sequences_are_those_of_their_peaks(tight):
    dataset = load(tight)
    codes = codes_of_sequences(dataset)
    assert {s: present(c) for s, c in codes.items()} == {s: [unit] for s, unit in CODED.items()}


def present(codes):
    return [unit for unit, there in zip(ACTION_UNITS, codes, strict=True) if there]


def test_the_folder_above_is_not_guessed_at(tight):
    with pytest.raises(DataError, match="the folder ckplus48 itself"):
        load(tight.parent)


def test_a_neutral_folder_and_a_row_without_crops_are_refused(tight):
    picture(tight / "neutral" / "S010_004_00000001.png")
    with pytest.raises(DataError, match=r"no expression of CK. in ckplus48; its folders are anger, .*, surprise"):
        load(tight)
    (tight / "neutral" / "S010_004_00000001.png").unlink()
    for file in (tight / "surprise").iterdir():
        file.unlink()
    with pytest.raises(DataError, match=r"1 sequence\(s\) without a crop, such as S011_004"):
        load(tight)


@pytest.mark.data
def test_the_real_tight_crops_have_the_published_counts():
    beside = Path(__file__).resolve().parents[2].parent / "shared" / "data"
    root = Path(os.environ.get("MIEN_DATA", beside))
    if not (root / "ckplus48").is_dir():
        pytest.skip(f"no tight CK+ crops in {root}; set MIEN_DATA to the folder that holds ckplus48")
    dataset = load(root / "ckplus48")
    assert len(dataset.items) == 981
    assert set(Counter(item.sequence for item in dataset.items).values()) == {3}
    assert len(dataset.subjects) == 118
    assert sum(item.action_units is not None for item in dataset.items) == 327
    loose = codes_of_sequences(load(root))
    codes = codes_of_sequences(dataset)
    assert len(codes) == 327
    assert all(loose[sequence] == found for sequence, found in codes.items())
