"""Drawing on pictures: what is drawn, where, and what is left alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from mien.faces.pose import pose
from mien.faces.shape import Placement, mean_shape
from mien.labels import COLOURS, EXPRESSIONS, LabelSet
from mien.output.annotate import FOUND_FOR, LOST_FOR, Annotator
from mien.output.colours import colours, ink_on, parse
from mien.output.layout import Area, beside, corner
from mien.output.lettering import Lettering
from mien.output.marks import ahead
from mien.types import Box, FrameResult, Landmarks, Observation, Pose

LABELS = LabelSet(EXPRESSIONS)
GROUND = 120


def face(number: int, box: Box, expression: str = "happiness", state: str = "confirmed") -> Observation:
    shares = np.full(8, 0.04)
    shares[EXPRESSIONS.index(expression)] = 0.72
    return Observation(number, box, 0.9, state, expression, shares)  # type: ignore[arg-type]


def drawn(width: int, height: int, *faces: Observation, lost: tuple[int, ...] = ()) -> np.ndarray:
    image = np.full((height, width, 3), GROUND, np.uint8)
    annotator = Annotator(LABELS, width, height)
    annotator.see(FrameResult(0, 0.0, faces, lost), 0.0)
    annotator.draw(image, 0.0)
    return image


def changed(image: np.ndarray) -> np.ndarray:
    return (image != GROUND).any(axis=2)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_the_box_has_the_expressions_colour_and_a_white_rim(expression):
    image = drawn(640, 480, face(1, Box(100, 150, 120, 120), expression))
    assert tuple(image[220, 100]) == parse(COLOURS[expression])
    assert (image[220, 94:100] == 255).all(axis=1).any()


def test_nothing_changes_away_from_face_and_panel():
    image = drawn(1280, 480, face(1, Box(100, 150, 120, 120)))
    columns = np.flatnonzero(changed(image).any(axis=0))
    rows = np.flatnonzero(changed(image).any(axis=1))
    assert columns.min() >= 94
    assert columns.max() < 500
    assert rows.min() >= 120
    assert rows.max() < 400
    assert not changed(image)[160:260, 110:210].any()  # the face itself stays as it is


def test_bars_are_as_long_as_the_probabilities():
    image = drawn(640, 480, face(1, Box(100, 150, 120, 120), "fear"))
    right = image[:, 240:]
    blue = (right == parse(COLOURS["fear"])).all(axis=2).sum(axis=1).max()
    other = (right == parse(COLOURS["anger"])).all(axis=2).sum(axis=1).max()
    assert blue / other == pytest.approx(0.72 / 0.04, rel=0.2)


def test_the_panel_goes_left_where_there_is_no_room_on_the_right():
    image = drawn(640, 480, face(1, Box(500, 150, 120, 120)))
    assert changed(image)[160:300, 300:480].any()


def test_a_face_that_fills_the_frame_keeps_a_panel_in_a_corner():
    image = drawn(640, 480, face(1, Box(20, 10, 600, 460)))
    assert changed(image)[340:460, 440:620].mean() > 0.9


def test_no_panel_hides_another_face():
    boxes = [Box(60 + 160 * i, 180, 120, 120) for i in range(3)]
    image = drawn(640, 480, *(face(i + 1, box) for i, box in enumerate(boxes)))
    for box in boxes:
        inner = changed(image)[190:290, int(box.x) + 8 : int(box.x) + 112]
        assert not inner.any()


def test_a_picture_too_small_for_words_gets_a_box_only():
    image = drawn(48, 36, face(1, Box(10, 8, 20, 20)))
    assert changed(image).any()
    assert not changed(image)[13:24, 15:26].any()


def test_a_lost_face_is_marked_grey_and_broken_and_only_for_a_moment():
    box = Box(200, 200, 100, 100)
    annotator = Annotator(LABELS, 640, 480)
    annotator.see(FrameResult(0, 0.0, (face(3, box),)), 0.0)
    annotator.see(FrameResult(1, 0.1, (), (3,)), 0.1)
    image = np.full((480, 640, 3), GROUND, np.uint8)
    annotator.draw(image, 0.2)
    edge = (image[200, 200:300] == (150, 150, 150)).all(axis=1)
    assert 0.3 < edge.mean() < 0.8
    late = np.full((480, 640, 3), GROUND, np.uint8)
    annotator.draw(late, 0.2 + LOST_FOR)
    assert not changed(late).any()


def test_a_face_found_again_has_a_second_box_for_a_moment():
    annotator = Annotator(LABELS, 640, 480)
    annotator.see(FrameResult(0, 5.0, (face(1, Box(200, 200, 100, 100), state="found"),)), 5.0)
    images = [np.full((480, 640, 3), GROUND, np.uint8) for _ in range(2)]
    annotator.draw(images[0], 5.0)
    annotator.draw(images[1], 5.1 + FOUND_FOR)
    outside = [changed(image)[240:260, 185:196].any() for image in images]
    assert outside == [True, False]


def marked(number: int, box: Box, pose: Pose | None = None, **others: object) -> Observation:
    """A face whose points lie as in the mean shape."""
    points = Placement.of_box(box).points(mean_shape()).astype(np.float32)
    return replace(
        face(number, box, **others), landmarks=Landmarks(points, np.ones(68, np.float32), 0.99), pose=pose
    )  # type: ignore[arg-type]


def with_points(*faces: Observation, size: tuple[int, int] = (640, 480)) -> np.ndarray:
    image = np.full((size[1], size[0], 3), GROUND, np.uint8)
    annotator = Annotator(LABELS, *size, points=True)
    annotator.see(FrameResult(0, 0.0, faces), 0.0)
    annotator.draw(image, 0.0)
    return image


def test_every_point_has_a_dot_of_the_expressions_colour_only_where_asked_for():
    seen = marked(1, Box(100, 150, 220, 220), expression="fear")
    assert seen.landmarks is not None
    x, y = np.rint(seen.landmarks.points[17:]).astype(int).T  # the jaw lies on the box's rim
    blue = np.abs(with_points(seen)[y, x].astype(int) - parse(COLOURS["fear"])).max(axis=1)
    assert (blue < 60).all()
    assert not changed(drawn(640, 480, seen))[y, x].any()


def test_dots_grow_with_the_face_and_leave_most_of_it_to_see():
    for side in (60, 200, 440):
        box = Box(10, 20, side, side)
        dots = changed(with_points(marked(1, box))) & ~changed(drawn(640, 480, marked(1, box)))
        assert 0.01 < dots.sum() / side**2 < (0.45 if side == 60 else 0.15)


def test_points_beyond_the_frame_are_left_out():
    image = with_points(marked(1, Box(-60, -60, 100, 100), Pose(0, 60, 0)), size=(64, 48))
    assert image.shape == (48, 64, 3)
    assert changed(image).any()


def points_of_the_nose(image: np.ndarray, box: Box) -> tuple[np.ndarray, tuple[float, float]]:
    """Where the drawing is inside of the box, relative to the tip of the nose, in sides: rightmost, lowest..."""
    inner = np.argwhere(changed(image)[int(box.y) + 10 : int(box.y) + 190, int(box.x) + 10 : int(box.x) + 190]) + 10
    y, x = (inner / 200 - (0.5774, 0.5)).T
    return np.array([x.min(), x.max(), y.min(), y.max()]), (float(x.mean()), float(y.mean()))


@pytest.mark.parametrize(
    ("pose", "toward"),
    [
        (Pose(0, 40, 0), (1, 0)),
        (Pose(0, -40, 0), (-1, 0)),
        (Pose(30, 0, 0), (0, -1)),
        (Pose(-30, 0, 0), (0, 1)),
        (Pose(30, 0, 90), (1, 0)),  # the top of the head lies to the right
        (Pose(0, 40, -90), (0, -1)),
    ],
    ids=["right", "left", "up", "down", "up, rolled", "right, rolled back"],
)
def test_the_nose_s_line_points_where_the_head_does(pose, toward):
    box = Box(100, 150, 200, 200)
    reach, middle = points_of_the_nose(drawn(640, 480, marked(1, box, pose)), box)
    assert np.dot(middle, toward) > 0.1
    sideways = (middle[0] * toward[1], middle[1] * toward[0])
    assert max(map(abs, sideways)) < 0.02
    assert np.abs(reach).max() < 0.4


def test_the_line_is_the_pose_that_the_points_of_a_turned_head_have():
    turned = pose(_seen_from_the_side(), 640, 480)
    assert turned is not None
    x, y = ahead(turned)
    assert x > 0.3
    assert abs(y) < 0.1


def _seen_from_the_side() -> np.ndarray:
    """The mean shape turned 30 degrees to the right of the picture, far away from the camera, pixels."""
    x, y, z = (mean_shape() - (0.5, 0.55, 0.1)).T
    across = x * np.cos(np.radians(30)) - z * np.sin(np.radians(30))
    return np.stack([320 + 100 * across, 240 + 100 * y], axis=1)


def test_a_face_that_looks_into_the_camera_has_a_dot_for_a_line():
    box = Box(100, 150, 200, 200)
    reach, _ = points_of_the_nose(drawn(640, 480, marked(1, box, Pose(0, 0, 30))), box)
    assert np.abs(reach).max() < 0.03


def test_the_box_of_a_tentative_face_is_broken_in_its_expressions_colour():
    box = Box(200, 200, 100, 100)
    image = drawn(640, 480, face(3, box, "fear", "tentative"))
    edge = (image[200, 200:300] == parse(COLOURS["fear"])).all(axis=1)
    assert 0.3 < edge.mean() < 0.8


def test_memory_holds_only_faces_in_view_or_awaited():
    annotator = Annotator(LABELS, 640, 480)
    for number in range(1, 500):
        annotator.see(
            FrameResult(number, 0.0, (face(number, Box(1, 1, 50, 50), state="found"),), (number - 1,)), 0.0
        )
        annotator.draw(np.zeros((480, 640, 3), np.uint8), 0.0)
    held = [annotator._boxes, annotator._sides, annotator._lost, annotator._found]
    assert max(map(len, held)) <= 2


def test_a_panel_does_not_hop_while_its_place_is_free():
    annotator = Annotator(LABELS, 800, 480)
    annotator.see(FrameResult(0, 0.0, (face(1, Box(650, 150, 100, 100)),)), 0.0)
    annotator.draw(np.zeros((480, 800, 3), np.uint8), 0.0)
    annotator.see(FrameResult(1, 0.0, (face(1, Box(400, 150, 100, 100)),)), 0.0)
    image = np.full((480, 800, 3), GROUND, np.uint8)
    annotator.draw(image, 0.0)
    assert changed(image)[200, 200:380].any()  # still on the left, though the right has room now
    assert not changed(image)[200, 520:].any()


sides = st.integers(-400, 900)


@settings(max_examples=60, deadline=None)
@given(
    size=st.tuples(st.integers(1, 700), st.integers(1, 500)),
    boxes=st.lists(st.tuples(sides, sides, st.floats(0, 900), st.floats(0, 900)), max_size=4),
    turns=st.lists(st.floats(-180, 180), min_size=3, max_size=3),
    state=st.sampled_from(["tentative", "confirmed", "found"]),
)
def test_any_box_in_any_frame(size, boxes, turns, state):
    faces = [marked(i + 1, Box(*box), Pose(*turns), state=state) for i, box in enumerate(boxes)]
    image = with_points(*faces, size=size)
    assert image.shape == (size[1], size[0], 3)


@given(
    face=st.tuples(sides, sides, st.integers(0, 300), st.integers(0, 300)),
    other=st.tuples(sides, sides, st.integers(0, 300), st.integers(0, 300)),
    panel=st.tuples(st.integers(1, 300), st.integers(1, 300)),
    frame=st.tuples(st.integers(1, 900), st.integers(1, 900)),
)
def test_a_panel_lies_in_the_frame_and_on_nothing(face, other, panel, frame):
    areas = [Area.of(Box(*face)), Area.of(Box(*other))]
    found = beside(areas[0], panel, frame, 5, areas[1:], "right")
    assume(found is not None)
    assert found is not None
    assert found[1].within(*frame)
    assert not any(found[1].shared(area) for area in areas)
    assert (found[1].x1 - found[1].x0, found[1].y1 - found[1].y0) == panel


def test_the_corner_that_hides_least():
    assert corner((10, 10), (100, 100), 2, [Area(50, 0, 100, 100)]) == Area(2, 88, 12, 98)
    assert corner((101, 10), (100, 100), 2, []) is None


def test_letters_are_cut_off_at_the_edge_and_drawn_inside():
    letters = Lettering(12)
    image = np.zeros((30, 60, 3), np.uint8)
    letters.draw(image, "fear", -10, 28, (255, 0, 0))
    assert image[..., 0].any()
    assert not image[..., 1:].any()
    assert letters.width("happiness") > letters.width("fear")


def test_other_vocabularies_have_different_colours_too():
    chosen = colours(("boredom", "anger", "interest"))
    assert chosen["anger"] == parse(COLOURS["anger"])
    assert len(set(chosen.values())) == 3


@pytest.mark.parametrize(("colour", "ink"), [((0, 0, 0), 255), ((255, 255, 255), 0), (parse("#E69F00"), 0)])
def test_ink_is_readable(colour, ink):
    assert ink_on(colour) == (ink,) * 3


UNITS = ("AU01", "AU06", "AU12", "AU15", "AU25", "AU26")


def moving(width: int, height: int, units: list[float], box: Box | None = None, **changes: str) -> np.ndarray:
    image = np.full((height, width, 3), GROUND, np.uint8)
    annotator = Annotator(LabelSet(EXPRESSIONS, UNITS), width, height)
    seen = replace(face(1, box or Box(100, 150, 120, 120)), action_units=np.array(units), **changes)
    annotator.see(FrameResult(0, 0.0, (seen,)), 0.0)
    annotator.draw(image, 0.0)
    return image


def words(monkeypatch) -> list[str]:
    """All that is written from here on."""
    said: list[str] = []
    inner = Lettering.draw

    def draw(self, image, text, *given, **named):
        said.append(text)
        inner(self, image, text, *given, **named)

    monkeypatch.setattr(Lettering, "draw", draw)
    return said


def test_the_strongest_units_that_are_present_by_number(monkeypatch):
    said = words(monkeypatch)
    moving(1280, 720, [0.9, 0.6, 0.7, 0.51, 0.8, 0.49])
    units = [text for text in said if text.startswith("AU")]
    assert units == ["AU01 inner brow raiser", "AU06 cheek raiser", "AU12 lip corner puller", "AU25 lips part"]
    assert said[said.index("AU12 lip corner puller") + 1] == "70%"


def test_units_that_are_not_there_are_not_named_but_have_their_room(monkeypatch):
    said = words(monkeypatch)
    still, moved = moving(1280, 720, [0.1] * 6), moving(1280, 720, [0.9] * 6)
    assert sum(text.startswith("AU") for text in said) == 4
    np.testing.assert_array_equal(
        np.flatnonzero(changed(still).any(axis=1)), np.flatnonzero(changed(moved).any(axis=1))
    )


def test_where_the_units_find_no_room_the_bars_stand_alone(monkeypatch):
    said = words(monkeypatch)
    moving(384, 240, [0.9] * 6, Box(139, 34, 64, 64))
    assert "contempt" in said
    assert not any(text.startswith("AU") for text in said)


def test_a_withheld_expression_is_a_grey_box_with_a_dash(monkeypatch):
    said = words(monkeypatch)
    image = moving(1280, 720, [0.1] * 6, expression="", withheld="size")
    assert "1  - (size)" in said
    assert "happiness" in said  # its bar, as the probabilities are given
    assert tuple(image[220, 100]) == (150, 150, 150)
