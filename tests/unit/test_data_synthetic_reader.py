"""``--data synthetic``: drawn people as a data set."""

from collections import Counter

import numpy as np
import pytest

from mien.data.opening import open_dataset
from mien.data.readers import synthetic
from mien.data.synthetic.expressions import agrees
from mien.errors import UsageError
from mien.labels import ACTION_UNITS, EXPRESSIONS


@pytest.fixture(scope="module")
def dozen():
    return open_dataset("synthetic:people=12,seed=3")


def test_one_face_per_person_and_expression(dozen):
    assert dozen.name == "synthetic"
    assert dozen.synthetic
    assert "drawn by code" in dozen.terms
    assert dozen.labels.expressions == EXPRESSIONS
    assert dozen.action_units == tuple(ACTION_UNITS)
    assert dozen.subjects == tuple(f"P{k:03d}" for k in range(1, 13))
    assert Counter((item.subject, item.expression) for item in dozen.items) == Counter(
        (subject, expression) for subject in dozen.subjects for expression in EXPRESSIONS
    )


def test_names_are_sorted_unique_and_like_those_of_ckplus(dozen):
    names = [item.name for item in dozen.items]
    assert names == sorted(set(names))
    assert names[:3] == ["P001_001_00000001", "P001_001_00000012", "P001_002_00000012"]
    for item in dozen.items:
        assert item.name.startswith(f"{item.sequence}_")
        assert item.sequence.startswith(f"{item.subject}_")
        assert item.place == int(item.name[-8:]) - 1


def test_action_units_agree_with_the_expression(dozen):
    for item in dozen.items:
        present = [unit for unit, there in zip(ACTION_UNITS, item.action_units, strict=True) if there]
        assert set(item.action_units) <= {0, 1}
        assert agrees(item.expression, present)


def test_crops_are_grey_and_landmarks_lie_in_them(dozen):
    for item in dozen.items[:16]:
        face = item.face()
        assert face.shape == (synthetic.SIZE, synthetic.SIZE)
        assert face.dtype == np.uint8
        assert face.std() > 10
        points = np.array(item.landmarks)
        assert points.shape == (68, 2)
        inner = points[17:]
        assert inner.min() > 0
        assert inner.max() < synthetic.SIZE


def test_nothing_is_drawn_until_a_face_is_asked_for(monkeypatch):
    def draw(*_):
        raise AssertionError("drawn too early")

    monkeypatch.setattr(synthetic.crops, "draw", draw)
    dataset = open_dataset("synthetic:people=2")
    with pytest.raises(AssertionError, match="too early"):
        dataset.items[0].face()


def test_default_and_seed():
    assert len(open_dataset("synthetic").subjects) == 40
    one, same, other = (open_dataset(f"synthetic:people=1,seed={seed}") for seed in (1, 1, 2))
    assert one.fingerprint() == same.fingerprint() != other.fingerprint()


def test_a_larger_set_begins_with_the_smaller_one():
    few, more = (synthetic.build(synthetic.Options(people=n)) for n in (1, 2))
    assert [item.name for item in few.items] == [item.name for item in more.items[:8]]
    assert (few.items[3].face() == more.items[3].face()).all()


@pytest.mark.parametrize(
    "argument",
    [
        "12",
        "people",
        "people=",
        "people=two",
        "people=-1",
        "people=1.5",
        "people=²",
        "people=0",
        "people=1000",
        "people=3,people=4",
        "persons=3",
        "people=3,",
        ",",
        "people=3;seed=1",
        "../shared/data",
    ],
)
def test_malformed_arguments_are_refused(argument):
    with pytest.raises(UsageError, match="synthetic"):
        open_dataset(f"synthetic:{argument}")


def test_spaces_are_no_matter():
    assert synthetic.parse("people = 3, seed = 1") == synthetic.Options(3, 1)


def test_options_check_their_range():
    with pytest.raises(ValueError, match="people"):
        synthetic.Options(people=0)
    with pytest.raises(ValueError, match="seed"):
        synthetic.Options(seed=-1)
