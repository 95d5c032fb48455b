"""From action units to expressions by rule."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien import facs
from mien.labels import ACTION_UNITS, COMBINATIONS, EXPRESSIONS, LabelSet

ALL = LabelSet(EXPRESSIONS, tuple(ACTION_UNITS))
RULES = facs.rules(ALL)
probabilities = st.lists(st.floats(0, 1), min_size=23, max_size=23).map(np.array)


def shown(level: float = 0.9, **units: float) -> np.ndarray:
    """Probabilities of all units: ``level`` for AU.. given as 1, else what is given, .1 for the others."""
    return np.array([level if units.get(u) == 1 else units.get(u, 0.1) for u in ACTION_UNITS])


def told(levels: np.ndarray) -> str:
    return facs.evidence(RULES, ALL.action_units, levels)


@pytest.mark.parametrize(
    ("units", "expression"),
    [
        (("AU23", "AU24"), "anger"),
        (("AU14",), "contempt"),
        (("AU09",), "disgust"),
        (("AU10",), "disgust"),
        (("AU01", "AU02", "AU04"), "fear"),
        (("AU12",), "happiness"),
        (("AU01", "AU04", "AU15"), "sadness"),
        (("AU11",), "sadness"),
        (("AU06", "AU15"), "sadness"),
        (("AU01", "AU02"), "surprise"),
    ],
)
def test_the_criteria_of_ck_plus(units, expression):
    levels = shown(**dict.fromkeys(units, 1))
    strengths = facs.strengths(RULES, levels)
    assert [name for name, strength in strengths.items() if strength >= 0.5] == [expression]
    assert told(levels) == f"{expression} .90 = {' '.join(units)}"
    for lacking in units:
        assert told(shown(**{unit: 1 for unit in units if unit != lacking})).count(expression) == 0


def test_the_words():
    assert told(shown(AU06=0.97, AU12=0.934)) == "happiness .93 = AU06 AU12"
    assert told(shown(AU06=0.49, AU12=1.0, level=1.0)) == "happiness 1.00 = AU12"
    assert told(shown(AU09=0.6, AU12=0.8)) == "happiness .80 = AU12; disgust .60 = AU09"
    assert told(shown(AU09=0.7, AU14=0.7)) == "contempt .70 = AU14; disgust .70 = AU09"  # a tie: the labels' order
    assert told(shown(AU12=0.5)) == "happiness .50 = AU12"
    assert told(shown(AU12=0.4999)) == ""
    assert told(shown()) == ""


def test_with_the_brow_lowerer_raised_brows_are_fear():
    levels = shown(AU01=1, AU02=1, AU04=0.8)
    assert told(levels) == "fear .80 = AU01 AU02 AU04"
    assert facs.strengths(RULES, levels)["surprise"] == pytest.approx(0.2)


def test_only_units_that_the_model_has_count():
    few = LabelSet(EXPRESSIONS, ("AU12", "AU01", "AU02"))
    rules = facs.rules(few)
    assert {rule.expression for rule in rules} == {"happiness", "surprise"}
    assert facs.evidence(rules, few.action_units, np.array([0.9, 0.8, 0.7])) == (
        "happiness .90 = AU12; surprise .70 = AU01 AU02"
    )


def test_only_expressions_that_the_model_has_count():
    few = LabelSet(("neutral", "happiness"), tuple(ACTION_UNITS))
    assert {rule.expression for rule in facs.rules(few)} == {"happiness"}


def test_a_model_without_action_units_has_no_rules():
    assert facs.rules(LabelSet(EXPRESSIONS)) == ()
    assert facs.strengths((), np.zeros(0)) == {}
    assert facs.evidence((), (), np.zeros(0)) == ""


@given(probabilities)
def test_a_rule_holds_where_all_of_its_conditions_do(levels):
    level = dict(zip(ACTION_UNITS, levels, strict=True))
    for expression, strength in facs.strengths(RULES, levels).items():
        assert 0 <= strength <= 1
        holds = any(
            all(level[unit] >= 0.5 for unit in one.present) and all(1 - level[unit] >= 0.5 for unit in one.absent)
            for one in COMBINATIONS[expression]
        )
        assert (strength >= 0.5) == holds
        assert (expression in told(levels)) == holds


@given(probabilities, st.integers(0, 22), st.floats(0, 1))
def test_more_of_a_unit_never_weakens_a_rule_that_wants_it(levels, unit, more):
    raised = levels.copy()
    raised[unit] = max(raised[unit], more)
    for rule in RULES:
        if unit in rule.present:
            assert rule.strength(raised) >= rule.strength(levels)
        if unit in rule.absent:
            assert rule.strength(raised) <= rule.strength(levels)


@given(probabilities, st.permutations(list(range(23))))
def test_the_order_of_the_units_does_not_matter(levels, order):
    other = LabelSet(EXPRESSIONS, tuple(ALL.action_units[k] for k in order))
    assert facs.evidence(facs.rules(other), other.action_units, levels[list(order)]) == told(levels)


@given(probabilities)
def test_every_unit_that_is_named_is_there(levels):
    level = dict(zip(ACTION_UNITS, levels, strict=True))
    named = [word for word in told(levels).replace(";", " ").split() if word.startswith("AU")]
    assert all(level[unit] >= 0.5 for unit in named)
