"""When no expression is named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien.temporal.abstention import Options, reason
from mien.types import Quality

GOOD = Quality(sharpness=0.5, brightness=0.5, size=30.0, presence=0.9)
shares = st.floats(0, 1)
qualities = st.builds(Quality, shares, shares, st.floats(0, 200), shares)


@given(st.one_of(st.none(), qualities), shares)
def test_off_by_default(quality, confidence):
    assert reason(Options(), quality, confidence) == ""
    assert not Options().asked


@pytest.mark.parametrize(
    ("level", "limit"), [("presence", 0.9), ("size", 30.0), ("sharpness", 0.5), ("brightness", 0.5)]
)
def test_each_quality(level, limit):
    assert reason(Options(**{level: limit}), GOOD, 1.0) == ""
    assert reason(Options(**{level: limit + 0.01}), GOOD, 1.0) == level
    assert Options(**{level: limit}).of_quality
    assert Options(**{level: limit}).asked


def test_confidence_needs_no_quality():
    assert reason(Options(confidence=0.6), None, 0.6) == ""
    assert reason(Options(confidence=0.6), None, 0.59) == "confidence"
    assert not Options(confidence=0.6).of_quality
    assert Options(confidence=0.6).asked


def test_the_first_that_applies():
    high = {"presence": 1.0, "size": 99.0, "sharpness": 1.0, "brightness": 1.0, "confidence": 1.0}
    while high:
        assert reason(Options(**high), GOOD, 0.5) == next(iter(high))
        del high[next(iter(high))]


def test_a_face_that_was_not_measured_reaches_no_level():
    assert reason(Options(brightness=0.01), None, 1.0) == "brightness"


@given(qualities, shares, shares, st.sampled_from(["presence", "sharpness", "brightness", "confidence"]))
def test_a_higher_level_never_names_more(quality, confidence, level, name):
    low, high = Options(**{name: level / 2}), Options(**{name: level})
    if reason(low, quality, confidence):
        assert reason(high, quality, confidence)


@pytest.mark.parametrize(
    "wrong", [{"confidence": 1.1}, {"presence": -0.1}, {"sharpness": 2.0}, {"brightness": -1.0}]
)
def test_shares_beyond_0_and_1_are_refused(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be 0 to 1"):
        Options(**wrong)


def test_a_negative_size_is_refused():
    with pytest.raises(ValueError, match="size must be 0 pixels or more"):
        Options(size=-1.0)
