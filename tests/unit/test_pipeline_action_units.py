"""The corridor with action units: from the model to the table, referred to neutral, and expressions withheld."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from skimage import data

import mien
from mien import facs, modelfile
from mien.errors import ModelError, RecipeError
from mien.labels import LabelSet
from mien.output.opening import open_table
from mien.pipeline import Count
from mien.temporal.baseline import Baseline, Options
from mien.video.arrays import ArraySource

LABELS, UNITS = ("anger", "happiness", "neutral"), ("AU06", "AU12")


@pytest.fixture(scope="module")
def astronaut():
    """The face and what is around it, RGB, 200 x 200."""
    return cv2.resize(data.astronaut()[0:320, 70:390], (200, 200), interpolation=cv2.INTER_AREA)


def clip(astronaut, count=6, rate=25):
    return ArraySource([np.roll(astronaut, 2 * k, axis=1) for k in range(count)], [k / rate for k in range(count)])


def plan(tmp_path, text):
    path = tmp_path / "plan.toml"
    path.write_text(text)
    return path


def test_every_face_has_its_action_units(tiny_units_model, tiny_model, astronaut):
    results = list(mien.load(tiny_units_model).run(clip(astronaut)))
    without = list(mien.load(tiny_model).run(clip(astronaut)))
    assert len(results) == 6
    for one, other in zip(results, without, strict=True):
        (face,), (bare,) = one.faces, other.faces
        assert face.action_units.shape == (2,)
        assert ((face.action_units > 0) & (face.action_units < 1)).all()
        np.testing.assert_array_equal(face.probabilities, bare.probabilities)
        assert face.probabilities.sum() == pytest.approx(1)
        assert (bare.action_units, bare.evidence, bare.withheld) == (None, "", "")


def test_action_units_are_smoothed_like_expressions(tiny_units_model, astronaut, tmp_path):
    raw = [
        result.faces[0]
        for result in mien.load(tiny_units_model, recipe=plan(tmp_path, "[smoothing]\nseconds = 0\n")).run(
            clip(astronaut)
        )
    ]
    smooth = [result.faces[0] for result in mien.load(tiny_units_model).run(clip(astronaut))]
    weight = 1 - np.exp(-0.04 / 0.15)
    state = np.concatenate([raw[0].probabilities, raw[0].action_units])
    for one, other in zip(raw[1:], smooth[1:], strict=True):
        state = state + weight * (np.concatenate([one.probabilities, one.action_units]) - state)
        np.testing.assert_allclose(np.concatenate([other.probabilities, other.action_units]), state, atol=1e-12)


def test_evidence_speaks_of_the_units_that_are_given(tiny_units_model, astronaut):
    made = mien.load(tiny_units_model)
    rules = facs.rules(made.model.meta.labels)
    for result in made.run(clip(astronaut)):
        (face,) = result.faces
        assert face.evidence == facs.evidence(rules, UNITS, face.action_units)


@pytest.mark.parametrize(
    ("level", "reason"),
    [("presence = 1.0", "presence"), ("size = 500", "size"), ("confidence = 1.0", "confidence")],
)
def test_an_expression_is_withheld(tiny_units_model, astronaut, tmp_path, level, reason):
    made = mien.load(tiny_units_model, recipe=plan(tmp_path, f"[abstention]\n{level}\n"))
    for result, plain in zip(
        made.run(clip(astronaut)), mien.load(tiny_units_model).run(clip(astronaut)), strict=True
    ):
        (face,), (named,) = result.faces, plain.faces
        assert (face.expression, face.withheld) == ("", reason)
        assert (named.expression, named.withheld) == (LABELS[int(named.probabilities.argmax())], "")
        np.testing.assert_array_equal(face.probabilities, named.probabilities)  # given all the same
        np.testing.assert_array_equal(face.action_units, named.action_units)


def test_a_level_that_is_reached_withholds_nothing(tiny_model, astronaut, tmp_path):
    made = mien.load(
        tiny_model, recipe=plan(tmp_path, "[abstention]\nsize = 5\nconfidence = 0.34\nsharpness = 0.01\n")
    )
    assert [face.withheld for result in made.run(clip(astronaut)) for face in result.faces] == [""] * 6


def test_the_baseline_is_asked_with_what_the_model_gives(tiny_units_model, astronaut, tmp_path):
    text = "[smoothing]\nseconds = 0\n"
    settings = "[baseline]\nreference = 'neutral'\nneutral = 0.0\nleast = 0.0\nseconds = 5\n"
    raw = list(mien.load(tiny_units_model, recipe=plan(tmp_path, text)).run(clip(astronaut, 20)))
    made = mien.load(tiny_units_model, recipe=plan(tmp_path, text + settings))
    twin = Baseline(Options("neutral", 0.0, 0.0, 5.0), made.model.neutral_action_units)
    changed = 0
    for one, other in zip(raw, made.run(clip(astronaut, 20)), strict=True):
        (bare,), (face,) = one.faces, other.faces
        expected = twin.refer(1, one.time, bare.action_units, float(bare.probabilities[2]))
        np.testing.assert_allclose(face.action_units, expected, atol=1e-12)
        np.testing.assert_array_equal(face.probabilities, bare.probabilities)
        changed += not np.array_equal(face.action_units, bare.action_units)
    assert changed > 5


def test_settings_that_the_model_or_the_path_cannot_serve(
    tiny_model, tiny_units_model, tmp_path, tiny_graph, tiny_meta
):
    neutral = plan(tmp_path, "[baseline]\nreference = 'neutral'\n")
    with pytest.raises(RecipeError, match=r"\[baseline\] wants a model with action units.*'tiny' is not"):
        mien.load(tiny_model, recipe=neutral)
    path = tmp_path / "m.onnx"
    modelfile.write(path, tiny_graph(units=2), tiny_meta(labels=LabelSet(("a", "b", "c"), UNITS)))
    with pytest.raises(RecipeError, match="the label 'neutral'"):
        mien.load(path, recipe=neutral)
    small = plan(tmp_path, "[follow]\nname = 'boxes'\n[track]\nname = 'overlap'\n[abstention]\nsize = 20\n")
    with pytest.raises(RecipeError, match=r"\[abstention\] asks for a quality.*ask for confidence only"):
        mien.load(tiny_units_model, recipe=small)
    with pytest.raises(RecipeError, match="abstention: confidence must be 0 to 1"):
        mien.load(tiny_model, recipe=plan(tmp_path, "[abstention]\nconfidence = 50\n"))
    with pytest.raises(RecipeError, match="baseline: reference must be one of 'none', 'neutral'"):
        mien.load(tiny_model, recipe=plan(tmp_path, "[baseline]\nreference = 'median'\n"))


def test_a_level_of_confidence_needs_no_landmarks(tiny_model, tmp_path):
    text = "[follow]\nname = 'boxes'\n[track]\nname = 'overlap'\n[abstention]\nconfidence = 1\n"
    assert mien.load(tiny_model, recipe=plan(tmp_path, text)).shown().withheld


def test_a_model_whose_note_is_wrong_is_refused_by_name(tmp_path, tiny_graph, tiny_meta):
    path = tmp_path / "m.onnx"
    note = {"neutral_action_units": [0.1]}
    modelfile.write(path, tiny_graph(units=2), tiny_meta(labels=LabelSet(LABELS, UNITS), notes=note))
    with pytest.raises(ModelError, match=r"m\.onnx: its note 'neutral_action_units'"):
        mien.load(path)


def test_the_table_in_every_format(tiny_units_model, astronaut, tmp_path):
    polars = pytest.importorskip("polars")
    recipe = plan(tmp_path, "[abstention]\nconfidence = 1.0\n")
    made = mien.load(tiny_units_model, recipe=recipe)
    table = polars.DataFrame(mien.analyze(clip(astronaut), model=tiny_units_model, recipe=recipe))
    assert table.columns[9:14] == [*LABELS, *UNITS]
    assert table.columns[-2:] == ["evidence", "withheld"]
    assert table.schema["AU12"] == polars.Float32
    assert table["expression"].to_list() == [None] * 6
    assert table["withheld"].to_list() == ["confidence"] * 6
    for suffix in ("csv", "jsonl", "parquet"):
        sink = open_table(tmp_path / f"t.{suffix}", made.shown())
        for frame, result in made.watch(clip(astronaut)):
            sink.write(frame, result)
        sink.finish(Count(made, "clip").record(0))
    binary = polars.read_parquet(tmp_path / "t.parquet")
    text = polars.read_csv(tmp_path / "t.csv", schema_overrides=binary.schema)
    lines = [json.loads(line) for line in (tmp_path / "t.jsonl").read_text().splitlines()]
    assert binary.equals(text)
    assert binary.equals(table)
    assert [list(line) for line in lines] == [binary.columns] * 6
    assert [np.float32(line["AU12"]) for line in lines] == binary["AU12"].to_list()
    assert {line["withheld"] for line in lines} == {"confidence"}
    assert {line["expression"] for line in lines} == {None}


def test_models_without_action_units_have_the_old_columns(tiny_model, astronaut):
    names = mien.analyze(clip(astronaut, 2), model=tiny_model).schema.names
    assert names[-3:] == ["state", "id_score", "shot"]
    assert not [name for name in names if name.startswith("AU")]
