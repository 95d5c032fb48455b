"""Detector, schedule and tracker on drawn people who walk: nobody is swapped, nobody is lost for good."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from mien import pipeline
from mien.data.synthetic import scene
from mien.video.arrays import frame_from_array

RATE = 25
WIDTH, HEIGHT = 480, 360


def wall(seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).normal(0, 30, (HEIGHT, WIDTH)).astype(np.float32)
    return np.clip(128 + 8 * cv2.GaussianBlur(noise, (0, 0), 25), 0, 255).astype(np.uint8)


def watch(actors: tuple[scene.Actor, ...], seconds: float, seed: int) -> list[dict[int, int]]:
    """Per frame, which track id lies over each person who is hardly hidden."""
    recipe = pipeline.read_recipe("viola_jones")
    finder, tracker = recipe.follow.build(recipe.detect.build()), recipe.track.build()
    background, owners = wall(seed), []
    for index in range(round(seconds * RATE)):
        now = index / RATE
        picture, seen = scene.render(actors, background, now)
        grey = frame_from_array(picture).pixels.grey()
        faces = tracker.update(finder.faces(grey, now, tracker.expected(now)), grey, now)
        owners.append(
            {
                person.id: face.id
                for person in seen
                for face in faces
                if person.hidden < 0.3 and face.face.box.overlap(person.box) > 0.5
            }
        )
    return owners


@pytest.mark.parametrize(("seed", "seconds"), [(2, 3.0), (4, 2.5), (7, 2.0)])
def test_two_people_who_cross_keep_their_ids(seed, seconds):
    owners = watch(scene.crossing(WIDTH, HEIGHT, seconds, seed), seconds, seed)
    both = [frame for frame in owners if len(frame) == 2]
    assert len(both) > 0.4 * len(owners)
    assert both[0] == both[-1]
    assert all(frame == both[0] for frame in both)


def test_somebody_who_is_away_for_less_than_a_second_comes_back_under_the_old_id():
    owners = watch(scene.leave_and_return(WIDTH, HEIGHT, (0.6, 1.4), seed=1), 2.2, 1)
    before, after = owners[5], owners[-1]
    assert len(before) == 2
    assert after == before
    assert len(owners[round(1.0 * RATE)]) == 1


def test_somebody_who_is_away_for_longer_is_somebody_new():
    owners = watch(scene.leave_and_return(WIDTH, HEIGHT, (0.4, 1.8), seed=1), 2.6, 1)
    before, after = owners[5], owners[-1]
    stays, returns = sorted(before)
    assert after[stays] == before[stays]
    assert after[returns] not in before.values()
