"""FER+'s reader on a small folder, and on the real one where it is."""

import os
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.data.opening import open_dataset
from mien.errors import DataError

WORDS = ("neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF")
ROWS = [
    ("Training", "fer0000000.png", {"happiness": 7, "neutral": 3}),
    ("Training", "fer0000001.png", {"anger": 5, "disgust": 5}),
    ("Training", "fer0000002.png", {"unknown": 6, "fear": 4}),
    ("Training", "fer0000003.png", {"NF": 9, "fear": 1}),
    ("Training", "", {"NF": 10}),
    ("PublicTest", "fer0000004.png", {"contempt": 4, "neutral": 3, "anger": 3}),
    ("PrivateTest", "fer0000005.png", {"fear": 10}),
]
FOLDER = {"Training": "FER2013Train", "PublicTest": "FER2013Valid"}


def write_table(root: Path, rows=ROWS, former: str | None = "angry") -> None:
    """The table, with what FER2013 said; the official layout, without, where ``former`` is None."""
    more = () if former is None else (former,)
    lines = [",".join(("Usage", "Image name", *WORDS, *(("fer2013_label",) if more else ())))]
    lines += [
        ",".join((usage, name, *(str(votes.get(word, 0)) for word in WORDS), *more)) for usage, name, votes in rows
    ]
    (root / "fer2013new.csv").write_text("\n".join(lines))


@pytest.fixture
def web(tmp_path: Path) -> Path:
    write_table(tmp_path)
    for usage, name, _ in ROWS:
        if usage in FOLDER and name:
            (tmp_path / FOLDER[usage]).mkdir(exist_ok=True)
            assert cv2.imwrite(str(tmp_path / FOLDER[usage] / name), np.full((48, 48), 9, np.uint8))
    return tmp_path


def load(path: Path):
    return open_dataset(f"ferplus:{path}")


def test_most_votes_win_and_ties_and_the_unknown_have_no_label(web):
    dataset = load(web)
    assert {item.name: item.expression for item in dataset.items} == {
        "FER2013Train/fer0000000": "happiness",
        "FER2013Train/fer0000001": None,
        "FER2013Train/fer0000002": None,
        "FER2013Valid/fer0000004": "contempt",
    }
    assert len(dataset.subjects) == 4
    assert "nobody in them is told apart" in dataset.terms


@pytest.mark.parametrize(("former", "told"), [("angry", "anger"), ("Sad", "sadness"), ("", None), (None, None)])
def test_votes_are_kept_in_the_order_of_the_labels_with_the_former_label_where_there_is_one(web, former, told):
    write_table(web, former=former)
    votes = {item.name[-1]: item.votes for item in load(web).items}
    assert votes["0"].cast == (0, 0, 0, 0, 7, 3, 0, 0)
    assert votes["1"].cast == (5, 0, 5, 0, 0, 0, 0, 0)
    assert [votes[k].unsure for k in "0124"] == [0, 0, 6, 0]
    assert {v.former for v in votes.values()} == {told}


def test_a_former_label_that_is_no_expression_is_refused(web):
    write_table(web, former="bored")
    with pytest.raises(DataError, match=r"fer0000000\.png: fer2013_label is 'bored', no expression"):
        load(web)


def test_every_folder_is_an_official_part(web):
    (web / "FER2013Test").mkdir()
    assert cv2.imwrite(str(web / "FER2013Test" / "fer0000005.png"), np.full((48, 48), 9, np.uint8))
    assert [(item.name.partition("/")[0], item.part) for item in load(web).items[-2:]] == [
        ("FER2013Train", "train"),
        ("FER2013Valid", "validation"),
    ]
    assert {item.part for item in load(web).items} == {"train", "validation", "test"}
    for folder in ("FER2013Train", "FER2013Valid"):
        (web / folder).rename(web / f"not {folder}")
    assert [(item.name, item.expression, item.part) for item in load(web).items] == [
        ("FER2013Test/fer0000005", "fear", "test")
    ]


def test_folders_that_are_not_there_are_left_out(web):
    (web / "FER2013Train").rename(web / "elsewhere")
    assert [item.name for item in load(web).items] == ["FER2013Valid/fer0000004"]
    (web / "FER2013Valid").rename(web / "elsewhere too")
    with pytest.raises(DataError, match="none of the folders FER2013Train"):
        load(web)


def change(place: int, *row):
    return [*ROWS[:place], row, *ROWS[place + 1 :]]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (ROWS[1:], r"fer0000000\.png: has no row in fer2013new\.csv \(1 such\)"),
        (
            [*ROWS, ("Training", "fer0000009.png", {"fear": 1})],
            r"fer0000009\.png: is in .* but not there \(1 such\)",
        ),
        ([*ROWS, ROWS[0]], r"fer0000000\.png has two rows"),
        (change(0, "Test", "fer0000000.png", {}), "usage 'Test' is none of"),
        (change(0, "Training", "fer0000000.png", {"fear": -1}), "fear is '-1'; it must be a number of votes"),
    ],
)
def test_a_table_and_pictures_that_do_not_match_are_refused(web, rows, says):
    write_table(web, rows)
    with pytest.raises(DataError, match=says):
        load(web)


def test_without_its_table_it_is_refused(web):
    (web / "fer2013new.csv").unlink()
    with pytest.raises(DataError, match=r"fer2013new\.csv: cannot be read"):
        load(web)


@pytest.mark.data
def test_the_real_folders_have_their_counts():
    beside = Path(__file__).resolve().parents[2].parent / "shared" / "data"
    root = Path(os.environ.get("MIEN_DATA", beside)) / "ferplus"
    if not root.is_dir():
        pytest.skip(f"no {root}; set MIEN_DATA to the folder that holds ferplus")
    items = load(root).items
    assert all(item.votes.former for item in items)
    folders = Counter(item.name.partition("/")[0] for item in items)
    assert 27_000 < folders["FER2013Train"] <= 27_056
    assert 3_200 < folders["FER2013Valid"] <= 3_258
