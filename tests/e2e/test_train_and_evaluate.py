"""``mien train`` and ``mien evaluate`` from the command line to the files, on drawn faces, in seconds."""

import json

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytest.importorskip("onnx")

from mien import modelfile
from mien.evaluate import predictions, summary
from mien.models.onnx import OnnxModel

TINY = """
name = "tiny"
seed = 7
[patches]
size = 12
[augmentation]
copies = 1
[features]
name = "sparse_autoencoder"
units = 6
rho = 0.2
beta = 0.1
iterations = 12
[head]
name = "softmax"
C = [1.0]
"""


@pytest.fixture
def recipe_file(tmp_path):
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path


@pytest.fixture
def squares(tmp_path):
    """A folder per class: a bright bar at the top, at the bottom or in the middle; 12 people."""
    for k in range(48):
        face = np.random.default_rng(k).integers(60, 90, (24, 24)).astype(np.uint8)
        face[(slice(0, 8), slice(16, 24), slice(8, 16))[k % 3], 4:20] += 120
        folder = tmp_path / "squares" / ("happiness", "neutral", "surprise")[k % 3]
        folder.mkdir(parents=True, exist_ok=True)
        assert cv2.imwrite(str(folder / f"person{k // 4:02}_{k}_{k:03}.png"), face)
    return tmp_path / "squares"


@pytest.fixture
def tiny(mien_here, recipe_file, squares, tmp_path):
    target = tmp_path / "tiny.onnx"
    outcome = mien_here("train", recipe_file, "--data", f"folder:{squares}", "-o", target)
    assert (outcome.code, outcome.err) == (0, "")
    assert "48 faces of 12 people, seed 7" in outcome.out
    assert "torch and ONNX Runtime differ by" in outcome.out
    return target


def test_train_writes_one_file_that_says_where_it_comes_from(tiny, squares, tmp_path):
    file = modelfile.read(tiny)
    assert file.meta.name == "tiny"
    assert file.meta.labels.expressions == ("happiness", "neutral", "surprise")
    assert file.meta.provenance.recipe == TINY
    assert str(squares).encode() not in file.content  # nobody's paths travel
    assert OnnxModel(file).run(np.zeros((2, 12, 12), np.float32)).expressions.shape == (2, 3)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["squares", "tiny.onnx", "tiny.toml"]


def test_training_again_gives_the_same_bytes(tiny, mien_here, recipe_file, squares, tmp_path):
    for name, seed in (("same", ()), ("other", ("--seed", 8))):
        outcome = mien_here(
            "train", recipe_file, "--data", f"folder:{squares}", "-o", tmp_path / f"{name}.onnx", *seed
        )
        assert outcome.code == 0
    assert (tmp_path / "same.onnx").read_bytes() == tiny.read_bytes()
    assert (tmp_path / "other.onnx").read_bytes() != tiny.read_bytes()
    assert modelfile.read(tmp_path / "other.onnx").meta.provenance.seed == 8


def test_evaluate_writes_predictions_and_what_follows_from_them(tiny, mien_here, squares, tmp_path):
    out = tmp_path / "figures"
    outcome = mien_here("evaluate", tiny, "--data", f"folder:{squares}", "--protocol", "subject-10fold", "-o", out)
    assert (outcome.code, outcome.err) == (0, "")
    assert sorted(p.name for p in out.iterdir()) == ["metrics.json", "predictions.parquet", "report.html"]
    table = predictions.read(out / "predictions.parquet")
    assert len(table.item) == 48
    assert set(table.fold.tolist()) == set(range(10))
    figures = json.loads((out / "metrics.json").read_text())
    assert figures == json.loads(summary.as_json(summary.summarise(table)))
    assert figures["accuracy"]["value"] > 0.8 > figures["majority"]["accuracy"]["value"]
    assert f"{figures['balanced_accuracy']['value']:.3f}" in outcome.out
    assert f"{figures['balanced_accuracy']['value']:.3f}" in (out / "report.html").read_text()
    assert "always majority" in outcome.out


STACK = """
name = "stacked"
seed = 7
[patches]
size = 12
scaling = "local-contrast"
[augmentation]
mirror = true
copies = 1
rotation = 4.0
[features]
name = "stack"
layers = [8, 6]
rho = 0.2
beta = 0.1
weight_decay = 1e-5
iterations = 12
[head]
name = "softmax"
C = [1.0]
"""


def test_a_fine_tuned_stack_is_trained_and_trained_anew_in_every_fold(mien_here, squares, tmp_path):
    (tmp_path / "plain.toml").write_text(STACK)
    (tmp_path / "tuned.toml").write_text(STACK + "[fine_tuning]\nsteps = 150\nrate = 2e-2\nbatch = 32\n")
    accuracy = {}
    for name in ("plain", "tuned"):
        target, out = tmp_path / f"{name}.onnx", tmp_path / name
        outcome = mien_here("train", tmp_path / f"{name}.toml", "--data", f"folder:{squares}", "-o", target)
        assert (outcome.code, outcome.err) == (0, "")
        assert ("tuning steps 150" in outcome.out) == (name == "tuned")
        outcome = mien_here(
            "evaluate", target, "--data", f"folder:{squares}", "--protocol", "subject-10fold", "-o", out
        )
        assert (outcome.code, outcome.err) == (0, "")
        table = predictions.read(out / "predictions.parquet")
        assert len(table.item) == 48
        accuracy[name] = json.loads((out / "metrics.json").read_text())["accuracy"]["value"]
    assert accuracy["tuned"] > 0.9
    assert (tmp_path / "plain" / "predictions.parquet").read_bytes() != (
        tmp_path / "tuned" / "predictions.parquet"
    ).read_bytes()


def test_what_cannot_be_fine_tuned_is_refused_before_any_work(mien_here, tmp_path):
    (tmp_path / "no.toml").write_text(
        TINY.replace("sparse_autoencoder", "pixels").replace(
            "units = 6\nrho = 0.2\nbeta = 0.1\niterations = 12\n", ""
        )
        + "[fine_tuning]\n"
    )
    outcome = mien_here("train", tmp_path / "no.toml", "--data", "folder:/no/such/place")
    assert outcome.code == 2
    assert "no.toml: [fine_tuning] goes on from features made of logistic layers" in outcome.line
    assert "not from pixels" in outcome.line


def test_as_is_on_the_training_data_is_refused_in_one_line(tiny, mien_here, squares, tmp_path):
    outcome = mien_here(
        "evaluate", tiny, "--data", f"folder:{squares}", "--protocol", "as-is", "-o", tmp_path / "f"
    )
    assert outcome.code == 1
    assert "leak" in outcome.line
    assert not (tmp_path / "f" / "metrics.json").exists()


def test_drawn_faces_work_anywhere_and_are_marked_everywhere(mien_here, recipe_file, sample, tmp_path):
    target, out = tmp_path / "drawn.onnx", tmp_path / "figures"
    outcome = mien_here("train", recipe_file, "--data", "synthetic", "-o", target)
    assert (outcome.code, outcome.err) == (0, "")
    assert "SYNTHETIC" in outcome.out
    assert modelfile.read(target).meta.provenance.synthetic
    outcome = mien_here("evaluate", target, "--data", "synthetic", "--protocol", "holdout", "-o", out)
    assert (outcome.code, outcome.err) == (0, "")
    assert "SYNTHETIC" in outcome.out
    assert "SYNTHETIC" in (out / "report.html").read_text()
    assert json.loads((out / "metrics.json").read_text())["setting"]["synthetic"] is True
    outcome = mien_here("analyze", sample, "--model", target, "--every", 2, "-o", tmp_path / "t.csv")
    assert outcome.code == 0
    assert "SYNTHETIC" in outcome.err
    assert json.loads((tmp_path / "t.csv.json").read_text())["synthetic"] == "yes"


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        ({"recipe": "nowhere.toml"}, 2, "nowhere.toml: no such recipe file"),
        ({"data": "nobody:x"}, 2, "nobody"),
        ({"data": "folder:/no/such/place"}, 1, "/no/such/place"),
        ({"output": "no/such/folder/m.onnx"}, 1, "does not exist"),
        ({"output": "model.txt"}, 2, "must end in .onnx"),
        ({"seed": "-1"}, 2, "seed must be"),
    ],
)
def test_wrong_calls_of_train(mien_here, recipe_file, squares, tmp_path, monkeypatch, change, code, told):
    monkeypatch.chdir(tmp_path)
    call = {"recipe": recipe_file, "data": f"folder:{squares}", "output": "m.onnx", "seed": "7"} | change
    outcome = mien_here(
        "train", call["recipe"], "--data", call["data"], "-o", call["output"], "--seed", call["seed"]
    )
    assert outcome.code == code
    assert told in outcome.err
    assert "Traceback" not in outcome.err
    assert not list(tmp_path.glob("**/*.onnx"))


def test_an_unknown_protocol_is_named_before_any_work(tiny, mien_here, squares, tmp_path):
    outcome = mien_here("evaluate", tiny, "--data", f"folder:{squares}", "--protocol", "lose", "-o", tmp_path / "f")
    assert outcome.code == 2
    assert "loso" in outcome.line
    assert not (tmp_path / "f").exists()


@pytest.mark.parametrize("command", ["train", "evaluate"])
def test_help_shows_an_example(mien_here, command):
    outcome = mien_here(command, "--help")
    assert outcome.code == 0
    assert f"Example: mien {command}" in outcome.out
