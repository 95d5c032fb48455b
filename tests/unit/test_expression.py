"""Scores of face crops: any crop is either scored as documented or refused in words."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from mien import modelfile
from mien.errors import InputError, ModelError
from mien.expression import ExpressionModel
from mien.labels import LabelSet
from mien.temporal.baseline import TYPICAL
from mien.types import Box

LABELS, UNITS = ("anger", "happiness", "neutral"), ("AU06", "AU12")


@pytest.fixture(scope="module")
def model(tiny_units_model):
    return ExpressionModel(modelfile.read(tiny_units_model))


@pytest.fixture(scope="module")
def plain(tiny_model):
    return ExpressionModel(modelfile.read(tiny_model))


def crop(height=40, width=36, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width), np.uint8)


def sound(model, crops):
    """Scores of crops, checked to be probabilities."""
    expressions, units = model.predict(crops), model.predict_action_units(crops)
    assert expressions.shape == (len(crops), 3)
    assert units.shape == (len(crops), 2)
    assert (expressions.dtype, units.dtype) == (np.float64, np.float64)
    np.testing.assert_allclose(expressions.sum(axis=1), 1, rtol=0, atol=1e-12)
    assert (expressions >= 0).all()
    assert ((units >= 0) & (units <= 1)).all()
    return np.concatenate([expressions, units], axis=1)


def test_it_says_what_its_columns_mean(model, plain):
    assert (model.labels, model.action_units) == (LABELS, UNITS)
    assert plain.action_units == ()
    assert plain.predict_action_units([crop()]).shape == (1, 0)
    assert model.predict_action_units([]).shape == (0, 2)


@pytest.mark.parametrize(
    "shape", [(1, 1), (1, 50), (50, 1), (3, 2), (2000, 1500), (24, 24), (1, 1, 3), (40, 36, 3)]
)
def test_crops_of_any_size(model, shape):
    pixels = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    sound(model, [pixels])


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64, ">f4"])
def test_floating_point_of_any_width(model, kind):
    pixels = crop()
    np.testing.assert_allclose(sound(model, [(pixels / 255).astype(kind)]), sound(model, [pixels]), atol=0.01)


@pytest.mark.parametrize("level", [0, 1, 127, 255])
def test_a_crop_of_one_grey_has_one_answer(model, level):
    """Nothing can be seen in it, whatever its grey: the patch is all zero."""
    flat = np.full((40, 36), level, np.uint8)
    nothing = model.score_patches(np.zeros((1, 24, 24), np.float32))
    np.testing.assert_array_equal(model.predict([flat]), nothing.expressions)
    np.testing.assert_array_equal(model.predict_action_units([flat]), nothing.action_units)
    sound(model, [flat])


def test_negatives_and_mirror_images_are_crops_like_others(model):
    pixels = crop()
    found = sound(model, [pixels, 255 - pixels, pixels[:, ::-1], pixels[::-1]])
    assert len(np.unique(found, axis=0)) == 4


def test_crops_are_left_as_they_are_and_need_not_lie_in_order(model):
    pixels = crop(80, 72)
    before = pixels.copy()
    turned, frozen = np.asfortranarray(pixels), pixels.copy()
    frozen.flags.writeable = False
    found = sound(model, [pixels, turned, frozen, np.repeat(pixels, 2, axis=1)[:, ::2]])
    np.testing.assert_array_equal(found, np.repeat(found[:1], 4, axis=0))
    np.testing.assert_array_equal(pixels, before)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (np.full((9, 9), np.nan), "frame 1 holds NaN or infinite values"),
        (np.full((9, 9), np.inf), "frame 1 holds NaN or infinite values"),
        (np.full((9, 9), -np.inf, np.float32), "frame 1 holds NaN or infinite values"),
        (np.full((9, 9), 1.5), r"frame 1 reaches from 1.5 to 1.5; .* must be in \[0, 1\]"),
        (np.full((9, 9), -0.1), r"must be in \[0, 1\]"),
        (np.zeros((9, 9), np.int64), "frame 1 has dtype int64"),
        (np.zeros((9, 9), np.uint16), "frame 1 has dtype uint16"),
        (np.zeros((9, 9), bool), "frame 1 has dtype bool"),
        (np.zeros((9, 9), complex), "frame 1 has dtype complex128"),
        (np.zeros((9, 9), object), "frame 1 has dtype object"),
        (np.zeros((9, 9, 4), np.uint8), r"frame 1 has shape \(9, 9, 4\)"),
        (np.zeros((9, 9, 2), np.uint8), r"frame 1 has shape \(9, 9, 2\)"),
        (np.zeros((9, 9, 1), np.uint8), r"frame 1 has shape \(9, 9, 1\)"),
        (np.zeros((0, 9), np.uint8), r"frame 1 has shape \(0, 9\)"),
        (np.zeros((9, 0, 3), np.uint8), r"frame 1 has shape \(9, 0, 3\)"),
        (np.zeros(9, np.uint8), r"frame 1 has shape \(9,\)"),
        (np.uint8(3), "frame 1 is a uint8, not a numpy array"),
        (None, "frame 1 is a NoneType, not a numpy array"),
        ("face.png", "frame 1 is a str, not a numpy array"),
    ],
)
def test_what_is_no_crop_is_refused_by_number(model, wrong, words):
    for predict in (model.predict, model.predict_action_units):
        with pytest.raises(InputError, match=words) as caught:
            predict([crop(), wrong])
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_one_crop_in_place_of_many_is_refused(model, channels):
    with pytest.raises(InputError, match=rf"an array of shape \(9, 9, {channels}\) is "):
        model.predict(np.zeros((9, 9, channels), np.uint8))


@pytest.mark.parametrize("wrong", [None, 3, 0.5])
def test_what_is_no_sequence_is_refused(model, wrong):
    with pytest.raises(InputError, match="faces are a list of crops"):
        model.predict(wrong)


class TestOneRun:
    def test_eight_faces_are_one_call(self, model, monkeypatch):
        calls = []
        inner = model._model.run
        monkeypatch.setattr(model._model, "run", lambda patches: calls.append(len(patches)) or inner(patches))
        scores = model.score([crop(seed=k) for k in range(8)], [None] * 8)
        assert calls == [8]
        assert (scores.expressions.shape, scores.action_units.shape) == ((8, 3), (8, 2))

    def test_repeated_runs_agree_to_the_last_bit(self, model):
        crops = [crop(seed=k) for k in range(8)]
        assert sound(model, crops).tobytes() == sound(model, crops).tobytes()

    def test_batch_mates_do_not_matter(self, model):
        crops = [crop(seed=k) for k in range(8)]
        alone = np.concatenate([sound(model, [one]) for one in crops])
        np.testing.assert_allclose(sound(model, crops), alone, rtol=0, atol=1e-6)
        np.testing.assert_allclose(sound(model, crops[::-1])[::-1], alone, rtol=0, atol=1e-6)


class TestPatches:
    def test_what_the_model_is_shown(self, model):
        grey = crop(100, 100)
        patches = model.patches([grey, grey], [Box(10, 20, 50, 50), None])
        assert (patches.shape, patches.dtype) == ((2, 24, 24), np.float32)
        assert (patches.min(), patches.max()) == (0, 1)
        scores, again = model.score([grey, grey], [Box(10, 20, 50, 50), None]), model.score_patches(patches)
        np.testing.assert_array_equal(scores.expressions, again.expressions)
        np.testing.assert_array_equal(scores.action_units, again.action_units)

    def test_none(self, model):
        assert model.patches([], []).shape == (0, 24, 24)
        assert model.score_patches(model.patches([], [])).expressions.shape == (0, 3)

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            (np.zeros((1, 24, 20), np.float32), r"are float32 \(n, 24, 24\), not float32 \(1, 24, 20\)"),
            (np.zeros((24, 24), np.float32), "not float32"),
            (np.zeros((1, 24, 24)), "not float64"),
            (np.full((1, 24, 24), 1.01, np.float32), r"must be in \[0, 1\]"),
            (np.full((1, 24, 24), np.nan, np.float32), r"must be in \[0, 1\]"),
        ],
    )
    def test_what_is_no_patch(self, model, wrong, words):
        with pytest.raises(InputError, match=words):
            model.score_patches(wrong)


class TestNeutral:
    def told(self, tiny_units_model, note):
        file = modelfile.read(tiny_units_model)
        meta = dataclasses.replace(file.meta, notes={"neutral_action_units": note})
        return ExpressionModel(dataclasses.replace(file, meta=meta))

    def test_what_the_file_tells(self, tiny_units_model):
        found = self.told(tiny_units_model, [0.1, 0.25]).neutral_action_units
        np.testing.assert_array_equal(found, [0.1, 0.25])

    def test_what_is_assumed_where_it_does_not(self, model, plain):
        np.testing.assert_array_equal(model.neutral_action_units, [TYPICAL, TYPICAL])
        assert plain.neutral_action_units.shape == (0,)

    @pytest.mark.parametrize(
        "note", [[0.1], [0.1, 0.2, 0.3], [0.1, 1.2], [0.1, float("nan")], "ab", [True, 0.1], 0.1]
    )
    def test_what_cannot_be_meant(self, tiny_units_model, note):
        with pytest.raises(
            ModelError, match=r"units\.onnx: its note 'neutral_action_units' must hold 2 probabilities"
        ):
            self.told(tiny_units_model, note)


def test_labels_that_the_graph_lacks_are_refused_by_the_file_s_name(tmp_path, tiny_graph, tiny_meta):
    path = tmp_path / "liar.onnx"
    modelfile.write(path, tiny_graph(units=2), tiny_meta(labels=LabelSet(LABELS, ("AU06", "AU12", "AU25"))))
    with pytest.raises(ModelError, match=r"liar\.onnx: contradicts itself: .*names 3 action units"):
        ExpressionModel(modelfile.read(path))
