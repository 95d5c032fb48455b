"""Official parts: who may be trained on, and who is only ever scored."""

import dataclasses

import numpy as np
import pytest

from mien.data import parts, splits
from mien.data.dataset import Dataset, Item
from mien.errors import DataError, UnknownPartError
from mien.labels import LabelSet

LABELS = LabelSet(("happiness", "neutral"))


def item(k, part):
    return Item(f"i{k}", f"s{k}", f"q{k}", 0, "neutral", None, lambda: np.full((4, 4), k, np.uint8), part=part)


DIVIDED = Dataset("web", tuple(item(k, part) for k, part in enumerate(("train", "test", "train"))), LABELS)
WHOLE = Dataset("lab", (item(0, ""), item(1, "")), LABELS)


def test_the_parts_there_are_in_their_order():
    assert parts.parts(DIVIDED) == ("train", "test")
    assert parts.parts(WHOLE) == ()


def test_training_sees_the_training_part_alone_and_says_so():
    found = parts.for_training(DIVIDED)
    assert [i.name for i in found.items] == ["i0", "i2"]
    assert found.name == "web-train"
    assert parts.for_training(found).name == "web-train"
    assert parts.for_training(WHOLE) is WHOLE


def test_without_a_training_part_there_is_nothing_to_train_on():
    with pytest.raises(DataError, match=r"web-test: has no part 'train'; there are: test"):
        parts.for_training(parts.of_part(DIVIDED, "test"))


@pytest.mark.parametrize(
    ("dataset", "says"), [(DIVIDED, "there are: train, test"), (WHOLE, "not divided into official parts")]
)
def test_a_part_that_is_not_there_is_named_with_those_that_are(dataset, says):
    with pytest.raises(DataError, match=rf"has no part 'validation'; .*{says}"):
        splits.protocol("validation").select(dataset)


def test_division_by_part_loses_nobody():
    mixed = dataclasses.replace(DIVIDED, items=(*DIVIDED.items, dataclasses.replace(item(9, ""), name="z")))
    found = parts.by_part(mixed)
    assert {part: [i.name for i in piece.items] for part, piece in found.items()} == {
        "": ["z"],
        "test": ["i1"],
        "train": ["i0", "i2"],
    }
    assert parts.by_part(WHOLE)[""].fingerprint() == WHOLE.fingerprint()


def test_parts_and_votes_do_not_change_the_fingerprint():
    items = tuple(dataclasses.replace(i, part="") for i in DIVIDED.items)
    assert dataclasses.replace(DIVIDED, items=items).fingerprint() == DIVIDED.fingerprint()


def test_a_protocol_that_nobody_knows_is_told_of_the_official_parts_too():
    with pytest.raises(UnknownPartError, match="paper-split, validation, test"):
        splits.protocol("best")


def test_no_split_trains_on_what_was_set_apart():
    with pytest.raises(DataError, match=r"fold 0 would train on i1, of the part test"):
        splits.checked([splits.Fold((0, 1), (2,))], DIVIDED)
    assert splits.checked([splits.Fold((0, 2), (1,))], DIVIDED)
