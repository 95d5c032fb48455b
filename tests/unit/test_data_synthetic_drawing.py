"""The drawn pixels: they show what the truth says, a detector finds them, and equal seeds give equal pixels."""

import cv2
import numpy as np
import pytest

from mien.data.synthetic import crops, people, scene, sequences
from mien.data.synthetic.actions import Movement
from mien.data.synthetic.expressions import peak
from mien.data.synthetic.portrait import Pose, landmarks, paint
from mien.labels import EXPRESSIONS

PLAIN = crops.Setting()


def plain(size=160, grey=150):
    return np.full((size, size), grey, np.uint8)


def around(picture, points, radius=2):
    """Mean grey around the mean of some points."""
    x, y = np.mean(np.atleast_2d(points), axis=0)
    return picture[round(y) - radius : round(y) + radius + 1, round(x) - radius : round(x) + radius + 1].mean()


def test_equal_arguments_give_equal_pixels_and_others_others():
    person = people.invent(1)
    movement, setting = peak(person, "fear"), crops.setting(person, 3)
    first = crops.draw(person, movement, setting, 64)
    assert first.dtype == np.uint8
    assert first.shape == (64, 64)
    assert (first == crops.draw(people.invent(1), peak(person, "fear"), crops.setting(person, 3), 64)).all()
    assert (first != crops.draw(people.invent(2), movement, setting, 64)).mean() > 0.3
    assert (first != crops.draw(person, movement, crops.setting(person, 4), 64)).mean() > 0.3
    assert (first != crops.draw(person, Movement(), setting, 64)).mean() > 0.02


def test_frames_of_a_sequence_differ_in_noise_alone_while_nothing_moves():
    calm = sequences.sequence(people.invent(0), "neutral", 3)
    frames = [moment.draw(48).astype(int) for moment in calm]
    assert 0 < np.abs(frames[0] - frames[1]).mean() < 10


@pytest.mark.parametrize("size", [24, 33, 128, 512])
def test_any_size(size):
    person = people.invent(0)
    crop = crops.draw(person, peak(person, "happiness"), PLAIN, size)
    assert crop.shape == (size, size)
    small = cv2.resize(crop, (24, 24), interpolation=cv2.INTER_AREA).astype(int)
    expected = cv2.resize(
        crops.draw(person, peak(person, "happiness"), PLAIN, 96), (24, 24), interpolation=cv2.INTER_AREA
    )
    assert np.abs(small - expected).mean() < 6  # the same face


@pytest.mark.parametrize("number", range(12))
def test_landmarks_lie_on_what_is_drawn(number):
    person = people.invent(number, seed=2)
    pose = Pose(160, 150, 200, roll=6.0)
    face = paint(plain(320), person, Movement(), pose)
    points = landmarks(person, Movement(), pose)
    cheek = around(face, (points[[2, 31, 48]].mean(0), points[[31, 36, 48]].mean(0)), 4)
    for eye in (slice(36, 42), slice(42, 48)):
        assert around(face, points[eye]) < 0.7 * cheek  # iris and pupil
    for brow in (19, 24):
        assert around(face, points[brow], 1) < 0.8 * cheek
    assert around(face, points[[62, 66]], 1) < 0.7 * cheek  # the line between the lips
    assert around(face, points[30]) > around(face, points[33] + (0, 3), 1)  # nose tip against the shadow below


def test_open_mouth_is_dark_and_a_smile_shows_teeth():
    person = people.invent(1)
    pose = Pose(160, 150, 200)
    for unit, dark in (("AU27", True), ("AU12", False)):
        movement = Movement({"AU25": 1.0, unit: 1.0})
        picture, points = paint(plain(320), person, movement, pose), landmarks(person, movement, pose)
        inside = picture[round(points[62, 1]) + 2 : round(points[66, 1]) - 1, round(points[62, 0])]
        assert inside.size > 5
        assert (inside < 60).mean() > 0.4 if dark else (inside > 170).mean() > 0.3


def test_wrinkles_follow_their_action_units():
    person = people.invent(1)
    pose = Pose(160, 150, 200)
    calm = paint(plain(320), person, Movement(), pose).astype(int)

    def change(unit, x, y):
        """Mean change within a tenth of the face around a place in face coordinates."""
        after = paint(plain(320), person, Movement({unit: 1.0}), pose)
        rows, columns = (slice(round(c + 200 * v) - 10, round(c + 200 * v) + 10) for c, v in ((150, y), (160, x)))
        return np.abs(after.astype(int) - calm)[rows, columns].mean()

    assert change("AU04", 0, -0.17) > 5
    assert change("AU01", 0, -0.32) > 5
    assert change("AU09", 0, -0.07) > 5
    assert change("AU06", 0.28, -0.09) > 3
    assert change("AU17", 0, 0.34) > 3
    assert change("AU12", 0, -0.32) == 0


def test_one_side_of_the_picture_moves_in_one_sided_contempt():
    person = people.invent(1)
    calm = crops.draw(person, Movement(), PLAIN, 128).astype(int)
    left = np.abs(crops.draw(person, Movement({"AU14": 1.0}, "left"), PLAIN, 128) - calm)
    assert left[:, :56].mean() > 4 * left[:, 72:].mean()


def test_viola_jones_finds_the_faces_where_they_are():
    cascade = cv2.CascadeClassifier(cv2.data.haarcascades + "haarcascade_frontalface_default.xml")
    found = 0
    for number in range(40):
        person = people.invent(number, seed=9)
        setting = crops.setting(person, number)
        pose = Pose(120, 110, 120, setting.roll)
        movement = peak(person, EXPRESSIONS[number % len(EXPRESSIONS)])
        boxes = cascade.detectMultiScale(paint(plain(240), person, movement, pose, setting.light), 1.1, 3)
        found += any(pose.box.overlap(type(pose.box)(*map(float, box))) > 0.6 for box in boxes)
    assert found >= 36


def test_paint_leaves_the_background_as_it_is():
    rng = np.random.default_rng(0)
    onto = rng.integers(0, 256, (200, 300, 3), np.uint8)
    before = onto.copy()
    picture = paint(onto, people.invent(0), Movement(), Pose(150, 80, 60))
    assert (onto == before).all()
    assert (picture[:, :80] == onto[:, :80]).all()
    assert (picture[:, 220:] == onto[:, 220:]).all()
    assert (picture[60:100, 130:170] != onto[60:100, 130:170]).mean() > 0.9
    assert (paint(onto, people.invent(0), Movement(), Pose(-500, 80, 60)) == onto).all()


def test_colour_and_grey_are_the_same_drawing():
    person = people.invent(0)
    grey = paint(plain(), person, peak(person, "surprise"), Pose(80, 70, 80)).astype(float)
    colour = paint(np.full((160, 160, 3), 150, np.uint8), person, peak(person, "surprise"), Pose(80, 70, 80))
    assert np.abs(colour @ (0.299, 0.587, 0.114) - grey).mean() < 1.5
    assert np.ptp(colour.astype(int), axis=2).max() > 20  # skin is not grey


def test_actors_cross_under_their_own_ids():
    actors = scene.crossing(320, 180, seconds=4, seed=1)
    background = np.full((180, 320), 120, np.uint8)
    order, most = [], 0.0
    for t in np.linspace(0, 4, 9):
        frame, seen = scene.render(actors, background, float(t))
        assert frame.shape == background.shape
        assert [one.id for one in seen] == [0, 1]
        first, second = (one.box for one in seen)
        order.append(first.centre[0] < second.centre[0])
        most = max(most, first.overlap(second))
        assert max(one.hidden for one in seen) == pytest.approx(1 if t == 2 else seen[1].hidden)
        for one in seen:
            patch = frame[
                round(one.box.y) + 20 : round(one.box.y) + 50, round(one.box.x) + 20 : round(one.box.x) + 40
            ]
            assert (patch != 120).mean() > 0.9
    assert order[0]
    assert not order[-1]
    assert most > 0.6
    assert seen[0].landmarks.shape == (68, 2)


def test_the_nearer_face_is_in_front_and_hides_the_other():
    actors = scene.crossing(320, 180, seconds=4)
    background = np.full((180, 320), 120, np.uint8)
    together, seen = scene.render(actors, background, 2.0)
    alone, _ = scene.render(actors[:1], background, 2.0)
    x, y = (round(v) for v in seen[0].box.centre)
    assert (together[y - 25 : y + 25, x - 25 : x + 25] == alone[y - 25 : y + 25, x - 25 : x + 25]).all()
    assert seen[0].hidden == pytest.approx(0)
    assert seen[1].hidden > 0.9


def test_crossing_actors_express_and_calm_down():
    actors = scene.crossing(320, 180, seconds=4)
    background = np.zeros((180, 320, 3), np.uint8)
    strength = [
        [sum(one.movement.intensity.values()) for one in scene.render(actors, background, t)[1]] for t in (0, 1, 3)
    ]
    assert strength[0] == [0, 0]
    assert strength[1][0] > 0.5
    assert strength[1][1] == 0
    assert strength[2][1] > 0.5


def test_one_leaves_and_comes_back_to_the_same_place():
    actors = scene.leave_and_return(320, 180, away=(1.0, 2.0))
    background = np.full((180, 320), 120, np.uint8)
    before, gone, after = (scene.render(actors, background, t) for t in (0.9, 1.0, 2.0))
    assert [one.id for one in gone[1]] == [0]
    assert (gone[0][:, 200:] == 120).all()
    assert [(one.id, one.box) for one in before[1]] == [(one.id, one.box) for one in after[1]]
    assert (before[0] == after[0]).all()


def test_scene_counts_what_the_edge_cuts_off_and_drops_what_is_out_of_sight():
    person = people.invent(0)
    background = np.full((100, 100), 120, np.uint8)
    half = scene.Actor(person, lambda t: (0.0, 50.0, 40.0))
    assert scene.render((half,), background, 0)[1][0].hidden == pytest.approx(0.5)
    out = scene.Actor(person, lambda t: (-200.0, 50.0, 40.0))
    assert scene.render((out,), background, 0)[1] == ()
    with pytest.raises(ValueError, match="another person"):
        scene.render((half, out), background, 0)
    empty, seen = scene.render((), background, 0)
    assert (empty == background).all()
    assert empty is not background
    assert seen == ()
