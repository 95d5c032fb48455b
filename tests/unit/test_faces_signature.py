"""Signatures, with a stand-in that averages 8x8 pixels."""

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mien import modelfile
from mien.errors import ModelError
from mien.faces.shape import Placement
from mien.faces.signature import SignatureNetwork


@pytest.fixture(scope="module")
def network(stand_in):
    return SignatureNetwork(stand_in("signature"))


def test_one_of_length_1_per_face(network):
    grey = np.random.default_rng(0).integers(0, 256, (300, 400), dtype=np.uint8)
    found = network.of(grey, [Placement(100, 100, 80), Placement(250, 150, 120, 30), Placement(-90, 0, 20)])
    assert found.shape == (3, 64)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)
    assert network.of(grey, []).shape == (0, 64)


def test_the_crop_is_the_box_grown_by_a_tenth(network):
    """The box of 64 pixels grown to 70.4: a crop's cell of 8 pixels is 8.8 of the picture."""
    grey = np.zeros((200, 200), np.uint8)
    left, top = 99.5 - 35.2 + 2 * 8.8, 99.5 - 35.2 + 5 * 8.8  # of cell (5, 2), from the first pixel's centre
    grey[round(top + 2) : round(top + 7), round(left + 2) : round(left + 7)] = 255
    (found,) = network.of(grey, [Placement(99.5, 99.5, 64)])
    assert found.argmax() == 5 * 8 + 2
    assert found[5 * 8 + 2] == pytest.approx(1, abs=0.01)


def test_a_tilted_face_has_the_signature_of_the_upright_one(network):
    rng = np.random.default_rng(3)
    grey = cv2.resize(rng.integers(0, 256, (10, 10), dtype=np.uint8), (300, 300), interpolation=cv2.INTER_CUBIC)
    turned = cv2.warpAffine(grey, cv2.getRotationMatrix2D((150, 150), -25, 1), (300, 300))
    one, other = network.of(grey, [Placement(150, 150, 120)]), network.of(turned, [Placement(150, 150, 120, 25)])
    assert float((one @ other.T)[0, 0]) > 0.999


def test_a_black_face_has_a_signature_of_nothing(network):
    assert np.isfinite(network.of(np.zeros((50, 50), np.uint8), [Placement(20, 20, 30)])).all()


def test_the_probability_is_the_logistic_of_the_settings(network):
    assert network.same(0.5) == pytest.approx(0.5)
    assert network.same(1.0) == pytest.approx(1 / (1 + math.exp(-2)))


@given(st.floats(-1, 1), st.floats(-1, 1))
def test_more_alike_is_more_probable(network, a, b):
    low, high = sorted((a, b))
    assert 0 < network.same(low) <= network.same(high) < 1


def test_settings_without_a_calibration_are_refused(tmp_path, stand_in_graph, stand_in_meta):
    path = tmp_path / "a.onnx"
    modelfile.write_network(path, stand_in_graph("signature"), stand_in_meta("signature", settings={}))
    with pytest.raises(ModelError, match=r"its settings hold no number 'same_person\.bias'"):
        SignatureNetwork(modelfile.read_network(path))
