"""The schedule: who is asked for what, and when."""

import math
from dataclasses import dataclass, field

import cv2
import numpy as np
import pytest
from skimage import data

from mien.faces.follow import Expected
from mien.faces.follow.boxes import Options, build
from mien.faces.template import Template
from mien.types import Box, Face

HERE = Box(170, 60, 100, 100)


@pytest.fixture(scope="module")
def grey():
    return cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY)


@dataclass
class Scripted:
    """A detector that knows where the faces are, and notes what it was asked."""

    faces: list = field(default_factory=lambda: [Face(HERE, 0.9)])
    calls: list = field(default_factory=list)

    def search(self, grey, longest):
        self.calls.append(longest)
        return list(self.faces)

    def near(self, grey, box, reach):
        self.calls.append(reach)
        return max((f for f in self.faces if f.box.overlap(box) > 0.3), key=lambda f: f.score, default=None)

    def taken(self):
        calls, self.calls = self.calls, []
        return calls


@pytest.fixture
def detector():
    return Scripted()


@pytest.fixture
def finder(detector):
    return build(Options(), detector)


def known(box=HERE, number=1, lost=False):
    return Expected(number, box, lost)


def test_it_begins_with_a_deep_search(finder, detector, grey):
    assert finder.faces(grey, 0.0, []) == [Face(HERE, 0.9)]
    assert detector.taken() == [640]


def test_deep_searches_come_round(finder, detector, grey):
    when = []
    for tick in range(0, 2400):  # 96 s at 25 frames per second
        now = tick / 25
        finder.faces(grey, now, [known()])
        if 640 in detector.taken():
            when.append(now)
    assert when == pytest.approx(np.arange(0, 96, 10), abs=0.041)


def test_searches_while_everybody_is_here(finder, detector, grey):
    when = []
    for tick in range(200):
        finder.faces(grey, tick / 25, [known()])
        calls = detector.taken()
        if 320 in calls or 640 in calls:
            when.append(tick / 25)
    assert when == pytest.approx(np.arange(8), abs=0.041)


@pytest.mark.parametrize("absent", ["nobody known", "lost", "gone"])
def test_quick_searches_while_somebody_is_missing(finder, detector, grey, absent):
    detector.faces = []
    expected = {"nobody known": [], "lost": [known(lost=True)], "gone": [known()]}[absent]
    searches = 0
    for tick in range(100):
        finder.faces(grey, tick / 50, expected)
        searches += detector.taken().count(320)
    assert 16 <= searches <= 20  # in 2 s; some fall a frame later


def test_two_tracks_on_one_face_count_as_somebody_missing(finder, detector, grey):
    """One walks behind the other: both are expected at the same place, and one of them will be lost."""
    searches = 0
    for tick in range(100):
        found = finder.faces(grey, tick / 50, [known(), known(HERE.moved(10, 0), 2, lost=tick > 0)])
        assert len(found) == 1
        searches += detector.taken().count(320)
    assert 16 <= searches <= 20  # in 2 s; some fall a frame later


def test_between_fixes_nobody_is_asked(finder, detector, grey):
    finder.faces(grey, 0.0, [])
    detector.taken()
    asked = []
    for tick in range(1, 20):
        (face,) = finder.faces(grey, tick / 25, [known()])
        assert face.box.centre == pytest.approx(HERE.centre, abs=0.5)
        assert face.score == 0.9
        if detector.taken():
            asked.append(tick)
    # The first close look at tick 1, then every .2 s or a frame later; nothing else, and no search before 1 s.
    assert asked[0] == 1
    assert set(np.diff(asked)) <= {5, 6}


def test_a_followed_face_moves_with_its_picture(finder, detector, grey):
    finder.faces(grey, 0.0, [])
    finder.faces(grey, 0.04, [known()])
    detector.taken()
    moved = np.roll(grey, (4, 6), axis=(0, 1))
    (face,) = finder.faces(moved, 0.08, [known()])
    assert detector.taken() == []
    assert face.box.centre == pytest.approx(HERE.moved(6, 4).centre, abs=0.7)


def test_where_the_picture_is_lost_the_detector_is_asked(finder, detector, grey):
    finder.faces(grey, 0.0, [])
    finder.faces(grey, 0.04, [known()])
    detector.taken()
    (face,) = finder.faces(np.full_like(grey, 90), 0.08, [known()])
    assert detector.taken() == [1.35]
    assert face == Face(HERE, 0.9)


def test_a_lost_face_is_looked_for_further_around_and_never_by_its_picture(finder, detector, grey):
    finder.faces(grey, 0.0, [])
    finder.faces(grey, 0.04, [known()])
    detector.taken()
    finder.faces(grey, 0.08, [known(lost=True)])
    assert detector.taken() == [2.0]


def test_a_face_that_is_not_close_is_looked_for_further_around(finder, detector, grey):
    finder.faces(grey, 0.0, [])
    detector.faces = []
    detector.taken()
    assert finder.faces(grey, 0.05, [known()]) == []
    assert detector.taken() == [1.35, 2.0]


def test_no_picture_is_followed_after_the_detector_missed(finder, detector, grey):
    finder.faces(grey, 0.0, [])
    finder.faces(grey, 0.04, [known()])
    faces, detector.faces = detector.faces, []
    finder.faces(np.full_like(grey, 90), 0.08, [known()])
    detector.faces = faces
    detector.taken()
    finder.faces(grey, 0.12, [known()])
    assert 1.35 in detector.taken()


def test_without_a_clock_every_picture_is_searched_deeply(finder, detector, grey):
    for _ in range(5):
        found = finder.faces(grey, None, [known()])
        assert found == [Face(HERE, 0.9)]
        assert detector.taken() == [1.35, 640]


def test_pictures_without_a_clock_have_no_template(finder, detector, grey, monkeypatch):
    def find(*_args):
        raise AssertionError

    monkeypatch.setattr(Template, "find", find)
    for _ in range(3):
        finder.faces(grey, None, [known()])


def test_a_face_at_the_edge_has_no_picture_and_is_asked_for_each_time(finder, detector, grey):
    edge = Box(-30, 60, 100, 100)
    detector.faces = [Face(edge, 0.8)]
    finder.faces(grey, 0.0, [])
    detector.taken()
    for tick in range(1, 5):
        assert finder.faces(grey, tick / 25, [known(edge)]) == [Face(edge, 0.8)]
        assert detector.taken() == [1.35]


def test_newcomers_are_found_beside_known_faces(finder, detector, grey):
    finder.faces(grey, 0.0, [])
    detector.faces.append(Face(Box(350, 300, 60, 60), 0.7))
    assert len(finder.faces(grey, 0.5, [known()])) == 1
    assert len(finder.faces(grey, 1.0, [known()])) == 2


def test_the_best_come_first_and_none_lies_over_another(finder, detector, grey):
    detector.faces = [Face(HERE.moved(200, 200), 0.5), Face(HERE, 0.9), Face(HERE.moved(5, 5), 0.7)]
    found = finder.faces(grey, 0.0, [known()])
    assert [face.score for face in found] == [0.9, 0.5]


def test_memory_does_not_grow_with_the_people_seen(finder, detector, grey):
    for number in range(50):
        finder.faces(grey, number / 10, [known(number=number)])
    assert len(finder._fixes) == 1


def test_all_intervals_at_0_ask_for_everything_each_time(detector, grey):
    finder = build(Options(fix_interval=0, quick_interval=0, interval=0, deep_interval=math.inf), detector)
    finder.faces(grey, 0.0, [])
    detector.taken()
    for tick in range(1, 4):
        finder.faces(grey, tick / 25, [known()])
        assert detector.taken() == [1.35, 320]


@pytest.mark.parametrize(
    "wrong",
    [
        {"fix_interval": -1},
        {"quick_interval": -0.1},
        {"interval": -1},
        {"deep_interval": -1},
        {"longest": 47},
        {"deep_longest": 10},
        {"reach": 1.0},
        {"lost_reach": 1.05},
    ],
    ids=str,
)
def test_impossible_options(wrong):
    with pytest.raises(ValueError, match="must be"):
        Options(**wrong)
