"""A few faces that cannot be read are left out and listed; many are an error."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.data.dataset import Dataset, Item
from mien.data.readable import MOST_UNREADABLE, Skip, readable
from mien.errors import DataError
from mien.labels import LabelSet


def face(name: str):
    def read():
        if name.startswith("bad"):
            raise DataError(f"{name}.png: cut off")
        return np.zeros((0, 5) if name.startswith("empty") else (4, 5), np.uint8)

    return read


def made(names) -> Dataset:
    items = tuple(Item(name, "P", name, 0, "a", None, face(name)) for name in names)
    return Dataset("made", items, LabelSet(("a", "b")), ("AU01",), synthetic=True, terms="free")


def test_what_cannot_be_read_is_listed_with_its_reason():
    names = [f"good{k:02d}" for k in range(20)]
    whole = made([*names[:5], "bad1", *names[5:], "empty1"])
    kept, skips = readable(whole)
    assert [item.name for item in kept.items] == names
    assert skips == (
        Skip("bad1", "bad1.png: cut off"),
        Skip("empty1", "empty1: the crop has no pixels; remove it or make it anew"),
    )
    assert (kept.name, kept.labels, kept.action_units, kept.synthetic, kept.terms) == (
        whole.name,
        whole.labels,
        whole.action_units,
        True,
        "free",
    )


def test_a_whole_data_set_comes_back_as_it_was():
    whole = made(["good1", "good2"])
    assert readable(whole) == (whole, ())


def test_one_is_always_allowed_but_not_the_only_one():
    assert len(readable(made(["good1", "bad1"]))[1]) == 1
    with pytest.raises(DataError, match=r"made: 1 of 1 faces cannot be read.*bad1\.png: cut off"):
        readable(made(["bad1"]))


def test_no_faces_at_all_are_refused():
    with pytest.raises(DataError, match="made: holds no faces"):
        readable(made([]))


def test_another_error_is_not_swallowed():
    def read():
        raise MemoryError

    item = Item("x", "P", "x", 0, "a", None, read)
    with pytest.raises(MemoryError):
        readable(Dataset("made", (item,), LabelSet(("a", "b"))))


@given(good=st.integers(0, 40), bad=st.integers(0, 10))
def test_more_than_a_tenth_is_refused(good, bad):
    dataset = made([f"good{k}" for k in range(good)] + [f"bad{k}" for k in range(bad)])
    if good and (bad <= 1 or bad <= MOST_UNREADABLE * (good + bad)):
        kept, skips = readable(dataset)
        assert (len(kept.items), len(skips)) == (good, bad)
    else:
        with pytest.raises(DataError):
            readable(dataset)
