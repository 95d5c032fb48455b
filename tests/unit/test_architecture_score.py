"""Scores: errors by people, and the smallest network that is as good as the best."""

import math

import numpy as np
import pytest

pytest.importorskip("torch")

from mien.errors import TrainingError
from mien.learn.architecture import examples
from mien.learn.architecture.score import Score, reach, scored, smallest_within_one_error


def test_with_one_face_each_the_error_is_that_of_a_mean():
    values = np.array([1.0, 2.0, 4.0, 7.0])
    found = scored(values, np.array(list("abcd")))
    assert found.value == 3.5
    assert math.isclose(found.error, values.std(ddof=1) / 2)
    assert found.people == 4


def test_faces_of_one_person_repeated_do_not_make_it_more_certain():
    values, people = np.array([1.0, 2.0, 4.0, 7.0]), np.array(list("abcd"))
    once, often = scored(values, people), scored(np.repeat(values, 9), np.repeat(people, 9))
    assert math.isclose(once.error, often.error)


def test_a_further_error_adds_in_squares_and_the_interval_is_students():
    found = scored(np.array([0.0, 2.0]), np.array(["a", "b"]), more=math.sqrt(3))
    assert math.isclose(found.error, 2.0)
    assert math.isclose(found.high - found.value, 12.706 * 2, rel_tol=1e-4)  # t of one degree of freedom
    assert math.isclose(reach(10**6), 1.96, rel_tol=1e-3)


def test_one_person_has_no_error():
    with pytest.raises(ValueError, match="two people"):
        scored(np.ones(3), np.array(["a", "a", "a"]))


def test_the_smallest_within_one_error_of_the_best_is_chosen():
    of = {64: Score(0.80, 0.01, 9), 125: Score(0.88, 0.5, 9), 250: Score(0.90, 0.03, 9), 500: Score(0.89, 0.01, 9)}
    assert smallest_within_one_error(list(of), of.__getitem__, lambda size: size) == 125
    sharper = of | {250: Score(0.90, 0.001, 9)}
    assert smallest_within_one_error(list(sharper), sharper.__getitem__, lambda size: size) == 250


def faces(n=40, inputs=9):
    return np.random.default_rng(0).random((n, inputs)), [f"p{k % 8}" for k in range(n)]


def test_good_faces_pass_and_keep_their_labels():
    x, people = faces()
    labels = np.arange(40) % 3
    found = examples.checked(x, people, labels, 8)
    assert found.x.dtype == np.float32
    assert (found.people, found.classes) == (8, 3)
    half = found.where(np.arange(40) < 20)
    assert len(half.x) == 20
    assert half.classes == 3


def broken(kind):
    x, people = faces()
    if kind == "nan":
        x[3, 4] = np.nan
    if kind == "constant":
        x[:, 7] = 0.5
    if kind == "range":
        x[0, 0] = 1.5
    if kind == "few faces":
        x, people = x[:10], people[:10]
    if kind == "few people":
        people = ["one"] * 20 + ["two"] * 20
    if kind == "subjects":
        people = people[:-1]
    if kind == "flat":
        x = x[:, :1]
    return x, people


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        ("nan", r"columns 4 \(row 1, column 1\) of the faces hold NaN"),
        ("constant", r"columns 7 \(row 2, column 1\) of the faces are the same in every face"),
        ("range", r"\[0, 1\].*1.5"),
        ("few faces", "10 faces are too few; give 20"),
        ("few people", "2 people are too few"),
        ("subjects", "40 faces need as many subjects"),
        ("flat", r"not an array \(40, 1\)"),
    ],
)
def test_bad_faces_are_refused_and_the_columns_named(kind, told):
    x, people = broken(kind)
    with pytest.raises(TrainingError, match=told):
        examples.checked(x, people, None, 6)
