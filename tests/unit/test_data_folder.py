"""The reader of anybody's own faces: a folder per class."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.data.readers import folder
from mien.errors import DataError


def put(path: Path, grey: int = 100) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), np.full((20, 16), grey, np.uint8))
    return path


def load(path: Path):
    return folder.build(folder.Options(str(path)))


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    put(tmp_path / "happy" / "anna_01.png")
    put(tmp_path / "happy" / "ben_01.PNG")
    put(tmp_path / "Sad" / "anna_01.bmp")
    return tmp_path


def test_classes_are_folders_and_subjects_the_names_before_the_underscore(faces):
    dataset = load(faces)
    assert dataset.labels.expressions == ("happiness", "sadness")
    assert dataset.subjects == ("anna", "ben")
    assert [(i.name, i.subject, i.expression) for i in dataset.items] == [
        ("Sad/anna_01.bmp", "anna", "sadness"),
        ("happy/anna_01.png", "anna", "happiness"),
        ("happy/ben_01.PNG", "ben", "happiness"),
    ]
    assert dataset.items[0].face().shape == (20, 16)
    assert len({i.sequence for i in dataset.items}) == 3
    assert all(i.place == 0 and i.action_units is None for i in dataset.items)
    assert dataset.action_units == ()


def test_names_with_a_frame_make_sequences(tmp_path):
    for name in ("happy/anna_3_017.png", "happy/anna_3_9.png", "sad/anna_3_100.png", "sad/ben_3_1.png"):
        put(tmp_path / name)
    found = {i.name: (i.sequence, i.place) for i in load(tmp_path).items}
    assert found == {
        "happy/anna_3_9.png": ("anna/anna_3", 0),
        "happy/anna_3_017.png": ("anna/anna_3", 1),
        "sad/anna_3_100.png": ("anna/anna_3", 2),
        "sad/ben_3_1.png": ("ben/ben_3", 0),
    }


def test_two_folders_of_one_expression_are_one_class(faces):
    put(faces / "happiness" / "anna_01.png")
    dataset = load(faces)
    assert dataset.labels.expressions == ("happiness", "sadness")
    assert len({i.name for i in dataset.items}) == 4


def test_a_table_of_subjects_goes_before_the_names(faces):
    table = "file,subject\r\nhappy/anna_01.png,P1\r\nhappy\\ben_01.PNG, P2\r\n./Sad/anna_01.bmp,P1\r\n"
    (faces / "subjects.csv").write_text(table, encoding="utf-8-sig", newline="")
    assert [i.subject for i in load(faces).items] == ["P1", "P1", "P2"]


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("file,subject\nhappy/anna_01.png,P1\n", r"does not say who this is; add the line \S+,SUBJECT"),
        ("file,subject\nhappy/anna_01.png,P1\nhappy/anna_01.png,P2\n", "says both P1 and P2"),
        (
            "file,subject\nhappy/anna_01.png,P1\nhappy/ben_01.PNG,P2\nSad/anna_01.bmp,P1\nSad/cem_01.png,P3\n",
            r"names 1 file\(s\) that are not there, such as Sad/cem_01\.png",
        ),
        ("file,person\nhappy/anna_01.png,P1\n", "has no column subject"),
        ('file,subject\n"happy', "not a CSV table"),
    ],
)
def test_a_table_that_is_wrong_is_refused(faces, table, says):
    (faces / "subjects.csv").write_text(table)
    with pytest.raises(DataError, match=says):
        load(faces)


@pytest.mark.parametrize("name", ["anna.png", "_01.png", "17.png"])
def test_without_a_subject_there_is_no_data_set(faces, name):
    put(faces / "happy" / name)
    with pytest.raises(DataError, match=rf"{name}: who is this\?.*subjects\.csv with the columns file,subject"):
        load(faces)


def test_leftovers_are_passed_over(faces):
    (faces / "happy" / ".DS_Store").write_bytes(b"x")
    (faces / "happy" / "notes.txt").write_text("x")
    (faces / ".cache").mkdir()
    (faces / "readme.md").write_text("x")
    assert len(load(faces).items) == 3


def test_other_layouts_are_refused(tmp_path, faces):
    with pytest.raises(DataError, match="no such folder"):
        load(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"0 class folder\(s\)"):
        load(faces / "happy")
    (faces / "fear").mkdir()
    with pytest.raises(DataError, match="fear: holds no picture"):
        load(faces)
    put(faces / "fear" / "anna" / "01.png")
    with pytest.raises(DataError, match="a folder within a class is not read"):
        load(faces)


def test_pictures_may_differ_in_size(faces):
    assert cv2.imwrite(str(faces / "happy" / "cem_01.png"), np.zeros((1, 3), np.uint8))
    assert {item.face().shape for item in load(faces).items} == {(20, 16), (1, 3)}


@pytest.mark.parametrize("content", [b"", b"P5\n0 0\n255\n", b"not a picture"])
def test_a_picture_without_pixels_is_named_when_it_is_read(faces, content):
    (faces / "happy" / "cem_01.pgm").write_bytes(content)
    item = next(item for item in load(faces).items if item.subject == "cem")
    with pytest.raises(DataError, match=r"cem_01\.pgm: .*not an image"):
        item.face()


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"0 class folder\(s\)"):
        load(tmp_path)
