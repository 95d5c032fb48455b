"""Anatomy, action units, expressions and people of the drawn faces: the truth, before any pixel."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien.data.synthetic import anatomy, expressions, people, sequences
from mien.data.synthetic.actions import Movement, move
from mien.labels import ACTION_UNITS, EXPRESSIONS

REST = anatomy.MEAN_FACE
UNITS = tuple(ACTION_UNITS)
CORNERS, INNER_BROWS, OUTER_BROWS = [48, 54], [21, 22], [18, 25]
UPPER_LIDS, LOWER_LIDS = [37, 38, 43, 44], [41, 40, 47, 46]


def moved(unit, strength=1.0, side="both", points=REST):
    return move(points, Movement({unit: strength}, side))


def opening(points):
    return points[66, 1] - points[62, 1]


def eye_opening(points):
    return (points[LOWER_LIDS, 1] - points[UPPER_LIDS, 1]).mean()


def mouth_width(points):
    return points[54, 0] - points[48, 0]


def mirrored(points):
    return points[list(anatomy.MIRROR)] * (-1, 1)


def test_the_mirror_of_the_mirror_is_the_face():
    assert [anatomy.MIRROR[k] for k in anatomy.MIRROR] == list(range(68))


@pytest.mark.parametrize("number", range(5))
def test_a_face_at_rest_is_symmetric_and_in_order(number):
    points = anatomy.at_rest(people.invent(number))
    assert points == pytest.approx(mirrored(points))
    assert (np.diff(points[anatomy.JAW, 0]) > 0).all()
    heights = [points[k, 1] for k in (19, 37, 41, 30, 33, 51, 62, 57, 8)]  # brow, lids, nose, lips, chin
    assert heights == sorted(heights)
    assert np.abs(points).max() < 0.5  # inside the box


@pytest.mark.parametrize("unit", UNITS)
def test_every_action_unit_moves_something_and_more_when_stronger(unit):
    half, full = np.abs(moved(unit, 0.5) - REST).sum(), np.abs(moved(unit) - REST).sum()
    assert 0 < half < full


@pytest.mark.parametrize("unit", UNITS)
def test_action_units_are_symmetric(unit):
    points = moved(unit)
    assert points == pytest.approx(mirrored(points))


def test_smile_raises_and_widens_the_corners_and_depressor_lowers_them():
    smile, frown = moved("AU12"), moved("AU15")
    assert (smile[CORNERS, 1] < REST[CORNERS, 1] - 0.03).all()
    assert mouth_width(smile) > mouth_width(REST) + 0.06
    assert (frown[CORNERS, 1] > REST[CORNERS, 1] + 0.03).all()


def test_mouth_opens_ever_wider_from_parted_lips_to_stretched_jaw():
    gaps = [opening(moved(unit)) for unit in ("AU24", "AU25", "AU26", "AU27")]
    assert gaps == sorted(gaps)
    assert gaps[0] < 0.01 < gaps[1]
    assert gaps[3] > 0.1
    assert moved("AU27")[8, 1] > moved("AU26")[8, 1] > moved("AU25")[8, 1] + 0.03  # the chin drops


def test_brows_rise_at_the_inner_or_outer_end_and_fall():
    inner, outer, lowered = moved("AU01") - REST, moved("AU02") - REST, moved("AU04") - REST
    assert (inner[INNER_BROWS, 1] < -0.04).all()
    assert (np.abs(inner[OUTER_BROWS, 1]) < 0.01).all()
    assert (outer[OUTER_BROWS, 1] < -0.04).all()
    assert (np.abs(outer[INNER_BROWS, 1]) < 0.01).all()
    assert (lowered[INNER_BROWS, 1] > 0.02).all()
    assert lowered[21, 0] > 0 > lowered[22, 0]  # together


def test_lids_open_and_tighten_but_never_close():
    assert eye_opening(moved("AU05")) > 1.3 * eye_opening(REST)
    assert eye_opening(moved("AU07")) < 0.8 * eye_opening(REST)
    everything = move(REST, Movement(dict.fromkeys(("AU04", "AU06", "AU07", "AU09"), 1.0)))
    assert eye_opening(everything) >= 0.0039


@pytest.mark.parametrize(
    ("unit", "sign"), [("AU20", 1), ("AU14", 1), ("AU12", 1), ("AU18", -1), ("AU22", -1), ("AU23", -1)]
)
def test_lips_stretch_and_pucker(unit, sign):
    assert sign * (mouth_width(moved(unit)) - mouth_width(REST)) > 0.01


@pytest.mark.parametrize(("unit", "sign"), [("AU23", -1), ("AU24", -1), ("AU22", 1), ("AU18", 1)])
def test_lips_thin_and_protrude(unit, sign):
    def thickness(points):
        return points[57, 1] - points[51, 1] - opening(points)

    assert sign * (thickness(moved(unit)) - thickness(REST)) > 0.005


def test_nose_wrinkler_upper_lip_raiser_and_chin_raiser_lift():
    assert (moved("AU09")[[31, 35], 1] < REST[[31, 35], 1] - 0.01).all()
    assert moved("AU10")[51, 1] < REST[51, 1] - 0.02
    assert moved("AU17")[8, 1] < REST[8, 1] - 0.01
    assert moved("AU16")[57, 1] > REST[57, 1] + 0.01


@pytest.mark.parametrize("unit", ["AU12", "AU14"])
def test_one_sided_units_leave_the_other_side(unit):
    points = moved(unit, side="left")
    right = REST[:, 0] > 0
    thinner = list(range(48, 68))
    assert np.delete(points, thinner, 0)[np.delete(right, thinner)] == pytest.approx(
        np.delete(REST, thinner, 0)[np.delete(right, thinner)]
    )
    assert points[54] == pytest.approx(REST[54])
    assert np.hypot(*(points[48] - REST[48])) > 0.03
    assert mirrored(moved(unit, side="right")) == pytest.approx(points)


def test_a_side_changes_no_other_unit():
    assert moved("AU15", side="left") == pytest.approx(moved("AU15"))


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.sampled_from(UNITS), st.floats(0, 1), max_size=8), st.integers(0, 30))
def test_no_movement_turns_lids_or_lips_inside_out(intensity, number):
    points = move(anatomy.at_rest(people.invent(number)), Movement(intensity))
    assert np.isfinite(points).all()
    assert (points[LOWER_LIDS, 1] > points[UPPER_LIDS, 1]).all()
    assert (points[[67, 66, 65], 1] >= points[[61, 62, 63], 1]).all()


def test_movement_refuses_what_is_no_action_unit():
    with pytest.raises(ValueError, match="AU43"):
        Movement({"AU43": 0.5})
    with pytest.raises(ValueError, match="AU12"):
        Movement({"AU12": 1.5})
    with pytest.raises(ValueError, match="AU12"):
        Movement({"AU12": float("nan")})


def test_people_differ_and_come_back():
    first = people.invent(3, seed=1)
    assert first == people.invent(3, seed=1)
    assert first != people.invent(4, seed=1)
    assert dataclasses.replace(people.invent(3, seed=2), seed=1) != first


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_peaks_meet_the_criteria_of_their_expression(expression):
    for number in range(60):
        movement = expressions.peak(people.invent(number), expression)
        present = {unit for unit, strength in movement.intensity.items() if strength >= expressions.PRESENT}
        assert present == set(movement.intensity)
        assert expressions.agrees(expression, present)
        if expression != "neutral":
            assert not expressions.agrees("neutral", present)


def test_people_choose_other_units_for_the_same_expression():
    chosen = {frozenset(expressions.peak(people.invent(n), "anger").intensity) for n in range(40)}
    assert len(chosen) > 4


def test_contempt_is_often_one_sided_and_nothing_else_is():
    for expression in EXPRESSIONS:
        sides = [expressions.peak(people.invent(n), expression).side for n in range(60)]
        if expression == "contempt":
            assert {"left", "right", "both"} == set(sides)
            assert sides.count("both") < 25
        else:
            assert set(sides) == {"both"}


@pytest.mark.parametrize(
    ("expression", "present", "expected"),
    [
        ("anger", ["AU23"], False),
        ("disgust", ["AU10"], True),
        ("fear", ["AU01", "AU02", "AU05"], False),
        ("sadness", ["AU06", "AU15"], True),
        ("surprise", ["AU05"], True),
        ("contempt", ["AU12"], False),
        ("happiness", ["AU06"], False),
    ],
)
def test_criteria(expression, present, expected):
    assert expressions.agrees(expression, present) is expected


def test_unknown_expression():
    with pytest.raises(ValueError, match="happiness"):
        expressions.peak(people.invent(0), "boredom")


def test_a_sequence_rises_to_its_apex_and_falls_back():
    person = people.invent(2)
    apex = expressions.peak(person, "fear")
    moments = sequences.sequence(person, "fear", 21)
    for unit, most in apex.intensity.items():
        course = np.array([moment.movement[unit] for moment in moments])
        top = int(course.argmax())
        assert course[top] == pytest.approx(most)
        assert course[0] == course[-1] == 0
        assert (np.diff(course[: top + 1]) >= 0).all()
        assert (np.diff(course[top:]) <= 0).all()
        assert np.abs(np.diff(course)).max() < 0.3 * most  # smooth
    assert [moment.place for moment in moments] == list(range(21))


def test_a_sequence_may_end_at_its_apex():
    assert sequences.sequence(people.invent(0), "anger", 5, offset=0)[-1].strength == 1


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_the_person_stays_the_same_whatever_the_face_shows(expression):
    moments = sequences.sequence(people.invent(5), expression, 6)
    assert {moment.person for moment in moments} == {people.invent(5)}
    assert moments[0].points() == pytest.approx(sequences.sequence(people.invent(5), "neutral", 6)[0].points())


@pytest.mark.parametrize(("onset", "offset"), [(0, 0.5), (0.7, 0.7), (0.5, -0.1), (float("nan"), 0.1)])
def test_impossible_courses(onset, offset):
    with pytest.raises(ValueError, match="onset"):
        sequences.sequence(people.invent(0), "fear", onset=onset, offset=offset)


def test_too_short_a_sequence():
    with pytest.raises(ValueError, match="2 frames"):
        sequences.sequence(people.invent(0), "fear", 1)
