"""Who shows what, and whether it is enough to test on people unseen."""

import numpy as np
import pytest

from mien.data.census import census, require_people
from mien.data.dataset import Dataset, Item
from mien.errors import DataError
from mien.labels import LabelSet


def made(*shown: tuple[str, str | None]) -> Dataset:
    items = [
        Item(f"{k}", who, f"{k}", 0, label, None, lambda: np.zeros((2, 2), np.uint8))
        for k, (who, label) in enumerate(shown)
    ]
    return Dataset("made", tuple(items), LabelSet(("anger", "fear", "sadness")))


def test_faces_and_people_are_counted_by_label():
    found = census(made(("ben", "anger"), ("ann", "anger"), ("ann", "anger"), ("cem", "fear"), ("dov", None)))
    assert found.faces == {"anger": 3, "fear": 1, "sadness": 0}
    assert found.people == {"anger": ("ann", "ben"), "fear": ("cem",), "sadness": ()}


@pytest.mark.parametrize(
    ("shown", "says"),
    [
        ([], "no face has a label"),
        ([("ann", None), ("ben", None)], "no face has a label"),
        ([("ann", "anger"), ("ann", "fear"), ("ben", None)], "all labelled faces are of ann"),
        ([("ann", "anger"), ("ben", "anger")], "all labelled faces show anger"),
        (
            [("ann", "anger"), ("ben", "anger"), ("ann", "fear"), ("ann", "fear"), ("ben", "sadness")],
            r"one person alone shows fear \(only ann\), sadness \(only ben\)",
        ),
    ],
)
def test_too_few_people_are_refused(shown, says):
    with pytest.raises(DataError, match=says) as caught:
        require_people(made(*shown))
    assert "\n" not in str(caught.value)


def test_two_people_per_label_are_enough_and_a_label_that_nobody_shows_is_no_matter():
    dataset = made(("ann", "anger"), ("ben", "anger"), ("ann", "fear"), ("ben", "fear"))
    assert require_people(dataset) == census(dataset)
