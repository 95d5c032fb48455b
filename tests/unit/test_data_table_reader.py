"""The reader of anybody's own faces: one row of a table per face."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.data.opening import open_dataset
from mien.errors import DataError
from mien.labels import EXPRESSIONS

GREY = np.arange(30 * 40, dtype=np.uint32).reshape(30, 40).astype(np.uint8)


def write(root: Path, *lines: str) -> Path:
    (root / "pictures").mkdir(exist_ok=True)
    for name in ("a", "b", "c"):
        assert cv2.imwrite(str(root / "pictures" / f"{name}.png"), GREY)
    (root / "faces.csv").write_text("\n".join(lines))
    return root / "faces.csv"


def load(root: Path, *lines: str):
    return open_dataset(f"table:{write(root, *lines)}")


def test_a_row_is_a_face_with_all_that_is_known(tmp_path):
    dataset = load(
        tmp_path,
        "subject,file,expression,AU12,AU06,age",
        "anna,pictures/a.png,Happy,1,0,34",
        "ben,pictures\\b.png,,,,",
        "anna,./pictures/c.png,sadness, 0,1,34",
    )
    assert dataset.labels.expressions == ("happiness", "sadness")
    assert dataset.action_units == ("AU06", "AU12")  # the house's order, not the columns'
    assert [(i.name, i.subject, i.expression, i.action_units) for i in dataset.items] == [
        ("pictures/a.png", "anna", "happiness", (0, 1)),
        ("pictures/b.png", "ben", None, None),
        ("pictures/c.png", "anna", "sadness", (1, 0)),
    ]
    assert len({i.sequence for i in dataset.items}) == 3
    np.testing.assert_array_equal(dataset.items[0].face(), GREY)


def test_action_units_alone_will_do(tmp_path):
    dataset = load(tmp_path, "file,subject,AU12", "pictures/a.png,anna,1")
    assert dataset.labels.expressions == EXPRESSIONS
    assert [(i.expression, i.action_units) for i in dataset.items] == [(None, (1,))]


def test_one_expression_of_mien_s_own_will_do_and_another_will_not(tmp_path):
    assert load(tmp_path, "file,subject,expression", "pictures/a.png,anna,joy").labels.expressions == EXPRESSIONS
    with pytest.raises(DataError, match=r"faces\.csv: bored is the only expression"):
        load(tmp_path, "file,subject,expression", "pictures/a.png,anna,Bored")


def test_places_follow_the_numbers_or_else_the_rows(tmp_path):
    dataset = load(
        tmp_path,
        "file,subject,expression,sequence,place",
        "pictures/c.png,anna,happy,s1,10",
        "pictures/b.png,anna,happy,s1,9",
        "pictures/a.png,ben,sad,s1,",
    )
    assert [(i.name[-5], i.sequence, i.place) for i in dataset.items] == [
        ("a", "ben/s1", 0),
        ("b", "anna/s1", 0),
        ("c", "anna/s1", 1),
    ]
    rows = load(tmp_path, "file,subject,AU12,sequence", "pictures/b.png,anna,1,s1", "pictures/a.png,anna,1,s1")
    assert [(i.name[-5], i.place) for i in rows.items] == [("a", 1), ("b", 0)]


def test_a_box_is_cut_out_and_may_reach_beyond_the_edge(tmp_path):
    dataset = load(
        tmp_path,
        "file,subject,AU12,x,y,width,height",
        "pictures/a.png,anna,1,4,5,10,12",
        "pictures/a.png,ben,0,38,-2,4,6",
        "pictures/b.png,ben,0,,,,",
    )
    one, other, whole = dataset.items[1], dataset.items[0], dataset.items[2]
    assert (one.subject, other.subject) == ("anna", "ben")
    np.testing.assert_array_equal(one.face(), GREY[5:17, 4:14])
    np.testing.assert_array_equal(other.face()[2:, :2], GREY[:4, 38:40])
    assert (other.face()[:, 2:] == other.face()[:, 1:2]).all()
    np.testing.assert_array_equal(other.face()[:2], other.face()[2:3].repeat(2, axis=0))
    assert whole.face().shape == (30, 40)


@pytest.mark.parametrize(
    ("box", "says"), [("50,5,10,10", "lies beside this picture of 40 x 30"), ("0,0,900,10", "is too large for")]
)
def test_a_box_that_is_not_in_the_picture(tmp_path, box, says):
    dataset = load(tmp_path, "file,subject,AU12,x,y,width,height", f"pictures/a.png,anna,1,{box}")
    with pytest.raises(DataError, match=rf"a\.png: the box .*{says}"):
        dataset.items[0].face()


HEAD = "file,subject,expression,AU01,AU12,sequence,place,x,y,width,height"
ROW = "pictures/a.png,anna,happy,0,1,s,1,,,,"


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ((), r"faces\.csv: has no column file, subject"),
        ((HEAD,), "holds no row"),
        (("file,expression", "a.png,happy"), "has no column subject"),
        (("file,subject", "pictures/a.png,anna"), "neither a column expression nor one of an action unit"),
        (("file,subject,AU12,AU12", "pictures/a.png,anna,1,0"), "has two columns AU12"),
        (("file,subject,AU99", "pictures/a.png,anna,1"), r"unknown action unit AU99; known: AU01"),
        (("file,subject,AU1,AU12", "pictures/a.png,anna,1,1"), r"unknown action unit AU1; known: AU01"),
        (("file,subject,expression,place", "pictures/a.png,anna,happy,1"), "none that says in which sequence"),
        (
            ("file,subject,expression,x,y", "pictures/a.png,anna,happy,1,1"),
            "needs the four columns x y width height",
        ),
        ((HEAD, ROW, ROW), r"pictures/a\.png has two rows"),
        ((HEAD, ROW, ROW.replace("/a.", "/b.")), "have the same place, 1, in one sequence"),
        ((HEAD, ROW.replace("/a.", "/z.")), r"pictures/z\.png: no such picture, but .* has it in row 2"),
        ((HEAD, ROW.replace("pictures/a.png", "")), "row 2 .*names no picture"),
        ((HEAD, ROW.replace("anna", " ")), "whose face is it"),
        ((HEAD, ROW.replace("0,1,s", "0,2,s")), r"row 2 \(pictures/a\.png\): AU12 is '2'; it must be 1"),
        ((HEAD, ROW.replace("0,1,s", "0,yes,s")), "AU12 is 'yes'"),
        ((HEAD, ROW.replace("0,1,s", ",1,s")), "AU01 is empty and others are not"),
        ((HEAD, ROW.replace("s,1,", "s,first,")), "place is 'first'; it must be a whole number"),
        ((HEAD, ROW.replace(",,,,", ",1,2,3,")), "x y width height are 1, 2, 3, ; all four must be numbers"),
        ((HEAD, ROW.replace(",,,,", ",1,2,nan,9")), "2 pixels wide and high or more"),
        ((HEAD, ROW.replace(",,,,", ",1,2,1,9")), "2 pixels wide and high or more"),
    ],
)
def test_what_cannot_be_understood_is_told_in_one_line(tmp_path, lines, says):
    with pytest.raises(DataError, match=says) as told:
        load(tmp_path, *lines)
    assert "\n" not in str(told.value)


def test_a_table_that_is_not_there(tmp_path):
    with pytest.raises(DataError, match=r"none\.csv: cannot be read"):
        open_dataset(f"table:{tmp_path}/none.csv")
