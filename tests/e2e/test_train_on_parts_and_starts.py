"""``mien train`` and ``mien evaluate`` on data that come divided, beside other data, and from a model on."""

import json

import cv2
import numpy as np
import pytest

pytest.importorskip("torch")
pytest.importorskip("sklearn")
pytest.importorskip("onnx")

from mien import modelfile
from mien.evaluate import predictions
from mien.labels import EXPRESSIONS

TINY = """
name = "tiny"
seed = 7
[patches]
size = 12
[features]
name = "pixels"
[head]
name = "softmax"
C = [1.0]
"""
NETWORK = """
name = "net"
seed = 7
[patches]
size = 16
interpolation = "bilinear"
scaling = "full-range"
[backbone]
stem = 4
channels = [8, 12]
blocks = [1, 1]
[training]
steps = 12
batch = 16
warmup = 2
[calibration]
share = 0.0
"""


def face(k, seed):
    """A picture with a bright bar whose height tells the label ``k`` of eight."""
    picture = np.random.default_rng(seed).integers(60, 90, (24, 24)).astype(np.uint8)
    picture[3 * k : 3 * k + 3, 4:20] += 120
    return picture


@pytest.fixture
def web(tmp_path):
    """FER+ in small: four faces of every label to train on, two to choose by."""
    words = (*EXPRESSIONS, "unknown", "NF")
    lines = [",".join(("Usage", "Image name", *words))]
    for number in range(48):
        k = number % 8
        usage, folder = (("Training", "FER2013Train"), ("PublicTest", "FER2013Valid"))[number >= 32]
        (tmp_path / "web" / folder).mkdir(parents=True, exist_ok=True)
        name = f"fer{number:07d}.png"
        assert cv2.imwrite(str(tmp_path / "web" / folder / name), face(k, number))
        lines.append(",".join((usage, name, *(str(10 * (word == words[k])) for word in words))))
    (tmp_path / "web" / "fer2013new.csv").write_text("\n".join(lines))
    return f"ferplus:{tmp_path / 'web'}"


@pytest.fixture
def lab(tmp_path):
    """A table of three people who show everything, and of one who was coded for action units only."""
    (tmp_path / "lab").mkdir()
    lines = ["file,subject,expression,AU12"]
    for number in range(26):
        k, who = number % 8, number // 8
        assert cv2.imwrite(str(tmp_path / "lab" / f"{number}.png"), face(k, 100 + number))
        lines.append(f"{number}.png,p{who},{EXPRESSIONS[k] if number < 24 else ''},{int(k == 4)}")
    (tmp_path / "lab" / "faces.csv").write_text("\n".join(lines))
    return f"table:{tmp_path / 'lab' / 'faces.csv'}"


@pytest.fixture
def recipes(tmp_path):
    for name, text in (("tiny", TINY), ("net", NETWORK)):
        (tmp_path / f"{name}.toml").write_text(text)
    return tmp_path


@pytest.fixture
def tiny(mien_here, recipes, web, tmp_path):
    """A model of the faces that may be trained on."""
    target = tmp_path / "tiny.onnx"
    outcome = mien_here("train", recipes / "tiny.toml", "--data", web, "-o", target)
    assert (outcome.code, outcome.err) == (0, "")
    assert "ferplus-train: 32 faces of 32 people" in outcome.out
    assert "held out" in outcome.out
    assert "16 faces of ferplus's part validation" in outcome.out
    return target


def test_faces_set_apart_are_not_trained_on_and_may_be_scored(tiny, mien_here, web, tmp_path):
    assert modelfile.read(tiny).meta.provenance.data == "ferplus-train"
    outcome = mien_here("evaluate", tiny, "--data", web, "--protocol", "validation", "-o", tmp_path / "f")
    assert (outcome.code, outcome.err) == (0, "")
    assert "tiny on ferplus-validation, validation: 16 faces" in outcome.out
    assert all(name.startswith("FER2013Valid/") for name in read(tmp_path / "f").item)
    assert "set apart to choose by" in (tmp_path / "f" / "report.html").read_text()


def read(folder):
    return predictions.read(folder / "predictions.parquet")


@pytest.mark.parametrize(
    ("protocol", "told"),
    [
        ("as-is", r"trained on these very faces (ferplus, part train)"),
        ("test", "ferplus: has no part 'test'; there are: train, validation"),
    ],
)
def test_what_cannot_be_scored_is_named(tiny, mien_here, web, tmp_path, protocol, told):
    outcome = mien_here("evaluate", tiny, "--data", web, "--protocol", protocol, "-o", tmp_path / "f")
    assert outcome.code == 1
    assert told in outcome.line


def test_training_anew_divides_the_training_part_alone(tiny, mien_here, web, tmp_path):
    outcome = mien_here("evaluate", tiny, "--data", web, "--protocol", "subject-10fold", "-o", tmp_path / "f")
    assert (outcome.code, outcome.err) == (0, "")
    found = read(tmp_path / "f")
    assert len(found.item) == 32
    assert all(name.startswith("FER2013Train/") for name in found.item)
    assert found.setting.data == "ferplus-train"


def test_faces_beside_help_and_are_not_scored(tiny, mien_here, web, lab, tmp_path):
    out = tmp_path / "f"
    outcome = mien_here("evaluate", tiny, "--data", lab, "--beside", web, "--protocol", "loso", "-o", out)
    assert (outcome.code, outcome.err) == (0, "")
    assert "tiny on table, loso, trained beside ferplus-train: 24 faces of 3 people" in outcome.out
    assert set(read(out).subject) == {"p0", "p1", "p2"}
    assert json.loads((out / "metrics.json").read_text())["setting"]["beside"] == "ferplus-train"
    assert "with all of ferplus-train beside" in (out / "report.html").read_text()


@pytest.mark.parametrize("protocol", ["as-is", "validation", "test"])
def test_beside_is_refused_where_nothing_is_trained(tiny, mien_here, web, lab, tmp_path, protocol):
    outcome = mien_here(
        "evaluate", tiny, "--data", web, "--beside", lab, "--protocol", protocol, "-o", tmp_path / "f"
    )
    assert outcome.code == 2
    assert f"--beside: --protocol {protocol} trains nothing" in outcome.line
    assert not (tmp_path / "f").exists()


def test_faces_with_action_units_alone_are_left_out_of_the_figures(tiny, mien_here, lab, tmp_path):
    outcome = mien_here("evaluate", tiny, "--data", lab, "--protocol", "as-is", "-o", tmp_path / "f")
    assert (outcome.code, outcome.err) == (0, "")
    assert len(read(tmp_path / "f").item) == 24


def test_without_any_expression_there_is_nothing_to_score(tiny, mien_here, lab, tmp_path):
    table = tmp_path / "lab" / "faces.csv"
    rows = [line.split(",") for line in table.read_text().splitlines()]
    table.write_text("\n".join(",".join((file, who, unit)) for file, who, _, unit in rows))
    for protocol, told in (("as-is", "no labelled face to score"), ("loso", "needs 2 people with labelled faces")):
        outcome = mien_here("evaluate", tiny, "--data", lab, "--protocol", protocol, "-o", tmp_path / "f")
        assert outcome.code == 1
        assert told in outcome.line


def test_a_network_goes_on_from_a_model(mien_here, recipes, web, lab, tmp_path):
    first, second = tmp_path / "net.onnx", tmp_path / "mine.onnx"
    checkpoint = tmp_path / "net.npz"
    outcome = mien_here(
        "train", recipes / "net.toml", "--data", web, "-o", first, "--device", "cpu", "--checkpoint", checkpoint
    )
    assert (outcome.code, outcome.err) == (0, "")
    outcome = mien_here(
        "train", recipes / "net.toml", "--data", lab, "-o", second, "--from", first, "--tune", "heads"
    )
    assert (outcome.code, outcome.err) == (0, "")
    made = modelfile.read(second).meta
    assert made.notes["figures"]["started_from"]["sha256"] == modelfile.read(first).sha256
    outcome = mien_here("evaluate", second, "--data", web, "--protocol", "as-is", "-o", tmp_path / "f")
    assert outcome.code == 1
    assert "trained on these very faces" in outcome.line  # by way of the model it started from


@pytest.mark.parametrize(
    ("recipe", "more", "code", "told"),
    [
        ("tiny", ("--from", "paper"), 2, "tiny: only networks, recipes with a [backbone]"),
        ("tiny", ("--tune", "heads"), 2, "tiny: only networks, recipes with a [backbone]"),
        ("tiny", ("--device", "cuda"), 2, "tiny: only networks"),
        ("tiny", ("--checkpoint", "c.npz"), 2, "tiny: only networks"),
        ("net", ("--tune", "heads"), 2, "net starts from random weights; give --from, too"),
        ("net", ("--from", "nobody"), 2, "no model is called 'nobody'"),
        ("net", ("--from", "no.onnx"), 1, "no.onnx: no such model file"),
        ("net", ("--from", "paper"), 1, "'paper' was not made by a network recipe"),
        ("net", ("--checkpoint", "c.txt"), 2, "must end in .npz"),
        ("net", ("--checkpoint", "no/c.npz"), 1, "the folder no does not exist"),
        ("net", ("--tune", "all of it"), 2, "heads"),
    ],
)
def test_wrong_starts(mien_here, recipes, web, tmp_path, monkeypatch, recipe, more, code, told):
    monkeypatch.chdir(tmp_path)
    outcome = mien_here("train", recipes / f"{recipe}.toml", "--data", web, "-o", "m.onnx", *more)
    assert outcome.code == code
    assert told in outcome.err
    assert "Traceback" not in outcome.err
    assert not (tmp_path / "m.onnx").exists()
