"""``mien evaluate`` of a model with two heads, from the command line to the files, on drawn faces."""

import json

import numpy as np
import pytest

pytest.importorskip("onnx")

from mien import modelfile
from mien.evaluate import predictions, summary, unit_predictions
from mien.labels import EXPRESSIONS, LabelSet

UNITS = ("AU01", "AU12", "AU25")
SIZE = 8


@pytest.fixture
def two_heads(tmp_path):
    """A model of one layer of random weights with both outputs; trained on nothing."""
    onnx = pytest.importorskip("onnx")
    helper, number, float32 = onnx.helper, onnx.numpy_helper.from_array, onnx.TensorProto.FLOAT
    random = np.random.default_rng(0)
    weights = {name: random.normal(0, 0.3, (SIZE * SIZE, n)).astype(np.float32) for name, n in (("E", 8), ("U", 3))}
    made = helper.make_graph(
        [
            helper.make_node("Flatten", ["patches"], ["pixels"], axis=1),
            helper.make_node("MatMul", ["pixels", "E"], ["scores"]),
            helper.make_node("Softmax", ["scores"], ["probabilities"], axis=1),
            helper.make_node("MatMul", ["pixels", "U"], ["raised"]),
            helper.make_node("Sigmoid", ["raised"], ["action_units"]),
        ],
        "two heads",
        [helper.make_tensor_value_info("patches", float32, ["n", SIZE, SIZE])],
        [
            helper.make_tensor_value_info("probabilities", float32, ["n", 8]),
            helper.make_tensor_value_info("action_units", float32, ["n", 3]),
        ],
        [number(value, name) for name, value in weights.items()],
    )
    model = helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    meta = modelfile.ModelMeta(
        name="two-heads",
        labels=LabelSet(EXPRESSIONS, UNITS),
        preprocessing={"size": SIZE},
        provenance=modelfile.Provenance("", "nothing", "0" * 64, 0, 0, False, 1, "0.1.0"),
    )
    path = tmp_path / "two.onnx"
    modelfile.write(path, bytes(model.SerializeToString(deterministic=True)), meta)
    return path


def test_action_units_get_a_table_figures_and_a_section(two_heads, mien_here, tmp_path):
    out = tmp_path / "figures"
    outcome = mien_here("evaluate", two_heads, "--data", "synthetic", "--protocol", "as-is", "-o", out)
    assert (outcome.code, outcome.err) == (0, "")
    assert sorted(p.name for p in out.iterdir()) == [
        "action_units.parquet", "metrics.json", "predictions.parquet", "report.html",
    ]  # fmt: skip
    table = unit_predictions.read(out / "action_units.parquet")
    assert len(table.item) == 320
    assert np.isfinite(table.probabilities[:, table.units.index("AU12")]).all()
    assert np.isnan(table.probabilities[:, table.units.index("AU02")]).all()
    told = json.loads((out / "metrics.json").read_text())
    assert told["action_units"]["meant"]
    assert set(told["action_units"]["meant"]) <= set(UNITS)
    assert told["action_units"]["units"]["AU02"]["enough_data"] is False
    auc = told["action_units"]["units"]["AU12"]["auc"]["value"]
    assert f"{auc:.3f}" in outcome.out
    assert "not enough data" in outcome.out
    assert f"{auc:.3f}" in (out / "report.html").read_text()
    assert told["selective"]["aurc"]["value"] == pytest.approx(
        summary.summarise(predictions.read(out / "predictions.parquet"), 20).selective["aurc"].value
    )


def test_a_model_without_units_leaves_no_older_table_beside_its_figures(mien_here, tmp_path):
    (tmp_path / "action_units.parquet").write_bytes(b"of an earlier run")
    outcome = mien_here("evaluate", "paper", "--data", "synthetic", "--protocol", "as-is", "-o", tmp_path)
    assert (outcome.code, outcome.err) == (0, "")
    assert not (tmp_path / "action_units.parquet").exists()
    assert "action_units" not in json.loads((tmp_path / "metrics.json").read_text())
