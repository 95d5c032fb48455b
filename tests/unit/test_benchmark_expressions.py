"""The bench for expressions: what it does to faces, what it counts, what it writes."""

import importlib
import json
import math
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from mien import model_figures, modelfile
from mien.data.dataset import Dataset, Item
from mien.errors import DataError
from mien.evaluate import predictions, unit_predictions
from mien.evaluate.intervals import Interval
from mien.expression import ExpressionModel
from mien.faces.landmarks import LandmarkNetwork, upright
from mien.labels import EXPRESSIONS, LabelSet

ROOT = Path(__file__).parents[2]
SETTING = predictions.Setting("small", "ab" * 32, "ckplus", "cd" * 32, "subject-10fold", True, False, "", "9.9", 4)


@pytest.fixture(scope="module")
def bench():
    """Gives the bench's modules by name."""
    sys.path.insert(0, str(ROOT))
    yield lambda name: importlib.import_module(f"benchmarks.expressions.{name}")
    sys.path.remove(str(ROOT))


@pytest.fixture
def face():
    random = np.random.default_rng(0)
    coarse = np.kron(random.integers(40, 200, (6, 6)), np.ones((8, 8)))
    return (coarse + random.integers(0, 50, (48, 48))).astype(np.uint8)


@pytest.fixture
def model(bench, tiny_model):
    file = modelfile.read(tiny_model)
    return bench("material").Model("tiny", file, ExpressionModel(file))


@pytest.fixture
def faces(bench, face):
    shown = ("anger", "happiness", "neutral") * 8
    greys = tuple(np.roll(face, k, axis=k % 2) for k in range(24))
    names = tuple(f"i{k:02}" for k in range(24))
    points = (None, *(upright(grey) for grey in greys[1:]))
    return bench("material").Faces("drawn", names, names, shown, greys, points)


@pytest.fixture
def network(stand_in):
    return LandmarkNetwork(stand_in("landmarks"))


def test_the_clean_level_changes_nothing_and_the_others_do(bench, face):
    degradation = bench("degradation")
    at = upright(face)
    for sweep in degradation.SWEEPS:
        assert sweep.clean in sweep.levels
        for level in sweep.levels:
            picture, points = degradation.degraded(sweep, level, face, at, 3)
            again, _ = degradation.degraded(sweep, level, face, at, 3)
            np.testing.assert_array_equal(picture, again)
            assert picture.dtype == np.uint8
            assert points.shape == (68, 2)
            same = picture.shape == face.shape and (picture == face).all()
            assert same == (level == sweep.clean), (sweep.name, level)


def sweep_named(bench, name):
    return next(sweep for sweep in bench("degradation").SWEEPS if sweep.name == name)


def test_points_go_where_the_picture_goes(bench):
    picture = np.zeros((48, 48), np.uint8)
    picture[10:14, 30:34] = 255
    at = np.tile([31.5, 11.5], (68, 1))
    turned, moved = bench("degradation").degraded(sweep_named(bench, "rotation"), 30.0, picture, at, 0)
    y, x = np.mgrid[:48, :48]
    np.testing.assert_allclose(moved[0], [np.average(x, weights=turned), np.average(y, weights=turned)], atol=0.1)
    small, moved = bench("degradation").degraded(sweep_named(bench, "size"), 24.0, picture, at, 0)
    y, x = np.mgrid[:24, :24]
    np.testing.assert_allclose(moved[0], [np.average(x, weights=small), np.average(y, weights=small)], atol=0.05)


@pytest.mark.parametrize(
    ("level", "low", "high"), [("eyes", 0.1, 0.4), ("mouth", 0.05, 0.3), ("blocks", 0.29, 0.32)]
)
def test_occlusion_hides_the_part_that_it_names(bench, level, low, high):
    degradation = bench("degradation")
    black = np.zeros((48, 48), np.uint8)
    at = upright(black)
    hidden, _ = degradation.degraded(sweep_named(bench, "occlusion"), level, black, at, 1)
    assert low < (hidden > 0).mean() < high
    if level != "blocks":
        marks = at[list(degradation.MOUTH if level == "mouth" else degradation.BROWS_AND_EYES)].round().astype(int)
        others = at[list(degradation.BROWS_AND_EYES if level == "mouth" else degradation.MOUTH)].round().astype(int)
        assert (hidden[marks[:, 1], marks[:, 0]] > 0).all()
        assert (hidden[others[:, 1], others[:, 0]] == 0).all()


def test_drawing_faces_keeps_their_order_and_their_belongings(faces):
    few = faces.drawn(9, 1)
    assert len(few.item) == 9
    assert list(few.item) == sorted(few.item)
    assert few.item == faces.drawn(9, 1).item != faces.drawn(9, 2).item
    for k, name in enumerate(few.item):
        place = faces.item.index(name)
        assert few.greys[k] is faces.greys[place]
        assert few.shown[k] == faces.shown[place]
    assert faces.drawn(99, 1) is faces
    assert faces.missed == pytest.approx(1 / 24)


def test_validation_counts_what_the_model_says(bench, model, faces):
    rows, curves = bench("validation").run([model], faces)
    by = {(row.where, row.model, row.measure): row for row in rows}
    p = bench("material").predicted(model, faces)
    right = (p.probabilities.argmax(axis=1) == p.truth).mean()
    assert by["drawn, aligned", "tiny", "accuracy"].value == pytest.approx(right)
    assert by["drawn, aligned", "always majority", "accuracy"].value == pytest.approx(1 / 3)
    assert by["drawn, plain box", "tiny", "accuracy"].value == pytest.approx(right)  # the model takes no points
    assert by["drawn", "landmarks", "no face found"].value == pytest.approx(1 / 24)
    assert sum(one["faces"] for one in curves["tiny"].confused) == round(24 * (1 - right))
    assert curves["tiny"].risk_coverage[-1] == [1.0, pytest.approx(1 - right, abs=1e-4)]


def test_faces_with_labels_that_the_model_lacks_are_refused(bench, model, faces):
    foreign = type(faces)(faces.name, faces.item, faces.subject, ("fear",) * 24, faces.greys, faces.points)
    with pytest.raises(DataError, match="has no label fear"):
        bench("material").predicted(model, foreign)


def test_robustness_scores_every_level_of_every_model(bench, model, faces, network):
    robustness, sweeps = bench("robustness"), bench("degradation").SWEEPS
    rows, levels = robustness.run([model], faces, network, sweeps)
    assert len(levels) == sum(len(sweep.levels) for sweep in sweeps)
    clean = {
        one.redone for one in levels for sweep in sweeps if (one.sweep, one.level) == (sweep.name, sweep.clean)
    }
    assert len(clean) == 1
    by = {(row.where, row.measure): row.value for row in rows}
    blurs = [one.redone.value for one in levels if one.sweep == "blur" and one.level]
    assert by["blur", "mean accuracy over levels"] == pytest.approx(np.mean(blurs))
    assert len(robustness.mean_curve(levels, "tiny")) == robustness.STEPS
    assert robustness.mean_curve(levels, "tiny")[0] == pytest.approx(clean.pop().value, abs=1e-5)


def test_mean_curve_by_hand(bench):
    robustness, degradation = bench("robustness"), bench("degradation")
    both_ways = degradation.Sweep("turn", "", (-1.0, 0.0, 1.0), 0.0, None)
    one_way = degradation.Sweep("blur", "", (0.0, 1.0, 2.0), 0.0, None)
    accuracy = {("turn", -1.0): 0.2, ("turn", 0.0): 0.8, ("turn", 1.0): 0.4, ("blur", 0.0): 0.8, ("blur", 1.0): 0.7,
                ("blur", 2.0): 0.0}  # fmt: skip
    levels = [
        robustness.Level(name, level, "m", Interval(v, v, v), Interval(v, v, v), 0.0)
        for (name, level), v in accuracy.items()
    ]
    found = robustness.mean_curve(levels, "m", (both_ways, one_way))
    middle = robustness.STEPS // 2
    assert (found[0], found[middle], found[-1]) == pytest.approx((0.8, (0.55 + 0.7) / 2, (0.3 + 0.0) / 2))


def test_speed_tells_size_and_equal_bits(bench, model):
    rows = {(row.where, row.measure): row.value for row in bench("speed").run(model, rounds=3)}
    assert rows["file", "megabytes"] == pytest.approx(len(model.file.content) / 1e6)
    assert rows["two runs of 8 faces", "same bits"] == 1.0
    assert rows["1 face on one core", "ms, median"] > 0


def test_what_is_confused_most_comes_first(bench):
    truth = np.array([0, 0, 0, 1, 1, 2])
    answer = np.array([1, 1, 0, 2, 1, 0])
    p = SimpleNamespace(truth=truth, probabilities=np.eye(3)[answer], labels=("a", "b", "c"))
    found = bench("measures").confused(p)
    assert found[0] == {"truth": "a", "answer": "b", "faces": 2, "share": round(2 / 3, 4)}
    assert [one["faces"] for one in found] == [2, 1, 1]


def unit_table(probabilities=None, **changes):
    items = [f"S{k:03}_001_{j:08}" for k in range(6) for j in (1, 9)]
    truth = np.array([[j, k % 2 and j] for k in range(6) for j in (0, 1)], bool)
    given = np.where(truth, 0.8, 0.1) if probabilities is None else probabilities
    fields = {
        "units": ("AU12", "AU25"), "item": np.array(items), "subject": np.array([i[:4] for i in items]),
        "fold": np.zeros(12, np.intp), "truth": truth, "probabilities": given, "setting": SETTING,
    }  # fmt: skip
    return unit_predictions.UnitPredictions(**{**fields, **changes})


def frame(name):
    return Item(name, name[:4], name[:8], 0, "anger", (1, 0), lambda: np.zeros((8, 8), np.uint8))


def test_frames_take_their_own_units_or_those_of_the_sequence_s_last_frame(bench):
    table = unit_table(np.arange(24).reshape(12, 2) / 24)
    items = (frame("S002_001_00000001"), frame("S002_001_00000008"), frame("S000_001_00000009"))
    found = bench("table1").placed(items, table)
    np.testing.assert_allclose(found, table.probabilities[[4, 5, 1]], atol=1e-6)
    with pytest.raises(DataError, match="S009_001_00000001: neither it nor its sequence"):
        bench("table1").placed((frame("S009_001_00000001"),), table)


def test_units_that_no_fold_or_not_every_fold_knows_are_left_out(bench):
    probabilities = np.full((12, 2), 0.5)
    probabilities[3, 0] = np.nan
    assert bench("table1").placed((frame("S000_001_00000001"),), unit_table(probabilities)).shape == (1, 1)
    with pytest.raises(DataError, match="no action unit was predicted in every fold"):
        bench("table1").placed((frame("S000_001_00000001"),), unit_table(np.full((12, 2), np.nan)))


def test_units_of_people_who_may_have_been_trained_on_are_refused(bench):
    leaked = replace(SETTING, protocol="as-is", retrained=False)
    with pytest.raises(DataError, match="may have been trained on"):
        bench("table1").placed((), unit_table(setting=leaked))


def test_held_out_tables_are_counted_in_every_view(bench, tmp_path):
    heldout = bench("heldout")
    random = np.random.default_rng(1)
    p = predictions.Predictions(
        EXPRESSIONS, np.array([f"i{k:02}" for k in range(40)]), np.array([f"s{k // 4}" for k in range(40)]),
        np.arange(40) % 10, np.arange(40) % 8, random.dirichlet(np.ones(8), 40), SETTING,
    )  # fmt: skip
    predictions.write(tmp_path / "p.parquet", p)
    rows = heldout.expressions(tmp_path / "p.parquet", "default")
    wheres = {row.where.split(", ")[1] for row in rows}
    assert wheres == {"seven expressions", "eight classes", "six and neutral"}
    assert {row.held_out for row in rows} == {"people of ckplus, subject-10fold"}
    assert {row.model for row in rows} == {"default"}
    shown = heldout.showing(unit_table())
    assert len(shown.item) == 6
    assert shown.truth.any(axis=1).all()
    unit_predictions.write(tmp_path / "u.parquet", unit_table())
    rows = heldout.units(tmp_path / "u.parquet", "default")
    by = {(row.where.split(", ")[1], row.measure): row.value for row in rows}
    assert by["all coded faces", "auc AU12 (6 of 12 faces)"] == 1.0
    assert by["faces that show a unit", "auc AU25 (3 of 6 faces)"] == 1.0


def test_figures_are_written_printed_and_published(bench, model, tmp_path):
    report, measures = bench("report"), bench("measures")
    outcome = report.Outcome(rows=[
        measures.Row("validation", "tiny", "drawn, aligned", "accuracy", 0.5, 0.4, 0.6, "some"),
        measures.Row("validation", "other", "drawn, aligned", "accuracy", 0.7, 0.6, 0.8, "some"),
        measures.Row("speed", "tiny", "file", "megabytes", 1.5),
        measures.Row("robustness", "tiny", "blur", "mean accuracy over levels", 0.2, held_out="some"),
        measures.Row("robustness", "tiny", "all sweeps", "mean accuracy over levels", 0.3, held_out="some"),
    ])  # fmt: skip
    told = report.text(outcome)
    assert "tiny: 0.500 [0.400, 0.600]   other: 0.700 [0.600, 0.800]" in told
    report.write(tmp_path / "figures.json", outcome, [model])
    written = json.loads((tmp_path / "figures.json").read_text())
    assert written["rows"][2]["low"] is None
    assert math.isclose(written["rows"][2]["value"], 1.5)
    there = replace(model.file, path=tmp_path / "tiny.onnx")
    for chosen_by, held_out in (((), True), (("validation",), False)):
        report.publish(tmp_path / "tiny.json", outcome, model, chosen_by)
        published = model_figures.beside(there)
        assert published.sha256 == model.file.sha256
        assert published.figures == (
            model_figures.Figure("accuracy, drawn, aligned", 0.5, 0.4, 0.6, held_out),
            model_figures.Figure("mean accuracy over levels, all sweeps", 0.3, None, None, True),
        )


def test_charts_are_drawn_of_what_there_is(bench, model, faces, network, tmp_path):
    pytest.importorskip("matplotlib")
    robustness, report = bench("robustness"), bench("report")
    outcome = report.Outcome(curves=bench("validation").run([model], faces)[1], faces=24)
    few = [sweep_named(bench, "occlusion"), sweep_named(bench, "JPEG")]
    outcome.rows, outcome.levels = robustness.run([model], faces, network, few)
    outcome.mean_curves = {"tiny": robustness.mean_curve(outcome.levels, "tiny", few)}
    bench("plots").draw(outcome, tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["reliability.png", "risk_coverage.png", "robustness.png"]
    bench("plots").draw(report.Outcome(), tmp_path / "nothing")  # draws nothing, wants no folder


def test_no_validation_part_is_told(bench, network, monkeypatch, tmp_path):
    material = bench("material")
    data = Dataset("ferplus", (frame("S000_001_00000001"),), LabelSet(EXPRESSIONS))
    monkeypatch.setattr(material, "open_dataset", lambda _told: data)
    with pytest.raises(DataError, match="ferplus: has no part 'validation'"):
        material.validation(tmp_path, network, [])


def test_a_model_is_not_called_unseen_by_data_that_it_was_trained_on(bench, network, model, monkeypatch, tmp_path):
    material = bench("material")
    data = Dataset("squares", (frame("S000_001_00000001"),), LabelSet(EXPRESSIONS))  # as its file tells
    monkeypatch.setattr(material, "open_dataset", lambda _told: data)
    with pytest.raises(DataError, match="was trained on squares"):
        material.ckplus(tmp_path, network, [model])
    notes = {"trained_on": [{"data": "ckplus+jaffe", "fingerprint": "0" * 64}]}
    file = replace(model.file, meta=replace(model.file.meta, notes=notes))
    assert material.trained_on(file) == {"squares", "ckplus", "jaffe"}
    other = replace(data, name="others")
    monkeypatch.setattr(material, "open_dataset", lambda _told: other)
    assert material.ckplus(tmp_path, network, [model]).item == ("S000_001_00000001",)
