"""Codes of whole sequences from those of their frames."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mien.data.dataset import Dataset, Item
from mien.data.sequences import codes_of_sequences
from mien.labels import LabelSet


def frame(sequence: str, place: int, expression: str | None, units) -> Item:
    return Item(f"{sequence}_{place}", "P", sequence, place, expression, units, lambda: np.zeros((2, 2), np.uint8))


def codes(*items: Item):
    return codes_of_sequences(Dataset("made", items, LabelSet(("a", "neutral")), ("AU01", "AU02")))


def test_the_last_coded_frame_counts():
    assert codes(frame("s", 0, "a", (0, 1)), frame("s", 1, "a", (1, 1)), frame("s", 2, "a", None)) == {"s": (1, 1)}


def test_a_first_frame_says_nothing_of_a_sequence_that_nobody_coded():
    assert codes(frame("s", 0, "neutral", (0, 0)), frame("s", 9, None, None)) == {}
    assert codes(frame("s", 0, "neutral", (0, 0)), frame("s", 9, None, (0, 1))) == {"s": (0, 1)}


def test_a_sequence_of_neutral_frames_has_their_codes():
    assert codes(frame("s", 0, "neutral", (0, 0))) == {"s": (0, 0)}
    assert codes() == {}


UNITS = st.none() | st.tuples(st.integers(0, 1), st.integers(0, 1))
FRAMES = st.lists(
    st.builds(
        frame,
        st.sampled_from("stu"),
        st.integers(0, 50),
        st.sampled_from(["a", "neutral", None]),
        UNITS,
    ),
    unique_by=lambda item: item.name,
)


@given(frames=FRAMES, data=st.data())
def test_the_order_of_the_frames_is_no_matter_and_every_code_is_somebodys(frames, data):
    found = codes(*frames)
    assert found == codes(*data.draw(st.permutations(frames)))
    for sequence, coded in found.items():
        assert coded in [item.action_units for item in frames if item.sequence == sequence]
    uncoded = [replace(item, action_units=None) for item in frames]
    assert codes(*uncoded) == {}
