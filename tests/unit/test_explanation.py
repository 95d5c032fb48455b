"""Occlusion maps find what a model looks at, by construction."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

onnx = pytest.importorskip("onnx")

from mien import modelfile  # noqa: E402
from mien.explanation import (  # noqa: E402
    OUTSIDE,
    POSITIONS,
    REGIONS,
    Explainer,
    explain,
    region_map,
    shares,
    strongest,
)
from mien.expression import ExpressionModel, load_model  # noqa: E402
from mien.faces.shape import Placement, mean_shape  # noqa: E402
from mien.labels import LabelSet  # noqa: E402
from mien.types import Box, Frame, Landmarks, Observation  # noqa: E402
from mien.video.arrays import frame_from_array  # noqa: E402

SIZE = 24
UNITS = ("AU01", "AU12", "AU27")
AREAS = region_map(SIZE, 1.0)


def bright(*names: str) -> np.ndarray:
    """Ones where the face has these parts, zeros elsewhere; (size, size)."""
    return np.isin(AREAS, [REGIONS.index(name) for name in names]).astype(np.float32)


@pytest.fixture(scope="module")
def seeing(tmp_path_factory, tiny_meta):
    """Happiness is light on the mouth, not the brows; AU01 is light on the brows, AU12 on the mouth, AU27 never."""
    node, value, float32 = onnx.helper.make_node, onnx.helper.make_tensor_value_info, onnx.TensorProto.FLOAT
    mouth, brows = (bright(part).ravel() / bright(part).sum() for part in ("mouth", "brows"))
    weights = {
        "W": np.stack([0 * mouth, 6 * mouth - 3 * brows, 0 * mouth], axis=1),
        "V": np.stack([8 * brows, 6 * mouth, 0 * mouth], axis=1),
        "b": np.array([-4, -4, -9]),
    }
    nodes = [
        node("Flatten", ["patches"], ["pixels"], axis=1),
        node("MatMul", ["pixels", "W"], ["scores"]),
        node("Softmax", ["scores"], ["probabilities"], axis=1),
        node("MatMul", ["pixels", "V"], ["raised"]),
        node("Add", ["raised", "b"], ["odds"]),
        node("Sigmoid", ["odds"], ["action_units"]),
    ]
    made = onnx.helper.make_graph(
        nodes,
        "seeing",
        [value("patches", float32, ["n", SIZE, SIZE])],
        [value("probabilities", float32, ["n", 3]), value("action_units", float32, ["n", 3])],
        [onnx.numpy_helper.from_array(np.asarray(v, np.float32), k) for k, v in weights.items()],
    )
    graph = onnx.helper.make_model(made, opset_imports=[onnx.helper.make_opsetid("", 17)])
    graph.ir_version = 8
    path = tmp_path_factory.mktemp("seeing") / "seeing.onnx"
    meta = tiny_meta(labels=LabelSet(("anger", "happiness", "neutral"), UNITS))
    modelfile.write(path, graph.SerializeToString(deterministic=True), meta)
    return load_model(path)


def test_the_map_finds_the_region_that_the_answer_depends_on(seeing):
    patch = bright("mouth", "brows")
    why = explain(seeing, patch)
    assert why.expression.name == "happiness"
    assert why.expression.map.shape == (SIZE, SIZE)
    at = np.unravel_index(why.expression.map.argmax(), AREAS.shape)
    assert REGIONS[AREAS[at]] == "mouth"
    against = np.unravel_index(why.expression.map.argmin(), AREAS.shape)
    assert REGIONS[AREAS[against]] == "brows"
    assert why.expression.map.min() < 0
    assert next(iter(why.expression.regions)) == "mouth"
    np.testing.assert_allclose(why.probabilities, seeing.score_patches(patch[None]).expressions[0], atol=1e-6)
    assert why.expression.covered < why.expression.probability == why.probabilities[1]


def test_each_action_unit_has_a_map_of_its_own(seeing):
    why = explain(seeing, bright("mouth", "brows"))
    assert [unit.name for unit in why.units] == ["AU01", "AU12"]  # AU27 is not there
    for unit, part in zip(why.units, ("brows", "mouth"), strict=True):
        assert REGIONS[AREAS[np.unravel_index(unit.map.argmax(), AREAS.shape)]] == part
        assert next(iter(unit.regions)) == part
    (asked,) = explain(seeing, bright("mouth"), units=["AU27"]).units
    assert (asked.name, asked.map.any(), asked.regions) == ("AU27", False, {})


def test_another_label_can_be_explained(seeing):
    why = explain(seeing, bright("mouth"), "neutral")
    assert why.expression.name == "neutral"
    assert why.expression.map.max() < 1e-6 < -why.expression.map.min()  # the mouth speaks against it
    with pytest.raises(ValueError, match="not in"):
        explain(seeing, bright("mouth"), "boredom")


@given(st.floats(0, 1, width=32))
@settings(max_examples=20)
def test_a_patch_of_one_grey_says_nothing(seeing, grey):
    why = explain(seeing, np.full((SIZE, SIZE), grey, np.float32))
    assert not why.expression.map.any()
    assert why.expression.regions == {}
    assert why.expression.covered == why.expression.probability


def test_the_same_patch_gives_the_same_maps(seeing):
    patch = np.random.default_rng(0).random((SIZE, SIZE), np.float32)
    first, second = explain(seeing, patch), explain(seeing, patch)
    np.testing.assert_array_equal(first.expression.map, second.expression.map)
    assert first.expression.regions == second.expression.regions


@pytest.mark.parametrize("name", ["paper", "aligned"])
def test_every_model_can_be_asked(name):
    model = load_model(name)
    patch = np.random.default_rng(1).random((24, 24), np.float32)
    why = explain(model, patch)
    assert why.units == ()
    assert np.isfinite(why.expression.map).all()
    assert sum(why.expression.regions.values()) == pytest.approx(1)
    shown = list(why.expression.regions.values())
    assert shown == sorted(shown, reverse=True)


def test_the_model_is_asked_once_and_with_patches_it_takes(seeing, monkeypatch):
    asked = []
    score = ExpressionModel.score_patches

    def counted(self, patches):
        asked.append(patches)
        return score(self, patches)

    monkeypatch.setattr(ExpressionModel, "score_patches", counted)
    patch = np.round(np.random.default_rng(2).random((SIZE, SIZE))).astype(np.float32)
    explain(seeing, patch)
    (batch,) = asked
    assert batch.shape == (POSITIONS**2 + 1, SIZE, SIZE)
    assert batch.dtype == np.float32
    assert batch.min() >= 0
    assert batch.max() <= 1
    assert (np.abs(batch[1:] - patch).max(axis=0) > 0.1).all()  # every pixel is covered by some window


@pytest.mark.parametrize("margin", [0.85, 1.0, 1.3])
@pytest.mark.parametrize("size", [24, 48])
def test_the_parts_of_the_face_lie_where_the_mean_shape_has_them(size, margin):
    areas = region_map(size, margin)
    shape = mean_shape()[:, :2]

    def at(x: float, y: float) -> str:
        column, row = (int(((value - 0.5) / margin + 0.5) * size) for value in (x, y))
        return REGIONS[areas[row, column]]

    assert at(*shape[[51, 57, 62]].mean(axis=0)) == "mouth"
    assert at(*shape[36:42].mean(axis=0)) == at(*shape[42:48].mean(axis=0)) == "eyes"
    assert at(*shape[19]) == at(*shape[24]) == "brows"
    assert at(*shape[30]) == "nose"
    assert at(0.22, 0.62) == at(0.78, 0.62) == "cheeks"
    assert at(0.5, 0.1) == "forehead"
    assert REGIONS[areas[size - 1, 0]] == OUTSIDE
    assert (areas == areas[:, ::-1]).mean() > 0.97  # as symmetric as the mean shape


def test_shares_count_what_speaks_for_the_answer_only():
    heat = 3.0 * bright("mouth") - 9.0 * bright("eyes")
    assert shares(heat, AREAS) == {"mouth": 1.0}
    assert shares(-np.abs(heat), AREAS) == {}


def test_the_strongest_units():
    assert strongest(("a", "b", "c", "d", "e"), np.array([0.6, 0.9, 0.4, 0.7, 0.5])) == ("b", "d", "a")
    assert strongest((), np.zeros(0)) == ()


def test_the_picture_shows_the_place_of_the_patch():
    model = load_model("aligned")  # aligned by points
    place = Placement(60.0, 50.0, 64.0, roll=20.0)
    points = place.points(mean_shape()[:, :2]).astype(np.float32)
    image = np.full((120, 140, 3), 40, np.uint8)
    x, y = np.rint(points[30]).astype(int)
    image[y - 2 : y + 3, x - 2 : x + 3] = (250, 10, 10)  # the nose's tip
    frame = Frame(0, 0.0, frame_from_array(image, 0).pixels)
    marks = Landmarks(points, np.full(68, 0.5, np.float32), 1.0)
    face = Observation(1, Box(28, 18, 64, 64), 1.0, "confirmed", "neutral", np.full(8, 1 / 8), landmarks=marks)
    explainer = Explainer(model)
    picture = explainer.picture(frame, face, 1.3, 130)
    assert picture.shape == (130, 130, 3)
    assert picture.dtype == np.uint8
    row, column = np.unravel_index(picture[:, :, 0].argmax(), (130, 130))
    seen = (np.array([column, row]) + 0.5) / 130
    expected = (mean_shape()[30, :2] - 0.5) / (0.9 * 1.3) + 0.5
    np.testing.assert_allclose(seen, expected, atol=0.04)
    patch = explainer.patch(frame, face)
    assert (patch.shape, patch.dtype) == ((24, 24), np.float32)
    assert explainer.explain(patch, face).expression.name == "neutral"
