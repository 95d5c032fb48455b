"""Landmarks: crops go in, pixels of the picture come out. The stand-in's points lie at the crop's blot."""

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mien import modelfile
from mien.errors import ModelError
from mien.faces import landmarks
from mien.faces.landmarks import LandmarkNetwork
from mien.faces.shape import Placement, mean_shape, placed


@pytest.fixture(scope="module")
def network(stand_in):
    return LandmarkNetwork(stand_in("landmarks"))


def blot(x, y, radius, shape=(480, 640)):
    """One soft round blot on black, float32 0 to 255 rounded to uint8."""
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    return np.uint8(np.rint(255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * radius**2))))


@given(
    st.floats(200, 440), st.floats(180, 300), st.floats(-15, 15), st.floats(-15, 15),
    st.sampled_from([45, 70, 96, 150, 200]), st.floats(-180, 180),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_points_come_back_to_where_they_are_in_the_picture(network, x, y, dx, dy, side, roll):
    place = Placement(x + dx * side / 100, y + dy * side / 100, side, roll)
    (seen,) = network.find(blot(x, y, side / 15), [place])
    np.testing.assert_allclose(seen.points, np.broadcast_to([x, y], (68, 2)), atol=0.02 * side / 10)
    np.testing.assert_allclose(seen.spread, 0.01 * side * 1.3, rtol=1e-5)
    assert seen.points.dtype == seen.spread.dtype == np.float32


def test_all_faces_in_one_run_as_each_alone(network):
    grey = np.random.default_rng(0).integers(0, 256, (480, 640), dtype=np.uint8)
    places = [Placement(100 * i, 80 * i, 30 + 60 * i, 25 * i) for i in range(1, 6)]
    together = network.find(grey, places)
    assert len(together) == 5
    for place, seen in zip(places, together, strict=True):
        (alone,) = network.find(grey, [place])
        np.testing.assert_allclose(seen.points, alone.points, atol=1e-3)
        assert seen.presence == pytest.approx(alone.presence, abs=1e-6)
    assert network.find(grey, []) == []


def answering(network, monkeypatch, points, presence=1.0):
    """The network's next answers: ``points`` (68, 2) of the crop for each face; returns the crops it was given."""
    given = []

    def run(pixels, *shapes):
        given.append(pixels)
        return [
            np.tile(points, (len(pixels), 1, 1)),
            np.full((len(pixels), 68), 0.02),
            np.full(len(pixels), presence),
        ]

    monkeypatch.setattr(network._network, "run", run)
    return given


def test_a_second_look_is_at_the_place_of_the_first_answer(network, monkeypatch):
    """A network that says: a fifth to the right, a tenth smaller, turned by ten degrees."""
    said = Placement(0.62, 0.5, 0.9 / 1.3, 10).points(mean_shape())
    given = answering(network, monkeypatch, said)
    grey = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 256, (480, 640), dtype=np.uint8), (0, 0), 3)
    start = Placement(300, 240, 100, -5)
    (first,) = network.find(grey, [start])
    (second,) = network.find(grey, [start], looks=2)
    np.testing.assert_array_equal(given[0], given[1])
    np.testing.assert_array_equal(given[2], landmarks.align.batch(
        grey, [landmarks.align.grown(placed(first.points), 1.3)], 96
    ))  # fmt: skip
    one, two = placed(first.points), placed(second.points)
    assert (one.side, one.roll) == (pytest.approx(90, rel=1e-4), pytest.approx(5, abs=1e-3))
    assert (two.side, two.roll) == (pytest.approx(81, rel=1e-4), pytest.approx(15, abs=1e-3))


@pytest.mark.parametrize("said", [np.full((68, 2), 0.5), np.linspace(-9, 9, 136).reshape(68, 2)])
def test_a_second_look_does_not_run_away(network, monkeypatch, said):
    given = answering(network, monkeypatch, said)
    grey = np.random.default_rng(0).integers(0, 256, (200, 200), dtype=np.uint8)
    network.find(grey, [Placement(90, 90, 60)], looks=2)
    np.testing.assert_array_equal(given[0], given[1])


def test_presence_and_spread_keep_to_their_ranges(network, monkeypatch):
    answering(network, monkeypatch, np.random.default_rng(0).random((68, 2)), presence=1.0001)
    (seen,) = network.find(np.zeros((50, 50), np.uint8), [Placement(20, 20, 30)])
    assert seen.presence == 1
    assert type(seen.presence) is float


@pytest.mark.parametrize("shape", [(1, 1), (16, 16), (3, 400), (2160, 4096)])
@pytest.mark.parametrize("fill", [0, 255, None])
def test_hostile_pictures(network, shape, fill):
    noise = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    grey = noise if fill is None else np.full(shape, fill, np.uint8)
    places = [Placement(0, 0, 5), Placement(-500, 9000, 700, 33), Placement(8, 8, 1e5, -90), Placement(3, 3, 0.01)]
    for seen in network.find(grey, places, looks=2):
        assert np.isfinite(seen.points).all()
        assert np.isfinite(seen.spread).all()
        assert 0 <= seen.presence <= 1


def test_no_place_is_no_answer(network):
    with pytest.raises(ValueError, match="no square can be cut"):
        network.find(np.zeros((9, 9), np.uint8), [Placement(float("nan"), 0, 9)])


def test_another_job_is_refused(stand_in):
    with pytest.raises(ModelError, match="where one for 'landmarks' is needed"):
        LandmarkNetwork(stand_in("signature"))


@pytest.mark.skipif("landmarks" not in modelfile.shipped_networks(), reason="no landmark network ships yet")
def test_the_shipped_network_sees_the_astronaut():
    data = pytest.importorskip("skimage.data")
    grey = cv2.cvtColor(data.astronaut(), cv2.COLOR_RGB2GRAY)
    network = LandmarkNetwork(modelfile.read_network("landmarks"))
    face, sky = network.find(grey, [Placement(221, 114, 98), Placement(60, 350, 98)], looks=2)
    assert face.presence > 0.9
    assert sky.presence < 0.5
    assert face.points[36:42].mean(axis=0) == pytest.approx([204, 107], abs=10)  # her right eye, by eye
