"""Points for faces that come without: who looked, what was found, and what a second call does."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from mien import modelfile
from mien.data import landmarks
from mien.data.dataset import Dataset, Item
from mien.errors import DataError, UnknownPartError
from mien.faces.landmarks import LandmarkNetwork, upright
from mien.faces.shape import placed
from mien.labels import LabelSet

OWN = tuple((float(k), float(k % 9)) for k in range(68))


def spot(x: int, y: int, size: int = 48, light: int = 255) -> np.ndarray:
    """A crop bright enough for the stand-in to see a face, with a dark square."""
    picture = np.full((size, size), light, np.uint8)
    picture[y : y + 6, x : x + 6] = 0
    return picture


@dataclasses.dataclass
class Reader:
    """Counts how often a crop is asked for."""

    pixels: np.ndarray
    asked: int = 0

    def __call__(self) -> np.ndarray:
        self.asked += 1
        return self.pixels


def made(*faces: tuple[np.ndarray, object]) -> Dataset:
    items = (
        Item(f"i{k}", f"s{k}", f"q{k}", 0, "anger", None, Reader(pixels), own)
        for k, (pixels, own) in enumerate(faces)
    )
    return Dataset("made", tuple(items), LabelSet(("anger", "neutral")))


@pytest.fixture
def network(stand_in):
    return LandmarkNetwork(stand_in("landmarks"))


def test_faces_without_points_get_those_of_the_network_and_the_others_keep_theirs(network, stand_in):
    whole = made((spot(5, 9), None), (spot(1, 1), OWN), (spot(0, 0, light=20), None))
    found = landmarks.with_landmarks(whole, network)
    first, second, dark = found.items
    # The stand-in puts all points to the centre of mass: in a bright crop away from the dark square.
    points = np.array(first.landmarks)
    assert points.shape == (68, 2)
    assert np.ptp(points, axis=0).max() < 1e-3
    assert (points[0] > 23.5).all()
    assert points[0] == pytest.approx((23.5, 23.5), abs=1)
    assert (second.landmarks, second.sought_by) == (OWN, "")
    assert dark.landmarks is None  # not a mean shape
    assert {first.sought_by, dark.sought_by} == {stand_in("landmarks").sha256}
    assert landmarks.origin(found.items) == landmarks.Origin(1, 1, 1, 0, (stand_in("landmarks").sha256,))
    assert landmarks.origin(whole.items) == landmarks.Origin(1, 0, 0, 2, ())
    assert found.fingerprint() == whole.fingerprint()
    assert landmarks.with_landmarks(whole, network).items == found.items  # the same every time


def test_nobody_looks_twice_nor_where_points_are_there(network, monkeypatch):
    whole = made((spot(5, 9), None), (spot(1, 1), OWN), (spot(0, 0, light=20), None))
    found = landmarks.with_landmarks(whole, network)
    assert [item.face.asked for item in whole.items] == [1, 0, 1]
    monkeypatch.setattr(landmarks, "shipped", lambda: pytest.fail("the network is not needed"))
    assert landmarks.with_landmarks(found) is found
    assert [item.face.asked for item in whole.items] == [1, 0, 1]


def test_only_aligned_patches_need_points(network, monkeypatch):
    whole = made((spot(5, 9), None))
    monkeypatch.setattr(landmarks, "shipped", lambda: pytest.fail("the network is not needed"))
    assert landmarks.for_alignment(whole, "box") is whole
    for alignment in ("eyes", "points"):
        assert landmarks.for_alignment(whole, alignment, network).items[0].landmarks is not None


def test_a_missing_network_is_told(monkeypatch, tmp_path):
    monkeypatch.setattr(modelfile, "SHIPPED", tmp_path)
    with pytest.raises(UnknownPartError, match="no face network is called 'landmarks'"):
        landmarks.with_landmarks(made((spot(5, 9), None)))


def test_points_to_align_by():
    unsought, own = made((spot(5, 9), None), (spot(5, 9), OWN)).items
    np.testing.assert_array_equal(landmarks.points(own, own.face()), OWN)
    with pytest.raises(DataError, match="i0: has no landmarks to align it by, and none were sought"):
        landmarks.points(unsought, unsought.face())
    looked = dataclasses.replace(unsought, sought_by="1" * 64)
    place = placed(landmarks.points(looked, looked.face()))
    assert (place.x, place.y, place.side, place.roll) == pytest.approx((23.5, 23.5, 48, 0), abs=1e-9)
    np.testing.assert_array_equal(landmarks.points(looked, looked.face()), upright(looked.face()))


def test_found_points_are_nan_where_there_is_no_face(network):
    dark, bright = made((spot(0, 0, light=20), None), (spot(5, 9), None)).items
    found = landmarks.found([dark, bright], network)
    assert found.shape == (2, 68, 2)
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1]).all()
    np.testing.assert_array_equal(found[1], network.in_crop(bright.face()))
    assert landmarks.found([], network).shape == (0, 68, 2)
