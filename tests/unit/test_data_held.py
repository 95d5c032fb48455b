"""Faces kept in memory: read once, and equal to what was read."""

import numpy as np
import pytest

from mien.data.dataset import Dataset, Item
from mien.data.readable import held
from mien.errors import DataError
from mien.labels import LabelSet


def made(faces) -> Dataset:
    items = tuple(Item(f"i{k}", f"P{k}", f"s{k}", k, "a", (1,), face) for k, face in enumerate(faces))
    return Dataset("made", items, LabelSet(("a", "b")), ("AU01",), synthetic=True, terms="free")


def test_a_held_face_is_read_once_and_every_face_stays_its_own():
    calls = []

    def reader(value):
        def read():
            calls.append(value)
            return np.full((4, 5), value, np.uint8)

        return read

    whole = made([reader(k) for k in range(3)])
    kept = held(whole)
    assert calls == [0, 1, 2]
    for _ in range(2):
        assert [int(item.face()[0, 0]) for item in kept.items] == [0, 1, 2]
    assert calls == [0, 1, 2]
    assert kept.fingerprint() == whole.fingerprint()


def test_all_else_is_as_it_was():
    whole = made([lambda: np.zeros((4, 5), np.uint8)])
    kept = held(whole)
    (before,), (after,) = whole.items, kept.items
    assert (kept.name, kept.labels, kept.action_units, kept.synthetic, kept.terms) == (
        whole.name, whole.labels, whole.action_units, True, "free",
    )  # fmt: skip
    for field in ("name", "subject", "sequence", "place", "expression", "action_units", "landmarks", "intensities"):
        assert getattr(after, field) == getattr(before, field)


def test_a_face_that_cannot_be_read_is_an_error_here():
    def read():
        raise DataError("x.png: cut off")

    with pytest.raises(DataError, match=r"x\.png: cut off"):
        held(made([read]))
