"""The vocabulary and its colours."""

import itertools
import re

import cv2
import numpy as np
import pytest

from mien.labels import ACTION_UNITS, COLOURS, COMBINATIONS, EXPRESSIONS, NEUTRAL, SYNONYMS, LabelSet, canonical

# Dichromats' vision simulated in linear RGB at full severity: Machado, Oliveira & Fernandes (2009), table 1.
VISION = {
    "trichromat": np.eye(3),
    "protanope": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranope": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
}
# CIE 1976 colour difference. About 2.3 is just noticeable side by side; lines in a chart are thin and apart, so
# several times that is asked for. The closest pair (contempt and disgust, to a deuteranope) is 17.7 apart.
LEAST_DIFFERENCE = 15


def lab(code, vision):
    srgb = np.array([int(code[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(vision @ linear, 0, 1)
    srgb = np.where(seen <= 0.0031308, seen * 12.92, 1.055 * seen ** (1 / 2.4) - 0.055)
    return cv2.cvtColor(srgb.astype(np.float32)[None, None], cv2.COLOR_RGB2LAB)[0, 0]


def test_eight_expressions_in_alphabetical_order():
    assert len(EXPRESSIONS) == 8
    assert list(EXPRESSIONS) == sorted(set(EXPRESSIONS))


def test_every_expression_has_a_colour():
    assert tuple(COLOURS) == EXPRESSIONS
    assert all(re.fullmatch("#[0-9A-F]{6}", colour) for colour in COLOURS.values())


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize(("one", "other"), list(itertools.combinations(EXPRESSIONS, 2)))
def test_colours_can_be_told_apart(one, other, vision):
    difference = np.linalg.norm(lab(COLOURS[one], VISION[vision]) - lab(COLOURS[other], VISION[vision]))
    assert difference >= LEAST_DIFFERENCE


def test_colours_can_be_seen_on_white():
    white = lab("#FFFFFF", np.eye(3))
    assert all(np.linalg.norm(lab(colour, np.eye(3)) - white) > 30 for colour in COLOURS.values())


def test_action_units_are_numbered_as_facs_numbers_them():
    assert list(ACTION_UNITS) == sorted(ACTION_UNITS)
    assert all(re.fullmatch("AU[0-9]{2}", unit) for unit in ACTION_UNITS)
    assert ACTION_UNITS["AU12"] == "lip corner puller"
    assert len(set(ACTION_UNITS.values())) == len(ACTION_UNITS)


@pytest.mark.parametrize(
    ("word", "expected"),
    [("happy", "happiness"), (" JOY\n", "happiness"), ("Anger", "anger"), ("neutral", "neutral"), ("Pain", "pain")],
)
def test_canonical(word, expected):
    assert canonical(word) == expected


def test_canonical_words_are_fixed_points():
    assert all(canonical(word) == word for word in EXPRESSIONS)
    assert set(SYNONYMS.values()) <= set(EXPRESSIONS)
    assert not set(SYNONYMS) & set(EXPRESSIONS)


@pytest.mark.parametrize("names", [(), ("anger",), ("anger", "fear", "anger")])
def test_label_sets_that_mean_nothing_are_refused(names):
    with pytest.raises(ValueError, match="two or more and all different"):
        LabelSet(names)


@pytest.mark.parametrize(
    ("units", "words"),
    [
        (("AU12", "AU12"), "action units must be all different"),
        (("AU12", "AU99", "smile"), "unknown action units AU99, smile; known: AU01, AU02, AU04"),
    ],
)
def test_action_units_that_mean_nothing_are_refused(units, words):
    with pytest.raises(ValueError, match=words):
        LabelSet(("a", "b"), units)


def test_a_name_is_a_label_or_an_action_unit():
    with pytest.raises(ValueError, match="AU12 cannot be both label and action unit"):
        LabelSet(("AU12", "b"), ("AU12",))


def test_the_action_units_belong_to_the_set():
    assert LabelSet(("a", "b")).action_units == ()
    assert LabelSet(("a", "b"), ("AU12",)) != LabelSet(("a", "b"))


def test_combinations_are_of_known_units_and_expressions():
    assert set(COMBINATIONS) == set(EXPRESSIONS) - {NEUTRAL}
    for combinations in COMBINATIONS.values():
        assert len(set(combinations)) == len(combinations)
        for one in combinations:
            assert one.present
            assert set(one.present) | set(one.absent) <= set(ACTION_UNITS)
            assert not set(one.present) & set(one.absent)
            assert list(one.present) == sorted(one.present)


def test_no_combination_speaks_for_two_expressions():
    everything = [one.present for combinations in COMBINATIONS.values() for one in combinations]
    assert len(set(everything)) == len(everything)


def test_label_sets_are_values():
    assert LabelSet(("a", "b")) == LabelSet(("a", "b"))
    assert LabelSet(("a", "b")) != LabelSet(("b", "a"))
    assert hash(LabelSet(("a", "b"))) == hash(LabelSet(("a", "b")))
