"""The bench for faces: its truth is exact, its figures are those worked out by hand, its scenes are repeatable."""

import importlib
import math
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from mien.faces.oval import oval
from mien.faces.shape import mean_shape, placed
from mien.types import Box, Face, Landmarks

ROOT = Path(__file__).parents[2]
MARKED = [19, 24, 30, 36, 45, 57]


@pytest.fixture(scope="module")
def bench():
    """Gives the bench's modules by name."""
    sys.path.insert(0, str(ROOT))
    yield lambda name: importlib.import_module(f"benchmarks.faces.{name}")
    sys.path.remove(str(ROOT))


@pytest.fixture(scope="module")
def material(bench):
    return bench("sources").drawn(people=12, scenes=3)


@pytest.fixture
def marked(bench):
    """A portrait that is black but for a white spot on a few points that lie apart."""
    points = mean_shape()[:, :2] * 240 + (15, 8)
    y, x = np.mgrid[:280, :270]
    picture = np.zeros((280, 270))
    for px, py in points[MARKED]:
        picture += 255 * np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * 3.0**2))
    return bench("sources").Portrait("marked", "marked", np.clip(picture, 0, 255).astype(np.uint8), points)


def spot(picture, x, y, reach):
    """Centre of brightness about a place."""
    left, top = round(x) - reach, round(y) - reach
    part = picture[top : top + 2 * reach + 1, left : left + 2 * reach + 1].astype(float)
    part -= part.min()
    rows, columns = np.mgrid[: part.shape[0], : part.shape[1]]
    return left + (part * columns).sum() / part.sum(), top + (part * rows).sum() / part.sum()


@pytest.mark.parametrize(("side", "roll"), [(90, 0), (90, 37), (300, -20)])
def test_points_of_a_still_face_are_where_its_pixels_are(bench, marked, side, roll):
    cutouts, composites = bench("cutouts"), bench("composites")
    cutout = cutouts.cut_out(marked, side, 0)
    by = composites.Similarity(cutout.middle, 320.3, 240.7, 1.0, roll)
    picture = np.zeros((480, 640), np.float32)
    cutouts.paste(picture, cutout, by)
    points = by.forth(cutout.points)
    at = placed(points)
    assert (at.x, at.y, at.side, at.roll) == pytest.approx((320.3, 240.7, side, roll), abs=1e-6)
    for x, y in points[MARKED]:
        assert spot(picture, x, y, max(round(side / 22), 5)) == pytest.approx((x, y), abs=0.15)


def test_points_of_a_turned_and_stirring_face_are_where_its_pixels_are(bench, marked):
    cutouts, moving = bench("cutouts"), bench("moving")
    cutout = cutouts.cut_out(marked, 200, 0)
    look = moving.Look(310.2, 250.6, 190, roll=12, yaw=25, pitch=-14)
    by = moving.Moving(look, cutout, 0.37, 5)
    picture = np.zeros((480, 640), np.float32)
    cutouts.paste(picture, cutout, by)
    points = by.forth(cutout.points)
    resting = moving.Moving(replace(look, stirring=0), cutout, 0.37, 5).forth(cutout.points)
    assert np.abs(points - resting).max() > 1  # it does stir
    assert by.back(points) == pytest.approx(cutout.points, abs=1e-6)
    for x, y in points[MARKED]:
        assert spot(picture, x, y, 8) == pytest.approx((x, y), abs=0.4)


def test_a_face_turned_to_the_right_is_smaller_on_its_right(bench, marked):
    moving = bench("moving")
    cutout = bench("cutouts").cut_out(marked, 200, 0)
    points = moving.Moving(moving.Look(0, 0, 200, yaw=30, stirring=0), cutout, 0, 0).forth(cutout.points)
    left, right = points[36:42], points[42:48]
    assert np.ptp(right[:, 0]) < np.ptp(left[:, 0])


def test_stills_are_repeatable_and_true(bench, material):
    composites = bench("composites")
    several = [
        [s for s, _ in zip(composites.still_scenes(material, quick=True), range(3), strict=False)] for _ in "ab"
    ]
    for one, other in zip(*several, strict=True):
        assert one.name == other.name
        np.testing.assert_array_equal(one.picture, other.picture)
        for face in one.faces:
            assert face.side == pytest.approx(one.level, abs=1e-6)
            assert placed(face.points).side == pytest.approx(face.side)
            assert 0 <= face.box.x <= face.box.x + face.side <= 640
            assert 0 <= face.box.y <= face.box.y + face.side <= 480
    other = next(composites.still_scenes(material, quick=True, seed=6))
    assert (other.picture != several[0][0].picture).any()


def test_what_is_held_before_a_face_covers_as_much_as_it_says(bench):
    degradation = bench("degradation")
    at = placed(mean_shape()[:, :2] * 200 + 30)
    for kind in degradation.OCCLUDERS:
        picture = np.zeros((300, 300), np.float32)
        covered = degradation.occlude(picture, at, kind, 0.3, np.random.default_rng(1))
        assert covered == pytest.approx(0.3, abs=0.03)
        box = np.round([at.x - 100, at.y - 100]).astype(int)
        face = picture[box[1] : box[1] + 200, box[0] : box[0] + 200][oval(200)]
        assert (np.abs(face) > 40).mean() == pytest.approx(0.3, abs=0.06)


def test_low_light_leaves_few_levels_and_noise_is_as_strong_as_asked(bench):
    exposed = bench("degradation").exposed
    flat = np.full((200, 200), 100, np.float32)
    dark = exposed(flat, np.random.default_rng(0), light=0.1)
    assert dark.mean() == pytest.approx(10, abs=0.3)
    assert exposed(flat, np.random.default_rng(0), noise=20).std() == pytest.approx(20, abs=0.5)


def scene_with(bench, *boxes):
    composites = bench("composites")
    faces = tuple(composites.Truth(str(k), box, np.zeros((68, 2)), 0.0) for k, box in enumerate(boxes))
    return composites.Scene("s", "mixed", 0, np.zeros((480, 640), np.uint8), faces)


FIRST, SECOND, SMALL = Box(0, 0, 100, 100), Box(200, 0, 100, 100), Box(400, 0, 20, 20)


def test_one_found_one_missed_one_false(bench):
    detection = bench("detection")
    answers = [
        detection.answer(scene_with(bench, FIRST, SECOND), [Face(FIRST, 0.9), Face(Box(500, 300, 50, 50), 0.6)])
    ]
    assert detection.recall(answers).value == 0.5
    assert detection.precision(answers).value == 0.5
    assert detection.with_false(answers) == 1
    curve = detection.curve(answers)
    np.testing.assert_allclose(curve.precision, [1, 0.5])
    np.testing.assert_allclose(curve.recall, [0.5, 0.5])
    assert curve.average_precision == 0.5
    assert curve.recall_at(0.98) == 0.5


def test_a_face_found_twice_is_false_once_and_the_better_answer_wins(bench):
    detection = bench("detection")
    answer = detection.answer(scene_with(bench, FIRST), [Face(FIRST.moved(9, 0), 0.5), Face(FIRST, 0.9)])
    assert answer.meets.tolist() == [0, detection.FALSE]


def test_a_face_that_does_not_count_makes_no_false_answer(bench):
    detection = bench("detection")
    answers = [detection.answer(scene_with(bench, FIRST, SMALL), [Face(FIRST, 0.9), Face(SMALL, 0.8)])]
    assert detection.precision(answers, detection.goal_faces).value == 1
    assert detection.recall(answers, detection.goal_faces).value == 1
    missed = [detection.answer(scene_with(bench, FIRST, SMALL), [Face(FIRST, 0.9)])]
    assert detection.recall(missed, detection.goal_faces).value == 1
    assert detection.recall(missed).value == 0.5


def test_answers_of_equal_score_stand_or_fall_together(bench):
    detection = bench("detection")
    answers = [detection.answer(scene_with(bench, FIRST), [Face(FIRST, 0.5), Face(SECOND, 0.5)])]
    assert detection.curve(answers).recall_at(0.98) == 0


def test_intervals_hold_the_value_and_gains_are_paired(bench):
    detection = bench("detection")
    good = [detection.answer(scene_with(bench, FIRST), [Face(FIRST, 0.9)]) for _ in range(20)]
    half = [detection.answer(scene_with(bench, FIRST), [Face(FIRST, 0.9)] if k % 2 else []) for k in range(20)]
    rate = detection.recall(half)
    assert rate.value == 0.5
    assert 0.2 < rate.low < 0.5 < rate.high < 0.8
    assert detection.difference(good, half).value == 0.5
    assert detection.difference(half, half).low == 0
    assert math.isnan(detection.precision([detection.answer(scene_with(bench), [])]).value)


class Teacher:
    """Knows the points and misses them all by so much to the right."""

    def __init__(self, points, off):
        self._points, self._off, self._turn = points, off, 0

    def find(self, grey, placements, looks=1):
        off, self._turn = self._off[self._turn % len(self._off)], self._turn + 1
        points = (self._points + np.array([off, 0])).astype(np.float32)
        return [Landmarks(points, np.full(68, 2, np.float32), 0.9) for _ in placements]


def test_error_of_points_is_measured_in_distances_of_the_eyes(bench, material):
    landmarks = bench("landmarks")
    one = material.portraits[0]
    (found,) = landmarks.on_portraits(Teacher(one.points, [3.0]), [one], 1)
    eyes = np.hypot(*(one.points[36:42].mean(0) - one.points[42:48].mean(0)))
    assert found.nme == pytest.approx(3 / eyes, rel=1e-4)
    assert found.nme_corners < found.nme
    rate = landmarks.mean([found, replace(found, person="other", nme=found.nme * 3)], lambda e: e.nme)
    assert rate.value == pytest.approx(6 / eyes, rel=1e-4)


def test_jitter_of_points_that_swing_by_a_pixel_is_a_pixel(bench, material):
    motions, scripts, landmarks = bench("motions"), bench("scripts"), bench("landmarks")
    script = replace(scripts.still(np.random.default_rng(0)), seconds=0.4)
    clip = motions.Clip("still/0", script, {1: material.portraits[0]}, (np.zeros((480, 640), np.float32),), 1)
    pictures = list(clip.play())
    assert all(np.array_equal(truth[0].points, pictures[0][1][0].points) for _, truth in pictures)
    assert pictures[0][1][0].box.width == pytest.approx(200, abs=1)
    found = landmarks.jitter(Teacher(pictures[0][1][0].points, [-1.0, 1.0]), clip)
    assert found.rms == pytest.approx(1, abs=1e-3)
    assert found.step == pytest.approx(2, abs=1e-3)


def test_a_clip_is_repeatable_and_knows_who_is_hidden(bench, material):
    motions, scripts = bench("motions"), bench("scripts")
    script = scripts.crossing(np.random.default_rng(1))
    cast = {1: material.portraits[0], 2: material.portraits[1]}
    clip = motions.Clip("crossing/0", script, cast, (np.full((480, 640), 90, np.float32),), 4)
    again = motions.Clip("crossing/0", script, cast, (np.full((480, 640), 90, np.float32),), 4)
    first, other = next(clip.play()), next(again.play())
    np.testing.assert_array_equal(first[0], other[0])
    assert [one.visible for one in first[1]] == pytest.approx([1, 1], abs=0.03)
    truth = [seen for k, (_, seen) in enumerate(clip.play()) if k % 4 == 0]
    visible = {person: min(one.visible for seen in truth for one in seen if one.id == person) for person in (1, 2)}
    assert visible[2] > 0.95 > 0.4 > visible[1]


def test_all_scripts_say_who_is_where(bench):
    scripts = bench("scripts")
    for kind, write in scripts.SCRIPTS.items():
        script = write(np.random.default_rng(2))
        assert script.kind == kind
        assert script.shots[0][0] == 0
        for start, _, actors in script.shots:
            assert start < script.seconds
            assert len({actor.id for actor in actors}) == len(actors)
            assert all(actor.path(start + 0.1) is not None for actor in actors)


def watched(bench, found, truth=None, hidden=None):
    truth = truth or (((1, FIRST), (2, SECOND)),) * len(found)
    return bench("tracking").Watched("crossing", "c", truth, hidden or ((),) * len(found), found)


def test_a_swap_a_miss_and_a_false_face_are_counted(bench):
    pytest.importorskip("motrics", reason="the dependency group bench is not installed")
    tracking = bench("tracking")
    right, swapped = ((7, FIRST), (8, SECOND)), ((8, FIRST), (7, SECOND))
    good = tracking.measure([watched(bench, (right,) * 4)])
    assert (good.mota, good.idf1, good.hota, good.switches) == (1, 1, 1, 0)
    swap = tracking.measure([watched(bench, (right, right, swapped, swapped))])
    assert swap.switches == 2
    assert swap.mota == pytest.approx(1 - 2 / 8)
    assert swap.idf1 == pytest.approx(0.5)
    assert swap.hota == pytest.approx(math.sqrt(1 / 3))  # 2 of the 6 frames of each pair of tracks are theirs
    miss = tracking.measure([watched(bench, (right, right[:1], right, (*right, (9, SMALL))))])
    assert (miss.missed, miss.false, miss.switches) == (1, 1, 0)
    assert miss.mota == pytest.approx(1 - 2 / 8)


def test_ids_of_one_clip_mean_nothing_in_another(bench):
    pytest.importorskip("motrics", reason="the dependency group bench is not installed")
    right, swapped = ((7, FIRST), (8, SECOND)), ((8, FIRST), (7, SECOND))
    both = bench("tracking").measure([watched(bench, (right,) * 3), watched(bench, (swapped,) * 3)])
    assert (both.switches, both.idf1, both.people, both.frames) == (0, 1, 4, 6)


def test_a_box_on_a_hidden_face_is_neither_right_nor_wrong(bench):
    counted = bench("tracking").counted
    assert counted([(1, FIRST)], [SECOND], [(5, FIRST), (6, SECOND), (7, SMALL)]) == [(5, FIRST), (7, SMALL)]
    assert counted([(1, FIRST)], [FIRST.moved(5, 0)], [(5, FIRST)]) == [(5, FIRST)]


def test_points_of_a_pipeline_are_compared_with_the_face_that_they_lie_on(bench):
    landmarks, tracking = bench("landmarks"), bench("tracking")
    exact = [mean_shape()[:, :2] * 100 + (x, 0) for x in (0, 200)]

    def marks(points, dx):
        return Landmarks((points + np.array([dx, 0])).astype(np.float32), np.ones(68, np.float32), 0.8)

    frames = [((8, SECOND), (7, FIRST)), ((7, FIRST),)]
    seen = [(marks(exact[1], 2), marks(exact[0], -1)), (marks(exact[0], 1),)]
    truth, points = (((1, FIRST), (2, SECOND)),) * 2, (tuple(exact),) * 2
    clip = tracking.Watched("still", "c", truth, ((), ()), tuple(frames), tuple(seen), points)
    eyes = np.hypot(*(exact[0][36:42].mean(0) - exact[0][42:48].mean(0)))
    assert [e.nme * eyes for e in landmarks.in_clip(clip)] == pytest.approx([1, 2, 1], abs=1e-3)
    alone = replace(clip, truth=(((1, FIRST),),) * 2, found=(((7, FIRST),),) * 2, landmarks=(seen[0][1:], seen[1]))
    assert landmarks.in_still_clip(alone).rms == pytest.approx(1, abs=1e-3)
    assert landmarks.in_still_clip(replace(alone, landmarks=((None,), (None,)))) is None


def test_goals_are_reached_or_missed(bench):
    row = bench("report").Row
    assert row("detection", "d", "w", "m", 0.97, goal=">= 0.97").met
    assert not row("landmarks", "d", "w", "m", 0.05, goal="<= 0.045").met
    assert not row("landmarks", "d", "w", "m", math.nan, goal="<= 0.045").met
    assert row("speed", "d", "w", "m", 3.0).met is None


def test_drawn_people_are_marked_as_such(bench, material):
    report = bench("report")
    assert material.kind == "drawn"
    text = report.text([report.Row("speed", "d", "w", "m", 3.0)], material.kind)
    assert "DRAWN" in text
    assert "DRAWN" not in report.text([report.Row("speed", "d", "w", "m", 3.0)], "photographs")
    names = {one.person for one in material.portraits}
    assert len(names) == len(material.portraits)
    eyes = material.portraits[0].points[36:48].mean(0)
    patch = cv2.GaussianBlur(material.portraits[0].picture, (0, 0), 3)
    assert patch[round(eyes[1]), round(eyes[0])] > 0
